"""The pictures on the front page can be made again, and show what their labels say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tools.data import make_gallery


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make_gallery, "SIDE", 64)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two steps where the gallery takes many; all else as the tool asks for it."""
    transfer, dream = make_gallery.style.transfer, make_gallery.dream.dream

    def short_transfer(*args: Any, schedule: Any, **options: Any) -> Any:
        return transfer(
            *args, schedule=[(side, min(steps, 2)) for side, steps in schedule], **options
        )

    def short_dream(*args: Any, steps: int, **options: Any) -> Any:
        return dream(*args, steps=min(steps, 2), **options)

    monkeypatch.setattr(make_gallery.style, "transfer", short_transfer)
    monkeypatch.setattr(make_gallery.dream, "dream", short_dream)


@pytest.mark.usefixtures("quick")
def test_all_strips_are_written(tmp_path: Path) -> None:
    assert make_gallery.main(["--out", str(tmp_path / "new")]) == 0
    sizes = {file.stem: Image.open(file).size for file in (tmp_path / "new").iterdir()}
    four = (4 * (64 + 6) - 6, 64 + 22)
    assert sizes == {"painted": four, "dreamed": four, "fooled": (3 * (64 + 6) - 6, 64 + 22)}


def test_the_photo_that_fools_is_nearly_the_photo() -> None:
    (before, change, after), labels = make_gallery.fooled()
    assert np.abs(after - before).max() <= 8 / 255 + 1 / 255
    assert np.allclose(after - before, (change - 0.5) / 16, atol=1.5 / 255)
    enlarged = np.sum((change - 0.5) * (after - before)) / np.sum((after - before) ** 2)
    assert enlarged == pytest.approx(16, rel=0.02)
    assert labels[0].startswith("espresso, 9") and labels[2].startswith("goldfish, 9")
