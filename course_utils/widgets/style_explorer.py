"""Style explorer of lesson 08: small style transfers, of your own pictures as well."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import ipywidgets
import numpy as np

from course_utils import data, images, networks, style
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
    steps
        Evaluations of the loss.
    start, pooling, colors
        As in ``style.transfer`` and ``networks.load``.

    Raises
    ------
    ValueError
        A picture cannot be used; the message says why.
    """
    network, sources = networks.load(pooling=pooling), data.styles()
    content = _picture(photo, path, upload, "photo")
    if painting == OWN:
        model = _picture(painting, painting_path, painting_upload, "painting")
    else:
        model = _painting(str(sources[painting]))
    chosen = style.layers_of(network)
    # All five each time, some with weight 0: another set of layers would be compiled anew.
    weights = {name: float(place < layers) for place, name in enumerate(chosen.style)}
    made = style.transfer(
        network,
        content,
        model,
        schedule=((SIDE, steps),),
        style_weight=10.0**weight,
        style_layers=weights,
        rate=RATE,
        start=start,
        style_scale=strokes,
        colors=colors,
    )
    plain = images.resize(content, made.picture.shape[:2])
    return Frame(
        {
            f"photo: {photo}": plain,
            f"painting: {painting}": images.resize(model, SIDE),
            f"{photo} in the style of {painting}": made.picture,
        },
        _table(network, {"result": made.picture, "photo": plain}, (content, model, strokes), made),
    )


def _table(
    network: networks.Classifier,
    pictures: Mapping[str, np.ndarray],
    wanted: tuple[np.ndarray, np.ndarray, float],
    made: style.Transfer,
) -> str:
    """Distances at the layer that no loss has seen, the number of evaluations, and the loss."""
    layer, (content, model, strokes) = style.layers_of(network).held_out, wanted
    lines = [f"at {layer}, which no loss has seen", "          from content   from style"]
    for name, picture in pictures.items():
        from_content, from_style = style.distances(network, picture, content, model, layer, strokes)
        lines.append(f"{name:8} {from_content:13.3f} {from_style:12.3f}")
    loss = f"{len(made.losses)} evaluations; the loss is {made.final.sum():.3f}"
    return "\n".join([*lines, loss])


def _picture(name: str, path: str, upload: tuple[Any, ...], what: str) -> np.ndarray:
    if name != OWN:
        return _sample(name)
    return _shrunk(images.load(own_file(path, upload, f"the {what}")))


def _shrunk(picture: np.ndarray) -> np.ndarray:
    """Its longer side at most 256 pixels: the rest would be scaled away at each change."""
    factor = min(256 / max(picture.shape[:2]), 1)
    return images.resize(picture, tuple(max(round(n * factor), 1) for n in picture.shape[:2]))


@lru_cache(maxsize=len(PHOTOS))
def _sample(name: str) -> np.ndarray:
    return images.sample(name, size=256)


@lru_cache(maxsize=16)
def _painting(path: str) -> np.ndarray:
    return images.load(path, size=256)


def show(photo: str = "flower", painting: str = "stained_glass") -> None:
    """Show the style explorer, starting with a name of ``PHOTOS`` and one of ``data.styles()``.

    Raises
    ------
    ValueError
        There is no such photo or painting.
    """
    paintings = tuple(data.styles())
    for name, value, known in (("photo", photo, PHOTOS), ("painting", painting, paintings)):
        if value not in (*known, OWN):
            raise ValueError(f"{name} is {value!r}; choose one of {', '.join((*known, OWN))}.")

    def menu(name: str, options: tuple[Any, ...], value: Any) -> ipywidgets.Dropdown:
        return ipywidgets.Dropdown(options=options, value=value, description=name)

    def with_file(name: str, options: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
        chosen = menu(name, options, value)
        return chosen, *own_file_controls(
            chosen, "image/*", example="holiday.jpg", button=f"choose a {name}"
        )

    photos = with_file("photo", (*PHOTOS, OWN), photo)
    models = with_file("painting", (*paintings, OWN), painting)
    controls = {
        **dict(zip(("photo", "path", "upload"), photos, strict=True)),
        **dict(zip(("painting", "painting_path", "painting_upload"), models, strict=True)),
        "weight": ipywidgets.FloatSlider(
            0, min=-2, max=2, step=0.25, description="style, log10", continuous_update=False
        ),
        "layers": ipywidgets.IntSlider(
            5, 1, 5, description="style layers", continuous_update=False
        ),
        "strokes": menu("strokes", STROKES, 2.0),
        "steps": ipywidgets.IntSlider(24, 2, 36, 2, description="steps", continuous_update=False),
        "start": menu("start", style.STARTS, "content"),
        "pooling": menu("pooling", ("average", "max"), "average"),
        "colors": menu("colors", style.COLORS, "style"),
    }

    explore(frame, controls)
