"""How much of a folder's files is on the disk for certain, and whether the machine stopped since.

What a process hands to the kernel survives the process, not the machine: after a power cut the end
of a file may be missing, or be there in pieces (the second of two pages without the first). Which
part cannot be affected is kept in a file of its own. After it, a damaged record is what a power
cut leaves; before it, or on a machine that has not stopped, it is damage that has to be looked at.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from judgeforge.store.durable_files import FixedFile

MARK = "on-disk.json"
"""Beside the files that it is about."""
_SIZE = 512
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def this_boot() -> str:
    """Another text after each start of the machine; empty where the system does not tell."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


class Mark:
    """Raises StoreError where it cannot be written."""

    def __init__(self, state: Path) -> None:
        self.path = state / MARK
        self._file = FixedFile(self.path, _SIZE)

    def keep(self, ends: Mapping[str, int]) -> None:
        """Return once it is on the disk. ``ends``: bytes by name of file that are there already."""
        self._file.write(json.dumps({"boot": this_boot(), "ends": dict(ends)}).encode())
        self._file.sync()

    def close(self) -> None:
        self._file.close()


def doubtful_from(file: Path) -> int | None:
    """From which byte on a power cut may have damaged the file; None where none has come since it
    was last written to, or nothing tells."""
    try:
        found = json.loads(file.with_name(MARK).read_bytes())
        boot, end = found["boot"], int(found["ends"].get(file.name, 0))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None  # it says nothing: what is damaged has to be looked at
    return None if boot and boot == this_boot() else end
