"""The JSONL of hosted preference tuning (OpenAI, Together, Fireworks): text, one answer a side."""

from __future__ import annotations

from judgeforge.export.target import Row, Target, answer, json_lines, messages
from judgeforge.records import PreferencePair


def row(pair: PreferencePair) -> Row:
    return {
        "input": {
            "messages": messages(pair.prompt),
            "tools": [],
            "parallel_tool_calls": True,
        },
        "preferred_output": messages([answer(pair, pair.chosen)]),
        "non_preferred_output": messages([answer(pair, pair.rejected)]),
    }


TARGET = Target(suffix=".jsonl", open=json_lines(row), takes_margin=False)
