"""What `judgeforge cache` prints."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.console import Console

from judgeforge.cli.show.reports import shown
from judgeforge.text.wording import counted

if TYPE_CHECKING:
    from judgeforge.calls.cache.upkeep import CacheCheck, CacheStats, Pruned

_SHOWN_ROWS = 20
_out = Console(highlight=False, soft_wrap=True)


def print_cache_stats(stats: CacheStats, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(asdict(stats)))  # noqa: T201
        return
    _out.print(
        shown(
            f"{stats.folder}: {counted(stats.rows, 'reply', 'replies')}, {_megabytes(stats.bytes)}"
        )
    )
    if stats.oldest is not None and stats.newest is not None:
        _out.print(f"stored from {_day(stats.oldest)} to {_day(stats.newest)}")
    _out.print(f"bought for ${stats.cost_usd:.6f}")
    for model, rows in stats.models.items():
        _out.print(shown(f"  {model}: {rows}"))


def print_cache_check(check: CacheCheck, *, removed: bool) -> None:
    for key, reason in check.damaged[:_SHOWN_ROWS]:
        _out.print(shown(f"{key}: {reason}"))
    more = len(check.damaged) - _SHOWN_ROWS
    if more > 0:
        _out.print(f"… and {more} more")
    done = "taken out" if removed else "damaged (--remove takes them out; they are bought anew)"
    read = counted(check.rows, "reply", "replies")
    _out.print(f"{read} read, {len(check.damaged)} {done if check.damaged else 'damaged'}")
    if check.newer:
        _out.print(f"{check.newer} were written by a newer judgeforge and not judged")


def print_pruned(pruned: Pruned, *, dry_run: bool) -> None:
    done = "would go" if dry_run else "taken out"
    freed = "" if dry_run else f", {_megabytes(pruned.freed_bytes)} freed"
    _out.print(f"{counted(pruned.rows, 'reply', 'replies')} {done}, {pruned.kept} stay{freed}")


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).date().isoformat()
