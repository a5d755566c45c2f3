"""The pairs by what their rows say of themselves: by source, domain, language. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from judgeforge.results.figures.judges import Preferences
from judgeforge.results.figures.shortlist import disagreement
from judgeforge.text.wording import shortened

_MOST_VALUES = 1000
"""Of a key; values that come later are counted together."""
OTHERS = "all other values"
NONE = "none"


@dataclass(slots=True)
class Slice:
    pairs: int = 0
    confidence: float = 0.0
    """Sum over the pairs."""
    apart: int = 0
    """Pairs of which a judge prefers rejected, and another one chosen."""
    labelled: int = 0
    """Pairs whose two sides had a label."""
    as_labelled: int = 0
    """Of these, the ones that keep it."""


@dataclass(slots=True)
class SliceFigures:
    slices: dict[str, dict[str, Slice]] = field(default_factory=dict)
    """Key of the metadata -> value -> its pairs."""

    def add_prompt(
        self,
        pairs: Sequence[Mapping[str, Any]],
        completions: Sequence[Mapping[str, Any]],
        told: Mapping[str, Preferences],
    ) -> None:
        """``told``: what each judge of the prompt prefers."""
        given = {row["id"]: row["given"] for row in completions if row.get("given")}
        for pair in pairs:
            for key, value in (pair.get("metadata") or {}).items():
                self._add(self._slice(str(key), value), pair, given, told)

    def _slice(self, key: str, value: object) -> Slice:
        values = self.slices.setdefault(key, {})
        name = _as_text(value)
        if name not in values and len(values) >= _MOST_VALUES:
            name = OTHERS
        return values.setdefault(name, Slice())

    def _add(
        self,
        one: Slice,
        pair: Mapping[str, Any],
        given: Mapping[str, str],
        told: Mapping[str, Preferences],
    ) -> None:
        one.pairs += 1
        one.confidence += pair["confidence"]
        one.apart += disagreement(pair, told) is not None
        source = pair["provenance"]
        if source["chosen_id"] in given and source["rejected_id"] in given:
            one.labelled += 1
            one.as_labelled += given[source["chosen_id"]] == "chosen"

    def largest(self, most: int) -> Iterator[tuple[str, list[tuple[str, Slice]], int]]:
        """Key, its values with the most pairs, and how many values are left out."""
        for key, values in self.slices.items():
            ranked = sorted(values.items(), key=lambda item: (-item[1].pairs, item[0]))
            yield key, ranked[:most], max(0, len(ranked) - most)


def _as_text(value: object) -> str:
    if value is None or value == "":
        return NONE
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return shortened(text)
