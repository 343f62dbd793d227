"""Landscapes, rules that walk down them, and a test for the learning rate: derived in lesson 04.

A *rule* such as ``adam(rate=0.1)`` is a function. It gets the gradient and what it remembers of
earlier steps, and returns the change of the weights and its new memory; `descend` applies it again
and again. Networks are trained with Keras' own optimizers, which do the same sums.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import product
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import ask, plots
from course_utils.live import track

if TYPE_CHECKING:
    import keras
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "HILLS",
    "LANDSCAPES",
    "LOOKS",
    "Canvas",
    "Landscape",
    "RateTest",
    "Rule",
    "adam",
    "descend",
    "draw_landscape",
    "find_rate",
    "frames",
    "gradient_descent",
    "momentum",
    "nesterov",
    "restart",
    "rmsprop",
    "show_curves",
    "show_paths",
]

Array = NDArray[np.float64]

#: Gradient and memory (nothing at the first step) -> change of the weights and the new memory.
Rule = Callable[..., tuple[Any, ...]]

# --------------------------------------------------------------------------------------------------
# Rules: each refuses a rate or an epsilon that is not above 0, and shares outside [0, 1)
# --------------------------------------------------------------------------------------------------


def descend(
    gradient: Callable[[Array], ArrayLike], start: ArrayLike, rule: Rule, steps: int
) -> Array:
    """Walk from ``start`` as ``rule`` says, and keep every place (lesson 04, section 1).

    Parameters
    ----------
    gradient
        Weights -> gradient, of the same shape.
    start : array of finite numbers, any shape
        Rules work on each number by itself, so that a gradient which accepts many points at once
        walks from all of them in one call.
    rule
        Such as ``momentum(rate=0.1, beta=0.9)``.
    steps
        From 0.

    Returns
    -------
    ndarray of float64, shape (steps + 1, *start.shape)
        The start and the place after each step; infinite or NaN once a walk has diverged.
    """
    weights = np.array(start, dtype=np.float64)
    if not np.isfinite(weights).all():
        raise ask.CourseError("start holds NaN or infinity; give finite numbers.")
    path, memory = [weights], []
    with np.errstate(over="ignore", invalid="ignore"):  # a walk that diverges is a result, too
        for _ in range(ask.whole("steps", steps, low=0)):
            change, *memory = rule(np.asarray(gradient(path[-1])), *memory)
            path.append(path[-1] + change)
    return np.array(path)


def gradient_descent(rate: float) -> Rule:
    """Against the gradient, in proportion to it (A. Cauchy, 1847; lesson 04, section 1)."""
    ask.number("rate", rate, above=0)
    return lambda gradient: (-rate * gradient,)


def momentum(rate: float, beta: float = 0.9) -> Rule:
    """A velocity that remembers (B. Polyak, 1964; lesson 04, section 3). Keras: ``SGD``.

    ``beta`` is the share of the velocity that each step keeps.
    """
    ask.number("rate", rate, above=0)
    ask.number("beta", beta, low=0, below=1)

    def rule(gradient: Array, velocity: ArrayLike = 0.0) -> tuple[Any, ...]:
        velocity = beta * velocity - rate * gradient
        return velocity, velocity

    return rule


def nesterov(rate: float, beta: float = 0.9) -> Rule:
    """Momentum that looks ahead (Y. Nesterov, 1983; lesson 04, section 3).

    In the form of I. Sutskever and others (2013), written for the place looked ahead to, as Keras'
    ``SGD(nesterov=True)`` does.
    """
    ask.number("rate", rate, above=0)
    ask.number("beta", beta, low=0, below=1)

    def rule(gradient: Array, velocity: ArrayLike = 0.0) -> tuple[Any, ...]:
        velocity = beta * velocity - rate * gradient
        return beta * velocity - rate * gradient, velocity

    return rule


def rmsprop(rate: float, rho: float = 0.9, epsilon: float = 1e-7) -> Rule:
    """Each weight's step in units of its usual gradient (G. Hinton, 2012; section 4).

    ``rho`` is the share of the mean square that each step keeps; ``epsilon`` is added to the mean
    square, as Keras does.
    """
    ask.number("rate", rate, above=0)
    ask.number("rho", rho, low=0, below=1)
    ask.number("epsilon", epsilon, above=0)

    def rule(gradient: Array, square: ArrayLike = 0.0) -> tuple[Any, ...]:
        square = rho * square + (1 - rho) * gradient**2
        return -rate * gradient / np.sqrt(square + epsilon), square

    return rule


def adam(rate: float, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7) -> Rule:
    """Adaptive moment estimation (D. Kingma, J. Ba, 2015; lesson 04, section 4).

    ``beta_1`` and ``beta_2`` are the shares of the mean and of the mean square that each step
    keeps. The corrections of both are drawn together into one factor, as at the end of the paper's
    section 2 and in Keras; ``epsilon`` then is added to the root that is not corrected.
    """
    ask.number("rate", rate, above=0)
    ask.number("beta_1", beta_1, low=0, below=1)
    ask.number("beta_2", beta_2, low=0, below=1)
    ask.number("epsilon", epsilon, above=0)

    def rule(
        gradient: Array, mean: ArrayLike = 0.0, square: ArrayLike = 0.0, step: int = 0
    ) -> tuple[Any, ...]:
        step += 1
        mean = beta_1 * mean + (1 - beta_1) * gradient
        square = beta_2 * square + (1 - beta_2) * gradient**2
        # Roots as powers: TensorFlow's tensors have these too (lesson 08).
        corrected = rate * (1 - beta_2**step) ** 0.5 / (1 - beta_1**step)
        return -corrected * mean / (square**0.5 + epsilon), mean, square, step

    return rule


# --------------------------------------------------------------------------------------------------
# Landscapes
# --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Landscape:
    """A loss of one or two weights that can be drawn.

    Attributes
    ----------
    height, slopes, bends
        The loss, its first and its second derivatives, functions of one array for each weight;
        the second ones row by row.
    window
        The part to draw: (low, high) for each weight.
    start
        Where walks begin unless told otherwise.
    minima
        All local minima inside the window, the lowest first.
    rate, adaptive_rate
        Learning rates that suit the landscape: for gradient descent and its two kinds of momentum,
        and for RMSProp and Adam, whose steps do not grow with the gradient.
    """

    name: str
    height: Callable[..., Array]
    slopes: Callable[..., tuple[Array, ...]]
    bends: Callable[..., tuple[ArrayLike, ...]]
    window: tuple[tuple[float, float], ...]
    start: tuple[float, ...]
    minima: tuple[tuple[float, ...], ...]
    rate: float = 0.1
    adaptive_rate: float = 0.1

    def loss(self, w: ArrayLike) -> Array:
        """Heights of points, (..., dimension) -> (...)."""
        return self.height(*_columns(w))

    def gradient(self, w: ArrayLike) -> Array:
        """First derivatives at points, (..., dimension) -> the same; of one weight in any shape."""
        if len(self.window) == 1:
            return self.slopes(np.asarray(w, dtype=np.float64))[0]
        return np.stack(self.slopes(*_columns(w)), axis=-1)

    def hessian(self, w: ArrayLike) -> Array:
        """Second derivatives at points, (..., dimension) -> (..., dimension, dimension)."""
        columns = _columns(w)
        _, *entries = np.broadcast_arrays(columns[0], *self.bends(*columns))
        return np.stack(entries, axis=-1).reshape(*np.shape(w), -1)


def _columns(w: ArrayLike) -> Array:
    """One array for each weight."""
    return np.moveaxis(np.asarray(w, dtype=np.float64), -1, 0)


# The hills: a wide bowl with waves in it.
def _hill(w: Array) -> Array:
    return 0.1 * w**2 + 0.3 * np.sin(3 * w)


def _hill_slope(w: Array) -> Array:
    return 0.2 * w + 0.9 * np.cos(3 * w)


def _hill_bend(w: Array) -> Array:
    return 0.2 - 2.7 * np.sin(3 * w)


# Where the slope of the hills is 0 and their bend is positive, the lowest first.
_HOLLOWS = (-0.48742243, 1.46060732, -2.42802221, 3.38174745, -4.29082328)

#: One weight, five hollows, of which one is the lowest (lesson 04, section 3).
HILLS = Landscape(
    "hills",
    height=_hill,
    slopes=lambda w: (_hill_slope(w),),
    bends=lambda w: (_hill_bend(w),),
    window=((-5.0, 5.0),),
    start=(4.6,),
    minima=tuple((w,) for w in _HOLLOWS),
)

_TWO_WEIGHTS = (
    Landscape(
        "ravine",
        height=lambda x, y: (x**2 + 20 * y**2) / 2,
        slopes=lambda x, y: (x, 20 * y),
        bends=lambda x, y: (1, 0, 0, 20),
        window=((-2.0, 0.8), (-0.9, 0.9)),
        start=(-1.8, 0.5),
        minima=((0.0, 0.0),),
        rate=0.04,
    ),
    Landscape(
        "turned ravine",
        height=lambda x, y: (x + y) ** 2 / 4 + 5 * (y - x) ** 2,
        slopes=lambda x, y: (10.5 * x - 9.5 * y, 10.5 * y - 9.5 * x),
        bends=lambda x, y: (10.5, -9.5, -9.5, 10.5),
        window=((-1.9, 0.9), (-1.4, 0.6)),
        start=(-1.626, -0.919),  # the same place, turned by 45 degrees
        minima=((0.0, 0.0),),
        rate=0.04,
    ),
    Landscape(
        "Rosenbrock",  # with 10 for its 100, so that the valley can be seen
        height=lambda x, y: (1 - x) ** 2 + 10 * (y - x**2) ** 2,
        slopes=lambda x, y: (2 * (x - 1) - 40 * x * (y - x**2), 20 * (y - x**2)),
        bends=lambda x, y: (2 - 40 * y + 120 * x**2, -40 * x, -40 * x, 20),
        window=((-2.0, 2.0), (-1.0, 3.0)),
        start=(-1.5, 2.5),
        minima=((1.0, 1.0),),
        rate=0.005,
        adaptive_rate=0.05,
    ),
    Landscape(
        "saddle",
        height=lambda x, y: x**2 / 2 - y**2 / 2 + y**4 / 4,
        slopes=lambda x, y: (x, y**3 - y),
        bends=lambda x, y: (1, 0, 0, 3 * y**2 - 1),
        window=((-2.0, 2.0), (-1.6, 1.6)),
        start=(-1.8, 0.01),
        minima=((0.0, 1.0), (0.0, -1.0)),
    ),
    Landscape(
        "hollows",  # the hills along both weights
        height=lambda x, y: _hill(x) + _hill(y),
        slopes=lambda x, y: (_hill_slope(x), _hill_slope(y)),
        bends=lambda x, y: (_hill_bend(x), 0, 0, _hill_bend(y)),
        window=((-5.0, 5.0), (-5.0, 5.0)),
        start=(4.6, -4.0),
        minima=tuple(sorted(product(_HOLLOWS, repeat=2), key=lambda w: sum(map(_hill, w)))),
    ),
)

#: The landscapes of two weights, by name.
LANDSCAPES: Mapping[str, Landscape] = MappingProxyType({one.name: one for one in _TWO_WEIGHTS})

# --------------------------------------------------------------------------------------------------
# Training again, and the learning-rate finder
# --------------------------------------------------------------------------------------------------


def restart(model: keras.Model, weights: Sequence[ArrayLike]) -> None:
    """Give a compiled model other weights, and let its optimizer forget what it has gathered.

    Training then starts again without building and compiling anew, which takes longer than the
    training itself where networks are small. The learning rate stays; a schedule starts again.
    Lesson 04, section 5.
    """
    optimizer = _optimizer_of(model)
    model.set_weights(weights)
    fresh = type(optimizer).from_config(optimizer.get_config())  # not all begin with zeros
    fresh.build(model.trainable_variables)
    for variable, start in zip(optimizer.variables, fresh.variables, strict=True):
        if variable is not optimizer.learning_rate:
            variable.assign(start)


def _optimizer_of(model: keras.Model) -> keras.optimizers.Optimizer:
    """The optimizer of a compiled model, with its variables, which Keras makes at the first use."""
    if not getattr(model, "compiled", False):
        raise ask.CourseError("the model is not compiled; call model.compile(optimizer, loss).")
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    return model.optimizer


class RateTest(NamedTuple):
    """What `find_rate` measured: the rate of each step, and the loss of its batch before it."""

    rates: Array
    losses: Array

    @property
    def smooth(self) -> Array:
        """Losses averaged over the last ten steps or so, by the corrected mean that Adam uses."""
        from scipy.signal import lfilter

        steps = np.arange(1, len(self.losses) + 1)
        return lfilter([0.1], [1, -0.9], self.losses) / (1 - 0.9**steps)

    @property
    def lowest(self) -> float:
        """The rate at which the smoothed loss was lowest: from here on it gets worse."""
        if not len(self.losses):
            raise ask.CourseError("no loss was finite; look for NaN in inputs, targets, weights.")
        return float(self.rates[np.argmin(self.smooth)])

    @property
    def suggestion(self) -> float:
        """A third of `lowest`, on the safe side of the edge."""
        return self.lowest / 3


def find_rate(
    network: keras.Model,
    inputs: ArrayLike,
    targets: ArrayLike,
    low: float = 1e-4,
    high: float = 10.0,
    steps: int = 100,
    batch_size: int = 64,
) -> RateTest:
    """Train for a few steps with a rate that grows from step to step (lesson 04, section 5).

    L. Smith, "Cyclical learning rates for training neural networks", 2017, section 3.3: the range
    test; here with a rate that grows by the same factor each time. It ends early when the loss has
    risen to four times its lowest value. Weights, optimizer and its rate are as before afterwards,
    also when the test is interrupted.

    Parameters
    ----------
    network
        Compiled, with an optimizer whose rate is a number rather than a schedule.
    inputs, targets : arrays, first axis the examples
    low, high
        First and last rate, 0 < low < high.
    steps
        From 10.
    batch_size
        Examples for each step, drawn at random.
    """
    optimizer, inputs, targets = _optimizer_of(network), np.asarray(inputs), np.asarray(targets)
    if isinstance(optimizer.get_config()["learning_rate"], dict):
        raise ask.CourseError("the optimizer follows a schedule; compile with a number as rate.")
    if inputs.shape[:1] != targets.shape[:1]:
        raise ask.CourseError(
            f"inputs have the shape {inputs.shape}, targets {targets.shape}; give as many of each."
        )
    ask.some("inputs", inputs)
    ask.number("low", low, above=0)
    ask.number("high", high, above=low)
    rates = np.geomspace(low, high, ask.whole("steps", steps, low=10))
    size = min(ask.whole("batch_size", batch_size), len(inputs))
    random, losses = np.random.default_rng(0), []
    with _unchanged(network):
        for rate in track(rates, "range test"):
            optimizer.learning_rate = rate
            batch = random.choice(len(inputs), size, replace=False)
            result = network.train_on_batch(inputs[batch], targets[batch], return_dict=True)
            losses.append(float(result["loss"]))
            if not losses[-1] < 4 * min(losses):
                break
    finite = np.isfinite(losses)
    return RateTest(rates[: len(losses)][finite], np.array(losses)[finite])


@contextmanager
def _unchanged(network: keras.Model) -> Iterator[None]:
    """Whatever is trained inside, the network and its optimizer are as before."""
    variables = [*network.variables, *network.optimizer.variables]
    before = [variable.numpy() for variable in variables]
    try:
        yield
    finally:
        for variable, value in zip(variables, before, strict=True):
            variable.assign(value)
        network.reset_metrics()


# --------------------------------------------------------------------------------------------------
# Pictures
# --------------------------------------------------------------------------------------------------

#: Color, dashes and marker of the walks, one after the other.
LOOKS = tuple(
    {"color": plots.PALETTE[color], "linestyle": dashes, "marker": marker}
    for color, dashes, marker in zip(
        plots.LINE_COLORS, ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1))), "os^Dv", strict=True
    )
)


def draw_landscape(axis: Axes, landscape: Landscape) -> None:
    """Draw a landscape: a curve for one weight, lines of equal height for two; minima as stars."""
    axis.set(xlim=landscape.window[0])
    if len(landscape.window) == 1:
        w = np.linspace(*landscape.window[0], 401)
        axis.plot(w, landscape.loss(w[:, None]), color=plots.PALETTE["gray"], linestyle="-")
        axis.set(xlabel="weight w", ylabel="loss")
        return
    x, y = (np.linspace(*side, 121) for side in landscape.window)
    height = landscape.loss(np.stack(np.meshgrid(x, y), axis=-1))
    # Evenly spaced in the root of the height: close lines near the floor, few on the walls.
    levels = height.min() + np.ptp(height) * np.linspace(0, 1, 15)[1:] ** 2.5
    axis.contour(x, y, height, levels=levels, colors="#A8A8A8", linewidths=0.8, linestyles="-")
    star = {"marker": "*", "color": plots.PALETTE["black"], "linestyle": "", "zorder": 4}
    for minima, size in ((landscape.minima[:1], 13), (landscape.minima[1:], 6)):
        if minima:
            axis.plot(*np.transpose(minima), markersize=size, **star)
    axis.set(xlabel="weight x", ylabel="weight y", ylim=landscape.window[1])
    axis.grid(False)


def show_paths(
    axis: Axes,
    landscape: Landscape,
    paths: Mapping[str, ArrayLike],
    upto: int | None = None,
    markers: bool = True,
) -> None:
    """Draw walks onto an axis, each with its own color, dashes and marker.

    Parameters
    ----------
    axis
        On which `draw_landscape` has drawn.
    landscape
        For one weight it also gives the heights.
    paths : mapping from name to array of shape (steps + 1, dimension)
    upto
        The step to end at; a big marker stands there.
    markers
        Small marks at the first 30 steps.
    """
    for number, (name, path) in enumerate(paths.items()):
        path = np.asarray(path, dtype=np.float64)[: None if upto is None else upto + 1]
        # What left the window far behind cannot be drawn.
        inside = np.abs(path).max(axis=-1) < 1e6  # of NaN this is not true
        path = path[: len(path) if inside.all() else np.argmin(inside)]
        x = path[:, 0]
        y = landscape.loss(path) if len(landscape.window) == 1 else path[:, 1]
        look = LOOKS[number % len(LOOKS)]
        # On a curve a line from step to step would hide the curve.
        line = look if len(landscape.window) == 2 else look | {"linestyle": ""}
        marked = slice(31 if markers else 0)
        axis.plot(x, y, linewidth=1.8, markersize=4, markevery=marked, label=name, **line)
        axis.plot(x[-1:], y[-1:], markersize=9, markeredgecolor="white", **look)


class Canvas:
    """A figure made without pyplot; what it holds now is drawn once, and stays in each picture."""

    def __init__(self, figure: Figure) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        self._axis = figure.axes[0]
        self._canvas = FigureCanvasAgg(figure)
        self._canvas.draw()
        self._background = self._canvas.copy_from_bbox(figure.bbox)

    def picture(self, draw: Callable[[Axes], object]) -> NDArray[np.float32]:
        """Pixels in [0, 1], with the lines and texts that ``draw`` adds to the first axis."""
        axis = self._axis
        before = {*axis.lines, *axis.texts}
        draw(axis)
        added = [artist for artist in (*axis.lines, *axis.texts) if artist not in before]
        self._canvas.restore_region(self._background)
        for artist in added:
            axis.draw_artist(artist)
            artist.remove()
        return np.asarray(self._canvas.buffer_rgba())[..., :3].astype(np.float32) / 255


def frames(
    landscape: Landscape, paths: Mapping[str, ArrayLike], steps: Sequence[int]
) -> list[NDArray[np.float32]]:
    """Pictures of walks after each of ``steps``, for `images.animate`: float32 in [0, 1]."""
    from matplotlib.figure import Figure

    dimension = len(landscape.window)
    figure = Figure(figsize=(5.4, 3.4), dpi=90, layout="constrained")
    axis = figure.add_subplot()
    show_paths(axis, landscape, {name: np.full((1, dimension), np.nan) for name in paths})
    axis.legend(loc="upper center" if dimension == 1 else "upper right", fontsize=9)
    draw_landscape(axis, landscape)
    canvas = Canvas(figure)

    def draw(axis: Axes, step: int) -> None:
        show_paths(axis, landscape, paths, upto=step, markers=dimension == 2)
        box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85}
        place = {"transform": axis.transAxes, "fontsize": 11, "va": "bottom", "bbox": box}
        axis.text(0.02, 0.03, f"after {step} steps", **place)

    return [canvas.picture(partial(draw, step=step)) for step in steps]


def show_curves(
    histories: Mapping[str, Mapping[str, Sequence[float]]], title: str, top: float = 2.6
) -> None:
    """Draw loss against epoch for several trainings, each in its own panel, three in a row.

    ``histories`` are Keras' by title, with "loss" and perhaps "val_loss"; ``title`` is that of the
    whole figure, ``top`` the upper end of the loss axis.
    """
    import matplotlib.pyplot as plt

    rows = -(-len(histories) // 3)
    figure, axes = plt.subplots(
        rows, 3, figsize=(10.2, 2.5 * rows + 0.5), sharey=True, squeeze=False
    )
    for axis, (name, history) in zip(axes.flat, histories.items(), strict=False):
        epochs = np.arange(1, len(history["loss"]) + 1)
        axis.plot(epochs, history["loss"], linestyle="-", color=plots.PALETTE["blue"])
        if "val_loss" in history:
            held_out = {"linestyle": "--", "color": plots.PALETTE["vermillion"]}
            axis.plot(epochs, history["val_loss"], **held_out)
        axis.set(title=name, xlabel="epoch", ylim=(0, top))
        axis.xaxis.get_major_locator().set_params(integer=True)
    for axis in axes.flat[len(histories) :]:
        axis.axis("off")
    for axis in axes[:, 0]:
        axis.set_ylabel("loss")
    fullest = max(axes.flat, key=lambda axis: len(axis.lines))
    fullest.legend(fullest.lines, ["training", "validation"], fontsize=10)
    figure.suptitle(title)
    plt.show()
