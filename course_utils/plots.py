"""The look of the course's figures, and matrices drawn with their numbers."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

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
    array: ArrayLike,
    title: str | None = None,
    highlight: Window | Sequence[Window] | None = None,
    ax: Axes | None = None,
    fmt: Format | None = None,
    signed: bool | None = None,
    limit: float | None = None,
) -> None:
    """Draw a small matrix as colored cells with its numbers inside.

    Parameters
    ----------
    array : array of numbers, shape (rows, columns) or (columns,), at most 24 either way
        NaN leaves a cell empty: a value not yet computed.
    title : str, optional
    highlight : (row, column, height, width) or several of them, optional
        Windows to outline, in cells.
    ax : matplotlib Axes, optional
        Where to draw; without it a figure is made and shown.
    fmt : str or function, optional
        Format specification such as ``".2f"``, or a function from number to text. By default
        as many decimals as are needed, two at most.
    signed : bool, optional
        Blue, white, red around zero, as for kernels, or black to white, as for pixels. By
        default the first if any number is negative.
    limit : float, optional
        The number that gets the strongest color, above 0; by default 1 for pixels in [0, 1],
        else the largest absolute value.

    Raises
    ------
    ValueError
        The array is no small matrix of finite numbers, a window leaves it, ``fmt`` is no format,
        or ``limit`` no number above 0.
    """
    if ax is None:
        show_number_grids(
            [array],
            titles=[title or ""],
            highlights=[highlight],
            fmt=fmt,
            signed=signed,
            limit=limit,
        )
    else:
        matrix = _matrix(array)
        if limit is not None:
            _check_limit(limit)
        windows, as_text = _windows(highlight, matrix.shape), _formatter(matrix, fmt)
        _draw(ax, matrix, title or "", windows, as_text, signed, limit)


def show_number_grids(
    grids: Mapping[str, ArrayLike] | Sequence[ArrayLike],
    symbols: Sequence[str] | None = None,
    titles: Sequence[str] | None = None,
    highlights: Sequence[Window | Sequence[Window] | None] | None = None,
    fmt: Format | None = None,
    signed: bool | Sequence[bool | None] | None = None,
    limit: float | None = None,
) -> None:
    """Draw small matrices side by side, with signs between them, as in a calculation.

    Parameters
    ----------
    grids : mapping from title to array, or sequence of arrays
    symbols : sequence of str, optional
        What stands between neighbors, one fewer than grids, for example ``["=", "+"]``.
    titles : sequence of str, optional
        For a sequence of grids.
    highlights, signed : sequence, optional
        One entry a grid, as in `show_numbers`; a single ``signed`` holds for all.
    fmt, limit
        As in `show_numbers`, for all grids. By default all grids drawn in blue and red share
        the largest absolute value among them, so that their colors compare.

    Raises
    ------
    ValueError
        As in `show_numbers`, or the numbers of grids, titles, symbols differ.
    """
    import matplotlib.pyplot as plt

    if isinstance(grids, Mapping):
        titles = [str(key) for key in grids] if titles is None else titles
        grids = list(grids.values())
    matrices = [_matrix(grid) for grid in grids]
    count = len(matrices)
    if not count:
        raise ValueError("grids is empty; give at least one matrix.")
    titles = _one_each("titles", titles, count, "")
    highlights = _one_each("highlights", highlights, count, None)
    windows = [_windows(given, m.shape) for given, m in zip(highlights, matrices, strict=True)]
    formatters = [_formatter(matrix, fmt) for matrix in matrices]
    for_all = isinstance(signed, bool | np.bool_)
    signs = [signed] * count if for_all else _one_each("signed", signed, count, None)
    if limit is not None:
        _check_limit(limit)
    symbols = _one_each("symbols", symbols, count - 1, "")
    colored = [m for m, sign in zip(matrices, signs, strict=True) if _is_signed(m, sign)]
    # One scale for all that is drawn in blue and red: the same color is the same number.
    shared = limit or max((np.nanmax(np.abs(m), initial=0) for m in colored), default=0) or None

    # Placed in inches, so that a cell has the same size in every grid.
    gap, margin = 0.55, 0.12
    widths = [
        max(matrix.shape[1] * CELL, _longest(title) * 0.105)
        for matrix, title in zip(matrices, titles, strict=True)
    ]
    tallest = max(matrix.shape[0] for matrix in matrices) * CELL
    head = 0.12 + 0.24 * max(title.count("\n") + 1 if title else 0 for title in titles)
    size = (sum(widths) + gap * (count - 1) + 2 * margin, tallest + head + 2 * margin)
    figure = plt.figure(figsize=size, layout="none")
    left = margin
    for index, matrix in enumerate(matrices):
        rows, columns = matrix.shape
        bottom = margin + (tallest - rows * CELL) / 2
        box = (left + (widths[index] - columns * CELL) / 2, bottom, columns * CELL, rows * CELL)
        axis = figure.add_axes(tuple(np.divide(box, (*size, *size))))
        _draw(
            axis,
            matrix,
            titles[index],
            windows[index],
            formatters[index],
            signs[index],
            shared if _is_signed(matrix, signs[index]) else limit,
        )
        left += widths[index]
        if index < count - 1:
            middle = ((left + gap / 2) / size[0], (margin + tallest / 2) / size[1])
            figure.text(*middle, symbols[index], fontsize=20, ha="center", va="center")
            left += gap
    plt.show()


def _one_each(name: str, values: Sequence[Any] | None, count: int, default: Any) -> list[Any]:
    if values is None:
        return [default] * count
    if len(values) != count:
        raise ValueError(f"{name} has {len(values)} entries; give {count}.")
    return list(values)


def _longest(text: str) -> int:
    return max(map(len, text.splitlines()), default=0)


def _matrix(array: ArrayLike) -> NDArray[np.float64]:
    try:
        matrix = np.atleast_2d(np.asarray(array, dtype=np.float64))
    except (TypeError, ValueError):
        raise ValueError("the array holds no real numbers; give a matrix of numbers.") from None
    if matrix.ndim != 2 or 0 in matrix.shape or max(matrix.shape) > MAX_CELLS:
        raise ValueError(
            f"the array has the shape {np.shape(array)}; to be readable with its numbers it must "
            f"have 1 to {MAX_CELLS} rows and columns."
        )
    if np.isinf(matrix).any():
        raise ValueError("the array holds infinity; replace it, for example with NaN.")
    return matrix


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
        raise ValueError(f"fmt={fmt!r} is no format of a number; give one such as '.2f'.") from None

    def as_text(value: float) -> str:
        text = format(value, fmt)
        # What is rounded to zero has no sign.
        minus = "\N{MINUS SIGN}" if any(digit in text for digit in "123456789") else ""
        return text.replace("-", minus)

    return as_text


def _draw(
    ax: Axes,
    matrix: NDArray[np.float64],
    title: str,
    windows: list[Window],
    as_text: Callable[[float], str],
    signed: bool | None,
    limit: float | None,
) -> None:
    from matplotlib import colormaps
    from matplotlib.patches import Rectangle

    low, high = _color_range(matrix, signed, limit)
    signed = low < 0
    rows, columns = matrix.shape
    cmap = colormaps[SIGNED_CMAP if signed else "gray"].with_extremes(bad="white")
    image = ax.imshow(matrix, cmap=cmap, vmin=low, vmax=high)
    labels = {
        where: as_text(matrix[where])
        for where in np.ndindex(matrix.shape)
        if not np.isnan(matrix[where])
    }
    # A digit is 0.64 of the font size wide, and the text should fill 85 % of its cell.
    cell = ax.get_window_extent().width / ax.figure.dpi / columns * 72
    longest = max((_longest(label) for label in labels.values()), default=1)
    size = min(FONT_SIZE + 2, 0.85 * cell / (0.64 * longest))
    # Inside its cell, so that a layout need not measure it.
    centered = {"ha": "center", "va": "center", "fontsize": size, "in_layout": False}
    for (row, column), label in labels.items():
        color = _readable_on(image.cmap(image.norm(matrix[row, column])))
        ax.text(column, row, label, color=color, **centered)
    raster = {"color": "#BDBDBD", "linewidth": 0.8, "clip_on": False}
    ax.hlines(np.arange(rows + 1) - 0.5, -0.5, columns - 0.5, **raster)
    ax.vlines(np.arange(columns + 1) - 0.5, -0.5, rows - 0.5, **raster)
    for row, column, height, width in windows:
        ax.add_patch(
            Rectangle(
                (column - 0.5, row - 0.5),
                width,
                height,
                fill=False,
                clip_on=False,
                edgecolor=PALETTE["vermillion"],
                linewidth=3.5,
                zorder=5,
            )
        )
    ax.set_title(title, y=1)
    ax.set(xticks=[], yticks=[])
    ax.grid(False)
    ax.spines[:].set_visible(False)


def _is_signed(matrix: NDArray[np.float64], signed: bool | None) -> bool:
    return bool(np.nanmin(matrix, initial=0) < 0) if signed is None else signed


def _color_range(
    matrix: NDArray[np.float64], signed: bool | None, limit: float | None
) -> tuple[float, float]:
    is_signed = _is_signed(matrix, signed)
    largest = float(np.nanmax(np.abs(matrix), initial=0))
    if limit is None:
        limit = (largest or 1.0) if is_signed else max(largest, 1.0)
    return (-limit if is_signed else 0.0), limit


def _check_limit(limit: float) -> None:
    array = np.asarray(limit)
    if array.ndim or array.dtype.kind not in "iuf" or not 0 < array < np.inf:
        raise ValueError(f"limit is {limit!r}; give a number above 0.")


def _windows(highlight: Any, shape: tuple[int, int]) -> list[Window]:
    if highlight is None:
        return []
    windows = np.atleast_2d(np.asarray(highlight))
    if windows.shape[1:] != (4,) or windows.dtype.kind not in "iu":
        raise ValueError(
            f"highlight={highlight!r} is no window; give (row, column, height, width)."
        )
    for row, column, height, width in windows:
        if (
            min(row, column) < 0
            or min(height, width) < 1
            or (row + height > shape[0] or column + width > shape[1])
        ):
            raise ValueError(
                f"highlight={highlight!r} leaves the matrix of {shape[0]} x {shape[1]} cells; "
                "give (row, column, height, width) inside it."
            )
    return [tuple(map(int, window)) for window in windows]


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
    limit : float
        Above 0; values from here on get the strongest color.

    Returns
    -------
    ndarray of float32 in [0, 1], the shape of ``values`` and a last axis of 3

    Raises
    ------
    ValueError
        ``limit`` is no number above 0.
    """
    from matplotlib import colormaps

    _check_limit(limit)
    # Through a table of 256 colors: widgets call this on each move of a slider.
    table = colormaps[SIGNED_CMAP](np.arange(256))[:, :3].astype(np.float32)
    steps = (np.asarray(values) / limit + 1) * 127.5
    return table[np.clip(np.rint(steps), 0, 255).astype(np.uint8)]


def rasterize(figure: Figure) -> NDArray[np.float32]:
    """The pixels of a figure: a picture for a widget, or a frame of an animation.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Made by ``Figure(...)`` rather than by pyplot, which would show it as well.

    Returns
    -------
    ndarray of float32 in [0, 1], shape (height, width, 3), in pixels of the figure's ``dpi``
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].astype(np.float32) / 255
