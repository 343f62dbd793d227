"""Pictures in and out: one reader, one set of checks, one way to look.

A picture is a NumPy array, float32 in [0, 1]: ``(height, width, 3)`` in color (RGB) or
``(height, width)`` in gray. Whatever cannot become one raises `CourseError` with one sentence.
"""

from __future__ import annotations

import contextlib
import difflib
import io
import math
import operator
import os
import uuid
import warnings
import zlib
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from course_utils.ask import CourseError

__all__ = [
    "MAX_PIXELS",
    "SAMPLES",
    "Sample",
    "animate",
    "center_crop",
    "load",
    "resize",
    "sample",
    "save",
    "show",
    "to_gif",
    "to_gray",
    "to_png",
    "to_uint8",
    "validate",
]

#: The largest picture that is read: 67 million pixels, 0.8 GB as float32 RGB.
MAX_PIXELS = 8192 * 8192

#: Luma of ITU-R Recommendation BT.601 (1982): red, green, blue.
GRAY_WEIGHTS = np.array([0.299, 0.587, 0.114], dtype=np.float32)

# Names as Pillow has them; MPO is what some phones and cameras write into a .jpg.
_READABLE = ("PNG", "JPEG", "MPO", "GIF", "WEBP", "BMP", "TIFF", "PPM", "AVIF", "JPEG2000")
_READABLE_WORDS = "PNG, JPEG, WebP, GIF, BMP or TIFF"

_WRITABLE: dict[str, tuple[str, dict[str, Any]]] = {
    ".png": ("PNG", {}),
    ".jpg": ("JPEG", {"quality": 95}),
    ".jpeg": ("JPEG", {"quality": 95}),
    ".webp": ("WEBP", {"lossless": True}),
    ".tif": ("TIFF", {"compression": "tiff_deflate"}),
    ".tiff": ("TIFF", {"compression": "tiff_deflate"}),
    ".bmp": ("BMP", {}),
}

# How files begin that people take for pictures: what it is, what to do. First match counts.
_EXPORT = "export it as PNG or JPEG and load that"
_LOOKALIKES: tuple[tuple[bytes, str, str], ...] = (
    (b"%PDF", "is a PDF document", _EXPORT),
    (b"<svg", "is an SVG drawing, which has no pixels", _EXPORT),
    (b"ftypheic", "is a HEIC photo", _EXPORT),
    (b"ftypheix", "is a HEIC photo", _EXPORT),
    (b"ftypmif1", "is a HEIF photo", _EXPORT),
    (b"ftyp", "is a video", "save one frame as PNG or JPEG and load that"),
    (b"8BPS", "is a Photoshop document", _EXPORT),
    (b"%!PS", "is a PostScript document", _EXPORT),
    (b"<!doctype html", "is a web page", "save the picture itself from the browser"),
    (b"<html", "is a web page", "save the picture itself from the browser"),
    (b"\x93NUMPY", "is a NumPy array file", "open it with numpy.load and pass the array"),
    (b"PK\x03\x04", "is a zip archive", "unpack it and load one picture of it"),
    (b"version https://git-lfs", "is only a Git LFS pointer", "run `git lfs pull` to fetch it"),
)


def _error(name: str, problem: str, remedy: str) -> CourseError:
    # A library's message or a file's name may hold line breaks; a sentence does not.
    return CourseError(" ".join(f"{name} {problem}; {remedy}.".split()))


# --- Sample photos ------------------------------------------------------------------------------


class Sample(NamedTuple):
    """A photo that an installed package carries: what it shows, its license, where it lies."""

    description: str
    license: str
    package: str
    file: str


def _skimage(file: str, description: str, license: str) -> Sample:
    return Sample(description, license, "skimage", f"data/{file}")


_CHELSEA = _skimage("chelsea.png", "face of Chelsea the cat", "CC0, Stéfan van der Walt")
_UNSTATED = "origin and license not stated by scikit-image"

#: Photos inside the scikit-image and scikit-learn wheels, with what these packages say of them.
SAMPLES: dict[str, Sample] = {
    "astronaut": _skimage(
        "astronaut.png", "astronaut Eileen Collins, portrait", "public domain, NASA"
    ),
    "brick": _skimage("brick.png", "brick wall, gray texture", "CC0, CC0Textures"),
    "camera": _skimage("camera.png", "man with a camera, gray", "CC0, Lav Varshney"),
    "cat": _CHELSEA,
    "chelsea": _CHELSEA,
    "china": Sample(
        "Chinese tower above a lake",
        "CC BY 2.0, danielbuechele on Flickr",
        "sklearn",
        "datasets/images/china.jpg",
    ),
    "clock": _skimage(
        "clock_motion.png", "wall clock, blurred by motion, gray", "public domain, S. van der Walt"
    ),
    "coffee": _skimage(
        "coffee.png", "cup of coffee on a wooden table", "CC0, Rachel Michetti, Pikolo Espresso Bar"
    ),
    "coins": _skimage(
        "coins.png", "Greek coins from Pompeii, gray", "no known restrictions, Brooklyn Museum"
    ),
    "flower": Sample(
        "dahlia, close up",
        "CC BY 2.0, vultilion on Flickr",
        "sklearn",
        "datasets/images/flower.jpg",
    ),
    "grass": _skimage("grass.png", "grass, gray texture", "CC0, linolafett on DeviantArt"),
    "gravel": _skimage("gravel.png", "gravel, gray texture", "CC0, CC0Textures"),
    "horse": _skimage("horse.png", "black silhouette of a horse", "CC0, Andreas Preuss"),
    "hubble": _skimage(
        "hubble_deep_field.jpg", "galaxies, Hubble eXtreme Deep Field", "public domain, NASA"
    ),
    "moon": _skimage("moon.png", "surface of the moon, low contrast, gray", _UNSTATED),
    "motorcycle": _skimage(
        "motorcycle_left.png",
        "motorcycle in a workshop, left view of a stereo pair",
        "Middlebury stereo benchmark 2014 (Scharstein et al.), license not stated",
    ),
    "page": _skimage("page.png", "scanned page of text, uneven light, gray", _UNSTATED),
    "retina": _skimage("retina.jpg", "fundus of a human eye", "CC0, Mikael Häggström"),
    "rocket": _skimage("rocket.jpg", "launch of a Falcon 9 at dusk", "public domain, SpaceX"),
    "text": _skimage("text.png", "handwriting and corners, gray", "public domain, Wikipedia"),
}


def sample(
    name: str, size: int | tuple[int, int] | None = None, gray: bool = False
) -> NDArray[np.float32]:
    """A photo that is already on this computer; nothing is downloaded.

    Parameters
    ----------
    name : str
        A key of `SAMPLES`, for example ``"cat"``.
    size, gray
        As in `load`.

    Returns
    -------
    ndarray of float32 in [0, 1], shape (height, width, 3), or (height, width) with ``gray``

    Raises
    ------
    CourseError
        No sample has this name, or its package is not installed.
    """
    if name not in SAMPLES:
        raise _error(f"sample {name!r}", "does not exist", f"choose one of {', '.join(SAMPLES)}")
    chosen = SAMPLES[name]
    # Opened as a file: importing scikit-learn for one JPEG would take seconds.
    spec = find_spec(chosen.package)
    if spec is None or spec.origin is None:
        raise _error(f"sample {name!r}", f"needs the package {chosen.package}", "install it")
    return load(Path(spec.origin).parent / chosen.file, size, gray)


# --- Reading ------------------------------------------------------------------------------------


def load(
    source: Any, size: int | tuple[int, int] | None = None, gray: bool = False
) -> NDArray[np.float32]:
    """Read a picture from almost anything.

    Transparent pixels are put on white, the EXIF orientation is applied, color profiles are
    ignored, CMYK is converted without a profile, 16-bit color is read with 8 bits. Of an
    animation (GIF, WebP) or a multi-page file the first frame is taken.

    Parameters
    ----------
    source : path, bytes, binary file object, PIL image or array
        Arrays: bool, uint8, uint16, or float in [0, 1]; shape (height, width) or
        (height, width, channels) with 1, 3 (RGB) or 4 (RGBA) channels.
    size : int or (height, width), optional
        As in `resize`; by default the picture keeps its size.
    gray : bool
        Return one channel instead of three.

    Returns
    -------
    ndarray of float32 in [0, 1]
        (height, width, 3), also for gray sources; (height, width) with ``gray``.

    Raises
    ------
    CourseError
        The source is no usable picture, or has more than `MAX_PIXELS` pixels.
    """
    # A photo of 60 megapixels for a picture of 224: four times the size is plenty to scale from.
    enough = None if size is None else tuple(4 * side for side in _pair(size))
    if isinstance(source, Image.Image):
        image = _from_pil(source, _name_of(source, "the PIL image"), enough)
    elif isinstance(source, (bytes, bytearray, memoryview)):
        data = bytes(source)
        image = _from_file(io.BytesIO(data), f"the picture given as {len(data)} bytes", enough)
    elif isinstance(source, (str, os.PathLike)):
        image = _from_path(source, enough)
    elif callable(getattr(source, "read", None)):
        name = _name_of(source, "the file object")
        image = _from_file(io.BytesIO(_read_all(source, name)), name, enough)
    elif source is None or isinstance(source, (dict, set)):
        raise _error(
            f"a picture of type {type(source).__name__}",
            "cannot be read",
            "give a path, bytes, a PIL image or an array",
        )
    else:
        image = _from_array(source, "the array")
    if gray:
        image = _luma(image)
    if size is not None:
        image = resize(image, size)
    if not gray and image.ndim == 2:
        image = np.repeat(image[..., None], 3, axis=2)
    return image


def _name_of(source: Any, default: str) -> str:
    name = getattr(source, "filename", None) or getattr(source, "name", None)
    return f"'{name}'" if isinstance(name, str) else default


def _read_all(source: Any, name: str) -> bytes:
    with contextlib.suppress(OSError, AttributeError, ValueError):
        source.seek(0)  # like Pillow: a file read before is still a picture
    try:
        data = source.read()
    except (OSError, ValueError) as error:
        raise _error(name, f"cannot be read ({error})", "open it again in mode 'rb'") from None
    if not isinstance(data, bytes):
        raise _error(name, "is open as text", "open it in mode 'rb'")
    return data


def _from_path(
    source: str | os.PathLike[str], enough: tuple[int, int] | None
) -> NDArray[np.float32]:
    text = os.fsdecode(source)
    name, path = f"'{text}'", Path(text).expanduser()
    if text.startswith(("http://", "https://")):
        raise _error(name, "is a web address", "download the picture and give its path")
    try:
        if path.is_dir():
            raise _error(name, "is a folder", "give the path of one picture in it")
        if path.exists() and not path.is_file():
            raise _error(name, "is not a regular file", "give the path of a picture")
        with path.open("rb") as handle:
            return _from_file(handle, name, enough)
    except FileNotFoundError:
        raise _error(name, "does not exist", _advice_for_missing(text, path)) from None
    except PermissionError:
        raise _error(
            name, "may not be read with your rights", "change its permissions or copy it"
        ) from None
    except CourseError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise _error(name, f"cannot be opened ({reason})", "check its path") from None


def _advice_for_missing(text: str, path: Path) -> str:
    if text in SAMPLES:
        return f"for the sample photo write sample({text!r})"
    folder = path.parent
    if not folder.is_dir():
        return f"there is no folder '{folder}' either, seen from '{Path.cwd()}'"
    close = difflib.get_close_matches(path.name, os.listdir(folder), n=1)
    if close:
        return f"did you mean '{close[0]}', which is in the same folder"
    return f"check its spelling or copy it into '{folder.resolve()}'"


@contextlib.contextmanager
def _pillow_errors(name: str) -> Iterator[None]:
    """Pillow's warnings held back, its many exceptions turned into one sentence."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except (CourseError, UnidentifiedImageError):
            raise
        except Image.DecompressionBombError:
            raise _too_large(name, f"more than {2 * Image.MAX_IMAGE_PIXELS:,} pixels") from None
        except MemoryError:
            raise _error(name, "does not fit into memory", "make it smaller first") from None
        # Decoders raise whatever a damaged byte leads to: struct.error, IndexError, SyntaxError...
        except Exception as error:
            raise _error(
                name,
                f"is damaged or cut off ({str(error).rstrip('.') or type(error).__name__})",
                "copy or download it again",
            ) from None


def _too_large(name: str, size: str) -> CourseError:
    return _error(
        name,
        f"has {size}, above the limit of {MAX_PIXELS:,} pixels",
        "make it smaller in a picture editor first",
    )


def _from_file(handle: BinaryIO, name: str, enough: tuple[int, int] | None) -> NDArray[np.float32]:
    head = handle.read(1024)
    handle.seek(0)
    if not head:
        raise _error(name, "is empty", "copy or download it again")
    try:
        with _pillow_errors(name):
            if "WEBP" not in Image.OPEN:
                Image.init()  # Pillow starts with only five formats registered
            formats = [kind for kind in _READABLE if kind in Image.OPEN]
            with Image.open(handle, formats=formats) as picture:
                return _from_pil(picture, name, enough)
    except UnidentifiedImageError:
        raise _error(name, *_describe(head)) from None


def _describe(head: bytes) -> tuple[str, str]:
    """What a file that is no readable picture seems to be, and what to do about it."""
    start = head.lower()
    for mark, what, remedy in _LOOKALIKES:
        if mark.lower() in start[:32] or (mark[:1] == b"<" and mark in start):
            return what, remedy
    save = f"use a picture saved as {_READABLE_WORDS}"
    if b"\0" not in head:
        with contextlib.suppress(UnicodeDecodeError):
            # The cut at 1024 bytes may split one character of up to four bytes.
            head[:-3].decode()
            return "is a text file, not a picture", save
    return "is not a picture in a format that is read here, or its beginning is damaged", save


def _from_pil(
    picture: Image.Image, name: str, enough: tuple[int, int] | None
) -> NDArray[np.float32]:
    """The pixels; bytes far above ``enough`` (height, width) are averaged in blocks at once."""
    width, height = picture.size
    if not width or not height:
        raise _error(name, f"has no pixels ({width} x {height})", "use a picture that has some")
    if width * height > MAX_PIXELS:
        raise _too_large(name, f"{width:,} x {height:,} pixels")
    with _pillow_errors(name):
        kind = picture.format
        picture.load()
        # A broken EXIF block is no reason to refuse the picture.
        with contextlib.suppress(Exception):
            picture = ImageOps.exif_transpose(picture)
        if picture.mode.startswith("I;16") or (picture.mode == "I" and kind in ("PNG", "PPM")):
            return np.asarray(picture, dtype=np.float32) / np.float32(65535)
        if picture.mode == "I":
            raise _error(
                name,
                "holds 32-bit integers, for which no white is defined",
                "save it with 8 or 16 bits",
            )
        if picture.mode == "F":
            return _from_array(np.asarray(picture), name)
        if picture.has_transparency_data:
            picture = picture.convert("RGBA")
            white = Image.new("RGBA", picture.size, "white")
            picture = Image.alpha_composite(white, picture)
        picture = picture.convert("L" if picture.mode in ("1", "L") else "RGB")
        if enough is not None:
            factor = min(picture.width // enough[1], picture.height // enough[0])
            picture = picture.reduce(max(1, factor))
        image = np.array(picture, dtype=np.float32)
        image /= 255
        return image


# --- Checking -----------------------------------------------------------------------------------


def _as_array(image: Any, name: str) -> NDArray[Any]:
    try:
        array = np.asarray(image)
    except Exception:  # ragged lists, tensors without values: each with its own exception
        array = np.empty(0, dtype=object)
    if array.dtype.kind not in "buif":
        kind = array.dtype if isinstance(image, np.ndarray) else type(image).__name__
        raise _error(name, f"holds no real numbers ({kind})", "give a NumPy array of numbers")
    return array


def _check_shape(array: NDArray[Any], name: str, channels: tuple[int, ...]) -> None:
    shape = array.shape
    if 0 in shape:
        raise _error(name, f"has no pixels (shape {shape})", "check how it was cut out")
    if array.ndim == 2 or (array.ndim == 3 and shape[2] in channels):
        return
    remedy = "it must be (height, width) or (height, width, 3)"
    if array.ndim == 4 and shape[-1] in (1, 3, 4):
        remedy = "it is a batch: take one picture of it with [0]"
    elif array.ndim == 3 and shape[2] == 1:
        remedy = "drop its last axis with [..., 0]"
    elif array.ndim == 3 and shape[0] in (1, 3, 4):
        remedy = "put the channels last with numpy.moveaxis(image, 0, -1)"
    raise _error(name, f"has the shape {shape}", remedy)


def _finite_range(array: NDArray[Any], name: str) -> tuple[float, float]:
    # One pass for the usual case: NaN and infinity both reach the extremes.
    low, high = float(array.min()), float(array.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        bad = int(array.size - np.isfinite(array).sum())
        raise _error(
            name,
            f"holds NaN or infinity in {bad} of {array.size} values",
            "find the step that made them or replace them with numpy.nan_to_num",
        )
    return low, high


def _check_unit_range(array: NDArray[Any], name: str, remedy: str = "") -> NDArray[np.float32]:
    low, high = _finite_range(array, name)
    # Rounding may pass the ends by a few units in the last place.
    if low < -1e-6 or high > 1 + 1e-6:
        byte = low >= 0 and 2 <= high <= 255
        cure = "divide it by 255" if byte else "rescale it or use numpy.clip(..., 0, 1)"
        raise _error(
            name, f"has values from {low:.4g} to {high:.4g}, outside [0, 1]", remedy or cure
        )
    if low < 0 or high > 1:
        array = np.clip(array, 0, 1)
    return array.astype(np.float32, copy=False)


def _from_array(source: Any, name: str) -> NDArray[np.float32]:
    array = _as_array(source, name)
    _check_shape(array, name, (1, 3, 4))
    if array.dtype in (np.uint8, np.uint16):
        image = array.astype(np.float32) / np.float32(np.iinfo(array.dtype).max)
    elif array.dtype == bool:
        image = array.astype(np.float32)
    elif array.dtype.kind == "f":
        image = _check_unit_range(array, name)
    else:
        raise _error(
            name,
            f"has the type {array.dtype}, for which no white is defined",
            "turn it into uint8 (0 to 255) or float (0 to 1)",
        )
    if image.ndim == 2:
        return image
    if image.shape[2] == 4:
        alpha = image[..., 3:]
        image = image[..., :3] * alpha + (1 - alpha)
    return image[..., 0] if image.shape[2] == 1 else image


def validate(image: ArrayLike, name: str = "image") -> NDArray[np.float32]:
    """Check a picture that a function was given.

    Parameters
    ----------
    image : array of float in [0, 1], shape (height, width) or (height, width, 3)
    name : str
        What the error message calls it: the argument's name.

    Returns
    -------
    ndarray of float32 in [0, 1], same shape

    Raises
    ------
    CourseError
        Wrong type, shape or range, NaN or infinity, or no pixels.
    """
    array = _as_array(image, name)
    _check_shape(array, name, (3,))
    if array.dtype.kind != "f":
        raise _error(
            name,
            f"has the type {array.dtype} where float in [0, 1] is needed",
            "pass it through images.load first",
        )
    return _check_unit_range(array, name)


# --- Changing -----------------------------------------------------------------------------------


def _luma(image: NDArray[np.float32]) -> NDArray[np.float32]:
    return image if image.ndim == 2 else np.clip(image @ GRAY_WEIGHTS, 0, 1)


def to_gray(image: ArrayLike) -> NDArray[np.float32]:
    """Luma ``0.299 R + 0.587 G + 0.114 B``, the weights of ITU-R BT.601 (1982).

    Pillow and TensorFlow use these weights too; scikit-image uses those of BT.709.

    Parameters
    ----------
    image : array of float in [0, 1], shape (height, width) or (height, width, 3)

    Returns
    -------
    ndarray of float32 in [0, 1], shape (height, width)

    Raises
    ------
    CourseError
        As in `validate`.
    """
    return _luma(validate(image))


def _pair(size: Any) -> tuple[int, int]:
    """``size`` as (height, width), or CourseError."""
    parts = tuple(size) if isinstance(size, (tuple, list)) else (size, size)
    try:
        if len(parts) != 2 or any(isinstance(part, bool) for part in parts):
            raise TypeError
        height, width = (operator.index(part) for part in parts)
    except TypeError:
        height = width = 0
    if height < 1 or width < 1 or height * width > MAX_PIXELS:
        raise _error(
            f"size={size!r}",
            "is not a size in pixels",
            f"give a whole number from 1, or (height, width), of at most {MAX_PIXELS:,} pixels",
        )
    return height, width


def center_crop(image: ArrayLike, size: int | tuple[int, int] | None = None) -> NDArray[np.float32]:
    """The middle of a picture.

    Where the margins cannot be equal, the one at the bottom or right is a pixel wider.

    Parameters
    ----------
    image : array of float in [0, 1], shape (height, width) or (height, width, 3)
    size : int or (height, width), optional
        Pixels to keep; by default the largest square.

    Returns
    -------
    ndarray of float32 in [0, 1]

    Raises
    ------
    CourseError
        As in `validate`, or the size is larger than the picture.
    """
    image = validate(image)
    rows, columns = image.shape[:2]
    height, width = _pair(min(rows, columns) if size is None else size)
    if height > rows or width > columns:
        raise _error(
            f"size={size!r}",
            f"is larger than the picture ({rows} x {columns})",
            "choose a smaller size or use resize",
        )
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

    Returns
    -------
    ndarray of float32 in [0, 1], shape (height, width) or (height, width, 3)

    Raises
    ------
    CourseError
        As in `validate`, or the size is no size.
    """
    image = validate(image)
    height, width = _pair(size)
    if not isinstance(size, (tuple, list)):
        rows, columns = image.shape[:2]
        side = min(rows, columns)
        top, left = (rows - side) // 2, (columns - side) // 2
        image = image[top : top + side, left : left + side]
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

    Returns
    -------
    ndarray of uint8, same shape

    Raises
    ------
    CourseError
        Wrong shape or type, NaN or infinity.
    """
    array = _as_array(image, "image")
    if array.dtype == np.uint8:
        _check_shape(array, "image", (3,))
        return array
    if array.dtype.kind == "f" and np.isfinite(array).all():
        array = np.clip(array, 0, 1)
    return np.rint(validate(array) * 255).astype(np.uint8)


# --- Writing and showing ------------------------------------------------------------------------


def to_png(image: ArrayLike) -> bytes:
    """The bytes of a PNG file, packed fast rather than small: widgets redraw with it.

    Parameters
    ----------
    image : array of float, shape (height, width) or (height, width, 3)
        Values outside [0, 1] become black or white.

    Returns
    -------
    bytes

    Raises
    ------
    CourseError
        As in `to_uint8`.
    """
    buffer = io.BytesIO()
    # Huffman only: for photos faster than level 1 with matches, and no larger.
    options = {"compress_level": 1, "compress_type": zlib.Z_HUFFMAN_ONLY}
    Image.fromarray(to_uint8(image)).save(buffer, "PNG", **options)
    return buffer.getvalue()


def to_gif(frames: Sequence[ArrayLike], seconds: float = 0.1) -> bytes:
    """The bytes of a GIF file that shows pictures one after the other, over and over.

    All frames share 256 colors, so that what stands still is stored once.

    Parameters
    ----------
    frames : sequence of arrays of float, all (height, width) or all (height, width, 3)
        Values outside [0, 1] become black or white.
    seconds
        How long each is shown, from 0.02 on (browsers slow down what is faster).

    Returns
    -------
    bytes

    Raises
    ------
    CourseError
        No frames, frames of different shapes or that are no pictures, or too short a time.
    """
    pictures = [Image.fromarray(to_uint8(frame)).convert("RGB") for frame in frames]
    sizes = {picture.size for picture in pictures}
    if len(sizes) != 1:
        found = ", ".join(f"{width}x{height}" for width, height in sorted(sizes)) or "none"
        raise _error("the animation", f"has frames of size {found}", "give frames of one size")
    if not isinstance(seconds, int | float | np.number) or not 0.02 <= seconds < math.inf:
        raise _error(f"seconds={seconds!r}", "is no time of a frame", "give a number from 0.02")
    # Colors are chosen over frames from the whole course of the animation.
    some = pictures[:: math.ceil(len(pictures) / 8)] + pictures[-1:]
    strip = Image.new("RGB", (some[0].width, some[0].height * len(some)))
    for number, picture in enumerate(some):
        strip.paste(picture, (0, number * picture.height))
    palette = strip.quantize(256, Image.Quantize.MEDIANCUT)
    first, *rest = (p.quantize(palette=palette, dither=Image.Dither.NONE) for p in pictures)
    buffer = io.BytesIO()
    first.save(
        buffer, "GIF", save_all=True, append_images=rest, duration=round(1000 * seconds), loop=0
    )
    return buffer.getvalue()


def animate(frames: Sequence[ArrayLike], alt: str, seconds: float = 0.1) -> None:
    """Show pictures one after the other, over and over, in a notebook.

    Parameters
    ----------
    frames, seconds
        As in `to_gif`, which also says what is refused.
    alt
        What is to be seen, for readers who cannot see it.
    """
    from IPython.display import Image as Shown
    from IPython.display import display

    display(Shown(to_gif(frames, seconds), format="gif", alt=alt))


def save(path: str | os.PathLike[str], image: ArrayLike) -> None:
    """Write a picture with 8 bits a channel; the file is there whole or not at all.

    Parameters
    ----------
    path : path
        Its ending names the format: .png, .jpg, .webp (lossless), .tif or .bmp. An existing
        file is replaced only once the new one is complete.
    image : array of float, shape (height, width) or (height, width, 3)
        Values outside [0, 1] become black or white.

    Raises
    ------
    CourseError
        Another ending, a folder that is missing or closed, a full disk, or no picture.
    """
    target, name = Path(os.fsdecode(path)).expanduser(), f"'{os.fsdecode(path)}'"
    if target.suffix.lower() not in _WRITABLE:
        endings = ", ".join(_WRITABLE)
        ending = f"ends in '{target.suffix}'" if target.suffix else "has no ending"
        raise _error(name, f"{ending}, which names no picture format", f"use one of {endings}")
    if not target.parent.is_dir():
        raise _error(name, "lies in a folder that does not exist", f"create '{target.parent}'")
    kind, options = _WRITABLE[target.suffix.lower()]
    pixels, buffer = to_uint8(image), io.BytesIO()
    try:
        Image.fromarray(pixels).save(buffer, kind, **options)
    except (OSError, ValueError) as error:  # e.g. WebP ends at 16,383 pixels a side
        raise _error(name, f"cannot hold this picture ({error})", "save it as .png") from None
    # In the same folder, so that the last step is a rename and not a copy.
    draft = target.with_name(f".{uuid.uuid4().hex}.part")
    try:
        draft.write_bytes(buffer.getvalue())
        os.replace(draft, target)
    except OSError as error:
        raise _error(
            name, f"cannot be written ({error.strerror})", "choose another folder or free some room"
        ) from None
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)


def show(
    images: ArrayLike | Sequence[ArrayLike] | Mapping[str, ArrayLike],
    titles: str | Sequence[str] | None = None,
    columns: int | None = None,
    height: float = 2.6,
    cmap: str = "gray",
    signed: bool | Sequence[bool] = False,
    limits: tuple[float, float] | str | None = None,
    caption: str | None = None,
) -> None:
    """Show pictures side by side.

    Parameters
    ----------
    images : one picture, several, or a mapping from title to picture
        (height, width, 3) RGB, or (height, width) for gray pictures, responses, feature maps.
    titles : str or sequence of str, optional
        One a picture; a title may state what is to be seen.
    columns : int, optional
        Pictures in a row, from 1; by default up to four, rows filled evenly.
    height : float
        Of one picture, in inches, above 0.
    cmap : str
        Color map of the gray pictures.
    signed : bool, or one bool a picture
        Draw positive values red, negative ones blue, zero white, with a color bar.
    limits : (low, high) or "each", optional
        Values drawn black and white. By default [0, 1], and for signed pictures the largest
        absolute value of them all on either side. "each": every picture has its own.
    caption : str, optional
        A sentence below the pictures.

    Raises
    ------
    CourseError
        A picture is none, leaves [0, 1] while nothing says how to draw it, the counts differ, or
        ``columns`` or ``height`` is no such number.
    """
    import matplotlib.pyplot as plt

    from course_utils import plots

    pictures, labels = _pictures_and_titles(images, titles)
    flags = [bool(s) for s in ([signed] * len(pictures) if np.ndim(signed) == 0 else signed)]
    if len(flags) != len(pictures):
        raise _error("signed", f"has {len(flags)} entries", f"give {len(pictures)}, one a picture")
    if columns is None:
        columns = math.ceil(len(pictures) / math.ceil(len(pictures) / 4))
    if not isinstance(columns, int | np.integer) or columns < 1:
        raise _error(
            f"columns={columns!r}", "is no number of pictures", "give a whole number from 1"
        )
    columns = min(columns, len(pictures))
    if not isinstance(height, int | float | np.number) or not 0 < height < math.inf:
        raise _error(f"height={height!r}", "is no height", "give inches, a number above 0")
    arrays = [
        _drawable(
            picture,
            f"picture {number} ({label})" if label else f"picture {number}",
            free=flag or limits is not None,
        )
        for number, (picture, label, flag) in enumerate(
            zip(pictures, labels, flags, strict=True), start=1
        )
    ]
    ranges = _color_ranges(arrays, flags, limits)
    aspects = [array.shape[1] / array.shape[0] for array in arrays]
    widths = [height * min(max(*aspects[i::columns], 0.6), 3) for i in range(columns)]
    rows = math.ceil(len(arrays) / columns)
    has_bar = limits != "each" and any(
        flag and array.ndim == 2 for flag, array in zip(flags, arrays, strict=True)
    )
    lines = [plots.wrap(label, widths[i % columns]) for i, label in enumerate(labels)]
    title_height = 0.25 * max(1 + line.count("\n") if line else 0 for line in lines)
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(sum(widths) + 0.7 * has_bar, (height + title_height) * rows),
        layout="constrained",
        squeeze=False,
        width_ratios=widths,
    )
    drawn = None
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, array, line, flag, (low, high) in zip(
        axes.flat, arrays, lines, flags, ranges, strict=False
    ):
        colors = plots.SIGNED_CMAP if flag else cmap
        mapped = axis.imshow(array, cmap=colors, vmin=low, vmax=high)
        axis.set_title(line, y=1)  # given a place, it is not searched for among hidden ticks
        if flag and array.ndim == 2:
            drawn = mapped
    if has_bar:
        bar = figure.colorbar(drawn, ax=axes, shrink=0.8, aspect=25, pad=0.02)
        bar.outline.set_visible(False)
    if caption:
        figure.supxlabel(plots.wrap(caption, sum(widths)), color=plots.PALETTE["gray"])
    plt.show()


def _pictures_and_titles(images: Any, titles: Any) -> tuple[list[Any], list[str]]:
    if isinstance(images, Mapping):
        if titles is not None:
            raise _error("titles", "are given twice", "leave them to the keys of the mapping")
        pictures, labels = list(images.values()), [str(key) for key in images]
    else:
        several = isinstance(images, (list, tuple)) or getattr(images, "ndim", 0) == 4
        pictures = list(images) if several else [images]
        labels = [titles] if isinstance(titles, str) else list(titles or [""] * len(pictures))
    if not pictures:
        raise _error("images", "is empty", "give at least one picture")
    if len(labels) != len(pictures):
        raise _error("titles", f"has {len(labels)} entries", f"give {len(pictures)}, one a picture")
    return pictures, labels


def _drawable(picture: Any, name: str, free: bool) -> NDArray[Any]:
    """A checked picture; with ``free`` one of a single channel may leave [0, 1]."""
    array = _as_array(picture, name)
    if array.ndim != 2 or array.dtype.kind not in "fi":
        return _from_array(array, name)
    _check_shape(array, name, ())
    if free:
        _finite_range(array, name)
        return array
    return _check_unit_range(
        array, name, "pass signed=True for responses or limits='each' for its own range"
    )


def _color_ranges(
    arrays: list[NDArray[Any]], flags: list[bool], limits: Any
) -> list[tuple[float, float]]:
    if limits not in (None, "each"):
        try:
            low, high = (float(value) for value in limits)
        except (TypeError, ValueError):
            low = high = math.nan
        if not low < high or (any(flags) and low != -high):
            raise _error(
                f"limits={limits!r}",
                "do not fit",
                "give (low, high) with low < high, (-high, high) where signed, or 'each'",
            )
        return [(low, high)] * len(arrays)
    signed = [array for array, flag in zip(arrays, flags, strict=True) if flag and array.ndim == 2]
    shared = max((float(np.abs(array).max()) for array in signed), default=0.0) or 1.0
    ranges = []
    for array, flag in zip(arrays, flags, strict=True):
        own = (float(array.min()), float(array.max()))
        largest = max(map(abs, own)) or 1.0
        if flag:
            bound = largest if limits == "each" else shared
            ranges.append((-bound, bound))
        else:
            ranges.append(own if limits == "each" else (0.0, 1.0))
    return ranges
