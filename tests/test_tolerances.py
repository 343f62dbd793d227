"""The tolerance that a cell needs: its arithmetic, and one run of a tiny notebook."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tools import notebooks
from tools import tolerances as tool
from tools.compare import COMPARED, Tolerance
from tools.tolerances import NARROW, NEEDLESS, Number


def said(text: str) -> list:
    return [new_output("stream", text=text)]


def several(*pairs: tuple[str, str]) -> list[Number]:
    return [Number(Decimal(saved), Decimal(spread)) for saved, spread in pairs]


def test_the_spread_is_that_of_all_values() -> None:
    runs = [said("a 1.0 of 7"), said("a 1.25 of 7"), said("a 0.95 of 7")]
    assert tool.numbers(said("a 1.1 of 7"), runs) == several(("1.1", "0.30"), ("7", "0"))
    for other in ("a 1.1 of", "a 1.1 of 7 8", "b 1.1 of 7", "a nan of 7"):
        with pytest.raises(ValueError, match="run"):
            tool.numbers(said("a 1.1 of 7"), [*runs, said(other)])


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        *(("0.021", "0.03"), ("0.02", "0.02"), ("0.096", "0.1")),
        *(("1", "1"), ("1234", "2000"), ("1e-9", "1e-9")),
    ],
)
def test_one_digit_rounded_up(size: str, expected: str) -> None:
    assert tool.rounded_up(Decimal(size)) == Decimal(expected)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], ""),
        (several(("0.5", "0"), ("3", "0")), ""),
        (several(("0.5", "0.01"), ("500", "0")), "tolerance:0.02"),
        (several(("0.5", "0.011"), ("0.9", "0.002")), "tolerance:0.03"),
        (several(("900", "600")), "tolerance:2000"),
        (several(("1", "0.01"), ("9", "0.01")), "tolerance:0.02"),
        (several(("1", "0.01"), ("11", "0.22")), "tolerance:4%"),
        (several(("0.001", "0.00001"), ("1000", "12")), "tolerance:3%"),
        (several(("0", "0.01"), ("1000", "12")), "tolerance:30"),  # no share of nothing
        (several(("0.001", "0.001"), ("1000", "12")), "tolerance:30"),  # 200% would allow any sign
    ],
)
def test_the_proposal_is_twice_the_spread(found: list[Number], expected: str) -> None:
    assert tool.proposal(found) == expected


decimals = st.decimals(-10_000, 10_000, places=3)
spreads = st.decimals(0, 100, places=3)


@given(st.lists(st.builds(Number, decimals, spreads), max_size=6))
def test_a_proposal_is_a_tag_that_is_not_too_narrow(found: list[Number]) -> None:
    tag = tool.proposal(found)
    assert bool(tag) == any(number.spread for number in found)
    assert tool.remark(found, Tolerance.of([tag] if tag else [])) != NARROW


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("tolerance:0.019", NARROW),
        ("tolerance:0.02", ""),
        ("tolerance:0.09", ""),
        ("tolerance:0.1", NEEDLESS),
        ("tolerance:3%", NARROW),
        ("tolerance:4%", ""),
        ("tolerance:20%", NEEDLESS),
        ("claims:x", NARROW),
    ],
)
def test_a_tolerance_fits_or_what_is_wrong_is_said(tag: str, expected: str) -> None:
    assert tool.remark(several(("0.5", "0.01"), ("0.5", "0")), Tolerance.of([tag])) == expected


def test_without_a_spread_no_tolerance_is_needed() -> None:
    still = several(("0.5", "0"))
    assert tool.remark(still, Tolerance()) == ""
    assert tool.remark(still, Tolerance.of(["tolerance:1%"])) == NEEDLESS


def test_a_lesson_is_run_in_each_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    monkeypatch.setattr(notebooks, "BUILD", tmp_path / "build")
    every = list(tool.settings())
    assert len({tuple(sorted(setting.items())) for setting in every}) == 4
    # Of the four settings two are enough here; each starts a kernel.
    monkeypatch.setattr(tool, "settings", lambda: [every[0], every[3]])
    cells = [
        ("import os\nthreads = float(os.environ['OMP_NUM_THREADS'])", (), ""),
        ("print('accuracy', 0.5 + threads / 100)", (COMPARED, "tolerance:0.03"), "accuracy 0.51"),
        ("print(os.environ['TF_ENABLE_ONEDNN_OPTS'] * int(threads))", (COMPARED,), "1"),
        ("print('one' if threads == 1 else 'two')", (COMPARED,), "one"),
        ("print(1)", (COMPARED, "check:01-x"), "1"),
        ("print(threads)", (), "1.0"),
    ]
    made = [new_code_cell(source, metadata={"tags": list(tags)}) for source, tags, _ in cells]
    for cell, (*_, shown) in zip(made, cells, strict=True):
        cell.outputs = said(shown + "\n") if shown else []
    nbformat.write(new_notebook(cells=made), tmp_path / "01_x.ipynb")
    before = (tmp_path / "01_x.ipynb").read_bytes()
    assert tool.main(["01"]) == 0
    assert (tmp_path / "01_x.ipynb").read_bytes() == before

    row = next(line for line in capsys.readouterr().out.splitlines() if "accuracy" in line).split()
    assert row[:2] == ["1", "print('accuracy',"]
    assert row[-3:] == ["0.01", "0.03", "tolerance:0.02"]
    first, second, third = json.loads((tmp_path / "build" / "tolerances.json").read_text())["01_x"]
    assert first["numbers"] == [{"saved": 0.51, "spread": 0.01}] and first["remark"] == ""
    assert (second["proposal"], second["remark"]) == ("tolerance:2", NARROW)
    assert (third["number"], third["numbers"]) == (3, []) and "'two'" in third["remark"]


def test_what_cannot_be_run_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    assert tool.main(["77"]) == 2
    assert "should be one file" in capsys.readouterr().err
