"""The formats of files of prompts, and who reads each of them.

A new one is one file with its reader in ``inputs/`` and one line in ``ROW_FORMATS``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from judgeforge.errors import InputError


@dataclass(frozen=True, slots=True)
class RowFormat:
    suffixes: tuple[str, ...]
    """Endings of file names, in lower case, that mean this format; ``.gz`` may follow."""
    reader: str
    """As ``module:name`` (see ``inputs.reading.Reader``), imported when such a file is read."""


ROW_FORMATS: dict[str, RowFormat] = {
    "jsonl": RowFormat((".jsonl", ".ndjson"), "judgeforge.inputs.lines:read_jsonl"),
    "csv": RowFormat((".csv",), "judgeforge.inputs.csv_table:read"),
    "parquet": RowFormat((".parquet",), "judgeforge.inputs.parquet:read"),
    "text": RowFormat((".txt",), "judgeforge.inputs.lines:read_text"),
}


def format_of(path: Path) -> RowFormat:
    """By the ending of the file's name. Raises InputError where it tells nothing."""
    suffix = Path(path.stem).suffix if path.suffix.lower() == ".gz" else path.suffix
    for each in ROW_FORMATS.values():
        if suffix.lower() in each.suffixes:
            return each
    known = ", ".join(suffix for each in ROW_FORMATS.values() for suffix in each.suffixes)
    raise InputError(
        f"{path}: its ending tells no format (known are {known}, each also with .gz); "
        f"say `format:` {', '.join(ROW_FORMATS)}"
    )
