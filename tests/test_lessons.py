"""The lessons as a whole: headings, catching up, the map, the record."""

from __future__ import annotations

import contextlib
import os
import random
import re
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_utils import exercises, lessons
from course_utils.ask import CourseError
from course_utils.exercises import Progress
from course_utils.lessons import Map, all_lessons, catch_up, course_map, find_lesson, save_record
from tests.pages import Page

# --- the real ones ------------------------------------------------------------------------------


@pytest.mark.parametrize("lesson", all_lessons(), ids=lambda lesson: lesson.number)
def test_each_lesson_can_be_read(lesson: lessons.Lesson) -> None:
    assert lesson.title and not lesson.title.startswith(lesson.number)
    assert len(lesson.minutes) == 2 and 60 <= sum(lesson.minutes) <= 180
    numbers = [h.partition(".")[0] for h in lesson.sections if re.match(r"\d+\. ", h)]
    assert numbers == [str(n) for n in range(1, len(numbers) + 1)] and len(numbers) >= 4
    for number in numbers:
        assert lesson.find(number).startswith(f"{number}. ")


def test_catching_up_leaves_what_the_section_needs(capsys: pytest.CaptureFixture) -> None:
    names: dict = {}
    catch_up(2, "3", names)
    assert capsys.readouterr().out == (
        "Ready: go on with lesson 02, section '3. Channels out: the number of filters'.\n"
    )
    assert {"np", "keras"} <= set(names)
    tagged = [(str(cell["metadata"].get("tags")), cell["source"]) for cell in find_lesson(2).cells]
    stubs = [source for tags, source in tagged if "exercise:" in tags]
    assert stubs and not any(f"def {name}" in source for source in stubs for name in names)


# --- invented ones ------------------------------------------------------------------------------


def write(folder: Path, name: str, cells: list) -> None:
    nbformat.write(new_notebook(cells=cells), folder / name)


@pytest.fixture
def invented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(lessons, "NOTEBOOKS", tmp_path)
    time = "**Time:** 20 minutes for reading,\n10 minutes for the exercises."
    top = f"# 01 A <title>\n\n{time}\n\nMore. 5 minutes for tea."
    cells = [
        new_markdown_cell(top),
        new_code_cell("import os, random\nrandom.seed(1)\nstatic = os.environ['COURSE_STATIC']"),
        new_markdown_cell("## 1. Chance\n\n### 1.1 A die\n\n#### Aside"),
        new_code_cell("first = random.random()\nprint('loud')\nfirst"),
        new_code_cell("answer = 1 / 0", metadata={"tags": ["exercise:01-x"]}),
        new_code_cell("check('01-x', answer)", metadata={"tags": ["check:01-x"]}),
        new_markdown_cell("## 2. Two dice"),
        new_code_cell("second = random.random()"),
        new_markdown_cell("## 3. Broken"),
        new_code_cell("undefined_name"),
        new_markdown_cell("## Quiz about dice"),
    ]
    write(tmp_path, "01_dice.ipynb", cells)
    write(tmp_path, "00_start_here.ipynb", [new_markdown_cell("# Start here")])
    return tmp_path


@pytest.mark.usefixtures("invented")
def test_a_lesson_is_what_its_notebook_says() -> None:
    (lesson,) = all_lessons()
    assert (lesson.number, lesson.title, lesson.minutes) == ("01", "A <title>", (20, 10))
    assert lesson.sections == {
        "1. Chance": 2, "1.1 A die": 2, "2. Two dice": 6, "3. Broken": 8, "Quiz about dice": 10,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("section", "heading"),
    [("1", "1. Chance"), (2, "2. Two dice"), ("1.1", "1.1 A die"), ("QUIZ", "Quiz about dice")],
)
@pytest.mark.usefixtures("invented")
def test_sections_are_found(section: str | int, heading: str) -> None:
    assert find_lesson("1").find(section) == heading


@pytest.mark.parametrize(
    ("lesson", "section", "words"),
    [
        (1, "7", "no section '7'; choose from: 1. Chance; 1.1 A die; 2. Two dice; 3. Broken."),
        (1, "", "no section ''"),
        (1, "dice", "several sections with 'dice'; choose from: 2. Two dice; Quiz about dice."),
        ("11", "1", "lesson is '11'; choose one of '01'"),
    ],
)
@pytest.mark.usefixtures("invented")
def test_what_is_not_there(lesson: str | int, section: str, words: str) -> None:
    with pytest.raises(CourseError, match=re.escape(words)):
        catch_up(lesson, section, {})


@pytest.mark.usefixtures("invented")
def test_catch_up_has_the_random_numbers_of_a_run_from_the_top(
    capsys: pytest.CaptureFixture,
) -> None:
    names: dict = {}
    catch_up(1, "3", names)
    random.seed(1)
    assert [names["first"], names["second"]] == [random.random(), random.random()]
    assert "answer" not in names and names["static"] == "1"
    assert "loud" not in capsys.readouterr().out


@pytest.mark.usefixtures("invented")
def test_a_cell_that_fails_is_named() -> None:
    sentence = "lesson 01, cell 9 failed: NameError: name 'undefined_name'"
    with pytest.raises(RuntimeError, match=sentence):
        catch_up(1, "Quiz", {})


@pytest.mark.usefixtures("invented")
def test_catch_up_fills_the_notebook_it_is_called_in(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CourseError, match="namespace"):
        catch_up(1, "2")
    names: dict = {}
    monkeypatch.setattr("IPython.get_ipython", lambda: SimpleNamespace(user_ns=names))
    catch_up(1, "2")
    assert 0 < names["first"] < 1


@pytest.mark.parametrize("before", [None, "0", "1"])
@pytest.mark.parametrize("section", ["2", "Quiz"], ids=["runs", "fails"])
@pytest.mark.usefixtures("invented")
def test_catch_up_leaves_the_setting_as_it_was(
    monkeypatch: pytest.MonkeyPatch, before: str | None, section: str
) -> None:
    monkeypatch.delenv("COURSE_STATIC", raising=False)
    if before is not None:
        monkeypatch.setenv("COURSE_STATIC", before)
    with contextlib.suppress(RuntimeError):
        catch_up(1, section, {})
    assert os.environ.get("COURSE_STATIC") == before


def test_cells_are_run_as_ipython_runs_them_and_leave_no_figures_open(invented: Path) -> None:
    from matplotlib import pyplot

    code = "%matplotlib inline\nfigure = pyplot.figure()\ndef double(x: int): return 2 * x"
    cells = [new_markdown_cell("# 02 Figures"), new_code_cell(code), new_markdown_cell("## 1. One")]
    write(invented, "02_figures.ipynb", cells)
    magics: list = []
    shell = SimpleNamespace(run_line_magic=lambda *call: magics.append(call))
    names = {"get_ipython": lambda: shell, "pyplot": pyplot}
    pyplot.close("all")
    catch_up(2, "1", names)
    assert magics == [("matplotlib", "inline")]
    assert "figure" in names and pyplot.get_fignums() == []
    assert names["double"].__annotations__ == {"x": int}  # not the text "int"


# --- map and record -----------------------------------------------------------------------------


@pytest.fixture
def one_solved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> int:
    """The first exercise of lesson 01; gives how many that lesson has."""
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))
    names = [e.name for e in exercises.exercises_of("01")]
    (tmp_path / "progress.json").write_text(f'{{"done": ["{names[0]}"]}}')
    return len(names)


def test_the_map_counts(one_solved: int) -> None:
    shown = course_map()
    lines = repr(shown).splitlines()
    assert lines[0].startswith("01 Convolution basics") and f" 1 of {one_solved} " in lines[0]
    every = sum(len(exercises.exercises_of(lesson.number)) for lesson in all_lessons())
    assert shown.total == (1, every) and f" 1 of {every} exercises done" in lines[-1]
    page = shown._repr_html_()
    assert '<a href="01_convolution_basics.ipynb">Convolution basics</a>' in page
    assert page.count("<tr>") == len(all_lessons()) + 1


@pytest.mark.usefixtures("invented")
def test_the_map_of_one_lesson_word_by_word() -> None:
    rows = (("01-a", "A", True), ("01-b", "B", True), ("01-c", "C", False))
    shown = Map(tuple(all_lessons()), Progress((("01", rows),), "damaged: <b> & more"))
    assert shown.total == (2, 3)
    assert repr(shown) == (
        "01 A <title>                         2 of 3 exercises done\n"
        "   all lessons                       2 of 3 exercises done\n"
        "damaged: <b> & more"
    )
    page = shown._repr_html_()
    text = Page(page).text
    assert text["caption"] == ["2 of 3 exercises done"] and text["a"] == ["A <title>"]
    assert text["td"] == ["01", "30 min", "2 of 3 "] and text["p"] == ["damaged: <b> & more"]
    assert '<progress value="2" max="3"' in page
    assert "<p>" not in Map((), Progress(()))._repr_html_()


def test_the_record_is_one_page_of_its_own(one_solved: int, tmp_path: Path) -> None:
    target = save_record("A & B", tmp_path / "new" / "record.html")
    page = target.read_text(encoding="utf-8")
    assert f"<p>A &amp; B, {date.today().isoformat()}</p>" in page and f"1 of {one_solved}" in page
    for exercise in exercises.exercises_of("02"):
        assert exercise.name in page
    assert "http" not in page and "src=" not in page  # nothing is fetched
    with pytest.raises(CourseError, match=r"record\.pdf"):
        save_record("", tmp_path / "record.pdf")


@pytest.mark.usefixtures("invented")
def test_the_record_says_what_is_wrong_once_and_takes_other_spellings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))  # Windows
    monkeypatch.setattr(lessons, "progress", lambda: Progress((), "is damaged"))
    target = save_record("  ", "~/record.HTML")
    assert target == tmp_path / "record.HTML"
    page = target.read_text(encoding="utf-8")
    assert f"<p>{date.today().isoformat()}</p>" in page and page.count("is damaged") == 1
    assert "0 of 0 exercises done" in page
