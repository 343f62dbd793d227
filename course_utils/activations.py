"""Activations, softmax, and the gradients that pass through them: derived in lesson 03.

`ACTIVATIONS` knows the eight functions of the lesson, each with its derivative, formula, source
and Keras layer. The rest measures what an activation does to a network: the gradient that arrives
at each layer, and units that have stopped learning.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from course_utils import ask, training
from course_utils.ask import CourseError
from course_utils.measures import finite_logits, softmax
from course_utils.training import Stack

if TYPE_CHECKING:
    import keras

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "cross_entropy",
    "dead_share",
    "deep_network",
    "gradient_norms",
    "softmax",
]

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
        """Values at z, of the same shape; float32 and float64 stay what they are.

        Parameters
        ----------
        z : array of numbers, any shape
        a : float, optional
            Parameter of the function; by default the usual one.

        Raises
        ------
        CourseError
            z holds no real numbers, a is no finite number, or the function has no parameter.
        """
        return self._function(_real(z), self._parameter(a))

    def slope(self, z: ArrayLike, a: float | None = None) -> Array:
        """The derivative at z; at a kink it is the slope on the left."""
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
            raise CourseError(f"{self.name} has no parameter; leave a out.")
        return ask.number("a", a)


def _real(values: ArrayLike) -> Array:
    array = np.asarray(values)
    if array.dtype.kind not in "iuf":
        raise CourseError(f"z has entries of type {array.dtype}; give real numbers.")
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

    References
    ----------
    Lesson 03, section 3. I. J. Good, "Rational decisions", 1952.
    """
    z, true = finite_logits(logits), np.asarray(labels)
    if z.ndim != 2 or true.shape != z.shape[:1] or not len(true):
        raise CourseError(
            f"logits have shape {z.shape} and labels {true.shape}; give (n, classes) and (n,)."
        )
    if true.dtype.kind not in "iu" or true.min() < 0 or true.max() >= z.shape[1]:
        raise CourseError(f"labels must be integers from 0 to {z.shape[1] - 1}, one for each row.")
    return float(np.mean(special.logsumexp(z, axis=1) - z[np.arange(len(z)), true]))


# --------------------------------------------------------------------------------------------------
# Deep networks, and what reaches their first layers
# --------------------------------------------------------------------------------------------------


def deep_network(
    activation: str = "sigmoid",
    depth: int = 20,
    units: int = 64,
    initializer: str | keras.initializers.Initializer = "glorot_uniform",
    residual: bool = False,
    normalize: bool = False,
) -> keras.Model:
    """A plain deep network of dense layers, or the same with a remedy for vanishing gradients.

    Parameters
    ----------
    activation
        A name in `ACTIVATIONS`.
    depth, units
        Number of hidden layers, and of units in each.
    initializer
        Of the kernels; ``"he_normal"`` goes with the ReLU family.
    residual
        Add what enters a layer to what leaves it, from the second hidden layer on.
    normalize
        Batch normalization between a layer's sum and its activation, with momentum .9: with
        Keras' .99 the moving averages lag behind in a training of a few hundred steps.

    Returns
    -------
    keras.Model
        (n, 64) -> (n, 10) logits. Its hidden layers are called hidden_01, hidden_02, ...

    References
    ----------
    Lesson 03, section 4. K. He and others, arXiv:1502.01852 (initialization), arXiv:1512.03385
    (residual connections); S. Ioffe, C. Szegedy, arXiv:1502.03167 (batch normalization), 2015.
    """
    from course_utils.quiet import keras

    ask.choice("activation", activation, ACTIVATIONS)
    units = ask.whole("units", units)
    first = below = keras.Input((64,))
    for number in range(1, ask.whole("depth", depth) + 1):
        # An initializer instance draws the same numbers for each layer that shares it.
        fresh = initializer if isinstance(initializer, str) else initializer.clone()
        dense = keras.layers.Dense(units, kernel_initializer=fresh, name=f"hidden_{number:02}")
        above = dense(below)
        if normalize:
            above = keras.layers.BatchNormalization(momentum=0.9)(above)
        above = ACTIVATIONS[activation].layer()(above)
        below = keras.layers.Add()([below, above]) if residual and number > 1 else above
    return keras.Model(first, keras.layers.Dense(10, name="logits")(below))


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
        raise CourseError("the model has no activation layers: add them as layers of their own.")
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
