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

from course_utils import features, images, optimizers
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

_EACH = 0.5  # seconds between two pictures of a live notebook


class Layers(NamedTuple):
    """Which layers a transfer looks at.

    Attributes
    ----------
    content : str
        Where the photo's content is read.
    style : tuple of str
        Where the Gram matrices are taken, early to late.
    held_out : str
        One that the loss leaves alone, to judge results by.
    """

    content: str
    style: tuple[str, ...]
    held_out: str


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
    different sizes compare. Lesson 08, section 2.

    Parameters
    ----------
    maps : tensor or array, shape (h, w, channels) or (1, h, w, channels)

    Returns
    -------
    tensor, shape (channels, channels)
    """
    from course_utils.quiet import tf

    rows = tf.reshape(maps, (-1, maps.shape[-1]))  # (positions, channels)
    return tf.matmul(rows, rows, transpose_a=True) / tf.cast(tf.shape(rows)[0], rows.dtype)


# --- the loss -----------------------------------------------------------------------------------


def _describe(
    model: keras.Model, contents: Sequence[str], styles: Sequence[str], picture: Any
) -> dict[str, dict[str, Any]]:
    maps = model(picture[None], training=False)
    return {
        "content": {name: maps[name] for name in contents},
        "style": {name: gram(maps[name]) for name in styles},
    }


def _relative(found: Any, wanted: Any) -> Any:
    """Squared distance as a share of the target's squared length: 0 is equal, 1 is all missing."""
    from course_utils.quiet import tf

    return tf.reduce_sum((found - wanted) ** 2) / (tf.reduce_sum(wanted**2) + 1e-12)


def _loss_and_gradient(
    model: keras.Model,
    contents: Sequence[str],
    styles: Sequence[str],
    picture: Any,
    targets: dict[str, dict[str, Any]],
    weights: dict[str, Any],
) -> tuple[Any, Any]:
    from course_utils.quiet import tf

    with tf.GradientTape() as tape:
        tape.watch(picture)
        found = _describe(model, contents, styles, picture)
        parts = [
            sum(
                (
                    weights[part][name] * _relative(maps, targets[part][name])
                    for name, maps in found[part].items()
                ),
                start=tf.constant(0.0),
            )
            for part in ("content", "style")
        ]
        # TensorFlow gives a sum over pixels and channels: divided, it does not grow with the size.
        rough = tf.image.total_variation(picture) / tf.cast(tf.size(picture), tf.float32)
        terms = tf.stack([*parts, weights["variation"] * rough])
        loss = tf.reduce_sum(terms)
    return terms, tape.gradient(loss, picture)


@functools.lru_cache(maxsize=32)
def _compiled(
    network: Classifier, contents: tuple[str, ...], styles: tuple[str, ...]
) -> tuple[Callable, Callable]:
    """`_describe` and `_loss_and_gradient`, traced once for all sizes, targets and weights."""
    from course_utils.quiet import tf

    model = network.features(list(dict.fromkeys([*contents, *styles])))
    features.check_maps(model)
    channels = {name: model.output[name].shape[-1] for name in (*contents, *styles)}
    picture = tf.TensorSpec((None, None, 3))
    targets = {
        "content": {name: tf.TensorSpec((1, None, None, channels[name])) for name in contents},
        "style": {name: tf.TensorSpec((channels[name], channels[name])) for name in styles},
    }
    number = tf.TensorSpec(())
    weights = {
        "content": dict.fromkeys(contents, number),
        "style": dict.fromkeys(styles, number),
        "variation": number,
    }
    # Bound, not nested: TensorFlow tells functions apart by their code and warns of repetitions.
    describe, loss = (
        functools.partial(function, model, contents, styles)
        for function in (_describe, _loss_and_gradient)
    )
    return tf.function(describe, [picture]), tf.function(loss, [picture, targets, weights])


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
        Of `course_utils.networks.load`.
    content, style : ndarray of float32 in [0, 1], shape (h, w, 3)
        Either may be any picture if it has no layers.
    contents, styles : mapping of layer to weight
    variation : float
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
        names = tuple(contents), tuple(styles)
        describe, self._function = _compiled(network, *names)
        # Small pictures take the same graph: nothing is traced again.
        self._targets = {
            "content": describe(content)["content"] if contents else {},
            "style": describe(style)["style"] if styles else {},
        }
        # Numbers as arrays: TensorFlow would compile the function anew for each Python float.
        self._weights = {
            "content": {name: np.float32(weight) for name, weight in contents.items()},
            "style": {name: np.float32(weight) for name, weight in styles.items()},
            "variation": np.float32(variation),
        }

    def __call__(self, picture: Picture) -> tuple[NDArray[np.float32], Picture]:
        """The weighted `TERMS`, whose sum is the loss, and the gradient of this sum."""
        terms, gradient = self._function(picture, self._targets, self._weights)
        return terms.numpy(), gradient.numpy()


def distances(
    network: Classifier,
    picture: Any,
    content: Any,
    style: Any,
    layer: str,
    style_scale: float = 1.0,
) -> tuple[float, float]:
    """How far a picture is from the content and from the style of two others, at one layer.

    Take a layer that the loss left alone: there, nothing was made small on purpose. Lesson 08,
    section 4.

    Parameters
    ----------
    picture, content, style
        What `course_utils.images.load` reads; the two others are scaled to the picture.
    layer : str
    style_scale : float
        As in `transfer`.

    Returns
    -------
    content, style : float
        Squared distances of feature maps and of Gram matrices, as shares of the squared length of
        what they are compared with: 0 is equal.
    """
    picture = images.load(picture)
    size = picture.shape[:2]
    describe, _ = _compiled(network, (layer,), (layer,))
    mine, photo, painting = (
        describe(p)
        for p in (
            picture,
            images.resize(images.load(content), size),
            _fit(network, images.load(style), round(max(size) * style_scale), "style"),
        )
    )
    pairs = (mine["content"], photo["content"]), (mine["style"], painting["style"])
    return tuple(float(_relative(found[layer], wanted[layer])) for found, wanted in pairs)


# --- colors -------------------------------------------------------------------------------------


def match_colors(style: ArrayLike, photo: ArrayLike) -> Picture:
    """The style picture with the photo's colors: each channel gets the photo's histogram.

    Gatys et al., *Preserving color in neural artistic style transfer*, 2016 (arXiv:1606.05897),
    section 3, match means and covariances; histograms are the simpler cousin. Lesson 08, section 4.

    Parameters
    ----------
    style, photo : array of float in [0, 1], shapes (h, w, 3), of any sizes
    """
    from skimage import exposure

    matched = exposure.match_histograms(np.asarray(style), np.asarray(photo), channel_axis=-1)
    return np.clip(matched, 0, 1).astype(np.float32)


def keep_colors(result: ArrayLike, photo: ArrayLike) -> Picture:
    """The brightness of one picture with the colors of another: Y of one, I and Q of the other.

    Gatys et al. (2016), section 4. Lesson 08, section 4.

    Parameters
    ----------
    result, photo : array of float in [0, 1], shape (h, w, 3), of one size
    """
    from skimage import color

    mixed = color.rgb2yiq(np.asarray(photo))
    mixed[..., 0] = color.rgb2yiq(np.asarray(result))[..., 0]
    return np.clip(color.yiq2rgb(mixed), 0, 1).astype(np.float32)


def _in_gray(photo: Picture, style: Picture) -> tuple[Picture, Picture]:
    """Both pictures in gray, the style with the photo's mean and spread of brightness."""
    grays = [images.to_gray(picture) for picture in (photo, style)]
    (mean, spread), (other_mean, other_spread) = ((g.mean(), g.std()) for g in grays)
    grays[1] = np.clip((grays[1] - other_mean) / (other_spread + 1e-6) * spread + mean, 0, 1)
    return tuple(np.repeat(gray[..., None], 3, axis=2) for gray in grays)


# --- the transfer -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Transfer:
    """A picture in the style of another, and how it came about.

    Attributes
    ----------
    picture : ndarray of float32 in [0, 1], shape (h, w, 3)
    losses : ndarray of float32, shape (evaluations, 3)
        The weighted `TERMS` at each evaluation, scale after scale.
    final : ndarray of float32, shape (3,)
        The terms of the picture (before its colors are put back, with "luminance").
    frames : tuple of ndarray
        Pictures from along the way, as many as asked for.
    finished : bool
        False: it was interrupted, and `picture` is the best there was by then.
    """

    picture: Picture
    losses: NDArray[np.float32]
    final: NDArray[np.float32]
    frames: tuple[Picture, ...]
    finished: bool


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
        Of `course_utils.networks.load`; Gatys et al. take average pooling.
    content, style
        What `course_utils.images.load` reads: an array in [0, 1], gray, RGB or RGBA, a path...
    schedule : sequence of (pixels, steps)
        One scale after the other: length of the longer side, up to `MAX_SIDE`, and evaluations of
        the loss. Small pictures first are cheap, and let strokes grow larger.
    content_weight, style_weight, variation_weight : float
        From 0; how much the parts of the loss count.
    content_layers, style_layers
        Names, or names with a weight for each; by default those of `layers_of`.
    method : str
        One of `METHODS`: Adam of lesson 04, or L-BFGS of SciPy.
    rate : float
        Adam's learning rate, about the change of a pixel in a step.
    start
        One of `STARTS`, or a picture.
    colors : str
        One of `COLORS`; see `match_colors` and `keep_colors`.
    style_scale : float
        Size of the style picture relative to the content: 2 makes strokes twice as large. Gram
        matrices of different sizes compare.
    frames : int
        How many pictures to keep, spread over the steps.
    seed : int
        Of the noise.
    progress : bool
        Show a progress bar, and in a live notebook the picture as it evolves.

    Returns
    -------
    Transfer

    Raises
    ------
    ValueError
        A setting that makes no sense; the sentence says which.
    course_utils.images.ImageError
        A picture that is none.
    course_utils.networks.NetworkError
        A layer that the network does not have.
    """
    _check(schedule, method, rate, colors, frames, style_scale)
    chosen = layers_of(network)
    contents = _weights("content", content_layers, (chosen.content,), content_weight)
    styles = _weights("style", style_layers, chosen.style, style_weight)
    variation = _weight("variation_weight", variation_weight)
    photo, painting = images.load(content), images.load(style)
    if colors == "histogram":
        painting = match_colors(painting, photo)
    original = photo
    if colors == "luminance":
        photo, painting = _in_gray(photo, painting)
    scales = [
        (
            _fit(network, photo, side, "content"),
            _fit(network, painting, round(side * style_scale), "style"),
            steps,
        )
        for side, steps in schedule
    ]
    current = _start(start, scales[0][0], seed)
    log = _Log(sum(steps for _, _, steps in scales), frames, scales[-1][0].shape[:2], progress)
    finished = True
    log.begin(current)  # computing the first targets may be interrupted as well
    try:
        for small_photo, small_painting, steps in scales:
            objective = Objective(network, small_photo, small_painting, contents, styles, variation)
            log.begin(images.resize(current, small_photo.shape[:2]))
            minimize = _adam if method == "adam" else _lbfgs
            minimize(functools.partial(log.record, objective), log.best, steps, rate)
            current = log.best
    except KeyboardInterrupt:
        finished, current = False, log.best
    finally:
        log.close()
    picture = images.resize(current, scales[-1][0].shape[:2])
    if colors == "luminance":
        picture = keep_colors(picture, images.resize(original, picture.shape[:2]))
    losses = np.array(log.losses, np.float32).reshape(-1, len(TERMS))
    return Transfer(picture, losses, log.best_terms, tuple(log.frames), finished)


def _adam(evaluate: Callable, picture: Picture, steps: int, rate: float) -> None:
    rule, memory = optimizers.adam(rate), ()  # its memory is of this picture alone
    for _ in range(steps):
        change, *memory = rule(evaluate(picture)[1], *memory)
        picture = np.clip(picture + change, 0, 1).astype(np.float32)
    evaluate(picture, is_step=False)


def _lbfgs(evaluate: Callable, picture: Picture, steps: int, rate: float) -> None:
    """L-BFGS-B, with pixels kept in [0, 1] by its own bounds; it has no learning rate."""
    from scipy.optimize import Bounds, minimize

    left = iter(range(steps))

    def flat(pixels: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        # SciPy looks at its own limit only after a line search, so too late.
        if next(left, None) is None:
            raise _Enough
        loss, gradient = evaluate(pixels.reshape(picture.shape).astype(np.float32))
        # Gradients of a mean over so many pixels are tiny; scaled up, they are no reason to stop.
        return picture.size * loss, picture.size * gradient.ravel().astype(np.float64)

    with contextlib.suppress(_Enough):
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
    """What a transfer has done so far: terms, best picture, frames, progress."""

    def __init__(self, total: int, frames: int, size: tuple[int, int], progress: bool) -> None:
        from course_utils.widgets import is_static, track

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

    def record(
        self, objective: Objective, picture: Picture, is_step: bool = True
    ) -> tuple[float, Picture]:
        terms, gradient = objective(picture)
        loss = float(terms.sum())
        if loss < self._best_loss:
            self.best, self.best_terms, self._best_loss = picture, terms, loss
        if is_step:
            if len(self.losses) in self._keep:
                self.frames.append(images.resize(picture, self._size))
            self.losses.append(terms)
            next(self._bar, None)
            self._show(picture)
        return loss, gradient

    def _show(self, picture: Picture) -> None:
        """The picture in the notebook, now and then anew."""
        if not self._live or time.monotonic() < self._next:
            return
        from IPython.display import Image, display

        self._next = time.monotonic() + _EACH
        image = Image(images.to_png(images.resize(picture, self._size)), format="png")
        if self._shown is None:
            self._shown = display(image, display_id=True)
        else:
            self._shown.update(image)

    def close(self) -> None:
        for _ in self._bar:  # a bar that is not used up would stay on the screen
            pass


def _fit(network: Classifier, picture: Picture, side: int, name: str) -> Picture:
    """A picture with its longer side of so many pixels, large enough for the network."""
    longest = max(picture.shape[:2])
    height, width = (max(round(length * side / longest), 1) for length in picture.shape[:2])
    if min(height, width) < network.min_size:
        raise ValueError(
            f"The {name} picture would be {height} x {width} pixels; {network.name} needs "
            f"{network.min_size} or more on each side: choose a larger size or crop it."
        )
    return images.resize(picture, (height, width))


def _start(start: Any, photo: Picture, seed: int) -> Picture:
    if not isinstance(start, str):
        return images.load(start, photo.shape[:2])
    noise = np.random.default_rng(seed).random(photo.shape, np.float32)
    known = {"content": photo, "noise": noise, "mix": MIX * photo + (1 - MIX) * noise}
    return known[_choice("start", start, STARTS)]


def _choice(name: str, value: Any, known: Sequence[str]) -> str:
    if value not in known:
        raise ValueError(f"{name} is {value!r}; choose one of {', '.join(known)}.")
    return value


def _weight(name: str, value: Any) -> float:
    if not isinstance(value, int | float | np.number) or not 0 <= value < math.inf:
        raise ValueError(f"{name} is {value!r}; give a number from 0.")
    return float(value)


def _weights(
    part: str,
    layers: Sequence[str] | Mapping[str, float] | None,
    default: Sequence[str],
    overall: float,
) -> dict[str, float]:
    """Layer -> weight; a string would be taken for a sequence of letters."""
    chosen = default if layers is None else (layers,) if isinstance(layers, str) else layers
    each = chosen if isinstance(chosen, Mapping) else dict.fromkeys(chosen, 1.0)
    factor = _weight(f"{part}_weight", overall)
    return {name: factor * _weight(f"The weight of {name}", value) for name, value in each.items()}


def _check(
    schedule: Any, method: str, rate: float, colors: str, frames: int, style_scale: float
) -> None:
    _choice("method", method, METHODS)
    _choice("colors", colors, COLORS)
    whole = int | np.integer
    for name, value in (("rate", rate), ("style_scale", style_scale)):
        if not isinstance(value, int | float | np.number) or not 0 < value < math.inf:
            raise ValueError(f"{name} is {value!r}; give a number above 0.")
    if not len(schedule):
        raise ValueError("The schedule is empty; give at least one pair (pixels, steps).")
    for pair in schedule:
        two = isinstance(pair, Sequence | np.ndarray) and len(pair) == 2
        if not two or not all(isinstance(n, whole) and n >= 1 for n in pair):
            raise ValueError(f"The schedule has {pair!r}; give pairs (pixels, steps), from 1 on.")
        if pair[0] * max(style_scale, 1) > MAX_SIDE:
            raise ValueError(
                f"{pair[0] * max(style_scale, 1):g} pixels are too many for the memory of most "
                f"computers; up to {MAX_SIDE} are allowed."
            )
    if not isinstance(frames, whole) or frames < 0:
        raise ValueError(f"frames is {frames!r}; give a whole number from 0.")
