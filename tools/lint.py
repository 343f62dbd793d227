"""Complain about the course's prose, spelling and colors: ``python -m tools.lint``.

Links lead somewhere and say where; the glossary is sorted, and its terms stand where it says; the
tables of README.md and TEACHING.md are those of the lessons; the spelling is American; colors are
of the palette, so that everyone can see them; no public name is without use. How Python is written
is ruff's to say. Prints a line for each complaint; the exit code is 1 if there are any.
"""

from __future__ import annotations

import argparse
import ast
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote

from course_utils import plots
from course_utils.lessons import Lesson

ROOT = Path(__file__).resolve().parents[1]

LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")
VAGUE = ("", "here", "link", "this", "click")
TERMS = 100  # in the glossary, at least
MADE = {"progress.json", "notebooks/NAME.ipynb"}  # by the course when it is used; an example
NUMBERS = ["No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten"]
NUMBERS += ["Eleven", "Twelve", "Thirteen", "Fourteen", "Fifteen", "Sixteen"]
# A color of the palette as its authors write it, another color, a name, and words of Python's or
# the tests' own.
NOT_MISSPELLED = "vermillion,ochre,carin,fro,abd,wit"

INK = {"color", "c", "edgecolor", "ecolor", "markeredgecolor"}  # needs contrast, a filling does not
PLAIN = {"black", "white", "none"}
# Brightness alone tells their colors apart, or, in the last, a side of zero.
COLORMAPS = {"gray", "viridis", "magma", "Blues", plots.SIGNED_CMAP}
PALE = set(plots.PALETTE) - {*plots.LINE_COLORS, "gray"}
LETTERS = set("bgrcmyC")  # of format strings such as "r--"; k is black, w white


def anchor(heading: str) -> str:
    """What JupyterLab, and GitHub for notebooks, call a heading: spaces become hyphens."""
    return re.sub(r"[*`]", "", heading).replace(" ", "-")


class Course:
    """The texts and the code of the course in a folder."""

    def __init__(self, root: Path) -> None:
        self.root, self.folder = root, root / "notebooks"
        self.notebooks = {path: Lesson(path) for path in sorted(self.folder.glob("*.ipynb"))}
        self.lessons = [x for x in self.notebooks.values() if not x.path.name.startswith("00_")]
        names = ("README", "CONTRIBUTING", "TEACHING")
        self.pages = [*(root / f"{name}.md" for name in names), *sorted(self.folder.glob("*.md"))]
        self.glossary = self.folder / "GLOSSARY.md"
        self.modules = sorted((root / "course_utils").rglob("*.py"))

    def prose(self, path: Path) -> str:
        """The text of a page, or of a notebook, without code blocks."""
        if lesson := self.notebooks.get(path):
            text = "\n\n".join(c.source for c in lesson.cells if c.cell_type == "markdown")
        else:
            text = path.read_text(encoding="utf-8")
        return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)

    def source(self, path: Path) -> str:
        """All that is written in a notebook, code and text."""
        return "\n\n".join(cell.source for cell in self.notebooks[path].cells)

    def rows(self, page: str, pattern: str) -> list[tuple[str, ...]]:
        """Rows of the tables of a page that a pattern matches."""
        return re.findall(pattern, self.prose(self.root / page), re.MULTILINE)

    @cached_property
    def terms(self) -> list[tuple[str, ...]]:
        """Term, meaning and target of each row of the glossary."""
        row = r"^\| ([^|]+) \| ([^|]+) \| \[[^\]]+\]\(([^)]+)\) \|$"
        return [tuple(map(str.strip, found)) for found in self.rows("notebooks/GLOSSARY.md", row)]

    def section(self, path: Path, name: str) -> str:
        """Text and code from a heading to the next one of its level or above."""
        text = self.source(path)
        headings = list(re.finditer(r"^(#{2,6}) +(.+?) *$", text, re.MULTILINE))
        (start,) = (m for m in headings if anchor(m[2]) == name)
        below = (m for m in headings if m.start() > start.start() and len(m[1]) <= len(start[1]))
        end = next(below, None)
        return text[start.start() : end.start() if end else len(text)]


# --- rules: each yields complaints --------------------------------------------------------------


def links_lead_somewhere(course: Course) -> Iterator[str]:
    for path in [*course.pages, *course.notebooks]:
        for _, target in LINK.findall(course.prose(path)):
            if re.match(r"[a-z]+:", target):
                continue
            name, _, part = unquote(target).partition("#")
            place = (path.parent / name).resolve() if name else path
            if not place.exists():
                yield f"{path.name} links to {target}, which does not exist"
            elif not place.is_relative_to(course.root):
                yield f"{path.name} links to {target}, outside of the course"
            elif part and place.suffix in (".ipynb", ".md"):
                headings = re.findall(r"^#{1,6} +(.+?) *$", course.prose(place), re.MULTILINE)
                if part not in map(anchor, headings):
                    yield f"{path.name}: {place.name} has no heading {part!r}"


def links_say_where_they_go(course: Course) -> Iterator[str]:
    for path in [*course.pages, *course.notebooks]:
        for text, target in LINK.findall(course.prose(path)):
            if text.strip().lower() in VAGUE:
                yield f"{path.name}: the link to {target} says {text!r}"


def the_glossary_is_sorted(course: Course) -> Iterator[str]:
    terms = [term.lower() for term, *_ in course.terms]
    if len(terms) < TERMS:
        yield f"the glossary has {len(terms)} terms, at least {TERMS}"
    if terms != sorted(terms):
        late = next(term for term, other in zip(terms, sorted(terms), strict=True) if term != other)
        yield f"the glossary is not sorted, from {late!r} on"
    for term, count in Counter(terms).items():
        if count > 1:
            yield f"the glossary has {term!r} {count} times"


def terms_stand_where_the_glossary_says(course: Course) -> Iterator[str]:
    for term, meaning, target in course.terms:
        name, _, part = unquote(target).partition("#")
        text = course.section(course.folder / name, part).lower()
        # Beginnings of words: fine-tuning, fine-tuned.
        stems = [word[:5] for word in re.findall(r"[\w-]{2,}", term.lower())]
        if not any(stem in text for stem in stems):
            yield f"{target} does not speak of {term}"
        if not 3 <= len(meaning.split()) <= 30:
            yield f"the meaning of {term} has {len(meaning.split())} words, not 3 to 30"


def the_readme_has_the_lessons(course: Course) -> Iterator[str]:
    rows = course.rows("README.md", r"^\| (\d\d) \| \[([^\]]+)\]\(notebooks/([^)]+)\)")
    lessons = [(x.number, x.title, x.path.name) for x in course.lessons]
    if rows != lessons:
        yield f"README.md has another table of lessons, {sorted(set(rows) ^ set(lessons))}"


def the_readme_counts_the_widgets(course: Course) -> Iterator[str]:
    modules = [m.stem for m in course.modules if m.parent.name == "widgets"]
    count = len(set(modules) - {"__init__", "frame"})
    if f"{NUMBERS[count]} such tools" not in course.prose(course.root / "README.md"):
        yield f"README.md does not speak of {NUMBERS[count]} such tools"


def the_readme_names_files_that_exist(course: Course) -> Iterator[str]:
    text = (course.root / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"[\w/.-]+\.(?:py|md|ipynb|toml|yml|txt|json|cff)\b", text)) - MADE
    for name in sorted(named):
        if not (course.root / name).exists():
            yield f"README.md names {name}, which does not exist"


def instructors_minutes_are_those_of_the_lessons(course: Course) -> Iterator[str]:
    rows = course.rows("TEACHING.md", r"^\| (\d\d) ([^|]+) \| (\d+) \| (\d+) \|")
    lessons = [(x.number, x.title, *map(str, x.minutes)) for x in course.lessons]
    if rows != lessons:
        yield f"TEACHING.md has other minutes, {sorted(set(rows) ^ set(lessons))}"


def spelling_is_american_and_right(course: Course) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        for path in course.notebooks:
            (Path(folder) / f"{path.stem}.txt").write_text(course.source(path), encoding="utf-8")
        command = [sys.executable, "-m", "codespell_lib", "--builtin", "clear,rare,en-GB_to_en-US"]
        command += ["--ignore-words-list", NOT_MISSPELLED, *map(str, course.pages), folder]
        command += [str(course.root / name) for name in ("course_utils", "tools", "tests")]
        found = subprocess.run(command, capture_output=True, text=True, check=False)
    yield from found.stdout.splitlines()
    if found.returncode and not found.stdout:
        yield found.stderr


def colors_are_of_the_palette(course: Course) -> Iterator[str]:
    """What a color lies on cannot be told from code: lines on a photo are left to who looks."""
    for path in course.modules:
        for fault in hard_to_see(path.read_text(encoding="utf-8")):
            yield f"{path.name}, {fault}"
    for path, lesson in course.notebooks.items():
        for number, cell in enumerate(lesson.cells):
            if cell.cell_type == "code" and not cell.source.startswith("%"):
                for fault in hard_to_see(cell.source):
                    yield f"{path.name}, cell {number}, {fault}"


def hard_to_see(source: str) -> Iterator[str]:
    """What may be hard to see, of the code of a cell or a module."""
    on_picture = "imshow(" in source
    for call in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)):
        given = {k.arg: k.value for k in call.keywords}
        where = f"line {call.lineno}, {ast.unparse(call)[:60]}"
        if isinstance(cmap := given.get("cmap"), ast.Constant) and cmap.value not in COLORMAPS:
            yield f"{where}: color map {cmap.value!r}"
        for name in INK & given.keys():
            for color in words(given[name]) - PLAIN - plots.PALETTE.keys():
                if not is_gray(color):
                    yield f"{where}: {name} {color!r} is not of the palette"
        if getattr(call.func, "attr", "") in ("plot", "step", "axvline", "axhline"):
            if (pale := words(call) & PALE) and not on_picture:
                yield f"{where}: {', '.join(pale)} is too pale for a line on white"
            form = call.args[-1] if call.args else None
            if isinstance(form, ast.Constant) and LETTERS & set(str(form.value)):
                yield f"{where}: color in the format string {form.value!r}"


def words(code: ast.AST) -> set[str]:
    """The texts in a piece of code."""
    constants = (node.value for node in ast.walk(code) if isinstance(node, ast.Constant))
    return {value for value in constants if isinstance(value, str)}


def is_gray(color: str) -> bool:
    return color.startswith("#") and color[1:3] == color[3:5] == color[5:7]


def public_names_are_used_or_taught(course: Course) -> Iterator[str]:
    """Those of functions and classes; that of a module's list of its own names is no use."""
    texts = [path.read_text(encoding="utf-8") for path in course.modules]
    lists = Counter(w for t in texts for w in re.findall(r'^    "(\w+)",$', t, re.MULTILINE))
    code = [*map(course.source, course.notebooks), *texts]
    code += [p.read_text(encoding="utf-8") for p in (course.root / "tools").rglob("*.py")]
    used = Counter(re.findall(r"\w+", "\n".join(code)))
    for path, text in zip(course.modules, texts, strict=True):
        for node in ast.parse(text).body:
            if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
                continue
            if used[node.name] - lists[node.name] < 2:
                yield f"{path.name}: {node.name} is used nowhere outside of the tests"


RULES: tuple[Callable[[Course], Iterator[str]], ...] = (
    links_lead_somewhere,
    links_say_where_they_go,
    the_glossary_is_sorted,
    terms_stand_where_the_glossary_says,
    the_readme_has_the_lessons,
    the_readme_counts_the_widgets,
    the_readme_names_files_that_exist,
    instructors_minutes_are_those_of_the_lessons,
    spelling_is_american_and_right,
    colors_are_of_the_palette,
    public_names_are_used_or_taught,
)


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.lint",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.parse_args(arguments)
    course = Course(root)
    complaints = [complaint for rule in RULES for complaint in rule(course)]
    print(*complaints, sep="\n", end="\n" if complaints else "")
    return int(bool(complaints))


if __name__ == "__main__":
    sys.exit(main())
