"""A pytest plugin (``-p tests.faults.report``): writes the fault table as it was seen.

docs/guarantees.md and benchmarks/results/faults.json are written at the end of a run in which
every row of the table was run and none failed.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from judgeforge import __version__
from tests.faults.guarantees import PROMISES, Promise
from tests.faults.table import FaultRow, all_rows

CHECKOUT = Path(__file__).parents[2]
GUARANTEES = CHECKOUT / "docs" / "guarantees.md"
RESULTS = CHECKOUT / "benchmarks" / "results" / "faults.json"
_FAMILIES = {
    "server": "What a server may do",
    "reply": "What a reply may be",
    "input": "What an input may be",
    "machine": "What a machine may do",
}


class Reporter:
    def __init__(self) -> None:
        self.seen: dict[str, dict[str, Any]] = {}
        self._begun = time.monotonic()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        properties = dict(report.user_properties)
        name = str(properties.get("fault", ""))
        if not name or (report.when != "call" and report.passed):
            return
        self.seen[name] = {
            "outcome": report.outcome,
            "seen": properties.get("seen", ""),
            "seconds": properties.get("seconds"),
        }

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        rows = [row for row in all_rows() if row.name in self.seen]
        for row in rows:
            found = self.seen[row.name]
            terminalreporter.write_line(f"{found['outcome']:8} {row.name:36} {found['seen']}")
        counts = Counter(found["outcome"] for found in self.seen.values())
        terminalreporter.write_line(
            f"{len(rows)} of {len(all_rows())} faults: "
            + ", ".join(f"{number} {outcome}" for outcome, number in counts.items())
        )
        if len(rows) == len(all_rows()) and not counts["failed"]:
            self._write(rows)
            terminalreporter.write_line(f"wrote {GUARANTEES} and {RESULTS}")

    def _write(self, rows: list[FaultRow]) -> None:
        GUARANTEES.write_text(guarantees(rows, self.seen), encoding="utf-8")
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        facts = {
            "command": "make faults",
            "judgeforge": __version__,
            "python": platform.python_version(),
            "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
            "seconds": round(time.monotonic() - self._begun),
            "outcomes": dict(Counter(found["outcome"] for found in self.seen.values())),
            "faults": [
                {"name": row.name, "family": row.family, "done": row.done, "promise": row.promise}
                | self.seen[row.name]
                for row in rows
            ],
        }
        text = json.dumps(facts, indent=1, ensure_ascii=False)
        RESULTS.write_text(text + "\n", encoding="utf-8")


def guarantees(rows: list[FaultRow], seen: dict[str, dict[str, Any]]) -> str:
    parts = [
        "# Guarantees\n\nWritten by `make faults`, which runs every row of the table below against "
        "the local server; `make test` runs part of it. Do not edit by hand: the sentences are in "
        "`tests/faults/guarantees.py`, the rows in the files beside it.\n\n## The promises",
        *(_promise(number, promise) for number, promise in enumerate(PROMISES, start=1)),
        f"## The faults\n\n{len(rows)} faults. After each of them, whatever it is, these are "
        "checked: no key in any file or output, no half-written file, totals that add up, no score "
        "without a readable reply, and a stated cost of at least what the server billed.",
    ]
    for family, title in _FAMILIES.items():
        of_family = [row for row in rows if row.family == family]
        parts.append(f"### {title} ({len(of_family)})\n\n{_table(of_family, seen)}")
    return "\n\n".join(parts) + "\n"


def _promise(number: int, promise: Promise) -> str:
    tests = ", ".join(
        f"[`{test[4:]}`](#the-faults)" if test.startswith("row:") else f"`{test}`"
        for test in promise.shown_by
    )
    return (
        f"### {number}. {promise.title}\n\n{promise.sentence}\n\n"
        f"*Shown by* {tests}.\n\n*Where it ends.* {promise.ends}"
    )


def _table(rows: list[FaultRow], seen: dict[str, dict[str, Any]]) -> str:
    lines = [
        "| fault | what is done | what is promised | what was seen | |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        found = seen[row.name]
        cells = [f"`{row.name}`", row.done, row.promise, str(found["seen"]), found["outcome"]]
        lines.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Reporter(), "fault-reporter")
