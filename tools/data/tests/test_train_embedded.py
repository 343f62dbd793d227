"""Training and measuring the embedded network, on a Tiny ImageNet of a few made-up pictures."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from course_utils import data, networks
from course_utils.ask import CourseError
from course_utils.quiet import tf
from tests.shared import shared
from tools.data import model_card
from tools.data import train_embedded as tool

WNIDS = ("n00000003", "n00000001", "n00000002")  # the official list is not sorted either
RATE = 0.01
DEPTHS, FULL_DEPTHS = (1, 1, 1, 1, 1), networks.DEPTHS
PLAIN = {"phases": ((2, 32), (1, 48)), "batch": 8, "seed": 3, "teacher": None}
SHIPPED = tool.ROOT / "data" / "embedded"


def make_tiny_imagenet(folder: Path) -> Path:
    """Three classes in the official layout: 6 training and 10 validation pictures each."""
    random = np.random.default_rng(5)

    def picture(file: Path, number: int) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 120, (64, 64, 3)) + 60 * number
        Image.fromarray(pixels.astype(np.uint8)).save(file, quality=95)

    rows = []
    for number, wnid in enumerate(WNIDS):
        for i in range(6):
            picture(folder / "train" / wnid / "images" / f"{wnid}_{i}.JPEG", number)
        for name in (f"val_{number + 3 * i}.JPEG" for i in range(10)):
            picture(folder / "val" / "images" / name, number)
            rows.append(f"{name}\t{wnid}\t0\t0\t62\t62\n")
    (folder / "val" / "val_annotations.txt").write_text("".join(rows))
    (folder / "wnids.txt").write_text("\n".join(WNIDS))
    (folder / "words.txt").write_text(
        "n00000001\tgoldfish, Carassius auratus\nn00000002\tkoala\nn00000003\tox\nn00000009\tyak\n"
    )
    return folder


@pytest.fixture(scope="module", autouse=True)
def small_and_steady() -> Iterator[None]:
    """One convolution a block; the real learning rate is made for thousands of steps, not six."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tool, "PEAK_RATE", RATE)
        patch.setattr(networks.embedded, "DEPTHS", DEPTHS)
        yield


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_imagenet(tmp_path_factory.mktemp("data") / "tiny-imagenet-200")


@pytest.fixture
def eagerly() -> Iterator[None]:
    """Functions of TensorFlow run line by line: for a few steps, to make graphs takes longer."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def train(source: Path, folder: Path, **options: object) -> tuple:
    return tool.train(source, folder, **PLAIN | options)


@pytest.fixture(scope="module")
def finished(source: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple:
    """An uninterrupted run: model, run, and the folder with what it released and measured."""
    folder = tmp_path_factory.mktemp("finished")
    model, run = train(source, folder / "run")
    tool.release(source, folder / "out", model, run)
    with pytest.MonkeyPatch.context() as patch:  # each size makes a graph of its own
        patch.setattr(tool, "PHOTOGRAPH_SIDES", tool.PHOTOGRAPH_SIDES[:2])
        assert tool.main(["measure", str(source), "--out", str(folder / "out")]) == 0
    return model, run, folder / "out"


ONE_SIZE = PLAIN | {"phases": ((6, 32),)}


@pytest.fixture(scope="module")
def curves(source: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    """Loss and accuracy of a run."""
    return train(source, tmp_path_factory.mktemp("one"), **ONE_SIZE)[1]["epochs"]


# --- pictures ------------------------------------------------------------------------------------


def test_a_zip_is_read_like_its_folder_and_nothing_is_extracted(source, tmp_path):
    archive = tmp_path / "inner" / "tiny.zip"
    archive.parent.mkdir()
    with zipfile.ZipFile(archive, "w") as opened:
        for file in sorted(source.rglob("*.*")):
            opened.write(file, f"tiny-imagenet-200/{file.relative_to(source).as_posix()}")
        opened.writestr("../escaped.txt", "outside")
        opened.writestr("/escaped.txt", "outside")
    for split in ("train", "val"):
        (pictures, labels), (zipped, same_labels) = (
            tool.read_pictures(split, sorted(WNIDS), place) for place in (source, archive)
        )
        assert pictures.dtype == np.uint8 and pictures.shape[1:] == (64, 64, 3)
        for number in range(3):  # in each class the same pictures, in whatever order
            one = {picture.tobytes() for picture in pictures[labels == number]}
            assert one == {picture.tobytes() for picture in zipped[same_labels == number]} != set()
    names = {"n00000001": "goldfish", "n00000002": "koala", "n00000003": "ox"}
    assert data.tiny_imagenet_classes(source) == data.tiny_imagenet_classes(archive) == names
    assert {p.name for p in tmp_path.rglob("*")} == {"inner", "tiny.zip"}
    assert not Path("/escaped.txt").exists()


def test_brightness_tells_the_class(source):
    pictures, labels = tool.read_pictures("train", sorted(WNIDS), source)
    means = [pictures[labels == number].mean() for number in range(3)]
    np.testing.assert_allclose(means, [120, 180, 60], atol=5)  # WNIDS[1], WNIDS[2], WNIDS[0]


def wrong_shape(folder: Path) -> None:
    Image.new("RGB", (65, 64)).save(folder / "train" / WNIDS[0] / "images" / f"{WNIDS[0]}_0.JPEG")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "words.txt").unlink(), "words"),
        (lambda folder: (folder / "wnids.txt").write_text(WNIDS[0]), "wnids.txt"),
        (wrong_shape, r"\(64, 65, 3\)"),
    ],
)
def test_a_spoiled_data_set_is_refused_in_one_sentence(spoil, message, tmp_path, capsys):
    folder = make_tiny_imagenet(tmp_path / "tiny")
    spoil(folder)
    assert tool.main(["train", str(folder), "--run", str(tmp_path / "run")]) == 1
    error = capsys.readouterr().err
    assert re.search(message, error) and error.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_source_that_is_not_there_is_named(tmp_path, capsys):
    assert tool.main(["measure", str(tmp_path / "none.zip"), "--out", str(tmp_path)]) == 1
    assert "training.json does not exist" in capsys.readouterr().err
    assert tool.main(["train", str(tmp_path / "none.zip"), "--run", str(tmp_path / "run")]) == 1
    assert "none.zip" in capsys.readouterr().err


@given(seed=st.integers(0, 2**16), side=st.sampled_from([16, 32, 48]))
def test_augmentation_flips_and_shifts_with_reflection_and_nothing_else(seed, side):
    pictures = np.random.default_rng(seed).integers(0, 256, (4, side, side, 3), dtype=np.uint8)
    batch, targets = tool.Augmented(pictures, np.eye(4), range(1), seed, 4)[0]
    np.testing.assert_array_equal(np.sort(targets.argmax(1)), np.arange(4))
    reach = round(side / 16)
    for picture, number in zip(batch, targets.argmax(1), strict=True):
        padded = np.pad(pictures[number], ((reach, reach), (reach, reach), (0, 0)), "reflect")
        windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side, 3))
        windows = tool.unit(windows.reshape(-1, side, side, 3))
        assert any((picture == w).all() or (picture == w[:, ::-1]).all() for w in windows)


def test_each_epoch_has_its_own_order_wherever_the_run_begins():
    pictures = np.random.default_rng(0).integers(0, 256, (50, 16, 16, 3), dtype=np.uint8)
    whole, rest = (
        tool.Augmented(pictures, np.eye(50), epochs, 1, 16) for epochs in (range(3), range(1, 3))
    )
    assert (len(whole), len(rest)) == (9, 6)
    orders = [
        np.concatenate([whole[3 * epoch + i][1].argmax(1) for i in range(3)]) for epoch in range(3)
    ]
    assert [len(np.unique(order)) for order in orders] == [48] * 3
    assert not np.array_equal(orders[0], orders[1])
    for index in (5, 0, 3):  # in any order
        for ours, theirs in zip(rest[index], whole[index + 3], strict=True):
            np.testing.assert_array_equal(ours, theirs)


# --- the teacher ---------------------------------------------------------------------------------


@pytest.fixture
def lessons(monkeypatch, tmp_path, source) -> tuple[list, np.ndarray, np.ndarray, Path]:
    """Calls of an untrained teacher, 18 pictures with their labels, and a folder."""
    network, calls = networks.load("embedded", pretrained=False), []
    monkeypatch.setattr(tool.networks, "load", lambda name: calls.append(name) or network)
    return calls, *tool.read_pictures("train", sorted(WNIDS), source), tmp_path


def test_the_teacher_tells_probabilities_and_is_asked_once(lessons):
    calls, pictures, labels, folder = lessons
    told = tool.teach("Somebody", pictures, labels, folder, seed=0)
    assert told.shape == (18, 3) and told.dtype == np.float32
    np.testing.assert_allclose(told.sum(1), 1, atol=1e-5)
    assert (told > 0).all() and (told < 1).all()
    np.testing.assert_array_equal(tool.teach("Somebody", pictures, labels, folder, 0), told)
    (folder / "teacher.npy").unlink()  # the descriptors are kept, too
    np.testing.assert_allclose(tool.teach("Somebody", pictures, labels, folder, 0), told)
    assert calls == ["Somebody"]


def test_no_picture_is_told_by_a_fit_that_has_seen_its_label(lessons):
    _, pictures, labels, folder = lessons
    random = np.random.default_rng(2).normal(size=(18, 40)).astype(np.float16)
    np.save(folder / "descriptors.npy", random)  # they hold nothing of the classes
    told = tool.teach("Somebody", pictures, labels, folder, seed=0)
    right = tool.top(told, labels, 1).mean()
    assert right < 0.7, "a fit that had seen the labels would know them all"


@pytest.mark.usefixtures("eagerly")
def test_a_target_is_half_the_label_and_half_the_teacher(lessons, source, monkeypatch):
    told = np.full((18, 3), 1 / 3, np.float32)
    monkeypatch.setattr(tool, "teach", lambda *_: told)
    seen = []

    class Spy(tool.Augmented):
        def __init__(self, pictures, targets, *rest):
            seen.append(targets)
            super().__init__(pictures, targets, *rest)

    monkeypatch.setattr(tool, "Augmented", Spy)
    _, run = train(source, lessons[3], phases=((1, 32),), teacher="Somebody")
    assert run["settings"]["label_smoothing"] == 0 and run["settings"]["teacher"] == "Somebody"
    np.testing.assert_allclose(seen[0].max(1), 0.5 + 0.5 / 3, rtol=1e-6)
    np.testing.assert_allclose(seen[0].sum(1), 1, rtol=1e-6)
    np.testing.assert_array_equal(seen[0].argmax(1), lessons[2])


# --- training ------------------------------------------------------------------------------------


def test_learning_rate_rises_for_a_fifth_and_ends_at_zero():
    rate = tool.OneCycle(0.2, 100)
    rates = np.array([float(rate(step)) for step in range(101)])
    assert rates.argmax() == 20 and rates.max() == pytest.approx(0.2)
    assert rates[0] == pytest.approx(0.02) and rates[-1] == pytest.approx(0, abs=1e-7)
    assert (np.diff(rates[:21]) > 0).all() and (np.diff(rates[20:]) < 0).all()
    assert float(rate(150)) == 0
    assert tool.OneCycle(**rate.get_config())(7) == rate(7)


def test_the_loss_falls(curves):
    assert len(curves) == 6 and curves[-1]["loss"] < 0.8 * curves[0]["loss"]


@pytest.mark.usefixtures("eagerly")
def test_an_interrupted_run_continues_as_if_nothing_had_been(
    source, finished, tmp_path, monkeypatch
):
    seen = []

    def interrupt(self, batch, logs=None):
        seen.append(batch)
        if len(seen) == 3:  # in the second epoch, of two batches
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(tool.Checkpoint, "on_train_batch_end", interrupt, raising=False)
        with pytest.raises(KeyboardInterrupt):
            train(source, tmp_path)
    assert len(json.loads((tmp_path / "run.json").read_text())["epochs"]) == 1
    model, run = train(source, tmp_path)
    expected, whole, _ = finished
    assert int(model.optimizer.iterations) == int(expected.optimizer.iterations) == 6
    for ours, theirs in zip(run["epochs"], whole["epochs"], strict=True):
        assert ours == pytest.approx(theirs, abs=1e-3)
    for ours, theirs in zip(model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-3)
    assert [f.name for f in tmp_path.glob("*.h5")] == ["epoch-003.weights.h5"]


def test_a_finished_run_is_not_trained_further(source, finished, tmp_path):
    folder = shutil.copytree(finished[2].parent / "run", tmp_path / "run")
    model, run = train(source, folder)
    assert run == finished[1]
    for ours, theirs in zip(model.get_weights(), finished[0].get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_run_with_other_settings_or_damage_is_refused_and_kept(source, finished, tmp_path):
    folder = shutil.copytree(finished[2].parent / "run", tmp_path / "run")
    with pytest.raises(CourseError, match="other settings"):
        train(source, folder, seed=4)
    (weights,) = folder.glob("*.h5")
    weights.write_bytes(b"cut off")
    with pytest.raises(CourseError, match="missing or damaged"):
        train(source, folder)
    (folder / "run.json").write_text("{")
    with pytest.raises(CourseError, match=r"run\.json is damaged"):
        train(source, folder)
    assert weights.exists()


# --- what ships ----------------------------------------------------------------------------------


def test_folding_keeps_the_logits(monkeypatch):
    monkeypatch.setattr(networks.embedded, "DEPTHS", FULL_DEPTHS)
    random = np.random.default_rng(0)
    model = tool.with_batch_norm(classes=5)
    for layer in model.layers:
        if layer.name.endswith("_norm"):
            width = layer.get_weights()[0].size
            gamma, variance = random.uniform(0.5, 1.5, width), random.uniform(0.3, 3, width)
            layer.set_weights([gamma, *random.normal(0, 0.5, (2, width)), variance])
    arrays = tool.fold(model)
    folded = networks.slim_vgg16(classes=5)
    for layer in folded.layers:
        if layer.weights:
            layer.set_weights([arrays[f"{layer.name}/{part}"] for part in ("kernel", "bias")])
    pictures = random.integers(0, 256, (6, 64, 64, 3)).astype(np.uint8)
    expected = model.predict(tool.unit(pictures), verbose=0)
    assert expected.std() > 0.1
    logits = folded.predict(np.divide(pictures, 255, dtype=np.float32), verbose=0)
    np.testing.assert_allclose(logits, expected, atol=1e-4 * np.abs(expected).max())


def test_top_k_counts_ranks():
    logits = np.array([[3, 2, 1.0], [1, 2, 3], [2, 1, 3]])
    truth = np.array([0, 0, 0])
    ranks = np.array([1, 3, 2])
    for k in (1, 2, 3):
        np.testing.assert_array_equal(tool.top(logits, truth, k), ranks <= k)


def test_the_released_file_is_small_plain_and_read_by_the_course(finished, source):
    model, _, folder = finished
    file = folder / "slim_vgg16.npz"
    assert file.stat().st_size < 4e6
    with np.load(file, allow_pickle=False) as arrays:
        assert {arrays[key].dtype.kind for key in arrays.files} <= {"f", "U", "i"}
        weights = [arrays[key] for key in arrays.files if "/" in key]
        assert len(weights) == 2 * sum(DEPTHS) + 2
        sizes = {w.dtype.name: w.size >= tool.LARGE for w in weights}
        assert sizes == {"float16": True, "float32": False}
    network = networks.load("embedded", path=file)
    assert network.labels == ("goldfish", "koala", "ox") and network.wnids == tuple(sorted(WNIDS))
    report = json.loads((folder / "training.json").read_text())["float16_against_trained"]
    pictures, _ = tool.read_pictures("val", network.wnids, source)
    trained = model.predict(tool.unit(pictures), verbose=0)
    shipped = network.predict(pictures.astype(np.float32) / 255)
    difference = np.abs(shipped - trained).max()
    assert difference == pytest.approx(report["largest_logit_difference"], rel=0.05, abs=1e-5)
    assert 0 < difference < 0.01


def test_measures_agree_with_a_plain_count_and_fill_the_card(finished, source):
    folder = finished[2]
    measures = json.loads((folder / "measures.json").read_text())
    network = networks.load("embedded", path=folder / "slim_vgg16.npz")
    pictures, truth = tool.read_pictures("val", network.wnids, source)
    guess = network.predict(pictures.astype(np.float32) / 255).argmax(1)
    assert measures["top1"]["value"] == pytest.approx((guess == truth).mean())
    assert measures["top5"]["value"] == 1, "of three classes, each is among the first five"
    assert measures["top1"]["low"] <= measures["top1"]["value"] <= measures["top1"]["high"]
    assert [row["pictures"] for row in measures["classes"]] == [10, 10, 10]
    assert sum(row["top1"] for row in measures["classes"]) == (guess == truth).sum()
    for row in measures["photographs"]:
        probabilities = [p for _, p in row["answers"]]
        assert probabilities == sorted(probabilities, reverse=True)
    card = (folder / "MODEL_CARD.md").read_text()
    assert model_card.interval(measures["top1"]) in card and "goldfish" in card
    assert f"{100 * measures['top1']['value']:.1f} %" in card
    assert "{" not in card and "No teacher" in card and "Style transfer" not in card
    with Image.open(folder / "curves.png") as curves:
        assert curves.size[0] > 600 and len(np.unique(np.asarray(curves))) > 10


def test_a_photo_is_named_right_by_its_first_answer_only():
    rows = [
        {"photograph": "cat", "side": 64, "answers": [["tabby", 0.5], ["ox", 0.25]]},
        {"photograph": "cat", "side": 96, "answers": [["ox", 0.5], ["tabby", 0.25]]},
        {"photograph": "china", "side": 64, "answers": [["ox", 0.5]]},
    ]
    assert model_card.named_right(rows) == "cat at 64 pixels (tabby 0.50)"
    assert model_card.named_right(rows[1:]) == "none"


def test_the_card_tells_of_the_teacher_and_shows_what_the_network_can_do(finished, tmp_path):
    shutil.copytree(finished[2], tmp_path, dirs_exist_ok=True)
    training = json.loads((tmp_path / "training.json").read_text())
    training |= {"teacher": "MobileNetV2", "teacher_top1": 0.612}
    tool.write_json(tmp_path / "training.json", training)
    painted = {"ink_waves": {"loss_before": 1.5, "loss_after": 0.25}}
    dreamed = {"layer7": {"activation_before": 0.5, "activation_after": 1.75}}
    style = {"seconds": 8.25, "pixels": 256, "settings": {"photo": "china"}, "results": painted}
    dream = {"seconds": 4, "settings": {"photo": "cat"}, "results": dreamed}
    tool.write_json(tmp_path / "shows.json", {"style": style, "dream": dream})
    card = written_card(tmp_path)
    words = ("MobileNetV2", "61.2 %", "(style.jpg)", "ink waves 1.50 to 0.25", "8.2 s together")
    words += ("(dream.jpg)", "`layer7` 0.50 to 1.75")
    assert [word for word in words if word not in card] == []


def written_card(folder: Path) -> str:
    model_card.write(folder, tool.LARGE)
    return (folder / "MODEL_CARD.md").read_text()


# --- the weights of the course -------------------------------------------------------------------


def test_the_shipped_network_is_as_good_as_promised_and_its_card_is_current(tmp_path):
    training, measures = (
        json.loads((SHIPPED / name).read_text()) for name in ("training.json", "measures.json")
    )
    assert measures["pictures"] == 10_000 and len(measures["classes"]) == 200
    assert measures["top1"]["value"] >= 0.46 and measures["top5"]["value"] >= 0.72
    compared = training["float16_against_trained"]
    assert compared["top1_shipped"] == measures["top1"]["value"]
    assert abs(compared["top1_shipped"] - compared["top1_trained"]) <= 0.001
    assert compared["largest_logit_difference"] <= 0.01
    assert tuple(map(tuple, training["phases"])) == tool.PHASES
    assert (training["seed"], training["batch"]) == (tool.SEED, tool.BATCH)
    assert "coffee at 64 pixels (espresso 0.9" in model_card.named_right(measures["photographs"])
    weights = SHIPPED / "slim_vgg16.npz"
    assert measures["bytes"] == weights.stat().st_size < 4e6
    shutil.copytree(SHIPPED, tmp_path, dirs_exist_ok=True)
    assert written_card(tmp_path) == (SHIPPED / "MODEL_CARD.md").read_text(), "measure it again"


def test_the_shipped_network_scores_what_its_card_says(monkeypatch, tmp_path):
    monkeypatch.setattr(networks.embedded, "DEPTHS", FULL_DEPTHS)
    network = networks.load("embedded")
    classes = json.loads((SHIPPED / "measures.json").read_text())["classes"][::20]
    chosen = {row["wnid"] for row in classes}
    with zipfile.ZipFile(shared("data/tiny-imagenet-200-subset.zip")) as archive:
        (listed,) = (name for name in archive.namelist() if name.endswith("val_annotations.txt"))
        lines = archive.read(listed).decode().splitlines()
        rows = [line for line in lines if line.split("\t")[1] in chosen]
        archive.extract(listed, tmp_path)
        (tmp_path / listed).write_text("\n".join(rows))
        for row in rows:
            archive.extract(f"{Path(listed).parent.as_posix()}/images/{row.split()[0]}", tmp_path)
    pictures, truth = tool.read_pictures("val", network.wnids, tmp_path)
    assert len(pictures) == sum(row["pictures"] for row in classes) == 500
    logits = tool.logits_of(network, pictures)
    for k in (1, 5):
        hits = tool.top(logits, truth, k)
        found = [hits[truth == network.wnids.index(row["wnid"])].sum() for row in classes]
        # In each of the classes the same number as on the card, but for a tie of two logits.
        assert found == pytest.approx([row[f"top{k}"] for row in classes], abs=1)
