"""Keras and TensorFlow, imported without their log lines.

``from course_utils.quiet import keras`` loads TensorFlow on first use. Its C++ side writes
time-stamped lines to file descriptor 2 while it is imported, below Python's ``sys.stderr``, so
the descriptor itself is pointed elsewhere for these few seconds. Should the import fail, what was
written is shown after all.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator

# Later messages of the C++ side: errors only. An explicit choice of the user is respected.
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


with _stderr_held_back():
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        # The first operation writes one more line about the processor.
        tf.zeros(())
    else:
        tf = None

__all__ = ["keras", "tf"]
