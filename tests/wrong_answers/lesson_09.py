"""Wrong answers to lesson 09, and the words their hint must contain; right ones written otherwise.

An entry of ``WRONG`` is a label, the answers as a tuple, and a fragment of the hint; one of
``RIGHT`` is a label and the answers.
"""

import math

import numpy as np

# --- 09-gradient --------------------------------------------------------------------------------


def _filled(value):
    """A function that puts `value(maps)` into one channel of zeros."""

    def push(maps, channel):
        gradient = np.zeros_like(maps)
        gradient[..., channel] = value(maps[..., channel])
        return gradient

    return (push,)


def _others(maps, channel):
    gradient = maps.copy()
    gradient[..., channel] = 0
    return gradient


def _column(maps, channel):
    gradient = np.zeros_like(maps)
    gradient[:, channel] = maps[:, channel]
    return gradient


def _row(maps, channel):
    gradient = np.zeros_like(maps)
    gradient[channel % len(maps)] = maps[channel % len(maps)]
    return gradient


def _one_hot(maps, channel):
    return maps * (np.arange(maps.shape[-1]) == channel)


# --- 09-jitter ----------------------------------------------------------------------------------


def _rolled(forth=lambda s: s, back=np.negative):
    def jittered_gradient(picture, shift, gradient_of):
        gradient = gradient_of(np.roll(picture, forth(shift), (0, 1)))
        return np.roll(gradient, back(shift), (0, 1))

    return (jittered_gradient,)


def _along_channels(picture, shift, gradient_of):
    return np.roll(gradient_of(np.roll(picture, shift[0])), -shift[0])


def _axis_by_axis(picture, shift, gradient_of):
    down, right = shift
    rolled = np.roll(np.roll(picture, right, axis=1), down, axis=0)
    return np.roll(np.roll(gradient_of(rolled), -down, axis=0), -right, axis=1).tolist()


# --- 09-octaves ---------------------------------------------------------------------------------


def _listed(side=round, exponent=lambda k, n: n - 1 - k, count=lambda n: n):
    def sizes(height, width, octaves, scale):
        factors = [scale ** exponent(k, octaves) for k in range(count(octaves))]
        return [(side(height / f), side(width / f)) for f in factors]

    return (sizes,)


(_sizes,) = _listed()


def _chained(height, width, octaves, scale):
    found = [(height, width)]
    for _ in range(octaves - 1):
        found.insert(0, tuple(int(side / scale) for side in found[0]))
    return found


def _equal_steps(height, width, octaves, scale):
    divisors = [scale * k or 1 for k in range(octaves - 1, -1, -1)]
    return [(round(height / d), round(width / d)) for d in divisors]


def _upwards(height, width, octaves, scale):
    factors = scale ** -np.arange(octaves - 1.0, -1, -1)
    return np.rint(np.outer(factors, (height, width))).astype(int)


# --- 09-normalize -------------------------------------------------------------------------------


def _of_mean_one(gradient):
    return gradient / np.abs(gradient).mean()


# --- 09-guide -----------------------------------------------------------------------------------


def _chosen(score, pick=np.argmax):
    return (lambda maps, guide: guide[pick(score(maps, guide), axis=1)],)


def _products(maps, guide):
    return maps @ guide.T


def _by_loop(maps, guide):
    return [max(guide, key=lambda vector: float(vector @ place)) for place in maps]


# --- the bank -----------------------------------------------------------------------------------

WRONG = {
    "09-gradient": [
        ("whole", (lambda m, c: m,), "whole activation"),
        ("ones", _filled(np.ones_like), "*sum* of the channel"),
        ("two", _filled(lambda a: 2 * a), "half in front"),
        ("score map", _filled(lambda a: 0.5 * a**2), "not its derivative"),
        ("score", (lambda m, c: 0.5 * (m[..., c] ** 2).sum(),), "has the shape of the maps"),
        ("column", (_column,), "picked a column"),
        ("row", (_row,), "picked a row"),
        ("slice", (lambda m, c: m[..., c],), "as zeros"),
        ("others", (_others,), "pushes all others"),
        ("absolute", _filled(np.abs), "absolute value"),
        ("negative", _filled(np.negative), "wrong sign"),
    ],
    "09-jitter": [
        ("not back", _rolled(back=lambda s: (0, 0)), "has to be rolled back"),
        ("no jitter", (lambda p, s, g: g(p),), "never rolled"),
        ("twice", _rolled(back=lambda s: s), "same direction"),
        ("wrong way", _rolled(np.negative, lambda s: s), "rolled the wrong way"),
        ("exchanged", _rolled(lambda s: s[::-1], lambda s: (-s[1], -s[0])), "are exchanged"),
        ("rows", _rolled(lambda s: (s[0], 0), lambda s: (-s[0], 0)), "only the rows"),
        ("columns", _rolled(lambda s: (0, s[1]), lambda s: (0, -s[1])), "only the columns"),
        ("no gradient", (lambda p, s, g: p,), "never computed"),
        ("channels", (_along_channels,), "along the channels"),
        ("added", (lambda p, s, g: p + _rolled()[0](p, s, g),), "changed picture"),
    ],
    "09-normalize": [
        ("ones", (lambda g: g / np.abs(g).mean() if g.any() else g + 1,), "should stay zeros"),
        ("largest", (lambda g: g / (np.abs(g).max() + 1e-12),), "largest value"),
        ("length", (lambda g: g / np.linalg.norm(g),), "Euclidean length"),
        ("deviation", (lambda g: g / g.std(),), "standard deviation"),
        ("root mean square", (lambda g: g / np.sqrt((g**2).mean()),), "root of the mean square"),
        ("channels", (lambda g: g / np.abs(g).mean(axis=(0, 1)),), "each channel"),
        ("pixels", (lambda g: g / np.abs(g).mean(axis=2, keepdims=True),), "each pixel"),
        ("signs", (np.sign,), "only the signs"),
        ("mean", (lambda g: g / g.mean(),), "cancel in it"),
        ("sum", (lambda g: g / np.abs(g).sum(),), "divide by their mean"),
        ("unchanged", (lambda g: g.copy(),), "still to be divided"),
        ("centered", (lambda g: _of_mean_one(g - g.mean()),), "mean was subtracted"),
        ("large guard", (lambda g: g / (np.abs(g).mean() + 1e-7),), "too large"),
        ("no guard", (_of_mean_one,), "0 / 0"),
        ("negative", (lambda g: -g / (np.abs(g).mean() + 1e-12),), "wrong sign"),
    ],
    "09-octaves": [
        ("downwards", _listed(exponent=lambda k, n: k), "from large to small"),
        ("growing", _listed(exponent=lambda k, n: -k), "grow beyond"),
        ("width first", (lambda h, w, n, s: _sizes(w, h, n, s),), "width comes first"),
        ("equal steps", (_equal_steps,), "by the *factor*"),
        ("cut off", _listed(int), "fractions were cut off"),
        ("chained", (_chained,), "add up"),
        ("fractions", _listed(float), "whole numbers of pixels"),
        ("halves", (lambda h, w, n, s: _sizes(h, w, n, 2),), "halved each time"),
        ("height", (lambda h, *a: [(r, a[0]) for r, _ in _sizes(h, *a)],), "only the height"),
        ("too few", (lambda *a: _sizes(*a)[1:],), "one octave is missing"),
        ("too many", _listed(exponent=lambda k, n: n - k, count=lambda n: n + 1), "too many"),
    ],
    "09-motif": [
        ("steps", (5,), "*between* octaves"),
        ("ratio", (100 / 24,), "is the factor"),
        ("logarithm", (math.log(100 / 24, 1.4),), "round up"),
        ("down", (4,), "92 pixels"),
        ("added", (9,), "octaves multiply"),
        ("three", (3,), "not of 1"),
        ("negative", (-3,), "wrong way"),
        ("difference", (76,), "is a difference"),
        ("one more", (7,), "too large by one"),
    ],
    "09-diagnosis": [
        ("A steps", ("smaller steps", "smaller steps", "jitter"), "A is not saturated"),
        ("A jitter", ("jitter", "smaller steps", "jitter"), "A has no straight lines"),
        ("A normalize", ("normalize", "smaller steps", "jitter"), "A's steps"),
        ("B octaves", ("octaves", "octaves", "jitter"), "B's octaves"),
        ("B jitter", ("octaves", "jitter", "jitter"), "B has no straight lines"),
        ("B normalize", ("octaves", "normalize", "jitter"), "already that large"),
        ("C octaves", ("octaves", "smaller steps", "octaves"), "C's octaves"),
        ("C steps", ("octaves", "smaller steps", "smaller steps"), "C's colors"),
        ("C normalize", ("octaves", "smaller steps", "normalize"), "C's steps"),
    ],
    "09-guide": [
        ("places", (lambda m, g: _products(m, g).argmax(axis=1),), "look the vectors up"),
        ("products", (lambda m, g: _products(m, g).max(axis=1),), "the *vector*"),
        ("all products", (_products,), "none chosen"),
        ("distance", _chosen(lambda m, g: (g**2).sum(1) - 2 * m @ g.T, np.argmin), "distance"),
        ("cosine", _chosen(lambda m, g: _products(m, g) / np.linalg.norm(g, axis=1)), "cosine"),
        ("smallest", _chosen(_products, np.argmin), "*smallest* dot product"),
        ("absolute", _chosen(lambda m, g: np.abs(_products(m, g))), "means the opposite"),
        ("other way", (lambda m, g: m[_products(m, g).argmax(axis=0)],), "other way round"),
        ("one", _chosen(lambda m, g: 0 * m[:, :1] + _products(m, g).sum(0)), "each place chooses"),
        ("mean", (lambda m, g: np.repeat(g.mean(axis=0)[None], len(m), axis=0),), "mean of the"),
        ("difference", (lambda m, g: _chosen(_products)[0](m, g) - m,), "the difference"),
    ],
}

RIGHT = {
    "09-gradient": [
        ("one hot", (_one_hot,)),
        ("float32", (lambda m, c: _one_hot(m, c).astype("float32"),)),
        ("where", (lambda m, c: np.where(np.arange(m.shape[-1]) == c, m, 0.0),)),
    ],
    "09-jitter": [
        ("axis by axis, a list", (_axis_by_axis,)),
        ("minus", _rolled(back=lambda s: (-s[0], -s[1]))),
    ],
    "09-normalize": [
        ("maximum", (lambda g: g / np.maximum(np.abs(g).mean(), 1e-20),)),
        ("sum and size", (lambda g: g * g.size / (np.abs(g).sum() + 1e-12),)),
        ("if", (lambda g: g / np.abs(g).mean() if g.any() else g,)),
    ],
    "09-octaves": [
        ("NumPy", (_upwards,)),
        ("reversed", (lambda h, w, n, s: _listed(exponent=lambda k, n: k)[0](h, w, n, s)[::-1],)),
        ("lists", (lambda *a: [list(size) for size in _sizes(*a)],)),
    ],
    "09-motif": [("float", (6.0,)), ("ceil", (1 + math.ceil(math.log(100 / 24, 1.4)),))],
    "09-diagnosis": [("capitals", ("Octaves", "Smaller steps", " jitter "))],
    "09-guide": [
        ("loop, a list", (_by_loop,)),
        ("einsum", _chosen(lambda m, g: np.einsum("pc,qc->pq", m, g))),
        ("negative argmin", _chosen(lambda m, g: -_products(m, g), np.argmin)),
        ("float32", (lambda m, g: _chosen(_products)[0](m, g).astype("float32"),)),
    ],
}
