"""Exercises of lesson 05, architecture tour: checkers, hints, solutions."""

from __future__ import annotations

import math

import numpy as np

from course_utils import architectures
from course_utils.exercises import (
    Exercise,
    Wrong,
    call,
    expect_choice,
    expect_number,
    require,
)

# --------------------------------------------------------------------------------------------------


def _check_top_k(top_k_error):
    random = np.random.default_rng(5)
    for classes, k in ((10, 3), (10, 1), (50, 5)):
        scores = random.normal(size=(40, classes))
        labels = random.integers(0, classes, 40)
        order = np.argsort(-scores, axis=1)
        found = (order[:, :k] == labels[:, None]).any(axis=1)
        wrong_way = (np.argsort(scores, axis=1)[:, :k] == labels[:, None]).any(axis=1)
        place = (order[:, k - 1] == labels) if k > 1 else None
        mistakes = {
            "that is the share of right answers; the *error* is asked for": found.mean(),
            "that is a number of pictures; divide by how many there are": (~found).sum(),
            "these k classes have the *lowest* scores; `argsort` puts the smallest first": (
                1 - wrong_way.mean()
            ),
            "that is in percent; give the error as a fraction from 0 to 1": 100
            * (1 - found.mean()),
        }
        if k > 1:
            mistakes |= {
                "that is the top-1 error; any of the k best classes may be the right one": (
                    (order[:, 0] != labels).mean()
                ),
                "only the class in place k is compared; the places before it count as well": (
                    (~place).mean()
                ),
                "these are k - 1 classes; a slice `[:k]` stops before k": (
                    (order[:, : k - 1] != labels[:, None]).all(axis=1).mean()
                ),
                "these are k + 1 classes": (
                    (order[:, : k + 1] != labels[:, None]).all(axis=1).mean()
                ),
            }
        expect_number(
            call(top_k_error, scores, labels, k),
            1 - found.mean(),
            what=f"top_k_error for 40 pictures, {classes} classes, k={k}",
            mistakes=mistakes,
        )


TOP_K = Exercise(
    name="05-top-k",
    title="The measure of the competition",
    hints=(
        "For each picture, which k classes have the highest scores?",
        "`np.argsort(-scores, axis=1)[:, :k]` gives their numbers, one row a picture.",
        "Compare with `labels[:, None]`, and use `any(axis=1)`.",
    ),
    solution="""def top_k_error(scores, labels, k):
    best = np.argsort(-scores, axis=1)[:, :k]
    return 1 - (best == labels[:, None]).any(axis=1).mean()
""",
    why="A picture counts as recognized if its label is among the k best classes. Many photos show "
    "several things, and ImageNet names only one of them: hence five guesses.",
    check=_check_top_k,
)

# --------------------------------------------------------------------------------------------------


def _check_partial(partial_parameters):
    cases = (
        ("C3 of LeNet-5", architectures.LENET_CONNECTIONS, 5, 6),
        ("three maps", ((0, 1), (1, 2), (0, 1, 2)), 3, 3),
    )
    for what, connections, kernel, below in cases:
        links, maps, area = sum(map(len, connections)), len(connections), kernel**2
        mistakes = {
            "each map also has a bias": area * links,
            "each map has one bias, not one for each map that it sees": (area + 1) * links,
            "each map has a bias of its own, not one for all": area * links + 1,
            "that is full connection: every map sees all below": (area * below + 1) * maps,
            "a kernel has as many weights for each map seen as it has pixels: kernel * kernel": (
                kernel * links + maps
            ),
            "each map needs one kernel for *each* map that it sees": (area + 1) * maps,
            "that is the number of links between maps; each has a kernel of its own": links,
        }
        expect_number(
            call(partial_parameters, connections, kernel),
            area * links + maps,
            what=f"partial_parameters for {what}",
            mistakes=mistakes,
        )


PARTIAL = Exercise(
    name="05-partial",
    title="Partial connections of 1998",
    hints=(
        "How many kernels does a map have that sees three maps below?",
        "One kernel of kernel x kernel weights for each map that it sees, and one bias.",
    ),
    solution="""def partial_parameters(connections, kernel):
    return sum(kernel**2 * len(seen) + 1 for seen in connections)
""",
    why="Sixteen maps with 60 links in all: 60 * 25 + 16 = 1,516 instead of 2,416. It saved "
    "weights and kept maps from all learning the same. Grouped and depthwise "
    "convolutions are later forms of the same idea.",
    check=_check_partial,
)

# --------------------------------------------------------------------------------------------------


def _check_stack(stack_saving):
    for layers, channels in ((3, 256), (2, 64), (5, 7)):
        side = 2 * layers + 1
        stack, single = 9 * layers, side**2
        expect_number(
            call(stack_saving, layers, channels),
            stack / single,
            what=f"stack_saving({layers}, {channels})",
            mistakes={
                "that is upside down: weights of the stack, divided by those of the one layer": (
                    single / stack
                ),
                "that is one 3 x 3 layer against the large one; the stack has several": 9 / single,
                "n layers of 3 x 3 see 2n + 1 pixels, not 3n: windows overlap": (
                    stack / (3 * layers) ** 2
                ),
                "n layers of 3 x 3 see 2n + 1 pixels; each layer adds two": (
                    stack / (layers + 2) ** 2
                ),
                "the one layer has side * side weights for each pair of channels": stack / side,
                "that is the share saved; the share that is *left* is asked for": (
                    1 - stack / single
                ),
                "these are weights of the stack; divide them by those of the one layer": (
                    stack * channels**2
                ),
                "channels count in both, and cancel": stack / single / channels,
            },
        )


STACK = Exercise(
    name="05-stack",
    title="A stack of 3 x 3 against one large kernel",
    hints=(
        "What side does the kernel have that sees as far as n layers of 3 x 3 (lesson 02)?",
        "2n + 1. Now the weights: `9 * channels**2` for each small layer.",
    ),
    solution="""def stack_saving(layers, channels):
    side = 2 * layers + 1
    return layers * 9 * channels**2 / (side**2 * channels**2)
""",
    why="The channels cancel: 27/49 for three layers. The deeper the stack, the larger the saving, "
    "and there is a ReLU after each layer instead of one in all.",
    check=_check_stack,
)

# --------------------------------------------------------------------------------------------------


def _check_inception(inception_multiply_adds):
    for shape, filters in (
        ((28, 28, 192), (64, 96, 128, 16, 32, 32)),
        ((14, 7, 100), (8, 9, 10, 3, 5, 6)),
    ):
        height, width, channels = shape
        ones, reduce3, threes, reduce5, fives, pool = filters
        first = channels * (ones + reduce3 + reduce5)
        three, five = 9 * reduce3 * threes, 25 * reduce5 * fives
        places, all_four = height * width, channels * (ones + reduce3 + reduce5 + pool)
        mistakes = {
            "that is the cost of one place; there are height * width of them": (
                all_four + three + five
            ),
            "the 1x1 convolution behind the pooling is missing": places * (first + three + five),
            "3x3 and 5x5 look at the *reduced* maps here, not at all channels": places
            * (all_four + 9 * channels * threes + 25 * channels * fives),
            "that is the naive module, without any reduction": places
            * channels
            * (ones + 9 * threes + 25 * fives),
            "the two reductions cost something, too": places
            * (channels * (ones + pool) + three + five),
            "kernels are square: 3x3 has 9 weights, 5x5 has 25": places
            * (all_four + 3 * reduce3 * threes + 5 * reduce5 * fives),
            "these are multiply-adds and biases; biases are not counted": places
            * (all_four + three + five + sum(filters)),
            "these are the weights and biases, which do not depend on the size of the maps": (
                all_four + three + five + sum(filters)
            ),
        }
        expect_number(
            call(inception_multiply_adds, shape, *filters),
            places * (all_four + three + five),
            what=f"inception_multiply_adds for {height} x {width} x {channels}",
            tol=1e-9,
            mistakes=mistakes,
        )


INCEPTION = Exercise(
    name="05-inception",
    title="What an Inception module costs",
    hints=(
        "Six convolutions; each costs places x kernel x kernel x channels in x channels out.",
        "Four of them are 1x1 and look at all channels; 3x3 and 5x5 look at reduced maps.",
        "The 3x3: `height * width * 9 * reduce3 * threes`.",
    ),
    solution="""def inception_multiply_adds(shape, ones, reduce3, threes, reduce5, fives, pool):
    height, width, channels = shape
    per_place = channels * (ones + reduce3 + reduce5 + pool)
    per_place += 9 * reduce3 * threes + 25 * reduce5 * fives
    return height * width * per_place
""",
    why="For module 3a: 128 million instead of 303 million. The reductions are cheap because they "
    "are 1x1, and the expensive kernels then look at 96 and 16 channels instead of 192.",
    check=_check_inception,
)

# --------------------------------------------------------------------------------------------------


def _check_diagnosis(overfits, hard_to_optimize, fine):
    expect_choice(
        overfits,
        "C",
        {
            "A": "A's gap between training and test is small; another one knows its training "
            "digits by heart, and fails on new ones",
            "B": "overfitting means a *low* training error and a high test error; B's training "
            "error is the highest of the three",
        },
    )
    expect_choice(
        hard_to_optimize,
        "B",
        {
            "A": "A reaches 4 % on the digits that it is trained on; which one cannot even fit "
            "those?",
            "C": "C has no training error left: nobody could optimize it better",
        },
    )
    expect_choice(
        fine,
        "A",
        {
            "B": "B makes 15 % errors on the very digits that it is trained on, and has more "
            "weights than the others",
            "C": "C makes no error on its training digits, and 21 % on new ones: that is not fine",
        },
    )


DIAGNOSIS = Exercise(
    name="05-diagnosis",
    title="Read three pairs of errors",
    hints=(
        "Compare the training errors first. Which of the networks can represent most?",
        "The deeper one could copy the shallow one and let its extra layers do nothing.",
        "Overfitting is a wide gap above a low training error.",
    ),
    solution='overfits, hard_to_optimize, fine = "C", "B", "A"\n',
    why="B does worse on the very digits that it is trained on, although a good setting of its "
    "weights exists (copy A, identity elsewhere): the optimizer does not find it. He and others "
    "(2015) call this degradation. C learned its few digits by heart.",
    check=_check_diagnosis,
)

# --------------------------------------------------------------------------------------------------


def _check_groups(grouped_saving):
    for kernel, channels, filters, groups in ((3, 64, 128, 4), (5, 16, 24, 16), (3, 32, 32, 2)):
        area, pointwise = kernel**2, channels * filters
        full = area * channels * filters
        grouped = area * channels * channels / groups
        expect_number(
            call(grouped_saving, kernel, channels, filters, groups),
            full / (grouped + pointwise),
            what=f"grouped_saving({kernel}, {channels}, {filters}, {groups})",
            mistakes={
                "that is upside down: how many times *fewer* weights has the pair?": (
                    (grouped + pointwise) / full
                ),
                "the 1 x 1 behind it is missing": full / grouped,
                "the layer in groups is missing": full / pointwise,
                "a kernel sees the channels of its group only: `channels / groups`": full
                / (area * channels**2 + pointwise),
                "the number of groups divides once: each of the `channels` kernels sees "
                "`channels / groups` channels": full / (grouped / groups + pointwise),
                "the 1 x 1 mixes all channels, not those of a group": full
                / (grouped + pointwise / groups),
                "that is the difference; the ratio is asked for": full - grouped - pointwise,
                "kernels are square: kernel * kernel weights": kernel
                * channels
                * filters
                / (kernel * channels**2 / groups + pointwise),
                "biases are left out here": (full + filters) / (grouped + pointwise + filters),
                "the two steps come one after the other: their weights add up": full
                / (grouped * pointwise),
                "the layer in groups gives as many channels as come in; only the 1 x 1 makes "
                "`filters` of them": full / (area * channels * filters / groups + pointwise),
            },
        )


GROUPS = Exercise(
    name="05-groups",
    title="How much do groups save?",
    hints=(
        "The full layer has kernel * kernel * channels weights for each filter.",
        "In groups: `channels` kernels, each over channels / groups channels. Then a 1 x 1 from "
        "`channels` to `filters`.",
    ),
    solution="""def grouped_saving(kernel, channels, filters, groups):
    full = kernel**2 * channels * filters
    in_groups = kernel**2 * channels * channels / groups
    return full / (in_groups + channels * filters)
""",
    why="The channels cancel once: k*k*f / (k*k*c / groups + f). With one group the pair can even "
    "be dearer than the full layer; with one channel a group it is the separable convolution.",
    check=_check_groups,
)

# --------------------------------------------------------------------------------------------------


def _check_alpha(alpha_for):
    for beta, gamma, cost in ((1.1, 1.15, 2.0), (1.0, 1.0, 2.0), (1.2, 1.1, 3.0)):
        mistakes = {
            "width counts squared: both the channels in and the channels out grow": cost
            / (beta * gamma**2),
            "resolution counts squared: height and width grow": cost / (beta**2 * gamma),
            "width and resolution both count squared": cost / (beta * gamma),
            "depth counts once: twice the layers, twice the cost": math.sqrt(
                cost / (beta**2 * gamma**2)
            ),
            "these factors are multiplied, so divide by both": cost - beta**2 - gamma**2,
            "that is upside down": beta**2 * gamma**2 / cost,
            "the cost wanted is an argument, not always 2": 2 / (beta**2 * gamma**2),
            "divide the cost by what width and resolution take of it": cost * beta**2 * gamma**2,
        }
        expect_number(
            call(alpha_for, beta, gamma, cost),
            cost / (beta**2 * gamma**2),
            what=f"alpha_for({beta}, {gamma}, {cost})",
            mistakes=mistakes,
        )


ALPHA = Exercise(
    name="05-alpha",
    title="What is left for depth",
    hints=(
        "The cost grows by alpha * beta**2 * gamma**2.",
        "Set that equal to `cost` and solve for alpha.",
    ),
    solution="""def alpha_for(beta, gamma, cost):
    return cost / (beta**2 * gamma**2)
""",
    why="For twice the cost, beta = 1.1 and gamma = 1.15 leave alpha = 1.25 for depth; the paper "
    "took 1.2. With beta = gamma = 1 all of it goes into depth: twice as deep.",
    check=_check_alpha,
)

# --------------------------------------------------------------------------------------------------


def _check_front(front_of):
    random = np.random.default_rng(7)
    costs = [3.0, 1.0, 2.0, 2.5, 5.0, 4.0]
    values = [80.0, 60.0, 70.0, 55.0, 79.0, 90.0]
    cases = [(list("abcdef"), costs, values)]
    costs = random.permutation(12).astype(float)
    cases.append(([f"net{n}" for n in range(12)], list(costs), list(random.permutation(12) + 50.0)))
    for names, costs, values in cases:
        right = {n for n, on in zip(names, architectures.pareto(costs, values), strict=True) if on}
        given = call(front_of, names, costs, values)
        require(
            isinstance(given, list | tuple | set | np.ndarray) and not isinstance(given, str),
            "a list of names is to be returned",
        )
        given = list(given)
        require(
            all(isinstance(n, str) for n in given),
            "the list holds other things than names; `names[i]` is the name of choice i",
        )
        unknown = [n for n in given if n not in names]
        require(not unknown, f"{unknown[:1]} is none of the names given")
        require(len(set(given)) == len(given), "a name is in the list twice")
        given = set(given)
        require(bool(given), "the list is empty; the cheapest choice is always on the front")
        for hint, mistake in _front_mistakes(names, costs, values).items():
            if given == mistake != right:
                raise Wrong(hint)
        extra, missing = sorted(given - right), sorted(right - given)
        require(not extra, f"{extra[:1]} is beaten by another: cheaper and better")
        require(not missing, f"{missing[:1]} is missing: nothing is both cheaper and better")


def _front_mistakes(names, costs, values):
    costs, values = np.array(costs), np.array(values)

    def named(on):
        return {name for name, chosen in zip(names, on, strict=True) if chosen}

    return {
        "that is everything; leave out what is beaten": set(names),
        "these are the choices that are *beaten*": named(~architectures.pareto(costs, values)),
        "that is only the best one; cheaper ones may be the best for their cost": named(
            values == values.max()
        ),
        "that is only the cheapest one; dearer ones may be better": named(costs == costs.min()),
        "a high cost was taken for good": named(architectures.pareto(-costs, values)),
        "a low value was taken for good": named(architectures.pareto(costs, -values)),
    }


FRONT = Exercise(
    name="05-front",
    title="Find the front",
    hints=(
        "A choice is beaten if one other is cheaper and better.",
        "For each choice, go through all others; keep it if none beats it.",
        "`any(c < costs[i] and v > values[i] for c, v in zip(costs, values))` says whether i is "
        "beaten.",
    ),
    solution="""def front_of(names, costs, values):
    def beaten(i):
        return any(c < costs[i] and v > values[i] for c, v in zip(costs, values))

    return [name for i, name in enumerate(names) if not beaten(i)]
""",
    why="What is not on the front can be left out whatever you value more, cost or accuracy: there "
    "is something cheaper that is also better. Which point *on* the front to take is up to you.",
    check=_check_front,
)

EXERCISES = (TOP_K, PARTIAL, STACK, INCEPTION, DIAGNOSIS, GROUPS, ALPHA, FRONT)
