"""Compare a step of the course's methods with published ways to take it, as ratios.

``python -m tools.benchmarks.peers``                        style, dream, attacks and widgets
``python -m tools.benchmarks.peers style --size 128``       one of them only
``python -m tools.benchmarks.peers --out peers.json``       all measurements as JSON

All ways have the same network, weights, layers and picture and take turns, so that whatever else
the computer does meets all of them. A number is the median CPU time, of all threads, of a step (of
an attack, of a widget's answer). The ways of the tutorials are written anew here, from what these
say: TensorFlow's *Neural style transfer* and *DeepDream*, and keras.io's examples of both.
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import ipywidgets
import numpy as np

from course_utils import data, dream, images, networks, style, widgets
from course_utils.quiet import keras, tf
from tools.benchmarks.lessons import computer

#: Name of a way -> what it costs, in milliseconds.
Costs = dict[str, float]


def take_turns(ways: Mapping[str, Callable[[], Any]], repeats: int) -> Costs:
    """Median CPU milliseconds of each way; the first turn, which may compile, does not count."""
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats + 1):
        for name, way in ways.items():
            begin = time.process_time()
            way()
            spent[name].append(1000 * (time.process_time() - begin))
    return {name: median(times[1:]) for name, times in spent.items()}


def with_gradient(loss: Callable[[Any], Any], signature: Sequence[Any] | None = None) -> Callable:
    """A graph that gives a loss and its gradient by the picture, and nothing else."""

    @tf.function(input_signature=signature)
    def both(picture: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(picture)
            value = loss(picture)
        return value, tape.gradient(value, picture)

    return both


# --- style --------------------------------------------------------------------------------------

CONTENT, VARIATION, RATE = 0.03, 0.2, 0.02


def style_ways(size: int) -> dict[str, Callable[[], Any]]:
    """A step on a picture of so many pixels a side: the course's, and three others."""
    network = networks.load("embedded", pooling="average")
    layers = style.layers_of(network)
    photo = images.sample("china", size=size)
    painting = images.load(data.styles()["ink_waves"], size)
    extract = network.features([layers.content, *layers.style])
    ones = dict.fromkeys(layers.style, 1.0)
    contents = {layers.content: CONTENT}
    objective = style.Objective(network, photo, painting, contents, ones, VARIATION)
    state, start = [tf.constant(photo), None], tf.constant(photo)

    def ours() -> None:
        _, *state[:] = objective.step(state[0], RATE, state[1])

    def gram(maps: Any) -> Any:
        pixels = tf.shape(maps)[1] * tf.shape(maps)[2]
        return tf.einsum("nhwc,nhwd->ncd", maps, maps) / tf.cast(pixels, tf.float32)

    wanted_content = extract(photo[None])[layers.content]
    wanted_style = {name: gram(extract(painting[None])[name]) for name in layers.style}

    def loss(picture: Any) -> Any:
        maps = extract(picture[None], training=False)
        far = [tf.reduce_mean((gram(maps[n]) - g) ** 2) for n, g in wanted_style.items()]
        content = tf.reduce_mean((maps[layers.content] - wanted_content) ** 2)
        return tf.add_n(far) + CONTENT * content + VARIATION * tf.image.total_variation(picture)

    bare = with_gradient(loss)
    return {
        "bare gradient": lambda: bare(start),
        "course": ours,
        "TensorFlow's tutorial": tensorflow_style(loss, photo),
        "keras.io's example": keras_style(extract, layers, photo, painting),
    }


def tensorflow_style(loss: Callable[[Any], Any], photo: np.ndarray) -> Callable[[], None]:
    """An optimizer and a variable inside one graph."""
    pixels, adam = tf.Variable(photo), keras.optimizers.Adam(RATE, 0.99, epsilon=0.1)

    @tf.function
    def step() -> None:
        with tf.GradientTape() as tape:
            value = loss(pixels)
        adam.apply([tape.gradient(value, pixels)], [pixels])
        pixels.assign(tf.clip_by_value(pixels, 0.0, 1.0))

    return step


def keras_style(
    extract: Callable, layers: Any, photo: np.ndarray, painting: np.ndarray
) -> Callable[[], None]:
    """Photo and painting go through the network each time, the optimizer outside of the graph."""
    canvas, descent = tf.Variable(photo), keras.optimizers.SGD(1e-3)
    both = tf.constant(np.stack([photo, painting]))

    def loss(picture: Any) -> Any:
        maps = extract(tf.concat([both, picture[None]], axis=0), training=False)
        content = tf.reduce_sum((maps[layers.content][2] - maps[layers.content][0]) ** 2)
        value = CONTENT * content + 1e-6 * tf.image.total_variation(picture)
        for name in layers.style:
            rows = [tf.reshape(maps[name][k], (-1, maps[name].shape[-1])) for k in (1, 2)]
            painted, own = (tf.matmul(r, r, transpose_a=True) for r in rows)
            value += 1e-6 * tf.reduce_sum((painted - own) ** 2)
        return value

    gradient = with_gradient(loss)
    return lambda: descent.apply([gradient(canvas)[1]], [canvas])


# --- dream --------------------------------------------------------------------------------------


def dream_ways(size: int, layer: str = "block4_conv2") -> dict[str, Callable[[], Any]]:
    """A dream's step on a picture of so many pixels a side: the course's, and others."""
    network = networks.load("embedded")
    start = tf.constant(images.sample("cat", size=size))
    objective, extract = dream.Objective(network, layer), network.features(layer)

    def ours(jitter: int, blur: float) -> Callable[[], Any]:
        ascent = dream.Ascent(objective, jitter=jitter, blur=blur)
        return lambda: ascent.step(start)  # a tensor, as between two steps

    def maps(pixels: Any, **options: Any) -> Any:
        return extract(pixels[None], **options)[layer]

    bare = with_gradient(
        lambda pixels: 0.5 * tf.reduce_sum(maps(pixels, training=False) ** 2),
        [tf.TensorSpec((None, None, 3))],
    )
    return {
        "bare gradient": lambda: bare(start),
        "course": ours(jitter=16, blur=0.6),
        "course, no blur": ours(jitter=16, blur=0),
        "course, no jitter, no blur": ours(jitter=0, blur=0),
        "TensorFlow's tutorial": tensorflow_dream(maps, start, 0),
        "TensorFlow's tutorial, rolled": tensorflow_dream(maps, start, 16),
        "keras.io's example": keras_dream(extract, layer, start[None]),
    }


def tensorflow_dream(maps: Callable[[Any], Any], start: Any, reach: int) -> Callable[[], Any]:
    """The mean, a loop in the graph; shifted by up to `reach` pixels."""
    sizes = [tf.TensorSpec((None, None, 3)), tf.TensorSpec((), tf.int32), tf.TensorSpec(())]

    @tf.function(input_signature=sizes)
    def climb(pixels: Any, steps: Any, rate: Any) -> Any:
        for _ in tf.range(steps):
            shift = tf.random.uniform((2,), -reach, reach, tf.int32) if reach else None
            with tf.GradientTape() as tape:
                seen = tf.roll(pixels, shift, (0, 1)) if reach else pixels
                tape.watch(seen)
                value = tf.reduce_mean(maps(seen))
            gradient = tape.gradient(value, seen)
            if reach:  # as its `TiledGradients`, with one tile
                gradient = tf.roll(gradient, -shift, (0, 1))
            gradient /= tf.math.reduce_std(gradient) + 1e-8
            pixels = tf.clip_by_value(pixels + gradient * rate, 0.0, 1.0)
        return pixels

    one, small = tf.constant(1), tf.constant(0.01)
    return lambda: climb(start, one, small)


def keras_dream(extract: Callable, layer: str, start: Any) -> Callable[[], Any]:
    """Squares away from the border."""
    small = tf.constant(0.01)

    @tf.function
    def step(pixels: Any, rate: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(pixels)
            maps = extract(pixels)[layer]
            count = tf.cast(tf.size(maps), tf.float32)
            value = tf.reduce_sum(maps[:, 2:-2, 2:-2] ** 2) / count
        gradient = tape.gradient(value, pixels)
        gradient /= tf.maximum(tf.reduce_mean(tf.abs(gradient)), 1e-6)
        return value, pixels + rate * gradient

    return lambda: step(start, small)


# --- attacks ------------------------------------------------------------------------------------


def attack_ways() -> dict[str, dict[str, Callable[[], Any]]]:
    """FGSM and PGD of the course and of those peers that are installed, for 32 pictures."""
    import pytest

    from tests import test_peers

    case, ways = test_peers.make_case(), {"FGSM": {}, "PGD-10": {}}
    for make in (test_peers.ours, test_peers.cleverhans, test_peers.foolbox, test_peers.art):
        try:
            attacks = make(*case)
        except pytest.skip.Exception:  # is not installed
            continue
        name = "course" if make is test_peers.ours else make.__name__
        for kind, attack in zip(ways, attacks, strict=True):
            ways[kind][name] = attack
    return ways


# --- widgets ------------------------------------------------------------------------------------


def widget_ways() -> dict[str, Callable[[], Any]]:
    """For each widget with a slider: an answer to the slider at its next place."""
    ways = {}
    for module in pkgutil.iter_modules(widgets.__path__):
        widget = importlib.import_module(f"course_utils.widgets.{module.name}")
        if not hasattr(widget, "show"):
            continue
        shown: list[tuple] = []
        explore, widget.explore = widget.explore, lambda *given, **_: shown.append(given)  # noqa: B023
        try:
            widget.show()
        finally:
            widget.explore = explore
        frame, controls = shown[0][:2]
        if way := _moving_slider(frame, controls):
            ways[module.name] = way
    return ways


def _moving_slider(frame: Callable[..., Any], controls: Mapping[str, Any]) -> Callable | None:
    """Answers with a slider at one place after the other, since some widgets keep their answers."""
    kinds = ipywidgets.IntSlider | ipywidgets.FloatSlider
    sliders = [name for name, control in controls.items() if isinstance(control, kinds)]
    if not sliders:
        return None
    name, slider = sliders[-1], controls[sliders[-1]]
    values = {key: control.value for key, control in controls.items()}
    places = iter(
        slider.min + k % round((slider.max - slider.min) / slider.step + 1) * slider.step
        for k in range(10**6)
    )
    return lambda: frame(**values | {name: next(places)})


# --- the table ----------------------------------------------------------------------------------


def table(costs: Mapping[str, Costs]) -> str:
    """Milliseconds, and the ratio to the course's own way where there is one."""
    lines = []
    for part, found in costs.items():
        lines += ["", f"{part:32} {'CPU ms':>9} {'course = 1':>12}"]
        own = found.get("course")
        for name, cost in found.items():
            lines.append(f"  {name:30} {cost:9.2f}" + (f" {cost / own:12.2f}" if own else ""))
    return "\n".join(lines[1:])


def measure(parts: Sequence[str], size: int, repeats: int) -> dict[str, Costs]:
    """Costs of each way of each part."""
    costs: dict[str, Costs] = {}
    if "style" in parts:
        costs[f"style, {size} pixels"] = take_turns(style_ways(size), repeats)
    if "dream" in parts:
        costs[f"dream, {size} pixels"] = take_turns(dream_ways(size), repeats)
    if "attacks" in parts:
        for name, ways in attack_ways().items():
            costs[name] = take_turns(ways, repeats)
    if "widgets" in parts:
        costs["a widget's answer"] = take_turns(widget_ways(), repeats)
    return costs


PARTS = ("style", "dream", "attacks", "widgets")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.benchmarks.peers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--size", type=int, default=256, help="pixels a side (default: 256)")
    parser.add_argument("--repeats", type=int, default=20, help="of each way (default: 20)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="all medians as JSON")
    options = parser.parse_args(arguments)
    for part in options.parts:
        if part not in PARTS:
            parser.error(f"there is no part {part}; choose of {', '.join(PARTS)}")
    if options.size < 32:
        parser.error(f"--size is {options.size}; give 32 or more")
    if options.repeats < 1:
        parser.error(f"--repeats is {options.repeats}; give 1 or more")
    costs = measure(options.parts or PARTS, options.size, options.repeats)
    print(table(costs))
    if options.out:
        options.out.write_text(json.dumps(computer() | {"cpu_ms": costs}, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
