"""Prompts from files and datasets: read, checked and normalised, one row at a time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from judgeforge.config import PromptsConfig
from judgeforge.errors import InputError
from judgeforge.records import Prompt, Skip, SkipReason
from judgeforge.sources.files import check_file
from judgeforge.sources.raw import BadRow, RawRow
from judgeforge.sources.row_checks import RowChecks, RowProblemError, check_row, row_id

__all__ = ["RowChecks", "read_prompts"]

_BY_SUFFIX = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".parquet": "parquet",
    ".txt": "text",
}


def read_prompts(
    config: PromptsConfig, checks: RowChecks, *, limit: int | None = None
) -> Iterator[Prompt | Skip]:
    """Every row in input order, as a prompt or as exactly one skip that says why it is none.

    ``limit`` counts rows, good and bad. Only 16 bytes a row are kept, to find duplicates. Raises
    InputError where the input as a whole cannot be read.
    """
    ids: set[int] = set()
    asked_before: set[int] = set()
    where = str(config.path or (config.hf and config.hf.name))
    for row in islice(_rows(config), limit):
        yield _checked(row, config, checks, ids, asked_before, where)


def _checked(
    row: RawRow | BadRow,
    config: PromptsConfig,
    checks: RowChecks,
    ids: set[int],
    asked_before: set[int],
    where: str,
) -> Prompt | Skip:
    try:
        if isinstance(row, BadRow):
            raise RowProblemError(row.reason, row.detail)
        prompt, asked = check_row(row, config.fields, checks)
        given = config.fields.id in row.columns
        prompt = _distinct(prompt, asked, config, ids, asked_before, given=given)
    except RowProblemError as problem:
        return Skip(
            prompt_id=_name(row, config),
            line=row.line,
            reason=problem.reason,
            detail=f"{where}:{row.line}: {problem.detail}",
        )
    return prompt


def _distinct(
    prompt: Prompt,
    asked: str,
    config: PromptsConfig,
    ids: set[int],
    asked_before: set[int],
    *,
    given: bool,
) -> Prompt:
    asked_key = int(asked[:16], 16)
    if asked_key in asked_before and config.duplicate_prompts == "skip":
        raise RowProblemError(
            SkipReason.DUPLICATE_PROMPT,
            "the same prompt stands further up (`duplicate_prompts: keep` keeps it)",
        )
    if hash(prompt.id) in ids:
        if given:
            raise RowProblemError(
                SkipReason.DUPLICATE_ID, f"the id `{prompt.id}` stands further up"
            )
        number = 2
        while hash(f"{prompt.id}-{number}") in ids:
            number += 1
        prompt = prompt.model_copy(update={"id": f"{prompt.id}-{number}"})
    ids.add(hash(prompt.id))
    asked_before.add(asked_key)
    return prompt


def _name(row: RawRow | BadRow, config: PromptsConfig) -> str:
    if isinstance(row, RawRow):
        try:
            given = row_id(row.columns, config.fields)
        except RowProblemError:
            given = None
        if given is not None:
            return given
    return f"line-{row.line}"


def _rows(config: PromptsConfig) -> Iterator[RawRow | BadRow]:
    if config.hf is not None:
        from judgeforge.sources import hugging_face

        return hugging_face.read(config.hf, config.fields)
    if config.path is None:
        raise InputError("no prompts are named")
    check_file(config.path)
    return _file_rows(config, config.path)


def _file_rows(config: PromptsConfig, path: Path) -> Iterator[RawRow | BadRow]:
    from judgeforge.sources import csv_table, jsonl, parquet, text

    kind = config.format if config.format != "auto" else _kind(path)
    if kind == "jsonl":
        return jsonl.read(path)
    if kind == "csv":
        return csv_table.read(path, config.fields)
    if kind == "parquet":
        return parquet.read(path, config.fields)
    return text.read(path, config.fields.prompt)


def _kind(path: Path) -> str:
    suffix = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    kind = _BY_SUFFIX.get(suffix.lower())
    if kind is None:
        raise InputError(
            f"{path}: its ending tells no format (known are {', '.join(_BY_SUFFIX)}, each also "
            "with .gz); say `format: jsonl`, `csv`, `parquet` or `text`"
        )
    return kind
