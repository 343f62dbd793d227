"""The sliding kernel of lesson 02: padding, stride and dilation, one output at a time."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import ipywidgets
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from course_utils.ask import CourseError
from course_utils.convolution import padding_widths
from course_utils.dimensions import Settings, describe, output_size, span
from course_utils.widgets import Frame, explore

LARGEST = 9  # pixels a side of the input
_SIDE = 280  # pixels of each picture
# White, gray for padding, yellow under the kernel, blue for outputs; the current ones have a frame.
_PLAIN, _PADDING, _UNDER, _DONE = "#FFFFFF", "#D9D9D9", "#F7E9A8", "#CFE4F5"
_LINE, _INK, _MARK = "#9A9A9A", "#000000", "#D55E00"


def frame(size: int, kernel: int, padding: str, stride: int, dilation: int, place: int) -> Frame:
    """One step of the kernel: padded input, kernel, output so far, and the sum in numbers.

    Parameters
    ----------
    size
        Side of the square input in pixels, at most ``LARGEST``.
    kernel, padding, stride, dilation
        As in ``Conv2D``.
    place
        Number of the output, row by row from 0; the last one stands for all beyond.
    """
    outputs = describe(
        Settings("Conv2D", 1, kernel, stride, padding, dilation), (size, size, 1)
    ).shape[0]
    image, weights = _numbers(size, kernel)
    before, after = padding_widths(size, span(kernel, dilation), stride, padding)
    padded = np.pad(image, (before, after))
    row, column = divmod(min(place, outputs**2 - 1), outputs)
    taps = dilation * np.arange(kernel)
    patches = {
        (r, c): padded[np.ix_(r * stride + taps, c * stride + taps)]
        for r, c in np.ndindex(outputs, outputs)
    }
    under = {
        (r, c) for r in (row * stride + taps).tolist() for c in (column * stride + taps).tolist()
    }
    inside = range(before, before + size)

    def input_color(r: int, c: int) -> str:
        if (r, c) in under:
            return _UNDER
        return _PLAIN if r in inside and c in inside else _PADDING

    def output_text(r: int, c: int) -> str:
        return str((patches[r, c] * weights).sum()) if (r, c) <= (row, column) else ""

    def output_color(r: int, c: int) -> str:
        return _DONE if (r, c) <= (row, column) else _PLAIN

    sides = len(padded)
    grid = partial(_grid, cell=min(_SIDE // sides, 60))
    pictures = {
        f"input {size} x {size}, padded to {sides} x {sides}": grid(
            sides, lambda r, c: str(padded[r, c]), input_color, under
        ),
        f"kernel {kernel} x {kernel}": grid(
            kernel, lambda r, c: str(weights[r, c]), lambda r, c: _UNDER, set()
        ),
        f"output {outputs} x {outputs}": grid(outputs, output_text, output_color, {(row, column)}),
    }
    formula = _formula(size, kernel, stride, padding, dilation, outputs, (before, after))
    return Frame(
        pictures,
        "\n".join([*formula, "", *_arithmetic(patches[row, column], weights, row, column)]),
    )


@cache
def _numbers(size: int, kernel: int) -> tuple[np.ndarray, np.ndarray]:
    """Input and kernel: the same small numbers each time."""
    random = np.random.default_rng(2)
    image = random.integers(1, 10, (LARGEST, LARGEST))[:size, :size]
    return image, random.integers(-1, 3, (LARGEST, LARGEST))[:kernel, :kernel]


def _formula(
    size: int,
    kernel: int,
    stride: int,
    padding: str,
    dilation: int,
    outputs: int,
    zeros: tuple[int, int],
) -> list[str]:
    reach = span(kernel, dilation)
    spans = f"the kernel spans ({kernel} - 1) x {dilation} + 1 = {reach}"
    if padding == "valid":
        rule = f"floor(({size} - {reach}) / {stride}) + 1 = {outputs}"
    else:
        rule = f"ceil({size} / {stride}) = {outputs}"
    return [
        f"{padding}: {spans}, output size {rule}",
        f"zeros before {zeros[0]}, after {zeros[1]}",
    ]


def _arithmetic(patch: np.ndarray, weights: np.ndarray, row: int, column: int) -> list[str]:
    """The products, one line a row of the kernel, and their sum."""
    lines = [f"output[{row}, {column}] ="]
    for number, (pixels, factors) in enumerate(zip(patch, weights, strict=True)):
        products = "  + ".join(
            f"{pixel} x {factor:2d}" for pixel, factor in zip(pixels, factors, strict=True)
        )
        lines.append(f"  {'+' if number else ' '} {products}")
    lines.append(f"  = {(patch * weights).sum()}")
    return lines


def _grid(
    cells: int,
    text: Callable[[int, int], str],
    color: Callable[[int, int], str],
    framed: set[tuple[int, int]],
    cell: int,
) -> np.ndarray:
    """A square table of numbers in colored cells; drawn by Pillow, as figures take too long."""
    canvas = Image.new("RGB", (_SIDE + 1, _SIDE + 1), "white")
    draw = ImageDraw.Draw(canvas)
    for r in range(cells):
        for c in range(cells):
            x, y = c * cell, r * cell
            draw.rectangle((x, y, x + cell, y + cell), fill=color(r, c), outline=_LINE)
            center = (x + cell / 2, y + cell / 2)
            draw.text(center, text(r, c), fill=_INK, font=_font(cell), anchor="mm")
    for r, c in framed:  # last, so that no neighbor covers a frame
        x, y = c * cell, r * cell
        draw.rectangle((x, y, x + cell, y + cell), outline=_MARK, width=3)
    return np.asarray(canvas, np.float32) / 255


@cache
def _font(cell: int) -> ImageFont.FreeTypeFont:
    from matplotlib.font_manager import findfont  # Matplotlib brings a font along

    return ImageFont.truetype(findfont("DejaVu Sans"), round(0.42 * cell))


def show(size: int = 6, kernel: int = 3, padding: str = "same", stride: int = 2) -> None:
    """Show the sliding kernel; the play button or the arrow keys move it on."""
    controls = {
        "size": ipywidgets.IntSlider(size, 1, LARGEST, description="input"),
        "kernel": ipywidgets.IntSlider(kernel, 1, 5, description="kernel"),
        "padding": ipywidgets.Dropdown(
            options=["valid", "same"], value=padding, description="padding"
        ),
        "stride": ipywidgets.IntSlider(stride, 1, 4, description="stride"),
        "dilation": ipywidgets.IntSlider(1, 1, 3, description="dilation"),
        "place": ipywidgets.IntSlider(0, 0, LARGEST**2 - 1, description="output"),
    }
    *settings, place = controls.values()
    play = ipywidgets.Play(interval=400, max=place.max, show_repeat=True)
    ipywidgets.jslink((play, "value"), (place, "value"))

    def fit(_change: object = None) -> None:
        chosen = {name: c.value for name, c in controls.items() if name != "place"}
        try:
            last = output_size(**chosen) ** 2 - 1
        except CourseError:
            return  # the frame says what is wrong; the slider stays as it is
        place.max = play.max = last

    for control in settings:
        control.observe(fit, names="value")
    fit()
    panel = ipywidgets.VBox([ipywidgets.HBox([place, play]), *settings])
    explore(frame, controls, panel, width=_SIDE + 1)
