"""All checks by name. A new check is one small function and one line in ``CHECKS``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from judgeforge.checks import json_schema, language, lengths, lists, reference, structure, wording
from judgeforge.checks.arguments import keys, only_true, span, texts, whole_number
from judgeforge.checks.subject import Subject, UndecidedCheckError
from judgeforge.nearest import did_you_mean


@dataclass(frozen=True, slots=True)
class CheckKind:
    argument: Callable[[JsonValue], Any]
    """Reads the argument. Raises ValueError that says what is allowed."""
    passes: Callable[[Subject, Any], bool]
    """Raises UndecidedCheckError where the text cannot be decided."""
    needs_reference: bool = False


CHECKS: Mapping[str, CheckKind] = {
    "max_words": CheckKind(whole_number, lengths.max_words),
    "min_words": CheckKind(whole_number, lengths.min_words),
    "max_chars": CheckKind(whole_number, lengths.max_chars),
    "min_chars": CheckKind(whole_number, lengths.min_chars),
    "max_sentences": CheckKind(whole_number, lengths.max_sentences),
    "min_sentences": CheckKind(whole_number, lengths.min_sentences),
    "max_paragraphs": CheckKind(whole_number, lengths.max_paragraphs),
    "contains": CheckKind(texts, wording.contains),
    "contains_any": CheckKind(texts, wording.contains_any),
    "not_contains": CheckKind(texts, wording.not_contains),
    "contains_word": CheckKind(texts, wording.contains_word),
    "not_contains_word": CheckKind(texts, wording.not_contains_word),
    "starts_with": CheckKind(texts, wording.starts_with),
    "ends_with": CheckKind(texts, wording.ends_with),
    "regex": CheckKind(wording.pattern, wording.matches),
    "not_regex": CheckKind(wording.pattern, wording.not_matches),
    "json": CheckKind(only_true, structure.is_json),
    "json_keys": CheckKind(keys, structure.has_json_keys),
    "json_schema": CheckKind(json_schema.schema, structure.follows_json_schema),
    "list_items": CheckKind(span, lists.list_items),
    "numbered_items": CheckKind(span, lists.numbered_items),
    "bullet_items": CheckKind(span, lists.bullet_items),
    "language": CheckKind(language.language_code, language.is_in_language),
    "equals_reference": CheckKind(only_true, reference.equals_reference, needs_reference=True),
    "contains_reference": CheckKind(only_true, reference.contains_reference, needs_reference=True),
}


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    stated: JsonValue
    """The argument as it was written, for people."""
    argument: Any
    passes: Callable[[Subject, Any], bool]
    needs_reference: bool

    def __str__(self) -> str:
        return f"{self.name}: {json.dumps(self.stated, ensure_ascii=False)}"


def parse_checks(value: object) -> tuple[Check, ...]:
    """Read a mapping ``{name of a check: its argument}`` with at least one check.

    Raises ValueError that names the check, what was found and what is allowed.
    """
    if not isinstance(value, Mapping) or not value:
        raise ValueError(f"must be a mapping with at least one check, not {value!r}")
    return tuple(_parse(name, argument) for name, argument in value.items())


def failed_checks(checks: Sequence[Check], subject: Subject) -> list[Check]:
    """Those that the text does not pass.

    Raises UndecidedCheckError as soon as one of them cannot be decided.
    """
    return [check for check in checks if not _passes(check, subject)]


def _passes(check: Check, subject: Subject) -> bool:
    try:
        return check.passes(subject, check.argument)
    except UndecidedCheckError as error:
        raise UndecidedCheckError(f"check `{check.name}`: {error}") from error


def _parse(name: str, argument: JsonValue) -> Check:
    kind = CHECKS.get(name)
    if kind is None:
        raise ValueError(
            f"`{name}` is no check (allowed: {', '.join(CHECKS)}){did_you_mean(name, CHECKS)}"
        )
    try:
        ready = kind.argument(argument)
    except ValueError as error:
        raise ValueError(f"check `{name}`: {error}") from error
    return Check(name, argument, ready, kind.passes, kind.needs_reference)
