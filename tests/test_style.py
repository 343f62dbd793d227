"""Tests of course_utils/style.py and of the style explorer."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

import ipywidgets
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from course_utils import data, features, images, networks, optimizers, style
from course_utils.ask import CourseError
from course_utils.quiet import keras, tf
from course_utils.widgets import style_explorer

PHOTO = images.sample("china", size=(32, 48))
METHODS = pytest.mark.parametrize("method", style.METHODS)


@pytest.fixture(scope="module")
def network() -> networks.Classifier:
    return networks.load("embedded", pooling="average")


@pytest.fixture(scope="module")
def layers(network: networks.Classifier) -> style.Layers:
    return style.layers_of(network)


@pytest.fixture(scope="module")
def painting() -> np.ndarray:
    return images.load(data.styles()["stained_glass"], size=48)


@pytest.fixture
def objective(network, layers, painting) -> Callable[..., style.Objective]:
    """Makes the loss of a transfer with its usual weights, or with others."""

    def make(photo=PHOTO, painting=painting, content=0.1, shallow=1.0, variation=0.2):
        contents, styles = {layers.content: content}, dict.fromkeys(layers.style, shallow)
        return style.Objective(network, photo, painting, contents, styles, variation)

    return make


@pytest.fixture
def transfer(network, painting) -> Callable[..., style.Transfer]:
    """A short transfer of the photo into the style of the painting."""
    return partial(style.transfer, network, PHOTO, painting, schedule=((48, 6),))


def gram_of(network: networks.Classifier, picture: np.ndarray, layer: str) -> np.ndarray:
    return style.gram(network.features(layer)(picture[None])[layer]).numpy()


# --- the parts of the loss ----------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 4), st.integers(0, 99))
def test_gram_is_the_mean_product_of_channels_and_forgets_places(height, width, channels, seed):
    random = np.random.default_rng(seed)
    maps = random.normal(size=(1, height, width, channels)).astype(np.float32)
    expected = np.einsum("nhwi,nhwj->ij", maps, maps) / (height * width)
    shuffled = random.permutation(maps.reshape(-1, channels)).reshape(maps.shape)
    for same in (maps, maps[0], shuffled, maps[:, ::-1], -maps, np.tile(maps, (1, 2, 3, 1))):
        np.testing.assert_allclose(style.gram(tf.constant(same)), expected, rtol=1e-4, atol=1e-5)
    assert style.gram(tf.constant(maps)).shape == (channels, channels)


def test_shuffled_maps_keep_their_gram_matrix_to_1e_5_and_lose_their_content(network, layers):
    painting = images.load(data.styles()["mosaic"], size=64)
    for layer in layers.style:
        maps = network.features(layer)(painting[None])[layer].numpy()
        rows = maps.reshape(-1, maps.shape[-1])
        shuffled = np.random.default_rng(1).permutation(rows).reshape(maps.shape)
        before, after = style.gram(maps).numpy(), style.gram(shuffled).numpy()
        assert np.linalg.norm(after - before) < 1e-5 * np.linalg.norm(before)
        assert np.linalg.norm(shuffled - maps) > 0.3 * np.linalg.norm(maps)


def test_the_loss_is_the_weighted_sum_of_its_three_parts(network, layers, painting, objective):
    noise = np.random.default_rng(2).random(PHOTO.shape, np.float32)
    terms, gradient = objective()(noise)
    maps = network.features(layers.content)
    found, wanted = (maps(p[None])[layers.content].numpy() for p in (noise, PHOTO))
    content = 0.1 * ((found - wanted) ** 2).sum() / (wanted**2).sum()
    grams = [[gram_of(network, p, layer) for p in (noise, painting)] for layer in layers.style]
    styled = sum(((g - a) ** 2).sum() / (a**2).sum() for g, a in grams)
    rough = sum(np.abs(np.diff(noise, axis=axis)).sum() for axis in (0, 1)) / noise.size
    np.testing.assert_allclose(terms, [content, styled, 0.2 * rough], rtol=1e-3)
    # The loss falls along its gradient by the length of the way times that of the gradient.
    way = 1e-3 * gradient / np.linalg.norm(gradient)
    ahead, behind = (objective()(noise + sign * way)[0].sum() for sign in (1, -1))
    assert (ahead - behind) / 2e-3 == pytest.approx(np.linalg.norm(gradient), rel=0.1)


def test_nothing_is_left_to_want_where_content_and_style_are_one_picture(objective):
    terms, _ = objective(PHOTO, PHOTO, variation=0.0)(PHOTO)
    np.testing.assert_allclose(terms, 0, atol=1e-6)


def test_one_compilation_serves_all_pictures_sizes_weights_and_rates(network, objective):
    def graphs():
        made = network._graphs.values()
        return sum(function.experimental_get_tracing_count() for function in made)

    def use(picture, weight, rate):
        measure = objective(picture, content=weight, shallow=2 * weight, variation=weight)
        measure(picture)
        _, picture, memory = measure.step(picture, rate)
        measure.step(picture, rate, memory)

    use(PHOTO, 1.0, 0.1)
    before = graphs()
    for size, weight in ((40, 0.5), (64, 2), (33, 1.5)):
        use(images.resize(PHOTO, (size, size + 7)), weight, 0.01 * size)
    assert graphs() == before


def test_a_step_is_adam_of_lesson_04_along_the_gradient(objective):
    measure, rate = objective(), 0.03
    rule, expected, memory = optimizers.adam(rate), PHOTO, ()
    found, state = PHOTO, None
    for _ in range(4):
        terms, gradient = measure(expected)
        change, *memory = rule(gradient, *memory)
        measured, found, state = measure.step(found, rate, state)
        np.testing.assert_allclose(measured, terms, rtol=1e-3)
        expected = np.clip(expected + change, 0, 1).astype(np.float32)
        np.testing.assert_allclose(found, expected, atol=2e-3)


def test_layers_are_those_of_the_paper(layers):
    assert layers.content == "block4_conv2"
    assert layers.style == tuple(f"block{block}_conv1" for block in range(1, 6))
    assert layers.held_out == "block3_conv3"


def test_other_networks_have_layers_too(painting):
    other = networks.load("MobileNetV2", pretrained=False)
    found, stages, place = style.layers_of(other), features.stages(other), other.layers.index
    assert (found.content, found.style) == (stages[3], stages) and len(stages) == 5
    assert place(found.held_out) == (place(stages[2]) + place(stages[3])) // 2
    made = style.transfer(other, PHOTO, painting, schedule=((48, 3),))
    assert made.final.sum() < made.losses[0].sum()


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_distances_are_those_of_the_formula(network, painting, scale):
    layer = "block2_conv2"
    near = style.distances(network, PHOTO, PHOTO, PHOTO, layer)
    assert near == pytest.approx((0, 0), abs=1e-6)
    content, styled = style.distances(network, PHOTO, painting, painting, layer, scale)
    resized = images.resize(painting, PHOTO.shape[:2])
    mine, theirs = (network.features(layer)(p[None])[layer].numpy() for p in (PHOTO, resized))
    assert content == pytest.approx(((mine - theirs) ** 2).sum() / (theirs**2).sum(), rel=1e-3)
    large = images.resize(painting, round(scale * 48))  # times the longer side of the photo
    mine, theirs = (gram_of(network, p, layer) for p in (PHOTO, large))
    assert styled == pytest.approx(((mine - theirs) ** 2).sum() / (theirs**2).sum(), rel=1e-3)


# --- colors -------------------------------------------------------------------------------------


def test_matched_colors_have_the_photos_histogram(painting):
    matched = style.match_colors(painting, PHOTO)
    images.validate(matched)
    assert matched.shape == painting.shape
    for level in (0.1, 0.5, 0.9):
        np.testing.assert_allclose(
            np.quantile(matched, level, (0, 1)), np.quantile(PHOTO, level, (0, 1)), atol=0.05
        )


def test_kept_colors_have_the_brightness_of_one_and_the_hue_of_the_other():
    gray = np.repeat(images.to_gray(PHOTO)[..., None], 3, axis=2)
    np.testing.assert_allclose(style.keep_colors(gray, PHOTO), PHOTO, atol=2e-3)
    mild = 0.4 + 0.2 * PHOTO
    darker = style.keep_colors(mild - 0.1, mild)
    np.testing.assert_allclose(darker, mild - 0.1, atol=1e-3)
    for extreme in (np.ones_like(PHOTO), np.zeros_like(PHOTO)):
        images.validate(style.keep_colors(extreme, PHOTO))


def test_with_luminance_it_paints_in_gray_with_the_photos_brightness(network, objective):
    pale, dark = 0.6 + 0.2 * PHOTO, 0.3 * np.flip(PHOTO, axis=(0, 1))
    settings = {"schedule": ((48, 1),), "colors": "luminance", "frames": 1}
    made = style.transfer(network, pale, dark, **settings)
    gray, other = images.to_gray(pale), images.to_gray(dark)
    other = (other - other.mean()) / other.std() * gray.std() + gray.mean()
    gray, other = (np.repeat(p[..., None], 3, axis=2).astype(np.float32) for p in (gray, other))
    np.testing.assert_allclose(made.frames[0], gray, atol=1e-6)
    np.testing.assert_allclose(made.losses[0], objective(gray, other)(gray)[0], rtol=1e-3)
    back = style.keep_colors(made.picture, pale)
    np.testing.assert_allclose(back, made.picture, atol=2e-3)


def test_with_a_histogram_colors_are_nearer_to_the_photos(transfer):
    plain, matched = (transfer(colors=c, schedule=((48, 15),)) for c in ("style", "histogram"))
    gaps = [np.abs((m.picture - PHOTO).mean((0, 1))).max() for m in (plain, matched)]
    assert gaps[1] < gaps[0]


# --- the transfer -------------------------------------------------------------------------------


@METHODS
@pytest.mark.parametrize("start", style.STARTS)
def test_a_transfer_lowers_its_loss_and_repeats(transfer, objective, method, start):
    first, again = (transfer(method=method, start=start) for _ in range(2))
    images.validate(first.picture)
    assert first.finished and first.frames == ()
    assert first.losses.shape == (6, len(style.TERMS))
    assert first.final.sum() < 0.95 * first.losses[0].sum()
    np.testing.assert_allclose(first.picture, again.picture, atol=1e-3)
    np.testing.assert_allclose(first.final, objective()(first.picture)[0], rtol=1e-3)


def test_the_usual_settings_are_those_of_the_lesson(network, painting, transfer):
    said = {"content_weight": 0.1, "style_weight": 1.0, "variation_weight": 0.2, "rate": 0.04}
    said |= {"method": "adam", "start": "content", "colors": "style", "style_scale": 1.0}
    np.testing.assert_allclose(transfer().picture, transfer(**said).picture, atol=1e-3)
    noisy, same = transfer(start="noise"), transfer(start="noise", seed=0)
    np.testing.assert_allclose(noisy.picture, same.picture, atol=1e-3)
    usual = style.transfer(network, PHOTO, painting)
    assert usual.losses.shape == (150, 3) and usual.picture.shape == (171, 256, 3)


def test_adam_is_the_one_of_keras(transfer, objective):
    measure, rate = objective(), 0.04
    pixels, adam = tf.Variable(PHOTO), keras.optimizers.Adam(rate)
    for _ in range(4):
        adam.apply([tf.constant(measure(pixels.numpy())[1])], [pixels])
        pixels.assign(tf.clip_by_value(pixels, 0, 1))
    made = transfer(schedule=((48, 4),), rate=rate)
    np.testing.assert_allclose(made.picture, pixels.numpy(), atol=2e-3)


def test_lbfgs_needs_half_of_adams_evaluations(network):
    photo = images.sample("china", size=64)
    painting = images.load(data.styles()["stained_glass"], size=64)
    adam, lbfgs = (
        style.transfer(network, photo, painting, schedule=((64, 60),), rate=0.02, method=method)
        for method in style.METHODS
    )
    target = adam.losses.sum(axis=1).min()
    assert np.argmax(lbfgs.losses.sum(axis=1) <= target) in range(1, 33)


def test_each_weight_holds_its_part_down(transfer, objective):
    def left(**weights):
        made = transfer(schedule=((48, 20),), **weights)
        return objective(content=1, shallow=1, variation=1)(made.picture)[0]

    balanced = left()
    for place, name in enumerate(("content_weight", "style_weight", "variation_weight")):
        assert left(**{name: 20.0})[place] < balanced[place]
        assert left(**{name: 0.0})[place] > balanced[place]


def test_the_weight_of_a_part_counts_with_weights_of_layers_too(transfer, layers):
    def first(**settings):
        return transfer(schedule=((48, 1),), start="noise", **settings).losses[0]

    name = layers.style[0]
    once, thrice = (first(style_layers={name: 1.5}, style_weight=w) for w in (1.0, 3.0))
    np.testing.assert_allclose(thrice, once * (1, 3, 1), rtol=1e-4)
    half = first(style_layers={name: 0.75})
    np.testing.assert_allclose(half, once * (1, 0.5, 1), rtol=1e-4)


def test_layers_can_be_named_in_three_ways(transfer, layers):
    first = layers.style[0]
    made = [
        transfer(style_layers=names).picture
        for names in (first, [first], {first: 1.0}, {first: 1.0, layers.style[1]: 0.0})
    ]
    for other in made[1:]:
        np.testing.assert_allclose(made[0], other, atol=1e-3)


@pytest.mark.parametrize(("place", "part"), [(0, "content_layers"), (1, "style_layers")])
def test_content_alone_and_style_alone(transfer, place, part):
    made = transfer(start="noise", **{part: ()})
    assert made.final[place] == 0 and made.final.sum() < made.losses[0].sum()


def test_any_picture_keeps_its_shape(network, painting, tmp_path):
    path = tmp_path / "photo.png"
    images.save(path, PHOTO)
    transparent = np.concatenate([PHOTO, np.full((*PHOTO.shape[:2], 1), 0.5, np.float32)], axis=2)
    sources = (path, Image.open(path), images.to_gray(PHOTO), transparent)
    for content, kind in itertools.product(sources, (painting, images.to_gray(painting))):
        made = style.transfer(network, content, kind, schedule=((48, 1),))
        images.validate(made.picture)
        assert made.picture.shape == PHOTO.shape
    for shape, large in (((40, 40), (64, 64, 3)), ((40, 30), (64, 48, 3))):
        cat = images.sample("cat", size=shape)
        assert style.transfer(network, cat, cat, schedule=((64, 1),)).picture.shape == large


def test_the_start_is_the_one_that_was_asked_for(transfer):
    def first(start, seed=0):
        return transfer(start=start, seed=seed, schedule=((48, 1),), frames=1).frames[0]

    noise = first("noise")
    np.testing.assert_allclose(first("content"), PHOTO, atol=1e-6)
    np.testing.assert_allclose(first("mix"), 0.5 * PHOTO + 0.5 * noise, atol=1e-6)
    assert np.abs(first("noise", seed=1) - noise).mean() > 0.2
    np.testing.assert_allclose(first(np.full((10, 10, 3), 0.25)), 0.25, atol=1e-6)


def test_frames_are_spread_over_the_steps(transfer, objective):
    made = transfer(schedule=((48, 5),), frames=3)
    for frame, step in zip(made.frames, (0, 2, 4), strict=True):
        np.testing.assert_allclose(objective()(frame)[0], made.losses[step], rtol=1e-3)


@METHODS
@pytest.mark.parametrize("steps", [1, 2, 7])
def test_a_method_takes_no_more_evaluations_than_asked_for(transfer, method, steps):
    made = transfer(method=method, schedule=np.array([(48, steps), (72, steps)]), frames=3)
    assert made.picture.shape == (48, 72, 3)
    assert len(made.losses) == 2 * steps
    assert {frame.shape for frame in made.frames} == {(48, 72, 3)}


def test_a_scale_goes_on_from_the_one_before(transfer):
    small = transfer(schedule=((48, 12),)).picture
    made = transfer(schedule=((48, 12), (96, 1)), frames=13)
    np.testing.assert_allclose(made.frames[12], images.resize(small, (64, 96)), atol=2e-3)
    assert np.abs(small - PHOTO).mean() > 0.02


@METHODS
def test_each_scale_has_a_best_picture_of_its_own(transfer, painting, objective, method):
    made = transfer(schedule=((48, 12), (96, 1)), method=method)
    large, larger = images.resize(PHOTO, (64, 96)), images.resize(painting, (96, 96))
    terms, _ = objective(large, larger)(made.picture)
    np.testing.assert_allclose(made.final, terms, rtol=1e-3)


@METHODS
def test_the_best_picture_is_kept_not_the_last(transfer, method):
    # So large steps miss; an interrupt leaves the last evaluation behind as well.
    made = transfer(rate=1.0, schedule=((48, 8),), method=method)
    sums = made.losses.sum(axis=1)
    assert made.final.sum() <= sums.min() * (1 + 1e-6)
    if method == "adam":
        assert sums[1:].min() > sums[0]  # no step was better: the start is returned
        np.testing.assert_allclose(made.picture, PHOTO, atol=1e-6)


def test_the_largest_size_is_allowed(transfer, monkeypatch):
    monkeypatch.setattr(style, "MAX_SIDE", 96)
    for side, scale in ((96, 1.0), (48, 2.0), (96, 0.5)):
        transfer(schedule=((side, 1),), style_scale=scale)
        with pytest.raises(CourseError, match=f"pixels is {side + 1}"):
            transfer(schedule=((side + 1, 1),), style_scale=scale)


# --- interrupted, and watched -------------------------------------------------------------------


def interrupt(monkeypatch, stop: int) -> None:
    """Let an evaluation be interrupted, the first one if `stop` is 0."""
    count = itertools.count()
    for name in ("__call__", "step"):
        whole = getattr(style.Objective, name)

        def interrupted(self, *arguments, whole=whole):
            if next(count) == stop:
                raise KeyboardInterrupt
            return whole(self, *arguments)

        monkeypatch.setattr(style.Objective, name, interrupted)


@METHODS
@pytest.mark.parametrize("stop", [0, 1, 5])
def test_interrupted_it_keeps_the_best_picture(transfer, monkeypatch, method, stop):
    interrupt(monkeypatch, stop)
    made = transfer(method=method, schedule=((48, 20), (72, 20)))
    assert not made.finished
    assert made.losses.shape == (stop, len(style.TERMS))
    assert made.picture.shape == (48, 72, 3)
    if stop:
        assert made.final.sum() == made.losses.sum(axis=1).min()
    else:
        np.testing.assert_allclose(made.picture, images.resize(PHOTO, (48, 72)), atol=1e-6)


def test_interrupted_while_the_first_targets_are_computed_it_keeps_the_start(transfer, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(style, "Objective", interrupted)
    made = transfer()
    assert not made.finished and len(made.losses) == 0
    np.testing.assert_allclose(made.picture, PHOTO, atol=1e-6)


@pytest.mark.parametrize(("static", "every", "expected"), [(1, 0, 0), (0, 0, 6), (0, 1000, 1)])
def test_progress_shows_the_picture_in_a_live_notebook_now_and_then(
    transfer, monkeypatch, static, every, expected
):
    shown = []

    class Handle:
        def update(self, image):
            shown.append(image)

    def display(image, display_id):
        shown.append(image)
        return Handle()

    monkeypatch.setattr("IPython.display.display", display)
    monkeypatch.setenv("COURSE_STATIC", str(static))
    monkeypatch.setattr(style, "_EACH", every)
    transfer(progress=True)
    assert len(shown) == expected
    assert all(image.data.startswith(b"\x89PNG") for image in shown)


def test_a_bar_is_used_up_when_it_is_interrupted(transfer, monkeypatch):
    ended = []

    def track(items, text):
        yield from items
        ended.append(text)

    monkeypatch.setattr("course_utils.live.track", track)
    interrupt(monkeypatch, 0)
    transfer(progress=True)
    assert ended == ["style transfer"]


REFUSED = {
    "method": ("sgd",),
    "colors": ("red",),
    "start": ("black",),
    "style_scale": (0,),
    "rate": (0, "fast"),
    "frames": (-1, 1.5),
    "content_weight": (-0.1,),
    "style_weight": (np.inf,),
    "variation_weight": (None, -1),
}
SCHEDULES = {
    (): "schedule",
    (64, 3): "64",
    ((48,),): "48,",
    ("48",): "'4'",
    ((64, 0),): "steps is 0",
    ((64.5, 3),): r"pixels is 64\.5",
    ((48, (1, 2)),): r"steps is \(1, 2\)",
    ((4096, 1),): "4096",
    ((24, 1),): "content picture would be 16 x 24",
}


@pytest.mark.parametrize(
    ("change", "offending"),
    [
        *(({n: v}, f"{n} is {v!r}") for n, values in REFUSED.items() for v in values),
        *(({"schedule": schedule}, offending) for schedule, offending in SCHEDULES.items()),
        ({"style_scale": 0.5}, "style picture would be 24 x 24"),
        ({"style_layers": {"block1_conv1": -1}}, "weight of block1_conv1 is -1"),
        ({"style_layers": (), "content_layers": ()}, "layers"),
        ({"content_layers": ["block4_conv9"]}, "did you mean"),
        ({"content_layers": "predictions"}, "predictions has no maps"),
        ({"style_layers": "predictions"}, "predictions has no maps"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(transfer, change, offending):
    with pytest.raises(CourseError, match=offending):
        transfer(**change)


def test_a_picture_that_is_none_is_refused(network, painting):
    with pytest.raises(CourseError, match=r"missing\.png"):
        style.transfer(network, "missing.png", painting)
    with pytest.raises(CourseError, match="predictions has no maps"):
        style.distances(network, PHOTO, PHOTO, painting, "predictions")


# --- the explorer -------------------------------------------------------------------------------


DEFAULT = {"photo": "cat", "path": "", "upload": ()}
DEFAULT |= {"painting": "stained_glass", "painting_path": "", "painting_upload": ()}
DEFAULT |= {"weight": 0.0, "layers": 5, "strokes": 2.0, "steps": 16}
DEFAULT |= {"start": "content", "pooling": "average", "colors": "style"}
CHANGES = {"photo": "flower", "painting": "ink_waves", "weight": 1.0, "layers": 1, "strokes": 1.0}
CHANGES |= {"steps": 24, "start": "noise", "pooling": "max", "colors": "luminance"}


def result(frame: Any) -> np.ndarray:
    return [*frame.pictures.values()][-1]


def test_each_control_of_the_explorer_changes_the_result():
    first = style_explorer.frame(**DEFAULT)
    np.testing.assert_allclose(result(first), result(style_explorer.frame(**DEFAULT)), atol=1e-3)
    for name, value in CHANGES.items():
        frame = style_explorer.frame(**DEFAULT | {name: value})
        assert np.abs(result(frame) - result(first)).max() > 0.02, name
        assert frame.text != first.text, name
        for picture in frame.pictures.values():
            images.validate(picture)


def test_the_explorer_tells_how_far_result_and_photo_are_from_either():
    _, _, ours, photo, evaluations = style_explorer.frame(**DEFAULT).text.splitlines()
    (content, styled), (none, far) = (map(float, line.split()[1:]) for line in (ours, photo))
    assert 0 == none < content and styled < far
    assert evaluations.startswith("16 evaluations")


def test_the_explorer_counts_style_layers_from_the_first_on(network, layers):
    cat, glass = images.sample("cat", size=256), images.load(data.styles()["stained_glass"], 256)
    settings = {"rate": style_explorer.RATE, "style_scale": 2.0, "schedule": ((96, 16),)}
    made = style.transfer(network, cat, glass, style_layers=layers.style[:2], **settings)
    shown = result(style_explorer.frame(**DEFAULT | {"layers": 2}))
    np.testing.assert_allclose(shown, made.picture, atol=1e-3)


def test_the_explorer_takes_own_pictures(tmp_path):
    path = tmp_path / "own.png"
    images.save(path, images.sample("coffee", size=(300, 400)))
    by_path = {"photo": style_explorer.OWN, "path": f" {path} "}
    by_upload = {"photo": style_explorer.OWN, "upload": ({"content": path.read_bytes()},)}
    first, second = (result(style_explorer.frame(**DEFAULT | own)) for own in (by_path, by_upload))
    assert first.shape == (72, 96, 3)
    np.testing.assert_allclose(first, second, atol=1e-3)
    painting = {"painting": style_explorer.OWN, "painting_path": str(path)}
    style_explorer.frame(**DEFAULT | painting)
    for what, field in (("photo", "path"), ("painting", "painting_path")):
        with pytest.raises(CourseError, match=what):
            style_explorer.frame(**DEFAULT | {what: style_explorer.OWN})
        with pytest.raises(CourseError, match=r"none\.png"):
            style_explorer.frame(**DEFAULT | {what: style_explorer.OWN, field: "none.png"})


def test_the_explorer_shows_its_controls_and_disables_what_does_not_apply(monkeypatch):
    shown: list[tuple[Callable, dict[str, ipywidgets.Widget]]] = []
    monkeypatch.setattr(style_explorer, "explore", lambda *args: shown.append(args))
    style_explorer.show("china", "mosaic")
    frame, controls = shown[0]
    assert frame is style_explorer.frame and set(controls) == set(DEFAULT)
    assert (controls["photo"].value, controls["painting"].value) == ("china", "mosaic")
    values = {name: control.value for name, control in controls.items()}
    assert DEFAULT | {"photo": "china", "painting": "mosaic", "steps": 24} == values
    for chosen, fields in (
        ("photo", ("path", "upload")),
        ("painting", ("painting_path", "painting_upload")),
    ):
        assert all(controls[name].disabled for name in fields)
        controls[chosen].value = style_explorer.OWN
        assert not any(controls[name].disabled for name in fields)
    for wrong in ("photo", "painting"):
        with pytest.raises(CourseError, match=f"{wrong} is 'moose'"):
            style_explorer.show(**{wrong: "moose"})


def test_python_numbers_are_compiled_anew_as_an_exercise_says():
    traced = []

    @tf.function
    def function(picture, weight):
        traced.append(weight)
        return weight * tf.reduce_mean(picture)

    zeros, taller = tf.zeros((64, 64, 3)), tf.zeros((96, 64, 3))
    calls = [(zeros, 1.0), (zeros, 2.0), (taller, 2.0), (taller + 1, 2.0)]
    for arguments in [*calls, (taller + 1, tf.constant(2.0)), (taller + 1, tf.constant(7.0))]:
        function(*arguments)
    assert len(traced) == 4
