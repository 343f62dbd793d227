"""Tests of course_utils.data: downloads against a local server that misbehaves on purpose."""

from __future__ import annotations

import contextlib
import errno
import gzip
import hashlib
import http.client
import http.server
import io
import itertools
import json
import os
import shutil
import socket
import tarfile
import threading
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.io import wavfile
from sklearn.datasets import load_digits

from course_utils import data
from course_utils.__main__ import main as command_line
from course_utils.ask import CourseError
from course_utils.data import Dataset, Part

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

PROJECT = Path(__file__).resolve().parents[1]
SHARED = PROJECT.parent / "shared" / "data"
FSDD = SHARED / "free-spoken-digit-dataset.zip"
TINY = SHARED / "tiny-imagenet-200-subset.zip"
BODY = b"PK" + np.random.default_rng(0).bytes(400_000)


@dataclass
class Page:
    """What the server does with one path."""

    body: bytes = BODY
    etag: str | None = '"v1"'
    ranges: bool = True
    cuts: list[int] = field(default_factory=list)  # bytes after which each connection is cut
    chunked: bool = False
    status: int = 200
    shift: int = 0  # a resumed answer starts so many bytes late
    asked: list[str | None] = field(default_factory=list)  # Range header of each GET


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    pages: dict[str, Page]

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self):
        page = self.pages[self.path]
        asked = self.headers.get("Range")
        page.asked.append(asked)
        self.close_connection = True
        if page.status != 200:
            self.send_error(page.status)
            return
        start = 0
        if asked and page.ranges and self.headers.get("If-Range") == page.etag:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= len(page.body):
                self.send_error(416)
                return
            start += page.shift
        self.send_response(206 if start else 200)
        if page.etag:
            self.send_header("ETag", page.etag)
        if start:
            last = len(page.body) - 1
            self.send_header("Content-Range", f"bytes {start}-{last}/{len(page.body)}")
        rest = page.body[start:]
        if page.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        cut = page.cuts.pop(0) if page.cuts else None
        sent = rest[:cut]
        if page.chunked:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(sent), sent))
            if cut is None:
                self.wfile.write(b"0\r\n\r\n")
        else:
            self.wfile.write(sent)


@pytest.fixture
def server():
    """Address of a running server; set its pages in ``server.pages``."""
    pages: dict[str, Page] = {}
    handler = type("LocalHandler", (Handler,), {"pages": pages})
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    running.pages = pages
    running.url = f"http://127.0.0.1:{running.server_port}"
    thread = threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield running
    running.shutdown()
    running.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    """A cache of its own for each test, and none of the caller's settings."""
    for name in list(os.environ):
        if name.startswith("COURSE_DATA"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def toy(server, monkeypatch):
    """Register a data set of one archive; call it with mirrors and a hash."""

    def make(*paths: str, digest: str | None = hashlib.sha256(BODY).hexdigest(), urls=None):
        urls = urls or tuple(server.url + path for path in paths or ("/toy.zip",))
        part = Part("toy.zip", urls, len(BODY), digest)
        dataset = Dataset("toy", "A toy", "CC0", "http://example.org/toy", (part,))
        monkeypatch.setitem(data.DATASETS, "toy", dataset)
        for path in paths or ("/toy.zip",):
            server.pages.setdefault(path, Page())
        return server.pages[(paths or ("/toy.zip",))[0]]

    return make


def closed_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def files_in(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


# --------------------------------------------------------------------------- downloading


def test_fetch_downloads_checks_and_does_not_download_again(toy):
    page = toy()
    assert not data.available("toy")
    folder = data.fetch("toy")
    assert (folder / "toy.zip").read_bytes() == BODY
    assert files_in(folder) == ["toy.zip"], "the part and its note are gone"
    assert data.available("toy")
    data.fetch("toy")
    assert len(page.asked) == 1


def test_a_download_cut_in_the_middle_goes_on_where_it_stopped(toy):
    page = toy()
    page.cuts = [150_000, 100_000]
    data.fetch("toy")
    assert page.asked == [None, "bytes=150000-", "bytes=250000-"]


def test_a_cut_chunked_answer_is_noticed(toy):
    page = toy()
    page.chunked, page.cuts = True, [131_072]
    assert (data.fetch("toy") / "toy.zip").read_bytes() == BODY
    assert len(page.asked) == 2


@pytest.mark.parametrize("change", ["no ranges", "no etag", "weak etag"])
def test_a_server_that_cannot_resume_sends_all_again(toy, change):
    page = toy()
    page.cuts = [150_000]
    page.ranges = change != "no ranges"
    page.etag = {"no etag": None, "weak etag": 'W/"v1"'}.get(change, page.etag)
    assert (data.fetch("toy") / "toy.zip").read_bytes() == BODY
    # Without a mark that stands for exact bytes, no rest may be asked for at all.
    assert page.asked == [None, "bytes=150000-" if change == "no ranges" else None]


def test_a_server_that_sends_another_range_is_not_believed(toy, server):
    page = toy("/toy.zip", "/good.zip", digest=None)
    page.cuts, page.shift = [150_000], 7
    assert (data.fetch("toy") / "toy.zip").read_bytes() == BODY
    assert server.pages["/good.zip"].asked == [None]


def test_a_part_that_does_not_fit_the_file_is_dropped(toy, tmp_path):
    page = toy()
    folder = tmp_path / "cache" / "toy"
    folder.mkdir(parents=True)
    (folder / "toy.zip.part").write_bytes(BODY + b"too long")
    note = {data.DATASETS["toy"].parts[0].urls[0]: page.etag}
    (folder / "toy.zip.part.json").write_text(json.dumps(note))
    assert (data.fetch("toy") / "toy.zip").read_bytes() == BODY
    assert page.asked == [f"bytes={len(BODY) + 8}-", None], "416, then from the beginning"


@contextlib.contextmanager
def interrupted_after(chunks: int):
    """Press Ctrl-C when so many chunks have arrived."""
    read, count = http.client.HTTPResponse.read, itertools.count()

    def reading(self, *args):
        if next(count) >= chunks:
            raise KeyboardInterrupt
        return read(self, *args)

    with mock.patch.object(http.client.HTTPResponse, "read", reading):
        yield


def test_a_file_that_changed_between_two_runs_is_not_mixed(toy):
    new = b"PK" + BODY[:1:-1]
    page = toy(digest=hashlib.sha256(new).hexdigest())
    with interrupted_after(2), pytest.raises(KeyboardInterrupt):
        data.fetch("toy")
    page.body, page.etag = new, '"v2"'
    assert (data.fetch("toy") / "toy.zip").read_bytes() == new
    assert page.asked[-1] is not None, "the rest was asked for, the server sent all"


def test_an_interrupted_download_keeps_its_part(toy, tmp_path):
    page = toy()
    with interrupted_after(3), pytest.raises(KeyboardInterrupt):
        data.fetch("toy")
    part = tmp_path / "cache" / "toy" / "toy.zip.part"
    assert part.read_bytes() == BODY[: 3 * data.CHUNK]
    assert not data.available("toy")
    data.fetch("toy")
    assert page.asked[-1] == f"bytes={3 * data.CHUNK}-"


def test_a_wrong_hash_is_refused_and_removed(toy, tmp_path):
    toy(digest=hashlib.md5(b"other").hexdigest())
    with pytest.raises(CourseError, match=r"wrong MD5.*--from PATH"):
        data.fetch("toy")
    assert files_in(tmp_path / "cache" / "toy") == []


def test_a_login_page_is_not_taken_for_an_archive(toy, tmp_path):
    toy(digest=None).body = b"<html>Please log in</html>"
    with pytest.raises(CourseError, match="login page"):
        data.fetch("toy")
    assert files_in(tmp_path / "cache" / "toy") == []


def test_mirrors_are_tried_in_order(toy, server):
    dead, broken, wrong, good = closed_port(), "/broken.zip", "/wrong.zip", "/good.zip"
    server.pages |= {broken: Page(status=503), wrong: Page(body=BODY[:-1]), good: Page()}
    toy(urls=(dead, *(server.url + path for path in (broken, wrong, good))))
    assert (data.fetch("toy") / "toy.zip").read_bytes() == BODY
    assert [len(server.pages[path].asked) for path in (broken, wrong, good)] == [1, 1, 1]


def test_when_every_mirror_fails_each_reason_is_told(toy, server):
    server.pages |= {"/a": Page(status=404), "/b": Page(cuts=[0] * 9)}
    toy("/a", "/b")
    with pytest.raises(CourseError, match=r"404.*broke off"):
        data.fetch("toy")


def test_without_a_network_one_sentence(toy):
    toy(urls=(closed_port(), closed_port()))
    with pytest.raises(CourseError, match=r"no server can be reached .*refused.*--from") as error:
        data.fetch("toy")
    assert "\n" not in str(error.value)


def test_behind_a_silent_firewall_the_wait_is_bounded(toy, monkeypatch):
    """Even where the look-up of the name hangs, which no time-out of a socket covers."""
    release, ended = threading.Event(), []

    def look_up(*_args, **_options):
        release.wait(900)
        ended.append(True)

    assert data.PATIENCE < 10
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(data, "PATIENCE", 0.3)
    toy(urls=("http://one.invalid/x", "http://two.invalid/x"))
    with pytest.raises(CourseError, match="no answer within"):
        data.fetch("toy")
    assert not ended, "it waited for the look-up"
    release.set()


def test_a_disk_without_room_is_noticed_before_the_download(toy, monkeypatch):
    page = toy()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 1000))
    with pytest.raises(CourseError, match=r"0\.0 MB free and 0\.4 MB are needed.*COURSE_CACHE"):
        data.fetch("toy")
    assert page.asked == []


def test_a_disk_that_fills_up_keeps_what_arrived(toy, monkeypatch, tmp_path):
    page = toy()
    room = [100_000]

    class Full(io.FileIO):
        def write(self, chunk):
            if len(chunk) > room[0]:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            room[0] -= len(chunk)
            return super().write(chunk)

    real = open

    def opening(file, mode="r", *args, **kwargs):
        return (
            Full(file, mode)
            if str(file).endswith(".part") and mode in ("wb", "ab")
            else real(file, mode, *args, **kwargs)
        )

    monkeypatch.setattr(data, "open", opening, raising=False)
    with pytest.raises(CourseError, match=r"is full .*what arrived is kept"):
        data.fetch("toy")
    room[0] = 10**9
    data.fetch("toy")
    assert page.asked[-1] == f"bytes={data.CHUNK}-"


def test_a_cache_that_cannot_be_written_is_told(toy, monkeypatch, tmp_path):
    toy()
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "file"))
    with pytest.raises(CourseError, match="cannot be written"):
        data.fetch("toy")


def test_a_damaged_file_in_the_cache_is_fetched_again(toy, capsys):
    page = toy()
    file = data.fetch("toy") / "toy.zip"
    file.write_bytes(BODY[:-5])
    data.fetch("toy")
    assert file.read_bytes() == BODY and len(page.asked) == 2
    assert "fetched again" in capsys.readouterr().err


def test_trust_on_first_use_where_no_hash_is_published(toy, capsys):
    page = toy(digest=None)
    folder = data.fetch("toy")
    noted = json.loads((folder / data.RECORD).read_text())
    assert noted == {"toy.zip": hashlib.sha256(BODY).hexdigest()}
    assert "No hash of toy.zip is published" in capsys.readouterr().out
    (folder / "toy.zip").unlink()
    page.body = BODY[:-1]
    with pytest.raises(CourseError, match="not the file that was received first"):
        data.fetch("toy")
    assert not (folder / "toy.zip").exists()


# --------------------------------------------------------------------------- copies of one's own


def test_a_copy_is_taken_instead_of_a_download(toy, tmp_path):
    page = toy()
    copy = tmp_path / "renamed.zip"
    copy.write_bytes(BODY)
    folder = data.fetch("toy", source=copy)
    assert (folder / "toy.zip").read_bytes() == BODY
    assert page.asked == [] and copy.is_file()


def test_a_wrong_copy_is_refused_and_left_alone(toy, tmp_path):
    toy()
    copy = tmp_path / "toy.zip"
    copy.write_bytes(BODY[:-1])
    with pytest.raises(CourseError, match=r"toy\.zip has a wrong SHA256"):
        data.fetch("toy", source=tmp_path)
    assert copy.is_file() and not data.available("toy")
    with pytest.raises(CourseError, match=r"nowhere holds no toy\.zip"):
        data.fetch("toy", source=tmp_path / "nowhere")


@pytest.mark.parametrize("variable", ["COURSE_DATA", "COURSE_DATA_TOY"])
def test_the_environment_names_a_folder(toy, tmp_path, monkeypatch, variable):
    page = toy()
    (tmp_path / "toy.zip").write_bytes(BODY)
    monkeypatch.setenv(variable, str(tmp_path))
    assert data.available("toy")
    assert data.fetch("toy") == tmp_path
    assert page.asked == []


def test_a_folder_that_is_named_but_missing_is_told(toy, monkeypatch):
    toy()
    monkeypatch.setenv("COURSE_DATA_TOY", "/no/such/folder")
    with pytest.raises(CourseError, match=r"COURSE_DATA_TOY.*does not exist"):
        data.fetch("toy")


def test_an_unknown_name_gets_the_names():
    with pytest.raises(CourseError, match=r"did you mean 'fashion_mnist'\?.*fsdd.*tiny_imagenet"):
        data.fetch("Fashion-MNIST")


# --------------------------------------------------------------------------- archives


def zip_with(file: Path, *names: str, link: str | None = None) -> Path:
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, "text")
        if link:
            info = zipfile.ZipInfo(link)
            info.external_attr = 0o120777 << 16
            archive.writestr(info, "/etc/passwd")
    return file


def tar_with(file: Path, *names: str, kind: bytes = tarfile.REGTYPE) -> Path:
    with tarfile.open(file, "w:gz") as archive:
        for name in names:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            info.size = 4 if kind == tarfile.REGTYPE else 0
            archive.addfile(info, io.BytesIO(b"text"))
    return file


def test_archives_are_extracted(tmp_path):
    data.extract(zip_with(tmp_path / "a.zip", "one/two.txt", "three.txt"), tmp_path / "zipped")
    data.extract(tar_with(tmp_path / "a.tar.gz", "one/two.txt", "three.txt"), tmp_path / "tarred")
    for folder in ("zipped", "tarred"):
        assert (tmp_path / folder / "one" / "two.txt").read_text() == "text"
        assert (tmp_path / folder / "three.txt").read_text() == "text"


@pytest.mark.parametrize(
    "name",
    ["../evil.txt", "a/../../evil.txt", "/evil.txt", "C:\\evil.txt", "..\\evil.txt", "C:/evil.txt"],
)
@pytest.mark.parametrize("make", [zip_with, tar_with])
def test_a_name_that_leads_out_is_refused_and_nothing_is_written(tmp_path, make, name):
    (tmp_path / "in").mkdir()
    archive = make(tmp_path / "in" / "archive", "good.txt", name)
    with pytest.raises(CourseError, match="leads out of its folder"):
        data.extract(archive, tmp_path / "in" / "out")
    assert files_in(tmp_path) == ["cache", "in"] or files_in(tmp_path) == ["in"]
    assert files_in(tmp_path / "in") == ["archive"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE])
def test_links_and_devices_are_refused(tmp_path, kind):
    archive = tar_with(tmp_path / "a.tar.gz", "good.txt", kind=kind)
    with pytest.raises(CourseError, match="is a link"):
        data.extract(archive, tmp_path / "out")
    archive = zip_with(tmp_path / "a.zip", "good.txt", link="link")
    with pytest.raises(CourseError, match="is a link"):
        data.extract(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@given(st.text(st.sampled_from("ab./\\:"), min_size=1, max_size=12))
@settings(max_examples=200)
def test_names_held_to_be_inside_stay_inside(name):
    if data._inside(name):
        base = "/base/folder"
        assert os.path.normpath(os.path.join(base, name)).startswith(base)


def test_a_damaged_archive_leaves_no_folder(tmp_path):
    archive = zip_with(tmp_path / "a.zip", "one.txt")
    raw = bytearray(archive.read_bytes())
    raw[raw.index(b"text")] ^= 1
    archive.write_bytes(raw)
    with pytest.raises(CourseError, match="damaged"):
        data.extract(archive, tmp_path / "out")
    assert files_in(tmp_path) == ["a.zip"]
    (tmp_path / "b.tar.gz").write_bytes(b"no archive")
    with pytest.raises(CourseError, match="damaged"):
        data.extract(tmp_path / "b.tar.gz", tmp_path / "out")


# --------------------------------------------------------------------------- loaders


def wav(samples: np.ndarray, rate: int = 8000) -> bytes:
    stream = io.BytesIO()
    wavfile.write(stream, rate, samples)
    return stream.getvalue()


def speech_archive(file: Path, takes: int = 50, rate: int = 8000) -> Path:
    sound = wav(np.array([0, 16384, -32768], np.int16), rate)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("set/README.md", "text")
        for speaker in ("zoe", "amy", "bob", "cleo", "dan", "eve"):
            for digit in range(10):
                for take in range(takes):
                    archive.writestr(f"set/recordings/{digit}_{speaker}_{take}.wav", sound)
    return file


def test_fsdd_is_read_and_ordered(tmp_path):
    speech = data.fsdd(speech_archive(tmp_path / "any.zip"))
    assert len(speech.clips) == 3000 and speech.rate == 8000
    np.testing.assert_array_equal(speech.clips[0], np.array([0, 0.5, -1], np.float32))
    assert speech.clips[0].dtype == np.float32
    order = list(zip(speech.speaker, speech.digit, speech.take, strict=True))
    assert order == sorted(order) and order[0] == ("amy", 0, 0)


def test_fsdd_from_an_unpacked_folder(tmp_path):
    data.extract(speech_archive(tmp_path / "any.zip"), tmp_path / "files")
    assert len(data.fsdd(tmp_path / "files").clips) == 3000


def test_fsdd_refuses_what_is_incomplete_or_other_sound(tmp_path):
    with pytest.raises(CourseError, match="2940 recordings"):
        data.fsdd(speech_archive(tmp_path / "few.zip", takes=49))
    with pytest.raises(CourseError, match="8 kHz"):
        data.fsdd(speech_archive(tmp_path / "rate.zip", rate=16000))
    (tmp_path / "no.zip").write_bytes(b"PK not a zip")
    with pytest.raises(CourseError, match="damaged"):
        data.fsdd(tmp_path / "no.zip")


def test_a_set_that_is_not_here_says_how_to_fetch_it():
    for load in (data.fsdd, data.fashion_mnist, data.cifar10, data.tiny_imagenet):
        with pytest.raises(
            CourseError, match=r"python -m course_utils fetch \w+` downloads it once"
        ):
            load()


@pytest.mark.skipif(not FSDD.is_file(), reason="the real archive is not beside the project")
def test_fsdd_as_published():
    speech = data.fsdd(FSDD)
    assert len(speech.clips) == 3000
    assert sorted(set(speech.speaker)) == [
        "george",
        "jackson",
        "lucas",
        "nicolas",
        "theo",
        "yweweler",
    ]
    lengths = [len(clip) for clip in speech.clips]
    assert (min(lengths), max(lengths)) == (1148, 18262)
    assert max(abs(clip).max() for clip in speech.clips) <= 1


def idx(array: np.ndarray) -> bytes:
    return np.array([0x800 + array.ndim, *array.shape], ">i4").tobytes() + array.tobytes()


@pytest.fixture
def fashion(tmp_path):
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (7, 28, 28), np.uint8)
    labels = np.array([9, 0, 1, 2, 3, 4, 5], np.uint8)
    for part, array in zip(
        data.DATASETS["fashion_mnist"].parts, (images, labels, images[:3], labels[:3]), strict=True
    ):
        (tmp_path / part.file).write_bytes(gzip.compress(idx(array)))
    return tmp_path, images, labels


def test_fashion_mnist(fashion):
    folder, images, labels = fashion
    found = data.fashion_mnist(source=folder)
    np.testing.assert_allclose(found.images * 255, images, atol=1e-4)
    assert found.images.dtype == np.float32 and found.labels.dtype == np.int64
    assert found.labels.tolist() == labels.tolist()
    assert [found.names[label] for label in found.labels[:2]] == ["Ankle boot", "T-shirt/top"]
    assert len(data.fashion_mnist("test", source=folder).images) == 3
    assert len(data.fashion_mnist(count=2, source=folder).images) == 2


unzip = gzip.decompress


@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: raw[:-9],
        lambda raw: b"no gzip",
        lambda raw: gzip.compress(b"\0" * 100),
        lambda raw: gzip.compress(b"\0\0\x0d" + unzip(raw)[3:]),
    ],
)
def test_a_damaged_fashion_mnist_is_told(fashion, spoil):
    folder, *_ = fashion
    file = folder / "train-images-idx3-ubyte.gz"
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(CourseError, match=r"train-images-idx3-ubyte\.gz is damaged"):
        data.fashion_mnist(source=folder)


def test_cifar10_reads_the_binary_version(tmp_path):
    rng = np.random.default_rng(2)
    images = rng.integers(0, 256, (12, 32, 32, 3), np.uint8)
    labels = rng.integers(0, 10, 12).astype(np.uint8)
    rows = np.concatenate([labels[:, None], images.transpose(0, 3, 1, 2).reshape(12, -1)], axis=1)
    names = [*(f"data_batch_{n}.bin" for n in range(1, 6)), "test_batch.bin"]
    archive = tmp_path / "cifar-10-binary.tar.gz"
    with tarfile.open(archive, "w:gz") as opened:
        for number, name in reversed(list(enumerate(names))):  # their order must not matter
            raw = rows[2 * number : 2 * number + 2].tobytes()
            info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            info.size = len(raw)
            opened.addfile(info, io.BytesIO(raw))
    train, test = data.cifar10(source=tmp_path), data.cifar10("test", source=archive)
    np.testing.assert_allclose(np.concatenate([train.images, test.images]) * 255, images, atol=1e-4)
    assert [*train.labels, *test.labels] == labels.tolist()
    assert train.names[3] == "cat" and len(data.cifar10(count=3, source=tmp_path).labels) == 3


def test_cifar10_never_reads_a_pickle(tmp_path):
    """The archive of the Python version is refused: loading a pickle can run any program."""
    with pytest.raises(CourseError, match="0 files of pictures"):
        data.cifar10(source=tar_with(tmp_path / "a.tar.gz", "cifar-10-batches-py/data_batch_1"))
    assert "pickle" not in vars(data)


def tiny_folder(root: Path) -> None:
    wnids = ("n01443537", "n01629819")
    for label, wnid in enumerate(wnids):
        folder = root / "train" / wnid / "images"
        folder.mkdir(parents=True)
        for number in range(3):
            # Some pictures of the real set are gray, as the first of each class here.
            mode, color = ("L", 100) if number == 0 else ("RGB", (255 * label, 0, 0))
            Image.new(mode, (64, 64), color).save(folder / f"{wnid}_{number}.JPEG")
    (root / "val" / "images").mkdir(parents=True)
    for number in range(2):
        Image.new("RGB", (64, 64)).save(root / "val" / "images" / f"val_{number}.JPEG")
    rows = [f"val_{number}.JPEG\t{wnids[1 - number]}\t0\t0\t9\t9" for number in range(2)]
    (root / "val" / "val_annotations.txt").write_text("\n".join(rows) + "\n")


@pytest.mark.parametrize("packed", [False, True])
def test_tiny_imagenet(tmp_path, packed):
    source = tmp_path / "tiny-imagenet-200"
    tiny_folder(source)
    if packed:
        source = Path(shutil.make_archive(str(source), "zip", tmp_path, source.name))
    train = list(data.tiny_imagenet(source=source))
    assert [wnid for _, wnid in train] == ["n01443537"] * 3 + ["n01629819"] * 3
    assert all(image.shape == (64, 64, 3) and image.dtype == np.float32 for image, _ in train)
    assert train[4][0][0, 0] == pytest.approx([1, 0, 0], abs=0.02)
    assert len(list(data.tiny_imagenet(per_class=1, source=source))) == 2
    val = [wnid for _, wnid in data.tiny_imagenet("val", source=source)]
    assert val == ["n01629819", "n01443537"]
    with pytest.raises(CourseError, match="'train' or 'val'"):
        data.tiny_imagenet("test", source=source)


@pytest.mark.skipif(not TINY.is_file(), reason="the real archive is not beside the project")
def test_tiny_imagenet_as_published():
    found = list(data.tiny_imagenet("val", per_class=1, source=TINY))
    assert len({wnid for _, wnid in found}) == len(found) == 200


# --------------------------------------------------------------------------- what is shipped


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    root = tmp_path / "data"
    (root / "sub").mkdir(parents=True)
    (root / "sub" / "a.bin").write_bytes(b"abc")
    entry = {
        "file": "sub/a.bin",
        "bytes": 3,
        "sha256": hashlib.sha256(b"abc").hexdigest(),
        "license": "MIT",
        "origin": "made here",
        "script": "tools/make.py",
    }
    (root / "manifest.json").write_text(json.dumps({"files": [entry]}))
    monkeypatch.setattr(data, "ROOT", root)
    return root


def test_a_shipped_file_is_found_and_checked(shipped):
    assert data.path("sub/a.bin") == shipped / "sub" / "a.bin"
    assert data.verify() == []
    (shipped / "sub" / "a.bin").write_bytes(b"abd")
    with pytest.raises(CourseError, match=r"data/sub/a\.bin is damaged.*git checkout"):
        data.path("sub/a.bin")
    assert len(data.verify()) == 1
    (shipped / "sub" / "a.bin").unlink()
    with pytest.raises(CourseError, match=r"data/sub/a\.bin is missing"):
        data.path("sub/a.bin")


def test_verify_names_what_the_manifest_does_not_list(shipped):
    (shipped / "new.bin").write_bytes(b"")
    assert data.verify() == ["data/new.bin is not in data/manifest.json."]


@pytest.mark.parametrize("text", ["{", "[]", '{"files": [{}]}', '{"files": 3}'])
def test_a_manifest_that_cannot_be_read_is_told(shipped, text):
    (shipped / "manifest.json").write_text(text)
    assert data.verify() == [
        "data/manifest.json cannot be read: restore it with `git checkout -- data/manifest.json`."
    ]


def test_handwritten_digits_are_split_once_and_evenly() -> None:
    digits = data.handwritten_digits()
    for images, labels, count in ((*digits[:2], 1347), (*digits[2:], 450)):
        assert images.shape == (count, 8, 8, 1) and images.dtype == np.float32
        assert images.min() == 0 and images.max() == 1
        assert labels.shape == (count,) and labels.dtype == np.int64
        assert np.abs(np.bincount(labels) - count / 10).max() < 0.04 * count / 10 + 1
    rows = np.concatenate([digits.train_images, digits.test_images]).reshape(1797, 64)
    known = load_digits().data / 16
    assert np.array_equal(np.unique(rows, axis=0), np.unique(known, axis=0))
    again = data.handwritten_digits()
    assert all(map(np.array_equal, digits, again))


def test_the_shipped_speech():
    speech = data.spoken_digits()
    cells = {(digit, speaker) for digit, speaker in zip(speech.digit, speech.speaker, strict=True)}
    assert len(speech.clips) == 840 and len(cells) == 120 and speech.rate == 8000
    assert all(clip.dtype == np.float32 and 0.1 < abs(clip).max() <= 1 for clip in speech.clips)


def test_the_shipped_styles_are_pictures():
    assert len(data.styles()) == 8
    for file in data.styles().values():
        with Image.open(file) as picture:
            assert picture.mode == "RGB"


# --------------------------------------------------------------------------- command line


def test_the_command_lists_and_fetches(toy, capsys, tmp_path):
    toy()
    assert command_line(["fetch"]) == 0
    listed = capsys.readouterr().out
    for dataset in data.DATASETS.values():
        assert dataset.name in listed and dataset.license in listed
    (tmp_path / "toy.zip").write_bytes(BODY)
    assert command_line(["fetch", "toy", "--from", str(tmp_path)]) == 0
    assert "toy is ready" in capsys.readouterr().out
    assert "here" in data.listing()


def test_the_command_fails_in_a_sentence(capsys, toy):
    assert command_line(["fetch", "nothing"]) == 1
    assert capsys.readouterr().err.startswith("There is no data set 'nothing'")
    toy()
    with interrupted_after(1):
        assert command_line(["fetch", "toy"]) == 130
    assert "the same command goes on" in capsys.readouterr().err


def test_unpack(toy, tmp_path):
    toy(digest=None)
    archive = zip_with(tmp_path / "toy.zip", "a/b.txt")
    data.fetch("toy", source=archive)
    folder = data.unpack("toy")
    assert (folder / "a" / "b.txt").read_text() == "text"
    assert data.unpack("toy") == folder, "a second call leaves it alone"


def test_every_data_set_can_be_checked_and_is_documented():
    for dataset in data.DATASETS.values():
        for part in dataset.parts:
            assert part.size > 0 and len(part.urls) >= 2, "a second address if the first is dead"
            assert all(url.startswith("http") for url in part.urls)
            assert part.digest is None or len(part.digest) in (32, 64)
            # An address without encryption is used only where a hash guards the content.
            assert part.digest or all(url.startswith("https") for url in part.urls)
