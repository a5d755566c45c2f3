"""The optional columns of pairs: for all rows or for none, and of one type each."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgeforge.store.pair_columns import PairColumns, columns_of
from tests.support.hand_made import pair
from tests.support.rich_pairs import picture_pair, thought_pair, tool_pair


def line(**changes: Any) -> bytes:
    row = {**pair("p1").model_dump(mode="json"), **changes}
    return json.dumps(row, separators=(",", ":")).encode() + b"\n"


def test_a_plain_line_is_left_as_it_is_to_the_byte() -> None:
    made = pair("p1").model_dump_json().encode() + b"\n"
    columns = columns_of([made])
    assert columns.is_plain
    assert columns.written(made) == made


def test_words_that_look_like_keys_are_words() -> None:
    told = [{"role": "user", "content": 'say "tools": and "tool_calls": and "type": please'}]
    assert columns_of([line(prompt=told)]).is_plain


def test_what_one_line_has_all_lines_have() -> None:
    columns = columns_of([line(), line(tools="[]", metadata={"source": "web"})])
    rows = [json.loads(columns.written(each)) for each in (line(), line(tools="[]"))]
    assert [row["tools"] for row in rows] == [None, "[]"]
    assert [row["metadata"] for row in rows] == [{"source": None}] * 2


def test_messages_say_what_they_have_beside_words() -> None:
    made = [tool_pair(), thought_pair(), picture_pair()]
    columns = columns_of(each.model_dump_json().encode() for each in made)
    assert columns.message_keys == {"tool_calls", "tool_call_id", "name", "reasoning_content"}
    assert (columns.tools, columns.parts, columns.pictures) == (True, True, True)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["a", None], "string"),
        ([1, 2], "int64"),
        ([1, 2.5, None], "float64"),
        ([True, False], "bool"),
        ([True, 1], "json"),
        ([1, "a"], "json"),
        ([["a"], [], None], ["string"]),
        ([[1], ["a"]], "json"),
        ([[1, "a"]], "json"),
        ([{"deep": 1}], "json"),
        ([2**70], "json"),
        ([None], None),
        ([[]], []),
    ],
)
def test_a_key_of_the_metadata_has_one_type(values: list[Any], kind: Any) -> None:
    for order in (values, values[::-1]):
        columns = PairColumns()
        for value in order:
            columns.add({"metadata": {"key": value}})
        assert columns.metadata == {"key": kind}


@given(st.lists(st.dictionaries(st.sampled_from("ab"), st.none() | st.integers() | st.text())))
def test_completed_rows_have_the_same_keys(given_metadata: list[dict[str, Any]]) -> None:
    columns = PairColumns()
    for metadata in given_metadata:
        columns.add({"metadata": metadata})
    keys = {
        tuple(columns.complete({"metadata": one}).get("metadata", ())) for one in given_metadata
    }
    assert len(keys) <= 1 or not columns.metadata
