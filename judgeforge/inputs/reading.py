"""The rows of any source, in input order: each a prompt or one skip that says why not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from pkgutil import resolve_name

from judgeforge.config.choices import ROW_FORMATS, format_of
from judgeforge.config.prompt_files import are_several, prompt_folder
from judgeforge.config.run import Fields, PromptsConfig
from judgeforge.errors import ConfigError, InputError
from judgeforge.inputs import hugging_face
from judgeforge.inputs.duplicates import SeenRows
from judgeforge.inputs.files import check_files
from judgeforge.inputs.noticed import Noticed, Reading, has_pictures
from judgeforge.inputs.row_checks import RowChecks, check_length, check_row, row_id
from judgeforge.inputs.rows import BadRow, RawRow, RowProblemError, encodable
from judgeforge.inputs.shapes.scored import asked_in, joined
from judgeforge.inputs.shapes.shape import pictures_in
from judgeforge.inputs.source_columns import SourceColumns
from judgeforge.records import Prompt, Skip
from judgeforge.text.wording import listed

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
    noticed: Noticed | None = None,
    wanted: Callable[[int], bool] = lambda _: True,
) -> Iterator[Prompt | Skip]:
    """Every row in input order, as a prompt or as exactly one skip that says why not.

    ``limit`` counts rows, good and bad; a blank line is not a row. A prompt that ``is_done``
    may be too long for the models: nothing is asked about it any more. Of a row that
    was read nothing is kept but two 8-byte keys, which find duplicates. ``noticed`` is told what
    rows have beside words. Raises InputError where the input as a whole cannot be read, has no row,
    or lacks a column that ``fields`` names; ConfigError for a row that a model of the run cannot
    take. ``source`` learns which columns there are. Rows at positions that are not ``wanted`` are
    left out unchecked, as if they were not there: what comes has no duplicate among the others only
    where that is known.
    """
    if source is None:
        source = SourceColumns.of(config, completions_wanted=checks.needs_completions)
    checks = replace(checks, last_answer=config.last_answer)
    reading = Reading(_folder(config), noticed or Noticed())
    seen = SeenRows(config.duplicate_prompts)
    empty = limit != 0
    rows = _joined_rows(config, source)
    for position, (part, row) in enumerate(islice(rows, limit)):
        empty = False
        if part.file is not None:
            source.rows_of_files[part.file] += 1
        if not wanted(position):
            continue
        checked = _checked(row, source, checks, seen, part, is_done, reading)
        if isinstance(checked, Prompt):
            _check_models(checked, checks, part.name)
            reading.noticed.add(checked)
            if part.file is not None:
                checked = checked.model_copy(update={"file": part.file})
        yield checked
    if empty:
        raise InputError(f"{input_name(config)}: has no rows; put at least one prompt in")


def _joined_rows(
    config: PromptsConfig, source: SourceColumns
) -> Iterator[tuple[_Part, RawRow | BadRow]]:
    """Rows of two files are never joined: each has columns of its own."""
    for part in _parts(config, source):
        rows = source.with_paths(part.rows(), part.name)
        for row in joined(rows, partial(_joined_by, source)):
            yield part, row


def _joined_by(source: SourceColumns, row: RawRow) -> object:
    """The prompt of a row that is only one of several answers to it."""
    try:
        recognised = source.recognised(row.columns)
    except RowProblemError:
        return None
    if recognised.shape.one_row_each:
        return None
    asked, pictures = asked_in(row.columns, source.fields), pictures_in(row.columns, source.fields)
    return asked if asked is None or pictures is None else (asked, pictures)


def _checked(
    row: RawRow | BadRow,
    source: SourceColumns,
    checks: RowChecks,
    seen: SeenRows,
    part: _Part,
    is_done: Callable[[Prompt], bool] | None,
    reading: Reading,
) -> Prompt | Skip:
    try:
        if isinstance(row, BadRow):
            raise RowProblemError(row.reason, row.detail)
        recognised = source.recognised(row.columns)
        source.tried[recognised.name] += 1
        shaped, fields = recognised.canonical(row, source.fields, source.keep)
        checked = check_row(shaped, fields, checks, reading)
        source.shapes[recognised.name] += 1
        prompt, done = seen.admit(checked, is_done)
        if not done:
            check_length(prompt, checks)
        elif seen.spared or not _fits(prompt, checks):
            reading.noticed.spared += 1
        return prompt
    except RowProblemError as problem:
        return Skip(
            prompt_id=_name(row, source.fields, part),
            line=row.line,
            reason=problem.reason,
            detail=f"{part.name}:{row.line}: {problem.detail}",
        )


def _fits(prompt: Prompt, checks: RowChecks) -> bool:
    try:
        check_length(prompt, checks)
    except RowProblemError:
        return False
    return True


def _folder(config: PromptsConfig) -> Path | None:
    """Where the paths of pictures start."""
    if config.path is not None:
        return prompt_folder(config.path)
    local = Path(config.hf.name) if config.hf else None
    return local if local is not None and local.is_dir() else None


def _check_models(prompt: Prompt, checks: RowChecks, where: str) -> None:
    """Raises ConfigError: every row of its kind would fail, so it is the models that are wrong."""
    if not (checks.without_tools or checks.without_pictures):
        return
    calls = any(turn.tool_calls for turn in prompt.messages)
    if checks.without_tools and (calls or prompt.tools is not None):
        what = "tool calls" if calls else "`tools`"
        raise ConfigError(f"{where}:{prompt.line}: the row has {what}, and {checks.without_tools}")
    if has_pictures(prompt) and checks.without_pictures:
        why = checks.without_pictures
        raise ConfigError(f"{where}:{prompt.line}: the row has a picture, and {why}")


def _name(row: RawRow | BadRow, fields: Fields, part: _Part) -> str:
    """What a skip is called: the id of the row, if it has a usable one."""
    place = f"line-{row.line}" if part.file is None else f"{part.file}:line-{row.line}"
    try:
        return row_id(row.columns, fields) or place
    except RowProblemError:
        return place


def input_name(config: PromptsConfig) -> str:
    """What errors call the input, and skips where it is one file."""
    if config.path is None:
        return f"dataset {config.hf and config.hf.name}"
    named = [config.path] if isinstance(config.path, Path) else config.path
    # A file's name may contain bytes that are not UTF-8; a skip is written as UTF-8.
    return listed((encodable(str(one)) for one in named), most=1)


def read_input_rows(
    config: PromptsConfig, source: SourceColumns | None = None
) -> Iterator[RawRow | BadRow]:
    """Unchecked, in input order. Raises InputError where the input as a whole cannot be read."""
    for part in _parts(config, source or SourceColumns.of(config)):
        yield from part.rows()


@dataclass(frozen=True, slots=True)
class _Part:
    """A file of the input, or all of a dataset."""

    name: str
    file: str | None
    """Its name, where there are several."""
    rows: Callable[[], Iterator[RawRow | BadRow]]


def _parts(config: PromptsConfig, source: SourceColumns) -> Iterator[_Part]:
    if config.hf is not None:
        yield _Part(input_name(config), None, partial(hugging_face.read, config.hf, source))
        return
    if config.path is None:
        raise InputError("no prompts are named; set `prompts.path` or `prompts.hf`")
    several, named = are_several(config.path), ROW_FORMATS.get(config.format)
    for path in check_files(config.path):
        reader: Reader = resolve_name((named or format_of(path)).reader)
        name = encodable(str(path))
        source.begin_file(name if several else None)
        if path.stat().st_size:
            yield _Part(name, name if several else None, partial(reader, path, source))
