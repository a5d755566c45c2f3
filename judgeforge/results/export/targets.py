"""LLaMA-Factory's sharegpt format with ``ranking: true``, and the entry that registers it.

The targets by name.

TRL's conversational preference format with an explicit prompt (DPO, KTO, reward models).

Scores go along under names that TRL does not read; a column named ``margin`` would silently
enter the loss of its RewardTrainer.

The JSONL of hosted preference tuning (OpenAI, Together, Fireworks): text, one answer a side.

axolotl's ``chat_template.default``: each side is one message, not a list.

The rows of ``pairs.jsonl`` as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from judgeforge.errors import ConfigError
from judgeforge.records import Message, PreferencePair
from judgeforge.results.export.arrow import TARGET as PARQUET
from judgeforge.results.export.target import Row, Target, answer, json_lines, messages
from judgeforge.text.wording import did_you_mean

_SPEAKERS = {"user": "human", "assistant": "gpt"}


def _llamafactory_row(pair: PreferencePair) -> Row:
    system = next((turn.content for turn in pair.prompt if turn.role == "system"), "")
    return {
        "conversations": [
            _llamafactory_turn(turn) for turn in pair.prompt if turn.role != "system"
        ],
        "system": system,
        "chosen": _llamafactory_turn(answer(pair, pair.chosen)),
        "rejected": _llamafactory_turn(answer(pair, pair.rejected)),
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


def _llamafactory_turn(message: Message) -> Row:
    return {"from": _SPEAKERS[message.role], "value": message.content}


LLAMAFACTORY = Target(
    suffix=".jsonl", open=json_lines(_llamafactory_row), takes_margin=False, describe=describe
)


def _trl_row(pair: PreferencePair) -> Row:
    return {
        "prompt": messages(pair.prompt),
        "chosen": messages(pair.chosen),
        "rejected": messages(pair.rejected),
        "score_chosen": pair.score_chosen,
        "score_rejected": pair.score_rejected,
        "score_margin": pair.score_margin,
    }


TRL = Target(suffix=".jsonl", open=json_lines(_trl_row))


def _openai_row(pair: PreferencePair) -> Row:
    return {
        "input": {
            "messages": messages(pair.prompt),
            "tools": [],
            "parallel_tool_calls": True,
        },
        "preferred_output": messages([answer(pair, pair.chosen)]),
        "non_preferred_output": messages([answer(pair, pair.rejected)]),
    }


OPENAI = Target(suffix=".jsonl", open=json_lines(_openai_row), takes_margin=False)


def _axolotl_row(pair: PreferencePair) -> Row:
    return {
        "messages": messages(pair.prompt),
        "chosen": answer(pair, pair.chosen).model_dump(),
        "rejected": answer(pair, pair.rejected).model_dump(),
    }


AXOLOTL = Target(suffix=".jsonl", open=json_lines(_axolotl_row), takes_margin=False)


def _jsonl_row(pair: PreferencePair) -> Row:
    return pair.model_dump(mode="json")


JSONL = Target(suffix=".jsonl", open=json_lines(_jsonl_row))


TARGETS: Mapping[str, Target] = {
    "trl": TRL,
    "openai": OPENAI,
    "jsonl": JSONL,
    "parquet": PARQUET,
    "axolotl": AXOLOTL,
    "llamafactory": LLAMAFACTORY,
}


def find_target(name: str) -> Target:
    """Raises ConfigError for an unknown name."""
    if name in TARGETS:
        return TARGETS[name]
    raise ConfigError(
        f"unknown export format `{name}` (known: {', '.join(TARGETS)}){did_you_mean(name, TARGETS)}"
    )
