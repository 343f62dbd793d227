"""Make the pictures on the front page: a photo painted, photos dreamed, a photo that fools.

    python -m tools.data.make_gallery [--out FOLDER]

Writes ``painted.jpg``, ``dreamed.jpg`` and ``fooled.jpg`` into ``data/gallery/``, with the embedded
network and the functions that lessons 08, 09 and 10 derive.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from course_utils import adversarial, data, dream, images, networks, style
from tools.data.show_embedded import save_strip

SIDE = 256  # pixels of each picture
PAINTINGS = ("stained_glass", "sunlit_field", "ink_waves")
DREAMS = {"cat": "block4_conv1", "coffee": "block5_conv1", "rocket": "block4_conv3"}

Strip = tuple[list[np.ndarray], list[str]]


def painted() -> Strip:
    """A photo, and the same photo in the style of three pictures."""
    network = networks.load("embedded", pooling="average")
    photo = images.sample("china", SIDE)
    schedule = ((SIDE // 2, 100), (SIDE, 50))
    pictures = [photo]
    for name in PAINTINGS:
        painting = images.load(data.styles()[name], SIDE)
        made = style.transfer(network, photo, painting, schedule=schedule, content_weight=0.03)
        pictures.append(made.picture)
    return pictures, ["a photo", *(f"as {name.replace('_', ' ')}" for name in PAINTINGS)]


def dreamed() -> Strip:
    """A photo, and what the network makes of it and of others once it is allowed to dream."""
    network, pictures = networks.load("embedded"), [images.sample("cat", SIDE)]
    for photo, layer in DREAMS.items():
        many = {"octaves": 6, "steps": 15, "step_size": 0.008}
        made = dream.dream(network, images.sample(photo, 2 * SIDE), layer, **many)
        pictures.append(images.resize(made.picture, SIDE))
    return pictures, ["a cat", *(f"a dream of the {photo}" for photo in DREAMS)]


def fooled() -> Strip:
    """A photo, noise of at most 8 of 255 levels, and their sum; with what the network says."""
    network = networks.load("embedded")
    photo = images.sample("coffee", network.input_size)[None]
    target = np.array([network.index("goldfish")])
    victim = adversarial.keras_victim(network.model)
    found = adversarial.pgd(victim, photo, target, 8 / 255, targeted=True, steps=20).pictures
    change = np.clip(0.5 + 16 * (found - photo), 0, 1)
    said = [network.decode(network.predict(x[0]), top=1)[0][1:] for x in (photo, found)]
    labels = [f"{name}, {probability:.0%}" for name, probability in said]
    labels.insert(1, "+ this, 1/16 of it")
    return [enlarged(x[0]) for x in (photo, change, found)], labels


def enlarged(picture: np.ndarray) -> np.ndarray:
    """The picture at the gallery's size, pixels as squares."""
    shown = Image.fromarray(images.to_uint8(picture))
    return np.asarray(shown.resize((SIDE, SIDE), Image.Resampling.NEAREST), np.float32) / 255


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.data.make_gallery", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--out", type=Path, default=data.ROOT / "gallery", help="folder")
    out = parser.parse_args(argv).out
    out.mkdir(parents=True, exist_ok=True)
    for make in (painted, dreamed, fooled):
        save_strip(out / f"{make.__name__}.jpg", *make())
    return 0


if __name__ == "__main__":
    sys.exit(main())
