"""The lessons as a whole: headings, catching up, the map, the record."""

from __future__ import annotations

import contextlib
import os
import re
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_utils import exercises, lessons
from course_utils.ask import CourseError
from course_utils.lessons import all_lessons, catch_up, course_map, find_lesson

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
    lesson = find_lesson(2)
    defined = {name for name in names if not name.startswith("__")}
    assert {"np", "keras"} <= defined
    stubs = [c for c in lesson.cells if "exercise:" in str(c["metadata"].get("tags"))]
    assert stubs and not any(f"def {name}" in c["source"] for c in stubs for name in defined)


# --- invented ones ------------------------------------------------------------------------------


def write(folder: Path, name: str, cells: list) -> None:
    nbformat.write(new_notebook(cells=cells), folder / name)


@pytest.fixture
def invented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(lessons, "NOTEBOOKS", tmp_path)
    time = "**Time:** 20 minutes for reading,\n10 minutes for the exercises."
    top = f"# 01 A <title>\n\n{time}\n\nMore."
    cells = [
        new_markdown_cell(top),
        new_code_cell("import os, random\nrandom.seed(1)\nstatic = os.environ['COURSE_STATIC']"),
        new_markdown_cell("## 1. Chance\n\n### 1.1 A die"),
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


def test_a_lesson_is_what_its_notebook_says(invented: Path) -> None:
    (lesson,) = all_lessons()
    assert (lesson.number, lesson.title, lesson.minutes) == ("01", "A <title>", (20, 10))
    assert list(lesson.sections) == [
        "1. Chance", "1.1 A die", "2. Two dice", "3. Broken", "Quiz about dice",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("section", "heading"),
    [("1", "1. Chance"), (2, "2. Two dice"), ("1.1", "1.1 A die"), ("QUIZ", "Quiz about dice")],
)
def test_sections_are_found(invented: Path, section: str, heading: str) -> None:
    assert find_lesson("1").find(section) == heading


@pytest.mark.parametrize(
    ("section", "sentence"),
    [
        ("7", "has no section '7'; choose from: 1. Chance; 1.1 A die; 2. Two dice; 3. Broken."),
        ("", "has no section ''"),
        ("dice", "has several sections with 'dice'; choose from: 2. Two dice; Quiz about dice."),
    ],
)
def test_a_section_that_is_not_there(invented: Path, section: str, sentence: str) -> None:
    with pytest.raises(CourseError, match=re.escape(sentence)):
        catch_up(1, section, {})


def test_a_lesson_that_is_not_there(invented: Path) -> None:
    with pytest.raises(CourseError, match=r"There is no lesson .11.; there are 01\."):
        catch_up("11", "1", {})


def test_catch_up_has_the_random_numbers_of_a_run_from_the_top(
    invented: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COURSE_STATIC", raising=False)
    names: dict = {}
    catch_up(1, "3", names)
    import random

    random.seed(1)
    assert [names["first"], names["second"]] == [random.random(), random.random()]
    assert "answer" not in names and names["static"] == "1"
    assert "loud" not in capsys.readouterr().out
    assert "COURSE_STATIC" not in os.environ


def test_a_cell_that_fails_is_named(invented: Path) -> None:
    sentence = "lesson 01, cell 9 failed: NameError: name 'undefined_name'"
    with pytest.raises(RuntimeError, match=sentence):
        catch_up(1, "Quiz", {})


def test_outside_a_notebook_a_namespace_is_needed(invented: Path) -> None:
    with pytest.raises(RuntimeError, match=r"pass a dictionary"):
        catch_up(1, "2")


# --- map and record -----------------------------------------------------------------------------


@pytest.fixture
def one_solved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> int:
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))
    names = [e.name for e in exercises.exercises_of("01")]
    (tmp_path / "progress.json").write_text(f'{{"done": ["{names[0]}"]}}')
    return len(names)


def test_the_map_counts(one_solved: int) -> None:
    shown = course_map()
    lines = repr(shown).splitlines()
    assert lines[0].startswith("01 Convolution basics") and f"1 of {one_solved} " in lines[0]
    every = sum(len(exercises.exercises_of(lesson.number)) for lesson in all_lessons())
    assert shown.total == (1, every) and f"1 of {every} exercises done" in lines[-1]
    page = shown._repr_html_()
    assert '<a href="01_convolution_basics.ipynb">Convolution basics</a>' in page
    assert page.count("<tr>") == len(all_lessons()) + 1


def test_the_map_escapes_what_it_shows(invented: Path) -> None:
    assert "A &lt;title&gt;" in course_map()._repr_html_()


def test_the_record_is_one_page_of_its_own(one_solved: int, tmp_path: Path) -> None:
    target = lessons.save_record("A & B", tmp_path / "new" / "record.html")
    page = target.read_text(encoding="utf-8")
    assert "A &amp; B, 20" in page and f"1 of {one_solved}" in page
    for exercise in exercises.exercises_of("02"):
        assert exercise.name in page
    assert "http" not in page and "src=" not in page  # nothing is fetched
    assert "<p>20" in lessons.save_record("", target).read_text(encoding="utf-8")


def test_the_record_needs_an_html_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"ends in \.html"):
        lessons.save_record("", tmp_path / "record.pdf")


# --- additions ----------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [None, "0", "1"])
@pytest.mark.parametrize("section", ["2", "Quiz"], ids=["runs", "fails"])
def test_catch_up_leaves_the_setting_as_it_was(
    invented: Path, monkeypatch: pytest.MonkeyPatch, before: str | None, section: str
) -> None:
    monkeypatch.delenv("COURSE_STATIC", raising=False)
    if before is not None:
        monkeypatch.setenv("COURSE_STATIC", before)
    with contextlib.suppress(RuntimeError):
        catch_up(1, section, {})
    assert os.environ.get("COURSE_STATIC") == before


def test_catch_up_leaves_no_figures_open(invented: Path) -> None:
    from matplotlib import pyplot

    cells = [
        new_markdown_cell("# 02 Figures\n\n## 1. One"),
        new_code_cell("from matplotlib import pyplot\nfigure = pyplot.figure()"),
        new_markdown_cell("## 2. Two"),
    ]
    write(invented, "02_figures.ipynb", cells)
    pyplot.close("all")
    catch_up(2, "2", names := {})
    assert "figure" in names and pyplot.get_fignums() == []


def test_catch_up_fills_the_notebook_it_is_called_in(
    invented: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: dict = {}
    monkeypatch.setattr("IPython.get_ipython", lambda: SimpleNamespace(user_ns=names))
    catch_up(1, "2")
    assert 0 < names["first"] < 1


def test_cells_are_read_as_ipython_reads_them() -> None:
    called: list = []
    shell = SimpleNamespace(run_line_magic=lambda *call: called.append(call))
    lessons._run("%matplotlib inline", "<lesson 01, cell 1>", {"get_ipython": lambda: shell})
    assert called == [("matplotlib", "inline")]


def test_cells_mean_the_same_as_in_a_notebook() -> None:
    names: dict = {}
    lessons._run("def double(x: int): return 2 * x", "<lesson 01, cell 1>", names)
    assert names["double"].__annotations__ == {"x": int}  # not the text "int"


def test_smaller_headings_are_no_sections(invented: Path) -> None:
    write(invented, "02_deep.ipynb", [new_markdown_cell("# 02 Deep\n\n## 1. One\n\n#### Aside")])
    assert list(find_lesson(2).sections) == ["1. One"]


def test_the_map_says_how_long_a_lesson_takes(invented: Path) -> None:
    assert "<td>30 min</td>" in course_map()._repr_html_()


def test_the_map_says_what_is_wrong_with_the_progress_file() -> None:
    solved = exercises.Progress((), "damaged: <b> & more")
    assert "<p>damaged: &lt;b&gt; &amp; more</p>" in lessons.Map((), solved)._repr_html_()
    assert "<p>" not in lessons.Map((), exercises.Progress(()))._repr_html_()
    assert repr(lessons.Map((), solved)).endswith("\ndamaged: <b> & more")


def test_the_record_says_it_once(invented: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(lessons, "progress", lambda: exercises.Progress((), "is damaged"))
    page = lessons.save_record(path=tmp_path / "record.html").read_text(encoding="utf-8")
    assert page.count("is damaged") == 1


def test_the_map_counts_each_exercise(invented: Path) -> None:
    rows = (("01-a", "A", True), ("01-b", "B", True), ("01-c", "C", False))
    shown = lessons.Map(tuple(all_lessons()), exercises.Progress((("01", rows),)))
    assert shown.total == (2, 3) and "2 of 3 exercises done" in repr(shown)
    assert '<progress value="2" max="3"' in shown._repr_html_()


def test_the_record_has_its_date_and_takes_other_spellings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))  # Windows
    target = lessons.save_record("  ", "~/record.HTML")
    assert target == tmp_path / "record.HTML"
    assert f"<p>{date.today().isoformat()}</p>" in target.read_text(encoding="utf-8")
