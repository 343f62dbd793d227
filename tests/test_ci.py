""".ci/run with stand-ins for its programs: every stage runs, and one failure is enough."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

import course

pytestmark = pytest.mark.skipif(not shutil.which("bash"), reason="there is no bash here")

STAGES = (
    "course.py test",
    "-m pip install --quiet --no-deps --upgrade --target build/peers --requirement tests/peers.txt",
    "-m pytest -p no:cacheprovider --junitxml=reports/peers.xml tests/test_peers.py",
)


def stand_in(path: Path, failing: str = "nothing") -> None:
    """A program that says how it was called, and fails for the arguments `failing`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\necho "ran: $*"\nif [ "$*" = "{failing}" ]; then exit 3; fi\n')
    path.chmod(0o755)


@pytest.mark.parametrize("failing", [None, *STAGES])
def test_all_stages_run_and_one_failure_is_enough(tmp_path: Path, failing: str | None) -> None:
    script = tmp_path / ".ci" / "run"
    script.parent.mkdir()
    shutil.copy(course.ROOT / ".ci" / "run", script)
    stand_in(tmp_path / "bin" / "chromium")
    for program in ("bin/python3", ".venv/bin/python"):
        stand_in(tmp_path / program, failing or "nothing")
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", str(script)], env={**os.environ, "PATH": path}, capture_output=True, text=True
    )
    said = done.stdout.splitlines()
    assert [line for line in said if line.startswith("ran: ")] == [f"ran: {s}" for s in STAGES]
    failed = [line for line in said if line.startswith("failed: ")]
    if failing:
        assert done.returncode == 1
        assert len(failed) == 1 and failed[0].endswith(failing) and said[-1] == failed[0]
    else:
        assert (done.returncode, failed, said[-1]) == (0, [], "all stages passed")
