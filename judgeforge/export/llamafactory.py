"""LLaMA-Factory's sharegpt format with ``ranking: true``, and the entry that registers it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from judgeforge.export.target import Row, Target, answer, json_lines
from judgeforge.records import Message, PreferencePair

_SPEAKERS = {"user": "human", "assistant": "gpt"}


def row(pair: PreferencePair) -> Row:
    system = next((turn.content for turn in pair.prompt if turn.role == "system"), "")
    return {
        "conversations": [_turn(turn) for turn in pair.prompt if turn.role != "system"],
        "system": system,
        "chosen": _turn(answer(pair, pair.chosen)),
        "rejected": _turn(answer(pair, pair.rejected)),
    }


def describe(file_names: Sequence[str]) -> Row:
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


def _turn(message: Message) -> Row:
    return {"from": _SPEAKERS[message.role], "value": message.content}


TARGET = Target(suffix=".jsonl", open=json_lines(row), takes_margin=False, describe=describe)
