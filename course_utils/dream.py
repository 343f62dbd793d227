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

from course_utils import ask, features, images
from course_utils.networks import Classifier

if TYPE_CHECKING:
    import keras

__all__ = [
    "TILE",
    "Ascent",
    "Dream",
    "Objective",
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

#: What to excite: a layer, one channel of it, or several of these with weights.
Target = str | tuple[str, int] | Mapping[str | tuple[str, int], float]


@dataclass(frozen=True)
class Dream:
    """A dream and how it came about."""

    picture: NDArray[np.float32]  #: in [0, 1], (h, w, 3)
    before: float  #: the score of the photo, for each pixel (see `score`)
    after: float  #: that of the dream
    scores: tuple[float, ...]  #: before each step, at the size of its octave
    finished: bool  #: False: interrupted, and the picture is what there was by then

    @property
    def gain(self) -> float:
        """How many times as excited the target is, after against before.

        NaN where that was negative, as the sum of a channel or a logit may be.
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


def _parts(network: Classifier, target: Any) -> dict[tuple[str, int | None], float]:
    """(layer, channel or None for all of them) -> weight."""
    items = list(target.items()) if isinstance(target, Mapping) else [(target, 1.0)]
    ask.some("layers in the mixture", items)
    parts = {}
    for key, weight in items:
        layer, channel = key if isinstance(key, tuple) and len(key) == 2 else (key, None)
        if not isinstance(layer, str):
            raise ask.CourseError(f"target is {key!r}; give a layer's name or (name, channel).")
        ask.choice(f"layer of {network.name}", layer, network.layers)
        if channel is not None:
            ask.whole(f"channel of {layer}", channel, 0, _channels(network, layer) - 1)
        parts[layer, channel] = ask.number(f"weight of {layer}", weight)
    return parts


def _channels(network: Classifier, layer: str) -> int:
    return network.model.get_layer(layer).output.shape[-1]


def _weights(
    network: Classifier, parts: Mapping[tuple[str, int | None], float]
) -> dict[str, dict[str, Any]]:
    """Of each layer its weight as a whole, and those of its channels."""
    numbers = {}
    for (layer, channel), weight in parts.items():
        channels = np.zeros(_channels(network, layer), np.float32)
        own = numbers.setdefault(layer, {"whole": np.float32(0), "channels": channels})
        if channel is None:
            own["whole"] += np.float32(weight)
        else:
            own["channels"][channel] += weight
    return numbers


def _plain(maps: dict[str, Any], numbers: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Half the sum of squares of whole layers, plus the sum of single channels, weighted.

    The score, and what goes backward at each layer, which is its derivative. Numbers are arguments,
    so that one graph serves all of them.
    """
    from course_utils.quiet import tf

    sent, scores = {}, []
    for name, found in maps.items():
        whole, channels = numbers[name]["whole"], numbers[name]["channels"]
        sent[name] = whole * found + channels
        sums = tf.reduce_sum(found, axis=tuple(range(found.shape.rank - 1)))
        scores.append(whole * tf.nn.l2_loss(found) + tf.reduce_sum(channels * sums))
    return tf.add_n(scores), sent


def _guided(maps: dict[str, Any], vectors: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Dot product of the vector at each place with the guide's vector that suits it best."""
    from course_utils.quiet import tf

    ((name, found),) = maps.items()  # a guided dream has one layer
    # Row by row: the products of all places with all places of the guide would fill the memory.
    best = tf.map_fn(
        lambda row: tf.argmax(tf.matmul(row, vectors[name], transpose_b=True), axis=1),
        found[0],
        parallel_iterations=1,
        fn_output_signature=tf.int64,
    )
    best = tf.gather(vectors[name], best)[None]
    return tf.reduce_sum(found * best), {name: best}


@functools.lru_cache
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


class Objective:
    """What a dream raises, for pictures of any size, tile by tile; parameters as in `dream`."""

    def __init__(
        self, network: Classifier, target: Target, guide: Any = None, tile: int = TILE
    ) -> None:
        from course_utils.quiet import tf

        parts = _parts(network, target)
        self.layers = tuple(dict.fromkeys(layer for layer, _ in parts))
        self.tile = ask.whole("tile", tile, 2 * network.min_size)
        if guide is None:
            function, numbers = _plain, _weights(network, parts)
        elif isinstance(target, str):
            features.check_maps(network.features(target))
            guide = _picture(network, guide, "guide")
            maps = features.extract(network, guide, target, "none")[target]
            function, numbers = _guided, {target: maps.reshape(-1, maps.shape[-1])}
        else:
            raise ask.CourseError(f"target is {target!r}; a guided dream takes one whole layer.")
        self._numbers = tf.nest.map_structure(tf.constant, numbers)
        # Guides come in all sizes.
        specs = tf.nest.map_structure(
            lambda tensor: tf.TensorSpec((None,) * tensor.ndim), self._numbers
        )
        self._function, self._step = (
            network.compiled(
                *(graph, self.layers, function),
                signature=[tf.TensorSpec((None, None, 3)), specs, *settings],
            )
            for graph, settings in ((score_and_gradient, []), (_step, _settings()))
        )

    def __call__(self, picture: NDArray[np.float32]) -> tuple[float, NDArray[np.float32]]:
        """The score, summed, and its gradient, of the picture's shape."""
        gradient, total = np.empty_like(picture), 0.0
        for window in tiles(picture.shape, self.tile):
            value, part = self._function(picture[window], self._numbers)
            gradient[window], total = part, total + float(value)
        return total, gradient

    def step(self, picture: Any, shift: NDArray, *settings: Any) -> tuple[float, Any, float]:
        """The score for each pixel, and what `_uphill` gives for a picture and these settings."""
        height, width = picture.shape[:2]
        if max(height, width) <= self.tile:
            total, picture, length = self._step(picture, self._numbers, shift, *settings)
        else:
            total, gradient = self(np.roll(picture, shift, (0, 1)))
            picture, length = _compiled_uphill()(picture, gradient, shift, *settings)
        return float(total) / (height * width), picture, float(length)

    def score(self, picture: NDArray[np.float32]) -> float:
        """The score for each pixel."""
        # That of a step that goes nowhere: a graph of its own would cost more than this one does.
        zero = np.float32(0)
        return self.step(picture, np.zeros(2, np.int32), _gaussian(0), zero, zero)[0]


def tiles(shape: Sequence[int], tile: int) -> Iterator[tuple[slice, slice]]:
    """Windows of nearly equal sizes that cover a picture, as few as fit."""

    def ranges(length: int) -> list[slice]:
        ends = np.linspace(0, length, math.ceil(length / tile) + 1).round().astype(int)
        return [slice(*both) for both in pairwise(ends.tolist())]

    return ((rows, columns) for rows in ranges(shape[0]) for columns in ranges(shape[1]))


# --- one step -----------------------------------------------------------------------------------


def score_and_gradient(
    model: keras.Model, function: Callable, picture: Any, numbers: dict[str, Any]
) -> tuple[Any, Any]:
    """The score of one tile, and its gradient, of tensors."""
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
    score, gradient = score_and_gradient(model, function, rolled, numbers)
    return score, *_compiled_uphill()(picture, gradient, shift, *settings)


def _uphill(
    picture: Any, gradient: Any, shift: Any, kernel: Any, size: Any, unit: Any
) -> tuple[Any, Any]:
    """The picture after the step along a rolled gradient, and the gradient's length.

    With a ``unit`` of 0 the step has the mean ``size``, else that of a gradient of this length.
    """
    from course_utils.quiet import tf

    gradient = tf.cond(
        tf.size(kernel) > 1,
        lambda: _smoothed(gradient, kernel, shift),
        lambda: _rolled(gradient, -shift),
    )
    length = tf.reduce_mean(tf.abs(gradient))
    unit = tf.where(unit > 0, unit, tf.maximum(length, 1e-12))
    # `tf.clip_by_value` goes over the picture twice.
    return tf.raw_ops.ClipByValue(
        t=picture + size / unit * gradient, clip_value_min=0.0, clip_value_max=1.0
    ), length


@functools.cache
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


def _smoothed(gradient: Any, kernel: Any, shift: Any) -> Any:
    """Roll back by `shift`, then blur along rows and columns; what leaves comes in opposite."""
    from course_utils.quiet import tf

    reach = tf.size(kernel) // 2
    for axis in (0, 1):
        length = tf.shape(gradient)[axis]
        places = (tf.range(-reach, length + reach) + shift[axis]) % length
        around = tf.gather(gradient, places, axis=axis)
        along = tf.reshape(kernel, (-1, 1, 1, 1) if axis == 0 else (1, -1, 1, 1))
        gradient = tf.nn.depthwise_conv2d(
            around[None], tf.tile(along, (1, 1, 3, 1)), (1, 1, 1, 1), "VALID"
        )[0]
    return gradient


def _gaussian(blur: float) -> NDArray[np.float32]:
    """Weights of a Gaussian filter, four standard deviations to each side."""
    reach = round(4 * blur)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(blur, 1e-12)) ** 2)
    return np.float32(weights / weights.sum())


class Ascent:
    """Steps uphill with the settings of a dream, see there.

    It draws the jitter, and remembers the length of the first gradient.
    """

    def __init__(
        self,
        objective: Objective,
        step_size: float = 0.012,
        jitter: int = 16,
        normalize: bool = True,
        blur: float = 0.6,
        seed: int = 0,
    ) -> None:
        from course_utils.quiet import tf

        self.objective, self.jitter = objective, ask.whole("jitter", jitter, 0)
        self._normalize, self._first = normalize, 0.0
        self._random = np.random.default_rng(seed)
        # As tensors: arrays would be copied into new ones at each step.
        self._number = functools.partial(tf.constant, dtype=tf.float32)
        self._kernel = tf.constant(_gaussian(ask.number("blur", blur, 0)))
        self._size = self._number(ask.number("step_size", step_size, above=0))

    def step(self, picture: Any) -> tuple[float, Any]:
        """The score of a picture for each pixel, and the picture after the step, as a tensor."""
        unit = self._number(0 if self._normalize else self._first)
        value, picture, length = self.objective.step(
            picture, self.shift(picture.shape), self._kernel, self._size, unit
        )
        self._first = self._first or length  # of the first gradient that is one
        return value, picture

    def shift(self, shape: Sequence[int]) -> NDArray[np.int32]:
        """How far to roll a picture before the next step: rows, columns."""
        if not self.jitter:
            return np.zeros(2, np.int32)
        # The borders between tiles must not stay in one place either.
        tile = self.objective.tile
        reach = [max(self.jitter, tile // 2 * (side > tile)) for side in shape[:2]]
        return np.array([self._random.integers(-far, far + 1) for far in reach], np.int32)


# --- the dream ----------------------------------------------------------------------------------


def octave_sizes(
    shape: Sequence[int], octaves: int, scale: float = 1.4, smallest: int = 1
) -> list[tuple[int, int]]:
    """Sizes (height, width) of a picture from the smallest octave to its own.

    Each is ``scale`` times the one before, above 1; what would be smaller than ``smallest`` pixels
    on a side is left out, save the picture itself. Lesson 09, section 3.
    """
    ask.whole("octaves", octaves)
    ask.number("scale", scale, above=1)
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
    steps
        In each octave, from 1.
    step_size
        Mean change of a pixel value in a step, above 0.
    jitter
        Before each step the picture is rolled by up to so many pixels along both axes, and back
        after it; with several tiles, by up to half a tile. 0: never.
    normalize
        Divide each gradient by its mean absolute value; False: all of them by that of the first.
    blur
        Smooth each gradient with a Gaussian of so many pixels (standard deviation): takes away
        the grain that max pooling leaves. Class pictures need 1 to 2.
    tile
        Pixels, from twice ``network.min_size``; larger pictures go through the network in parts.
    seed
        Of the jitter.
    progress
        Show a progress bar.
    """
    from course_utils.live import track

    photo = _picture(network, picture, "picture")
    objective = Objective(network, target, guide, tile)
    ascent = Ascent(objective, step_size, jitter, normalize, blur, seed)
    sizes = octave_sizes(photo.shape, octaves, scale, _smallest(network, objective.layers))
    plan = [(size, step) for size in sizes for step in range(ask.whole("steps", steps))]
    scores, finished, base, current = [], True, photo, photo
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
        before, after = objective.score(photo), objective.score(found)
    except KeyboardInterrupt:
        before, after, finished = math.nan, math.nan, False
    return Dream(found, before, after, tuple(scores), finished)


def _picture(network: Classifier, source: Any, name: str) -> NDArray[np.float32]:
    picture = images.load(source)
    if min(picture.shape[:2]) < network.min_size:
        raise ask.CourseError(
            f"the {name} has {picture.shape[0]} x {picture.shape[1]} pixels; {network.name} needs "
            f"{network.min_size} or more on each side."
        )
    return picture


def _resize_signed(change: NDArray, size: Sequence[int]) -> NDArray[np.float32]:
    """Scale values of [-1, 1], for which pictures have no room."""
    return 2 * images.resize((change + 1) / 2, tuple(size)) - 1


def score(network: Classifier, picture: Any, target: Target, guide: Any = None) -> float:
    """What a dream raises, for each pixel, so that pictures of different sizes compare.

    Half the sum of squares of a layer, the sum of a channel, or a mixture; parameters are those of
    `dream`. Of ``("predictions", k)`` take the logit itself instead.
    """
    return Objective(network, target, guide).score(_picture(network, picture, "picture"))


def total_variation(picture: ArrayLike) -> float:
    """Sum of the absolute differences of neighbors, for each value: that of lesson 08.

    Zero for a uniform picture; high for noise (Rudin, Osher and Fatemi, 1992). Lesson 09,
    section 3.

    Parameters
    ----------
    picture : array of float, shape (h, w, channels)
    """
    from course_utils.quiet import tf

    values = tf.constant(picture)
    return float(tf.image.total_variation(values)) / int(tf.size(values))


def zoom(
    network: Classifier,
    picture: Any,
    target: Target,
    frames: int,
    factor: float = 1.06,
    **settings: Any,
) -> list[NDArray[np.float32]]:
    """Dream, go a little closer, dream again: the frames of a journey into a dream.

    Each frame is ``factor`` times closer, between 1 and 2; interrupted, it gives those that it has.
    All other parameters are those of `dream`. Lesson 09, section 8.
    """
    from course_utils.live import track

    ask.number("factor", factor, above=1, below=2)
    current, shown = _picture(network, picture, "picture"), []
    for number in track(range(ask.whole("frames", frames)), "zooming"):
        made = dream(network, current, target, **{"seed": number} | settings)
        if not made.finished:
            break
        shown.append(made.picture)
        current = closer(made.picture, factor)
    return shown


def closer(picture: Any, factor: float) -> NDArray[np.float32]:
    """The middle of a picture, magnified to its size: between pixels, so that nothing jumps.

    What `zoom` does between two dreams, and so the control for them; the factor lies between 1 and
    2. Lesson 09, section 8.
    """
    from PIL import Image

    ask.number("factor", factor, above=1, below=2)
    picture = images.load(picture)
    height, width = picture.shape[:2]
    top, left = (length * (1 - 1 / factor) / 2 for length in (height, width))
    box = (left, top, width - left, height - top)
    channels = [
        Image.fromarray(channel).resize((width, height), Image.Resampling.BICUBIC, box)
        for channel in picture.transpose(2, 0, 1)
    ]
    return np.clip(np.stack(channels, axis=2), 0, 1)
