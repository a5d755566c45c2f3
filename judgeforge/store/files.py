"""Folders and files as the store makes them: private to their owner, and never half written.

``replacing`` is for files that are written in one go; those that grow or change while a run goes on
are an ``AppendedFile`` or a ``FixedFile``.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from judgeforge.errors import ConfigError, StoreError

_DISK_FAILED = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO})
_MEGABYTE = 10**6


def make_folder(path: Path, *, mode: int = 0o777) -> None:
    """With those above it; ``mode`` is for the folder itself. One that is there keeps its mode.

    Raises StoreError where it cannot be made.
    """
    try:
        path.mkdir(mode=mode, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{path}: cannot be made: {error}") from error


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write; it takes the place of ``path`` once all of it is on disk."""
    temporary = path.with_name(f".{path.name}.part")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        _remove(temporary)
        raise write_error(path, error) from error
    except BaseException:
        _remove(temporary)
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
        return os.open(path, flags, 0o600)
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


def _remove(temporary: Path) -> None:
    with suppress(OSError):  # what went wrong before says more than that this fails too
        temporary.unlink(missing_ok=True)
