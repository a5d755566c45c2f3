"""Answers that come to the same as a reference, whichever way they are written."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from judgeforge.judging.programs.math_answers import as_latex, boxed, compare
from tests.support.sandboxes import needs_mathematics

pytestmark = needs_mathematics


@pytest.fixture(autouse=True)
def _logging_of_the_others() -> Iterator[None]:
    """It runs in a process of its own, and switches logging off there."""
    yield
    logging.disable(logging.NOTSET)


def score(reference: str, answer: str, decimals: int = 6) -> float | None:
    found = compare({"reference": reference, "answer": answer, "decimals": decimals})
    assert found["said"]
    value = found["score"]
    assert value is None or isinstance(value, float)
    return value


@pytest.mark.parametrize(
    ("reference", "answer"),
    [
        ("42", "The answer is \\boxed{42}."),
        ("1/2", "$\\frac{1}{2}$"),
        ("\\frac{1}{2}", "The result is 0.5"),
        ("½", "0.5"),
        ("1,000", "1000"),
        ("1e3", "1000"),
        ("10%", "0.1"),
        ("10", "10\\%"),
        ("\\sqrt{2}", "√2"),
        ("-3", "\u22123"),
        ("2\\pi", "The area is 2π."),
        ("[0,1)", "$[0, 1)$"),
        ("(-\\infty, 3]", "so $x \\le 3$"),
        ("[0,1)", "x ∈ [0, 1)"),
        ("x^2+2x+1", "(x+1)^2"),
        ("x=5", "5"),
        ("(1,2)", "\\boxed{(1, 2)}"),
        ("\\{1,2\\}", "\\boxed{2, 1}"),
        ("72", "60 + 12 is some number\n#### 72"),
        ("\\boxed{4}", "4"),
        ("5", "**5**"),
        ("12", "It is 12 apples."),
        ("A", "A"),
        ("1000", "10^3"),
        ("2^3", "8"),
        ("\\frac{1}{2}", "50%"),
        ("50\\%", "$\\frac{1}{2}$"),
        ("3 apples", "3"),
        ("16 - 3 = 13 eggs.\n#### 13", "She has 13."),
        ("So it is \\boxed{3 km}.", "3000 m"),
    ],
)
def test_equal_answers_are_equal_in_any_notation(reference: str, answer: str) -> None:
    assert score(reference, answer) == 1.0


@pytest.mark.parametrize(
    ("reference", "answer"),
    [
        ("42", "43"),
        ("2\\pi", "2"),
        ("2", "2^3"),
        ("\\frac{1}{3}", "33%"),
        ("So it is \\boxed{3 km}.", "3 m"),
        ("[0,1)", "x in [0,1]"),
        ("(1,2)", "(2,1)"),
        ("0.333", "1/3"),
        ("3.14", "\\pi"),
        ("7", "I first thought 3, then 7 but it is 8"),
        ("0", "0.00001"),
    ],
)
def test_other_answers_are_not(reference: str, answer: str) -> None:
    assert score(reference, answer) == 0.0


@pytest.mark.parametrize(
    ("reference", "answer", "same"),
    [
        ("3 km", "He walks $3000\\text{ m}$.", True),
        ("3 km", "which is 3 m.", False),
        ("5 cm", "5 m", False),
        ("5 m", "It weighs 5 kg", False),
        ("5", "5 cm", True),
        ("3 h", "180 min", True),
        ("4 m^2", "4 m", False),
        ("$5", "\\$5.00", True),
        ("90°", "90^\\circ", True),
    ],
)
def test_units_count_where_both_have_one(reference: str, answer: str, same: bool) -> None:
    assert score(reference, answer) == float(same)


@pytest.mark.parametrize(
    ("reference", "answer"),
    [("42", "forty-two"), ("42", "I do not know."), ("42", ""), ("hello", "5"), ("", "5")],
)
def test_what_is_no_mathematics_decides_nothing(reference: str, answer: str) -> None:
    assert score(reference, answer) is None


def test_of_several_boxes_the_last_counts_or_all_where_the_reference_is_a_set() -> None:
    two = "First \\boxed{2}, and then \\boxed{3}."
    assert score("3", two) == 1.0
    assert score("2", two) == 0.0
    assert score("\\{2,3\\}", two) == 1.0


def test_numbers_are_compared_to_as_many_places_as_is_said() -> None:
    assert score("3.14159", "3.14", 2) == 1.0
    assert score("3.14159", "3.14", 4) == 0.0


def test_what_was_compared_is_said() -> None:
    found = compare({"reference": "1/2", "answer": "so \\boxed{0.75}", "decimals": 6})
    assert found == {"score": 0.0, "said": "`0.75` is not `1/2`"}


def test_boxes_are_read_by_their_braces() -> None:
    assert boxed("\\boxed{\\frac{1}{2}} and \\fbox{3} and \\boxed{open") == ["\\frac{1}{2}", "3"]


def test_signs_of_unicode_are_written_as_latex_has_them() -> None:
    assert as_latex("√(2x)") == "\\sqrt{2x}"
    assert as_latex("a\u00a0≤\u00a0b").split() == ["a", "\\le", "b"]
