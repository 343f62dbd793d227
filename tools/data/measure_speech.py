"""Measure lesson 07's methods on real speech: ``python -m tools.data.measure_speech [FSDD]``.

Reads the Free Spoken Digit Dataset (the archive, or the one that was fetched) and writes
``data/tables/speech.json``, which the lesson shows where the set is not at hand. All settings are
those of the lesson, chosen on the synthetic voices.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from course_utils import data, networks, sounds, training

FILE = Path(__file__).resolve().parents[2] / "data" / "tables" / "speech.json"
SIZES = (1, 2, 5, 10, 20)
DRAWS = 12  # each of the six people is left out twice


def measure(real: data.Speech, made: data.Speech) -> dict:
    """All numbers of the lesson's section on real people."""
    trained, random = networks.load(), networks.load(pretrained=False)
    of_both = [sounds.representations(trained, random, set_.clips) for set_ in (real, made)]
    vectors = {name: (of_both[0][name], of_both[1][name]) for name in of_both[0]}
    own = {
        name: (sounds.by_speaker(of_real, real.speaker), sounds.by_speaker(of_made, made.speaker))
        for name, (of_real, of_made) in vectors.items()
    }
    kinds = {name: (name,) for name in vectors}
    kinds |= {f"{name} + MFCC": (name, "MFCC") for name in vectors if name != "MFCC"}
    found = {}
    for name, parts in kinds.items():
        for help_, given in (("none", vectors), ("speaker", own)):
            of_real, of_made = ([given[part][side] for part in parts] for side in (0, 1))
            for size in SIZES if len(parts) == 1 else (5,):
                key = f"{name} | {help_} | {size}"
                found[key] = sounds.few_clips(of_real, real, size, DRAWS, 1)
            helped = sounds.few_clips(of_real, real, 5, DRAWS, 1, more=(of_made, made.digit))
            found[f"{name} | {help_} + synthetic | 5"] = helped
            print(name, help_, round(helped.mean(), 3), flush=True)
    for name in vectors:
        of_real, of_made = own[name]
        model = sounds.new_layer(of_made.shape[1]).fit(of_made, made.digit)
        right = model.predict(of_real) == real.digit
        found[f"{name} | speaker + synthetic | 0"] = by_person(right, real)
    found |= splits(vectors["log-mel"][0], real)
    found |= scratch(real) | synthetic_only(real, made)
    return {key: np.round(np.asarray(value, float), 4).tolist() for key, value in found.items()}


def splits(vectors: np.ndarray, real: data.Speech) -> dict:
    """The data set's own split, which has the same people on both sides, and people left out."""
    test = real.take < 5
    model = sounds.new_layer(vectors.shape[1])
    official = model.fit(vectors[~test], real.digit[~test]).score(vectors[test], real.digit[test])
    people = []
    for person in np.unique(real.speaker):
        out = real.speaker == person
        model.fit(vectors[~out], real.digit[~out])
        people.append(model.score(vectors[out], real.digit[out]))
    return {"official split": [official], "person left out": people}


def scratch(real: data.Speech) -> dict:
    """The small CNN from random weights, five clips a digit."""
    from course_utils.quiet import keras

    keras.utils.set_random_seed(0)
    shown = sounds.pictures(real.clips)[..., None]
    learner = training.Learner(sounds.listener, rate=3e-3)
    found = []
    for train, test in sounds.draws(real.digit, real.speaker, 5, DRAWS, 1):
        random = np.random.default_rng(0)
        learner.fit_draws(shown[train], real.digit[train], random, steps=150)
        found.append(learner.accuracy(shown[test], real.digit[test]))
    return {"small CNN | none | 5": found}


def synthetic_only(real: data.Speech, made: data.Speech) -> dict:
    """`digit_network` trained on all synthetic voices: each person's accuracy, three seeds."""
    from course_utils.quiet import keras

    waves = np.stack([sounds.fix_length(clip) for clip in made.clips])
    asked = np.stack([sounds.fix_length(clip) for clip in real.clips])
    found = {}
    for changes in ((), ("augment",), ("augment", "noise")):
        for seed in range(3):
            keras.utils.set_random_seed(seed)
            network = sounds.digit_network()
            sounds.train_digit_network(network, waves, made.digit, seed=seed, changes=changes)
            right = network.predict(asked, 256, verbose=0).argmax(axis=1) == real.digit
            key = f"digit network | {' + '.join(changes) or 'as they are'} | {seed}"
            found[key] = by_person(right, real)
    return found


def by_person(right: np.ndarray, real: data.Speech) -> list[float]:
    """Each person's share of clips that are right."""
    return [right[real.speaker == person].mean() for person in np.unique(real.speaker)]


def main() -> None:
    """Measure and write."""
    real = data.fsdd(sys.argv[1] if len(sys.argv) > 1 else None)
    results = measure(real, data.spoken_digits())
    FILE.write_text(json.dumps(results, indent=0) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
