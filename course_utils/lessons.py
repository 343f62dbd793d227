"""The lessons as a whole: a map with your progress, a way to catch up, a record to print.

    from course_utils import lessons
    lessons.course_map()              # all lessons, what they promise, what you have solved
    lessons.catch_up("06", "4")       # everything of lesson 06 that section 4 builds on
    lessons.save_record("Your name")  # a page to print or to hand in

Everything here is read from the notebooks themselves and from your progress file; nothing leaves
this computer.
"""

from __future__ import annotations

import contextlib
import html
import os
import re
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from course_utils import ask
from course_utils.ask import CourseError
from course_utils.exercises import Progress, progress
from course_utils.exercises.page import bar, table
from course_utils.live import track

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"

_HEADING = re.compile(r"^(#{2,3}) +(.+?) *$", re.MULTILINE)
_NUMBER = re.compile(r"(\d+(?:\.\d+)?)\.? ")


@dataclass(frozen=True)
class Lesson:
    """One notebook of the course, ``notebooks/NN_words.ipynb``."""

    path: Path

    @property
    def number(self) -> str:
        """Two digits."""
        return self.path.name[:2]

    @cached_property
    def cells(self) -> tuple[dict[str, Any], ...]:
        """The notebook's cells; the source of each as one text."""
        import nbformat

        return tuple(nbformat.read(self.path, as_version=4).cells)

    @cached_property
    def title(self) -> str:
        """The heading without its number."""
        return self.cells[0]["source"].splitlines()[0].lstrip("# ").removeprefix(self.number + " ")

    @cached_property
    def minutes(self) -> tuple[int, ...]:
        """What the lesson says it takes: reading and running, then the exercises."""
        said = re.search(r"^\*\*Time:\*\*.*?(?=\n\n)", self.cells[0]["source"], re.M | re.S)
        return tuple(map(int, re.findall(r"(\d+) minutes for", said[0]))) if said else ()

    @cached_property
    def sections(self) -> dict[str, int]:
        """Heading -> place of the cell that holds it, in order, subsections included."""
        return {
            heading: place
            for place, cell in enumerate(self.cells)
            if cell["cell_type"] == "markdown"
            for _, heading in _HEADING.findall(cell["source"])
        }

    def find(self, section: str | int) -> str:
        """The heading of a section, from its number or from words in it; one has to fit."""
        wanted = str(section).strip()
        numbered = {number[1]: h for h in self.sections if (number := _NUMBER.match(h))}
        if wanted in numbered:
            return numbered[wanted]
        fitting = [h for h in self.sections if wanted and wanted.lower() in h.lower()]
        if len(fitting) == 1:
            return fitting[0]
        several = "several sections with" if fitting else "no section"
        choices = "; ".join(fitting or numbered.values())
        raise CourseError(f"Lesson {self.number} has {several} {wanted!r}; choose from: {choices}.")

    def code_before(self, section: str | int) -> Iterator[tuple[int, str]]:
        """Place and source of the code cells above a section.

        Exercises and their checks are left out: what they define is used by these alone.
        """
        for place, cell in enumerate(self.cells[: self.sections[self.find(section)]]):
            tags = cell["metadata"].get("tags", [])
            asks = any(tag.startswith(("exercise:", "check:")) for tag in tags)
            if cell["cell_type"] == "code" and not asks:
                yield place, cell["source"]


def all_lessons() -> list[Lesson]:
    """The lessons in their order."""
    paths = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
    return [Lesson(path) for path in paths if not path.name.startswith("00_")]


def find_lesson(number: str | int) -> Lesson:
    """The lesson with a number such as 6 or ``"06"``."""
    lessons = {lesson.number: lesson for lesson in all_lessons()}
    return lessons[ask.choice("lesson", str(number).strip().zfill(2), lessons)]


# --- catch up -----------------------------------------------------------------------------------


def catch_up(
    lesson: str | int, section: str | int, namespace: MutableMapping[str, Any] | None = None
) -> None:
    """Run all code of a lesson that stands above a section, without showing what it shows.

    Afterwards the section's cells find what they need, and with the same random numbers as if
    the lesson had been run from its top. Exercises and their checks are left out.

    Parameters
    ----------
    lesson
        Its number.
    section
        Number of a section, such as ``"4"`` or ``"4.2"``, or words of its heading.
    namespace
        Where the names go: by default the notebook in which this is called.

    Raises
    ------
    RuntimeError
        A cell of the lesson fails; the message names it.
    """
    found = find_lesson(lesson)
    heading = found.find(section)
    names = _own_namespace() if namespace is None else namespace
    for place, source in track(list(found.code_before(section)), f"up to {heading}"):
        with _quietly():
            _run(source, f"lesson {found.number}, cell {place}", names)
    print(f"Ready: go on with lesson {found.number}, section {heading!r}.")


def _own_namespace() -> MutableMapping[str, Any]:
    from IPython import get_ipython

    shell = get_ipython()
    if shell is None:
        raise CourseError("There is no notebook here; pass a dictionary as namespace.")
    return shell.user_ns


def _run(source: str, name: str, names: MutableMapping[str, Any]) -> None:
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        code = TransformerManager().transform_cell(source)
        # A cell does not inherit this module's __future__.
        exec(compile(code, f"<{name}>", "exec", dont_inherit=True), names)
    except Exception as error:
        raise RuntimeError(f"{name} failed: {type(error).__name__}: {error}") from error


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Neither text nor figures nor widgets; all of them would be out of place here."""
    from IPython.utils.capture import capture_output
    from matplotlib import pyplot

    before = os.environ.get("COURSE_STATIC")
    os.environ["COURSE_STATIC"] = "1"
    try:
        with capture_output():
            yield
            pyplot.close("all")
    finally:
        os.environ.pop("COURSE_STATIC", None)  # or what the cell made of it
        if before is not None:
            os.environ["COURSE_STATIC"] = before


# --- map and record -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Map:
    """All lessons with what has been solved; Jupyter shows a table with links."""

    lessons: tuple[Lesson, ...]
    solved: Progress

    def rows(self) -> Iterator[tuple[Lesson, int, int]]:
        """Lesson, exercises solved, exercises in all."""
        counts = self.solved.counts
        for lesson in self.lessons:
            yield lesson, *counts.get(lesson.number, (0, 0))

    @property
    def total(self) -> tuple[int, int]:
        """Exercises solved, and exercises in all."""
        return sum(done for _, done, _ in self.rows()), sum(total for _, _, total in self.rows())

    def __repr__(self) -> str:
        rows = [(f"{one.number} {one.title}", done, total) for one, done, total in self.rows()]
        rows.append(("   all lessons", *self.total))
        lines = [f"{name:35} {done:2} of {total} exercises done" for name, done, total in rows]
        return "\n".join([*lines, *filter(None, [self.solved.note])])

    def _repr_html_(self) -> str:
        rows = (
            (
                lesson.number,
                f'<a href="{lesson.path.name}">{html.escape(lesson.title)}</a>',
                f"{sum(lesson.minutes)} min",
                f"{done} of {total} {bar(done, total, lesson.number)}",
            )
            for lesson, done, total in self.rows()
        )
        caption = "{} of {} exercises done".format(*self.total)
        note = f"<p>{html.escape(self.solved.note)}</p>" if self.solved.note else ""
        return table(caption, ("No.", "Lesson", "Time", "Exercises"), rows, left=1) + note


def course_map() -> Map:
    """All lessons, how long they take, and what you have solved."""
    return Map(tuple(all_lessons()), progress())


_PAGE = """\
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<title>Convolutional networks: record of progress</title>
<style>
body {{ font: 16px/1.5 sans-serif; max-width: 50em; margin: 2em auto; padding: 0 1em }}
table {{ border-collapse: collapse; margin: 1em 0; width: 100% }}
caption {{ font-weight: bold }}
td, th {{ border-bottom: 1px solid #ccc; padding: .2em .6em; text-align: left }}
</style></head><body>
<h1>Convolutional networks: record of progress</h1>
<p>{who}{day}</p>
{map}
{exercises}
</body></html>
"""


def save_record(name: str = "", path: str | os.PathLike[str] = "progress.html") -> Path:
    """Write a page with every exercise and whether it is solved, to print or to hand in.

    It is made from the progress file on this computer and sent nowhere.

    Parameters
    ----------
    name
        Stands on the page, if given.
    path
        A file ending in ``.html``; one that exists is replaced. It is returned.
    """
    target = Path(path).expanduser()
    if target.suffix.lower() != ".html":
        raise CourseError(f"path is {str(path)!r}; give a name that ends in .html.")
    shown = course_map()
    page = _PAGE.format(
        who=f"{html.escape(name.strip())}, " if name.strip() else "",
        day=date.today().isoformat(),
        map=shown._repr_html_(),
        exercises=replace(shown.solved, note="")._repr_html_(),  # the map has it
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(page, encoding="utf-8")
    return target
