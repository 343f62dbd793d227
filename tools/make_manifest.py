"""List every file under data/ in data/manifest.json: ``python tools/make_manifest.py``.

Run it after any script that makes data. ``--check`` changes nothing and fails where the manifest
is not what it would be.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path, PurePosixPath

DATA = Path(__file__).resolve().parents[1] / "data"
UNLISTED = {"manifest.json", "README.md"}

# The first pattern that matches says where a file comes from: (pattern, license, origin, script).
ORIGINS = (
    (
        "gallery/painted.jpg",
        "CC BY 4.0; the photo in it: CC BY 2.0, danielbuechele on Flickr",
        "scikit-learn's photo china, painted by this project's network like three of its pictures",
        "tools/make_gallery.py",
    ),
    (
        "gallery/*.jpg",
        "CC BY 4.0; the photos in it: CC0",
        "scikit-image's photos of a cat, a cup of coffee and a rocket, changed by this project's "
        "network",
        "tools/make_gallery.py",
    ),
    (
        "gallery/explorer.png",
        "CC BY 4.0; the photo in it: CC0",
        "kernel explorer with scikit-image's photo of a cup of coffee, cut out of the screenshot "
        "that the script leaves in reports/",
        "tests/test_browser.py",
    ),
    (
        "embedded/style.jpg",
        "CC BY 4.0; the photo in it: CC BY 2.0, danielbuechele on Flickr",
        "scikit-learn's photo china, painted by this project's network like two of its pictures",
        "tools/show_embedded.py",
    ),
    (
        "embedded/dream.jpg",
        "CC BY 4.0; the photo in it: CC0, Stefan van der Walt",
        "scikit-image's photo of a cat, changed by this project's network",
        "tools/show_embedded.py",
    ),
    (
        "embedded/shows.json",
        "CC BY 4.0",
        "settings and results of the two pictures beside it",
        "tools/show_embedded.py",
    ),
    (
        "embedded/*",
        "MIT, like the project's code; see the model card for the data behind the weights",
        "trained by this project on Tiny ImageNet, a research data set drawn from ImageNet, with "
        "MobileNetV2 of keras.applications as teacher",
        "tools/train_embedded.py",
    ),
    (
        "styles/*.jpg",
        "CC BY 4.0",
        "drawn by this project's code; no photograph or artwork used",
        "tools/make_styles.py",
    ),
    (
        "sounds/voices.csv",
        "CC BY 4.0",
        "the espeak-ng settings of each voice, chosen by this project",
        "tools/make_sounds.py",
    ),
    (
        "sounds/*",
        "CC BY 4.0; espeak-ng itself is GPL-3.0-or-later, a license that does not extend to the "
        "sound it puts out",
        "synthetic speech, made with espeak-ng 1.51 in Debian's build",
        "tools/make_sounds.py",
    ),
    (
        "tables/speech.json",
        "CC BY 4.0",
        "measured by this project on the Free Spoken Digit Dataset; no recording is part of it",
        "tools/measure_speech.py",
    ),
    (
        "tables/keras_applications.csv",
        "CC BY 4.0; the published figures are facts",
        "sizes, accuracies and times published at keras.io/api/applications; parameters, depth, "
        "input size and multiply-adds counted by this project",
        "tools/make_tables.py",
    ),
    (
        "tables/ilsvrc_errors.csv",
        "CC BY 4.0; the published figures are facts",
        "the papers named in its column 'source'",
        "tools/make_tables.py",
    ),
)


def entry(name: str) -> dict[str, str | int]:
    """Manifest entry of the file `name`, a path below data/ with forward slashes.

    Raises
    ------
    SystemExit
        No pattern of ORIGINS matches: nobody has said where the file comes from.
    """
    for pattern, license_, origin, script in ORIGINS:
        if PurePosixPath(name).match(pattern):
            content = (DATA / name).read_bytes()
            return {
                "file": f"data/{name}",
                "bytes": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
                "license": license_,
                "origin": origin,
                "script": script,
            }
    raise SystemExit(f"data/{name} has no license and origin: add a line to ORIGINS in {__file__}.")


def manifest() -> str:
    """Text of the manifest for what lies under data/ now; hidden files are left out."""
    names = sorted(file.relative_to(DATA) for file in DATA.rglob("*") if file.is_file())
    files = [
        entry(name.as_posix())
        for name in names
        if name.as_posix() not in UNLISTED and not any(p.startswith(".") for p in name.parts)
    ]
    return json.dumps({"files": files}, indent=1) + "\n"


def main() -> None:
    """Write the manifest, or check it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail if it is stale")
    path = DATA / "manifest.json"
    if parser.parse_args().check:
        if not path.is_file() or path.read_text(encoding="utf-8") != manifest():
            sys.exit("data/manifest.json is stale: run `python tools/make_manifest.py`.")
    else:
        path.write_text(manifest(), encoding="utf-8")


if __name__ == "__main__":
    main()
