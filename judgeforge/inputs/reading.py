"""The rows of any source, in input order: each a prompt or one skip that says why it is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from judgeforge.config.run import PromptsConfig
from judgeforge.errors import InputError
from judgeforge.inputs import csv_table, hugging_face, parquet
from judgeforge.inputs.duplicates import SeenRows
from judgeforge.inputs.files import check_file
from judgeforge.inputs.lines import read_jsonl, read_text
from judgeforge.inputs.prompt_length import check_length
from judgeforge.inputs.row_checks import RowChecks, check_row, row_id
from judgeforge.inputs.row_values import RowProblemError
from judgeforge.inputs.rows import BadRow, RawRow, encodable
from judgeforge.records import Prompt, Skip

_BY_SUFFIX = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".parquet": "parquet",
    ".txt": "text",
}
_BY_FORMAT = {
    "jsonl": read_jsonl,
    "csv": csv_table.read,
    "parquet": parquet.read,
    "text": read_text,
}


def read_prompts(
    config: PromptsConfig,
    checks: RowChecks,
    *,
    limit: int | None = None,
    is_done: Callable[[Prompt], bool] | None = None,
) -> Iterator[Prompt | Skip]:
    """Every row in input order, as a prompt or as exactly one skip that says why it is none.

    ``limit`` counts rows, good and bad; a blank line is no row. A prompt that ``is_done`` may be
    longer than the models can take in by now: nothing is asked about it any more. Of a row that
    was read nothing is kept but two 8-byte keys, which find duplicates. Raises InputError where the
    input as a whole cannot be read, has no row, or lacks a column that ``fields`` names.
    """
    seen = SeenRows(config.duplicate_prompts)
    where = _place(config)
    empty = limit != 0
    for row in islice(read_rows(config), limit):
        empty = False
        yield _checked(row, config, checks, seen, where, is_done)
    if empty:
        raise InputError(f"{where}: holds no rows; put at least one prompt in")


def _checked(
    row: RawRow | BadRow,
    config: PromptsConfig,
    checks: RowChecks,
    seen: SeenRows,
    where: str,
    is_done: Callable[[Prompt], bool] | None,
) -> Prompt | Skip:
    try:
        if isinstance(row, BadRow):
            raise RowProblemError(row.reason, row.detail)
        checked = check_row(row, config.fields, checks)
        prompt = checked.prompt(seen.admit(checked))
        if is_done is None or not is_done(prompt):
            check_length(prompt, checks)
        return prompt
    except RowProblemError as problem:
        return Skip(
            prompt_id=_name(row, config),
            line=row.line,
            reason=problem.reason,
            detail=f"{where}:{row.line}: {problem.detail}",
        )


def _name(row: RawRow | BadRow, config: PromptsConfig) -> str:
    """What a skip is called: the id of the row, if it has a usable one."""
    try:
        return row_id(row.columns, config.fields) or f"line-{row.line}"
    except RowProblemError:
        return f"line-{row.line}"


def _place(config: PromptsConfig) -> str:
    # A file's name may hold bytes that are not UTF-8; a skip is written as UTF-8.
    return encodable(str(config.path)) if config.path else f"dataset {config.hf and config.hf.name}"


def read_rows(config: PromptsConfig) -> Iterator[RawRow | BadRow]:
    """Unchecked, in input order. Raises InputError where the input as a whole cannot be read."""
    if config.hf is not None:
        return hugging_face.read(config.hf, config.fields)
    if config.path is None:
        raise InputError("no prompts are named; give `prompts.path` or `prompts.hf`")
    check_file(config.path)
    kind = config.format if config.format != "auto" else _kind(config.path)
    return _BY_FORMAT[kind](config.path, config.fields)


def _kind(path: Path) -> str:
    suffix = Path(path.stem).suffix if path.suffix.lower() == ".gz" else path.suffix
    kind = _BY_SUFFIX.get(suffix.lower())
    if kind is None:
        raise InputError(
            f"{path}: its ending tells no format (known are {', '.join(_BY_SUFFIX)}, each also "
            f"with .gz); say `format:` {', '.join(_BY_FORMAT)}"
        )
    return kind
