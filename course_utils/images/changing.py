"""Pictures made gray, smaller, into bytes and into files."""

from __future__ import annotations

import contextlib
import io
import os
import uuid
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from course_utils import ask
from course_utils.ask import CourseError
from course_utils.images.checking import as_array, as_size, shaped, validate

#: Luma of ITU-R Recommendation BT.601 (1982): red, green, blue.
GRAY_WEIGHTS = np.array([0.299, 0.587, 0.114], dtype=np.float32)

# Ending -> format and options of Pillow.
_WRITABLE: dict[str, tuple[str, dict[str, Any]]] = {
    ".png": ("PNG", {}),
    ".jpg": ("JPEG", {"quality": 95}),
    ".jpeg": ("JPEG", {"quality": 95}),
    ".webp": ("WEBP", {"lossless": True}),
    ".tif": ("TIFF", {"compression": "tiff_deflate"}),
    ".tiff": ("TIFF", {"compression": "tiff_deflate"}),
    ".bmp": ("BMP", {}),
}


def to_gray(image: ArrayLike) -> NDArray[np.float32]:
    """Luma ``0.299 R + 0.587 G + 0.114 B``, the weights of ITU-R BT.601 (1982).

    Pillow and TensorFlow use these weights too; scikit-image uses those of BT.709.

    Parameters
    ----------
    image : array of float in [0, 1], shape (height, width) or (height, width, 3)
    """
    image = validate(image)
    return image if image.ndim == 2 else np.clip(image @ GRAY_WEIGHTS, 0, 1)


def center_crop(image: ArrayLike, size: int | tuple[int, int] | None = None) -> NDArray[np.float32]:
    """The middle of a picture.

    Where the margins cannot be equal, the one at the bottom or right is a pixel wider.

    Parameters
    ----------
    image : array of float in [0, 1], shape (height, width) or (height, width, 3)
    size : int or (height, width), optional
        Pixels to keep; by default the largest square.
    """
    image = validate(image)
    rows, columns = image.shape[:2]
    height, width = as_size(min(rows, columns) if size is None else size)
    if height > rows or width > columns:
        raise CourseError(f"size is {size!r}; the picture has {rows} x {columns}, use resize.")
    top, left = (rows - height) // 2, (columns - width) // 2
    return image[top : top + height, left : left + width]


def resize(image: ArrayLike, size: int | tuple[int, int]) -> NDArray[np.float32]:
    """Scale a picture, without aliasing and without leaving the range of its values.

    Pillow's bilinear filter, on float values: a triangle as wide as the step between the new
    pixels. Its weights are positive and sum to one, so edges do not ring.

    Parameters
    ----------
    image : array of float in [0, 1], shape (height, width) or (height, width, 3)
    size : int or (height, width)
        An int takes the center square and scales that; a pair stretches the whole picture.
    """
    height, width = as_size(size)
    image = validate(image) if isinstance(size, tuple | list) else center_crop(image)
    if image.shape[:2] == (height, width):
        return image
    channels = [
        np.asarray(Image.fromarray(channel).resize((width, height), Image.Resampling.BILINEAR))
        for channel in np.atleast_3d(image).transpose(2, 0, 1)
    ]
    scaled = channels[0] if image.ndim == 2 else np.stack(channels, axis=2)
    return np.clip(scaled, image.min(), image.max())  # takes away the rounding only


def to_uint8(image: ArrayLike) -> NDArray[np.uint8]:
    """The nearest of 256 levels; values outside [0, 1] become black or white.

    Parameters
    ----------
    image : array of float, shape (height, width) or (height, width, 3)
    """
    array = as_array(image)
    if array.dtype == np.uint8:
        return shaped(array, "image", channels=(3,))
    if array.dtype.kind == "f" and np.isfinite(array).all():
        array = np.clip(array, 0, 1)
    return np.rint(validate(array) * 255).astype(np.uint8)


def to_png(image: ArrayLike) -> bytes:
    """The PNG file of what `to_uint8` makes, packed fast rather than small: widgets redraw."""
    buffer = io.BytesIO()
    # Huffman only: for photos faster than level 1 with matches, and no larger.
    options = {"compress_level": 1, "compress_type": zlib.Z_HUFFMAN_ONLY}
    Image.fromarray(to_uint8(image)).save(buffer, "PNG", **options)
    return buffer.getvalue()


def save(path: str | os.PathLike[str], image: ArrayLike) -> None:
    """Write a picture with 8 bits a channel; the file is there whole or not at all.

    Parameters
    ----------
    path
        Its ending names the format: .png, .jpg, .webp (lossless), .tif or .bmp. An existing
        file is replaced only once the new one is complete.
    image
        As in `to_uint8`.
    """
    target, name = Path(os.fsdecode(path)).expanduser(), f"'{os.fsdecode(path)}'"
    kind, options = _WRITABLE[ask.choice(f"ending of {name}", target.suffix.lower(), _WRITABLE)]
    if not target.parent.is_dir():
        raise CourseError(f"{name} lies in a folder that does not exist; create it first.")
    pixels, buffer = to_uint8(image), io.BytesIO()
    try:
        Image.fromarray(pixels).save(buffer, kind, **options)
    except (OSError, ValueError) as error:  # e.g. WebP ends at 16,383 pixels a side
        raise CourseError(f"{name} cannot hold this picture ({error}); save it as .png.") from None
    # In the same folder, so that the last step is a rename and not a copy.
    draft = target.with_name(f".{uuid.uuid4().hex}.part")
    try:
        draft.write_bytes(buffer.getvalue())
        os.replace(draft, target)
    except OSError as error:
        raise CourseError(
            f"{name} cannot be written ({error.strerror}); choose another folder or free some room."
        ) from None
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
