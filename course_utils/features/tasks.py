"""A new task on top of a trained network, and fair opponents: lesson 06, section 4."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import ask

if TYPE_CHECKING:
    import keras
    from sklearn.pipeline import Pipeline

    from course_utils.networks import Classifier


def draw(labels: ArrayLike, per_class: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Places of ``per_class`` random examples of each class."""
    labels = np.asarray(labels)
    ask.some("labels", labels)
    members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    ask.whole("per_class", per_class, 1, min(map(len, members)))
    return np.concatenate([random.permutation(places)[:per_class] for places in members])


def dense_weights(pipeline: Pipeline) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A fitted chain of linear steps and a LogisticRegression as the weights of one dense layer.

    Standardizing, rotating and the regression are affine maps, and so is their chain; it is known
    by its values at zero and at the unit vectors.

    Returns
    -------
    kernel : float32 (features, classes)
    bias : float32 (classes,)
    """
    points = np.vstack([np.zeros(pipeline.n_features_in_), np.eye(pipeline.n_features_in_)])
    logits = pipeline.decision_function(points)
    if logits.ndim == 1:  # of two classes scikit-learn gives the second's logit minus the first's
        logits = np.stack([np.zeros_like(logits), logits], axis=1)
    bias, kernel = logits[0], logits[1:] - logits[0]
    return kernel.astype(np.float32), bias.astype(np.float32)


def upper_part(
    network: Classifier, start: str, end: str, classes: int, shape: Sequence[int]
) -> keras.Model:
    """A trainable copy of the layers after ``start`` up to ``end``, with a new last layer.

    Batch-norm layers stay frozen: in Keras these then neither learn nor follow the statistics of
    the batches. The network itself keeps its weights.

    Parameters
    ----------
    network
    start, end
        Names of two layers of `stages`.
    classes
        Of the new task.
    shape
        (h, w, channels) of the maps of ``start``, the input.
    """
    from course_utils.quiet import keras

    layers = [network.model.get_layer(name) for name in (start, end)]
    between = keras.Model(layers[0].output, layers[1].output)
    copy = keras.models.clone_model(between)
    copy.set_weights(between.get_weights())
    for layer in copy.layers:
        layer.trainable = not isinstance(layer, keras.layers.BatchNormalization)
    maps = keras.Input(tuple(shape))
    return keras.Model(maps, _answered(copy(maps), classes))


def _answered(maps: keras.KerasTensor, classes: int) -> keras.KerasTensor:
    """Logits by a new layer on the average of each map."""
    from course_utils.quiet import keras

    vector = keras.layers.GlobalAveragePooling2D()(maps)
    return keras.layers.Dense(classes, name="new")(vector)


def untrained(network: Classifier, end: str, classes: int) -> keras.Model:
    """The layers of a network up to ``end`` with random weights, and a new last layer.

    What the same architecture learns from scratch, all of it trainable.
    """
    from course_utils.quiet import keras

    model = keras.Model(network.model.inputs[0], network.model.get_layer(end).output)
    copy = keras.models.clone_model(model)  # with new weights
    for layer in copy.layers:  # each by itself: the copies remember that they were frozen
        layer.trainable = True
        if isinstance(layer, keras.layers.Conv2D):
            # He et al., "Delving deep into rectifiers", 2015: right for layers before a ReLU.
            layer.kernel.assign(keras.initializers.HeNormal()(layer.kernel.shape))
    return keras.Model(copy.inputs[0], _answered(copy.output, classes))


def small_cnn(side: int, classes: int) -> keras.Model:
    """A network made for a small task, as a fair opponent: 10,000 to 60,000 random weights.

    From 16 pixels on it starts with strides and ends with a global average, as textures like it;
    below, it keeps the places, as digits like it. ``side`` is a power of two, from 8 on.
    Pictures (n, side, side, 1), float in [0, 1] -> (n, classes) logits.
    """
    from course_utils.quiet import keras

    layers = keras.layers
    picture = keras.Input((side, side, 1))
    maps = layers.Rescaling(5.0, offset=-2.5)(picture)
    width = 16
    if side >= 16:
        maps = layers.Conv2D(width, 5, strides=2, padding="same", activation="relu")(maps)
        maps = layers.MaxPooling2D()(maps)
    while maps.shape[1] > 4:
        width *= 2
        maps = layers.Conv2D(width, 3, padding="same", activation="relu")(maps)
        maps = layers.MaxPooling2D()(maps)
    maps = layers.Conv2D(64, 3, padding="same", activation="relu")(maps)
    vector = layers.GlobalAveragePooling2D()(maps) if side >= 16 else layers.Flatten()(maps)
    return keras.Model(picture, layers.Dense(classes)(vector))
