"""Attack explorer of lesson 10: a picture, a target, an attack, and how large the change may be."""

from __future__ import annotations

from functools import lru_cache

import ipywidgets
import numpy as np

from course_utils import adversarial, ask, images, networks, plots
from course_utils.measures import softmax
from course_utils.widgets import Frame, explore

PICTURES = ("coffee", "rocket", "flower", "cat", "coins", "astronaut")
TARGETS = ("goldfish", "king penguin", "teddy", "school bus", "banana", "pizza", "sports car")
ATTACKS = (
    "iterated, toward the target",
    "iterated, away from answer",
    "one step, toward the target",
    "one step, away from answer",
    "random signs",
)
LARGEST = 16  # levels of 255
_SHOWN = 5  # classes with bars
_STRONG = 8  # times that the change is magnified


def frame(picture: str, target: str, attack: str, eps: int) -> Frame:
    """One frame: the change magnified, the changed picture, and bars of the favorite classes.

    For names of ``PICTURES``, ``TARGETS`` (only attacks toward a target look at it) and
    ``ATTACKS``, and the largest change of a value in levels of 255, 0 to ``LARGEST``.
    """
    network = networks.load()
    victim, labels = adversarial.victim_of(network), network.labels
    original, before = _original(picture)
    wanted = network.index(target) if "toward" in attack else None
    answer = before.argmax() if wanted is None else wanted
    changed = _attacked(victim, original, answer, attack, eps / 255)
    after = softmax(victim.logits(changed))[0]
    shown = _favorites(before, after, wanted)
    bars = _bars([labels[k] for k in shown], before[shown], after[shown])
    size = 255 * adversarial.distance(original, changed)[0]
    length = adversarial.distance(original, changed, "l2")[0]
    return Frame(
        {
            f"the change, {_STRONG} times": np.clip(0.5 + _STRONG * (changed - original)[0], 0, 1),
            f"changed: {labels[after.argmax()]}, {after.max():.0%}": changed[0],
            f"before (hatched) {labels[before.argmax()]}, after {labels[after.argmax()]}": bars,
        },
        f"before  {labels[before.argmax()]:20} {before.max():6.1%}\n"
        f"after   {labels[after.argmax()]:20} {after.max():6.1%}\n"
        f"largest change {size:.1f} levels of 255, length (L2) {length:.2f}",
    )


def _attacked(
    victim: adversarial.Victim, original: np.ndarray, label: int, attack: str, eps: float
) -> np.ndarray:
    task, targeted = (victim, original, np.array([label]), eps), "toward" in attack
    if attack == "random signs":
        return adversarial.random_signs(*task).pictures
    if "one step" in attack:
        return adversarial.fgsm(*task, targeted=targeted).pictures
    return adversarial.pgd(*task, targeted=targeted).pictures


def _favorites(before: np.ndarray, after: np.ndarray, target: int | None) -> list[int]:
    """The answer, the target, and what else got likely, each once."""
    likely = np.argsort(-np.maximum(before, after))
    first = [int(before.argmax()), *([] if target is None else [target])]
    return list(dict.fromkeys([*first, *likely[: 2 * _SHOWN].tolist()]))[:_SHOWN]


def _bars(names: list[str], before: np.ndarray, after: np.ndarray) -> np.ndarray:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.2, 2.9), dpi=100, layout="constrained")
    ax = figure.subplots()
    places, gray = np.arange(len(names)), plots.PALETTE["gray"]
    ax.barh(places - 0.2, before, 0.38, label="before", color="white", edgecolor=gray, hatch="///")
    ax.barh(places + 0.2, after, 0.38, label="after", color=plots.PALETTE["vermillion"])
    ax.set_yticks(places, names)
    ax.invert_yaxis()
    ax.set(xlim=(0, 1), xlabel="probability")
    ax.legend(loc="lower right")
    return plots.rasterize(figure)


@lru_cache(maxsize=len(PICTURES))
def _original(picture: str) -> tuple[np.ndarray, np.ndarray]:
    """The picture as a batch of one, and the probabilities of its classes."""
    network = networks.load()
    batch = images.sample(picture, size=network.input_size)[None]
    return batch, softmax(network.predict(batch))[0]


def show(picture: str = "coffee", target: str = "goldfish") -> None:
    """Show the attack explorer, starting with a name of ``PICTURES`` and one of ``TARGETS``."""
    ask.choice("picture", picture, PICTURES)
    ask.choice("target", target, TARGETS)
    controls = {
        "picture": ipywidgets.Dropdown(options=PICTURES, value=picture, description="picture"),
        "target": ipywidgets.Dropdown(options=TARGETS, value=target, description="target"),
        "attack": ipywidgets.Dropdown(options=ATTACKS, description="attack"),
        "eps": ipywidgets.IntSlider(8, 0, LARGEST, description="eps, levels"),
    }

    def enable(_change: object = None) -> None:
        controls["target"].disabled = "toward" not in controls["attack"].value

    controls["attack"].observe(enable, names="value")
    enable()
    explore(frame, controls)
