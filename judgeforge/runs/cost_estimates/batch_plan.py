"""What batches save, and what caches do: the same calls at both prices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from judgeforge.records import Prompt
from judgeforge.runs.cost_estimates.estimate import Estimator
from judgeforge.runs.cost_estimates.loads import EXPECTED
from judgeforge.runs.preparation.preparation import Preparation
from judgeforge.store.spending import to_usd
from judgeforge.text.wording import counted


class DirectCost:
    """Of the models that are asked in batches, what their calls would cost without them."""

    def __init__(
        self, prepared: Preparation, escalation: float, *, learns_scale: bool = False
    ) -> None:
        """``escalation`` and ``learns_scale``: as in ``Estimator``."""
        self._asked = frozenset(prepared.batch_prices)
        self._estimator = Estimator(
            replace(prepared, prices=prepared.direct_prices),
            escalation=escalation,
            learns_scale=learns_scale,
        )
        self._loads = self._estimator.loads()

    def add(self, prompt: Prompt) -> None:
        if self._asked:
            self._estimator.add(prompt, self._loads)

    def expected_usd(self, name: str) -> float | None:
        """None where the model is not asked in batches, or its price is unknown."""
        load = self._loads[name]
        if name not in self._asked or load.price is None:
            return None
        return to_usd(load.pico[EXPECTED])


def cache_notes(costs: Mapping[str, tuple[float | None, float | None]]) -> Iterator[str]:
    """``costs``: expected, with what caches keep and without, by model."""
    for name, (cached, uncached) in costs.items():
        if cached is None or not uncached or cached >= uncached:
            continue
        yield (
            f"`{name}` is likely to find what its requests begin with in its server's cache: "
            f"expected ${cached:.4f} instead of ${uncached:.4f}, which saves "
            f"{1 - cached / uncached:.0%}. For that the first request of a row goes before the "
            f"others; models.{name}.prompt_cache: false leaves it out."
        )


def batch_notes(
    prepared: Preparation, costs: Mapping[str, tuple[float | None, float | None]], directly: int
) -> Iterator[str]:
    """``costs``: expected, in batches and without, by model. ``directly``: how many prompts go
    without them, for their pictures."""
    if directly and prepared.batch_prices:
        yield (
            f"{counted(directly, 'prompt')} with pictures {'is' if directly == 1 else 'are'} asked "
            "directly, at the usual price: a batch is not gathered from pictures."
        )
    for name, price in prepared.batch_prices.items():
        if price is None:
            yield no_batch_price(prepared, name)
            continue
        in_batches, alone = costs[name]
        if in_batches is None or not alone:
            continue
        yield (
            f"`{name}` is asked in batches: expected ${in_batches:.4f} instead of "
            f"${alone:.4f}, which saves ${alone - in_batches:.4f} ({1 - in_batches / alone:.0%}). "
            "A batch may take a day."
        )


def prices_in_batches(prepared: Preparation) -> Iterator[str]:
    """At which price a sum of money is weighed against models that are asked in batches."""
    for name, price in prepared.batch_prices.items():
        if price is None:
            yield no_batch_price(prepared, name)
        else:
            yield f"`{name}` is counted at its price in batches, which may take a day."


def no_batch_price(prepared: Preparation, name: str) -> str:
    model = prepared.config.models[name].model
    return (
        f"no batch price known of `{name}` ({model}): its batches are counted at the usual price, "
        "which is the most that they can cost. Give it a "
        "`price: {…, batch: {input_per_mtok: …, output_per_mtok: …}}`."
    )
