"""axolotl's ``chat_template.default``: each side is one message, not a list."""

from __future__ import annotations

from judgeforge.export.target import Row, Target, answer, json_lines, messages
from judgeforge.records import PreferencePair


def row(pair: PreferencePair) -> Row:
    return {
        "messages": messages(pair.prompt),
        "chosen": answer(pair, pair.chosen).model_dump(),
        "rejected": answer(pair, pair.rejected).model_dump(),
    }


TARGET = Target(suffix=".jsonl", open=json_lines(row), takes_margin=False)
