"""The widgets without a browser: static and live, and the kernel explorer's arithmetic."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser
from itertools import pairwise

import ipywidgets
import numpy as np
import pytest
import tqdm.auto
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from course_utils import images, widgets
from course_utils.convolution import OPERATORS, correlate2d
from course_utils.widgets import Frame, explore, is_static, kernel_explorer, outline, track
from course_utils.widgets.kernel_explorer import OWN, PHOTOS, SIDE, KernelInput

PICTURE = np.linspace(0, 1, 12).reshape(3, 4)


class Page(HTMLParser):
    """Tags must nest; keeps the attributes of the pictures and the text by tag."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.pictures: list[dict[str, str]] = []
        self.text: dict[str, list[str]] = {}
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list) -> None:
        if tag == "img":
            self.pictures.append(dict(attrs))
        else:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.setdefault(self.open[-1], []).append(data)


def decoded(source: str) -> np.ndarray:
    data = base64.b64decode(source.removeprefix("data:image/png;base64,"))
    return np.asarray(Image.open(io.BytesIO(data)))


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list:
    """What `images.show` and IPython's `display` are given."""
    things: list = []
    monkeypatch.setattr(images, "show", things.append)
    monkeypatch.setattr("IPython.display.display", things.append)
    return things


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch, shown: list) -> list:
    monkeypatch.delenv("COURSE_STATIC", raising=False)
    return shown


def inside(widget: ipywidgets.Widget, kind: type) -> list:
    """All widgets of a kind in a box, in their order."""
    found = [widget] if isinstance(widget, kind) else []
    for child in getattr(widget, "children", ()):
        found += inside(child, kind)
    return found


# --- frame --------------------------------------------------------------------------------------


def test_frame_as_html() -> None:
    frame = Frame({"gray": PICTURE, "color": np.ones((2, 2, 3))}, "1  2\n3  4")
    page = Page(frame.text_html() + frame.pictures_html(123))
    assert [p["alt"] for p in page.pictures] == ["gray", "color"]
    assert [p["width"] for p in page.pictures] == ["123", "123"]
    assert page.text == {"figcaption": ["gray", "color"], "pre": ["1  2\n3  4"]}
    assert np.abs(decoded(page.pictures[0]["src"]) / 255 - PICTURE).max() < 1 / 255
    assert decoded(page.pictures[1]["src"]).shape == (2, 2, 3)


def test_frame_escapes_titles_and_text() -> None:
    title, text = '"><script>alert(1)</script> & <b>', "a < b & c > d <i>"
    frame = Frame({title: PICTURE}, text)
    page = Page(frame.text_html() + frame.pictures_html(10))
    assert page.pictures[0]["alt"] == title
    assert page.text["figcaption"] == [title] and page.text["pre"] == [text]


def test_empty_frame() -> None:
    assert Page(Frame().pictures_html(10)).pictures == []


# --- static -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "static"), [(None, False), ("", False), ("0", False), ("1", True), ("yes", True)]
)
def test_is_static(monkeypatch: pytest.MonkeyPatch, value: str | None, static: bool) -> None:
    monkeypatch.delenv("COURSE_STATIC", raising=False)
    if value is not None:
        monkeypatch.setenv("COURSE_STATIC", value)
    assert is_static() is static


def test_static_shows_the_first_frame_once(shown: list, capsys: pytest.CaptureFixture) -> None:
    calls = []

    def frame(number: float) -> Frame:
        calls.append(number)
        return Frame({"it": PICTURE}, f"number {number}")

    slider = ipywidgets.FloatSlider(2.5)
    explore(frame, {"number": slider})
    assert [list(pictures) for pictures in shown] == [["it"]]
    assert capsys.readouterr().out == "number 2.5\n"
    slider.value = 7
    assert calls == [2.5]


def test_static_frame_without_pictures(shown: list, capsys: pytest.CaptureFixture) -> None:
    explore(lambda: Frame(text="words"), {})
    assert shown == [] and capsys.readouterr().out == "words\n"


# --- live ---------------------------------------------------------------------------------------


def root(square: int) -> Frame:
    if square < 0:
        raise ValueError(f"{square} <is> negative; give 0 or more.")
    return Frame({"it": PICTURE}, f"root {np.sqrt(square):.0f}")


def test_live_frame_follows_its_controls(live: list, capsys: pytest.CaptureFixture) -> None:
    number = ipywidgets.IntText(4)
    explore(root, {"square": number}, width=99)
    (box,) = live
    assert capsys.readouterr().out == ""
    text, pictures = inside(box, ipywidgets.HTML)
    assert number in inside(box, ipywidgets.IntText)
    assert Page(text.value).text["pre"] == ["root 2"]
    assert Page(pictures.value).pictures[0]["width"] == "99"
    number.value = 9
    assert Page(text.value).text["pre"] == ["root 3"]


def test_an_error_is_a_sentence_and_passes(live: list) -> None:
    number = ipywidgets.IntText(-4)
    explore(root, {"square": number})
    output, pictures = inside(live[0], ipywidgets.HTML)
    assert pictures.value == ""
    assert output.value == '<p role="alert">-4 &lt;is&gt; negative; give 0 or more.</p>'
    number.value = 16
    assert "root 4" in output.value and "alert" not in output.value
    assert "<img" in pictures.value
    number.value = -1
    assert 'role="alert"' in output.value and "root" not in output.value


def test_a_bug_is_not_taken_for_an_error_of_the_reader(live: list) -> None:
    def broken() -> Frame:
        raise KeyError("bug")

    with pytest.raises(KeyError):
        explore(broken, {})


def test_a_panel_of_ones_own(live: list) -> None:
    number, panel = ipywidgets.IntText(4), ipywidgets.VBox([ipywidgets.Label("mine")])
    explore(root, {"square": number}, panel)
    assert panel in inside(live[0], ipywidgets.VBox)
    assert number not in inside(live[0], ipywidgets.IntText)


@pytest.mark.parametrize(("value", "disabled"), [("1", True), ("0", False)])
def test_track(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, value: str, disabled: bool
) -> None:
    monkeypatch.setenv("COURSE_STATIC", value)
    monkeypatch.setattr(tqdm.auto, "tqdm", tqdm.std.tqdm)  # in a terminal, as a notebook's is HTML
    bar = track(range(5), "learning")
    assert bar.disable is disabled
    assert list(bar) == [0, 1, 2, 3, 4]
    assert ("learning" in capsys.readouterr().err) is not disabled
    assert list(track((n for n in "ab"), "letters", total=2)) == ["a", "b"]


# --- outline ------------------------------------------------------------------------------------


@given(
    st.integers(0, 9), st.integers(0, 9), st.integers(1, 4), st.integers(1, 4), st.integers(1, 3)
)
def test_outline_frames_the_window_and_nothing_else(
    top: int, left: int, height: int, width: int, thickness: int
) -> None:
    image = np.random.default_rng(0).random((8, 9, 3))
    before = image.copy()
    framed = outline(image, top, left, height, width, (1, 0, 0), thickness)
    y, x = np.mgrid[:8, :9]

    def within(grow: int) -> np.ndarray:
        rows = (top - grow <= y) & (y < top + height + grow)
        return rows & (left - grow <= x) & (x < left + width + grow)

    frame = within(thickness) & ~within(0)
    assert np.all(framed[frame] == (1, 0, 0))
    assert np.array_equal(framed[~frame], image[~frame])
    assert np.array_equal(image, before)


def test_outline_of_a_gray_picture_is_colored() -> None:
    framed = outline(PICTURE, 1, 1, 1, 1, (0.84, 0.37, 0.0))
    assert framed.shape == (3, 4, 3)
    assert np.array_equal(framed[:, 3], np.repeat(PICTURE[:, 3:], 3, axis=1))
    assert np.allclose(framed[0, 0], (0.84, 0.37, 0.0)) and np.allclose(framed[1, 1], PICTURE[1, 1])


# --- kernel explorer ----------------------------------------------------------------------------

POSITION = st.integers(0, SIDE - 3)
NUMBERS = st.floats(-9, 9).map(lambda x: round(x, 2))
KERNEL = st.one_of(
    st.sampled_from([tuple(kernel.ravel()) for kernel in OPERATORS.values()]),
    st.tuples(*[NUMBERS] * 9),
)


@settings(max_examples=25)
@given(st.sampled_from(PHOTOS), KERNEL, POSITION, POSITION)
def test_explorer_sums_what_correlate2d_does(
    photo: str, kernel: tuple[float, ...], row: int, column: int
) -> None:
    shown = kernel_explorer.frame(photo, kernel, row, column, False)
    image = images.sample(photo, size=SIDE, gray=True)
    answer = correlate2d(image, np.reshape(kernel, (3, 3)))[row, column]
    *table, total = shown.text.splitlines()
    assert abs(float(total.removeprefix("sum of the nine products:")) - answer) <= 0.0005 + 1e-6
    numbers = [list(map(float, re.findall(r"-?[\d.]+(?:e[+-]\d+)?", line))) for line in table[1:]]
    pixels, weights, products = np.reshape(numbers, (3, 3, 3)).transpose(1, 0, 2)
    assert np.abs(pixels - image[row : row + 3, column : column + 3]).max() <= 0.005 + 1e-6
    assert np.allclose(weights, np.reshape(kernel, (3, 3)), rtol=0.005, atol=0)
    assert abs(products.sum() - answer) <= 9 * 0.0005 + 1e-6
    assert all(len(line) == len(table[1]) for line in table[1:])  # the columns stay in line


def rgb_of_zero(kernel: np.ndarray) -> np.ndarray:
    """The color that an answer of zero has in the explorer."""
    return kernel_explorer._as_picture(np.zeros((1, 1)), kernel)[1][0, 0]


@settings(max_examples=25)
@given(st.sampled_from(PHOTOS), st.sampled_from(list(OPERATORS)), POSITION, POSITION)
def test_only_so_far_shows_nothing_after_the_window(
    photo: str, operator: str, row: int, column: int
) -> None:
    kernel = OPERATORS[operator]
    all_of_it, so_far = (
        list(
            kernel_explorer.frame(
                photo, tuple(kernel.ravel()), row, column, only_so_far
            ).pictures.values()
        )
        for only_so_far in (False, True)
    )
    for whole, part in zip(all_of_it[:2], so_far[:2], strict=True):
        assert np.array_equal(whole, part)  # photo and magnified window
    whole, part = all_of_it[2], so_far[2]
    assert whole.shape == part.shape == (SIDE - 2, SIDE - 2, 3)
    number = np.arange((SIDE - 2) ** 2).reshape(SIDE - 2, SIDE - 2)
    y, x = np.mgrid[: SIDE - 2, : SIDE - 2]
    mark = (np.abs(y - row) <= 1) & (np.abs(x - column) <= 1)
    now = row * (SIDE - 2) + column
    assert np.array_equal(part[number <= now], whole[number <= now])
    assert np.all(part[(number > now) & ~mark] == rgb_of_zero(kernel))


@settings(max_examples=25)
@given(POSITION, POSITION)
def test_magnified_window_is_the_one_of_the_numbers(row: int, column: int) -> None:
    pictures = kernel_explorer.frame("camera", (0.0,) * 9, row, column, False).pictures
    image = images.sample("camera", size=SIDE, gray=True)
    photo, magnified = pictures["photo: camera"], pictures["magnified"]
    assert magnified.shape == (176, 176, 3) and photo.shape == (SIDE, SIDE, 3)
    window = image[row : row + 3, column : column + 3]
    assert np.allclose(photo[row : row + 3, column : column + 3], window[..., None])
    marked = np.all(magnified == np.asarray(kernel_explorer._MARK, magnified.dtype), axis=-1)
    # Inside its frame stand the nine pixels, each as a square of 16 by 16.
    rows, columns = (np.flatnonzero(marked.any(axis=axis)) for axis in (1, 0))
    top = rows[0] + 3 if row else 0
    left = columns[0] + 3 if column else 0
    nine = magnified[top : top + 48, left : left + 48]
    assert np.allclose(nine, np.kron(window, np.ones((16, 16)))[..., None])


def test_pictures_of_kernels_that_sum_to_zero_are_signed() -> None:
    titles = {
        name: list(kernel_explorer.frame("cat", tuple(k.ravel()), 5, 5, False).pictures)[2]
        for name, k in OPERATORS.items()
    }
    signed = {name for name, title in titles.items() if "red positive" in title}
    assert signed == {
        n for n in OPERATORS if n.split()[0] in ("Sobel", "Prewitt", "Kirsch", "Laplace")
    }
    nothing = kernel_explorer.frame("cat", (0.0,) * 9, 5, 5, False)
    assert "cut to [0, 1]" in list(nothing.pictures)[2] and nothing.text.endswith("products: 0.000")


def changes_of(widget: ipywidgets.Widget) -> list:
    seen: list = []
    widget.observe(lambda change: seen.append(change["new"]), names="value")
    return seen


def test_kernel_input_has_one_value() -> None:
    kernel = KernelInput(OPERATORS["mean"])
    fields = inside(kernel, ipywidgets.FloatText)
    assert len(fields) == 9 and kernel.value == (1 / 9,) * 9
    assert fields[5].description == "kernel, row 1, column 2"
    seen = changes_of(kernel)
    kernel.value = tuple(OPERATORS["Sobel x"].ravel())
    assert seen == [(-1, 0, 1, -2, 0, 2, -1, 0, 1)]
    assert [f.value for f in fields] == [-1, 0, 1, -2, 0, 2, -1, 0, 1]
    fields[4].value = 7.5
    assert seen[1:] == [(-1, 0, 1, -2, 7.5, 2, -1, 0, 1)]


@pytest.fixture
def explorer(live: list) -> dict[str, ipywidgets.Widget]:
    kernel_explorer.show()
    (box,) = live
    menus = {menu.description: menu for menu in inside(box, ipywidgets.Dropdown)}
    sliders = {slider.description: slider for slider in inside(box, ipywidgets.IntSlider)}
    (kernel,), (text, output) = inside(box, KernelInput), inside(box, ipywidgets.HTML)
    (only_so_far,) = inside(box, ipywidgets.Checkbox)
    shown = {"text": text, "output": output}
    return {**menus, **sliders, "kernel": kernel, "only_so_far": only_so_far, **shown}


def test_menu_fills_the_numbers_with_one_redraw(explorer: dict[str, ipywidgets.Widget]) -> None:
    drawn, kernels = changes_of(explorer["output"]), changes_of(explorer["kernel"])
    for name in ("Laplace 8", "mean", "emboss"):
        explorer["operator"].value = name
        assert explorer["kernel"].value == tuple(OPERATORS[name].ravel())
        assert explorer["operator"].value == name
    assert len(drawn) == len(kernels) == 3
    assert all(one != other for one, other in pairwise(drawn))


def test_numbers_choose_the_menu(explorer: dict[str, ipywidgets.Widget]) -> None:
    fields = inside(explorer["kernel"], ipywidgets.FloatText)
    drawn = changes_of(explorer["output"])
    fields[0].value = -5
    assert explorer["operator"].value == OWN
    assert [f.value for f in fields] == [-5, 0, 1, -2, 0, 2, -1, 0, 1]
    fields[0].value = -1
    assert explorer["operator"].value == "Sobel x" and len(drawn) == 2
    explorer["operator"].value = OWN  # chosen by hand: the numbers stay
    assert explorer["kernel"].value == (-1, 0, 1, -2, 0, 2, -1, 0, 1) and len(drawn) == 2


def test_each_control_redraws(explorer: dict[str, ipywidgets.Widget]) -> None:
    drawn = changes_of(explorer["output"])
    explorer["photo"].value = "coffee"
    explorer["row"].value = SIDE - 3
    explorer["column"].value = 0
    explorer["only_so_far"].value = True
    explorer["row"].value = 0
    assert len(drawn) == 5 and not any("alert" in html for html in drawn)
    assert [p["alt"] for p in Page(drawn[-1]).pictures] == [
        "photo: coffee",
        "magnified",
        "answers, red positive",
    ]
    assert (explorer["row"].max, explorer["column"].max) == (SIDE - 3, SIDE - 3)


@pytest.mark.parametrize("operator", ["mean", "Kirsch SW"])
def test_explorer_stands_still_where_static(
    shown: list, capsys: pytest.CaptureFixture, operator: str
) -> None:
    kernel_explorer.show("brick", operator)
    assert [next(iter(pictures)) for pictures in shown] == ["photo: brick"]
    assert re.search(r"sum of the nine products: -?\d+\.\d{3}\n$", capsys.readouterr().out)


def test_explorer_starts_at_an_edge_worth_looking_at() -> None:
    # Sobel's answer at the starting window is far from zero, so that the sum shows something.
    response = correlate2d(images.sample("camera", size=SIDE, gray=True), OPERATORS["Sobel x"])
    assert abs(response[62, 20]) > 0.5


def test_frame_pictures_keep_their_pixels() -> None:
    page = Page(Frame({"it": PICTURE}).pictures_html(10))
    assert "image-rendering:pixelated" in page.pictures[0]["style"]


def test_track_knows_the_total_and_leaves_nothing() -> None:
    bar = track((n for n in "ab"), "letters", total=2)
    assert bar.total == 2 and bar.leave is False


def test_fields_for_an_own_file_can_be_used_for_it_only() -> None:
    menu = ipywidgets.Dropdown(options=["cat", widgets.OWN])
    text, upload = widgets.own_file_controls(menu, "image/*", "a.png", "b.png", "choose a photo")
    assert (text.value, text.placeholder) == ("a.png", "b.png")
    assert (upload.accept, upload.description) == ("image/*", "choose a photo")
    assert text.disabled and upload.disabled
    menu.value = widgets.OWN
    assert not text.disabled and not upload.disabled
    menu.value = "cat"
    assert text.disabled and upload.disabled
    assert widgets.own_file_controls(menu, "image/*")[1].description == "choose a file"


def test_an_own_file_that_was_chosen_goes_before_a_path() -> None:
    chosen = ({"content": memoryview(b"first")}, {"content": memoryview(b"second")})
    assert widgets.own_file(" a.png ", chosen, "a photo") == b"first"
    assert widgets.own_file(" a.png ", (), "a photo") == "a.png"
    with pytest.raises(ValueError, match="path of a photo into the field"):
        widgets.own_file("  ", (), "a photo")
