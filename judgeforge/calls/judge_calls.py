"""The door as judges see it: what becomes of a question that the judge's model cannot answer,
because it is out of order or the question is too long for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from judgeforge.calls.call import Answer
from judgeforge.calls.gateway import Gateway
from judgeforge.calls.providers.base import ChatRequest, ModelRequest
from judgeforge.errors import CircuitOpenError, TooLongError
from judgeforge.text.messages import about_message_tokens

OnJudgeFailure = Literal["wait", "skip_judge", "stop"]


class JudgeCalls:
    """Implements ``Asks``. ``context_tokens``: of each model of the panel, as far as it is known.

    With ``skip_judge`` a question is given up only while another model of the panel can still
    judge: where all are out of order, it waits. What cannot fit into a known context is not sent.
    """

    def __init__(
        self,
        gateway: Gateway,
        on_failure: OnJudgeFailure,
        context_tokens: Mapping[str, int | None],
    ) -> None:
        self._gateway, self._on_failure = gateway, on_failure
        self._context_tokens = context_tokens

    async def ask(self, model: str, request: ModelRequest, *, sample: int = 0) -> Answer:
        self._check_length(model, request)
        try:
            return await self._gateway.ask(
                model, request, sample=sample, gives_way=lambda: self._gives_way(model)
            )
        except CircuitOpenError as error:
            if self._on_failure == "stop":
                error.stops_run = True
            raise

    def _gives_way(self, model: str) -> bool:
        if self._on_failure != "skip_judge":
            return self._on_failure == "stop"
        others = self._context_tokens.keys() - {model}
        return any(not self._gateway.is_out_of_order(other) for other in others)

    def _check_length(self, model: str, request: ModelRequest) -> None:
        context_tokens = self._context_tokens[model]
        if context_tokens is None:
            return
        tokens = about_message_tokens(request.messages)
        reply = request.max_tokens if isinstance(request, ChatRequest) else 0
        if tokens + reply > context_tokens:
            raise TooLongError(
                f"about {tokens} tokens and {reply} for the reply do not fit into "
                f"context_tokens = {context_tokens} of `{model}`",
                model=model,
            )
