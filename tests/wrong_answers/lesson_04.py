"""Wrong answers to lesson 04, and the words their hint must contain; right ones written otherwise.

An entry of ``WRONG`` is a label, the answers as a tuple, and a fragment of the hint; one of
``RIGHT`` is a label and the answers.
"""

import numpy as np

from course_utils import optimizers

# --- 04-momentum --------------------------------------------------------------------------------


def _walk(step):
    """A heavy ball whose change is ``step(gradient, now, before, rate, beta)``."""

    def heavy_ball(gradient, start, rate, beta, steps):
        path = [start, start]
        for _ in range(steps):
            path.append(path[-1] + step(gradient, path[-1], path[-2], rate, beta))
        return np.array(path[1:])

    return heavy_ball


_heavy = _walk(lambda g, now, before, rate, beta: -rate * g(now) + beta * (now - before))


def _with_velocity(gradient, start, rate, beta, steps):
    v, w, path = 0.0, start, [start]
    for _ in range(steps):
        v = beta * v - rate * gradient(w)
        w = w + v
        path.append(w)
    return path


def _in_place(gradient, start, rate, beta, steps):
    for _ in range(steps):
        start -= rate * gradient(start)
    return start


def _same_object(gradient, start, rate, beta, steps):
    now, path = start.copy(), []
    for _ in range(steps + 1):
        path.append(now)
        now -= rate * gradient(now)
    return np.array(path)


def _of_course(gradient, start, rate, beta, steps):
    return optimizers.descend(gradient, start, optimizers.momentum(rate, beta), steps)


# --- 04-adam ------------------------------------------------------------------------------------


def _ratio(m, s, t):
    return m / (1 - 0.9**t) / (np.sqrt(s / (1 - 0.999**t)) + 1e-7)


def _adamw(
    after=lambda old, ratio, rate, decay: old - rate * (ratio + decay * old),
    ratio=_ratio,
    mean=lambda m, g: 0.9 * m + 0.1 * g,
    square=lambda s, g: 0.999 * s + 0.001 * g * g,
    result=lambda *three: three,
):
    def adamw(weights, gradient, m, s, step, rate, decay):
        m, s = mean(m, gradient), square(s, gradient)
        return result(after(weights, ratio(m, s, step), rate, decay), m, s)

    return (adamw,)


def _inside(w, g, m, s, t, r, d):
    return _adamw()[0](w, g + d * w, m, s, t, r, 0)


def _inside_the_fraction_only(w, g, m, s, t, r, d):
    return _inside(w, g, m, s, t, r, d)[0], *_adamw()[0](w, g, m, s, t, r, d)[1:]


def _kept_corrected(which, beta):
    def adamw(*given):
        answer = list(_adamw()[0](*given))
        answer[which] = answer[which] / (1 - beta ** given[4])
        return answer

    return adamw


def _old_mean(weights, gradient, m, s, step, rate, decay):
    new_m, s = 0.9 * m + 0.1 * gradient, 0.999 * s + 0.001 * gradient**2
    return weights - rate * (_ratio(m, s, step) + decay * weights), new_m, s


def _keras_form(weights, gradient, m, s, step, rate, decay):
    weights = weights * (1 - rate * decay)
    m = m + (gradient - m) * 0.1
    s = s + (gradient**2 - s) * 0.001
    alpha = rate * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
    return [weights - alpha * m / (np.sqrt(s) + 1e-7), m, s]


def _change_in_place(weights, gradient, m, s, step, rate, decay):
    m *= 0.9
    m += 0.1 * gradient
    return weights, m, s


# --- 04-curves ----------------------------------------------------------------------------------

# Once more, and not that of the lesson: the test has to know by itself what is right.
_DIAGNOSES = {
    "A": "rate too small",
    "B": "overfitting",
    "C": "underfitting",
    "D": "healthy",
    "E": "regularized",
    "F": "rate too large",
}


def _turn(*letters):
    """Each of the letters gets the diagnosis of the next one."""
    following = letters[1:] + letters[:1]
    return (_DIAGNOSES | {a: _DIAGNOSES[b] for a, b in zip(letters, following, strict=True)},)


# --- 04-penalty, 04-dropout, 04-batchnorm -------------------------------------------------------


def _net(
    penalty=lambda w, l1, l2: l1 * np.sum(np.abs(w)) + l2 * np.sum(w * w),
    pull=lambda w, l1, l2: l1 * np.sign(w) + 2 * l2 * w,
):
    return (lambda w, l1, l2: (penalty(w, l1, l2), pull(w, l1, l2)),)


def _net_by_products(w, l1, l2):
    return [
        l1 * np.sum(w * np.sign(w)) + l2 * np.vdot(w, w),
        (w > 0) * l1 - (w < 0) * l1 + l2 * w * 2,
    ]


def _drop(training=None, inference=lambda v, p, keep: v):
    training = training or (lambda v, p, keep: v * keep / (1 - p))

    def dropout(values, rate, random, training_now):
        return (training if training_now else inference)(values, rate, random >= rate)

    return (dropout,)


def _dropout_step_by_step(values, rate, random, training):
    result = np.array(values)
    if training:
        result[random < rate] = 0
        result *= 1 / (1 - rate)
    return result


def _drop_in_place(values, rate, random, training):
    values[random < rate] = 0
    return values / (1 - rate)


def _norm(formula):
    """An answer from a rule that gets what is left without the mean, and the root to divide by."""
    return (lambda x, g, b, m, v, e: formula(x - m, np.sqrt(v + e), g, b),)


def _of_batch(x, g, b, m, v, e):
    return g * (x - x.mean((0, 1, 2))) / np.sqrt(x.var((0, 1, 2)) + e) + b


def _of_each_picture(x, g, b, m, v, e):
    axes = {"axis": (1, 2), "keepdims": True}
    return g * (x - x.mean(**axes)) / np.sqrt(x.var(**axes) + e) + b


def _factor_and_offset(x, g, b, m, v, e):
    factor = g * (v + e) ** -0.5
    return x * factor + (b - factor * m)


# --- the bank -----------------------------------------------------------------------------------

WRONG = {
    "04-rate": [
        ("smallest eigenvalue", (1.0,), "by the smallest eigenvalue"),
        ("diagonal", (2 / 3,), "entry of the diagonal"),
        ("one over it", (0.25,), "the limit is twice as large"),
        ("best rate", (1 / 3,), "over the sum"),
        ("eigenvalue", (4,), "largest eigenvalue itself"),
        ("other eigenvalue", (2.0,), "that is the smallest eigenvalue;"),
        ("determinant", (1 / 8,), "product of the curvatures"),
        ("large", (0.6,), "too large"),
        ("small", (0.1,), "too small"),
        ("sign", (-0.5,), "wrong sign"),
        ("percent", (50,), "in percent"),
        ("text", ("0.5",), "is text"),
        ("both", ([0.5, 1.0],), "one number is expected"),
        ("nan", (np.nan,), "NaN"),
    ],
    "04-momentum": [
        ("no momentum", (_walk(lambda g, n, b, r, m: -r * g(n)),), "plain gradient descent"),
        ("uphill", (_walk(lambda g, n, b, r, m: r * g(n) + m * (n - b)),), "walks uphill"),
        ("back", (_walk(lambda g, n, b, r, m: -r * g(n) + m * (b - n)),), "pulls back"),
        ("late", (_walk(lambda g, n, b, r, m: -r * g(b) + m * (n - b)),), "the place before"),
        ("damped", (_walk(lambda g, n, b, r, m: (m - 1) * r * g(n) + m * (n - b)),), "`1 - beta`"),
        ("ahead", (_walk(lambda g, n, b, r, m: m * (n - b) - r * g(n + m * (n - b))),), "Nesterov"),
        ("no start", (lambda *a: _heavy(*a)[1:],), "the start is missing"),
        ("last", (lambda *a: _heavy(*a)[-1],), "the last place only"),
        ("changes", (lambda *a: np.diff(_heavy(*a), axis=0),), "these are the changes"),
        ("one less", (lambda *a: _heavy(*a)[:-1],), "one step too few"),
        ("one more", (lambda *a: _heavy(*a[:4], a[4] + 1),), "one step too many"),
        ("in place", (_in_place,), "argument 2 in place"),
        ("one array, many times", (_same_object,), "entries of the path differ"),
        ("transposed", (lambda *a: _heavy(*a).T,), "rows and columns exchanged"),
        ("nothing", (lambda *a: print(end=""),), "returned nothing"),
        ("no function", (0.9,), "a function is expected"),
    ],
    "04-valley": [
        ("plain", (2 / 50.5, 0.0), "without momentum"),
        ("of the text", ((2 / 11) ** 2, (9 / 11) ** 2), "the rate could be larger"),
        ("usual", (0.06, 0.9), "the momentum is too large"),
        ("little momentum", (0.051, 0.4), "the momentum could be larger"),
        ("too fast", (0.07, 0.65), "the walk diverges"),
        ("diverges at once", (1.0, 0.0), "momentum 0 the rate must be below 0.04"),
        ("tiny", (1e-7, 0.5), "20,000 steps do not suffice"),
        ("one", (0.06, 1.0), "a momentum of 1 is not possible"),
        ("negative", (0.06, -0.5), "a momentum of -0.5"),
        ("uphill", (-0.06, 0.7), "uphill"),
        ("no rate", (0, 0.7), "nothing moves"),
        ("texts", ("0.06", 0.7), "the rate has to be one number"),
        ("text", (0.06, "0.7"), "the momentum has to be one number"),
        ("nan", (np.nan, 0.7), "NaN or infinite"),
    ],
    "04-adam": [
        ("no decay", _adamw(lambda w, ratio, r, d: w - r * ratio), "Adam without decay"),
        ("inside", (_inside,), "the new mean has the decay in it"),
        ("inside the fraction only", (_inside_the_fraction_only,), "outside the fraction"),
        ("uncorrected", _adamw(ratio=lambda m, s, t: m / (s**0.5 + 1e-7)), "correction is missing"),
        ("uphill", _adamw(lambda w, ratio, r, d: w + r * (ratio + d * w)), "this climbs"),
        ("no rate", _adamw(lambda w, ratio, r, d: w - r * ratio - d * w), "multiplied by the rate"),
        ("next step", _adamw(ratio=lambda m, s, t: _ratio(m, s, t + 1)), "of the next step"),
        ("no root", _adamw(ratio=lambda m, s, t: _ratio(m, s * s / (1 - 0.999**t), t)), "a root"),
        ("old mean", (_old_mean,), "the old mean is used"),
        (
            "change",
            _adamw(lambda w, ratio, r, d: -r * (ratio + d * w)),
            "the change of the weights",
        ),
        ("ones", _adamw(result=lambda w, m, s: (w - w + 1, m, s)), "the new weights differ"),
        ("kept mean", (_kept_corrected(1, 0.9),), "new mean is returned with its correction"),
        ("kept square", (_kept_corrected(2, 0.999),), "new square is returned with its correction"),
        (
            "exchanged",
            _adamw(mean=lambda m, g: 0.999 * m + 0.001 * g, square=lambda s, g: 0.9 * s + g * g),
            "two betas are exchanged",
        ),
        ("no square", _adamw(square=lambda s, g: 0.999 * s + 0.001 * g), "square them first"),
        ("only weights", _adamw(result=lambda w, m, s: w), "three things"),
        ("order", _adamw(result=lambda w, m, s: (m, w, s)), "the new weights come first"),
        ("in place", (_change_in_place,), "argument 3 in place"),
        ("nothing", (lambda *a: None,), "returned nothing"),
    ],
    "04-curves": [
        ("slow and small", _turn("A", "C"), "A is still falling"),
        ("small and slow", _turn("C", "A", "D"), "C has stopped falling"),
        ("C and F", _turn("C", "F", "D"), "C is far better than guessing"),
        ("F small", _turn("F", "C", "D"), "F began far above guessing"),
        ("E overfits", _turn("E", "B"), "validation is *better*"),
        ("B healthy", _turn("B", "D"), "look at its dashed line"),
        ("E healthy", _turn("E", "D"), "no gap between"),
        ("A and D", _turn("A", "D"), "look at A again"),
        ("B and F", _turn("B", "F"), "look at B again"),
        ("one twice", (_DIAGNOSES | {"A": "healthy"},), "one is used twice"),
        ("missing", ({"A": "healthy"},), "no diagnosis yet for B, C"),
        ("unknown", (_DIAGNOSES | {"A": "flu"},), "not one of the six"),
        ("seven", (_DIAGNOSES | {"G": "healthy"},), "panels A to F"),
        ("list", (list(_DIAGNOSES.values()),), "give a dictionary"),
        ("numbers", (dict.fromkeys("ABCDEF", 1),), "have to be text"),
    ],
    "04-penalty": [
        ("signed", _net(lambda w, a, b: a * w.sum() + b * (w**2).sum()), "signs cancel"),
        ("root", _net(lambda w, a, b: a * abs(w).sum() + b * np.linalg.norm(w)), "not its root"),
        ("half", _net(lambda w, a, b: a * abs(w).sum() + b / 2 * (w**2).sum()), "halved"),
        ("mean", _net(lambda w, a, b: a * abs(w).mean() + b * (w**2).mean()), "not a mean"),
        ("exchanged", _net(lambda w, a, b: b * abs(w).sum() + a * (w**2).sum()), "exchanged"),
        ("L1 only", _net(lambda w, a, b: a * abs(w).sum()), "only its L1 part"),
        ("L2 only", _net(lambda w, a, b: b * (w**2).sum()), "only its L2 part"),
        ("squared", _net(lambda w, a, b: a * abs(w).sum() + ((b * w) ** 2).sum()), "not squared"),
        ("no 2", _net(pull=lambda w, a, b: a * np.sign(w) + b * w), "has a factor 2"),
        ("no sign", _net(pull=lambda w, a, b: a + 2 * b * w), "use the sign"),
        ("grows", _net(pull=lambda w, a, b: a * w + 2 * b * w), "does not grow"),
        ("sizes", _net(pull=lambda w, a, b: a * np.sign(w) + 2 * b * abs(w)), "keeps the sign"),
        ("summed", _net(pull=lambda w, a, b: (a * np.sign(w) + 2 * b * w).sum()), "do not sum it"),
        ("downhill", _net(pull=lambda w, a, b: -a * np.sign(w) - 2 * b * w), "points uphill"),
        ("pull of L2", _net(pull=lambda w, a, b: 2 * b * w), "lacks the part of L1"),
        ("pull of L1", _net(pull=lambda w, a, b: a * np.sign(w)), "lacks the part of L2"),
        ("1 at zero", _net(pull=lambda w, a, b: 2 * b * w + a * np.where(w < 0, -1, 1)), "of zero"),
        ("NaN at zero", _net(pull=lambda w, a, b: a * w / np.abs(w) + 2 * b * w), "NaN"),
        ("penalty alone", (lambda w, a, b: a * abs(w).sum() + b * (w**2).sum(),), "two things"),
    ],
    "04-dropout": [
        ("unscaled", _drop(lambda v, p, k: v * k), "divided by `1 - rate`"),
        ("multiplied", _drop(lambda v, p, k: v * k * (1 - p)), "divide"),
        ("by the rate", _drop(lambda v, p, k: v * k / p), "the share that is *kept*"),
        ("inverted", _drop(lambda v, p, k: v * ~k / (1 - p)), "below `rate` means out"),
        ("inverted, unscaled", _drop(lambda v, p, k: v * ~k), "and the rest is not scaled"),
        ("nothing", _drop(lambda v, p, k: v), "something has to be dropped"),
        ("scale only", _drop(lambda v, p, k: v / (1 - p)), "nothing is dropped"),
        ("ones", _drop(lambda v, p, k: np.where(k, v / (1 - p), 1)), "becomes 0, not 1"),
        ("mask", _drop(lambda v, p, k: k / (1 - p)), "that is the mask"),
        ("always on", _drop(inference=lambda v, p, k: v * k / (1 - p)), "not active at inference"),
        ("old style", _drop(inference=lambda v, p, k: v * (1 - p)), "nothing to scale"),
        ("made up for", _drop(inference=lambda v, p, k: v / (1 - p)), "made up for"),
        ("zeros", _drop(inference=lambda v, p, k: v * k), "values are set to zero"),
        ("in place", (_drop_in_place,), "argument 1 in place"),
        ("all off", _drop(lambda v, p, k: 0 * v), "is 0 everywhere"),
        ("what is left", _drop(lambda v, p, k: v[k]), "expected (4, 6)"),
    ],
    "04-batchnorm": [
        ("batch", (_of_batch,), "the batch's own"),
        ("each picture", (_of_each_picture,), "by itself"),
        ("plain", _norm(lambda away, root, g, b: away / root), "gamma and beta are m"),
        ("no beta", _norm(lambda away, root, g, b: g * away / root), "beta is miss"),
        ("no gamma", _norm(lambda away, root, g, b: away / root + b), "gamma is missing"),
        ("no root", _norm(lambda away, root, g, b: g * away / root**2 + b), "the root is miss"),
        ("epsilon out", (lambda x, g, b, m, v, e: g * (x - m) / (v**0.5 + e) + b,), "the root"),
        ("no epsilon", (lambda x, g, b, m, v, e: g * (x - m) / v**0.5 + b,), "epsilon is missing"),
        ("gamma on all", _norm(lambda away, root, g, b: g * (away / root + b)), "add beta last"),
        ("exchanged", _norm(lambda away, root, g, b: b * away / root + g), "beta are exchanged"),
        ("plus mean", (lambda x, g, b, m, v, e: g * (x + m) / (v + e) ** 0.5 + b,), "subtracted"),
        ("zeros", (lambda x, *rest: 0 * x,), "is 0 everywhere"),
        ("axes", (lambda x, *rest: _factor_and_offset(x, *rest).mean((1, 2)),), "2 axes"),
        ("printed", (lambda *a: None,), "returned nothing"),
    ],
}

RIGHT = {
    "04-rate": [("fraction", (1 / 2,)), ("array", (np.array([0.5]),)), ("rounded", (0.5001,))],
    "04-momentum": [
        ("with a velocity, a list", (_with_velocity,)),
        ("the course's", (_of_course,)),
        ("by places", (_heavy,)),
    ],
    "04-valley": [
        ("formula", ((2 / (0.5**0.5 + 50**0.5)) ** 2, (9 / 11) ** 2)),
        ("rounded", (0.066, 0.67)),
        ("by trial", (np.float64(0.064), 0.68)),
    ],
    "04-adam": [
        ("as written", _adamw()),
        ("Keras' form, a list", (_keras_form,)),
    ],
    "04-curves": [
        ("as given", (_DIAGNOSES,)),
        ("small letters", ({k.lower(): v.title() for k, v in _DIAGNOSES.items()},)),
        ("another order", (dict(reversed(_DIAGNOSES.items())),)),
    ],
    "04-penalty": [
        ("as written", _net()),
        ("products", (_net_by_products,)),
        ("norms", _net(lambda w, a, b: a * np.abs(w).sum() + b * np.linalg.norm(w) ** 2)),
    ],
    "04-dropout": [
        ("product", _drop()),
        ("step by step", (_dropout_step_by_step,)),
        ("where", _drop(lambda v, p, k: np.where(k, v, 0) / (1 - p))),
    ],
    "04-batchnorm": [
        ("factor and offset", (_factor_and_offset,)),
        ("steps", (lambda x, g, b, m, v, e: (x - m) * (g / (v + e) ** 0.5) + b,)),
        ("float32", (lambda *a: _factor_and_offset(*a).astype("float64"),)),
    ],
}
