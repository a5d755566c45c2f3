"""How far people agree: known values, and what must hold whatever they say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgeforge.runs.labelling.choosing import look_id
from judgeforge.runs.labelling.label_line import Given
from judgeforge.runs.labelling.people import compare_people, krippendorff_alpha, own_agreement


def answer(
    prompt: int, said: str, *, judge: str = "human:a", repeat: int = 0, turned: bool = False
) -> Given:
    shown = (f"{prompt}.b", f"{prompt}.a") if turned else (f"{prompt}.a", f"{prompt}.b")
    name = look_id(str(prompt), shown, repeat)
    return Given(name, str(prompt), shown, said, judge, repeat)


def test_alpha_is_that_of_krippendorffs_own_example() -> None:
    """Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", section B: 0.095."""
    one = ["0", "1", "0", "0", "0", "0", "0", "0", "1", "0"]
    other = ["1", "1", "1", "0", "0", "1", "0", "0", "0", "0"]
    assert krippendorff_alpha(list(zip(one, other, strict=True))) == pytest.approx(0.095, abs=5e-4)


def test_alpha_with_gaps_is_that_of_the_same_paper() -> None:
    """Section C, nominal, four observers with missing answers: 0.743."""
    table = """
        1 2 3 3 2 1 4 1 2 . . .
        1 2 3 3 2 2 4 1 2 5 . 3
        . 3 3 3 2 3 4 2 2 5 1 .
        1 2 3 3 2 4 4 1 2 5 1 ."""
    people = [line.split() for line in table.split("\n") if line.strip()]
    items = [[one for one in item if one != "."] for item in zip(*people, strict=True)]
    assert krippendorff_alpha(items) == pytest.approx(0.743, abs=5e-4)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("ab")), max_size=30))
def test_alpha_is_at_most_one_and_one_only_where_all_agree(items: list[tuple[str, str]]) -> None:
    found = krippendorff_alpha(items)
    if found is not None:
        assert found <= 1.0
        assert (found == 1.0) == all(a == b for a, b in items)


def test_two_people_are_compared_by_what_they_mean_and_not_by_the_side() -> None:
    first = [answer(i, "0") for i in range(10)]
    second = [answer(i, "1", judge="human:b", turned=True) for i in range(10)]
    found = compare_people({"human:a": first, "human:b": second})
    [pair] = found.pairs
    assert (found.items, pair.items, pair.share) == (10, 10, 1.0)
    assert pair.share_interval[0] > 0.6


def test_who_could_not_tell_has_said_nothing_and_a_tie_is_an_answer() -> None:
    first = [answer(0, "0"), answer(1, "cannot_tell"), answer(2, "tie"), answer(3, "0")]
    second = [answer(i, "0", judge="human:b") for i in range(4)]
    found = compare_people({"human:a": first, "human:b": second})
    [pair] = found.pairs
    assert pair.items == 3
    assert pair.share == pytest.approx(2 / 3)


def test_people_who_share_nothing_are_not_compared() -> None:
    found = compare_people({"human:a": [answer(0, "0")], "human:b": [answer(1, "0")]})
    assert (found.items, found.pairs, found.alpha) == (0, (), None)


def test_own_agreement_counts_second_looks_and_tells_who_followed_the_side() -> None:
    first = [answer(i, "0") for i in range(4)]
    second = [
        answer(0, "1", repeat=1, turned=True),  # the same answer on the other side
        answer(1, "0", repeat=1, turned=True),  # the same side, another answer
        answer(2, "tie", repeat=1, turned=True),
    ]
    own = own_agreement([*first, *second])
    assert own is not None
    assert (own.items, own.same, own.same_side) == (3, 1, 1)
    assert "1 of 3" in own.in_words()


def test_without_a_second_look_nothing_is_said_of_own_agreement() -> None:
    assert own_agreement([answer(0, "0")]) is None
