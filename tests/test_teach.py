"""What instructors get: slides that present without a network, and twins for live coding."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from playwright.sync_api import Browser, Page, sync_playwright

from course_utils.exercises import exercises_of
from course_utils.lessons import all_lessons
from tools import teach

LESSONS = [lesson.path for lesson in all_lessons()]
lessons = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


@cache
def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def markdown(source: str, kind: str = "-") -> nbformat.NotebookNode:
    return new_markdown_cell(source, metadata={"slideshow": {"slide_type": kind}})


def code(source: str, *outputs: Any, kind: str = "-", tag: str = "x") -> nbformat.NotebookNode:
    metadata = {"slideshow": {"slide_type": kind}, "tags": [tag]}
    return new_code_cell(source, outputs=list(outputs), metadata=metadata)


# --- twins ----------------------------------------------------------------------------------------


@lessons
def test_the_live_twin_has_no_outputs_and_no_answers(path: Path) -> None:
    original, twin = read(path), teach.live(read(path))
    nbformat.validate(twin)
    solutions = [exercise.solution.strip() for exercise in exercises_of(path.name[:2])]
    stubs = [cell.source for cell in original.cells if teach.tagged(cell, "exercise:")]
    assert [cell.source for cell in twin.cells if teach.tagged(cell, "exercise:")] == stubs
    for cell in twin.cells:
        assert teach.kind(cell) != "notes"
        assert not any(solution in cell.source for solution in solutions)
        if cell.cell_type == "markdown":
            before = cell.source.partition("**What we observe")[0]
            assert before == cell.source or before.endswith("</summary>\n\n"), "not folded away"
            continue
        assert cell.outputs == [] and cell.execution_count is None
        if not teach.tagged(cell, "exercise:"):
            assert all(is_open(function) for function in functions(cell.source)), cell.source
    assert any(teach.TYPE_HERE in cell.source for cell in twin.cells)


def functions(source: str) -> list[ast.FunctionDef]:
    tree = ast.parse(source.partition(teach.PLOT)[0])
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def is_open(function: ast.FunctionDef) -> bool:
    """Whether the function's body is ``...``, perhaps below a docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return [ast.unparse(statement) for statement in body] in ([], ["..."])


@lessons
def test_the_solved_twin_has_the_solutions(path: Path) -> None:
    twin = teach.solved(read(path), path.name[:2])
    nbformat.validate(twin)
    found = {teach.tagged(cell, "exercise:"): cell.source for cell in twin.cells}
    found.pop("")
    exercises = exercises_of(path.name[:2])
    assert found == {exercise.name: exercise.solution.strip() for exercise in exercises}
    for cell in twin.cells:
        if cell.cell_type == "code":
            ast.parse(cell.source)
            assert cell.outputs == []  # they would say "not done yet"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def f(x):\n    y = x\n    return y", "def f(x):\n    ...  # live"),
        ("def f(x): return x", "def f(x): ...  # live"),
        ("def f(x):  # why\n    # how\n    return x", "def f(x):  # why\n    ...  # live"),
        ("def f(\n    x,\n):\n    return x\nf(1)", "def f(\n    x,\n):\n    ...  # live\nf(1)"),
        ('def f():\n    """What."""\n    return 1', 'def f():\n    """What."""\n    ...  # live'),
        ('def f():\n    """Nothing."""', 'def f():\n    """Nothing."""'),
        ("def f():\n    def g():\n        return 1\n    return g", "def f():\n    ...  # live"),
        (
            "class A:\n    def f(self):\n        pass",
            "class A:\n    def f(self):\n        ...  # live",
        ),
        ("x = [1]\nprint(x)  # shown", "x = [1]\nprint(x)  # shown"),
        (
            "def f():\n    return 1\n# extra: plot\ndef g():\n    return 2",
            "def f():\n    ...  # live\n# extra: plot\ndef g():\n    return 2",
        ),
    ],
)
def test_bodies_of_functions_are_to_be_typed(source: str, expected: str) -> None:
    assert teach.without_bodies(source) == expected


def test_what_is_seen_is_folded_and_what_follows_is_not() -> None:
    text = "**What we observe.** A line\nfalls.\n\nNext:"
    fold = "<details><summary>What we observe</summary>\n\n{}\n\n</details>"
    assert teach.folded(text) == fold.format("**What we observe.** A line\nfalls.") + "\n\nNext:"
    assert teach.folded("*A cat.*") == fold.format("*A cat.*")
    for other in ("**Predict:** what?", "*One* word.", "*One* and *two*", "## Heading"):
        assert teach.folded(other) == other


# --- the parts of slides --------------------------------------------------------------------------


def test_prose_becomes_html_that_needs_no_network() -> None:
    shown = teach.to_html(
        "**Predict:** is $a_1 < b$?\n\n$$\\frac{1}{2}$$\n\n"
        "[next](02_dimensions.ipynb), [words](GLOSSARY.md), [there](https://example.org)"
    )
    assert '<p class="cue predict">' in shown
    assert shown.count("<math") == 2 and "<mfrac>" in shown and "$" not in shown
    assert re.findall('href="(.*?)"', shown) == ["02_dimensions.html", "https://example.org"]


def test_formulas_that_latex2mathml_alone_would_spoil() -> None:
    shown = teach.to_mathml(
        r"\arg\max_q \lVert a - \lvert b\rvert\rVert_1 + \operatorname{sign}(x)"
    )
    assert "\\" not in shown
    assert shown.count('form="prefix"') == shown.count('form="postfix"') == 2
    assert "<mi>I</mi><mo" in teach.to_mathml("I'")
    assert ">arg<" in shown and ">sign<" in shown


def test_a_cell_shows_its_code_without_plotting_then_its_outputs() -> None:
    cell = code(
        "a = 1\n# extra: plot\nplt.show()",
        new_output("stream", name="stdout", text="1 < 2\n"),
        new_output("stream", name="stderr", text="progress"),
        new_output("display_data", {"image/png": "AAAA", "text/plain": "<Figure>"}),
        new_output("display_data", {"text/markdown": "*m*"}),
        new_output("display_data", {"text/html": "<audio></audio>", "text/plain": "audio"}),
        new_output("execute_result", {"text/plain": "'x'"}, execution_count=1),
        kind="fragment",
    )
    first, *outputs = teach.blocks(cell)
    assert first.startswith('<div class="code step">') and "plt" not in first
    assert [re.sub("</?div.*?>", "", part).strip() for part in outputs] == [
        "<pre>1 &lt; 2</pre>",
        '<img alt="&lt;Figure&gt;" src="data:image/png;base64,AAAA">',
        "<p><em>m</em></p>",
        "<audio></audio>",
        "<pre>&#x27;x&#x27;</pre>",
    ]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("fig, ax = plt.subplots()\nax.plot(\n    [1, 2],\n)\nplt.show()", ""),
        ("# extra: plot\nx = 1", ""),
        ("axis = 0  # fmt: skip\n\n\nx = 1\nplt.plot(x)", "axis = 0\n\nx = 1\nplt.plot(x)"),
    ],
)
def test_code_that_only_draws_is_not_shown(source: str, expected: str) -> None:
    assert teach.shown_code(source) == expected


def test_slides_begin_where_the_cells_say_and_exercises_stand_together() -> None:
    verdict = new_output("execute_result", {"text/html": "not done yet"}, execution_count=1)
    notebook = new_notebook(
        cells=[
            markdown("# Title\n\n**Before you start:** clear.\n\nGo.", "slide"),
            code("import numpy", kind="skip"),
            markdown("*A cat, for who cannot see it.*", "fragment"),
            markdown("## 1. Start `now`", "subslide"),
            markdown("**What we observe.** It.\n\nThen.\n\n### Exercise: count\n\nHow?", "-"),
            code("n = None", kind="subslide", tag="exercise:01-count"),
            code('check("01-count", n)', verdict, kind="fragment", tag="check:01-count"),
            markdown("<details><summary>Notes</summary>\n\nSay it.\n\n</details>", "notes"),
            markdown("## Your progress", "slide"),
            code('progress("01")', verdict),
        ]
    )
    shown = "".join(teach.slide_parts(notebook))
    articles = re.findall(
        r'<article class="(\w+)" data-section="(.*?)">(.*?)</article>', shown, re.S
    )
    assert [article[:2] for article in articles] == [
        ("slide", ""),
        ("subslide", "1. Start now"),
        ("subslide", "1. Start now"),
    ]
    first, second, third = (article[2] for article in articles)
    assert "Go." in first and "clear" not in first
    assert second.count('<div class="text') == 3  # what is seen and what follows may part
    assert third.count('<div class="code">') == 1 and "check" in third and "not done" not in third
    assert "<summary>" not in third and '<aside class="notes"><p>Say it.</p>' in third
    assert "numpy" not in shown and "cat" not in shown and "rogress" not in shown


ANSWER = "<details><summary>What we observe</summary>\n\n{}\n\n</details>"


def test_a_folded_answer_is_a_step_of_its_own_and_open() -> None:
    text = (
        f"**Predict:** what?\n\n{ANSWER.format('It *falls*.')}\n\nHence.\n\n{ANSWER.format('- a')}"
    )
    question, falls, hence, items = teach.blocks(markdown(text))
    assert (
        question
        == '<div class="text"><p class="cue predict"><strong>Predict:</strong> what?</p>\n</div>'
    )
    seen = '<div class="text step"><p class="cue what"><strong>What we observe.</strong>'
    assert falls == f"{seen} It <em>falls</em>.</p>\n</div>"
    assert hence == '<div class="text"><p>Hence.</p>\n</div>'
    assert items.startswith(f"{seen}</p>\n<ul>") and "<li>a</li>" in items
    quiz = "<details><summary>Yes</summary>\n\n**Right.** It is.\n\n</details>"
    assert "<details>" in next(teach.blocks(markdown(quiz)))


class Loaded(HTMLParser):
    """Addresses that a page loads without being asked; a link in the text is none."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("src", "srcset", "poster", "data") or (name == "href" and tag != "a"):
                self.addresses.append(value or "")
            self.addresses += re.findall(r"url\(['\"]?([^)'\"]*)", value if name == "style" else "")


@lessons
def test_a_deck_loads_nothing_from_elsewhere(path: Path, tmp_path: Path) -> None:
    page = teach.slides(path, tmp_path).read_text(encoding="utf-8")
    reader = Loaded()
    reader.feed(page)
    styles = "".join(re.findall(r"<style>(.*?)</style>", page, re.DOTALL))
    found = reader.addresses + re.findall(r"url\(['\"]?([^)'\"]*)", styles)
    assert found and [address[:40] for address in found if not address.startswith("data:")] == []
    assert "@import" not in styles
    assert [file.name for file in tmp_path.iterdir()] == [f"{path.stem}.html"]


# --- command line ---------------------------------------------------------------------------------


def test_the_command_writes_what_it_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(teach, "BUILD", tmp_path)
    assert teach.main(["slides", "1"]) == teach.main(["twins", "01"]) == 0
    written = [Path(line) for line in capsys.readouterr().out.splitlines()]
    name = LESSONS[0].stem
    assert [str(file.relative_to(tmp_path).as_posix()) for file in written] == [
        f"slides/{name}.html",
        f"twins/{name}_live.ipynb",
        f"twins/{name}_solved.ipynb",
    ]
    assert all(file.is_file() for file in written)


def test_refusals(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    assert teach.main(["twins", "77"]) == 2
    assert "77_*.ipynb" in capsys.readouterr().err
    monkeypatch.setattr(teach, "find_spec", lambda name: None)
    assert teach.main(["slides", "01"]) == 2
    assert "sphinx-revealjs" in capsys.readouterr().err


# --- in a browser ---------------------------------------------------------------------------------

FAULTS = (Path(__file__).parent / "slides_faults.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def browser(chromium: dict[str, Any]) -> Iterator[Browser]:
    with sync_playwright() as playwright, playwright.chromium.launch(**chromium) as launched:
        yield launched


def present(file: Path, browser: Browser, strangers: list[str]) -> Page:
    """The slides in `file`, opened as a file; what they ask for besides is noted."""
    page = browser.new_context(viewport={"width": 1280, "height": 720}, offline=True).new_page()
    page.set_default_timeout(600_000)  # milliseconds: only to catch what hangs
    own = (file.as_uri(), "data:", "about:")
    page.context.on(
        "request", lambda asked: asked.url.startswith(own) or strangers.append(asked.url)
    )
    page.on("pageerror", lambda error: strangers.append(str(error)))
    page.goto(file.as_uri())
    page.wait_for_function("window.Reveal && Reveal.isReady()")
    return page


@pytest.mark.browser
@lessons
def test_every_slide_fits(path: Path, tmp_path: Path, browser: Browser) -> None:
    strangers: list[str] = []
    page = present(teach.slides(path, tmp_path), browser, strangers)
    assert page.evaluate(FAULTS) == []
    sections = sum(teach.kind(cell) in ("slide", "subslide") for cell in read(path).cells)
    assert sections / 2 < page.evaluate("Reveal.getTotalSlides()") < 3 * sections
    for what in (".page math", ".output img", "aside.notes p"):
        assert page.locator(what).count(), f"no {what}"
    assert strangers == []
    page.context.close()


@pytest.mark.browser
def test_space_brings_the_folded_answer(tmp_path: Path, browser: Browser) -> None:
    text = "**Predict:** what?\n\n" + ANSWER.format("It falls.")
    notebook = new_notebook(cells=[markdown("# 01 Title", "slide"), markdown(text, "slide")])
    file = tmp_path / "01_x.ipynb"
    nbformat.write(notebook, file)
    strangers: list[str] = []
    page = present(teach.slides(file, tmp_path), browser, strangers)
    page.keyboard.press("Space")
    answer = page.locator(".page .what")
    page.locator(".page .predict").wait_for(state="visible")
    assert not answer.is_visible()
    page.keyboard.press("Space")
    answer.wait_for(state="visible")
    assert page.locator("summary").count() == 0 and strangers == []
    page.context.close()


@pytest.mark.browser
def test_presenting_by_keyboard_with_notes_in_a_second_window(
    tmp_path: Path, browser: Browser
) -> None:
    strangers: list[str] = []
    page = present(teach.slides(LESSONS[0], tmp_path), browser, strangers)
    assert page.locator("footer").inner_text().startswith("01 ")
    with page.expect_popup() as popup:
        page.keyboard.press("s")
    popup.value.locator(".speaker-controls-notes .value p").first.wait_for()

    # From the first question of the quiz: the choices stand there, the answers unfold one by one.
    page.evaluate(
        """() => {
            const slide = Reveal.getSlides().find(s => s.textContent.includes("Question 1."));
            const {h, v} = Reveal.getIndices(slide);
            Reveal.slide(h, v);
        }"""
    )
    answers = page.locator("section.present section.present details")
    total = answers.count()
    assert total >= 3 and page.locator("section.present details[open]").count() == 0
    assert all(answer.is_visible() for answer in answers.all())
    for number in range(1, total + 1):
        page.keyboard.press("Space")
        assert page.locator("section.present section.present details[open]").count() == number
    before = page.evaluate("Reveal.getSlidePastCount()")
    page.keyboard.press("PageDown")
    assert page.evaluate("Reveal.getSlidePastCount()") == before + 1
    for key in ("g", "4", "0", "Enter"):  # go to page 40
        page.keyboard.press(key)
    page.wait_for_function("Reveal.getSlidePastCount() === 39")
    page.keyboard.press("o")
    page.wait_for_function("Reveal.isOverview()")
    assert strangers == []
    page.context.close()
