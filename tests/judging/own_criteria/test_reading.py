"""What a row may say as its criteria, and what is told where it says something else."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgeforge.judging.own_criteria.reading import read_criteria
from judgeforge.judging.rubric import Criterion

YES_NO = {"name": "cites", "yes_no": "Does it cite?"}


def one(value: object) -> Criterion:
    found = read_criteria([value])
    assert found is not None
    (criterion,) = found.criteria
    return criterion


@pytest.mark.parametrize("nothing", [None, [], "", "  ", "[]", "null"])
def test_a_row_without_criteria_has_none(nothing: object) -> None:
    assert read_criteria(nothing) is None


def test_a_bare_text_is_a_question_of_yes_and_no_that_is_named_by_its_place() -> None:
    assert (one("Is it right?").name, one("Is it right?").yes_no) == ("own_1", "Is it right?")


def test_json_text_is_read_as_what_it_says() -> None:
    assert read_criteria(json.dumps([YES_NO])) == read_criteria([YES_NO])


def test_columns_of_a_table_that_are_null_say_nothing() -> None:
    assert one({**YES_NO, "levels": None, "check": None, "weight": None}) == one(YES_NO)


@pytest.mark.parametrize(
    ("weight", "meant"),
    [(2, 2), (-0.5, -0.5), ("essential", 3), ("important", 2), ("optional", 1), ("pitfall", -3)],
)
def test_a_weight_is_a_number_or_a_name(weight: object, meant: float) -> None:
    assert one({**YES_NO, "weight": weight}).weight == meant


def test_items_of_published_sets_are_statements_that_are_to_be_true() -> None:
    rar = one({"title": "Names the Capital!", "description": "States Canberra.", "weight": 5})
    assert (rar.name, rar.weight) == ("names_the_capital", 5)
    assert rar.yes_no == "Is this true of the answer? States Canberra."
    health = one({"criterion": "Advises a doctor", "points": -8, "tags": ["level:example"]})
    assert (health.weight, health.is_fault) == (-8, True)


def test_what_is_read_is_read_again_from_its_text() -> None:
    found = read_criteria([YES_NO, "Is it?", {"name": "form", "check": {"max_words": 3}}])
    assert found is not None
    assert read_criteria(found.text) == found


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("not JSON", "must be a list of criteria, or JSON text of one"),
        (3, "must be a list of criteria, not 3"),
        ({"name": "x"}, "must be a list"),
        ([3], "criterion 1: must be an object or a text"),
        ([{"name": "q"}], "criterion 1: criterion `q` must have exactly one of"),
        ([{**YES_NO, "yesno": "x"}], "unknown key `yesno`; did you mean `yes_no`?"),
        ([{**YES_NO, "weight": 0}], "criterion 1, `weight`: a criterion of weight 0"),
        ([{**YES_NO, "weight": "huge"}], "one of `essential`, `important`, `optional`, `pitfall`"),
        ([{**YES_NO, "weight": True}], "criterion 1, `weight`"),
        ([YES_NO, YES_NO], "criterion 2: another criterion that is judged with it is called"),
        ([{**YES_NO, "name": "two words"}], "criterion 1, `name`: `two words` is not a name"),
        ([{"check": {"max_wurds": 3}}], "criterion 1, `check`"),
        ([{"check": {"from_metadata": "checks"}}], "`from_metadata` is for rubric files"),
        ([{**YES_NO, "title": "x"}], "has `title` and `name`"),
        ([{"description": "A", "criterion": "B"}], "is asked in several ways"),
        ([{"description": "A", "yes_no": "B?"}], "is asked in several ways"),
        ([{"description": 3}], "a statement must be a text"),
        (["a\x00b"], "contains the character U+0000"),
        (["x" * 4001], "a text of 4001 characters; at most 4000 are read"),
        (["Is it?"] * 51, "there are 51; at most 50"),
        ([{"name": "a", "check": {"json": True}, "required": True, "weight": -1}], "`required`"),
    ],
)
def test_a_mistake_names_its_criterion_and_what_is_allowed(value: object, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        read_criteria(value)


def test_a_name_of_the_shared_rubric_is_taken() -> None:
    with pytest.raises(ValueError, match="`cites` too"):
        read_criteria([YES_NO], taken=["cites"])


def test_a_check_against_the_reference_says_that_it_needs_one() -> None:
    found = read_criteria([YES_NO, {"name": "same", "check": {"equals_reference": True}}])
    assert found is not None
    assert found.needs_reference == "equals_reference"


JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


@given(JSON_VALUES)
def test_whatever_stands_there_is_read_or_refused_in_words(value: object) -> None:
    with suppress(ValueError):
        found = read_criteria(value)
        assert found is None or found.criteria
