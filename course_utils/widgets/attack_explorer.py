"""Attack explorer of lesson 10: a picture, a target, an attack, and how large the change may be."""

from __future__ import annotations

from functools import lru_cache

import ipywidgets
import numpy as np

from course_utils import adversarial, images, networks, plots
from course_utils.activations import softmax
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
_STEPS = 10
_SHOWN = 5  # classes with bars
_STRONG = 8  # times that the change is magnified


def frame(picture: str, target: str, attack: str, eps: int) -> Frame:
    """One frame: the change magnified, the changed picture, and bars of the favorite classes.

    Parameters
    ----------
    picture
        A name of ``PICTURES``.
    target
        A name of ``TARGETS``; only the attacks toward a target look at it.
    attack
        One of ``ATTACKS``.
    eps
        Largest change of a value, in levels of 255, 0 to ``LARGEST``.

    Raises
    ------
    ValueError
        Any other name or size.
    """
    _check(picture=(picture, PICTURES), target=(target, TARGETS), attack=(attack, ATTACKS))
    if not 0 <= eps <= LARGEST:
        raise ValueError(f"eps is {eps}; give 0 to {LARGEST} levels.")
    original, before = _original(picture)
    changed = _attack(original, before.argmax(), target, attack, eps / 255)
    after = softmax(_victim().logits(changed))[0]
    labels = networks.load().labels
    magnified = np.clip(0.5 + _STRONG * (changed - original)[0], 0, 1)
    shown = _favorites(before, after, _index(target) if "toward" in attack else None)
    bars = _bars([labels[k] for k in shown], before[shown], after[shown])
    size = 255 * adversarial.distance(original, changed)[0]
    length = adversarial.distance(original, changed, "l2")[0]
    return Frame(
        {
            f"the change, {_STRONG} times": magnified,
            f"changed: {labels[after.argmax()]}, {after.max():.0%}": changed[0],
            f"before (hatched) {labels[before.argmax()]}, after {labels[after.argmax()]}": bars,
        },
        f"before  {labels[before.argmax()]:20} {before.max():6.1%}\n"
        f"after   {labels[after.argmax()]:20} {after.max():6.1%}\n"
        f"largest change {size:.1f} levels of 255, length (L2) {length:.2f}",
    )


def _check(**values: tuple[str, tuple[str, ...]]) -> None:
    for name, (value, known) in values.items():
        if value not in known:
            raise ValueError(f"{name} is {value!r}; choose one of {', '.join(known)}.")


def _attack(original: np.ndarray, answer: int, target: str, attack: str, eps: float) -> np.ndarray:
    if attack == "random signs":
        return adversarial.random_signs(_victim(), original, np.array([answer]), eps).pictures
    targeted = "toward" in attack
    label = np.array([_index(target) if targeted else answer])
    steps = _STEPS if "iterated" in attack else 1
    step = 2.5 * eps / steps if steps > 1 else eps
    return adversarial.pgd(
        _victim(), original, label, eps, steps=steps, step=step, targeted=targeted
    ).pictures


def _favorites(before: np.ndarray, after: np.ndarray, target: int | None) -> list[int]:
    """The answer, the target, and what else got likely, each once."""
    likely = np.argsort(-np.maximum(before, after))
    first = [int(before.argmax()), *([] if target is None else [target])]
    return list(dict.fromkeys([*first, *likely[: 2 * _SHOWN].tolist()]))[:_SHOWN]


def _bars(names: list[str], before: np.ndarray, after: np.ndarray) -> np.ndarray:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.2, 2.9), dpi=100, layout="constrained")
    ax = figure.subplots()
    places = np.arange(len(names))
    looks = (
        (
            -0.2,
            before,
            "before",
            {"color": "white", "edgecolor": plots.PALETTE["gray"], "hatch": "///"},
        ),
        (0.2, after, "after", {"color": plots.PALETTE["vermillion"]}),
    )
    for shift, values, label, look in looks:
        ax.barh(places + shift, values, 0.38, label=label, **look)
    ax.set_yticks(places, names)
    ax.invert_yaxis()
    ax.set(xlim=(0, 1), xlabel="probability")
    ax.legend(loc="lower right")
    return plots.rasterize(figure)


@lru_cache(maxsize=1)
def _victim() -> adversarial.Victim:
    return adversarial.keras_victim(networks.load().model)


@lru_cache(maxsize=len(TARGETS))
def _index(target: str) -> int:
    return networks.load().index(target)


@lru_cache(maxsize=len(PICTURES))
def _original(picture: str) -> tuple[np.ndarray, np.ndarray]:
    """The picture as a batch of one, and the probabilities of its classes."""
    batch = images.sample(picture, size=networks.load().input_size)[None]
    return batch, softmax(_victim().logits(batch))[0]


def show(picture: str = "coffee", target: str = "goldfish") -> None:
    """Show the attack explorer, starting with a name of ``PICTURES`` and one of ``TARGETS``.

    Raises
    ------
    ValueError
        For any other name.
    """
    _check(picture=(picture, PICTURES), target=(target, TARGETS))
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
