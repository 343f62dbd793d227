"""Show what the embedded network is for: two style transfers of a photo, three dreams of the cat.

    python -m tools.data.show_embedded [--weights PATH] [--out FOLDER]

Writes ``style.jpg``, ``dream.jpg`` and ``shows.json`` into ``data/embedded/`` for the model card.
Lessons 08 and 09 derive both methods. The parts of the style loss are relative and the dream's
gradient is normalized: the settings suit other weights, too.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from course_utils import data, images, networks, style
from course_utils import dream as dreams
from course_utils.ask import CourseError
from course_utils.quiet import tf

SIDE = 256  # pixels of each picture
LIMIT = 150_000  # bytes of a JPEG file
STYLE = {
    "photo": "china",
    "styles": ["stained_glass", "sunlit_field"],
    "pooling": "average",  # as Gatys et al. (2015): smoother than max pooling
    "content_layer": "block4_conv2",
    "style_layers": [f"block{block}_conv1" for block in range(1, 6)],
    "content_weight": 0.1,  # each style layer has 1
    "variation_weight": 0.2,
    "steps": [[SIDE // 2, 90], [SIDE, 20]],  # pixels, steps: broad strokes first and cheaply
    "learning_rate": 0.04,
}
DREAM = {
    "photo": "cat",
    # Mean change of a pixel value in a step; early layers are excited more easily.
    "layers": {"block2_conv2": 0.005, "block3_conv3": 0.006, "block5_conv1": 0.007},
    "pooling": "max",
    "octaves": 4,
    "octave_scale": 1.4,
    "steps": 10,  # in each octave
    "jitter": 16,  # pixels
    "seed": 0,
}


def transfer_style(
    network: networks.Classifier, photo: np.ndarray, painting: np.ndarray, settings: dict[str, Any]
) -> tuple[np.ndarray, dict[str, float]]:
    """A photo (h, w, 3) in the style of another picture, and the loss before and after."""
    contents = {settings["content_layer"]: settings["content_weight"]}
    styles, variation = dict.fromkeys(settings["style_layers"], 1.0), settings["variation_weight"]
    made = style.transfer(
        network,
        photo,
        painting,
        schedule=settings["steps"],
        content_layers=contents,
        content_weight=1.0,
        style_layers=styles,
        variation_weight=variation,
        rate=settings["learning_rate"],
    )
    loss = style.Objective(network, photo, painting, contents, styles, variation)
    before, after = (float(loss(picture)[0].sum()) for picture in (photo, made.picture))
    return made.picture, {"loss_before": before, "loss_after": after}


def dream(
    network: networks.Classifier, photo: np.ndarray, layer: str, settings: dict[str, Any]
) -> tuple[np.ndarray, dict[str, float]]:
    """A photo (h, w, 3) changed to excite a layer, and the layer's mean square before and after."""
    made = dreams.dream(
        network,
        photo,
        layer,
        octaves=settings["octaves"],
        scale=settings["octave_scale"],
        steps=settings["steps"],
        step_size=settings["layers"][layer],
        jitter=settings["jitter"],
        blur=0,
        seed=settings["seed"],
    )
    maps = network.features(layer)
    before, after = (
        float(tf.reduce_mean(maps(p[None])[layer] ** 2)) for p in (photo, made.picture)
    )
    return made.picture, {"activation_before": before, "activation_after": after}


def save_strip(file: Path, pictures: Sequence[np.ndarray], labels: Sequence[str]) -> None:
    """Pictures of one size side by side under their labels, as a JPEG of at most `LIMIT` bytes."""
    height, width = pictures[0].shape[:2]
    top, gap = 22, 6
    strip = Image.new("RGB", (len(pictures) * (width + gap) - gap, height + top), "white")
    draw, font = ImageDraw.Draw(strip), ImageFont.load_default(14)
    for number, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        left = number * (width + gap)
        draw.text((left + width / 2, top / 2), label, "black", font, anchor="mm")
        strip.paste(Image.fromarray(images.to_uint8(picture)), (left, top))
    for quality in range(92, 0, -4):
        strip.save(buffer := io.BytesIO(), "JPEG", quality=quality, optimize=True)
        if buffer.tell() <= LIMIT:
            break
    file.write_bytes(buffer.getvalue())


def show_style(network: networks.Classifier, photo: np.ndarray) -> tuple[list, list, dict]:
    """Style pictures, each followed by its result; their labels; the losses by style."""
    pictures, labels, losses = [], [], {}
    for name in STYLE["styles"]:
        painting = images.load(data.styles()[name], SIDE)
        picture, losses[name] = transfer_style(network, photo, painting, STYLE)
        pictures += [painting, picture]
        labels += [name.replace("_", " "), f"{STYLE['photo']} in this style"]
    return pictures, labels, losses


def show_dream(network: networks.Classifier, photo: np.ndarray) -> tuple[list, list, dict]:
    """A dream for each layer; the layers as labels; the activations by layer."""
    dreams = {layer: dream(network, photo, layer, DREAM) for layer in DREAM["layers"]}
    gains = {layer: gain for layer, (_, gain) in dreams.items()}
    return [picture for picture, _ in dreams.values()], list(dreams), gains


def show(weights: Path | None, out: Path) -> dict[str, Any]:
    """Make both strips and ``shows.json`` in `out`; returns what that file says.

    The seconds are those of the method with its compiling, without loading the network.
    """
    report = {}
    for name, settings, make in (("style", STYLE, show_style), ("dream", DREAM, show_dream)):
        network = networks.load("embedded", path=weights, pooling=settings["pooling"])
        photo = images.sample(settings["photo"], SIDE)
        wall, cpu = time.perf_counter(), time.process_time()
        pictures, labels, results = make(network, photo)
        spent = {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
        save_strip(out / f"{name}.jpg", [photo, *pictures], [settings["photo"], *labels])
        facts = {"pixels": SIDE, "results": results, "settings": settings}
        report[name] = {key: round(seconds, 1) for key, seconds in spent.items()} | facts
    (out / "shows.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return report


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.data.show_embedded", description=__doc__.splitlines()[0]
    )
    out = data.ROOT / "embedded"
    parser.add_argument("--weights", type=Path, help="weights file (default: the shipped one)")
    parser.add_argument("--out", type=Path, default=out, help="folder (default: data/embedded)")
    options = parser.parse_args(argv)
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        report = show(options.weights, options.out)
    except (CourseError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    for name, facts in report.items():
        print(f"{name}: {facts['seconds']:.1f} s, {facts['cpu_seconds']:.1f} s of CPU")
    return 0


if __name__ == "__main__":
    sys.exit(main())
