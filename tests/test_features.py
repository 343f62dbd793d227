"""Tests of course_utils.features and of the feature explorer."""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage.transform import resize
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from course_utils import dimensions, features, images, networks, training
from course_utils.ask import CourseError
from course_utils.quiet import keras, tf
from course_utils.widgets import feature_explorer, layer_gallery

STAGES = {
    "embedded": "block1_conv2 block2_conv2 block3_conv3 block4_conv3 block5_conv3",
    "MobileNetV2": "block_1_expand_relu block_3_expand_relu block_6_expand_relu "
    "block_13_expand_relu out_relu",
    "ResNet50": "conv1_relu conv2_block3_out conv3_block4_out conv4_block6_out conv5_block3_out",
}
LAYERS = STAGES["embedded"].split()


@pytest.fixture(scope="module")
def network() -> networks.Classifier:
    return networks.load()


@pytest.fixture(scope="module")
def blank() -> networks.Classifier:
    return networks.load("embedded", pretrained=False)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


PICTURES = rng().random((5, 40, 36, 3)).astype(np.float32)


@pytest.mark.parametrize(
    ("call", "value"),
    [
        (lambda n: features.extract(n, PICTURES, LAYERS[0], "max"), "'max'"),
        (lambda n: features.extract(n, PICTURES, LAYERS[0], ["max"]), "'max'"),
        (lambda n: features.extract(n, PICTURES, LAYERS[0], ["none"] * 2), "2 entries for 1"),
        (lambda n: features.extract(n, PICTURES, LAYERS[0], batch_size=0), "batch_size is 0"),
        (lambda n: features.extract(n, PICTURES[:0]), "no pictures"),
        (lambda n: features.extract(n, PICTURES, "block1_conv"), "'block1_conv'"),
        (lambda n: features.extract(n, (255 * PICTURES).astype(np.uint8)), "uint8"),
        (lambda n: features.extract(n, PICTURES, "predictions"), "predictions has no maps"),
        (lambda n: features.crops(1, "top"), "'top'"),
        (lambda n: features.crops(1, "left", 129), "side is 129"),
        (lambda n: features.crops(1, "left", 7), "side is 7"),
        (lambda n: features.crops(0, "left"), "per_photo is 0"),
        (lambda n: features.precision_at(0, np.eye(3), [0, 1, 2], np.eye(3), [0]), "k is 0"),
        (lambda n: features.precision_at(4, np.eye(3), [0, 1, 2], np.eye(3), [0]), "k is 4"),
        (lambda n: features.change(PICTURES, "fog", 1), "'fog'"),
        (lambda n: features.change(np.zeros((1, 32, 32, 3)), "shift", 9), "shift is 9"),
        (lambda n: features.change(np.zeros((1, 32, 32, 3)), "shift", -9), "shift is -9"),
        (lambda n: features.draw([1, 1, 2, 2, 2], 0, rng()), "per_class is 0"),
        (lambda n: features.draw([1, 1, 2, 2, 2], 3, rng()), "per_class is 3"),
        (lambda n: features.draw([], 1, rng()), "no labels"),
        (lambda n: features.grad_cam(n, PICTURES, 0, LAYERS[3]), "are 5 pictures"),
        (lambda n: features.grad_cam(n, PICTURES[0], 1.5, LAYERS[3]), "label is 1.5"),
        (lambda n: features.grad_cam(n, PICTURES[0], 200, LAYERS[3]), "label is 200"),
        (lambda n: features.grad_cam(n, PICTURES[0], 0, "conv9"), "'conv9'"),
        (lambda n: features.grad_cam(n, PICTURES[0], 0, "predictions"), "predictions has no maps"),
        (lambda n: features.occlusion(n, PICTURES, 0), "are 5 pictures"),
        (lambda n: features.occlusion(n, PICTURES[0], -1), "label is -1"),
        (lambda n: features.occlusion(n, PICTURES[0], 0, 37, 4), "patch is 37"),
        (lambda n: features.occlusion(n, PICTURES[0], 0, 8, 9), "stride is 9"),
        (lambda n: features.occlusion(n, PICTURES[0], 0, 8, 0), "stride is 0"),
        (lambda n: features.photo_crops(per_photo=0), "per_photo is 0"),
        (lambda n: features.photo_crops(size=301), "size is 301"),
        (lambda n: features.peaks(n, ["block9"], PICTURES), "'block9'"),
        (lambda n: features.peaks(n, LAYERS, PICTURES[:0]), "no crops"),
        (lambda n: features.feature_maps(np.zeros((64, 64), np.float32)), "64, 64"),
        (lambda n: features.feature_maps(PICTURES), "5, 40, 36, 3"),
        (lambda n: features.feature_maps(np.zeros((31, 64, 3), np.float32)), "31x64"),
        (lambda n: features.mosaic(np.zeros((4, 4, 64)), 63), "side is 63"),
        (lambda n: feature_explorer.show("dog"), "'dog'"),
    ],
)
def test_what_is_refused_is_named(network, call: Callable, value: str) -> None:
    with pytest.raises(CourseError, match=value):
        call(network)


# --- stages and extract -------------------------------------------------------------------------


@pytest.mark.parametrize("name", STAGES)
def test_stages_are_the_last_layers_of_each_resolution(name: str) -> None:
    assert " ".join(features.stages(networks.load(name, pretrained=False))) == STAGES[name]


@pytest.mark.parametrize(
    ("pool", "by_hand"),
    [
        ("average", lambda maps: maps.mean(axis=(1, 2))),
        ("flatten", lambda maps: maps.reshape(len(maps), -1)),
        ("none", lambda maps: maps),
    ],
)
def test_extract_is_the_cut_network(network, pool: str, by_hand: Callable) -> None:
    names = ["block2_conv1", "block4_conv3"]
    vectors = features.extract(network, PICTURES, names, pool, batch_size=2)
    maps = network.features(names)(PICTURES)
    assert list(vectors) == names
    for name in names:
        assert vectors[name].dtype == np.float32
        np.testing.assert_allclose(vectors[name], by_hand(maps[name].numpy()), 1e-3, 1e-3)
    mixed = features.extract(network, PICTURES, ("block1_conv1", names[1]), ("none", pool))
    np.testing.assert_allclose(mixed[names[1]], vectors[names[1]], 1e-4, 1e-4)


def test_extract_takes_one_picture_and_chooses_layers(network) -> None:
    many = features.extract(network, PICTURES)
    assert tuple(many) == features.stages(network)
    one = features.extract(network, PICTURES[2, :33], LAYERS[2], "none")[LAYERS[2]]
    assert one.shape[0] == 1 and one.shape[1:3] == (8, 9)
    descriptors = network.descriptor(PICTURES)
    np.testing.assert_allclose(many[LAYERS[-1]], descriptors, 1e-3, 1e-4)
    logits = features.extract(network, PICTURES, "predictions", "flatten")["predictions"]
    np.testing.assert_allclose(logits, network.predict(PICTURES), 1e-3, 1e-3)


# --- crops --------------------------------------------------------------------------------------


def drawn_from(photo: np.ndarray, per_photo: int, half: str, side: int = 32) -> np.ndarray:
    """Crops where every photo is this one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(images, "sample", lambda name, gray: photo)
        return features.crops(per_photo, half, side)[0]


@pytest.mark.parametrize(
    ("half", "column", "seen"),
    [
        *(("left", column, True) for column in (0, 145)),
        *(("left", column, False) for column in (146, 150, 300)),
        *(("right", column, False) for column in (0, 150, 153)),
        *(("right", column, True) for column in (154, 300)),
    ],
)
def test_crops_come_from_all_of_their_half_and_from_nothing_else(half, column, seen) -> None:
    photo = rng().random((60, 301)).astype(np.float32)
    changed = photo.copy()
    changed[:, column] = 1 - changed[:, column]
    same = np.array_equal(drawn_from(photo, 40, half), drawn_from(changed, 40, half))
    assert same is not seen


def test_crops_reach_the_last_row_and_leave_out_what_is_empty() -> None:
    photo = np.where(np.arange(300) < 60, 0.5, rng().random((60, 300))).astype(np.float32)
    changed = photo.copy()
    changed[-1] = 1 - changed[-1]
    crops = drawn_from(photo, 40, "left")
    assert not np.array_equal(crops, drawn_from(changed, 40, "left"))
    assert crops.std(axis=(1, 2, 3)).min() > 0.01  # some windows would lie in the gray columns


def test_crops_of_the_two_halves_are_at_different_places() -> None:
    photo = np.tile(rng().random((60, 158)).astype(np.float32), 2)[:, :308]  # repeats after 158
    assert not np.array_equal(*(drawn_from(photo, 5, half) for half in ("left", "right")))


def test_crops_of_large_photos_show_more() -> None:
    stripes = np.repeat(np.arange(1026)[:, None] % 64 < 32, 1026, axis=1).astype(np.float32)
    for size, turns in ((512, (3, 4)), (514, (3, 4)), (1024, (7, 8))):
        crop = drawn_from(stripes[:size, :size], 1, "left", 128)[0]
        assert np.abs(np.diff(crop[:, 0, 0] > 0.5)).sum() in turns


def test_crops_are_gray_of_one_contrast_and_reproducible() -> None:
    crops, labels = features.crops(3, "left")
    assert crops.shape == (36, 64, 64, 3) and crops.dtype == np.float32
    assert labels.tolist() == [label for label in range(12) for _ in range(3)]
    assert np.array_equal(crops[..., 0], crops[..., 2])
    assert np.abs(crops.mean(axis=(1, 2, 3)) - 0.5).max() < 0.05
    contrast = crops.std(axis=(1, 2, 3))  # less where stars are cut at white
    assert contrast.max() < 0.181 and np.median(contrast) > 0.175 and contrast.min() > 0.05
    assert np.array_equal(crops, features.crops(3, "left")[0])
    assert not np.array_equal(crops, features.crops(3, "left", seed=1)[0])
    for side in (8, 128):
        assert features.crops(1, "right", side)[0].shape == (12, side, side, 3)


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 0.9), st.floats(0.05, 1))
@settings(max_examples=20)
def test_standardize_ignores_light(seed: int, brightness: float, contrast: float) -> None:
    window = rng(seed).random((8, 8))
    other = features.standardize(brightness + contrast * window)
    np.testing.assert_allclose(features.standardize(window), other, atol=1e-4)
    assert other.min() >= 0 and other.max() <= 1


def test_standardize_spots_and_nothing() -> None:
    spot = np.zeros((16, 16))
    spot[3, 4] = 1
    assert features.standardize(spot)[3, 4] == 1 and features.standardize(spot).min() > 0.48
    assert features.standardize(-spot)[3, 4] == 0
    assert np.allclose(features.standardize(np.full((4, 4), 0.3)), 0.5)


# --- retrieval, similarity, changes -------------------------------------------------------------


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.sampled_from(["cosine", "euclidean"]))
@settings(max_examples=20)
def test_precision_by_hand(seed: int, k: int, metric: str) -> None:
    random = rng(seed)
    base, asked = random.normal(size=(9, 3)), random.normal(size=(4, 3))
    labels, wanted = random.integers(3, size=9), random.integers(3, size=4)
    metrics = () if metric == "cosine" else (metric,)  # the default
    precisions = features.precision_at(k, base, labels, asked, wanted, *metrics)
    for query, label, precision in zip(asked, wanted, precisions, strict=True):
        far = np.linalg.norm(base - query, axis=1)
        if metric == "cosine":
            far = -(base @ query) / np.linalg.norm(base, axis=1)
        assert precision == pytest.approx((labels[far.argsort()[:k]] == label).mean())


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 10))
@settings(max_examples=20)
def test_similarity(seed: int, factor: float) -> None:
    random = rng(seed)
    center, moves = random.normal(size=4), random.normal(size=(3, 4))
    alike = features.similarity(center + moves, center + factor * moves, center)
    np.testing.assert_allclose(alike, 1)
    np.testing.assert_allclose(features.similarity(center + moves, center - moves, center), -1)
    assert features.similarity([center], [center + moves[0]], center) == pytest.approx(0)


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

    assert np.array_equal(change("shift", 8), WINDOW[:, 8:24, 16:32])
    assert np.array_equal(change("shift", -8), WINDOW[:, 8:24, :16])
    np.testing.assert_allclose(change("rotation", 90), np.rot90(MIDDLE, axes=(1, 2)), atol=1e-5)
    np.testing.assert_allclose(change("brightness", 0.5), MIDDLE / 2, atol=1e-6)
    assert 0.02 < np.abs(change("noise", 0.1) - MIDDLE).mean() < 0.1
    assert change("blur", 2).std() < MIDDLE.std() / 2
    small = images.resize(WINDOW[0, 12:20, 12:20], 16)
    np.testing.assert_allclose(change("scale", 2)[0], small, atol=1e-6)


def test_noise_and_blur() -> None:
    noisy = features.change(0.4 + 0.2 * WINDOW, "noise", 0.05)
    added = noisy - 0.4 - 0.2 * MIDDLE
    np.testing.assert_allclose(added, np.repeat(added[..., :1], 3, axis=3), atol=1e-6)
    assert np.array_equal(noisy, features.change(0.4 + 0.2 * WINDOW, "noise", 0.05))
    for name, amount in (("noise", 0.5), ("brightness", 3.0)):
        images.validate(features.change(WINDOW, name, amount)[0])
    window = np.zeros((1, 32, 32, 3), np.float32)
    window[:, :, :7, 1] = 1  # one pixel outside of the middle half
    blurred = features.change(window, "blur", 2)  # colors stay apart
    assert blurred[..., 1].max() > 0.1 and not blurred[..., [0, 2]].any()


# --- a new task ---------------------------------------------------------------------------------


@given(st.integers(1, 4), st.integers(0, 2**32 - 1))
@settings(max_examples=20)
def test_draw(per_class: int, seed: int) -> None:
    labels = np.array([3, 0, 3, 3, 0, 0, 3, 0, 3])
    places = features.draw(labels, per_class, rng(seed))
    assert len(set(places)) == len(places) == 2 * per_class
    assert sorted(labels[places]) == [0] * per_class + [3] * per_class


def test_draw_is_random() -> None:
    drawn = [frozenset(features.draw(np.arange(40) % 2, 5, rng(seed))) for seed in range(50)]
    assert len(set(drawn)) > 40 and set.union(*map(set, drawn)) == set(range(40))


@pytest.mark.parametrize("classes", [2, 3])
def test_dense_weights_are_the_pipeline(classes: int) -> None:
    x, y = rng().normal(3, 2, size=(60, 5)), np.arange(60) % classes
    fitted = make_pipeline(StandardScaler(), LogisticRegression()).fit(x, y)
    kernel, bias = features.dense_weights(fitted)
    assert kernel.shape == (5, classes) and bias.shape == (classes,)
    powers = np.exp(x @ kernel + bias)
    shares = powers / powers.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(shares, fitted.predict_proba(x), atol=1e-4)


def test_upper_part_is_a_copy_that_learns(network) -> None:
    lower, upper = LAYERS[2:4]
    model = features.upper_part(network, lower, upper, 3, (8, 8, 64))
    assert len(model.trainable_variables) == 2 * 3 + 2
    before = network.model.get_layer(upper).get_weights()[0]
    maps = rng().random((8, 8, 8, 64)).astype("float32")
    training.Learner(lambda: model, rate=0.1).fit_draws(maps, np.arange(8) % 3, rng(), steps=1)
    assert np.array_equal(network.model.get_layer(upper).get_weights()[0], before)
    assert not np.array_equal(model.get_weights()[-4], before)
    assert not network.model.trainable_variables


def test_upper_part_begins_with_what_the_network_has_learned(network) -> None:
    maps = features.extract(network, PICTURES, LAYERS, "none")
    for start, end in pairwise(LAYERS):
        averages = maps[end].mean(axis=(1, 2))
        size = averages.shape[1]
        model = features.upper_part(network, start, end, size, maps[start].shape[1:])
        model.layers[-1].set_weights([np.eye(size), np.zeros(size)])
        np.testing.assert_allclose(model(maps[start]), averages, rtol=1e-3, atol=1e-3)


def test_upper_part_keeps_batch_norm_frozen() -> None:
    network = networks.load("MobileNetV2", pretrained=False)
    lower, upper = features.stages(network)[2:4]
    model = features.upper_part(network, lower, upper, 3, (4, 4, 192))
    names = [variable.path for variable in model.trainable_variables]
    assert names and not any("gamma" in name or "beta" in name for name in names)
    before = [v.numpy() for v in model.non_trainable_variables]
    model(rng().random((2, 4, 4, 192)).astype("float32"), training=True)
    assert all(map(np.array_equal, before, (v.numpy() for v in model.non_trainable_variables)))


def test_untrained_has_the_architecture_and_starts_as_he_et_al_advise(network) -> None:
    one, other = (features.untrained(network, LAYERS[3], 128) for _ in range(2))
    learned = keras.Model(network.model.inputs, network.model.get_layer(LAYERS[3]).output)
    shapes = [[w.shape for w in m.get_weights()] for m in (one, other, learned)]
    assert shapes[0][:-2] == shapes[1][:-2] == shapes[2]
    assert len(one.trainable_variables) == len(one.weights)
    assert not network.model.trainable_variables
    assert not np.allclose(one.get_weights()[0], other.get_weights()[0])
    for layer in one.layers:
        if isinstance(layer, keras.layers.Conv2D):
            kernel, bias = layer.get_weights()
            fan_in = kernel[..., 0].size
            assert kernel.std() == pytest.approx((2 / fan_in) ** 0.5, rel=0.1) and not bias.any()
    maps = keras.Model(one.inputs, one.get_layer(LAYERS[3]).output)(PICTURES).numpy()
    one.layers[-1].set_weights([np.eye(128), np.zeros(128)])  # the average of each map
    np.testing.assert_allclose(one(PICTURES), maps.mean((1, 2)), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("side", "limit", "vector"), [(8, 31_000, 1024), (16, 11_000, 64), (64, 62_000, 64)]
)
def test_small_cnn(side: int, limit: int, vector: int) -> None:
    model = features.small_cnn(side, 5)
    assert model.input_shape == (None, side, side, 1) and model.output_shape == (None, 5)
    assert model.count_params() < limit
    scaled = keras.Model(model.inputs, model.layers[1].output)
    picture = np.linspace(0, 1, side * side, dtype=np.float32).reshape(1, side, side, 1)
    np.testing.assert_allclose(scaled(picture), 5 * picture - 2.5, atol=1e-5)
    assert model.layers[-1].kernel.shape == (vector, 5)  # 8: keeps its places; else the average


# --- where did it look? -------------------------------------------------------------------------


def test_grad_cam_of_the_last_stage_is_the_class_activation_map(network) -> None:
    """Behind it come an average and a dense layer: the weights are those of this layer."""
    picture, label = images.sample("coffee", size=64), network.index("espresso")
    maps = features.extract(network, picture, LAYERS[-1], "none")[LAYERS[-1]][0]
    weights = network.model.layers[-1].get_weights()[0][:, label]
    heat = features.grad_cam(network, picture, label, LAYERS[-1])
    assert heat.shape == (64, 64) and heat.dtype == np.float32
    expected = resize(np.maximum(maps @ weights / 16, 0), (64, 64), order=1, mode="edge")
    np.testing.assert_allclose(heat, expected, atol=0.02 * expected.max())


def test_grad_cam_by_finite_differences(network) -> None:
    """The mean gradient of a map is how fast the logit rises with a constant added to it."""
    picture = images.sample("coffee", size=64)
    maps = features.extract(network, picture, LAYERS[3], "none")[LAYERS[3]]
    rest = keras.Model(network.model.get_layer(LAYERS[3]).output, network.model.outputs[0])
    channels = maps.shape[3]
    moves = 1e-2 * np.eye(channels, dtype=np.float32)[:, None, None]
    up, down = (rest(maps + sign * moves).numpy()[:, 5] for sign in (1, -1))
    weighted = maps[0] @ ((up - down) / 2e-2 / maps[0, ..., 0].size)
    assert weighted.min() < 0 < weighted.max()
    expected = resize(np.maximum(weighted, 0), (64, 64), order=1, mode="edge")
    heat = features.grad_cam(network, picture, 5, LAYERS[3])
    np.testing.assert_allclose(heat, expected, atol=0.05 * expected.max())
    assert heat.min() == 0 and np.ptp(heat) > 0


def of_one_pixel(row: int, column: int, sizes: list[int]) -> Callable:
    """A made-up network whose logit 3 is the brightness of one pixel."""

    def logits(pictures: np.ndarray, batch_size: int = 1) -> np.ndarray:
        sizes.append(len(pictures))
        return np.eye(200)[3] * pictures[..., row, column, :1]

    return logits


def test_occlusion_finds_the_only_place_that_counts(network, monkeypatch) -> None:
    monkeypatch.setattr(network, "predict", of_one_pixel(20, 30, []))
    heat = features.occlusion(network, np.ones((40, 48, 3), np.float32), 3, patch=8, stride=3)
    assert heat.shape == (40, 48) and heat.dtype == np.float32
    assert heat[20, 30] == pytest.approx(0.5) and heat.max() == pytest.approx(0.5)
    rows, columns = np.nonzero(heat)
    assert rows.min() > 20 - 8 and rows.max() < 20 + 8
    assert columns.min() > 30 - 8 and columns.max() < 30 + 8
    assert not features.occlusion(network, np.ones((40, 48, 3), np.float32), 4, 8, 3).any()


@pytest.mark.parametrize(
    ("shape", "patch", "stride", "squares"),
    [((40, 43), 8, 3, 12 * 13), ((64, 40), 10, 2, 28 * 16), ((33, 34), 33, 5, 1 * 2)],
)
def test_squares_reach_the_border(network, monkeypatch, shape, patch, stride, squares) -> None:
    sizes: list[int] = []
    monkeypatch.setattr(network, "predict", of_one_pixel(-1, -1, sizes))
    heat = features.occlusion(network, np.ones((*shape, 3), np.float32), 3, patch, stride)
    assert heat[-1, -1] == pytest.approx(0.5) and sizes[-1] == squares


def test_occlusion_is_gray_and_a_mean_over_squares(network, monkeypatch) -> None:
    def logits(pictures: np.ndarray, batch_size: int = 1) -> np.ndarray:
        return np.ones(200) * pictures.mean(axis=(-1, -2, -3))[..., None]

    monkeypatch.setattr(network, "predict", logits)
    gray, white = (np.full((40, 48, 3), v, np.float32) for v in (0.5, 1))
    assert np.abs(features.occlusion(network, gray, 3)).max() < 1e-6
    # Each square takes away the same, so that each pixel has this mean, at the border as well.
    np.testing.assert_allclose(features.occlusion(network, white, 3), 0.5 * 256 / 1920, rtol=1e-4)


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


# --- what excites a unit ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def scenes() -> tuple[np.ndarray, np.ndarray]:
    return features.photo_crops(per_photo=2)


def test_photo_crops_are_from_all_photos(scenes) -> None:
    crops, sources = scenes
    assert crops.shape == (30, 64, 64, 3) and crops.dtype == np.float32
    assert crops.min() >= 0 and crops.max() <= 1 and crops.std(axis=(1, 2, 3)).min() > 0.01
    assert np.array_equal(np.bincount(sources), [2] * len(features.SCENES))
    assert np.array_equal(crops, features.photo_crops(per_photo=2)[0])


def test_every_second_crop_is_mirrored_and_a_seed_chooses_them(monkeypatch) -> None:
    ramp = np.tile(np.linspace(0, 1, 400, dtype=np.float32), (300, 1))
    monkeypatch.setattr(images, "sample", lambda photo: ramp)
    crops, _ = features.photo_crops(per_photo=20, size=32)
    steps = crops[:, 16, -1, 0] - crops[:, 16, 0, 0]
    assert (steps > 0).tolist() == [True, False] * 150
    widths = np.abs(steps) * 400
    assert widths.min() > 29 and widths.max() < 300
    assert 0.4 < (widths < np.sqrt(32 * 300)).mean() < 0.6  # all scales alike
    assert crops.min() < 0.05 and crops.max() > 0.95
    assert not np.array_equal(crops, features.photo_crops(20, 32, seed=1)[0])
    assert features.photo_crops(1, 1)[0].shape == (15, 1, 1, 3)
    assert features.photo_crops(1, 300)[0].shape == (15, 300, 300, 3)


@pytest.mark.parametrize("layer", ["block1_conv2", "block2_conv1", "block3_conv3"])
def test_a_patch_holds_the_pixels_that_count(blank, layer: str) -> None:
    """The patch at the first and the last place inside, against the gradient of the answer."""
    field = dimensions.receptive_fields(blank.model)[layer]
    model, picture = blank.features(layer), tf.constant(rng().random((1, 64, 64, 3)), tf.float32)
    places = model(picture)[layer].shape[1]
    inside = features.fields_inside(field, places, 64)
    assert len(inside) > 1 and np.all(np.diff(inside) == 1)
    for place in (inside[0], inside[-1]):
        with tf.GradientTape() as tape:
            tape.watch(picture)
            answer = tf.reduce_sum(model(picture)[layer][0, place, place])
        moved = np.abs(tape.gradient(answer, picture)).sum(axis=-1)[..., None] + np.zeros(3)
        peaks = features.Peaks(np.ones((1, 1)), *(np.full((1, 1), place) for _ in range(2)))
        (patch,) = features.best_patches(field, peaks, 0, moved, np.zeros(1, int))
        assert patch.shape == (field.size, field.size, 3)
        assert patch.sum() > 0 and np.isclose(patch.sum(), moved.sum())
        # With one pixel less at either end, some of it would be missing.
        assert patch[0].any() and patch[-1].any() and patch[:, 0].any() and patch[:, -1].any()


def test_a_field_may_end_at_the_border_and_where_none_fits_all_places_count() -> None:
    for field, places, side, inside in (((3, 1), 8, 8, range(1, 7)), ((196, 16), 4, 64, range(4))):
        given = features.fields_inside(dimensions.Receptive(*field), places, side)
        assert given.tolist() == list(inside)


def test_peaks_are_the_largest_answers(blank, scenes) -> None:
    crops = np.concatenate([scenes[0]] * 4)[:101]  # answered in batches of 100
    layers = ["block1_conv1", "block5_conv3"]
    early, late = features.peaks(blank, layers, crops).values()
    maps = {name: values.numpy() for name, values in blank.features(layers)(crops).items()}
    assert np.allclose(late.answers, maps[layers[1]].max(axis=(1, 2)), atol=1e-5)
    inner = maps[layers[0]][:, 1:-1, 1:-1]
    assert np.allclose(early.answers, inner.max(axis=(1, 2)), atol=1e-5)
    for crop, unit in ((0, 0), (7, 3), (100, 15)):
        place = early.rows[crop, unit], early.columns[crop, unit]
        at_place = maps[layers[0]][crop, *place, unit]
        assert np.isclose(at_place, early.answers[crop, unit], atol=1e-5)


def test_best_patches_come_from_different_photos_in_order() -> None:
    crops = np.arange(4, dtype=float)[:, None, None, None] * np.ones((4, 8, 8, 3))
    crops[2, 3, 4] = 9
    peaks = features.Peaks(
        np.array([[1.0], [2.0], [5.0], [3.0]]), np.full((4, 1), 3), np.full((4, 1), 4)
    )
    sources = np.array([0, 0, 1, 2])
    small = features.best_patches(dimensions.Receptive(3, 1), peaks, 0, crops, sources, count=2)
    assert [patch.shape for patch in small] == [(3, 3, 3)] * 2
    assert small[0][1, 1, 0] == 9 and small[0][0, 0, 0] == 2 and small[1][0, 0, 0] == 3
    whole = features.best_patches(dimensions.Receptive(20, 4), peaks, 0, crops, sources)
    assert [patch[0, 0, 0] for patch in whole] == [2, 3, 1]
    assert all(patch.shape == (8, 8, 3) for patch in whole)
    just = features.best_patches(dimensions.Receptive(8, 4), peaks, 0, crops, sources)
    assert just[0].shape != whole[0].shape  # a field as large as the crop has a place in it


def test_sheet() -> None:
    patches = [np.full((10, 10, 3), value) for value in (0.0, 0.2, 0.4, 0.6)]
    picture = features.sheet(patches)  # each four times as large, gaps of two pixels
    assert picture.shape == (82, 124, 3)
    assert picture[0, 0, 0] == 0 and np.isclose(picture[81, 39, 0], 0.6)
    assert np.all(picture[40:42] == 1) and np.all(picture[42:, 42:] == 1)
    assert np.all(picture[:40, 40:42] == 1) and np.allclose(picture[:40, 42:82], 0.2)
    assert features.sheet([np.zeros((64, 64, 3))] * 6, columns=2).shape == (198, 131, 3)


def test_feature_maps_of_all_stations(blank) -> None:
    photo = images.sample("coffee", size=(80, 64))  # five rows at the end, of which four are pooled
    maps = features.feature_maps(photo)
    assert tuple(maps) == layer_gallery.STATIONS and len(maps) == 18
    assert maps["block1_conv1"].shape == (80, 64, 16) and maps["block5_pool"].shape == (2, 2, 128)
    assert all(values.min() >= 0 for values in maps.values())
    pooled = keras.layers.MaxPooling2D()(maps["block5_conv3"][None])[0]
    assert np.array_equal(maps["block5_pool"], pooled)
    control = features.feature_maps(photo, blank)
    assert not np.allclose(control["block1_conv1"], maps["block1_conv1"])


def test_mosaic_shows_each_channel_in_its_tile() -> None:
    maps = np.ones((4, 4, 5), np.float32) * np.arange(5) / 4
    picture = features.mosaic(maps, side=60)
    assert picture.shape == (60, 60)
    tiles = [picture[20 * r + 5, 20 * c + 5] for r in range(2) for c in range(3)]
    assert np.allclose(tiles, [0, 0.25, 0.5, 0.75, 1, 0.35])  # the last tile is empty: gray
    assert np.allclose(picture[19], 0.35) and np.allclose(picture[:, 19], 0.35)
    assert not features.mosaic(np.zeros((3, 3, 1), np.float32), 60)[:59, :59].any()
    ramp = np.arange(12, dtype=np.float32).reshape(3, 4, 1)
    assert np.allclose(features.mosaic(ramp, 25)[[0, 8, 23], [23, 0, 23]] * 11, [3, 4, 11], 0.01)
    spot = np.zeros((20, 20, 1), np.float32)
    spot[0, 0], spot[0, 1] = 100, 1
    assert features.mosaic(spot, 21)[0, 1] == 1  # one value in 400 does not darken the rest
    assert features.mosaic(np.zeros((4, 4, 64)), 64).shape == (64, 64)


# --- the feature explorer -----------------------------------------------------------------------


def shown(picture="coffee", path="", upload=(), layer=LAYERS[3], part=100, turn=0):
    return feature_explorer.frame(picture, path, upload, layer, part, turn)


def test_explorer_names_what_it_shows() -> None:
    frame = shown()
    titles = list(frame.pictures)
    assert titles[0] == "the picture" and "Grad-CAM of block4_conv3: espresso" in titles[1]
    assert frame.text.startswith("the network says        espresso 0.9")
    picture, heat, tiles = frame.pictures.values()
    assert picture.shape == heat.shape == (64, 64, 3) and tiles.shape == (128, 128, 3)
    assert all(p.min() >= 0 and p.max() <= 1 for p in frame.pictures.values())


def test_explorer_shows_neighbors_in_the_order_of_their_names() -> None:
    title, tiles = list(shown("gravel").pictures.items())[2]
    names = title.removeprefix("nearest by block4_conv3: ").split(", ")
    assert len(set(names)) == 4  # or their order would not show
    crops, labels = features.crops(20, "left")
    for name, (row, column) in zip(names, np.ndindex(2, 2), strict=True):
        tile = tiles[64 * row :, 64 * column :][:64, :64]
        nearest = np.abs(crops - tile).max(axis=(1, 2, 3)).argmin()
        assert features.PHOTOS[labels[nearest]] == name


def test_explorer_finds_a_crop_of_its_own_collection() -> None:
    crops, labels = features.crops(20, "left")
    buffer = io.BytesIO()
    Image.fromarray(images.to_uint8(crops[45])).resize((256, 256)).save(buffer, "PNG")
    frame = shown(feature_explorer.OWN, upload=({"content": memoryview(buffer.getvalue())},))
    assert f": {features.PHOTOS[labels[45]]}" in list(frame.pictures)[2]
    assert f"classifier says {features.PHOTOS[labels[45]]}" in frame.text
    tiles = list(frame.pictures.values())[2]
    assert np.abs(tiles[:64, :64] - crops[45]).max() < 1e-6  # nearest first


def test_explorer_looks_at_the_middle_and_turns_it() -> None:
    whole, part, turned = (
        shown("text", **change).pictures["the picture"]
        for change in ({}, {"part": 50}, {"turn": 90})
    )
    source = images.sample("text", size=256)
    np.testing.assert_allclose(part, images.resize(source[64:192, 64:192], 64), atol=1e-5)
    np.testing.assert_allclose(turned, np.rot90(whole), atol=1e-3)
    assert list(shown("text").pictures) != list(shown("text", layer=LAYERS[0]).pictures)


@pytest.mark.parametrize(
    ("path", "words"), [("", "a picture"), ("none.png", "none.png"), ("words.png", "words.png")]
)
def test_explorer_says_what_is_wrong_with_a_picture(tmp_path: Path, path, words) -> None:
    (tmp_path / "words.png").write_text("no picture")
    with pytest.raises(ValueError, match=words):
        shown(feature_explorer.OWN, path=path and str(tmp_path / path))


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


def test_everything_works_with_mobilenet(keras_cache: Path) -> None:
    network = networks.load("MobileNetV2")
    stages = features.stages(network)
    crops, labels = features.crops(4, "left")
    asked, wanted = features.crops(2, "right")
    base, queries = (features.extract(network, p)[stages[3]] for p in (crops, asked))
    assert features.precision_at(1, base, labels, queries, wanted).mean() > 0.5
    picture, label = images.sample("coffee", size=224), network.index("espresso")
    assert network.predict(picture).argmax() == label
    heat = features.grad_cam(network, picture, label, stages[-1])
    fall = features.occlusion(network, picture, label, patch=64, stride=40)
    middle = np.hypot(*np.mgrid[-112:112, -112:112]) < 80
    assert heat[middle].mean() > heat[~middle].mean()
    assert fall[middle].mean() > fall[~middle].mean()
