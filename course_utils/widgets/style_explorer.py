"""Style explorer of lesson 08: small style transfers, of your own pictures as well."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any

import ipywidgets
import numpy as np

from course_utils import ask, data, images, style
from course_utils.images import load as load_picture
from course_utils.networks import load as load_network
from course_utils.widgets import OWN, Frame, explore, own_file, own_file_controls

PHOTOS = ("cat", "china", "flower", "coffee", "astronaut", "rocket")
SIDE = 96  # pixels of the longer side
RATE = 0.06  # few steps, so large ones
STROKES = (1.0, 1.5, 2.0, 3.0)


def frame(
    photo: str,
    painting: str,
    path: str,
    upload: tuple[Any, ...],
    painting_path: str,
    painting_upload: tuple[Any, ...],
    weight: float,
    layers: int,
    strokes: float,
    steps: int,
    start: str,
    pooling: str,
    colors: str,
) -> Frame:
    """One frame: photo, painting, the photo in its style, and how far it is from either.

    Parameters
    ----------
    photo, painting
        A name of ``PHOTOS``, one of ``data.styles()``; or ``OWN``.
    path, upload, painting_path, painting_upload
        With ``OWN``: the path of a picture, or what a ``FileUpload`` holds, which goes first.
    weight
        Decimal logarithm of the style's weight; the content's is 0.1.
    layers
        How many style layers count, from the first on, 1 to 5.
    strokes
        Size of the painting relative to the photo.
    steps, start, pooling, colors
        As in ``style.transfer`` and ``networks.load``.
    """
    network = load_network(pooling=pooling)
    content = _own(path, upload, "photo") if photo == OWN else _sample(photo)
    own = painting == OWN
    model = _own(painting_path, painting_upload, "painting") if own else _painting(painting)
    chosen = style.layers_of(network)
    # All five each time, some with weight 0: another set of layers would be compiled anew.
    weights = {name: float(place < layers) for place, name in enumerate(chosen.style)}
    settings = {"start": start, "colors": colors, "style_scale": strokes, "rate": RATE}
    settings |= {"schedule": ((SIDE, steps),), "style_weight": 10.0**weight}
    made = style.transfer(network, content, model, style_layers=weights, **settings)
    plain = images.resize(content, made.picture.shape[:2])
    far = partial(style.distances, network, content=content, style=model, style_scale=strokes)
    lines = [f"at {chosen.held_out}, which no loss has seen", "          from content   from style"]
    for name, picture in {"result": made.picture, "photo": plain}.items():
        lines.append("{:8} {:13.3f} {:12.3f}".format(name, *far(picture, layer=chosen.held_out)))
    lines.append(f"{len(made.losses)} evaluations; the loss is {made.final.sum():.3f}")
    return Frame(
        {
            f"photo: {photo}": plain,
            f"painting: {painting}": images.resize(model, SIDE),
            f"{photo} in the style of {painting}": made.picture,
        },
        "\n".join(lines),
    )


def _own(path: str, upload: tuple[Any, ...], what: str) -> np.ndarray:
    """Its longer side at most 256 pixels: the rest would be scaled away at each change."""
    picture = load_picture(own_file(path, upload, f"the {what}"))
    factor = min(256 / max(picture.shape[:2]), 1)
    return images.resize(picture, tuple(max(round(n * factor), 1) for n in picture.shape[:2]))


@lru_cache(maxsize=len(PHOTOS))
def _sample(name: str) -> np.ndarray:
    return images.sample(name, size=256)


@lru_cache
def _painting(name: str) -> np.ndarray:
    return load_picture(data.styles()[name], size=256)


def show(photo: str = "flower", painting: str = "stained_glass") -> None:
    """Show the style explorer, starting with a name of ``PHOTOS`` and one of ``data.styles()``."""

    def with_file(name: str, known: tuple[str, ...], value: str) -> tuple[Any, ...]:
        options = (*known, OWN)
        chosen = menu(options=options, value=ask.choice(name, value, options), description=name)
        return chosen, *own_file_controls(
            chosen, "image/*", example="holiday.jpg", button=f"choose a {name}"
        )

    menu, slider = ipywidgets.Dropdown, partial(ipywidgets.IntSlider, continuous_update=False)
    photos = with_file("photo", PHOTOS, photo)
    models = with_file("painting", tuple(data.styles()), painting)
    controls = {
        **dict(zip(("photo", "path", "upload"), photos, strict=True)),
        **dict(zip(("painting", "painting_path", "painting_upload"), models, strict=True)),
        "weight": ipywidgets.FloatSlider(
            0, min=-2, max=2, step=0.25, description="style, log10", continuous_update=False
        ),
        "layers": slider(5, 1, 5, description="style layers"),
        "strokes": menu(options=STROKES, value=2.0, description="strokes"),
        "steps": slider(24, 2, 36, 2, description="steps"),
        "start": menu(options=style.STARTS, description="start"),
        "pooling": menu(options=("average", "max"), description="pooling"),
        "colors": menu(options=style.COLORS, description="colors"),
    }
    explore(frame, controls)
