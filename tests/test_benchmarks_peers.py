"""tools/benchmarks/peers.py and scaling.py: their arithmetic and arguments, and that ways run."""

from __future__ import annotations

import numpy as np
import pytest

from tools.benchmarks import peers, scaling


def test_ways_take_turns_and_the_first_turn_does_not_count(monkeypatch):
    clock, calls = iter(np.cumsum([0, 9, 0, 9, 0, 1, 0, 2, 0, 3, 0, 4])), []
    monkeypatch.setattr(peers.time, "process_time", lambda: next(clock))
    ways = {name: lambda name=name: calls.append(name) for name in "ab"}
    assert peers.take_turns(ways, repeats=2) == {"a": 2000, "b": 3000}
    assert calls == ["a", "b"] * 3


def test_the_table_of_peers_has_ratios_to_the_course():
    costs = {"style": {"bare": 8.0, "course": 10.0}, "a widget's answer": {"explorer": 5.0}}
    lines = [line.split() for line in peers.table(costs).splitlines()]
    assert lines[1:3] == [["bare", "8.00", "0.80"], ["course", "10.00", "1.00"]]
    assert lines[-1] == ["explorer", "5.00"]


@pytest.mark.parametrize("make", [peers.style_ways, peers.dream_ways])
def test_each_way_runs(make):
    ways = make(48)
    assert "course" in ways
    for way in ways.values():
        way()


def test_widgets_answer_to_their_sliders():
    ways = peers.widget_ways()
    assert {"style_explorer", "dream_explorer", "attack_explorer"} <= set(ways)
    way = ways["dream_explorer"]
    frames = [way() for _ in range(3)]
    assert len({frame.text for frame in frames}) == 3


@pytest.mark.parametrize("power", [1, 2])
def test_the_exponent_is_that_of_a_power_law(power):
    costs = {case: 3.0 * case ** (1.5 * power) for case in (2, 4, 7, 10)} | {1: 99.0}
    assert scaling.exponent(dict(sorted(costs.items())), power) == pytest.approx(1.5)


def test_costs_are_sorted_by_method(monkeypatch):
    monkeypatch.setattr(scaling, "take_turns", lambda ways, _: {key: key[1] for key in ways})
    cases = {2: {"style": None, "dream": None}, 4: {"style": None, "dream": None}}
    expected = {2: 2, 4: 4}
    assert scaling.grown(cases, 1) == {"style": expected, "dream": expected}
    assert "exponent" in scaling.table("pixels", {"style": {1: 1, 2: 2, 4: 4}}, 1)


@pytest.mark.parametrize(
    ("program", "arguments", "sentence"),
    [
        (peers, ["sounds"], "there is no part sounds"),
        (peers, ["--size", "8"], "--size is 8; give 32 or more"),
        (peers, ["--repeats", "0"], "--repeats is 0; give 1 or more"),
        (scaling, ["--repeats", "0"], "--repeats is 0; give 1 or more"),
    ],
)
def test_wrong_arguments_get_their_sentence(program, arguments, sentence, capsys):
    with pytest.raises(SystemExit):
        program.main(arguments)
    assert sentence in capsys.readouterr().err
