"""What stands out in how the calls of a run went, with what to do about it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from judgeforge.results.figures.calls import CallFigures
from judgeforge.store.manifest import ReplicaTotals
from judgeforge.text.wording import counted

_ENOUGH, _UNANSWERED = 30, 0.05
"""Requests below which a share says little, and the share without a reply that is told."""
_MANY_REFUSED = 0.5


def of_calls(calls: CallFigures) -> Iterator[tuple[str, str]]:
    """Each with its advice."""
    for name, one in calls.models.items():
        failed = one.failures.total()
        if one.attempts >= _ENOUGH and failed / one.attempts > _UNANSWERED:
            most, count = one.failures.most_common(1)[0]
            yield (
                f"{failed / one.attempts:.0%} of the requests to {name} brought no reply (most "
                f"often {most}: {count:,} times).",
                "HTTP 429: lower rpm or concurrency; timeouts: raise timeout_s; log.jsonl has "
                "each error.",
            )
    for name, replicas in calls.replicas.totals().items():
        for replica in replicas:
            yield from _of_replica(name, replica, len(replicas))


def _of_replica(name: str, one: ReplicaTotals, servers: int) -> Iterator[tuple[str, str]]:
    failed = sum(one.failures.values())
    often = max(one.failures, key=lambda why: one.failures[why], default="")
    if one.outages:
        lasting = " and still was at the end" if one.is_out_of_order else ""
        yield (
            f"{one.address}, one of {servers} servers of {name}, was out of order "
            f"{counted(one.outages, 'time')}, {one.out_of_order_s:.0f} s in all{lasting} (most "
            f"often {often}); the others carried on.",
            "Look at that server, or take it out of `base_url`; `judgeforge doctor CONFIG --ask` "
            "asks each of them.",
        )
    elif one.requests >= _ENOUGH and failed / one.requests > _MANY_REFUSED:
        yield (
            f"{one.address}, one of {servers} servers of {name}, answered only "
            f"{one.replies:,} of {one.requests:,} requests (most often {often}).",
            "Other servers of the model were asked instead. `judgeforge doctor CONFIG --ask` asks "
            "each of them: is it set up as they are?",
        )
