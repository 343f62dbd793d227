"""The way in: course.py, the lock, environment.yml and .ci/run say the same; nothing is installed.

Everything that course.py would start is replaced, so these tests need no network and no time.
"""

from __future__ import annotations

import ast
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import conftest
import course

PROJECT = tomllib.loads(course.PYPROJECT.read_text(encoding="utf-8"))
LOCK = course.LOCK.read_text(encoding="utf-8")
PLATFORMS = {
    "linux": {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix",
              "platform_machine": "x86_64"},
    "linux-arm": {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix",
                  "platform_machine": "aarch64"},
    "macos": {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix",
              "platform_machine": "arm64"},
    "windows": {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt",
                "platform_machine": "AMD64"},
}  # fmt: skip


def locked_requirements() -> list[Requirement]:
    lines = re.sub(r" \\\n +--hash=\S+", "", LOCK).splitlines()
    return [Requirement(line) for line in lines if line and not line.lstrip().startswith("#")]


def an_interpreter(**changes: object) -> course.Interpreter:
    facts = {
        "executable": "/usr/bin/python3",
        "version": (3, 12),
        "system": "Linux",
        "machine": "x86_64",
        "can_make_venv": True,
        "has_pip": True,
    }
    return course.Interpreter(**{**facts, **changes})


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A course folder of its own, with a space in its name, in which .venv looks installed."""
    root = tmp_path / "my course"
    venv = root / ".venv"
    monkeypatch.setattr(course, "ROOT", root)
    monkeypatch.setattr(course, "VENV", venv)
    monkeypatch.setattr(course, "UV_CACHE", venv / "uv-cache")
    monkeypatch.setattr(course, "STAMP", venv / "course-stamp")
    monkeypatch.setattr(course, "LOCK", root / "requirements.txt")
    monkeypatch.setattr(course, "PYPROJECT", root / "pyproject.toml")
    lesson = root / "notebooks" / "01_convolution_basics.ipynb"
    monkeypatch.setattr(course, "FIRST_LESSON", lesson)
    for path, text in {
        course.LOCK: LOCK,
        course.PYPROJECT: "[project]\n",
        venv / "pyvenv.cfg": f"version = 3.12.1\ncommand = /usr/bin/python3 -m venv {venv}\n",
        course.venv_python(): "",
        lesson: "{}",
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


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"version": (3, 10)}, ["This is Python 3.10", "3.11, 3.12 or 3.13", "install"]),
        ({"version": (3, 14)}, ["This is Python 3.14", "3.11, 3.12 or 3.13", "install"]),
        ({"system": "Darwin"}, ["Intel Macs", "arm64 build", "Binder"]),
        ({"machine": "32 bit"}, ["32 bit build", "64-bit"]),
        ({"system": "Windows", "machine": "ARM64"}, ["ARM64 build", "64-bit x86"]),
        ({"can_make_venv": False}, ["sudo apt install python3.12-venv"]),
    ],
)
def test_a_python_that_does_not_fit_is_refused_with_what_to_install(changes, words):
    with pytest.raises(course.Stop) as stop:
        course.choose_interpreter([["python3"]], lambda command: an_interpreter(**changes))
    sentence = str(stop.value)
    assert "\n" not in sentence
    for word in words:
        assert word in sentence


@pytest.mark.parametrize("version", course.PYTHONS)
@pytest.mark.parametrize("system", ["Linux", "Windows"])
def test_a_python_that_fits_is_taken(version, system):
    python = an_interpreter(version=version, system=system)
    assert course.choose_interpreter([["python3"]], lambda command: python) is python


def test_apple_silicon_is_taken():
    python = an_interpreter(system="Darwin", machine="arm64")
    assert course.choose_interpreter([["python3"]], lambda command: python) is python


def test_the_first_fitting_python_is_taken_and_dead_commands_are_passed_over():
    answers = {"old": (3, 9), "dead": None, "good": (3, 13), "later": (3, 11)}

    def ask(command):
        version = answers[command[0]]
        return version and an_interpreter(executable=command[0], version=version)

    assert course.choose_interpreter([[name] for name in answers], ask).executable == "good"


def test_of_several_refusals_the_nearest_to_the_goal_is_told():
    answers = {"a": {"version": (3, 8)}, "b": {"can_make_venv": False}, "c": {"version": (3, 14)}}
    with pytest.raises(course.Stop, match=r"python3\.12-venv"):
        course.choose_interpreter(
            [[name] for name in answers], lambda command: an_interpreter(**answers[command[0]])
        )


def test_without_any_python_the_sentence_says_what_to_install():
    with pytest.raises(course.Stop, match=r"needs Python 3\.11, 3\.12 or 3\.13.*install"):
        course.choose_interpreter([["a"], ["b"]], lambda command: None)


def test_probe_reports_this_python_and_survives_programs_that_are_none(tmp_path):
    python = course.probe([sys.executable])
    assert python is not None
    assert python.version == sys.version_info[:2]
    assert course.probe([str(tmp_path / "missing")]) is None
    assert course.probe([sys.executable, "-c", "print('no facts')"]) is None


def test_candidates_begin_with_the_running_python(monkeypatch):
    monkeypatch.setattr(course.shutil, "which", lambda name: f"/bin/{name}")
    commands = course.candidates()
    assert commands[0] == [sys.executable]
    names = [command[0] for command in commands]
    assert names.index("/bin/python3.13") < names.index("/bin/python3.11")


# ---- when something is installed ----------------------------------------------------------------


def test_a_fresh_stamp_starts_the_program_at_once(started):
    assert ending("test") == 0
    assert started == [[str(course.venv_python()), "-m", "pytest"]]


@pytest.mark.parametrize("name", ["LOCK", "PYPROJECT"])
def test_another_lock_or_pyproject_makes_the_stamp_stale(folder, name):
    assert course.is_fresh()
    path = getattr(course, name)
    path.write_text(path.read_text(encoding="utf-8") + "# new\n", encoding="utf-8")
    assert not course.is_fresh()


def test_line_ends_do_not_make_the_stamp_stale(folder):
    course.PYPROJECT.write_bytes(course.PYPROJECT.read_bytes().replace(b"\n", b"\r\n"))
    assert course.is_fresh()


def test_another_python_folder_or_a_missing_one_make_the_stamp_stale(folder, monkeypatch):
    config = course.VENV / "pyvenv.cfg"
    text = config.read_text()
    config.write_text(text.replace("3.12.1", "3.12.2"))
    assert not course.is_fresh()
    config.write_text(text)
    assert course.is_fresh()
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(course, "ROOT", folder.parent / "renamed")
        assert not course.is_fresh()
    course.venv_python().unlink()
    assert not course.is_fresh()


def test_a_stale_stamp_installs_from_the_lock_with_hashes_and_renews_it(started):
    course.STAMP.write_text("of yesterday")
    course.ensure_installed()
    pip, _, locked, itself = started
    assert {"--require-hashes", "--no-deps"} <= set(pip)
    assert {"uv", "--require-hashes", str(course.LOCK)} <= set(locked)
    assert {"uv", "--no-deps", "--no-build-isolation", "--editable"} <= set(itself)
    assert course.is_fresh()
    settings = course.VENV / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    assert json.loads(settings.read_text()) == course.LAB_SETTINGS


def test_an_interrupted_installation_leaves_no_stamp_and_says_what_to_do(started, monkeypatch):
    course.STAMP.write_text("of yesterday")
    good = course.subprocess.run

    def fail_at_the_lock(command, *arguments, **options):
        good(command, *arguments, **options)
        return subprocess.CompletedProcess(command, int(str(course.LOCK) in command), "", "")

    monkeypatch.setattr(course.subprocess, "run", fail_at_the_lock)
    sentence = ending("test")
    assert "could not be installed" in sentence
    assert "run the same command again" in sentence
    assert not course.STAMP.exists()
    monkeypatch.setattr(course.subprocess, "run", good)
    assert ending("test") == 0
    assert course.is_fresh()


def test_ctrl_c_ends_without_a_traceback(started, monkeypatch):
    course.STAMP.write_text("of yesterday")

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(course.subprocess, "run", interrupt)
    assert "goes on where it stopped" in ending("test")
    assert not course.is_fresh()


@pytest.mark.parametrize("damage", ["dead", "no pip", "old", "moved"])
def test_a_damaged_environment_is_made_anew(started, monkeypatch, damage):
    course.STAMP.unlink()
    python = {
        "dead": None,
        "no pip": an_interpreter(has_pip=False),
        "old": an_interpreter(version=(3, 10)),
        "moved": an_interpreter(),
    }[damage]
    inside = [str(course.venv_python())]
    answer = {True: python, False: an_interpreter()}
    monkeypatch.setattr(course, "probe", lambda command: answer[command == inside])
    if damage == "moved":
        config = course.VENV / "pyvenv.cfg"
        config.write_text(config.read_text().replace(str(course.VENV), "/elsewhere/.venv"))
    course.make_venv()
    assert started[-1][1:] == ["-m", "venv", "--clear", str(course.VENV)]


def test_an_environment_that_cannot_be_made_gives_the_reason(started, monkeypatch):
    course.shutil.rmtree(course.VENV)
    failed = subprocess.CompletedProcess([], 1, stdout="", stderr="page of code\nno space left\n")
    monkeypatch.setattr(course.subprocess, "run", lambda *_, **__: failed)
    sentence = ending("test")
    assert sentence.endswith("could not make the environment .venv: no space left")


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


def test_a_whole_environment_is_kept(started):
    course.STAMP.unlink()
    course.make_venv()
    assert started == []


def test_a_foreign_folder_called_venv_is_left_alone(started):
    course.STAMP.unlink()
    (course.VENV / "pyvenv.cfg").unlink()
    (course.VENV / "precious.txt").write_text("mine")
    assert "rename or delete it" in ending("test")
    assert (course.VENV / "precious.txt").read_text() == "mine"
    assert started == []


def test_a_full_disk_is_told_before_anything_is_made(started, monkeypatch):
    course.shutil.rmtree(course.VENV)
    monkeypatch.setattr(course.shutil, "disk_usage", lambda path: SimpleNamespace(free=10**8))
    assert "has 0.1 GB left" in ending("test")
    assert started == []


def test_a_missing_lock_is_one_sentence(started):
    course.LOCK.unlink()
    sentence = ending("test")
    assert "requirements.txt" in sentence
    assert "\n" not in sentence


def pip_config(**sections: dict[str, str]) -> str:
    """What `pip config list` prints: sorted, which is not the order in which settings count."""
    lines = [
        f"{section}.{key}={value!r}"
        for section, settings in sections.items()
        for key, value in settings.items()
    ]
    return "".join(f"{line}\n" for line in sorted(lines))


@given(st.text(alphabet=st.characters(blacklist_categories=["Cs"])))
def test_settings_of_pip_reach_uv(value):
    config = pip_config(
        **{"global": {"index-url": value}, ":env:": {"cert": value}, "install": {"proxy": value}}
    )
    names = ("UV_DEFAULT_INDEX", "SSL_CERT_FILE", "HTTPS_PROXY")
    assert course.registry_settings(config) == dict.fromkeys(names, value)


def test_of_pips_settings_the_environment_wins_over_files_and_install_over_global():
    every = {name: {"index-url": name, "cert": name} for name in ("global", "install", ":env:")}
    every["download"] = {"index-url": "of another command", "proxy": "of another command"}
    del every[":env:"]["cert"]
    expected = {"UV_DEFAULT_INDEX": ":env:", "SSL_CERT_FILE": "install"}
    assert course.registry_settings(pip_config(**every)) == expected


def test_further_indexes_and_folders_of_pip_stay_with_pip():
    further = {"extra-index-url": "a", "find-links": "\nfile:///missing\nb", "trusted-host": "c"}
    assert course.registry_settings(pip_config(**{"global": further, ":env:": further})) == {}


def test_pip_prints_its_settings_as_they_are_read(monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "https://example.org/it's")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    command = [sys.executable, "-m", "pip", "config", "list"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    settings = course.registry_settings(printed)
    assert settings["UV_DEFAULT_INDEX"] == "https://example.org/it's"


# ---- arguments and environment ------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [[], ["open"], ["--no-browser"], ["open", "--no-browser"]])
def test_without_a_command_the_first_lesson_opens(started, arguments):
    assert ending(*arguments) == 0
    (command,) = started
    assert command[:3] == [str(course.venv_python()), "-m", "jupyterlab"]
    assert "--LabApp.default_url=/lab/tree/notebooks/01_convolution_basics.ipynb" in command
    assert ("--no-browser" in command) == ("--no-browser" in arguments)
    assert not any("token" in word.lower() or "password" in word.lower() for word in command)


def test_another_lesson_and_options_of_jupyter_are_passed_on(started, folder):
    lesson = folder / "notebooks" / "my own.ipynb"
    lesson.write_text("{}")
    assert ending(str(lesson), "--port", "8890") == 0
    (command,) = started
    assert command[-2:] == ["--port", "8890"]
    assert "--LabApp.default_url=/lab/tree/notebooks/my%20own.ipynb" in command
    assert str(lesson) not in command


@pytest.mark.parametrize("name", ["notebooks/99_missing.ipynb", "../outside.ipynb"])
def test_a_notebook_that_is_not_there_is_one_sentence(started, folder, name):
    (folder.parent / "outside.ipynb").write_text("{}")
    assert "There is no notebook" in ending("open", str(folder / name))
    assert started == []


def test_a_second_notebook_is_refused_in_one_sentence(started, folder):
    other = folder / "notebooks" / "other.ipynb"
    other.write_text("{}")
    for second in (str(other), "b.ipynb"):
        sentence = ending("open", str(course.FIRST_LESSON), second)
        assert second in sentence and "\n" not in sentence
    assert started == []
    assert ending("open", str(other), "--ServerApp.answer=x.ipynb") == 0
    assert started[0][-1] == "--ServerApp.answer=x.ipynb"


def test_arguments_after_test_go_to_pytest(started):
    assert ending("test", "-k", "convolution and not slow", "--open") == 0
    assert started[0][2:] == ["pytest", "-k", "convolution and not slow", "--open"]


def test_doctor_runs_the_packages_doctor(started):
    assert ending("doctor") == 0
    assert started == [[str(course.venv_python()), "-m", "course_utils", "doctor"]]


def test_doctor_before_the_installation_says_so_and_starts_nothing(started, monkeypatch):
    course.venv_python().unlink()
    sentence = ending("doctor")
    assert sentence.startswith("[FAIL]")
    assert f"run `{course.START}`" in sentence
    assert started == []


@pytest.mark.parametrize(("platform", "start"), [("win32", "py"), ("linux", "python3")])
def test_the_command_is_named_as_the_system_has_it(monkeypatch, capsys, platform, start):
    monkeypatch.setattr(sys, "platform", platform)
    there = runpy.run_path(course.__file__)
    assert there["START"] == f"{start} course.py"
    monkeypatch.setattr(course, "START", there["START"])
    monkeypatch.setattr(course, "is_fresh", lambda: False)
    monkeypatch.setattr(course, "hand_over", sys.exit)
    monkeypatch.setattr(course, "venv_python", lambda: Path(sys.executable))
    ending("doctor")
    ending("--help")
    text = capsys.readouterr().out
    assert f"-> run `{start} course.py`" in text
    assert f"\n    {start} course.py test" in text
    assert ("python3" in text) == (start == "python3")


def test_an_unknown_command_names_the_known_ones(started):
    sentence = ending("tset")
    for name in ("'tset'", *course.COMMANDS):
        assert name in sentence


def test_help_names_every_command(capsys):
    assert ending("--help") is None
    text = capsys.readouterr().out
    for name in course.COMMANDS:
        assert f"course.py {name}" in text


def test_programs_see_the_environment_of_the_course_only(folder, monkeypatch):
    for name in ("PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("IPYTHONDIR", "/my/own")
    monkeypatch.delenv("JUPYTER_DATA_DIR", raising=False)
    env = course.course_environment()
    assert not {"PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE"} & set(env)
    assert env["UV_PYTHON_DOWNLOADS"] == "never"
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
        assert "--hash=sha256:" in course.locked_block(LOCK, requirement.name), requirement


def test_locked_block_is_one_package_with_its_hashes():
    lines = course.locked_block(LOCK, "uv").splitlines()
    assert lines[0].startswith("uv==")
    assert len(lines) > 5
    assert all(re.match(r"    --hash=sha256:[0-9a-f]{64}( \\)?$", line) for line in lines[1:])
    with pytest.raises(course.Stop, match="does not pin no-such-thing"):
        course.locked_block(LOCK, "no-such-thing")


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("python", course.PYTHONS)
def test_every_dependency_is_locked_once_at_a_version_in_its_range(platform, python):
    version = "{}.{}".format(*python)
    environment = {
        **default_environment(),
        **PLATFORMS[platform],
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


def test_one_tensorflow_on_every_platform():
    extras = PROJECT["project"]["optional-dependencies"]
    for platform in PLATFORMS.values():
        environment = {**default_environment(), **platform}
        chosen = [
            one for one in map(Requirement, extras["cpu"]) if one.marker.evaluate(environment)
        ]
        assert len(chosen) == 1


def test_environment_yml_is_the_lock_on_a_python_of_the_range():
    environment = yaml.safe_load((course.ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert environment["name"] == PROJECT["project"]["name"]
    python, pip, section = environment["dependencies"]
    major, minor = re.fullmatch(r"python=(\d+)\.(\d+)", python).groups()
    assert (int(major), int(minor)) in course.PYTHONS
    assert pip == "pip"
    assert section == {"pip": ["-r requirements.txt"]}


def test_ci_runs_the_test_command_of_the_readme():
    script = (course.ROOT / ".ci" / "run").read_text(encoding="utf-8")
    commands = [line for line in script.splitlines() if line and not line.startswith("#")]
    assert commands.count("python3 course.py test") == 1  # under no condition, and after it more
    assert "set -euo pipefail" in commands
    readme = (course.ROOT / "README.md").read_text(encoding="utf-8")
    assert re.search(r"(?m)^ *python3 course\.py test( +#.*)?$", readme)


def test_ci_lets_no_browser_test_be_skipped():
    script = (course.ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert re.search(r"(?m)^export CI=true$", script)
    (names,) = re.findall(r"for name in (.*); do", script)
    assert tuple(names.split()) == conftest.BROWSERS


@pytest.mark.skipif(not shutil.which("bash"), reason="there is no bash here")
@pytest.mark.parametrize("script", [".ci/run", "postBuild"])
def test_scripts_are_bash(script):
    subprocess.run(["bash", "-n", str(course.ROOT / script)], check=True)


def a_program(path: Path) -> str:
    path.parent.mkdir(parents=True)
    path.write_text("")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def no_browser(tmp_path, monkeypatch):
    """A system on which no browser is found: neither on the PATH nor where others keep it."""
    for name in ("PATH", "PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "nothing"))
    monkeypatch.setattr(conftest, "MAC_APPLICATIONS", tmp_path / "nothing")
    return tmp_path


@pytest.mark.parametrize(
    ("ci", "ending"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)]
)
def test_without_a_browser_its_tests_are_skipped_but_fail_in_ci(
    no_browser, monkeypatch, ci, ending
):
    monkeypatch.setenv("CI", ci)
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(no_browser))
    assert conftest.installed_browser() is None
    with pytest.raises(ending, match="no Chromium here; install one"):
        conftest.browser()


@pytest.mark.skipif(sys.platform == "win32", reason="programs have other endings there")
@pytest.mark.parametrize("name", conftest.BROWSERS)
def test_a_browser_on_the_path_is_found(no_browser, monkeypatch, name):
    monkeypatch.setenv("PATH", str(no_browser / "bin"))
    path = a_program(no_browser / "bin" / name)
    assert conftest.installed_browser() == path


@pytest.mark.parametrize("app", ["Google Chrome", "Microsoft Edge", "Chromium"])
def test_a_browser_of_a_mac_is_found(no_browser, monkeypatch, app):
    monkeypatch.setattr(conftest, "MAC_APPLICATIONS", no_browser)
    path = a_program(no_browser / f"{app}.app" / "Contents" / "MacOS" / app)
    assert conftest.installed_browser() == path


@pytest.mark.parametrize("variable", ["PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"])
@pytest.mark.parametrize("file", ["Google/Chrome/Application/chrome.exe",
                                  "Microsoft/Edge/Application/msedge.exe"])  # fmt: skip
def test_a_browser_of_windows_is_found(no_browser, monkeypatch, variable, file):
    monkeypatch.setenv(variable, str(no_browser))
    path = a_program(no_browser / file)
    assert conftest.installed_browser() == path


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
