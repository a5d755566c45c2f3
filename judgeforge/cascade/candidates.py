"""What could be asked next: single judges or the whole panel, about the contenders only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from judgeforge.evidence import Evidence
from judgeforge.records import Protocol

MOST_COMPARED = 3
"""Comparisons are considered among so many of the likeliest completions."""


@dataclass(frozen=True, slots=True)
class JudgeOption:
    """A judge that can be asked."""

    name: str
    protocol: Protocol
    tier: int = 1
    repeats: int = 1
    """How often it may be asked the same."""
    cost: float = 1.0
    """Expected price of one question, in any unit that all judges share."""
    questions_per_pair: int = 2
    """How many calls a comparison of two completions takes (both orders: 2)."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One judge about one completion, or about two to be compared."""

    judge: str
    places: tuple[int, ...]
    cost: float
    calls: int = 1


Bundle = tuple[Ask, ...]
"""Asked at once."""


def candidates(
    evidence: Evidence, options: Sequence[JudgeOption], contenders: Sequence[int]
) -> list[Bundle]:
    """``contenders``: places of the completions that can still win, likeliest first."""
    asked = Counter({(cell.judge, cell.place): len(cell.scores) for cell in evidence.cells})
    compared = Counter(
        (one.judge, min(one.first, one.second), max(one.first, one.second))
        for one in evidence.comparisons
    )
    found: dict[Bundle, None] = {}
    for option in options:
        for bundle in _of_judge(option, contenders, asked, compared, len(evidence.completion_ids)):
            found[bundle] = None
    for size in (2, 3):
        found[_of_panel(options, contenders[:size], asked)] = None
    return [bundle for bundle in found if bundle]


def _of_judge(
    option: JudgeOption,
    contenders: Sequence[int],
    asked: Counter[tuple[str, int]],
    compared: Counter[tuple[str, int, int]],
    completions: int,
) -> Iterator[Bundle]:
    if option.protocol == "pairwise":
        for first, second in combinations(sorted(contenders[:MOST_COMPARED]), 2):
            rounds = compared[option.name, first, second] / option.questions_per_pair
            if rounds < option.repeats:
                calls = option.questions_per_pair
                yield (Ask(option.name, (first, second), option.cost * calls, calls),)
        return
    if option.protocol == "listwise":
        if asked[option.name, contenders[0]] < option.repeats:
            yield (Ask(option.name, tuple(range(completions)), option.cost),)
        return
    free = _free(option, contenders, asked)
    for place in free[:MOST_COMPARED]:
        yield (Ask(option.name, (place,), option.cost),)
    for size in range(2, len(free) + 1):
        yield tuple(Ask(option.name, (place,), option.cost) for place in free[:size])


def _of_panel(
    options: Iterable[JudgeOption], contenders: Sequence[int], asked: Counter[tuple[str, int]]
) -> Bundle:
    return tuple(
        Ask(option.name, (place,), option.cost)
        for option in options
        if option.protocol in {"pointwise", "decisions"}
        for place in _free(option, contenders, asked)
    )


def _free(option: JudgeOption, places: Iterable[int], asked: Counter[tuple[str, int]]) -> list[int]:
    return [place for place in places if asked[option.name, place] < option.repeats]
