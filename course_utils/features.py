"""Pictures as vectors: descriptors, a new task on top of them, and maps of what counted.

Lesson 06 derives what stands here. Networks are those of :mod:`course_utils.networks`; no layer
is named in this module, so that each of them will do (`stages` finds the layers to look at).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import images, plots
from course_utils.networks import Classifier

if TYPE_CHECKING:
    import keras
    from sklearn.pipeline import Pipeline

__all__ = [
    "CHANGES",
    "PHOTOS",
    "SIDE",
    "Learner",
    "change",
    "check_maps",
    "crops",
    "dense_weights",
    "draw",
    "extract",
    "grad_cam",
    "heat_on",
    "occlusion",
    "precision_at",
    "similarity",
    "small_cnn",
    "stages",
    "standardize",
    "untrained",
    "upper_part",
]

#: Photos whose left and right halves show the same kind of thing.
PHOTOS = (
    *("brick", "grass", "gravel", "coins", "page", "text"),
    *("hubble", "moon", "motorcycle", "china", "flower", "cat"),
)
SIDE = 64  #: pixels of a crop
GAP = 8  # pixels between the two halves of a photo
LONGEST = 512  # rows of a photo at most, so that a crop of the large ones shows something
CONTRAST = 0.18  # standard deviation of every crop


# --- descriptors --------------------------------------------------------------------------------


def stages(network: Classifier) -> tuple[str, ...]:
    """The last layer before each halving of the resolution: a sample of early, middle and late.

    Only layers that everything later depends on alone are considered, so that the network can be
    cut there (see `upper_part`). Lesson 06, section 1.

    Returns
    -------
    tuple of str
        Names of layers, five for the networks of the course, the coarsest maps last.
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
    progress: bool = False,
) -> dict[str, NDArray[np.float32]]:
    """Feature maps of some layers for many pictures, as one vector each; compiled, in batches.

    Lesson 06, section 1. Compute them once and keep the result.

    Parameters
    ----------
    network
        Of `course_utils.networks.load`.
    pictures : array of float in [0, 1], shape (n, h, w, 3) or (h, w, 3)
        A single picture counts as a batch of one.
    layers
        Names; by default those of `stages`.
    pool
        ``"average"``: the mean of each map, (n, channels), for pictures of any size;
        ``"flatten"``: all numbers, (n, h * w * channels); ``"none"``: maps, (n, h, w, channels).
        Or one of these for each layer.
    batch_size
        Pictures at a time, from 1.
    progress
        Show a progress bar.

    Returns
    -------
    dict
        Layer -> float32 array with one row a picture.

    Raises
    ------
    ValueError
        An unknown way to pool, or not one for each layer; no pictures, or a batch size below 1.
    CourseError
        Pictures or layers that the network does not take; the message says why.
    """
    from course_utils.live import track

    names = stages(network) if layers is None else layers
    names = (names,) if isinstance(names, str) else tuple(names)
    pools = (pool,) * len(names) if isinstance(pool, str) else tuple(pool)
    if len(pools) != len(names):
        raise ValueError(f"pool has {len(pools)} entries for {len(names)} layers; give one each.")
    for way in pools:
        if way not in ("average", "flatten", "none"):
            raise ValueError(f"pool is {way!r}; it can be 'average', 'flatten' or 'none'.")
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; it must be 1 or more.")
    batch, _ = network.as_batch(pictures, fixed=False)  # its checks, with its sentences
    if not len(batch):
        raise ValueError("There are no pictures; give at least one.")
    if averaged := [name for name, way in zip(names, pools, strict=True) if way == "average"]:
        check_maps(network.features(averaged))
    function = network.compiled(_pooled, names, pools, signature=[_pictures()])
    starts = range(0, len(batch), batch_size)
    shown = track(starts, "features") if progress else starts
    parts = [function(batch[start : start + batch_size]) for start in shown]
    return {name: np.concatenate([part[name] for part in parts]) for name in names}


def _pictures(count: int | None = None) -> Any:
    """What a compiled function takes: pictures of one size, as many as wanted or ``count``."""
    from course_utils.quiet import tf

    return tf.TensorSpec((count, None, None, 3), tf.float32)


def _pooled(model: keras.Model, pools: tuple[str, ...], pictures: Any) -> dict[str, Any]:
    from course_utils.quiet import tf

    ways = {
        "average": lambda maps: tf.reduce_mean(maps, axis=(1, 2)),
        "flatten": lambda maps: tf.reshape(maps, (tf.shape(maps)[0], -1)),
        "none": lambda maps: maps,
    }
    found = model(pictures, training=False).items()
    return {name: ways[way](maps) for (name, maps), way in zip(found, pools, strict=True)}


# --- crops of photos ----------------------------------------------------------------------------


def standardize(picture: ArrayLike) -> NDArray[np.float32]:
    """Bring a gray picture to mean 0.5 and standard deviation 0.18, then cut it to [0, 1].

    Brightness and contrast then tell little about where a crop comes from; a little, since cutting
    moves them again where a picture has bright spots. A uniform picture becomes uniformly 0.5.

    Parameters
    ----------
    picture : array of numbers, shape (h, w)
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
        How many of each photo, from 1.
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

    Raises
    ------
    ValueError
        No such half, size or number.
    """
    if half not in ("left", "right"):
        raise ValueError(f"half is {half!r}; it can be 'left' or 'right'.")
    if not 8 <= side <= 128:
        raise ValueError(f"side is {side}; give 8 to 128 pixels.")
    if per_photo < 1:
        raise ValueError(f"per_photo is {per_photo}; give 1 or more.")
    random = np.random.default_rng((seed, half == "right"))
    found = []
    for name in PHOTOS:
        photo = _gray(name)
        rows, columns = photo.shape
        low, high = (0, columns // 2 - GAP // 2) if half == "left" else (columns // 2 + 4, columns)
        windows: list[np.ndarray] = []
        while len(windows) < per_photo:
            top = random.integers(rows - side + 1)
            left = random.integers(low, high - side + 1)
            window = photo[top : top + side, left : left + side]
            if window.std() >= 0.03:
                windows.append(standardize(window))
        found += windows
    labels = np.repeat(np.arange(len(PHOTOS)), per_photo)
    return np.repeat(np.stack(found)[..., None], 3, axis=3), labels


@functools.lru_cache(maxsize=len(PHOTOS))
def _gray(name: str) -> np.ndarray:
    photo = images.sample(name, gray=True)
    rows, columns = photo.shape
    if rows <= LONGEST:
        return photo
    return images.resize(photo, (LONGEST, round(columns * LONGEST / rows)))


# --- retrieval ----------------------------------------------------------------------------------


def precision_at(
    k: int,
    database: ArrayLike,
    labels: ArrayLike,
    queries: ArrayLike,
    query_labels: ArrayLike,
    metric: str = "cosine",
) -> NDArray[np.float64]:
    """Which share of the k nearest neighbors of each query has the query's label.

    Lesson 06, section 2.

    Parameters
    ----------
    k
        Neighbors, from 1 to the size of the database.
    database, queries : arrays of numbers, shapes (n, d) and (m, d)
    labels, query_labels : arrays, shapes (n,) and (m,)
    metric
        As in ``sklearn.neighbors.NearestNeighbors``: ``"cosine"``, ``"euclidean"``...

    Returns
    -------
    ndarray, shape (m,), values in [0, 1]

    Raises
    ------
    ValueError
        No such k.
    """
    from sklearn.neighbors import NearestNeighbors

    database, labels = np.asarray(database), np.asarray(labels)
    if not 1 <= k <= len(database):
        raise ValueError(f"k is {k}; the database has {len(database)} entries: give 1 to that.")
    search = NearestNeighbors(n_neighbors=k, metric=metric).fit(database)
    places = search.kneighbors(np.asarray(queries), return_distance=False)
    return (labels[places] == np.asarray(query_labels)[:, None]).mean(axis=1)


# --- invariances --------------------------------------------------------------------------------


class Change(NamedTuple):
    """A way to change a picture: function of (window, amount), amounts to try, and a unit."""

    apply: Callable[[np.ndarray, float], np.ndarray]
    amounts: tuple[float, ...]
    unit: str


def _middle(window: np.ndarray, right: int = 0) -> np.ndarray:
    """The middle half of a window, or as much as ``right`` pixels further right."""
    side = len(window) // 2
    start = (len(window) - side) // 2
    if abs(right) > start:
        raise ValueError(f"The shift is {right}; {start} pixels stand around the middle.")
    return window[start : start + side, start + right : start + right + side]


def _rotated(window: np.ndarray, degrees: float) -> np.ndarray:
    from scipy import ndimage

    turned = ndimage.rotate(window, degrees, reshape=False, order=1, mode="reflect")
    return _middle(turned)


def _scaled(window: np.ndarray, factor: float) -> np.ndarray:
    side = len(window) // 2
    seen = min(round(side / factor), len(window))
    return images.resize(images.center_crop(window, seen), side)


def _noisy(window: np.ndarray, spread: float) -> np.ndarray:
    noise = np.random.default_rng(0).normal(scale=spread, size=(*window.shape[:2], 1))
    return np.clip(_middle(window + noise), 0, 1)


def _blurred(window: np.ndarray, sigma: float) -> np.ndarray:
    from scipy import ndimage

    return _middle(ndimage.gaussian_filter(window, (sigma, sigma, 0)))


#: Changes of a window; the first amount of each changes nothing.
CHANGES = {
    "shift": Change(
        lambda window, pixels: _middle(window, int(pixels)), (0, 2, 4, 8, 16, 32), "pixels"
    ),
    "rotation": Change(_rotated, (0, 5, 10, 20, 45, 90), "degrees"),
    "scale": Change(_scaled, (1, 1.1, 1.25, 1.5, 2), "times larger"),
    "brightness": Change(
        lambda window, factor: np.clip(_middle(window) * factor, 0, 1),
        (1, 0.8, 0.6, 0.4, 0.2),
        "times as bright",
    ),
    "noise": Change(_noisy, (0, 0.02, 0.05, 0.1, 0.2), "standard deviation"),
    "blur": Change(_blurred, (0, 0.5, 1, 2, 4), "sigma in pixels"),
}


def change(windows: ArrayLike, name: str, amount: float) -> NDArray[np.float32]:
    """Change windows, then cut out their middle half, so that no border comes into view.

    Lesson 06, section 3.

    Parameters
    ----------
    windows : array of float in [0, 1], shape (n, 2 s, 2 s, 3)
    name
        A key of `CHANGES`.
    amount
        How much, in the unit of the change; shifts of up to half of s.

    Returns
    -------
    ndarray of float32 in [0, 1], shape (n, s, s, 3)

    Raises
    ------
    ValueError
        No such change, or a shift beyond what stands around the middle.
    """
    if name not in CHANGES:
        raise ValueError(f"name is {name!r}; choose one of {', '.join(CHANGES)}.")
    changed = [CHANGES[name].apply(window, amount) for window in np.asarray(windows)]
    return np.stack(changed).astype(np.float32)


def similarity(first: ArrayLike, second: ArrayLike, center: ArrayLike) -> NDArray[np.float64]:
    """Cosine of the angle between vectors, row by row, seen from a center.

    Features behind a ReLU are never negative, so that any two of them have a large cosine; seen
    from their mean, unrelated ones have a cosine around 0. Lesson 06, section 3.

    Parameters
    ----------
    first, second : arrays of numbers, shape (n, d)
    center : array of numbers, shape (d,)

    Returns
    -------
    ndarray, shape (n,), values in [-1, 1]; 0 where a vector lies in the center
    """
    a, b = (np.asarray(vectors, np.float64) - center for vectors in (first, second))
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return (a * b).sum(axis=1) / np.where(lengths > 0, lengths, 1)


# --- a new task ---------------------------------------------------------------------------------


def draw(labels: ArrayLike, per_class: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Places of ``per_class`` random examples of each class. Lesson 06, section 4.

    Raises
    ------
    ValueError
        A class has fewer.
    """
    labels = np.asarray(labels)
    places = []
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        if not 1 <= per_class <= len(members):
            raise ValueError(
                f"per_class is {per_class}; class {label} has {len(members)} examples."
            )
        places.append(random.permutation(members)[:per_class])
    return np.concatenate(places)


def dense_weights(pipeline: Pipeline) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A fitted chain of linear steps and a LogisticRegression as the weights of one dense layer.

    Standardizing, rotating and the regression are affine maps, and so is their chain; it is known
    by its values at zero and at the unit vectors. Lessons 06, section 4, and 07, section 7.

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
    the batches. Lesson 06, section 4.

    Parameters
    ----------
    network
        Keeps its weights.
    start, end
        Names of two layers of `stages`.
    classes
        Of the new task.
    shape
        (h, w, channels) of the maps of ``start``, the input.

    Returns
    -------
    keras.Model
        (n, *shape) -> (n, classes) logits.
    """
    from course_utils.quiet import keras

    layers = [network.model.get_layer(name) for name in (start, end)]
    between = keras.Model(layers[0].output, layers[1].output)
    copy = keras.models.clone_model(between)
    copy.set_weights(between.get_weights())
    for layer in copy.layers:
        layer.trainable = not isinstance(layer, keras.layers.BatchNormalization)
    maps = keras.Input(tuple(shape))
    vector = keras.layers.GlobalAveragePooling2D()(copy(maps))
    return keras.Model(maps, keras.layers.Dense(classes, name="new")(vector))


def untrained(network: Classifier, end: str, classes: int) -> keras.Model:
    """The layers of a network up to ``end`` with random weights, and a new last layer.

    What the same architecture learns from scratch; it starts as He et al. (2015) advise. Lesson
    06, section 4.

    Parameters
    ----------
    network
        Only its architecture is used.
    end
        Name of a layer, for example one of `stages`.
    classes
        Number of logits.

    Returns
    -------
    keras.Model
        (n, h, w, 3) float RGB in [0, 1] -> (n, classes) logits, all of it trainable.
    """
    from course_utils.quiet import keras

    model = keras.Model(network.model.inputs[0], network.model.get_layer(end).output)
    copy = keras.models.clone_model(model)  # with new weights
    for layer in copy.layers:  # each by itself: the copies remember that they were frozen
        layer.trainable = True
        if isinstance(layer, keras.layers.Conv2D):
            # He et al., "Delving deep into rectifiers", 2015: right for layers before a ReLU.
            layer.kernel.assign(keras.initializers.HeNormal()(layer.kernel.shape))
    vector = keras.layers.GlobalAveragePooling2D()(copy.output)
    return keras.Model(copy.inputs[0], keras.layers.Dense(classes, name="new")(vector))


def small_cnn(side: int, classes: int) -> keras.Model:
    """A network made for a small task, as a fair opponent: 30,000 to 60,000 random weights.

    From 16 pixels on it starts with strides and ends with a global average, as textures like it;
    below, it keeps the places, as digits like it. Lesson 06, section 4.

    Parameters
    ----------
    side
        Pixels of the pictures, a power of two from 8 on.
    classes
        Number of logits.

    Returns
    -------
    keras.Model
        (n, side, side, 1) float in [0, 1] -> (n, classes) logits.
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


class Learner:
    """A model that is trained again and again from new starting weights, and compiled once.

    Adam with a learning rate that falls to 0 along half a cosine, batches drawn at random. Lesson
    06, section 4.

    Parameters
    ----------
    build
        Makes the model, with new random weights at each call (or always the same, if learned).
    rate
        Learning rate of the first step.
    steps
        How many steps.
    batch
        Pictures a step.
    """

    def __init__(
        self, build: Callable[[], keras.Model], rate: float, steps: int, batch: int = 32
    ) -> None:
        from course_utils.quiet import keras, tf

        self.build, self.steps, self.batch, self.model = build, steps, batch, build()
        self.optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(rate, steps))
        self.optimizer.build(self.model.trainable_variables)
        self._unused = [variable.numpy() for variable in self.optimizer.variables]
        pictures = tf.TensorSpec((None, *self.model.input_shape[1:]), tf.float32)
        labels, shares = tf.TensorSpec((None,), tf.int64), tf.TensorSpec((None,), tf.float32)
        self._step = tf.function(self._learn, input_signature=[pictures, labels, shares])
        self._answers = tf.function(self._answer, input_signature=[pictures])

    def _learn(self, pictures: Any, labels: Any, shares: Any) -> None:
        from course_utils.quiet import tf

        weights = self.model.trainable_variables
        with tf.GradientTape() as tape:
            logits = self.model(pictures, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            loss = tf.reduce_sum(shares * losses)
        self.optimizer.apply(tape.gradient(loss, weights), weights)

    def _answer(self, pictures: Any) -> Any:
        from course_utils.quiet import tf

        return tf.argmax(self.model(pictures, training=False), axis=1)

    def fit(
        self,
        pictures: np.ndarray,
        labels: np.ndarray,
        random: np.random.Generator,
        last: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> Learner:
        """Start anew and train; ``last``: kernel and bias that the last layer starts with."""
        self.model.set_weights(self.build().get_weights())
        for variable, start in zip(self.optimizer.variables, self._unused, strict=True):
            variable.assign(start)
        if last is not None:
            self.model.layers[-1].set_weights(last)
        for rows in random.integers(len(pictures), size=(self.steps, self.batch)):
            # Of a few pictures many are drawn twice: they count twice, and are computed once.
            drawn, times = np.unique(rows, return_counts=True)
            self._step(pictures[drawn], labels[drawn], times.astype(np.float32) / self.batch)
        return self

    def score(self, pictures: np.ndarray, labels: np.ndarray) -> float:
        """Share of the pictures that the model names right."""
        parts = [
            self._answers(pictures[start : start + 128]) for start in range(0, len(pictures), 128)
        ]
        return float((np.concatenate(parts) == labels).mean())


# --- where did it look? -------------------------------------------------------------------------


def grad_cam(
    network: Classifier, picture: ArrayLike, label: int, layer: str
) -> NDArray[np.float32]:
    """Grad-CAM: the maps of a layer, weighted by how much each raises a logit.

    Lesson 06, section 6; R. Selvaraju et al., "Grad-CAM", ICCV 2017, equations 1 and 2.

    Parameters
    ----------
    network
        Of `course_utils.networks.load`.
    picture : array of float in [0, 1], shape (h, w, 3)
    label
        Which logit.
    layer
        A layer with feature maps, for example one of `stages`.

    Returns
    -------
    ndarray of float32, 0 or more, shape (h, w)
        Enlarged from the size of the maps to that of the picture.

    Raises
    ------
    ValueError
        No such logit, or several pictures.
    CourseError
        A picture or a layer that the network does not take.
    """
    batch = _one(network, picture)
    _check_label(network, label)
    maps, gradient = (
        np.asarray(part)[0] for part in _maps_and_gradient(network, layer)(batch, np.int32(label))
    )
    weights = gradient.mean(axis=(0, 1))
    return _enlarge(np.maximum(maps @ weights, 0), batch.shape[1:3])


def _maps_and_gradient(network: Classifier, layer: str) -> Callable:
    """A compiled function (picture, label) -> the layer's maps, and the logit's gradient there."""
    from course_utils.quiet import tf

    check_maps(network.features(layer))
    ends = layer, network.layers[-1]
    signature = [_pictures(1), tf.TensorSpec((), tf.int32)]
    return network.compiled(_gradient, ends, *ends, signature=signature)


def _gradient(
    model: keras.Model, layer: str, last: str, picture: Any, label: Any
) -> tuple[Any, Any]:
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
        Pixels from one place to the next.

    Returns
    -------
    ndarray of float32, shape (h, w)
        At each pixel the mean fall over all squares that hide it; negative where the logit rose.

    Raises
    ------
    ValueError
        No such logit, several pictures, a square that does not fit, or a stride with gaps.
    """
    batch = _one(network, picture)
    _check_label(network, label)
    height, width = batch.shape[1:3]
    if not 1 <= stride <= patch <= min(height, width):
        raise ValueError(
            f"patch is {patch} and stride {stride}; it must be 1 <= stride <= patch <= "
            f"{min(height, width)}, the shorter side of the picture."
        )
    places = [(r, c) for r in _starts(height, patch, stride) for c in _starts(width, patch, stride)]
    hidden = np.repeat(batch, len(places), axis=0)
    for copy, (row, column) in zip(hidden, places, strict=True):
        copy[row : row + patch, column : column + patch] = 0.5
    falls = network.predict(batch[0])[label] - network.predict(hidden, batch_size=64)[:, label]
    total, count = np.zeros((height, width)), np.zeros((height, width))
    for fall, (row, column) in zip(falls, places, strict=True):
        total[row : row + patch, column : column + patch] += fall
        count[row : row + patch, column : column + patch] += 1
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


def _starts(length: int, patch: int, stride: int) -> list[int]:
    """First pixels of the squares along one side, the last of them at the border."""
    return sorted({*range(0, length - patch + 1, stride), length - patch})


def check_maps(model: keras.Model) -> None:
    """Make sure that all outputs are feature maps, (n, height, width, channels).

    Parameters
    ----------
    model
        Its output is a dictionary from layer to array, as `Classifier.features` makes it.

    Raises
    ------
    ValueError
        One of them is a vector, such as logits.
    """
    for name, maps in model.output.items():
        if len(maps.shape) != 4:
            raise ValueError(f"{name} has no maps; name a layer before it.")


def _one(network: Classifier, picture: ArrayLike) -> NDArray[np.float32]:
    """A batch of one."""
    batch, _ = network.as_batch(picture)
    if len(batch) != 1:
        raise ValueError(f"There are {len(batch)} pictures; give one at a time.")
    return batch


def _check_label(network: Classifier, label: int) -> None:
    if not isinstance(label, int | np.integer) or not 0 <= label < len(network.labels):
        raise ValueError(f"label is {label}; {network.name} has {len(network.labels)} logits.")


def _enlarge(values: np.ndarray, shape: tuple[int, int]) -> NDArray[np.float32]:
    from skimage.transform import resize

    return resize(values.astype(np.float32), shape, order=1, mode="edge").astype(np.float32)
