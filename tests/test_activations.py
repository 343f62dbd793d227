"""Activations and softmax against Keras, SciPy and calculus; and what measures a network."""

from __future__ import annotations

import ipywidgets
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import special
from scipy.stats import norm

from course_utils import activations, dimensions, networks
from course_utils.activations import (
    ACTIVATIONS,
    PHOTOS,
    Peaks,
    best_patches,
    cross_entropy,
    dead_share,
    deep_network,
    fields_inside,
    gradient_norms,
    peaks,
    photo_crops,
    sheet,
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
    ("name", "z", "a", "sentence"),
    [
        ("ReLU", 1.0, 0.1, "ReLU has no parameter; leave a out"),
        ("ELU", 1.0, np.nan, "a is nan; give a finite number"),
        ("ELU", 1.0, "1", "a is '1'; give a finite number"),
        ("ELU", 1.0, [1, 2], "give a finite number"),
        ("ELU", ["x"], None, "z has entries of type <U1; give real numbers"),
        ("ELU", [1j], None, "give real numbers"),
    ],
)
def test_functions_refuse(name: str, z: object, a: object, sentence: str) -> None:
    for use in (ACTIVATIONS[name], ACTIVATIONS[name].slope):
        with pytest.raises(ValueError, match=sentence):
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
    ("call", "sentence"),
    [
        (lambda: softmax([1, np.nan]), "logits hold NaN or infinity"),
        (lambda: softmax([1, np.inf]), "logits hold NaN or infinity"),
        (lambda: softmax(3.0), r"logits have shape \(\); give one number for each class"),
        (lambda: softmax(np.zeros((2, 0))), r"logits have shape \(2, 0\)"),
        (lambda: softmax(["a"]), "logits have entries of type"),
        (lambda: softmax([1, 2], 0), "temperature is 0; give a number above 0"),
        (lambda: softmax([1, 2], np.inf), "temperature is inf"),
        (lambda: softmax([1, 2], "hot"), "temperature is 'hot'"),
        (lambda: cross_entropy([[1, 2]], [0, 1]), r"shape \(1, 2\) and labels \(2,\)"),
        (lambda: cross_entropy([1, 2], 0), r"give \(n, classes\) and \(n,\)"),
        (lambda: cross_entropy([[1, 2]], [2]), "integers from 0 to 1"),
        (lambda: cross_entropy([[1, 2]], [-1]), "integers from 0 to 1"),
        (lambda: cross_entropy([[1, 2]], [0.5]), "integers from 0 to 1"),
    ],
)
def test_softmax_refuses(call: object, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        call()


# --- networks -----------------------------------------------------------------------------------


def small_network(bend: str = "ReLU", bias: float = 0.0) -> keras.Model:
    start = keras.initializers.Constant(bias)
    image = keras.Input((6,))
    sums = keras.layers.Dense(5, bias_initializer=start, name="sums")(image)
    return keras.Model(image, keras.layers.Dense(3, name="logits")(ACTIVATIONS[bend].layer()(sums)))


def test_deep_network_is_what_was_asked_for() -> None:
    plain = deep_network("tanh", depth=4, units=7, inputs=6, classes=3)
    assert plain.count_params() == 7 * 7 + 3 * 8 * 7 + 8 * 3
    assert [w.path.split("/")[0] for w in plain.weights[::2]] == [
        *(f"hidden_{n:02}" for n in range(1, 5)),
        "logits",
    ]
    normalized = deep_network("tanh", depth=4, units=7, inputs=6, classes=3, normalize=True)
    assert normalized.count_params() == plain.count_params() + 4 * 4 * 7
    kinds = [type(layer).__name__ for layer in normalized.layers]
    assert kinds[1:4] == ["Dense", "BatchNormalization", "Activation"]


def test_residual_connections_add_the_input_of_a_layer() -> None:
    model = deep_network("sigmoid", depth=3, units=4, inputs=6, classes=2, residual=True)
    h = VECTORS
    for number in (1, 2, 3):
        kernel = model.get_layer(f"hidden_{number:02}").kernel.numpy()
        answer = special.expit(h @ kernel)
        h = answer if number == 1 else h + answer
    assert np.allclose(model(VECTORS), h @ model.get_layer("logits").kernel.numpy(), atol=1e-5)


def test_layers_draw_different_numbers_from_one_initializer() -> None:
    model = deep_network(depth=2, inputs=64, initializer=keras.initializers.VarianceScaling(8.0))
    first, second = (model.get_layer(f"hidden_0{n}").kernel.numpy() for n in (1, 2))
    assert not np.allclose(first, second)
    assert abs(first.std() / np.sqrt(8 / 64) - 1) < 0.1


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"activation": "relu"}, "activation is 'relu'; choose one of sigmoid, tanh, ReLU"),
        ({"depth": 0}, "depth is 0; give a whole number from 1"),
        ({"units": 2.5}, "units is 2.5"),
        ({"classes": "ten"}, "classes is 'ten'"),
    ],
)
def test_deep_network_refuses(options: dict, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        deep_network(**options)


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
    x, y = RANDOM.random((32, 64)).astype("float32"), np.arange(32) % 10
    for options, low, high in (
        ({}, 0, 1e-9),
        ({"residual": True}, 1e-2, 1e2),
        ({"normalize": True}, 1e-2, 1e2),
        ({"activation": "ReLU", "initializer": "he_normal"}, 1e-2, 1e2),
    ):
        norms = gradient_norms(deep_network(**options), x, y)
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
    with pytest.raises(ValueError, match="no activation layers"):
        dead_share(keras.Model(image, hidden), VECTORS)


# --- what excites a unit ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def network() -> networks.Classifier:
    return networks.load("embedded", pretrained=False)


@pytest.fixture(scope="module")
def crops() -> tuple[np.ndarray, np.ndarray]:
    return photo_crops(per_photo=2)


def test_crops_are_from_all_photos(crops: tuple[np.ndarray, np.ndarray]) -> None:
    pictures, sources = crops
    assert pictures.shape == (30, 64, 64, 3) and pictures.dtype == np.float32
    assert pictures.min() >= 0 and pictures.max() <= 1
    assert np.array_equal(np.bincount(sources), [2] * len(PHOTOS))
    assert all(picture.std() > 0.01 for picture in pictures)
    again, _ = photo_crops(per_photo=2)
    assert np.array_equal(pictures, again)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"per_photo": 0}, "per_photo is 0; give a whole number from 1[.]"),
        ({"size": 0}, "size is 0; give a whole number from 1 to 300"),
        ({"size": 301}, "size is 301"),
        ({"per_photo": 1.5}, "per_photo is 1.5"),
    ],
)
def test_crops_refuse(options: dict, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        photo_crops(**options)


@pytest.mark.parametrize("layer", ["block1_conv2", "block2_conv1", "block3_conv3"])
def test_a_field_holds_the_pixels_that_count(network: networks.Classifier, layer: str) -> None:
    field = dimensions.receptive_fields(network.model)[layer]
    model = network.features(layer)
    picture = tf.constant(RANDOM.random((1, 64, 64, 3)), tf.float32)
    maps = model(picture)[layer]
    inside = fields_inside(field, maps.shape[1], 64)
    for place in (inside[0], inside[-1]):
        with tf.GradientTape() as tape:
            tape.watch(picture)
            answer = tf.reduce_sum(model(picture)[layer][0, place, place])
        moved = np.abs(tape.gradient(answer, picture)[0]).sum(axis=-1)
        first = activations._first_pixel(field, place)
        window = moved[first : first + field.size, first : first + field.size]
        assert window.sum() > 0 and np.isclose(window.sum(), moved.sum())
        # The edges of the field count as well, if only a little.
        rows = np.flatnonzero(moved.sum(axis=1))
        assert rows[0] >= first and rows[-1] <= first + field.size - 1
    assert inside[0] == 0 or activations._first_pixel(field, inside[0] - 1) < 0
    assert activations._first_pixel(field, inside[-1] + 1) + field.size > 64


def test_where_no_field_fits_all_places_count() -> None:
    field = dimensions.Receptive(196, 16)
    assert fields_inside(field, 4, 64).tolist() == [0, 1, 2, 3]


def test_peaks_are_the_largest_answers(
    network: networks.Classifier, crops: tuple[np.ndarray, np.ndarray]
) -> None:
    pictures, _ = crops
    layers = ["block1_conv1", "block5_conv3"]
    found = peaks(network, layers, pictures)
    maps = network.features(layers)(pictures)
    late, whole = found["block5_conv3"], maps["block5_conv3"].numpy()
    assert np.allclose(late.answers, whole.max(axis=(1, 2)), atol=1e-5)
    early = found["block1_conv1"]
    inner = maps["block1_conv1"].numpy()[:, 1:-1, 1:-1]
    assert np.allclose(early.answers, inner.max(axis=(1, 2)), atol=1e-5)
    for crop, unit in ((0, 0), (7, 3), (29, 15)):
        place = early.rows[crop, unit], early.columns[crop, unit]
        at_place = maps["block1_conv1"].numpy()[crop, *place, unit]
        assert np.isclose(at_place, early.answers[crop, unit], atol=1e-5)
    with pytest.raises(CourseError, match="no layer 'block9'"):
        peaks(network, ["block9"], pictures)


def test_best_patches_come_from_different_photos_in_order() -> None:
    crops = np.arange(4, dtype=float)[:, None, None, None] * np.ones((4, 8, 8, 3))
    crops[2, 3, 4] = 9
    sources = np.array([0, 0, 1, 2])
    answers = np.array([[1.0], [2.0], [5.0], [3.0]])
    rows, columns = np.full((4, 1), 3), np.full((4, 1), 4)
    found = Peaks(answers, rows, columns)
    small = best_patches(dimensions.Receptive(3, 1), found, 0, crops, sources, count=2)
    assert [patch.shape for patch in small] == [(3, 3, 3)] * 2
    assert small[0][1, 1, 0] == 9 and small[0][0, 0, 0] == 2 and small[1][0, 0, 0] == 3
    whole = best_patches(dimensions.Receptive(20, 4), found, 0, crops, sources)
    assert [patch[0, 0, 0] for patch in whole] == [2, 3, 1]
    assert all(patch.shape == (8, 8, 3) for patch in whole)


def test_sheet() -> None:
    patches = [np.full((10, 10, 3), value) for value in (0.0, 0.2, 0.4, 0.6)]
    picture = sheet(patches)  # each four times as large, gaps of two pixels
    assert picture.shape == (82, 124, 3)
    assert picture[0, 0, 0] == 0 and np.isclose(picture[81, 39, 0], 0.6)
    assert np.all(picture[40:42] == 1) and np.all(picture[42:, 42:] == 1)
    assert np.all(picture[:40, 40:42] == 1) and np.allclose(picture[:40, 42:82], 0.2)
    assert sheet([np.zeros((64, 64, 3))] * 6, columns=2).shape == (198, 131, 3)


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


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (("relu", 0, 0, 1), "function is 'relu'; choose one of sigmoid"),
        (("ReLU", 0, np.nan, 1), "have to be finite"),
        (("ReLU", 0, 0, -1), "spread 0 or more"),
    ],
)
def test_explorer_refuses(values: tuple, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        activation_explorer.frame(*values)


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
    with pytest.raises(ValueError, match="function is 'relu'"):
        activation_explorer.show("relu")


def test_peaks_of_many_crops(network, crops) -> None:
    pictures, _ = crops
    many = np.concatenate([pictures] * 4)[:101]  # answered in batches of 100
    (found,) = peaks(network, ["block2_conv1"], many).values()
    (few,) = peaks(network, ["block2_conv1"], pictures).values()
    for of_many, of_few in zip(found, few, strict=True):
        assert of_many.shape == (101, of_few.shape[1])
        assert np.allclose(of_many, np.concatenate([of_few] * 4)[:101], atol=1e-5)


def test_every_second_crop_is_mirrored_and_a_seed_chooses_them(monkeypatch) -> None:
    ramp = np.tile(np.linspace(0, 1, 400, dtype=np.float32), (300, 1))
    monkeypatch.setattr("course_utils.images.sample", lambda photo: ramp)
    pictures, _ = photo_crops(per_photo=2, size=32)
    rises = pictures[:, 16, -1, 0] > pictures[:, 16, 0, 0]
    assert rises.tolist() == [True, False] * len(PHOTOS)
    assert not np.array_equal(pictures, photo_crops(per_photo=2, size=32, seed=1)[0])


def test_cross_entropy_of_nothing() -> None:
    with pytest.raises(ValueError, match=r"shape \(0, 2\) and labels \(0,\)"):
        cross_entropy(np.zeros((0, 2)), np.zeros(0, int))


def test_moving_averages_of_a_deep_network_keep_up() -> None:
    model = deep_network(depth=2, normalize=True)
    norms = [v for v in model.layers if isinstance(v, keras.layers.BatchNormalization)]
    assert [v.momentum for v in norms] == [0.9, 0.9]


def test_relu_layers_of_keras_die_and_falling_slopes_are_alive() -> None:
    image = keras.Input((6,))
    sums = keras.layers.Dense(5, bias_initializer=keras.initializers.Constant(-6))(image)
    model = keras.Model(image, keras.layers.ReLU(name="bend")(sums))
    assert dead_share(model, VECTORS) == {"bend": 1}
    falling = small_network("GELU")
    falling.get_layer("sums").set_weights([np.zeros((6, 5)), np.full(5, -2.0)])
    assert ACTIVATIONS["GELU"].slope(-2) < 0
    assert list(dead_share(falling, VECTORS).values()) == [0]


def test_softmax_of_float32_with_a_tiny_temperature() -> None:
    assert softmax(np.float32([2, 1]), 1e-50).tolist() == [1, 0]
