"""What lesson 07 shows: players, spectrograms, curves, confusions, evidence."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.measures import spread
from course_utils.plots import PALETTE, SIGNED_CMAP
from course_utils.sounds.spectrograms import FLOOR, RATE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Color, dashes and marker of each method of the lesson.
LOOKS = {
    "transfer": ("blue", "-", "o"),
    "log-mel": ("vermillion", "--", "s"),
    "MFCC": ("green", "-.", "^"),
    "MFCC, SVM": ("purple", ":", "v"),
    "random network": ("gray", "--", "D"),
    "small CNN": ("black", ":", "x"),
}


def listen(waves: Mapping[str, ArrayLike]) -> None:
    """Show an audio player for each wave, (samples,), with its title, side by side.

    Each is scaled to the same peak.
    """
    from IPython.display import HTML, display

    players = "".join(
        f'<figure style="margin:0"><figcaption>{html.escape(title)}</figcaption>'
        f'<audio controls aria-label="{html.escape(title)}" style="width:230px" '
        f'src="data:audio/wav;base64,{_wav(wave)}"></audio></figure>'
        for title, wave in waves.items()
    )
    display(HTML(f'<div style="display:flex;flex-wrap:wrap;gap:12px">{players}</div>'))


def _wav(wave: ArrayLike) -> str:
    from scipy.io import wavfile

    wave = np.asarray(wave, np.float64)
    file = io.BytesIO()
    scaled = 0.9 * wave / max(np.abs(wave).max(), 1e-9)
    wavfile.write(file, RATE, np.round(scaled * 32767).astype(np.int16))
    return base64.b64encode(file.getvalue()).decode()


def draw_spectrogram(
    ax: Axes, levels: ArrayLike, title: str, extent: tuple[float, ...] | None = None
) -> None:
    """Draw levels (bands, frames), low frequencies at the bottom; black is 60 dB below the loudest.

    Levels are in dB, or in [0, 1] as `pictures` gives them; ``extent`` is left, right, bottom, top.
    """
    levels = np.asarray(levels)
    black = 0 if 0 <= levels.min() <= levels.max() <= 1 else levels.max() - FLOOR
    ax.imshow(levels, origin="lower", aspect="auto", cmap="magma", vmin=black, extent=extent)
    ax.set_title(title)
    ax.grid(False)


def draw_curves(ax: Axes, curves: Mapping[tuple[str, int], NDArray[np.float64]]) -> None:
    """Accuracy against the number of training clips, with 95 % intervals as bands.

    ``curves``: (method of `LOOKS`, clips of each digit) -> accuracy in each draw.
    """
    for name, (color, dashes, marker) in LOOKS.items():
        sizes = sorted(size for method, size in curves if method == name)
        if not sizes:
            continue
        means = np.array([np.mean(curves[name, size]) for size in sizes])
        errors = np.array([spread(curves[name, size]) for size in sizes])
        color = PALETTE[color]
        ax.plot(sizes, means, color=color, linestyle=dashes, marker=marker, label=name)
        low, high = np.maximum(means - errors, 0), np.minimum(means + errors, 1)
        ax.fill_between(sizes, low, high, color=color, alpha=0.12)
    ticks = sorted({size for _, size in curves})
    ax.set(xscale="log", xticks=ticks, xticklabels=ticks, xlabel="training clips of each digit")
    ax.minorticks_off()


def draw_confusion(ax: Axes, table: ArrayLike) -> None:
    """A confusion matrix in percent; what is below half a percent stays empty.

    ``table``: shares in [0, 1], one row for each class that was said, one column for each heard.
    """
    table = np.asarray(table)
    ax.imshow(table, cmap="Blues", vmin=0, vmax=1)
    for (row, column), share in np.ndenumerate(table):
        if share >= 0.005:
            color = "white" if share > 0.5 else "black"
            ax.text(column, row, f"{100 * share:.0f}", ha="center", va="center", color=color)
    ticks = range(len(table))
    ax.set(xticks=ticks, yticks=ticks, xlabel="heard", ylabel="said")
    ax.grid(False)


def draw_evidence(ax: Axes, heat: ArrayLike) -> None:
    """Evidence for (red) and against (blue), (rows, columns), low frequencies at the bottom."""
    most = float(np.abs(heat).max())
    ax.imshow(heat, origin="lower", aspect="auto", cmap=SIGNED_CMAP, vmin=-most, vmax=most)
    ax.set(xticks=[], yticks=[])
    ax.grid(False)
