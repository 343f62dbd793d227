"""Layer gallery of lesson 05: a photo at all 18 stations of a VGG-16, channel by channel."""

from __future__ import annotations

from functools import cache

import ipywidgets
import numpy as np

from course_utils import ask, images
from course_utils.features import feature_maps, mosaic
from course_utils.widgets import Frame, explore

PHOTOS = ("coffee", "cat", "china", "flower", "rocket", "astronaut")
SIDE = 192  # pixels of a photo
STATIONS = tuple(
    f"block{block}_{layer}"
    for block, convs in enumerate((2, 2, 3, 3, 3), start=1)
    for layer in (*(f"conv{conv}" for conv in range(1, convs + 1)), "pool")
)


@cache
def _maps(photo: str) -> dict[str, np.ndarray]:
    return feature_maps(images.sample(photo, size=SIDE))


def frame(photo: str, station: int, channel: int, strongest_first: bool) -> Frame:
    """A photo, all maps of one layer, and one of these maps enlarged.

    Parameters
    ----------
    photo
        One of ``PHOTOS``.
    station
        Number of the layer, 1 to 18.
    channel
        Which map to enlarge, from 0.
    strongest_first
        Sort the maps by their mean answer instead of the network's order.
    """
    ask.choice("photo", photo, PHOTOS)
    name = STATIONS[ask.whole("station", station, high=len(STATIONS)) - 1]
    maps = _maps(photo)[name]
    ask.whole(f"channel of {name}", channel, 0, maps.shape[2] - 1)
    order = np.arange(maps.shape[2])
    if strongest_first:
        order = np.argsort(-maps.mean(axis=(0, 1)), kind="stable")
        maps = maps[..., order]
    one = maps[..., channel]
    text = "\n".join(
        [
            f"station {station} of {len(STATIONS)}: {name}",
            f"maps            {' x '.join(map(str, maps.shape))}",
            f"zeros           {np.mean(maps == 0):.0%} of all numbers",
            f"silent          {np.sum(maps.max(axis=(0, 1)) == 0)} of {maps.shape[2]} channels",
            f"channel {order[channel]}",
            f"  mean, largest {one.mean():.2f}, {one.max():.2f} (of the layer: {maps.max():.2f})",
            f"  zeros         {np.mean(one == 0):.0%}",
        ]
    )
    pictures = {
        f"photo: {photo}": images.sample(photo, size=SIDE),
        f"all maps of {name}": mosaic(maps),
        f"channel {order[channel]} alone": mosaic(one[..., None]),
    }
    return Frame(pictures, text)


def show(photo: str = "coffee", station: int = 3) -> None:
    """Show the gallery, starting with a photo of ``PHOTOS`` and a station from 1 to 18."""
    frame(photo, station, 0, False)  # says what is wrong, if anything is
    controls = {
        "photo": ipywidgets.Dropdown(options=PHOTOS, value=photo, description="photo"),
        "station": ipywidgets.IntSlider(station, 1, len(STATIONS), description="station"),
        "channel": ipywidgets.IntSlider(0, 0, 15, description="channel"),
        "strongest_first": ipywidgets.Checkbox(description="strongest first", indent=False),
    }

    def fit(_change: object = None) -> None:
        name = STATIONS[controls["station"].value - 1]
        controls["channel"].max = _maps(controls["photo"].value)[name].shape[2] - 1

    fit()
    # Before `explore` looks on: the frame must not be asked for a channel that is not there.
    controls["station"].observe(fit, names="value")
    explore(frame, controls)
