"""Texts as sets of pieces: what counts as the same piece, and how far sketches of sets agree."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgeforge.inputs.cleaning.pieces import (
    CHARACTERS,
    Sketch,
    character_pieces,
    compared_pieces,
    folded,
    shared,
    shared_of_sketches,
    sketch,
    whole,
    word_pieces,
    words_of,
)

SETS = st.sets(st.integers(0, 2**32 - 1), max_size=60)


def as_sketch(values: set[int]) -> Sketch:
    return np.array(sorted(values), dtype=np.uint32)


@given(st.text(max_size=80))
def test_there_is_a_piece_for_each_run_of_five_characters(text: str) -> None:
    plain = folded(text) or "\x00"
    runs = {plain[i : i + CHARACTERS] for i in range(max(1, len(plain) - CHARACTERS + 1))}
    pieces = character_pieces(text)
    assert len(pieces) == len(runs)
    assert (np.diff(pieces.astype(object)) > 0).all()


@given(
    st.lists(st.one_of(st.text("ab \0", max_size=20), st.text(max_size=20)), min_size=2, max_size=3)
)
def test_texts_that_are_compared_as_wholes_share_what_their_pieces_share(texts: list[str]) -> None:
    first, second, *_ = compared_pieces(texts)
    one, other = map(character_pieces, texts[:2])
    assert shared(first, second) == shared(one, other)
    assert (len(first), len(second)) == (len(one), len(other))


@pytest.mark.parametrize("texts", [("", "\0\0"), ("\0", "\x01"), ("\0a", "a"), ("\0é", "é")])
def test_short_texts_that_begin_with_zeros_are_told_apart(texts: tuple[str, str]) -> None:
    assert shared(*map(character_pieces, texts)) == 0
    assert shared(*compared_pieces(texts)) == 0


@given(st.lists(st.sampled_from("abcd"), max_size=40), st.integers(2, 8))
def test_there_is_a_piece_for_each_run_of_words(words: list[str], number: int) -> None:
    runs = {tuple(words[i : i + number]) for i in range(len(words) - number + 1)}
    assert len(word_pieces(words, number)) == len(runs)


@pytest.mark.parametrize(
    "twin",
    [
        "WHAT is  it?",
        "what\nis it?",
        "\N{FULLWIDTH LATIN CAPITAL LETTER W}hat is it?",
        " What is it? ",
    ],
)
def test_case_white_space_and_forms_of_letters_make_no_other_pieces(twin: str) -> None:
    assert shared(character_pieces("What is it?"), character_pieces(twin)) == 1


def test_pieces_of_another_context_are_others() -> None:
    one, other = (character_pieces("What is it?", context) for context in ("a", "b"))
    assert shared(one, other) == 0
    assert shared(character_pieces("", "a"), character_pieces("", "b")) == 0


def test_words_are_known_by_their_letters_in_any_script() -> None:
    assert words_of("Don't — stop, 2 times!") == ["don", "t", "stop", "2", "times"]
    assert words_of("今日は good") == ["今", "日", "は", "good"]
    assert whole(words_of("Hello, World")) == whole(words_of("hello world!"))
    assert whole(["ab", "c"]) != whole(["a", "bc"])


@given(SETS, SETS)
def test_what_is_shared_is_the_similarity_of_jaccard(one: set[int], other: set[int]) -> None:
    expected = len(one & other) / len(one | other) if one | other else 1.0
    assert shared(as_sketch(one), as_sketch(other)) == pytest.approx(expected)
    assert shared_of_sketches(as_sketch(one), as_sketch(other), 64) == pytest.approx(expected)


def test_sketches_of_large_sets_agree_with_the_sets_themselves() -> None:
    chance = np.random.default_rng(1)
    every = np.unique(chance.integers(0, 2**64, 20_000, dtype=np.uint64))
    for kept in (0.5, 0.8, 0.95):
        first = int(len(every) * kept)
        one, other = every, np.sort(chance.permutation(every)[:first])
        found = shared_of_sketches(sketch(one, 1024), sketch(other, 1024), 1024)
        assert found == pytest.approx(kept, abs=0.05)
