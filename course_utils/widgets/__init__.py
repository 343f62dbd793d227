"""Interactive figures that also make sense on paper.

A widget of this course is a function ``frame(**values)`` that turns the values of its controls into
a :class:`Frame`: some pictures and a line or two of text. :func:`explore` shows the controls and
keeps the frame up to date. Where nothing can answer (a notebook that is being saved or tested, with
the environment variable ``COURSE_STATIC`` set), it shows the frame of the starting values instead.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils import images
from course_utils.live import is_static, track

__all__ = [
    "OWN",
    "Frame",
    "explore",
    "is_static",
    "outline",
    "own_file",
    "own_file_controls",
    "track",
]

if TYPE_CHECKING:
    import ipywidgets


@dataclass(frozen=True)
class Frame:
    """What a widget shows for one setting of its controls.

    Attributes
    ----------
    pictures
        Title -> image, float in [0, 1], shape (height, width) or (height, width, 3).
    text
        What the pictures show, in words and numbers; lines keep their spacing.
    """

    pictures: Mapping[str, np.ndarray] = field(default_factory=dict)
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
    """Show ``frame`` with its controls, or its first frame alone where nothing can answer.

    Parameters
    ----------
    frame
        Called with the value of each control by name. A ``ValueError`` it raises is shown as a
        sentence in place of the frame; the controls stay usable.
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
        except ValueError as error:
            text.value, pictures.value = f'<p role="alert">{html.escape(str(error))}</p>', ""
        else:
            text.value, pictures.value = shown.text_html(), shown.pictures_html(width)

    for control in controls.values():
        control.observe(update, names="value")
    update()
    panel = panel or ipywidgets.VBox(list(controls.values()))
    top = ipywidgets.HBox([panel, text], layout={"flex_flow": "row wrap", "grid_gap": "24px"})
    display(ipywidgets.VBox([top, pictures]))


OWN = "your own"  #: entry of a menu that stands for a file of the reader's


def own_file_controls(
    menu: ipywidgets.Dropdown, accept: str, path: str = "", example: str = "", button: str = ""
) -> tuple[ipywidgets.Text, ipywidgets.FileUpload]:
    """Fields for a path and for a file, which can be used only where ``menu`` says ``OWN``.

    Parameters
    ----------
    menu
        Has ``OWN`` among its options.
    accept
        Kinds of files, such as ``"image/*"``.
    path
        What stands in the field for the path.
    example
        What is shown there while it is empty.
    button
        What stands on the button; "choose a file" if empty.
    """
    import ipywidgets

    text = ipywidgets.Text(
        path, description="its path", placeholder=example, continuous_update=False
    )
    upload = ipywidgets.FileUpload(
        accept=accept, description=button or "choose a file", layout={"width": "max-content"}
    )

    def enable(_change: object = None) -> None:
        text.disabled = upload.disabled = menu.value != OWN

    menu.observe(enable, names="value")
    enable()
    return text, upload


def own_file(path: str, upload: tuple[Any, ...], what: str) -> str | bytes:
    """What the reader gave: the content of the file that was chosen, else the path.

    Parameters
    ----------
    path, upload
        Values of `own_file_controls`.
    what
        Of what, such as "a picture".

    Raises
    ------
    ValueError
        Neither; the message says what to do.
    """
    if upload:
        return bytes(upload[0]["content"])
    if not path.strip():
        raise ValueError(f"Choose a file, or write the path of {what} into the field.")
    return path.strip()


def outline(
    image: np.ndarray,
    top: int,
    left: int,
    height: int,
    width: int,
    color: tuple[float, float, float],
    thickness: int = 1,
) -> np.ndarray:
    """Copy of an image with a frame drawn around a window.

    Parameters
    ----------
    image : array, shape (rows, columns) or (rows, columns, 3), values in [0, 1]
    top, left, height, width
        The window, in pixels, ``top`` and ``left`` at least 0; the frame lies just outside it and
        is cut at the border.
    color
        Red, green, blue in [0, 1].
    thickness
        Of the frame, in pixels.

    Returns
    -------
    array, shape (rows, columns, 3)
    """
    channels = image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
    inside = (slice(top, top + height), slice(left, left + width))
    framed = channels.copy()
    framed[
        max(top - thickness, 0) : top + height + thickness,
        max(left - thickness, 0) : left + width + thickness,
    ] = color
    framed[inside] = channels[inside]
    return framed
