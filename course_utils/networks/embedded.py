"""The network that ships with the course: VGG-16, a quarter as wide, without its dense layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils import data
from course_utils.ask import CourseError
from course_utils.networks.classifier import Classifier

if TYPE_CHECKING:
    import keras

EMBEDDED = "embedded"
EMBEDDED_FILE = "embedded/slim_vgg16.npz"
EMBEDDED_FORMAT = 1
WIDTHS = (16, 32, 64, 128, 128)  # a quarter of VGG-16's
DEPTHS = (2, 2, 3, 3, 3)


def load_embedded(path: data.PathLike | None = None, pretrained: bool = True) -> Classifier:
    """The embedded network, see `course_utils.networks.load`."""
    if pretrained:
        model, wnids, labels = _read(data.path(EMBEDDED_FILE) if path is None else Path(path))
    else:
        model = slim_vgg16()
        wnids = labels = [f"class {number}" for number in range(200)]
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


def _read(file: Path) -> tuple[keras.Model, list[str], list[str]]:
    """The network in a file of weights, complete and finite, and its classes; never a pickle."""
    try:
        with np.load(file.expanduser(), allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
        if arrays.pop("format") != EMBEDDED_FORMAT:
            raise ValueError(f"another format than {EMBEDDED_FORMAT}")
        wnids, labels = (arrays.pop(key).astype(str).tolist() for key in ("wnids", "labels"))
        model = _filled(arrays)
        if not len(wnids) == len(labels) == model.output_shape[-1]:
            raise ValueError(
                f"{len(wnids)} wnids, {len(labels)} labels for {model.output_shape[-1]} logits"
            )
        return model, wnids, labels
    except Exception as error:  # those of zip, zlib, NumPy and Keras have no common ancestor
        raise CourseError(
            f"{file} is missing, damaged or not a file of weights ({type(error).__name__}: "
            f"{error}): restore it, or train it again with tools/data/train_embedded.py."
        ) from error


def _filled(arrays: dict[str, np.ndarray]) -> keras.Model:
    """A model with these weights: one array for each of its variables, of the same shape."""
    widths = [arrays[f"block{block}_conv1/bias"].size for block in range(1, 6)]
    model = slim_vgg16(widths, arrays["predictions/bias"].size)
    for layer in model.layers:
        if layer.weights:
            pair = [arrays.pop(f"{layer.name}/{part}") for part in ("kernel", "bias")]
            if not all(array.dtype.kind == "f" and np.isfinite(array).all() for array in pair):
                raise ValueError(f"{layer.name} has values that are not finite floats")
            layer.set_weights(pair)
    if arrays:  # a deeper network's file must not pass with some of its layers left out
        raise ValueError(f"{', '.join(arrays)} belong to no layer")
    return model
