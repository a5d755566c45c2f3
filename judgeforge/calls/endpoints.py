"""One configured model, ready to be asked: its provider, its gate, its price.

The endpoints of a run: which models share a client, an account and the slots.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from judgeforge.calls.call import Call, make_call
from judgeforge.calls.hedging import HedgeTimer
from judgeforge.calls.limits.buckets import Account
from judgeforge.calls.limits.ceiling import ModelThrottle
from judgeforge.calls.limits.gate import ModelGate
from judgeforge.calls.limits.queues import Slots
from judgeforge.calls.limits.traffic import RequestSize
from judgeforge.calls.money.prices import (
    BYTES_PER_TOKEN,
    ModelPrice,
    most_input_tokens,
    most_output_tokens,
)
from judgeforge.calls.providers.base import (
    ChatRequest,
    ModelRequest,
    Provider,
    Usage,
    open_provider,
)
from judgeforge.config.model import ModelConfig
from judgeforge.config.run import RunConfig
from judgeforge.store.log import RunLog

_STAND_IN_SEED = 2**20


@dataclass(slots=True)
class Endpoint:
    name: str
    """The name under ``models:``."""
    model: ModelConfig
    provider: Provider
    throttle: ModelThrottle
    gate: ModelGate
    price: ModelPrice | None
    has_answered: bool = False
    hedging: HedgeTimer = field(init=False)

    def __post_init__(self) -> None:
        self.hedging = HedgeTimer(self.model.hedge_after)

    def call(self, request: ModelRequest, sample: int) -> Call:
        in_process = self.model.facts.in_process
        if in_process and isinstance(request, ChatRequest) and request.seed is None:
            # Without a seed an in-process model would give every sample the same text.
            request = replace(request, seed=sample if sample >= 0 else _STAND_IN_SEED - sample)
        return make_call(
            model_name=self.name,
            provider=self.model.provider,
            base_url=self.provider.base_url,
            endpoint=self.provider.endpoint,
            body=self.provider.body(self.model, request),
            sample=sample,
        )

    def stand_in_call(self, request: ModelRequest, sample: int) -> Call:
        """For another model that is out of order: never a draw of this model's own."""
        return self.call(request, -1 - sample)

    def size(self, call: Call) -> RequestSize:
        return RequestSize(len(call.request) // BYTES_PER_TOKEN, most_output_tokens(call.body))

    def give_back(self, call: Call, used: Usage) -> None:
        """Tokens that the configured ceiling counted and the reply did not use."""
        self.throttle.give_back(self.size(call).tokens - used.input_tokens - used.output_tokens)

    def most_tokens(self, call: Call) -> tuple[int, int]:
        return most_input_tokens(call.request), most_output_tokens(call.body)

    def most_pico(self, call: Call) -> int | None:
        return None if self.price is None else self.price.upper_bound(*self.most_tokens(call))

    def cost_pico(self, usage: Usage) -> int | None:
        return None if self.price is None else self.price.cost(usage)


def open_endpoints(
    config: RunConfig,
    keys: Mapping[str, str | None],
    prices: Mapping[str, ModelPrice | None],
    log: RunLog,
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
