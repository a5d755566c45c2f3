"""What scale.py measured: kept by kind and size, and as a table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_KINDS = {
    "start": "A start where all prompts but a thousand are finished, with four calls each behind "
    "them: until its first prompt is finished",
    "checks": "Two completions of the row, decided by code; nothing is sent",
    "calls": "Two completions sampled and one pairwise judgment, paid, at a local server",
}
_FILE = "scale.json"
_HALF = " half"
_PHASES = {
    "start anew": "run, input read",
    "start known": "run, input known from the start before",
    "first half": "run, first half",
    "resume": "run, the other half",
    "again": "run again, nothing to do",
    "report": "report",
}


def kept(results: Path) -> dict[str, Any]:
    """By kind and size, and ``machine``; empty before anything is measured."""
    file = results / _FILE
    return json.loads(file.read_text()) if file.exists() else {}


def keep(
    results: Path, kind: str, size: int, measured: Mapping[str, Any], machine: Mapping[str, Any]
) -> None:
    """Beside what is kept by then: a size takes hours, and others may be measured meanwhile."""
    found = kept(results)
    found.setdefault(kind, {})[str(size)] = measured
    found["machine"] = machine
    (results / _FILE).write_text(json.dumps(found, indent=1) + "\n")
    write_report(found, results)


def write_report(found: Mapping[str, Any], results: Path) -> None:
    lines = [
        "# Scale: what one process needs by the number of prompts",
        "",
        "`python benchmarks/scale.py`; what is measured and how is said at its top. "
        f"{found['machine']['cpu']}, {found['machine']['cores']} cores, "
        f"Python {found['machine']['python']}. Rows were measured one size at a time, each at the "
        "load that is said below; where other programs ran beside it, seconds of the processor "
        "tell more than seconds, and are more than on an idle machine.",
    ]
    for kind, words in _KINDS.items():
        if kind in found:
            sizes = {int(size): measured for size, measured in found[kind].items()}
            lines += ["", f"## {words}", "", *_table(dict(sorted(sizes.items())))]
    (results / "scale.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _table(sizes: Mapping[int, Mapping[str, Any]]) -> Iterator[str]:
    head = ("prompts", "command", "s", "processor, s", "ms a prompt", "begun after, s", "peak, MB")
    yield f"| {' | '.join((*head, 'bytes a prompt'))} |"
    yield "|---:|---|---:|---:|---:|---:|---:|---:|"
    before: tuple[int, Mapping[str, Any]] | None = None
    for size, measured in sizes.items():
        for name, one in _commands(measured).items():
            growth = ""
            if before is not None and name in (earlier := _commands(before[1])):
                more = (one["peak_mb"] - earlier[name]["peak_mb"]) * 1024 * 1024
                growth = f"{more / (size - before[0]):,.0f}"
            done = size / 2 if name.endswith(_HALF) else size
            begun = "" if one["begun_s"] is None else f"{one['begun_s']:.1f}"
            yield (
                f"| {size:,} | {name} | {one['wall_s']:.1f} | {one['cpu_s']:.1f} | "
                f"{1000 * one['cpu_s'] / done:.3f} | {begun} | {one['peak_mb']:.0f} | {growth} |"
            )
        before = size, measured
    yield ""
    yield (
        "| prompts | run folder, MB | cache, MB | journal, MB | report, MB | measured at "
        "| load before, after | command |"
    )
    yield "|---:|---:|---:|---:|---:|---|---|---|"
    for size, measured in sizes.items():
        disk, state = measured["disk_mb"], measured["state_mb"]
        yield (
            f"| {size:,} | {disk['run folder']:.1f} | {disk['cache']:.1f} | "
            f"{state['journal.bin']:.1f} | {measured['report_mb']:.2f} | {measured['at']} | "
            f"{', '.join(map(str, measured.get('load', ['not kept'])))} | `{measured['command']}` |"
        )


def _commands(measured: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    phases = {_PHASES[name]: one for name, one in measured["phases"].items()}
    return phases | {f"export {name}": one for name, one in measured["exports"].items()}
