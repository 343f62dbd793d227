"""What a function may be asked: values come back ready for use, faults become one sentence."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils import ask
from course_utils.ask import CourseError


@given(st.integers(-(10**6), 10**6), st.integers(0, 1000), st.integers(0, 1000))
def test_a_whole_number_of_any_kind_is_taken_between_its_ends(
    value: int, below: int, over: int
) -> None:
    low, high = value - below, value + over
    for given_as in (int, np.int64, np.int32):
        answer = ask.whole("count", given_as(value), low, high)
        assert answer == value and type(answer) is int
    for outside in (low - 1, high + 1):
        with pytest.raises(CourseError, match=f"^count is {outside};"):
            ask.whole("count", outside, low, high)
    assert ask.whole("count", value, value) == value
    with pytest.raises(CourseError, match=f"from {value}"):
        ask.whole("count", np.int64(value - 1), value)


@given(st.floats(-1e6, 1e6), st.floats(0.001, 1e3))
def test_a_number_is_taken_between_its_ends(value: float, width: float) -> None:
    for given_as in (float, np.float64):
        answer = ask.number("rate", given_as(value), low=value, high=value)
        assert answer == value and type(answer) is float
    for ends in (
        {"low": value + width},
        {"high": value - width},
        {"above": value},
        {"below": value},
    ):
        (end,) = ends.values()
        with pytest.raises(CourseError, match=r"^rate is ") as error:
            ask.number("rate", value, **ends)
        assert f"{end:g}" in str(error.value)


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        (lambda: ask.whole("n", True), "True"),
        (lambda: ask.whole("n", np.True_), "True"),
        (lambda: ask.whole("n", 3.0), "3.0"),
        (lambda: ask.whole("n", np.float64(3)), "3.0"),
        (lambda: ask.whole("n", "3"), "'3'"),
        (lambda: ask.whole("n", 0), "0"),
        (lambda: ask.whole("n", 1, 0, 0), "from 0 to 0"),
        (lambda: ask.number("n", True), "True"),
        (lambda: ask.number("n", math.nan), "nan"),
        (lambda: ask.number("n", math.inf), "inf"),
        (lambda: ask.number("n", "1"), "'1'"),
        (lambda: ask.number("n", np.complex128(1)), "j"),
        (lambda: ask.choice("way", "relo", ("relu", "tanh")), "did you mean 'relu'"),
        (lambda: ask.choice("way", "zzz", ("relu", "tanh")), "'relu', 'tanh'"),
        (lambda: ask.choice("way", 1, (True,)), "1"),
        (lambda: ask.choice("way", np.array([1, 2]), ("a", "b")), "way"),
        (lambda: ask.some("pictures", []), "pictures"),
        (lambda: ask.some("pictures", np.empty((0, 3))), "pictures"),
    ],
)
def test_what_is_refused_is_shown(asked: Callable[[], Any], shown: str) -> None:
    with pytest.raises(CourseError) as error:
        asked()
    assert shown in str(error.value) and "np." not in str(error.value)


def test_a_choice_is_given_back() -> None:
    assert ask.choice("way", "tanh", ("relu", "tanh")) == "tanh"
    ask.some("pictures", [0])


@given(st.integers(0, 4), st.floats(-5, 5), st.floats(0.5, 5))
def test_values_of_a_range_come_back_clipped_to_it(count: int, low: float, width: float) -> None:
    high, slack = low + width, 0.9 * ask.SLACK
    inside = np.linspace(low, high, count)
    assert np.allclose(ask.values("x", inside, low, high), inside, atol=1e-5)
    near = ask.values("x", np.array([low - slack, high + slack]), low, high)
    assert near.dtype == np.float32
    assert near.tolist() == np.array([low, high], np.float32).tolist()
    for outside in (low - 3 * ask.SLACK, high + 3 * ask.SLACK):
        with pytest.raises(CourseError, match=r"^x: "):
            ask.values("x", np.array([outside, low]), low, high)


@pytest.mark.parametrize(
    ("array", "shown"),
    [
        (np.zeros(2, np.uint8), "255"),
        (np.array([0.0, 2.0]), "divide by 255"),
        (np.array([0.0, 255.0]), "divide by 255"),
        (np.array([0.0, 1.9]), "clip"),
        (np.array([0.0, 255.5]), "clip"),
        (np.array([-0.1, 200.0]), "clip"),
        (np.array([0.5, math.nan, math.inf]), "2 of 3"),
        ([[0.1], [0.2, 0.3]], "list"),
        ("text", "str"),
        (np.array([True]), "bool"),
    ],
)
def test_values_that_are_no_pixels_are_described(array: Any, shown: str) -> None:
    with pytest.raises(CourseError) as error:
        ask.values("picture", array)
    assert str(error.value).startswith("picture: ") and shown in str(error.value)


def test_an_error_is_one_line() -> None:
    assert str(CourseError("a\n  b")) == "a b"
    assert issubclass(CourseError, ValueError)
