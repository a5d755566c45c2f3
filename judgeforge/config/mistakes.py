"""Turns each mistake that pydantic finds into one line: where, what was found, what is allowed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.errors import PydanticInvalidForJsonSchema
from pydantic_core import ErrorDetails

from judgeforge.config.document import Document, Location, key_path
from judgeforge.errors import ConfigError, as_one
from judgeforge.text.redaction import redact_patterns
from judgeforge.text.wording import did_you_mean, nearest

Schema = Mapping[str, Any]

_OWN_WORDS = frozenset({"value_error", "assertion_error"})
_LONGEST_SHOWN = 60
_MOST_NAMES_LISTED = 12
_BEYOND_REASON = 1e6
"""A maximum from here on keeps arithmetic sound; no one plans with it."""


@dataclass(frozen=True, slots=True)
class Mistake:
    location: Location
    line: int | None
    message: str


def all_mistakes(
    error: ValidationError,
    document: Document,
    model: type[BaseModel],
    outside: frozenset[Location] = frozenset(),
) -> ConfigError:
    """Every mistake, in file order.

    ``outside``: locations whose value did not come from the file; they name no file and line.
    """
    reader = _Reader(document, SchemaGuide(model), outside)
    mistakes = reader.mistakes(error.errors(include_url=False))
    mistakes.sort(key=lambda mistake: mistake.line or 0)
    return as_one(
        [
            ConfigError(
                mistake.message,
                file=document.file if mistake.line else None,
                line=mistake.line,
                key=key_path(mistake.location),
            )
            for mistake in mistakes
        ]
    )


class SchemaGuide:
    """What a model takes at a place, read from its JSON Schema."""

    def __init__(self, model: type[BaseModel]) -> None:
        self._hidden = {name for name, field in model.model_fields.items() if field.exclude}
        try:
            self._root: Schema = model.model_json_schema()
        except PydanticInvalidForJsonSchema:
            self._root = {}

    def names_at(self, location: Location) -> list[str]:
        """The keys that a mapping at this place may have; none where any key will do."""
        names = {name: None for each in self._at(location) for name in each.get("properties", ())}
        return [name for name in names if location or name not in self._hidden]

    def allowed_at(self, location: Location) -> str:
        """``a whole number from 1 to 64``, or nothing where anything will do."""
        words = dict.fromkeys(self._words(each) for each in self._at(location))
        return " or ".join(word for word in words if word)

    def choices_at(self, location: Location) -> list[str]:
        found = (each.get("enum") or [each.get("const")] for each in self._at(location))
        return [choice for choices in found for choice in choices if isinstance(choice, str)]

    def places_of(self, name: str) -> list[str]:
        """Where else a key of this name belongs, as ``models.<name>``."""
        return sorted(set(self._search(name, self._root, "", 0)), key=lambda path: path.count("."))

    def _search(self, name: str, schema: Schema, path: str, depth: int) -> Iterator[str]:
        if depth > 6:
            return
        for each in self._branches(schema):
            properties = each.get("properties", {})
            if path and name in properties:
                yield path
            for key, inner in properties.items():
                yield from self._search(name, inner, f"{path}.{key}".lstrip("."), depth + 1)
            if isinstance(each.get("additionalProperties"), dict):
                yield from self._search(
                    name, each["additionalProperties"], f"{path}.<name>", depth + 1
                )
            if isinstance(each.get("items"), dict):
                yield from self._search(name, each["items"], f"{path}[]", depth + 1)

    def _at(self, location: Location) -> list[Schema]:
        schemas = self._branches(self._root)
        for part in location:
            schemas = [
                branch
                for schema in schemas
                for inner in _below(schema, part)
                for branch in self._branches(inner)
            ]
        return schemas

    def _branches(self, schema: Schema) -> list[Schema]:
        """The schema with references followed and alternatives spread out, without null."""
        if "$ref" in schema:
            name = str(schema["$ref"]).rsplit("/", 1)[-1]
            return self._branches(self._root["$defs"][name])
        alternatives = schema.get("anyOf") or schema.get("oneOf")
        if alternatives:
            return [branch for each in alternatives for branch in self._branches(each)]
        return [] if schema.get("type") == "null" else [schema]

    def _words(self, schema: Schema) -> str:
        if choices := schema.get("enum") or ([schema["const"]] if "const" in schema else None):
            listed = ", ".join(f"`{choice}`" for choice in choices)
            return f"one of {listed}" if len(choices) > 1 else listed
        kind = schema.get("type")
        if kind in {"integer", "number"}:
            noun = "a whole number" if kind == "integer" else "a number"
            return f"{noun}{_range_words(schema)}"
        if kind == "array":
            return self._list_words(schema)
        if kind == "string":
            return _text_words(schema)
        if kind == "object":
            names = list(schema.get("properties", ()))
            some = ", ".join(f"`{name}`" for name in names[:4]) + (", …" if len(names) > 4 else "")
            return f"a mapping ({some})" if names else "a mapping of `key: value`"
        return "`true` or `false`" if kind == "boolean" else ""

    def _list_words(self, schema: Schema) -> str:
        items = {self._words(each) for each in self._branches(schema.get("items", {}))} - {""}
        least, most = schema.get("minItems"), schema.get("maxItems")
        noun = f"a list of at least {least}" if least is not None else "a list"
        if most is not None:
            noun = f"a list of {least or 0} to {most}"
        return f"{noun} (each {' or '.join(sorted(items))})" if items else noun


def _below(schema: Schema, part: str | int) -> list[Schema]:
    if isinstance(part, int):
        items = schema.get("items")
        return [items] if isinstance(items, dict) else []
    inner = schema.get("properties", {}).get(part, schema.get("additionalProperties"))
    return [inner] if isinstance(inner, dict) else []


def _text_words(schema: Schema) -> str:
    noun = "a path" if schema.get("format") == "path" else "text"
    if schema.get("minLength") or schema.get("pattern") == r"\S":
        return f"{noun} that is not empty"
    return f"{noun} like `{schema['pattern']}`" if "pattern" in schema else noun


def _range_words(schema: Schema) -> str:
    """Without a maximum that only something absurd is above; that is named where it is passed."""
    low, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    high, below = schema.get("maximum"), schema.get("exclusiveMaximum")
    high = None if high is not None and high >= _BEYOND_REASON else high
    if low is not None and high is not None:
        return f" from {low:g} to {high:g}"
    lower = f"of at least {low:g}" if low is not None else f"above {above or 0:g}"
    upper = f"at most {high:g}" if high is not None else f"below {below or 0:g}"
    words = [lower] if low is not None or above is not None else []
    words += [upper] if high is not None or below is not None else []
    return " " + " and ".join(words) if words else ""


class _Reader:
    """Words each error of one validation."""

    def __init__(
        self, document: Document, guide: SchemaGuide, outside: frozenset[Location]
    ) -> None:
        self._document, self._guide, self._outside = document, guide, outside

    def mistakes(self, errors: list[ErrorDetails]) -> list[Mistake]:
        """One mistake a place; a missing key whose misspelling is there is not counted again."""
        missing = {self._place(error) for error in errors if error["type"] == "missing"}
        found: dict[Location, Mistake] = {}
        for error in errors:
            place = self._place(error)
            if error["type"] == "extra_forbidden":
                meant = self._meant(place)
                missing.discard((*place[:-1], meant) if meant else place)
                found.setdefault(place, self._mistake(place, self._unknown(place, meant)))
            elif error["type"] != "missing":
                found.setdefault(place, self._mistake(place, self._wrong(place, error)))
        for place in missing:
            found[place] = self._mistake(place, self._missing(place))
        return list(found.values())

    def _mistake(self, place: Location, message: str) -> Mistake:
        if any(place[: len(each)] == each for each in self._outside):
            return Mistake(place, None, message)
        return Mistake(place, self._document.line_of(place), message)

    def _place(self, error: ErrorDetails) -> Location:
        """The error's location without the parts that name a branch of a union."""
        parts = error["loc"]
        place: Location = ()
        for index, part in enumerate(parts):
            is_missing_key = error["type"] == "missing" and index == len(parts) - 1
            if is_missing_key or self._has((*place, part)):
                place = (*place, part)
        return place

    def _has(self, place: Location) -> bool:
        return place in self._document.lines or any(
            each[: len(place)] == place for each in self._outside
        )

    def _meant(self, place: Location) -> str | None:
        unused = [
            name
            for name in self._guide.names_at(place[:-1])
            if (*place[:-1], name) not in self._document.lines
        ]
        return nearest(str(place[-1]), unused)

    def _unknown(self, place: Location, meant: str | None) -> str:
        name, names = str(place[-1]), self._guide.names_at(place[:-1])
        if homes := self._guide.places_of(name):
            return f"unknown key here; `{name}` belongs to `{'` or `'.join(homes[:2])}`"
        if meant:
            return f"unknown key; did you mean `{meant}`?"
        if len(names) > _MOST_NAMES_LISTED:
            names = [*names[:_MOST_NAMES_LISTED], "…"]
        return f"unknown key; allowed are {', '.join(names)}"

    def _missing(self, place: Location) -> str:
        allowed = self._guide.allowed_at(place)
        return f"missing; it takes {allowed}" if allowed else "missing"

    def _wrong(self, place: Location, error: ErrorDetails) -> str:
        value = self._value(place, error)
        if error["type"] in _OWN_WORDS:
            message = error["msg"].split(", ", 1)[-1]
            return message if isinstance(value, dict | list) else f"{message}, {_found(value)}"
        # One value may stand for a list of one; then the item is what is wrong.
        allowed = self._guide.allowed_at(error["loc"]) or self._guide.allowed_at(place)
        if not allowed:
            return f"{_found(value)}: {error['msg'][:1].lower()}{error['msg'][1:]}"
        if error["type"] == "less_than_equal" and error["ctx"]["le"] >= _BEYOND_REASON:
            allowed = f"at most {error['ctx']['le']:.12g}"
        choices = self._guide.choices_at(place)
        hint = did_you_mean(value, choices) if isinstance(value, str) else ""
        return f"{_found(value)}; it takes {allowed}{hint}{_how_to_mend(value, allowed)}"

    def _value(self, place: Location, error: ErrorDetails) -> object:
        value: object = self._document.value
        for part in place:
            try:
                value = value[part]  # type: ignore[index]
            except (KeyError, IndexError, TypeError):
                return error["input"]
        return value


def _how_to_mend(value: object, allowed: str) -> str:
    if value is None:
        return " (give a value, or remove the key)"
    if isinstance(value, str) and "$" in value:
        return " (environment variables are not filled in)"
    if "text" in allowed and isinstance(value, bool | int | float):
        return " (write it in quotes)"
    return ""


def _found(value: object) -> str:
    """The value as written, short, and without anything secret in it."""
    if value is None:
        return "found nothing"
    if isinstance(value, dict):
        return "found a mapping"
    if isinstance(value, list):
        return "found a list" if value else "found an empty list"
    if not isinstance(value, str):
        return f"found `{json.dumps(value)}`"
    text = redact_patterns(value)
    short = text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"
    return f"found the text `{json.dumps(short, ensure_ascii=False)[1:-1]}`"
