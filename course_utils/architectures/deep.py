"""2015 to 2019: shortcuts, separable convolutions, and networks that are scaled."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from course_utils import ask
from course_utils.architectures.early import Maps

if TYPE_CHECKING:
    import keras

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
) -> Maps:
    """A convolution with padding, batch normalization, and an activation of Keras or none.

    A bias in front of a normalization has no effect: the mean takes it out again. The moving
    averages keep .9 of their value at each step: Keras' .99 needs hundreds of steps (lesson 04).
    """
    from course_utils.quiet import keras

    layers = keras.layers
    maps = layers.Conv2D(
        filters, kernel, stride, "same", use_bias=bias, kernel_initializer="he_normal"
    )(maps)
    maps = layers.BatchNormalization(momentum=0.9)(maps)
    return layers.Activation(activation)(maps) if activation else maps


def building_block(
    maps: Maps, filters: int, stride: int = 1, shortcut: str = "projection", bias: bool = False
) -> Maps:
    """Two 3x3 convolutions, and a shortcut around them.

    Lesson 05, section 7. K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image
    recognition", 2015, arXiv:1512.03385, figure 5, left.

    Parameters
    ----------
    filters
        Of both convolutions; the stride is that of the first one.
    shortcut
        The identity, except where the stride or the number of channels forbids it: there
        ``"zeros"`` takes every stride-th pixel and fills up with channels of zeros (no parameters;
        option A of the paper), ``"projection"`` is a 1x1 convolution (option B). ``"none"`` leaves
        the shortcut out: two layers of a plain network.
    """
    inner = conv_norm(maps, filters, 3, stride, bias=bias)
    inner = conv_norm(inner, filters, 3, activation=None, bias=bias)
    return _joined(maps, inner, stride, shortcut, bias)


def bottleneck(maps: Maps, filters: int, stride: int = 1, bias: bool = False) -> Maps:
    """1x1 down to ``filters``, 3x3, 1x1 up to four times as many, and a shortcut around them.

    Parameters as in `building_block`; the stride is that of the first convolution, as in 2015 (He
    and others, figure 5, right).
    """
    inner = conv_norm(maps, filters, 1, stride, bias=bias)
    inner = conv_norm(inner, filters, 3, bias=bias)
    inner = conv_norm(inner, 4 * filters, 1, activation=None, bias=bias)
    return _joined(maps, inner, stride, "projection", bias)


def _joined(maps: Maps, inner: Maps, stride: int, shortcut: str, bias: bool) -> Maps:
    from course_utils.quiet import keras

    ask.choice("shortcut", shortcut, ("none", "zeros", "projection"))
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
    depth: int, residual: bool = True, width: int = 16, shape: tuple[int, int, int] = (32, 32, 3)
) -> keras.Model:
    """A network that the ResNet paper compares on small pictures: (n, *shape) -> (n, 10) logits.

    Lesson 05, section 7. He and others, 2015, section 4.2.

    Parameters
    ----------
    depth
        Layers with weights from input to output: 6n + 2 with n blocks in each of three stages.
    residual
        With shortcuts (of zeros where channels are added, so without any more weights), or plain.
    width
        Filters of the first stage; the second and third have two and four times as many.
    shape
        Of one picture.
    """
    from course_utils.quiet import keras

    if ask.whole("depth", depth, low=8) % 6 != 2:
        raise ask.CourseError(f"depth is {depth}; give 6n + 2, such as 14, 20 or 38.")
    image = keras.Input(shape)
    maps = conv_norm(image, width, 3)
    for stage in range(3):
        for block in range((depth - 2) // 6):
            stride = 2 if stage and not block else 1
            maps = building_block(maps, width * 2**stage, stride, "zeros" if residual else "none")
    vector = keras.layers.GlobalAveragePooling2D()(maps)
    kind = "residual" if residual else "plain"
    return keras.Model(image, keras.layers.Dense(10)(vector), name=f"{kind}_{depth}")


#: Blocks in each of the four stages, and the kind of block.
RESNETS = {
    18: ((2, 2, 2, 2), building_block),
    34: ((3, 4, 6, 3), building_block),
    50: ((3, 4, 6, 3), bottleneck),
    101: ((3, 4, 23, 3), bottleneck),
    152: ((3, 8, 36, 3), bottleneck),
}


def resnet(depth: int = 50) -> keras.Model:
    """ResNet-18, 34, 50, 101 or 152, (n, 224, 224, 3) -> (n, 1000) logits.

    Its convolutions have biases, superfluous as they are, because those of ``keras.applications``
    have them: so the counts can be compared to the last weight.

    Lesson 05, section 7. He and others, 2015, table 1.
    """
    from course_utils.quiet import keras

    blocks, block = RESNETS[ask.choice("depth", ask.whole("depth", depth), RESNETS)]
    image = keras.Input((224, 224, 3))
    maps = conv_norm(image, 64, 7, stride=2, bias=True)
    maps = keras.layers.MaxPooling2D(3, 2, "same")(maps)
    for stage, times in enumerate(blocks):
        for number in range(times):
            stride = 2 if stage and not number else 1
            maps = block(maps, 64 * 2**stage, stride, bias=True)
    vector = keras.layers.GlobalAveragePooling2D()(maps)
    logits = keras.layers.Dense(1000, name="logits")(vector)
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


def xception() -> keras.Model:
    """Xception, 36 convolutions in 14 blocks: (n, 299, 299, 3) -> (n, 1000) logits.

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
    return keras.Model(image, layers.Dense(1000, name="logits")(vector), name="xception")


def _halved(maps: Maps, inner: Maps, filters: int) -> Maps:
    from course_utils.quiet import keras

    inner = keras.layers.MaxPooling2D(3, 2, "same")(inner)
    return keras.layers.Add()([inner, conv_norm(maps, filters, 1, stride=2, activation=None)])


# --------------------------------------------------------------------------------------------------
# 2019: EfficientNet
# --------------------------------------------------------------------------------------------------


def mbconv(maps: Maps, filters: int, kernel: int = 3, stride: int = 1, expand: int = 6) -> Maps:
    """Inverted bottleneck with squeeze and excitation, the block of EfficientNet.

    1x1 up to ``expand`` times the channels (1 leaves it out), depthwise k x k with the stride, one
    weight per channel computed from all channels' averages (squeeze and excitation), 1x1 down to
    ``filters`` without activation; and a shortcut where input and output have the same shape.

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
    inner = squeeze_excite(inner, max(1, channels // 4))
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
    """EfficientNet-B0, scaled: (n, size, size, 3) normalized RGB -> (n, 1000) logits.

    Lesson 05, section 9. M. Tan, Q. Le, "EfficientNet: rethinking model scaling for convolutional
    neural networks", 2019, arXiv:1905.11946, table 1.

    Parameters
    ----------
    width, depth
        Factors of all numbers of channels, which are then rounded to multiples of 8, and of blocks,
        rounded up.
    size
        Side of the pictures in pixels.
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
    in times channels out) and resolution (height times width). Tan, Le, 2019, equation 3.
    """
    depth, width, resolution = alpha**phi, beta**phi, gamma**phi
    return Scaling(depth, width, resolution, depth * width**2 * resolution**2)
