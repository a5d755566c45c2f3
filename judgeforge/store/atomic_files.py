"""Folders and files as the store makes them: private to their owner, and never half written.

``replacing`` is for files that are written in one go; those that grow or change while a run goes on
are an ``AppendedFile`` or a ``FixedFile``.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from judgeforge.errors import ConfigError, StoreError

_DISK_FAILED = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO})
_NO_SYNC_OF_FOLDERS = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EPERM})
"""Of file systems that cannot, and of folders that may be written but not read."""
_MEGABYTE = 10**6
_LONGEST_PREFIX = 40
"""Characters of a name that its parts begin with: names of files have an end."""


def make_folder(path: Path, *, mode: int = 0o777) -> None:
    """With those above it; ``mode`` is for the folder itself. One that is there keeps its mode.

    Raises StoreError where it cannot be made.
    """
    try:
        missing = [each for each in (path, *path.parents) if not each.exists()]
        path.mkdir(mode=mode, parents=True, exist_ok=True)
        for each in missing:
            force_name(each)
    except OSError as error:
        raise StoreError(f"{path}: cannot be made: {error}") from error


@contextmanager
def new_folder(path: Path) -> Iterator[None]:
    """As ``make_folder``; where what is done meanwhile fails, what was made for it goes again, as
    long as it is empty."""
    made = [each for each in (path, *path.parents) if not each.exists()]
    make_folder(path)
    try:
        yield
    except BaseException:
        with suppress(OSError):  # something is in it by now
            for each in made:
                each.rmdir()
        raise


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write; it takes the place of ``path`` once all of it is on disk, and at the end
    that is on disk as well.

    Until then it has a name of its own, so that several can be written for one path at a time; the
    last to end takes the place.
    """
    part: Path | None = None
    try:
        _remove_abandoned(path)
        part, descriptor = _new_part(path)
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            force(file.fileno())
            part.replace(path)
            force_name(path)
    except BaseException as error:
        if part is not None:
            with suppress(OSError):  # what went wrong before says more than that this fails too
                part.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise write_error(path, error) from error
        raise


def force(descriptor: int) -> None:
    """Return once what was written to the file is on the disk, where no power cut can take it.

    Raises OSError; what it was asked to force must then be taken for lost: asked again, the kernel
    may say yes without having written anything.
    """
    if sys.platform == "darwin":
        # fsync leaves it in the drive's own memory there.
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    else:
        os.fdatasync(descriptor)


def force_name(path: Path) -> None:
    """The same for what its folder says of ``path``: that it is there, was renamed or removed."""
    try:
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        if error.errno not in _NO_SYNC_OF_FOLDERS:
            raise


@contextmanager
def chosen_place(place: Path) -> Iterator[None]:
    """Turns a StoreError into a ConfigError: where a command names a place that cannot be written,
    the command is wrong. A disk that is full or fails stays a StoreError.
    """
    try:
        yield
    except StoreError as error:
        cause = error.__cause__
        if not isinstance(cause, OSError) or cause.errno in _DISK_FAILED:
            raise
        raise ConfigError(
            f"{place}: cannot be written there ({cause.strerror or cause}). Choose another place."
        ) from error


def check_free_space(folders: Iterable[Path], least_mb: float) -> None:
    """Lets a run stop cleanly before the disk is full: what is paid for must still be stored.

    Raises StoreError where a folder's disk has fewer than ``least_mb`` megabytes left.
    """
    for folder in folders:
        try:
            free_mb = shutil.disk_usage(folder).free / _MEGABYTE
        except OSError as error:
            raise StoreError(f"{folder}: cannot be looked at: {error}") from error
        if free_mb < least_mb:
            raise StoreError(
                f"{folder}: {free_mb:.0f} MB are free, less than limits.min_free_mb "
                f"({least_mb:g}). Free some, then start the same command again."
            )


def descriptor_of(path: Path, flags: int) -> int:
    """An open file; only its owner may read one that is made. Raises StoreError."""
    try:
        is_new = bool(flags & os.O_CREAT) and not path.exists()
        descriptor = os.open(path, flags, 0o600)
        if is_new:
            force_name(path)
        return descriptor
    except OSError as error:
        raise StoreError(
            f"{path}: cannot be opened ({error.strerror or error}). Repair the folder, then start "
            "the same command again."
        ) from error


def write_error(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"{path}: cannot be written ({error.strerror or error}). Free disk space or repair the "
        "folder, then start the same command again."
    )


def read_error(path: Path, error: OSError) -> StoreError:
    return StoreError(f"{path}: cannot be read: {error.strerror or error}")


def _new_part(path: Path) -> tuple[Path, int]:
    """A file that nothing was at before, not even a link, locked for as long as it is open."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    while True:
        part = path.with_name(f"{_part_prefix(path)}{secrets.token_hex(8)}.part")
        descriptor = os.open(part, flags, 0o600)
        with suppress(OSError):  # without locks nothing is ever taken for abandoned
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return part, descriptor
        os.close(descriptor)  # taken for abandoned just before it was locked


def _remove_abandoned(path: Path) -> None:
    """What killed processes left of this path: files that no process has locked any more."""
    named = re.compile(rf"{re.escape(_part_prefix(path))}([0-9a-f]{{16}}\.)?part")
    with suppress(OSError):
        for part in [each for each in path.parent.iterdir() if named.fullmatch(each.name)]:
            _remove_unlocked(part)


def _remove_unlocked(part: Path) -> None:
    with suppress(OSError):  # locked, gone, a link, or of another user
        descriptor = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            part.unlink()
        finally:
            os.close(descriptor)


def _part_prefix(path: Path) -> str:
    return f".{path.name[:_LONGEST_PREFIX]}."
