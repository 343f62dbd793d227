"""Tables of lesson 05: reading them, showing them as text, and who in them is not beaten."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import ask, data

__all__ = ["pareto", "read_table", "text_table"]


def read_table(name: str) -> list[dict[str, Any]]:
    """A table of ``data/tables``, numbers as numbers, empty fields as None.

    Parameters
    ----------
    name
        ``"keras_applications"`` or ``"ilsvrc_errors"``; ``data/README.md`` says what the columns
        mean.
    """
    with data.path(f"tables/{name}.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [{column: _value(text) for column, text in row.items()} for row in rows]


def _value(text: str) -> int | float | str | None:
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    return text or None


def pareto(costs: ArrayLike, values: ArrayLike) -> NDArray[np.bool_]:
    """Which of some choices are on the front: no other is at least as cheap *and* as good.

    Of several that are equal in both, all are on the front.

    Parameters
    ----------
    costs, values
        One number a choice, shape (n,): the smaller cost and the larger value are the better ones.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    costs, values = np.asarray(costs, float), np.asarray(values, float)
    if costs.ndim != 1 or costs.shape != values.shape:
        raise ask.CourseError(
            f"costs and values have the shapes {costs.shape} and {values.shape}; give two rows of "
            "the same length."
        )
    if np.isnan(costs).any() or np.isnan(values).any():
        raise ask.CourseError("costs or values hold NaN; leave these choices out.")
    no_worse = (costs[:, None] <= costs) & (values[:, None] >= values)
    better = no_worse & ((costs[:, None] < costs) | (values[:, None] > values))
    return ~better.any(axis=0)


def text_table(
    rows: Iterable[dict[str, Any]], columns: Sequence[str], by: str | None = None
) -> str:
    """Rows as lines of text under a heading.

    Parameters
    ----------
    rows
        Dictionaries; numbers are set to the right, None is an empty field.
    columns
        Keys to show, in this order.
    by
        Key to sort by, the largest first; rows without a value there come last.
    """
    rows = list(rows)
    for name in [*columns, *([by] if by else [])] if rows else []:
        ask.choice("column", name, rows[0])
    if by:
        known = [row for row in rows if row[by] is not None]
        unknown = [row for row in rows if row[by] is None]
        rows = sorted(known, key=lambda row: row[by], reverse=True) + unknown
    cells = [[_shown(row[column]) for column in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    sides = ["<" if any(isinstance(row[name], str) for row in rows) else ">" for name in columns]
    lines = []
    for line in [list(columns), *cells]:
        parts = zip(line, sides, widths, strict=True)
        lines.append("  ".join(f"{text:{side}{width}}" for text, side, width in parts).rstrip())
    return "\n".join(lines)


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return " x ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) else str(value)
