"""What reading an input has found, kept for the next start: which rows are prompts, and which not.

It holds as long as the input is the same byte by byte and is read in the same way. Anything else,
damage included, is as if there were none: then the input is read anew.

The file: a line of JSON, the keys of all ids, the digests of all rows, the lines of the bad ones,
and the SHA-256 of all that.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, BinaryIO

from judgeforge.store.atomic_files import replacing

_FORMAT = 1
_BLOCK = 1 << 20
_CHECKSUM_BYTES = hashlib.sha256().digest_size


@dataclass(frozen=True, slots=True)
class KnownRows:
    """``ids`` and ``digests``: of each row, ``prompt_key`` of its id and ``short_digest``; of a bad
    row both are 0, and ``skips`` has the line of each, in their order."""

    ids: array[int]
    digests: array[int]
    skips: IO[bytes]
    """At its place; what is read of it is never the whole."""
    fingerprint: str
    losses: list[str]


def input_digest(files: Sequence[Path], settings: str) -> str:
    """SHA-256 (hex) of the input and of all that decides how it is read. Raises OSError."""
    digest = hashlib.sha256(settings.encode())
    for file in files:
        with file.open("rb") as opened:
            if len(files) > 1:  # what one of them ends with is not what the next begins with
                digest.update(f"[{os.fstat(opened.fileno()).st_size}]".encode())
            for block in _blocks(opened):
                digest.update(block)
    return digest.hexdigest()


def write_known_rows(file: Path, rows: KnownRows, *, digest: str) -> None:
    """Raises StoreError."""
    header = {
        "format": _FORMAT,
        "input": digest,
        "byte_order": sys.byteorder,
        "rows": len(rows.ids),
        "fingerprint": rows.fingerprint,
        "losses": rows.losses,
    }
    checksum = hashlib.sha256()
    with replacing(file) as opened:

        def write(part: bytes | memoryview) -> None:
            checksum.update(part)
            opened.write(part)

        write(json.dumps(header).encode() + b"\n")
        write(memoryview(rows.ids))
        write(memoryview(rows.digests))
        for block in _blocks(rows.skips):
            write(block)
        opened.write(checksum.digest())


@contextmanager
def open_known_rows(file: Path, *, digest: str) -> Iterator[KnownRows | None]:
    """None where they are not of this input, or cannot be read."""
    with ExitStack() as kept:
        rows = None
        with suppress(OSError, ValueError, TypeError, KeyError, EOFError):
            opened = kept.enter_context(file.open("rb"))
            rows = _read(opened, digest) if _is_whole(opened) else None
        yield rows


def _read(opened: BinaryIO, digest: str) -> KnownRows | None:
    header = json.loads(opened.readline())
    if header["format"] != _FORMAT or header["byte_order"] != sys.byteorder:
        return None
    if header["input"] != digest:
        return None
    ids, digests = array("Q"), array("Q")
    ids.fromfile(opened, header["rows"])
    digests.fromfile(opened, header["rows"])
    return KnownRows(ids, digests, opened, header["fingerprint"], header["losses"])


def _is_whole(opened: BinaryIO) -> bool:
    """Leaves the file at its beginning."""
    end = opened.seek(-_CHECKSUM_BYTES, 2)
    said = opened.read()
    opened.seek(0)
    checksum = hashlib.sha256()
    while (left := end - opened.tell()) > 0:
        checksum.update(opened.read(min(left, _BLOCK)))
    opened.seek(0)
    return checksum.digest() == said


def _blocks(opened: IO[bytes]) -> Iterator[bytes]:
    read: Callable[[], bytes] = partial(opened.read, _BLOCK)
    return iter(read, b"")
