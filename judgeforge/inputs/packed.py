"""Opening files that may be packed (gz, zst): known by their first bytes, never unpacked whole.

zst is read by pyarrow, which Parquet needs anyway; Python has a reader of its own from 3.14 on.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from judgeforge.config.choices import PACKED_SUFFIXES
from judgeforge.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa
    from _typeshed import WriteableBuffer

HIGHEST_RATIO = 200
"""Bytes unpacked of one packed byte; text gives some 10, a table of numbers up to 50."""
LARGEST_UNPACKED = 1 << 30
"""Bytes of a packed file that may exceed the ratio."""
_FEWEST_ROWS = 1 << 22
"""Of a packed file, that may be more than its packed bytes."""
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
_LONGEST_MAGIC = 4


class _DamagedError(Exception):
    """The packed file is cut or damaged at the place that was to be read."""


DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile, _DamagedError)
"""What reading a cut or damaged packed file raises."""


@dataclass(frozen=True, slots=True)
class OpenedFile:
    binary: BinaryIO
    """Gives what is in the file, unpacked."""
    packing: str | None
    """``gz`` or ``zst``; None where the file is not packed."""
    packed_bytes: int

    def refuse_bomb(self, path: Path, rows: int) -> None:
        """Reading a file takes about as long as its size lets expect, or it is not read on.

        ``rows``: how many were read so far. Raises InputError.
        """
        if self.packing is None:
            return
        if rows > max(_FEWEST_ROWS, self.packed_bytes):
            raise InputError(
                f"{path}: has more lines than packed bytes, so they are nearly all the same or "
                "empty; unpack it, and name what comes out"
            )
        refuse_size(path, self.binary.tell(), self.packed_bytes)


def refuse_size(path: Path, unpacked: int, packed: int) -> None:
    """Raises InputError for what unpacks to far more than any real file does."""
    most = max(LARGEST_UNPACKED, HIGHEST_RATIO * packed)
    if unpacked > most:
        raise InputError(
            f"{path}: unpacks to more than {most >> 30} GiB; unpack it, and name what comes out"
        )


def open_file(path: Path) -> OpenedFile:
    """A packed file is known by its first bytes, not by its name, and opens unpacked.

    Raises InputError where it cannot be read, is UTF-16, or is not what its name says.
    """
    try:
        file = path.open("rb")
        start = file.read(_LONGEST_MAGIC)
        file.seek(0)
        size = path.stat().st_size
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    for packing, (magic, unpack) in _PACKINGS.items():
        if start.startswith(magic):
            file.close()
            return OpenedFile(unpack(path), packing, size)
    said = PACKED_SUFFIXES.get(path.suffix.lower())
    if said is not None:
        file.close()
        raise InputError(
            f"{path}: is not a {said} file, though its name says so; rename it or pack it"
        )
    if start[:2] in _UTF16_BOMS or b"\0" in start:  # without its mark
        file.close()
        raise InputError(f"{path}: is UTF-16; save it as UTF-8")
    return OpenedFile(file, None, size)


class _Zst(io.RawIOBase):
    """The unpacked bytes of a zst file; its errors are told apart from those of the disk."""

    def __init__(self, path: Path) -> None:
        import pyarrow as pa

        self._file = path.open("rb")
        self._stream: pa.NativeFile = pa.CompressedInputStream(self._file, "zstd")
        self._damaged: tuple[type[Exception], ...] = (OSError, pa.ArrowException)
        self._taken = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        try:
            found: bytes = self._stream.read(len(view))
        except self._damaged as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise _DamagedError(str(error)) from error
        view[: len(found)] = found
        self._taken += len(found)
        return len(found)

    def tell(self) -> int:
        return self._taken

    def close(self) -> None:
        self._stream.close()
        self._file.close()
        super().close()


def _open_gz(path: Path) -> BinaryIO:
    return cast("BinaryIO", gzip.open(path))


def _open_zst(path: Path) -> BinaryIO:
    return cast("BinaryIO", io.BufferedReader(cast("Any", _Zst(path))))


_PACKINGS: dict[str, tuple[bytes, Callable[[Path], BinaryIO]]] = {
    "gz": (b"\x1f\x8b", _open_gz),
    "zst": (b"\x28\xb5\x2f\xfd", _open_zst),
}
