"""The log of a run: JSON lines, every one redacted before it reaches the disk."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from judgeforge.redaction import Redactor

if TYPE_CHECKING:
    from structlog.typing import EventDict, WrappedLogger


class RunLog:
    """Opened at the first line, so that a finished run leaves the file untouched."""

    def __init__(self, path: Path, redactor: Redactor) -> None:
        self._path, self._redactor = path, redactor
        self._file: TextIO | None = None
        self._logger: Any = None

    def call(self, **fields: object) -> None:
        """One attempt at a call (fields as in ``calls.call_log.CallLog``)."""
        self.event("call", **{name: value for name, value in fields.items() if value is not None})

    def event(self, name: str, **fields: object) -> None:
        if self._logger is None:
            self._logger = self._open()
        self._logger.info(name, **fields)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = self._logger = None

    def _open(self) -> Any:  # noqa: ANN401
        import structlog

        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._file = os.fdopen(descriptor, "a", encoding="utf-8", buffering=1)
        return structlog.wrap_logger(
            structlog.WriteLogger(self._file),
            processors=[_stamp, self._render],
            wrapper_class=structlog.BoundLogger,
        )

    def _render(self, _logger: WrappedLogger, _method: str, event: EventDict) -> str:
        line = json.dumps(event, ensure_ascii=False, default=str)
        return self._redactor.redact(line.encode("utf-8", "replace").decode())


def _stamp(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return {"time": now, "event": event.pop("event"), **event}


def open_log(path: Path, redactor: Redactor) -> RunLog:
    return RunLog(path, redactor)
