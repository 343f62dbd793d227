"""Several networks of one architecture, trained at the same time; and one, again and again.

Whoever compares two ways of training needs each of them several times, from different random
weights. For small networks most of that time would go into building graphs and into the thousand
small sums of an optimizer. A `Stack` builds one graph for all, and keeps the weights of each
network as one row of a table: so the optimizer has a single array to change.

Lessons 03 to 05 train with it; a `Learner` trains one network, in lessons 06, 07 and 10.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import ask, measures
from course_utils.live import track

if TYPE_CHECKING:
    import keras

__all__ = ["Learner", "Stack", "cross_entropy", "rates", "squared_error", "train_runs"]

Array = NDArray[np.floating]

#: Optimizers of Keras that look at a whole array of weights, not at each number by itself.
_NOT_BY_NUMBER = ("Adafactor", "Lamb", "Muon")


def cross_entropy(y: Any, logits: Any) -> Any:
    """Cross-entropy of each answer, from logits (..., classes) and labels (...)."""
    from course_utils.quiet import tf

    return tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits)


def squared_error(y: Any, answers: Any) -> Any:
    """Squared difference of each number."""
    return (y - answers) ** 2


def rates(values: Sequence[float]) -> keras.optimizers.schedules.LearningRateSchedule:
    """A learning rate for an optimizer of a `Stack`: another one for each of its networks."""
    from course_utils.quiet import keras, tf

    class Rates(keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step: Any) -> Any:
            return tf.constant(values, tf.float32)[:, None]  # a row of weights for each network

        def get_config(self) -> dict:
            return {"values": list(values)}

    return Rates()


class Stack:
    """Networks of one architecture that answer and learn at the same time.

    Each does what it would do by itself, within rounding: it has its own weights, order of the
    inputs, batch statistics, dropout, penalties and clipped gradients.

    Parameters
    ----------
    models : sequence of keras.Model
        Of one architecture. Their weights are copied; the first one lends its layers.
    loss : callable
        Gets true and given answers of a batch, returns numbers whose mean is the loss.

    Attributes
    ----------
    rows : keras.Variable, shape (networks, numbers)
        All that is trained, one network in each row.
    """

    def __init__(
        self, models: Sequence[keras.Model], loss: Callable[[Any, Any], Any] = cross_entropy
    ) -> None:
        ask.some("models", models)
        self._keras, self._loss = models[0], loss
        self._trained = self._keras.trainable_variables
        self._kept = self._keras.non_trainable_variables  # moving averages, states of chance
        for model in models:
            if [v.shape for v in model.variables] != [v.shape for v in self._keras.variables]:
                raise ask.CourseError(f"{model.name} has other weights than {self._keras.name}.")
        self._set(
            [[v.numpy() for v in model.trainable_variables] for model in models],
            [[v.numpy() for v in model.non_trainable_variables] for model in models],
        )

    @classmethod
    def new(
        cls, model: keras.Model, runs: int, loss: Callable[[Any, Any], Any] = cross_entropy
    ) -> Stack:
        """So many networks like ``model``, each with new random weights.

        A layer that does not say how its weights start is refused.
        """
        stack = cls([model], loss)
        starts = [_starts(model) for _ in range(ask.whole("runs", runs))]
        stack._set(
            [[start[v.path] for v in stack._trained] for start in starts],
            [[start[v.path] for v in stack._kept] for start in starts],
        )
        return stack

    def _set(self, trained: list[list[Array]], kept: list[list[Array]]) -> None:
        from course_utils.quiet import keras

        rows = [np.concatenate([w.ravel() for w in weights]) for weights in trained]
        self.rows = keras.Variable(np.stack(rows), name="rows")
        self._state = [
            keras.Variable(np.stack(values), dtype=values[0].dtype, trainable=False)
            for values in zip(*kept, strict=True)
        ]
        self._graphs: dict[Any, Callable] = {}

    def __len__(self) -> int:
        return self.rows.shape[0]

    # --- what they answer -------------------------------------------------------------------------

    def map(self, function: Callable, *inputs: ArrayLike) -> Any:
        """What a function of a model returns for each of the networks.

        Parameters
        ----------
        function
            ``function(model, *inputs)`` of TensorFlow; of a module, for its graph is kept.
        inputs : array
            Shown to all networks.

        Returns
        -------
        array, or a structure of them, each with the networks as first axis
        """
        from course_utils.quiet import keras, tf

        def graph(row: Any, kept: list, *given: Any) -> Any:
            values = zip(self._trained + self._kept, self._cut(row) + kept, strict=True)
            with keras.StatelessScope(list(values)):
                return function(self._keras, *given)

        if function not in self._graphs:
            # A partial: else TensorFlow takes the graphs of many stacks for one that it traces
            # again and again, and warns.
            self._graphs[function] = tf.function(
                partial(graph), reduce_retracing=True, autograph=False
            )
        given = [_tensor(values) for values in inputs]
        ask.some("inputs", given[0])
        with _plain_graphs():
            values = [self._graphs[function](row, kept, *given) for row, kept in self._networks()]
        return tf.nest.map_structure(lambda *parts: np.stack(parts), *values)

    def __call__(self, x: ArrayLike) -> Array:
        """Answers of the trained networks to the same inputs, shape (networks, n, ...)."""
        return self.map(_answers, x)

    def loss(self, x: ArrayLike, y: ArrayLike) -> Array:
        """Mean loss of each network, as it is after training."""
        values = np.asarray(self._loss(_tensor(np.stack([y] * len(self))), _tensor(self(x))))
        return values.reshape(len(self), -1).mean(axis=1)

    def accuracy(self, x: ArrayLike, y: ArrayLike) -> Array:
        """Share of the inputs whose largest logit is that of their label, for each network."""
        return measures.accuracy(self(x), y)

    def model(self, number: int) -> keras.Model:
        """One of the networks as a Keras model.

        It is one and the same model each time, with other weights: clone it to keep several.
        """
        row, kept = self._networks()[number]
        for variable, value in zip(self._trained + self._kept, self._cut(row) + kept, strict=True):
            variable.assign(value)
        return self._keras

    # --- how they learn ---------------------------------------------------------------------------

    def fit(
        self,
        x: ArrayLike,
        y: ArrayLike,
        optimizer: keras.optimizers.Optimizer,
        epochs: int = 1,
        batch_size: int = 64,
        order: ArrayLike | None = None,
    ) -> Array:
        """Train all networks.

        Parameters
        ----------
        x : array of float, shape (n, ...)
        y : array, shape (n, ...)
            Labels, or whatever the loss compares answers with.
        optimizer : keras.optimizers.Optimizer
            Which changes each number by itself: all of Keras but Adafactor, Lamb and Muon. Goes on
            from where it is; nothing is traced again for the same one with another rate.
        epochs, batch_size : int
        order : array of int, shape (networks, m), optional
            Positions in x: what each network learns from, in this order in every epoch. By default
            everything, shuffled anew for each network and epoch.

        Returns
        -------
        array of float, shape (networks, epochs)
            Mean loss of the batches, each seen before its step, as Keras' `fit` has it.
        """
        from course_utils.quiet import tf

        kind = type(optimizer).__name__
        if kind in _NOT_BY_NUMBER:
            raise ask.CourseError(f"{kind} does not change each number by itself; take another.")
        ask.some("inputs", x)
        x, y, size, losses = _tensor(x), _tensor(y), tf.constant(batch_size), []
        if optimizer not in self._graphs:
            optimizer.build([self.rows])
            signature = [tf.TensorSpec((None, *data.shape[1:]), data.dtype) for data in (x, y)]
            signature += [tf.TensorSpec((len(self), None), tf.int64), tf.TensorSpec((), tf.int32)]
            self._graphs[optimizer] = tf.function(partial(self._epoch, optimizer), signature)
        for _ in range(epochs):
            shuffled = (np.random.permutation(len(x)) for _ in range(len(self)))
            rows = np.stack(list(shuffled)) if order is None else np.asarray(order)
            with _plain_graphs():
                losses.append(self._graphs[optimizer](x, y, tf.constant(rows, tf.int64), size))
        return np.stack(losses, axis=1)

    def _epoch(self, optimizer: Any, x: Any, y: Any, order: Any, batch_size: Any) -> Any:
        from course_utils.quiet import tf

        learn = tf.autograph.experimental.do_not_convert(self.learn)  # only this loop is rewritten
        count, total = tf.shape(order)[1], tf.zeros(len(self))
        for first in tf.range(0, count, batch_size):
            batch = order[:, first : first + batch_size]
            losses = learn(tf.gather(x, batch), tf.gather(y, batch), optimizer)
            total += losses * tf.cast(tf.shape(batch)[1], tf.float32)
        return total / tf.cast(count, tf.float32)

    def learn(self, x: Any, y: Any, optimizer: keras.optimizers.Optimizer) -> Any:
        """One step of all networks, for a ``tf.function`` with a loop of your own.

        Of tensors of shape (networks, batch, ...) and an optimizer that is built for `rows` to the
        losses before the step, shape (networks,).
        """
        from course_utils.quiet import tf

        # Not inlined: so TensorFlow optimizes the graph of one network, and not that of each.
        one = tf.function(
            partial(self._gradient), autograph=False, experimental_attributes={"_noinline": True}
        )
        clip = optimizer.clipnorm, optimizer.global_clipnorm
        optimizer.clipnorm = optimizer.global_clipnorm = None  # it would clip all networks as one
        steps = [
            one(row, kept, batch, true, clip)
            for (row, kept), batch, true in zip(
                self._networks(), tf.unstack(x, len(self)), tf.unstack(y, len(self)), strict=True
            )
        ]
        losses, gradients, states = zip(*steps, strict=True)
        optimizer.apply([tf.stack(gradients)], [self.rows])
        optimizer.clipnorm, optimizer.global_clipnorm = clip
        for variable, values in zip(self._state, zip(*states, strict=True), strict=True):
            variable.assign(tf.stack(values))
        self._constrain()
        return tf.stack(losses)

    def _gradient(self, row: Any, kept: list, x: Any, y: Any, clip: tuple) -> tuple:
        """Loss of one network, gradient as a row, and what the batch made of its averages."""
        from course_utils.quiet import tf

        weights = self._cut(row)
        with tf.GradientTape() as tape:
            tape.watch(weights)
            answers, kept, penalties = self._keras.stateless_call(
                weights, kept, x, training=True, return_losses=True
            )
            loss = tf.add_n([tf.reduce_mean(self._loss(y, answers)), *penalties])
        gradients = tape.gradient(loss, weights, unconnected_gradients="zero")
        each, together = clip
        if each:
            gradients = [tf.clip_by_norm(gradient, each) for gradient in gradients]
        if together:
            gradients, _ = tf.clip_by_global_norm(gradients, together)
        return loss, _join(gradients), kept

    def _constrain(self) -> None:
        from course_utils.quiet import tf

        limits = [variable.constraint or tf.identity for variable in self._trained]
        if any(variable.constraint for variable in self._trained):
            rows = [
                _join([limit(w) for limit, w in zip(limits, self._cut(row), strict=True)])
                for row, _ in self._networks()
            ]
            self.rows.assign(tf.stack(rows))

    def _networks(self) -> list[tuple[Any, list]]:
        """Of each network its row, and what is not trained."""
        from course_utils.quiet import tf

        kept = [tf.unstack(variable.value) for variable in self._state]
        rows = enumerate(tf.unstack(self.rows.value))
        return [(row, [values[i] for values in kept]) for i, row in rows]

    def _cut(self, row: Any) -> list:
        """The arrays of weights in a row."""
        from course_utils.quiet import tf

        shapes = [tuple(variable.shape) for variable in self._trained]
        parts = tf.split(row, [int(np.prod(shape)) for shape in shapes])
        return [tf.reshape(part, shape) for part, shape in zip(parts, shapes, strict=True)]


def train_runs(
    model: keras.Model,
    x: ArrayLike,
    y: ArrayLike,
    optimizer: keras.optimizers.Optimizer,
    measure: Callable[[Stack], ArrayLike],
    runs: int = 3,
    epochs: int = 10,
    batch_size: int = 64,
) -> Array:
    """Train networks like a model with the cross-entropy, from new random weights each.

    Parameters
    ----------
    model : keras.Model
        Gives logits; it may be left with other weights.
    x, y, optimizer, batch_size
        As in `Stack.fit`.
    measure : callable
        Gets the `Stack` before the first and after each epoch, returns one number for each network,
        or a row of them.
    runs, epochs : int

    Returns
    -------
    array of float, shape (runs, epochs + 1) or (runs, epochs + 1, numbers)
        What `measure` returned.

    References
    ----------
    Lesson 03, sections 4, 5 and 8.
    """
    stack = Stack.new(model, runs)
    history = [measure(stack)]
    for _ in range(epochs):
        stack.fit(x, y, optimizer, batch_size=batch_size)
        history.append(measure(stack))
    return np.stack(history, axis=1)


class Learner:
    """One network, trained once or again and again from new weights, and compiled once.

    Adam, with a learning rate that falls to zero along half a cosine.

    Parameters
    ----------
    build
        Gives the network, (n, ...) -> logits: with new random weights at each call, or always the
        same one, which then starts with the weights that it has.
    rate
        Learning rate of the first step.
    worst
        Makes of each batch what the network learns from, as in adversarial training:
        ``worst(model, x, labels, eps)`` of tensors.
    """

    def __init__(
        self,
        build: Callable[[], keras.Model],
        rate: float = 2e-3,
        worst: Callable[[keras.Model, Any, Any, Any], Any] | None = None,
    ) -> None:
        from course_utils.quiet import keras, tf

        self.build, self.rate, self.worst, self.model = build, rate, worst, build()
        self.optimizer = keras.optimizers.Adam()
        self.optimizer.build(self.model.trainable_variables)
        self._unused = [variable.numpy() for variable in self.optimizer.variables]
        x = tf.TensorSpec(self.model.inputs[0].shape, tf.float32)
        labels, numbers = tf.TensorSpec((None,), tf.int64), tf.TensorSpec((None,), tf.float32)
        number, count = tf.TensorSpec((), tf.float32), tf.TensorSpec((), tf.int32)
        self._step = tf.function(self._learn, input_signature=[x, labels, numbers, number])
        self._passes = {
            hard: tf.function(
                partial(self._pass, hard), input_signature=[x, labels, numbers, count, number]
            )
            for hard in (False, True)
        }
        self._answers = tf.function(partial(_answers, self.model), input_signature=[x])

    def restart(self) -> None:
        """Take the weights of a new network, and an optimizer that has seen nothing."""
        self.model.set_weights(self.build().get_weights())
        for variable, start in zip(self.optimizer.variables, self._unused, strict=True):
            variable.assign(start)

    def fit(
        self,
        x: ArrayLike,
        labels: ArrayLike,
        epochs: int = 20,
        batch_size: int = 64,
        seed: int = 0,
        eps: float = 0.0,
        change: Callable[[NDArray, np.random.Generator], Array] | None = None,
        description: str = "training",
    ) -> keras.Model:
        """Start anew and learn from all inputs, shuffled in each epoch.

        Parameters
        ----------
        x : array of float, shape (n, ...)
        labels : array of int, shape (n,)
        seed
            Of the order; what ``worst`` draws follows ``keras.utils.set_random_seed``.
        eps
            Of ``worst``; 0 learns from the inputs as they are.
        change
            Gives the inputs of an epoch from their order and a generator, in place of ``x[order]``.
        description
            Of the progress bar.

        Returns
        -------
        keras.Model
            The trained network; the next training changes it.
        """
        x, labels = np.asarray(x, np.float32), np.asarray(labels, np.int64)
        ask.some("inputs", x)
        if eps > 0 and self.worst is None:
            raise ask.CourseError(f"eps is {eps}, and nothing was given that attacks: give worst.")
        batch_size, random = ask.whole("batch_size", batch_size), np.random.default_rng(seed)
        steps = ask.whole("epochs", epochs) * -(-len(x) // batch_size)
        self.restart()
        for rates in track(np.split(self._rates(steps), epochs), description):
            order = random.permutation(len(x))
            shown = x[order] if change is None else change(order, random)
            self._passes[eps > 0](shown, labels[order], rates, batch_size, eps)
        return self.model

    def fit_draws(
        self,
        x: Array,
        labels: NDArray[np.int64],
        random: np.random.Generator,
        steps: int,
        batch_size: int = 32,
        last: tuple[Array, Array] | None = None,
    ) -> Learner:
        """Start anew and learn from batches drawn at random, so that few inputs get many steps.

        Parameters
        ----------
        x : array of float, shape (n, ...)
        labels : array of int, shape (n,)
        random
            Draws the batches, inputs with replacement.
        last : (kernel, bias), optional
            What the last layer starts with.
        """
        ask.some("inputs", x)
        draws = random.integers(len(x), size=(ask.whole("steps", steps), batch_size))
        self.restart()
        if last is not None:
            self.model.layers[-1].set_weights(last)
        for rows, rate in zip(draws, self._rates(steps), strict=True):
            # Of a few inputs many are drawn twice: they count twice, and are computed once.
            drawn, times = np.unique(rows, return_counts=True)
            self._step(x[drawn], labels[drawn], times.astype(np.float32) / batch_size, rate)
        return self

    def accuracy(self, x: Array, labels: ArrayLike) -> float:
        """Share of the inputs whose largest logit is that of their label."""
        parts = [self._answers(x[start : start + 128]) for start in range(0, len(x), 128)]
        return float(measures.accuracy(np.concatenate(parts), labels))

    def _rates(self, steps: int) -> Array:
        turn = np.linspace(0, np.pi, steps, endpoint=False, dtype=np.float32)
        return self.rate / 2 * (1 + np.cos(turn))

    def _pass(self, hard: bool, x: Any, labels: Any, rates: Any, batch_size: Any, eps: Any) -> None:
        """One pass over the inputs, a graph as a whole: small steps cost more from Python."""
        from course_utils.quiet import tf

        for number in tf.range(tf.size(rates)):
            rows = slice(number * batch_size, (number + 1) * batch_size)
            shown = self.worst(self.model, x[rows], labels[rows], eps) if hard else x[rows]
            count = tf.shape(shown)[0]
            shares = tf.fill([count], 1 / tf.cast(count, tf.float32))
            self._learn(shown, labels[rows], shares, rates[number])

    def _learn(self, x: Any, labels: Any, shares: Any, rate: Any) -> None:
        from course_utils.quiet import tf

        weights = self.model.trainable_variables
        self.optimizer.learning_rate.assign(rate)
        with tf.GradientTape() as tape:
            losses = cross_entropy(labels, self.model(x, training=True))
            loss = tf.reduce_sum(shares * losses)
        self.optimizer.apply(tape.gradient(loss, weights), weights)


@contextmanager
def _plain_graphs() -> Iterator[None]:
    """Run new graphs as they are traced: to optimize those of small networks does not pay."""
    from course_utils.quiet import tf

    before = tf.config.optimizer.get_experimental_options().get("disable_meta_optimizer", False)
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": before})


def _answers(model: keras.Model, x: Any) -> Any:
    return model(x, training=False)


def _tensor(values: ArrayLike) -> Any:
    """Numbers as networks take them: float32 or int64."""
    from course_utils.quiet import tf

    array = np.asarray(values)
    return tf.constant(array, tf.float32 if array.dtype.kind == "f" else tf.int64)


def _join(arrays: Sequence[Any]) -> Any:
    from course_utils.quiet import tf

    return tf.concat([tf.reshape(array, [-1]) for array in arrays], axis=0)


def _starts(model: keras.Model) -> dict[str, Array]:
    """Path of a variable -> a new value, drawn as its layer draws it."""
    from course_utils.quiet import keras

    starts = {}
    for layer in model.layers:
        for variable in layer.weights:
            initializer = getattr(layer, f"{variable.name}_initializer", None)
            if initializer is None:
                raise ask.CourseError(
                    f"{layer.name} does not say how {variable.name} starts: make the models, and "
                    "stack them."
                )
            # A clone: the same initializer would draw the same numbers again.
            starts[variable.path] = np.asarray(initializer.clone()(variable.shape))
    for variable in model.variables:  # the states of random generators, for example of dropout
        if variable.path not in starts:
            starts[variable.path] = keras.random.SeedGenerator().state.numpy()
    return starts
