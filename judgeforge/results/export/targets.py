"""A pair as a row of each trainer's format; the table of the formats is in the `__init__`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from judgeforge.records import Message, PreferencePair
from judgeforge.results.export.target import Row, answer, messages

_SPEAKERS = {"user": "human", "assistant": "gpt"}


def trl_row(pair: PreferencePair) -> Row:
    """TRL's conversational preference format with an explicit prompt (DPO, KTO, reward models).

    Scores go along under names that TRL does not read; a column named ``margin`` would silently
    enter the loss of its RewardTrainer.
    """
    return {
        "prompt": messages(pair.prompt),
        "chosen": messages(pair.chosen),
        "rejected": messages(pair.rejected),
        "score_chosen": pair.score_chosen,
        "score_rejected": pair.score_rejected,
        "score_margin": pair.score_margin,
    }


def openai_row(pair: PreferencePair) -> Row:
    """The JSONL of hosted preference tuning (OpenAI, Together, Fireworks): one answer a side."""
    return {
        "input": {
            "messages": messages(pair.prompt),
            "tools": [],
            "parallel_tool_calls": True,
        },
        "preferred_output": messages([answer(pair, pair.chosen)]),
        "non_preferred_output": messages([answer(pair, pair.rejected)]),
    }


def jsonl_row(pair: PreferencePair) -> Row:
    """The rows of ``pairs.jsonl`` as they are."""
    return pair.model_dump(mode="json")


def axolotl_row(pair: PreferencePair) -> Row:
    """axolotl's ``chat_template.default``: each side is one message, not a list."""
    return {
        "messages": messages(pair.prompt),
        "chosen": answer(pair, pair.chosen).model_dump(),
        "rejected": answer(pair, pair.rejected).model_dump(),
    }


def llamafactory_row(pair: PreferencePair) -> Row:
    """LLaMA-Factory's sharegpt format with ``ranking: true``."""
    system = next((turn.content for turn in pair.prompt if turn.role == "system"), "")
    return {
        "conversations": [
            _llamafactory_turn(turn) for turn in pair.prompt if turn.role != "system"
        ],
        "system": system,
        "chosen": _llamafactory_turn(answer(pair, pair.chosen)),
        "rejected": _llamafactory_turn(answer(pair, pair.rejected)),
    }


def _llamafactory_turn(message: Message) -> Row:
    return {"from": _SPEAKERS[message.role], "value": message.content}


def llamafactory_files(file_names: Sequence[str]) -> Row:
    """The entry that registers each file with LLaMA-Factory."""
    return {
        f"judgeforge_{Path(name).stem.replace('.', '_')}": {
            "file_name": name,
            "formatting": "sharegpt",
            "ranking": True,
            "columns": {
                "messages": "conversations",
                "system": "system",
                "chosen": "chosen",
                "rejected": "rejected",
            },
        }
        for name in file_names
    }
