"""What calls begin with in common, and what a provider's or a server's cache makes of it.

All questions of judges begin with a rubric, and those about one row with its conversation too.
OpenAI and most servers keep beginnings by themselves; Anthropic, and OpenAI since GPT-5.6, where a
request marks them, and writing then costs more than other input. A mark changes how a request is
sent and never what it asks, so it is not part of a call's key.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from pkgutil import resolve_name

from judgeforge.calls.call import CallPrefix
from judgeforge.calls.money.prices import ModelPrice
from judgeforge.calls.providers.base import Body, ChatRequest, Marks, ModelRequest
from judgeforge.config.model import ModelConfig
from judgeforge.text.messages import about_message_tokens
from judgeforge.text.wording import about_tokens

LEAST_OF_A_SERVER = 16
"""Tokens of a block of vLLM's, which keeps whole blocks."""
WORTH_WAITING = 256
"""Tokens of a row's own beginning for which its other requests wait."""
HITS, HITS_IN_BATCHES = 0.95, 0.64
"""Share of what could be read from a cache that is expected to be: a beginning may be lost, or the
next request may meet another machine. Anthropic states 30 to 98 % for batches."""


Marked = Callable[[ModelConfig, Body, Marks], Body]


@dataclass(frozen=True, slots=True)
class PrefixRules:
    """Of a model whose server keeps beginnings."""

    least_tokens: int
    writes_cost: bool
    """Whether writing to the cache costs more than other input."""

    def keeps(self, tokens: int) -> bool:
        return tokens >= self.least_tokens

    def prefix_of(self, model_name: str, request: ModelRequest) -> CallPrefix | None:
        """Of a judge's request; None of any other, and of one too short to be kept."""
        at = request.shared if isinstance(request, ChatRequest) else None
        if at is None:
            return None
        first, row = request.messages[: at.messages], request.messages[at.messages]
        texts = [message.text for message in first]
        of_rubric = about_tokens(*texts)
        if isinstance(row.content, tuple):
            shown = row.model_copy(update={"content": row.content[: at.parts]})
            of_row, text = about_message_tokens([shown]), repr(shown.content)
        else:
            text = row.text[: at.characters]
            of_row = about_tokens(text)
        keeps_rubric = self.keeps(of_rubric)
        is_long = of_row >= WORTH_WAITING and self.keeps(of_rubric + of_row)
        if not (keeps_rubric or is_long):
            return None
        begins = "\0".join([model_name, *texts])
        return CallPrefix(
            at,
            rubric=_name(begins) if keeps_rubric else None,
            row=_name(f"{begins}\0{text}") if is_long else None,
        )


def prefix_rules(model: ModelConfig, price: ModelPrice | None) -> PrefixRules | None:
    """None where nothing is known of a cache, or where it saves nothing.

    ``price``: of the model's direct requests.
    """
    facts = model.facts.prompt_cache
    if facts is None or model.prompt_cache is False:
        return None
    saves = price is not None and any(r.cached_input < r.input for r in price.tiers)
    if model.prompt_cache == "auto" and not saves:
        return None
    by_name = (tokens for name, tokens in facts.least_by_model if re.search(name, model.model))
    least = next(by_name, facts.least_tokens) if saves else LEAST_OF_A_SERVER
    writes_cost = price is not None and any(r.cache_write > r.input for r in price.tiers)
    return PrefixRules(least, writes_cost)


def marking_pays(requests: int, price: ModelPrice, *, in_batch: bool = False) -> bool:
    """Whether it costs less in the end to have a beginning kept that this many requests share."""
    rates, hits = price.tiers[0], HITS_IN_BATCHES if in_batch else HITS
    write = rates.cache_write
    if in_batch and rates.hour_write is not None:
        write = rates.hour_write
    later = hits * rates.cached_input + (1.0 - hits) * write
    return write + (requests - 1) * later < requests * rates.input


def marked(model: ModelConfig, body: Body, marks: Marks) -> Body:
    """The body as it is sent."""
    facts = model.facts.prompt_cache
    if facts is None:
        return body
    mark: Marked = resolve_name(facts.marked_by)
    return mark(model, body, marks)


def _name(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
