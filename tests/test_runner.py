"""The test run of notebooks (tools/pytest_lessons.py), on small ones, good and bad."""

from __future__ import annotations

import inspect
import json
import os
import shutil
import socket
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from nbval.plugin import IPyNbCell, IPyNbFile
from pytest_socket import SocketConnectBlockedError

from tools import notebooks, pytest_lessons

ROOT = Path(__file__).parents[1]
ELSEWHERE = "192.0.2.1"  # set aside for documentation (RFC 5737): nobody answers there

EXERCISES = """\
from course_utils.exercises import Exercise, expect_number
def three(answer): expect_number(answer, 3)
def exercise(name, solution): return Exercise(name, name, ("Count.",), solution, "So.", three)
EXERCISES = (exercise("{0}-a", "a = 3"), exercise("{0}-b", "b = {1}"))
"""
# How exercises and claims of these lessons are found, in this process and in the kernels.
FOUND = """\
import pathlib
import course_utils.exercises, tests.claims
course_utils.exercises.__path__.append({0!r})
tests.claims.FOLDERS.append(pathlib.Path({0!r}))
"""
# Its clock says what a day of work would, and it does sleep a while.
BUSY = "import time\ntime.process_time = lambda: 86_400.0\ntime.sleep(0.5)"
NETWORK = f"""\
import os, socket, warnings
warnings.simplefilter("ignore")
server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(server.getsockname()).close()
try:
    socket.create_connection(("{ELSEWHERE}", 80), timeout=60)
except Exception as error:
    print(type(error).__name__)
assert not [name for name in os.environ if name.lower().endswith("_proxy")]
assert os.environ["COURSE_STATIC"] == "1" and "inline" in os.environ["MPLBACKEND"]
"""
PIECES = "import sys, time\nprint('a word', 1, end='', flush=True)\ntime.sleep(.4)\nprint(5)"

# Code, tags beside that of comparison, what is saved, words of the failure (none: it passes).
COMPARED = (
    ("print(0.515)", "tolerance:0.02", "0.5", None),
    ("print(0.54)", "tolerance:0.02", "0.5", "0.04 off; the tolerance is 0.02"),
    ("print(104)", "tolerance:5%", "100", None),
    ("print(110)", "tolerance:5%", "100", "110, 10 off; the tolerance is 5%"),
    ("print(float('nan'))", "tolerance:5%", "100", "100 is saved, the run shows the word 'nan'"),
    (PIECES, "tolerance:1", "a word   14", None),
    ("from IPython.display import HTML\nHTML('<td>7.5</td>')", "tolerance:1", "<td>7</td>", None),
    ("HTML('<td>7.5</td>')", "tolerance:0.1", "<td>7</td>", "7 is saved, the run shows 7.5"),
    ("print(1)", "tolerance:abc", "1", "tolerance:abc"),
)
CLAIMS = """\
start
  two is two
    two == 2
  two is more than three
    two > three
  a later name
    later == 4
  sets a name
    (mine := two) == 2
end
  no name was left behind
    'mine' not in globals() and 'judge' not in globals()
  no verdict
    two
"""


def cell(source: str, *tags: str, saved: str | None = None) -> nbformat.NotebookNode:
    """A cell, and what it is saved to have shown."""
    made = new_code_cell(source, metadata={"tags": list(tags)})
    if saved is None:
        return made
    made.metadata.tags.append("nbval-check-output")
    made.execution_count, shown = 1, new_output("stream", text=saved + "\n")
    if "HTML" in source:
        data = {"text/html": saved, "text/plain": "<IPython.core.display.HTML object>"}
        shown = new_output("execute_result", data, execution_count=1)
    made.outputs = [shown]
    return made


def answered(number: str, stub: str, start: str) -> list[nbformat.NotebookNode]:
    """A lesson with two exercises."""
    return [
        cell(f"{start}\nfrom course_utils.exercises import check"),
        cell(f"a = {stub}", f"exercise:{number}-a"),
        cell(f'check("{number}-a", a)', f"check:{number}-a"),
        cell("b = ...", f"exercise:{number}-b"),
        cell(f'check("{number}-b", b)', f"check:{number}-b"),
    ]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """One run of all these notebooks with the course's options."""
    folder = tmp_path_factory.mktemp("project")
    content = folder / "content"
    content.mkdir()
    (content / "lesson_98.txt").write_text(CLAIMS)
    for number, second in (("90", "3"), ("91", "1 + 2"), ("92", "4")):
        (content / f"lesson_{number}.py").write_text(EXERCISES.format(number, second))
    start = FOUND.format(str(content))
    lessons = {
        "89_unknown": [cell("check()", "check:89-a")],
        "90_one_check": answered("90", "...", start)[:3],
        "91_good": answered("91", "...", start),
        "92_wrong": answered("92", "3", start),
        "93_dead": [cell("1"), cell("import os\nos._exit(1)"), cell("2")],
        "95_network": [cell(NETWORK, saved="SocketConnectBlockedError")],
        "96_busy": [cell(BUSY)],
        "97_compared": [cell(source, tag, saved=saved) for source, tag, saved, _ in COMPARED],
        "98_claims": [
            cell("two, three = 2, 3", "claims:start"),
            cell("later = 4"),
            cell("print()", "claims:end"),
        ],
    }
    return outcome(folder, lessons, start, "--junitxml=reports/junit.xml")


def outcome(folder: Path, lessons: dict[str, list], start: str, *options: str) -> dict:
    """What the course's options find in these notebooks; the folder is removed."""
    (folder / "notebooks").mkdir(parents=True)
    for name, cells in lessons.items():
        nbformat.write(new_notebook(cells=cells), folder / "notebooks" / f"{name}.ipynb")
    plugin = 'pytest_plugins = ["tools.pytest_lessons"]\n'
    (folder / "conftest.py").write_text(plugin + start)
    command = [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml")]
    command += ["--rootdir", str(folder), "-p", "no:cacheprovider", "notebooks", *options]
    foreign = {"https_proxy": "http://127.0.0.1:9", "MPLBACKEND": "agg", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*command, "--continue-on-collection-errors"],
        cwd=folder,
        env={**os.environ, **foreign},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    cases: dict[str, dict[str, str]] = {}
    report = folder / "reports"
    if report.is_dir():
        for case in ElementTree.parse(report / "junit.xml").iter("testcase"):
            trouble = [f"{child.tag}: {child.text}" for child in case if child.tag != "properties"]
            book = case.get("classname").removesuffix(".ipynb").rpartition(".")[2]
            cases.setdefault(book, {})[case.get("name")] = "".join(trouble)
        found = json.loads((report / "lessons.json").read_text())
        lessons = {Path(path).stem: facts for path, facts in found.items()}
    files = sorted(file.name for file in folder.iterdir())
    shutil.rmtree(folder)
    said = {"text": done.stdout, "code": done.returncode, "files": files}
    return said | {"cases": cases, "lessons": lessons}


def troubles(run: dict, notebook: str) -> dict[str, str]:
    return {name: text for name, text in run["cases"][notebook].items() if text}


def test_run_solves_what_it_found_open(run: dict) -> None:
    cells = [f"Cell {n}" for n in range(5)]
    expected = [*cells, "time", "open", "solved 91-a", "solved 91-b", "memory"]
    assert list(run["cases"]["91_good"]) == expected
    assert troubles(run, "91_good") == {}


def test_run_notices_a_done_stub_and_a_wrong_solution(run: dict) -> None:
    found = troubles(run, "92_wrong")
    assert set(found) == {"open", "solved 92-b"}
    assert "the stub gave '✓ 92-a: done (1 of 2 done)'" in found["open"]
    assert "too large by one (1 of 2 done)" in found["solved 92-b"]


def test_run_notices_exercises_without_their_checks_or_their_module(run: dict) -> None:
    assert "89_unknown.ipynb has exercises, but" in run["text"]
    assert "no cell has the tag check:90-b" in run["text"]


def test_run_notices_a_dead_kernel(run: dict) -> None:
    found = troubles(run, "93_dead")
    assert set(found) == {"Cell 1", "Cell 2", "time", "memory"}
    assert "the kernel died while it ran this cell" in found["Cell 1"]


def test_run_stops_a_cell_that_hangs_and_leaves_no_report_unasked(tmp_path: Path) -> None:
    cells = [cell("1"), cell("while True:\n    pass"), cell("2")]
    run = outcome(tmp_path / "a", {"94_hangs": cells}, "", "--nbval-cell-timeout=3")
    assert "Timeout of 3 seconds exceeded" in run["text"] and run["code"] == 1
    row = next(line for line in run["text"].splitlines() if line.startswith("94_hangs"))
    assert row.endswith("FAILED")
    assert set(run["files"]) - {"__pycache__"} == {"conftest.py", "notebooks"}


def test_a_slow_lesson_is_shown_and_nothing_turns_red(run: dict) -> None:
    assert troubles(run, "96_busy") == {}
    lesson = run["lessons"]["96_busy"]
    assert lesson["passed"] and lesson["cpu_seconds"] == 86_400
    assert lesson["slowest"] == "Cell 0" and lesson["slowest_seconds"] >= 0.5
    row = next(line for line in run["text"].splitlines() if line.startswith("96_busy"))
    assert "  86400.0  Cell 0 (" in row and "FAILED" not in row


def test_outputs_are_compared_within_the_tolerance_of_their_cell(run: dict) -> None:
    found = troubles(run, "97_compared")
    expected = {f"Cell {n}": words for n, (*_, words) in enumerate(COMPARED) if words}
    assert set(found) == set(expected)
    assert [name for name, words in expected.items() if words not in found[name]] == []


def test_claims_are_evaluated_after_their_cell_and_leave_nothing_behind(run: dict) -> None:
    found = troubles(run, "98_claims")
    assert set(found) == {"claim start 2", "claim start 3", "claim end 2"}
    told = "“two is more than three” wants two > three, which is not true, for two = 2 three = 3"
    assert told in " ".join(found["claim start 2"].split())
    assert "name 'later' is not defined" in found["claim start 3"]
    assert "neither True nor False, but int 2" in found["claim end 2"]
    order = list(run["cases"]["98_claims"])
    assert order[:6] == ["Cell 0", *(f"claim start {n}" for n in (1, 2, 3, 4)), "Cell 1"]


def test_kernels_reach_nothing_but_this_machine(run: dict) -> None:
    assert troubles(run, "95_network") == {}


def test_run_ends_with_a_summary(run: dict) -> None:
    assert run["code"] == 1
    lessons = run["lessons"]
    passed = [name[:2] for name, facts in lessons.items() if facts["passed"]]
    failed = [name[:2] for name, facts in lessons.items() if not facts["passed"]]
    assert (passed, failed) == (["91", "95", "96"], ["92", "93", "97", "98"])
    good = lessons["91_good"]
    assert (good["solved"], good["exercises"]) == (2, 2)
    assert 20 < good["memory_mb"] < 1000
    assert good["seconds"] >= good["slowest_seconds"] > 0
    assert good["cpu_seconds"] > 0 and good["solving_seconds"] > 0
    assert lessons["92_wrong"]["solved"] == 1
    assert lessons["93_dead"]["memory_mb"] is lessons["93_dead"]["cpu_seconds"] is None
    rows = {line.split()[0]: line for line in run["text"].splitlines() if line.strip()}
    assert rows["92_wrong"].endswith("1/2  FAILED") and rows["91_good"].endswith("2/2")
    total = sum(facts["seconds"] + facts["solving_seconds"] for facts in lessons.values())
    assert float(rows["all,"].split()[-1]) == pytest.approx(total, abs=0.1)


def test_what_is_needed_of_nbval_beyond_its_options() -> None:
    parameters = list(inspect.signature(IPyNbCell.__init__).parameters)
    assert parameters == ["self", "name", "parent", "cell_num", "cell", "options"]
    source = inspect.getsource(IPyNbCell.runtest)
    for name in ("compare_outputs", "comparison_traceback", "output_timeout", "test_outputs"):
        assert f"self.{name}" in source
    assert "self.parent.kernel.await_reply(msg_id, timeout=timeout)" in source
    assert "self.kernel = " in inspect.getsource(IPyNbFile.setup)


def test_a_lesson_may_take_what_is_promised() -> None:
    options = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f"--nbval-cell-timeout={notebooks.CELL_TIMEOUT} " in options
    assert "4 GB of memory" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert pytest_lessons.MEMORY_LIMIT_MB == 4 * 1024


def test_tests_reach_nothing_but_this_machine() -> None:
    with pytest.warns(UserWarning, match=ELSEWHERE), pytest.raises(SocketConnectBlockedError):
        socket.create_connection((ELSEWHERE, 80), timeout=60)


def test_tests_write_to_no_file_of_the_user() -> None:
    for name in ("COURSE_PROGRESS", "IPYTHONDIR", "KERAS_HOME"):
        assert ROOT not in Path(os.environ[name]).parents
        assert Path.home() not in Path(os.environ[name]).parents
