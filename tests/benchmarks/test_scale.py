"""What the benchmark of sizes keeps of its earlier runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.scale_report import keep

MACHINE = {"cpu": "one", "cores": 2, "python": "3.11"}


def row(at: str) -> dict[str, Any]:
    phase = {"wall_s": 1.0, "cpu_s": 1.0, "begun_s": None, "peak_mb": 50.0}
    sizes = {"disk_mb": {"run folder": 1.0, "cache": 0.0}, "state_mb": {"journal.bin": 1.0}}
    more = {"report_mb": 0.1, "at": at, "command": f"at {at}"}
    return {"phases": {"report": phase}, "exports": {}} | sizes | more


def test_each_kind_and_size_stays_until_it_is_measured_again(tmp_path: Path) -> None:
    for kind, size, at in [
        ("checks", 1000, "monday"),
        ("checks", 100_000, "monday"),
        ("calls", 1000, "tuesday"),
        ("checks", 1000, "tuesday"),
    ]:
        keep(tmp_path, kind, size, row(at), MACHINE)
    found = json.loads((tmp_path / "scale.json").read_text())
    assert {name: one["at"] for name, one in found["checks"].items()} == {
        "1000": "tuesday",
        "100000": "monday",
    }
    table = (tmp_path / "scale.md").read_text()
    assert [table.count(f"`at {day}`") for day in ("monday", "tuesday")] == [1, 2]
