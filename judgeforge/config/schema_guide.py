"""What a model of the configuration takes at a place, read from its JSON Schema, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.errors import PydanticInvalidForJsonSchema

from judgeforge.config.document import Location
from judgeforge.text.wording import listed

Schema = Mapping[str, Any]
BEYOND_REASON = 1e6
"""A maximum from here on keeps arithmetic sound; nothing real comes near it."""


@cache
def _schema(model: type[BaseModel]) -> Schema:
    try:
        return model.model_json_schema()
    except PydanticInvalidForJsonSchema:
        return {}


class SchemaGuide:
    """Looks up places of one model; a place is written as pydantic writes it."""

    def __init__(self, model: type[BaseModel]) -> None:
        self._hidden = {name for name, field in model.model_fields.items() if field.exclude}
        self._root = _schema(model)

    @property
    def is_of_a_run(self) -> bool:
        """Whether this is the configuration of a run, and not a rubric or another file."""
        return {"prompts", "models"} <= set(self.names_at(()))

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
        found = dict.fromkeys(self._search(name, self._root, "", 0))
        return sorted(found, key=lambda path: path.count("."))

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
            named = listed(map(str, choices), mark="`")
            return f"one of {named}" if len(choices) > 1 else named
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
            some = listed(names, 4, mark="`")
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
    high = None if high is not None and high >= BEYOND_REASON else high
    if low is not None and high is not None:
        return f" from {low:g} to {high:g}"
    lower = f"of at least {low:g}" if low is not None else f"above {above or 0:g}"
    upper = f"at most {high:g}" if high is not None else f"below {below or 0:g}"
    words = [lower] if low is not None or above is not None else []
    words += [upper] if high is not None or below is not None else []
    return " " + " and ".join(words) if words else ""
