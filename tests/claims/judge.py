"""Whether an expression holds, and if not, why. The kernel of a lesson runs the source of this."""

from __future__ import annotations

import ast
import reprlib
from types import ModuleType
from typing import Any

_BRIEF = reprlib.Repr()
_BRIEF.maxother = _BRIEF.maxstring = 300


def judge(holds: str, names: dict[str, Any]) -> str:
    """What speaks against the expression `holds`, where `names` are defined; empty if it is true.

    `names` stays as it is, whatever the expression sets.
    """
    names = dict(names)
    expression = ast.parse(holds, mode="eval").body
    try:
        value = _value(expression, names)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    if type(value).__name__ not in ("bool", "bool_"):  # Python's and NumPy's
        return f"neither True nor False, but {type(value).__name__} {_BRIEF.repr(value)}"
    return "" if value else "\n".join(["not true, for", *_values(expression, names)])


def _value(expression: ast.expr, names: dict[str, Any]) -> Any:
    return eval(compile(ast.Expression(expression), "<claim>", "eval"), names)


def _values(expression: ast.expr, names: dict[str, Any]) -> list[str]:
    """Both sides of each comparison, then the names, with their values."""
    nodes = list(ast.walk(expression))
    pairs = [[n.left, *n.comparators] for n in nodes if isinstance(n, ast.Compare)]
    sides = [side for pair in pairs for side in pair if not isinstance(side, ast.Constant)]

    def of_interest(node: ast.AST) -> bool:
        if not isinstance(node, ast.Name) or not isinstance(node.ctx, ast.Load):
            return False
        value = names.get(node.id)
        return node.id in names and not callable(value) and not isinstance(value, ModuleType)

    told = {}
    for node in [*sides, *filter(of_interest, nodes)]:
        try:
            told[ast.unparse(node)] = _BRIEF.repr(_value(node, names))
        except Exception as error:  # such as a name that only a comprehension knows
            told[ast.unparse(node)] = f"({type(error).__name__}: {error})"
    return [f"  {text} = {value}" for text, value in told.items()]
