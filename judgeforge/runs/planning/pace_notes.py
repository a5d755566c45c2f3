"""How long a run takes, as far as its folder has measured it or a limit of requests tells it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from judgeforge.config.model import ModelConfig
from judgeforge.results.status import RUNNING
from judgeforge.runs.progress import time_left
from judgeforge.store.manifest import Manifest

_LEAST_CALLS, _LEAST_S = 100, 20
"""Of a start that tells a pace: manifests count whole seconds."""
_WORTH_TELLING_S = 60


def pace_notes(
    models: Mapping[str, ModelConfig], calls: Mapping[str, int], previous: Manifest | None
) -> list[str]:
    """``calls``: those that are expected, by model. ``previous``: of the folder. Nothing where no
    time is known: batches take up to a day, and how fast a server is shows only when it is asked.
    """
    asked = {name: number for name, number in calls.items() if number}
    if any(models[name].batch is not None for name in asked):
        return []
    measured = None if previous is None else _measured(previous)
    if measured is not None and previous is not None:
        sent, seconds = measured
        left = sum(asked.values()) - previous.totals.calls.paid
        if left <= 0:
            return []
        return [
            f"The last start of this folder sent {sent:,} calls in {time_left(seconds)}; at that "
            f"pace the {left:,} that are left take about {time_left(left * seconds / sent)}."
        ]
    return _by_limits(models, asked)[:1]


def _measured(previous: Manifest) -> tuple[int, float] | None:
    """Calls and seconds of the last start, where it was long enough to tell."""
    if previous.status == RUNNING or previous.last_run is None:
        return None
    if previous.started_at is None or previous.updated_at is None:
        return None
    ended, begun = map(datetime.fromisoformat, (previous.updated_at, previous.started_at))
    sent, seconds = previous.last_run.calls.paid, (ended - begun).total_seconds()
    return (sent, seconds) if sent >= _LEAST_CALLS and seconds >= _LEAST_S else None


def _by_limits(models: Mapping[str, ModelConfig], calls: Mapping[str, int]) -> list[str]:
    """The slowest first. A minute's requests may go out at the start."""
    found = []
    for name, number in calls.items():
        model = models[name]
        if model.rpm is not None:
            allowed = model.rpm * max(1, len(model.addresses))
            seconds = 60 * (number / allowed - 1)
            if seconds >= _WORTH_TELLING_S:
                what = f"With models.{name}.rpm = {model.rpm:g} its {number:,} calls take"
                found.append((seconds, f"{what} {time_left(seconds)} at least."))
    return [text for _, text in sorted(found, reverse=True)]
