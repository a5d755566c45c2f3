"""Rows of hosted trainers and of NeMo-RL, by their documented shapes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from judgeforge.errors import ConfigError
from judgeforge.records import PreferencePair
from judgeforge.results.export.export import export_pairs
from judgeforge.results.export.known_targets import TARGETS
from judgeforge.text.messages import Message
from tests.support.hand_made import pair, run_folder
from tests.support.rich_pairs import TOOLS, picture_pair, thought_pair, tool_pair
from tests.support.run_setup import rows


def row(tmp_path: Path, target: str, made: PreferencePair) -> dict[str, object]:
    folder = run_folder(tmp_path / "run", [made])
    export_pairs(folder, target=target, to=tmp_path / "out.jsonl")
    (found,) = rows(tmp_path / "out.jsonl")
    return found


def test_openai_gets_tools_as_a_list_and_calls_on_both_sides(tmp_path: Path) -> None:
    made = tool_pair()
    found = row(tmp_path, "openai", made)
    assert found["input"] == {
        "messages": [turn.model_dump(mode="json") for turn in made.prompt],
        "tools": json.loads(TOOLS),
        "parallel_tool_calls": True,
    }
    assert found["preferred_output"] == [made.chosen[0].model_dump(mode="json")]


def test_bedrock_has_the_system_apart_and_both_candidates_last(tmp_path: Path) -> None:
    turns = [("system", "Be kind."), ("user", "Hi"), ("assistant", "Hello"), ("user", "Why?")]
    prompt = tuple(Message(role=role, content=text) for role, text in turns)
    assert row(tmp_path, "bedrock", pair("p1", prompt=prompt)) == {
        "schemaVersion": "bedrock-conversation-2024",
        "system": [{"text": "Be kind."}],
        "messages": [
            {"role": "user", "content": [{"text": "Hi"}]},
            {"role": "assistant", "content": [{"text": "Hello"}]},
            {"role": "user", "content": [{"text": "Why?"}]},
            {
                "role": "assistant",
                "candidates": [
                    {
                        "content": [{"text": "A good answer to p1."}],
                        "preferenceLabel": "preferred",
                    },
                    {"content": [{"text": "A poor one."}], "preferenceLabel": "non-preferred"},
                ],
            },
        ],
    }


def test_nemo_rl_has_two_completions_of_which_rank_0_is_the_better(tmp_path: Path) -> None:
    found = row(tmp_path, "nemo-rl", pair("p1"))
    assert found["context"] == [{"role": "user", "content": "Question p1?"}]
    assert [(one["rank"], one["completion"][0]["content"]) for one in found["completions"]] == [  # type: ignore[attr-defined]
        (0, "A good answer to p1."),
        (1, "A poor one."),
    ]


def test_openrlhf_reads_the_rows_of_trl_and_a_margin_only_where_asked_for(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run", [pair("p1")])
    export_pairs(folder, target="openrlhf", to=tmp_path / "plain.jsonl")
    export_pairs(folder, target="openrlhf", to=tmp_path / "margin.jsonl", with_margin=True)
    (plain,), (margin,) = rows(tmp_path / "plain.jsonl"), rows(tmp_path / "margin.jsonl")
    assert margin == {**plain, "margin": 0.5}


RICH = {
    "tools": tool_pair("p2"),
    "pictures": picture_pair("p2"),
    "thoughts": thought_pair("p2"),
}
WHAT_IT_DOES_NOT_HOLD = {
    "openrlhf": {"tools", "pictures"},
    "nemo-rl": {"tools", "pictures"},
    "openai": {"pictures", "thoughts"},
    "bedrock": {"tools", "pictures", "thoughts"},
    "axolotl": {"tools", "pictures", "thoughts"},
    "llamafactory": {"pictures", "thoughts"},
    "verl-rm": {"pictures", "tools", "thoughts"},  # tools and thoughts as the template does
}


@pytest.mark.parametrize(
    ("target", "what"),
    [(target, what) for target, lacks in WHAT_IT_DOES_NOT_HOLD.items() for what in sorted(lacks)],
)
def test_what_a_format_has_no_place_for_is_refused_by_its_pair_or_left_out_and_counted(
    tmp_path: Path, target: str, what: str
) -> None:
    from judgeforge.results.export.targets import ExportOptions

    folder = run_folder(tmp_path / "run", [pair("p1"), RICH[what]])
    to, options = tmp_path / f"out{TARGETS[target].suffix}", ExportOptions()
    if TARGETS[target].needs:
        options = ExportOptions(template="chatml")
    with pytest.raises(ConfigError, match=r"pair p2\.p0: .*--leave-out"):
        export_pairs(folder, target=target, to=to, options=options)
    assert not to.exists()
    summary = export_pairs(folder, target=target, to=to, options=options, leave_out=True)
    assert summary.rows == {"train": 1}
    assert summary.notes[0].startswith("left out 1 pair; the first is `p2.p0`")


@pytest.mark.parametrize("target", ["bedrock", "axolotl", "llamafactory"])
def test_names_of_who_speaks_are_left_out_and_counted(tmp_path: Path, target: str) -> None:
    named = (Message(role="user", content="Hi", name="Ann"),)
    folder = run_folder(tmp_path / "run", [pair("p1", prompt=named), pair("p2")])
    summary = export_pairs(folder, target=target, to=tmp_path / "out.jsonl")
    assert summary.rows == {"train": 2}
    assert summary.notes == ("1 pair without the names of who speaks, which have no place",)


def test_every_other_format_holds_everything_or_says_what_it_lacks() -> None:
    whole = {name for name, target in TARGETS.items() if target.reads == "prompts"}
    assert set(TARGETS) == {*WHAT_IT_DOES_NOT_HOLD, *whole, "trl", "jsonl", "parquet"}
