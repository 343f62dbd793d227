"""Wrong answers to the exercise of the door, and the words their hint must contain."""

import statistics

import numpy as np


def _no_return(numbers):
    sum(numbers) / len(numbers)


def _sorted_in_place(numbers):
    numbers.sort(reverse=True)
    return sum(numbers) / len(numbers)


WRONG = {
    "00-mean": [
        ("the sum", (sum,), "this is the sum"),
        ("one too few", (lambda x: sum(x) / max(len(x) - 1, 0.1),), "one too few"),
        ("median", (lambda x: sorted(x)[len(x) // 2],), "the median"),
        ("for three numbers", (lambda x: sum(x) / 3,), "three numbers only"),
        ("no return", (_no_return,), "is a `return` missing"),
        ("in place", (_sorted_in_place,), "changed its argument"),
        ("wrong sign", (lambda x: -sum(x) / len(x),), "wrong sign"),
    ],
}

RIGHT = {
    "00-mean": [
        ("numpy", (np.mean,)),
        ("statistics", (statistics.fmean,)),
        ("a loop", (lambda x: sum(v / len(x) for v in x),)),
    ],
}
