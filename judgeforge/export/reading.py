"""Reading ``pairs.jsonl`` back, one pair at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from judgeforge.errors import ConfigError, StoreError
from judgeforge.records import PreferencePair
from judgeforge.validation import first_problem


def pairs_file(folder: Path) -> Path:
    """Raises ConfigError where ``folder`` holds no pairs to read."""
    file = folder / "pairs.jsonl"
    if file.is_file():
        return file
    what = "is no run folder" if folder.is_dir() else "does not exist"
    raise ConfigError(
        f"{folder}: {what}: there is no pairs.jsonl in it. "
        "Name the folder that `judgeforge run` wrote (its `--out`), once it has ended."
    )


def read_pairs(file: Path) -> Iterator[PreferencePair]:
    """Raises StoreError for a line that is no pair, or a file that cannot be read."""
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                yield _pair(line, file, number)
    except OSError as error:
        raise StoreError(f"{file}: cannot be read: {error}") from error


def _pair(line: bytes, file: Path, number: int) -> PreferencePair:
    try:
        return PreferencePair.model_validate_json(line)
    except ValidationError as error:
        raise StoreError(
            f"{file}:{number}: {first_problem(error)}: this is no pair. "
            "If the file was changed by hand, delete it and start `judgeforge run` on the folder "
            "again: it is written anew from the journal."
        ) from error
