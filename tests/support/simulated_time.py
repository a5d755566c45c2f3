"""An event loop in simulated time: nothing is waited for, so the hour of a timer comes at once."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from types import SimpleNamespace
from typing import Any, TypeVar
from unittest import mock

T = TypeVar("T")


class _NeverWaits(selectors.DefaultSelector):
    """Where the loop would wait for its next timer, the time of that timer has come."""

    def __init__(self, passes: Callable[[float], None]) -> None:
        super().__init__()
        self._passes = passes

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:  # for another thread, or for ever
            return super().select(60.0)
        self._passes(max(0.0, timeout))
        return super().select(0)


class SimulatedLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._now = 1000.0
        super().__init__(_NeverWaits(self._pass))

    def time(self) -> float:
        return self._now

    def _pass(self, seconds: float) -> None:
        self._now += seconds


def simulated(scenario: Coroutine[Any, Any, T]) -> T:
    """As ``asyncio.run``, in simulated time; asyncio-throttle reads the same clock."""
    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        clock = SimpleNamespace(monotonic=runner.get_loop().time)
        with mock.patch("asyncio_throttle.throttler.time", clock):
            return runner.run(scenario)


def now() -> float:
    """Simulated seconds."""
    return asyncio.get_running_loop().time()
