"""Trained classifiers of the course: one way to use the embedded network and those of Keras.

`load()` gives the network that ships with the course; ``load("MobileNetV2")`` one of
``keras.applications`` with its ImageNet weights, which Keras downloads once. Either takes float RGB
in [0, 1], has its preprocessing inside, gives logits, and knows its labels, so that a lesson works
with both. ``COURSE_NETWORK=MobileNetV2`` in the environment changes the network of a whole run.
"""

from __future__ import annotations

import os
import zlib
from typing import TYPE_CHECKING

import numpy as np

from course_utils import ask
from course_utils.networks.applications import APPLICATIONS, load_application
from course_utils.networks.classifier import Classifier, with_average_pooling
from course_utils.networks.embedded import (
    DEPTHS,
    EMBEDDED,
    EMBEDDED_FILE,
    EMBEDDED_FORMAT,
    WIDTHS,
    load_embedded,
    slim_vgg16,
)

if TYPE_CHECKING:
    from course_utils.data import PathLike

__all__ = [
    "APPLICATIONS",
    "DEPTHS",
    "EMBEDDED",
    "EMBEDDED_FILE",
    "EMBEDDED_FORMAT",
    "NAMES",
    "WIDTHS",
    "Classifier",
    "load",
    "slim_vgg16",
]

NAMES = (EMBEDDED, *APPLICATIONS)

#: (name, pooling) -> the network that is shared, and the fingerprint of its weights as loaded.
_kept: dict[tuple[str, str], tuple[Classifier, int]] = {}


def load(
    name: str | None = None,
    *,
    path: PathLike | None = None,
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
    told = "COURSE_NETWORK" if name is None else "name"
    chosen = name or os.environ.get("COURSE_NETWORK") or EMBEDDED
    names = {known.lower(): known for known in NAMES}
    name = names.get(str(chosen).lower()) or ask.choice(told, chosen, NAMES)
    ask.choice("pooling", pooling, ("max", "average"))
    if path is not None and name != EMBEDDED:
        raise ask.CourseError(f"path is {path}; only the embedded network takes one, not {name}.")
    kept, weights = _kept.get((name, pooling), (None, None))
    if kept and path is None and pretrained and _fingerprint(kept) == weights:
        return kept
    if name == EMBEDDED:
        classifier = load_embedded(path, pretrained)
    else:
        classifier = load_application(name, pretrained)
    if pooling == "average":
        classifier = with_average_pooling(classifier)
    if path is None and pretrained:
        _kept[name, pooling] = classifier, _fingerprint(classifier)
    return classifier


def _fingerprint(classifier: Classifier) -> int:
    """A number that changes when any weight does; milliseconds for a million of them."""
    value = 0
    for weight in classifier.model.weights:
        value = zlib.crc32(np.ascontiguousarray(weight.numpy()), value)
    return value
