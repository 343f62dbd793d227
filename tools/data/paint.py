"""What the style pictures are painted with: colors, noise, light, a brush, and tesserae.

All arrays of a picture have the shape (N, N), with colors (N, N, 3), values in [0, 1].
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from PIL import Image, ImageDraw
from scipy import fft, ndimage
from skimage import measure

SIZE = 384  # pixels along a side of the finished picture
SCALE = 3  # pictures are drawn this much larger, then reduced: smooth edges
N = SIZE * SCALE
SIDE = 15.5  # edge of a tessera with its joint, drawing pixels

Y, X = np.mgrid[0:N, 0:N] / (N - 1)  # position of every pixel in [0, 1]


def rgb(*names: str) -> np.ndarray:
    """Return hexadecimal colors such as ``"e8b04a"`` as an array of shape (len(names), 3)."""
    return np.array([list(bytes.fromhex(name)) for name in names]) / 255


def ramp(t: np.ndarray, *names: str) -> np.ndarray:
    """Color for each t, from the first at 0 to the last at 1: t.shape + (3,)."""
    stops = np.linspace(0, 1, len(names))
    return np.stack([np.interp(t, stops, channel) for channel in rgb(*names).T], axis=-1)


def blend(below: np.ndarray, above: np.ndarray | str, cover: np.ndarray) -> np.ndarray:
    """Lay `above`, a picture or the name of a color, over `below` where `cover` (N, N) is 1."""
    above = rgb(above)[0] if isinstance(above, str) else above
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
    light = (-(slope_x + slope_y) * strength)[..., None]
    return np.clip(image * (1 + np.clip(light, -0.5, 0)) + 0.55 * np.clip(light, 0, 0.6), 0, 1)


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


def by_cell(textures: list[np.ndarray], cell: np.ndarray) -> np.ndarray:
    """One of some textures for each pixel, by the number of its cell."""
    return np.take_along_axis(np.stack(textures), (cell % len(textures))[None], axis=0)[0]


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


class Stones:
    """Tesserae with the colors of a scene, one after the other where there is room."""

    def __init__(self, rng: np.random.Generator, scene: np.ndarray) -> None:
        self.rng, self.scene = rng, scene
        self.canvas, self.height = Image.new("RGB", (N, N), "#4d443c"), Image.new("L", (N, N), 0)
        self.draw, self.emboss = map(ImageDraw.Draw, (self.canvas, self.height))
        self.taken = np.zeros((N, N), dtype=bool)

    def lay_rows(self, rows: np.ndarray) -> None:
        """Stones along the lines where `rows` is half an odd number; NaN is outside."""
        for value in np.arange(np.floor(np.nanmin(rows)), np.nanmax(rows) + 1) + 0.5:
            for line in measure.find_contours(rows, value):
                self.lay_line(line[:, ::-1])

    def lay_line(self, line: np.ndarray) -> None:
        steps = np.linalg.norm(np.diff(line, axis=0), axis=1)
        walked = np.concatenate([[0], np.cumsum(steps)])

        def point(distance: float) -> np.ndarray:
            return np.array([np.interp(distance, walked, axis) for axis in line.T])

        stop = self.rng.uniform(0, SIDE / 2)
        while stop < walked[-1]:
            long = SIDE * self.rng.uniform(0.85, 1.25)
            turn = np.arctan2(*(point(stop + 4) - point(stop - 4))[::-1])
            self.lay(point(stop), turn, long, SIDE)
            stop += long

    def lay(self, center: np.ndarray, turn: float, long: float, wide: float) -> None:
        """Set one stone unless most of its place is taken."""
        along, across = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        corners = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
        probe = center + [i * along * long * 0.33 + j * across * wide * 0.33 for i, j in corners]
        rows, columns = np.clip(np.rint(probe[:, ::-1]).astype(int), 0, N - 1).T
        if self.taken[rows, columns].sum() > 1:
            return
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [long / 2 - 1.5, wide / 2 - 1.5]
        corners = corners + self.rng.normal(0, 0.7, corners.shape)
        shape = center + corners[:, :1] * along + corners[:, 1:] * across
        vary = 1 + self.rng.normal(0, 0.085), self.rng.normal(0, 0.022, 3)
        tone = at(self.scene, center[None])[0] * vary[0] + vary[1]
        points = [tuple(p) for p in shape.tolist()]
        self.draw.polygon(points, to_ints(tone[None])[0])
        self.emboss.polygon(points, int(self.rng.integers(150, 256)))
        low = np.maximum(np.floor(shape.min(axis=0)).astype(int), 0)
        high = np.minimum(np.ceil(shape.max(axis=0)).astype(int) + 1, N)
        box = slice(low[1], high[1]), slice(low[0], high[0])
        local = np.stack(np.mgrid[box][::-1], axis=-1) - center
        near = [np.abs(local @ along) < long / 2 - 1, np.abs(local @ across) < wide / 2 - 1]
        self.taken[box] |= near[0] & near[1]
