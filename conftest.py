"""What all tests share. The lessons are run by tools/pytest_lessons.py, the plug-in named below."""

from __future__ import annotations

import os
from typing import Any

import hypothesis
import pytest

from tests.browsers import browser

pytest_plugins = ["tools.pytest_lessons"]

THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")

# A busy machine is slow; that is no failure of a property.
hypothesis.settings.register_profile(
    "course", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("course")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "browser: drives a real browser")
    if config.getoption("numprocesses", None):
        # As many workers as cores: threads of one would only wait for those of another.
        for name in (*THREADS, "OPENBLAS_NUM_THREADS"):
            os.environ.setdefault(name, "1")


@pytest.fixture(scope="session")
def chromium() -> dict[str, Any]:
    """Options for Playwright's ``chromium.launch``: the browser, and no calls to its maker."""
    quiet = "disable-gpu disable-quic no-first-run disable-background-networking"
    args = [f"--{a}" for a in f"no-sandbox {quiet} disable-component-update disable-sync".split()]
    return {**browser(), "args": args}
