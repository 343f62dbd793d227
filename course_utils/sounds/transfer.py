"""Spectrograms for an image network, a new last layer, splits by speaker: lesson 07, 3 to 7."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import ask
from course_utils.features import dense_weights, draw, extract, stages
from course_utils.sounds.spectrograms import as_rgb, mfcc, pictures, smoothed

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from course_utils.data import Speech
    from course_utils.networks import Classifier

STRENGTH = 100.0  # of the fit against the penalty, see `new_layer`


def over_time(maps: ArrayLike, parts: int = 3) -> NDArray[np.float32]:
    """Average maps over a few stretches of time, and keep every frequency.

    Parameters
    ----------
    maps : array of numbers, shape (n, bands, frames) or (n, bands, frames, channels)
    parts
        Stretches of nearly equal length, 1 to the number of frames.

    Returns
    -------
    ndarray of float32, shape (n, bands * parts * channels)
    """
    maps = np.asarray(maps, np.float32)
    ask.whole("parts", parts, 1, maps.shape[2])
    means = [part.mean(axis=2) for part in np.array_split(maps, parts, axis=2)]
    return np.stack(means, axis=2).reshape(len(maps), -1)


def heard_by(
    network: Classifier, shown: ArrayLike, layer: str, parts: int = 3
) -> NDArray[np.float32]:
    """What a layer of an image network makes of spectrograms: its maps, averaged `over_time`.

    Parameters
    ----------
    network
    shown : array of float in [0, 1], shape (n, mels, frames)
    layer
        Name of a layer, for example one of `features.stages`.
    parts
        As for `over_time`.

    Returns
    -------
    ndarray of float32, shape (n, rows of the maps * parts * channels)
    """
    vectors = []
    for start in range(0, len(shown), 256):  # maps of all clips at once would fill the memory
        batch = as_rgb(shown[start : start + 256])
        vectors.append(over_time(extract(network, batch, layer, pool="none")[layer], parts))
    return np.concatenate(vectors)


def by_speaker(vectors: ArrayLike, speakers: ArrayLike) -> NDArray[np.float32]:
    """Take each speaker's own mean and spread out of features, (n, d); labels are not needed.

    For cepstra: B. Atal, "Effectiveness of linear prediction characteristics of the speech wave for
    automatic speaker identification and verification", 1974.
    """
    vectors, speakers = np.asarray(vectors, np.float32), np.asarray(speakers)
    least = 0.1 * vectors.std(axis=0) + 1e-6  # a feature that hardly moves must not be blown up
    scaled = np.empty_like(vectors)
    for speaker in np.unique(speakers):
        own = vectors[speakers == speaker]
        scaled[speakers == speaker] = (own - own.mean(axis=0)) / (own.std(axis=0) + least)
    return scaled


def new_layer(size: int) -> Pipeline:
    """Standardize and fit a softmax layer, the same for every kind of ``size`` features.

    The penalty is that of features scaled to a total variance of 1, so that one strength does for
    100 features and for 3,000.
    """
    from sklearn.decomposition import KernelPCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    head = LogisticRegression(C=STRENGTH / size, tol=1e-3, max_iter=200)
    # All components: a rotation, which leaves the penalty and so the answer as they are. But 50
    # clips with 3,000 features then have 50 numbers each, found from the products of the clips
    # with one another, and fitting is many times faster.
    return make_pipeline(StandardScaler(), KernelPCA(kernel="linear"), head)


def draws(
    digits: ArrayLike, speakers: ArrayLike, per_digit: int, count: int, held_out: int
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Places of training and of test clips, several times: no speaker is on both sides.

    The speakers take turns in being held out.

    Parameters
    ----------
    digits, speakers : arrays, shape (n,)
    per_digit
        Training clips of each digit, of the other speakers all together.
    count
        How many draws.
    held_out
        Speakers whose clips are all for the test.
    """
    digits, speakers = np.asarray(digits), np.asarray(speakers)
    names = np.unique(speakers)
    ask.whole("held_out", held_out, 1, len(names) - 1)
    random = np.random.default_rng(0)
    turn = random.permutation(names)
    places = []
    for number in range(count):
        test = np.isin(speakers, np.roll(turn, -number * held_out)[:held_out])
        others = np.flatnonzero(~test)
        places.append((others[draw(digits[others], per_digit, random)], np.flatnonzero(test)))
    return places


def few_clips(
    vectors: Sequence[NDArray[np.float32]],
    speech: Speech,
    per_digit: int,
    count: int,
    held_out: int,
    more: tuple[Sequence[NDArray[np.float32]], NDArray[np.int64]] | None = None,
) -> NDArray[np.float64]:
    """Accuracy of a `new_layer` on speakers whom it never heard, in each of some `draws`: (count,).

    Parameters
    ----------
    vectors
        One or more kinds of features, each (n, d) with one row for each clip of `speech`. Each
        kind gets its own layer, and the logarithms of their probabilities are added.
    speech, per_digit, count, held_out
        As for `draws`.
    more : (vectors, digits), optional
        Further training clips, of others. The few clips are repeated until all together they count
        about half as much as these.
    """
    accuracies = []
    for train, test in draws(speech.digit, speech.speaker, per_digit, count, held_out):
        total = np.zeros((len(test), 1))
        for kind, features in enumerate(vectors):
            x, y = features[train], speech.digit[train]
            if more is not None:
                times = max(1, len(more[1]) // (2 * len(train)))
                x = np.concatenate([more[0][kind], *[x] * times])
                y = np.concatenate([more[1], *[y] * times])
            model = new_layer(features.shape[1]).fit(x, y)
            total = total + np.log(np.maximum(model.predict_proba(features[test]), 1e-6))
        accuracies.append(np.mean(model.classes_[total.argmax(axis=1)] == speech.digit[test]))
    return np.array(accuracies)


def representations(
    trained: Classifier, random: Classifier, clips: Sequence[ArrayLike]
) -> dict[str, NDArray[np.float32]]:
    """The features that lesson 07 compares in section 4, by name, one row a clip.

    ``trained`` and ``random`` are the same network with learned and with random weights.
    """
    shown, (_, second, third, *_) = pictures(clips), stages(trained)
    smooth = smoothed(shown)
    return {
        "transfer": heard_by(trained, shown, third),
        "random network": heard_by(random, shown, third),
        "log-mel": over_time(shown, parts=8),
        "MFCC": over_time(mfcc(shown), parts=8),
        "transfer, smoothed": heard_by(trained, smooth, second),
        "random network, smoothed": heard_by(random, smooth, second),
    }


def evidence(
    network: Classifier, shown: ArrayLike, layer: str, model: Pipeline, digits: ArrayLike
) -> NDArray[np.float32]:
    """How much each place of a spectrogram adds to the logit of a digit; all places sum up to it.

    Grad-CAM without averaging the gradients, exact here, since the new layer is linear in averages
    of the maps. The logit's constant (bias and standardization) belongs to no place and is left
    out. R. Draelos, L. Carin, "Use HiResCAM instead of Grad-CAM", 2020.

    Parameters
    ----------
    network, layer
        As for `heard_by`.
    shown : array of float in [0, 1], shape (n, mels, frames)
    model
        Of `new_layer`, fitted to what `heard_by` gives.
    digits : array of int, shape (n,)
        For each spectrogram the row of the logits.

    Returns
    -------
    ndarray of float32, shape (n, rows, columns) of the maps, low frequencies first
    """
    maps = extract(network, as_rgb(shown), layer, pool="none")[layer]
    kernel, _ = dense_weights(model)
    count, rows, columns, channels = maps.shape
    weights = kernel.T[np.asarray(digits)].reshape(count, rows, -1, channels)
    parts = weights.shape[2]
    lengths = [len(stretch) for stretch in np.array_split(np.arange(columns), parts)]
    part = np.repeat(np.arange(parts), lengths)
    heat = (maps * weights[:, :, part]).sum(axis=3) / np.array(lengths)[part]
    return heat[:, ::-1].astype(np.float32)
