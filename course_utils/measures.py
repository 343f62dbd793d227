"""Numbers that sum up an experiment: probabilities, a share with its interval, a mean with its."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import ask

__all__ = ["accuracy", "finite_logits", "interval", "softmax", "spread"]

Array = NDArray[np.floating]


def softmax(logits: ArrayLike, temperature: float = 1.0) -> Array:
    """Probabilities from logits, along the last axis: positive numbers that sum to one.

    The largest logit is subtracted first, which changes nothing in exact arithmetic and keeps
    the exponentials from overflowing.

    Parameters
    ----------
    logits : array of finite numbers, shape (..., classes)
    temperature : float
        Above 0. Near 0 all probability goes to the largest logit (arg max), with a large
        temperature every class gets the same.

    Returns
    -------
    array of float in [0, 1], the shape of logits

    Raises
    ------
    CourseError
        The logits are no finite numbers, there is no class, or the temperature is not above 0.

    References
    ----------
    Lesson 03, section 3. J. Bridle, "Probabilistic interpretation of feedforward classification
    network outputs", 1990. The temperature: G. Hinton, O. Vinyals, J. Dean, 2015,
    arXiv:1503.02531, section 2.
    """
    z = finite_logits(logits)
    temperature = ask.number("temperature", temperature, above=0)
    divisor = max(z.dtype.type(temperature), np.finfo(z.dtype).tiny)
    # Divided last: a tiny temperature must not turn the largest logit into infinity first.
    with np.errstate(over="ignore"):
        powers = np.exp((z - z.max(axis=-1, keepdims=True)) / divisor)
    return powers / powers.sum(axis=-1, keepdims=True)


def finite_logits(values: ArrayLike) -> Array:
    """Logits as floats, at least one in each row, all finite.

    Raises
    ------
    CourseError
        They are not.
    """
    z = np.asarray(values)
    if z.dtype.kind not in "iuf":
        raise ask.CourseError(f"logits have entries of type {z.dtype}; give real numbers.")
    if not z.ndim or not z.shape[-1]:
        raise ask.CourseError(f"logits have shape {z.shape}; give one number for each class.")
    if not np.isfinite(z).all():
        raise ask.CourseError("logits hold NaN or infinity; look for the layer that made them.")
    return z if z.dtype.kind == "f" else z.astype(np.float64)


def accuracy(logits: ArrayLike, labels: ArrayLike) -> Array:
    """Share of the rows whose largest logit is that of their label.

    Parameters
    ----------
    logits : array, shape (..., n, classes)
    labels : array of int, shape (n,)

    Returns
    -------
    array of float, shape (...)
    """
    return np.mean(np.argmax(logits, axis=-1) == np.asarray(labels), axis=-1)


def interval(successes: int, trials: int) -> tuple[float, float]:
    """95 % interval of a share (E. Wilson, 1927).

    Parameters
    ----------
    successes, trials
        Of how many how many; at least one trial.

    Returns
    -------
    low, high : float
    """
    from scipy.stats import binomtest

    found = binomtest(int(successes), int(trials)).proportion_ci(method="wilson")
    return float(found.low), float(found.high)


def spread(values: ArrayLike) -> float:
    """Half the width of the 95 % interval of a mean: Student's t times the standard error.

    For 12 values that is 2.2 standard errors, for three values 4.3. Lesson 07, section 4; Student,
    "The probable error of a mean", 1908.

    Parameters
    ----------
    values : array of numbers, shape (n,), n from 2
    """
    from scipy.stats import t

    values = np.asarray(values, float)
    error = values.std(ddof=1) / np.sqrt(len(values))
    return float(t.ppf(0.975, len(values) - 1) * error)
