"""Compare what the lessons cost here and at an earlier commit, in CPU-seconds and memory.

``python -m tools.benchmarks.lessons --against v1.0``       all lessons, three rounds
``python -m tools.benchmarks.lessons 03 05 --against HEAD``  what has not been committed
``python -m tools.benchmarks.lessons --tests --against ...`` the whole test command instead
``... --tests tests/test_style.py --against ...``           some files of it

Both trees run in this environment, in turn, so that whatever else the computer does meets both.
CPU-seconds are those of all threads of a kernel, from its start to the end of the last cell.
"""

from __future__ import annotations

import argparse
import compileall
import functools
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

import nbformat

from course import WHOLE_RUN
from course_utils.doctor import installed_version
from tools import notebooks
from tools.pytest_lessons import CPU_SECONDS, PEAK_MEMORY

ROOT = Path(__file__).resolve().parents[2]
_ORIGIN = 'print(__import__("course_utils").__file__)'

#: One measurement: ``cpu_seconds``, and ``peak_mb`` of a lesson or ``exit_code`` of the tests.
Cost = dict[str, float]
#: Lesson (or ``"tests"``) -> ``"this"`` and ``"that"`` tree -> a measurement for each round.
Costs = dict[str, dict[str, list[Cost]]]


def check_out(commit: str, folder: Path) -> str:
    """Copy the course as it was at `commit` into `folder`; return the commit's whole name."""

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            raise notebooks.Refused(f"{commit}: {done.stderr.strip() or 'no such commit'}")
        return done.stdout.strip()

    name = git("rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}")
    git("clone", "--quiet", "--shared", "--no-checkout", str(ROOT), str(folder))
    git("-C", str(folder), "checkout", "--quiet", "--detach", name)
    return name


def of_tree(tree: Path, private: Path) -> dict[str, str]:
    """The environment in which `tree`'s own course_utils is imported, and nothing is left."""
    return {
        "PYTHONPATH": str(tree),  # comes before this environment's editable course_utils
        "KERAS_HOME": str(private / "keras"),
        "PYTHONDONTWRITEBYTECODE": "",  # else every kernel compiles TensorFlow anew
    }


def lesson_cost(number: str, tree: Path, private: Path) -> Cost:
    """Run a lesson of `tree`, with `tree`'s package, in a fresh kernel."""
    (path,) = notebooks.chosen([number], tree / "notebooks", ".ipynb")
    notebook = nbformat.read(path, as_version=4)
    asked = nbformat.v4.new_code_cell(f"{CPU_SECONDS}\n{PEAK_MEMORY}\n{_ORIGIN}")
    notebook.cells.append(asked)
    notebooks.execute(notebook, path.parent, environment=of_tree(tree, private))
    seconds, peak, origin = asked.outputs[0].text.split("\n")[:3]
    if tree.resolve() not in Path(origin).resolve().parents:
        raise notebooks.Refused(f"the kernel of {path} imported {origin}")
    return {"cpu_seconds": float(seconds), "peak_mb": float(peak)}


def tests_cost(_: str, tree: Path, private: Path, files: Sequence[str] = ()) -> Cost:
    """Run the test command of `tree`, browsers and kernels included; or some of its files."""
    try:
        import resource
    except ImportError as error:  # Windows
        raise notebooks.Refused("--tests needs Linux or macOS") from error
    # Files beside the course, for which some tests look, are there for both trees.
    beside, linked = ROOT.parent / "shared", tree.parent / "shared"
    if beside.is_dir() and not linked.exists():
        linked.symlink_to(beside)
    # Nothing is left in this tree either: its own report stays.
    own = [f"--junitxml={private / 'junit.xml'}", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", "-q", *([] if files else WHOLE_RUN), *own, *files]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    code = subprocess.run(command, cwd=tree, env={**os.environ, **of_tree(tree, private)})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if code.returncode not in (0, 1):  # 1: all ran, some failed; at the same cost
        code_of = f"exit code {code.returncode}"
        raise notebooks.Refused(f"the tests of {tree} ended early, with {code_of}")
    seconds = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return {"cpu_seconds": seconds, "exit_code": code.returncode}


def compare(
    names: Sequence[str],
    trees: Mapping[str, Path],
    rounds: int,
    cost: Callable[[str, Path], Cost],
    keep: Callable[[Costs], None],
) -> Costs:
    """Measure all `names` in both trees, `rounds` times, the other tree first in every second one.

    ``keep`` gets what is there after each measurement: who interrupts loses only the last one.
    """
    costs: Costs = {name: {side: [] for side in trees} for name in names}
    for number in range(rounds):
        sides = list(trees)[:: -1 if number % 2 else 1]
        for name in names:
            for side in sides:
                costs[name][side].append(cost(name, trees[side]))
                keep(costs)
    return costs


COLUMNS = {"cpu_seconds": ("CPU", "s"), "peak_mb": ("peak", "MB")}


def table(costs: Costs) -> str:
    """Medians of the rounds and their ratios, as a Markdown table with a row for all together."""
    rows = {
        name: {
            key: [median(cost[key] for cost in sides[side]) for side in ("this", "that")]
            for key in COLUMNS.keys() & sides["this"][0].keys()
        }
        for name, sides in costs.items()
        if all(sides.values())
    }
    columns = [key for key in COLUMNS if any(key in row for row in rows.values())]
    if len(rows) > 1:
        seconds = zip(*(row["cpu_seconds"] for row in rows.values()), strict=True)
        rows["all"] = {"cpu_seconds": list(map(sum, seconds))}
    lines = [[""], ["---"], *([name] for name in rows)]
    for key in columns:
        title, unit = COLUMNS[key]
        lines[0] += [f"{title}, this ({unit})", f"{title}, that ({unit})", "ratio"]
        lines[1] += ["---:"] * 3
        for line, row in zip(lines[2:], rows.values(), strict=True):
            this, that = row.get(key, (0, 0))
            line += [f"{this:.0f}", f"{that:.0f}", f"{this / that:.2f}"] if that else [""] * 3
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def computer() -> dict[str, str]:
    """What the numbers depend on: processor, system, versions, day."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        processor = next(line.split(":")[1].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        processor = platform.processor()
    versions = {"python": platform.python_version()} | {
        name: installed_version(name) or ""
        for name in ("numpy", "keras", "tensorflow", "tensorflow-cpu")
    }
    return {
        "date": date.today().isoformat(),
        "processor": f"{processor}, {os.cpu_count()} cores",
        "system": platform.platform(),
    } | {name: version for name, version in versions.items() if version}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.benchmarks.lessons",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("lessons", nargs="*", metavar="NN", help="01, 02, ... (default: all)")
    parser.add_argument("--against", metavar="COMMIT", required=True, help="the earlier commit")
    parser.add_argument("--rounds", type=int, default=3, help="of each lesson (default: 3)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="all measurements as JSON")
    told = "run the tests (all), not the lessons"
    parser.add_argument("--tests", nargs="*", metavar="FILE", help=told)
    options = parser.parse_args(arguments)
    if options.rounds < 1:
        parser.error(f"--rounds is {options.rounds}; give 1 or more")
    if options.tests is not None and options.lessons:
        parser.error("--tests runs tests; leave out the lessons")
    try:
        return _run(options)
    except notebooks.Refused as refusal:
        print(refusal, file=sys.stderr)
        return 1


def _run(options: argparse.Namespace) -> int:
    paths = notebooks.chosen(options.lessons or ["all"], ROOT / "notebooks", ".ipynb")
    names, measure = [path.name[:2] for path in paths], lesson_cost
    if options.tests is not None:
        names, measure = ["tests"], functools.partial(tests_cost, files=options.tests)
    with tempfile.TemporaryDirectory() as folder:
        private = Path(folder)
        trees = {"this": ROOT, "that": private / "course"}
        report: dict[str, Any] = computer() | {"that": check_out(options.against, trees["that"])}
        for tree in trees.values():  # compiling is no part of a lesson
            compileall.compile_dir(tree / "course_utils", quiet=2)

        def cost(name: str, tree: Path) -> Cost:
            found = measure(name, tree, private)
            where = "this" if tree == ROOT else "that"
            print(name, where, *(f"{key} {value:.1f}" for key, value in found.items()), flush=True)
            return found

        def keep(costs: Costs) -> None:
            if options.out:
                text = json.dumps(report | {"costs": costs}, indent=1)
                options.out.write_text(text + "\n", encoding="utf-8")

        costs = compare(names, trees, options.rounds, cost, keep)
    print(*(f"{key}: {value}" for key, value in report.items()), sep="\n")
    print(table(costs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
