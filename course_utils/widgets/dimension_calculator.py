"""Dimension calculator of lesson 02: what any layer does to a shape, and what that costs."""

from __future__ import annotations

import math

import ipywidgets
import numpy as np
from matplotlib.figure import Figure

from course_utils import ask, plots
from course_utils.dimensions import (
    HAS_DILATION,
    HAS_FILTERS,
    HAS_GROUPS,
    HAS_KERNEL,
    KINDS,
    POOLINGS,
    Settings,
    axes,
    describe,
)
from course_utils.widgets import Frame, explore

_LAYERS = tuple(kind for kind in KINDS if kind != "Dense")


def frame(
    kind: str,
    size: int,
    channels: int,
    filters: int,
    kernel: int,
    stride: int,
    padding: str,
    dilation: int,
    groups: int,
    batch: int,
) -> Frame:
    """Shapes, costs and their formulas for one layer.

    What the layer does not have is ignored. Settings that are impossible together give no picture,
    and a sentence that says why.
    """
    layer = Settings(kind, filters, kernel, stride, padding, dilation, groups)
    shape = (size,) * axes(kind) + (channels,)
    lines = [_code(layer), f"input           {_shape(batch, shape)}"]
    try:
        found = describe(layer, shape)
    except ask.CourseError as error:
        return Frame({}, "\n".join([*lines, "", "impossible:", str(error)]))
    numbers = batch * math.prod(found.shape)
    lines += [
        f"output          {_shape(batch, found.shape)}",
        *(f"{name:15} {formula}" for name, formula in found.formulas.items()),
        f"receptive field {found.receptive_field} of {size} along each axis",
        f"output memory   {numbers:,} numbers x 4 bytes = {_bytes(4 * numbers)}",
    ]
    if found.multiply_adds:
        lines.append(f"whole batch     {batch * found.multiply_adds:,} multiply-adds")
    return Frame({_title(kind, shape, found.shape): _boxes(shape, found.shape)}, "\n".join(lines))


def _code(layer: Settings) -> str:
    """The layer as one writes it in Keras, defaults left out."""
    kind = layer.kind
    values = [str(layer.filters)] if kind in HAS_FILTERS else []
    if kind in HAS_KERNEL:
        values.append(str(layer.kernel))
        # A pooling's stride is its window where none is given.
        if layer.stride != (layer.kernel if kind in POOLINGS else 1):
            values.append(f"strides={layer.stride}")
        if layer.padding != "valid":
            values.append(f'padding="{layer.padding}"')
    if kind in HAS_DILATION and layer.dilation > 1:
        values.append(f"dilation_rate={layer.dilation}")
    if kind in HAS_GROUPS and layer.groups > 1:
        values.append(f"groups={layer.groups}")
    return f"keras.layers.{kind}({', '.join(values)})"


def _shape(batch: int, shape: tuple[int, ...]) -> str:
    return f"({', '.join(map(str, (batch, *shape)))})"


def _bytes(count: int) -> str:
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count} bytes"


def _title(kind: str, shape: tuple[int, ...], result: tuple[int, ...]) -> str:
    return f"{kind}: {' x '.join(map(str, shape))} becomes {' x '.join(map(str, result))}"


def _boxes(shape: tuple[int, ...], result: tuple[int, ...]) -> np.ndarray:
    """Input and output as boxes: front to scale, depth by the logarithm of the channels."""
    figure = Figure(figsize=(5.2, 2.4), dpi=80, layout="none")
    axis = figure.add_axes((0, 0, 1, 1))
    largest = max(*shape[:-1], *result[:-1], 1)
    for left, box, color in ((0.3, shape, "sky"), (3.1, result, "orange")):
        sides = [1.5 * size / largest for size in box[:-1][-2:]] or [0.12]
        width, height = sides[-1], sides[0] if len(sides) == 2 else 0.12
        depth = 0.12 * (1 + math.log2(box[-1]))
        _box(axis, left, max(width, 0.04), max(height, 0.04), depth / 2, plots.PALETTE[color])
        label = " x ".join(map(str, box))
        axis.text(left, 0.12, label, fontsize=13, color="black")
    axis.annotate("", (2.95, 1.1), (2.4, 1.1), arrowprops={"arrowstyle": "->", "lw": 2})
    axis.set(xlim=(0, 5.2), ylim=(0, 2.4), aspect="equal")
    axis.axis("off")
    return plots.rasterize(figure)


def _box(axis: object, left: float, width: float, height: float, depth: float, color: str) -> None:
    from matplotlib.patches import Polygon

    x, y, up = left, 0.45, depth * 0.45
    right, top = x + width, y + height
    front = [(x, y), (right, y), (right, top), (x, top)]
    lid = [(x, top), (right, top), (right + depth, top + up), (x + depth, top + up)]
    side = [(right, y), (right + depth, y + up), (right + depth, top + up), (right, top)]
    faces = ((front, 1.0), (lid, 0.55), (side, 0.75))
    for corners, strength in faces:
        axis.add_patch(Polygon(corners, facecolor=color, alpha=strength, edgecolor="black"))


def show(kind: str = "Conv2D", size: int = 28, channels: int = 3, filters: int = 4) -> None:
    """Show the calculator, starting with a layer of ``course_utils.dimensions.KINDS``."""
    ask.choice("kind", kind, _LAYERS)
    slider = ipywidgets.IntSlider
    controls = {
        "kind": ipywidgets.Dropdown(options=_LAYERS, value=kind, description="layer"),
        "size": slider(size, 1, 256, description="input size"),
        "channels": slider(channels, 1, 128, description="channels"),
        "filters": slider(filters, 1, 128, description="filters"),
        "kernel": slider(3, 1, 11, description="kernel"),
        "stride": slider(1, 1, 5, description="stride"),
        "padding": ipywidgets.Dropdown(options=["valid", "same"], description="padding"),
        "dilation": slider(1, 1, 4, description="dilation"),
        "groups": slider(1, 1, 8, description="groups"),
        "batch": slider(32, 1, 256, description="batch"),
    }
    owners = {
        "filters": HAS_FILTERS,
        **dict.fromkeys(("kernel", "stride", "padding"), HAS_KERNEL),
        "dilation": HAS_DILATION,
        "groups": HAS_GROUPS,
    }

    def enable(_change: object = None) -> None:
        for name, kinds in owners.items():
            controls[name].disabled = controls["kind"].value not in kinds

    controls["kind"].observe(enable, names="value")
    enable()
    explore(frame, controls, width=416)
