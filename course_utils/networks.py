"""Trained classifiers of the course: one way to use the embedded network and those of Keras.

`load()` gives the network that ships with the course; ``load("MobileNetV2")`` one of
``keras.applications`` with its ImageNet weights, which Keras' own cache keeps after the first
download. Either takes float RGB in [0, 1], has its preprocessing inside, gives logits, and knows
its labels, so that a lesson works with both. ``COURSE_NETWORK=MobileNetV2`` in the environment
changes the network of a whole run.
"""

from __future__ import annotations

import difflib
import functools
import json
import os
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils import data
from course_utils.ask import CourseError
from course_utils.measures import softmax

if TYPE_CHECKING:
    import keras

EMBEDDED = "embedded"
EMBEDDED_FILE = "embedded/slim_vgg16.npz"
EMBEDDED_FORMAT = 1
WIDTHS = (16, 32, 64, 128, 128)  # a quarter of VGG-16's
DEPTHS = (2, 2, 3, 3, 3)


class Classifier:
    """A convolutional network that turns pictures into logits.

    Attributes
    ----------
    model : keras.Model
        (n, h, w, 3) float RGB in [0, 1] -> (n, classes) logits, preprocessing included, frozen.
    name : str
    labels, wnids : tuple of str
        For each logit the readable name and the WordNet id.
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

        Raises
        ------
        CourseError
            A name that the network does not have; the message lists those it has.
        """
        from course_utils.quiet import keras

        names = [layers] if isinstance(layers, str) else list(layers)
        if not names:
            raise CourseError(f"Name at least one layer of {self.name}.")
        for name in names:
            if name not in self.layers:
                raise CourseError(self._no_layer(name))
        return keras.Model(
            self.model.inputs[0], {name: self.model.get_layer(name).output for name in names}
        )

    def _no_layer(self, name: str) -> str:
        near = difflib.get_close_matches(str(name), self.layers, 3, 0.5)
        return (
            f"{self.name} has no layer {name!r}"
            + (f" (did you mean {' or '.join(near)}?)" if near else "")
            + f"; its layers are {', '.join(self.layers)}."
        )

    def predict(
        self, images: np.ndarray, batch_size: int = 32, progress: bool = False
    ) -> np.ndarray:
        """Logits of one picture or of many, compiled and in batches.

        Parameters
        ----------
        images
            (h, w, 3) or (n, h, w, 3), float RGB in [0, 1].
        batch_size
            Pictures at a time; lower it for large pictures.
        progress
            Show a progress bar.

        Returns
        -------
        numpy.ndarray
            float32 (classes,) or (n, classes).

        Raises
        ------
        CourseError
            Bytes instead of floats, values outside [0, 1], a wrong shape or size.
        """
        return self._run(self._logits, images, batch_size, progress, self.fixed_size)

    def descriptor(
        self, images: np.ndarray, batch_size: int = 32, progress: bool = False
    ) -> np.ndarray:
        """Global average of the last feature maps: a short vector that describes a picture.

        Parameters as for `predict`; any size from `min_size` on will do.

        Returns
        -------
        numpy.ndarray
            float32 (channels,) or (n, channels).
        """
        return self._run(self._descriptors, images, batch_size, progress, False)

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

        Raises
        ------
        CourseError
            A name that the network does not have.
        """
        from course_utils.quiet import tf

        names = (layers,) if isinstance(layers, str) else tuple(layers)
        key = (function, names, settings)
        if key not in self._graphs:
            bound = functools.partial(function, self.features(names), *settings)
            self._graphs[key] = tf.function(bound, input_signature=list(signature))
        return self._graphs[key]

    def _pictures_to(self, function: Callable, layer: str) -> Callable:
        from course_utils.quiet import tf

        pictures = tf.TensorSpec((None, None, None, 3), tf.float32)
        return self.compiled(function, layer, signature=[pictures])

    @property
    def _logits(self) -> Callable:
        return self._pictures_to(_output, self.layers[-1])

    @property
    def _descriptors(self) -> Callable:
        maps = [layer.name for layer in self.model.layers if len(layer.output.shape) == 4]
        return self._pictures_to(_mean_output, maps[-1])

    def _run(
        self, function: Callable, images: np.ndarray, batch_size: int, progress: bool, fixed: bool
    ) -> np.ndarray:
        from tqdm.auto import tqdm

        batch, single = self.as_batch(images, fixed)
        if batch_size < 1:
            raise CourseError(f"batch_size is {batch_size}; it must be 1 or more.")
        count = len(batch)
        if not count:  # has an answer, too; but TensorFlow's oneDNN kernels refuse an empty batch
            batch = np.zeros((1, *batch.shape[1:]), np.float32)
        parts = [
            function(batch[start : start + batch_size]).numpy()
            for start in tqdm(range(0, len(batch), batch_size), disable=not progress, unit="batch")
        ]
        values = np.concatenate(parts)[:count]
        return values[0] if single else values

    def as_batch(self, images: np.ndarray, fixed: bool | None = None) -> tuple[np.ndarray, bool]:
        """Pictures as the network takes them, checked, and whether it was a single one.

        Parameters
        ----------
        images
            (h, w, 3) or (n, h, w, 3), float RGB in [0, 1].
        fixed
            Whether only `input_size` will do; by default, what the logits need (`fixed_size`).

        Returns
        -------
        batch : numpy.ndarray
            float32 (n, h, w, 3).
        single : bool

        Raises
        ------
        CourseError
            Bytes instead of floats, values outside [0, 1], a wrong shape or size.
        """
        fixed = self.fixed_size if fixed is None else fixed
        try:
            array = np.asarray(images)
            kind = array.dtype.kind
        except ValueError:  # a list of pictures of different sizes
            kind = "O"
        if kind not in "fiub":
            raise CourseError("The pictures must be one array of numbers, all of one size.")
        if array.ndim not in (3, 4) or array.shape[-1] != 3:
            raise CourseError(
                f"The pictures have shape {array.shape}; {self.name} takes (h, w, 3) or "
                "(n, h, w, 3): RGB, three channels last."
            )
        if kind != "f" or (array.size and not (array.min() >= -1e-3 and array.max() <= 1 + 1e-3)):
            found = f"{array.dtype} from {array.min():.4g} to {array.max():.4g}"
            raise CourseError(
                f"The pixels are {found}; {self.name} takes floats in [0, 1]: divide bytes by "
                "255, and clip what lies outside."
            )
        height, width = array.shape[-3:-1]
        if fixed and (height, width) != (self.input_size,) * 2:
            raise CourseError(
                f"The pictures are {height}x{width}; the dense layers of {self.name} need "
                f"{self.input_size}x{self.input_size}: resize or crop them."
            )
        if min(height, width) < self.min_size:
            raise CourseError(
                f"The pictures are {height}x{width}; {self.name} needs {self.min_size} pixels or "
                "more on each side: enlarge them."
            )
        single = array.ndim == 3
        return np.asarray(array[None] if single else array, np.float32), single

    def decode(
        self, logits: np.ndarray, top: int = 5
    ) -> list[tuple[str, str, float]] | list[list[tuple[str, str, float]]]:
        """The most probable classes, best first: (wnid, name, probability).

        Parameters
        ----------
        logits
            (classes,) or (n, classes), as `predict` gives them.
        top
            How many.

        Returns
        -------
        list
            One list of triples, or one such list for each row.
        """
        values = np.asarray(logits, np.float64)
        if values.ndim not in (1, 2) or values.shape[-1] != len(self.labels):
            raise CourseError(
                f"The logits have shape {values.shape}; {self.name} gives {len(self.labels)} for "
                "each picture."
            )
        if values.ndim == 2:
            return [self.decode(row, top) for row in values]
        probabilities = softmax(values)
        order = np.argsort(-values, kind="stable")[:top]
        return [(self.wnids[i], self.labels[i], float(probabilities[i])) for i in order]

    def index(self, label: str) -> int:
        """Position among the logits of a class, by its name (any case) or WordNet id.

        Raises
        ------
        CourseError
            No such class; the message names similar ones.
        """
        wanted = str(label).lower().replace("_", " ")
        names = [name.lower() for name in self.labels]
        for known in (names, self.wnids):
            if wanted in known:
                return known.index(wanted)
        near = difflib.get_close_matches(wanted, names, 3, 0.5)
        near = near or [name for name in names if set(wanted.split()) & set(name.split())][:3]
        raise CourseError(
            f"{self.name} knows no class {label!r}"
            + (f"; similar ones: {', '.join(near)}." if near else "; `.labels` lists its classes.")
        )


def _output(model: keras.Model, pictures: Any) -> Any:
    (maps,) = model(pictures, training=False).values()
    return maps


def _mean_output(model: keras.Model, pictures: Any) -> Any:
    from course_utils.quiet import tf

    return tf.reduce_mean(_output(model, pictures), axis=(1, 2))


# ---------------------------------------------------------------------------------------------
# Loading


@dataclass(frozen=True)
class _Application:
    """A network of keras.applications: module, sizes in pixels, and the file of its weights."""

    module: str
    input_size: int
    min_size: int
    folder: str
    file: str
    size: int  # bytes, about
    md5: str | None  # as Keras checks it
    dense: tuple[int, ...] = ()  # units of dense layers before the logits

    @property
    def weights(self) -> data.Part:
        url = f"https://storage.googleapis.com/{self.folder}{self.file}"
        return data.Part(self.file, (url,), self.size, self.md5)


_TF = "tensorflow/keras-applications/"
_KERNELS = "_weights_tf_dim_ordering_tf_kernels"
APPLICATIONS = {
    "VGG16": _Application(
        "vgg16",
        224,
        32,
        _TF + "vgg16/",
        f"vgg16{_KERNELS}.h5",
        553_467_096,
        "64373286793e3c8b2b4e3219cbf3544b",
        (4096, 4096),
    ),
    "VGG19": _Application(
        "vgg19",
        224,
        32,
        _TF + "vgg19/",
        f"vgg19{_KERNELS}.h5",
        574_710_816,
        "cbe5617147190e668d6c5d5026f83318",
        (4096, 4096),
    ),
    "MobileNetV2": _Application(
        "mobilenet_v2",
        224,
        32,
        _TF + "mobilenet_v2/",
        f"mobilenet_v2{_KERNELS}_1.0_224.h5",
        14_536_120,
        None,
    ),
    "InceptionV3": _Application(
        "inception_v3",
        299,
        75,
        _TF + "inception_v3/",
        f"inception_v3{_KERNELS}.h5",
        96_112_376,
        "9a0d58056eeedaa3f26cb7ebd46da564",
    ),
    "ResNet50": _Application(
        "resnet",
        224,
        32,
        _TF + "resnet/",
        f"resnet50{_KERNELS}.h5",
        102_967_424,
        "2cb95161c43110f7111970584f804107",
    ),
    "EfficientNetB0": _Application(
        "efficientnet",
        224,
        32,
        "keras-applications/",
        "efficientnetb0.h5",
        21_834_768,
        "902e53a9f72be733fc0bcb005b3ebbac",
    ),
    "Xception": _Application(
        "xception",
        299,
        71,
        _TF + "xception/",
        f"xception{_KERNELS}.h5",
        91_884_032,
        "0a58e3b7378bc2990ea3b43d5981f1f6",
    ),
}
CLASS_INDEX = data.Part(
    "imagenet_class_index.json",
    ("https://storage.googleapis.com/download.tensorflow.org/data/imagenet_class_index.json",),
    35_363,
    "c2c37ea517e94d9795004a39431a14cb",
)
NAMES = (EMBEDDED, *APPLICATIONS)


def load(
    name: str | None = None,
    *,
    path: data.PathLike | None = None,
    pretrained: bool = True,
    pooling: str = "max",
) -> Classifier:
    """Load a classifier.

    A network with its trained weights is loaded once; later calls give the same one, with all that
    was compiled for it, as long as its weights are as they were. Train a copy
    (``keras.models.clone_model``) rather than the network itself.

    Parameters
    ----------
    name
        One of ``NAMES``, in any case; default: ``COURSE_NETWORK`` in the environment, else
        ``"embedded"``.
    path
        Weights of the embedded network in another file.
    pretrained
        False: random weights, as a control, or to look at the architecture.
    pooling
        ``"max"``, or ``"average"`` to put average pooling in place of max pooling, as Gatys et
        al. (2015) do.

    Raises
    ------
    CourseError
        Unknown name, weights that are missing or damaged, no network to download them.
    """
    name = _name(name)
    if pooling not in ("max", "average"):
        raise CourseError(f"pooling is {pooling!r}; it can be 'max' or 'average'.")
    if path is not None and name != EMBEDDED:
        raise CourseError(f"path names weights of the embedded network; {name} has its own.")
    if path is not None or not pretrained:
        return _load(name, path, pretrained, pooling)
    classifier, weights = _kept.get((name, pooling), (None, None))
    if classifier is None or _fingerprint(classifier) != weights:
        classifier = _load(name, None, True, pooling)
        _kept[name, pooling] = classifier, _fingerprint(classifier)
    return classifier


#: (name, pooling) -> the network that is shared, and the fingerprint of its weights as loaded.
_kept: dict[tuple[str, str], tuple[Classifier, int]] = {}


def _fingerprint(classifier: Classifier) -> int:
    """A number that changes when any weight does; milliseconds for a million of them."""
    value = 0
    for weight in classifier.model.weights:
        value = zlib.crc32(np.ascontiguousarray(weight.numpy()), value)
    return value


def _load(name: str, path: data.PathLike | None, pretrained: bool, pooling: str) -> Classifier:
    try:
        if name == EMBEDDED:
            classifier = _load_embedded(path, pretrained)
        else:
            classifier = _load_application(name, pretrained)
    except CourseError as error:
        raise CourseError(str(error)) from error
    return _with_average_pooling(classifier) if pooling == "average" else classifier


def _name(name: str | None) -> str:
    chosen = name or os.environ.get("COURSE_NETWORK") or EMBEDDED
    known = {known.lower(): known for known in NAMES}
    if chosen.lower() in known:
        return known[chosen.lower()]
    near = difflib.get_close_matches(chosen.lower(), known, 1)
    raise CourseError(
        f"There is no network {chosen!r}"
        + (" (from COURSE_NETWORK)" if name is None else "")
        + (f"; did you mean {known[near[0]]}?" if near else ";")
        + f" The names are {', '.join(NAMES)}."
    )


def _with_average_pooling(classifier: Classifier) -> Classifier:
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


# ---------------------------------------------------------------------------------------------
# The embedded network


def _load_embedded(path: data.PathLike | None, pretrained: bool) -> Classifier:
    widths, classes = WIDTHS, 200
    wnids = labels = _numbered(classes)
    if pretrained:
        file = data.path(EMBEDDED_FILE) if path is None else Path(path).expanduser()
        arrays = _read_embedded(file)
        wnids, labels = arrays["wnids"].tolist(), arrays["labels"].tolist()
        widths = [arrays[f"block{block}_conv1/bias"].size for block in range(1, 6)]
        classes = arrays["predictions/bias"].size
    model = slim_vgg16(widths, classes)
    if pretrained:
        for layer in model.layers:
            if layer.weights:
                layer.set_weights([arrays[f"{layer.name}/{part}"] for part in ("kernel", "bias")])
    return Classifier(model, EMBEDDED, wnids, labels, input_size=64, min_size=32)


def slim_vgg16(
    widths: Sequence[int] = WIDTHS,
    classes: int = 200,
    convolve: Callable[[Any, int, str], Any] | None = None,
) -> keras.Model:
    """VGG-16 (Simonyan and Zisserman, 2014), narrower and without its dense layers.

    The layers have the names of ``keras.applications.VGG16``. Max pooling follows blocks 1 to 4,
    a global average the fifth, so that pictures of any size from 32 pixels on have logits.

    Parameters
    ----------
    widths
        Filters of the five blocks.
    classes
        Number of logits.
    convolve
        What stands for each convolution with its ReLU: takes feature maps, filters and a name,
        returns feature maps of the same height and width (default: a 3x3 Conv2D).

    Returns
    -------
    keras.Model
        (n, h, w, 3) float RGB in [0, 1] -> (n, classes) logits; weights are random.
    """
    from course_utils.quiet import keras

    def plain(maps: Any, filters: int, name: str) -> Any:
        return keras.layers.Conv2D(filters, 3, padding="same", activation="relu", name=name)(maps)

    convolve = convolve or plain
    image = keras.Input((None, None, 3), name="image")
    # Bytes / 64 - 2: roughly zero mean and unit spread.
    maps = keras.layers.Rescaling(255 / 64, offset=-2.0, name="preprocess")(image)
    for block, (width, depth) in enumerate(zip(widths, DEPTHS, strict=True), start=1):
        for conv in range(1, depth + 1):
            maps = convolve(maps, width, f"block{block}_conv{conv}")
        if block < 5:
            maps = keras.layers.MaxPooling2D(name=f"block{block}_pool")(maps)
    vector = keras.layers.GlobalAveragePooling2D(name="global_average")(maps)
    logits = keras.layers.Dense(classes, name="predictions")(vector)
    return keras.Model(image, logits, name="slim_vgg16")


def _read_embedded(file: Path) -> dict[str, np.ndarray]:
    """Arrays of a weights file, complete, of the right shapes, and float32; never a pickle."""
    mend = "restore it, or train it again with tools/train_embedded.py."
    if not file.is_file():
        raise CourseError(f"The weights file {file} does not exist: {mend}")
    try:
        with np.load(file, allow_pickle=False) as archive:
            arrays = {key: np.asarray(archive[key]) for key in archive.files}
    except (
        ValueError,
        OSError,
        EOFError,
        KeyError,
        AttributeError,
        TypeError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise CourseError(
            f"{file} is damaged or not a file of weights ({error}): {mend}"
        ) from error
    found = arrays.get("format")
    if found is None or found.shape != () or found != EMBEDDED_FORMAT:
        raise CourseError(
            f"{file} has format {'none' if found is None else found}, and this version of the "
            f"course reads format {EMBEDDED_FORMAT}: {mend}"
        )
    if fault := _embedded_fault(arrays):
        raise CourseError(f"{file} {fault}: {mend}")
    return {
        key: value.astype(np.float32) if value.dtype.kind == "f" else value
        for key, value in arrays.items()
    }


def _embedded_fault(arrays: dict[str, np.ndarray]) -> str | None:
    """What is wrong with the arrays, as the rest of a sentence; None where all is well."""
    channels = 3
    layers = [
        f"block{block}_conv{conv}"
        for block, depth in enumerate(DEPTHS, start=1)
        for conv in range(1, depth + 1)
    ]
    known = {layer: (f"{layer}/kernel", f"{layer}/bias") for layer in [*layers, "predictions"]}
    for key in arrays:  # a deeper network's file must not pass with some of its layers left out
        if "/" in key and key not in sum(known.values(), ()):
            return f"holds {key}, and this network has no such layer"
    for layer, keys in known.items():
        for key in keys:
            if key not in arrays:
                return f"lacks the array {key}"
            if arrays[key].dtype.kind != "f" or not np.isfinite(arrays[key]).all():
                return f"holds values in {key} that are not finite floats"
        bias = arrays[f"{layer}/bias"]
        width = arrays[f"{layer[:6]}_conv1/bias"].size if layer in layers else bias.size
        kernel = (3, 3, channels, width) if layer in layers else (channels, width)
        if arrays[f"{layer}/kernel"].shape != kernel or bias.shape != (width,):
            return (
                f"has {layer} with kernel {arrays[f'{layer}/kernel'].shape} and bias {bias.shape} "
                f"where {kernel} and {(width,)} are expected"
            )
        channels = width
    for key in ("wnids", "labels"):
        if key not in arrays or arrays[key].shape != (channels,) or arrays[key].dtype.kind != "U":
            return f"lacks {key}, one text for each of {channels} classes"
    return None


def _numbered(classes: int) -> list[str]:
    """Labels of a network that has learned none."""
    return [f"class {number}" for number in range(classes)]


# ---------------------------------------------------------------------------------------------
# Networks of keras.applications


def _load_application(name: str, pretrained: bool) -> Classifier:
    spec = APPLICATIONS[name]
    wnids = labels = _numbered(1000)
    weights = None
    if pretrained:
        wnids, labels = _class_index(_cached(CLASS_INDEX, "labels"))
        weights = _cached(spec.weights, name)
    try:
        model = _build(name, spec, weights)
    except (OSError, ValueError, KeyError) as error:
        if weights is None:
            raise
        raise CourseError(
            f"{weights} is damaged or not a file of {name} weights ({_first_line(error)}): delete "
            "it, and it will be downloaded again."
        ) from error
    return Classifier(
        model, name, wnids, labels, spec.input_size, spec.min_size, fixed_size=bool(spec.dense)
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _build(name: str, spec: _Application, weights: Path | None) -> keras.Model:
    """The application behind its own preprocessing, for pictures of any size.

    Keras' preprocess_input is applied to the symbolic input, where it cannot change the user's
    array in place, as it does with NumPy arrays.
    """
    from course_utils.quiet import keras

    image = keras.Input((None, None, 3), name="image")
    preprocess = getattr(keras.applications, spec.module).preprocess_input
    pixels = preprocess(image * 255.0)
    make = getattr(keras.applications, name)
    if not spec.dense:
        # By name, not by path: only so EfficientNet adds a step of its normalization. The file
        # is in Keras' cache already, nothing is downloaded here.
        model = make(
            weights="imagenet" if weights else None,
            input_tensor=pixels,
            classifier_activation=None,
        )
    else:
        model = _with_dense_layers(make(include_top=False, weights=None, input_tensor=pixels), spec)
        if weights:
            model.load_weights(weights)
    _number_names(model)
    return model


def _with_dense_layers(base: keras.Model, spec: _Application) -> keras.Model:
    """VGG's head. Keras' own has a Flatten layer, which would fix the size for features, too."""
    from course_utils.quiet import keras

    side = spec.input_size // 32
    vector = keras.layers.Reshape((side * side * 512,), name="flatten")(base.output)
    for number, units in enumerate(spec.dense, start=1):
        vector = keras.layers.Dense(units, activation="relu", name=f"fc{number}")(vector)
    logits = keras.layers.Dense(1000, name="predictions")(vector)
    return keras.Model(base.inputs[0], logits, name=base.name)


_AUTOMATIC = re.compile(
    r"(conv2d|batch_normalization|activation|add|concatenate|rescaling|"
    r"(?:global_)?average_pooling2d|max_pooling2d)(?:_\d+)?"
)


def _number_names(model: keras.Model) -> None:
    """Number layers that Keras named itself from the start of this model, not of the session.

    InceptionV3's ``conv2d_93`` would be ``conv2d_187`` in the second copy that is loaded.
    """
    seen: Counter = Counter()
    for layer in model.layers:
        if match := _AUTOMATIC.fullmatch(layer.name):
            stem = match[1]
            layer.name = f"{stem}_{seen[stem]}" if seen[stem] else stem
            seen[stem] += 1


def _class_index(file: Path) -> tuple[list[str], list[str]]:
    """WordNet ids and readable names of the 1,000 ImageNet classes."""
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
        pairs = [known[str(number)] for number in range(1000)]
        return [wnid for wnid, _ in pairs], [name.replace("_", " ") for _, name in pairs]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CourseError(f"{file} is damaged: delete it, and it is downloaded again.") from error


def _cached(part: data.Part, what: str) -> Path:
    """A file in Keras' cache, downloaded first where it is missing or not whole."""
    from course_utils.quiet import keras

    # Keras reads KERAS_HOME once, when it is imported; so ask Keras, not the environment.
    target = Path(keras.src.backend.config.keras_home()) / "models" / part.file
    fault = data.refusal(part, target) if target.is_file() else "is not there yet"
    if fault:
        print(f"{what}: {target} {fault}; downloading {part.size / 1e6:.1f} MB, once.")
        data.download(
            part,
            target,
            help="The embedded network needs no download: networks.load('embedded').",
        )
    return target
