"""Runs a command and records what it does to the files below a folder."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_SOURCE = Path(__file__).with_name("recorder.c")
_HEAD = struct.Struct("=cd5Q")
COMPILER = shutil.which("cc") or shutil.which("gcc")


@dataclass(frozen=True, slots=True)
class Change:
    kind: str
    """C created, W written, T cut to ``offset``, S forced, R renamed, U removed, M folder made."""
    at: float
    """Seconds of the machine's monotonic clock."""
    inode: int
    offset: int
    path: str
    other: str
    """The new name, of a rename."""
    data: bytes


def build(folder: Path) -> Path:
    """The library to preload. Raises subprocess.CalledProcessError where it does not compile."""
    assert COMPILER is not None
    library = folder / "recorder.so"
    libraries = ["-ldl", "-lpthread"]
    command = [COMPILER, "-shared", "-fPIC", "-O1", "-o", library, _SOURCE, *libraries]
    subprocess.run(command, check=True, capture_output=True)
    return library


def recorded(
    command: Sequence[str], *, library: Path, root: Path, log: Path
) -> tuple[int, str, list[Change]]:
    """Exit code, standard error, and the changes in their order."""
    preload = {"LD_PRELOAD": str(library), "RECORD_ROOT": str(root), "RECORD_LOG": str(log)}
    ended = subprocess.run(
        command, check=False, env={**os.environ, **preload}, capture_output=True, timeout=300
    )
    return ended.returncode, ended.stderr.decode(), list(_read(log.read_bytes()))


def _read(log: bytes) -> Iterator[Change]:
    place = 0
    while place < len(log):
        kind, at, inode, offset, first, second, size = _HEAD.unpack_from(log, place)
        place += _HEAD.size
        parts = []
        for length in (first, second, size):
            parts.append(log[place : place + length])
            place += length
        path, other, data = parts
        yield Change(kind.decode(), at, inode, offset, path.decode(), other.decode(), data)
