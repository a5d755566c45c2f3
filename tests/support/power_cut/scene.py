"""One run against the local server, recorded; and its folder after the power went."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from judgeforge.store.on_disk import MARK
from tests.local_server import LocalServer
from tests.support.kills import RESULTS, WarmStarter
from tests.support.power_cut.disk import Disk
from tests.support.power_cut.recording import Change, build, recorded
from tests.support.run_process import command_line
from tests.support.run_setup import write_config

_PROMPTS, _LATENCY_S = 24, 0.2


@dataclass(frozen=True)
class RecordedRun:
    folder: Path
    """With configuration, run folder ``out`` and cache."""
    changes: Sequence[Change]
    replies: Sequence[float]
    """When each paid reply was sent, on the clock of the changes."""
    results: dict[str, bytes]
    port: int


@dataclass(frozen=True)
class Resumed:
    exit_code: int
    results: dict[str, bytes]
    sent: int
    """Requests that the resumed run bought."""
    paid_calls: int
    """Of the whole life of the folder, by its manifest."""


def record_run(folder: Path, *, durable: str) -> RecordedRun:
    root = folder / "before"
    root.mkdir()
    with LocalServer(latency_s=_LATENCY_S) as server:
        config = write_config(
            root,
            server,
            prompts=_PROMPTS,
            limits={"concurrency": 8},
            budget={"usd": 5.0},
            cache={"durable": durable},
        )
        code, ended, changes = recorded(
            command_line(config, root / "out", "--quiet"),
            library=build(folder),
            root=root,
            log=folder / "changes",
        )
        assert code == 0, ended
        replies = [
            server.started_at + record.done_at
            for record in server.requests
            if record.kind != "other" and record.done_at is not None
        ]
        return RecordedRun(root, changes, sorted(replies), _results(root), server.port)


def cut_and_resume(
    run: RecordedRun, at: float, place: Path, starter: WarmStarter, chance: Random
) -> Resumed:
    """The power goes ``at`` that moment; the machine starts again, and so does the command."""
    place.mkdir()
    for name in ("config.yaml", "prompts.jsonl", "rubric.yaml"):
        shutil.copy(run.folder / name, place / name)
    Disk(change for change in run.changes if change.at <= at).write_to(place, run.folder, chance)
    _start_machine_again(place / "out" / "state" / MARK)
    with LocalServer(port=run.port) as server:
        starter.start(place / "config.yaml", place / "out")
        code = starter.wait()
        sent = sum(record.kind != "other" for record in server.requests)
    totals = json.loads((place / "out" / "manifest.json").read_text())["totals"]
    results = _results(place) if code == 0 else {}
    return Resumed(code, results, sent, totals["calls"]["paid"])


def _start_machine_again(mark: Path) -> None:
    if mark.exists() and mark.read_bytes().strip(b"\0"):
        kept = json.loads(mark.read_bytes())
        mark.write_text(json.dumps({**kept, "boot": "another boot"}))


def _results(folder: Path) -> dict[str, bytes]:
    return {name: (folder / "out" / name).read_bytes() for name in RESULTS}
