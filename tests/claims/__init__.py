"""What the prose of a lesson relies on, and no student has to read: bounds, orders, signs.

Each lesson has its claims in ``lesson_NN.py`` beside this file. While a notebook is tested, they
are evaluated in its kernel, right after the cell that has their tag, with all exercises still open.
"""

from __future__ import annotations

import importlib
import inspect
import symtable
from dataclasses import dataclass

from tests.claims import judge

HOLDS = "true"


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
    name = f"{__name__}.lesson_{lesson}"
    try:
        return importlib.import_module(name).CLAIMS
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return ()
