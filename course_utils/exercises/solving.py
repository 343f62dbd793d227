"""The exercises of each lesson, and what a student calls: `check` and `progress`."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from typing import Any

from course_utils import ask
from course_utils.ask import CourseError
from course_utils.exercises import progress_file
from course_utils.exercises.judging import DONE, WRONG, Exercise, clip, grade
from course_utils.exercises.page import Progress, Result


def lesson_numbers() -> list[str]:
    """The lessons that have exercises: two digits each."""
    names = [module.name for module in pkgutil.iter_modules(sys.modules[__package__].__path__)]
    return [name.removeprefix("lesson_") for name in names if name.startswith("lesson_")]


def exercises_of(lesson: str | int) -> tuple[Exercise, ...]:
    """The exercises of a lesson, ``"01"`` or 1, in the order of its notebook.

    Raises
    ------
    CourseError
        There is no such lesson.
    """
    number = ask.choice("lesson", str(lesson).zfill(2), lesson_numbers())
    return importlib.import_module(f"{__package__}.lesson_{number}").EXERCISES


def check(name: str, *answers: Any) -> Result:
    """Judge the answers to an exercise such as ``"01-flip"``, and remember it when they are right.

    Jupyter shows the result with hints and solution to unfold; elsewhere it is one line.
    """
    if not isinstance(name, str):
        advice = 'the name comes first, in quotation marks: check("01-flip", flip)'
        return Result(None, "check", WRONG, advice)
    try:
        exercises = {e.name: e for e in exercises_of(name.partition("-")[0])}
        exercise = exercises[ask.choice("name", name, exercises)]
    except CourseError as error:
        return Result(None, clip(name), WRONG, str(error))
    state, message = grade(exercise, *answers)
    done, note = progress_file.solved()
    before = name in done
    if state == DONE and not before:
        done, late = progress_file.save(name)
        note = note or late
    count = len(done & exercises.keys())
    return Result(exercise, name, state, message, count, len(exercises), before, note)


def progress(lesson: str | int | None = None) -> Progress:
    """Which exercises are done, of one lesson or of all.

    Raises
    ------
    CourseError
        There is no such lesson.
    """
    numbers = lesson_numbers() if lesson is None else [str(lesson).zfill(2)]
    done, note = progress_file.solved()
    lessons = tuple(
        (number, tuple((e.name, e.title, e.name in done) for e in exercises_of(number)))
        for number in numbers
    )
    return Progress(lessons, note)
