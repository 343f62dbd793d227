"""Keras as the course needs it, whatever another course, the shell or a cell has set."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from course_utils import activations, adversarial, dream, networks, quiet, sounds, training
from course_utils.ask import CourseError
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
        "of = keras.config\n"
        "found = [of.backend(), of.image_data_format(), of.floatx(), of.epsilon()]\n"
        "found += [of.dtype_policy().name, os.environ['TF_ENABLE_ONEDNN_OPTS']]\n"
        "print(json.dumps([found, test_quiet.answers()]))\n"
    )
    strangers = {"KERAS_BACKEND": "jax", "TF_USE_LEGACY_KERAS": "1"}
    run = started(program, tmp_path, STRANGE, **strangers)
    assert run.returncode == 0, run.stderr
    assert run.stderr == "", "the import is silent"
    found, there = json.loads(run.stdout)
    assert found == ["tensorflow", "channels_last", "float32", 1e-7, "float32", "1"]
    for name, here in answers().items():
        np.testing.assert_allclose(there[name], here, rtol=1e-3, atol=1e-4, err_msg=name)
    assert json.loads((tmp_path / "keras.json").read_text()) == STRANGE


@pytest.mark.parametrize(
    ("before", "settings", "words"),
    [
        ("", {"floatx": "float8"}, ("Delete ", "keras.json", "float8")),
        ("import keras", {"backend": "jax"}, ("backend jax", "restart the kernel")),
    ],
)
def test_what_cannot_be_mended_is_told_in_a_sentence(
    tmp_path: Path, before: str, settings: dict[str, str], words: tuple[str, ...]
) -> None:
    program = (
        "import contextlib, os\n"
        "with contextlib.suppress(ImportError):  # of jax, which is not installed\n"
        f"    {before or 'pass'}\n"
        "try:\n"
        "    import course_utils.quiet\n"
        "except ImportError as error:\n"
        "    print(error, os.environ['TF_ENABLE_ONEDNN_OPTS'], sep='\\n')\n"
    )
    run = started(program, tmp_path, settings, TF_ENABLE_ONEDNN_OPTS="0")
    *_, sentence, choice = run.stdout.splitlines()
    assert all(word in sentence for word in words)
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
    with pytest.raises(CourseError, match=f"{setting} is {value}, .* needs {needed}") as error:
        quiet.keras  # noqa: B018
    _, _, advice = str(error.value).partition("run ")
    advice, _, _ = advice.partition(",")
    eval(advice, {"keras": keras})  # the sentence is right
    assert quiet.keras is keras


def test_quiet_has_nothing_but_its_names() -> None:
    with pytest.raises(AttributeError, match="no attribute 'torch'"):
        quiet.torch  # noqa: B018


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
        lambda model, x, y: adversarial.keras_victim(model).predict(x),
        lambda model, x, y: adversarial.keras_victim(model).gradient(x, y),
        lambda model, x, y: adversarial.fgsm(adversarial.keras_victim(model), x, y, 0.1),
    ],
)
def test_an_empty_batch_is_told_in_a_sentence(pooled: keras.Model, ask: Callable) -> None:
    nothing = np.zeros((0, 64, 64, 3), np.float32)
    with pytest.raises(ValueError, match=r"here are no .*; give at least one"):
        ask(pooled, nothing, np.zeros(0, np.int64))


def test_there_is_no_way_round() -> None:
    files = [*(ROOT / "course_utils").rglob("*.py"), *(ROOT / "notebooks").glob("*.ipynb")]
    files += [file for file in (ROOT / "tools").rglob("*.py") if "tests" not in file.parts]
    users = []
    for file in files:
        read_by_python = re.sub(
            r"^if TYPE_CHECKING:\n(?:    .*\n)+", "", file.read_text(encoding="utf-8"), flags=re.M
        )
        # Lines of a notebook begin with a quotation mark.
        if re.search(r'^[ "]*(?:import|from) (?:keras|tensorflow)\b', read_by_python, re.M):
            users.append(str(file.relative_to(ROOT)))
    assert users == ["course_utils/quiet.py"]


def test_one_thread_unless_the_user_says_otherwise() -> None:
    # A stand-in for the module that loads TensorFlow sees what that would find.
    code = (
        "import os, sys, types, numpy, threadpoolctl\n"
        "class Quiet(types.ModuleType):\n"
        "    def __getattr__(self, name):\n"
        "        if name in ('keras', 'tf'):\n"
        "            kinds = ('INTRA', 'INTER')\n"
        "            return [os.environ.get(f'TF_NUM_{kind}OP_THREADS') for kind in kinds]\n"
        "        raise AttributeError(name)\n"
        "sys.modules['course_utils.quiet'] = Quiet('course_utils.quiet')\n"
        "from course_utils.one_thread import keras, tf\n"
        "blas = {pool['num_threads'] for pool in threadpoolctl.threadpool_info()}\n"
        "assert tf == keras\n"
        "print(*keras, 1 in blas)"
    )
    for chosen, expected in (({}, "1 1 True"), ({"TF_NUM_INTRAOP_THREADS": "3"}, "3 1 False")):
        env = {k: v for k, v in os.environ.items() if "_THREADS" not in k} | chosen
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
        assert done.stdout.strip() == expected, done.stderr
