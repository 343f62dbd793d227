"""The look of the course's figures, and matrices drawn with their numbers."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from itertools import compress
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import ask
from course_utils.ask import CourseError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

__all__ = [
    "PALETTE",
    "SEQUENTIAL_CMAP",
    "SIGNED_CMAP",
    "rasterize",
    "show_number_grids",
    "show_numbers",
    "signed_to_rgb",
    "use_course_style",
    "wrap",
]

#: Colors that color-blind readers can tell apart (Okabe and Ito, "Color Universal Design", 2008),
#: and a gray for what is secondary. Orange, sky and yellow are too pale for lines on white.
PALETTE = {
    "blue": "#0072B2",
    "vermillion": "#D55E00",
    "green": "#009E73",
    "purple": "#CC79A7",
    "black": "#000000",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "yellow": "#F0E442",
    "gray": "#595959",
}

#: Order of the lines in a plot: each has a contrast of 3:1 or more against white.
LINE_COLORS = ("blue", "vermillion", "green", "purple", "black")

#: Negative blue, zero white, positive red (ColorBrewer; Harrower and Brewer, 2003).
SIGNED_CMAP = "RdBu_r"

#: Small dark, large bright, even steps for every reader (van der Walt and Smith, 2015).
SEQUENTIAL_CMAP = "viridis"

FONT_SIZE = 12
CELL = 0.58  # inches: one cell of a drawn matrix
MAX_CELLS = 24  # rows or columns; more would not be readable

Window = tuple[int, int, int, int]
Format = str | Callable[[float], str]


def use_course_style() -> None:
    """Make matplotlib's figures readable from the last row; call it once in a notebook's set-up.

    After the fifth line the colors repeat with dashes.
    """
    import matplotlib as mpl
    from cycler import cycler
    from IPython import get_ipython
    from matplotlib_inline.backend_inline import set_matplotlib_formats
    from matplotlib_inline.config import InlineBackend

    colors = cycler(color=[PALETTE[name] for name in LINE_COLORS])
    mpl.rcParams.update(
        {
            "font.size": FONT_SIZE,
            "axes.titlesize": FONT_SIZE + 1,
            "axes.titleweight": "bold",
            "figure.titlesize": FONT_SIZE + 2,
            "figure.titleweight": "bold",
            "figure.figsize": (7, 3.6),
            "figure.dpi": 100,
            "savefig.dpi": 100,
            "figure.constrained_layout.use": True,
            "axes.prop_cycle": cycler(linestyle=["-", "--"]) * colors,
            "lines.linewidth": 2.2,
            "axes.grid": True,
            "axes.axisbelow": True,
            "grid.color": "#E3E3E3",
            "grid.linewidth": 0.8,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "legend.framealpha": 0.9,
            "legend.edgecolor": "white",
            "image.cmap": SEQUENTIAL_CMAP,
        }
    )
    shell = get_ipython()
    if shell is not None and InlineBackend.instance(parent=shell).figure_formats == {"png"}:
        # A figure of photos is packed in a quarter of the time, and hardly larger.
        set_matplotlib_formats("png", pil_kwargs={"compress_level": 1})


def wrap(text: str, width: float) -> str:
    """Break a title into lines that fit ``width`` inches at the course's font size."""
    # A letter of DejaVu Sans is about 0.62 of the font size wide; 72 points are an inch.
    letters = max(8, int(width * 72 / (0.62 * (FONT_SIZE + 1))))
    return "\n".join(textwrap.fill(line, letters) for line in str(text).splitlines())


def show_numbers(
    array: ArrayLike, title: str = "", ax: Axes | None = None, fmt: Format | None = None
) -> None:
    """Draw a small matrix as colored cells with its numbers inside.

    Parameters
    ----------
    array, fmt
        As in `show_number_grids`.
    ax
        Where to draw; without it a figure is made and shown.
    """
    if ax is None:
        show_number_grids([array], titles=[title], fmt=fmt)
    else:
        matrix = _matrix(array)
        _draw(ax, matrix, title, _formatter(matrix, fmt), _color_ranges([matrix], None, None)[0])


def show_number_grids(
    grids: Mapping[str, ArrayLike] | Sequence[ArrayLike],
    titles: Sequence[str] | None = None,
    highlights: Sequence[Window | None] | None = None,
    fmt: Format | None = None,
    signed: bool | None = None,
    limit: float | None = None,
) -> None:
    """Draw small matrices side by side, all cells of the same size.

    Parameters
    ----------
    grids : mapping from title to array, or sequence of arrays
        Numbers, shape (rows, columns) or (columns,), at most 24 either way. NaN leaves a cell
        empty: a value not yet computed.
    titles : sequence of str, optional
        For a sequence of grids.
    highlights : sequence, optional
        For each grid a window (row, column, height, width) to outline, or None.
    fmt : str or function, optional
        Format specification such as ``".2f"``, or a function from number to text. By default
        as many decimals as are needed, two at most.
    signed
        Blue, white, red around zero, as for kernels, or black to white, as for pixels. By
        default the first for each grid with a negative number.
    limit
        The number that gets the strongest color. By default the largest absolute value of all
        grids in blue and red, so that their colors compare, and for each other one its own, or 1.
    """
    import matplotlib.pyplot as plt

    if isinstance(grids, Mapping):
        titles, grids = list(map(str, grids)), list(grids.values())
    ask.some("grids", grids)
    matrices = [_matrix(grid) for grid in grids]
    count = len(matrices)
    titles = one_each("titles", titles, count, "")
    highlights = one_each("highlights", highlights, count)
    windows = list(map(_window, highlights, matrices))
    formatters = [_formatter(matrix, fmt) for matrix in matrices]
    ranges = _color_ranges(matrices, signed, limit)
    axes = _axes_in_inches([matrix.shape for matrix in matrices], titles)
    for drawing in zip(axes, matrices, titles, formatters, ranges, windows, strict=True):
        _draw(*drawing)
    plt.show()


def _axes_in_inches(shapes: list[tuple[int, int]], titles: list[str]) -> list[Axes]:
    """A figure where a cell has the same size in every grid."""
    import matplotlib.pyplot as plt

    gap, margin = 0.55, 0.12
    widths = [
        max(columns * CELL, _longest(title) * 0.105)
        for (_, columns), title in zip(shapes, titles, strict=True)
    ]
    tallest = max(rows for rows, _ in shapes) * CELL
    head = 0.12 + 0.24 * max(title.count("\n") + 1 if title else 0 for title in titles)
    size = (sum(widths) + gap * (len(shapes) - 1) + 2 * margin, tallest + head + 2 * margin)
    figure = plt.figure(figsize=size, layout="none")
    axes, left = [], margin
    for (rows, columns), width in zip(shapes, widths, strict=True):
        bottom = margin + (tallest - rows * CELL) / 2
        box = (left + (width - columns * CELL) / 2, bottom, columns * CELL, rows * CELL)
        axes.append(figure.add_axes(tuple(np.divide(box, (*size, *size)))))
        left += width + gap
    return axes


def one_each(name: str, values: Sequence[Any] | None, count: int, default: Any = None) -> list[Any]:
    """The values as a list, if there are as many as asked for; without any, the default of each."""
    if values is None:
        return [default] * count
    if len(values) != count:
        raise CourseError(f"{name} has {len(values)} entries; give {count}.")
    return list(values)


def _longest(text: str) -> int:
    return max(map(len, text.splitlines()), default=0)


def _matrix(array: ArrayLike) -> NDArray[np.float64]:
    try:
        matrix = np.atleast_2d(np.asarray(array, dtype=np.float64))
    except (TypeError, ValueError):
        raise CourseError("the array holds no real numbers; give a matrix of numbers.") from None
    if matrix.ndim != 2 or 0 in matrix.shape or max(matrix.shape) > MAX_CELLS:
        raise CourseError(
            f"the array has the shape {np.shape(array)}; give 1 to {MAX_CELLS} rows and columns."
        )
    if np.isinf(matrix).any():
        raise CourseError("the array holds infinity (inf); replace it, for example with NaN.")
    return matrix


def _window(highlight: Any, matrix: NDArray[np.float64]) -> Window | None:
    if highlight is None:
        return None
    if np.shape(highlight) != (4,):
        raise CourseError(f"highlight is {highlight!r}; give (row, column, height, width).")
    row, column, height, width = highlight
    row = ask.whole("row of highlight", row, 0, matrix.shape[0] - 1)
    column = ask.whole("column of highlight", column, 0, matrix.shape[1] - 1)
    height = ask.whole("height of highlight", height, 1, matrix.shape[0] - row)
    width = ask.whole("width of highlight", width, 1, matrix.shape[1] - column)
    return row, column, height, width


def _formatter(matrix: NDArray[np.float64], fmt: Format | None) -> Callable[[float], str]:
    if callable(fmt):
        return fmt
    if fmt is None:
        known = matrix[~np.isnan(matrix)]
        digits = next((d for d in (0, 1) if np.allclose(known, np.round(known, d), atol=1e-6)), 2)
        fmt = f".{digits}f"
    try:
        format(0.0, fmt)
    except (TypeError, ValueError):
        raise CourseError(f"fmt is {fmt!r}; give a format of a number such as '.2f'.") from None

    def as_text(value: float) -> str:
        text = format(value, fmt)
        # What is rounded to zero has no sign.
        minus = "\N{MINUS SIGN}" if any(digit in text for digit in "123456789") else ""
        return text.replace("-", minus)

    return as_text


def _color_ranges(
    matrices: list[NDArray[np.float64]], signed: bool | None, limit: float | None
) -> list[tuple[float, float]]:
    """The numbers in the first and the last color, one pair a matrix."""
    peaks = [float(np.nanmax(np.abs(matrix), initial=0)) for matrix in matrices]
    signs = [np.nanmin(m, initial=0) < 0 if signed is None else signed for m in matrices]
    shared = max(compress(peaks, signs), default=0) or 1.0
    highs = [shared if sign else max(peak, 1.0) for sign, peak in zip(signs, peaks, strict=True)]
    if limit is not None:
        highs = [ask.number("limit", limit, above=0)] * len(matrices)
    return [(-high if sign else 0.0, high) for sign, high in zip(signs, highs, strict=True)]


def _draw(
    ax: Axes,
    matrix: NDArray[np.float64],
    title: str,
    as_text: Callable[[float], str],
    limits: tuple[float, float],
    window: Window | None = None,
) -> None:
    from matplotlib import colormaps
    from matplotlib.patches import Rectangle

    rows, columns = matrix.shape
    cmap = colormaps[SIGNED_CMAP if limits[0] < 0 else "gray"].with_extremes(bad="white")
    image = ax.imshow(matrix, cmap=cmap, clim=limits)
    ax.grid(False)  # even where the caller sets ticks: it would run through the numbers
    _write(image, matrix, as_text)
    raster = {"color": "#BDBDBD", "linewidth": 0.8, "clip_on": False}
    ax.hlines(np.arange(rows + 1) - 0.5, -0.5, columns - 0.5, **raster)
    ax.vlines(np.arange(columns + 1) - 0.5, -0.5, rows - 0.5, **raster)
    if window is not None:
        row, column, height, width = window
        frame = {"edgecolor": PALETTE["vermillion"], "linewidth": 3.5, "zorder": 5}
        corner = (column - 0.5, row - 0.5)
        ax.add_patch(Rectangle(corner, width, height, fill=False, clip_on=False, **frame))
    ax.set_title(title, y=1)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)


def _write(image: AxesImage, matrix: NDArray[np.float64], as_text: Callable[[float], str]) -> None:
    """The numbers into their cells, in the size in which the longest fits, black or white."""
    axis, known = image.axes, np.argwhere(~np.isnan(matrix)).tolist()
    labels = [as_text(matrix[row, column]) for row, column in known]
    # A digit is 0.64 of the font size wide, and the text should fill 85 % of its cell.
    cell = axis.get_window_extent().width / axis.figure.dpi / matrix.shape[1] * 72
    size = min(FONT_SIZE + 2, 0.85 * cell / (0.64 * max(map(_longest, labels), default=1)))
    # Inside its cell, so that a layout need not measure it.
    centered = {"ha": "center", "va": "center", "fontsize": size, "in_layout": False}
    for (row, column), label in zip(known, labels, strict=True):
        color = _readable_on(image.cmap(image.norm(matrix[row, column])))
        axis.text(column, row, label, color=color, **centered)


def _readable_on(color: Sequence[float]) -> str:
    """Black or white, whichever contrasts more with ``color`` (WCAG 2, relative luminance)."""
    rgb = np.asarray(color[:3])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    luminance = float(linear @ (0.2126, 0.7152, 0.0722))
    return "black" if luminance > 0.179 else "white"


def signed_to_rgb(values: ArrayLike, limit: float) -> NDArray[np.float32]:
    """Colors of signed values: blue below zero, white at zero, red above.

    Parameters
    ----------
    values : array of numbers, any shape
    limit
        Values from here on get the strongest color.

    Returns
    -------
    ndarray of float32 in [0, 1], the shape of ``values`` and a last axis of 3
    """
    from matplotlib import colormaps

    limit = ask.number("limit", limit, above=0)
    # Through a table of 256 colors: widgets call this on each move of a slider.
    table = colormaps[SIGNED_CMAP](np.arange(256))[:, :3].astype(np.float32)
    steps = (np.asarray(values) / limit + 1) * 127.5
    return table[np.clip(np.rint(steps), 0, 255).astype(np.uint8)]


def rasterize(figure: Figure) -> NDArray[np.float32]:
    """The pixels of a figure: a picture for a widget, or a frame of an animation.

    The figure is made by ``Figure(...)`` rather than by pyplot, which would show it as well; the
    picture is float32 in [0, 1], shape (height, width, 3), in pixels of the figure's ``dpi``.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].astype(np.float32) / 255
