"""Saving notebooks, and editing them as text (tools/notebooks.py)."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools import notebooks as tool

ROOT = Path(__file__).parents[1]
ELSEWHERE = "192.0.2.1"  # set aside for documentation (RFC 5737): nobody answers there


def write(path: Path, *sources: str, tags: dict[int, list[str]] | None = None) -> Path:
    """A notebook of code cells; `tags` by the number of the cell."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = [new_code_cell(source, id=f"cell-{n}") for n, source in enumerate(sources)]
    for number, names in (tags or {}).items():
        cells[number].metadata.tags = names
    nbformat.write(new_notebook(cells=cells), path)
    return path


# --- save ---------------------------------------------------------------------------------------

FIGURE = "%matplotlib inline\nimport matplotlib.pyplot as plt\n_ = plt.plot([1, 3, 2])"
SURROUNDINGS = """\
import os
from pathlib import Path
print(os.environ["COURSE_STATIC"], Path.cwd().name)
print(Path(os.environ["COURSE_PROGRESS"]).parent == Path(os.environ["IPYTHONDIR"]))
print(os.environ["MPLBACKEND"])"""


def test_two_saves_give_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPLBACKEND", "agg")  # must not reach the kernel: no figures then
    path = write(tmp_path / "notebooks" / "01_x.ipynb", FIGURE, SURROUNDINGS, "'a' 'b'")
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata.widgets = {"state": {}}
    notebook.metadata.language_info = {"name": "python", "version": "3.1"}
    notebook.cells[0].metadata.update(collapsed=True, tags=["kept"])
    nbformat.write(notebook, path)

    assert tool.save(path) > 0
    first = path.read_bytes()
    tool.save(path)
    assert path.read_bytes() == first

    assert first.endswith(b"}\n")
    saved = nbformat.read(path, as_version=4)
    assert saved.metadata == tool.METADATA
    assert [c.execution_count for c in saved.cells] == [1, 2, 3]
    assert [c.id for c in saved.cells] == ["cell-0", "cell-1", "cell-2"]
    assert saved.cells[0].metadata == {"tags": ["kept"]}
    figure, surroundings, value = (cell.outputs for cell in saved.cells)
    assert "image/png" in figure[0].data
    assert surroundings[0].text.startswith("1 notebooks\nTrue\nmodule://matplotlib_inline")
    assert value[0].data["text/plain"] == "'ab'"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("source", "timeout", "message"),
    [
        ("1 / 0", 900, "code cell 1 (`1 / 0`) failed: ZeroDivisionError: division by zero"),
        ("import os\nos._exit(1)", 900, "the kernel died in code cell 1 (`import os`)"),
        ("import time\ntime.sleep(900)", 2, "code cell 1 (`import time`) took more than 2 s"),
    ],
)
def test_a_failing_cell_leaves_the_file_as_it_was(
    tmp_path: Path, source: str, timeout: float, message: str
) -> None:
    path = write(tmp_path / "01_x.ipynb", "print(1)", source, "print(2)")
    before = path.read_bytes()
    with pytest.raises(tool.Refused) as caught:
        tool.save(path, timeout=timeout)
    assert str(caught.value) == message
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


# --- text and back ------------------------------------------------------------------------------

TEXT = """\
# %% [markdown] slideshow={"slide_type": "slide"}
# # Title
#
# - a list with `code`

# %% tags=["exercise:01-flip"] slideshow={"slide_type": "fragment"}
%matplotlib inline
def flip(kernel):
    return ...  # your code

# %%
flip(1);
"""


Folders = tuple[Path, Path]


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folders:
    """Of notebooks, and of their texts, with one text in it."""
    folders = tmp_path / "notebooks", tmp_path / "build"
    for name, folder in zip(("NOTEBOOKS", "BUILD"), folders, strict=True):
        folder.mkdir()
        monkeypatch.setattr(tool, name, folder)
    (folders[1] / "01_x.py").write_text(TEXT.replace("%matplotlib", "# %matplotlib"))
    return folders


def test_a_notebook_is_made_from_text_alone(folders: Folders) -> None:
    notebooks, _ = folders
    assert tool.main(["notebook", "1"]) == 0
    made = nbformat.read(notebooks / "01_x.ipynb", as_version=4)
    nbformat.validate(made)
    title, stub, call = made.cells
    assert title.cell_type == "markdown" and title.source.startswith("# Title\n\n- a list")
    assert title.metadata == {"slideshow": {"slide_type": "slide"}}
    slideshow = {"slide_type": "fragment"}
    assert stub.metadata == {"tags": ["exercise:01-flip"], "slideshow": slideshow}
    assert stub.source.startswith("%matplotlib inline\ndef flip")
    assert call.source == "flip(1);" and call.metadata == {}
    assert made.metadata == tool.METADATA


def test_text_and_back_changes_nothing(folders: Folders) -> None:
    path = folders[0] / "01_x.ipynb"
    tool.main(["notebook", "01"])
    full = nbformat.read(path, as_version=4)
    full.cells[2].execution_count = 2
    full.cells[2].outputs = [nbformat.v4.new_output("stream", text="said\n")]
    nbformat.write(full, path)
    before = path.read_bytes()
    assert tool.main(["text", "all"]) == 0
    assert tool.main(["notebook", "all"]) == 0
    assert path.read_bytes() == before


def test_cells_that_did_not_change_keep_ids_and_outputs(folders: Folders) -> None:
    notebooks, build = folders
    path = write(notebooks / "01_x.ipynb", "a = 1", "print(a)", "a", tags={1: ["one"]})
    full = nbformat.read(path, as_version=4)
    full.cells.insert(0, new_markdown_cell("# Title", id="title"))
    full.cells[2].outputs = [nbformat.v4.new_output("stream", text="1\n")]
    nbformat.write(full, path)
    tool.main(["text", "01"])
    text = (build / "01_x.py").read_text()
    assert '# %% tags=["one"]\nprint(a)' in text
    changed = text.replace("a = 1", "a = 2").replace("# %% tags", "# %%\nnew = 3\n\n# %% tags")
    (build / "01_x.py").write_text(changed)
    tool.main(["notebook", "01"])
    back = nbformat.read(path, as_version=4)
    assert [c.source for c in back.cells] == ["# Title", "a = 2", "new = 3", "print(a)", "a"]
    assert [back.cells[n].id for n in (0, 3, 4)] == ["title", "cell-1", "cell-2"]
    assert back.cells[3].outputs[0].text == "1\n" and back.cells[3].metadata.tags == ["one"]
    assert len({c.id for c in back.cells}) == 5


def test_an_older_text_is_set_aside(folders: Folders) -> None:
    notebooks, build = folders
    write(notebooks / "01_x.ipynb", "a = 1")
    (build / "01_x.py").write_text("# my edits\n")
    tool.main(["text", "01"])
    assert (build / "01_x.py.old").read_text() == "# my edits\n"
    tool.main(["text", "01"])  # nothing has changed: nothing to set aside
    assert (build / "01_x.py.old").read_text() == "# my edits\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["save", "07"], "07_*.ipynb in {} should be one file, there is nothing"),
        (["save", "02"], "there is 02_a.ipynb, 02_b.ipynb"),
        (["save", "01"], "01_x.ipynb stays as it is: 01_x.ipynb is not a notebook"),
    ],
)
def test_what_cannot_be_done_is_said(
    folders: Folders, capsys: pytest.CaptureFixture, arguments: list[str], sentence: str
) -> None:
    notebooks, _ = folders
    (notebooks / "01_x.ipynb").write_text("not JSON")
    write(notebooks / "02_a.ipynb")
    write(notebooks / "02_b.ipynb")
    assert tool.main(arguments) != 0
    assert sentence.format(notebooks) in capsys.readouterr().err
    assert (notebooks / "01_x.ipynb").read_text() == "not JSON"
