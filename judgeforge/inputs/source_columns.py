"""The columns of one source: which shape they make, which of them are read, and which are not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from judgeforge.config.run import Fields, PromptsConfig
from judgeforge.errors import InputError
from judgeforge.inputs.paths import begins_in, paths_among, with_values
from judgeforge.inputs.rows import BadRow, RawRow, RowProblemError, column_names
from judgeforge.inputs.shapes.recognition import (
    PROMPTS_NAME,
    Recognised,
    read_as,
    recognise,
    shapes,
)
from judgeforge.inputs.shapes.shape import STEP_LABELS, Shape
from judgeforge.text.visible import quotable
from judgeforge.text.wording import counted, did_you_mean

_ANSWERS = ("generations", "responses", "answers", "outputs", "candidates")
"""What columns of several answers are called elsewhere."""
_SHOWN_COLUMNS = 12
_SHOWN_FILES = 20
_MOST_NAMES = 1000
"""Columns that are remembered for being told; rows of JSON may each bring new ones."""
_MOST_KINDS = 256
"""Sets of columns whose reading is remembered."""


class MissingColumnError(InputError):
    """A source lacks a column; ``problem`` is the message without what to do about it."""

    def __init__(self, problem: str, advice: str) -> None:
        self.problem = problem
        super().__init__(f"{problem} {advice}")


class SourceColumns:
    """What is read of one source, decided by its header, or row by row where it has none."""

    def __init__(
        self,
        fields: Fields,
        *,
        shape: str | Callable[[Collection[str]], str] = "auto",
        keep: Collection[str] = (),
        completions_wanted: bool = False,
    ) -> None:
        """``shape``: its name, or a function that tells it from the columns.

        ``completions_wanted``: nothing is sampled, so what rows bring is judged.
        """
        self.fields, self.keep = fields, tuple(keep)
        self._shape, self._completions_wanted = shape, completions_wanted
        self._of_header: Recognised | None = None
        self._known: dict[tuple[str, ...], Recognised] = {}
        self._last: tuple[Mapping[str, Any], Recognised] | None = None
        """Each row is asked about twice, one after the other."""
        self.shapes: Counter[str] = Counter()
        """Rows by the shape that they were read as."""
        self.tried: Counter[str] = Counter()
        """The same, also of rows that are skipped."""
        self.used: dict[str, None] = {}
        self.unused: dict[str, None] = {}
        self.rows_of_files: dict[str, int] = {}
        """By file, where there are several."""
        self.paths = paths_among([*self.named, *self.keep])
        """What the configuration names that may stand within a column."""

    @classmethod
    def of(cls, config: PromptsConfig, *, completions_wanted: bool = False) -> SourceColumns:
        return cls(
            config.fields,
            shape=config.shape,
            keep=config.keep,
            completions_wanted=completions_wanted,
        )

    def begin_file(self, name: str | None) -> None:
        """Another file of the source, which may have another header; None where it is the only
        one."""
        self._of_header = None
        if name is not None:
            self.rows_of_files[name] = 0

    @property
    def file(self) -> str | None:
        """The one that is read, where there are several."""
        return next(reversed(self.rows_of_files), None)

    @property
    def prompt(self) -> str:
        """The column in which rows of prompts have them."""
        return self.fields.prompt

    @property
    def named(self) -> dict[str, str]:
        """Column -> field, for the columns that the configuration names itself."""
        fields = self.fields
        set_by_it = {getattr(fields, field): field for field in sorted(fields.model_fields_set)}
        return {column: field for column, field in set_by_it.items() if column is not None}

    def of_header(self, where: str, names: Iterable[str]) -> list[str]:
        """The columns of a table that are read, in their order.

        What the shape needs and what `fields:` names must exist. Raises InputError.
        """
        there = list(names)
        within = {path: begins_in(path, there) for path in self.paths if path not in there}
        named = [*there, *(path for path, column in within.items() if column is not None)]
        try:
            reading = self._recognise(named)
        except RowProblemError as problem:
            raise InputError(f"{where}: {problem.detail}") from None
        required = {**reading.required, **self.named}
        for column, setting in required.items():
            if column not in named:
                raise _missing(where, column, setting, there)
        self._of_header = reading
        wanted = {*reading.columns, *self.keep, *filter(None, within.values())}
        self._note(named, wanted)
        if self.fields.completions in wanted:
            wanted.add(STEP_LABELS)
        return list(dict.fromkeys(column for column in there if column in wanted))

    def watch(self, rows: Iterable[RawRow | BadRow], where: str) -> Iterator[RawRow | BadRow]:
        """Pass on the rows of a source without a header.

        Raises InputError at the end, if a column that `fields:` names was in no row at all.
        """
        return self._watched(rows, where, [name for name in self.named if name not in self.paths])

    def with_paths(self, rows: Iterable[RawRow | BadRow], where: str) -> Iterator[RawRow | BadRow]:
        """Pass on the rows of a source, with a column for what stands within others.

        Raises InputError at the end, if a path that `fields:` names led nowhere in all rows.
        """
        if not self.paths:
            return iter(rows)
        with_them = (
            with_values(row, self.paths) if isinstance(row, RawRow) else row for row in rows
        )
        named = self.named
        return self._watched(with_them, where, [name for name in self.paths if name in named])

    def _watched(
        self, rows: Iterable[RawRow | BadRow], where: str, names: Collection[str]
    ) -> Iterator[RawRow | BadRow]:
        named = self.named
        unseen = {name: named[name] for name in names}
        columns: list[str] | None = None
        for row in rows:
            if unseen and isinstance(row, RawRow):
                own = (name for name in row.columns if name not in self.paths)
                columns = columns or list(islice(own, _SHOWN_COLUMNS + 1))
                unseen = {name: field for name, field in unseen.items() if name not in row.columns}
            yield row
        if unseen and columns is not None:
            column, field = next(iter(unseen.items()))
            raise _missing(where, column, field, columns)

    def recognised(self, columns: Mapping[str, Any]) -> Recognised:
        """How a row is read. Raises RowProblemError where it can be read in two ways."""
        if self._of_header is not None:
            return self._of_header
        if self._last is not None and columns is self._last[0]:
            return self._last[1]
        found = self._of_row(columns)
        self._last = columns, found
        return found

    def _of_row(self, columns: Mapping[str, Any]) -> Recognised:
        filled = tuple(name for name, value in columns.items() if value is not None)
        reading = self._known.get(filled)
        if reading is None:
            reading = self._recognise(filled)
            self._note(columns, {*reading.columns, *self.keep})
            if len(self._known) < _MOST_KINDS:
                self._known[filled] = reading
        return reading

    def files(self) -> list[str]:
        """How many rows were read of each, where there are several."""
        told = [f"{name}: {counted(rows, 'row')}" for name, rows in self.rows_of_files.items()]
        others = len(told) - _SHOWN_FILES
        return told if others < 1 else [*told[:_SHOWN_FILES], f"… and {others} more files"]

    def described(self) -> list[str]:
        """How the rows were read and what of them was not, in words; nothing for plain prompts."""
        read = self.shapes or self.tried
        # Rows with nothing in a column are no reason to say that it is not used.
        unused = [name for name in self.unused if name not in self.used]
        if not unused and not read.keys() - {PROMPTS_NAME}:
            return []
        first, *others = read.most_common() or [(PROMPTS_NAME, 0)]
        said = f"read as {shapes()[first[0]].title}"
        said += "".join(f"; {counted(n, 'row')} as {shapes()[name].title}" for name, n in others)
        if unused:
            said += f"; {counted(len(unused), 'column')} not used: {column_names(unused)}"
        return [said, *self._of_answers(set(unused), shapes()[first[0]])]

    def _of_answers(self, unused: Collection[str], shape: Shape) -> list[str]:
        """What else could be made of the rows."""
        if {self.fields.chosen, self.fields.rejected} <= set(unused):
            return [
                "`prompts: {shape: preference}` judges `chosen` and `rejected` anew, in place of "
                "sampling answers"
            ]
        answers = next((name for name in _ANSWERS if name in unused), None)
        if answers is None or shape.brings_answers or self.fields.completions in self.used:
            return []
        return [
            f"`prompts: {{fields: {{completions: {answers}}}}}` judges the answers in `{answers}`"
        ]

    def never_seen(self) -> list[str]:
        """What `prompts.keep` names, and no row has as a column."""
        return [name for name in self.keep if name not in self.used]

    def _recognise(self, names: Collection[str]) -> Recognised:
        name = self._shape if isinstance(self._shape, str) else self._shape(names)
        if name != "auto":
            return read_as(name, names, self.fields)
        return recognise(names, self.fields, completions_wanted=self._completions_wanted)

    def _note(self, names: Collection[str], wanted: Collection[str]) -> None:
        within = {begins_in(path, names) for path in self.paths if path in names}
        for name in names:
            told = self.used if name in wanted or name in within else self.unused
            if len(told) < _MOST_NAMES:
                told[name] = None


def _missing(where: str, column: str, field: str, there: list[str]) -> MissingColumnError:
    hint = did_you_mean(column, map(quotable, there)) or "."
    unread = "" if field == "prompt" else f", or read none with `fields: {{{field}: null}}`"
    return MissingColumnError(
        f"{where}: there is no column `{quotable(column)}` (there are {column_names(there)}){hint}",
        f"Name the right one with `fields: {{{field}: COLUMN}}`{unread}.",
    )
