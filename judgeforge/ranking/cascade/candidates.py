"""What could be asked next: single judges or the whole panel, about the contenders only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from judgeforge.ranking.evidence import Evidence
from judgeforge.ranking.protocols import Shows
from judgeforge.ranking.rules import first_tier

_PAIR = 2
MOST_COMPARED = 3
"""Comparisons are considered among this many of the likeliest completions."""


@dataclass(frozen=True, slots=True)
class JudgeOption:
    """A judge that can be asked."""

    name: str
    shows: Shows
    """How many completions each of its judgments is about."""
    tier: int = 1
    repeats: int = 1
    """How often it may be asked the same."""
    cost: float = 1.0
    """Expected price of one question, in any unit that all judges share."""
    questions_per_pair: int = 2
    """How many calls a comparison of two completions takes (both orders: 2)."""
    rewards: bool = False
    """A reward model, whose price is next to nothing beside any other judge's."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One judge about one completion, or about two to be compared."""

    judge: str
    places: tuple[int, ...]
    cost: float
    calls: int = 1


Bundle = tuple[Ask, ...]
"""Asked at once."""
Asked = Mapping[tuple[str, tuple[int, ...]], int]
"""How often each judge was asked about each completion, pair or list, by their sorted places."""


def price_of_a_question(options: Sequence[JudgeOption]) -> float:
    """The measure of what a call must bring: of the cheapest in the first tier that has a judge
    which is no reward model. By a price that is nearly zero nothing else would be worth its call,
    and by none everything. Greater than 0."""
    writing = [option for option in options if not option.rewards] or options
    unit = min(option.cost for option in writing if option.tier == first_tier(writing))
    return unit or min((option.cost for option in options if option.cost > 0), default=1.0)


def times_asked(evidence: Evidence, options: Sequence[JudgeOption]) -> Asked:
    """As far as the answers show it."""
    lists = {option.name for option in options if option.shows == "all"}
    orders = {option.name: option.questions_per_pair for option in options}
    everyone = tuple(range(len(evidence.completion_ids)))
    found: Counter[tuple[str, tuple[int, ...]]] = Counter()
    for cell in (*evidence.cells, *evidence.rewards):
        places = everyone if cell.judge in lists else (cell.place,)
        found[cell.judge, places] = len(cell.scores)
    for one in evidence.comparisons:
        found[one.judge, one.pair] += 1
    return {
        (judge, places): -(-count // orders.get(judge, 1)) if len(places) == _PAIR else count
        for (judge, places), count in found.items()
    }


def candidates(
    completions: int, options: Sequence[JudgeOption], contenders: Sequence[int], asked: Asked
) -> list[Bundle]:
    """``contenders``: places of the completions that can still win, likeliest first."""
    found: dict[Bundle, None] = {}
    for option in options:
        for bundle in _of_judge(option, contenders, asked, completions):
            found[bundle] = None
    for size in (2, 3):
        found[_of_panel(options, contenders[:size], asked)] = None
    return [bundle for bundle in found if bundle]


def _of_judge(
    option: JudgeOption, contenders: Sequence[int], asked: Asked, completions: int
) -> Iterator[Bundle]:
    if option.shows == "two":
        for pair in combinations(sorted(contenders[:MOST_COMPARED]), _PAIR):
            if asked.get((option.name, pair), 0) < option.repeats:
                calls = option.questions_per_pair
                yield (Ask(option.name, pair, option.cost * calls, calls),)
        return
    if option.shows == "all":
        everyone = tuple(range(completions))
        if asked.get((option.name, everyone), 0) < option.repeats:
            yield (Ask(option.name, everyone, option.cost),)
        return
    free = _free(option, contenders, asked)
    for place in free[:MOST_COMPARED]:
        yield (Ask(option.name, (place,), option.cost),)
    for size in range(2, len(free) + 1):
        yield tuple(Ask(option.name, (place,), option.cost) for place in free[:size])


def _of_panel(options: Iterable[JudgeOption], contenders: Sequence[int], asked: Asked) -> Bundle:
    return tuple(
        Ask(option.name, (place,), option.cost)
        for option in options
        if option.shows == "one"
        for place in _free(option, contenders, asked)
    )


def _free(option: JudgeOption, places: Iterable[int], asked: Asked) -> list[int]:
    return [place for place in places if asked.get((option.name, (place,)), 0) < option.repeats]
