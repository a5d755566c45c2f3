"""Reading ``pairs.jsonl`` back, one pair at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from judgeforge.errors import ConfigError
from judgeforge.records import PreferencePair
from judgeforge.store.json_lines import read_records
from judgeforge.store.recognition import why_no_run_folder


def pairs_file(folder: Path) -> Path:
    """Raises ConfigError where ``folder`` holds no pairs to read."""
    file = folder / "pairs.jsonl"
    if file.is_file():
        return file
    raise ConfigError(why_no_run_folder(folder, lacks=file.name))


def read_pairs(file: Path) -> Iterator[PreferencePair]:
    """Raises StoreError for a line that is no pair, or a file that cannot be read."""
    return read_records(file, PreferencePair)
