"""Whether anybody watches, and the progress bar for them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TypeVar

__all__ = ["is_static", "track"]

Item = TypeVar("Item")


def is_static() -> bool:
    """Whether widgets show their first frame only (``COURSE_STATIC`` is set and not 0)."""
    return os.environ.get("COURSE_STATIC", "0") not in ("", "0")


def track(steps: Iterable[Item], description: str, total: int | None = None) -> Iterable[Item]:
    """Go through ``steps`` under a progress bar, which stays away where widgets are static.

    Parameters
    ----------
    steps
        What the loop goes through.
    description
        What takes so long, in a word or two.
    total
        How many steps there are, if ``steps`` has no length.
    """
    from tqdm.auto import tqdm

    return tqdm(steps, desc=description, total=total, leave=False, disable=is_static())
