"""Show what the embedded network is for: two style transfers of a photo, three dreams of the cat.

    python tools/show_embedded.py [--weights PATH] [--out FOLDER]

Writes ``style.jpg``, ``dream.jpg`` and ``shows.json`` into ``data/embedded/`` for the model card.
Lessons 08 and 09 derive both methods; these are short forms of them. The parts of the style loss
are relative and the dream's gradient is normalized: the settings suit other weights, too.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

# TensorFlow leaves oneDNN off on processors without AVX-512, where it is faster as well.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from course_utils import data, images, networks
from course_utils.quiet import keras, tf

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


def gram(maps: tf.Tensor) -> tf.Tensor:
    """F^T F of feature maps (1, h, w, channels), divided by the number of positions."""
    features = tf.reshape(maps, (-1, maps.shape[-1]))
    positions = tf.cast(tf.shape(features)[0], tf.float32)
    return tf.matmul(features, features, transpose_a=True) / positions


def style_functions(
    network: networks.Classifier, settings: dict[str, Any]
) -> tuple[Callable, Callable]:
    """Content and Gram matrices of a picture (h, w, 3), and the compiled loss with its gradient.

    The loss is that of Gatys et al. (2015) plus total variation; it takes a picture and the wanted
    content and Gram matrices. Each squared distance is a share of the target's squared length.
    """
    content, layers = settings["content_layer"], settings["style_layers"]
    extract = network.features([content, *layers])
    weights = {"content": settings["content_weight"]} | dict.fromkeys(layers, 1.0)

    def describe(picture: tf.Tensor) -> dict[str, tf.Tensor]:
        maps = extract(picture[None])
        return {"content": maps[content]} | {layer: gram(maps[layer]) for layer in layers}

    targets = dict.fromkeys(weights, tf.TensorSpec(None))

    @tf.function(input_signature=[tf.TensorSpec((None, None, 3)), targets])
    def loss_and_gradient(
        picture: tf.Tensor, wanted: dict[str, tf.Tensor]
    ) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(picture)
            found = describe(picture)
            # A sum over pixels: divided, it does not depend on the size of the picture.
            variation = tf.image.total_variation(picture) / tf.cast(tf.size(picture), tf.float32)
            loss = settings["variation_weight"] * variation
            for key, weight in weights.items():
                distance = tf.reduce_sum((found[key] - wanted[key]) ** 2)
                loss += weight * distance / (tf.reduce_sum(wanted[key] ** 2) + 1e-12)
        return loss, tape.gradient(loss, picture)

    return describe, loss_and_gradient


def transfer_style(
    network: networks.Classifier, photo: np.ndarray, style: np.ndarray, settings: dict[str, Any]
) -> tuple[np.ndarray, dict[str, float]]:
    """A photo (h, w, 3) in the style of another picture, and the loss before and after."""
    describe, loss_and_gradient = style_functions(network, settings)
    picture = photo
    for side, steps in settings["steps"]:
        small_photo, small_style, start = (
            tf.constant(images.resize(p, (side, side))) for p in (photo, style, picture)
        )
        wanted = describe(small_style) | {"content": describe(small_photo)["content"]}
        pixels = tf.Variable(start)
        adam = keras.optimizers.Adam(settings["learning_rate"])  # one serves one variable only
        for _ in range(steps):
            _, gradient = loss_and_gradient(pixels, wanted)
            adam.apply([gradient], [pixels])
            pixels.assign(tf.clip_by_value(pixels, 0, 1))
        picture = pixels.numpy()
    before, after = (float(loss_and_gradient(p, wanted)[0]) for p in (small_photo, pixels))
    return picture, {"loss_before": before, "loss_after": after}


def dream(
    network: networks.Classifier, photo: np.ndarray, layer: str, settings: dict[str, Any]
) -> tuple[np.ndarray, dict[str, float]]:
    """A photo (h, w, 3) changed to excite a layer, and the layer's mean square before and after.

    DeepDream (Mordvintsev, Olah and Tyka, 2015): gradient ascent on octaves, small to large.
    """
    extract = network.features(layer)
    random, reach = np.random.default_rng(settings["seed"]), settings["jitter"]
    step_size = settings["layers"][layer]

    @tf.function(input_signature=[tf.TensorSpec((None, None, 3)), tf.TensorSpec(2, tf.int32)])
    def climb(picture: tf.Tensor, shift: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(picture)
            # Shifted at random, no pixel stays at the border of a pooling window.
            maps = extract(tf.roll(picture, shift, (0, 1))[None])[layer]
            excitement = tf.reduce_mean(maps**2)
        gradient = tape.gradient(excitement, picture)
        gradient /= tf.reduce_mean(tf.abs(gradient)) + 1e-12
        return tf.clip_by_value(picture + step_size * gradient, 0, 1)

    detail = np.zeros_like(photo)  # what the dream has added so far
    for octave in reversed(range(settings["octaves"])):
        size = [round(side / settings["octave_scale"] ** octave) for side in photo.shape[:2]]
        base = images.resize(photo, size)
        picture = tf.clip_by_value(base + tf.image.resize(detail, size), 0, 1)
        for _ in range(settings["steps"]):
            picture = climb(picture, random.integers(-reach, reach + 1, 2, dtype=np.int32))
        detail = picture - base
    before, after = (float(tf.reduce_mean(extract(p[None])[layer] ** 2)) for p in (photo, picture))
    return picture.numpy(), {"activation_before": before, "activation_after": after}


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
        style = images.load(data.styles()[name], SIDE)
        picture, losses[name] = transfer_style(network, photo, style, STYLE)
        pictures += [style, picture]
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
        seconds = round(time.perf_counter() - wall, 1)
        cpu_seconds = round(time.process_time() - cpu, 1)
        save_strip(out / f"{name}.jpg", [photo, *pictures], [settings["photo"], *labels])
        report[name] = {
            "seconds": seconds,
            "cpu_seconds": cpu_seconds,
            "pixels": SIDE,
            "results": results,
            "settings": settings,
        }
    (out / "shows.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return report


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=Path, help="weights file (default: the shipped one)")
    parser.add_argument(
        "--out",
        type=Path,
        default=data.ROOT / "embedded",
        help="folder for the pictures (default: data/embedded)",
    )
    options = parser.parse_args(argv)
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        report = show(options.weights, options.out)
    except (networks.NetworkError, images.ImageError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    for name, facts in report.items():
        print(f"{name}: {facts['seconds']:.1f} s, {facts['cpu_seconds']:.1f} s of CPU")
    return 0


if __name__ == "__main__":
    sys.exit(main())
