"""The widgets without a browser: static and live, and the kernel explorer's arithmetic."""

from __future__ import annotations

import base64
import io
import re
from itertools import pairwise

import ipywidgets
import numpy as np
import pytest
import tqdm.auto
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from course_utils import images, plots
from course_utils.ask import CourseError
from course_utils.convolution import OPERATORS, correlate2d
from course_utils.live import is_static
from course_utils.widgets import (
    OWN,
    Frame,
    explore,
    kernel_explorer,
    own_file,
    own_file_controls,
    track,
)
from course_utils.widgets.kernel_explorer import PHOTOS, SIDE, KernelInput
from tests.pages import Page

PICTURE = np.linspace(0, 1, 12).reshape(3, 4)


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
    title, text = '"><script>alert(1)</script> & <b>', "1  < 2\n3 & 4 <i>"
    frame = Frame({title: PICTURE, "color": np.ones((2, 2, 3))}, text)
    page = Page(frame.text_html() + frame.pictures_html(123))
    assert [p["alt"] for p in page.pictures] == [title, "color"]
    assert [p["width"] for p in page.pictures] == ["123", "123"]
    assert "image-rendering:pixelated" in page.pictures[0]["style"]
    assert page.text == {"figcaption": [title, "color"], "pre": [text]}
    assert np.abs(decoded(page.pictures[0]["src"]) / 255 - PICTURE).max() < 1 / 255
    assert decoded(page.pictures[1]["src"]).shape == (2, 2, 3)
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
        return Frame({"it": PICTURE} if number > 0 else {}, f"number {number}")

    slider = ipywidgets.FloatSlider(2.5, min=-9)
    explore(frame, {"number": slider})
    assert [list(pictures) for pictures in shown] == [["it"]]
    assert capsys.readouterr().out == "number 2.5\n"
    slider.value = -7
    assert calls == [2.5]
    explore(frame, {"number": slider})  # no pictures: words alone
    assert len(shown) == 1 and capsys.readouterr().out == "number -7.0\n"


# --- live ---------------------------------------------------------------------------------------


def root(square: int) -> Frame:
    if square < 0:
        raise CourseError(f"{square} <is> negative; give 0 or more.")
    return Frame({"it": PICTURE}, f"root {np.sqrt(square):.0f}")


def test_live_frame_follows_its_controls(live: list, capsys: pytest.CaptureFixture) -> None:
    number = ipywidgets.IntText(-4)
    explore(root, {"square": number}, width=99)
    (box,) = live
    assert number in inside(box, ipywidgets.IntText)
    text, pictures = inside(box, ipywidgets.HTML)
    assert text.value == '<p role="alert">-4 &lt;is&gt; negative; give 0 or more.</p>'
    for square, answer in ((4, "root 2"), (9, "root 3")):
        number.value = square
        assert Page(text.value).text == {"pre": [answer]}
        assert Page(pictures.value).pictures[0]["width"] == "99"
    number.value = -1
    assert 'role="alert"' in text.value and pictures.value == ""
    assert capsys.readouterr().out == ""


def test_a_bug_is_not_taken_for_an_error_of_the_reader(live: list) -> None:
    def broken() -> Frame:
        raise ValueError("bug")

    with pytest.raises(ValueError, match="bug"):
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
    bar = track((n for n in "ab"), "letters", total=2)
    assert bar.total == 2 and bar.leave is False
    assert list(bar) == ["a", "b"]


# --- a file of the reader's ---------------------------------------------------------------------


def test_fields_for_an_own_file_can_be_used_for_it_only() -> None:
    menu = ipywidgets.Dropdown(options=["cat", OWN])
    text, upload = own_file_controls(menu, "image/*", "a.png", "b.png", "choose a photo")
    assert (text.value, text.placeholder, text.continuous_update) == ("a.png", "b.png", False)
    assert (upload.accept, upload.description) == ("image/*", "choose a photo")
    for chosen in ("cat", OWN, "cat"):
        menu.value = chosen
        assert text.disabled == upload.disabled == (chosen == "cat")


def test_an_own_file_that_was_chosen_goes_before_a_path() -> None:
    chosen = ({"content": memoryview(b"first")}, {"content": memoryview(b"second")})
    assert own_file(" a.png ", chosen, "a photo") == b"first"
    assert own_file(" a.png ", (), "a photo") == "a.png"
    with pytest.raises(CourseError, match="a photo"):
        own_file("  ", (), "a photo")


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


@settings(max_examples=25)
@given(st.sampled_from(PHOTOS), st.sampled_from(list(OPERATORS)), POSITION, POSITION)
def test_only_so_far_shows_nothing_after_the_window(
    photo: str, operator: str, row: int, column: int
) -> None:
    kernel = tuple(OPERATORS[operator].ravel())
    complete, so_far = (
        kernel_explorer.frame(photo, kernel, row, column, only_so_far).pictures
        for only_so_far in (False, True)
    )
    *same, title = complete
    for name in same:  # photo and magnified window
        assert np.array_equal(complete[name], so_far[name])
    whole, part = complete[title], so_far[title]
    assert whole.shape == part.shape == (SIDE - 2, SIDE - 2, 3)
    number = np.arange((SIDE - 2) ** 2).reshape(SIDE - 2, SIDE - 2)
    y, x = np.mgrid[: SIDE - 2, : SIDE - 2]
    mark = (np.abs(y - row) <= 1) & (np.abs(x - column) <= 1)
    now = row * (SIDE - 2) + column
    assert np.array_equal(part[number <= now], whole[number <= now])
    of_zero = plots.signed_to_rgb(np.zeros((1, 1)), 1.0)[0, 0] if "positive" in title else 0.0
    assert np.all(part[(number > now) & ~mark] == of_zero)


@settings(max_examples=25)
@given(POSITION, POSITION)
def test_magnified_window_is_the_one_of_the_numbers(row: int, column: int) -> None:
    pictures = kernel_explorer.frame("camera", (0.0,) * 9, row, column, False).pictures
    image = images.sample("camera", size=SIDE, gray=True)
    photo, magnified = pictures["photo: camera"], pictures["magnified"]
    assert magnified.shape == (176, 176, 3) and photo.shape == (SIDE, SIDE, 3)
    window = image[row : row + 3, column : column + 3]
    assert np.allclose(photo[row : row + 3, column : column + 3], window[..., None])
    marked = np.all(np.isclose(magnified, (0.84, 0.37, 0.0)), axis=-1)
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


def test_menu_fills_the_numbers_with_one_redraw_and_they_choose_the_menu(
    explorer: dict[str, ipywidgets.Widget],
) -> None:
    menu, kernel = explorer["operator"], explorer["kernel"]
    drawn, kernels = changes_of(explorer["output"]), changes_of(kernel)
    for name in ("Laplace 8", "mean", "Sobel x"):
        menu.value = name
        assert kernel.value == tuple(OPERATORS[name].ravel()) and menu.value == name
    assert len(drawn) == len(kernels) == 3
    assert all(one != other for one, other in pairwise(drawn))
    fields = inside(kernel, ipywidgets.FloatText)
    for number, chosen in ((-5, OWN), (-1, "Sobel x")):
        fields[0].value = number
        assert menu.value == chosen
        assert [f.value for f in fields] == [number, 0, 1, -2, 0, 2, -1, 0, 1]
    menu.value = OWN  # chosen by hand: the numbers stay
    assert kernel.value == (-1, 0, 1, -2, 0, 2, -1, 0, 1) and len(drawn) == 5


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


def test_explorer_starts_at_an_edge_worth_looking_at(
    shown: list, capsys: pytest.CaptureFixture
) -> None:
    kernel_explorer.show("camera", "Sobel x")
    assert [next(iter(pictures)) for pictures in shown] == ["photo: camera"]
    *_, total = capsys.readouterr().out.split()
    assert abs(float(total)) > 0.5  # far from zero, so that the sum shows something
    for names, wrong in ((("dog", "mean"), "dog"), (("cat", "Sobel z"), "Sobel z")):
        with pytest.raises(CourseError, match=wrong):
            kernel_explorer.show(*names)
