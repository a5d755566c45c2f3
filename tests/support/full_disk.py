"""A disk that has no room for what is written next."""

from __future__ import annotations

import errno
import os
from typing import Any

import pytest


def fits_only(patch: pytest.MonkeyPatch, most: int) -> None:
    """From now on so many bytes of each write fit on the disk; at none, the system says so."""

    def limit(write: Any) -> Any:
        def limited(descriptor: int, content: bytes, *offset: int) -> int:
            if most == 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            return write(descriptor, content[:most], *offset)

        return limited

    for name in ("write", "pwrite"):
        patch.setattr(os, name, limit(getattr(os, name)))
