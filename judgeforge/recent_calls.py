"""How the last calls of a run ended, by the end of its log: for who looks on from outside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from judgeforge.store.json_lines import read_log

SILENT_S = 30.0
"""Without the end of a call for so long it is said."""
_LAST_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class _Failure:
    at: datetime
    model: str
    error: str


def trouble_of(log: Path, *, running: bool, now: datetime | None = None) -> str | None:
    """None while calls are answered, and where the log does not tell. Raises StoreError."""
    now = now or datetime.now(UTC)
    begun: datetime | None = None
    failure: _Failure | None = None
    failing: set[str] = set()
    for row in read_log(log, last_bytes=_LAST_BYTES):
        event, at = row.get("event"), _time(row)
        if at is None:
            continue
        if event == "run_started":
            begun, failure, failing = at, None, set()
        elif event == "call":
            begun = at
            error = row.get("error")
            failure = None if error is None else _Failure(at, str(row.get("model")), str(error))
        elif event == "circuit_opened":
            failing.add(str(row.get("model")))
        elif event == "circuit_closed":
            failing.discard(str(row.get("model")))
    if failure is not None:
        return _words(failure, failing, now)
    if running and begun is not None and (silent_s := (now - begun).total_seconds()) >= SILENT_S:
        return f"no paid call has ended for {silent_s:.0f} s"
    return None


def _words(failure: _Failure, failing: set[str], now: datetime) -> str:
    ago = f"{max(0.0, (now - failure.at).total_seconds()):.0f} s ago"
    circuit = "; its circuit is open" if failure.model in failing else ""
    return f"the last call of model `{failure.model}` failed {ago}{circuit}: {failure.error}"


def _time(row: dict[str, Any]) -> datetime | None:
    try:
        return datetime.fromisoformat(str(row.get("time")))
    except ValueError:
        return None
