"""What a layer does to shapes, and what it costs: derived in lesson 02.

Sizes are numbers of pixels (or samples, or frames) along one axis, shapes stand without the batch
axis, as in ``keras.Input``: ``(height, width, channels)``. A multiply-add is one multiplication
and the addition of its product.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from course_utils.convolution import padding_widths

if TYPE_CHECKING:
    import keras

#: Layers that `describe` knows, by their names in Keras.
CONVOLUTIONS = (
    "Conv1D",
    "Conv2D",
    "Conv3D",
    "Conv2DTranspose",
    "DepthwiseConv2D",
    "SeparableConv2D",
)
POOLINGS = ("MaxPooling2D", "AveragePooling2D")
GLOBAL_POOLINGS = ("GlobalMaxPooling2D", "GlobalAveragePooling2D")
KINDS = (*CONVOLUTIONS, *POOLINGS, *GLOBAL_POOLINGS, "Dense")

# Which settings a kind of layer has, beside kernel, stride and padding.
HAS_FILTERS = (*CONVOLUTIONS[:4], "SeparableConv2D", "Dense")
HAS_KERNEL = (*CONVOLUTIONS, *POOLINGS)
HAS_DILATION = CONVOLUTIONS
HAS_GROUPS = ("Conv1D", "Conv2D", "Conv3D")

# Keras refuses a stride together with a dilation for these, and computes it for all others.
_STRIDE_OR_DILATION = ("Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose")


def axes(kind: str) -> int:
    """Along how many axes a layer slides: 1 for Conv1D, 3 for Conv3D, 0 for Dense, else 2."""
    return {"Conv1D": 1, "Conv3D": 3, "Dense": 0}.get(kind, 2)


def _require_counts(**numbers: int) -> None:
    for name, number in numbers.items():
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            raise ValueError(f"{name} is {number!r}; give a whole number from 1.")


def _require_padding(padding: str) -> None:
    if padding not in ("valid", "same"):
        raise ValueError(f"padding is {padding!r}; choose 'valid' or 'same'.")


# --------------------------------------------------------------------------------------------------
# Sizes along one axis
# --------------------------------------------------------------------------------------------------


def span(kernel: int, dilation: int = 1) -> int:
    """Pixels from the first to the last of a dilated kernel: ``(kernel - 1) * dilation + 1``."""
    _require_counts(kernel=kernel, dilation=dilation)
    return (kernel - 1) * dilation + 1


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

    Raises
    ------
    ValueError
        A setting that is none of these, or a kernel that does not fit into the input.

    References
    ----------
    Lesson 02, section 4. V. Dumoulin, F. Visin, "A guide to convolution arithmetic for deep
    learning", 2016, arXiv:1603.07285, chapters 2 and 5.1.
    """
    _require_counts(size=size, stride=stride)
    _require_padding(padding)
    reach = span(kernel, dilation)
    before, after = padding_widths(size, reach, stride, padding)
    if size + before + after < reach:
        dilated = f" with dilation {dilation}" if dilation > 1 else ""
        raise ValueError(
            f"A kernel of {kernel}{dilated} spans {reach} pixels and does not fit into {size}; "
            "choose padding 'same', a smaller kernel or a larger input."
        )
    return (size + before + after - reach) // stride + 1


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
    _require_counts(size=size, stride=stride)
    _require_padding(padding)
    reach = span(kernel, dilation)
    if padding == "same":
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
    size, jump = 1, 1
    for kernel, stride, *dilation in layers:
        _require_counts(stride=stride)
        size += (span(kernel, *dilation) - 1) * jump
        jump *= stride
    return Receptive(size, jump)


# --------------------------------------------------------------------------------------------------
# Whole layers
# --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Settings:
    """A layer as its constructor in Keras is told; every kernel is square.

    Attributes
    ----------
    kind
        One of ``KINDS``.
    filters
        Filters, or units of a dense layer; without meaning for depthwise layers and poolings.
    kernel, stride, padding, dilation
        As in Keras, the same along all axes.
    groups
        Groups of a grouped convolution.
    """

    kind: str
    filters: int = 1
    kernel: int = 3
    stride: int = 1
    padding: str = "valid"
    dilation: int = 1
    groups: int = 1


@dataclass(frozen=True)
class Dimensions:
    """What `describe` finds.

    Attributes
    ----------
    shape
        Of the output, without the batch axis.
    parameters
        Weights and biases.
    multiply_adds
        For one picture, biases not counted; 0 for poolings, which only compare or add.
    receptive_field
        Input pixels a side that one output number depends on.
    formulas
        Name -> how the number above comes about, with the numbers filled in.
    """

    shape: tuple[int, ...]
    parameters: int
    multiply_adds: int
    receptive_field: int
    formulas: dict[str, str] = field(default_factory=dict, compare=False)


def describe(layer: Settings, shape: tuple[int, ...]) -> Dimensions:
    """Output shape, parameters, multiply-adds and receptive field of one layer, before it is built.

    Parameters
    ----------
    layer
        Which layer.
    shape
        Of its input, without the batch axis: ``(height, width, channels)`` for layers in two
        dimensions, one axis less or more for Conv1D and Conv3D, ``(inputs,)`` for Dense.

    Raises
    ------
    ValueError
        A setting that the layer does not take, a shape of another rank, a kernel that does not
        fit, a stride together with a dilation (which Keras refuses for plain and transposed
        convolutions), or groups that do not divide the channels.

    References
    ----------
    Lesson 02, sections 3 to 8.
    """
    _check_layer(layer, shape)
    *sizes, channels = shape
    if layer.kind == "Dense":
        return _dense(layer.filters, channels)
    if layer.kind in GLOBAL_POOLINGS:
        text = f"every map of {_times(sizes)} becomes one number"
        return Dimensions((channels,), 0, 0, max(sizes), {"shape": text})
    sizes_out = tuple(_one_axis(layer, size) for size in sizes)
    costs = _pooling if layer.kind in POOLINGS else _convolution
    channels_out, parameters, multiply_adds, formulas = costs(layer, channels, sizes, sizes_out)
    reach = span(layer.kernel, layer.dilation)
    if layer.kind == "Conv2DTranspose":  # an output pixel is reached from every stride-th place
        reach = math.ceil(reach / layer.stride)
    formulas = {"size": _size_formula(layer, sizes[0], sizes_out[0])} | formulas
    return Dimensions((*sizes_out, channels_out), parameters, multiply_adds, reach, formulas)


def _check_layer(layer: Settings, shape: tuple[int, ...]) -> None:
    if layer.kind not in KINDS:
        raise ValueError(f"There is no layer {layer.kind!r} here; choose {', '.join(KINDS)}.")
    if len(shape) != axes(layer.kind) + 1:
        raise ValueError(
            f"The input of {layer.kind} has {axes(layer.kind) + 1} axes, channels last and without "
            f"the batch; {tuple(shape)} has {len(shape)}."
        )
    for number in shape:
        _require_counts(size=number)
    _require_counts(filters=layer.filters, groups=layer.groups)
    if layer.stride > 1 and layer.dilation > 1 and layer.kind in _STRIDE_OR_DILATION:
        raise ValueError(
            f"Stride {layer.stride} together with dilation {layer.dilation}: in a {layer.kind} "
            "Keras computes one or the other; set one of them to 1."
        )
    if layer.groups > 1 and layer.kind in HAS_GROUPS:
        for what, number in (("input channels", shape[-1]), ("filters", layer.filters)):
            if number % layer.groups:
                raise ValueError(
                    f"{number} {what} cannot be dealt out to {layer.groups} groups; choose groups "
                    f"that divide {number}."
                )


def _one_axis(layer: Settings, size: int) -> int:
    rule = transposed_size if layer.kind == "Conv2DTranspose" else output_size
    dilation = layer.dilation if layer.kind in HAS_DILATION else 1
    return rule(size, layer.kernel, layer.stride, layer.padding, dilation)


def _dense(units: int, inputs: int) -> Dimensions:
    formulas = {
        "parameters": f"({inputs} + 1) x {units} = {(inputs + 1) * units:,}",
        "multiply-adds": f"{inputs} x {units} = {inputs * units:,}",
    }
    return Dimensions((units,), (inputs + 1) * units, inputs * units, inputs, formulas)


def _pooling(
    layer: Settings, channels: int, _sizes: list[int], _sizes_out: tuple[int, ...]
) -> tuple[int, int, int, dict[str, str]]:
    text = "nothing is learned, channels stay apart"
    return channels, 0, 0, {"parameters": f"0: {text}"}


def _convolution(
    layer: Settings, channels: int, sizes: list[int], sizes_out: tuple[int, ...]
) -> tuple[int, int, int, dict[str, str]]:
    """Channels, parameters and multiply-adds, with their formulas."""
    window = layer.kernel ** len(sizes)
    shown = _times([layer.kernel] * len(sizes))
    filters, places = layer.filters, math.prod(sizes_out)
    # A transposed convolution lays its kernel down once for each *input* pixel.
    laid = math.prod(sizes) if layer.kind == "Conv2DTranspose" else places
    if layer.kind == "DepthwiseConv2D":
        filters, weights, per_place = channels, window * channels, window * channels
        text = f"({shown} + 1) x {channels}"
    elif layer.kind == "SeparableConv2D":
        weights = per_place = window * channels + channels * filters
        text = f"{shown} x {channels} + ({channels} + 1) x {filters}"
    else:
        seen = channels // (layer.groups if layer.kind in HAS_GROUPS else 1)
        weights = per_place = window * seen * filters
        text = f"({shown} x {seen} + 1) x {filters}"
    parameters, multiply_adds = weights + filters, laid * per_place
    formulas = {
        "parameters": f"{text} = {parameters:,}",
        "multiply-adds": f"{laid:,} places x {per_place:,} weights = {multiply_adds:,}",
    }
    return filters, parameters, multiply_adds, formulas


def _size_formula(layer: Settings, size: int, result: int) -> str:
    kernel, stride, dilation = layer.kernel, layer.stride, layer.dilation
    if layer.kind not in HAS_DILATION:
        dilation = 1
    reach = span(kernel, dilation)
    if layer.kind == "Conv2DTranspose":
        if layer.padding == "same":
            return f"{size} x {stride} = {result}"
        return f"({size} - 1) x {stride} + max({reach}, {stride}) = {result}"
    if layer.padding == "same":
        return f"ceil({size} / {stride}) = {result}"
    shown = f"{kernel}" if dilation == 1 else f"(({kernel} - 1) x {dilation} + 1)"
    return f"floor(({size} - {shown}) / {stride}) + 1 = {result}"


def _times(numbers: Iterable[int]) -> str:
    return " x ".join(map(str, numbers))


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


def table(model: keras.Model, shape: tuple[int, ...]) -> list[Row]:
    """Shape, parameters and multiply-adds of every layer of a network, for one picture.

    Parameters
    ----------
    model
        A functional or sequential Keras model with one input; its weights are not touched.
    shape
        Of one picture, without the batch axis; for models that take any size, the size wanted.

    Returns
    -------
    list of Row
        In the model's order, without the input. ``parameters`` are Keras' count;
        ``multiply_adds`` those of convolutions and dense layers by `describe`, 0 for all others.

    Raises
    ------
    ValueError
        A convolution that `settings_of` refuses, such as one whose kernel differs between axes.
    """
    from course_utils.quiet import keras

    known = getattr(model, "input_shape", ())[1:]  # a sequential model may have none yet
    if known != tuple(shape):
        model = outline(keras.models.clone_model, model, input_tensors=keras.Input(shape))
    rows = []
    for layer in model.layers:
        kind = type(layer).__name__
        if kind == "InputLayer":
            continue
        counted = 0
        if kind in (*CONVOLUTIONS, "Dense"):
            # A dense layer behind an axis of places works at each of them.
            *places, inputs = layer.input.shape[1:]
            taken = (inputs,) if kind == "Dense" else (*places, inputs)
            times = math.prod(places) if kind == "Dense" else 1
            counted = times * describe(settings_of(layer), taken).multiply_adds
        rows.append(Row(layer.name, kind, layer.output.shape[1:], layer.count_params(), counted))
    return rows


def settings_of(layer: keras.Layer) -> Settings:
    """The settings of a Keras layer, as `describe` takes them.

    Raises
    ------
    ValueError
        The layer is none of ``KINDS``, a setting differs between its axes, or a depthwise layer
        has several slices for each channel.
    """
    kind, config = type(layer).__name__, layer.get_config()
    if kind not in KINDS:
        raise ValueError(f"{layer.name} is a {kind}; known are {', '.join(KINDS)}.")
    window = "pool_size" if kind in POOLINGS else "kernel_size"
    found = {
        "filters": config.get("filters") or config.get("units") or 1,
        "kernel": config.get(window, 1),
        "stride": config.get("strides", 1),
        "dilation": config.get("dilation_rate", 1),
        "groups": config.get("groups", 1),
    }
    for name, value in found.items():
        if isinstance(value, tuple | list):
            if len(set(value)) > 1:
                raise ValueError(f"{layer.name} has {name} {tuple(value)}; give the same all ways.")
            found[name] = value[0]
    slices = config.get("depth_multiplier", 1)
    if slices != 1:
        raise ValueError(f"{layer.name} has depth_multiplier {slices}; only 1 is known here.")
    return Settings(kind, padding=config.get("padding", "valid"), **found)


def receptive_fields(model: keras.Model) -> dict[str, Receptive]:
    """Receptive field of each convolution and pooling of a network that is one chain of layers.

    Parameters
    ----------
    model
        A Keras model without branches. Layers that work pixel by pixel change nothing; the chain
        ends at the first layer that mixes all pixels, such as a global pooling.

    Returns
    -------
    dict
        Name of the layer -> `Receptive`, in pixels of the input.

    Raises
    ------
    ValueError
        A layer with several inputs.
    """
    chain, fields = [], {}
    for layer in model.layers:
        kind = type(layer).__name__
        if isinstance(layer.input, list) and len(layer.input) > 1:
            raise ValueError(
                f"{layer.name} joins several branches; give a model that is one chain."
            )
        if kind in GLOBAL_POOLINGS or kind in ("Flatten", "Dense"):
            break
        if kind in HAS_KERNEL and kind != "Conv2DTranspose":
            settings = settings_of(layer)
            chain.append((settings.kernel, settings.stride, settings.dilation))
            fields[layer.name] = receptive_field(chain)
    return fields
