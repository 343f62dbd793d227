"""Feature explorer of lesson 06: what a network makes of your own picture, layer by layer."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import ipywidgets
import numpy as np

from course_utils import ask, features, images
from course_utils.images import load as load_picture
from course_utils.networks import load as load_network
from course_utils.widgets import OWN, Frame, explore, own_file, own_file_controls

SAMPLES = ("coffee", "flower", "cat", "rocket", "coins", "text", "gravel", "astronaut")
PER_PHOTO = 20  # crops of each photo in the collection


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
    """
    network, source = load_network(), _source(picture, path, upload)
    view = _view(source, part, turn, network.input_size)
    answers = network.decode(network.predict(view), top=3)
    heat = features.grad_cam(network, view, network.wnids.index(answers[0][0]), layer)
    gray = features.standardize(images.to_gray(images.resize(view, features.SIDE)))
    query = features.extract(network, np.repeat(gray[..., None], 3, axis=2), layer)[layer]
    crops, labels, search, classifier = _collection(layer)
    nearest = search.kneighbors(query, return_distance=False)[0]
    names = ", ".join(features.PHOTOS[label] for label in labels[nearest])
    tiles = np.vstack([np.hstack(crops[pair]) for pair in nearest.reshape(2, 2)])
    chances = classifier.predict_proba(query)[0]
    best = [(features.PHOTOS[label], chances[label]) for label in np.argsort(-chances)[:3]]
    return Frame(
        {
            "the picture": view,
            f"Grad-CAM of {layer}: {answers[0][1]}": features.heat_on(view, heat),
            f"nearest by {layer}: {names}": tiles,
        },
        f"the network says        {_listed((name, chance) for _, name, chance in answers)}\n"
        f"the new classifier says {_listed(best)}",
    )


def _listed(answers: Iterable[tuple[str, float]]) -> str:
    return "   ".join(f"{name} {chance:.2f}" for name, chance in answers)


def _source(picture: str, path: str, upload: tuple[Any, ...]) -> np.ndarray:
    if picture == OWN:
        return load_picture(own_file(path, upload, "a picture"), size=256)
    return images.sample(picture, size=256)


def _view(source: np.ndarray, part: int, turn: int, side: int) -> np.ndarray:
    """The middle of a square picture, turned, ``side`` pixels wide."""
    from scipy import ndimage

    if turn:
        turned = ndimage.rotate(source, turn, reshape=False, order=1, mode="reflect")
        source = np.clip(turned, 0, 1)
    return images.resize(images.center_crop(source, round(len(source) * part / 100)), side)


@lru_cache(maxsize=1)
def _crops_and_features() -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    crops, labels = features.crops(PER_PHOTO, "left")
    return crops, labels, features.extract(load_network(), crops)


@lru_cache(maxsize=8)
def _collection(layer: str) -> tuple[np.ndarray, np.ndarray, Any, Any]:
    """The crops, their labels, a search among their descriptors, and a classifier of these."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import NearestNeighbors
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    crops, labels, vectors = _crops_and_features()
    search = NearestNeighbors(n_neighbors=4, metric="cosine").fit(vectors[layer])
    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500))
    return crops, labels, search, classifier.fit(vectors[layer], labels)


def show(picture: str = "coffee", path: str = "") -> None:
    """Show the feature explorer, starting with a name of ``SAMPLES``, or with a path of yours."""
    ask.choice("picture", picture, (*SAMPLES, OWN))
    layers = features.stages(load_network())
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
