"""From samples to a picture: windows, frequencies, mel bands, decibels. Lesson 07, 1, 2 and 4."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import ask

RATE = 8000  #: samples a second: half of it, 4 kHz, is the highest frequency
WINDOW = 256  #: samples of a frame, 32 ms
HOP = 128  #: samples from one frame to the next, 16 ms
MELS = 64  #: bands of the mel scale
LOW = 60.0  #: Hz where the lowest band begins
CLIP = 63 * HOP  #: samples of a clip, 1.008 s: 64 frames, and so a picture of 64 x 64
FLOOR = 60.0  #: dB below the loudest place of a clip, where black begins
SILENCE = 1e-10  # power that counts as none, -100 dB


def fix_length(wave: ArrayLike, samples: int = CLIP) -> NDArray[np.float32]:
    """Put a wave of any length in the middle of silence, or cut out its middle: (samples,)."""
    wave = np.asarray(wave, np.float32)
    if wave.ndim != 1:
        raise ask.CourseError(f"The wave has shape {wave.shape}; give one channel, (samples,).")
    ask.whole("samples", samples)
    if len(wave) > samples:
        start = (len(wave) - samples) // 2
        return wave[start : start + samples].copy()
    before = (samples - len(wave)) // 2
    return np.pad(wave, (before, samples - len(wave) - before))


def stft(waves: ArrayLike, window: int = WINDOW, hop: int = HOP) -> NDArray[np.complex128]:
    """Short-time Fourier transform: the DFT of many short, overlapping pieces of a wave.

    The pieces lie centered at samples 0, hop, 2 hop, ...; at both ends the wave is continued by its
    mirror image, as Keras does. The window is Hann's, in its periodic form.

    Parameters
    ----------
    waves : array of numbers, shape (..., samples)
        Longer than half a window.
    window
        Samples of a piece, an even number.
    hop
        Samples from one piece to the next.

    Returns
    -------
    ndarray of complex128, shape (..., 1 + samples // hop, window // 2 + 1)
        Frame after frame; bin k belongs to the frequency k / window of the sampling rate.
    """
    waves = np.atleast_1d(np.asarray(waves, np.float64))
    ask.whole("window", window, 2)
    ask.whole("hop", hop)
    if window % 2:
        raise ask.CourseError(f"window is {window}; give an even number of samples.")
    if waves.shape[-1] <= window // 2:
        raise ask.CourseError(
            f"The wave has {waves.shape[-1]} samples; a window of {window} needs more than "
            f"{window // 2}: pad it, or choose a shorter window."
        )
    edges = [(0, 0)] * (waves.ndim - 1) + [(window // 2, window // 2)]
    padded = np.pad(waves, edges, mode="reflect")
    pieces = np.lib.stride_tricks.sliding_window_view(padded, window, axis=-1)[..., ::hop, :]
    return np.fft.rfft(pieces * _hann(window))


def _hann(window: int) -> NDArray[np.float64]:
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)


def hertz_to_mel(hertz: ArrayLike) -> NDArray[np.float64]:
    """Pitch in mel: 1127 ln(1 + f / 700), nearly linear below 700 Hz, logarithmic above.

    D. O'Shaughnessy, "Speech Communication", 1987, chapter 4.
    """
    return 1127.0 * np.log1p(np.asarray(hertz, np.float64) / 700.0)


def mel_matrix(mels: int = MELS, window: int = WINDOW) -> NDArray[np.float64]:
    """Triangular filters, evenly spaced on the mel scale from `LOW` to half the sampling rate.

    S. Young and others, "The HTK Book", 2006, section 5.4.

    Returns
    -------
    ndarray of float64 in [0, 1], shape (window // 2 + 1, mels)
        From DFT bins to mel bands.
    """
    edges = np.linspace(*hertz_to_mel([LOW, RATE / 2]), ask.whole("mels", mels) + 2)
    bins = hertz_to_mel(np.linspace(0, RATE / 2, window // 2 + 1))[:, None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(rising, falling))


def log_mel(waves: ArrayLike) -> NDArray[np.float32]:
    """Log-mel spectrograms: power in mel bands, in dB, -100 or more, low frequencies first.

    From waves (..., samples) to float32 (..., MELS, 1 + samples // HOP).
    """
    return _decibels(stft(waves))


def _decibels(spectrum: NDArray) -> NDArray[np.float32]:
    """From spectra (..., frames, bins) to power in bands, (..., bands, frames), in dB."""
    bands = np.maximum(np.abs(spectrum) ** 2 @ mel_matrix(), SILENCE)
    return np.swapaxes(10 * np.log10(bands), -1, -2).astype(np.float32)


def normalize(decibels: ArrayLike, floor: float = FLOOR) -> NDArray[np.float32]:
    """From dB, (..., mels, frames), to [0, 1]: 0 is `floor` dB below the loudest place, or less.

    How loud a recording is as a whole then no longer counts.
    """
    decibels = np.asarray(decibels, np.float32)
    loudest = decibels.max(axis=(-2, -1), keepdims=True)
    return np.maximum(1 + (decibels - loudest) / floor, 0).astype(np.float32)


def pictures(clips: Sequence[ArrayLike], stretch: bool = True) -> NDArray[np.float32]:
    """One picture a clip, all of one size, whatever the lengths of the clips.

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
    return normalize(_decibels(np.fft.rfft(np.stack(pieces) * _hann(WINDOW))))


def mfcc(shown: ArrayLike, count: int = 20) -> NDArray[np.float32]:
    """Mel-frequency cepstral coefficients: the DCT of each column, without its fine details.

    S. Davis, P. Mermelstein, "Comparison of parametric representations for monosyllabic word
    recognition", 1980.

    Parameters
    ----------
    shown : array of numbers, shape (n, mels, frames)
        Log-mel spectrograms, in dB or as `pictures`.
    count
        Coefficients kept, 1 to mels.

    Returns
    -------
    ndarray of float32, shape (n, count, frames)
    """
    from scipy.fft import dct

    shown = np.asarray(shown, np.float32)
    return dct(shown, axis=1, norm="ortho")[:, : ask.whole("count", count, 1, shown.shape[1])]


def smoothed(shown: ArrayLike, count: int = 20) -> NDArray[np.float32]:
    """Spectrograms in [0, 1], back from their first cosines: formants stay, the harmonics go."""
    from scipy.fft import idct

    back = idct(mfcc(shown, count), axis=1, n=np.shape(shown)[1], norm="ortho")
    return np.clip(back, 0, 1).astype(np.float32)


def as_rgb(shown: ArrayLike) -> NDArray[np.float32]:
    """Spectrograms (n, mels, frames) for an image network: three channels, high tones on top."""
    return np.repeat(np.asarray(shown, np.float32)[:, ::-1, :, None], 3, axis=3)
