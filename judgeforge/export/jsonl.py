"""The rows of ``pairs.jsonl`` as they are."""

from __future__ import annotations

from judgeforge.export.target import Row, Target, json_lines
from judgeforge.records import PreferencePair


def row(pair: PreferencePair) -> Row:
    return pair.model_dump(mode="json")


TARGET = Target(suffix=".jsonl", open=json_lines(row))
