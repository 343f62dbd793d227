"""Race of optimizers of lesson 04: five rules, one landscape, the same start and as many steps."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import ipywidgets
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from course_utils import optimizers, plots
from course_utils.optimizers import LANDSCAPES, Canvas, Landscape, Rule
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
        Learning rates above 0: of gradient descent, momentum and Nesterov, and of RMSProp and Adam.
    momentum
        Share of the velocity kept by momentum and Nesterov, and of the mean kept by Adam; 0 to
        below 1.
    x, y
        Where all of them start.
    steps
        1 to ``STEPS``.

    Raises
    ------
    ValueError
        An unknown landscape, or a number outside its range.
    """
    chosen = _known(landscape)
    # A slider's steps add up to 1e-16 where 0 is meant: enough to leave a ridge.
    x, y = np.round((x, y), 6)
    if not 1 <= steps <= STEPS:
        raise ValueError(f"steps is {steps!r}; give a whole number from 1 to {STEPS}.")
    walks = {
        name: optimizers.descend(chosen.gradient, (x, y), rule, int(steps))
        for name, rule in _rules(rate, adaptive_rate, momentum).items()
    }
    with np.errstate(over="ignore", invalid="ignore"):
        losses = {name: chosen.loss(walk) for name, walk in walks.items()}
    best = min(losses, key=lambda name: np.nan_to_num(losses[name][-1], nan=np.inf))
    curvature = np.linalg.eigvalsh(chosen.hessian(np.array([x, y])))
    return Frame(
        {
            f"{landscape}, {steps} steps": _map(chosen, walks),
            f"height, lowest: {best}": _chart(chosen, losses),
        },
        "\n".join(
            [
                f"{'':18} {'loss now':>10} {'to nearest minimum':>20}",
                *(_row(name, walks[name][-1], losses[name][-1], chosen) for name in walks),
                f"curvature at the start: {curvature[0]:.3g} and {curvature[1]:.3g}",
                _bound(curvature[1]),
            ]
        ),
    )


def _rules(rate: float, adaptive_rate: float, beta: float) -> dict[str, Rule]:
    return {
        "gradient descent": optimizers.gradient_descent(rate),
        "momentum": optimizers.momentum(rate, beta),
        "Nesterov": optimizers.nesterov(rate, beta),
        "RMSProp": optimizers.rmsprop(adaptive_rate),
        "Adam": optimizers.adam(adaptive_rate, beta_1=beta),
    }


def _known(landscape: str) -> Landscape:
    if landscape not in LANDSCAPES:
        raise ValueError(f"landscape is {landscape!r}; choose one of {', '.join(LANDSCAPES)}.")
    return LANDSCAPES[landscape]


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
    key = [
        Line2D([], [], label=name, color=color, linestyle=dashes, marker=marker, markersize=5)
        for name, color, dashes, marker in _looks()
    ]
    axis.legend(handles=key, fontsize=8, loc="upper right", ncols=2)
    return Canvas(figure)


def _looks() -> list[tuple]:
    colors = [plots.PALETTE[name] for name in plots.LINE_COLORS]
    return list(zip(_rules(1, 1, 0), colors, optimizers.DASHES, optimizers.MARKERS, strict=True))


def _map(landscape: Landscape, walks: dict[str, np.ndarray]) -> np.ndarray:
    return _map_canvas(landscape.name).picture(
        lambda axis: optimizers.show_paths(axis, landscape, walks)
    )


def _chart(landscape: Landscape, losses: dict[str, np.ndarray]) -> np.ndarray:
    lowest = landscape.loss(np.array(landscape.minima[0]))

    def draw(axis: Axes) -> None:
        for name, color, dashes, marker in _looks():
            loss = losses[name]
            height = np.where(np.isfinite(loss), np.clip(loss - lowest, _FLOOR, 1e5), np.nan)
            style = {"color": color, "linestyle": dashes, "marker": marker, "markersize": 5}
            axis.plot(height, markevery=max(len(height) // 8, 1), linewidth=1.8, **style)

    return _chart_canvas().picture(draw)


def show(landscape: str = "ravine", momentum: float = 0.9, steps: int = 60) -> None:
    """Show the race on a landscape of ``LANDSCAPES``.

    Raises
    ------
    ValueError
        For any other landscape.
    """
    start = _known(landscape)
    wide = {"description_width": "110px"}
    menu = ipywidgets.Dropdown(
        options=list(LANDSCAPES), value=landscape, description="landscape", style=wide
    )

    def rate_slider(value: float, description: str) -> ipywidgets.FloatLogSlider:
        return ipywidgets.FloatLogSlider(
            value, min=-4, max=0.5, step=0.05, description=description, style=wide
        )

    def place_slider(value: float, side: tuple[float, float], name: str) -> ipywidgets.FloatSlider:
        return ipywidgets.FloatSlider(
            value, min=side[0], max=side[1], step=0.01, description=f"start {name}", style=wide
        )

    controls = {
        "landscape": menu,
        "rate": rate_slider(start.rate, "learning rate"),
        "adaptive_rate": rate_slider(start.adaptive_rate, "RMSProp, Adam"),
        "momentum": ipywidgets.FloatSlider(
            momentum, min=0, max=0.99, step=0.01, description="momentum", style=wide
        ),
        "x": place_slider(start.start[0], start.window[0], "x"),
        "y": place_slider(start.start[1], start.window[1], "y"),
        "steps": ipywidgets.IntSlider(steps, 1, STEPS, description="steps", style=wide),
    }

    def choose(change: dict) -> None:
        chosen = LANDSCAPES[change["new"]]
        controls["rate"].value, controls["adaptive_rate"].value = chosen.rate, chosen.adaptive_rate
        for name, side, value in zip("xy", chosen.window, chosen.start, strict=True):
            slider = controls[name]
            # First the wider end, so that at no time the lowest value exceeds the highest.
            slider.min, slider.max = min(slider.min, side[0]), max(slider.max, side[1])
            slider.value = value
            slider.min, slider.max = side

    menu.observe(choose, names="value")
    explore(frame, controls, width=414)
