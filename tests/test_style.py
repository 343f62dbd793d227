"""Tests of course_utils/style.py and of the style explorer."""

from __future__ import annotations

import itertools
from collections.abc import Callable
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

QUICK = {"schedule": ((48, 6),)}


@pytest.fixture(scope="module")
def network() -> networks.Classifier:
    return networks.load("embedded", pooling="average")


@pytest.fixture(scope="module")
def layers(network: networks.Classifier) -> style.Layers:
    return style.layers_of(network)


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return images.sample("china", size=(32, 48))


@pytest.fixture(scope="module")
def painting() -> np.ndarray:
    return images.load(data.styles()["stained_glass"], size=48)


def objective(network, photo, painting, content=0.1, shallow=1.0, variation=0.2):
    layers = style.layers_of(network)
    styles = dict.fromkeys(layers.style, shallow)
    return style.Objective(network, photo, painting, {layers.content: content}, styles, variation)


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


def test_the_loss_is_the_weighted_sum_of_its_three_parts(network, layers, photo, painting):
    noise = np.random.default_rng(2).random(photo.shape, np.float32)
    terms, gradient = objective(network, photo, painting)(noise)
    maps = network.features(layers.content)
    found, wanted = (maps(p[None])[layers.content].numpy() for p in (noise, photo))
    content = 0.1 * ((found - wanted) ** 2).sum() / (wanted**2).sum()
    grams = [[gram_of(network, p, layer) for p in (noise, painting)] for layer in layers.style]
    styled = sum(((g - a) ** 2).sum() / (a**2).sum() for g, a in grams)
    rough = sum(np.abs(np.diff(noise, axis=axis)).sum() for axis in (0, 1)) / noise.size
    np.testing.assert_allclose(terms, [content, styled, 0.2 * rough], rtol=1e-3)
    # The loss falls along its gradient by the length of the way times that of the gradient.
    way = 1e-3 * gradient / np.linalg.norm(gradient)
    ahead, behind = (objective(network, photo, painting)(noise + s * way)[0].sum() for s in (1, -1))
    assert (ahead - behind) / 2e-3 == pytest.approx(np.linalg.norm(gradient), rel=0.1)


def test_nothing_is_left_to_want_where_content_and_style_are_one_picture(network, photo):
    terms, _ = objective(network, photo, photo, variation=0.0)(photo)
    np.testing.assert_allclose(terms, 0, atol=1e-6)


def test_one_compilation_serves_all_pictures_sizes_weights_and_rates(network, photo, painting):
    def graphs():
        made = network._graphs.values()
        return sum(function.experimental_get_tracing_count() for function in made)

    def use(picture, weight, rate):
        measure = objective(network, picture, painting, weight, 2 * weight, weight)
        measure(picture)
        _, picture, memory = measure.step(picture, rate)
        measure.step(picture, rate, memory)

    use(photo, 1.0, 0.1)
    before = graphs()
    for size, weight in ((40, 0.5), (64, 2), (33, 1.5)):
        use(images.resize(photo, (size, size + 7)), weight, 0.01 * size)
    assert graphs() == before


def test_a_step_is_adam_of_lesson_04_along_the_gradient(network, photo, painting):
    measure, rate = objective(network, photo, painting), 0.03
    rule, expected, memory = optimizers.adam(rate), photo, ()
    found, state = photo, None
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
    assert layers.held_out not in (layers.content, *layers.style)


def test_other_networks_have_layers_too(photo, painting):
    other = networks.load("MobileNetV2", pretrained=False)
    found = style.layers_of(other)
    assert len(set(found.style)) == 5 and found.held_out not in (found.content, *found.style)
    order = [other.layers.index(name) for name in found.style]
    assert order == sorted(order)
    made = style.transfer(other, photo, painting, schedule=((48, 3),))
    assert made.final.sum() < made.losses[0].sum()


def test_distances_are_zero_to_itself_and_those_of_the_formula(network, photo, painting):
    layer = "block2_conv2"
    assert style.distances(network, photo, photo, photo, layer) == pytest.approx((0, 0), abs=1e-6)
    content, styled = style.distances(network, photo, painting, painting, layer)
    resized = images.resize(painting, photo.shape[:2])
    mine, theirs = (network.features(layer)(p[None])[layer].numpy() for p in (photo, resized))
    assert content == pytest.approx(((mine - theirs) ** 2).sum() / (theirs**2).sum(), rel=1e-3)
    mine, theirs = (gram_of(network, p, layer) for p in (photo, painting))
    assert styled == pytest.approx(((mine - theirs) ** 2).sum() / (theirs**2).sum(), rel=1e-3)


# --- colors -------------------------------------------------------------------------------------


def test_matched_colors_have_the_photos_histogram(photo, painting):
    matched = style.match_colors(painting, photo)
    images.validate(matched)
    assert matched.shape == painting.shape
    for level in (0.1, 0.5, 0.9):
        np.testing.assert_allclose(
            np.quantile(matched, level, (0, 1)), np.quantile(photo, level, (0, 1)), atol=0.05
        )


def test_kept_colors_have_the_brightness_of_one_and_the_hue_of_the_other(photo):
    gray = np.repeat(images.to_gray(photo)[..., None], 3, axis=2)
    np.testing.assert_allclose(style.keep_colors(gray, photo), photo, atol=2e-3)
    mild = 0.4 + 0.2 * photo
    darker = style.keep_colors(mild - 0.1, mild)
    np.testing.assert_allclose(darker, mild - 0.1, atol=1e-3)


# --- the transfer -------------------------------------------------------------------------------


@pytest.mark.parametrize("method", style.METHODS)
@pytest.mark.parametrize("start", style.STARTS)
def test_a_transfer_lowers_its_loss_and_repeats(network, photo, painting, method, start):
    first, again = (
        style.transfer(network, photo, painting, method=method, start=start, **QUICK)
        for _ in range(2)
    )
    images.validate(first.picture)
    assert first.finished and first.frames == ()
    assert first.losses.shape[1] == len(style.TERMS) == len(first.final)
    assert first.final.sum() < 0.95 * first.losses[0].sum()
    np.testing.assert_allclose(first.picture, again.picture, atol=1e-3)


def test_the_final_terms_are_those_of_the_picture(network, photo, painting):
    made = style.transfer(network, photo, painting, **QUICK)
    terms, _ = objective(network, photo, painting)(made.picture)
    np.testing.assert_allclose(made.final, terms, rtol=1e-3)


def test_adam_is_the_one_of_keras(network, photo, painting):
    measure, rate = objective(network, photo, painting), 0.04
    pixels, adam = tf.Variable(photo), keras.optimizers.Adam(rate)
    for _ in range(4):
        adam.apply([tf.constant(measure(pixels.numpy())[1])], [pixels])
        pixels.assign(tf.clip_by_value(pixels, 0, 1))
    schedule = ((48, 4),)
    made = style.transfer(network, photo, painting, schedule=schedule, rate=rate)
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


def test_each_weight_holds_its_part_down(network, layers, photo, painting):
    def left(**weights):
        made = style.transfer(network, photo, painting, schedule=((48, 20),), **weights)
        whole = {"content_weight": 1, "style_weight": 1, "variation_weight": 1}
        unit = objective(network, photo, painting, *whole.values())
        return unit(made.picture)[0]

    balanced = left()
    for place, name in enumerate(("content_weight", "style_weight", "variation_weight")):
        assert left(**{name: 20.0})[place] < balanced[place]
        assert left(**{name: 0.0})[place] > balanced[place]


def test_layers_can_be_named_in_three_ways(network, layers, photo, painting):
    first = layers.style[0]
    made = [
        style.transfer(network, photo, painting, style_layers=names, **QUICK).picture
        for names in (first, [first], {first: 1.0}, {first: 1.0, layers.style[1]: 0.0})
    ]
    for other in made[1:]:
        np.testing.assert_allclose(made[0], other, atol=1e-3)


def test_content_alone_and_style_alone(network, photo, painting):
    for nothing in ({"content_layers": ()}, {"style_layers": ()}):
        made = style.transfer(network, photo, painting, start="noise", **nothing, **QUICK)
        place = 0 if "content_layers" in nothing else 1
        assert made.final[place] == 0 and made.final.sum() < made.losses[0].sum()


def test_small_first_then_large(network, photo, painting):
    made = style.transfer(network, photo, painting, schedule=((48, 3), (72, 4)), frames=3)
    assert made.picture.shape == (48, 72, 3)
    assert len(made.losses) == 7
    assert [frame.shape for frame in made.frames] == [(48, 72, 3)] * 3


@pytest.mark.parametrize("colors", style.COLORS)
def test_colors(network, photo, painting, colors):
    made = style.transfer(network, photo, painting, colors=colors, schedule=((48, 15),))
    small = images.resize(photo, made.picture.shape[:2])
    gap = np.abs(made.picture.mean((0, 1)) - small.mean((0, 1))).max()
    if colors == "luminance":
        back = style.keep_colors(made.picture, small)
        assert np.abs(back - made.picture).mean() < 0.01  # but for what had to be clipped
    if colors == "histogram":
        plain = style.transfer(network, photo, painting, schedule=((48, 15),)).picture
        assert gap < np.abs(plain.mean((0, 1)) - small.mean((0, 1))).max()


@pytest.mark.parametrize("shape", [(32, 64), (64, 32), (40, 40)], ids=["wide", "tall", "square"])
def test_shapes_are_kept(network, painting, shape):
    made = style.transfer(network, images.sample("cat", size=shape), painting, schedule=((64, 1),))
    longest = max(shape)
    assert made.picture.shape == (*(round(64 * side / longest) for side in shape), 3)


def test_gray_and_transparent_pictures_and_paths_work(network, photo, painting, tmp_path):
    path = tmp_path / "photo.png"
    images.save(path, photo)
    transparent = np.concatenate([photo, np.full((*photo.shape[:2], 1), 0.5, np.float32)], axis=2)
    sources = (path, Image.open(path), images.to_gray(photo), transparent)
    for content, kind in itertools.product(sources, (painting, images.to_gray(painting))):
        made = style.transfer(network, content, kind, schedule=((48, 1),))
        images.validate(made.picture)


def test_a_picture_can_be_the_start(network, photo, painting):
    start = np.full((10, 10, 3), 0.25, np.float32)
    made = style.transfer(network, photo, painting, start=start, frames=1, **QUICK)
    np.testing.assert_allclose(made.frames[0], 0.25, atol=1e-6)


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


@pytest.mark.parametrize("stop", [1, 5])
@pytest.mark.parametrize("method", style.METHODS)
def test_interrupted_it_keeps_the_best_picture(network, photo, painting, monkeypatch, method, stop):
    interrupt(monkeypatch, stop)
    made = style.transfer(network, photo, painting, method=method, schedule=((48, 20), (72, 20)))
    assert not made.finished
    assert len(made.losses) == stop
    assert made.picture.shape == (48, 72, 3)
    assert made.final.sum() == made.losses.sum(axis=1).min()


@pytest.mark.parametrize("method", style.METHODS)
def test_interrupted_before_the_first_step_it_keeps_the_start(
    network, photo, painting, monkeypatch, method
):
    interrupt(monkeypatch, 0)
    made = style.transfer(network, photo, painting, method=method, **QUICK)
    assert not made.finished and made.losses.shape == (0, len(style.TERMS))
    np.testing.assert_allclose(made.picture, photo, atol=1e-6)


def test_progress_shows_the_picture_in_a_live_notebook_only(network, photo, painting, monkeypatch):
    import IPython.display

    shown = []

    class Handle:
        def update(self, image):
            shown.append(image)

    def display(image, display_id):
        shown.append(image)
        return Handle()

    monkeypatch.setattr(IPython.display, "display", display)
    for static, expected in (("1", 0), ("0", 6)):
        monkeypatch.setenv("COURSE_STATIC", static)
        monkeypatch.setattr(style, "_EACH", 0.0)
        style.transfer(network, photo, painting, progress=True, **QUICK)
        assert len(shown) == expected
    assert all(image.data.startswith(b"\x89PNG") for image in shown)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"method": "sgd"}, "method is 'sgd'; choose one of adam, lbfgs."),
        ({"colors": "red"}, "colors is 'red'; choose one of style, histogram, luminance."),
        ({"start": "black"}, "start is 'black'; choose one of content, noise, mix."),
        ({"schedule": ()}, "The schedule is empty"),
        ({"schedule": ((64, 0),)}, "The schedule has (64, 0); give pairs"),
        ({"schedule": ((64.5, 3),)}, "The schedule has (64.5, 3)"),
        ({"schedule": (64, 3)}, "The schedule has 64; give pairs"),
        ({"schedule": ((4096, 1),)}, "4096 pixels are too many"),
        ({"schedule": ((2048, 1),), "style_scale": 2.0}, "4096 pixels are too many"),
        ({"schedule": ((24, 1),)}, "The content picture would be 16 x 24 pixels; embedded needs"),
        ({"style_scale": 0.5}, "The style picture would be 24 x 24"),
        ({"style_scale": 0}, "style_scale is 0; give a number above 0."),
        ({"rate": -1}, "rate is -1; give a number above 0."),
        ({"rate": "fast"}, "rate is 'fast'; give a number above 0."),
        ({"frames": -1}, "frames is -1; give a whole number from 0."),
        ({"content_weight": -0.1}, "content_weight is -0.1; give a number from 0."),
        ({"style_weight": np.inf}, "style_weight is inf; give a number from 0."),
        ({"variation_weight": None}, "variation_weight is None; give a number from 0."),
        ({"style_layers": {"block1_conv1": -1}}, "The weight of block1_conv1 is -1"),
        ({"style_layers": (), "content_layers": ()}, "Name at least one layer"),
    ],
)
def test_each_wrong_setting_gets_its_sentence(network, photo, painting, changed, sentence):
    with pytest.raises((ValueError, CourseError)) as caught:
        style.transfer(network, photo, painting, **{"schedule": ((48, 1),)} | changed)
    message = str(caught.value)
    assert message.startswith(sentence) and "\n" not in message


def test_wrong_pictures_and_layers_get_their_sentence(network, photo, painting):
    with pytest.raises(CourseError):
        style.transfer(network, "missing.png", painting)
    with pytest.raises(CourseError, match="did you mean"):
        style.transfer(network, photo, painting, content_layers=["block4_conv9"])


# --- the explorer -------------------------------------------------------------------------------


DEFAULT = {
    "photo": "cat",
    "painting": "stained_glass",
    "path": "",
    "upload": (),
    "painting_path": "",
    "painting_upload": (),
    "weight": 0.0,
    "layers": 5,
    "strokes": 2.0,
    "steps": 16,
    "start": "content",
    "pooling": "average",
    "colors": "style",
}


def result(frame: Any) -> np.ndarray:
    return [*frame.pictures.values()][-1]


def test_each_control_of_the_explorer_changes_the_result():
    first = style_explorer.frame(**DEFAULT)
    np.testing.assert_allclose(result(first), result(style_explorer.frame(**DEFAULT)), atol=1e-3)
    for name, value in (
        ("photo", "flower"),
        ("painting", "ink_waves"),
        ("weight", 1.0),
        ("layers", 1),
        ("strokes", 1.0),
        ("steps", 24),
        ("start", "noise"),
        ("pooling", "max"),
        ("colors", "luminance"),
    ):
        frame = style_explorer.frame(**DEFAULT | {name: value})
        assert np.abs(result(frame) - result(first)).max() > 0.02, name
        assert frame.text != first.text, name
        for picture in frame.pictures.values():
            images.validate(picture)


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
        with pytest.raises(ValueError, match=f"write the path of the {what} into"):
            style_explorer.frame(**DEFAULT | {what: style_explorer.OWN})
        with pytest.raises(CourseError, match="does not exist"):
            style_explorer.frame(**DEFAULT | {what: style_explorer.OWN, field: "none.png"})


def test_the_explorer_shows_its_controls_and_disables_what_does_not_apply(monkeypatch):
    shown: list[tuple[Callable, dict[str, ipywidgets.Widget]]] = []
    monkeypatch.setattr(style_explorer, "explore", lambda *args: shown.append(args))
    style_explorer.show("china", "mosaic")
    frame, controls = shown[0]
    assert frame is style_explorer.frame and set(controls) == set(DEFAULT)
    assert (controls["photo"].value, controls["painting"].value) == ("china", "mosaic")
    for chosen, fields in (
        ("photo", ("path", "upload")),
        ("painting", ("painting_path", "painting_upload")),
    ):
        assert all(controls[name].disabled for name in fields)
        controls[chosen].value = style_explorer.OWN
        assert not any(controls[name].disabled for name in fields)
    for wrong in ({"photo": "moose"}, {"painting": "moose"}):
        with pytest.raises(ValueError, match="is 'moose'; choose one of"):
            style_explorer.show(**wrong)


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


# --- additions ----------------------------------------------------------------------------------


def test_distances_compare_with_the_style_at_its_scale(network, photo, painting):
    layer = "block2_conv2"
    large = images.resize(painting, (96, 96))  # twice the longer side of the photo
    _, styled = style.distances(network, photo, photo, painting, layer, style_scale=2.0)
    mine, theirs = (gram_of(network, p, layer) for p in (photo, large))
    assert styled == pytest.approx(((mine - theirs) ** 2).sum() / (theirs**2).sum(), rel=1e-3)


def test_layers_of_other_networks_are_those_that_are_said():
    other = networks.load("MobileNetV2", pretrained=False)
    found, stages, place = style.layers_of(other), features.stages(other), other.layers.index
    assert (found.content, found.style) == (stages[3], stages)
    assert place(stages[2]) < place(found.held_out) < place(stages[3])


def test_kept_colors_stay_in_the_picture(photo):
    images.validate(style.keep_colors(np.ones_like(photo), photo))
    images.validate(style.keep_colors(np.zeros_like(photo), photo))


def test_in_gray_the_style_gets_the_photos_brightness_and_contrast(photo, painting):
    gray, other = style._in_gray(0.6 + 0.2 * photo, 0.3 * painting)
    np.testing.assert_allclose(gray[..., 0], images.to_gray(0.6 + 0.2 * photo), atol=1e-6)
    assert (other.mean(), other.std()) == pytest.approx((gray.mean(), gray.std()), abs=1e-3)
    for picture, shape in ((gray, photo.shape), (other, painting.shape)):
        assert picture.shape == shape and np.ptp(picture, axis=2).max() == 0


def test_the_start_is_the_one_that_was_asked_for(network, photo, painting):
    def first(start, seed=0):
        settings = {"schedule": ((48, 1),), "frames": 1}
        return style.transfer(network, photo, painting, start=start, seed=seed, **settings).frames[
            0
        ]

    noise = first("noise")
    np.testing.assert_allclose(first("content"), photo, atol=1e-6)
    np.testing.assert_allclose(first("mix"), 0.5 * photo + 0.5 * noise, atol=1e-6)
    assert np.abs(first("noise", seed=1) - noise).mean() > 0.2


def test_frames_are_spread_over_the_steps(network, photo, painting):
    made = style.transfer(network, photo, painting, schedule=((48, 5),), frames=3)
    measure = objective(network, photo, painting)
    for frame, step in zip(made.frames, (0, 2, 4), strict=True):
        np.testing.assert_allclose(measure(frame)[0], made.losses[step], rtol=1e-3)


@pytest.mark.parametrize("method", style.METHODS)
def test_each_scale_has_a_best_picture_of_its_own(network, photo, painting, method):
    schedule = ((48, 12), (96, 1))
    made = style.transfer(network, photo, painting, schedule=schedule, method=method)
    large, larger = images.resize(photo, (64, 96)), images.resize(painting, (96, 96))
    terms, _ = objective(network, large, larger)(made.picture)
    np.testing.assert_allclose(made.final, terms, rtol=1e-3)


def test_a_bar_is_used_up_when_it_is_interrupted(network, photo, painting, monkeypatch):
    ended = []

    def track(items, text):
        yield from items
        ended.append(text)

    monkeypatch.setattr("course_utils.live.track", track)
    interrupt(monkeypatch, 0)
    style.transfer(network, photo, painting, progress=True, **QUICK)
    assert ended == ["style transfer"]


def test_the_live_picture_waits_between_two_updates(network, photo, painting, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda image, display_id: shown.append(image))
    monkeypatch.setenv("COURSE_STATIC", "0")
    monkeypatch.setattr(style, "_EACH", 1000.0)
    style.transfer(network, photo, painting, progress=True, **QUICK)
    assert len(shown) == 1


def test_the_weight_of_a_part_counts_with_weights_of_layers_too(network, layers, photo, painting):
    def first(**settings):
        made = style.transfer(
            network, photo, painting, schedule=((48, 1),), start="noise", **settings
        )
        return made.losses[0]

    name = layers.style[0]
    once, thrice = (first(style_layers={name: 1.5}, style_weight=w) for w in (1.0, 3.0))
    np.testing.assert_allclose(thrice, once * (1, 3, 1), rtol=1e-4)
    half = first(style_layers={name: 0.75})
    np.testing.assert_allclose(half, once * (1, 0.5, 1), rtol=1e-4)


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_a_method_takes_no_more_evaluations_than_asked_for(network, photo, painting, steps):
    for method in style.METHODS:
        made = style.transfer(
            network, photo, painting, method=method, schedule=((48, steps), (72, steps))
        )
        assert len(made.losses) == 2 * steps


def test_interrupted_while_the_first_targets_are_computed_it_keeps_the_start(
    network, photo, painting, monkeypatch
):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(style, "Objective", interrupted)
    made = style.transfer(network, photo, painting, **QUICK)
    assert not made.finished and len(made.losses) == 0
    np.testing.assert_allclose(made.picture, photo, atol=1e-6)


def test_the_largest_size_is_allowed():
    style._check(((style.MAX_SIDE, 1),), "adam", 0.1, "style", 0, 1.0)
    with pytest.raises(ValueError, match="2049 pixels are too many"):
        style._check(((style.MAX_SIDE + 1, 1),), "adam", 0.1, "style", 0, 1.0)


@pytest.mark.parametrize("method", style.METHODS)
def test_the_best_picture_is_kept_not_the_last(network, photo, painting, method):
    # So large steps miss; an interrupt leaves the last evaluation behind as well.
    made = style.transfer(network, photo, painting, rate=1.0, schedule=((48, 8),), method=method)
    sums = made.losses.sum(axis=1)
    assert made.final.sum() <= sums.min() * (1 + 1e-6)
    if method == "adam":
        assert sums[1:].min() > sums[0]  # no step was better: the start is returned
        np.testing.assert_allclose(made.picture, photo, atol=1e-6)


def test_a_scale_goes_on_from_the_one_before(network, photo, painting):
    small = style.transfer(network, photo, painting, schedule=((48, 12),)).picture
    made = style.transfer(network, photo, painting, schedule=((48, 12), (96, 1)), frames=13)
    np.testing.assert_allclose(made.frames[12], images.resize(small, (64, 96)), atol=2e-3)
    assert np.abs(small - photo).mean() > 0.02


def test_a_layer_without_maps_gets_its_sentence(network, photo, painting):
    for part in ("content_layers", "style_layers"):
        with pytest.raises(ValueError, match="predictions has no maps; name a layer before it"):
            style.transfer(network, photo, painting, **{part: "predictions"}, **QUICK)


def test_with_luminance_it_paints_in_gray(network, photo, painting):
    settings = {"schedule": ((48, 1),), "colors": "luminance", "frames": 1}
    made = style.transfer(network, photo, painting, **settings)
    gray, other = style._in_gray(photo, painting)
    np.testing.assert_allclose(made.frames[0], gray, atol=1e-6)
    np.testing.assert_allclose(made.losses[0], objective(network, gray, other)(gray)[0], rtol=1e-3)


def test_a_schedule_may_be_an_array_and_has_pairs_of_numbers():
    style._check(np.array([[48, 2]]), "adam", 0.1, "style", 0, 1.0)
    for pair in ((48, (1, 2)), (48,), 48, "48"):
        with pytest.raises(ValueError, match=r"give pairs \(pixels, steps\), from 1 on"):
            style._check((pair,), "adam", 0.1, "style", 0, 1.0)
