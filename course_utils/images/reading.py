"""Pictures read from files, bytes, arrays, and from packages that carry some."""

from __future__ import annotations

import contextlib
import io
import os
import re
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple
from urllib.request import url2pathname

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from course_utils import ask
from course_utils.ask import CourseError
from course_utils.images.changing import resize, to_gray
from course_utils.images.checking import MAX_PIXELS, as_picture, as_size

# Names as Pillow has them; MPO is what some phones and cameras write into a .jpg.
_READABLE = ("PNG", "JPEG", "MPO", "GIF", "WEBP", "BMP", "TIFF", "PPM", "AVIF", "JPEG2000")

_THIS = "the picture"  # what a sentence calls one without a path
_SHRINK = "make it smaller in a picture editor first."

# What stands, in small letters, at the beginning of files that people take for pictures; what they
# are, and what to do. The first match counts.
_EXPORT = "export it as PNG or JPEG and load that"
_LOOKALIKES = {
    b"%pdf": f"is a PDF document; {_EXPORT}",
    b"<svg": f"is an SVG drawing, which has no pixels; {_EXPORT}",
    b"ftyphe[iv]": f"is a HEIC photo; {_EXPORT}",  # heic, heix, heim, heis, hevc, hevx, hevm, hevs
    b"ftypm[is]f1": f"is a HEIF photo; {_EXPORT}",
    b"ftypcrx": f"is a raw photo of a camera; {_EXPORT}",
    b"ftyp": "is a video; save one frame as PNG or JPEG and load that",
    b"8bps": f"is a Photoshop document; {_EXPORT}",
    b"%!ps": f"is a PostScript document; {_EXPORT}",
    b"<(!doctype )?html": "is a web page; save the picture itself from the browser",
    b"\x93numpy": "is a NumPy array file; open it with numpy.load and pass the array",
    b"pk\x03\x04": "is a zip archive; unpack it and load one picture of it",
    b"version https://git-lfs": "is only a Git LFS pointer; run `git lfs pull` to fetch it",
}

# Gray levels and colors that a PNG declares clear, as Pillow scales the pixels themselves.
_CLEAR_LEVELS = {
    "L;2": lambda level: 85 * level,
    "L;4": lambda level: 17 * level,
    "RGB;16B": lambda color: tuple(level // 256 for level in color),
}


class Sample(NamedTuple):
    """A photo that an installed package carries: where it lies, and under what license."""

    file: str  # its first folder is the package
    license: str


_CHELSEA = Sample("skimage/data/chelsea.png", "CC0, Stéfan van der Walt")
_UNSTATED = "origin and license not stated by scikit-image"
_STEREO = "Middlebury stereo benchmark 2014 (Scharstein et al.), license not stated"

#: Photos inside the scikit-image and scikit-learn wheels, with what these packages say of them.
SAMPLES = {
    "astronaut": Sample("skimage/data/astronaut.png", "public domain, NASA"),
    "brick": Sample("skimage/data/brick.png", "CC0, CC0Textures"),
    "camera": Sample("skimage/data/camera.png", "CC0, Lav Varshney"),
    "cat": _CHELSEA,
    "chelsea": _CHELSEA,
    "china": Sample("sklearn/datasets/images/china.jpg", "CC BY 2.0, danielbuechele on Flickr"),
    "clock": Sample("skimage/data/clock_motion.png", "public domain, S. van der Walt"),
    "coffee": Sample("skimage/data/coffee.png", "CC0, Rachel Michetti, Pikolo Espresso Bar"),
    "coins": Sample("skimage/data/coins.png", "no known restrictions, Brooklyn Museum"),
    "flower": Sample("sklearn/datasets/images/flower.jpg", "CC BY 2.0, vultilion on Flickr"),
    "grass": Sample("skimage/data/grass.png", "CC0, linolafett on DeviantArt"),
    "gravel": Sample("skimage/data/gravel.png", "CC0, CC0Textures"),
    "horse": Sample("skimage/data/horse.png", "CC0, Andreas Preuss"),
    "hubble": Sample("skimage/data/hubble_deep_field.jpg", "public domain, NASA"),
    "moon": Sample("skimage/data/moon.png", _UNSTATED),
    "motorcycle": Sample("skimage/data/motorcycle_left.png", _STEREO),
    "page": Sample("skimage/data/page.png", _UNSTATED),
    "retina": Sample("skimage/data/retina.jpg", "CC0, Mikael Häggström"),
    "rocket": Sample("skimage/data/rocket.jpg", "public domain, SpaceX"),
    "text": Sample("skimage/data/text.png", "public domain, Wikipedia"),
}


def sample(
    name: str, size: int | tuple[int, int] | None = None, gray: bool = False
) -> NDArray[np.float32]:
    """A photo that is already on this computer; nothing is downloaded.

    Parameters
    ----------
    name
        A key of `SAMPLES`, for example ``"cat"``.
    size, gray
        As in `load`, which also says what is returned.
    """
    package, _, file = SAMPLES[ask.choice("sample", name, SAMPLES)].file.partition("/")
    # Opened as a file: importing scikit-learn for one JPEG would take seconds.
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise CourseError(f"sample {name!r} needs the package {package}; install it.")
    return load(Path(spec.origin).parent / file, size, gray)


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
        A path may be in quotes or begin with ``file://``, as it was pasted. Arrays: bool, uint8,
        uint16, or float in [0, 1]; shape (height, width) or (height, width, channels) with 1,
        3 (RGB) or 4 (RGBA) channels.
    size : int or (height, width), optional
        As in `resize`; by default the picture keeps its size.
    gray
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
    enough = None if size is None else tuple(4 * side for side in as_size(size))
    if isinstance(source, Image.Image):
        with _sentences(_THIS):
            image = _pixels(source, _THIS, enough)
    elif isinstance(source, bytes | bytearray | memoryview):
        image = _from_file(io.BytesIO(source), _THIS, enough)
    elif isinstance(source, str | os.PathLike):
        image = _from_path(os.fsdecode(source), enough)
    elif callable(getattr(source, "read", None)):
        with contextlib.suppress(OSError, AttributeError, ValueError):
            source.seek(0)  # like Pillow: a file read before is still a picture
        content = source.read()
        if isinstance(content, str):
            raise CourseError(f"{_THIS} is open as text; open it in mode 'rb'.")
        image = _from_file(io.BytesIO(content), _THIS, enough)
    else:
        image = as_picture(source, _THIS)
    if gray:
        image = to_gray(image)
    if size is not None:
        image = resize(image, size)
    return image if gray or image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)


# --- Files --------------------------------------------------------------------------------------


def _from_path(text: str, enough: tuple[int, int] | None) -> NDArray[np.float32]:
    try:
        path = _pasted(text)
        handle = path.open("rb") if path.is_file() else None  # not a folder, pipe or device
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CourseError(f"'{text}' cannot be opened ({reason}); check path and rights.") from None
    if handle is None:
        raise CourseError(f"'{text}' {_no_file(text, path)}.")
    with handle:
        return _from_file(handle, f"'{text}'", enough)


def _pasted(text: str) -> Path:
    """The path, also where it was pasted in quotes or as the address of a file."""
    path = Path(text).expanduser()
    if path.exists():
        return path
    bare = text.strip(" \t\r\n\"'")
    if re.match("file:", bare, re.IGNORECASE):
        bare = url2pathname(re.sub("^file:(//(localhost)?(?=/))?", "", bare, flags=re.IGNORECASE))
    return Path(bare).expanduser()


def _no_file(text: str, path: Path) -> str:
    """What a path is at which no file lies, and what to do."""
    if path.exists():
        return "is a folder or a device; give the path of a picture"
    if re.match(r"\w+://", text):
        return "is a web address; download the picture and give its path"
    if text in SAMPLES:
        return f"does not exist; for the sample photo write sample({text!r})"
    if not path.parent.is_dir():
        return f"does not exist, nor does its folder, seen from '{Path.cwd()}'; check its spelling"
    known = ask.near(path.name, os.listdir(path.parent))
    return f"does not exist{known}; check its spelling or copy it into '{path.parent.resolve()}'"


def _from_file(handle: BinaryIO, name: str, enough: tuple[int, int] | None) -> NDArray[np.float32]:
    head = handle.read(1024)
    handle.seek(0)
    if not head:
        raise CourseError(f"{name} is empty; copy or download it again.")
    with _sentences(name, head):
        if "WEBP" not in Image.OPEN:
            Image.init()  # Pillow starts with only five formats registered
        formats = [kind for kind in _READABLE if kind in Image.OPEN]
        with Image.open(handle, formats=formats) as picture:
            return _pixels(picture, name, enough)


@contextlib.contextmanager
def _sentences(name: str, head: bytes = b"") -> Iterator[None]:
    """Pillow's warnings held back, its many exceptions turned into one sentence."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except CourseError:
            raise
        except UnidentifiedImageError:
            raise CourseError(f"{name} {_likeness(head)}.") from None
        except (Image.DecompressionBombError, MemoryError):
            raise CourseError(f"{name} does not fit into memory; {_SHRINK}") from None
        # Decoders raise whatever a damaged byte leads to: struct.error, IndexError, SyntaxError...
        except Exception as error:
            reason = str(error).rstrip(".") or type(error).__name__
            raise CourseError(
                f"{name} is damaged or cut off ({reason}); copy or download it again."
            ) from None


def _likeness(head: bytes) -> str:
    """What a file that is no readable picture seems to be, and what to do about it."""
    for mark, what in _LOOKALIKES.items():
        if re.search(mark, head.lower() if mark[:1] == b"<" else head[:32].lower()):
            return what
    if b"\0" not in head:
        with contextlib.suppress(UnicodeDecodeError):
            # The cut at 1024 bytes may split one character of up to four bytes.
            head[:-3].decode()
            return "is a text file; use a picture saved as PNG, JPEG, WebP, GIF, BMP or TIFF"
    return "is no picture that is read here, or its beginning is damaged; save it as PNG or JPEG"


# --- Pixels -------------------------------------------------------------------------------------


def _pixels(picture: Image.Image, name: str, enough: tuple[int, int] | None) -> NDArray[np.float32]:
    """The pixels; bytes far above ``enough`` (height, width) are averaged in blocks at once."""
    width, height = picture.size
    if width * height > MAX_PIXELS:
        raise CourseError(f"{name} has {width} x {height} pixels, above {MAX_PIXELS:,}; {_SHRINK}")
    kind, clear = picture.format, picture.info.get("transparency")
    if kind == "PNG" and picture.tile and clear is not None:
        scaled = _CLEAR_LEVELS.get(picture.tile[0][-1], lambda level: level)
        picture.info["transparency"] = scaled(clear)
    picture.load()
    # A broken EXIF block is no reason to refuse the picture.
    with contextlib.suppress(Exception):
        picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I;16") or (picture.mode == "I" and kind in ("PNG", "PPM")):
        levels = np.array(picture, dtype=np.uint16)
        if kind == "PNG" and clear is not None:
            levels[levels == clear] = 65535
        return as_picture(levels, name)
    if picture.mode == "I":
        raise CourseError(f"{name} holds 32-bit integers; save it with 8 or 16 bits.")
    if picture.mode == "F":
        return as_picture(picture, name)
    if picture.has_transparency_data:
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture.convert("RGBA"))
    picture = picture.convert("L" if picture.mode in ("1", "L") else "RGB")
    if enough is not None:
        factor = min(picture.width // enough[1], picture.height // enough[0])
        picture = picture.reduce(max(1, factor))
    return as_picture(picture, name)
