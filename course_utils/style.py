"""Style transfer: a photo's content in the style of another picture.

Lesson 08 derives what stands here: feature maps for content, Gram matrices for style, and gradient
descent on the pixels (L. Gatys, A. Ecker, M. Bethge, *A neural algorithm of artistic style*, 2015,
arXiv:1508.06576). Networks are those of :mod:`course_utils.networks`.
"""

from __future__ import annotations

import contextlib
import functools
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import ask, features, images, optimizers
from course_utils.networks import Classifier

if TYPE_CHECKING:
    import keras

__all__ = [
    "COLORS",
    "MAX_SIDE",
    "METHODS",
    "STARTS",
    "TERMS",
    "Layers",
    "Objective",
    "Transfer",
    "distances",
    "gram",
    "keep_colors",
    "layers_of",
    "match_colors",
    "transfer",
]

Picture = NDArray[np.float32]

#: Parts of the loss, in the order in which they are reported.
TERMS = ("content", "style", "variation")
METHODS = ("adam", "lbfgs")
STARTS = ("content", "noise", "mix")
#: The colors of the result: those of the style picture, or in one of two ways those of the photo.
COLORS = ("style", "histogram", "luminance")
#: Pixels of the longest side that is worked on: about 3 GB with the embedded network.
MAX_SIDE = 2048
#: The content of the picture beside as much noise, where the start is "mix".
MIX = 0.5

_SMALL = 1e-12  # added to the squared length of a target that may be zero
_EACH = 0.5  # seconds between two pictures of a live notebook


class Layers(NamedTuple):
    """Which layers a transfer looks at."""

    content: str  #: where the photo's content is read
    style: tuple[str, ...]  #: where the Gram matrices are taken, early to late
    held_out: str  #: one that the loss leaves alone, to judge results by


def layers_of(network: Classifier) -> Layers:
    """The layers of Gatys et al. (2015), or the nearest thing that a network has.

    For VGG and the embedded network: content at 4_2, style at 1_1 to 5_1, 3_3 to judge. For other
    networks the style is read at the last layer of each resolution, content at the fourth, and
    the layer to judge by lies halfway between the third and the fourth. Lesson 08, section 1.
    """
    if "block4_conv2" in network.layers:
        style = tuple(f"block{block}_conv1" for block in range(1, 6))
        return Layers("block4_conv2", style, "block3_conv3")
    stages = features.stages(network)
    third, fourth = (network.layers.index(name) for name in stages[2:4])
    return Layers(stages[3], stages, network.layers[(third + fourth) // 2])


def gram(maps: Any) -> Any:
    """Gram matrix F^T F / positions: how often two channels answer together, wherever that is.

    Gatys et al. (2015), equation 3, divided by the number of positions, so that pictures of
    different sizes compare. Of maps (h, w, channels) or (1, h, w, channels) it is a tensor of shape
    (channels, channels). Lesson 08, section 2.
    """
    from course_utils.quiet import tf

    rows = tf.reshape(maps, (-1, maps.shape[-1]))  # (positions, channels)
    return tf.matmul(rows, rows, transpose_a=True) / tf.cast(tf.shape(rows)[0], rows.dtype)


# --- the loss -----------------------------------------------------------------------------------


class _Parts(NamedTuple):
    """Names of the layers in a loss."""

    contents: tuple[str, ...]
    styles: tuple[str, ...]

    def compiled(self, network: Classifier, function: Callable, *signature: Any) -> Callable:
        """A function of a picture and more as one graph, for pictures of all sizes."""
        from course_utils.quiet import tf

        layers = dict.fromkeys([*self.contents, *self.styles])
        picture = tf.TensorSpec((None, None, 3))
        return network.compiled(function, layers, self, signature=[picture, *signature])


def _describe(model: keras.Model, parts: _Parts, picture: Any) -> list[Any]:
    """Feature maps for content, then Gram matrices for style."""
    maps = model(picture[None], training=False)
    return [*(maps[name] for name in parts.contents), *(gram(maps[name]) for name in parts.styles)]


def _loss_and_gradient(
    model: keras.Model, parts: _Parts, picture: Any, targets: Sequence[Any], weights: Any
) -> tuple[Any, Any]:
    """The weighted `TERMS` and the gradient of their sum; the last weight is the variation's."""
    from course_utils.quiet import tf

    with tf.GradientTape() as tape:
        tape.watch(picture)
        pairs = zip(_describe(model, parts, picture), targets, strict=True)
        far = [tf.reduce_sum((own - wanted) ** 2) for own, wanted in pairs]
        # TensorFlow gives a sum over pixels and channels: divided, it does not grow with the size.
        rough = tf.image.total_variation(picture) / tf.cast(tf.size(picture), tf.float32)
        counts = len(parts.contents), len(parts.styles), 1
        summands = tf.split(weights * tf.stack([*far, rough]), counts)
        terms = tf.stack([tf.reduce_sum(part) for part in summands])
    return terms, tape.gradient(terms, picture)


def _adam_step(
    model: keras.Model,
    parts: _Parts,
    picture: Any,
    memory: Sequence[Any],
    rate: Any,
    targets: Sequence[Any],
    weights: Any,
) -> tuple[Any, Any, list[Any]]:
    """The terms of a picture, and picture and memory after a step of Adam, within [0, 1]."""
    from course_utils.quiet import tf

    terms, gradient = _loss_and_gradient(model, parts, picture, targets, weights)
    # The change is in proportion to the rate: a rate that is a tensor needs no graph of its own.
    change, *memory = optimizers.adam(1.0)(gradient, *memory)
    return terms, tf.clip_by_value(picture + rate * change, 0, 1), memory


class Objective:
    """The loss of a picture and its gradient; what is wanted is computed once, here.

    .. math:: L = \\sum_l a_l \\frac{|F_l - P_l|^2}{|P_l|^2}
        + \\sum_l b_l \\frac{|G_l - A_l|^2}{|A_l|^2} + v\\, TV

    with feature maps F and Gram matrices G of the picture, P of the content, A of the style, and
    TV the sum of absolute differences of neighboring pixels, per value. Gatys et al. (2015) divide
    by constants of the layer instead; shares make weights mean the same in every layer and network.

    Parameters
    ----------
    network
    content, style : ndarray of float32 in [0, 1], shape (h, w, 3)
        Either may be any picture if it has no layers.
    contents, styles : mapping of layer to weight
    variation
        Weight of the total variation.
    """

    def __init__(
        self,
        network: Classifier,
        content: Picture,
        style: Picture,
        contents: Mapping[str, float],
        styles: Mapping[str, float],
        variation: float,
    ) -> None:
        from course_utils.quiet import tf

        parts = _Parts(tuple(contents), tuple(styles))
        features.check_maps(network.features([*contents, *styles]))
        describe, count = parts.compiled(network, _describe), len(contents)
        self._targets = describe(content)[:count] + describe(style)[count:]
        lengths = [tf.reduce_sum(wanted**2) for wanted in self._targets]
        shares = [*contents.values(), *styles.values()] / (np.array(lengths, np.float32) + _SMALL)
        self._weights = tf.constant([*shares, variation], tf.float32)
        state, number = tf.TensorSpec((None, None, 3)), tf.TensorSpec(())
        wanted = [
            [tf.TensorSpec((None,) * target.ndim) for target in self._targets],
            tf.TensorSpec(self._weights.shape),
        ]
        self._function = parts.compiled(network, _loss_and_gradient, *wanted)
        self._adam_step = parts.compiled(
            network, _adam_step, [state, state, number], number, *wanted
        )

    def __call__(self, picture: Picture) -> tuple[NDArray[np.float32], Picture]:
        """The weighted `TERMS`, whose sum is the loss, and the gradient of this sum."""
        terms, gradient = self._function(picture, self._targets, self._weights)
        return terms.numpy(), gradient.numpy()

    def step(
        self, picture: Any, rate: float, memory: Sequence[Any] | None = None
    ) -> tuple[NDArray[np.float32], Any, list[Any]]:
        """A step of Adam (lesson 04) that keeps pixels in [0, 1].

        Returns the terms of the picture before the step, and the picture (a tensor) and the memory
        that the next step takes; the first takes no memory.
        """
        from course_utils.quiet import tf

        if memory is None:
            memory = [tf.zeros_like(picture), tf.zeros_like(picture), tf.constant(0.0)]
        terms, picture, memory = self._adam_step(
            picture, memory, tf.constant(rate, tf.float32), self._targets, self._weights
        )
        return terms.numpy(), picture, memory


def distances(
    network: Classifier,
    picture: Any,
    content: Any,
    style: Any,
    layer: str,
    style_scale: float = 1.0,
) -> tuple[float, float]:
    """How far a picture is from the content and from the style of two others, at one layer.

    Squared distances of feature maps and of Gram matrices, as shares of the squared length of what
    they are compared with: 0 is equal. Take a layer that the loss left alone: there, nothing was
    made small on purpose. Lesson 08, section 4.

    Parameters
    ----------
    network
    picture, content, style
        What `course_utils.images.load` reads; the two others are scaled to the picture.
    layer
    style_scale
        As in `transfer`.
    """
    picture = images.load(picture)
    size = picture.shape[:2]
    features.check_maps(network.features(layer))
    describe = _Parts((layer,), (layer,)).compiled(network, _describe)
    mine, photo, painting = (
        [part.numpy() for part in describe(p)]
        for p in (
            picture,
            images.resize(images.load(content), size),
            _fit(network, images.load(style), round(max(size) * style_scale), "style"),
        )
    )
    return tuple(
        float(((found - wanted) ** 2).sum() / ((wanted**2).sum() + _SMALL))
        for found, wanted in zip(mine, (photo[0], painting[1]), strict=True)
    )


# --- colors -------------------------------------------------------------------------------------


def match_colors(style: ArrayLike, photo: ArrayLike) -> Picture:
    """The style picture with the photo's colors: each channel gets the photo's histogram.

    Gatys et al., *Preserving color in neural artistic style transfer*, 2016 (arXiv:1606.05897),
    section 3, match means and covariances; histograms are the simpler cousin. Both are RGB in
    [0, 1], of any sizes. Lesson 08, section 4.
    """
    from skimage import exposure

    matched = exposure.match_histograms(np.asarray(style), np.asarray(photo), channel_axis=-1)
    return np.clip(matched, 0, 1).astype(np.float32)


def keep_colors(result: ArrayLike, photo: ArrayLike) -> Picture:
    """The brightness of one picture with the colors of another: Y of one, I and Q of the other.

    Gatys et al. (2016), section 4. Both are RGB in [0, 1], of one size. Lesson 08, section 4.
    """
    from skimage import color

    mixed = color.rgb2yiq(np.asarray(photo))
    mixed[..., 0] = color.rgb2yiq(np.asarray(result))[..., 0]
    return np.clip(color.yiq2rgb(mixed), 0, 1).astype(np.float32)


def _colored(photo: Picture, painting: Picture, colors: str) -> tuple[Picture, Picture]:
    """Photo and painting as they are painted from."""
    if colors == "histogram":
        return photo, match_colors(painting, photo)
    return _in_gray(photo, painting) if colors == "luminance" else (photo, painting)


def _in_gray(photo: Picture, style: Picture) -> tuple[Picture, Picture]:
    """Both pictures in gray, the style with the photo's mean and spread of brightness."""
    grays = [images.to_gray(picture) for picture in (photo, style)]
    (mean, spread), (other_mean, other_spread) = ((g.mean(), g.std()) for g in grays)
    grays[1] = np.clip((grays[1] - other_mean) / (other_spread + 1e-6) * spread + mean, 0, 1)
    return tuple(np.repeat(gray[..., None], 3, axis=2) for gray in grays)


# --- the transfer -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Transfer:
    """A picture in the style of another, and how it came about."""

    picture: Picture  #: float32 in [0, 1], (h, w, 3)
    losses: NDArray[np.float32]  #: the weighted `TERMS` at each evaluation, scale after scale
    final: NDArray[np.float32]  #: those of the picture, before "luminance" puts its colors back
    frames: tuple[Picture, ...]  #: pictures from along the way, as many as asked for
    finished: bool  #: False: interrupted, and the picture is the best there was by then


def transfer(
    network: Classifier,
    content: Any,
    style: Any,
    *,
    schedule: Sequence[tuple[int, int]] = ((128, 100), (256, 50)),
    content_weight: float = 0.1,
    style_weight: float = 1.0,
    variation_weight: float = 0.2,
    content_layers: Sequence[str] | Mapping[str, float] | None = None,
    style_layers: Sequence[str] | Mapping[str, float] | None = None,
    method: str = "adam",
    rate: float = 0.04,
    start: Any = "content",
    colors: str = "style",
    frames: int = 0,
    style_scale: float = 1.0,
    seed: int = 0,
    progress: bool = False,
) -> Transfer:
    """Paint a photo in the style of another picture, by gradient descent on its pixels.

    Interrupt it (Kernel > Interrupt, Ctrl+C), and it returns the best picture that it has. Lesson
    08, sections 3 to 5.

    Parameters
    ----------
    network
        Gatys et al. take average pooling.
    content, style
        What `course_utils.images.load` reads: an array in [0, 1], gray, RGB or RGBA, a path...
    schedule : sequence of (pixels, steps)
        One scale after the other: length of the longer side, up to `MAX_SIDE`, and evaluations of
        the loss. Small pictures first are cheap, and let strokes grow larger.
    content_weight, style_weight, variation_weight
        From 0; how much the parts of the loss count.
    content_layers, style_layers
        Names, or names with a weight for each; by default those of `layers_of`.
    method
        One of `METHODS`: Adam of lesson 04, or L-BFGS of SciPy.
    rate
        Adam's learning rate, about the change of a pixel in a step.
    start
        One of `STARTS`, or a picture.
    colors
        One of `COLORS`; see `match_colors` and `keep_colors`.
    frames
        How many pictures to keep, spread over the steps.
    style_scale
        Size of the style picture relative to the content: 2 makes strokes twice as large. Gram
        matrices of different sizes compare.
    seed
        Of the noise.
    progress
        Show a progress bar, and in a live notebook the picture as it evolves.
    """
    ask.choice("method", method, METHODS)
    ask.choice("colors", colors, COLORS)
    ask.whole("frames", frames, 0)
    rate = ask.number("rate", rate, above=0)
    chosen = layers_of(network)
    objective = functools.partial(
        Objective,
        network,
        contents=_weights("content", content_layers, (chosen.content,), content_weight),
        styles=_weights("style", style_layers, chosen.style, style_weight),
        variation=ask.number("variation_weight", variation_weight, 0),
    )
    photo, painting = images.load(content), images.load(style)
    scales = _scales(network, *_colored(photo, painting, colors), schedule, style_scale)
    size, current = scales[-1][0].shape[:2], _start(start, scales[0][0], seed)
    log = _Log(sum(steps for _, _, steps in scales), frames, size, progress)
    minimize = functools.partial(_adam, rate=rate) if method == "adam" else _lbfgs
    finished = _paint(objective, scales, current, minimize, log)
    picture = images.resize(np.asarray(log.best), size)
    if colors == "luminance":
        picture = keep_colors(picture, images.resize(photo, size))
    losses = np.array(log.losses, np.float32).reshape(-1, len(TERMS))
    return Transfer(picture, losses, log.best_terms, tuple(log.frames), finished)


def _paint(
    objective: Callable, scales: Sequence, start: Picture, minimize: Callable, log: _Log
) -> bool:
    """From scale to scale, as the log hears; False where it was interrupted."""
    log.begin(start)  # computing the first targets may be interrupted as well
    try:
        for photo, painting, steps in scales:
            loss = objective(photo, painting)
            log.begin(images.resize(np.asarray(log.best), photo.shape[:2]))
            minimize(loss, log.best, steps, log)
    except KeyboardInterrupt:
        return False
    finally:
        log.close()
    return True


def _adam(objective: Objective, picture: Any, steps: int, log: _Log, rate: float) -> None:
    memory = None  # of this picture alone
    for _ in range(steps):
        terms, following, memory = objective.step(picture, rate, memory)
        log.record(terms, picture)
        picture = following
    log.judge(objective.step(picture, rate, memory)[0], picture)


def _lbfgs(objective: Objective, picture: Picture, steps: int, log: _Log) -> None:
    """L-BFGS-B, with pixels kept in [0, 1] by its own bounds; it has no learning rate."""
    from scipy.optimize import Bounds, minimize
    from threadpoolctl import threadpool_limits

    left = iter(range(steps))

    def flat(pixels: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        # SciPy looks at its own limit only after a line search, so too late.
        if next(left, None) is None:
            raise _Enough
        current = pixels.reshape(picture.shape).astype(np.float32)
        terms, gradient = objective(current)
        log.record(terms, current)
        # Gradients of a mean over so many pixels are tiny; scaled up, they are no reason to stop.
        return pixels.size * float(terms.sum()), pixels.size * gradient.ravel().astype(np.float64)

    # Several threads would wait for each other, at full power, through each of its short sums.
    with contextlib.suppress(_Enough), threadpool_limits(1, user_api="blas"):
        minimize(
            flat,
            picture.ravel().astype(np.float64),
            jac=True,
            method="L-BFGS-B",
            bounds=Bounds(0, 1),
            options={"maxfun": steps, "maxiter": steps, "maxcor": 5, "ftol": 0, "gtol": 0},
        )


class _Enough(Exception):
    """All evaluations that were asked for are made."""


class _Log:
    """Listens to a transfer: terms, best picture, frames, progress."""

    def __init__(self, total: int, frames: int, size: tuple[int, int], progress: bool) -> None:
        from course_utils.live import is_static, track

        self.losses: list[NDArray[np.float32]] = []
        self.frames: list[Picture] = []
        self.best_terms = np.full(len(TERMS), np.inf, np.float32)
        self._keep = set(np.linspace(0, total - 1, frames).round().astype(int).tolist())
        self._size = size
        self._bar = iter(track(range(total), "style transfer") if progress else ())
        self._shown, self._next = None, 0.0
        self._live = progress and not is_static()

    def begin(self, picture: Picture) -> None:
        """A new scale: losses of another one do not compare."""
        self.best, self._best_loss = picture, math.inf

    def judge(self, terms: NDArray[np.float32], picture: Any) -> None:
        """Keep a picture, an array or a tensor, if it is the best so far."""
        loss = float(terms.sum())
        if loss < self._best_loss:
            self.best, self.best_terms, self._best_loss = picture, terms, loss

    def record(self, terms: NDArray[np.float32], picture: Any) -> None:
        """One evaluation more."""
        self.judge(terms, picture)
        if len(self.losses) in self._keep:
            self.frames.append(images.resize(np.asarray(picture), self._size))
        self.losses.append(terms)
        next(self._bar, None)
        self._show(picture)

    def _show(self, picture: Any) -> None:
        """The picture in the notebook, now and then anew."""
        if not self._live or time.monotonic() < self._next:
            return
        from IPython.display import Image, display

        self._next = time.monotonic() + _EACH
        image = Image(images.to_png(images.resize(np.asarray(picture), self._size)), format="png")
        if self._shown is None:
            self._shown = display(image, display_id=True)
        else:
            self._shown.update(image)

    def close(self) -> None:
        for _ in self._bar:  # a bar that is not used up would stay on the screen
            pass


def _scales(
    network: Classifier, photo: Picture, painting: Picture, schedule: Any, style_scale: float
) -> list[tuple[Picture, Picture, int]]:
    """Of each scale the photo, the painting and the number of steps."""
    style_scale = ask.number("style_scale", style_scale, above=0)
    most = int(MAX_SIDE / max(style_scale, 1))
    ask.some("pairs in the schedule", schedule)
    scales = []
    for pair in schedule:
        if not isinstance(pair, Sequence | np.ndarray) or len(pair) != 2:
            raise ask.CourseError(f"schedule has {pair!r}; give pairs (pixels, steps).")
        side, steps = ask.whole("pixels", pair[0], high=most), ask.whole("steps", pair[1])
        small = _fit(network, photo, side, "content")
        scales.append((small, _fit(network, painting, round(side * style_scale), "style"), steps))
    return scales


def _fit(network: Classifier, picture: Picture, side: int, name: str) -> Picture:
    """A picture with its longer side of so many pixels, large enough for the network."""
    longest = max(picture.shape[:2])
    height, width = (max(round(length * side / longest), 1) for length in picture.shape[:2])
    if min(height, width) < network.min_size:
        raise ask.CourseError(
            f"the {name} picture would be {height} x {width} pixels; {network.name} needs "
            f"{network.min_size} or more on each side: choose a larger size or crop it."
        )
    return images.resize(picture, (height, width))


def _start(start: Any, photo: Picture, seed: int) -> Picture:
    if not isinstance(start, str):
        return images.load(start, photo.shape[:2])
    noise = np.random.default_rng(seed).random(photo.shape, np.float32)
    known = {"content": photo, "noise": noise, "mix": MIX * photo + (1 - MIX) * noise}
    return known[ask.choice("start", start, STARTS)]


def _weights(
    part: str,
    layers: Sequence[str] | Mapping[str, float] | None,
    default: Sequence[str],
    overall: float,
) -> dict[str, float]:
    """Layer -> weight; a string would be taken for a sequence of letters."""
    chosen = default if layers is None else (layers,) if isinstance(layers, str) else layers
    each = chosen if isinstance(chosen, Mapping) else dict.fromkeys(chosen, 1.0)
    factor = ask.number(f"{part}_weight", overall, 0)
    return {name: factor * ask.number(f"weight of {name}", w, 0) for name, w in each.items()}
