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
}

#: All but the two that are the way to TensorFlow and Keras.
MODULES = [
    module.name
    for module in pkgutil.walk_packages(course_utils.__path__, "course_utils.")
    if module.name not in ("course_utils.quiet", "course_utils.one_thread")
]

WIDGETS = "course_utils.widgets."
#: What they all may load; and what else any module may.
OF_WIDGETS, OF_ALL = {"ipywidgets", "matplotlib"}, {"numpy", "PIL.Image"}

# One process for all would not tell which module brought what. What they may load in any case is
# loaded before: it takes most of the time.
PROBE = """
import importlib, json, os, sys
for name in sys.argv[1].split():
    importlib.import_module(name)
for name in sys.argv[2:]:
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
    widgets = [name for name in MODULES if name.startswith(WIDGETS)]
    others = [name for name in MODULES if not name.startswith(WIDGETS)]
    lines = []
    for before, names in ((OF_ALL, others), (OF_ALL | OF_WIDGETS, widgets)):
        command = [sys.executable, "-c", PROBE, " ".join(sorted(before)), *names]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        lines += done.stdout.splitlines()
    return {name: set(found) for name, found in map(json.loads, lines)}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.parametrize("name", MODULES)
def test_a_module_is_light(name: str, loaded: dict[str, set[str]]) -> None:
    allowed = ALLOWED.get(name, set()) | (OF_WIDGETS if name.startswith(WIDGETS) else set())
    assert not (HEAVY | LESS_HEAVY) & loaded[name] - allowed
