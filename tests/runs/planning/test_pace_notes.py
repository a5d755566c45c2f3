"""How long a plan takes: by what its folder has measured, else by limits, else nothing is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import judgeforge
from judgeforge.runs.planning.plan import plan_run
from tests.local_server import LocalServer
from tests.support.run_setup import model, run, write_config


def told(config: Path, out: Path) -> list[str]:
    notes = plan_run(judgeforge.load_config(config), out=out).notes
    return [note for note in notes if "calls take" in note or "at that pace" in note]


def ended_after(out: Path, *, calls: int, seconds: int, **more: Any) -> None:
    """The manifest of a folder, as of a start of that many calls."""
    manifest = json.loads((out / "manifest.json").read_text())
    begun, ended = "2026-01-01T10:00:00+00:00", f"2026-01-01T10:{seconds // 60:02d}:00+00:00"
    last = manifest["last_run"] | {"calls": {"paid": calls, "cached": 0}}
    manifest |= {"started_at": begun, "updated_at": ended, "last_run": last, **more}
    (out / "manifest.json").write_text(json.dumps(manifest))


def test_a_folder_tells_the_pace_of_its_last_start(tmp_path: Path, server: LocalServer) -> None:
    config, out = write_config(tmp_path, server, prompts=102), tmp_path / "out"
    run(config, out, limit=2)
    assert told(config, out) == [], "16 calls tell nothing"
    ended_after(out, calls=400, seconds=120)
    assert told(config, out) == [
        "The last start of this folder sent 400 calls in 2:00; at that pace the 800 that are left "
        "take about 4:00."
    ]
    ended_after(out, calls=400, seconds=120, status="running")
    assert told(config, out) == [], "it may have been killed at any time"


@pytest.mark.parametrize(
    ("rpm", "said"),
    [(100, ["With models.small.rpm = 100 its 816 calls take 7:10 at least."]), (600, [])],
)
def test_a_limit_of_requests_tells_the_least_that_it_takes(
    tmp_path: Path, server: LocalServer, rpm: int, said: list[str]
) -> None:
    models = {"small": model(server, rpm=rpm)}
    config = write_config(tmp_path, server, prompts=102, models=models)
    assert told(config, tmp_path / "out") == said
