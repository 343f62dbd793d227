"""List every file under data/ in data/manifest.json: ``python -m tools.data.make_manifest``.

Run it after any program that makes data. A file that is not the one listed gets the commit on which
the tree stands now: so commit the program first, then make the file. ``--check`` changes nothing
and fails where the manifest is not what it would be.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tomllib
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "data"
UNLISTED = {"manifest.json", "README.md"}

ORIGINS = Path(__file__).with_name("origins.toml")


def head() -> str:
    """The commit on which the tree stands; empty where git does not know."""
    command = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def listed() -> dict[str, dict[str, str | int]]:
    """The entries of the manifest as it is, by file."""
    file = DATA / "manifest.json"
    if not file.is_file():
        return {}
    return {entry["file"]: entry for entry in json.loads(file.read_text("utf-8"))["files"]}


def entry(name: str, before: dict[str, str | int]) -> dict[str, str | int]:
    """What the manifest says of a file below data/, after what it said `before`."""
    origins = tomllib.loads(ORIGINS.read_text(encoding="utf-8"))["origin"]
    fitting = (origin for origin in origins if PurePosixPath(name).match(origin["files"]))
    if (origin := next(fitting, None)) is None:
        raise SystemExit(f"data/{name} has no license and origin: add them to {ORIGINS}.")
    content = (DATA / name).read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return {
        "file": f"data/{name}",
        "bytes": len(content),
        "sha256": digest,
        **{key: origin[key] for key in ("license", "origin", "script")},
        "commit": before["commit"] if before.get("sha256") == digest else head(),
    }


def manifest() -> str:
    """Text of the manifest for what lies under data/ now; hidden files are left out."""
    names = sorted(file.relative_to(DATA) for file in DATA.rglob("*") if file.is_file())
    before = listed()
    files = [
        entry(name.as_posix(), before.get(f"data/{name.as_posix()}", {}))
        for name in names
        if name.as_posix() not in UNLISTED and not any(p.startswith(".") for p in name.parts)
    ]
    return json.dumps({"files": files}, indent=1) + "\n"


def main() -> None:
    """Write the manifest, or check it."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.data.make_manifest", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail if it is stale")
    path = DATA / "manifest.json"
    if not parser.parse_args().check:
        path.write_text(manifest(), encoding="utf-8")
    elif not path.is_file() or path.read_text(encoding="utf-8") != manifest():
        sys.exit("data/manifest.json is stale: run `python -m tools.data.make_manifest`.")


if __name__ == "__main__":
    main()
