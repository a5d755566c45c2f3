"""The checks themselves. Each is total: any text gives an answer, in bounded time."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import regex

REGEX_TIMEOUT_S = 0.25
LONGEST_REGEX = 500
_WORD = re.compile(r"\S+")
_SENTENCE_END = re.compile(r"[.!?…。！？]+(?=[\s\"'”’)]|$)")
_BULLET = re.compile(r"^\s*(?:[-*•–]|\d{1,3}[.)])\s+\S", re.MULTILINE)
_NUMBERED = re.compile(r"^\s*\d{1,3}[.)]\s+\S", re.MULTILINE)


def words(text: str) -> int:
    return len(_WORD.findall(text))


def sentences(text: str) -> int:
    """Runs of text that end in a sentence's mark; a last one without a mark counts too."""
    pieces = [piece for piece in _SENTENCE_END.split(text) if words(piece)]
    return len(pieces)


def list_items(text: str) -> int:
    return len(_BULLET.findall(text))


def numbered_items(text: str) -> int:
    return len(_NUMBERED.findall(text))


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _all(wanted: str | Sequence[str]) -> list[str]:
    return [_folded(one) for one in ([wanted] if isinstance(wanted, str) else wanted)]


def contains_all(text: str, wanted: str | Sequence[str]) -> bool:
    folded = _folded(text)
    return all(one in folded for one in _all(wanted))


def contains_none(text: str, banned: str | Sequence[str]) -> bool:
    folded = _folded(text)
    return not any(one in folded for one in _all(banned))


def starts_with(text: str, wanted: str | Sequence[str]) -> bool:
    return _folded(text).lstrip().startswith(tuple(_all(wanted)))


def ends_with(text: str, wanted: str | Sequence[str]) -> bool:
    return _folded(text).rstrip().endswith(tuple(_all(wanted)))


def is_regex(pattern: object) -> bool:
    if not isinstance(pattern, str) or not 0 < len(pattern) <= LONGEST_REGEX:
        return False
    try:
        regex.compile(pattern)
    except regex.error:
        return False
    return True


def matches(text: str, pattern: str) -> bool:
    """Whether the pattern is found. One that takes too long counts as not found."""
    try:
        return regex.search(pattern, text, timeout=REGEX_TIMEOUT_S) is not None
    except TimeoutError:
        return False


_ABSENT = object()


def _json(text: str) -> Any:  # noqa: ANN401
    """The JSON value that the whole text is, a Markdown fence around it allowed."""
    stripped = text.strip()
    if stripped.startswith("```") and stripped.endswith("```") and "\n" in stripped:
        stripped = stripped[stripped.index("\n") + 1 : -3]
    try:
        return json.loads(stripped)
    except (ValueError, RecursionError):
        return _ABSENT


def is_json(text: str) -> bool:
    return _json(text) is not _ABSENT


def has_json_keys(text: str, keys: str | Sequence[str]) -> bool:
    value = _json(text)
    wanted = [keys] if isinstance(keys, str) else keys
    return isinstance(value, dict) and all(key in value for key in wanted)


_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}
_KEYWORDS = {"type", "properties", "required", "items", "enum", "minimum", "maximum", "description"}


def is_schema(schema: object) -> bool:
    """Whether every keyword of the schema is one that ``follows_schema`` understands."""
    if not isinstance(schema, dict) or not schema.keys() <= _KEYWORDS:
        return False
    properties = schema.get("properties", {})
    return (
        schema.get("type", "object") in _TYPES
        and isinstance(properties, dict)
        and all(map(is_schema, properties.values()))
        and is_schema(schema.get("items", {}))
    )


def follows_schema(text: str, schema: dict[str, Any]) -> bool:
    value = _json(text)
    return value is not _ABSENT and _follows(value, schema)


def _follows(value: object, schema: dict[str, Any]) -> bool:
    kind = schema.get("type")
    if kind is not None:
        is_bool = isinstance(value, bool)
        if not isinstance(value, _TYPES[kind]) or (is_bool and kind != "boolean"):
            return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if isinstance(value, int | float) and not (
        schema.get("minimum", value) <= value <= schema.get("maximum", value)
    ):
        return False
    if isinstance(value, dict):
        parts = schema.get("properties", {})
        return all(key in value for key in schema.get("required", ())) and all(
            _follows(value[key], part) for key, part in parts.items() if key in value
        )
    if isinstance(value, list):
        return all(_follows(item, schema.get("items", {})) for item in value)
    return True


_STOP_WORDS = {
    "en": "the and of to is in that it for you with are this on be",
    "de": "der die das und ist nicht ein eine zu mit den von auf für sie",
    "fr": "le la les et est des une dans que pour pas qui sur vous du",
    "es": "el la los y que de en un una es por con para no se",
    "it": "il la che di e un una per non con sono del è gli si",
    "pt": "o a que de e um uma para não com os do da em é",
    "nl": "de het een en van is dat niet op te met voor zijn je",
}
_SCRIPTS = {"zh": "CJK UNIFIED", "ja": "HIRAGANA", "ko": "HANGUL", "ru": "CYRILLIC", "ar": "ARABIC"}
LANGUAGES = (*_STOP_WORDS, *_SCRIPTS)


def is_known_language(value: object) -> bool:
    return value in LANGUAGES


def is_language(text: str, language: str) -> bool:
    """Most frequent stop words, or the script of most letters; needs a sentence or so of text."""
    letters = [c for c in text[:5000] if c.isalpha()]
    if language in _SCRIPTS:
        own = sum(unicodedata.name(c, "").startswith(_SCRIPTS[language]) for c in letters)
        return own > 0.3 * max(1, len(letters))
    found = re.findall(r"\w+", text[:5000].lower())
    hits = {name: sum(w in stops.split() for w in found) for name, stops in _STOP_WORDS.items()}
    return hits[language] > 0 and hits[language] == max(hits.values())
