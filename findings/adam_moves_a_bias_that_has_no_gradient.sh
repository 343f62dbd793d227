#!/usr/bin/env bash
# Keras 3.15.1 with TensorFlow 2.21.0. A bias before batch normalization cannot change the loss: its
# gradient is zero but for rounding (1e-8). Plain gradient descent leaves it alone. Adam divides by the
# size of the gradients it has seen, so that rounding alone moves the bias a million times as far.
# Seen: SGD 8e-10, Adam 3e-3 after 100 steps with the same rate. Matters to whoever compares weights of
# two runs: this bias differs from one processor to another, while all answers agree.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet tensorflow-cpu==2.21.0 keras==3.15.1 numpy==2.4.6
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - <<'PROGRAM'
import keras
import numpy as np

random = np.random.default_rng(0)
x, labels = random.normal(size=(256, 8)).astype("float32"), random.integers(3, size=256)
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
moved = {}
for optimizer in (keras.optimizers.SGD(0.01), keras.optimizers.Adam(0.01)):
    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((8,)),
            layers.Dense(16),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Dense(3),
        ]
    )
    model.compile(optimizer, loss)
    model.fit(x, labels, batch_size=64, epochs=25, verbose=0)
    moved[optimizer.name] = float(np.abs(model.layers[0].bias).max())
print("largest change of the bias, from 0:", moved)
assert moved["sgd"] < 1e-6
assert moved["adam"] > 1e-4
PROGRAM
