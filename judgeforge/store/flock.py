"""The kernel's lock on a file (flock): a dead process leaves none behind."""

from __future__ import annotations

import errno
import fcntl

from judgeforge.errors import StoreError
from judgeforge.store.fixed_file import FixedFile

_NO_FLOCK = {errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.ENOLCK, errno.EINVAL}


class NoFlockError(StoreError):
    """The file system has no flock, or one without effect."""


def try_flock(file: FixedFile) -> bool:
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
