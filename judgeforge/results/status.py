"""How a run folder stands, looked at from outside: running or not, since when, how far, how much,
and by the end of its log how its last calls ended. Changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from judgeforge.errors import ConfigError
from judgeforge.results.changed_files import changed_since
from judgeforge.results.figures.activity import Activity
from judgeforge.results.figures.calls import CallFigures
from judgeforge.results.figures.replicas import ReplicaFigures
from judgeforge.results.how_made import part
from judgeforge.store.batches import BatchCount, counted_batches, read_batches
from judgeforge.store.folder import RunFolder, why_no_run_folder
from judgeforge.store.journal import Entry, Journal, Tally
from judgeforge.store.json_lines import read_log
from judgeforge.store.leases import unused_leases
from judgeforge.store.lock import Holder, is_held, read_holder
from judgeforge.store.manifest import Manifest
from judgeforge.store.spending import Account, read_account, to_usd

RUNNING, KILLED = "running", "killed"
SILENT_S = 30.0
"""This long without the end of a call is told."""
_LAST_BYTES = 1 << 18
_REPLICA_OR_RUN = b'"r'
"""What the keys and values `replica` and `run_started` begin with, and little else in a log."""


@dataclass(frozen=True, slots=True)
class RunStatus:
    folder: str
    status: str
    """That of the manifest, or ``killed`` where it says running and no process is."""
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
    """Paid ones over the folder's whole life, those in flight included, and not what workers hold
    for calls to come."""
    cost_usd: float | None
    """With calls in flight at the most they can cost; None where a price is unknown."""
    budget_usd: float | None
    eta_s: float | None
    message: str | None
    trouble: str | None
    """What holds up a run that goes on, or how the last call of a killed one failed; None while
    calls are answered."""
    reserved_usd: float = 0.0
    """The part of ``cost_usd`` that is reserved for calls without a reply so far."""
    batches: BatchCount | None = None
    """The batches under way, as far as a start has looked at them; None where there is none."""
    saved_usd: float | None = None
    """What batches have saved so far; None where nothing came in one, or a price is unknown."""
    replicas: list[dict[str, Any]] = field(default_factory=list)
    """Of models that several servers have: each server, with ``model`` and what the manifest will
    say of it."""
    changed: str | None = None
    """What was changed in its results since they were written; None where nothing was."""


def read_status(path: Path) -> RunStatus:
    """Raises ConfigError where ``path`` is not a run folder, StoreError where it cannot be read."""
    folder, now = RunFolder(path), datetime.now(UTC)
    manifest = folder.read_manifest()
    if manifest is None:
        raise ConfigError(why_no_run_folder(path))
    running, holder = is_held(folder.lock_file), read_holder(folder.lock_file)
    open_ended, fresh = manifest.status == RUNNING, Tally()
    for entry in finished_since(folder, holder) if open_ended else ():
        if not entry.again:  # counted already
            fresh.add(entry)
    status = KILLED if open_ended and not running else manifest.status
    account = read_account(folder.spending_file)
    told = standing(folder, manifest, holder, account, fresh, status, now if running else None)
    servers, saved_usd = _of_calls(folder.log)
    return replace(
        told,
        trouble=trouble_of(folder.log, now=now, running=running) if open_ended else None,
        batches=counted_batches(read_batches(folder.batches_file).values()),
        saved_usd=saved_usd,
        replicas=servers,
        changed=changed_since(path),
    )


def standing(
    folder: RunFolder,
    manifest: Manifest | None,
    holder: Holder | None,
    account: Account,
    fresh: Tally,
    status: str,
    now: datetime | None,
) -> RunStatus:
    """What manifest, lock, spending and journal tell together. ``fresh``: what was finished since
    the manifest was written; ``now``: None where no process runs. Raises StoreError."""
    totals = None if manifest is None else manifest.totals
    prompts, pairs = (totals.prompts, totals.pairs) if totals else (0, 0)
    done = prompts + fresh.prompts
    rows = manifest.input.rows if manifest and manifest.input else done
    ahead = unused_leases(folder, account)
    spending = account.spending().without(ahead.calls, to_usd(ahead.pico))
    eta_s = None
    if now is not None and holder is not None and fresh.prompts:
        took = now - datetime.fromisoformat(holder.since)
        eta_s = (rows - done) * took.total_seconds() / fresh.prompts
    return RunStatus(
        folder=str(folder.path),
        status=status,
        running=now is not None,
        pid=holder.pid if holder else None,
        host=holder.host if holder else None,
        since=holder.since if holder else manifest.started_at if manifest else None,
        prompts=rows,
        done=done,
        pairs=pairs + fresh.pairs,
        skips=dict(sorted((Counter(totals.skips if totals else ()) + fresh.skips).items())),
        calls=spending.calls,
        cost_usd=spending.cost_usd,
        budget_usd=part(manifest.config, "budget", "usd") if manifest else None,
        eta_s=eta_s,
        message=manifest.message if manifest else None,
        trouble=None,
        reserved_usd=to_usd(account.reserved_pico - ahead.pico),
    )


def finished_since(folder: RunFolder, holder: Holder | None, at: int = -1) -> Iterator[Entry]:
    """What the run that goes on, or was killed, has finished by its journal; from ``at`` on."""
    if folder.journal_file.exists():
        with closing(Journal(folder.journal_file, read_only=True)) as journal:
            for _, entry in journal.entries(max(at, holder.journal_bytes if holder else 0)):
                yield entry


def _of_calls(log: Path) -> tuple[list[dict[str, Any]], float | None]:
    """The servers of models that have several, and what batches have saved."""
    calls, servers_of = CallFigures(), ReplicaFigures()
    for row in read_log(log, containing=_REPLICA_OR_RUN):
        with suppress(KeyError, TypeError):  # a line that no run writes
            servers_of.add(row)
    for row in read_log(log, containing=b'"direct_cost_usd"'):
        calls.add(row)
    batches = calls.batch_totals()
    servers = [
        {"model": model} | one.model_dump(mode="json")
        for model, replicas in servers_of.totals().items()
        for one in replicas
    ]
    return servers, None if batches is None else batches.saved_usd


def trouble_of(log: Path, *, running: bool, now: datetime | None = None) -> str | None:
    """None while calls are answered, and where the log does not tell. Raises StoreError."""
    activity = Activity()
    for row in read_log(log, last_bytes=_LAST_BYTES):
        activity.add(row)
    silent_s = activity.silent_s(now or datetime.now(UTC))
    if silent_s is None:
        return None
    if activity.failing is not None:
        model, error = (str(activity.failing.get(name)) for name in ("model", "error"))
        circuit = "; its circuit is open" if activity.is_out_of_order(model) else ""
        return f"the last call of model `{model}` failed {silent_s:.0f} s ago{circuit}: {error}"
    if running and silent_s >= SILENT_S:
        return f"no paid call has ended for {silent_s:.0f} s"
    return None
