"""The row whose calls must reserve the most: one that the budget cannot hold ends the whole run.

What a call reserves is far above what it is expected to cost, since no token is taken to be longer
than a byte. So a plan may fit into a budget in which the call about one very long row does not.
"""

from __future__ import annotations

from collections.abc import Iterator

from judgeforge.calls.money.prices import ModelPrice, most_input_tokens
from judgeforge.config.run import RunConfig
from judgeforge.inputs.rows import place_of
from judgeforge.ranking.rules import first_tier
from judgeforge.records import Prompt
from judgeforge.runs.preparation.preparation import Preparation
from judgeforge.store.spending import to_usd
from judgeforge.text.visible import quotable

_UNUSUAL = 4
"""Times what the shortest row reserves."""


class LargestCall:
    """``add`` is told of each prompt."""

    def __init__(self, prepared: Preparation) -> None:
        config = prepared.config
        self._budget, prices = config.budget, prepared.prices
        self._writers = [prices[name] for name in dict.fromkeys(_writers(config))]
        self._judges = [prices[name] for name in dict.fromkeys(_first_judges(config))]
        self._prompt: Prompt | None = None
        self._pico = 0
        self._least: int | None = None

    def add(self, prompt: Prompt) -> None:
        """No more is counted than its own words, which every request about it has."""
        asked = sum(len(message.text) for message in prompt.messages)
        shown = asked + max((len(one.text) for one in prompt.completions), default=0)
        pico = max(
            _most(self._writers, 0 if prompt.completions else asked), _most(self._judges, shown)
        )
        self._least = pico if self._least is None else min(pico, self._least)
        if pico > self._pico:
            self._prompt, self._pico = prompt, pico

    @property
    def is_unusual(self) -> bool:
        """Whether it is the row that is too long, and not the budget that is too small for all."""
        return self._pico > _UNUSUAL * (self._least or 0)

    def warnings(self) -> Iterator[str]:
        usd = to_usd(self._pico)
        limits = {"budget.usd": self._budget.usd, "budget.daily_usd": self._budget.daily_usd}
        for key, limit in limits.items():
            if self._prompt is not None and limit is not None and usd > limit:
                yield (
                    f"{key} is ${limit:g}: one call about `{quotable(self._prompt.id)}` ("
                    f"{place_of(self._prompt)}) must reserve more than ${usd:.2f}, a token for "
                    "each byte, so that the run would end there. Raise it, take the row out, or "
                    "say `models.X.context_tokens`: what is longer is a skip."
                )
                return


def _most(prices: list[ModelPrice | None], size: int) -> int:
    tokens = most_input_tokens(size)
    return max((price.upper_bound(tokens, 0) for price in prices if price and size), default=0)


def _writers(config: RunConfig) -> list[str]:
    return [] if config.sampling is None else list(config.sampling.writers)


def _first_judges(config: RunConfig) -> list[str]:
    """Those that are asked about every prompt."""
    judges = config.judging.judges
    first = first_tier(judges)
    return [judge.model for judge in judges if judge.tier == first]
