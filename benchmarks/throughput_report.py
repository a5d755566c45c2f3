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
MOST_CPU_RATIO = 2.0
MOST_PEAK_MB = 200.0
MOST_GROWTH_MB = 60.0
LEAST_CACHED_PER_S = 3000.0


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
        rows.append(_at_most(f"peak MB, {name}", load["judgeforge"]["peak_mb"], MOST_PEAK_MB))
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
    if "memory" in found:
        lines += _memory_table(found["memory"])
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
