"""Exercises of lesson 05, architecture tour: checkers, hints, solutions."""

from __future__ import annotations

import math

import numpy as np

from course_utils.architectures import LENET_CONNECTIONS, pareto
from course_utils.exercises import Exercise, call, expect_choice, expect_number, require


def _check_top_k(top_k_error):
    random = np.random.default_rng(5)
    for classes, k in ((10, 3), (10, 1), (50, 5)):
        scores, labels = random.normal(size=(40, classes)), random.integers(0, classes, 40)
        hits = np.argsort(-scores, axis=1) == labels[:, None]  # (pictures, places)
        right, fewer, more = (1 - hits[:, :n].any(axis=1).mean() for n in (k, k - 1, k + 1))
        first, last = 1 - hits[:, 0].mean(), 1 - hits[:, k - 1].mean()
        lowest = 1 - hits[:, -k:].any(axis=1).mean()
        mistakes = {
            "that is the share of right answers; the *error* is asked for": 1 - right,
            "that is a number of pictures; divide by how many there are": 40 * right,
            "these k classes have the *lowest* scores; `argsort` puts the smallest first": lowest,
            "that is in percent; give the error as a fraction from 0 to 1": 100 * right,
        }
        if k > 1:
            mistakes |= {
                "that is the top-1 error; any of the k best classes may be the right one": first,
                "only the class in place k is compared; the places before it count as well": last,
                "these are k - 1 classes; a slice `[:k]` stops before k": fewer,
                "these are k + 1 classes": more,
            }
        what = f"top_k_error for 40 pictures, {classes} classes, k={k}"
        expect_number(call(top_k_error, scores, labels, k), right, what=what, mistakes=mistakes)


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


def _check_partial(partial_parameters):
    cases = (
        ("C3 of LeNet-5", LENET_CONNECTIONS, 5, 6),
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
        answer = call(partial_parameters, connections, kernel)
        what = f"partial_parameters for {what}"
        expect_number(answer, area * links + maps, what=what, mistakes=mistakes)


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


def _check_stack(stack_saving):
    for layers, channels in ((3, 256), (2, 64), (5, 7)):
        side, stack = 2 * layers + 1, 9 * layers
        left, weights = stack / side**2, stack * channels**2
        mistakes = {
            "that is upside down: weights of the stack, divided by those of the one layer": 1
            / left,
            "that is one 3 x 3 layer against the large one; the stack has several": left / layers,
            "n layers of 3 x 3 see 2n + 1 pixels, not 3n: windows overlap": 1 / layers,
            "n layers of 3 x 3 see 2n + 1 pixels; each layer adds two": stack / (layers + 2) ** 2,
            "the one layer has side * side weights for each pair of channels": stack / side,
            "that is the share saved; the share that is *left* is asked for": 1 - left,
            "these are weights of the stack; divide them by those of the one layer": weights,
            "channels count in both, and cancel": left / channels,
        }
        what = f"stack_saving({layers}, {channels})"
        expect_number(call(stack_saving, layers, channels), left, what=what, mistakes=mistakes)


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


def _check_inception(inception_multiply_adds):
    for shape, filters in (
        ((28, 28, 192), (64, 96, 128, 16, 32, 32)),
        ((14, 7, 100), (8, 9, 10, 3, 5, 6)),
    ):
        height, width, channels = shape
        ones, reduce3, threes, reduce5, fives, pool = filters
        places = height * width
        one, three, five = channels * (ones + pool), 9 * reduce3 * threes, 25 * reduce5 * fives
        reduction, unreduced = channels * (reduce3 + reduce5), channels * (9 * threes + 25 * fives)
        total, thin = one + reduction + three + five, one + reduction + three / 3 + five / 5
        wide, naive = one + reduction + unreduced, channels * ones + unreduced
        with_biases = total + sum(filters)
        mistakes = {
            "that is the cost of one place; there are height * width of them": total,
            "the 1x1 convolution behind the pooling is missing": places * (total - channels * pool),
            "3x3 and 5x5 look at the *reduced* maps here, not at all channels": places * wide,
            "that is the naive module, without any reduction": places * naive,
            "the two reductions cost something, too": places * (total - reduction),
            "kernels are square: 3x3 has 9 weights, 5x5 has 25": places * thin,
            "these are multiply-adds and biases; biases are not counted": places * with_biases,
            "these are the weights and biases, which do not depend on the size of the maps": (
                with_biases
            ),
        }
        answer = call(inception_multiply_adds, shape, *filters)
        what = f"inception_multiply_adds for {height} x {width} x {channels}"
        expect_number(answer, places * total, what=what, tol=1e-9, mistakes=mistakes)


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


def _check_groups(grouped_saving):
    for kernel, channels, filters, groups in ((3, 64, 128, 4), (5, 16, 24, 16), (3, 32, 32, 2)):
        area, pointwise = kernel**2, channels * filters
        full, grouped = area * pointwise, area * channels**2 / groups
        right, ungrouped = full / (grouped + pointwise), full / (groups * grouped + pointwise)
        both_grouped, product = full / (grouped + pointwise / groups), full / (grouped * pointwise)
        flat = full / kernel / (grouped / kernel + pointwise)
        mistakes = {
            "that is upside down: how many times *fewer* weights has the pair?": 1 / right,
            "the 1 x 1 behind it is missing": full / grouped,
            "the layer in groups is missing": full / pointwise,
            "a kernel sees the channels of its group only: `channels / groups`": ungrouped,
            "the number of groups divides once: each of the `channels` kernels sees "
            "`channels / groups` channels": full / (grouped / groups + pointwise),
            "the 1 x 1 mixes all channels, not those of a group": both_grouped,
            "that is the difference; the ratio is asked for": full - grouped - pointwise,
            "kernels are square: kernel * kernel weights": flat,
            "biases are left out here": (full + filters) / (grouped + pointwise + filters),
            "the two steps come one after the other: their weights add up": product,
            "the layer in groups gives as many channels as come in; only the 1 x 1 makes "
            "`filters` of them": full / (full / groups + pointwise),
        }
        answer = call(grouped_saving, kernel, channels, filters, groups)
        what = f"grouped_saving({kernel}, {channels}, {filters}, {groups})"
        expect_number(answer, right, what=what, mistakes=mistakes)


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


def _check_alpha(alpha_for):
    for beta, gamma, cost in ((1.1, 1.15, 2.0), (1.0, 1.0, 2.0), (1.2, 1.1, 3.0)):
        others, narrow = beta**2 * gamma**2, cost / (beta * gamma**2)
        mistakes = {
            "width counts squared: both the channels in and the channels out grow": narrow,
            "resolution counts squared: height and width grow": cost / (beta**2 * gamma),
            "width and resolution both count squared": cost / (beta * gamma),
            "depth counts once: twice the layers, twice the cost": math.sqrt(cost / others),
            "these factors are multiplied, so divide by both": cost - beta**2 - gamma**2,
            "that is upside down": others / cost,
            "the cost wanted is an argument, not always 2": 2 / others,
            "divide the cost by what width and resolution take of it": cost * others,
        }
        what = f"alpha_for({beta}, {gamma}, {cost})"
        expect_number(
            call(alpha_for, beta, gamma, cost), cost / others, what=what, mistakes=mistakes
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


def _check_front(front_of):
    random = np.random.default_rng(7)
    costs, values = [3.0, 1.0, 2.0, 2.5, 5.0, 4.0], [80.0, 60.0, 70.0, 55.0, 79.0, 90.0]
    _check_front_among(front_of, list("abcdef"), costs, values)
    costs, values = random.permutation(12).astype(float), random.permutation(12) + 50.0
    _check_front_among(front_of, [f"net{n}" for n in range(12)], list(costs), list(values))


def _check_front_among(front_of, names, costs, values):
    given = call(front_of, names, costs, values)
    require(isinstance(given, list | tuple | set | np.ndarray), "a list of names is to be returned")
    given = list(given)
    require(
        all(isinstance(n, str) for n in given),
        "the list holds other things than names; `names[i]` is the name of choice i",
    )
    unknown = [n for n in given if n not in names]
    require(not unknown, f"{unknown[:1]} is none of the names given")
    require(len(set(given)) == len(given), "a name is in the list twice")
    require(bool(given), "the list is empty; the cheapest choice is always on the front")
    costs, values = np.array(costs), np.array(values)

    def chosen(which):
        return {name for name, on in zip(names, which, strict=True) if on}

    front = pareto(costs, values)
    given, right = set(given), chosen(front)
    for hint, mistake in {
        "that is everything; leave out what is beaten": set(names),
        "these are the choices that are *beaten*": chosen(~front),
        "that is only the best one; cheaper ones may be the best for their cost": chosen(
            values == values.max()
        ),
        "that is only the cheapest one; dearer ones may be better": chosen(costs == costs.min()),
        "a high cost was taken for good": chosen(pareto(-costs, values)),
        "a low value was taken for good": chosen(pareto(costs, -values)),
    }.items():
        require(not given == mistake != right, hint)
    extra, missing = sorted(given - right), sorted(right - given)
    require(not extra, f"{extra[:1]} is beaten by another: cheaper and better")
    require(not missing, f"{missing[:1]} is missing: nothing is both cheaper and better")


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
