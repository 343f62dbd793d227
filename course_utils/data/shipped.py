"""What lies in ``data/``, checked against its manifest, and the digits of scikit-learn."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from course_utils.ask import CourseError

ROOT = Path(__file__).resolve().parents[2] / "data"


class Speech(NamedTuple):
    """Spoken digits: ``clips`` (float32 in [-1, 1], each its own length), one entry of ``digit``,
    ``speaker`` and ``take`` for each, and ``rate`` in Hz."""

    clips: list[np.ndarray]
    digit: np.ndarray
    speaker: np.ndarray
    take: np.ndarray
    rate: int


class Digits(NamedTuple):
    """Handwritten digits: images float32 in [0, 1], (n, 8, 8, 1); labels int64, 0 to 9."""

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray


def path(name: str) -> Path:
    """Path of a shipped file, for example ``"embedded/slim_vgg16.npz"``.

    Raises
    ------
    CourseError
        The file is missing, or its SHA-256 is not the one of the manifest.
    """
    if fault := _fault(name, _manifest().get(name)):
        raise CourseError(fault)
    return ROOT / name


def verify() -> list[str]:
    """One sentence for each file that is missing, damaged or not listed in the manifest."""
    try:
        hashes = _manifest()
    except CourseError as error:
        return [str(error)]
    if not hashes:
        return ["data/manifest.json is missing: clone the course again."]
    files = (file.relative_to(ROOT) for file in ROOT.rglob("*") if file.is_file())
    present = {file.as_posix() for file in files if not any(p[0] == "." for p in file.parts)}
    unlisted = sorted(present - set(hashes) - {"manifest.json", "README.md"})
    faults = [_fault(name, digest) for name, digest in hashes.items()]
    faults += [f"data/{name} is not in data/manifest.json." for name in unlisted]
    return [fault for fault in faults if fault]


def _manifest() -> dict[str, str]:
    """SHA-256 by file name below ``data/``; empty where there is no manifest."""
    file = ROOT / "manifest.json"
    if not file.is_file():
        return {}
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))["files"]
        return {entry["file"].removeprefix("data/"): entry["sha256"] for entry in entries}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CourseError(
            "data/manifest.json cannot be read: restore it with "
            "`git checkout -- data/manifest.json`."
        ) from error


def _fault(name: str, digest: str | None) -> str | None:
    mend = f"restore it with `git checkout -- data/{name}`, or clone the course again."
    file = ROOT / name
    if not file.is_file():
        return f"data/{name} is missing: {mend}"
    if digest and hashlib.sha256(file.read_bytes()).hexdigest() != digest:
        return f"data/{name} is damaged (its SHA-256 is not the one of the manifest): {mend}"
    return None


def styles() -> dict[str, Path]:
    """The shipped style pictures of lesson 08: path by name."""
    return {file.stem: path(f"styles/{file.name}") for file in sorted(ROOT.glob("styles/*.jpg"))}


def handwritten_digits() -> Digits:
    """The 1,797 digits that come with scikit-learn, 8 x 8 pixels, split into 1,347 and 450.

    The split is the same each time, and each digit has the same share in both parts. Writers are
    not told apart: the same hand can have written digits of either part.

    References
    ----------
    E. Alpaydin, C. Kaynak, "Optical recognition of handwritten digits", UCI Machine Learning
    Repository, 1998 (its test set; CC BY 4.0).
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    images = digits.images[..., None].astype(np.float32) / 16
    labels = digits.target.astype(np.int64)
    train, test = train_test_split(
        np.arange(len(labels)), test_size=450, random_state=0, stratify=labels
    )
    return Digits(images[train], labels[train], images[test], labels[test])


def spoken_digits() -> Speech:
    """The shipped synthetic speech: 12 voices x 10 digits x 7 takes, made by espeak-ng.

    Ordered by voice, digit and take, in the form in which `fsdd` gives real speech.
    """
    with np.load(path("sounds/digits.npz"), allow_pickle=False) as arrays:
        # One mu-law byte a sample; the table turns it into an amplitude.
        wave = arrays["table"][arrays["codes"]]
        return Speech(
            np.split(wave, arrays["offsets"][1:-1]),
            arrays["digit"].astype(np.int64),
            np.array([f"v{voice + 1:02d}" for voice in arrays["voice"].tolist()]),
            arrays["take"].astype(np.int64),
            int(arrays["sample_rate"]),
        )
