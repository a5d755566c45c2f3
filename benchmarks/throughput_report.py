"""The results of the throughput benchmark: targets, JSON, Markdown."""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGES = ("judgeforge", "openai", "aiohttp", "httpx2", "pydantic", "diskcache")
MOST_WALL_RATIO = 1.12
MOST_CPU_RATIO = 1.5
MOST_CPU_MS = {256: 0.8}
"""Milliseconds a request, by how many are in flight."""
MOST_PEAK_MB = 200.0
MOST_GROWTH_MB = 60.0
LEAST_CACHED_PER_S = 8000.0
MOST_COLD_S = 0.9
MOST_BESIDE = 1.0
"""Of the processor time of another checkout: no more than that took."""
OTHERS = {"curator 0.1.31": 3.21}
"""Times ideal of other tools at the same job and latency on two cores, each measured once on
another day: this benchmark does not run them."""


def machine() -> dict[str, Any]:
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "load_before": load_average(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
    }


def load_average() -> float:
    """Of the last minute: a machine that is busy with other things spoils wall times."""
    return round(os.getloadavg()[0], 2)


def _cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def targets(found: dict[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for load in found.get("load", ()):
        name = load["load"]
        rows.append(_at_most(f"wall / bare, {name}", load["wall_s_ratio"], MOST_WALL_RATIO))
        ratio = load["cpu_ms_per_request_ratio"]
        rows.append(_at_most(f"CPU a request / bare, {name}", ratio, MOST_CPU_RATIO))
        if (most_ms := MOST_CPU_MS.get(load["in_flight"])) is not None:
            spent = load["judgeforge"]["cpu_ms_per_request"]
            rows.append(_at_most(f"CPU a request, ms, {name}", spent, most_ms))
        rows.append(_at_most(f"peak MB, {name}", load["judgeforge"]["peak_mb"], MOST_PEAK_MB))
    if job := found.get("job"):
        most = min(OTHERS.values())
        rows.append(_at_most("times ideal, the job of other tools", job["times_ideal"], most))
    if cold := found.get("cold"):
        rows.append(_at_most("one prompt from cold, s", cold["wall_s"], MOST_COLD_S))
    for kind, one in (found.get("beside") or {}).items():
        if isinstance(one, dict):
            what = f"processor time over that of {found['beside']['commit']}, {kind}"
            rows.append(_at_most(what, one["ratio"], MOST_BESIDE))
    if memory := found.get("memory"):
        for run in memory["runs"]:
            rows.append(_at_most(f"peak MB, {run['load']}", run["peak_mb"], MOST_PEAK_MB))
        rows.append(_at_most("MB more at the larger", memory["growth_mb"], MOST_GROWTH_MB))
        rate = memory["cached"]["calls_per_s"]
        met = rate >= LEAST_CACHED_PER_S
        what = "calls/s again from the cache"
        rows.append(
            {"what": what, "found": rate, "asked": f">= {LEAST_CACHED_PER_S:g}", "met": met}
        )
    return rows


def _at_most(what: str, found: float, most: float) -> dict[str, Any]:
    return {"what": what, "found": found, "asked": f"<= {most:g}", "met": found <= most}


def write_report(found: dict[str, Any], folder: Path) -> None:
    """``throughput.json`` and ``throughput.md``, and the Markdown on the terminal."""
    found["targets"] = targets(found)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "throughput.json").write_text(json.dumps(found, indent=2) + "\n")
    text = _markdown(found)
    (folder / "throughput.md").write_text(text)
    print(text)


def _markdown(found: dict[str, Any]) -> str:
    here = found["machine"]
    packages = ", ".join(f"{name} {number}" for name, number in here["packages"].items())
    lines = [
        "# Throughput",
        "",
        f"`{found['command']}` on {here['date']}: {here['cpu']}, {here['cores']} cores "
        f"(load {here['load_before']} before and {here['load_after']} after), "
        f"Python {here['python']}, {packages}.",
        "",
        "What is compared and how is said at the top of `benchmarks/throughput.py`.",
        "",
    ]
    lines += _load_table(found.get("load", ()))
    if "job" in found:
        lines += _job_table(found["job"])
    if "cold" in found:
        cold = found["cold"]
        lines += [
            f"`judgeforge run` of one prompt, from the start of the command to its end: "
            f"{cold['wall_s']:.2f} s, of which {cold['cpu_s']:.2f} s of the processor.",
            "",
        ]
    if "memory" in found:
        lines += _memory_table(found["memory"])
    if "beside" in found:
        lines += _beside_table(found["beside"])
    lines += ["| target | found | asked | met |", "|---|---:|---:|---|"]
    for row in found["targets"]:
        met = "yes" if row["met"] else "**no**"
        lines.append(f"| {row['what']} | {row['found']:.4g} | {row['asked']} | {met} |")
    return "\n".join(lines) + "\n"


def _load_table(loads: list[dict[str, Any]]) -> list[str]:
    if not loads:
        return []
    lines = [
        "| load | program | requests | wall, s | CPU a request, ms | peak, MB | most in flight |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for load in loads:
        lines.append(
            f"| {load['load']} | ideal | {load['requests']} | {load['ideal_s']:.2f} | | | |"
        )
        for name in ("bare", "judgeforge"):
            one = load[name]
            lines.append(
                f"| {load['load']} | {name} | {load['requests']} | {one['wall_s']:.2f} "
                f"| {one['cpu_ms_per_request']:.2f} | {one['peak_mb']:.0f} "
                f"| {one['in_flight_max']} |"
            )
    return [*lines, ""]


def _job_table(job: dict[str, Any]) -> list[str]:
    """From the start of the process to its end, imports included."""
    others = [f"| {name} (not run here) | | {times:.2f} |" for name, times in OTHERS.items()]
    return [
        f"{job['prompts']} prompts, {job['load']} for each ({job['requests']} requests, "
        f"{job['in_flight_max']} in flight), whole process; ideal {job['ideal_s']:.1f} s:",
        "",
        "| program | wall, s | times ideal |",
        "|---|---:|---:|",
        f"| judgeforge | {job['process_s']:.1f} | {job['times_ideal']:.2f} |",
        *others,
        "",
    ]


def _memory_table(memory: dict[str, Any]) -> list[str]:
    lines = [
        "| prompts | calls | wall, s | CPU a call, ms | peak, MB |",
        "|---:|---:|---:|---:|---:|",
    ]
    for run in memory["runs"]:
        lines.append(
            f"| {run['prompts']} | {run['paid_calls']} | {run['wall_s']:.1f} "
            f"| {1000 * run['cpu_s'] / run['paid_calls']:.2f} | {run['peak_mb']:.0f} |"
        )
    again = memory["cached"]
    lines.append(
        f"| again from the cache | {again['calls']} | {again['seconds']:.1f} "
        f"| {again['cpu_ms_per_call']:.2f} | {again['peak_mb']:.0f} |"
    )
    return [*lines, ""]


def _beside_table(beside: dict[str, Any]) -> list[str]:
    """Of both checkouts, by turns in one go: the medians of either and of their ratio by turn."""
    commit = beside["commit"]
    lines = [
        f"{beside['load']}, {beside['calls']} calls, by turns with {commit}; processor time of "
        "the run alone:",
        "",
        f"| run | ms a call at {commit} | now | ratio |",
        "|---|---:|---:|---:|",
    ]
    for kind in ("paid", "cached"):
        one = beside[kind]
        lines.append(
            f"| {kind} | {one['before_ms']:.3f} | {one['now_ms']:.3f} | {one['ratio']:.3f} |"
        )
    return [*lines, ""]
