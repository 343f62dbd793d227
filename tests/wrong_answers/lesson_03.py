"""Wrong answers to lesson 03, and the words their hint must contain; right ones written otherwise.

An entry of ``WRONG`` is a label, the answers as a tuple, and a fragment of the hint; one of
``RIGHT`` is a label and the answers.
"""

import numpy as np
from scipy import special

from course_utils import activations
from course_utils.activations import ACTIVATIONS

sigmoid = special.expit

# --- 03-collapse --------------------------------------------------------------------------------


def _merge(matrix=lambda W1, W2: W1 @ W2, bias=lambda W1, b1, W2, b2: b1 @ W2 + b2):
    def merge(W1, b1, W2, b2):
        return matrix(W1, W2), bias(W1, b1, W2, b2)

    return (merge,)


def _either(square, else_):
    """A product that only square matrices have, and what is returned for the others."""
    return lambda W1, W2: square(W1, W2) if W1.shape == W2.shape else else_(W1, W2)


def _bias_through_the_first(W1, b1, W2, b2):
    return b1 @ W1 + b2 if len(W1) == len(b1) == len(b2) else b1 @ W2 + b2


def _bias_from_the_left(W1, b1, W2, b2):
    return W2 @ b1 + b2 if W2.shape[0] == W2.shape[1] else b1 @ W2 + b2


def _biases_added(W1, b1, W2, b2):
    return b1 + b2 if b1.shape == b2.shape else b1 @ W2 + b2


def _merge_in_place(W1, b1, W2, b2):
    b1 *= 2
    return W1 @ W2, b1 @ W2 / 2 + b2


def _merge_by_unit_vectors(W1, b1, W2, b2):
    b = (np.zeros(len(W1)) @ W1 + b1) @ W2 + b2
    return (np.eye(len(W1)) @ W1 + b1) @ W2 + b2 - b, b


# --- 03-slope -----------------------------------------------------------------------------------


def _slope(of):
    return (lambda z: of(z, sigmoid(z)),)


# --- 03-softmax ---------------------------------------------------------------------------------


def _softmax(maximum=lambda z: z.max(axis=1, keepdims=True), total=None):
    total = total or (lambda p: p.sum(axis=1, keepdims=True))

    def stable_softmax(z):
        powers = np.exp(z - maximum(z))
        return powers / total(powers)

    return (stable_softmax,)


def _softmax_shifted_by_the_mean(z):
    powers = np.exp(np.clip(z - z.mean(), -600, 600))
    return powers / powers.sum(axis=1, keepdims=True)


def _softmax_rows(z):
    return [activations.softmax(row).tolist() for row in z]


def _softmax_in_place(z):
    z -= z.max(axis=1, keepdims=True)
    return activations.softmax(z)


# --- the bank -----------------------------------------------------------------------------------

WRONG = {
    "03-collapse": [
        ("order", _merge(_either(lambda W1, W2: W2 @ W1, lambda W1, W2: W1 @ W2)), "`W2 @ W1`"),
        ("by entry", _merge(_either(lambda a, b: a * b, lambda a, b: a @ b)), "entry by entry"),
        ("sum", _merge(_either(lambda a, b: a + b, lambda a, b: a @ b)), "not added"),
        ("transposed", _merge(lambda W1, W2: (W1 @ W2).T), "transposed"),
        ("second", _merge(lambda W1, W2: W2), "only the second layer"),
        ("first", _merge(lambda W1, W2: W1), "only the first layer"),
        ("swapped", (lambda W1, b1, W2, b2: (b1 @ W2 + b2, W1 @ W2),), "wrong order"),
        ("second bias", _merge(bias=lambda W1, b1, W2, b2: b2), "only the second bias"),
        ("first bias", _merge(bias=lambda W1, b1, W2, b2: b1 @ W2), "b2 is missing"),
        ("biases added", _merge(bias=_biases_added), "cannot simply be added"),
        ("through W1", _merge(bias=_bias_through_the_first), "only added after W1"),
        ("from the left", _merge(bias=_bias_from_the_left), "from the wrong side"),
        ("one thing", (lambda W1, b1, W2, b2: W1 @ W2,), "two things"),
        ("in place", (_merge_in_place,), "in place"),
    ],
    "03-tent": [
        ("no kinks", ([1, 1, 1], [0, 0, 0], [1, -2, 1]), "at x = 1 its height is 0"),
        ("upside down", ([1, 1, 1], [0, -1, -2], [-1, 2, -1]), "upside down"),
        ("other side", ([1, 1, 1], [0, 1, 2], [1, -2, 1]), "top is at x = -1"),
        ("shifted", ([1, 1, 1], [-1, -2, -3], [1, -2, 1]), "top is at x = 2"),
        ("no fall", ([1, 1, 1], [0, -1, -2], [1, -1, 0]), "which takes -2"),
        ("no end", ([1, 1, 1], [0, -1, -2], [1, -2, 0]), "stop the fall"),
        ("half as high", ([1, 1, 1], [0, -1, -2], [0.5, -1, 0.5]), "one unit rises"),
        ("all ones", ([1, 1, 1], [0, -1, -2], [1, 1, 1]), "at x = 2 its height is 3"),
        ("left", ([-1, 1, 1], [0, -1, -2], [1, -2, 1]), "left of 0"),
        ("twice as high", ([1, 1, 1], [0, -1, -2], [2, -4, 2]), "at x = 1 its height is 2"),
        ("far", ([1, 1, 1], [0, -1, -2], [1, -2, 1.0001]), "at x = 3 its height is 0.0001"),
        ("flat", ([1, 1, 1], [0, -1, -2], [0, 0, 0]), "outgoing weights are zero"),
        ("blind", ([0, 0, 0], [0, 1, 2], [1, -2, 1]), "no unit looks at x"),
        ("two", ([1, 1], [0, -1], [1, -2]), "(2,)"),
        ("one number", ([1, 1, 1], [0, -1, -2], 1), "tent_outgoing has to have"),
        ("ragged", ([1, [1, 2], 1], [0, -1, -2], [1, -2, 1]), "same length"),
    ],
    "03-slope": [
        ("itself", _slope(lambda z, y: z * y), "SiLU itself"),
        ("of sigma", _slope(lambda z, y: y * (1 - y)), "derivative of the sigmoid"),
        ("second half", _slope(lambda z, y: z * y * (1 - y)), "only one half"),
        ("first half", _slope(lambda z, y: y), "only the other half"),
        ("product", _slope(lambda z, y: y * y * (1 - y)), "added, not multiplied"),
        ("minus", _slope(lambda z, y: y - z * y * (1 - y)), "is plus"),
        ("1 - y", _slope(lambda z, y: y + z * (1 - y)), "not 1 - y"),
        ("z for y", _slope(lambda z, y: y + z * z * (1 - z)), "z stands for sigma"),
        ("ReLU", _slope(lambda z, y: (z > 0) * 1.0), "slope of a ReLU"),
        ("twice", _slope(lambda z, y: 2 * (y + z * y * (1 - y))), "2 times"),
        ("negative", _slope(lambda z, y: -(y + z * y * (1 - y))), "wrong sign"),
        ("one number", _slope(lambda z, y: y[0]), "shape ()"),
    ],
    "03-softmax": [
        ("naive", _softmax(lambda z: 0), "logits around 1000 overflow"),
        ("all together", _softmax(np.max, np.sum), "all numbers together"),
        ("columns", _softmax(total=lambda p: p.sum(axis=0)), "at ["),
        ("columns, naive", _softmax(lambda z: 0, lambda p: p.sum(axis=0)), "each column"),
        ("powers", (np.exp,), "these are the powers"),
        ("not divided", _softmax(total=lambda p: 1), "with the maximum subtracted"),
        ("no exponential", (lambda z: z / z.sum(axis=1, keepdims=True),), "the logits themselves"),
        ("arg max", (lambda z: (z == z.max(axis=1, keepdims=True)) * 1.0,), "hard decision"),
        ("logarithm", (lambda z: special.log_softmax(z, axis=1),), "logarithm"),
        ("sign", (lambda z: activations.softmax(-z),), "a sign is turned"),
        ("sigmoid", (sigmoid,), "these are sigmoids"),
        ("one maximum", _softmax(np.max), "its own maximum"),
        ("only from above", _softmax(lambda z: np.maximum(z.max(), 0)), "around -1000"),
        ("one mean", (_softmax_shifted_by_the_mean,), "very different size"),
        ("in place", (_softmax_in_place,), "in place"),
    ],
    "03-delta": [
        ("no slope", (lambda y, w, d: d @ w.T,), "is missing"),
        ("times y", (lambda y, w, d: y * (d @ w.T),), "not by y alone"),
        ("times 1 - y", (lambda y, w, d: (1 - y) * (d @ w.T),), "not by 1 - y alone"),
        ("plus", (lambda y, w, d: y * (1 + y) * (d @ w.T),), "with a minus"),
        ("of the weights", (lambda y, w, d: y.T @ d,), "gradient of the weights"),
        ("mean", (lambda y, w, d: (y * (1 - y) * (d @ w.T)).mean(axis=0),), "mean over the batch"),
        (
            "sigmoid again",
            (lambda y, w, d: ACTIVATIONS["sigmoid"].slope(y) * (d @ w.T),),
            "applied once more",
        ),
        (
            "not transposed",
            (lambda y, w, d: y * (1 - y) * (d @ (w if w.shape[0] == w.shape[1] else w.T)),),
            "not transposed",
        ),
        (
            "slope first",
            (
                lambda y, w, d: (
                    (y * (1 - y) * d) @ w.T if y.shape == d.shape else y * (1 - y) * (d @ w.T)
                ),
            ),
            "belongs to this layer",
        ),
        (
            "no weights",
            (lambda y, w, d: y * (1 - y) * (d if y.shape == d.shape else d @ w.T),),
            "weights are missing",
        ),
        ("sign", (lambda y, w, d: -y * (1 - y) * (d @ w.T),), "wrong sign"),
    ],
    "03-dead": [
        ("alive", (lambda z: np.sum(np.any(z > 0, axis=0)),), "that are alive"),
        ("for some", (lambda z: np.sum(np.any(z <= 0, axis=0)),), "for *some* picture"),
        ("below", (lambda z: np.sum(np.all(z < 0, axis=0)),), "exactly 0 counts"),
        ("mean", (lambda z: np.sum(z.mean(axis=0) < 0),), "negative mean"),
        ("answers", (lambda z: np.sum(z <= 0),), "silent answers"),
        ("rows", (lambda z: np.sum(np.all(z <= 0, axis=1)),), "wrong axis"),
        ("share", (lambda z: np.mean(np.all(z <= 0, axis=0)),), "that is a share"),
        ("units", (lambda z: z.shape[1],), "all units"),
        ("always 3", (lambda z: 3,), "2 pictures and 2 units"),
        ("in place", (lambda z: z.sort(axis=0) or 3,), "in place"),
    ],
    "03-diagnose": [
        ("A fine", ("fine", "explode", "fine"), "20 halves"),
        ("A explodes", ("explode", "explode", "fine"), "below 1"),
        ("B fine", ("vanish", "fine", "fine"), "a way around"),
        ("B vanishes", ("vanish", "vanish", "fine"), "neither Leaky ReLU"),
        ("C explodes", ("vanish", "explode", "explode"), "twice too large"),
        ("C vanishes", ("vanish", "explode", "vanish"), "where the sigmoid is steep"),
        ("dead", ("dead", "explode", "fine"), '"dead" is none of them'),
    ],
    "03-shapes": [
        ("same", (784, 14466), "padding SAME"),
        ("one map", (25, 14466), "channels are missing"),
        ("before pooling", (1936, 14466), "before the second pooling"),
        ("rounded up", (576, 14466), "VALID drops the rest"),
        ("8 channels", (200, 14466), "16 channels, not 8"),
        ("no first pooling", (2304, 14466), "the first is missing"),
        ("off by one", (401, 14466), "too large by one"),
        ("no slopes", (400, 14410), "each PReLU learns"),
        ("convolutions only", (400, 14434), "behind the dense layer"),
        ("one slope", (400, 14413), "not one for all"),
        ("places", (400, 21786), "each *place*"),
        ("thin kernels", (400, 13458), "have 8 channels"),
        ("no biases", (400, 14400), "the biases are missing"),
        ("no logits", (400, 14136), "the logits are missing"),
        ("slopes of logits", (400, 14476), "learns no slopes"),
    ],
}

RIGHT = {
    "03-collapse": [
        ("list", (lambda W1, b1, W2, b2: [W1.dot(W2), b1.dot(W2) + b2],)),
        ("unit vectors", (_merge_by_unit_vectors,)),
        ("einsum", _merge(lambda W1, W2: np.einsum("ij,jk", W1, W2))),
    ],
    "03-tent": [
        ("another order", ([1, 1, 1], [-2, 0, -1], [1, 1, -2])),
        ("scaled", (np.array([2, 1, 4]), [0, -1, -8], [0.5, -2, 0.25])),
        ("from the right", ([-1, -1, -1], [2, 1, 0], [1, -2, 1])),
    ],
    "03-slope": [
        ("factored", _slope(lambda z, y: y * (1 + z * (1 - y)))),
        ("by the value", _slope(lambda z, y: z * y + y * (1 - z * y))),
        (
            "difference quotient",
            (lambda z: (ACTIVATIONS["SiLU"](z + 1e-6) - ACTIVATIONS["SiLU"](z - 1e-6)) / 2e-6,),
        ),
        ("course", (ACTIVATIONS["SiLU"].slope,)),
    ],
    "03-softmax": [
        ("SciPy", (lambda z: special.softmax(z, axis=1),)),
        ("lists", (_softmax_rows,)),
        ("by logarithms", (lambda z: np.exp(special.log_softmax(z, axis=1)),)),
        ("course", (activations.softmax,)),
    ],
    "03-delta": [
        ("einsum", (lambda y, w, d: np.einsum("bi,ik,bk->bi", y - y**2, w, d),)),
        ("other order", (lambda y, w, d: (w @ d.T).T * y * (1 - y),)),
        ("float32", (lambda y, w, d: (y * (1 - y) * (d @ w.T)).astype("float32"),)),
    ],
    "03-dead": [
        ("maximum", (lambda z: int((z.max(axis=0) <= 0).sum()),)),
        ("answers", (lambda z: np.sum(np.maximum(z, 0).sum(axis=0) == 0),)),
        ("loop", (lambda z: sum(all(v <= 0 for v in column) for column in z.T),)),
    ],
    "03-diagnose": [("capitals", (" Vanish", "EXPLODE", "fine"))],
    "03-shapes": [("floats", (400.0, 14466.0)), ("arrays", (np.array([400]), np.int64(14466)))],
}
