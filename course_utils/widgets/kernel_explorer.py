"""Kernel explorer of lesson 01: pick or edit a kernel, pick a photo, step it over the pixels."""

from __future__ import annotations

from functools import lru_cache

import ipywidgets
import numpy as np
import traitlets

from course_utils import ask, images, plots
from course_utils.convolution import OPERATORS, correlate2d
from course_utils.widgets import Frame, explore, outline

PHOTOS = ("camera", "cat", "coffee", "brick", "text")
SIDE = 192  # pixels of a photo
OWN = "your own"  # what the operator menu says of edited numbers
_MARK = (0.84, 0.37, 0.0)  # vermillion: visible on gray, not red-green dependent
_STRONG = 2.0  # an answer from here on gets the strongest color
_AROUND = 11  # pixels shown of the window's neighborhood
_ZOOM = 16  # times that these are magnified


class KernelInput(ipywidgets.GridBox):
    """Nine number fields with one value, so that choosing an operator is one change, not nine."""

    value = traitlets.Tuple()

    def __init__(self, kernel: np.ndarray) -> None:
        self._fields = [
            # A label without width, not a tooltip: screen readers read it out with the number.
            ipywidgets.FloatText(
                step=0.5,
                description=f"kernel, row {u}, column {v}",
                style={"description_width": "0px"},
                layout={"width": "80px"},
            )
            for u in range(3)
            for v in range(3)
        ]
        super().__init__(self._fields, layout={"grid_template_columns": "repeat(3, 84px)"})
        self.observe(self._show, names="value")
        self.value = tuple(kernel.ravel())
        for field in self._fields:
            field.observe(self._read, names="value")

    def _show(self, _change: object) -> None:
        for field, number in zip(self._fields, self.value, strict=True):
            field.unobserve(self._read, names="value")
            field.value = number
            field.observe(self._read, names="value")

    def _read(self, _change: object) -> None:
        self.value = tuple(field.value for field in self._fields)


def frame(photo: str, kernel: tuple[float, ...], row: int, column: int, only_so_far: bool) -> Frame:
    """One frame of the explorer: photo, magnified window, response, and the sum in numbers.

    The kernel is nine numbers, row by row; row and column are the top left pixel of the window,
    and with ``only_so_far`` the response ends there.
    """
    matrix = np.reshape(kernel, (3, 3))
    image = _photo(photo)
    response = correlate2d(image, matrix)
    arithmetic = _arithmetic(image[row : row + 3, column : column + 3], matrix)
    if only_so_far:
        response.reshape(-1)[row * response.shape[1] + column + 1 :] = 0
    title, picture = _as_picture(response, matrix)
    top, left = (min(max(start - 4, 0), SIDE - _AROUND) for start in (row, column))
    around = np.kron(image[top : top + _AROUND, left : left + _AROUND], np.ones((_ZOOM, _ZOOM)))
    window = [_ZOOM * pixels for pixels in (row - top, column - left, 3, 3)]
    return Frame(
        {
            f"photo: {photo}": outline(image, row, column, 3, 3, _MARK),
            "magnified": outline(around, *window, _MARK, thickness=3),
            title: outline(picture, row, column, 1, 1, _MARK),
        },
        arithmetic,
    )


@lru_cache(maxsize=len(PHOTOS))
def _photo(name: str) -> np.ndarray:
    return images.sample(name, size=SIDE, gray=True)


def _as_picture(response: np.ndarray, kernel: np.ndarray) -> tuple[str, np.ndarray]:
    """Title and picture of a response: signed colors for kernels of sum 0, gray otherwise."""
    if abs(kernel.sum()) < 1e-9 and kernel.any():
        return "answers, red positive", plots.signed_to_rgb(response, _STRONG)
    return "answers, cut to [0, 1]", np.clip(response, 0, 1)


def _arithmetic(patch: np.ndarray, kernel: np.ndarray) -> str:
    """Nine pixels times nine coefficients, as three small tables side by side."""
    products = patch * kernel
    lines = [f"{'pixels':^20}   {'kernel':^23}   {'products':^23}"]
    for row in range(3):
        times, equals = (" x ", " = ") if row == 1 else ("   ", "   ")
        lines.append(
            " ".join(f"{number:6.2f}" for number in patch[row])
            + times
            + " ".join(f"{number:7.3g}" for number in kernel[row])
            + equals
            + " ".join(f"{number:7.3f}" for number in products[row])
        )
    return "\n".join([*lines, f"sum of the nine products: {products.sum():.3f}"])


def show(photo: str = "camera", operator: str = "Sobel x") -> None:
    """Show the kernel explorer, starting with a photo of ``PHOTOS`` and a name in ``OPERATORS``."""
    ask.choice("photo", photo, PHOTOS)
    ask.choice("operator", operator, OPERATORS)
    menu = ipywidgets.Dropdown(options=[*OPERATORS, OWN], value=operator, description="operator")
    kernel = KernelInput(OPERATORS[operator])
    last = SIDE - 3
    controls = {
        "photo": ipywidgets.Dropdown(options=PHOTOS, value=photo, description="photo"),
        "kernel": kernel,
        "row": ipywidgets.IntSlider(62, 0, last, description="row"),
        "column": ipywidgets.IntSlider(20, 0, last, description="column"),
        "only_so_far": ipywidgets.Checkbox(description="only what was computed", indent=False),
    }

    def choose(change: dict) -> None:
        if change["new"] != OWN:
            kernel.value = tuple(OPERATORS[change["new"]].ravel())

    def recognize(change: dict) -> None:
        numbers = np.reshape(change["new"], (3, 3))
        menu.value = next(
            (name for name, known in OPERATORS.items() if np.allclose(known, numbers)), OWN
        )

    menu.observe(choose, names="value")
    kernel.observe(recognize, names="value")
    photos, _, *places = controls.values()
    explore(frame, controls, ipywidgets.VBox([photos, menu, kernel, *places]))
