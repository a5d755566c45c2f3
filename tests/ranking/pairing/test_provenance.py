"""The records of pairs: answers as they were given, thoughts where they are to be kept."""

from __future__ import annotations

import pytest

from judgeforge.ranking.pairing.provenance import kept_metadata, make_pairs
from judgeforge.ranking.pairing.selection import SelectedPair
from judgeforge.records import Completion, PreferencePair, Prompt
from judgeforge.text.messages import Message, ToolCall
from tests.support.fake_asks import make_completion, make_prompt, make_rubric

CALL = ToolCall(id="call_1", name="weather", arguments='{"city": "Oslo"}')
TOOLS = '[{"type":"function","function":{"name":"weather"}}]'
CALLING = make_completion("").model_copy(update={"tool_calls": (CALL,), "reasoning": "I look."})
SAYING = make_completion("Cold.", 1)
SELECTED = SelectedPair(
    chosen_id="p1.c0",
    rejected_id="p1.c1",
    score_chosen=0.8,
    score_rejected=0.2,
    score_margin=0.6,
    confidence=0.9,
    p_best=0.9,
)


def made(
    chosen: Completion, rejected: Completion, prompt: Prompt | None = None, *, keep: bool = False
) -> PreferencePair:
    (pair,) = make_pairs(
        prompt or make_prompt(),
        [SELECTED],
        completions={one.id: one for one in (chosen, rejected)},
        judgments=[],
        rubric=make_rubric().identity,
        strategy="best_vs_worst",
        with_reasoning=keep,
    )
    return pair


@pytest.mark.parametrize("keep", [False, True])
def test_sides_keep_their_calls_and_their_thoughts_where_asked(keep: bool) -> None:
    pair = made(CALLING, SAYING, make_prompt(tools=TOOLS), keep=keep)
    function = {"name": "weather", "arguments": '{"city": "Oslo"}'}
    assert pair.model_dump(mode="json")["chosen"] == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "call_1", "type": "function", "function": function}],
            **({"reasoning_content": "I look."} if keep else {}),
        }
    ]
    assert pair.model_dump(mode="json")["rejected"] == [{"role": "assistant", "content": "Cold."}]
    assert pair.tools == TOOLS


def test_words_beside_a_call_stay() -> None:
    pair = made(CALLING.model_copy(update={"text": "I look it up."}), SAYING)
    assert (pair.chosen[0].content, pair.chosen[0].tool_calls) == ("I look it up.", (CALL,))


def test_turns_of_the_prompt_stand_as_they_came() -> None:
    turns = (
        Message(role="user", content="Oslo?"),
        Message(role="assistant", content=None, tool_calls=(CALL,), reasoning_content="Hm."),
        Message(role="tool", content="9 C", tool_call_id="call_1"),
    )
    assert made(CALLING, SAYING, make_prompt(messages=turns)).prompt == turns


def test_a_pair_of_words_alone_has_the_fields_that_it_always_had() -> None:
    row = made(SAYING.model_copy(update={"id": "p1.c0"}), SAYING, keep=True).model_dump()
    assert "tools" not in row
    assert list(row["chosen"][0]) == ["role", "content"]


def test_numbers_that_no_table_can_hold_are_kept_as_their_digits() -> None:
    held = {"a": 2**64 - 1, "b": [-(2**63), True, 1.5], "c": None}
    large = {"d": 2**64, "e": {"f": [-(2**63) - 1, "x"]}}
    prompt = make_prompt().model_copy(update={"metadata": {**held, **large}})
    told = {"d": "18446744073709551616", "e": {"f": ["-9223372036854775809", "x"]}}
    assert kept_metadata(prompt, "abcdeg") == {**held, **told, "g": None}
