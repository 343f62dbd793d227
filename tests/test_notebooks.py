"""What a saved notebook must be, so that running it proves something; and that each rule can fail.

nbval compares nothing where a cell has no execution count or no text. The rules below see to it
that there is something to compare, and keep to the anatomy that all lessons share.
"""

from __future__ import annotations

import ast
import builtins
import copy
import inspect
import json
import os
import re
import symtable
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from course_utils.exercises import Exercise, exercises_of
from tests.claims import Claim, claims_of
from tools.compare import COMPARED, Tolerance
from tools.notebooks import normalize

# The door, 00, is no lesson: it has no anatomy, and only some of the rules hold for it.
DOOR, *NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))

CELL_BYTES, NOTEBOOK_BYTES = 300_000, 2_000_000
LINES, LINES_WITH_PLOT = 12, 20
MIN_EXERCISES, MIN_COMPARED, MIN_QUESTIONS, MIN_CHOICES = 6, 5, 3, 3

# Lessons that show numbers in place of verdicts, and answers to predictions one click away.
CONVERTED = {"03"}
MAX_VERDICTS = 6

ANATOMY = {
    "what it teaches": r"You will be able to",
    "prerequisites": r"What you need first",
    "its minutes": r"\d+ minutes",
    "common mistakes": r"Common mistakes",
    "limits": r"What this does not show",
    "key points": r"Key points",
    "a quiz": r"Quiz",
    "reading": r"Reading",
    "what comes next": r"\bNext\b",
}


def paths(*folders: str | Path) -> str:
    """A pattern for paths that only one machine has: those of `folders`, and some usual ones."""
    usual = r"(?<![\w.<])(?:/(?:home|Users|root|tmp|var|opt|mnt)/|[A-Z]:\\)\w"
    # A user without a home has "/" or "~", which is part of any text.
    own = [Path(f) for f in folders if Path(f).is_absolute() and Path(f) != Path(f).parent]
    return "|".join([usual, *(re.escape(str(folder)) for folder in own)])


LEAKS = {
    "a path of this machine": paths(os.path.expanduser("~"), Path(__file__).parents[1]),
    "a time stamp": r"\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d|\b\d\d:\d\d:\d\d\b",
    "a memory address": r"\b0x[0-9a-fA-F]{6,}",
    "a warning": r"\b[A-Z]\w*Warning\b|^WARNING\b",
}


def tags_of(cell: nbformat.NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def kind_of(cell: nbformat.NotebookNode) -> str | None:
    return cell.metadata.get("slideshow", {}).get("slide_type")


@dataclass
class Lesson:
    """A notebook, the exercises it should have, and what its prose claims."""

    notebook: nbformat.NotebookNode
    exercises: tuple[Exercise, ...]
    claims: tuple[Claim, ...] = ()

    @property
    def code(self) -> list[nbformat.NotebookNode]:
        return [c for c in self.notebook.cells if c.cell_type == "code"]

    @property
    def prose(self) -> str:
        cells = (c.source for c in self.notebook.cells if c.cell_type == "markdown")
        return "\n\n".join(cells)

    @property
    def prose_without_code(self) -> str:
        return re.sub(r"^```.*?^```", "", self.prose, flags=re.MULTILINE | re.DOTALL)

    def tagged(self, prefix: str) -> list[tuple[str, nbformat.NotebookNode]]:
        """Rest of the tag and cell, for tags that begin with `prefix`."""
        return [
            (tag.removeprefix(prefix), cell)
            for cell in self.notebook.cells
            for tag in tags_of(cell)
            if tag.startswith(prefix)
        ]

    def name(self, cell: nbformat.NotebookNode) -> str:
        """How to find a cell: its place, its kind, its first line."""
        place = self.notebook.cells.index(cell)
        first = cell.source.strip().partition("\n")[0]
        return f"cell {place} ({cell.cell_type}, {first[:40]!r})"


@cache
def lesson_at(path: Path) -> Lesson:
    number = path.name[:2]
    return Lesson(nbformat.read(path, as_version=4), exercises_of(number), claims_of(number))


def texts(cell: nbformat.NotebookNode) -> Iterator[str]:
    """All that a cell's outputs say in words."""
    for output in cell.outputs:
        if output.output_type == "stream":
            yield output.text
        for kind, content in output.get("data", {}).items():
            if kind.startswith("text/"):
                yield content


def python(cell: nbformat.NotebookNode) -> str:
    """The source with magics such as ``%matplotlib inline`` turned into calls."""
    return TransformerManager().transform_cell(cell.source)


def nodes(cell: nbformat.NotebookNode) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(python(cell)))


def called(node: ast.AST) -> str:
    """The last name of what a call calls; empty for all else."""
    function = getattr(node, "func", None)
    return getattr(function, "attr", getattr(function, "id", ""))


# --- rules: each yields complaints --------------------------------------------------------------


def executed_in_order(lesson: Lesson) -> Iterator[str]:
    """Every code cell has run, in order, in one go."""
    for number, cell in enumerate(lesson.code, 1):
        if cell.execution_count != number:
            yield f"{lesson.name(cell)} has count {cell.execution_count}, not {number}"


def no_errors(lesson: Lesson) -> Iterator[str]:
    """Nothing failed, nothing was written to stderr."""
    for cell in lesson.code:
        for output in cell.outputs:
            if output.output_type == "error":
                yield f"{lesson.name(cell)} shows {output.ename}"
            if output.get("name") == "stderr":
                yield f"{lesson.name(cell)} writes to stderr: {output.text[:80]!r}"


def no_leaks(lesson: Lesson) -> Iterator[str]:
    """Sources and outputs hold on another machine and another day."""
    for cell in lesson.notebook.cells:
        shown = list(texts(cell)) if cell.cell_type == "code" else []
        for what, pattern in LEAKS.items():
            # The text of a lesson may explain a warning.
            for text in shown if what == "a warning" else [cell.source, *shown]:
                if found := re.search(pattern, text, re.MULTILINE):
                    yield f"{lesson.name(cell)} shows {what}: {found[0]!r}"


def comparisons_mean_something(lesson: Lesson) -> Iterator[str]:
    """A cell whose output is compared has text, and nothing that differs at each run."""
    for cell in lesson.code:
        if COMPARED not in tags_of(cell):
            continue
        said = [t for t in texts(cell) if t.strip() and not t.startswith("<Figure")]
        if not said:
            yield f"{lesson.name(cell)} is to be compared but shows no text"
        if any("widget-view" in kind for o in cell.outputs for kind in o.get("data", {})):
            yield f"{lesson.name(cell)} is to be compared but shows a widget"


def tolerances_can_be_read(lesson: Lesson) -> Iterator[str]:
    """A tolerance is a size, and stands where something is compared."""
    for cell in lesson.notebook.cells:
        tags = tags_of(cell)
        try:
            if Tolerance.of(tags) != Tolerance() and COMPARED not in tags:
                yield f"{lesson.name(cell)} has a tolerance and is not compared"
        except ValueError as error:
            yield f"{lesson.name(cell)}: {error}"


def enough_is_compared(lesson: Lesson) -> Iterator[str]:
    """Results that the text speaks of are compared, beside the checks of the exercises."""
    compared = [tags for tags in map(tags_of, lesson.code) if COMPARED in tags]
    compared = [tags for tags in compared if not any(t.startswith("check:") for t in tags)]
    if len(compared) < MIN_COMPARED:
        yield f"{len(compared)} cells are compared beside the checks, not {MIN_COMPARED}"


def claims_have_their_cells(lesson: Lesson) -> Iterator[str]:
    """Each claim is evaluated after one cell of code, and no tag waits for claims in vain."""
    tags = lesson.tagged("claims:")
    names = [name for name, _ in tags]
    for name in sorted({claim.after for claim in lesson.claims} | set(names)):
        if names.count(name) != 1:
            yield f"{names.count(name)} cells have the tag claims:{name}, one should"
    for name, cell in tags:
        if cell.cell_type != "code":
            yield f"{lesson.name(cell)} has claims:{name} and is no code"
        if not any(claim.after == name for claim in lesson.claims):
            yield f"{lesson.name(cell)} has claims:{name}, and there is no such claim"


def claims_guard_a_sentence(lesson: Lesson) -> Iterator[str]:
    """What is claimed is what a student reads."""
    prose = " ".join(lesson.prose.split())
    for claim in lesson.claims:
        words = claim.sentence.split()
        if len(words) < 3 or " ".join(words) not in prose:
            yield f"the text does not say: {claim.sentence!r}"


def claims_can_be_evaluated(lesson: Lesson) -> Iterator[str]:
    """A claim is an expression in names that its cell, or one above, defines; not an exercise."""
    known = set(dir(builtins))
    for cell in lesson.code:
        tags = tags_of(cell)
        if not any(tag.startswith("exercise:") for tag in tags):
            known |= {name for name, is_set in _globals(cell).items() if is_set}
        for claim in lesson.claims:
            if f"claims:{claim.after}" not in tags:
                continue
            try:
                unknown = ", ".join(sorted(claim.names() - known))
            except SyntaxError:
                yield f"{claim.holds!r} is not one expression"
            else:
                if unknown:
                    yield f"{claim.holds!r} uses {unknown}, not defined by then"


def small_outputs(lesson: Lesson) -> Iterator[str]:
    """A notebook stays small enough to diff and to load."""
    for cell in lesson.code:
        size = len(json.dumps(cell.outputs))
        if size > CELL_BYTES:
            yield f"{lesson.name(cell)} has {size} bytes of output, at most {CELL_BYTES}"
    size = len(json.dumps(lesson.notebook))
    if size > NOTEBOOK_BYTES:
        yield f"the notebook has {size} bytes, at most {NOTEBOOK_BYTES}"


def short_cells(lesson: Lesson) -> Iterator[str]:
    """One idea a cell; lines that only plot come last."""
    for cell in lesson.code:
        lines = [line.strip() for line in cell.source.splitlines() if line.strip()]
        idea = lines.index("# extra: plot") if "# extra: plot" in lines else len(lines)
        if not lines:
            yield f"{lesson.name(cell)} is empty"
        if idea > LINES:
            yield f"{lesson.name(cell)} has {idea} lines before '# extra: plot', at most {LINES}"
        if len(lines) > LINES_WITH_PLOT:
            yield f"{lesson.name(cell)} has {len(lines)} lines, at most {LINES_WITH_PLOT}"


def headings_nest(lesson: Lesson) -> Iterator[str]:
    """One title, and no level left out: screen readers navigate by headings."""
    headings = re.findall(r"^(#{1,6}) +(.+)", lesson.prose_without_code, re.MULTILINE)
    titles = [text for marks, text in headings if len(marks) == 1]
    if len(titles) != 1:
        yield f"there should be one title (# ...), there are {len(titles)}: {titles}"
    level = 0
    for marks, text in headings:
        if len(marks) > level + 1:
            yield f"heading {text!r} is at level {len(marks)}, right below level {level}"
        level = len(marks)


def pictures_have_alt_text(lesson: Lesson) -> Iterator[str]:
    """A picture in the text says in words what it shows."""
    for alt, target in re.findall(r"!\[([^\]]*)\]\(([^)]*)\)", lesson.prose):
        if not alt.strip():
            yield f"the picture {target[:60]} has no alt text"
    for tag in re.findall(r"<img\b[^>]*>", lesson.prose):
        if not re.search(r"""\balt=(["'])\s*[^"'\s]""", tag):
            yield f"the picture {tag[:60]} has no alt text"


def figures_are_described(lesson: Lesson) -> Iterator[str]:
    """What a figure shows is said in words, right below it or one cell further down."""
    cells = lesson.notebook.cells
    for place, cell in enumerate(cells):
        kinds = [kind for output in cell.get("outputs", ()) for kind in output.get("data", {})]
        if not any(kind.startswith("image/") for kind in kinds):
            continue
        below = [c.source for c in cells[place + 1 : place + 3] if c.cell_type == "markdown"]
        if not any(re.match(r"\*|.*\bWhat we observe\b", text, re.DOTALL) for text in below):
            yield f"{lesson.name(cell)} has a figure, and no 'What we observe' or *...* below"


def notes_are_folded(lesson: Lesson) -> Iterator[str]:
    """Notes for the speaker are folded away, for whoever reads the notebook alone."""
    folded = re.compile(r"<details>\s*<summary>[^<]+</summary>\n\n.+\n</details>\s*", re.DOTALL)
    for cell in lesson.notebook.cells:
        if kind_of(cell) == "notes" and not folded.fullmatch(cell.source):
            yield f"{lesson.name(cell)} holds notes that <details> do not fold away as a whole"


def slides(lesson: Lesson) -> Iterator[str]:
    """Each cell says what it is in a presentation."""
    kinds = ("slide", "subslide", "fragment", "skip", "notes", "-")
    for cell in lesson.notebook.cells:
        if kind_of(cell) not in kinds:
            yield f"{lesson.name(cell)} has slide_type {kind_of(cell)!r}, not of {', '.join(kinds)}"


def anatomy(lesson: Lesson) -> Iterator[str]:
    """All lessons have the same parts."""
    for what, pattern in ANATOMY.items():
        if not re.search(pattern, lesson.prose):
            yield f"the text does not say {what} (nothing matches {pattern!r})"


def enough_exercises(lesson: Lesson) -> Iterator[str]:
    """There is something to do."""
    if len(lesson.exercises) < MIN_EXERCISES:
        yield f"there are {len(lesson.exercises)} exercises, at least {MIN_EXERCISES} should be"


def exercises_are_checked(lesson: Lesson) -> Iterator[str]:
    """The same exercises in notebook and module, each with its check right below."""
    stubs, checks = dict(lesson.tagged("exercise:")), dict(lesson.tagged("check:"))
    names = [e.name for e in lesson.exercises]
    for where, found in (("exercise", stubs), ("check", checks)):
        if list(found) != names:
            yield f"cells tagged {where}: are {list(found)}, the module has {names}"
    cells = lesson.notebook.cells
    for name, stub in stubs.items():
        below = cells[cells.index(stub) + 1 :][:1]
        if not below or f"check:{name}" not in below[0].metadata.get("tags", []):
            yield f"{lesson.name(stub)} has no check:{name} right below"
    for exercise in lesson.exercises:
        if cell := checks.get(exercise.name):
            yield from _check_cell(lesson, exercise, cell)


def _check_cell(lesson: Lesson, exercise: Exercise, cell: nbformat.NotebookNode) -> Iterator[str]:
    if COMPARED not in cell.metadata.tags:
        yield f"{lesson.name(cell)} is not compared"
    answers = inspect.signature(exercise.check).parameters
    pattern = rf'check\("{exercise.name}"((?:, \w+)*)\)'
    found = re.fullmatch(pattern, cell.source.strip())
    if not found:
        yield f'{lesson.name(cell)} is not one line check("{exercise.name}", ...)'
    elif found[1].count(",") != len(answers):
        yield f"{lesson.name(cell)} passes {found[1].count(',')} answers, not {len(answers)}"


def exercises_stand_alone(lesson: Lesson) -> Iterator[str]:
    """What an exercise defines is used by its check only: a blank one breaks nothing."""
    cells = {lesson.name(cell): (cell, _globals(cell)) for cell in lesson.code}
    for name, stub in lesson.tagged("exercise:"):
        if stub.cell_type != "code":
            continue
        own = (f"exercise:{name}", f"check:{name}")
        defined = {n for n, is_set in cells[lesson.name(stub)][1].items() if is_set}
        for where, (cell, names) in cells.items():
            shared = sorted(defined & set(names))
            if shared and not set(own) & set(tags_of(cell)):
                yield f"{where} uses {', '.join(shared)} of exercise {name}"


def _globals(cell: nbformat.NotebookNode) -> dict[str, bool]:
    """Global names that a cell mentions -> whether it sets them."""
    top = symtable.symtable(python(cell), "cell", "exec")
    names = {s.get_name(): s.is_assigned() or s.is_imported() for s in top.get_symbols()}
    inner = list(top.get_children())
    while inner:
        table = inner.pop()
        inner += table.get_children()
        for symbol in table.get_symbols():
            if symbol.is_global():
                names.setdefault(symbol.get_name(), False)
    return names


def metadata_is_normal(lesson: Lesson) -> Iterator[str]:
    """Saved by tools/notebooks.py: no widget state, no version of somebody's Python."""
    normal = copy.deepcopy(lesson.notebook)
    normalize(normal)
    if normal.metadata != lesson.notebook.metadata:
        yield "the notebook's metadata is not what `python tools/notebooks.py save` writes"
    for cell, other in zip(lesson.notebook.cells, normal.cells, strict=True):
        if cell.metadata != other.metadata:
            extra = sorted(set(cell.metadata) - set(other.metadata))
            yield f"{lesson.name(cell)} has metadata {', '.join(extra)}"
    ids = [cell.get("id") for cell in lesson.notebook.cells]
    if None in ids or len(set(ids)) != len(ids):
        yield "cells need ids, each its own"


def one_seed(lesson: Lesson) -> Iterator[str]:
    """Chance is fixed once, at the top, and nowhere left open."""
    calls = [(n, c) for n, cell in enumerate(lesson.code) for c in nodes(cell) if called(c)]
    for number, call in calls:
        if called(call) == "default_rng" and not call.args and not call.keywords:
            yield f"{lesson.name(lesson.code[number])} calls default_rng() without a seed"
    seeds = [n for n, call in calls if called(call) in ("set_random_seed", "set_seed", "seed")]
    generators = [n for n, call in calls if called(call) == "default_rng"]
    seeds = seeds or generators
    if len(seeds) != 1:
        yield f"there should be one seed call, there are {len(seeds)}"
    elif seeds[0] > 2:
        yield f"the seed is set in code cell {seeds[0]}, it belongs to the top"


def quiz_explains(lesson: Lesson) -> Iterator[str]:
    """A question has choices to unfold, each explained, exactly one of them right."""
    quiz = re.search(r"^#+ Quiz\b.*?\n(.*?)(?=^#|\Z)", lesson.prose, re.MULTILINE | re.DOTALL)
    questions = (
        re.split(r"^(?=\*\*Question \d+\.)", quiz[1], flags=re.MULTILINE)[1:] if quiz else []
    )
    if len(questions) < MIN_QUESTIONS:
        yield f"the quiz has {len(questions)} questions (**Question 1.** ...), not {MIN_QUESTIONS}"
    for question in questions:
        title = question.partition("\n")[0]
        choice = r"<details>\s*<summary>(.*?)</summary>(.*?)</details>"
        choices = [b.strip() for _, b in re.findall(choice, question, re.DOTALL)]
        if len(choices) < MIN_CHOICES:
            yield f"{title} has {len(choices)} choices, at least {MIN_CHOICES}"
        if sum(bool(re.match(r"\**Right\b", c)) for c in choices) != 1:
            yield f"{title} should have exactly one choice explained as 'Right'"
        for text in choices:
            if len(text.split()) < 5:
                yield f"{title} has a choice without explanation: {text!r}"


# --- rules for lessons that are converted -------------------------------------------------------

_FOLD = re.compile(
    r"<details>\s*<summary>What we observe</summary>\n\n(?:(?!</?details\b).)*\S\s*\n</details>",
    re.DOTALL,
)


def student_texts(lesson: Lesson) -> list[str]:
    """The Markdown of each cell that is no note for the speaker, without blocks of code."""
    cells = [c for c in lesson.notebook.cells if c.cell_type == "markdown"]
    alone = (
        Lesson(nbformat.v4.new_notebook(cells=[c]), ()) for c in cells if kind_of(c) != "notes"
    )
    return [lesson.prose_without_code for lesson in alone]


def few_verdicts(lesson: Lesson) -> Iterator[str]:
    """A lesson shows numbers; True and False only where a reader wants them."""
    words = [w for cell in lesson.code for text in texts(cell) for w in re.findall(r"\w+", text)]
    verdicts = words.count("True") + words.count("False")
    if verdicts > MAX_VERDICTS:
        yield f"the outputs say True or False {verdicts} times, at most {MAX_VERDICTS}"


def nothing_is_asserted(lesson: Lesson) -> Iterator[str]:
    """What the prose relies on is a claim in tests/claims, out of the student's sight."""
    for cell in lesson.code:
        for node in nodes(cell):
            if isinstance(node, ast.Assert) or called(node).startswith("assert"):
                yield f"{lesson.name(cell)} asserts: {ast.unparse(node)[:60]}"


def observations_are_folded(lesson: Lesson) -> Iterator[str]:
    """What is to be observed is one click away."""
    for text in student_texts(lesson):
        if found := re.search(r".*\bWhat we observe\b.*", _FOLD.sub("", text)):
            yield f"not folded as a whole: {found[0][:80]!r}"


def predictions_have_an_answer(lesson: Lesson) -> Iterator[str]:
    """Whoever predicts finds the answer before the next prediction, and in the same section."""
    text = "\n\n".join(student_texts(lesson))
    parts = re.split(r"(?=\*\*Predict\b)|^(?=## )", text, flags=re.MULTILINE)
    for part in parts:
        if part.startswith("**Predict") and not _FOLD.search(part):
            yield f"no folded answer follows: {part[:80]!r}"


Rule = Callable[[Lesson], Iterator[str]]
OF_ALL: tuple[Rule, ...] = (
    executed_in_order,
    no_errors,
    no_leaks,
    comparisons_mean_something,
    tolerances_can_be_read,
    claims_have_their_cells,
    claims_guard_a_sentence,
    claims_can_be_evaluated,
    small_outputs,
    short_cells,
    headings_nest,
    pictures_have_alt_text,
    figures_are_described,
    notes_are_folded,
    slides,
    exercises_are_checked,
    exercises_stand_alone,
    metadata_is_normal,
)
OF_LESSONS = (anatomy, enough_exercises, enough_is_compared, one_seed, quiz_explains)
OF_CONVERTED = (few_verdicts, nothing_is_asserted, observations_are_folded)
OF_CONVERTED += (predictions_have_an_answer,)
RULES = OF_ALL + OF_LESSONS + OF_CONVERTED

CASES = [(path, rule) for path in (DOOR, *NOTEBOOKS) for rule in OF_ALL]
CASES += [(path, rule) for path in NOTEBOOKS for rule in OF_LESSONS]
CASES += [(path, rule) for path in NOTEBOOKS if path.name[:2] in CONVERTED for rule in OF_CONVERTED]


@pytest.mark.parametrize(
    ("path", "rule"), CASES, ids=[f"{path.stem}-{rule.__name__}" for path, rule in CASES]
)
def test_notebook(path: Path, rule: Rule) -> None:
    complaints = list(rule(lesson_at(path)))
    assert not complaints, "\n".join([f"{path.name}: {rule.__doc__}", *complaints])


def test_lessons_are_numbered_without_a_gap() -> None:
    numbers = [path.name[:3] for path in (DOOR, *NOTEBOOKS)]
    assert numbers == [f"{n:02}_" for n in range(len(NOTEBOOKS) + 1)] and NOTEBOOKS


# --- the rules themselves: a good notebook passes, each bad one is noticed ----------------------


_PROSE = (
    "# A title",
    "You will be able to: test. What you need first: nothing. 5 minutes.",
    "## Common mistakes",
    "## What this does not show",
    "## Key points",
    "![a black square](square.png) <img src='b.png' alt='a white one'>",
    "## Reading",
    "Next: more.",
)


def good() -> Lesson:
    """The smallest notebook without a complaint."""
    prose = "\n\n".join(_PROSE)
    choice = "<details><summary>{}</summary>\n\n**{}.** The reason is this.\n</details>"
    words = {"a": "No", "b": "Right", "c": "No"}
    choices = "\n".join(choice.format(*item) for item in words.items())
    quiz = "## Quiz\n\n" + "\n\n".join(f"**Question {n}.** Why?\n\n{choices}" for n in "123")
    cells = [new_markdown_cell(prose), new_markdown_cell(quiz)]
    cells.append(new_code_cell("%matplotlib inline\nimport numpy as np\nnp.random.seed(0)"))
    exercises = []
    for number in range(6):
        name = f"99-number{number}"
        exercises.append(Exercise(name, "", ("",), "", "", lambda answer: None))
        cells.append(new_code_cell(f"answer_{number} = None", metadata=_tags(f"exercise:{name}")))
        check = new_code_cell(f'check("{name}", answer_{number})', metadata=_tags(f"check:{name}"))
        check.metadata.tags.append(COMPARED)
        check.outputs.append(new_output("execute_result", {"text/plain": f"○ {name}"}))
        cells.append(check)
    cells.append(new_markdown_cell("## Task\n\n**Predict.** What will it show?"))
    answer = "<details><summary>What we observe</summary>\n\nA figure.\n\n</details>"
    for text in (f"{answer}\n\nOn.", "*A picture.*"):
        figure = new_output("display_data", {"image/png": "x", "text/plain": "<Figure>"})
        cells += [new_code_cell("draw()", outputs=[figure]), new_markdown_cell(text)]
    for number in range(5):
        shown = new_code_cell(f"print({number})", metadata=_tags(COMPARED))
        shown.outputs.append(new_output("stream", text=f"{number} is True\n"))
        cells.append(shown)
    cells[-1].metadata.tags += ["tolerance:0.1", "claims:last"]
    notes = "<details><summary>Speaker notes</summary>\n\nAsk, then wait for answers.\n\n</details>"
    cells.append(new_markdown_cell(notes))
    for place, cell in enumerate(cells):
        cell.id = f"cell-{place}"
        cell.metadata.slideshow = {"slide_type": "slide"}
    cells[-1].metadata.slideshow = {"slide_type": "notes"}
    notebook = nbformat.v4.new_notebook(cells=cells)
    normalize(notebook)
    claim = Claim(
        after="last", sentence="The reason\nis this.", holds="np.pi > max(x for x in (3,))"
    )
    lesson = Lesson(notebook, tuple(exercises), (claim,))
    for number, cell in enumerate(lesson.code, 1):
        cell.execution_count = number
    return lesson


def _tags(*tags: str) -> dict[str, list[str]]:
    return {"tags": list(tags)}


def _say(text: str, kind: str = "stdout") -> Callable[[Lesson], None]:
    return lambda lesson: lesson.code[0].outputs.append(new_output("stream", text=text, name=kind))


def _show(**data: str) -> Callable[[Lesson], None]:
    data = {kind.replace("__", "/").replace("_", "-"): text for kind, text in data.items()}
    return lambda lesson: lesson.code[-1].update(outputs=[new_output("display_data", data)])


def _swap(old: str, new: str) -> Callable[[Lesson], None]:
    """Replace text in all sources; it must be there."""

    def change(lesson: Lesson) -> None:
        assert any(old in cell.source for cell in lesson.notebook.cells)
        for cell in lesson.notebook.cells:
            cell.source = cell.source.replace(old, new)

    return change


def _insert(place: int, source: str) -> Callable[[Lesson], None]:
    return lambda lesson: lesson.notebook.cells.insert(place, new_code_cell(source))


def _tag(place: int, *tags: str) -> Callable[[Lesson], None]:
    return lambda lesson: lesson.notebook.cells[place].metadata.update(_tags(*tags))


def _claim(**facts: str) -> Callable[[Lesson], None]:
    """Change the claim."""
    return lambda lesson: setattr(lesson, "claims", (replace(lesson.claims[0], **facts),))


def _drop(place: int) -> Callable[[Lesson], None]:
    return lambda lesson: lesson.notebook.cells.pop(place)


BAD = [
    (executed_in_order, lambda n: n.code[3].update(execution_count=None), "count None"),
    (executed_in_order, lambda n: n.code[3].update(execution_count=9), "count 9, not 4"),
    (no_errors, _say("chatter", "stderr"), "stderr: 'chatter'"),
    (
        no_errors,
        lambda n: n.code[0].outputs.append(new_output("error", ename="KeyError", evalue="")),
        "KeyError",
    ),
    (no_leaks, _say("read /home/me/x.png"), "/home/m"),
    (no_leaks, _say("read C:\\data\\x.png"), "a path"),
    (no_leaks, _say(f"read {Path(__file__)}"), "a path"),
    (no_leaks, _swap("print(3)", "open('/home/me/x.png')"), "/home/m"),
    (no_leaks, _swap("The reason is this.", f"See {Path(__file__)}."), "a path"),
    (no_leaks, _say("at 2026-01-02 10:11"), "a time stamp"),
    (no_leaks, _say("took 00:01:02"), "a time stamp"),
    (no_leaks, _show(text__html="<p>[Line2D at 0x7f3a12bc4d90]</p>"), "a memory address"),
    (no_leaks, _say("a UserWarning: old"), "a warning"),
    (comparisons_mean_something, lambda n: n.code[-1].update(outputs=[]), "no text"),
    (comparisons_mean_something, _show(image__png="x", text__plain="<Figure>"), "no text"),
    (
        comparisons_mean_something,
        _show(text__plain="Box()", application__vnd_jupyter_widget_view="x"),
        "a widget",
    ),
    (tolerances_can_be_read, _tag(-3, COMPARED, "tolerance:abc"), "tolerance:abc states no size"),
    (tolerances_can_be_read, _tag(-3, "tolerance:1"), "is not compared"),
    (tolerances_can_be_read, _tag(0, "tolerance:0"), "tolerance:0 states"),
    (enough_is_compared, _tag(-2), "4 cells"),
    (claims_have_their_cells, _tag(-2, COMPARED), "0 cells have the tag claims:last"),
    (claims_have_their_cells, _tag(-3, "claims:last"), "2 cells have the tag claims:last"),
    (claims_have_their_cells, _tag(-3, "claims:more"), "there is no such claim"),
    (claims_have_their_cells, _claim(after="first"), "0 cells have the tag claims:first"),
    (claims_have_their_cells, lambda n: setattr(n, "claims", ()), "there is no such claim"),
    (claims_have_their_cells, lambda n: [_tag(-2)(n), _tag(-1, "claims:last")(n)], "is no code"),
    (claims_guard_a_sentence, _swap("The reason is this.", "It is this."), "does not say"),
    (claims_guard_a_sentence, _claim(sentence="The reason is that"), "does not say"),
    (claims_guard_a_sentence, _claim(sentence="reason"), "does not say"),
    (claims_guard_a_sentence, _claim(sentence="print ( 4 )"), "does not say"),
    (claims_can_be_evaluated, _claim(holds="np.pi > 3; 1"), "not one expression"),
    (claims_can_be_evaluated, _claim(holds="x = 3"), "not one expression"),
    (claims_can_be_evaluated, _claim(holds="np.pi > limit"), "uses limit, not defined"),
    (claims_can_be_evaluated, _claim(holds="all(x < limit for x in (3,))"), "uses limit"),
    (claims_can_be_evaluated, _claim(holds="answer_0 is None"), "uses answer_0"),
    (claims_can_be_evaluated, _swap("import numpy as np", "import numpy"), "uses np"),
    (
        claims_can_be_evaluated,
        lambda n: [_tag(2, "claims:last")(n), _claim(holds="late")(n), _insert(4, "late = 1")(n)],
        "uses late, not defined by then",
    ),
    (small_outputs, _say("x" * 300_001), "bytes of output"),
    (small_outputs, lambda n: n.notebook.cells[0].update(source="x" * 2_000_001), "the notebook"),
    (short_cells, _insert(3, "a = 1\n" * 13), "13 lines before"),
    (short_cells, _insert(3, "a = 1\n" * 5 + "# extra: plot\n" + "b = 1\n" * 15), "21 lines"),
    (short_cells, _insert(3, " "), "empty"),
    (headings_nest, _swap("## Common", "### Common"), "right below level 1"),
    (headings_nest, _swap("# A title", "A title"), "one title"),
    (headings_nest, _swap("## Key", "# Key"), "there are 2"),
    (pictures_have_alt_text, _swap("![a black square]", "![]"), "square.png"),
    (pictures_have_alt_text, _swap("alt='a white one'", "alt=''"), "b.png"),
    (pictures_have_alt_text, _swap("alt='a white one'", "width=3"), "b.png"),
    (figures_are_described, _swap("What we observe", "See"), "has a figure"),
    (figures_are_described, _swap("*A picture.*", "A picture."), "has a figure"),
    (figures_are_described, _drop(-7), "has a figure"),
    (figures_are_described, lambda n: [_insert(-7, "1")(n), _insert(-7, "2")(n)], "has a figure"),
    (notes_are_folded, _swap("<details><summary>Speaker", "<details open><summary>S"), "notes"),
    (notes_are_folded, _swap("<summary>Speaker notes</summary>", ""), "notes"),
    (
        notes_are_folded,
        _swap(
            "\n\nAsk, then wait for answers.\n\n</details>",
            "</details>\n\nAsk, then wait for answers.",
        ),
        "notes",
    ),
    (slides, lambda n: n.notebook.cells[0].metadata.pop("slideshow"), "slide_type None"),
    (slides, lambda n: n.code[0].metadata.slideshow.update(slide_type="big"), "'big'"),
    *(
        (anatomy, _swap(phrase, "x"), what)
        for what, phrase in {
            "what it teaches": "You will be able to",
            "prerequisites": "What you need first",
            "its minutes": "5 minutes",
            "common mistakes": "Common mistakes",
            "limits": "What this does not show",
            "key points": "Key points",
            "a quiz": "Quiz",
            "reading": "Reading",
            "what comes next": "Next",
        }.items()
    ),
    (enough_exercises, lambda n: setattr(n, "exercises", n.exercises[:5]), "5 exercises"),
    (exercises_are_checked, lambda n: setattr(n, "exercises", n.exercises[::-1]), "the module"),
    (exercises_are_checked, _tag(3, "exercise:99-other"), "99-other"),
    (exercises_are_checked, _insert(4, "a = 1"), "right below"),
    (exercises_are_checked, _drop(-12), "right below"),
    (exercises_are_checked, _tag(4, "check:99-number0"), "not compared"),
    (exercises_are_checked, _swap("answer_0)", "answer_0 + 1)"), "not one line"),
    (exercises_are_checked, _swap("answer_0)", "answer_0, 1)"), "passes 2 answers"),
    (exercises_stand_alone, _swap("print(3)", "print(answer_2)"), "answer_2 of exercise"),
    (exercises_stand_alone, _swap("print(3)", "f = lambda: answer_2"), "uses answer_2"),
    (exercises_stand_alone, _swap("answer_2 = None", "answer_1 = None"), "uses answer_1"),
    (metadata_is_normal, lambda n: n.notebook.metadata.update(widgets={}), "not what"),
    (
        metadata_is_normal,
        lambda n: n.notebook.metadata.language_info.update(version="3.11"),
        "not what",
    ),
    (metadata_is_normal, lambda n: n.code[0].metadata.update(collapsed=True), "collapsed"),
    (metadata_is_normal, lambda n: n.code[0].update(id=n.code[1].id), "ids"),
    (one_seed, _swap("np.random.seed(0)", "pass"), "there are 0"),
    (one_seed, _swap("print(3)", "keras.utils.set_random_seed(1)"), "there are 2"),
    (one_seed, _swap("np.random.seed(0)", "np.random.default_rng()"), "without a seed"),
    (
        one_seed,
        lambda n: [_swap("np.random.seed(0)", "")(n), _swap("print(3)", "set_seed(0)")(n)],
        "belongs to the top",
    ),
    (quiz_explains, _swap("**Question 3.**", ""), "2 questions"),
    (quiz_explains, _swap("**Right.**", "**No.**"), "exactly one"),
    (quiz_explains, _swap("**No.**", "**Right.**"), "exactly one"),
    (quiz_explains, _swap("**No.** The reason is this.", "**No.**"), "without explanation"),
    (quiz_explains, _swap("<summary>c</summary>", ""), "2 choices"),
    (few_verdicts, _say("True and [ True, False]"), "8 times, at most 6"),
    (few_verdicts, _show(text__html="<td>False</td><td>False</td><td>True</td>"), "7 times"),
    (nothing_is_asserted, _swap("print(3)", "assert 3 > 2"), "asserts: assert 3 > 2"),
    (nothing_is_asserted, _swap("print(3)", "if 3:\n    assert 3"), "asserts"),
    (nothing_is_asserted, _swap("print(3)", "np.testing.assert_allclose(1, 1)"), "assert_allclose"),
    (nothing_is_asserted, _swap("print(3)", "assert_equal(1, 1)"), "asserts: assert_equal"),
    (observations_are_folded, _swap("On.", "**What we observe.** A figure."), "not folded"),
    (observations_are_folded, _swap("</details>\n\nOn.", "On."), "not folded"),
    (observations_are_folded, _swap("A figure.\n\n</details>", "</details>"), "not folded"),
    (
        observations_are_folded,
        _swap("<details><summary>What", "<details open><summary>What"),
        "not",
    ),
    (observations_are_folded, _swap("\n\nA figure.", " A figure."), "not folded"),
    (observations_are_folded, _swap("A figure.", "<details>A figure."), "not folded"),
    (predictions_have_an_answer, _swap("On.", "**Predict** more."), "**Predict** more."),
    (predictions_have_an_answer, _swap("What we observe", "See"), "**Predict.** What"),
    (predictions_have_an_answer, _swap("it show?", "it show?\n\n## New"), "**Predict.** What"),
    (predictions_have_an_answer, _swap("What will", "A? **Predict:**"), "**Predict.** A?"),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_good_notebook_passes(rule: Rule) -> None:
    assert list(rule(good())) == []


@pytest.mark.parametrize(
    ("rule", "spoil", "complaint"), BAD, ids=[f"{b[0].__name__}-{n}" for n, b in enumerate(BAD)]
)
def test_a_bad_notebook_is_noticed(
    rule: Rule, spoil: Callable[[Lesson], object], complaint: str
) -> None:
    lesson = good()
    spoil(lesson)
    assert complaint in "\n".join(rule(lesson))


@pytest.mark.parametrize("home", ["/", "~", ""])
def test_a_user_without_a_home_does_not_make_every_slash_a_leak(home: str) -> None:
    assert not re.search(paths(home), "and/or ~ 1 https://example.org/a")
    assert re.search(paths(home, "/srv/me"), "in /srv/me/a.png")


def test_each_rule_is_seen_to_fail() -> None:
    assert {rule for rule, _, _ in BAD} == set(RULES)
