"""Keras and TensorFlow, imported without their log lines and set as the course needs them.

``from course_utils.quiet import keras`` loads TensorFlow on first use. Its C++ side writes
time-stamped lines to file descriptor 2 while it is imported, below Python's ``sys.stderr``, so
the descriptor itself is pointed elsewhere for these few seconds. Should the import fail, what was
written is shown after all.

Another backend, channels first or another kind of floats, left in ``~/.keras/keras.json`` or in
the environment by another course, do not count here; the file stays as it is. What a cell sets
later is not undone, but told: every function of the course that needs Keras imports it from here,
and each time it is asked whether the settings are still `SETTINGS`.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from course_utils.ask import CourseError
from course_utils.doctor import KERAS_SETTINGS

if TYPE_CHECKING:
    import keras

#: What the course computes with, by the names of ``keras.config``.
SETTINGS = {**KERAS_SETTINGS, "dtype_policy": "float32"}

os.environ["KERAS_BACKEND"] = SETTINGS.pop("backend")  # counts more than keras.json
# Two choices that the user may have made otherwise. TensorFlow leaves oneDNN off on some processors
# where attacks and style steps are 1.6 to 2.3 times as fast with it. Of later messages of the C++
# side, only errors are shown.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@contextlib.contextmanager
def _stderr_held_back() -> Iterator[None]:
    sys.stderr.flush()
    keep = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(keep, held.read())
            raise
        finally:
            os.dup2(keep, 2)
            os.close(keep)


def __getattr__(name: str) -> Any:
    """Keras, as long as its settings are those of the course."""
    if name != "keras":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    for setting, value in SETTINGS.items():
        found = getattr(_keras.config, setting)()
        found = getattr(found, "name", found)  # of a dtype policy
        if found != value:
            raise CourseError(
                f"Keras' {setting} is {found}, and the course needs {value}: run "
                f"keras.config.set_{setting}({value!r}), and build your networks anew."
            )
    return _keras


def restore() -> None:
    """Set Keras as the course needs it."""
    for setting, value in SETTINGS.items():
        getattr(_keras.config, f"set_{setting}")(value)


# Keras settles on a backend once, even where importing that backend fails then.
_before = sys.modules.get("keras.src.backend.config")
if _before and _before.backend() != "tensorflow":
    raise ImportError(
        f"Keras was imported before with the backend {_before.backend()}, and the course needs "
        "tensorflow: restart the kernel, and run the first cell of the lesson first."
    )
with _stderr_held_back():
    try:
        import keras as _keras
    except ValueError as error:
        if not str(error).startswith("Invalid `"):
            raise
        file = os.path.join(os.environ.get("KERAS_HOME") or "~/.keras", "keras.json")
        raise ImportError(
            f"Delete {file}, which Keras refuses, and run this again: {error}"
        ) from None
    import tensorflow as tf

    # The first operation writes one more line about the processor.
    tf.zeros(())

restore()

__all__ = ["SETTINGS", "keras", "restore", "tf"]
