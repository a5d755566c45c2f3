"""One measured command in a fresh process: ``scale_worker.py ARGUMENT…``, those of judgeforge.

The last line of its output is JSON: seconds, those of the processor, the peak of its memory, and
seconds until the run was under way (``run_started`` in its log), where it was.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from datetime import datetime
from pathlib import Path


def main(arguments: list[str]) -> None:
    began, before = time.time(), os.times()
    from judgeforge.cli import main as judgeforge

    sys.argv = ["judgeforge", *arguments]
    code: object = 0
    with contextlib.redirect_stdout(sys.stderr):
        try:
            judgeforge()
        except SystemExit as ended:
            code = ended.code
    after = os.times()
    found = {
        "exit_code": code or 0,
        "wall_s": time.time() - began,
        "cpu_s": after.user + after.system - before.user - before.system,
        "peak_mb": peak_mb(),
        "begun_s": begun_s(arguments, began),
    }
    print(json.dumps(found))


def begun_s(arguments: list[str], began: float) -> float | None:
    """From the start of the process to the last ``run_started`` of this start."""
    if "--out" not in arguments:
        return None
    log = Path(arguments[arguments.index("--out") + 1]) / "log.jsonl"
    if not log.exists():
        return None
    last = None
    with log.open("rb") as lines:
        for line in lines:
            if b'"run_started"' in line:
                last = json.loads(line)["time"]
    at = datetime.fromisoformat(last).timestamp() if last else 0.0
    return at - began if at >= began else None


def peak_mb() -> float:
    """The kernel's own high-water mark of this process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("/proc/self/status shows no VmHWM: this benchmark runs on Linux")


if __name__ == "__main__":
    main(sys.argv[1:])
