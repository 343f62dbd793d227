"""Lessons as a student meets them: in JupyterLab, in a browser, with a live kernel.

The first lesson is opened and run from top to bottom; the widgets of the others stand together in
one notebook, and below them all exercises with their solutions, for the map of the course. One
server and one page for each serve all tests of this file. Server, kernel and browser reach nothing
but this machine. A screenshot of each widget is left in the folder reports, and one of each
failure.
"""

from __future__ import annotations

import ast
import json
import pkgutil
import re
import secrets
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect, sync_playwright
from playwright.sync_api import TimeoutError as NotInTime

import course
from course_utils import widgets
from course_utils.convolution import OPERATORS
from course_utils.exercises import exercises_of

pytestmark = pytest.mark.browser

LESSON = course.FIRST_LESSON.name
WORKBENCH = "widgets.ipynb"
DOOR = "00_start_here.ipynb"
REPORTS = Path(__file__).parents[1] / "reports"
EXERCISES = exercises_of("01")
MOVES = 20  # of the slider, for the median
START, ANSWER, RUN_ALL = 600, 300, 3600  # seconds, only to catch what hangs: no clock decides
FAILED = '[data-mime-type$="jupyter.error"], [data-mime-type$="jupyter.stderr"]'

LAB = """\
from pytest_socket import socket_allow_hosts
socket_allow_hosts(["127.0.0.1"], allow_unix_socket=True)
from jupyterlab.labapp import main
main()
"""

# Milliseconds from each key press until all new pictures could be painted, in window.waits.
WATCH = """root => {
    const pictures = () => [...root.querySelectorAll("img")];
    const sources = () => pictures().map(picture => picture.src).join();
    let before, start = null;
    window.waits = [];
    root.addEventListener("keydown", () => {
        before = sources();
        start = performance.now();
    }, true);
    new MutationObserver(async () => {
        if (start === null || sources() === before) return;
        const pressed = start;
        start = null;
        await Promise.all(pictures().map(picture => picture.decode()));
        window.waits.push(performance.now() - pressed);
    }).observe(root, {childList: true, subtree: true, attributes: true, attributeFilter: ["src"]});
}"""


# --- a JupyterLab and the lesson in it ------------------------------------------------------------


@dataclass
class Lab:
    """A running JupyterLab."""

    folder: Path
    address: str
    token: str

    def notebook(self, name: str) -> Path:
        return self.folder / "notebooks" / name

    @property
    def progress(self) -> Path:
        return self.folder / "progress.json"

    def ask(self, path: str, method: str = "GET") -> Any:
        """The answer of the server's REST interface."""
        header = {"Authorization": f"token {self.token}"}
        request = urllib.request.Request(f"{self.address}api/{path}", method=method, headers=header)
        with urllib.request.urlopen(request, timeout=ANSWER) as answer:
            return json.loads(answer.read() or "null")

    def kernel_is_ready(self, name: str) -> bool:
        # JupyterLab shows "idle" before it is connected, and what is run then gets lost.
        kernels = [s["kernel"] for s in self.ask("sessions") if s["path"] == name]
        return any(k["execution_state"] == "idle" and k["connections"] for k in kernels)


@dataclass
class Lesson:
    """The lesson in the browser; cells are found by their place in the file."""

    page: Page
    file: Path
    cells: list
    strangers: list[str] = field(default_factory=list)  # addresses asked for, not of this server
    errors: list[str] = field(default_factory=list)  # uncaught errors of the page's scripts

    def cell(self, index: int) -> Locator:
        return self.page.locator(".jp-Notebook .jp-Cell").nth(index)

    def tagged(self, tag: str) -> Locator:
        return self.cell(
            next(i for i, c in enumerate(self.cells) if tag in c.metadata.get("tags", []))
        )

    def starting(self, source: str) -> Locator:
        return self.cell(next(i for i, c in enumerate(self.cells) if c.source.startswith(source)))

    def executed(self) -> Locator:
        prompts = self.page.locator(".jp-CodeCell .jp-InputArea-prompt")
        return prompts.filter(has_text=re.compile(r"^\[\d+\]:$"))


def wait_until(condition: Any, seconds: float, what: str) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {seconds} s"
        time.sleep(0.02)


def without_outputs(notebook: Path) -> list:
    """Take the outputs out of a notebook, so that those seen later are new; return its cells."""
    content = nbformat.read(notebook, 4)
    for cell in content.cells:
        if cell.cell_type == "code":
            cell.update(outputs=[], execution_count=None)
    nbformat.write(content, notebook)
    return content.cells


def address(folder: Path) -> str:
    """Where the server says that it can be reached, empty as long as it does not."""
    try:
        return json.loads(next((folder / "runtime").glob("jpserver-*.json")).read_text())["url"]
    except (StopIteration, ValueError):
        return ""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("jupyter")
    shutil.copytree(course.FIRST_LESSON.parent, folder / "notebooks")
    settings = folder / "config" / "labconfig" / "default_setting_overrides.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps(course.LAB_SETTINGS), encoding="utf-8")
    folders = {
        f"JUPYTER{name}_DIR": str(folder / name.strip("_").lower())
        for name in ("_CONFIG", "_DATA", "_RUNTIME", "LAB_SETTINGS", "LAB_WORKSPACES")
    }
    env = course.clean_environment() | folders
    env["COURSE_PROGRESS"] = str(folder / "progress.json")
    env.pop("COURSE_STATIC", None)
    token = secrets.token_hex()
    arguments = [
        "--no-browser",
        "--allow-root",
        "--ServerApp.ip=127.0.0.1",
        "--ServerApp.port=0",  # any that is free
        f"--ServerApp.root_dir={folder / 'notebooks'}",
        f"--IdentityProvider.token={token}",
        "--LanguageServerManager.autodetect=False",
    ]
    log = folder / "log.txt"
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-c", LAB, *arguments], env=env, stdout=file, stderr=file
        )
    try:
        wait_until(lambda: address(folder) or process.poll() is not None, START, "JupyterLab")
        assert process.poll() is None, f"JupyterLab ended: {log.read_text()}"
        started = Lab(folder, address(folder), token)
        yield started
        started.ask("shutdown", "POST")  # ends the kernels, too
        process.wait(START)
    finally:
        process.kill()
        process.wait()


@contextmanager
def picture_of_failure(page: Page, request: pytest.FixtureRequest) -> Iterator[None]:
    failed_before = request.session.testsfailed
    passed = False
    try:
        yield
        passed = request.session.testsfailed == failed_before
    finally:
        if not passed:
            name = request.node.name.replace("/", "-")
            page.screenshot(path=REPORTS / f"browser-{name}.png")


@pytest.fixture(scope="module")
def browser(chromium: dict[str, Any]) -> Iterator[BrowserContext]:
    """One for all pages, so that JupyterLab is fetched and compiled once."""
    nowhere = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    options = chromium | {"args": [*chromium["args"], nowhere]}
    expect.set_options(timeout=1000 * ANSWER)
    with sync_playwright() as playwright, playwright.chromium.launch(**options) as launched:
        yield launched.new_context(viewport={"width": 1400, "height": 1000})


def opened(
    file: Path,
    lab: Lab,
    browser: BrowserContext,
    request: pytest.FixtureRequest,
    cells: int | None = None,
) -> Lesson:
    """A notebook of the server, opened and run from top to bottom, or its first `cells` cells."""
    page = browser.new_page()
    page.set_default_timeout(1000 * ANSWER)
    lesson = Lesson(page, file, without_outputs(file))
    page.on("pageerror", lambda error: lesson.errors.append(str(error)))
    page.on("request", lambda asked: note_stranger(asked.url, lab, lesson))
    with picture_of_failure(page, request):
        open_page(lesson, lab)
        if cells is None:
            run(lesson, lab, "Run All Cells", len(lesson.cells))
        else:
            lesson.cell(cells).locator(".cm-content").click()
            run(lesson, lab, "Run All Above Selected Cell", cells)
    return lesson


@pytest.fixture(scope="module")
def lesson(lab: Lab, browser: BrowserContext, request: pytest.FixtureRequest) -> Lesson:
    """The first lesson."""
    return opened(lab.notebook(LESSON), lab, browser, request)


def widget_calls() -> dict[str, str]:
    """Name -> cell of each widget in the lessons after the first."""
    files = sorted(course.FIRST_LESSON.parent.glob("*.ipynb"))
    later = [file for file in files if file.name > LESSON]
    cells = [cell for file in later for cell in nbformat.read(file, 4).cells]
    modules = {module.name for module in pkgutil.iter_modules(widgets.__path__)}
    found = [re.match(r"(\w+)\.show\(", cell.source) for cell in cells]
    called = zip(found, cells, strict=True)
    return {m[1]: cell.source for m, cell in called if m and m[1] in modules}


WIDGETS = widget_calls()


@pytest.fixture(scope="module")
def workbench(lab: Lab, browser: BrowserContext, request: pytest.FixtureRequest) -> Lesson:
    """The widgets, each in a cell that needs no other cell; below them, not run, the solutions."""
    calls = [f"from course_utils.widgets import {name}\n\n{call}" for name, call in WIDGETS.items()]
    files = sorted(course.FIRST_LESSON.parent.glob("*.ipynb"))
    solutions = [cell for file in files for cell in answers(file)]
    return opened(written(WORKBENCH, calls + solutions, lab), lab, browser, request, len(calls))


def written(name: str, cells: list[str], lab: Lab) -> Path:
    """A notebook of these code cells, among those of the server."""
    content = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
        metadata=nbformat.read(course.FIRST_LESSON, 4).metadata,
    )
    nbformat.write(content, lab.notebook(name))
    return lab.notebook(name)


def answers(path: Path) -> Iterator[str]:
    """The solutions of a lesson with their checks, in two cells that need no others of the lesson.

    Cells are what costs a page time: so there is not one for each exercise.
    """
    code = [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
    tagged = {tag: cell.source for cell in code for tag in cell.metadata.get("tags", [])}
    exercises = exercises_of(path.name[:2])
    called = " ".join(exercise.solution for exercise in exercises)
    lines = "\n".join(cell.source for cell in code if not cell.source.startswith("%"))
    yield "\n".join(
        ast.unparse(node)
        for node in ast.parse(lines).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        or (isinstance(node, ast.FunctionDef) and re.search(rf"\b{node.name}\b", called))
    )
    checks = [displayed(tagged[f"check:{exercise.name}"]) for exercise in exercises]
    pairs = zip(exercises, checks, strict=True)
    yield "\n\n".join(f"{exercise.solution}\n\n{check}" for exercise, check in pairs)


def displayed(cell: str) -> str:
    """The cell, showing its value wherever it stands."""
    tree = ast.parse(cell)
    shown = tree.body[-1]
    assert isinstance(shown, ast.Expr), cell
    shown.value = ast.Call(ast.Name("display"), [shown.value], [])
    return ast.unparse(tree)


def note_stranger(url: str, lab: Lab, lesson: Lesson) -> None:
    if not url.startswith((lab.address, "data:", "blob:")):
        lesson.strangers.append(url)


def open_page(lesson: Lesson, lab: Lab) -> None:
    page = lesson.page
    # A workspace of its own: else JupyterLab would open the notebooks of other pages as well.
    place = f"lab/workspaces/{lesson.file.stem}/tree/{lesson.file.name}"
    page.goto(f"{lab.address}{place}?token={lab.token}", timeout=1000 * START)
    # Cells below the window are made little by little.
    every = page.locator(".jp-Notebook .jp-Cell")
    expect(every).to_have_count(len(lesson.cells), timeout=1000 * START)
    wait_until(lambda: lab.kernel_is_ready(lesson.file.name), START, "a connected kernel")


def run(lesson: Lesson, lab: Lab, command: str, last: int) -> None:
    """Give a command of the menu Run, after which the cells before number `last` have run."""
    page = lesson.page
    for name in ("Run", command):
        page.get_by_role("menuitem", name=name, exact=True).click()
    code = sum(cell.cell_type == "code" for cell in lesson.cells[:last])
    end = time.monotonic() + RUN_ALL
    while lesson.executed().count() < code and not page.locator(FAILED).count():
        assert time.monotonic() < end, f"{lesson.executed().count()} of {code} cells have run"
        page.wait_for_timeout(200)
    failures = page.locator(FAILED).all_text_contents()
    assert not failures, "\n".join(failures)
    wait_until(lambda: lab.kernel_is_ready(lesson.file.name), ANSWER, "an idle kernel")


@pytest.fixture(autouse=True)
def _picture_of_failure(request: pytest.FixtureRequest) -> Iterator[None]:
    name = next((n for n in ("lesson", "workbench") if n in request.fixturenames), "")
    if not name:  # the test opens its pages itself
        yield
        return
    with picture_of_failure(request.getfixturevalue(name).page, request):
        yield


# --- tests ----------------------------------------------------------------------------------------


def test_all_cells_run(lesson: Lesson, lab: Lab) -> None:
    lesson.page.keyboard.press("Control+s")
    code = [cell for cell in lesson.cells if cell.cell_type == "code"]

    saved: list = []

    def all_saved() -> bool:
        try:
            cells = nbformat.read(lesson.file, 4).cells
        except nbformat.reader.NotJSONError:
            return False  # the server empties the file before it writes it anew
        saved[:] = [cell for cell in cells if cell.cell_type == "code"]
        return [cell.execution_count for cell in saved] == [*range(1, len(code) + 1)]

    wait_until(all_saved, ANSWER, "the saved notebook")
    outputs = [output for cell in saved for output in cell.outputs]
    assert [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"] == []
    for exercise in EXERCISES:
        verdict = lesson.tagged(f"check:{exercise.name}").locator(".jp-OutputArea-output")
        expect(verdict).to_contain_text(f"Not done yet {exercise.name}")
        expect(verdict).to_contain_text(f"0 of {len(EXERCISES)} done")
    assert lesson.page.get_by_role("dialog").all_text_contents() == []
    assert lesson.strangers == [], "the page wants something from elsewhere"
    assert lesson.errors == []


def test_hints_unfold_by_keyboard(lesson: Lesson) -> None:
    exercise = EXERCISES[0]
    verdict = lesson.tagged(f"check:{exercise.name}").locator(".jp-OutputArea-output")
    steps = [f"Hint {number}" for number in range(1, len(exercise.hints) + 1)] + ["Solution"]
    verdict.locator("summary").first.focus()
    for step in steps:
        folded = verdict.locator("details", has=verdict.page.get_by_text(step, exact=True)).last
        expect(folded.locator("summary").first).to_be_focused()
        expect(folded.locator("p").first).to_be_hidden()
        lesson.page.keyboard.press("Enter")
        expect(folded.locator("p").first).to_be_visible()
        expect(folded.locator("summary").first).to_be_focused()
        lesson.page.keyboard.press("Tab")


@contextmanager
def new_picture(explorer: Locator) -> Iterator[None]:
    """What is done inside gives the explorer a new last picture."""
    picture = explorer.locator("img").last
    before = picture.get_attribute("src")
    yield
    expect(picture).not_to_have_attribute("src", before)


def expect_kernel(explorer: Locator, kernel: np.ndarray) -> None:
    for (row, column), number in np.ndenumerate(kernel):
        name = f"kernel, row {row}, column {column}"
        expect(explorer.get_by_role("spinbutton", name=name)).to_have_value(f"{number:g}")


def test_kernel_explorer(lesson: Lesson, record_property: Any) -> None:
    explorer = lesson.starting("kernel_explorer.show(").locator(".jp-OutputArea")
    operator, photo = explorer.get_by_label("operator"), explorer.get_by_label("photo", exact=True)
    arithmetic = explorer.locator("pre")
    expect_kernel(explorer, OPERATORS["Sobel x"])
    assert all(p.get_attribute("alt") for p in explorer.locator("img").all())

    with new_picture(explorer):
        operator.select_option("Laplace 8")
    expect_kernel(explorer, OPERATORS["Laplace 8"])

    with new_picture(explorer):
        explorer.get_by_role("spinbutton", name="kernel, row 1, column 1").fill("-7")
        lesson.page.keyboard.press("Tab")
    expect(operator).to_have_value("your own")

    with new_picture(explorer):
        photo.select_option("coffee")
    expect(explorer.get_by_alt_text("photo: coffee")).to_be_visible()

    row = explorer.get_by_role("slider").first
    start = int(float(row.get_attribute("aria-valuenow")))
    numbers = arithmetic.text_content()
    explorer.evaluate(WATCH)
    for move in range(1, MOVES + 1):
        with new_picture(explorer):
            row.press("ArrowRight")
            lesson.page.wait_for_function("count => window.waits.length === count", arg=move)
    expect(row).to_have_attribute("aria-valuetext", str(start + MOVES))
    expect(arithmetic).not_to_have_text(numbers)
    median = round(statistics.median(lesson.page.evaluate("window.waits")))
    record_property("median_ms", median)
    print(f"{median} ms from a key to its picture (median of {MOVES})")

    column = explorer.get_by_role("slider").nth(1)
    for move in range(MOVES + 1, 2 * MOVES + 1):  # to the rim of the cup: there is more to see
        column.press("ArrowRight")
        lesson.page.wait_for_function("count => window.waits.length === count", arg=move)
    explorer.screenshot(path=REPORTS / "widget-kernel_explorer.png")


# All that a widget shows besides its controls: pictures and text. It is compared within the page:
# outside, each look would cost the transfer of all pictures.
REMEMBER = """area => {
    window.shown = area => [...area.querySelectorAll("img, pre, [role=alert], table")]
        .map(part => part.src || part.textContent).join("\\n");
    window.before = window.shown(area);
}"""
CHANGED = "area => window.shown(area) !== window.before"


def controls(area: Locator) -> list[Locator]:
    """What of a widget takes the keyboard, in the order of the page, without what is disabled."""
    kinds = '[role="slider"], select, input[type="checkbox"], input[type="number"]'
    return [control for control in area.locator(kinds).all() if control.is_enabled()]


def cut_labels(area: Locator) -> list[str]:
    """Words on controls and buttons of which the end is missing, for want of room."""
    return area.evaluate(
        """area => [...area.querySelectorAll(".widget-label, .jupyter-button")]
            .filter(label => label.offsetWidth && label.scrollWidth > label.clientWidth)
            .map(label => label.textContent)"""
    )


def change(control: Locator, page: Page) -> None:
    """Give a control another value by the keyboard alone."""
    control.focus()
    before = control.evaluate("control => control.value")
    if control.get_attribute("type") == "checkbox":
        page.keyboard.press("Space")
    elif control.get_attribute("role") == "slider":
        end = control.get_attribute("aria-valuenow") == control.get_attribute("aria-valuemax")
        page.keyboard.press("ArrowLeft" if end else "ArrowRight")
    elif control.evaluate("control => control.tagName") == "SELECT":
        # Open it first: JupyterLab takes the arrow keys of a closed menu for its cells.
        for key in ("ArrowDown", "ArrowUp"):
            if control.evaluate("control => control.value") == before:
                for pressed in ("Space", key, "Enter"):
                    page.keyboard.press(pressed)
    else:
        page.keyboard.press("ArrowUp")


@pytest.mark.parametrize("name", WIDGETS)
def test_each_control_of_a_widget_answers_to_the_keyboard(
    workbench: Lesson, name: str, record_property: Any
) -> None:
    area = workbench.cell([*WIDGETS].index(name)).locator(".jp-OutputArea")
    area.scroll_into_view_if_needed()
    found = controls(area)
    assert len(found) >= 3, f"{name} has {len(found)} controls"
    assert all(picture.get_attribute("alt") for picture in area.locator("img").all())
    assert cut_labels(area) == []
    waits = []
    for number, control in enumerate(found):
        area.evaluate(REMEMBER)
        start = time.monotonic()
        change(control, workbench.page)
        try:
            workbench.page.wait_for_function(CHANGED, arg=area.element_handle(), polling=20)
        except NotInTime:
            pytest.fail(f"control {number} of {name} changes nothing within {ANSWER} s")
        waits.append(1000 * (time.monotonic() - start))
    record_property("median_ms", round(statistics.median(waits)))
    area.screenshot(path=REPORTS / f"widget-{name}.png")
    assert area.locator(FAILED).count() == 0 and workbench.errors == []


def test_solving_an_exercise(lesson: Lesson, lab: Lab) -> None:
    exercise = next(e for e in EXERCISES if e.name == "01-by-hand")
    keyboard = lesson.page.keyboard
    lesson.tagged(f"exercise:{exercise.name}").locator(".cm-content").click()
    keyboard.press("Control+a")
    keyboard.insert_text(exercise.solution)
    keyboard.press("Shift+Enter")
    keyboard.press("Shift+Enter")  # the check is the next cell
    verdict = lesson.tagged(f"check:{exercise.name}").locator(".jp-OutputArea-output")
    expect(verdict).to_contain_text(f"Done {exercise.name}")
    expect(verdict).to_contain_text(f"1 of {len(EXERCISES)} done")

    table = lesson.starting("progress(")
    table.locator(".cm-content").click()
    keyboard.press("Shift+Enter")
    expect(table.locator("caption")).to_contain_text(f"1 of {len(EXERCISES)} done")
    expect(table.locator("tr", has_text=exercise.name)).to_contain_text("✓ Done")
    assert json.loads(lab.progress.read_text(encoding="utf-8")) == {"done": [exercise.name]}


def test_the_map_fills_from_nothing_to_all(
    workbench: Lesson, lab: Lab, browser: BrowserContext, request: pytest.FixtureRequest
) -> None:
    lab.progress.unlink(missing_ok=True)  # what earlier tests have solved
    files = sorted(course.FIRST_LESSON.parent.glob("*.ipynb"))
    counts = {file.name: len(exercises_of(file.name[:2])) for file in files[1:]}
    total = sum(counts.values())
    door = opened(lab.notebook(DOOR), lab, browser, request)
    table = door.starting("lessons.course_map(")
    with picture_of_failure(door.page, request):
        expect(door.starting("results = ")).not_to_contain_text("FAIL")
        expect(table.locator("caption")).to_have_text(f"0 of {total} exercises done")

    workbench.cell(len(WIDGETS)).locator(".cm-content").click()
    run(workbench, lab, "Run Selected Cell and All Below", len(workbench.cells))
    solutions = [workbench.cell(i) for i in range(len(WIDGETS), len(workbench.cells))]
    outputs = [cell.locator(".jp-OutputArea-output") for cell in solutions]
    verdicts = [text for output in outputs for text in output.all_text_contents()]
    assert len(verdicts) == total + 1, "a verdict for each, that of the door included"
    assert [verdict for verdict in verdicts if "✓ Done" not in verdict] == []

    with picture_of_failure(door.page, request):
        table.locator(".cm-content").click()
        door.page.keyboard.press("Shift+Enter")
        expect(table.locator("caption")).to_have_text(f"{total} of {total} exercises done")
        for name, count in counts.items():
            row = table.locator("tr", has=door.page.locator(f'a[href*="{name}"]'))
            expect(row).to_contain_text(f"{count} of {count}")
            assert row.locator("progress").evaluate("bar => bar.position") == 1
    assert door.strangers == workbench.strangers == [] and door.errors == workbench.errors == []
