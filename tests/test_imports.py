"""Importing the package is quick: what takes seconds is loaded by the function that needs it."""

from __future__ import annotations

import json
import os
import pkgutil
import subprocess
import sys

import pytest

import course_utils

HEAVY = {"tensorflow", "keras", "sklearn", "skimage", "matplotlib.pyplot", "scipy.ndimage"}
LESS_HEAVY = {"matplotlib", "scipy", "ipywidgets"}
#: Modules in whose subject one of these is at home -> what they may load.
ALLOWED = {
    "course_utils.activations": {"scipy"},
    "course_utils.exercises.lesson_03": {"scipy"},
    "course_utils.widgets.activation_explorer": LESS_HEAVY,
    "course_utils.widgets.attack_explorer": LESS_HEAVY,  # softmax of lesson 03
}

#: All but the two that are the way to TensorFlow and Keras.
MODULES = [
    module.name
    for module in pkgutil.walk_packages(course_utils.__path__, "course_utils.")
    if module.name not in ("course_utils.quiet", "course_utils.one_thread")
]

# One process for all would not tell which module brought what.
PROBE = """
import importlib, json, os, sys
for name in sys.argv[1:]:
    child = os.fork()
    if not child:
        importlib.import_module(name)
        print(json.dumps([name, sorted(sys.modules)]), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


@pytest.fixture(scope="module")
def loaded() -> dict[str, set[str]]:
    """Module -> all that its import loads, from a fresh start each."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *MODULES], capture_output=True, text=True, check=True
    )
    return {name: set(found) for name, found in map(json.loads, done.stdout.splitlines())}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.parametrize("name", MODULES)
def test_a_module_is_light(name: str, loaded: dict[str, set[str]]) -> None:
    of_a_widget = (
        {"ipywidgets", "matplotlib"} if name.startswith("course_utils.widgets.") else set()
    )
    allowed = ALLOWED.get(name, set()) | of_a_widget
    assert not (HEAVY | LESS_HEAVY) & loaded[name] - allowed
