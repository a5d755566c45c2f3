"""What the server counted in a phase, and the report of all scenarios."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypedDict

SETTLE_S = 10.0
"""After the start and after a change."""
LEAST_USED, MOST_REFUSED, LEAST_SHARE = 0.90, 0.01, 0.35
"""Of the allowed rate; of the requests; of two models that share, the smaller one's part."""
WINDOW_S = 3.0
FEW_REFUSED = 0.02
"""Of the requests of a window, in which one more is over 1 %."""
REFUSED = 429


class PhaseResult(TypedDict):
    used: float
    """Share of the allowed rate, after the first 10 s."""
    refused: float
    """Share of the requests, after the first 10 s."""
    recovered_s: float | None
    """Until 90 % are used over 3 s with hardly a refusal; None: never."""
    shares: list[float]
    """Each model's part of what was admitted."""
    requests: int


def measure(
    calls: Sequence[dict[str, Any]],
    models: Sequence[str],
    *,
    start: float,
    end: float,
    allowed_per_s: float,
    count: str,
) -> PhaseResult:
    amounts = [
        (call["at"], call["model"], call["tokens"] if count == "tokens" else 1)
        for call in calls
        if call["status"] != REFUSED
    ]

    def admitted(since: float, until: float, model: str | None = None) -> float:
        return sum(n for at, who, n in amounts if since <= at < until and model in (None, who))

    def refused(since: float, until: float) -> float:
        states = [call["status"] for call in calls if since <= call["at"] < until]
        return states.count(REFUSED) / max(1, len(states))

    since = start + SETTLE_S
    whole = admitted(since, end)
    steps = [start + step / 2 for step in range(int(2 * (end - start - WINDOW_S)))]
    recovered = next(
        (
            at - start
            for at in steps
            if admitted(at, at + WINDOW_S) >= LEAST_USED * allowed_per_s * WINDOW_S
            and refused(at, at + WINDOW_S) <= FEW_REFUSED
        ),
        None,
    )
    return {
        "used": whole / (allowed_per_s * (end - since)),
        "refused": refused(since, end),
        "recovered_s": recovered,
        "shares": [admitted(since, end, model) / max(1.0, whole) for model in models],
        "requests": sum(since <= call["at"] < end for call in calls),
    }


def targets(scenarios: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    phases = [(one["name"], phase) for one in scenarios for phase in one["phases"]]
    least_used = min(phases, key=lambda one: one[1]["used"])
    most_refused = max(phases, key=lambda one: one[1]["refused"])
    least_share = min(phases, key=lambda one: min(one[1]["shares"]))
    slowest = max(phases, key=lambda one: _or_never(one[1]["recovered_s"]))
    return [
        _row("share of the allowed rate used, least", least_used, "used", f">= {LEAST_USED}"),
        _row("share of requests refused, most", most_refused, "refused", f"<= {MOST_REFUSED}"),
        _row(
            "seconds to 90 % after start or change, most",
            slowest,
            "recovered_s",
            f"<= {SETTLE_S:g}",
        ),
        {
            "what": "smallest part of one of two models",
            "where": least_share[0],
            "found": min(least_share[1]["shares"]),
            "asked": f">= {LEAST_SHARE}",
            "met": min(least_share[1]["shares"]) >= LEAST_SHARE,
        },
    ]


def _or_never(seconds: float | None) -> float:
    return math.inf if seconds is None else seconds


def _row(what: str, worst: tuple[str, PhaseResult], field: str, asked: str) -> dict[str, Any]:
    found = worst[1][field]  # type: ignore[literal-required]
    sign, limit = asked.split()
    met = found is not None and (found >= float(limit) if sign == ">=" else found <= float(limit))
    return {"what": what, "where": worst[0], "found": found, "asked": asked, "met": met}


def write_report(found: dict[str, Any], folder: Path) -> bool:
    """``limits.json`` and ``limits.md``, and the Markdown on the terminal; whether all is met."""
    found["targets"] = targets(found["scenarios"])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "limits.json").write_text(json.dumps(found, indent=2) + "\n")
    text = _markdown(found)
    (folder / "limits.md").write_text(text)
    print(text)
    return all(target["met"] for target in found["targets"])


def _markdown(found: dict[str, Any]) -> str:
    here = found["machine"]
    lines = [
        "# Limits that find themselves",
        "",
        f"`{found['command']}` on {here['date']}: {here['cpu']}, {here['cores']} cores "
        f"(load {here['load_before']} before and {here['load_after']} after), "
        f"Python {here['python']}.",
        "",
        "What is measured and how is said at the top of `benchmarks/limits.py`. Each cell: at the "
        "whole limit, at half of it, at the whole one again.",
        "",
        "| scenario | used, % | refused, % | 90 % after, s | parts of the models, % |",
        "|---|---|---|---|---|",
    ]
    for one in found["scenarios"]:
        phases = one["phases"]
        used = " / ".join(f"{100 * phase['used']:.1f}" for phase in phases)
        refused = " / ".join(f"{100 * phase['refused']:.2f}" for phase in phases)
        after = " / ".join(_seconds(phase["recovered_s"]) for phase in phases)
        parts = " / ".join(
            "+".join(f"{100 * share:.0f}" for share in phase["shares"]) for phase in phases
        )
        lines.append(f"| {one['name']} | {used} | {refused} | {after} | {parts} |")
    lines += ["", "| target | worst | where | asked | met |", "|---|---:|---|---:|---|"]
    for row in found["targets"]:
        value = "never" if row["found"] is None else f"{row['found']:.4g}"
        met = "yes" if row["met"] else "**no**"
        lines.append(f"| {row['what']} | {value} | {row['where']} | {row['asked']} | {met} |")
    return "\n".join(lines) + "\n"


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f}"
