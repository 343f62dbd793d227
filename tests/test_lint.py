"""The rules of prose, spelling and colors (tools/lint.py): on the course, and on bad examples."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools import lint

START = "# 01 Basics\n\n**Time:** 60 minutes for reading, 40 minutes for exercises.\n\nBegin."
LESSON = "## 1. Slide `it`\n\nA kernel slides.\n\n### 1.1 More\n\nPadding.\n\n## 2. End\n\nStride."
TERMS = "\n".join(
    f"| kernel {n:03} | numbers slid over it | [01](01_basics.ipynb#1.-Slide-it) |"
    for n in range(lint.TERMS)
)
GOOD = {
    "README.md": "See [lesson one](notebooks/01_basics.ipynb#1.1-More) and [site](https://a.org/x).\n"
    "Two such tools. Run course.py; it writes progress.json.\n\n```\n[code](nowhere)\n```\n\n"
    "| 01 | [Basics](notebooks/01_basics.ipynb) | words |\n",
    "TEACHING.md": "| 01 Basics | 60 | 40 | words |\n",
    "CONTRIBUTING.md": "[Read on](README.md).\n",
    "course.py": "",
    "notebooks/GLOSSARY.md": f"# Glossary\n\n{TERMS}\n",
    "course_utils/__init__.py": '__all__ = [\n    "used",\n]\n',
    "course_utils/used.py": "def used():\n    return Other\n\n\nclass Other:\n    pass\n",
    "course_utils/widgets/__init__.py": "",
    "course_utils/widgets/frame.py": "",
    "course_utils/widgets/one.py": "",
    "course_utils/widgets/two.py": "",
    "tools/tool.py": "from course_utils import used\n",
    "tests/test_it.py": "",
}
CODE = (
    "ax.plot(x, y, '--o', color=plots.PALETTE['green'], label='red')",
    "ax.axvline(0, color='#BDBDBD')",
    "ax.bar(x, y, color=plots.PALETTE['sky'], edgecolor='black')",
    "ax.imshow(photo, cmap='gray')\nax.plot(x, y, color=plots.PALETTE['orange'])",
    "ax.plot(x, y, 'k.')\nshow(Other)",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A course without a complaint."""
    for name, text in GOOD.items():
        file = tmp_path / "course" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    (tmp_path / "outside.md").touch()
    cells = [new_markdown_cell(START), new_markdown_cell(LESSON), *map(new_code_cell, CODE)]
    nbformat.write(new_notebook(cells=cells), tmp_path / "course" / "notebooks" / "01_basics.ipynb")
    return tmp_path / "course"


def swap(name: str, old: str, new: str) -> Callable[[Path], None]:
    """Replace the first place of a text in a file; it must be there."""

    def change(folder: Path) -> None:
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


def code(source: str) -> Callable[[Path], None]:
    """One more cell."""

    def change(folder: Path) -> None:
        path = folder / "notebooks" / "01_basics.ipynb"
        notebook = nbformat.read(path, as_version=4)
        notebook.cells.append(new_code_cell(source))
        nbformat.write(notebook, path)

    return change


NOTEBOOK, GLOSSARY = "notebooks/01_basics.ipynb", "notebooks/GLOSSARY.md"
BAD = [
    (lint.links_lead_somewhere, swap("README.md", "#1.1-More", "#1.2-More"), "'1.2-More'"),
    (lint.links_lead_somewhere, swap("CONTRIBUTING.md", "README.md", "READ.md"), "READ.md, which"),
    (lint.links_lead_somewhere, swap("README.md", "```\n[", "["), "nowhere"),
    (
        lint.links_lead_somewhere,
        swap(NOTEBOOK, "Begin.", "[Go on](../../outside.md)"),
        "outside of",
    ),
    (lint.links_lead_somewhere, swap(NOTEBOOK, "Begin.", "[Go on](#3.-No)"), "'3.-No'"),
    (lint.links_say_where_they_go, swap("README.md", "[site]", "[Here]"), "'Here'"),
    (lint.links_say_where_they_go, swap(NOTEBOOK, "Begin.", "[ ](https://a.org)"), "https://a.org"),
    (lint.the_glossary_is_sorted, swap(GLOSSARY, "kernel 007", "a kernel"), "'kernel 000'"),
    (lint.the_glossary_is_sorted, swap(GLOSSARY, "kernel 007", "Kernel 006"), "'kernel 006' 2"),
    (lint.the_glossary_is_sorted, swap(GLOSSARY, "| kernel 099", "kernel 099"), "99 terms"),
    (
        lint.terms_stand_where_the_glossary_says,
        swap(GLOSSARY, "kernel 099", "stride"),
        "does not speak of stride",  # the section ends before
    ),
    (lint.terms_stand_where_the_glossary_says, swap(GLOSSARY, "slid over it", "here"), "2 words"),
    (lint.the_readme_has_the_lessons, swap("README.md", "[Basics]", "[Base]"), "Base"),
    (lint.the_readme_counts_the_widgets, swap("README.md", "Two", "Three"), "Two such"),
    (lint.the_readme_names_files_that_exist, swap("README.md", "Run course", "Run c"), "c.py"),
    (
        lint.instructors_minutes_are_those_of_the_lessons,
        swap("TEACHING.md", "| 40", "| 45"),
        "'45'",
    ),
    (lint.spelling_is_american_and_right, swap("README.md", "words", "colo" + "ur"), "color"),
    (lint.spelling_is_american_and_right, swap(NOTEBOOK, "Begin.", "T" + "eh end."), "The"),
    (lint.spelling_is_american_and_right, swap("tools/tool.py", "from", "# t" + "eh\nfrom"), "the"),
    (lint.colors_are_of_the_palette, code("ax.imshow(x, cmap='jet')"), "jet"),
    (lint.colors_are_of_the_palette, code("ax.plot(x, y, color='red')"), "'red' is not"),
    (lint.colors_are_of_the_palette, code("ax.bar(x, y, color=['black', '#00FF00'])"), "#00FF00"),
    (
        lint.colors_are_of_the_palette,
        code("ax.text(1, 2, 'a', color=plots.PALETTE['blue'] if x else 'C3')"),
        "'C3' is not",
    ),
    (lint.colors_are_of_the_palette, code("ax.plot(x, y, 'r--')"), "format string"),
    (lint.colors_are_of_the_palette, code("ax.plot(x, y, 'C1o')"), "format string"),
    (
        lint.colors_are_of_the_palette,
        code("ax.plot(x, y, '-', color=plots.PALETTE['yellow'])"),
        "yellow is too pale",
    ),
    (
        lint.colors_are_of_the_palette,
        swap("course_utils/used.py", "return Other", "return show(color='red')"),
        "used.py, line 2",
    ),
    (
        lint.public_names_are_used_or_taught,
        swap("tools/tool.py", "used", "widgets"),
        "used.py: used",
    ),
]


def test_the_course_has_no_fault(capsys: pytest.CaptureFixture) -> None:
    assert lint.main([]) == 0, capsys.readouterr().out


@pytest.mark.parametrize("rule", lint.RULES, ids=lambda rule: rule.__name__)
def test_a_good_course_passes(rule: Callable, folder: Path) -> None:
    assert list(rule(lint.Course(folder))) == []


@pytest.mark.parametrize(
    ("rule", "spoil", "complaint"), BAD, ids=[f"{b[0].__name__}-{n}" for n, b in enumerate(BAD)]
)
def test_a_fault_is_noticed(
    rule: Callable, spoil: Callable[[Path], None], complaint: str, folder: Path
) -> None:
    spoil(folder)
    (said,) = rule(lint.Course(folder))
    assert complaint in said


def test_each_rule_is_seen_to_fail_and_the_command_fails_with_it(
    folder: Path, capsys: pytest.CaptureFixture
) -> None:
    assert {rule for rule, *_ in BAD} == set(lint.RULES)
    assert lint.main([], folder) == 0
    swap("README.md", "Two", "Three")(folder)
    assert lint.main([], folder) == 1
    assert capsys.readouterr().out == "README.md does not speak of Two such tools\n"
