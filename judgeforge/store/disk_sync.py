"""Forces what a run writes onto the disk, once a second and in a thread of its own.

Each record goes to the kernel at once, so a kill loses none. A power cut takes what the kernel has
not written yet, which may be half a minute's work: here it is at most that of the last
``EVERY_S`` seconds and of the time that the disk takes. One request to the disk a record would
cost milliseconds a call; one a second costs less than a hundredth of the processor.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from judgeforge.errors import StoreError
from judgeforge.store.atomic_files import force, force_name, write_error
from judgeforge.store.on_disk import Mark

EVERY_S = 1.0
_CLOCK_NS = 100_000_000
"""A file that changed so shortly before it was looked at may have changed again since, at what the
file system calls the same time."""


class DiskSync:
    """``files`` are forced in their order, where they have changed; those of them that lie in
    ``state`` are noted there with how much of them is safe. A file may be missing.

    A disk that fails is asked once only: after a failure the kernel may have dropped what could not
    be written, and the next request would succeed. ``check`` tells of it.
    """

    def __init__(self, state: Path, files: Sequence[Path], *, every_s: float = EVERY_S) -> None:
        self._state, self._files, self._every_s = state, tuple(files), every_s
        self._mark = Mark(state)
        self._seen: dict[Path, _State] = {}
        self._failure: StoreError | None = None
        self._turn = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name="disk-sync", daemon=True)

    def begin(self) -> None:
        """Raises StoreError where a file cannot be forced onto the disk."""
        self.sync()
        self._thread.start()

    def sync(self) -> None:
        """Return once all that was written before is on the disk. Raises StoreError."""
        with self._turn:
            self.check()
            try:
                self._force_changed()
            except StoreError as error:
                self._failure = error
                raise

    def check(self) -> None:
        """Raises the StoreError with which the disk failed, if it did."""
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        """Without a last round: the end of a start forces its own files."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()
        self._mark.close()

    def _work(self) -> None:
        while not self._ended.wait(self._every_s):
            try:
                self.sync()
            except StoreError:
                return  # kept for ``check``

    def _force_changed(self) -> None:
        changed = False
        for file in self._files:
            now, state = time.time_ns(), _state_of(file)
            if state is None or state == self._seen.get(file):
                continue
            _force_file(file)
            before = self._seen.get(file)
            if before is None or before.inode != state.inode:
                force_name(file)
            changed = True
            if now - state.changed_at < _CLOCK_NS:
                state = replace(state, changed_at=-1)
            self._seen[file] = state
        if changed:
            ends = {file.name: seen.size for file, seen in self._seen.items() if self._is_own(file)}
            self._mark.keep(ends)

    def _is_own(self, file: Path) -> bool:
        return file.parent == self._state


@dataclass(frozen=True, slots=True)
class _State:
    inode: int
    size: int
    """Bytes."""
    changed_at: int
    """Nanoseconds since 1970; -1 where it may have changed again at the same time."""


def _state_of(file: Path) -> _State | None:
    """None where it is not there."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise write_error(file, error) from error
    return _State(found.st_ino, found.st_size, found.st_mtime_ns)


def _force_file(file: Path) -> None:
    # Of a descriptor of its own: all that any process has written to the file is forced. None of
    # these files is locked by fcntl, whose locks a second descriptor would give up when it closes.
    try:
        descriptor = os.open(file, os.O_RDONLY)
        try:
            force(descriptor)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        return
    except OSError as error:
        raise write_error(file, error) from error
