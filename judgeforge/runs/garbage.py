"""How often Python looks for garbage while a run goes on."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_YOUNG_OBJECTS, _YOUNG_PASSES, _MIDDLE_PASSES = 20_000, 20, 20
_lock = threading.Lock()
_before: list[tuple[int, int, int]] = []
"""The thresholds that each run found. Runs may overlap (threads of a notebook): the one that ends
last restores what the first one found."""


@contextmanager
def rare_garbage_collection() -> Iterator[None]:
    """Hundreds of calls in flight keep tens of thousands of young objects alive. With Python's own
    thresholds (700, 10, 10) looking at them again and again takes a tenth of the processor time."""
    with _lock:
        _before.append(gc.get_threshold())
        gc.set_threshold(_YOUNG_OBJECTS, _YOUNG_PASSES, _MIDDLE_PASSES)
    try:
        yield
    finally:
        with _lock:
            gc.set_threshold(*_before.pop())
