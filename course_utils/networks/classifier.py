"""A network that turns pictures into logits, whichever it is."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils import ask
from course_utils.ask import CourseError
from course_utils.measures import softmax

if TYPE_CHECKING:
    import keras

Decoded = list[tuple[str, str, float]]


class Classifier:
    """A convolutional network that turns pictures into logits.

    Attributes
    ----------
    model : keras.Model
        (n, h, w, 3) float RGB in [0, 1] -> (n, classes) logits, preprocessing included, frozen.
    name : str
    wnids, labels : tuple of str
        For each logit the WordNet id and the readable name.
    input_size : int
        Side in pixels of the pictures the network was trained on.
    min_size : int
        Smallest side it accepts.
    fixed_size : bool
        Whether the logits need exactly `input_size` (VGG's dense layers do); features never do.
    """

    def __init__(
        self,
        model: keras.Model,
        name: str,
        wnids: Sequence[str],
        labels: Sequence[str],
        input_size: int,
        min_size: int,
        fixed_size: bool = False,
    ) -> None:
        # Frozen, so that a tape over the pixels does not track every kernel as well.
        model.trainable = False
        self.model, self.name = model, name
        self.wnids, self.labels = tuple(wnids), tuple(labels)
        self.input_size, self.min_size, self.fixed_size = input_size, min_size, fixed_size
        self._graphs: dict[tuple, Callable] = {}

    def __repr__(self) -> str:
        return (
            f"<Classifier {self.name}: {len(self.labels)} classes, "
            f"{self.input_size}x{self.input_size}, {self.model.count_params():,} parameters>"
        )

    @functools.cached_property
    def layers(self) -> tuple[str, ...]:
        """Names of all layers in order, from the first after the input to the logits."""
        return tuple(layer.name for layer in self.model.layers[1:])

    @functools.cached_property
    def conv_layers(self) -> tuple[str, ...]:
        """Names of the convolutions in order."""
        return tuple(
            layer.name
            for layer in self.model.layers
            if type(layer).__name__ in ("Conv2D", "DepthwiseConv2D", "SeparableConv2D")
        )

    def features(self, layers: str | Sequence[str]) -> keras.Model:
        """A model that gives the feature maps of some layers, for pictures of any size.

        Parameters
        ----------
        layers
            One name or several, of `layers`; ``"predictions"`` adds the logits.

        Returns
        -------
        keras.Model
            (n, h, w, 3) -> dictionary {layer: feature map}; it shares the weights.
        """
        from course_utils.quiet import keras

        names = [layers] if isinstance(layers, str) else list(layers)
        ask.some("layers", names)
        for name in names:
            ask.choice(f"layer of {self.name}", name, self.layers)
        return keras.Model(
            self.model.inputs[0], {name: self.model.get_layer(name).output for name in names}
        )

    def compiled(
        self,
        function: Callable,
        layers: str | Sequence[str],
        *settings: Hashable,
        signature: Sequence[Any],
    ) -> Callable:
        """A function of some layers as one graph, traced at its first call and kept.

        Parameters
        ----------
        function
            ``function(model, *settings, *tensors)``, with the model of `features`. A function of a
            module, not one made anew for each call: it is kept under its identity.
        layers
            As in `features`.
        settings
            What is fixed in the graph. Numbers that change belong into the tensors.
        signature
            A ``tf.TensorSpec`` for each tensor, or a structure of them; None for sizes that vary.

        Returns
        -------
        callable
            Takes the tensors (or arrays), returns what ``function`` returns.
        """
        from course_utils.quiet import tf

        names = (layers,) if isinstance(layers, str) else tuple(layers)
        key = (function, names, settings)
        if key not in self._graphs:
            bound = functools.partial(function, self.features(names), *settings)
            self._graphs[key] = tf.function(bound, input_signature=list(signature))
        return self._graphs[key]

    def predict(self, images: np.ndarray, batch_size: int = 32) -> np.ndarray:
        """Logits of one picture or of many, compiled and in batches.

        Parameters
        ----------
        images
            (h, w, 3) or (n, h, w, 3), float RGB in [0, 1].
        batch_size
            Pictures at a time; lower it for large pictures.

        Returns
        -------
        numpy.ndarray
            float32 (classes,) or (n, classes).

        Raises
        ------
        CourseError
            Bytes instead of floats, values outside [0, 1], a wrong shape or size.
        """
        return self._run(_output, self.layers[-1], images, batch_size, self.fixed_size)

    def descriptor(self, images: np.ndarray, batch_size: int = 32) -> np.ndarray:
        """Global average of the last feature maps: a short vector that describes a picture.

        As `predict`, but (channels,) or (n, channels), and for any size from `min_size` on.
        """
        maps = [layer.name for layer in self.model.layers if len(layer.output.shape) == 4]
        return self._run(_mean_output, maps[-1], images, batch_size, False)

    def _run(
        self, function: Callable, layer: str, images: np.ndarray, batch_size: int, fixed: bool
    ) -> np.ndarray:
        from course_utils.quiet import tf

        batch, single = self.as_batch(images, fixed)
        ask.whole("batch_size", batch_size)
        graph = self.compiled(
            function, layer, signature=[tf.TensorSpec((None, None, None, 3), tf.float32)]
        )
        count = len(batch)
        if not count:  # has an answer, too; but TensorFlow's oneDNN kernels refuse an empty batch
            batch = np.zeros((1, *batch.shape[1:]), np.float32)
        starts = range(0, len(batch), batch_size)
        values = np.concatenate([graph(batch[i : i + batch_size]).numpy() for i in starts])[:count]
        return values[0] if single else values

    def as_batch(self, images: np.ndarray, fixed: bool | None = None) -> tuple[np.ndarray, bool]:
        """Pictures as float32 (n, h, w, 3), checked as in `predict`; and whether it was just one.

        ``fixed`` says whether only `input_size` will do; by default, what the logits need.
        """
        pictures = ask.values("images", images)
        if pictures.ndim not in (3, 4) or pictures.shape[-1] != 3:
            raise CourseError(
                f"images have shape {pictures.shape}; {self.name} takes (h, w, 3) or (n, h, w, 3): "
                "RGB, three channels last."
            )
        height, width = pictures.shape[-3:-1]
        if fixed is None:
            fixed = self.fixed_size
        if fixed and (height, width) != (self.input_size,) * 2:
            raise CourseError(
                f"images are {height}x{width}; the dense layers of {self.name} need "
                f"{self.input_size}x{self.input_size}: resize or crop them."
            )
        if min(height, width) < self.min_size:
            raise CourseError(
                f"images are {height}x{width}; {self.name} needs {self.min_size} pixels or more on "
                "each side: enlarge them."
            )
        single = pictures.ndim == 3
        return pictures[None] if single else pictures, single

    def decode(self, logits: np.ndarray, top: int = 5) -> Decoded | list[Decoded]:
        """The most probable classes, best first: (wnid, name, probability).

        Parameters
        ----------
        logits
            (classes,) for one list, or (n, classes) for a list of lists.
        top
            How many.
        """
        values = np.asarray(logits, np.float64)
        if values.ndim not in (1, 2) or values.shape[-1] != len(self.labels):
            raise CourseError(
                f"logits have shape {values.shape}; {self.name} gives {len(self.labels)} for each "
                "picture."
            )
        if values.ndim == 2:
            return [self.decode(row, top) for row in values]
        probabilities = softmax(values)
        order = np.argsort(-values, kind="stable")[: ask.whole("top", top)]
        return [(self.wnids[i], self.labels[i], float(probabilities[i])) for i in order]

    def index(self, label: str) -> int:
        """Position among the logits of a class, by its name (any case) or WordNet id."""
        wanted = str(label).lower().replace("_", " ")
        names = [name.lower() for name in self.labels]
        for known in (names, self.wnids):
            if wanted in known:
                return known.index(wanted)
        words = set(wanted.split())
        similar = ", ".join([name for name in names if words & set(name.split())][:3])
        hint = f" (similar: {similar})" if similar else ask.near(wanted, names, 3)
        raise CourseError(
            f"{self.name} knows no class {label!r}{hint}; `.labels` lists its classes."
        )


def _output(model: keras.Model, pictures: Any) -> Any:
    (maps,) = model(pictures, training=False).values()
    return maps


def _mean_output(model: keras.Model, pictures: Any) -> Any:
    from course_utils.quiet import tf

    return tf.reduce_mean(_output(model, pictures), axis=(1, 2))


def with_average_pooling(classifier: Classifier) -> Classifier:
    """A copy with average pooling in place of max pooling."""
    from course_utils.quiet import keras

    def replace(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        if isinstance(layer, keras.layers.MaxPooling2D):
            return keras.layers.AveragePooling2D.from_config(config)
        return layer.__class__.from_config(config)

    old = classifier
    model = keras.models.clone_model(old.model, clone_function=replace)
    model.set_weights(old.model.get_weights())
    return Classifier(
        model, old.name, old.wnids, old.labels, old.input_size, old.min_size, old.fixed_size
    )
