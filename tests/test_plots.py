"""Facts about the figures: what is written, outlined, colored, and how large."""

from __future__ import annotations

import re
from itertools import pairwise
from types import SimpleNamespace

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from course_utils import plots
from course_utils.ask import CourseError

SOBEL = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])


@pytest.fixture(autouse=True)
def _fresh_matplotlib():
    with matplotlib.rc_context():
        yield
    plt.close("all")


def luminance(color) -> float:
    """WCAG 2, definition of relative luminance."""
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    return float(np.dot(parts, (0.2126, 0.7152, 0.0722)))


def contrast(one, other) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def texts(axis) -> list[list[str]]:
    """What is written in the cells, row by row."""
    rows, columns = axis.images[0].get_array().shape
    grid = [[""] * columns for _ in range(rows)]
    for text in axis.texts:
        x, y = text.get_position()
        grid[int(y)][int(x)] = text.get_text()
    return grid


# --- Style --------------------------------------------------------------------------------------


def test_line_colors_stand_out_from_white_and_from_one_another():
    # Machado, Oliveira and Fernandes (2009): what protanopes, deuteranopes, tritanopes see.
    views = [
        np.eye(3),
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
         [-0.003882, -0.048116, 1.051998]],
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
         [-0.011820, 0.042940, 0.968881]],
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
         [0.004733, 0.691367, 0.303900]],
    ]  # fmt: skip
    from skimage.color import rgb2lab

    colors = [plots.PALETTE[name] for name in plots.LINE_COLORS]
    assert all(contrast(color, "white") >= 3 for color in colors)
    rgb = np.array([to_rgb(color) for color in colors])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    for view in views:
        seen = np.clip(linear @ np.transpose(view), 0, 1)
        coded = np.where(seen <= 0.0031308, seen * 12.92, 1.055 * seen ** (1 / 2.4) - 0.055)
        lab = rgb2lab(coded[None])[0]
        distance = np.linalg.norm(lab[:, None] - lab[None], axis=-1)
        assert distance[np.triu_indices(len(colors), 1)].min() > 15


def test_course_style_sets_size_color_and_dashes():
    plots.use_course_style()
    figure, axis = plt.subplots()
    lines = [axis.plot([0, 1])[0] for _ in range(6)]
    assert axis.xaxis.get_ticklabels()[0].get_fontsize() >= 12
    assert axis.title.get_fontsize() >= 12 and axis.title.get_fontweight() == "bold"
    assert figure.dpi == 100 and figure.get_constrained_layout()
    assert len({line.get_color() for line in lines[:5]}) == 5
    assert lines[5].get_color() == lines[0].get_color()
    assert (lines[0].get_linestyle(), lines[5].get_linestyle()) == ("-", "--")
    assert axis.get_axisbelow() and axis.xaxis.get_gridlines()[0].get_visible()


@pytest.mark.parametrize(("formats", "levels"), [({"png"}, [1]), ({"svg"}, [])])
def test_figures_of_a_notebook_are_packed_fast(monkeypatch, formats, levels):
    packed, backend = [], SimpleNamespace(figure_formats=formats)
    inline = "matplotlib_inline.backend_inline.set_matplotlib_formats"
    monkeypatch.setattr("IPython.get_ipython", object)
    monkeypatch.setattr("matplotlib_inline.config.InlineBackend.instance", lambda parent: backend)
    monkeypatch.setattr(inline, lambda kind, pil_kwargs: packed.append(pil_kwargs))
    plots.use_course_style()
    assert packed == [{"compress_level": level} for level in levels]


def test_color_maps_exist_and_the_signed_one_is_white_at_zero():
    signed = matplotlib.colormaps[plots.SIGNED_CMAP]
    assert min(signed(0.5)[:3]) > 0.95
    assert signed(0.0)[2] > signed(0.0)[0] and signed(1.0)[0] > signed(1.0)[2]
    ramp = matplotlib.colormaps[plots.SEQUENTIAL_CMAP](np.linspace(0, 1, 20))
    assert np.all(np.diff([luminance(color[:3]) for color in ramp]) > 0)


@given(st.text(alphabet="abc de\n", max_size=80), st.floats(0.5, 10))
def test_wrap_keeps_the_words(text, width):
    assert plots.wrap(text, width).split() == text.split() or max(map(len, text.split())) > 8


def test_wrapped_words_fill_the_width_and_fit():
    plots.use_course_style()
    title = plt.figure().suptitle(plots.wrap("a title of many words " * 9, 3.0), size=13)
    assert 2 < title.get_window_extent().width / 100 <= 3


# --- Matrices -----------------------------------------------------------------------------------


def drawn() -> list[plt.Axes]:
    return plt.gcf().axes


def test_a_raster_surrounds_every_cell():
    plots.show_numbers(np.zeros((2, 3)))
    (axis,) = drawn()
    lines = [line for lines in axis.collections for line in lines.get_segments()]
    across = {((-0.5, edge), (2.5, edge)) for edge in (-0.5, 0.5, 1.5)}
    down = {((edge, -0.5), (edge, 1.5)) for edge in (-0.5, 0.5, 1.5, 2.5)}
    assert {tuple(map(tuple, line.tolist())) for line in lines} == across | down


def test_numbers_are_written_in_their_cells():
    assert plots.show_numbers(SOBEL, "Sobel x") is None
    (axis,) = drawn()
    minus = "\N{MINUS SIGN}"
    assert texts(axis) == [
        [f"{minus}1", "0", "1"], [f"{minus}2", "0", "2"], [f"{minus}1", "0", "1"],
    ]  # fmt: skip
    assert axis.get_title() == "Sobel x"
    assert axis.images[0].get_clim() == (-2, 2)
    assert axis.images[0].get_cmap().name == plots.SIGNED_CMAP
    assert not axis.get_xticks().size and not axis.get_yticks().size


def test_numbers_in_given_axes():
    figure, axes = plt.subplots(1, 2)
    plots.show_numbers(SOBEL, "right", ax=axes[1], fmt=".1f")
    assert plt.get_fignums() == [figure.number] and axes[1].get_title() == "right"
    assert texts(axes[1])[0] == ["\N{MINUS SIGN}1.0", "0.0", "1.0"] and not axes[0].texts


@pytest.mark.parametrize(
    ("array", "fmt", "expected"),
    [
        ([[0.5, 1]], None, ["0.5", "1.0"]),
        ([[0.25, 1 / 3]], None, ["0.25", "0.33"]),
        ([[-0.001, 0.5]], ".2f", ["0.00", "0.50"]),
        ([[-0.001, 0.5]], "+.2f", ["0.00", "+0.50"]),
        ([[-0.001, 0.5]], "z.2f", ["0.00", "0.50"]),
        ([[7, 255]], ">4.0f", ["   7", " 255"]),
        ([[-0.5, 1e-5]], ".0e", ["\N{MINUS SIGN}5e\N{MINUS SIGN}01", "1e\N{MINUS SIGN}05"]),
        ([[7, 255]], None, ["7", "255"]),
        ([[0.25, 0.5]], lambda value: f"1/{1 / value:.0f}", ["1/4", "1/2"]),
        ([[np.nan, 3]], None, ["", "3"]),
        ([1, 2, 3], None, ["1", "2", "3"]),
        ([[True, False]], None, ["1", "0"]),
        ([range(24)], None, [str(number) for number in range(24)]),
    ],
)
def test_formats(array, fmt, expected):
    plots.show_numbers(array, fmt=fmt)
    assert texts(drawn()[0])[0] == expected


@pytest.mark.parametrize(
    ("grids", "options", "limits"),
    [
        ([[[0, 0.5]], [[0, 200]]], {}, [(0, 1), (0, 200)]),
        ([[[0, 200]]], {"limit": 255}, [(0, 255)]),
        ([[[1, 3]]], {"signed": True}, [(-3, 3)]),
        ([[[-1, 3]], [[0, 9]]], {"limit": 5}, [(-5, 5), (0, 5)]),
        ([[[-1, 3]]], {"signed": False}, [(0, 3)]),
        ([[[0, 0]]], {"signed": True}, [(-1, 1)]),
        ([[[np.nan, np.nan]]], {}, [(0, 1)]),
        # In blue and red, the same color is the same number.
        ([[[0.2, 0.9]], SOBEL, [[-0.5, 4]]], {}, [(0, 1), (-4, 4), (-4, 4)]),
        ([[[0.2, 0.9]], SOBEL], {"signed": np.bool_(True)}, [(-2, 2), (-2, 2)]),
    ],
)
def test_color_limits(grids, options, limits):
    plots.show_number_grids(grids, **options)
    assert [axis.images[0].get_clim() for axis in drawn()] == limits


def test_every_number_contrasts_with_its_cell_and_fits_into_it():
    many = np.linspace(-10, 10, 144).reshape(12, 12)
    plots.show_number_grids([many, np.abs(many) / 10])
    plt.gcf().draw_without_rendering()
    for axis in drawn():
        cell, image = axis.get_window_extent().width / 12, axis.images[0]
        for text in axis.texts:
            x, y = map(int, text.get_position())
            color = image.cmap(image.norm(image.get_array()[y, x]))
            assert contrast(text.get_color(), color[:3]) >= 4.5
            assert text.get_window_extent().width < cell
            assert text.get_fontsize() >= 8


def test_grids_side_by_side():
    grids = {"patch": np.arange(9).reshape(3, 3) / 10, "x": SOBEL, "y\nand their sum": [[0.8]]}
    plots.show_number_grids(grids, highlights=[(0, 1, 3, 2), None, None])
    assert [axis.get_title() for axis in drawn()] == list(grids)
    outlines = [[(*p.get_xy(), p.get_width(), p.get_height()) for p in a.patches] for a in drawn()]
    assert outlines == [[(0.5, -0.5, 2, 3)], [], []]
    figure = plt.gcf()
    figure.draw_without_rendering()
    cells = [a.get_window_extent().width / a.images[0].get_array().shape[1] for a in drawn()]
    assert np.ptp(cells) < 0.5  # the same size in pixels in every grid
    boxes = [axis.get_tightbbox() for axis in drawn()]
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))
    assert boxes[0].x0 >= 0 and boxes[-1].x1 <= figure.bbox.width
    assert all(box.y0 >= 0 and box.y1 <= figure.bbox.height for box in boxes)


@pytest.mark.parametrize(
    ("grid", "options", "part"),
    [
        (np.zeros((25, 3)), {}, "(25, 3)"),
        (np.zeros((2, 2, 2)), {}, "(2, 2, 2)"),
        (np.zeros((0, 2)), {}, "(0, 2)"),
        ([["a"]], {}, "numbers"),
        ([[1, 2], [3]], {}, "numbers"),
        ([[np.inf]], {}, "inf"),
        (SOBEL, {"highlights": [(1, 1, 3, 2)]}, "height of highlight is 3"),
        (SOBEL, {"highlights": [(1, 1, 2, 3)]}, "width of highlight is 3"),
        (SOBEL, {"highlights": [(-1, 0, 1, 1)]}, "row of highlight is -1"),
        (SOBEL, {"highlights": [(0, 3, 1, 1)]}, "column of highlight is 3"),
        (SOBEL, {"highlights": [(0, 0, 0, 1)]}, "height of highlight is 0"),
        (SOBEL, {"highlights": [(0, 0, 1, 0)]}, "width of highlight is 0"),
        (SOBEL, {"highlights": [(0.5, 0, 1, 1)]}, "0.5"),
        (SOBEL, {"highlights": [(0, 0, 1)]}, "(0, 0, 1)"),
        (SOBEL, {"highlights": [None, None]}, "highlights"),
        (SOBEL, {"titles": ["a", "b"]}, "titles"),
        (SOBEL, {"titles": []}, "titles"),
        *((SOBEL, {"limit": limit}, repr(limit)) for limit in (0, -1, np.nan, np.inf, "1")),
        *((SOBEL, {"fmt": fmt}, repr(fmt)) for fmt in ("zz", "d", 2)),
    ],
)
def test_what_is_refused(grid, options, part):
    with pytest.raises(CourseError, match=re.escape(part)):
        plots.show_number_grids([grid], **options)
    with pytest.raises(CourseError, match="grids"):
        plots.show_number_grids([])
    assert not plt.get_fignums()


# --- Colors and pixels --------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [0, -1, np.nan, np.inf, None, "1"])
def test_signed_to_rgb_refuses(limit):
    with pytest.raises(CourseError, match=str(limit)):
        plots.signed_to_rgb(SOBEL, limit)


def test_signed_to_rgb_is_blue_white_red():
    blue, white, red, beyond = plots.signed_to_rgb([-2, 0, 2, 9], limit=2)
    assert blue[2] > blue[0] and red[0] > red[2] and white.min() > 0.95
    assert np.array_equal(red, beyond)


def test_rasterize_gives_the_pixels_and_shows_nothing():
    figure = Figure(figsize=(2, 1), dpi=50)
    figure.add_axes((0, 0, 0.5, 1), facecolor=plots.PALETTE["blue"]).set(xticks=[], yticks=[])
    picture = plots.rasterize(figure)
    assert picture.shape == (50, 100, 3) and picture.dtype == np.float32
    assert picture[25, 25] == pytest.approx(to_rgb(plots.PALETTE["blue"]), abs=1 / 255)
    assert picture[25, 75] == pytest.approx((1, 1, 1))
    assert not plt.get_fignums()


def test_no_grid_runs_through_the_numbers_of_axes_with_ticks():
    plots.use_course_style()
    _, ax = plt.subplots()
    plots.show_numbers(np.eye(3), ax=ax)
    ax.set(xticks=range(3), yticks=range(3))
    lines = [tick.gridline for axis in (ax.xaxis, ax.yaxis) for tick in axis.get_major_ticks()]
    assert lines and not any(line.get_visible() for line in lines)
