"""A stack of networks, and one network again and again, against the loop of Keras."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from course_utils import training
from course_utils.ask import CourseError
from course_utils.quiet import keras, tf
from course_utils.training import Learner, Stack, train_runs

layers = keras.layers
RANDOM = np.random.default_rng(0)
VECTORS = RANDOM.normal(size=(40, 6)).astype("float32")
PICTURES = RANDOM.random((40, 8, 8, 1)).astype("float32")
LABELS = np.arange(40) % 3


def dense() -> keras.Model:
    return keras.Sequential(
        [keras.Input((6,)), layers.Dense(5, activation="tanh"), layers.Dense(3)]
    )


def residual() -> keras.Model:
    first = keras.Input((6,))
    below = layers.PReLU()(layers.Dense(5)(first))
    normed = layers.BatchNormalization(momentum=0.7)(layers.Dense(5)(below))
    return keras.Model(first, layers.Dense(3)(layers.Add()([below, layers.ReLU()(normed)])))


def convolution() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            # Without a bias, whose gradient would be rounding alone, and which Adam would enlarge.
            layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.PReLU(shared_axes=[1, 2]),
            layers.MaxPooling2D(),
            layers.Conv2D(3, 2, activation="relu"),
            layers.Flatten(),
            layers.Dense(3),
        ]
    )


def limited() -> keras.Model:
    model = keras.Sequential([keras.Input((6,))])
    model.add(
        layers.Dense(5, kernel_regularizer="l2", kernel_constraint=keras.constraints.MaxNorm(1))
    )
    model.add(layers.Dense(3))
    return model


def one_by_one(
    models: list[keras.Model], x: np.ndarray, order: np.ndarray, make: Callable, epochs: int
) -> np.ndarray:
    """Train the models by Keras, and return the losses."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    found = []
    for model, rows in zip(models, order, strict=True):
        model.compile(make(), loss, jit_compile=False)
        options = dict(batch_size=16, epochs=epochs, shuffle=False, verbose=0)
        found.append(model.fit(x[rows], LABELS[rows], **options).history["loss"])
    return np.array(found)


SGD, Adam = keras.optimizers.SGD, keras.optimizers.Adam


@pytest.mark.parametrize(
    ("build", "make"),
    [
        (dense, lambda: SGD(0.1)),
        (dense, lambda: keras.optimizers.AdamW(0.05, clipnorm=0.05)),
        (dense, lambda: Adam(keras.optimizers.schedules.CosineDecay(0.1, 6))),
        (residual, lambda: SGD(0.2, momentum=0.9, clipnorm=0.1)),
        (residual, lambda: keras.optimizers.RMSprop(0.01, global_clipnorm=0.2)),
        (convolution, lambda: Adam(0.02)),
        (limited, lambda: SGD(0.3)),
    ],
)
def test_each_network_learns_as_by_itself(build: Callable, make: Callable) -> None:
    x = PICTURES if build is convolution else VECTORS
    models = [build() for _ in range(3)]
    stack, order = Stack(models), np.stack([RANDOM.permutation(40) for _ in models])
    copies = [keras.models.clone_model(model) for model in models]
    for copy, model in zip(copies, models, strict=True):
        copy.set_weights(model.get_weights())
    ours = stack.fit(x, LABELS, make(), epochs=2, batch_size=16, order=order)  # 16, 16 and 8
    theirs = one_by_one(copies, x, order, make, epochs=2)
    assert np.allclose(ours, theirs, atol=1e-5) and np.all(ours[:, 1] < ours[:, 0])
    answers = stack(x)
    for number, copy in enumerate(copies):
        for a, b in zip(stack.model(number).get_weights(), copy.get_weights(), strict=True):
            assert np.allclose(a, b, atol=1e-5)
        assert np.allclose(answers[number], copy(x), atol=1e-5)
        right = np.mean(np.argmax(copy(x), axis=1) == LABELS)
        assert stack.accuracy(x, LABELS)[number] == pytest.approx(right)
        assert stack.loss(x, LABELS)[number] == pytest.approx(
            float(keras.losses.SparseCategoricalCrossentropy(True)(LABELS, copy(x))), rel=1e-4
        )


def test_another_rate_in_each_network() -> None:
    for make in (SGD, lambda rate: SGD(rate, momentum=0.9), Adam):
        stack, order = Stack([dense()] * 3), np.stack([np.arange(40)] * 3)
        start = stack.rows.numpy()
        losses = stack.fit(VECTORS, LABELS, make(training.rates([0.0, 0.01, 0.1])), 2, order=order)
        assert np.array_equal(stack.rows[0], start[0])
        assert losses[0, 1] == losses[0, 0] and losses[2, 1] < losses[1, 1] < losses[0, 1]
        alone = Stack([dense()])
        alone.rows.assign(start[2:])
        alone.fit(VECTORS, LABELS, make(0.1), 2, order=order[:1])
        assert np.allclose(alone.rows[0], stack.rows[2], atol=1e-6)


def test_new_networks_start_as_their_layers_do() -> None:
    keras.utils.set_random_seed(1)
    one, other = (keras.initializers.RandomNormal(2.0, seed=seed) for seed in (None, 5))
    model = keras.Sequential([keras.Input((50,)), layers.Dense(40, kernel_initializer=one)])
    model.add(layers.Dropout(0.5))
    model.add(layers.BatchNormalization(gamma_initializer=keras.initializers.Constant(3)))
    model.add(layers.Dense(4, kernel_initializer=other))
    stack = Stack.new(model, 3)
    starts = [stack.model(number).get_weights() for number in range(3)]
    for start in starts:
        assert abs(start[0].mean() - 2) < 0.01 and np.all(start[1] == 0)
        assert np.all(start[2] == 3) and np.all(start[5] == 1)
        assert np.array_equal(start[6], starts[0][6])  # a seed of its own
    assert not np.allclose(starts[0][0], starts[1][0])
    keras.utils.set_random_seed(1)
    again = Stack.new(keras.models.clone_model(model), 3).rows
    keras.utils.set_random_seed(1)
    assert np.array_equal(again, Stack.new(keras.models.clone_model(model), 3).rows)


def test_networks_drop_different_units() -> None:
    first = keras.Input((200,))
    model = keras.Model(first, layers.Dense(1, "linear", False)(layers.Dropout(0.5)(first)))
    model.layers[-1].set_weights([np.zeros((200, 1))])
    stack = Stack.new(model, 2, loss=training.squared_error)
    stack.rows.assign(np.zeros((2, 200)))
    stack.fit(np.ones((1, 200), "float32"), np.ones((1, 1), "float32"), SGD(0.1))
    moved = stack.rows.numpy() != 0
    assert 60 < moved[0].sum() < 140 and not np.array_equal(*moved)
    before = stack.rows.numpy()
    stack.fit(np.ones((1, 200), "float32"), np.ones((1, 1), "float32"), SGD(0.1))
    assert np.any((stack.rows.numpy() != before) != moved)  # and others in the next step


def test_squared_error() -> None:
    first = keras.Input((6,))
    stack = Stack.new(keras.Model(first, layers.Dense(2)(first)), 2, loss=training.squared_error)
    y = VECTORS @ np.arange(12).reshape(6, 2).astype("float32") / 10
    assert np.allclose(stack.loss(VECTORS, y), ((stack(VECTORS) - y) ** 2).mean(axis=(1, 2)))
    losses = stack.fit(VECTORS, y, Adam(0.1), epochs=60)
    assert np.all(losses[:, -1] < 0.01 * losses[:, 0])


def test_nothing_is_traced_again() -> None:
    traces = []

    def loss(y: object, answers: object) -> object:
        traces.append(1)
        return training.cross_entropy(y, answers)

    stack, adam = Stack.new(dense(), 3, loss), Adam(0.1)
    stack.fit(VECTORS, LABELS, adam)
    assert len(traces) == 1  # once for all three networks
    adam.learning_rate = 0.01
    keras.utils.set_random_seed(5)
    stack.fit(VECTORS, LABELS, adam, epochs=2, batch_size=7)
    stack.fit(VECTORS[:30], LABELS[:30], adam, order=np.zeros((3, 5), int))
    assert len(traces) == 1


def count(model: keras.Model, x: object) -> object:
    CALLS.append(model)
    return {"sum": tf.reduce_sum(model(x))}


CALLS: list = []


def test_a_function_of_each_network() -> None:
    models = [dense() for _ in range(3)]
    stack = Stack(models)
    for x in (VECTORS, VECTORS[:7], VECTORS[:9]):
        sums = [float(tf.reduce_sum(model(x))) for model in models]
        assert np.allclose(stack.map(count, x)["sum"], sums, atol=1e-4)
    assert len(CALLS) == 2  # once more for all other sizes


def test_steps_of_a_loop_of_ones_own() -> None:
    stack, other, descent, twin = Stack([dense()] * 2), Stack([dense()] * 2), SGD(0.1), SGD(0.1)
    other.rows.assign(stack.rows)
    descent.build([stack.rows])
    step = tf.function(lambda x, y: stack.learn(x, y, descent))
    found = [step(np.stack([VECTORS] * 2), np.stack([LABELS] * 2)) for _ in range(3)]
    order = np.stack([np.arange(40)] * 2)
    losses = other.fit(VECTORS, LABELS, twin, epochs=3, order=order)
    assert np.allclose(np.transpose(found), losses, atol=1e-6)
    assert np.allclose(stack.rows, other.rows, atol=1e-6)


def test_an_epoch_uses_each_input_in_an_order_of_each_network() -> None:
    keras.utils.set_random_seed(0)
    first = keras.Input((6,))
    start = dict(use_bias=False, kernel_initializer="zeros")
    stack = Stack.new(keras.Model(first, layers.Dense(3, **start)(first)), 2)
    stack.fit(np.eye(6), np.arange(6) % 3, SGD(1.0), batch_size=4)
    kernels = stack.rows.numpy().reshape(2, 6, 3)  # each input moves a row of the kernel
    moved = kernels.max(axis=2)  # by 1 - 1/3, over the size of its batch
    assert np.allclose(np.sort(moved), [[1 / 6] * 4 + [1 / 3] * 2] * 2)
    assert not np.array_equal(*moved)


def test_runs() -> None:
    keras.utils.set_random_seed(3)
    x, y = np.repeat(np.eye(3, 6, dtype="float32"), 40, axis=0), np.repeat(np.arange(3), 40)
    adam = Adam(0.05)

    def measure(stack: Stack) -> np.ndarray:
        return np.stack([stack.accuracy(x, y), stack.loss(x, y)], axis=1)

    found = train_runs(dense(), x, y, adam, measure, runs=2, epochs=6)
    assert found.shape == (2, 7, 2)
    assert np.all(found[:, -1, 0] == 1) and np.all(found[:, -1, 1] < found[:, 0, 1])
    assert not np.allclose(found[0, 0], found[1, 0]) and adam.iterations == 6 * 2
    assert train_runs(dense(), x, y, Adam(), lambda s: s.loss(x, y), epochs=2).shape == (3, 3)


@pytest.mark.parametrize(
    ("call", "offending"),
    [
        (lambda: Stack([]), "no models"),
        (lambda: Stack([dense(), residual()]), "functional"),
        (lambda: Stack.new(dense(), 0), "runs is 0"),
        (lambda: Stack.new(dense(), 1.5), "runs is 1.5"),
        (lambda: Stack.new(keras.Sequential([keras.Input((6,)), dense()]), 1), "kernel"),
        (lambda: Stack([dense()]).fit(VECTORS, LABELS, keras.optimizers.Muon()), "Muon"),
        (lambda: Stack([dense()]).fit(VECTORS[:0], LABELS[:0], SGD()), "no inputs"),
        (lambda: Stack([dense()])(VECTORS[:0]), "no inputs"),
        (lambda: Learner(dense).fit(VECTORS[:0], LABELS[:0]), "no inputs"),
        (lambda: Learner(dense).fit_draws(VECTORS[:0], LABELS[:0], RANDOM, 1), "no inputs"),
        (lambda: Learner(dense).fit_draws(VECTORS, LABELS, RANDOM, 0), "steps is 0"),
        (lambda: Learner(dense).fit(VECTORS, LABELS, epochs=0), "epochs is 0"),
        (lambda: Learner(dense).fit(VECTORS, LABELS, batch_size=2.5), "batch_size is 2.5"),
        (lambda: Learner(dense).fit(VECTORS, LABELS, eps=0.1), "eps is 0.1"),
    ],
)
def test_what_cannot_be_trained_is_refused(call: Callable, offending: str) -> None:
    with pytest.raises(CourseError, match=offending):
        call()


def test_graphs_of_others_are_optimized_as_before() -> None:
    def options() -> dict:
        return tf.config.optimizer.get_experimental_options()

    before, found = options().get("disable_meta_optimizer", False), []

    def spoilt(model: keras.Model, x: tf.Tensor) -> None:
        found.append(options()["disable_meta_optimizer"])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Stack.new(residual(), 2).map(spoilt, VECTORS)
    assert found == [True] and options().get("disable_meta_optimizer", False) == before


# --- one network ----------------------------------------------------------------------------------


def starting_with(start: list[np.ndarray]) -> Callable[[], keras.Model]:
    def build() -> keras.Model:
        model = dense()
        model.set_weights(start)
        return model

    return build


def by_keras(build: Callable, rate: float, epochs: list[np.ndarray], batch_size: int) -> list:
    """Weights after Keras has seen the rows of some epochs, at a rate that falls as a Learner's."""
    model, steps = build(), sum(-(-len(rows) // batch_size) for rows in epochs)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(Adam(keras.optimizers.schedules.CosineDecay(rate, steps)), loss)
    for rows in epochs:
        model.fit(VECTORS[rows], LABELS[rows], batch_size, shuffle=False, verbose=0)
    return model.get_weights()


def assert_equal(ours: list[np.ndarray], theirs: list[np.ndarray]) -> None:
    for one, other in zip(ours, theirs, strict=True):
        assert np.allclose(one, other, atol=1e-5)


def test_a_learner_trains_as_keras_does_and_each_time_anew() -> None:
    build, random = starting_with(dense().get_weights()), np.random.default_rng(5)
    learner = Learner(build)
    theirs = by_keras(build, 2e-3, [random.permutation(40) for _ in range(3)], 16)
    for _ in range(2):  # the second time nothing is left of the first
        trained = learner.fit(VECTORS, LABELS, epochs=3, batch_size=16, seed=5)
        assert trained is learner.model and learner.optimizer.iterations == 9
        assert_equal(trained.get_weights(), theirs)


@pytest.mark.parametrize("count", [5, 40])  # of five inputs each is in every batch, many times
def test_draws_that_come_twice_count_twice(count: int) -> None:
    build, rows = starting_with(dense().get_weights()), np.random.default_rng(4).integers
    learner, last = Learner(build, rate=0.01), (np.full((5, 3), 0.5), np.arange(3.0))
    learner.fit_draws(VECTORS[:count], LABELS[:count], np.random.default_rng(4), steps=10)
    assert_equal(learner.model.get_weights(), by_keras(build, 0.01, [rows(count, size=320)], 32))
    for _ in range(2):  # and each time with the last layer that it is given
        learner.fit_draws(VECTORS, LABELS, RANDOM, steps=1, batch_size=4, last=last)
        moved = np.abs(learner.model.layers[-1].kernel - last[0])
        assert 0 < moved.max() < 0.011  # Adam's first step is as long as the rate


def test_a_learner_learns_from_what_is_made_of_its_inputs() -> None:
    start, seen = dense().get_weights(), []

    def worst(model: keras.Model, x: tf.Tensor, labels: tf.Tensor, eps: tf.Tensor) -> tf.Tensor:
        seen.append(model)
        return x + eps * tf.cast(labels, tf.float32)[:, None]

    learner, shifted = Learner(starting_with(start), worst=worst), VECTORS + 0.5 * LABELS[:, None]
    hard = learner.fit(VECTORS, LABELS, epochs=2, batch_size=16, eps=0.5).get_weights()
    assert seen == [learner.model]  # traced once for all batches
    plain = Learner(starting_with(start)).fit(shifted, LABELS, epochs=2, batch_size=16)
    assert_equal(hard, plain.get_weights())
    learner.fit(VECTORS, LABELS, epochs=1)
    assert len(seen) == 1  # eps of 0 asks for nothing

    def change(order: np.ndarray, random: np.random.Generator) -> np.ndarray:
        return VECTORS[order] + 0.5 * LABELS[order, None]

    changed = learner.fit(VECTORS, LABELS, epochs=2, batch_size=16, change=change)
    assert_equal(changed.get_weights(), hard)


def test_a_learner_is_traced_once() -> None:
    calls = []

    class Counted(layers.Layer):
        def call(self, x: tf.Tensor) -> tf.Tensor:
            calls.append(1)
            return x

    model = keras.Sequential([keras.Input((6,)), Counted(), layers.Dense(3)])
    learner = Learner(lambda: model)
    calls.clear()
    for count in (3, 40):
        x, labels = VECTORS[:count], LABELS[:count]
        learner.fit(x, labels, epochs=2, batch_size=2)
        learner.fit_draws(x, labels, RANDOM, steps=2).accuracy(x, labels)
    assert len(calls) == 3  # for whole passes, for draws, and for answers


def test_accuracy_of_more_than_one_batch() -> None:
    learner, x = Learner(dense), RANDOM.normal(size=(300, 6)).astype("float32")
    answers = np.argmax(learner.model(x), axis=1)
    assert learner.accuracy(x, answers) == 1
    assert learner.accuracy(x, np.where(np.arange(300) < 75, answers, answers + 1)) == 0.25
