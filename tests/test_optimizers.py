"""Rules, landscapes, the range test, their pictures, and the race of lesson 04."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise, product
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from course_utils import optimizers
from course_utils.ask import CourseError
from course_utils.exercises.lesson_04 import EXERCISES
from course_utils.optimizers import (
    HILLS,
    LANDSCAPES,
    Landscape,
    RateTest,
    adam,
    descend,
    find_rate,
    gradient_descent,
    momentum,
    nesterov,
    rmsprop,
)
from course_utils.quiet import keras, tf
from course_utils.widgets import optimizer_race
from course_utils.widgets.optimizer_race import STEPS, frame

RULES = {
    "gradient descent": gradient_descent,
    "momentum": momentum,
    "Nesterov": nesterov,
    "RMSProp": rmsprop,
    "Adam": adam,
}
each_landscape = pytest.mark.parametrize(
    "landscape", [HILLS, *LANDSCAPES.values()], ids=lambda landscape: landscape.name
)
each_rule = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)


def own_rate(landscape: Landscape, name: str) -> float:
    return landscape.adaptive_rate if name in ("RMSProp", "Adam") else landscape.rate


# --- rules --------------------------------------------------------------------------------------

SGD, BETA_2 = keras.optimizers.SGD, 1 - 2**-10  # 32 bits hold it exactly, 0.999 they do not


@pytest.mark.parametrize(
    ("rule", "optimizer"),
    [
        (gradient_descent(0.005), lambda: SGD(0.005)),
        (momentum(0.005, 0.8), lambda: SGD(0.005, momentum=0.8)),
        (nesterov(0.005), lambda: SGD(0.005, momentum=0.9, nesterov=True)),
        (rmsprop(0.05, rho=0.75), lambda: keras.optimizers.RMSprop(0.05, rho=0.75)),
        (adam(0.05, beta_2=BETA_2), lambda: keras.optimizers.Adam(0.05, beta_2=BETA_2)),
    ],
    ids=RULES,
)
def test_rules_are_those_of_keras(rule: Callable, optimizer: Callable) -> None:
    valley, optimizer = LANDSCAPES["Rosenbrock"], optimizer()
    w = keras.Variable(np.array(valley.start), dtype="float64")
    places = [w.numpy()]
    for _ in range(50):
        optimizer.apply([tf.constant(valley.gradient(places[-1]))], [w])
        places.append(w.numpy())
    ours = descend(valley.gradient, valley.start, rule, 50)
    assert np.abs(ours - places).max() < 1e-6 * np.abs(ours).max()


def test_adamw_of_the_exercise_is_that_of_keras() -> None:
    names: dict = {"np": np}
    exec(next(e.solution for e in EXERCISES if e.name == "04-adam"), names)
    optimizer = keras.optimizers.AdamW(0.05, weight_decay=0.1)
    w = keras.Variable([1.0, -2.0, 3.0], dtype="float64")
    ours, mean, square = np.array([1.0, -2.0, 3.0]), np.zeros(3), np.zeros(3)
    for step in range(1, 21):
        gradient = np.sin(3 * ours) + 2
        optimizer.apply([tf.constant(gradient)], [w])
        ours, mean, square = names["adamw"](ours, gradient, mean, square, step, 0.05, 0.1)
    # In 32 bits Keras' correction with 0.999 is off in the sixth digit.
    assert np.allclose(ours, w.numpy(), atol=1e-4)


def test_first_steps() -> None:
    g = np.array([1e-4, 1.0, 1e4])
    assert np.allclose(gradient_descent(0.1)(g)[0], [-1e-5, -0.1, -1000])
    assert np.allclose(rmsprop(0.1)(g)[0], [-0.0315, -0.316, -0.316], atol=5e-4)
    assert np.allclose(adam(0.1)(g)[0], [-0.0969, -0.1, -0.1], atol=5e-5)


@settings(max_examples=30)
@given(st.floats(0.1, 50), st.floats(0.001, 1.2), st.integers(0, 30))
def test_descent_on_a_parabola_is_a_power(curvature: float, share: float, steps: int) -> None:
    rate = share * 2 / curvature
    path = descend(lambda w: curvature * w, 3.0, gradient_descent(rate), steps)
    assert path.shape == (steps + 1,)
    assert np.allclose(path, 3 * (1 - 2 * share) ** np.arange(steps + 1))


@settings(max_examples=20)
@given(st.floats(0.01, 0.05), st.floats(0, 0.95))
def test_momentum_is_the_heavy_ball(rate: float, beta: float) -> None:
    gradient = LANDSCAPES["turned ravine"].gradient
    path = descend(gradient, (1, 2), momentum(rate, beta), 20)
    change = -rate * gradient(path[1:-1]) + beta * (path[1:-1] - path[:-2])
    assert np.allclose(path[2:], path[1:-1] + change)
    if beta == 0:
        assert np.array_equal(path, descend(gradient, (1, 2), gradient_descent(rate), 20))


@settings(max_examples=20)
@given(st.floats(0.001, 0.05), st.floats(0, 0.95))
def test_nesterov_measures_ahead(rate: float, beta: float) -> None:
    gradient = LANDSCAPES["turned ravine"].gradient
    w, v, ahead = np.array([1.0, 2.0]), np.zeros(2), []
    for _ in range(15):
        ahead.append(w + beta * v)
        v = beta * v - rate * gradient(ahead[-1])
        w = w + v
    assert np.allclose(descend(gradient, (1, 2), nesterov(rate, beta), 14), ahead)


@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
def test_adam_does_not_care_for_the_scale_of_gradients(scale: float, other: float) -> None:
    walks = [
        descend(lambda w, s=s: s * w, 1.0, adam(0.1, epsilon=1e-15), 20) for s in (scale, other)
    ]
    assert np.allclose(*walks)


def test_condition_number_100() -> None:
    def steps(rate: float, beta: float) -> int:
        path = descend(lambda w: w * (1, 100), (1, 1), momentum(rate, beta), 1000)
        return int(np.argmax(np.linalg.norm(path, axis=1) < 1e-6))

    assert steps(2 / 101, 0) == 709
    assert steps((2 / 11) ** 2, (9 / 11) ** 2) == 95


@each_rule
def test_many_points_walk_as_each_alone_and_nothing_is_kept_between_walks(rule: Callable) -> None:
    gradient, one = LANDSCAPES["hollows"].gradient, rule(0.05)
    starts = np.random.default_rng(0).uniform(-4, 4, size=(5, 2))
    together = descend(gradient, starts, one, 30)
    for number, start in enumerate(starts):
        assert np.allclose(together[:, number], descend(gradient, start, one, 30))


def test_many_places_on_the_hills_walk_in_any_shape() -> None:
    starts = np.linspace(-4, 4, 6)
    flat, nested = (descend(HILLS.gradient, s, adam(0.1), 9) for s in (starts, starts[:, None]))
    assert np.array_equal(flat[..., None], nested)


def test_divergence_is_no_error(recwarn: pytest.WarningsRecorder) -> None:
    path = descend(lambda w: w**3, 10.0, gradient_descent(1.0), 20)
    assert not np.isfinite(path[-1]) and not recwarn.list


def test_start_is_left_alone() -> None:
    start = np.array([1.0, 2.0])
    path = descend(np.sign, start, gradient_descent(0.5), np.int64(2))
    assert np.array_equal(start, [1, 2]) and np.array_equal(path[0], start)
    assert path.dtype == float and path.shape == (3, 2)


# --- landscapes ---------------------------------------------------------------------------------


def points_of(landscape: Landscape, count: int) -> np.ndarray:
    low, high = np.transpose(landscape.window)
    return np.random.default_rng(1).uniform(low, high, size=(count, len(low)))


@each_landscape
def test_derivatives_are_those_of_the_loss(landscape: Landscape) -> None:
    points, tiny = points_of(landscape, 20), 1e-5
    gradient, hessian = landscape.gradient(points), landscape.hessian(points)
    dimension = points.shape[1]
    assert landscape.loss(points).shape == (20,)
    assert gradient.shape == points.shape and hessian.shape == (20, dimension, dimension)
    for axis in range(dimension):
        step = tiny * np.eye(dimension)[axis]
        rise = (landscape.loss(points + step) - landscape.loss(points - step)) / (2 * tiny)
        bend = (landscape.gradient(points + step) - landscape.gradient(points - step)) / (2 * tiny)
        assert np.allclose(gradient[:, axis], rise, atol=1e-4)
        assert np.allclose(hessian[:, axis], bend, atol=1e-4)


@each_landscape
def test_minima_are_minima_the_lowest_first(landscape: Landscape) -> None:
    minima = np.array(landscape.minima)
    low, high = np.transpose(landscape.window)
    assert np.all((low <= minima) & (minima <= high))
    assert np.allclose(landscape.gradient(minima), 0, atol=1e-6)
    assert np.all(np.linalg.eigvalsh(landscape.hessian(minima)) > 0)
    assert np.all(np.diff(landscape.loss(minima)) >= -1e-12)
    # None is missing: from wherever small steps start, they end at one of those named.
    ends = descend(landscape.gradient, points_of(landscape, 60), gradient_descent(0.004), 6000)[-1]
    away = np.linalg.norm(ends[:, None] - minima, axis=-1).min(axis=1)
    assert away.max() < 0.05


@each_landscape
def test_the_given_rates_arrive(landscape: Landscape) -> None:
    low, high = np.transpose(landscape.window)
    assert np.all((low <= landscape.start) & (np.array(landscape.start) <= high))
    for name, rule in RULES.items():
        path = descend(landscape.gradient, landscape.start, rule(own_rate(landscape, name)), 200)
        assert landscape.loss(path[-1]) < landscape.loss(landscape.start)


def test_the_turned_ravine_is_the_ravine() -> None:
    ravine, turned = LANDSCAPES["ravine"], LANDSCAPES["turned ravine"]
    for landscape in (ravine, turned):
        assert np.allclose(np.linalg.eigvalsh(landscape.hessian(np.zeros(2))), [1, 20])
    assert np.isclose(*(v.loss(np.array(v.start)) for v in (ravine, turned)), rtol=1e-3)


# --- training again, and the range test ---------------------------------------------------------


def compiled(rate: object = 0.01, optimizer: str = "SGD", **options: object) -> keras.Model:
    network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    network.compile(getattr(keras.optimizers, optimizer)(rate, **options), "mse")
    return network


def examples(count: int = 80) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    inputs = random.normal(size=(count, 4))
    return inputs, inputs @ random.normal(size=(4, 3))


def state(network: keras.Model) -> list[np.ndarray]:
    """All numbers of a network, of its optimizer and of its metrics."""
    metrics = [variable for metric in network.metrics for variable in metric.variables]
    return [v.numpy() for v in (*network.variables, *network.optimizer.variables, *metrics)]


def schedule() -> keras.optimizers.schedules.LearningRateSchedule:
    return keras.optimizers.schedules.CosineDecay(0.01, 8)


@pytest.mark.parametrize(
    ("kind", "rate", "options"),
    # The variables of the last three do not begin with zeros.
    [
        ("SGD", 0.25, {"momentum": 0.9}),
        ("Adam", 0.003, {}),
        ("Adam", schedule(), {}),
        ("Nadam", 0.05, {}),
        ("Adagrad", 0.05, {}),
        ("Ftrl", 0.05, {}),
    ],
)
def test_training_after_a_restart_is_that_of_a_new_network(
    kind: str, rate: object, options: dict
) -> None:
    used, new = (compiled(rate, kind, **options) for _ in range(2))
    start = new.get_weights()
    used.fit(*examples(), epochs=3, verbose=0)
    optimizers.restart(used, start)
    assert all(map(np.array_equal, used.get_weights(), start))
    losses = [n.fit(*examples(), epochs=4, shuffle=False, verbose=0) for n in (used, new)]
    assert np.allclose(*(history.history["loss"] for history in losses), rtol=1e-5)


def test_a_restart_keeps_the_rate() -> None:
    network = compiled(0.25)
    network.optimizer.learning_rate = 0.5
    optimizers.restart(network, network.get_weights())
    assert float(network.optimizer.learning_rate) == 0.5


def test_range_test_finds_the_edge() -> None:
    inputs, targets = examples()
    result = find_rate(compiled(), inputs, targets, 1e-3, 1e3, steps=60)
    # The mean over the three outputs makes the Hessian 2/3 of that of a sum of halves of squares.
    hessian = 2 / 3 * inputs.T @ inputs / len(inputs)
    edge = 2 / np.linalg.eigvalsh(hessian)[-1]
    assert len(result.rates) == len(result.losses) < 60  # it stopped when the loss exploded
    assert 0.3 * edge < result.rates[-1] < 30 * edge
    assert np.allclose(np.diff(np.log(result.rates)), np.log(1e6) / 59)
    assert result.suggestion == result.lowest / 3 < result.rates[-1]
    assert result.losses[-1] >= 4 * result.losses.min()


def test_range_test_leaves_no_trace_and_repeats_itself() -> None:
    network = compiled(0.02, "Adam")
    network.fit(*examples(), verbose=0)
    network.reset_metrics()
    before = state(network)
    first = find_rate(network, *examples(), steps=20)
    assert all(map(np.array_equal, before, state(network)))
    assert np.array_equal(first.losses, find_rate(network, *examples(), steps=20).losses)


def test_range_test_of_a_new_network_with_fewer_examples_than_a_batch() -> None:
    network = compiled(0.02, "Adam")  # its optimizer has no variables yet
    assert len(find_rate(network, *examples(20), 1e-4, 1e-2, steps=10).losses) == 10
    rate = network.optimizer.learning_rate
    assert not any(np.any(v) for v in network.optimizer.variables if v is not rate)


def test_range_test_cleans_up_when_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    network = compiled()
    before, train = network.get_weights(), network.train_on_batch

    def interrupted(*args: object, **kwargs: object) -> dict:
        if float(network.optimizer.learning_rate) > 0.01:
            raise KeyboardInterrupt
        return train(*args, **kwargs)

    monkeypatch.setattr(network, "train_on_batch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        find_rate(network, *examples(), steps=20)
    assert all(map(np.array_equal, before, network.get_weights()))
    assert np.isclose(float(network.optimizer.learning_rate), 0.01)


def test_range_test_measures_each_batch_by_itself() -> None:
    inputs, targets = examples()
    network = compiled()
    result = find_rate(network, inputs, targets, 1e-9, 1e-8, steps=10, batch_size=16)
    random = np.random.default_rng(0)
    batches = [random.choice(80, 16, replace=False) for _ in range(10)]
    errors = np.array(network(inputs)) - targets
    assert np.allclose(result.losses, [np.mean(errors[b] ** 2) for b in batches], rtol=1e-4)


def test_range_test_stops_at_four_times_the_lowest_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    network, losses = compiled(), iter([8.0, 1.0, 3.9, 4.0, 1.0])
    monkeypatch.setattr(network, "train_on_batch", lambda *args, **kw: {"loss": next(losses)})
    assert find_rate(network, *examples(), steps=10).losses.tolist() == [8, 1, 3.9, 4]


def test_smoothing_is_the_corrected_mean() -> None:
    test = RateTest(np.geomspace(0.1, 1, 5), np.full(5, 3.0))
    assert np.allclose(test.smooth, 3)
    test = RateTest(np.arange(1.0, 4), np.array([3.0, 1.0, 1.1]))
    assert np.allclose(test.smooth[1], (0.09 * 3 + 0.1 * 1) / 0.19)
    assert np.argmin(test.losses) == 1 and test.lowest == 3.0  # of the smoothed ones


def test_a_range_test_without_a_finite_loss_says_so() -> None:
    inputs, targets = examples()
    result = find_rate(compiled(), inputs, targets * np.nan, steps=10)
    assert len(result.rates) == len(result.losses) == 0
    with pytest.raises(CourseError, match="NaN"):
        _ = result.suggestion


# --- pictures -----------------------------------------------------------------------------------


@each_landscape
def test_a_drawing_has_the_heights_and_the_minima_in_their_places(landscape: Landscape) -> None:
    axis = Figure().add_subplot()
    optimizers.draw_landscape(axis, landscape)
    assert axis.get_xlim() == landscape.window[0]
    if len(landscape.window) == 1:
        w, heights = axis.lines[0].get_data()
        assert (w[0], w[-1]) == landscape.window[0]
        assert np.allclose(heights, landscape.loss(w[:, None]))
        return
    assert axis.get_ylim() == landscape.window[1]
    (lines,) = axis.collections
    grid = np.stack(np.meshgrid(*(np.linspace(*s, 121) for s in landscape.window)), axis=-1)
    low, high = (f(landscape.loss(grid)) for f in (np.min, np.max))
    for level, path in zip(lines.levels, lines.get_paths(), strict=True):
        error = np.abs(landscape.loss(path.vertices) - level)
        assert error.max(initial=0) < 0.02 * (high - low)
    assert lines.levels[0] - low < 0.01 * (high - low) and np.isclose(lines.levels[-1], high)
    best, *others = axis.lines
    assert np.allclose(best.get_xydata(), landscape.minima[:1])
    assert all(star.get_markersize() < best.get_markersize() for star in others)
    assert sum(len(star.get_xydata()) for star in axis.lines) == len(landscape.minima)


def drawn(landscape: Landscape, *walks: tuple[dict, dict]) -> list:
    """The lines of walks: one of all places and one of the last, for each."""
    axis = Figure().add_subplot()
    for paths, options in walks:
        optimizers.show_paths(axis, landscape, paths, **options)
    return list(axis.lines)


@pytest.mark.parametrize(
    ("path", "upto", "shown"),
    [
        (np.arange(100.0).reshape(50, 2), 20, 21),
        # From where a walk has left the window far behind nothing can be drawn.
        (np.array([[0, 0], [1, 1], [1e7, 0], [0.5, 0.5]]), None, 2),
        (np.array([[0, 0], [0, np.nan], [1, 1]]), None, 1),
    ],
)
def test_paths_end_where_they_should(path: np.ndarray, upto: int | None, shown: int) -> None:
    line, end = drawn(LANDSCAPES["saddle"], ({"walk": path}, {"upto": upto}))
    assert np.array_equal(line.get_xydata(), path[:shown]) and line.get_label() == "walk"
    assert np.array_equal(end.get_xydata(), path[shown - 1 : shown])


@pytest.mark.parametrize("landscape", [HILLS, LANDSCAPES["saddle"]], ids=["hills", "saddle"])
def test_walks_have_looks_of_their_own(landscape: Landscape) -> None:
    path = np.full((40, len(landscape.start)), 0.3)
    one, end, two, _, plain, _ = drawn(
        landscape, ({"one": path, "two": path}, {}), ({"plain": path}, {"markers": False})
    )
    assert one.get_color() != two.get_color() and one.get_marker() != two.get_marker()
    marked, bare = (range(40)[line.get_markevery()] for line in (one, plain))
    assert marked == range(31) and not bare
    # On a curve the places have its height, and a line from step to step would hide the curve.
    assert (one.get_linestyle() == "None") is (landscape is HILLS)
    assert end.get_ydata() == (landscape.loss([0.3]) if landscape is HILLS else 0.3)


@each_landscape
def test_frames_show_one_step_after_the_other_and_name_it(landscape: Landscape) -> None:
    dimension = len(landscape.start)
    paths = {
        "down": descend(landscape.gradient, landscape.start, gradient_descent(landscape.rate), 9),
        "away": np.full((10, dimension), np.inf),
    }
    pictures = optimizers.frames(landscape, paths, [0, 3, 9])
    assert len(pictures) == 3 and len({p.shape for p in pictures}) == 1
    assert all(p.dtype == np.float32 and 0 <= p.min() and p.max() <= 1 for p in pictures)
    assert all(not np.array_equal(one, other) for one, other in pairwise(pictures))
    again = optimizers.frames(landscape, paths, [3])[0]
    assert np.array_equal(again, pictures[1])  # nothing of other frames is left behind
    # On the plane a walk leaves a trace, on a curve only the last place is marked.
    ways = [{"walk": np.array([[first], [0.5]]).repeat(dimension, 1)} for first in (0.1, 0.9)]
    (one, later), (other,) = map(optimizers.frames, [landscape] * 2, ways, [[1, 2], [1]])
    assert np.array_equal(one, other) is (landscape is HILLS)
    assert not np.array_equal(one, later)  # which is only named otherwise


def test_canvas_keeps_what_stays_and_drops_what_is_new() -> None:
    figure = Figure(figsize=(2, 2))
    axis = figure.add_subplot()
    axis.plot([0, 1], [0, 1])
    axis.text(0.1, 0.1, "stays")
    canvas = optimizers.Canvas(figure)
    empty = canvas.picture(lambda axis: None)
    assert not np.array_equal(empty, np.ones_like(empty))
    for draw in (lambda axis: axis.plot([0, 1], [1, 0]), lambda axis: axis.text(0.5, 0.5, "goes")):
        assert not np.array_equal(empty, canvas.picture(draw))
    assert np.array_equal(empty, canvas.picture(lambda axis: None))
    assert len(axis.lines) == len(axis.texts) == 1


def test_curves_have_a_panel_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plt, "show", lambda: None)
    histories = {
        "one": {"loss": [2, 1]},
        "two": {"loss": [3, 2], "val_loss": [4, 1.5]},
        "three": {"loss": [3, 2, 1], "val_loss": [3, 2, 1]},
        "four": {"loss": [1, 1]},
    }
    optimizers.show_curves(histories, "Four", top=4)
    figure = plt.gcf()
    plt.close(figure)
    assert figure.get_suptitle() == "Four" and len(figure.axes) == 6
    assert [axis.get_title() for axis in figure.axes[:4]] == list(histories)
    for axis, history in zip(figure.axes, [*histories.values(), {}, {}], strict=True):
        assert [line.get_ydata().tolist() for line in axis.lines] == list(history.values())
        assert axis.axison is bool(history)
    assert figure.axes[0].get_ylim() == (0, 4)
    assert list(figure.axes[2].lines[0].get_xdata()) == [1, 2, 3]
    # The legend stands where both are.
    (legend,) = [axis.get_legend() for axis in figure.axes if axis.get_legend()]
    assert [text.get_text() for text in legend.get_texts()] == ["training", "validation"]


# --- the race -----------------------------------------------------------------------------------

each_name = pytest.mark.parametrize("name", LANDSCAPES)


def at_start(name: str, **changes: object) -> dict:
    landscape = LANDSCAPES[name]
    x, y = landscape.start
    rates = {"rate": landscape.rate, "adaptive_rate": landscape.adaptive_rate}
    return {"landscape": name, **rates, "momentum": 0.9, "x": x, "y": y, "steps": 60} | changes


@each_name
def test_the_race_tells_what_the_rules_do(name: str) -> None:
    landscape = LANDSCAPES[name]
    shown = frame(**at_start(name))
    losses = {}
    for (rule_name, rule), row in zip(RULES.items(), shown.text.splitlines()[1:6], strict=True):
        chosen = rule(own_rate(landscape, rule_name))
        end = descend(landscape.gradient, landscape.start, chosen, 60)[-1]
        losses[rule_name] = landscape.loss(end)
        nearest = np.linalg.norm(np.array(landscape.minima) - end, axis=1).min()
        loss, distance = map(float, row.removeprefix(rule_name).split())
        assert np.isclose(loss, losses[rule_name], rtol=1e-3)
        assert np.isclose(distance, nearest, rtol=0.06)
    assert list(shown.pictures)[1] == f"height, lowest: {min(losses, key=losses.get)}"
    assert all(p.ndim == 3 and p.dtype == np.float32 for p in shown.pictures.values())


@each_name
def test_each_control_changes_the_race(name: str) -> None:
    base = frame(**at_start(name))
    x, y = LANDSCAPES[name].start
    for change in (
        {"rate": 0.003},
        {"adaptive_rate": 0.02},
        {"momentum": 0.5},
        {"x": x + 0.1},
        {"y": y + 0.1},
        {"steps": 61},
    ):
        other = frame(**at_start(name, **change))
        assert other.text != base.text, change
        for pictures in zip(base.pictures.values(), other.pictures.values(), strict=True):
            assert not np.array_equal(*pictures), change


@each_name
def test_the_race_survives_divergence(name: str) -> None:
    shown = frame(**at_start(name, rate=3.0, steps=STEPS))
    assert "diverged" in shown.text or name in ("saddle", "hollows")
    best = list(shown.pictures)[1].removeprefix("height, lowest: ")
    (row,) = [row for row in shown.text.splitlines() if row.startswith(f"{best} ")]
    assert "diverged" not in row
    assert all(np.isfinite(p).all() for p in shown.pictures.values())


def test_a_large_loss_is_told_up_to_a_billion() -> None:
    for rate, diverged in ((0.105, False), (0.13, True)):  # across the ravine times 1.1, and 1.6
        row = frame(**at_start("ravine", rate=rate)).text.splitlines()[1]
        assert ("diverged" in row) is diverged


def test_heights_are_those_above_the_lowest_point() -> None:
    pass_, minimum = (frame(**at_start("saddle", x=0, y=y)).pictures for y in (0, 1))
    assert not np.array_equal(*(list(pictures.values())[1] for pictures in (pass_, minimum)))


def test_the_ridge_of_the_saddle_is_kept_to() -> None:
    rows = frame(**at_start("saddle", y=-2.2e-16, steps=STEPS)).text.splitlines()
    assert all(row.split()[-1] == "1" for row in rows[1:6])


def test_the_bound_of_the_race() -> None:
    assert "rate below 2 / 20 = 0.1 here" in frame(**at_start("ravine")).text
    assert "no direction is curved upwards" in frame(**at_start("hollows")).text


def test_choosing_a_landscape_sets_start_and_rates(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: dict = {}
    monkeypatch.setattr(
        optimizer_race, "explore", lambda frame, controls, **options: shown.update(controls)
    )
    optimizer_race.show("saddle")
    for name in ["saddle", *LANDSCAPES, *reversed(LANDSCAPES)]:
        shown["landscape"].value = name
        values = {key: control.value for key, control in shown.items()}
        expected = at_start(name)
        for key in ("rate", "adaptive_rate", "x", "y", "momentum", "steps"):
            assert np.isclose(values[key], expected[key], rtol=1e-6), (name, key)
        sides = [(shown[key].min, shown[key].max) for key in "xy"]
        assert np.allclose(sides, LANDSCAPES[name].window)
        assert frame(**values).text == frame(**expected).text


# --- what is refused ----------------------------------------------------------------------------


def ranged(**changes: object) -> RateTest:
    inputs, targets = examples()
    return find_rate(**({"network": compiled(), "inputs": inputs, "targets": targets} | changes))


def race(**changes: object) -> None:
    frame(**at_start("ravine", **changes))


def walk(start: object, steps: object) -> np.ndarray:
    return descend(np.sign, start, adam(1), steps)


NUMBERS = [
    *product(RULES.values(), ["rate"], [0, -1, np.nan, np.inf]),
    *product([momentum, nesterov], ["beta"], [1, -0.1, np.nan]),
    *product([rmsprop], ["rho"], [1, -0.1, np.nan]),
    *product([adam], ["beta_1", "beta_2"], [1, -0.1, np.nan]),
    *product([rmsprop, adam], ["epsilon"], [0, np.inf]),
]
NOT_COMPILED = SimpleNamespace(compiled=False)
REFUSED = [
    *(
        (partial(rule, **{"rate": 1, name: value}), f"{name} is {value}")
        for rule, name, value in NUMBERS
    ),
    *((partial(walk, 1.0, steps), f"steps is {steps!r}") for steps in (-1, 1.5, "3", True, None)),
    (partial(walk, [1.0, np.nan], 3), "NaN"),
    (partial(optimizers.restart, NOT_COMPILED, []), "compile"),
    (partial(ranged, network=NOT_COMPILED), "compile"),
    (lambda: ranged(network=compiled(schedule())), "schedule"),
    (partial(ranged, targets=np.zeros((3, 3))), r"\(3, 3\)"),
    (partial(ranged, targets=1.0), r"\(\)"),
    (partial(ranged, inputs=np.zeros((0, 4)), targets=np.zeros((0, 3))), "no inputs"),
    (partial(ranged, low=0), "low is 0"),
    (partial(ranged, low=2, high=1), "high is 1"),
    (partial(ranged, high=np.inf), "high is inf"),
    (partial(ranged, steps=9), "steps is 9"),
    (partial(ranged, batch_size=0), "batch_size is 0"),
    (partial(optimizer_race.show, "moon"), "moon"),
    (partial(race, landscape="moon"), "moon"),
    (partial(race, rate=0), "rate is 0"),
    (partial(race, adaptive_rate=-1), "rate is -1"),
    (partial(race, momentum=1), "beta is 1"),
    (partial(race, x=np.nan), "NaN"),
    (partial(race, steps=0), "steps is 0"),
    (partial(race, steps=STEPS + 1), f"steps is {STEPS + 1}"),
]


@pytest.mark.parametrize(("wish", "said"), REFUSED)
def test_what_is_refused(wish: Callable, said: str) -> None:
    with pytest.raises(CourseError, match=said):
        wish()


def test_the_smallest_that_can_be_asked_for() -> None:
    assert len(walk(1.0, 0)) == 1
    assert len(ranged(low=1e-9, high=1e-8, steps=10, batch_size=1).losses) <= 10
    for steps in (1, STEPS):
        assert f"{steps} steps" in next(iter(frame(**at_start("ravine", steps=steps)).pictures))
