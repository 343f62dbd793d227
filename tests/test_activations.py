"""Activations and softmax against Keras, SciPy and calculus; and what measures a network."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import ipywidgets
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import special
from scipy.stats import norm

from course_utils.activations import (
    ACTIVATIONS,
    cross_entropy,
    dead_share,
    deep_network,
    gradient_norms,
    softmax,
)
from course_utils.ask import CourseError
from course_utils.quiet import keras, tf
from course_utils.training import Stack
from course_utils.widgets import activation_explorer

NAMES = st.sampled_from(list(ACTIVATIONS))
NUMBER = st.floats(-30, 30)
LOGITS = hnp.arrays(
    np.float64, st.tuples(st.integers(1, 4), st.integers(1, 6)), elements=st.floats(-1e4, 1e4)
)
RANDOM = np.random.default_rng(0)
VECTORS = RANDOM.random((40, 6)).astype("float32")
WIDE = RANDOM.random((40, 64)).astype("float32")
LABELS = np.arange(40) % 3


def parameters(name: str) -> st.SearchStrategy:
    bend = ACTIVATIONS[name]
    return st.none() if bend.parameter is None else st.one_of(st.none(), st.floats(-0.5, 1.5))


# --- functions ----------------------------------------------------------------------------------


@given(NAMES, st.data())
def test_slope_is_the_derivative(name: str, data: st.DataObject) -> None:
    a, z = data.draw(parameters(name)), data.draw(NUMBER)
    assume(abs(z) > 1e-4)  # where some have a kink
    bend, step = ACTIVATIONS[name], 1e-5
    quotient = (bend(z + step, a) - bend(z - step, a)) / (2 * step)
    assert abs(bend.slope(z, a) - quotient) < 1e-5


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_equal_to_keras_and_to_its_tape(name: str) -> None:
    bend = ACTIVATIONS[name]
    line = np.linspace(-20, 20, 2000, dtype="float32")[:, None]
    for a in (None,) if bend.parameter is None else (None, 0.5):
        z = tf.constant(line)
        with tf.GradientTape() as tape:
            tape.watch(z)
            answers = bend.layer(a)(z)
        assert np.allclose(bend(line, a), answers, atol=2e-6)
        assert np.allclose(bend.slope(line, a), tape.gradient(answers, z), atol=2e-6)


def test_formulas_written_otherwise() -> None:
    z = np.linspace(-5, 5, 101)
    assert np.allclose(ACTIVATIONS["sigmoid"](z), (1 + np.tanh(z / 2)) / 2)
    assert np.allclose(ACTIVATIONS["GELU"](z), z * norm.cdf(z))
    assert np.allclose(ACTIVATIONS["SiLU"](z), z * (1 + np.tanh(z / 2)) / 2)
    assert np.allclose(ACTIVATIONS["ELU"](z, 2), [x if x > 0 else 2 * (np.exp(x) - 1) for x in z])
    for name, a in (("Leaky ReLU", 0.1), ("PReLU", 0.25)):
        assert np.allclose(ACTIVATIONS[name](z), np.maximum(z, a * z))


@given(NAMES, st.sampled_from([np.float32, np.float64]), st.sampled_from([-1e30, -800.0, 800.0]))
def test_far_out_nothing_overflows(name: str, kind: type, z: float) -> None:
    bend, array = ACTIVATIONS[name], np.array([z, 0], kind)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        values, slopes = bend(array), bend.slope(array) if abs(z) < 1e10 else array
    assert np.isfinite(values).all() and np.isfinite(slopes).all()
    assert values.dtype == slopes.dtype == kind


def test_what_the_lesson_says_of_the_slopes() -> None:
    z = np.linspace(-8, 8, 1601)
    largest = {name: bend.slope(z).max() for name, bend in ACTIVATIONS.items()}
    assert largest["sigmoid"] == 0.25 and largest["tanh"] == 1
    assert abs(largest["GELU"] - 1.1289) < 1e-4 and abs(largest["SiLU"] - 1.0998) < 1e-4
    at_zero = {name: bend.slope(0) for name, bend in ACTIVATIONS.items()}
    assert (at_zero["ReLU"], at_zero["Leaky ReLU"], at_zero["ELU"]) == (0, 0.1, 1)


def test_a_learned_slope_is_shared_by_the_places_of_a_channel() -> None:
    layer = ACTIVATIONS["PReLU"].layer(maps=True)
    layer.build((None, 6, 6, 4))
    assert layer.count_params() == 4
    assert np.allclose(layer.get_weights()[0], 0.25)


@pytest.mark.parametrize(
    ("name", "z", "a", "offending"),
    [
        ("ReLU", 1.0, 0.1, "ReLU has no parameter"),
        ("ELU", 1.0, np.nan, "a is nan"),
        ("ELU", 1.0, "1", "a is '1'"),
        ("ELU", 1.0, [1, 2], "a is"),
        ("ELU", ["x"], None, "<U1"),
        ("ELU", [1j], None, "complex"),
    ],
)
def test_functions_refuse(name: str, z: object, a: object, offending: str) -> None:
    for use in (ACTIVATIONS[name], ACTIVATIONS[name].slope):
        with pytest.raises(CourseError, match=offending):
            use(z, a)


# --- softmax ------------------------------------------------------------------------------------


@given(LOGITS, st.floats(-1e4, 1e4))
def test_softmax(logits: np.ndarray, constant: float) -> None:
    p = softmax(logits)
    assert np.allclose(p, special.softmax(logits, axis=1))
    assert np.allclose(p.sum(axis=1), 1)
    assert np.all((p >= 0) & (p <= 1))
    assert np.allclose(p, softmax(logits + constant), atol=1e-9)


@given(LOGITS, st.floats(1e-3, 1e3))
def test_temperature_divides_the_logits(logits: np.ndarray, temperature: float) -> None:
    p = softmax(logits, temperature)
    assert np.allclose(p, softmax(logits / temperature), atol=1e-9)
    at_best = np.take_along_axis(p, logits.argmax(axis=1)[:, None], axis=1)[:, 0]
    assert np.array_equal(at_best, p.max(axis=1))


def test_softmax_at_its_limits() -> None:
    assert softmax([1000.0, 0.0]).tolist() == [1, 0]
    assert softmax([2.0, 1.0], 1e-308).tolist() == [1, 0]
    assert np.allclose(softmax([2.0, 1.0, -1.0], 1e9), 1 / 3)
    assert softmax(np.zeros((2, 2), "float32")).dtype == np.float32
    assert softmax([3, 3]).tolist() == [0.5, 0.5]


@given(LOGITS, st.data())
def test_cross_entropy(logits: np.ndarray, data: st.DataObject) -> None:
    count, classes = logits.shape
    labels = data.draw(hnp.arrays(np.int64, count, elements=st.integers(0, classes - 1)))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    ours = cross_entropy(logits, labels)
    assert np.isclose(ours, float(loss(labels, logits.astype("float32"))), rtol=1e-3, atol=1e-3)
    assert ours >= 0
    p = softmax(logits)[np.arange(count), labels]
    if p.min() > 1e-300:
        assert np.isclose(ours, -np.log(p).mean())


@pytest.mark.parametrize(
    ("call", "offending"),
    [
        (lambda: softmax([1, np.nan]), "NaN"),
        (lambda: softmax([1, np.inf]), "infinity"),
        (lambda: softmax(3.0), r"shape \(\)"),
        (lambda: softmax(np.zeros((2, 0))), r"shape \(2, 0\)"),
        (lambda: softmax(["a"]), "<U1"),
        (lambda: softmax([1, 2], 0), "temperature is 0"),
        (lambda: softmax([1, 2], np.inf), "temperature is inf"),
        (lambda: softmax([1, 2], "hot"), "temperature is 'hot'"),
        (lambda: cross_entropy([[1, 2]], [0, 1]), r"\(1, 2\) and labels \(2,\)"),
        (lambda: cross_entropy(np.zeros((0, 2)), np.zeros(0, int)), r"labels \(0,\)"),
        (lambda: cross_entropy([1, 2], 0), r"shape \(2,\) and labels \(\)"),
        *((partial(cross_entropy, [[1, 2]], [bad]), "from 0 to 1") for bad in (2, -1, 0.5)),
        (lambda: deep_network("relu"), "activation is 'relu'"),
        (lambda: deep_network(depth=0), "depth is 0"),
        (lambda: deep_network(units=2.5), "units is 2.5"),
        (lambda: activation_explorer.frame("relu", 0, 0, 1), "function is 'relu'"),
        (lambda: activation_explorer.frame("ReLU", 0, np.nan, 1), "mean is nan"),
        (lambda: activation_explorer.frame("ELU", np.inf, 0, 1), "a is inf"),
        (lambda: activation_explorer.frame("ReLU", 0, 0, -1), "spread is -1"),
        (lambda: activation_explorer.show("relu"), "function is 'relu'"),
    ],
)
def test_what_cannot_be_is_refused(call: Callable, offending: str) -> None:
    with pytest.raises(CourseError, match=offending):
        call()


def test_softmax_of_float32_with_a_tiny_temperature() -> None:
    assert softmax(np.float32([2, 1]), 1e-50).tolist() == [1, 0]


# --- networks -----------------------------------------------------------------------------------


def small_network(bend: str = "ReLU", bias: float = 0.0) -> keras.Model:
    start = keras.initializers.Constant(bias)
    image = keras.Input((6,))
    sums = keras.layers.Dense(5, bias_initializer=start, name="sums")(image)
    return keras.Model(image, keras.layers.Dense(3, name="logits")(ACTIVATIONS[bend].layer()(sums)))


def test_deep_network_is_what_was_asked_for() -> None:
    plain = deep_network("tanh", depth=4, units=7)
    assert plain.count_params() == 65 * 7 + 3 * 8 * 7 + 8 * 10
    assert [w.path.split("/")[0] for w in plain.weights[::2]] == [
        *(f"hidden_{n:02}" for n in range(1, 5)),
        "logits",
    ]
    normalized = deep_network("tanh", depth=4, units=7, normalize=True)
    assert normalized.count_params() == plain.count_params() + 4 * 4 * 7
    kinds = [type(layer).__name__ for layer in normalized.layers]
    assert kinds[1:4] == ["Dense", "BatchNormalization", "Activation"]
    assert normalized.layers[2].momentum == 0.9
    usual = deep_network()
    assert len(usual.weights) == 2 * 21 and usual.weights[2].shape == (64, 64)
    assert usual.layers[2](np.zeros(1)) == 0.5  # sigmoids


def test_residual_connections_add_the_input_of_a_layer() -> None:
    model, h = deep_network("sigmoid", depth=3, units=4, residual=True), WIDE
    for number in (1, 2, 3):
        kernel = model.get_layer(f"hidden_{number:02}").kernel.numpy()
        answer = special.expit(h @ kernel)
        h = answer if number == 1 else h + answer
    assert np.allclose(model(WIDE), h @ model.get_layer("logits").kernel.numpy(), atol=1e-5)


def test_layers_draw_different_numbers_from_one_initializer() -> None:
    model = deep_network(depth=2, initializer=keras.initializers.VarianceScaling(8.0))
    first, second = (model.get_layer(f"hidden_0{n}").kernel.numpy() for n in (1, 2))
    assert not np.allclose(first, second)
    assert abs(first.std() / np.sqrt(8 / 64) - 1) < 0.1


def test_gradient_norms_by_differences() -> None:
    model = small_network("tanh")
    norms = gradient_norms(model, VECTORS, LABELS)
    assert list(norms) == ["sums", "logits"]
    start = [w.astype(float) for w in model.get_weights()]

    def loss(kernel: np.ndarray, layer: str) -> float:
        first = kernel if layer == "sums" else start[0]
        last = kernel if layer == "logits" else start[2]
        return cross_entropy(np.tanh(VECTORS @ first + start[1]) @ last + start[3], LABELS)

    for layer, kernel in (("sums", start[0]), ("logits", start[2])):
        gradient = np.zeros_like(kernel)
        for place in np.ndindex(kernel.shape):
            step = np.zeros_like(kernel)
            step[place] = 1e-5
            gradient[place] = (loss(kernel + step, layer) - loss(kernel - step, layer)) / 2e-5
        assert np.isclose(norms[layer], np.linalg.norm(gradient), rtol=1e-3)


def test_a_deep_sigmoid_network_does_not_teach_its_first_layer() -> None:
    for options, low, high in (
        ({}, 0, 1e-9),
        ({"residual": True}, 1e-2, 1e2),
        ({"normalize": True}, 1e-2, 1e2),
        ({"activation": "ReLU", "initializer": "he_normal"}, 1e-2, 1e2),
    ):
        norms = gradient_norms(deep_network(**options), WIDE, LABELS)
        assert low < norms["hidden_01"] / norms["hidden_20"] < high


def test_dead_share_of_known_units() -> None:
    model = small_network()
    kernel = np.zeros((6, 5), "float32")
    kernel[0] = [1, -1, 0, 1, -1]  # VECTORS lie in [0, 1)
    bias = np.array([0, 0.5, -1, -2, -1], "float32")  # alive, alive, and three dead
    model.get_layer("sums").set_weights([kernel, bias])
    assert list(dead_share(model, VECTORS).values()) == [pytest.approx(3 / 5)]


def test_networks_of_a_stack_are_measured_each_by_itself() -> None:
    models = [small_network("ReLU", bias) for bias in (0.0, -0.5, -6.0)]
    for measure in (dead_share, lambda networks, x: gradient_norms(networks, x, LABELS)):
        single = [measure(model, VECTORS) for model in models]
        together = measure(Stack(models), VECTORS)
        assert list(together) == list(single[0])
        alone = np.transpose([list(found.values()) for found in single])
        assert np.allclose(list(together.values()), alone)


def test_only_relu_dies() -> None:
    for bend in ("ReLU", "Leaky ReLU", "PReLU", "ELU"):
        (share,) = dead_share(small_network(bend, bias=-6.0), VECTORS).values()
        assert share == (bend == "ReLU")


def test_relu_layers_of_keras_die_and_falling_slopes_are_alive() -> None:
    image = keras.Input((6,))
    sums = keras.layers.Dense(5, bias_initializer=keras.initializers.Constant(-6))(image)
    model = keras.Model(image, keras.layers.ReLU(name="bend")(sums))
    assert dead_share(model, VECTORS) == {"bend": 1}
    falling = small_network("GELU")
    falling.get_layer("sums").set_weights([np.zeros((6, 5)), np.full(5, -2.0)])
    assert ACTIVATIONS["GELU"].slope(-2) < 0
    assert list(dead_share(falling, VECTORS).values()) == [0]


def test_a_channel_is_dead_where_it_is_dead_at_all_places() -> None:
    image = keras.Input((4, 4, 1))
    maps = keras.layers.Conv2D(2, 1, kernel_initializer="ones", name="maps")(image)
    model = keras.Model(image, keras.layers.Activation("relu", name="bend")(maps))
    model.get_layer("maps").set_weights([np.ones((1, 1, 1, 2)), np.array([-0.5, -3.0])])
    pictures = np.zeros((2, 4, 4, 1), "float32")
    pictures[1, 3, 3] = 1  # one place of one picture is enough
    assert dead_share(model, pictures) == {"bend": 0.5}


def test_dead_share_needs_activation_layers() -> None:
    image = keras.Input((6,))
    hidden = keras.layers.Dense(5, activation="relu")(image)
    with pytest.raises(CourseError, match="no activation layers"):
        dead_share(keras.Model(image, hidden), VECTORS)


# --- explorer -----------------------------------------------------------------------------------


@settings(max_examples=40)
@given(NAMES, st.floats(-1, 2), st.floats(-6, 6), st.floats(0, 6))
def test_explorer_shows_what_the_functions_say(
    name: str, parameter: float, mean: float, spread: float
) -> None:
    frame = activation_explorer.frame(name, parameter, mean, spread)
    bend = ACTIVATIONS[name]
    z = mean + spread * norm.ppf((np.arange(2000) + 0.5) / 2000)
    a = None if bend.parameter is None else parameter
    slopes = bend.slope(z, a)
    assert f"slope below 0.01       {np.mean(np.abs(slopes) < 0.01):7.1%}" in frame.text
    assert f"slope exactly 0        {np.mean(slopes == 0):7.1%}" in frame.text
    assert f"about {np.sqrt(np.mean(slopes**2)) ** 20:.1e}" in frame.text
    assert f"output exactly 0       {np.mean(bend(z, a) == 0):7.1%}" in frame.text
    curve, outputs, slope = frame.pictures
    assert curve.startswith(name) and f"{bend(z, a).mean():.2f}" in outputs
    assert f"{slopes.mean():.2f}" in slope
    for picture in frame.pictures.values():
        assert picture.shape == (225, 288, 3) and 0 <= picture.min() < picture.max() <= 1


def test_explorer_draws_each_frame_from_scratch() -> None:
    first = activation_explorer.frame("tanh", 0.0, 0.0, 1.0).pictures
    activation_explorer.frame("ELU", 1.0, -3.0, 5.0)
    again = activation_explorer.frame("tanh", 0.0, 0.0, 1.0).pictures
    for title, picture in first.items():
        assert np.array_equal(picture, again[title])


def test_explorer_disables_the_parameter_where_there_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: list = []
    monkeypatch.setattr(
        activation_explorer, "explore", lambda frame, controls: given.append(controls)
    )
    activation_explorer.show("ReLU")
    (controls,) = given
    menu, parameter = controls["function"], controls["parameter"]
    assert isinstance(menu, ipywidgets.Dropdown) and parameter.disabled
    menu.value = "PReLU"
    assert not parameter.disabled and parameter.value == 0.25
    menu.value = "GELU"
    assert parameter.disabled
