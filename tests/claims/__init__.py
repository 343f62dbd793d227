"""What the prose of a lesson relies on, and no student has to read: bounds, orders, signs.

Each lesson has its claims in ``lesson_NN.txt`` beside this file: the tag of a cell, then sentences,
set in by two, each followed by what has to hold, set in by four. While a notebook is tested, they
are evaluated in its kernel, right after the cell that has their tag, with all exercises still open.
"""

from __future__ import annotations

import inspect
import symtable
from dataclasses import dataclass
from pathlib import Path

from tests.claims import judge

HOLDS = "true"
FOLDERS = [Path(__file__).parent]


@dataclass(frozen=True)
class Claim:
    """A sentence of a lesson, and what has to hold so that it is true.

    Attributes
    ----------
    after : str
        Evaluated after the cell with the tag ``claims:`` and this.
    sentence : str
        Words of the lesson's Markdown as they stand there, white space aside.
    holds : str
        One expression in names that the lesson has by then, true or false.
    """

    after: str
    sentence: str
    holds: str

    def names(self) -> set[str]:
        """Names that the expression needs, from the lesson or from Python.

        Raises
        ------
        SyntaxError
            `holds` is no single expression.
        """
        tables, needed = [symtable.symtable(self.holds, "claim", "eval")], set()
        while tables:
            table = tables.pop()
            tables += table.get_children()
            needed |= {s.get_name() for s in table.get_symbols() if s.is_global()}
        return needed

    def code(self) -> str:
        """A cell that prints `HOLDS` or what speaks against it, and leaves no name behind."""
        source = f"{inspect.getsource(judge)}\nprint(judge(holds, lesson) or {HOLDS!r})"
        return f"exec({source!r}, {{'holds': {self.holds!r}, 'lesson': globals()}})"


def claims_of(lesson: str) -> tuple[Claim, ...]:
    """The claims of a lesson, such as "03"; none if there is no file of them."""
    files = (folder / f"lesson_{lesson}.txt" for folder in FOLDERS)
    return tuple(claim for file in files if file.is_file() for claim in read(file))


def read(file: Path) -> list[Claim]:
    """The claims in a file; sentences and expressions may be continued on further lines."""
    parts: list[list[str]] = []  # tag, sentence, expression of each claim
    after = ""
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        words, depth = line.strip(), len(line) - len(line.lstrip())
        if not words or line.startswith("#"):
            continue
        begun = bool(parts) and parts[-1][0] == after
        if depth == 0:
            after = words
        elif depth == 2 and after and not (begun and not parts[-1][2]):
            parts.append([after, words, ""])
        elif depth in (2, 4) and begun:
            parts[-1][depth // 2] = f"{parts[-1][depth // 2]} {words}".strip()
        else:
            raise ValueError(f"{file.name}, line {number}: what does {words!r} belong to?")
    return [Claim(*part) for part in parts]
