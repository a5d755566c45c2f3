"""Output that nobody reads any more (a closed terminal, `| head`) never changes how a run ends."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def tolerating_closed_output() -> Iterator[None]:
    """What is written to a closed output within is lost; nothing is raised, now or at the exit."""
    try:
        yield
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, SystemExit):  # rich leaves with 1 where a pipe is closed
        _send_nowhere()


def _send_nowhere() -> None:
    """Python flushes both at the exit and would fail there once more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with contextlib.suppress(OSError, ValueError):
                os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
