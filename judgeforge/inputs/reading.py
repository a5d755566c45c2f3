"""The rows of any source, in input order: each a prompt or one skip that says why not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from pkgutil import resolve_name

from judgeforge.config.choices import ROW_FORMATS, format_of
from judgeforge.config.run import Fields, PromptsConfig
from judgeforge.errors import InputError
from judgeforge.inputs import hugging_face
from judgeforge.inputs.duplicates import SeenRows
from judgeforge.inputs.files import check_file
from judgeforge.inputs.row_checks import RowChecks, check_length, check_row, row_id
from judgeforge.inputs.rows import BadRow, RawRow, RowProblemError, encodable
from judgeforge.inputs.shapes.scored import asked_in, joined
from judgeforge.inputs.source_columns import SourceColumns
from judgeforge.records import Prompt, Skip

Reader = Callable[[Path, SourceColumns], Iterator[RawRow | BadRow]]
"""Of one format: the rows of a file in order. Raises InputError where the file as a whole cannot be
read, or lacks a column that is to be read."""


def read_prompts(
    config: PromptsConfig,
    checks: RowChecks,
    *,
    limit: int | None = None,
    is_done: Callable[[Prompt], bool] | None = None,
    source: SourceColumns | None = None,
) -> Iterator[Prompt | Skip]:
    """Every row in input order, as a prompt or as exactly one skip that says why not.

    ``limit`` counts rows, good and bad; a blank line is not a row. A prompt that ``is_done``
    may be too long for the models: nothing is asked about it any more. Of a row that
    was read nothing is kept but two 8-byte keys, which find duplicates. Raises InputError where the
    input as a whole cannot be read, has no row, or lacks a column that ``fields`` names.
    ``source`` learns which columns there are.
    """
    if source is None:
        source = columns_of(config, checks)
    seen = SeenRows(config.duplicate_prompts)
    where = _place(config)
    empty = limit != 0
    for row in islice(joined(read_rows(config, source), partial(_joined_by, source)), limit):
        empty = False
        yield _checked(row, source, checks, seen, where, is_done)
    if empty:
        raise InputError(f"{where}: has no rows; put at least one prompt in")


def columns_of(config: PromptsConfig, checks: RowChecks) -> SourceColumns:
    return SourceColumns.of(config, completions_wanted=checks.needs_completions)


def _joined_by(source: SourceColumns, row: RawRow) -> object:
    """The prompt of a row that is only one of several answers to it."""
    try:
        reading = source.reading_of(row.columns)
    except RowProblemError:
        return None
    return None if reading.shape.one_row_each else asked_in(row.columns, source.fields)


def _checked(
    row: RawRow | BadRow,
    source: SourceColumns,
    checks: RowChecks,
    seen: SeenRows,
    where: str,
    is_done: Callable[[Prompt], bool] | None,
) -> Prompt | Skip:
    try:
        if isinstance(row, BadRow):
            raise RowProblemError(row.reason, row.detail)
        reading = source.reading_of(row.columns)
        checked = check_row(*reading.canonical(row, source.fields, source.keep), checks)
        source.shapes[reading.name] += 1
        prompt, done = seen.admit(checked, is_done)
        if not done:
            check_length(prompt, checks)
        return prompt
    except RowProblemError as problem:
        return Skip(
            prompt_id=_name(row, source.fields),
            line=row.line,
            reason=problem.reason,
            detail=f"{where}:{row.line}: {problem.detail}",
        )


def _name(row: RawRow | BadRow, fields: Fields) -> str:
    """What a skip is called: the id of the row, if it has a usable one."""
    try:
        return row_id(row.columns, fields) or f"line-{row.line}"
    except RowProblemError:
        return f"line-{row.line}"


def _place(config: PromptsConfig) -> str:
    # A file's name may contain bytes that are not UTF-8; a skip is written as UTF-8.
    return encodable(str(config.path)) if config.path else f"dataset {config.hf and config.hf.name}"


def read_rows(
    config: PromptsConfig, source: SourceColumns | None = None
) -> Iterator[RawRow | BadRow]:
    """Unchecked, in input order. Raises InputError where the input as a whole cannot be read."""
    source = source or SourceColumns.of(config)
    if config.hf is not None:
        return hugging_face.read(config.hf, source)
    if config.path is None:
        raise InputError("no prompts are named; set `prompts.path` or `prompts.hf`")
    check_file(config.path)
    named = ROW_FORMATS.get(config.format) or format_of(config.path)
    reader: Reader = resolve_name(named.reader)
    return reader(config.path, source)
