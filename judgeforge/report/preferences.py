"""Which of two completions of a prompt each judge prefers, whatever it was asked. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import combinations
from typing import Any

Preferences = dict[tuple[str, str], float]
"""Two completions -> how much the first is preferred, -1 to 1. Ids in ascending order."""

_MOST_COMPLETIONS = 12
"""Of a prompt; two by two these are 66 comparisons."""


def preferences_by_judge(
    judgments: Sequence[Mapping[str, Any]], in_pairs: Collection[str] = ()
) -> dict[str, Preferences]:
    """Averaged over repeats and orders. What code checked is no opinion and is left out.

    Of many scored completions those that are ``in_pairs`` (ids) are compared, then the first ones.
    """
    scores: dict[str, dict[str, list[float]]] = {}
    verdicts: dict[str, dict[tuple[str, str], list[float]]] = {}
    for row in judgments:
        if row.get("missing") or row["protocol"] == "checks":
            continue
        shown = row["completion_ids"]
        if row.get("verdict") is not None:
            first, second = shown
            told = _verdict(row) if first < second else -_verdict(row)
            key = (min(first, second), max(first, second))
            verdicts.setdefault(row["judge"], {}).setdefault(key, []).append(told)
            continue
        said = row.get("scores") or (row.get("score"),)
        by_completion = scores.setdefault(row["judge"], {})
        for name, score in zip(shown, said, strict=True):
            if score is not None:
                by_completion.setdefault(name, []).append(score)
    found = {
        judge: _from_scores(by_completion, in_pairs) for judge, by_completion in scores.items()
    }
    for judge, by_pair in verdicts.items():
        found.setdefault(judge, {}).update((key, _mean(all_)) for key, all_ in by_pair.items())
    return found


def preference(told: Preferences, one: str, other: str) -> float | None:
    """How much ``one`` is preferred to ``other``; None where the judge did not see both."""
    if one < other:
        return told.get((one, other))
    reverse = told.get((other, one))
    return None if reverse is None else -reverse


def _verdict(row: Mapping[str, Any]) -> float:
    sign = {"a": 1.0, "b": -1.0, "tie": 0.0}[row["verdict"]]
    strength = row.get("strength")
    return sign if strength is None else sign * strength


def _from_scores(scores: Mapping[str, Sequence[float]], in_pairs: Collection[str]) -> Preferences:
    # Ids of a prompt differ in a number at their end: the shorter ones come first.
    wanted = sorted(scores, key=lambda name: (name not in in_pairs, len(name), name))
    means = {name: _mean(scores[name]) for name in sorted(wanted[:_MOST_COMPLETIONS])}
    return {(one, other): means[one] - means[other] for one, other in combinations(means, 2)}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
