"""Adversarial examples: how they are found, counted and resisted.

Lesson 10 derives what stands here. One vocabulary for all of it: pictures come in batches, values
in [0, 1] (sounds in [-1, 1]); `eps` is the size of a change in these units, measured in a named
norm; an attack takes a `Victim` and gives a `Result`, which says what was reached and at what
price. Nearly every attack is `pgd` with another victim, another start or another number of steps.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.measures import interval, softmax

if TYPE_CHECKING:
    import keras
    from sklearn.tree import DecisionTreeClassifier

__all__ = [
    "NORMS",
    "Learner",
    "Result",
    "Victim",
    "climb",
    "distance",
    "expectation",
    "fgsm",
    "interval",
    "is_adversarial",
    "keras_victim",
    "linear_victim",
    "margin",
    "nearest_leaf",
    "one_pixel",
    "one_pixel_search",
    "pgd",
    "photograph",
    "project",
    "random_signs",
    "signal_to_noise",
    "smallest_eps",
    "steepest",
    "substitutes",
    "toward_neighbor",
    "train",
]

Array = NDArray[np.floating]

#: How a change is measured: number of changed values, sum, length, largest.
NORMS = ("l0", "l1", "l2", "linf")
_SLACK = 1e-5  # float32 rounds: a change of exactly eps may come out larger by so much


# --- what is attacked, and what comes out ---------------------------------------------------------


@dataclass(frozen=True)
class Victim:
    """What an attack may ask of a classifier.

    Attributes
    ----------
    logits : callable
        Pictures (n, ...) -> logits (n, classes), of which only the order counts for `predict`.
    gradient : callable or None
        (pictures, labels) -> the gradient of each picture's own loss, of the pictures' shape.
        None where there is none, as for a tree.
    low, high : float
        Range of the values: [0, 1] for pictures, [-1, 1] for sounds.
    graph : callable or None
        Norm -> `climb` along this gradient in this norm, compiled, of what follows `high` there.
        None where the gradient is no graph: then `climb` runs step by step.
    """

    logits: Callable[[Array], Array]
    gradient: Callable[[Array, NDArray[np.integer]], Array] | None = None
    low: float = 0.0
    high: float = 1.0
    graph: Callable[[str], Callable[..., Array]] | None = None

    def predict(self, pictures: Array) -> NDArray[np.int64]:
        """The class of each picture, shape (n,)."""
        return np.argmax(self.logits(pictures), axis=1)


@dataclass(frozen=True)
class Result:
    """What an attack reached. Predictions are computed when they are asked for.

    Attributes
    ----------
    victim : Victim
    originals, pictures : ndarray of float32, shape (n, ...)
        Before and after.
    labels : ndarray of int, shape (n,)
        The true labels, or the targets.
    targeted : bool
    queries : int
        How often the victim was asked about each picture; a gradient counts as one question.
    """

    victim: Victim
    originals: Array
    pictures: Array
    labels: NDArray[np.int64]
    targeted: bool
    queries: int

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
    """Size of the change of each picture of a batch (lesson 10, section 1).

    Parameters
    ----------
    before, after : arrays of equal shape (n, ...)
    norm
        ``"l0"`` changed values, ``"l1"`` sum of the changes, ``"l2"`` Euclidean length, ``"linf"``
        largest change.

    Returns
    -------
    ndarray of float, shape (n,)

    Raises
    ------
    ValueError
        Other shapes or another norm.
    """
    before, after = np.asarray(before), np.asarray(after)
    if before.shape != after.shape or before.ndim < 2:
        raise ValueError(
            f"the pictures have the shapes {before.shape} and {after.shape}; give two batches of "
            "one shape (n, ...)."
        )
    kind = np.result_type(before, after, np.float32)  # bytes would wrap around
    change = np.abs(after.astype(kind) - before.astype(kind)).reshape(len(before), -1)
    if norm == "l0":
        return (change > 1e-7).sum(axis=1).astype(float)
    if norm == "l1":
        return change.sum(axis=1)
    if norm == "l2":
        return np.sqrt((change**2).sum(axis=1))
    if norm == "linf":
        return change.max(axis=1)
    raise ValueError(f"norm is {norm!r}; choose one of {', '.join(NORMS)}.")


def is_adversarial(
    victim: Victim,
    before: ArrayLike,
    after: ArrayLike,
    labels: ArrayLike,
    eps: float,
    norm: str = "linf",
    targets: ArrayLike | None = None,
) -> NDArray[np.bool_]:
    """The definition: a small change of a rightly named picture changes the answer.

    Lesson 10, section 1. What no code can check is that people still see the same thing.

    Parameters
    ----------
    victim
        Who is asked.
    before, after : arrays of shape (n, ...)
    labels : array of int, shape (n,)
        What the pictures show.
    eps
        Largest allowed size of the change.
    norm
        One of `NORMS`.
    targets : array of int, shape (n,), optional
        The answer must become this one; by default any wrong one will do.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    before, after = np.asarray(before), np.asarray(after)
    small = distance(before, after, norm) <= eps + _SLACK
    axes = tuple(range(1, after.ndim))
    valid = ((after >= victim.low - _SLACK) & (after <= victim.high + _SLACK)).all(axis=axes)
    right = victim.predict(before) == np.asarray(labels)
    now = victim.predict(after)
    fooled = now != np.asarray(labels)
    if targets is not None:
        fooled &= now == np.asarray(targets)
    return small & valid & right & fooled


def margin(logits: ArrayLike, labels: ArrayLike) -> Array:
    """Logit of the label minus the best of the others: above 0 where the label is the answer.

    Parameters
    ----------
    logits : array, shape (n, classes)
    labels : array of int, shape (n,)

    Returns
    -------
    ndarray, shape (n,)
    """
    logits, labels = np.asarray(logits), np.asarray(labels)
    values = np.array(logits, np.result_type(logits, np.float32))  # integers hold no infinity
    rows = np.arange(len(values))
    own = values[rows, labels].copy()
    values[rows, labels] = -np.inf
    return own - values.max(axis=1)


# --- victims --------------------------------------------------------------------------------------


def keras_victim(
    model: keras.Model,
    low: float = 0.0,
    high: float = 1.0,
    loss: Callable[[Any, Any], Any] | None = None,
    training: bool = False,
) -> Victim:
    """A Keras network that gives logits, its logits and gradients compiled once for all sizes.

    Parameters
    ----------
    model
        (n, ...) -> logits (n, classes).
    low, high
        Range of its inputs.
    loss
        (labels, outputs) -> (n,), what an attack raises; by default the cross-entropy of the
        logits. (Of logits: the gradient through a saturated softmax is zero.)
    training
        Whether layers such as random rotations are active.
    """

    logits = functools.partial(model, training=training)
    return _victim(
        logits,
        functools.partial(_gradient, logits, loss or _cross_entropy),
        model.inputs[0].shape,
        low,
        high,
    )


def _cross_entropy(labels: Any, logits: Any) -> Any:
    from course_utils.quiet import keras

    return keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True)


def _gradient(logits: Callable, loss: Callable, pictures: Any, labels: Any) -> Any:
    """The gradient of each picture's own loss, as tensors.

    Pictures of a batch do not influence one another: the gradient of the sum holds, row by row,
    that of each picture.
    """
    from course_utils.quiet import tf

    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(pictures)
        total = tf.reduce_sum(loss(labels, logits(pictures)))
    return tape.gradient(total, pictures)


def _victim(
    logits: Callable, gradient: Callable, shape: Any, low: float = 0.0, high: float = 1.0
) -> Victim:
    """A victim of functions of tensors, compiled when they are first asked, once for all sizes."""
    from course_utils.quiet import keras, tf

    batch, labels = tf.TensorSpec(shape, tf.float32), tf.TensorSpec((None,), tf.int64)
    numbers = [tf.TensorSpec((), kind) for kind in (tf.float32, tf.float32, tf.int32)]

    gradient = tf.autograph.experimental.do_not_convert(gradient)  # only the loop is rewritten

    @functools.cache
    def graph(norm: str) -> Callable[..., Array]:
        loop = functools.partial(climb, keras.ops, gradient, norm, low, high)
        return _compiled(loop, batch, batch, labels, *numbers)

    return Victim(_compiled(logits, batch), _compiled(gradient, batch, labels), low, high, graph)


def _compiled(function: Callable, *signature: Any) -> Callable[..., Array]:
    """A function of tensors as one of arrays, traced when it is first called, and only then."""
    from course_utils.quiet import tf

    @functools.cache
    def traced() -> Callable:
        return tf.function(function, input_signature=signature).get_concrete_function()

    def call(*arrays: ArrayLike) -> Array:
        if not len(arrays[0]):  # a gradient of max pooling would end the kernel, with oneDNN
            raise ValueError("there are no pictures; give at least one.")
        tensors = (
            tf.constant(array, spec.dtype) for array, spec in zip(arrays, signature, strict=True)
        )
        return traced()(*tensors).numpy()

    return call


def linear_victim(weights: ArrayLike, biases: ArrayLike) -> Victim:
    """A linear classifier on flattened pictures; its gradient needs no derivative at all.

    Lesson 10, section 5. The loss is the negative margin, whose gradient is a difference of two
    rows of weights: of the best other class minus that of the label.

    Parameters
    ----------
    weights : array, shape (classes, values)
        As scikit-learn's ``coef_``.
    biases : array, shape (classes,)

    Raises
    ------
    ValueError
        There is one row of weights.
    """
    weights, biases = np.asarray(weights, np.float32), np.asarray(biases, np.float32)
    if len(weights) < 2:  # as scikit-learn's `coef_` of two classes
        raise ValueError("weights have one row; give one for each class, such as [-w, w].")

    def logits(pictures: Array) -> Array:
        return np.reshape(pictures, (len(pictures), -1)) @ weights.T + biases

    def gradient(pictures: Array, labels: NDArray[np.integer]) -> Array:
        others = logits(pictures)
        others[np.arange(len(others)), labels] = -np.inf
        return (weights[others.argmax(axis=1)] - weights[labels]).reshape(np.shape(pictures))

    return Victim(logits, gradient)


def expectation(model: keras.Model, camera: keras.Layer, samples: int = 10) -> Victim:
    """The network, with a gradient averaged over random views of each picture.

    Lesson 10, section 9; A. Athalye et al., "Synthesizing robust adversarial examples", ICML 2018
    (arXiv 2017), section 2.

    Parameters
    ----------
    model
        (n, ...) -> logits (n, classes).
    camera
        A layer that changes each picture at random when training, such as a
        ``keras.Sequential`` of ``RandomRotation`` and the like; differentiable.
    samples
        Views for each gradient.
    """
    from course_utils.quiet import tf

    def seen(pictures: Any) -> Any:
        return model(camera(pictures, training=True), training=False)

    def gradient(pictures: Any, labels: Any) -> Any:
        # One batch of all views: `samples` times each picture.
        many = tf.repeat(pictures, samples, axis=0), tf.repeat(labels, samples)
        views = _gradient(seen, _cross_entropy, *many)
        shape = tf.concat([[-1, samples], tf.shape(pictures)[1:]], axis=0)
        return tf.reduce_mean(tf.reshape(views, shape), axis=1)

    return _victim(functools.partial(model, training=False), gradient, model.inputs[0].shape)


# --- attacks by gradient --------------------------------------------------------------------------


def steepest(gradient: Array, norm: str = "linf", xp: Any = np) -> Array:
    """The step of size 1 that raises a linear function most, for each picture of a batch.

    Lesson 10, section 3: signs in the largest-change norm, the gradient itself in the Euclidean
    one, and the single largest entry where the sum of changes counts.

    Parameters
    ----------
    gradient : array, shape (n, ...)
    norm
        ``"linf"``, ``"l2"`` or ``"l1"``.
    xp
        Where `sign` and the like come from: NumPy, or ``keras.ops`` inside of a graph (not L1).

    Raises
    ------
    ValueError
        Another norm.
    """
    if norm == "linf":
        return xp.sign(gradient)
    if norm == "l2":
        return gradient / xp.maximum(_lengths(gradient, xp), 1e-12)
    if norm == "l1":
        flat = gradient.reshape(len(gradient), -1)
        best = np.abs(flat).argmax(axis=1)[:, None]
        step = np.zeros_like(flat)
        np.put_along_axis(step, best, np.sign(np.take_along_axis(flat, best, axis=1)), axis=1)
        return step.reshape(gradient.shape)
    raise ValueError(f"norm is {norm!r}; a step can be taken in linf, l2 or l1.")


def _lengths(changes: Array, xp: Any = np) -> Array:
    """L2 length of each change, (n, 1, 1, ...)."""
    return xp.sqrt(xp.sum(changes**2, axis=tuple(range(1, len(changes.shape))), keepdims=True))


def project(
    pictures: Array,
    originals: Array,
    eps: float,
    norm: str = "linf",
    low: float = 0.0,
    high: float = 1.0,
    xp: Any = np,
) -> Array:
    """The pictures, brought back to within `eps` of the originals and into the range.

    Parameters
    ----------
    pictures, originals : arrays of shape (n, ...)
    eps
        Radius, 0 or more.
    norm
        ``"linf"`` or ``"l2"``.
    low, high
        Range of the values.
    xp
        As for `steepest`.

    Raises
    ------
    ValueError
        Another norm.
    """
    if norm == "linf":
        near = xp.clip(pictures, originals - eps, originals + eps)
    elif norm == "l2":
        change = pictures - originals
        near = originals + change * xp.minimum(1.0, eps / xp.maximum(_lengths(change, xp), 1e-12))
    else:
        raise ValueError(f"norm is {norm!r}; pictures can be projected in linf or l2.")
    return xp.clip(near, low, high)


def climb(
    xp: Any,
    gradient: Callable[[Array, NDArray[np.integer]], Array],
    norm: str,
    low: float,
    high: float,
    start: Array,
    originals: Array,
    labels: NDArray[np.integer],
    eps: float,
    step: float,
    steps: int,
) -> Array:
    """The loop of `pgd`: step along the gradient, come back to within `eps`, and again.

    Of arrays, step by step; or of tensors inside of a graph, where `range` becomes a loop that
    never returns to Python in between.

    Parameters
    ----------
    xp, norm, low, high
        As for `project`.
    gradient
        As of a `Victim`, of arrays or of tensors.
    start, originals : (n, ...)
        Where to begin, and what to stay near.
    labels : (n,)
    eps, step
        Radius and size of a step, negative to go down.
    steps
        How many.
    """
    current = start
    for _ in range(steps):
        moved = current + step * steepest(gradient(current, labels), norm, xp)
        current = project(moved, originals, eps, norm, low, high, xp)
    return current


def _checked(
    victim: Victim, pictures: ArrayLike, labels: ArrayLike, eps: float
) -> tuple[Array, NDArray[np.int64]]:
    """The batch as float32 and its labels, each checked."""
    batch, labels = np.asarray(pictures), np.asarray(labels)
    if batch.dtype.kind != "f":
        raise ValueError(
            f"the pictures are {batch.dtype}; give floats from {victim.low:g} to {victim.high:g} "
            "(divide bytes by 255)."
        )
    if batch.size and not (
        batch.min() >= victim.low - _SLACK and batch.max() <= victim.high + _SLACK
    ):
        raise ValueError(
            f"the values go from {batch.min():.3g} to {batch.max():.3g}; they have to lie between "
            f"{victim.low:g} and {victim.high:g}."
        )
    if labels.shape != batch.shape[:1] or labels.dtype.kind not in "iu" or (labels < 0).any():
        raise ValueError(
            f"the labels are {labels.dtype} of shape {labels.shape}; give one whole number from 0 "
            f"for each of the {len(batch)} pictures."
        )
    if not 0 <= eps < np.inf:
        raise ValueError(
            f"eps is {eps}; give a number from 0, in the unit of the values (8/255, not 8)."
        )
    return batch.astype(np.float32), labels.astype(np.int64)


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
        1 or more.
    step
        Size of a step; by default 2.5 eps / steps, so that the border can be reached and left.
    targeted
        Whether `labels` are to be reached: down the loss instead of up.
    restarts
        Random starts within `eps` beside the start at the picture itself.
    seed
        Of the random starts.

    Returns
    -------
    Result

    Raises
    ------
    ValueError
        No gradient, values out of range, one label too few, an impossible eps, norm or number.
    """
    if victim.gradient is None:
        raise ValueError("the victim gives no gradient; attack a substitute and transfer.")
    if steps < 1 or restarts < 0:
        raise ValueError(f"steps={steps} and restarts={restarts}; give 1 or more, and 0 or more.")
    originals, labels = _checked(victim, pictures, labels, eps)
    step = np.float32(2.5 * eps / steps if step is None else step)
    eps, limits = np.float32(eps), (norm, victim.low, victim.high)
    stepwise = functools.partial(climb, np, victim.gradient, *limits)
    walk = victim.graph(norm) if victim.graph else stepwise
    random, best, best_score = np.random.default_rng(seed), None, None
    for attempt in range(restarts + 1):
        noise = random.uniform(-eps, eps, originals.shape).astype(np.float32) if attempt else 0
        start = project(originals + noise, originals, eps, *limits)
        current = walk(start, originals, labels, eps, -step if targeted else step, steps)
        if not restarts:
            best = current
            break
        score = margin(victim.logits(current), labels) * (1 if targeted else -1)
        if best is None:
            best, best_score = current, score
        else:
            better = score > best_score
            best = np.where(better.reshape(-1, *[1] * (current.ndim - 1)), current, best)
            best_score = np.maximum(score, best_score)
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
    adversarial examples", 2014 (ICLR 2015), section 4.

    Parameters
    ----------
    victim, pictures, labels, eps, targeted
        As for `pgd`.
    norm
        ``"linf"``, ``"l2"`` or ``"l1"``.

    Returns
    -------
    Result

    Raises
    ------
    ValueError
        As for `pgd`.
    """
    if victim.gradient is None:
        raise ValueError("the victim gives no gradient; attack a substitute and transfer.")
    originals, labels = _checked(victim, pictures, labels, eps)
    move = np.float32(-eps if targeted else eps) * steepest(
        victim.gradient(originals, labels), norm
    )
    changed = np.clip(originals + move, victim.low, victim.high)
    return Result(victim, originals, changed, labels, targeted, 1)


def random_signs(
    victim: Victim, pictures: ArrayLike, labels: ArrayLike, eps: float, *, seed: int = 0
) -> Result:
    """The control: a change as large as FGSM's, in a random direction.

    Parameters
    ----------
    victim, pictures, labels, eps
        As for `pgd`; no gradient is needed.
    seed
        Of the signs.
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
    *,
    largest: float = 1.0,
    scan: int = 32,
    halvings: int = 8,
) -> Array:
    """The smallest eps at which picture + eps * direction is named otherwise, for each picture.

    A scan finds the first step of a coarse ladder with another answer, bisection refines it
    (lesson 10, section 3). It is a search along one line, not the smallest change of all.

    Parameters
    ----------
    victim, pictures, labels
        As for `pgd`; true labels.
    direction : array, of the shape of `pictures`
        For example ``steepest(victim.gradient(pictures, labels))``.
    largest
        End of the ladder.
    scan
        Its steps.
    halvings
        Of the step that was found.

    Returns
    -------
    ndarray of float, shape (n,)
        0 where the answer was wrong before, NaN where it stays right up to `largest`.
    """
    originals, labels = _checked(victim, pictures, labels, largest)
    direction = np.asarray(direction, np.float32)

    def fooled(eps: Array) -> NDArray[np.bool_]:
        size = eps.reshape(-1, *[1] * (originals.ndim - 1)).astype(np.float32)
        moved = np.clip(originals + size * direction, victim.low, victim.high)
        return victim.predict(moved) != labels

    ladder = np.linspace(0, largest, scan + 1)
    answers = np.array([fooled(np.full(len(originals), eps)) for eps in ladder])
    first = answers.argmax(axis=0)
    high, low = ladder[first], ladder[np.maximum(first - 1, 0)]
    for _ in range(halvings):
        middle = (low + high) / 2
        wrong = fooled(middle)
        high, low = np.where(wrong, middle, high), np.where(wrong, low, middle)
    return np.where(answers.any(axis=0), np.where(first == 0, 0.0, high), np.nan)


# --- attacks without a gradient -------------------------------------------------------------------


def one_pixel(
    victim: Victim, picture: ArrayLike, label: int, levels: ArrayLike
) -> tuple[Array, Array]:
    """Every picture that differs in one pixel: all places times all gray levels.

    Lesson 10, section 4: small pictures can be searched completely.

    Parameters
    ----------
    victim
    picture : array of float, shape (h, w, 1)
    label
        Its true class.
    levels : array of float, shape (k,)
        The gray levels to try.

    Returns
    -------
    best : ndarray, shape (h, w, 1)
        The picture with the smallest margin.
    margins : ndarray, shape (h, w, k)
        Margin of the true class; below 0 where the answer is wrong.

    Raises
    ------
    ValueError
        No gray picture.
    """
    picture, levels = np.asarray(picture, np.float32), np.asarray(levels, np.float32)
    if picture.ndim != 3 or picture.shape[2] != 1:
        raise ValueError(f"the picture has the shape {picture.shape}; give a gray one, (h, w, 1).")
    height, width, _ = picture.shape
    rows, columns, values = np.meshgrid(range(height), range(width), levels, indexing="ij")
    pictures = np.repeat(picture[None], rows.size, axis=0)
    pictures[np.arange(rows.size), rows.ravel(), columns.ravel(), 0] = values.ravel()
    found = margin(victim.logits(pictures), np.full(rows.size, label))
    return pictures[found.argmin()], found.reshape(rows.shape)


class Search(NamedTuple):
    """What a search found: the picture, its margin, and how often the victim was asked."""

    picture: Array
    margin: float
    queries: int


def one_pixel_search(
    victim: Victim,
    picture: ArrayLike,
    label: int,
    *,
    population: int = 60,
    generations: int = 20,
    seed: int = 0,
) -> Search:
    """One-pixel attack by differential evolution, which asks for scores only.

    Lesson 10, section 4; J. Su, D. Vargas, K. Sakurai, "One pixel attack for fooling deep neural
    networks", 2017. The search ends once the answer is wrong.

    Parameters
    ----------
    victim
        No gradient is needed.
    picture : array of float, shape (h, w, channels)
    label
        Its true class.
    population
        Candidates in each generation.
    generations
        At most so many.
    seed
        Of the search.

    References
    ----------
    R. Storn, K. Price, "Differential evolution", 1997; `scipy.optimize.differential_evolution`.
    """
    from scipy.optimize import differential_evolution

    picture = np.asarray(picture, np.float32)
    height, width, channels = picture.shape
    asked = 0

    def changed(candidates: Array) -> Array:  # (row, column, color...) x candidates
        count = candidates.shape[1]
        pictures = np.repeat(picture[None], count, axis=0)
        rows, columns = np.minimum(candidates[:2].astype(int), [[height - 1], [width - 1]])
        pictures[np.arange(count), rows, columns] = candidates[2:].T
        return pictures

    def score(candidates: Array) -> Array:
        nonlocal asked
        asked += candidates.shape[1]
        labels = np.full(candidates.shape[1], label)
        return margin(victim.logits(changed(candidates)), labels)

    bounds = [(0, height), (0, width), *[(victim.low, victim.high)] * channels]
    # `vectorized` asks about a whole generation at once.
    found = differential_evolution(
        score,
        bounds,
        maxiter=generations,
        init=np.random.default_rng(seed).uniform(*np.transpose(bounds), (population, len(bounds))),
        mutation=(0.5, 1),
        recombination=0.7,
        tol=0,
        callback=lambda intermediate_result: intermediate_result.fun < 0,
        polish=False,
        vectorized=True,
        updating="deferred",
        rng=seed,
    )
    return Search(changed(found.x[:, None])[0], float(found.fun), asked)


def nearest_leaf(
    tree: DecisionTreeClassifier, pictures: ArrayLike, labels: ArrayLike
) -> NDArray[np.float32]:
    """For each picture the nearest one that a decision tree calls otherwise, exactly.

    Lesson 10, section 5. A leaf is a box of pictures; to reach it, values are moved to its sides.
    (N. Papernot et al., "Transferability in machine learning", 2016, section 3.2, walk along the
    tree; looking at all leaves finds the nearest.)

    Parameters
    ----------
    tree
        Fitted on flattened pictures; its classes are 0, 1, 2, ...
    pictures : array of float in [0, 1], shape (n, ...)
    labels : array of int, shape (n,)
        True classes.

    Returns
    -------
    ndarray of float32, shape (n, ...)
        Pictures with the smallest sum of changes.
    """
    pictures = np.asarray(pictures, np.float32)
    flat = pictures.reshape(len(pictures), -1)
    low, high, classes = _boxes(tree, flat.shape[1])
    changed = np.empty_like(flat)
    for row, (values, label) in enumerate(zip(flat, np.asarray(labels), strict=True)):
        others = classes != label
        moved = np.clip(values, low[others], high[others])
        changed[row] = moved[np.abs(moved - values).sum(axis=1).argmin()]
    return changed.reshape(pictures.shape)


def _boxes(
    tree: DecisionTreeClassifier, size: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
    """Of each leaf the lower and upper sides, (leaves, size), and the class."""
    nodes, boxes = tree.tree_, []
    todo = [(0, np.zeros(size, np.float32), np.ones(size, np.float32))]
    while todo:
        node, low, high = todo.pop()
        if nodes.children_left[node] < 0:
            boxes.append((low, high, nodes.value[node].argmax()))
            continue
        feature, border = nodes.feature[node], np.float32(nodes.threshold[node])
        left_high, right_low = high.copy(), low.copy()
        left_high[feature] = min(high[feature], np.nextafter(border, np.float32(-1)))
        right_low[feature] = max(low[feature], np.nextafter(border, np.float32(2)))
        todo += [(nodes.children_left[node], low, left_high)]
        todo += [(nodes.children_right[node], right_low, high)]
    low, high, classes = zip(*boxes, strict=True)
    return np.array(low), np.array(high), np.array(classes)


def toward_neighbor(
    known: ArrayLike,
    classes: ArrayLike,
    pictures: ArrayLike,
    labels: ArrayLike,
    eps: float,
    *,
    count: int = 5,
) -> NDArray[np.float32]:
    """Pictures moved toward the nearest known ones of another class, each value by `eps` at most.

    Lesson 10, section 5: k nearest neighbors have no gradient, but a direction to go.

    Parameters
    ----------
    known : array of float in [0, 1], shape (m, ...)
        The pictures that a classifier by neighbors compares with.
    classes : array of int, shape (m,)
        What these are.
    pictures : array of float in [0, 1], shape (n, ...)
    labels : array of int, shape (n,)
        True classes.
    eps
        Largest change of a value.
    count
        How many neighbors of another class are averaged.

    Returns
    -------
    ndarray of float32, shape (n, ...)

    Raises
    ------
    ValueError
        There are not so many known pictures of other classes.
    """
    from scipy.spatial.distance import cdist

    pictures = np.asarray(pictures, np.float32)
    flat = pictures.reshape(len(pictures), -1)
    base = np.asarray(known, np.float32).reshape(len(known), -1)
    far = cdist(flat, base)
    far[np.asarray(labels)[:, None] == np.asarray(classes)] = np.inf
    least = np.isfinite(far).sum(axis=1).min(initial=count)
    if not 1 <= count <= least:
        raise ValueError(f"count is {count}; there are {least} known pictures of other classes.")
    nearest = np.argsort(far, axis=1)[:, :count]
    aim = base[nearest].mean(axis=1)
    changed = np.clip(flat + np.clip(aim - flat, -eps, eps), 0, 1)
    return changed.reshape(pictures.shape)


# --- learning: defense and substitute -------------------------------------------------------------


class Learner:
    """A classifier that is trained once or again and again, and compiled once.

    Adam with a learning rate that falls from .002 to zero along half a cosine. With `eps` above 0
    it learns from examples that attack it at every step (A. Madry et al. 2017, section 2): each
    batch is replaced by its worst neighbors, found by PGD against the network as it is at this
    moment. Lesson 10, section 8.

    Parameters
    ----------
    build
        Gives a new network, (n, ...) -> logits, without training.
    steps
        Of each attack.
    """

    def __init__(self, build: Callable[[], keras.Model], steps: int = 5) -> None:
        from course_utils.quiet import keras, tf

        self.build, self.attack_steps, self.model = build, steps, build()
        self.optimizer = keras.optimizers.Adam()
        self.optimizer.build(self.model.trainable_variables)
        self._unused = [variable.numpy() for variable in self.optimizer.variables]
        shape, number = self.model.inputs[0].shape, tf.TensorSpec((), tf.float32)
        kinds = (shape, tf.float32), ((None,), tf.int64), ((None,), tf.float32), ((), tf.int32)
        signature = [*(tf.TensorSpec(*kind) for kind in kinds), number]
        self._epochs = {
            hard: tf.function(functools.partial(self._epoch, hard), input_signature=signature)
            for hard in (False, True)
        }

    def _epoch(
        self, hard: bool, pictures: Any, labels: Any, rates: Any, batch_size: Any, eps: Any
    ) -> None:
        """One pass over the pictures, a graph as a whole: small steps cost more from Python."""
        from course_utils.quiet import tf

        for number in tf.range(tf.size(rates)):
            rows = slice(number * batch_size, (number + 1) * batch_size)
            shown = self._hardest(pictures[rows], labels[rows], eps) if hard else pictures[rows]
            self._learn(shown, labels[rows], rates[number])

    def _hardest(self, pictures: Any, labels: Any, eps: Any) -> Any:
        from course_utils.quiet import keras, tf

        gradient = functools.partial(
            _gradient, functools.partial(self.model, training=False), _cross_entropy
        )
        noise = eps * tf.random.uniform(tf.shape(pictures), -1, 1)
        start = project(pictures + noise, pictures, eps, xp=keras.ops)
        limits, step = ("linf", 0.0, 1.0), 2.5 * eps / self.attack_steps
        return climb(
            keras.ops, gradient, *limits, start, pictures, labels, eps, step, self.attack_steps
        )

    def _learn(self, pictures: Any, labels: Any, rate: Any) -> None:
        from course_utils.quiet import tf

        weights = self.model.trainable_variables
        self.optimizer.learning_rate.assign(rate)
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(_cross_entropy(labels, self.model(pictures, training=True)))
        self.optimizer.apply(tape.gradient(loss, weights), weights)

    def fit(
        self,
        pictures: ArrayLike,
        labels: ArrayLike,
        *,
        epochs: int = 20,
        eps: float = 0.0,
        batch_size: int = 64,
        seed: int = 0,
        description: str = "training",
    ) -> keras.Model:
        """Start anew with the weights of a new network, and train; arguments as for `train`."""
        from course_utils.live import track

        self.model.set_weights(self.build().get_weights())
        for variable, start in zip(self.optimizer.variables, self._unused, strict=True):
            variable.assign(start)
        pictures, labels = np.asarray(pictures, np.float32), np.asarray(labels, np.int64)
        count = -(-len(pictures) // batch_size)
        turn = np.linspace(0, np.pi, epochs * count, endpoint=False, dtype=np.float32)
        random, epoch = np.random.default_rng(seed), self._epochs[eps > 0]
        for rates in track(np.split(1e-3 * (1 + np.cos(turn)), epochs), description):
            order = random.permutation(len(pictures))
            epoch(pictures[order], labels[order], rates, batch_size, eps)
        return self.model


def train(
    model: keras.Model, pictures: ArrayLike, labels: ArrayLike, steps: int = 5, **options: Any
) -> keras.Model:
    """Train one classifier, on pictures as they are or on those that attack it (see `Learner`).

    Parameters
    ----------
    model
        Gives logits; is changed.
    pictures : array of float in [0, 1], shape (n, ...)
    labels : array of int, shape (n,)
    steps
        Of each attack.
    epochs, batch_size
        By default 20 and 64.
    eps
        Largest change of a value; 0, the default, trains on the pictures as they are.
    seed
        Of the order of the pictures; weights and starts follow `keras.utils.set_random_seed`.
    description
        Of the progress bar.

    Returns
    -------
    keras.Model
        The same, trained.
    """
    return Learner(lambda: model, steps).fit(pictures, labels, **options)


class Substitute(NamedTuple):
    """A model of an oracle, as a victim, and how often that was asked until then."""

    victim: Victim
    queries: int


def substitutes(
    oracle: Callable[[Array], NDArray[np.integer]],
    pictures: ArrayLike,
    build: Callable[[], keras.Model],
    *,
    rounds: int = 5,
    step: float = 0.1,
    epochs: int = 30,
) -> Iterator[Substitute]:
    """Train substitutes of a classifier that gives labels only, with ever more questions.

    Lesson 10, section 7; N. Papernot et al., "Practical black-box attacks against machine
    learning", 2016 (2017), section 4: after each round each picture gets a neighbor in the
    direction in which the substitute's logit of the label rises most, and the number doubles.

    Parameters
    ----------
    oracle
        Pictures (n, ...) -> labels (n,): all that is known of the victim.
    pictures : array of float in [0, 1], shape (n, ...)
        To start with; their labels are asked for.
    build
        Gives a new network without training.
    rounds
        Substitutes to train.
    step
        How far the new pictures lie from the old ones, in each value.
    epochs
        Of each training, in batches of 25.

    Yields
    ------
    Substitute
        One network trained anew in each round: use it before you ask for the next.
    """
    pictures = np.asarray(pictures, np.float32)
    labels = np.asarray(oracle(pictures), np.int64)
    learner = Learner(build)
    spy = keras_victim(learner.model)
    for number in range(rounds):
        learner.fit(pictures, labels, epochs=epochs, batch_size=25, description="substitute")
        yield Substitute(spy, len(pictures))
        if number + 1 < rounds:
            # Down the loss of the oracle's label is up its logit.
            move = -step * np.sign(spy.gradient(pictures, labels))
            new = np.clip(pictures + move, 0, 1).astype(np.float32)
            pictures = np.concatenate([pictures, new])
            labels = np.concatenate([labels, np.asarray(oracle(new), np.int64)])


# --- the physical world, and sounds ---------------------------------------------------------------


def photograph(
    pictures: ArrayLike,
    *,
    strength: float = 1.0,
    seed: int = 0,
) -> NDArray[np.float32]:
    """Print and photograph, simulated: turned, resampled, out of focus, noisy, JPEG.

    Lesson 10, section 9, after Kurakin et al. 2016, section 3.

    Parameters
    ----------
    pictures : array of float in [0, 1], shape (n, h, w, 3)
    strength
        0 gives the pictures as they are, 1 a careless photo: up to 10 degrees, four fifths of the
        resolution, a blur of 0.7 pixels, 10 % more or less light, noise of .03, JPEG quality 60.
    seed
        Of all that is random.

    Returns
    -------
    ndarray of float32 in [0, 1], shape (n, h, w, 3)

    Raises
    ------
    ValueError
        No such pictures, or a strength outside [0, 1].
    """
    from scipy import ndimage

    from course_utils import images

    pictures = np.asarray(pictures, np.float32)
    if pictures.ndim != 4 or pictures.shape[-1] != 3:
        raise ValueError(f"the pictures have shape {pictures.shape}; give (n, h, w, 3).")
    if not 0 <= strength <= 1:
        raise ValueError(f"strength is {strength}; give 0 to 1.")
    if not strength:
        return pictures.copy()
    random, taken = np.random.default_rng(seed), []
    for picture in pictures:
        angle, light = random.uniform(-1, 1, 2) * strength * (10, 0.1)
        turned = ndimage.rotate(picture, angle, reshape=False, order=1, mode="nearest")
        small = max(round(len(turned) * (1 - strength / 5)), 8)
        seen = images.resize(images.resize(np.clip(turned, 0, 1), small), picture.shape[:2])
        seen = ndimage.gaussian_filter(seen, (0.7 * strength, 0.7 * strength, 0))
        seen = seen * (1 + light) + random.normal(0, 0.03 * strength, seen.shape)
        taken.append(_jpeg(np.clip(seen, 0, 1), round(95 - 35 * strength)))
    return np.array(taken, np.float32)


def _jpeg(picture: Array, quality: int) -> Array:
    """A picture, packed as JPEG and unpacked."""
    from PIL import Image

    from course_utils import images

    file = io.BytesIO()
    Image.fromarray(images.to_uint8(picture)).save(file, "JPEG", quality=quality)
    return images.load(file.getvalue())


def signal_to_noise(sound: ArrayLike, changed: ArrayLike) -> Array:
    """How much stronger each sound is than its change, in decibels (lesson 10, section 10).

    Parameters
    ----------
    sound, changed : arrays of shape (n, samples)

    Returns
    -------
    ndarray, shape (n,)
        10 log10 of the ratio of powers; infinite where nothing changed.
    """
    sound, changed = np.asarray(sound, np.float64), np.asarray(changed, np.float64)
    noise = ((changed - sound) ** 2).sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = 10 * np.log10((sound**2).sum(axis=-1) / noise)
    return np.where(noise == 0, np.inf, ratio)
