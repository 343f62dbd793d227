"""Write the tables of lesson 05: ``python tools/make_tables.py`` (builds 33 networks, minutes).

``keras_applications.csv`` joins figures published at https://keras.io/api/applications/ with
counts made here from the networks of ``keras.applications`` themselves, built without weights.
``ilsvrc_errors.csv`` holds the best top-5 error of each ImageNet challenge. data/README.md says
under which conditions each column was measured.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

from course_utils.quiet import keras

FOLDER = Path(__file__).resolve().parents[1] / "data" / "tables"

# As published: size in MB, top-1 %, top-5 %, parameters in millions, depth, ms on CPU, ms on GPU.
PUBLISHED = """\
Xception 88 79.0 94.5 22.9 81 109.4 8.1
VGG16 528 71.3 90.1 138.4 16 69.5 4.2
VGG19 549 71.3 90.0 143.7 19 84.8 4.4
ResNet50 98 74.9 92.1 25.6 107 58.2 4.6
ResNet50V2 98 76.0 93.0 25.6 103 45.6 4.4
ResNet101 171 76.4 92.8 44.7 209 89.6 5.2
ResNet101V2 171 77.2 93.8 44.7 205 72.7 5.4
ResNet152 232 76.6 93.1 60.4 311 127.4 6.5
ResNet152V2 232 78.0 94.2 60.4 307 107.5 6.6
InceptionV3 92 77.9 93.7 23.9 189 42.2 6.9
InceptionResNetV2 215 80.3 95.3 55.9 449 130.2 10.0
MobileNet 16 70.4 89.5 4.3 55 22.6 3.4
MobileNetV2 14 71.3 90.1 3.5 105 25.9 3.8
DenseNet121 33 75.0 92.3 8.1 242 77.1 5.4
DenseNet169 57 76.2 93.2 14.3 338 96.4 6.3
DenseNet201 80 77.3 93.6 20.2 402 127.2 6.7
NASNetMobile 23 74.4 91.9 5.3 389 27.0 6.7
NASNetLarge 343 82.5 96.0 88.9 533 344.5 20.0
EfficientNetB0 29 77.1 93.3 5.3 132 46.0 4.9
EfficientNetB1 31 79.1 94.4 7.9 186 60.2 5.6
EfficientNetB2 36 80.1 94.9 9.2 186 80.8 6.5
EfficientNetB3 48 81.6 95.7 12.3 210 140.0 8.8
EfficientNetB4 75 82.9 96.4 19.5 258 308.3 15.1
EfficientNetB5 118 83.6 96.7 30.6 312 579.2 25.3
EfficientNetB6 166 84.0 96.8 43.3 360 958.1 40.4
EfficientNetB7 256 84.3 97.0 66.7 438 1578.9 61.6
EfficientNetV2B0 29 78.7 94.3 7.2 - - -
EfficientNetV2B1 34 79.8 95.0 8.2 - - -
EfficientNetV2B2 42 80.5 95.1 10.2 - - -
EfficientNetV2B3 59 82.0 95.8 14.5 - - -
EfficientNetV2S 88 83.9 96.7 21.6 - - -
EfficientNetV2M 220 85.3 97.4 54.4 - - -
EfficientNetV2L 479 85.7 97.5 119.0 - - -
"""

# Year, top-5 error in %, entry, what it was, source.
RUSSAKOVSKY = "Russakovsky et al. 2015 (arXiv:1409.0575)"
CHALLENGE = (
    (2010, 28.2, "NEC-UIUC", "hand-made features, linear SVM", RUSSAKOVSKY),
    (2011, 25.8, "XRCE", "hand-made features, Fisher vectors, linear SVM", RUSSAKOVSKY),
    (2012, 16.4, "AlexNet (SuperVision)", "convolutional network", RUSSAKOVSKY),
    (2013, 11.7, "Clarifai", "convolutional network", RUSSAKOVSKY),
    (2014, 6.7, "GoogLeNet", "convolutional network", RUSSAKOVSKY),
    (2015, 3.57, "ResNet", "convolutional network", "He et al. 2016 (arXiv:1512.03385)"),
    (
        2016,
        2.99,
        "Trimps-Soushen",
        "convolutional networks, an ensemble",
        "ILSVRC2016 results, image-net.org",
    ),
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
        if isinstance(layer, keras.layers.SeparableConv2D):
            kernels = [layer.depthwise_kernel, layer.pointwise_kernel]
        elif isinstance(
            layer, (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.Dense)
        ):
            kernels = [layer.kernel]
        else:
            continue
        shape = layer.output.shape
        positions = shape[1] * shape[2] if len(shape) == 4 else 1
        total += positions * sum(math.prod(kernel.shape) for kernel in kernels)
    return total


def count(name: str) -> dict[str, int]:
    """Build ``keras.applications.<name>`` with random weights at its own input size and count."""
    keras.backend.clear_session()
    model = getattr(keras.applications, name)(weights=None)
    return {
        "parameters": model.count_params(),
        "depth": sum(1 for layer in model.layers if layer.weights),
        "input_size": model.input_shape[1],
        "multiply_adds": multiply_adds(model),
    }


def applications() -> list[dict[str, Any]]:
    """Rows of keras_applications.csv; stops if a count contradicts a published figure."""
    rows = []
    for line in PUBLISHED.splitlines():
        name, *fields = line.split()
        size, top1, top5, millions, depth, cpu, gpu = (f if f != "-" else "" for f in fields)
        counted = count(name)
        if abs(counted["parameters"] / 1e6 - float(millions)) > 0.0501:
            raise SystemExit(
                f"{name}: {counted['parameters']:,} parameters, published {millions}M."
            )
        if depth and int(depth) != counted["depth"]:
            raise SystemExit(f"{name}: {counted['depth']} layers own weights, published {depth}.")
        rows.append(
            {
                "model": name,
                "size_mb": size,
                "top1_percent": top1,
                "top5_percent": top5,
                "published_millions": millions,
                "published_depth": depth,
                "cpu_ms": cpu,
                "gpu_ms": gpu,
                **counted,
            }
        )
    return rows


def write(name: str, rows: list[dict[str, Any]]) -> None:
    """Write `rows` to the CSV file `name` in the tables' folder."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / name).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print(f"{name}: {len(rows)} rows")


if __name__ == "__main__":
    names = ("year", "top5_error_percent", "entry", "method", "source")
    write("ilsvrc_errors.csv", [dict(zip(names, row, strict=True)) for row in CHALLENGE])
    write("keras_applications.csv", applications())
