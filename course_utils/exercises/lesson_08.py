"""Exercises of lesson 08, style transfer: checkers, hints, solutions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from course_utils.exercises import (
    Exercise,
    Wrong,
    call,
    expect_array,
    expect_choice,
    expect_number,
    require,
)


def _check_gram(grams):
    maps = np.random.default_rng(8).random((3, 4, 5, 2)) * np.array([1.0, 2.0])
    rows = maps.reshape(3, 20, 2)
    means = rows.mean(axis=1)
    pairs = means[:, :, None] * means[:, None]

    def product(rows):
        return rows.transpose(0, 2, 1) @ rows / 20

    right, crossed = product(rows), product(rows.transpose(0, 2, 1))
    centered = product(rows - means[:, None])
    mixed = product(maps.reshape(3, 2, 20).transpose(0, 2, 1))
    expect_array(
        call(grams, maps),
        right,
        what="grams(maps) for maps of shape (3, 4, 5, 2)",
        mistakes={
            "the division by the number of positions, h times w, is missing": 20 * right,
            "divided by the channels as well; only positions were summed over": right / 2,
            "divided by the number of all values, n times h times w times c": right / 6,
            "divided by h only; the sum goes over h times w positions": right * 5,
            "this compares positions, (n, N, N); the product is in the wrong order": crossed,
            "all pictures were thrown together; each one has its own matrix": right.mean(axis=0),
            "all pictures were added up; each one has its own matrix": right.sum(axis=0),
            "these are covariances: a Gram matrix does not subtract the mean": centered,
            "the channels were mixed up with positions: keep the last axis when you reshape": mixed,
            "this is the product of the channels' means; multiply first, then average": pairs,
        },
    )


GRAM = Exercise(
    name="08-gram",
    title="Gram matrices of a batch",
    hints=(
        "First make rows of positions: (n, h * w, c). The last axis stays.",
        "For one picture it is `rows.T @ rows`; `@` also works for a stack of matrices, if only "
        "the last two axes are exchanged.",
        "`rows.transpose(0, 2, 1) @ rows`, divided by `h * w`.",
    ),
    solution="""def grams(maps):
    n, h, w, c = maps.shape
    rows = maps.reshape(n, h * w, c)
    return rows.transpose(0, 2, 1) @ rows / (h * w)
""",
    why="Entry (i, j) is the mean over positions of channel i times channel j. Pictures of a batch "
    "must not be mixed: each has its own style.",
    check=_check_gram,
)

# Letter -> whether the Gram matrix stays as it is, and what to think of.
_CHANGES = {
    "a": (True, "a sum over positions does not care for their order"),
    "b": (False, "two channels that met at one place do not meet any more"),
    "c": (True, "mirrored maps have the same rows in another order"),
    "d": (True, "in every product both signs turn"),
    "e": (False, "twice the numbers, four times the products"),
    "f": (False, "the numbers stay, but their rows and columns are exchanged, too"),
}


def _check_unchanged(unchanged):
    if not isinstance(unchanged, str | list | tuple | set):
        raise Wrong('a string of letters is expected, such as "abc"')
    letters = [str(letter).strip().lower() for letter in unchanged]
    letters = [letter for letter in letters if letter not in ("", ",", " ")]
    require(set(letters) <= set(_CHANGES), "the letters are a to f; yours has another one")
    require(bool(letters), "at least one of the six leaves the matrix as it is")
    for letter, (stays, reason) in _CHANGES.items():
        require(stays or letter not in letters, f"{letter} changes the matrix: {reason}")
    missing = [why for letter, (stays, why) in _CHANGES.items() if stays and letter not in letters]
    hint = f"what you named is right, and {len(missing)} missing. Think: {'; '.join(missing)}"
    require(not missing, hint)


UNCHANGED = Exercise(
    name="08-unchanged",
    title="What does a Gram matrix notice?",
    hints=(
        "Look at the sum: which products are in it? Does one of them change, or only their order?",
        "Try it: `maps = np.random.random((4, 5, 3))`, change it, and compare `F.T @ F` before and "
        "after.",
    ),
    solution="""unchanged = "acd"
""",
    why="Orders of positions, mirror images among them, do not matter, and a sign turned "
    "everywhere cancels. Channels shuffled on their own no longer meet: that is exactly what "
    "style is made of. Exchanged channels give the same numbers at other places of the matrix.",
    check=_check_unchanged,
)


def _check_grows(entries_grow, squares_grow):
    expect_number(
        entries_grow,
        4,
        what="the factor of the entries",
        mistakes={
            "twice the side: how many times the positions?": 2,
            "that is what the squares do; the entries come first": 16,
            "nothing is divided here: the sum has more terms": 1,
            "three dimensions? Channels do not become more": 8,
        },
    )
    expect_number(
        squares_grow,
        16,
        what="the factor of the squares",
        mistakes={
            "the differences grow as the entries do; now square them": 4,
            "4 times 2 is not 4 squared": 8,
            "the number of entries, C times C, stays; do not count it again": 64,
            "two matrices are subtracted, not divided: nothing cancels": 1,
            "four squared, and only once": 256,
        },
    )


GROWS = Exercise(
    name="08-grows",
    title="Why divide by the positions?",
    hints=(
        "Twice the side: how many positions are there to sum over?",
        "If all entries are 4 times as large, so are differences. And their squares?",
    ),
    solution="""entries_grow, squares_grow = 4, 16
""",
    why="Four times the positions, four times the sum; squared, 16 times. Without the division, a "
    "weight found at one size is wrong by a factor of 16 at twice the size.",
    check=_check_grows,
)


def _check_variation(total_variation):
    picture = np.random.default_rng(3).random((4, 6, 3))
    down, right, across = (np.diff(picture, axis=axis) for axis in range(3))
    tall, wide, deep = (np.abs(part).sum() for part in (down, right, across))
    total = tall + wide
    around = sum(np.abs(picture - np.roll(picture, 1, axis)).sum() for axis in (0, 1))
    two = tall / down.size + wide / right.size
    expect_number(
        call(total_variation, picture),
        total / 72,
        what="total_variation(picture)",
        mistakes={
            "this is the sum; divide it by the number of values": total,
            "divided by the pixels; each of them has three values": total / 24,
            "without absolute values, up and down cancel": (down.sum() + right.sum()) / 72,
            "these are squares; take absolute values": ((down**2).sum() + (right**2).sum()) / 72,
            "only the vertical neighbors were compared": tall / 72,
            "only the horizontal neighbors were compared": wide / 72,
            "two means were added; there are fewer neighbors than values, and one divisor": two,
            "color channels were compared with one another; take rows and columns only": (
                total + deep
            )
            / 72,
            "neighbors across the border were compared: the picture does not wrap around": around
            / 72,
        },
    )
    flat = call(total_variation, np.full((3, 5, 3), 0.4))
    expect_number(flat, 0, what="the variation of a uniform picture")


VARIATION = Exercise(
    name="08-variation",
    title="Total variation",
    hints=(
        "`picture[1:] - picture[:-1]` are the differences of vertical neighbors.",
        "The same along the other axis: `picture[:, 1:] - picture[:, :-1]`.",
        "Absolute values, two sums, and `picture.size` to divide by.",
    ),
    solution="""def total_variation(picture):
    down = np.abs(picture[1:] - picture[:-1]).sum()
    right = np.abs(picture[:, 1:] - picture[:, :-1]).sum()
    return (down + right) / picture.size
""",
    why="It is what `tf.image.total_variation` gives, divided by the number of values: so one "
    "weight fits pictures of all sizes.",
    check=_check_variation,
)


def _check_reuse(second_picture):
    expect_choice(
        second_picture,
        "b",
        {
            "a": "Adam does not look at the new gradient only; lesson 04: what does it remember?",
            "c": "assigning new values to a variable is allowed; nobody notices, which is the trap",
            "d": "the weights are no variables of this optimizer; only the picture is",
        },
    )


REUSE = Exercise(
    name="08-reuse",
    title="An optimizer used twice",
    hints=(
        "Adam keeps two arrays of the size of the picture. What is in them?",
        "A running mean of gradients, and one of their squares. Whose?",
    ),
    solution="""second_picture = "b"
""",
    why="The means of the old picture's gradients are still in Adam's memory: the first steps go "
    "where the *old* picture wanted to go. With another variable instead, Keras would raise an "
    "error. One optimizer for each picture.",
    check=_check_reuse,
)


def _check_retrace(compilations):
    expect_number(
        compilations,
        4,
        what="the number of compilations",
        mistakes={
            "not every call: some have arguments of the same kind": 6,
            "the fifth call brings a tensor where a number was: another kind": 3,
            "the sixth differs from the fifth in the *value* of a tensor only": 5,
            "sizes are not all that counts: look at the second argument": 2,
            "it is not one for all: nothing in the signature was left open": 1,
            "nothing runs without being compiled": 0,
        },
    )


RETRACE = Exercise(
    name="08-retrace",
    title="Count the compilations",
    hints=(
        "For each call write down the shape of the first argument, and the second one: its value "
        "if it is a Python number, only *tensor* if it is a tensor.",
        "How many different lines are there? Zeros or ones make no difference.",
    ),
    solution="""compilations = 4
""",
    why="(64, 64) with 1.0; (64, 64) with 2.0; (96, 64) with 2.0, twice; (96, 64) with a tensor, "
    "twice. The values in tensors do not count, Python numbers do.",
    check=_check_retrace,
)


def _check_effect(effect_layers, effect_ratio):
    numbers = [effect_layers] if isinstance(effect_layers, int | np.integer) else effect_layers
    try:
        chosen = sorted(int(number) for number in numbers)
        whole = [float(number) for number in numbers] == [int(number) for number in numbers]
    except (TypeError, ValueError, OverflowError):
        raise Wrong("effect_layers should be numbers from 1 to 5, such as (4, 5)") from None
    require(bool(chosen) and whole, "name at least one layer, by whole numbers from 1 to 5")
    hint = "the style layers have the numbers 1 to 5; 1 is the shallowest"
    require(min(chosen) >= 1 and max(chosen) <= 5, hint)
    hint = "colors and the finest texture live in the first layer; it is not among yours"
    require(1 in chosen, hint)
    hint = "layers 4 and 5 bring large shapes of the painting, which she does not want"
    require(max(chosen) < 4, hint)
    require(max(chosen) < 3, "at layer 3, with 24 pixels in view, strokes appear")
    expect_number(
        effect_ratio,
        1,
        what="effect_ratio",
        mistakes={
            "so little content lets the outlines go; she wants all of them": 0.001,
            "of the two ratios offered, choose one; this lies in between": 0.1,
            "without any content nothing ties the result to her photo": 0,
        },
    )


EFFECT = Exercise(
    name="08-effect",
    title="Choose layers and weights",
    hints=(
        "Which layers gave no shapes in section 2.3? What did the top row of the grid look like?",
        "And outlines: they are content. Should it weigh much or little?",
    ),
    solution="""effect_layers, effect_ratio = (1,), 1
""",
    why="The first layer, or the first two, see a few pixels: colors and edges. A content weight "
    "as large as the style's keeps every outline in place.",
    check=_check_effect,
)

_CAUSES = {"gray": "a", "noisy": "b", "stuck": "c"}
_NOT_BY = {
    "gray": {
        "b": "gray: without the variation term there would be *more* grain, not less",
        "c": "gray: bytes give no gradient at all; then nothing would have become smooth",
        "d": "gray: without style you would get the photo, with all its textures",
    },
    "noisy": {
        "a": "noisy: a large variation weight removes grain",
        "c": "noisy: the colors of the style are there, so gradients did arrive",
        "d": "noisy: with a style weight of zero no style colors would appear",
    },
    "stuck": {
        "a": "stuck: a large variation weight would smooth the picture, so it would change",
        "b": "stuck: with a high rate pixels move a lot",
        "d": "stuck: equal in *every* pixel? Variation would still smooth it a little",
    },
}


def _check_diagnose(causes):
    if not isinstance(causes, Mapping):
        raise Wrong('a dictionary is expected: {"gray": ..., "noisy": ..., "stuck": ...}')
    for symptom, right in _CAUSES.items():
        require(symptom in causes, f'your dictionary has no entry "{symptom}"')
        expect_choice(causes[symptom], right, _NOT_BY[symptom])


DIAGNOSE = Exercise(
    name="08-diagnose",
    title="Three patients",
    hints=(
        "What does the variation term do when it wins? What is missing when it is absent?",
        "A picture that does not change at all has never been given a gradient.",
    ),
    solution="""causes = {"gray": "a", "noisy": "b", "stuck": "c"}
""",
    why="Variation is least for uniform patches, and without it grain has no price. A gradient "
    "that is `None` means that the picture was not on the path: whole numbers have no derivative.",
    check=_check_diagnose,
)

EXERCISES = (VARIATION, GRAM, UNCHANGED, GROWS, REUSE, RETRACE, EFFECT, DIAGNOSE)
