"""What a function of the course may be asked: one class of errors, one sentence for one fault.

Each check returns the value, ready for use, or raises `CourseError` with a sentence that says what
is wrong, where, and what to do.
"""

from __future__ import annotations

import difflib
import math
import operator
from collections.abc import Iterable, Sized
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["SLACK", "CourseError", "choice", "near", "number", "some", "values", "whole"]

#: How far a value may pass the ends of its range, for rounding; it is then clipped.
SLACK = 1e-3


class CourseError(ValueError):
    """A request that cannot be met; the message is one sentence: what, where, what to do."""

    def __init__(self, message: str) -> None:
        # A library's message or a file's name may hold line breaks; a sentence does not.
        super().__init__(" ".join(message.split()))


def whole(name: str, value: Any, low: int = 1, high: int | None = None) -> int:
    """A whole number from ``low`` to ``high``, of Python or NumPy; True and 3.0 are none.

    Parameters
    ----------
    name
        What the sentence calls it.
    value
        Anything.
    low, high
        Both may be taken; None is no upper end.

    Raises
    ------
    CourseError
        Not a whole number, or outside.
    """
    try:
        found = operator.index(value)
    except TypeError:
        found = None
    if (
        found is None
        or isinstance(value, bool | np.bool_)
        or not (low <= found <= (found if high is None else high))
    ):
        end = "" if high is None else f" to {high:,}"
        raise CourseError(f"{name} is {_shown(value)}; give a whole number from {low}{end}.")
    return found


def number(
    name: str,
    value: Any,
    low: float = -math.inf,
    high: float = math.inf,
    above: float = -math.inf,
    below: float = math.inf,
) -> float:
    """A finite number with ``low <= value <= high`` and ``above < value < below``.

    Parameters
    ----------
    name
        What the sentence calls it.
    value
        Anything.
    low, high
        Ends that may be taken.
    above, below
        Ends that may not.

    Raises
    ------
    CourseError
        Not a number, not finite, or outside.
    """
    real = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not (real and low <= value <= high and above < value < below and math.isfinite(value)):
        ends = {"from": low, "above": above, "to": high, "below": below}
        said = " ".join(f"{word} {end:g}" for word, end in ends.items() if math.isfinite(end))
        raise CourseError(f"{name} is {_shown(value)}; give a number {said or 'that is finite'}.")
    return float(value)


def choice(name: str, value: Any, known: Iterable[Any]) -> Any:
    """One of some values.

    Parameters
    ----------
    name
        What the sentence calls it.
    value
        Anything.
    known
        What can be chosen; the sentence lists it.

    Raises
    ------
    CourseError
        Something else; similar names are suggested.
    """
    known = tuple(known)
    if not any(type(value) is type(one) and value == one for one in known):
        raise CourseError(
            f"{name} is {_shown(value)}; choose one of {', '.join(map(repr, known))}"
            f"{near(value, known)}."
        )
    return value


def near(value: Any, known: Iterable[Any], most: int = 1) -> str:
    """ " (did you mean 'relu'?)", or nothing where no known name is similar."""
    found = difflib.get_close_matches(str(value), [str(one) for one in known], most, 0.5)
    return f" (did you mean {' or '.join(map(repr, found))}?)" if found else ""


def some(name: str, inputs: Sized) -> None:
    """At least one of something.

    With oneDNN a layer fails on an empty batch, and a gradient can end the kernel: so this is asked
    wherever a network is.

    Raises
    ------
    CourseError
        There is none.
    """
    if not len(inputs):
        raise CourseError(f"there are no {name}; give at least one.")


def values(name: str, array: Any, low: float = 0.0, high: float = 1.0) -> NDArray[np.float32]:
    """Numbers with a point in a range: pixels in [0, 1], samples of a sound in [-1, 1].

    Parameters
    ----------
    name
        What the sentence calls them.
    array : array of float
        Of any shape.
    low, high
        The range. What passes an end by no more than `SLACK` is clipped to it.

    Returns
    -------
    ndarray of float32, of the same shape

    Raises
    ------
    CourseError
        Other kinds of numbers, NaN or infinity, values outside.
    """
    try:
        given = np.asarray(array)
    except Exception:  # ragged lists, tensors without values: each with its own exception
        given = np.empty(0, dtype=object)
    if given.dtype.kind != "f":
        kind = given.dtype if given.dtype.kind in "buic" else type(array).__name__
        remedy = ": divide bytes by 255" if given.dtype.kind in "ui" else ""
        raise CourseError(f"{name}: {kind}; give floats from {low:g} to {high:g}{remedy}.")
    if not given.size:
        return given.astype(np.float32)
    least, most = float(given.min()), float(given.max())  # NaN and infinity both reach them
    if not (math.isfinite(least) and math.isfinite(most)):
        bad = given.size - np.isfinite(given).sum()
        raise CourseError(
            f"{name}: NaN or infinity in {bad} of {given.size} values; find the step that made "
            "them, or replace them with numpy.nan_to_num."
        )
    if least < low - SLACK or most > high + SLACK:
        byte = (low, high) == (0, 1) and least >= 0 and 2 <= most <= 255
        remedy = "divide by 255" if byte else f"rescale or use numpy.clip(..., {low:g}, {high:g})"
        raise CourseError(
            f"{name}: values from {least:.4g} to {most:.4g}, outside [{low:g}, {high:g}]; {remedy}."
        )
    if least < low or most > high:
        given = np.clip(given, low, high)
    return given.astype(np.float32, copy=False)


def _shown(value: Any) -> str:
    """NumPy's numbers as numbers: 3, not np.int64(3)."""
    return repr(value.item() if isinstance(value, np.generic) else value)
