"""Python's cyclic garbage collector, made to come by less often while a run goes on."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_YOUNG_OBJECTS, _YOUNG_PASSES, _MIDDLE_PASSES = 20_000, 20, 20


@contextmanager
def rare_garbage_collection() -> Iterator[None]:
    """Hundreds of calls in flight keep tens of thousands of young objects alive that are no
    garbage. With Python's own thresholds (700, 10, 10) a tenth of a run's processor time goes into
    looking at them again and again.
    """
    before = gc.get_threshold()
    gc.set_threshold(_YOUNG_OBJECTS, _YOUNG_PASSES, _MIDDLE_PASSES)
    try:
        yield
    finally:
        gc.set_threshold(*before)
