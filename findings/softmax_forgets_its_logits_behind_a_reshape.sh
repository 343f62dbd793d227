#!/usr/bin/env bash
# Keras 3.15.1. A cross-entropy of probabilities (from_logits=False, the default) looks whether they
# come straight from a softmax layer, and then computes from the logits that the tensor remembers. One
# Reshape in between is enough to lose them: then probabilities are clipped at 1e-7, the loss of a
# badly wrong answer stops at 16.1, and its gradient is exactly zero, so that nothing is learned.
# Seen, for logits (40, 0, 0) and label 1: loss 40 and gradient (1, -1, 0); behind Reshape 16.118 and 0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet tensorflow-cpu==2.21.0 keras==3.15.1 numpy==2.4.6
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - <<'PROGRAM'
import keras
import numpy as np
import tensorflow as tf

loss, found = keras.losses.SparseCategoricalCrossentropy(), {}
for name in ("softmax", "softmax, reshape"):
    logits = keras.Input((3,))
    answer = keras.layers.Softmax()(logits)
    if "reshape" in name:
        answer = keras.layers.Reshape((3,))(answer)
    model = keras.Model(logits, answer)
    with tf.GradientTape() as tape:
        x = tf.constant([[40.0, 0.0, 0.0]])
        tape.watch(x)
        value = loss(np.array([1]), model(x))
    found[name] = float(value), np.abs(tape.gradient(value, x)).max()
    print(name, found[name])
assert np.allclose(found["softmax"], (40, 1), rtol=1e-5)
assert np.allclose(found["softmax, reshape"], (16.118, 0), atol=1e-3)
PROGRAM
