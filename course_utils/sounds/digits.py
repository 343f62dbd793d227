"""A network from samples to digits, and how it is trained: lesson 07, sections 4 and 6."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import ask, training
from course_utils.sounds.spectrograms import (
    CLIP,
    FLOOR,
    HOP,
    MELS,
    SILENCE,
    WINDOW,
    fix_length,
    mel_matrix,
)

if TYPE_CHECKING:
    import keras

    from course_utils.data import Speech

HELD_OUT = ("v10", "v11", "v12")  #: voices that `train_digit_network` never hears
SHIFT, PITCH = 6, 2  # frames and bands by which `augment` moves a picture at most
MASK = 8  # bands, and frames, that it silences at most


def front_end() -> keras.Model:
    """`log_mel` and `normalize` as a Keras model through which gradients flow.

    Waves (n, CLIP), float32 in [-1, 1] -> pictures (n, MELS, 64, 1) in [0, 1], low frequencies
    first. Nothing in it is trained. It is written with `keras.ops`, since Keras' own
    `MelSpectrogram` takes a root on the way, whose gradient is not finite where there is silence.
    """
    from course_utils.quiet import keras

    ops = keras.ops
    matrix = mel_matrix().astype(np.float32)
    wave = keras.Input((CLIP,), name="wave")
    real, imaginary = ops.stft(wave, WINDOW, HOP, WINDOW)
    bands = ops.matmul(real**2 + imaginary**2, matrix)
    decibels = 10 * ops.log10(ops.maximum(bands, SILENCE))
    loudest = ops.max(decibels, axis=(1, 2), keepdims=True)
    picture = ops.maximum(1 + (decibels - loudest) / FLOOR, 0)
    return keras.Model(wave, ops.expand_dims(ops.swapaxes(picture, 1, 2), -1), name="log_mel")


def listener(seed: int | None = None) -> keras.Model:
    """The part of `digit_network` that learns: pictures (n, MELS, 64, 1) -> (n, 10) logits."""
    from course_utils.quiet import keras

    layers = keras.layers
    seeds = [None] * 5 if seed is None else [5 * seed + number for number in range(5)]
    *start, last = [keras.initializers.GlorotUniform(own) for own in seeds[:4]]
    common = {"padding": "same", "activation": "relu"}
    picture = keras.Input((MELS, CLIP // HOP + 1, 1))
    maps = layers.Conv2D(16, 5, strides=2, kernel_initializer=start[0], **common)(picture)
    maps = layers.MaxPooling2D()(maps)
    maps = layers.Conv2D(32, 3, kernel_initializer=start[1], **common)(maps)
    maps = layers.MaxPooling2D()(maps)
    maps = layers.Conv2D(64, 3, kernel_initializer=start[2], **common)(maps)
    bands = layers.Flatten()(layers.MaxPooling2D((1, maps.shape[2]))(maps))
    bands = layers.Dropout(0.4, seed=seeds[4])(bands)
    logits = layers.Dense(10, kernel_initializer=last)(bands)
    return keras.Model(picture, logits, name="listener")


def digit_network(seed: int | None = None) -> keras.Model:
    """A small network from a wave to the logits of ten digits, random weights.

    `front_end`, then three convolutions. At the end each frequency band keeps its strongest
    moment: a vowel may come early or late, but not much higher. Lesson 10 attacks it.

    Parameters
    ----------
    seed
        Of the starting weights and of the dropout; without it, Keras' own.

    Returns
    -------
    keras.Model
        (n, CLIP) float32 in [-1, 1] -> (n, 10) logits. Its layers are ``log_mel``, the front end,
        and ``listener``, all that is trained.
    """
    from course_utils.quiet import keras

    wave = keras.Input((CLIP,), name="wave")
    return keras.Model(wave, listener(seed)(front_end()(wave)))


def train_digit_network(
    network: keras.Model,
    waves: NDArray[np.float32],
    digits: NDArray[np.int64],
    epochs: int = 12,
    seed: int = 0,
    changes: Sequence[str] = ("augment",),
) -> keras.Model:
    """Train a `digit_network` with Adam on clips that change in each epoch; some seconds.

    Parameters
    ----------
    network
        Trained in place, from the weights that it has, and returned.
    waves : float32 in [-1, 1], shape (n, CLIP)
    digits : int64, shape (n,)
    epochs
    seed
        Of the changes and the order. For the same result twice, give `digit_network` one, too.
    changes
        ``"augment"``: `augment` the spectrograms; ``"noise"``: `add_noise` to every second wave,
        5 to 30 dB below it. None, one or both.
    """
    for name in changes:
        ask.choice("changes", name, ("augment", "noise"))
    ask.some("waves", waves)
    front, model = network.get_layer("log_mel"), network.get_layer("listener")
    clean = np.array(front(waves))

    def changed(order: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.float32]:
        shown = clean[order]
        if "noise" in changes:
            half = order[::2]
            shown[::2] = front(add_noise(waves[half], random.uniform(5, 30, len(half)), random))
        return augment(shown, random) if "augment" in changes else shown

    learner = training.Learner(lambda: model, rate=3e-3)
    learner.fit(clean, digits, epochs, batch_size=32, seed=seed, change=changed)
    return network


def add_noise(
    waves: ArrayLike, decibels: ArrayLike, random: np.random.Generator
) -> NDArray[np.float32]:
    """Waves (n, samples) with white noise, a number of dB below their power, or one for each.

    Only where a wave is not silent its power counts: a word in a long silence is as loud as it is.
    Waves that would leave [-1, 1] are scaled down.
    """
    waves = np.asarray(waves, np.float32)
    sounding = np.maximum((waves != 0).sum(axis=1, keepdims=True), 1)
    power = np.square(waves).sum(axis=1, keepdims=True) / sounding
    size = np.sqrt(power * 10 ** (-np.reshape(np.asarray(decibels, np.float32), (-1, 1)) / 10))
    noisy = waves + size * random.standard_normal(waves.shape, np.float32)
    noisy /= np.maximum(np.abs(noisy).max(axis=1, keepdims=True), 1)
    return noisy.astype(np.float32)


def augment(pictures: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    """Spectrograms changed so that the digit stays: moved in time, a little in pitch, and masked.

    Up to 6 frames earlier or later and 2 bands lower or higher, with silence coming in; a block of
    up to 8 bands and one of up to 8 frames are silenced, as in D. Park and others, "SpecAugment",
    Interspeech 2019, section 2 (without its warping of time).

    Parameters
    ----------
    pictures : float32 in [0, 1], shape (n, mels, frames, ...)
    random
        Generator of the changes, different for each picture.
    """
    bands, frames, *rest = pictures.shape[1:]
    edges = ((0, 0), (PITCH, PITCH), (SHIFT, SHIFT), *((0, 0) for _ in rest))
    higher, later = (random.integers(-most, most + 1, len(pictures)) for most in (PITCH, SHIFT))
    changed = np.empty_like(pictures)
    for new, padded, up, late in zip(changed, np.pad(pictures, edges), higher, later, strict=True):
        new[:] = padded[PITCH - up :, SHIFT - late :][:bands, :frames]
        for axis, length in enumerate((bands, frames)):
            width = random.integers(min(MASK, bands, frames) + 1)
            start = random.integers(length - width + 1)
            np.moveaxis(new, axis, 0)[start : start + width] = 0
    return changed


def split_voices(
    speech: Speech, held_out: Sequence[str] = HELD_OUT
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]:
    """Clips of one length, split by speaker: nobody is heard on both sides.

    Returns
    -------
    waves, digits, test_waves, test_digits
        float32 (n, CLIP) and int64 (n,), twice; the second time those of the speakers held out.
    """
    speakers = sorted(set(speech.speaker.tolist()))
    for name in held_out:
        ask.choice("held_out", name, speakers)
    ask.whole("number of speakers held out", len(set(held_out)), 1, len(speakers) - 1)
    test = np.isin(speech.speaker, held_out)
    waves = np.stack([fix_length(clip) for clip in speech.clips])
    return waves[~test], speech.digit[~test], waves[test], speech.digit[test]
