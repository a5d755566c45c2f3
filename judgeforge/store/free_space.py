"""Stops a run in order before the disk is full: what is paid for must still be stored."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from judgeforge.errors import StoreError

_MEGABYTE = 10**6


def check_free_space(folders: Iterable[Path], least_mb: float) -> None:
    """Raises StoreError where a folder's disk has fewer than ``least_mb`` megabytes left."""
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
