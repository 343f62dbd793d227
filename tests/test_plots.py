"""Facts about the figures: what is written, outlined, colored, and how large."""

from __future__ import annotations

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
from matplotlib.patches import Rectangle

from course_utils import plots

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


def windows(axis) -> list[tuple[float, ...]]:
    return [
        (*patch.get_xy(), patch.get_width(), patch.get_height())
        for patch in axis.patches
        if isinstance(patch, Rectangle)
    ]


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


@pytest.mark.parametrize(
    ("formats", "packed"),
    [({"png"}, [(("png",), {"pil_kwargs": {"compress_level": 1}})]), ({"svg"}, [])],
)
def test_figures_of_a_notebook_are_packed_fast_unless_it_asks_for_others(
    monkeypatch, formats, packed
):
    called = []
    monkeypatch.setattr("IPython.get_ipython", lambda: object())
    monkeypatch.setattr(
        "matplotlib_inline.config.InlineBackend.instance",
        lambda parent: SimpleNamespace(figure_formats=formats),
    )
    monkeypatch.setattr(
        "matplotlib_inline.backend_inline.set_matplotlib_formats",
        lambda *names, **options: called.append((names, options)),
    )
    plots.use_course_style()
    assert called == packed


def test_color_maps_exist_and_the_signed_one_is_white_at_zero():
    signed = matplotlib.colormaps[plots.SIGNED_CMAP]
    assert min(signed(0.5)[:3]) > 0.95
    assert signed(0.0)[2] > signed(0.0)[0] and signed(1.0)[0] > signed(1.0)[2]
    ramp = matplotlib.colormaps[plots.SEQUENTIAL_CMAP](np.linspace(0, 1, 20))
    assert np.all(np.diff([luminance(color[:3]) for color in ramp]) > 0)


@given(st.text(alphabet="abc de\n", max_size=80), st.floats(0.5, 10))
def test_wrap_keeps_the_words(text, width):
    assert plots.wrap(text, width).split() == text.split() or max(map(len, text.split())) > 8


# --- One matrix ---------------------------------------------------------------------------------


def test_a_raster_surrounds_every_cell():
    plots.show_numbers(np.zeros((2, 3)))
    (axis,) = plt.gcf().axes
    lines = [line for lines in axis.collections for line in lines.get_segments()]
    drawn = {tuple(map(tuple, line.tolist())) for line in lines}
    across = {((-0.5, edge), (2.5, edge)) for edge in (-0.5, 0.5, 1.5)}
    down = {((edge, -0.5), (edge, 1.5)) for edge in (-0.5, 0.5, 1.5, 2.5)}
    assert drawn == across | down


def test_numbers_are_written_in_their_cells():
    assert plots.show_numbers(SOBEL, "Sobel x") is None
    (axis,) = plt.gcf().axes
    minus = "\N{MINUS SIGN}"
    assert texts(axis) == [
        [f"{minus}1", "0", "1"], [f"{minus}2", "0", "2"], [f"{minus}1", "0", "1"],
    ]  # fmt: skip
    assert axis.get_title() == "Sobel x"
    assert axis.images[0].get_clim() == (-2, 2)
    assert axis.images[0].get_cmap().name == plots.SIGNED_CMAP
    assert not axis.get_xticks().size and not axis.get_yticks().size


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
    ],
)
def test_formats(array, fmt, expected):
    plots.show_numbers(array, fmt=fmt)
    assert texts(plt.gcf().axes[0])[0] == expected


@pytest.mark.parametrize(
    ("array", "options", "limits"),
    [
        ([[0, 0.5]], {}, (0, 1)),
        ([[0, 200]], {}, (0, 200)),
        ([[0, 200]], {"limit": 255}, (0, 255)),
        ([[1, 3]], {"signed": True}, (-3, 3)),
        ([[-1, 3]], {"limit": 5}, (-5, 5)),
        ([[0, 0]], {"signed": True}, (-1, 1)),
        ([[np.nan, np.nan]], {}, (0, 1)),
    ],
)
def test_color_limits(array, options, limits):
    plots.show_numbers(array, **options)
    assert plt.gcf().axes[0].images[0].get_clim() == limits


def test_every_number_contrasts_with_its_cell_and_fits_into_it():
    plots.show_numbers(np.linspace(-10, 10, 144).reshape(12, 12))
    plots.show_numbers(np.linspace(0, 1, 144).reshape(12, 12))
    for number in plt.get_fignums():
        figure = plt.figure(number)
        (axis,) = figure.axes
        figure.draw_without_rendering()
        cell = axis.get_window_extent().width / 12
        image = axis.images[0]
        for text in axis.texts:
            x, y = map(int, text.get_position())
            color = image.cmap(image.norm(image.get_array()[y, x]))
            assert contrast(text.get_color(), color[:3]) >= 4.5
            assert text.get_window_extent().width < cell
            assert text.get_fontsize() >= 8


def test_highlight_outlines_windows():
    plots.show_numbers(np.zeros((5, 6)), highlight=(1, 2, 3, 3))
    assert windows(plt.gcf().axes[0]) == [(1.5, 0.5, 3, 3)]
    plots.show_numbers(np.zeros((5, 6)), highlight=[(0, 0, 1, 1), (4, 5, 1, 1)])
    assert windows(plt.gcf().axes[0]) == [(-0.5, -0.5, 1, 1), (4.5, 3.5, 1, 1)]


def test_numbers_in_given_axes():
    figure, axes = plt.subplots(1, 2)
    plots.show_numbers(SOBEL, ax=axes[1])
    assert plt.get_fignums() == [figure.number]
    assert len(axes[1].texts) == 9 and not axes[0].texts


@pytest.mark.parametrize(
    ("array", "highlight", "part"),
    [
        (np.zeros((25, 3)), None, "24"),
        (np.zeros((2, 2, 2)), None, "(2, 2, 2)"),
        (np.zeros((0, 2)), None, "(0, 2)"),
        ([["a"]], None, "no real numbers"),
        ([[1, 2], [3]], None, "no real numbers"),
        ([[np.inf]], None, "infinity"),
        (SOBEL, (1, 1, 3, 3), "leaves the matrix"),
        (SOBEL, (-1, 0, 1, 1), "leaves the matrix"),
        (SOBEL, (0, 0, 0, 1), "leaves the matrix"),
        (SOBEL, (0, 0, 1), "no window"),
        (SOBEL, (0.5, 0, 1, 1), "no window"),
    ],
)
def test_numbers_refuse(array, highlight, part):
    with pytest.raises(ValueError) as error:
        plots.show_numbers(array, highlight=highlight)
    text = str(error.value)
    assert part in text and "; " in text and text.endswith(".") and "\n" not in text
    assert not plt.get_fignums()


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"limit": 0}, "limit is 0;"),
        ({"limit": -1}, "limit is -1;"),
        ({"limit": np.nan}, "limit is nan;"),
        ({"limit": "1"}, "limit is '1';"),
        ({"fmt": "zz"}, "fmt='zz' is no format"),
        ({"fmt": "d"}, "fmt='d' is no format"),
        ({"fmt": 2}, "fmt=2 is no format"),
    ],
)
def test_options_refuse(options, part):
    with pytest.raises(ValueError) as error:
        plots.show_numbers(SOBEL, **options)
    text = str(error.value)
    assert part in text and "; " in text and text.endswith(".") and "\n" not in text
    assert not plt.get_fignums()
    with pytest.raises(ValueError) as in_axes:
        plots.show_numbers(SOBEL, ax=plt.figure().add_subplot(), **options)
    assert str(in_axes.value) == text


@pytest.mark.parametrize("limit", [0, -1, np.nan, np.inf, None, "1"])
def test_signed_to_rgb_refuses(limit):
    with pytest.raises(ValueError, match="give a number above 0"):
        plots.signed_to_rgb(SOBEL, limit)


def test_signed_to_rgb_is_blue_white_red():
    blue, white, red, beyond = plots.signed_to_rgb([-2, 0, 2, 9], limit=2)
    assert blue[2] > blue[0] and red[0] > red[2] and white.min() > 0.95
    assert np.array_equal(red, beyond)


# --- Several ------------------------------------------------------------------------------------


def test_grids_side_by_side_with_signs_between():
    patch = np.arange(9).reshape(3, 3) / 10
    grids = {"patch": patch, "kernel": SOBEL, "products": patch * SOBEL, "sum": [[0.8]]}
    plots.show_number_grids(
        grids,
        symbols=["\N{MULTIPLICATION SIGN}", "=", "sum"],
        highlights=[(0, 0, 1, 1)] + [None] * 3,
    )
    figure = plt.gcf()
    assert [axis.get_title() for axis in figure.axes] == list(grids)
    assert [text.get_text() for text in figure.texts] == ["\N{MULTIPLICATION SIGN}", "=", "sum"]
    assert [len(windows(axis)) for axis in figure.axes] == [1, 0, 0, 0]
    figure.draw_without_rendering()
    cells = [
        axis.get_window_extent().width / axis.images[0].get_array().shape[1] for axis in figure.axes
    ]
    assert np.ptp(cells) < 0.5  # the same size in pixels in every grid
    boxes = [axis.get_tightbbox() for axis in figure.axes]
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))
    assert boxes[0].x0 >= 0 and boxes[-1].x1 <= figure.bbox.width
    assert all(box.y0 >= 0 and box.y1 <= figure.bbox.height for box in boxes)


def test_grids_in_blue_and_red_share_their_scale():
    plots.show_number_grids([[[0.2, 0.9]], SOBEL, [[-0.5, 4]]])
    assert [axis.images[0].get_clim() for axis in plt.gcf().axes] == [(0, 1), (-4, 4), (-4, 4)]
    for signed in ([True, None], np.bool_(True)):
        plots.show_number_grids([[[0.2, 0.9]], SOBEL], signed=signed)
        assert [axis.images[0].get_clim() for axis in plt.gcf().axes] == [(-2, 2), (-2, 2)]


@pytest.mark.parametrize(
    "options",
    [{"symbols": ["+", "="]}, {"titles": ["a"]}, {"highlights": [None]}, {"signed": [True]}],
)
def test_grids_refuse_wrong_counts(options):
    with pytest.raises(ValueError, match=rf"{next(iter(options))} has \d entries; give \d\."):
        plots.show_number_grids([SOBEL, SOBEL], **options)
    with pytest.raises(ValueError, match="grids is empty"):
        plots.show_number_grids([])


def test_rasterize_gives_the_pixels_and_shows_nothing():
    figure = Figure(figsize=(2, 1), dpi=50)
    figure.add_axes((0, 0, 0.5, 1), facecolor=plots.PALETTE["blue"]).set(xticks=[], yticks=[])
    picture = plots.rasterize(figure)
    assert picture.shape == (50, 100, 3) and picture.dtype == np.float32
    assert picture[25, 25] == pytest.approx(to_rgb(plots.PALETTE["blue"]), abs=1 / 255)
    assert picture[25, 75] == pytest.approx((1, 1, 1))
    assert not plt.get_fignums()
