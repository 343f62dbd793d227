"""Landscapes, rules that walk down them, and a test for the learning rate: derived in lesson 04.

A *rule* such as ``adam(rate=0.1)`` is a function. It gets the gradient and what it remembers of
earlier steps, and returns the change of the weights and its new memory; `descend` applies it again
and again. Networks are trained with Keras' own optimizers, which do the same sums.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import plots

if TYPE_CHECKING:
    import keras
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "DASHES",
    "HILLS",
    "LANDSCAPES",
    "MARKERS",
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
# Rules
# --------------------------------------------------------------------------------------------------


def descend(
    gradient: Callable[[Array], ArrayLike], start: ArrayLike, rule: Rule, steps: int
) -> Array:
    """Walk from ``start`` as ``rule`` says, and keep every place (lesson 04, section 1).

    Parameters
    ----------
    gradient : function
        Weights -> gradient, of the same shape.
    start : array of numbers, any shape
        Weights at first. Rules work on each number by itself, so that a gradient which accepts many
        points at once walks from all of them in one call.
    rule : Rule
        Such as ``momentum(rate=0.1, beta=0.9)``.
    steps : int
        0 or more.

    Returns
    -------
    ndarray of float64, shape (steps + 1, *start.shape)
        The start and the place after each step; infinite or NaN once a walk has diverged.

    Raises
    ------
    ValueError
        ``steps`` is no whole number from 0 on, or ``start`` is not finite.
    """
    if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or steps < 0:
        raise ValueError(f"steps is {steps!r}; give a whole number, 0 or more.")
    weights = np.array(start, dtype=np.float64)
    if not np.isfinite(weights).all():
        raise ValueError("start holds NaN or infinity; give finite numbers.")
    path, memory = [weights], []
    with np.errstate(over="ignore", invalid="ignore"):  # a walk that diverges is a result, too
        for _ in range(steps):
            change, *memory = rule(np.asarray(gradient(path[-1])), *memory)
            path.append(path[-1] + change)
    return np.array(path)


def gradient_descent(rate: float) -> Rule:
    """Against the gradient, in proportion to it (A. Cauchy, 1847; lesson 04, section 1).

    Parameters
    ----------
    rate : float
        The learning rate, above 0.

    Raises
    ------
    ValueError
        ``rate`` is not above 0.
    """
    _check_rate(rate)
    return lambda gradient: (-rate * gradient,)


def momentum(rate: float, beta: float = 0.9) -> Rule:
    """A velocity that remembers (B. Polyak, 1964; lesson 04, section 3). Keras: ``SGD``.

    Parameters
    ----------
    rate : float
        The learning rate, above 0.
    beta : float
        Share of the velocity that each step keeps, from 0 to below 1.

    Raises
    ------
    ValueError
        ``rate`` or ``beta`` is outside its range.
    """
    _check_rate(rate)
    _check_shares(beta=beta)

    def rule(gradient: Array, velocity: ArrayLike = 0.0) -> tuple[Any, ...]:
        velocity = beta * velocity - rate * gradient
        return velocity, velocity

    return rule


def nesterov(rate: float, beta: float = 0.9) -> Rule:
    """Momentum that looks ahead (Y. Nesterov, 1983; lesson 04, section 3).

    In the form of I. Sutskever and others (2013), written for the place looked ahead to, as Keras'
    ``SGD(nesterov=True)`` does. Parameters and errors are those of `momentum`.
    """
    _check_rate(rate)
    _check_shares(beta=beta)

    def rule(gradient: Array, velocity: ArrayLike = 0.0) -> tuple[Any, ...]:
        velocity = beta * velocity - rate * gradient
        return beta * velocity - rate * gradient, velocity

    return rule


def rmsprop(rate: float, rho: float = 0.9, epsilon: float = 1e-7) -> Rule:
    """Each weight's step in units of its usual gradient (G. Hinton, 2012; section 4).

    Parameters
    ----------
    rate : float
        The learning rate, above 0.
    rho : float
        Share of the mean square that each step keeps, from 0 to below 1.
    epsilon : float
        Above 0; added to the mean square, as Keras does.

    Raises
    ------
    ValueError
        A number is outside its range.
    """
    _check_rate(rate)
    _check_shares(rho=rho)
    _check_epsilon(epsilon)

    def rule(gradient: Array, square: ArrayLike = 0.0) -> tuple[Any, ...]:
        square = rho * square + (1 - rho) * gradient**2
        return -rate * gradient / np.sqrt(square + epsilon), square

    return rule


def adam(rate: float, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7) -> Rule:
    """Adaptive moment estimation (D. Kingma, J. Ba, 2015; lesson 04, section 4).

    The corrections of both moments are drawn together into one factor, as at the end of the paper's
    section 2 and in Keras; ``epsilon`` then is added to the root that is not corrected.

    Parameters
    ----------
    rate : float
        The learning rate, above 0.
    beta_1, beta_2 : float
        Shares of the mean and of the mean square that each step keeps, from 0 to below 1.
    epsilon : float
        Above 0.

    Raises
    ------
    ValueError
        A number is outside its range.
    """
    _check_rate(rate)
    _check_shares(beta_1=beta_1, beta_2=beta_2)
    _check_epsilon(epsilon)

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


def _check_rate(rate: float) -> None:
    if not 0 < rate < np.inf:
        raise ValueError(f"rate is {rate!r}; the learning rate is a number above 0.")


def _check_shares(**shares: float) -> None:
    for name, share in shares.items():
        if not 0 <= share < 1:
            raise ValueError(f"{name} is {share!r}; give a number from 0 to below 1.")


def _check_epsilon(epsilon: float) -> None:
    if not 0 < epsilon < np.inf:
        raise ValueError(f"epsilon is {epsilon!r}; give a small number above 0.")


# --------------------------------------------------------------------------------------------------
# Landscapes
# --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Landscape:
    """A loss of one or two weights that can be drawn.

    Attributes
    ----------
    name, formula : str
        The formula is in LaTeX.
    loss : function
        Points, shape (..., dimension) -> heights, shape (...).
    gradient : function
        Points -> first derivatives, shape (..., dimension).
    hessian : function
        Points -> second derivatives, shape (..., dimension, dimension).
    window : tuple of (low, high)
        The part to draw, one pair for each weight.
    start : tuple of float
        Where walks begin unless told otherwise.
    rate, adaptive_rate : float
        Learning rates that suit the landscape: for gradient descent and its two kinds of momentum,
        and for RMSProp and Adam, whose steps do not grow with the gradient.
    minima : tuple of points
        All local minima inside the window, the lowest first.
    """

    name: str
    formula: str
    loss: Callable[[ArrayLike], Array]
    gradient: Callable[[ArrayLike], Array]
    hessian: Callable[[ArrayLike], Array]
    window: tuple[tuple[float, float], ...]
    start: tuple[float, ...]
    rate: float
    adaptive_rate: float
    minima: tuple[tuple[float, ...], ...]


def _quadratic(
    name: str,
    formula: str,
    hessian: ArrayLike,
    start: tuple[float, float],
    window: tuple[tuple[float, float], ...],
) -> Landscape:
    matrix = np.array(hessian, dtype=np.float64)

    def gradient(w: ArrayLike) -> Array:
        return np.asarray(w) @ matrix

    return Landscape(
        name,
        formula,
        loss=lambda w: 0.5 * np.sum(w * gradient(w), axis=-1),
        gradient=gradient,
        hessian=lambda w: np.broadcast_to(matrix, (*np.shape(w)[:-1], 2, 2)),
        window=window,
        start=start,
        rate=0.04,
        adaptive_rate=0.1,
        minima=((0.0, 0.0),),
    )


def _matrix(a: ArrayLike, b: ArrayLike, c: ArrayLike) -> Array:
    """Symmetric 2 x 2 matrices from the entries xx, xy and yy."""
    a, b, c = np.broadcast_arrays(a, b, c)
    return np.stack([np.stack([a, b], axis=-1), np.stack([b, c], axis=-1)], axis=-1)


def _xy(w: ArrayLike) -> tuple[Array, Array]:
    w = np.asarray(w, dtype=np.float64)
    return w[..., 0], w[..., 1]


def _rosenbrock_loss(w: ArrayLike) -> Array:
    x, y = _xy(w)
    return (1 - x) ** 2 + 10 * (y - x**2) ** 2


def _rosenbrock_gradient(w: ArrayLike) -> Array:
    x, y = _xy(w)
    return np.stack([2 * (x - 1) - 40 * x * (y - x**2), 20 * (y - x**2)], axis=-1)


def _rosenbrock_hessian(w: ArrayLike) -> Array:
    x, y = _xy(w)
    return _matrix(2 - 40 * y + 120 * x**2, -40 * x, 20.0)


def _saddle_loss(w: ArrayLike) -> Array:
    x, y = _xy(w)
    return x**2 / 2 - y**2 / 2 + y**4 / 4


def _saddle_gradient(w: ArrayLike) -> Array:
    x, y = _xy(w)
    return np.stack([x, y**3 - y], axis=-1)


def _saddle_hessian(w: ArrayLike) -> Array:
    x, y = _xy(w)
    return _matrix(np.ones_like(x), 0.0, 3 * y**2 - 1)


# The hills: a wide bowl with waves in it.
_BOWL, _WAVE, _PITCH = 0.1, 0.3, 3.0


def _hills_slope(w: ArrayLike) -> Array:
    w = np.asarray(w, dtype=np.float64)
    return 2 * _BOWL * w + _WAVE * _PITCH * np.cos(_PITCH * w)


def _hills_bend(w: ArrayLike) -> Array:
    w = np.asarray(w, dtype=np.float64)
    return 2 * _BOWL - _WAVE * _PITCH**2 * np.sin(_PITCH * w)


def _hills_loss(w: ArrayLike) -> Array:
    w = np.asarray(w, dtype=np.float64)
    return np.sum(_BOWL * w**2 + _WAVE * np.sin(_PITCH * w), axis=-1)


# Where the slope of the hills is 0 and their bend is positive, the lowest first.
_HOLLOWS = (-0.48742243, 1.46060732, -2.42802221, 3.38174745, -4.29082328)

#: One weight, five hollows, of which one is the lowest (lesson 04, section 3).
HILLS = Landscape(
    "hills",
    r"w^2/10 + 0.3 \sin 3w",
    loss=_hills_loss,
    gradient=_hills_slope,
    hessian=lambda w: _hills_bend(w)[..., None],
    window=((-5.0, 5.0),),
    start=(4.6,),
    rate=0.1,
    adaptive_rate=0.1,
    minima=tuple((w,) for w in _HOLLOWS),
)

_RAVINE = np.diag([1.0, 20.0])
_TURN = np.array([[1.0, -1.0], [1.0, 1.0]]) / np.sqrt(2)

#: The landscapes of two weights, by name.
LANDSCAPES: Mapping[str, Landscape] = MappingProxyType(
    {
        landscape.name: landscape
        for landscape in (
            _quadratic(
                "ravine",
                r"\frac12 (x^2 + 20 y^2)",
                _RAVINE,
                start=(-1.8, 0.5),
                window=((-2.0, 0.8), (-0.9, 0.9)),
            ),
            _quadratic(
                "turned ravine",
                r"\frac14 (x + y)^2 + 5 (y - x)^2",
                _TURN @ _RAVINE @ _TURN.T,
                start=(-1.626, -0.919),  # the same place, turned by 45 degrees
                window=((-1.9, 0.9), (-1.4, 0.6)),
            ),
            Landscape(
                "Rosenbrock",  # with 10 for its 100, so that the valley can be seen
                "(1 - x)^2 + 10 (y - x^2)^2",
                _rosenbrock_loss,
                _rosenbrock_gradient,
                _rosenbrock_hessian,
                window=((-2.0, 2.0), (-1.0, 3.0)),
                start=(-1.5, 2.5),
                rate=0.005,
                adaptive_rate=0.05,
                minima=((1.0, 1.0),),
            ),
            Landscape(
                "saddle",
                r"\frac12 x^2 - \frac12 y^2 + \frac14 y^4",
                _saddle_loss,
                _saddle_gradient,
                _saddle_hessian,
                window=((-2.0, 2.0), (-1.6, 1.6)),
                start=(-1.8, 0.01),
                rate=0.1,
                adaptive_rate=0.1,
                minima=((0.0, 1.0), (0.0, -1.0)),
            ),
            Landscape(
                "hollows",  # the hills along both weights
                r"(x^2 + y^2)/10 + 0.3 (\sin 3x + \sin 3y)",
                _hills_loss,
                _hills_slope,
                lambda w: _matrix(_hills_bend(_xy(w)[0]), 0.0, _hills_bend(_xy(w)[1])),
                window=((-5.0, 5.0), (-5.0, 5.0)),
                start=(4.6, -4.0),
                rate=0.1,
                adaptive_rate=0.1,
                minima=tuple(
                    sorted(
                        ((x, y) for x in _HOLLOWS for y in _HOLLOWS),
                        key=lambda w: float(_hills_loss(w)),
                    )
                ),
            ),
        )
    }
)

# --------------------------------------------------------------------------------------------------
# Training again
# --------------------------------------------------------------------------------------------------


def restart(model: keras.Model, weights: Sequence[ArrayLike] | None = None) -> None:
    """Give a compiled model other weights, and let its optimizer forget what it has gathered.

    Training then starts again without building and compiling anew, which takes longer than the
    training itself where networks are small. The learning rate stays; a schedule starts again.
    Lesson 04, section 5.

    Parameters
    ----------
    model : keras.Model
        Compiled.
    weights : arrays, as ``get_weights`` gives them
        By default new ones, drawn as the layers' initializers say.

    Raises
    ------
    ValueError
        The model is not compiled, or the weights do not fit.
    """
    from course_utils.quiet import keras

    if not getattr(model, "compiled", False):
        raise ValueError("the model is not compiled; call model.compile(optimizer, loss).")
    model.set_weights(keras.models.clone_model(model).get_weights() if weights is None else weights)
    optimizer = model.optimizer
    if not optimizer.built:  # its variables are made when it is first used
        optimizer.build(model.trainable_variables)
    fresh = type(optimizer).from_config(optimizer.get_config())  # not all begin with zeros
    fresh.build(model.trainable_variables)
    for variable, start in zip(optimizer.variables, fresh.variables, strict=True):
        if variable is not optimizer.learning_rate:
            variable.assign(start)


# --------------------------------------------------------------------------------------------------
# The learning-rate finder
# --------------------------------------------------------------------------------------------------


class RateTest(NamedTuple):
    """What `find_rate` measured: the rate of each step, and the loss of its batch before it."""

    rates: Array
    losses: Array

    @property
    def smooth(self) -> Array:
        """Losses averaged over the last ten steps or so, by the corrected mean that Adam uses."""
        mean, means = 0.0, []
        for step, loss in enumerate(self.losses, 1):
            mean = 0.9 * mean + 0.1 * loss
            means.append(mean / (1 - 0.9**step))
        return np.array(means)

    @property
    def lowest(self) -> float:
        """The rate at which the smoothed loss was lowest: from here on it gets worse."""
        if not len(self.losses):
            raise ValueError("no loss was finite; look for NaN in inputs, targets and weights.")
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
    seed: int = 0,
) -> RateTest:
    """Train for a few steps with a rate that grows from step to step (lesson 04, section 5).

    L. Smith, "Cyclical learning rates for training neural networks", 2017, section 3.3: the range
    test; here with a rate that grows by the same factor each time. It ends early when the loss has
    risen to four times its lowest value. Weights, optimizer and its rate are as before afterwards,
    also when the test is interrupted.

    Parameters
    ----------
    network : keras.Model
        Compiled, with an optimizer whose rate is a number rather than a schedule.
    inputs, targets : arrays, first axis the examples
    low, high : float
        First and last rate, 0 < low < high.
    steps : int
        At least 10.
    batch_size : int
        Examples for each step, drawn at random.
    seed : int
        Of this drawing.

    Returns
    -------
    RateTest

    Raises
    ------
    ValueError
        The network is not compiled, its optimizer has a schedule, inputs and targets differ in
        number, or a number is outside its range.
    """
    inputs, targets = np.asarray(inputs), np.asarray(targets)
    _check_rate_test(network, inputs, targets, low, high, steps, batch_size)
    from course_utils.live import track

    network.optimizer.build(network.trainable_variables)
    kept = network.get_weights()
    kept_by_optimizer = [variable.numpy() for variable in network.optimizer.variables]
    random, losses = np.random.default_rng(seed), []
    rates = np.geomspace(low, high, steps)
    try:
        for rate in track(rates, "range test"):
            network.optimizer.learning_rate = rate
            batch = random.choice(len(inputs), min(batch_size, len(inputs)), replace=False)
            result = network.train_on_batch(inputs[batch], targets[batch], return_dict=True)
            losses.append(float(result["loss"]))
            if not losses[-1] < 4 * min(losses):
                break
    finally:
        network.set_weights(kept)
        for variable, value in zip(network.optimizer.variables, kept_by_optimizer, strict=True):
            variable.assign(value)
        network.reset_metrics()
    finite = np.isfinite(losses)
    return RateTest(rates[: len(losses)][finite], np.array(losses)[finite])


def _check_rate_test(
    network: keras.Model,
    inputs: NDArray[Any],
    targets: NDArray[Any],
    low: float,
    high: float,
    steps: int,
    batch_size: int,
) -> None:
    if not getattr(network, "compiled", False):
        raise ValueError("the network is not compiled; call network.compile(optimizer, loss).")
    if callable(getattr(network.optimizer, "_learning_rate", None)):
        raise ValueError("the optimizer follows a schedule; compile with a number as its rate.")
    if inputs.ndim < 1 or targets.ndim < 1 or len(inputs) != len(targets) or not len(inputs):
        raise ValueError(
            f"inputs have the shape {inputs.shape}, targets {targets.shape}; give as many of each."
        )
    if not 0 < low < high < np.inf:
        raise ValueError(f"low is {low!r} and high {high!r}; give 0 < low < high.")
    if steps < 10 or batch_size < 1:
        raise ValueError(
            f"steps is {steps!r} and batch_size {batch_size!r}; give at least 10 and 1."
        )


# --------------------------------------------------------------------------------------------------
# Pictures
# --------------------------------------------------------------------------------------------------

#: Dashes and markers of the walks, in the order of `plots.LINE_COLORS`.
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
MARKERS = ("o", "s", "^", "D", "v")


def draw_landscape(axis: Axes, landscape: Landscape) -> None:
    """Draw a landscape: a curve for one weight, lines of equal height for two; minima as stars."""
    star = {"marker": "*", "color": plots.PALETTE["black"], "linestyle": "", "zorder": 4}
    if len(landscape.window) == 1:
        w = np.linspace(*landscape.window[0], 401)
        axis.plot(w, landscape.loss(w[:, None]), color=plots.PALETTE["gray"], linestyle="-")
        axis.set(xlabel="weight w", ylabel="loss", xlim=landscape.window[0])
        return
    x, y = (np.linspace(*side, 121) for side in landscape.window)
    height = landscape.loss(np.stack(np.meshgrid(x, y), axis=-1))
    # Evenly spaced in the root of the height: close lines near the floor, few on the walls.
    levels = height.min() + (height.max() - height.min()) * np.linspace(0, 1, 15)[1:] ** 2.5
    axis.contour(x, y, height, levels=levels, colors="#A8A8A8", linewidths=0.8, linestyles="-")
    axis.plot(*np.transpose(landscape.minima[:1]), markersize=13, **star)
    if len(landscape.minima) > 1:
        axis.plot(*np.transpose(landscape.minima[1:]), markersize=6, **star)
    axis.set(xlabel="weight x", ylabel="weight y", xlim=landscape.window[0])
    axis.set(ylim=landscape.window[1])
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
    axis : matplotlib Axes
    landscape : Landscape
        Already drawn by `draw_landscape`; for one weight it also gives the heights.
    paths : mapping from name to array of shape (steps + 1, dimension)
    upto : int, optional
        The step to end at; a big marker stands there.
    markers : bool
        Small marks at the first 30 steps.
    """
    for number, (name, path) in enumerate(paths.items()):
        path = np.asarray(path, dtype=np.float64)[: None if upto is None else upto + 1]
        # What left the window far behind cannot be drawn.
        far = np.abs(path).max(axis=-1)
        inside = np.isfinite(far) & (far < 1e6)
        path = path[: len(path) if inside.all() else np.argmin(inside)]
        if len(landscape.window) == 1:
            points = path[:, 0], landscape.loss(path)
        else:
            points = path[:, 0], path[:, 1]
        color = plots.PALETTE[plots.LINE_COLORS[number % len(plots.LINE_COLORS)]]
        style = {"color": color, "marker": MARKERS[number % len(MARKERS)]}
        every = [step for step in range(min(len(path), 31))] if markers else []
        axis.plot(
            *points,
            linestyle=DASHES[number % len(DASHES)] if len(landscape.window) == 2 else "",
            linewidth=1.8,
            markersize=4,
            markevery=every,
            label=name,
            **style,
        )
        axis.plot(points[0][-1:], points[1][-1:], markersize=9, markeredgecolor="white", **style)


class Canvas:
    """A figure of which all that stays is drawn only once: each picture adds walks to it.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Made without pyplot; all that it holds now stays.
    """

    def __init__(self, figure: Figure) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        self._axis = figure.axes[0]
        self._canvas = FigureCanvasAgg(figure)
        self._canvas.draw()
        self._background = self._canvas.copy_from_bbox(figure.bbox)

    def picture(self, draw: Callable[[Axes], object]) -> NDArray[np.float32]:
        """Pixels of the figure with the lines and texts that ``draw`` adds to its first axis.

        Returns
        -------
        ndarray of float32 in [0, 1], shape (height, width, 3)
        """
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
    """Pictures of walks after each of ``steps``, for `images.animate`.

    Parameters
    ----------
    landscape, paths
        As in `show_paths`.
    steps : sequence of int
        The step that each picture shows.

    Returns
    -------
    list of ndarray of float32 in [0, 1], each (height, width, 3)
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.4, 3.4), dpi=90, layout="constrained")
    axis = figure.add_subplot()
    show_paths(axis, landscape, {name: np.full((1, 2), np.nan) for name in paths})
    axis.legend(loc="upper center" if len(landscape.window) == 1 else "upper right", fontsize=9)
    draw_landscape(axis, landscape)
    canvas = Canvas(figure)

    def draw(axis: Axes, step: int) -> None:
        show_paths(axis, landscape, paths, upto=step, markers=len(landscape.window) == 2)
        box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85}
        place = {"transform": axis.transAxes, "fontsize": 11, "va": "bottom", "bbox": box}
        axis.text(0.02, 0.03, f"after {step} steps", **place)

    return [canvas.picture(partial(draw, step=step)) for step in steps]


def show_curves(
    histories: Mapping[str, Mapping[str, Sequence[float]]],
    title: str,
    columns: int = 3,
    top: float = 2.6,
) -> None:
    """Draw loss against epoch for several trainings, each in its own panel.

    Parameters
    ----------
    histories : mapping from title to Keras' ``history``
        With "loss", and "val_loss" where it was measured after each epoch.
    title : str
        Of the whole figure.
    columns : int
        Panels in a row, at least 1.
    top : float
        Upper end of the loss axis.
    """
    import matplotlib.pyplot as plt

    rows = -(-len(histories) // columns)
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(3.4 * columns, 2.5 * rows + 0.5),
        sharey=True,
        squeeze=False,
    )
    for axis, (name, history) in zip(axes.flat, histories.items(), strict=False):
        epochs = np.arange(1, len(history["loss"]) + 1)
        axis.plot(epochs, history["loss"], linestyle="-", color=plots.PALETTE["blue"])
        if "val_loss" in history:
            axis.plot(
                epochs, history["val_loss"], linestyle="--", color=plots.PALETTE["vermillion"]
            )
        axis.set(title=name, xlabel="epoch", ylim=(0, top))
        axis.xaxis.get_major_locator().set_params(integer=True)
    for axis in axes.flat[len(histories) :]:
        axis.axis("off")
    for row in axes:
        row[0].set_ylabel("loss")
    fullest = max(axes.flat, key=lambda axis: len(axis.lines))
    fullest.legend(fullest.lines, ["training", "validation"], fontsize=10)
    figure.suptitle(title)
    plt.show()
