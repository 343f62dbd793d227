"""What a descriptor survives: shifts, turns, scales, noise and blur. Lesson 06, section 3."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import ask, images


class Change(NamedTuple):
    """A way to change a picture: function of (window, amount), amounts to try, and their unit."""

    apply: Callable[[np.ndarray, float], np.ndarray]
    amounts: tuple[float, ...]
    unit: str


def _middle(window: np.ndarray, right: float = 0) -> np.ndarray:
    """The middle half of a window, or as much as ``right`` pixels further right."""
    side = len(window) // 2
    start = (len(window) - side) // 2
    left = start + ask.whole("shift", right, -start, start)
    return window[start : start + side, left : left + side]


def _rotated(window: np.ndarray, degrees: float) -> np.ndarray:
    from scipy import ndimage

    return _middle(ndimage.rotate(window, degrees, reshape=False, order=1, mode="reflect"))


def _scaled(window: np.ndarray, factor: float) -> np.ndarray:
    side = len(window) // 2
    seen = min(round(side / factor), len(window))
    return images.resize(images.center_crop(window, seen), side)


def _brightened(window: np.ndarray, factor: float) -> np.ndarray:
    return np.clip(_middle(window) * factor, 0, 1)


def _noisy(window: np.ndarray, spread: float) -> np.ndarray:
    noise = np.random.default_rng(0).normal(scale=spread, size=(*window.shape[:2], 1))
    return np.clip(_middle(window + noise), 0, 1)


def _blurred(window: np.ndarray, sigma: float) -> np.ndarray:
    from scipy import ndimage

    return _middle(ndimage.gaussian_filter(window, (sigma, sigma, 0)))


#: Changes of a window; the first amount of each changes nothing.
CHANGES = {
    "shift": Change(_middle, (0, 2, 4, 8, 16, 32), "pixels"),
    "rotation": Change(_rotated, (0, 5, 10, 20, 45, 90), "degrees"),
    "scale": Change(_scaled, (1, 1.1, 1.25, 1.5, 2), "times larger"),
    "brightness": Change(_brightened, (1, 0.8, 0.6, 0.4, 0.2), "times as bright"),
    "noise": Change(_noisy, (0, 0.02, 0.05, 0.1, 0.2), "standard deviation"),
    "blur": Change(_blurred, (0, 0.5, 1, 2, 4), "sigma in pixels"),
}


def change(windows: ArrayLike, name: str, amount: float) -> NDArray[np.float32]:
    """Change windows, then cut out their middle half, so that no border comes into view.

    Parameters
    ----------
    windows : array of float in [0, 1], shape (n, 2 s, 2 s, 3)
    name
        A key of `CHANGES`.
    amount
        How much, in the unit of the change; shifts of up to half of s, in whole pixels.

    Returns
    -------
    ndarray of float32 in [0, 1], shape (n, s, s, 3)
    """
    ask.choice("name", name, CHANGES)
    changed = [CHANGES[name].apply(window, amount) for window in np.asarray(windows)]
    return np.stack(changed).astype(np.float32)


def similarity(first: ArrayLike, second: ArrayLike, center: ArrayLike) -> NDArray[np.float64]:
    """Cosine of the angle between vectors, row by row, seen from a center.

    Features behind a ReLU are never negative, so that any two of them have a large cosine; seen
    from their mean, unrelated ones have a cosine around 0.

    Parameters
    ----------
    first, second : arrays of numbers, shape (n, d)
    center : array of numbers, shape (d,)

    Returns
    -------
    ndarray, shape (n,), values in [-1, 1]; 0 where a vector lies in the center
    """
    a, b = (np.asarray(vectors, np.float64) - center for vectors in (first, second))
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return (a * b).sum(axis=1) / np.where(lengths > 0, lengths, 1)
