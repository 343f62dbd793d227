"""Architecture explorer of lesson 05: where a network keeps its weights, and where it works."""

from __future__ import annotations

import math
from collections.abc import Callable

import ipywidgets
import numpy as np
from matplotlib.figure import Figure

from course_utils import ask, plots
from course_utils.architectures import NETWORKS, layer_table
from course_utils.dimensions import Row
from course_utils.widgets import Frame, explore

MEASURES: dict[str, Callable[[Row], int]] = {
    "parameters": lambda row: row.parameters,
    "multiply-adds": lambda row: row.multiply_adds,
    "output numbers": lambda row: math.prod(row.shape),
}


def _rows(network: str, weights_only: bool) -> list[Row]:
    return [row for row in layer_table(network) if row.parameters or not weights_only]


def frame(network: str, layer: int, measure: str, weights_only: bool) -> Frame:
    """One layer of a network in numbers, and all of its layers as bars.

    Parameters
    ----------
    network
        A key of ``NETWORKS``.
    layer
        Number of the layer among those that are shown, from 1.
    measure
        A key of ``MEASURES``: the height of the bars.
    weights_only
        Show only layers that have parameters.
    """
    ask.choice("measure", measure, MEASURES)
    rows = _rows(network, weights_only)
    chosen = rows[ask.whole(f"layer of {network}", layer, high=len(rows)) - 1]
    totals = {name: sum(map(value, layer_table(network))) for name, value in MEASURES.items()}
    lines = [
        f"{network}: {totals['parameters']:,} parameters,",
        f"{totals['multiply-adds'] / 1e6:,.1f} million multiply-adds for one picture",
        "",
        f"layer {layer} of {len(rows)}: {chosen.name} ({chosen.kind})",
        f"output          {' x '.join(map(str, chosen.shape))}",
    ]
    for name, value in MEASURES.items():
        number = value(chosen)
        lines.append(f"{name:15} {number:>13,}  {number / max(totals[name], 1):6.1%} of all")
    heights = np.array([MEASURES[measure](row) for row in rows])
    most = rows[int(heights.argmax())]
    lines += ["", f"most {measure}: {most.name}, {heights.max() / max(totals[measure], 1):.1%}"]
    title = f"{measure} of each layer of {network}, layer {layer} marked"
    return Frame({title: _bars(heights, layer - 1, measure)}, "\n".join(lines))


def _bars(heights: np.ndarray, chosen: int, measure: str) -> np.ndarray:
    figure = Figure(figsize=(7, 2.9), dpi=80, layout="none")
    axis = figure.add_axes((0.12, 0.17, 0.86, 0.76))
    places = np.arange(1, len(heights) + 1)
    shown = heights / 1e6
    # One collection of lines instead of hundreds of rectangles: it has to be drawn at each move.
    width = min(22.0, 380 / len(heights))
    axis.vlines(places, 0, shown, color=plots.PALETTE["blue"], linewidth=width)
    axis.vlines(chosen + 1, 0, shown[chosen], color=plots.PALETTE["vermillion"], linewidth=width)
    top = max(float(shown.max()), 1e-9)
    mark = {"marker": "v", "markersize": 11, "color": plots.PALETTE["vermillion"]}
    axis.plot(chosen + 1, shown[chosen] + 0.07 * top, **mark)
    axis.set(xlim=(0.2, len(heights) + 0.8), ylim=(0, 1.17 * top))
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.set_xlabel("layer", fontsize=12)
    axis.set_ylabel(f"{measure}, millions", fontsize=12)
    axis.spines[["top", "right"]].set_visible(False)
    return plots.rasterize(figure)


def show(network: str = "VGG-16", measure: str = "parameters") -> None:
    """Show the explorer, starting with a network of ``NETWORKS`` and a measure of ``MEASURES``."""
    ask.choice("network", network, NETWORKS)
    ask.choice("measure", measure, MEASURES)
    controls = {
        "network": ipywidgets.Dropdown(
            options=list(NETWORKS), value=network, description="network"
        ),
        "layer": ipywidgets.IntSlider(1, 1, len(_rows(network, False)), description="layer"),
        "measure": ipywidgets.Dropdown(
            options=list(MEASURES), value=measure, description="bars show"
        ),
        "weights_only": ipywidgets.Checkbox(description="only layers with weights", indent=False),
    }

    def fit(_change: object) -> None:
        count = len(_rows(controls["network"].value, controls["weights_only"].value))
        controls["layer"].max = count

    # Before `explore` looks on: the frame must not be asked for a layer that is not there.
    for name in ("network", "weights_only"):
        controls[name].observe(fit, names="value")
    explore(frame, controls, width=560)
