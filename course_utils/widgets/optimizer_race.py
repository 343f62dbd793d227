"""Race of optimizers of lesson 04: five rules, one landscape, the same start and as many steps."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any

import ipywidgets
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from course_utils import ask, optimizers
from course_utils.optimizers import LANDSCAPES, LOOKS, Canvas, Landscape, Rule
from course_utils.widgets import Frame, explore

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STEPS = 200  # at most
_FLOOR = 1e-8  # the chart ends here: lower losses are all the same to the eye


def frame(
    landscape: str,
    rate: float,
    adaptive_rate: float,
    momentum: float,
    x: float,
    y: float,
    steps: int,
) -> Frame:
    """One frame of the race: the walks, the loss at each step, and how far each has come.

    Parameters
    ----------
    landscape
        A name in ``LANDSCAPES``.
    rate, adaptive_rate
        Of gradient descent, momentum and Nesterov; of RMSProp and Adam.
    momentum
        Share of the velocity kept by momentum and Nesterov, and of the mean kept by Adam.
    x, y
        Where all of them start.
    steps
        1 to ``STEPS``.
    """
    chosen = LANDSCAPES[ask.choice("landscape", landscape, LANDSCAPES)]
    ask.whole("steps", steps, high=STEPS)
    # A slider's steps add up to 1e-16 where 0 is meant: enough to leave a ridge.
    x, y = np.round((x, y), 6)
    walks = {
        name: optimizers.descend(chosen.gradient, (x, y), rule, steps)
        for name, rule in _rules(rate, adaptive_rate, momentum).items()
    }
    with np.errstate(over="ignore", invalid="ignore"):
        losses = {name: chosen.loss(walk) for name, walk in walks.items()}
    best = min(losses, key=lambda name: np.nan_to_num(losses[name][-1], nan=np.inf))
    curvature = np.linalg.eigvalsh(chosen.hessian(np.array([x, y])))
    lines = [
        f"{'':18} {'loss now':>10} {'to nearest minimum':>20}",
        *(_row(name, walks[name][-1], losses[name][-1], chosen) for name in walks),
        f"curvature at the start: {curvature[0]:.3g} and {curvature[1]:.3g}",
        _bound(curvature[1]),
    ]
    draw = partial(optimizers.show_paths, landscape=chosen, paths=walks)
    pictures = {
        f"{landscape}, {steps} steps": _map_canvas(landscape).picture(draw),
        f"height, lowest: {best}": _chart(chosen, losses),
    }
    return Frame(pictures, "\n".join(lines))


def _rules(rate: float, adaptive_rate: float, beta: float) -> dict[str, Rule]:
    return {
        "gradient descent": optimizers.gradient_descent(rate),
        "momentum": optimizers.momentum(rate, beta),
        "Nesterov": optimizers.nesterov(rate, beta),
        "RMSProp": optimizers.rmsprop(adaptive_rate),
        "Adam": optimizers.adam(adaptive_rate, beta_1=beta),
    }


def _row(name: str, end: np.ndarray, loss: float, landscape: Landscape) -> str:
    if not np.isfinite(loss) or loss > 1e9:
        return f"{name:18} {'diverged':>10}"
    distance = np.linalg.norm(np.array(landscape.minima) - end, axis=1).min()
    return f"{name:18} {loss:10.4g} {distance:20.2g}"


def _bound(curvature: float) -> str:
    if curvature <= 0:
        return "no direction is curved upwards here"
    return f"gradient descent: rate below 2 / {curvature:.3g} = {2 / curvature:.3g} here"


def _figure(room: float) -> tuple[Figure, Axes]:
    """A figure with one axis, ``room`` of its width left for the numbers beside it."""
    figure = Figure(figsize=(4.6, 3.6), dpi=90, layout="none")
    axis = figure.add_axes((room, 0.14, 0.97 - room, 0.83))
    axis.tick_params(labelsize=9)
    return figure, axis


@cache
def _map_canvas(landscape: str) -> Canvas:
    figure, axis = _figure(0.16)
    optimizers.draw_landscape(axis, LANDSCAPES[landscape])
    return Canvas(figure)


@cache
def _chart_canvas() -> Canvas:
    figure, axis = _figure(0.15)
    axis.grid(True, color="#E3E3E3", linewidth=0.8)
    axis.set_axisbelow(True)
    axis.set(yscale="log", xlim=(0, STEPS), ylim=(_FLOOR, 1e4), xlabel="step")
    names = zip(_rules(1, 1, 0), LOOKS, strict=True)
    key = [Line2D([], [], label=name, markersize=5, **look) for name, look in names]
    axis.legend(handles=key, fontsize=8, loc="upper right", ncols=2)
    return Canvas(figure)


def _chart(landscape: Landscape, losses: dict[str, np.ndarray]) -> np.ndarray:
    lowest = landscape.loss(landscape.minima[0])

    def draw(axis: Axes) -> None:
        for loss, look in zip(losses.values(), LOOKS, strict=True):
            height = np.where(np.isfinite(loss), np.clip(loss - lowest, _FLOOR, 1e5), np.nan)
            axis.plot(height, markevery=len(height) // 8 or 1, markersize=5, linewidth=1.8, **look)

    return _chart_canvas().picture(draw)


def show(landscape: str = "ravine", momentum: float = 0.9, steps: int = 60) -> None:
    """Show the race on a landscape of ``LANDSCAPES``."""
    controls = _controls(ask.choice("landscape", landscape, LANDSCAPES), momentum, steps)

    def choose(_change: object = None) -> None:
        chosen = LANDSCAPES[controls["landscape"].value]
        controls["rate"].value, controls["adaptive_rate"].value = chosen.rate, chosen.adaptive_rate
        for name, side, value in zip("xy", chosen.window, chosen.start, strict=True):
            slider = controls[name]
            # First the wider end, so that at no time the lowest value exceeds the highest.
            slider.min, slider.max = min(slider.min, side[0]), max(slider.max, side[1])
            slider.value = value
            slider.min, slider.max = side

    choose()
    controls["landscape"].observe(choose, names="value")
    explore(frame, controls, width=414)


def _controls(landscape: str, momentum: float, steps: int) -> dict[str, ipywidgets.ValueWidget]:
    def control(kind: type[ipywidgets.ValueWidget], description: str, **options: Any) -> Any:
        return kind(description=description, style={"description_width": "110px"}, **options)

    rates, places = {"min": -4, "max": 0.5, "step": 0.05}, {"step": 0.01}
    share = {"value": momentum, "min": 0, "max": 0.99, "step": 0.01}
    return {
        "landscape": control(
            ipywidgets.Dropdown, "landscape", options=list(LANDSCAPES), value=landscape
        ),
        "rate": control(ipywidgets.FloatLogSlider, "learning rate", **rates),
        "adaptive_rate": control(ipywidgets.FloatLogSlider, "RMSProp, Adam", **rates),
        "momentum": control(ipywidgets.FloatSlider, "momentum", **share),
        "x": control(ipywidgets.FloatSlider, "start x", **places),
        "y": control(ipywidgets.FloatSlider, "start y", **places),
        "steps": control(ipywidgets.IntSlider, "steps", value=steps, min=1, max=STEPS),
    }
