"""Checks on JSON: what counts as JSON, its keys, and the part of JSON Schema that is understood."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgeforge.judging.checks import failed_checks, parse_checks
from judgeforge.judging.checks.subject import Subject

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


def passes(text: str, **check: object) -> bool:
    return not failed_checks(parse_checks(check), Subject(text))


def follows(value: object, schema: dict[str, object]) -> bool:
    return passes(json.dumps(value), json_schema=schema)


class TestJson:
    @pytest.mark.parametrize(
        "text", ["{}", " [1, 2]\n", '"a"', "null", "```json\n{}\n```", "\n```\n[]\n```\n"]
    )
    def test_is_one_value_with_at_most_a_code_fence_around_it(self, text: str) -> None:
        assert passes(text, json=True)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "{'a': 1}",
            "{} {}",
            "Here it is: {}",
            "```json\n{}\n```\nDone.",
            "NaN",
            "[Infinity]",
            "{a: 1}",
            "[1,]",
            "[" * 100_000,
            "1" * 5000,
        ],
    )
    def test_is_nothing_else(self, text: str) -> None:
        assert not passes(text, json=True)

    @given(JSON_VALUES)
    def test_is_whatever_json_writes(self, value: object) -> None:
        assert passes(json.dumps(value), json=True)


class TestJsonKeys:
    def test_must_all_be_in_an_object(self) -> None:
        assert passes('{"name": 1, "color": 2, "more": 3}', json_keys=["name", "color"])
        assert not passes('{"name": 1}', json_keys=["name", "color"])
        assert passes('{"name": 1}', json_keys="name")

    @pytest.mark.parametrize("text", ['["name"]', '"name"', "name", '{"Name": 1}'])
    def test_are_not_found_elsewhere(self, text: str) -> None:
        assert not passes(text, json_keys="name")


class TestJsonSchema:
    @pytest.mark.parametrize(
        ("value", "schema", "expected"),
        [
            ({}, {"type": "object"}, True),
            ([], {"type": "object"}, False),
            (1, {"type": "integer"}, True),
            (1.0, {"type": "integer"}, True),
            (1.5, {"type": "integer"}, False),
            (True, {"type": "integer"}, False),
            (True, {"type": "number"}, False),
            (1, {"type": "boolean"}, False),
            (None, {"type": ["string", "null"]}, True),
            (1, {"type": ["string", "null"]}, False),
            ("a", {"enum": ["a", 1, None]}, True),
            (True, {"enum": [1]}, False),
            (1.0, {"enum": [1]}, True),
            (5, {"minimum": 5, "maximum": 5}, True),
            (4.9, {"minimum": 5}, False),
            (5.1, {"maximum": 5}, False),
            ("a", {"minimum": 5}, True),
            ({"a": 1}, {"required": ["a"]}, True),
            ({}, {"required": ["a"]}, False),
            ({"a": "x"}, {"properties": {"a": {"type": "integer"}}}, False),
            ({"b": "x"}, {"properties": {"a": {"type": "integer"}}}, True),
            ({"b": 1}, {"properties": {"a": {}}, "additionalProperties": False}, False),
            ({"a": 1}, {"properties": {"a": {}}, "additionalProperties": False}, True),
            ([1, 2], {"items": {"type": "integer"}}, True),
            ([1, "2"], {"items": {"type": "integer"}}, False),
            ([[1], ["a"]], {"items": {"items": {"type": "integer"}}}, False),
            ([], {"minItems": 1}, False),
            ([1, 2, 3], {"maxItems": 2}, False),
            ([1, 2], {"minItems": 2, "maxItems": 2}, True),
        ],
    )
    def test_decides(self, value: object, schema: dict[str, object], expected: bool) -> None:
        assert follows(value, schema) is expected

    def test_is_never_followed_by_what_is_no_json(self) -> None:
        assert not passes("hello", json_schema={"title": "anything"})

    @given(JSON_VALUES)
    def test_without_rules_is_followed_by_any_json(self, value: object) -> None:
        assert follows(value, {"title": "anything"})

    @pytest.mark.parametrize(
        ("schema", "expected"),
        [
            ({"pattern": "a"}, "`pattern` is not supported"),
            ({"propertys": {}}, "did you mean `properties`"),
            ({"properties": {"a": {"anyOf": []}}}, "`anyOf` is not supported"),
            ({"items": {"$ref": "#"}}, "`\\$ref` is not supported"),
            ({"items": [{}]}, "must be a mapping"),
            ({"type": "text"}, "`type` 'text' is unknown"),
            ({"type": 3}, "`type` must be a list of texts"),
            ({"required": "a"}, "`required` must be a list of texts"),
            ({"enum": []}, "`enum` must be"),
            ({"enum": [[1]]}, "`enum` must be"),
            ({"minimum": "1"}, "`minimum` must be a number"),
            ({"maxItems": -1}, "`maxItems` must be a whole number"),
            ({"additionalProperties": {}}, "must be true or false"),
            ({"properties": []}, "`properties` must be a mapping"),
            ("object", "must be a mapping"),
        ],
    )
    def test_is_refused_where_a_rule_would_not_be_checked(
        self, schema: object, expected: str
    ) -> None:
        with pytest.raises(ValueError, match=expected):
            parse_checks({"json_schema": schema})

    def test_is_refused_where_it_is_nested_without_end(self) -> None:
        schema: dict[str, object] = {}
        for _ in range(40):
            schema = {"items": schema}
        with pytest.raises(ValueError, match="deeper than 32"):
            parse_checks({"json_schema": schema})
