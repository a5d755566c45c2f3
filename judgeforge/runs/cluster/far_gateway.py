"""The door of a worker whose machine has no cache: it asks the coordinator what is stored."""

from __future__ import annotations

from collections.abc import Mapping

from judgeforge.calls.call import Answer
from judgeforge.calls.endpoints import Endpoint
from judgeforge.calls.flight import StandIn
from judgeforge.calls.gateway import Gateway
from judgeforge.calls.limits.queues import GivesWay, never
from judgeforge.calls.providers.base import ModelRequest
from judgeforge.config.run import LimitsConfig
from judgeforge.runs.cluster.kept_elsewhere import KeptElsewhere
from judgeforge.runs.cluster.leased_money import LeasedMoney
from judgeforge.store.log import RunLog


class FarGateway(Gateway):
    """Where the cache can be read here, it is the usual door."""

    def __init__(
        self,
        endpoints: Mapping[str, Endpoint],
        *,
        cache: KeptElsewhere,
        budget: LeasedMoney,
        limits: LimitsConfig,
        log: RunLog,
    ) -> None:
        super().__init__(endpoints, cache=cache, budget=budget, limits=limits, log=log)
        self._replies = cache

    async def ask(
        self, model: str, request: ModelRequest, *, sample: int = 0, gives_way: GivesWay = never
    ) -> Answer:
        if self._replies.is_far:
            await self._replies.look_up(self._keys(model, request, sample))
        return await super().ask(model, request, sample=sample, gives_way=gives_way)

    def _keys(self, model: str, request: ModelRequest, sample: int) -> list[str]:
        endpoint = self._endpoints[model]
        stand_in = StandIn.of(endpoint, self._endpoints, request, sample)
        keys = [endpoint.call(request, sample).key]
        return keys if stand_in is None else [*keys, stand_in.call.key]
