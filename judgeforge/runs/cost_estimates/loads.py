"""The calls for one model and what they cost in three cases, with what a cache saves of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from judgeforge.calls.money.prices import ModelPrice
from judgeforge.calls.prefixes import (
    HITS,
    HITS_IN_BATCHES,
    WORTH_WAITING,
    PrefixRules,
    marking_pays,
    prefix_rules,
)
from judgeforge.config.model import ModelConfig
from judgeforge.store.spending import to_usd

LOW, EXPECTED, HIGH = range(3)
Tokens = tuple[int, int, int]
"""Low, expected, high."""
InputTokens = Callable[..., Tokens]
"""Of a request: model, messages and texts beside them -> tokens."""
ALWAYS = (1.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Beginning:
    """Tokens that calls begin with in common."""

    rubric: int
    row: int = 0
    """Of the conversation that all questions about a row begin with."""


@dataclass(frozen=True, slots=True)
class Caching:
    """What is expected of a model's cache."""

    rules: PrefixRules
    hits: float
    in_batch: bool
    for_an_hour: bool

    @classmethod
    def of(cls, model: ModelConfig, price: ModelPrice | None, *, in_batch: bool) -> Caching | None:
        """None where no cache saves anything. ``price``: of direct requests."""
        rules, facts = prefix_rules(model, price), model.facts.prompt_cache
        if rules is None or facts is None:
            return None
        hits = HITS_IN_BATCHES if in_batch else HITS
        return cls(rules, hits, in_batch, in_batch and facts.may_keep_an_hour)

    def kept(self, calls: int, begins: Beginning, price: ModelPrice) -> tuple[int, int]:
        """Tokens of the rubric and of the row that are kept, where this many calls begin so."""
        rubric = begins.rubric if self.rules.keeps(begins.rubric) else 0
        is_long = begins.row >= WORTH_WAITING and self.rules.keeps(begins.rubric + begins.row)
        pays = calls > 1 and marking_pays(calls, price, in_batch=self.in_batch)
        return rubric, begins.rubric + begins.row - rubric if is_long and pays else 0

    def cost(
        self, price: ModelPrice, tokens: tuple[int, int], *, cached: float = 0.0, written: float
    ) -> int:
        """Picodollars of one call with these ``tokens`` of input and output, of whose input some
        are read from the cache and some are written to it."""
        of_input, of_output = tokens
        read = min(round(cached), of_input)
        new = min(round(written), of_input - read) if self.rules.writes_cost else 0
        hour = new if self.for_an_hour else 0
        return price.cost_of(of_input, of_output, cached=read, written=new, for_an_hour=hour)


@dataclass(slots=True)
class ModelLoad:
    """Costs are in picodollars (0 where the price is unknown)."""

    price: ModelPrice | None
    caching: Caching | None = None
    calls: int = 0
    """At most."""
    expected_calls: float = 0.0
    pico: list[int] = field(default_factory=lambda: [0, 0, 0])
    """Low, expected, high."""
    uncached_pico: int = 0
    """What would be expected without any cache."""

    @property
    def saves_by_caches(self) -> bool:
        return self.price is not None and self.pico[EXPECTED] < self.uncached_pico

    def add(
        self,
        calls: int,
        inputs: tuple[int, ...],
        outputs: tuple[int, ...],
        *,
        begins: Beginning,
        made: tuple[float, ...] = ALWAYS,
        in_turn: bool = False,
    ) -> None:
        """Low has all cached that calls begin with in common, high nothing; ``expected`` what a
        cache keeps of requests that are sent for it, ``in_turn``. ``made``: the share of the calls
        that is made in each case."""
        self.calls += calls
        self.expected_calls += made[EXPECTED] * calls
        if self.price is None or not calls:
            return
        price, shared = self.price, begins.rubric + begins.row
        low, one, high = zip(inputs, outputs, strict=True)
        usual = price.cost_of(*one)
        self.uncached_pico += round(made[EXPECTED] * calls * usual)
        first = later = price.cost_of(*low, cached=min(begins.rubric, low[0]))
        if begins.row:
            later = price.cost_of(*low, cached=min(shared, low[0]))
        self.pico[LOW] += round(made[LOW] * (first + (calls - 1) * later))
        if in_turn and self.caching is not None:
            expected = self._expected(calls, one, begins, self.caching, price)
            most = self.caching.cost(price, high, written=shared)
        else:
            expected, most = calls * usual, price.cost_of(*high)
        self.pico[EXPECTED] += round(made[EXPECTED] * expected)
        self.pico[HIGH] += round(made[HIGH] * calls * most)

    def take(self, other: ModelLoad) -> None:
        """What was counted at another price."""
        self.calls += other.calls
        self.expected_calls += other.expected_calls
        self.pico = [one + more for one, more in zip(self.pico, other.pico, strict=True)]
        self.uncached_pico += other.uncached_pico

    @staticmethod
    def _expected(
        calls: int, one: tuple[int, int], begins: Beginning, caching: Caching, price: ModelPrice
    ) -> int:
        rubric, row = caching.kept(calls, begins, price)
        hits, missed = caching.hits, 1 - caching.hits
        both = rubric + row
        first = caching.cost(price, one, cached=hits * rubric, written=missed * rubric + row)
        later = caching.cost(price, one, cached=hits * both, written=missed * both)
        return first + (calls - 1) * later


@dataclass(frozen=True, slots=True)
class TotalCost:
    """USD of all prompts together; None where a price is unknown."""

    low: float | None
    expected: float | None
    high: float | None


def total_cost(loads: Iterable[ModelLoad]) -> TotalCost:
    picos = [None if load.price is None else load.pico for load in loads]
    known = [pico for pico in picos if pico is not None]
    if len(known) < len(picos):
        return TotalCost(None, None, None)
    return TotalCost(*(to_usd(sum(pico[case] for pico in known)) for case in (LOW, EXPECTED, HIGH)))
