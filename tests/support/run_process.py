"""`judgeforge run` as a process of its own, which no test leaves behind."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

Command = Callable[..., tuple[int, str, str]]
"""The fixture ``command``: arguments of the program -> exit code, standard output and error."""

_started: list[subprocess.Popen[str]] = []


def command_line(config: Path, out: Path | str, *options: str) -> list[str]:
    return [sys.executable, "-m", "judgeforge", "run", str(config), "--out", str(out), *options]


def start(config: Path, out: Path | str, *options: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        command_line(config, out, *options),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    _started.append(process)
    return process


def kill(process: subprocess.Popen[str]) -> None:
    """SIGKILL, and wait until it is gone."""
    process.kill()
    with contextlib.suppress(ValueError):  # its output was read to the end already
        process.communicate()


def kill_all() -> None:
    while _started:
        kill(_started.pop())
