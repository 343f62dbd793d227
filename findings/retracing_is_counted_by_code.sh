#!/usr/bin/env bash
# TensorFlow 2.21.0. The warning '5 out of the last 5 calls ... triggered tf.function retracing' counts
# by the code object of a Python function, not by the tf.function: twelve functions that one `def` in a
# loop made, each traced exactly once, are warned about. The same twelve as functools.partial objects
# of one function bring no warning. Seen: 2 warnings (then TensorFlow stops warning), and 0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet tensorflow-cpu==2.21.0 keras==3.15.1 numpy==2.4.6
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - <<'PROGRAM'
import functools
import logging

import tensorflow as tf


class Count(logging.Handler):
    seen = 0

    def emit(self, record):
        self.seen += "retracing" in record.getMessage()


def scaled(factor, x):
    return x * factor


def made(factor, way):
    if way == "partial":
        return functools.partial(scaled, factor)

    def closure(x):
        return x * factor

    return closure


seen = {}
for way in ("closure", "partial"):
    count = Count()
    tf.get_logger().addHandler(count)
    for factor in range(12):
        graph = tf.function(made(float(factor), way))
        graph(tf.constant(1.0))
        assert graph.experimental_get_tracing_count() == 1
    tf.get_logger().removeHandler(count)
    seen[way] = count.seen
print("warnings:", seen)
assert seen == {"closure": 2, "partial": 0}
PROGRAM
