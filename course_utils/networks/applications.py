"""Networks of keras.applications, which downloads their weights and keeps them."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from course_utils.ask import CourseError
from course_utils.networks.classifier import Classifier

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Application:
    """A network of keras.applications: module, sizes in pixels, dense layers before the logits."""

    module: str
    input_size: int = 224
    min_size: int = 32
    dense: tuple[int, ...] = ()


APPLICATIONS = {
    "VGG16": Application("vgg16", dense=(4096, 4096)),
    "VGG19": Application("vgg19", dense=(4096, 4096)),
    "MobileNetV2": Application("mobilenet_v2"),
    "InceptionV3": Application("inception_v3", 299, 75),
    "ResNet50": Application("resnet"),
    "EfficientNetB0": Application("efficientnet"),
    "Xception": Application("xception", 299, 71),
}


def load_application(name: str, pretrained: bool) -> Classifier:
    """One of ``APPLICATIONS``, see `course_utils.networks.load`."""
    spec = APPLICATIONS[name]
    if pretrained:
        try:
            wnids, labels = _classes()
            model = _build(name, spec, "imagenet")
        except Exception as error:  # Keras raises no more than that where the network is missing
            raise CourseError(
                f"{name} could not be loaded ({error}): Keras downloads it once, so check the "
                "network; if a file is damaged, delete it from the folder models in ~/.keras (or "
                "KERAS_HOME). networks.load('embedded') needs neither."
            ) from error
    else:
        wnids = labels = [f"class {number}" for number in range(1000)]
        model = _build(name, spec, None)
    return Classifier(
        model, name, wnids, labels, spec.input_size, spec.min_size, fixed_size=bool(spec.dense)
    )


def _classes() -> tuple[list[str], list[str]]:
    """WordNet ids and readable names of the 1,000 ImageNet classes."""
    from course_utils.quiet import keras

    falling = -np.arange(1000.0)[None]
    decode = keras.applications.imagenet_utils.decode_predictions
    wnids, names, _ = zip(*decode(falling, top=1000)[0], strict=True)
    return list(wnids), [name.replace("_", " ") for name in names]


def _build(name: str, spec: Application, weights: str | None) -> keras.Model:
    """The application behind its own preprocessing, for pictures of any size.

    Keras' preprocess_input is applied to the symbolic input, where it cannot change the user's
    array in place, as it does with NumPy arrays.
    """
    from course_utils.quiet import keras

    image = keras.Input((None, None, 3), name="image")
    preprocess = getattr(keras.applications, spec.module).preprocess_input
    pixels = preprocess(image * 255.0)
    make = getattr(keras.applications, name)
    if spec.dense:
        model = _with_dense_layers(make(include_top=False, weights=None, input_tensor=pixels), spec)
        for layer in make(weights=weights).layers if weights else ():
            if layer.weights:
                model.get_layer(layer.name).set_weights(layer.get_weights())
    else:
        model = make(weights=weights, input_tensor=pixels, classifier_activation=None)
    _number_names(model)
    return model


def _with_dense_layers(base: keras.Model, spec: Application) -> keras.Model:
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
