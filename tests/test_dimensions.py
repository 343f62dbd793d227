"""Sizes, costs and receptive fields against Keras, for layers that nobody chose."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils import dimensions, networks
from course_utils.convolution import correlate2d, padding_widths
from course_utils.dimensions import (
    CONVOLUTIONS,
    GLOBAL_POOLINGS,
    HAS_DILATION,
    HAS_FILTERS,
    HAS_GROUPS,
    HAS_KERNEL,
    KINDS,
    POOLINGS,
    Receptive,
    Settings,
    axes,
    describe,
    output_size,
    receptive_field,
    receptive_fields,
    settings_of,
    span,
    table,
    transposed_size,
)
from course_utils.quiet import keras, tf
from course_utils.widgets import dimension_calculator, sliding_kernel

PADDING = st.sampled_from(["valid", "same"])
SMALL = st.integers(1, 6)


def keras_layer(layer: Settings) -> keras.Layer:
    options: dict = {}
    if layer.kind in HAS_KERNEL:
        window = "pool_size" if layer.kind in POOLINGS else "kernel_size"
        options = {window: layer.kernel, "strides": layer.stride, "padding": layer.padding}
    if layer.kind in HAS_DILATION:
        options["dilation_rate"] = layer.dilation
    if layer.kind in HAS_FILTERS:
        options["units" if layer.kind == "Dense" else "filters"] = layer.filters
    if layer.kind in HAS_GROUPS:
        options["groups"] = layer.groups
    return getattr(keras.layers, layer.kind)(**options)


# --- sizes ----------------------------------------------------------------------------------------


@given(st.integers(1, 40), SMALL, SMALL, PADDING, st.integers(1, 3))
def test_output_size_counts_the_places_of_the_kernel(size, kernel, stride, padding, dilation):
    before, after = padding_widths(size, span(kernel, dilation), stride, padding)
    padded = before + size + after
    taps = [
        start + dilation * (kernel - 1)
        for start in range(0, padded, stride)
        if start + dilation * (kernel - 1) < padded
    ]
    if taps:
        assert output_size(size, kernel, stride, padding, dilation) == len(taps)
    else:
        with pytest.raises(ValueError, match="does not fit"):
            output_size(size, kernel, stride, padding, dilation)


@given(st.integers(1, 20), SMALL, SMALL, PADDING)
def test_transposed_size_is_undone_by_the_convolution(size, kernel, stride, padding):
    enlarged = transposed_size(size, kernel, stride, padding)
    assert output_size(enlarged, kernel, stride, padding) == size


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((5, 7), "A kernel of 7 spans 7 pixels and does not fit into 5;"),
        ((5, 3, 1, "valid", 3), "A kernel of 3 with dilation 3 spans 7 pixels"),
        ((0, 3), "size is 0; give a whole number from 1."),
        ((5, 3, 0), "stride is 0; give a whole number from 1."),
        ((5, 2.0), "kernel is 2.0; give a whole number from 1."),
        ((5, True), "kernel is True; give a whole number from 1."),
        ((5, 3, 1, "full"), "padding is 'full'; choose 'valid' or 'same'."),
        ((5, 3, 1, "valid", 0), "dilation is 0; give a whole number from 1."),
    ],
)
def test_output_size_says_what_is_wrong(arguments, sentence):
    with pytest.raises(ValueError) as error:
        output_size(*arguments)
    assert str(error.value).startswith(sentence)


def test_transposed_size_says_what_is_wrong():
    with pytest.raises(ValueError, match="padding is 'full'"):
        transposed_size(5, 3, 2, "full")
    with pytest.raises(ValueError, match="stride is -1"):
        transposed_size(5, 3, -1)


# --- whole layers ---------------------------------------------------------------------------------


@settings(max_examples=250)
@given(
    st.builds(
        Settings,
        kind=st.sampled_from(KINDS),
        filters=st.integers(1, 12),
        kernel=SMALL,
        stride=st.integers(1, 3),
        padding=PADDING,
        dilation=st.integers(1, 3),
        groups=st.sampled_from([1, 1, 1, 2, 3]),
    ),
    st.integers(1, 12),
    st.integers(1, 12),
)
def test_describe_agrees_with_keras(layer, size, channels):
    shape = (size,) * axes(layer.kind) + (channels,)
    try:
        built = keras_layer(layer)
        built.build((None, *shape))
        expected = built.compute_output_shape((None, *shape))[1:]
    except ValueError:
        with pytest.raises(ValueError):
            describe(layer, shape)
        return
    found = describe(layer, shape)
    assert found.shape == tuple(expected)
    assert found.parameters == built.count_params()


@given(st.integers(1, 14), st.integers(1, 3), st.integers(1, 3), PADDING)
@settings(max_examples=25)
def test_a_depthwise_layer_may_stride_and_dilate(size, stride, dilation, padding):
    """TensorFlow computes it, and computes it right: each output against its own sum."""
    layer = Settings("DepthwiseConv2D", 1, 3, stride, padding, dilation)
    try:
        found = describe(layer, (size, size, 1))
    except ValueError as error:
        assert "does not fit" in str(error)
        return
    picture, kernel = np.random.default_rng(size).normal(size=(size, size)), np.ones((3, 3))
    built = keras_layer(layer)
    built.build((None, size, size, 1))
    built.set_weights([kernel[..., None, None], np.zeros(1)])
    widths = padding_widths(size, span(3, dilation), stride, padding)
    dilated = np.kron(kernel, np.pad([[1]], (0, dilation - 1)))[: span(3, dilation)]
    expected = correlate2d(np.pad(picture, widths), dilated[:, : span(3, dilation)], stride)
    answers = np.array(built(picture[None, ..., None]))[0]
    assert answers.shape == found.shape
    np.testing.assert_allclose(answers[..., 0], expected, atol=1e-4)


@pytest.mark.parametrize("kind", ["Conv1D", "Conv2D", "Conv3D", "DepthwiseConv2D", "Dense"])
def test_multiply_adds_are_what_ones_add_up_to(kind):
    """With weights and input of ones, the outputs sum to the number of products."""
    layer = Settings(kind, filters=5, kernel=3, stride=2)
    shape = (9,) * axes(kind) + (4,)
    built = keras_layer(layer)
    built.build((None, *shape))
    built.set_weights([np.ones_like(built.get_weights()[0]), np.zeros_like(built.get_weights()[1])])
    total = np.array(built(np.ones((1, *shape), "float32"))).sum()
    assert describe(layer, shape).multiply_adds == round(float(total))


def test_multiply_adds_of_a_transposed_layer():
    layer = Settings("Conv2DTranspose", filters=5, kernel=3, stride=2)
    built = keras_layer(layer)
    built.build((None, 7, 7, 4))
    built.set_weights([np.ones_like(built.get_weights()[0]), np.zeros(5)])
    total = np.array(built(np.ones((1, 7, 7, 4), "float32"))).sum()
    assert describe(layer, (7, 7, 4)).multiply_adds == round(float(total))


def test_a_separable_layer_is_a_depthwise_and_a_pointwise_one():
    depthwise = describe(Settings("DepthwiseConv2D", kernel=3), (12, 12, 8))
    pointwise = describe(Settings("Conv2D", filters=16, kernel=1), depthwise.shape)
    separable = describe(Settings("SeparableConv2D", filters=16, kernel=3), (12, 12, 8))
    assert separable.shape == pointwise.shape
    assert separable.multiply_adds == depthwise.multiply_adds + pointwise.multiply_adds
    # Only the depthwise layer by itself has a bias for each of its channels.
    assert separable.parameters == depthwise.parameters - 8 + pointwise.parameters


@pytest.mark.parametrize(
    ("kind", "options", "field"),
    [
        ("Conv2D", {"kernel": 5}, 5),
        ("Conv2D", {"kernel": 3, "dilation": 4}, 9),
        ("MaxPooling2D", {"kernel": 3, "stride": 2}, 3),
        ("GlobalMaxPooling2D", {}, 20),
        ("Conv2DTranspose", {"kernel": 5, "stride": 2}, 3),
        ("Dense", {}, 7),
    ],
)
def test_receptive_field_of_one_layer(kind, options, field):
    shape = (7,) if kind == "Dense" else (20, 20, 3)
    assert describe(Settings(kind, **options), shape).receptive_field == field


@pytest.mark.parametrize(
    ("layer", "shape", "sentence"),
    [
        (Settings("Conv4D"), (9, 9, 9), "There is no layer 'Conv4D' here; choose Conv1D,"),
        (Settings("Conv2D"), (9, 9), "The input of Conv2D has 3 axes, channels last"),
        (Settings("Conv2D"), (9, 9, 0), "size is 0; give a whole number"),
        (Settings("Conv2D", filters=0), (9, 9, 3), "filters is 0; give a whole number"),
        (Settings("Conv2D", stride=2, dilation=2), (9, 9, 3), "Stride 2 together with dilation 2"),
        (Settings("Conv2DTranspose", stride=2, dilation=2), (9, 9, 3), "Stride 2 together with"),
        (Settings("Conv2D", filters=4, groups=2), (9, 9, 3), "3 input channels cannot be dealt"),
        (Settings("Conv2D", filters=4, groups=3), (9, 9, 3), "4 filters cannot be dealt"),
        (Settings("MaxPooling2D", kernel=10), (9, 9, 3), "A kernel of 10 spans 10 pixels"),
    ],
)
def test_describe_says_what_is_wrong(layer, shape, sentence):
    with pytest.raises(ValueError) as error:
        describe(layer, shape)
    assert str(error.value).startswith(sentence)


def test_formulas_end_in_the_numbers():
    found = describe(Settings("Conv2D", filters=4), (28, 28, 3))
    assert found.formulas["size"].endswith(f"= {found.shape[0]}")
    assert found.formulas["parameters"].endswith(f"= {found.parameters:,}")
    assert found.formulas["multiply-adds"].endswith(f"= {found.multiply_adds:,}")


@given(
    st.sampled_from(CONVOLUTIONS + POOLINGS),
    st.integers(5, 30),
    st.integers(1, 5),
    st.integers(1, 3),
    PADDING,
)
def test_size_formula_is_true(kind, size, kernel, stride, padding):
    layer = Settings(kind, filters=2, kernel=kernel, stride=stride, padding=padding)
    found = describe(layer, (size,) * axes(kind) + (2,))
    left, _, right = found.formulas["size"].partition(" = ")
    names = {"floor": np.floor, "ceil": np.ceil, "max": max}
    assert eval(left.replace("x", "*").replace("ma*", "max"), names) == int(right)


# --- receptive fields -----------------------------------------------------------------------------


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(1, 2)), max_size=4))
def test_receptive_field_is_what_an_output_depends_on(chain):
    """Kernels of ones, one output: the input numbers that it adds up, counted by hand."""
    seen = {0}
    for kernel, stride, dilation in reversed(chain):
        seen = {place * stride + tap * dilation for place in seen for tap in range(kernel)}
    assert receptive_field(chain).size == max(seen) - min(seen) + 1


def test_receptive_field_measured_by_a_gradient():
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((40, 40, 1)),
            layers.Conv2D(1, 3, kernel_initializer="ones"),
            layers.AveragePooling2D(2),
            layers.Conv2D(1, 3, dilation_rate=2, kernel_initializer="ones"),
        ]
    )
    picture = tf.zeros((1, 40, 40, 1))
    with tf.GradientTape() as tape:
        tape.watch(picture)
        one = model(picture)[0, 5, 5, 0]
    rows = np.flatnonzero(tape.gradient(one, picture).numpy()[0, ..., 0].any(axis=1))
    field = list(receptive_fields(model).values())[-1]
    assert rows[-1] - rows[0] + 1 == field.size == 12
    assert field == Receptive(12, 2)


def test_fields_of_the_embedded_network_are_those_of_vgg16():
    fields = receptive_fields(networks.load(pretrained=False).model)
    known = {"1_conv1": 3, "2_conv1": 10, "3_conv1": 24, "4_conv1": 60, "4_conv2": 76}
    known |= {"5_conv1": 132, "5_conv2": 164, "5_conv3": 196}
    assert {name: fields[f"block{name}"].size for name in known} == known


def test_a_network_with_branches_has_no_chain():
    picture = keras.Input((8, 8, 1))
    joined = keras.layers.Add(name="joined")([picture, picture])
    with pytest.raises(ValueError, match="joined joins several branches"):
        receptive_fields(keras.Model(picture, joined))


# --- networks -------------------------------------------------------------------------------------


def test_table_of_a_network_with_branches():
    layers = keras.layers
    picture = keras.Input((None, None, 3))
    maps = layers.Conv2D(4, 3, padding="same", name="conv")(picture)
    maps = layers.Add(name="add")(
        [maps, layers.DepthwiseConv2D(3, padding="same", name="dw")(maps)]
    )
    logits = layers.Dense(10, name="dense")(layers.GlobalAveragePooling2D(name="pool")(maps))
    model = keras.Model(picture, logits)
    rows = {row.name: row for row in table(model, (16, 12, 3))}
    assert [rows[name].shape for name in ("conv", "pool", "dense")] == [(16, 12, 4), (4,), (10,)]
    assert rows["conv"].multiply_adds == 16 * 12 * 27 * 4
    assert rows["dw"].multiply_adds == 16 * 12 * 9 * 4
    assert (rows["add"].multiply_adds, rows["dense"].multiply_adds) == (0, 40)
    assert sum(row.parameters for row in rows.values()) == model.count_params()


def test_a_dense_layer_at_every_place_costs_places_times_weights():
    model = keras.Sequential([keras.Input((5, 6, 3)), keras.layers.Dense(4)])
    assert table(model, (5, 6, 3))[0].multiply_adds == 5 * 6 * 3 * 4


@given(st.sampled_from(KINDS), st.integers(1, 5), st.integers(1, 3), PADDING)
@settings(max_examples=30)
def test_settings_of_a_layer_are_what_it_was_built_with(kind, kernel, stride, padding):
    layer = Settings(kind)
    if kind in HAS_KERNEL:
        layer = Settings(kind, kernel=kernel, stride=stride, padding=padding)
    found = settings_of(keras_layer(layer))
    assert (found.kind, found.filters) == (kind, 1)
    if kind in HAS_KERNEL:
        assert (found.kernel, found.stride, found.padding) == (kernel, stride, padding)


def test_settings_that_differ_between_axes_are_refused():
    with pytest.raises(ValueError, match=r"thin has kernel \(1, 3\)"):
        settings_of(keras.layers.Conv2D(1, (1, 3), name="thin"))
    with pytest.raises(ValueError, match="bend is a ReLU"):
        settings_of(keras.layers.ReLU(name="bend"))


@pytest.mark.parametrize("kind", ["DepthwiseConv2D", "SeparableConv2D"])
def test_several_slices_a_channel_are_refused(kind):
    options = {"filters": 4} if kind == "SeparableConv2D" else {}
    layer = getattr(keras.layers, kind)(
        kernel_size=3, depth_multiplier=2, name="several", **options
    )
    with pytest.raises(ValueError, match="several has depth_multiplier 2"):
        settings_of(layer)


# --- the calculator -------------------------------------------------------------------------------


def calculator(**changes):
    values = dict(kind="Conv2D", size=28, channels=3, filters=4, kernel=3, stride=1)
    values |= dict(padding="valid", dilation=1, groups=1, batch=32)
    return dimension_calculator.frame(**(values | changes))


def test_calculator_shows_all_numbers():
    text = calculator().text
    for part in (
        "keras.layers.Conv2D(4, 3)",
        "(32, 28, 28, 3)",
        "(32, 26, 26, 4)",
        "(3 x 3 x 3 + 1) x 4 = 112",
        "86,528 numbers x 4 bytes = 338.0 KiB",
    ):
        assert part in text


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "Dense"])
def test_calculator_knows_every_layer_and_writes_it_as_keras_does(kind):
    shown = calculator(kind=kind, channels=4, stride=2, padding="same", groups=2)
    assert "impossible" not in shown.text and len(shown.pictures) == 1
    code = shown.text.splitlines()[0]
    layer = eval(code, {"keras": keras})
    shape = (28,) * axes(kind) + (4,)
    output = layer.compute_output_shape((32, *shape))
    assert f"output          ({', '.join(map(str, output))})" in shown.text
    assert (kind in GLOBAL_POOLINGS) == ("every map" in shown.text)


def test_calculator_keeps_the_settings_where_they_are_impossible():
    shown = calculator(kernel=11, size=5)
    assert "keras.layers.Conv2D(4, 11)" in shown.text and not shown.pictures
    assert "does not fit into 5" in shown.text


def test_calculator_lets_depthwise_layers_stride_and_dilate():
    settings = dict(stride=2, dilation=2, padding="same")
    assert "(32, 14, 14, 3)" in calculator(kind="DepthwiseConv2D", **settings).text
    assert "in a Conv2D Keras computes one or the other" in calculator(**settings).text


def test_calculator_disables_what_a_layer_does_not_have(monkeypatch):
    kept = {}
    monkeypatch.setattr(
        dimension_calculator, "explore", lambda frame, controls, **_: kept.update(controls)
    )
    dimension_calculator.show()
    assert not any(control.disabled for control in kept.values())
    kept["kind"].value = "MaxPooling2D"
    disabled = {name for name, control in kept.items() if control.disabled}
    assert disabled == {"filters", "dilation", "groups"}
    kept["kind"].value = "GlobalAveragePooling2D"
    assert {"kernel", "stride", "padding"} <= {n for n, c in kept.items() if c.disabled}
    with pytest.raises(ValueError, match="kind is 'Conv9D'"):
        dimension_calculator.show("Conv9D")


# --- the sliding kernel ---------------------------------------------------------------------------


@given(st.integers(3, 9), st.integers(1, 3), PADDING, st.integers(1, 3), st.integers(0, 80))
@settings(max_examples=40)
def test_sliding_kernel_sums_what_correlate2d_does(size, kernel, padding, stride, place):
    shown = sliding_kernel.frame(size, kernel, padding, stride, 1, place)
    image, weights = sliding_kernel._numbers(size, kernel)
    right = correlate2d(image, weights, stride, padding)
    row, column = divmod(min(place, right.size - 1), right.shape[1])
    assert shown.text.splitlines()[-1] == f"  = {right[row, column]}"
    products = " ".join(shown.text.splitlines()[4:-1])
    assert eval(products.replace("x", "*")) == right[row, column]
    assert [*shown.pictures][-1] == f"output {len(right)} x {len(right)}"


def test_sliding_kernel_with_dilation():
    shown = sliding_kernel.frame(9, 3, "valid", 1, 3, 0)
    image, weights = sliding_kernel._numbers(9, 3)
    assert shown.text.splitlines()[-1] == f"  = {(image[:7:3, :7:3] * weights).sum()}"


def test_sliding_kernel_says_what_is_impossible():
    with pytest.raises(ValueError, match="does not fit"):
        sliding_kernel.frame(2, 3, "valid", 1, 1, 0)
    with pytest.raises(ValueError, match="Stride 2 together with dilation 2"):
        sliding_kernel.frame(9, 3, "valid", 2, 2, 0)


def test_sliding_kernel_ends_its_slider_at_the_last_output(monkeypatch):
    kept = {}
    monkeypatch.setattr(
        sliding_kernel, "explore", lambda frame, controls, *_, **__: kept.update(controls)
    )
    sliding_kernel.show(size=6, kernel=3, padding="same", stride=2)
    assert kept["place"].max == 8
    kept["stride"].value = 1
    assert kept["place"].max == 35
    kept["padding"].value = "valid"
    assert kept["place"].max == 15
    kept["dilation"].value = 3  # does not fit: the frame says so
    assert kept["place"].max == 15


def test_module_names_all_kinds_once():
    assert len(set(dimensions.KINDS)) == len(dimensions.KINDS)
