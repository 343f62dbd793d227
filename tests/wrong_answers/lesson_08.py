"""Wrong answers to lesson 08, and the words their hint must contain; right ones written otherwise.

An entry of ``WRONG`` is a label, the answers as a tuple, and a fragment of the hint; one of
``RIGHT`` is a label and the answers.
"""

import numpy as np

# --- 08-gram ------------------------------------------------------------------------------------


def _rows(maps):
    return maps.reshape(len(maps), -1, maps.shape[-1])


def _product(maps):
    rows = _rows(maps)
    return rows.transpose(0, 2, 1) @ rows


def _positions(maps):
    return maps.shape[1] * maps.shape[2]


def _by_loop(maps):
    return [
        sum(np.outer(v, v) for v in one.reshape(-1, one.shape[-1])) / one[..., 0].size
        for one in maps
    ]


def _thrown_together(maps):
    rows = maps.reshape(-1, maps.shape[-1])
    return rows.T @ rows / len(rows)


def _wrong_reshape(maps):
    rows = maps.reshape(len(maps), maps.shape[-1], -1)
    return rows @ rows.transpose(0, 2, 1) / _positions(maps)


def _of_means(maps):
    means = maps.mean(axis=(1, 2))
    return means[:, :, None] * means[:, None, :]


def _covariances(maps):
    return [np.cov(rows.T, bias=True) for rows in _rows(maps)]


# --- 08-variation -------------------------------------------------------------------------------


def _differences(picture):
    return np.diff(picture, axis=0), np.diff(picture, axis=1)


def _tv(measure=np.abs, divide=lambda picture: picture.size, axes=(0, 1)):
    def total_variation(picture):
        found = _differences(picture)
        return sum(measure(found[axis]).sum() for axis in axes) / divide(picture)

    return (total_variation,)


def _two_means(picture):
    return sum(np.abs(d).mean() for d in _differences(picture))


def _wrapping(picture):
    return sum(np.abs(picture - np.roll(picture, 1, axis)).sum() for axis in (0, 1)) / picture.size


def _three_axes(picture):
    return sum(np.abs(np.diff(picture, axis=axis)).sum() for axis in range(3)) / picture.size


# --- 08-diagnose --------------------------------------------------------------------------------


def _causes(gray="a", noisy="b", stuck="c"):
    return ({"gray": gray, "noisy": noisy, "stuck": stuck},)


WRONG = {
    "08-gram": [
        ("not divided", (_product,), "positions, h times w, is missing"),
        ("by channels", (lambda m: _product(m) / (m[0].size),), "channels as well"),
        ("by all", (lambda m: _product(m) / m.size,), "n times h times w"),
        ("by h", (lambda m: _product(m) / m.shape[1],), "divided by h only"),
        ("order", (lambda m: _rows(m) @ _rows(m).transpose(0, 2, 1) / 20,), "compares positions"),
        ("together", (_thrown_together,), "thrown together"),
        ("summed", (lambda m: (_product(m) / _positions(m)).sum(axis=0),), "added up"),
        ("covariance", (_covariances,), "does not subtract the mean"),
        ("reshape", (_wrong_reshape,), "keep the last axis"),
        ("means", (_of_means,), "multiply first"),
        ("zeros", (lambda m: np.zeros((3, 2, 2)),), "0 everywhere"),
    ],
    "08-unchanged": [
        ("own order", ("abcd",), "do not meet any more"),
        ("doubled", ("acde",), "four times the products"),
        ("exchanged", ("acdf",), "rows and columns are exchanged"),
        ("no mirror", ("ad",), "mirrored maps"),
        ("no sign", ("ac",), "both signs turn"),
        ("only mirror", ("c",), "2 missing. Think: a sum over positions"),
        ("no shuffle", ("cd",), "1 missing. Think: a sum over positions"),
        ("other letter", ("acx",), "a to f"),
        ("none", ("",), "at least one"),
    ],
    "08-grows": [
        ("sides", (2, 16), "how many times the positions"),
        ("squares first", (16, 256), "the entries come first"),
        ("not at all", (1, 16), "has more terms"),
        ("volume", (8, 64), "three dimensions"),
        ("not squared", (4, 4), "now square them"),
        ("doubled", (4, 8), "4 times 2"),
        ("entries counted", (4, 64), "do not count it again"),
        ("cancel", (4, 1), "nothing cancels"),
        ("twice", (4, 256), "only once"),
    ],
    "08-variation": [
        ("sum", _tv(divide=lambda picture: 1), "this is the sum"),
        ("pixels", _tv(divide=lambda picture: picture[..., 0].size), "three values"),
        ("signs", _tv(measure=lambda d: d), "up and down cancel"),
        ("squares", _tv(measure=np.square), "these are squares"),
        ("vertical", _tv(axes=(0,)), "only the vertical"),
        ("horizontal", _tv(axes=(1,)), "only the horizontal"),
        ("two means", (_two_means,), "two means"),
        ("three axes", (_three_axes,), "color channels"),
        ("wrapping", (_wrapping,), "does not wrap"),
        ("array", (lambda picture: np.abs(np.diff(picture, axis=0)),), "one number"),
    ],
    "08-reuse": [
        ("a", ("a",), "what does it remember"),
        ("c", ("c",), "nobody notices"),
        ("d", ("D",), "only the picture is"),
        ("e", ("e",), '"e" is none of them'),
        ("text", ("the momentum",), "the momentum"),
        ("number", (2,), "2"),
    ],
    "08-retrace": [
        ("each", (6,), "not every call"),
        ("no tensor", (3,), "another kind"),
        ("values", (5,), "*value* of a tensor"),
        ("shapes", (2,), "second argument"),
        ("once", (1,), "left open"),
        ("never", (0,), "without being compiled"),
        ("seven", (7,), "too large"),
    ],
    "08-effect": [
        ("deep only", ((4, 5), 1), "live in the first layer"),
        ("all", ((1, 2, 3, 4, 5), 1), "layers 4 and 5"),
        ("three", ((1, 2, 3), 1), "strokes appear"),
        ("little content", ((1,), 0.001), "outlines go"),
        ("between", ((1, 2), 0.1), "in between"),
        ("no content", ((1,), 0), "nothing ties"),
        ("zero", ((0, 1), 1), "numbers 1 to 5"),
        ("none", ((), 1), "at least one layer"),
        ("names", (("block1_conv1",), 1), "numbers from 1 to 5, such as"),
    ],
    "08-diagnose": [
        ("gray b", _causes(gray="b"), "*more* grain"),
        ("gray c", _causes(gray="c"), "nothing would have become smooth"),
        ("gray d", _causes(gray="d"), "with all its textures"),
        ("noisy a", _causes(noisy="a"), "removes grain"),
        ("noisy c", _causes(noisy="c"), "gradients did arrive"),
        ("noisy d", _causes(noisy="d"), "no style colors"),
        ("stuck a", _causes(stuck="a"), "would smooth the picture"),
        ("stuck b", _causes(stuck="b"), "pixels move a lot"),
        ("stuck d", _causes(stuck="d"), "Variation would still"),
        ("missing", ({"gray": "a", "noisy": "b"},), 'no entry "stuck"'),
    ],
}

RIGHT = {
    "08-gram": [
        ("loop", (_by_loop,)),
        ("einsum", (lambda m: np.einsum("nhwi,nhwj->nij", m, m) / _positions(m),)),
    ],
    "08-unchanged": [("capitals", ("A, C, D",)), ("list", (["d", "a", "c"],))],
    "08-grows": [("floats", (4.0, 16.0)), ("powers", (2**2, 2**4))],
    "08-variation": [
        ("diff", _tv()),
        ("float32", (lambda picture: np.float32(_tv()[0](picture)),)),
    ],
    "08-reuse": [("capital", (" B ",))],
    "08-retrace": [("float", (4.0,))],
    "08-effect": [("two layers", ([1, 2], 1.0)), ("one number", (1, 1))],
    "08-diagnose": [("capitals", _causes("A", "B", "C"))],
}
