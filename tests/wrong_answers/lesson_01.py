"""Wrong answers to lesson 01, and the words their hint must contain; right ones written otherwise.

An entry of ``WRONG`` is a label, the answers as a tuple, and a fragment of the hint; one of
``RIGHT`` is a label and the answers.
"""

import numpy as np
from scipy import signal

from course_utils import convolution
from course_utils.convolution import COMPASS, correlate2d, kirsch, mean_kernel


def correlate_loops(image, kernel):
    """The four loops that the notebook gives."""
    rows, columns = np.array(image.shape) - kernel.shape + 1
    output = np.zeros((rows, columns))
    for r, c in np.ndindex(rows, columns):
        for u, v in np.ndindex(kernel.shape):
            output[r, c] += kernel[u, v] * image[r + u, c + v]
    return output


# --- 01-dense -----------------------------------------------------------------------------------


def _dense_by_keras(height, width, channels, units):
    from course_utils.quiet import keras

    layers = [keras.Input((height, width, channels)), keras.layers.Flatten()]
    return keras.Sequential([*layers, keras.layers.Dense(units)]).count_params()


# --- 01-convolve --------------------------------------------------------------------------------


def _turned_in_place(image, kernel):
    kernel[:] = kernel[::-1, ::-1].copy()
    return correlate_loops(image, kernel)


def _convolve_by_formula(image, kernel):
    k, m = kernel.shape
    return [
        [
            sum(
                kernel[u, v] * image[r + k - 1 - u, c + m - 1 - v]
                for u in range(k)
                for v in range(m)
            )
            for c in range(image.shape[1] - m + 1)
        ]
        for r in range(image.shape[0] - k + 1)
    ]


# --- 01-compass ---------------------------------------------------------------------------------


def _answers(image, operation=correlate2d, **options):
    return np.stack([operation(image, kirsch(direction), **options) for direction in COMPASS])


def _compass(strongest=lambda a: a.max(axis=0), direction=lambda a: a.argmax(axis=0), **options):
    def kirsch_edges(image):
        answers = _answers(image, **options)
        return strongest(answers), direction(answers)

    return (kirsch_edges,)


def _compass_of_another_picture(image):
    answers = _answers(np.eye(30))
    return answers.max(axis=0), answers.argmax(axis=0)


def _compass_in_place(image):
    image -= image.mean()
    return _compass()[0](image)


def _compass_step_by_step(image):
    strongest = correlate2d(image, kirsch("E"))
    direction = np.zeros(strongest.shape)
    for number, name in enumerate(COMPASS):
        answer = correlate2d(image, kirsch(name))
        better = answer > strongest
        strongest[better], direction[better] = answer[better], number
    return strongest, direction


# --- 01-separable -------------------------------------------------------------------------------


def _thin(first=(-1, 1), second=(1, -1), weight=lambda size: 1 / size):
    """Two kernels filled with one number; -1 stands for the size."""

    def thin_kernels(size):
        shapes = [[size if side == -1 else side for side in shape] for shape in (first, second)]
        return tuple(np.full(shape, weight(size)) for shape in shapes)

    return (thin_kernels,)


def _one_unscaled(size):
    return np.full((size, 1), 1 / size), np.ones((1, size))


def _by_separate(size):
    column, row = convolution.separate(mean_kernel(size))
    return column[:, None], row[None]


# --- the bank -----------------------------------------------------------------------------------

WRONG = {
    "01-dense": [
        ("no bias", (lambda h, w, c, n: h * w * c * n,), "each unit also has a bias"),
        ("one bias", (lambda h, w, c, n: h * w * c * n + 1,), "not one for all"),
        ("a bias per input", (lambda h, w, c, n: h * w * c * (n + 1),), "a bias for each input"),
        ("no channels", (lambda h, w, c, n: (h * w + 1) * n,), "per channel"),
        ("one unit", (lambda h, w, c, n: h * w * c + 1,), "of a single unit"),
        ("sum", (lambda h, w, c, n: h * w * c + n,), "multiply these two"),
        ("convolution", (lambda h, w, c, n: (9 * c + 1) * n,), "3 x 3 patterns"),
        ("of one picture", (lambda h, w, c, n: 9_633_856,), "dense_weights(28, 20, 1, 10)"),
        ("off by one", (lambda h, w, c, n: (h * w * c + 1) * n - 1,), "too small by one"),
        ("zero", (lambda h, w, c, n: 0,), "too small"),
    ],
    "01-by-hand": [
        ("top left", (3,), "row 0, column 0"),
        ("counted from 1", (1,), "counting starts at 0"),
        ("columns first", (17,), "rows come first"),
        ("convolution", (12,), "here it was turned"),
        ("column 0", (13,), "column 2 is the third one"),
        ("column 1", (9,), "too far to the left"),
        ("row 2", (0,), "too low"),
        ("row 0", (8,), "too high"),
        ("plus", (22,), "subtract that product"),
        ("three products", (18,), "is missing"),
        ("two as one", (10,), "doubles the pixel"),
        ("pixels", (30,), "multiply each by its weight"),
        ("sign", (-14,), "wrong sign"),
        ("fifteen", (15,), "too large"),
    ],
    "01-convolve": [
        ("correlation", (correlate_loops,), "still the correlation"),
        ("rows", (lambda i, k: correlate_loops(i, k[::-1]),), "only the rows"),
        ("columns", (lambda i, k: correlate_loops(i, k[:, ::-1]),), "only the columns"),
        ("transposed", (lambda i, k: correlate_loops(i, k.T),), "mirrors the kernel"),
        ("90 degrees", (lambda i, k: correlate_loops(i, np.rot90(k)),), "do it twice"),
        ("picture", (lambda i, k: correlate_loops(i[::-1, ::-1], k),), "instead of the kernel"),
        (
            "both",
            (lambda i, k: correlate_loops(i[::-1, ::-1], k[::-1, ::-1]),),
            "turn the kernel only",
        ),
        ("full", (lambda i, k: signal.convolve2d(i, k),), "hangs over the border"),
        ("same", (lambda i, k: signal.convolve2d(i, k, mode="same"),), "zeros were added"),
        ("minus", (lambda i, k: -signal.convolve2d(i, k, mode="valid"),), "wrong sign everywhere"),
        ("mean", (lambda i, k: signal.convolve2d(i, k, mode="valid") / 9,), "0.111111 times"),
        ("a slice too short", (lambda i, k: correlate_loops(i, k[-1:0:-1, -1:0:-1]),), "(6, 7)"),
        ("integers", (lambda i, k: signal.convolve2d(i, k, "valid").astype(int),), "were cut off"),
        ("kernel", (lambda i, k: k[::-1, ::-1],), "(3, 3), expected (5, 6)"),
        ("in place", (_turned_in_place,), "argument 2 in place"),
    ],
    "01-diagonal": [
        ("Sobel x", (convolution.sobel("x"),), "it also answers -3"),
        ("Sobel y", (convolution.sobel("y"),), "it also answers 3"),
        ("Laplace", (convolution.laplace(4),), "neither of the two"),
        ("other diagonal", ([[0, 1, 2], [-1, 0, 1], [-2, -1, 0]],), "made for the other"),
        ("bright above", ([[2, 1, 0], [1, 0, -1], [0, -1, -2]],), "lower right"),
        ("zeros", (np.zeros((3, 3)),), "all weights are zero"),
        ("sum 9", (np.array([[-2, -1, 0], [-1, 9, 1], [0, 1, 2]]),), "brightness 1 it answers 9"),
        ("emboss", (convolution.OPERATORS["emboss"],), "brightness 1 it answers 1;"),
        ("mostly upright", ([[3, -3, 3], [-3, -2, -2], [3, -2, 3]],), "more strongly"),
        ("flat list", ([-2, -1, 0, -1, 0, 1, 0, 1, 2],), "shape (9,)"),
        ("for Keras", (np.ones((3, 3, 1, 1)),), "shape (3, 3, 1, 1)"),
        ("5 x 5", (np.eye(5),), "shape (5, 5)"),
        ("nan", (np.full((3, 3), np.nan),), "NaN"),
        ("text", ("diagonal",), "array of real numbers"),
        ("ragged", ([[-2, -1, 0], [-1, 0, 1], [1, 2]],), "same length"),
    ],
    "01-compass": [
        ("absolute", _compass(lambda a: np.abs(a).max(axis=0)), "regardless of its sign"),
        ("weakest", _compass(lambda a: a.min(axis=0)), "smallest answers"),
        ("sum", _compass(lambda a: a.sum(axis=0)), "added or averaged"),
        ("one maximum", _compass(np.max), "take the maximum along"),
        ("all", _compass(lambda a: a), "these are all eight answers"),
        ("wrong axis", _compass(lambda a: a.max(axis=1)), "has shape (8, 6)"),
        ("always E", _compass(lambda a: a[0]), "differ; at ["),
        ("fifteenth", _compass(lambda a: a.max(axis=0) / 15), "0.0666667 times"),
        ("border", _compass(padding="same"), "hang over zeros"),
        ("swapped", _compass(lambda a: a.argmax(axis=0), lambda a: a.max(axis=0)), "wrong order"),
        ("from 1", _compass(direction=lambda a: a.argmax(axis=0) + 1), "counting starts at 0"),
        ("degrees", _compass(direction=lambda a: a.argmax(axis=0) * 45), "these are degrees"),
        ("turned", _compass(operation=convolution.convolve2d), "the opposite side"),
        ("argmin", _compass(direction=lambda a: a.argmin(axis=0)), "the weakest answers"),
        ("sign", _compass(direction=lambda a: np.abs(a).argmax(axis=0)), "a dark side"),
        ("one place", _compass(direction=np.argmax), "take `argmax` along"),
        ("wrong places", _compass(direction=lambda a: a.argmax(axis=1)), "direction, for a"),
        ("only one", (lambda image: _answers(image).max(axis=0),), "two arrays"),
        ("another picture", (_compass_of_another_picture,), "picture of 9 x 8, has shape (28, 28)"),
        ("in place", (_compass_in_place,), "in place"),
    ],
    "01-separable": [
        ("row first", _thin((1, -1), (-1, 1)), "comes first"),
        ("flat", _thin((-1,), (-1,)), "has two axes"),
        ("two rows", _thin((1, -1), (1, -1)), "both lie flat"),
        ("two columns", _thin((-1, 1), (-1, 1)), "both stand upright"),
        ("squares", _thin((-1, -1), (-1, -1)), "square kernels"),
        ("one square", (mean_kernel,), "two kernels are to be returned"),
        ("sums", _thin(weight=lambda size: 1), "do not divide"),
        ("one sum", (_one_unscaled,), "does not sum to one"),
        ("by nine", _thin(weight=lambda size: 1 / size**2), "not by its square"),
        ("always 3", (lambda size: _thin()[0](3),), "for size 5"),
        ("one third", _thin(weight=lambda size: 1 / 3), "column times row for size 5"),
        ("one too long", (lambda size: _thin()[0](size + 1),), "(4, 1)"),
        ("binomial", (lambda size: (np.array([[1], [2], [1]]) / 4, [[0.25, 0.5, 0.25]]),), "at ["),
    ],
    "01-learned": [
        ("a", ("a",), "the targets have changed"),
        ("b", ("b",), "the layer need not flip anything"),
        ("d", ("d",), '"d" is none of them'),
        ("words", ("Sobel x",), '"Sobel x" is none of them'),
        ("number", (3,), "3 is none of them"),
    ],
}

RIGHT = {
    "01-dense": [
        ("Keras", (_dense_by_keras,)),
        ("float", (lambda h, w, c, n: float(n + n * h * w * c),)),
        ("array", (lambda h, w, c, n: np.prod([h, w, c, n]) + n,)),
    ],
    "01-by-hand": [("float", (14.0,)), ("array", (np.array([[14]]),))],
    "01-convolve": [
        ("SciPy", (lambda i, k: signal.convolve2d(i, k, mode="valid"),)),
        ("course", (convolution.convolve2d,)),
        ("turned twice", (lambda i, k: correlate_loops(i, np.rot90(k, 2)),)),
        ("np.flip", (lambda i, k: correlate_loops(i, np.flip(k)),)),
        ("three turns", (lambda i, k: correlate_loops(i[::-1, ::-1], k)[::-1, ::-1],)),
        ("formula, a list", (_convolve_by_formula,)),
        ("float32", (lambda i, k: signal.convolve2d(i, k, "valid").astype("float32"),)),
    ],
    "01-diagonal": [
        ("Prewitt, a list", ([[-1, -1, 0], [-1, 0, 1], [0, 1, 1]],)),
        ("scaled", (np.array([[-2, -1, 0], [-1, 0, 1], [0, 1, 2]], "float32") / 7,)),
        ("small", (np.array([[-2, -1, 0], [-1, 0, 1], [0, 1, 2]]) * 1e-9,)),
        ("Kirsch", (kirsch("SE"),)),
        ("sum of Sobels", (convolution.sobel("x") + convolution.sobel("y"),)),
        ("corners", ([[-1, 0, 0], [0, 0, 0], [0, 0, 1]],)),
        ("sides", (((0, -1, 0), (-1, 0, 1), (0, 1, 0)),)),
        ("Roberts", ([[0, 0, 0], [0, -1, 0], [0, 0, 1]],)),
        ("8 bits", (np.array([[-2, -1, 0], [-1, 0, 1], [0, 1, 2]], "int8"),)),
    ],
    "01-compass": [
        ("step by step, float numbers", (_compass_step_by_step,)),
        ("list", (lambda image: list(_compass()[0](image)),)),
        ("one array", (lambda image: np.array(_compass()[0](image)),)),
        (
            "turned back",
            _compass(
                direction=lambda a: (a.argmax(axis=0) + 4) % 8, operation=convolution.convolve2d
            ),
        ),
        ("SciPy", _compass(operation=signal.correlate2d, mode="valid")),
        ("loops", _compass(operation=correlate_loops)),
    ],
    "01-separable": [
        ("separate", (_by_separate,)),
        ("divided in one", (lambda size: [np.ones((size, 1)), np.full((1, size), size**-2)],)),
        ("lists", (lambda size: ([[1 / size]] * size, [[1 / size] * size]),)),
        ("signs", _thin(weight=lambda size: -1 / size)),
    ],
    "01-learned": [("capital", (" C ",))],
}
