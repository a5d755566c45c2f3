"""Which prompts ask what an evaluation set asks."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgeforge.inputs.cleaning.contamination import Contamination, EvaluationIndex
from judgeforge.inputs.cleaning.evaluation_sets import EvaluationRow
from judgeforge.records import Prompt
from judgeforge.text.messages import Message

TRAIN = (
    "A train leaves Graz at nine in the morning and travels to Vienna at eighty kilometres an "
    "hour. When does it arrive if the way is two hundred kilometres long?"
)
SET = [
    EvaluationRow("eval.jsonl:1", TRAIN),
    EvaluationRow("eval.jsonl:2", "Who wrote Faust?"),
    EvaluationRow("other.csv:7", "What is the name of the river that runs through Vienna?"),
]


def prompt(*turns: tuple[str, str]) -> Prompt:
    messages = tuple(Message(role=role, content=text) for role, text in turns)
    return Prompt(id="p", line=1, messages=messages, digest="")


def find(text: str, *, share: float = 0.5) -> Contamination | None:
    return EvaluationIndex(SET, ngram=8, share=share).find(prompt(("user", text)))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (TRAIN, "eval.jsonl:1"),
        (TRAIN.upper().replace(" ", "  ").replace(".", " \N{EN DASH}"), "eval.jsonl:1"),
        (f"Think step by step, then answer in one sentence. {TRAIN} Be brief.", "eval.jsonl:1"),
        ("who wrote FAUST", "eval.jsonl:2"),
        ("what is the name of the river that runs through Vienna", "other.csv:7"),
    ],
)
def test_a_question_of_an_evaluation_set_is_found_whatever_stands_around_it(
    text: str, place: str
) -> None:
    assert find(text) == Contamination(place, 1.0)


@pytest.mark.parametrize(
    "text",
    [
        "Tell me who wrote Faust? I forgot.",
        "A train leaves Graz at nine in the morning and I missed it. What can I do now?",
        "Who wrote Egmont?",
        "Hi",
        "",
        "What is the name of the river that we crossed in Lower Austria?",
    ],
)
def test_a_question_that_shares_less_than_half_is_another(text: str) -> None:
    assert find(text) is None


def test_the_share_is_of_the_runs_of_the_evaluation_row() -> None:
    words = TRAIN.split()
    for number in (8, 15, 20, len(words)):
        runs = max(0, number - 7) / (len(words) - 7)
        part = " ".join(words[:number])
        found = find(part, share=runs)
        assert found is not None
        assert found.place == "eval.jsonl:1"
        assert found.share == pytest.approx(runs)
        assert find(part, share=min(1, runs + 0.01)) is None or runs == 1


def test_every_turn_counts_but_those_of_the_system() -> None:
    index = EvaluationIndex(SET, ngram=8, share=0.5)
    later = prompt(("user", "Hello"), ("assistant", "Hi"), ("user", TRAIN))
    assert index.find(later) == Contamination("eval.jsonl:1", 1.0)
    assert index.find(prompt(("system", TRAIN), ("user", "Hello"))) is None


def test_each_turn_of_a_row_is_compared_by_itself_and_short_ones_only_where_they_begin_it() -> None:
    rows = [
        EvaluationRow("e:1", TRAIN),
        EvaluationRow("e:1", f"{SET[2].text} " * 9, is_first=False),
        EvaluationRow("e:1", "Go on.", is_first=False),
    ]
    index = EvaluationIndex(rows, ngram=8, share=0.5)
    assert index.rows == 1
    assert index.find(prompt(("user", TRAIN))) == Contamination("e:1", 1.0)
    assert index.find(prompt(("user", "Go on."))) is None
    asked_later = prompt(("user", "Hi"), ("assistant", "Hi"), ("user", "Who wrote Faust?"))
    assert EvaluationIndex(SET, ngram=8, share=0.5).find(asked_later) is None


def test_the_row_with_the_largest_share_is_named() -> None:
    half = EvaluationRow("half:1", f"{TRAIN} Give the answer in minutes and explain how you got it")
    index = EvaluationIndex([half, *SET], ngram=8, share=0.3)
    assert index.find(prompt(("user", TRAIN))) == Contamination("eval.jsonl:1", 1.0)


def test_an_evaluation_set_without_long_rows_still_finds_whole_ones() -> None:
    index = EvaluationIndex([SET[1]], ngram=8, share=0.5)
    assert index.find(prompt(("user", "Who wrote Faust?"))) is not None
    assert index.find(prompt(("user", TRAIN))) is None


@given(
    st.lists(st.lists(st.sampled_from("abcde"), min_size=1, max_size=25), min_size=1, max_size=6),
    st.lists(st.sampled_from("abcde"), max_size=40),
    st.sampled_from([0.2, 0.5, 1.0]),
)
def test_the_index_says_what_counting_runs_says(
    rows: list[list[str]], asked: list[str], share: float
) -> None:
    def runs(words: list[str]) -> set[tuple[str, ...]]:
        return {tuple(words[i : i + 3]) for i in range(len(words) - 2)}

    shares = [
        len(runs(row) & runs(asked)) / len(runs(row)) if runs(row) else float(row == asked)
        for row in rows
    ]
    made = [EvaluationRow(f"e:{n}", " ".join(row)) for n, row in enumerate(rows)]
    found = EvaluationIndex(made, ngram=3, share=share).find(prompt(("user", " ".join(asked))))
    assert (found is not None) == (max(shares) >= share)
    if found is not None:
        assert found.share == pytest.approx(max(shares))
        assert found.share == pytest.approx(shares[int(found.place.partition(":")[2])])


def test_nothing_is_kept_of_where_a_file_is_but_once(tmp_path: Path) -> None:
    rows = [EvaluationRow(f"{tmp_path}:{n}", TRAIN + f" {n}" * 8) for n in range(1, 50)]
    index = EvaluationIndex(rows, ngram=8, share=0.9)
    assert index.rows == 49
    for n in (1, 25, 49):
        found = index.find(prompt(("user", TRAIN + f" {n}" * 8)))
        assert found == Contamination(f"{tmp_path}:{n}", 1.0)
