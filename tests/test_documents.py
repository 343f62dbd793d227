"""README, glossary and texts of the lessons: links, claims, and code that somebody needs."""

from __future__ import annotations

import ast
import json
import pkgutil
import re
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest

from course_utils import lessons, widgets

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PAGES = [
    *(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "TEACHING")),
    *sorted((ROOT / "notebooks").glob("*.md")),
]
GLOSSARY = ROOT / "notebooks" / "GLOSSARY.md"

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@cache
def cells(path: Path) -> list[dict]:
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


@cache
def prose(path: Path) -> str:
    """The text of a page, or of a notebook, without code blocks."""
    if path.suffix == ".md":
        text = path.read_text(encoding="utf-8")
    else:
        markdown = (c for c in cells(path) if c["cell_type"] == "markdown")
        text = "\n\n".join("".join(cell["source"]) for cell in markdown)
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def headings(path: Path) -> list[str]:
    return re.findall(r"^#{1,6} +(.+?) *$", prose(path), re.MULTILINE)


def anchors(path: Path) -> set[str]:
    """What JupyterLab, and GitHub for notebooks, call the headings: spaces become hyphens."""
    return {re.sub(r"[*`]", "", heading).replace(" ", "-") for heading in headings(path)}


# --- links --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [*PAGES, *NOTEBOOKS], ids=lambda path: path.name)
def test_links_inside_the_course_lead_somewhere(path: Path) -> None:
    for target in LINK.findall(prose(path)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = unquote(target).partition("#")
        place = (path.parent / name).resolve() if name else path
        assert place.exists(), f"{path.name} links to {target}, which does not exist"
        assert place.is_relative_to(ROOT), f"{path.name} links to {target}, outside of the course"
        if anchor and place.suffix in (".ipynb", ".md"):
            assert anchor in anchors(place), f"{path.name}: {place.name} has no heading {anchor!r}"


@pytest.mark.parametrize("path", [*PAGES, *NOTEBOOKS], ids=lambda path: path.name)
def test_links_say_where_they_go(path: Path) -> None:
    said = re.findall(r"\[([^\]]*)\]\([^)\s]+\)", prose(path))
    vague = [text for text in said if text.strip().lower() in ("", "here", "link", "this", "click")]
    assert not vague


# --- glossary -----------------------------------------------------------------------------------


def glossary() -> list[tuple[str, str, str]]:
    """Term, meaning, target."""
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| \[[^\]]+\]\(([^)]+)\) \|$", prose(GLOSSARY), re.M)
    return [tuple(map(str.strip, row)) for row in rows]


def section(path: Path, anchor: str) -> str:
    """Text and code from a heading to the next one of its level or above."""
    text = "\n\n".join("".join(cell["source"]) for cell in cells(path))
    found = [m for m in re.finditer(r"^(#{2,6}) +(.+?) *$", text, re.MULTILINE)]
    (start,) = (m for m in found if re.sub(r"[*`]", "", m[2]).replace(" ", "-") == anchor)
    ends = [m.start() for m in found if m.start() > start.start() and len(m[1]) <= len(start[1])]
    return text[start.start() : min(ends, default=len(text))]


def test_the_glossary_is_sorted_and_says_each_term_once() -> None:
    terms = [term.lower() for term, _, _ in glossary()]
    assert len(terms) >= 100 and terms == sorted(terms)
    assert [term for term, count in Counter(terms).items() if count > 1] == []


@pytest.mark.parametrize("row", glossary(), ids=lambda row: row[0])
def test_each_term_is_in_its_section(row: tuple[str, str, str]) -> None:
    term, meaning, target = row
    name, _, anchor = unquote(target).partition("#")
    text = section(GLOSSARY.parent / name, anchor).lower()
    stems = [word[:5] for word in re.findall(r"[\w-]{2,}", term.lower())]  # fine-tuning, fine-tuned
    assert any(stem in text for stem in stems), f"{target} does not speak of {term}"
    assert 3 <= len(meaning.split()) <= 30


# --- README -------------------------------------------------------------------------------------


def test_the_table_of_lessons_is_that_of_the_notebooks() -> None:
    rows = re.findall(r"^\| (\d\d) \| \[([^\]]+)\]\(notebooks/([^)]+)\)", prose(PAGES[0]), re.M)
    assert rows == [(x.number, x.title, x.path.name) for x in lessons.all_lessons()]


def test_the_number_of_widgets() -> None:
    numbers = {12: "Twelve", 13: "Thirteen", 14: "Fourteen", 15: "Fifteen"}
    modules = list(pkgutil.iter_modules(widgets.__path__))
    assert f"{numbers[len(modules)]} such tools" in prose(ROOT / "README.md")


def test_the_instructors_minutes_are_those_of_the_lessons() -> None:
    rows = re.findall(r"^\| (\d\d) ([^|]+) \| (\d+) \| (\d+) \|", prose(ROOT / "TEACHING.md"), re.M)
    assert [(number, title, (int(a), int(b))) for number, title, a, b in rows] == [
        (lesson.number, lesson.title, lesson.minutes) for lesson in lessons.all_lessons()
    ]


def test_the_files_that_the_readme_names_exist() -> None:
    text = PAGES[0].read_text(encoding="utf-8")
    made = {"progress.json", "notebooks/NAME.ipynb"}  # by the course when it is used; an example
    named = set(re.findall(r"[\w/.-]+\.(?:py|md|ipynb|toml|yml|txt|json|cff)\b", text)) - made
    assert named and not [name for name in named if not (ROOT / name).exists()]


# --- spelling -----------------------------------------------------------------------------------

#: A color of the palette as its authors write it, another color, a name, and words of Python's or
#: the tests' own.
NOT_MISSPELLED = "vermillion,ochre,carin,fro,abd,wit"


def test_spelling_is_american_and_right(tmp_path: Path) -> None:
    for path in NOTEBOOKS:
        text = "\n\n".join("".join(cell["source"]) for cell in cells(path))
        (tmp_path / f"{path.stem}.txt").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "codespell_lib", "--builtin", "clear,rare,en-GB_to_en-US"]
    command += ["--ignore-words-list", NOT_MISSPELLED, *map(str, PAGES), str(tmp_path)]
    command += [str(ROOT / folder) for folder in ("course_utils", "tools", "tests")]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


# --- nobody writes code for nobody --------------------------------------------------------------


def public_names() -> dict[str, Path]:
    """Functions and classes of the package that do not begin with an underscore -> their file."""
    return {
        node.name: path
        for path in (ROOT / "course_utils").rglob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
    }


def test_every_public_name_is_used_or_taught() -> None:
    code = ["".join(cell["source"]) for path in NOTEBOOKS for cell in cells(path)]
    for folder in ("course_utils", "tools"):
        code += [path.read_text(encoding="utf-8") for path in (ROOT / folder).rglob("*.py")]
    used = Counter(re.findall(r"\w+", "\n".join(code)))
    own = Counter(
        word
        for path in (ROOT / "course_utils").rglob("*.py")
        for word in re.findall(r'^    "(\w+)",$', path.read_text(encoding="utf-8"), re.MULTILINE)
    )  # __all__ alone is no use
    unused = [name for name in public_names() if used[name] - own[name] < 2]
    assert not unused, f"only defined, and used nowhere outside of the tests: {unused}"
