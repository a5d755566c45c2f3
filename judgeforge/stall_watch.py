"""No run hangs: where no call brings a reply for too long, it says what it waits for and stops."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from judgeforge.errors import StalledError

_LOOKS = 20
"""A stall is noticed within this part of its length."""
_LONGEST_LOOK_S = 5.0


async def watch_for_stall(
    stall_s: float,
    *,
    progress: Callable[[], object],
    what_it_waits_for: Callable[[], str],
    stop: Callable[[StalledError], None],
) -> None:
    """Look at ``progress`` (any value that changes when the run gets on) until it stays the same.

    Time in which this process did not run itself (stopped, a sleeping machine) does not count.
    """
    look_s = min(_LONGEST_LOOK_S, stall_s / _LOOKS)
    seen, still_s, before = progress(), 0.0, time.monotonic()
    while still_s <= stall_s:
        await asyncio.sleep(look_s)
        now = time.monotonic()
        still_s += min(now - before, 2 * look_s)
        before = now
        if (current := progress()) != seen:
            seen, still_s = current, 0.0
    stop(
        StalledError(
            f"nothing has come back for limits.stall_s = {stall_s:g} s: {what_it_waits_for()}. "
            "Start the same command again: nothing that was paid is lost."
        )
    )
