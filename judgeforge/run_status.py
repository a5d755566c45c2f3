"""How a run folder stands: running or not, since when, how far, how much. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from judgeforge.calls.spending_file import read_account
from judgeforge.errors import ConfigError
from judgeforge.recent_calls import trouble_of
from judgeforge.store.folder import RunFolder
from judgeforge.store.journal import Journal, Tally
from judgeforge.store.lock import Holder, is_held, read_holder
from judgeforge.store.no_run_folder import why_no_run_folder

KILLED = "killed"


@dataclass(frozen=True, slots=True)
class RunStatus:
    folder: str
    status: str
    """That of the manifest, or ``killed`` where it says running and nobody is."""
    running: bool
    pid: int | None
    host: str | None
    """Of the run that goes on, or of the last one."""
    since: str | None
    """When it started (UTC, ISO 8601)."""
    prompts: int
    """Rows of the input."""
    done: int
    pairs: int
    skips: dict[str, int]
    calls: int
    """Paid ones over the folder's whole life, those in flight included."""
    cost_usd: float | None
    """With calls in flight at the most they can cost; None where a price is unknown."""
    budget_usd: float | None
    eta_s: float | None
    message: str | None
    trouble: str | None
    """What keeps a run that goes on from getting on, or how the last call of a killed one failed;
    None while calls are answered."""


def read_status(path: Path, *, now: datetime | None = None) -> RunStatus:
    """Raises ConfigError where ``path`` is no run folder, StoreError where it cannot be read."""
    folder = RunFolder(path)
    manifest = folder.read_manifest()
    if manifest is None:
        raise ConfigError(why_no_run_folder(path))
    running, holder = is_held(folder.lock_file), read_holder(folder.lock_file)
    open_ended = manifest["status"] == "running"
    tally, fresh = _tally(manifest["totals"]), Tally()
    if open_ended:
        fresh = _since(folder, holder)
        tally = _together(tally, fresh)
    spending = read_account(folder.spending_file).spending()
    rows = manifest["input"]["rows"]
    return RunStatus(
        folder=str(path),
        status=KILLED if open_ended and not running else manifest["status"],
        running=running,
        pid=holder.pid if holder else None,
        host=holder.host if holder else None,
        since=holder.since if holder else manifest.get("started_at"),
        prompts=rows,
        done=tally.prompts,
        pairs=tally.pairs,
        skips=dict(sorted(tally.skips.items())),
        calls=spending.calls,
        cost_usd=spending.cost_usd,
        budget_usd=manifest["config"]["budget"]["usd"],
        eta_s=_eta_s(rows - tally.prompts, fresh.prompts, holder, now) if running else None,
        message=manifest["message"],
        trouble=trouble_of(folder.log_file, now=now, running=running) if open_ended else None,
    )


def _tally(totals: dict[str, Any]) -> Tally:
    tally = Tally(prompts=totals["prompts"], pairs=totals["pairs"])
    tally.skips.update(totals["skips"])
    return tally


def _since(folder: RunFolder, holder: Holder | None) -> Tally:
    """What the run that goes on (or was killed) has finished, by the journal."""
    tally = Tally()
    if not folder.journal_file.exists():
        return tally
    journal = Journal(folder.journal_file, read_only=True)
    try:
        for _, entry in journal.entries(holder.journal_bytes if holder else 0):
            if not entry.again:  # counted already
                tally.add(entry)
    finally:
        journal.close()
    return tally


def _together(one: Tally, other: Tally) -> Tally:
    return Tally(one.prompts + other.prompts, one.pairs + other.pairs, one.skips + other.skips)


def _eta_s(left: int, fresh: int, holder: Holder | None, now: datetime | None) -> float | None:
    if holder is None or not fresh:
        return None
    since = datetime.fromisoformat(holder.since)
    return left * ((now or datetime.now(UTC)) - since).total_seconds() / fresh
