"""The exercise of the door, on which to try what a check does."""

from __future__ import annotations

from collections.abc import Callable

from course_utils.exercises import Exercise, call, expect_number


def _check_mean(mean: Callable) -> None:
    for numbers in ([1, 2, 6], [0.5], [-2, 2, 3, 4]):
        expect_number(
            call(mean, numbers),
            sum(numbers) / len(numbers),
            what=f"mean({numbers})",
            mistakes={
                "this is the sum; divide it by how many numbers there are": sum(numbers),
                "this divides by one too few": sum(numbers) / max(len(numbers) - 1, 0.1),
                "this is the number in the middle, the median; the mean is the sum divided by the "
                "count": sorted(numbers)[len(numbers) // 2],
                "this divides by 3, which is right for three numbers only": sum(numbers) / 3,
            },
        )


EXERCISES = (
    Exercise(
        name="00-mean",
        title="The first one: a mean",
        hints=(
            "Two functions that Python has do nearly all of it.",
            "`sum(numbers)` adds them up, `len(numbers)` counts them.",
        ),
        solution="""\
def mean(numbers):
    return sum(numbers) / len(numbers)""",
        why="The mean is the sum, shared out equally among all of them.",
        check=_check_mean,
    ),
)
