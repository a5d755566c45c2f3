"""What `judgeforge cache` prints."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from judgeforge.cli.show.output import print_json, say
from judgeforge.text.wording import counted

if TYPE_CHECKING:
    from judgeforge.calls.cache_upkeep import CacheCheck, CacheStats, Pruned

_SHOWN_ROWS = 20


def print_cache_stats(stats: CacheStats, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(stats))
        return
    say(f"{stats.folder}: {counted(stats.rows, 'reply', 'replies')}, {_megabytes(stats.bytes)}")
    if stats.oldest is not None and stats.newest is not None:
        say(f"stored from {_day(stats.oldest)} to {_day(stats.newest)}")
    say(f"bought for ${stats.cost_usd:.6f}")
    for model, rows in stats.models.items():
        say(f"  {model}: {rows}")


def print_cache_check(check: CacheCheck, *, removed: bool) -> None:
    for key, reason in check.damaged[:_SHOWN_ROWS]:
        say(f"{key}: {reason}")
    more = len(check.damaged) - _SHOWN_ROWS
    if more > 0:
        say(f"… and {more} more")
    done = "taken out" if removed else "damaged (--remove takes them out; they are bought anew)"
    read = counted(check.rows, "reply", "replies")
    say(f"{read} read, {len(check.damaged)} {done if check.damaged else 'damaged'}")
    if check.newer:
        say(f"{check.newer} were written by a newer judgeforge and not judged")


def print_pruned(pruned: Pruned, *, dry_run: bool) -> None:
    done = "would go" if dry_run else "taken out"
    freed = "" if dry_run else f", {_megabytes(pruned.freed_bytes)} freed"
    say(f"{counted(pruned.rows, 'reply', 'replies')} {done}, {pruned.kept} stay{freed}")


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).date().isoformat()
