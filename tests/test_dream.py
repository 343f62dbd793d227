"""Tests of course_utils.dream and of the dream explorer."""

from __future__ import annotations

import functools
import math
import re
import subprocess
import sys
from collections.abc import Callable
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
    Ascent,
    Objective,
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
    total, gradient = Objective(network, target, guide, tile)(picture)
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
@pytest.mark.parametrize("channel", [None, 5])
def test_a_gradient_is_the_activation_or_ones_sent_back(network, photo, layer, channel) -> None:
    def wanted(a):
        only = np.float32(np.arange(a.shape[-1]) == channel)
        return a if channel is None else only * tf.ones_like(a)

    target = layer if channel is None else (layer, channel)
    value, gradient = climbed(network, photo, target)
    assert_same_gradient(gradient, sent_back(network, photo, layer, wanted))
    maps = network.features(layer)(photo[None])[layer].numpy()
    total = 0.5 * (maps**2).sum() if channel is None else maps[..., channel].sum()
    assert value == pytest.approx(total / 64**2, rel=1e-4)
    assert score(network, photo, target) == pytest.approx(value, rel=1e-4)


def test_a_class_is_a_channel_of_the_last_layer(network, photo) -> None:
    for label in (0, 7, 199):
        value, _ = climbed(network, photo, ("predictions", np.int64(label)))
        assert value * 64**2 == pytest.approx(network.predict(photo)[label], rel=1e-3, abs=1e-4)


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


def test_a_dream_of_mobilenet(keras_cache) -> None:
    mobile = networks.load("MobileNetV2")
    layer = layers_of(mobile)[2]
    found = dream(mobile, images.sample("cat", size=96), layer, octaves=2, steps=4)
    assert found.gain > 1.2


@pytest.mark.parametrize(
    ("target", "side"),
    [
        ("block1_conv2", 4),
        ({"block1_conv2": 1, "block3_conv1": 1}, 8),
        ("block4_pool", 32),
        (("predictions", 0), 32),
    ],
    ids=str,
)
def test_octaves_too_small_for_the_target_are_left_out(network, target, side) -> None:
    cat = images.sample("cat", size=40)
    found = dream(network, cat, target, octaves=9, scale=1.7, steps=1)
    assert len(found.scores) == sum(round(40 / 1.7**k) >= side for k in range(9))


# --- tiles, octaves, roughness ------------------------------------------------------------------


@given(st.integers(1, 70), st.integers(1, 70), st.integers(1, 40))
def test_tiles_cover_each_pixel_once_and_are_equal(height, width, tile) -> None:
    count = np.zeros((height, width), int)
    sides = set()
    for window in module.tiles((height, width, 3), tile):
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


def test_jitter_goes_in_all_four_directions_and_reaches_the_borders_of_tiles(network) -> None:
    for shape, jitter, reach in (
        ((128, 128), 5, (5, 5)),  # one tile
        ((129, 64), 5, (64, 5)),  # two tiles above each other
        ((128, 300), 80, (80, 80)),
        ((300, 300), 0, (0, 0)),
    ):
        ascent = Ascent(Objective(network, LAYER, tile=128), jitter=jitter)
        shifts = np.array([ascent.shift(shape) for _ in range(2000)])
        assert np.array_equal(shifts.min(axis=0), np.negative(reach))
        assert np.array_equal(shifts.max(axis=0), reach)
        assert not jitter or abs(np.corrcoef(shifts.T)[0, 1]) < 0.1


SIDES = st.integers(1, 500)


@given(SIDES, SIDES, st.integers(1, 8), st.floats(1.05, 3), st.integers(1, 200))
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
@given(st.integers(2, 9), st.integers(2, 9), st.floats(-3, 3))
def test_total_variation(height, width, factor) -> None:
    random = np.random.default_rng(0).random((height, width, 3))
    assert total_variation(np.full((height, width, 1), factor)) == pytest.approx(0)
    sums = [np.abs(np.diff(random, axis=axis)).sum() for axis in (0, 1)]
    expected = abs(factor) * sum(sums) / random.size
    assert total_variation(factor * random) == pytest.approx(expected)


# --- a step -------------------------------------------------------------------------------------


@pytest.mark.parametrize("tile", [512, 64])
@pytest.mark.parametrize(("jitter", "blur"), [(0, 0), (5, 0), (7, 0.6), (7, 1.5), (3, 30)])
@pytest.mark.parametrize("normalize", [True, False])
def test_a_step_in_one_graph_is_the_step_of_the_formula(
    network, tile, jitter, blur, normalize
) -> None:
    picture = images.sample("cat", size=(80, 96))
    settings = {"step_size": 0.02, "jitter": jitter, "blur": blur, "normalize": normalize}
    objective = Objective(network, LAYER, tile=tile)
    ascent, twin = (Ascent(objective, seed=3, **settings) for _ in range(2))
    unit = None
    for _ in range(3):
        value, found = ascent.step(picture)
        shift = twin.shift(picture.shape)
        total, gradient = objective(np.roll(picture, shift, (0, 1)))
        gradient = np.roll(gradient, np.negative(shift), (0, 1))
        # What leaves on one side comes in on the other; weights reach as far as four deviations.
        gradient = ndimage.gaussian_filter(gradient, (blur, blur, 0), mode="wrap")
        unit = np.abs(gradient).mean() if normalize or unit is None else unit
        assert value == pytest.approx(total / (80 * 96), rel=1e-4)
        expected = np.clip(picture + 0.02 / unit * gradient, 0, 1)
        assert np.abs(found - expected).mean() < 1e-3 * np.abs(expected - picture).mean()
        picture = found.numpy()


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


def test_the_seed_counts_where_there_is_jitter(network, photo) -> None:
    def found(**changes):
        return dream(network, photo, LAYER, **QUICK | changes).picture

    np.testing.assert_allclose(found(), found(seed=0), atol=1e-3)
    assert np.abs(found(seed=1) - found(seed=0)).max() > 0.01
    np.testing.assert_allclose(found(seed=1, jitter=0), found(seed=2, jitter=0), atol=1e-3)


def test_the_usual_settings_are_those_of_the_lesson(network, photo) -> None:
    usual = dream(network, photo, LAYER)
    said = {"octaves": 4, "scale": 1.4, "steps": 8, "step_size": 0.012, "jitter": 16, "blur": 0.6}
    same = dream(network, photo, LAYER, **said, tile=512, seed=0, normalize=True)
    np.testing.assert_allclose(usual.picture, same.picture, atol=1e-3)
    assert len(usual.scores) == 32


def test_blur_smooths(network, photo) -> None:
    rough, smooth = (
        total_variation(dream(network, photo, LAYER, blur=blur, **QUICK).picture - photo)
        for blur in (0, 1.5)
    )
    assert smooth < 0.8 * rough


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


@pytest.mark.parametrize("name", [*odd_pictures(), "file"])
def test_any_picture(network, name, tmp_path) -> None:
    source = picture = odd_pictures().get(name, images.sample("cat", size=40))
    if name == "file":
        source = tmp_path / "cat.png"
        images.save(source, picture)
    found = dream(network, source, "block2_conv2", octaves=3, steps=2)
    assert found.picture.shape == (*picture.shape[:2], 3)
    assert found.gain > 1


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


# --- with a gradient of one's own ---------------------------------------------------------------


class Slope:
    """Has the gradient that is asked for, and tells which pictures it was given."""

    def __init__(self, monkeypatch) -> None:
        self.seen: list[np.ndarray] = []
        self.gradient, self.stop_after = np.ones_like, math.inf
        monkeypatch.setattr(module, "score_and_gradient", self._call)
        monkeypatch.setattr(networks.Classifier, "compiled", self._eager)

    def _call(self, model, function, picture, numbers):
        self.seen.append(np.asarray(picture))
        if len(self.seen) == self.stop_after:
            raise KeyboardInterrupt
        return tf.reduce_sum(picture), np.float32(self.gradient(self.seen[-1]))

    @staticmethod
    def _eager(network, function, layers, *settings, signature):
        return functools.partial(function, network.features(layers), *settings)


@pytest.fixture
def slope(monkeypatch) -> Slope:
    return Slope(monkeypatch)


def by_octave(small: float, large: float) -> Callable[[np.ndarray], np.ndarray]:
    """One value in octaves of less than 64 pixels, another one in full size."""
    return lambda picture: np.full_like(picture, small if len(picture) < 64 else large)


PALE = 0.5 * images.sample("cat", size=64)  # with room above
ONE = {"octaves": 1, "steps": 1, "step_size": 0.1, "blur": 0}
TWO = ONE | {"octaves": 2}


@pytest.mark.parametrize(
    ("small", "large", "normalize", "added"),
    [
        (1, 0, True, 0.1),  # what was added is carried over, and the photo's detail is kept
        (-1, 0, True, -0.1),
        (1, 3, True, 0.2),  # steps keep their size
        (1, 3, False, 0.4),  # three times as steep: three times as far
        (0, 1e-3, False, 0.1),  # a silent start is no measure
        (0, 0, False, 0),
        (0, 0, True, 0),
    ],
)
def test_what_two_octaves_add(network, slope, small, large, normalize, added) -> None:
    slope.gradient = by_octave(small, large)
    found = dream(network, PALE + 0.1, LAYER, **TWO, normalize=normalize)
    np.testing.assert_allclose(found.picture, PALE + 0.1 + added, atol=1e-5)


def test_pixels_stay_in_0_to_1_on_the_way(network, photo, slope) -> None:
    # Up to white, then down again: what lay above white would come down less far.
    slope.gradient = lambda picture: np.full_like(picture, 1 if len(slope.seen) < 4 else -1)
    found = dream(network, photo, LAYER, octaves=1, steps=4, step_size=0.5, jitter=0, blur=0)
    assert all(0 <= seen.min() and seen.max() <= 1 for seen in slope.seen)
    np.testing.assert_allclose(found.picture, 0.5, atol=1e-6)


@pytest.mark.parametrize("stop_after", [math.inf, 2])
def test_octaves_stay_pictures(network, slope, stop_after) -> None:
    # What is added to a gray small octave would make the bright rows brighter than white.
    picture = np.full((64, 64, 3), 0.2, np.float32)
    picture[::2] = 1
    slope.gradient, slope.stop_after = by_octave(1, 0), stop_after
    settings = {"octaves": 2, "scale": 2.0, "step_size": 0.3, "jitter": 0, "blur": 0}
    found = dream(network, picture, LAYER, steps=2, **settings)
    assert found.finished == (stop_after == math.inf)
    for seen in (*slope.seen, found.picture):
        images.validate(seen)


@pytest.mark.parametrize("stop_after", [1, 2, 5, 8, 9, 10])
def test_interrupted_it_returns_what_it_has(network, slope, stop_after) -> None:
    slope.stop_after, done = stop_after, min(stop_after - 1, 8)  # two scores follow eight steps
    found = dream(network, PALE, LAYER, octaves=2, steps=4, step_size=0.01)
    assert not found.finished and len(found.scores) == done
    assert math.isnan(found.gain) == (stop_after > 8)
    np.testing.assert_allclose(found.picture, PALE + 0.01 * done, atol=1e-4)


def test_interrupted_between_two_octaves_it_still_returns(network, slope, monkeypatch) -> None:
    clip, interrupted = np.clip, []

    def clip_or_stop(values, *limits, **settings):
        # The first picture of the second octave: the step before it was on a smaller one.
        new_octave = len(slope.seen) == 1 and np.shape(values) == PALE.shape
        if new_octave and not interrupted and sys._getframe(1).f_code.co_name == "dream":
            interrupted.append(True)
            raise KeyboardInterrupt
        return clip(values, *limits, **settings)

    monkeypatch.setattr(np, "clip", clip_or_stop)
    found = dream(network, PALE, LAYER, **TWO)
    assert interrupted and not found.finished and len(found.scores) == 1
    np.testing.assert_allclose(found.picture, PALE + 0.1, atol=1e-5)


def test_a_gain_is_a_ratio_of_what_is_not_negative(photo) -> None:
    gains = [module.Dream(photo, before, 2.0, (), True).gain for before in (0.5, 0.0, -1.0)]
    np.testing.assert_array_equal(gains, [4, math.inf, math.nan])


REFUSED = {
    "octaves": (0, 2.5),
    "scale": (1, math.inf),
    "steps": (0, 2.0),
    "step_size": (0, math.nan),
    "blur": (-0.1, "a"),
    "jitter": (-1, 1.5),
    "tile": (63,),
}


@pytest.mark.parametrize(
    ("change", "offending"),
    [
        *(({n: v}, f"{n} is {v!r}") for n, values in REFUSED.items() for v in values),
        *(({"target": (LAYER, channel)}, str(channel)) for channel in (64, -1, 2.0, True)),
        ({"target": (LAYER, [2])}, r"\[2\]"),
        ({"target": (LAYER, 1, 2)}, "block3_conv1', 1, 2"),
        ({"target": [LAYER, 2]}, "block3_conv1', 2"),
        ({"target": 5}, "5"),
        ({"target": None}, "None"),
        ({"target": {}}, "layers"),
        ({"target": {LAYER: math.inf}}, "inf"),
        ({"target": {LAYER: "a"}}, "'a'"),
        ({"target": "block4conv3"}, "did you mean 'block4_conv3'"),
        ({"target": (LAYER, 1), "guide": PALE}, "guided"),
        ({"target": "predictions", "guide": PALE}, "predictions has no maps"),
        ({"guide": np.zeros((20, 40))}, "guide has 20 x 40"),
        ({"picture": np.zeros((40, 31))}, "picture has 40 x 31"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(network, photo, change, offending) -> None:
    with pytest.raises(CourseError, match=offending):
        dream(network, **{"picture": photo, "target": LAYER} | change)


# --- zoom ---------------------------------------------------------------------------------------


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
    np.testing.assert_array_equal(calls[1][0], closer(np.flip(photo, axis=2), 1.06))


def test_closer_keeps_the_middle_in_place() -> None:
    rows, columns = np.mgrid[-20:21, -30:31]
    ramp = np.stack([0.5 + rows / 100, 0.5 + columns / 100, np.full(rows.shape, 0.25)], axis=2)
    found = closer(ramp.astype(np.float32), 1.25)
    expected = np.stack([0.5 + rows / 125, 0.5 + columns / 125, ramp[..., 2]], axis=2)
    np.testing.assert_allclose(found[3:-3, 3:-3], expected[3:-3, 3:-3], atol=1e-3)
    edge = np.zeros((40, 40, 3), np.float32)
    edge[:, 20:] = 1  # bicubic interpolation overshoots here
    images.validate(closer(edge, 1.3))


@pytest.mark.parametrize("stop_after", [7, 8, 9])
def test_a_zoom_keeps_its_frames_wherever_it_is_interrupted(network, slope, stop_after) -> None:
    # A step and two scores make three calls a frame: these three are in the third.
    slope.stop_after = stop_after
    assert len(zoom(network, PALE, LAYER, frames=5, octaves=1, steps=1)) == 2


@pytest.mark.parametrize("factor", [1, 2, math.nan, "a"])
def test_a_zoom_that_makes_no_sense(network, photo, factor) -> None:
    for call in (lambda f: closer(photo, f), lambda f: zoom(network, photo, LAYER, 2, f)):
        with pytest.raises(CourseError, match=f"factor is {factor!r}"):
            call(factor)
    with pytest.raises(CourseError, match="frames is 0"):
        zoom(network, photo, LAYER, frames=0)


# --- the dream explorer -------------------------------------------------------------------------

START = {"photo": "moon", "layer": "block3_conv2", "single": False, "channel": 3}
START |= {"octaves": 2, "steps": 2}


def test_a_frame_shows_photo_dream_and_difference() -> None:
    frame = dream_explorer.frame(**START)
    pictures = list(frame.pictures.values())
    assert list(frame.pictures) == ["photo: moon", "dream of block3_conv2", "what was added"]
    np.testing.assert_allclose(pictures[2], 0.5 + pictures[1] - pictures[0], atol=1e-5)
    assert "one entry sees    32 pixels" in frame.text
    assert "80, 112 pixels" in frame.text
    before, after = re.search(r"score a pixel +(\S+) -> (\S+)", frame.text).groups()
    assert float(after) > 1.2 * float(before)
    assert "silent" not in frame.text


CHANGES = {"photo": "coffee", "layer": "block2_conv1", "single": True, "octaves": 3, "steps": 3}


@pytest.mark.parametrize(("name", "value"), [*CHANGES.items(), ("channel", 4)])
def test_each_control_changes_the_frame(name, value) -> None:
    start = START | {"single": name == "channel"}
    before, after = (dream_explorer.frame(**both) for both in (start, start | {name: value}))
    assert not np.array_equal([*before.pictures.values()][1], [*after.pictures.values()][1])
    assert before.text != after.text


def test_a_silent_channel_is_said_to_be_silent(monkeypatch) -> None:
    dreamed = module.Dream(images.sample("moon", size=dream_explorer.SIDE), 0.0, 0.0, (), True)
    dream_explorer._dream.cache_clear()
    monkeypatch.setattr(dream_explorer, "dream", lambda *_, **__: dreamed)
    frame = dream_explorer.frame(**START | {"single": True})
    dream_explorer._dream.cache_clear()
    assert "silent here" in frame.text
    assert "dream of channel 3 of block3_conv2" in frame.pictures


@pytest.mark.parametrize(
    ("change", "offending"),
    [
        ({"photo": "dog"}, "photo is 'dog'"),
        ({"layer": "fc7"}, "layer is 'fc7'"),
        ({"octaves": 0}, "octaves is 0"),
        ({"octaves": 5}, "octaves is 5"),
        ({"steps": 13}, "steps is 13"),
        ({"single": True, "channel": 64}, "64"),
    ],
)
def test_the_explorer_refuses(change, offending) -> None:
    with pytest.raises(CourseError, match=offending):
        dream_explorer.frame(**START | change)


def test_the_explorer_shows_its_first_frame(capsys) -> None:
    import matplotlib

    matplotlib.use("Agg")
    dream_explorer.show(photo="cat", layer="block2_conv2")
    assert "target            block2_conv2" in capsys.readouterr().out
    with pytest.raises(CourseError, match="dog"):
        dream_explorer.show(photo="dog")
