"""What hostile programs could do in the sandbox that `python_tests` runs answers in.

    python benchmarks/sandbox.py

Writes benchmarks/results/sandbox.md: each program, what it tried, what happened. Needs bubblewrap.
A program that got what it wanted says so itself, or leaves a trace on this machine: in files, in a
server on loopback, in processes that outlive it. Takes some two minutes, most of it waiting for
programs that do not end by themselves.
"""

from __future__ import annotations

import os
import platform
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.hostile_programs import PROGRAMS, Hostile
from judgeforge.judging.programs.sandbox import Sandbox, open_sandbox

RESULT = Path(__file__).parent / "results" / "sandbox.md"
LIMITS = {"timeout_s": 2.0, "memory_mb": 256}
GOT_IN = "GOT IN"
_INSIDE = "sandboxed_tests.py"
SECRET, SECRET_VARIABLE = "the secret of this machine", "SECRET_OF_THIS_MACHINE"


@dataclass(slots=True)
class Machine:
    """What of this machine a program could touch, and whether one did."""

    folder: Path
    server: socket.socket
    visits: int = 0

    @property
    def secret(self) -> Path:
        return self.folder / "secret"

    @property
    def port(self) -> int:
        return int(self.server.getsockname()[1])

    def traces(self) -> list[str]:
        found = []
        if self.secret.read_text() != SECRET:
            found.append("the file was changed")
        if [one.name for one in self.folder.iterdir()] != ["secret"]:
            found.append("files were made")
        if self.visits:
            found.append("the server was reached")
        if left := left_over():
            found.append(f"processes are left: {', '.join(left)}")
        return found


def main() -> None:
    begun, sandbox = time.monotonic(), open_sandbox()
    with machine() as here:
        rows = [row(sandbox, here, program) for program in PROGRAMS]
    held = sum(" | held |" in one for one in rows)
    version = subprocess.run(
        [sandbox.bwrap, "--version"], check=True, capture_output=True, text=True
    ).stdout.strip()
    text = [
        "# The sandbox against hostile programs\n",
        f"`python benchmarks/sandbox.py` with {version}, Linux {platform.release().split('-')[0]}, "
        f"{platform.machine()}, Python {platform.python_version()}, as "
        f"{'root' if os.getuid() == 0 else 'an ordinary user'}; "
        f"{time.monotonic() - begun:.0f} s.\n",
        f"Each program had {LIMITS['timeout_s']:g} s and {LIMITS['memory_mb']} MB. A test that "
        "tells what it found out follows its code; that is in quotes. *Held*: it got nothing that "
        "it was not given, no file of this machine was read or changed, no server on loopback was "
        "reached, no process outlived it, and it was not taken for a success. "
        f"**{held} of {len(rows)} held.**\n",
        "| program | what it tries | what happened | seconds | |",
        "|---|---|---|---|---|",
        *rows,
    ]
    RESULT.write_text("\n".join(text) + "\n", encoding="utf-8")
    print(RESULT.read_text(encoding="utf-8"))


def row(sandbox: Sandbox, here: Machine, program: Hostile) -> str:
    names = {"SECRET": repr(str(here.secret)), "PORT": str(here.port), "PARENT": str(os.getpid())}
    code = re.sub(r"\b(SECRET|PORT|PARENT)\b", lambda found: names[found[1]], program.code)
    begun = time.monotonic()
    verdict = sandbox.run({"code": code, "tests": ["assert False, found"], **LIMITS})
    seconds = time.monotonic() - begun
    traces = here.traces()
    said = verdict.said.rpartition("AssertionError: ")[2]
    said = " ".join(said.replace(str(here.folder), "…").split()).replace("|", "\\|")
    got_in = GOT_IN in said or SECRET in said or verdict.score == 1.0 or bool(traces)
    happened = f"“{said[:220]}”" + "".join(f"; **{trace}**" for trace in traces)
    held = "**NOT HELD**" if got_in else "held"
    return f"| {program.name} | {program.tries} | {happened} | {seconds:.1f} | {held} |"


@contextmanager
def machine() -> Iterator[Machine]:
    with tempfile.TemporaryDirectory() as name, socket.create_server(("127.0.0.1", 0)) as server:
        here = Machine(Path(name), server)
        here.secret.write_text(SECRET)
        os.environ[SECRET_VARIABLE] = SECRET
        threading.Thread(target=_count_visits, args=(here,), daemon=True).start()
        yield here


def _count_visits(here: Machine) -> None:
    while True:
        try:
            connection, _ = here.server.accept()
        except OSError:
            return
        here.visits += 1
        connection.close()


def left_over() -> list[str]:
    """Processes of the sandbox that still run, by their command; not those of another program,
    which may test its own sandbox at the same time."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        command = _command(place)
        if _INSIDE in command and _starter(place) in {1, os.getpid()}:
            found.append(command[:60])
    return found


def _command(place: Path) -> str:
    try:
        return (place / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _starter(place: Path) -> int:
    """The first process above it that is not in the sandbox: 1 where that has ended."""
    while _INSIDE in _command(place):
        try:
            parent = (place / "stat").read_text().rpartition(")")[2].split()[1]
        except OSError:
            return 0
        place = Path("/proc") / parent
    return int(place.name)


if __name__ == "__main__":
    main()
