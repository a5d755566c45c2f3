"""``log.jsonl``: what happened in a run, one JSON object a line, without anything secret."""

from __future__ import annotations

import json
import os
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, BinaryIO

import structlog

from judgeforge.errors import StoreError
from judgeforge.text.redaction import Redactor

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=repr)


class RunLog:
    """Appends to one file; each line has ``time`` (UTC, ISO 8601) and ``event``.

    The file is opened at the first line, so that a run with nothing to do leaves it alone.
    """

    def __init__(self, path: Path, redactor: Redactor) -> None:
        self._file = _LazyFile(path)
        self._logger = structlog.wrap_logger(
            structlog.BytesLogger(self._file),  # type: ignore[arg-type]
            processors=[
                structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
                _Renderer(redactor),
            ],
            wrapper_class=structlog.make_filtering_bound_logger(0),
            context_class=dict,
        ).bind()

    def call(  # noqa: PLR0913 (the fields of a line)
        self,
        *,
        key: str,
        model: str,
        provider: str,
        attempt: int,
        outcome: str,
        latency_s: float,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        cost_usd: float | None = None,
        status: int | None = None,
        error: str | None = None,
    ) -> None:
        """One attempt of one call; ``cost_usd`` is None where the cost is unknown.

        Raises StoreError where the log cannot be written.
        """
        fields: dict[str, object] = {
            "key": key,
            "model": model,
            "provider": provider,
            "attempt": attempt,
            "outcome": outcome,
            "latency_s": round(latency_s, 6),
            "input_tokens": input_tokens,
            "output_tokens": output_tokens,
            "cost_usd": cost_usd,
        }
        if status is not None:
            fields["status"] = status
        if error is not None:
            fields["error"] = error
        self._logger.info("call", **fields)

    def event(self, name: str, **fields: object) -> None:
        """Anything else that happened. Raises StoreError where the log cannot be written."""
        self._logger.info(name, **fields)

    def close(self) -> None:
        self._file.close()


class _Renderer:
    """The last processor: a line as bytes, redacted."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def __call__(self, _logger: object, _method: str, event: MutableMapping[str, Any]) -> bytes:
        fields = {"time": event.pop("time"), "event": event.pop("event"), **event}
        line = _ENCODER.encode(fields)
        if self._redactor.redact(line) is not line:
            # Masking within the line could break its JSON, so the values are masked one by one.
            line = _ENCODER.encode(self._redactor.redact_value(json.loads(line)))
        return line.encode(errors="backslashreplace")


class _LazyFile:
    """What BytesLogger writes to: opened at the first write, mode 0600, whole lines only."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self.name = str(path)

    def write(self, line: bytes) -> None:
        try:
            if self._file is None:
                self._file = self._open()
            self._file.write(line)
        except OSError as error:
            raise StoreError(
                f"{self._path}: the log cannot be written ({error.strerror}); free the disk or "
                "mend the folder, then run the same command again"
            ) from error

    def flush(self) -> None:
        """Nothing to do: every line goes to the file at once."""

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> BinaryIO:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT
        descriptor = os.open(self._path, flags, 0o600)
        file = os.fdopen(descriptor, "ab", buffering=0)
        os.fchmod(descriptor, 0o600)
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            file.write(b"\n")  # a killed run left half a line
        return file
