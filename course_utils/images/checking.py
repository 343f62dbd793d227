"""What a picture is: the kind of its numbers, their range, its shape; and what a size is."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import ask
from course_utils.ask import CourseError

#: The largest picture that is read: 67 million pixels, 0.8 GB as float32 RGB.
MAX_PIXELS = 8192 * 8192


def validate(image: ArrayLike, name: str = "image") -> NDArray[np.float32]:
    """Check a picture that a function was given.

    Parameters
    ----------
    image : array of float in [0, 1], shape (height, width) or (height, width, 3)
    name
        What the sentence calls it: the argument's name.

    Raises
    ------
    CourseError
        Other kinds of numbers, another shape or range, NaN or infinity, no pixels.
    """
    return shaped(ask.values(name, image), name, channels=(3,))


def as_picture(source: Any, name: str) -> NDArray[np.float32]:
    """The picture in an array of any kind that has a white: bool, bytes, uint16, float.

    One channel is gray, a fourth is opacity: the picture then lies on white.
    """
    array = as_array(source)
    if array.dtype == bool:
        source = array.astype(np.float32)
    elif array.dtype.kind == "u" and array.dtype.itemsize <= 2:
        source = array.astype(np.float32) / np.float32(np.iinfo(array.dtype).max)
    image = shaped(ask.values(name, source), name, channels=(1, 3, 4))
    if image.ndim == 2:
        return image
    if image.shape[2] == 4:
        alpha = image[..., 3:]
        image = image[..., :3] * alpha + (1 - alpha)
    return image[..., 0] if image.shape[2] == 1 else image


def as_array(source: Any) -> NDArray[Any]:
    """An array; where NumPy can make none, one of objects, which every check refuses."""
    try:
        return np.asarray(source)
    except Exception:  # ragged lists, tensors without values: each with its own exception
        return np.empty(0, dtype=object)


def shaped(array: NDArray[Any], name: str, channels: tuple[int, ...]) -> NDArray[Any]:
    """The array, if it has pixels and is gray or has a known number of channels."""
    shape = array.shape
    if 0 in shape:
        raise CourseError(f"{name} has no pixels (shape {shape}); check how it was cut out.")
    if array.ndim == 2 or (array.ndim == 3 and shape[2] in channels):
        return array
    remedy = "it must be (height, width) or (height, width, 3)"
    if array.ndim == 4 and shape[-1] in (1, 3, 4):
        remedy = "it is a batch: take one picture of it with [0]"
    elif array.ndim == 3 and shape[2] == 1:
        remedy = "drop its last axis with [..., 0]"
    elif array.ndim == 3 and shape[0] in (1, 3, 4):
        remedy = "put the channels last with numpy.moveaxis(image, 0, -1)"
    raise CourseError(f"{name} has the shape {shape}; {remedy}.")


def as_size(size: Any) -> tuple[int, int]:
    """``size``, a whole number or a pair of them, as (height, width)."""
    sides = size if isinstance(size, tuple | list) else (size, size)
    if len(sides) != 2:
        raise CourseError(f"size is {size!r}; give a whole number, or (height, width).")
    height, width = (ask.whole("size", side) for side in sides)
    if height * width > MAX_PIXELS:
        raise CourseError(f"size is {size!r}; the most are {MAX_PIXELS:,} pixels.")
    return height, width
