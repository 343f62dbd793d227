"""The way in: course.py, the lock, environment.yml and .ci/run say the same; nothing is installed.

Everything that course.py would start is replaced, so these tests need no network and no time.
"""

from __future__ import annotations

import ast
import json
import os
import platform
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import playwright.sync_api
import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import course
from tests import browsers

PROJECT = tomllib.loads(course.PYPROJECT.read_text(encoding="utf-8"))
LOCK = course.LOCK.read_text(encoding="utf-8")
MARKERS = ("sys_platform", "platform_system", "os_name", "platform_machine")
PLATFORMS = (
    ("linux", "Linux", "posix", "x86_64"),
    ("linux", "Linux", "posix", "aarch64"),
    ("darwin", "Darwin", "posix", "arm64"),
    ("win32", "Windows", "nt", "AMD64"),
)


def locked_requirements() -> list[Requirement]:
    lines = re.sub(r" \\\n +--hash=\S+", "", LOCK).splitlines()
    return [Requirement(line) for line in lines if line and not line.lstrip().startswith("#")]


def an_interpreter(**changes: object) -> course.Interpreter:
    fitting = course.Interpreter("/usr/bin/python3", (3, 12), "Linux", "x86_64", True, True)
    return fitting._replace(**changes)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A course folder of its own, with a space in its name, in which .venv looks installed."""
    root = tmp_path / "my course"
    venv = root / ".venv"
    for name in ("VENV", "UV_CACHE", "STAMP", "LOCK", "PYPROJECT", "FIRST_LESSON", "ROOT"):
        here = root / getattr(course, name).relative_to(course.ROOT)
        monkeypatch.setattr(course, name, here)
    for path, text in {
        course.LOCK: LOCK,
        course.PYPROJECT: "[project]\n",
        venv / "pyvenv.cfg": f"version = 3.12.1\ncommand = /usr/bin/python3 -m venv {venv}\n",
        course.venv_python(): "",
        course.FIRST_LESSON: "{}",
    }.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    course.STAMP.write_text(course.wanted_stamp())
    return root


@pytest.fixture
def started(folder, monkeypatch):
    """Record the commands that would be started, and let each succeed."""
    commands: list[list[str]] = []

    def note(command, *_, **__):
        commands.append(list(map(str, command)))
        return subprocess.CompletedProcess(command, 0, stdout="", stderr="")

    def note_and_end(command):
        note(command)
        sys.exit(0)

    monkeypatch.setattr(course.subprocess, "run", note)
    monkeypatch.setattr(course, "hand_over", note_and_end)
    monkeypatch.setattr(course, "probe", lambda command: an_interpreter())
    return commands


def ending(*arguments: str) -> object:
    with pytest.raises(SystemExit) as end:
        course.main(list(arguments))
    return end.value.code


# ---- which Python -------------------------------------------------------------------------------


def test_pythons_are_those_of_pyproject():
    wanted = SpecifierSet(PROJECT["project"]["requires-python"])
    fitting = [(3, minor) for minor in range(30) if wanted.contains(f"3.{minor}.5")]
    assert list(course.PYTHONS) == fitting


def test_course_py_is_syntax_of_python_38_and_standard_library_only():
    tree = ast.parse(Path(course.__file__).read_text(encoding="utf-8"), feature_version=(3, 8))
    for node in ast.walk(tree):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            modules = [node.module]
        assert {module.split(".")[0] for module in modules} <= sys.stdlib_module_names


OLD, NEW, LACKING = {"version": (3, 10)}, {"version": (3, 14)}, {"can_make_venv": False}


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ([], ["needs Python 3.11, 3.12 or 3.13", "install"]),
        ([None, None], ["needs Python 3.11, 3.12 or 3.13", "install"]),
        ([OLD], ["This is Python 3.10", "3.11, 3.12 or 3.13", "install"]),
        ([NEW], ["This is Python 3.14", "3.11, 3.12 or 3.13", "install"]),
        ([{"system": "Darwin"}], ["Intel Macs", "arm64 build", "Binder"]),
        ([{"machine": "32 bit"}], ["32 bit build", "64-bit"]),
        ([{"system": "Windows", "machine": "ARM64"}], ["ARM64 build", "64-bit x86"]),
        ([LACKING], ["sudo apt install python3.12-venv"]),
        ([OLD, LACKING, NEW], ["python3.12-venv"]),  # the nearest to the goal
    ],
)
def test_pythons_that_do_not_fit_are_refused_with_what_to_install(found, words):
    answers = iter([facts and an_interpreter(**facts) for facts in found])
    with pytest.raises(course.Stop) as stop:
        course.choose_interpreter([["python"]] * len(found), lambda command: next(answers))
    sentence = str(stop.value)
    assert "\n" not in sentence and all(word in sentence for word in words)


@pytest.mark.parametrize(
    "facts",
    [
        *({"version": version} for version in course.PYTHONS),
        {"system": "Windows", "machine": "AMD64"},
        {"system": "Darwin", "machine": "arm64"},
        {"machine": "aarch64"},
    ],
)
def test_the_first_python_that_fits_is_taken(facts):
    answers = [an_interpreter(**OLD), None, an_interpreter(**facts), an_interpreter()]
    remaining = iter(answers)
    chosen = course.choose_interpreter([["python"]] * 4, lambda command: next(remaining))
    assert chosen is answers[2]


def test_probe_reports_this_python_and_survives_programs_that_are_none(tmp_path):
    python = course.probe([sys.executable])
    assert python.version == sys.version_info[:2] and python.can_make_venv
    assert (python.system, python.machine) == (platform.system(), platform.machine())
    assert course.probe([str(tmp_path / "missing")]) is None
    assert course.probe([sys.executable, "-c", "print('no facts')"]) is None


def test_candidates_begin_with_the_running_python(monkeypatch):
    monkeypatch.setattr(course.shutil, "which", lambda name: f"/bin/{name}")
    first, *others = course.candidates()
    assert first == [sys.executable]
    names = [command[0] for command in others]
    assert names.index("/bin/python3.13") < names.index("/bin/python3.11")


# ---- when something is installed ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "before", "after", "fresh"),
    [
        ("requirements.txt", b"\n", b"\n# new\n", False),
        ("pyproject.toml", b"\n", b"\n# new\n", False),
        ("pyproject.toml", b"\n", b"\r\n", True),
        (".venv/pyvenv.cfg", b"3.12.1", b"3.12.2", False),
        (".venv/course-stamp", b"", b"x", False),
    ],
)
def test_a_change_of_what_is_wanted_makes_the_stamp_stale(folder, name, before, after, fresh):
    assert course.is_fresh()
    file = folder / name
    file.write_bytes(file.read_bytes().replace(before, after, 1))
    assert course.is_fresh() == fresh


def test_another_place_or_no_python_makes_the_stamp_stale(folder, monkeypatch):
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(course, "ROOT", folder.parent / "renamed")
        assert not course.is_fresh()
    assert course.is_fresh()
    course.venv_python().unlink()
    assert not course.is_fresh()


@pytest.fixture
def stale(started):
    """Something is to be installed."""
    course.STAMP.write_text("of yesterday")
    return started


def test_a_stale_stamp_installs_from_the_lock_with_hashes_and_renews_it(stale):
    course.ensure_installed()
    pip, _, locked, itself = stale
    assert {"--require-hashes", "--no-deps"} <= set(pip)
    assert {"uv", "--require-hashes", str(course.LOCK)} <= set(locked)
    assert {"uv", "--no-deps", "--no-build-isolation", "--editable"} <= set(itself)
    assert course.is_fresh()
    settings = course.VENV / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    assert json.loads(settings.read_text()) == course.LAB_SETTINGS


def test_an_interrupted_installation_leaves_no_stamp_and_says_what_to_do(stale, monkeypatch):
    good = course.subprocess.run

    def fail_at_the_lock(command, *arguments, **options):
        good(command, *arguments, **options)
        return subprocess.CompletedProcess(command, int(str(course.LOCK) in command), "", "")

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    for run, words in (
        (fail_at_the_lock, "could not be installed (see the lines above): check the connection"),
        (interrupt, "the same command goes on where it stopped"),
    ):
        monkeypatch.setattr(course.subprocess, "run", run)
        assert words in ending("test")
        assert not course.STAMP.exists()
    monkeypatch.setattr(course.subprocess, "run", good)
    assert ending("test") == 0
    assert course.is_fresh()


@pytest.mark.parametrize("damage", [None, "dead", "no pip", "old", "moved"])
def test_a_damaged_environment_is_made_anew_and_a_whole_one_kept(started, monkeypatch, damage):
    answers = {
        "dead": None,
        "no pip": an_interpreter(has_pip=False),
        "old": an_interpreter(version=(3, 10)),
    }
    inside = [str(course.venv_python())]
    inner = answers.get(damage, an_interpreter())
    monkeypatch.setattr(
        course, "probe", lambda command: inner if command == inside else an_interpreter()
    )
    if damage == "moved":
        config = course.VENV / "pyvenv.cfg"
        config.write_text(config.read_text().replace(str(course.VENV), f"{course.VENV}/elsewhere"))
    course.make_venv()
    made = [["/usr/bin/python3", "-m", "venv", "--clear", str(course.VENV)]]
    assert started == (made if damage else [])


@pytest.mark.parametrize("record", ["pip/__init__.py,,\n", None])
def test_half_a_pip_of_an_interrupted_start_is_none(tmp_path, monkeypatch, record):
    # First on the path of the probed Python, so this pip is found and not its own.
    metadata = tmp_path / "pip-99.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Name: pip\nVersion: 99.0\n")
    if record:
        (metadata / "RECORD").write_text(record)
    monkeypatch.setattr(course, "clean_environment", lambda: {"PYTHONPATH": str(tmp_path)})
    assert course.probe([sys.executable]).has_pip == bool(record)


def test_what_keeps_it_from_installing_is_one_sentence_and_nothing_is_lost(stale, monkeypatch):
    course.LOCK.unlink()
    assert "requirements.txt" in ending("test")
    (course.VENV / "pyvenv.cfg").unlink()
    (course.VENV / "precious.txt").write_text("mine")
    assert "rename or delete it" in ending("test")
    assert (course.VENV / "precious.txt").read_text() == "mine"
    course.shutil.rmtree(course.VENV)
    with monkeypatch.context() as full:
        full.setattr(course.shutil, "disk_usage", lambda path: SimpleNamespace(free=10**8))
        assert "has 0.1 GB left" in ending("test")
    assert stale == []
    failed = subprocess.CompletedProcess([], 1, stdout="", stderr="page of code\nno space left\n")
    monkeypatch.setattr(course.subprocess, "run", lambda *_, **__: failed)
    assert ending("test").endswith("could not make the environment .venv: no space left")


def test_of_pips_settings_the_environment_wins_over_files_and_install_over_global():
    unset = {":env:.cert", ":env:.proxy", "install.proxy"}
    lines = [  # sorted, as pip prints them; that is not the order in which they count
        f"{section}.{key}={section!r}\n"
        for section in (":env:", "download", "global", "install")
        for key in ("cert", "extra-index-url", "find-links", "index-url", "proxy")
        if f"{section}.{key}" not in unset
    ]
    assert course.registry_settings("".join(lines)) == {
        "UV_DEFAULT_INDEX": ":env:",
        "SSL_CERT_FILE": "install",
        "HTTPS_PROXY": "global",
    }


def test_pip_prints_its_settings_as_they_are_read(monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", 'https://example.org/it\'s \N{SNOWMAN}\t"quoted"')
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    command = [sys.executable, "-m", "pip", "config", "list"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    settings = course.registry_settings(printed)
    assert settings["UV_DEFAULT_INDEX"] == os.environ["PIP_INDEX_URL"]


# ---- arguments and environment ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "notebook", "passed_on"),
    [
        ([], "01_convolution_basics", []),
        (["open"], "01_convolution_basics", []),
        (["--no-browser"], "01_convolution_basics", ["--no-browser"]),
        (["open", "--no-browser"], "01_convolution_basics", ["--no-browser"]),
        (["{}/my own.ipynb", "--port", "8890"], "my%20own", ["--port", "8890"]),
        (["open", "{}/my own.ipynb", "--S.answer=x.ipynb"], "my%20own", ["--S.answer=x.ipynb"]),
    ],
)
def test_a_lesson_opens(started, folder, arguments, notebook, passed_on):
    (folder / "notebooks" / "my own.ipynb").write_text("{}")
    assert ending(*(word.format(folder / "notebooks") for word in arguments)) == 0
    (command,) = started
    assert command[:3] == [str(course.venv_python()), "-m", "jupyterlab"]
    assert f"--LabApp.default_url=/lab/tree/notebooks/{notebook}.ipynb" in command
    assert command[command.index("--log-level=WARN") + 1 :] == passed_on
    assert not any("token" in word.lower() or "password" in word.lower() for word in command)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["open", "{}/99_missing.ipynb"], "99_missing.ipynb"),
        (["open", "{}/../../outside.ipynb"], "outside.ipynb"),
        (["open", "{}/01_convolution_basics.ipynb", "b.ipynb"], "leave out b.ipynb"),
        (["tset"], "no command 'tset'; it knows open, test, doctor, lock"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(started, folder, arguments, told):
    (folder.parent / "outside.ipynb").write_text("{}")
    sentence = ending(*(word.format(folder / "notebooks") for word in arguments))
    assert told in sentence and "\n" not in sentence
    assert started == []


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["test"], ["pytest", *course.WHOLE_RUN]),
        (["test", "-k", "a and not b", "--open"], ["pytest", "-k", "a and not b", "--open"]),
        (["doctor"], ["course_utils", "doctor"]),
    ],
)
def test_arguments_go_to_the_program_behind(started, arguments, command):
    assert ending(*arguments) == 0
    assert started == [[str(course.venv_python()), "-m", *command]]


def test_doctor_before_the_installation_says_so_and_starts_nothing(started):
    course.venv_python().unlink()
    sentence = ending("doctor")
    assert sentence.startswith("[FAIL]") and f"run `{course.START}`" in sentence
    assert started == []


@pytest.mark.parametrize(("platform", "start"), [("win32", "py"), ("linux", "python3")])
def test_the_command_is_named_as_the_system_has_it(monkeypatch, capsys, platform, start):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(course, "START", runpy.run_path(course.__file__)["START"])
    monkeypatch.setattr(course, "is_fresh", lambda: False)
    monkeypatch.setattr(course, "hand_over", sys.exit)
    monkeypatch.setattr(course, "venv_python", lambda: Path(sys.executable))
    ending("doctor")
    assert ending("--help") is None
    text = capsys.readouterr().out
    assert f"-> run `{start} course.py`" in text
    assert all(f"\n    {start} course.py {name}" in text for name in course.COMMANDS)
    assert ("python3" in text) == (start == "python3")


def test_programs_see_the_environment_of_the_course_only(folder, monkeypatch):
    foreign = ("PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE")
    for name in foreign:
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("IPYTHONDIR", "/my/own")
    monkeypatch.delenv("JUPYTER_DATA_DIR", raising=False)
    env = course.course_environment()
    assert not set(foreign) & set(env)
    assert env["UV_PYTHON_DOWNLOADS"] == "never" and env["PYTHONNOUSERSITE"] == "1"
    assert env["PATH"].startswith(str(course.venv_bin()))
    assert env["IPYTHONDIR"] == "/my/own"
    assert Path(env["JUPYTER_DATA_DIR"]).is_relative_to(course.VENV)


def test_lock_is_made_without_addresses_and_passes_arguments_on(started):
    assert ending("lock", "--upgrade") == 0
    command = started[-1]
    options = {"--universal", "--generate-hashes", "--upgrade", "--custom-compile-command"}
    assert options <= set(command)
    assert not any("index" in word or "find-links" in word for word in command)
    assert command[command.index("--python-version") + 1] == "3.11"


# ---- the lock and the files that must agree with it ---------------------------------------------


def test_the_lock_holds_no_address_and_only_exact_hashed_pins():
    assert "://" not in LOCK
    assert not re.search(r"(?m)^ *-(?!-hash=sha256:)", LOCK)
    assert "python3 course.py lock" in LOCK.splitlines()[1]
    for requirement in locked_requirements():
        (pin,) = requirement.specifier
        assert pin.operator == "==" and "*" not in pin.version, requirement
        assert not requirement.url, requirement
        pinned, *hashes = course.locked_block(LOCK, requirement.name).splitlines()
        assert pinned.startswith(f"{requirement.name}==") and hashes
        assert all(re.match(r"    --hash=sha256:[0-9a-f]{64}( \\)?$", line) for line in hashes)
    with pytest.raises(course.Stop, match="no-such-thing"):
        course.locked_block(LOCK, "no-such-thing")


@pytest.mark.parametrize("platform", PLATFORMS, ids="-".join)
@pytest.mark.parametrize("python", course.PYTHONS)
def test_every_dependency_is_locked_once_at_a_version_in_its_range(platform, python):
    version = "{}.{}".format(*python)
    environment = {
        **default_environment(),
        **dict(zip(MARKERS, platform, strict=True)),
        "python_version": version,
        "python_full_version": f"{version}.9",
    }

    def applies(requirement: Requirement) -> bool:
        return requirement.marker is None or requirement.marker.evaluate(environment)

    locked = [one for one in locked_requirements() if applies(one)]
    names = [canonicalize_name(one.name) for one in locked]
    assert len(names) == len(set(names))
    versions = {name: str(one.specifier)[2:] for name, one in zip(names, locked, strict=True)}
    extras = PROJECT["project"]["optional-dependencies"]
    # The build tool is installed from the lock, too: it is not fetched a second time.
    wanted = PROJECT["project"]["dependencies"] + extras["cpu"] + extras["test"]
    for one in filter(applies, map(Requirement, wanted + PROJECT["build-system"]["requires"])):
        assert one.specifier.contains(versions[canonicalize_name(one.name)]), one
    assert sum(map(applies, map(Requirement, extras["cpu"]))) == 1  # one TensorFlow


def test_environment_yml_is_the_lock_on_a_python_of_the_range():
    environment = yaml.safe_load((course.ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert environment["name"] == PROJECT["project"]["name"]
    python, pip, section = environment["dependencies"]
    major, minor = re.fullmatch(r"python=(\d+)\.(\d+)", python).groups()
    assert (int(major), int(minor)) in course.PYTHONS
    assert pip == "pip"
    assert section == {"pip": ["-r requirements.txt"]}


def test_ci_runs_the_test_command_of_the_readme_and_skips_no_browser_test():
    script = (course.ROOT / ".ci" / "run").read_text(encoding="utf-8")
    lines = script.splitlines()
    assert lines.count("python3 course.py test") == 1  # under no condition, and after it more
    assert {"set -euo pipefail", "export CI=true"} <= set(lines)
    (names,) = re.findall(r"for name in (.*); do", script)
    assert tuple(names.split()) == browsers.BROWSERS
    readme = (course.ROOT / "README.md").read_text(encoding="utf-8")
    assert re.search(r"(?m)^ *python3 course\.py test( +#.*)?$", readme)


@pytest.mark.skipif(not shutil.which("bash"), reason="there is no bash here")
@pytest.mark.parametrize("script", [".ci/run", "postBuild"])
def test_scripts_are_bash(script):
    subprocess.run(["bash", "-n", str(course.ROOT / script)], check=True)


@pytest.mark.parametrize("name", browsers.BROWSERS)
def test_a_browser_on_the_path_is_found(monkeypatch, name):
    monkeypatch.setattr(browsers.shutil, "which", {name: f"/bin/{name}"}.get)
    assert browsers.browser() == {"executable_path": f"/bin/{name}"}


@pytest.mark.parametrize("there", [{"channel": "chrome"}, {"channel": "msedge"}, {}, None])
def test_without_one_it_is_playwrights_or_tests_are_skipped_but_fail_in_ci(monkeypatch, there):
    def launch(_, **options):
        if options != there:
            raise playwright.sync_api.Error("not here")
        return SimpleNamespace(close=lambda: None)

    monkeypatch.setattr(browsers.shutil, "which", lambda name: None)
    monkeypatch.setattr(playwright.sync_api.BrowserType, "launch", launch)
    if there is not None:
        assert browsers.browser() == there
        return
    for ci, ending in (("true", pytest.fail.Exception), ("", pytest.skip.Exception)):
        monkeypatch.setenv("CI", ci)
        with pytest.raises(ending, match="no Chromium here; install one"):
            browsers.browser()


def test_version_and_license_are_said_alike_everywhere():
    import course_utils

    citation = yaml.safe_load((course.ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = PROJECT["project"]
    assert citation["version"] == project["version"] == course_utils.__version__
    assert " AND ".join(citation["license"]) == project["license"]
    for name in project["license-files"]:
        assert (course.ROOT / name).is_file()


@pytest.mark.parametrize("rule", [["check"], ["format", "--check"]], ids=["lint", "format"])
def test_code_and_notebooks_are_tidy(rule: list[str]) -> None:
    command = [sys.executable, "-m", "ruff", *rule, "--no-cache", str(course.ROOT)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
