"""Which completions may be the chosen side of a pair, and which the rejected one. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from judgeforge.ranking.protocols import is_by_code
from judgeforge.ranking.ranking import Ranking
from judgeforge.ranking.rules import PairingRules
from judgeforge.records import Completion, Judgment
from judgeforge.text.wording import listed


@dataclass(frozen=True, slots=True)
class Sides:
    """Places in the ranking."""

    chosen: frozenset[int]
    rejected: frozenset[int]
    alike: frozenset[frozenset[int]] = frozenset()
    """Places of two that are nearly the same, and so no pair."""

    def allow(self, pair: tuple[int, int]) -> bool:
        """``pair``: the better place first."""
        better, worse = pair
        return better in self.chosen and worse in self.rejected and self.differ(better, worse)

    def differ(self, one: int, other: int) -> bool:
        return frozenset({one, other}) not in self.alike


def sides_of(
    ranking: Ranking,
    rules: PairingRules,
    writers: Mapping[str, str],
    not_chosen: Collection[str] = (),
    alike: Collection[frozenset[str]] = (),
) -> Sides:
    """``writers``: completion id -> who wrote it. ``not_chosen``: ids that are rejected at most.
    ``alike``: ids of two that are nearly the same."""
    ids = ranking.completion_ids
    every = frozenset(range(len(ids)))

    def places(allowed: frozenset[str] | None, barred: Collection[str]) -> frozenset[int]:
        if allowed is None and not barred:
            return every
        return frozenset(
            place
            for place, one in enumerate(ids)
            if one not in barred and (allowed is None or writers.get(one) in allowed)
        )

    return Sides(
        places(rules.writers("chosen_from"), not_chosen),
        places(rules.writers("rejected_from"), ()),
        frozenset(
            frozenset(map(ids.index, two)) for two in alike if all(one in ids for one in two)
        ),
    )


def too_alike(
    completions: Sequence[Completion], judgments: Sequence[Judgment]
) -> list[frozenset[str]]:
    """Ids of two that are nearly the same, or both like a third, and that code does not tell
    apart."""
    first: dict[str, str] = {}
    for one in completions:
        near = one.near_duplicate_of
        first[one.id] = one.id if near is None else first.get(near, near)
    found = {
        one.completion_ids[0]: (one.score, bool(one.failed_required))
        for one in judgments
        if is_by_code(one.protocol) and not one.missing
    }
    return [
        frozenset({one, other})
        for one, other in combinations(first, 2)
        if first[one] == first[other] and found.get(one) == found.get(other)
    ]


def rejected_at_most(completions: Sequence[Completion], rules: PairingRules) -> list[str]:
    """The ids of those that are good enough for the rejected side only."""
    if not rules.filter_chosen_only:
        return []
    return [
        one.id
        for one in completions
        if one.finish in {"length", "unknown"} or (rules.reject_suspicious and one.signs)
    ]


def why_no_sides(sides: Sides, rules: PairingRules, *, which: str = "judged") -> str:
    """Of a ranking in which no pair has its better side among ``chosen`` and its worse one among
    ``rejected``."""
    for side, places, named in (
        ("chosen", sides.chosen, rules.chosen_from),
        ("rejected", sides.rejected, rules.rejected_from),
    ):
        if not places:
            of = f" of {listed(named, mark='`')}" if named else ""
            return f"no {which} completion{of} may be the {side} side"
    return (
        "no completion that may be chosen "
        f"({listed(rules.chosen_from, mark='`') or 'any writer'}) is better than one that may be "
        f"rejected ({listed(rules.rejected_from, mark='`') or 'any writer'})"
    )
