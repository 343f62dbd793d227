"""Probabilities and intervals, each against another way to compute it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from course_utils import measures
from course_utils.ask import CourseError


@given(st.integers(0, 2**32 - 1), st.floats(0.05, 50))
def test_softmax_is_scipys_at_every_temperature(seed: int, temperature: float) -> None:
    logits = np.random.default_rng(seed).normal(size=(3, 4), scale=30)
    answer = measures.softmax(logits, temperature)
    assert np.allclose(answer, special.softmax(logits / temperature, axis=-1))
    assert np.allclose(answer.sum(axis=-1), 1)


def test_softmax_survives_what_overflows() -> None:
    assert measures.softmax([1e30, 0, -1e30]).tolist() == [1, 0, 0]
    assert measures.softmax([2, 1], 1e-320).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("logits", "temperature"), [([], 1), ([np.nan], 1), (["a"], 1), (3, 1), ([1, 2], 0)]
)
def test_softmax_refuses(logits: object, temperature: float) -> None:
    with pytest.raises(CourseError):
        measures.softmax(logits, temperature)


@given(st.integers(0, 2**32 - 1))
def test_accuracy_counts_the_largest_logits(seed: int) -> None:
    random = np.random.default_rng(seed)
    logits, labels = random.normal(size=(2, 7, 3)), random.integers(3, size=7)
    right = [[row.argmax() == labels[n] for n, row in enumerate(network)] for network in logits]
    assert np.allclose(measures.accuracy(logits, labels), [sum(each) / 7 for each in right])


@given(st.integers(1, 500), st.floats(0, 1))
def test_the_interval_of_a_share_is_wilsons(trials: int, share: float) -> None:
    hits, z = round(share * trials), stats.norm.ppf(0.975)
    low, high = measures.interval(hits, trials)
    middle = (hits + z**2 / 2) / (trials + z**2)
    half = z / (trials + z**2) * np.sqrt(hits * (trials - hits) / trials + z**2 / 4)
    assert np.allclose((low, high), (middle - half, middle + half), atol=1e-9)


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=20))
def test_the_spread_of_a_mean_is_students(values: list[float]) -> None:
    low, high = stats.t.interval(
        0.95, len(values) - 1, loc=np.mean(values), scale=max(stats.sem(values), 1e-300)
    )
    assert measures.spread(values) == pytest.approx((high - low) / 2, rel=1e-6, abs=1e-9)
