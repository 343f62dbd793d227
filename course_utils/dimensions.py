"""What a layer does to shapes, and what it costs: derived in lesson 02.

Sizes are numbers of pixels (or samples, or frames) along one axis, shapes stand without the batch
axis, as in ``keras.Input``: ``(height, width, channels)``. A multiply-add is one multiplication
and the addition of its product.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from course_utils import ask
from course_utils.ask import CourseError
from course_utils.convolution import padding_widths

if TYPE_CHECKING:
    import keras

#: Layers that `describe` knows, by their names in Keras.
PLAIN = ("Conv1D", "Conv2D", "Conv3D")
TRANSPOSED = tuple(f"{kind}Transpose" for kind in PLAIN)
DEPTHWISE = ("DepthwiseConv1D", "DepthwiseConv2D")
SEPARABLE = ("SeparableConv1D", "SeparableConv2D")
CONVOLUTIONS = (*PLAIN, *TRANSPOSED, *DEPTHWISE, *SEPARABLE)
POOLINGS = tuple(f"{what}Pooling{n}D" for n in (1, 2, 3) for what in ("Max", "Average"))
GLOBAL_POOLINGS = tuple(f"Global{kind}" for kind in POOLINGS)
KINDS = (*CONVOLUTIONS, *POOLINGS, *GLOBAL_POOLINGS, "Dense")

# Which settings a kind of layer has, beside kernel, stride and padding.
HAS_FILTERS = (*PLAIN, *TRANSPOSED, *SEPARABLE, "Dense")
HAS_KERNEL = (*CONVOLUTIONS, *POOLINGS)
HAS_DILATION = CONVOLUTIONS
HAS_GROUPS = PLAIN

#: Layers that change each number by itself, or by the other channels of its place.
PIXELWISE = (
    *("Activation", "ELU", "LeakyReLU", "PReLU", "ReLU", "Softmax", "Identity"),
    *("Dropout", "AlphaDropout", "GaussianDropout", "GaussianNoise", "ActivityRegularization"),
    *("SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"),
    *("BatchNormalization", "LayerNormalization", "RMSNormalization", "UnitNormalization"),
    *("Normalization", "Rescaling"),
)
_ALONG_AN_AXIS = ("LayerNormalization", "RMSNormalization", "Softmax", "UnitNormalization")
#: Layers that move or compare numbers, or add a few of them, and weigh none by a kernel.
_CHEAP = (
    *("Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply", "Subtract"),
    *(f"{what}{n}D" for n in (1, 2, 3) for what in ("Cropping", "UpSampling", "ZeroPadding")),
    *("Flatten", "Permute", "RepeatVector", "Reshape", "Embedding", "Masking"),
    *("GroupNormalization", "CenterCrop", "Resizing", "Pad"),  # the last is keras.ops.pad
)
#: Augmentation that does nothing to a picture once a network is trained.
_IN_TRAINING = (
    *("RandomBrightness", "RandomContrast", "RandomFlip", "RandomRotation", "RandomShear"),
    *("RandomTranslation", "RandomZoom"),
)


def axes(kind: str) -> int:
    """Along how many axes a layer slides: 1 for Conv1D, 3 for Conv3D, 0 for Dense."""
    return next((number for number in (1, 2, 3) if f"{number}D" in kind), 0)


# --------------------------------------------------------------------------------------------------
# Sizes along one axis
# --------------------------------------------------------------------------------------------------


def span(kernel: int, dilation: int = 1) -> int:
    """Pixels from the first to the last of a dilated kernel: ``(kernel - 1) * dilation + 1``."""
    return (ask.whole("kernel", kernel) - 1) * ask.whole("dilation", dilation) + 1


def output_size(
    size: int, kernel: int, stride: int = 1, padding: str = "valid", dilation: int = 1
) -> int:
    """Size of the output of a convolution or pooling along one axis.

    ``"valid"``: ``floor((size - span) / stride) + 1`` with ``span = (kernel - 1) * dilation + 1``;
    ``"same"``: ``ceil(size / stride)``, whatever the kernel.

    Parameters
    ----------
    size, kernel, stride, dilation
        Whole numbers from 1, in pixels along the axis.
    padding
        ``"valid"`` or ``"same"`` (as TensorFlow means it).

    References
    ----------
    Lesson 02, section 4. V. Dumoulin, F. Visin, "A guide to convolution arithmetic for deep
    learning", 2016, arXiv:1603.07285, chapters 2 and 5.1.
    """
    size, stride, reach = (
        ask.whole("size", size),
        ask.whole("stride", stride),
        span(kernel, dilation),
    )
    ask.choice("padding", padding, ("valid", "same"))
    padded = size + sum(padding_widths(size, reach, stride, padding))
    if padded < reach:
        dilated = f" with dilation {dilation}" if dilation > 1 else ""
        raise CourseError(
            f"A kernel of {kernel}{dilated} spans {reach} pixels and does not fit into {size}; "
            "choose padding 'same', a smaller kernel or a larger input."
        )
    return (padded - reach) // stride + 1


def transposed_size(
    size: int, kernel: int, stride: int = 1, padding: str = "valid", dilation: int = 1
) -> int:
    """Size of the output of a transposed convolution along one axis, as Keras has it.

    ``"valid"``: ``(size - 1) * stride + max(span, stride)``; ``"same"``: ``size * stride``.
    Parameters and errors are those of `output_size`; every kernel fits.

    References
    ----------
    Lesson 02, section 5. Dumoulin, Visin, 2016, chapter 4.
    """
    size, stride, reach = (
        ask.whole("size", size),
        ask.whole("stride", stride),
        span(kernel, dilation),
    )
    if ask.choice("padding", padding, ("valid", "same")) == "same":
        return size * stride
    return (size - 1) * stride + max(reach, stride)


class Receptive(NamedTuple):
    """What a unit of a layer sees: ``size`` pixels a side; neighbors see ``jump`` pixels apart."""

    size: int
    jump: int


def receptive_field(layers: Iterable[tuple[int, int] | tuple[int, int, int]]) -> Receptive:
    """Receptive field behind a chain of convolutions and poolings, along one axis.

    Each layer adds ``(kernel - 1) * dilation * jump`` pixels, where ``jump`` is the product of the
    strides of the layers before it.

    Parameters
    ----------
    layers
        ``(kernel, stride)`` or ``(kernel, stride, dilation)`` of each layer, from the input on.

    References
    ----------
    Lesson 02, section 8. A. Araujo, W. Norris, J. Sim, "Computing receptive fields of
    convolutional neural networks", 2019, Distill.
    """
    field = Receptive(1, 1)
    for layer in layers:
        field = _behind(field, *layer)
    return field


def _behind(before: Receptive, kernel: int, stride: int, dilation: int = 1) -> Receptive:
    size = before.size + (span(kernel, dilation) - 1) * before.jump
    return Receptive(size, before.jump * ask.whole("stride", stride))


# --------------------------------------------------------------------------------------------------
# Whole layers
# --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Settings:
    """A layer as its constructor in Keras is told; every kernel is square.

    What a kind does not have, such as the dilation of a pooling, is ignored.
    """

    kind: str  #: one of ``KINDS``
    filters: int = 1  #: or units of a dense layer
    kernel: int = 3
    stride: int = 1
    padding: str = "valid"
    dilation: int = 1
    groups: int = 1
    bias: bool = True


@dataclass(frozen=True)
class Dimensions:
    """What `describe` finds."""

    shape: tuple[int, ...]  #: of the output, without the batch axis
    parameters: int  #: weights and biases
    multiply_adds: int  #: for one picture, biases not counted; 0 for poolings, which compare or add
    receptive_field: int  #: input pixels a side that one output number depends on
    formulas: dict[str, str] = field(default_factory=dict, compare=False)  #: of the numbers above


def describe(layer: Settings, shape: tuple[int, ...]) -> Dimensions:
    """Output shape, parameters, multiply-adds and receptive field of one layer, before it is built.

    Parameters
    ----------
    layer
    shape
        Of its input, without the batch axis: ``(height, width, channels)`` for layers in two
        dimensions, one axis less or more for those in one or three, ``(inputs,)`` for Dense.

    Raises
    ------
    CourseError
        A setting that the layer does not take, a shape of another rank, a kernel that does not
        fit, a stride together with a dilation (which Keras refuses for plain and transposed
        convolutions), or groups that do not divide the channels.

    References
    ----------
    Lesson 02, sections 3 to 8.
    """
    layer, shape = _checked(layer, shape)
    *sizes, channels = shape
    if layer.kind in GLOBAL_POOLINGS:
        text = f"every map of {_times(sizes)} becomes one number"
        return Dimensions((channels,), 0, 0, max(sizes), {"shape": text})
    rule = transposed_size if layer.kind in TRANSPOSED else output_size
    kernel = layer.kernel, layer.stride, layer.padding, layer.dilation
    outputs = [rule(size, *kernel) for size in sizes]
    reach = span(layer.kernel, layer.dilation) if sizes else channels
    if layer.kind in TRANSPOSED:  # an output pixel is reached from every stride-th place
        reach = math.ceil(reach / layer.stride)
    formulas = {"size": _size_formula(layer, sizes[0], outputs[0])} if sizes else {}
    if layer.kind in POOLINGS:
        formulas["parameters"] = "0: nothing is learned, channels stay apart"
        return Dimensions((*outputs, channels), 0, 0, reach, formulas)
    filters, weights, text = _weights(layer, len(sizes), channels)
    # A transposed convolution lays its kernel down once for each *input* pixel.
    places = math.prod(sizes if layer.kind in TRANSPOSED else outputs)
    parameters, multiply_adds = weights + layer.bias * filters, places * weights
    formulas["parameters"] = f"{text} = {parameters:,}"
    formulas["multiply-adds"] = f"{places:,} places x {weights:,} weights = {multiply_adds:,}"
    return Dimensions((*outputs, filters), parameters, multiply_adds, reach, formulas)


def _checked(layer: Settings, shape: tuple[int, ...]) -> tuple[Settings, tuple[int, ...]]:
    """The layer without what its kind does not have, and the shape in whole numbers."""
    kind = ask.choice("kind", layer.kind, KINDS)
    if len(shape) != axes(kind) + 1:
        raise CourseError(
            f"The input of {kind} has {axes(kind) + 1} axes, channels last and without "
            f"the batch; {tuple(shape)} has {len(shape)}."
        )
    shape = tuple(ask.whole("size", number) for number in shape)
    for owners, what in (
        (HAS_KERNEL, "stride"),
        (HAS_DILATION, "dilation"),
        (HAS_GROUPS, "groups"),
    ):
        number = ask.whole(what, getattr(layer, what)) if kind in owners else 1
        layer = replace(layer, **{what: number})
    layer = replace(layer, filters=ask.whole("filters", layer.filters))
    # For all other kinds Keras computes a stride together with a dilation.
    if layer.stride > 1 and layer.dilation > 1 and kind in PLAIN + TRANSPOSED:
        raise CourseError(
            f"Stride {layer.stride} together with dilation {layer.dilation}: in a {kind} "
            "Keras computes one or the other; set one of them to 1."
        )
    for what, number in (("input channels", shape[-1]), ("filters", layer.filters)):
        if number % layer.groups:
            raise CourseError(
                f"{number} {what} cannot be dealt out to {layer.groups} groups; choose groups "
                f"that divide {number}."
            )
    return layer, shape


def _weights(layer: Settings, rank: int, channels: int) -> tuple[int, int, str]:
    """Channels of the output, weights without biases, and the formula of all parameters."""
    window, shown = layer.kernel**rank, _times([layer.kernel] * rank)
    bias = " + 1" if layer.bias else ""
    if layer.kind in DEPTHWISE:
        return channels, window * channels, f"({shown}{bias}) x {channels}"
    if layer.kind in SEPARABLE:
        weights = (window + layer.filters) * channels
        return (
            layer.filters,
            weights,
            f"{shown} x {channels} + ({channels}{bias}) x {layer.filters}",
        )
    seen = channels // layer.groups
    text = f"({_times([layer.kernel] * rank + [seen])}{bias}) x {layer.filters}"
    return layer.filters, window * seen * layer.filters, text


def _size_formula(layer: Settings, size: int, result: int) -> str:
    kernel, stride, dilation = layer.kernel, layer.stride, layer.dilation
    if layer.kind in TRANSPOSED:
        reach = span(kernel, dilation)
        larger = f"{size} x {stride}", f"({size} - 1) x {stride} + max({reach}, {stride})"
        return f"{larger[layer.padding == 'valid']} = {result}"
    if layer.padding == "same":
        return f"ceil({size} / {stride}) = {result}"
    shown = f"{kernel}" if dilation == 1 else f"(({kernel} - 1) x {dilation} + 1)"
    return f"floor(({size} - {shown}) / {stride}) + 1 = {result}"


def _times(numbers: Iterable[int]) -> str:
    return " x ".join(map(str, numbers))


def settings_of(layer: keras.Layer) -> Settings:
    """The settings of a Keras layer, as `describe` takes them.

    Raises
    ------
    CourseError
        The layer is none of ``KINDS``, or has a setting that `Settings` cannot hold: one that
        differs between its axes, several slices for each channel, channels first, ...
    """
    kind, config = _kind(layer), layer.get_config()
    if kind not in KINDS:
        raise CourseError(
            f"{layer.name} is a {type(layer).__name__}; known are {', '.join(KINDS)}."
        )
    only = {"depth_multiplier": 1, "data_format": "channels_last", "keepdims": False}
    for name, value in (only | {"output_padding": None}).items():
        if config.get(name, value) != value:
            raise CourseError(
                f"{layer.name} has {name} {config[name]}; only {value} is known here."
            )
    numbers = {
        "filters": config.get("filters") or config.get("units") or 1,
        "kernel": config.get("pool_size" if kind in POOLINGS else "kernel_size", 1),
        "stride": config.get("strides", 1),
        "dilation": config.get("dilation_rate", 1),
        "groups": config.get("groups", 1),
    }
    for name, value in numbers.items():
        sides = value if isinstance(value, tuple | list) else [value]
        if len(set(sides)) > 1:
            raise CourseError(f"{layer.name} has {name} {tuple(sides)}; give the same all ways.")
        numbers[name] = sides[0]
    padding = config.get("padding", "valid")
    ask.choice(f"the padding of {layer.name}", padding, ("valid", "same"))
    return Settings(kind, padding=padding, bias=config.get("use_bias", True), **numbers)


def _kind(layer: keras.Layer) -> str:
    """Name of a layer's or an operation's class, nothing for those that do not come with Keras."""
    from course_utils.quiet import keras

    name = type(layer).__name__
    operation = type(layer).__module__.startswith("keras.src.ops.")
    return name if operation or type(layer) is getattr(keras.layers, name, None) else ""


# --------------------------------------------------------------------------------------------------
# Networks
# --------------------------------------------------------------------------------------------------


class Row(NamedTuple):
    """One layer of a network: see `table`."""

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    multiply_adds: int


def outline(build: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """What a function builds with Keras, its weights with shapes and without values.

    That is enough to count, and takes neither the time nor the memory of random numbers, 550 MB
    for the weights of VGG-16. It cannot be trained.

    Parameters
    ----------
    build
        Makes a network, for example ``keras.applications.VGG16``.
    arguments, named
        Of ``build``.
    """
    from course_utils.quiet import keras

    def without_values() -> Any:
        with keras.StatelessScope(initialize_variables=False):
            return build(*arguments, **named)

    # In a thread of its own: Keras keeps a list of weights that wait for their values, one for
    # each thread, and would fill them in later on.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(without_values).result()


class _Call(NamedTuple):
    """A layer that was called while a network was built again; several times if it is shared."""

    layer: keras.Layer
    inputs: list[Any]
    output: Any


def _calls(model: keras.Model, shape: tuple[int | None, ...]) -> tuple[list[_Call], Any]:
    """All calls of layers, in order, for pictures of a shape, and the output of the last."""
    from course_utils.quiet import keras

    sequential, inputs = isinstance(model, keras.Sequential), getattr(model, "inputs", None)
    if not sequential and (not inputs or len(inputs) > 1):
        raise CourseError(f"{model.name} is no chain or graph of layers with one input.")
    calls: list[_Call] = []

    def copy(layer: keras.Layer) -> keras.Layer:
        try:
            return type(layer).from_config(layer.get_config())
        except Exception as error:  # each layer has its own
            raise CourseError(f"{layer.name} cannot be built again.") from error

    def called(layer: keras.Layer, *args: Any, **named: Any) -> Any:
        tensors = [x for x in keras.tree.flatten([args, named]) if isinstance(x, keras.KerasTensor)]
        calls.append(_Call(layer, tensors, layer(*args, **named)))
        return calls[-1].output

    picture = keras.Input(shape)
    if sequential:
        for layer in model.layers:
            picture = called(copy(layer), picture)
        return calls, picture
    picture = keras.tree.pack_sequence_as(model.input, [picture])
    return calls, keras.models.clone_model(model, picture, copy, called).output


def _unnoticed(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function returns that copies layers, which draw their seeds as all others do."""
    state = random.getstate()
    try:
        return outline(function, *arguments)
    finally:
        random.setstate(state)  # so that the networks after it get the weights that they would get


def table(model: keras.Model, shape: tuple[int, ...]) -> list[Row]:
    """Shape, parameters and multiply-adds of every layer of a network, for one picture.

    Parameters
    ----------
    model
        A functional or sequential Keras model with one input; it is not touched.
    shape
        Of one picture, without the batch axis; for models that take any size, the size wanted.

    Returns
    -------
    list of Row
        In the model's order, without the input; a model inside gives its own rows. ``parameters``
        are Keras' count. ``multiply_adds`` are those of convolutions and dense layers; 0 for layers
        that only move, compare or scale numbers, or add a few of them.

    Raises
    ------
    CourseError
        A layer of any other kind.
    """
    from course_utils.quiet import keras

    rows, seen = [], set()
    calls, _ = _unnoticed(_calls, model, tuple(ask.whole("size", number) for number in shape))
    for layer, inputs, output in calls:
        if isinstance(layer, keras.Model):
            found = [
                row._replace(name=f"{layer.name}/{row.name}")
                for row in table(layer, inputs[0].shape[1:])
            ]
        else:
            cost = _multiply_adds(layer, inputs[0].shape, output.shape)
            # An operation such as keras.ops.pad is no layer, and has no weights.
            parameters = layer.count_params() if isinstance(layer, keras.Layer) else 0
            found = [Row(layer.name, type(layer).__name__, output.shape[1:], parameters, cost)]
        # What is called again costs again, with the same weights.
        rows += [row._replace(parameters=0) if layer in seen else row for row in found]
        seen.add(layer)
    return rows


def _multiply_adds(layer: keras.Layer, shape: tuple[int, ...], output: tuple[int, ...]) -> int:
    """Places that the kernel is laid on times its weights."""
    kind = _kind(layer)
    if kind in (*POOLINGS, *GLOBAL_POOLINGS, *PIXELWISE, *_CHEAP, *_IN_TRAINING):
        return 0
    if kind not in (*CONVOLUTIONS, "Dense"):
        raise CourseError(
            f"The multiply-adds of {layer.name}, {type(layer).__name__}, are not known here."
        )
    kernels = ["depthwise_kernel", "pointwise_kernel"] if kind in SEPARABLE else ["kernel"]
    _, *places = shape if kind in TRANSPOSED else output
    places.pop(0 if getattr(layer, "data_format", "") == "channels_first" else -1)
    return math.prod(places) * sum(math.prod(getattr(layer, kernel).shape) for kernel in kernels)


def receptive_fields(model: keras.Model) -> dict[str, Receptive]:
    """Receptive field of each convolution and pooling of a network whose branches never join.

    Parameters
    ----------
    model
        A Keras model. A way ends at the first layer that mixes all pixels: a global pooling,
        `Flatten`, or a dense layer behind a vector.

    Returns
    -------
    dict
        Name of the layer -> `Receptive`, in pixels of the input.

    Raises
    ------
    CourseError
        A layer with several inputs, or one behind which size and jump are not known.
    """
    return _unnoticed(_fields, model, model.input_shape[1:], Receptive(1, 1))[0]


def _fields(
    model: keras.Model, shape: tuple[int | None, ...], start: Receptive
) -> tuple[dict[str, Receptive], list[Receptive | None]]:
    """Fields of the layers of a model, and those of its outputs: None once pixels are mixed."""
    from course_utils.quiet import keras

    fields: dict[str, Receptive] = {}
    behind: dict[Any, Receptive | None] = {}
    calls, last = _calls(model, shape)
    for layer, inputs, output in calls:
        if len(inputs) > 1:
            raise CourseError(f"{layer.name} joins several branches; give a model that is a chain.")
        before = behind.get(inputs[0], start)  # what is the output of no layer is the picture
        outputs, found = keras.tree.flatten(output), {}
        if before is None:
            ends = [None] * len(outputs)
        elif isinstance(layer, keras.Model):
            inner, ends = _fields(layer, inputs[0].shape[1:], before)
            found = {f"{layer.name}/{name}": field for name, field in inner.items()}
        else:
            ends = [_field(layer, len(inputs[0].shape), before)]
            found = {layer.name: ends[0]} if _kind(layer) in HAS_KERNEL else {}
        if found.keys() & fields.keys():
            raise CourseError(f"{layer.name} is called several times, with a field each time.")
        fields |= found
        behind |= zip(outputs, ends, strict=True)
    return fields, [behind.get(tensor, start) for tensor in keras.tree.flatten(last)]


def _field(layer: keras.Layer, rank: int, before: Receptive) -> Receptive | None:
    kind = _kind(layer)
    if kind in (*GLOBAL_POOLINGS, "Flatten") or (kind == "Dense" and rank == 2):
        return None
    if kind in HAS_KERNEL and kind not in TRANSPOSED:
        own = settings_of(layer)
        return _behind(before, own.kernel, own.stride, own.dilation)
    axis = getattr(layer, "axis", -1) if kind in _ALONG_AN_AXIS else -1
    along = axis if isinstance(axis, tuple | list) else [axis]
    stays = kind.startswith(("ZeroPadding", "Cropping")) or kind in (*PIXELWISE, *_IN_TRAINING)
    if (stays or kind == "Dense") and all(number % rank == rank - 1 for number in along):
        return before
    raise CourseError(
        f"What is seen behind {layer.name}, {type(layer).__name__}, is not known here."
    )
