"""The beginning of a start in a folder of a million finished prompts, without doing them first.

The folder is that of a real run of a few prompts; the records of its journal are then repeated for
all prompts but the last thousand, each with the id and the digest of its own row, and so are the
rows that four calls a prompt leave in the log and in the spending file. What is measured is the
command as anybody gives it, until its first prompt is finished; then it is killed.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from judgeforge.config.file import load_config
from judgeforge.inputs.reading import read_prompts
from judgeforge.records import Prompt
from judgeforge.runs.preparation.preparation import prepare
from judgeforge.store.finished_prompt import FinishedPrompt
from judgeforge.store.folder import RunFolder
from judgeforge.store.journal import Journal

ROOT = Path(__file__).parent.parent
SOME, LEFT, CALLS = 200, 1000, 4
LONGEST_S = 3600.0
_LOGGED = b'{"time":"2026-01-01T00:00:00Z","event":"call","model":"writer"}'.ljust(330) + b"\n"
_BOOKED = b'["reserved",%d,123456]\n["settled",%d,12345,500,200]\n'


def measure_start(config: Path, out: Path, prompts: int) -> dict[str, Any]:
    """Two starts: one that reads the input, and one that knows what that one found."""
    command = [sys.executable, "-m", "judgeforge", "run", str(config), "--out", str(out), "--quiet"]
    subprocess.run([*command, "--limit", str(SOME)], cwd=ROOT, check=True)
    folder = RunFolder(out)
    _repeat_records(config, folder, prompts - LEFT)
    _add_calls(folder, CALLS * (prompts - LEFT))
    return {
        "phases": {name: _begin(command, folder) for name in ("start anew", "start known")},
        "exports": {},
    }


def _repeat_records(config: Path, folder: RunFolder, number: int) -> None:
    read = load_config(config)
    rows = read_prompts(read.prompts, prepare(read).row_checks, limit=number)
    journal = Journal(folder.journal_file)
    records = [_finished(journal, entry.offset) for _, entry in journal.entries()]
    for position, row in enumerate(rows):
        if not isinstance(row, Prompt):
            raise TypeError(f"{row}: the benchmark makes no bad rows")
        if position >= SOME:
            record = records[position % SOME]
            journal.append(replace(record, prompt_id=row.id, digest=row.digest))
    journal.close()
    manifest = json.loads(folder.manifest_file.read_text())
    folder.manifest_file.write_text(json.dumps({**manifest, "status": "running"}))


def _finished(journal: Journal, offset: int) -> FinishedPrompt:
    lines = {
        name: [line.decode().removesuffix("\n") for line in found]
        for name, found in journal.lines(offset).items()
    }
    return FinishedPrompt("", "", lines, None)


def _add_calls(folder: RunFolder, number: int) -> None:
    with folder.log.open("ab") as log, folder.spending_file.open("ab") as spending:
        for call in range(number):
            log.write(_LOGGED)
            spending.write(_BOOKED % (call, call))


def _begin(command: list[str], folder: RunFolder) -> dict[str, Any]:
    journal_bytes = folder.journal_file.stat().st_size
    begun = time.monotonic()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        _until(lambda: folder.journal_file.stat().st_size > journal_bytes, process)
        wall_s, peak_mb = time.monotonic() - begun, _peak_mb(process.pid)
        process.send_signal(signal.SIGKILL)
        _, _, used = os.wait4(process.pid, 0)
        process.returncode = -signal.SIGKILL
    return {
        "exit_code": 0,
        "wall_s": wall_s,
        "cpu_s": used.ru_utime + used.ru_stime,
        "peak_mb": peak_mb,
        "begun_s": wall_s,
    }


def _until(holds: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + LONGEST_S
    while not holds():
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError("the start came to no prompt")
        time.sleep(0.01)


def _peak_mb(pid: int) -> float:
    """The kernel's own high-water mark of the process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))


def has_room_for(folder: Path, prompts: int) -> bool:
    """About 8 KB a prompt: journal, input, log and spending file."""
    return shutil.disk_usage(folder).free > 8000 * prompts
