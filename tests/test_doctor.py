"""Every check of the doctor can fail, and says then how to mend it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


def statuses(results: list[Result]) -> list[str]:
    return [result.status for result in results]


def assert_fails(result: Result, *words: str) -> None:
    assert result.status == "FAIL"
    assert result.mend, "a failure must say how to mend it"
    for word in words:
        assert word in str(result)


def test_a_result_is_one_line_with_its_mark():
    assert str(Result("OK", "fine")) == "[ OK ] fine"
    assert str(Result("WARN", "slow", "wait")) == "[WARN] slow -> wait"
    assert str(Result("FAIL", "broken", "mend it")) == "[FAIL] broken -> mend it"


def test_advice_names_the_command_of_the_system_and_the_environment():
    venv = str(doctor.ROOT / ".venv")
    for line in doctor.advice(venv, "linux")[:2]:
        assert "`python3 course.py`" in line
    for line in doctor.advice(venv, "win32"):
        assert "`py course.py`" in line and "python3" not in line
    for line in doctor.advice("/opt/conda/envs/cnn-course"):
        assert "course.py" not in line and ".venv" not in line
    assert "pip install -r requirements.txt" in doctor.advice("/elsewhere").install


@pytest.mark.parametrize("version", ["3.11.0", "3.12.1", "3.13.9"])
def test_python_in_the_range_is_well(version):
    assert doctor.check_python(version, PROJECT).status == "OK"


@pytest.mark.parametrize("version", ["3.10.13", "3.14.0"])
def test_python_outside_the_range_fails(version):
    assert_fails(doctor.check_python(version, PROJECT), version, "install Python 3.12")


def test_packages_in_their_ranges_are_well():
    assert statuses(doctor.check_packages(VERSIONS.get, PROJECT)) == ["OK", "OK"]


@pytest.mark.parametrize("name", ["numpy", "pillow", "tensorflow-cpu"])
def test_a_missing_package_fails_by_name(name):
    versions = {key: value for key, value in VERSIONS.items() if key != name}
    failure, tests = doctor.check_packages(versions.get, PROJECT)
    assert_fails(failure, f"{name} is missing", doctor.INSTALL)
    assert tests.status == "OK"


@pytest.mark.parametrize(
    ("name", "version"), [("numpy", "1.26.4"), ("tensorflow-cpu", "2.22.0"), ("pillow", "10.9")]
)
def test_a_package_outside_its_range_fails_with_both_versions(name, version):
    failure, _ = doctor.check_packages({**VERSIONS, name: version}.get, PROJECT)
    wanted = {"numpy": ">=2.0", "tensorflow-cpu": "<2.22,>=2.21", "pillow": ">=11"}[name]
    assert_fails(failure, f"{name} {version} is not {wanted}")


def test_tensorflow_of_the_gpu_extra_will_do():
    versions = {key: value for key, value in VERSIONS.items() if key != "tensorflow-cpu"}
    versions["tensorflow"] = "2.21.0"
    assert statuses(doctor.check_packages(versions.get, PROJECT)) == ["OK", "OK"]


def test_what_only_the_tests_need_is_a_warning():
    versions = {key: value for key, value in VERSIONS.items() if key != "ruff"}
    lessons, tests = doctor.check_packages(versions.get, PROJECT)
    assert lessons.status == "OK"
    assert tests.status == "WARN"
    assert "ruff is missing" in tests.text
    assert tests.mend


@given(st.integers(0, 2**45))
def test_memory_and_disk_judge_by_what_is_free(free):
    for check, needed in (
        (doctor.check_memory, doctor.MEMORY_NEEDED),
        (doctor.check_disk, doctor.DISK_NEEDED),
    ):
        result = check(free)
        assert (result.status == "OK") == (free >= needed)
        assert bool(result.mend) == (result.status != "OK")


def test_hardly_any_memory_or_disk_fails():
    assert_fails(doctor.check_memory(500 * 10**6), "0.5 GB free", "close other programs")
    assert_fails(doctor.check_disk(50 * 10**6), "free some space")
    assert doctor.check_memory(3 * 10**9).status == "WARN"
    assert doctor.check_disk(5 * 10**8).status == "WARN"


def test_memory_without_psutil_is_a_warning(monkeypatch):
    monkeypatch.setitem(sys.modules, "psutil", None)
    result = doctor.check_memory()
    assert result.status == "WARN"
    assert result.mend


def test_memory_of_this_machine_is_measured():
    assert 0 < doctor.memory_free() < 2**50


@pytest.mark.parametrize(
    ("limit", "used", "free"), [("1000", 600, 500), ("1000", 1100, 0), ("max", 600, None)]
)
def test_memory_of_a_container_counts_copies_of_files_as_free(tmp_path, limit, used, free):
    (tmp_path / "memory.max").write_text(f"{limit}\n")
    (tmp_path / "memory.current").write_text(f"{used}\n")
    (tmp_path / "memory.stat").write_text("anon 400\nactive_file 50\ninactive_file 100\n")
    if free is None:
        assert doctor.memory_free(tmp_path) > 1000
    else:
        assert doctor.memory_free(tmp_path) == free


@pytest.mark.parametrize("python", ["python", "python3", "/course/.venv/bin/python"])
def test_a_kernel_of_this_environment_is_well(python):
    result = doctor.check_kernel(lambda: [python, "-m", "ipykernel_launcher"], "/course/.venv")
    assert result.status == "OK"


def test_another_kernel_fails_and_is_named():
    result = doctor.check_kernel(lambda: ["/usr/bin/python3", "-m", "ipykernel"], "/course/.venv")
    assert_fails(result, "/usr/bin/python3", "kernelspec remove", doctor.START)


@pytest.mark.parametrize("command", [None, []])
def test_no_kernel_fails(command):
    assert_fails(doctor.check_kernel(lambda: command, "/course/.venv"), "finds no kernel")


def test_jupyter_finds_a_kernel_here():
    assert "ipykernel_launcher" in " ".join(doctor.kernel_command())


@pytest.fixture
def keras_file(tmp_path):
    """Write a keras.json; return the environment in which Keras would read it."""

    def write(text: str) -> dict[str, str]:
        (tmp_path / "keras.json").write_text(text)
        return {"KERAS_HOME": str(tmp_path)}

    return write


def test_keras_as_it_is_installed_is_one_line(tmp_path, keras_file):
    own = json.dumps({**doctor.KERAS_SETTINGS, "nnx_enabled": False})
    places = {"KERAS_HOME": str(tmp_path / "none")}, keras_file(own), keras_file("no JSON"), {}
    for environment in (*places, {"KERAS_BACKEND": "tensorflow", "TF_ENABLE_ONEDNN_OPTS": "1"}):
        (well,) = doctor.check_keras({"HOME": str(tmp_path), **environment})
        assert well.status == "OK" and "no settings" in well.text


@pytest.mark.parametrize("name", doctor.KERAS_SETTINGS)
def test_a_setting_of_another_course_is_named_with_what_is_used_instead(keras_file, name):
    (told,) = doctor.check_keras(keras_file(json.dumps({**doctor.KERAS_SETTINGS, name: "odd"})))
    assert told.status == "OK" and "keras.json" in told.text
    assert f"{name} in" in told.text and "is odd" in told.text
    assert f"use {doctor.KERAS_SETTINGS[name]}" in told.text


def test_settings_of_the_environment_are_named(keras_file):
    environment = {
        **keras_file('{"backend": "jax"}'),
        "KERAS_BACKEND": "torch",
        "TF_USE_LEGACY_KERAS": "1",
        "TF_ENABLE_ONEDNN_OPTS": "0",
    }
    backend, legacy, file, slow = doctor.check_keras(environment)
    assert statuses([backend, legacy, file, slow]) == ["OK", "OK", "OK", "WARN"]
    assert "KERAS_BACKEND is torch" in backend.text and "is jax" in file.text
    assert "TF_USE_LEGACY_KERAS" in legacy.text
    assert "TF_ENABLE_ONEDNN_OPTS" in slow.text and slow.mend


def test_tensorflow_that_computes_is_well_without_a_gpu():
    computes, gpu = doctor.check_tensorflow(WELL)
    assert computes.status == gpu.status == "OK"
    assert "none is needed" in gpu.text


def test_a_gpu_is_named():
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
        ("import sys; sys.exit(7)", "exit code 7"),
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


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to die of")
def test_a_process_that_crashes_is_put_into_words():
    program = f"import os; os.kill(os.getpid(), {int(signal.SIGILL)})"
    assert doctor.try_tensorflow(program=program) == {"error": "crashed at an illegal instruction"}
    program = f"import os; os.kill(os.getpid(), {int(signal.SIGSEGV)})"
    assert doctor.try_tensorflow(program=program) == {"error": "crashed with signal 11"}


def test_a_processor_without_avx_is_known_on_windows_too(monkeypatch):
    ended = subprocess.CompletedProcess([], 3221225501, stdout="", stderr="")
    monkeypatch.setattr(doctor.subprocess, "run", lambda *_, **__: ended)
    (failure,) = doctor.check_tensorflow(doctor.try_tensorflow())
    assert_fails(failure, "illegal instruction", "AVX")


def test_tensorflow_computes_here():
    facts = doctor.try_tensorflow()
    assert facts["answer"] == 9.0
    assert facts["version"].startswith("2.21")


def test_data_without_a_fault_are_well(tmp_path):
    assert statuses(doctor.check_data(lambda: [], tmp_path)) == ["OK"]


def test_no_data_folder_needs_no_manifest(tmp_path):
    assert statuses(doctor.check_data(lambda: ["never asked"], tmp_path / "data")) == ["OK"]


def test_each_fault_of_the_data_fails_with_its_mending(tmp_path):
    faults = ["data/a.npz is damaged: restore it with git.", "data/b.png is not in the manifest."]
    first, second = doctor.check_data(lambda: faults, tmp_path)
    assert_fails(first, "data/a.npz is damaged -> restore it with git.")
    assert_fails(second, "data/b.png is not in the manifest", "restore")


def test_a_check_that_cannot_run_fails_and_the_others_still_do():
    def lacks_a_package():
        raise ModuleNotFoundError("No module named 'packaging'", name="packaging")

    def lacks_a_file():
        raise FileNotFoundError(2, "No such file", "pyproject.toml")

    checks = [lacks_a_package, lacks_a_file, lambda: Result("OK", "still here")]
    package, file, last = doctor.examine(checks)
    assert_fails(package, "packaging is missing", doctor.INSTALL)
    assert_fails(file, "pyproject.toml cannot be read", "restore")
    assert last.status == "OK"


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
    assert "doctor" in text
    assert "fetch" in text


def test_the_doctor_is_there_when_other_packages_are_not():
    program = (
        "import sys\n"
        "missing = ('numpy', 'tensorflow', 'keras', 'packaging', 'psutil', 'jupyter_client')\n"
        "sys.modules.update(dict.fromkeys(missing))\n"
        "from course_utils import __main__, doctor\n"
        "assert __main__.make_parser().parse_args(['doctor']).run\n"
        "print(*doctor.examine(doctor.CHECKS[:-1]), sep='\\n')\n"
    )
    assert doctor.CHECKS[-1] is doctor.check_tensorflow
    command = [sys.executable, "-c", program]
    run = subprocess.run(command, cwd=doctor.ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    for words in ("packaging is missing", "psutil is missing", "finds no kernel", "disk: "):
        assert words in run.stdout


@pytest.mark.parametrize(("missing", "code"), [("numpy", 0), ("course_utils.data", 1)])
def test_only_a_missing_numpy_takes_fetch_away(missing, code):
    program = (
        "import sys\n"
        f"sys.modules[{missing!r}] = None\n"
        "from course_utils import __main__\n"
        "assert 'fetch' not in __main__.make_parser().format_help()\n"
    )
    command = [sys.executable, "-c", program]
    run = subprocess.run(command, cwd=doctor.ROOT, capture_output=True, text=True)
    assert run.returncode == code, run.stderr
    assert "AssertionError" not in run.stderr


def test_importing_the_doctor_leaves_tensorflow_alone():
    program = "import sys; from course_utils import doctor; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=doctor.ROOT).returncode == 0
