"""Files, folders and datasets of evaluation sets -> the texts that their rows ask.

They are read by the readers of prompts, and need not be laid out as prompts are: the column with
what is asked is known by its name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from judgeforge.config.choices import format_of
from judgeforge.config.run import ContaminationConfig, Fields, HuggingFaceSource, PromptsConfig
from judgeforge.errors import InputError
from judgeforge.inputs.reading import input_name, read_input_rows
from judgeforge.inputs.rows import BadRow, RawRow, column_names, encodable
from judgeforge.inputs.source_columns import SourceColumns
from judgeforge.text.visible import quotable

_KNOWN_COLUMNS = (
    *("prompt", "question", "problem", "instruction", "query", "problem_statement"),
    *("question_content", "ctx", "turns", "messages", "conversations", "input", "text"),
)
"""Of evaluation sets in wide use, in lower case; the first that a row has counts."""
_BESIDE = {"instruction": "input"}
_SAID = ("content", "value", "text")
_NOT_ASKED = {"system", "developer"}
_FILES_OF_DATASETS = ("state.json", "dataset_dict.json")


class EvaluationRow(NamedTuple):
    place: str
    """File or dataset, and the line."""
    text: str
    is_first: bool = True
    """False for the later turns of a row of several: each is compared by itself."""


def evaluation_rows(config: ContaminationConfig) -> Iterator[EvaluationRow]:
    """Rows without a text are passed over.

    Raises InputError where a set cannot be read, where a row of it cannot (what it asks could pass
    unseen), or where no row has such a column.
    """
    for source in _sources(config.against):
        where = input_name(source)
        columns = _Columns(config.column)
        there: Mapping[str, Any] = {}
        found = False
        for row in read_input_rows(source, columns):
            if isinstance(row, BadRow):
                raise InputError(
                    f"{where}:{row.line}: {row.detail}. What this row asks could not be left out; "
                    "repair the file, or take it out of `prompts.contamination.against`"
                )
            there = there or row.columns
            for number, text in enumerate(columns.texts(row)):
                found = True
                yield EvaluationRow(f"{where}:{row.line}", text, is_first=number == 0)
        if not found:
            raise _without_texts(where, config.column, there)


class _Columns(SourceColumns):
    """Reads the columns with what is asked, whatever else there is."""

    def __init__(self, column: str | None) -> None:
        super().__init__(Fields(prompt=column or "prompt"))
        self._column = column
        self._wanted = (column,) if column else _KNOWN_COLUMNS

    def of_header(self, where: str, names: Iterable[str]) -> list[str]:
        there = list(names)
        asked = self._asked(there)
        if not asked:
            raise _without_texts(where, self._column, dict.fromkeys(there))
        return asked

    def watch(self, rows: Iterable[RawRow | BadRow], where: str) -> Iterator[RawRow | BadRow]:  # noqa: ARG002
        yield from rows

    def texts(self, row: RawRow) -> list[str]:
        """One for each turn; an instruction and its input are one."""
        filled = [name for name, value in row.columns.items() if value is not None]
        asked = self._asked(filled)
        found = [text for name in asked for text in _texts(row.columns[name], 0) if text.strip()]
        return found if len(asked) < 2 or not found else ["\n".join(found)]

    def _asked(self, names: Iterable[str]) -> list[str]:
        there = {str(name).lower(): name for name in reversed(list(names))}
        there |= {name: name for name in there.values()}
        first = next((name for name in self._wanted if name in there), None)
        if first is None:
            return []
        beside = _BESIDE.get(first)
        return [there[first], *([there[beside]] if beside in there else [])]


def _texts(value: object, depth: int) -> Iterator[str]:
    """The texts of a value: itself, or those of a list of texts or turns."""
    if isinstance(value, str):
        yield encodable(value)
    elif isinstance(value, list | tuple) and depth < 3:
        for each in value:
            yield from _texts(each, depth + 1)
    elif isinstance(value, Mapping) and value.get("role", value.get("from")) not in _NOT_ASKED:
        said = next((value[name] for name in _SAID if value.get(name) is not None), None)
        yield from _texts(said, depth + 1)


def _sources(against: Iterable[Path | HuggingFaceSource]) -> Iterator[PromptsConfig]:
    for one in against:
        if isinstance(one, HuggingFaceSource):
            yield PromptsConfig(hf=one)
        elif not one.is_dir():
            yield PromptsConfig(path=one)
        elif any((one / name).is_file() for name in _FILES_OF_DATASETS):
            yield PromptsConfig(hf=HuggingFaceSource(name=str(one), split="test"))
        else:
            yield from (PromptsConfig(path=file) for file in _files(one))


def _files(folder: Path) -> list[Path]:
    """All files in a folder and below whose ending tells a format, in the order of their names."""
    found = []
    for file in sorted(folder.rglob("*")):
        with suppress(InputError):
            format_of(file)
            if file.is_file() and file.stat().st_size:
                found.append(file)
    if not found:
        raise InputError(
            f"{folder}: has no file of an evaluation set; name files of JSON Lines, JSON, CSV, "
            "Parquet or text in `prompts.contamination.against`"
        )
    return found


def _without_texts(where: str, column: str | None, there: Mapping[str, Any]) -> InputError:
    looked_for = f"`{quotable(column)}`" if column else ", ".join(_KNOWN_COLUMNS)
    return InputError(
        f"{where}: no row has a text in {looked_for} (there are {column_names(there)}). Name the "
        "column with what is asked: `prompts.contamination: {column: COLUMN}`"
    )
