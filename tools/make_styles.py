"""Draw the eight style pictures of lesson 08 by code: ``python tools/make_styles.py``.

A style picture has to be rich in local texture at several scales, since the Gram matrices of
Gatys et al. (2015) keep nothing else. Each function below composes one from scratch, in the manner
of a technique (brush, glass, print, dots, planes, tesserae, woodcut, impasto), from a fixed seed;
no photograph and nobody's picture goes in. A second run on the same machine gives the same files.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from scipy import fft, ndimage
from scipy.spatial import cKDTree
from skimage import color, measure

SIZE = 384  # pixels along a side of the finished picture
SCALE = 3  # pictures are drawn this much larger, then reduced: smooth edges
N = SIZE * SCALE
QUALITY = 88  # of the JPEG files, without chroma subsampling
FOLDER = Path(__file__).resolve().parents[1] / "data" / "styles"

Y, X = np.mgrid[0:N, 0:N] / (N - 1)  # position of every pixel in [0, 1]


def rgb(*names: str) -> np.ndarray:
    """Return hexadecimal colors such as ``"e8b04a"`` as an array of shape (len(names), 3)."""
    return np.array([list(bytes.fromhex(name)) for name in names]) / 255


def ramp(t: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """Color for each t in [0, 1], interpolated between equally spaced `colors`: t.shape + (3,)."""
    stops = np.linspace(0, 1, len(colors))
    return np.stack([np.interp(t, stops, channel) for channel in colors.T], axis=-1)


def blend(below: np.ndarray, above: np.ndarray, cover: np.ndarray) -> np.ndarray:
    """Lay `above` over `below` where `cover` (N, N) is 1."""
    return below + (above - below) * np.clip(cover, 0, 1)[..., None]


def step(distance: np.ndarray, softness: float = 0.004) -> np.ndarray:
    """Soft threshold: 1 where `distance` > 0."""
    return np.clip(distance / softness + 0.5, 0, 1)


def noise(rng: np.random.Generator, sigma: float | tuple[float, float], octaves: int = 1):
    """Smooth noise of mean 0 and standard deviation 1; `sigma` in drawing pixels, (y, x)."""
    total = np.zeros((N, N))
    for octave in range(octaves):
        blur = np.asarray(sigma) / 2**octave
        spectrum = fft.rfft2(rng.standard_normal((N, N)))
        layer = fft.irfft2(ndimage.fourier_gaussian(spectrum, blur, n=N), s=(N, N))
        total += layer / layer.std() / 1.7**octave
    return total / total.std()


def bump(x: np.ndarray, rng: np.random.Generator, roughness: int = 6) -> np.ndarray:
    """A skyline: sum of sines with random phases over x, of about unit height."""
    phases = rng.uniform(0, 2 * np.pi, roughness)
    waves = [np.sin(2 * np.pi * 1.31**k * 1.3 * x + p) / 1.25**k for k, p in enumerate(phases)]
    return np.sum(waves, axis=0) / 2


def relief(image: np.ndarray, height: np.ndarray, strength: float) -> np.ndarray:
    """Light `image` from the upper left as if `height` stood out from the canvas."""
    slope_y, slope_x = np.gradient(ndimage.gaussian_filter(height, 1.5))
    light = -(slope_x + slope_y) * strength
    return np.clip(
        image * (1 + np.clip(light, -0.5, 0)[..., None]) + 0.55 * np.clip(light, 0, 0.6)[..., None],
        0,
        1,
    )


def reflect(scene: np.ndarray, shore: float, ripple: np.ndarray) -> np.ndarray:
    """`scene` upside down below the level `shore`, shifted sideways by `ripple` pixels."""
    rows = np.clip(np.rint((2 * shore - Y) * (N - 1)), 0, N - 1).astype(int)
    columns = np.clip(np.rint(X * (N - 1) + ripple), 0, N - 1).astype(int)
    return scene[rows, columns]


def at(field: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Values of `field` (N, N, ...) at `points` (n, 2) given as (x, y) pixels."""
    rows, columns = np.clip(points[:, ::-1].astype(int), 0, N - 1).T
    return field[rows, columns]


def to_ints(colors: np.ndarray) -> list[tuple[int, ...]]:
    """Colors in [0, 1] as the integer tuples that Pillow draws with."""
    return [tuple(c) for c in np.clip(np.rint(colors * 255), 0, 255).astype(int).tolist()]


def brush(
    scene: np.ndarray,
    angle: np.ndarray,
    rng: np.random.Generator,
    passes: Iterable[tuple[int, float, float]],
    ground: str,
    vary: float = 0.05,
    thickness: float = 0.05,
) -> np.ndarray:
    """Paint `scene` with bristle strokes that follow `angle`, broad passes first.

    Parameters
    ----------
    scene : (N, N, 3) float in [0, 1]
    angle : (N, N) float, direction of the strokes in radians
    passes : (number of strokes, length, width), the latter two in drawing pixels
    ground : color of the bare canvas
    vary : standard deviation of a stroke's color around the scene's
    thickness : how much the paint stands out
    """
    canvas = Image.new("RGB", (N, N), "#" + ground)
    relief_map = Image.new("L", (N, N), 90)
    draw, emboss = ImageDraw.Draw(canvas), ImageDraw.Draw(relief_map)
    for count, length, width in passes:
        start = rng.uniform(-0.02, 1.02, (count, 2)) * N
        ink = at(scene, start) + rng.normal(0, vary, (count, 1)) + rng.normal(0, vary, (count, 3))
        point = start.copy()
        path, side = [point.copy()], []
        for _ in range(8):
            direction = at(angle, point)
            move = np.stack([np.cos(direction), np.sin(direction)], axis=1)
            side.append(move[:, ::-1] * [-1, 1])
            point = point + move * length / 8
            path.append(point.copy())
        path, side = np.stack(path, axis=1), np.stack([side[0], *side], axis=1)
        bristles = np.linspace(-0.5, 0.5, max(3, int(width / 3)))
        for k in range(count):
            tones = to_ints(ink[k] + rng.normal(0, 0.035, (len(bristles), 1)))
            heights = rng.integers(40, 256, len(bristles))
            for offset, tone, tall in zip(bristles, tones, heights, strict=True):
                first = int(rng.integers(0, 2))
                last = 9 - int(rng.integers(0, 3))
                line = (path[k] + side[k] * offset * width)[first:last].ravel().tolist()
                draw.line(line, tone, 4, joint="curve")
                emboss.line(line, int(tall), 4)
    return relief(np.asarray(canvas) / 255, np.asarray(relief_map) / 255, thickness * 20)


def sunlit_field(rng: np.random.Generator) -> np.ndarray:
    """Brush strokes along a flow field: a wheat field under a wide sky."""
    sun = np.hypot(X - 0.7, Y - 0.2)
    clouds = noise(rng, (26, 90), 3) + 0.5 * noise(rng, 12)
    scene = ramp(Y / 0.48, rgb("1f4e9c", "2f7fc4", "6fb9d8", "d9e6c4", "f8dfa0"))
    scene = blend(
        scene,
        ramp(np.clip(clouds / 3, 0, 1), rgb("f2c9b0", "fff4dc")),
        step(clouds - 0.55, 0.9) * 0.85,
    )
    scene = blend(scene, rgb("fbd24e")[0], np.exp(-((sun / 0.13) ** 2)) * 1.1)
    scene = blend(scene, rgb("fff6c8")[0], step(0.055 - sun, 0.01))
    pull = np.clip(1 - sun / 0.42, 0, 1)  # strokes circle the sun, and drift level far from it
    angle = (np.arctan2(Y - 0.2, X - 0.7) + np.pi / 2) * pull + 0.55 * noise(rng, 60) * (
        1 - pull / 2
    )
    lines = [
        (0.43, 0.03, ("5e6fae", "8e86c0")),
        (0.49, 0.03, ("2f6f68", "6fa06a")),
        (0.56, 0.02, ("3f7a2e", "a8b04a")),
    ]
    for base, rise, tones in lines:
        ridge = base - rise * bump(X, rng)
        depth = np.clip((Y - ridge) / 0.1, 0, 1)
        scene = blend(scene, ramp(1 - depth, rgb(*tones)), step(Y - ridge))
        slope = np.arctan(np.gradient(ridge, axis=1) * N) + 0.25 * noise(rng, 25)
        angle = np.where(Y > ridge, slope, angle)
    field = 0.6 + 0.02 * bump(X, rng)
    down = np.clip((Y - field) / 0.4, 0, 1)
    rows = np.sin(np.arctan2(X - 0.35, Y - 0.42) * 34 + 0.6 * noise(rng, 20))
    wheat = ramp(
        np.clip(0.5 + 0.3 * rows + 0.12 * noise(rng, 9), 0, 1),
        rgb("8a4b12", "cf8a1c", "f0bd3a", "fbe488"),
    )
    wheat = blend(wheat, rgb("b8501c")[0], down * 0.28)
    wheat = blend(wheat, rgb("c8281e")[0], step(noise(rng, 8) - 2.25 + 0.5 * down, 0.1))
    wheat = blend(wheat, rgb("3a62a8")[0], step(noise(rng, 7) - 2.6 + 0.4 * down, 0.1))
    scene = blend(scene, wheat, step(Y - field))
    aim = np.arctan2(Y - 0.42, X - 0.35) + 0.28 * noise(rng, 30)
    angle = np.where(Y > field, aim, angle)
    for x, foot, tall, wide in [
        (0.14, 0.64, 0.26, 0.075),
        (0.27, 0.6, 0.15, 0.05),
        (0.9, 0.61, 0.17, 0.06),
    ]:
        crown = ((X - x) / wide) ** 2 + ((Y - foot + tall / 2) / (tall / 2)) ** 2
        leaf = ramp(
            np.clip(0.45 - (X - x) / wide * -0.3 + 0.2 * noise(rng, 9), 0, 1),
            rgb("12352e", "24603a", "6a9a3c", "c2c45a"),
        )
        tree = step(1 + 0.18 * noise(rng, 12) - crown, 0.2)
        scene = blend(scene, leaf, tree)
        around = np.arctan2((Y - foot + tall / 2) / tall, (X - x) / wide) + np.pi / 2
        angle = np.where(tree > 0.5, around + 0.3 * noise(rng, 22), angle)
    return brush(scene, angle, rng, [(2600, 110, 30), (5200, 66, 16), (7000, 36, 9)], "caa35a")


def aurora(rng: np.random.Generator) -> np.ndarray:
    """Thick paint in whirls: northern lights over mountains and a lake."""
    swirl = noise(rng, 110, 2)
    slope_y, slope_x = np.gradient(ndimage.gaussian_filter(swirl, 20))
    angle = np.arctan2(-slope_x, slope_y)
    scene = ramp(
        np.clip(Y / 0.62 + 0.05 * noise(rng, 30), 0, 1), rgb("0b1140", "14246a", "1d4c8f", "2f8a9c")
    )
    for middle, height, tones in [
        (0.17, 0.2, ("e85aa8", "8a4ad0", "2b2f86")),
        (0.33, 0.24, ("d8ffb0", "4fe39a", "1a8f8c")),
    ]:
        path = middle + 0.07 * np.sin(X * 7 + 9 * middle) + 0.03 * noise(rng, 60)
        above = (path - Y) / height
        glow = np.where(above > 0, np.exp(-above * 2.2), np.exp(above * 16))
        glow *= 0.75 + 0.25 * noise(rng, (90, 6))
        scene = blend(scene, ramp(np.clip(above, 0, 1), rgb(*tones)), glow)
    for x, y, size in zip(
        rng.uniform(0, 1, 34), rng.uniform(0, 0.44, 34), rng.uniform(0.006, 0.014, 34), strict=True
    ):
        far = np.hypot(X - x, Y - y)
        scene = blend(scene, rgb("f9e07a")[0], 0.65 * np.exp(-((far / size) ** 2)))
        scene = blend(scene, rgb("fffbe0")[0], step(size * 0.35 - far, 0.004))
        angle = np.where(far < size * 1.5, np.arctan2(Y - y, X - x) + np.pi / 2, angle)
    shore = 0.64
    for base, rise, tones in [
        (0.52, 0.085, ("23306e", "5f86c4", "d4e6ee")),
        (0.6, 0.035, ("120d34", "2a1f5e", "6a58a8")),
    ]:
        ridge = base - rise * bump(X * 1.1, rng, 7)
        slope = ndimage.gaussian_filter1d(np.gradient(ridge[0]) * N, 10)[None, :]
        fall = np.clip((Y - ridge) / 0.1, 0, 1)
        lit = np.clip(0.62 - 0.75 * fall - 0.5 * np.tanh(2 * slope) + 0.12 * noise(rng, 10), 0, 1)
        scene = blend(scene, ramp(lit, rgb(*tones)), step(Y - ridge))
        angle = np.where(Y > ridge, np.arctan(1.6 * slope) + 0.15 * noise(rng, 25), angle)
    lake = reflect(scene, shore, 14 * noise(rng, (5, 40)))
    lake = blend(lake * 0.95, rgb("123a78")[0], 0.16 + 0.12 * noise(rng, (4, 50)))
    scene = blend(scene, lake, step(Y - shore))
    angle = np.where(Y > shore, 0.12 * noise(rng, 30), angle)
    return brush(
        scene,
        angle,
        rng,
        [(2600, 90, 26), (6000, 56, 14), (8000, 30, 8)],
        "141c4c",
        vary=0.04,
        thickness=0.07,
    )


def stained_glass(rng: np.random.Generator) -> np.ndarray:
    """Stained glass: Voronoi cells in rings around a sun, dark leading, light from behind."""
    center = np.array([0.5, 0.4])
    seeds, tones = [center], [0.0]
    for ring, radius in enumerate(np.geomspace(0.075, 0.85, 10)):
        count = 9 + 4 * ring
        turn = np.arange(count) * 2 * np.pi / count + ring * 0.35
        reach = radius * (1 + rng.normal(0, 0.035, count))
        turn += rng.normal(0, 0.12 / (1 + ring * 0.3), count)
        seeds.extend(center + np.stack([np.cos(turn), np.sin(turn)], axis=1) * reach[:, None])
        tones.extend([ring / 9] * count)
    seeds, tones = np.array(seeds), np.array(tones)
    pixels = np.stack([X + 0.006 * noise(rng, 40), Y + 0.006 * noise(rng, 40)], axis=-1)
    (near, second), (cell, rival) = (np.moveaxis(a, -1, 0) for a in cKDTree(seeds).query(pixels, 2))
    border = (second**2 - near**2) / (2 * np.linalg.norm(seeds[cell] - seeds[rival], axis=-1))
    sky = rgb(
        "fff2b8", "ffd23c", "ff9a1f", "e8481c", "c01646", "7a1a86", "3a2aa8", "1746b8", "0f6fc0"
    )
    glass = ramp(np.clip(tones + rng.normal(0, 0.05, len(tones)), 0, 1), sky)
    water = rgb("0e8f8a", "18b07a", "7cc84a", "126a9c", "0a4a8c", "2fc4b4")
    low = seeds[:, 1] > 0.7 + 0.05 * np.sin(seeds[:, 0] * 9)
    glass[low] = water[rng.integers(0, len(water), low.sum())]
    accent = rng.random(len(seeds)) < 0.1
    glass[accent] = rgb("e6265c", "1fb0d8", "f7c52a", "2c9a4a")[rng.integers(0, 4, accent.sum())]
    glass = np.clip(glass + rng.normal(0, 0.03, glass.shape), 0, 1)
    streaks = np.stack([noise(rng, (5, 45), 2), noise(rng, (45, 5), 2), noise(rng, 16, 3)])
    grain = np.take_along_axis(streaks, (cell % 3)[None], axis=0)[0]
    pane = glass[cell] * (0.84 + 0.16 * grain + 1.8 * np.clip(border, 0, 0.12))[..., None]
    pane = blend(pane, np.ones(3), 0.1 * np.clip(noise(rng, 7, 2) - 1.2, 0, 1))
    pane *= (1.18 - 0.75 * np.hypot(X - 0.5, Y - 0.42) ** 1.6)[..., None]
    width = 0.0068 + 0.0016 * noise(rng, 30)
    lead = blend(
        rgb("14110f")[0] * np.ones((N, N, 1)),
        rgb("5a5350")[0],
        np.exp(-((border / 0.0022) ** 2)) * 0.8,
    )
    image = blend(lead * (1 + 0.2 * noise(rng, 4))[..., None], pane, step(border - width, 0.003))
    bloom = ndimage.gaussian_filter(np.clip(image, 0, 1), (14, 14, 0))
    return 1 - (1 - np.clip(image, 0, 1)) * (1 - 0.22 * bloom)


def bezier(points: Iterable[tuple[float, float]], count: int = 80) -> np.ndarray:
    """Points along a cubic Bezier curve: (count, 2)."""
    a, b, c, d = (np.array(p, dtype=float) for p in points)
    t = np.linspace(0, 1, count)[:, None]
    return (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t**2 * c + t**3 * d


def ink_waves(rng: np.random.Generator) -> np.ndarray:
    """Waves in the manner of a color woodblock print: ribbed bodies, claws of foam, a red sun."""
    paper = ramp(Y, rgb("e2a987", "f0d5b0", "f4e7c9", "efe3c8", "d9d9c6"))
    paper = blend(paper, rgb("35577c")[0], np.clip(1 - Y / 0.13, 0, 1) ** 1.5 * 0.75)
    sun = np.hypot(X - 0.73, Y - 0.27)
    paper = blend(
        paper, ramp(np.clip((Y - 0.12) / 0.3, 0, 1), rgb("b8321e", "dd5a35")), step(0.125 - sun)
    )
    canvas = Image.fromarray(np.uint8(np.clip(paper, 0, 1) * 255))
    draw = ImageDraw.Draw(canvas)
    ink, foam = "#142340", "#f6efdc"
    blues = ["#1b3a6b", "#f1ead6", "#2c5a93", "#7fa8c4", "#1b3a6b", "#e4e6d8", "#3f74a8", "#b7d0d8"]

    def blob(x: float, y: float, radius: float) -> None:
        draw.ellipse([x - radius, y - radius, x + radius, y + radius], foam, ink, 3)

    def wave(x: float, y: float, size: float, flip: int = 1) -> None:
        """One breaker: curves from its back to its hollow, all running into the tip."""
        place = np.array([x, y]) * N
        scale = np.array([flip, -1]) * size * N
        tip = (0.62, 0.66)
        back = bezier([(-2.3, -0.9), (-0.9, 0.05), (-0.5, 1.32), tip]) * scale + place
        hollow = bezier([(2.2, -0.9), (0.35, -0.25), (-0.3, 0.5), tip]) * scale + place
        stops = np.linspace(0, 1, 19)
        curves = [(1 - s) * back + s * hollow for s in stops]
        for k, (one, two) in enumerate(itertools.pairwise(curves)):
            shape = np.concatenate([one, two[::-1]]).ravel().tolist()
            draw.polygon(shape, blues[k % len(blues)])
        for k, curve in enumerate(curves):
            draw.line(
                curve.ravel().tolist(), ink, 5 if k in (0, len(curves) - 1) else 2, joint="curve"
            )
        for curve, first, last in [(hollow, 52, 80), (back, 36, 80)]:
            for k in np.repeat(np.arange(first, last), 3):
                grow = (k - first) / (last - first)
                spread = rng.normal(0, 0.035 + 0.03 * grow, 2) * size * N
                blob(*(curve[k] + spread), size * N * rng.uniform(0.012, 0.03 + 0.045 * grow))
        for _ in range(26):  # claws: short hooked fingers that hang from the crest
            k = int(rng.integers(40, 80))
            root = curves[0][k] if rng.random() < 0.55 else hollow[min(79, k + 6)]
            reach = size * N * rng.uniform(0.08, 0.2)
            lean = rng.uniform(0.1, 1.3)
            end = root + reach * np.array([flip * np.cos(lean), np.sin(lean)])
            bend = root + reach * np.array([flip * np.cos(lean - 0.9), np.sin(lean - 0.9)]) * 0.8
            finger = bezier([root, bend, bend, end], 12)
            draw.line(finger.ravel().tolist(), ink, max(3, int(size * N * 0.055)), joint="curve")
            draw.line(finger.ravel().tolist(), foam, max(1, int(size * N * 0.036)), joint="curve")
            blob(*end, size * N * rng.uniform(0.018, 0.034))
        for _ in range(45):  # spray
            spot = (
                hollow[-1]
                + rng.normal(0, 1, 2) * [0.38, 0.3] * size * N
                + [flip * 0.1 * N * size, 0]
            )
            radius = rng.uniform(2, 7)
            draw.ellipse([*(spot - radius), *(spot + radius)], foam)

    for top, tone in [(0.6, "#7fa8c4"), (0.7, "#2c5a93"), (0.82, "#1b3a6b")]:
        draw.rectangle([0, top * N, N, N], tone)
    for y, size in [(0.56, 0.07), (0.63, 0.09)]:
        for x in np.arange(-0.1, 1.3, size * 2.1):
            wave(x + rng.normal(0, 0.02), y + rng.normal(0, 0.012), size * rng.uniform(0.9, 1.2))
    wave(0.98, 0.67, 0.2, -1)
    wave(0.29, 0.62, 0.45)
    wave(0.66, 0.93, 0.2)
    wave(0.06, 0.95, 0.22)
    wave(1.02, 1.02, 0.22, -1)
    wave(0.4, 1.08, 0.19)
    print_ = np.asarray(canvas) / 255
    grain = noise(rng, (1.5, 70)) * 0.5 + noise(rng, 2) * 0.5 + 0.6 * noise(rng, 60)
    fibers = step(noise(rng, (9, 1.2)) - 2.4, 0.5) + step(noise(rng, (1.2, 9)) - 2.4, 0.5)
    worn = blend(print_, rgb("f2e6c8")[0], np.clip(0.05 + 0.045 * grain, 0, 0.3) + 0.25 * fibers)
    return worn * (1 + 0.018 * grain)[..., None]


def river_in_dots(rng: np.random.Generator) -> np.ndarray:
    """Pointillism: sails on a river at evening, in dots of pure color."""
    shore = 0.5
    scene = ramp(Y / shore, rgb("5a86c8", "8fb0d8", "e6c6c4", "fbd08a", "ffe39a"))
    sun = np.hypot(X - 0.62, Y - 0.4)
    scene = blend(scene, rgb("fff0a0")[0], np.exp(-((sun / 0.16) ** 2)))
    scene = blend(scene, rgb("fffbe0")[0], step(0.05 - sun, 0.01))
    for base, rise, tones in [
        (0.44, 0.02, ("6d6fb0", "b58ab0")),
        (0.475, 0.018, ("2f6a6a", "8aa860")),
    ]:
        ridge = base - rise * bump(X, rng)
        scene = blend(scene, ramp(np.clip((Y - ridge) / 0.06, 0, 1), rgb(*tones)), step(Y - ridge))
    for x, top, wide in [(0.08, 0.13, 0.13), (0.24, 0.25, 0.085), (0.95, 0.22, 0.1)]:
        crown = ((X - x) / wide) ** 2 + ((Y - top - 0.16) / 0.17) ** 2
        leaf = ramp(
            np.clip(0.5 + (X - x) / wide * 0.4 + 0.16 * noise(rng, 20), 0, 1),
            rgb("1c3f5e", "1f6a4a", "5fa03a", "d8c84a"),
        )
        scene = blend(scene, leaf, step(1 + 0.15 * noise(rng, 25) - crown, 0.15) * (Y < 0.52))
        scene = blend(
            scene, rgb("4a2f5a")[0], step(0.008 - np.abs(X - x)) * (Y > top + 0.2) * (Y < shore)
        )

    def sail(x: float, foot: float, tall: float, tone: str) -> None:
        nonlocal scene
        up = (foot - Y) / tall
        inside = (up > 0) & (up < 1) & (X - x > 0) & (X - x < 0.42 * tall * (1 - up))
        jib = (up > 0.05) & (up < 0.8) & (x - X > 0.008) & (x - X < 0.25 * tall * (0.85 - up))
        scene = blend(scene, rgb(tone)[0] * (0.82 + 0.3 * up[..., None]), (inside | jib) * 1.0)
        hull = (Y > foot) & (Y < foot + 0.028) & (np.abs(X - x - 0.02) < 0.24 * tall - (Y - foot))
        scene = blend(scene, rgb("7a2038")[0], hull * 1.0)

    sail(0.45, 0.52, 0.17, "fff2dc")
    sail(0.74, 0.5, 0.1, "fbd8c8")
    water = reflect(scene, shore, 16 * noise(rng, (6, 40)))
    depth = 0.25 + 0.45 * (Y - shore) + 0.14 * noise(rng, (5, 45))
    water = blend(water, rgb("2a5aa8")[0], depth)
    scene = blend(scene, water, (shore + 0.03 < Y) * 1.0)
    sail(0.3, 0.7, 0.3, "fff6e4")
    bank = 0.87 + 0.04 * np.sin(X * 5 + 2.4) + 0.008 * noise(rng, 20)
    grass = ramp(
        np.clip((Y - bank) / 0.13 + 0.2 * noise(rng, 16), 0, 1),
        rgb("d8d85a", "6aae3a", "2a7a4a", "1c3f6a"),
    )
    grass = blend(grass, rgb("e8405a")[0], step(noise(rng, 9) - 1.9, 0.2))
    scene = blend(scene, grass, step(Y - bank))

    canvas = Image.new("RGB", (N, N), "#efe2c4")
    draw = ImageDraw.Draw(canvas)
    for spacing, radius, strength in [(14, 10.0, 0.05), (11, 7.2, 0.09), (12, 5.4, 0.15)]:
        steps = np.arange(0, N + spacing, spacing)
        spots = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2).astype(float)
        spots += rng.normal(0, spacing * 0.33, spots.shape)
        rng.shuffle(spots)
        hsv = color.rgb2hsv(np.clip(at(scene, spots), 0, 1)[None])[0]
        hsv[:, 0] += rng.normal(0, strength * 0.55, len(hsv))
        hsv[:, 0] += np.where(rng.random(len(hsv)) < strength * 0.7, 0.5, 0)  # complement
        hsv[:, 1] = hsv[:, 1] * rng.uniform(1.05, 1.6, len(hsv)) + 0.06
        hsv[:, 2] *= rng.uniform(0.86, 1.12, len(hsv))
        hsv = np.stack([hsv[:, 0] % 1, *np.clip(hsv[:, 1:].T, 0, 1)], axis=-1)
        sizes = radius * rng.uniform(0.75, 1.2, len(spots))
        for (x, y), size, tone in zip(
            spots, sizes, to_ints(color.hsv2rgb(hsv[None])[0]), strict=True
        ):
            draw.ellipse([x - size, y - size * 0.92, x + size, y + size * 0.92], tone)
    image = np.asarray(canvas) / 255
    return relief(image, ndimage.gaussian_filter(image.mean(axis=-1), 2), 2.0)


def planes(rng: np.random.Generator) -> np.ndarray:
    """Analytic planes: lines and arcs cut the picture into facets, each shaded along an edge."""
    edges = []
    for _ in range(13):
        turn, shift = (
            rng.choice([0.3, 0.75, 1.25, 1.9, 2.4]) + rng.normal(0, 0.12),
            rng.uniform(-0.5, 0.5),
        )
        edges.append((X - 0.5) * np.cos(turn) + (Y - 0.5) * np.sin(turn) - shift)
    for x, y, radius in [
        (0.42, 0.62, 0.24),
        (0.6, 0.34, 0.17),
        (0.36, 0.3, 0.32),
        (0.5, 0.62, 0.085),
    ]:
        edges.append(np.hypot(X - x, Y - y) - radius)
    code = np.zeros((N, N), dtype=np.int64)
    for k, edge in enumerate(edges):
        code += (edge > 0).astype(np.int64) << k
    _, cell = np.unique(code, return_inverse=True)
    cell = cell.reshape(N, N)
    count = cell.max() + 1
    tones = rgb(
        "2e2a2a",
        "5a4636",
        "8a6a44",
        "b8935a",
        "d8b884",
        "ece0c4",
        "8f9a98",
        "5a7078",
        "2c5468",
        "b4582e",
        "d68a3a",
        "6f7a4c",
    )
    weights = np.array([5, 7, 9, 11, 11, 9, 8, 8, 6, 5, 6, 5]) / 90
    image = tones[rng.choice(len(tones), count, p=weights)][cell]
    image = image * 0.78 + 0.22 * ramp(
        np.clip(1.15 - 1.5 * np.hypot(X - 0.46, Y - 0.45), 0, 1), rgb("3a3430", "e8d4a4")
    )
    for edge in edges:  # a facet is light on one side of its edge and falls into shade from it
        reach, depth = rng.uniform(0.05, 0.16), rng.uniform(0.22, 0.5)
        where = noise(rng, 130) > -0.7
        shade = np.exp(-np.abs(edge) / reach) * np.where(edge > 0, -depth, depth * 0.55) * where
        image = blend(
            image * (1 + np.minimum(shade, 0))[..., None], rgb("f6ecd0")[0], np.maximum(shade, 0)
        )
    turns = rng.uniform(0, np.pi, count)[cell]
    wood = np.sin((X * np.cos(turns) + Y * np.sin(turns)) * 520 + 2.2 * noise(rng, 18))
    kind = rng.integers(0, 7, count)[cell]
    image = blend(image, image * 0.72, (kind == 0) * np.clip(wood, 0, 1))
    image = blend(image, rgb("1e1c1c")[0], (kind == 1) * step(noise(rng, 3) - 1.5, 0.3) * 0.55)
    image = blend(image, rgb("f4ead0")[0], (kind == 2) * step(noise(rng, 3.2) - 1.3, 0.3) * 0.6)
    dabs = np.stack([noise(rng, (3, 22), 2), noise(rng, (22, 3), 2), noise(rng, (9, 9), 2)])
    grain = np.take_along_axis(dabs, (cell % 3)[None], axis=0)[0]
    image = image * (1 + 0.05 * grain)[..., None]
    for edge in edges:
        width = 0.0012 + 0.0035 * np.clip(noise(rng, 90), 0, 1.2)
        image = blend(
            image,
            rgb("1a1716")[0],
            step(width - np.abs(edge), 0.002) * 0.85 * (noise(rng, 80) > -0.8),
        )
    for k in range(6):  # strings across the round opening
        string = np.abs((X - 0.42 - 0.014 * k) * np.cos(0.42) - (Y - 0.62) * np.sin(0.42))
        along = (X - 0.42) * np.sin(0.42) + (Y - 0.62) * np.cos(0.42)
        image = blend(
            image, rgb("f2e4bc")[0], step(0.0012 - string, 0.002) * (np.abs(along) < 0.33)
        )
    return relief(np.clip(image, 0, 1), noise(rng, 4, 2) * 0.05 + grain * 0.03, 1.6)


def mosaic(rng: np.random.Generator) -> np.ndarray:
    """Roman mosaic: rows of small tesserae that follow the outline of two fish and the waves."""

    def fish(x: float, y: float, size: float, flip: int, lean: float):
        u = ((X - x) * np.cos(lean) + (Y - y) * np.sin(lean)) * flip / size
        v = (-(X - x) * np.sin(lean) + (Y - y) * np.cos(lean)) / size
        lobe = np.clip(1 - ((u + 0.55 * v - 0.12) / 0.46) ** 2, 0, 1) ** 0.6
        body = 0.36 * np.clip(1 - (u + 0.05) ** 2, 0, 1) ** 0.8 + np.where(v < 0, 0.16, 0.07) * lobe
        tail = np.minimum(0.06 + 0.95 * (u - 0.7), (1.3 - u) * 2 + 0.04) * (u > 0.6)
        notch = u > 1.06 + 0.8 * np.abs(v)
        inside = (np.abs(v) < np.maximum(body, tail)) & ~notch
        return ndimage.gaussian_filter(inside.astype(float), 9) > 0.5, u, v

    shapes = [fish(0.46, 0.34, 0.29, 1, 0.14), fish(0.56, 0.7, 0.26, -1, 0.1)]
    swell = np.sin(Y * 30 + 2.2 * np.sin(X * 6 + 1) + 0.5 * noise(rng, 60))
    scene = ramp(0.5 + 0.3 * swell, rgb("174a6e", "1f7a94", "3fa6a8", "9cd0bc", "e6e2c0"))
    level = Y * 0.9 + 0.073 * np.sin(X * 6 + 1)
    inside_any = np.zeros((N, N), dtype=bool)
    for (inside, u, v), tones in zip(
        shapes,
        [("8a1f1a", "d8552a", "f2a33a", "fbe0a0"), ("4a1f4e", "a83a5a", "e88a5a", "fbe2b0")],
        strict=True,
    ):
        scales = 0.13 * np.sin(u * 24) * np.sin(v * 30)
        flesh = ramp(np.clip(0.42 + v * 1.3 + scales + 0.05 * noise(rng, 10), 0, 1), rgb(*tones))
        gill = step(0.03 - np.abs(np.hypot(u + 1.0, v) - 0.42), 0.02)
        flesh = blend(flesh, rgb("3a1420")[0], gill * 0.8)
        flesh = blend(flesh, rgb("f8f0d8")[0], step(0.085 - np.hypot(u + 0.72, v + 0.08), 0.01))
        flesh = blend(flesh, rgb("101018")[0], step(0.045 - np.hypot(u + 0.72, v + 0.08), 0.01))
        scene = blend(scene, flesh, inside * 1.0)
        inside_any |= inside
    outside = ndimage.distance_transform_edt(~inside_any)
    within = ndimage.distance_transform_edt(inside_any)
    scene = blend(scene, rgb("20161c")[0], ((within > 0) & (within < 15)) * 0.85)
    scene = blend(scene, rgb("f3e7c6")[0], ((outside > 0) & (outside < 30)) * 0.9)
    frame = np.minimum.reduce([X, 1 - X, Y, 1 - Y]) * N
    border = frame < 64
    chain = np.sin(np.where(np.minimum(X, 1 - X) < np.minimum(Y, 1 - Y), Y, X) * N / 27)
    scene = blend(
        scene, ramp(np.clip(0.5 + chain, 0, 1), rgb("7a2a20", "e2b95a")), (frame < 46) * 1.0
    )
    scene = blend(scene, rgb("2a1a1c")[0], ((frame < 15) | ((frame > 46) & (frame < 64))) * 1.0)

    side = 15.5  # edge of a tessera with its joint, drawing pixels
    row = np.where(
        border,
        frame / side,
        np.where(inside_any | (outside < 5 * side), (outside - within) / side, level * N / side),
    )
    zone = np.where(border, 0, np.where(inside_any, 1, np.where(outside < 5 * side, 2, 3)))
    canvas = Image.new("RGB", (N, N), "#4d443c")
    height = Image.new("L", (N, N), 0)
    taken = np.zeros((N, N), dtype=bool)
    draw, emboss = ImageDraw.Draw(canvas), ImageDraw.Draw(height)

    def lay(center: np.ndarray, turn: float, long: float, wide: float) -> None:
        """Set one stone unless most of its place is taken."""
        across, along = (
            np.array([-np.sin(turn), np.cos(turn)]),
            np.array([np.cos(turn), np.sin(turn)]),
        )
        probe = (
            center
            + np.array(
                [
                    [i * along * long * 0.33 + j * across * wide * 0.33]
                    for i in (-1, 0, 1)
                    for j in (-1, 0, 1)
                ]
            )[:, 0]
        )
        rows, columns = np.clip(np.rint(probe[:, ::-1]).astype(int), 0, N - 1).T
        if taken[rows, columns].sum() > 1:
            return
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [long / 2 - 1.5, wide / 2 - 1.5]
        corners = corners + rng.normal(0, 0.7, corners.shape)
        shape = center + corners[:, :1] * along + corners[:, 1:] * across
        tone = at(scene, center[None])[0] * (1 + rng.normal(0, 0.085)) + rng.normal(0, 0.022, 3)
        points = [tuple(p) for p in shape.tolist()]
        draw.polygon(points, to_ints(tone[None])[0])
        emboss.polygon(points, int(rng.integers(150, 256)))
        low = np.maximum(np.floor(shape.min(axis=0)).astype(int), 0)
        high = np.minimum(np.ceil(shape.max(axis=0)).astype(int) + 1, N)
        yy, xx = np.mgrid[low[1] : high[1], low[0] : high[0]]
        local = np.stack([xx, yy], axis=-1) - center
        taken[low[1] : high[1], low[0] : high[0]] |= (np.abs(local @ along) < long / 2 - 1) & (
            np.abs(local @ across) < wide / 2 - 1
        )

    for kind in (0, 1, 2, 3):
        values = np.where(zone == kind, row, np.nan)
        for value in np.arange(np.floor(np.nanmin(values)), np.nanmax(values) + 1) + 0.5:
            for line in measure.find_contours(values, value):
                line = line[:, ::-1]
                walked = np.concatenate(
                    [[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))]
                )
                stop = rng.uniform(0, side / 2)
                while stop < walked[-1]:
                    long = side * rng.uniform(0.85, 1.25)
                    here = np.array([np.interp(stop, walked, line[:, i]) for i in (0, 1)])
                    ahead = np.array([np.interp(stop + 4, walked, line[:, i]) for i in (0, 1)])
                    behind = np.array([np.interp(stop - 4, walked, line[:, i]) for i in (0, 1)])
                    lay(here, np.arctan2(*(ahead - behind)[::-1]), long, side)
                    stop += long
    holes = rng.uniform(0, N, (26000, 2))  # small stones fill what the rows left open
    for spot in holes:
        if not taken[int(spot[1]), int(spot[0])]:
            lay(spot, rng.uniform(0, np.pi), side * 0.62, side * 0.62)
    grain = 0.05 * noise(rng, 3, 2) + 0.03 * noise(rng, 80)
    stone = np.asarray(canvas) / 255 * (1 + grain)[..., None]
    return relief(np.clip(stone, 0, 1), np.asarray(height) / 255, 0.9)


def woodcut(rng: np.random.Generator) -> np.ndarray:
    """Woodcut: moonlit mountains, everything said by the width and direction of carved lines."""
    moon = np.hypot(X - 0.66, Y - 0.24)
    tone = np.clip(0.25 + 0.85 * np.exp(-moon / 0.22) + 0.06 * noise(rng, 60), 0, 1)
    phase = moon * N / 2.4 + 1.6 * noise(rng, 22)
    tint = np.zeros((N, N))
    for base, rise, light in [(0.5, 0.12, 0.62), (0.6, 0.09, 0.42), (0.69, 0.05, 0.24)]:
        ridge = base - rise * bump(X * 1.3, rng) + 0.006 * noise(rng, 6)[0][None, :]
        slope = ndimage.gaussian_filter1d(np.gradient(ridge[0]) * N, 40)
        inside = Y > ridge
        fall = Y - ridge
        face = np.tanh(3 * np.interp(X + 0.4 * fall + 0.012 * noise(rng, 14), X[0], slope))
        facing = np.clip(
            light + 0.3 * face * np.sign(0.66 - X) - 0.9 * fall + 0.1 * noise(rng, (20, 10), 2),
            0,
            1,
        )
        facing = np.where(fall < 0.006, 0.0, np.where(fall < 0.013, 1.0, facing))
        tone = np.where(inside, facing, tone)
        lines = (X * 0.75 * np.sign(face) + Y) * N / 2.6
        phase = np.where(inside, lines + 1.6 * noise(rng, 30), phase)
        tint = np.where(inside, 1 - light, tint)
    shore = 0.75
    water = Y > shore
    depth = np.clip(Y - shore, 0, 1)
    glitter = np.exp(-np.abs(X - 0.66) / (0.06 + 0.6 * depth))
    calm = np.clip(0.2 + 0.7 * glitter + 0.1 * noise(rng, (6, 60)), 0, 1)
    tone = np.where(water, calm, tone)
    phase = np.where(water, depth * N / (1.9 + 2.2 * depth) + 1.1 * noise(rng, (14, 45)), phase)
    tint = np.where(water, 0.5, tint)
    tone = np.where(moon < 0.1, 1.0 - 0.3 * (noise(rng, 24) > 1.1) * (moon < 0.09), tone)
    for x, foot, tall in [
        (0.1, 0.99, 0.56),
        (0.24, 1.0, 0.4),
        (0.92, 1.0, 0.47),
        (0.8, 1.03, 0.3),
        (0.02, 1.0, 0.34),
    ]:
        up = (foot - Y) / tall
        tier = (up * 11 + 0.6 * np.abs(X - x) / tall) % 1
        boughs = 0.17 * tall * (1.06 - up) * (0.62 + 0.5 * tier)
        tree = (up > 0) & (up < 1) & (np.abs(X - x) < boughs + 0.003 * noise(rng, 4))
        tone = np.where(tree, np.clip(0.3 * (X - x) / boughs * np.sign(0.66 - x), 0, 0.3), tone)
        phase = np.where(tree, (Y + np.abs(X - x) * 0.9) * N / 2.0, phase)
        rim = ndimage.binary_dilation(tree, iterations=5) & ~tree
        tone = np.where(rim, 1.0, tone)
    carved = np.sin(phase) * 0.5 + 0.5 + 0.06 * noise(rng, 3)
    paper = step(tone * 1.12 - 0.06 - carved, 0.14)
    paper = np.maximum(paper, step(noise(rng, (2, 5)) - 3.2, 0.3))
    ground = ramp(np.clip(moon / 0.75, 0, 1), rgb("fbe9b4", "f2c878", "d98a52", "a8504a"))
    ground = blend(ground, rgb("e0d6b4")[0], tint * 0.75)
    ground = blend(ground, rgb("fff6d8")[0], step(0.1 - moon))
    wear = 0.22 * noise(rng, (2, 60)) + 0.2 * noise(rng, 3)
    ink = ramp(0.5 + wear, rgb("171a2a", "28304a"))
    return blend(ink, ground * (1 + 0.02 * noise(rng, 2))[..., None], paper)


STYLES: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "sunlit_field": sunlit_field,
    "aurora": aurora,
    "stained_glass": stained_glass,
    "ink_waves": ink_waves,
    "river_in_dots": river_in_dots,
    "planes": planes,
    "mosaic": mosaic,
    "woodcut": woodcut,
}


def make(name: str, folder: Path = FOLDER) -> Path:
    """Draw style `name` and save it as a JPEG of SIZE x SIZE pixels; return its path."""
    seed = sum(name.encode())
    drawn = np.clip(STYLES[name](np.random.default_rng(seed)), 0, 1)
    picture = Image.fromarray(np.uint8(np.rint(drawn * 255)))
    picture = picture.resize((SIZE, SIZE), Image.Resampling.LANCZOS)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.jpg"
    picture.save(path, quality=QUALITY, subsampling=0, optimize=True)
    return path


def main() -> None:
    """Draw all styles, or those named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", choices=[*STYLES, []], help="default: all")
    for name in parser.parse_args().names or STYLES:
        path = make(name)
        print(f"{path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
