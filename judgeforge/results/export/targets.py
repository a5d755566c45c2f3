"""What an export target is, and a pair as a row of each trainer's format."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from judgeforge.errors import ConfigError
from judgeforge.records import PreferencePair
from judgeforge.store.atomic_files import replacing
from judgeforge.text.messages import Message

Write = Callable[[PreferencePair], None]
Open = Callable[[Path, bool], AbstractContextManager[Write]]
Row = dict[str, Any]

_SPEAKERS = {"user": "human", "assistant": "gpt"}


@dataclass(frozen=True, slots=True)
class Target:
    """``open(path, with_margin)`` gives the function that writes one pair to a new file."""

    suffix: str
    open: Open
    takes_margin: bool = True
    describe: Callable[[Sequence[str]], Row] | None = None
    """File names -> content of a ``dataset_info.json`` beside them, where the trainer wants one."""


def json_lines(row: Callable[[PreferencePair], Mapping[str, Any]]) -> Open:
    @contextmanager
    def open_file(path: Path, with_margin: bool) -> Iterator[Write]:
        with replacing(path) as file:

            def write(pair: PreferencePair) -> None:
                line = {**row(pair), **({"margin": pair.score_margin} if with_margin else {})}
                file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")

            yield write

    return open_file


def trl_row(pair: PreferencePair) -> Row:
    """TRL's conversational preference format with an explicit prompt (DPO, KTO, reward models).

    Scores go along under names that TRL does not read; a column named ``margin`` would silently
    enter the loss of its RewardTrainer.
    """
    return {
        "prompt": _messages(pair.prompt),
        "chosen": _messages(pair.chosen),
        "rejected": _messages(pair.rejected),
        "score_chosen": pair.score_chosen,
        "score_rejected": pair.score_rejected,
        "score_margin": pair.score_margin,
    }


def openai_row(pair: PreferencePair) -> Row:
    """The JSONL of hosted preference tuning (OpenAI, Together, Fireworks): one answer a side."""
    return {
        "input": {
            "messages": _messages(pair.prompt),
            "tools": [],
            "parallel_tool_calls": True,
        },
        "preferred_output": [_answer(pair.id, pair.chosen).model_dump()],
        "non_preferred_output": [_answer(pair.id, pair.rejected).model_dump()],
    }


def jsonl_row(pair: PreferencePair) -> Row:
    """The rows of ``pairs.jsonl`` as they are."""
    return pair.model_dump(mode="json")


def axolotl_row(pair: PreferencePair) -> Row:
    """axolotl's ``chat_template.default``: each side is one message, not a list."""
    return {
        "messages": _messages(pair.prompt),
        "chosen": _answer(pair.id, pair.chosen).model_dump(),
        "rejected": _answer(pair.id, pair.rejected).model_dump(),
    }


def llamafactory_row(pair: PreferencePair) -> Row:
    """LLaMA-Factory's sharegpt format with ``ranking: true``."""
    system = next((turn.text for turn in pair.prompt if turn.role == "system"), "")
    return {
        "conversations": [
            _llamafactory_turn(turn) for turn in pair.prompt if turn.role != "system"
        ],
        "system": system,
        "chosen": _llamafactory_turn(_answer(pair.id, pair.chosen)),
        "rejected": _llamafactory_turn(_answer(pair.id, pair.rejected)),
    }


def _llamafactory_turn(message: Message) -> Row:
    return {"from": _SPEAKERS[message.role], "value": message.text}


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


def _messages(side: Sequence[Message]) -> list[Row]:
    return [message.model_dump() for message in side]


def _answer(pair_id: str, side: Sequence[Message]) -> Message:
    """The one answer of a side, for formats with no room for more.

    Raises ConfigError where a side is not exactly one assistant message.
    """
    if len(side) == 1 and side[0].role == "assistant":
        return side[0]
    raise ConfigError(
        f"pair {pair_id}: this format wants exactly one assistant message on each side. "
        "Choose `trl` or `jsonl`, which take whole conversations."
    )
