"""1998 to 2014: chains of layers, and the first network with branches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from course_utils import ask

if TYPE_CHECKING:
    import keras

#: Feature maps on their way through a network: a symbolic tensor of Keras.
Maps = Any

#: Which of the six maps of the layer below each of LeNet-5's sixteen C3 maps sees.
LENET_CONNECTIONS = (
    *((n, (n + 1) % 6, (n + 2) % 6) for n in range(6)),
    *((n, (n + 1) % 6, (n + 2) % 6, (n + 3) % 6) for n in range(6)),
    *((n, (n + 1) % 6, (n + 3) % 6, (n + 4) % 6) for n in range(3)),
    (0, 1, 2, 3, 4, 5),
)


def lenet5() -> keras.Model:
    """LeNet-5 as it is built today, (n, 32, 32, 1) -> (n, 10) logits.

    Every map of C3 sees all maps below, and pooling learns nothing.
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
    return keras.Model(image, layers.Dense(10, name="logits")(vector), name="lenet5")


def alexnet(classes: int = 10, batch_norm: bool = True, groups: int = 1) -> keras.Model:
    """AlexNet, (n, 227, 227, 3) -> (n, classes) logits.

    Lesson 05, section 3. A. Krizhevsky, I. Sutskever, G. Hinton, "ImageNet classification with
    deep convolutional neural networks", 2012, section 3. (Its text says 224 pixels; the sizes of
    its maps need 227.)

    Parameters
    ----------
    classes
        The network of 2012 has 1,000.
    batch_norm
        Batch normalization (2015) behind each convolution, in place of the local response
        normalization of 2012, which is left out: it has no parameters.
    groups
        2: the second, fourth and fifth convolution are split, as they were between two GPUs.
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


def vgg(depth: int = 16) -> keras.Model:
    """VGG-16 or VGG-19, (n, 224, 224, 3) -> (n, 1000) logits; layers as Keras names them.

    Lesson 05, section 4. K. Simonyan, A. Zisserman, "Very deep convolutional networks for
    large-scale image recognition", 2014, arXiv:1409.1556, table 1, columns D and E.
    """
    from course_utils.quiet import keras

    layers = keras.layers
    depths = VGG_DEPTHS[ask.choice("depth", ask.whole("depth", depth), VGG_DEPTHS)]
    image = maps = keras.Input((224, 224, 3))
    for block, (width, convs) in enumerate(zip(VGG_WIDTHS, depths, strict=True), start=1):
        for conv in range(1, convs + 1):
            name = f"block{block}_conv{conv}"
            maps = layers.Conv2D(width, 3, padding="same", activation="relu", name=name)(maps)
        maps = layers.MaxPooling2D(2, name=f"block{block}_pool")(maps)
    vector = layers.Flatten(name="flatten")(maps)
    for name in ("fc1", "fc2"):
        vector = layers.Dense(4096, activation="relu", name=name)(vector)
    return keras.Model(image, layers.Dense(1000, name="logits")(vector), name=f"vgg{depth}")


# --------------------------------------------------------------------------------------------------
# 2014: GoogLeNet
# --------------------------------------------------------------------------------------------------


def inception(
    maps: Maps, ones: int, reduce3: int, threes: int, reduce5: int, fives: int, pool: int
) -> Maps:
    """Inception module with reduction: a 1x1 convolution before 3x3 and 5x5, and after the pooling.

    Lesson 05, section 6. C. Szegedy and others, "Going deeper with convolutions", 2014,
    arXiv:1409.4842, figure 2b.

    Parameters
    ----------
    ones, threes, fives
        Filters of the 1x1, 3x3 and 5x5 convolutions.
    reduce3, reduce5
        Channels to which the inputs of 3x3 and 5x5 are reduced.
    pool
        Channels to which the pooled maps are reduced.
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


def googlenet(classes: int = 1000, auxiliary: bool = False) -> keras.Model:
    """GoogLeNet, 22 layers with weights from input to output: (n, 224, 224, 3) -> logits.

    The local response normalization of 2014 is left out: it has no parameters.

    Lesson 05, section 6. Szegedy and others, 2014, table 1 and figure 3.

    Parameters
    ----------
    classes
        Number of logits.
    auxiliary
        With the two outputs on the way, which are for training only: the logits are a dictionary
        of ``"main"``, ``"auxiliary 4a"`` and ``"auxiliary 4d"``.
    """
    from course_utils.quiet import keras

    layers = keras.layers
    image = keras.Input((224, 224, 3))
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
