#!/usr/bin/env bash
# Keras 3.15.1. Variables made inside `keras.StatelessScope(initialize_variables=False)` get no value,
# and stay, after the scope has ended, in a list of the thread (global_state, 'uninitialized_variables').
# So a program that builds throw-away models in such scopes, for example to read their shapes, keeps
# every one of them in memory. Seen: the variable is in the list, and nothing else refers to it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet tensorflow-cpu==2.21.0 keras==3.15.1 numpy==2.4.6
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - <<'PROGRAM'
import gc
import weakref

import keras
from keras.src.backend.common import global_state

with keras.StatelessScope(initialize_variables=False):
    layer = keras.layers.Dense(1000)
    layer.build((None, 1000))
kept = weakref.ref(layer.kernel)
del layer
gc.collect()
names = [v.path for v in global_state.get_global_attribute("uninitialized_variables")]
print("kept after the scope:", names)
assert kept() is not None
assert len(names) == 2
PROGRAM
