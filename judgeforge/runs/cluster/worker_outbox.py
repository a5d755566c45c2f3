"""What a worker tells the coordinator, gathered for a moment: few frames, few transactions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from judgeforge.runs.cluster.channel import Outbox
from judgeforge.runs.cluster.frames import Message
from judgeforge.runs.cluster.messages import Keep, Logged, Spent

GATHER_S = 0.001


class WorkerOutbox:
    """In a frame come replies first, then what they cost and how they are logged, then the rest: a
    prompt has ended only once all that it has cost is told."""

    def __init__(self, send: Callable[[Sequence[Message]], None]) -> None:
        self._send = send
        self._frames = Outbox(self._send_frame, gather_s=GATHER_S)
        self._numbers: list[int] = []
        self._entries: list[tuple[str, str]] = []
        self._rows: list[Sequence[Any]] = []
        self._lines: list[bytes] = []

    def put(self, message: Message) -> None:
        self._frames.put(message)

    def keep(self, message: Keep) -> None:
        self._numbers += message.numbers
        self._entries += message.entries
        self._wake()

    def close_row(self, row: Sequence[Any]) -> None:
        self._rows.append(row)
        self._wake()

    def log(self, line: bytes) -> None:
        self._lines.append(line)
        self._wake()

    def flush(self) -> None:
        self._frames.flush()

    def _wake(self) -> None:
        self._frames.wake()

    def _send_frame(self, others: Sequence[Message]) -> None:
        frame: list[Message] = []
        if self._entries:
            frame.append(Keep(self._numbers, self._entries))
            self._numbers, self._entries = [], []
        if self._rows:
            frame.append(Spent(self._rows))
            self._rows = []
        if self._lines:
            frame.append(Logged(self._lines))
            self._lines = []
        self._send([*frame, *others])


class LogLines:
    """Where a worker's log goes; see ``RunLog``."""

    def __init__(self, out: WorkerOutbox) -> None:
        self._out = out

    def info(self, line: bytes) -> None:
        self._out.log(line)

    def close(self) -> None:
        """The coordinator has the file."""
