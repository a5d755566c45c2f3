"""Turns each mistake that pydantic finds into one line: where, what was found, what is allowed."""

from __future__ import annotations

import json

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from judgeforge.config.document import Document, Location, key_path
from judgeforge.config.other_names import SERVERS, meant_here, said_elsewhere, written_whole
from judgeforge.config.schema_guide import BEYOND_REASON, SchemaGuide
from judgeforge.errors import ConfigError, as_one
from judgeforge.text.redaction import redact_patterns
from judgeforge.text.wording import as_clause, did_you_mean, listed, nearest, shortened

_OWN_WORDS = frozenset({"value_error", "assertion_error"})
_MOST_NAMES_LISTED = 12


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
    return as_one(sorted(mistakes, key=lambda mistake: mistake.line or 0))


class _Reader:
    """Words each error of one validation."""

    def __init__(
        self, document: Document, guide: SchemaGuide, outside: frozenset[Location]
    ) -> None:
        self._document, self._guide, self._outside = document, guide, outside

    def mistakes(self, errors: list[ErrorDetails]) -> list[ConfigError]:
        """One mistake a place; a missing key whose misspelling is there is not counted again."""
        missing = {self._place(error) for error in errors if error["type"] == "missing"}
        found: dict[Location, ConfigError] = {}
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

    def _mistake(self, place: Location, message: str) -> ConfigError:
        if self._is_outside(place):
            return ConfigError(message, key=key_path(place))
        return self._document.mistake(place, message)

    def _is_outside(self, place: Location) -> bool:
        """Whether the value there, or all that is in it, did not come from the file."""
        if any(place[: len(each)] == each for each in self._outside):
            return True
        return place not in self._document.lines and self._has(place)

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
        within = any(place[: len(each)] == each for each in self._outside)
        return (
            place in self._document.lines
            or any(each[: len(place)] == place for each in self._outside)
            or (within and self._value(place, None) is not None)
        )

    def _meant(self, place: Location) -> str | None:
        names = self._guide.names_at(place[:-1])
        if (other := meant_here(place)) in names:
            return other
        if not self._is_outside(place):
            names = [name for name in names if (*place[:-1], name) not in self._document.lines]
        return nearest(str(place[-1]), names)

    def _unknown(self, place: Location, meant: str | None) -> str:
        name, names = str(place[-1]), self._guide.names_at(place[:-1])
        if meant and meant == meant_here(place):
            return f"unknown key; here it is called `{meant}`"
        if self._guide.is_of_a_run and (words := said_elsewhere(place)):
            return f"unknown key; {words}"
        if homes := self._guide.places_of(name):
            return f"unknown key here; `{name}` belongs to `{'` or `'.join(homes[:2])}`"
        if meant:
            return f"unknown key; did you mean `{meant}`?"
        return f"unknown key; allowed are {listed(names, _MOST_NAMES_LISTED)}"

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
            return f"{_found(value)}: {as_clause(error['msg'])}"
        if error["type"] == "less_than_equal" and error["ctx"]["le"] >= BEYOND_REASON:
            allowed = f"at most {error['ctx']['le']:.12g}"
        choices = self._guide.choices_at(place)
        hint = did_you_mean(value, choices) if isinstance(value, str) else ""
        if place[-1:] == ("provider",) and (other := SERVERS.get(str(value).lower())):
            hint = f"; {other}"
        how = _how_to_fix(value, allowed)
        if not how and self._guide.is_of_a_run and "a mapping" in allowed:
            how = written_whole(place, value)
        return f"{_found(value)}; it takes {allowed}{hint}{how}"

    def _value(self, place: Location, error: ErrorDetails | None) -> object:
        value: object = self._document.value
        for part in place:
            try:
                value = value[part]  # type: ignore[index]
            except (KeyError, IndexError, TypeError):
                return error and error["input"]
        return value


def _how_to_fix(value: object, allowed: str) -> str:
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
    text = json.dumps(shortened(redact_patterns(value)), ensure_ascii=False)[1:-1]
    return f"found the text `{text}`"
