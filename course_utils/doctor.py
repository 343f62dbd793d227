"""What may be wrong with a set-up, and how to mend it: ``python -m course_utils doctor``.

Each check is a function that takes the facts it judges as arguments (by default those of this
machine) and returns :class:`Result` objects, so that a notebook can show them and a test can
invent a broken machine. Nothing here imports TensorFlow into this process: that takes seconds and
may be the very thing that crashes.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal, NamedTuple

ROOT = Path(__file__).resolve().parent.parent

# How the system ends a program at an instruction that the processor lacks: SIGILL, and Windows'
# STATUS_ILLEGAL_INSTRUCTION.
ILLEGAL_INSTRUCTION = (-4, 0xC000001D)

MEMORY_NEEDED = 4 * 10**9  # bytes; the largest lesson stays below
DISK_NEEDED = 10**9  # bytes; for outputs, progress and the data sets that are fetched on request
TENSORFLOW_TIMEOUT = 120.0  # seconds; the first import after an installation may be slow

# What `course_utils.quiet` sees to: the settings of Keras' own file.
KERAS_SETTINGS = {
    "backend": "tensorflow",
    "image_data_format": "channels_last",
    "floatx": "float32",
    "epsilon": 1e-7,
}

# A convolution of ones with ones: each of the 3x3 products is 1, so the answer is 9. Keras and
# TensorFlow are imported as the lessons do.
TENSORFLOW_PROBE = """
import json
from course_utils.quiet import keras, tf
answer = keras.layers.Conv2D(1, 3, kernel_initializer="ones")(tf.ones((1, 3, 3, 1)))
gpus = [tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name)
        for gpu in tf.config.list_physical_devices("GPU")]
print(json.dumps({"version": tf.__version__, "answer": float(answer[0, 0, 0, 0]), "gpus": gpus}))
"""


class Advice(NamedTuple):
    """What to do in the environment that the doctor runs in."""

    install: str
    reinstall: str
    start: str


def advice(prefix: str = sys.prefix, platform: str = sys.platform) -> Advice:
    """The advice for the environment in a folder: that of course.py, or one of conda or pip."""
    if Path(prefix).resolve() == (ROOT / ".venv").resolve():
        course = "py course.py" if platform == "win32" else "python3 course.py"
        install = f"run `{course}` in the course's folder"
        return Advice(
            install, f"delete the folder .venv, then {install}", f"start Jupyter with `{course}`"
        )
    return Advice(
        "run `python -m pip install -r requirements.txt` in the course's folder",
        "make this environment anew as README.md says under Other ways to set it up",
        "start Jupyter with `python -m jupyterlab`",
    )


INSTALL, REINSTALL, START = advice()


@dataclass(frozen=True)
class Result:
    """The outcome of one check: what was found, and what to do about it, if anything.

    With ``WARN`` the course works, but something may be slow or is missing for the tests; with
    ``FAIL`` lessons will not run.
    """

    status: Literal["OK", "WARN", "FAIL"]
    text: str
    mend: str = ""

    def __str__(self) -> str:
        return f"[{self.status:^4}] {self.text}" + (f" -> {self.mend}" if self.mend else "")


# --- Python and packages ------------------------------------------------------------------------


def read_project() -> dict[str, Any]:
    """The table ``[project]`` of the course's pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def installed_version(name: str) -> str | None:
    """The version of an installed package, or None, without importing it."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def check_python(version: str = "", project: Mapping[str, Any] | None = None) -> Result:
    """The running Python (or a version such as "3.12.1") against ``requires-python``."""
    from packaging.specifiers import SpecifierSet

    version = version or ".".join(map(str, sys.version_info[:3]))
    wanted = (project or read_project())["requires-python"]
    if SpecifierSet(wanted).contains(version):
        return Result("OK", f"Python {version} ({sys.prefix})")
    mend = f"install Python 3.12, then {REINSTALL}"
    return Result("FAIL", f"Python {version} is outside {wanted}", mend)


def _misfits(
    requirements: Iterable[str], version_of: Callable[[str], str | None]
) -> tuple[list[str], int]:
    """What is missing or of a wrong version, and how many requirements apply here."""
    from packaging.requirements import Requirement

    misfits, count = [], 0
    for requirement in map(Requirement, requirements):
        if requirement.marker and not requirement.marker.evaluate():
            continue
        count += 1
        version = version_of(requirement.name)
        if version is None:
            misfits.append(f"{requirement.name} is missing")
        elif not requirement.specifier.contains(version, prereleases=True):
            misfits.append(f"{requirement.name} {version} is not {requirement.specifier}")
    return misfits, count


def check_packages(
    version_of: Callable[[str], str | None] = installed_version,
    project: Mapping[str, Any] | None = None,
) -> list[Result]:
    """The versions of installed packages against the ranges of pyproject.toml."""
    project = project or read_project()
    extras = project["optional-dependencies"]
    misfits, count = _misfits(project["dependencies"], version_of)
    # TensorFlow comes from one of two extras; that which fits better is the one meant.
    misfits += min((_misfits(extras[name], version_of)[0] for name in ("cpu", "gpu")), key=len)
    results = [Result("FAIL", misfit, INSTALL) for misfit in misfits]
    if not results:
        results.append(Result("OK", f"{count + 1} packages of the lessons in their ranges"))
    missing, count = _misfits(extras["test"], version_of)
    if missing:
        return [*results, Result("WARN", f"for the tests: {', '.join(missing)}", INSTALL)]
    return [*results, Result("OK", f"{count} packages of the tests in their ranges")]


# --- room ---------------------------------------------------------------------------------------


def memory_free(group: Path = Path("/sys/fs/cgroup")) -> int:
    """The bytes of memory that programs may still take, in a container those of its limit.

    The folder is where Linux (cgroup v2) says what a container may take and takes.
    """
    import psutil

    free = psutil.virtual_memory().available
    try:
        limit, used = (int((group / name).read_text()) for name in ("memory.max", "memory.current"))
        lines = (group / "memory.stat").read_text().splitlines()
        # Copies of files that were read count as used, and go as soon as a program needs room.
        copies = int(dict(line.split() for line in lines)["inactive_file"])
        return max(0, min(free, limit - used + copies))
    except (OSError, ValueError, KeyError):  # not Linux, no container, or the limit is "max"
        return free


def check_memory(free: int | None = None) -> Result:
    """Whether the bytes of memory that are free suffice for the largest lesson."""
    if free is None:
        try:
            free = memory_free()
        except ImportError:
            return Result("WARN", "memory: not known, psutil is missing", INSTALL)
    text = f"memory: {free / 1e9:.1f} GB free, a lesson may take {MEMORY_NEEDED / 1e9:.0f} GB"
    if free >= MEMORY_NEEDED:
        return Result("OK", text)
    mend = "close other programs, and notebooks you are done with (Kernel > Shut Down)"
    return Result("FAIL" if free < MEMORY_NEEDED // 4 else "WARN", text, mend)


def check_disk(free: int | None = None) -> Result:
    """Whether the bytes that are free on the disk of the course's folder suffice."""
    free = shutil.disk_usage(ROOT).free if free is None else free
    text = f"disk: {free / 1e9:.1f} GB free, {DISK_NEEDED / 1e9:.0f} GB are comfortable"
    if free >= DISK_NEEDED:
        return Result("OK", text)
    mend = f"free some space on the disk of {ROOT}"
    return Result("FAIL" if free < DISK_NEEDED // 10 else "WARN", text, mend)


# --- Jupyter, data and Keras --------------------------------------------------------------------


def kernel_command() -> Sequence[str]:
    """The command with which Jupyter would start a lesson's kernel, empty if it has none."""
    try:
        from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
    except ImportError:
        return ()
    try:
        return KernelSpecManager().get_kernel_spec("python3").argv
    except NoSuchKernel:
        return ()


def check_kernel(command: Sequence[str] | None = None, prefix: str = sys.prefix) -> Result:
    """Whether Jupyter's kernel "python3" is the Python of an environment."""
    command = kernel_command() if command is None else command
    if not command:
        return Result("FAIL", "kernel: Jupyter finds no kernel `python3`", REINSTALL)
    python = Path(command[0])
    # A bare name is replaced by the Python that runs Jupyter, which is this one.
    if not python.is_absolute() or Path(prefix) in python.parents:
        return Result("OK", "kernel: notebooks run in this environment")
    mend = f"run `jupyter kernelspec remove python3`, then {START}"
    return Result("FAIL", f"kernel: notebooks would run in another Python, {python}", mend)


def check_data(faults: Sequence[str] | None = None) -> list[Result]:
    """The files that the course ships against their manifest."""
    if faults is None:
        from course_utils import data

        faults = data.verify()
    if not faults:
        return [Result("OK", "data: every file has the hash that its manifest says")]
    restore = "restore the folder data/ from the course's repository"
    parts = (fault.partition(": ") for fault in faults)
    return [Result("FAIL", text, mend or restore) for text, _, mend in parts]


def check_keras(environment: Mapping[str, str] = os.environ) -> list[Result]:
    """Which settings, left by another course, the lessons find and do not follow.

    They are no fault, and other programs may need them. What makes the lessons slow is a warning.
    """
    file = Path(environment.get("KERAS_HOME") or "~/.keras").expanduser() / "keras.json"
    found = [("KERAS_BACKEND", environment.get("KERAS_BACKEND"), "tensorflow")]
    if environment.get("TF_USE_LEGACY_KERAS") in ("1", "true", "True"):
        found.append(("TF_USE_LEGACY_KERAS", "on", "Keras 3"))
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        found += [
            (f"{name} in {file}", kept.get(name), KERAS_SETTINGS[name]) for name in KERAS_SETTINGS
        ]
    except (OSError, ValueError, AttributeError):
        pass  # none there; or Keras does without what it cannot read
    results = [
        Result("OK", f"Keras: {what} is {value}; the lessons use {used} all the same")
        for what, value, used in found
        if value not in (None, "", used)
    ]
    if environment.get("TF_ENABLE_ONEDNN_OPTS") == "0":
        text = "Keras: TF_ENABLE_ONEDNN_OPTS is 0, which makes convolutions slow"
        results.append(Result("WARN", text, "take it out of the environment, if you can"))
    return results or [Result("OK", "Keras: no settings that the lessons would have to change")]


# --- TensorFlow ---------------------------------------------------------------------------------


def try_tensorflow(
    timeout: float = TENSORFLOW_TIMEOUT, program: str = TENSORFLOW_PROBE
) -> dict[str, Any]:
    """What TensorFlow computes in another process.

    ``version``, ``answer`` (9.0 is right) and ``gpus`` (names), or only ``error``, a phrase.
    """
    command = [sys.executable, "-c", program]
    try:
        run = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, errors="replace", timeout=timeout
        )
    except subprocess.TimeoutExpired:
        return {"error": f"gave no answer within {timeout:.0f} s"}
    if run.returncode in ILLEGAL_INSTRUCTION:
        return {"error": "crashed at an illegal instruction"}
    if run.returncode < 0:
        return {"error": f"crashed with signal {-run.returncode}"}
    if run.returncode:
        lines = run.stderr.strip().splitlines() or [f"exit code {run.returncode}"]
        return {"error": f"failed: {lines[-1][:200]}"}
    last = (run.stdout.strip().splitlines() or [""])[-1]
    try:
        facts = json.loads(last)
    except ValueError:
        facts = None
    if not isinstance(facts, dict) or not {"version", "answer", "gpus"} <= set(facts):
        return {"error": f"gave no answer that can be read, but {last[:200]!r}"}
    return facts


#: Words of an error of `try_tensorflow` -> how to mend it, REINSTALL if there are none of these.
_MENDS = {
    "no answer within": "run the doctor once more: the first start after an installation is slow",
    "illegal instruction": (
        "use another computer or Binder: TensorFlow needs a processor with AVX instructions"
    ),
    "keras.json": "delete that file: Keras writes a good one",
}


def check_tensorflow(facts: Mapping[str, Any] | None = None) -> list[Result]:
    """What :func:`try_tensorflow` found, and which GPU there is.

    A missing GPU is no fault: every lesson is made for a CPU.
    """
    if facts is None:
        if not (installed_version("tensorflow") or installed_version("tensorflow-cpu")):
            return [Result("FAIL", "TensorFlow is not installed", INSTALL)]
        facts = try_tensorflow()
    if error := facts.get("error", ""):
        mends = [mend for words, mend in _MENDS.items() if words in error]
        return [Result("FAIL", f"TensorFlow {error}", mends[0] if mends else REINSTALL)]
    if facts["answer"] != 9.0:
        text = f"TensorFlow {facts['version']} computes {facts['answer']} where 9.0 is right"
        return [Result("FAIL", text, REINSTALL)]
    gpus = ", ".join(facts["gpus"]) or "none (none is needed)"
    return [Result("OK", f"TensorFlow {facts['version']} computes"), Result("OK", f"GPU: {gpus}")]


# --- all of it ----------------------------------------------------------------------------------

CHECKS: tuple[Callable[[], Result | list[Result]], ...] = (
    check_python,
    check_packages,
    check_memory,
    check_disk,
    check_kernel,
    check_data,
    check_keras,
    check_tensorflow,
)


def examine(checks: Iterable[Callable[[], Result | list[Result]]] = CHECKS) -> Iterator[Result]:
    """The results of all checks, quick ones first; what keeps one from running fails it."""
    for check in checks:
        try:
            outcome = check()
        except ModuleNotFoundError as error:
            package = (error.name or "").partition(".")[0]
            outcome = Result("FAIL", f"the package {package} is missing", INSTALL)
        except (OSError, tomllib.TOMLDecodeError) as error:
            file = getattr(error, "filename", None) or "pyproject.toml"
            mend = "restore that file from the course's repository"
            outcome = Result("FAIL", f"{file} cannot be read ({error})", mend)
        yield from [outcome] if isinstance(outcome, Result) else outcome


def main() -> int:
    """Print the result of each check as it comes; return 1 if one failed, else 0."""
    failed = False
    for result in examine():
        print(result, flush=True)
        failed = failed or result.status == "FAIL"
    return int(failed)
