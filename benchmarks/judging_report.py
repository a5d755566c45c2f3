"""The table of the judging benchmark: what was measured, how surely, and what was asked."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

PACKAGES = ("judgeforge", "numpy", "pydantic")
_Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Target:
    least: float | None = None
    most: float | None = None

    def met(self, found: float) -> bool:
        return (self.least is None or found >= self.least) and (
            self.most is None or found <= self.most
        )

    def __str__(self) -> str:
        return f">= {self.least:g}" if self.most is None else f"<= {self.most:g}"


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of the table. Shares are in percent, differences of shares in points."""

    what: str
    found: float
    interval: tuple[float, float] | None
    """95 %, over the items (of the data at hand, with the mean over draws of each)."""
    target: Target | None
    plain: str = ""
    """What a plain way reaches."""
    note: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def met(self) -> bool | None:
        return None if self.target is None else self.target.met(self.found)


def mean_interval(values: ArrayLike) -> tuple[float, float, float]:
    """Mean of independent values with its 95 % interval."""
    array = np.asarray(values, dtype=np.float64)
    mean = float(array.mean())
    half = _Z95 * float(array.std(ddof=1)) / len(array) ** 0.5 if len(array) > 1 else 0.0
    return mean, mean - half, mean + half


def machine() -> dict[str, Any]:
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
    }


def _cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def as_json(measures: Sequence[Measure], about: Mapping[str, Any]) -> dict[str, Any]:
    rows = [
        asdict(one) | {"target": str(one.target) if one.target else None, "met": one.met}
        for one in measures
    ]
    return dict(about) | {"measures": rows}


def as_markdown(measures: Sequence[Measure], about: Mapping[str, Any]) -> str:
    here = about["machine"]
    packages = ", ".join(f"{name} {number}" for name, number in here["packages"].items())
    lines = [
        "# Judging, measured on recorded judges",
        "",
        f"`{about['command']}` on {here['date']}: {here['cpu']}, {here['cores']} cores (load "
        f"{here['load']}), Python {here['python']}, {packages}; {about['seconds']:.0f} s wall, "
        f"{about['cpu_seconds']:.0f} s of processor time.",
        "",
        *about["method"],
        "",
        "| measure | found | 95 % interval | to reach | met | a plain way |",
        "|---|---:|---:|---:|---|---|",
        *(_line(one) for one in measures),
    ]
    notes = [f"- {one.what}: {one.note}" for one in measures if one.note]
    return "\n".join([*lines, "", *notes]).rstrip() + "\n"


def _line(one: Measure) -> str:
    met = {True: "yes", False: "**no**", None: ""}[one.met]
    low, high = one.interval or (None, None)
    interval = "" if low is None else f"{_number(low)} to {_number(high)}"
    target = str(one.target) if one.target else ""
    return f"| {one.what} | {_number(one.found)} | {interval} | {target} | {met} | {one.plain} |"


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def write(folder: Path, text: str, found: Mapping[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "judging.md").write_text(text, encoding="utf-8")
    write_json(folder / "judging.json", found)


def write_json(file: Path, found: Mapping[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
