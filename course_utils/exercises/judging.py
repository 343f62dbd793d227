"""Judging an answer: what the checkers of the lessons are made of."""

from __future__ import annotations

import copy
import inspect
import traceback
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

DONE, WRONG, NOT_DONE = "done", "wrong", "not done"


class Wrong(Exception):
    """Raised by a checker: the answer is wrong, and the message is a hint that fits the mistake."""


class NotDone(Exception):
    """The stub is still in place: a function that returns ``...``, a value None or ``...``."""


@dataclass(frozen=True)
class Exercise:
    """One exercise; words in backticks are shown as code, those in asterisks stressed."""

    name: str  #: ``NN-words``, NN being the lesson; also in the tags of the notebook's cells
    title: str
    hints: tuple[str, ...]  #: from vague to plain, shown one after the other
    solution: str  #: code that takes the place of the exercise's whole cell
    why: str
    check: Callable[..., None]  #: gets the answers, raises `Wrong` unless they are right

    @property
    def answers(self) -> int:
        """How many answers the checker takes."""
        return len(inspect.signature(self.check).parameters)


def grade(exercise: Exercise, *answers: Any, strict: bool = False) -> tuple[str, str]:
    """Judge answers without recording anything: done, wrong or not done, and the hint when wrong.

    ``strict`` lets exceptions of the checker itself through, of which a student gets a sentence.
    """
    needed = exercise.answers
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
        given = " and ".join(map(_describe, answers))
        return WRONG, f"the answer is not of the kind that is asked for: it is {given}"
    return DONE, ""


# --- helpers for checkers -----------------------------------------------------------------------


def require(condition: bool, hint: str) -> None:
    """Raise `Wrong` with a hint unless a condition is true; it is a truth value, not an array."""
    if not isinstance(condition, bool | np.bool_):
        raise TypeError(f"require needs True or False, not {type(condition).__name__}")
    if not condition:
        raise Wrong(hint)


def call(function: Callable, *args: Any) -> Any:
    """What a student's function returns for copies of the arguments.

    It is wrong if it cannot be called, raises an exception, changes an argument in place, or
    returns None: its author forgot the ``return``, or printed the result. It is not done if it is
    None or ``...``, or returns ``...``.
    """
    _refuse_stub(function)
    if not callable(function):
        raise Wrong(f"a function is expected, but this is {_describe(function)}")
    name = getattr(function, "__name__", "your function")
    given = [copy.deepcopy(a) if isinstance(a, np.ndarray | list) else a for a in args]
    try:
        result = function(*given)
    except (Exception, SystemExit) as error:
        shown = ", ".join(map(_describe, args))
        problem = f"{type(error).__name__}: {error}{_students_line(error, function)}"
        raise Wrong(f"{name}({shown}) raised {problem}") from error
    for place, (before, after) in enumerate(zip(args, given, strict=True), 1):
        if not _same(before, after):
            changed = f"{name} changed its argument {place} in place"
            if result is None:
                raise Wrong(f"{changed} and returned nothing; return a new array")
            raise Wrong(f"{changed}; work on a copy, since the caller still needs it")
    if result is None:
        raise Wrong(f"`{name}` returned nothing; is a `return` missing, or was it printed?")
    _refuse_stub(result)
    return result


def expect_array(
    value: Any,
    expected: Any,
    *,
    what: str = "your array",
    tol: float = 1e-6,
    mistakes: Mapping[str, Any] | None = None,
) -> np.ndarray:
    """The answer as an array if it is right; else the mistake is named, if it is a known one.

    Parameters
    ----------
    value
        The answer: an array, a list, a tensor, or anything a student may have come up with.
    expected : array_like
        The right array, any shape.
    what
        What to call the answer in messages.
    tol
        Entries agree when ``|value - expected| <= tol * (1 + |expected|)``.
    mistakes : mapping of str to array_like
        Hint -> the array that this mistake leads to; its shape may differ from the right one. One
        that leads to the right array here, for this input, does no harm.
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
    """The answer if it is right; a hint that does not give the right number away, if not.

    Parameters are those of `expect_array`; an array with one entry counts as a number.
    """
    array = _as_numbers(value, np.asarray(expected, float), what)
    if array.size != 1:
        raise Wrong(f"{what} has shape {array.shape}; one number is expected")
    number = array.reshape(())
    if _close(number, expected, tol):
        return float(number)
    for hint, wrong in (mistakes or {}).items():
        if _close(number, wrong, tol):
            raise Wrong(hint)
    shown = f"{what} is {_short(number)}, and that is"
    if expected and _close(number, -expected, tol):
        raise Wrong(f"{shown} the right size with the wrong sign")
    if expected and _close(number, 100 * expected, tol):
        raise Wrong(f"{shown} 100 times too large: in percent?")
    direction = "large" if number > expected else "small"
    by_one = " by one" if _close(abs(number - expected), 1.0, tol) else ""
    raise Wrong(f"{shown} too {direction}{by_one}")


def expect_choice(value: Any, right: str, wrong: Mapping[str, str]) -> str:
    """The right choice if it was chosen; ``wrong`` says of each other one why it is not right.

    Letter case and blanks around it do not matter.
    """
    _refuse_stub(value)
    chosen = value.strip().lower() if isinstance(value, str) else None
    for choice, hint in wrong.items():
        if chosen == choice.lower():
            raise Wrong(hint)
    if chosen != right.lower():
        choices = ", ".join(f'"{c}"' for c in sorted([right, *wrong]))
        shown = f'"{clip(value)}"' if isinstance(value, str) else _describe(value)
        raise Wrong(f"choose one of {choices}; {shown} is none of them")
    return right


# --- what is wrong with an answer ---------------------------------------------------------------


def _refuse_stub(value: Any) -> None:
    if value is None or value is Ellipsis or value is NotImplemented:
        raise NotDone
    holds_objects = isinstance(value, np.ndarray) and value.dtype == object
    entries = value.flat if holds_objects else value if isinstance(value, tuple | list) else ()
    if any(entry is Ellipsis for entry in entries):
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
    """The line of the student's own function in which the error came up."""
    code = getattr(function, "__code__", None)
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if code and frame.filename == code.co_filename and frame.line:
            return f", in the line `{frame.line}`"
    return ""


def _as_numbers(value: Any, expected: np.ndarray, what: str) -> np.ndarray:
    """An array of finite numbers of a kind that can be compared with what is expected."""
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
        problem = "which does not make an array of numbers"
        raise Wrong(f"{what} is {_describe(value)}, {problem}") from error
    if array.dtype.kind not in "biufc":
        raise Wrong(f"{what} is {_describe(value)}; numbers are expected")
    if array.dtype.kind == "b" and expected.dtype.kind != "b":
        raise Wrong(f"{what} has True and False where numbers are expected")
    if array.dtype.kind == "c" and expected.dtype.kind != "c":
        raise Wrong(f"{what} has complex numbers; real ones are expected")
    for bad, name in ((np.isnan(array), "NaN (not a number)"), (np.isinf(array), "infinity")):
        if bad.any():
            where = f" at {_first(bad)}" if array.ndim else ""
            raise Wrong(f"{what} has {name}{where}; was something divided by zero, or never set?")
    return array


def _wide(array: Any) -> np.ndarray:
    """Numbers whose differences neither wrap round nor lose digits."""
    array = np.asarray(array)
    return array.astype(complex if array.dtype.kind == "c" else float)


def _close(value: Any, expected: Any, tol: float) -> bool:
    same_shape = np.shape(value) == np.shape(expected)
    return same_shape and np.allclose(_wide(value), _wide(expected), rtol=tol, atol=tol)


def _wrong_shape(array: np.ndarray, expected: np.ndarray, what: str) -> str:
    if not array.size:
        return f"{what} is empty; shape {expected.shape} is expected"
    both = f"{what} has shape {array.shape}, expected {expected.shape}"
    if array.ndim == expected.ndim == 2 and array.shape == expected.shape[::-1]:
        return f"{both}: are rows and columns exchanged?"
    if sorted(array.shape) == sorted(expected.shape):
        return f"{both}: the axes stand in another order"
    if np.squeeze(array).shape == np.squeeze(expected).shape:
        number = "many" if array.ndim > expected.ndim else "few"
        return f"{both}: an axis of length 1 is too {number}"
    if array.ndim == expected.ndim:
        return both
    return f"{both}: {array.ndim} axes instead of {expected.ndim}"


def _usual_mistake(array: np.ndarray, expected: np.ndarray, what: str, tol: float) -> str | None:
    """Mistakes that do not depend on the exercise."""
    value, right = _wide(array), _wide(expected)
    if not value.any():
        return f"{what} is 0 everywhere; was the result ever written into it?"
    if array.dtype.kind in "iu" and _close(value, np.trunc(right), tol):
        cut = "the fractions were cut off; use float32"
        return f"{what} holds whole numbers ({array.dtype}), {cut}"
    if array.dtype == np.uint8 and _close(value, np.trunc(right) % 256, tol):
        wrapped = "other values wrapped round; use float32"
        return f"{what} is uint8, which only holds 0 to 255: {wrapped}"
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
    if not array.ndim:
        return f"{what} is {_short(array)}, expected {_short(expected)}"
    far = ~np.isclose(_wide(array), _wide(expected), rtol=tol, atol=tol)
    both = f"yours is {_short(array[far][0])}, expected {_short(expected[far][0])}"
    return f"{far.sum()} of {far.size} entries of {what} differ; at {_first(far)} {both}"


# --- in words -----------------------------------------------------------------------------------


def _first(marked: np.ndarray) -> str:
    """Where the first of the marked entries stands."""
    return str(np.argwhere(marked)[0].tolist())


def _short(number: Any) -> str:
    number = np.asarray(number)[()]
    return f"{number:.6g}" if number.dtype.kind == "f" else str(number)


def _describe(value: Any) -> str:
    """A few words for any value; never runs code of an unknown class."""
    if isinstance(value, np.ndarray):
        if value.size <= 9 and value.dtype.kind in "biuf":
            digits = np.asarray(value)  # not of a subclass, which may round otherwise
            return str((digits.round(6) if value.dtype.kind == "f" else digits).tolist())
        return f"an array of shape {value.shape}"
    if type(value) in (int, float, complex, bool, str):
        return clip(repr(value))
    if inspect.isroutine(value) or isinstance(value, type):
        return f"the {'class' if isinstance(value, type) else 'function'} {value.__name__}"
    if type(value) in (list, tuple, dict, set):
        return f"a {type(value).__name__} of length {len(value)}"
    if isinstance(value, np.generic):
        return clip(str(value))
    return f"an object of type {type(value).__name__}"


def clip(text: str, width: int = 60) -> str:
    """One line of a text, and not more of it than this."""
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 1] + "…"
