"""No field of a message, a part, a tool, a call or a completion is left out without a name.

Every field that OpenAI's types know, and some that only data sets have, is read in every place
where it can stand: it is kept, or refused by its name, or counted by its name.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import openai  # before its types, which are postponed
import openai.types.chat
import pytest
from pydantic import BaseModel

from judgeforge.inputs.completions import read_completions
from judgeforge.inputs.noticed import Noticed, Reading
from judgeforge.inputs.openai_messages import ROLES, read_turn
from judgeforge.inputs.rows import RowProblemError
from judgeforge.inputs.tools import read_tools
from judgeforge.inputs.turns import listed_turns

INPUTS = Path(__file__).parents[2] / "judgeforge" / "inputs"
MARK = "mark-7f3a"
FUNCTION_CALL = {"name": "f", "arguments": json.dumps({"x": MARK})}
VALUES: dict[str, Any] = {
    "content": MARK,
    "tool_calls": [{"id": "a", "type": "function", "function": FUNCTION_CALL}],
    "image_url": {"url": f"https://a.example/{MARK}.png"},
    "function": {"name": MARK},
    "arguments": {"x": MARK},
    "parameters": {"type": "object", "description": MARK},
    "input_schema": {"type": "object", "description": MARK},
}
"""Of fields that take more than a text."""
ONLY_IN_DATA_SETS = {"weight", "reasoning", "thinking", "reasoning_content", "id", "loss", "from"}


def fields_of(*types: type) -> set[str]:
    return {field for each in types for field in each.__annotations__} | ONLY_IN_DATA_SETS


MESSAGES = fields_of(
    openai.types.chat.ChatCompletionDeveloperMessageParam,
    openai.types.chat.ChatCompletionSystemMessageParam,
    openai.types.chat.ChatCompletionUserMessageParam,
    openai.types.chat.ChatCompletionAssistantMessageParam,
    openai.types.chat.ChatCompletionToolMessageParam,
    openai.types.chat.ChatCompletionFunctionMessageParam,
) - {"role"}
PARTS = fields_of(
    openai.types.chat.ChatCompletionContentPartTextParam,
    openai.types.chat.ChatCompletionContentPartImageParam,
    openai.types.chat.ChatCompletionContentPartInputAudioParam,
) - {"type"}
CALLS = fields_of(openai.types.chat.ChatCompletionMessageFunctionToolCallParam) - {"type"}
TOOLS = fields_of(openai.types.chat.ChatCompletionFunctionToolParam) | {
    "name",
    "description",
    "parameters",
    "strict",
    "input_schema",
    "cache_control",
}


def value_of(field: str) -> Any:
    return VALUES.get(field, MARK)


def outcome(read: Callable[[Reading], object], field: str) -> str:
    """How the field was treated; "lost" where nothing tells."""
    noticed = Noticed()
    try:
        found = read(Reading(None, noticed))
    except RowProblemError as problem:
        return "refused" if field in problem.detail else f"lost: {problem.detail}"
    if any(field == name.rpartition(".")[2] for name in noticed.left_out):
        return "noticed"
    return "kept" if MARK in dumped(found) else "lost"


def dumped(found: object) -> str:
    if isinstance(found, tuple):
        return "".join(map(dumped, found))
    return found.model_dump_json() if isinstance(found, BaseModel) else str(found)


def lost(fields: Iterable[str], reader: Callable[[str], Callable[[Reading], object]]) -> list[str]:
    found = {field: outcome(reader(field), field) for field in sorted(fields)}
    return [f"{field}: {how}" for field, how in found.items() if how.startswith("lost")]


@pytest.mark.parametrize("role", ROLES)
def test_of_a_message(role: str) -> None:
    def reader(field: str) -> Callable[[Reading], object]:
        return lambda reading: read_turn(
            {"role": role, "content": "x", field: value_of(field)}, 1, reading
        )

    assert lost(MESSAGES, reader) == []


@pytest.mark.parametrize("kind", ["text", "image_url", "image"])
def test_of_a_part(kind: str) -> None:
    usual = {"text": "x"} if kind == "text" else {"image_url": {"url": "https://a.example/x.png"}}

    def reader(field: str) -> Callable[[Reading], object]:
        part = {"type": kind, **usual, field: value_of(field)}
        return lambda reading: read_turn({"role": "user", "content": [part]}, 1, reading)

    assert lost(PARTS, reader) == []


def test_of_a_call() -> None:
    def reader(field: str) -> Callable[[Reading], object]:
        call = {"id": "a", "function": FUNCTION_CALL, field: value_of(field)}
        turn = {"role": "assistant", "content": None, "tool_calls": [call]}
        return lambda reading: read_turn(turn, 1, reading)

    assert lost(CALLS, reader) == []


def test_of_a_tool() -> None:
    def reader(field: str) -> Callable[[Reading], object]:
        return lambda _: read_tools([{"function": {"name": "f", field: value_of(field)}}])

    assert lost(TOOLS - {"type", "function"}, reader) == []


def test_of_a_completion() -> None:
    def reader(field: str) -> Callable[[Reading], object]:
        one = {"role": "assistant", "content": "x", field: value_of(field)}
        return lambda reading: read_completions([one, "other"], reading)

    assert lost(MESSAGES, reader) == []


def test_of_a_turn_of_sharegpt() -> None:
    def reader(field: str) -> Callable[[Reading], object]:
        turn = {"from": "human", "value": "x", field: value_of(field)}
        return lambda reading: read_turn(listed_turns([turn])[0], 1, reading)

    assert lost(MESSAGES - {"from", "content"}, reader) == []


READERS = {"openai_messages.py", "completions.py"}
"""Files that take messages apart; every one is read in the tests above."""
LOOK_AT_THEM = {
    "shapes/shape.py", "shapes/preferences.py", "shapes/transcripts.py", "messages.py",
    "messages_in_text.py", "picture_columns.py",
}  # fmt: skip
"""Compare the words of turns, make some of a text or put pictures in, and hand them on whole."""


def test_no_other_place_of_the_input_code_takes_messages_apart() -> None:
    """Others may make messages out of rows, and hand them on."""
    found = {
        str(file.relative_to(INPUTS))
        for file in sorted(INPUTS.rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if _reads(node, {"content", "tool_calls", "reasoning_content"})
    }
    assert found == READERS | LOOK_AT_THEM


def _reads(node: ast.AST, fields: set[str]) -> bool:
    """``x["content"]`` read, or ``x.get("content")``."""
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        return isinstance(node.slice, ast.Constant) and node.slice.value in fields
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "get"
        and bool(node.args)
        and isinstance(node.args[0], ast.Constant)
        and node.args[0].value in fields
    )
