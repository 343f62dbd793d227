"""Exercises of lesson 02, dimensions: checkers, hints, solutions."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

from course_utils import convolution
from course_utils.exercises import (
    Exercise,
    NotDone,
    Wrong,
    call,
    expect_number,
    require,
)


def _whole_numbers(answer, count: int, what: str) -> tuple[int, ...]:
    """The answer as so many whole numbers, or a fitting complaint."""
    several = isinstance(answer, tuple | list | np.ndarray)
    require(several, f"{what} has to be {count} numbers in round brackets")
    require(len(answer) == count, f"{what} has {len(answer)} entries; {count} are expected")
    for value in answer:
        number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
        require(number, f"{what} has an entry that is no number")
        whole = bool(np.isfinite(value)) and value == int(value)
        require(whole, f"{what} has the entry {value}; sizes and counts are whole numbers")
    return tuple(map(int, answer))


# --------------------------------------------------------------------------------------------------

_CHANNELS = np.array([[[1, 2], [3, 4]], [[0, 5], [1, 0]]])
_SLICES = np.array([[[1, 0], [0, 1]], [[2, 1], [-1, 3]]])


def _check_two_channels(answer):
    first, second = (_CHANNELS * _SLICES).sum(axis=(1, 2)).tolist()
    mistakes = {
        "the bias is missing": first + second,
        "each filter has *one* bias, not one for each channel": first + second + 2,
        "this is the first channel alone; the second one is added to it": first + 1,
        "this is one channel without the rest: add up both, and the bias": first,
        "this is the second channel alone": second,
        "layers correlate: the slices are laid on as they are, not turned": (
            (_CHANNELS * _SLICES[:, ::-1, ::-1]).sum() + 1
        ),
        "one weight is negative: its product is subtracted": (
            (_CHANNELS * np.abs(_SLICES)).sum() + 1
        ),
        "this is the sum of all pixels; multiply each by its weight first": _CHANNELS.sum() + 1,
        "the channels are added, not multiplied": first * second + 1,
    }
    expect_number(answer, first + second + 1, what="your output", mistakes=mistakes)


TWO_CHANNELS = Exercise(
    name="02-two-channels",
    title="One pixel of two channels by hand",
    hints=(
        "Lay each slice on its own channel, and multiply number by number.",
        "Eight products and one bias, all added up.",
    ),
    solution="""first = 1 * 1 + 2 * 0 + 3 * 0 + 4 * 1
second = 0 * 2 + 5 * 1 + 1 * -1 + 0 * 3
one_output = first + second + 1
""",
    why="The first channel gives 5, the second 4. They are added, and the bias comes once: 10.",
    check=_check_two_channels,
)

# --------------------------------------------------------------------------------------------------


def _check_parameters(parameters):
    for kernel, channels, filters in (((3, 3), 16, 32), ((5,), 2, 8), ((2, 3, 4), 3, 5)):
        window = math.prod(kernel)
        weights, right = window * channels * filters, (window * channels + 1) * filters
        mistakes = {
            "the biases are missing: one for each filter": weights,
            "each filter has a bias of its own, not the layer one for all": weights + 1,
            "a filter has a slice for each channel of the input": (window + 1) * filters,
            "these are the numbers of one filter; the layer has several": window * channels + 1,
            "that gives every slice a bias; a filter has one": (window + 1) * channels * filters,
            "channels and filters are exchanged: the biases belong to the filters": (
                (window * filters + 1) * channels
            ),
        }
        for hint, wrong in {
            "the kernel's sides are multiplied, not added": sum(kernel),
            "only the first side of the kernel was used": kernel[0],
            "only two sides of the kernel were used; it can have one or three": (
                math.prod(kernel[:2])
            ),
            "the kernel is not always square: multiply its sides": kernel[0] ** 2,
        }.items():
            mistakes[hint] = (wrong * channels + 1) * filters
        what = f"parameters({kernel}, {channels}, {filters})"
        answer = call(parameters, kernel, channels, filters)
        expect_number(answer, right, what=what, tol=1e-9, mistakes=mistakes)


PARAMETERS = Exercise(
    name="02-parameters",
    title="Count the parameters of a convolution",
    hints=(
        "How many weights has one filter? It has a slice for each channel.",
        "`np.prod(kernel)` multiplies the sides of the kernel, however many there are.",
    ),
    solution="""def parameters(kernel, channels, filters):
    return (int(np.prod(kernel)) * channels + 1) * filters
""",
    why="A filter is a box of the kernel's sides times the channels, plus one bias. A layer has "
    "`filters` of them. The size of the picture and of the batch do not appear.",
    check=_check_parameters,
)

# --------------------------------------------------------------------------------------------------

_SHAPES = [(50, 40, 16), (16, 13, 16), (14, 11, 32), (32,)]
_SHAPE_MISTAKES = (
    {
        (49, 39, 16): "shape 1: the padding is `same`, so divide by the stride and round up",
        (48, 38, 16): "shape 1: the padding is `same`, so divide by the stride and round up",
        (100, 80, 16): "shape 1: `same` keeps the size only with stride 1; here the stride is 2",
        (50, 40, 3): "shape 1: the channels of the output are the filters",
        (40, 50, 16): "shape 1: height comes first, and the picture is 100 x 80",
    },
    {
        (17, 14, 16): "shape 2: round down; what does not fill a window is left out",
        (25, 20, 16): "shape 2: the window is 3, and so is its stride",
        (48, 38, 16): "shape 2: a pooling moves by its window if no stride is given",
        (16, 13, 32): "shape 2: pooling leaves the channels as they are",
    },
    {
        (16, 13, 32): "shape 3: without padding a kernel of 3 takes away two rows and two columns",
        (14, 11, 16): "shape 3: the channels of the output are the filters",
        (15, 12, 32): "shape 3: without padding a kernel of 3 takes away *two* rows and columns",
    },
    {
        (14, 11): "shape 4: global pooling averages over height and width, and keeps the channels",
        (1, 1, 32): "shape 4: global pooling drops the axes of height and width",
        (14 * 11 * 32,): "shape 4: that is `Flatten`; here each map becomes one number",
        (1,): "shape 4: one number for *each* channel",
    },
)


def _check_shapes(shapes):
    require(isinstance(shapes, tuple | list), "shapes has to be a list of four tuples")
    if any(isinstance(shape, tuple) and ... in shape for shape in shapes):
        raise NotDone
    require(len(shapes) == 4, f"there are four layers, and you give {len(shapes)} shapes")
    for number, (shape, right) in enumerate(zip(shapes, _SHAPES, strict=True), start=1):
        known = isinstance(shape, tuple | list | np.ndarray | int | np.integer)
        require(known, f"shape {number} has to be a tuple such as (50, 40, 16)")
        given = (shape,) if isinstance(shape, int | np.integer) else tuple(shape)
        given = given[1:] if given[:1] == (None,) else given
        require(given[1:] != right, f"shape {number}: leave out the batch axis")
        if given != right:
            other = f"shape {number} is not {given}; the formulas are in section 4"
            raise Wrong(_SHAPE_MISTAKES[number - 1].get(given, other))


SHAPES = Exercise(
    name="02-shapes",
    title="Four shapes in a row",
    hints=(
        "Go layer by layer, height and width separately; the channels are the filters.",
        "`same`: divide by the stride, round up. Pooling by 3: its stride is 3, round down.",
    ),
    solution="""first = [dimensions.output_size(n, 5, stride=2, padding="same") for n in (100, 80)]
second = [dimensions.output_size(n, 3, stride=3) for n in first]
third = [dimensions.output_size(n, 3) for n in second]
shapes = [(*first, 16), (*second, 16), (*third, 32), (32,)]
""",
    why="100 and 80 halve to 50 and 40; windows of 3 fit 16 and 13 times; a kernel of 3 without "
    "padding takes away two; and global pooling keeps one number for each of the 32 maps.",
    check=_check_shapes,
)

# --------------------------------------------------------------------------------------------------


def _check_zeros(zeros):
    cases = ((11, 6, 3), (10, 4, 1), (8, 1, 3), (6, 3, 2), (12, 7, 2))
    for case in cases:
        n, k, s = case
        given = _whole_numbers(call(zeros, *case), 2, f"zeros{case}")
        right = convolution.padding_widths(n, k, s, "same")
        if given == right:
            continue
        total = sum(right)
        unlimited = (-(-n // s) - 1) * s + k - n
        hints = {
            right[::-1]: "the extra zero comes after, not before",
            ((k - 1) // 2, k - 1 - (k - 1) // 2): "that is right for stride 1; with a larger "
            "stride fewer zeros are needed",
            (k // 2, k // 2): "that is symmetric; TensorFlow adds only as many as are needed",
            (total, 0): "the zeros are shared out over both sides",
            (0, total): "the zeros are shared out over both sides, not all put at the end",
            (total, total): "that is the total on *each* side; share it out",
            (unlimited // 2, unlimited - unlimited // 2): "a negative number of zeros cannot be "
            "added: take at least 0",
            (math.ceil(total / 2),) * 2: "an odd total cannot be split evenly",
            (total // 2,) * 2: "one zero of an odd total got lost",
            (0, 0): "no zeros at all: that is `valid`",
        }
        raise Wrong(
            f"for n, k, s = {n}, {k}, {s}: " + hints.get(given, f"it is not {given[0]}, {given[1]}")
        )


ZEROS = Exercise(
    name="02-zeros",
    title="The zeros of same",
    hints=(
        "First the total, by the formula above; it is never negative.",
        "Half of it, rounded down, comes before; the rest comes after.",
    ),
    solution="""def zeros(n, k, s):
    outputs = -(-n // s)
    total = max((outputs - 1) * s + k - n, 0)
    return total // 2, total - total // 2
""",
    why="The last window starts at (outputs - 1) s and ends k pixels later; what of it lies beyond "
    "the n pixels has to be added. An odd one comes after.",
    check=_check_zeros,
)

# --------------------------------------------------------------------------------------------------


def _check_overlaps(overlaps):
    for k, s in ((3, 2), (4, 2), (5, 3), (2, 3), (6, 3), (7, 1)):
        given = call(overlaps, k, s)
        several = isinstance(given, set | frozenset | list | tuple | np.ndarray)
        require(several, f"overlaps({k}, {s}) has to be a set such as {{1, 2}}")
        counts = set(given)
        right = set(Counter(tap % s for tap in range(k)).values()) | ({0} if k < s else set())
        if counts == right:
            continue
        where = f"for k = {k}, s = {s}: "
        whole = all(isinstance(count, int | np.integer) for count in counts)
        require(whole, where + "numbers of copies are whole numbers")
        require(k >= s or 0 in counts, where + "between the copies there are gaps: 0 copies")
        for wrong, hint in (
            ({k}, "a copy is k long, but the next one starts s later, not at once"),
            ({max(right)}, "not every output gets that many; which get fewer?"),
            ({math.ceil(k / s)}, "not every output gets that many; which get fewer?"),
            ({min(right)}, "some outputs get more; look where two copies overlap"),
            ({s}, "that is the stride; how many copies of length k cover a place?"),
            ({*range(1, max(right) + 1)}, "that counts the border too, where copies are missing"),
        ):
            require(counts != wrong, where + hint)
        raise Wrong(where + f"it is not {sorted(int(count) for count in counts)}")


OVERLAPS = Exercise(
    name="02-overlaps",
    title="Which settings make a checkerboard?",
    hints=(
        "Draw copies of length k, each s further right, and count at each place.",
        "A place gets one copy for each tap t with t % s equal to the place % s.",
    ),
    solution="""def overlaps(k, s):
    return {len(range(rest, k, s)) for rest in range(s)}
""",
    why="Outputs with the same remainder by s are alike: they are reached by the taps with this "
    "remainder. Their numbers are equal exactly if s divides k.",
    check=_check_overlaps,
)

# --------------------------------------------------------------------------------------------------


def _check_border(corner, corner_with_zeros):
    inside, zeros = 4 * 4 / 4, 4 * 4 / 9
    of_inside = {
        "corner: that is with zeros; Keras' pooling ignores what lies outside": zeros,
        "corner: only four of nine pixels lie inside, but their mean is asked for": 16,
        "corner: nothing is padded with zeros here, and nothing is 0": 0,
        "corner: a window in the corner has four pixels inside, not six; and divide by those "
        "that are inside": 24 / 9,
    }
    of_zeros = {
        "corner_with_zeros: now the five zeros count as well": inside,
        "corner_with_zeros: a window at the border has six pixels inside, one in the corner "
        "four": 24 / 9,
        "corner_with_zeros: divide by all nine pixels of the window": 16,
        "corner_with_zeros: the sum of four fours is 16, not 4": 4 / 9,
        "corner_with_zeros: only one pixel of the window was counted": 1,
    }
    expect_number(corner, inside, what="corner", mistakes=of_inside)
    what, tol = "corner_with_zeros", 0.005  # 1.78 will do
    expect_number(corner_with_zeros, zeros, what=what, tol=tol, mistakes=of_zeros)


BORDER = Exercise(
    name="02-border",
    title="Pooling at the border",
    hints=(
        "A 3 x 3 window around the corner pixel: how many of its nine places lie inside?",
        "Keras averages over those inside; a mean over zeros divides by nine.",
    ),
    solution="corner, corner_with_zeros = 4, 4 * 4 / 9\n",
    why="Four places lie inside. Their mean is 4; with five zeros it is 16 / 9. Pooling with "
    "`same` is not zero padding.",
    check=_check_border,
)

# --------------------------------------------------------------------------------------------------


def _check_saving(saving):
    for k, c, n in ((3, 64, 128), (5, 8, 24), (3, 3, 4)):
        full, depthwise, pointwise = k * k * c * n, k * k * c, c * n
        both = depthwise + pointwise
        mistakes = {
            "upside down: full divided by separable": both / full,
            "the 1 x 1 convolution costs something, too": full / depthwise,
            "that is the limit for many filters; the depthwise part costs something, too": (
                full / pointwise
            ),
            "the two parts come one after the other: add, do not multiply": (
                full / (depthwise * pointwise)
            ),
            "biases are no multiply-adds": (full + n) / (both + n),
            "those biases are no multiply-adds, and the depthwise part has none at all": (
                (full + n) / (both + c + n)
            ),
            "a depthwise layer has one slice per channel of its *input*": (
                full / (k * k * n + pointwise)
            ),
            "the full layer mixes all channels": k * k * n / both,
            "a square kernel has k x k weights": k * c * n / (k * c + c * n),
        }
        what = f"saving({k}, {c}, {n})"
        expect_number(call(saving, k, c, n), full / both, what=what, mistakes=mistakes)


SAVING = Exercise(
    name="02-separable",
    title="How much cheaper is a separable layer?",
    hints=(
        "The number of places is the same for both and cancels: count weights, without biases.",
        "Full: k k c n. Depthwise: k k c. The 1 x 1 part: c n.",
    ),
    solution="""def saving(kernel, channels, filters):
    full = kernel**2 * channels * filters
    separable = kernel**2 * channels + channels * filters
    return full / separable
""",
    why="The channels cancel: k k n / (k k + n). For many filters that approaches k k, so 9 for a "
    "3 x 3 kernel.",
    check=_check_saving,
)

# --------------------------------------------------------------------------------------------------


def _check_receptive_field(answer):
    mistakes = {
        "every step counts one pixel here; behind a stride the steps are longer": 21,
        "this is the fourth layer; the fifth adds 2 steps of 16 pixels": 67,
        "this is the third layer": 51,
        "this is the second layer": 19,
        "a layer's own stride lengthens the steps of the layers *after* it": 247,
        "a kernel of k adds k - 1 steps, not k": 147,
        "count the pixel you start from: 1 + ...": 98,
        "the poolings have windows, too: they add 2 steps each": 75,
        "these are the strides multiplied: the jump, not the field": 16,
        "the windows overlap: they are not simply multiplied": 11 * 3 * 5 * 3 * 3,
    }
    expect_number(answer, 99, what="alexnet_field", mistakes=mistakes)


RECEPTIVE_FIELD = Exercise(
    name="02-receptive-field",
    title="The receptive field of AlexNet's third convolution",
    hints=(
        "Keep two numbers, field and jump, and update both for each layer.",
        "After the first layer: field 11, jump 4. The pooling adds 2 x 4.",
    ),
    solution="""alexnet_field = dimensions.receptive_field(
    [(11, 4), (3, 2), (5, 1), (3, 2), (3, 1)]
).size
""",
    why="11, then + 2 x 4 = 19, + 4 x 8 = 51, + 2 x 8 = 67, + 2 x 16 = 99. The first stride of 4 "
    "makes everything after it grow four times as fast.",
    check=_check_receptive_field,
)

# --------------------------------------------------------------------------------------------------


def _check_memory(largest_batch):
    for height, width, filters, megabytes in ((224, 224, 64, 1000), (56, 40, 32, 7)):
        numbers, room = height * width * filters, megabytes * 10**6
        mistakes = {
            "a batch has a whole number of pictures: round down": room / (4 * numbers),
            "round down; one picture more would not fit": math.ceil(room / (4 * numbers)),
            "a 32-bit number takes four bytes, not one": room // numbers,
            "32 bits are four bytes, not 32": room // (32 * numbers),
            "a megabyte is a million bytes here, not 2 to the 20": (
                megabytes * 2**20 // (4 * numbers)
            ),
            "every filter makes a map": room // (4 * height * width),
            "a 32-bit number takes four bytes, not eight": room // (8 * numbers),
            "megabytes were taken for bytes": megabytes // (4 * numbers),
        }
        answer = call(largest_batch, height, width, filters, megabytes)
        what = f"largest_batch({height}, {width}, {filters}, {megabytes})"
        expect_number(answer, room // (4 * numbers), what=what, tol=1e-9, mistakes=mistakes)


MEMORY = Exercise(
    name="02-memory",
    title="Will it fit?",
    hints=(
        "How many numbers does the layer put out for one picture, and how many bytes are they?",
        "Divide, and round down: `//`.",
    ),
    solution="""def largest_batch(height, width, filters, megabytes):
    return megabytes * 1_000_000 // (4 * height * width * filters)
""",
    why="Each picture takes 4 x height x width x filters bytes. The first convolution of VGG-16, "
    "224 x 224 x 64, takes 12.8 MB for a single picture.",
    check=_check_memory,
)

EXERCISES = (
    TWO_CHANNELS,
    PARAMETERS,
    SHAPES,
    ZEROS,
    OVERLAPS,
    BORDER,
    SAVING,
    RECEPTIVE_FIELD,
    MEMORY,
)
