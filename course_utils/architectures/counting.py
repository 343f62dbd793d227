"""Layers, parameters and multiply-adds of the networks."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from course_utils import ask, dimensions
from course_utils.architectures.deep import efficientnet, resnet, xception
from course_utils.architectures.early import Maps, alexnet, googlenet, lenet5, vgg
from course_utils.tables import text_table

if TYPE_CHECKING:
    import keras

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
    """
    model = dimensions.outline(NETWORKS[ask.choice("network", name, NETWORKS)])
    return tuple(_numbered(dimensions.table(model, model.input_shape[1:])))


def _numbered(rows: list[dimensions.Row]) -> Iterator[dimensions.Row]:
    """Layers that Keras named itself, numbered from the start of the network, not the session."""
    stems = [re.sub(r"_\d+$", "", row.name) for row in rows]
    total, seen = Counter(stems), Counter()
    for row, stem in zip(rows, stems, strict=True):
        seen[stem] += 1
        if stem.replace("_", "") == row.kind.lower():
            row = row._replace(name=stem if total[stem] == 1 else f"{stem}_{seen[stem]}")
        yield row


def count(
    block: Callable[[Maps], Maps], shape: tuple[int, int, int]
) -> tuple[tuple[int, ...], int, int]:
    """Output shape, parameters and multiply-adds of a block.

    Parameters
    ----------
    block
        From maps to maps, for example ``lambda maps: bottleneck(maps, 64)``, or a layer, of which
        a copy is counted.
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


def layer_text(rows: Iterable[dimensions.Row]) -> str:
    """Layers as lines of text, with a line of totals."""
    columns = ("layer", "output", "parameters", "multiply-adds")
    lines = [(row.name, row.shape, row.parameters, row.multiply_adds) for row in rows]
    _, _, *numbers = zip(*lines, strict=True)
    lines.append(("total", (), *map(sum, numbers)))
    return text_table([dict(zip(columns, line, strict=True)) for line in lines], columns)
