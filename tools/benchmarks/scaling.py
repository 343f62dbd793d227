"""How the cost of style, dreams and predictions grows with pixels and with steps.

``python -m tools.benchmarks.scaling``                      both tables
``python -m tools.benchmarks.scaling --out scaling.json``   all measurements as JSON

CPU milliseconds of all threads, the median of some repetitions; all sizes take turns. The exponent
is the slope of a line through the logarithms, from the second size on: 1 means in proportion.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from course_utils import data, dream, images, networks, style
from tools.benchmarks.lessons import computer
from tools.benchmarks.peers import take_turns

SIZES = (64, 96, 128, 192, 256, 384, 512)
STEPS = (5, 10, 20, 40)
SIDE = 96  # pixels a side, where the steps vary


def jobs(size: int, steps: int = 1) -> dict[str, Callable[[], Any]]:
    """One of each method, on a picture of so many pixels a side."""
    mild, sharp = (networks.load("embedded", pooling=kind) for kind in ("average", "max"))
    photo = images.sample("china", size=size)
    painting = images.load(data.styles()["ink_waves"], size)
    schedule, one_size = ((size, steps),), {"octaves": 1, "steps": steps}
    return {
        "style": lambda: style.transfer(mild, photo, painting, schedule=schedule),
        "dream": lambda: dream.dream(sharp, photo, "block4_conv2", **one_size),
        "predict": lambda: sharp.predict(np.repeat(photo[None], steps, axis=0)),
    }


def grown(cases: Mapping[int, Mapping[str, Callable]], repeats: int) -> dict[str, dict[int, float]]:
    """Method -> size or number of steps -> milliseconds."""
    ways = {(name, case): way for case, made in cases.items() for name, way in made.items()}
    costs: dict[str, dict[int, float]] = {}
    for (name, case), cost in take_turns(ways, repeats).items():
        costs.setdefault(name, {})[case] = cost
    return costs


def exponent(costs: Mapping[int, float], power: int = 1) -> float:
    """Slope of log cost by log (case to the `power`), without the smallest case."""
    cases, found = (np.log(np.array(list(part), float)) for part in (costs, costs.values()))
    return float(np.polyfit(power * cases[1:], found[1:], 1)[0])


def table(title: str, costs: Mapping[str, Mapping[int, float]], power: int) -> str:
    """Milliseconds of each case, and the exponent."""
    cases = list(next(iter(costs.values())))
    head = f"{title:14}" + "".join(f"{case:>9}" for case in cases) + f"{'exponent':>10}"
    rows = [
        f"{name:14}"
        + "".join(f"{cost:9.1f}" for cost in found.values())
        + f"{exponent(found, power):10.2f}"
        for name, found in costs.items()
    ]
    return "\n".join([head, *rows])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.benchmarks.scaling",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--repeats", type=int, default=5, help="of each (default: 5)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="all medians as JSON")
    options = parser.parse_args(arguments)
    if options.repeats < 1:
        parser.error(f"--repeats is {options.repeats}; give 1 or more")
    pixels = grown({size: jobs(size) for size in SIZES}, options.repeats)
    steps = grown({n: jobs(SIDE, n) for n in STEPS}, options.repeats)
    print("CPU milliseconds; predict: of as many pictures as steps")
    print(table("pixels a side", pixels, power=2), "", sep="\n")
    print(table("steps", steps, power=1))
    if options.out:
        report = computer() | {"by_side": pixels, "by_steps": steps}
        options.out.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
