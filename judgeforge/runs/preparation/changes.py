"""Whether a folder's results depend on what a configuration changed: else it needs no ``--force``.

A judge that refuses or cannot be read is mended by a setting, and a folder in which it has judged
nothing has nothing that was made with the old one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from judgeforge.ranking.protocols import is_by_code
from judgeforge.store.journal import Journal

Identity = Mapping[str, Any]
_OF_JUDGMENTS = frozenset({"structured"})
"""Fields of a model that no completion depends on."""


@dataclass(frozen=True, slots=True)
class Made:
    """What the finished prompts of a folder have of models."""

    completions: bool = False
    judgments: bool = False


def made_by_models(journal: Journal) -> Made:
    """Completions with a text that was sampled, and judgments by a judge that is not code."""
    completions = judgments = False
    for _, entry in journal.entries():
        lines = journal.lines(entry.offset)
        completions = completions or _any(lines["completions"], _is_sampled)
        judgments = judgments or _any(lines["judgments"], _is_judged)
        if completions and judgments:
            break
    return Made(completions, judgments)


def depends(made: Made, old: Identity, new: Identity) -> bool:
    """Whether what was ``made`` depends on what differs between two identities."""
    changed = {key for key in {*old, *new} if old.get(key) != new.get(key)}
    if not changed <= {"models", "sampling", "judging", "rubric"}:
        return True
    if "rubric" in changed and _without_writer(old) != _without_writer(new):
        return True
    if changed & {"judging", "rubric"} and made.judgments:
        return True
    if "sampling" in changed and (made.completions or made.judgments):
        return True
    sampled = {
        name
        for one in (old, new)
        for key in ("models", "always", "pool")
        for name in (one.get("sampling") or {}).get(key, ())
    }
    return any(
        made.judgments or (name in sampled and made.completions and not fields <= _OF_JUDGMENTS)
        for name, fields in _changed_fields(old.get("models", {}), new.get("models", {})).items()
    )


def _without_writer(identity: Identity) -> dict[str, Any]:
    """The rubric without how a model is asked for criteria, which only judgments depend on."""
    return {key: one for key, one in (identity.get("rubric") or {}).items() if key != "write"}


def with_forms(identity: Identity, forms: Mapping[str, str]) -> Identity:
    """The identity, with the form of reply in which these models were asked."""
    models = {
        name: {**model, "structured": forms.get(name, model.get("structured"))}
        for name, model in identity.get("models", {}).items()
    }
    return {**identity, "models": models} if forms else identity


def _changed_fields(old: Identity, new: Identity) -> dict[str, set[str]]:
    """Of each model that differs; one that came or went differs in all its fields."""
    found = {}
    for name in {*old, *new}:
        before, after = old.get(name) or {}, new.get(name) or {}
        fields = {key for key in {*before, *after} if before.get(key) != after.get(key)}
        if fields:
            found[name] = fields
    return found


def _any(lines: Iterable[bytes], holds: Callable[[Identity], bool]) -> bool:
    return any(holds(json.loads(line)) for line in lines)


def _is_sampled(row: Mapping[str, Any]) -> bool:
    return bool(row.get("text")) and row.get("finish") != "given"


def _is_judged(row: Mapping[str, Any]) -> bool:
    return not row.get("missing") and not is_by_code(str(row.get("protocol")))
