"""The model card of the embedded network: model_card.md, filled in from what was measured."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

TEMPLATE = Path(__file__).with_suffix(".md")
# Photos, and the classes that would be right; for some none of the 200 fits.
PHOTOGRAPHS = {
    "astronaut": (),
    "cat": ("tabby", "Persian cat", "Egyptian cat"),
    "china": (),
    "coffee": ("espresso",),
    "flower": (),
    "motorcycle": (),
    "rocket": ("projectile",),
}
SHOWN = """
## Style transfer and dreams

Made by `python -m tools.data.show_embedded` at {pixels} pixels, its settings in `shows.json`.

![A photo, and it in the style of two pictures](style.jpg)

Style transfer (Gatys, Ecker and Bethge, 2015) of the photo {photo}. The loss
fell, by style: {losses}. Both took {style_seconds:.1f} s together, on two cores.

![A cat, and it with the activations of three layers raised](dream.jpg)

DeepDream (Mordvintsev, Olah and Tyka, 2015) of the photo {dreamed}. The layer's
mean square rose: {gains}. All three took {dream_seconds:.1f} s.
"""
TAUGHT = (
    "A target is the true class to {label}, and to {share} what {teacher} of "
    "`keras.applications` says of the picture, enlarged to {pixels} "
    "pixels (distillation; Hinton, Vinyals and Dean, 2015). Its last layer was made anew: "
    "logistic regression on its descriptors of the training pictures, in five folds, so that "
    "no picture is judged by a fit that has seen its label; it names "
    "{top1} of the training pictures right. It was itself "
    "trained on ImageNet, from which these pictures are drawn."
)


def spans(phases: Sequence[Sequence[int]]) -> Iterator[tuple[int, int, int]]:
    """(first epoch, epoch after the last, pixels) of each phase, given as (epochs, pixels)."""
    start = 0
    for epochs, side in phases:
        yield start, start + epochs, side
        start += epochs


def percent(share: float, digits: int = 1) -> str:
    return f"{100 * share:.{digits}f} %"


def interval(score: dict[str, float]) -> str:
    """An accuracy with its interval as text."""
    return f"{percent(score['value'])} [{100 * score['low']:.1f}, {100 * score['high']:.1f}]"


def table(rows: Iterable[Iterable[Any]]) -> str:
    """Rows of a Markdown table."""
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in rows)


def write(folder: Path, large: int) -> None:
    """``MODEL_CARD.md`` and ``curves.png`` from ``training.json`` and ``measures.json``.

    Where `show_embedded.py` has left its strips and ``shows.json``, the card shows them.

    Parameters
    ----------
    folder
        Of the weights.
    large
        From so many numbers on, an array of weights is stored as float16.
    """
    training, measures = (
        json.loads((folder / name).read_text(encoding="utf-8"))
        for name in ("training.json", "measures.json")
    )
    draw_curves(folder / "curves.png", training)
    shows = folder / "shows.json"
    gallery = shown(json.loads(shows.read_text(encoding="utf-8"))) if shows.is_file() else ""
    facts = training | of_training(training) | of_measures(measures)
    text = TEMPLATE.read_text(encoding="utf-8").format(**facts, large=large, gallery=gallery)
    (folder / "MODEL_CARD.md").write_text(text, encoding="utf-8")


def of_training(training: dict[str, Any]) -> dict[str, Any]:
    """What the card says of the training, beside the settings themselves."""
    compared = training["float16_against_trained"]
    sides = [side for start, stop, side in spans(training["phases"]) for _ in range(start, stop)]
    epochs = [
        [
            *(number, side),
            *(f"{e['loss']:.3f}", percent(e["top1"])),
            *(f"{e['val_loss']:.3f}", percent(e["val_top1"])),
        ]
        for number, (side, e) in enumerate(zip(sides, training["epochs"], strict=True), start=1)
    ]
    return {
        "train_pictures": f"{training['pictures']:,}",
        "train_per_class": round(training["pictures"] / training["classes"]),
        "phases": ", ".join(f"{n} epochs at {side} pixels" for n, side in training["phases"]),
        "teacher": taught(training),
        "top1_shipped": percent(compared["top1_shipped"], 2),
        "top1_trained": percent(compared["top1_trained"], 2),
        "difference": compared["largest_logit_difference"],
        "epochs": table(epochs),
    }


def of_measures(measures: dict[str, Any]) -> dict[str, Any]:
    """What the card says of how good the network is."""
    classes, photographs = measures["classes"], measures["photographs"]
    ranked = sorted(classes, key=lambda c: c["top1"] / max(c["pictures"], 1))
    named = [f"{c['label']} ({c['top1']} of {c['pictures']})" for c in ranked]
    return {
        "parameters": f"{measures['parameters']:,}",
        "pictures": f"{measures['pictures']:,}",
        "megabytes": measures["bytes"] / 1e6,
        "top1": interval(measures["top1"]),
        "top5": interval(measures["top5"]),
        "confidence": percent(measures["mean_confidence"]),
        "photographs": table(
            [row["photograph"], row["side"], *(f"{label} {p:.2f}" for label, p in row["answers"])]
            for row in photographs
        ),
        "named_right": named_right(photographs),
        "best": ", ".join(named[:-4:-1]),
        "worst": ", ".join(named[:3]),
        "per_class": " or ".join(str(n) for n in sorted({c["pictures"] for c in classes})),
        "class_rows": table([c["label"], c["top1"], c["top5"], c["mistaken_for"]] for c in classes),
    }


def named_right(rows: list[dict[str, Any]]) -> str:
    """The photos whose first answer is right, with size and confidence; or that there is none."""
    right = [
        f"{row['photograph']} at {row['side']} pixels ({label} {probability:.2f})"
        for row in rows
        for label, probability in row["answers"][:1]
        if label in PHOTOGRAPHS[row["photograph"]]
    ]
    return ", ".join(right) or "none"


def taught(training: dict[str, Any]) -> str:
    """Sentence of the card about the targets."""
    if training["teacher"] is None:
        return f"No teacher: targets are the labels, smoothed by {training['label_smoothing']}."
    return TAUGHT.format(
        label=percent(1 - training["teacher_share"], 0),
        share=percent(training["teacher_share"], 0),
        teacher=training["teacher"],
        pixels=training["teacher_pixels"],
        top1=percent(training["teacher_top1"]),
    )


def shown(shows: dict[str, Any]) -> str:
    """Section of the card about what `show_embedded.py` made."""
    style, dream = shows["style"], shows["dream"]
    losses = (
        f"{name.replace('_', ' ')} {r['loss_before']:.2f} to {r['loss_after']:.2f}"
        for name, r in style["results"].items()
    )
    gains = (
        f"`{layer}` {r['activation_before']:.2f} to {r['activation_after']:.2f}"
        for layer, r in dream["results"].items()
    )
    return SHOWN.format(
        pixels=style["pixels"],
        photo=style["settings"]["photo"],
        losses=", ".join(losses),
        style_seconds=style["seconds"],
        dreamed=dream["settings"]["photo"],
        gains=", ".join(gains),
        dream_seconds=dream["seconds"],
    )


def draw_curves(file: Path, training: dict[str, Any]) -> None:
    """Loss and top-1 accuracy by epoch, with the beginnings of the phases."""
    import matplotlib.pyplot as plt

    from course_utils import plots

    plots.use_course_style()
    epochs = training["epochs"]
    numbers = range(1, len(epochs) + 1)
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.4))
    for axis, key, title in zip(axes, ("loss", "top1"), ("loss", "top-1 accuracy"), strict=True):
        axis.plot(numbers, [e[key] for e in epochs], label="training, augmented")
        axis.plot(numbers, [e[f"val_{key}"] for e in epochs], label="validation")
        for start, _, side in spans(training["phases"]):
            axis.axvline(start + 0.5, color=plots.PALETTE["gray"], linewidth=0.8, linestyle=":")
            axis.annotate(
                f" {side} px", (start + 0.5, 0.02), fontsize=9, xycoords=axis.get_xaxis_transform()
            )
        axis.set(xlabel="epoch", title=title)
        axis.xaxis.get_major_locator().set_params(integer=True)
    axes[0].legend()
    figure.savefig(file, metadata={"Software": None})
    plt.close(figure)
