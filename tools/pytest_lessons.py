"""A pytest plug-in that runs the lessons: offline, every notebook open and solved.

nbval makes one test of each code cell: the notebook as a student opens it. Outputs are compared as
tools/compare.py says; the claims of tests/claims are evaluated right after their cells. When its
last cell has run, further tests in the same kernel ask how long it has computed, see that every
exercise said "not done yet", then put in one solution after the other, each of which its check must
accept, and ask for the peak of its memory.

No clock decides: a slow computer takes longer, that is all. A cell that hangs is stopped. A run
with ``--junitxml`` leaves what the lessons cost in ``lessons.json`` beside that file.

Of nbval it needs more than its options; tests/test_runner.py names what.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from typing import Any

import nbformat
import pytest
from nbval.plugin import IPyNbCell, IPyNbFile

from tools.compare import Tolerance, differences

MEMORY_LIMIT_MB = 4096  # what the course promises for a lesson
PATIENCE = 300  # seconds that a kernel may keep silent although its cell is done

# Runs in each kernel before its first cell; --allow-hosts does the same for the tests themselves.
LOOPBACK_ONLY = """\
from pytest_socket import socket_allow_hosts
socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)
del socket_allow_hosts
"""

# Of all its threads, without the programs that it started, and leaving no name behind.
CPU_SECONDS = 'print(__import__("time").process_time())'

# getrusage would not do on Linux: a process inherits there the peak of the one that started it.
PEAK_MEMORY = """\
import re, sys
from pathlib import Path
if sys.platform == "linux":
    kib = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
elif sys.platform == "darwin":
    import resource
    kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
else:
    import psutil
    kib = psutil.Process().memory_info().peak_wset // 1024
print(kib // 1024)
"""


def pytest_configure(config: pytest.Config) -> None:
    """Nothing of the user is read or written, and kernels reach this machine only."""
    folder = Path(tempfile.mkdtemp(prefix="course-tests-"))
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    startup = folder / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00-loopback-only.py").write_text(LOOPBACK_ONLY)
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            del os.environ[name]
    os.environ.pop("MPLBACKEND", None)  # kernels choose their inline one
    os.environ.update(
        COURSE_STATIC="1",
        COURSE_PROGRESS=str(folder / "progress.json"),
        IPYTHONDIR=str(folder / "ipython"),
        KERAS_HOME=str(folder / "keras"),  # empty: nothing downloaded before can hide a gap
    )
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Summary(), "course-summary")


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> Iterator[None]:
    nodes = yield
    return [
        Lesson.from_parent(parent, path=file_path) if isinstance(node, IPyNbFile) else node
        for node in nodes
    ]


class Lesson(IPyNbFile):
    """A notebook: its cells with their claims, then its solutions."""

    def setup(self) -> None:
        before = os.environ["COURSE_PROGRESS"]
        progress = Path(before).with_name(f"progress-{self.path.stem}.json")
        progress.unlink(missing_ok=True)
        os.environ["COURSE_PROGRESS"] = str(progress)
        try:
            super().setup()
        finally:
            os.environ["COURSE_PROGRESS"] = before
        self.kernel.await_reply = _noticing_death(self.kernel)

    def collect(self) -> Iterator[pytest.Item]:
        from tests.claims import claims_of

        cells = [Cell.like(cell) for cell in super().collect()]
        claims = claims_of(self.path.name[:2])
        for cell in cells:
            yield cell
            here = [c for c in claims if f"claims:{c.after}" in cell.tags]
            for number, claim in enumerate(here, 1):
                name = f"claim {claim.after} {number}"
                yield self.further(Claimed, name, claim.code(), claim=claim)
        yield self.further(Time, "time", CPU_SECONDS)
        yield from self.collect_exercises(cells)
        yield self.further(Memory, "memory", PEAK_MEMORY)

    def collect_exercises(self, cells: list[Cell]) -> Iterator[pytest.Item]:
        from course_utils.ask import CourseError
        from course_utils.exercises import exercises_of

        tagged = {tag: cell for cell in cells for tag in cell.tags}
        checks = {t.removeprefix("check:"): c for t, c in tagged.items() if t.startswith("check:")}
        if not checks:
            return
        try:
            exercises = exercises_of(self.path.name[:2])
        except CourseError as error:
            raise self.CollectError(f"{self.path.name} has exercises, but {error}") from error
        yield self.further(Open, "open", "", checks=checks, total=len(exercises))
        for done, exercise in enumerate(exercises, 1):
            if exercise.name not in checks:
                raise self.CollectError(f"no cell has the tag check:{exercise.name}")
            code = f"{exercise.solution}\n{checks[exercise.name].cell.source}"
            text = f"✓ {exercise.name}: done ({done} of {len(exercises)} done)"
            yield self.further(Solved, f"solved {exercise.name}", code, expected=text)

    def further(self, kind: type[Further], name: str, source: str, **facts: Any) -> Further:
        cell = nbformat.v4.new_code_cell(source)
        item = kind.from_parent(self, name=name, cell_num=-1, cell=cell, options={"skip": False})
        item.options.update(check=False, check_exception=False)
        item.output_timeout = PATIENCE
        item.facts = facts
        return item


def _noticing_death(kernel: Any) -> Any:
    """nbval waits for a dead kernel until the cell's time is up; look every second instead."""
    await_reply = kernel.await_reply

    def waiting(msg_id: str, timeout: float) -> None:
        end = time.monotonic() + timeout
        while True:
            try:
                return await_reply(msg_id, timeout=min(1.0, timeout))
            except Empty:
                if not kernel.is_alive():
                    raise RuntimeError("the kernel died while it ran this cell") from None
                if time.monotonic() > end:
                    raise

    return waiting


class Cell(IPyNbCell):
    """A code cell; where its output is compared, numbers may differ by what its tags allow."""

    @classmethod
    def like(cls, cell: IPyNbCell) -> Cell:
        """The same test as nbval's `cell`."""
        facts = {"cell_num": cell.cell_num, "cell": cell.cell, "options": cell.options}
        same = cls.from_parent(cell.parent, name=cell.name, **facts)
        same.output_timeout = PATIENCE
        return same

    @property
    def tags(self) -> list[str]:
        return self.cell.metadata.get("tags", [])

    def setup(self) -> None:
        super().setup()
        self.tolerance = Tolerance.of(self.tags)

    def repr_failure(self, excinfo: pytest.ExceptionInfo) -> str:
        if isinstance(excinfo.value, ValueError | AssertionError):  # of setup; of further tests
            return f"{self.name}: {excinfo.value}"
        return super().repr_failure(excinfo)

    def compare_outputs(self, test: list, ref: list, skip_compare: Any = None) -> bool:
        self.comparison_traceback = differences(ref, test, self.tolerance)
        return not self.comparison_traceback

    def text(self) -> str:
        """The text of the last thing that the cell showed."""
        shown = [o["data"] for o in self.test_outputs or [] if "data" in o]
        return shown[-1].get("text/plain", "") if shown else ""


class Further(Cell):
    """A test in the kernel of a notebook, beside its cells."""

    facts: dict[str, Any]

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, f"{self.path.name}::{self.name}"

    def printed(self) -> str:
        return "".join(o.text for o in self.test_outputs if o.get("name") == "stdout").strip()


class Claimed(Further):
    """A claim holds once its cell has run."""

    def runtest(self) -> None:
        from tests.claims import HOLDS

        super().runtest()
        claim, verdict = self.facts["claim"], self.printed()
        assert verdict == HOLDS, f"“{claim.sentence}” wants {claim.holds}, which is {verdict}"


class Open(Further):
    """As opened, no exercise is done and none is called wrong."""

    def runtest(self) -> None:
        for name, cell in self.facts["checks"].items():
            expected = f"○ {name}: not done yet (0 of {self.facts['total']} done)"
            assert cell.text() == expected, f"the stub gave {cell.text()!r}, not {expected!r}"


class Solved(Further):
    """A solution in the place of its exercise is accepted."""

    def runtest(self) -> None:
        super().runtest()
        expected = self.facts["expected"]
        assert self.text() == expected, f"the solution gave {self.text()!r}, not {expected!r}"


class Time(Further):
    """How long the cells, as opened, computed: that does not grow when others use the machine."""

    def runtest(self) -> None:
        super().runtest()
        self.user_properties.append(("cpu_seconds", float(self.printed())))


class Memory(Further):
    """The kernel stayed within the promised memory."""

    def runtest(self) -> None:
        super().runtest()
        peak = int(self.printed())
        self.user_properties.append(("memory_mb", peak))
        assert peak <= MEMORY_LIMIT_MB, f"{peak} MB at the peak, promised are {MEMORY_LIMIT_MB}"


class Summary:
    """Gathers the reports of notebooks, those of other processes too, for the end of the run."""

    def __init__(self) -> None:
        self.lessons: dict[str, dict[str, Any]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        path, _, name = report.nodeid.partition("::")
        if not path.endswith(".ipynb"):
            return
        lesson = self.lessons.setdefault(
            path,
            dict(seconds=0.0, cpu_seconds=None, slowest="", slowest_seconds=0.0, memory_mb=None)
            | dict(solved=0, exercises=0, solving_seconds=0.0, passed=True),
        )
        # A cell after one that ran out of time counts as an expected failure, not as a success.
        lesson["passed"] &= not report.failed and not hasattr(report, "wasxfail")
        if report.when != "call":
            return
        lesson.update(report.user_properties)
        if name.startswith("solved "):
            lesson["exercises"] += 1
            lesson["solved"] += report.passed
            lesson["solving_seconds"] += report.duration
        elif name.startswith("Cell "):
            lesson["seconds"] += report.duration
            if report.duration > lesson["slowest_seconds"]:
                lesson.update(slowest=name, slowest_seconds=report.duration)

    def pytest_terminal_summary(self, terminalreporter: Any, config: pytest.Config) -> None:
        if not self.lessons:
            return
        lessons = {
            path: {k: round(v, 2) if isinstance(v, float) else v for k, v in lesson.items()}
            for path, lesson in sorted(self.lessons.items())
        }
        if config.getoption("xmlpath"):
            file = Path(config.getoption("xmlpath")).with_name("lessons.json")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(lessons, indent=1) + "\n", encoding="utf-8")
        terminalreporter.section("lessons")
        for line in table(lessons):
            terminalreporter.write_line(line)


def table(lessons: dict[str, dict[str, Any]]) -> Iterator[str]:
    """What the lessons cost, a line each and one for all."""
    width = max(len(Path(path).stem) for path in lessons)
    yield f"{'notebook':{width}}  seconds  of CPU  slowest cell      peak MB  solved"
    for path, lesson in lessons.items():
        slowest = f"{lesson['slowest']} ({lesson['slowest_seconds']:.1f} s)"
        yield (
            f"{Path(path).stem:{width}}  {lesson['seconds']:7.1f}"
            f"  {lesson['cpu_seconds'] or '?':>6}  {slowest:16}"
            f"  {lesson['memory_mb'] or '?':>7}  {lesson['solved']}/{lesson['exercises']}"
            f"{'' if lesson['passed'] else '  FAILED'}"
        )
    total = sum(lesson["seconds"] + lesson["solving_seconds"] for lesson in lessons.values())
    yield f"{'all, with the solutions':{width}}  {total:7.1f}"
