"""Hugging Face datasets: a hub name or a local folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from judgeforge.config import Fields, HuggingFaceSource
from judgeforge.errors import InputError
from judgeforge.sources.parquet import without_nulls
from judgeforge.sources.raw import BadRow, RawRow


def read(source: HuggingFaceSource, fields: Fields) -> Iterator[RawRow | BadRow]:
    rows = _open(source)
    names = getattr(rows, "column_names", None)
    if names is not None and fields.prompt not in names:
        raise InputError(
            f"dataset {source.name}: there is no column `{fields.prompt}` "
            f"(there are {', '.join(names)}). Map it with `fields: {{prompt: COLUMN}}`."
        )
    for number, row in enumerate(rows, start=1):
        yield RawRow(number, without_nulls(row))


def _open(source: HuggingFaceSource) -> Any:  # noqa: ANN401
    import datasets

    try:
        saved = Path(source.name)
        if (saved / "state.json").exists():
            return datasets.load_from_disk(source.name)
        if (saved / "dataset_dict.json").exists():
            return datasets.load_from_disk(source.name)[source.split]
        return datasets.load_dataset(
            source.name,
            source.config,
            split=source.split,
            revision=source.revision,
            streaming=source.streaming,
        )
    except (ValueError, KeyError, OSError, RuntimeError) as error:
        first = str(error).splitlines()[0][:300]
        raise InputError(
            f"dataset {source.name}: cannot be opened ({first}). "
            "Check `hf.name`, `hf.config`, `hf.split` and the network."
        ) from error
