"""What a run writes into its manifest."""

from __future__ import annotations

import platform
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, version
from typing import TYPE_CHECKING, Any

from judgeforge import __version__
from judgeforge.records import SkipReason
from judgeforge.store.journal import Tally
from judgeforge.store.manifest import Calls, Input, Tokens, Totals
from judgeforge.store.spending import Spending

if TYPE_CHECKING:
    from judgeforge.runs.preparation.preparation import Preparation
    from judgeforge.runs.preparation.worklist import Worklist

_VERSION = "Version:"
_PACKAGES = ("openai", "anthropic", "pydantic", "diskcache", "datasets", "genai-prices")


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def totals_of(tally: Tally, spending: Spending, cached_calls: int) -> Totals:
    return Totals(
        prompts=tally.prompts,
        pairs=tally.pairs,
        skips={str(reason): n for reason, n in sorted(tally.skips.items())},
        calls=Calls(paid=spending.calls, cached=cached_calls),
        tokens=Tokens(input=spending.input_tokens, output=spending.output_tokens),
        cost_usd=None if spending.cost_usd is None else round(spending.cost_usd, 12),
    )


def failed_share(totals: Totals) -> float:
    failures = sum(n for reason, n in totals.skips.items() if SkipReason(reason).is_failure)
    return failures / totals.prompts if totals.prompts else 0.0


def share_kept(tally: Tally) -> float | None:
    """Of the prompts that would have a pair without `max_error`; None before the first one."""
    left_out = tally.skips.get(SkipReason.ABOVE_MAX_ERROR, 0)
    paired = tally.prompts - sum(tally.skips.values())
    return paired / (paired + left_out) if paired + left_out else None


def describe(prepared: Preparation, work: Worklist) -> dict[str, Any]:
    """What is known before the run starts; the configuration contains no secret."""
    return {
        "judgeforge_version": __version__,
        "versions": _versions(),
        "config": prepared.config.model_dump(mode="json"),
        "rubric": prepared.rubric.identity.model_dump(mode="json"),
        "criteria": {one.name: one.asked for one in prepared.rubric.judged},
        **({"faults": faults} if (faults := prepared.rubric.faults) else {}),
        "identity": prepared.identity,
        "prompt_layout": prepared.layout,
        "input": input_of(work),
        **({} if prepared.verdicts is None else {"judgments": prepared.verdicts.facts()}),
        "prices": {name: price and asdict(price) for name, price in prepared.prices.items()},
    }


def input_of(work: Worklist) -> Input:
    return Input(rows=work.rows_at_issue, read=len(work.places), fingerprint=work.fingerprint)


def _versions() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        **{package: _version(package) for package in _PACKAGES},
    }


@cache
def _version(package: str) -> str:
    """From the head of the package's metadata: to parse all of it takes as long as ten calls."""
    try:
        head, _, _ = (distribution(package).read_text("METADATA") or "").partition("\n\n")
    except PackageNotFoundError:
        return "not installed"
    found = [line for line in head.splitlines() if line.startswith(_VERSION)]
    return found[0].removeprefix(_VERSION).strip() if found else version(package)
