"""Networks of lesson 05 against their papers and Keras; fronts, tables, widgets."""

from __future__ import annotations

import ipywidgets
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_widgets import inside

from course_utils import architectures, images, networks
from course_utils.architectures import GOOGLENET, NETWORKS, compound, pareto
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


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("LeNet-5", 61_706),
        ("AlexNet", 60_965_224),
        ("AlexNet, 10 classes", 58_327_818),
        ("GoogLeNet", 6_998_552),
    ],
)
def test_parameters_of_networks_that_keras_has_not(name: str, parameters: int) -> None:
    assert totals(name)[0] == parameters


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("VGG-16", "VGG16"),
        ("VGG-19", "VGG19"),
        ("ResNet-50", "ResNet50"),
        ("Xception", "Xception"),
        ("EfficientNet-B0", "EfficientNetB0"),
    ],
)
def test_counts_equal_those_of_keras_applications(name: str, model: str) -> None:
    own_normalization = 7 if model.startswith("EfficientNet") else 0
    known = PUBLISHED[model]["parameters"] - own_normalization, PUBLISHED[model]["multiply_adds"]
    assert totals(name) == known


def test_vgg16_has_the_layers_of_keras() -> None:
    ours = outline_of(architectures.vgg, top=False)
    theirs = outline_of(
        keras.applications.VGG16, weights=None, include_top=False, input_shape=(224, 224, 3)
    )
    for one, two in zip(ours.layers[1:], theirs.layers[1:], strict=True):
        assert (one.name, one.output.shape, one.count_params()) == (
            two.name,
            two.output.shape,
            two.count_params(),
        )
    assert ours.count_params() == 14_714_688


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


def test_an_outline_passes_errors_on() -> None:
    with pytest.raises(ValueError, match="no VGG-11 here"):
        outline_of(architectures.vgg, 11)


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


def test_a_table_without_such_a_network() -> None:
    with pytest.raises(ValueError, match=r"no network 'VGG' here; choose LeNet-5, .*B0\."):
        architectures.layer_table("VGG")


def test_lenet_of_1998() -> None:
    links = architectures.LENET_CONNECTIONS
    assert [len(set(seen)) for seen in links] == [3] * 6 + [4] * 9 + [6]
    assert len({frozenset(seen) for seen in links}) == 16
    uses = np.bincount([below for seen in links for below in seen])
    assert list(uses) == [10] * 6  # each map below is seen by ten above


def test_variants_of_alexnet() -> None:
    rows = {row.name: row for row in architectures.layer_table("AlexNet")}
    whole = {row.name: row for row in architectures.layer_table("AlexNet, 10 classes")}
    split = ("conv2", "conv4", "conv5")
    assert rows["conv3"] == whole["conv3"]
    for name in split:
        assert rows[name].multiply_adds * 2 == whole[name].multiply_adds
    tracked = sum(row.parameters for row in whole.values() if row.kind == "BatchNormalization") // 2
    assert tracked == 2_752
    removed = sum(rows[n].parameters - 256 for n in ("conv2", "conv5")) + rows["conv4"].parameters
    assert 60_965_224 + removed - 384 == 62_378_344


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


def test_inception_3a() -> None:
    def naive(maps: object) -> object:
        return architectures.inception_naive(maps, 64, 128, 32)

    def reduced(maps: object) -> object:
        return architectures.inception(maps, *GOOGLENET["3a"])

    assert architectures.count(naive, (28, 28, 192)) == ((28, 28, 416), 387_296, 303_464_448)
    assert architectures.count(reduced, (28, 28, 192)) == ((28, 28, 256), 163_696, 128_049_152)


def test_googlenet_with_auxiliary_outputs() -> None:
    model = outline_of(architectures.googlenet, classes=7, auxiliary=True)
    assert set(model.output) == {"main", "auxiliary 4a", "auxiliary 4d"}
    assert all(output.shape == (None, 7) for output in model.output.values())


@pytest.mark.parametrize(("depth", "parameters"), [(20, 271_098), (56, 857_082)])
def test_plain_and_residual_have_the_same_parameters(depth: int, parameters: int) -> None:
    for residual in (True, False):
        model = outline_of(architectures.small_resnet, depth, residual)
        assert model.count_params() == parameters
        weighted = [layer for layer in model.layers if hasattr(layer, "kernel")]
        assert len(weighted) == depth


@pytest.mark.parametrize("depth", [2, 6, 15, 19])
def test_depth_of_a_small_resnet(depth: int) -> None:
    with pytest.raises(ValueError, match=rf"depth is {depth}; give 6n \+ 2"):
        architectures.small_resnet(depth)


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
    with pytest.raises(ValueError, match="shortcut is 'identity'; choose 'none', 'zeros'"):
        block("identity")


def test_bottleneck_is_identity_where_it_can() -> None:
    shape, parameters, _ = architectures.count(
        lambda maps: architectures.bottleneck(maps, 8), (5, 5, 32)
    )
    assert shape == (5, 5, 32)
    assert parameters == 32 * 8 + 9 * 8 * 8 + 8 * 32 + 4 * (8 + 8 + 32)


@pytest.mark.parametrize("depth", [18, 34, 50, 101, 152])
def test_depth_of_a_resnet_is_that_of_its_name(depth: int) -> None:
    stages, block = architectures.RESNETS[depth]
    assert 2 + sum(stages) * (3 if block is architectures.bottleneck else 2) == depth


def test_unknown_depths() -> None:
    with pytest.raises(ValueError, match=r"no ResNet-20 here; choose depth 18, 34, 50, 101, 152\."):
        architectures.resnet(20)
    with pytest.raises(ValueError, match="no VGG-11 here; choose depth 16 or 19"):
        architectures.vgg(11)


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
    model = keras.Model(maps, architectures.squeeze_excite(maps, 2))
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


@given(st.floats(1, 3000))
def test_rounded_channels(channels: float) -> None:
    near = architectures.rounded(channels)
    assert near % 8 == 0 and near >= 8
    assert near >= 0.9 * channels
    assert abs(near - channels) <= max(8, 0.1 * channels + 8)


def test_scaled_network_is_keras_b1() -> None:
    width, depth, size = architectures.EFFICIENTNETS["B1"]
    model = outline_of(architectures.efficientnet, width, depth, size)
    assert model.count_params() + 7 == PUBLISHED["EfficientNetB1"]["parameters"]
    assert model.input_shape == (None, 240, 240, 3)


# --- fronts and tables --------------------------------------------------------------------------

CHOICES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=25)


@given(CHOICES)
def test_front_by_definition(choices: list[tuple[int, int]]) -> None:
    costs, values = [c for c, _ in choices], [v for _, v in choices]
    for (cost, value), on in zip(choices, pareto(costs, values), strict=True):
        beaten = any(c <= cost and v >= value and (c, v) != (cost, value) for c, v in choices)
        assert on != beaten


@given(CHOICES.filter(len))
def test_front_rises_and_holds_the_best(choices: list[tuple[int, int]]) -> None:
    costs, values = np.array(choices, float).T
    front = pareto(costs, values)
    assert front[values == values.max()].any() and front[costs == costs.min()].any()
    order = np.lexsort((values[front], costs[front]))
    assert np.all(np.diff(values[front][order]) >= 0)


@pytest.mark.parametrize(
    ("costs", "values", "sentence"),
    [
        ([1, 2], [1], r"shapes \(2,\) and \(1,\); give two rows"),
        ([[1]], [[1]], "give two rows of the same length"),
        ([1, np.nan], [1, 2], "hold NaN; leave these choices out"),
    ],
)
def test_no_front(costs: list, values: list, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        pareto(costs, values)


def test_tables_have_numbers_where_numbers_are() -> None:
    errors = architectures.read_table("ilsvrc_errors")
    assert errors[0]["year"] == 2010 and errors[0]["top5_error_percent"] == 28.2
    assert errors[-1]["year"] is None and errors[-1]["entry"] == "human"
    assert PUBLISHED["VGG16"]["parameters"] == 138_357_544
    assert PUBLISHED["EfficientNetV2L"]["cpu_ms"] is None


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
    names = [
        line.split()[0]
        for line in architectures.text_table(ROWS, ["name"], "share", False).splitlines()
    ]
    assert names == ["name", "a", "e", "bcd"]  # what has no value comes last either way


@pytest.mark.parametrize(("columns", "by"), [(["size"], None), (["name"], "size")])
def test_text_table_without_such_a_column(columns: list[str], by: str | None) -> None:
    with pytest.raises(ValueError, match="no column 'size'; there are name, count, share, shape"):
        architectures.text_table(ROWS, columns, by)


def test_layer_text_adds_up() -> None:
    rows = [Row("one", "Dense", (5,), 30, 25), Row("two", "ReLU", (5,), 0, 0)]
    *_, last = architectures.layer_text(rows).splitlines()
    assert last.split() == ["total", "30", "25"]


# --- a photo through the layers -----------------------------------------------------------------


def test_feature_maps_of_all_stations() -> None:
    photo = images.sample("coffee", size=64)
    maps = architectures.feature_maps(photo)
    assert tuple(maps) == layer_gallery.STATIONS and len(maps) == 18
    assert maps["block1_conv1"].shape == (64, 64, 16) and maps["block5_pool"].shape == (2, 2, 128)
    assert all(values.min() >= 0 for values in maps.values())
    before, after = maps["block5_conv3"], maps["block5_pool"]
    assert np.array_equal(after, before.reshape(2, 2, 2, 2, 128).max(axis=(1, 3)))
    stranger = networks.load("embedded", pretrained=False)
    control = architectures.feature_maps(photo, stranger)
    assert not np.allclose(control["block1_conv1"], maps["block1_conv1"])
    again = architectures.feature_maps(photo, stranger)  # one graph, one network
    assert np.array_equal(control["block5_pool"], again["block5_pool"])


@pytest.mark.parametrize("shape", [(64, 64), (64, 64, 4), (31, 64, 3)])
def test_no_photo(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"The photo has the shape .*; give \(height, width, 3\)"):
        architectures.feature_maps(np.zeros(shape, np.float32))


def test_mosaic_shows_each_channel_in_its_tile() -> None:
    maps = np.zeros((4, 4, 5), np.float32)
    for channel in range(5):
        maps[..., channel] = channel / 4
    picture = architectures.mosaic(maps, side=60)
    assert picture.shape == (60, 60)
    tiles = [picture[20 * r + 5, 20 * c + 5] for r in range(2) for c in range(3)]
    assert np.allclose(tiles, [0, 0.25, 0.5, 0.75, 1, 0.35])  # the last tile is empty: gray
    assert not architectures.mosaic(np.zeros((3, 3, 1), np.float32), 60)[:59, :59].any()


def test_mosaic_needs_room() -> None:
    with pytest.raises(ValueError, match="side is 40; 64 channels need 64 or more"):
        architectures.mosaic(np.zeros((4, 4, 64), np.float32), 40)


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


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (("VGG", 1, "parameters", False), "no network 'VGG' here"),
        (("LeNet-5", 0, "parameters", False), "has no layer 0 here; choose 1 to 8"),
        (("LeNet-5", 6, "parameters", True), "has no layer 6 here; choose 1 to 5"),
        (("LeNet-5", 1, "weights", False), "measure is 'weights'; choose one of parameters"),
    ],
)
def test_explorer_says_what_is_impossible(values: tuple, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        architecture_explorer.frame(*values)


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


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"network": "x"}, "network is 'x'; choose one of LeNet-5"),
        ({"measure": "x"}, "measure is 'x'; choose one of parameters"),
    ],
)
def test_explorer_starts_with_known_names_only(arguments: dict, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        architecture_explorer.show(**arguments)


def test_gallery_shows_the_maps_of_the_network() -> None:
    shown = layer_gallery.frame("cat", 9, 5, False)
    maps = architectures.feature_maps(images.sample("cat", size=layer_gallery.SIDE))["block3_conv3"]
    assert "station 9 of 18: block3_conv3" in shown.text and "48 x 48 x 64" in shown.text
    assert f"zeros           {np.mean(maps == 0):.0%}" in shown.text
    assert list(shown.pictures) == ["photo: cat", "all maps of block3_conv3", "channel 5 alone"]


def test_gallery_sorts_by_strength() -> None:
    maps = architectures.feature_maps(images.sample("cat", size=layer_gallery.SIDE))["block5_pool"]
    strongest = int(maps.mean(axis=(0, 1)).argmax())
    shown = layer_gallery.frame("cat", 18, 0, True)
    assert f"channel {strongest} alone" in shown.pictures


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (("dog", 1, 0, False), "photo is 'dog'; choose one of coffee"),
        (("cat", 0, 0, False), "station is 0; choose 1 to 18"),
        (("cat", 1, 16, False), "block1_conv1 has no channel 16; choose 0 to 15"),
    ],
)
def test_gallery_says_what_is_impossible(values: tuple, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        layer_gallery.frame(*values)


def test_gallery_keeps_the_channel_inside_the_layer(live: list) -> None:
    layer_gallery.show("cat", 18)
    (box,) = live
    station, channel = inside(box, ipywidgets.IntSlider)
    text = inside(box, ipywidgets.HTML)[0]
    assert channel.max == 127
    channel.value = 127
    station.value = 1
    assert (channel.max, channel.value) == (15, 15) and "alert" not in text.value
    with pytest.raises(ValueError, match="station is 19"):
        layer_gallery.show("cat", 19)
