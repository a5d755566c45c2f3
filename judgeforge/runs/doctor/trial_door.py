"""A door for trials: a few tiny calls that keep nothing but what they cost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, closing
from pathlib import Path

from judgeforge.calls.cache import ReplyCache
from judgeforge.calls.endpoints import open_endpoints
from judgeforge.calls.gateway import Gateway
from judgeforge.calls.money.budget import Budget
from judgeforge.runs.preparation.preparation import Preparation
from judgeforge.runs.wiring import open_budget, redactor
from judgeforge.store.folder import RunFolder
from judgeforge.store.log import RunLog

_TRIAL_S = 20.0
"""A server that refuses (429) or fails for this long is told of, not waited for."""


@asynccontextmanager
async def trial_door(prepared: Preparation, place: Path) -> AsyncIterator[tuple[Gateway, Budget]]:
    """A door that keeps nothing but what it cost: its cache, log and spending are in ``place``."""
    config, log = prepared.config, RunLog(RunFolder(place).log, redactor(prepared))
    cache = ReplyCache(place / "cache", on_damage=lambda _, __: None)
    patience = {"max_attempts": 2, "max_retry_s": _TRIAL_S, "stall_s": _TRIAL_S}
    limits = config.limits
    limits = limits.model_copy(update={n: min(v, getattr(limits, n)) for n, v in patience.items()})
    with ExitStack() as opened:
        opened.enter_context(closing(log))
        budget = open_budget(config, place / "spending.jsonl", opened)
        gateway = Gateway(
            open_endpoints(config, prepared.keys, prepared.direct_prices, log),
            cache=opened.enter_context(closing(cache)),
            budget=budget,
            limits=limits,
            log=log,
        )
        try:
            yield gateway, budget
        finally:
            await gateway.close()
