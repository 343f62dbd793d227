"""Interactive figures that also make sense on paper.

A widget of this course is a function ``frame(**values)`` that turns the values of its controls into
a `Frame`: some pictures and a line or two of text. `explore` shows the controls and keeps the frame
up to date. Where nothing can answer (a notebook that is being saved or tested, with the environment
variable ``COURSE_STATIC`` set), it shows the frame of the starting values instead.
"""

from course_utils.images import outline
from course_utils.live import track
from course_utils.widgets.frame import OWN, Frame, explore, own_file, own_file_controls

__all__ = [
    "OWN",
    "Frame",
    "explore",
    "outline",
    "own_file",
    "own_file_controls",
    "track",
]
