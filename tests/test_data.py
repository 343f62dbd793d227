"""Tests of course_utils.data: what is shipped, and downloads from a local server."""

from __future__ import annotations

import hashlib
import http.server
import io
import itertools
import json
import re
import shutil
import socket
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import wavfile
from sklearn.datasets import load_digits

from course_utils import data
from course_utils.__main__ import main as command_line
from course_utils.ask import CourseError
from tests.shared import shared


def zipped(content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("toy.bin", content)
    return stream.getvalue()


BODY = zipped(np.random.default_rng(0).bytes(400_000))
OTHER = zipped(b"another version")


@dataclass
class Page:
    """What the server does with one path."""

    body: bytes = BODY
    status: int = 200
    cuts: list[int] = field(default_factory=list)  # bytes after which each connection is cut
    asked: int = 0


class Handler(http.server.BaseHTTPRequestHandler):
    pages: dict[str, Page]

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        page = self.pages[self.path]
        page.asked += 1
        self.send_response(page.status)
        self.send_header("Content-Length", str(len(page.body)))
        self.end_headers()
        self.wfile.write(page.body[: page.cuts.pop(0) if page.cuts else None])


@pytest.fixture
def server() -> Iterator[str]:
    """Address of a server that runs while the test does."""
    Handler.pages = {"/toy.zip": Page()}
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, args=(0.02,)).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the toy goes: in a cache of its own for each test; and nobody waits to try again."""
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    return tmp_path / "cache" / "toy"


@pytest.fixture
def toy(server: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Page]:
    """Registers a data set of one archive; called with what differs from the default."""
    digest = "sha256:" + hashlib.sha256(BODY).hexdigest()
    urls = (f"{server}/toy.zip",)
    dataset = data.Dataset("A toy", "CC0", "http://toy.org", "toy.zip", urls, len(BODY), digest)

    def make(**changes: object) -> Page:
        monkeypatch.setitem(data.DATASETS, "toy", replace(dataset, **changes))
        return Handler.pages["/toy.zip"]

    return make


def files_in(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir()) if folder.exists() else []


def closed_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


# --- downloading ----------------------------------------------------------------------------------


@pytest.mark.parametrize("cuts", [[], [150_000]])
def test_a_set_is_downloaded_once_and_again_after_a_cut(toy, folder, cuts):
    page = toy()
    page.cuts = list(cuts)
    assert not data.available("toy")
    for _ in range(2):
        assert data.fetch("toy") == folder / "toy.zip"
    assert (folder / "toy.zip").read_bytes() == BODY and files_in(folder) == ["toy.zip"]
    assert data.available("toy") and page.asked == 1 + len(cuts)


def test_mirrors_are_tried_in_order(toy, server):
    pages = {"/a": Page(status=503), "/b": Page(body=OTHER), "/c": Page(), "/d": Page()}
    Handler.pages |= pages
    toy(urls=(closed_port(), *(server + path for path in pages)))
    assert data.fetch("toy").read_bytes() == BODY
    assert [page.asked > 0 for page in pages.values()] == [True, True, True, False]


@pytest.mark.parametrize(
    ("page", "changes", "told"),
    [
        (Page(body=OTHER), {}, "hash"),
        (Page(body=b"<html>Log in"), {"hash": None}, "login page"),
        (Page(status=404), {}, "404"),
        (Page(cuts=[9] * 9), {}, "127.0.0.1"),
        (Page(), {"urls": (closed_port(),)}, "ConnectionError"),
    ],
)
def test_a_failed_download_is_told_and_overwrites_nothing(toy, server, folder, page, changes, told):
    toy(**changes)
    Handler.pages["/toy.zip"] = page
    folder.mkdir(parents=True)
    (folder / "mine.zip").write_bytes(b"before")
    if "hash" not in changes:
        (folder / "toy.zip").write_bytes(b"damaged")
    before = files_in(folder)
    with pytest.raises(CourseError, match=rf"{re.escape(told)}.*fetch toy --from PATH"):
        data.fetch("toy")
    assert files_in(folder) == before


@pytest.mark.parametrize("digest", [{}, {"hash": None}])
def test_a_damaged_file_in_the_cache_is_fetched_again(toy, digest):
    page = toy(**digest)
    data.fetch("toy").write_bytes(BODY[:-30])
    assert data.fetch("toy").read_bytes() == BODY and page.asked == 2


def test_a_silent_server_is_not_awaited_for_ever(toy, monkeypatch):
    assert data.fetching.PATIENCE <= 10
    monkeypatch.setattr(data.fetching, "PATIENCE", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        toy(urls=(f"http://127.0.0.1:{silent.getsockname()[1]}/toy.zip",))
        with pytest.raises(CourseError, match="Timeout"):
            data.fetch("toy")


def test_a_disk_that_fills_up_is_told_and_nothing_is_left(toy, folder):
    """The limit of a process on the size of a file stands for the end of the disk."""
    resource = pytest.importorskip("resource")
    toy()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(CourseError, match=r"make room.*COURSE_CACHE"):
            data.fetch("toy")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert files_in(folder) == []


def test_a_cache_that_cannot_be_written_is_told(toy, tmp_path, monkeypatch):
    toy()
    (tmp_path / "file").touch()
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "file"))
    with pytest.raises(CourseError, match=r"file.*COURSE_CACHE"):
        data.fetch("toy")


def test_the_cache_is_a_folder_of_the_course(monkeypatch):
    monkeypatch.setenv("COURSE_CACHE", "~/mine")
    assert data.cache() == Path.home() / "mine"
    monkeypatch.delenv("COURSE_CACHE")
    assert "cnn-course" in data.cache().parts and data.cache().is_absolute()


def test_an_unknown_name_is_told():
    for call in (data.fetch, data.available):
        with pytest.raises(CourseError, match=r"'fsd'.*did you mean 'fsdd'"):
            call("fsd")


# --- copies of one's own --------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "source"), [("new.zip", "new.zip"), ("toy.zip", ".")])
def test_a_copy_is_taken_instead_of_a_download(toy, tmp_path, name, source):
    page = toy()
    (tmp_path / name).write_bytes(BODY)
    assert data.fetch("toy", tmp_path / source).read_bytes() == BODY
    assert (tmp_path / name).is_file() and page.asked == 0


@pytest.mark.parametrize(
    ("name", "content"),
    [("toy.zip", OTHER), ("toy.zip", b"none"), ("nowhere", b""), ("empty", b"")],
)
def test_a_wrong_copy_is_refused_and_left_alone(toy, tmp_path, name, content):
    toy()
    (tmp_path / "empty").mkdir()
    (tmp_path / "toy.zip").write_bytes(content)
    with pytest.raises(CourseError, match=name):
        data.fetch("toy", tmp_path / name)
    assert (tmp_path / "toy.zip").read_bytes() == content and not data.available("toy")


# --- command line ---------------------------------------------------------------------------------


def test_the_command_lists_and_fetches(toy, capsys, tmp_path):
    toy()
    for here in (False, True):
        assert command_line(["fetch"]) == 0
        listed = capsys.readouterr().out
        for name, dataset in data.DATASETS.items():
            assert name in listed and dataset.license in listed
        assert (
            str(tmp_path / "cache") in listed and "16 MB" in listed and (" here " in listed) == here
        )
        (tmp_path / "toy.zip").write_bytes(BODY)
        assert command_line(["fetch", "toy", "--from", str(tmp_path)]) == 0
        assert "toy is ready" in capsys.readouterr().out


def test_the_command_fails_in_a_sentence(toy, capsys, folder, monkeypatch):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    toy()
    assert command_line(["fetch", "nothing"]) == 1
    assert "'nothing'" in capsys.readouterr().err
    monkeypatch.setattr("pooch.HTTPDownloader.__call__", interrupt)
    assert command_line(["fetch", "toy"]) == 130
    assert files_in(folder) == []


def test_every_set_has_a_second_address_and_encryption_or_a_hash():
    for dataset in data.DATASETS.values():
        assert len(dataset.urls) >= 2 and dataset.size > 1e6
        assert dataset.hash or all(url.startswith("https") for url in dataset.urls)


# --- loaders --------------------------------------------------------------------------------------


def speech_archive(file: Path, takes: int = 50, rate: int = 8000, samples: object = None) -> Path:
    sound = io.BytesIO()
    wavfile.write(
        sound, rate, np.array([0, 16384, -32768], np.int16) if samples is None else samples
    )
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("set/README.md", "text")
        for speaker in ("zoe", "amy", "bob", "cleo", "dan", "eve"):
            for take in reversed(range(takes)):
                for digit in range(10):
                    name = f"set/recordings/{digit}_{speaker}_{take}.wav"
                    archive.writestr(name, sound.getvalue())
    return file


def test_fsdd_is_read_and_ordered(tmp_path):
    speech = data.fsdd(speech_archive(tmp_path / "any.zip"))
    assert len(speech.clips) == 3000 and speech.rate == 8000
    np.testing.assert_array_equal(speech.clips[0], np.array([0, 0.5, -1], np.float32))
    assert speech.clips[0].dtype == np.float32
    order = list(zip(speech.speaker, speech.digit, speech.take, strict=True))
    assert order == sorted(order) and order[0] == ("amy", 0, 0)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"takes": 49}, "2940 recordings"),
        ({"rate": 16000}, "8 kHz"),
        ({"samples": np.zeros(3, np.uint8)}, "16-bit"),
        ({"samples": np.zeros((3, 2), np.int16)}, "mono"),
    ],
)
def test_fsdd_refuses_what_is_incomplete_or_other_sound(tmp_path, changes, told):
    with pytest.raises(CourseError, match=rf"some\.zip.*{told}"):
        data.fsdd(speech_archive(tmp_path / "some.zip", **changes))


@pytest.mark.parametrize("load", [data.fsdd, data.tiny_imagenet_classes])
def test_a_damaged_archive_and_a_missing_one_are_told(tmp_path, load):
    (tmp_path / "no.zip").write_bytes(b"PK not a zip")
    for source, told in ((tmp_path / "no.zip", "damaged"), (None, "course_utils fetch")):
        with pytest.raises(CourseError, match=told):
            load(source)


def test_fsdd_as_published():
    speech = data.fsdd(shared("data/free-spoken-digit-dataset.zip"))
    speakers = ["george", "jackson", "lucas", "nicolas", "theo", "yweweler"]
    assert sorted(set(speech.speaker)) == speakers
    lengths = [len(clip) for clip in speech.clips]
    assert (len(lengths), min(lengths), max(lengths)) == (3000, 1148, 18262)
    assert max(abs(clip).max() for clip in speech.clips) <= 1


WNIDS = ("n01443537", "n01629819")


def tiny_folder(root: Path) -> None:
    for label, wnid in enumerate(WNIDS):
        folder = root / "train" / wnid / "images"
        folder.mkdir(parents=True)
        for number in range(3):
            # Some pictures of the real set are gray, as the first of each class here.
            mode, color = ("L", 100) if number == 0 else ("RGB", (255 * label, 0, 0))
            Image.new(mode, (64, 64), color).save(folder / f"{wnid}_{number}.JPEG")
    (root / "val" / "images").mkdir(parents=True)
    for number in range(2):
        Image.new("RGB", (64, 64)).save(root / "val" / "images" / f"val_{number}.JPEG")
    rows = [f"val_{number}.JPEG\t{WNIDS[1 - number]}\t0\t0\t9\t9" for number in range(2)]
    (root / "val" / "val_annotations.txt").write_text("\n".join(rows) + "\n")
    (root / "wnids.txt").write_text("\n".join(reversed(WNIDS)))
    (root / "words.txt").write_text(f"{WNIDS[0]}\tgoldfish, Carassius auratus\nn9\tother\n")


@pytest.mark.parametrize("packed", [False, True])
def test_tiny_imagenet(tmp_path, packed):
    source = tmp_path / "tiny-imagenet-200"
    tiny_folder(source)
    if packed:
        source = Path(shutil.make_archive(str(source), "zip", tmp_path, source.name))
    train = list(data.tiny_imagenet(source=source))
    assert [wnid for _, wnid in train] == [WNIDS[0]] * 3 + [WNIDS[1]] * 3
    assert all(image.shape == (64, 64, 3) and image.dtype == np.float32 for image, _ in train)
    assert sorted(image.max() for image, _ in train)[2:4] == pytest.approx(
        [100 / 255] * 2, abs=1e-3
    )
    assert max(np.ptp(image[0, 0]) for image, wnid in train if wnid == WNIDS[1]) > 0.98
    assert [wnid for _, wnid in data.tiny_imagenet("val", source)] == [WNIDS[1], WNIDS[0]]
    names = data.tiny_imagenet_classes(source)
    assert list(names.items()) == [(WNIDS[0], "goldfish"), (WNIDS[1], WNIDS[1])]


def test_tiny_imagenet_refuses_what_is_incomplete(tmp_path):
    with pytest.raises(CourseError, match="'test'"):
        next(data.tiny_imagenet("test", tmp_path))
    tiny_folder(tmp_path / "tiny")
    for file in ("val/val_annotations.txt", "words.txt"):
        (tmp_path / "tiny" / file).unlink()
    shutil.rmtree(tmp_path / "tiny" / "train")
    for split in ("train", "val"):
        with pytest.raises(CourseError, match="tiny is damaged, incomplete"):
            next(data.tiny_imagenet(split, tmp_path / "tiny"))
    with pytest.raises(CourseError, match="words"):
        data.tiny_imagenet_classes(tmp_path / "tiny")


def test_tiny_imagenet_as_published():
    source = shared("data/tiny-imagenet-200-subset.zip")
    classes = data.tiny_imagenet_classes(source)
    picture, wnid = next(data.tiny_imagenet("val", source))
    assert picture.shape == (64, 64, 3) and len(classes) == 200 and wnid in classes


# --- what is shipped ------------------------------------------------------------------------------


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one file in a manifest."""
    root = tmp_path / "data"
    (root / "sub").mkdir(parents=True)
    (root / "sub" / "a.bin").write_bytes(b"abc")
    entry = {"file": "data/sub/a.bin", "sha256": hashlib.sha256(b"abc").hexdigest()}
    (root / "manifest.json").write_text(json.dumps({"files": [entry]}))
    monkeypatch.setattr(data.shipped, "ROOT", root)
    return root


def test_a_shipped_file_is_found_and_checked(shipped):
    assert data.path("sub/a.bin") == shipped / "sub" / "a.bin"
    assert data.verify() == []
    for content, told in ((b"abd", "damaged"), (None, "missing")):
        file = shipped / "sub" / "a.bin"
        file.unlink() if content is None else file.write_bytes(content)
        with pytest.raises(CourseError, match=rf"data/sub/a\.bin is {told}") as error:
            data.path("sub/a.bin")
        assert data.verify() == [str(error.value)]


def test_verify_names_what_the_manifest_does_not_list(shipped):
    for name in ("new.bin", "README.md", ".hidden"):
        (shipped / name).touch()
    (fault,) = data.verify()
    assert "data/new.bin" in fault


@pytest.mark.parametrize("text", [None, "{", "[]", '{"files": [{}]}', '{"files": 3}'])
def test_a_manifest_that_cannot_be_read_is_told(shipped, text):
    file = shipped / "manifest.json"
    file.unlink() if text is None else file.write_text(text)
    (fault,) = data.verify()
    assert fault.startswith("data/manifest.json")


def test_handwritten_digits_are_split_once_and_evenly():
    digits = data.handwritten_digits()
    for images, labels, count in ((*digits[:2], 1347), (*digits[2:], 450)):
        assert images.shape == (count, 8, 8, 1) and images.dtype == np.float32
        assert images.min() == 0 and images.max() == 1
        assert labels.shape == (count,) and labels.dtype == np.int64
        assert np.abs(np.bincount(labels) - count / 10).max() < 0.04 * count / 10 + 1
    rows = np.concatenate([digits.train_images, digits.test_images]).reshape(1797, 64)
    known = load_digits().data / 16
    assert np.array_equal(np.unique(rows, axis=0), np.unique(known, axis=0))
    assert digits.test_labels[:8].tolist() == [2, 0, 4, 9, 4, 1, 2, 4], "the split never changes"


def test_the_shipped_speech():
    speech = data.spoken_digits()
    order = list(zip(speech.speaker, speech.digit, speech.take, strict=True))
    voices = [f"v{number:02d}" for number in range(1, 13)]
    assert order == list(itertools.product(voices, range(10), range(7)))
    assert len(speech.clips) == 840 and speech.rate == 8000
    assert all(clip.dtype == np.float32 and 0.1 < abs(clip).max() <= 1 for clip in speech.clips)


def test_the_shipped_styles_are_pictures():
    assert len(data.styles()) == 8
    for name, file in data.styles().items():
        with Image.open(file) as picture:
            assert picture.mode == "RGB" and file.stem == name
