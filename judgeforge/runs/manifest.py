"""What ``manifest.json`` says of a run."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from judgeforge import __version__
from judgeforge.calls.money.prices import ModelPrice
from judgeforge.config.run import RunConfig
from judgeforge.records import RubricId, SkipReason
from judgeforge.store.journal import Tally
from judgeforge.store.spending import Spending

_PACKAGES = ("openai", "anthropic", "pydantic", "diskcache", "datasets", "genai-prices")


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def rows_read(manifest: Mapping[str, Any]) -> int:
    """How many rows of the input it is about, with those that ``--limit`` left out of ``rows``."""
    part = manifest["input"]
    return int(part.get("read", part["rows"]))


def figures(tally: Tally, spending: Spending, cached_calls: int) -> dict[str, Any]:
    """The shape of ``totals`` and ``last_run``."""
    return {
        "prompts": tally.prompts,
        "pairs": tally.pairs,
        "skips": {str(reason): n for reason, n in sorted(tally.skips.items())},
        "calls": {"paid": spending.calls, "cached": cached_calls},
        "tokens": {"input": spending.input_tokens, "output": spending.output_tokens},
        "cost_usd": None if spending.cost_usd is None else round(spending.cost_usd, 12),
    }


def failed_share(totals: Mapping[str, Any]) -> float:
    failures = sum(n for reason, n in totals["skips"].items() if SkipReason(reason).is_failure)
    return failures / totals["prompts"] if totals["prompts"] else 0.0


def share_kept(tally: Tally) -> float | None:
    """Of the prompts that had a pair but for `max_error`; None before the first one."""
    left_out = tally.skips.get(SkipReason.ABOVE_MAX_ERROR, 0)
    paired = tally.prompts - sum(tally.skips.values())
    return paired / (paired + left_out) if paired + left_out else None


def describe(
    config: RunConfig,
    rubric: RubricId,
    prices: Mapping[str, ModelPrice | None],
    *,
    identity: Mapping[str, Any],
    input_fingerprint: str,
    input_rows: int,
    input_read: int,
) -> dict[str, Any]:
    """Everything that is known before the run starts. The configuration holds no secret."""
    return {
        "judgeforge_version": __version__,
        "versions": _versions(),
        "config": config.model_dump(mode="json"),
        "rubric": rubric.model_dump(mode="json"),
        "identity": dict(identity),
        "input": {
            "rows": input_rows,
            "read": input_read,
            "fingerprint": input_fingerprint,
        },
        "prices": {
            name: None if price is None else {**asdict(price), "tiers": _tiers(price)}
            for name, price in prices.items()
        },
    }


def _tiers(price: ModelPrice) -> list[dict[str, float]]:
    return [asdict(rates) for rates in price.tiers]


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
