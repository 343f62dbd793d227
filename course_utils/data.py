"""Data of the course: the files it ships, and larger sets that are fetched on request.

What a lesson needs lies in ``data/`` and is checked against ``data/manifest.json``. Four public
sets are larger: ``fetch("fsdd")``, or ``python -m course_utils fetch fsdd``, downloads one of them
once into a cache; a copy that you already have can be named instead. Nothing is ever unpickled,
and no loader touches the network: only `fetch` does.

Environment variables
---------------------
COURSE_CACHE
    Folder for what is fetched (default: the cache folder of your system).
COURSE_DATA
    Folder in which the archives are looked for first.
COURSE_DATA_FSDD, COURSE_DATA_FASHION_MNIST, COURSE_DATA_CIFAR10, COURSE_DATA_TINY_IMAGENET
    The archive, the folder that holds it, or the unpacked folder of one set.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import errno
import functools
import gzip
import hashlib
import http.client
import io
import json
import os
import queue
import re
import shutil
import stat
import sys
import tarfile
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np

from course_utils.ask import CourseError

ROOT = Path(__file__).resolve().parents[1] / "data"

PATIENCE = 8.0  # seconds that a silent server is given
CHUNK = 1 << 16

PathLike = str | os.PathLike


# ---------------------------------------------------------------------------------------------
# What the course ships


def path(name: str) -> Path:
    """Path of a shipped file, checked against the manifest.

    Parameters
    ----------
    name
        Path below ``data/``, for example ``"embedded/slim_vgg16.npz"``.

    Raises
    ------
    CourseError
        The file is missing, or its SHA-256 is not the one of the manifest.
    """
    if fault := _shipped_fault(name, _manifest().get(name)):
        raise CourseError(fault)
    return ROOT / name


def verify() -> list[str]:
    """Check every file of the manifest; one sentence for each fault, an empty list if all is well.

    Files in ``data/`` that the manifest does not list are faults too.
    """
    try:
        manifest = _manifest()
    except CourseError as error:
        return [str(error)]
    if not manifest:
        return ["data/manifest.json is missing: clone the course again."]
    faults = [_shipped_fault(name, entry) for name, entry in manifest.items()]
    present = {file.relative_to(ROOT).as_posix() for file in ROOT.rglob("*") if file.is_file()}
    unlisted = sorted(
        name
        for name in present - set(manifest) - {"manifest.json", "README.md"}
        if not any(part.startswith(".") for part in PurePosixPath(name).parts)
    )
    faults += [f"data/{name} is not in data/manifest.json." for name in unlisted]
    return [fault for fault in faults if fault]


def _manifest() -> dict[str, dict]:
    """Entries of the manifest by file name, relative to ``data/``; empty where there is none."""
    file = ROOT / "manifest.json"
    if not file.is_file():
        return {}
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))["files"]
        return {entry["file"].removeprefix("data/"): entry for entry in entries}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CourseError(
            "data/manifest.json cannot be read: restore it with "
            "`git checkout -- data/manifest.json`."
        ) from error


def _shipped_fault(name: str, entry: dict | None) -> str | None:
    file = ROOT / name
    mend = f"restore it with `git checkout -- data/{name}`, or clone the course again."
    if not file.is_file():
        return f"data/{name} is missing: {mend}"
    if entry and _digest(file, "sha256") != entry["sha256"]:
        return f"data/{name} is damaged (its SHA-256 is not the one of the manifest): {mend}"
    return None


def _digest(file: Path, algorithm: str) -> str:
    state = file.stat()
    return _digest_of(str(file), algorithm, state.st_mtime_ns, state.st_size)


@functools.lru_cache(maxsize=256)
def _digest_of(file: str, algorithm: str, mtime_ns: int, size: int) -> str:
    """Hash of a file; the time and size are there for the cache to notice a change."""
    with open(file, "rb") as stream:
        make = functools.partial(hashlib.new, algorithm, usedforsecurity=False)
        return hashlib.file_digest(stream, make).hexdigest()


# ---------------------------------------------------------------------------------------------
# What can be fetched


@dataclass(frozen=True)
class Part:
    """One file of a data set: name, addresses in order of preference, bytes (about), hash."""

    file: str
    urls: tuple[str, ...]
    size: int
    digest: str | None = None  # md5 or sha256, told apart by length; None: not published


@dataclass(frozen=True)
class Dataset:
    """A public data set that the course can fetch."""

    name: str
    title: str
    license: str
    origin: str
    parts: tuple[Part, ...]

    @property
    def size(self) -> int:
        """Bytes to download, about."""
        return sum(part.size for part in self.parts)


_ZALANDO = (
    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
)


def _fashion(file: str, size: int, md5: str) -> Part:
    return Part(file, tuple(base + file for base in _ZALANDO), size, md5)


# GitHub makes its archives on demand and does not promise the same bytes for ever: for the
# spoken digits no hash is given; the loader counts recordings instead. The other hashes are the
# publishers' (Fashion-MNIST: its README; CIFAR-10: its page gives the MD5 of the same file) or,
# for Tiny ImageNet, the one that independent loaders have agreed on for years.
DATASETS: dict[str, Dataset] = {
    dataset.name: dataset
    for dataset in (
        Dataset(
            "fsdd",
            "Free Spoken Digit Dataset 1.0.10: 3,000 spoken digits, 6 speakers, 8 kHz",
            "CC BY-SA 4.0",
            "https://github.com/Jakobovski/free-spoken-digit-dataset",
            (
                Part(
                    "free-spoken-digit-dataset.zip",
                    tuple(
                        base + "Jakobovski/free-spoken-digit-dataset/" + tail
                        for base, tail in (
                            ("https://github.com/", "archive/refs/tags/v1.0.10.zip"),
                            ("https://codeload.github.com/", "zip/refs/tags/v1.0.10"),
                            ("https://github.com/", "archive/refs/heads/master.zip"),
                        )
                    ),
                    16_419_872,
                ),
            ),
        ),
        Dataset(
            "fashion_mnist",
            "Fashion-MNIST: 70,000 gray pictures of clothes, 28x28, 10 classes",
            "MIT",
            "https://github.com/zalandoresearch/fashion-mnist",
            (
                _fashion(
                    "train-images-idx3-ubyte.gz", 26_421_880, "8d4fb7e6c68d591d4c3dfef9ec88bf0d"
                ),
                _fashion("train-labels-idx1-ubyte.gz", 29_515, "25c81989df183df01b3e8a0aad5dffbe"),
                _fashion(
                    "t10k-images-idx3-ubyte.gz", 4_422_102, "bef4ecab320f06d8554ea6380940ec79"
                ),
                _fashion("t10k-labels-idx1-ubyte.gz", 5_148, "bb300cfdad3c16e7a12a480ee83cd310"),
            ),
        ),
        Dataset(
            "cifar10",
            "CIFAR-10: 60,000 color pictures, 32x32, 10 classes (the binary version)",
            "for research, no license stated",
            "https://www.cs.toronto.edu/~kriz/cifar.html",
            (
                Part(
                    "cifar-10-binary.tar.gz",
                    (
                        "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
                        "https://cave.cs.toronto.edu/kriz/cifar-10-binary.tar.gz",
                    ),
                    170_052_171,
                    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
                ),
            ),
        ),
        Dataset(
            "tiny_imagenet",
            "Tiny ImageNet: 110,000 labeled color pictures, 64x64, 200 classes",
            "for non-commercial research (ImageNet terms)",
            "http://cs231n.stanford.edu/tiny-imagenet-200.zip",
            (
                Part(
                    "tiny-imagenet-200.zip",
                    (
                        "http://cs231n.stanford.edu/tiny-imagenet-200.zip",
                        "https://image-net.org/data/tiny-imagenet-200.zip",
                    ),
                    248_100_043,
                    "90528d7ca1a48142e341f4ef8d21d0de",
                ),
            ),
        ),
    )
}


def cache() -> Path:
    """Folder for fetched data: ``COURSE_CACHE``, or the cache folder of this system."""
    if chosen := os.environ.get("COURSE_CACHE"):
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "cnn-course"


def available(name: str) -> bool:
    """Whether a data set can be loaded now, without the network."""
    return _locate(name) is not None


def fetch(name: str, source: PathLike | None = None) -> Path:
    """Put a data set into the cache, once, and return where it lies.

    An interrupted download goes on where it stopped; every file is checked before it gets its
    name, so what lies in the cache is whole.

    Parameters
    ----------
    name
        One of ``DATASETS``.
    source
        A copy of the archive, or the folder that holds it, to be used instead of a download.

    Raises
    ------
    CourseError
        Unknown name, no network, full disk, wrong hash: one sentence that says what to do.
    """
    dataset = _dataset(name)
    folder = cache() / name
    if source is None and (place := _locate(name)) not in (None, folder):
        return place
    for part in dataset.parts:
        target = folder / part.file
        if target.is_file() and (fault := refusal(part, target)):
            print(f"{target} {fault}: it is fetched again.", file=sys.stderr)
            target.unlink()
        if target.is_file():
            continue
        if source is None:
            download(part, target, help=_help(name))
        else:
            _copy(_archive(Path(source).expanduser(), part), target, part)
        if part.digest is None:
            _remember(target)
    return folder


def _dataset(name: str) -> Dataset:
    if name in DATASETS:
        return DATASETS[name]
    near = difflib.get_close_matches(str(name).lower().replace("-", "_"), DATASETS, 1, 0.5)
    raise CourseError(
        f"There is no data set {name!r}; "
        + (f"did you mean {near[0]!r}? " if near else "")
        + f"The names are {', '.join(DATASETS)}."
    )


def _help(name: str) -> str:
    return (
        f"Fetch it from {DATASETS[name].origin} on another machine, then name your copy: "
        f"`python -m course_utils fetch {name} --from PATH`."
    )


def _locate(name: str, source: PathLike | None = None) -> Path | None:
    """The archive, the folder with the archives or the unpacked folder; None: not there."""
    dataset = _dataset(name)
    variable = f"COURSE_DATA_{name.upper()}"
    if chosen := source or os.environ.get(variable):
        place = Path(chosen).expanduser()
        if not place.exists():
            told_by = "source" if source else variable
            raise CourseError(f"{place}, named by {told_by} for {name}, does not exist.")
        return place
    folders = [cache() / name]
    if shelf := os.environ.get("COURSE_DATA"):
        folders = [Path(shelf).expanduser(), Path(shelf).expanduser() / name, *folders]
    for folder in folders:
        if all((folder / part.file).is_file() for part in dataset.parts):
            return folder
    return None


def _needed(name: str, source: PathLike | None) -> Path:
    place = _locate(name, source)
    if place is None:
        raise CourseError(
            f"The data set {name} is not on this machine: `python -m course_utils fetch {name}` "
            f"downloads it once ({_megabytes(DATASETS[name].size)}), or name a copy as source."
        )
    return place


def _archive(place: Path, part: Part) -> Path:
    """The file of `part` at a place that is this file, or a folder that may hold it."""
    inside = place / part.file
    return inside if place.is_dir() and inside.is_file() else place


def _copy(origin: Path, target: Path, part: Part) -> None:
    if not origin.is_file():
        raise CourseError(
            f"{origin} holds no {part.file}; name the archive or the folder it lies in "
            "(an unpacked folder is named by COURSE_DATA_... instead, and not copied)."
        )
    if fault := refusal(part, origin, target.parent):
        raise CourseError(f"{origin} {fault}; it was not taken.")
    scratch = target.with_name(target.name + ".part")
    with _disk_errors(target.parent, origin.stat().st_size):
        shutil.copyfile(origin, scratch)
        os.replace(scratch, target)


# Beginnings that tell an archive from the login page of a hotel network.
_MAGIC = {".zip": b"PK", ".gz": b"\x1f\x8b", ".h5": b"\x89HDF", ".json": b"{"}
RECORD = "received.json"


def refusal(part: Part, file: Path, folder: Path | None = None) -> str | None:
    """Why `file` is not the file of `part`, as the end of a sentence; None where it is.

    `folder` is where the note of files received earlier lies (default: beside `file`).
    """
    suffix = Path(part.file).suffix
    with open(file, "rb") as stream:
        magic = _MAGIC.get(suffix, b"")
        if stream.read(len(magic)) != magic:
            return f"is not a {suffix} file (cut off, or the login page of a network)"
    if part.digest:
        algorithm = "md5" if len(part.digest) == 32 else "sha256"
        if _digest(file, algorithm) != part.digest:
            return f"has a wrong {algorithm.upper()} (damaged, or another version)"
        return None
    record = (folder or file.parent) / RECORD
    known = _received(record).get(part.file)
    if known and known != _digest(file, "sha256"):
        return (
            "is not the file that was received first (whose SHA-256 is noted in "
            f"{record}; delete the note to accept another version)"
        )
    return None


def _received(record: Path) -> dict[str, str]:
    with contextlib.suppress(OSError, ValueError):
        if isinstance(known := json.loads(record.read_text(encoding="utf-8")), dict):
            return known
    return {}


def _remember(target: Path) -> None:
    """Note the hash of a file whose publisher gives none: trust on first use."""
    record = target.parent / RECORD
    known = _received(record)
    if target.name in known:
        return
    known[target.name] = _digest(target, "sha256")
    record.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    print(
        f"No hash of {target.name} is published: its SHA-256 {known[target.name][:12]}... is "
        "noted, and compared from now on."
    )


def _megabytes(size: float) -> str:
    return f"{size / 1e6:.0f} MB" if size >= 9.5e6 else f"{size / 1e6:.1f} MB"


# ---------------------------------------------------------------------------------------------
# Downloading


_FULL = {errno.ENOSPC, errno.EDQUOT}
_DISK = _FULL | {errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.EFBIG, errno.ENOENT}


class _Broken(Exception):
    """A server that did not give the file; the text is the reason."""


def download(part: Part, target: Path, help: str = "") -> None:
    """Download one file: mirrors in turn, resumed where it stopped, checked, then renamed.

    What has arrived stays in ``TARGET.part`` when the download is interrupted, and the next call
    asks the server for the rest only, provided that the file there is still the same.

    Parameters
    ----------
    part
        Name, addresses, size and hash of the file.
    target
        Where it goes; its folder is made.
    help
        A sentence that is added to the error: what to do instead.

    Raises
    ------
    CourseError
        No server answers within ``PATIENCE`` seconds, none gives the right file, the disk is full.
    """
    scratch = target.with_name(target.name + ".part")
    with _disk_errors(target.parent, part.size - _size(scratch)):
        reasons = []
        for url in _reachable(part, help):
            try:
                _transfer(url, scratch, part)
                if fault := refusal(part, scratch):
                    scratch.unlink()
                    raise _Broken(f"what it sent {fault}")
                os.replace(scratch, target)
                return
            except _Broken as error:
                reasons.append(f"{_host(url)}: {error}")
    raise CourseError(f"{part.file} could not be downloaded ({'; '.join(reasons)}). {help}".strip())


def _host(url: str) -> str:
    return urllib.parse.urlsplit(url).netloc


def _size(file: Path) -> int:
    return file.stat().st_size if file.is_file() else 0


def _reason(error: BaseException) -> str:
    """The cause of a failed connection in a few words."""
    if isinstance(error, urllib.error.HTTPError):
        return f"answers {error.code} {error.reason}"
    cause = getattr(error, "reason", error)
    if isinstance(cause, TimeoutError):
        return f"no answer within {PATIENCE:.0f} seconds"
    return getattr(cause, "strerror", None) or str(cause) or type(cause).__name__


@contextlib.contextmanager
def _disk_errors(folder: Path, size: int) -> Iterator[None]:
    """Make `folder`, see that `size` bytes fit, and say in a sentence what a disk refuses."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
        if free < size * 1.02:
            raise CourseError(
                f"{folder} has {_megabytes(free)} free and {_megabytes(size)} are needed: make "
                "room, or name another folder by the environment variable COURSE_CACHE."
            )
        yield
    except OSError as error:
        what = "is full" if error.errno in _FULL else "cannot be written"
        raise CourseError(
            f"{folder} {what} ({error.strerror or error}): make room or choose another folder by "
            "the environment variable COURSE_CACHE; what arrived is kept."
        ) from error


def _request(url: str, method: str = "GET", **headers: str) -> urllib.request.Request:
    # Some servers turn Python's own name away; identity: a length that counts the file's bytes.
    standard = {"User-Agent": "cnn-course", "Accept-Encoding": "identity"}
    return urllib.request.Request(url, method=method, headers=standard | headers)


def _reachable(part: Part, help: str) -> list[str]:
    """Addresses worth trying, in order of preference.

    All servers are asked at once, each in a thread: behind a silent firewall even the look-up of
    a name can hang for longer than any time-out of a socket.
    """
    answers: queue.SimpleQueue = queue.SimpleQueue()

    def ask(url: str) -> None:
        try:
            urllib.request.urlopen(_request(url, "HEAD"), timeout=PATIENCE).close()
            answers.put((url, None))
        except urllib.error.HTTPError:
            answers.put((url, None))  # it answers; whether it has the file, the GET will tell
        except Exception as error:
            answers.put((url, _reason(error)))

    for url in part.urls:
        threading.Thread(target=ask, args=(url,), daemon=True).start()
    known: dict[str, str | None] = {}
    waited = False
    deadline = time.monotonic() + PATIENCE
    while len(known) < len(part.urls):
        best = next(url for url in part.urls if known.get(url) is None)
        if best in known:
            break  # the first choice of those that are up has answered: do not await the others
        try:
            url, reason = answers.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            waited = True
            break
        known[url] = reason
    if None in known.values():
        # Who refused is left out; who was given all the time and kept silent comes last.
        alive = [url for url in part.urls if known.get(url) is None]
        return sorted(alive, key=lambda url: waited and url not in known)
    silent = f"no answer within {PATIENCE:.0f} seconds"
    reasons = {_host(url): known.get(url, silent) for url in part.urls}
    raise CourseError(
        f"{part.file} ({_megabytes(part.size)}) cannot be downloaded, no server can be reached ("
        + "; ".join(f"{host}: {reason}" for host, reason in reasons.items())
        + f"): check the network. {help}".rstrip()
    )


def _transfer(url: str, scratch: Path, part: Part) -> None:
    """Receive the file, going on after a cut as long as each connection brings something."""
    while True:
        before = _size(scratch)
        try:
            return _receive(url, scratch, part)
        except urllib.error.HTTPError as error:
            if error.code != 416 or not before:  # 416: what we hold does not fit what is there
                raise _Broken(_reason(error)) from error
            scratch.unlink()
        except (OSError, http.client.HTTPException) as error:
            if getattr(error, "errno", None) in _DISK:
                raise
            if _size(scratch) <= before:
                raise _Broken(_reason(error)) from error


def _receive(url: str, scratch: Path, part: Part) -> None:
    """One connection: ask for the bytes that are missing, or for all, and write what comes."""
    from tqdm.auto import tqdm

    note = scratch.with_name(scratch.name + ".json")
    held, headers = _size(scratch), {}
    if held and (version := _received(note).get(url)):
        headers = {"Range": f"bytes={held}-", "If-Range": version}
    with urllib.request.urlopen(_request(url, **headers), timeout=PATIENCE) as answer:
        span = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range", ""))
        resumed = answer.status == 206 and span is not None and int(span[1]) == held
        if answer.status == 206 and not resumed:
            scratch.unlink()
            raise ConnectionError("sent another range than the one asked for")
        held = held if resumed else 0
        length = answer.headers.get("Content-Length")
        total = held + int(length) if length else None
        note.write_text(json.dumps({url: _version(answer.headers)}), encoding="utf-8")
        with (
            open(scratch, "ab" if resumed else "wb") as stream,
            tqdm(
                total=total or part.size, initial=held, unit="B", unit_scale=True, desc=part.file
            ) as bar,
        ):
            while chunk := answer.read(CHUNK):
                stream.write(chunk)
                bar.update(len(chunk))
        # http.client reports a chunked answer that was cut, but not a short one.
        if total is not None and _size(scratch) < total:
            raise ConnectionError(f"broke off after {_megabytes(_size(scratch))}")
    note.unlink()


def _version(headers: http.client.HTTPMessage) -> str | None:
    """What If-Range may carry: a strong ETag, else the date of the last change."""
    etag = headers.get("ETag", "")
    return etag if etag.startswith('"') else headers.get("Last-Modified")


# ---------------------------------------------------------------------------------------------
# Archives


def unpack(name: str, source: PathLike | None = None, folder: PathLike | None = None) -> Path:
    """Unpack the archives of a data set into a folder, completely or not at all.

    The loaders read archives as they are; this is for programs that want files.

    Parameters
    ----------
    name
        One of ``DATASETS``.
    source
        A copy of the archive, instead of the fetched one.
    folder
        Where the files go (default: ``files`` beside the archive in the cache); left alone if
        it is there.
    """
    place = _needed(name, source)
    folder = Path(folder).expanduser() if folder else cache() / name / "files"
    for part in DATASETS[name].parts:
        if not (archive := _archive(place, part)).is_file():
            raise CourseError(f"{place} holds no {part.file} to unpack.")
        if part.file.endswith((".zip", ".tar.gz")) and not folder.exists():
            extract(archive, folder)
    return folder


def extract(archive: PathLike, folder: PathLike) -> None:
    """Extract a zip or tar archive into a new folder, completely or not at all.

    Absolute names, ``..``, links and devices are refused: the archive is then not touched.

    Raises
    ------
    CourseError
        The archive is damaged or holds a name that leads out of the folder, or the disk is full.
    """
    from tqdm.auto import tqdm

    archive, folder = Path(archive), Path(folder)
    if folder.exists():
        raise CourseError(f"{folder} exists already: name a new folder for {archive.name}.")
    with _archive_errors(archive), _opened(archive) as (members, extract_one):
        for member, _, is_plain in members:
            if not is_plain or not _inside(member):
                raise CourseError(
                    f"{archive} holds {member!r}, which leads out of its folder or is a link: "
                    "nothing was extracted. Fetch the archive again from a place that you trust."
                )
        with _disk_errors(folder.parent, sum(size for _, size, _ in members)):
            scratch = Path(tempfile.mkdtemp(prefix=folder.name + ".", dir=folder.parent))
            try:
                for member, *_ in tqdm(members, unit="file", desc=archive.name):
                    extract_one(member, scratch)
                scratch.chmod(0o755)
                scratch.rename(folder)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)


def _inside(name: str) -> bool:
    """Whether a member's name stays in the folder, on every system (so no ``C:`` and no ``\\``)."""
    parts = PurePosixPath(name).parts
    return not (name.startswith("/") or ".." in parts or "\\" in name or ":" in name)


@contextlib.contextmanager
def _opened(archive: Path) -> Iterator[tuple[list[tuple[str, int, bool]], object]]:
    """Members of an archive as (name, bytes, is a plain file or folder), and its extractor."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            infos = opened.infolist()
            kinds = [stat.S_IFMT(info.external_attr >> 16) for info in infos]
            plain = [kind in (0, stat.S_IFREG, stat.S_IFDIR) for kind in kinds]
            members = [
                (info.filename, info.file_size, good)
                for info, good in zip(infos, plain, strict=True)
            ]
            yield members, opened.extract
    else:
        with tarfile.open(archive) as opened:
            # Early 3.11 has no filter; names and kinds are checked by the caller in any case.
            if hasattr(tarfile, "data_filter"):
                opened.extraction_filter = tarfile.data_filter
            members = [(info.name, info.size, info.isfile() or info.isdir()) for info in opened]
            yield members, opened.extract


@contextlib.contextmanager
def _archive_errors(archive: Path) -> Iterator[None]:
    try:
        yield
    except CourseError:
        raise
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        zlib.error,
        EOFError,
        OSError,
        RuntimeError,
        ValueError,
    ) as error:  # RuntimeError: a zip with a password
        raise CourseError(
            f"{archive} is damaged or not what was expected ({error}): delete it and fetch it "
            "again."
        ) from error


def _contents(
    place: Path, part: Part, pattern: str
) -> Iterator[tuple[re.Match, Callable[[], bytes]]]:
    """Files of an archive or an unpacked folder whose path matches, each with its reader.

    Nothing is written to the disk, so names in the archive can do no harm.
    """
    wanted, archive = re.compile(pattern), _archive(place, part)
    with _archive_errors(archive):
        if archive.is_dir():
            for file in sorted(archive.rglob("*")):
                if (match := wanted.search(file.as_posix())) and file.is_file():
                    yield match, file.read_bytes
        elif zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened:
                for info in opened.infolist():
                    if match := wanted.search(info.filename):
                        yield match, functools.partial(opened.read, info)
        else:
            with tarfile.open(archive) as opened:
                for info in opened:
                    if info.isfile() and (match := wanted.search(info.name)):
                        yield match, opened.extractfile(info).read


# ---------------------------------------------------------------------------------------------
# Loaders


class Speech(NamedTuple):
    """Spoken digits: ``clips`` (float32 in [-1, 1], each its own length), one entry of ``digit``,
    ``speaker`` and ``take`` for each, and ``rate`` in Hz."""

    clips: list[np.ndarray]
    digit: np.ndarray
    speaker: np.ndarray
    take: np.ndarray
    rate: int


class Pictures(NamedTuple):
    """``images`` float32 in [0, 1], (n, h, w) or (n, h, w, 3), ``labels`` int64, class names."""

    images: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...]


class Digits(NamedTuple):
    """Handwritten digits: images float32 in [0, 1], (n, 8, 8, 1); labels int64, 0 to 9."""

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray


_CLOTHES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
_CIFAR10 = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)


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

    Raises
    ------
    CourseError
        The file is missing or damaged.
    """
    file = path("sounds/digits.npz")
    with _archive_errors(file), np.load(file, allow_pickle=False) as arrays:
        # One mu-law byte a sample; the table turns it into an amplitude.
        wave = arrays["table"][arrays["codes"]]
        order = np.lexsort((arrays["take"], arrays["digit"], arrays["voice"]))
        clips = np.split(wave, arrays["offsets"][1:-1])
        return Speech(
            [clips[i] for i in order],
            arrays["digit"][order].astype(np.int64),
            np.array([f"v{voice + 1:02d}" for voice in arrays["voice"][order].tolist()]),
            arrays["take"][order].astype(np.int64),
            int(arrays["sample_rate"]),
        )


def fsdd(source: PathLike | None = None) -> Speech:
    """The 3,000 recordings of the Free Spoken Digit Dataset (Jakobovski et al., 2018).

    Ordered by speaker, digit and take; read from the archive without unpacking it.

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

    place, (part,) = _needed("fsdd", source), DATASETS["fsdd"].parts
    found = []
    for match, read in _contents(place, part, r"(?:^|/)(\d)_([a-z]+)_(\d+)\.wav$"):
        with _archive_errors(Path(match[0])):
            rate, samples = wavfile.read(io.BytesIO(read()))
        if rate != 8000 or samples.dtype != np.int16 or samples.ndim != 1:
            raise CourseError(f"{match[0]} in {place} is not 16-bit mono at 8 kHz: fetch it again.")
        found.append((match[2], int(match[1]), int(match[3]), samples))
    grid = Counter((speaker, digit) for speaker, digit, *_ in found)
    if len(grid) != 60 or set(grid.values()) != {50}:
        raise CourseError(
            f"{place} holds {len(found)} recordings of spoken digits where 6 speakers x 10 digits "
            "x 50 takes are expected: it is incomplete or another version; fetch it again."
        )
    found.sort(key=lambda entry: entry[:3])
    speakers, digits, takes, clips = zip(*found, strict=True)
    return Speech(
        [clip.astype(np.float32) / 32768 for clip in clips],
        np.array(digits),
        np.array(speakers),
        np.array(takes),
        8000,
    )


def fashion_mnist(
    split: str = "train", count: int | None = None, source: PathLike | None = None
) -> Pictures:
    """Fashion-MNIST (Xiao, Rasul and Vollgraf, 2017): gray pictures (n, 28, 28), 10 classes.

    Parameters
    ----------
    split
        ``"train"`` (60,000) or ``"test"`` (10,000).
    count
        Only the first `count` pictures.
    source
        The folder with the four ``.gz`` files (default: the fetched ones).
    """
    place, start = _needed("fashion_mnist", source), {"train": 0, "test": 2}[_split(split)]
    images, labels = (
        _idx(_archive(place, part), ndim)
        for part, ndim in zip(
            DATASETS["fashion_mnist"].parts[start : start + 2], (3, 1), strict=True
        )
    )
    if len(images) != len(labels):
        raise CourseError(f"{place}: {len(images)} pictures but {len(labels)} labels.")
    return Pictures(_unit(images[:count]), labels[:count].astype(np.int64), _CLOTHES)


def _idx(file: Path, ndim: int) -> np.ndarray:
    """An array of bytes in LeCun's idx format, packed with gzip."""
    with _archive_errors(file):
        if not file.is_file():
            raise CourseError(f"{file} does not exist or is a folder without the expected file.")
        raw = gzip.decompress(file.read_bytes())
        kind, *shape = np.frombuffer(raw, ">i4", 1 + ndim).tolist()
        if kind != 0x800 + ndim:
            raise ValueError("not an idx file of bytes")
        return np.frombuffer(raw, np.uint8, offset=4 * (1 + ndim)).reshape(shape)


def cifar10(
    split: str = "train", count: int | None = None, source: PathLike | None = None
) -> Pictures:
    """CIFAR-10 (Krizhevsky, 2009): color pictures (n, 32, 32, 3), 10 classes.

    The binary version is read: the better known Python version is made of pickles, and loading
    a pickle can run any program.

    Parameters
    ----------
    split
        ``"train"`` (50,000; 614 MB as float32) or ``"test"`` (10,000).
    count
        Only the first `count` pictures.
    source
        The archive, its folder, or the unpacked folder (default: the fetched one).
    """
    place, (part,) = _needed("cifar10", source), DATASETS["cifar10"].parts
    pattern = {"train": r"data_batch_\d\.bin$", "test": r"test_batch\.bin$"}[_split(split)]
    with _archive_errors(place):
        files = {match[0]: read() for match, read in _contents(place, part, pattern)}
        if len(files) != (5 if split == "train" else 1):
            raise ValueError(f"{len(files)} files of pictures")
        raw = np.frombuffer(b"".join(files[name] for name in sorted(files)), np.uint8)
        rows = raw.reshape(-1, 1 + 3 * 32 * 32)[:count]
    images = rows[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return Pictures(_unit(images), rows[:, 0].astype(np.int64), _CIFAR10)


def tiny_imagenet(
    split: str = "train", per_class: int | None = None, source: PathLike | None = None
) -> Iterator[tuple[np.ndarray, str]]:
    """Pictures of Tiny ImageNet (Stanford CS231n, 2015), one by one, from the archive.

    Parameters
    ----------
    split
        ``"train"`` (500 a class, class after class) or ``"val"`` (50 a class, mixed).
    per_class
        At most so many of each class.
    source
        The archive, its folder, or the unpacked folder (default: the fetched one).

    Yields
    ------
    image, wnid
        float32 (64, 64, 3) in [0, 1], and the WordNet id of its class.
    """
    place, (part,) = _needed("tiny_imagenet", source), DATASETS["tiny_imagenet"].parts
    if _split(split, "train", "val") == "train":
        return _tiny_pictures(place, part, r"train/(n\d{8})/images/[^/]+\.JPEG$", {}, per_class)
    wnids = {}
    for _, read in _contents(place, part, r"val/val_annotations\.txt$"):
        rows = [line.split("\t") for line in read().decode().splitlines()]
        wnids = {row[0]: row[1] for row in rows}
    if not wnids:
        raise CourseError(f"{place} holds no val/val_annotations.txt: fetch tiny_imagenet again.")
    return _tiny_pictures(place, part, r"val/images/([^/]+\.JPEG)$", wnids, per_class)


def tiny_imagenet_classes(source: PathLike | None = None) -> dict[str, str]:
    """WordNet ids of Tiny ImageNet's classes, sorted as in ImageNet, each with its first name.

    Parameters
    ----------
    source
        As for `tiny_imagenet`.
    """
    place, (part,) = _needed("tiny_imagenet", source), DATASETS["tiny_imagenet"].parts
    found = _contents(place, part, r"(?:^|/)(wnids|words)\.txt$")
    texts = {match[1]: read().decode() for match, read in found}
    if set(texts) != {"wnids", "words"}:
        raise CourseError(f"{place} lacks wnids.txt or words.txt: it is no Tiny ImageNet.")
    words = dict(line.split("\t", 1) for line in texts["words"].splitlines() if "\t" in line)
    wnids = sorted(texts["wnids"].split())
    return {wnid: words.get(wnid, wnid).split(",")[0].strip() for wnid in wnids}


def _tiny_pictures(
    place: Path, part: Part, pattern: str, wnids: dict[str, str], per_class: int | None
) -> Iterator[tuple[np.ndarray, str]]:
    from PIL import Image

    seen: Counter = Counter()
    for match, read in _contents(place, part, pattern):
        wnid = wnids.get(match[1], match[1])
        if per_class is not None and seen[wnid] >= per_class:
            continue
        seen[wnid] += 1
        with _archive_errors(Path(match[0])):
            image = _unit(np.asarray(Image.open(io.BytesIO(read())).convert("RGB")))
        yield image, wnid
    if not seen:
        raise CourseError(f"{place} holds no pictures of Tiny ImageNet: fetch it again.")


def _split(split: str, *names: str) -> str:
    names = names or ("train", "test")
    if split not in names:
        raise CourseError(f"split is {split!r}; it can be {' or '.join(map(repr, names))}.")
    return split


def _unit(pixels: np.ndarray) -> np.ndarray:
    """Bytes as float32 in [0, 1]."""
    return np.divide(pixels, 255, dtype=np.float32)


# ---------------------------------------------------------------------------------------------
# Command line


def add_fetch_parser(subparsers: argparse._SubParsersAction) -> None:
    """Add ``fetch [NAME] [--from PATH] [--unpack]`` to the commands of the package."""
    parser = subparsers.add_parser("fetch", help="download a larger data set, or list them")
    parser.add_argument("name", nargs="?", help=f"one of {', '.join(DATASETS)}; none: list them")
    parser.add_argument(
        "--from",
        dest="source",
        metavar="PATH",
        help="take this archive, or the one in this folder, instead of a download",
    )
    parser.add_argument("--unpack", action="store_true", help="unpack it into a folder, too")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    if options.name is None:
        print(listing())
        return 0
    try:
        place = fetch(options.name, options.source)
        if options.unpack:
            place = unpack(options.name)
    except CourseError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; what arrived is kept: the same command goes on.", file=sys.stderr)
        return 130
    print(f"{options.name} is ready: {place}")
    return 0


def listing() -> str:
    """The data sets that can be fetched: name, size, license, and whether they are here."""
    lines = [f"Kept in {cache()} (another folder: COURSE_CACHE).", ""]
    for name, dataset in DATASETS.items():
        here = "here" if available(name) else _megabytes(dataset.size)
        lines.append(f"{name:14} {here:>7}  {dataset.title}")
        lines.append(f"{'':24}{dataset.license}; {dataset.origin}")
    return "\n".join(lines)
