"""Exercises of lesson 01, convolution basics: checkers, hints, solutions."""

from __future__ import annotations

import numpy as np

from course_utils import convolution
from course_utils.convolution import COMPASS, convolve2d, correlate2d, kirsch
from course_utils.exercises import (
    Exercise,
    Wrong,
    call,
    expect_array,
    expect_choice,
    expect_number,
    require,
)


def numbers_of(answer, what: str, shape: tuple[int, ...]) -> np.ndarray:
    """The answer as an array of finite numbers of that shape, or a fitting complaint."""
    try:
        array = np.asarray(answer)
    except ValueError:
        raise Wrong(f"the rows of {what} have to be of the same length") from None
    require(array.dtype.kind in "iuf", f"{what} has to be an array of real numbers")
    yours = f"{what} has to have the shape {shape}, and yours has the shape {array.shape}"
    require(array.shape == shape, yours)
    require(np.isfinite(array).all(), f"NaN or infinity stands in {what}")
    return array.astype(float)  # differences of unsigned integers would wrap round


# --------------------------------------------------------------------------------------------------


def _check_dense(dense_weights):
    for height, width, channels, units in ((224, 224, 3, 64), (28, 20, 1, 10)):
        inputs = height * width * channels
        weights = inputs * units
        mistakes = {
            "each unit also has a bias": weights,
            "every unit has a weight for every input: multiply these two": inputs + units,
            "each of the units has a bias of its own, not one for all": weights + 1,
            "a picture has a number per pixel and per channel": height * width * units + units,
            "these are the weights of a single unit; multiply": inputs + 1,
            "that counts a bias for each input; a bias belongs to a unit": weights + inputs,
            "that is what 3 x 3 patterns would need; a dense unit sees every pixel": (
                9 * channels * units + units
            ),
        }
        what = f"dense_weights({height}, {width}, {channels}, {units})"
        answer = call(dense_weights, height, width, channels, units)
        # Of ten million, a single weight counts.
        expect_number(answer, weights + units, what=what, tol=1e-9, mistakes=mistakes)


DENSE = Exercise(
    name="01-dense",
    title="Count the weights of a dense layer",
    hints=(
        "How many numbers does the picture consist of?",
        "Each unit has one weight for each of these numbers, and one bias.",
    ),
    solution="""def dense_weights(height, width, channels, units):
    return (height * width * channels + 1) * units
""",
    why="Each unit has `height * width * channels` weights and one bias, and nothing is shared: "
    "twice the side of the picture, four times the weights.",
    check=_check_dense,
)

# --------------------------------------------------------------------------------------------------

_IMAGE = np.array(
    [[1, 1, 0, 0, 2], [2, 3, 5, 4, 4], [0, 5, 1, 5, 0], [3, 1, 4, 3, 4], [1, 4, 1, 2, 4]]
)
_KERNEL = np.array([[1, 0, 2], [0, 1, 0], [0, 0, -1]])


def _check_by_hand(answer):
    outputs, patch = correlate2d(_IMAGE, _KERNEL), _IMAGE[1:4, 2:5]
    mistakes = {
        "this is the output at row 0, column 0; the kernel has moved": outputs[0, 0],
        "counting starts at 0: row 1 is the second row, column 2 the third": outputs[0, 1],
        "rows come first: the kernel lies one row down and two columns to the right": outputs[2, 1],
        "this lies one row too low": outputs[2, 2],
        "this lies one row too high": outputs[0, 2],
        "this lies one column too far to the left": outputs[1, 1],
        "this lies on row 1, column 0; column 2 is the third one": outputs[1, 0],
        "correlation leaves the kernel as it is; here it was turned": (
            convolve2d(_IMAGE, _KERNEL)[1, 2]
        ),
        "the 2 at its top right doubles the pixel": (np.sign(_KERNEL) * patch).sum(),
        "the last weight is minus one: subtract that product": (np.abs(_KERNEL) * patch).sum(),
        "the product of the last weight, minus one, is missing": (
            (np.maximum(_KERNEL, 0) * patch).sum()
        ),
        "this is the sum of the nine pixels; multiply each by its weight first": patch.sum(),
    }
    expect_number(answer, outputs[1, 2], what="your sum", mistakes=mistakes)


BY_HAND = Exercise(
    name="01-by-hand",
    title="One output by hand",
    hints=(
        "The kernel covers rows 1 to 3 and columns 2 to 4; counting starts at 0.",
        "Only four weights are not zero: write down these four products.",
    ),
    solution="sum_by_hand = 1 * 5 + 2 * 4 + 1 * 5 - 1 * 4\n",
    why="Under the kernel lie 5, 4, 4 / 1, 5, 0 / 4, 3, 4. The weights 1, 2, 1 and -1 meet the "
    "pixels 5, 4, 5 and 4.",
    check=_check_by_hand,
)

# --------------------------------------------------------------------------------------------------


def _check_convolve(convolve):
    random = np.random.default_rng(1)
    for shape in ((3, 3), (3, 5)):
        image, kernel = random.normal(size=(7, 8)), random.normal(size=shape)
        right, correlated = convolve2d(image, kernel), correlate2d(image, kernel)
        mistakes = {
            "this is still the correlation; the kernel has to be turned": correlated,
            "only the rows are turned round; the columns have to be as well": (
                correlate2d(image, kernel[::-1])
            ),
            "only the columns are turned round; the rows have to be as well": (
                correlate2d(image, kernel[:, ::-1])
            ),
            "the picture was turned instead of the kernel, and so the result is turned as well": (
                right[::-1, ::-1]
            ),
            "picture and kernel were both turned; turn the kernel only": correlated[::-1, ::-1],
            "these are also the places where the kernel hangs over the border; keep those where it "
            "fits": convolve2d(image, kernel, padding="full"),
            "zeros were added around the picture; keep the places where the kernel fits": (
                convolve2d(image, kernel, padding="same")
            ),
        }
        if shape == (3, 3):
            mistakes |= {
                "transposing mirrors the kernel at its diagonal, which is no turn by 180 degrees": (
                    correlate2d(image, kernel.T)
                ),
                "`np.rot90` turns by 90 degrees once; do it twice": (
                    correlate2d(image, np.rot90(kernel))
                ),
            }
        answer = call(convolve, image, kernel)
        expect_array(answer, right, what="convolve(image, kernel)", mistakes=mistakes)


CONVOLVE = Exercise(
    name="01-convolve",
    title="From correlation to convolution",
    hints=(
        "What differs is the order in which the kernel is read.",
        "A slice `[::-1]` reverses one axis; a kernel has two.",
    ),
    solution="""def convolve(image, kernel):
    return correlate_loops(image, kernel[::-1, ::-1])
""",
    why="Minus signs in the sum mean that the kernel is read backwards along both axes: turned by "
    "180 degrees.",
    check=_check_convolve,
)

# --------------------------------------------------------------------------------------------------


def _check_diagonal(kernel):
    # Only the shape and that these are usable numbers: many kernels are right.
    kernel = numbers_of(kernel, "your kernel", (3, 3))
    require(kernel.any(), "all weights are zero: such a kernel sees nothing")
    small, (row, column) = 1e-6 * np.abs(kernel).sum(), np.mgrid[:3, :3]
    # Pictures of edges: 1 on the bright side, 1/2 on the pixels that the edge cuts in two.
    down, across = row + column - 2, row - column
    ours, other = ((kernel * np.heaviside(place, 0.5)).sum() for place in (down, across))
    # Wherever the edge lies within the nine pixels.
    wanted = max((kernel * np.heaviside(down - shift, 0.5)).sum() for shift in (-1, 0, 1))
    upright = max(abs((kernel * edge).sum()) for edge in (row > 1, row < 1, column > 1, column < 1))
    for holds, hint in (
        (
            abs(kernel.sum()) < small,
            f"on a uniform region of brightness 1 it answers {kernel.sum():.3g}; the weights have "
            "to sum to zero",
        ),
        (
            ours > -small,
            "its answer to the wanted edge is negative: bright belongs to the lower right",
        ),
        (
            ours > small or abs(other) > small,
            "it answers to neither of the two diagonal edges: the weights at the upper left and at "
            "the lower right have to differ",
        ),
        (
            ours > small,
            "it does not answer to an edge with the bright side at the lower right; it is made for "
            "the other diagonal",
        ),
        (
            abs(other) < small,
            f"it also answers {other:.3g} to an edge along the other diagonal; make it symmetric "
            "about the line from the upper left to the lower right",
        ),
        (
            wanted >= upright - small,
            "it answers more strongly to an upright or lying edge than to the diagonal one",
        ),
    ):
        require(holds, hint)


DIAGONAL = Exercise(
    name="01-diagonal",
    title="Design a kernel for one diagonal",
    hints=(
        "Sobel x has minus on the left, plus on the right. Where do minus and plus belong here?",
        "Put zeros on the diagonal from the lower left to the upper right, the edge itself.",
    ),
    solution="""diagonal = np.array([[-2, -1, 0],
                     [-1, 0, 1],
                     [0, 1, 2]])
""",
    why="Minus above the edge, plus below it, zeros along it, and a sum of zero: Sobel's recipe, "
    "turned by 45 degrees. Mirrored about the line from the upper left to the lower right it stays "
    "the same, so that plus and minus cancel at an edge along that line.",
    check=_check_diagonal,
)

# --------------------------------------------------------------------------------------------------


def _check_compass(kirsch_edges):
    image = np.random.default_rng(2).random((9, 8))
    answers, with_border = (
        np.stack([correlate2d(image, kirsch(name), padding=padding) for name in COMPASS])
        for padding in ("valid", "same")
    )
    best = answers.argmax(axis=0)
    of_strongest = {
        "the two results are in the wrong order; `strongest` comes first": best,
        "at the border the kernels hang over zeros; leave the padding at `valid`": (
            with_border.max(axis=0)
        ),
        "that is one number for all places; take the maximum along the axis of the kernels": (
            answers.max()
        ),
        "these are all eight answers; take the maximum along the axis of the kernels": answers,
        "that is the largest answer regardless of its sign; a bright side gives a positive "
        "answer": np.abs(answers).max(axis=0),
        "these are the smallest answers": answers.min(axis=0),
        "that is zero everywhere, as when the eight answers are added or averaged; take the "
        "largest": 0 * best,
    }
    of_direction = {
        "that is one number for all places; take `argmax` along the axis of the kernels": (
            answers.argmax()
        ),
        "these are degrees; the number of the kernel is asked for, 0 to 7": best * 45,
        "counting starts at 0 for E": best + 1,
        "these point to the opposite side: convolution turns each kernel by 180 degrees; use "
        "`correlate2d`": (best + 4) % 8,
        "these are the directions of the weakest answers": answers.argmin(axis=0),
        "signs matter: a large negative answer belongs to a dark side": (
            np.abs(answers).argmax(axis=0)
        ),
    }
    result, what = call(kirsch_edges, image), "{}, for a picture of 9 x 8,"
    two = isinstance(result, tuple | list | np.ndarray) and len(result) == 2
    require(two, "two arrays are to be returned: `return strongest, direction`")
    right = answers.max(axis=0)
    expect_array(result[0], right, what=what.format("strongest"), mistakes=of_strongest)
    expect_array(result[1], best, what=what.format("direction"), mistakes=of_direction)


EIGHT = Exercise(
    name="01-compass",
    title="Eight questions at each pixel",
    hints=(
        "Compute eight maps in a loop over `convolution.COMPASS` and stack them with `np.stack`.",
        "`max` and `argmax` take an `axis`.",
    ),
    solution="""def kirsch_edges(image):
    kernels = [convolution.kirsch(direction) for direction in convolution.COMPASS]
    answers = np.stack([convolution.correlate2d(image, kernel) for kernel in kernels])
    return answers.max(axis=0), answers.argmax(axis=0)
""",
    why="Eight linear maps, then a maximum: the maximum is what makes the result see edges of all "
    "directions alike. Max pooling (lesson 02) uses the same trick over neighboring places.",
    check=_check_compass,
)

# --------------------------------------------------------------------------------------------------


def _check_separable(thin_kernels):
    for size in (3, 5):
        result = call(thin_kernels, size)
        require(
            isinstance(result, tuple | list) and len(result) == 2,
            "two kernels are to be returned: `return column, row`",
        )
        shapes = tuple(map(np.shape, result))
        for wrong, hint in {
            ((1, size), (size, 1)): "the column, of shape (size, 1), comes first",
            ((size,), (size,)): "a kernel has two axes: shapes (size, 1) and (1, size)",
            ((1, size), (1, size)): "both lie flat; the first one has to stand upright",
            ((size, 1), (size, 1)): "both stand upright; the second one has to lie flat",
            ((size, size), (size, size)): "these are square kernels, with all the work of one",
        }.items():
            require(shapes != wrong, hint)
        mean = convolution.mean_kernel(size)
        column = numbers_of(result[0], f"the column for size {size}", (size, 1))
        row = numbers_of(result[1], f"the row for size {size}", (1, size))
        mistakes = {
            "the passes sum and do not divide: the weights of each have to sum to one": (
                mean * size**2
            ),
            "one of the two does not sum to one": mean * size,
            "each divides by `size`, not by its square": mean / size**2,
        }
        what = f"column times row for size {size}"
        expect_array(column @ row, mean, what=what, mistakes=mistakes)


SEPARABLE = Exercise(
    name="01-separable",
    title="Two thin kernels for the mean",
    hints=(
        "A kernel of shape (size, 1) averages down a column. With which weights?",
        "The row has the same weights and the shape (1, size).",
    ),
    solution="""def thin_kernels(size):
    column = np.full((size, 1), 1 / size)
    return column, column.T
""",
    why="The mean kernel is the outer product of two thin ones, so two passes give the same "
    "numbers for `2 * size` instead of `size**2` multiplications per pixel.",
    check=_check_separable,
)

# --------------------------------------------------------------------------------------------------


def _check_learned(prediction):
    expect_choice(
        prediction,
        "c",
        {
            "a": "the targets have changed: where Sobel x gave plus, they now have minus",
            "b": "the layer need not flip anything: is there a kernel whose correlation gives "
            "exactly these targets?",
        },
    )


LEARNED = Exercise(
    name="01-learned",
    title="Does the flip matter?",
    hints=(
        "Convolution with k is the correlation with another kernel. Which?",
        "Gradient descent looks for the kernel whose *correlation* gives the targets.",
    ),
    solution='prediction = "c"\n',
    why="Convolution with a kernel equals correlation with the turned kernel, and that is what the "
    "layer finds. So the flip changes the stored numbers, never what the layer can do. (For Sobel, "
    "turning is the same as changing all signs.)",
    check=_check_learned,
)

EXERCISES = (DENSE, BY_HAND, CONVOLVE, DIAGONAL, EIGHT, SEPARABLE, LEARNED)
