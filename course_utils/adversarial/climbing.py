"""Up the loss, near the originals: the one loop of all attacks by gradient.

Of NumPy's arrays, or of tensors inside of a graph; each function takes either.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils import ask

Array = NDArray[np.floating]


def steepest(gradient: Array, norm: str = "linf") -> Array:
    """The step of size 1 that raises a linear function most, for each picture of a batch.

    Lesson 10, section 3: signs in the largest-change norm ``"linf"``, the gradient itself in the
    Euclidean one, ``"l2"``, and the single largest entry where the sum of changes counts, ``"l1"``
    (not in a graph).
    """
    norm, xp = ask.choice("norm", norm, ("linf", "l2", "l1")), _home(gradient)
    if norm == "linf":
        return xp.sign(gradient)
    if norm == "l2":
        return gradient / xp.maximum(_lengths(gradient), 1e-12)
    flat = gradient.reshape(len(gradient), -1)
    best = np.abs(flat).argmax(axis=1)[:, None]
    step = np.zeros_like(flat)
    np.put_along_axis(step, best, np.sign(np.take_along_axis(flat, best, axis=1)), axis=1)
    return step.reshape(gradient.shape)


def project(
    pictures: Array,
    originals: Array,
    eps: float,
    norm: str = "linf",
    low: float = 0.0,
    high: float = 1.0,
) -> Array:
    """The pictures (n, ...), brought back to within `eps` of the originals and into the range.

    In the norm ``"linf"`` or ``"l2"``. Lesson 10, section 3.
    """
    norm, xp = ask.choice("norm", norm, ("linf", "l2")), _home(pictures)
    if norm == "linf":
        near = xp.clip(pictures, originals - eps, originals + eps)
    else:
        change = pictures - originals
        near = originals + change * xp.minimum(1.0, eps / xp.maximum(_lengths(change), 1e-12))
    return xp.clip(near, low, high)


def climb(
    gradient: Callable[[Array, NDArray[np.integer]], Array],
    start: Array,
    originals: Array,
    labels: NDArray[np.integer],
    eps: float,
    step: float,
    steps: int,
    norm: str = "linf",
    low: float = 0.0,
    high: float = 1.0,
) -> Array:
    """Projected gradient descent: step along the gradient, come back to within `eps`, and again.

    So many steps of one size (negative to go down) from the start, (n, ...), near the originals.
    The gradient is a function of pictures and labels, as of a `Victim`; norm and range are those of
    `project`. In a graph `range` becomes a loop that never returns to Python in between.
    """
    current = start
    for _ in range(steps):
        moved = current + step * steepest(gradient(current, labels), norm)
        current = project(moved, originals, eps, norm, low, high)
    return current


def _lengths(changes: Array) -> Array:
    """L2 length of each change, (n, 1, 1, ...)."""
    xp = _home(changes)
    return xp.sqrt(xp.sum(changes**2, axis=tuple(range(1, len(changes.shape))), keepdims=True))


def _home(values: Any) -> ModuleType:
    """Where `sign` and the like come from: NumPy, or ``keras.ops`` for tensors."""
    if isinstance(values, np.ndarray):
        return np
    from course_utils.quiet import keras

    return keras.ops
