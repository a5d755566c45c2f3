"""Which pairs a person should look at, picked while the pairs stream by. Pure."""

from __future__ import annotations

import heapq
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from judgeforge.results.figures.judges import Preferences, preference
from judgeforge.results.figures.marks import Mark
from judgeforge.results.figures.pairs import text_length
from judgeforge.store.evidence_rows import completion_facts


@dataclass(frozen=True, slots=True)
class Place:
    """Where the rows of a pair's prompt begin in their files (byte offsets)."""

    pair_id: str
    number: int
    """Of the pair within its prompt, from 0."""
    pairs: int
    judgments: int
    completions: int


@dataclass(frozen=True, slots=True)
class Picked:
    place: Place
    reasons: tuple[str, ...]


class _Most:
    """The places with the highest values; of equals the one that came first."""

    def __init__(self, size: int) -> None:
        self._size, self._came = size, 0
        self._heap: list[tuple[float, int, Place]] = []

    def offer(self, value: float, place: Place) -> None:
        self._came += 1
        entry = (value, -self._came, place)
        if len(self._heap) < self._size:
            heapq.heappush(self._heap, entry)
        elif entry[:2] > self._heap[0][:2]:
            heapq.heapreplace(self._heap, entry)

    def __iter__(self) -> Iterator[Place]:
        return (place for _, _, place in sorted(self._heap, key=lambda entry: entry[:2])[::-1])


REASONS: Mapping[str, int] = {
    "chosen carries a sign of being written for the judge": 6,
    "least sure": 10,
    "judges disagree most": 10,
    "smallest margin": 6,
    "chosen is many times longer": 6,
    "longest": 6,
    "drawn at random": 10,
}
"""Why a pair is shown, and how many at most; a pair is shown once, with all its reasons."""
_SUSPICIOUS, _UNSURE, _DISAGREED, _CLOSE, _RATIO, _LONG, _RANDOM = REASONS

_MANY_TIMES = 2.0
_LARGEST_SHARE = 0.25
"""Of all pairs, for one reason: were it said of most of them it would tell nothing."""
EXAMPLES = 3
"""Pairs that are picked for a mark at least, where there are that many."""
_MOST_MARKS = 2_000
_BY_THEMSELVES = frozenset({_SUSPICIOUS, _DISAGREED, _RATIO})
"""Reasons that a pair has or has not, whatever the others are like."""


class Shortlist:
    def __init__(self) -> None:
        self._picked = {reason: _Most(size) for reason, size in REASONS.items()}
        self._marked: dict[Mark, list[Place]] = {}
        self._pairs = 0

    def add(
        self,
        pair: Mapping[str, Any],
        place: Place,
        completions: Sequence[Mapping[str, Any]],
        told: Mapping[str, Preferences],
        *,
        marks: Iterable[Mark] = (),
    ) -> None:
        """``told``: what each judge of the prompt prefers. ``marks``: what is so of the pair."""
        self._pairs += 1
        self._add_marks(marks, place)
        chosen, rejected = text_length(pair["chosen"]), text_length(pair["rejected"])
        self._picked[_UNSURE].offer(-pair["confidence"], place)
        self._picked[_CLOSE].offer(-pair["score_margin"], place)
        self._picked[_LONG].offer(chosen + rejected, place)
        ratio = chosen / max(1, rejected)
        if ratio >= _MANY_TIMES:
            self._picked[_RATIO].offer(ratio, place)
        # A draw that the same folder always repeats.
        self._picked[_RANDOM].offer(zlib.crc32(place.pair_id.encode(errors="replace")), place)
        apart = disagreement(pair, told)
        if apart is not None:
            self._picked[_DISAGREED].offer(apart, place)
        if _is_suspicious(pair["provenance"]["chosen_id"], completions):
            self._picked[_SUSPICIOUS].offer(0.0, place)

    def picked(self, marks: Iterable[Mark] = ()) -> list[Picked]:
        """In the order of their first reasons; where there are few pairs, all of them, the last
        without a reason. Then examples of each of the ``marks``."""
        most = max(1, int(_LARGEST_SHARE * self._pairs))
        reasons: dict[Place, list[str]] = {}
        for reason, places in self._picked.items():
            all_drawn = reason == _RANDOM and self._pairs <= REASONS[_RANDOM]
            for place in islice(places, None if reason in _BY_THEMSELVES | {_RANDOM} else most):
                reasons.setdefault(place, []).extend([] if all_drawn else [reason])
        for mark in marks:
            for place in self._marked.get(mark, ()):
                reasons.setdefault(place, [])
        return [Picked(place, tuple(why)) for place, why in reasons.items()]

    def _add_marks(self, marks: Iterable[Mark], place: Place) -> None:
        """The first pairs of each; of a limited number of marks, so that a set of names without
        end, such as what servers say, takes no memory without end."""
        for mark in marks:
            places = self._marked.get(mark)
            if places is None:
                if len(self._marked) < _MOST_MARKS:
                    self._marked[mark] = [place]
            elif len(places) < EXAMPLES:
                places.append(place)


def disagreement(pair: Mapping[str, Any], told: Mapping[str, Preferences]) -> float | None:
    """How far apart the judges' preferences for chosen over rejected lie, 0 to 2; None where
    fewer than two judges saw both, or all lean the same way."""
    source = pair["provenance"]
    sides = source["chosen_id"], source["rejected_id"]
    found = [value for each in told.values() if (value := preference(each, *sides)) is not None]
    if len(found) < 2 or min(found) >= 0.0:
        return None
    return max(found) - min(found)


def _is_suspicious(name: str, completions: Sequence[Mapping[str, Any]]) -> bool:
    return any(row["id"] == name and completion_facts(row)["signs"] for row in completions)
