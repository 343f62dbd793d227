"""Exercises of lesson 09, DeepDream: checkers, hints, solutions."""

from __future__ import annotations

import numpy as np

from course_utils.exercises import (
    Exercise,
    call,
    expect_array,
    expect_choice,
    expect_number,
    require,
)


def _check_gradient(push):
    maps = np.random.default_rng(1).normal(size=(3, 4, 5))
    channel, picked = 3, maps[..., 3]
    only, ones, column, row = np.zeros((4, *maps.shape))
    only[..., channel] = picked
    ones[..., channel] = 1
    column[:, channel] = maps[:, channel]
    row[channel % 3] = maps[channel % 3]
    twice, half = 2 * only, 0.5 * (only**2).sum()
    expect_array(
        call(push, maps, channel),
        only,
        what="push(maps, channel=3) for maps of shape (3, 4, 5)",
        mistakes={
            "that is the whole activation; only one channel is to be excited": maps,
            "that has ones in the channel: it ascends the *sum* of the channel, not half its "
            "square": ones,
            "the derivative of a square has a factor 2, and the half in front takes it away": twice,
            "that is the score, not its derivative": 0.5 * only**2,
            "that is one number, the score; a gradient has the shape of the maps": half,
            "the channel is the *last* axis; this picked a column": column,
            "the channel is the *last* axis; this picked a row": row,
            "only the channel was returned; the others belong there too, as zeros": picked,
            "that leaves out one channel and pushes all others": maps - only,
            "that is the absolute value; a negative entry has to become more negative": abs(only),
        },
    )


GRADIENT = Exercise(
    name="09-gradient",
    title="What to send backwards",
    hints=(
        "The score is half the sum of squares of one channel. On which entries does it depend?",
        "Its derivative by an entry $a$ of that channel is $a$; by any other entry it is 0.",
        "Begin with `np.zeros_like(maps)` and fill `[..., channel]`.",
    ),
    solution="""def push(maps, channel):
    gradient = np.zeros_like(maps)
    gradient[..., channel] = maps[..., channel]
    return gradient
""",
    why="The derivative of a²/2 is a, and the score does not depend on the other channels at all. "
    "Sent backwards to the pixels, this array makes a dream of one channel; section "
    "4.3 of the lesson sends ones, and makes another.",
    check=_check_gradient,
)


def _slope(picture):
    """A stand-in for the gradient: it depends on the place, as near the borders of a picture."""
    rows, columns = np.indices(picture.shape[:2])
    return (picture + 0.1 * rows[..., None] - 0.2 * columns[..., None]) ** 2


def _check_jitter(jittered_gradient):
    picture = np.random.default_rng(2).random((5, 7, 3))
    shift, back = (2, 3), (-2, -3)

    def rolled(forth, back, axes=(0, 1)):
        return np.roll(_slope(np.roll(picture, forth, axes)), back, axes)

    right = rolled(shift, back)
    expect_array(
        call(jittered_gradient, picture, shift, _slope),
        right,
        what="jittered_gradient(picture, (2, 3), gradient_of)",
        mistakes={
            "the gradient has to be rolled back, or it belongs to other pixels": rolled(shift, 0),
            "the picture was never rolled: this is the gradient without jitter": rolled(0, 0),
            "the gradient was rolled once more in the same direction, not back": (
                rolled(shift, shift)
            ),
            "rolled the wrong way first: forth by the shift, then back": rolled(back, shift),
            "rows and columns are exchanged: the shift is (down, right)": (
                rolled(shift[::-1], back[::-1])
            ),
            "only the rows were rolled; the columns have to be as well": rolled((2, 0), (-2, 0)),
            "only the columns were rolled; the rows have to be as well": rolled((0, 3), (0, -3)),
            "only the picture was rolled and rolled back; the gradient was never computed": picture,
            "the rolling went along the channels, too; give `axis=(0, 1)`": rolled(2, -2, None),
            "that is the changed picture; only its gradient is asked for": picture + right,
        },
    )


JITTER = Exercise(
    name="09-jitter",
    title="Jitter, there and back",
    hints=(
        "Three steps: roll the picture, take the gradient, roll the gradient back.",
        "`np.roll(picture, shift, axis=(0, 1))` rolls down and to the right, and what leaves on "
        "one side comes in on the other.",
        "To roll back, negate both: `np.negative(shift)`.",
    ),
    solution="""def jittered_gradient(picture, shift, gradient_of):
    rolled = np.roll(picture, shift, axis=(0, 1))
    return np.roll(gradient_of(rolled), np.negative(shift), axis=(0, 1))
""",
    why="The gradient belongs to the rolled picture, pixel by pixel; rolled back, each of its "
    "entries meets its own pixel again.",
    check=_check_jitter,
)


def _check_octaves(sizes):
    height, width, octaves, scale = 200, 300, 4, 1.4

    def listed(side=round, factor=lambda k: scale**k):
        """From large to small."""
        factors = [factor(k) for k in range(octaves)]
        return [(side(height / f), side(width / f)) for f in factors]

    down, chained = listed(), [(height, width)]
    grown, halved = listed(factor=lambda k: scale**-k), listed(factor=lambda k: 2**k)
    even = listed(factor=lambda k: scale * k or 1)
    right = down[::-1]
    for _ in range(octaves - 1):
        chained.insert(0, tuple(int(side / scale) for side in chained[0]))
    answer = call(sizes, height, width, octaves, scale)
    count = len(answer) if isinstance(answer, np.ndarray | list | tuple) else octaves
    hint = "one octave is missing: the picture's own size is one of them"
    require(count != octaves - 1, hint)
    hint = "one octave too many: 4 octaves have 3 steps between them"
    require(count != octaves + 1, hint)
    expect_array(
        answer,
        right,
        what="sizes(200, 300, 4, 1.4)",
        mistakes={
            "the right sizes, but from large to small; the dream begins with the smallest": down,
            "these grow beyond the picture; the last octave has the picture's own size": grown,
            "width comes first here; pictures are (height, width)": [s[::-1] for s in right],
            "each octave is smaller by the *factor* 1.4, not by equal steps": even[::-1],
            "the fractions were cut off; use `round`": listed(int)[::-1],
            "rounding errors add up if each size is cut from the one before; divide the picture's "
            "own size by scale**k": chained,
            "whole numbers of pixels are asked for; use `round`": listed(float)[::-1],
            "halved each time: the scale is the last argument": halved[::-1],
            "only the height was scaled": [(h, width) for h, _ in right],
        },
    )


OCTAVES = Exercise(
    name="09-octaves",
    title="The sizes of the octaves",
    hints=(
        "The last size is (height, width). What is the one before?",
        "Octave number k from the end is smaller by `scale**k`.",
        "`for k in reversed(range(octaves))`, and `round` each side.",
    ),
    solution="""def sizes(height, width, octaves, scale):
    return [
        (round(height / scale**k), round(width / scale**k)) for k in reversed(range(octaves))
    ]
""",
    why="Each size is a fixed factor larger than the one before, so that the motifs of each octave "
    "are that factor smaller in the finished picture.",
    check=_check_octaves,
)


def _check_normalize(normalized):
    gradient = np.random.default_rng(3).normal(size=(4, 5, 3))
    gradient[0] *= 9
    sizes, centered = np.abs(gradient), gradient - gradient.mean()
    length, root = np.linalg.norm(gradient), np.sqrt((gradient**2).mean())
    divisors = {
        "divided by the largest value: one wild pixel then shrinks all others": sizes.max(),
        "divided by the Euclidean length, which grows with the number of pixels": length,
        "divided by the standard deviation; the mean absolute value is asked for": gradient.std(),
        "divided by the root of the mean square; the mean *absolute* value is asked for": root,
        "each channel has its own divisor here; one number for all": sizes.mean(axis=(0, 1)),
        "each pixel has its own divisor here; one number for all": sizes.mean(2, keepdims=True),
        "only the signs are left; that is another method, of lesson 10": sizes,
        "divided by the mean; positive and negative entries cancel in it": gradient.mean(),
        "divided by the sum of absolute values; divide by their mean": sizes.sum(),
        "that is the gradient itself; it is still to be divided": 1,
    }
    mistakes = {hint: gradient / divisor for hint, divisor in divisors.items()}
    hint = "the mean was subtracted; a gradient of one sign should keep it"
    mistakes[hint] = centered / np.abs(centered).mean()
    right = gradient / sizes.mean()
    answer = call(normalized, gradient)
    expect_array(answer, right, what="normalized(gradient)", mistakes=mistakes)
    tiny = np.asarray(call(normalized, 1e-6 * gradient), float)
    hint = (
        "a gradient a million times smaller should give the same steps; the guard against zero is "
        "too large"
    )
    require(tiny.shape == right.shape and bool(np.allclose(tiny, right, rtol=0.02)), hint)
    flat = np.asarray(call(normalized, np.zeros((2, 2, 3))), float)
    require(bool(np.isfinite(flat).all()), "a gradient of zeros gives 0 / 0; keep it at zero")
    hint = "a gradient of zeros should stay zeros, in shape"
    require(flat.shape == (2, 2, 3) and not flat.any(), hint)


NORMALIZE = Exercise(
    name="09-normalize",
    title="Steps of equal size",
    hints=(
        "Which one number says how large the entries are, whatever their signs?",
        "`np.abs(gradient).mean()`",
        "Add something tiny, such as `1e-12`, to the divisor, for a gradient of zeros.",
    ),
    solution="""def normalized(gradient):
    return gradient / (np.abs(gradient).mean() + 1e-12)
""",
    why="The direction is the gradient's own, and a pixel changes by 1 on average, whatever the "
    "layer, the size of the picture or the number of steps taken. So one step size serves all.",
    check=_check_normalize,
)


def _check_motif(octaves_needed):
    expect_number(
        octaves_needed,
        6,
        what="your number of octaves",
        tol=1e-9,
        mistakes={
            "that is the number of steps *between* octaves; the picture's own size is one more": 5,
            "100 / 24 is the factor; how many times 1.4 is that, multiplied?": 100 / 24,
            "the logarithm is right, but octaves are whole: round up, then add the picture's own": (
                np.log(100 / 24) / np.log(1.4)
            ),
            "rounded down: with 4 steps of 1.4 the motif covers 92 pixels": 4,
            "adding 1.4 each time would need that many; octaves multiply": np.ceil(
                1 + (100 / 24 - 1) / 0.4
            ),
            "100 / 24, rounded up; but one octave is a factor of 1.4, not of 1": 3,
            "with a factor of 24 / 100 one goes the wrong way: to smaller motifs": -3,
            "100 - 24 is a difference; octaves multiply sizes": 76,
        },
    )


MOTIF = Exercise(
    name="09-motif",
    title="How many octaves for a motif of 100 pixels?",
    hints=(
        "In an octave that is smaller by the factor f, a motif of 24 pixels becomes 24 f pixels "
        "wide in the finished picture.",
        "1.4 to the power of 4 is 3.84, to the power of 5 it is 5.38. Which one is enough?",
        "n octaves have n - 1 steps between them.",
    ),
    solution="octaves_needed = 6\n",
    why="24 * 1.4**4 = 92 is not enough, 24 * 1.4**5 = 129 is. Five steps of 1.4 lie between six "
    "octaves. (A deeper layer, with a receptive field of 60 pixels, needs three.)",
    check=_check_motif,
)

_CURES = {"A": "octaves", "B": "smaller steps", "C": "jitter"}
_NO_CURES = {
    "A": {
        "smaller steps": "A is not saturated: few pixels are black or white. Its motifs are all of "
        "one size",
        "jitter": "A has no straight lines in it. Look at the size of its motifs instead",
        "normalize": "A's steps had the right size; look at the size of its motifs",
    },
    "B": {
        "octaves": "B's octaves are fine; look at its colors",
        "jitter": "B has no straight lines in it; look at its colors",
        "normalize": "normalized gradients would not help B: each step was already that large on "
        "average",
    },
    "C": {
        "octaves": "C's octaves are fine. Look along its middle row and column",
        "smaller steps": "C's colors are fine. Look along its middle row and column",
        "normalize": "C's steps had the right size; look along its middle row and column",
    },
}


def _check_diagnosis(cure_a, cure_b, cure_c):
    for name, cure in zip("ABC", (cure_a, cure_b, cure_c), strict=True):
        expect_choice(cure, _CURES[name], _NO_CURES[name])


DIAGNOSIS = Exercise(
    name="09-diagnosis",
    title="Three sick dreams",
    hints=(
        "One of them has colors cut at black and white, one has lines where there should be none, "
        "one has motifs of a single size.",
        "Large and small motifs come from octaves; broken lines between tiles are cured by jitter; "
        "black, white and glaring colors come from steps that are too large.",
    ),
    solution='cure_a, cure_b, cure_c = "octaves", "smaller steps", "jitter"\n',
    why="A was dreamed in one size only. B took steps five times as large, so that many "
    "values are cut at 0 and 1. C went through the network in four tiles that never moved.",
    check=_check_diagnosis,
)


def _check_guide(wanted):
    random = np.random.default_rng(4)
    maps, guide = random.normal(size=(6, 4)), random.normal(size=(9, 4))
    guide[2] *= 3  # long vectors win dot products, and not cosines
    products = maps @ guide.T
    best, nearness = products.argmax(axis=1), -((maps[:, None] - guide) ** 2).sum(axis=2)
    largest, favorites, mean = products.max(1), products.argmax(0), guide.mean(axis=0)
    cosines, sizes = products / np.linalg.norm(guide, axis=1), np.abs(products)
    chosen_by = {
        "by the smallest distance; the largest dot product is asked for": nearness,
        "by the cosine: dot products are not to be divided by lengths here": cosines,
        "the *smallest* dot product was taken": -products,
        "by the largest absolute value; a large negative product means the opposite": sizes,
        "one vector for all places; each place chooses its own": products.sum(0) + 0 * products,
    }
    expect_array(
        call(wanted, maps, guide),
        guide[best],
        what="wanted(maps, guide) for shapes (6, 4) and (9, 4)",
        mistakes={hint: guide[table.argmax(axis=1)] for hint, table in chosen_by.items()}
        | {
            "these are the places in the guide; look the vectors up: `guide[best]`": best,
            "these are the dot products; the *vector* that has the largest is asked for": largest,
            "all dot products, none chosen yet": products,
            "the other way round: for each place of the guide a vector of the picture": maps[
                favorites
            ],
            "that is the mean of the guide, the same for all places": mean + 0 * maps,
            "that is the difference; the vector itself is what goes backwards": guide[best] - maps,
        },
    )


GUIDE = Exercise(
    name="09-guide",
    title="What the guide wants",
    hints=(
        "First all dot products at once, a table of shape (places, places of the guide).",
        "`(maps @ guide.T).argmax(axis=1)` says for each place which vector of the guide suits it "
        "best.",
        "An array indexed by an array: `guide[best]` looks all of them up.",
    ),
    solution="""def wanted(maps, guide):
    best = (maps @ guide.T).argmax(axis=1)
    return guide[best]
""",
    why="If the best vector is held fixed, the dot product a · g has the derivative g by a: so g "
    "takes the place that the activation itself had in the plain dream.",
    check=_check_guide,
)

EXERCISES = (GRADIENT, NORMALIZE, OCTAVES, MOTIF, JITTER, DIAGNOSIS, GUIDE)
