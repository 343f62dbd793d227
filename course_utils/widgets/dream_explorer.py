"""Dream explorer of lesson 09: choose a layer or channel, octaves and steps, see the dream."""

from __future__ import annotations

from functools import lru_cache

import ipywidgets
import numpy as np

from course_utils import ask, dimensions, images, networks
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
def _dream(photo: str, target: str | tuple[str, int], octaves: int, steps: int) -> Dream:
    return dream(networks.load(), _photo(photo), target, octaves=octaves, steps=steps)


def _field(layer: str) -> str:
    """How far one entry of a layer sees."""
    try:
        return f"{dimensions.receptive_fields(networks.load().model)[layer].size} pixels"
    except ValueError:
        return "(branches: not computed)"


def _channels(layer: str) -> int:
    return networks.load().model.get_layer(layer).output.shape[-1]


def frame(photo: str, layer: str, single: bool, channel: int, octaves: int, steps: int) -> Frame:
    """A photo, a dream of it, and what was added.

    For a name of ``PHOTOS``, one of `course_utils.dream.layers_of` the course's network, whole or a
    single channel of it, 1 to ``MAX_OCTAVES`` octaves and 1 to ``MAX_STEPS`` steps in each.
    """
    ask.choice("photo", photo, PHOTOS)
    ask.choice("layer", layer, layers_of(networks.load()))
    ask.whole("octaves", octaves, 1, MAX_OCTAVES)
    ask.whole("steps", steps, 1, MAX_STEPS)
    made = _dream(photo, (layer, channel) if single else layer, octaves, steps)
    before, what = _photo(photo), f"channel {channel} of {layer}" if single else layer
    change = made.picture - before
    sizes = ", ".join(str(size[0]) for size in octave_sizes(before.shape, octaves))
    lines = [
        f"target            {what}",
        f"one entry sees    {_field(layer)}",
        f"sizes in turn     {sizes} pixels",
        f"score a pixel     {made.before:.3g} -> {made.after:.3g}",
        f"total variation   {total_variation(before):.3f} -> {total_variation(made.picture):.3f}",
        f"mean change       {np.abs(change).mean():.3f}",
    ]
    if not np.abs(change).max():
        lines.append("The target is silent here: no gradient.")
    return Frame(
        {
            f"photo: {photo}": before,
            f"dream of {what}": made.picture,
            "what was added": np.clip(0.5 + change, 0, 1),
        },
        "\n".join(lines),
    )


def show(photo: str = "moon", layer: str | None = None) -> None:
    """Show the dream explorer, starting with a name of ``PHOTOS`` and a layer."""
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
