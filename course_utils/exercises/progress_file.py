"""The file that keeps what has been solved: ``COURSE_PROGRESS``, else beside the course.

An exercise once solved stays solved there: running the notebook again from the top, or trying
something out, takes nothing away.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

_unsaved: dict[Path, set[str]] = {}  # what could not be written, kept for this session
_told: set[tuple[Path, str]] = set()  # notes are shown once


def place() -> Path:
    """Where the file lies."""
    named = os.environ.get("COURSE_PROGRESS")
    if named:
        return Path(named).expanduser().absolute()
    root = Path(__file__).resolve().parents[2]
    return (root if (root / "notebooks").is_dir() else Path.cwd()) / "progress.json"


def solved() -> tuple[set[str], str]:
    """The names of the exercises done, saved or not, and a note if something is amiss."""
    path = place()
    kept = _unsaved.get(path, set())
    try:
        names, note = _read(path)
    except OSError as error:
        return set(kept), _once(path, f"cannot be read ({error.strerror})")
    return names | kept, note


def save(name: str) -> tuple[set[str], str]:
    """Add a name, all or nothing, and return what `solved` does.

    Where it cannot be written it is remembered for this session.
    """
    path = place()
    unsaved = _unsaved.setdefault(path, set())
    unsaved.add(name)
    temporary = path.with_name(f".{path.stem}{os.getpid()}.tmp")
    try:
        names = _read(path)[0] | unsaved  # read once more: another notebook may have written since
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"done": sorted(names)}, indent=1)
        temporary.write_text(f"{text}\n", encoding="utf-8")
        os.replace(temporary, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        return solved()[0], _once(path, f"cannot be written ({error.strerror})")
    del _unsaved[path]
    return names, ""


def _read(path: Path) -> tuple[set[str], str]:
    """The names in the file, and a note if it was damaged; OSError if it cannot be read."""
    try:
        names = json.loads(path.read_text(encoding="utf-8"))["done"]
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ValueError
        return set(names), ""
    except FileNotFoundError:
        return set(), ""
    except (ValueError, TypeError, KeyError, RecursionError):
        # Kept under another name, so that nothing in it is lost.
        others = (path.with_name(f"{path.stem}.damaged{n}.json") for n in range(1, 10_000))
        other = next(other for other in others if not other.exists())
        path.rename(other)
        return set(), f"{path.name} was damaged and is now {other.name}; a new one is begun"


def _once(path: Path, problem: str) -> str:
    if (path, problem) in _told:
        return ""
    _told.add((path, problem))
    return f"{path.name} {problem}; progress counts for this session only"
