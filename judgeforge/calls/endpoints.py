"""The configured models, ready to be asked: each with its provider, its gates and its price.

A model that several servers have (replicas) has a gate for each of them. Models at one provider,
address and key share a client and an account; all share the slots.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from judgeforge.calls.call import Call, CallPrefix, make_call
from judgeforge.calls.hedging import HedgeTimer
from judgeforge.calls.limits.buckets import ProviderAccount
from judgeforge.calls.limits.gate import ModelGate
from judgeforge.calls.limits.queues import Slots
from judgeforge.calls.limits.replicas import Replicas
from judgeforge.calls.limits.traffic import RequestSize
from judgeforge.calls.money.prices import ModelPrice, most_input_tokens, most_output_tokens
from judgeforge.calls.prefixes import PrefixRules, marked, marking_pays, prefix_rules
from judgeforge.calls.providers.asked_reply import as_asked
from judgeforge.calls.providers.base import (
    ChatRequest,
    Marks,
    ModelReply,
    ModelRequest,
    Provider,
    Usage,
    open_provider,
)
from judgeforge.config.model import ModelConfig
from judgeforge.config.run import RunConfig
from judgeforge.store.log import RunLog
from judgeforge.text.messages import PICTURE_TOKENS
from judgeforge.text.wording import tokens_of_bytes

_STAND_IN_SEED = 2**20
_Place = tuple[str, str | None, str | None]
"""Provider, address and key."""


@dataclass(slots=True)
class Endpoint:
    name: str
    """The name under ``models:``."""
    model: ModelConfig
    provider: Provider
    """Of its first server; it makes and reads the requests of all of them."""
    gate: Replicas
    price: ModelPrice | None
    batch_price: ModelPrice | None = None
    """Of requests in batches; the usual price where none is known."""
    beyond_pico: int = 0
    """The most that a reply has cost beyond its reservation; 0 as long as none has. A server that
    keeps to no `max_tokens` may take as much again, so calls are reserved at no less."""
    others: Mapping[ModelGate, Provider] = field(default_factory=dict)
    """Those of its other replicas, by their gates."""
    known_as: str | None = None
    """The address that stands for all replicas in keys; that of ``provider`` if left out."""
    hedging: HedgeTimer = field(init=False)
    rules: PrefixRules | None = field(init=False)
    """Of the cache that its server keeps beginnings of prompts in, where one is of use."""
    path: str = field(init=False)
    """Below the address, with its query."""

    def __post_init__(self) -> None:
        self.path = self.provider.endpoint + self.model.query_string
        self.rules = prefix_rules(self.model, self.price)
        self.hedging = HedgeTimer(self.model.hedge_after)

    @property
    def servers(self) -> list[Provider]:
        return [self.provider, *self.others.values()]

    def server(self, gate: ModelGate) -> Provider:
        """The one behind a gate."""
        return self.others.get(gate, self.provider)

    def call(self, request: ModelRequest, sample: int) -> Call:
        in_process = self.model.facts.in_process
        if in_process and isinstance(request, ChatRequest) and request.seed is None:
            # Without a seed an in-process model would give every sample the same text.
            request = replace(request, seed=sample if sample >= 0 else _STAND_IN_SEED - sample)
        return make_call(
            model_name=self.name,
            provider=self.model.provider,
            base_url=self.known_as or self.provider.base_url,
            endpoint=self.path,
            body=self.provider.body(self.model, request),
            sample=sample,
            pictures=_pictures(request),
            prefix=None if self.rules is None else self.rules.prefix_of(self.name, request),
        )

    def is_place_of(self, request: Mapping[str, Any]) -> bool:
        """Whether a canonical request was made for this model, at the place where it is now."""
        body = request.get("body")
        is_of_model = isinstance(body, Mapping) and body.get("model") == self.model.model
        place = tuple(map(request.get, ("provider", "base_url", "endpoint")))
        known_as = self.known_as or self.provider.base_url
        return is_of_model and place == (self.model.provider, known_as, self.path)

    def marked(self, call: Call, readers: int, *, in_batch: bool = False) -> Call:
        """The call as it is sent. ``readers``: how many requests begin with its row's beginning."""
        if self.model.prompt_cache is False:
            marks = Marks(none=True)
        elif call.prefix is None and not in_batch:
            return call
        else:
            marks = self._marks(call.prefix, readers, in_batch=in_batch)
        return replace(call, sent=marked(self.model, call.body, marks))

    def _marks(self, prefix: CallPrefix | None, readers: int, *, in_batch: bool) -> Marks:
        facts = self.model.facts.prompt_cache
        for_an_hour = in_batch and facts is not None and facts.may_keep_an_hour
        if prefix is None:
            return Marks(for_an_hour=for_an_hour)
        price = self._price(in_batch=in_batch)
        is_worth = readers > 1 and (
            price is None or marking_pays(readers, price, in_batch=in_batch)
        )
        row = prefix.row if is_worth else None
        return Marks(prefix.at, row, for_an_hour=for_an_hour)

    def read(self, call: Call, raw: bytes) -> ModelReply:
        """What a reply says to this call. Raises MalformedReplyError."""
        return as_asked(self.provider.read(raw), call.body, self.model)

    def stand_in_call(self, request: ModelRequest, sample: int) -> Call:
        """For another model that is out of order: never a draw of this model's own."""
        return self.call(request, -1 - sample)

    def size(self, call: Call) -> RequestSize:
        pictures = call.pictures * min(PICTURE_TOKENS, self.model.picture_tokens)
        tokens = tokens_of_bytes(call.request_bytes) + pictures
        return RequestSize(tokens, most_output_tokens(call.body))

    def most_pico(self, call: Call, *, in_batch: bool = False) -> int | None:
        """The most that the call can cost; None where the price is unknown."""
        price = self._price(in_batch=in_batch)
        if price is None:
            return None
        pictures = call.pictures * self.model.picture_tokens
        most_input = most_input_tokens(call.request_bytes) + pictures
        most = most_input, most_output_tokens(call.body)
        return max(price.upper_bound(*most, kept_an_hour=in_batch), self.beyond_pico)

    def most_input_pico(self, call: Call) -> int | None:
        """The same of a call that was read and not answered."""
        if self.price is None:
            return None
        return self.price.upper_bound(most_input_tokens(call.request_bytes), 0)

    def cost_pico(self, usage: Usage, *, in_batch: bool = False) -> int | None:
        price = self._price(in_batch=in_batch)
        return None if price is None else price.cost(usage)

    def _price(self, *, in_batch: bool) -> ModelPrice | None:
        return self.batch_price or self.price if in_batch else self.price


def _pictures(request: ModelRequest) -> int:
    """How many it shows. Only messages of several parts have some."""
    return sum([len(one.pictures) for one in request.messages if isinstance(one.content, tuple)])


def open_endpoints(
    config: RunConfig,
    keys: Mapping[str, str | None],
    prices: Mapping[str, ModelPrice | None],
    log: RunLog,
    *,
    batch_prices: Mapping[str, ModelPrice | None] | None = None,
    slots: Slots | None = None,
) -> dict[str, Endpoint]:
    """One for each model in ``keys``. ``prices``: of requests that are sent directly. ``slots``:
    those over all models; as the configuration says where they are left out."""
    providers: dict[_Place, Provider] = {}
    accounts: defaultdict[_Place, ProviderAccount] = defaultdict(ProviderAccount)
    all_slots = slots or Slots(config.limits.concurrency)
    endpoints: dict[str, Endpoint] = {}
    for name, key in keys.items():
        model, servers = config.models[name], dict[ModelGate, Provider]()
        for replica in model.replicas:
            place = (replica.provider, _address(replica), key)
            if place not in providers:
                providers[place] = open_provider(replica, key)
            gate = ModelGate(
                name,
                replica,
                config.limits,
                account=accounts[place],
                all_slots=all_slots,
                log=log,
                replica=_address(replica) if len(model.replicas) > 1 else None,
            )
            servers[gate] = providers[place]
        first, *others = servers.items()
        endpoints[name] = Endpoint(
            name,
            model,
            first[1],
            Replicas(name, tuple(servers)),
            prices[name],
            (batch_prices or {}).get(name),
            others=dict(others),
            known_as=config.known_addresses.get(name),
        )
    return endpoints


def _address(replica: ModelConfig) -> str | None:
    return next(iter(replica.addresses), None)
