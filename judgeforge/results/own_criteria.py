"""Criteria of a prompt's own as rows of a table: what they ask, and how much they count."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ShownCriterion:
    name: str
    weight: str
    """Below 0 it counts against an answer."""
    asks: str
    """A question with its levels, or what code checks."""


def criteria_in_words(criteria: Iterable[Mapping[str, Any]]) -> Iterator[ShownCriterion]:
    """``criteria``: as a rubric file has them."""
    for one in criteria:
        weight = one.get("weight", 1.0)
        yield ShownCriterion(str(one.get("name", "")), f"{weight:g}", _asked(one))


def _asked(criterion: Mapping[str, Any]) -> str:
    if criterion.get("check") is not None:
        required = ", required" if criterion.get("required") else ""
        stated = (
            f"{name}: {json.dumps(argument, ensure_ascii=False)}"
            for name, argument in criterion["check"].items()
        )
        return f"checked by code{required}: {'; '.join(stated)}"
    if criterion.get("yes_no") is not None:
        return f"{criterion['yes_no']} (yes or no)"
    levels = (f"{n} = {text}" for n, text in enumerate(criterion.get("levels") or (), start=1))
    return "\n".join([str(criterion.get("question", "")), *levels])
