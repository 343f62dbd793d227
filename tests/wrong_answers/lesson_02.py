"""Wrong answers to lesson 02, and the words their hint must contain; right ones written otherwise.

An entry of ``WRONG`` is a label, the answers as a tuple, and a fragment of the hint; one of
``RIGHT`` is a label and the answers.
"""

import math

import numpy as np

from course_utils import convolution


def _params(change):
    return (lambda kernel, channels, filters: change(math.prod(kernel), channels, filters),)


def _shapes(place, shape):
    right = [(50, 40, 16), (16, 13, 16), (14, 11, 32), (32,)]
    right[place] = shape
    return (right,)


def _zeros(change):
    """Zeros made from the right total."""

    def zeros(n, k, s):
        return change(sum(convolution.padding_widths(n, k, s, "same")))

    return (zeros,)


def _zeros_without_limit(n, k, s):
    total = (-(-n // s) - 1) * s + k - n
    return total // 2, total - total // 2


def _copies_counted(k, s):
    output = np.zeros((20 * s + k,), int)
    for place in range(0, 20 * s, s):
        output[place : place + k] += 1
    return {int(count) for count in output[5 * s + k : 10 * s + k]}


def _saving(change):
    return (lambda k, c, n: change(k * k * c * n, k * k * c, c * n),)


def _batch(change):
    return (lambda h, w, f, megabytes: change(h * w * f, megabytes),)


def _saving_by_keras(k, c, n):
    from course_utils.quiet import keras

    layers = [keras.layers.Conv2D(n, k), keras.layers.SeparableConv2D(n, k)]
    for layer in layers:
        layer.build((None, 16, 16, c))
    full, separable = (layer.count_params() - n for layer in layers)
    return full / separable


def _parameters_by_keras(kernel, channels, filters):
    from course_utils.quiet import keras

    kind = {1: keras.layers.Conv1D, 2: keras.layers.Conv2D, 3: keras.layers.Conv3D}[len(kernel)]
    layer = kind(filters, kernel)
    layer.build((None, *(9,) * len(kernel), channels))
    return layer.count_params()


WRONG = {
    "02-two-channels": [
        ("no bias", (9,), "the bias is missing"),
        ("two biases", (11,), "*one* bias"),
        ("first channel", (6,), "first channel alone"),
        ("first, no bias", (5,), "add up both"),
        ("second", (4,), "second channel alone"),
        ("turned", (2,), "not turned"),
        ("plus", (12,), "subtracted"),
        ("pixels", (17,), "sum of all pixels"),
        ("product", (21,), "not multiplied"),
        ("sign", (-10,), "wrong sign"),
        ("large", (30,), "too large"),
    ],
    "02-parameters": [
        ("no bias", _params(lambda w, c, n: w * c * n), "biases are missing"),
        ("one bias", _params(lambda w, c, n: w * c * n + 1), "not the layer one for all"),
        ("no channels", _params(lambda w, c, n: (w + 1) * n), "a slice for each channel"),
        ("one filter", _params(lambda w, c, n: w * c + 1), "the layer has several"),
        ("bias per slice", _params(lambda w, c, n: (w + 1) * c * n), "every slice a bias"),
        ("sum of sides", (lambda k, c, n: (sum(k) * c + 1) * n,), "not added"),
        ("first side", (lambda k, c, n: (k[0] * c + 1) * n,), "only the first side"),
        ("always 2", (lambda k, c, n: (math.prod(k[:2]) * c + 1) * n,), "one or three"),
        ("squared", (lambda k, c, n: (k[0] ** 2 * c + 1) * n,), "not always square"),
        ("exchanged", _params(lambda w, c, n: (w * n + 1) * c), "exchanged"),
        ("of a batch", _params(lambda w, c, n: 32 * (w * c + 1) * n), "too large"),
        ("zero", _params(lambda w, c, n: 0), "too small"),
    ],
    "02-shapes": [
        ("valid", _shapes(0, (48, 38, 16)), "shape 1: the padding is `same`"),
        ("stride ignored", _shapes(0, (100, 80, 16)), "only with stride 1"),
        ("channels in", _shapes(0, (50, 40, 3)), "shape 1: the channels"),
        ("width first", _shapes(0, (40, 50, 16)), "height comes first"),
        ("rounded up", _shapes(1, (17, 14, 16)), "round down"),
        ("halved", _shapes(1, (25, 20, 16)), "the window is 3"),
        ("stride 1", _shapes(1, (48, 38, 16)), "moves by its window"),
        ("pool changes channels", _shapes(1, (16, 13, 32)), "leaves the channels"),
        ("same again", _shapes(2, (16, 13, 32)), "takes away two rows and two"),
        ("channels kept", _shapes(2, (14, 11, 16)), "shape 3: the channels"),
        ("one less", _shapes(2, (15, 12, 32)), "*two* rows"),
        ("maps averaged", _shapes(3, (14, 11)), "keeps the channels"),
        ("axes kept", _shapes(3, (1, 1, 32)), "drops the axes"),
        ("flattened", _shapes(3, (4928,)), "that is `Flatten`"),
        ("one number", _shapes(3, (1,)), "*each* channel"),
        ("with batch", _shapes(2, (1, 14, 11, 32)), "leave out the batch"),
        ("nonsense", _shapes(1, (7, 7, 7)), "shape 2 is not (7, 7, 7)"),
        ("three", ([(50, 40, 16), (16, 13, 16), (14, 11, 32)],), "four layers"),
        ("text", _shapes(1, "16 13 16"), "has to be a tuple"),
    ],
    "02-zeros": [
        ("before", _zeros(lambda t: (t - t // 2, t // 2)), "comes after"),
        ("stride 1", (lambda n, k, s: ((k - 1) // 2, k - 1 - (k - 1) // 2),), "for stride 1"),
        ("symmetric", (lambda n, k, s: (k // 2, k // 2),), "as many as are needed"),
        ("all after", (lambda n, k, s: (0, _zeros(lambda t: t)[0](n, k, s)),), "not all put"),
        ("on each side", _zeros(lambda t: (t, t)), "on *each* side"),
        ("negative", (_zeros_without_limit,), "at least 0"),
        ("rounded up", _zeros(lambda t: (-(-t // 2),) * 2), "split evenly"),
        ("rounded down", _zeros(lambda t: (t // 2,) * 2), "got lost"),
        ("all before", _zeros(lambda t: (t, 0)), "shared out over both"),
        ("total only", _zeros(lambda t: t), "2 numbers in round brackets"),
        ("half", _zeros(lambda t: (t / 2, t / 2)), "whole numbers"),
        ("three", _zeros(lambda t: (t, 0, 0)), "has 3 entries"),
        ("letters", _zeros(lambda t: ("a", "b")), "no number"),
    ],
    "02-overlaps": [
        ("largest", (lambda k, s: {-(-k // s)},), "which get fewer"),
        ("smallest", (lambda k, s: {k // s},), "some outputs get more"),
        ("kernel", (lambda k, s: {k},), "not at once"),
        ("stride", (lambda k, s: {s} if k > 3 else {1, 2},), "k = 5, s = 3"),
        ("with border", (lambda k, s: set(range(1, -(-k // s) + 1)),), "counts the border"),
        (
            "no gaps",
            (lambda k, s: {k // s, -(-k // s)} - {0},),
            "there are gaps",
        ),
        ("fraction", (lambda k, s: {k / s},), "are whole numbers"),
        ("nonsense", (lambda k, s: {17},), "it is not [17]"),
        ("a number", (lambda k, s: 2,), "has to be a set"),
    ],
    "02-border": [
        ("zeros", (16 / 9, 16 / 9), "ignores what lies outside"),
        ("sum", (16, 16 / 9), "their mean is asked for"),
        ("nothing", (0, 16 / 9), "nothing is 0"),
        ("six", (24 / 9, 16 / 9), "not six"),
        ("no zeros", (4, 4), "zeros count as well"),
        ("edge", (4, 24 / 9), "one in the corner"),
        ("not divided", (4, 16), "divide by all nine"),
        ("four ninths", (4, 4 / 9), "sum of four fours"),
        ("one", (4, 1), "only one pixel"),
        ("large", (5, 16 / 9), "corner is 5"),
    ],
    "02-separable": [
        ("upside down", _saving(lambda f, d, p: (d + p) / f), "upside down"),
        ("no pointwise", _saving(lambda f, d, p: f / d), "1 x 1 convolution costs"),
        ("no depthwise", _saving(lambda f, d, p: f / p), "depthwise part costs"),
        ("product", _saving(lambda f, d, p: f / (d * p)), "do not multiply"),
        (
            "biases",
            (lambda k, c, n: (k * k * c * n + n) / (k * k * c + c * n + n),),
            "biases are no multiply-adds",
        ),
        (
            "more biases",
            (lambda k, c, n: (k * k * c * n + n) / (k * k * c + c + c * n + n),),
            "those biases",
        ),
        ("per filter", (lambda k, c, n: k * k * c * n / (k * k * n + c * n),), "of its *input*"),
        ("one channel", (lambda k, c, n: k * k * n / (k * k * c + c * n),), "mixes all channels"),
        ("not squared", (lambda k, c, n: k * n / (k + n),), "k x k weights"),
        ("difference", _saving(lambda f, d, p: f - d - p), "too large"),
    ],
    "02-receptive-field": [
        ("no jumps", (21,), "steps are longer"),
        ("too early", (67,), "fourth layer"),
        ("third", (51,), "third layer"),
        ("second", (19,), "second layer"),
        ("own stride", (247,), "*after* it"),
        ("k", (147,), "not k"),
        ("one short", (98,), "start from"),
        ("no pooling", (75,), "windows, too"),
        ("jump", (16,), "the jump"),
        ("product", (1485,), "simply multiplied"),
        ("near", (100,), "too large by one"),
    ],
    "02-memory": [
        ("exact", _batch(lambda x, m: m * 1e6 / (4 * x)), "whole number of pictures"),
        ("rounded up", _batch(lambda x, m: math.ceil(m * 1e6 / (4 * x))), "would not fit"),
        ("bytes", _batch(lambda x, m: m * 10**6 // x), "not one"),
        ("bits", _batch(lambda x, m: m * 10**6 // (32 * x)), "not 32"),
        ("binary", _batch(lambda x, m: m * 2**20 // (4 * x)), "2 to the 20"),
        ("no filters", (lambda h, w, f, m: m * 10**6 // (4 * h * w),), "every filter"),
        ("double", _batch(lambda x, m: m * 10**6 // (8 * x)), "not eight"),
        ("no million", _batch(lambda x, m: m // (4 * x)), "taken for bytes"),
        ("of one picture", _batch(lambda x, m: 4 * x), "too large"),
    ],
}

RIGHT = {
    "02-two-channels": [("float", (10.0,)), ("array", (np.array([[10]]),))],
    "02-parameters": [
        ("by Keras", (_parameters_by_keras,)),
        ("added", _params(lambda w, c, n: w * c * n + n)),
        ("NumPy", (lambda k, c, n: (np.prod(k) * c + 1) * n,)),
    ],
    "02-shapes": [
        ("lists", ([[50, 40, 16], [16, 13, 16], [14, 11, 32], [32]],)),
        ("tuples", (((50, 40, 16), (16, 13, 16), (14, 11, 32), (32,)),)),
        ("a number", ([(50, 40, 16), (16, 13, 16), (14, 11, 32), 32],)),
        ("arrays", ([np.array(s) for s in [(50, 40, 16), (16, 13, 16), (14, 11, 32), (32,)]],)),
        (
            "batch of None",
            ([(None, 50, 40, 16), (None, 16, 13, 16), (None, 14, 11, 32), (None, 32)],),
        ),
    ],
    "02-zeros": [
        ("the course's", (lambda n, k, s: convolution.padding_widths(n, k, s, "same"),)),
        ("list", (lambda n, k, s: list(convolution.padding_widths(n, k, s, "same")),)),
    ],
    "02-overlaps": [
        ("laid down", (_copies_counted,)),
        ("formula", (lambda k, s: {k // s, -(-k // s)},)),
        ("list", (lambda k, s: [k // s, -(-k // s)],)),
        ("array", (lambda k, s: np.unique([k // s, -(-k // s)]),)),
    ],
    "02-border": [("rounded", (4.0, 1.78)), ("arrays", (np.float32(4), np.float64(16 / 9)))],
    "02-separable": [
        ("by Keras", (_saving_by_keras,)),
        ("short", (lambda k, c, n: k * k * n / (k * k + n),)),
    ],
    "02-receptive-field": [("float", (99.0,)), ("sum", (11 + 2 * 4 + 4 * 8 + 2 * 8 + 2 * 16,))],
    "02-memory": [
        ("int", _batch(lambda x, m: int(m * 1e6 / (4 * x)))),
        ("floor", _batch(lambda x, m: np.floor(m * 1e6 / (4 * x)))),
    ],
}
