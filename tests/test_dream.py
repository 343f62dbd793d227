"""Tests of course_utils.dream and of the dream explorer."""

from __future__ import annotations

import functools
import math
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from course_utils import dream as module
from course_utils import images, networks
from course_utils.ask import CourseError
from course_utils.dream import (
    closer,
    dream,
    layers_of,
    octave_sizes,
    score,
    total_variation,
    zoom,
)
from course_utils.quiet import tf
from course_utils.widgets import dream_explorer

PROJECT = Path(__file__).resolve().parents[1]
KERAS_CACHE = PROJECT.parent / "shared" / "keras"
needs_keras_cache = pytest.mark.skipif(
    not (KERAS_CACHE / "models" / networks.APPLICATIONS["MobileNetV2"].file).is_file(),
    reason="no MobileNetV2 weights beside the project",
)
LAYER = "block3_conv1"
QUICK = {"octaves": 2, "steps": 2}


@pytest.fixture(scope="module")
def network() -> networks.Classifier:
    return networks.load()


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return images.sample("cat", size=64)


# --- what to excite -----------------------------------------------------------------------------


def climbed(network, picture, target, guide=None, tile=module.TILE):
    """Score for each pixel and gradient of a target."""
    climber = module._Climber(network, module._objective(network, target, guide), tile)
    total, gradient = climber(picture)
    return total / (picture.shape[0] * picture.shape[1]), gradient


def sent_back(network, picture, layer, gradients):
    """What TensorFlow makes of `gradients`, a function of the activation, sent back."""
    pixels, model = tf.constant(picture), network.features(layer)
    with tf.GradientTape() as tape:
        tape.watch(pixels)
        activation = model(pixels[None])[layer]
    return tape.gradient(activation, pixels, output_gradients=gradients(activation)).numpy()


def assert_same_gradient(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("layer", ["block1_conv1", "block3_conv1", "block5_conv3", "block2_pool"])
def test_a_layers_gradient_is_its_activation_sent_back(network, photo, layer) -> None:
    value, gradient = climbed(network, photo, layer)
    assert_same_gradient(gradient, sent_back(network, photo, layer, lambda a: a))
    maps = network.features(layer)(photo[None])[layer].numpy()
    assert value == pytest.approx(0.5 * (maps**2).sum() / 64**2, rel=1e-4)
    assert score(network, photo, layer) == pytest.approx(value, rel=1e-4)


def test_a_channels_gradient_is_ones_sent_back(network, photo) -> None:
    def only(activation):
        return np.float32(np.arange(activation.shape[-1]) == 5) * tf.ones_like(activation)

    value, gradient = climbed(network, photo, (LAYER, 5))
    assert_same_gradient(gradient, sent_back(network, photo, LAYER, only))
    maps = network.features(LAYER)(photo[None])[LAYER].numpy()
    assert value == pytest.approx(maps[..., 5].sum() / 64**2, rel=1e-4)


def test_a_class_is_a_channel_of_the_last_layer(network, photo) -> None:
    value, _ = climbed(network, photo, ("predictions", 7))
    assert value * 64**2 == pytest.approx(network.predict(photo)[7], rel=1e-3, abs=1e-4)


def test_a_mixture_is_the_weighted_sum_of_its_parts(network, photo) -> None:
    parts = {"block2_conv2": 0.5, (LAYER, 3): 2.0, (LAYER, 4): -1.0, LAYER: 0.25}
    value, gradient = climbed(network, photo, parts)
    alone = {part: climbed(network, photo, part) for part in parts}
    assert value == pytest.approx(sum(w * alone[p][0] for p, w in parts.items()), rel=1e-3)
    assert_same_gradient(gradient, sum(w * alone[p][1] for p, w in parts.items()))


def test_a_guide_sends_its_best_vectors_back(network, photo) -> None:
    guide = images.sample("flower", size=(48, 80))
    maps = network.features(LAYER)(guide[None])[LAYER].numpy()
    vectors = maps.reshape(-1, maps.shape[-1])

    def wanted(activation):
        own = activation.numpy().reshape(-1, vectors.shape[1])
        best = vectors[(own @ vectors.T).argmax(axis=1)]
        return tf.constant(best.reshape(activation.shape))

    value, gradient = climbed(network, photo, LAYER, guide)
    assert_same_gradient(gradient, sent_back(network, photo, LAYER, wanted))
    own = network.features(LAYER)(photo[None])[LAYER].numpy().reshape(-1, vectors.shape[1])
    assert value == pytest.approx((own @ vectors.T).max(axis=1).sum() / 64**2, rel=1e-3)
    assert score(network, photo, LAYER, guide) == pytest.approx(value, rel=1e-4)


def test_layers_of_finds_those_worth_a_dream(network) -> None:
    assert layers_of(network) == network.conv_layers
    inception = networks.load("InceptionV3", pretrained=False)
    assert layers_of(inception) == tuple(f"mixed{number}" for number in range(11))
    found = dream(inception, images.sample("cat", size=80), "mixed0", octaves=2, steps=1)
    assert found.picture.shape == (80, 80, 3) and found.after > 0
    assert len(found.scores) == 1  # an octave of 57 pixels is too small for this network
    mobile = networks.load("MobileNetV2", pretrained=False)
    assert layers_of(mobile)[-1] == "out_relu" and len(layers_of(mobile)) == 5


@needs_keras_cache
def test_a_dream_of_mobilenet(monkeypatch) -> None:
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(KERAS_CACHE))
    mobile = networks.load("MobileNetV2")
    layer = layers_of(mobile)[2]
    found = dream(mobile, images.sample("cat", size=96), layer, octaves=2, steps=4)
    assert found.gain > 1.2


@pytest.mark.parametrize(
    ("layer", "side"),
    [("block1_conv2", 4), ("block3_conv1", 8), ("block4_pool", 32), ("predictions", 32)],
)
def test_octaves_too_small_for_the_target_are_left_out(network, layer, side) -> None:
    assert module._smallest(network, (layer,)) == side
    target = (layer, 0) if layer == "predictions" else layer
    found = dream(network, images.sample("cat", size=40), target, octaves=9, scale=1.7, steps=1)
    assert len(found.scores) == sum(round(40 / 1.7**k) >= side for k in range(9))


# --- tiles, octaves, roughness ------------------------------------------------------------------


@given(st.integers(1, 70), st.integers(1, 70), st.integers(1, 40))
def test_tiles_cover_each_pixel_once_and_are_equal(height, width, tile) -> None:
    count = np.zeros((height, width), int)
    sides = set()
    for window in module._tiles((height, width, 3), tile):
        count[window] += 1
        sides.add(count[window].shape[0])
        assert max(count[window].shape) <= tile
    assert (count == 1).all()
    assert max(sides) - min(sides) <= 1


def test_inside_a_tile_the_gradient_is_that_of_the_whole_picture(network) -> None:
    picture = images.sample("cat", size=(80, 128))
    layer = "block1_conv2"  # sees 5 pixels: what lies 4 from a border knows nothing of it
    whole, tiled = (climbed(network, picture, layer, tile=tile) for tile in (512, 64))
    inside = (slice(4, 36), slice(4, 60))
    assert_same_gradient(tiled[1][inside], whole[1][inside])
    border = np.abs(tiled[1] - whole[1])[:, 60:68].mean()
    assert border > 10 * np.abs(tiled[1] - whole[1])[inside].mean()
    assert tiled[0] == pytest.approx(whole[0], rel=0.1)


def seams(change: np.ndarray, border: int) -> float:
    """Relative difference of the columns on both sides of a border, against elsewhere."""
    between = np.abs(np.diff(change, axis=1)).mean((0, 2))
    between /= (np.abs(change[:, 1:]) + np.abs(change[:, :-1])).mean((0, 2))
    return between[border - 1] / np.median(between)


def test_jitter_hides_the_borders_of_tiles(network) -> None:
    moon, tiles = images.sample("moon", size=(128, 256)), {"octaves": 1, "tile": 128, "blur": 0}
    still, moved = (
        seams(dream(network, moon, "block4_conv3", jitter=j, **tiles).picture - moon, 128)
        for j in (0, 16)
    )
    assert still > 1.15
    assert moved < still - 0.08


@given(
    st.integers(1, 500),
    st.integers(1, 500),
    st.integers(1, 8),
    st.floats(1.05, 3),
    st.integers(1, 200),
)
def test_octaves_grow_to_the_pictures_own_size(height, width, octaves, scale, smallest) -> None:
    sizes = octave_sizes((height, width, 3), octaves, scale, smallest)
    assert sizes[-1] == (height, width)
    assert 1 <= len(sizes) <= octaves
    for k, size in enumerate(sizes[::-1]):
        assert size == (round(height / scale**k), round(width / scale**k))
        assert k == 0 or min(size) >= smallest
    if len(sizes) < octaves:
        left_out = len(sizes)
        assert min(round(side / scale**left_out) for side in (height, width)) < smallest


@settings(max_examples=30)
@given(st.integers(2, 9), st.integers(2, 9), st.floats(0, 1), st.floats(-3, 3))
def test_total_variation(height, width, level, factor) -> None:
    random = np.random.default_rng(0).random((height, width, 3))
    assert total_variation(np.full((height, width), level)) == pytest.approx(0)
    assert total_variation(factor * random) == pytest.approx(abs(factor) * total_variation(random))
    assert total_variation(np.indices((height, width)).sum(0) % 2) == pytest.approx(2)
    sums = [np.abs(np.diff(random, axis=axis)).sum() for axis in (0, 1)]
    assert sum(sums) == pytest.approx(float(tf.image.total_variation(tf.constant(random))))


# --- dreams -------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["block2_conv2", "block4_conv3", (LAYER, 8)])
def test_a_dream_excites_its_target(network, photo, target) -> None:
    found = dream(network, photo, target, octaves=2, steps=4)
    images.validate(found.picture)
    assert found.picture.shape == photo.shape and found.picture.dtype == np.float32
    assert found.finished and len(found.scores) == 8
    assert found.before == pytest.approx(score(network, photo, target), rel=1e-4)
    assert found.after == pytest.approx(score(network, found.picture, target), rel=1e-4)
    assert found.gain == pytest.approx(found.after / found.before)
    assert found.gain > 1.5


def test_noise_of_the_same_size_does_not_excite(network, photo) -> None:
    found = dream(network, photo, "block4_conv3", octaves=2, steps=4)
    change = np.random.default_rng(0).permutation((found.picture - photo).reshape(-1, 3))
    noisy = np.clip(photo + change.reshape(photo.shape), 0, 1)
    assert score(network, noisy, "block4_conv3") < 0.7 * found.after


def test_the_seed_counts_where_there_is_jitter(network, photo) -> None:
    def found(**changes):
        return dream(network, photo, LAYER, **QUICK | changes).picture

    np.testing.assert_allclose(found(seed=1), found(seed=1), atol=1e-3)
    assert np.abs(found(seed=1) - found(seed=2)).max() > 0.01
    np.testing.assert_allclose(found(seed=1, jitter=0), found(seed=2, jitter=0), atol=1e-3)


def gray(side: int = 64) -> np.ndarray:
    noise = np.random.default_rng(0).normal(scale=0.02, size=(side, side, 3))
    return (0.5 + noise).astype(np.float32)


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("layer", ["block1_conv2", "block5_conv2"])
def test_the_first_step_has_the_size_that_was_asked_for(network, normalize, layer) -> None:
    found = dream(
        *(network, gray(), layer), octaves=1, steps=1, step_size=0.003, normalize=normalize, blur=0
    )
    assert np.abs(found.picture - gray()).mean() == pytest.approx(0.003, rel=0.01)


def test_only_normalized_steps_keep_their_size(network) -> None:
    def last_step(normalize: bool) -> float:
        one, two = (
            dream(
                *(network, gray(), LAYER), octaves=1, steps=steps, jitter=0, normalize=normalize
            ).picture
            for steps in (3, 4)
        )
        return float(np.abs(two - one).mean())

    assert last_step(True) == pytest.approx(0.012, rel=0.05)
    assert last_step(False) > 1.2 * 0.012


def test_blur_smooths(network, photo) -> None:
    rough, smooth = (
        total_variation(dream(network, photo, LAYER, blur=blur, **QUICK).picture - photo)
        for blur in (0, 1.5)
    )
    assert smooth < 0.8 * rough


def test_octaves_change_large_shapes_as_well(network, photo) -> None:
    one, three = (
        dream(network, photo, "block2_conv2", octaves=n, scale=2.0, steps=12 // n).picture - photo
        for n in (1, 2)
    )
    coarse = [np.abs(c.reshape(8, 8, 8, 8, 3).mean((1, 3))).mean() for c in (one, three)]
    assert coarse[1] > 1.2 * coarse[0]


class Climber:
    """Climbs towards a target that is the same at every place, and tells what it was given."""

    def __init__(self, monkeypatch, gradient, stop_after: float = math.inf) -> None:
        self.seen: list[np.ndarray] = []
        own = self

        def call(model, function, picture, numbers):
            own.seen.append(np.asarray(picture))
            if len(own.seen) == stop_after:
                raise KeyboardInterrupt
            return tf.reduce_sum(picture), np.float32(gradient(own.seen[-1]))

        def eager(network, function, layers, *settings, signature):
            return functools.partial(function, network.features(layers), *settings)

        monkeypatch.setattr(module, "_score_and_gradient", call)
        monkeypatch.setattr(networks.Classifier, "compiled", eager)


def test_jitter_rolls_back(network, photo, monkeypatch) -> None:
    # Each pixel moves away from gray, wherever it is: rolling must make no difference.
    still, moved = (
        (
            Climber(monkeypatch, lambda picture: picture - 0.5),
            dream(network, photo, LAYER, octaves=1, steps=5, jitter=jitter, blur=0),
        )
        for jitter in (0, 9)
    )
    np.testing.assert_allclose(still[1].picture, moved[1].picture, atol=1e-5)
    shifted = [p for p in moved[0].seen[:5] if not np.allclose(p, still[0].seen[0], atol=0.05)]
    assert len(shifted) >= 4


def test_what_was_added_is_carried_over_and_the_photos_detail_is_kept(
    network, photo, monkeypatch
) -> None:
    # One octave brightens, the next leaves alone what it is given.
    Climber(monkeypatch, lambda p: np.ones_like(p) if len(p) < 64 else np.zeros_like(p))
    found = dream(network, photo * 0.5, LAYER, octaves=2, steps=1, step_size=0.1, blur=0)
    np.testing.assert_allclose(found.picture, photo * 0.5 + 0.1, atol=1e-5)


@pytest.mark.parametrize("stop_after", [1, 2, 5, 8])
def test_interrupted_it_returns_what_it_has(network, photo, monkeypatch, stop_after) -> None:
    Climber(monkeypatch, np.ones_like, stop_after)
    found = dream(network, photo * 0.5, LAYER, octaves=2, steps=4, step_size=0.01)
    assert not found.finished
    assert len(found.scores) == stop_after - 1
    np.testing.assert_allclose(found.picture, photo * 0.5 + 0.01 * (stop_after - 1), atol=1e-4)


def test_interrupted_between_two_octaves_it_still_returns(network, photo, monkeypatch) -> None:
    climber = Climber(monkeypatch, np.ones_like)
    clip, interrupted = np.clip, []

    def clip_or_stop(values, *limits, **settings):
        # The first picture of the second octave: the step before it was on a smaller one.
        new_octave = len(climber.seen) == 1 and np.shape(values) == photo.shape
        if new_octave and not interrupted and sys._getframe(1).f_code.co_name == "dream":
            interrupted.append(True)
            raise KeyboardInterrupt
        return clip(values, *limits, **settings)

    monkeypatch.setattr(np, "clip", clip_or_stop)
    found = dream(network, photo * 0.5, LAYER, octaves=2, steps=1, step_size=0.1, blur=0)
    assert interrupted and not found.finished and len(found.scores) == 1
    np.testing.assert_allclose(found.picture, photo * 0.5 + 0.1, atol=1e-5)


def test_a_silent_target_changes_nothing(network, photo, monkeypatch) -> None:
    Climber(monkeypatch, np.zeros_like)
    for normalize in (True, False):
        found = dream(network, photo, LAYER, normalize=normalize, **QUICK)
        np.testing.assert_allclose(found.picture, photo, atol=1e-5)
    assert module.Dream(photo, 0.0, 0.0, (), True).gain == math.inf
    assert math.isnan(module.Dream(photo, -1.0, 2.0, (), True).gain)


def odd_pictures() -> dict[str, np.ndarray]:
    cat = images.sample("cat", size=48)
    return {
        "smallest": images.sample("cat", size=32),
        "portrait": images.sample("cat", size=(70, 33)),
        "landscape": images.sample("cat", size=(32, 101)),
        "gray": images.sample("camera", size=40, gray=True),
        "RGBA": np.dstack([cat, np.full(cat.shape[:2], 0.5)]),
        "bytes": images.to_uint8(cat),
        "double": cat.astype(float),
    }


@pytest.mark.parametrize("name", odd_pictures())
def test_any_picture(network, name) -> None:
    picture = odd_pictures()[name]
    found = dream(network, picture, "block2_conv2", octaves=3, steps=2)
    assert found.picture.shape == (*picture.shape[:2], 3)
    assert found.gain > 1


def test_a_file(network, tmp_path) -> None:
    images.save(tmp_path / "cat.png", images.sample("cat", size=40))
    found = dream(network, tmp_path / "cat.png", LAYER, octaves=1, steps=1)
    assert found.picture.shape == (40, 40, 3)


LARGE = """
import sys, re
from course_utils import dream, images, networks
picture = images.sample("moon", size=2048)
found = dream.dream(networks.load(), picture, "block2_conv1", octaves=1, steps=1)
assert found.picture.shape == (2048, 2048, 3) and found.gain > 1
if sys.platform == "linux":
    print(int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) // 1024)
else:
    import resource
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024 ** 2)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no peak memory without more packages")
def test_a_large_picture_stays_below_two_gigabytes() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LARGE], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert int(done.stdout.split()[-1]) < 2048


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"octaves": 0}, "octaves is 0; give a whole number from 1."),
        ({"octaves": 2.5}, "octaves is 2.5; give a whole number"),
        ({"scale": 1}, "scale is 1; give a number above 1."),
        ({"steps": 0}, "steps is 0; give a whole number from 1."),
        ({"step_size": 0}, "step_size is 0; give a number above 0"),
        ({"step_size": math.nan}, "step_size is nan"),
        ({"step_size": "a"}, "step_size is 'a'; give a number above 0"),
        ({"blur": "a"}, "blur is 'a'; give a number"),
        ({"jitter": -1}, "jitter is -1; give a whole number of pixels"),
        ({"blur": -0.1}, "blur is -0.1; give a number of pixels"),
        ({"tile": 32}, "tile is 32; give 64 pixels or more."),
        ({"target": (LAYER, 64)}, f"{LAYER} has no channel 64; give a number from 0 to 63."),
        ({"target": (LAYER, 1, 2)}, "is no target; give a layer's name or (name, channel)."),
        ({"target": 5}, "5 is no target; give a layer's name or (name, channel)."),
        ({"target": {}}, "The mixture is empty"),
        ({"target": {LAYER: math.inf}}, f"The weight of {LAYER} is inf"),
        ({"target": (LAYER, 1), "guide": np.zeros((40, 40))}, "A guided dream takes one whole"),
        ({"target": "predictions", "guide": np.zeros((40, 40))}, "predictions has no maps"),
        ({"guide": np.zeros((20, 40))}, "The guide has 20 x 40 pixels; embedded needs 32"),
        ({"picture": np.zeros((40, 31))}, "The picture has 40 x 31 pixels; embedded needs 32"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(network, photo, changes, sentence) -> None:
    given = {"picture": photo, "target": LAYER} | changes
    with pytest.raises(ValueError, match=re.escape(sentence)) as caught:
        dream(network, given.pop("picture"), given.pop("target"), **given)
    assert "\n" not in str(caught.value)


def test_an_unknown_layer_names_those_there_are(network, photo) -> None:
    with pytest.raises(CourseError, match="did you mean block4_conv3"):
        dream(network, photo, "block4conv3")


# --- zoom ---------------------------------------------------------------------------------------


def test_a_zoom_goes_on_from_each_frame(network) -> None:
    frames = zoom(network, images.sample("moon", size=48), LAYER, frames=3, octaves=1, steps=1)
    assert len(frames) == 3
    for frame in frames:
        images.validate(frame)
        assert frame.shape == (48, 48, 3)
    expected = closer(frames[0], 1.06)
    near = np.abs(frames[1] - expected).mean()
    assert near < 0.02 < 3 * near + 0.02
    assert np.corrcoef(frames[1].ravel(), expected.ravel())[0, 1] > 0.7


def test_closer_keeps_the_middle_in_place() -> None:
    rows, columns = np.mgrid[-20:21, -30:31]
    ramp = np.stack([0.5 + rows / 100, 0.5 + columns / 100, np.full(rows.shape, 0.25)], axis=2)
    found = closer(ramp.astype(np.float32), 1.25)
    expected = np.stack([0.5 + rows / 125, 0.5 + columns / 125, ramp[..., 2]], axis=2)
    np.testing.assert_allclose(found[3:-3, 3:-3], expected[3:-3, 3:-3], atol=1e-3)


def test_an_interrupted_zoom_keeps_the_frames_it_has(network, photo, monkeypatch) -> None:
    # Two scores besides the step make three calls a frame; the eighth is in the third frame.
    Climber(monkeypatch, np.ones_like, stop_after=7)
    assert len(zoom(network, photo, LAYER, frames=5, octaves=1, steps=1)) == 2


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"frames": 0}, "frames is 0; give a whole number from 1."),
        ({"factor": 1.0}, "factor is 1.0; give a number between 1 and 2."),
        ({"factor": 2.0}, "factor is 2.0"),
    ],
)
def test_a_zoom_that_makes_no_sense(network, photo, changes, sentence) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        zoom(network, photo, LAYER, **{"frames": 2} | changes)


@pytest.mark.parametrize("factor", [1, 2, math.nan, "a"])
def test_closer_by_no_such_factor(photo, factor) -> None:
    with pytest.raises(ValueError, match=re.escape(f"factor is {factor!r}; give a number")):
        closer(photo, factor)


# --- the dream explorer -------------------------------------------------------------------------

START = {
    "photo": "moon",
    "layer": "block3_conv2",
    "single": False,
    "channel": 3,
    "octaves": 2,
    "steps": 2,
}


def test_a_frame_shows_photo_dream_and_difference() -> None:
    frame = dream_explorer.frame(**START)
    pictures = list(frame.pictures.values())
    assert list(frame.pictures) == ["photo: moon", "dream of block3_conv2", "what was added"]
    np.testing.assert_allclose(pictures[2], 0.5 + pictures[1] - pictures[0], atol=1e-5)
    assert "one entry sees    32 pixels" in frame.text
    assert "80, 112 pixels" in frame.text
    before, after = re.search(r"score a pixel +(\S+) -> (\S+)", frame.text).groups()
    assert float(after) > 1.2 * float(before)


@pytest.mark.parametrize(
    "change",
    [
        {"photo": "coffee"},
        {"layer": "block2_conv1"},
        {"single": True},
        {"single": True, "channel": 4},
        {"octaves": 3},
        {"steps": 3},
    ],
    ids=str,
)
def test_each_control_changes_the_frame(change) -> None:
    before = dream_explorer.frame(**START | {"single": "channel" in change})
    after = dream_explorer.frame(**START | change)
    assert not np.array_equal([*before.pictures.values()][1], [*after.pictures.values()][1])
    assert before.text != after.text


def test_a_silent_channel_is_said_to_be_silent(monkeypatch) -> None:
    photo = dream_explorer._photo("moon")
    silent = module.Dream(photo, 0.0, 0.0, (), True)
    monkeypatch.setattr(dream_explorer, "_dream", lambda *_: silent)
    frame = dream_explorer.frame(**START | {"single": True})
    assert "silent here" in frame.text
    assert "dream of channel 3 of block3_conv2" in frame.pictures


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"photo": "dog"}, "photo is 'dog'; choose one of moon"),
        ({"layer": "fc7"}, "layer is 'fc7'; choose one of block1_conv1"),
        ({"octaves": 0}, "octaves is 0; choose 1 to 4."),
        ({"steps": 99}, "steps is 99; choose 1 to"),
        ({"single": True, "channel": 64}, "block3_conv2 has no channel 64"),
    ],
)
def test_the_explorer_refuses_in_one_sentence(change, sentence) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        dream_explorer.frame(**START | change)


def test_the_explorer_shows_its_first_frame(capsys) -> None:
    import matplotlib

    matplotlib.use("Agg")
    dream_explorer.show(photo="cat", layer="block2_conv2")
    assert "target            block2_conv2" in capsys.readouterr().out
    with pytest.raises(ValueError, match="choose one of"):
        dream_explorer.show(photo="dog")


# --- additions ----------------------------------------------------------------------------------


def test_an_octave_counts_if_it_is_large_enough_for_all_layers_of_a_mixture(network) -> None:
    assert module._smallest(network, ("block1_conv2", "block3_conv1")) == 8


def test_jitter_goes_in_all_four_directions_and_reaches_the_borders_of_tiles(network) -> None:
    climber = module._Climber(network, module._objective(network, LAYER, None), 128)
    random = np.random.default_rng(0)
    for shape, jitter, reach in (
        ((128, 128), 5, (5, 5)),  # one tile
        ((129, 64), 5, (64, 5)),  # two tiles above each other
        ((128, 300), 80, (80, 80)),
    ):
        shifts = np.array([climber.shift(shape, jitter, random) for _ in range(2000)])
        assert np.array_equal(shifts.min(axis=0), np.negative(reach))
        assert np.array_equal(shifts.max(axis=0), reach)
        assert abs(np.corrcoef(shifts.T)[0, 1]) < 0.1


def test_not_normalized_all_octaves_take_the_first_length(network, photo, monkeypatch) -> None:
    # Three times as steep in the second octave: three times as far.
    Climber(monkeypatch, lambda p: np.full_like(p, 1 if len(p) < 64 else 3))
    settings = {"octaves": 2, "steps": 1, "step_size": 0.05, "blur": 0, "normalize": False}
    found = dream(network, photo * 0.5, LAYER, **settings)
    np.testing.assert_allclose(found.picture, photo * 0.5 + 0.2, atol=1e-5)


def test_not_normalized_a_silent_start_is_no_measure(network, photo, monkeypatch) -> None:
    Climber(monkeypatch, lambda p: np.full_like(p, 0 if len(p) < 64 else 1e-3))
    settings = {"octaves": 2, "steps": 1, "step_size": 0.05, "blur": 0, "normalize": False}
    found = dream(network, photo * 0.5, LAYER, **settings)
    np.testing.assert_allclose(found.picture, photo * 0.5 + 0.05, atol=1e-5)


@settings(max_examples=30)
@given(st.integers(1, 20), st.integers(1, 20), st.floats(0, 4))
def test_the_blur_is_a_gaussian_filter_that_wraps(height, width, blur) -> None:
    gradient = np.random.default_rng(0).normal(size=(height, width, 3)).astype(np.float32)
    expected = ndimage.gaussian_filter(gradient, (blur, blur, 0), mode="wrap")
    found = module._smoothed(gradient, module._gaussian(blur))
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("tile", [512, 64])
@pytest.mark.parametrize(("jitter", "blur", "normalize"), [(0, 0, True), (7, 0.6, False)])
def test_a_step_in_one_graph_is_the_step_of_the_formula(
    network, tile, jitter, blur, normalize
) -> None:
    picture = images.sample("cat", size=(80, 96))
    climber = module._Climber(network, module._objective(network, LAYER, None), tile)
    made = module._Ascent(climber, 0.02, jitter, normalize, blur, np.random.default_rng(3))
    made.first = 0.0 if normalize else 0.5
    value, found = made.step(picture)
    random = np.random.default_rng(3)
    shift = climber.shift(picture.shape, jitter, random) if jitter else (0, 0)
    total, gradient = climber(np.roll(picture, shift, (0, 1)))
    gradient = np.roll(gradient, np.negative(shift), (0, 1))
    gradient = ndimage.gaussian_filter(gradient, (blur, blur, 0), mode="wrap")
    unit = np.abs(gradient).mean() if normalize else 0.5
    assert value == pytest.approx(total / (80 * 96), rel=1e-4)
    expected = np.clip(picture + 0.02 / unit * gradient, 0, 1)
    assert np.abs(found - expected).mean() < 1e-4 * np.abs(expected - picture).mean()


def test_blur_leaves_colors_apart(network, photo, monkeypatch) -> None:
    Climber(monkeypatch, lambda p: np.ones_like(p) * (0, 3, 0))
    found = dream(network, photo * 0.5, LAYER, octaves=1, steps=1, step_size=0.1, blur=3)
    added = np.broadcast_to((0, 0.3, 0), photo.shape)
    np.testing.assert_allclose(found.picture - photo * 0.5, added, atol=1e-5)


def test_pixels_stay_in_0_to_1_on_the_way(network, photo, monkeypatch) -> None:
    # Up to white, then down again: what lay above white would come down less far.
    climber = Climber(monkeypatch, lambda p: np.full_like(p, 1 if len(climber.seen) < 4 else -1))
    found = dream(network, photo, LAYER, octaves=1, steps=4, step_size=0.5, jitter=0, blur=0)
    assert all(0 <= seen.min() and seen.max() <= 1 for seen in climber.seen)
    np.testing.assert_allclose(found.picture, 0.5, atol=1e-6)


def test_octaves_start_in_0_to_1(network, monkeypatch) -> None:
    # What is added to a gray small octave would make the bright half brighter than white.
    picture = np.full((64, 64, 3), 0.2, np.float32)
    picture[::2] = 1
    climber = Climber(monkeypatch, lambda p: np.full_like(p, len(p) < 64))
    dream(network, picture, LAYER, octaves=2, scale=2.0, steps=1, step_size=0.3, jitter=0, blur=0)
    assert all(0 <= seen.min() and seen.max() <= 1 for seen in climber.seen)


def test_each_frame_of_a_zoom_dreams_anew_and_closer(network, photo, monkeypatch) -> None:
    calls = []

    def dreamed(network, picture, target, **settings):
        calls.append((picture, settings))
        return module.Dream(np.flip(picture, axis=2), 1.0, 2.0, (), True)

    monkeypatch.setattr(module, "dream", dreamed)
    frames = zoom(network, photo, LAYER, 3, 1.5, octaves=2, jitter=7)
    assert [settings for _, settings in calls] == [
        {"seed": number, "octaves": 2, "jitter": 7} for number in range(3)
    ]
    np.testing.assert_array_equal(calls[0][0], photo)
    for (given_, _), before in zip(calls[1:], frames, strict=False):
        np.testing.assert_array_equal(given_, closer(before, 1.5))
    calls.clear()
    zoom(network, photo, LAYER, 2, seed=9)
    assert [settings for _, settings in calls] == [{"seed": 9}] * 2


def test_closer_stays_a_picture() -> None:
    edge = np.zeros((40, 40, 3), np.float32)
    edge[:, 20:] = 1  # bicubic interpolation overshoots here
    images.validate(closer(edge, 1.3))


def test_the_smallest_tile_is_twice_what_the_network_needs(network) -> None:
    found = dream(network, images.sample("cat", size=(40, 130)), LAYER, tile=64, **QUICK)
    assert found.picture.shape == (40, 130, 3)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"target": (LAYER, -1)}, f"{LAYER} has no channel -1; give a number from 0 to 63."),
        ({"target": (LAYER, 2.0)}, f"{LAYER} has no channel 2.0"),
        ({"target": (LAYER, True)}, f"{LAYER} has no channel True"),
        ({"target": {LAYER: math.nan}}, f"The weight of {LAYER} is nan"),
        ({"steps": 2.0}, "steps is 2.0; give a whole number from 1."),
        ({"jitter": 1.5}, "jitter is 1.5; give a whole number of pixels"),
        ({"scale": math.inf}, "scale is inf; give a number above 1."),
    ],
)
def test_more_that_makes_no_sense_is_one_sentence(network, photo, changes, sentence) -> None:
    given_ = {"target": LAYER} | changes
    with pytest.raises(ValueError, match=re.escape(sentence)):
        dream(network, photo, given_.pop("target"), **given_)


@pytest.mark.parametrize("stop_after", [2, 3])
def test_interrupted_at_its_scores_it_still_returns(
    network, photo, monkeypatch, stop_after
) -> None:
    Climber(monkeypatch, np.ones_like, stop_after)
    found = dream(network, photo * 0.5, LAYER, octaves=1, steps=1, step_size=0.1, blur=0)
    assert not found.finished and math.isnan(found.gain)
    np.testing.assert_allclose(found.picture, photo * 0.5 + 0.1, atol=1e-5)


@pytest.mark.parametrize("stop_after", [7, 8, 9])
def test_a_zoom_keeps_its_frames_wherever_it_is_interrupted(
    network, photo, monkeypatch, stop_after
) -> None:
    Climber(monkeypatch, np.ones_like, stop_after)
    assert len(zoom(network, photo, LAYER, frames=5, octaves=1, steps=1)) == 2


def test_interrupted_in_a_small_octave_it_stays_a_picture(network, monkeypatch) -> None:
    # What brightened the gray small octave is added to rows that are white already.
    picture = np.full((64, 64, 3), 0.2, np.float32)
    picture[::2] = 1
    Climber(monkeypatch, np.ones_like, stop_after=2)
    found = dream(network, picture, LAYER, octaves=2, scale=2.0, steps=2, step_size=0.3, blur=0)
    assert not found.finished and len(found.scores) == 1
    images.validate(found.picture)


def test_steps_keep_their_size_unless_told_otherwise(network, photo, monkeypatch) -> None:
    Climber(monkeypatch, lambda p: np.full_like(p, 1 if len(p) < 64 else 3))
    found = dream(network, photo * 0.5, LAYER, octaves=2, steps=1, step_size=0.05, blur=0)
    np.testing.assert_allclose(found.picture, photo * 0.5 + 0.1, atol=1e-5)


def test_what_was_taken_away_is_carried_over_too(network, photo, monkeypatch) -> None:
    Climber(monkeypatch, lambda p: -np.ones_like(p) if len(p) < 64 else np.zeros_like(p))
    bright = 0.5 + photo * 0.5
    found = dream(network, bright, LAYER, octaves=2, steps=1, step_size=0.1, blur=0)
    np.testing.assert_allclose(found.picture, bright - 0.1, atol=1e-5)


@pytest.mark.parametrize("target", [[LAYER, 2], None, 3, (LAYER, [2])])
def test_what_is_no_target_is_one_sentence(network, photo, target) -> None:
    with pytest.raises(ValueError, match=r"is no target; give a layer's name|has no channel"):
        dream(network, photo, target)
