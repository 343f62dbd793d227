"""Networks of lesson 05 against their papers and Keras; fronts, tables, widgets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import ipywidgets
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_widgets import inside

from course_utils import architectures, features, images
from course_utils.architectures import NETWORKS, compound, pareto
from course_utils.architectures.deep import rounded, squeeze_excite
from course_utils.ask import CourseError
from course_utils.dimensions import Row
from course_utils.dimensions import outline as outline_of
from course_utils.quiet import keras
from course_utils.widgets import architecture_explorer, layer_gallery
from course_utils.widgets.architecture_explorer import MEASURES

PUBLISHED = {row["model"]: row for row in architectures.read_table("keras_applications")}


def totals(name: str) -> tuple[int, int]:
    rows = architectures.layer_table(name)
    return sum(row.parameters for row in rows), sum(row.multiply_adds for row in rows)


# --- totals -------------------------------------------------------------------------------------


def published(model: str) -> tuple[int, int]:
    return PUBLISHED[model]["parameters"], PUBLISHED[model]["multiply_adds"]


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("LeNet-5", (61_706, 416_520)),
        ("AlexNet", (60_965_224, 724_406_816)),
        ("AlexNet, 10 classes", (58_327_818, 1_131_201_056)),
        ("GoogLeNet", (6_998_552, 1_582_671_872)),
        ("VGG-16", published("VGG16")),
        ("VGG-19", published("VGG19")),
        ("ResNet-50", published("ResNet50")),
        ("Xception", published("Xception")),
        ("EfficientNet-B0", (published("EfficientNetB0")[0] - 7, published("EfficientNetB0")[1])),
    ],
)
def test_totals_of_papers_and_of_keras_applications(name: str, known: tuple[int, int]) -> None:
    assert totals(name) == known  # Keras' EfficientNet has its own normalization, 7 parameters


def layers_of(model: keras.Model) -> list[tuple]:
    return [(layer.name, layer.output.shape, layer.count_params()) for layer in model.layers[1:]]


def test_vgg16_has_the_layers_of_keras() -> None:
    *theirs, last = layers_of(outline_of(keras.applications.VGG16, weights=None))
    assert layers_of(outline_of(architectures.vgg)) == [*theirs, ("logits", *last[1:])]


def settings_of(model: keras.Model) -> tuple[Counter, list[float]]:
    """How often each activation is there, and the rates of dropout."""
    named = [layer.activation.__name__ for layer in model.layers if hasattr(layer, "activation")]
    rates = [layer.rate for layer in model.layers if type(layer) is keras.layers.Dropout]
    return Counter(name for name in named if name not in ("linear", "softmax")), rates


@pytest.mark.parametrize("name", ["VGG16", "ResNet50", "Xception", "EfficientNetB0"])
def test_activations_are_those_of_keras(name: str) -> None:
    ours = dict(VGG16="VGG-16", ResNet50="ResNet-50", EfficientNetB0="EfficientNet-B0")
    theirs = outline_of(getattr(keras.applications, name), weights=None)
    counted, rates = settings_of(outline_of(NETWORKS[ours.get(name, name)]))
    assert (counted, rates[-1:]) == (settings_of(theirs)[0], settings_of(theirs)[1][-1:])


def test_activations_of_networks_that_keras_has_not() -> None:
    assert settings_of(outline_of(architectures.lenet5)) == ({"tanh": 4}, [])
    assert settings_of(outline_of(architectures.alexnet)) == ({"relu": 7}, [0.5, 0.5])
    assert settings_of(outline_of(architectures.googlenet)) == ({"relu": 57}, [0.4])
    with_others = outline_of(architectures.googlenet, auxiliary=True)
    assert sorted(settings_of(with_others)[1]) == [0.4, 0.7, 0.7]


def test_a_table_is_built_once() -> None:
    assert architectures.layer_table("LeNet-5") is architectures.layer_table("LeNet-5")


def test_an_outline_has_the_shapes_of_the_network_and_no_values() -> None:
    outline = outline_of(architectures.lenet5)
    network = architectures.lenet5()
    assert [w.shape for w in outline.weights] == [w.shape for w in network.weights]
    assert outline.count_params() == 61_706 and outline.output_shape == (None, 10)
    assert all(weight._value is None for weight in outline.weights)
    # Keras fills in what waits for values at its next chance; an outline must not wait.
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    with keras.StatelessScope():
        pass
    assert all(weight._value is None for weight in outline.weights)


def test_a_layer_that_was_counted_can_still_be_used() -> None:
    layer = keras.layers.Conv2D(3, 1)
    assert architectures.count(layer, (4, 4, 2)) == ((4, 4, 3), 9, 96)
    assert layer(np.ones((1, 4, 4, 2), np.float32)).shape == (1, 4, 4, 3)
    layer.kernel.assign(np.ones((1, 1, 2, 3)))


def test_names_in_tables_do_not_depend_on_the_session() -> None:
    keras.layers.Conv2D(1, 1)  # counts up Keras' own names
    names = [row.name for row in architectures.layer_table("GoogLeNet")]
    assert names[0] == "conv2d_1" and "dropout" in names and "pool3" in names
    assert len(set(names)) == len(names)
    assert [n for n in names if n.startswith("conv2d")] == [f"conv2d_{n}" for n in range(1, 58)]


def test_lenet_of_1998() -> None:
    seen = "012 123 234 345 450 501 0123 1234 2345 3450 4501 5012 0134 1245 2350 012345"
    links = [set(map(str, links)) for links in architectures.LENET_CONNECTIONS]
    assert links == list(map(set, seen.split()))  # table I of the paper


def test_variants_of_alexnet() -> None:
    rows = {row.name: row for row in architectures.layer_table("AlexNet")}
    whole = {row.name: row for row in architectures.layer_table("AlexNet, 10 classes")}
    assert rows["conv3"] == whole["conv3"]
    for name in ("conv2", "conv4", "conv5"):
        assert rows[name].multiply_adds * 2 == whole[name].multiply_adds
    in_one_piece = outline_of(architectures.alexnet, 1000, batch_norm=False)
    assert in_one_piece.count_params() == 62_378_344


# --- blocks -------------------------------------------------------------------------------------

FEW = st.integers(1, 40)


@settings(max_examples=10)
@given(st.tuples(FEW, FEW, FEW, FEW, FEW, FEW), FEW)
def test_inception_by_formula(filters: tuple[int, ...], channels: int) -> None:
    ones, reduce3, threes, reduce5, fives, pool = filters
    shape, parameters, work = architectures.count(
        lambda maps: architectures.inception(maps, *filters), (6, 5, channels)
    )
    per_place = (
        channels * (ones + reduce3 + reduce5 + pool) + 9 * reduce3 * threes + 25 * reduce5 * fives
    )
    assert shape == (6, 5, ones + threes + fives + pool)
    assert (parameters, work) == (per_place + sum(filters), 30 * per_place)


def test_googlenet_with_auxiliary_outputs() -> None:
    model = outline_of(architectures.googlenet, classes=7, auxiliary=True)
    assert set(model.output) == {"main", "auxiliary 4a", "auxiliary 4d"}
    assert all(output.shape == (None, 7) for output in model.output.values())
    # 4a has 512 maps and 4d 528, of 14 x 14, which are pooled to 4 x 4 and brought to 128.
    others = 2 * (16 * 128 * 1024 + 1024 + 1024 * 7 + 7) + (512 + 528) * 128 + 2 * 128
    plain = outline_of(architectures.googlenet, classes=7)
    assert model.count_params() - plain.count_params() == others


@pytest.mark.parametrize(("depth", "parameters"), [(20, 271_098), (56, 857_082)])
def test_plain_and_residual_have_the_same_parameters(depth: int, parameters: int) -> None:
    for residual in (True, False):
        model = outline_of(architectures.small_resnet, depth, residual)
        assert model.count_params() == parameters
        weighted = [layer for layer in model.layers if hasattr(layer, "kernel")]
        assert len(weighted) == depth and model.layers[-2].input.shape == (None, 8, 8, 64)


@pytest.mark.parametrize(("stride", "filters"), [(1, 4), (2, 6), (1, 6)])
def test_a_block_that_adds_nothing_is_its_shortcut(stride: int, filters: int) -> None:
    maps = keras.Input((6, 6, 4))
    block = architectures.building_block(maps, filters, stride, "zeros")
    model = keras.Model(maps, block)
    *_, last = [layer for layer in model.layers if type(layer).__name__ == "BatchNormalization"]
    last.gamma.assign(np.zeros(filters))
    picture = np.random.default_rng(0).normal(size=(1, 6, 6, 4)).astype("float32")
    output = np.array(model(picture))
    assert np.allclose(output[..., :4], np.maximum(picture[:, ::stride, ::stride], 0), atol=1e-6)
    assert not output[..., 4:].any()


def test_kinds_of_shortcuts() -> None:
    def block(shortcut: str) -> tuple[tuple[int, ...], int, int]:
        return architectures.count(
            lambda maps: architectures.building_block(maps, 8, 2, shortcut), (6, 6, 4)
        )

    none, zeros, projection = map(block, ("none", "zeros", "projection"))
    assert none == zeros
    assert projection[1] - none[1] == 4 * 8 + 4 * 8  # a 1x1 without bias, and its normalization


def test_a_convolution_with_its_normalization() -> None:
    maps = keras.Input((5, 5, 2))
    _, conv, norm, last = keras.Model(maps, architectures.conv_norm(maps, 3, 3)).layers
    assert isinstance(conv.kernel_initializer, keras.initializers.HeNormal) and not conv.use_bias
    assert norm.momentum == 0.9 and last.activation is keras.activations.relu
    assert keras.Model(maps, architectures.conv_norm(maps, 3, 1, activation=None)).layers[3:] == []


def test_bottleneck_is_identity_where_it_can() -> None:
    shape, parameters, _ = architectures.count(
        lambda maps: architectures.bottleneck(maps, 8), (5, 5, 32)
    )
    assert shape == (5, 5, 32)
    assert parameters == 32 * 8 + 9 * 8 * 8 + 8 * 32 + 4 * (8 + 8 + 32)


@pytest.mark.parametrize("depth", architectures.RESNETS)
def test_depth_of_a_resnet_is_that_of_its_name(depth: int) -> None:
    model = outline_of(architectures.resnet, np.int64(depth))
    main = [layer for layer in model.layers if hasattr(layer, "kernel")]
    shortcuts = 3 if depth < 50 else 4  # 1 x 1, where the shape changes
    assert len(main) - shortcuts == depth


@settings(max_examples=8)
@given(st.integers(4, 24), st.sampled_from([3, 5]), st.sampled_from([1, 2]), st.integers(1, 6))
def test_mbconv_by_formula(channels: int, kernel: int, stride: int, expand: int) -> None:
    shape, parameters, _ = architectures.count(
        lambda maps: architectures.mbconv(maps, channels, kernel, stride, expand), (8, 8, channels)
    )
    wide, units = expand * channels, max(1, channels // 4)
    up = (channels * wide + 4 * wide) if expand > 1 else 0
    around, squeeze = kernel**2 * wide + 4 * wide, wide * units + units + units * wide + wide
    assert shape == (8 // stride, 8 // stride, channels)
    assert parameters == up + around + squeeze + wide * channels + 4 * channels


def test_squeeze_and_excitation_weighs_channels() -> None:
    maps = keras.Input((4, 4, 3))
    model = keras.Model(maps, squeeze_excite(maps, 2))
    picture = np.random.default_rng(0).uniform(1, 2, (1, 4, 4, 3)).astype("float32")
    weights = np.array(model(picture)) / picture
    assert np.all((weights > 0) & (weights < 1))
    assert np.ptp(weights, axis=(1, 2)).max() < 1e-6  # one weight a channel, the same everywhere


# --- scaling ------------------------------------------------------------------------------------


def test_compound_scaling_of_the_paper() -> None:
    assert compound(1)[:3] == (1.2, 1.1, 1.15)
    assert round(compound(1).cost, 2) == 1.92
    assert compound(0) == (1, 1, 1, 1)


@given(st.floats(0, 7), st.floats(1, 1.5), st.floats(1, 1.5), st.floats(1, 1.5))
def test_costs_multiply(phi: float, alpha: float, beta: float, gamma: float) -> None:
    once = compound(1, alpha, beta, gamma).cost
    assert compound(phi, alpha, beta, gamma).cost == pytest.approx(once**phi)
    assert once == pytest.approx(alpha * beta**2 * gamma**2)


@example(9.5)  # 8 would be too little
@given(st.floats(1, 3000))
def test_rounded_channels(channels: float) -> None:
    near = rounded(channels)
    assert near % 8 == 0 and near >= 8
    assert near >= 0.9 * channels
    assert abs(near - channels) <= max(8, 0.1 * channels + 8)


def test_scaled_network_is_keras_b2() -> None:
    width, depth, size = architectures.EFFICIENTNETS["B2"]
    model = outline_of(architectures.efficientnet, width, depth, size)
    assert model.count_params() + 7 == PUBLISHED["EfficientNetB2"]["parameters"]
    assert model.input_shape == (None, 260, 260, 3)


# --- fronts and tables --------------------------------------------------------------------------

CHOICES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=25)


@given(CHOICES)
def test_front_by_definition(choices: list[tuple[int, int]]) -> None:
    costs, values = [c for c, _ in choices], [v for _, v in choices]
    for (cost, value), on in zip(choices, pareto(costs, values), strict=True):
        beaten = any(c <= cost and v >= value and (c, v) != (cost, value) for c, v in choices)
        assert on != beaten


def test_tables_have_numbers_where_numbers_are() -> None:
    errors = architectures.read_table("ilsvrc_errors")
    assert errors[0]["year"] == 2010 and errors[0]["top5_error_percent"] == 28.2
    assert errors[-1]["year"] is None and errors[-1]["entry"] == "human"
    assert PUBLISHED["VGG16"]["parameters"] == 138_357_544
    assert PUBLISHED["EfficientNetV2L"]["cpu_ms"] is None
    columns = {"top1_percent": float, "cpu_ms": float, "size_mb": int, "depth": int, "model": str}
    for name, kind in columns.items():
        assert {type(row[name]) for row in PUBLISHED.values()} - {type(None)} == {kind}


ROWS = [
    {"name": "a", "count": 1_000, "share": 0.5, "shape": (2, 3)},
    {"name": "bcd", "count": 20, "share": None, "shape": ()},
    {"name": "e", "count": 300, "share": 0.75, "shape": (4,)},
]


def test_text_table_is_in_line_and_sorted() -> None:
    text = architectures.text_table(ROWS, ["name", "count", "shape"], by="count")
    assert text.splitlines() == [
        "name  count  shape",
        "a     1,000  2 x 3",
        "e       300      4",
        "bcd      20",
    ]
    by_share = architectures.text_table(ROWS, ["name"], by="share")
    assert by_share.split() == ["name", "e", "a", "bcd"]  # what has no value comes last


def test_layer_text_adds_up() -> None:
    rows = [Row("one", "Dense", (5, 2), 30, 25), Row("two", "Dense", (4,), 1_000, 8)]
    head, first, _, last = map(str.split, architectures.layer_text(rows).splitlines())
    assert head == ["layer", "output", "parameters", "multiply-adds"]
    assert first == ["one", "5", "x", "2", "30", "25"] and last == ["total", "1,030", "33"]


# --- widgets ------------------------------------------------------------------------------------


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> list:
    shown: list = []
    monkeypatch.delenv("COURSE_STATIC", raising=False)
    monkeypatch.setattr("IPython.display.display", shown.append)
    return shown


def test_explorer_tells_what_the_table_holds() -> None:
    shown = architecture_explorer.frame("AlexNet, 10 classes", 15, "parameters", False)
    assert "58,327,818 parameters" in shown.text
    assert "layer 15 of 19: fc6 (Dense)" in shown.text
    assert "37,752,832   64.7% of all" in shown.text and "most parameters: fc6" in shown.text
    (title,) = shown.pictures
    assert title == "parameters of each layer of AlexNet, 10 classes, layer 15 marked"
    fewer = architecture_explorer.frame("AlexNet, 10 classes", 13, "parameters", True)
    assert "layer 13 of 13: logits" in fewer.text


@pytest.mark.parametrize("network", NETWORKS)
def test_explorer_shows_every_layer_and_measure(network: str) -> None:
    count = len(architectures.layer_table(network))
    pictures = [
        next(iter(architecture_explorer.frame(network, layer, measure, False).pictures.values()))
        for layer in (1, count)
        for measure in MEASURES
    ]
    for place, one in enumerate(pictures):
        assert not any(np.array_equal(one, other) for other in pictures[:place])


@pytest.mark.parametrize("layer", [1, 3, 8])
def test_explorer_marks_the_layer_in_its_place(layer: int) -> None:
    (picture,) = architecture_explorer.frame(
        "LeNet-5", layer, "parameters", False
    ).pictures.values()
    red, _, blue = np.moveaxis(picture, -1, 0)
    columns = np.nonzero((red > 0.6) & (blue < 0.2))[1] / picture.shape[1]
    # The axis takes the width from .12 to .98, and goes from .2 to .8 behind the eighth layer.
    assert abs(columns.mean() - (0.12 + 0.86 * (layer - 0.2) / 8.6)) < 0.01


def test_explorer_keeps_the_layer_inside_the_network(live: list) -> None:
    architecture_explorer.show("VGG-16")
    (box,) = live
    (layer,), (only,) = inside(box, ipywidgets.IntSlider), inside(box, ipywidgets.Checkbox)
    network, _ = inside(box, ipywidgets.Dropdown)
    text = inside(box, ipywidgets.HTML)[0]
    layer.value = 22
    only.value = True
    assert (layer.max, layer.value) == (16, 16) and "layer 16 of 16: logits" in text.value
    network.value = "LeNet-5"
    assert (layer.max, layer.value) == (5, 5) and "alert" not in text.value
    only.value = False
    assert layer.max == 8 and "layer 5 of 8" in text.value


def test_gallery_shows_the_maps_of_the_network() -> None:
    shown = layer_gallery.frame("cat", 9, 5, False)
    maps = features.feature_maps(images.sample("cat", size=layer_gallery.SIDE))["block3_conv3"]
    assert "station 9 of 18: block3_conv3" in shown.text and "48 x 48 x 64" in shown.text
    assert f"zeros           {np.mean(maps == 0):.0%}" in shown.text
    silent, one = np.sum(~maps.any(axis=(0, 1))), maps[..., 5]
    assert f"silent          {silent} of 64 channels" in shown.text
    assert f"mean, largest {one.mean():.2f}, {one.max():.2f} (of the layer: {maps.max():.2f})" in (
        shown.text
    )
    assert list(shown.pictures) == ["photo: cat", "all maps of block3_conv3", "channel 5 alone"]


def test_gallery_sorts_by_strength() -> None:
    maps = features.feature_maps(images.sample("cat", size=layer_gallery.SIDE))["block5_pool"]
    strongest = int(maps.mean(axis=(0, 1)).argmax())
    shown = layer_gallery.frame("cat", 18, 0, True)
    assert f"channel {strongest} alone" in shown.pictures


def test_gallery_keeps_the_channel_inside_the_layer(live: list) -> None:
    layer_gallery.show("cat", 18)
    (box,) = live
    station, channel = inside(box, ipywidgets.IntSlider)
    text = inside(box, ipywidgets.HTML)[0]
    assert channel.max == 127
    channel.value = 127
    station.value = 1
    assert (channel.max, channel.value) == (15, 15) and "alert" not in text.value


# --- what is refused ----------------------------------------------------------------------------


def block_with(shortcut: str) -> None:
    architectures.building_block(keras.Input((6, 6, 4)), 8, shortcut=shortcut)


explorer, gallery = architecture_explorer, layer_gallery
REFUSED = [
    *((architectures.small_resnet, (depth,), str(depth)) for depth in (2, 6, 15, 19)),
    (architectures.resnet, (20,), "20"),
    (architectures.vgg, (11,), "11"),
    (outline_of, (architectures.vgg, 11), "11"),
    (block_with, ("identity",), "'identity'"),
    (architectures.layer_table, ("VGG",), "'VGG'"),
    (pareto, ([1, 2], [1]), r"\(2,\) and \(1,\)"),
    (pareto, ([[1]], [[1]]), r"\(1, 1\)"),
    (pareto, ([1, np.nan], [1, 2]), "NaN"),
    (pareto, ([1, 2], [1, np.nan]), "NaN"),
    (architectures.text_table, (ROWS, ["size"]), "'size'"),
    (architectures.text_table, (ROWS, ["name"], "size"), "'size'"),
    (explorer.frame, ("VGG", 1, "parameters", False), "'VGG'"),
    (explorer.frame, ("LeNet-5", 0, "parameters", False), "is 0; .* 8"),
    (explorer.frame, ("LeNet-5", 6, "parameters", True), "is 6; .* 5"),
    (explorer.frame, ("LeNet-5", 1, "weights", False), "'weights'"),
    (explorer.show, ("x",), "'x'"),
    (explorer.show, ("VGG-16", "x"), "'x'"),
    (gallery.frame, ("dog", 1, 0, False), "'dog'"),
    (gallery.frame, ("cat", 0, 0, False), "is 0; .* 18"),
    (gallery.frame, ("cat", 1, 16, False), "is 16; .* 15"),
    (gallery.frame, ("cat", 1, -1, False), "is -1; .* 0 to 15"),
    (gallery.show, ("cat", 19), "is 19; .* 18"),
]


@pytest.mark.parametrize(("function", "arguments", "said"), REFUSED)
def test_what_is_refused(function: Callable, arguments: tuple, said: str) -> None:
    with pytest.raises(CourseError, match=said):
        function(*arguments)
