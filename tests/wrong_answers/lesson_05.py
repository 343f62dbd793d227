"""Wrong answers to lesson 05, and the words their hint must contain; right ones written otherwise.

An entry of ``WRONG`` is a label, the answers as a tuple, and a fragment of the hint; one of
``RIGHT`` is a label and the answers.
"""

import math

import numpy as np

from course_utils.tables import pareto

# --- 05-top-k -----------------------------------------------------------------------------------


def _error(found):
    """An answer from a rule for which of the pictures are found."""

    def top_k_error(scores, labels, k):
        order = np.argsort(-scores, axis=1)
        return 1 - found(order, labels, k).mean()

    return top_k_error


def _among(order, labels, count):
    return (order[:, :count] == labels[:, None]).any(axis=1)


def _sorted_in_place(scores, labels, k):
    scores.sort(axis=1)
    return 0.5


def _by_rank(scores, labels, k):
    own = np.take_along_axis(scores, labels[:, None], axis=1)
    return np.mean((scores > own).sum(axis=1) >= k)


def _by_loop(scores, labels, k):
    wrong = 0
    for row, label in zip(scores, labels, strict=True):
        wrong += label not in np.argpartition(row, -k)[-k:]
    return wrong / len(labels)


# --- 05-front -----------------------------------------------------------------------------------


def _front(costs_sign=1, values_sign=1, negate=False):
    def front(names, costs, values):
        on = pareto(costs_sign * np.array(costs), values_sign * np.array(values))
        return [name for name, chosen in zip(names, on, strict=True) if chosen != negate]

    return (front,)


def _walk(names, costs, values):
    best, kept = -math.inf, []
    for i in np.argsort(costs):
        if values[i] > best:
            best = values[i]
            kept.append(names[i])
    return kept


def _one_too_many(names, costs, values):
    kept = _walk(names, costs, values)
    return kept + [name for name in names if name not in kept][:1]


# --- the bank -----------------------------------------------------------------------------------


def _costs(change=lambda places, one, three, five: places * (one + three + five)):
    """A cost of an Inception module, from its parts for one place."""

    def inception_multiply_adds(shape, ones, reduce3, threes, reduce5, fives, pool):
        height, width, channels = shape
        one = channels * (ones + reduce3 + reduce5 + pool)
        return change(height * width, one, 9 * reduce3 * threes, 25 * reduce5 * fives)

    return (inception_multiply_adds,)


def _not_reduced(shape, ones, reduce3, threes, reduce5, fives, pool):
    return math.prod(shape) * (ones + reduce3 + 9 * threes + reduce5 + 25 * fives + pool)


def _naive(shape, ones, reduce3, threes, reduce5, fives, pool):
    return math.prod(shape) * (ones + 9 * threes + 25 * fives)


def _free_reductions(shape, ones, reduce3, threes, reduce5, fives, pool):
    height, width, channels = shape
    work = channels * (ones + pool) + 9 * reduce3 * threes + 25 * reduce5 * fives
    return height * width * work


def _inception_parameters(shape, *filters):
    return _costs()[0]((1, 1, shape[2]), *filters) + sum(filters)


WRONG = {
    "05-top-k": [
        ("accuracy", (lambda s, y, k: 1 - _by_rank(s, y, k),), "share of right answers"),
        ("count", (lambda s, y, k: 40 * _by_rank(s, y, k),), "divide by how many"),
        ("lowest", (lambda s, y, k: _by_rank(-s, y, k),), "*lowest* scores"),
        ("percent", (lambda s, y, k: 100 * _by_rank(s, y, k),), "in percent"),
        ("top-1", (_error(lambda o, y, k: _among(o, y, 1)),), "top-1 error"),
        ("place k", (_error(lambda o, y, k: o[:, k - 1] == y),), "in place k"),
        ("k - 1", (_error(lambda o, y, k: _among(o, y, k - 1)),), "k - 1 classes"),
        ("k + 1", (_error(lambda o, y, k: _among(o, y, k + 1)),), "k + 1 classes"),
        ("one each", (lambda s, y, k: np.zeros(len(y)),), "one number is expected"),
        ("zero", (lambda s, y, k: 0.0,), "too small"),
        ("nan", (lambda s, y, k: float("nan"),), "NaN"),
        ("in place", (_sorted_in_place,), "in place"),
        ("nothing", (lambda s, y, k: None,), "returned nothing"),
        ("no k", (lambda s, y: 0.5,), "TypeError"),
        ("a number", (0.25,), "a function is expected"),
    ],
    "05-partial": [
        ("no bias", (lambda c, k: k * k * sum(map(len, c)),), "also has a bias"),
        ("bias each link", (lambda c, k: (k * k + 1) * sum(map(len, c)),), "for each map that"),
        ("one bias", (lambda c, k: k * k * sum(map(len, c)) + 1,), "not one for all"),
        ("full", (lambda c, k: (k * k * (1 + max(map(max, c))) + 1) * len(c),), "full connection"),
        ("not squared", (lambda c, k: k * sum(map(len, c)) + len(c),), "kernel * kernel"),
        ("one kernel a map", (lambda c, k: (k * k + 1) * len(c),), "for *each* map"),
        ("links", (lambda c, k: sum(map(len, c)),), "number of links"),
        ("the figure", (lambda c, k: 1516,), "three maps is 1516"),
        ("zero", (lambda c, k: 0,), "too small"),
        ("text", (lambda c, k: "1,516",), "is text"),
        ("each", (lambda c, k: [k * k * len(s) + 1 for s in c],), "one number is expected"),
        ("a number", (1516,), "a function is expected"),
        ("wrong name", (lambda c, k: c.size,), "AttributeError"),
    ],
    "05-stack": [
        ("upside down", (lambda n, c: (2 * n + 1) ** 2 / (9 * n),), "upside down"),
        ("one layer", (lambda n, c: 9 / (2 * n + 1) ** 2,), "the stack has several"),
        ("3n", (lambda n, c: 9 * n / (3 * n) ** 2,), "not 3n"),
        ("n + 2", (lambda n, c: 9 * n / (n + 2) ** 2,), "each layer adds two"),
        ("not squared", (lambda n, c: 9 * n / (2 * n + 1),), "side * side"),
        ("saved", (lambda n, c: 1 - 9 * n / (2 * n + 1) ** 2,), "that is *left*"),
        ("weights", (lambda n, c: 9 * n * c * c,), "divide them"),
        ("channels left", (lambda n, c: 9 * n / (2 * n + 1) ** 2 / c,), "and cancel"),
        ("always three", (lambda n, c: 27 / 49,), "stack_saving(2, 64) is"),
        ("zero", (lambda n, c: 0,), "too small"),
        ("one", (lambda n, c: 1.0,), "too large"),
        ("nan", (lambda n, c: np.nan,), "NaN"),
        ("pair", (lambda n, c: (9 * n, (2 * n + 1) ** 2),), "one number is expected"),
        ("a number", (27 / 49,), "a function is expected"),
    ],
    "05-inception": [
        ("one place", _costs(lambda p, a, b, c: a + b + c), "cost of one place"),
        ("no pool", (lambda s, *f: _costs()[0](s, *f[:5], 0),), "behind the pooling"),
        ("not reduced", (_not_reduced,), "*reduced* maps"),
        ("naive", (_naive,), "naive module"),
        ("free reductions", (_free_reductions,), "two reductions cost"),
        ("not squared", _costs(lambda p, a, b, c: p * (a + b / 3 + c / 5)), "kernels are square"),
        ("biases", (lambda s, *f: _costs()[0](s, *f) + s[0] * s[1] * sum(f),), "biases are not"),
        ("parameters", (_inception_parameters,), "weights and biases"),
        ("the figure", (lambda s, *f: 128_049_152,), "14 x 7 x 100 is"),
        ("zero", (lambda s, *f: 0,), "too small"),
        ("text", (lambda s, *f: "128 million",), "is text"),
        ("channels forgotten", (lambda s, a: 0,), "TypeError"),
        ("a number", (128_049_152,), "a function is expected"),
    ],
    "05-diagnosis": [
        ("A overfits", ("A", "B", "C"), "by heart, and fails on new ones"),
        ("B overfits", ("B", "C", "A"), "the highest of the three"),
        ("A is hard", ("C", "A", "B"), "cannot even fit those"),
        ("C is hard", ("C", "C", "A"), "nobody could optimize it better"),
        ("B is fine", ("C", "B", "B"), "than the others"),
        ("C is fine", ("C", "B", "C"), "that is not fine"),
        ("D", ("D", "B", "A"), '"D" is none of them'),
        ("words", ("C", "the deep one", "A"), '"the deep one" is none'),
        ("empty", ("C", "B", ""), '"" is none'),
        ("number", (3, 2, 1), "3 is none"),
        ("list", (["C"], "B", "A"), "a list of length 1 is none"),
    ],
    "05-groups": [
        ("upside down", (lambda k, c, f, g: (k * k * c / g + f) / (k * k * f),), "upside down"),
        ("no 1 x 1", (lambda k, c, f, g: f * g / c,), "1 x 1 behind it is missing"),
        ("1 x 1 only", (lambda k, c, f, g: k * k,), "layer in groups is missing"),
        ("no groups", (lambda k, c, f, g: k * k * f / (k * k * c + f),), "of its group only"),
        ("twice", (lambda k, c, f, g: k * k * f / (k * k * c / g**2 + f),), "divides once"),
        ("1 x 1 in groups", (lambda k, c, f, g: k * k * f / (k * k * c + f) * g,), "mixes all"),
        ("difference", (lambda k, c, f, g: c * (k * k * f - k * k * c / g - f),), "the difference"),
        ("not squared", (lambda k, c, f, g: k * f / (k * c / g + f),), "kernels are square"),
        (
            "biases",
            (lambda k, c, f, g: (k * k * c + 1) * f / (k * k * c * c / g + c * f + f),),
            "left",
        ),
        ("product", (lambda k, c, f, g: g / c**2,), "their weights add up"),
        ("filters", (lambda k, c, f, g: k * k * f / (k * k * f / g + f),), "as many channels"),
        ("always eight", (lambda k, c, f, g: 8.4,), "too large"),
        ("nan", (lambda k, c, f, g: np.nan,), "NaN"),
        ("pair", (lambda k, c, f, g: (k * k * f, k * k + f),), "one number is expected"),
        ("a number", (8.4,), "a function is expected"),
    ],
    "05-alpha": [
        ("width once", (lambda b, g, c: c / (b * g**2),), "width counts squared"),
        ("resolution once", (lambda b, g, c: c / (b**2 * g),), "resolution counts squared"),
        ("both once", (lambda b, g, c: c / (b * g),), "both count squared"),
        ("root", (lambda b, g, c: math.sqrt(c) / (b * g),), "depth counts once"),
        ("difference", (lambda b, g, c: c - b**2 - g**2,), "are multiplied"),
        ("upside down", (lambda b, g, c: b**2 * g**2 / c,), "upside down"),
        ("always 2", (lambda b, g, c: 2 / (b**2 * g**2),), "not always 2"),
        ("times", (lambda b, g, c: c * b**2 * g**2,), "divide the cost"),
        ("of the paper", (lambda b, g, c: 1.2,), "too small"),
        ("nan", (lambda b, g, c: np.nan,), "NaN"),
        ("no cost", (lambda b, g: 2 / (b**2 * g**2),), "TypeError"),
        ("a number", (1.25,), "a function is expected"),
    ],
    "05-front": [
        ("all", (lambda n, c, v: n,), "that is everything"),
        ("beaten ones", _front(negate=True), "are *beaten*"),
        ("best", (lambda n, c, v: [n[int(np.argmax(v))]],), "only the best one"),
        ("cheapest", (lambda n, c, v: [n[int(np.argmin(c))]],), "only the cheapest one"),
        ("dear", _front(costs_sign=-1), "high cost was taken"),
        ("bad", _front(values_sign=-1), "low value was taken"),
        ("numbers", (lambda n, c, v: [0, 1],), "other things than names"),
        ("empty", (lambda n, c, v: [],), "the list is empty"),
        ("twice", (lambda n, c, v: [n[1], n[1]],), "twice"),
        ("unknown", (lambda n, c, v: ["VGG"],), "none of the names"),
        ("one missing", (lambda *given: _walk(*given)[1:],), "is missing: nothing"),
        ("one too many", (_one_too_many,), "is beaten by another"),
        ("one text", (lambda n, c, v: n[1],), "a list of names is to be"),
        ("nothing", (lambda n, c, v: None,), "returned nothing"),
        ("a list", (["a"],), "a function is expected"),
    ],
}

RIGHT = {
    "05-top-k": [
        ("rank", (_by_rank,)),
        ("loop", (_by_loop,)),
        ("float32", (lambda s, y, k: np.float32(_by_loop(s, y, k)),)),
    ],
    "05-partial": [
        ("in two sums", (lambda c, k: k * k * sum(map(len, c)) + len(c),)),
        ("float", (lambda c, k: float(sum(k * k * len(s) + 1 for s in c)),)),
        ("array", (lambda c, k: np.array([k * k * len(s) + 1 for s in c]).sum(),)),
    ],
    "05-stack": [
        ("short", (lambda n, c: 9 * n / (2 * n + 1) ** 2,)),
        ("with channels", (lambda n, c: n * 9 * c * c / ((2 * n + 1) ** 2 * c * c),)),
        ("array", (lambda n, c: np.array([9 * n / (1 + 2 * n) ** 2]),)),
    ],
    "05-inception": [
        ("float", _costs(lambda p, a, b, c: float(p * (a + b + c)))),
        ("part by part", _costs(lambda p, a, b, c: p * a + p * b + p * c)),
    ],
    "05-diagnosis": [("small", (" c ", "b", "a"))],
    "05-groups": [
        ("short", (lambda k, c, f, g: k * k * f / (k * k * c / g + f),)),
        ("whole numbers", (lambda k, c, f, g: k * k * f / (k * k * (c // g) + f),)),
    ],
    "05-alpha": [
        ("two steps", (lambda b, g, c: c / b**2 / g**2,)),
        ("square", (lambda b, g, c: c / (b * g) ** 2,)),
    ],
    "05-front": [
        ("by cost", (_walk,)),
        ("course", _front()),
        ("set", (lambda n, c, v: set(_walk(n, c, v)),)),
        ("array", (lambda n, c, v: np.array(_walk(n, c, v)),)),
    ],
}
