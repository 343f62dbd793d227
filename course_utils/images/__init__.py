"""Pictures in and out: one reader, one set of checks, one way to look.

A picture is a NumPy array, float32 in [0, 1]: ``(height, width, 3)`` in color (RGB) or
``(height, width)`` in gray. Whatever cannot become one raises `CourseError` with one sentence.
"""

from course_utils.images.changing import center_crop, resize, save, to_gray, to_png, to_uint8
from course_utils.images.checking import MAX_PIXELS, validate
from course_utils.images.reading import SAMPLES, load, sample
from course_utils.images.showing import animate, outline, show, to_gif

__all__ = [
    "MAX_PIXELS",
    "SAMPLES",
    "animate",
    "center_crop",
    "load",
    "outline",
    "resize",
    "sample",
    "save",
    "show",
    "to_gif",
    "to_gray",
    "to_png",
    "to_uint8",
    "validate",
]
