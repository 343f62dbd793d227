"""Data of the course: the files it ships, and two larger sets that are fetched on request.

What a lesson needs lies in ``data/`` and is checked against ``data/manifest.json``.
``fetch("fsdd")``, or ``python -m course_utils fetch fsdd``, downloads a larger set once into a
cache; loaders also take a copy that you have. Nothing is ever unpickled, and only `fetch` touches
the network. The environment variable ``COURSE_CACHE`` names another folder for the cache.
"""

from course_utils.data.fetching import DATASETS, Dataset, PathLike, available, cache, fetch
from course_utils.data.sets import fsdd, tiny_imagenet, tiny_imagenet_classes
from course_utils.data.shipped import (
    ROOT,
    Digits,
    Speech,
    handwritten_digits,
    path,
    spoken_digits,
    styles,
    verify,
)

__all__ = [
    "DATASETS",
    "ROOT",
    "Dataset",
    "Digits",
    "PathLike",
    "Speech",
    "available",
    "cache",
    "fetch",
    "fsdd",
    "handwritten_digits",
    "path",
    "spoken_digits",
    "styles",
    "tiny_imagenet",
    "tiny_imagenet_classes",
    "verify",
]
