"""LLaMA-Factory's sharegpt format with ``ranking: true``, and the entry that registers a file.

Its reader (``SharegptDatasetConverter`` in llamafactory 0.9.5) takes turns of people and tools at
odd places and those of the model at even ones, and skips a row where it finds two in a row; calls
are JSON under ``function_call``. Several results become one turn, joined as its reader of OpenAI's
messages joins them; words before a call stand before the tags in which its ``FunctionFormatter``
looks for calls.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

from judgeforge.records import PreferencePair
from judgeforge.results.export.targets import Export, Row
from judgeforge.store.pair_columns import PairColumns
from judgeforge.text.messages import Message
from judgeforge.text.tool_calls import parsed_arguments

_SPEAKERS = {"user": "human", "assistant": "gpt", "tool": "observation"}
_SYSTEM = ("system", "developer")
_BETWEEN_RESULTS = "\n</tool_response>\n<tool_response>\n"
_CALLS_AFTER_WORDS = "{}\n\n<tool_call>{}</tool_call>"


def llamafactory_row(export: Export) -> Callable[[PreferencePair], Row]:
    def row(pair: PreferencePair) -> Row:
        tools = {"tools": pair.tools or ""} if export.columns.tools else {}
        return {
            "conversations": list(_turns(pair.prompt)),
            "system": "\n\n".join(turn.text for turn in pair.prompt if turn.role in _SYSTEM),
            **tools,
            "chosen": _turn(pair.chosen[0]),
            "rejected": _turn(pair.rejected[0]),
        }

    return row


def _turns(prompt: Sequence[Message]) -> Iterator[Row]:
    said = [turn for turn in prompt if turn.role not in _SYSTEM]
    for is_result, turns in groupby(said, lambda turn: turn.role == "tool"):
        if is_result:
            together = _BETWEEN_RESULTS.join(turn.text for turn in turns)
            yield {"from": _SPEAKERS["tool"], "value": together}
        else:
            yield from map(_turn, turns)


def _turn(message: Message) -> Row:
    if not message.tool_calls:
        return {"from": _SPEAKERS[message.role], "value": message.text}
    calls = [
        {"name": call.name, "arguments": parsed_arguments(call.arguments)}
        for call in message.tool_calls
    ]
    value = json.dumps(calls, ensure_ascii=False)
    if message.text:
        value = _CALLS_AFTER_WORDS.format(message.text, value)
    return {"from": "function_call", "value": value}


def llamafactory_files(file_names: Sequence[str], columns: PairColumns) -> Row:
    """The entry that registers each file with LLaMA-Factory."""
    tools = {"tools": "tools"} if columns.tools else {}
    return {
        f"judgeforge_{Path(name).stem.replace('.', '_')}": {
            "file_name": name,
            "formatting": "sharegpt",
            "ranking": True,
            "columns": {
                "messages": "conversations",
                "system": "system",
                **tools,
                "chosen": "chosen",
                "rejected": "rejected",
            },
        }
        for name in file_names
    }
