"""One run at a time on a folder. The lock is the kernel's, so a dead process leaves none behind."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType

from judgeforge.errors import LockHeldError, StoreError


class FolderLock:
    """Held from ``__enter__`` to ``__exit__``. Raises LockHeldError or StoreError."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._descriptor = -1

    def __enter__(self) -> FolderLock:
        try:
            self._descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._descriptor)
            raise LockHeldError(
                f"{self._file.parent.parent}: another run holds this folder. "
                "Wait for it, or give this run a folder of its own with --out."
            ) from error
        except OSError as error:
            raise StoreError(
                f"{self._file}: cannot be locked ({error}). "
                "The folder must be writable and on a file system with flock."
            ) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._descriptor)
