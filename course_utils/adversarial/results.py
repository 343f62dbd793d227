"""What comes out of an attack: how large a change is, and whether it counts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import ask
from course_utils.adversarial.victims import Array, Victim
from course_utils.measures import softmax

#: How a change is measured: number of changed values, sum, length, largest.
NORMS = ("l0", "l1", "l2", "linf")
_SLACK = 1e-5  # float32 rounds: a change of exactly eps may come out larger by so much


@dataclass(frozen=True)
class Result:
    """What an attack reached. Predictions are computed when they are asked for."""

    victim: Victim
    originals: Array  #: float32, (n, ...)
    pictures: Array  #: as changed
    labels: NDArray[np.int64]  #: the true labels, or the targets, (n,)
    targeted: bool
    queries: int  #: questions to the victim about each picture; a gradient counts as one

    @cached_property
    def logits(self) -> Array:
        """Of the changed pictures, shape (n, classes)."""
        return self.victim.logits(self.pictures)

    @property
    def predictions(self) -> NDArray[np.int64]:
        """Class of each changed picture, shape (n,)."""
        return self.logits.argmax(axis=1)

    @property
    def confidence(self) -> Array:
        """Softmax probability of each prediction, shape (n,)."""
        return softmax(self.logits).max(axis=1)

    @cached_property
    def eligible(self) -> NDArray[np.bool_]:
        """Which pictures can be attacked at all: named rightly before, or not yet the target."""
        before = self.victim.predict(self.originals)
        return before != self.labels if self.targeted else before == self.labels

    @property
    def success(self) -> NDArray[np.bool_]:
        """Which attacks succeeded: eligible, and now named otherwise, or as the target."""
        hit = self.predictions == self.labels
        return self.eligible & (hit if self.targeted else ~hit)

    @property
    def rate(self) -> float:
        """Share of the eligible pictures with success."""
        return float(self.success.sum() / max(self.eligible.sum(), 1))

    def distances(self, norm: str = "linf") -> Array:
        """Size of each change, shape (n,); `norm` is one of `NORMS`."""
        return distance(self.originals, self.pictures, norm)


def distance(before: ArrayLike, after: ArrayLike, norm: str = "linf") -> Array:
    """Size of the change of each picture of a batch (n, ...), shape (n,); lesson 10, section 1.

    Of `NORMS`, ``"l0"`` counts changed values, ``"l1"`` adds up the changes, ``"l2"`` is the
    Euclidean length, ``"linf"`` the largest change.
    """
    before, after = np.asarray(before), np.asarray(after)
    if before.shape != after.shape or before.ndim < 2:
        raise ask.CourseError(
            f"the pictures have the shapes {before.shape} and {after.shape}; give two batches of "
            "one shape (n, ...)."
        )
    kind = np.result_type(before, after, np.float32)  # bytes would wrap around
    change = np.abs(after.astype(kind) - before.astype(kind)).reshape(len(before), -1)
    if ask.choice("norm", norm, NORMS) == "l0":
        return (change > 1e-7).sum(axis=1).astype(float)
    return np.linalg.norm(change, {"l1": 1, "l2": 2, "linf": np.inf}[norm], axis=1)


def is_adversarial(
    victim: Victim,
    before: ArrayLike,
    after: ArrayLike,
    labels: ArrayLike,
    eps: float,
    norm: str = "linf",
) -> NDArray[np.bool_]:
    """The definition: a small change of a rightly named picture changes the answer.

    Lesson 10, section 1; the labels (n,) are what the pictures (n, ...) show, `norm` is one of
    `NORMS`. What no code can check is that people still see the same thing.
    """
    before, after, labels = np.asarray(before), np.asarray(after), np.asarray(labels)
    small = distance(before, after, norm) <= eps + _SLACK
    axes = tuple(range(1, after.ndim))
    valid = ((after >= victim.low - _SLACK) & (after <= victim.high + _SLACK)).all(axis=axes)
    right, fooled = victim.predict(before) == labels, victim.predict(after) != labels
    return small & valid & right & fooled


def margin(logits: ArrayLike, labels: ArrayLike) -> Array:
    """Logit of the label minus the best of the others: above 0 where the label is the answer.

    Of logits (n, classes) and labels (n,) that is an array of shape (n,).
    """
    values = np.array(logits, np.result_type(np.asarray(logits), np.float32))  # to hold infinity
    rows, labels = np.arange(len(values)), np.asarray(labels)
    own = values[rows, labels].copy()
    values[rows, labels] = -np.inf
    return own - values.max(axis=1)
