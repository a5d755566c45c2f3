"""Which criteria tell chosen from rejected. Pure."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

from judgeforge.store.own_criteria import FIELD

OWN = "criteria of the prompt's own"
LEAST_DIFFERENCE = 0.005
"""Means that differ by less look equal in two digits."""


def criterion_means(judgments: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each criterion over judges and repeats; ``judgments``: the ``criteria`` of each.

    Those of a judgment on several completions at once are about none of them: leave them out.
    """
    scores: dict[str, list[float]] = defaultdict(list)
    for criteria in judgments:
        for name, score in criteria.items():
            scores[name].append(score)
    return {name: fmean(values) for name, values in scores.items()}


@dataclass(slots=True)
class Criterion:
    """Scores are 0 to 1, each averaged over judges and repeats."""

    pairs: int = 0
    """In which both sides have a score for it."""
    chosen: float = 0.0
    """Sum over pairs; so is ``rejected``."""
    rejected: float = 0.0
    for_chosen: int = 0
    against: int = 0
    """Pairs in which it favours rejected."""

    def add(self, chosen: float, rejected: float) -> None:
        self.pairs += 1
        self.chosen += chosen
        self.rejected += rejected
        self.for_chosen += chosen - rejected >= LEAST_DIFFERENCE
        self.against += rejected - chosen >= LEAST_DIFFERENCE

    def as_fault(self) -> Criterion:
        """The same of a criterion that counts against an answer: for chosen is the lower score."""
        return replace(self, for_chosen=self.against, against=self.for_chosen)

    @property
    def equal(self) -> int:
        return self.pairs - self.for_chosen - self.against


class CriterionFigures:
    def __init__(self) -> None:
        self.criteria: defaultdict[str, Criterion] = defaultdict(Criterion)

    def add_prompt(
        self, pairs: Sequence[Mapping[str, Any]], judgments: Sequence[Mapping[str, Any]]
    ) -> list[dict[str, tuple[float, float]]]:
        """Returns ``criteria_of_sides``."""
        found = criteria_of_sides(pairs, judgments)
        for sides in found:
            for name, (chosen, rejected) in sides.items():
                self.criteria[name].add(chosen, rejected)
        return found

    def by_name(self, faults: Collection[str]) -> Iterator[tuple[str, Criterion]]:
        """``faults``: names of criteria that count against an answer."""
        for name, criterion in self.criteria.items():
            yield (name, criterion.as_fault()) if name in faults else (name, criterion)


def criteria_of_sides(
    pairs: Sequence[Mapping[str, Any]], judgments: Sequence[Mapping[str, Any]]
) -> list[dict[str, tuple[float, float]]]:
    """For each pair: the criteria that both sides have a score for, with chosen's and rejected's.

    ``judgments``: all of the prompt.
    """
    means, found = _means(judgments) if pairs else {}, []
    for pair in pairs:
        source, own = pair["provenance"], _own(pair)
        chosen = _joined(means.get(source["chosen_id"], {}), own)
        rejected = _joined(means.get(source["rejected_id"], {}), own)
        both = chosen.keys() & rejected.keys()
        found.append({name: (chosen[name], rejected[name]) for name in chosen if name in both})
    return found


def _own(pair: Mapping[str, Any]) -> Mapping[str, float]:
    """The weights of the criteria that are the prompt's own."""
    text = pair.get(FIELD)
    criteria = json.loads(text).get("criteria", ()) if text else ()
    return {str(one.get("name")): float(one.get("weight", 1.0)) for one in criteria}


def _joined(means: Mapping[str, float], own: Mapping[str, float]) -> Mapping[str, float]:
    """Criteria of a prompt's own are as many as prompts: they count as one, weighted."""
    scores = {name: score for name, score in means.items() if name in own}
    if not scores:
        return means
    sizes = {name: abs(own[name]) for name in scores}
    good = {name: score if own[name] > 0 else 1.0 - score for name, score in scores.items()}
    total = sum(sizes.values()) or 1.0
    rest = {name: score for name, score in means.items() if name not in own}
    return {**rest, OWN: sum(sizes[name] * good[name] for name in good) / total}


def _means(judgments: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Completion -> criterion -> mean; judgments on several completions at once are about none."""
    criteria: dict[str, list[Mapping[str, float]]] = defaultdict(list)
    for row in judgments:
        shown = row["completion_ids"]
        if row.get("criteria") and len(shown) == 1:
            criteria[shown[0]].append(row["criteria"])
    return {completion: criterion_means(said) for completion, said in criteria.items()}
