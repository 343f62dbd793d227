"""What tests of several modules need."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shared import shared


@pytest.fixture
def keras_cache() -> Iterator[Path]:
    """The folder where Keras keeps weights, for one test with those of MobileNetV2 in it."""
    files = list(shared("keras/models").iterdir())
    folder = Path(os.environ["KERAS_HOME"]) / "models"  # a temporary one during the tests
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        (folder / file.name).symlink_to(file)
    yield folder
    for file in files:
        (folder / file.name).unlink()
