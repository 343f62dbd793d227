"""ARCHITECTURE.md shows the house as it is: its arrows are the imports, its ways lead somewhere."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
PACKAGE = PROJECT / "course_utils"
PAGE = (PROJECT / "ARCHITECTURE.md").read_text(encoding="utf-8")

GROUND = set(re.search(r'ground\["the ground: ([^"]+)"\]', PAGE)[1].split(", "))
#: Folder of rooms in the diagram, from top to bottom -> its rooms.
FLOORS = {
    name: set(rooms.split())
    for name, rooms in re.findall(r'subgraph (\w+)\["[^"]*"\]\n(.*?)end', PAGE, re.DOTALL)
}
FLOORS["ground"] = GROUND
STEPS = re.findall(r"`(course_utils/[\w/]+\.py):(\w+)`", PAGE)


def only_for_types(tree: ast.Module) -> set[ast.AST]:
    """What stands below ``if TYPE_CHECKING``, which never runs."""
    return {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }


def imported(path: Path) -> set[str]:
    """Rooms of the package that a file imports, at its top or in a function."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    rooms = set()
    for node in set(ast.walk(tree)) - only_for_types(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "course_utils":
            rooms |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("course_utils."):
            rooms.add(node.module.split(".")[1])
        elif isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
            rooms |= {name[1] for name in names if name[0] == "course_utils" and name[1:]}
    return rooms


@pytest.fixture(scope="module")
def arrows() -> dict[str, set[str]]:
    """Room -> the other rooms that it imports."""
    found = defaultdict(set)
    for path in PACKAGE.rglob("*.py"):
        room = path.relative_to(PACKAGE).with_suffix("").parts[0]
        if not room.startswith("__"):
            found[room] |= imported(path) - {room}
    return dict(found)


def test_every_room_has_one_floor(arrows: dict[str, set[str]]) -> None:
    rooms = [room for floor in FLOORS.values() for room in floor]
    assert sorted(rooms) == sorted(arrows)


def test_the_arrows_are_the_imports(arrows: dict[str, set[str]]) -> None:
    drawn = {
        pair
        for pair in re.findall(r"^    (\w+) --> (\w+)$", PAGE, re.MULTILINE)
        if not set(pair) & set(FLOORS)
    }
    meant = {
        (room, other)
        for room, others in arrows.items()
        for other in others
        if room not in FLOORS["pages"] | GROUND and other not in GROUND
    }
    assert drawn == meant


def test_no_import_runs_up_and_there_is_no_circle(arrows: dict[str, set[str]]) -> None:
    height = {room: -number for number, floor in enumerate(FLOORS.values()) for room in floor}
    assert [
        (room, other) for room in arrows for other in arrows[room] if height[other] > height[room]
    ] == []
    left = {room: set(others) for room, others in arrows.items()}
    while free := [room for room, others in left.items() if not others & set(left)]:
        for room in free:
            del left[room]
    assert left == {}


@pytest.mark.parametrize("step", STEPS, ids=":".join)
def test_each_step_of_a_way_is_there(step: tuple[str, str]) -> None:
    file, name = step
    tree = ast.parse((PROJECT / file).read_text(encoding="utf-8"))
    kinds = ast.FunctionDef | ast.ClassDef
    assert name in {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


def test_the_ways_are_long_enough_to_walk() -> None:
    assert len(STEPS) >= 12
