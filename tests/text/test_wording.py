"""Messages count, list, cut and suggest in one way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from judgeforge.text.wording import (
    about_tokens,
    as_clause,
    counted,
    did_you_mean,
    expect,
    found,
    listed,
    nearest,
    shortened,
)


@pytest.mark.parametrize(
    ("number", "nouns", "said"),
    [
        (0, ("row",), "0 rows"),
        (1, ("row",), "1 row"),
        (2, ("row",), "2 rows"),
        (1, ("reply", "replies"), "1 reply"),
        (2, ("reply", "replies"), "2 replies"),
    ],
)
def test_a_number_agrees_with_its_noun(number: int, nouns: tuple[str, ...], said: str) -> None:
    assert counted(number, *nouns) == said


def test_a_list_tells_that_there_are_more() -> None:
    assert listed("abc") == "a, b, c"
    assert listed("abc", 3) == "a, b, c"
    assert listed("abc", 2, mark="`") == "`a`, `b`, …"
    assert listed([], 2) == ""


def test_a_list_reads_no_more_names_than_it_shows_and_one() -> None:
    def names() -> Iterator[str]:
        yield from "abc"
        raise AssertionError("read too far")

    assert listed(names(), 2) == "a, b, …"


def test_a_text_is_cut_to_the_length_asked_for() -> None:
    assert shortened("abcdef", 6) == "abcdef"
    assert shortened("abcdefg", 6) == "abcde…"
    assert shortened("abcd efgh", 6) == "abcd…"


def test_a_sentence_goes_on_as_a_clause() -> None:
    assert as_clause("Input should be less than 1") == "input should be less than 1"
    assert as_clause("") == ""


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("best_vs_wrost", "best_vs_worst"),
        ("bst", "best_vs_worst"),
        ("ADJACENT", "adjacent"),
        ("zebra", None),
    ],
)
def test_the_name_that_a_mistyped_one_meant_is_found(name: str, meant: str | None) -> None:
    known = ["best_vs_worst", "adjacent"]
    assert nearest(name, known) == meant
    assert did_you_mean(name, known) == (f"; did you mean `{meant}`?" if meant else "")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "None"),
        (True, "True"),
        (0.5, "0.5"),
        ("best\n", "the text 'best\\n'"),
        ("x" * 99, f"the text '{'x' * 59}…'"),
        ([1], "a value of type list"),
    ],
)
def test_a_value_is_named_in_few_words(value: object, words: str) -> None:
    assert found(value) == words


def test_a_truth_value_is_not_taken_for_a_number() -> None:
    expect(1, int, "limit", "a whole number")
    expect(True, bool, "force", "True or False")
    with pytest.raises(TypeError, match="limit must be a whole number, not True; from 1 on"):
        expect(True, int, "limit", "a whole number", "from 1 on")


@pytest.mark.parametrize(
    ("texts", "tokens"),
    [
        ((), 0),
        (("",), 0),
        (("a",), 1),
        (("four", "five!"), 3),
        (("ab", "cd"), 1),
        (("ありがとう",), 4),
        (("half \ud800",), 2),
    ],
)
def test_four_bytes_are_a_token_and_a_part_counts_whole(
    texts: tuple[str, ...], tokens: int
) -> None:
    assert about_tokens(*texts) == tokens
