"""Figures stay readable for everyone: their colors come from the course's palette.

Looked for in the code of the notebooks and of the package, not in the figures: what a color lies on
cannot be told from either, so lines on a photo are left to whoever looks at them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from course_utils import plots

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MODULES = sorted((ROOT / "course_utils").rglob("*.py"))

INK = {"color", "c", "edgecolor", "ecolor", "markeredgecolor"}  # needs contrast, a filling does not
PLAIN = {"black", "white", "none"}
#: Brightness alone tells their colors apart, or, in the last, a side of zero.
COLORMAPS = {"gray", "viridis", "magma", "Blues", plots.SIGNED_CMAP}
PALE = set(plots.PALETTE) - {*plots.LINE_COLORS, "gray"}
LETTERS = set("bgrcmyC")  # of format strings such as "r--"; k is black, w white


def is_gray(color: str) -> bool:
    return color.startswith("#") and color[1:3] == color[3:5] == color[5:7]


def complaints(source: str) -> Iterator[str]:
    """What may be hard to see, of the code of a cell or a module."""
    on_picture = "imshow(" in source
    for call in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)):
        given = {k.arg: k.value for k in call.keywords}
        where = f"line {call.lineno}, {ast.unparse(call)[:60]}"
        if isinstance(cmap := given.get("cmap"), ast.Constant) and cmap.value not in COLORMAPS:
            yield f"{where}: color map {cmap.value!r}"
        for name in INK & given.keys():
            for part in ast.walk(given[name]):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    color = part.value
                    if color not in {*PLAIN, *plots.PALETTE} and not is_gray(color):
                        yield f"{where}: {name} {color!r} is not of the palette"
        if getattr(call.func, "attr", "") in ("plot", "step", "axvline", "axhline"):
            words = {
                n.value for n in ast.walk(call) if isinstance(n, ast.Constant) if n.value in PALE
            }
            if words and not on_picture:
                yield f"{where}: {', '.join(words)} is too pale for a line on white"
            form = call.args[-1] if call.args else None
            if isinstance(form, ast.Constant) and LETTERS & set(str(form.value)):
                yield f"{where}: color in the format string {form.value!r}"


def code_of(path: Path) -> list[str]:
    if path.suffix == ".py":
        return [path.read_text(encoding="utf-8")]
    cells = nbformat.read(path, 4).cells
    return [c.source for c in cells if c.cell_type == "code" and not c.source.startswith("%")]


@pytest.mark.parametrize("path", [*NOTEBOOKS, *MODULES], ids=lambda path: path.name)
def test_colors_are_of_the_palette(path: Path) -> None:
    assert [said for code in code_of(path) for said in complaints(code)] == []


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("ax.imshow(x, cmap='jet')", "jet"),
        ("ax.plot(x, y, color='red')", "'red' is not of the palette"),
        ("ax.bar(x, y, color=['black', '#00FF00'])", "#00FF00"),
        ("ax.text(1, 2, 'a', color=plots.PALETTE['blue'] if x else 'C3')", "'C3' is not"),
        ("ax.plot(x, y, 'r--')", "format string"),
        ("ax.plot(x, y, 'C1o')", "format string"),
        ("ax.plot(x, y, '-', color=plots.PALETTE['yellow'])", "too pale"),
    ],
)
def test_what_is_hard_to_see_is_noticed(code: str, said: str) -> None:
    assert [said in complaint for complaint in complaints(code)] == [True]


@pytest.mark.parametrize(
    "code",
    [
        "ax.plot(x, y, '--o', color=plots.PALETTE['green'], label='red')",
        "ax.axvline(0, color='#BDBDBD')",
        "ax.bar(x, y, color=plots.PALETTE['sky'], edgecolor='black')",
        "ax.imshow(photo, cmap='gray')\nax.plot(x, y, color=plots.PALETTE['orange'])",
        "ax.plot(x, y, 'k.')",
    ],
)
def test_the_rest_is_left_alone(code: str) -> None:
    assert list(complaints(code)) == []
