"""Pictures shown: side by side, one after the other, with a frame around a window."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from itertools import compress, count
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from course_utils import ask, plots
from course_utils.ask import CourseError
from course_utils.images.changing import to_uint8
from course_utils.images.checking import as_array, as_picture, shaped

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def show(
    images: ArrayLike | Sequence[ArrayLike] | Mapping[str, ArrayLike],
    titles: str | Sequence[str] | None = None,
    columns: int | None = None,
    height: float = 2.6,
    cmap: str = "gray",
    signed: bool | Sequence[bool] = False,
    limits: tuple[float, float] | str | None = None,
    caption: str | None = None,
) -> None:
    """Show pictures side by side.

    Parameters
    ----------
    images : one picture, several, or a mapping from title to picture
        (height, width, 3) RGB, or (height, width) for gray pictures, responses, feature maps.
    titles : str or sequence of str, optional
        One a picture.
    columns : int, optional
        Pictures in a row; by default up to four, rows filled evenly.
    height
        Of one picture, in inches.
    cmap
        Color map of the gray pictures.
    signed : bool, or one bool a picture
        Draw positive values red, negative ones blue, zero white, with a color bar.
    limits : (low, high) or "each", optional
        Values drawn black and white; "each": every picture has its own. By default [0, 1], which
        must hold them all, and for signed pictures the largest absolute value on either side.
    caption
        A sentence below the pictures.
    """
    import matplotlib.pyplot as plt

    pictures, labels = _pictures_and_titles(images, titles)
    signs = [signed] * len(pictures) if np.ndim(signed) == 0 else signed
    flags = plots.one_each("signed", signs, len(pictures))
    if columns is None:
        columns = math.ceil(len(pictures) / math.ceil(len(pictures) / 4))
    columns = min(ask.whole("columns", columns), len(pictures))
    height = ask.number("height", height, above=0)
    arrays = [
        _drawable(picture, f"picture {label or number}", free=flag or limits is not None)
        for number, picture, label, flag in zip(count(1), pictures, labels, flags, strict=False)
    ]
    ranges = _color_ranges(arrays, flags, limits)
    aspects = [array.shape[1] / array.shape[0] for array in arrays]
    widths = [height * min(max(*aspects[i::columns], 0.6), 3) for i in range(columns)]
    lines = [plots.wrap(label, widths[i % columns]) for i, label in enumerate(labels)]
    has_bar = limits != "each" and any(map(_is_response, arrays, flags))
    figure, axes = _panels(lines, widths, height, room=0.7 * has_bar)
    for axis, line, array, flag, (low, high) in zip(
        axes.flat, lines, arrays, flags, ranges, strict=False
    ):
        colors = plots.SIGNED_CMAP if flag else cmap
        mapped = axis.imshow(array, cmap=colors, vmin=low, vmax=high)
        axis.set_title(line, y=1)  # given a place, it is not searched for among hidden ticks
        if has_bar and _is_response(array, flag):
            drawn = mapped
    if has_bar:
        bar = figure.colorbar(drawn, ax=axes, shrink=0.8, aspect=25, pad=0.02)
        bar.outline.set_visible(False)
    if caption:
        figure.supxlabel(plots.wrap(caption, sum(widths)), color=plots.PALETTE["gray"])
    plt.show()


def _pictures_and_titles(images: Any, titles: Any) -> tuple[list[Any], list[str]]:
    if isinstance(images, Mapping):
        if titles is not None:
            raise CourseError("titles are given twice; leave them to the keys of the mapping.")
        images, titles = list(images.values()), list(map(str, images))
    several = isinstance(images, list | tuple) or getattr(images, "ndim", 0) == 4
    pictures = list(images) if several else [images]
    ask.some("pictures", pictures)
    titles = [titles] if isinstance(titles, str) else titles
    return pictures, plots.one_each("titles", titles, len(pictures), default="")


def _drawable(picture: Any, name: str, free: bool) -> NDArray[Any]:
    """A checked picture; with ``free`` one of a single channel may leave [0, 1]."""
    array = as_array(picture)
    if array.ndim != 2 or array.dtype.kind not in "fi":
        return as_picture(array, name)
    array = ask.values(name, shaped(array, name, ()).astype(np.float32), -math.inf, math.inf)
    low, high = array.min(), array.max()
    if not free and not -ask.SLACK <= low <= high <= 1 + ask.SLACK:
        raise CourseError(
            f"{name}: values from {low:.4g} to {high:.4g}, outside [0, 1]; pass signed=True for "
            "responses or limits='each' for its own range."
        )
    return array


def _is_response(array: NDArray[Any], signed: bool) -> bool:
    return bool(signed) and array.ndim == 2


def _color_ranges(
    arrays: list[NDArray[Any]], flags: list[bool], limits: Any
) -> list[tuple[float, float]]:
    """The values drawn in the first and the last color, one pair a picture."""
    each = limits == "each"
    if limits is not None and not each:
        try:
            low, high = map(float, limits)
        except (TypeError, ValueError):
            low = high = math.nan
        if not low < high or (any(flags) and low != -high):
            remedy = "give (low, high), low < high, or (-high, high) where signed, or 'each'"
            raise CourseError(f"limits are {limits!r}; {remedy}.")
        return [(low, high)] * len(arrays)
    peaks = [float(np.abs(array).max()) for array in arrays]
    if not each:
        responses = map(_is_response, arrays, flags)
        peaks = [max(compress(peaks, responses), default=0.0)] * len(arrays)
    ranges = [(float(a.min()), float(a.max())) if each else (0.0, 1.0) for a in arrays]
    for i in np.flatnonzero(flags):
        ranges[i] = (-peaks[i] or -1.0, peaks[i] or 1.0)
    return ranges


def _panels(
    lines: list[str], widths: list[float], height: float, room: float
) -> tuple[Figure, NDArray[Any]]:
    """A figure with empty axes, rows filled one after the other, and room for a color bar."""
    import matplotlib.pyplot as plt

    rows = math.ceil(len(lines) / len(widths))
    title_height = 0.25 * max(1 + line.count("\n") if line else 0 for line in lines)
    figure, axes = plt.subplots(
        rows,
        len(widths),
        figsize=(sum(widths) + room, (height + title_height) * rows),
        layout="constrained",
        squeeze=False,
        width_ratios=widths,
    )
    for axis in axes.flat:
        axis.set_axis_off()
    return figure, axes


# --- Moving, and marking ------------------------------------------------------------------------


def to_gif(frames: Sequence[ArrayLike], seconds: float = 0.1) -> bytes:
    """The bytes of a GIF file that shows pictures one after the other, over and over.

    All frames share 256 colors, so that what stands still is stored once.

    Parameters
    ----------
    frames : sequence of arrays of float, all (height, width) or all (height, width, 3)
        Values outside [0, 1] become black or white.
    seconds
        How long each is shown, from 0.02 on (browsers slow down what is faster).
    """
    pictures = [Image.fromarray(to_uint8(frame)).convert("RGB") for frame in frames]
    ask.some("frames", pictures)
    sizes = {picture.size for picture in pictures}
    if len(sizes) > 1:
        found = ", ".join(f"{width}x{height}" for width, height in sorted(sizes))
        raise CourseError(f"the animation has frames of size {found}; give frames of one size.")
    seconds = ask.number("seconds", seconds, low=0.02)
    # Colors are chosen over frames from the whole course of the animation.
    some = pictures[:: math.ceil(len(pictures) / 8)] + pictures[-1:]
    strip = Image.fromarray(np.concatenate(some))
    palette = strip.quantize(256, Image.Quantize.MEDIANCUT)
    first, *rest = (p.quantize(palette=palette, dither=Image.Dither.NONE) for p in pictures)
    buffer = io.BytesIO()
    first.save(
        buffer, "GIF", save_all=True, append_images=rest, duration=round(1000 * seconds), loop=0
    )
    return buffer.getvalue()


def animate(frames: Sequence[ArrayLike], alt: str, seconds: float = 0.1) -> None:
    """Show what `to_gif` makes; ``alt`` says what is to be seen, for who cannot see it."""
    from IPython.display import Image as Shown
    from IPython.display import display

    display(Shown(to_gif(frames, seconds), format="gif", alt=alt))


def outline(
    image: NDArray[np.floating],
    top: int,
    left: int,
    height: int,
    width: int,
    color: tuple[float, float, float],
    thickness: int = 1,
) -> NDArray[np.floating]:
    """Copy of a picture, in color, with a frame drawn around a window.

    Parameters
    ----------
    image : array of float in [0, 1], shape (rows, columns) or (rows, columns, 3)
    top, left, height, width, thickness
        In pixels; the frame lies just outside the window and is cut at the border.
    color
        Red, green, blue in [0, 1].
    """
    channels = image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
    inside = (slice(top, top + height), slice(left, left + width))
    framed = channels.copy()
    framed[
        max(top - thickness, 0) : top + height + thickness,
        max(left - thickness, 0) : left + width + thickness,
    ] = color
    framed[inside] = channels[inside]
    return framed
