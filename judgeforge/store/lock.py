"""One run at a time on a folder, by the kernel's lock on a file (flock).

A dead process leaves no lock behind.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from judgeforge.errors import LockHeldError, StoreError
from judgeforge.store.durable_files import AppendedFile, FixedFile

_NO_FLOCK = {errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.ENOLCK, errno.EINVAL}


class LockLostError(StoreError):
    """The lock was removed or replaced while a run held it: a second run may be at work."""


class NoFlockError(StoreError):
    """The file system has no flock, or one without effect."""


def try_flock(file: FixedFile | AppendedFile) -> bool:
    """Take the lock if no other open file has it. Raises NoFlockError and StoreError."""
    try:
        fcntl.flock(file.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in _NO_FLOCK:
            raise NoFlockError(
                f"{file.path}: this file system has no flock ({error.strerror})"
            ) from error
        raise StoreError(f"{file.path}: cannot be locked ({error})") from error
    return True


def unlock(file: FixedFile) -> None:
    fcntl.flock(file.descriptor, fcntl.LOCK_UN)


def check_flock_works(file: FixedFile) -> None:
    """To be called while the lock is held: some network file systems only pretend.

    A second open file must be kept out, also in the same process. Raises NoFlockError.
    """
    other = FixedFile(file.path, file.size)
    try:
        if try_flock(other):
            raise NoFlockError(f"{file.path}: flock has no effect on this file system")
    finally:
        other.close()


_LISTED_LOCKS = Path("/proc/locks")
_SIGNATURE_BYTES = 512
_PROBE_PAUSE_S, _PROBES = 0.02, 3
"""`judgeforge status` takes the lock for a moment to see whether a run has it."""


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that took the lock last; it is held only while ``is_held`` says so."""

    pid: int
    host: str
    since: str
    """UTC, ISO 8601."""
    journal_bytes: int
    """How long the journal was when the run began."""


class FolderLock:
    """Held from ``__enter__`` to ``__exit__``. Raises LockHeldError or StoreError.

    ``needed``: False accepts a file system without locks; then it is up to the user that no second
    run starts.
    """

    def __init__(self, file: Path, *, needed: bool = True) -> None:
        self._path, self._needed = file, needed

    def __enter__(self) -> FolderLock:
        self._file = FixedFile(self._path, _SIGNATURE_BYTES)
        try:
            self._take()
        except BaseException:
            self._file.close()
            raise
        return self

    def sign(self, *, since: str, journal_bytes: int) -> None:
        """Say which process runs, for `judgeforge status` and for a second run that is refused."""
        holder = Holder(os.getpid(), socket.gethostname(), since, journal_bytes)
        self._file.write(json.dumps(asdict(holder)).ljust(_SIGNATURE_BYTES - 1).encode() + b"\n")

    def check(self) -> None:
        """Raises LockLostError. To be called before anything that only one run may do."""
        if not self._file.is_in_place():
            raise LockLostError(
                f"{self._path}: the lock was removed or replaced while this run held it, so a "
                "second run may be using the folder. This one sends nothing more. Once no run uses "
                "the folder, start the same command again: nothing that was paid is lost."
            )

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _take(self) -> None:
        try:
            if not self._try():
                holder = read_holder(self._path)
                whose = holder and f" (process {holder.pid} on {holder.host} since {holder.since})"
                raise LockHeldError(
                    f"{self._path.parent.parent}: another run holds this folder{whose or ''}. "
                    "Wait for it, or give this run a folder of its own (--out; in "
                    "Python out=)."
                )
            check_flock_works(self._file)
        except NoFlockError as error:
            if self._needed:
                raise StoreError(
                    f"{error}, so a second run could not be kept out. Put the folder on a local "
                    "file system, or use --no-lock (in Python no_lock=True) and make sure that "
                    "only one run is started."
                ) from error

    def _try(self) -> bool:
        for _ in range(_PROBES):
            if try_flock(self._file):
                return True
            time.sleep(_PROBE_PAUSE_S)
        return False


def read_holder(file: Path) -> Holder | None:
    """None where no run has signed (yet)."""
    try:
        return Holder(**json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def is_held(file: Path) -> bool:
    """Whether a run has the lock just now. Nothing is changed.

    Where the kernel lists the lock it is not touched. Elsewhere (another machine's lock, no lock at
    all) it is tried for, shared and for a moment.
    """
    try:
        descriptor = os.open(file, os.O_RDONLY)
    except OSError:
        return False
    try:
        if _is_listed(os.fstat(descriptor)):
            return True
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False


def _is_listed(file: os.stat_result) -> bool:
    device = f"{os.major(file.st_dev):02x}:{os.minor(file.st_dev):02x}"
    wanted = f"{device}:{file.st_ino}"
    try:
        rows = _LISTED_LOCKS.read_text().splitlines()
    except (OSError, ValueError):  # a system that lists none
        return False
    fields = (row.split() for row in rows)
    return any(row[1:2] == ["FLOCK"] and wanted in row and "WRITE" in row for row in fields)
