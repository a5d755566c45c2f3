"""The kernel's lock on an open file (flock): a dead process leaves none behind."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

from judgeforge.errors import StoreError

_NO_FLOCK = {errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.ENOLCK, errno.EINVAL}


class NoFlockError(StoreError):
    """The file system has no flock, or one that keeps nobody out."""


def try_flock(descriptor: int, file: Path) -> bool:
    """Take the lock if nobody else has it. Raises NoFlockError and StoreError."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in _NO_FLOCK:
            raise NoFlockError(
                f"{file}: this file system has no flock ({error.strerror})"
            ) from error
        raise StoreError(f"{file}: cannot be locked ({error})") from error
    return True


def unlock(descriptor: int) -> None:
    fcntl.flock(descriptor, fcntl.LOCK_UN)


def check_flock_works(file: Path) -> None:
    """To be called while the lock is held: some network file systems only pretend.

    A second open file must be kept out, also in the same process. Raises NoFlockError.
    """
    other = os.open(file, os.O_RDWR)
    try:
        if try_flock(other, file):
            raise NoFlockError(f"{file}: flock has no effect on this file system")
    finally:
        os.close(other)
