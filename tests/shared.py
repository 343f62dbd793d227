"""Large files that stand beside the project on some machines: data sets, weights, photos."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def shared(path: str = "") -> Path:
    """A file or folder of ``COURSE_SHARED`` (default: ``shared`` beside the project), or skip."""
    folder = Path(os.environ.get("COURSE_SHARED") or ROOT.parent / "shared")
    if not (folder / path).exists():
        pytest.skip(f"{folder / path} is missing: COURSE_SHARED names the folder that holds {path}")
    return folder / path
