"""Where did the network look? Maps of what counted for one of its answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import ask, images, plots
from course_utils.features.descriptors import check_maps

if TYPE_CHECKING:
    import keras

    from course_utils.networks import Classifier


def grad_cam(
    network: Classifier, picture: ArrayLike, label: int, layer: str
) -> NDArray[np.float32]:
    """Grad-CAM: the maps of a layer, weighted by how much each raises a logit.

    Lesson 06, section 6; R. Selvaraju et al., "Grad-CAM", ICCV 2017, equations 1 and 2.

    Parameters
    ----------
    network
    picture : array of float in [0, 1], shape (h, w, 3)
    label
        Which logit.
    layer
        A layer with feature maps, for example one of `stages`.

    Returns
    -------
    ndarray of float32, 0 or more, shape (h, w)
        Enlarged from the size of the maps to that of the picture.
    """
    from skimage.transform import resize

    from course_utils.quiet import tf

    batch = _batch_of_one(network, picture, label)
    check_maps(network.features(layer))
    ends = layer, network.layers[-1]
    signature = [tf.TensorSpec((1, None, None, 3), tf.float32), tf.TensorSpec((), tf.int32)]
    maps_and_gradient = network.compiled(_gradient, ends, *ends, signature=signature)
    maps, gradient = (part[0].numpy() for part in maps_and_gradient(batch, np.int32(label)))
    heat = np.maximum(maps @ gradient.mean(axis=(0, 1)), 0)
    return resize(heat, batch.shape[1:3], order=1, mode="edge")


def _gradient(
    model: keras.Model, layer: str, last: str, picture: Any, label: Any
) -> tuple[Any, Any]:
    """The maps of a layer, and the gradient of a logit there."""
    from course_utils.quiet import tf

    with tf.GradientTape() as tape:
        tape.watch(picture)  # or nothing would be recorded: the network is frozen
        outputs = model(picture, training=False)
        logit = tf.gather(outputs[last][0], label)
    return outputs[layer], tape.gradient(logit, outputs[layer])


def occlusion(
    network: Classifier, picture: ArrayLike, label: int, patch: int = 16, stride: int = 4
) -> NDArray[np.float32]:
    """How much a logit falls when a gray square hides a place.

    Lesson 06, section 6; M. Zeiler and R. Fergus, "Visualizing and understanding convolutional
    networks", ECCV 2014, section 4.2.

    Parameters
    ----------
    network, picture, label
        As in `grad_cam`.
    patch
        Side of the square in pixels.
    stride
        Pixels from one place to the next, not more than ``patch``.

    Returns
    -------
    ndarray of float32, shape (h, w)
        At each pixel the mean fall over all squares that hide it; negative where the logit rose.
    """
    batch = _batch_of_one(network, picture, label)
    height, width = batch.shape[1:3]
    ask.whole("patch", patch, 1, min(height, width))
    ask.whole("stride", stride, 1, patch)
    # The last square of each row and column ends at the border.
    rows, columns = (
        sorted({*range(0, length - patch + 1, stride), length - patch})
        for length in (height, width)
    )
    windows = [
        np.s_[row : row + patch, column : column + patch] for row in rows for column in columns
    ]
    hidden = np.repeat(batch, len(windows), axis=0)
    for copy, window in zip(hidden, windows, strict=True):
        copy[window] = 0.5
    falls = network.predict(batch[0])[label] - network.predict(hidden, batch_size=64)[:, label]
    total, count = np.zeros((height, width)), np.zeros((height, width))
    for fall, window in zip(falls, windows, strict=True):
        total[window] += fall
        count[window] += 1
    return (total / count).astype(np.float32)


def heat_on(picture: ArrayLike, heat: ArrayLike) -> NDArray[np.float32]:
    """A map laid in color over a gray copy of its picture, from violet (0) to yellow (most).

    Parameters
    ----------
    picture : array of float in [0, 1], shape (h, w, 3)
    heat : array of numbers, shape (h, w)
        Negative values are drawn as 0.

    Returns
    -------
    ndarray of float32 in [0, 1], shape (h, w, 3)
    """
    from matplotlib import colormaps

    heat = np.maximum(heat, 0)
    colors = colormaps[plots.SEQUENTIAL_CMAP](heat / max(heat.max(), 1e-12))[..., :3]
    gray = images.to_gray(picture)[..., None]
    return (0.45 * gray + 0.55 * colors).astype(np.float32)


def _batch_of_one(network: Classifier, picture: ArrayLike, label: int) -> NDArray[np.float32]:
    batch, _ = network.as_batch(picture)
    if len(batch) != 1:
        raise ask.CourseError(f"There are {len(batch)} pictures; give one at a time.")
    ask.whole("label", label, 0, len(network.labels) - 1)
    return batch
