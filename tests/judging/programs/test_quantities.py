"""Numbers with units, as the basic unit that they are some of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgeforge.judging.programs.quantities import read_quantity


@pytest.mark.parametrize(
    ("text", "number", "unit"),
    [
        ("5 cm", 0.05, "m"),
        ("5\\text{ cm}", 0.05, "m"),
        ("3 km", 3000.0, "m"),
        ("4 m^2", 4.0, "m2"),
        ("4 cm²", 0.0004, "m2"),
        ("36 km/h", 10.0, "m/s"),
        ("2 hours", 7200.0, "s"),
        ("$5", 5.0, "$"),
        ("5 dollars", 5.0, "$"),
        ("50 cents", 0.5, "$"),
        ("90^\\circ", 90.0, "°"),
        ("12 apples", 12.0, None),
        ("1,000", 1000.0, None),
    ],
)
def test_a_quantity_is_so_many_of_its_basic_unit(
    text: str, number: float, unit: str | None
) -> None:
    found = read_quantity(text)
    assert found is not None
    assert found.number == pytest.approx(number)
    assert found.unit == unit


@pytest.mark.parametrize("text", ["", "x", "1/2", "5 + 3", "5 cm and 3 m", "(1, 2)", "10^3", "2 3"])
def test_anything_else_is_none(text: str) -> None:
    assert read_quantity(text) is None


@given(st.text(max_size=40))
def test_no_text_raises(text: str) -> None:
    read_quantity(text)


@given(st.floats(-1e12, 1e12, allow_nan=False), st.sampled_from(["m", "kg", "s", "N"]))
def test_a_number_is_read_as_it_is(number: float, unit: str) -> None:
    found = read_quantity(f"{number:f} {unit}")
    assert found is not None
    factor = 1000.0 if unit == "kg" else 1.0
    assert found.number == pytest.approx(float(f"{number:f}") * factor)
