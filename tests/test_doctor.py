"""Every check of the doctor can fail, and says then how to mend it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

from course_utils import __main__ as command_line
from course_utils import doctor
from course_utils.doctor import Result

PROJECT = {
    "requires-python": ">=3.11,<3.14",
    "dependencies": ["numpy>=2.0", "pillow>=11", "appnope ; sys_platform == 'no such system'"],
    "optional-dependencies": {
        "cpu": ["tensorflow-cpu>=2.21,<2.22"],
        "gpu": ["tensorflow[and-cuda]>=2.21,<2.22"],
        "test": ["pytest>=8", "ruff>=0.8"],
    },
}
VERSIONS = {
    "numpy": "2.4.6",
    "pillow": "13.0.0",
    "tensorflow-cpu": "2.21.0",
    "pytest": "9.2.0",
    "ruff": "0.17.6",
}
WELL = {"version": "2.21.0", "answer": 9.0, "gpus": []}
VENV = str(doctor.ROOT / ".venv")
GB = 10**9


def statuses(results: list[Result]) -> list[str]:
    return [result.status for result in results]


def assert_fails(result: Result, *words: str) -> None:
    assert result.status == "FAIL"
    assert result.mend, "a failure must say how to mend it"
    for word in words:
        assert word in str(result)


@pytest.mark.parametrize(
    ("result", "line"),
    [
        (Result("OK", "fine"), "[ OK ] fine"),
        (Result("WARN", "slow", "wait"), "[WARN] slow -> wait"),
        (Result("FAIL", "broken", "mend it"), "[FAIL] broken -> mend it"),
    ],
)
def test_a_result_is_one_line_with_its_mark(result, line):
    assert str(result) == line


def test_advice_names_the_command_of_the_system_and_the_environment():
    for platform, command in (("linux", "`python3 course.py`"), ("win32", "`py course.py`")):
        assert all(command in line for line in doctor.advice(VENV, platform))
    elsewhere = doctor.advice("/opt/conda/envs/cnn-course")
    assert not any("course.py" in line or ".venv" in line for line in elsewhere)
    assert "pip install -r requirements.txt" in elsewhere.install


# --- Python and packages ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "status"),
    [("3.11.0", "OK"), ("3.13.9", "OK"), ("3.10.13", "FAIL"), ("3.14.0", "FAIL")],
)
def test_python_is_in_the_range_or_fails(version, status):
    result = doctor.check_python(version, PROJECT)
    assert result.status == status and version in result.text
    assert ("install Python 3.12" in result.mend) == (status == "FAIL")


@pytest.mark.parametrize(
    ("changes", "told", "expected"),
    [
        ({}, "2 packages of the tests", ["OK", "OK"]),
        ({}, "3 packages of the lessons", ["OK", "OK"]),
        ({"tensorflow-cpu": None, "tensorflow": "2.21.0"}, "lessons", ["OK", "OK"]),
        ({"numpy": None}, "numpy is missing", ["FAIL", "OK"]),
        ({"tensorflow-cpu": None}, "tensorflow-cpu is missing", ["FAIL", "OK"]),
        ({"numpy": "1.26.4"}, "numpy 1.26.4 is not >=2.0", ["FAIL", "OK"]),
        ({"tensorflow-cpu": "2.22.0"}, "2.22.0 is not <2.22,>=2.21", ["FAIL", "OK"]),
        ({"numpy": "1.26.4", "pillow": "10.9"}, "pillow 10.9", ["FAIL", "FAIL", "OK"]),
        ({"ruff": None}, "for the tests: ruff is missing", ["OK", "WARN"]),
    ],
)
def test_packages_are_in_their_ranges_or_named(changes, told, expected):
    results = doctor.check_packages((VERSIONS | changes).get, PROJECT)
    assert statuses(results) == expected
    assert any(told in result.text for result in results)
    assert all(
        result.mend == ("" if result.status == "OK" else doctor.INSTALL) for result in results
    )


def test_versions_are_those_of_what_is_installed():
    assert doctor.installed_version("pytest") == pytest.__version__
    assert doctor.installed_version("no-such-thing") is None


# --- room ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("check", "free", "status", "words"),
    [
        (doctor.check_memory, 4 * GB, "OK", "4.0 GB free"),
        (doctor.check_memory, 4 * GB - 1, "WARN", "close other programs"),
        (doctor.check_memory, 1 * GB, "WARN", "may take 4 GB"),
        (doctor.check_memory, 1 * GB - 1, "FAIL", "close other programs"),
        (doctor.check_memory, 0, "FAIL", "0.0 GB free"),
        (doctor.check_disk, 1 * GB, "OK", "1.0 GB free"),
        (doctor.check_disk, 1 * GB - 1, "WARN", "free some space"),
        (doctor.check_disk, GB // 10, "WARN", "0.1 GB free"),
        (doctor.check_disk, GB // 10 - 1, "FAIL", "free some space"),
    ],
)
def test_memory_and_disk_judge_by_what_is_free(check, free, status, words):
    result = check(free)
    assert result.status == status and words in str(result)
    assert bool(result.mend) == (status != "OK")


def test_memory_without_psutil_is_a_warning(monkeypatch):
    monkeypatch.setitem(sys.modules, "psutil", None)
    result = doctor.check_memory()
    assert result.status == "WARN" and result.mend == doctor.INSTALL


@pytest.mark.parametrize(
    ("limit", "used", "free"), [("1000", 600, 500), ("1000", 1100, 0), ("max", 600, None)]
)
def test_memory_of_a_container_counts_copies_of_files_as_free(tmp_path, limit, used, free):
    (tmp_path / "memory.max").write_text(f"{limit}\n")
    (tmp_path / "memory.current").write_text(f"{used}\n")
    (tmp_path / "memory.stat").write_text("anon 400\nactive_file 50\ninactive_file 100\n")
    if free is None:
        assert 1000 < doctor.memory_free(tmp_path) < 2**50
    else:
        assert doctor.memory_free(tmp_path) == free


# --- Jupyter, data and Keras --------------------------------------------------------------------


@pytest.mark.parametrize("python", ["python", "python3", "/course/.venv/bin/python"])
def test_a_kernel_of_this_environment_is_well(python):
    assert doctor.check_kernel([python, "-m", "ipykernel_launcher"], "/course/.venv").status == "OK"


def test_another_kernel_or_none_fails():
    other = doctor.check_kernel(["/usr/bin/python3", "-m", "ipykernel"], "/course/.venv")
    assert_fails(other, "/usr/bin/python3", "kernelspec remove", doctor.START)
    assert_fails(doctor.check_kernel([]), "finds no kernel", doctor.REINSTALL)
    assert "ipykernel_launcher" in " ".join(doctor.kernel_command())


def test_each_fault_of_the_data_fails_with_its_mending(monkeypatch):
    assert statuses(doctor.check_data([])) == ["OK"]
    faults = ["data/a.npz is damaged: restore it with git.", "data/b.png is not in the manifest."]
    monkeypatch.setattr("course_utils.data.verify", lambda: faults)
    first, second = doctor.check_data()
    assert_fails(first, "data/a.npz is damaged -> restore it with git.")
    assert_fails(second, "data/b.png is not in the manifest", "restore the folder")


@pytest.fixture
def keras_file(tmp_path):
    """Write a keras.json; return the environment in which Keras would read it."""

    def write(text: str) -> dict[str, str]:
        (tmp_path / "keras.json").write_text(text)
        return {"KERAS_HOME": str(tmp_path)}

    return write


def test_keras_as_it_is_installed_is_one_line(tmp_path, keras_file):
    own = json.dumps({**doctor.KERAS_SETTINGS, "nnx_enabled": False})
    places = {"KERAS_HOME": str(tmp_path / "none")}, keras_file(own), keras_file("no JSON")
    for environment in (*places, {"KERAS_BACKEND": "tensorflow", "TF_ENABLE_ONEDNN_OPTS": "1"}):
        (well,) = doctor.check_keras({"KERAS_HOME": str(tmp_path), **environment})
        assert well.status == "OK" and "no settings" in well.text


@pytest.mark.parametrize("name", doctor.KERAS_SETTINGS)
def test_a_setting_of_another_course_is_named_with_what_is_used_instead(keras_file, name):
    (told,) = doctor.check_keras(keras_file(json.dumps({**doctor.KERAS_SETTINGS, name: "odd"})))
    assert (
        told.status == "OK"
        and f"keras.json is odd; the lessons use {doctor.KERAS_SETTINGS[name]}" in told.text
    )


def test_settings_of_the_environment_are_named(keras_file):
    environment = {
        **keras_file('{"backend": "jax"}'),
        "KERAS_BACKEND": "torch",
        "TF_USE_LEGACY_KERAS": "1",
        "TF_ENABLE_ONEDNN_OPTS": "0",
    }
    results = doctor.check_keras(environment)
    assert statuses(results) == ["OK", "OK", "OK", "WARN"] and results[-1].mend
    told = ("KERAS_BACKEND is torch", "TF_USE_LEGACY_KERAS", "is jax", "TF_ENABLE_ONEDNN_OPTS")
    assert all(words in result.text for words, result in zip(told, results, strict=True))


# --- TensorFlow ---------------------------------------------------------------------------------


def test_tensorflow_that_computes_is_well_with_or_without_a_gpu():
    computes, gpu = doctor.check_tensorflow(WELL)
    assert computes.status == gpu.status == "OK"
    assert "none is needed" in gpu.text
    assert "A100" in doctor.check_tensorflow({**WELL, "gpus": ["NVIDIA A100"]})[1].text


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({**WELL, "answer": 8.5}, ["8.5", "9.0", doctor.REINSTALL]),
        ({"error": "gave no answer within 120 s"}, ["120 s", "once more"]),
        ({"error": "crashed at an illegal instruction"}, ["AVX"]),
        ({"error": "gave no answer that can be read, but ''"}, ["can be read", doctor.REINSTALL]),
        ({"error": "failed: ImportError: no such symbol"}, ["no such symbol", doctor.REINSTALL]),
        ({"error": "failed: Keras refuses keras.json"}, ["refuses", "delete that file"]),
    ],
)
def test_tensorflow_that_does_not_compute_fails(facts, words):
    (failure,) = doctor.check_tensorflow(facts)
    assert_fails(failure, *words)


def test_tensorflow_not_installed_is_one_line(monkeypatch):
    monkeypatch.setattr(doctor, "installed_version", lambda name: None)
    (failure,) = doctor.check_tensorflow()
    assert_fails(failure, "TensorFlow is not installed", doctor.INSTALL)


@pytest.mark.parametrize(
    ("program", "error"),
    [
        ("raise SystemExit('out of order')", "failed: out of order"),
        ("import no_such_module", "No module named 'no_such_module'"),
        ("import sys; sys.exit(7)", "failed: exit code 7"),
        ("", "no answer that can be read, but ''"),
        ("print('{}'); print('oneDNN is on')", "can be read, but 'oneDNN is on'"),
        ("print('{}')", "can be read, but '{}'"),
        ("print(9)", "can be read, but '9'"),
        ("import sys; sys.stdout.buffer.write(b'\\xff')", "can be read, but"),
    ],
)
def test_a_process_that_fails_is_put_into_words(program, error):
    assert error in doctor.try_tensorflow(program=program)["error"]


def test_a_process_that_hangs_is_put_into_words_and_ended():
    program = "import time; time.sleep(600)"
    facts = doctor.try_tensorflow(timeout=1.0, program=program)
    assert facts == {"error": "gave no answer within 1 s"}


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (-signal.SIGILL, "crashed at an illegal instruction"),
        (3221225501, "crashed at an illegal instruction"),  # Windows
        (-signal.SIGSEGV, "crashed with signal 11"),
    ],
)
def test_a_process_that_crashes_is_put_into_words(monkeypatch, code, error):
    ended = subprocess.CompletedProcess([], code, stdout="", stderr="")
    monkeypatch.setattr(doctor.subprocess, "run", lambda *_, **__: ended)
    assert doctor.try_tensorflow() == {"error": error}


def test_tensorflow_computes_here():
    facts = doctor.try_tensorflow()
    assert facts["answer"] == 9.0
    assert facts["version"].startswith("2.21")


# --- all of it ----------------------------------------------------------------------------------


def test_a_check_that_cannot_run_fails_and_the_others_still_do():
    def lacks_a_package():
        raise ModuleNotFoundError("No module named 'packaging'", name="packaging.version")

    def lacks_a_file():
        raise FileNotFoundError(2, "No such file", "pyproject.toml")

    several = [Result("OK", "one"), Result("WARN", "other")]
    package, file, *rest = doctor.examine([lacks_a_package, lacks_a_file, lambda: several])
    assert_fails(package, "packaging is missing", doctor.INSTALL)
    assert_fails(file, "pyproject.toml cannot be read", "restore")
    assert rest == several


@pytest.mark.parametrize(("status", "code"), [("OK", 0), ("WARN", 0), ("FAIL", 1)])
def test_the_exit_code_tells_whether_something_failed(monkeypatch, capsys, status, code):
    results = [Result("OK", "first"), Result(status, "second", "do this"), Result("OK", "third")]
    monkeypatch.setattr(doctor, "examine", lambda: iter(results))
    assert command_line.main(["doctor"]) == code
    assert capsys.readouterr().out.splitlines() == list(map(str, results))


def test_without_a_command_the_usage_is_shown(capsys):
    assert command_line.main([]) == 0
    text = capsys.readouterr().out
    assert text.startswith("usage: python -m course_utils")
    assert "doctor" in text and "fetch" in text


def test_the_doctor_is_there_when_other_packages_are_not_and_leaves_tensorflow_alone():
    program = (
        "import sys\n"
        "missing = ('numpy', 'packaging', 'psutil', 'jupyter_client')\n"
        "sys.modules.update(dict.fromkeys(missing))\n"
        "from course_utils import __main__, doctor\n"
        "assert __main__.make_parser().parse_args(['doctor']).run\n"
        "print(*doctor.examine(doctor.CHECKS[:-1]), sep='\\n')\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)\n"
    )
    assert doctor.CHECKS[-1] is doctor.check_tensorflow
    command = [sys.executable, "-c", program]
    run = subprocess.run(command, cwd=doctor.ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    for words in ("packaging is missing", "psutil is missing", "finds no kernel", "disk: "):
        assert words in run.stdout
