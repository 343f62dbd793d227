"""What all widgets are made of: the frame, its controls, and fields for a file of the reader's."""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils import images
from course_utils.ask import CourseError
from course_utils.live import is_static

if TYPE_CHECKING:
    import ipywidgets

OWN = "your own"  #: entry of a menu that stands for a file of the reader's


@dataclass(frozen=True)
class Frame:
    """What a widget shows for one setting of its controls."""

    #: Title -> image, float in [0, 1], shape (height, width) or (height, width, 3).
    pictures: Mapping[str, np.ndarray] = field(default_factory=dict)
    #: What the pictures show, in words and numbers; lines keep their spacing.
    text: str = ""

    def pictures_html(self, width: int) -> str:
        """The pictures side by side as HTML, each ``width`` CSS pixels wide."""
        figures = "".join(
            f'<figure style="margin:0"><img alt="{html.escape(title)}" width="{width}" '
            f'style="image-rendering:pixelated;display:block" '
            f'src="data:image/png;base64,{base64.b64encode(images.to_png(image)).decode()}">'
            f'<figcaption style="max-width:{width}px">{html.escape(title)}</figcaption></figure>'
            for title, image in self.pictures.items()
        )
        return f'<div style="display:flex;flex-wrap:wrap;gap:12px">{figures}</div>'

    def text_html(self) -> str:
        """The text as HTML that keeps its spacing."""
        return f'<pre style="margin:8px 0;line-height:1.3">{html.escape(self.text)}</pre>'


def explore(
    frame: Callable[..., Frame],
    controls: Mapping[str, ipywidgets.ValueWidget],
    panel: ipywidgets.Widget | None = None,
    width: int = 280,
) -> None:
    """Show a frame with its controls, or its first frame alone where nothing can answer.

    Parameters
    ----------
    frame
        Called with the value of each control by name. The sentence of a `CourseError` that it
        raises is shown in place of the frame; the controls stay usable.
    controls
        Name -> ipywidgets control.
    panel
        How the controls are arranged; a vertical list of them if None.
    width
        CSS pixels of a picture.
    """

    def current() -> Frame:
        return frame(**{name: control.value for name, control in controls.items()})

    if is_static():
        first = current()
        if first.pictures:
            images.show(first.pictures)
        print(first.text)
        return

    import ipywidgets
    from IPython.display import display

    text, pictures = ipywidgets.HTML(), ipywidgets.HTML()

    def update(_change: object = None) -> None:
        try:
            shown = current()
        except CourseError as error:
            text.value, pictures.value = f'<p role="alert">{html.escape(str(error))}</p>', ""
        else:
            text.value, pictures.value = shown.text_html(), shown.pictures_html(width)

    for control in controls.values():
        control.observe(update, names="value")
    update()
    panel = panel or ipywidgets.VBox(list(controls.values()))
    top = ipywidgets.HBox([panel, text], layout={"flex_flow": "row wrap", "grid_gap": "24px"})
    display(ipywidgets.VBox([top, pictures]))


def own_file_controls(
    menu: ipywidgets.Dropdown,
    accept: str,
    path: str = "",
    example: str = "",
    button: str = "choose a file",
) -> tuple[ipywidgets.Text, ipywidgets.FileUpload]:
    """Fields for a path and for a file, which can be used only where a menu says ``OWN``.

    ``accept`` names kinds of files, such as ``"image/*"``; ``path`` stands in the field for it, and
    ``example`` is shown there while that is empty.
    """
    import ipywidgets

    text = ipywidgets.Text(
        path, description="its path", placeholder=example, continuous_update=False
    )
    upload = ipywidgets.FileUpload(
        accept=accept, description=button, layout={"width": "max-content"}
    )

    def enable(_change: object = None) -> None:
        text.disabled = upload.disabled = menu.value != OWN

    menu.observe(enable, names="value")
    enable()
    return text, upload


def own_file(path: str, upload: tuple[Any, ...], what: str) -> str | bytes:
    """The content of a file that was chosen, else the path that was written, of "a picture", say.

    Both are values of `own_file_controls`; where there is neither, the error says what to do.
    """
    if upload:
        return bytes(upload[0]["content"])
    if not path.strip():
        raise CourseError(f"Choose a file, or write the path of {what} into the field.")
    return path.strip()
