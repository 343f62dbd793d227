"""The engine of the exercises, and every lesson's checkers against a bank of wrong answers."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import re
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import nbformat
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from course_utils import exercises as engine
from course_utils.ask import CourseError
from course_utils.exercises import (
    Exercise,
    NotDone,
    Wrong,
    call,
    check,
    exercises_of,
    expect_array,
    expect_choice,
    expect_number,
    grade,
    lesson_numbers,
    progress,
    progress_file,
    require,
)
from tests.pages import Page

ROOT = Path(__file__).parents[1]
BANKS = Path(__file__).parent / "wrong_answers"
LESSONS = lesson_numbers()
ALL = [exercise for lesson in LESSONS for exercise in exercises_of(lesson)]


def _refuse(*args: object, **kwargs: object) -> NoReturn:
    raise RuntimeError("no comparison, no truth, no text, no array")


class Evil:
    """Everything about it goes wrong, save that it exists."""

    __eq__ = __bool__ = __repr__ = __array__ = _refuse
    __hash__ = None


STRANGE = {
    "text": "abc",
    "bytes": b"abc",
    "dict": {"a": 1},
    "set": {1, 2},
    "evil": Evil(),
    "class": dict,
    "function": len,
    "nan": float("nan"),
    "infinite": -np.inf,
    "empty": np.zeros((0, 3)),
    "empty list": [],
    "ragged": [[1, 2], [3]],
    "objects": np.array([object(), 1], dtype=object),
    "complex": 3 + 4j,
    "true": True,
    "dates": np.array(["2020-01-01"], dtype="datetime64[D]"),
    "strings": np.array(["a", "b"]),
    "huge": np.full((2, 2), 1e308),
    "generator": (i for i in range(3)),
    "many axes": np.ones((1,) * 12),
}


# --- every lesson -------------------------------------------------------------------------------


@cache
def bank_of(lesson: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(lesson, BANKS / f"lesson_{lesson}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("lesson", LESSONS)
def test_lesson_is_well_formed(lesson: str) -> None:
    found = exercises_of(lesson)
    names = [e.name for e in found]
    assert len(set(names)) == len(names) and found is exercises_of(int(lesson))
    for exercise in found:
        assert re.fullmatch(rf"{lesson}(-[a-z0-9]+)+", exercise.name)
        assert exercise.title and exercise.why and exercise.hints and all(exercise.hints)
        ast.parse(exercise.solution)
    bank = bank_of(lesson)
    assert set(bank.WRONG) == set(bank.RIGHT) == set(names)


@pytest.mark.parametrize("exercise", ALL, ids=lambda e: e.name)
def test_wrong_answers_are_refused_each_with_its_hint(exercise: Exercise) -> None:
    bank = bank_of(exercise.name[:2]).WRONG[exercise.name]
    assert len(bank) >= 5
    said: dict[str, str] = {}
    for label, answers, fragment in bank:
        answers = answers() if callable(answers) else answers
        state, message = grade(exercise, *answers, strict=True)
        assert state == "wrong", f"{label!r} is taken for {state}"
        assert fragment.strip() and fragment in message, f"{label!r}: {message!r}"
        assert message not in said, f"{label!r} and {said[message]!r} get the same hint: {message}"
        said[message] = label


@pytest.mark.parametrize("exercise", ALL, ids=lambda e: e.name)
def test_right_answers_written_otherwise_are_accepted(exercise: Exercise) -> None:
    bank = bank_of(exercise.name[:2]).RIGHT[exercise.name]
    assert bank
    for label, answers in bank:
        assert grade(exercise, *answers, strict=True) == ("done", ""), label


@pytest.mark.parametrize("exercise", ALL, ids=lambda e: e.name)
def test_strange_answers_get_a_sentence(exercise: Exercise) -> None:
    for label, value in STRANGE.items():
        for answer in (value, lambda *args, value=value, **kwargs: value):
            state, message = grade(exercise, *[answer] * exercise.answers)
            assert state == "wrong", f"{label} is taken for {state}"
            assert message and "\n" not in message and len(message) < 600


@cache
def notebook(lesson: str) -> tuple[dict[str, str], str]:
    """The cells with tags, and all imports."""
    (path,) = (ROOT / "notebooks").glob(f"{lesson}_*.ipynb")
    cells = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
    tagged = {tag: c.source for c in cells for tag in c.metadata.get("tags", [])}
    source = "\n".join(c.source for c in cells if not c.source.startswith("%"))
    imports = (n for n in ast.parse(source).body if isinstance(n, ast.Import | ast.ImportFrom))
    return tagged, "\n".join(map(ast.unparse, imports))


@pytest.mark.parametrize("exercise", ALL, ids=lambda e: e.name)
def test_stub_is_not_done_and_solution_is_right(exercise: Exercise) -> None:
    tagged, imports = notebook(exercise.name[:2])
    stub = tagged[f"exercise:{exercise.name}"]
    for code, expected in ((stub, "not done"), (exercise.solution, "done")):
        scope: dict = {}
        exec(imports, scope)
        # The check cell's one line, with the judge in the place of the notebook's check.
        scope["check"] = lambda name, *answers: grade(exercise, *answers, strict=True)
        try:
            exec(code, scope)
            state, hint = eval(tagged[f"check:{exercise.name}"], scope)
        except NameError:
            continue  # it needs other cells: the notebook's own run proves it
        assert state == expected or "raised NameError" in hint, hint


# --- helpers for checkers -----------------------------------------------------------------------


def hint_of(function, *args, **kwargs) -> str:
    with pytest.raises(Wrong) as caught:
        function(*args, **kwargs)
    return str(caught.value)


RIGHT = np.array([[1.0, 2.5, 3.0], [4.0, -5.0, 6.25]])


@pytest.mark.parametrize(
    ("value", "fragment"),
    [
        ("1 2 3", "is text"),
        (b"1", "is text"),
        ({"a": 1}, "a dict of length 1"),
        (np.mean, "called, with round brackets"),
        (float, "the class float"),
        ([[1, 2], [3]], "does not make an array"),
        (Evil(), "type Evil"),
        (RIGHT > 0, "True and False"),
        (RIGHT + 0j, "complex"),
        (RIGHT * np.nan, "NaN (not a number) at [0, 0]"),
        (np.where(RIGHT == 2.5, np.inf, RIGHT), "infinity at [0, 1]"),
        (RIGHT.T, "rows and columns exchanged"),
        (RIGHT[None], "axis of length 1 is too many"),
        (RIGHT[:, :2], "has shape (2, 2), expected (2, 3)"),
        (RIGHT.ravel(), "1 axes instead of 2"),
        (np.zeros((0, 3)), "is empty"),
        (np.zeros((2, 3)), "is 0 everywhere"),
        (RIGHT.astype(int), "fractions were cut off"),
        (RIGHT.astype(int).astype(np.uint8), "wrapped round"),
        (-RIGHT, "wrong sign everywhere"),
        (RIGHT + 0.5, "too large by 0.5 in every entry"),
        (RIGHT - 2, "too small by 2 in every entry"),
        (RIGHT + 5e-5, "too large by 5e-05 in every entry"),
        (RIGHT * 255, "is 255 times what it should be"),
        (RIGHT[::-1], "right numbers in another order"),
        (RIGHT + np.eye(2, 3), "2 of 6 entries of it differ; at [0, 0] yours is 2, expected 1"),
        (np.full((2, 3), 0.25), "6 of 6 entries"),
    ],
)
def test_expect_array_names_the_mistake(value: object, fragment: str) -> None:
    assert fragment in hint_of(expect_array, value, RIGHT, what="it")


def test_expect_array_takes_what_means_the_same() -> None:
    tensor = type("Tensor", (), {"__array__": lambda self, dtype=None, copy=None: RIGHT})()
    for value in (RIGHT, RIGHT.tolist(), tuple(map(tuple, RIGHT)), RIGHT.astype("float32"), tensor):
        assert np.array_equal(expect_array(value, RIGHT), RIGHT)
    for value, right in ((RIGHT + 1e-7, RIGHT), (RIGHT > 1, RIGHT > 1), (3, np.float64(3))):
        expect_array(value, right)


def test_a_known_mistake_is_named_before_all_others_unless_it_is_right_here() -> None:
    assert hint_of(expect_array, RIGHT.T, RIGHT, mistakes={"other way": RIGHT.T}) == "other way"
    expect_array(RIGHT, RIGHT, mistakes={"x": RIGHT})
    expect_number(2, 2, mistakes={"x": 2})


@given(
    hnp.arrays(np.float64, hnp.array_shapes(max_dims=3, max_side=4), elements=st.floats(-1e6, 1e6)),
    st.data(),
)
def test_expect_array_notices_any_one_entry(right: np.ndarray, data: st.DataObject) -> None:
    expect_array(right.copy(), right)
    wrong = right.copy()
    spot = data.draw(st.integers(0, right.size - 1))
    wrong.flat[spot] += 1 + 1e-3 * abs(wrong.flat[spot])
    assert hint_of(expect_array, wrong, right)


@pytest.mark.parametrize(
    ("value", "fragment"),
    [
        ("8", "is text"),
        (True, "True and False"),
        ([8, 8], "one number is expected"),
        (np.nan, "NaN"),
        (np.inf, "infinity"),
        (8.5, "8.5, and that is too large"),
        (8.0005, "too large"),
        (9, "too large by one"),
        (7, "too small by one"),
        (-8, "wrong sign"),
        (800, "in percent?"),
        (3, "forgot"),
        (1 + 2j, "complex"),
    ],
)
def test_expect_number_names_the_mistake(value: object, fragment: str) -> None:
    hint = hint_of(expect_number, value, 8, mistakes={"you forgot the bias": 3})
    assert fragment in hint
    assert not re.search(r"\b8\b", hint.replace(str(value), ""))


def test_expect_number_takes_what_means_the_same() -> None:
    for value in (8, 8.0, np.float32(8), np.array(8), np.array([[8]])):
        assert expect_number(value, 8) == 8.0


def test_expect_choice() -> None:
    why = {"a": "not a", "c": "not c"}
    assert expect_choice(" B ", "b", why) == "b"
    assert hint_of(expect_choice, "A", "b", why) == "not a"
    for value in ("d", 3, Evil(), ["b"]):
        assert 'choose one of "a", "b", "c"' in hint_of(expect_choice, value, "b", why)
    assert f'"{"d" * 59}…"' in hint_of(expect_choice, "d" * 61, "b", why)
    with pytest.raises(NotDone):
        expect_choice(None, "b", why)


def test_require() -> None:
    require(np.bool_(True), "x")
    assert hint_of(require, False, "x") == "x"
    with pytest.raises(TypeError, match="ndarray"):
        require(np.array([True]), "x")


@pytest.mark.parametrize("stub", [None, ..., NotImplemented, (..., 1), np.array([..., 1])])
def test_stubs_are_not_done(stub: object) -> None:
    with pytest.raises(NotDone):
        call(stub if stub is None else lambda: stub)
    with pytest.raises(NotDone):
        expect_array(stub, RIGHT)
    with pytest.raises(NotDone):
        expect_number(stub, 1)


def test_call_names_exception_call_and_line() -> None:
    def halve(image, by):
        parts = 0
        return image / missing / parts  # noqa: F821

    hint = hint_of(call, halve, np.zeros((2, 2)), 2)
    assert hint.startswith("halve([[0.0, 0.0], [0.0, 0.0]], 2) raised NameError: name 'missing'")
    assert "in the line `return image / missing / parts" in hint
    assert "array of shape (5, 5)" in hint_of(call, halve, np.zeros((5, 5)), 1)
    assert "TypeError" in hint_of(call, halve)
    assert "SystemExit" in hint_of(call, sys.exit)
    assert "`print` returned nothing; is a `return` missing" in hint_of(call, print, 2)
    assert "function is expected, but this is 3" in hint_of(call, 3)


def test_call_protects_its_arguments() -> None:
    def spoil(image):
        image[0] = 9
        return image.sum()

    def spoil_and_forget(image):
        image[0] = 9

    image, numbers = np.array([1.0, np.nan]), [[1, 2], 3]
    assert "argument 1 in place; work on a copy" in hint_of(call, spoil, image)
    assert "returned nothing" in hint_of(call, spoil_and_forget, image)
    assert "in place" in hint_of(call, lambda _, n: n[0].append(5) or 1, 1, numbers)
    assert image[0] == 1.0 and numbers == [[1, 2], 3]
    assert np.isnan(call(lambda i: i, image)[1])


# --- check, with exercises of our own -----------------------------------------------------------


def _check_double(double):
    expect_number(call(double, 2), 4, what="double(2)")


def _check_pair(first, second):
    if first == "crash":
        raise KeyError("a bug of the checker")
    require(bool(first == 1 and second == 2), "the numbers `1` & 2, *not* `a *b* c` or 2*3*4")


EXERCISES = (
    Exercise(
        name="90-double",
        title="Double <a> number",
        hints=("Try `x + x`", "or 2 < 3"),
        solution="def double(x):\n    return x + x if x < 9 else 2 * x\n",
        why="Twice is `x + x`.",
        check=_check_double,
    ),
    Exercise("90-pair", "Pair", ("One", "Two", "Three"), "a, b = 1, 2", "So.", _check_pair),
)


@pytest.fixture
def saved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A progress file of its own, which is not there yet, and a lesson 90."""
    module = ModuleType("course_utils.exercises.lesson_90")
    module.EXERCISES = EXERCISES
    monkeypatch.setitem(sys.modules, module.__name__, module)
    (tmp_path / "lesson_90.py").touch()
    monkeypatch.setattr(engine, "__path__", [*engine.__path__, str(tmp_path)])
    file = tmp_path / "new" / "progress.json"
    monkeypatch.setenv("COURSE_PROGRESS", str(file))
    return file


def double(x):
    return x * 2


def done_in(file: Path) -> list[str]:
    return json.loads(file.read_text())["done"]


def test_three_states_and_done_stays_done(saved: Path) -> None:
    for name, answers, shown in (
        ("90-double", (lambda x: ...,), "○ 90-double: not done yet (0 of 2 done)"),
        ("90-double", (None,), "○ 90-double: not done yet (0 of 2 done)"),
        ("90-double", (abs,), "✗ 90-double: double(2) is 2, and that is too small (0 of 2 done)"),
        ("90-double", (double,), "✓ 90-double: done (1 of 2 done)"),
        ("90-double", (None,), "○ 90-double: not done yet, but solved before (1 of 2 done)"),
        ("90-double", (abs,), "✗ 90-double: double(2) is 2, and that is too small (1 of 2 done)"),
        ("90-pair", (1, 2), "✓ 90-pair: done (2 of 2 done)"),
    ):
        assert repr(check(name, *answers)) == shown
    assert done_in(saved) == ["90-double", "90-pair"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("90-duble", 1), "did you mean '90-double'?"),
        (("90-xyz", 1), "'90-xyz'; choose one of '90-double', '90-pair'"),
        (("77-xyz", 1), "'77'"),
        (("", 1), "choose one of"),
        (("../90", 1), "'../90'"),
        ((double,), "the name comes first"),
        (("90-double",), "takes 1 answer after the name, not 0"),
        (("90-pair", 1, 2, 3), "takes 2 answers after the name, not 3"),
        (("90-pair", "crash", 1), "not of the kind that is asked for: it is 'crash' and 1"),
        (("90-pair", Evil(), 1), "an object of type Evil and 1"),
    ],
)
@pytest.mark.usefixtures("saved")
def test_anything_gets_one_sentence(arguments: tuple, words: str) -> None:
    result = check(*arguments)
    assert result.state == "wrong" and words in repr(result) and "\n" not in repr(result)
    Page(result._repr_html_())


def test_strict_lets_bugs_of_a_checker_through() -> None:
    with pytest.raises(KeyError):
        grade(EXERCISES[1], "crash", 1, strict=True)


def test_nothing_is_written_between_answer_and_hint(recwarn: pytest.WarningsRecorder) -> None:
    state, message = grade(EXERCISES[0], lambda x: np.zeros(1) / 0)
    assert state == "wrong" and "NaN" in message and not recwarn.list


def test_an_interrupt_is_not_swallowed(saved: Path) -> None:
    def endless(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check("90-double", endless)


@pytest.mark.usefixtures("saved")
def test_html_folds_hints_in_steps_and_the_solution() -> None:
    steps = [(1, "Hint 1"), (2, "Hint 2"), (3, "Hint 3"), (1, "Solution")]
    for answers, folded in (((None, 1), steps), ((1, 1), steps), ((1, 2), steps[-1:])):
        assert Page(check("90-pair", *answers)._repr_html_()).folded == folded


@pytest.mark.usefixtures("saved")
def test_html_says_the_state_in_words_and_escapes_text() -> None:
    wrong = check("90-pair", 1, 1)._repr_html_()
    assert wrong == check("90-pair", 1, 1)._repr_html_()
    assert "✗ Not right yet" in wrong and "90-pair</code> · Pair · 0 of 2 done" in wrong
    assert "<code>1</code> &amp; 2, <em>not</em> <code>a *b* c</code> or 2*3*4" in wrong
    opened = check("90-double", None)._repr_html_()
    assert "○ Not done yet" in opened and "Double &lt;a&gt; number" in opened
    assert "Solved before." not in opened
    assert "if x &lt; 9" in opened and "Try <code>x + x</code>" in opened
    assert "✓ Done" in check("90-double", double)._repr_html_()
    assert "Solved before." in check("90-double", None)._repr_html_()
    assert "Solved before." not in check("90-double", abs)._repr_html_()
    assert "&lt;b&gt;" in check("<b>")._repr_html_()


@pytest.mark.parametrize(
    ("hint", "shown"),
    [
        ("*two <words>*: *b*.", "<em>two &lt;words&gt;</em>: <em>b</em>."),
        *((plain, plain) for plain in ("2 * 3 * 4", "x**2 and y**2", "* a *", "**")),
    ],
)
def test_html_stresses_what_stands_in_asterisks(hint: str, shown: str) -> None:
    assert f'">{shown}</p>' in engine.Result(None, "90-x", "wrong", hint)._repr_html_()


# --- progress -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("saved")
def test_progress_is_shown_by_lessons() -> None:
    check("90-pair", 1, 2)
    assert repr(progress(90)) == (
        "Lesson 90: 1 of 2 done\n  ○ 90-double  Double <a> number\n  ✓ 90-pair    Pair"
    )
    html = progress("90")._repr_html_()
    text = Page(html).text
    assert text["td"] == ["○ Not done yet", "Double <a> number", "✓ Done", "Pair"]
    assert text["code"] == ["90-double", "90-pair"]
    assert text["caption"] == ["Lesson 90: 1 of 2 done "]
    assert '<progress value="1" max="2" aria-label="Lesson 90">' in html
    assert html.count('<td style="text-align: left">') == 2  # the titles
    assert '<td style="text-align: left">Pair' in html
    assert [number for number, _ in progress().lessons] == [*LESSONS, "90"]
    with pytest.raises(CourseError, match="77"):
        progress(77)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'{"done": 3}', b'{"done": [1]}', b"\xff\xfe", b"[" * 100_000],
)
def test_a_damaged_file_is_set_aside(saved: Path, content: bytes) -> None:
    saved.parent.mkdir()
    saved.write_bytes(content)
    result = check("90-double", double)
    assert repr(result).startswith("✓ 90-double: done (1 of 2 done)\nNote: progress.json was dam")
    assert "progress.json was damaged" in result._repr_html_()
    assert (saved.parent / "progress.damaged1.json").read_bytes() == content
    assert done_in(saved) == ["90-double"]
    saved.write_bytes(content)
    assert "progress.damaged2.json" in repr(progress(90))


def test_names_of_other_lessons_stay_in_the_file(saved: Path) -> None:
    saved.parent.mkdir()
    saved.write_text('{"done": ["05-old"]}')
    assert "(1 of 2 done)" in repr(check("90-double", double))
    assert done_in(saved) == ["05-old", "90-double"]


def test_where_nothing_can_be_written_it_says_so_once_and_saves_later(saved: Path) -> None:
    saved.mkdir(parents=True)  # a folder in its place: not even root can write there
    first = repr(check("90-double", double))
    assert first.startswith("✓ 90-double: done (1 of 2 done)\nNote: progress.json cannot be")
    assert repr(check("90-double", None)).endswith("solved before (1 of 2 done)")
    assert list(saved.parent.iterdir()) == [saved]
    saved.rmdir()
    assert repr(check("90-pair", 1, 2)) == "✓ 90-pair: done (2 of 2 done)"
    assert done_in(saved) == ["90-double", "90-pair"]
    saved.unlink()  # begun afresh: nothing is kept elsewhere
    assert repr(check("90-double", None)).endswith("not done yet (0 of 2 done)")


def test_a_failed_write_leaves_the_old_file(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check("90-double", double)
    before = saved.read_bytes()

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    result = repr(check("90-pair", 1, 2))
    assert "(2 of 2 done)\nNote: progress.json cannot be written (No space left" in result
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


def test_file_lies_beside_the_course_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COURSE_PROGRESS", raising=False)
    monkeypatch.chdir(tmp_path)
    assert progress_file.place() == ROOT / "progress.json"
