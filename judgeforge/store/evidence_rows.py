"""Rows of completions.jsonl and judgments.jsonl, whichever version wrote them, as their facts.

Rows of earlier versions state some facts in words alone: in the `flags` of a completion, and in the
reason why a judgment is `missing`. Only this file knows these words; all others read fields.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from judgeforge.ranking.protocols import is_by_code
from judgeforge.records import Completion, Judgment, MissingKind

Row = dict[str, Any]

OF_RANKING = ("score", "score_sd", "p_best")
"""In a row of completions.jsonl, beside what the completion is by itself."""

_CUT, _DUPLICATE, _SUSPICIOUS = "cut", "duplicate:", "suspicious:"
_FAILED = ("failed: ", "withheld: ")
_OF_CRITERION = re.compile(r"criterion `[^`]*`: ")
_MISSING: Mapping[str, MissingKind] = {
    "the judge refused": "refused",
    "the provider's content filter withheld": "withheld",
    "call failed": "failed",
    "too long for the judge": "too_long",
    "the judge's reply was cut": "cut",
    "reading the judge's reply failed unexpectedly": "reading_failed",
}
"""How a reason begins; any other is a reply that was not what was asked for."""


def completion_fields(row: Mapping[str, Any]) -> Row:
    """The fields of the Completion in a row, without what its ranking says of it."""
    fields = dict(row)
    for name in OF_RANKING:
        fields.pop(name, None)
    flags = fields.pop("flags", None)
    return fields if "signs" in fields else fields | _told_by([str(flag) for flag in flags or ()])


def completion_facts(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a row states of its completion, by field; the row itself where it has these fields."""
    return row if "signs" in row else completion_fields(row)


def judgment_fields(row: Mapping[str, Any]) -> Row:
    """The fields of the Judgment in a row."""
    fields = dict(row)
    if fields.get("missing") and not fields.get("missing_kind"):
        fields["missing_kind"] = _kind(fields["missing"], str(fields.get("protocol")))
    return fields


def read_completion(row: Mapping[str, Any]) -> Completion:
    """Raises ValidationError where the row is not one of completions.jsonl."""
    return Completion.model_validate(completion_fields(row))


def read_judgment(row: Mapping[str, Any]) -> Judgment:
    """Raises ValidationError where the row is not one of judgments.jsonl."""
    return Judgment.model_validate(judgment_fields(row))


def _told_by(flags: Sequence[str]) -> Row:
    return {
        "cut": _CUT in flags,
        "failure": _rest(flags, *_FAILED),
        "duplicate_of": _rest(flags, _DUPLICATE),
        "signs": [flag.removeprefix(_SUSPICIOUS) for flag in flags if flag.startswith(_SUSPICIOUS)],
    }


def _rest(flags: Sequence[str], *begins: str) -> str | None:
    return next((f[len(b) :] for f in flags for b in begins if f.startswith(b)), None)


def _kind(reason: str, protocol: str) -> MissingKind:
    if is_by_code(protocol):
        return "undecided"
    said = _OF_CRITERION.sub("", reason, count=1)
    return next((kind for begins, kind in _MISSING.items() if said.startswith(begins)), "unread")
