"""A trainer's batch as groups: what is one group, and how each kind of answer is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from judgeforge.config.run import Fields, PromptsConfig
from judgeforge.inputs.row_checks import RowChecks
from judgeforge.runs.reward.rows import Group, groups_of

CONFIG = PromptsConfig(path=Path("none.jsonl"), keep=["source"])
CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"at": 1}'}}


def grouped(prompts: list[Any], completions: list[Any], **columns: list[Any]) -> list[Group]:
    return groups_of(prompts, completions, columns, CONFIG, RowChecks())


def texts(group: Group) -> list[str]:
    assert group.prompt is not None
    return [one.text for one in group.prompt.completions]


def test_equal_prompts_are_one_group_wherever_they_stand() -> None:
    first, second = grouped(["a", "b", "a"], ["1", "2", "3"])
    assert (first.places, second.places) == ((0, 2), (1,))
    assert texts(first) == ["1", "3"]


def test_what_belongs_to_a_prompt_tells_two_groups_apart() -> None:
    groups = grouped(["a", "a"], ["1", "2"], reference=["x", "y"], completion_ids=[[1], [2]])
    assert [one.prompt and one.prompt.reference for one in groups] == ["x", "y"]


def test_columns_to_be_kept_go_with_the_prompt() -> None:
    (group,) = grouped(["a", "a"], ["1", "2"], source=["wiki", "wiki"])
    assert group.prompt is not None
    assert group.prompt.metadata == {"source": "wiki"}


def test_what_stands_within_a_column_goes_with_the_prompt() -> None:
    config = PromptsConfig(
        path=Path("none.jsonl"), fields=Fields(reference="reward_model.ground_truth")
    )
    columns = {"reward_model": [{"ground_truth": "4"}, {"style": "rule"}]}
    both = groups_of(["2 + 2?", "3 + 3?"], ["5", "6"], columns, config, RowChecks())
    assert [group.prompt and group.prompt.reference for group in both] == ["4", None]


def test_the_same_group_has_the_same_id_and_another_answer_another() -> None:
    found = [grouped(["a"], [said])[0].prompt for said in ("1", "1", "2")]
    one, again, other = [prompt for prompt in found if prompt is not None]
    assert one.id == again.id != other.id
    assert one.digest == again.digest


@pytest.mark.parametrize(
    ("completion", "text"),
    [
        ("plain", "plain"),
        ([{"role": "assistant", "content": "one turn"}], "one turn"),
        ({"role": "assistant", "content": "a message"}, "a message"),
        ([{"role": "assistant", "content": "filled", "tool_calls": None, "name": None}], "filled"),
        ("with \x00 and \x1b and \ud800", "with \ufffd and \ufffd and \ufffd"),
        ("", ""),
        (
            [
                {"role": "assistant", "content": "Let me look.", "tool_calls": [CALL]},
                {"role": "tool", "name": "look", "content": "a bird"},
                {"role": "assistant", "content": [{"type": "text", "text": "It is a bird."}]},
            ],
            'Let me look.\nlook({"at": 1})\n\n[result of look] a bird\n\nIt is a bird.',
        ),
    ],
)
def test_an_answer_is_read_as_it_was_said(completion: Any, text: str) -> None:
    (group,) = grouped(["a"], [completion])
    assert texts(group) == [text]


def test_calls_of_one_turn_stay_calls() -> None:
    (group,) = grouped(["a"], [[{"role": "assistant", "content": None, "tool_calls": [CALL]}]])
    assert group.prompt is not None
    (one,) = group.prompt.completions
    assert (one.text, one.tool_calls[0].name) == ("", "look")


@pytest.mark.parametrize(
    ("prompt", "problem"),
    [
        ("", "empty"),
        ([{"role": "assistant", "content": "I begin"}], "begin with user"),
        (7, "`prompt` must be"),
    ],
)
def test_a_prompt_that_a_run_would_skip_has_a_reason_and_no_reward(
    prompt: Any, problem: str
) -> None:
    good, bad = grouped(["fine", prompt], ["1", "2"])
    assert good.prompt is not None
    assert bad.prompt is None
    assert problem in (bad.problem or "")


def test_a_list_of_another_length_is_told_by_its_name() -> None:
    with pytest.raises(ValueError, match="`completions` has 1 entry for 2 prompts"):
        grouped(["a", "b"], ["1"])
    with pytest.raises(ValueError, match="`reference` has 3 entries for 1 prompt"):
        grouped(["a"], ["1"], reference=["x", "y", "z"])


@pytest.mark.parametrize(("prompts", "completions"), [("ab", ["1", "2"]), (["a"], {"role": "x"})])
def test_one_text_in_the_place_of_a_list_is_told(prompts: Any, completions: Any) -> None:
    with pytest.raises(TypeError, match="must be a list with one entry a completion"):
        grouped(prompts, completions)


@pytest.mark.parametrize("absent", [None, 3, float("nan")])
def test_an_answer_that_is_none_does_not_spoil_those_beside_it(absent: object) -> None:
    alone, group = grouped(["a", "a", "a"], ["1", absent, "3"])
    assert (alone.places, alone.prompt) == ((1,), None)
    assert str(alone.problem).startswith("a completion must be a text or messages, found ")
    assert (group.places, texts(group)) == ((0, 2), ["1", "3"])
