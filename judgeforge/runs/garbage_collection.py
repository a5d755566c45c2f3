"""Python's cyclic garbage collector, made to come by less often while a run goes on."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_YOUNG_OBJECTS, _YOUNG_PASSES, _MIDDLE_PASSES = 20_000, 20, 20


@contextmanager
def rare_garbage_collection() -> Iterator[None]:
    """Hundreds of calls in flight keep tens of thousands of young objects alive that are not
    garbage. With Python's own thresholds (700, 10, 10) a tenth of a run's processor time goes into
    looking at them again and again.
    """
    _rare.begin()
    try:
        yield
    finally:
        _rare.end()


class _Rare:
    """Runs may overlap (threads of a notebook): the last one to end brings back what was."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs = 0
        self._before = gc.get_threshold()

    def begin(self) -> None:
        with self._lock:
            if self._runs == 0:
                self._before = gc.get_threshold()
                gc.set_threshold(_YOUNG_OBJECTS, _YOUNG_PASSES, _MIDDLE_PASSES)
            self._runs += 1

    def end(self) -> None:
        with self._lock:
            self._runs -= 1
            if self._runs == 0:
                gc.set_threshold(*self._before)


_rare = _Rare()
