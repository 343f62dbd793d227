"""Keras as the course needs it, whatever another course, the shell or a cell has set."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import numpy as np
import pytest

from course_utils import (
    activations,
    adversarial,
    doctor,
    dream,
    features,
    networks,
    quiet,
    sounds,
    training,
)
from course_utils.quiet import keras

ROOT = Path(__file__).resolve().parents[1]
STRANGE = {
    "backend": "theano",
    "image_data_format": "channels_first",
    "floatx": "float16",
    "epsilon": 0.1,
}
PICTURE = np.linspace(0, 1, 48 * 48 * 3, dtype=np.float32).reshape(48, 48, 3)


def answers() -> dict[str, list[float]]:
    """What the course computes with a network of pictures and one of sounds."""
    network = networks.load("embedded")
    dreamed = dream.dream(network, PICTURE, "block2_conv1", octaves=1, steps=1)
    clip = np.sin(np.arange(sounds.CLIP, dtype=np.float32))[None]
    return {
        "logits": network.predict(PICTURE).tolist(),
        "dream": dreamed.picture.ravel().tolist(),
        "sounds": sounds.digit_network(seed=0)(clip).numpy().ravel().tolist(),
    }


def started(program: str, folder: Path, settings: dict[str, Any], **environment: str) -> Any:
    """A new process in which Keras finds `settings` in its file, and these in the environment."""
    (folder / "keras.json").write_text(json.dumps(settings))
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("KERAS", "TF_"))}
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**kept, "KERAS_HOME": str(folder), **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


def test_what_another_course_left_changes_nothing_and_stays(tmp_path: Path) -> None:
    program = (
        "import json, os\n"
        "from course_utils.quiet import keras\n"
        "from tests import test_quiet\n"
        "found = keras.backend.backend(), os.environ['TF_ENABLE_ONEDNN_OPTS']\n"
        "print(json.dumps([found, test_quiet.answers()]))\n"
    )
    strangers = {"KERAS_BACKEND": "jax", "TF_USE_LEGACY_KERAS": "1"}
    run = started(program, tmp_path, STRANGE, **strangers)
    assert run.returncode == 0, run.stderr
    assert run.stderr == "", "the import is silent"
    found, there = json.loads(run.stdout)
    assert found == ["tensorflow", "1"]
    for name, here in answers().items():
        np.testing.assert_allclose(there[name], here, rtol=1e-3, atol=1e-4, err_msg=name)
    assert json.loads((tmp_path / "keras.json").read_text()) == STRANGE


def test_a_file_that_keras_refuses_is_told_in_a_sentence(tmp_path: Path) -> None:
    program = (
        "import os\n"
        "try:\n"
        "    import course_utils.quiet\n"
        "except ImportError as error:\n"
        "    print(error, os.environ['TF_ENABLE_ONEDNN_OPTS'], sep='\\n')\n"
    )
    run = started(program, tmp_path, {"floatx": "float8"}, TF_ENABLE_ONEDNN_OPTS="0")
    sentence, choice = run.stdout.splitlines()
    assert f"Delete {tmp_path / 'keras.json'}" in sentence and "float8" in sentence
    assert choice == "0", "whoever turned oneDNN off keeps it so"


@pytest.fixture
def settings_restored() -> Iterator[None]:
    yield
    quiet.restore()


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("dtype_policy", "mixed_float16"),
        ("floatx", "float64"),
        ("image_data_format", "channels_first"),
        ("epsilon", 1e-3),
    ],
)
@pytest.mark.usefixtures("settings_restored")
def test_what_a_cell_sets_later_is_told_in_a_sentence(setting: str, value: Any) -> None:
    getattr(keras.config, f"set_{setting}")(value)
    needed = quiet.SETTINGS[setting]
    with pytest.raises(RuntimeError, match=f"{setting} is {value}, .* needs {needed}") as error:
        networks.load(pretrained=False)
    _, _, advice = str(error.value).partition("run ")
    advice, _, _ = advice.partition(",")
    eval(advice, {"keras": keras})  # the sentence is right
    networks.load(pretrained=False)


def test_another_backend_before_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    before = SimpleNamespace(backend=lambda: "jax")
    monkeypatch.setitem(sys.modules, "keras.src.backend.config", before)
    with pytest.raises(ImportError, match=r"backend jax, .*restart the kernel"):
        quiet._refuse_other_backend()


def test_quiet_has_nothing_but_its_names() -> None:
    with pytest.raises(AttributeError, match="no attribute 'torch'"):
        quiet.torch  # noqa: B018


def test_the_doctor_names_the_settings_that_are_set_here() -> None:
    here = {"backend": "tensorflow", **quiet.SETTINGS}
    del here["dtype_policy"]  # no file says it
    assert doctor.KERAS_SETTINGS == here


@pytest.fixture(scope="module")
def pooled() -> keras.Model:
    """Of layers whose oneDNN kernels fail on an empty batch, or even end the process."""
    picture = keras.Input((None, None, 3))
    maps = keras.layers.Activation("relu")(keras.layers.Conv2D(2, 3)(picture))
    vector = keras.layers.GlobalAveragePooling2D()(keras.layers.MaxPooling2D(2)(maps))
    return keras.Model(picture, keras.layers.Dense(3)(vector))


@pytest.mark.parametrize(
    "ask",
    [
        lambda model, x, y: training.Stack([model]).accuracy(x, y),
        lambda model, x, y: activations.dead_share(model, x),
        lambda model, x, y: activations.gradient_norms(model, x, y),
        lambda model, x, y: training.Stack([model]).fit(x, y, keras.optimizers.SGD()),
        lambda model, x, y: activations.peaks(networks.load(), ["block1_pool"], x),
        lambda model, x, y: adversarial.keras_victim(model).predict(x),
        lambda model, x, y: adversarial.keras_victim(model).gradient(x, y),
        lambda model, x, y: adversarial.fgsm(adversarial.keras_victim(model), x, y, 0.1),
        lambda model, x, y: adversarial.pgd(adversarial.keras_victim(model), x, y, 0.1),
        lambda model, x, y: features.extract(networks.load(), x),
    ],
)
def test_an_empty_batch_is_told_in_a_sentence(pooled: keras.Model, ask: Callable) -> None:
    nothing = np.zeros((0, 64, 64, 3), np.float32)
    with pytest.raises(ValueError, match=r"here are no .*; give at least one"):
        ask(pooled, nothing, np.zeros(0, np.int64))


def _sources() -> Iterator[tuple[str, str]]:
    for folder in ("course_utils", "tools"):
        for file in (ROOT / folder).rglob("*.py"):
            yield str(file.relative_to(ROOT)), file.read_text(encoding="utf-8")
    for file in sorted((ROOT / "notebooks").glob("*.ipynb")):
        for cell in nbformat.read(file, 4).cells:
            if cell.cell_type == "code":
                lines = ("" if line[:1] in "%!" else line for line in cell.source.splitlines())
                yield file.name, "\n".join(lines)


def _imports(node: ast.AST) -> Iterator[str]:
    """Packages that the code imports, leaving out what only type checkers read."""
    if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
        return
    if isinstance(node, ast.Import):
        yield from (name.name.partition(".")[0] for name in node.names)
    if isinstance(node, ast.ImportFrom) and node.module:
        yield node.module.partition(".")[0]
    for child in ast.iter_child_nodes(node):
        yield from _imports(child)


def test_there_is_no_way_round() -> None:
    users = [
        name
        for name, source in _sources()
        if {"keras", "tensorflow"} & set(_imports(ast.parse(source)))
    ]
    assert users == ["course_utils/quiet.py"]


def test_one_thread_unless_the_user_says_otherwise() -> None:
    code = (
        "import os, numpy, threadpoolctl\n"
        "from course_utils.one_thread import keras, tf\n"
        "blas = {pool['num_threads'] for pool in threadpoolctl.threadpool_info()}\n"
        "threads = [os.environ[f'TF_NUM_{kind}OP_THREADS'] for kind in ('INTRA', 'INTER')]\n"
        "print(*threads, 1 in blas)"
    )
    for chosen, expected in (({}, "1 1 True"), ({"TF_NUM_INTRAOP_THREADS": "3"}, "3 1 False")):
        env = {k: v for k, v in os.environ.items() if "_THREADS" not in k} | chosen
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
        assert done.stdout.strip() == expected, done.stderr
