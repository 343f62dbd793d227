"""Slides of a lesson, and twins of its notebook for live coding; always made anew.

``slides 01``  writes build/slides/01_*.html, one file that needs neither server nor network.
``twins 01``   writes build/twins/01_*_live.ipynb and build/twins/01_*_solved.ipynb.
``all``        instead of a number makes those of every lesson; needs the extra ``test``.

A slide shows what the room should see: no set-up, no lines that only plot, no verdict on open
exercises. How much fits on one is measured in the browser (slides.js), whose fonts nobody knows
before. Open the file; Space or a clicker goes on, S opens the speaker notes in a second window,
Esc shows all slides, B makes the screen black, and a click or Space unfolds the answers of a quiz.
(Should a browser keep files from talking to a second window, open http://localhost:8000 after
``python -m http.server --directory build/slides``.) With ``?print-pdf`` behind the address, the
browser prints a handout.

The live twin is for whoever types in front of the room. All outputs are gone; what the figures
show is folded away, so that a prediction is one. The bodies of functions, where the method is,
are empty: those are worth the room's time, and the lesson has ten to twenty. Cells that only
demonstrate keep their code and are run once the hands are up. Speaker notes are left out, since
the room reads along; exercises stay stubs. In the solved twin every exercise is done.
"""

from __future__ import annotations

import argparse
import ast
import copy
import html
import re
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import nbformat
from latex2mathml.converter import convert
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from course_utils.exercises import exercises_of
from tools.notebooks import BUILD, NOTEBOOKS, Refused, chosen

TOOLS = Path(__file__).resolve().parent

PLOT = "# extra: plot"
DESCRIPTION = r"\*(?!\*)[^*]*\*\s*"  # a text in italics below a figure, for who cannot see it
FOLD = r"<details>\s*<summary>What we observe</summary>\n\n(.*?)\n</details>"  # an answer
TYPE_HERE = "...  # live"
# What latex2mathml does not know or spaces badly, and what to give it instead.
OTHER_WORDS = (
    (r"(?<!\\left)\\lvert(?![a-z])", r"\\left|"),
    (r"(?<!\\right)\\rvert(?![a-z])", r"\\right|"),
    (r"(?<!\\left)\\lVert(?![a-z])", r"\\left\\|"),
    (r"(?<!\\right)\\rVert(?![a-z])", r"\\right\\|"),
    (r"\\arg\b", r"\\text{arg}\\,"),
    (r"\\operatorname\b", r"\\text"),
)


def tagged(cell: NotebookNode, prefix: str) -> str:
    """Rest of the cell's tag that begins with `prefix`; empty if there is none."""
    tags = cell.metadata.get("tags", [])
    return next((tag.removeprefix(prefix) for tag in tags if tag.startswith(prefix)), "")


def kind(cell: NotebookNode) -> str:
    """Slide type of a cell: slide, subslide, fragment, skip, notes or -."""
    return cell.metadata.get("slideshow", {}).get("slide_type", "-")


# --- slides ---------------------------------------------------------------------------------------


def to_mathml(formula: str, display: str = "inline") -> str:
    """MathML of a formula in LaTeX."""
    for pattern, other in OTHER_WORDS:
        formula = re.sub(pattern, other, formula)
    mathml = convert(formula, display=display)
    # A prime as an exponent would be raised twice: by its place and by its shape.
    prime = r"<msup>(<mi>\w</mi>)<mi>&#x02032;</mi></msup>"
    return re.sub(prime, r'\1<mo lspace="0" rspace="0">&#x02032;</mo>', mathml)


class Prose(IPythonRenderer):
    """Markdown as HTML for slides: formulas as MathML, no link that leads nowhere."""

    def inline_math(self, body: str) -> str:
        return to_mathml(body)

    def block_math(self, body: str) -> str:
        return to_mathml(body, display="block")

    def latex_environment(self, name: str, body: str) -> str:
        return to_mathml(rf"\begin{{{name}}}{body}\end{{{name}}}", display="block")

    def paragraph(self, text: str) -> str:
        for cue in ("Predict", "What we observe"):
            if text.startswith(f"<strong>{cue}"):
                return f'<p class="cue {cue.split()[0].lower()}">{text}</p>\n'
        return super().paragraph(text)

    def link(self, text: str, url: str, title: str | None = None) -> str:
        if re.match(r"https?:", url):
            return super().link(text, url, title)
        lesson = re.fullmatch(r"(\d\d_\w+)\.ipynb", url)
        return super().link(text, f"{lesson[1]}.html", title) if lesson else text


def to_html(markdown: str) -> str:
    """HTML of a Markdown text."""
    return MarkdownWithMath(Prose(escape=False, exclude_anchor_links=True)).render(markdown)


def code_to_html(code: str) -> str:
    """Highlighted Python, ready to be styled by slides.css."""
    return f"<pre>{highlight(code, PythonLexer(), HtmlFormatter(nowrap=True)).rstrip()}</pre>"


def shown_code(source: str) -> str:
    """What of a cell's code is worth the room's time: nothing that only draws."""
    code = source.partition(PLOT)[0].replace("  # fmt: skip", "").replace("\n\n\n", "\n\n").strip()
    draws = re.compile(r"(fig|axe?s?|plt)\b|[\s)\]]|$")
    return "" if all(map(draws.match, code.splitlines())) else code


def output_to_html(output: NotebookNode) -> str:
    """HTML of what a cell showed; empty for what a slide does not show."""
    if output.output_type == "stream":
        return f"<pre>{html.escape(output.text.rstrip())}</pre>" if output.name == "stdout" else ""
    data = output.get("data", {})
    for picture in ("image/png", "image/jpeg", "image/gif"):
        if picture in data:
            alt = html.escape(data.get("text/plain", ""))
            return f'<img alt="{alt}" src="data:{picture};base64,{data[picture].strip()}">'
    if "text/markdown" in data:
        return to_html(data["text/markdown"])
    if "text/html" in data:
        return data["text/html"]
    return f"<pre>{html.escape(data['text/plain'])}</pre>" if "text/plain" in data else ""


def is_for_readers(cell: NotebookNode) -> bool:
    """Whether a cell is nothing for the room: set-up, descriptions, what its reader has done."""
    personal = cell.source.startswith(("progress(", "## Your progress"))
    return kind(cell) == "skip" or personal or bool(re.fullmatch(DESCRIPTION, cell.source))


def blocks(cell: NotebookNode) -> Iterator[str]:
    """The parts of a slide that a cell makes: a text, or code and then its outputs."""
    step = " step" if kind(cell) == "fragment" else ""
    if kind(cell) == "notes":
        inside = re.search(r"</summary>(.*)</details>", cell.source, re.DOTALL)
        yield f'<aside class="notes">{to_html(inside[1] if inside else cell.source)}</aside>'
    elif cell.cell_type == "markdown":
        source = re.sub(r"^\*\*Before you start.*?(\n\n|\Z)", "", cell.source, flags=re.M | re.S)
        # Every second part is an answer, folded for the reader: for the room a step, unfolded.
        for number, part in enumerate(re.split(FOLD, source, flags=re.DOTALL)):
            if number % 2:
                yield f'<div class="text step">{to_html(unfolded(part))}</div>'
                continue
            # What is seen stands with what it is seen in, even where the rest has no room there.
            seen = re.match(r"\*\*What we observe.*?\n\n", part, re.DOTALL)
            parts = [part[: seen.end()], part[seen.end() :]] if seen else [part]
            shown = filter(None, map(str.strip, parts))
            yield from (f'<div class="text{step}">{to_html(text)}</div>' for text in shown)
    else:
        code = shown_code(cell.source)
        if code:
            yield f'<div class="code{step}">{code_to_html(code)}</div>'
        # What comes out is a step of its own: first the code, and a guess.
        outputs = filter(None, map(output_to_html, cell.outputs))
        yield from (f'<div class="output step">{part}</div>' for part in outputs)


def unfolded(answer: str) -> str:
    """The Markdown of a folded answer, as the room sees it: marked as what is observed."""
    starts_with_words = not re.match(r"[-*+] |\d+\. |[|#>$]|```", answer.strip())
    return "**What we observe.**" + (" " if starts_with_words else "\n\n") + answer.strip()


def room_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """The cells that the room sees; each exercise is a text, then its stub with its check."""
    shown: list[NotebookNode] = []
    for cell in copy.deepcopy(notebook.cells):
        if is_for_readers(cell):
            continue
        if tagged(cell, "check:") and shown and tagged(shown[-1], "exercise:"):
            shown[-1].source += f"\n\n\n{cell.source}"
            continue
        task = re.search(r"^#+ Exercise\b", cell.source, re.M)
        if cell.cell_type == "markdown" and task:
            before = copy.deepcopy(cell)
            before.source, cell.source = cell.source[: task.start()], cell.source[task.start() :]
            shown += [before] if before.source.strip() else []
            cell.metadata.slideshow = {"slide_type": "subslide"}
        if tagged(cell, "exercise:"):
            cell.metadata.slideshow = {"slide_type": "-"}
        shown.append(cell)
    return shown


def slide_parts(notebook: NotebookNode) -> Iterator[str]:
    """One <article> for each slide and subslide, too long or not; slides.js breaks it into pages.

    An exercise begins a slide of its own.
    """
    section, opened = "", False
    for cell in room_cells(notebook):
        if cell.cell_type == "markdown" and (title := re.search(r"^## (.+)", cell.source, re.M)):
            section = html.escape(re.sub("[*`]", "", title[1]))
        if kind(cell) in ("slide", "subslide") or not opened:
            if opened:
                yield "</article>"
            yield f'<article class="{kind(cell)}" data-section="{section}">'
            opened = True
        yield from blocks(cell)
    yield "</article>"


def reveal(*names: str) -> str:
    """The named files of reveal.js, one after the other."""
    package = find_spec("sphinx_revealjs")  # found, not imported: that would need all of Sphinx
    if package is None:
        raise Refused("slides need reveal.js: run `pip install sphinx-revealjs`.")
    folder = Path(package.submodule_search_locations[0]) / "_static" / "revealjs"
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)


def slides(path: Path, folder: Path) -> Path:
    """Write the slides of the notebook `path` into `folder` as one HTML file; return its path."""
    notebook = nbformat.read(path, as_version=4)
    own = {suffix: (TOOLS / f"slides{suffix}").read_text("utf-8") for suffix in (".css", ".js")}
    scripts = reveal("dist/reveal.js", "plugin/notes/notes.js") + own[".js"]
    title = re.search(r"^# (.+)", notebook.cells[0].source, re.M)
    target = folder / f"{path.stem}.html"
    folder.mkdir(parents=True, exist_ok=True)
    page = (
        (TOOLS / "slides.html")
        .read_text("utf-8")
        .format(
            title=html.escape(title[1]) if title else path.stem,
            style=reveal("dist/reset.css", "dist/reveal.css") + own[".css"],
            lesson="\n".join(slide_parts(notebook)),
            script=scripts.replace("</script", r"<\/script"),
        )
    )
    target.write_text(page, encoding="utf-8")
    return target


# --- twins ----------------------------------------------------------------------------------------


def without_bodies(code: str) -> str:
    """`code` with the bodies of its functions, up to the lines that plot, to be typed live."""
    method, mark, plot = code.partition(PLOT)
    lines = method.splitlines()
    functions = [n for n in ast.walk(ast.parse(method)) if isinstance(n, ast.FunctionDef)]
    inner = {inside for n in functions for inside in ast.walk(n) if inside is not n}
    for function in sorted(set(functions) - inner, key=lambda n: n.lineno, reverse=True):
        body = function.body[1:] if ast.get_docstring(function) else function.body
        if not body:
            continue
        # Comments above the first statement belong to the body, too.
        above = function.body[0] if ast.get_docstring(function) else None
        first = above.end_lineno if above else _end_of_signature(function, lines)
        if body[0].lineno == first:  # def f(x): return x
            lines[first - 1] = lines[first - 1][: body[0].col_offset] + TYPE_HERE
        else:
            lines[first : function.end_lineno] = [" " * body[0].col_offset + TYPE_HERE]
    return "\n".join(lines) + ("\n" if mark else "") + mark + plot


def _end_of_signature(function: ast.FunctionDef, lines: list[str]) -> int:
    """Number of the line with the colon that ends the signature, counted from 1."""
    first = function.body[0].lineno
    above = (n for n in range(first - 1, function.lineno - 1, -1) if lines[n - 1].strip())
    return next((n for n in above if not lines[n - 1].strip().startswith("#")), first)


def folded(text: str) -> str:
    """`text` with what it says about a figure or an output folded away."""
    observed = r"\*\*What we observe\b.*?(?=\n\n|\Z)"
    seen = re.fullmatch(DESCRIPTION, text) or re.match(observed, text, re.DOTALL)
    if not seen:
        return text
    fold = f"<details><summary>What we observe</summary>\n\n{seen[0].strip()}\n\n</details>"
    return fold + text[seen.end() :]


def live(notebook: NotebookNode) -> NotebookNode:
    """A copy of `notebook` for typing in front of the room: no outputs, empty functions."""
    twin = copy.deepcopy(notebook)
    twin.cells = [cell for cell in twin.cells if kind(cell) != "notes"]
    for cell in twin.cells:
        if cell.cell_type == "markdown":
            cell.source = folded(cell.source)
            continue
        cell.update(outputs=[], execution_count=None)
        if not tagged(cell, "exercise:"):
            cell.source = without_bodies(cell.source)
    return twin


def solved(notebook: NotebookNode, lesson: str) -> NotebookNode:
    """A copy of `notebook` with the solutions of `lesson`, such as "01", in its exercise cells."""
    twin = copy.deepcopy(notebook)
    solutions = {exercise.name: exercise.solution for exercise in exercises_of(lesson)}
    for cell in twin.cells:
        if name := tagged(cell, "exercise:"):
            cell.source = solutions[name].strip()
        if cell.cell_type == "code":
            cell.update(outputs=[], execution_count=None)  # they tell of open exercises
    return twin


def twins(path: Path, folder: Path) -> tuple[Path, Path]:
    """Write the live and the solved twin of the notebook `path` into `folder`; return both."""
    notebook = nbformat.read(path, as_version=4)
    targets = folder / f"{path.stem}_live.ipynb", folder / f"{path.stem}_solved.ipynb"
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(live(notebook), targets[0])
    nbformat.write(solved(notebook, path.name[:2]), targets[1])
    return targets


# --- command line ---------------------------------------------------------------------------------


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.teach",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=("slides", "twins"))
    parser.add_argument("lessons", nargs="+", metavar="NN", help="01, 02, ... or all")
    options = parser.parse_args(arguments)
    try:
        for path in chosen(options.lessons, NOTEBOOKS, ".ipynb"):
            if path.name[:2] == "00":
                continue  # the door to the course is no lesson
            if options.what == "slides":
                print(slides(path, BUILD / "slides"))
            else:
                print(*twins(path, BUILD / "twins"), sep="\n")
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
