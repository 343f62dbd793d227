"""Wrong answers to lesson 07, and the words their hint must contain; right ones written otherwise.

An entry of ``WRONG`` is a label, the answers as a tuple, and a fragment of the hint; one of
``RIGHT`` is a label and the answers.
"""

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy import signal
from sklearn.base import clone
from sklearn.model_selection import LeaveOneGroupOut

# --- 07-frames ----------------------------------------------------------------------------------


def _frames(
    fade=lambda n: 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n),
    starts=lambda samples, window, hop: range(0, samples - window + 1, hop),
    turn=lambda piece: np.abs(np.fft.rfft(piece)),
    prepare=lambda wave, window: wave,
):
    def magnitudes(wave, window, hop):
        ready = prepare(wave, window)
        places = starts(len(ready), window, hop)
        return np.array([turn(fade(window) * ready[s : s + window]) for s in places])

    return (magnitudes,)


def _over_the_end(wave, window, hop):
    return _by_windows(
        np.pad(wave, (0, (len(wave) - 1) // hop * hop + window - len(wave))), window, hop
    )


def _by_windows(wave, window, hop):
    pieces = sliding_window_view(wave, window)[::hop]
    return np.abs(np.fft.rfft(pieces * signal.get_window("hann", window), axis=1))


def _faded_in_place(wave, window, hop):
    wave *= 0.5
    return _by_windows(wave, window, hop)


# --- 07-speaker ---------------------------------------------------------------------------------


def _speakers(train=lambda out: ~out, test=lambda out: out, value=lambda score: score):
    def by_left_out(model, features, digits, speakers):
        scores = {}
        for name in np.unique(speakers):
            out = speakers == name
            model.fit(features[train(out)], digits[train(out)])
            scores[name] = value(model.score(features[test(out)], digits[test(out)]))
        return scores

    return (by_left_out,)


def _then(change):
    def by_left_out(*given):
        return change(_speakers()[0](*given))

    return (by_left_out,)


def _with_scikit_learn(model, features, digits, speakers):
    scores = {}
    for train, test in LeaveOneGroupOut().split(features, digits, speakers):
        model.fit(features[train], digits[train])
        scores[str(speakers[test[0]])] = np.mean(model.predict(features[test]) == digits[test])
    return scores


def _with_clones(model, features, digits, speakers):
    scores = {}
    for name in np.unique(speakers):
        out = speakers == name
        fresh = clone(model).fit(features[~out], digits[~out])
        scores[name] = fresh.score(features[out], digits[out])
    return scores


def _by_digit(model, features, digits, speakers):
    return {int(d): model.fit(features, digits).score(features, digits) for d in set(digits)}


# --- 07-mask ------------------------------------------------------------------------------------


def _in_place(picture, b, bands, f, frames):
    picture[b : b + bands] = 0
    picture[:, f : f + frames] = 0
    return picture


def _by_outer(picture, b, bands, f, frames):
    rows, columns = np.arange(picture.shape[0]), np.arange(picture.shape[1])
    heard = np.outer((rows < b) | (rows >= b + bands), (columns < f) | (columns >= f + frames))
    return np.where(heard, picture, 0)


def _where_they_meet(picture, b, bands, f, frames):
    masked = picture.copy()
    masked[b : b + bands, f : f + frames] = 0
    return masked


# --- the bank -----------------------------------------------------------------------------------

WRONG = {
    "07-bin": [
        ("not rounded", (lambda h, r, n: h * n / r,), "round it"),
        ("up", (lambda h, r, n: math.ceil(h * n / r),), "rounded up"),
        ("cut", (lambda h, r, n: h * n // r,), "cut off instead"),
        ("half the rate", (lambda h, r, n: round(h * n / (r / 2)),), "not half of it"),
        ("twice", (lambda h, r, n: round(h * n / (2 * r)),), "not 2 rate"),
        ("distance", (lambda h, r, n: r / n,), "distance of two bins"),
        ("frequency", (lambda h, r, n: round(h * n / r) * r / n,), "frequency of the nearest"),
        ("from one", (lambda h, r, n: round(h * n / r) + 1,), "counted from 0"),
        ("turned", (lambda h, r, n: round(h * r / n),), "turned round"),
        ("period", (lambda h, r, n: round(r / h),), "one period"),
    ],
    "07-frames": [
        ("no window", _frames(fade=np.ones), "not faded in and out"),
        ("hanning", _frames(fade=np.hanning), "np.hanning is symmetric"),
        ("power", _frames(turn=lambda p: np.abs(np.fft.rfft(p)) ** 2), "this is the power"),
        ("decibels", _frames(turn=lambda p: 20 * np.log10(np.abs(np.fft.rfft(p)))), "decibels"),
        ("fft", _frames(turn=lambda p: np.abs(np.fft.fft(p))), "each bin twice"),
        ("real", _frames(turn=lambda p: np.fft.rfft(p).real), "real part"),
        ("complex", _frames(turn=np.fft.rfft), "complex numbers"),
        ("turned", (lambda w, n, h: _by_windows(w, n, h).T,), "exchanged"),
        ("padded", _frames(prepare=lambda w, n: np.pad(w, n // 2, "reflect")), "was padded"),
        ("one less", _frames(starts=lambda s, n, h: range(0, s - n, h)), "last frame is missing"),
        ("over the end", (_over_the_end,), "reach over the end"),
        ("no overlap", _frames(starts=lambda s, n, h: range(0, s - n + 1, n)), "do not overlap"),
        ("every sample", _frames(starts=lambda s, n, h: range(s - n + 1)), "at every sample"),
        ("in place", (_faded_in_place,), "in place"),
    ],
    "07-decibels": [
        ("power", (-10, 3.01, 6.02), "a tenth of the *power*"),
        ("ratio", (0.1, 3.01, 6.02), "no ratio"),
        ("natural", (20 * np.log(0.1), 3.01, 6.02), "natural logarithm"),
        ("sign", (20, 3.01, 6.02), "wrong sign"),
        ("amplitude", (-20, 6.0206, 6.0206), "twice the *power*"),
        ("double", (-20, 2, 6.0206), "do not double"),
        ("bel", (-20, 0.30103, 6.0206), "half a step"),
        ("level", (-20, 3.0103, -43.9794), "not the new level"),
        ("half of 50", (-20, 3.0103, 25), "not half of -50"),
        ("power again", (-20, 3.0103, 3.0103), "grows fourfold"),
        ("doubled", (-20, 3.0103, -50), "is not doubled"),
    ],
    "07-window": [
        ("8 kHz", (400, 50), "8,000 samples a second"),
        ("half", (1102.5, 25), "over the whole rate"),
        ("half, cut", (1102, 25), "half of what is needed"),
        ("twice", (4410, 100), "twice what is needed"),
        ("short power", (2048, 46.4), "too short"),
        ("long power", (4096, 92.9), "not the shortest"),
        ("second", (44100, 1000), "a whole second"),
        ("seconds", (2205, 0.05), "in seconds"),
        ("other rate", (2205, 275.625), "8,000 a second"),
        ("twenty", (2205, 20), "1 / 20 Hz"),
    ],
    "07-speaker": [
        ("same", _speakers(train=lambda out: out), "fitted to the speaker"),
        ("all", _speakers(train=lambda out: np.ones_like(out)), "had heard every speaker"),
        ("training", _speakers(test=lambda out: ~out), "scores on the training speakers"),
        ("turned", _speakers(lambda out: out, lambda out: ~out), "turned round"),
        ("errors", _speakers(value=lambda score: 1 - score), "error rates"),
        ("percent", _speakers(value=lambda score: 100 * score), "times what it should be"),
        ("mean", _then(lambda scores: np.mean([*scores.values()])), "one number was returned"),
        ("list", _then(lambda scores: [*scores.values()]), "who is hard"),
        ("one missing", _then(lambda scores: dict([*scores.items()][1:])), "the keys are bob"),
        ("digits", (_by_digit,), "the keys are 0, 1, 2"),
        ("text", (lambda m, x, y, s: "none",), "not str"),
    ],
    "07-rows": [
        ("rows", (lambda m: m.mean(axis=1).reshape(len(m), -1),), "throws the frequency away"),
        ("both", (lambda m: m.mean(axis=(1, 2)),), "the frequency is lost"),
        ("not joined", (lambda m: m.mean(axis=2),), "join rows and channels"),
        ("channels", (lambda m: m.mean(axis=(2, 3)),), "averaged over channels"),
        ("exchanged", (lambda m: m.mean(2).swapaxes(1, 2).reshape(len(m), -1),), "rows come first"),
        ("maximum", (lambda m: m.max(axis=2).reshape(len(m), -1),), "largest value over time"),
        ("flattened", (lambda m: m.reshape(len(m), -1),), "nothing was averaged"),
        ("sums", (lambda m: m.sum(axis=2).reshape(len(m), -1),), "these are sums"),
        ("one vector", (lambda m: m.mean(axis=2).ravel(),), "keep the first axis"),
    ],
    "07-mask": [
        ("meeting", (_where_they_meet,), "where the two"),
        ("exchanged", (lambda p, *at: _by_outer(p, *at[2:], *at[:2]),), "bands are rows"),
        ("bands", (lambda p, b, n, f, m: _by_outer(p, b, n, f, 0),), "only the bands"),
        ("frames", (lambda p, b, n, f, m: _by_outer(p, b, 0, f, m),), "only the frames"),
        ("too wide", (lambda p, b, n, f, m: _by_outer(p, b, n + 1, f, m + 1),), "one too wide"),
        ("ends", (lambda p, b, n, f, m: _by_outer(p, b, n - b, f, m - f),), "is a width"),
        ("mean", (lambda p, *_: np.where(_by_outer(p, *_), p, p.mean()),), "not the mean"),
        ("ones", (lambda p, *_: np.where(_by_outer(p, *_), p, 1),), "here they are loudest"),
        ("all but", (lambda p, *_: p - _by_outer(p, *_),), "all but the blocks"),
        ("nothing", (lambda p, *_: p,), "nothing is masked"),
        ("in place", (_in_place,), "in place"),
    ],
}

RIGHT = {
    "07-bin": [
        ("NumPy", (lambda h, r, n: np.round(h / (r / n)),)),
        ("nearest", (lambda h, r, n: np.abs(np.arange(n // 2 + 1) * r / n - h).argmin(),)),
        ("rfftfreq", (lambda h, r, n: int(np.abs(np.fft.rfftfreq(n, 1 / r) - h).argmin()),)),
    ],
    "07-frames": [
        ("windows", (_by_windows,)),
        ("a list", (lambda w, n, h: _by_windows(w, n, h).tolist(),)),
        ("half of fft", _frames(turn=lambda p: np.abs(np.fft.fft(p))[: len(p) // 2 + 1])),
    ],
    "07-decibels": [
        ("rounded", (-20, 3.01, 6.02)),
        ("by power", (10 * np.log10(0.01), 10 * np.log10(2), 10 * np.log10(4))),
    ],
    "07-window": [("floats", (2205.0, 50.0)), ("from samples", (2205, 1000 * 2205 / 44100))],
    "07-speaker": [
        ("scikit-learn", (_with_scikit_learn,)),
        ("clone", (_with_clones,)),
        ("set", (lambda *g: {str(k): float(v) for k, v in _speakers()[0](*g).items()},)),
    ],
    "07-rows": [
        ("einsum", (lambda m: np.einsum("brtc->brc", m).reshape(len(m), -1) / m.shape[2],)),
        ("loop", (lambda m: [np.mean(one, axis=1).ravel().tolist() for one in m],)),
    ],
    "07-mask": [
        ("outer", (_by_outer,)),
        ("lists", (lambda *g: _by_outer(*g).tolist(),)),
    ],
}
