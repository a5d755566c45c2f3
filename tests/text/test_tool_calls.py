"""Tool calls as words: shown as written, compared by what they mean, searched as a tool reads."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgeforge.text.messages import ToolCall
from judgeforge.text.tool_calls import (
    call_text,
    row_said_text,
    said_text,
    same_calls_key,
    texts_in_calls,
    texts_in_json,
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)


def call(
    arguments: str = '{"city": "Oslo"}', name: str = "weather", call_id: str = "1"
) -> ToolCall:
    return ToolCall(id=call_id, name=name, arguments=arguments)


class TestShown:
    def test_a_call_is_its_name_and_its_arguments_as_written(self) -> None:
        assert call_text(call('{ "city":"Oslo"}')) == 'weather({ "city":"Oslo"})'

    def test_an_answer_without_calls_is_its_very_text(self) -> None:
        assert said_text(" Four.\n", ()) == " Four.\n"

    def test_calls_follow_the_words_line_by_line(self) -> None:
        calls = (call("{}"), call('{"q": 1}', "search"))
        assert said_text("I look.", calls) == 'I look.\nweather({})\nsearch({"q": 1})'
        assert said_text("", calls[:1]) == "weather({})"

    def test_rows_of_files_say_the_same(self) -> None:
        row = {"text": "I look.", "tool_calls": [call().model_dump()]}
        assert row_said_text(row) == said_text("I look.", (call(),))
        assert row_said_text({"text": "Four."}) == "Four."


class TestCompared:
    @pytest.mark.parametrize(
        ("one", "other", "same"),
        [
            (call('{"a": 1, "b": [2]}'), call('{"b":[2],"a":1}'), True),
            (call('{"a": {"c": 1, "d": 2}}'), call('{"a": {"d": 2, "c": 1}}'), True),
            (call('{"a": "\\u00e9"}'), call('{"a": "é"}'), True),
            (call(call_id="1"), call(call_id="2"), True),
            (call('{"a": [1, 2]}'), call('{"a": [2, 1]}'), False),
            (call('{"a": 1}'), call('{"a": "1"}'), False),
            (call('{"a": 1}'), call('{"a": true}'), False),
            (call(name="weather"), call(name="search"), False),
            (call(""), call("{}"), True),
            (call("not json"), call("not json"), True),
            (call("not json"), call('"not json"'), False),
            (call("[" * 100_000), call("[" * 100_000), True),
        ],
    )
    def test_order_of_keys_and_ids_do_not_count(
        self, one: ToolCall, other: ToolCall, same: bool
    ) -> None:
        assert (same_calls_key([one]) == same_calls_key([other])) is same

    def test_one_call_more_is_another_answer(self) -> None:
        assert same_calls_key([]) != same_calls_key([call()]) != same_calls_key([call(), call()])

    @given(VALUES, VALUES)
    def test_equal_keys_are_equal_values(self, one: object, other: object) -> None:
        keys = [same_calls_key([call(json.dumps(value))]) for value in (one, other)]
        same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
        assert (keys[0] == keys[1]) is same


class TestSearched:
    def test_texts_are_as_the_tool_reads_them(self) -> None:
        written = json.dumps({"note": "a\nb", "more": [{"deep": "\u200bé"}, 7, None]})
        assert list(texts_in_calls([call(written)])) == [
            "weather", "note", "more", "a\nb", "deep", "\u200bé",
        ]  # fmt: skip

    @pytest.mark.parametrize("written", ["no json", "", "[" * 5000, '{"a": ' * 200 + "1"])
    def test_what_is_not_json_is_one_text(self, written: str) -> None:
        assert list(texts_in_json(written)) == [written]

    def test_what_is_nested_too_deep_is_looked_at_as_it_stands(self) -> None:
        written = "[" * 150 + '"deep"' + "]" * 150
        assert written in list(texts_in_json(written))

    @given(VALUES)
    def test_no_text_is_missed(self, value: object) -> None:
        found = "".join(texts_in_json(json.dumps(value)))

        def texts(inner: object) -> list[str]:
            if isinstance(inner, str):
                return [inner]
            if isinstance(inner, dict):
                return [*inner, *(text for each in inner.values() for text in texts(each))]
            if isinstance(inner, list):
                return [text for each in inner for text in texts(each)]
            return []

        assert sorted(found) == sorted("".join(texts(value)))
