"""Pictures as vectors: descriptors, a new task on top of them, and maps of what counted.

Lessons 03, 05 and 06 derive what stands here. Networks are those of :mod:`course_utils.networks`;
`stages` finds the layers to look at, so that any of them will do.
"""

from course_utils.features.changes import CHANGES, change, similarity
from course_utils.features.descriptors import (
    PHOTOS,
    SIDE,
    check_maps,
    crops,
    extract,
    precision_at,
    stages,
    standardize,
)
from course_utils.features.looking import grad_cam, heat_on, occlusion
from course_utils.features.tasks import dense_weights, draw, small_cnn, untrained, upper_part
from course_utils.features.units import (
    SCENES,
    Peaks,
    best_patches,
    feature_maps,
    fields_inside,
    mosaic,
    peaks,
    photo_crops,
    sheet,
)

__all__ = [
    "CHANGES",
    "PHOTOS",
    "SCENES",
    "SIDE",
    "Peaks",
    "best_patches",
    "change",
    "check_maps",
    "crops",
    "dense_weights",
    "draw",
    "extract",
    "feature_maps",
    "fields_inside",
    "grad_cam",
    "heat_on",
    "mosaic",
    "occlusion",
    "peaks",
    "photo_crops",
    "precision_at",
    "sheet",
    "similarity",
    "small_cnn",
    "stages",
    "standardize",
    "untrained",
    "upper_part",
]
