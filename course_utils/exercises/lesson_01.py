"""Exercises of lesson 01, convolution basics: checkers, hints, solutions."""

from __future__ import annotations

import numpy as np

from course_utils import convolution
from course_utils.exercises import (
    Exercise,
    NotDone,
    Wrong,
    call,
    expect_array,
    expect_choice,
    expect_number,
    require,
)


def _matrix(kernel, what: str, shape: tuple[int, int]) -> np.ndarray:
    """The answer as a matrix of finite numbers of that shape, or a fitting complaint."""
    require(not callable(kernel), f"the numbers of {what} are asked for, not a function")
    try:
        matrix = np.asarray(kernel)
    except ValueError:
        raise Wrong(f"the rows of {what} have to be of the same length") from None
    require(matrix.dtype.kind in "iuf", f"{what} has to be an array of real numbers")
    require(
        matrix.shape == shape,
        f"{what} has to have the shape {shape}, and yours has the shape {matrix.shape}",
    )
    require(bool(np.isfinite(matrix).all()), f"NaN or infinity is no weight of {what}")
    return matrix.astype(float)  # differences of unsigned integers would wrap round


# --------------------------------------------------------------------------------------------------


def _check_dense(dense_weights):
    for height, width, channels, units in ((224, 224, 3, 64), (28, 20, 1, 10)):
        inputs = height * width * channels
        expect_number(
            call(dense_weights, height, width, channels, units),
            inputs * units + units,
            what=f"dense_weights({height}, {width}, {channels}, {units})",
            tol=1e-9,  # of ten million, a single weight counts
            mistakes={
                "each unit also has a bias": inputs * units,
                "every unit has a weight for every input: multiply these two": inputs + units,
                "each of the units has a bias of its own, not one for all": inputs * units + 1,
                "a picture has a number per pixel and per channel": height * width * units + units,
                "these are the weights of a single unit; multiply": inputs + 1,
                "that counts a bias for each input; a bias belongs to a unit": (inputs * units)
                + inputs,
                "that is what 3 x 3 patterns would need; a dense unit sees every pixel": (
                    9 * channels * units + units
                ),
            },
        )


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
    outputs = convolution.correlate2d(_IMAGE, _KERNEL)
    patch = _IMAGE[1:4, 2:5]
    expect_number(
        answer,
        outputs[1, 2],
        what="your sum",
        mistakes={
            "this is the output at row 0, column 0; the kernel has moved": outputs[0, 0],
            "counting starts at 0: row 1 is the second row, column 2 the third": outputs[0, 1],
            "rows come first: the kernel lies one row down and two columns to the right": (
                outputs[2, 1]
            ),
            "this lies one row too low": outputs[2, 2],
            "this lies one row too high": outputs[0, 2],
            "this lies one column too far to the left": outputs[1, 1],
            "this lies on row 1, column 0; column 2 is the third one": outputs[1, 0],
            "correlation leaves the kernel as it is; here it was turned": (
                convolution.convolve2d(_IMAGE, _KERNEL)[1, 2]
            ),
            "the 2 at its top right doubles the pixel": (np.sign(_KERNEL) * patch).sum(),
            "the last weight is minus one: subtract that product": (np.abs(_KERNEL) * patch).sum(),
            "the product of the last weight, minus one, is missing": (
                np.maximum(_KERNEL, 0) * patch
            ).sum(),
            "this is the sum of the nine pixels; multiply each by its weight first": patch.sum(),
        },
    )


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
    for kernel_shape in ((3, 3), (3, 5)):
        image, kernel = random.normal(size=(7, 8)), random.normal(size=kernel_shape)
        right = convolution.convolve2d(image, kernel)
        mistakes = {
            "this is still the correlation; the kernel has to be turned": convolution.correlate2d(
                image, kernel
            ),
            "only the rows are turned round; the columns have to be as well": (
                convolution.correlate2d(image, kernel[::-1])
            ),
            "only the columns are turned round; the rows have to be as well": (
                convolution.correlate2d(image, kernel[:, ::-1])
            ),
            "the picture was turned instead of the kernel, and so the result is turned as well": (
                right[::-1, ::-1]
            ),
            "picture and kernel were both turned; turn the kernel only": (
                convolution.correlate2d(image, kernel)[::-1, ::-1]
            ),
            "these are also the places where the kernel hangs over the border; keep those where it "
            "fits": convolution.convolve2d(image, kernel, padding="full"),
            "zeros were added around the picture; keep the places where the kernel fits": (
                convolution.convolve2d(image, kernel, padding="same")
            ),
        }
        if kernel_shape == (3, 3):
            mistakes |= {
                "transposing mirrors the kernel at its diagonal, which is no turn by 180 degrees": (
                    convolution.correlate2d(image, kernel.T)
                ),
                "`np.rot90` turns by 90 degrees once; do it twice": convolution.correlate2d(
                    image, np.rot90(kernel)
                ),
            }
        expect_array(
            call(convolve, image, kernel), right, what="convolve(image, kernel)", mistakes=mistakes
        )


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
    if kernel is None or kernel is ...:
        raise NotDone
    kernel = _matrix(kernel, "your kernel", (3, 3))
    require(kernel.any(), "all weights are zero: such a kernel sees nothing")
    scale = np.abs(kernel).sum()
    require(
        abs(kernel.sum()) < 1e-6 * scale,
        f"on a uniform region of brightness 1 it answers {kernel.sum():.3g}; the weights have to "
        "sum to zero",
    )
    row, column = np.mgrid[:3, :3]
    # Pictures of edges: 1 on the bright side, 1/2 on the pixels that the edge cuts in two.
    down, across = row + column - 2, row - column
    ours = (kernel * np.heaviside(down, 0.5)).sum()
    other = (kernel * np.heaviside(across, 0.5)).sum()
    require(
        ours > -1e-6 * scale,
        "its answer to the wanted edge is negative: bright belongs to the lower right",
    )
    require(
        ours > 1e-6 * scale or abs(other) > 1e-6 * scale,
        "it answers to neither of the two diagonal edges: the weights at the upper left and at "
        "the lower right have to differ",
    )
    require(
        ours > 1e-6 * scale,
        "it does not answer to an edge with the bright side at the lower right; it is made for "
        "the other diagonal",
    )
    require(
        abs(other) < 1e-6 * scale,
        f"it also answers {other:.3g} to an edge along the other diagonal; make it symmetric "
        "about the line from the upper left to the lower right",
    )
    # Wherever the edge lies within the nine pixels.
    wanted = max((kernel * np.heaviside(down - shift, 0.5)).sum() for shift in (-1, 0, 1))
    straight = max(
        abs((kernel * edge).sum()) for edge in (row > 1, row < 1, column > 1, column < 1)
    )
    require(
        wanted >= straight - 1e-6 * scale,
        "it answers more strongly to an upright or lying edge than to the diagonal one",
    )


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
        np.stack(
            [
                convolution.correlate2d(image, convolution.kirsch(d), padding=padding)
                for d in convolution.COMPASS
            ]
        )
        for padding in ("valid", "same")
    )
    result = call(kirsch_edges, image)
    require(
        isinstance(result, tuple | list | np.ndarray) and len(result) == 2,
        "two arrays are to be returned: `return strongest, direction`",
    )
    strongest, direction = result
    expect_array(
        strongest,
        answers.max(axis=0),
        what="strongest, for a picture of 9 x 8,",
        mistakes={
            "the two results are in the wrong order; `strongest` comes first": answers.argmax(
                axis=0
            ),
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
            "largest": np.zeros_like(answers[0]),
        },
    )
    expect_array(
        direction,
        answers.argmax(axis=0),
        what="direction, for a picture of 9 x 8,",
        mistakes={
            "that is one number for all places; take `argmax` along the axis of the kernels": (
                answers.argmax()
            ),
            "these are degrees; the number of the kernel is asked for, 0 to 7": (
                answers.argmax(axis=0) * 45
            ),
            "counting starts at 0 for E": answers.argmax(axis=0) + 1,
            "these point to the opposite side: convolution turns each kernel by 180 degrees; use "
            "`correlate2d`": (answers.argmax(axis=0) + 4) % 8,
            "these are the directions of the weakest answers": answers.argmin(axis=0),
            "signs matter: a large negative answer belongs to a dark side": (
                np.abs(answers).argmax(axis=0)
            ),
        },
    )


COMPASS = Exercise(
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
        column = _matrix(result[0], f"the column for size {size}", (size, 1))
        row = _matrix(result[1], f"the row for size {size}", (1, size))
        expect_array(
            column @ row,
            mean,
            what=f"column times row for size {size}",
            mistakes={
                "the passes sum and do not divide: the weights of each have to sum to one": (
                    mean * size**2
                ),
                "one of the two does not sum to one": mean * size,
                "each divides by `size`, not by its square": mean / size**2,
            },
        )


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

EXERCISES = (DENSE, BY_HAND, CONVOLVE, DIAGONAL, COMPASS, SEPARABLE, LEARNED)
