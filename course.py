#!/usr/bin/env python3
"""Open the course, or test it, with nothing but Python installed.

    python3 course.py               install once, then open the first lesson in JupyterLab
    python3 course.py open [ARG...] the same; a notebook opens instead, the rest goes to Jupyter
    python3 course.py test [ARG...] install once, then run all tests; the rest goes to pytest
    python3 course.py doctor        say what is wrong with this set-up and how to mend it
    python3 course.py lock [ARG...] write requirements.txt again (for maintainers)

Everything is kept in the folder .venv beside this file; delete it to start afresh.
"""

# Only the standard library, and only syntax of Python 3.8: an older Python, too, shall get as far
# as the sentence that says which one to install.
from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple, NoReturn
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.txt"
PYPROJECT = ROOT / "pyproject.toml"
STAMP = VENV / "course-stamp"
# Inside .venv and so on the same disk: uv links the files instead of copying them, an interrupted
# download goes on where it was, and whoever deletes the folder has deleted everything.
UV_CACHE = VENV / "uv-cache"
FIRST_LESSON = ROOT / "notebooks" / "01_convolution_basics.ipynb"

START = "py course.py" if sys.platform == "win32" else "python3 course.py"
PYTHONS = ((3, 11), (3, 12), (3, 13))  # the same as requires-python in pyproject.toml
# A file, so a notebook too, stays in one of the two processes.
WHOLE_RUN = ["--numprocesses=2", "--dist=loadfile", "--junitxml=reports/junit.xml"]
DISK_NEEDED = 3 * 10**9  # bytes, while installing
# JupyterLab would ask in a pop-up whether it may fetch news.
NEWS = "@jupyterlab/apputils-extension:notification"
LAB_SETTINGS = {NEWS: {"fetchNews": "false", "checkForUpdates": False}}

DOWNLOAD_FAILED = (
    "The packages could not be installed (see the lines above): check the connection and the free "
    "disk space, then run the same command again; it goes on where it stopped"
)

PROBE = """
import importlib.metadata, importlib.util, json, platform, sys
pip = next(iter(importlib.metadata.distributions(name="pip")), None)
print(json.dumps({
    "executable": getattr(sys, "_base_executable", "") or sys.executable,
    "version": list(sys.version_info[:2]),
    "system": platform.system(),
    "machine": platform.machine() if sys.maxsize > 2**32 else "32 bit",
    "can_make_venv": all(map(importlib.util.find_spec, ("venv", "ensurepip"))),
    # What pip writes last: half a pip, of an interrupted start, has none.
    "has_pip": pip is not None and bool(pip.read_text("RECORD")),
}))
"""


class Stop(Exception):
    """A sentence for the person who started the program; nothing else is shown."""


class Interpreter(NamedTuple):
    """What a Python says about itself."""

    executable: str
    version: tuple[int, int]
    system: str
    machine: str
    can_make_venv: bool
    has_pip: bool


def say(text: str) -> None:
    print(text, flush=True)


# ---- finding a Python ---------------------------------------------------------------------------


def probe(command: Iterable[str]) -> Interpreter | None:
    """What the Python behind a command says about itself; None if it does not answer."""
    try:
        answer = subprocess.run(
            [*command, "-c", PROBE], env=clean_environment(), capture_output=True, timeout=60
        )
        facts = json.loads(answer.stdout)
        return Interpreter(**{**facts, "version": tuple(facts["version"])})
    except (OSError, ValueError, TypeError, subprocess.TimeoutExpired):
        return None


def candidates() -> list[list[str]]:
    """Commands that may start a fitting Python: the running one first, then those on the PATH."""
    names = [f"python{major}.{minor}" for major, minor in reversed(PYTHONS)] + ["python3", "python"]
    found = [[path] for path in map(shutil.which, names) if path]
    if os.name == "nt" and shutil.which("py"):
        found = [["py", f"-{major}.{minor}"] for major, minor in reversed(PYTHONS)] + found
    return [[sys.executable], *found]


def choose_interpreter(
    commands: Iterable[list[str]], ask: Callable[[list[str]], Interpreter | None]
) -> Interpreter:
    """The first Python of some commands that can make the course's environment."""
    wrong_version, lacking = [], []
    for python in filter(None, map(ask, commands)):
        refusal = refuse(python)
        if refusal is None:
            return python
        (lacking if python.version in PYTHONS else wrong_version).append(refusal)
    # A Python of the right version that lacks something is nearer to the goal.
    raise Stop([*lacking, *wrong_version, how_to_get_python()][0])


def refuse(python: Interpreter) -> str | None:
    """Why a Python cannot run the course, as a sentence, or None if it can."""
    name = "Python {}.{} ({})".format(*python.version, python.executable)
    if python.version not in PYTHONS:
        return f"This is {name}. {how_to_get_python()}"
    if python.system == "Darwin" and python.machine == "x86_64":
        return (
            f"{name} is a build for Intel Macs, for which TensorFlow is no longer made: on a Mac "
            "with Apple silicon install the arm64 build from https://www.python.org/downloads/; "
            "on an Intel Mac use the course on Binder (see README.md)."
        )
    if python.machine == "32 bit" or (python.system, python.machine) == ("Windows", "ARM64"):
        return (
            f"{name} is a {python.machine} build, for which TensorFlow is not made: install the "
            "64-bit x86 build from https://www.python.org/downloads/."
        )
    if not python.can_make_venv:
        return (
            f"{name} cannot make virtual environments, parts of it are missing: on Debian or "
            f"Ubuntu run `sudo apt install python{python.version[0]}.{python.version[1]}-venv`, "
            "then the same command again."
        )
    return None


def how_to_get_python() -> str:
    how = "from https://www.python.org/downloads/ or with your system's package manager"
    if sys.platform == "win32":
        how = "with `winget install Python.Python.3.12` or " + how
    elif sys.platform == "darwin":
        how = "with `brew install python@3.12` or " + how
    *most, last = (f"{major}.{minor}" for major, minor in PYTHONS)
    return (
        f"The course needs Python {', '.join(most)} or {last}, and none was found: install "
        f"Python 3.12 {how}, then run the same command again."
    )


# ---- the environment ----------------------------------------------------------------------------


def venv_bin() -> Path:
    return VENV / ("Scripts" if os.name == "nt" else "bin")


def venv_python() -> Path:
    return venv_bin() / ("python.exe" if os.name == "nt" else "python")


def clean_environment() -> dict[str, str]:
    """The environment variables without those that would mislead or slow down Python."""
    # The last one keeps Python from storing compiled modules; without them each kernel compiles
    # TensorFlow's 1,800 files anew, and takes 17 s instead of 4 s to import it.
    foreign = ("PYTHONHOME", "PYTHONPATH", "__PYVENV_LAUNCHER__", "PYTHONDONTWRITEBYTECODE")
    return {key: value for key, value in os.environ.items() if key not in foreign}


def course_environment() -> dict[str, str]:
    """The environment variables for programs of .venv."""
    env = clean_environment()
    env.update(VIRTUAL_ENV=str(VENV), PYTHONNOUSERSITE="1", UV_PYTHON_DOWNLOADS="never")
    env["PATH"] = os.pathsep.join([str(venv_bin()), env.get("PATH", os.defpath)])
    # Settings and kernels in the home folder, perhaps of another course, change nothing here.
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR"):
        env.setdefault(name, str(VENV / "jupyter" / name.lower()))
    return env


def wanted_stamp() -> str:
    """A hash of all that an installation depends on: lock, pyproject, Python and place."""
    digest = hashlib.sha256()
    for path in (LOCK, PYPROJECT, VENV / "pyvenv.cfg"):
        # Line ends may differ between two checkouts; what is installed does not.
        digest.update(path.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    # The link in .venv can lead to another Python after an upgrade of the system.
    digest.update(os.path.realpath(str(venv_python())).encode() + b"\0" + str(ROOT).encode())
    return digest.hexdigest()


def is_fresh() -> bool:
    """Whether .venv holds just what is wanted; takes milliseconds and starts no program."""
    try:
        return venv_python().exists() and STAMP.read_text() == wanted_stamp()
    except OSError:
        return False


def venv_is_usable(config: str) -> bool:
    """Whether .venv has a Python that fits, and was made here, as its pyvenv.cfg says."""
    python = probe([str(venv_python())])
    fits = python is not None and python.has_pip and python.version in PYTHONS
    return fits and f"{VENV}\n" in config


def make_venv() -> None:
    """Make .venv unless there is a usable one."""
    config = VENV / "pyvenv.cfg"
    if config.is_file():
        if venv_is_usable(config.read_text(encoding="utf-8")):
            return
        say("The environment .venv is incomplete or was moved: it is made anew.")
    elif VENV.exists() and not (VENV.is_dir() and not any(VENV.iterdir())):
        raise Stop(f"{VENV} is not a virtual environment: rename or delete it, then try again.")
    python = choose_interpreter(candidates(), probe)
    free = shutil.disk_usage(str(ROOT)).free
    if free < DISK_NEEDED:
        raise Stop(
            f"The disk of {ROOT} has {free / 1e9:.1f} GB left, the course needs "
            f"{DISK_NEEDED / 1e9:.0f} GB: free some space, then try again."
        )
    say(f"Making the environment .venv with Python {python.version[0]}.{python.version[1]} ...")
    command = [python.executable, "-m", "venv", "--clear", str(VENV)]
    # Its output is kept back: after Ctrl-C it would be a page of Python's own code.
    made = subprocess.run(command, env=clean_environment(), capture_output=True, text=True)
    if made.returncode:
        reason = (made.stderr + made.stdout).strip().splitlines() or ["it gave no reason"]
        raise Stop(f"{python.executable} could not make the environment .venv: {reason[-1]}")


def locked_block(lock: str, name: str) -> str:
    """The lines of the lock that pin a package, with its hashes."""
    block = re.search(rf"(?m)^{re.escape(name)}==.*(?:\n +--hash=.*)+", lock)
    if block is None:
        raise Stop(f"{LOCK} does not pin {name}: restore that file from the course's repository.")
    return block.group(0) + "\n"


def registry_settings(pip_config: str) -> dict[str, str]:
    """How to reach the registry, from the output of `pip config list`, in variables that uv reads.

    Further indexes and folders of packages are not taken over: uv stops at a folder that is
    missing, prefers the further indexes, and the lock needs none of them.
    """
    names = {"index-url": "UV_DEFAULT_INDEX", "cert": "SSL_CERT_FILE", "proxy": "HTTPS_PROXY"}
    settings = {}
    for section in ("global", "install", ":env:"):  # the stronger later
        for key, name in names.items():
            found = re.search(rf"(?m)^{section}\.{key}=(['\"].*['\"])$", pip_config)
            if found:
                settings[name] = ast.literal_eval(found.group(1))
    return settings


def install_uv() -> dict[str, str]:
    """Put the locked uv into .venv; return the environment variables to run it with."""
    env = course_environment()
    pip = [str(venv_python()), "-m", "pip", "--disable-pip-version-check", "--no-cache-dir"]
    only_uv = VENV / "uv-requirement.txt"
    only_uv.write_text(locked_block(LOCK.read_text(encoding="utf-8"), "uv"), encoding="utf-8")
    options = ["--quiet", "--no-deps", "--require-hashes", "-r", str(only_uv)]
    run([*pip, "install", *options], env, DOWNLOAD_FAILED)
    config = subprocess.run([*pip, "config", "list"], env=env, capture_output=True, text=True)
    for name, value in {**registry_settings(config.stdout), "UV_CACHE_DIR": str(UV_CACHE)}.items():
        env.setdefault(name, value)
    return env


def install() -> None:
    """Install the locked packages and the course itself into .venv."""
    say("Installing about 155 packages, once: 550 MB to download, 2.3 GB on the disk ...")
    env = install_uv()
    uv = [str(venv_python()), "-m", "uv", "pip", "install", "--python", str(venv_python())]
    run([*uv, "--require-hashes", "-r", str(LOCK)], env, DOWNLOAD_FAILED)
    # The build tool is in the lock as well: nothing more is fetched for this step.
    itself = ["--no-deps", "--no-build-isolation", "--editable", str(ROOT)]
    run(
        [*uv, *itself], env, "The package course_utils could not be installed (see the lines above)"
    )
    (VENV / "jupyter").mkdir(exist_ok=True)
    overrides = VENV / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    overrides.parent.mkdir(parents=True, exist_ok=True)
    overrides.write_text(json.dumps(LAB_SETTINGS, indent=2), encoding="utf-8")
    shutil.rmtree(str(UV_CACHE), ignore_errors=True)


def ensure_installed() -> None:
    """Install whatever is missing; the stamp comes last, so an interrupted run is taken up."""
    if is_fresh():
        return
    make_venv()
    if STAMP.exists():
        STAMP.unlink()
    install()
    STAMP.write_text(wanted_stamp())
    say("Installed.")


# ---- running programs ---------------------------------------------------------------------------


def run(command: list[str], env: dict[str, str], trouble: str) -> None:
    """Run a step of the installation; its output is shown, its failure is the sentence."""
    step = subprocess.run(command, cwd=str(ROOT), env=env)
    if step.returncode:
        raise Stop(f"{trouble} [exit code {step.returncode}].")


def hand_over(command: list[str]) -> NoReturn:
    """Become a program of .venv: its signals and its exit code are ours."""
    os.chdir(str(ROOT))
    sys.stdout.flush()
    if os.name != "nt":
        os.execve(command[0], command, course_environment())
    # Windows has no exec. Ctrl-C reaches both programs there; this one has to outlive the other.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(subprocess.run(command, env=course_environment()).returncode)


def open_command(arguments: list[str]) -> list[str]:
    """The command that opens JupyterLab on the first lesson, or on the one that is named."""
    named = [word for word in arguments if word.endswith(".ipynb") and not word.startswith("-")]
    if len(named) > 1:
        raise Stop(f"One notebook opens at a time: leave out {' and '.join(named[1:])}.")
    lesson = Path(named[0]).resolve() if named else FIRST_LESSON
    if not lesson.is_file() or ROOT not in lesson.parents:
        raise Stop(f"There is no notebook {lesson}: the lessons are in {FIRST_LESSON.parent}.")
    return [
        *(str(venv_python()), "-m", "jupyterlab"),
        f"--ServerApp.root_dir={ROOT}",
        f"--LabApp.default_url=/lab/tree/{quote(lesson.relative_to(ROOT).as_posix())}",
        "--LanguageServerManager.autodetect=False",  # it would start npm to look for them
        "--log-level=WARN",  # leaves the address with its token, and what goes wrong
        *(argument for argument in arguments if argument not in named),
    ]


def open_course(arguments: list[str]) -> NoReturn:
    command = open_command(arguments)
    ensure_installed()
    say("Opening the course; its address with the token follows. Ctrl-C twice ends it.")
    hand_over(command)


def test_course(arguments: list[str]) -> NoReturn:
    ensure_installed()
    hand_over([str(venv_python()), "-m", "pytest", *(arguments or WHOLE_RUN)])


def doctor(arguments: list[str]) -> NoReturn:
    """Run the package's doctor; what comes before it can be asked is diagnosed here."""
    if not venv_python().exists():
        choose_interpreter(candidates(), probe)
        raise Stop(f"[FAIL] the course is not installed yet -> run `{START}`")
    if not is_fresh():
        say(f"[WARN] the installation is incomplete or out of date -> run `{START}`")
    hand_over([str(venv_python()), "-m", "course_utils", "doctor", *arguments])


def lock(arguments: list[str]) -> NoReturn:
    make_venv()
    command = [str(venv_python()), "-m", "uv", "pip", "compile", "--universal", "--quiet"]
    command += ["--generate-hashes", "--extra", "cpu", "--extra", "test", "--python-version"]
    command += ["{}.{}".format(*PYTHONS[0]), "--custom-compile-command", "python3 course.py lock"]
    command += ["--output-file", LOCK.name, PYPROJECT.name, *arguments]
    run(command, install_uv(), "The lock could not be made (see the lines above)")
    say(f"Wrote {LOCK}; the next start installs it.")
    sys.exit(0)


COMMANDS: dict[str, Callable[[list[str]], NoReturn]] = {
    "open": open_course,
    "test": test_course,
    "doctor": doctor,
    "lock": lock,
}


def main(arguments: list[str]) -> NoReturn:
    if arguments[:1] in (["-h"], ["--help"], ["help"]):
        sys.exit(print(__doc__.strip().replace("python3 course.py", START)))
    if not arguments or arguments[0].startswith("-") or arguments[0].endswith(".ipynb"):
        arguments = ["open", *arguments]
    name, *rest = arguments
    try:
        if name not in COMMANDS:
            raise Stop(f"course.py has no command {name!r}; it knows {', '.join(COMMANDS)}.")
        COMMANDS[name](rest)
    except Stop as sentence:
        sys.exit(str(sentence))
    except KeyboardInterrupt:
        sys.exit("\nInterrupted; the same command goes on where it stopped.")
    except OSError as error:
        sys.exit(f"{error.filename or ROOT}: {error.strerror}. Mend this, then try again.")


if __name__ == "__main__":
    main(sys.argv[1:])
