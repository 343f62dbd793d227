"""Train, fold and measure the course's embedded network: a slim VGG-16 on Tiny ImageNet.

    python -m tools.data.train_embedded train [tiny-imagenet-200.zip]
    python -m tools.data.train_embedded measure [tiny-imagenet-200.zip]

``train`` writes the weights and ``training.json`` into ``data/embedded/``; called again after an
interruption it continues. ``measure`` needs these two files and the validation pictures; it writes
``measures.json``, ``curves.png`` and, from all of them, the model card. Without a path both take
what ``python -m course_utils fetch tiny_imagenet`` has downloaded.

It learns from the labels and from a larger network, whose weights Keras downloads once (15 MB);
``--teacher none`` does without. Run `show_embedded.py` before ``measure``, and the card shows its
pictures, too. The network takes RGB in [0, 1] as ``255 / 64 * x - 2``, that is bytes as
``x / 64 - 2``.

It is trained on small pictures first and on their full 64 pixels last (progressive resizing;
Howard, DAWNBench 2018): half the side costs a quarter of the time.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

from course_utils import data, images, measures, networks
from course_utils.ask import CourseError
from course_utils.quiet import keras
from tools.data import model_card

ROOT = Path(__file__).resolve().parents[2]
SIDE = 64  # pixels of a Tiny ImageNet picture
Phases = Sequence[Sequence[int]]
PHASES: Phases = ((10, 32), (6, 48), (8, 64))  # epochs, pixels
SEED = 0
BATCH = 128
PEAK_RATE = 0.15
MOMENTUM = 0.9
L2 = 2.5e-4
SMOOTHING = 0.1  # without a teacher
SHIFT = 1 / 16  # of the side, at most
LARGE = 100_000  # numbers of an array, from which on it ships as float16
TEACHER = "MobileNetV2"
TEACHER_SIDE = 128  # pixels; twice the pictures' own, nearer to what it was trained on
HEAD_C, HEAD_STEPS = 1e-3, 40  # inverse regularization and steps of its new last layer
TEACHER_SHARE = 0.5  # of a target; the other half is the true class, so that it stays the largest
PHOTOGRAPH_SIDES = (64, 96, 128, 192)


# --- Pictures ------------------------------------------------------------------------------------


def read_pictures(
    split: str, wnids: Sequence[str], source: data.PathLike | None
) -> tuple[np.ndarray, np.ndarray]:
    """All pictures of a split, uint8 (n, 64, 64, 3), and their class numbers (n,)."""
    number = {wnid: i for i, wnid in enumerate(wnids)}
    pictures, labels = [], []
    for picture, wnid in data.tiny_imagenet(split, source=source):
        if picture.shape != (SIDE, SIDE, 3) or wnid not in number:
            raise CourseError(
                f"The {split} pictures hold one of class {wnid} and shape {picture.shape}; "
                f"expected is ({SIDE}, {SIDE}, 3) and a class of wnids.txt."
            )
        pictures.append(np.rint(picture * 255).astype(np.uint8))
        labels.append(number[wnid])
    return np.stack(pictures), np.array(labels)


def unit(pictures: np.ndarray) -> np.ndarray:
    """Bytes, any shape, as the network's float32 input in [0, 1]."""
    return np.divide(pictures, 255, dtype=np.float32)


def resize(pictures: np.ndarray, side: int) -> np.ndarray:
    """Square uint8 pictures (n, s, s, 3) to (n, side, side, 3), antialiased."""
    if pictures.shape[1] == side:
        return pictures
    size = (side, side)
    return np.stack([Image.fromarray(p).resize(size, Image.Resampling.BILINEAR) for p in pictures])


class Augmented(keras.utils.PyDataset):
    """The batches of several epochs on end, with random flips and shifts; borders are reflected.

    A batch depends on its place in the run alone, not on what was asked for before: so no
    prefetching changes it, and a continued run sees what an uninterrupted one would have seen.
    NumPy only: it serves every backend of Keras.
    """

    def __init__(
        self,
        pictures: np.ndarray,
        targets: np.ndarray,
        epochs: range,
        seed: int,
        batch: int,
    ) -> None:
        super().__init__()
        self.pictures, self.targets = pictures, targets
        self.epochs, self.seed, self.batch = epochs, seed, batch
        self.steps = max(1, len(targets) // batch)  # a last, smaller batch is left out

    def __len__(self) -> int:
        return self.steps * len(self.epochs)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        epoch, step = self.epochs[index // self.steps], index % self.steps
        order = np.random.default_rng((self.seed, epoch)).permutation(len(self.targets))
        chosen = order[step * self.batch : (step + 1) * self.batch]
        random = np.random.default_rng((self.seed, epoch, step))
        side, reach = self.pictures.shape[1], round(self.pictures.shape[1] * SHIFT)
        shifts = random.integers(-reach, reach + 1, (2, len(chosen), 1))
        rows, columns = np.abs(np.arange(side) + shifts)
        rows, columns = (np.minimum(i, 2 * (side - 1) - i) for i in (rows, columns))
        flip = random.random(len(chosen)) < 0.5
        columns[flip] = columns[flip, ::-1]
        batch = self.pictures[chosen[:, None, None], rows[:, :, None], columns[:, None, :]]
        return unit(batch), self.targets[chosen]


# --- The teacher ---------------------------------------------------------------------------------


def save_array(file: Path, array: np.ndarray) -> None:
    """Write a ``.npy`` file in one step: an interruption leaves none."""
    partial = file.with_name(f"part-{file.name}")
    np.save(partial, array)
    os.replace(partial, file)


def descriptors(teacher: str, pictures: np.ndarray, file: Path) -> np.ndarray:
    """The teacher's last feature maps, averaged: float16 (n, channels), kept in the .npy `file`."""
    if not file.is_file():
        network = networks.load(teacher)
        parts = [
            network.descriptor(unit(resize(part, TEACHER_SIDE))).astype(np.float16)
            for part in tqdm(np.array_split(pictures, max(1, len(pictures) // 500)), desc=teacher)
        ]
        save_array(file, np.concatenate(parts))
    return np.load(file)


def teach(
    teacher: str, pictures: np.ndarray, labels: np.ndarray, folder: Path, seed: int
) -> np.ndarray:
    """What a larger network says of the pictures: soft targets (Hinton, Vinyals and Dean, 2015).

    Its last layer is made anew for these classes: logistic regression on its descriptors, fitted
    to four fifths of the pictures, tells the remaining fifth, in turn. So no picture's target
    comes from a fit that has seen its label. What takes minutes is kept in `folder`.

    Returns
    -------
    numpy.ndarray
        float32 (n, classes), probabilities.
    """
    file = folder / "teacher.npy"
    if not file.is_file():
        features = descriptors(teacher, pictures, folder / "descriptors.npy").astype(np.float32)
        head = make_pipeline(StandardScaler(), LogisticRegression(C=HEAD_C, max_iter=HEAD_STEPS))
        fifths = StratifiedKFold(5, shuffle=True, random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # stopped early on purpose
            told = cross_val_predict(head, features, labels, cv=fifths, method="predict_proba")
        save_array(file, told.astype(np.float32))
    return np.load(file)


# --- Training ------------------------------------------------------------------------------------


def with_batch_norm(classes: int) -> keras.Model:
    """The network as it is trained: `networks.slim_vgg16` with batch norm in place of biases."""
    layers = keras.layers

    def convolve(maps: Any, filters: int, name: str) -> Any:
        maps = layers.Conv2D(
            filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal", name=name
        )(maps)
        # Momentum .99 would lag far behind in a run this short.
        norm = layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")
        return layers.ReLU(name=f"{name}_relu")(norm(maps))

    model = networks.slim_vgg16(networks.WIDTHS, classes, convolve)
    for layer in model.layers:
        if isinstance(layer, (layers.Conv2D, layers.Dense)):
            layer.kernel.regularizer = keras.regularizers.L2(L2)
    return model


class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """Linear from a tenth of the peak to the peak, then to zero (Smith and Topin, 2017)."""

    def __init__(self, peak: float, steps: int, rise: float = 0.2) -> None:
        self.peak, self.steps, self.rise = peak, steps, rise

    def __call__(self, step: Any) -> Any:
        """Learning rate of a step, a scalar tensor."""
        done = keras.ops.cast(step, "float32") / self.steps
        up = 0.1 + 0.9 * done / self.rise
        down = (1 - done) / (1 - self.rise)
        return self.peak * keras.ops.maximum(keras.ops.minimum(up, down), 0.0)

    def get_config(self) -> dict[str, float]:
        """The arguments, which Keras asks for."""
        return {"peak": self.peak, "steps": self.steps, "rise": self.rise}


def compiled(classes: int, steps: int, smoothing: float) -> keras.Model:
    """The network ready for ``fit``; `steps` is the length of the whole run."""
    model = with_batch_norm(classes)
    model.compile(
        keras.optimizers.SGD(OneCycle(PEAK_RATE, steps), momentum=MOMENTUM, nesterov=True),
        keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing),
        metrics=[keras.metrics.CategoricalAccuracy(name="top1")],
    )
    model.optimizer.build(model.trainable_variables)
    return model


class Checkpoint(keras.callbacks.Callback):
    """After each epoch: the weights with the optimizer's state, and the curves so far.

    Refuses a folder that holds a run with other settings, or files that cannot be read.
    """

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        super().__init__()
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.index = folder, folder / "run.json"
        self.run: dict[str, Any] = {"settings": settings, "epochs": [], "weights": None}
        if not self.index.exists():
            return
        try:
            self.run = json.loads(self.index.read_text(encoding="utf-8"))
            found = self.run["settings"]
        except (ValueError, KeyError, TypeError):
            raise CourseError(f"{self.index} is damaged: delete {folder} to begin anew.") from None
        if found != settings:
            raise CourseError(
                f"{folder} holds a run with other settings ({found}, not {settings}): name another "
                "folder with --run, or delete it."
            )

    @property
    def done(self) -> int:
        """Epochs behind us."""
        return len(self.run["epochs"])

    def restore(self, model: keras.Model) -> None:
        """Load the last weights and the state of the optimizer, if there are any."""
        if self.done:
            file = self.folder / self.run["weights"]
            try:
                model.load_weights(file)
            except (OSError, ValueError, KeyError) as error:
                raise CourseError(
                    f"{file} is missing or damaged ({error}): delete {self.folder} to begin anew."
                ) from None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Write the new files before the old ones go: an interruption leaves a whole set."""
        old = self.run["weights"]
        self.run["weights"] = f"epoch-{epoch + 1:03d}.weights.h5"
        self.run["epochs"].append({key: round(float(v), 5) for key, v in (logs or {}).items()})
        self.model.save_weights(self.folder / self.run["weights"])
        write_json(self.index, self.run)
        if old and old != self.run["weights"]:
            (self.folder / old).unlink(missing_ok=True)


def write_json(file: Path, content: Any) -> None:
    """Write a JSON file in one step: an interruption leaves the old one."""
    partial = file.with_name(file.name + ".part")
    partial.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    os.replace(partial, file)


def fit(
    model: keras.Model,
    batches: Augmented,
    held: tuple[np.ndarray, np.ndarray],
    checkpoint: Checkpoint,
    first: int,
    stop: int,
) -> None:
    """Train from the epoch `first` to before `stop`, scored on the pictures held out."""
    model.fit(
        batches,
        steps_per_epoch=batches.steps,
        shuffle=False,
        initial_epoch=first,
        epochs=stop,
        callbacks=[checkpoint],
        verbose=2,
        validation_data=held,
        validation_batch_size=batches.batch,
    )


def train(
    source: data.PathLike | None,
    folder: Path,
    *,
    phases: Phases = PHASES,
    seed: int = SEED,
    batch: int = BATCH,
    teacher: str | None = TEACHER,
) -> tuple[keras.Model, dict[str, Any]]:
    """Train, or continue the run in `folder`.

    Parameters
    ----------
    source
        Tiny ImageNet: its archive or folder; None for the fetched one.
    folder
        For checkpoints.
    phases
        (epochs, pixels) one after the other.
    seed, batch
        Seed of initial weights, order and augmentation; pictures a step.
    teacher
        Network of ``keras.applications`` to learn from as well; None: from the labels alone.

    Returns
    -------
    model : keras.Model
        The network with batch norm.
    run : dict
        Settings, and for each epoch loss and accuracy; ``val_`` on every fifth validation picture
        at the size of the phase. Nothing is chosen by these.
    """
    keras.utils.set_random_seed(seed)
    wnids = list(data.tiny_imagenet_classes(source))
    classes, epochs = len(wnids), sum(number for number, _ in phases)
    pictures, labels = read_pictures("train", wnids, source)
    held, truth = (array[::5] for array in read_pictures("val", wnids, source))
    one_hot = np.eye(classes, dtype=np.float32)
    settings = {
        "pictures": len(labels),
        "classes": classes,
        "batch": batch,
        "seed": seed,
        "phases": [list(phase) for phase in phases],
        "teacher": teacher,
        "label_smoothing": 0.0 if teacher else SMOOTHING,
    }
    checkpoint = Checkpoint(folder, settings)
    targets = one_hot[labels]
    if teacher and checkpoint.done < epochs:
        told = teach(teacher, pictures, labels, folder, seed)
        checkpoint.run["teacher_top1"] = float(top(told, labels, 1).mean())
        targets = TEACHER_SHARE * told + (1 - TEACHER_SHARE) * targets
    steps = max(1, len(labels) // batch) * epochs
    model = compiled(classes, steps, settings["label_smoothing"])
    checkpoint.restore(model)
    for start, stop, side in model_card.spans(phases):
        first = max(checkpoint.done, start)
        if first < stop:
            batches = Augmented(resize(pictures, side), targets, range(first, stop), seed, batch)
            shown = unit(resize(held, side)), one_hot[truth]
            fit(model, batches, shown, checkpoint, first, stop)
    return model, checkpoint.run


# --- What ships ----------------------------------------------------------------------------------


def fold(model: keras.Model) -> dict[str, np.ndarray]:
    """Convolutions with the batch norm behind them put into kernel and bias, float32.

    Behind a convolution, gamma * (x - mean) / sqrt(variance + epsilon) + beta is a factor and a
    term for each channel, so that the folded network computes the same (Jacob et al., 2018).
    """
    arrays = {}
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            norm = model.get_layer(f"{layer.name}_norm")
            gamma, beta, mean, variance = norm.get_weights()
            factor = gamma / np.sqrt(variance + norm.epsilon)
            arrays[f"{layer.name}/kernel"] = layer.get_weights()[0] * factor
            arrays[f"{layer.name}/bias"] = beta - mean * factor
        elif isinstance(layer, keras.layers.Dense):
            arrays[f"{layer.name}/kernel"], arrays[f"{layer.name}/bias"] = layer.get_weights()
    return arrays


def save_weights(file: Path, arrays: dict[str, np.ndarray], names: dict[str, str]) -> None:
    """Write the file that `course_utils.networks.load` reads, with names and format.

    Arrays of `LARGE` numbers and more are rounded to float16. The small ones, a fifth of the whole,
    stay float32: that takes little room and keeps the logits within .01.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f"part-{file.name}")
    np.savez_compressed(
        partial,
        format=np.array(networks.EMBEDDED_FORMAT),
        wnids=np.array(list(names)),
        labels=np.array(list(names.values())),
        **{
            key: array.astype(np.float16 if array.size >= LARGE else np.float32)
            for key, array in arrays.items()
        },
    )
    os.replace(partial, file)


def logits_of(classifier: networks.Classifier, pictures: np.ndarray) -> np.ndarray:
    """Logits (n, classes) of uint8 pictures, in parts that fit into memory, on any backend."""
    parts = np.array_split(pictures, max(1, len(pictures) // 1000))
    return np.concatenate(
        [classifier.model.predict(unit(part), BATCH, verbose=0) for part in parts]
    )


def top(logits: np.ndarray, truth: np.ndarray, k: int) -> np.ndarray:
    """Whether each true class is among the k largest logits: bool (n,)."""
    own = np.take_along_axis(logits, truth[:, None], 1)
    return (logits > own).sum(1) < k


def release(
    source: data.PathLike | None, folder: Path, model: keras.Model, run: dict[str, Any]
) -> dict[str, Any]:
    """Write weights and ``training.json``, with what folding and float16 changed.

    The file that ships is loaded again and compared with the trained network in float32.
    """
    names = data.tiny_imagenet_classes(source)
    file = folder / Path(networks.EMBEDDED_FILE).name
    save_weights(file, fold(model), names)
    pictures, truth = read_pictures("val", list(names), source)
    shipped = logits_of(networks.load(networks.EMBEDDED, path=file), pictures)
    trained = model.predict(unit(pictures), BATCH, verbose=0)
    report = {
        **run["settings"],
        "teacher_top1": run.get("teacher_top1"),
        "teacher_pixels": TEACHER_SIDE,
        "teacher_share": TEACHER_SHARE,
        "peak_rate": PEAK_RATE,
        "momentum": MOMENTUM,
        "l2": L2,
        "shift_pixels": round(SIDE * SHIFT),
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "numpy": np.__version__,
        "python": platform.python_version(),
        "float16_against_trained": {
            "largest_logit_difference": float(np.abs(shipped - trained).max()),
            "top1_trained": float(top(trained, truth, 1).mean()),
            "top1_shipped": float(top(shipped, truth, 1).mean()),
        },
        "epochs": run["epochs"],
    }
    write_json(folder / "training.json", report)
    return report


# --- Measuring -----------------------------------------------------------------------------------


def share(hits: np.ndarray) -> dict[str, float]:
    """Share of True values with its 95 % interval."""
    low, high = measures.interval(hits.sum(), len(hits))
    return {"value": float(hits.mean()), "low": low, "high": high}


def photographs(classifier: networks.Classifier) -> list[dict[str, Any]]:
    """Answers for the middle square of well-known photos, scaled to several sizes."""
    rows = []
    for name in model_card.PHOTOGRAPHS:
        square = images.center_crop(images.sample(name))
        for side in PHOTOGRAPH_SIDES:
            picture = images.to_uint8(images.resize(square, side))
            best = classifier.decode(logits_of(classifier, picture[None])[0], top=3)
            answers = [[label, round(probability, 4)] for _, label, probability in best]
            rows.append({"photograph": name, "side": side, "answers": answers})
    return rows


def measure(source: data.PathLike | None, folder: Path) -> dict[str, Any]:
    """Score the shipped weights on all validation pictures; write measures, curves and card."""
    weights = folder / Path(networks.EMBEDDED_FILE).name
    training = folder / "training.json"
    if not training.is_file():
        raise CourseError(f"{training} does not exist: restore it, or run `train` first.")
    classifier = networks.load(networks.EMBEDDED, path=weights)
    pictures, truth = read_pictures("val", classifier.wnids, source)
    logits = logits_of(classifier, pictures)
    guess, hits = logits.argmax(1), {k: top(logits, truth, k) for k in (1, 5)}
    confidence = keras.ops.convert_to_numpy(keras.ops.softmax(logits)).max(1)
    classes = []
    for number, (wnid, label) in enumerate(zip(classifier.wnids, classifier.labels, strict=True)):
        mine = truth == number
        wrong = Counter(guess[mine & ~hits[1]].tolist()).most_common(1)
        counts = {f"top{k}": int(hits[k][mine].sum()) for k in (1, 5)}
        mistaken_for = {"mistaken_for": classifier.labels[wrong[0][0]] if wrong else ""}
        whole = {"wnid": wnid, "label": label, "pictures": int(mine.sum())}
        classes.append(whole | counts | mistaken_for)
    report = {
        "pictures": len(truth),
        "parameters": classifier.model.count_params(),
        "bytes": weights.stat().st_size,
        "top1": share(hits[1]),
        "top5": share(hits[5]),
        "mean_confidence": float(confidence.mean()),
        "classes": classes,
        "photographs": photographs(classifier),
    }
    write_json(folder / "measures.json", report)
    model_card.write(folder, LARGE)
    return report


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.data.train_embedded", description=__doc__.splitlines()[0]
    )
    add = parser.add_argument
    add("command", choices=("train", "measure"))
    add("source", nargs="?", help="Tiny ImageNet: its zip or its folder (default: the fetched one)")
    weights, run = ROOT / "data" / "embedded", ROOT / "build" / "embedded"
    add("--out", type=Path, default=weights, help="of weights and card (default: data/embedded)")
    add("--run", type=Path, default=run, help="of checkpoints (default: build/embedded)")
    learn = f"network to learn from as well, or 'none' (default: {TEACHER})"
    add("--teacher", default=TEACHER, metavar="NAME", help=learn)
    options = parser.parse_args(argv)
    teacher = None if options.teacher.lower() == "none" else options.teacher
    try:
        if options.command == "train":
            run = train(options.source, options.run, teacher=teacher)
            report = release(options.source, options.out, *run)
            print(json.dumps(report["float16_against_trained"], indent=1))
        else:
            report = measure(options.source, options.out)
            scores = (f"{key}: {model_card.interval(report[key])}" for key in ("top1", "top5"))
            print(*scores, sep=", ")
    except CourseError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        more = "the same command continues after the last whole epoch"
        print(f"\nInterrupted; {more}.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
