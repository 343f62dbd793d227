"""The engine of the exercises, and every lesson's checkers against a bank of wrong answers."""

from __future__ import annotations

import ast
import builtins
import importlib.util
import inspect
import json
import os
import re
import subprocess
import symtable
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType

import nbformat
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from course_utils import exercises as engine
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
    progress,
    require,
)

ROOT = Path(__file__).parents[1]
BANKS = Path(__file__).parent / "wrong_answers"
LESSONS = engine._lessons()
ALL = [exercise for lesson in LESSONS for exercise in exercises_of(lesson)]


class Evil:
    """Everything about it goes wrong, save that it exists."""

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no comparison")

    def __bool__(self) -> bool:
        raise RuntimeError("no truth")

    def __repr__(self) -> str:
        raise RuntimeError("no text")

    def __array__(self, *args: object, **kwargs: object) -> np.ndarray:
        raise RuntimeError("no array")

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


def bank_of(lesson: str) -> ModuleType:
    path = BANKS / f"lesson_{lesson}.py"
    spec = importlib.util.spec_from_file_location(f"wrong_answers_{lesson}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def of_lesson(exercise: Exercise) -> str:
    return exercise.name.partition("-")[0]


@pytest.mark.parametrize("lesson", LESSONS)
def test_lesson_is_well_formed(lesson: str) -> None:
    found = exercises_of(lesson)
    names = [e.name for e in found]
    assert len(set(names)) == len(names)
    for exercise in found:
        assert re.fullmatch(rf"{lesson}(-[a-z0-9]+)+", exercise.name)
        assert exercise.title and exercise.why and exercise.hints and all(exercise.hints)
        ast.parse(exercise.solution)
    bank = bank_of(lesson)
    assert set(bank.WRONG) == set(bank.RIGHT) == set(names)


@pytest.mark.parametrize("exercise", ALL, ids=lambda e: e.name)
def test_wrong_answers_are_refused_each_with_its_hint(exercise: Exercise) -> None:
    bank = bank_of(of_lesson(exercise)).WRONG[exercise.name]
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
    bank = bank_of(of_lesson(exercise)).RIGHT[exercise.name]
    assert bank
    for label, answers in bank:
        assert grade(exercise, *answers, strict=True) == ("done", ""), label


@pytest.mark.parametrize("exercise", ALL, ids=lambda e: e.name)
def test_strange_answers_get_a_sentence(exercise: Exercise) -> None:
    needed = inspect.signature(exercise.check).parameters
    for label, value in STRANGE.items():
        for answer in (value, lambda *args, value=value, **kwargs: value):
            state, message = grade(exercise, *[answer] * len(needed))
            assert state == "wrong", f"{label} is taken for {state}"
            assert message and "\n" not in message and len(message) < 600


def cells_of(exercise: Exercise) -> dict[str, str]:
    """The notebook's stub and check of an exercise, and its imports."""
    path = next((ROOT / "notebooks").glob(f"{of_lesson(exercise)}_*.ipynb"))
    cells = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
    tagged = {tag: c.source for c in cells for tag in c.metadata.get("tags", [])}
    source = "\n".join(c.source for c in cells if not c.source.startswith("%"))
    imports = [
        ast.unparse(node)
        for node in ast.parse(source).body
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    return {
        "stub": tagged[f"exercise:{exercise.name}"],
        "check": tagged[f"check:{exercise.name}"],
        "imports": "\n".join(imports),
    }


def stands_alone(code: str, names: dict) -> bool:
    """Whether `code` needs nothing but `names`; if not, the notebook's own run must prove it."""
    top = symtable.symtable(code, "cell", "exec")
    needed, tables = set(), [top]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        needed |= {s.get_name() for s in table.get_symbols() if s.is_global()}
    own = {s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported()}
    return needed - own <= set(names) | set(dir(builtins))


@pytest.mark.parametrize("exercise", ALL, ids=lambda e: e.name)
def test_stub_is_not_done_and_solution_is_right(exercise: Exercise) -> None:
    cells = cells_of(exercise)
    names: dict = {}
    exec(cells["imports"], names)
    for code, expected in ((cells["stub"], "not done"), (exercise.solution, "done")):
        if not stands_alone(code, names):
            continue
        scope = dict(names)
        exec(code, scope)
        # The check cell's one line, with the judge in the place of the notebook's check.
        scope["check"] = lambda name, *answers: answers
        answers = eval(cells["check"], scope)
        judged = grade(exercise, *answers, strict=True)
        assert judged[0] == expected, judged


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
        assert expect_array(value, RIGHT) is not None
    expect_array((222, 222, 8), (222, 222, 8))
    expect_array(RIGHT + 1e-7, RIGHT)
    expect_array(RIGHT > 1, RIGHT > 1)
    expect_array(3, np.float64(3))


def test_expect_array_knows_mistakes_of_another_shape_first() -> None:
    hint = hint_of(expect_array, RIGHT.T, RIGHT, mistakes={"the other way": RIGHT.T})
    assert hint == "the other way"


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
    with pytest.raises(NotDone):
        expect_choice(None, "b", why)


def test_a_mistake_that_makes_no_difference_here_is_right() -> None:
    expect_array(RIGHT, RIGHT, mistakes={"x": RIGHT})
    expect_number(2, 2, mistakes={"x": 2})


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


def test_a_function_without_return_is_wrong() -> None:
    def show(x):
        print(x)

    assert hint_of(call, show, 2) == (
        "`show` returned nothing; is a `return` missing, or was it printed?"
    )


def test_call_names_exception_call_and_line() -> None:
    def halve(image, by):
        parts = 0
        return image / missing / parts  # noqa: F821

    hint = hint_of(call, halve, np.zeros((2, 2)), by=2)
    assert hint.startswith("halve([[0.0, 0.0], [0.0, 0.0]], by=2) raised NameError: name 'missing'")
    assert "in the line `return image / missing / parts" in hint
    assert "array of shape (5, 5)" in hint_of(call, halve, np.zeros((5, 5)), 1)
    assert "TypeError" in hint_of(call, halve)
    assert "SystemExit" in hint_of(call, sys.exit)
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
    require(bool(first == 1 and second == 2), "the numbers `1` & 2")


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


@pytest.fixture(autouse=True)
def made_up_lesson(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    module = ModuleType("course_utils.exercises.lesson_90")
    module.EXERCISES = EXERCISES
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(engine, "_lessons", lambda: [*LESSONS, "90"])
    monkeypatch.setattr(engine, "_unsaved", {})
    monkeypatch.setattr(engine, "_said", set())
    file = tmp_path / "progress.json"
    monkeypatch.setenv("COURSE_PROGRESS", str(file))
    return file


def double(x):
    return x * 2


def test_three_states() -> None:
    assert repr(check("90-double", lambda x: ...)) == "○ 90-double: not done yet (0 of 2 done)"
    assert repr(check("90-double", None)) == "○ 90-double: not done yet (0 of 2 done)"
    assert repr(check("90-double", lambda x: None)).startswith("✗ 90-double: `<lambda>` returned")
    assert repr(check("90-double", abs)) == (
        "✗ 90-double: double(2) is 2, and that is too small (0 of 2 done)"
    )
    assert repr(check("90-double", double)) == "✓ 90-double: done (1 of 2 done)"
    assert repr(check("90-pair", 1, 2)) == "✓ 90-pair: done (2 of 2 done)"


def test_done_stays_done(made_up_lesson: Path) -> None:
    check("90-double", double)
    assert "solved before (1 of 2 done)" in repr(check("90-double", None))
    assert repr(check("90-double", abs)).endswith("(1 of 2 done)")
    assert json.loads(made_up_lesson.read_text()) == {"done": ["90-double"]}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("90-duble", 1), "there is no exercise of this name; did you mean 90-double?"),
        (("90-xyz", 1), "there is no exercise of this name; there are 90-double, 90-pair"),
        (("77-xyz", 1), 'lesson "77" has no exercises'),
        (("", 1), "has no exercises"),
        (("../90", 1), "has no exercises"),
        ((double,), "the name comes first"),
        (("90-double",), "takes 1 answer after the name, not 0"),
        (("90-pair", 1, 2, 3), "takes 2 answers after the name, not 3"),
        (("90-pair", "crash", 1), "not of the kind that is asked for: it is 'crash' and 1"),
        (("90-pair", Evil(), 1), "an object of type Evil and 1"),
    ],
)
def test_anything_gets_one_sentence(arguments: tuple, sentence: str) -> None:
    result = check(*arguments)
    assert result.state == "wrong"
    assert sentence in repr(result)
    assert "\n" not in repr(result)
    assert result._repr_html_()


def test_strict_lets_bugs_of_a_checker_through() -> None:
    with pytest.raises(KeyError):
        grade(EXERCISES[1], "crash", 1, strict=True)


def test_nothing_is_written_between_answer_and_hint(recwarn: pytest.WarningsRecorder) -> None:
    state, message = grade(EXERCISES[0], lambda x: np.zeros(1) / 0)
    assert state == "wrong" and "NaN" in message and not recwarn.list


def test_an_interrupt_is_not_swallowed() -> None:
    def endless(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check("90-double", endless)


class Outline(HTMLParser):
    """Tags must nest; keeps each <details> with its depth and summary."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.folded: list[tuple[int, str]] = []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        assert tag not in ("script", "style")
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "summary":
            self.folded.append((self.open.count("details"), data))


def outline(html: str) -> list[tuple[int, str]]:
    parser = Outline()
    parser.feed(html)
    parser.close()
    assert not parser.open
    return parser.folded


def test_html_folds_hints_in_steps_and_the_solution() -> None:
    steps = [(1, "Hint 1"), (2, "Hint 2"), (3, "Hint 3"), (1, "Solution")]
    assert outline(check("90-pair", None, 1)._repr_html_()) == steps
    assert outline(check("90-pair", 1, 1)._repr_html_()) == steps
    assert outline(check("90-pair", 1, 2)._repr_html_()) == [(1, "Solution")]


def test_html_says_the_state_in_words_and_escapes_text() -> None:
    wrong = check("90-pair", 1, 1)._repr_html_()
    assert "✗ Not right yet" in wrong and "the numbers <code>1</code> &amp; 2" in wrong
    opened = check("90-double", None)._repr_html_()
    assert "○ Not done yet" in opened and "Double &lt;a&gt; number" in opened
    assert "if x &lt; 9" in opened and "Try <code>x + x</code>" in opened
    assert "✓ Done" in check("90-double", double)._repr_html_()
    assert "&lt;b&gt;" in check("<b>")._repr_html_()


def test_html_stresses_what_stands_in_asterisks() -> None:
    assert engine._prose("*not* so, `a *b* c`") == "<em>not</em> so, <code>a *b* c</code>"
    assert engine._prose("*two <words>*: *b*.") == "<em>two &lt;words&gt;</em>: <em>b</em>."
    for plain in ("2 * 3 * 4", "2*3*4", "x**2 and y**2", "* a *", "**"):
        assert engine._prose(plain) == plain


def test_outputs_are_the_same_each_time() -> None:
    first, second = (check("90-double", lambda x: 3)._repr_html_() for _ in range(2))
    assert first == second


# --- progress -----------------------------------------------------------------------------------


def test_progress_of_one_lesson() -> None:
    check("90-pair", 1, 2)
    assert repr(progress(90)) == (
        "Lesson 90: 1 of 2 done\n  ○ 90-double  Double <a> number\n  ✓ 90-pair    Pair"
    )
    html = progress("90")._repr_html_()
    outline(html)
    assert "✓ Done" in html and 'aria-label="Lesson 90"' in html


def test_progress_of_all_lessons() -> None:
    assert [number for number, _ in progress().lessons] == [*LESSONS, "90"]


def test_progress_of_an_unknown_lesson() -> None:
    with pytest.raises(LookupError, match='lesson "77" has no exercises'):
        progress(77)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'{"done": 3}', b'{"done": [1]}', b"\xff\xfe", b"[" * 100_000],
)
def test_a_damaged_file_is_set_aside(made_up_lesson: Path, content: bytes) -> None:
    made_up_lesson.write_bytes(content)
    text = repr(check("90-double", double))
    assert text.startswith("✓ 90-double: done (1 of 2 done)\nNote: progress.json was damaged")
    assert (made_up_lesson.parent / "progress.damaged1.json").read_bytes() == content
    assert json.loads(made_up_lesson.read_text()) == {"done": ["90-double"]}
    made_up_lesson.write_bytes(content)
    assert "progress.damaged2.json" in repr(progress(90))


def test_names_of_other_lessons_stay_in_the_file(made_up_lesson: Path) -> None:
    made_up_lesson.write_text('{"done": ["05-old"]}')
    assert "(1 of 2 done)" in repr(check("90-double", double))
    assert json.loads(made_up_lesson.read_text()) == {"done": ["05-old", "90-double"]}


def test_where_nothing_can_be_written_it_says_so_once(made_up_lesson: Path) -> None:
    made_up_lesson.mkdir()  # a folder in its place: not even root can write there
    first = repr(check("90-double", double))
    assert first.startswith("✓ 90-double: done (1 of 2 done)\nNote: progress.json cannot be")
    assert repr(check("90-pair", 1, 2)) == "✓ 90-pair: done (2 of 2 done)"
    assert list(made_up_lesson.parent.iterdir()) == [made_up_lesson]


def test_a_failed_write_leaves_the_old_file(
    made_up_lesson: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check("90-double", double)
    before = made_up_lesson.read_bytes()

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    result = repr(check("90-pair", 1, 2))
    assert "(2 of 2 done)\nNote: progress.json cannot be written (No space left" in result
    assert made_up_lesson.read_bytes() == before
    assert list(made_up_lesson.parent.iterdir()) == [made_up_lesson]
    monkeypatch.undo()


def test_unsaved_progress_is_saved_when_it_can_be(
    made_up_lesson: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_up_lesson.mkdir()
    check("90-double", double)
    made_up_lesson.rmdir()
    check("90-pair", 1, 2)
    assert json.loads(made_up_lesson.read_text()) == {"done": ["90-double", "90-pair"]}


def test_file_lies_beside_the_course_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COURSE_PROGRESS")
    assert engine._progress_path() == ROOT / "progress.json"


def test_engine_loads_without_tensorflow() -> None:
    code = (
        "import sys, course_utils.exercises as e; [e.exercises_of(n) for n in e._lessons()]; "
        "sys.exit(any(m in sys.modules for m in ('tensorflow', 'keras', 'torch')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
