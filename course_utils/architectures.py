"""Well-known networks as short functions that read like the figures of their papers: lesson 05.

Blocks take feature maps (symbolic Keras tensors) and return feature maps; networks return a
`keras.Model` with random weights that gives logits. Sizes are in pixels, shapes stand without the
batch axis, and all counts of parameters include batch normalization's moving averages, as Keras
counts them.
"""

from __future__ import annotations

import csv
import functools
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import data, dimensions, networks

if TYPE_CHECKING:
    import keras

#: Feature maps on their way through a network: a symbolic tensor of Keras.
Maps = Any

# --------------------------------------------------------------------------------------------------
# 1998 to 2014: chains of layers
# --------------------------------------------------------------------------------------------------

#: Which of the six maps of the layer below each of LeNet-5's sixteen C3 maps sees.
LENET_CONNECTIONS = (
    *((n, (n + 1) % 6, (n + 2) % 6) for n in range(6)),
    *((n, (n + 1) % 6, (n + 2) % 6, (n + 3) % 6) for n in range(6)),
    *((n, (n + 1) % 6, (n + 3) % 6, (n + 4) % 6) for n in range(3)),
    (0, 1, 2, 3, 4, 5),
)


def lenet5(classes: int = 10) -> keras.Model:
    """LeNet-5 as it is built today: every map of C3 sees all maps below, pooling learns nothing.

    Parameters
    ----------
    classes
        Number of logits.

    Returns
    -------
    keras.Model
        (n, 32, 32, 1) -> (n, classes) logits; 61,706 parameters for ten classes.

    References
    ----------
    Lesson 05, section 2. Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning
    applied to document recognition", 1998, section II.B; `LENET_CONNECTIONS` is its table I.
    """
    from course_utils.quiet import keras

    layers = keras.layers
    image = keras.Input((32, 32, 1))
    maps = layers.Conv2D(6, 5, activation="tanh", name="C1")(image)
    maps = layers.AveragePooling2D(2, name="S2")(maps)
    maps = layers.Conv2D(16, 5, activation="tanh", name="C3")(maps)
    maps = layers.AveragePooling2D(2, name="S4")(maps)
    maps = layers.Conv2D(120, 5, activation="tanh", name="C5")(maps)
    vector = layers.Flatten(name="flatten")(maps)
    vector = layers.Dense(84, activation="tanh", name="F6")(vector)
    return keras.Model(image, layers.Dense(classes, name="logits")(vector), name="lenet5")


def alexnet(classes: int = 10, batch_norm: bool = True, groups: int = 1) -> keras.Model:
    """AlexNet for pictures of 227 x 227 pixels.

    Parameters
    ----------
    classes
        Number of logits; the network of 2012 has 1,000.
    batch_norm
        Batch normalization (2015) behind each convolution, in place of the local response
        normalization of 2012, which is left out: it has no parameters.
    groups
        2: the second, fourth and fifth convolution are split, as they were between two GPUs.

    Returns
    -------
    keras.Model
        (n, 227, 227, 3) -> (n, classes) logits.

    References
    ----------
    Lesson 05, section 3. A. Krizhevsky, I. Sutskever, G. Hinton, "ImageNet classification with
    deep convolutional neural networks", 2012, section 3. (Its text says 224 pixels; the sizes of
    its maps need 227.)
    """
    from course_utils.quiet import keras

    layers = keras.layers
    image = maps = keras.Input((227, 227, 3))
    convolutions = (  # filters, kernel, stride, groups
        (96, 11, 4, 1),
        (256, 5, 1, groups),
        (384, 3, 1, 1),
        (384, 3, 1, groups),
        (256, 3, 1, groups),
    )
    for number, (filters, kernel, stride, split) in enumerate(convolutions, start=1):
        padding = "valid" if number == 1 else "same"
        maps = layers.Conv2D(
            filters, kernel, stride, padding, groups=split, activation="relu", name=f"conv{number}"
        )(maps)
        if batch_norm:
            maps = layers.BatchNormalization(name=f"norm{number}")(maps)
        if number in (1, 2, 5):
            maps = layers.MaxPooling2D(3, strides=2, name=f"pool{number}")(maps)
    vector = layers.Flatten(name="flatten")(maps)
    for number in (6, 7):
        vector = layers.Dense(4096, activation="relu", name=f"fc{number}")(vector)
        vector = layers.Dropout(0.5, name=f"drop{number}")(vector)
    return keras.Model(image, layers.Dense(classes, name="logits")(vector), name="alexnet")


#: Convolutions in each of the five blocks, by the number of layers with weights.
VGG_DEPTHS = {16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
VGG_WIDTHS = (64, 128, 256, 512, 512)


def vgg(depth: int = 16, top: bool = True, classes: int = 1000) -> keras.Model:
    """VGG-16 or VGG-19, with the layer names of ``keras.applications``.

    Parameters
    ----------
    depth
        16 or 19.
    top
        With the three dense layers, or only the five blocks.
    classes
        Number of logits.

    Returns
    -------
    keras.Model
        (n, 224, 224, 3) -> (n, classes) logits, or (n, 7, 7, 512) without top.

    Raises
    ------
    ValueError
        Another depth.

    References
    ----------
    Lesson 05, section 4. K. Simonyan, A. Zisserman, "Very deep convolutional networks for
    large-scale image recognition", 2014, arXiv:1409.1556, table 1, columns D and E.
    """
    from course_utils.quiet import keras

    if depth not in VGG_DEPTHS:
        raise ValueError(f"There is no VGG-{depth} here; choose depth 16 or 19.")
    layers = keras.layers
    image = maps = keras.Input((224, 224, 3))
    for block, (width, convs) in enumerate(
        zip(VGG_WIDTHS, VGG_DEPTHS[depth], strict=True), start=1
    ):
        for conv in range(1, convs + 1):
            maps = layers.Conv2D(
                width, 3, padding="same", activation="relu", name=f"block{block}_conv{conv}"
            )(maps)
        maps = layers.MaxPooling2D(2, name=f"block{block}_pool")(maps)
    if not top:
        return keras.Model(image, maps, name=f"vgg{depth}_no_top")
    vector = layers.Flatten(name="flatten")(maps)
    for name in ("fc1", "fc2"):
        vector = layers.Dense(4096, activation="relu", name=name)(vector)
    return keras.Model(image, layers.Dense(classes, name="logits")(vector), name=f"vgg{depth}")


# --------------------------------------------------------------------------------------------------
# 2014: GoogLeNet
# --------------------------------------------------------------------------------------------------


def inception_naive(maps: Maps, ones: int, threes: int, fives: int) -> Maps:
    """Inception module without reduction: 1x1, 3x3, 5x5 and a pooling side by side, concatenated.

    Parameters
    ----------
    maps
        (n, h, w, channels).
    ones, threes, fives
        Filters of the three convolutions.

    Returns
    -------
    (n, h, w, ones + threes + fives + channels)

    References
    ----------
    Lesson 05, section 6. C. Szegedy and others, "Going deeper with convolutions", 2014,
    arXiv:1409.4842, figure 2a.
    """
    from course_utils.quiet import keras

    branches = [
        _conv(maps, filters, kernel) for filters, kernel in ((ones, 1), (threes, 3), (fives, 5))
    ]
    pooled = keras.layers.MaxPooling2D(3, strides=1, padding="same")(maps)
    return keras.layers.Concatenate()([*branches, pooled])


def inception(
    maps: Maps, ones: int, reduce3: int, threes: int, reduce5: int, fives: int, pool: int
) -> Maps:
    """Inception module with reduction: a 1x1 convolution before 3x3 and 5x5, and after the pooling.

    Parameters
    ----------
    maps
        (n, h, w, channels).
    ones, threes, fives
        Filters of the 1x1, 3x3 and 5x5 convolutions.
    reduce3, reduce5
        Channels to which the inputs of 3x3 and 5x5 are reduced.
    pool
        Channels to which the pooled maps are reduced.

    Returns
    -------
    (n, h, w, ones + threes + fives + pool)

    References
    ----------
    Lesson 05, section 6. Szegedy and others, 2014, figure 2b.
    """
    from course_utils.quiet import keras

    pooled = keras.layers.MaxPooling2D(3, strides=1, padding="same")(maps)
    return keras.layers.Concatenate()(
        [
            _conv(maps, ones, 1),
            _conv(_conv(maps, reduce3, 1), threes, 3),
            _conv(_conv(maps, reduce5, 1), fives, 5),
            _conv(pooled, pool, 1),
        ]
    )


def _conv(maps: Maps, filters: int, kernel: int, stride: int = 1) -> Maps:
    from course_utils.quiet import keras

    return keras.layers.Conv2D(filters, kernel, stride, "same", activation="relu")(maps)


#: Filters of GoogLeNet's nine modules, in the order of `inception`; None stands for a pooling.
GOOGLENET = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "pool3": None,
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "pool4": None,
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


def googlenet(classes: int = 1000, auxiliary: bool = False, size: int = 224) -> keras.Model:
    """GoogLeNet, the first Inception network: 22 layers with weights from input to output.

    The local response normalization of 2014 is left out: it has no parameters.

    Parameters
    ----------
    classes
        Number of logits.
    auxiliary
        With the two outputs on the way (behind 4a and 4d), which are for training only.
    size
        Side of the pictures, a multiple of 32 from 224.

    Returns
    -------
    keras.Model
        (n, size, size, 3) -> logits, or a dictionary of three with the keys ``"main"``,
        ``"auxiliary 4a"`` and ``"auxiliary 4d"``.

    References
    ----------
    Lesson 05, section 6. Szegedy and others, 2014, table 1 and figure 3.
    """
    from course_utils.quiet import keras

    layers = keras.layers
    image = keras.Input((size, size, 3))
    maps = layers.MaxPooling2D(3, 2, "same")(_conv(image, 64, 7, stride=2))
    maps = layers.MaxPooling2D(3, 2, "same")(_conv(_conv(maps, 64, 1), 192, 3))
    outputs = {}
    for name, filters in GOOGLENET.items():
        if filters is None:
            maps = layers.MaxPooling2D(3, 2, "same", name=name)(maps)
        else:
            maps = inception(maps, *filters)
        if auxiliary and name in ("4a", "4d"):
            outputs[f"auxiliary {name}"] = _auxiliary(maps, classes)
    vector = layers.Dropout(0.4)(layers.GlobalAveragePooling2D()(maps))
    outputs["main"] = layers.Dense(classes, name="logits")(vector)
    return keras.Model(image, outputs if auxiliary else outputs["main"], name="googlenet")


def _auxiliary(maps: Maps, classes: int) -> Maps:
    from course_utils.quiet import keras

    layers = keras.layers
    maps = _conv(layers.AveragePooling2D(5, strides=3)(maps), 128, 1)
    vector = layers.Dense(1024, activation="relu")(layers.Flatten()(maps))
    return layers.Dense(classes)(layers.Dropout(0.7)(vector))


# --------------------------------------------------------------------------------------------------
# 2015: ResNet
# --------------------------------------------------------------------------------------------------


def conv_norm(
    maps: Maps,
    filters: int,
    kernel: int,
    stride: int = 1,
    activation: str | None = "relu",
    bias: bool = False,
    momentum: float = 0.9,
) -> Maps:
    """A convolution, batch normalization, and an activation.

    Parameters
    ----------
    maps
        (n, h, w, channels).
    filters, kernel, stride
        Of the convolution; padding is ``"same"``.
    activation
        Name of a Keras activation, or None for none.
    bias
        A bias in front of a normalization has no effect: the mean takes it out again.
    momentum
        Of the moving averages. Keras' .99 needs hundreds of steps; short runs need .9 (lesson 04).
    """
    from course_utils.quiet import keras

    layers = keras.layers
    maps = layers.Conv2D(
        filters, kernel, stride, "same", use_bias=bias, kernel_initializer="he_normal"
    )(maps)
    maps = layers.BatchNormalization(momentum=momentum)(maps)
    return layers.Activation(activation)(maps) if activation else maps


def building_block(
    maps: Maps, filters: int, stride: int = 1, shortcut: str = "projection", bias: bool = False
) -> Maps:
    """Two 3x3 convolutions, and a shortcut around them.

    Parameters
    ----------
    maps
        (n, h, w, channels).
    filters
        Of both convolutions.
    stride
        Of the first one.
    shortcut
        The identity, except where the stride or the number of channels forbids it: there
        ``"zeros"`` takes every stride-th pixel and fills up with channels of zeros (no parameters;
        option A of the paper), ``"projection"`` is a 1x1 convolution (option B). ``"none"`` leaves
        the shortcut out: two layers of a plain network.
    bias
        As in `conv_norm`.

    Raises
    ------
    ValueError
        Another kind of shortcut.

    References
    ----------
    Lesson 05, section 7. K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image
    recognition", 2015, arXiv:1512.03385, figure 5, left.
    """
    inner = conv_norm(maps, filters, 3, stride, bias=bias)
    inner = conv_norm(inner, filters, 3, activation=None, bias=bias)
    return _joined(maps, inner, stride, shortcut, bias)


def bottleneck(maps: Maps, filters: int, stride: int = 1, bias: bool = False) -> Maps:
    """1x1 down to ``filters``, 3x3, 1x1 up to four times as many, and a shortcut around them.

    Parameters as in `building_block`; the stride is that of the first convolution, as in 2015.

    References
    ----------
    Lesson 05, section 7. He and others, 2015, figure 5, right.
    """
    inner = conv_norm(maps, filters, 1, stride, bias=bias)
    inner = conv_norm(inner, filters, 3, bias=bias)
    inner = conv_norm(inner, 4 * filters, 1, activation=None, bias=bias)
    return _joined(maps, inner, stride, "projection", bias)


def _joined(maps: Maps, inner: Maps, stride: int, shortcut: str, bias: bool) -> Maps:
    from course_utils.quiet import keras

    if shortcut not in ("none", "zeros", "projection"):
        raise ValueError(f"shortcut is {shortcut!r}; choose 'none', 'zeros' or 'projection'.")
    channels = inner.shape[-1]
    if shortcut != "none":
        if stride > 1 or maps.shape[-1] != channels:
            if shortcut == "projection":
                maps = conv_norm(maps, channels, 1, stride, activation=None, bias=bias)
            else:
                maps = keras.layers.AveragePooling2D(1, stride)(maps)  # a window of one: a choice
                missing = channels - maps.shape[-1]
                maps = keras.ops.pad(maps, ((0, 0), (0, 0), (0, 0), (0, missing)))
        inner = keras.layers.Add()([inner, maps])
    return keras.layers.Activation("relu")(inner)


def small_resnet(
    depth: int,
    residual: bool = True,
    width: int = 16,
    shape: tuple[int, int, int] = (32, 32, 3),
    classes: int = 10,
) -> keras.Model:
    """The networks that the ResNet paper compares on small pictures: three stages of 3x3 layers.

    Parameters
    ----------
    depth
        Layers with weights from input to output: 6n + 2 with n blocks in each stage.
    residual
        With shortcuts (of zeros where channels are added, so without any more weights), or plain.
    width
        Filters of the first stage; the second and third have two and four times as many.
    shape
        Of one picture.
    classes
        Number of logits.

    Raises
    ------
    ValueError
        A depth that is not 6n + 2.

    References
    ----------
    Lesson 05, section 7. He and others, 2015, section 4.2.
    """
    from course_utils.quiet import keras

    if depth < 8 or depth % 6 != 2:
        raise ValueError(f"depth is {depth}; give 6n + 2, such as 14, 20 or 38.")
    image = keras.Input(shape)
    maps = conv_norm(image, width, 3)
    for stage in range(3):
        for block in range((depth - 2) // 6):
            stride = 2 if stage and not block else 1
            maps = building_block(maps, width * 2**stage, stride, "zeros" if residual else "none")
    vector = keras.layers.GlobalAveragePooling2D()(maps)
    kind = "residual" if residual else "plain"
    return keras.Model(image, keras.layers.Dense(classes)(vector), name=f"{kind}_{depth}")


#: Blocks in each of the four stages, and the kind of block.
RESNETS = {
    18: ((2, 2, 2, 2), building_block),
    34: ((3, 4, 6, 3), building_block),
    50: ((3, 4, 6, 3), bottleneck),
    101: ((3, 4, 23, 3), bottleneck),
    152: ((3, 8, 36, 3), bottleneck),
}


def resnet(depth: int = 50, classes: int = 1000) -> keras.Model:
    """ResNet-18, 34, 50, 101 or 152 for pictures of 224 x 224 pixels.

    Its convolutions have biases, superfluous as they are, because those of ``keras.applications``
    have them: so the counts can be compared to the last weight.

    Raises
    ------
    ValueError
        Another depth.

    References
    ----------
    Lesson 05, section 7. He and others, 2015, table 1.
    """
    from course_utils.quiet import keras

    if depth not in RESNETS:
        raise ValueError(
            f"There is no ResNet-{depth} here; choose depth {', '.join(map(str, RESNETS))}."
        )
    blocks, block = RESNETS[depth]
    image = keras.Input((224, 224, 3))
    maps = conv_norm(image, 64, 7, stride=2, bias=True)
    maps = keras.layers.MaxPooling2D(3, 2, "same")(maps)
    for stage, count in enumerate(blocks):
        for number in range(count):
            stride = 2 if stage and not number else 1
            maps = block(maps, 64 * 2**stage, stride, bias=True)
    vector = keras.layers.GlobalAveragePooling2D()(maps)
    logits = keras.layers.Dense(classes, name="logits")(vector)
    return keras.Model(image, logits, name=f"resnet{depth}")


# --------------------------------------------------------------------------------------------------
# 2016: Xception
# --------------------------------------------------------------------------------------------------


def separable(maps: Maps, filters: int, first: str | None = "relu") -> Maps:
    """Xception's unit: an activation (or None), a separable 3x3 convolution, batch normalization.

    A separable convolution is a depthwise 3x3, each channel by itself, and a pointwise 1x1.
    """
    from course_utils.quiet import keras

    layers = keras.layers
    maps = layers.Activation(first)(maps) if first else maps
    maps = layers.SeparableConv2D(filters, 3, padding="same", use_bias=False)(maps)
    return layers.BatchNormalization()(maps)


def xception(classes: int = 1000) -> keras.Model:
    """Xception: 36 convolutions in 14 blocks, 12 of them with a shortcut.

    Returns
    -------
    keras.Model
        (n, 299, 299, 3) -> (n, classes) logits.

    References
    ----------
    Lesson 05, section 8. F. Chollet, "Xception: deep learning with depthwise separable
    convolutions", 2016, arXiv:1610.02357, figure 5.
    """
    from course_utils.quiet import keras

    layers = keras.layers
    image = maps = keras.Input((299, 299, 3))
    for filters, stride in ((32, 2), (64, 1)):
        maps = layers.Conv2D(filters, 3, stride, use_bias=False)(maps)
        maps = layers.Activation("relu")(layers.BatchNormalization()(maps))
    for number, filters in enumerate((128, 256, 728)):  # entry flow
        inner = separable(maps, filters, first="relu" if number else None)
        inner = separable(inner, filters)
        maps = _halved(maps, inner, filters)
    for _ in range(8):  # middle flow
        inner = maps
        for _ in range(3):
            inner = separable(inner, 728)
        maps = layers.Add()([maps, inner])
    maps = _halved(maps, separable(separable(maps, 728), 1024), 1024)  # exit flow
    for filters in (1536, 2048):
        maps = layers.Activation("relu")(separable(maps, filters, first=None))
    vector = layers.GlobalAveragePooling2D()(maps)
    return keras.Model(image, layers.Dense(classes, name="logits")(vector), name="xception")


def _halved(maps: Maps, inner: Maps, filters: int) -> Maps:
    from course_utils.quiet import keras

    inner = keras.layers.MaxPooling2D(3, 2, "same")(inner)
    return keras.layers.Add()([inner, conv_norm(maps, filters, 1, stride=2, activation=None)])


# --------------------------------------------------------------------------------------------------
# 2019: EfficientNet
# --------------------------------------------------------------------------------------------------


def mbconv(
    maps: Maps, filters: int, kernel: int = 3, stride: int = 1, expand: int = 6, squeeze: int = 4
) -> Maps:
    """Inverted bottleneck with squeeze and excitation, the block of EfficientNet.

    1x1 up to ``expand`` times the channels, depthwise k x k, one weight per channel computed from
    all channels' averages (squeeze and excitation), 1x1 down to ``filters`` without activation;
    and a shortcut where input and output have the same shape.

    Parameters
    ----------
    maps
        (n, h, w, channels).
    filters
        Channels of the output.
    kernel, stride
        Of the depthwise convolution.
    expand
        Factor of the first step; 1 leaves it out.
    squeeze
        The averages pass through ``channels / squeeze`` units.

    References
    ----------
    Lesson 05, section 9. M. Sandler and others, "MobileNetV2: inverted residuals and linear
    bottlenecks", 2018, arXiv:1801.04381; J. Hu, L. Shen, G. Sun, "Squeeze-and-excitation
    networks", 2017, arXiv:1709.01507.
    """
    from course_utils.quiet import keras

    layers = keras.layers
    channels = maps.shape[-1]
    inner = conv_norm(maps, expand * channels, 1, activation="swish") if expand > 1 else maps
    inner = layers.DepthwiseConv2D(kernel, stride, "same", use_bias=False)(inner)
    inner = layers.Activation("swish")(layers.BatchNormalization(momentum=0.9)(inner))
    inner = squeeze_excite(inner, max(1, channels // squeeze))
    inner = conv_norm(inner, filters, 1, activation=None)
    return layers.Add()([inner, maps]) if stride == 1 and filters == channels else inner


def squeeze_excite(maps: Maps, units: int) -> Maps:
    """Multiply each channel by a weight in (0, 1) that depends on the averages of all channels."""
    from course_utils.quiet import keras

    layers = keras.layers
    weights = layers.GlobalAveragePooling2D(keepdims=True)(maps)
    weights = layers.Conv2D(units, 1, activation="swish")(weights)
    weights = layers.Conv2D(maps.shape[-1], 1, activation="sigmoid")(weights)
    return layers.Multiply()([maps, weights])


#: EfficientNet-B0's seven stages: expansion, channels, blocks, stride, kernel.
EFFICIENTNET_B0 = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)

#: Width factor, depth factor and side of the pictures of the networks that were published.
EFFICIENTNETS = {
    "B0": (1.0, 1.0, 224),
    "B1": (1.0, 1.1, 240),
    "B2": (1.1, 1.2, 260),
    "B3": (1.2, 1.4, 300),
    "B4": (1.4, 1.8, 380),
    "B5": (1.6, 2.2, 456),
    "B6": (1.8, 2.6, 528),
    "B7": (2.0, 3.1, 600),
}


def efficientnet(width: float = 1.0, depth: float = 1.0, size: int = 224) -> keras.Model:
    """EfficientNet-B0, scaled.

    Parameters
    ----------
    width
        Factor of all numbers of channels, which are then rounded to multiples of 8.
    depth
        Factor of all numbers of blocks, which are then rounded up.
    size
        Side of the pictures in pixels.

    Returns
    -------
    keras.Model
        (n, size, size, 3) normalized RGB -> (n, 1000) logits.

    References
    ----------
    Lesson 05, section 9. M. Tan, Q. Le, "EfficientNet: rethinking model scaling for convolutional
    neural networks", 2019, arXiv:1905.11946, table 1.
    """
    from course_utils.quiet import keras

    image = keras.Input((size, size, 3))
    maps = conv_norm(image, rounded(32 * width), 3, stride=2, activation="swish")
    for expand, filters, blocks, stride, kernel in EFFICIENTNET_B0:
        for number in range(math.ceil(blocks * depth)):
            first = stride if number == 0 else 1
            maps = mbconv(maps, rounded(filters * width), kernel, first, expand)
    maps = conv_norm(maps, rounded(1280 * width), 1, activation="swish")
    vector = keras.layers.Dropout(0.2)(keras.layers.GlobalAveragePooling2D()(maps))
    return keras.Model(image, keras.layers.Dense(1000, name="logits")(vector), name="efficientnet")


def rounded(channels: float) -> int:
    """Nearest multiple of 8, at least 8, and never more than 10 % below ``channels``."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * channels else nearest


class Scaling(NamedTuple):
    """Factors of compound scaling: of depth, width, resolution, and of the multiply-adds."""

    depth: float
    width: float
    resolution: float
    cost: float


def compound(phi: float, alpha: float = 1.2, beta: float = 1.1, gamma: float = 1.15) -> Scaling:
    """Compound scaling: ``depth = alpha**phi``, ``width = beta**phi``, ``resolution = gamma**phi``.

    The multiply-adds of a convolution grow with depth and with the *squares* of width (channels
    in times channels out) and resolution (height times width).

    References
    ----------
    Lesson 05, section 9. Tan, Le, 2019, equation 3.
    """
    depth, width, resolution = alpha**phi, beta**phi, gamma**phi
    return Scaling(depth, width, resolution, depth * width**2 * resolution**2)


# --------------------------------------------------------------------------------------------------
# All of them, counted
# --------------------------------------------------------------------------------------------------

#: Name -> function that builds the network.
NETWORKS: dict[str, Callable[[], Any]] = {
    "LeNet-5": lenet5,
    "AlexNet": functools.partial(alexnet, classes=1000, batch_norm=False, groups=2),
    "AlexNet, 10 classes": alexnet,
    "VGG-16": vgg,
    "VGG-19": functools.partial(vgg, 19),
    "GoogLeNet": googlenet,
    "ResNet-50": resnet,
    "Xception": xception,
    "EfficientNet-B0": efficientnet,
}


@functools.cache
def layer_table(name: str) -> tuple[dimensions.Row, ...]:
    """Shape, parameters and multiply-adds of every layer of one of `NETWORKS`.

    The network is built for that, without values in its weights; its table is kept.

    Raises
    ------
    ValueError
        A name that is not in `NETWORKS`.
    """
    if name not in NETWORKS:
        raise ValueError(f"There is no network {name!r} here; choose {', '.join(NETWORKS)}.")
    model = dimensions.outline(NETWORKS[name])
    return tuple(_numbered(dimensions.table(model, model.input_shape[1:])))


def _numbered(rows: Iterable[dimensions.Row]) -> Iterator[dimensions.Row]:
    """Layers that Keras named itself, numbered from the start of the network, not the session."""
    rows = list(rows)
    stems = [re.sub(r"_\d+$", "", row.name) for row in rows]
    total, seen = Counter(stems), Counter()
    for row, stem in zip(rows, stems, strict=True):
        if stem.replace("_", "") != row.kind.lower():  # a name that was given
            yield row
            continue
        seen[stem] += 1
        yield row._replace(name=stem if total[stem] == 1 else f"{stem}_{seen[stem]}")


def count(
    block: Callable[[Maps], Maps], shape: tuple[int, int, int]
) -> tuple[tuple[int, ...], int, int]:
    """Output shape, parameters and multiply-adds of a block.

    Parameters
    ----------
    block
        From maps to maps, for example ``lambda maps: inception_naive(maps, 64, 128, 32)``, or a
        layer, of which a copy is counted.
    shape
        Of its input: (height, width, channels).
    """
    from course_utils.quiet import keras

    if isinstance(block, keras.Layer):  # itself it would be left without values
        block = type(block).from_config(block.get_config())

    def build() -> keras.Model:
        maps = keras.Input(shape)
        return keras.Model(maps, block(maps))

    model = dimensions.outline(build)
    rows = dimensions.table(model, shape)
    return model.output_shape[1:], model.count_params(), sum(row.multiply_adds for row in rows)


# --------------------------------------------------------------------------------------------------
# Tables of data
# --------------------------------------------------------------------------------------------------

_NUMBERS = ("top1_percent", "top5_percent", "cpu_ms", "gpu_ms", "top5_error_percent")
_COUNTS = ("parameters", "depth", "size_mb", "input_size", "multiply_adds", "year")


def read_table(name: str) -> list[dict[str, Any]]:
    """A table of ``data/tables``, numbers as numbers, empty fields as None.

    Parameters
    ----------
    name
        ``"keras_applications"`` or ``"ilsvrc_errors"``; ``data/README.md`` says what the columns
        mean.
    """
    with data.path(f"tables/{name}.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))

    def value(column: str, text: str) -> Any:
        if not text:
            return None
        return int(text) if column in _COUNTS else float(text) if column in _NUMBERS else text

    return [{column: value(column, text) for column, text in row.items()} for row in rows]


def pareto(costs: ArrayLike, values: ArrayLike) -> NDArray[np.bool_]:
    """Which of some choices are on the front: no other is at least as cheap *and* as good.

    Of several that are equal in both, all are on the front.

    Parameters
    ----------
    costs, values
        One number a choice, shape (n,): the smaller cost and the larger value are the better ones.

    Returns
    -------
    ndarray of bool, shape (n,)

    Raises
    ------
    ValueError
        The two differ in length or are no rows of numbers, or hold NaN.
    """
    costs, values = np.asarray(costs, float), np.asarray(values, float)
    if costs.ndim != 1 or costs.shape != values.shape:
        raise ValueError(
            f"costs and values have the shapes {costs.shape} and {values.shape}; give two rows of "
            "the same length."
        )
    if np.isnan(costs).any() or np.isnan(values).any():
        raise ValueError("costs or values hold NaN; leave these choices out.")
    no_worse = (costs[:, None] <= costs) & (values[:, None] >= values)
    better = no_worse & ((costs[:, None] < costs) | (values[:, None] > values))
    return ~better.any(axis=0)


def text_table(
    rows: Iterable[dict[str, Any]],
    columns: Sequence[str],
    by: str | None = None,
    largest_first: bool = True,
) -> str:
    """Rows as lines of text under a heading, sorted if wanted.

    Parameters
    ----------
    rows
        Dictionaries; numbers are set to the right, None is an empty field.
    columns
        Keys to show, in this order.
    by
        Key to sort by; rows without a value there come last.
    largest_first
        Direction of sorting.

    Raises
    ------
    ValueError
        A column that the rows do not have; the message lists those they have.
    """
    rows = list(rows)
    for name in [*columns, *([by] if by else [])]:
        if rows and name not in rows[0]:
            raise ValueError(f"There is no column {name!r}; there are {', '.join(rows[0])}.")
    if by:
        known = [row for row in rows if row[by] is not None]
        known.sort(key=lambda row: row[by], reverse=largest_first)
        rows = known + [row for row in rows if row[by] is None]
    cells = [[_shown(row[column]) for column in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    left = [any(isinstance(row[column], str) for row in rows) for column in columns]
    return "\n".join(
        "  ".join(
            f"{text:{'<' if is_text else '>'}{width}}"
            for text, width, is_text in zip(line, widths, left, strict=True)
        ).rstrip()
        for line in [list(columns), *cells]
    )


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return " x ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) else str(value)


def layer_text(rows: Iterable[dimensions.Row]) -> str:
    """Layers as lines of text, with a line of totals."""
    lines = [
        {
            "layer": row.name,
            "output": row.shape,
            "parameters": row.parameters,
            "multiply-adds": row.multiply_adds,
        }
        for row in rows
    ]
    totals = {key: sum(line[key] for line in lines) for key in ("parameters", "multiply-adds")}
    return text_table([*lines, {"layer": "total", "output": (), **totals}], [*lines[0]])


# --------------------------------------------------------------------------------------------------
# A photo on its way through the layers
# --------------------------------------------------------------------------------------------------


def feature_maps(
    photo: NDArray[np.float32], network: networks.Classifier | None = None
) -> dict[str, NDArray[np.float32]]:
    """What the 13 convolutions and 5 poolings of the course's slim VGG-16 make of a photo.

    Parameters
    ----------
    photo
        (height, width, 3), float RGB in [0, 1], at least 32 pixels a side.
    network
        By default as it was trained; with random weights (``networks.load("embedded",
        pretrained=False)``) it serves as a control.

    Returns
    -------
    dict
        ``"block1_conv1"`` ... ``"block5_pool"`` -> (height, width, channels), 0 or more.

    Raises
    ------
    ValueError
        A picture of another shape, or too small.

    References
    ----------
    Lesson 05, section 5.
    """
    shape = np.shape(photo)
    if len(shape) != 3 or shape[2] != 3 or min(shape[:2]) < 32:
        raise ValueError(f"The photo has the shape {shape}; give (height, width, 3), from 32 on.")
    from course_utils.quiet import tf

    network = network or networks.load(networks.EMBEDDED)
    names = [name for name in network.layers if name.startswith("block")]
    signature = [tf.TensorSpec((1, None, None, 3), tf.float32)]
    maps = network.compiled(_with_last_pooling, names, names[-1], signature=signature)(
        np.asarray(photo, np.float32)[None]
    )
    return {name: maps[name][0].numpy() for name in [*names, "block5_pool"]}


def _with_last_pooling(model: keras.Model, last: str, photo: Any) -> dict[str, Any]:
    """The course's network averages its last maps; VGG-16 ends its blocks with one more pooling."""
    from course_utils.quiet import keras

    maps = model(photo, training=False)
    return maps | {"block5_pool": keras.layers.MaxPooling2D()(maps[last])}


def mosaic(maps: NDArray[np.float32], side: int = 288) -> NDArray[np.float32]:
    """All channels of some feature maps as one square picture, row by row.

    Parameters
    ----------
    maps
        (height, width, channels), 0 or more. The layer's largest values (one in 200) are white, so
        that a channel without any answer is black.
    side
        Of the picture in pixels, at least 8 times the number of channels in a row.

    Returns
    -------
    ndarray of float32 in [0, 1], shape (side, side)

    Raises
    ------
    ValueError
        ``side`` leaves too few pixels for a channel.
    """
    height, width, channels = maps.shape
    columns = math.ceil(math.sqrt(channels))
    tile = side // columns
    if tile < 8:
        raise ValueError(f"side is {side}; {channels} channels need {8 * columns} or more.")
    picture = np.full((side, side), 0.35, np.float32)  # gray joints
    rows = np.arange(tile - 1) * height // (tile - 1)
    across = np.arange(tile - 1) * width // (tile - 1)
    scaled = np.clip(maps / max(float(np.quantile(maps, 0.995)), 1e-9), 0, 1)
    for channel in range(channels):
        top, left = (tile * place for place in divmod(channel, columns))
        picture[top : top + tile - 1, left : left + tile - 1] = scaled[
            rows[:, None], across, channel
        ]
    return picture
