"""The tools of a row, and calls of them: read in every usual shape, written in one."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from judgeforge.inputs.noticed import Noticed, Reading
from judgeforge.inputs.rows import RowProblemError
from judgeforge.inputs.tools import read_tool_calls, read_tools, tool_names
from tests.support.input_files import prompts, read, write, write_jsonl

SCHEMA = {"type": "object", "properties": {"z": {"type": "string"}, "a": {"type": "string"}}}
FUNCTION = {"name": "f", "description": "Does it.", "parameters": SCHEMA, "strict": True}
TOOL = {"type": "function", "function": FUNCTION}
CALL = {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}

SHAPES: list[object] = [
    [TOOL],
    json.dumps([TOOL]),
    [FUNCTION],
    [{"function": FUNCTION}],
    [{**TOOL, "function": {**FUNCTION, "parameters": json.dumps(SCHEMA)}}],
    [{"name": "f", "description": "Does it.", "input_schema": SCHEMA, "strict": True}],
    [
        {
            "type": "custom",
            "name": "f",
            "description": "Does it.",
            "input_schema": SCHEMA,
            "strict": True,
        }
    ],
]


@pytest.mark.parametrize("value", SHAPES)
def test_tools_are_written_in_one_shape_with_their_order_kept(value: object) -> None:
    text = read_tools(value)
    assert text is not None
    assert json.loads(text) == [TOOL]
    assert text.index('"z"') < text.index('"a"')
    assert tool_names(text) == ("f",)


@pytest.mark.parametrize("value", [None, "", "  ", [], "[]", "null"])
def test_no_tools_are_none(value: object) -> None:
    assert read_tools(value) is None
    assert tool_names(None) == ()


def test_what_tables_have_for_nothing_is_left_out() -> None:
    text = read_tools([{"type": "function", "function": {"name": "f", "description": None}}])
    assert json.loads(text or "") == [{"type": "function", "function": {"name": "f"}}]


MISTAKES: list[tuple[object, str]] = [
    (3, "`tools` must be a list of tools or its JSON text, found a number"),
    ("[", "`tools`: the text cannot be read as JSON"),
    ("[NaN]", "NaN is not JSON"),
    (["f"], "tool 1 must be an object with `type` and `function`, found a string"),
    ([TOOL, TOOL], "two tools called `f`"),
    ([{"type": "web_search"}], "tool 1 has the type `web_search`; only functions"),
    ([{"type": ["function"]}], "only functions"),
    ([{"type": "function", "function": {}}], "tool 1 has no `name`"),
    ([{"type": "function", "function": {"name": "f", "parameters": 3}}], "must be a JSON Schema"),
    (
        [{"type": "function", "function": {"name": "f", "returns": 3}}],
        "`returns`, which no tool has",
    ),
]


@pytest.mark.parametrize(("value", "says"), MISTAKES)
def test_a_mistake_in_tools_is_named(value: object, says: str) -> None:
    with pytest.raises(RowProblemError) as raised:
        read_tools(value)
    assert says in raised.value.detail


CALLS: list[tuple[dict[str, Any], tuple[str, str, str]]] = [
    ({"id": "a", "function": {"name": "f", "arguments": '{"x":1}'}}, ("a", "f", '{"x":1}')),
    ({"id": "a", "function": {"name": "f", "arguments": {"x": "ü"}}}, ("a", "f", '{"x":"ü"}')),
    ({"name": "f", "arguments": {}}, ("call_3", "f", "{}")),
    ({"id": "", "function": {"name": "f", "arguments": ""}}, ("call_3", "f", "{}")),
    ({"id": None, "function": {"name": "f", "arguments": None}}, ("call_3", "f", "{}")),
]


@pytest.mark.parametrize(("call", "read"), CALLS)
def test_calls_are_read_with_arguments_as_text_and_an_id(
    call: dict[str, Any], read: tuple[str, str, str]
) -> None:
    (found,) = read_tool_calls([call], "message 2", Reading(), taken=2)
    assert (found.id, found.name, found.arguments) == read


def test_calls_that_got_an_id_are_counted() -> None:
    noticed = Noticed()
    read_tool_calls([{"name": "f", "arguments": {}}], "message 2", Reading(None, noticed))
    assert noticed.losses() == [
        "1 tool call without an id got one, call_1, call_2 and so on within a row"
    ]


WRONG_CALLS: list[tuple[object, str]] = [
    ({}, "`tool_calls` of message 2 must be a list, found an object"),
    (["f"], "tool call 1 of message 2 must be an object with `function`"),
    ([{"type": "custom"}], "has the type `custom`; only functions can be called"),
    ([{"function": {}}], "must have a `function` with `name` and `arguments`"),
    ([{"function": {"name": " "}}], "has an empty name"),
    (
        [{"name": "f", "arguments": "{"}],
        "the arguments of tool call 1 of message 2: the text cannot",
    ),
    ([{"name": "f", "arguments": "[1]"}], "must be a JSON object"),
    ([{"name": "f", "arguments": "3"}], "must be a JSON object"),
    ([{"id": 3, "name": "f"}], "the id of tool call 1 of message 2 must be a string"),
    (
        [{"id": "a", "name": "f"}, {"id": "a", "name": "g"}],
        "two tool calls of message 2 have the same",
    ),
]


@pytest.mark.parametrize(("value", "says"), WRONG_CALLS)
def test_a_mistake_in_calls_is_named(value: object, says: str) -> None:
    with pytest.raises(RowProblemError) as raised:
        read_tool_calls(value, "message 2", Reading())
    assert says in raised.value.detail


@pytest.mark.parametrize("arguments", ["{", "[1]", "not JSON", ""])
def test_in_a_completion_arguments_are_kept_as_the_model_wrote_them(arguments: str) -> None:
    call = {"id": "a", "function": {"name": "f", "arguments": arguments}}
    (found,) = read_tool_calls([call], "completion 1", Reading(), strictly=False)
    assert found.arguments == arguments


def test_tools_and_calls_are_the_same_from_every_format(tmp_path: Path) -> None:
    """A table fills what a row lacks with nulls; they say nothing."""
    turns = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "content": "1", "tool_call_id": "a"},
    ]
    as_text = {"prompt": json.dumps(turns), "tools": json.dumps([TOOL])}
    table = io.StringIO()
    csv.writer(table).writerows([list(as_text), list(as_text.values())])
    row = {"prompt": turns, "tools": [TOOL]}
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "p.parquet")
    files = [
        write_jsonl(tmp_path / "p.jsonl", [row]),
        write_jsonl(tmp_path / "text.jsonl", [as_text]),
        write(tmp_path / "p.csv", table.getvalue()),
        tmp_path / "p.parquet",
    ]
    found = [prompt for file in files for prompt in prompts(read(file))]
    assert [prompt.messages for prompt in found] == [found[0].messages] * 4
    assert {prompt.tools for prompt in found} == {found[0].tools}
    assert len({prompt.id for prompt in found}) == 1
