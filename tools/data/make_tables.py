"""Write the tables of lesson 05: ``python -m tools.data.make_tables`` (outlines of 33 networks).

``keras_applications.csv`` joins figures published at https://keras.io/api/applications/ with
counts made here from the networks of ``keras.applications`` themselves, without their weights.
``ilsvrc_errors.csv`` holds the best top-5 error of each ImageNet challenge. data/README.md says
under which conditions each column was measured.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

from course_utils.dimensions import outline
from course_utils.quiet import keras

FOLDER = Path(__file__).resolve().parents[2] / "data" / "tables"

PUBLISHED = Path(__file__).with_name("keras_applications.txt")

# Year, top-5 error in %, entry, what it was, source.
RUSSAKOVSKY = "Russakovsky et al. 2015 (arXiv:1409.0575)"
ILSVRC2016 = "ILSVRC2016 results, image-net.org"
CHALLENGE = (
    (2010, 28.2, "NEC-UIUC", "hand-made features, linear SVM", RUSSAKOVSKY),
    (2011, 25.8, "XRCE", "hand-made features, Fisher vectors, linear SVM", RUSSAKOVSKY),
    (2012, 16.4, "AlexNet (SuperVision)", "convolutional network", RUSSAKOVSKY),
    (2013, 11.7, "Clarifai", "convolutional network", RUSSAKOVSKY),
    (2014, 6.7, "GoogLeNet", "convolutional network", RUSSAKOVSKY),
    (2015, 3.57, "ResNet", "convolutional network", "He et al. 2016 (arXiv:1512.03385)"),
    (2016, 2.99, "Trimps-Soushen", "convolutional networks, an ensemble", ILSVRC2016),
    (2017, 2.25, "SENet", "convolutional network", "Hu et al. 2018 (arXiv:1709.01507)"),
    ("", 5.1, "human", "one trained person, 1,500 pictures of the test set", RUSSAKOVSKY),
)


def multiply_adds(model: keras.Model) -> int:
    """Multiplications with a weight in one forward pass of one picture.

    Convolutions and dense layers use each entry of their kernels once for every output position;
    normalization, activations and pooling are left out, as is usual.
    """
    total = 0
    for layer in model.layers:
        kernels = [weight for weight in layer.weights if weight.name.endswith("kernel")]
        total += math.prod(layer.output.shape[1:-1]) * sum(math.prod(k.shape) for k in kernels)
    return total


def count(name: str) -> dict[str, int]:
    """Parameters, layers and work of ``keras.applications.<name>`` at its own input size."""
    model = outline(getattr(keras.applications, name), weights=None)
    return {
        "parameters": model.count_params(),
        "depth": sum(1 for layer in model.layers if layer.weights),
        "input_size": model.input_shape[1],
        "multiply_adds": multiply_adds(model),
    }


def applications() -> list[dict[str, Any]]:
    """Rows of keras_applications.csv; stops if a count contradicts a published figure."""
    rows = []
    for line in PUBLISHED.read_text(encoding="utf-8").splitlines()[1:]:
        name, *fields = line.split()
        size, top1, top5, millions, depth, cpu, gpu = (f if f != "-" else "" for f in fields)
        counted = count(name)
        if abs(counted["parameters"] / 1e6 - float(millions)) > 0.0501:
            raise SystemExit(f"{name}: {counted['parameters']:,} parameters, not {millions}M.")
        if depth and int(depth) != counted["depth"]:
            raise SystemExit(f"{name}: {counted['depth']} layers own weights, published {depth}.")
        accuracies = {"top1_percent": top1, "top5_percent": top5}
        published = {"published_millions": millions, "published_depth": depth}
        times = {"cpu_ms": cpu, "gpu_ms": gpu}
        rows.append({"model": name, "size_mb": size} | accuracies | published | times | counted)
    return rows


def write(name: str, rows: list[dict[str, Any]]) -> None:
    """Write `rows` to the CSV file `name` in the tables' folder."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / name).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print(f"{name}: {len(rows)} rows")


def main() -> None:
    """Write both tables."""
    names = ("year", "top5_error_percent", "entry", "method", "source")
    write("ilsvrc_errors.csv", [dict(zip(names, row, strict=True)) for row in CHALLENGE])
    write("keras_applications.csv", applications())


if __name__ == "__main__":
    main()
