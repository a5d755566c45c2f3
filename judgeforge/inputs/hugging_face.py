"""Hugging Face datasets: a hub name or a local folder."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from judgeforge.config.run import HuggingFaceSource
from judgeforge.errors import InputError
from judgeforge.inputs.files import LONGEST_LINE
from judgeforge.inputs.rows import BadRow, RawRow, is_longer
from judgeforge.inputs.source_columns import SourceColumns
from judgeforge.records import SkipReason
from judgeforge.text.wording import did_you_mean, listed, shortened

_SHOWN_ERROR = 300


def read(source: HuggingFaceSource, columns: SourceColumns) -> Iterator[RawRow | BadRow]:
    """Raises InputError where the dataset cannot be opened or read on, or lacks a column."""
    where = f"dataset {source.name}"
    rows = _open(source)
    if rows.column_names is None:
        return columns.watch(_rows(rows, where), where)
    # Columns that are not read may contain sound, which needs more libraries.
    wanted = rows.select_columns(columns.of_header(where, rows.column_names))
    return _rows(as_stored(wanted), where)


def as_stored(rows: Any) -> Any:  # noqa: ANN401
    """With pictures as their bytes, which are what is sent: decoding needs another library."""
    from datasets.features.features import require_decoding

    if not rows.features or not any(map(require_decoding, rows.features.values())):
        return rows
    streamed = rows.to_iterable_dataset() if hasattr(rows, "to_iterable_dataset") else rows
    return streamed.decode(False)


def _rows(rows: Any, where: str) -> Iterator[RawRow | BadRow]:  # noqa: ANN401
    number = 0
    try:
        for number, columns in enumerate(rows, start=1):
            if is_longer(columns, LONGEST_LINE):
                detail = f"the row is longer than {LONGEST_LINE >> 20} MiB; split or shorten it"
                yield BadRow(number, SkipReason.TOO_LONG, detail)
            else:
                yield RawRow(number, columns)
    except Exception as error:
        raise InputError(
            f"{where}: cannot be read on after row {number} ({_first_line(error)}). "
            "Check the network and the dataset's files."
        ) from error


def _open(source: HuggingFaceSource) -> Any:  # noqa: ANN401
    """The library and its own dependencies raise dozens of kinds of errors: all become one."""
    import datasets

    folder = Path(source.name)
    _check_local(folder)
    try:
        if (folder / "state.json").exists():
            return datasets.load_from_disk(source.name)
        if (folder / "dataset_dict.json").exists():
            return _split(datasets.load_from_disk(source.name), source)
        with _silent_attempts():
            return datasets.load_dataset(
                source.name,
                source.config,
                split=source.split,
                revision=source.revision,
                streaming=source.streaming,
            )
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            f"dataset {source.name}: cannot be opened ({_first_line(error)}). "
            "Check `hf.name`, `hf.config`, `hf.split` and the network "
            "(HF_HUB_OFFLINE=1 uses what was downloaded before, without waiting)."
        ) from error


@contextmanager
def _silent_attempts() -> Iterator[None]:
    """The hub's client prints two lines for each of its attempts, where one error says it all.

    No setting changes how often it tries. A verbosity that the user chose (HF_HUB_VERBOSITY,
    HF_DEBUG) stays.
    """
    from huggingface_hub.utils import logging as hub

    before = hub.get_verbosity()
    if before == logging.WARNING:
        hub.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        hub.set_verbosity(before)


def _check_local(folder: Path) -> None:
    """A name that can only be a path is not looked for on the hub."""
    if folder.is_file():
        raise InputError(f"dataset {folder}: is a file; read it with `path:` in place of `hf:`")
    if not folder.exists() and (folder.is_absolute() or len(folder.parts) > 2):
        raise InputError(f"dataset {folder}: there is no such folder")


def _split(splits: Any, source: HuggingFaceSource) -> Any:  # noqa: ANN401
    if source.split not in splits:
        raise InputError(
            f"dataset {source.name}: there is no split `{source.split}` "
            f"(there are {listed(splits)}){did_you_mean(source.split, splits)}"
        )
    return splits[source.split]


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines() or [type(error).__name__]
    return shortened(lines[0], _SHOWN_ERROR)
