"""Dream explorer of lesson 09: choose a layer or channel, octaves and steps, see the dream."""

from __future__ import annotations

from functools import lru_cache

import ipywidgets
import numpy as np

from course_utils import dimensions, images, networks
from course_utils.dream import Dream, dream, layers_of, octave_sizes, total_variation
from course_utils.widgets import Frame, explore

PHOTOS = ("moon", "cat", "rocket", "flower", "hubble", "coffee", "china")
SIDE = 112  # pixels: a dream takes a fraction of a second
MAX_OCTAVES, MAX_STEPS = 4, 12


@lru_cache(maxsize=len(PHOTOS))
def _photo(name: str) -> np.ndarray:
    # Networks with a large smallest size get a larger photo, and are slower.
    return images.sample(name, size=max(SIDE, networks.load().min_size))


@lru_cache(maxsize=256)
def _dream(photo: str, layer: str, channel: int | None, octaves: int, steps: int) -> Dream:
    target = layer if channel is None else (layer, channel)
    return dream(networks.load(), _photo(photo), target, octaves=octaves, steps=steps)


@lru_cache(maxsize=1)
def _fields() -> dict[str, dimensions.Receptive]:
    try:
        return dimensions.receptive_fields(networks.load().model)
    except ValueError:  # a network with branches
        return {}


def _channels(layer: str) -> int:
    return networks.load().model.get_layer(layer).output.shape[-1]


def frame(photo: str, layer: str, single: bool, channel: int, octaves: int, steps: int) -> Frame:
    """A photo, a dream of it, and what was added.

    Parameters
    ----------
    photo
        One of ``PHOTOS``.
    layer
        One of `course_utils.dream.layers_of` the course's network.
    single
        Excite one channel instead of the whole layer.
    channel
        Its number, from 0.
    octaves, steps
        1 to ``MAX_OCTAVES``, and 1 to ``MAX_STEPS`` in each.

    Raises
    ------
    ValueError
        Another photo or layer, or a number out of range.
    """
    if photo not in PHOTOS:
        raise ValueError(f"photo is {photo!r}; choose one of {', '.join(PHOTOS)}.")
    if layer not in layers_of(networks.load()):
        raise ValueError(
            f"layer is {layer!r}; choose one of {', '.join(layers_of(networks.load()))}."
        )
    if not 1 <= octaves <= MAX_OCTAVES:
        raise ValueError(f"octaves is {octaves}; choose 1 to {MAX_OCTAVES}.")
    if not 1 <= steps <= MAX_STEPS:
        raise ValueError(f"steps is {steps}; choose 1 to {MAX_STEPS}.")
    made = _dream(photo, layer, channel if single else None, octaves, steps)
    before, what = _photo(photo), f"channel {channel} of {layer}" if single else layer
    change = made.picture - before
    sizes = octave_sizes(before.shape, octaves)
    seen = f"{_fields()[layer].size} pixels" if layer in _fields() else "(branches: not computed)"
    text = "\n".join(
        [
            f"target            {what}",
            f"one entry sees    {seen}",
            f"sizes in turn     {', '.join(str(size[0]) for size in sizes)} pixels",
            f"score a pixel     {made.before:.3g} -> {made.after:.3g}",
            f"total variation   {total_variation(before):.3f} -> "
            f"{total_variation(made.picture):.3f}",
            f"mean change       {np.abs(change).mean():.3f}",
        ]
        + (["The target is silent here: no gradient."] if not np.abs(change).max() else [])
    )
    return Frame(
        {
            f"photo: {photo}": before,
            f"dream of {what}": made.picture,
            "what was added": np.clip(0.5 + change, 0, 1),
        },
        text,
    )


def show(photo: str = "moon", layer: str | None = None) -> None:
    """Show the dream explorer, starting with a name of ``PHOTOS`` and a layer.

    Raises
    ------
    ValueError
        There is no such photo or layer.
    """
    layers = layers_of(networks.load())
    layer = layer or layers[round(0.75 * (len(layers) - 1))]
    frame(photo, layer, False, 0, 1, 1)  # says what is wrong, if anything is
    controls = {
        "photo": ipywidgets.Dropdown(options=PHOTOS, value=photo, description="photo"),
        "layer": ipywidgets.Dropdown(options=layers, value=layer, description="layer"),
        "single": ipywidgets.Checkbox(description="one channel only", indent=False),
        "channel": ipywidgets.IntSlider(0, 0, _channels(layer) - 1, description="channel"),
        "octaves": ipywidgets.IntSlider(3, 1, MAX_OCTAVES, description="octaves"),
        "steps": ipywidgets.IntSlider(8, 1, MAX_STEPS, description="steps each"),
    }

    def fit(_change: object = None) -> None:
        controls["channel"].max = _channels(controls["layer"].value) - 1
        controls["channel"].disabled = not controls["single"].value

    # Before `explore` looks on: the frame must not be asked for a channel that is not there.
    for name in ("layer", "single"):
        controls[name].observe(fit, names="value")
    fit()
    explore(frame, controls)
