"""How the tests run: offline, with a progress file of their own, every notebook open and solved.

nbval makes one test of each code cell: the notebook as a student opens it. Outputs are compared as
tools/compare.py says; the claims of tests/claims are evaluated right after their cells. When its
last cell has run, further tests in the same kernel ask how long it has computed, see that every
exercise said "not done yet", then put in one solution after the other, each of which its check must
accept, and ask for the peak of its memory. The file lies at the top level so that pytest also reads
it for ``pytest notebooks``.

No clock decides: a slow computer takes longer, that is all. A cell that hangs is stopped.
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

import hypothesis
import nbformat
import pytest
from nbval.plugin import IPyNbCell, IPyNbFile

from course_utils.exercises import exercises_of
from tests.claims import HOLDS, Claim, claims_of
from tools.compare import Tolerance, differences

MEMORY_LIMIT_MB = 4096  # what the course promises for a lesson
PATIENCE = 300  # seconds that a kernel may keep silent although its cell is done

THREADS = (
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
)

# Names on the PATH; .ci/run looks for the same ones. macOS and Windows keep theirs elsewhere.
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC_APPLICATIONS = Path("/Applications")

# A busy machine is slow; that is no failure of a property.
hypothesis.settings.register_profile(
    "course", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("course")

# Runs in each kernel before its first cell; --allow-hosts does the same for the tests themselves.
_LOOPBACK_ONLY = """\
from pytest_socket import socket_allow_hosts
socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)
del socket_allow_hosts
"""

# Of all its threads, without the programs that it started, and leaving no name behind.
_CPU_SECONDS = 'print(__import__("time").process_time())'

# getrusage would not do on Linux: a process inherits there the peak of the one that started it.
_PEAK_MEMORY = """\
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
    config.addinivalue_line("markers", "browser: drives a real browser")
    folder = Path(tempfile.mkdtemp(prefix="course-tests-"))
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    startup = folder / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00-loopback-only.py").write_text(_LOOPBACK_ONLY)
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            del os.environ[name]
    os.environ.pop("MPLBACKEND", None)  # kernels choose their inline one
    if config.getoption("numprocesses", None):
        # As many workers as cores: threads of one would only wait for those of another.
        for name in THREADS:
            os.environ.setdefault(name, "1")
    os.environ.update(
        COURSE_STATIC="1",
        COURSE_PROGRESS=str(folder / "progress.json"),
        IPYTHONDIR=str(folder / "ipython"),
        KERAS_HOME=str(folder / "keras"),  # empty: nothing downloaded before can hide a gap
    )


# --- notebooks, open and solved -----------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> Iterator[None]:
    found = yield
    return [
        Lesson.from_parent(parent, path=file_path) if isinstance(node, IPyNbFile) else node
        for node in found
    ]


class Lesson(IPyNbFile):
    """A notebook: its cells with their claims, then its solutions."""

    def setup(self) -> None:
        progress = Path(os.environ["IPYTHONDIR"]).parent / f"progress-{self.path.stem}.json"
        progress.unlink(missing_ok=True)
        before = os.environ["COURSE_PROGRESS"]
        os.environ["COURSE_PROGRESS"] = str(progress)
        try:
            super().setup()
        finally:
            os.environ["COURSE_PROGRESS"] = before
        self.kernel.await_reply = _noticing_death(self.kernel)

    def collect(self) -> Iterator[pytest.Item]:
        cells = [Cell.like(cell) for cell in super().collect()]
        tagged = {tag: c for c in cells for tag in c.tags}
        claims = claims_of(self.path.name[:2])
        for cell in cells:
            yield cell
            here = [c for c in claims if f"claims:{c.after}" in cell.tags]
            for number, claim in enumerate(here, 1):
                name = f"claim {claim.after} {number}"
                yield self.further(Claimed, name, claim.code(), claim=claim)
        checks = {t.removeprefix("check:"): c for t, c in tagged.items() if t.startswith("check:")}
        exercises = self.exercises() if checks else ()
        yield self.further(Time, "time", _CPU_SECONDS)
        if exercises:
            yield self.further(Open, "open", "", checks=checks, total=len(exercises))
        for done, exercise in enumerate(exercises, 1):
            if exercise.name not in checks:
                raise self.CollectError(f"no cell has the tag check:{exercise.name}")
            code = f"{exercise.solution}\n{checks[exercise.name].cell.source}"
            text = f"✓ {exercise.name}: done ({done} of {len(exercises)} done)"
            yield self.further(Solved, f"solved {exercise.name}", code, expected=text)
        yield self.further(Memory, "memory", _PEAK_MEMORY)

    def exercises(self) -> tuple:
        try:
            return exercises_of(self.path.name[:2])
        except LookupError as error:
            raise self.CollectError(f"{self.path.name} has exercises, but {error}") from error

    def further(self, kind: type[Further], name: str, source: str, **facts: Any) -> Further:
        cell = nbformat.v4.new_code_cell(source)
        item = kind.from_parent(self, name=name, cell_num=-1, cell=cell, options={"skip": False})
        item.options.update(check=False, check_exception=False)
        item.output_timeout = PATIENCE
        item.facts = facts
        return item


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
        if isinstance(excinfo.value, ValueError):  # of setup
            return f"{self.name}: {excinfo.value}"
        return super().repr_failure(excinfo)

    def compare_outputs(self, test: list, ref: list, skip_compare: Any = None) -> bool:
        self.comparison_traceback = differences(ref, test, self.tolerance)
        return not self.comparison_traceback


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


class Further(IPyNbCell):
    """A test in the kernel of a notebook, beside its cells."""

    facts: dict[str, Any]

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, f"{self.path.name}::{self.name}"

    def repr_failure(self, excinfo: pytest.ExceptionInfo) -> str:
        if isinstance(excinfo.value, AssertionError):
            return f"{self.name}: {excinfo.value}"
        return super().repr_failure(excinfo)


class Claimed(Further):
    """A claim holds once its cell has run."""

    def runtest(self) -> None:
        super().runtest()
        claim: Claim = self.facts["claim"]
        printed = [o.text for o in self.test_outputs if o.get("name") == "stdout"]
        verdict = "".join(printed).strip()
        assert verdict == HOLDS, f"“{claim.sentence}” wants {claim.holds}, which is {verdict}"


class Open(Further):
    """As opened, no exercise is done and none is called wrong."""

    def runtest(self) -> None:
        for name, cell in self.facts["checks"].items():
            expected = f"○ {name}: not done yet (0 of {self.facts['total']} done)"
            assert _text(cell) == expected, f"the stub gave {_text(cell)!r}, not {expected!r}"


class Solved(Further):
    """A solution in the place of its exercise is accepted."""

    def runtest(self) -> None:
        super().runtest()
        expected = self.facts["expected"]
        assert _text(self) == expected, f"the solution gave {_text(self)!r}, not {expected!r}"


class Time(Further):
    """How long the cells, as opened, computed: that does not grow when others use the machine."""

    def runtest(self) -> None:
        super().runtest()
        self.user_properties.append(("cpu_seconds", float(self.test_outputs[-1]["text"])))


class Memory(Further):
    """The kernel stayed within the promised memory."""

    def runtest(self) -> None:
        super().runtest()
        peak = int(self.test_outputs[-1]["text"])
        self.user_properties.append(("memory_mb", peak))
        assert peak <= MEMORY_LIMIT_MB, f"{peak} MB at the peak, promised are {MEMORY_LIMIT_MB}"


def _text(cell: IPyNbCell) -> str:
    """The text of the last thing a cell showed."""
    for output in reversed(cell.test_outputs or []):
        if "data" in output:
            return output["data"].get("text/plain", "")
    return ""


# --- what the run says at its end ---------------------------------------------------------------


class Summary:
    """Gathers the reports of notebooks, those of other processes too."""

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
        rounded = {
            path: {k: round(v, 2) if isinstance(v, float) else v for k, v in lesson.items()}
            for path, lesson in sorted(self.lessons.items())
        }
        file = config.rootpath / "reports" / "lessons.json"
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(rounded, indent=1) + "\n", encoding="utf-8")
        write = terminalreporter.write_line
        terminalreporter.section("lessons")
        width = max(len(Path(path).stem) for path in rounded)
        write(f"{'notebook':{width}}  seconds  of CPU  slowest cell      peak MB  solved")
        for path, lesson in rounded.items():
            slowest = f"{lesson['slowest']} ({lesson['slowest_seconds']:.1f} s)"
            write(
                f"{Path(path).stem:{width}}  {lesson['seconds']:7.1f}"
                f"  {lesson['cpu_seconds'] or '?':>6}  {slowest:16}"
                f"  {lesson['memory_mb'] or '?':>7}  {lesson['solved']}/{lesson['exercises']}"
                f"{'' if lesson['passed'] else '  FAILED'}"
            )
        total = sum(lesson["seconds"] + lesson["solving_seconds"] for lesson in rounded.values())
        write(f"{'all, with the solutions':{width}}  {total:7.1f}")


def pytest_sessionstart(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput"):
        session.config.pluginmanager.register(Summary(), "course-summary")


# --- for tests that drive a browser -------------------------------------------------------------


def installed_browser() -> str | None:
    """The program of a Chromium, Chrome or Edge that is installed here, if there is one."""
    places = [path for path in map(shutil.which, BROWSERS) if path]
    for name in ("Google Chrome", "Chromium", "Microsoft Edge"):
        places.append(str(MAC_APPLICATIONS / f"{name}.app" / "Contents" / "MacOS" / name))
    for variable in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"):
        if folder := os.environ.get(variable):
            places.append(os.path.join(folder, "Google", "Chrome", "Application", "chrome.exe"))
            places.append(os.path.join(folder, "Microsoft", "Edge", "Application", "msedge.exe"))
    return next(filter(os.path.isfile, places), None)


def browser() -> str:
    """The program of the browser, Playwright's own if no other is installed.

    Without any the tests are skipped, in CI they fail.
    """
    from playwright.sync_api import sync_playwright

    path = installed_browser()
    if not path:
        with sync_playwright() as playwright:
            path = playwright.chromium.executable_path
        if not Path(path).exists():
            stop = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
            stop("no Chromium here; install one, or run: python -m playwright install chromium")
    return path


@pytest.fixture(scope="session")
def chromium() -> dict[str, Any]:
    """Options for Playwright's ``chromium.launch``: the browser, and no calls to its maker."""
    quiet = "disable-gpu disable-quic no-first-run disable-background-networking"
    args = [f"--{a}" for a in f"no-sandbox {quiet} disable-component-update disable-sync".split()]
    return {"executable_path": browser(), "args": args}
