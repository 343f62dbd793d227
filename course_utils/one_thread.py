"""Keras and TensorFlow as `course_utils.quiet` has them, with one thread: for small networks.

``from course_utils.one_thread import keras, tf``, before anything else imports TensorFlow. Where an
operation takes microseconds, several threads spend more time on waking and waiting for one another
than on sums: small trainings take up to twice the processor's time with two threads, and hardly
less time on the clock. A number of threads that the environment states
(``TF_NUM_INTRAOP_THREADS``) counts more.
"""

from __future__ import annotations

import os

from threadpoolctl import threadpool_limits

# TensorFlow reads them when it computes for the first time.
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
threadpool_limits(int(os.environ["TF_NUM_INTRAOP_THREADS"]) or None)  # NumPy's and scikit-learn's

from course_utils.quiet import keras, tf  # noqa: E402

__all__ = ["keras", "tf"]
