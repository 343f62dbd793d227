"""DeepDream: change a picture so that it excites a layer, a channel or a class more and more.

Lesson 09 derives what stands here: gradient ascent on the pixels (Mordvintsev, Olah and Tyka,
*Inceptionism*, 2015, and the program of google/deepdream), with its four cures: octaves, jitter,
normalized gradients and tiles. Networks are those of :mod:`course_utils.networks`.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import features, images
from course_utils.networks import Classifier

if TYPE_CHECKING:
    import keras

__all__ = [
    "TILE",
    "Dream",
    "Target",
    "closer",
    "dream",
    "layers_of",
    "octave_sizes",
    "score",
    "total_variation",
    "zoom",
]

#: Pixels: the longest side of what goes through the network at once.
TILE = 512
_NUMBER = int | float | np.integer | np.floating

#: What to excite: a layer, one channel of it, or several of these with weights.
Target = str | tuple[str, int] | Mapping[str | tuple[str, int], float]


@dataclass(frozen=True)
class Dream:
    """A dream and how it came about.

    Attributes
    ----------
    picture : ndarray of float32 in [0, 1], shape (h, w, 3)
    before, after : float
        The score of the photo and of the dream, for each pixel (see `score`).
    scores : tuple of float
        The score before each step, at the size of its octave.
    finished : bool
        False: it was interrupted, and `picture` is what there was by then.
    """

    picture: NDArray[np.float32]
    before: float
    after: float
    scores: tuple[float, ...]
    finished: bool

    @property
    def gain(self) -> float:
        """How many times as excited the target is, after against before; NaN if that was negative.

        Half a sum of squares never is; a channel's sum or a logit may be.
        """
        if self.before < 0:
            return math.nan
        return self.after / self.before if self.before else math.inf


# --- what to excite -----------------------------------------------------------------------------


def layers_of(network: Classifier) -> tuple[str, ...]:
    """Layers that are worth a dream, early to late.

    The ``mixed`` layers of an Inception network, all convolutions of a VGG, and of other networks
    the last layer of each resolution. Lesson 09, section 4.
    """
    mixed = [name for name in network.layers if re.fullmatch(r"mixed\d+", name)]
    blocks = [name for name in network.layers if re.fullmatch(r"block\d_conv\d", name)]
    return tuple(mixed or blocks) or features.stages(network)


@dataclass(frozen=True)
class _Objective:
    """What a dream raises: a function of feature maps, and the numbers that it takes.

    ``function(maps, numbers)`` gives the score and what goes backward at each layer, which is the
    score's derivative. Numbers are arguments, so that one graph serves all of them.
    """

    layers: tuple[str, ...]
    function: Callable[[dict, dict], tuple[Any, dict]]
    numbers: dict[str, Any]


def _plain(maps: dict[str, Any], numbers: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Half the sum of squares of whole layers, plus the sum of single channels, weighted."""
    from course_utils.quiet import tf

    sent, scores = {}, []
    for name, found in maps.items():
        whole, channels = numbers[name]["whole"], numbers[name]["channels"]
        sent[name] = whole * found + channels
        sums = tf.reduce_sum(found, axis=tuple(range(found.shape.rank - 1)))
        scores.append(whole * tf.nn.l2_loss(found) + tf.reduce_sum(channels * sums))
    return tf.add_n(scores), sent


def _guided(maps: dict[str, Any], numbers: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Dot product of the vector at each place with the guide's vector that suits it best."""
    from course_utils.quiet import tf

    ((name, found),) = maps.items()  # a guided dream has one layer
    # Row by row: the products of all places with all places of the guide would fill the memory.
    best = tf.map_fn(
        lambda row: tf.argmax(tf.matmul(row, numbers[name], transpose_b=True), axis=1),
        found[0],
        parallel_iterations=1,
        fn_output_signature=tf.int64,
    )
    best = tf.gather(numbers[name], best)[None]
    return tf.reduce_sum(found * best), {name: best}


def _objective(network: Classifier, target: Target, guide: ArrayLike | None) -> _Objective:
    weights = target.items() if isinstance(target, Mapping) else [(target, 1.0)]
    parts = [((key, None) if isinstance(key, str) else key, w) for key, w in weights]
    for part, weight in parts:
        _check_part(network, part, weight)
    if not parts:
        raise ValueError("The mixture is empty; name at least one layer.")
    layers = tuple(dict.fromkeys(layer for (layer, _), _ in parts))
    if guide is not None:
        if not isinstance(target, str):
            raise ValueError("A guided dream takes one whole layer; give its name as the target.")
        features.check_maps(network.features(target))
        found = features.extract(network, _picture(network, guide, "guide"), target, "none")[target]
        return _Objective(layers, _guided, {target: found.reshape(-1, found.shape[-1])})
    numbers = {
        layer: {"whole": np.float32(0), "channels": np.zeros(_channels(network, layer), np.float32)}
        for layer in layers
    }
    for (layer, channel), weight in parts:
        if channel is None:
            numbers[layer]["whole"] += np.float32(weight)
        else:
            numbers[layer]["channels"][channel] += weight
    return _Objective(layers, _plain, numbers)


def _channels(network: Classifier, layer: str) -> int:
    return network.model.get_layer(layer).output.shape[-1]


def _check_part(network: Classifier, part: Any, weight: Any) -> None:
    if not isinstance(part, tuple) or len(part) != 2 or not isinstance(part[0], str):
        raise ValueError(f"{part!r} is no target; give a layer's name or (name, channel).")
    layer, channel = part
    network.features(layer)  # names the layers there are, if this is none
    whole = isinstance(channel, int | np.integer) and not isinstance(channel, bool)
    if channel is not None and not (whole and 0 <= channel < _channels(network, layer)):
        raise ValueError(
            f"{layer} has no channel {channel!r}; give a number from 0 to "
            f"{_channels(network, layer) - 1}."
        )
    if not isinstance(weight, _NUMBER) or not math.isfinite(weight):
        raise ValueError(f"The weight of {layer} is {weight!r}; give a number.")


@functools.lru_cache(maxsize=64)
def _smallest(network: Classifier, layers: tuple[str, ...]) -> int:
    """Side of the smallest square in which each layer has 2 x 2 places, at most ``min_size``."""
    from course_utils.quiet import keras

    model = network.features(layers)
    for side in (4, 8, 16):
        try:
            maps = model.compute_output_spec(keras.KerasTensor((1, side, side, 3)))
        except ValueError:  # a pooling or an unpadded kernel finds too few places
            continue
        if all(len(m.shape) == 4 and min(m.shape[1:3]) >= 2 for m in maps.values()):
            return side
    return network.min_size


# --- one step -----------------------------------------------------------------------------------


def _score_and_gradient(
    model: keras.Model, function: Callable, picture: Any, numbers: dict[str, Any]
) -> tuple[Any, Any]:
    from course_utils.quiet import tf

    with tf.GradientTape() as tape:
        tape.watch(picture)
        maps = model(picture[None], training=False)
    score, sent = function(maps, numbers)
    return score, tape.gradient(maps, picture, output_gradients=sent)


def _step(
    model: keras.Model,
    function: Callable,
    picture: Any,
    numbers: dict[str, Any],
    shift: Any,
    *settings: Any,
) -> tuple[Any, Any, Any]:
    """The score, and what `_uphill` gives: all of a step in one graph, for what is one tile."""
    rolled = _rolled(picture, shift)
    score, gradient = _score_and_gradient(model, function, rolled, numbers)
    return score, *_compiled_uphill()(picture, gradient, shift, *settings)


def _uphill(
    picture: Any, gradient: Any, shift: Any, kernel: Any, size: Any, unit: Any
) -> tuple[Any, Any]:
    """The picture after the step along a rolled gradient, and the gradient's length.

    With a ``unit`` of 0 the step has the mean ``size``, else that of a gradient of this length.
    """
    from course_utils.quiet import tf

    gradient = _rolled(gradient, -shift)
    gradient = tf.cond(tf.size(kernel) > 1, lambda: _smoothed(gradient, kernel), lambda: gradient)
    length = tf.reduce_mean(tf.abs(gradient))
    unit = tf.where(unit > 0, unit, tf.maximum(length, 1e-12))
    return tf.clip_by_value(picture + size / unit * gradient, 0, 1), length


@functools.lru_cache(maxsize=1)
def _compiled_uphill() -> Callable:
    """`_uphill` as a graph of its own, so that it is traced once for all networks and layers."""
    from course_utils.quiet import tf

    picture = tf.TensorSpec((None, None, 3))
    return tf.function(_uphill, input_signature=[picture, picture, *_settings()])


def _settings() -> list[Any]:
    """What describes the settings of a step: shift, kernel, size, unit."""
    from course_utils.quiet import tf

    number = tf.TensorSpec(())
    return [tf.TensorSpec((2,), tf.int32), tf.TensorSpec((None,)), number, number]


def _rolled(picture: Any, shift: Any) -> Any:
    from course_utils.quiet import tf

    moved = tf.reduce_any(shift != 0)
    return tf.cond(moved, lambda: tf.roll(picture, shift, (0, 1)), lambda: picture)


def _smoothed(gradient: Any, kernel: Any) -> Any:
    """Blur along rows and columns; what leaves on one side comes in on the other."""
    from course_utils.quiet import tf

    reach = tf.size(kernel) // 2
    for axis in (0, 1):
        length = tf.shape(gradient)[axis]
        around = tf.gather(gradient, tf.range(-reach, length + reach) % length, axis=axis)
        along = tf.reshape(kernel, (-1, 1, 1, 1) if axis == 0 else (1, -1, 1, 1))
        gradient = tf.nn.depthwise_conv2d(
            around[None], tf.tile(along, (1, 1, 3, 1)), (1, 1, 1, 1), "VALID"
        )[0]
    return gradient


def _gaussian(blur: float) -> np.ndarray:
    """Weights of a Gaussian filter, four standard deviations to each side."""
    reach = round(4 * blur)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(blur, 1e-12)) ** 2)
    return np.float32(weights / weights.sum())


def _edges(length: int, tile: int) -> list[int]:
    """Where equal tiles begin and end, as few as fit."""
    return np.linspace(0, length, math.ceil(length / tile) + 1).round().astype(int).tolist()


def _tiles(shape: Sequence[int], tile: int) -> Iterator[tuple[slice, slice]]:
    for top, bottom in pairwise(_edges(shape[0], tile)):
        for left, right in pairwise(_edges(shape[1], tile)):
            yield slice(top, bottom), slice(left, right)


class _Climber:
    """Computes scores, gradients and steps of pictures of any size, tile by tile."""

    def __init__(self, network: Classifier, objective: _Objective, tile: int) -> None:
        from course_utils.quiet import tf

        self._numbers = tf.nest.map_structure(tf.constant, objective.numbers)
        self._tile = tile
        # Guides come in all sizes.
        specs = tf.nest.map_structure(
            lambda tensor: tf.TensorSpec((None,) * tensor.ndim), self._numbers
        )
        self._function, self._step = (
            network.compiled(
                *(function, objective.layers, objective.function),
                signature=[tf.TensorSpec((None, None, 3)), specs, *settings],
            )
            for function, settings in ((_score_and_gradient, []), (_step, _settings()))
        )

    def __call__(self, picture: np.ndarray) -> tuple[float, np.ndarray]:
        """The summed score, and its gradient."""
        gradient, total = np.empty_like(picture), 0.0
        for window in _tiles(picture.shape, self._tile):
            value, part = self._function(picture[window], self._numbers)
            gradient[window], total = part, total + float(value)
        return total, gradient

    def step(self, picture: Any, shift: np.ndarray, *settings: Any) -> tuple[float, Any, float]:
        """The score for each pixel, and what `_uphill` gives for a picture and these settings."""
        height, width = picture.shape[:2]
        if max(height, width) <= self._tile:
            total, picture, length = self._step(picture, self._numbers, shift, *settings)
        else:
            total, gradient = self(np.roll(picture, shift, (0, 1)))
            picture, length = _compiled_uphill()(picture, gradient, shift, *settings)
        return float(total) / (height * width), picture, float(length)

    def score(self, picture: np.ndarray) -> float:
        """The score for each pixel."""
        # That of a step that goes nowhere: a graph of its own would cost more than this one does.
        zero = np.float32(0)
        return self.step(picture, np.zeros(2, np.int32), _gaussian(0), zero, zero)[0]

    def shift(self, shape: Sequence[int], jitter: int, random: np.random.Generator) -> np.ndarray:
        """How far to roll a picture before the next step: rows, columns."""
        # The borders between tiles must not stay in one place either.
        reach = [max(jitter, self._tile // 2 * (side > self._tile)) for side in shape[:2]]
        return np.array([random.integers(-pixels, pixels + 1) for pixels in reach])


@dataclass
class _Ascent:
    """Steps uphill with the settings of a dream; it remembers the length of the first gradient."""

    climb: _Climber
    step_size: float
    jitter: int
    normalize: bool
    blur: float
    random: np.random.Generator
    first: float = 0.0

    def step(self, picture: Any) -> tuple[float, Any]:
        """The score of a picture for each pixel, and the picture after the step, as a tensor."""
        shift = self.climb.shift(picture.shape, self.jitter, self.random) if self.jitter else (0, 0)
        value, picture, length = self.climb.step(
            *(picture, np.array(shift, np.int32), _gaussian(self.blur)),
            *(np.float32(self.step_size), np.float32(0 if self.normalize else self.first)),
        )
        self.first = self.first or length  # of the first gradient that is one
        return value, picture


# --- the dream ----------------------------------------------------------------------------------


def octave_sizes(
    shape: Sequence[int], octaves: int, scale: float = 1.4, smallest: int = 1
) -> list[tuple[int, int]]:
    """Sizes of a picture from the smallest octave to its own.

    Each is ``scale`` times the one before; what would be smaller than ``smallest`` on a side is
    left out, save the picture itself. Lesson 09, section 3.

    Parameters
    ----------
    shape : (height, width, ...)
    octaves : int
        From 1: the picture in its own size only.
    scale : float
        Above 1.
    smallest : int
        Pixels.

    Returns
    -------
    list of (height, width)

    Raises
    ------
    ValueError
        No such number of octaves or scale.
    """
    if not isinstance(octaves, int | np.integer) or octaves < 1:
        raise ValueError(f"octaves is {octaves!r}; give a whole number from 1.")
    if not isinstance(scale, _NUMBER) or not 1 < scale < math.inf:
        raise ValueError(f"scale is {scale!r}; give a number above 1.")
    height, width = shape[:2]
    sizes = [
        (round(height / scale**octave), round(width / scale**octave)) for octave in range(octaves)
    ]
    return [size for size in sizes[:0:-1] if min(size) >= smallest] + sizes[:1]


def dream(
    network: Classifier,
    picture: Any,
    target: Target,
    *,
    guide: Any = None,
    octaves: int = 4,
    scale: float = 1.4,
    steps: int = 8,
    step_size: float = 0.012,
    jitter: int = 16,
    normalize: bool = True,
    blur: float = 0.6,
    tile: int = TILE,
    seed: int = 0,
    progress: bool = False,
) -> Dream:
    """Gradient ascent on the pixels, from small octaves to large ones.

    Interrupt it (Kernel > Interrupt, Ctrl+C), and it returns what it has. Lesson 09, sections 2
    to 5.

    Parameters
    ----------
    network
        Of `course_utils.networks.load`.
    picture
        What `course_utils.images.load` reads: an array in [0, 1], gray, RGB or RGBA, a path...
        Each side at least ``network.min_size`` pixels.
    target
        A layer: half the sum of its squares is raised. ``(layer, channel)``: the sum of one
        channel; ``("predictions", k)`` is the logit of class k. A dictionary of these with
        weights: the weighted sum.
    guide
        Another picture: at each place the layer's vector is drawn towards the vector of the guide
        with which it has the largest dot product (as in google/deepdream).
    octaves, scale
        As in `octave_sizes`; octaves too small for the target, in which a layer has not even 2 x 2
        places, are left out.
    steps : int
        In each octave, from 1.
    step_size : float
        Mean change of a pixel value in a step, above 0.
    jitter : int
        Before each step the picture is rolled by up to so many pixels along both axes, and back
        after it; with several tiles, by up to half a tile. 0: never.
    normalize : bool
        Divide each gradient by its mean absolute value; False: all of them by that of the first.
    blur : float
        Smooth each gradient with a Gaussian of so many pixels (standard deviation): takes away
        the grain that max pooling leaves. Class pictures need 1 to 2.
    tile : int
        Pixels, from twice ``network.min_size``; larger pictures go through the network in parts.
    seed : int
        Of the jitter.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Dream

    Raises
    ------
    ValueError
        A target or a setting that makes no sense; the sentence says which.
    CourseError
        The picture or the guide is none.
    CourseError
        The network has no such layer.
    """
    from course_utils.live import track

    photo = _picture(network, picture, "picture")
    _check_settings(network, steps, step_size, jitter, blur, tile)
    objective = _objective(network, target, guide)
    sizes = octave_sizes(photo.shape, octaves, scale, _smallest(network, objective.layers))
    climb = _Climber(network, objective, tile)
    ascent = _Ascent(climb, step_size, jitter, normalize, blur, np.random.default_rng(seed))
    scores, finished, base, current = [], True, photo, photo
    plan = [(size, step) for size in sizes for step in range(steps)]
    try:
        for size, step in track(plan, "dreaming") if progress else plan:
            if step == 0:
                detail = _resize_signed(np.asarray(current) - base, size)
                small = images.resize(photo, size)
                # Both at once: an interrupt in between would leave two sizes.
                base, current = small, np.clip(small + detail, 0, 1)
            value, current = ascent.step(current)
            scores.append(value)
    except KeyboardInterrupt:
        finished = False
    detail = _resize_signed(np.asarray(current) - base, photo.shape[:2])
    found = np.clip(photo + detail, 0, 1)
    try:
        before, after = climb.score(photo), climb.score(found)
    except KeyboardInterrupt:
        before, after, finished = math.nan, math.nan, False
    return Dream(found, before, after, tuple(scores), finished)


def _picture(network: Classifier, source: Any, name: str) -> NDArray[np.float32]:
    picture = images.load(source)
    if min(picture.shape[:2]) < network.min_size:
        raise ValueError(
            f"The {name} has {picture.shape[0]} x {picture.shape[1]} pixels; {network.name} needs "
            f"{network.min_size} or more on each side."
        )
    return picture


def _check_settings(
    network: Classifier, steps: int, step_size: float, jitter: int, blur: float, tile: int
) -> None:
    whole = int | np.integer
    if not isinstance(steps, whole) or steps < 1:
        raise ValueError(f"steps is {steps!r}; give a whole number from 1.")
    if not isinstance(step_size, _NUMBER) or not 0 < step_size < math.inf:
        raise ValueError(f"step_size is {step_size!r}; give a number above 0, such as 0.012.")
    if not isinstance(jitter, whole) or jitter < 0:
        raise ValueError(f"jitter is {jitter!r}; give a whole number of pixels from 0.")
    if not isinstance(blur, _NUMBER) or not 0 <= blur < math.inf:
        raise ValueError(f"blur is {blur!r}; give a number of pixels from 0.")
    if not isinstance(tile, whole) or tile < 2 * network.min_size:
        raise ValueError(f"tile is {tile!r}; give {2 * network.min_size} pixels or more.")


def _resize_signed(change: np.ndarray, size: Sequence[int]) -> np.ndarray:
    """Scale values of [-1, 1], for which pictures have no room."""
    return 2 * images.resize((change + 1) / 2, tuple(size)) - 1


def score(network: Classifier, picture: Any, target: Target, guide: Any = None) -> float:
    """What a dream raises, for each pixel, so that pictures of different sizes compare.

    Half the sum of squares of a layer, the sum of a channel, or a mixture; parameters and errors
    are those of `dream`. Of ``("predictions", k)`` take the logit itself instead.
    """
    objective = _objective(network, target, guide)
    return _Climber(network, objective, TILE).score(_picture(network, picture, "picture"))


def total_variation(picture: ArrayLike) -> float:
    """Mean absolute difference of neighbors, along rows and columns together.

    Zero for a uniform picture; high for noise. Unlike ``tf.image.total_variation`` it is a mean,
    so that pictures of different sizes compare (Rudin, Osher and Fatemi, 1992). Lesson 09,
    section 3.

    Parameters
    ----------
    picture : array of numbers, shape (h, w) or (h, w, channels), at least 2 x 2
    """
    picture = np.asarray(picture, float)
    return sum(float(np.abs(np.diff(picture, axis=axis)).mean()) for axis in (0, 1))


def zoom(
    network: Classifier,
    picture: Any,
    target: Target,
    frames: int,
    factor: float = 1.06,
    **settings: Any,
) -> list[NDArray[np.float32]]:
    """Dream, go a little closer, dream again: the frames of a journey into a dream.

    Lesson 09, section 8.

    Parameters
    ----------
    network, picture, target, settings
        As in `dream`.
    frames : int
        From 1.
    factor : float
        How much closer each frame is, above 1 and below 2.

    Returns
    -------
    list of ndarray of float32 in [0, 1], shape (h, w, 3)
        Fewer than ``frames`` if it was interrupted.

    Raises
    ------
    ValueError
        No such number of frames or factor; and as in `dream`.
    """
    from course_utils.live import track

    if not isinstance(frames, int | np.integer) or frames < 1:
        raise ValueError(f"frames is {frames!r}; give a whole number from 1.")
    _check_factor(factor)
    current, found = _picture(network, picture, "picture"), []
    for number in track(range(frames), "zooming"):
        made = dream(network, current, target, **{"seed": number} | settings)
        if not made.finished:
            break
        found.append(made.picture)
        current = closer(made.picture, factor)
    return found


def closer(picture: Any, factor: float) -> NDArray[np.float32]:
    """The middle of a picture, magnified to its size: between pixels, so that nothing jumps.

    What `zoom` does between two dreams, and so the control for them. Lesson 09, section 8.

    Parameters
    ----------
    picture
        What `course_utils.images.load` reads.
    factor : float
        How much closer, above 1 and below 2.

    Returns
    -------
    ndarray of float32 in [0, 1], shape (h, w, 3)

    Raises
    ------
    ValueError
        No such factor.
    CourseError
        The picture is none.
    """
    from PIL import Image

    _check_factor(factor)
    picture = images.load(picture)
    height, width = picture.shape[:2]
    top, left = (length * (1 - 1 / factor) / 2 for length in (height, width))
    box = (left, top, width - left, height - top)
    channels = [
        Image.fromarray(channel).resize((width, height), Image.Resampling.BICUBIC, box)
        for channel in picture.transpose(2, 0, 1)
    ]
    return np.clip(np.stack(channels, axis=2), 0, 1)


def _check_factor(factor: float) -> None:
    if not isinstance(factor, _NUMBER) or not 1 < factor < 2:
        raise ValueError(f"factor is {factor!r}; give a number between 1 and 2.")
