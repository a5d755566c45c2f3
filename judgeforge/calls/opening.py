"""The endpoints of a run: which models share a client, an account and the slots."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from judgeforge.calls.call_log import CallLog
from judgeforge.calls.endpoint import Endpoint
from judgeforge.calls.gate import ModelGate
from judgeforge.calls.prices import ModelPrice
from judgeforge.calls.shared_bucket import Account
from judgeforge.calls.slots import Slots
from judgeforge.calls.throttle import ModelThrottle
from judgeforge.config import RunConfig
from judgeforge.providers import open_provider
from judgeforge.providers.base import Provider


def open_endpoints(
    config: RunConfig,
    keys: Mapping[str, str | None],
    prices: Mapping[str, ModelPrice | None],
    log: CallLog,
) -> dict[str, Endpoint]:
    """One for each model in ``keys``. Those at one provider, address and key share a client and
    what belongs to the account; each has a gate of its own."""
    providers: dict[tuple[str, str | None, str | None], Provider] = {}
    accounts: defaultdict[tuple[str, str | None, str | None], Account] = defaultdict(Account)
    all_slots = Slots(config.limits.concurrency)
    endpoints: dict[str, Endpoint] = {}
    for name, key in keys.items():
        model = config.models[name]
        place = (model.provider, model.base_url, key)
        if place not in providers:
            providers[place] = open_provider(model, key)
        throttle = ModelThrottle(requests_per_minute=model.rpm, tokens_per_minute=model.tpm)
        gate = ModelGate(
            name,
            model,
            config.limits,
            ceiling=throttle,
            account=accounts[place],
            all_slots=all_slots,
            log=log,
        )
        endpoints[name] = Endpoint(
            name=name,
            model=model,
            provider=providers[place],
            throttle=throttle,
            gate=gate,
            price=prices[name],
        )
    return endpoints
