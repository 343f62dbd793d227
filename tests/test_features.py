"""Tests of course_utils.features and of the feature explorer."""

from __future__ import annotations

import io
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from course_utils import features, images, networks
from course_utils.ask import CourseError
from course_utils.quiet import keras
from course_utils.widgets import feature_explorer

PROJECT = Path(__file__).resolve().parents[1]
KERAS_CACHE = PROJECT.parent / "shared" / "keras"
needs_keras_cache = pytest.mark.skipif(
    not (KERAS_CACHE / "models" / networks.APPLICATIONS["MobileNetV2"].file).is_file(),
    reason="no MobileNetV2 weights beside the project",
)
STAGES = {
    "embedded": "block1_conv2 block2_conv2 block3_conv3 block4_conv3 block5_conv3",
    "MobileNetV2": "block_1_expand_relu block_3_expand_relu block_6_expand_relu "
    "block_13_expand_relu out_relu",
    "ResNet50": "conv1_relu conv2_block3_out conv3_block4_out conv4_block6_out conv5_block3_out",
}


@pytest.fixture(scope="module")
def network() -> networks.Classifier:
    return networks.load()


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    return np.random.default_rng(0).random((5, 40, 36, 3)).astype(np.float32)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


# --- stages and extract -------------------------------------------------------------------------


@pytest.mark.parametrize("name", STAGES)
def test_stages_are_the_last_layers_of_each_resolution(name: str) -> None:
    network = networks.load(name, pretrained=False)
    assert " ".join(features.stages(network)) == STAGES[name]


def test_network_can_be_cut_at_each_stage(network: networks.Classifier) -> None:
    stages = features.stages(network)
    picture = rng().random((1, 64, 64, 3)).astype(np.float32)
    lower = features.extract(network, picture, stages[0], "none")[stages[0]]
    for start, end in pairwise(stages):
        model = features.upper_part(network, start, end, 7, lower.shape[1:])
        between = keras.Model(
            network.model.get_layer(start).output, network.model.get_layer(end).output
        )
        lower = np.array(between(lower))
        expected = features.extract(network, picture, end, "none")[end]
        np.testing.assert_allclose(lower, expected, rtol=1e-3, atol=1e-3)
        assert model.output_shape == (None, 7)


@pytest.mark.parametrize(
    ("pool", "by_hand"),
    [
        ("average", lambda maps: maps.mean(axis=(1, 2))),
        ("flatten", lambda maps: maps.reshape(len(maps), -1)),
        ("none", lambda maps: maps),
    ],
)
def test_extract_is_the_cut_network(network, pictures, pool, by_hand) -> None:
    names = ["block2_conv1", "block4_conv3"]
    found = features.extract(network, pictures, names, pool, batch_size=2)
    maps = network.features(names)(pictures)
    assert list(found) == names
    for name in names:
        assert found[name].dtype == np.float32
        np.testing.assert_allclose(found[name], by_hand(np.array(maps[name])), rtol=1e-3, atol=1e-3)


def test_extract_takes_one_picture_and_names_of_its_own(network, pictures) -> None:
    many = features.extract(network, pictures)
    assert tuple(many) == features.stages(network)
    one = features.extract(network, pictures[2], "block3_conv3", progress=True)
    np.testing.assert_allclose(one["block3_conv3"], many["block3_conv3"][2:3], atol=1e-3)
    last = features.extract(network, pictures, features.stages(network)[-1])
    np.testing.assert_allclose(
        last["block5_conv3"], network.descriptor(pictures), rtol=1e-3, atol=1e-4
    )


def test_extract_compiles_once(network, pictures) -> None:
    features.extract(network, pictures, "block1_conv1")
    features.extract(network, pictures[:3, :33], "block1_conv1", batch_size=1)
    signature = [features._pictures()]
    function = network.compiled(features._pooled, "block1_conv1", ("average",), signature=signature)
    assert function.experimental_get_tracing_count() == 1


def test_extract_pools_each_layer_in_its_own_way(network, pictures) -> None:
    names, ways = ("block2_conv1", "block4_conv3"), ("none", "average")
    found = features.extract(network, pictures, names, ways)
    for name, way in zip(names, ways, strict=True):
        alone = features.extract(network, pictures, name, way)[name]
        np.testing.assert_allclose(found[name], alone, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"pool": "max"}, "pool is 'max'; it can be 'average', 'flatten' or 'none'."),
        ({"pool": ["max"]}, "pool is 'max'; it can be 'average', 'flatten' or 'none'."),
        ({"pool": ["none"] * 2}, "pool has 2 entries for 1 layers; give one each."),
        ({"batch_size": 0}, "batch_size is 0; it must be 1 or more."),
        ({"pictures": np.zeros((0, 40, 40, 3))}, "There are no pictures; give at least one."),
    ],
)
def test_extract_refuses(network, pictures, change, sentence) -> None:
    arguments = {"pictures": pictures, "layers": "block1_conv1"} | change
    with pytest.raises(ValueError, match=re.escape(sentence)):
        features.extract(network, **arguments)


def test_extract_passes_the_sentences_of_the_network_on(network, pictures) -> None:
    with pytest.raises(CourseError, match="did you mean block1_conv2"):
        features.extract(network, pictures, "block1_conv")
    with pytest.raises(CourseError, match="divide bytes by 255"):
        features.extract(network, (255 * pictures).astype(np.uint8))


# --- crops --------------------------------------------------------------------------------------


def test_crops_of_the_two_halves_share_no_pixel(monkeypatch) -> None:
    """In a photo whose pixels hold their own column, every crop says where it was."""
    columns = np.tile(np.linspace(0, 1, 301, dtype=np.float32), (200, 1))
    monkeypatch.setattr(features, "_gray", lambda name: columns)
    monkeypatch.setattr(features, "standardize", lambda window: window)
    found = {half: features.crops(40, half, side=32)[0] * 300 for half in ("left", "right")}
    assert found["left"].max() < 150 - 3.5 and found["left"].min() < 20
    assert found["right"].min() > 150 + 3.5 and found["right"].max() > 280


def test_crops_are_gray_of_one_contrast_and_reproducible() -> None:
    crops, labels = features.crops(3, "left")
    assert crops.shape == (36, 64, 64, 3) and crops.dtype == np.float32
    assert labels.tolist() == [label for label in range(12) for _ in range(3)]
    assert np.array_equal(crops[..., 0], crops[..., 2])
    assert np.abs(crops.mean(axis=(1, 2, 3)) - 0.5).max() < 0.05
    spread = crops.std(axis=(1, 2, 3))  # less where stars are cut at white
    assert spread.max() < 0.181 and np.median(spread) > 0.175 and spread.min() > 0.05
    assert np.array_equal(crops, features.crops(3, "left")[0])
    assert not np.array_equal(crops, features.crops(3, "left", seed=1)[0])
    assert features.crops(1, "right", side=128)[0].shape == (12, 128, 128, 3)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((1, "top"), "half is 'top'; it can be 'left' or 'right'."),
        ((1, "left", 200), "side is 200; give 8 to 128 pixels."),
        ((1, "left", 4), "side is 4; give 8 to 128 pixels."),
        ((0, "left"), "per_photo is 0; give 1 or more."),
    ],
)
def test_crops_refuse(arguments, sentence) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        features.crops(*arguments)


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 0.9), st.floats(0.05, 1))
@settings(max_examples=20)
def test_standardize_ignores_light(seed: int, brightness: float, contrast: float) -> None:
    window = rng(seed).random((8, 8))
    other = features.standardize(brightness + contrast * window)
    np.testing.assert_allclose(features.standardize(window), other, atol=1e-4)
    assert other.min() >= 0 and other.max() <= 1


def test_standardize_a_uniform_picture() -> None:
    assert np.allclose(features.standardize(np.full((4, 4), 0.3)), 0.5)


# --- retrieval and similarity -------------------------------------------------------------------


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.sampled_from(["cosine", "euclidean"]))
@settings(max_examples=20)
def test_precision_by_hand(seed: int, k: int, metric: str) -> None:
    random = rng(seed)
    base, asked = random.normal(size=(9, 3)), random.normal(size=(4, 3))
    labels, wanted = random.integers(3, size=9), random.integers(3, size=4)
    found = features.precision_at(k, base, labels, asked, wanted, metric)
    for query, label, precision in zip(asked, wanted, found, strict=True):
        far = np.linalg.norm(base - query, axis=1)
        if metric == "cosine":
            far = -(base @ query) / np.linalg.norm(base, axis=1)
        assert precision == pytest.approx((labels[far.argsort()[:k]] == label).mean())


@pytest.mark.parametrize("k", [0, 4])
def test_precision_refuses(k: int) -> None:
    with pytest.raises(ValueError, match=f"k is {k}; the database has 3 entries"):
        features.precision_at(k, np.eye(3), [0, 1, 2], np.eye(3), [0, 1, 2])


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 10))
@settings(max_examples=20)
def test_similarity(seed: int, factor: float) -> None:
    random = rng(seed)
    center, moves = random.normal(size=4), random.normal(size=(3, 4))
    alike = features.similarity(center + moves, center + factor * moves, center)
    np.testing.assert_allclose(alike, 1)
    np.testing.assert_allclose(features.similarity(center + moves, center - moves, center), -1)
    assert features.similarity([center], [center + moves[0]], center) == pytest.approx(0)


# --- changes ------------------------------------------------------------------------------------

WINDOW = rng(5).random((1, 32, 32, 3)).astype(np.float32)
MIDDLE = WINDOW[:, 8:24, 8:24]


@pytest.mark.parametrize("name", features.CHANGES)
def test_the_first_amount_changes_nothing(name: str) -> None:
    changed = features.change(WINDOW, name, features.CHANGES[name].amounts[0])
    assert changed.shape == (1, 16, 16, 3) and changed.dtype == np.float32
    np.testing.assert_allclose(changed, MIDDLE, atol=1e-6)


def test_what_each_change_does() -> None:
    def change(name: str, amount: float) -> np.ndarray:
        return features.change(WINDOW, name, amount)

    assert np.array_equal(change("shift", 5), WINDOW[:, 8:24, 13:29])
    np.testing.assert_allclose(change("rotation", 90), np.rot90(MIDDLE, axes=(1, 2)), atol=1e-5)
    np.testing.assert_allclose(change("brightness", 0.5), MIDDLE / 2, atol=1e-6)
    assert 0.02 < np.abs(change("noise", 0.1) - MIDDLE).mean() < 0.1
    assert change("blur", 2).std() < MIDDLE.std() / 2
    small = images.resize(WINDOW[0, 12:20, 12:20], 16)
    np.testing.assert_allclose(change("scale", 2)[0], small, atol=1e-6)


def test_change_refuses() -> None:
    with pytest.raises(ValueError, match="name is 'fog'; choose one of shift, rotation"):
        features.change(WINDOW, "fog", 1)


# --- a new task ---------------------------------------------------------------------------------


@given(st.integers(1, 4), st.integers(0, 2**32 - 1))
@settings(max_examples=20)
def test_draw(per_class: int, seed: int) -> None:
    labels = np.array([3, 0, 3, 3, 0, 0, 3, 0, 3])
    places = features.draw(labels, per_class, rng(seed))
    assert len(set(places)) == len(places) == 2 * per_class
    assert sorted(labels[places]) == [0] * per_class + [3] * per_class


@pytest.mark.parametrize("per_class", [0, 3])
def test_draw_refuses(per_class: int) -> None:
    with pytest.raises(ValueError, match=f"per_class is {per_class}; class 1 has 2 examples."):
        features.draw([1, 1], per_class, rng())


def test_dense_weights_are_the_pipeline() -> None:
    x, y = rng().normal(3, 2, size=(60, 5)), np.arange(60) % 3
    fitted = make_pipeline(StandardScaler(), LogisticRegression()).fit(x, y)
    kernel, bias = features.dense_weights(fitted)
    assert kernel.shape == (5, 3) and bias.shape == (3,)
    np.testing.assert_allclose(x @ kernel + bias, fitted.decision_function(x), atol=1e-4)


def test_upper_part_is_a_copy_that_learns(network) -> None:
    lower, upper = features.stages(network)[2:4]
    model = features.upper_part(network, lower, upper, 3, (8, 8, 64))
    assert len(model.trainable_variables) == 2 * 3 + 2
    before = network.model.get_layer(upper).get_weights()[0]
    learner = features.Learner(lambda: model, rate=0.1, steps=1)
    learner.fit(rng().random((8, 8, 8, 64)).astype("float32"), np.arange(8) % 3, rng())
    assert np.array_equal(network.model.get_layer(upper).get_weights()[0], before)
    assert not np.array_equal(model.get_weights()[-4], before)
    assert not network.model.trainable_variables


def test_upper_part_keeps_batch_norm_frozen() -> None:
    network = networks.load("MobileNetV2", pretrained=False)
    lower, upper = features.stages(network)[2:4]
    model = features.upper_part(network, lower, upper, 3, (4, 4, 192))
    names = [variable.path for variable in model.trainable_variables]
    assert names and not any("gamma" in name or "beta" in name for name in names)
    before = [keras.ops.convert_to_numpy(v) for v in model.non_trainable_variables]
    model(rng().random((2, 4, 4, 192)).astype("float32"), training=True)
    after = [keras.ops.convert_to_numpy(v) for v in model.non_trainable_variables]
    assert all(map(np.array_equal, before, after))


def test_untrained_has_the_architecture_and_other_weights(network) -> None:
    stage = features.stages(network)[1]
    models = [features.untrained(network, stage, 4) for _ in range(2)]
    shapes = [[w.shape for w in model.get_weights()[:-2]] for model in models]
    until = keras.Model(network.model.inputs[0], network.model.get_layer(stage).output)
    assert shapes[0] == shapes[1] == [w.shape for w in until.get_weights()]
    first, second, learned = (m.get_weights()[0] for m in (*models, until))
    assert not np.allclose(first, second) and not np.allclose(first, learned)
    assert len(models[0].trainable_variables) == len(models[0].weights)
    assert not network.model.trainable_variables


@pytest.mark.parametrize(("side", "limit"), [(8, 31_000), (16, 62_000), (64, 62_000)])
def test_small_cnn(side: int, limit: int) -> None:
    model = features.small_cnn(side, 5)
    assert model.input_shape == (None, side, side, 1) and model.output_shape == (None, 5)
    assert model.count_params() < limit


def test_learner_learns_and_starts_anew() -> None:
    random = rng()
    labels = np.arange(40) % 2
    x = (random.random((40, 8, 8, 1)) * 0.2 + 0.8 * labels[:, None, None, None]).astype("float32")
    keras.utils.set_random_seed(0)
    learner = features.Learner(lambda: features.small_cnn(8, 2), rate=3e-3, steps=20)
    assert learner.fit(x, labels, random).score(x, labels) == 1
    assert learner.optimizer.iterations == 20
    learner.fit(x, 1 - labels, random)  # unlearns what it knew: it began with new weights
    assert learner.score(x, labels) == 0
    assert learner.optimizer.iterations == 20


def test_learner_starts_with_the_last_layer_that_it_is_given() -> None:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    learner = features.Learner(lambda: model, rate=1e-9, steps=1)
    last = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([5.0, 6.0])
    learner.fit(np.ones((4, 2), "float32"), np.zeros(4, int), rng(), last)
    for found, given_ in zip(model.get_weights(), last, strict=True):
        np.testing.assert_allclose(found, given_, atol=1e-6)


# --- where did it look? -------------------------------------------------------------------------


def test_grad_cam_of_the_last_stage_is_the_class_activation_map(network) -> None:
    """Behind it come an average and a dense layer: the weights are those of this layer."""
    picture = images.sample("coffee", size=64)
    label, stage = network.index("espresso"), features.stages(network)[-1]
    maps = features.extract(network, picture, stage, "none")[stage][0]
    weights = network.model.layers[-1].get_weights()[0][:, label]
    expected = np.maximum(maps @ weights / 16, 0)
    found = features.grad_cam(network, picture, label, stage)
    assert found.shape == (64, 64) and found.dtype == np.float32
    assert found.max() == pytest.approx(expected.max(), rel=0.02)
    corner = found[:8, :8].mean() / found.max()
    assert corner == pytest.approx(expected[0, 0] / expected.max(), abs=0.02)


def test_grad_cam_by_finite_differences(network) -> None:
    """The mean gradient of a map is how fast the logit rises with a constant added to it."""
    stage = features.stages(network)[3]
    picture = images.sample("coffee", size=64)[None]
    maps, gradient = (
        np.array(part) for part in features._maps_and_gradient(network, stage)(picture, 5)
    )
    rest = keras.Model(network.model.get_layer(stage).output, network.model.outputs[0])
    random = rng().normal(size=128).astype("float32")
    up, down = (np.array(rest(maps + sign * 1e-2 * random))[0, 5] for sign in (1, -1))
    assert (up - down) / 2e-2 == pytest.approx((gradient.sum((0, 1, 2)) * random).sum(), rel=0.05)


def test_occlusion_finds_the_only_place_that_counts(network, monkeypatch) -> None:
    """A made-up network whose logit 3 is the brightness of one pixel."""

    def logits(pictures: np.ndarray, batch_size: int = 1) -> np.ndarray:
        return np.eye(200)[3] * pictures[..., 20, 30, :1]

    monkeypatch.setattr(network, "predict", logits)
    heat = features.occlusion(network, np.ones((40, 48, 3), np.float32), 3, patch=8, stride=3)
    assert heat.shape == (40, 48) and heat.dtype == np.float32
    assert heat[20, 30] == pytest.approx(0.5) and heat.max() == pytest.approx(0.5)
    rows, columns = np.nonzero(heat)
    assert rows.min() > 20 - 8 and rows.max() < 20 + 8
    assert columns.min() > 30 - 8 and columns.max() < 30 + 8
    assert not features.occlusion(network, np.ones((40, 48, 3), np.float32), 4, 8, 3).any()


@pytest.mark.parametrize(("length", "patch", "stride"), [(40, 8, 3), (64, 10, 2), (33, 33, 5)])
def test_squares_reach_the_border(length: int, patch: int, stride: int) -> None:
    starts = features._starts(length, patch, stride)
    assert starts[0] == 0 and starts[-1] == length - patch
    assert set(np.diff(starts)) <= set(range(1, stride + 1))


def test_maps_refuse(network) -> None:
    picture = np.zeros((64, 64, 3), np.float32)
    for function in (
        lambda label: features.grad_cam(network, picture, label, "block5_conv3"),
        lambda label: features.occlusion(network, picture, label),
    ):
        for label in (-1, 200):
            with pytest.raises(ValueError, match=f"label is {label}; embedded has 200 logits."):
                function(label)
    for patch, stride in ((65, 4), (8, 9), (8, 0)):
        with pytest.raises(ValueError, match=f"patch is {patch} and stride {stride}; it must"):
            features.occlusion(network, picture, 0, patch, stride)
    with pytest.raises(CourseError, match="has no layer 'conv9'"):
        features.grad_cam(network, picture, 0, "conv9")


def test_heat_on() -> None:
    picture = rng().random((6, 5, 3)).astype(np.float32)
    heat = np.zeros((6, 5))
    heat[2, 3], heat[4, 4] = 7, -7
    shown = features.heat_on(picture, heat)
    assert shown.shape == (6, 5, 3) and 0 <= shown.min() and shown.max() <= 1
    colors = (shown - 0.45 * images.to_gray(picture)[..., None]) / 0.55
    np.testing.assert_allclose(colors[2, 3], (0.99, 0.91, 0.14), atol=0.01)  # yellow
    np.testing.assert_allclose(colors[4, 4], colors[0, 0], atol=1e-5)  # as 0
    assert np.isfinite(features.heat_on(picture, 0 * heat)).all()


# --- the feature explorer -----------------------------------------------------------------------

LAYERS = STAGES["embedded"].split()


def shown(picture="coffee", path="", upload=(), layer=LAYERS[3], part=100, turn=0):
    return feature_explorer.frame(picture, path, upload, layer, part, turn)


def test_explorer_names_what_it_shows() -> None:
    frame = shown()
    titles = list(frame.pictures)
    assert titles[0] == "the picture" and "Grad-CAM of block4_conv3: espresso" in titles[1]
    named = titles[2].removeprefix("nearest by block4_conv3: ").split(", ")
    assert len(named) == 4 and set(named) <= set(features.PHOTOS)
    assert frame.text.startswith("the network says        espresso 0.9")
    picture, heat, tiles = frame.pictures.values()
    assert picture.shape == heat.shape == (64, 64, 3) and tiles.shape == (128, 128, 3)
    assert all(p.min() >= 0 and p.max() <= 1 for p in frame.pictures.values())


def test_explorer_finds_a_crop_of_its_own_collection() -> None:
    crops, labels = features.crops(20, "left")
    buffer = io.BytesIO()
    Image.fromarray(images.to_uint8(crops[45])).resize((256, 256)).save(buffer, "PNG")
    frame = shown(feature_explorer.OWN, upload=({"content": memoryview(buffer.getvalue())},))
    assert f": {features.PHOTOS[labels[45]]}" in list(frame.pictures)[2]
    assert f"classifier says {features.PHOTOS[labels[45]]}" in frame.text


@pytest.mark.parametrize("change", [{"layer": LAYERS[0]}, {"part": 40}, {"turn": 30}])
def test_each_control_changes_the_frame(change: dict) -> None:
    before, after = shown("text"), shown("text", **change)
    assert list(before.pictures) != list(after.pictures) or before.text != after.text


def test_explorer_says_what_is_wrong_with_a_picture(tmp_path: Path) -> None:
    own = feature_explorer.OWN
    with pytest.raises(ValueError, match=r"Choose a file, or write the path of a picture"):
        shown(own)
    with pytest.raises(CourseError, match=r"does not exist"):
        shown(own, path=str(tmp_path / "none.png"))
    (tmp_path / "words.png").write_text("no picture")
    with pytest.raises(CourseError, match=r"text file"):
        shown(own, path=str(tmp_path / "words.png"))
    with pytest.raises(ValueError, match=r"picture is 'dog'; choose one of coffee"):
        feature_explorer.show("dog")


def test_explorer_enables_the_path_for_own_pictures_only(monkeypatch) -> None:
    seen: list[dict] = []
    monkeypatch.setattr(feature_explorer, "explore", lambda frame, controls: seen.append(controls))
    feature_explorer.show("coffee")
    controls = seen[0]
    assert controls["path"].disabled and controls["upload"].disabled
    controls["picture"].value = feature_explorer.OWN
    assert not controls["path"].disabled and not controls["upload"].disabled
    feature_explorer.show(path="mine.png")
    assert seen[1]["picture"].value == feature_explorer.OWN and not seen[1]["path"].disabled


# --- a network of keras.applications with its weights -------------------------------------------


@needs_keras_cache
def test_everything_works_with_mobilenet(monkeypatch) -> None:
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(KERAS_CACHE))
    network = networks.load("MobileNetV2")
    stages = features.stages(network)
    crops, labels = features.crops(4, "left")
    asked, wanted = features.crops(2, "right")
    base, queries = features.extract(network, crops), features.extract(network, asked)
    hits = features.precision_at(1, base[stages[3]], labels, queries[stages[3]], wanted)
    assert hits.mean() > 0.5
    picture = images.sample("coffee", size=224)
    label = network.index("espresso")
    assert network.predict(picture).argmax() == label
    heat = features.grad_cam(network, picture, label, stages[-1])
    fall = features.occlusion(network, picture, label, patch=64, stride=40)
    middle = np.hypot(*np.mgrid[-112:112, -112:112]) < 80
    assert heat[middle].mean() > heat[~middle].mean()
    assert fall[middle].mean() > fall[~middle].mean()


# --- additions ----------------------------------------------------------------------------------


def test_standardize_cuts_bright_spots() -> None:
    spot = np.zeros((16, 16))
    spot[3, 4] = 1
    found = features.standardize(spot)
    assert found[3, 4] == 1 and found.min() > 0.48
    assert features.standardize(-spot)[3, 4] == 0


def test_crops_of_the_two_halves_are_at_different_places(monkeypatch) -> None:
    columns = np.tile(np.arange(300) / 300, (200, 1))  # halves of 146 columns, from 0 and from 154
    monkeypatch.setattr(features, "_gray", lambda name: columns)
    monkeypatch.setattr(features, "standardize", lambda window: window)
    left, right = (features.crops(5, half, 32)[0][:, 0, 0, 0] for half in ("left", "right"))
    assert np.abs(right - 154 / 300 - left).max() > 0.1


def test_crops_are_anywhere_in_the_photo_but_where_nothing_is(monkeypatch) -> None:
    photo = np.indices((200, 300))[0] / 200
    photo[:, :60] = 0.5  # a window of 32 pixels would often lie in here
    monkeypatch.setattr(features, "_gray", lambda name: photo)
    monkeypatch.setattr(features, "standardize", lambda window: window)
    found = features.crops(30, "left", 32)[0]
    assert found.std(axis=(1, 2, 3)).min() >= 0.03
    assert found.min() < 0.05 and found.max() > 0.95


@pytest.mark.parametrize("name", features.PHOTOS)
def test_large_photos_are_scaled_down_without_distortion(name: str) -> None:
    (rows, columns), (height, width) = (
        images.sample(name, gray=True).shape,
        features._gray(name).shape,
    )
    assert height == min(rows, 512) and width == round(columns * height / rows)


def test_precision_looks_at_angles_unless_told_otherwise() -> None:
    base, asked = [[1.0, 0.0], [10.0, 10.0]], [[2.0, 2.0]]
    assert features.precision_at(1, base, [0, 1], asked, [1]) == 1
    assert features.precision_at(1, base, [0, 1], asked, [1], "euclidean") == 0


def test_noise_is_gray_and_always_the_same_and_stays_in_0_to_1() -> None:
    noisy = features.change(0.4 + 0.2 * WINDOW, "noise", 0.05)
    added = noisy - 0.4 - 0.2 * MIDDLE
    np.testing.assert_allclose(added, np.repeat(added[..., :1], 3, axis=3), atol=1e-6)
    assert np.array_equal(noisy, features.change(0.4 + 0.2 * WINDOW, "noise", 0.05))
    for name, amount in (("noise", 0.5), ("brightness", 3.0)):
        images.validate(features.change(WINDOW, name, amount)[0])


def test_blur_leaves_colors_apart_and_sees_what_lies_around() -> None:
    window = np.zeros((1, 32, 32, 3), np.float32)
    window[:, :, :7, 1] = 1  # one pixel outside of the middle half
    found = features.change(window, "blur", 2)
    assert found[..., 1].max() > 0.1 and not found[..., [0, 2]].any()


def test_draw_is_random() -> None:
    labels = np.arange(40) % 2
    drawn = [set(features.draw(labels, 5, rng(seed))) for seed in range(50)]
    assert len(set(map(frozenset, drawn))) > 40 and set.union(*drawn) == set(range(40))


def test_upper_part_begins_with_what_the_network_has_learned(network) -> None:
    start, end = features.stages(network)[2:4]
    picture = rng().random((2, 64, 64, 3)).astype(np.float32)
    maps = features.extract(network, picture, start, "none")[start]
    expected = features.extract(network, picture, end)[end]
    model = features.upper_part(network, start, end, expected.shape[1], maps.shape[1:])
    model.layers[-1].set_weights([np.eye(expected.shape[1]), np.zeros(expected.shape[1])])
    np.testing.assert_allclose(model(maps), expected, rtol=1e-3, atol=1e-3)


def test_untrained_starts_as_he_et_al_advise(network) -> None:
    model = features.untrained(network, features.stages(network)[3], 4)
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert len(convolutions) > 5
    for layer in convolutions:
        kernel, bias = layer.get_weights()
        fan_in = kernel[..., 0].size
        assert kernel.std() == pytest.approx((2 / fan_in) ** 0.5, rel=0.1) and not bias.any()


@pytest.mark.parametrize(("side", "vector"), [(8, 4 * 4 * 64), (16, 64), (64, 64)])
def test_small_cnn_centers_its_input_and_ends_as_it_says(side: int, vector: int) -> None:
    model = features.small_cnn(side, 5)
    scaled = keras.Model(model.inputs, model.layers[1].output)
    picture = np.linspace(0, 1, side * side, dtype=np.float32).reshape(1, side, side, 1)
    np.testing.assert_allclose(scaled(picture), 5 * picture - 2.5, atol=1e-5)
    assert model.layers[-1].kernel.shape == (vector, 5)  # 8: keeps its places; else the average


@pytest.mark.parametrize(
    ("count", "batch"), [(5, 32), (200, 32), (200, 16)]
)  # of 5 pictures each is in every batch, many times
def test_learner_trains_as_keras_does_on_the_same_batches(count: int, batch: int) -> None:
    first = features.small_cnn(8, 3)
    start = first.get_weights()

    def build() -> keras.Model:
        first.set_weights(start)
        return first

    pictures = rng().random((count, 8, 8, 1)).astype(np.float32)
    labels = np.arange(count) % 3
    learner = features.Learner(build, rate=0.01, steps=10, batch=batch)
    found = learner.fit(pictures, labels, rng(4)).model.get_weights()
    model, rows = build(), rng(4).integers(count, size=10 * batch)
    rate = keras.optimizers.schedules.CosineDecay(0.01, 10)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss)
    model.fit(pictures[rows], labels[rows], batch, shuffle=False, verbose=0)
    for own, expected, before in zip(found, model.get_weights(), start, strict=True):
        assert np.abs(own - expected).max() < 2e-3 < np.abs(before - expected).max()


def test_learner_draws_other_batches_with_another_seed() -> None:
    seen = []
    learner = features.Learner(lambda: features.small_cnn(8, 2), rate=0.01, steps=10)
    learner._step = lambda x, y, shares: seen.append((x[:, 0, 0, 0], y, shares))
    pictures = np.zeros((50, 8, 8, 1)) + np.arange(50)[:, None, None, None]
    for seed in (0, 1):
        learner.fit(pictures, np.arange(50), rng(seed))
    assert len(seen) == 20
    for x, y, shares in seen:
        assert np.array_equal(x, y) and shares.sum() == pytest.approx(1)
    drawn = [np.concatenate([y for _, y, _ in half]) for half in (seen[:10], seen[10:])]
    assert all(len(np.unique(half)) > 45 for half in drawn)
    assert not np.array_equal(*(half[:50] for half in drawn))


def test_learner_is_traced_once() -> None:
    learner = features.Learner(lambda: features.small_cnn(8, 2), rate=0.01, steps=2)
    for count in (3, 90):
        pictures = np.zeros((count, 8, 8, 1), np.float32)
        learner.fit(pictures, np.zeros(count, int), rng()).score(pictures, np.zeros(count, int))
    assert learner._step.experimental_get_tracing_count() == 1
    assert learner._answers.experimental_get_tracing_count() == 1


def test_learner_scores_more_than_one_batch() -> None:
    learner = features.Learner(lambda: features.small_cnn(8, 2), rate=0.01, steps=1)
    pictures = rng().random((300, 8, 8, 1)).astype(np.float32)
    own = np.array(learner.model(pictures)).argmax(axis=1)
    assert learner.score(pictures, own) == 1 and learner.score(pictures, 1 - own) == 0
    assert learner.score(pictures, np.where(np.arange(300) < 75, own, 1 - own)) == 0.25


def test_learner_starts_with_the_last_layer_each_time() -> None:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    learner = features.Learner(lambda: model, rate=1e-9, steps=1)
    for number in (1.0, 2.0):
        last = np.full((2, 2), number), np.full(2, number)
        learner.fit(np.ones((4, 2), "float32"), np.zeros(4, int), rng(), last)
        np.testing.assert_allclose(model.get_weights()[0], last[0], atol=1e-6)


def test_grad_cam_is_not_negative_and_is_enlarged_smoothly(network) -> None:
    picture, stage = images.sample("coffee", size=64), features.stages(network)[3]
    maps, gradient = (
        np.array(part)[0] for part in features._maps_and_gradient(network, stage)(picture[None], 5)
    )
    weighted = maps @ gradient.mean(axis=(0, 1))
    assert weighted.min() < 0 < weighted.max()
    found = features.grad_cam(network, picture, 5, stage)
    assert found.min() == 0
    assert len(np.unique(found[found > 0])) > 64  # more values than there are places in the maps


def test_dense_weights_of_two_classes_give_the_same_probabilities() -> None:
    x, y = rng().normal(3, 2, size=(60, 5)), np.arange(60) % 2
    fitted = make_pipeline(StandardScaler(), LogisticRegression()).fit(x, y)
    kernel, bias = features.dense_weights(fitted)
    assert kernel.shape == (5, 2) and bias.shape == (2,)
    logits = x @ kernel + bias
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(shares, fitted.predict_proba(x), atol=1e-4)


def test_occlusion_is_gray_and_a_mean_over_squares(network, monkeypatch) -> None:
    def logits(pictures: np.ndarray, batch_size: int = 1) -> np.ndarray:
        return np.ones(200) * pictures.mean(axis=(-1, -2, -3))[..., None]

    monkeypatch.setattr(network, "predict", logits)
    gray, white = (np.full((40, 48, 3), v, np.float32) for v in (0.5, 1))
    assert np.abs(features.occlusion(network, gray, 3)).max() < 1e-6
    # Each square takes away the same, so that each pixel has this mean, at the border as well.
    np.testing.assert_allclose(features.occlusion(network, white, 3), 0.5 * 256 / 1920, rtol=1e-4)


def test_a_layer_without_maps_gets_its_sentence(network, pictures) -> None:
    sentence = "predictions has no maps; name a layer before it"
    with pytest.raises(ValueError, match=sentence):
        features.extract(network, pictures, "predictions")
    with pytest.raises(ValueError, match=sentence):
        features.grad_cam(network, pictures[0], 0, "predictions")
    found = features.extract(network, pictures, "predictions", "flatten")["predictions"]
    np.testing.assert_allclose(found, network.predict(pictures), rtol=1e-3, atol=1e-3)


def test_untrained_ends_with_the_average_of_each_map(network) -> None:
    stage = features.stages(network)[1]
    size = network.model.get_layer(stage).output.shape[-1]
    model = features.untrained(network, stage, size)
    model.layers[-1].set_weights([np.eye(size), np.zeros(size)])
    maps = keras.Model(model.inputs, model.get_layer(stage).output)
    picture = rng().random((2, 32, 32, 3)).astype(np.float32)
    np.testing.assert_allclose(model(picture), np.array(maps(picture)).mean((1, 2)), rtol=1e-3)


def test_maps_of_evidence_are_of_one_picture_and_one_logit(network, pictures) -> None:
    stage = features.stages(network)[3]
    for show in (features.grad_cam, features.occlusion):
        rest = (stage,) if show is features.grad_cam else ()
        with pytest.raises(ValueError, match=r"There are \d+ pictures; give one at a time"):
            show(network, pictures, 0, *rest)
        with pytest.raises(ValueError, match=r"label is 1\.5; embedded has 200 logits"):
            show(network, pictures[0], 1.5, *rest)


@pytest.mark.parametrize("amount", [12, -12])
def test_a_shift_ends_where_nothing_is_left_to_see(amount: int) -> None:
    with pytest.raises(ValueError, match=f"The shift is {amount}; 8 pixels stand around"):
        features.change(np.zeros((1, 32, 32, 3)), "shift", amount)
