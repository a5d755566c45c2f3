"""``log.jsonl``: what happened in a run, one JSON object a line, without anything secret."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from judgeforge.store.atomic_files import read_error, write_error
from judgeforge.store.durable_files import AppendedFile
from judgeforge.text.redaction import Redactor

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=repr)

_WHERE_THERE_IS_ONE = (
    *("status", "error", "batch", "direct_cost_usd", "replica"),
    *("cached_tokens", "written_tokens"),
)
_CALL = b'"event":"call"'
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class CallRecord:
    """How one attempt of one call ended; the fields of its line, in their order."""

    key: str
    model: str
    provider: str
    attempt: int
    outcome: str
    latency_s: float
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    """None where the cost is unknown."""
    status: int | None = None
    """Of HTTP. The line leaves it out where there is none, like the others below."""
    error: str | None = None
    batch: str | None = None
    """The provider's id of the batch in which the call was answered."""
    direct_cost_usd: float | None = None
    """What such a reply would have cost directly."""
    replica: str | None = None
    """The address of the server that was asked, where the model has several."""
    cached_tokens: int | None = None
    """Of the input tokens, those that were read from the server's cache; ``written_tokens`` went
    there."""
    written_tokens: int | None = None

    @property
    def is_paid(self) -> bool:
        """Whether it brought a reply."""
        return self.output_tokens is not None


class TakesLines(Protocol):
    """Where the lines of a log go, without their ends."""

    def info(self, line: bytes) -> None: ...

    def close(self) -> None: ...


class RunLog:
    """Appends to one file; each line has ``time`` (UTC, ISO 8601) and ``event``.

    The file is opened at the first line, so that a run with nothing to do leaves it alone.
    ``place``: that file, or what passes the lines on to the process that has it.
    """

    def __init__(self, place: Path | TakesLines, redactor: Redactor) -> None:
        import structlog

        self._lines: TakesLines = _Lines(place) if isinstance(place, Path) else place
        self.on_call: Callable[[CallRecord], None] | None = None
        """Told of each attempt beside the file; ``on_far_call``: of those of other processes."""
        self.on_far_call: Callable[[CallRecord], None] | None = None
        self._logger = structlog.wrap_logger(
            self._lines,
            processors=[_Renderer(redactor)],
            wrapper_class=structlog.make_filtering_bound_logger(0),
            context_class=dict,
        ).bind()

    def call(self, record: CallRecord) -> None:
        """Raises StoreError where the log cannot be written."""
        if self.on_call is not None:
            self.on_call(record)
        fields = {name: getattr(record, name) for name in CallRecord.__slots__}
        fields["latency_s"] = round(record.latency_s, 6)
        for name in _WHERE_THERE_IS_ONE:
            if fields[name] is None:
                del fields[name]
        self._logger.info("call", **fields)

    def event(self, name: str, **fields: object) -> None:
        """Anything else that happened. Raises StoreError where the log cannot be written."""
        self._logger.info(name, **fields)

    def append(self, line: bytes) -> None:
        """A line that another process of the run has made. Raises StoreError."""
        if self.on_far_call is not None and _CALL in line:
            self.on_far_call(call_record(json.loads(line)))
        self._lines.info(line)

    def close(self) -> None:
        self._lines.close()


def call_record(row: Mapping[str, Any]) -> CallRecord:
    """What a line of a call says."""
    return CallRecord(**{name: row[name] for name in CallRecord.__slots__ if name in row})


def logged_calls(file: Path) -> int:
    """How many attempts the log shows; 0 without one. Raises StoreError where it cannot be read."""
    calls, end = 0, b""
    try:
        with file.open("rb") as log:
            # Blocks are counted ten times as fast as lines. None of a call has the words twice:
            # within a text their quotes are escaped.
            while block := log.read(_BLOCK):
                block = end + block
                calls += block.count(_CALL)
                end = block[1 - len(_CALL) :]
            return calls
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise read_error(file, error) from error


def load_logger_alone() -> None:
    """Import structlog without rich, in which it would show tracebacks: most of its import.

    It holds for all of the process, so it is for one that belongs to nobody else.
    """
    if "structlog" in sys.modules:
        return
    before = sys.modules.get("rich")
    hidden: Any = None  # so that importing it fails
    sys.modules["rich"] = hidden
    try:
        import structlog  # noqa: F401
    finally:
        del sys.modules["rich"]
        if before is not None:
            sys.modules["rich"] = before


class _Renderer:
    """The only processor: a line as bytes, redacted."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def __call__(self, _logger: object, _method: str, event: MutableMapping[str, Any]) -> bytes:
        time = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        fields = {"time": time, "event": event.pop("event"), **event}
        line = _ENCODER.encode(fields)
        if self._redactor.redact(line) is not line:
            # Masking within the line could break its JSON, so the values are masked one by one.
            line = _ENCODER.encode(self._redactor.redact_value(json.loads(line)))
        return line.encode(errors="backslashreplace")


class _Lines:
    """The file, as structlog's logger: opened at the first line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: AppendedFile | None = None

    def info(self, line: bytes) -> None:
        if self._file is None:
            self._file = self._open()
        self._file.append(line + b"\n")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> AppendedFile:
        file = AppendedFile(self._path)
        try:
            self._path.chmod(0o600)
        except OSError as error:
            raise write_error(self._path, error) from error
        if file.last_line_end() != file.end:
            file.append(b"\n")  # a killed run left half a line, which says something too
        return file
