"""Activations, softmax, and the gradients that pass through them: derived in lesson 03.

`ACTIVATIONS` knows the eight functions of the lesson, each with its derivative, formula, source
and Keras layer. The rest measures what an activation does to a network: the gradient that arrives
at each layer, units that have stopped learning, and what excites a unit most.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from course_utils import ask, images, training
from course_utils.dimensions import Receptive, receptive_fields
from course_utils.measures import finite_logits
from course_utils.measures import softmax as softmax  # lesson 03 asks for it here
from course_utils.training import Stack

if TYPE_CHECKING:
    import keras

    from course_utils.networks import Classifier

Array = NDArray[np.floating]

# --------------------------------------------------------------------------------------------------
# Functions of one number
# --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Activation:
    """One activation function with all that the course says about it.

    Call it with an array to get its values, and `slope` for its derivative.

    Attributes
    ----------
    name : str
    formula : str
        In LaTeX, as a function of z (and of a, where there is a parameter); Phi is the cumulative
        distribution of the bell curve.
    slope_formula : str
        The derivative in LaTeX; y stands for the value at z, sigma for the sigmoid.
    source : str
        Where networks got it from: authors and year.
    parameter : float or None
        Usual value of the parameter a; None where there is none.
    """

    name: str
    formula: str
    slope_formula: str
    source: str
    _function: Callable[[Array, float], Array]
    _derivative: Callable[[Array, float], Array]
    _layer: Callable[[Any, float, list[int] | None], keras.layers.Layer]
    parameter: float | None = None

    def __call__(self, z: ArrayLike, a: float | None = None) -> Array:
        """Values at z.

        Parameters
        ----------
        z : array of numbers, any shape
        a : float, optional
            Parameter of the function; by default the usual one.

        Returns
        -------
        array of float, the shape of z; float32 and float64 stay what they are

        Raises
        ------
        ValueError
            z holds no real numbers, a is no finite number, or the function has no parameter.
        """
        return self._function(_real(z), self._parameter(a))

    def slope(self, z: ArrayLike, a: float | None = None) -> Array:
        """The derivative at z; parameters, result and errors as for the values.

        At a kink it is the slope on the left.
        """
        return self._derivative(_real(z), self._parameter(a))

    def layer(self, a: float | None = None, maps: bool = False) -> keras.layers.Layer:
        """A new Keras layer that computes this function.

        Parameters
        ----------
        a : float, optional
            Parameter of the function; where it is learned, what it starts from.
        maps : bool
            For feature maps (n, height, width, channels): a learned parameter is then shared by
            all places of a channel, as He et al. (2015) do, and not one for each place.
        """
        from course_utils.quiet import keras

        return self._layer(keras, self._parameter(a), [1, 2] if maps else None)

    def _parameter(self, a: float | None) -> float:
        if a is None:
            return self.parameter or 0.0
        if self.parameter is None:
            raise ValueError(f"{self.name} has no parameter; leave a out.")
        value = np.asarray(a)
        if value.ndim or value.dtype.kind not in "iuf" or not np.isfinite(value):
            raise ValueError(f"a is {a!r}; give a finite number.")
        return float(a)


def _real(values: ArrayLike, name: str = "z") -> Array:
    array = np.asarray(values)
    if array.dtype.kind not in "iuf":
        raise ValueError(f"{name} has entries of type {array.dtype}; give real numbers.")
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def _named(name: str) -> Callable[..., keras.layers.Layer]:
    return lambda keras, a, shared: keras.layers.Activation(name)


def _sigmoid_slope(z: Array, a: float) -> Array:
    y = special.expit(z)
    return y * (1 - y)


def _elu(z: Array, a: float) -> Array:
    # exp of a large positive number would overflow, although `where` does not use it.
    return np.where(z > 0, z, a * np.expm1(np.minimum(z, 0)))


def _gelu_slope(z: Array, a: float) -> Array:
    return special.ndtr(z) + z * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi).astype(z.dtype)


def _silu_slope(z: Array, a: float) -> Array:
    y = special.expit(z)
    return y * (1 + z * (1 - y))


def _leaky(z: Array, a: float) -> Array:
    return np.where(z > 0, z, a * z)


def _leaky_slope(z: Array, a: float) -> Array:
    return np.where(z > 0, 1, a).astype(z.dtype)


_ALL = (
    Activation(
        "sigmoid",
        r"\frac{1}{1 + e^{-z}}",
        r"y\,(1 - y)",
        "D. Rumelhart, G. Hinton, R. Williams, 1986 (the curve: P.-F. Verhulst, 1838)",
        lambda z, a: special.expit(z),
        _sigmoid_slope,
        _named("sigmoid"),
    ),
    Activation(
        "tanh",
        r"\frac{e^{z} - e^{-z}}{e^{z} + e^{-z}}",
        r"1 - y^2",
        "Y. LeCun and others, 1989; recommended in their Efficient BackProp, 1998",
        lambda z, a: np.tanh(z),
        lambda z, a: 1 - np.tanh(z) ** 2,
        _named("tanh"),
    ),
    Activation(
        "ReLU",
        r"\max(0, z)",
        r"1 \text{ if } z > 0, \text{ else } 0",
        "K. Fukushima, 1969; V. Nair, G. Hinton, 2010; X. Glorot and others, 2011",
        lambda z, a: np.maximum(z, 0),
        _leaky_slope,
        _named("relu"),
    ),
    Activation(
        "Leaky ReLU",
        r"\max(z, a z)",
        r"1 \text{ if } z > 0, \text{ else } a",
        "A. Maas, A. Hannun, A. Ng, 2013",
        _leaky,
        _leaky_slope,
        lambda keras, a, shared: keras.layers.LeakyReLU(negative_slope=a),
        parameter=0.1,
    ),
    Activation(
        "PReLU",
        r"z \text{ if } z > 0, \text{ else } a z;\ a \text{ learned}",
        r"1 \text{ if } z > 0, \text{ else } a",
        "K. He and others, 2015",
        _leaky,
        _leaky_slope,
        lambda keras, a, shared: keras.layers.PReLU(
            keras.initializers.Constant(a), shared_axes=shared
        ),
        parameter=0.25,
    ),
    Activation(
        "ELU",
        r"z \text{ if } z > 0, \text{ else } a\,(e^{z} - 1)",
        r"1 \text{ if } z > 0, \text{ else } a\,e^{z}",
        "D.-A. Clevert, T. Unterthiner, S. Hochreiter, 2015",
        _elu,
        lambda z, a: np.where(z > 0, 1, a * np.exp(np.minimum(z, 0))).astype(z.dtype),
        lambda keras, a, shared: keras.layers.ELU(alpha=a),
        parameter=1.0,
    ),
    Activation(
        "GELU",
        r"z\,\Phi(z)",
        r"\Phi(z) + z\,\Phi^\prime(z)",
        "D. Hendrycks, K. Gimpel, 2016",
        lambda z, a: z * special.ndtr(z),
        _gelu_slope,
        _named("gelu"),
    ),
    Activation(
        "SiLU",
        r"\frac{z}{1 + e^{-z}}",
        r"\sigma(z)\,(1 + z\,(1 - \sigma(z)))",
        "D. Hendrycks, K. Gimpel, 2016; as Swish: P. Ramachandran and others, 2017",
        lambda z, a: z * special.expit(z),
        _silu_slope,
        _named("silu"),
    ),
)

#: The activations of lesson 03 by name, in the order in which they are taught.
ACTIVATIONS: Mapping[str, Activation] = MappingProxyType({entry.name: entry for entry in _ALL})

# --------------------------------------------------------------------------------------------------
# Softmax
# --------------------------------------------------------------------------------------------------


def cross_entropy(logits: ArrayLike, labels: ArrayLike) -> float:
    """Mean of minus the logarithm of the probability that softmax gives to the true class.

    Computed from the logits, so that a probability of 1e-50 costs 115 and not infinity.

    Parameters
    ----------
    logits : array of finite numbers, shape (n, classes)
    labels : array of integers, shape (n,), 0 to classes - 1

    Returns
    -------
    float, at least 0

    Raises
    ------
    ValueError
        Other shapes, or labels that are no such integers.

    References
    ----------
    Lesson 03, section 3. I. J. Good, "Rational decisions", 1952.
    """
    z, true = finite_logits(logits), np.asarray(labels)
    if z.ndim != 2 or true.shape != z.shape[:1] or not len(true):
        raise ValueError(
            f"logits have shape {z.shape} and labels {true.shape}; give (n, classes) and (n,)."
        )
    if true.dtype.kind not in "iu" or true.min() < 0 or true.max() >= z.shape[1]:
        raise ValueError(f"labels must be integers from 0 to {z.shape[1] - 1}, one for each row.")
    return float(np.mean(special.logsumexp(z, axis=1) - z[np.arange(len(z)), true]))


# --------------------------------------------------------------------------------------------------
# Deep networks, and what reaches their first layers
# --------------------------------------------------------------------------------------------------


def deep_network(
    activation: str = "sigmoid",
    depth: int = 20,
    units: int = 64,
    inputs: int = 64,
    classes: int = 10,
    initializer: str | keras.initializers.Initializer = "glorot_uniform",
    residual: bool = False,
    normalize: bool = False,
) -> keras.Model:
    """A plain deep network of dense layers, or the same with a remedy for vanishing gradients.

    Parameters
    ----------
    activation : str
        A name in `ACTIVATIONS`.
    depth, units, inputs, classes : int
        Number of hidden layers, units in each, input numbers, logits.
    initializer : str or keras.initializers.Initializer
        Of the kernels; ``"he_normal"`` goes with the ReLU family.
    residual : bool
        Add what enters a layer to what leaves it, from the second hidden layer on.
    normalize : bool
        Batch normalization between a layer's sum and its activation, with momentum .9: with
        Keras' .99 the moving averages lag behind in a training of a few hundred steps.

    Returns
    -------
    keras.Model
        (n, inputs) -> (n, classes) logits. Its hidden layers are called hidden_01, hidden_02, ...

    Raises
    ------
    ValueError
        An unknown activation, or a count below 1.

    References
    ----------
    Lesson 03, section 4. K. He and others, arXiv:1502.01852 (initialization), arXiv:1512.03385
    (residual connections); S. Ioffe, C. Szegedy, arXiv:1502.03167 (batch normalization), 2015.
    """
    from course_utils.quiet import keras

    if activation not in ACTIVATIONS:
        raise ValueError(f"activation is {activation!r}; choose one of {', '.join(ACTIVATIONS)}.")
    counts = dict(depth=depth, units=units, inputs=inputs, classes=classes)
    for name, count in counts.items():
        if not isinstance(count, int | np.integer) or count < 1:
            raise ValueError(f"{name} is {count!r}; give a whole number from 1.")
    first = below = keras.Input((inputs,))
    for number in range(1, depth + 1):
        # An initializer instance draws the same numbers for each layer that shares it.
        fresh = initializer if isinstance(initializer, str) else initializer.clone()
        dense = keras.layers.Dense(units, kernel_initializer=fresh, name=f"hidden_{number:02}")
        above = dense(below)
        if normalize:
            above = keras.layers.BatchNormalization(momentum=0.9)(above)
        above = ACTIVATIONS[activation].layer()(above)
        below = keras.layers.Add()([below, above]) if residual and number > 1 else above
    return keras.Model(first, keras.layers.Dense(classes, name="logits")(below))


def gradient_norms(
    networks: keras.Model | Stack, x: ArrayLike, y: ArrayLike
) -> dict[str, float] | dict[str, Array]:
    """Length of the gradient of the cross-entropy at the kernel of each layer.

    Parameters
    ----------
    networks : keras.Model or Stack
        Gives logits.
    x : array of float, shape (n, ...)
    y : array of integers, shape (n,)
        Labels.

    Returns
    -------
    dict
        Name of the layer -> Euclidean norm, for every layer with a trainable kernel, in order; of a
        `Stack` an array with the norms of its networks.

    References
    ----------
    Lesson 03, section 4. X. Glorot, Y. Bengio, "Understanding the difficulty of training deep
    feedforward neural networks", 2010.
    """
    from course_utils.quiet import tf

    if isinstance(networks, Stack):  # once for each, which takes less than tracing a graph
        each = [gradient_norms(networks.model(i), x, y) for i in range(len(networks))]
        return {layer: np.array([norms[layer] for norms in each]) for layer in each[0]}
    ask.some("inputs", x)
    layers = [layer for layer in networks.layers if getattr(layer, "kernel", None) is not None]
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(training.cross_entropy(y, networks(x, training=True)))
    gradients = tape.gradient(loss, [layer.kernel for layer in layers])
    return {
        layer.name: float(tf.norm(gradient))
        for layer, gradient in zip(layers, gradients, strict=True)
    }


def dead_share(networks: keras.Model | Stack, x: ArrayLike) -> dict[str, float] | dict[str, Array]:
    """Share of the units of each activation layer that no input of `x` can teach anything.

    Such a unit is *dead*: the derivative of its activation is exactly zero for every input, so no
    gradient reaches its weights. For feature maps a unit is a channel, dead at all places.

    Parameters
    ----------
    networks : keras.Model or Stack
        Functional, the activations layers of their own.
    x : array of float, shape (n, ...)
        All the data that the networks learn from, or a good part of it.

    Returns
    -------
    dict
        Name of the activation layer -> share in [0, 1], in order; of a `Stack` an array with the
        shares of its networks.

    Raises
    ------
    ValueError
        The model has no activation layers.

    References
    ----------
    Lesson 03, section 5. L. Lu and others, "Dying ReLU and initialization", 2019,
    arXiv:1903.06733.
    """
    if isinstance(networks, Stack):
        return networks.map(_dead_share, x)
    ask.some("inputs", x)
    return {layer: float(share) for layer, share in _dead_share(networks, x).items()}


def _dead_share(model: keras.Model, x: Any) -> dict[str, Any]:
    from course_utils.quiet import keras, tf

    kinds = tuple(
        getattr(keras.layers, name) for name in ("Activation", "LeakyReLU", "PReLU", "ELU", "ReLU")
    )
    layers = [layer for layer in model.layers if isinstance(layer, kinds)]
    if not layers:
        raise ValueError("the model has no activation layers: add them as layers of their own.")
    sums = keras.Model(model.inputs[0], [layer.input for layer in layers])(x)
    shares = {}
    for layer, z in zip(layers, sums if isinstance(sums, list) else [sums], strict=True):
        with tf.GradientTape() as tape:
            tape.watch(z)
            answers = layer(z)
        # Each answer depends on its own z only, so the gradient of their sum holds every slope.
        slopes = tape.gradient(answers, z)
        dead = tf.reduce_all(slopes == 0, axis=tuple(range(slopes.shape.rank - 1)))
        shares[layer.name] = tf.reduce_mean(tf.cast(dead, tf.float32))
    return shares


# --------------------------------------------------------------------------------------------------
# What excites a unit
# --------------------------------------------------------------------------------------------------

#: Sample photos (see `images.SAMPLES`) that crops are cut from: things and scenes, no pages.
PHOTOS = (
    "astronaut",
    "brick",
    "camera",
    "cat",
    "china",
    "clock",
    "coffee",
    "coins",
    "flower",
    "grass",
    "gravel",
    "hubble",
    "motorcycle",
    "retina",
    "rocket",
)


def photo_crops(per_photo: int = 40, size: int = 64, seed: int = 0) -> tuple[Array, NDArray]:
    """Random square crops of the sample photos, small details and nearly whole pictures.

    Parameters
    ----------
    per_photo : int
        Crops of each photo, from 1; half of them are also mirrored.
    size : int
        Side of a crop in pixels. What is cut is from `size` pixels to the whole height, all
        scales alike, and is then shrunk.
    seed : int

    Returns
    -------
    crops : array of float32 in [0, 1], shape (photos * per_photo, size, size, 3)
    sources : array of int, shape (photos * per_photo,)
        Position in `PHOTOS` of the photo that a crop is from.

    Raises
    ------
    ValueError
        A count below 1, or a size that the photos do not have (1 to 300).
    """
    for name, count, most in (("per_photo", per_photo, np.inf), ("size", size, 300)):
        if not isinstance(count, int | np.integer) or not 1 <= count <= most:
            limit = "" if most == np.inf else f" to {most}"
            raise ValueError(f"{name} is {count!r}; give a whole number from 1{limit}.")
    random = np.random.default_rng(seed)
    crops = []
    for photo in map(images.sample, PHOTOS):
        height, width = photo.shape[:2]
        for number in range(per_photo):
            side = int(np.exp(random.uniform(np.log(size), np.log(min(height, width)))))
            top, left = random.integers(height - side + 1), random.integers(width - side + 1)
            crop = images.resize(photo[top : top + side, left : left + side], size)
            crop = np.repeat(crop[..., None], 3, axis=2) if crop.ndim == 2 else crop
            crops.append(crop[:, ::-1] if number % 2 else crop)
    return np.stack(crops), np.repeat(np.arange(len(PHOTOS)), per_photo)


def fields_inside(field: Receptive, places: int, side: int) -> NDArray:
    """Places along one axis of a feature map whose receptive field lies inside the input.

    For networks of 3x3 convolutions with SAME padding and 2x2 pooling, such as VGG: there the
    field of place i lies evenly around the ``field.jump`` pixels from ``i * field.jump`` on.

    Parameters
    ----------
    field : Receptive
        Of the layer, as `dimensions.receptive_fields` gives it.
    places, side : int
        Size of the map and of the input along the axis.

    Returns
    -------
    array of int
        All places where the field is larger than the input.
    """
    first = _first_pixel(field, np.arange(places))
    inside = np.flatnonzero((first >= 0) & (first + field.size <= side))
    return inside if inside.size else np.arange(places)


def _first_pixel(field: Receptive, place: ArrayLike) -> NDArray:
    return np.asarray(place) * field.jump - (field.size - field.jump) // 2


class Peaks(NamedTuple):
    """Where each unit of a layer answers most, crop by crop: three arrays (crops, units)."""

    answers: Array
    rows: NDArray
    columns: NDArray


def peaks(network: Classifier, layers: Sequence[str], crops: Array) -> dict[str, Peaks]:
    """The strongest answer of every unit of some layers to each crop, and its place.

    Where the receptive field fits into the crop, only places count at which it lies inside:
    otherwise units would be shown for what they answer to the black border.

    Parameters
    ----------
    network : Classifier
    layers : sequence of str
        Names in ``network.layers`` of layers with feature maps.
    crops : array of float in [0, 1], shape (n, side, side, 3)

    Returns
    -------
    dict
        Layer -> `Peaks`.

    Raises
    ------
    CourseError
        The network has no such layer.

    References
    ----------
    Lesson 03, section 9. R. Girshick and others, "Rich feature hierarchies for accurate object
    detection and semantic segmentation", 2014, section 3.1.
    """
    from course_utils.quiet import tf

    ask.some("crops", crops)
    fields = receptive_fields(network.model)
    pictures = tf.TensorSpec((None, None, None, 3), tf.float32)
    compiled = network.compiled(_maps, layers, signature=[pictures])
    parts: dict[str, list[Peaks]] = {layer: [] for layer in layers}
    for first in range(0, len(crops), 100):
        for layer, maps in compiled(crops[first : first + 100]).items():
            inside = fields_inside(fields[layer], maps.shape[1], crops.shape[1])
            values = maps.numpy()[:, inside][:, :, inside]
            flat = values.reshape(len(values), -1, values.shape[-1])
            row, column = np.divmod(flat.argmax(axis=1), inside.size)
            parts[layer].append(Peaks(flat.max(axis=1), inside[row], inside[column]))
    return {
        layer: Peaks(*map(np.concatenate, zip(*found, strict=True)))
        for layer, found in parts.items()
    }


def _maps(model: keras.Model, pictures: Any) -> dict[str, Any]:
    return model(pictures, training=False)


def best_patches(
    field: Receptive, peaks: Peaks, unit: int, crops: Array, sources: NDArray, count: int = 6
) -> list[Array]:
    """The patches that excite a unit most, best first, each from another photo.

    Parameters
    ----------
    field : Receptive
        Of the unit's layer, as `dimensions.receptive_fields` gives it.
    peaks : Peaks
        What `peaks` found for that layer.
    unit : int
        Channel of the layer.
    crops, sources
        As `photo_crops` gives them.
    count : int
        How many.

    Returns
    -------
    list of array of float in [0, 1], shape (side, side, 3)
        As large as the receptive field; the whole crop where that is larger.
    """
    answers = peaks.answers[:, unit]
    best = [max(np.flatnonzero(sources == s), key=answers.__getitem__) for s in np.unique(sources)]
    patches = []
    for index in sorted(best, key=lambda crop: -answers[crop])[:count]:
        top, left = (
            int(_first_pixel(field, place[index, unit])) if field.size <= crops.shape[1] else 0
            for place in (peaks.rows, peaks.columns)
        )
        patches.append(crops[index, top : top + field.size, left : left + field.size])
    return patches


def sheet(patches: Sequence[Array], columns: int = 3) -> Array:
    """Patches of one size as a single picture, row by row, with white gaps.

    Tiny ones are enlarged, pixel by pixel, so that the gaps look the same for all sizes.

    Parameters
    ----------
    patches : sequence of array in [0, 1], each of shape (side, side, 3)
        A last row that is not full is filled with white.
    columns : int

    Returns
    -------
    array in [0, 1], shape (height, width, 3)
    """
    times = -(-40 // len(patches[0]))
    patches = [np.kron(patch, np.ones((times, times, 1))) for patch in patches]
    side = len(patches[0])
    gap = side // 20
    rows = -(-len(patches) // columns)
    picture = np.ones((rows * (side + gap) - gap, columns * (side + gap) - gap, 3), np.float32)
    for number, patch in enumerate(patches):
        top, left = (place * (side + gap) for place in divmod(number, columns))
        picture[top : top + side, left : left + side] = patch
    return picture
