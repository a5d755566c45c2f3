"""Runs in batches against the local server."""

from __future__ import annotations

from typing import Any

from tests.local_server import LocalServer, RequestRecord
from tests.support.run_setup import PRICE

BATCH_PRICE = {**PRICE, "batch": {"input_per_mtok": 0.5, "output_per_mtok": 2.0}}
SOON = {"quiet_s": 0.05, "poll_s": 0.05}


def in_batches(**settings: Any) -> dict[str, Any]:
    """Fields of a model that is asked in batches, at half the price."""
    return {"price": BATCH_PRICE, "batch": {**SOON, **settings}}


def lines(server: LocalServer) -> list[RequestRecord]:
    """What was answered as a line of a batch."""
    return [record for record in server.requests if record.in_batch]


def creations(server: LocalServer) -> int:
    """How often a batch was created or was to be."""
    return sum(
        record.method == "POST" and record.path.endswith("/batches") for record in server.requests
    )


def answered(server: LocalServer) -> int:
    """Requests that were answered, as a line or alone: the first prompt of a run goes directly."""
    return len(server.calls(status=200))
