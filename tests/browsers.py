"""Which browser the tests drive."""

from __future__ import annotations

import os
import shutil
from typing import Any

import pytest

# Names on the PATH; .ci/run looks for the same ones.
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def browser() -> dict[str, Any]:
    """Options with which Playwright starts a Chromium, Chrome or Edge, or at last its own.

    Without any the tests are skipped, in CI they fail.
    """
    from playwright.sync_api import Error, sync_playwright

    for path in filter(None, map(shutil.which, BROWSERS)):
        return {"executable_path": path}
    with sync_playwright() as playwright:
        # Playwright knows where macOS and Windows keep theirs.
        for options in ({"channel": "chrome"}, {"channel": "msedge"}, {}):
            try:
                playwright.chromium.launch(**options).close()
            except Error:
                continue
            return options
    stop = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
    stop("no Chromium here; install one, or run: python -m playwright install chromium")
