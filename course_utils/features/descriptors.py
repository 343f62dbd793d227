"""Descriptors of pictures: the maps of a network's layers as vectors, and crops to compare."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import ask, images

if TYPE_CHECKING:
    import keras

    from course_utils.networks import Classifier

#: Photos whose left and right halves show the same kind of thing.
PHOTOS = (
    *("brick", "grass", "gravel", "coins", "page", "text"),
    *("hubble", "moon", "motorcycle", "china", "flower", "cat"),
)
SIDE = 64  #: pixels of a crop
GAP = 8  # pixels between the two halves of a photo
LONGEST = 512  # rows of a photo at most, so that a crop of the large ones shows something
CONTRAST = 0.18  # standard deviation of every crop


def stages(network: Classifier) -> tuple[str, ...]:
    """The last layer before each halving of the resolution: a sample of early, middle and late.

    Only layers that everything later depends on alone are considered, so that the network can be
    cut there (see `upper_part`): five for the networks of the course, the coarsest maps last.
    """
    from course_utils.quiet import keras

    layers = network.model.layers
    first = next(i for i, layer in enumerate(layers) if layer.name == network.conv_layers[0])
    place = {id(layer.output): i for i, layer in enumerate(layers)}
    # reach[i]: the earliest layer that anything after layer i still reads
    reach, earliest = {}, len(layers)
    for i in range(len(layers) - 1, first - 1, -1):
        reach[i] = earliest
        inputs = layers[i].input if isinstance(layers[i].input, list) else [layers[i].input]
        earliest = min(earliest, *(place.get(id(tensor), first) for tensor in inputs))
    maps = {
        layer.name: layer.output
        for i, layer in enumerate(layers)
        if i >= first
        and len(layer.output.shape) == 4
        and reach[i] >= i
        and not type(layer).__name__.endswith(("Pooling2D", "Padding2D"))
    }
    picture = keras.KerasTensor((1, network.input_size, network.input_size, 3))
    shapes = keras.Function(network.model.inputs, maps).compute_output_spec([picture])
    by_halvings = {
        round(math.log2(network.input_size / shapes[name].shape[1])): name for name in maps
    }
    return tuple(name for halvings, name in sorted(by_halvings.items()) if halvings <= 5)


def extract(
    network: Classifier,
    pictures: ArrayLike,
    layers: str | Sequence[str] | None = None,
    pool: str | Sequence[str] = "average",
    batch_size: int = 64,
) -> dict[str, NDArray[np.float32]]:
    """Feature maps of some layers for many pictures, as one vector each; compiled, in batches.

    Lesson 06, section 1. Compute them once and keep the result.

    Parameters
    ----------
    network
    pictures : array of float in [0, 1], shape (n, h, w, 3) or (h, w, 3)
        A single picture counts as a batch of one.
    layers
        Names; by default those of `stages`.
    pool
        ``"average"``: the mean of each map, (n, channels), for pictures of any size;
        ``"flatten"``: all numbers, (n, h * w * channels); ``"none"``: maps, (n, h, w, channels).
        Or one of these for each layer.
    batch_size
        Pictures at a time.

    Returns
    -------
    dict
        Layer -> float32 array with one row a picture.

    Raises
    ------
    CourseError
        Pictures or layers that the network does not take, an unknown way to pool.
    """
    from course_utils.quiet import tf

    names = stages(network) if layers is None else layers
    names = (names,) if isinstance(names, str) else tuple(names)
    pools = (pool,) * len(names) if isinstance(pool, str) else tuple(pool)
    if len(pools) != len(names):
        raise ask.CourseError(
            f"pool has {len(pools)} entries for {len(names)} layers; give one each."
        )
    for way in pools:
        ask.choice("pool", way, ("average", "flatten", "none"))
    ask.whole("batch_size", batch_size)
    batch, _ = network.as_batch(pictures, fixed=False)
    ask.some("pictures", batch)
    if averaged := [name for name, way in zip(names, pools, strict=True) if way == "average"]:
        check_maps(network.features(averaged))
    signature = [tf.TensorSpec((None, None, None, 3), tf.float32)]
    vectors_of = network.compiled(_pooled, names, pools, signature=signature)
    starts = range(0, len(batch), batch_size)
    parts = [vectors_of(batch[start : start + batch_size]) for start in starts]
    return {name: np.concatenate([part[name] for part in parts]) for name in names}


def _pooled(model: keras.Model, pools: tuple[str, ...], pictures: Any) -> dict[str, Any]:
    from course_utils.quiet import tf

    ways = {
        "average": lambda maps: tf.reduce_mean(maps, axis=(1, 2)),
        "flatten": lambda maps: tf.reshape(maps, (tf.shape(maps)[0], -1)),
        "none": lambda maps: maps,
    }
    outputs = model(pictures, training=False).items()
    return {name: ways[way](maps) for (name, maps), way in zip(outputs, pools, strict=True)}


def check_maps(model: keras.Model) -> None:
    """Refuse a model of `Classifier.features` with an output that is no map, such as logits."""
    for name, maps in model.output.items():
        if len(maps.shape) != 4:
            raise ask.CourseError(f"{name} has no maps; name a layer before it.")


def standardize(picture: ArrayLike) -> NDArray[np.float32]:
    """Bring a gray picture, (h, w), to mean 0.5 and standard deviation 0.18, then cut to [0, 1].

    Brightness and contrast then tell little about where a crop comes from; a little, since cutting
    moves them again where a picture has bright spots. A uniform picture becomes uniformly 0.5.
    """
    picture = np.asarray(picture, np.float32)
    centered = picture - picture.mean()
    return np.clip(0.5 + CONTRAST * centered / max(picture.std(), 1e-6), 0, 1)


def crops(
    per_photo: int, half: str, side: int = SIDE, seed: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Random square windows of one half of each photo in `PHOTOS`, gray and standardized.

    Eight pixels between the halves belong to neither, so that windows of different halves share
    no pixel. Windows with next to no contrast are left out. Lesson 06, section 2.

    Parameters
    ----------
    per_photo
        How many of each photo.
    half
        ``"left"`` or ``"right"``.
    side
        Pixels, 8 to 128.
    seed
        Of the places.

    Returns
    -------
    pictures : float32 (n, side, side, 3) in [0, 1], three equal channels
    labels : int64 (n,), places in `PHOTOS`
    """
    ask.choice("half", half, ("left", "right"))
    ask.whole("side", side, 8, 128)
    ask.whole("per_photo", per_photo)
    random = np.random.default_rng((seed, half == "right"))
    windows: list[np.ndarray] = []
    for number, name in enumerate(PHOTOS, start=1):
        photo = images.sample(name, gray=True)
        if len(photo) > LONGEST:
            photo = images.resize(photo, (LONGEST, round(photo.shape[1] * LONGEST / len(photo))))
        rows, columns = photo.shape
        middle = columns // 2
        low, high = (0, middle - GAP // 2) if half == "left" else (middle + GAP // 2, columns)
        while len(windows) < number * per_photo:
            top = random.integers(rows - side + 1)
            left = random.integers(low, high - side + 1)
            window = photo[top : top + side, left : left + side]
            if window.std() >= 0.03:
                windows.append(standardize(window))
    labels = np.repeat(np.arange(len(PHOTOS)), per_photo)
    return np.repeat(np.stack(windows)[..., None], 3, axis=3), labels


def precision_at(
    k: int,
    database: ArrayLike,
    labels: ArrayLike,
    queries: ArrayLike,
    query_labels: ArrayLike,
    metric: str = "cosine",
) -> NDArray[np.float64]:
    """Which share of the k nearest neighbors of each query has the query's label. Lesson 06, 2.

    Parameters
    ----------
    k
        From 1 to the size of the database.
    database, queries : arrays of numbers, shapes (n, d) and (m, d)
    labels, query_labels : arrays, shapes (n,) and (m,)
    metric
        As in ``sklearn.neighbors.NearestNeighbors``: ``"cosine"``, ``"euclidean"``...

    Returns
    -------
    ndarray, shape (m,), values in [0, 1]
    """
    from sklearn.neighbors import NearestNeighbors

    ask.whole("k", k, 1, len(database))
    search = NearestNeighbors(n_neighbors=k, metric=metric).fit(np.asarray(database))
    neighbors = search.kneighbors(np.asarray(queries), return_distance=False)
    return (np.asarray(labels)[neighbors] == np.asarray(query_labels)[:, None]).mean(axis=1)
