"""Loaders of the larger data sets: they read an archive as it is, or a folder with its files."""

from __future__ import annotations

import contextlib
import io
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from course_utils import ask
from course_utils.ask import CourseError
from course_utils.data.fetching import PathLike, locate
from course_utils.data.shipped import Speech


@contextlib.contextmanager
def _reading(place: Path) -> Iterator[None]:
    """Whatever a damaged file makes a reader raise is a `CourseError`."""
    try:
        yield
    except Exception as error:  # those of zip, zlib, WAV, JPEG and text have no common ancestor
        raise CourseError(
            f"{place} is damaged, incomplete or another set ({error}): fetch it again."
        ) from error


def _contents(place: Path, pattern: str) -> Iterator[tuple[str, bytes]]:
    """Files of an archive or a folder: what the first group of their path matched, and their bytes.

    Nothing is written to the disk, so names in the archive can do no harm.
    """
    if place.is_dir():
        for file in sorted(place.rglob("*.*")):
            if match := re.search(pattern, file.as_posix()):
                yield match[1], file.read_bytes()
        return
    with zipfile.ZipFile(place) as archive:
        for info in archive.infolist():
            if match := re.search(pattern, info.filename):
                yield match[1], archive.read(info)


def fsdd(source: PathLike | None = None) -> Speech:
    """The 3,000 recordings of the Free Spoken Digit Dataset (Jakobovski et al., 2018).

    Ordered by speaker, digit and take.

    Parameters
    ----------
    source
        The archive, the folder that holds it, or a folder with the recordings (default: the
        fetched one).

    Raises
    ------
    CourseError
        Not on this machine, damaged, or not 6 speakers x 10 digits x 50 takes at 8 kHz.
    """
    from scipy.io import wavfile

    place = locate("fsdd", source)
    clips = {}
    with _reading(place):
        for name, content in _contents(place, r"(?:^|/)(\d_[a-z]+_\d+)\.wav$"):
            rate, samples = wavfile.read(io.BytesIO(content))
            if rate != 8000 or samples.dtype != np.int16 or samples.ndim != 1:
                raise ValueError(f"{name}.wav is not 16-bit mono at 8 kHz")
            digit, speaker, take = name.split("_")
            clips[speaker, int(digit), int(take)] = samples.astype(np.float32) / 32768
        if list(Counter(key[:2] for key in clips).values()) != [50] * 60:
            raise ValueError(f"{len(clips)} recordings, not 6 speakers x 10 digits x 50 takes")
    speakers, digits, takes = map(np.array, zip(*sorted(clips), strict=True))
    return Speech([clips[key] for key in sorted(clips)], digits, speakers, takes, 8000)


def tiny_imagenet(
    split: str = "train", source: PathLike | None = None
) -> Iterator[tuple[np.ndarray, str]]:
    """Pictures of Tiny ImageNet (Stanford CS231n, 2015), one by one.

    Parameters
    ----------
    split
        ``"train"`` (500 a class, class after class) or ``"val"`` (50 a class, mixed).
    source
        The archive, its folder, or the unpacked folder (default: the fetched one).

    Yields
    ------
    image, wnid
        float32 (64, 64, 3) in [0, 1], and the WordNet id of its class.
    """
    from PIL import Image

    train = ask.choice("split", split, ("train", "val")) == "train"
    place, count = locate("tiny_imagenet", source), 0
    pattern = r"train/(n\d{8})/images/[^/]+\.JPEG$" if train else r"val/images/([^/]+\.JPEG)$"
    with _reading(place):
        tables = [] if train else _contents(place, r"(val/val_annotations\.txt)$")
        lines = [line for _, content in tables for line in content.decode().splitlines()]
        wnids = dict(line.split("\t")[:2] for line in lines)
        for name, content in _contents(place, pattern):
            picture = Image.open(io.BytesIO(content)).convert("RGB")
            yield np.asarray(picture, np.float32) / 255, name if train else wnids[name]
            count += 1
        if not count:
            raise ValueError("no pictures")


def tiny_imagenet_classes(source: PathLike | None = None) -> dict[str, str]:
    """WordNet ids of Tiny ImageNet's classes, sorted as in ImageNet, each with its first name."""
    place = locate("tiny_imagenet", source)
    with _reading(place):
        texts = {name: text.decode() for name, text in _contents(place, r"(wnids|words)\.txt$")}
        words = dict(line.split("\t", 1) for line in texts["words"].splitlines() if "\t" in line)
        wnids = sorted(texts["wnids"].split())
    return {wnid: words.get(wnid, wnid).split(",")[0].strip() for wnid in wnids}
