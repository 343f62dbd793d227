"""Exercises that check themselves: ``check("01-flip", flip)`` says done, or what is wrong.

A lesson's exercises stand in ``lesson_NN.py`` beside this file, as a tuple ``EXERCISES``. Each
has a checker, a function that gets the answers given to :func:`check` and raises :class:`Wrong`
with a hint that fits the mistake; :func:`call`, :func:`expect_array`, :func:`expect_number`,
:func:`expect_choice` and :func:`require` do most of that work. What has been solved is kept in a
small JSON file (``COURSE_PROGRESS``, else ``progress.json`` beside the course). An exercise once
solved stays solved there: running the notebook again from the top, or trying something out,
takes nothing away.
"""

from __future__ import annotations

import copy
import difflib
import html
import importlib
import inspect
import json
import os
import pkgutil
import re
import tempfile
import traceback
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

__all__ = [
    "Exercise",
    "NotDone",
    "Progress",
    "Result",
    "Wrong",
    "call",
    "check",
    "exercises_of",
    "expect_array",
    "expect_choice",
    "expect_number",
    "grade",
    "progress",
    "require",
]

# State -> symbol, word, color; the word and the symbol carry what the color says.
DONE, WRONG, NOT_DONE = "done", "wrong", "not done"
_LOOKS = {
    DONE: ("✓", "Done", "var(--jp-success-color1, #388e3c)"),
    WRONG: ("✗", "Not right yet", "var(--jp-error-color1, #d32f2f)"),
    NOT_DONE: ("○", "Not done yet", "var(--jp-ui-font-color2, #757575)"),
}


class Wrong(Exception):
    """Raised by a checker: the answer is wrong, and the message is a hint that fits the mistake."""


class NotDone(Exception):
    """Raised by the helpers below: the stub is still in place, there is nothing to judge.

    The stub of a function returns ``...``, that of a value is None or ``...``.
    """


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    Parameters
    ----------
    name : str
        ``NN-words``, NN being the lesson; the same as in the tags of the notebook's cells.
    title : str
        A few words, shown in the table of :func:`progress`.
    hints : tuple of str
        Shown one after the other; words in backticks are set as code, those in asterisks stressed.
    solution : str
        Code that takes the place of the exercise's whole cell.
    why : str
        Why the solution is right; shown below it.
    check : callable
        Gets the answers as positional arguments, raises `Wrong` unless they are right.
    """

    name: str
    title: str
    hints: tuple[str, ...]
    solution: str
    why: str
    check: Callable[..., None]


# --- helpers for checkers -----------------------------------------------------------------------


def require(condition: bool, hint: str) -> None:
    """Raise `Wrong` with `hint` unless `condition` is true.

    Raises
    ------
    TypeError
        `condition` is not a truth value but, say, an array: a mistake of the checker.
    """
    if not isinstance(condition, bool | np.bool_):
        raise TypeError(f"require needs True or False, not {type(condition).__name__}")
    if not condition:
        raise Wrong(hint)


def call(function: Callable, *args: Any, **kwargs: Any) -> Any:
    """Call a student's function with copies of the positional arguments.

    Returns
    -------
    object
        What the function returned.

    Raises
    ------
    Wrong
        `function` cannot be called, raised an exception, changed an argument in place, or
        returned None: its author forgot the ``return``, or printed the result.
    NotDone
        It is None or ``...``, or returned ``...``: the stub.
    """
    _refuse_stub(function)
    name = getattr(function, "__name__", "your function")
    if not callable(function):
        raise Wrong(f"a function is expected, but this is {_describe(function)}")
    given = [copy.deepcopy(a) if isinstance(a, np.ndarray | list) else a for a in args]
    shown = ", ".join([*map(_describe, args), *(f"{k}={_describe(v)}" for k, v in kwargs.items())])
    try:
        result = function(*given, **kwargs)
    except (Exception, SystemExit) as error:
        where = _students_line(error, function)
        raise Wrong(f"{name}({shown}) raised {type(error).__name__}: {error}{where}") from error
    unchanged = list(map(_same, args, given))
    if all(unchanged):
        if result is None:
            raise Wrong(f"`{name}` returned nothing; is a `return` missing, or was it printed?")
        _refuse_stub(result)
        return result
    changed = f"{name} changed its argument {unchanged.index(False) + 1} in place"
    if result is None:
        raise Wrong(f"{changed} and returned nothing; return a new array")
    raise Wrong(f"{changed}; work on a copy, since the caller still needs it")


def expect_array(
    value: Any,
    expected: Any,
    *,
    what: str = "your array",
    tol: float = 1e-6,
    mistakes: Mapping[str, Any] | None = None,
) -> np.ndarray:
    """Compare an answer with the right array, and name the mistake if it is a known one.

    Parameters
    ----------
    value : array_like
        The answer: an array, a list, a tensor, or anything a student may have come up with.
    expected : array_like
        The right array, any shape.
    what : str
        What to call the answer in messages.
    tol : float
        Entries agree when ``|value - expected| <= tol * (1 + |expected|)``.
    mistakes : mapping of str to array_like
        Hint -> the array that this mistake leads to; its shape may differ from that of `expected`.
        One that leads to `expected` here, for this input, does no harm.

    Returns
    -------
    numpy.ndarray
        The answer as an array, right.

    Raises
    ------
    Wrong
        The answer is not right.
    """
    expected = np.asarray(expected)
    known = {hint: np.asarray(wrong) for hint, wrong in (mistakes or {}).items()}
    array = _as_numbers(value, expected, what)
    if _close(array, expected, tol):
        return array
    for hint, wrong in known.items():
        if _close(array, wrong, tol):
            raise Wrong(hint)
    if array.shape != expected.shape:
        raise Wrong(_wrong_shape(array, expected, what))
    raise Wrong(
        _usual_mistake(array, expected, what, tol) or _first_difference(array, expected, what, tol)
    )


def expect_number(
    value: Any,
    expected: float,
    *,
    what: str = "your number",
    tol: float = 1e-6,
    mistakes: Mapping[str, float] | None = None,
) -> float:
    """Compare an answer with the right number, without giving that away.

    Parameters are those of :func:`expect_array`; an array with one entry counts as a number.

    Returns
    -------
    float
        The answer, right.

    Raises
    ------
    Wrong
        The answer is not right.
    """
    array = _as_numbers(value, np.asarray(expected, float), what)
    if array.size != 1:
        raise Wrong(f"{what} has shape {array.shape}; one number is expected")
    number = array.reshape(())
    if _close(number, np.asarray(expected), tol):
        return float(number)
    for hint, wrong in (mistakes or {}).items():
        if _close(number, np.asarray(wrong), tol):
            raise Wrong(hint)
    shown = f"{what} is {_short(number)}, and that is"
    for factor, hint in (
        (-1, "the right size with the wrong sign"),
        (100, "100 times too large: in percent?"),
    ):
        if expected and _close(number, np.asarray(factor * expected), tol):
            raise Wrong(f"{shown} {hint}")
    direction = "large" if number > expected else "small"
    by_one = " by one" if _close(abs(number - expected), np.asarray(1.0), tol) else ""
    raise Wrong(f"{shown} too {direction}{by_one}")


def expect_choice(value: Any, right: str, wrong: Mapping[str, str]) -> str:
    """Compare a choice with the right one; letter case and blanks around it do not matter.

    Parameters
    ----------
    value : str
        The answer.
    right : str
        The right choice.
    wrong : mapping of str to str
        Each other choice -> why it is not right.

    Returns
    -------
    str
        The right choice.

    Raises
    ------
    Wrong
        Another choice, or none of them.
    """
    _refuse_stub(value)
    chosen = value.strip().lower() if isinstance(value, str) else None
    for choice, hint in wrong.items():
        if chosen == choice.lower():
            raise Wrong(hint)
    if chosen != right.lower():
        choices = ", ".join(f'"{c}"' for c in sorted([right, *wrong]))
        shown = f'"{_clip(value)}"' if isinstance(value, str) else _describe(value)
        raise Wrong(f"choose one of {choices}; {shown} is none of them")
    return right


def _refuse_stub(value: Any) -> None:
    if value is None or value is Ellipsis or value is NotImplemented:
        raise NotDone
    if isinstance(value, tuple | list) and any(v is Ellipsis for v in value):
        raise NotDone
    if (
        isinstance(value, np.ndarray)
        and value.dtype == object
        and any(v is Ellipsis for v in value.flat)
    ):
        raise NotDone


def _same(old: Any, new: Any) -> bool:
    """Whether an argument still is what it was; only arrays and lists can change."""
    if isinstance(old, np.ndarray):
        same_kind = (old.shape, old.dtype) == (new.shape, new.dtype)
        return same_kind and old.tobytes() == new.tobytes()  # so that NaN equals itself
    if isinstance(old, list):
        return len(old) == len(new) and all(map(_same, old, new))
    return not isinstance(old, int | float | complex | str) or old == new


def _students_line(error: BaseException, function: Callable) -> str:
    """Name the line of the student's own function in which `error` came up."""
    code = getattr(function, "__code__", None)
    if code is None:
        return ""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename == code.co_filename and frame.line:
            return f", in the line `{frame.line}`"
    return ""


def _as_numbers(value: Any, expected: np.ndarray, what: str) -> np.ndarray:
    """`value` as an array of finite numbers of a kind that can be compared with `expected`."""
    _refuse_stub(value)
    if isinstance(value, str | bytes):
        raise Wrong(f"{what} is text, {_describe(value)}; numbers are expected")
    if isinstance(value, type) or inspect.isroutine(value):
        raise Wrong(f"{what} is {_describe(value)}; was it to be called, with round brackets?")
    try:
        array = np.asarray(value)
        if array.dtype.kind == "V":  # bfloat16 and its like
            array = array.astype(np.float32)
    except Exception as error:
        raise Wrong(
            f"{what} is {_describe(value)}, which does not make an array of numbers"
        ) from error
    if array.dtype.kind not in "biufc":
        raise Wrong(f"{what} is {_describe(value)}; numbers are expected")
    if array.dtype.kind == "b" and expected.dtype.kind != "b":
        raise Wrong(f"{what} has True and False where numbers are expected")
    if array.dtype.kind == "c" and expected.dtype.kind != "c":
        raise Wrong(f"{what} has complex numbers; real ones are expected")
    for bad, name in ((np.isnan(array), "NaN (not a number)"), (np.isinf(array), "infinity")):
        if bad.any():
            where = f" at {_index(bad)}" if array.ndim else ""
            raise Wrong(f"{what} has {name}{where}; was something divided by zero, or never set?")
    return array


def _close(value: np.ndarray, expected: np.ndarray, tol: float) -> bool:
    return value.shape == expected.shape and not _far(value, expected, tol).any()


def _far(value: np.ndarray, expected: np.ndarray, tol: float) -> np.ndarray:
    return ~np.isclose(
        value.astype(_wide(value)), expected.astype(_wide(expected)), rtol=tol, atol=tol
    )


def _wide(array: np.ndarray) -> type:
    """A type in which differences neither wrap round nor lose digits."""
    return complex if array.dtype.kind == "c" else float


def _wrong_shape(array: np.ndarray, expected: np.ndarray, what: str) -> str:
    both = f"{what} has shape {array.shape}, expected {expected.shape}"
    if not array.size:
        return f"{what} is empty; shape {expected.shape} is expected"
    if array.ndim == expected.ndim == 2 and array.shape == expected.shape[::-1]:
        return f"{both}: are rows and columns exchanged?"
    if sorted(array.shape) == sorted(expected.shape):
        return f"{both}: the axes stand in another order"
    if np.squeeze(array).shape == np.squeeze(expected).shape:
        return (
            f"{both}: an axis of length 1 is too {'many' if array.ndim > expected.ndim else 'few'}"
        )
    if array.ndim == expected.ndim:
        return both
    return f"{both}: {array.ndim} axes instead of {expected.ndim}"


def _usual_mistake(array: np.ndarray, expected: np.ndarray, what: str, tol: float) -> str | None:
    """Mistakes that do not depend on the exercise."""
    value, right = array.astype(_wide(array)), expected.astype(_wide(expected))
    if not value.any():
        return f"{what} is 0 everywhere; was the result ever written into it?"
    if array.dtype.kind in "iu" and _close(value, np.trunc(right), tol):
        return (
            f"{what} holds whole numbers ({array.dtype}), the fractions were cut off; use float32"
        )
    if array.dtype == np.uint8 and _close(value, np.trunc(right) % 256, tol):
        return (
            f"{what} is uint8, which only holds 0 to 255: other values wrapped round; use float32"
        )
    if _close(value, -right, tol):
        return f"{what} has the wrong sign everywhere"
    if value.ndim == 2 and _close(value.T, right, tol):
        return f"{what} has rows and columns exchanged"
    if right.size > 2 and np.ptp(right.real) > tol and value.dtype == right.dtype == float:
        difference = value - right
        if np.ptp(difference) <= tol * (1 + np.abs(right).max()):
            direction = "large" if difference.flat[0] > 0 else "small"
            return f"{what} is too {direction} by {_short(abs(difference.flat[0]))} in every entry"
        factor = float(np.vdot(right, value) / np.vdot(right, right))
        if factor and _close(value, factor * right, tol):
            return f"{what} is {_short(factor)} times what it should be, in every entry"
        if _close(np.sort(value, axis=None), np.sort(right, axis=None), tol):
            return f"{what} has the right numbers in another order"
    return None


def _first_difference(array: np.ndarray, expected: np.ndarray, what: str, tol: float) -> str:
    far = _far(array, expected, tol)
    if not array.ndim:
        return f"{what} is {_short(array)}, expected {_short(expected)}"
    spot = np.unravel_index(np.argmax(far), far.shape)
    count = f"{far.sum()} of {far.size} entries of {what} differ"
    both = f"yours is {_short(array[spot])}, expected {_short(expected[spot])}"
    return f"{count}; at {_index(far)} {both}"


def _index(marked: np.ndarray) -> str:
    return str([int(i) for i in np.unravel_index(np.argmax(marked), marked.shape)])


def _short(number: Any) -> str:
    number = np.asarray(number)[()]
    return f"{number:.6g}" if number.dtype.kind == "f" else str(number)


def _describe(value: Any) -> str:
    """A few words for any value; never runs code of an unknown class."""
    if isinstance(value, np.ndarray):
        if value.size <= 9 and value.dtype.kind in "biuf":
            return str(
                np.asarray(value).round(6).tolist() if value.dtype.kind == "f" else value.tolist()
            )
        return f"an array of shape {value.shape}"
    if type(value) in (int, float, complex, bool, str):
        return _clip(repr(value))
    if inspect.isroutine(value) or isinstance(value, type):
        return f"the {'class' if isinstance(value, type) else 'function'} {value.__name__}"
    if type(value) in (list, tuple, dict, set):
        return f"a {type(value).__name__} of length {len(value)}"
    if isinstance(value, np.generic):
        return _clip(str(value))
    return f"an object of type {type(value).__name__}"


def _clip(text: str, width: int = 60) -> str:
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 1] + "…"


# --- finding and judging ------------------------------------------------------------------------


def exercises_of(lesson: str | int) -> tuple[Exercise, ...]:
    """The exercises of a lesson in the order of its notebook.

    Parameters
    ----------
    lesson : str or int
        ``"01"`` or 1.

    Raises
    ------
    LookupError
        There is no such lesson.
    """
    number = str(lesson).zfill(2)
    module = f"{__name__}.lesson_{number}"
    if not re.fullmatch(r"\d{1,2}", str(lesson)) or number not in _lessons():
        raise LookupError(
            f'lesson "{lesson}" has no exercises; lessons that do: {", ".join(_lessons())}'
        )
    return importlib.import_module(module).EXERCISES


def _lessons() -> list[str]:
    found = (re.fullmatch(r"lesson_(\d\d)", m.name) for m in pkgutil.iter_modules(__path__))
    return sorted(m[1] for m in found if m)


def _find(name: Any) -> Exercise:
    """The exercise called `name`; LookupError with a sentence for the student if there is none."""
    if not isinstance(name, str):
        raise LookupError('the name comes first, in quotation marks: check("01-flip", flip)')
    exercises = exercises_of(name.partition("-")[0])
    for exercise in exercises:
        if exercise.name == name:
            return exercise
    names = [e.name for e in exercises]
    guess = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {guess[0]}?" if guess else f"there are {', '.join(names)}"
    raise LookupError(f"there is no exercise of this name; {hint}")


def grade(exercise: Exercise, *answers: Any, strict: bool = False) -> tuple[str, str]:
    """Judge answers without recording anything.

    Parameters
    ----------
    exercise : Exercise
        Which one.
    *answers : object
        What the notebook passes to :func:`check`.
    strict : bool
        Let exceptions of the checker itself through; the tests do, students get a sentence.

    Returns
    -------
    state : {"done", "wrong", "not done"}
    message : str
        The hint when wrong, else empty.
    """
    needed = len(inspect.signature(exercise.check).parameters)
    if len(answers) != needed:
        plural = "answer" if needed == 1 else "answers"
        return WRONG, f"check takes {needed} {plural} after the name, not {len(answers)}"
    try:
        # Warnings of a wrong answer (0 / 0) would stand between the answer and its hint.
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            for answer in answers:
                _refuse_stub(answer)
            exercise.check(*answers)
    except NotDone:
        return NOT_DONE, ""
    except Wrong as wrong:
        return WRONG, str(wrong)
    except Exception:
        if strict:
            raise
        given = " and ".join(_describe(a) for a in answers)
        return WRONG, f"the answer is not of the kind that is asked for: it is {given}"
    return DONE, ""


def check(name: str, *answers: Any) -> Result:
    """Judge the answers to an exercise and remember it when they are right.

    Parameters
    ----------
    name : str
        The exercise, ``"01-flip"``.
    *answers : object
        The student's function or values.

    Returns
    -------
    Result
        Shown by Jupyter with hints and solution to unfold, as one line elsewhere.
    """
    try:
        exercise = _find(name)
    except LookupError as error:
        return Result(
            None, _clip(str(name)) if isinstance(name, str) else "check", WRONG, str(error.args[0])
        )
    lesson = [e.name for e in exercises_of(name.partition("-")[0])]
    state, message = grade(exercise, *answers)
    done, note = _recorded(_progress_path())
    before = name in done
    if state == DONE and not before:
        done, late = _record(_progress_path(), name)
        note = note or late
    count = len(done.intersection(lesson))
    return Result(exercise, name, state, message, count, len(lesson), before, note)


# --- what the student sees ----------------------------------------------------------------------


@dataclass(frozen=True)
class Result:
    """The verdict on one attempt: ``state``, ``message``, and how much of the lesson is done."""

    exercise: Exercise | None
    name: str
    state: str
    message: str
    done: int = 0
    total: int = 0
    before: bool = False
    note: str = ""

    def _sentence(self) -> str:
        if self.state == WRONG:
            return self.message
        if self.state == DONE:
            return "done"
        return "not done yet, but solved before" if self.before else "not done yet"

    def _count(self) -> str:
        return f"{self.done} of {self.total} done"

    def __repr__(self) -> str:
        count = f" ({self._count()})" if self.total else ""
        note = f"\nNote: {self.note}" if self.note else ""
        return f"{_LOOKS[self.state][0]} {self.name}: {self._sentence()}{count}{note}"

    def _repr_html_(self) -> str:
        symbol, word, color = _LOOKS[self.state]
        title = f" · {_prose(self.exercise.title)}" if self.exercise else ""
        count = f" · {self._count()}" if self.total else ""
        parts = [
            f'<div style="border-left: 4px solid {color}; padding: 2px 12px; margin: 4px 0">',
            f'<p style="margin: 4px 0"><span style="border: 2px solid {color}; border-radius: 4px; '
            f'padding: 0 6px; font-weight: bold">{symbol} {word}</span> '
            f"<code>{html.escape(self.name)}</code>{title}{count}</p>",
        ]
        sentence = (
            self.message if self.state == WRONG else "Solved before." if self._again() else ""
        )
        parts += [
            f'<p style="margin: 4px 0">{_prose(text)}</p>' for text in (sentence, self.note) if text
        ]
        if self.exercise:
            if self.state != DONE:
                parts.append(_hints(self.exercise.hints))
            parts.append(_solution(self.exercise))
        return "\n".join([*parts, "</div>"])

    def _again(self) -> bool:
        return self.before and self.state == NOT_DONE


def _prose(text: str) -> str:
    """Plain text as HTML, words in backticks as code, those in asterisks stressed."""
    code, stressed = r"`([^`]+)`", r"(?<![\w*])\*(?! )([^*`]+)(?<! )\*(?![\w*])"
    return re.sub(
        f"{code}|{stressed}",
        lambda found: f"<code>{found[1]}</code>" if found[1] else f"<em>{found[2]}</em>",
        html.escape(text, quote=False),
    )


def _hints(hints: tuple[str, ...]) -> str:
    """Each hint folded inside the one before it, so that one step is taken at a time."""
    inner = ""
    for number in range(len(hints), 0, -1):
        inner = (
            f'<details style="margin: 4px 0"><summary>Hint {number}</summary>\n'
            f'<p style="margin: 4px 0">{_prose(hints[number - 1])}</p>\n{inner}</details>\n'
        )
    return inner


def _solution(exercise: Exercise) -> str:
    code = html.escape(exercise.solution.strip())
    return (
        '<details style="margin: 4px 0"><summary>Solution</summary>\n'
        f'<pre tabindex="0" style="overflow: auto"><code>{code}</code></pre>\n'
        f'<p style="margin: 4px 0"><strong>Why:</strong> {_prose(exercise.why)}</p></details>'
    )


@dataclass(frozen=True)
class Progress:
    """What has been solved: ``lessons`` holds (number, ((name, title, done), ...)) pairs."""

    lessons: tuple[tuple[str, tuple[tuple[str, str, bool], ...]], ...]
    note: str = ""

    def __repr__(self) -> str:
        lines = []
        for number, rows in self.lessons:
            width = max(len(name) for name, _, _ in rows)
            lines.append(f"Lesson {number}: {sum(row[2] for row in rows)} of {len(rows)} done")
            lines += [
                f"  {'✓' if done else '○'} {name:{width}}  {title}" for name, title, done in rows
            ]
        return "\n".join([*lines, *([f"Note: {self.note}"] if self.note else [])])

    def _repr_html_(self) -> str:
        parts = []
        for number, rows in self.lessons:
            done = sum(row[2] for row in rows)
            parts.append(
                f'<table><caption style="text-align: left">Lesson {number}: '
                f'{done} of {len(rows)} done <progress value="{done}" max="{len(rows)}" '
                f'aria-label="Lesson {number}"></progress></caption>\n'
                '<thead><tr><th scope="col">State</th><th scope="col">Exercise</th>'
                '<th scope="col">What</th></tr></thead>\n<tbody>'
            )
            for name, title, solved in rows:
                symbol, word, _ = _LOOKS[DONE if solved else NOT_DONE]
                parts.append(
                    f"<tr><td>{symbol} {word}</td><td><code>{html.escape(name)}</code></td>"
                    f'<td style="text-align: left">{_prose(title)}</td></tr>'
                )
            parts.append("</tbody></table>")
        return "\n".join([*parts, *([f"<p>{_prose(self.note)}</p>"] if self.note else [])])


def progress(lesson: str | int | None = None) -> Progress:
    """Which exercises are done, of one lesson or of all.

    Raises
    ------
    LookupError
        There is no such lesson.
    """
    numbers = _lessons() if lesson is None else [str(lesson).zfill(2)]
    done, note = _recorded(_progress_path())
    lessons = tuple(
        (number, tuple((e.name, e.title, e.name in done) for e in exercises_of(number)))
        for number in numbers
    )
    return Progress(lessons, note)


# --- the progress file --------------------------------------------------------------------------

_unsaved: dict[Path, set[str]] = {}  # what could not be written, kept for this session
_said: set[str] = set()  # notes that were shown already
_FOR_NOW = "progress counts for this session only"


def _progress_path() -> Path:
    named = os.environ.get("COURSE_PROGRESS")
    if named:
        return Path(named).expanduser().absolute()
    root = Path(__file__).resolve().parents[2]
    return (root if (root / "notebooks").is_dir() else Path.cwd()) / "progress.json"


def _read(path: Path) -> tuple[set[str], str]:
    """The names in the file, and a note if it was damaged; OSError if it cannot be read."""
    try:
        names = json.loads(path.read_text(encoding="utf-8"))["done"]
        if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
            raise ValueError
        return set(names), ""
    except FileNotFoundError:
        return set(), ""
    except (ValueError, TypeError, KeyError, RecursionError):
        return set(), _set_aside(path)


def _recorded(path: Path) -> tuple[set[str], str]:
    """The names of the exercises done, saved or not, and a note if something is amiss."""
    kept = _unsaved.get(path, set())
    try:
        names, note = _read(path)
    except OSError as error:
        return set(kept), _once(f"{path.name} cannot be read ({error.strerror}); {_FOR_NOW}")
    return names | kept, note


def _set_aside(path: Path) -> str:
    """Keep a damaged file under another name, so that nothing in it is lost."""
    names = (path.with_name(f"{path.stem}.damaged{n}.json") for n in range(1, 10_000))
    aside = next(name for name in names if not name.exists())
    path.rename(aside)
    return f"{path.name} was damaged and is now {aside.name}; a new one is begun"


def _record(path: Path, name: str) -> tuple[set[str], str]:
    """Add `name` to the file, all or nothing; where that is impossible, remember it for now."""
    _unsaved.setdefault(path, set()).add(name)
    temporary = None
    try:
        # Read once more: another notebook may have written since.
        done = _read(path)[0] | _unsaved[path]
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".progress", suffix=".tmp")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({"done": sorted(done)}, file, indent=1)
            file.write("\n")
        os.replace(temporary, path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        return _recorded(path)[0], _once(
            f"{path.name} cannot be written ({error.strerror}); {_FOR_NOW}"
        )
    del _unsaved[path]
    return done, ""


def _once(note: str) -> str:
    if note in _said:
        return ""
    _said.add(note)
    return note
