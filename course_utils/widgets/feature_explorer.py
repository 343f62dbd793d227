"""Feature explorer of lesson 06: what a network makes of your own picture, layer by layer."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import ipywidgets
import numpy as np

from course_utils import features, images, networks
from course_utils.widgets import OWN, Frame, explore, own_file, own_file_controls

SAMPLES = ("coffee", "flower", "cat", "rocket", "coins", "text", "gravel", "astronaut")
NEIGHBORS = 4
_PER_PHOTO = 20  # crops of each photo in the collection


def frame(
    picture: str, path: str, upload: tuple[Any, ...], layer: str, part: int, turn: int
) -> Frame:
    """One frame: the view, where the network looked, its nearest neighbors, and two answers.

    Parameters
    ----------
    picture
        A name of ``SAMPLES``, or ``OWN``.
    path, upload
        With ``OWN``: the path of a picture, or what a ``FileUpload`` holds, which goes first.
    layer
        One of ``features.stages``: descriptors and Grad-CAM come from it.
    part
        Percent of the shorter side that is seen, from the middle, 20 to 100.
    turn
        Degrees by which the picture is turned, counterclockwise, -180 to 180.

    Raises
    ------
    ValueError
        The picture cannot be used; the message says why.
    """
    network, source = networks.load(), _source(picture, path, upload)
    view = _view(source, part, turn, network.input_size)
    answers = network.decode(network.predict(view), top=3)
    label = network.wnids.index(answers[0][0])
    heat = features.grad_cam(network, view, label, layer)
    gray = features.standardize(images.to_gray(images.resize(view, features.SIDE)))
    query = features.extract(network, np.repeat(gray[..., None], 3, axis=2), layer)[layer]
    collection, labels, search, classifier = _collection(layer)
    nearest = search.kneighbors(query, return_distance=False)[0]
    names = ", ".join(features.PHOTOS[labels[place]] for place in nearest)
    chances = classifier.predict_proba(query)[0]
    best = np.argsort(-chances)[:3]
    return Frame(
        {
            "the picture": view,
            f"Grad-CAM of {layer}: {answers[0][1]}": features.heat_on(view, heat),
            f"nearest by {layer}: {names}": _tiles(collection[nearest]),
        },
        "\n".join(
            [
                "the network says        " + _listed((name, p) for _, name, p in answers),
                "the new classifier says "
                + _listed((features.PHOTOS[place], chances[place]) for place in best),
            ]
        ),
    )


def _listed(answers: Any) -> str:
    return "   ".join(f"{name} {probability:.2f}" for name, probability in answers)


def _source(picture: str, path: str, upload: tuple[Any, ...]) -> np.ndarray:
    if picture != OWN:
        return _sample(picture)
    return images.load(own_file(path, upload, "a picture"), size=256)


@lru_cache(maxsize=len(SAMPLES))
def _sample(name: str) -> np.ndarray:
    return images.sample(name, size=256)


def _view(source: np.ndarray, part: int, turn: int, side: int) -> np.ndarray:
    """The middle of a square picture, turned, ``side`` pixels wide."""
    from scipy import ndimage

    if turn:
        source = ndimage.rotate(source, turn, reshape=False, order=1, mode="reflect")
    seen = max(round(len(source) * part / 100), 1)
    return np.clip(images.resize(images.center_crop(np.clip(source, 0, 1), seen), side), 0, 1)


def _tiles(crops: np.ndarray) -> np.ndarray:
    """Four pictures as one, two by two."""
    rows = [np.concatenate(list(crops[i : i + 2]), axis=1) for i in range(0, NEIGHBORS, 2)]
    return np.concatenate(rows, axis=0)


@lru_cache(maxsize=1)
def _crops_and_features() -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    crops, labels = features.crops(_PER_PHOTO, "left")
    return crops, labels, features.extract(networks.load(), crops)


@lru_cache(maxsize=8)
def _collection(layer: str) -> tuple[np.ndarray, np.ndarray, Any, Any]:
    """The crops, their labels, a search among their descriptors, and a classifier of these."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import NearestNeighbors
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    crops, labels, vectors = _crops_and_features()
    search = NearestNeighbors(n_neighbors=NEIGHBORS, metric="cosine").fit(vectors[layer])
    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500))
    return crops, labels, search, classifier.fit(vectors[layer], labels)


def show(picture: str = "coffee", path: str = "") -> None:
    """Show the feature explorer, starting with a name of ``SAMPLES``, or with a path of yours.

    Raises
    ------
    ValueError
        There is no such sample.
    """
    if picture not in (*SAMPLES, OWN):
        raise ValueError(f"picture is {picture!r}; choose one of {', '.join((*SAMPLES, OWN))}.")
    layers = features.stages(networks.load())
    menu = ipywidgets.Dropdown(
        options=(*SAMPLES, OWN), value=OWN if path else picture, description="picture"
    )
    text, upload = own_file_controls(menu, "image/*", path, "holiday.jpg")
    controls = {
        "picture": menu,
        "path": text,
        "upload": upload,
        "layer": ipywidgets.Dropdown(options=layers, value=layers[3], description="layer"),
        "part": ipywidgets.IntSlider(100, 20, 100, 5, description="part, %"),
        "turn": ipywidgets.IntSlider(0, -180, 180, 5, description="turn, deg"),
    }
    explore(frame, controls)
