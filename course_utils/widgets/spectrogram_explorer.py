"""Spectrogram explorer of lesson 07: what a window and a hop make of a sound."""

from __future__ import annotations

from functools import lru_cache

import ipywidgets
import numpy as np

from course_utils import ask, data, plots, sounds
from course_utils.widgets import Frame, explore

SOUNDS = (
    *("two tones and two clicks", "tone, 1 kHz", "chirp", "click", "noise"),
    *("seven, a man", "six, a woman"),
)
WINDOWS = (32, 64, 128, 256, 512, 1024, 2048)
SCALES = ("frequency", "mel")
ROWS, COLUMNS = 240, 400  # pixels of the spectrogram at most: more would only take time


def frame(sound: str, window: int, overlap: int, scale: str, floor: int) -> Frame:
    """One frame: the spectrogram, its wave above it, and what the window can tell apart.

    Parameters
    ----------
    sound
        One of ``SOUNDS``.
    window
        Samples, one of ``WINDOWS``.
    overlap
        Percent of a window that it shares with the next one, 0 to 95.
    scale
        ``"frequency"``: all bins; ``"mel"``: 64 mel bands.
    floor
        dB below the loudest place, where black begins, 20 to 100.
    """
    ask.choice("window", window, WINDOWS)
    ask.choice("scale", scale, SCALES)
    wave = _wave(ask.choice("sound", sound, SOUNDS))
    hop = max(1, round(window * (100 - overlap) / 100))
    spectrum = np.abs(sounds.stft(wave, window, hop)) ** 2
    if scale == "mel":
        spectrum = spectrum @ sounds.mel_matrix(window=window)
    level = sounds.normalize(10 * np.log10(np.maximum(spectrum, 1e-10)).T, floor)
    empty = int((sounds.mel_matrix(window=window).sum(axis=0) == 0).sum())
    lines = [
        f"window   {window:5} samples = {1000 * window / sounds.RATE:6.1f} ms",
        f"bins     {window // 2 + 1:5}, {sounds.RATE / window:6.1f} Hz apart",
        f"hop      {hop:5} samples = {1000 * hop / sounds.RATE:6.1f} ms: {len(spectrum)} frames",
        f"can separate tones some {2 * sounds.RATE / window:.0f} Hz apart, and moments some "
        f"{500 * window / sounds.RATE:.0f} ms apart",
    ]
    if scale == "mel" and empty:
        lines.append(f"{empty} of 64 mel bands hold no bin: too many bands for this window")
    title = f"{sound}, window {window}"
    return Frame({title: _drawn(wave, level, scale)}, "\n".join(lines))


@lru_cache(maxsize=len(SOUNDS))
def _wave(sound: str) -> np.ndarray:
    """One second of a sound."""
    seconds = np.arange(sounds.RATE) / sounds.RATE

    def tone(hertz: float) -> np.ndarray:
        return np.sin(2 * np.pi * hertz * seconds)

    if sound == "two tones and two clicks":
        clicks = np.zeros(sounds.RATE)
        clicks[[3920, 4080]] = 30  # 20 ms apart
        return 0.1 * (tone(1000) + tone(1060) + clicks)
    if sound == "chirp":
        return 0.5 * np.sin(2 * np.pi * (300 * seconds + 1500 * seconds**2))
    if sound == "click":
        return np.eye(1, sounds.RATE, sounds.RATE // 2)[0]
    if sound == "noise":
        return 0.1 * np.random.default_rng(0).normal(size=sounds.RATE)
    if sound.startswith("tone"):
        return 0.5 * tone(1000)
    voice, digit = ("v03", 7) if sound.startswith("seven") else ("v06", 6)
    speech = data.spoken_digits()
    place = np.flatnonzero((speech.speaker == voice) & (speech.digit == digit))[0]
    return sounds.fix_length(speech.clips[place], sounds.RATE)


def _drawn(wave: np.ndarray, level: np.ndarray, scale: str) -> np.ndarray:
    """Wave and spectrogram in one small figure, as pixels."""
    from matplotlib.figure import Figure

    # Placed by hand: a layout takes longer.
    figure = Figure(figsize=(6.4, 4.2), dpi=80, layout="none")
    above, below = figure.add_axes((0.1, 0.8, 0.88, 0.17)), figure.add_axes((0.1, 0.13, 0.88, 0.64))
    above.set(xlim=(0, 1), xticks=[])
    envelope = wave[: len(wave) // 20 * 20].reshape(-1, 20)  # the curve of 8,000 points, faster
    low, high, color = envelope.min(axis=1), envelope.max(axis=1), plots.PALETTE["blue"]
    above.fill_between(np.linspace(0, 1, len(envelope)), low, high, color=color)
    above.set(yticks=[], ylabel="wave")
    shown = level[_thinned(len(level), ROWS)][:, _thinned(level.shape[1], COLUMNS)]
    top = sounds.MELS if scale == "mel" else sounds.RATE / 2000
    sounds.draw_spectrogram(below, shown, "", (0, 1, 0, top))
    above.grid(False)
    below.set(xlabel="time, s", ylabel="mel band" if scale == "mel" else "frequency, kHz")
    return plots.rasterize(figure)


def _thinned(length: int, most: int) -> np.ndarray:
    return np.linspace(0, length - 1, min(length, most)).round().astype(int)


def show(sound: str = SOUNDS[0], window: int = 256) -> None:
    """Show the spectrogram explorer, starting with one of ``SOUNDS`` and ``WINDOWS``."""
    ask.choice("sound", sound, SOUNDS)
    ask.choice("window", window, WINDOWS)
    controls = {
        "sound": ipywidgets.Dropdown(options=SOUNDS, value=sound, description="sound"),
        "window": ipywidgets.SelectionSlider(options=WINDOWS, value=window, description="window"),
        "overlap": ipywidgets.IntSlider(75, 0, 95, 5, description="overlap, %"),
        "scale": ipywidgets.Dropdown(options=SCALES, value="frequency", description="scale"),
        "floor": ipywidgets.IntSlider(60, 20, 100, 5, description="floor, dB"),
    }
    explore(frame, controls, width=512)
