"""Draw the eight style pictures of lesson 08 by code: ``python -m tools.data.make_styles``.

A style picture has to be rich in local texture at several scales, since the Gram matrices of
Gatys et al. (2015) keep nothing else. Each function below composes one from scratch, in the manner
of a technique (brush, glass, print, dots, planes, tesserae, woodcut, impasto), from a fixed seed;
no photograph and nobody's picture goes in. The same versions of the libraries give the same files:
``--check`` draws all and compares. The order in which chance is asked is part of a picture.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage
from scipy.spatial import cKDTree
from skimage import color

from tools.data.paint import (
    SIDE,
    SIZE,
    N,
    Stones,
    X,
    Y,
    at,
    blend,
    brush,
    bump,
    by_cell,
    noise,
    ramp,
    reflect,
    relief,
    rgb,
    step,
    to_ints,
)

QUALITY = 88  # of the JPEG files, without chroma subsampling
FOLDER = Path(__file__).resolve().parents[2] / "data" / "styles"

Rng = np.random.Generator


# --- brush and impasto --------------------------------------------------------------------------


def sunlit_field(rng: Rng) -> np.ndarray:
    """Brush strokes along a flow field: a wheat field under a wide sky."""
    scene, angle = sunlit_sky(rng)
    lines = [
        (0.43, 0.03, ("5e6fae", "8e86c0")),
        (0.49, 0.03, ("2f6f68", "6fa06a")),
        (0.56, 0.02, ("3f7a2e", "a8b04a")),
    ]
    for base, rise, tones in lines:
        ridge = base - rise * bump(X, rng)
        depth = np.clip((Y - ridge) / 0.1, 0, 1)
        scene = blend(scene, ramp(1 - depth, *tones), step(Y - ridge))
        slope = np.arctan(np.gradient(ridge, axis=1) * N) + 0.25 * noise(rng, 25)
        angle = np.where(Y > ridge, slope, angle)
    field = 0.6 + 0.02 * bump(X, rng)
    scene = blend(scene, wheat(rng, np.clip((Y - field) / 0.4, 0, 1)), step(Y - field))
    aim = np.arctan2(Y - 0.42, X - 0.35) + 0.28 * noise(rng, 30)
    angle = np.where(Y > field, aim, angle)
    for x, foot, tall, wide in [
        (0.14, 0.64, 0.26, 0.075),
        (0.27, 0.6, 0.15, 0.05),
        (0.9, 0.61, 0.17, 0.06),
    ]:
        crown = ((X - x) / wide) ** 2 + ((Y - foot + tall / 2) / (tall / 2)) ** 2
        light = 0.45 - (X - x) / wide * -0.3 + 0.2 * noise(rng, 9)
        tree = step(1 + 0.18 * noise(rng, 12) - crown, 0.2)
        scene = blend(scene, ramp(light, "12352e", "24603a", "6a9a3c", "c2c45a"), tree)
        around = np.arctan2((Y - foot + tall / 2) / tall, (X - x) / wide) + np.pi / 2
        angle = np.where(tree > 0.5, around + 0.3 * noise(rng, 22), angle)
    return brush(scene, angle, rng, [(2600, 110, 30), (5200, 66, 16), (7000, 36, 9)], "caa35a")


def sunlit_sky(rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    """Clouds and a sun, and the direction of the strokes, which circle it."""
    sun = np.hypot(X - 0.7, Y - 0.2)
    clouds = noise(rng, (26, 90), 3) + 0.5 * noise(rng, 12)
    sky = ramp(Y / 0.48, "1f4e9c", "2f7fc4", "6fb9d8", "d9e6c4", "f8dfa0")
    sky = blend(sky, ramp(clouds / 3, "f2c9b0", "fff4dc"), step(clouds - 0.55, 0.9) * 0.85)
    sky = blend(sky, "fbd24e", np.exp(-((sun / 0.13) ** 2)) * 1.1)
    sky = blend(sky, "fff6c8", step(0.055 - sun, 0.01))
    pull = np.clip(1 - sun / 0.42, 0, 1)  # strokes drift level far from the sun
    drift = 0.55 * noise(rng, 60) * (1 - pull / 2)
    return sky, (np.arctan2(Y - 0.2, X - 0.7) + np.pi / 2) * pull + drift


def wheat(rng: Rng, down: np.ndarray) -> np.ndarray:
    """Rows of wheat with poppies and cornflowers; `down` grows from 0 toward the viewer."""
    rows = np.sin(np.arctan2(X - 0.35, Y - 0.42) * 34 + 0.6 * noise(rng, 20))
    ripe = 0.5 + 0.3 * rows + 0.12 * noise(rng, 9)
    field = ramp(ripe, "8a4b12", "cf8a1c", "f0bd3a", "fbe488")
    field = blend(field, "b8501c", down * 0.28)
    field = blend(field, "c8281e", step(noise(rng, 8) - 2.25 + 0.5 * down, 0.1))
    return blend(field, "3a62a8", step(noise(rng, 7) - 2.6 + 0.4 * down, 0.1))


def aurora(rng: Rng) -> np.ndarray:
    """Thick paint in whirls: northern lights over mountains and a lake."""
    scene, angle = northern_sky(rng)
    shore = 0.64
    for base, rise, tones in [
        (0.52, 0.085, ("23306e", "5f86c4", "d4e6ee")),
        (0.6, 0.035, ("120d34", "2a1f5e", "6a58a8")),
    ]:
        ridge = base - rise * bump(X * 1.1, rng, 7)
        slope = ndimage.gaussian_filter1d(np.gradient(ridge[0]) * N, 10)[None, :]
        fall = np.clip((Y - ridge) / 0.1, 0, 1)
        lit = 0.62 - 0.75 * fall - 0.5 * np.tanh(2 * slope) + 0.12 * noise(rng, 10)
        scene = blend(scene, ramp(lit, *tones), step(Y - ridge))
        angle = np.where(Y > ridge, np.arctan(1.6 * slope) + 0.15 * noise(rng, 25), angle)
    lake = reflect(scene, shore, 14 * noise(rng, (5, 40)))
    lake = blend(lake * 0.95, "123a78", 0.16 + 0.12 * noise(rng, (4, 50)))
    scene = blend(scene, lake, step(Y - shore))
    angle = np.where(Y > shore, 0.12 * noise(rng, 30), angle)
    passes = [(2600, 90, 26), (6000, 56, 14), (8000, 30, 8)]
    return brush(scene, angle, rng, passes, "141c4c", vary=0.04, thickness=0.07)


def northern_sky(rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    """Two curtains of light, stars, and the direction of the strokes, which circle each star."""
    swirl = noise(rng, 110, 2)
    slope_y, slope_x = np.gradient(ndimage.gaussian_filter(swirl, 20))
    angle = np.arctan2(-slope_x, slope_y)
    sky = ramp(Y / 0.62 + 0.05 * noise(rng, 30), "0b1140", "14246a", "1d4c8f", "2f8a9c")
    for middle, height, tones in [
        (0.17, 0.2, ("e85aa8", "8a4ad0", "2b2f86")),
        (0.33, 0.24, ("d8ffb0", "4fe39a", "1a8f8c")),
    ]:
        path = middle + 0.07 * np.sin(X * 7 + 9 * middle) + 0.03 * noise(rng, 60)
        above = (path - Y) / height
        glow = np.where(above > 0, np.exp(-above * 2.2), np.exp(above * 16))
        glow *= 0.75 + 0.25 * noise(rng, (90, 6))
        sky = blend(sky, ramp(above, *tones), glow)
    ranges = ((0, 1), (0, 0.44), (0.006, 0.014))
    for x, y, size in zip(*(rng.uniform(*ends, 34) for ends in ranges), strict=True):
        far = np.hypot(X - x, Y - y)
        sky = blend(sky, "f9e07a", 0.65 * np.exp(-((far / size) ** 2)))
        sky = blend(sky, "fffbe0", step(size * 0.35 - far, 0.004))
        angle = np.where(far < size * 1.5, np.arctan2(Y - y, X - x) + np.pi / 2, angle)
    return sky, angle


# --- glass --------------------------------------------------------------------------------------


def stained_glass(rng: Rng) -> np.ndarray:
    """Stained glass: Voronoi cells in rings around a sun, dark leading, light from behind."""
    seeds, tones = rings(rng)
    pixels = np.stack([X + 0.006 * noise(rng, 40), Y + 0.006 * noise(rng, 40)], axis=-1)
    (near, second), (cell, rival) = (np.moveaxis(a, -1, 0) for a in cKDTree(seeds).query(pixels, 2))
    border = (second**2 - near**2) / (2 * np.linalg.norm(seeds[cell] - seeds[rival], axis=-1))
    sky = ("fff2b8", "ffd23c", "ff9a1f", "e8481c", "c01646", "7a1a86", "3a2aa8", "1746b8", "0f6fc0")
    glass = ramp(tones + rng.normal(0, 0.05, len(tones)), *sky)
    water = rgb("0e8f8a", "18b07a", "7cc84a", "126a9c", "0a4a8c", "2fc4b4")
    low = seeds[:, 1] > 0.7 + 0.05 * np.sin(seeds[:, 0] * 9)
    glass[low] = water[rng.integers(0, len(water), low.sum())]
    accent = rng.random(len(seeds)) < 0.1
    glass[accent] = rgb("e6265c", "1fb0d8", "f7c52a", "2c9a4a")[rng.integers(0, 4, accent.sum())]
    glass = np.clip(glass + rng.normal(0, 0.03, glass.shape), 0, 1)
    grain = by_cell([noise(rng, (5, 45), 2), noise(rng, (45, 5), 2), noise(rng, 16, 3)], cell)
    pane = glass[cell] * (0.84 + 0.16 * grain + 1.8 * np.clip(border, 0, 0.12))[..., None]
    pane = blend(pane, np.ones(3), 0.1 * np.clip(noise(rng, 7, 2) - 1.2, 0, 1))
    pane *= (1.18 - 0.75 * np.hypot(X - 0.5, Y - 0.42) ** 1.6)[..., None]
    width = 0.0068 + 0.0016 * noise(rng, 30)
    dark = rgb("14110f")[0] * np.ones((N, N, 1))
    lead = blend(dark, "5a5350", np.exp(-((border / 0.0022) ** 2)) * 0.8)
    image = blend(lead * (1 + 0.2 * noise(rng, 4))[..., None], pane, step(border - width, 0.003))
    bloom = ndimage.gaussian_filter(np.clip(image, 0, 1), (14, 14, 0))
    return 1 - (1 - np.clip(image, 0, 1)) * (1 - 0.22 * bloom)


def rings(rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    """Seeds of the cells, (n, 2) in rings around the sun, and their tones, 0 there to 1 far off."""
    center = np.array([0.5, 0.4])
    seeds, tones = [center], [0.0]
    for ring, radius in enumerate(np.geomspace(0.075, 0.85, 10)):
        count = 9 + 4 * ring
        turn = np.arange(count) * 2 * np.pi / count + ring * 0.35
        reach = radius * (1 + rng.normal(0, 0.035, count))
        turn += rng.normal(0, 0.12 / (1 + ring * 0.3), count)
        seeds.extend(center + np.stack([np.cos(turn), np.sin(turn)], axis=1) * reach[:, None])
        tones.extend([ring / 9] * count)
    return np.array(seeds), np.array(tones)


# --- print --------------------------------------------------------------------------------------

INK, FOAM = "#142340", "#f6efdc"
BLUES = ("#1b3a6b", "#f1ead6", "#2c5a93", "#7fa8c4", "#1b3a6b", "#e4e6d8", "#3f74a8", "#b7d0d8")


def ink_waves(rng: Rng) -> np.ndarray:
    """Waves in the manner of a color woodblock print: ribbed bodies, claws of foam, a red sun."""
    paper = ramp(Y, "e2a987", "f0d5b0", "f4e7c9", "efe3c8", "d9d9c6")
    paper = blend(paper, "35577c", np.clip(1 - Y / 0.13, 0, 1) ** 1.5 * 0.75)
    sun = np.hypot(X - 0.73, Y - 0.27)
    paper = blend(paper, ramp((Y - 0.12) / 0.3, "b8321e", "dd5a35"), step(0.125 - sun))
    canvas = Image.fromarray(np.uint8(np.clip(paper, 0, 1) * 255))
    draw = ImageDraw.Draw(canvas)
    for top, tone in [(0.6, "#7fa8c4"), (0.7, "#2c5a93"), (0.82, "#1b3a6b")]:
        draw.rectangle([0, top * N, N, N], tone)
    for y, size in [(0.56, 0.07), (0.63, 0.09)]:
        for x in np.arange(-0.1, 1.3, size * 2.1):
            place = x + rng.normal(0, 0.02), y + rng.normal(0, 0.012)
            wave(draw, rng, *place, size * rng.uniform(0.9, 1.2))
    wave(draw, rng, 0.98, 0.67, 0.2, -1)
    wave(draw, rng, 0.29, 0.62, 0.45)
    wave(draw, rng, 0.66, 0.93, 0.2)
    wave(draw, rng, 0.06, 0.95, 0.22)
    wave(draw, rng, 1.02, 1.02, 0.22, -1)
    wave(draw, rng, 0.4, 1.08, 0.19)
    print_ = np.asarray(canvas) / 255
    grain = noise(rng, (1.5, 70)) * 0.5 + noise(rng, 2) * 0.5 + 0.6 * noise(rng, 60)
    fibers = step(noise(rng, (9, 1.2)) - 2.4, 0.5) + step(noise(rng, (1.2, 9)) - 2.4, 0.5)
    worn = blend(print_, "f2e6c8", np.clip(0.05 + 0.045 * grain, 0, 0.3) + 0.25 * fibers)
    return worn * (1 + 0.018 * grain)[..., None]


def wave(
    draw: ImageDraw.ImageDraw, rng: Rng, x: float, y: float, size: float, flip: int = 1
) -> None:
    """One breaker: curves from its back to its hollow, all running into the tip."""
    place, scale = np.array([x, y]) * N, np.array([flip, -1]) * size * N
    tip = (0.62, 0.66)
    back = bezier([(-2.3, -0.9), (-0.9, 0.05), (-0.5, 1.32), tip]) * scale + place
    hollow = bezier([(2.2, -0.9), (0.35, -0.25), (-0.3, 0.5), tip]) * scale + place
    curves = [(1 - s) * back + s * hollow for s in np.linspace(0, 1, 19)]
    for k, (one, two) in enumerate(itertools.pairwise(curves)):
        draw.polygon(np.concatenate([one, two[::-1]]).ravel().tolist(), BLUES[k % len(BLUES)])
    for k, curve in enumerate(curves):
        width = 5 if k in (0, len(curves) - 1) else 2
        draw.line(curve.ravel().tolist(), INK, width, joint="curve")
    crest(draw, rng, back, hollow, size * N, flip)
    for _ in range(45):  # spray
        spread = rng.normal(0, 1, 2) * [0.38, 0.3] * size * N
        spot = hollow[-1] + spread + [flip * 0.1 * N * size, 0]
        radius = rng.uniform(2, 7)
        draw.ellipse([*(spot - radius), *(spot + radius)], FOAM)


def crest(
    draw: ImageDraw.ImageDraw,
    rng: Rng,
    back: np.ndarray,
    hollow: np.ndarray,
    size: float,
    flip: int,
) -> None:
    """Foam along the crest, and claws: short hooked fingers that hang from it."""

    def blob(x: float, y: float, radius: float) -> None:
        draw.ellipse([x - radius, y - radius, x + radius, y + radius], FOAM, INK, 3)

    for curve, first, last in [(hollow, 52, 80), (back, 36, 80)]:
        for k in np.repeat(np.arange(first, last), 3):
            grow = (k - first) / (last - first)
            spread = rng.normal(0, 0.035 + 0.03 * grow, 2) * size
            blob(*(curve[k] + spread), size * rng.uniform(0.012, 0.03 + 0.045 * grow))
    for _ in range(26):
        k = int(rng.integers(40, 80))
        root = back[k] if rng.random() < 0.55 else hollow[min(79, k + 6)]
        reach, lean = size * rng.uniform(0.08, 0.2), rng.uniform(0.1, 1.3)
        end = root + reach * np.array([flip * np.cos(lean), np.sin(lean)])
        bend = root + reach * np.array([flip * np.cos(lean - 0.9), np.sin(lean - 0.9)]) * 0.8
        finger = bezier([root, bend, bend, end], 12).ravel().tolist()
        draw.line(finger, INK, max(3, int(size * 0.055)), joint="curve")
        draw.line(finger, FOAM, max(1, int(size * 0.036)), joint="curve")
        blob(*end, size * rng.uniform(0.018, 0.034))


def bezier(points: Iterable[tuple[float, float]], count: int = 80) -> np.ndarray:
    """Points along a cubic Bezier curve: (count, 2)."""
    a, b, c, d = (np.array(p, dtype=float) for p in points)
    t = np.linspace(0, 1, count)[:, None]
    return (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t**2 * c + t**3 * d


# --- dots ---------------------------------------------------------------------------------------


def river_in_dots(rng: Rng) -> np.ndarray:
    """Pointillism: sails on a river at evening, in dots of pure color."""
    shore = 0.5
    scene = evening(rng, shore)
    scene = sail(scene, 0.45, 0.52, 0.17, "fff2dc")
    scene = sail(scene, 0.74, 0.5, 0.1, "fbd8c8")
    water = reflect(scene, shore, 16 * noise(rng, (6, 40)))
    depth = 0.25 + 0.45 * (Y - shore) + 0.14 * noise(rng, (5, 45))
    scene = blend(scene, blend(water, "2a5aa8", depth), shore + 0.03 < Y)
    scene = sail(scene, 0.3, 0.7, 0.3, "fff6e4")
    bank = 0.87 + 0.04 * np.sin(X * 5 + 2.4) + 0.008 * noise(rng, 20)
    height = (Y - bank) / 0.13 + 0.2 * noise(rng, 16)
    grass = ramp(height, "d8d85a", "6aae3a", "2a7a4a", "1c3f6a")
    grass = blend(grass, "e8405a", step(noise(rng, 9) - 1.9, 0.2))
    image = dots(rng, blend(scene, grass, step(Y - bank)))
    return relief(image, ndimage.gaussian_filter(image.mean(axis=-1), 2), 2.0)


def evening(rng: Rng, shore: float) -> np.ndarray:
    """Sky, hills and trees above the shore."""
    scene = ramp(Y / shore, "5a86c8", "8fb0d8", "e6c6c4", "fbd08a", "ffe39a")
    sun = np.hypot(X - 0.62, Y - 0.4)
    scene = blend(scene, "fff0a0", np.exp(-((sun / 0.16) ** 2)))
    scene = blend(scene, "fffbe0", step(0.05 - sun, 0.01))
    for base, rise, tones in [
        (0.44, 0.02, ("6d6fb0", "b58ab0")),
        (0.475, 0.018, ("2f6a6a", "8aa860")),
    ]:
        ridge = base - rise * bump(X, rng)
        scene = blend(scene, ramp((Y - ridge) / 0.06, *tones), step(Y - ridge))
    for x, top, wide in [(0.08, 0.13, 0.13), (0.24, 0.25, 0.085), (0.95, 0.22, 0.1)]:
        crown = ((X - x) / wide) ** 2 + ((Y - top - 0.16) / 0.17) ** 2
        light = 0.5 + (X - x) / wide * 0.4 + 0.16 * noise(rng, 20)
        leaf = ramp(light, "1c3f5e", "1f6a4a", "5fa03a", "d8c84a")
        scene = blend(scene, leaf, step(1 + 0.15 * noise(rng, 25) - crown, 0.15) * (Y < 0.52))
        trunk = step(0.008 - np.abs(X - x)) * (Y > top + 0.2) * (Y < shore)
        scene = blend(scene, "4a2f5a", trunk)
    return scene


def sail(scene: np.ndarray, x: float, foot: float, tall: float, tone: str) -> np.ndarray:
    """The scene with a boat on it: two sails and a hull."""
    up = (foot - Y) / tall
    inside = (up > 0) & (up < 1) & (X - x > 0) & (X - x < 0.42 * tall * (1 - up))
    jib = (up > 0.05) & (up < 0.8) & (x - X > 0.008) & (x - X < 0.25 * tall * (0.85 - up))
    scene = blend(scene, rgb(tone)[0] * (0.82 + 0.3 * up[..., None]), inside | jib)
    hull = (Y > foot) & (Y < foot + 0.028) & (np.abs(X - x - 0.02) < 0.24 * tall - (Y - foot))
    return blend(scene, "7a2038", hull)


def dots(rng: Rng, scene: np.ndarray) -> np.ndarray:
    """The scene in dots, large ones first; some have the complement of their color."""
    canvas = Image.new("RGB", (N, N), "#efe2c4")
    draw = ImageDraw.Draw(canvas)
    for spacing, radius, strength in [(14, 10.0, 0.05), (11, 7.2, 0.09), (12, 5.4, 0.15)]:
        steps = np.arange(0, N + spacing, spacing)
        spots = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2).astype(float)
        spots += rng.normal(0, spacing * 0.33, spots.shape)
        rng.shuffle(spots)
        hsv = color.rgb2hsv(np.clip(at(scene, spots), 0, 1)[None])[0]
        hsv[:, 0] += rng.normal(0, strength * 0.55, len(hsv))
        hsv[:, 0] += np.where(rng.random(len(hsv)) < strength * 0.7, 0.5, 0)
        hsv[:, 1] = hsv[:, 1] * rng.uniform(1.05, 1.6, len(hsv)) + 0.06
        hsv[:, 2] *= rng.uniform(0.86, 1.12, len(hsv))
        hsv = np.stack([hsv[:, 0] % 1, *np.clip(hsv[:, 1:].T, 0, 1)], axis=-1)
        sizes = radius * rng.uniform(0.75, 1.2, len(spots))
        tones = to_ints(color.hsv2rgb(hsv[None])[0])
        for (x, y), size, tone in zip(spots, sizes, tones, strict=True):
            draw.ellipse([x - size, y - size * 0.92, x + size, y + size * 0.92], tone)
    return np.asarray(canvas) / 255


# --- planes -------------------------------------------------------------------------------------

EARTH = ("2e2a2a", "5a4636", "8a6a44", "b8935a", "d8b884", "ece0c4")
EARTH += ("8f9a98", "5a7078", "2c5468", "b4582e", "d68a3a", "6f7a4c")


def planes(rng: Rng) -> np.ndarray:
    """Analytic planes: lines and arcs cut the picture into facets, each shaded along an edge."""
    edges = cuts(rng)
    code = np.zeros((N, N), dtype=np.int64)
    for k, edge in enumerate(edges):
        code += (edge > 0).astype(np.int64) << k
    _, cell = np.unique(code, return_inverse=True)
    cell = cell.reshape(N, N)
    count = cell.max() + 1
    weights = np.array([5, 7, 9, 11, 11, 9, 8, 8, 6, 5, 6, 5]) / 90
    image = rgb(*EARTH)[rng.choice(len(EARTH), count, p=weights)][cell]
    light = ramp(1.15 - 1.5 * np.hypot(X - 0.46, Y - 0.45), "3a3430", "e8d4a4")
    image = image * 0.78 + 0.22 * light
    for edge in edges:  # a facet is light on one side of its edge and falls into shade from it
        reach, depth = rng.uniform(0.05, 0.16), rng.uniform(0.22, 0.5)
        where = noise(rng, 130) > -0.7
        shade = np.exp(-np.abs(edge) / reach) * np.where(edge > 0, -depth, depth * 0.55) * where
        image = image * (1 + np.minimum(shade, 0))[..., None]
        image = blend(image, "f6ecd0", np.maximum(shade, 0))
    image = veneer(rng, image, cell, count)
    grain = by_cell([noise(rng, (3, 22), 2), noise(rng, (22, 3), 2), noise(rng, (9, 9), 2)], cell)
    image = image * (1 + 0.05 * grain)[..., None]
    for edge in edges:
        width = 0.0012 + 0.0035 * np.clip(noise(rng, 90), 0, 1.2)
        line = step(width - np.abs(edge), 0.002) * 0.85 * (noise(rng, 80) > -0.8)
        image = blend(image, "1a1716", line)
    for k in range(6):  # strings across the round opening
        string = np.abs((X - 0.42 - 0.014 * k) * np.cos(0.42) - (Y - 0.62) * np.sin(0.42))
        along = (X - 0.42) * np.sin(0.42) + (Y - 0.62) * np.cos(0.42)
        image = blend(image, "f2e4bc", step(0.0012 - string, 0.002) * (np.abs(along) < 0.33))
    return relief(np.clip(image, 0, 1), noise(rng, 4, 2) * 0.05 + grain * 0.03, 1.6)


def cuts(rng: Rng) -> list[np.ndarray]:
    """Signed distances from thirteen lines and four circles."""
    edges = []
    for _ in range(13):
        turn = rng.choice([0.3, 0.75, 1.25, 1.9, 2.4]) + rng.normal(0, 0.12)
        shift = rng.uniform(-0.5, 0.5)
        edges.append((X - 0.5) * np.cos(turn) + (Y - 0.5) * np.sin(turn) - shift)
    circles = [(0.42, 0.62, 0.24), (0.6, 0.34, 0.17), (0.36, 0.3, 0.32), (0.5, 0.62, 0.085)]
    return edges + [np.hypot(X - x, Y - y) - radius for x, y, radius in circles]


def veneer(rng: Rng, image: np.ndarray, cell: np.ndarray, count: int) -> np.ndarray:
    """Some of the facets as wood, some with dark or light specks."""
    turns = rng.uniform(0, np.pi, count)[cell]
    wood = np.sin((X * np.cos(turns) + Y * np.sin(turns)) * 520 + 2.2 * noise(rng, 18))
    kind = rng.integers(0, 7, count)[cell]
    image = blend(image, image * 0.72, (kind == 0) * np.clip(wood, 0, 1))
    image = blend(image, "1e1c1c", (kind == 1) * step(noise(rng, 3) - 1.5, 0.3) * 0.55)
    return blend(image, "f4ead0", (kind == 2) * step(noise(rng, 3.2) - 1.3, 0.3) * 0.6)


# --- tesserae -----------------------------------------------------------------------------------


def mosaic(rng: Rng) -> np.ndarray:
    """Roman mosaic: rows of small tesserae that follow the outline of two fish and the waves."""
    scene, inside = pond(rng)
    outside, within = (ndimage.distance_transform_edt(mask) for mask in (~inside, inside))
    scene = blend(scene, "20161c", ((within > 0) & (within < 15)) * 0.85)
    scene = blend(scene, "f3e7c6", ((outside > 0) & (outside < 30)) * 0.9)
    frame = np.minimum.reduce([X, 1 - X, Y, 1 - Y]) * N
    chain = np.sin(np.where(np.minimum(X, 1 - X) < np.minimum(Y, 1 - Y), Y, X) * N / 27)
    scene = blend(scene, ramp(0.5 + chain, "7a2a20", "e2b95a"), frame < 46)
    scene = blend(scene, "2a1a1c", (frame < 15) | ((frame > 46) & (frame < 64)))
    zones = [frame < 64, inside, outside < 5 * SIDE]
    level = (Y * 0.9 + 0.073 * np.sin(X * 6 + 1)) * N / SIDE
    around = (outside - within) / SIDE
    row = np.select(zones, [frame / SIDE, around, around], level)
    stones = Stones(rng, scene)
    for kind in range(4):
        stones.lay_rows(np.where(np.select(zones, [0, 1, 2], 3) == kind, row, np.nan))
    for spot in rng.uniform(0, N, (26000, 2)):  # small stones fill what the rows left open
        if not stones.taken[int(spot[1]), int(spot[0])]:
            stones.lay(spot, rng.uniform(0, np.pi), SIDE * 0.62, SIDE * 0.62)
    grain = 0.05 * noise(rng, 3, 2) + 0.03 * noise(rng, 80)
    stone = np.asarray(stones.canvas) / 255 * (1 + grain)[..., None]
    return relief(np.clip(stone, 0, 1), np.asarray(stones.height) / 255, 0.9)


def pond(rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    """Waves with two fish, and where the fish are."""
    swell = np.sin(Y * 30 + 2.2 * np.sin(X * 6 + 1) + 0.5 * noise(rng, 60))
    scene = ramp(0.5 + 0.3 * swell, "174a6e", "1f7a94", "3fa6a8", "9cd0bc", "e6e2c0")
    inside_any = np.zeros((N, N), dtype=bool)
    for place, tones in [
        ((0.46, 0.34, 0.29, 1, 0.14), ("8a1f1a", "d8552a", "f2a33a", "fbe0a0")),
        ((0.56, 0.7, 0.26, -1, 0.1), ("4a1f4e", "a83a5a", "e88a5a", "fbe2b0")),
    ]:
        inside, u, v = fish(*place)
        scales = 0.13 * np.sin(u * 24) * np.sin(v * 30)
        flesh = ramp(0.42 + v * 1.3 + scales + 0.05 * noise(rng, 10), *tones)
        gill = step(0.03 - np.abs(np.hypot(u + 1.0, v) - 0.42), 0.02)
        flesh = blend(flesh, "3a1420", gill * 0.8)
        flesh = blend(flesh, "f8f0d8", step(0.085 - np.hypot(u + 0.72, v + 0.08), 0.01))
        flesh = blend(flesh, "101018", step(0.045 - np.hypot(u + 0.72, v + 0.08), 0.01))
        scene = blend(scene, flesh, inside)
        inside_any |= inside
    return scene, inside_any


def fish(
    x: float, y: float, size: float, flip: int, lean: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where a fish is, and coordinates along it, from head to tail, and across it."""
    u = ((X - x) * np.cos(lean) + (Y - y) * np.sin(lean)) * flip / size
    v = (-(X - x) * np.sin(lean) + (Y - y) * np.cos(lean)) / size
    lobe = np.clip(1 - ((u + 0.55 * v - 0.12) / 0.46) ** 2, 0, 1) ** 0.6
    body = 0.36 * np.clip(1 - (u + 0.05) ** 2, 0, 1) ** 0.8 + np.where(v < 0, 0.16, 0.07) * lobe
    tail = np.minimum(0.06 + 0.95 * (u - 0.7), (1.3 - u) * 2 + 0.04) * (u > 0.6)
    notch = u > 1.06 + 0.8 * np.abs(v)
    inside = (np.abs(v) < np.maximum(body, tail)) & ~notch
    return ndimage.gaussian_filter(inside.astype(float), 9) > 0.5, u, v


# --- woodcut ------------------------------------------------------------------------------------


def woodcut(rng: Rng) -> np.ndarray:
    """Woodcut: moonlit mountains, everything said by the width and direction of carved lines."""
    moon = np.hypot(X - 0.66, Y - 0.24)
    tone, phase, tint = ranges(rng, moon)
    shore = 0.75
    water, depth = shore < Y, np.clip(Y - shore, 0, 1)
    glitter = np.exp(-np.abs(X - 0.66) / (0.06 + 0.6 * depth))
    tone = np.where(water, np.clip(0.2 + 0.7 * glitter + 0.1 * noise(rng, (6, 60)), 0, 1), tone)
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
        tone = np.where(ndimage.binary_dilation(tree, iterations=5) & ~tree, 1.0, tone)
    carved = np.sin(phase) * 0.5 + 0.5 + 0.06 * noise(rng, 3)
    paper = step(tone * 1.12 - 0.06 - carved, 0.14)
    paper = np.maximum(paper, step(noise(rng, (2, 5)) - 3.2, 0.3))
    ground = ramp(moon / 0.75, "fbe9b4", "f2c878", "d98a52", "a8504a")
    ground = blend(ground, "e0d6b4", tint * 0.75)
    ground = blend(ground, "fff6d8", step(0.1 - moon))
    ink = ramp(0.5 + 0.22 * noise(rng, (2, 60)) + 0.2 * noise(rng, 3), "171a2a", "28304a")
    return blend(ink, ground * (1 + 0.02 * noise(rng, 2))[..., None], paper)


def ranges(rng: Rng, moon: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sky and three ranges of mountains: brightness, phase of the carved lines, tint."""
    tone = np.clip(0.25 + 0.85 * np.exp(-moon / 0.22) + 0.06 * noise(rng, 60), 0, 1)
    phase = moon * N / 2.4 + 1.6 * noise(rng, 22)
    tint = np.zeros((N, N))
    for base, rise, light in [(0.5, 0.12, 0.62), (0.6, 0.09, 0.42), (0.69, 0.05, 0.24)]:
        ridge = base - rise * bump(X * 1.3, rng) + 0.006 * noise(rng, 6)[0][None, :]
        slope = ndimage.gaussian_filter1d(np.gradient(ridge[0]) * N, 40)
        inside, fall = ridge < Y, Y - ridge
        face = np.tanh(3 * np.interp(X + 0.4 * fall + 0.012 * noise(rng, 14), X[0], slope))
        facing = light + 0.3 * face * np.sign(0.66 - X) - 0.9 * fall
        facing = np.clip(facing + 0.1 * noise(rng, (20, 10), 2), 0, 1)
        facing = np.where(fall < 0.006, 0.0, np.where(fall < 0.013, 1.0, facing))
        tone = np.where(inside, facing, tone)
        lines = (X * 0.75 * np.sign(face) + Y) * N / 2.6
        phase = np.where(inside, lines + 1.6 * noise(rng, 30), phase)
        tint = np.where(inside, 1 - light, tint)
    return tone, phase, tint


# --- all of them --------------------------------------------------------------------------------

STYLES: dict[str, Callable[[Rng], np.ndarray]] = {
    style.__name__: style
    for style in (
        *(sunlit_field, aurora, stained_glass, ink_waves),
        *(river_in_dots, planes, mosaic, woodcut),
    )
}


def make(name: str, folder: Path = FOLDER) -> Path:
    """Draw a style and save it as a JPEG of SIZE x SIZE pixels; return its path."""
    seed = sum(name.encode())
    drawn = np.clip(STYLES[name](np.random.default_rng(seed)), 0, 1)
    picture = Image.fromarray(np.uint8(np.rint(drawn * 255)))
    picture = picture.resize((SIZE, SIZE), Image.Resampling.LANCZOS)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.jpg"
    picture.save(path, quality=QUALITY, subsampling=0, optimize=True)
    return path


def main(argv: list[str] | None = None) -> int:
    """Draw all styles, or those named; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.data.make_styles", description=__doc__.splitlines()[0]
    )
    parser.add_argument("names", nargs="*", choices=[*STYLES, []], help="default: all")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if one differs")
    options = parser.parse_args(argv)
    different = False
    with tempfile.TemporaryDirectory() as folder:
        for name in options.names or STYLES:
            path = make(name, Path(folder) if options.check else FOLDER)
            same = path.read_bytes() == (FOLDER / path.name).read_bytes()
            different |= not same
            print(f"{path.name}: {path.stat().st_size:,} bytes{'' if same else ', DIFFERENT'}")
    return int(different)


if __name__ == "__main__":
    sys.exit(main())
