"""Train, fold and measure the course's embedded network: a slim VGG-16 on Tiny ImageNet.

    python tools/train_embedded.py train [tiny-imagenet-200.zip]
    python tools/train_embedded.py measure [tiny-imagenet-200.zip]

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
from collections.abc import Iterator, Sequence
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

from course_utils import data, images, networks
from course_utils.ask import CourseError
from course_utils.quiet import keras

ROOT = Path(__file__).resolve().parents[1]
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
PHOTOGRAPH_SIDES = (64, 96, 128, 192)


# ---------------------------------------------------------------------------------------------
# Pictures


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


# ---------------------------------------------------------------------------------------------
# The teacher


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
    comes from a fit that has seen its label.

    Parameters
    ----------
    teacher
        Name for `networks.load`.
    pictures, labels
        uint8 (n, 64, 64, 3) and their class numbers (n,).
    folder
        For the descriptors, which take minutes, and the answer; both are read where they exist.
    seed
        Of the division into fifths.

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


# ---------------------------------------------------------------------------------------------
# Training


def with_batch_norm(classes: int, synchronized: bool = False) -> keras.Model:
    """The network as it is trained: `networks.slim_vgg16` with batch norm in place of biases.

    Parameters
    ----------
    classes
        Number of logits.
    synchronized
        Share the statistics of a batch between the devices of a ``tf.distribute`` strategy.

    Returns
    -------
    keras.Model
        (n, h, w, 3) RGB in [0, 1], h and w at least 16, to logits (n, classes).
    """
    layers = keras.layers

    def convolve(maps: Any, filters: int, name: str) -> Any:
        maps = layers.Conv2D(
            filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal", name=name
        )(maps)
        # Momentum .99 would lag far behind in a run this short.
        norm = layers.BatchNormalization(
            momentum=0.9, synchronized=synchronized, name=f"{name}_norm"
        )
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


def mirrored() -> Any | None:
    """A ``MirroredStrategy`` where TensorFlow sees several devices of a kind, else None."""
    if keras.backend.backend() != "tensorflow":
        return None
    from course_utils.quiet import tf

    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    names = [device.name for device in devices]
    return tf.distribute.MirroredStrategy(names) if len(names) > 1 else None


def compiled(classes: int, steps: int, batch: int, smoothing: float) -> keras.Model:
    """The network ready for ``fit``, on all devices; `steps` is the length of the whole run."""

    def build(synchronized: bool) -> keras.Model:
        model = with_batch_norm(classes, synchronized)
        model.compile(
            keras.optimizers.SGD(OneCycle(PEAK_RATE, steps), momentum=MOMENTUM, nesterov=True),
            keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing),
            metrics=[keras.metrics.CategoricalAccuracy(name="top1")],
        )
        model.optimizer.build(model.trainable_variables)
        return model

    strategy = mirrored()
    if strategy is None:
        return build(synchronized=False)
    if batch % strategy.num_replicas_in_sync:
        raise CourseError(
            f"A batch of {batch} pictures cannot be shared out evenly to "
            f"{strategy.num_replicas_in_sync} devices: hide some (CUDA_VISIBLE_DEVICES)."
        )
    with strategy.scope():
        return build(synchronized=True)


class Checkpoint(keras.callbacks.Callback):
    """After each epoch: the weights with the optimizer's state, and the curves so far.

    Raises
    ------
    CourseError
        The folder holds a run with other settings, or files that cannot be read.
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
            problem = f"{self.index} is damaged: delete {folder} to begin anew."
            raise CourseError(problem) from None
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


def spans(phases: Phases) -> Iterator[tuple[int, int, int]]:
    """(first epoch, epoch after the last, pixels) of each phase."""
    start = 0
    for epochs, side in phases:
        yield start, start + epochs, side
        start += epochs


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

    Raises
    ------
    CourseError
        Pictures that are missing or not what was expected.
    """
    keras.utils.set_random_seed(seed)
    wnids = list(data.tiny_imagenet_classes(source))
    classes = len(wnids)
    pictures, labels = read_pictures("train", wnids, source)
    held, truth = (array[::5] for array in read_pictures("val", wnids, source))
    truth = np.eye(classes, dtype=np.float32)[truth]
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
    targets = np.eye(classes, dtype=np.float32)[labels]
    if teacher and checkpoint.done < sum(epochs for epochs, _ in phases):
        told = teach(teacher, pictures, labels, folder, seed)
        checkpoint.run["teacher_top1"] = float(top(told, labels, 1).mean())
        targets = TEACHER_SHARE * told + (1 - TEACHER_SHARE) * targets
    steps = max(1, len(labels) // batch) * sum(epochs for epochs, _ in phases)
    model = compiled(classes, steps, batch, settings["label_smoothing"])
    checkpoint.restore(model)
    for start, stop, side in spans(phases):
        first = max(checkpoint.done, start)
        if first < stop:
            batches = Augmented(resize(pictures, side), targets, range(first, stop), seed, batch)
            model.fit(
                batches,
                steps_per_epoch=batches.steps,
                shuffle=False,
                initial_epoch=first,
                epochs=stop,
                callbacks=[checkpoint],
                verbose=2,
                validation_data=(unit(resize(held, side)), truth),
                validation_batch_size=batch,
            )
    return model, checkpoint.run


# ---------------------------------------------------------------------------------------------
# What ships


def fold(model: keras.Model) -> dict[str, np.ndarray]:
    """Convolutions with the batch norm behind them put into kernel and bias.

    Behind a convolution, gamma * (x - mean) / sqrt(variance + epsilon) + beta is a factor and a
    term for each channel, so that the folded network computes the same (Jacob et al., 2018).

    Returns
    -------
    dict
        float32 arrays ``LAYER/kernel`` and ``LAYER/bias``, in the order of the layers.
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

    The file that ships is loaded again, as the lessons do, and compared in float32 with the
    trained network on all validation pictures.
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


# ---------------------------------------------------------------------------------------------
# Measuring


def accuracy(hits: np.ndarray) -> dict[str, float]:
    """Share of True values with its 95 % interval (Wilson, 1927)."""
    from scipy import stats

    tested = stats.binomtest(int(hits.sum()), len(hits))
    low, high = tested.proportion_ci(0.95, method="wilson")
    return {"value": float(hits.mean()), "low": float(low), "high": float(high)}


def photographs(classifier: networks.Classifier) -> list[dict[str, Any]]:
    """Answers for the middle square of well-known photos, scaled to several sizes."""
    rows = []
    for name in PHOTOGRAPHS:
        square = images.center_crop(images.sample(name))
        for side in PHOTOGRAPH_SIDES:
            picture = images.to_uint8(images.resize(square, side))
            best = classifier.decode(logits_of(classifier, picture[None])[0], top=3)
            answers = [[label, round(probability, 4)] for _, label, probability in best]
            rows.append({"photograph": name, "side": side, "answers": answers})
    return rows


def measure(source: data.PathLike | None, folder: Path) -> dict[str, Any]:
    """Score the shipped weights on all validation pictures; write measures, curves and card.

    Raises
    ------
    CourseError, CourseError
        Weights or pictures that are missing or damaged.
    """
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
        classes.append(
            {
                "wnid": wnid,
                "label": label,
                "pictures": int(mine.sum()),
                "top1": int(hits[1][mine].sum()),
                "top5": int(hits[5][mine].sum()),
                "mistaken_for": classifier.labels[wrong[0][0]] if wrong else "",
            }
        )
    report = {
        "pictures": len(truth),
        "parameters": classifier.model.count_params(),
        "bytes": weights.stat().st_size,
        "top1": accuracy(hits[1]),
        "top5": accuracy(hits[5]),
        "mean_confidence": float(confidence.mean()),
        "classes": classes,
        "photographs": photographs(classifier),
    }
    write_json(folder / "measures.json", report)
    write_card(folder)
    return report


# ---------------------------------------------------------------------------------------------
# The model card

CARD = """\
# Model card: the embedded network

A slim VGG-16 (Simonyan and Zisserman, 2014): a quarter of the width, {parameters} parameters, layer
names of `keras.applications.VGG16`, max pooling after blocks 1 to 4, a global average, {classes}
logits. It is the course's classifier without a network connection. This card is written by
`tools/train_embedded.py measure`; no number in it is typed.

| | |
|---|---|
| top-1 | **{top1}** |
| top-5 | **{top5}** |
| measured on | all {pictures} validation pictures of Tiny ImageNet, 64 x 64, one view each |
| mean confidence | {confidence} |
| file | `slim_vgg16.npz`, {megabytes:.2f} MB: float16 from {large:,} numbers on, else float32 |

In brackets: 95 % interval for other pictures of the same kind (Wilson, 1927). It does not cover
another training run or other kinds of pictures.

## Use

```python
from course_utils import images, networks

network = networks.load()
picture = images.resize(images.center_crop(images.sample("coffee")), 128)
network.decode(network.predict(picture))
```

Input: RGB; bytes become `x / 64 - 2`, the same as `x * 255 / 64 - 2` for values in [0, 1]
(`networks.load` has this inside). Any size from 32 pixels on; it was trained on 64. The file holds
`LAYER/kernel` and `LAYER/bias` of plain convolutions with a ReLU behind each, `wnids` (sorted as
in ImageNet), `labels` and `format`; no pickle.

## How it was made

    python tools/train_embedded.py train tiny-imagenet-200.zip
    python tools/train_embedded.py measure tiny-imagenet-200.zip

- Data: {train_pictures} training pictures of Tiny ImageNet (Stanford CS231n, 2015: {classes} of
  ImageNet's classes, 64 x 64), {train_per_class} of the 500 of each class in the official archive;
  no other pictures.
- {teacher}
- Phases (progressive resizing; Howard, 2018): {phases}.
- SGD with Nesterov momentum {momentum}, batches of {batch}, learning rate up to {peak_rate} in the
  first fifth of the steps, then linearly to 0 (Smith and Topin, 2017); L2 {l2}; random flips, and
  shifts by up to {shift_pixels} of 64 pixels with reflection.
- Batch norm (momentum .9) after each convolution, folded into kernel and bias afterwards.
- Seed {seed}; Keras {keras} with {backend}, Python {python}. Other machines give other last digits.
- What ships against what was trained, all validation pictures, float32: top-1 {top1_shipped} and
  {top1_trained}, largest difference of a logit {difference:.4f}.

![Loss and accuracy by epoch, training and validation](curves.png)

The validation curves use every fifth validation picture at the size of the phase. Nothing was
chosen by them: the weights are those of the last epoch. The losses
include L2, and the training loss is against soft targets: neither reaches 0.

| epoch | pixels | training loss | training top-1 | validation loss | validation top-1 |
|---|---|---|---|---|---|
{epochs}

## Photographs

The middle square of photos that come with scikit-image and scikit-learn, scaled. None of them is
from Tiny ImageNet, and for some no class fits: then every answer is wrong, however confident.
Named right by the first answer: {named_right}.

| photo | pixels | first answer | second | third |
|---|---|---|---|---|
{photographs}
{gallery}
## Limits

- It knows {classes} classes and always names one of them, also for a picture that shows none.
- Tiny pictures of single objects are what it has seen: cluttered or cropped scenes do worse.
- From `block4_conv2` on the receptive field is wider than its training pictures.
- The best classes are {best}; the worst {worst}.
- It inherits what ImageNet over- and underrepresents; made for teaching, unfit for decisions about
  anything, people above all.

## License

The weights were trained by this project and carry the license of its code. Tiny ImageNet is a
research data set drawn from ImageNet, whose terms ask for non-commercial research and education;
the pictures belong to their photographers, and none of them is part of this project.

## Classes

Correct of {per_class} validation pictures each, and the class that wrong answers name most.

| class | top-1 | top-5 | mistaken for |
|---|---|---|---|
{class_rows}
"""


def write_card(folder: Path) -> None:
    """``MODEL_CARD.md`` and ``curves.png`` from ``training.json`` and ``measures.json``.

    Where `show_embedded.py` has left its strips and ``shows.json``, the card shows them.
    """
    training, measures = (
        json.loads((folder / name).read_text(encoding="utf-8"))
        for name in ("training.json", "measures.json")
    )
    draw_curves(folder / "curves.png", training)
    shows = folder / "shows.json"
    gallery = shown(json.loads(shows.read_text(encoding="utf-8"))) if shows.is_file() else ""
    ranked = sorted(measures["classes"], key=lambda c: c["top1"] / max(c["pictures"], 1))
    named = [f"{c['label']} ({c['top1']} of {c['pictures']})" for c in ranked]
    sides = [side for start, stop, side in spans(training["phases"]) for _ in range(start, stop)]
    compared = training["float16_against_trained"]
    card = CARD.format(
        **{
            key: training[key]
            for key in (
                "momentum",
                "batch",
                "peak_rate",
                "l2",
                "shift_pixels",
                "seed",
                "keras",
                "backend",
                "python",
                "classes",
            )
        },
        parameters=f"{measures['parameters']:,}",
        pictures=f"{measures['pictures']:,}",
        train_pictures=f"{training['pictures']:,}",
        train_per_class=round(training["pictures"] / training["classes"]),
        megabytes=measures["bytes"] / 1e6,
        large=LARGE,
        top1=interval(measures["top1"]),
        top5=interval(measures["top5"]),
        confidence=percent(measures["mean_confidence"]),
        phases=", ".join(f"{n} epochs at {side} pixels" for n, side in training["phases"]),
        teacher=taught(training),
        top1_shipped=percent(compared["top1_shipped"], 2),
        top1_trained=percent(compared["top1_trained"], 2),
        difference=compared["largest_logit_difference"],
        epochs=table(
            [
                i,
                side,
                f"{e['loss']:.3f}",
                percent(e["top1"]),
                f"{e['val_loss']:.3f}",
                percent(e["val_top1"]),
            ]
            for i, (side, e) in enumerate(zip(sides, training["epochs"], strict=True), start=1)
        ),
        photographs=table(
            [row["photograph"], row["side"], *(f"{label} {p:.2f}" for label, p in row["answers"])]
            for row in measures["photographs"]
        ),
        gallery=gallery,
        named_right=named_right(measures["photographs"]),
        best=", ".join(named[:-4:-1]),
        worst=", ".join(named[:3]),
        per_class=" or ".join(str(n) for n in sorted({c["pictures"] for c in ranked})),
        class_rows=table(
            [c["label"], c["top1"], c["top5"], c["mistaken_for"]] for c in measures["classes"]
        ),
    )
    (folder / "MODEL_CARD.md").write_text(card, encoding="utf-8")


def named_right(rows: list[dict[str, Any]]) -> str:
    """The photos whose first answer is right, with size and confidence; or that there is none."""
    found = [
        f"{row['photograph']} at {row['side']} pixels ({label} {probability:.2f})"
        for row in rows
        for label, probability in row["answers"][:1]
        if label in PHOTOGRAPHS[row["photograph"]]
    ]
    return ", ".join(found) or "none"


def taught(training: dict[str, Any]) -> str:
    """Sentence of the card about the targets."""
    if training["teacher"] is None:
        return f"No teacher: targets are the labels, smoothed by {training['label_smoothing']}."
    return (
        f"A target is the true class to {percent(1 - training['teacher_share'], 0)}, and to "
        f"{percent(training['teacher_share'], 0)} what {training['teacher']} of "
        f"`keras.applications` says of the picture, enlarged to {training['teacher_pixels']} "
        "pixels (distillation; Hinton, Vinyals and Dean, 2015). Its last layer was made anew: "
        "logistic regression on its descriptors of the training pictures, in five folds, so that "
        "no picture is judged by a fit that has seen its label; it names "
        f"{percent(training['teacher_top1'])} of the training pictures right. It was itself "
        "trained on ImageNet, from which these pictures are drawn."
    )


def shown(shows: dict[str, Any]) -> str:
    """Section of the card about what `show_embedded.py` made."""
    style, dream = shows["style"], shows["dream"]
    losses = ", ".join(
        f"{name.replace('_', ' ')} {r['loss_before']:.2f} to {r['loss_after']:.2f}"
        for name, r in style["results"].items()
    )
    gains = ", ".join(
        f"`{layer}` {r['activation_before']:.2f} to {r['activation_after']:.2f}"
        for layer, r in dream["results"].items()
    )
    return f"""
## Style transfer and dreams

Made by `python tools/show_embedded.py` at {style["pixels"]} pixels, its settings in `shows.json`.

![A photo, and it in the style of two pictures](style.jpg)

Style transfer (Gatys, Ecker and Bethge, 2015) of the photo {style["settings"]["photo"]}. The loss
fell, by style: {losses}. Both took {style["seconds"]:.1f} s together, on two cores.

![A cat, and it with the activations of three layers raised](dream.jpg)

DeepDream (Mordvintsev, Olah and Tyka, 2015) of the photo {dream["settings"]["photo"]}. The layer's
mean square rose: {gains}. All three took {dream["seconds"]:.1f} s.
"""


def percent(share: float, digits: int = 1) -> str:
    """A share as text in percent."""
    return f"{100 * share:.{digits}f} %"


def interval(score: dict[str, float]) -> str:
    """An accuracy with its interval as text."""
    return f"{percent(score['value'])} [{100 * score['low']:.1f}, {100 * score['high']:.1f}]"


def table(rows: Any) -> str:
    """Rows of a Markdown table."""
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in rows)


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


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=("train", "measure"))
    parser.add_argument(
        "source", nargs="?", help="Tiny ImageNet: its zip or its folder (default: the fetched one)"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=ROOT / "data" / "embedded",
        help="folder of weights and card (default: data/embedded)",
    )
    parser.add_argument(
        "--run",
        type=Path,
        default=ROOT / "build" / "embedded",
        help="folder of checkpoints (default: build/embedded)",
    )
    parser.add_argument(
        "--teacher",
        default=TEACHER,
        metavar="NAME",
        help=f"network to learn from as well, or 'none' (default: {TEACHER})",
    )
    options = parser.parse_args(argv)
    teacher = None if options.teacher.lower() == "none" else options.teacher
    try:
        if options.command == "train":
            run = train(options.source, options.run, teacher=teacher)
            report = release(options.source, options.out, *run)
            print(json.dumps(report["float16_against_trained"], indent=1))
        else:
            report = measure(options.source, options.out)
            print(f"top-1 {interval(report['top1'])}, top-5 {interval(report['top5'])}")
    except CourseError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            "\nInterrupted; the same command continues after the last whole epoch.", file=sys.stderr
        )
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
