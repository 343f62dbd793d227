"""Rules, landscapes, the range test, their pictures, and the race of lesson 04."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from types import SimpleNamespace

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from course_utils import optimizers
from course_utils.exercises.lesson_04 import EXERCISES
from course_utils.optimizers import (
    HILLS,
    LANDSCAPES,
    Canvas,
    Landscape,
    RateTest,
    adam,
    descend,
    find_rate,
    gradient_descent,
    momentum,
    nesterov,
    restart,
    rmsprop,
)
from course_utils.widgets import optimizer_race
from course_utils.widgets.optimizer_race import STEPS, frame

ALL = [HILLS, *LANDSCAPES.values()]
RULES = {
    "gradient_descent": gradient_descent,
    "momentum": momentum,
    "nesterov": nesterov,
    "rmsprop": rmsprop,
    "adam": adam,
}
each_landscape = pytest.mark.parametrize("landscape", ALL, ids=lambda landscape: landscape.name)
each_rule = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)


def bowl(w: np.ndarray) -> np.ndarray:
    return w


# --- rules --------------------------------------------------------------------------------------


def keras_twins() -> dict[str, tuple]:
    from course_utils.quiet import keras

    # 32 bits hold 1 - 2**-10 exactly, 0.999 they do not.
    kind, beta_2 = keras.optimizers, 1 - 2**-10
    return {
        "gradient descent": (gradient_descent(0.005), kind.SGD(0.005)),
        "momentum": (momentum(0.005, 0.8), kind.SGD(0.005, momentum=0.8)),
        "Nesterov": (nesterov(0.005), kind.SGD(0.005, momentum=0.9, nesterov=True)),
        "RMSProp": (rmsprop(0.05, rho=0.75), kind.RMSprop(0.05, rho=0.75)),
        "Adam": (adam(0.05, beta_2=beta_2), kind.Adam(0.05, beta_2=beta_2)),
    }


@pytest.mark.parametrize("name", ["gradient descent", "momentum", "Nesterov", "RMSProp", "Adam"])
def test_rules_are_those_of_keras(name: str) -> None:
    from course_utils.quiet import keras, tf

    rule, optimizer = keras_twins()[name]
    valley = LANDSCAPES["Rosenbrock"]
    w = keras.Variable(np.array(valley.start), dtype="float64")
    places = [w.numpy()]
    for _ in range(50):
        optimizer.apply([tf.constant(valley.gradient(places[-1]))], [w])
        places.append(w.numpy())
    ours = descend(valley.gradient, valley.start, rule, 50)
    assert np.abs(ours - places).max() < 1e-6 * np.abs(ours).max()


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
def test_many_points_walk_as_each_alone(rule: Callable) -> None:
    valley = LANDSCAPES["hollows"]
    starts = np.random.default_rng(0).uniform(-4, 4, size=(5, 2))
    together = descend(valley.gradient, starts, rule(0.05), 30)
    for number, start in enumerate(starts):
        assert np.allclose(together[:, number], descend(valley.gradient, start, rule(0.05), 30))


@each_rule
def test_rules_keep_nothing_between_walks(rule: Callable) -> None:
    one = rule(0.05)
    walks = [descend(bowl, [1.0, -2.0], one, 9) for _ in range(2)]
    assert np.array_equal(*walks)


def test_divergence_is_no_error(recwarn: pytest.WarningsRecorder) -> None:
    path = descend(lambda w: w**3, 10.0, gradient_descent(1.0), 20)
    assert not np.isfinite(path[-1]) and not recwarn.list


def test_start_is_left_alone() -> None:
    start = np.array([1.0, 2.0])
    path = descend(bowl, start, gradient_descent(0.5), 2)
    assert np.array_equal(start, [1, 2]) and np.array_equal(path[0], start)
    assert path.dtype == float and path.shape == (3, 2)


@pytest.mark.parametrize("steps", [-1, 1.5, "3", True, None])
def test_steps_are_checked(steps: object) -> None:
    with pytest.raises(ValueError, match=r"steps is .*; give a whole number"):
        descend(bowl, 1.0, gradient_descent(0.1), steps)


def test_start_is_checked() -> None:
    with pytest.raises(ValueError, match="start holds NaN"):
        descend(bowl, [1.0, np.nan], gradient_descent(0.1), 3)


@each_rule
@pytest.mark.parametrize("rate", [0, -1, np.nan, np.inf])
def test_rates_are_checked(rule: Callable, rate: float) -> None:
    with pytest.raises(ValueError, match="the learning rate is a number above 0"):
        rule(rate)


@pytest.mark.parametrize(
    ("rule", "share"),
    [
        (momentum, "beta"),
        (nesterov, "beta"),
        (rmsprop, "rho"),
        (adam, "beta_1"),
        (adam, "beta_2"),
    ],
)
@pytest.mark.parametrize("value", [1, -0.1, np.nan])
def test_shares_are_checked(rule: Callable, share: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{share} is .*from 0 to below 1"):
        rule(0.1, **{share: value})


@pytest.mark.parametrize("rule", [rmsprop, adam])
def test_epsilon_is_checked(rule: Callable) -> None:
    with pytest.raises(ValueError, match="epsilon is 0; give a small number"):
        rule(0.1, epsilon=0)


def test_adamw_of_the_exercise_is_that_of_keras() -> None:
    from course_utils.quiet import keras, tf

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
        assert np.allclose(hessian, np.swapaxes(hessian, 1, 2))


@each_landscape
def test_minima_are_minima_the_lowest_first(landscape: Landscape) -> None:
    minima = np.array(landscape.minima)
    low, high = np.transpose(landscape.window)
    assert np.all((low <= minima) & (minima <= high))
    assert np.allclose(landscape.gradient(minima), 0, atol=1e-6)
    assert np.all(np.linalg.eigvalsh(landscape.hessian(minima)) > 0)
    heights = landscape.loss(minima)
    assert np.all(np.diff(heights) >= -1e-12)
    # None is missing: from wherever small steps start, they end at one of those named.
    ends = descend(landscape.gradient, points_of(landscape, 60), gradient_descent(0.004), 6000)[-1]
    away = np.linalg.norm(ends[:, None] - minima, axis=-1).min(axis=1)
    assert away.max() < 0.05


@each_landscape
def test_the_given_rates_arrive(landscape: Landscape) -> None:
    low, high = np.transpose(landscape.window)
    assert np.all((low <= landscape.start) & (np.array(landscape.start) <= high))
    before = landscape.loss(np.array(landscape.start))
    for rule in RULES.values():
        adaptive = rule in (rmsprop, adam)
        rate = landscape.adaptive_rate if adaptive else landscape.rate
        path = descend(landscape.gradient, landscape.start, rule(rate), 200)
        assert landscape.loss(path[-1]) < before


def test_the_turned_ravine_is_the_ravine() -> None:
    ravine, turned = LANDSCAPES["ravine"], LANDSCAPES["turned ravine"]
    for landscape in (ravine, turned):
        assert np.allclose(np.linalg.eigvalsh(landscape.hessian(np.zeros(2))), [1, 20])
    assert np.isclose(*(v.loss(np.array(v.start)) for v in (ravine, turned)), rtol=1e-3)


# --- the range test -----------------------------------------------------------------------------


def compiled(rate: object = 0.01, optimizer: str = "SGD", **options: object):
    from course_utils.quiet import keras

    network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    network.compile(getattr(keras.optimizers, optimizer)(rate, **options), "mse")
    return network


def examples() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    inputs = random.normal(size=(80, 4))
    return inputs, inputs @ random.normal(size=(4, 3))


def test_restart_forgets_weights_and_momentum() -> None:
    inputs, targets = examples()
    network = compiled(0.25, momentum=0.9)
    first = network.get_weights()
    network.fit(inputs, targets, epochs=2, verbose=0)
    trained = network.get_weights()[0]
    restart(network)
    fresh = network.get_weights()[0]
    assert not np.allclose(fresh, trained) and not np.allclose(fresh, first[0])
    assert not any(np.any(velocity) for velocity in network.optimizer.momentums)
    assert int(network.optimizer.iterations) == 0
    assert float(network.optimizer.learning_rate) == 0.25
    restart(network, first)
    assert all(map(np.array_equal, network.get_weights(), first))


@pytest.mark.parametrize(
    ("kind", "rate"),
    # The variables of the last three do not begin with zeros.
    [("Adam", 0.003), ("Adam", "schedule"), ("Nadam", 0.05), ("Adagrad", 0.05), ("Ftrl", 0.05)],
)
def test_training_after_a_restart_is_that_of_a_new_network(kind: str, rate: object) -> None:
    from course_utils.quiet import keras

    def make():
        given = keras.optimizers.schedules.CosineDecay(0.01, 8) if rate == "schedule" else rate
        return compiled(given, kind)

    inputs, targets = examples()
    used, new = make(), make()
    start = new.get_weights()
    used.fit(inputs, targets, epochs=3, verbose=0)
    restart(used, start)
    losses = [n.fit(inputs, targets, epochs=4, shuffle=False, verbose=0) for n in (used, new)]
    assert np.allclose(*(history.history["loss"] for history in losses), rtol=1e-5)


def test_restart_needs_a_compiled_model() -> None:
    with pytest.raises(ValueError, match="is not compiled"):
        restart(SimpleNamespace(compiled=False))


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


def test_range_test_leaves_no_trace() -> None:
    inputs, targets = examples()
    network = compiled(0.02, "Adam")
    network.fit(inputs, targets, verbose=0)
    before = [*network.get_weights(), *(v.numpy() for v in network.optimizer.variables)]
    first = find_rate(network, inputs, targets, steps=20)
    after = [*network.get_weights(), *(v.numpy() for v in network.optimizer.variables)]
    assert all(map(np.array_equal, before, after)) and len(before) == len(after)
    assert np.isclose(float(network.optimizer.learning_rate), 0.02)
    assert np.allclose(first.losses, find_rate(network, inputs, targets, steps=20).losses)


def test_range_test_measures_each_batch_by_itself() -> None:
    inputs, targets = examples()
    network = compiled()
    result = find_rate(network, inputs, targets, 1e-9, 1e-8, steps=10, batch_size=16, seed=3)
    random = np.random.default_rng(3)
    batches = [random.choice(80, 16, replace=False) for _ in range(10)]
    errors = np.array(network(inputs)) - targets
    assert np.allclose(result.losses, [np.mean(errors[b] ** 2) for b in batches], rtol=1e-4)


def test_range_test_cleans_up_when_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs, targets = examples()
    network = compiled()
    before = network.get_weights()
    train = network.train_on_batch

    def interrupted(*args: object, **kwargs: object) -> dict:
        if float(network.optimizer.learning_rate) > 0.01:
            raise KeyboardInterrupt
        return train(*args, **kwargs)

    monkeypatch.setattr(network, "train_on_batch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        find_rate(network, inputs, targets, steps=20)
    assert all(map(np.array_equal, before, network.get_weights()))
    assert np.isclose(float(network.optimizer.learning_rate), 0.01)


def test_range_test_survives_nan() -> None:
    inputs, targets = examples()
    targets[0] = np.nan
    result = find_rate(compiled(), inputs, targets, steps=10, batch_size=80)
    assert len(result.rates) == len(result.losses) == 0


def test_smoothing_is_the_corrected_mean() -> None:
    test = RateTest(np.geomspace(0.1, 1, 5), np.full(5, 3.0))
    assert np.allclose(test.smooth, 3)
    test = RateTest(np.arange(1.0, 4), np.array([3.0, 1.0, 9.0]))
    assert np.allclose(test.smooth[1], (0.09 * 3 + 0.1 * 1) / 0.19)
    assert test.lowest == 2.0


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"network": SimpleNamespace(compiled=False)}, "is not compiled"),
        ({"targets": np.zeros((3, 3))}, "give as many of each"),
        ({"inputs": np.zeros((0, 4)), "targets": np.zeros((0, 3))}, "give as many of each"),
        ({"targets": 1.0}, "give as many of each"),
        ({"low": 0}, "give 0 < low < high"),
        ({"low": 2, "high": 1}, "give 0 < low < high"),
        ({"high": np.inf}, "give 0 < low < high"),
        ({"steps": 5}, "give at least 10 and 1"),
        ({"batch_size": 0}, "give at least 10 and 1"),
    ],
)
def test_range_test_is_checked(change: dict, sentence: str) -> None:
    inputs, targets = examples()
    given = {"network": compiled(), "inputs": inputs, "targets": targets} | change
    with pytest.raises(ValueError, match=sentence):
        find_rate(**given)


def test_range_test_refuses_a_schedule() -> None:
    from course_utils.quiet import keras

    network = compiled(keras.optimizers.schedules.CosineDecay(0.1, 10))
    with pytest.raises(ValueError, match="follows a schedule"):
        find_rate(network, *examples())


# --- pictures -----------------------------------------------------------------------------------


@each_landscape
def test_frames_show_one_step_after_the_other(landscape: Landscape) -> None:
    paths = {
        "down": descend(landscape.gradient, landscape.start, gradient_descent(landscape.rate), 9),
        "away": np.full((10, len(landscape.start)), np.inf),
    }
    pictures = optimizers.frames(landscape, paths, [0, 3, 9])
    assert len(pictures) == 3 and len({p.shape for p in pictures}) == 1
    assert all(p.dtype == np.float32 and 0 <= p.min() and p.max() <= 1 for p in pictures)
    assert all(not np.array_equal(one, other) for one, other in pairwise(pictures))
    again = optimizers.frames(landscape, paths, [3])[0]
    assert np.array_equal(again, pictures[1])  # nothing of other frames is left behind


def test_canvas_keeps_what_stays() -> None:
    figure = Figure(figsize=(2, 2))
    axis = figure.add_subplot()
    axis.plot([0, 1], [0, 1])
    canvas = Canvas(figure)
    empty = canvas.picture(lambda axis: None)
    with_line = canvas.picture(lambda axis: axis.plot([0, 1], [1, 0]))
    assert not np.array_equal(empty, with_line)
    assert np.array_equal(empty, canvas.picture(lambda axis: None)) and len(axis.lines) == 1


def test_paths_end_where_asked() -> None:
    landscape = LANDSCAPES["saddle"]
    figure = Figure()
    axis = figure.add_subplot()
    path = descend(landscape.gradient, landscape.start, gradient_descent(0.1), 50)
    optimizers.show_paths(axis, landscape, {"walk": path}, upto=20)
    line, end = axis.lines
    assert np.array_equal(line.get_xydata(), path[:21])
    assert np.array_equal(end.get_xydata(), path[20:21]) and line.get_label() == "walk"


def test_curves_have_a_panel_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plt, "show", lambda: None)
    histories = {
        "one": {"loss": [2, 1], "val_loss": [2, 1.5]},
        "two": {"loss": [3, 2]},
        "three": {"loss": [3, 2, 1], "val_loss": [3, 2, 1]},
        "four": {"loss": [1, 1]},
    }
    optimizers.show_curves(histories, "Four", columns=3, top=4)
    figure = plt.gcf()
    assert figure.get_suptitle() == "Four" and len(figure.axes) == 6
    assert [axis.get_title() for axis in figure.axes[:4]] == list(histories)
    assert [len(axis.lines) for axis in figure.axes] == [2, 1, 2, 1, 0, 0]
    assert figure.axes[0].get_ylim() == (0, 4)
    assert list(figure.axes[2].lines[0].get_xdata()) == [1, 2, 3]
    plt.close(figure)


# --- the race -----------------------------------------------------------------------------------


def at_start(name: str, **changes: object) -> dict:
    landscape = LANDSCAPES[name]
    x, y = landscape.start
    return {
        "landscape": name,
        "rate": landscape.rate,
        "adaptive_rate": landscape.adaptive_rate,
        "momentum": 0.9,
        "x": x,
        "y": y,
        "steps": 60,
    } | changes


@pytest.mark.parametrize("name", LANDSCAPES)
def test_the_race_tells_what_the_rules_do(name: str) -> None:
    landscape = LANDSCAPES[name]
    shown = frame(**at_start(name))
    rows = dict(
        zip(
            ("gradient descent", "momentum", "Nesterov", "RMSProp", "Adam"),
            shown.text.splitlines()[1:6],
            strict=True,
        )
    )
    rules = {
        "gradient descent": gradient_descent(landscape.rate),
        "momentum": momentum(landscape.rate),
        "Nesterov": nesterov(landscape.rate),
        "RMSProp": rmsprop(landscape.adaptive_rate),
        "Adam": adam(landscape.adaptive_rate),
    }
    losses = {}
    for rule_name, rule in rules.items():
        end = descend(landscape.gradient, landscape.start, rule, 60)[-1]
        loss, distance = map(float, rows[rule_name].removeprefix(rule_name).split())
        losses[rule_name] = landscape.loss(end)
        assert np.isclose(loss, losses[rule_name], rtol=1e-3)
        nearest = np.linalg.norm(np.array(landscape.minima) - end, axis=1).min()
        assert np.isclose(distance, nearest, rtol=0.06)
    assert list(shown.pictures)[1] == f"height, lowest: {min(losses, key=losses.get)}"
    assert all(p.ndim == 3 and p.dtype == np.float32 for p in shown.pictures.values())


@pytest.mark.parametrize("name", LANDSCAPES)
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
        assert not np.array_equal(*(next(iter(f.pictures.values())) for f in (base, other)))


def test_the_race_survives_divergence() -> None:
    for name in LANDSCAPES:
        shown = frame(**at_start(name, rate=3.0, steps=STEPS))
        assert "diverged" in shown.text or name in ("saddle", "hollows")
        assert all(np.isfinite(p).all() for p in shown.pictures.values())


def test_the_ridge_of_the_saddle_is_kept_to() -> None:
    rows = frame(**at_start("saddle", y=-2.2e-16, steps=STEPS)).text.splitlines()
    assert all(row.split()[-1] == "1" for row in rows[1:6])


def test_the_bound_of_the_race() -> None:
    assert "rate below 2 / 20 = 0.1 here" in frame(**at_start("ravine")).text
    assert "no direction is curved upwards" in frame(**at_start("hollows")).text


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"landscape": "moon"}, "choose one of ravine"),
        ({"rate": 0}, "learning rate is a number above 0"),
        ({"adaptive_rate": -1}, "learning rate is a number above 0"),
        ({"momentum": 1}, "from 0 to below 1"),
        ({"x": np.nan}, "start holds NaN"),
        ({"steps": 0}, "from 1 to 200"),
        ({"steps": STEPS + 1}, "from 1 to 200"),
    ],
)
def test_the_race_is_checked(change: dict, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        frame(**at_start("ravine") | change)


def test_show_refuses_an_unknown_landscape() -> None:
    with pytest.raises(ValueError, match="landscape is 'moon'; choose one of"):
        optimizer_race.show("moon")


def test_choosing_a_landscape_sets_start_and_rates(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: dict = {}
    monkeypatch.setattr(
        optimizer_race, "explore", lambda frame, controls, **options: shown.update(controls)
    )
    optimizer_race.show()
    for name in [*LANDSCAPES, *reversed(LANDSCAPES)]:
        shown["landscape"].value = name
        values = {key: control.value for key, control in shown.items()}
        expected = at_start(name)
        for key in ("rate", "adaptive_rate", "x", "y"):
            assert np.isclose(values[key], expected[key], rtol=1e-6), (name, key)
        sides = [(shown[key].min, shown[key].max) for key in "xy"]
        assert np.allclose(sides, LANDSCAPES[name].window)
        assert frame(**values).text == frame(**expected).text
    assert all(isinstance(control, ipywidgets.ValueWidget) for control in shown.values())


def test_range_test_leaves_no_metrics() -> None:
    network = compiled()
    find_rate(network, *examples(), steps=10)
    assert not any(np.any(v) for metric in network.metrics for v in metric.variables)


def test_range_test_stops_at_four_times_the_lowest_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    network, losses = compiled(), iter([8.0, 1.0, 3.9, 4.0, 1.0])
    monkeypatch.setattr(network, "train_on_batch", lambda *args, **kw: {"loss": next(losses)})
    assert find_rate(network, *examples(), steps=10).losses.tolist() == [8, 1, 3.9, 4]


def test_range_test_of_a_new_network_with_fewer_examples_than_a_batch() -> None:
    inputs, targets = (part[:20] for part in examples())
    network = compiled(0.02, "Adam")  # its optimizer has no variables yet
    assert len(find_rate(network, inputs, targets, 1e-4, 1e-2, steps=10).losses) == 10
    assert not any(np.any(v) for v in network.optimizer._momentums + network.optimizer._velocities)


def test_the_lowest_rate_is_that_of_the_smoothed_loss() -> None:
    test = RateTest(np.arange(1.0, 4), np.array([3.0, 1.0, 1.1]))
    assert np.argmin(test.losses) == 1 and test.lowest == 3.0


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


def test_paths_stop_where_they_left_the_window_far_behind() -> None:
    axis, path = Figure().add_subplot(), np.array([[0, 0], [1, 1], [1e7, 0], [0.5, 0.5]])
    optimizers.show_paths(axis, LANDSCAPES["saddle"], {"walk": path})
    assert np.array_equal(axis.lines[0].get_xydata(), path[:2])
    assert np.array_equal(axis.lines[1].get_xydata(), path[1:2])


def test_walks_have_looks_of_their_own() -> None:
    for landscape in (HILLS, LANDSCAPES["saddle"]):
        axis, path = Figure().add_subplot(), np.zeros((40, len(landscape.start)))
        optimizers.show_paths(axis, landscape, {"one": path, "two": path})
        optimizers.show_paths(axis, landscape, {"plain": path}, markers=False)
        one, _, two, _, plain, _ = axis.lines
        assert one.get_color() != two.get_color() and one.get_marker() != two.get_marker()
        assert list(one.get_markevery()) == list(range(31)) and not plain.get_markevery()
        # On a curve a line from step to step would hide the curve.
        assert (one.get_linestyle() == "None") is (landscape is HILLS)


def test_canvas_keeps_its_own_texts_and_drops_new_ones() -> None:
    figure = Figure(figsize=(2, 2))
    axis = figure.add_subplot()
    axis.text(0.1, 0.1, "stays")
    canvas = Canvas(figure)
    empty = canvas.picture(lambda axis: None)
    assert not np.array_equal(empty, canvas.picture(lambda axis: axis.text(0.5, 0.5, "goes")))
    assert [text.get_text() for text in axis.texts] == ["stays"]
    assert np.array_equal(empty, canvas.picture(lambda axis: None))


@each_landscape
def test_frames_name_their_step(landscape: Landscape) -> None:
    resting = {"rest": np.zeros((3, len(landscape.start)))}
    one, two = optimizers.frames(landscape, resting, [1, 2])
    assert not np.array_equal(one, two)


def test_curves_show_both_losses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plt, "show", lambda: None)
    optimizers.show_curves({"one": {"loss": [2, 1], "val_loss": [2, 1.5]}}, "One")
    axis = plt.gcf().axes[0]
    assert [line.get_ydata().tolist() for line in axis.lines] == [[2, 1], [2, 1.5]]
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["training", "validation"]
    plt.close()


@pytest.mark.parametrize("rule", [rmsprop, adam])
def test_epsilon_is_finite(rule: Callable) -> None:
    with pytest.raises(ValueError, match="epsilon is inf; give a small number"):
        rule(0.1, epsilon=np.inf)


def test_a_range_test_without_a_finite_loss_says_so() -> None:
    inputs, targets = examples()
    result = find_rate(compiled(), inputs, targets * np.nan, steps=10)
    with pytest.raises(ValueError, match="no loss was finite; look for NaN in inputs"):
        _ = result.suggestion


def test_the_legend_of_curves_names_the_validation_wherever_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(plt, "show", lambda: None)
    histories = {"one": {"loss": [2, 1]}, "two": {"loss": [2, 1], "val_loss": [2, 2]}}
    optimizers.show_curves(histories, "")
    (legend,) = [axis.get_legend() for axis in plt.gcf().axes if axis.get_legend()]
    assert [text.get_text() for text in legend.get_texts()] == ["training", "validation"]
    plt.close()
