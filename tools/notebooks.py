"""Run and save the notebooks, or turn them to text and back for editing.

``save 01``      runs lesson 01 in a fresh kernel and keeps what it shows; ``save all`` does all.
``text 01``      writes build/01_*.py, cells separated by ``# %%``, for an editor.
``notebook 01``  takes that text back; cells that did not change keep their outputs and ids.
"""

from __future__ import annotations

import argparse
import base64
import io
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import jupytext
import nbformat
from jupyter_client.manager import AsyncKernelManager
from jupytext.combine import combine_inputs_with_outputs
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbval.kernel import CURRENT_ENV_KERNEL_NAME, NbvalKernelspecManager
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS, BUILD = ROOT / "notebooks", ROOT / "build"

CELL_TIMEOUT = 900  # seconds, the same as in the tests: only to stop what hangs
DRAWING_BYTES = 60_000  # a figure of lines and text stays below; a larger one is mostly photo

# All that a notebook says about where it ran: nothing that another machine would change.
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"},
}
# Marks that front ends and jupytext leave, of no use to anyone else.
_MARKS = ("ExecuteTime", "collapsed", "execution", "lines_to_next_cell", "scrolled", "trusted")

_TEXT_FORMAT = {
    "extension": ".py",
    "format_name": "percent",
    "notebook_metadata_filter": "-all",
    "cell_metadata_filter": "tags,slideshow,jupyter,-all",
}


class Refused(Exception):
    """The work cannot be done; the message is for the person at the terminal."""


def normalize(notebook: nbformat.NotebookNode) -> None:
    """Remove from `notebook`, in place, what differs from machine to machine."""
    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.nbformat_minor = 5
    for cell in notebook.cells:
        for key in _MARKS:
            cell.metadata.pop(key, None)


def execute(
    notebook: nbformat.NotebookNode,
    folder: Path,
    timeout: float = CELL_TIMEOUT,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Run all cells of `notebook`, in place, in a fresh kernel of this environment.

    Parameters
    ----------
    folder
        Working directory of the kernel.
    timeout
        Seconds that one cell may take.
    environment
        Variables of the kernel, beside those of this process.

    Raises
    ------
    Refused
        A cell failed, took too long, or the kernel died.
    """
    at = [0]
    with tempfile.TemporaryDirectory() as private:
        environment = {**os.environ, **environment, "COURSE_STATIC": "1", "IPYTHONDIR": private}
        environment["COURSE_PROGRESS"] = str(Path(private, "progress.json"))
        environment.pop("MPLBACKEND", None)  # else figures would not be shown in the cells
        client = NotebookClient(
            notebook,
            km=AsyncKernelManager(
                kernel_name=CURRENT_ENV_KERNEL_NAME, kernel_spec_manager=NbvalKernelspecManager()
            ),
            extra_arguments=["--IPKernelApp.log_level=40"],  # errors only, on our terminal
            timeout=timeout,
            startup_timeout=CELL_TIMEOUT,
            iopub_timeout=CELL_TIMEOUT,  # a slow computer may be late with what a cell showed
            record_timing=False,
            coalesce_streams=True,
            store_widget_state=False,
            on_cell_start=lambda cell, cell_index: at.__setitem__(0, cell_index),
        )
        try:
            # cleanup_kc ends the kernel although its manager is ours.
            client.execute(cwd=str(folder), env=environment, cleanup_kc=True)
        except CellTimeoutError as error:
            raise Refused(f"{_cell(notebook, at[0])} took more than {timeout:g} s") from error
        except DeadKernelError as error:
            raise Refused(f"the kernel died in {_cell(notebook, at[0])}") from error
        except CellExecutionError as error:
            what = f"{error.ename}: {error.evalue}"
            raise Refused(f"{_cell(notebook, at[0])} failed: {what}") from error


def shrink_figures(notebook: nbformat.NotebookNode) -> None:
    """Store figures in a third of their size, in place: git keeps every version of each.

    Drawings become PNG with 256 colors, which leaves them sharp; figures of photos become JPEG.
    """
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            png = output.get("data", {}).get("image/png")
            if png is None:
                continue
            figure = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
            drawing, photo = io.BytesIO(), io.BytesIO()
            few = figure.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
            few.save(drawing, "PNG", optimize=True)
            # Progressive: the same picture in some 5 % fewer bytes.
            figure.save(photo, "JPEG", quality=88, subsampling=0, optimize=True, progressive=True)
            if drawing.tell() <= min(DRAWING_BYTES, len(png)):
                output.data["image/png"] = base64.b64encode(drawing.getvalue()).decode()
            elif photo.tell() < len(png):
                del output.data["image/png"]
                output.data["image/jpeg"] = base64.b64encode(photo.getvalue()).decode()


def _cell(notebook: nbformat.NotebookNode, index: int) -> str:
    cell = notebook.cells[index]
    number = sum(c.cell_type == "code" for c in notebook.cells[:index])
    first = next((line for line in cell.source.splitlines() if line.strip()), "")
    return f"code cell {number} (`{first.strip()[:60]}`)"


def save(path: Path, timeout: float = CELL_TIMEOUT) -> float:
    """Run a notebook and write it with its outputs, or leave the file as it was.

    Returns the seconds that the run took.
    """
    notebook = _read(path)
    start = time.monotonic()
    execute(notebook, path.parent, timeout)
    seconds = time.monotonic() - start
    shrink_figures(notebook)
    _write(notebook, path)
    return seconds


def to_text(path: Path, folder: Path) -> Path:
    """Write the notebook `path` as text into `folder`; an older, different text is set aside."""
    text = jupytext.writes(_read(path), fmt=_TEXT_FORMAT)
    target = folder / f"{path.stem}.py"
    folder.mkdir(parents=True, exist_ok=True)
    if target.exists() and target.read_text(encoding="utf-8") != text:
        target.replace(target.with_suffix(".py.old"))
    target.write_text(text, encoding="utf-8")
    return target


def to_notebook(text: Path, folder: Path) -> Path:
    """Write the text `text` as a notebook into `folder`, making a new one if there is none."""
    notebook = jupytext.read(text, fmt=_TEXT_FORMAT)
    target = folder / f"{text.stem}.ipynb"
    if target.exists():
        notebook = combine_inputs_with_outputs(notebook, _read(target), fmt=_TEXT_FORMAT)
    _write(notebook, target)
    return target


def _read(path: Path) -> nbformat.NotebookNode:
    try:
        return nbformat.read(path, as_version=4)
    except Exception as error:
        raise Refused(f"{path.name} is not a notebook: {error}") from error


def _write(notebook: nbformat.NotebookNode, path: Path) -> None:
    normalize(notebook)
    nbformat.validate(notebook)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    nbformat.write(notebook, temporary)
    temporary.replace(path)


def chosen(lessons: list[str], folder: Path, suffix: str) -> list[Path]:
    """Files of `folder` for the lessons with these numbers; ``all`` is every one."""
    paths = []
    for lesson in lessons:
        pattern = f"[0-9][0-9]_*{suffix}" if lesson == "all" else f"{lesson.zfill(2)}_*{suffix}"
        found = sorted(folder.glob(pattern))
        if not found or (lesson != "all" and len(found) > 1):
            names = ", ".join(p.name for p in found) or "nothing"
            raise Refused(f"{pattern} in {folder} should be one file, there is {names}")
        paths += found
    return paths


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python tools/notebooks.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=("save", "text", "notebook"))
    parser.add_argument("lessons", nargs="+", metavar="NN", help="01, 02, ... or all")
    options = parser.parse_args(arguments)
    folder, suffix = (BUILD, ".py") if options.what == "notebook" else (NOTEBOOKS, ".ipynb")
    work = {
        "save": lambda path: f"{path.name}: {save(path):.1f} s",
        "text": lambda path: to_text(path, BUILD),
        "notebook": lambda path: to_notebook(path, NOTEBOOKS),
    }
    failed = False
    try:
        paths = chosen(options.lessons, folder, suffix)
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        return 2
    for path in paths:
        try:
            print(work[options.what](path), flush=True)
        except Refused as refusal:
            print(f"{path.name} stays as it is: {refusal}", file=sys.stderr)
            failed = True
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
