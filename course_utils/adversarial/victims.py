"""What is attacked: logits, a gradient where there is one, and a range of values."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import ask
from course_utils.adversarial.climbing import climb
from course_utils.training import cross_entropy

if TYPE_CHECKING:
    import keras

    from course_utils.networks import Classifier

Array = NDArray[np.floating]


def _no_gradient(_pictures: Array, _labels: NDArray[np.integer]) -> Array:
    raise ask.CourseError("the victim gives no gradient; attack a substitute and transfer.")


@dataclass(frozen=True)
class Victim:
    """What an attack may ask of a classifier."""

    #: Pictures (n, ...) -> logits (n, classes), of which only the order counts for `predict`.
    logits: Callable[[Array], Array]
    #: (pictures, labels) -> the gradient of each picture's own loss, of the pictures' shape.
    gradient: Callable[[Array, NDArray[np.integer]], Array] = _no_gradient
    #: Range of the values: [0, 1] for pictures, [-1, 1] for sounds.
    low: float = 0.0
    high: float = 1.0
    #: Norm -> `climb` along this gradient, compiled; None where the gradient is no graph.
    graph: Callable[[str], Callable[..., Array]] | None = None

    def predict(self, pictures: Array) -> NDArray[np.int64]:
        """The class of each picture, shape (n,)."""
        return np.argmax(self.logits(pictures), axis=1)

    def climb(self, norm: str, *start: Any) -> Array:
        """`climb` along this gradient, from (start, originals, labels, eps, step, steps)."""
        if self.graph:
            return self.graph(norm)(*start)
        return climb(self.gradient, *start, norm, self.low, self.high)


def keras_victim(
    model: keras.Model,
    low: float = 0.0,
    high: float = 1.0,
    loss: Callable[[Any, Any], Any] = cross_entropy,
) -> Victim:
    """A Keras network that gives logits, its logits and gradients compiled once for all sizes.

    Parameters
    ----------
    model
        (n, ...) -> logits (n, classes).
    low, high
        Range of its inputs.
    loss
        (labels, outputs) -> (n,), what an attack raises. (The cross-entropy is that of logits: the
        gradient through a saturated softmax is zero.)
    """
    logits = functools.partial(model, training=False)
    gradient = functools.partial(loss_gradient, logits, loss)
    return compiled_victim(logits, gradient, model.inputs[0].shape, low, high)


@functools.lru_cache(maxsize=4)
def victim_of(classifier: Classifier) -> Victim:
    """A classifier of `networks.load` as a victim; the same one each time, compiled once."""
    return keras_victim(classifier.model)


def loss_gradient(logits: Callable, loss: Callable, pictures: Any, labels: Any) -> Any:
    """The gradient of each picture's own loss, of tensors.

    Pictures of a batch do not influence one another: the gradient of the sum holds, row by row,
    that of each picture.
    """
    from course_utils.quiet import tf

    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(pictures)
        total = tf.reduce_sum(loss(labels, logits(pictures)))
    return tape.gradient(total, pictures)


def compiled_victim(
    logits: Callable, gradient: Callable, shape: Any, low: float = 0.0, high: float = 1.0
) -> Victim:
    """A victim of functions of tensors, compiled when they are first asked, once for all sizes."""
    from course_utils.quiet import tf

    batch, labels = tf.TensorSpec(shape, tf.float32), tf.TensorSpec((None,), tf.int64)
    numbers = [tf.TensorSpec((), kind) for kind in (tf.float32, tf.float32, tf.int32)]
    gradient = tf.autograph.experimental.do_not_convert(gradient)  # only the loop is rewritten

    @functools.cache
    def graph(norm: str) -> Callable[..., Array]:
        loop = functools.partial(climb, gradient, norm=norm, low=low, high=high)
        return _compiled(loop, batch, batch, labels, *numbers)

    return Victim(_compiled(logits, batch), _compiled(gradient, batch, labels), low, high, graph)


def _compiled(function: Callable, *signature: Any) -> Callable[..., Array]:
    """A function of tensors as one of arrays, traced when it is first called, and only then."""
    from course_utils.quiet import tf

    @functools.cache
    def traced() -> Callable:
        return tf.function(function, input_signature=signature).get_concrete_function()

    def call(*arrays: ArrayLike) -> Array:
        ask.some("pictures", arrays[0])
        tensors = map(tf.constant, arrays, (spec.dtype for spec in signature))
        return traced()(*tensors).numpy()

    return call


def linear_victim(weights: ArrayLike, biases: ArrayLike) -> Victim:
    """A linear classifier on flattened pictures; its gradient needs no derivative at all.

    Lesson 10, section 5. The loss is the negative margin, whose gradient is a difference of two
    rows of weights: of the best other class minus that of the label.

    Parameters
    ----------
    weights : array, shape (classes, values)
        scikit-learn's ``coef_``; of two classes it has one row w, and you need ``[-w, w]``.
    biases : array, shape (classes,)
    """
    weights, biases = np.asarray(weights, np.float32), np.asarray(biases, np.float32)
    if len(weights) < 2:
        raise ask.CourseError("weights have 1 row; give one for each class, such as [-w, w].")

    def logits(pictures: Array) -> Array:
        return np.reshape(pictures, (len(pictures), -1)) @ weights.T + biases

    def gradient(pictures: Array, labels: NDArray[np.integer]) -> Array:
        others = logits(pictures)
        others[np.arange(len(others)), labels] = -np.inf
        return (weights[others.argmax(axis=1)] - weights[labels]).reshape(np.shape(pictures))

    return Victim(logits, gradient)
