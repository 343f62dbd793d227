"""Pictures of every kind go in; a float32 array or one clear sentence comes out."""

from __future__ import annotations

import io
import os
import re
import struct
import warnings
import zlib
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from course_utils import images
from course_utils.ask import CourseError

HALF_STEP = 0.5 / 255 + 1e-7
RED, GREEN, BLUE, WHITE, BLACK = (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1), (0, 0, 0)


@pytest.fixture(autouse=True)
def _no_figures_no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
    plt.close("all")


def refused(*parts: str):
    """Whoever asks is told so in one line, with the named parts in their order."""
    return pytest.raises(CourseError, match=rf"^[^\n]*{'.*'.join(map(re.escape, parts))}[^\n]*\.$")


def assert_picture(image: np.ndarray, shape: tuple[int, ...]) -> None:
    assert image.dtype == np.float32
    assert image.shape == shape
    assert np.isfinite(image).all() and image.min() >= 0 and image.max() <= 1


#: Two rows: red green blue, white black white.
PIXELS = np.float32([[RED, GREEN, BLUE], [WHITE, BLACK, WHITE]])
SMALL = Image.fromarray(np.uint8(255 * PIXELS))


def encoded(picture: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


# --- Pictures that work -------------------------------------------------------------------------


def png(bits: int, kind: int, row: bytes, clear: list[int]) -> bytes:
    """A PNG of two pixels, gray (kind 0) or RGB (2), with one level or color that is clear."""
    chunks = {
        b"IHDR": struct.pack(">IIBBBBB", 2, 1, bits, kind, 0, 0, 0),
        b"tRNS": struct.pack(f">{len(clear)}H", *clear),
        b"IDAT": zlib.compress(b"\0" + row),
        b"IEND": b"",
    }
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks.items()
    )


PALETTE = SMALL.convert("P", palette=Image.Palette.ADAPTIVE, colors=8)
SEE_THROUGH = np.uint8([[[255, 0, 0, 255], [255, 0, 0, 0], [0, 0, 0, 128]]])
ON_WHITE = [[RED, WHITE, [127 / 255] * 3]]
DEEP = np.uint16([[0, 1, 32768, 65535]])
UPRIGHT = np.arange(6, dtype=np.uint8).reshape(2, 3) * 40
ALL_RED = np.tile(np.float32(RED), (4, 4, 1))
FILM = [Image.new("RGB", (4, 4), color) for color in ("red", "lime", "blue")]
WHOLE = {"save_all": True, "append_images": FILM[1:]}

SOURCES = {
    "palette": (encoded(PALETTE), PIXELS),
    "palette, red clear": (
        encoded(PALETTE, transparency=PALETTE.getpixel((0, 0))),
        [[WHITE, GREEN, BLUE], PIXELS[1]],
    ),
    "palette, all clear": (encoded(PALETTE, transparency=bytes(8)), np.ones((2, 3, 3))),
    "opacity": (encoded(Image.fromarray(SEE_THROUGH)), ON_WHITE),
    "gray opacity": (encoded(Image.fromarray(np.uint8([[[0, 255], [0, 0]]]))), [[0, 1]]),
    "1 bit": (encoded(Image.fromarray(np.array([[True, False]]))), [[1, 0]]),
    "1 bit, black clear": (png(1, 0, b"\x40", [0]), [[1, 1]]),
    "1 bit, white clear": (png(1, 0, b"\x40", [1]), [[0, 1]]),
    "2 bits, 1 clear": (png(2, 0, b"\x10", [1]), [[0, 1]]),
    "4 bits, 5 clear": (png(4, 0, b"\xa5", [5]), [[10 / 15, 1]]),
    "8 bits, 0 clear": (png(8, 0, b"\x33\0", [0]), [[0.2, 1]]),
    "16 bits, 1 clear": (png(16, 0, b"\0\0\0\1", [1]), [[0, 1]]),
    "color, one clear": (png(8, 2, b"\0\0\0\x0a\x0a\x0a", [10] * 3), [[BLACK, WHITE]]),
    "16-bit color": (png(16, 2, b"\0" * 6 + b"\xff" + b"\0" * 5, [65280, 0, 0]), [[BLACK, WHITE]]),
    "float TIFF": (encoded(Image.fromarray(np.float32([[0, 0.1234]])), "TIFF"), [[0, 0.1234]]),
    "CMYK": (encoded(Image.new("CMYK", (4, 4), (0, 255, 255, 0)), "JPEG"), ALL_RED),
    "broken EXIF": (encoded(SMALL, exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\xff\xff"), PIXELS),
    "bytes": (np.uint8([[0, 255]]), [[0, 1]]),
    "deep": (DEEP, DEEP / 65535),
    "big-endian": (DEEP.astype(">u2"), DEEP / 65535),
    "bool": (np.array([[False, True]]), [[0, 1]]),
    "half floats": (np.float16([[0, 0.5]]), [[0, 0.5]]),
    "one channel": (np.array([[[0.25], [0.75]]]), [[0.25, 0.75]]),
    "lists": ([[0.0, 1.0]], [[0, 1]]),
    "rounding": (np.array([[-1e-8, 1 + 1e-8]]), [[0, 1]]),
    "opacity, bytes": (SEE_THROUGH, ON_WHITE),
    "opacity, floats": (SEE_THROUGH / 255, ON_WHITE),
}
for kind in ("PNG", "GIF", "BMP", "TIFF", "PPM", "WEBP"):
    SOURCES[kind] = encoded(SMALL, kind, lossless=True), PIXELS
for kind in ("GIF", "PNG", "TIFF", "WEBP"):
    SOURCES[f"first of many, {kind}"] = encoded(FILM[0], kind, lossless=True, **WHOLE), ALL_RED
for kind in ("PNG", "TIFF", "PPM"):
    SOURCES[f"16 bits, {kind}"] = encoded(Image.fromarray(DEEP), kind), DEEP / 65535
# How a camera stores what the EXIF tags 1 to 8 turn upright.
TURNED = [UPRIGHT, UPRIGHT[:, ::-1], UPRIGHT[::-1, ::-1], UPRIGHT[::-1], UPRIGHT.T]
TURNED += [np.rot90(UPRIGHT), np.rot90(UPRIGHT, 2).T, np.rot90(UPRIGHT, -1)]
for tag, stored in enumerate(TURNED, 1):
    exif = Image.Exif()
    exif[0x0112] = tag
    data = encoded(Image.fromarray(np.ascontiguousarray(stored)), exif=exif)
    SOURCES[f"EXIF {tag}"] = data, UPRIGHT / 255


@pytest.mark.parametrize("case", SOURCES)
def test_what_is_read(case):
    source, expected = SOURCES[case]
    image = images.load(source, gray=np.ndim(expected) == 2)
    assert_picture(image, np.shape(expected))
    near = {"CMYK": 0.02, "opacity": HALF_STEP}.get(case, 1e-7)  # JPEG, and Pillow's rounding
    np.testing.assert_allclose(image, expected, atol=near)
    assert images.load(source).shape == (*image.shape[:2], 3)


def test_every_way_to_give_the_same_picture(tmp_path):
    path = tmp_path / "small.png"
    path.write_bytes(data := encoded(SMALL))
    used = io.BytesIO(data)
    used.read()
    with path.open("rb") as handle:
        sources = [path, str(path), data, bytearray(data), memoryview(data), handle, used, SMALL]
        for source in (*sources, PIXELS):
            np.testing.assert_array_equal(images.load(source), PIXELS)


@pytest.mark.parametrize("name", ["my cat.png", "Käfer #1 50%.png", "it's.png"])
def test_a_path_as_it_is_pasted(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(encoded(SMALL))
    address = path.as_uri()
    plain = address.replace("%20", " ").replace("%23", "#")
    local = address.replace("file://", "FILE://localhost")
    for text in (f'"{path}"', f"'{path}'", f" {path}\n", address, f'"{address}"', local, plain):
        np.testing.assert_array_equal(images.load(text), PIXELS)
    quoted = tmp_path / f"'{name}'"
    quoted.write_bytes(encoded(Image.new("L", (1, 1))))
    assert images.load(quoted).shape == (1, 1, 3)  # what is there is what is meant


def test_the_source_is_left_alone():
    array = np.linspace(0, 1, 12, dtype=np.float32).reshape(2, 2, 3)
    before = array.copy()
    images.load(array, gray=True)[...] = 9
    images.load(array)
    picture = SMALL.convert("RGBA")
    images.load(picture)
    np.testing.assert_array_equal(array, before)
    assert picture.mode == "RGBA"


# --- Pictures that do not -----------------------------------------------------------------------

NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))

BAD_FILES = {
    "empty.png": (b"", "empty"),
    "text.jpg": (b"Dear reader,\nthis is a letter.\n", "text file"),
    "cut.png": (encoded(NOISE)[:3000], "cut off"),
    "cut.jpg": (encoded(NOISE, "JPEG")[:1500], "cut off"),
    "head.png": (encoded(NOISE)[:20], "damaged"),
    "drawing.svg": (b'<?xml version="1.0"?>\n<svg xmlns="a"/>', "SVG"),
    "paper.pdf": (b"%PDF-1.7\n%\xe2\xe3", "PDF"),
    "film.mp4": (b"\0\0\0\x18ftypisom\0\0\0\0", "video"),
    "canon.cr3": (b"\0\0\0\x18ftypcrx \0\0\0\0", "raw photo"),
    "page.png": (b"<!DOCTYPE html><html></html>", "web page"),
    "array.npy": (b"\x93NUMPY\x01\0", "NumPy array"),
    "many.zip": (b"PK\x03\x04\0\0", "zip"),
    "pointer.png": (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
    "plan.ps": (b"%!PS-Adobe-3.0\n", "PostScript"),
    "letter.txt": (b"a" + "\u00e9".encode() * 600, "text file"),
    "noise.png": (b"abc" + bytes(range(255, 0, -1)), "no picture"),
    "zeros.bmp": (bytes(2000), "no picture"),
    "heights.tif": (encoded(Image.fromarray(np.float32([[0, 255]])), "TIFF"), "divide by 255"),
    "long.tif": (encoded(Image.fromarray(np.int32([[0, 70000]])), "TIFF"), "32-bit"),
} | {
    f"{brand}.heic": (b"\0\0\0\x18ftyp%s\0\0\0\0" % brand.encode(), "HEI")
    for brand in ("heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs", "mif1", "msf1")
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files(tmp_path, name):
    data, problem = BAD_FILES[name]
    (tmp_path / name).write_bytes(data)
    for size in (None, 8):
        with refused(name, problem):
            images.load(tmp_path / name, size)
    with refused("the picture", problem):
        images.load(data)


def test_paths_without_a_picture(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "holiday.jpeg").touch()
    (tmp_path / "two\nlines.png").touch()
    (tmp_path / "photos").mkdir()
    table = [
        ("no.png", ["no.png", str(tmp_path)]),
        ("holiday.jpg", ["did you mean 'holiday.jpeg'"]),
        ("two\nlines.png", ["two lines.png", "empty"]),
        ("nowhere/a.png", ["nowhere/a.png", "folder", str(tmp_path)]),
        ("photos", ["photos", "folder"]),
        ("coffee", ["sample('coffee')"]),
        ("https://example.org/cat.jpg", ["web address"]),
        ("a\0b.png", ["b.png"]),
        ("x" * 5000, ["xxx", "cannot be opened"]),
    ]
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.png")
        table.append(("pipe.png", ["pipe.png", "device"]))
    for path, parts in table:
        with refused(*parts):
            images.load(path)

    def refuse(*_args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)  # the tests may run as root, whom no mode stops
    with refused("holiday.jpeg", "Permission denied"):
        images.load("holiday.jpeg")


def test_too_many_pixels(monkeypatch):
    data = encoded(Image.new("L", (100, 80)))
    monkeypatch.setattr("course_utils.images.reading.MAX_PIXELS", 8000)
    assert_picture(images.load(data, gray=True), (80, 100))
    monkeypatch.setattr("course_utils.images.reading.MAX_PIXELS", 7999)
    with refused("100 x 80", "7,999"):
        images.load(data)
    for bound in (5000, 2000):  # Pillow warns above its own bound, and raises above twice that
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", bound)
        with refused("the picture", "smaller"):
            images.load(data)


BAD_ARRAYS = {
    "no rows": (np.zeros((0, 4)), "(0, 4)"),
    "NaN": (np.full((4, 4), np.nan), "16 of 16"),
    "infinity": (np.array([[0, -np.inf]]), "1 of 2"),
    "bytes as floats": (np.array([[0.0, 255.0]]), "255"),
    "negative": (np.array([[-0.5, 0.5]]), "-0.5 to 0.5"),
    "one dimension": (np.zeros(4), "(4,)"),
    "no dimension": (np.float32(0), "()"),
    "two channels": (np.zeros((4, 4, 2)), "(4, 4, 2)"),
    "batch": (np.zeros((2, 4, 4, 3)), "[0]"),
    "channels first": (np.zeros((3, 8, 8)), "moveaxis"),
    "complex": (np.zeros((4, 4), complex), "complex"),
    "ragged": ([[1, 2], [3]], "list"),
    "int64": (np.zeros((4, 4), np.int64), "int64"),
    "uint32": (np.zeros((4, 4), np.uint32), "uint32"),
    "nothing": (None, "NoneType"),
    "mapping": ({}, "dict"),
}


@pytest.mark.parametrize("case", BAD_ARRAYS)
def test_bad_arrays(case):
    array, problem = BAD_ARRAYS[case]
    with refused("the picture", problem):
        images.load(array)
    for function in (images.to_gray, images.center_crop, images.validate):
        with refused("image", problem):
            function(array)


ORIGINALS = [encoded(NOISE, kind) for kind in ("PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP", "PPM")]


@settings(deadline=None, max_examples=150)
@given(
    data=st.sampled_from(ORIGINALS),
    changes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=8),
    keep=st.floats(0.01, 1),
)
def test_damage_gives_a_picture_or_a_sentence(data, changes, keep):
    damaged = bytearray(data)
    for where, value in changes:
        # Squared: headers, where damage matters most, are hit more often.
        damaged[int(where**2 * len(damaged))] = value
    try:
        image = images.load(bytes(damaged[: int(keep * len(damaged))]), size=8)
    except CourseError as error:
        assert "\n" not in str(error) and "; " in str(error)
    else:
        assert_picture(image, (8, 8, 3))


# --- Samples ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", images.SAMPLES)
def test_samples_are_the_packages_own(name):
    from skimage import data
    from sklearn.datasets import load_sample_image

    about = images.SAMPLES[name]
    assert about.license
    others = {"hubble": "hubble_deep_field", "motorcycle": "stereo_motorcycle"}
    if about.file.startswith("sklearn"):
        expected = load_sample_image(f"{name}.jpg")
    else:
        expected = getattr(data, others.get(name, name))()
    if name == "motorcycle":
        expected = expected[0]
    loaded = images.sample(name, gray=expected.ndim == 2)
    if expected.dtype == bool:
        np.testing.assert_array_equal(loaded > 0.5, expected)
    else:
        # Decoders of JPEG may differ by a level or two.
        np.testing.assert_allclose(loaded, np.float32(expected) / 255, atol=2.01 / 255)
    assert_picture(images.sample(name, 16), (16, 16, 3))


# --- Changing -----------------------------------------------------------------------------------

PICTURES = hnp.arrays(
    np.float32,
    st.one_of(
        st.tuples(st.integers(1, 12), st.integers(1, 12)),
        st.tuples(st.integers(1, 12), st.integers(1, 12), st.just(3)),
    ),
    elements=st.floats(0, 1, width=32),
)
SIZES = st.one_of(st.integers(1, 20), st.tuples(st.integers(1, 20), st.integers(1, 20)))


@settings(deadline=None)
@given(image=PICTURES)
def test_png_round_trip(image):
    again = images.load(images.to_png(image), gray=image.ndim == 2)
    assert again.shape == image.shape
    assert np.abs(again - image).max() <= HALF_STEP
    np.testing.assert_array_equal(images.to_uint8(again), images.to_uint8(image))


@given(levels=hnp.arrays(np.uint8, (3, 4)))
def test_bytes_come_back_exactly(levels):
    np.testing.assert_array_equal(images.to_uint8(images.load(levels, gray=True)), levels)
    np.testing.assert_array_equal(images.to_uint8(levels), levels)


def test_to_uint8_rounds_and_cuts_off():
    image = np.array([[-3, 0.4 / 255, 0.6 / 255, 254.6 / 255, 7]])
    assert images.to_uint8(image).tolist() == [[0, 0, 1, 255, 255]]


@settings(deadline=None)
@given(image=PICTURES, size=SIZES)
def test_resize_keeps_shape_and_range(image, size):
    scaled = images.resize(image, size)
    expected = size if isinstance(size, tuple) else (size, size)
    assert_picture(scaled, (*expected, *image.shape[2:]))
    assert scaled.min() >= image.min() and scaled.max() <= image.max()


def test_resize_draws_straight_lines_and_does_not_alias():
    np.testing.assert_allclose(images.resize([[0.0, 1.0]], (1, 4)), [[0, 0.25, 0.75, 1]])
    stripes = np.tile(np.float32([0, 1]), (64, 32))  # finer than the small picture can show
    small = images.resize(stripes, 16)
    assert np.abs(small - 0.5).max() < 0.1
    np.testing.assert_array_equal(images.resize(stripes, 64), stripes)


def test_load_scales_like_resize():
    cat = images.to_png(images.sample("cat"))
    for size in (16, (20, 31), 200, (2, 400)):  # blocks are averaged first for the small ones
        direct, slow = images.load(cat, size), images.resize(images.load(cat), size)
        assert direct.shape == slow.shape
        assert np.abs(direct - slow).mean() < 0.01
    lines = np.tile(np.uint8([[0], [255]]), (50, 800))  # as many as before, on less width
    assert np.ptp(images.load(encoded(Image.fromarray(lines)), (100, 8)), axis=0).min() == 1


def test_resize_takes_the_middle_for_an_int_and_all_for_a_pair():
    image = np.repeat(np.float32([[0, 0, 0.5, 0.5, 1, 1]]), 2, axis=0)
    np.testing.assert_array_equal(images.resize(image, 2), np.full((2, 2), 0.5))
    assert images.resize(image, (2, 3))[0].tolist() == pytest.approx([0.06, 0.5, 0.94], abs=0.07)


@given(image=PICTURES, data=st.data())
def test_crop_is_centered(image, data):
    height = data.draw(st.integers(1, image.shape[0]))
    width = data.draw(st.integers(1, image.shape[1]))
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    crop = images.center_crop(image, (height, width))
    np.testing.assert_array_equal(crop, image[top : top + height, left : left + width])
    assert images.center_crop(image).shape[:2] == (min(image.shape[:2]),) * 2


def test_to_gray_weights():
    gray = images.to_gray(np.float32([[RED, GREEN, BLUE, WHITE]]))
    np.testing.assert_allclose(gray, [[0.299, 0.587, 0.114, 1]], atol=1e-6)
    image = np.float32([[0.1, 0.7]])
    np.testing.assert_array_equal(images.to_gray(image), image)


# --- Writing ------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [".png", ".webp", ".tif", ".tiff", ".bmp", ".PNG", ".jpg"])
def test_save_and_load_again(tmp_path, ending):
    image = images.sample("cat", 64)
    path = tmp_path / f"cat{ending}"
    path.write_bytes(b"old")
    images.save(path, image)
    errors = np.abs(images.load(path) - image)
    assert errors.mean() < 0.02 if ending == ".jpg" else errors.max() <= HALF_STEP
    assert os.listdir(tmp_path) == [path.name]


def test_save_leaves_nothing_half_written(tmp_path, monkeypatch):
    path = tmp_path / "cat.png"
    path.write_bytes(b"old")
    (tmp_path / "dir.png").mkdir()
    for name in ("cat", "cat.", "cat.doc", "cat.png.txt", "no/cat.png", "dir.png"):
        with refused(name):
            images.save(tmp_path / name, np.zeros((2, 2)))
    with refused("wide.webp"):
        images.save(tmp_path / "wide.webp", np.zeros((1, 20_000)))

    def full_disk(file, _):
        file.open("wb").close()
        raise OSError(28, "No space left on device")

    for owner, step in ((os, "replace"), (Path, "write_bytes")):  # the last one, then the first
        monkeypatch.setattr(owner, step, full_disk)
        with refused("cat.png", "No space left"):
            images.save(path, np.zeros((2, 2)))
    assert sorted(os.listdir(tmp_path)) == ["cat.png", "dir.png"] and path.read_bytes() == b"old"


# --- Showing ------------------------------------------------------------------------------------


def test_gif_shows_every_frame_in_order_and_forever():
    frames = np.full((5, 20, 30, 3), 0.9)
    for number, frame in enumerate(frames):  # a square moves right
        frame[5:10, 5 * number : 5 * number + 5] = (0, 0.4, 0.8)
    with Image.open(io.BytesIO(images.to_gif(frames, seconds=0.25))) as gif:
        assert gif.n_frames == len(frames) and gif.info["loop"] == 0
        for number, frame in enumerate(frames):
            gif.seek(number)
            assert gif.info["duration"] == 250
            assert np.abs(np.asarray(gif.convert("RGB")) / 255 - frame).max() < 0.02


def test_an_animation_says_what_it_shows(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    images.animate([np.eye(8)], "a line falls")
    data, metadata = shown[0]._repr_mimebundle_()
    assert data["image/gif"] and metadata["image/gif"] == {"alt": "a line falls"}
    with Image.open(io.BytesIO(shown[0].data)) as gif:
        assert np.array_equal(np.asarray(gif.convert("L")), 255 * np.eye(8))


SQUARE = np.zeros((2, 2))


@pytest.mark.parametrize(
    ("call", "part"),
    [
        (lambda: images.sample("dog"), "'dog'"),
        (lambda: images.load(Image.new("RGB", (0, 5))), "the picture has no pixels"),
        (lambda: images.load(io.StringIO("words")), "'rb'"),
        (lambda: images.validate(np.zeros((4, 4), np.uint8), "photo"), "photo: uint8"),
        (lambda: images.validate(np.zeros((4, 4, 1)), "photo"), "photo has the shape (4, 4, 1)"),
        (lambda: images.center_crop(np.zeros((4, 6)), 5), "4 x 6"),
        (lambda: images.center_crop(np.zeros((4, 6)), (4, 7)), "4 x 6"),
        (lambda: images.load(SQUARE, 2.5), "2.5"),
        (lambda: images.resize(SQUARE, "8"), "'8'"),
        (lambda: images.resize(SQUARE, (0, 4)), "0"),
        (lambda: images.resize(SQUARE, (4, 4, 3)), "(4, 4, 3)"),
        (lambda: images.resize(SQUARE, (8192, 8193)), "(8192, 8193)"),
        (lambda: images.to_uint8([[np.nan]]), "image"),
        (lambda: images.to_uint8([[np.inf]]), "image"),
        (lambda: images.to_uint8([[200]]), "image"),
        (lambda: images.to_uint8(np.zeros((2, 2, 4), np.uint8)), "(2, 2, 4)"),
        (lambda: images.to_gif([]), "frames"),
        (lambda: images.to_gif([np.zeros((2, 3)), np.zeros((3, 2))]), "2x3, 3x2"),
        (lambda: images.to_gif([SQUARE], 0.019), "0.019"),
        (lambda: images.to_gif([SQUARE], "fast"), "'fast'"),
        (lambda: images.to_gif([np.zeros((2, 3, 4, 5))]), "(2, 3, 4, 5)"),
        (lambda: images.show([]), "pictures"),
        (lambda: images.show({"a": SQUARE, "b": np.float32([[-2, 3]])}), "picture b"),
        (lambda: images.show([SQUARE, np.float32([[0, 1.1]])]), "picture 2"),
        (lambda: images.show(np.float32([[-0.1, 1]])), "signed=True"),
        (lambda: images.show(np.full((2, 2), np.nan), signed=True), "NaN"),
        (lambda: images.show(np.zeros((2, 2, 5)), signed=True), "(2, 2, 5)"),
        (lambda: images.show(np.zeros((0, 2)), signed=True), "(0, 2)"),
        (lambda: images.show(np.full((2, 2, 3), 2.0), limits="each"), "picture 1"),
        (lambda: images.show([SQUARE], ["a", "b"]), "titles"),
        (lambda: images.show({"a": SQUARE}, ["a"]), "titles"),
        (lambda: images.show([SQUARE], signed=[True, True]), "signed"),
        (lambda: images.show(SQUARE, limits=(1, 0)), "(1, 0)"),
        (lambda: images.show(SQUARE, limits="all"), "'all'"),
        (lambda: images.show(SQUARE, signed=True, limits=(0, 1)), "(0, 1)"),
        *((lambda c=c: images.show(SQUARE, columns=c), repr(c)) for c in (0, "2", 1.5)),
        *((lambda h=h: images.show(SQUARE, height=h), repr(h)) for h in (0, -2.6, np.nan, "2")),
    ],
)
def test_what_is_refused(call, part):
    with refused(part):
        call()
    assert not plt.get_fignums()


def panels() -> list[plt.Axes]:
    return [axis for axis in plt.gcf().axes if axis.images]


def color_limits() -> list[tuple[float, float]]:
    return [axis.images[0].get_clim() for axis in panels()]


def test_show_takes_one_several_or_a_mapping():
    image = np.full((8, 12, 3), 0.5)
    for pictures, titles, expected in (
        (image, None, [""]),
        (image, "one", ["one"]),
        ([image, image[..., 0]], ["a", "b"], ["a", "b"]),
        ({"x": image, "y": image, "z": image}, None, ["x", "y", "z"]),
        (np.stack([image, image]), None, ["", ""]),
    ):
        assert images.show(pictures, titles, caption="Gray squares.") is None
        assert [axis.get_title() for axis in panels()] == expected
        assert all(not axis.axison for axis in plt.gcf().axes)
        assert plt.gcf().get_supxlabel() == "Gray squares."


@pytest.mark.parametrize(("count", "grid"), [(1, (1, 1)), (4, (1, 4)), (5, (2, 3)), (9, (3, 3))])
def test_show_fills_rows_evenly(count, grid):
    images.show([np.zeros((4, 4))] * count)
    assert len(panels()) == count
    assert panels()[0].get_subplotspec().get_gridspec().get_geometry() == grid


def test_show_gives_pictures_their_height_and_titles_their_room():
    images.show([np.ones((40, 60))] * 4, ["one\nline", "two", "", ""], 2, 1.5, signed=True)
    plt.gcf().draw_without_rendering()
    for axis in panels()[:4]:
        picture, title = axis.images[0].get_window_extent(), axis.title.get_window_extent()
        assert picture.height == pytest.approx(1.5 * plt.gcf().dpi, rel=0.1)
        assert picture.y1 <= title.y0 <= picture.y1 + 20 and title.y1 <= plt.gcf().bbox.height


def test_show_signed_is_symmetric_and_shared():
    photo = np.random.default_rng(0).random((8, 8))
    small, large = photo - 0.5, 3 * photo - 1
    images.show([photo, small, large], signed=[False, True, True])
    bound = np.abs(large).max()
    assert color_limits()[0] == (0, 1) and panels()[0].images[0].get_cmap().name == "gray"
    for axis in panels()[1:3]:
        assert axis.images[0].get_clim() == pytest.approx((-bound, bound))
        red, _, blue, _ = axis.images[0].get_cmap()(0.95)
        assert red > blue
    assert len(plt.gcf().axes) == 4  # the three and a color bar
    images.show([small, large], signed=np.bool_(True), columns=np.int64(1), height=np.float32(1))
    assert color_limits() == [pytest.approx((-bound, bound))] * 2
    images.show([np.stack([photo] * 3, axis=2), small / 9], signed=True)  # a photo has no sign
    assert color_limits()[1] == pytest.approx((small.min() / 9, -small.min() / 9), rel=0.2)


def test_show_limits():
    response = np.float32([[-2, 1]])
    images.show([response, response / 4, response], signed=[True, True, False], limits="each")
    assert color_limits() == [(-2, 2), (-0.5, 0.5), (-2, 1)] and len(plt.gcf().axes) == 3
    images.show(response, limits=(-2, 5))
    assert color_limits() == [(-2, 5)]
    images.show(np.zeros((2, 2)), signed=True)
    assert color_limits() == [(-1, 1)]
    images.show(np.int64([[-3, 1]]), signed=True)
    assert color_limits() == [(-3, 3)]


@given(
    st.integers(0, 9), st.integers(0, 9), st.integers(1, 4), st.integers(1, 4), st.integers(1, 3)
)
def test_outline_frames_the_window_and_nothing_else(top, left, height, width, thickness):
    image = np.random.default_rng(0).random((8, 9))
    framed = images.outline(image, top, left, height, width, RED, thickness)
    y, x = np.mgrid[:8, :9]

    def within(grow: int) -> np.ndarray:
        rows = (top - grow <= y) & (y < top + height + grow)
        return rows & (left - grow <= x) & (x < left + width + grow)

    frame = within(thickness) & ~within(0)
    assert (framed[frame] == RED).all()
    np.testing.assert_array_equal(framed[~frame], np.stack([image] * 3, axis=2)[~frame])
    before = framed.copy()
    images.outline(framed, 1, 1, 1, 1, BLUE)
    np.testing.assert_array_equal(framed, before)
