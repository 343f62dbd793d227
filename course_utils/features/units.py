"""What excites a unit, and what the layers of a network make of a photo: lessons 03 and 05."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import ask, images, networks
from course_utils.dimensions import Receptive, receptive_fields
from course_utils.features.descriptors import extract

if TYPE_CHECKING:
    from course_utils.networks import Classifier

#: Sample photos that crops are cut from: things and scenes, no pages ("chelsea" is "cat").
SCENES = tuple(
    name for name in images.SAMPLES if name not in ("chelsea", "horse", "moon", "page", "text")
)


def photo_crops(
    per_photo: int = 40, size: int = 64, seed: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Random square crops of the sample photos, small details and nearly whole pictures.

    What is cut is from ``size`` pixels (1 to 300) to the whole height, all scales alike, and is
    then shrunk to ``size``; every second crop is mirrored. Lesson 03, section 9.

    Returns
    -------
    crops : float32 in [0, 1], shape (photos * per_photo, size, size, 3)
    sources : int, shape (photos * per_photo,)
        Position in `SCENES` of the photo that a crop is from.
    """
    ask.whole("per_photo", per_photo)
    ask.whole("size", size, 1, 300)
    random = np.random.default_rng(seed)
    crops = []
    for photo in map(images.sample, SCENES):
        height, width = photo.shape[:2]
        for number in range(per_photo):
            side = int(np.exp(random.uniform(np.log(size), np.log(min(height, width)))))
            top, left = random.integers(height - side + 1), random.integers(width - side + 1)
            crop = images.resize(photo[top : top + side, left : left + side], size)
            crop = np.repeat(crop[..., None], 3, axis=2) if crop.ndim == 2 else crop
            crops.append(crop[:, ::-1] if number % 2 else crop)
    return np.stack(crops), np.repeat(np.arange(len(SCENES)), per_photo)


def fields_inside(field: Receptive, places: int, side: int) -> NDArray[np.int64]:
    """Which of the places along one axis of a map have their receptive field inside the input.

    All of them, where the field is larger than the input, ``side`` pixels. For networks of 3x3
    convolutions with SAME padding and 2x2 pooling, such as VGG: there the field of place i lies
    evenly around the ``field.jump`` pixels from ``i * field.jump`` on.
    """
    first = _first_pixel(field, np.arange(places))
    inside = np.flatnonzero((first >= 0) & (first + field.size <= side))
    return inside if inside.size else np.arange(places)


def _first_pixel(field: Receptive, place: ArrayLike) -> NDArray[np.int64]:
    return np.asarray(place) * field.jump - (field.size - field.jump) // 2


class Peaks(NamedTuple):
    """Where each unit of a layer answers most, crop by crop: three arrays (crops, units)."""

    answers: NDArray[np.float32]
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]


def peaks(
    network: Classifier, layers: Sequence[str], crops: NDArray[np.float32]
) -> dict[str, Peaks]:
    """The strongest answer of every unit of some layers to each crop, and its place.

    Where the receptive field fits into the crop, only places count at which it lies inside:
    otherwise units would be shown for what they answer to the black border. Lesson 03, section 9;
    R. Girshick and others, "Rich feature hierarchies for accurate object detection and semantic
    segmentation", 2014, section 3.1.

    Parameters
    ----------
    network
    layers
        Names of layers with feature maps.
    crops : array of float in [0, 1], shape (n, side, side, 3)
    """
    ask.some("crops", crops)
    fields = receptive_fields(network.model)
    parts: dict[str, list[Peaks]] = {layer: [] for layer in layers}
    for start in range(0, len(crops), 100):  # maps of all crops at once would fill the memory
        few = crops[start : start + 100]
        for layer, maps in extract(network, few, layers, "none", batch_size=100).items():
            inside = fields_inside(fields[layer], maps.shape[1], crops.shape[1])
            answers = maps[:, inside][:, :, inside].reshape(len(few), -1, maps.shape[3])
            row, column = np.divmod(answers.argmax(axis=1), inside.size)
            parts[layer].append(Peaks(answers.max(axis=1), inside[row], inside[column]))
    return {layer: Peaks(*map(np.concatenate, zip(*parts[layer], strict=True))) for layer in layers}


def best_patches(
    field: Receptive,
    peaks: Peaks,
    unit: int,
    crops: NDArray[np.float32],
    sources: NDArray[np.int64],
    count: int = 6,
) -> list[NDArray[np.float32]]:
    """The patches that excite a unit most, best first, each from another photo.

    Parameters
    ----------
    field, peaks
        Of the unit's layer, as `dimensions.receptive_fields` and `peaks` give them.
    unit
        Channel of the layer.
    crops, sources
        As `photo_crops` gives them.
    count
        How many.

    Returns
    -------
    list of arrays in [0, 1], shape (side, side, 3)
        As large as the receptive field; the whole crop where that is larger.
    """
    answers = peaks.answers[:, unit]
    best = [max(np.flatnonzero(sources == s), key=answers.__getitem__) for s in np.unique(sources)]
    patches = []
    for index in sorted(best, key=lambda crop: -answers[crop])[:count]:
        top, left = (
            int(_first_pixel(field, place[index, unit])) if field.size <= crops.shape[1] else 0
            for place in (peaks.rows, peaks.columns)
        )
        patches.append(crops[index, top : top + field.size, left : left + field.size])
    return patches


def sheet(patches: Sequence[NDArray[np.float32]], columns: int = 3) -> NDArray[np.float32]:
    """Patches of one size, (side, side, 3), as a single picture, row by row, with white gaps.

    Tiny ones are enlarged, pixel by pixel, so that the gaps look the same for all sizes.
    """
    times = math.ceil(40 / len(patches[0]))
    patches = [np.kron(patch, np.ones((times, times, 1))) for patch in patches]
    side = len(patches[0])
    gap = side // 20
    rows = math.ceil(len(patches) / columns)
    picture = np.ones((rows * (side + gap) - gap, columns * (side + gap) - gap, 3), np.float32)
    for number, patch in enumerate(patches):
        top, left = (place * (side + gap) for place in divmod(number, columns))
        picture[top : top + side, left : left + side] = patch
    return picture


def feature_maps(
    photo: NDArray[np.float32], network: Classifier | None = None
) -> dict[str, NDArray[np.float32]]:
    """What the 13 convolutions and 5 poolings of the course's slim VGG-16 make of a photo.

    Lesson 05, section 5. The course's network averages its last maps; VGG-16 ends with one more
    pooling, which is added here.

    Parameters
    ----------
    photo : array of float in [0, 1], shape (h, w, 3)
        From 32 pixels a side.
    network
        By default as it was trained; with random weights (``networks.load("embedded",
        pretrained=False)``) it serves as a control.

    Returns
    -------
    dict
        ``"block1_conv1"`` ... ``"block5_pool"`` -> (h, w, channels), 0 or more.
    """
    network = network or networks.load(networks.EMBEDDED)
    names = [name for name in network.layers if name.startswith("block")]
    maps = {name: of_one[0] for name, of_one in extract(network, [photo], names, "none").items()}
    rows, columns = (length // 2 for length in maps[names[-1]].shape[:2])
    squares = maps[names[-1]][: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2, -1)
    return maps | {"block5_pool": squares.max(axis=(1, 3))}


def mosaic(maps: NDArray[np.float32], side: int = 288) -> NDArray[np.float32]:
    """All channels of some feature maps as one square picture, row by row.

    Parameters
    ----------
    maps : array of numbers from 0, shape (h, w, channels)
        The layer's largest values (one in 200) are white, so that a channel without any answer is
        black.
    side
        Of the picture in pixels, at least 8 times the number of channels in a row.

    Returns
    -------
    ndarray of float32 in [0, 1], shape (side, side)
    """
    height, width, channels = maps.shape
    columns = math.ceil(math.sqrt(channels))
    tile = ask.whole("side", side, 8 * columns) // columns
    picture = np.full((side, side), 0.35, np.float32)  # gray joints
    rows = np.arange(tile - 1) * height // (tile - 1)
    across = np.arange(tile - 1) * width // (tile - 1)
    scaled = np.clip(maps / max(float(np.quantile(maps, 0.995)), 1e-9), 0, 1)
    shown = scaled[rows][:, across]
    for channel in range(channels):
        top, left = (tile * place for place in divmod(channel, columns))
        picture[top : top + tile - 1, left : left + tile - 1] = shown[..., channel]
    return picture
