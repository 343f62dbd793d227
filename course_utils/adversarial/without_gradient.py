"""Attacks without a gradient: every pixel, random search, trees, neighbors, substitutes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import ask
from course_utils.adversarial.results import margin
from course_utils.adversarial.victims import Array, Victim, keras_victim
from course_utils.training import Learner

if TYPE_CHECKING:
    import keras
    from sklearn.tree import DecisionTreeClassifier

_STEP = 0.1  # from a picture to its new neighbor, in each value
_EPOCHS, _BATCH = 30, 25  # of a substitute's training


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

    Returns
    -------
    best : ndarray, shape (h, w, 1)
        The picture with the smallest margin.
    margins : ndarray, shape (h, w, k)
        Of the true class; below 0 where the answer is wrong.
    """
    picture, levels = np.asarray(picture, np.float32), np.asarray(levels, np.float32)
    if picture.ndim != 3 or picture.shape[2] != 1:
        raise ask.CourseError(
            f"the picture has the shape {picture.shape}; give a gray one, (h, w, 1)."
        )
    height, width, _ = picture.shape
    rows, columns, values = np.meshgrid(range(height), range(width), levels, indexing="ij")
    pictures = np.repeat(picture[None], rows.size, axis=0)
    pictures[np.arange(rows.size), rows.ravel(), columns.ravel(), 0] = values.ravel()
    margins = margin(victim.logits(pictures), np.full(rows.size, label))
    return pictures[margins.argmin()], margins.reshape(rows.shape)


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
    networks", 2017; R. Storn, K. Price, "Differential evolution", 1997. The picture has the shape
    (h, w, channels), the label is its true class. It ends once the answer is wrong, or after so
    many generations of so many candidates.
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
        vectorized=True,  # asks about a whole generation at once
        updating="deferred",
        rng=seed,
    )
    return Search(changed(found.x[:, None])[0], float(found.fun), asked)


def nearest_leaf(
    tree: DecisionTreeClassifier, pictures: ArrayLike, labels: ArrayLike
) -> NDArray[np.float32]:
    """For each picture (n, ...) the nearest one that a tree calls otherwise, exactly.

    The tree is fitted on flattened pictures with values in [0, 1]; its classes are 0, 1, 2, ...
    Nearest is the one with the smallest sum of changes: a leaf is a box of pictures; to reach it,
    values are moved to its sides. Lesson 10, section 5. (N. Papernot et al., "Transferability in
    machine learning", 2016, section 3.2, walk along the tree; looking at all leaves finds the
    nearest.)
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
    known, classes : arrays, shapes (m, ...) and (m,)
        The pictures that a classifier by neighbors compares with, and what these are.
    pictures, labels : arrays, shapes (n, ...) and (n,)
    eps
    count
        How many neighbors of another class are averaged.
    """
    from scipy.spatial.distance import cdist

    pictures = np.asarray(pictures, np.float32)
    flat = pictures.reshape(len(pictures), -1)
    base = np.asarray(known, np.float32).reshape(len(known), -1)
    far = cdist(flat, base)
    far[np.asarray(labels)[:, None] == np.asarray(classes)] = np.inf
    others = np.isfinite(far).sum(axis=1).min(initial=len(base))
    nearest = np.argsort(far, axis=1)[:, : ask.whole("count", count, 1, others)]
    aim = base[nearest].mean(axis=1)
    changed = np.clip(flat + np.clip(aim - flat, -eps, eps), 0, 1)
    return changed.reshape(pictures.shape)


class Substitute(NamedTuple):
    """A model of an oracle, as a victim, and how often that was asked until then."""

    victim: Victim
    queries: int


def substitutes(
    oracle: Callable[[Array], NDArray[np.integer]],
    pictures: ArrayLike,
    build: Callable[[], keras.Model],
    rounds: int = 5,
) -> Iterator[Substitute]:
    """Train substitutes of a classifier that gives labels only, with ever more questions.

    Lesson 10, section 7; N. Papernot et al., "Practical black-box attacks against machine
    learning", 2016 (2017), section 4: after each round each picture gets a neighbor in the
    direction in which the substitute's logit of the label rises most, and the number doubles. It is
    one network, trained anew in each round: use it before you ask for the next.

    Parameters
    ----------
    oracle
        Pictures (n, ...) -> labels (n,): all that is known of the victim.
    pictures : array of float in [0, 1], shape (n, ...)
        To start with.
    build
        Gives a new network without training.
    rounds
    """
    pictures = np.asarray(pictures, np.float32)
    labels = np.asarray(oracle(pictures), np.int64)
    learner = Learner(build)
    spy = keras_victim(learner.model)
    for number in range(rounds):
        learner.fit(pictures, labels, _EPOCHS, _BATCH, description="substitute")
        yield Substitute(spy, len(pictures))
        if number + 1 < rounds:
            # Down the loss of the oracle's label is up its logit.
            move = -_STEP * np.sign(spy.gradient(pictures, labels))
            new = np.clip(pictures + move, 0, 1).astype(np.float32)
            pictures = np.concatenate([pictures, new])
            labels = np.concatenate([labels, np.asarray(oracle(new), np.int64)])
