"""The programs of tools/benchmarks: their arithmetic and their arguments, without measuring."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from tools import notebooks
from tools.benchmarks import lessons

ROOT = Path(__file__).resolve().parents[1]


def costs(seconds: list[float], peaks: list[float]) -> list[lessons.Cost]:
    return [{"cpu_seconds": s, "peak_mb": p} for s, p in zip(seconds, peaks, strict=True)]


MEASURED = {
    "03": {
        "this": costs([10, 30, 11], [500, 600, 700]),
        "that": costs([40, 44, 2], [900, 1200, 1]),
    },
    "05": {"this": costs([9], [100]), "that": costs([18], [50])},
    "07": {"this": costs([9], [100]), "that": []},  # interrupted here
}


def test_the_table_has_medians_ratios_and_a_row_for_all():
    head, _, *rows = (
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in lessons.table(MEASURED).splitlines()
    )
    assert head[1:4] == ["CPU, this (s)", "CPU, that (s)", "ratio"]
    assert head[4:] == ["peak, this (MB)", "peak, that (MB)", "ratio"]
    assert rows == [
        ["03", "11", "40", "0.28", "600", "900", "0.67"],
        ["05", "9", "18", "0.50", "100", "50", "2.00"],
        ["all", "20", "58", "0.34", "", "", ""],
    ]


def test_tests_have_no_peak_and_a_single_row():
    tests = {"this": [{"cpu_seconds": 50, "exit_code": 0}], "that": [{"cpu_seconds": 100}]}
    _, _, row = lessons.table({"tests": tests}).splitlines()
    assert row == "| tests | 50 | 100 | 0.50 |"


def test_the_trees_take_turns_and_nothing_that_was_measured_is_lost():
    asked, kept = [], []

    def cost(name: str, tree: Path) -> lessons.Cost:
        asked.append((name, tree.name))
        return {"cpu_seconds": float(len(asked))}

    trees = {"this": Path("new"), "that": Path("old")}
    found = lessons.compare(["01", "02"], trees, 2, cost, lambda all_: kept.append(str(all_)))
    assert asked == [
        *[("01", "new"), ("01", "old"), ("02", "new"), ("02", "old")],
        *[("01", "old"), ("01", "new"), ("02", "old"), ("02", "new")],
    ]
    assert [cost["cpu_seconds"] for cost in found["01"]["this"]] == [1, 6]
    assert [cost["cpu_seconds"] for cost in found["02"]["that"]] == [4, 7]
    assert len(set(kept)) == 8


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    (folder / "notebooks").mkdir(parents=True)
    cell = nbformat.v4.new_code_cell("1 + 1")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), folder / "notebooks" / "01_a.ipynb")
    return folder


@pytest.mark.parametrize("own", [True, False])
def test_a_lesson_must_import_the_package_of_its_own_tree(tree, tmp_path, monkeypatch, own):
    def execute(notebook, folder, environment):
        assert [cell.source for cell in notebook.cells[:-1]] == ["1 + 1"]
        assert folder == tree / "notebooks"
        assert environment["PYTHONPATH"] == str(tree)
        origin = (tree if own else ROOT) / "course_utils" / "__init__.py"
        notebook.cells[-1].outputs = [SimpleNamespace(text=f"12.5\n700\n{origin}\n")]

    monkeypatch.setattr(notebooks, "execute", execute)
    if own:
        cost = lessons.lesson_cost("01", tree, tmp_path)
        assert cost == {"cpu_seconds": 12.5, "peak_mb": 700.0}
    else:
        with pytest.raises(notebooks.Refused, match=r"01_a\.ipynb imported .*course_utils"):
            lessons.lesson_cost("01", tree, tmp_path)


def run_tests(
    tree: Path, private: Path, monkeypatch, code: int, files: tuple = ("tests/test_a.py",)
) -> tuple[lessons.Cost, list]:
    """What `tests_cost` gives where pytest ends with `code`, and the command that it ran."""
    asked = []

    def run(command, cwd, env):
        assert cwd == tree and env["PYTHONPATH"] == str(tree)
        asked.extend(command)
        return SimpleNamespace(returncode=code)

    monkeypatch.setattr(lessons.subprocess, "run", run)
    return lessons.tests_cost("tests", tree, private, files), asked


@pytest.mark.skipif(sys.platform == "win32", reason="children are not counted there")
def test_tests_run_to_their_end_and_leave_the_report_of_the_tree(tree, tmp_path, monkeypatch):
    cost, command = run_tests(tree, tmp_path, monkeypatch, 1)
    assert cost["exit_code"] == 1 and cost["cpu_seconds"] >= 0
    assert command[-1] == "tests/test_a.py"
    assert f"--junitxml={tmp_path / 'junit.xml'}" in command
    _, whole = run_tests(tree, tmp_path, monkeypatch, 0, files=())
    assert set(whole) - set(command) == set(lessons.WHOLE_RUN)
    reports = [word for word in whole if word.startswith("--junitxml")]
    assert reports[-1].endswith(str(tmp_path / "junit.xml"))  # the later one counts
    for code in (2, 4, 5):  # interrupted, no such file, no test
        with pytest.raises(notebooks.Refused, match=f"ended early, with exit code {code}"):
            run_tests(tree, tmp_path, monkeypatch, code)


def test_a_tree_comes_before_the_installed_package(tmp_path):
    (tmp_path / "course_utils").mkdir()
    (tmp_path / "course_utils" / "__init__.py").touch()
    environment = lessons.of_tree(tmp_path, tmp_path)
    (tmp_path / "notebooks").mkdir()
    run = subprocess.run(
        [sys.executable, "-c", lessons._ORIGIN],
        env=environment,
        cwd=tmp_path / "notebooks",
        capture_output=True,
        text=True,
    )
    assert Path(run.stdout.strip()).parent == tmp_path / "course_utils", run.stderr


@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
def test_an_earlier_commit_is_checked_out_and_an_unknown_one_refused(tmp_path, monkeypatch):
    source = tmp_path / "source"
    source.mkdir()
    monkeypatch.setattr(lessons, "ROOT", source)
    git = ["git", "-C", str(source), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "init", "--quiet"], check=True)
    for text in ("old", "new"):
        (source / "file").write_text(text)
        subprocess.run([*git, "add", "file"], check=True)
        subprocess.run([*git, "commit", "--quiet", "--message", text], check=True)
    name = lessons.check_out("HEAD~1", tmp_path / "that")
    assert (tmp_path / "that" / "file").read_text() == "old"
    assert len(name) == 40
    with pytest.raises(notebooks.Refused, match="v9: no such commit"):
        lessons.check_out("v9", tmp_path / "none")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--against"),
        (["--against", "HEAD", "--rounds", "0"], "--rounds is 0"),
        (["01", "--against", "HEAD", "--tests"], "leave out the lessons"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments, message, capsys):
    with pytest.raises(SystemExit):
        lessons.main(arguments)
    assert message in capsys.readouterr().err


def test_measurements_go_to_the_file_with_what_they_depend_on(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(lessons, "check_out", lambda commit, folder: f"whole name of {commit}")
    monkeypatch.setattr(lessons.compileall, "compile_dir", lambda *_, **__: True)
    here = {"cpu_seconds": 5.0, "peak_mb": 300.0}
    there = {"cpu_seconds": 10.0, "peak_mb": 400.0}
    monkeypatch.setattr(
        lessons, "lesson_cost", lambda name, tree, _: here if tree == lessons.ROOT else there
    )
    out = tmp_path / "costs.json"
    assert lessons.main(["3", "--against", "v1", "--rounds", "2", "--out", str(out)]) == 0
    report = json.loads(out.read_text())
    assert report["costs"] == {"03": {"this": [here] * 2, "that": [there] * 2}}
    assert report["that"] == "whole name of v1"
    assert report["processor"] and report["numpy"] and report["date"]
    assert "| 03 | 5 | 10 | 0.50 | 300 | 400 | 0.75 |" in capsys.readouterr().out


def test_a_lesson_that_does_not_exist_is_told_in_a_sentence(capsys):
    assert lessons.main(["77", "--against", "HEAD"]) == 1
    assert "77_*.ipynb" in capsys.readouterr().err
