"""One configured model, ready to be asked: its provider, its limits, its price."""

from __future__ import annotations

from dataclasses import dataclass, replace

from judgeforge.calls.call import Call, make_call
from judgeforge.calls.prices import ModelPrice, most_input_tokens, most_output_tokens
from judgeforge.calls.throttle import ModelThrottle
from judgeforge.config import ModelConfig
from judgeforge.providers.base import ChatRequest, ModelRequest, Provider, Usage


@dataclass(slots=True)
class Endpoint:
    name: str
    """The name under ``models:``."""
    model: ModelConfig
    provider: Provider
    throttle: ModelThrottle
    price: ModelPrice | None
    has_answered: bool = False

    def call(self, request: ModelRequest, sample: int) -> Call:
        if isinstance(request, ChatRequest) and self.model.provider == "local":
            # Without a seed an in-process model would give every sample the same text.
            request = replace(request, seed=sample if request.seed is None else request.seed)
        return make_call(
            model_name=self.name,
            provider=self.model.provider,
            base_url=self.provider.base_url,
            endpoint=self.provider.endpoint,
            body=self.provider.body(self.model, request),
            sample=sample,
        )

    def most_tokens(self, call: Call) -> tuple[int, int]:
        return most_input_tokens(call.request), most_output_tokens(call.body)

    def most_pico(self, call: Call) -> int | None:
        return None if self.price is None else self.price.upper_bound(*self.most_tokens(call))

    def cost_pico(self, usage: Usage) -> int | None:
        return None if self.price is None else self.price.cost(usage)
