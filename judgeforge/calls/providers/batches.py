"""What a provider's batches are: many requests in one file, answered within a day.

A batch is created once and never by a retry: neither API takes a key that would make a second
creation harmless. Everything else may be asked again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, Literal, Protocol

from judgeforge.calls.providers.base import Body
from judgeforge.calls.providers.http import HttpProvider
from judgeforge.config.model import ModelConfig
from judgeforge.store.atomic_files import read_error, replacing

TRANSFER_S = 900.0
"""For sending or fetching a whole file; a reply to a small request has the model's timeout."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a provider refused a whole file."""

    code: str
    message: str
    line: int | None = None
    """Of the file, from 1; None where it is about all of it."""


CutShort = Literal["expired", "cancelled", "failed"]


@dataclass(frozen=True, slots=True)
class BatchState:
    id: str
    created_at: float
    """Unix time, by the provider's clock."""
    requests: int
    """0 where the provider has not counted them yet."""
    answered: int
    ended: bool = False
    cut_short: CutShort | None = None
    """Why it ended before all was done: what has no result was not run and is not billed."""
    files: tuple[str, ...] = ()
    """Where its results are."""
    problems: tuple[Problem, ...] = ()


LineKind = Literal["answered", "refused", "not_run", "lost"]


@dataclass(frozen=True, slots=True)
class BatchLine:
    """How one request ended. ``lost``: without an answer or a refusal, so it may be billed."""

    key: str
    kind: LineKind
    body: Mapping[str, Any]
    """The reply, as it would come to the same request alone, or the error."""
    status: int | None = None
    """Of HTTP, where the provider says one."""


@dataclass(frozen=True, slots=True)
class Sought:
    """A batch that was about to be created when the process ended or no reply came."""

    nonce: str
    requests: int
    since: float
    """Unix time of our clock when the creation began."""


CLOCKS_APART_S = 600.0
"""Our clock and the provider's may differ by as much."""


class BatchServer(Protocol):
    """One API of batches at one server. All methods raise as ``Provider.send`` does."""

    proven_by_results: bool
    """Whether only the results show that a batch that was found is ours."""
    wrapping: tuple[bytes, bytes, bytes]
    """What stands before, between and after the requests in a file."""
    where: str
    """The address that is asked, for messages."""

    def request(self, key: str, body: Body) -> bytes:
        """One request as it stands in a file; the reply is told by ``key``."""
        ...

    async def upload(self, file: Path, model: ModelConfig) -> str:
        """Hand over a file of requests, which buys nothing; its id, empty where none is needed."""
        ...

    async def create(
        self, file: Path, uploaded: str, nonce: str, model: ModelConfig
    ) -> BatchState: ...

    async def find(self, sought: Sought, model: ModelConfig) -> list[BatchState]:
        """Those that may be it, newest first."""
        ...

    async def look(self, batch_id: str, model: ModelConfig) -> BatchState: ...

    async def fetch(self, state: BatchState, into: Path, model: ModelConfig) -> None:
        """Write all results of a batch that has ended into a file, one a line."""
        ...

    def read(self, line: bytes) -> BatchLine | None:
        """None where it is not a line of results."""
        ...


def open_batch_server(provider: object, model: ModelConfig) -> BatchServer | None:
    """The batches of the server that ``provider`` speaks to; None where it has none."""
    facts = model.facts.batches
    if facts is None or not isinstance(provider, HttpProvider):
        return None
    server: BatchServer = resolve_name(facts.opened_by)(provider)
    return server


def write_requests(file: Path, requests: Iterable[bytes], wrapping: tuple[bytes, ...]) -> None:
    """Raises StoreError."""
    opening, between, closing = wrapping
    with replacing(file) as out:
        out.write(opening)
        for number, request in enumerate(requests):
            out.write(between if number else b"")
            out.write(request)
        out.write(closing)


def lines_of(file: Path) -> Iterator[bytes]:
    """Of a file of results. Raises StoreError."""
    try:
        with file.open("rb") as lines:
            yield from lines
    except OSError as error:
        raise read_error(file, error) from error


def as_object(line: bytes) -> Mapping[str, Any]:
    """Empty where it is not a JSON object."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, Mapping) else {}


def part(value: object, name: str) -> Mapping[str, Any]:
    """An object inside of one, also as a text of JSON; empty where it is something else."""
    found = value.get(name) if isinstance(value, Mapping) else None
    if isinstance(found, str):
        return as_object(found.encode("utf-8", "replace"))
    return found if isinstance(found, Mapping) else {}
