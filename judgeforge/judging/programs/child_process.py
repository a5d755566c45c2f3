"""A process of its own that answers one question after another: one JSON line in, one out.

It is started when it is first needed, killed when an answer takes too long, and started anew for
the next question. What it prints goes nowhere; answers come over a pipe that only they use.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_START_S = 60.0
"""For the first answer besides its own time: libraries are imported before it."""
_LONGEST_ANSWER = 1 << 20
"""Bytes."""


class ChildFailedError(Exception):
    """The process gave no answer; says why."""


class ChildTimeoutError(ChildFailedError):
    """It took too long."""


@dataclass(slots=True)
class ChildProcess:
    """Used by one thread at a time; ``kill`` may be called from any other."""

    arguments: Sequence[str]
    """Of ``child_main``: what it answers."""
    folder: Path
    """Where it runs."""
    memory_mb: int = 4096
    _process: subprocess.Popen[bytes] | None = None
    _answers: int = -1
    _closed: threading.Event = field(default_factory=threading.Event)

    def ask(self, question: str, timeout_s: float) -> dict[str, Any]:
        """``question``: a line of JSON. Raises ChildFailedError."""
        if self._closed.is_set():
            raise ChildFailedError("the run is ending")
        is_new = self._process is None or self._process.poll() is not None
        process = self._start() if is_new else self._process
        if process is None or process.stdin is None:
            raise ChildFailedError("its process has no input")
        try:
            if is_new:
                self._greet()
            process.stdin.write(question.encode() + b"\n")
            process.stdin.flush()
            line = self._read_line(time.monotonic() + timeout_s)
        except TimeoutError:
            self.kill()
            raise ChildTimeoutError(f"it took longer than {timeout_s:g} s") from None
        except (OSError, EOFError):
            code = self._ended(process)
            raise ChildFailedError(f"its process ended ({code})") from None
        try:
            answer: dict[str, Any] = json.loads(line)
        except ValueError:
            self.kill()
            raise ChildFailedError("its process answered with something else") from None
        return answer

    def start(self) -> None:
        """Only so far as to know that it will answer. Raises ChildFailedError."""
        process = self._start()
        try:
            self._greet()
        except TimeoutError:
            raise ChildTimeoutError(f"it did not start in {_START_S:g} s") from None
        except (OSError, EOFError):
            raise ChildFailedError(f"its process ended ({self._ended(process)})") from None

    def close(self) -> None:
        self._closed.set()
        self.kill()

    def kill(self) -> None:
        process = self._process
        if process is None:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, 9)
        with suppress(subprocess.TimeoutExpired):
            process.wait(5)
        self._process = None
        if self._answers >= 0:
            with suppress(OSError):
                os.close(self._answers)
            self._answers = -1

    def _start(self) -> subprocess.Popen[bytes]:
        self.kill()
        reading, writing = os.pipe()
        module = "judgeforge.judging.programs.child_main"
        command = [
            sys.executable,
            "-P",
            "-m",
            module,
            str(writing),
            str(self.memory_mb),
            *self.arguments,
        ]
        try:
            self._process = subprocess.Popen(  # noqa: S603 (our own module)
                command,
                cwd=self.folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[writing],
                start_new_session=True,
                env=_environment(),
            )
        except OSError as error:
            os.close(reading)
            raise ChildFailedError(f"its process cannot be started: {error}") from error
        finally:
            os.close(writing)
        self._answers = reading
        return self._process

    def _greet(self) -> None:
        """Raises ChildFailedError where it says that it will never answer."""
        greeting = json.loads(self._read_line(time.monotonic() + _START_S))
        if "failed" in greeting:
            self.kill()
            raise ChildFailedError(greeting["failed"])

    def _read_line(self, until: float) -> bytes:
        """Raises TimeoutError and EOFError."""
        found = b""
        while not found.endswith(b"\n"):
            left = until - time.monotonic()
            if left <= 0 or not select.select([self._answers], [], [], left)[0]:
                raise TimeoutError
            part = os.read(self._answers, 1 << 16)
            if not part or len(found) > _LONGEST_ANSWER:
                raise EOFError
            found += part
        return found

    def _ended(self, process: subprocess.Popen[bytes]) -> str:
        with suppress(subprocess.TimeoutExpired):
            process.wait(1)
        code = process.returncode
        self.kill()
        if code is None:
            return "it closed its answers"
        return f"signal {-code}" if code < 0 else f"exit code {code}"


def _environment() -> dict[str, str]:
    """The user's own, with this package where it is imported from now."""
    package = str(Path(__file__).parents[3])
    before = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([package, *([before] if before else [])])}
