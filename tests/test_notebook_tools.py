"""Saving notebooks, editing them as text, and the test run of notebooks itself (conftest.py)."""

from __future__ import annotations

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
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from pytest_socket import SocketConnectBlockedError

from tools import notebooks as tool

ROOT = Path(__file__).parents[1]
ELSEWHERE = "192.0.2.1"  # set aside for documentation (RFC 5737): nobody answers there


def write(path: Path, *sources: str, tags: dict[int, list[str]] | None = None) -> Path:
    """A notebook of code cells; `tags` by the number of the cell."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = [new_code_cell(source, id=f"cell-{n}") for n, source in enumerate(sources)]
    for number, names in (tags or {}).items():
        cells[number].metadata.tags = names
    nbformat.write(new_notebook(cells=cells), path)
    return path


def outputs(path: Path) -> list:
    return [c.outputs for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]


# --- save ---------------------------------------------------------------------------------------

FIGURE = "%matplotlib inline\nimport matplotlib.pyplot as plt\n_ = plt.plot([1, 3, 2])"
SURROUNDINGS = """\
import os
from pathlib import Path
print(os.environ["COURSE_STATIC"], Path.cwd().name)
print(Path(os.environ["COURSE_PROGRESS"]).parent == Path(os.environ["IPYTHONDIR"]))"""


def test_two_saves_give_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPLBACKEND", "agg")  # must not reach the kernel: no figures then
    path = write(tmp_path / "notebooks" / "01_x.ipynb", FIGURE, SURROUNDINGS, "'a' 'b'")
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata.widgets = {"state": {}}
    notebook.metadata.language_info = {"name": "python", "version": "3.1"}
    notebook.cells[0].metadata.update(collapsed=True, tags=["kept"])
    nbformat.write(notebook, path)

    assert tool.save(path) > 0
    first = path.read_bytes()
    tool.save(path)
    assert path.read_bytes() == first

    assert first.endswith(b"}\n")
    saved = nbformat.read(path, as_version=4)
    assert saved.metadata == tool.METADATA
    assert [c.execution_count for c in saved.cells] == [1, 2, 3]
    assert [c.id for c in saved.cells] == ["cell-0", "cell-1", "cell-2"]
    assert saved.cells[0].metadata == {"tags": ["kept"]}
    figure, surroundings, value = outputs(path)
    assert "image/png" in figure[0].data
    assert surroundings[0].text == "1 notebooks\nTrue\n"
    assert value[0].data["text/plain"] == "'ab'"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("source", "timeout", "message"),
    [
        ("1 / 0", 900, "code cell 1 (`1 / 0`) failed: ZeroDivisionError: division by zero"),
        ("import os\nos._exit(1)", 900, "the kernel died in code cell 1 (`import os`)"),
        ("import time\ntime.sleep(900)", 2, "code cell 1 (`import time`) took more than 2 s"),
    ],
)
def test_a_failing_cell_leaves_the_file_as_it_was(
    tmp_path: Path, source: str, timeout: float, message: str
) -> None:
    path = write(tmp_path / "01_x.ipynb", "print(1)", source, "print(2)")
    before = path.read_bytes()
    with pytest.raises(tool.Refused) as caught:
        tool.save(path, timeout=timeout)
    assert str(caught.value) == message
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_cell_has_the_same_time_in_the_tests() -> None:
    options = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f"--nbval-cell-timeout={tool.CELL_TIMEOUT} " in options


# --- text and back ------------------------------------------------------------------------------

TEXT = """\
# %% [markdown] slideshow={"slide_type": "slide"}
# # Title
#
# - a list with `code`

# %% tags=["exercise:01-flip"] slideshow={"slide_type": "fragment"}
%matplotlib inline
def flip(kernel):
    return ...  # your code

# %%
flip(1);
"""


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    notebooks, build = tmp_path / "notebooks", tmp_path / "build"
    notebooks.mkdir()
    build.mkdir()
    monkeypatch.setattr(tool, "NOTEBOOKS", notebooks)
    monkeypatch.setattr(tool, "BUILD", build)
    return notebooks, build


def test_a_notebook_is_made_from_text_alone(folders: tuple[Path, Path]) -> None:
    notebooks, build = folders
    (build / "01_x.py").write_text(TEXT.replace("%matplotlib", "# %matplotlib"))
    assert tool.main(["notebook", "1"]) == 0
    made = nbformat.read(notebooks / "01_x.ipynb", as_version=4)
    nbformat.validate(made)
    title, stub, call = made.cells
    assert title.cell_type == "markdown" and title.source.startswith("# Title\n\n- a list")
    assert title.metadata == {"slideshow": {"slide_type": "slide"}}
    assert stub.metadata == {
        "tags": ["exercise:01-flip"],
        "slideshow": {"slide_type": "fragment"},
    }
    assert stub.source.startswith("%matplotlib inline\ndef flip")
    assert call.source == "flip(1);" and call.metadata == {}
    assert made.metadata == tool.METADATA


def test_text_and_back_changes_nothing(folders: tuple[Path, Path]) -> None:
    notebooks, build = folders
    (build / "01_x.py").write_text(TEXT.replace("%matplotlib", "# %matplotlib"))
    tool.main(["notebook", "01"])
    path = notebooks / "01_x.ipynb"
    full = nbformat.read(path, as_version=4)
    full.cells[2].execution_count = 2
    full.cells[2].outputs = [nbformat.v4.new_output("stream", text="said\n")]
    nbformat.write(full, path)
    before = path.read_bytes()
    assert tool.main(["text", "all"]) == 0
    assert tool.main(["notebook", "all"]) == 0
    assert path.read_bytes() == before


def test_cells_that_did_not_change_keep_ids_and_outputs(folders: tuple[Path, Path]) -> None:
    notebooks, build = folders
    path = write(notebooks / "01_x.ipynb", "a = 1", "print(a)", "a", tags={1: ["one"]})
    full = nbformat.read(path, as_version=4)
    full.cells.insert(0, new_markdown_cell("# Title", id="title"))
    full.cells[2].outputs = [nbformat.v4.new_output("stream", text="1\n")]
    nbformat.write(full, path)
    tool.main(["text", "01"])
    text = (build / "01_x.py").read_text()
    assert '# %% tags=["one"]\nprint(a)' in text
    changed = text.replace("a = 1", "a = 2").replace("# %% tags", "# %%\nnew = 3\n\n# %% tags")
    (build / "01_x.py").write_text(changed)
    tool.main(["notebook", "01"])
    back = nbformat.read(path, as_version=4)
    assert [c.source for c in back.cells] == ["# Title", "a = 2", "new = 3", "print(a)", "a"]
    assert [back.cells[n].id for n in (0, 3, 4)] == ["title", "cell-1", "cell-2"]
    assert back.cells[3].outputs[0].text == "1\n" and back.cells[3].metadata.tags == ["one"]
    assert len({c.id for c in back.cells}) == 5


def test_an_older_text_is_set_aside(folders: tuple[Path, Path]) -> None:
    notebooks, build = folders
    write(notebooks / "01_x.ipynb", "a = 1")
    (build / "01_x.py").write_text("# my edits\n")
    tool.main(["text", "01"])
    assert (build / "01_x.py.old").read_text() == "# my edits\n"
    tool.main(["text", "01"])  # nothing has changed: nothing to set aside
    assert (build / "01_x.py.old").read_text() == "# my edits\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["save", "07"], "07_*.ipynb in {} should be one file, there is nothing"),
        (["save", "02"], "there is 02_a.ipynb, 02_b.ipynb"),
        (["save", "01"], "01_x.ipynb stays as it is: 01_x.ipynb is not a notebook"),
    ],
)
def test_what_cannot_be_done_is_said(
    folders: tuple[Path, Path],
    capsys: pytest.CaptureFixture,
    arguments: list[str],
    sentence: str,
) -> None:
    notebooks, _ = folders
    (notebooks / "01_x.ipynb").write_text("not JSON")
    write(notebooks / "02_a.ipynb")
    write(notebooks / "02_b.ipynb")
    assert tool.main(arguments) != 0
    assert sentence.format(notebooks) in capsys.readouterr().err
    assert (notebooks / "01_x.ipynb").read_text() == "not JSON"


# --- the test run -------------------------------------------------------------------------------

CONTENT = """\
from course_utils.exercises import Exercise, expect_number
def three(answer): expect_number(answer, 3)
def exercise(name, solution): return Exercise(name, name, ("Count.",), solution, "So.", three)
"""
FUTURE = "from __future__ import annotations\n"
BEFORE = """\
import course_utils.exercises, tests.claims
course_utils.exercises.__path__.append({0!r})
tests.claims.__path__.append({0!r} + "/claims")
"""
# Its clock says what a day of work would, and it does sleep a while.
BUSY = "import time\ntime.process_time = lambda: 86_400.0\ntime.sleep(1.5)"
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

# Code, tags beside that of comparison, what is saved, words of the failure (none: it passes).
COMPARED = (
    ("print(0.515)", "tolerance:0.02", "0.5", None),
    ("print(0.54)", "tolerance:0.02", "0.5", "0.04 off; the tolerance is 0.02"),
    ("print(104)", "tolerance:5%", "100", None),
    ("print(110)", "tolerance:5%", "100", "110, 10 off; the tolerance is 5%"),
    (
        "print(float('nan'))",
        "tolerance:5%",
        "100",
        "number 100 is saved, the run shows the word 'nan'",
    ),
    (
        "import sys, time\nprint('a word', 1, end='')\nsys.stdout.flush()\ntime.sleep(1)\nprint(5)",
        "tolerance:1",
        "a word   14",
        None,
    ),
    ("from IPython.display import HTML\nHTML('<td>7.5</td>')", "tolerance:1", "<td>7</td>", None),
    (
        "HTML('<td>7.5</td>')",
        "tolerance:0.1",
        "<td>7</td>",
        "text/html: 7 is saved, the run shows 7.5",
    ),
    ("print(1)", "tolerance:abc", "1", "tolerance:abc states no size"),
)
CLAIMS = """\
from tests.claims import Claim
ARGUMENTS = (
    ("start", "two is two", "two == 2"),
    ("start", "two is more than three", "two > three"),
    ("start", "a later name", "later == 4"),
    ("start", "sets a name", "(mine := two) == 2"),
    ("end", "no name was left behind", "'mine' not in globals() and 'judge' not in globals()"),
    ("end", "no verdict", "two"),
)
CLAIMS = tuple(Claim(*arguments) for arguments in ARGUMENTS)
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """One run of small notebooks, good and bad, under the course's conftest and options."""
    folder = tmp_path_factory.mktemp("project")
    content = folder / "content"
    content.mkdir()
    before = BEFORE.format(str(content))
    start = before + "from course_utils.exercises import check"

    def exercises(number: str, first: str, second: str) -> None:
        parts = f'exercise("{number}-a", "a = {first}"), exercise("{number}-b", "b = {second}")'
        (content / f"lesson_{number}.py").write_text(f"{CONTENT}EXERCISES = ({parts},)\n")

    def lesson(name: str, stub: str = "...") -> None:
        number = name[:2]
        tags = {
            1: [f"exercise:{number}-a"],
            2: [f"check:{number}-a"],
            3: [f"exercise:{number}-b"],
            4: [f"check:{number}-b"],
        }
        cells = (f"a = {stub}", f'check("{number}-a", a)', "b = ...", f'check("{number}-b", b)')
        write(folder / "notebooks" / f"{name}.ipynb", start, *cells, tags=tags)

    exercises("91", "3", "1 + 2")
    lesson("91_good")
    exercises("92", "3", "4")
    lesson("92_wrong", stub="3")
    write(folder / "notebooks" / "93_dead.ipynb", "1", "import os\nos._exit(1)", "2")
    write(folder / "notebooks" / "95_network.ipynb", NETWORK)
    network = nbformat.read(folder / "notebooks" / "95_network.ipynb", as_version=4)
    network.cells[0].update(execution_count=1, metadata={"tags": ["nbval-check-output"]})
    said = "SocketConnectBlockedError\n"
    network.cells[0].outputs = [nbformat.v4.new_output("stream", text=said)]
    nbformat.write(network, folder / "notebooks" / "95_network.ipynb")

    write(folder / "notebooks" / "96_busy.ipynb", BUSY)
    tags = {n: ["nbval-check-output", case[1]] for n, case in enumerate(COMPARED)}
    path = folder / "notebooks" / "97_compared.ipynb"
    write(path, *(case[0] for case in COMPARED), tags=tags)
    compared = nbformat.read(path, as_version=4)
    for cell, (source, _, saved, _) in zip(compared.cells, COMPARED, strict=True):
        cell.execution_count = 1
        shown = nbformat.v4.new_output("stream", text=saved + "\n")
        if "HTML" in source:
            data = {"text/html": saved, "text/plain": "<IPython.core.display.HTML object>"}
            shown = nbformat.v4.new_output("execute_result", data, execution_count=1)
        cell.outputs = [shown]
    nbformat.write(compared, path)

    (content / "claims").mkdir()
    (content / "claims" / "lesson_98.py").write_text(CLAIMS)
    cells = ("two, three = 2, 3", "later = 4", "print()")
    tags = {0: ["claims:start"], 2: ["claims:end"]}
    write(folder / "notebooks" / "98_claims.ipynb", *cells, tags=tags)

    conftest = (ROOT / "conftest.py").read_text()
    assert FUTURE in conftest
    (folder / "conftest.py").write_text(conftest.replace(FUTURE, FUTURE + before))
    return outcome(folder)


def outcome(folder: Path, *options: str) -> dict:
    """What the course's options find in the project `folder`, which is removed."""
    command = [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "-n0"]
    command += ["--rootdir", str(folder), "-p", "no:cacheprovider", *options]
    proxies = {"https_proxy": "http://127.0.0.1:9", "MPLBACKEND": "agg"}
    done = subprocess.run(
        [*command, "notebooks"],
        cwd=folder,
        env={**os.environ, **proxies, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    cases: dict[tuple[str, str], str] = {}
    for case in ElementTree.parse(folder / "reports" / "junit.xml").iter("testcase"):
        trouble = [f"{child.tag}: {child.text}" for child in case if child.tag != "properties"]
        notebook = case.get("classname").removesuffix(".ipynb").rpartition(".")[2]
        cases[notebook, case.get("name")] = "".join(trouble)
    report = folder / "reports" / "lessons.json"
    lessons = {Path(path).stem: facts for path, facts in json.loads(report.read_text()).items()}
    shutil.rmtree(folder)
    return {"cases": cases, "lessons": lessons, "text": done.stdout, "code": done.returncode}


def troubles(run: dict, notebook: str) -> dict[str, str]:
    cases = {name: text for (book, name), text in run["cases"].items() if book == notebook}
    assert cases, run["text"]
    return {name: text for name, text in cases.items() if text}


def test_run_solves_what_it_found_open(run: dict) -> None:
    assert troubles(run, "91_good") == {}
    names = [name for (book, name) in run["cases"] if "91_good" in book]
    assert names == [
        *(f"Cell {n}" for n in range(5)),
        "time",
        "open",
        "solved 91-a",
        "solved 91-b",
        "memory",
    ]


def test_run_notices_a_done_stub_and_a_wrong_solution(run: dict) -> None:
    found = troubles(run, "92_wrong")
    assert set(found) == {"open", "solved 92-b"}
    assert "the stub gave '✓ 92-a: done (1 of 2 done)'" in found["open"]
    assert "too large by one (1 of 2 done)" in found["solved 92-b"]


def test_run_notices_a_dead_kernel(run: dict) -> None:
    found = troubles(run, "93_dead")
    assert set(found) == {"Cell 1", "Cell 2", "time", "memory"}
    assert "the kernel died while it ran this cell" in found["Cell 1"]


def test_run_stops_a_cell_that_hangs(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    write(folder / "notebooks" / "94_hangs.ipynb", "1", "while True:\n    pass", "2")
    shutil.copy(ROOT / "conftest.py", folder)
    run = outcome(folder, "--nbval-cell-timeout=3")
    assert "Timeout of 3 seconds exceeded" in troubles(run, "94_hangs")["Cell 1"]
    assert not run["lessons"]["94_hangs"]["passed"] and run["code"] == 1


def test_a_slow_lesson_is_shown_and_nothing_turns_red(run: dict) -> None:
    assert troubles(run, "96_busy") == {}
    lesson = run["lessons"]["96_busy"]
    assert lesson["passed"] and lesson["cpu_seconds"] == 86_400
    assert lesson["slowest"] == "Cell 0" and lesson["slowest_seconds"] >= 1.5
    row = next(line for line in run["text"].splitlines() if line.startswith("96_busy"))
    assert "  86400.0  Cell 0 (" in row and "FAILED" not in row


def test_outputs_are_compared_within_the_tolerance_of_their_cell(run: dict) -> None:
    found = troubles(run, "97_compared")
    expected = {f"Cell {n}": words for n, (*_, words) in enumerate(COMPARED) if words}
    assert set(found) == set(expected)
    for name, words in expected.items():
        assert words in found[name]


def test_claims_are_evaluated_after_their_cell_and_leave_nothing_behind(run: dict) -> None:
    found = troubles(run, "98_claims")
    assert set(found) == {"claim start 2", "claim start 3", "claim end 2"}
    told = "“two is more than three” wants two > three, which is not true, for two = 2 three = 3"
    assert told in " ".join(found["claim start 2"].split())
    assert "name 'later' is not defined" in found["claim start 3"]
    assert "neither True nor False, but int 2" in found["claim end 2"]
    order = [name for book, name in run["cases"] if book == "98_claims"]
    assert order[:6] == ["Cell 0", *(f"claim start {n}" for n in (1, 2, 3, 4)), "Cell 1"]


def test_kernels_reach_nothing_but_this_machine(run: dict) -> None:
    assert troubles(run, "95_network") == {}


def test_run_ends_with_a_summary(run: dict) -> None:
    assert run["code"] == 1
    lessons = run["lessons"]
    assert {name: facts["passed"] for name, facts in lessons.items()} == {
        "91_good": True,
        "92_wrong": False,
        "93_dead": False,
        "95_network": True,
        "96_busy": True,
        "97_compared": False,
        "98_claims": False,
    }
    good = lessons["91_good"]
    assert (good["solved"], good["exercises"]) == (2, 2)
    assert 20 < good["memory_mb"] < 1000
    assert good["seconds"] >= good["slowest_seconds"] > 0
    assert good["cpu_seconds"] > 0
    assert lessons["92_wrong"]["solved"] == 1
    assert lessons["93_dead"]["memory_mb"] is lessons["93_dead"]["cpu_seconds"] is None
    row = next(line for line in run["text"].splitlines() if line.startswith("92_wrong"))
    assert row.endswith("1/2  FAILED")


def test_tests_reach_nothing_but_this_machine() -> None:
    with pytest.warns(UserWarning, match=ELSEWHERE), pytest.raises(SocketConnectBlockedError):
        socket.create_connection((ELSEWHERE, 80), timeout=60)


def test_tests_write_to_no_file_of_the_user() -> None:
    for name in ("COURSE_PROGRESS", "IPYTHONDIR", "KERAS_HOME"):
        assert ROOT not in Path(os.environ[name]).parents
        assert Path.home() not in Path(os.environ[name]).parents
