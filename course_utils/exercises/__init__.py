"""Exercises that check themselves: ``check("01-flip", flip)`` says done, or what is wrong.

A lesson's exercises stand in ``lesson_NN.py`` beside this file, as a tuple ``EXERCISES``. Each has
a checker, a function that gets the answers given to `check` and raises `Wrong` with a hint that
fits the mistake; `call`, `expect_array`, `expect_number`, `expect_choice` and `require` do most of
that work.
"""

from course_utils.exercises.judging import (
    Exercise,
    NotDone,
    Wrong,
    call,
    expect_array,
    expect_choice,
    expect_number,
    grade,
    require,
)
from course_utils.exercises.page import Progress, Result
from course_utils.exercises.solving import check, exercises_of, lesson_numbers, progress

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
    "lesson_numbers",
    "progress",
    "require",
]
