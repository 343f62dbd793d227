"""Sizes, costs and receptive fields against Keras, for layers that nobody chose."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from course_utils import dimensions, networks
from course_utils.ask import CourseError
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

layers = keras.layers
PADDING = st.sampled_from(["valid", "same"])
SMALL = st.integers(1, 6)


def keras_layer(layer: Settings) -> keras.Layer:
    options: dict = {}
    if layer.kind in HAS_KERNEL:
        window = "pool_size" if layer.kind in POOLINGS else "kernel_size"
        options = {window: layer.kernel, "strides": layer.stride, "padding": layer.padding}
    if layer.kind in (*CONVOLUTIONS, "Dense"):
        options["use_bias"] = layer.bias
    if layer.kind in HAS_DILATION:
        options["dilation_rate"] = layer.dilation
    if layer.kind in HAS_FILTERS:
        options["units" if layer.kind == "Dense" else "filters"] = layer.filters
    if layer.kind in HAS_GROUPS:
        options["groups"] = layer.groups
    return getattr(layers, layer.kind)(**options)


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
        with pytest.raises(CourseError, match="does not fit"):
            output_size(size, kernel, stride, padding, dilation)


@given(st.integers(1, 20), SMALL, SMALL, PADDING)
def test_transposed_size_is_undone_by_the_convolution(size, kernel, stride, padding):
    enlarged = transposed_size(size, kernel, stride, padding)
    assert output_size(enlarged, kernel, stride, padding) == size


@pytest.mark.parametrize(
    ("arguments", "offending"),
    [
        ((5, 7), "7"),
        ((5, 3, 1, "valid", 3), "dilation 3"),
        ((0, 3), "size is 0"),
        ((5, 3, 0), "stride is 0"),
        ((5, 2.0), "kernel is 2.0"),
        ((5, True), "kernel is True"),
        ((5, 3, 1, "full"), "padding is 'full'"),
        ((5, 3, 1, "valid", 0), "dilation is 0"),
    ],
)
def test_sizes_refuse(arguments, offending):
    for size in (output_size, transposed_size):
        if size is output_size or " is " in offending:
            with pytest.raises(CourseError, match=offending):
                size(*arguments)


def test_sizes_that_numpy_made_are_sizes():
    for kernel in np.arange(1, 6):
        assert output_size(np.int64(32), kernel) == 33 - kernel
        assert span(kernel, np.int32(2)) == 2 * kernel - 1
    assert transposed_size(np.uint8(5), np.int64(3), np.int64(2)) == 11
    assert (
        receptive_field(np.array([[3, 1], [2, 2]])) == receptive_field([(3, 1), (2, 2)]) == (4, 2)
    )
    assert describe(Settings("Conv2D"), (9, 9, 2)).shape == (7, 7, 1)
    ours = Settings("Conv2D", np.int64(4), np.int64(5), np.int64(2))
    assert describe(ours, np.array([9, 9, 3])) == describe(Settings("Conv2D", 4, 5, 2), (9, 9, 3))


# --- whole layers ---------------------------------------------------------------------------------


@settings(max_examples=200)
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
        bias=st.booleans(),
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
        with pytest.raises(CourseError):
            describe(layer, shape)
        return
    found = describe(layer, shape)
    assert found.shape == tuple(expected)
    assert found.parameters == built.count_params()
    (row,) = table(keras.Sequential([keras.Input(shape), built]), shape)
    assert (found.shape, found.parameters, found.multiply_adds) == row[2:]
    assert describe(settings_of(built), shape) == found


@pytest.mark.parametrize(
    ("kind", "options", "field"),
    [
        ("Conv2D", {"kernel": 5}, 5),
        ("Conv2D", {"kernel": 3, "dilation": 4}, 9),
        ("MaxPooling2D", {"kernel": 3, "stride": 2, "dilation": 2}, 3),  # it has no dilation
        ("GlobalMaxPooling2D", {}, 20),
        ("Conv2DTranspose", {"kernel": 5, "stride": 2}, 3),
        ("Dense", {}, 7),
    ],
)
def test_receptive_field_of_one_layer(kind, options, field):
    shape = (7,) if kind == "Dense" else (20, 20, 3)
    assert describe(Settings(kind, **options), shape).receptive_field == field


@pytest.mark.parametrize(
    ("layer", "shape", "offending"),
    [
        (Settings("Conv4D"), (9, 9, 9), "kind is 'Conv4D'"),
        (Settings("Conv2D"), (9, 9), r"\(9, 9\)"),
        (Settings("Conv2D"), (9, 9, 0), "size is 0"),
        (Settings("Conv2D", filters=0), (9, 9, 3), "filters is 0"),
        (Settings("Conv2D", stride=2, dilation=2), (9, 9, 3), "Stride 2 .* dilation 2"),
        (Settings("Conv3DTranspose", stride=2, dilation=2), (9, 9, 9, 3), "Stride 2 .* dilation 2"),
        (Settings("Conv2D", filters=4, groups=2), (9, 9, 3), "3 input channels"),
        (Settings("Conv2D", filters=4, groups=3), (9, 9, 3), "4 filters"),
        (Settings("MaxPooling2D", kernel=10), (9, 9, 3), "kernel of 10"),
    ],
)
def test_describe_refuses(layer, shape, offending):
    with pytest.raises(CourseError, match=offending):
        describe(layer, shape)


@given(
    st.sampled_from(CONVOLUTIONS + POOLINGS),
    st.integers(5, 30),
    st.integers(1, 5),
    st.integers(1, 3),
    PADDING,
    st.booleans(),
)
@example("Conv2DTranspose", 5, 4, 1, "valid", True)
def test_formulas_are_true(kind, size, kernel, stride, padding, bias):
    layer = Settings(kind, 2, kernel, stride, padding, bias=bias)
    shape = (size,) * axes(kind) + (2,)
    found = describe(layer, shape)
    names = {"floor": np.floor, "ceil": np.ceil, "max": max}
    right = {"parameters": found.parameters, "multiply-adds": found.multiply_adds}
    for what, formula in found.formulas.items():
        left, _, shown = formula.partition(" = ")
        if shown:
            left = re.sub(r" places| weights|,(?=\d{3})", "", left).replace(" x ", " * ")
            value = eval(left, names)
            assert value == int(shown.replace(",", "")) == right.get(what, found.shape[0])
    assert describe(Settings(kind, 2), shape) == describe(Settings(kind, 2, 3, 1), shape)


# --- receptive fields -----------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(1, 2)), max_size=4))
def test_receptive_field_is_what_an_output_depends_on(chain):
    """Kernels of ones, one output: the input numbers that it adds up, counted by hand."""
    seen = {0}
    for kernel, stride, dilation in reversed(chain):
        seen = {place * stride + tap * dilation for place in seen for tap in range(kernel)}
    assert receptive_field(chain).size == max(seen) - min(seen) + 1


def test_fields_of_the_embedded_network_are_those_of_vgg16():
    fields = receptive_fields(networks.load(pretrained=False).model)
    known = {"1_conv1": 3, "2_conv1": 10, "3_conv1": 24, "4_conv1": 60, "4_conv2": 76}
    known |= {"5_conv1": 132, "5_conv2": 164, "5_conv3": 196}
    assert {name: fields[f"block{name}"].size for name in known} == known


# --- networks -------------------------------------------------------------------------------------


def refuses(function, *arguments, offending):
    with pytest.raises(CourseError, match=offending):
        function(*arguments)


def test_table_of_a_network_with_branches():
    picture = keras.Input((None, None, 3))
    maps = layers.Conv2D(4, 3, padding="same", name="conv")(picture)
    maps = layers.Add(name="add")(
        [maps, layers.DepthwiseConv2D(3, padding="same", name="dw")(maps)]
    )
    logits = layers.Dense(10, name="dense")(layers.GlobalAveragePooling2D(name="pool")(maps))
    model = keras.Model(picture, logits)
    rows = {row.name: row for row in table(model, (16, np.int64(12), 3))}
    assert [rows[name].shape for name in ("conv", "pool", "dense")] == [(16, 12, 4), (4,), (10,)]
    assert rows["conv"].multiply_adds == 16 * 12 * 27 * 4
    assert rows["dw"].multiply_adds == 16 * 12 * 9 * 4
    assert (rows["add"].multiply_adds, rows["dense"].multiply_adds) == (0, 40)
    assert sum(row.parameters for row in rows.values()) == model.count_params()
    refuses(receptive_fields, model, offending="add joins")
    refuses(table, model, (16, None, 3), offending="size is None")


def test_a_dense_layer_at_every_place_costs_places_times_weights_and_sees_one():
    model = keras.Sequential([layers.Conv2D(2, 3), layers.Dense(4), layers.Conv2D(1, 2, name="c")])
    assert table(model, (5, 6, 3))[1].multiply_adds == 3 * 4 * 2 * 4
    model.build((None, 5, 6, 3))
    assert receptive_fields(model)["c"] == (4, 1)


@pytest.mark.parametrize("sequential", [True, False])
def test_models_inside_are_looked_into(sequential):
    inner = keras.Sequential([layers.Conv2D(4, 3, name="a"), layers.MaxPooling2D(2)], name="inner")
    picture = keras.Input((20, 20, 3))
    if not sequential:
        inner = keras.Model(picture, inner.layers[1](inner.layers[0](picture)), name="inner")
    last = layers.Conv2D(5, 3, name="last")
    model = keras.Sequential([layers.RandomFlip(), inner, last])
    model.build((None, 20, 20, 3))
    rows = {row.name: row for row in table(model, (20, 20, 3))}
    assert rows["inner/a"].multiply_adds == 18 * 18 * 27 * 4
    assert rows["last"].multiply_adds == 7 * 7 * 36 * 5
    assert sum(row.parameters for row in rows.values()) == model.count_params()
    fields = receptive_fields(model)
    assert fields["inner/a"] == (3, 1) and fields["last"] == (8, 2) and len(fields) == 3


def test_counting_leaves_no_trace_in_later_weights():
    model, drawn = keras.Sequential([keras.Input((9, 9, 1)), layers.Conv2D(2, 3)]), []
    for count in (id, lambda model: table(model, (8, 8, 1)), receptive_fields):
        keras.utils.set_random_seed(1)
        count(model)
        drawn.append(layers.Dense(3).kernel_initializer((2, 3)).numpy())
    assert np.array_equal(drawn[0], drawn[1]) and np.array_equal(drawn[0], drawn[2])


def test_what_is_called_twice_costs_twice_with_the_same_weights():
    picture, twice = keras.Input((8, 8, 2)), layers.Conv2D(2, 3, name="twice")
    model = keras.Model(picture, twice(twice(picture)))
    first, second = table(model, (8, 8, 2))
    assert (first.multiply_adds, second.multiply_adds) == (36 * 36, 16 * 36)
    assert (first.parameters, second.parameters) == (model.count_params(), 0)
    refuses(receptive_fields, model, offending="twice")


def test_each_branch_has_fields_of_its_own():
    picture = keras.Input((30, 30, 1))
    stem = layers.Conv2D(1, 3, 2, name="stem")(picture)
    wide, thin = layers.Conv2D(1, 7, name="wide")(stem), layers.Conv2D(1, 3, name="thin")(stem)
    fields = receptive_fields(keras.Model(picture, [wide, thin]))
    assert fields == {"stem": (3, 2), "wide": (15, 2), "thin": (7, 2)}


def test_a_way_ends_where_all_pixels_are_mixed():
    chain = [keras.Input((20, 20, 1)), layers.Conv2D(2, 3, name="c"), layers.Flatten()]
    chain += [layers.Dense(36), layers.Reshape((6, 6, 1)), layers.Conv2D(1, 3)]
    assert receptive_fields(keras.Sequential(chain)) == {"c": (3, 1)}
    behind = [layers.Dense(8), layers.Reshape((8, 1)), layers.Conv1D(1, 3, name="c")]
    assert receptive_fields(keras.Sequential([keras.Input((4,)), *behind])) == {}
    places = [keras.Input((9, 2)), layers.Dense(8), layers.Conv1D(1, 3, name="c")]
    assert receptive_fields(keras.Sequential(places)) == {"c": (3, 1)}


def test_channels_first_are_counted_and_have_no_settings():
    layer = layers.Conv2D(8, 3, data_format="channels_first", name="first")
    model = keras.Sequential([keras.Input((3, 32, 32)), layer])
    assert table(model, (3, 32, 32))[0].multiply_adds == 30 * 30 * 27 * 8
    refuses(receptive_fields, model, offending="first has data_format channels_first")


class Own(layers.Conv2D):
    """What it computes is its author's affair."""


class Net(keras.Model):
    """A model without a graph."""


def test_layers_and_models_of_ones_own_are_refused():
    model = keras.Sequential([keras.Input((9, 9, 1)), Own(2, 3, name="mine")])
    refuses(table, model, (9, 9, 1), offending="mine")
    refuses(receptive_fields, model, offending="mine")
    refuses(settings_of, model.layers[0], offending="mine is a Own")
    refuses(table, Net(name="net"), (9, 9, 1), offending="net")
    one, other = keras.Input((3,)), keras.Input((3,))
    two = keras.Model([one, other], layers.Add()([one, other]), name="two")
    refuses(table, two, (3,), offending="two")


@pytest.mark.parametrize(
    ("layer", "offending"),
    [
        (layers.Conv2D(1, (1, 3), name="thin"), r"thin has kernel \(1, 3\)"),
        (layers.ReLU(name="bend"), "bend is a ReLU"),
        (layers.DepthwiseConv2D(3, depth_multiplier=2, name="dw"), "dw has depth_multiplier 2"),
        (layers.SeparableConv1D(2, 3, depth_multiplier=2, name="s"), "s has depth_multiplier 2"),
        (layers.Conv2DTranspose(1, 3, 2, output_padding=1, name="up"), "up has output_padding"),
        (layers.GlobalMaxPooling1D(keepdims=True, name="pool"), "pool has keepdims True"),
        (layers.Conv1D(1, 3, padding="causal", name="past"), "past is 'causal'"),
    ],
)
def test_settings_that_cannot_be_held_are_refused(layer, offending):
    refuses(settings_of, layer, offending=offending)


# --- every layer of Keras -------------------------------------------------------------------------

STRIDED = dict(filters=6, kernel_size=3, strides=2, padding="same")
WIDE = dict(filters=6, kernel_size=2, dilation_rate=2, use_bias=False)
SLICED, GROUPED = dict(kernel_size=2, depth_multiplier=2), dict(kernel_size=2, groups=2)
#: How a layer is made, in one way or several; without options where it is not named.
OPTIONS = (
    (r"Conv\dD", STRIDED, WIDE, dict(filters=6) | GROUPED),
    (r"Conv\dDTranspose", STRIDED, WIDE),
    (r"Separable.*", STRIDED, dict(filters=6) | SLICED),
    (r"Depthwise.*", dict(kernel_size=3, strides=2, padding="same"), SLICED),
    (r"(Max|Average)Pool.*", dict(pool_size=2), dict(pool_size=3, strides=2, padding="same")),
    (r"Global.*", {}, dict(keepdims=True)),
    (r"ConvLSTM\dD", dict(filters=2, kernel_size=2)),
    (r"Adaptive.*", dict(output_size=2)),
    (r"(Spatial|Alpha|Gaussian)?Dropout(\dD)?", dict(rate=0.1)),
    (r"Dense|LSTM|GRU|SimpleRNN", dict(units=3)),
    (r"CenterCrop|RandomCrop|Resizing", dict(height=5, width=5)),
    (r"(Layer|Batch)Normalization|Softmax", {}, dict(axis=1)),
    (r"Random(Brightness|Contrast|Rotation|ColorDeg.*|Hue|Saturation|Sharpness)", dict(factor=0.1)),
    (r"RandomPosterization", dict(factor=4)),
    (r"RandomTranslation", dict(height_factor=0.1, width_factor=0.1)),
    (r"RandomZoom", dict(height_factor=0.1)),
    (r"Activation", dict(activation="gelu")),
    (r"Bidirectional", dict(layer=layers.LSTM(2))),
    (r"SpectralNormalization|TimeDistributed", dict(layer=layers.Dense(2))),
    (r"Dot", dict(axes=-1)),
    (r"EinsumDense", dict(equation="bhwc,cd->bhwd", output_shape=(24, 10, 3))),
    (r"(Reversible)?Embedding", dict(input_dim=5, output_dim=3)),
    (r"GaussianNoise", dict(stddev=0.1)),
    (r"GroupNormalization", dict(groups=2)),
    (r"GroupQueryAttention", dict(head_dim=2, num_query_heads=2, num_key_value_heads=1)),
    (r"Lambda", dict(function=lambda x: x * x)),
    (r"MultiHeadAttention", dict(num_heads=2, key_dim=2)),
    (r"Permute", dict(dims=(2, 1, 3))),
    (r"RepeatVector", dict(n=2)),
    (r"Rescaling", dict(scale=2.0)),
    (r"Reshape", dict(target_shape=(-1, 2))),
)
GRIDS = {1: (24, 4), 2: (24, 10, 4), 3: (24, 6, 6, 4)}
SHAPES = {
    **dict.fromkeys(("LSTM", "GRU", "SimpleRNN", "Bidirectional", "TimeDistributed"), (24, 4)),
    **{f"ConvLSTM{n}D": (3, *GRIDS[n]) for n in (1, 2, 3)},
    **{"RepeatVector": (4,), "STFTSpectrogram": (600, 1), "MelSpectrogram": (600,)},
    **{"Embedding": (24,), "ReversibleEmbedding": (24,), "RandomColorDegeneration": (24, 10, 3)},
}
#: What cannot stand in a network of numbers: no layers by themselves, other programs, text, boxes.
ELSEWHERE = {
    *("Input", "InputLayer", "InputSpec", "Layer", "Pipeline", "RNN", "Wrapper"),
    *("GRUCell", "LSTMCell", "SimpleRNNCell", "StackedRNNCells"),
    *("FlaxLayer", "JaxLayer", "TFSMLayer", "TorchModuleWrapper"),
    *(
        "CategoryEncoding",
        "Discretization",
        "Equalization",
        "HashedCrossing",
        "Hashing",
        "IntegerLookup",
    ),
    *("MaxNumBoundingBoxes", "StringLookup", "TextVectorization"),
}


def ways(name: str) -> list[dict]:
    found = [options for pattern, *options in OPTIONS if re.fullmatch(pattern, name)]
    return found[0] if found else [{}]


LAYERS = [
    (name, options)
    for name, kind in vars(layers).items()
    if isinstance(kind, type) and kind.__name__ == name not in ELSEWHERE  # no second names
    for options in ways(name)
]
MERGES = ("Dot", "Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate")


def odd_network(name: str, options: dict) -> keras.Model:
    picture = keras.Input(SHAPES.get(name) or GRIDS[axes(name) or 2])
    layer = getattr(layers, name)(name="odd", **options)
    if name.endswith("HeadAttention") or name == "GroupQueryAttention":
        return keras.Model(picture, layer(picture, picture))
    twice = name in (*MERGES, "Attention", "AdditiveAttention")
    return keras.Model(picture, layer([picture] * 2 if twice else picture))


def products(model: keras.Model) -> int:
    """Multiply-adds of TensorFlow's operations that weigh numbers by a kernel."""
    picture, total = tf.TensorSpec((1, *model.input_shape[1:]), tf.float32), 0
    tf.config.run_functions_eagerly(True)  # so that functions inside lie open
    graph = tf.compat.v1.wrap_function(lambda x: model(x, training=False), [picture]).graph
    tf.config.run_functions_eagerly(False)
    for step in graph.get_operations():
        shapes = [tensor.shape.as_list() for tensor in [*step.inputs, *step.outputs]]
        if step.type in ("Conv2D", "Conv3D"):
            total += np.prod(shapes[-1]) * np.prod(shapes[1][:-1])
        elif step.type == "DepthwiseConv2dNative":
            total += np.prod(shapes[-1]) * np.prod(shapes[1][:2])
        elif "Conv2DBackpropInput" in step.type or "Conv3DBackpropInput" in step.type:
            total += np.prod(shapes[2]) * np.prod(shapes[1][:-1])
        elif "MatMul" in step.type:
            total += np.prod(shapes[-1]) * shapes[0][-1]
        assert step.type not in ("Einsum", "While", "StatelessWhile", "PartitionedCall")
    return int(total)


@pytest.mark.parametrize(("name", "options"), LAYERS)
def test_every_layer_of_keras_is_counted_or_refused(name, options):
    model = odd_network(name, options)
    try:
        (row,) = table(model, model.input_shape[1:])
    except CourseError as error:
        assert "odd" in str(error)
        assert name not in (*KINDS, *dimensions.PIXELWISE)
        return
    assert (row.name, row.kind) == ("odd", name)
    assert row.shape == model.output_shape[1:] and row.parameters == model.count_params()
    assert row.multiply_adds == products(model)


def seen_from(model: keras.Model, place: int) -> np.ndarray:
    """Rows of the picture that one place of the output depends on, for any of many pictures."""
    pictures = tf.random.stateless_normal((256, *model.input_shape[1:]), (0, 1))
    with tf.GradientTape() as tape:
        tape.watch(pictures)
        answer = model(pictures, training=False)
        middle = answer[:, place][(slice(None), *(size // 2 for size in answer.shape[2:]))]
    gradient = tf.abs(tape.gradient(middle, pictures)).numpy()
    return np.flatnonzero(gradient.max(axis=(0, *range(2, gradient.ndim))))


@pytest.mark.parametrize(("name", "options"), LAYERS)
def test_receptive_fields_are_measured_or_refused(name, options):
    model = odd_network(name, options)
    try:
        fields = receptive_fields(model)
    except CourseError as error:
        assert "odd" in str(error)
        return
    if len(model.output_shape) != len(model.input_shape) or len(model.input_shape) < 3:
        assert not fields
        return
    probe = getattr(keras.layers, f"Conv{len(model.input_shape) - 2}D")
    if model.output_shape[1] == 1:
        assert not fields and len(seen_from(model, 0)) == 24
        return
    behind = keras.Model(model.input, probe(3, 2, padding="same", name="probe")(model.output))
    field, place = receptive_fields(behind)["probe"], behind.output_shape[1] // 2
    first, following = (seen_from(behind, at) for at in (place, place + 1))
    assert first[-1] - first[0] + 1 == field.size
    assert following[0] - first[0] == field.jump
    assert fields.get("odd") == receptive_fields(behind).get("odd")


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
        f"whole batch     {32 * 73_008:,} multiply-adds",
    ):
        assert part in text
    for stride, shown in ((3, "MaxPooling2D(3)"), (1, "MaxPooling2D(3, strides=1)")):
        assert shown in calculator(kind="MaxPooling2D", stride=stride).text
    for size, memory in ((66, "2.0 MiB"), (2, "impossible"), (3, "512 bytes")):
        assert memory in calculator(size=size).text
    (boxes,) = calculator(kind="Conv2DTranspose", stride=2, size=64).pictures.values()
    assert boxes[:5].min() == 1 > boxes.min()  # the larger box has room, too


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
    with pytest.raises(CourseError, match="kind is 'Conv9D'"):
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


def test_sliding_kernel_paints_what_it_says():
    shown = sliding_kernel.frame(6, 3, "same", 2, 1, 4)  # row 1, column 1; a zero after each side
    assert "zeros before 0, after 1" in shown.text
    picture, _, output = ((255 * picture).round() for picture in shown.pictures.values())
    white, gray, yellow, blue, mark = (
        *([255, 255, 255], [217, 217, 217], [247, 233, 168], [207, 228, 245], [213, 94, 0]),
    )
    for r, c in np.ndindex(7, 7):  # cells of 40 pixels
        under = r in (2, 3, 4) and c in (2, 3, 4)
        color = yellow if under else gray if 6 in (r, c) else white
        assert picture[40 * r + 6, 40 * c + 6].tolist() == color
        assert (picture[40 * r + 20, 40 * c + 1].tolist() == mark) == under
    for r, c in np.ndindex(3, 3):
        assert output[40 * r + 6, 40 * c + 6].tolist() == (blue if 3 * r + c <= 4 else white)
        number = output[40 * r + 10 : 40 * r + 30, 40 * c + 8 : 40 * c + 32]
        assert (number.min() < 100) == (3 * r + c <= 4)


def test_sliding_kernel_refuses():
    refuses(sliding_kernel.frame, 2, 3, "valid", 1, 1, 0, offending="does not fit into 2")
    refuses(sliding_kernel.frame, 9, 3, "valid", 2, 2, 0, offending="Stride 2 .* dilation 2")


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
