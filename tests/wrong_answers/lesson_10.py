"""Wrong answers to lesson 10, and the words their hint must contain; right ones written otherwise.

An entry of ``WRONG`` is a label, the answers as a tuple, and a fragment of the hint; one of
``RIGHT`` is a label and the answers.
"""

import numpy as np

# --- 10-distortion ------------------------------------------------------------------------------


def _three(l0=None, l2=None, linf=None, order=(0, 1, 2)):
    def distortion(before, after):
        d = after - before
        values = (
            (l0 or np.count_nonzero)(d),
            (l2 or (lambda d: np.sqrt((d**2).sum())))(d),
            (linf or (lambda d: np.abs(d).max()))(d),
        )
        return [values[k] for k in order]

    return (distortion,)


def _by_loop(before, after):
    l0 = l2 = linf = 0
    for a, b in zip(np.ravel(before), np.ravel(after), strict=True):
        l0 += a != b
        l2 += (a - b) ** 2
        linf = max(linf, abs(a - b))
    return l0, l2**0.5, linf


# --- 10-fgsm and 10-project ---------------------------------------------------------------------


def _step(make, cut=True):
    return (lambda p, g, eps: np.clip(make(p, g, eps), 0, 1) if cut else make(p, g, eps),)


def _cut(make, ends=True):
    return (lambda m, o, eps: np.clip(make(m, o, eps), 0, 1) if ends else make(m, o, eps),)


def _project_by_loop(moved, original, eps):
    return [min(max(m, o - eps, 0), o + eps, 1) for m, o in zip(moved, original, strict=True)]


# --- 10-linear, 10-rate, 10-snr -----------------------------------------------------------------


def _linear(make):
    return (lambda w, b, x: make(w @ x + b, w),)


def _rate(make):
    return (lambda before, after, y: make(before == y, after != y, before != after),)


def _snr(make):
    return (lambda sound, changed: make(sound, changed - sound),)


def _db(sound, noise):
    return 10 * np.log10((sound**2).sum() / (noise**2).sum())


# --- 10-masking ---------------------------------------------------------------------------------


def _ahead(*names, by=0.05):
    return (lambda rates: max(rates[name] for name in names) > rates["pgd"] + by,)


(_masked,) = _ahead("fgsm", "transfer", "random")


# --- the bank -----------------------------------------------------------------------------------

WRONG = {
    "10-distortion": [
        ("reversed", _three(order=(2, 1, 0)), "yours is reversed"),
        ("exchanged", _three(order=(0, 2, 1)), "last two stand in the other order"),
        ("no root", _three(l2=lambda d: (d**2).sum()), "lacks the root"),
        ("L1", _three(l2=lambda d: np.abs(d).sum()), "sum of changes, L1"),
        ("plain sum", _three(l2=lambda d: d.sum()), "signs cancel"),
        ("all", _three(l0=np.size), "you counted all"),
        ("unchanged", _three(l0=lambda d: (d == 0).sum()), "those that did not"),
        ("share", _three(l0=lambda d: (d != 0).mean()), "not a share"),
        ("mean square", _three(l2=lambda d: np.sqrt((d**2).mean())), "root of the *mean*"),
        ("mean", _three(linf=lambda d: np.abs(d).mean()), "the third is the mean change"),
        ("signed", _three(linf=np.max), "take absolute values first"),
        ("smallest", _three(linf=lambda d: abs(d.min())), "absolute value of the smallest"),
        ("rises", (lambda b, a: _three()[0](b, np.maximum(a, b)),), "only rises were counted"),
        ("two", (lambda b, a: (2, 0.5),), "has shape (2,)"),
    ],
    "10-units": [
        ("unit range", (8 / 255,), "twice as wide"),
        ("levels", (8,), "only where a level is 1"),
        ("halved", (4 / 255,), "not shrink"),
        ("position", (8 / 127.5 - 1,), "eps is a *distance*"),
        ("sixteen", (16,), "levels doubled"),
        ("256", (16 / 256,), "not by 256"),
        ("twice", (32 / 255,), "only once"),
        ("other", (0.5,), "too large"),
        ("negative", (-16 / 255,), "wrong sign"),
    ],
    "10-fgsm": [
        ("plus", _step(lambda p, g, e: p + e * np.sign(g)), "a target takes minus"),
        ("plus, no cut", _step(lambda p, g, e: p + e * np.sign(g), False), "plus climbs, and some"),
        ("no cut", _step(lambda p, g, e: p - e * np.sign(g), False), "the step is right"),
        ("gradient", _step(lambda p, g, e: p - e * g), "takes its sign"),
        ("gradient, no cut", _step(lambda p, g, e: p - e * g, False), "nothing is cut"),
        ("L2", _step(lambda p, g, e: p - e * g / np.linalg.norm(g)), "the L2 step"),
        ("change", _step(lambda p, g, e: -e * np.sign(g), False), "only the change"),
        ("no eps", _step(lambda p, g, e: p - np.sign(g)), "eps is missing"),
        ("change cut", _step(lambda p, g, e: p - e * (g > 0), False), "the change was cut"),
        ("where", _step(lambda p, g, e: p - e * np.where(g > 0, 1, -1)), "`np.sign` gives 0"),
        ("at least", _step(lambda p, g, e: p - e * np.where(g >= 0, 1, -1)), "`>=` moves it"),
        ("flat", (lambda p, g, e: np.clip(p - e * np.sign(g), 0, 1).ravel(),), "has shape (4,)"),
    ],
    "10-project": [
        ("range open", _cut(lambda m, o, e: np.clip(m, o - e, o + e), False), "near the original"),
        ("range only", _cut(lambda m, o, e: m), "cut to [0, 1] only"),
        ("change", _cut(lambda m, o, e: np.clip(m - o, -e, e), False), "allowed change"),
        ("nothing", (lambda m, o, e: m,), "nothing was cut"),
        ("full step", _cut(lambda m, o, e: o + e * np.sign(m - o)), "within eps have to stay"),
        ("full, open", _cut(lambda m, o, e: o + e * np.sign(m - o), False), "also out of [0, 1]"),
        ("put back", _cut(lambda m, o, e: np.where(abs(m - o) > e, o, m)), "put back to the"),
        ("one factor", _cut(lambda m, o, e: o + (m - o) * e / max(abs(m - o))), "by one factor"),
        ("L2", _cut(lambda m, o, e: o + (m - o) * e / np.linalg.norm(m - o)), "which is L2"),
        ("rises", _cut(lambda m, o, e: np.minimum(m, o + e)), "falls go too far"),
        ("falls", _cut(lambda m, o, e: np.maximum(m, o - e)), "rises go too far"),
        ("exchanged", _cut(lambda m, o, e: np.clip(o, m - e, m + e)), "are exchanged"),
        ("around 0", (lambda m, o, e: np.clip(m, -e, e),), "instead of around the original"),
    ],
    "10-linear": [
        ("L2", _linear(lambda s, w: abs(s) / np.linalg.norm(w)), "the distance in L2"),
        ("signed weights", _linear(lambda s, w: s / w.sum()), "*absolute* weights"),
        ("signed score", _linear(lambda s, w: s / np.abs(w).sum()), "absolute value of the score"),
        ("no bias", (lambda w, b, x: abs(w @ x) / np.abs(w).sum(),), "bias is missing"),
        ("minus bias", (lambda w, b, x: abs(w @ x - b) / np.abs(w).sum(),), "wrong sign: the"),
        ("score", _linear(lambda s, w: abs(s)), "that is the score"),
        ("largest", _linear(lambda s, w: abs(s) / np.abs(w).max()), "only the largest weight"),
        ("number", _linear(lambda s, w: abs(s) / len(w)), "not by their number"),
        ("mean", _linear(lambda s, w: abs(s) / np.abs(w).mean()), "not by their mean"),
        ("squares", _linear(lambda s, w: abs(s) / (w**2).sum()), "without its root"),
        ("upside down", _linear(lambda s, w: np.abs(w).sum() / abs(s)), "upside down"),
    ],
    "10-rate": [
        ("all wrong", _rate(lambda k, w, c: w.mean()), "count as fooled in yours"),
        ("all pictures", _rate(lambda k, w, c: (k & w).mean()), "not by all"),
        ("wrong before", _rate(lambda k, w, c: w.sum() / k.sum()), "among your fooled ones"),
        ("changed", _rate(lambda k, w, c: c.mean()), "every *changed* answer"),
        ("changed of known", _rate(lambda k, w, c: c.sum() / k.sum()), "changed answers of"),
        ("kept", _rate(lambda k, w, c: (k & ~w).sum() / k.sum()), "*not* fooled"),
        ("count", _rate(lambda k, w, c: (k & w).sum()), "a number of pictures"),
        ("before", _rate(lambda k, w, c: k.mean()), "accuracy before"),
        ("after", _rate(lambda k, w, c: (~w).mean()), "accuracy after"),
        ("fall", _rate(lambda k, w, c: k.mean() - (~w).mean()), "how much the accuracy fell"),
        ("no guard", _rate(lambda k, w, c: np.float64((k & w).sum()) / k.sum()), "0 / 0 is NaN"),
        ("percent", _rate(lambda k, w, c: 100 * (k & w).sum() / k.sum()), "100 times too large"),
        ("array", _rate(lambda k, w, c: k & w), "True and False"),
    ],
    "10-masking": [
        ("never", (lambda r: False,), "never"),
        ("always", (lambda r: True,), "always"),
        ("turned", (lambda r: not _masked(r),), "the other way round"),
        ("no transfer", _ahead("fgsm", "random"), "examples of another network beat PGD"),
        ("no one step", _ahead("transfer", "random"), "one step beats many"),
        ("no random", _ahead("fgsm", "transfer"), "random signs beat PGD"),
        ("no slack", _ahead("fgsm", "transfer", "random", by=0), "ahead by .02 only"),
        ("added", (lambda r: sum(max(r[k] - r["pgd"], 0) for k in r) > 0.05,), "do not add them"),
        ("low", (lambda r: _masked(r) or r["pgd"] < 0.1,), "no sign; a robust"),
        ("high", (lambda r: _masked(r) or r["pgd"] > 0.9,), "nothing is masked"),
        ("only where low", (lambda r: _masked(r) and r["pgd"] < 0.5,), "not about how low"),
        ("number", (lambda r: 0.3,), "type float"),
    ],
    "10-snr": [
        ("20", _snr(lambda s, n: 2 * _db(s, n)), "ratios of amplitudes"),
        ("natural", _snr(lambda s, n: _db(s, n) * np.log(10)), "natural logarithm"),
        ("changed as noise", (_db,), "compared with the changed"),
        ("upside down", _snr(lambda s, n: _db(n, s)), "upside down"),
        ("bels", _snr(lambda s, n: _db(s, n) / 10), "these are bels"),
        ("ratio", _snr(lambda s, n: (s @ s) / (n @ n)), "that is the ratio"),
        ("changed as signal", (lambda s, c: _db(c, c - s),), "the signal is the original"),
        ("absolute", _snr(lambda s, n: _db(abs(s) ** 0.5, abs(n) ** 0.5)), "absolute values"),
        ("peaks", _snr(lambda s, n: _db(abs(s).max(), abs(n).max())), "largest values"),
        ("squared sums", _snr(lambda s, n: _db(s.sum(), n.sum())), "squared sums"),
        ("variance", _snr(lambda s, n: _db(s.std(), n.std())), "variance"),
    ],
}

RIGHT = {
    "10-distortion": [
        ("loop", (_by_loop,)),
        ("array", (lambda b, a: np.array(_by_loop(b, a), np.float32),)),
        ("norms", (lambda b, a: [np.linalg.norm((a - b).ravel(), k) for k in (0, 2, np.inf)],)),
    ],
    "10-units": [("rounded", (0.0627,)), ("fraction", (16 / 255,)), ("half", (8 / 127.5,))],
    "10-fgsm": [
        ("plus of minus", _step(lambda p, g, e: p + e * np.sign(-g))),
        ("minimum", (lambda p, g, e: np.minimum(np.maximum(p - e * np.sign(g), 0), 1),)),
        ("two parts", _step(lambda p, g, e: p - e * (g > 0) + e * (g < 0))),
    ],
    "10-project": [
        ("loop, a list", (_project_by_loop,)),
        ("change", _cut(lambda m, o, e: o + np.clip(m - o, -e, e))),
        ("range first", (lambda m, o, e: np.clip(np.clip(m, 0, 1), o - e, o + e),)),
    ],
    "10-linear": [
        ("norm", _linear(lambda s, w: abs(s) / np.linalg.norm(w, 1))),
        ("dot", (lambda w, b, x: np.abs(np.dot(w, x) + b) / np.dot(w, np.sign(w)),)),
    ],
    "10-rate": [
        ("masks", (lambda b, a, y: (a[b == y] != y[b == y]).mean() if any(b == y) else 0,)),
    ],
    "10-masking": [
        ("any", (lambda r: any(r[k] > r["pgd"] + 0.05 for k in r),)),
        ("NumPy", (lambda r: np.max([*r.values()]) - r["pgd"] > 0.05,)),
    ],
    "10-snr": [
        ("means", _snr(lambda s, n: 10 * np.log10(np.mean(s**2) / np.mean(n**2)))),
        ("norms", _snr(lambda s, n: 20 * np.log10(np.linalg.norm(s) / np.linalg.norm(n)))),
    ],
}
