"""Pictures of every kind go in; a float32 array or one clear sentence comes out."""

from __future__ import annotations

import io
import os
import warnings
from pathlib import Path

import matplotlib

from course_utils.ask import CourseError

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from course_utils import images

HALF_STEP = 0.5 / 255 + 1e-7
RED, GREEN, BLUE, WHITE = (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1)


@pytest.fixture(autouse=True)
def _no_figures_no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
    plt.close("all")


def assert_sentence(error: pytest.ExceptionInfo, *parts: str) -> None:
    """One line, one sentence, with a remedy after the semicolon, and the named parts."""
    text = str(error.value)
    assert isinstance(error.value, ValueError)
    assert "\n" not in text and text.endswith(".") and not text.endswith("..")
    problem, _, remedy = text.partition("; ")
    assert problem and len(remedy) > 8, text
    for part in parts:
        assert part in text, text


def assert_picture(image: np.ndarray, shape: tuple[int, ...]) -> None:
    assert image.dtype == np.float32
    assert image.shape == shape
    assert np.isfinite(image).all() and image.min() >= 0 and image.max() <= 1


def two_by_three(mode: str = "RGB") -> Image.Image:
    """Two rows: red green blue, white black white."""
    picture = Image.new("RGB", (3, 2), "white")
    for x, color in enumerate(("red", "lime", "blue")):
        picture.putpixel((x, 0), Image.new("RGB", (1, 1), color).getpixel((0, 0)))
    picture.putpixel((1, 1), (0, 0, 0))
    return picture.convert(mode)


def encoded(picture: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


# --- Pictures that work -------------------------------------------------------------------------


def test_every_way_to_give_the_same_picture(tmp_path):
    path = tmp_path / "small.png"
    path.write_bytes(data := encoded(two_by_three()))
    pixels = np.asarray(two_by_three())
    used = io.BytesIO(data)
    used.read()
    with path.open("rb") as handle:
        results = [
            images.load(source)
            for source in (path, str(path), data, bytearray(data), memoryview(data), handle, used)
        ]
    results += [images.load(two_by_three()), images.load(pixels), images.load(pixels / 255)]
    for image in results:
        assert_picture(image, (2, 3, 3))
        np.testing.assert_array_equal(image, results[0])
    assert [tuple(p) for p in results[0].reshape(-1, 3)] == [
        RED, GREEN, BLUE, WHITE, (0, 0, 0), WHITE,
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP", "BMP", "TIFF", "PPM"])
def test_lossless_formats_keep_the_pixels(kind):
    options = {"lossless": True} if kind == "WEBP" else {}
    image = images.load(encoded(two_by_three(), kind, **options))
    np.testing.assert_array_equal(image, images.load(two_by_three()))


def test_rgba_lies_on_white():
    pixels = np.array([[[255, 0, 0, 255], [255, 0, 0, 0], [0, 0, 0, 128]]], dtype=np.uint8)
    for source in (encoded(Image.fromarray(pixels)), pixels, pixels / 255):
        image = images.load(source)
        assert_picture(image, (1, 3, 3))
        np.testing.assert_allclose(image[0], [RED, WHITE, [127 / 255] * 3], atol=HALF_STEP)


def test_palette_with_and_without_transparency():
    palette = two_by_three().convert("P", palette=Image.Palette.ADAPTIVE, colors=8)
    plain = images.load(encoded(palette))
    np.testing.assert_array_equal(plain, images.load(two_by_three()))
    clear = images.load(encoded(palette, transparency=palette.getpixel((0, 0))))
    np.testing.assert_array_equal(clear[0, 0], WHITE)
    np.testing.assert_array_equal(clear[0, 1:], plain[0, 1:])
    several = bytes([0] * 8)  # every entry of the palette is clear
    assert (images.load(encoded(palette, transparency=several)) == 1).all()


def test_gray_with_alpha():
    picture = Image.new("LA", (2, 1), (0, 255))
    picture.putpixel((1, 0), (0, 0))
    image = images.load(encoded(picture), gray=True)
    assert_picture(image, (1, 2))
    np.testing.assert_allclose(image, [[0, 1]], atol=1e-6)


def test_gray_file_with_a_transparent_level():
    picture = Image.fromarray(np.array([[0, 100]], dtype=np.uint8))
    image = images.load(encoded(picture, transparency=0), gray=True)
    np.testing.assert_allclose(image, [[1, 100 / 255]], atol=1e-6)


def test_cmyk_jpeg(tmp_path):
    path = tmp_path / "print.jpg"
    Image.new("CMYK", (16, 8), (0, 255, 255, 0)).save(path, quality=95)
    image = images.load(path)
    assert_picture(image, (8, 16, 3))
    np.testing.assert_allclose(image[4, 8], RED, atol=0.02)


def test_one_bit():
    image = images.load(encoded(two_by_three("1")), gray=True)
    assert_picture(image, (2, 3))
    np.testing.assert_array_equal(image[1], [1, 0, 1])


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_sixteen_bit_gray(kind):
    levels = np.array([[0, 1, 32768, 65535]], dtype=np.uint16)
    image = images.load(encoded(Image.fromarray(levels), kind), gray=True)
    assert_picture(image, (1, 4))
    np.testing.assert_allclose(image, levels / 65535, atol=1e-7)


def test_float_tiff(tmp_path):
    path = tmp_path / "float.tif"
    Image.fromarray(np.array([[0, 0.123456, 1]], dtype=np.float32)).save(path)
    np.testing.assert_allclose(images.load(path, gray=True), [[0, 0.123456, 1]], atol=1e-7)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(orientation):
    upright = np.arange(6, dtype=np.uint8).reshape(2, 3) * 40
    # How the camera stored it: the inverse of what the EXIF tag asks for.
    stored = {
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1],
        5: upright.T, 6: np.rot90(upright), 7: np.rot90(upright, 2).T, 8: np.rot90(upright, -1),
    }[orientation]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(Image.fromarray(np.ascontiguousarray(stored)), exif=exif)
    np.testing.assert_array_equal(images.load(data, gray=True), upright / np.float32(255))


def test_broken_exif_is_no_reason_to_refuse():
    data = encoded(two_by_three(), exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\xff\xff")
    assert_picture(images.load(data), (2, 3, 3))


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_first_frame_of_many(kind):
    frames = [Image.new("RGB", (4, 4), color) for color in ("red", "lime", "blue")]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    assert (images.load(data) == np.float32(RED)).all()


def test_one_pixel():
    image = images.load(encoded(Image.new("RGB", (1, 1), "lime")), size=3)
    assert_picture(image, (3, 3, 3))
    np.testing.assert_array_equal(image[1, 1], GREEN)


def test_twenty_thousand_pixels_wide(tmp_path):
    path = tmp_path / "panorama.png"
    Image.new("L", (20_000, 100), 51).save(path)
    assert_picture(images.load(path, gray=True), (100, 20_000))
    image = images.load(path, size=(10, 2000), gray=True)
    assert_picture(image, (10, 2000))
    np.testing.assert_allclose(image, 0.2, atol=1e-6)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.array([[0, 255]], np.uint8), [[0, 1]]),
        (np.array([[0, 65535]], np.uint16), [[0, 1]]),
        (np.array([[False, True]]), [[0, 1]]),
        (np.array([[0, 0.5]], np.float16), [[0, 0.5]]),
        (np.array([[[0.25], [0.75]]]), [[0.25, 0.75]]),
        ([[0.0, 1.0]], [[0, 1]]),
        (np.array([[-1e-8, 1 + 1e-8]]), [[0, 1]]),
    ],
)
def test_arrays(array, expected):
    image = images.load(array, gray=True)
    assert_picture(image, np.shape(expected))
    np.testing.assert_array_equal(image, np.float32(expected))
    assert images.load(array).shape == (*np.shape(expected), 3)


def test_the_source_is_left_alone():
    array = np.linspace(0, 1, 12, dtype=np.float32).reshape(2, 2, 3)
    before = array.copy()
    images.load(array, gray=True)[...] = 9
    images.load(array)
    picture = two_by_three("RGBA")
    images.load(picture)
    np.testing.assert_array_equal(array, before)
    assert picture.mode == "RGBA"


# --- Pictures that do not -----------------------------------------------------------------------


def _noise(kind: str = "PNG", **options) -> bytes:
    rng = np.random.default_rng(0)
    return encoded(
        Image.fromarray(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)), kind, **options
    )


BAD_FILES = {
    "empty.png": (b"", "is empty"),
    "text.jpg": (b"Dear reader,\nthis is a letter.\n", "is a text file"),
    "cut.png": (_noise()[:3000], "damaged or cut off"),
    "cut.jpg": (_noise("JPEG")[:1500], "damaged or cut off"),
    "cut.gif": (_noise("GIF")[:2000], "damaged or cut off"),
    "cut.webp": (_noise("WEBP")[:800], "damaged or cut off"),
    "cut.tif": (_noise("TIFF")[:5000], "damaged or cut off"),
    "head.png": (_noise()[:20], "damaged"),
    "drawing.svg": (b'<?xml version="1.0"?>\n<svg xmlns="a"/>', "is an SVG drawing"),
    "paper.pdf": (b"%PDF-1.7\n%\xe2\xe3", "is a PDF document"),
    "phone.heic": (b"\0\0\0\x18ftypheic\0\0\0\0", "is a HEIC photo"),
    "film.mp4": (b"\0\0\0\x18ftypisom\0\0\0\0", "is a video"),
    "page.png": (b"<!DOCTYPE html><html></html>", "is a web page"),
    "array.npy": (b"\x93NUMPY\x01\0", "is a NumPy array file"),
    "many.zip": (b"PK\x03\x04\0\0", "is a zip archive"),
    "pointer.png": (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
    "plan.ps": (b"%!PS-Adobe-3.0\n", "is a PostScript document"),
    "noise.png": (bytes(range(255, 0, -1)), "is not a picture"),
    "zeros.bmp": (bytes(2000), "is not a picture"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files(tmp_path, name):
    data, problem = BAD_FILES[name]
    (tmp_path / name).write_bytes(data)
    for size in (None, 8):
        with pytest.raises(CourseError) as error:
            images.load(tmp_path / name, size)
        assert_sentence(error, name, problem)
    with pytest.raises(CourseError) as error:
        images.load(data)
    assert_sentence(error, f"{len(data)} bytes", problem)


def test_missing_file(tmp_path):
    with pytest.raises(CourseError) as error:
        images.load(tmp_path / "no.png")
    assert_sentence(error, "no.png", "does not exist", str(tmp_path))
    (tmp_path / "holiday.jpeg").touch()
    with pytest.raises(CourseError) as error:
        images.load(tmp_path / "holiday.jpg")
    assert_sentence(error, "did you mean 'holiday.jpeg'")
    with pytest.raises(CourseError) as error:
        images.load(tmp_path / "nowhere" / "a.png")
    assert_sentence(error, "there is no folder")
    with pytest.raises(CourseError) as error:
        images.load("coffee")
    assert_sentence(error, "sample('coffee')")


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("https://example.org/cat.jpg", "web address"),
        ("a\0b.png", "cannot be opened"),
        ("x" * 5000, "cannot be opened"),
    ],
)
def test_paths_that_are_none(path, problem):
    with pytest.raises(CourseError) as error:
        images.load(path)
    assert_sentence(error, problem)


def test_name_with_a_line_break(tmp_path):
    path = tmp_path / "two\nlines.png"
    path.write_bytes(b"")
    with pytest.raises(CourseError) as error:
        images.load(path)
    assert_sentence(error, "two lines.png", "is empty")


def test_folder_and_device(tmp_path):
    with pytest.raises(CourseError) as error:
        images.load(tmp_path)
    assert_sentence(error, tmp_path.name, "is a folder")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.png")
        with pytest.raises(CourseError) as error:
            images.load(tmp_path / "pipe.png")
        assert_sentence(error, "pipe.png", "not a regular file")


def test_no_permission(tmp_path, monkeypatch):
    path = tmp_path / "secret.png"
    path.write_bytes(encoded(two_by_three()))

    def refuse(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)  # the tests may run as root, whom no mode stops
    with pytest.raises(CourseError) as error:
        images.load(path)
    assert_sentence(error, "secret.png", "may not be read")


def test_too_many_pixels(tmp_path, monkeypatch):
    path = tmp_path / "wall.png"
    Image.new("L", (100, 80)).save(path)
    monkeypatch.setattr(images, "MAX_PIXELS", 7999)
    with pytest.raises(CourseError) as error:
        images.load(path)
    assert_sentence(error, "wall.png", "100 x 80", "7,999", "smaller")
    for bound in (5000, 2000):  # Pillow warns above its own bound, and raises above twice that
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", bound)
        with pytest.raises(CourseError) as error:
            images.load(path)
        assert_sentence(error, "wall.png", "pixels", "smaller")


def test_tall_claims_in_the_header_cost_no_memory():
    data = bytearray(encoded(Image.new("L", (1, 1))))
    data[16:24] = (60_000).to_bytes(4, "big") * 2
    with pytest.raises(CourseError) as error:
        images.load(bytes(data))
    assert_sentence(error)


def test_float_and_integer_tiffs_out_of_range(tmp_path):
    path = tmp_path / "heights.tif"
    for values, problem in (
        (np.float32([[0, 255]]), "divide it by 255"),
        (np.float32([[np.nan, 1]]), "NaN"),
        (np.int32([[0, 70000]]), "32-bit integers"),
    ):
        Image.fromarray(values).save(path)
        with pytest.raises(CourseError) as error:
            images.load(path)
        assert_sentence(error, "heights.tif", problem)


BAD_ARRAYS = {
    "no rows": (np.zeros((0, 4)), "has no pixels"),
    "no channels": (np.zeros((4, 4, 0)), "has no pixels"),
    "NaN": (np.full((4, 4), np.nan), "NaN or infinity in 16 of 16"),
    "infinity": (np.array([[0, -np.inf]]), "NaN or infinity in 1 of 2"),
    "bytes as floats": (np.array([[0.0, 255.0]]), "divide it by 255"),
    "negative": (np.array([[-0.5, 0.5]]), "from -0.5 to 0.5"),
    "one dimension": (np.zeros(4), "shape (4,)"),
    "no dimension": (np.float32(0), "shape ()"),
    "two channels": (np.zeros((4, 4, 2)), "shape (4, 4, 2)"),
    "batch": (np.zeros((2, 4, 4, 3)), "take one picture of it with [0]"),
    "channels first": (np.zeros((3, 8, 8)), "put the channels last"),
    "complex": (np.zeros((4, 4), complex), "no real numbers"),
    "text": (np.array([["a", "b"]]), "no real numbers"),
    "ragged": ([[1, 2], [3]], "no real numbers"),
    "int64": (np.zeros((4, 4), np.int64), "has the type int64"),
}


@pytest.mark.parametrize("case", BAD_ARRAYS)
def test_bad_arrays(case):
    array, problem = BAD_ARRAYS[case]
    with pytest.raises(CourseError) as error:
        images.load(array)
    assert_sentence(error, "the array", problem)
    for function in (images.to_gray, images.center_crop, images.validate):
        with pytest.raises(CourseError) as error:
            function(array)
        assert_sentence(error, "image")


def test_validate_is_strict_and_names_the_argument():
    with pytest.raises(CourseError) as error:
        images.validate(np.zeros((4, 4, 3), np.uint8), "photo")
    assert_sentence(error, "photo", "uint8", "images.load")
    with pytest.raises(CourseError) as error:
        images.validate(np.zeros((4, 4, 1)), "photo")
    assert_sentence(error, "photo", "[..., 0]")
    assert_picture(images.validate([[0.0, 1.0]]), (1, 2))
    array = np.zeros((4, 4, 3), np.float32)
    np.testing.assert_array_equal(images.validate(array), array)


@pytest.mark.parametrize("source", [None, {}, 3, object()])
def test_no_picture_at_all(source):
    with pytest.raises(CourseError) as error:
        images.load(source)
    assert_sentence(error)


def test_file_objects_that_give_no_bytes(tmp_path):
    path = tmp_path / "open.png"
    path.write_bytes(b"words")
    with path.open() as handle, pytest.raises(CourseError) as error:
        images.load(handle)
    assert_sentence(error, "open.png", "mode 'rb'")
    with pytest.raises(CourseError) as error:
        images.load(handle)  # closed by now
    assert_sentence(error, "open.png", "cannot be read")


def test_pil_image_without_pixels():
    with pytest.raises(CourseError) as error:
        images.load(Image.new("RGB", (0, 5)))
    assert_sentence(error, "the PIL image", "no pixels")


ORIGINALS = [_noise(kind) for kind in ("PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP", "PPM")]


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
def test_samples_are_there(name):
    about = images.SAMPLES[name]
    assert about.description and about.license
    assert_picture(images.sample(name, 16), (16, 16, 3))
    image = images.sample(name, gray=True)
    assert image.ndim == 2 and min(image.shape) > 100 and image.std() > 0.04


def test_samples_are_the_packages_own():
    from skimage import data
    from sklearn.datasets import load_sample_image

    own = {"hubble": "hubble_deep_field", "motorcycle": "stereo_motorcycle"}
    for name, about in images.SAMPLES.items():
        if about.package == "sklearn":
            expected = load_sample_image(f"{name}.jpg")
        else:
            expected = getattr(data, own.get(name, name))()
        if name == "motorcycle":
            expected = expected[0]
        loaded = images.sample(name, gray=expected.ndim == 2)
        if expected.dtype == bool:
            np.testing.assert_array_equal(loaded > 0.5, expected)
        else:
            # Decoders of JPEG may differ by a level or two.
            np.testing.assert_allclose(loaded, np.float32(expected) / 255, atol=2.01 / 255)


def test_unknown_sample():
    with pytest.raises(CourseError) as error:
        images.sample("dog")
    assert_sentence(error, "'dog'", "astronaut", "cat", "text")


# --- Changing -----------------------------------------------------------------------------------

PIXELS = hnp.arrays(
    np.float32,
    st.one_of(
        st.tuples(st.integers(1, 12), st.integers(1, 12)),
        st.tuples(st.integers(1, 12), st.integers(1, 12), st.just(3)),
    ),
    elements=st.floats(0, 1, width=32),
)
SIZES = st.one_of(st.integers(1, 20), st.tuples(st.integers(1, 20), st.integers(1, 20)))


@settings(deadline=None)
@given(image=PIXELS)
def test_png_round_trip(image):
    again = images.load(images.to_png(image), gray=image.ndim == 2)
    assert again.shape == image.shape
    assert np.abs(again - image).max() <= HALF_STEP
    np.testing.assert_array_equal(images.to_uint8(again), images.to_uint8(image))


@given(levels=hnp.arrays(np.uint8, (3, 4)))
def test_bytes_come_back_exactly(levels):
    np.testing.assert_array_equal(images.to_uint8(images.load(levels, gray=True)), levels)


def test_to_uint8_rounds_and_cuts_off():
    image = np.array([[-3, 0.4 / 255, 0.6 / 255, 254.6 / 255, 7]])
    assert images.to_uint8(image).tolist() == [[0, 0, 1, 255, 255]]
    for bad in (np.array([[np.nan]]), np.array([[np.inf]]), np.array([[200]])):
        with pytest.raises(CourseError) as error:
            images.to_uint8(bad)
        assert_sentence(error, "image")


@settings(deadline=None)
@given(image=PIXELS, size=SIZES)
def test_resize_keeps_shape_and_range(image, size):
    scaled = images.resize(image, size)
    expected = size if isinstance(size, tuple) else (size, size)
    assert_picture(scaled, (*expected, *image.shape[2:]))
    assert scaled.min() >= image.min() and scaled.max() <= image.max()


def test_resize_does_not_alias():
    stripes = np.tile(np.float32([0, 1]), (64, 32))  # finer than the small picture can show
    small = images.resize(stripes, 16)
    assert np.abs(small - 0.5).max() < 0.1
    np.testing.assert_array_equal(images.resize(stripes, 64), stripes)


def test_load_scales_like_resize(tmp_path):
    path = tmp_path / "cat.png"
    images.save(path, images.sample("cat"))
    for size in (16, (20, 31), 200):  # blocks are averaged first for the small ones
        direct, slow = images.load(path, size), images.resize(images.load(path), size)
        assert direct.shape == slow.shape
        assert np.abs(direct - slow).mean() < 0.01


def test_resize_takes_the_middle_for_an_int_and_all_for_a_pair():
    image = np.repeat(np.float32([[0, 0, 0.5, 0.5, 1, 1]]), 2, axis=0)
    np.testing.assert_array_equal(images.resize(image, 2), np.full((2, 2), 0.5))
    assert images.resize(image, (2, 3))[0].tolist() == pytest.approx([0.06, 0.5, 0.94], abs=0.07)


@given(image=PIXELS, data=st.data())
def test_crop_is_centered(image, data):
    height = data.draw(st.integers(1, image.shape[0]))
    width = data.draw(st.integers(1, image.shape[1]))
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    crop = images.center_crop(image, (height, width))
    assert crop.shape == (height, width, *image.shape[2:])
    assert 0 <= (image.shape[0] - height - top) - top <= 1
    padded = np.full(image.shape, -1, np.float32)
    padded[top : top + height, left : left + width] = crop
    inside = padded >= 0
    np.testing.assert_array_equal(padded[inside], image[inside])
    assert images.center_crop(image).shape[:2] == (min(image.shape[:2]),) * 2


def test_crop_larger_than_the_picture():
    with pytest.raises(CourseError) as error:
        images.center_crop(np.zeros((4, 6)), 5)
    assert_sentence(error, "size=5", "4 x 6")


@pytest.mark.parametrize("size", [0, -1, 2.5, "8", True, (4,), (4, 4, 3), (0, 4), 10**6])
def test_bad_sizes(size):
    for function in (images.load, images.resize):
        with pytest.raises(CourseError) as error:
            function(np.zeros((4, 4)), size)
        assert_sentence(error, f"size={size!r}")


def test_to_gray_weights():
    gray = images.to_gray(np.float32([[RED, GREEN, BLUE, WHITE]]))
    np.testing.assert_allclose(gray, [[0.299, 0.587, 0.114, 1]], atol=1e-6)
    image = np.float32([[0.1, 0.7]])
    np.testing.assert_array_equal(images.to_gray(image), image)


# --- Writing ------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [".png", ".webp", ".tif", ".tiff", ".bmp", ".PNG"])
def test_save_and_load_again(tmp_path, ending):
    image = images.sample("cat", 32)
    path = tmp_path / f"cat{ending}"
    path.write_bytes(b"old")
    images.save(path, image)
    assert np.abs(images.load(path) - image).max() <= HALF_STEP
    assert os.listdir(tmp_path) == [path.name]


def test_save_jpeg(tmp_path):
    image = images.sample("cat", 64)
    images.save(tmp_path / "cat.jpg", image)
    assert np.abs(images.load(tmp_path / "cat.jpg") - image).mean() < 0.02


@pytest.mark.parametrize("name", ["cat", "cat.", "cat.doc", "cat.png.txt", "no/cat.png"])
def test_save_refuses(tmp_path, name):
    with pytest.raises(CourseError) as error:
        images.save(tmp_path / name, np.zeros((2, 2)))
    assert_sentence(error, Path(name).name)
    assert os.listdir(tmp_path) == []


def test_save_leaves_nothing_half_written(tmp_path, monkeypatch):
    path = tmp_path / "cat.png"
    path.write_bytes(b"old")
    with pytest.raises(CourseError):
        images.save(path, np.full((2, 2), np.nan))

    def full_disk(self, data):
        with self.open("wb") as handle:
            handle.write(data[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(CourseError) as error:
        images.save(path, np.zeros((2, 2)))
    assert_sentence(error, "cat.png", "No space left")
    assert os.listdir(tmp_path) == ["cat.png"] and path.read_bytes() == b"old"


def test_save_over_a_folder_and_too_wide(tmp_path):
    (tmp_path / "dir.png").mkdir()
    with pytest.raises(CourseError) as error:
        images.save(tmp_path / "dir.png", np.zeros((2, 2)))
    assert_sentence(error, "dir.png", "cannot be written")
    with pytest.raises(CourseError) as error:
        images.save(tmp_path / "wide.webp", np.zeros((1, 20_000)))
    assert_sentence(error, "wide.webp", "cannot hold")
    assert os.listdir(tmp_path) == ["dir.png"]


# --- Animations ---------------------------------------------------------------------------------


def moving_square() -> list[np.ndarray]:
    frames = np.full((5, 20, 30, 3), 0.9)
    for number, frame in enumerate(frames):
        frame[5:10, 5 * number : 5 * number + 5] = (0, 0.4, 0.8)
    return list(frames)


def test_gif_shows_every_frame_in_order_and_forever():
    frames = moving_square()
    with Image.open(io.BytesIO(images.to_gif(frames, seconds=0.25))) as gif:
        assert gif.n_frames == len(frames) and gif.info["loop"] == 0
        for number, frame in enumerate(frames):
            gif.seek(number)
            assert gif.info["duration"] == 250
            assert np.abs(np.asarray(gif.convert("RGB")) / 255 - frame).max() < 0.02


def test_gif_of_a_gray_picture():
    with Image.open(io.BytesIO(images.to_gif([np.eye(8)]))) as gif:
        assert np.array_equal(np.asarray(gif.convert("L")), 255 * np.eye(8))


@pytest.mark.parametrize(
    ("frames", "seconds", "part"),
    [
        ([], 0.1, "none"),
        ([np.zeros((2, 3)), np.zeros((3, 2))], 0.1, "2x3, 3x2"),
        ([np.zeros((2, 3))], 0.001, "seconds=0.001"),
        ([np.zeros((2, 3))], "fast", "seconds='fast'"),
        ([np.zeros((2, 3, 4, 5))], 0.1, "(2, 3, 4, 5)"),
    ],
)
def test_gif_refuses(frames, seconds, part):
    with pytest.raises(CourseError) as error:
        images.to_gif(frames, seconds)
    assert_sentence(error, part)


def test_an_animation_says_what_it_shows(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    images.animate(moving_square(), "a square moves right")
    data, metadata = shown[0]._repr_mimebundle_()
    assert data["image/gif"] and metadata["image/gif"] == {"alt": "a square moves right"}


# --- Showing ------------------------------------------------------------------------------------


def shown() -> list[plt.Axes]:
    return [axis for axis in plt.gcf().axes if axis.images]


def test_show_takes_one_several_or_a_mapping():
    image = np.full((8, 12, 3), 0.5)
    for given_images, titles, expected in (
        (image, None, [""]),
        (image, "one", ["one"]),
        ([image, image[..., 0]], ["a", "b"], ["a", "b"]),
        ({"x": image, "y": image, "z": image}, None, ["x", "y", "z"]),
        (np.stack([image, image]), None, ["", ""]),
    ):
        assert images.show(given_images, titles) is None
        assert [axis.get_title() for axis in shown()] == expected
        assert all(not axis.axison for axis in plt.gcf().axes)
        plt.close("all")


@pytest.mark.parametrize(("count", "grid"), [(1, (1, 1)), (4, (1, 4)), (6, (2, 3)), (9, (3, 3))])
def test_show_fills_rows_evenly(count, grid):
    images.show([np.zeros((4, 4))] * count)
    assert len(shown()) == count
    assert shown()[0].get_subplotspec().get_gridspec().get_geometry() == grid


def test_show_signed_is_symmetric_and_shared():
    photo = np.random.default_rng(0).random((8, 8))
    small, large = photo - 0.5, 3 * photo - 1
    images.show([photo, small, large], signed=[False, True, True])
    bound = np.abs(large).max()
    first, *responses = (axis.images[0] for axis in shown()[:3])
    assert first.get_clim() == (0, 1) and first.get_cmap().name == "gray"
    for response in responses:
        assert response.get_clim() == pytest.approx((-bound, bound))
        red, _, blue, _ = response.get_cmap()(0.95)
        assert red > blue
    assert len(plt.gcf().axes) == 4  # the three and a color bar
    images.show([small, large], signed=np.bool_(True), columns=np.int64(1), height=np.float32(1))
    assert [axis.images[0].get_clim() for axis in shown()] == [pytest.approx((-bound, bound))] * 2


def test_show_limits():
    response = np.float32([[-2, 1]])
    images.show([response, response / 4], signed=True, limits="each")
    assert [axis.images[0].get_clim() for axis in shown()] == [(-2, 2), (-0.5, 0.5)]
    images.show(response, limits=(-2, 5))
    assert shown()[0].images[0].get_clim() == (-2, 5)
    images.show(np.zeros((2, 2)), signed=True)
    assert shown()[0].images[0].get_clim() == (-1, 1)


def test_show_writes_the_caption():
    images.show(np.zeros((4, 4)), caption="A black square.")
    assert plt.gcf().get_supxlabel() == "A black square."


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ({"images": []}, "images"),
        ({"images": np.float32([[-2, 3]])}, "signed=True"),
        ({"images": np.full((2, 2), np.nan), "signed": True}, "NaN"),
        ({"images": np.zeros((2, 2, 5)), "signed": True}, "(2, 2, 5)"),
        ({"images": [np.zeros((2, 2))], "titles": ["a", "b"]}, "titles"),
        ({"images": {"a": np.zeros((2, 2))}, "titles": ["a"]}, "titles"),
        ({"images": [np.zeros((2, 2))], "signed": [True, True]}, "signed"),
        ({"images": np.zeros((2, 2)), "limits": (1, 0)}, "limits"),
        ({"images": np.zeros((2, 2)), "limits": "all"}, "limits"),
        ({"images": np.zeros((2, 2)), "signed": True, "limits": (0, 1)}, "limits"),
        ({"images": np.zeros((2, 2)), "columns": 0}, "columns=0"),
        ({"images": np.zeros((2, 2)), "columns": "2"}, "columns='2'"),
        ({"images": np.zeros((2, 2)), "columns": 1.5}, "columns=1.5"),
        ({"images": np.zeros((2, 2)), "height": 0}, "height=0"),
        ({"images": np.zeros((2, 2)), "height": -2.6}, "height=-2.6"),
        ({"images": np.zeros((2, 2)), "height": np.nan}, "height=nan"),
        ({"images": np.zeros((2, 2)), "height": "2"}, "height='2'"),
    ],
)
def test_show_refuses(arguments, part):
    with pytest.raises(CourseError) as error:
        images.show(**arguments)
    assert_sentence(error, part)
    assert not plt.get_fignums()
