"""Larger data sets: where they come from, and how they get into the cache."""

from __future__ import annotations

import os
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import platformdirs

from course_utils import ask
from course_utils.ask import CourseError

PathLike = str | os.PathLike

PATIENCE = 10  # seconds that a silent server is given


@dataclass(frozen=True)
class Dataset:
    """A public data set: one zip archive, its addresses in order of preference, its hash."""

    title: str
    license: str
    origin: str
    file: str
    urls: tuple[str, ...]
    size: int  # bytes, about
    hash: str | None  # as pooch takes it; None: not published


# GitHub makes its archives on demand and does not promise the same bytes for ever: for the spoken
# digits no hash is given; the loader counts recordings instead. The hash of Tiny ImageNet is the
# one that independent loaders have agreed on for years.
DATASETS = {
    "fsdd": Dataset(
        "Free Spoken Digit Dataset 1.0.10: 3,000 spoken digits, 6 speakers, 8 kHz",
        "CC BY-SA 4.0",
        "https://github.com/Jakobovski/free-spoken-digit-dataset",
        "free-spoken-digit-dataset.zip",
        (
            "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/tags/v1.0.10.zip",
            "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/heads/master.zip",
        ),
        16_419_872,
        None,
    ),
    "tiny_imagenet": Dataset(
        "Tiny ImageNet: 110,000 labeled color pictures, 64x64, 200 classes",
        "for non-commercial research (ImageNet terms)",
        "http://cs231n.stanford.edu/tiny-imagenet-200.zip",
        "tiny-imagenet-200.zip",
        (
            "http://cs231n.stanford.edu/tiny-imagenet-200.zip",
            "https://image-net.org/data/tiny-imagenet-200.zip",
        ),
        248_100_043,
        "md5:90528d7ca1a48142e341f4ef8d21d0de",
    ),
}


def cache() -> Path:
    """Folder for fetched data: ``COURSE_CACHE``, or the cache folder of this system."""
    chosen = os.environ.get("COURSE_CACHE")
    return Path(chosen or platformdirs.user_cache_dir("cnn-course", False)).expanduser()


def available(name: str) -> bool:
    """Whether a data set can be loaded now, without the network."""
    return _cached(name).is_file()


def _cached(name: str) -> Path:
    return cache() / name / DATASETS[ask.choice("data set", name, DATASETS)].file


def locate(name: str, source: PathLike | None = None) -> Path:
    """The archive of a data set, or a folder with its files: the fetched one, or ``source``."""
    dataset, place = DATASETS[name], _cached(name)
    if source is not None:
        place = Path(source).expanduser()
        if (place / dataset.file).is_file():
            return place / dataset.file
    if not place.exists():
        raise CourseError(
            f"{place} does not exist: `python -m course_utils fetch {name}` downloads "
            f"{dataset.file} once ({dataset.size / 1e6:.0f} MB), or name a copy as source."
        )
    return place


def fetch(name: str, source: PathLike | None = None) -> Path:
    """Put one of ``DATASETS`` into the cache, once, and return its archive.

    What comes is checked before it gets its name: what lies in the cache is whole. ``source`` is a
    copy of the archive, or the folder that holds it, to be used instead of a download.

    Raises
    ------
    CourseError
        Unknown name, no network, full disk, wrong hash: one sentence that says what to do.
    """
    from requests import RequestException

    file = _cached(name)
    if source is not None:
        source = locate(name, source)
    faults = []
    for url in DATASETS[name].urls if source is None else [str(source)]:
        try:
            _bring(DATASETS[name], url, source, file)
            return file
        except (RequestException, ValueError) as error:
            status = getattr(getattr(error, "response", None), "status_code", "")
            said = str(error) if isinstance(error, ValueError) else type(error).__name__
            faults.append(f"{urlsplit(url).netloc or url}: {said} {status}".strip())
        except OSError as error:
            raise CourseError(
                f"{error.filename or file.parent}: {error.strerror or error}; make room, or name "
                "another folder by the environment variable COURSE_CACHE."
            ) from error
    raise CourseError(
        f"{file.name} was not received ({'; '.join(faults)}): check the network or your copy; it "
        f"can also be fetched by hand from {DATASETS[name].origin}, then named: "
        f"`python -m course_utils fetch {name} --from PATH`."
    )


def _bring(dataset: Dataset, url: str, source: Path | None, file: Path) -> None:
    """One attempt by pooch: into a temporary file, which is checked, then renamed."""
    import pooch

    pooch.get_logger().setLevel("WARNING")
    download = pooch.HTTPDownloader(progressbar=True, chunk_size=1 << 16, timeout=PATIENCE)

    def receive(url: str, target: str, store: Any) -> None:
        if source is None:
            download(url, target, store)
        elif zipfile.is_zipfile(source):
            shutil.copyfile(source, target)
        if not zipfile.is_zipfile(target):
            raise ValueError("no zip archive, but perhaps the login page of a network")

    if dataset.hash is None and file.is_file() and not zipfile.is_zipfile(file):
        file.unlink()  # with a hash pooch itself sees that it is damaged
    registry, urls = {file.name: dataset.hash}, {file.name: url}
    retries = 1 if source is None else 0
    pooch.create(file.parent, "", registry=registry, urls=urls, retry_if_failed=retries).fetch(
        file.name, downloader=receive
    )


def listing() -> str:
    """The data sets that can be fetched: name, size, license, and whether they are here."""
    lines = [f"Kept in {cache()} (another folder: COURSE_CACHE).", ""]
    for name, dataset in DATASETS.items():
        here = "here" if available(name) else f"{dataset.size / 1e6:.0f} MB"
        lines.append(f"{name:14} {here:>7}  {dataset.title}")
        lines.append(f"{'':24}{dataset.license}; {dataset.origin}")
    return "\n".join(lines)
