"""How far the numbers of a lesson move from machine to machine, and what tolerance they need.

``python -m tools.tolerances 03``  runs lesson 03 with oneDNN on and off, with one thread and with
two, each time in a fresh kernel, and compares what its compared cells show with what is saved.

A tolerance should be at least twice the spread of each number of its cell, and never so wide that
the sentence beside it could be false. The table names cells where it is too narrow, and those that
need none so wide (no number spreads over more than a tenth of it). build/tolerances.json has every
number. Cells are counted as pytest does, code cells from 0.
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from decimal import ROUND_UP, Decimal
from pathlib import Path

import nbformat

from tools import notebooks
from tools.compare import COMPARED, Tolerance, differences, texts, tokens

NARROW, NEEDLESS = "too narrow", "wider than needed"
_THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
HEAD = f"cell  {'begins':34}  numbers  most spread  tolerance       proposal"
_ANY = Tolerance(absolute=Decimal("inf"))


def settings() -> Iterator[dict[str, str]]:
    """The environments in which a lesson is run."""
    for onednn in "10":
        for threads in "12":
            yield {"TF_ENABLE_ONEDNN_OPTS": onednn} | dict.fromkeys(_THREADS, threads)


@dataclass(frozen=True)
class Number:
    """A number as it is saved, and how far apart its values lie, the saved one among them."""

    saved: Decimal
    spread: Decimal


def numbers(saved: list, runs: list[list]) -> list[Number]:
    """The numbers in the outputs of a cell; a run that shows other words is a ValueError."""
    for shown in runs:
        for difference in differences(saved, shown, _ANY):
            raise ValueError(difference)
    found = []
    shown = [texts(outputs) for outputs in (saved, *runs)]
    for kind in shown[0]:
        rows = [[t.value for t in tokens(text[kind]) if t.value is not None] for text in shown]
        columns = zip(*rows, strict=True)
        found += [Number(column[0], max(column) - min(column)) for column in columns]
    return found


def rounded_up(size: Decimal) -> Decimal:
    """`size` with one digit that is not zero, rounded up."""
    return size.quantize(Decimal(1).scaleb(size.adjusted()), rounding=ROUND_UP).normalize()


def proposal(found: list[Number]) -> str:
    """A tag whose tolerance is twice the spread; empty if nothing spreads.

    It is relative where numbers of different sizes spread.
    """
    moving = [number for number in found if number.spread]
    if not moving:
        return ""
    sizes = [abs(number.saved) for number in moving]
    if min(sizes) and max(sizes) > 10 * min(sizes):
        share = rounded_up(max(200 * n.spread / abs(n.saved) for n in moving))
        if share < 50:
            return f"tolerance:{share:f}%"
    return f"tolerance:{rounded_up(max(2 * number.spread for number in moving)):f}"


def remark(found: list[Number], tolerance: Tolerance) -> str:
    """What is wrong with `tolerance`; empty if nothing is."""
    allowed = [tolerance.of_number(number.saved) for number in found]
    if any(a < 2 * number.spread for a, number in zip(allowed, found, strict=True)):
        return NARROW
    if tolerance == Tolerance():
        return ""
    needed = any(10 * number.spread > a for a, number in zip(allowed, found, strict=True))
    return "" if needed else NEEDLESS


@dataclass
class Cell:
    """What was found about a compared cell."""

    number: int
    begins: str
    tolerance: str
    proposal: str
    remark: str
    numbers: list[Number]


def examine(path: Path) -> list[Cell]:
    """The compared cells of the notebook `path`, the checks of exercises left out."""
    saved = nbformat.read(path, as_version=4)
    runs = []
    for setting in settings():
        run = copy.deepcopy(saved)
        notebooks.execute(run, path.parent, environment=setting)
        runs.append([cell for cell in run.cells if cell.cell_type == "code"])
    found = []
    code = [cell for cell in saved.cells if cell.cell_type == "code"]
    for number, (cell, *again) in enumerate(zip(code, *runs, strict=True)):
        tags = cell.metadata.get("tags", [])
        if COMPARED not in tags or any(tag.startswith("check:") for tag in tags):
            continue
        tolerance, begins = Tolerance.of(tags), cell.source.strip().partition("\n")[0]
        try:
            seen = numbers(cell.outputs, [a.outputs for a in again])
            about = proposal(seen), remark(seen, tolerance), seen
        except ValueError as error:
            about = "", str(error), []
        found.append(Cell(number, begins, str(tolerance), *about))
    return found


def row(cell: Cell) -> str:
    """A line of the table."""
    widest = max((number.spread for number in cell.numbers), default=Decimal(0))
    return (
        f"{cell.number:4}  {cell.begins[:34]:34}  {len(cell.numbers):7}  {float(widest):11.5g}"
        f"  {cell.tolerance:14}  {cell.proposal:16}  {cell.remark}"
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.tolerances",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("lessons", nargs="+", metavar="NN", help="01, 02, ... or all")
    options = parser.parse_args(arguments)
    report = {}
    try:
        for path in notebooks.chosen(options.lessons, notebooks.NOTEBOOKS, ".ipynb"):
            print(path.stem, HEAD, sep="\n")
            cells = examine(path)
            print(*map(row, cells), sep="\n", flush=True)
            report[path.stem] = [asdict(cell) for cell in cells]
    except notebooks.Refused as refusal:
        print(refusal, file=sys.stderr)
        return 2
    notebooks.BUILD.mkdir(exist_ok=True)
    file = notebooks.BUILD / "tolerances.json"
    file.write_text(json.dumps(report, indent=1, default=float) + "\n", encoding="utf-8")
    print(file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
