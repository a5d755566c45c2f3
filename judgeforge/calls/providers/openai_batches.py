"""OpenAI's batches of chat completions, and every server that speaks them (``base_url``).

A file of requests is uploaded, a batch of it is created, and its answers are two files: what was
answered and what was not. A batch carries our own mark, by which it is found again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from judgeforge.calls.providers.base import Body
from judgeforge.calls.providers.batches import (
    CLOCKS_APART_S,
    TRANSFER_S,
    BatchLine,
    BatchState,
    CutShort,
    Problem,
    Sought,
    as_object,
    part,
)
from judgeforge.calls.providers.http import HttpProvider, write_stream
from judgeforge.config.model import ModelConfig

MARK = "judgeforge"
"""The key of a batch's metadata that has our mark."""
_PATH_PREFIX = "/v1"
"""Of the paths inside a file, whatever the server's own address is."""
_CUT_SHORT: Mapping[str, CutShort] = {
    "failed": "failed",
    "expired": "expired",
    "cancelled": "cancelled",
}
_ENDED = frozenset({"completed", *_CUT_SHORT})
_NOT_RUN = frozenset({"batch_expired", "batch_cancelled"})
_SUCCESS = 200
_LEAST_STATUS = 400
_MOST_LISTED = 5_000
"""A batch that is sought is among the newest."""


class OpenAIBatches:
    proven_by_results = False
    wrapping = (b"", b"\n", b"\n")

    def __init__(self, provider: HttpProvider) -> None:
        self._provider = provider
        self.where = provider.base_url

    def request(self, key: str, body: Body) -> bytes:
        url = _PATH_PREFIX + self._provider.endpoint
        return json.dumps(
            {"custom_id": key, "method": "POST", "url": url, "body": body}, separators=(",", ":")
        ).encode()

    async def upload(self, file: Path, model: ModelConfig) -> str:
        with file.open("rb") as content:
            created = await self._provider.through_sdk(
                lambda client, options: client.files.create(
                    file=(file.name, content, "application/jsonl"), purpose="batch", **options
                ),
                model,
                timeout_s=TRANSFER_S,
            )
        return str(created.id)

    async def create(self, file: Path, uploaded: str, nonce: str, model: ModelConfig) -> BatchState:  # noqa: ARG002
        url: Any = _PATH_PREFIX + self._provider.endpoint
        return _state(
            await self._provider.through_sdk(
                lambda client, options: client.batches.create(
                    input_file_id=uploaded,
                    endpoint=url,
                    completion_window="24h",
                    metadata={MARK: nonce},
                    **options,
                ),
                model,
            )
        )

    async def find(self, sought: Sought, model: ModelConfig) -> list[BatchState]:
        async def search(client: Any, options: Any) -> list[BatchState]:  # noqa: ANN401 (the SDK's)
            seen = 0
            async for batch in client.batches.list(limit=100, **options):
                seen += 1
                if (getattr(batch, "metadata", None) or {}).get(MARK) == sought.nonce:
                    return [_state(batch)]
                is_older = (batch.created_at or 0) < sought.since - CLOCKS_APART_S
                if is_older or seen >= _MOST_LISTED:
                    break
            return []

        return await self._provider.through_sdk(search, model)

    async def look(self, batch_id: str, model: ModelConfig) -> BatchState:
        return _state(
            await self._provider.through_sdk(
                lambda client, options: client.batches.retrieve(batch_id, **options), model
            )
        )

    async def fetch(self, state: BatchState, into: Path, model: ModelConfig) -> None:
        for number, name in enumerate(state.files):
            await self._provider.through_sdk(
                partial(_save, name, into, first=number == 0), model, timeout_s=TRANSFER_S
            )

    def read(self, line: bytes) -> BatchLine | None:
        row = as_object(line)
        key = row.get("custom_id")
        if not isinstance(key, str):
            return None
        response, error = part(row, "response"), part(row, "error")
        status, body = _status(response.get("status_code")), part(response, "body")
        if status == _SUCCESS or (status is None and not error and body.get("choices")):
            return BatchLine(key, "answered", body, _SUCCESS)
        if error.get("code") in _NOT_RUN:
            return BatchLine(key, "not_run", {"error": error})
        if status is not None and status >= _LEAST_STATUS:
            return BatchLine(key, "refused", body or {"error": error}, status)
        if status is None and error:
            return BatchLine(key, "refused", {"error": error})
        return BatchLine(key, "lost", {"error": error})


def _status(said: object) -> int | None:
    """Some servers write it as a text; None where there is none."""
    if isinstance(said, str) and said.isdecimal():
        return int(said[:4])
    return said if isinstance(said, int) else None


async def _save(name: str, into: Path, client: Any, options: Any, *, first: bool) -> None:  # noqa: ANN401
    async with client.files.with_streaming_response.content(name, **options) as response:
        await write_stream(response, into, first=first)


def _state(batch: Any) -> BatchState:  # noqa: ANN401 (openai.types.Batch, or what a server makes of it)
    counts, status = getattr(batch, "request_counts", None), batch.status
    files = (getattr(batch, "output_file_id", None), getattr(batch, "error_file_id", None))
    errors = getattr(getattr(batch, "errors", None), "data", None) or ()
    return BatchState(
        id=batch.id,
        created_at=float(batch.created_at or 0),
        requests=getattr(counts, "total", 0) or 0,
        answered=(getattr(counts, "completed", 0) or 0) + (getattr(counts, "failed", 0) or 0),
        ended=status in _ENDED,
        cut_short=_CUT_SHORT.get(status),
        files=tuple(name for name in files if name),
        problems=tuple(
            Problem(str(each.code or ""), str(each.message or ""), each.line) for each in errors
        ),
    )
