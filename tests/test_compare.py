"""What counts as the same output, and what does not (tools/compare.py)."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from nbformat.v4 import new_output

from tools.compare import Tolerance, differences, texts, tokens


def compared(saved: str, shown: str, *tags: str) -> list[str]:
    """The differences between two texts that a cell with these tags prints."""
    outputs = ([new_output("stream", text=text)] for text in (saved, shown))
    return differences(*outputs, Tolerance.of(tags))


def numbers(text: str) -> list[float]:
    return [float(token.value) for token in tokens(text) if token.value is not None]


# --- what is a number -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12 and 3.5, then .5", [12, 3.5, 0.5]),
        ("9,999 or 1,234,567.8", [9999, 1234567.8]),
        ("(1,23) [12,345,67] 1,2345", [1, 23, 12, 345, 67, 1, 2345]),
        ("97% 97 %", [97, 97]),
        ("-3 −3 +0.5 x=-2 (-1)", [-3, -3, 0.5, -2, -1]),
        ("1e-9 2E+5 3e−2 -1e-05", [1e-9, 2e5, 0.03, -1e-5]),
        ("[[ 1.  2.5]\n [-3.  0. ]]", [1, 2.5, -3, 0]),
        ("1-2 and 2026-01-02", [1, 2, 2026, 1, 2]),
        ("3×3 30° 5/8 0:02", [3, 3, 30, 5, 8, 0, 2]),
        ("It is 3. Not more.", [3]),
        ("block3_conv1 3x3 2-D conv-2 3-by-3 v1.2 1.2.3 127.0.0.1 12ms 8th 1035.08x185 fc2.0", []),
        ("nan inf -inf none 1e99999 0x3f m²", []),
        ('<img src="data:image/png;base64,AB/+12=="> 4', [4]),
    ],
)
def test_numbers_stand_by_themselves(text: str, expected: list[float]) -> None:
    said = texts([new_output("display_data", {"text/html": text})])["text/html"]
    assert numbers(said) == expected


# Every format in which a lesson prints a number.
FORMATS = ("{}", "{:+.3f}", "{:,.2f}", "{:.2e}", "{:.4g}", "{:.1%}")
FORMATS += tuple(f"{{:.{digits}f}}" for digits in range(5))


def printed(form: str, value: float, minus: str) -> tuple[str, Decimal]:
    """A number as it is printed, and its value."""
    text = form.format(value)
    exact = Decimal(text.replace(",", "").rstrip("%"))
    return text.replace("-", minus), exact


AROUND = ("{}", "accuracy {} after 3 steps", "[{}, 1]", "| {}| 2.5 |", "x={};", "{} %")
AROUND += ("<td>{}</td>",)


@given(
    value=st.floats(-1e12, 1e12, allow_subnormal=False),
    form=st.sampled_from(FORMATS),
    minus=st.sampled_from("-−"),
    around=st.sampled_from(AROUND),
    relative=st.booleans(),
    part=st.sampled_from((Decimal("-0.9"), Decimal("0.9"), Decimal(2), Decimal(-2))),
    size=st.integers(1, 99),
)
def test_a_number_may_move_by_its_tolerance_and_not_by_twice_that(
    value: float, form: str, minus: str, around: str, relative: bool, part: Decimal, size: int
) -> None:
    saved, exact = printed(form, value, minus)
    tolerance = abs(exact) * size / 100 if relative else Decimal(size) / 1000
    assume(tolerance)
    moved = f"{exact + part * tolerance:f}".replace("-", minus)
    if saved.endswith("%"):
        moved += "%"
    tag = f"tolerance:{size}%" if relative else f"tolerance:{Decimal(size) / 1000}"
    found = compared(around.format(saved), around.format(moved), tag)
    assert bool(found) == (abs(part) > 1), (saved, moved, tag)
    if found:
        assert saved in found[0] and moved.rstrip("%") in found[0]
    assert compared(around.format(saved), around.format(saved)) == []


@given(
    values=st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=2, max_size=6),
    place=st.integers(0, 5),
)
def test_in_an_array_each_number_counts(values: list[float], place: int) -> None:
    saved = np.round(np.array(values, np.float64), 3)
    place %= len(values)
    near, far = saved.copy(), saved.copy()
    near[place] += 0.009
    far[place] += 0.02
    both = np.stack([saved, saved[::-1]])
    assert compared(f"{saved}", f"{near}", "tolerance:0.01") == []
    assert compared(f"{saved!r}", f"{near!r}", "tolerance:0.01") == []
    assert len(compared(f"{saved}", f"{far}", "tolerance:0.01")) == 1
    assert compared(f"{saved}", f"{saved[:-1]}", "tolerance:0.01")
    assert compared(f"{saved[:-1]}", f"{saved}", "tolerance:0.01")
    assert compared(f"{both}", f"{both}".replace("\n", "").replace("  ", " ")) == []


# --- what is the same, and what is not ------------------------------------------------------------

WIDE = ("tolerance:0.5", "tolerance:50%")


@pytest.mark.parametrize(
    ("saved", "shown"),
    [
        ("a  9 b\n", "a 10 b"),
        ("a\n---\n9", "a\n-----\n10"),
        ("[ 9.5 10. ]", "[10.25  9.9 ]"),
        ("12%", "12 %"),
        ("0.0 here", "-0.0 here"),
        ("5 rows", "5.0 rows"),
        ("1,000", "1000"),
        ("1e-3", "0.001"),
        ("nan", "nan"),
    ],
)
def test_the_same_within_a_wide_tolerance(saved: str, shown: str) -> None:
    assert compared(saved, shown, *WIDE) == []


@pytest.mark.parametrize(
    ("saved", "shown", "words"),
    [
        ("9 of 10", "9 of 10 11", "shows the number 11 in addition"),
        ("9 of 10", "9 of", "does not show the number 10"),
        ("9 of 10", "of 10", "the number 9 is saved, the run shows the word 'of'"),
        ("ReLU 9", "ELU 9", "the word 'ReLU' is saved, the run shows the word 'ELU'"),
        ("9 %", "9 s", "'%'"),
        ("9 ms", "9", "does not show the word 'ms'"),
        ("9%", "9", "does not show the word '%'"),
        ("9", "nan", "the number 9 is saved, the run shows the word 'nan'"),
        ("nan", "9", "the word 'nan' is saved, the run shows the number 9"),
        ("inf", "-inf", "'inf'"),
        ("9", "-9", "18 off"),
        ("block3_conv1", "block3_conv2", "block3_conv2"),
        ("3x3", "4x4", "4x4"),
        ("2-D", "3-D", "'2'"),
        ("12ms", "13ms", "13ms"),
        ("True", "False", "False"),
        ("a b", "ab", "'ab'"),
        ("first 1, second 2", "second 2, first 1", "first"),
    ],
)
def test_what_no_tolerance_excuses(saved: str, shown: str, words: str) -> None:
    assert words in "\n".join(compared(saved, shown, *WIDE))


def test_what_comes_in_addition_is_told() -> None:
    (late,) = differences([], [new_output("stream", text="!", name="stderr")], Tolerance())
    assert "stderr" in late


def test_without_a_tolerance_numbers_are_equal() -> None:
    assert compared("0.30", "0.3") == []
    assert compared("0.3", "0.30000001")


def test_a_number_at_its_tolerance_is_near_enough() -> None:
    assert compared("0.30", "0.32", "tolerance:0.02") == []  # 0.32 - 0.30 > 0.02 for a float
    assert compared("200", "190", "tolerance:5%") == []


def test_within_either_tolerance_is_near_enough() -> None:
    both = "tolerance:0.02", "tolerance:5%"
    assert compared("0.001 and 1000", "0.02 and 1049", *both) == []
    assert len(compared("0.001 and 1000", "0.022 and 1051", *both)) == 2


def test_the_message_says_what_lies_how_far_off() -> None:
    (found,) = compared("loss 0.5\nerror 0.25 of 1", "loss 0.5\nerror 0.31 of 1", "tolerance:0.03")
    assert found == (
        "stdout: 0.25 is saved, the run shows 0.31, 0.06 off; the tolerance is 0.03\n"
        "  saved: error 0.25 of 1"
    )


def test_streams_come_in_pieces_and_kinds_are_kept_apart() -> None:
    whole = [new_output("stream", text="accuracy 0.25\n")]
    table = new_output("display_data", {"text/html": "<b>1</b>", "image/png": "x"})
    pieces = [new_output("stream", text="accu"), table, new_output("stream", text="racy 0.2")]
    pieces.append(new_output("stream", text="5\n"))
    other = new_output("display_data", {"text/html": "<b>1</b>", "image/png": "y"})
    assert differences([*whole, other], pieces, Tolerance()) == []
    assert "text/html" in differences(whole, pieces, Tolerance())[0]
    assert "text/html" in differences(pieces, whole, Tolerance())[0]


# --- tags -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ((), "0"),
        (("nbval-check-output", "claims:x"), "0"),
        (("tolerance:0.02",), "0.02"),
        (("tolerance:5%",), "5%"),
        (("tolerance:1e-3", "tolerance:0.5%"), "0.001 or 0.5%"),
        (("tolerance:20",), "20"),
    ],
)
def test_tolerances_are_read_from_tags(tags: tuple[str, ...], expected: str) -> None:
    assert str(Tolerance.of(tags)) == expected


@pytest.mark.parametrize(
    "tags",
    [
        *((f"tolerance:{size}",) for size in ("abc", "", "%", "-1", "0", "nan", "inf", "100%")),
        ("tolerance:0.1", "tolerance:0.2"),
        ("tolerance:1%", "tolerance:2%"),
    ],
)
def test_a_bad_tag_is_refused(tags: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="tolerance"):
        Tolerance.of(tags)
