"""Style transfers and dreams for the model card, on a narrow random network, small pictures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from course_utils import data, images, networks
from course_utils.quiet import keras
from tools.data import show_embedded as tool

SIDE = 32
STYLE = tool.STYLE | {"steps": [[SIDE, 3], [SIDE, 6]]}
DREAM = tool.DREAM | {"octaves": 2, "steps": 3, "jitter": 4}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weights file of the embedded network's kind, a quarter as wide and untrained."""
    keras.utils.set_random_seed(4)
    model = networks.slim_vgg16((4, 8, 16, 32, 32), classes=5)
    arrays = {}
    for layer in model.layers:
        for part, values in zip(("kernel", "bias"), layer.get_weights(), strict=False):
            arrays[f"{layer.name}/{part}"] = values.astype(np.float16)
    names = {key: [f"class {number}" for number in range(5)] for key in ("wnids", "labels")}
    file = tmp_path_factory.mktemp("weights") / "slim.npz"
    np.savez(file, **arrays, **names, format=np.array(networks.EMBEDDED_FORMAT))
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


def test_a_transfer_has_the_settings_and_lowers_its_loss(network, photo, style, monkeypatch):
    asked, transfer = {}, tool.style.transfer

    def spy(*pictures, **options):
        asked.update(options)
        return transfer(*pictures, **options)

    monkeypatch.setattr(tool.style, "transfer", spy)
    picture, losses = tool.transfer_style(network, photo, style, STYLE)
    images.validate(picture)
    assert picture.shape == photo.shape
    assert losses["loss_after"] < 0.9 * losses["loss_before"]
    assert asked.pop("style_layers") == dict.fromkeys(STYLE["style_layers"], 1.0)
    assert asked == {
        "schedule": STYLE["steps"],
        "content_layers": {STYLE["content_layer"]: STYLE["content_weight"]},
        "content_weight": 1.0,
        "variation_weight": STYLE["variation_weight"],
        "rate": STYLE["learning_rate"],
    }


@pytest.mark.parametrize("layer", tool.DREAM["layers"])
def test_a_dream_has_the_settings_and_excites_its_layer(network, photo, layer, monkeypatch):
    asked, dream = {}, tool.dreams.dream

    def spy(*given, **options):
        asked.update(options, layer=given[2])
        return dream(*given, **options)

    monkeypatch.setattr(tool.dreams, "dream", spy)
    picture, gain = tool.dream(network, photo, layer, DREAM)
    images.validate(picture)
    assert picture.shape == photo.shape
    maps = network.features(layer)
    for key, shown in (("activation_before", photo), ("activation_after", picture)):
        expected = np.mean(maps(shown[None])[layer].numpy() ** 2)
        assert gain[key] == pytest.approx(expected, rel=1e-4)
    assert gain["activation_after"] > 1.1 * gain["activation_before"]
    same = {key: DREAM[key] for key in ("octaves", "steps", "jitter", "seed")}
    own = {"scale": DREAM["octave_scale"], "step_size": DREAM["layers"][layer], "blur": 0}
    assert asked == same | own | {"layer": layer}


def test_a_strip_shows_every_picture_in_order_and_stays_small(tmp_path, monkeypatch):
    colors = np.eye(3, dtype=np.float32)
    pictures = [np.broadcast_to(color, (40, 60, 3)) for color in colors]
    tool.save_strip(tmp_path / "strip.jpg", pictures, ["one", "two", "three"])
    strip = images.load(tmp_path / "strip.jpg")
    assert strip[:, 30].min() < 0.9  # the label
    for number, color in enumerate(colors):
        left = 66 * number
        assert np.abs(strip[-20, left + 3 : left + 57] - color).max() < 0.05
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
    assert "none.npz" in capsys.readouterr().err
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
