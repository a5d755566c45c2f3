"""Criteria that code can verify: one small function each, by name.

A check takes the completion's text and its argument, and says whether the text passes. Its
argument is validated when the rubric is loaded, before anything is paid.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from judgeforge.judging import check_functions as f

FROM_METADATA = "from_metadata"
"""``check: {from_metadata: checks}`` takes the checks of a row's metadata under that key."""


@dataclass(frozen=True, slots=True)
class Check:
    passes: Callable[[str, Any], bool]
    accepts: Callable[[Any], bool]
    argument: str
    """What the argument must be, in words."""


def _count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _texts(value: object) -> bool:
    return _text(value) or (isinstance(value, list) and bool(value) and all(map(_text, value)))


_COUNT, _TEXT, _TEXTS = "a whole number from 0", "a text", "a text or a list of texts"

CHECKS: Mapping[str, Check] = {
    "max_words": Check(lambda text, n: f.words(text) <= n, _count, _COUNT),
    "min_words": Check(lambda text, n: f.words(text) >= n, _count, _COUNT),
    "max_chars": Check(lambda text, n: len(text) <= n, _count, _COUNT),
    "min_chars": Check(lambda text, n: len(text) >= n, _count, _COUNT),
    "max_sentences": Check(lambda text, n: f.sentences(text) <= n, _count, _COUNT),
    "list_items": Check(lambda text, n: f.list_items(text) == n, _count, _COUNT),
    "numbered_items": Check(lambda text, n: f.numbered_items(text) == n, _count, _COUNT),
    "contains": Check(f.contains_all, _texts, _TEXTS),
    "not_contains": Check(f.contains_none, _texts, _TEXTS),
    "starts_with": Check(f.starts_with, _texts, _TEXTS),
    "ends_with": Check(f.ends_with, _texts, _TEXTS),
    "regex": Check(f.matches, f.is_regex, "a regular expression"),
    "not_regex": Check(lambda t, p: not f.matches(t, p), f.is_regex, "a regular expression"),
    "json": Check(lambda text, yes: f.is_json(text) is yes, lambda v: v is True, "true"),
    "json_keys": Check(f.has_json_keys, _texts, _TEXTS),
    "json_schema": Check(f.follows_schema, f.is_schema, "a JSON Schema of the supported kind"),
    "language": Check(f.is_language, f.is_known_language, "one of " + ", ".join(f.LANGUAGES)),
}


def validate_check(check: Mapping[str, Any]) -> None:
    """Raises ValueError that says what is wrong and what is allowed."""
    if not check:
        raise ValueError("`check` must name at least one check")
    if FROM_METADATA in check:
        if len(check) > 1 or not _text(check[FROM_METADATA]):
            raise ValueError(f"`{FROM_METADATA}` stands alone and names a key of the metadata")
        return
    for name, argument in check.items():
        known = CHECKS.get(name)
        if known is None:
            near = difflib.get_close_matches(name, CHECKS, n=1)
            hint = f" Did you mean `{near[0]}`?" if near else ""
            raise ValueError(f"no check is called `{name}`.{hint} Known: {', '.join(CHECKS)}")
        if not known.accepts(argument):
            raise ValueError(f"check `{name}` takes {known.argument}, found {argument!r}")


def passes(text: str, name: str, argument: Any) -> bool:  # noqa: ANN401
    return CHECKS[name].passes(text, argument)
