"""Both batch APIs: files and batches as OpenAI has them, message batches as Anthropic has them.

A batch is answered ``delay_s`` after it was created: what is billed then is in the records of the
service, one for each line, like any request.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.local_server.record import RequestRecord, Wire
from tests.local_server.wire import error_body

if TYPE_CHECKING:
    from tests.local_server.service import Service


@dataclass
class BatchBehaviour:
    """May be changed while the server runs; a batch has what held when it was created."""

    delay_s: float = 0.0
    """From its creation until it is answered."""
    listed_after_s: float = 0.0
    """So much later is a new batch among those that are listed."""
    most_requests: int | None = None
    most_bytes: int | None = None
    enqueued_tokens: int | None = None
    """More in all batches that are not answered: the whole file is refused."""
    answered_before_expiry: int | None = None
    """This many lines are answered, then the batch expires; None: all of them."""
    line_status: Mapping[int, int] = field(default_factory=dict)
    """By number in the file (from 0), lines that end with another status, also with 0."""
    without_result: frozenset[int] = frozenset()
    """Lines that are answered and billed, and whose result is lost."""
    creations_without_reply: int = 0
    """So many next creations succeed, and the connection breaks instead of a reply."""
    creations_refused: list[int] = field(default_factory=list)
    """The statuses with which the next ones are refused, and nothing is created."""
    failed_with: tuple[str, int | None] | None = None
    """Code and line with which the next file is refused as a whole."""


@dataclass
class _Batch:
    id: str
    wire: Wire
    lines: list[tuple[str, str, dict[str, Any]]]
    """Key, path and body of each request."""
    behaviour: BatchBehaviour
    created_at: float
    metadata: Mapping[str, str] | None = None
    input_file: str = ""
    endpoint: str = ""
    done: bool = False
    cancelled: bool = False
    refused: tuple[str, int | None] | None = None
    answered: int = 0
    results: list[bytes] = field(default_factory=list)
    errors: list[bytes] = field(default_factory=list)
    kinds: dict[str, int] = field(default_factory=dict)

    @property
    def tokens(self) -> int:
        return sum(len(json.dumps(body)) // 4 for _, _, body in self.lines)


class BatchOffice:
    def __init__(self, service: Service) -> None:
        self._service = service
        self._files: dict[str, bytes] = {}
        self.batches: dict[str, _Batch] = {}

    @staticmethod
    def serves(path: str) -> bool:
        return "/batches" in path or "/files" in path

    async def handle(self, request: web.BaseRequest, record: RequestRecord) -> web.StreamResponse:
        parts = record.path.strip("/").removeprefix("v1/").split("/")
        self._answer_those_due()
        if parts[0] == "files":
            return self._file(request, record, parts)
        if parts[:2] == ["messages", "batches"]:
            return await self._anthropic(request, record, parts[2:])
        return await self._openai(request, record, parts[1:])

    # Files

    def _file(
        self, request: web.BaseRequest, record: RequestRecord, parts: list[str]
    ) -> web.Response:
        if request.method == "POST":
            name = f"file-{len(self._files)}"
            self._files[name] = _uploaded(request.headers["content-type"], record.raw)
            record.raw = b""
            return web.json_response(
                {
                    "id": name,
                    "object": "file",
                    "bytes": len(self._files[name]),
                    "created_at": int(time.time()),
                    "filename": "batch.jsonl",
                    "purpose": "batch",
                    "status": "processed",
                }
            )
        if parts[1] not in self._files:
            return _error("openai", 404, "no such file")
        return web.Response(body=self._files[parts[1]], content_type="application/octet-stream")

    # OpenAI

    async def _openai(
        self, request: web.BaseRequest, record: RequestRecord, rest: list[str]
    ) -> web.StreamResponse:
        if request.method == "POST" and not rest:
            return await self._create_openai(request, json.loads(record.raw))
        if not rest:
            shown = [_openai_state(one) for one in self._listed("openai")]
            last = shown[-1]["id"] if shown else None
            return web.json_response(
                {"object": "list", "data": shown, "has_more": False, "last_id": last}
            )
        batch = self.batches.get(rest[0])
        if batch is None:
            return _error("openai", 404, "no such batch")
        if rest[1:] == ["cancel"]:
            self._cancel(batch)
        return web.json_response(_openai_state(batch))

    async def _create_openai(
        self, request: web.BaseRequest, asked: Mapping[str, Any]
    ) -> web.StreamResponse:
        behaviour = self._service.behaviour.batches
        if behaviour.creations_refused:
            return _error("openai", behaviour.creations_refused.pop(0), "not just now")
        content = self._files.get(asked["input_file_id"])
        if content is None or asked.get("completion_window") != "24h":
            return _error("openai", 400, "no such file, or no such window")
        rows = [json.loads(line) for line in content.splitlines() if line.strip()]
        batch = self._new(
            "openai",
            [(row["custom_id"], row["url"], row["body"]) for row in rows],
            metadata=asked.get("metadata"),
            input_file=asked["input_file_id"],
            endpoint=asked["endpoint"],
        )
        if any(row["url"] != asked["endpoint"] or row["method"] != "POST" for row in rows):
            batch.refused = ("invalid_url", 1)
        if len({row["body"]["model"] for row in rows}) > 1:
            batch.refused = ("mismatched_model", None)
        return await self._created(request, batch, _openai_state)

    # Anthropic

    async def _anthropic(
        self, request: web.BaseRequest, record: RequestRecord, rest: list[str]
    ) -> web.StreamResponse:
        if request.method == "POST" and not rest:
            return await self._create_anthropic(request, record)
        if not rest:
            shown = [_anthropic_state(one) for one in self._listed("anthropic")]
            return web.json_response(
                {"data": shown, "has_more": False, "first_id": None, "last_id": None}
            )
        batch = self.batches.get(rest[0])
        if batch is None:
            return _error("anthropic", 404, "no such batch")
        if rest[1:] == ["results"]:
            if not batch.done:
                return _error("anthropic", 404, "no results yet")
            return web.Response(body=b"".join(batch.results), content_type="application/x-jsonl")
        if rest[1:] == ["cancel"]:
            self._cancel(batch)
        return web.json_response(_anthropic_state(batch))

    async def _create_anthropic(
        self, request: web.BaseRequest, record: RequestRecord
    ) -> web.StreamResponse:
        behaviour = self._service.behaviour.batches
        if behaviour.creations_refused:
            return _error("anthropic", behaviour.creations_refused.pop(0), "not just now")
        too_large = behaviour.most_bytes is not None and len(record.raw) > behaviour.most_bytes
        rows = json.loads(record.raw)["requests"]
        record.raw = b""
        too_many = behaviour.most_requests is not None and len(rows) > behaviour.most_requests
        if too_large or too_many:
            return _error("anthropic", 413, "request_too_large")
        keys = [row["custom_id"] for row in rows]
        if len(set(keys)) < len(keys) or not all(_fits_anthropic(key) for key in keys):
            return _error("anthropic", 400, "custom_id")
        batch = self._new(
            "anthropic", [(row["custom_id"], "/v1/messages", row["params"]) for row in rows]
        )
        return await self._created(request, batch, _anthropic_state)

    # Both

    def _new(self, wire: Wire, lines: list[tuple[str, str, dict[str, Any]]], **more: Any) -> _Batch:
        behaviour = self._service.behaviour.batches
        name = f"{'batch' if wire == 'openai' else 'msgbatch'}_{len(self.batches):04}"
        batch = _Batch(name, wire, lines, behaviour, time.time(), **more)
        enqueued = sum(one.tokens for one in self.batches.values() if not one.done)
        if behaviour.failed_with is not None:
            batch.refused, behaviour.failed_with = behaviour.failed_with, None
        elif behaviour.most_requests is not None and len(lines) > behaviour.most_requests:
            batch.refused = ("too_many_requests", None)
        elif (
            behaviour.enqueued_tokens is not None
            and enqueued + batch.tokens > behaviour.enqueued_tokens
        ):
            batch.refused = ("token_limit_exceeded", None)
        batch.done = batch.refused is not None
        self.batches[name] = batch
        return batch

    async def _created(
        self, request: web.BaseRequest, batch: _Batch, state: Any
    ) -> web.StreamResponse:
        behaviour = self._service.behaviour.batches
        if behaviour.creations_without_reply > 0:
            behaviour.creations_without_reply -= 1
            if request.transport is not None:
                request.transport.close()
            await asyncio.sleep(0)
        return web.json_response(state(batch))

    def _listed(self, wire: Wire) -> list[_Batch]:
        """Newest first."""
        now, after_s = time.time(), self._service.behaviour.batches.listed_after_s
        return [
            one
            for one in reversed(self.batches.values())
            if one.wire == wire and now >= one.created_at + after_s
        ]

    def _answer_those_due(self) -> None:
        now = time.time()
        for batch in self.batches.values():
            if not batch.done and now >= batch.created_at + batch.behaviour.delay_s:
                self._answer(batch)

    def _cancel(self, batch: _Batch) -> None:
        if not batch.done:
            batch.cancelled = batch.done = True
            for key, _, _ in batch.lines:
                self._not_run(batch, key)
            self._store(batch)

    def _answer(self, batch: _Batch) -> None:
        behaviour, most = batch.behaviour, batch.behaviour.answered_before_expiry
        for number, (key, path, body) in enumerate(batch.lines):
            if most is not None and number >= most:
                self._not_run(batch, key)
                continue
            status = behaviour.line_status.get(number)
            if status is None:
                status, reply = self._service.answer_line(batch.wire, path, body)
            else:
                reply = _error_bytes(batch.wire, status)
            if number in behaviour.without_result:
                continue
            self._add(batch, key, status, json.loads(reply))
        random.Random(len(batch.lines)).shuffle(batch.results)
        batch.done = True
        self._store(batch)

    def _add(self, batch: _Batch, key: str, status: int, body: Any) -> None:
        batch.answered += 1
        if batch.wire == "anthropic":
            if status == 200:
                result = {"type": "succeeded", "message": body}
            else:
                result = {"type": "errored", "error": body}
            _count(batch, result["type"])
            batch.results.append(_line({"custom_id": key, "result": result}))
            return
        row = {
            "id": f"batch_req_{batch.answered}",
            "custom_id": key,
            "response": {"status_code": status, "request_id": "req_local", "body": body},
            "error": None,
        }
        _count(batch, "completed" if status in {0, 200} else "failed")
        (batch.results if status in {0, 200} else batch.errors).append(_line(row))

    def _not_run(self, batch: _Batch, key: str) -> None:
        if batch.wire == "anthropic":
            kind = "canceled" if batch.cancelled else "expired"
            _count(batch, kind)
            batch.results.append(_line({"custom_id": key, "result": {"type": kind}}))
            return
        code = "batch_cancelled" if batch.cancelled else "batch_expired"
        error = {"code": code, "message": "This request could not be executed."}
        batch.errors.append(_line({"custom_id": key, "response": None, "error": error}))

    def _store(self, batch: _Batch) -> None:
        if batch.wire == "openai":
            self._files[f"{batch.id}-output"] = b"".join(batch.results)
            self._files[f"{batch.id}-errors"] = b"".join(batch.errors)


def _count(batch: _Batch, kind: str) -> None:
    batch.kinds[kind] = batch.kinds.get(kind, 0) + 1


def _line(row: Mapping[str, Any]) -> bytes:
    return json.dumps(row, ensure_ascii=False).encode() + b"\n"


def _fits_anthropic(key: str) -> bool:
    return 1 <= len(key) <= 64 and all(c.isalnum() or c in "_-" for c in key) and key.isascii()


def _openai_state(batch: _Batch) -> dict[str, Any]:
    status = "completed" if batch.done else "in_progress"
    if batch.refused is not None:
        status = "failed"
    elif batch.cancelled:
        status = "cancelled"
    elif batch.done and batch.behaviour.answered_before_expiry is not None:
        status = "expired"
    has_files = batch.done and batch.refused is None
    code, line = batch.refused or ("", None)
    problem = {"code": code, "message": f"refused: {code}", "param": None, "line": line}
    return {
        "id": batch.id,
        "object": "batch",
        "endpoint": batch.endpoint,
        "errors": {"object": "list", "data": [problem]} if batch.refused else None,
        "input_file_id": batch.input_file,
        "completion_window": "24h",
        "status": status,
        "output_file_id": f"{batch.id}-output" if has_files and batch.results else None,
        "error_file_id": f"{batch.id}-errors" if has_files and batch.errors else None,
        "created_at": int(batch.created_at),
        "metadata": batch.metadata,
        "request_counts": {
            "total": len(batch.lines),
            "completed": batch.kinds.get("completed", 0),
            "failed": batch.kinds.get("failed", 0),
        },
    }


def _anthropic_state(batch: _Batch) -> dict[str, Any]:
    kinds = ("succeeded", "errored", "canceled", "expired")
    ended = batch.done
    counts = {kind: batch.kinds.get(kind, 0) if ended else 0 for kind in kinds}
    created = datetime.fromtimestamp(batch.created_at, UTC).isoformat()
    return {
        "id": batch.id,
        "type": "message_batch",
        "processing_status": "ended" if ended else "in_progress",
        "request_counts": {"processing": 0 if ended else len(batch.lines), **counts},
        "created_at": created,
        "expires_at": created,
        "ended_at": created if ended else None,
        "archived_at": None,
        "cancel_initiated_at": None,
        "results_url": f"http://127.0.0.1:1/v1/messages/batches/{batch.id}/results"
        if ended
        else None,
    }


def _uploaded(content_type: str, raw: bytes) -> bytes:
    """The file of a multipart form."""
    boundary = content_type.partition("boundary=")[2].strip('"').encode()
    for part in raw.split(b"--" + boundary):
        head, _, content = part.partition(b"\r\n\r\n")
        if b"filename=" in head:
            return content.removesuffix(b"\r\n")
    raise ValueError("no file in the form")


def _error_bytes(wire: Wire, status: int) -> bytes:
    return error_body(wire, status or 500, "the fault of a line")


def _error(wire: Wire, status: int, message: str) -> web.Response:
    return web.Response(
        status=status, body=error_body(wire, status, message), content_type="application/json"
    )
