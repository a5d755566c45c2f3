"""The fit of the judges as a worker has it: made by the coordinator from the first prompts."""

from __future__ import annotations

import asyncio

from judgeforge.errors import InterruptedRunError
from judgeforge.ranking.reliability.judges import Reliability
from judgeforge.store.fit import FrozenFit


class GivenFit:
    """See ``RunFit``: no prompt of a worker is one that judges are learnt from."""

    def __init__(self) -> None:
        self._fit: asyncio.Future[FrozenFit | None] = asyncio.get_running_loop().create_future()

    def give(self, fit: FrozenFit) -> None:
        if not self._fit.done():
            self._fit.set_result(fit)

    def give_up(self) -> None:
        """The run is stopping."""
        if not self._fit.done():
            self._fit.set_result(None)

    async def to_ask_with(self) -> Reliability:
        """What a cascade goes by. Raises InterruptedRunError when the run stops without a fit that
        lasts."""
        fit = await self._made()
        if fit.provisional:
            raise InterruptedRunError("the run is stopping")
        return fit.reliability

    async def to_rank_with(self) -> Reliability:
        return (await self._made()).reliability

    async def _made(self) -> FrozenFit:
        # Shielded: a waiting task may be cancelled, and the others go on waiting.
        fit = await asyncio.shield(self._fit)
        if fit is None:
            raise InterruptedRunError("the run is stopping")
        return fit
