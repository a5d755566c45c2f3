"""No door at all: for what only says which questions it would ask."""

from __future__ import annotations

from typing import NoReturn

from judgeforge.providers.base import ModelRequest


class NoCalls:
    """Implements ``Asks``."""

    async def ask(self, model: str, request: ModelRequest, *, sample: int = 0) -> NoReturn:
        raise AssertionError(f"nothing is asked here: {model}, {request}, {sample}")
