"""Tests of tools/show_embedded.py on a narrow network with random weights and small pictures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from course_utils import data, images, networks
from course_utils.quiet import keras, tf
from tools import show_embedded as tool

SIDE = 32
STYLE = tool.STYLE | {"steps": [[SIDE, 3], [SIDE, 6]]}
DREAM = tool.DREAM | {"octaves": 2, "steps": 3, "jitter": 4}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weights file of the embedded network's kind, a quarter as wide and untrained."""
    keras.utils.set_random_seed(4)
    model = networks.slim_vgg16((4, 8, 16, 32, 32), classes=5)
    arrays = {
        f"{layer.name}/{part}": np.asarray(values, np.float16)
        for layer in model.layers
        if layer.weights
        for part, values in zip(("kernel", "bias"), layer.get_weights(), strict=True)
    }
    names = np.array([f"class {number}" for number in range(5)])
    file = tmp_path_factory.mktemp("weights") / "slim.npz"
    np.savez(file, **arrays, wnids=names, labels=names, format=np.array(networks.EMBEDDED_FORMAT))
    return file


@pytest.fixture(scope="module")
def network(weights: Path) -> networks.Classifier:
    return networks.load("embedded", path=weights)


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return images.sample("cat", SIDE)


@pytest.fixture(scope="module")
def style() -> np.ndarray:
    return images.load(data.styles()["mosaic"], SIDE)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tool, "SIDE", SIDE)
    monkeypatch.setattr(tool, "STYLE", STYLE)
    monkeypatch.setattr(tool, "DREAM", DREAM)


def test_content_holds_the_picture_back(network, photo, style):
    free, tied = (
        tool.transfer_style(network, photo, style, STYLE | {"content_weight": weight})[0]
        for weight in (0.0, 100.0)
    )
    maps = network.features(STYLE["content_layer"])
    free, tied, target = (maps(p[None])[STYLE["content_layer"]] for p in (free, tied, photo))
    assert tf.norm(tied - target) < tf.norm(free - target)


def test_a_transfer_lowers_its_loss_and_repeats(network, photo, style):
    first, losses = tool.transfer_style(network, photo, style, STYLE)
    again, _ = tool.transfer_style(network, photo, style, STYLE)
    images.validate(first)
    assert first.shape == photo.shape
    assert losses["loss_after"] < 0.9 * losses["loss_before"]
    np.testing.assert_allclose(first, again, atol=1e-3)


@pytest.mark.parametrize("layer", tool.DREAM["layers"])
def test_a_dream_excites_its_layer(network, photo, layer):
    picture, gain = tool.dream(network, photo, layer, DREAM)
    images.validate(picture)
    assert picture.shape == photo.shape
    maps = network.features(layer)
    for key, shown in (("activation_before", photo), ("activation_after", picture)):
        expected = np.mean(maps(shown[None])[layer].numpy() ** 2)
        assert gain[key] == pytest.approx(expected, rel=1e-4)
    assert gain["activation_after"] > 1.1 * gain["activation_before"]


def test_a_dream_repeats_and_its_seed_counts(network, photo):
    layer = "block2_conv2"
    first, again, other = (
        tool.dream(network, photo, layer, DREAM | {"seed": seed})[0] for seed in (0, 0, 1)
    )
    np.testing.assert_allclose(first, again, atol=1e-3)
    assert np.abs(first - other).max() > 0.01


def test_octaves_change_large_shapes_as_well(network, photo):
    layer = "block2_conv2"
    one, three = (
        tool.dream(network, photo, layer, DREAM | {"octaves": n, "octave_scale": 2.0})[0] - photo
        for n in (1, 3)
    )
    coarse_one, coarse_three = (
        np.abs(change.reshape(4, 8, 4, 8, 3).mean((1, 3))).mean() for change in (one, three)
    )
    assert coarse_three > 1.2 * coarse_one


def test_a_strip_shows_every_picture_in_order_and_stays_small(tmp_path, monkeypatch):
    colors = np.eye(3, dtype=np.float32)
    pictures = [np.broadcast_to(color, (40, 60, 3)) for color in colors]
    tool.save_strip(tmp_path / "strip.jpg", pictures, ["one", "two", "three"])
    strip = images.load(tmp_path / "strip.jpg")
    assert strip[:, 30].min() < 0.9  # the label
    for number, color in enumerate(colors):
        np.testing.assert_allclose(strip[-20, 66 * number + 30], color, atol=0.05)
    noise = [np.random.default_rng(2).random((64, 64, 3))] * 2
    monkeypatch.setattr(tool, "LIMIT", 9000)
    tool.save_strip(tmp_path / "noise.jpg", noise, ["a", "b"])
    assert (tmp_path / "noise.jpg").stat().st_size <= 9000


@pytest.mark.usefixtures("small")
def test_the_command_writes_both_strips_and_says_what_it_did(weights, tmp_path, capsys):
    out = tmp_path / "new" / "folder"
    assert tool.main(["--weights", str(weights), "--out", str(out)]) == 0
    assert sorted(file.name for file in out.iterdir()) == ["dream.jpg", "shows.json", "style.jpg"]
    report = json.loads((out / "shows.json").read_text(encoding="utf-8"))
    expected = {"style": (STYLE, STYLE["styles"], 5), "dream": (DREAM, list(DREAM["layers"]), 4)}
    assert set(report) == set(expected)
    for name, (settings, results, pictures) in expected.items():
        facts = report[name]
        assert facts["settings"] == settings
        assert list(facts["results"]) == list(results)
        assert facts["pixels"] == SIDE
        assert facts["seconds"] > 0 and facts["cpu_seconds"] >= 0
        with Image.open(out / f"{name}.jpg") as strip:
            assert strip.format == "JPEG"
            assert strip.width == pictures * (SIDE + 6) - 6
    for losses in report["style"]["results"].values():
        assert losses["loss_after"] < losses["loss_before"]
    for gain in report["dream"]["results"].values():
        assert gain["activation_after"] > gain["activation_before"]
    printed = capsys.readouterr().out
    assert printed.startswith("style: ") and "\ndream: " in printed


def test_missing_weights_are_one_sentence_and_nothing_is_written(tmp_path, capsys):
    assert tool.main(["--weights", str(tmp_path / "none.npz"), "--out", str(tmp_path)]) == 1
    assert "none.npz does not exist" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert tool.main(["--out", str(tmp_path / "file" / "folder")]) == 1
    message = capsys.readouterr().err
    assert "folder" in message and message.count("\n") == 1


def test_the_settings_name_what_the_course_has():
    assert {tool.STYLE["photo"], tool.DREAM["photo"]} <= set(images.SAMPLES)
    assert set(tool.STYLE["styles"]) <= set(data.styles())
    layers = networks.load("embedded", pretrained=False).conv_layers
    chosen = [*tool.STYLE["style_layers"], tool.STYLE["content_layer"], *tool.DREAM["layers"]]
    assert set(chosen) <= set(layers)


def test_the_pictures_that_ship_come_from_these_settings():
    folder = data.ROOT / "embedded"
    report = json.loads((folder / "shows.json").read_text(encoding="utf-8"))
    for name, settings in (("style", tool.STYLE), ("dream", tool.DREAM)):
        assert report[name]["settings"] == settings, f"run the tool again for {name}.jpg"
        assert (folder / f"{name}.jpg").stat().st_size <= tool.LIMIT
