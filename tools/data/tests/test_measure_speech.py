"""Which numbers are measured on real speech; how well methods hear is test_sounds.py's to say."""

from __future__ import annotations

import json

import numpy as np
import pytest

from course_utils import data
from tools.data import measure_speech as tool

PEOPLE, DIGITS, TAKES = 6, 10, 7


@pytest.fixture
def real() -> data.Speech:
    """A clip for each person, digit and take; what is heard in it does not matter."""
    who, digit, take = (a.ravel() for a in np.indices((PEOPLE, DIGITS, TAKES)))
    clips = list(np.random.default_rng(0).normal(0, 0.1, (len(digit), 2000)).astype(np.float32))
    return data.Speech(clips, digit, np.array(list("abcdef"))[who], take, 8000)


def test_what_is_measured_is_what_ships(real, monkeypatch):
    shipped = json.loads(tool.FILE.read_text(encoding="utf-8"))
    names = list(dict.fromkeys(key.split(" | ")[0] for key in shipped))
    names = [name for name in names if f"{name} | speaker | 20" in shipped]

    def few_clips(parts, speech, size, draws, seed, more=None):
        assert len(parts) == len(more[0] if more else parts) and speech is real
        return np.full(draws, size / 100 + (0 if more is None else len(more[1]) / 1000))

    def representations(trained, random, clips):
        assert (trained, random) == (True, False)
        return {name: np.eye(DIGITS)[: len(clips)] for name in names}

    class Hears:
        """Right about every clip of one person, and about none of the others."""

        def fit(self, *_):
            return self

        def predict(self, *_, **__):
            return np.eye(DIGITS + 1)[np.where(real.speaker == "c", real.digit, 10)]

        def fit_draws(self, shown, digits, random, steps):
            self.seen = len(shown) + len(digits) + steps

        def accuracy(self, shown, digits):
            return self.seen / 1000

    class Layer(Hears):
        def predict(self, *_):
            return super().predict().argmax(1)

    few = data.Speech(real.clips[:10], real.digit[:10], real.speaker[:10], real.take[:10], 8000)
    split = {"official split": [0.5], "person left out": [0.25] * PEOPLE}
    monkeypatch.setattr(tool, "splits", lambda vectors, speech: split)
    monkeypatch.setattr(tool.networks, "load", lambda pretrained=True: pretrained)
    monkeypatch.setattr(tool.training, "Learner", lambda build, rate: Hears())
    stubs = {
        "few_clips": few_clips,
        "representations": representations,
        "by_speaker": lambda vectors, speaker: vectors,
        "new_layer": lambda size: Layer(),
        "pictures": lambda clips: np.zeros((len(clips), 2, 2)),
        "draws": lambda digit, speaker, size, draws, seed: [(range(size), [0])] * draws,
        "digit_network": Hears,
        "train_digit_network": lambda *_, **__: None,
    }
    for name, stub in stubs.items():
        monkeypatch.setattr(tool.sounds, name, stub)
    found = tool.measure(real, few)
    assert list(found) == list(shipped)
    assert {key: len(v) for key, v in found.items()} == {key: len(v) for key, v in shipped.items()}
    assert found["MFCC | speaker | 20"] == [0.2] * 12
    assert found["log-mel + MFCC | none + synthetic | 5"] == [0.06] * 12
    one = [0, 0, 1, 0, 0, 0]
    assert found["MFCC | speaker + synthetic | 0"] == found["digit network | augment | 2"] == one
    assert found["small CNN | none | 5"] == [0.16] * 12


def test_the_official_split_has_the_same_people_on_both_sides(real):
    numbers = np.array(list("abcdef")).searchsorted(real.speaker) * DIGITS + real.digit
    vectors = np.eye(PEOPLE * DIGITS)[numbers]  # who and what, and nothing else
    vectors[real.take == 5] = 0  # is learned from
    found = tool.splits(vectors, real)
    assert found["official split"] == [1]
    assert len(found["person left out"]) == PEOPLE and max(found["person left out"]) <= 0.2


def test_a_person_left_out_is_heard_by_what_the_others_said(real):
    said = (real.digit + (real.speaker == "a")) % DIGITS  # one means another digit than the others
    people = tool.splits(np.eye(DIGITS)[said], real)["person left out"]
    assert people == [0] + [1] * (PEOPLE - 1)
