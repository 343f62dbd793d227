"""Exercises of lesson 07, spectrogram transfer learning: checkers, hints, solutions."""

from __future__ import annotations

import numpy as np

from course_utils.exercises import Exercise, call, expect_array, expect_number, require


def _check_bin(nearest_bin):
    # The first lies just below a bin, the second just above one.
    for hertz, rate, window in ((1020, 8000, 256), (440, 44100, 1024)):
        k = hertz * window / rate
        below = {
            "cut off instead of rounded: 32.64 is nearer to 33": np.floor(k),
            "bins are counted from 0: bin 0 has the frequency 0": round(k) + 1,
        }
        above = {"rounded up; the nearest is asked for": np.ceil(k)}
        mistakes = {
            "a bin is a place, a whole number: round it": k,
            **(below if hertz == 1020 else above),
            "bins are rate / window apart, over the whole rate, not half of it": round(2 * k),
            "bins are rate / window apart, not 2 rate / window": round(k / 2),
            "this is the distance of two bins in Hz; how many of them fit into hertz?": (
                rate / window
            ),
            "this is the frequency of the nearest bin; its place is asked for": (
                round(k) * rate / window
            ),
            "turned round: divide hertz by the distance of bins, rate / window": round(
                hertz * rate / window
            ),
            "this is how many samples one period has; bins count waves in the window": round(
                rate / hertz
            ),
        }
        answer, what = call(nearest_bin, hertz, rate, window), f"nearest_bin{hertz, rate, window}"
        expect_number(answer, round(k), what=what, tol=1e-9, mistakes=mistakes)


BIN = Exercise(
    name="07-bin",
    title="The right bin",
    hints=(
        "Wave $k$ has the frequency $k r / N$. Solve for $k$.",
        "`hertz * window / rate` is rarely a whole number; `round` takes the nearest.",
    ),
    solution="""def nearest_bin(hertz, rate, window):
    return round(hertz * window / rate)
""",
    why="Bins are rate / window apart, and a tone between two bins shows in both: most in the "
    "nearer one.",
    check=_check_bin,
)


def _pieces(wave, window, hop):
    starts = range(0, len(wave) - window + 1, hop)
    return np.array([wave[start : start + window] for start in starts])


def _check_frames(magnitudes):
    random = np.random.default_rng(7)
    wave, window, hop = random.normal(size=100), 16, 6
    fade = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    pieces = _pieces(wave, window, hop)
    padded = np.pad(wave, window // 2, mode="reflect")
    longer = np.pad(wave, (0, window - 100 % hop))

    def of(some, fade=fade):
        return np.abs(np.fft.rfft(some * fade))

    right = of(pieces)
    mistakes = {
        "the pieces are not faded in and out: multiply each by the window": of(pieces, 1),
        "np.hanning is symmetric; the formula divides by N, not by N - 1": of(
            pieces, np.hanning(window)
        ),
        "this is the power; the magnitude is its root": right**2,
        "these are decibels; the magnitude itself is asked for": 20 * np.log10(right),
        "`np.fft.fft` has each bin twice, mirrored; `np.fft.rfft` keeps one half": np.abs(
            np.fft.fft(pieces * fade)
        ),
        "bins and frames are exchanged": right.T,
        "the wave was padded: here, frames start at sample 0": of(_pieces(padded, window, hop)),
        "the last frame is missing; it may end with the very last sample": right[:-1],
        "frames reach over the end; only those wholly inside count": of(
            _pieces(longer, window, hop)
        ),
        "the hop was not used: the pieces do not overlap": of(_pieces(wave, window, window)),
        "a frame was taken at every sample; they start `hop` apart": of(_pieces(wave, window, 1)),
        "this is the real part; the magnitude is `np.abs` of the complex number": (
            np.fft.rfft(pieces * fade).real
        ),
    }
    answer = call(magnitudes, wave, window, hop)
    expect_array(answer, right, what="magnitudes(wave, 16, 6) for 100 samples", mistakes=mistakes)


FRAMES = Exercise(
    name="07-frames",
    title="A spectrogram without padding",
    hints=(
        "Which samples can a frame start at? The last one must still have `window` samples.",
        "`range(0, len(wave) - window + 1, hop)` are the starts.",
        "`np.abs(np.fft.rfft(fade * piece))` is one row.",
    ),
    solution="""def magnitudes(wave, window, hop):
    fade = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    starts = range(0, len(wave) - window + 1, hop)
    return np.array([np.abs(np.fft.rfft(fade * wave[s : s + window])) for s in starts])
""",
    why="1 + (samples - window) // hop frames: the formula of a convolution without padding, with "
    "the hop as its stride. An STFT is a convolution with cosines and sines.",
    check=_check_frames,
)


def _check_decibels(tenth_amplitude, twice_power, twice_amplitude):
    mistakes = {
        "(a) -10 dB is a tenth of the *power*; amplitude counts twice": -10.0,
        "(a) decibels are no ratio: take 20 log10 of 0.1": 0.1,
        "(a) that is the natural logarithm; decibels use the one to base 10": 20 * np.log(0.1),
    }
    expect_number(tenth_amplitude, -20.0, what="(a)", tol=0.01, mistakes=mistakes)
    mistakes = {
        "(b) twice the *power* is 10 log10(2); 20 log10 is for amplitudes": 20 * np.log10(2),
        "(b) decibels do not double: they grow by a fixed amount": 2.0,
        "(b) half a step: log10(2) is to be taken 10 times": np.log10(2),
    }
    expect_number(twice_power, 10 * np.log10(2), what="(b)", tol=0.01, mistakes=mistakes)
    mistakes = {
        "(c) a *change* is asked for, not the new level": -50 + 20 * np.log10(2),
        "(c) twice the amplitude is not half of -50 dB: ratios are added in dB": 25.0,
        "(c) here the amplitude doubles, so the power grows fourfold": 10 * np.log10(2),
        "(c) the level -50 dB is not doubled; it does not matter where one starts": -50.0,
    }
    expect_number(twice_amplitude, 20 * np.log10(2), what="(c)", tol=0.01, mistakes=mistakes)


DECIBELS = Exercise(
    name="07-decibels",
    title="Think in decibels",
    hints=(
        "A change in dB is 10 log10 of the ratio of two powers.",
        "The power is the square of the amplitude: 20 log10 of the ratio of amplitudes.",
    ),
    solution="""tenth_amplitude = 20 * np.log10(0.1)
twice_power = 10 * np.log10(2)
twice_amplitude = 20 * np.log10(2)  # wherever one starts
""",
    why="A ratio becomes a difference: -20, 3.01 and 6.02 dB. That is why a louder recording is a "
    "brighter picture of the same shape.",
    check=_check_decibels,
)


def _check_window(window_samples, window_ms):
    mistakes = {
        "that is for 8,000 samples a second; here there are 44,100": 400,
        "bins are rate / window apart, over the whole rate": 1102.5,
        "half of what is needed: bins are rate / window apart": 1102,
        "twice what is needed: bins are rate / window apart": 4410,
        "2048 gives 21.5 Hz: a power of two is convenient, but too short": 2048,
        "4096 will do, but is not the shortest; the window need not be a power of two": 4096,
        "that is a whole second": 44100,
    }
    expect_number(window_samples, 2205, what="window_samples", tol=1e-9, mistakes=mistakes)
    mistakes = {
        "that is in seconds": 0.05,
        "that is 2,205 samples at 8,000 a second": 275.625,
        "1 / 20 Hz is 50 ms": 20.0,
    }
    expect_number(window_ms, 50.0, what="window_ms", tol=1e-6, mistakes=mistakes)


WINDOW = Exercise(
    name="07-window",
    title="Choose a window",
    hints=(
        "Bins are rate / window apart. When is that 20?",
        "44100 / 20 samples. And samples / rate are seconds.",
    ),
    solution="window_samples, window_ms = 44100 // 20, 1000 / 20\n",
    why="2,205 samples, 50 ms. The *duration* sets the distance of bins, 1 / 50 ms = 20 Hz, at any "
    "sampling rate: a higher rate adds bins on top, and none in between.",
    check=_check_window,
)


def _voices():
    """Features in which each speaker has a shift of his or her own; unequal numbers of clips."""
    random = np.random.default_rng(5)
    speakers = np.repeat(["ann", "bob", "cy", "di"], [18, 24, 30, 36])
    digits = np.concatenate([np.arange(n) % 3 for n in (18, 24, 30, 36)])
    shift = {name: random.normal(scale=1.5, size=4) for name in np.unique(speakers)}
    means = random.normal(size=(3, 4))
    x = means[digits] + np.array([shift[s] for s in speakers])
    x += 0.8 * random.normal(size=x.shape)
    order = random.permutation(len(x))
    return x[order], digits[order], speakers[order]


def _accuracies(fitted, tested):
    """In each speaker's turn: fitted to some clips, tested on some, by whose they are."""
    from sklearn.neighbors import NearestCentroid

    x, digits, speakers = _voices()
    scores = []
    for name in np.unique(speakers):
        some, others = fitted(speakers == name), tested(speakers == name)
        scores.append(NearestCentroid().fit(x[some], digits[some]).score(x[others], digits[others]))
    return np.array(scores)


def _check_speaker(by_left_out):
    from sklearn.neighbors import NearestCentroid

    x, digits, speakers = _voices()
    answer = call(by_left_out, NearestCentroid(), x, digits, speakers)
    hint = "one number was returned; a dictionary is asked for, with one for each speaker"
    require(not isinstance(answer, float | np.floating), hint)
    hint = "a dictionary is asked for, speaker -> accuracy: who is hard is what one wants to see"
    require(not isinstance(answer, list | tuple | np.ndarray), hint)
    require(isinstance(answer, dict), f"a dictionary is asked for, not {type(answer).__name__}")
    names, keys = np.unique(speakers), sorted(map(str, answer))
    require(
        keys == names.tolist(),
        f"the keys are {', '.join(keys)[:60]}; there should be one for each speaker: "
        f"{', '.join(names)}",
    )

    one, others, all_ = np.asarray, np.logical_not, np.ones_like
    right = _accuracies(others, one)
    mistakes = {
        "the model was fitted to the speaker whom it is tested on": _accuracies(one, one),
        "the model had heard every speaker: leave this one out of `fit`": _accuracies(all_, one),
        "these are scores on the training speakers; score on the one left out": (
            _accuracies(others, others)
        ),
        "turned round: fitted to one speaker, tested on the others": _accuracies(one, others),
        "these are error rates; accuracy is the share that is right": 1 - right,
    }
    answer = [answer[key] for key in sorted(answer, key=str)]
    expect_array(answer, right, what="the accuracies", tol=1e-9, mistakes=mistakes)


SPEAKER = Exercise(
    name="07-speaker",
    title="Leave one speaker out",
    hints=(
        "`np.unique(speakers)` are the names; go through them.",
        "`out = speakers == name` marks the clips of one; `~out` those of the others.",
        "Fit on `features[~out], digits[~out]`, score on `features[out], digits[out]`.",
    ),
    solution="""def by_left_out(model, features, digits, speakers):
    scores = {}
    for name in np.unique(speakers):
        out = speakers == name
        model.fit(features[~out], digits[~out])
        scores[name] = model.score(features[out], digits[out])
    return scores
""",
    why="No clip of the tested speaker is ever fitted, so the score is that of a stranger. Look at "
    "each number: the mean hides for whom it does not work.",
    check=_check_speaker,
)


def _check_rows(keep_rows):
    maps = np.random.default_rng(2).random((3, 4, 5, 2))
    means = maps.mean(axis=2)
    mistakes = {
        "averaged over the rows: that keeps time, and throws the frequency away": (
            maps.mean(axis=1).reshape(3, 10)
        ),
        "averaged over rows *and* columns: the frequency is lost": maps.mean(axis=(1, 2)),
        "one row of numbers for each clip: join rows and channels by `reshape`": means,
        "averaged over channels, too; they have to stay": maps.mean(axis=(2, 3)),
        "channels and rows are exchanged: rows come first": (means.swapaxes(1, 2).reshape(3, 8)),
        "that is the largest value over time instead of the mean": (maps.max(axis=2).reshape(3, 8)),
        "nothing was averaged: these are all numbers of the maps": maps.reshape(3, 40),
        "these are sums; divide by the number of columns": maps.sum(axis=2).reshape(3, 8),
        "the clips were joined as well: keep the first axis": means.ravel(),
    }
    answer, what = call(keep_rows, maps), "keep_rows(maps) for maps of shape (3, 4, 5, 2)"
    expect_array(answer, means.reshape(3, 8), what=what, mistakes=mistakes)


ROWS = Exercise(
    name="07-rows",
    title="Average over time, keep the frequency",
    hints=(
        "The axes are clip, row (frequency), column (time), channel.",
        "`maps.mean(axis=2)` has the shape (n, rows, channels).",
        "`.reshape(len(maps), -1)` joins all axes but the first.",
    ),
    solution="""def keep_rows(maps):
    return maps.mean(axis=2).reshape(len(maps), -1)
""",
    why="A word may come a little earlier or later, so places in time may be mixed. A formant at "
    "500 Hz and one at 2,500 Hz make different vowels, so places along frequency may not.",
    check=_check_rows,
)


def _check_mask(mask):
    picture = np.random.default_rng(3).random((6, 9)) + 0.5
    right = picture.copy()
    right[1:3] = 0
    right[:, 4:8] = 0

    def spoiled(bands=slice(1, 3), frames=slice(4, 8), fill=0.0, both=False, swap=False):
        wrong = picture.copy()
        if both:
            wrong[bands, frames] = fill
        elif swap:
            wrong[:, bands] = fill
            wrong[frames] = fill
        else:
            wrong[bands] = fill
            wrong[:, frames] = fill
        return wrong

    nothing = slice(0, 0)
    mistakes = {
        "only the place where the two blocks meet is silent; each goes right across": spoiled(
            both=True
        ),
        "bands and frames are exchanged: bands are rows": spoiled(swap=True),
        "only the bands are masked": spoiled(frames=nothing),
        "only the frames are masked": spoiled(bands=nothing),
        "the blocks are one too wide: 2 bands from band 1 are 1 and 2": spoiled(
            slice(1, 4), slice(4, 9)
        ),
        "the second number is a width, not the place where the block ends": spoiled(
            slice(1, 2), slice(4, 4)
        ),
        "masked places should be silent, 0, not the mean": spoiled(fill=picture.mean()),
        "masked places should be silent, 0; here they are loudest": spoiled(fill=1.0),
        "turned round: all but the blocks was silenced": picture - right,
        "nothing is masked": picture,
    }
    answer, what = call(mask, picture, 1, 2, 4, 4), "mask(picture, 1, 2, 4, 4)"
    expect_array(answer, right, what=what, mistakes=mistakes)


MASK = Exercise(
    name="07-mask",
    title="SpecAugment's masks",
    hints=(
        "Copy the picture first: the caller still needs it.",
        "A block of bands is `masked[first : first + width]`.",
        "A block of frames is `masked[:, first : first + width]`.",
    ),
    solution="""def mask(picture, first_band, bands, first_frame, frames):
    masked = picture.copy()
    masked[first_band : first_band + bands] = 0
    masked[:, first_frame : first_frame + frames] = 0
    return masked
""",
    why="The network sees the same word with another part missing each time, and cannot rely on a "
    "single band or moment. Dropout does the same to units.",
    check=_check_mask,
)

EXERCISES = (BIN, FRAMES, DECIBELS, WINDOW, SPEAKER, ROWS, MASK)
