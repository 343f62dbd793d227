#!/usr/bin/env bash
# Keras 3.15.1 with TensorFlow 2.21.0. `variable in [...]` and `.index(variable)` compare values, not
# objects, and raise ValueError ("truth value of an array ... is ambiguous") at the first entry that is
# not the variable itself, even where a later one is. `model.weights.index(layer.bias)` thus fails; a
# dictionary by id() or by .path works. Seen: ValueError three times.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet tensorflow-cpu==2.21.0 keras==3.15.1 numpy==2.4.6
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - <<'PROGRAM'
import keras
import numpy as np

bias, other = (keras.Variable(np.zeros(3, "float32")) for _ in range(2))
layer = keras.layers.Dense(3)
layer.build((3, 3))
searches = {
    "in": lambda: bias in [other],
    "in, second": lambda: bias in [other, bias],
    "index": lambda: layer.weights.index(layer.bias),
}
errors = {}
for name, search in searches.items():
    try:
        print(search())
    except Exception as error:
        errors[name] = type(error).__name__
print("errors:", errors)
assert list(errors.values()) == ["ValueError"] * 3
PROGRAM
