"""Claims: what is evaluated in a lesson's kernel, and what is said of one that does not hold."""

from __future__ import annotations

import builtins

import numpy as np
import pytest

from tests import claims
from tests.claims import Claim, claims_of
from tests.claims.judge import judge

NAMES = {"np": np, "ratio": 2e-9, "depth": 20, "losses": np.array([3.0, 2.0]), "f": lambda x: -x}


def claim(holds: str) -> Claim:
    return Claim(after="cell", sentence="words of the lesson", holds=holds)


@pytest.mark.parametrize(
    "holds",
    [
        "ratio < 1e-8",
        "losses[0] > losses[1]",
        "np.all(losses > 0)",
        "all(x > ratio for x in losses)",
    ],
)
def test_what_holds_is_passed_over(holds: str) -> None:
    assert judge(holds, NAMES) == ""


@pytest.mark.parametrize(
    ("holds", "told"),
    [
        ("ratio < 1e-9", "not true, for\n  ratio = 2e-09"),
        (
            "f(depth) > ratio * 2",
            "not true, for\n  f(depth) = -20\n  ratio * 2 = 4e-09\n  depth = 20",
        ),
        ("np.diff(losses)[0] > 0", "not true, for\n  np.diff(losses)[0] = "),
        ("not losses.any()", "  losses = array([3., 2.])"),
        ("all(x > 2 for x in losses)", "  x = (NameError: name 'x' is not defined)\n  losses ="),
        ("losses > 0", "neither True nor False, but ndarray array([ True,  True])"),
        ("depth", "neither True nor False, but int 20"),
        ("None", "neither True nor False, but NoneType None"),
        ("later > 1", "NameError: name 'later' is not defined"),
        ("losses[9] > 1", "IndexError: "),
    ],
)
def test_what_speaks_against_a_claim_is_told(holds: str, told: str) -> None:
    assert told in judge(holds, NAMES)


def test_values_are_told_briefly() -> None:
    names = {"x": list(range(10_000)), "y": np.ones((100, 9)), "z": {"key": "long " * 1000}}
    told = judge("max(x) < 0 and y is z", names)
    assert told.startswith("not true, for\n  max(x) = 9999\n") and len(told) < 2000


def test_a_claim_leaves_nothing_behind(capsys: pytest.CaptureFixture) -> None:
    names = dict(NAMES)
    exec(claim("(mine := depth) < 3").code(), names)
    assert "(mine := depth) = 20" in capsys.readouterr().out
    exec(claim("depth == 20").code(), names)
    assert capsys.readouterr().out == f"{claims.HOLDS}\n"
    assert set(names) - {"__builtins__"} == set(NAMES)


def test_names_of_a_claim_are_those_it_needs_from_elsewhere() -> None:
    holds = "all(x < limit for x in losses) and (lambda y: y + shift)(1) > max(losses)"
    assert claim(holds).names() - set(dir(builtins)) == {"limit", "losses", "shift"}
    for wrong in ("x = 1", "x <", "import os", "x; y", ""):
        with pytest.raises(SyntaxError):
            claim(wrong).names()


FILE = """\
# What is claimed.
cell

  words of the lesson,
  continued
    ratio < 1e-9
  more words
    depth
    == 20
other
  the last
    True
"""


def test_claims_come_from_the_file_of_their_lesson(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(claims, "FOLDERS", [tmp_path])
    (tmp_path / "lesson_77.txt").write_text(FILE)
    assert claims_of("77") == (
        Claim("cell", "words of the lesson, continued", "ratio < 1e-9"),
        Claim("cell", "more words", "depth == 20"),
        Claim("other", "the last", "True"),
    )
    assert claims_of("79") == ()


@pytest.mark.parametrize("wrong", ["    holds", "cell\n    holds", "  sentence", "cell\n   words"])
def test_a_line_that_belongs_to_nothing_is_named(wrong: str, tmp_path) -> None:
    (tmp_path / "lesson_77.txt").write_text(wrong)
    with pytest.raises(ValueError, match=wrong.splitlines()[-1].strip()):
        claims.read(tmp_path / "lesson_77.txt")
