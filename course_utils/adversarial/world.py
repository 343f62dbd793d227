"""The physical world, and sounds: cameras, prints, decibels."""

from __future__ import annotations

import functools
import io
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import ask
from course_utils.adversarial.victims import Array, Victim, compiled_victim, loss_gradient
from course_utils.training import cross_entropy

if TYPE_CHECKING:
    import keras


def expectation(model: keras.Model, camera: keras.Layer, samples: int) -> Victim:
    """The network, with a gradient averaged over random views of each picture.

    Lesson 10, section 9; A. Athalye et al., "Synthesizing robust adversarial examples", ICML 2018
    (arXiv 2017), section 2.

    Parameters
    ----------
    model
        (n, ...) -> logits (n, classes).
    camera
        A differentiable layer that changes each picture at random when training, such as a
        ``keras.Sequential`` of ``RandomRotation`` and the like.
    samples
        Views for each gradient.
    """
    from course_utils.quiet import tf

    def seen(pictures: Any) -> Any:
        return model(camera(pictures, training=True), training=False)

    def gradient(pictures: Any, labels: Any) -> Any:
        # One batch of all views: `samples` times each picture.
        many = tf.repeat(pictures, samples, axis=0), tf.repeat(labels, samples)
        views = loss_gradient(seen, cross_entropy, *many)
        shape = tf.concat([[-1, samples], tf.shape(pictures)[1:]], axis=0)
        return tf.reduce_mean(tf.reshape(views, shape), axis=1)

    logits = functools.partial(model, training=False)
    return compiled_victim(logits, gradient, model.inputs[0].shape)


def photograph(pictures: ArrayLike, *, strength: float = 1.0, seed: int = 0) -> NDArray[np.float32]:
    """Print and photograph, simulated: turned, resampled, out of focus, noisy, JPEG.

    Lesson 10, section 9, after Kurakin et al. 2016, section 3.

    Parameters
    ----------
    pictures : array of float in [0, 1], shape (n, h, w, 3)
    strength
        0 gives the pictures as they are, 1 a careless photo: up to 10 degrees, four fifths of the
        resolution, a blur of 0.7 pixels, 10 % more or less light, noise of .03, JPEG quality 60.
    seed
        Of all that is random.
    """
    from scipy import ndimage

    from course_utils import images

    pictures = ask.values("pictures", pictures)
    if pictures.ndim != 4 or pictures.shape[-1] != 3:
        raise ask.CourseError(f"pictures have shape {pictures.shape}; give (n, h, w, 3).")
    if not ask.number("strength", strength, 0, 1):
        return pictures.copy()
    random, taken = np.random.default_rng(seed), []
    for picture in pictures:
        angle, light = random.uniform(-1, 1, 2) * strength * (10, 0.1)
        turned = ndimage.rotate(picture, angle, reshape=False, order=1, mode="nearest")
        small = max(round(len(turned) * (1 - strength / 5)), 8)
        seen = images.resize(images.resize(np.clip(turned, 0, 1), small), picture.shape[:2])
        seen = ndimage.gaussian_filter(seen, (0.7 * strength, 0.7 * strength, 0))
        seen = seen * (1 + light) + random.normal(0, 0.03 * strength, seen.shape)
        taken.append(_jpeg(np.clip(seen, 0, 1), round(95 - 35 * strength)))
    return np.array(taken, np.float32)


def _jpeg(picture: Array, quality: int) -> Array:
    """A picture, packed as JPEG and unpacked."""
    from PIL import Image

    from course_utils import images

    file = io.BytesIO()
    Image.fromarray(images.to_uint8(picture)).save(file, "JPEG", quality=quality)
    return images.load(file.getvalue())


def signal_to_noise(sound: ArrayLike, changed: ArrayLike) -> Array:
    """How much stronger sounds (n, samples) are than their changes, in decibels, shape (n,).

    10 log10 of the ratio of powers; infinite where nothing changed. Lesson 10, section 10.
    """
    sound, changed = np.asarray(sound, np.float64), np.asarray(changed, np.float64)
    noise = ((changed - sound) ** 2).sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = 10 * np.log10((sound**2).sum(axis=-1) / noise)
    return np.where(noise == 0, np.inf, ratio)
