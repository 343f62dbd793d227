"""Well-known networks as short functions that read like the figures of their papers: lesson 05.

Blocks take feature maps, symbolic Keras tensors of shape (n, h, w, channels), and return feature
maps; networks return a `keras.Model` with random weights that gives logits. Sizes are in pixels,
and counts of parameters include batch normalization's moving averages, as Keras counts them.
"""

from course_utils.architectures.counting import NETWORKS, count, layer_table, layer_text
from course_utils.architectures.deep import (
    EFFICIENTNETS,
    RESNETS,
    bottleneck,
    building_block,
    compound,
    conv_norm,
    efficientnet,
    mbconv,
    resnet,
    small_resnet,
    xception,
)
from course_utils.architectures.early import (
    GOOGLENET,
    LENET_CONNECTIONS,
    alexnet,
    googlenet,
    inception,
    lenet5,
    vgg,
)
from course_utils.tables import pareto, read_table, text_table

__all__ = [
    "EFFICIENTNETS",
    "GOOGLENET",
    "LENET_CONNECTIONS",
    "NETWORKS",
    "RESNETS",
    "alexnet",
    "bottleneck",
    "building_block",
    "compound",
    "conv_norm",
    "count",
    "efficientnet",
    "googlenet",
    "inception",
    "layer_table",
    "layer_text",
    "lenet5",
    "mbconv",
    "pareto",
    "read_table",
    "resnet",
    "small_resnet",
    "text_table",
    "vgg",
    "xception",
]
