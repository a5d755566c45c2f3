"""Anthropic's message batches.

All requests are sent as one body. A batch carries no mark of ours: one that is sought is known by
its time, its number of requests and, once it has ended, by its results.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from judgeforge.calls.providers.base import Body
from judgeforge.calls.providers.batches import (
    CLOCKS_APART_S,
    TRANSFER_S,
    BatchLine,
    BatchState,
    CutShort,
    Sought,
    as_object,
    part,
)
from judgeforge.calls.providers.http import HttpProvider, write_stream
from judgeforge.config.model import ModelConfig
from judgeforge.store.atomic_files import read_error

_ENDED = "ended"
_RAW = {"X-Stainless-Raw-Response": "stream"}
"""How the SDK is asked to leave a body to be read bit by bit."""
_MOST_LISTED = 5_000


class AnthropicBatches:
    proven_by_results = True
    wrapping = (b'{"requests":[', b",", b"]}")

    def __init__(self, provider: HttpProvider) -> None:
        self._provider = provider
        self.where = provider.base_url
        self._path = f"{provider.endpoint}/batches"

    def request(self, key: str, body: Body) -> bytes:
        return json.dumps({"custom_id": key, "params": body}, separators=(",", ":")).encode()

    async def upload(self, file: Path, model: ModelConfig) -> str:  # noqa: ARG002
        return ""

    async def create(self, file: Path, uploaded: str, nonce: str, model: ModelConfig) -> BatchState:  # noqa: ARG002
        from anthropic.types.messages import MessageBatch

        content = _content(file)
        return _state(
            await self._provider.through_sdk(
                lambda client, options: client.post(
                    self._path,
                    cast_to=MessageBatch,
                    content=content,
                    options=_raw_options(options, {"content-type": "application/json"}),
                ),
                model,
                timeout_s=TRANSFER_S,
            )
        )

    async def find(self, sought: Sought, model: ModelConfig) -> list[BatchState]:
        async def search(client: Any, options: Any) -> list[BatchState]:  # noqa: ANN401 (the SDK's)
            found, seen = list[BatchState](), 0
            async for batch in client.messages.batches.list(limit=100, **options):
                state, seen = _state(batch), seen + 1
                if state.created_at < sought.since - CLOCKS_APART_S or seen >= _MOST_LISTED:
                    break
                if state.requests == sought.requests:
                    found.append(state)
            return found

        return await self._provider.through_sdk(search, model)

    async def look(self, batch_id: str, model: ModelConfig) -> BatchState:
        return _state(
            await self._provider.through_sdk(
                lambda client, options: client.messages.batches.retrieve(batch_id, **options), model
            )
        )

    async def fetch(self, state: BatchState, into: Path, model: ModelConfig) -> None:
        async def save(client: Any, options: Any) -> None:  # noqa: ANN401 (the SDK's)
            # Not `results_url`, which a server could set to another host: the key goes along.
            response = await client.get(
                f"{self._path}/{state.id}/results",
                cast_to=bytes,
                options=_raw_options(options, {"accept": "application/binary", **_RAW}),
            )
            try:
                await write_stream(response, into, first=True)
            finally:
                await response.close()

        await self._provider.through_sdk(save, model, timeout_s=TRANSFER_S)

    def read(self, line: bytes) -> BatchLine | None:
        row = as_object(line)
        key, result = row.get("custom_id"), part(row, "result")
        if not isinstance(key, str):
            return None
        kind = result.get("type")
        if kind == "succeeded":
            return BatchLine(key, "answered", part(result, "message"), 200)
        if kind in {"expired", "canceled"}:
            return BatchLine(key, "not_run", {})
        if kind == "errored":
            error = part(result, "error")
            return BatchLine(key, "refused", {"error": part(error, "error") or error})
        return BatchLine(key, "lost", {})


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise read_error(file, error) from error


def _raw_options(options: Any, headers: dict[str, str]) -> dict[str, Any]:  # noqa: ANN401
    """Of the SDK's own methods, from the keywords of its resources."""
    return {
        "timeout": options["timeout"],
        "headers": {**options["extra_headers"], **headers},
        "params": options["extra_query"],
        "max_retries": 0,
    }


def _state(batch: Any) -> BatchState:  # noqa: ANN401 (anthropic.types.messages.MessageBatch)
    counts = batch.request_counts
    ended = [counts.succeeded, counts.errored, counts.canceled, counts.expired]
    why: CutShort | None = None
    if batch.processing_status == _ENDED:
        why = "expired" if counts.expired else "cancelled" if counts.canceled else None
    return BatchState(
        id=batch.id,
        created_at=batch.created_at.timestamp(),
        requests=counts.processing + sum(ended),
        answered=counts.succeeded + counts.errored,
        ended=batch.processing_status == _ENDED,
        cut_short=why,
    )
