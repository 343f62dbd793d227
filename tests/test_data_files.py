"""What ships under data/: the style pictures, the sounds, the tables."""

import csv
import itertools

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from scipy.io import wavfile
from skimage import color
from sklearn.linear_model import LogisticRegression

from course_utils import data
from tools.data import make_sounds, make_styles, paint

DATA = data.ROOT
STYLES = sorted(make_styles.STYLES)


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def megabytes(folder: str) -> float:
    return sum(f.stat().st_size for f in (DATA / folder).rglob("*") if f.is_file()) / 1e6


def test_data_stays_small():
    assert megabytes("styles") < 1.5
    assert megabytes("sounds") < 3
    assert megabytes("tables") < 0.1
    assert megabytes(".") < 10


# ---------------------------------------------------------------------------------------------
# Style pictures


def style(name: str) -> np.ndarray:
    return np.asarray(Image.open(DATA / "styles" / f"{name}.jpg"), dtype=np.float32) / 255


def test_every_style_is_there():
    assert [f.name for f in sorted((DATA / "styles").iterdir())] == [f"{n}.jpg" for n in STYLES]
    assert len(STYLES) >= 6


@pytest.mark.parametrize("name", STYLES)
def test_style_has_contrast_color_and_texture_at_every_scale(name):
    image = style(name)
    assert image.shape == (paint.SIZE, paint.SIZE, 3)
    gray = image.mean(axis=-1)
    assert 0.25 < gray.mean() < 0.75
    assert gray.std() > 0.12
    assert np.hypot(*np.moveaxis(color.rgb2lab(image)[..., 1:], -1, 0)).mean() > 10
    blurred = [gray] + [ndimage.gaussian_filter(gray, s) for s in (1, 2, 4, 8, 16)]
    bands = [(fine - coarse).std() for fine, coarse in itertools.pairwise(blurred)]
    assert min(bands) > 0.015, np.round(bands, 3)


def test_styles_differ_in_color():
    means = np.array([color.rgb2lab(style(n)).reshape(-1, 3).mean(axis=0) for n in STYLES])
    apart = np.linalg.norm(means[:, None] - means, axis=-1)
    assert apart[~np.eye(len(STYLES), dtype=bool)].min() > 5


# ---------------------------------------------------------------------------------------------
# Sounds


@pytest.fixture(scope="module")
def speech() -> data.Speech:
    return data.spoken_digits()


def test_voices_are_recorded():
    voices = rows("sounds/voices.csv")
    assert [(v["espeak_voice"], int(v["middle_pitch"]), v["description"]) for v in voices] == list(
        make_sounds.VOICES
    )
    assert len({v["espeak_voice"] for v in voices}) == 12
    with np.load(data.path("sounds/digits.npz")) as digits:
        assert np.ptp(digits["rate"]) > 60 and np.ptp(digits["pitch"]) > 40


def test_clips_are_trimmed_audible_and_not_clipped(speech):
    for clip in speech.clips:
        peak = np.abs(clip).max()
        assert 0.15 < len(clip) / 8000 < 1.2
        assert 0.25 < peak < 0.98
        assert abs(clip.mean()) < 0.02
        assert np.abs(clip[[0, -1]]).max() < 0.01  # no click at either end
        heard = np.flatnonzero(np.abs(clip) > 0.009 * peak)  # trimmed at 0.01, then coded
        assert heard[0] <= 120 and heard[-1] >= len(clip) - 121  # 15 ms


def test_no_clip_comes_twice(speech):
    assert len({clip.tobytes() for clip in speech.clips}) == 840


def test_a_voice_not_heard_before_is_understood(speech):
    """Labels belong to their sounds: a linear model on spectrograms carries over to new voices."""

    def picture(clip: np.ndarray) -> np.ndarray:
        frames = np.lib.stride_tricks.sliding_window_view(clip, 256)[::64] * np.hanning(256)
        power = np.log(np.abs(np.fft.rfft(frames)) ** 2 + 1e-4)
        bands = power[:, :128].reshape(len(power), 32, 4).mean(axis=-1)
        bands = ndimage.zoom(bands, (16 / len(bands), 1), order=1)[:16]
        return (bands - bands.mean()).ravel()

    features = np.stack([picture(clip) for clip in speech.clips]) / 3
    new = np.isin(speech.speaker, ["v02", "v07", "v10"])
    model = LogisticRegression(C=0.01, max_iter=200).fit(features[~new], speech.digit[~new])
    assert model.score(features[new], speech.digit[new]) > 0.85


def test_example_files_hold_the_clips_they_are_named_after(speech):
    files = sorted((DATA / "sounds").glob("*.wav"))
    assert len(files) == len(make_sounds.EXAMPLES)
    for file in files:
        voice, word = file.stem.split("_")
        rate, wave = wavfile.read(file)
        assert rate == 8000 and wave.dtype == np.int16
        (k,) = np.flatnonzero(
            (speech.speaker == voice)
            & (speech.take == 0)
            & (speech.digit == make_sounds.WORDS.index(word))
        )
        error = wave / 32767 - speech.clips[k]
        assert 30 < 10 * np.log10(np.mean(speech.clips[k] ** 2) / np.mean(error**2)) < 50


# ---------------------------------------------------------------------------------------------
# Tables


def test_applications_table_is_complete_and_consistent():
    table = rows("tables/keras_applications.csv")
    assert len({row["model"] for row in table}) == len(table) == 33
    assert (table[0]["model"], table[-1]["model"]) == ("Xception", "EfficientNetV2L")
    for row in table:
        assert 50 < float(row["top1_percent"]) < float(row["top5_percent"]) < 100
        assert int(row["parameters"]) / 1e6 == pytest.approx(
            float(row["published_millions"]), abs=0.0501
        )
        # a weight file holds 4 bytes a parameter, and little else
        assert float(row["size_mb"]) * 2**20 == pytest.approx(4 * int(row["parameters"]), rel=0.5)
        assert row["published_depth"] in ("", row["depth"])
    blank = [row["model"] for row in table if not row["published_depth"]]
    assert blank == [row["model"] for row in table if row["model"].startswith("EfficientNetV2")]
    assert blank == [row["model"] for row in table if not row["cpu_ms"] or not row["gpu_ms"]]
    assert [int(r["depth"]) for r in table[-7:]] == [151, 185, 193, 225, 281, 403, 557]


def test_multiply_adds_of_vgg16_by_hand():
    (vgg,) = (r for r in rows("tables/keras_applications.csv") if r["model"] == "VGG16")
    widths = [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)]
    total, channels, side = 0, 3, 224
    for width, repeats in widths:
        for _ in range(repeats):
            total += side * side * 9 * channels * width
            channels = width
        side //= 2
    total += 7 * 7 * 512 * 4096 + 4096 * 4096 + 4096 * 1000
    assert int(vgg["multiply_adds"]) == total


def test_error_falls_each_year_and_passes_the_human():
    table = rows("tables/ilsvrc_errors.csv")
    human, years = table.pop(), [int(row["year"]) for row in table[:-1]] + [2017]
    assert years == list(range(2010, 2018))
    errors = [float(row["top5_error_percent"]) for row in table]
    assert errors == sorted(errors, reverse=True)
    assert (human["entry"], float(human["top5_error_percent"])) == ("human", 5.1)
    assert errors[years.index(2014)] > 5.1 > errors[years.index(2015)]
    assert all(row["source"] for row in [*table, human])
