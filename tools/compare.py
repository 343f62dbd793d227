"""Whether a cell shows what is saved: the same words, and numbers within a tolerance.

White space never matters: columns shift when a number takes one place more. Words and signs are
compared one by one. A number stands by itself, or between signs (``97%``, ``(0.5,``, ``1e-9``,
``9,999``, ``−3``); one that touches letters or ``_`` is part of a word (``block3_conv1``, ``3x3``,
``12ms``), and so is one with a hyphen and a letter beside it (``2-D``) or with two points
(``1.2.3``). ``nan`` and ``inf`` are words. Pictures and widgets are not compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, InvalidOperation, localcontext
from typing import Any

COMPARED = "nbval-check-output"  # tag of a cell whose outputs are compared
_PREFIX = "tolerance:"

_TOKEN = re.compile(
    r"""
    (?P<number>
        (?<![\w.]) (?<![^\W\d_]-)                 # not inside a word, of a version, behind "conv-"
        (?: (?<![\w)\]]) [-+\u2212] )?            # in "1-2" the hyphen is no sign
        (?: \d{1,3}(?:,\d{3})+ (?!,?\d) (?:\.\d*)? | \d+(?:\.\d*)? | \.\d+ )
        (?: [eE][-+\u2212]?\d{1,4} )?
        (?! \w | \.\d | -[^\W\d_] )
    )
    | \w+
    | (?P<rule> [-=_\u2500\u2550] ) (?P=rule){2,} # below the head of a table, as wide as its column
    | \S
    """,
    re.VERBOSE,
)
_PICTURE = re.compile(r"data:image/[^\"')]*")  # within HTML
_EXACT = Context(prec=60, Emax=MAX_EMAX, Emin=MIN_EMIN)


@dataclass(frozen=True)
class Tolerance:
    """How far a number may lie from the saved one: within either of the two is near enough.

    Attributes
    ----------
    absolute : decimal.Decimal
        In the unit that is printed: percentage points for a percentage.
    relative : decimal.Decimal
        A share of the saved number.
    """

    absolute: Decimal = Decimal(0)
    relative: Decimal = Decimal(0)

    @classmethod
    def of(cls, tags: Iterable[str]) -> Tolerance:
        """What the tags of a cell state, as ``tolerance:0.02``, ``tolerance:5%``; else none.

        A tag that cannot be read, or the second of a kind, is a ValueError.
        """
        found: dict[str, Decimal] = {}
        for tag in tags:
            if not tag.startswith(_PREFIX):
                continue
            stated = tag.removeprefix(_PREFIX)
            kind = "relative" if stated.endswith("%") else "absolute"
            try:
                size = Decimal(stated.removesuffix("%"))
            except InvalidOperation:
                size = Decimal("nan")
            if not size.is_finite() or size <= 0:
                raise ValueError(f"{tag} states no size, as {_PREFIX}0.02 or {_PREFIX}5% does")
            if kind in found:
                raise ValueError(f"{tag} is the second {kind} tolerance of this cell")
            found[kind] = size / 100 if kind == "relative" else size
        if found.get("relative", 0) >= 1:
            raise ValueError("a relative tolerance of 100% or more would let every sign pass")
        return cls(**found)

    def of_number(self, saved: Decimal) -> Decimal:
        """How far from `saved` a number may lie."""
        with localcontext(_EXACT):
            return max(self.absolute, self.relative * abs(saved))

    def __str__(self) -> str:
        stated = [f"{self.absolute:f}"] if self.absolute else []
        stated += [f"{(self.relative * 100).normalize():f}%"] if self.relative else []
        return " or ".join(stated) or "0"


@dataclass(frozen=True)
class Token:
    """A word, a sign, or a number with its value; `place` is where in the text it begins."""

    text: str
    place: int
    value: Decimal | None = None

    def is_like(self, other: Token) -> bool:
        """Whether both are numbers, or the same word."""
        if self.value is None or other.value is None:
            return self.value is other.value and self.text == other.text
        return True


def tokens(text: str) -> list[Token]:
    """The words, signs and numbers of `text`."""
    found = []
    for match in _TOKEN.finditer(text):
        said, value = match[0], None
        if match["number"]:
            value = Decimal(said.replace(",", "").replace("\u2212", "-"))
        elif match["rule"]:
            said = 3 * match["rule"]
        found.append(Token(said, match.start(), value))
    return found


def texts(outputs: Iterable[Any]) -> dict[str, str]:
    """What the outputs of a cell say: name of the stream or kind of text -> text, in their order.

    A stream may come in several messages, cut anywhere.
    """
    said: dict[str, str] = {}
    for output in outputs:
        if output["output_type"] == "stream":
            said[output["name"]] = said.get(output["name"], "") + output["text"]
        for kind, content in output.get("data", {}).items():
            if kind.startswith("text/"):
                content = _PICTURE.sub("data:image", content)
                said[kind] = f"{said[kind]}\n{content}" if kind in said else content
    return said


def differences(saved: Iterable[Any], shown: Iterable[Any], tolerance: Tolerance) -> list[str]:
    """Sentences that say where the outputs `shown` differ from those `saved`; none if nowhere."""
    before, after = texts(saved), texts(shown)
    found = [f"{kind} is saved, the run shows none" for kind in before if kind not in after]
    found += [f"the run shows {k}, none is saved: {after[k]!r}" for k in after if k not in before]
    for kind in before:
        if kind in after:
            differing = _differences(before[kind], after[kind], tolerance)
            found += (f"{kind}: {what}" for what in differing)
    return found


def _differences(saved: str, shown: str, tolerance: Tolerance) -> Iterator[str]:
    before, after = tokens(saved), tokens(shown)
    for old, new in zip(before, after, strict=False):
        if not old.is_like(new):
            yield (
                f"{_named(old)} is saved, the run shows {_named(new)}"
                f"\n  saved: {_line(saved, old)}\n  shown: {_line(shown, new)}"
            )
            return
        if old.value is None:
            continue
        with localcontext(_EXACT):
            distance = abs(new.value - old.value)
        if distance > tolerance.of_number(old.value):
            yield (
                f"{old.text} is saved, the run shows {new.text}, {distance} off; "
                f"the tolerance is {tolerance}\n  saved: {_line(saved, old)}"
            )
    if len(before) > len(after):
        missing = before[len(after)]
        yield f"the run does not show {_named(missing)}\n  saved: {_line(saved, missing)}"
    elif len(after) > len(before):
        more = after[len(before)]
        yield f"the run shows {_named(more)} in addition\n  shown: {_line(shown, more)}"


def _named(token: Token) -> str:
    return f"the word {token.text!r}" if token.value is None else f"the number {token.text}"


def _line(text: str, token: Token) -> str:
    """The line of `text` that holds `token`."""
    start = text.rfind("\n", 0, token.place) + 1
    return text[start:].partition("\n")[0].strip()[:160]
