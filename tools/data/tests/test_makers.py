"""The programs that draw pictures, speak digits, count layers and list files: each on its own."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from scipy import ndimage

from tools.data import make_manifest, make_sounds, make_styles, paint

DATA = make_manifest.DATA

# --- the manifest -------------------------------------------------------------------------------


def test_manifest_lists_every_file_as_it_is():
    listed = json.loads((DATA / "manifest.json").read_text(encoding="utf-8"))["files"]
    expected = json.loads(make_manifest.manifest())["files"]
    assert [e["file"] for e in listed] == [e["file"] for e in expected]
    for entry, made in zip(listed, expected, strict=True):
        assert entry == made, f"{made['file']}: run `python -m tools.data.make_manifest`"
        assert (DATA.parent / entry["file"]).stat().st_size == entry["bytes"]


def git(*arguments: str) -> subprocess.CompletedProcess:
    command = ["git", "-C", str(DATA.parent), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_manifest_names_license_origin_program_and_a_commit_of_the_history():
    entries = make_manifest.listed().values()
    for entry in entries:
        assert entry["license"] and entry["origin"]
        assert (DATA.parent / entry["script"]).is_file(), entry
        assert len(entry["commit"]) == 40, entry
    if git("rev-parse", "--is-shallow-repository").stdout.strip() != "false":
        pytest.skip("no git, or no whole history here: whether commits are in it is not known")
    for commit in {entry["commit"] for entry in entries}:
        assert git("merge-base", "--is-ancestor", commit, "HEAD").returncode == 0, commit


def test_manifest_notices_a_new_a_changed_and_an_unexplained_file(tmp_path, monkeypatch):
    monkeypatch.setattr(make_manifest, "DATA", tmp_path)
    monkeypatch.setattr(make_manifest, "head", lambda: "now")
    picture = tmp_path / "styles" / "one.jpg"
    picture.parent.mkdir()
    picture.write_bytes(b"1")
    (tmp_path / "README.md").write_text("not listed")
    (tmp_path / ".hidden").write_text("not listed")

    def entry() -> dict:
        (found,) = json.loads(make_manifest.manifest())["files"]
        return found

    first = entry()
    assert first["file"] == "data/styles/one.jpg" and first["commit"] == "now"
    assert first["script"] == "tools/data/make_styles.py"
    before = json.dumps({"files": [first | {"commit": "earlier"}]})
    (tmp_path / "manifest.json").write_text(before)
    assert entry() == first | {"commit": "earlier"}
    picture.write_bytes(b"2")
    assert entry() == first | {"sha256": hashlib.sha256(b"2").hexdigest()}
    (tmp_path / "styles" / "photo.png").write_bytes(b"3")
    with pytest.raises(SystemExit, match=r"styles/photo\.png"):
        make_manifest.manifest()


@pytest.mark.parametrize("stale", [True, False])
def test_manifest_is_written_or_checked(stale, tmp_path, monkeypatch):
    monkeypatch.setattr(make_manifest, "DATA", tmp_path)
    monkeypatch.setattr("sys.argv", ["make_manifest"])
    make_manifest.main()
    assert json.loads((tmp_path / "manifest.json").read_text()) == {"files": []}
    monkeypatch.setattr("sys.argv", ["make_manifest", "--check"])
    if stale:
        (tmp_path / "manifest.json").write_text('{"files": []} ')
        with pytest.raises(SystemExit, match="stale"):
            make_manifest.main()
    else:
        make_manifest.main()


# --- style pictures -----------------------------------------------------------------------------

# Of the programs that drew all pictures as they ship, found by `make_styles --check`.
CHECKED = "521ca06766971ae8"


def programs() -> str:
    """A hash of the text of the programs."""
    texts = [Path(module.__file__).read_text(encoding="utf-8") for module in (make_styles, paint)]
    return hashlib.sha256("".join(texts).encode()).hexdigest()[:16]


def shipped(name: str) -> np.ndarray:
    return np.asarray(Image.open(DATA / "styles" / f"{name}.jpg"), dtype=np.float32) / 255


def correlation(one: np.ndarray, two: np.ndarray) -> float:
    """Correlation of two pictures without their coarse parts: do the details agree?"""
    fine = [(a - ndimage.gaussian_filter(a, (8, 8, 0))).ravel() for a in (one, two)]
    return float(np.corrcoef(*fine)[0, 1])


def test_the_programs_draw_the_pictures_that_ship(capsys):
    """One of them, which takes a second; all, which takes half a minute, if a program changed."""
    changed = programs() != CHECKED
    names = [] if changed else ["ink_waves"]
    differing = make_styles.main(["--check", *names])
    said = capsys.readouterr().out
    assert said.count(".jpg") == (len(make_styles.STYLES) if changed else 1)
    if differing and not changed:
        pytest.skip("this machine rounds otherwise than the one where the pictures were drawn")
    assert not differing, said
    assert not changed, f"all is drawn as it ships: write {programs()} into CHECKED"


def test_pictures_repeat_and_resemble_what_ships(tmp_path):
    first, second = (make_styles.make("ink_waves", tmp_path / k) for k in "ab")
    assert first.read_bytes() == second.read_bytes()
    drawn = np.asarray(Image.open(first), dtype=np.float32) / 255
    assert correlation(drawn, shipped("ink_waves")) > 0.95  # another machine may round otherwise
    assert correlation(drawn, shipped("woodcut")) < 0.5


# --- sounds -------------------------------------------------------------------------------------


@given(hnp.arrays(float, st.integers(1, 50), elements=st.floats(-1, 1)))
def test_mu_law_is_within_half_a_step(wave):
    """The step grows with the amplitude: ln(256) / 127.5 of (|x| + 1/255), and half of it errs."""
    decoded = make_sounds.decoding_table()[make_sounds.encode(wave)]
    step = np.expm1(np.log(256) / 255) * (np.abs(wave) + 1 / 255)
    assert np.all(np.abs(decoded - wave) <= step * 1.01 + 1e-7)


@given(*[st.integers(0, 4000)] * 2, st.integers(400, 3000), st.sampled_from([0.05, 1]))
def test_trimming_keeps_the_sound_and_drops_the_silence(before, after, length, loudness):
    tone = loudness * np.sin(np.arange(length) * 0.7 + 0.5)
    wave = np.concatenate([np.zeros(before), tone, np.zeros(after)])
    short = make_sounds.trim(wave)
    assert length - 2 <= len(short) + 1 <= length + 2 * 120 + 1
    assert short[0] == short[-1] == 0
    middle = short[min(before, 120) :][60 : length - 60]
    np.testing.assert_array_equal(middle, tone[60 : length - 60][: len(middle)])


def test_all_voices_speak_every_digit_and_examples_are_kept(tmp_path, monkeypatch):
    spoken = []

    def speak(text: str, voice: str, rate: int, pitch: int) -> np.ndarray:
        spoken.append((text, voice, rate, pitch))
        return np.sin(np.arange(1000 + len(spoken)) * 0.4)

    monkeypatch.setattr(make_sounds, "speak", speak)
    with np.load(make_sounds.make(tmp_path)) as made, np.load(DATA / "sounds/digits.npz") as ships:
        same = ("digit", "voice", "take", "rate", "pitch", "ending", "sample_rate", "table")
        assert set(made.files) == set(ships.files) == {*same, "codes", "offsets"}
        for key in same:  # chance was asked as it was for what ships
            np.testing.assert_array_equal(made[key], ships[key])
        said = [
            make_sounds.WORDS[d] + e for d, e in zip(made["digit"], made["ending"], strict=True)
        ]
        names = [make_sounds.VOICES[voice][0] for voice in made["voice"]]
        columns = (said, names, made["rate"], made["pitch"])
        assert spoken == list(zip(*columns, strict=True))
        wave = made["table"][made["codes"]]
        assert len(wave) == made["offsets"][-1]
        loudest = np.abs(wave[: made["offsets"][1]]).max()
        assert 0.3 < loudest < 0.95
    files = {file.name for file in tmp_path.iterdir()}
    assert files == {file.name for file in (DATA / "sounds").iterdir()}
    assert (tmp_path / "voices.csv").read_bytes() == (DATA / "sounds/voices.csv").read_bytes()


def test_two_voices_that_sound_the_same_are_refused(monkeypatch):
    sound = {name: np.full(9, number) for number, (name, *_) in enumerate(make_sounds.VOICES)}
    monkeypatch.setattr(make_sounds, "speak", lambda text, voice, rate, pitch: sound[voice])
    make_sounds.check_voices()
    names = [voice[0] for voice in make_sounds.VOICES]
    sound[names[4]] = sound[names[2]]
    with pytest.raises(SystemExit) as refusal:
        make_sounds.check_voices()
    assert names[2] in str(refusal.value) and names[4] in str(refusal.value)


def test_espeak_gives_every_voice_its_own_sound():
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed; the sounds that ship were made with it")
    make_sounds.check_voices()


# --- tables -------------------------------------------------------------------------------------


def test_the_published_figures_and_the_challenge_are_those_that_ship(tmp_path, monkeypatch):
    from tools.data import make_tables  # loads TensorFlow

    monkeypatch.setattr(make_tables, "FOLDER", tmp_path)
    with (DATA / "tables/keras_applications.csv").open(newline="", encoding="utf-8") as file:
        counted = {row["model"]: row for row in csv.DictReader(file)}
    numbers = ("parameters", "depth", "input_size", "multiply_adds")
    known = {name: {key: int(row[key]) for key in numbers} for name, row in counted.items()}
    monkeypatch.setattr(make_tables, "count", known.get)
    make_tables.main()
    for file in tmp_path.iterdir():
        assert file.read_bytes() == (DATA / "tables" / file.name).read_bytes()
    for key, more in (("parameters", 10**5), ("depth", 1)):
        wrong = known["VGG19"] | {key: known["VGG19"][key] + more}
        monkeypatch.setattr(make_tables, "count", (known | {"VGG19": wrong}).get)
        with pytest.raises(SystemExit, match="VGG19"):
            make_tables.applications()


@pytest.mark.parametrize("name", ["MobileNet", "MobileNetV2", "NASNetMobile", "EfficientNetV2B0"])
def test_counts_equal_those_that_ship(name):
    from tools.data import make_tables

    with (DATA / "tables/keras_applications.csv").open(newline="", encoding="utf-8") as file:
        (row,) = (row for row in csv.DictReader(file) if row["model"] == name)
    counts = make_tables.count(name)
    assert {key: int(row[key]) for key in counts} == counts and len(counts) == 4
