"""Sounds as pictures: reading WAV files, spectrograms, and networks that listen.

Lesson 07 derives what stands here; lesson 10 attacks `digit_network`. Waves are float32 in
[-1, 1]; one rate, one window, one mel scale for all.
"""

from __future__ import annotations

import base64
import html
import io
import math
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.ask import CourseError
from course_utils.data import Speech
from course_utils.features import dense_weights, draw, extract, stages
from course_utils.measures import spread
from course_utils.networks import Classifier
from course_utils.plots import PALETTE, SIGNED_CMAP

if TYPE_CHECKING:
    import keras
    from matplotlib.axes import Axes
    from sklearn.pipeline import Pipeline

__all__ = [
    "CLIP",
    "FLOOR",
    "HELD_OUT",
    "HOP",
    "LOOKS",
    "LOW",
    "MELS",
    "RATE",
    "WINDOW",
    "add_noise",
    "as_rgb",
    "augment",
    "by_speaker",
    "digit_network",
    "draw_confusion",
    "draw_curves",
    "draw_evidence",
    "draw_spectrogram",
    "draws",
    "evidence",
    "few_clips",
    "fix_length",
    "front_end",
    "heard_by",
    "hertz_to_mel",
    "listen",
    "listener",
    "load",
    "log_mel",
    "mel_matrix",
    "mfcc",
    "new_layer",
    "normalize",
    "over_time",
    "pictures",
    "representations",
    "smoothed",
    "split_voices",
    "spread",
    "stft",
    "train_digit_network",
    "trim",
]

RATE = 8000  #: samples a second: half of it, 4 kHz, is the highest frequency
WINDOW = 256  #: samples of a frame, 32 ms
HOP = 128  #: samples from one frame to the next, 16 ms
MELS = 64  #: bands of the mel scale
LOW = 60.0  #: Hz where the lowest band begins
CLIP = 63 * HOP  #: samples of a clip, 1.008 s: 64 frames, and so a picture of 64 x 64
FLOOR = 60.0  #: dB below the loudest place of a clip, where black begins
SHORTEST, LONGEST = 0.1, 60.0  # seconds of a file that is read
LARGEST = 100_000_000  # bytes of it
BATCH = 32  # clips a training step
STRENGTH = 100.0  # of the fit against the penalty, see `new_layer`
QUIET = 1e-10  # power that counts as silence, -100 dB
HELD_OUT = ("v10", "v11", "v12")  #: voices that `train_digit_network` never hears


#: What people take for WAV files: how they begin, and where, and what they are.
KINDS = (
    ((b"ID3", 0), "an MP3 file"),
    ((b"\xff\xfb", 0), "an MP3 file"),
    ((b"\xff\xf3", 0), "an MP3 file"),
    ((b"OggS", 0), "an Ogg file"),
    ((b"fLaC", 0), "a FLAC file"),
    ((b"ftyp", 4), "an MP4 or M4A file"),
    ((b"FORM", 0), "an AIFF file"),
    ((b"\x1aE\xdf\xa3", 0), "a WebM file"),
)


# --- reading --------------------------------------------------------------------------------------


def load(source: str | os.PathLike | bytes, rate: int = RATE) -> NDArray[np.float32]:
    """Read a WAV file: one channel, float32 in [-1, 1], at the rate asked for.

    8, 16, 24 and 32 bit and floats will do, any rate, any number of channels, of which the mean is
    taken. Floats beyond 1 are scaled down. Lesson 07, section 8.

    Parameters
    ----------
    source
        A path, or the bytes of a file.
    rate
        Samples a second of the result, from 1000.

    Returns
    -------
    ndarray of float32 in [-1, 1], shape (samples,)

    Raises
    ------
    CourseError
        No such file, not a WAV file, damaged, too short or too long, silent, not finite.
    """
    if rate < 1000:
        raise CourseError(f"rate is {rate}; give 1000 Hz or more.")
    name, content = _content(source)
    found, samples = _decoded(name, content)
    wave = _mono(name, samples)
    if not 1000 <= found <= 384_000:
        raise _error(name, f"has {found} samples a second", "export it with 8 to 48 kHz")
    seconds = len(wave) / found
    if seconds < SHORTEST:
        raise _error(
            name, f"lasts {seconds:.3f} seconds", f"record at least {SHORTEST:g}, one short word"
        )
    if seconds > LONGEST:
        raise _error(name, f"lasts {seconds:.0f} seconds", f"cut out at most {LONGEST:g} of them")
    if np.ptp(wave) < 1e-6:
        raise _error(name, "is silent", "check the microphone, and record it again")
    wave /= max(1.0, np.abs(wave).max())
    if found != rate:
        from scipy.signal import resample_poly

        common = math.gcd(found, rate)
        wave = np.clip(resample_poly(wave, rate // common, found // common), -1, 1)
    return wave.astype(np.float32)


def _error(name: str, fault: str, remedy: str) -> CourseError:
    return CourseError(f"{name} {fault}: {remedy}.")


def _content(source: str | os.PathLike | bytes) -> tuple[str, bytes]:
    """What to call a sound in messages, and the bytes of its file."""
    if isinstance(source, bytes | bytearray | memoryview):
        return "The sound file", bytes(source)
    path = Path(source)
    if path.is_dir():
        raise _error(str(path), "is a folder", "give the path of one WAV file in it")
    try:
        if path.stat().st_size > LARGEST:
            size = path.stat().st_size / 1e6
            raise _error(
                str(source), f"has {size:.0f} MB", f"cut out at most {LONGEST:g} seconds of it"
            )
        return str(source), path.read_bytes()
    except FileNotFoundError:
        raise _error(
            str(source), "does not exist", f"check the path; it is looked for in {Path.cwd()}"
        ) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise _error(str(source), f"cannot be read ({reason})", "check its permissions") from None


def _decoded(name: str, content: bytes) -> tuple[int, NDArray]:
    """Samples a second, and samples of any type; what SciPy says of bad files, in plain words."""
    from scipy.io import wavfile

    if not content:
        raise _error(name, "is empty", "record it, or save it, again")
    if content[:4] not in (b"RIFF", b"RIFX", b"RF64"):
        kind = next((kind for start, kind in KINDS if content[start[1] :].startswith(start[0])), "")
        what = f"is {kind}, not a WAV file, whatever its name says" if kind else "is no WAV file"
        raise _error(name, what, "open it in a sound editor and export it as WAV, 16-bit PCM")
    try:
        with warnings.catch_warnings():
            # Notes of other programs in the file are no fault; a missing end is.
            warnings.simplefilter("ignore", wavfile.WavFileWarning)
            warnings.filterwarnings("error", "Reached EOF")
            return wavfile.read(io.BytesIO(content))
    except Exception as error:  # SciPy raises nearly anything on damaged headers
        if "Unknown wave file format" in str(error):
            raise _error(
                name, "is compressed in a way that is not read here", "export it as 16-bit PCM"
            ) from error
        raise _error(
            name, "is damaged, its header or its end is missing", "copy or export it again"
        ) from error


def _mono(name: str, samples: NDArray) -> NDArray[np.float64]:
    """One channel in floats: integers by their range, the mean of several channels."""
    wave = samples.astype(np.float64)
    if samples.dtype == np.uint8:
        wave = (wave - 128) / 128
    elif samples.dtype.kind == "i":
        wave /= -float(np.iinfo(samples.dtype).min)
    if not np.isfinite(wave).all():
        raise _error(name, "holds samples that are not finite", "export it again as 16-bit PCM")
    return wave.mean(axis=1) if wave.ndim == 2 else wave


def trim(wave: ArrayLike, decibels: float = 35.0) -> NDArray[np.float32]:
    """Cut off what is quiet at both ends, as the clips of the data sets are.

    Lesson 07, section 8.

    Parameters
    ----------
    wave : array of float in [-1, 1], shape (samples,)
    decibels
        Frames so far below the loudest one count as quiet.

    Returns
    -------
    ndarray of float32, shape (n,), n from `HOP` (or all samples of a shorter wave)

    Raises
    ------
    ValueError
        There are no samples.
    """
    wave = np.asarray(wave, np.float32)
    if not wave.size:
        raise ValueError("The wave has no samples; give at least one.")
    frames = [wave[start : start + HOP] for start in range(0, len(wave), HOP)]
    power = np.array([np.mean(np.square(frame)) for frame in frames])
    loud = np.flatnonzero(power >= power.max() * 10 ** (-decibels / 10))
    return wave[loud[0] * HOP : (loud[-1] + 1) * HOP]


# --- from samples to a picture --------------------------------------------------------------------


def fix_length(wave: ArrayLike, samples: int = CLIP) -> NDArray[np.float32]:
    """Put a wave in the middle of silence, or cut out its middle.

    Lesson 07, section 2.

    Parameters
    ----------
    wave : array of numbers, shape (n,), any n
    samples
        Length of the result, from 1.

    Returns
    -------
    ndarray of float32, shape (samples,)

    Raises
    ------
    CourseError
        Not a wave of one channel, or no such length.
    """
    wave = np.asarray(wave, np.float32)
    if wave.ndim != 1:
        raise CourseError(f"The wave has shape {wave.shape}; give one channel, shape (samples,).")
    if samples < 1:
        raise CourseError(f"samples is {samples}; give 1 or more.")
    if len(wave) > samples:
        start = (len(wave) - samples) // 2
        return wave[start : start + samples].copy()
    before = (samples - len(wave)) // 2
    return np.pad(wave, (before, samples - len(wave) - before))


def stft(waves: ArrayLike, window: int = WINDOW, hop: int = HOP) -> NDArray[np.complex128]:
    """Short-time Fourier transform: the DFT of many short, overlapping pieces of a wave.

    The pieces lie centered at samples 0, hop, 2 hop, ...; at both ends the wave is continued by its
    mirror image, as Keras does. The window is Hann's, in its periodic form. Lesson 07, section 1.

    Parameters
    ----------
    waves : array of numbers, shape (..., samples)
        Longer than half a window.
    window
        Samples of a piece, an even number from 2.
    hop
        Samples from one piece to the next, from 1.

    Returns
    -------
    ndarray of complex128, shape (..., 1 + samples // hop, window // 2 + 1)
        Frame after frame; bin k belongs to the frequency k / window of the sampling rate.

    Raises
    ------
    CourseError
        The numbers do not fit together, or the wave is too short.
    """
    waves = np.asarray(waves, np.float64)
    if window < 2 or window % 2 or hop < 1:
        raise CourseError(
            f"window is {window} and hop {hop}; the window must be an even number of samples from "
            "2, the hop 1 or more."
        )
    if waves.ndim < 1 or waves.shape[-1] <= window // 2:
        raise CourseError(
            f"The wave has {waves.shape[-1] if waves.ndim else 0} samples; a window of {window} "
            f"needs more than {window // 2}: pad it, or choose a shorter window."
        )
    edges = [(0, 0)] * (waves.ndim - 1) + [(window // 2, window // 2)]
    padded = np.pad(waves, edges, mode="reflect")
    pieces = np.lib.stride_tricks.sliding_window_view(padded, window, axis=-1)[..., ::hop, :]
    return np.fft.rfft(pieces * _hann(window))


def _hann(window: int) -> NDArray[np.float64]:
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)


def hertz_to_mel(hertz: ArrayLike) -> NDArray[np.float64]:
    """Pitch in mel: 1127 ln(1 + f / 700), nearly linear below 700 Hz, logarithmic above.

    Lesson 07, section 1; D. O'Shaughnessy, "Speech Communication", 1987, chapter 4.
    """
    return 1127.0 * np.log1p(np.asarray(hertz, np.float64) / 700.0)


def mel_matrix(
    mels: int = MELS,
    window: int = WINDOW,
    rate: int = RATE,
    low: float = LOW,
    high: float | None = None,
) -> NDArray[np.float64]:
    """Triangular filters, evenly spaced on the mel scale: from DFT bins to mel bands.

    Lesson 07, section 1; S. Young and others, "The HTK Book", 2006, section 5.4.

    Parameters
    ----------
    mels
        Number of bands, from 1.
    window
        Samples of a frame.
    rate
        Samples a second.
    low, high
        Hz where the first band begins and the last one ends, 0 <= low < high <= rate / 2, which is
        the default of `high`.

    Returns
    -------
    ndarray of float64 in [0, 1], shape (window // 2 + 1, mels)

    Raises
    ------
    CourseError
        No such bands.
    """
    high = rate / 2 if high is None else high
    if mels < 1 or not 0 <= low < high <= rate / 2:
        raise CourseError(
            f"mels is {mels}, low {low:g} Hz, high {high:g} Hz; it must be mels >= 1 and "
            f"0 <= low < high <= {rate / 2:g} Hz, half the sampling rate."
        )
    edges = np.linspace(hertz_to_mel(low), hertz_to_mel(high), mels + 2)
    bins = hertz_to_mel(np.linspace(0, rate / 2, window // 2 + 1))[:, None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(rising, falling))


def log_mel(
    waves: ArrayLike,
    window: int = WINDOW,
    hop: int = HOP,
    mels: int = MELS,
    rate: int = RATE,
) -> NDArray[np.float32]:
    """Log-mel spectrograms: power in mel bands, in dB. Lesson 07, section 1.

    Parameters
    ----------
    waves : array of float in [-1, 1], shape (..., samples)
    window, hop
        As for `stft`.
    mels, rate
        As for `mel_matrix`.

    Returns
    -------
    ndarray of float32, shape (..., mels, 1 + samples // hop), -100 dB or more
        Low frequencies first.

    Raises
    ------
    CourseError
        The numbers do not fit together, or the waves are too short.
    """
    return _decibels(stft(waves, window, hop), mel_matrix(mels, window, rate))


def _decibels(spectrum: NDArray, matrix: NDArray) -> NDArray[np.float32]:
    """From spectra (..., frames, bins) to power in bands, (..., bands, frames), in dB."""
    bands = np.maximum(np.abs(spectrum) ** 2 @ matrix, QUIET)
    return np.swapaxes(10 * np.log10(bands), -1, -2).astype(np.float32)


def normalize(decibels: ArrayLike, floor: float = FLOOR) -> NDArray[np.float32]:
    """From dB to [0, 1]: 1 is the loudest place of each spectrogram, 0 is `floor` dB below or less.

    How loud a recording is as a whole then no longer counts. Lesson 07, section 2.

    Parameters
    ----------
    decibels : array of numbers, shape (..., mels, frames)
    floor
        dB, above 0.
    """
    decibels = np.asarray(decibels, np.float32)
    loudest = decibels.max(axis=(-2, -1), keepdims=True)
    return np.maximum(1 + (decibels - loudest) / floor, 0).astype(np.float32)


def pictures(clips: Sequence[ArrayLike], stretch: bool = True) -> NDArray[np.float32]:
    """One picture a clip, all of one size, whatever the lengths of the clips.

    Lesson 07, section 2.

    Parameters
    ----------
    clips : sequence of arrays of float in [-1, 1], each of shape (samples,)
    stretch
        64 windows evenly spread over each clip, so that slow and fast speakers fill the same
        width; else `fix_length` to `CLIP`, and one window every `HOP` samples.

    Returns
    -------
    ndarray of float32 in [0, 1], shape (n, MELS, 64), low frequencies first
    """
    if not stretch:
        return normalize(log_mel(np.stack([fix_length(clip) for clip in clips])))
    pieces = []
    for clip in clips:
        wave = fix_length(clip, max(len(clip), WINDOW))
        padded = np.pad(wave, WINDOW // 2, mode="reflect")
        starts = np.linspace(0, len(wave) - 1, CLIP // HOP + 1).round().astype(int)
        pieces.append(padded[starts[:, None] + np.arange(WINDOW)])
    return normalize(_decibels(np.fft.rfft(np.stack(pieces) * _hann(WINDOW)), mel_matrix()))


# --- a network from samples to digits -------------------------------------------------------------


def front_end(samples: int = CLIP, floor: float = FLOOR) -> keras.Model:
    """`log_mel` and `normalize` as a Keras model through which gradients flow.

    Lesson 07, section 1. Nothing in it is trained. It is written with `keras.ops`, since Keras' own
    `MelSpectrogram` takes a root on the way, whose gradient is not finite where there is silence.

    Parameters
    ----------
    samples
        Length of the waves.
    floor
        dB, as for `normalize`.

    Returns
    -------
    keras.Model
        Waves (n, samples), float32 in [-1, 1] -> pictures (n, MELS, 1 + samples // HOP, 1), in
        [0, 1], low frequencies first.
    """
    from course_utils.quiet import keras

    ops = keras.ops
    matrix = mel_matrix().astype(np.float32)
    wave = keras.Input((samples,), name="wave")
    real, imaginary = ops.stft(wave, WINDOW, HOP, WINDOW)
    bands = ops.matmul(real**2 + imaginary**2, matrix)
    decibels = 10 * ops.log10(ops.maximum(bands, QUIET))
    loudest = ops.max(decibels, axis=(1, 2), keepdims=True)
    picture = ops.maximum(1 + (decibels - loudest) / floor, 0)
    return keras.Model(wave, ops.expand_dims(ops.swapaxes(picture, 1, 2), -1), name="log_mel")


def digit_network(samples: int = CLIP, classes: int = 10, seed: int | None = None) -> keras.Model:
    """A small network from a wave to the logits of ten digits, random weights.

    `front_end`, then three convolutions. At the end each frequency band keeps its strongest
    moment: a vowel may come early or late, but not much higher. Lesson 07, section 4; lesson 10
    attacks it.

    Parameters
    ----------
    samples
        Length of the waves.
    classes
        Number of logits.
    seed
        Of the starting weights and of the dropout; without it, Keras' own.

    Returns
    -------
    keras.Model
        (n, samples) float32 in [-1, 1] -> (n, classes) logits. Its layers are ``log_mel``, the
        front end, and ``listener``, all that is trained.
    """
    from course_utils.quiet import keras

    wave = keras.Input((samples,), name="wave")
    front = front_end(samples)
    return keras.Model(wave, listener(front.output.shape[1:], classes, seed)(front(wave)))


def listener(
    shape: tuple[int, ...] = (MELS, CLIP // HOP + 1, 1),
    classes: int = 10,
    seed: int | None = None,
) -> keras.Model:
    """The part of `digit_network` that learns. Lesson 07, section 4.

    Parameters
    ----------
    shape
        Of a picture: (mels, frames, 1).
    classes
        Number of logits.
    seed
        As for `digit_network`.

    Returns
    -------
    keras.Model
        Pictures (n, *shape), float in [0, 1] -> (n, classes) logits, random weights.
    """
    from course_utils.quiet import keras

    layers = keras.layers
    seeds = [None] * 5 if seed is None else [5 * seed + number for number in range(5)]
    *start, last = [keras.initializers.GlorotUniform(own) for own in seeds[:4]]
    common = {"padding": "same", "activation": "relu"}
    picture = keras.Input(shape)
    maps = layers.Conv2D(16, 5, strides=2, kernel_initializer=start[0], **common)(picture)
    maps = layers.MaxPooling2D()(maps)
    maps = layers.Conv2D(32, 3, kernel_initializer=start[1], **common)(maps)
    maps = layers.MaxPooling2D()(maps)
    maps = layers.Conv2D(64, 3, kernel_initializer=start[2], **common)(maps)
    bands = layers.Flatten()(layers.MaxPooling2D((1, maps.shape[2]))(maps))
    bands = layers.Dropout(0.4, seed=seeds[4])(bands)
    logits = layers.Dense(classes, kernel_initializer=last)(bands)
    return keras.Model(picture, logits, name="listener")


def train_digit_network(
    network: keras.Model,
    waves: NDArray[np.float32],
    digits: NDArray[np.int64],
    epochs: int = 12,
    seed: int = 0,
    changes: Sequence[str] = ("augment",),
) -> keras.Model:
    """Train a `digit_network` with Adam on clips that change in each epoch; some seconds.

    Lesson 07, sections 4 and 6.

    Parameters
    ----------
    network
        Of `digit_network`; trained in place.
    waves : float32 in [-1, 1], shape (n, samples)
    digits : int64, shape (n,)
    epochs
        Passes over the waves.
    seed
        Of the changes and the order. The starting weights are those that `network` has: for the
        same result twice, give `digit_network` a seed, too.
    changes
        ``"augment"``: `augment` the spectrograms; ``"noise"``: `add_noise` to every second wave,
        5 to 30 dB below it. None, one or both.

    Returns
    -------
    keras.Model
        The same network.

    Raises
    ------
    CourseError
        No such change.
    """
    from course_utils.live import track

    if unknown := sorted(set(changes) - {"augment", "noise"}):
        raise CourseError(f"{unknown[0]!r} is no change; there are 'augment' and 'noise'.")
    random = np.random.default_rng(seed)
    front, listener = network.get_layer("log_mel"), network.get_layer("listener")
    starts = range(0, len(waves), BATCH)
    learn = _learning(listener, epochs * len(starts))
    clean, digits = np.array(front(waves)), np.asarray(digits, np.int64)
    for _ in track(range(epochs), "training"):
        order = random.permutation(len(waves))
        shown = clean[order]
        if "noise" in changes:
            half = order[::2]
            shown[::2] = front(add_noise(waves[half], random.uniform(5, 30, len(half)), random))
        if "augment" in changes:
            shown = augment(shown, random)
        for start in starts:
            rows = slice(start, start + BATCH)
            learn(shown[rows], digits[order[rows]])
    return network


def _learning(model: keras.Model, steps: int) -> Callable[[Any, Any], None]:
    """One step of Adam on a batch, compiled; the rate falls to 0 along half a cosine."""
    from course_utils.quiet import keras, tf

    weights, schedules = model.trainable_variables, keras.optimizers.schedules
    optimizer = keras.optimizers.Adam(schedules.CosineDecay(3e-3, steps))
    optimizer.build(weights)
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def learn(pictures: Any, digits: Any) -> None:
        with tf.GradientTape() as tape:
            loss = loss_of(digits, model(pictures, training=True))
        optimizer.apply(tape.gradient(loss, weights), weights)

    shapes = (model.inputs[0].shape, tf.float32), ((None,), tf.int64)
    return tf.function(learn, input_signature=[tf.TensorSpec(*shape) for shape in shapes])


def add_noise(
    waves: ArrayLike, decibels: ArrayLike, random: np.random.Generator
) -> NDArray[np.float32]:
    """Waves with white noise so many dB below their own power.

    Lesson 07, section 6.

    Parameters
    ----------
    waves : array of float in [-1, 1], shape (n, samples)
        Only where a wave is not silent its power counts: a word in a long silence is as loud as it
        is.
    decibels : number, or array of shape (n,)
        Signal-to-noise ratio.
    random
        Generator of the noise.

    Returns
    -------
    ndarray of float32, shape (n, samples), scaled down where it would leave [-1, 1]
    """
    waves = np.asarray(waves, np.float32)
    sounding = np.maximum((waves != 0).sum(axis=1, keepdims=True), 1)
    power = np.square(waves).sum(axis=1, keepdims=True) / sounding
    size = np.sqrt(power * 10 ** (-np.reshape(np.asarray(decibels, np.float32), (-1, 1)) / 10))
    noisy = waves + size * random.standard_normal(waves.shape, np.float32)
    noisy /= np.maximum(np.abs(noisy).max(axis=1, keepdims=True), 1)
    return noisy.astype(np.float32)


def augment(
    pictures: NDArray[np.float32],
    random: np.random.Generator,
    shift: int = 6,
    pitch: int = 2,
    mask: int = 8,
) -> NDArray[np.float32]:
    """Spectrograms changed so that the digit stays: moved in time, a little in pitch, and masked.

    Lesson 07, section 6; masks as in D. Park and others, "SpecAugment", Interspeech 2019, section 2
    (without its warping of time).

    Parameters
    ----------
    pictures : float32 in [0, 1], shape (n, mels, frames, ...)
    random
        Generator of the changes, different for each picture.
    shift, pitch
        Most frames earlier or later, and most bands lower or higher. What comes in is silence.
    mask
        A block of bands and a block of frames, each of 0 to this width, are silenced.

    Returns
    -------
    ndarray of float32, the shape of `pictures`
    """
    changed = np.zeros_like(pictures)
    limits = zip((pitch, shift), pictures.shape[1:3], strict=True)
    pitch, shift = (min(most, length) for most, length in limits)  # all of it has gone by then
    mask = min(mask, *pictures.shape[1:3])
    moves = [random.integers(-most, most + 1, len(pictures)) for most in (pitch, shift)]
    for new, old, *by in zip(changed, pictures, *moves, strict=True):
        to = tuple(slice(max(b, 0), n + min(b, 0)) for b, n in zip(by, old.shape, strict=False))
        of = tuple(slice(max(-b, 0), n + min(-b, 0)) for b, n in zip(by, old.shape, strict=False))
        new[to] = old[of]
        for axis in (0, 1):
            width = random.integers(mask + 1)
            start = random.integers(new.shape[axis] - width + 1)
            np.moveaxis(new, axis, 0)[start : start + width] = 0
    return changed


def few_clips(
    vectors: Sequence[NDArray[np.float32]],
    speech: Speech,
    per_digit: int,
    count: int,
    held_out: int,
    more: tuple[Sequence[NDArray[np.float32]], NDArray[np.int64]] | None = None,
) -> NDArray[np.float64]:
    """Accuracy of a `new_layer` on speakers whom it never heard, in each of some `draws`.

    Lesson 07, section 4.

    Parameters
    ----------
    vectors
        One or more kinds of features, each (n, d) with one row for each clip of `speech`. Each
        kind gets its own layer, and the logarithms of their probabilities are added.
    speech, per_digit, count, held_out
        As for `draws`.
    more : (vectors, digits), optional
        Further training clips, of others. The few clips are repeated until all together they count
        about half as much as these.

    Returns
    -------
    ndarray, shape (count,)
    """
    found = []
    for train, test in draws(speech.digit, speech.speaker, per_digit, count, held_out):
        total = np.zeros((len(test), 1))
        for kind, own in enumerate(vectors):
            x, y = own[train], speech.digit[train]
            if more is not None:
                times = max(1, len(more[1]) // (2 * len(train)))
                x = np.concatenate([more[0][kind], *[x] * times])
                y = np.concatenate([more[1], *[y] * times])
            model = new_layer(own.shape[1]).fit(x, y)
            total = total + np.log(np.maximum(model.predict_proba(own[test]), 1e-6))
        found.append((model.classes_[total.argmax(axis=1)] == speech.digit[test]).mean())
    return np.array(found)


def representations(
    trained: Classifier, random: Classifier, clips: Sequence[ArrayLike]
) -> dict[str, NDArray[np.float32]]:
    """The features that lesson 07 compares, by name, one row a clip. Section 4.

    Parameters
    ----------
    trained, random
        The same network with learned and with random weights.
    clips
        As for `pictures`.
    """
    shown, (_, second, third, *_) = pictures(clips), stages(trained)
    smooth = smoothed(shown)
    return {
        "transfer": heard_by(trained, shown, third),
        "random network": heard_by(random, shown, third),
        "log-mel": over_time(shown, parts=8),
        "MFCC": over_time(mfcc(shown), parts=8),
        "transfer, smoothed": heard_by(trained, smooth, second),
        "random network, smoothed": heard_by(random, smooth, second),
    }


def evidence(
    network: Classifier,
    shown: ArrayLike,
    layer: str,
    model: Pipeline,
    digits: ArrayLike,
    parts: int = 3,
) -> NDArray[np.float32]:
    """How much each place of a spectrogram adds to the logit of a digit; all places sum up to it.

    Grad-CAM without averaging the gradients, exact here, since the new layer is linear in averages
    of the maps. The logit's constant (bias and standardization) belongs to no place and is left
    out. Lesson 07, section 7; R. Draelos, L. Carin, "Use HiResCAM instead of Grad-CAM", 2020.

    Parameters
    ----------
    network, layer, parts
        As for `heard_by`.
    shown : array of float in [0, 1], shape (n, mels, frames)
    model
        Of `new_layer`, fitted to what `heard_by` gives.
    digits : array of int, shape (n,)
        For each spectrogram the row of the logits.

    Returns
    -------
    ndarray of float32, shape (n, rows, columns) of the maps, low frequencies first
    """
    maps = extract(network, as_rgb(shown), layer, pool="none")[layer]
    kernel, _ = dense_weights(model)
    count, rows, columns, channels = maps.shape
    weights = kernel.T[np.asarray(digits)].reshape(count, rows, parts, channels)
    stretches = np.array_split(np.arange(columns), parts)
    part = np.repeat(np.arange(parts), [len(stretch) for stretch in stretches])
    lengths = np.array([len(stretch) for stretch in stretches])[part]
    heat = (maps * weights[:, :, part]).sum(axis=3) / lengths
    return heat[:, ::-1].astype(np.float32)


# --- to listen to ---------------------------------------------------------------------------------


def listen(waves: Mapping[str, ArrayLike], rate: int = RATE) -> None:
    """Show an audio player for each wave, with its title, side by side.

    Parameters
    ----------
    waves : mapping from title to array of float, shape (samples,)
        Each is scaled to the same peak.
    rate
        Samples a second.
    """
    from IPython.display import HTML, display

    players = "".join(
        f'<figure style="margin:0"><figcaption>{html.escape(title)}</figcaption>'
        f'<audio controls aria-label="{html.escape(title)}" style="width:230px" '
        f'src="data:audio/wav;base64,{_wav(wave, rate)}"></audio></figure>'
        for title, wave in waves.items()
    )
    display(HTML(f'<div style="display:flex;flex-wrap:wrap;gap:12px">{players}</div>'))


def _wav(wave: ArrayLike, rate: int) -> str:
    from scipy.io import wavfile

    wave = np.asarray(wave, np.float64)
    file = io.BytesIO()
    scaled = 0.9 * wave / max(np.abs(wave).max(), 1e-9)
    wavfile.write(file, rate, np.round(scaled * 32767).astype(np.int16))
    return base64.b64encode(file.getvalue()).decode()


# --- vectors for a new last layer -----------------------------------------------------------------


def over_time(maps: ArrayLike, parts: int = 3) -> NDArray[np.float32]:
    """Average maps over a few stretches of time, and keep every frequency.

    Lesson 07, section 4.

    Parameters
    ----------
    maps : array of numbers, shape (n, bands, frames) or (n, bands, frames, channels)
    parts
        Stretches of nearly equal length, 1 to the number of frames.

    Returns
    -------
    ndarray of float32, shape (n, bands * parts * channels)

    Raises
    ------
    CourseError
        No such number of parts.
    """
    maps = np.asarray(maps, np.float32)
    if not 1 <= parts <= maps.shape[2]:
        raise CourseError(f"parts is {parts}; the maps have {maps.shape[2]} frames: 1 to that.")
    means = [part.mean(axis=2) for part in np.array_split(maps, parts, axis=2)]
    return np.stack(means, axis=2).reshape(len(maps), -1)


def mfcc(shown: ArrayLike, count: int = 20) -> NDArray[np.float32]:
    """Mel-frequency cepstral coefficients: the DCT of each column, without its fine details.

    Lesson 07, section 4; S. Davis, P. Mermelstein, "Comparison of parametric representations for
    monosyllabic word recognition", 1980.

    Parameters
    ----------
    shown : array of numbers, shape (n, mels, frames)
        Log-mel spectrograms, in dB or as `pictures`.
    count
        Coefficients kept, 1 to mels.

    Returns
    -------
    ndarray of float32, shape (n, count, frames)

    Raises
    ------
    CourseError
        No such count.
    """
    from scipy.fft import dct

    shown = np.asarray(shown, np.float32)
    if not 1 <= count <= shown.shape[1]:
        raise CourseError(f"count is {count}; there are {shown.shape[1]} bands: give 1 to that.")
    return dct(shown, axis=1, norm="ortho")[:, :count]


def smoothed(shown: ArrayLike, count: int = 20) -> NDArray[np.float32]:
    """Spectrograms back from their first cosines: the formants stay, the harmonics go.

    Lesson 07, section 5.

    Parameters
    ----------
    shown : array of float in [0, 1], shape (n, mels, frames)
    count
        As for `mfcc`.

    Returns
    -------
    ndarray of float32 in [0, 1], the shape of `shown`
    """
    from scipy.fft import idct

    back = idct(mfcc(shown, count), axis=1, n=np.shape(shown)[1], norm="ortho")
    return np.clip(back, 0, 1).astype(np.float32)


def as_rgb(shown: ArrayLike) -> NDArray[np.float32]:
    """Spectrograms as an image network takes them: three equal channels, high tones on top.

    Lesson 07, section 2.

    Parameters
    ----------
    shown : array of float in [0, 1], shape (n, mels, frames)
    """
    return np.repeat(np.asarray(shown, np.float32)[:, ::-1, :, None], 3, axis=3)


def heard_by(
    network: Classifier, shown: ArrayLike, layer: str, parts: int = 3
) -> NDArray[np.float32]:
    """What a layer of an image network makes of spectrograms: its maps, averaged `over_time`.

    Lesson 07, section 4.

    Parameters
    ----------
    network
        Of `course_utils.networks.load`.
    shown : array of float in [0, 1], shape (n, mels, frames)
    layer
        Name of a layer, for example one of `course_utils.features.stages`.
    parts
        As for `over_time`.

    Returns
    -------
    ndarray of float32, shape (n, rows of the maps * parts * channels)
    """
    found = []
    for start in range(0, len(shown), 256):  # maps of all clips at once would fill the memory
        batch = as_rgb(shown[start : start + 256])
        found.append(over_time(extract(network, batch, layer, pool="none")[layer], parts))
    return np.concatenate(found)


def by_speaker(vectors: ArrayLike, speakers: ArrayLike) -> NDArray[np.float32]:
    """Take each speaker's own mean and spread out of the features; labels are not needed.

    Lesson 07, section 5; for cepstra: B. Atal, "Effectiveness of linear prediction characteristics
    of the speech wave for automatic speaker identification and verification", 1974.

    Parameters
    ----------
    vectors : array of numbers, shape (n, d)
    speakers : array, shape (n,)
    """
    vectors, speakers = np.asarray(vectors, np.float32), np.asarray(speakers)
    least = 0.1 * vectors.std(axis=0) + 1e-6  # a feature that hardly moves must not be blown up
    result = np.empty_like(vectors)
    for speaker in np.unique(speakers):
        own = speakers == speaker
        spread = vectors[own].std(axis=0) + least
        result[own] = (vectors[own] - vectors[own].mean(axis=0)) / spread
    return result


def new_layer(size: int) -> Pipeline:
    """Standardize and fit a softmax layer, the same for every kind of feature.

    Lesson 07, section 4. The penalty is that of features scaled to a total variance of 1, so that
    one strength does for 100 features and for 3,000.

    Parameters
    ----------
    size
        Number of features.
    """
    from sklearn.decomposition import KernelPCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    head = LogisticRegression(C=STRENGTH / size, tol=1e-3, max_iter=200)
    # All components: a rotation, which leaves the penalty and so the answer as they are. But 50
    # clips with 3,000 features then have 50 numbers each, found from the products of the clips
    # with one another, and fitting is many times faster.
    return make_pipeline(StandardScaler(), KernelPCA(kernel="linear"), head)


def draws(
    digits: ArrayLike, speakers: ArrayLike, per_digit: int, count: int, held_out: int, seed: int = 0
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Places of training and of test clips, several times: no speaker is on both sides.

    The speakers take turns in being held out. Lesson 07, section 3.

    Parameters
    ----------
    digits, speakers : arrays, shape (n,)
    per_digit
        Training clips of each digit, of the other speakers all together.
    count
        How many draws.
    held_out
        Speakers whose clips are all for the test.
    seed
        Of the choice of clips and the order of speakers.

    Raises
    ------
    CourseError
        Too few speakers.
    ValueError
        Too few clips.
    """
    digits, speakers = np.asarray(digits), np.asarray(speakers)
    names = np.unique(speakers)
    if not 1 <= held_out < len(names):
        raise CourseError(
            f"held_out is {held_out}; there are {len(names)} speakers: 1 to one less."
        )
    random = np.random.default_rng(seed)
    turn = random.permutation(names)
    found = []
    for number in range(count):
        out = np.roll(turn, -number * held_out)[:held_out]
        test = np.isin(speakers, out)
        others = np.flatnonzero(~test)
        found.append((others[draw(digits[others], per_digit, random)], np.flatnonzero(test)))
    return found


def split_voices(
    speech: Speech, held_out: Sequence[str] = HELD_OUT
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]:
    """Clips of one length, split by speaker: nobody is heard on both sides.

    Lesson 07, section 3.

    Parameters
    ----------
    speech
        Of `course_utils.data.spoken_digits` or `course_utils.data.fsdd`.
    held_out
        Speakers for the test.

    Returns
    -------
    waves, digits, test_waves, test_digits
        float32 (n, CLIP) and int64 (n,), twice.

    Raises
    ------
    CourseError
        A speaker who is not there, or none left to train with.
    """
    speakers = sorted(set(speech.speaker.tolist()))
    if missing := sorted(set(held_out) - set(speakers)):
        raise CourseError(f"{missing[0]!r} does not speak here; there are {', '.join(speakers)}.")
    test = np.isin(speech.speaker, list(held_out))
    if test.all() or not test.any():
        raise CourseError(f"held_out is {held_out!r}; name some of the speakers, not all of them.")
    waves = np.stack([fix_length(clip) for clip in speech.clips])
    return waves[~test], speech.digit[~test], waves[test], speech.digit[test]


# --- figures --------------------------------------------------------------------------------------

#: Color, dashes and marker of each method of the lesson.
LOOKS = {
    "transfer": ("blue", "-", "o"),
    "log-mel": ("vermillion", "--", "s"),
    "MFCC": ("green", "-.", "^"),
    "MFCC, SVM": ("purple", ":", "v"),
    "random network": ("gray", "--", "D"),
    "small CNN": ("black", ":", "x"),
}


def draw_spectrogram(
    ax: Axes, levels: ArrayLike, title: str, extent: tuple[float, ...] | None = None
) -> None:
    """Draw levels with low frequencies at the bottom, from black, 60 dB below the loudest, on.

    Parameters
    ----------
    ax : matplotlib Axes
    levels : array of numbers, shape (bands, frames)
        In dB, or as `pictures`, in [0, 1].
    title
        Of the axes.
    extent
        Left, right, bottom, top, in units of the axes.
    """
    levels = np.asarray(levels)
    black = 0 if 0 <= levels.min() <= levels.max() <= 1 else levels.max() - FLOOR
    ax.imshow(levels, origin="lower", aspect="auto", cmap="magma", vmin=black, extent=extent)
    ax.set_title(title)
    ax.grid(False)


def draw_curves(ax: Axes, curves: Mapping[tuple[str, int], NDArray[np.float64]]) -> None:
    """Accuracy against the number of training clips, with 95 % intervals as bands.

    Parameters
    ----------
    ax : matplotlib Axes
    curves
        (method of `LOOKS`, clips of each digit) -> accuracy in each draw.
    """
    for name, (color, dashes, marker) in LOOKS.items():
        known = sorted(size for method, size in curves if method == name)
        if not known:
            continue
        means = np.array([np.mean(curves[name, size]) for size in known])
        errors = np.array([spread(curves[name, size]) for size in known])
        color = PALETTE[color]
        ax.plot(known, means, color=color, linestyle=dashes, marker=marker, label=name)
        low, high = np.maximum(means - errors, 0), np.minimum(means + errors, 1)
        ax.fill_between(known, low, high, color=color, alpha=0.12)
    sizes = sorted({size for _, size in curves})
    ax.set(xscale="log", xticks=sizes, xticklabels=sizes, xlabel="training clips of each digit")
    ax.minorticks_off()


def draw_confusion(ax: Axes, table: ArrayLike) -> None:
    """A confusion matrix in percent of what was said; what is below half a percent stays empty.

    Parameters
    ----------
    ax : matplotlib Axes
    table : array of float in [0, 1], shape (classes, classes)
        Row: said, column: heard.
    """
    table = np.asarray(table)
    ax.imshow(table, cmap="Blues", vmin=0, vmax=1)
    for (row, column), share in np.ndenumerate(table):
        if share >= 0.005:
            color = "white" if share > 0.5 else "black"
            ax.text(column, row, f"{100 * share:.0f}", ha="center", va="center", color=color)
    places = range(len(table))
    ax.set(xticks=places, yticks=places, xlabel="heard", ylabel="said")
    ax.grid(False)


def draw_evidence(ax: Axes, heat: ArrayLike) -> None:
    """Evidence for (red) and against (blue), low frequencies at the bottom.

    Parameters
    ----------
    ax : matplotlib Axes
    heat : array of numbers, shape (rows, columns)
        Of `evidence`.
    """
    most = float(np.abs(heat).max())
    ax.imshow(heat, origin="lower", aspect="auto", cmap=SIGNED_CMAP, vmin=-most, vmax=most)
    ax.set(xticks=[], yticks=[])
    ax.grid(False)
