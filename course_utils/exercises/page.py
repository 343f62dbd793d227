"""What a student sees of exercises: a verdict with hints and solution to unfold, and a table."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass

from course_utils.exercises.judging import DONE, NOT_DONE, WRONG, Exercise

# State -> symbol, word, color; the word and the symbol carry what the color says.
_LOOKS = {
    DONE: ("✓", "Done", "var(--jp-success-color1, #388e3c)"),
    WRONG: ("✗", "Not right yet", "var(--jp-error-color1, #d32f2f)"),
    NOT_DONE: ("○", "Not done yet", "var(--jp-ui-font-color2, #757575)"),
}


@dataclass(frozen=True)
class Result:
    """The verdict on one attempt: ``state``, ``message``, and how much of the lesson is done.

    Jupyter shows it with hints and solution to unfold; elsewhere it is one line.
    """

    exercise: Exercise | None
    name: str
    state: str
    message: str
    done: int = 0
    total: int = 0
    before: bool = False
    note: str = ""

    def __repr__(self) -> str:
        again = ", but solved before" if self.before else ""
        said = {DONE: "done", NOT_DONE: f"not done yet{again}", WRONG: self.message}[self.state]
        count = f" ({self._count()})" if self.total else ""
        note = f"\nNote: {self.note}" if self.note else ""
        return f"{_LOOKS[self.state][0]} {self.name}: {said}{count}{note}"

    def _count(self) -> str:
        return f"{self.done} of {self.total} done"

    def _repr_html_(self) -> str:
        symbol, word, color = _LOOKS[self.state]
        title = f" · {_prose(self.exercise.title)}" if self.exercise else ""
        count = f" · {self._count()}" if self.total else ""
        parts = [
            f'<div style="border-left: 4px solid {color}; padding: 2px 12px; margin: 4px 0">',
            f'<p style="margin: 4px 0"><span style="border: 2px solid {color}; border-radius: 4px; '
            f'padding: 0 6px; font-weight: bold">{symbol} {word}</span> '
            f"<code>{html.escape(self.name)}</code>{title}{count}</p>",
        ]
        again = "Solved before." if self.before and self.state == NOT_DONE else ""
        for text in filter(None, (self.message or again, self.note)):
            parts.append(f'<p style="margin: 4px 0">{_prose(text)}</p>')
        if self.exercise:
            if self.state != DONE:
                parts.append(_hints(self.exercise.hints))
            parts.append(_solution(self.exercise))
        return "\n".join([*parts, "</div>"])


def _prose(text: str) -> str:
    """Plain text as HTML, words in backticks as code, those in asterisks stressed."""
    code, stressed = r"`([^`]+)`", r"(?<![\w*])\*(?! )([^*`]+)(?<! )\*(?![\w*])"
    return re.sub(
        f"{code}|{stressed}",
        lambda found: f"<code>{found[1]}</code>" if found[1] else f"<em>{found[2]}</em>",
        html.escape(text, quote=False),
    )


def _hints(hints: tuple[str, ...]) -> str:
    """Each hint folded inside the one before it, so that one step is taken at a time."""
    inner = ""
    for number in range(len(hints), 0, -1):
        inner = (
            f'<details style="margin: 4px 0"><summary>Hint {number}</summary>\n'
            f'<p style="margin: 4px 0">{_prose(hints[number - 1])}</p>\n{inner}</details>\n'
        )
    return inner


def _solution(exercise: Exercise) -> str:
    code = html.escape(exercise.solution.strip())
    return (
        '<details style="margin: 4px 0"><summary>Solution</summary>\n'
        f'<pre tabindex="0" style="overflow: auto"><code>{code}</code></pre>\n'
        f'<p style="margin: 4px 0"><strong>Why:</strong> {_prose(exercise.why)}</p></details>'
    )


@dataclass(frozen=True)
class Progress:
    """What has been solved: ``lessons`` holds (number, ((name, title, done), ...)) pairs."""

    lessons: tuple[tuple[str, tuple[tuple[str, str, bool], ...]], ...]
    note: str = ""

    @property
    def counts(self) -> dict[str, tuple[int, int]]:
        """Lesson -> exercises solved, exercises in all."""
        return {
            number: (sum(done for _, _, done in rows), len(rows)) for number, rows in self.lessons
        }

    def __repr__(self) -> str:
        lines = []
        for number, rows in self.lessons:
            lines.append("Lesson {}: {} of {} done".format(number, *self.counts[number]))
            width = max(len(name) for name, _, _ in rows)
            for name, title, done in rows:
                lines.append(f"  {_LOOKS[DONE if done else NOT_DONE][0]} {name:{width}}  {title}")
        return "\n".join([*lines, *([f"Note: {self.note}"] if self.note else [])])

    def _repr_html_(self) -> str:
        parts = []
        for number, rows in self.lessons:
            done, total = self.counts[number]
            caption = f"Lesson {number}: {done} of {total} done {bar(done, total, number)}"
            cells = []
            for name, title, is_done in rows:
                symbol, word, _ = _LOOKS[DONE if is_done else NOT_DONE]
                code = f"<code>{html.escape(name)}</code>"
                cells.append((f"{symbol} {word}", code, _prose(title)))
            parts.append(table(caption, ("State", "Exercise", "What"), cells, left=2))
        return "\n".join([*parts, *([f"<p>{_prose(self.note)}</p>"] if self.note else [])])


def bar(done: int, total: int, lesson: str) -> str:
    """How much of a lesson is done, as HTML."""
    return f'<progress value="{done}" max="{total}" aria-label="Lesson {lesson}"></progress>'


def table(caption: str, heads: Iterable[str], rows: Iterable[Iterable[str]], left: int) -> str:
    """A table as HTML, of cells that are HTML; those of the column ``left`` stand on the left."""
    at_left = ' style="text-align: left"'
    head = "".join(f'<th scope="col">{text}</th>' for text in heads)
    lines = [
        f"<table><caption{at_left}>{caption}</caption>",
        f"<thead><tr>{head}</tr></thead>",
        "<tbody>",
    ]
    for row in rows:
        cells = (
            f"<td{at_left if column == left else ''}>{cell}</td>" for column, cell in enumerate(row)
        )
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return "\n".join([*lines, "</tbody></table>"])
