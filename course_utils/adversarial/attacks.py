"""Attacks by gradient, their control, and training against them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import ask
from course_utils.adversarial.climbing import climb, project, steepest
from course_utils.adversarial.results import Result, margin
from course_utils.adversarial.victims import Array, Victim, loss_gradient
from course_utils.training import Learner, cross_entropy

if TYPE_CHECKING:
    import keras

_RUNGS, _HALVINGS = 32, 8  # of the search for the smallest eps


def pgd(
    victim: Victim,
    pictures: ArrayLike,
    labels: ArrayLike,
    eps: float,
    *,
    norm: str = "linf",
    steps: int = 10,
    step: float | None = None,
    targeted: bool = False,
    restarts: int = 0,
    seed: int = 0,
) -> Result:
    """Projected gradient descent: many small steps, each brought back to within `eps`.

    Lesson 10, section 3. Without restarts this is the basic iterative method (A. Kurakin, I.
    Goodfellow, S. Bengio, "Adversarial examples in the physical world", 2016, section 2.2), with
    them the attack of A. Madry et al., "Towards deep learning models resistant to adversarial
    attacks", 2017, section 2.1: the best of several random starts is kept for each picture.

    Parameters
    ----------
    victim
        With a gradient.
    pictures : array of float, shape (n, ...)
    labels : array of int, shape (n,)
        True labels to get away from, or targets to reach.
    eps
        Largest size of the change, in the unit of the values.
    norm
        ``"linf"`` or ``"l2"``.
    steps
        From 1.
    step
        Size of a step; by default 2.5 eps / steps, so that the border can be reached and left.
    targeted
        Whether `labels` are to be reached: down the loss instead of up.
    restarts
        Random starts within `eps` beside the start at the picture itself.
    seed
        Of the random starts.
    """
    originals, labels = _checked(victim, pictures, labels, eps)
    steps, restarts = ask.whole("steps", steps), ask.whole("restarts", restarts, 0)
    ask.choice("norm", norm, ("linf", "l2"))
    step, eps = np.float32(2.5 * eps / steps if step is None else step), np.float32(eps)
    sign, random = 1 if targeted else -1, np.random.default_rng(seed)

    def walk(start: Array) -> Array:
        return victim.climb(norm, start, originals, labels, eps, -sign * step, steps)

    def score(found: Array) -> Array:
        return sign * margin(victim.logits(found), labels)

    best = walk(originals)
    best_score = score(best) if restarts else None
    for _ in range(restarts):
        noise = random.uniform(-eps, eps, originals.shape).astype(np.float32)
        current = walk(project(originals + noise, originals, eps, norm, victim.low, victim.high))
        current_score = score(current)
        best = np.where(_each(current_score > best_score, current), current, best)
        best_score = np.maximum(current_score, best_score)
    questions = (restarts + 1) * steps + (restarts + 1 if restarts else 0)
    return Result(victim, originals, best, labels, targeted, questions)


def fgsm(
    victim: Victim,
    pictures: ArrayLike,
    labels: ArrayLike,
    eps: float,
    *,
    norm: str = "linf",
    targeted: bool = False,
) -> Result:
    """Fast gradient sign method: one step of size `eps`; in other norms, one steepest step.

    Lesson 10, section 3; I. Goodfellow, J. Shlens, C. Szegedy, "Explaining and harnessing
    adversarial examples", 2014 (ICLR 2015), section 4. Parameters are those of `pgd`; the norm may
    be ``"l1"``, too.
    """
    originals, labels = _checked(victim, pictures, labels, eps)
    changed = np.float32(-eps if targeted else eps) * steepest(
        victim.gradient(originals, labels), norm
    )
    changed += originals  # in place: a batch as large as this is slow to allocate
    np.clip(changed, victim.low, victim.high, out=changed)
    return Result(victim, originals, changed, labels, targeted, 1)


def random_signs(
    victim: Victim, pictures: ArrayLike, labels: ArrayLike, eps: float, *, seed: int = 0
) -> Result:
    """The control: a change as large as FGSM's, in a random direction; no gradient is needed.

    Parameters are those of `pgd`.
    """
    originals, labels = _checked(victim, pictures, labels, eps)
    signs = np.random.default_rng(seed).choice([-1, 1], originals.shape).astype(np.float32)
    changed = np.clip(originals + np.float32(eps) * signs, victim.low, victim.high)
    return Result(victim, originals, changed, labels, False, 0)


def smallest_eps(
    victim: Victim,
    pictures: ArrayLike,
    labels: ArrayLike,
    direction: ArrayLike,
    largest: float = 1.0,
) -> Array:
    """The smallest eps at which picture + eps * direction is named otherwise, shape (n,).

    0 where the answer was wrong before, NaN where it stays right up to `largest`. A scan finds the
    first step of a ladder with another answer, bisection refines it (lesson 10, section 3): a
    search along one line, not the smallest change of all. The direction has the shape of the
    pictures, and is for example ``steepest(victim.gradient(pictures, labels))``.
    """
    originals, labels = _checked(victim, pictures, labels, largest)
    direction = np.asarray(direction, np.float32)

    def fooled(eps: Array) -> NDArray[np.bool_]:
        moved = originals + _each(eps, originals).astype(np.float32) * direction
        return victim.predict(np.clip(moved, victim.low, victim.high)) != labels

    ladder = np.linspace(0, largest, _RUNGS + 1)
    answers = np.array([fooled(np.full(len(originals), eps)) for eps in ladder])
    first = answers.argmax(axis=0)
    high, low = ladder[first], ladder[np.maximum(first - 1, 0)]
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        wrong = fooled(middle)
        high, low = np.where(wrong, middle, high), np.where(wrong, low, middle)
    return np.where(answers.any(axis=0), np.where(first == 0, 0.0, high), np.nan)


def _checked(
    victim: Victim, pictures: ArrayLike, labels: ArrayLike, eps: float
) -> tuple[Array, NDArray[np.int64]]:
    """The batch as float32, a copy since results are computed later, and its labels."""
    batch = np.array(ask.values("pictures", pictures, victim.low, victim.high))
    labels = np.asarray(labels)
    if labels.shape != batch.shape[:1] or labels.dtype.kind not in "iu" or (labels < 0).any():
        raise ask.CourseError(
            f"labels are {labels.dtype} of shape {labels.shape}; give one whole number from 0 for "
            f"each of the {len(batch)} pictures."
        )
    ask.number("eps", eps, 0)
    return batch, labels.astype(np.int64)


def _each(values: Array, pictures: Array) -> Array:
    """A number for each picture as an array that broadcasts, (n, 1, ...)."""
    return values.reshape(-1, *[1] * (pictures.ndim - 1))


# --- learning from attacks ------------------------------------------------------------------------


def worst(steps: int = 5) -> Callable[[keras.Model, Any, Any, Any], Any]:
    """What `training.Learner` learns from in adversarial training: a batch's worst neighbors.

    Found by `climb`, in so many steps from a random start, against the network as it is at this
    moment (A. Madry et al. 2017, section 2). Lesson 10, section 8.
    """

    def attacked(model: keras.Model, pictures: Any, labels: Any, eps: Any) -> Any:
        from course_utils.quiet import tf

        logits = functools.partial(model, training=False)
        gradient = functools.partial(loss_gradient, logits, cross_entropy)
        noise = eps * tf.random.uniform(tf.shape(pictures), -1, 1)
        start = project(pictures + noise, pictures, eps)
        return climb(gradient, start, pictures, labels, eps, 2.5 * eps / steps, steps)

    return attacked


def train(
    model: keras.Model, pictures: ArrayLike, labels: ArrayLike, steps: int = 5, **options: Any
) -> keras.Model:
    """Train one classifier, on pictures as they are or, with `eps`, on those that attack it.

    The model gives logits, and is changed; each attack has so many steps, and the options are those
    of `training.Learner.fit`, such as ``epochs`` and ``eps``.
    """
    return Learner(lambda: model, worst=worst(steps)).fit(pictures, labels, **options)
