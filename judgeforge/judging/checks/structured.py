"""Checks of a text that must be JSON: whether it is, its keys, a small part of JSON Schema.

The whole text must be one JSON value; white space and one Markdown code fence around it are
accepted, any other word is not. A keyword of a schema outside ``KEYWORDS`` is refused when the
schema is read: a rule that is silently not checked would make wrong pairs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from pydantic import JsonValue

from judgeforge.judging.checks.subject import Subject, shown
from judgeforge.judging.checks.usual_forms import without_edges
from judgeforge.text.patterns import late_pattern
from judgeforge.text.visible import normalized
from judgeforge.text.wording import did_you_mean

KEYWORDS = (
    "type",
    "properties",
    "required",
    "additionalProperties",
    "enum",
    "items",
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
    "title",
    "description",
)
TYPES = ("object", "array", "string", "integer", "number", "boolean", "null")
DEEPEST = 32
_FENCE = late_pattern(
    r"\A\s*(`{3,10}|~{3,10})(?:json5(?=\s)|[A-Za-z]*)(?![A-Za-z])(.*)\1\s*\Z", re.DOTALL
)
_KINDS = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


@dataclass(frozen=True, slots=True)
class Schema:
    types: tuple[str, ...] = ()
    properties: Mapping[str, Schema] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    closed: bool = False
    choices: frozenset[tuple[bool, JsonValue]] | None = None
    """Each with whether it is a truth value: 1 is 1.0 but not true."""
    items: Schema | None = None
    fewest: int = 0
    most: int | None = None
    minimum: float | None = None
    maximum: float | None = None

    def allows(self, value: Any) -> bool:  # noqa: ANN401 (any JSON value)
        if self.types and not any(_is_of_type(value, name) for name in self.types):
            return False
        if self.choices is not None and not self._is_choice(value):
            return False
        if isinstance(value, dict):
            return self._allows_object(value)
        if isinstance(value, list):
            return self._allows_array(value)
        return not _is_number(value) or self._allows_number(value)

    def _is_choice(self, value: Any) -> bool:  # noqa: ANN401
        if self.choices is None or isinstance(value, dict | list):
            return False
        return (isinstance(value, bool), value) in self.choices

    def _allows_object(self, value: Mapping[str, Any]) -> bool:
        if any(key not in value for key in self.required):
            return False
        if self.closed and any(key not in self.properties for key in value):
            return False
        return all(self.properties[k].allows(v) for k, v in value.items() if k in self.properties)

    def _allows_array(self, value: Sequence[Any]) -> bool:
        if len(value) < self.fewest or (self.most is not None and len(value) > self.most):
            return False
        return self.items is None or all(self.items.allows(item) for item in value)

    def _allows_number(self, value: float) -> bool:
        if self.minimum is not None and value < self.minimum:
            return False
        return self.maximum is None or value <= self.maximum


def schema(value: JsonValue, depth: int = 0) -> Schema:
    """Read a schema. Raises ValueError that names the keyword and what is allowed."""
    if not isinstance(value, dict):
        raise ValueError(f"must be a mapping (a JSON Schema), not {shown(value)}")
    if depth > DEEPEST:
        raise ValueError(f"is nested deeper than {DEEPEST} levels")
    for keyword in value:
        if keyword not in KEYWORDS:
            raise ValueError(
                f"`{keyword[:60]}` is not supported (supported: {', '.join(KEYWORDS)})"
                f"{did_you_mean(keyword[:60], KEYWORDS)}"
            )
    items = value.get("items")
    return Schema(
        types=_types(value.get("type")),
        properties=_properties(value.get("properties", {}), depth),
        required=_strings("required", value.get("required", [])),
        closed=not _boolean("additionalProperties", value.get("additionalProperties", True)),
        choices=_choices(value["enum"]) if "enum" in value else None,
        items=None if items is None else schema(items, depth + 1),
        fewest=_count("minItems", value.get("minItems", 0)),
        most=_count("maxItems", value["maxItems"]) if "maxItems" in value else None,
        minimum=_number("minimum", value["minimum"]) if "minimum" in value else None,
        maximum=_number("maximum", value["maximum"]) if "maximum" in value else None,
    )


def is_json(subject: Subject, _: bool) -> bool:
    return _read(subject.text)[0]


def has_json_keys(subject: Subject, wanted: tuple[str, ...]) -> bool:
    """The text is a JSON object that has at least the wanted keys."""
    _, value = _read(subject.text)
    return isinstance(value, dict) and all(key in value for key in wanted)


def follows_json_schema(subject: Subject, schema: Schema) -> bool:
    found, value = _read(subject.text)
    return found and schema.allows(value)


def unfenced(text: str) -> str:
    """The text without the one code fence around it, if there is one."""
    fenced = _FENCE.match(text)
    return fenced.group(2) if fenced else text


def _types(value: JsonValue) -> tuple[str, ...]:
    if value is None:
        return ()
    names = _strings("type", value if isinstance(value, list) else [value])
    unknown = next((name for name in names if name not in TYPES), None)
    if unknown is not None:
        raise ValueError(
            f"`type` {shown(unknown)} is unknown (known: {', '.join(TYPES)})"
            f"{did_you_mean(unknown[:60], TYPES)}"
        )
    return tuple(dict.fromkeys(names))


def _properties(value: JsonValue, depth: int) -> dict[str, Schema]:
    if not isinstance(value, dict):
        raise ValueError("`properties` must be a mapping of names to schemas")
    return {_composed(name): schema(part, depth + 1) for name, part in value.items()}


def _strings(keyword: str, value: JsonValue) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"`{keyword}` must be a list of texts")
    return tuple(_composed(str(item)) for item in value)


def _choices(value: JsonValue) -> frozenset[tuple[bool, JsonValue]]:
    if not isinstance(value, list) or not value or any(isinstance(v, dict | list) for v in value):
        raise ValueError("`enum` must be a list of texts, numbers, true, false or null")
    choices = (_composed(each) if isinstance(each, str) else each for each in value)
    return frozenset((isinstance(choice, bool), choice) for choice in choices)


def _composed(text: str) -> str:
    return normalized("NFC", text)


def _boolean(keyword: str, value: JsonValue) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"`{keyword}` must be true or false")
    return value


def _count(keyword: str, value: JsonValue) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"`{keyword}` must be a whole number from 0")
    return value


def _number(keyword: str, value: JsonValue) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:  # noqa: PLR0124
        raise ValueError(f"`{keyword}` must be a number")
    return value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_of_type(value: object, name: str) -> bool:
    if name == "integer":
        return _is_number(value) and (not isinstance(value, float) or value.is_integer())
    if name == "number":
        return _is_number(value)
    return isinstance(value, _KINDS[name])


def read_json(text: str) -> tuple[bool, Any]:
    """Whether the whole text is one JSON value, and which one."""
    try:
        return True, json.loads(normalized("NFC", text), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return False, None


def _read(text: str) -> tuple[bool, Any]:
    return read_json(unfenced(without_edges(text)))


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
