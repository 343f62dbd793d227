"""What ships under data/: the manifest, the style pictures, the sounds, the tables."""

import csv
import itertools
import json
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from scipy import ndimage
from scipy.io import wavfile
from skimage import color
from sklearn.linear_model import LogisticRegression

from tools import make_manifest, make_sounds, make_styles

DATA = make_manifest.DATA
STYLES = sorted(make_styles.STYLES)


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / "tables" / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def megabytes(folder: str) -> float:
    return sum(f.stat().st_size for f in (DATA / folder).rglob("*") if f.is_file()) / 1e6


def correlation(one: np.ndarray, two: np.ndarray) -> float:
    """Correlation of two pictures without their coarse parts: do the details agree?"""
    fine = [(a - ndimage.gaussian_filter(a, (8, 8, 0))).ravel() for a in (one, two)]
    return float(np.corrcoef(*fine)[0, 1])


# ---------------------------------------------------------------------------------------------
# The manifest


def test_manifest_lists_every_file_with_its_hash():
    listed = json.loads((DATA / "manifest.json").read_text(encoding="utf-8"))["files"]
    expected = json.loads(make_manifest.manifest())["files"]
    assert {e["file"] for e in listed} == {e["file"] for e in expected}
    for given_, made in zip(listed, expected, strict=True):
        assert given_ == made, f"{made['file']}: run `python tools/make_manifest.py`"


def test_manifest_names_license_origin_and_an_existing_script():
    for entry in json.loads(make_manifest.manifest())["files"]:
        assert entry["license"] and entry["origin"]
        assert (DATA.parent / entry["script"]).is_file(), entry


def test_manifest_notices_a_new_a_changed_and_an_unexplained_file(tmp_path, monkeypatch):
    monkeypatch.setattr(make_manifest, "DATA", tmp_path)
    (tmp_path / "styles").mkdir()
    picture = tmp_path / "styles" / "one.jpg"
    picture.write_bytes(b"1")
    (tmp_path / "README.md").write_text("not listed")
    (tmp_path / ".hidden").write_text("not listed")
    first = make_manifest.manifest()
    assert [e["file"] for e in json.loads(first)["files"]] == ["data/styles/one.jpg"]
    picture.write_bytes(b"2")
    assert make_manifest.manifest() != first
    (tmp_path / "styles" / "photo.png").write_bytes(b"3")
    with pytest.raises(SystemExit, match=r"styles/photo\.png has no license"):
        make_manifest.manifest()


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
    assert image.shape == (make_styles.SIZE, make_styles.SIZE, 3)
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


def test_the_script_draws_the_picture_that_ships(tmp_path):
    first, second = (make_styles.make("ink_waves", tmp_path / k).read_bytes() for k in "ab")
    assert first == second
    drawn = np.asarray(Image.open(tmp_path / "a" / "ink_waves.jpg"), dtype=np.float32) / 255
    assert correlation(drawn, style("ink_waves")) > 0.95  # another machine may round otherwise
    assert correlation(drawn, style("woodcut")) < 0.5


# ---------------------------------------------------------------------------------------------
# Sounds


@pytest.fixture(scope="module")
def digits() -> dict[str, np.ndarray]:
    with np.load(DATA / "sounds" / "digits.npz", allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


@pytest.fixture(scope="module")
def clips(digits) -> list[np.ndarray]:
    return np.split(digits["table"][digits["codes"]], digits["offsets"][1:-1])


def test_every_voice_says_every_digit_equally_often(digits):
    table = np.zeros((len(make_sounds.VOICES), 10, make_sounds.TAKES), dtype=int)
    np.add.at(table, (digits["voice"], digits["digit"], digits["take"]), 1)
    assert table.shape[0] >= 8 and np.all(table == 1)
    assert digits["offsets"][-1] == len(digits["codes"])
    assert int(digits["sample_rate"]) == 8000


def test_voices_are_recorded(digits):
    with (DATA / "sounds" / "voices.csv").open(newline="", encoding="utf-8") as file:
        voices = list(csv.DictReader(file))
    assert [(v["espeak_voice"], int(v["middle_pitch"]), v["description"]) for v in voices] == list(
        make_sounds.VOICES
    )
    assert len({v["espeak_voice"] for v in voices}) == digits["voice"].max() + 1
    assert np.ptp(digits["rate"]) > 60 and np.ptp(digits["pitch"]) > 40


def test_clips_are_trimmed_audible_and_not_clipped(clips):
    for clip in clips:
        peak = np.abs(clip).max()
        assert 0.15 < len(clip) / 8000 < 1.2
        assert 0.25 < peak < 0.98
        assert abs(clip.mean()) < 0.02
        assert np.abs(clip[[0, -1]]).max() < 0.01  # no click at either end
        heard = np.flatnonzero(np.abs(clip) > 0.009 * peak)  # trimmed at 0.01, then coded
        assert heard[0] <= 120 and heard[-1] >= len(clip) - 121  # 15 ms


def test_takes_of_one_voice_and_digit_differ(digits, clips):
    groups: dict[tuple[int, int], set[bytes]] = {}
    for voice, digit, clip in zip(digits["voice"], digits["digit"], clips, strict=True):
        groups.setdefault((int(voice), int(digit)), set()).add(clip.tobytes())
    assert {len(group) for group in groups.values()} == {make_sounds.TAKES}


def test_a_voice_not_heard_before_is_understood(digits, clips):
    """Labels belong to their sounds: a linear model on spectrograms carries over to new voices."""

    def picture(clip: np.ndarray) -> np.ndarray:
        frames = np.lib.stride_tricks.sliding_window_view(clip, 256)[::64] * np.hanning(256)
        power = np.log(np.abs(np.fft.rfft(frames)) ** 2 + 1e-4)
        bands = power[:, :128].reshape(len(power), 32, 4).mean(axis=-1)
        bands = ndimage.zoom(bands, (16 / len(bands), 1), order=1)[:16]
        return (bands - bands.mean()).ravel()

    features = np.stack([picture(clip) for clip in clips]) / 3
    new = np.isin(digits["voice"], [1, 6, 9])
    model = LogisticRegression(C=0.01, max_iter=200).fit(features[~new], digits["digit"][~new])
    assert model.score(features[new], digits["digit"][new]) > 0.85


def test_example_files_hold_the_clips_they_are_named_after(digits, clips):
    files = sorted((DATA / "sounds").glob("*.wav"))
    assert len(files) == len(make_sounds.EXAMPLES)
    for file in files:
        voice, word = file.stem.split("_")
        rate, wave = wavfile.read(file)
        assert rate == 8000 and wave.dtype == np.int16
        k = np.flatnonzero(
            (digits["voice"] == int(voice[1:]) - 1)
            & (digits["take"] == 0)
            & (digits["digit"] == make_sounds.WORDS.index(word))
        )[0]
        error = wave / 32767 - clips[k]
        assert 30 < 10 * np.log10(np.mean(clips[k] ** 2) / np.mean(error**2)) < 50


@given(hnp.arrays(float, st.integers(1, 50), elements=st.floats(-1, 1)))
def test_mu_law_is_within_half_a_step(wave):
    """The step grows with the amplitude: ln(256) / 127.5 of (|x| + 1/255), and half of it errs."""
    decoded = make_sounds.decoding_table()[make_sounds.encode(wave)]
    step = np.expm1(np.log(256) / 255) * (np.abs(wave) + 1 / 255)
    assert np.all(np.abs(decoded - wave) <= step * 1.01 + 1e-7)


@given(st.integers(0, 4000), st.integers(0, 4000), st.integers(400, 3000))
def test_trimming_keeps_the_sound_and_drops_the_silence(before, after, length):
    tone = np.sin(np.arange(length) * 0.7 + 0.5)
    wave = np.concatenate([np.zeros(before), tone, np.zeros(after)])
    short = make_sounds.trim(wave)
    assert length - 2 <= len(short) + 1 <= length + 2 * 120 + 1
    middle = short[min(before, 120) :][60 : length - 60]
    np.testing.assert_array_equal(middle, tone[60 : length - 60][: len(middle)])


def test_espeak_gives_every_voice_its_own_sound():
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed; the sounds that ship were made with it")
    make_sounds.check_voices()


# ---------------------------------------------------------------------------------------------
# Tables


def test_applications_table_is_complete_and_consistent():
    table = rows("keras_applications.csv")
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
    (vgg,) = (r for r in rows("keras_applications.csv") if r["model"] == "VGG16")
    widths = [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)]
    total, channels, side = 0, 3, 224
    for width, repeats in widths:
        for _ in range(repeats):
            total += side * side * 9 * channels * width
            channels = width
        side //= 2
    total += 7 * 7 * 512 * 4096 + 4096 * 4096 + 4096 * 1000
    assert int(vgg["multiply_adds"]) == total


@pytest.mark.parametrize("name", ["MobileNet", "MobileNetV2", "NASNetMobile", "EfficientNetV2B0"])
def test_counts_equal_those_of_keras(name):
    from tools import make_tables  # loads TensorFlow

    (row,) = (r for r in rows("keras_applications.csv") if r["model"] == name)
    assert {k: int(row[k]) for k in ("parameters", "depth", "input_size", "multiply_adds")} == (
        make_tables.count(name)
    )


def test_error_falls_each_year_and_passes_the_human():
    table = rows("ilsvrc_errors.csv")
    human, years = table.pop(), [int(row["year"]) for row in table[:-1]] + [2017]
    assert years == list(range(2010, 2018))
    errors = [float(row["top5_error_percent"]) for row in table]
    assert errors == sorted(errors, reverse=True)
    assert (human["entry"], float(human["top5_error_percent"])) == ("human", 5.1)
    assert errors[years.index(2014)] > 5.1 > errors[years.index(2015)]
    assert all(row["source"] for row in [*table, human])
