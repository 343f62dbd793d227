"""Activation explorer of lesson 03: what a function makes of its inputs, and of gradients."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import ipywidgets
import numpy as np
from matplotlib.figure import Figure
from scipy import special

from course_utils import ask, plots
from course_utils.activations import ACTIVATIONS, Activation
from course_utils.widgets import Frame, explore

if TYPE_CHECKING:
    from matplotlib.axes import Axes

REACH = 8.0  # the curve is drawn from -REACH to REACH
SMALL = 0.01  # a slope below lets next to nothing of a gradient through
_COUNT = 2000
_BINS = 41
_SIZE, _DPI = (3.2, 2.5), 90  # inches, dots per inch

# Evenly spaced quantiles of a bell curve: the same inputs each time, without chance.
_BELL = special.ndtri((np.arange(_COUNT) + 0.5) / _COUNT)


def frame(function: str, parameter: float, mean: float, spread: float) -> Frame:
    """One frame of the explorer: the curve, the distributions of outputs and slopes, and numbers.

    Parameters
    ----------
    function
        A name in ``ACTIVATIONS``.
    parameter
        Value of a, for the functions that have one; the others ignore it.
    mean, spread
        Of the inputs, which follow a bell curve.
    """
    activation = ACTIVATIONS[ask.choice("function", function, ACTIVATIONS)]
    a = None if activation.parameter is None else parameter
    z = ask.number("mean", mean) + ask.number("spread", spread, low=0) * _BELL
    outputs, slopes = activation(z, a), activation.slope(z, a)
    # Slopes of independent layers multiply.
    after_20 = np.sqrt(np.mean(slopes**2)) ** 20
    name = function if a is None else f"{function}, a = {a:.2f}"
    return Frame(
        {
            f"{name}: curve, slope (dashed), inputs (gray)": _curve(activation, a, z),
            f"outputs, on average {outputs.mean():.2f}": _histogram(outputs, "output", "blue"),
            f"slopes, on average {slopes.mean():.2f}": _histogram(slopes, "slope", "vermillion"),
        },
        "\n".join(
            [
                f"inputs                 mean {mean:6.2f}   spread {spread:5.2f}",
                f"outputs                mean {outputs.mean():6.2f}   spread {outputs.std():5.2f}",
                f"slopes                 mean {slopes.mean():6.2f}",
                f"slope below {SMALL}       {np.mean(np.abs(slopes) < SMALL):7.1%} of the inputs",
                f"slope exactly 0        {np.mean(slopes == 0):7.1%}",
                f"output exactly 0       {np.mean(outputs == 0):7.1%}",
                f"20 layers of such slopes leave of a gradient about {after_20:.1e}",
                "(weights left aside)",
            ]
        ),
    )


@cache
def _canvas(name: str, xlabel: str, ylabel: str) -> tuple[Figure, Axes]:
    """A figure that is drawn again and again: making axes takes longer than drawing lines."""
    figure = Figure(figsize=_SIZE, dpi=_DPI, layout="none")
    axis = figure.add_axes((0.18, 0.18, 0.79, 0.78))
    axis.tick_params(labelsize=9)
    axis.set_xlabel(xlabel, fontsize=10)
    axis.set_ylabel(ylabel, fontsize=10, labelpad=1)
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(True, color="#E3E3E3", linewidth=0.8)
    axis.set_axisbelow(True)
    return figure, axis


def _redraw(axis: Axes) -> None:
    for artist in [*axis.lines, *axis.patches, *axis.collections]:
        artist.remove()


def _curve(activation: Activation, a: float | None, z: np.ndarray) -> np.ndarray:
    figure, axis = _canvas("curve", "input z", "")
    _redraw(axis)
    x = np.linspace(-REACH, REACH, 321)
    low, high = -2.0, 4.0
    counts, edges = np.histogram(z, bins=_BINS, range=(-REACH, REACH))
    # The inputs as hills on the floor of the picture, half as high as it.
    hills = low + counts / max(counts.max(), 1) * (high - low) / 2
    axis.stairs(hills, edges, baseline=low, fill=True, color="#D0D0D0")
    axis.plot(x, activation(x, a), color=plots.PALETTE["blue"], linewidth=2.2, linestyle="-")
    axis.plot(x, activation.slope(x, a), color=plots.PALETTE["vermillion"], linestyle="--")
    axis.set(xlim=(-REACH, REACH), ylim=(low, high))
    return plots.rasterize(figure)


def _histogram(values: np.ndarray, label: str, color: str) -> np.ndarray:
    figure, axis = _canvas(label, label, "share of the inputs")
    _redraw(axis)
    low, high = min(values.min(), 0), max(values.max(), 1)
    margin = 0.03 * (high - low)
    low, high = low - margin, high + margin
    counts, edges = np.histogram(values, bins=_BINS, range=(low, high))
    axis.stairs(counts / _COUNT, edges, fill=True, color=plots.PALETTE[color])
    axis.set(xlim=(low, high), ylim=(0, 0.25 if counts.max() < _COUNT / 4 else 1))
    return plots.rasterize(figure)


def show(function: str = "sigmoid", mean: float = 0.0, spread: float = 1.0) -> None:
    """Show the activation explorer, starting with a function of ``ACTIVATIONS``."""
    start = ACTIVATIONS[ask.choice("function", function, ACTIVATIONS)]
    menu = ipywidgets.Dropdown(options=list(ACTIVATIONS), value=function, description="function")
    # No slider: the handle of a disabled one still takes the keyboard.
    parameter = ipywidgets.BoundedFloatText(
        start.parameter or 0.0,
        min=-1,
        max=2,
        step=0.05,
        description="its a",
        disabled=start.parameter is None,
    )
    controls = {
        "function": menu,
        "parameter": parameter,
        "mean": ipywidgets.FloatSlider(mean, min=-6, max=6, step=0.25, description="mean"),
        "spread": ipywidgets.FloatSlider(spread, min=0.1, max=6, step=0.1, description="spread"),
    }

    def choose(change: dict) -> None:
        chosen = ACTIVATIONS[change["new"]]
        parameter.disabled = chosen.parameter is None
        if chosen.parameter is not None:
            parameter.value = chosen.parameter

    menu.observe(choose, names="value")
    explore(frame, controls)
