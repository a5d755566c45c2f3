"""The door as judges see it: what becomes of a question while the judge's model is out of order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from judgeforge.calls.answer import Answer
from judgeforge.calls.gateway import Gateway, waits
from judgeforge.errors import CircuitOpenError
from judgeforge.providers.base import ModelRequest

OnJudgeFailure = Literal["wait", "skip_judge", "stop"]


class JudgeCalls:
    """Implements ``Asks``. ``models`` are those of the whole panel.

    With ``skip_judge`` a question is given up only while another model of the panel can still
    judge: where all are out of order, it waits.
    """

    def __init__(self, gateway: Gateway, on_failure: OnJudgeFailure, models: Iterable[str]) -> None:
        self._gateway, self._on_failure = gateway, on_failure
        self._models = frozenset(models)

    async def ask(self, model: str, request: ModelRequest, *, sample: int = 0) -> Answer:
        if self._on_failure == "wait":
            return await self._gateway.ask(model, request, sample=sample, gives_way=waits)
        try:
            return await self._gateway.ask(
                model, request, sample=sample, gives_way=lambda: self._gives_way(model)
            )
        except CircuitOpenError as error:
            if self._on_failure == "stop":
                error.stops_run = True
            raise

    def _gives_way(self, model: str) -> bool:
        if self._on_failure == "stop":
            return True
        others = self._models - {model}
        return any(not self._gateway.is_out_of_order(other) for other in others)
