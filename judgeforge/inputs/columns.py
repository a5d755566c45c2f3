"""Which columns a source has, and whether those that `fields:` names are among them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from judgeforge.config.run import Fields
from judgeforge.errors import InputError
from judgeforge.inputs.raw import BadRow, RawRow, shown
from judgeforge.text.wording import nearest

_SHOWN_COLUMNS = 12


class MissingColumnError(InputError):
    """A source lacks a column; ``problem`` is the message without what to do about it."""

    def __init__(self, problem: str, advice: str) -> None:
        self.problem = problem
        super().__init__(f"{problem} {advice}")


def listed(names: Iterable[str]) -> str:
    """The names for a message: ``a, b, c``."""
    first = [shown(str(name)) for name in islice(names, _SHOWN_COLUMNS + 1)]
    if not first:
        return "no columns"
    return ", ".join(first[:_SHOWN_COLUMNS] + ["…"] * (len(first) > _SHOWN_COLUMNS))


def named(fields: Fields) -> dict[str, str]:
    """Column -> field, for the fields that the configuration sets itself."""
    return {getattr(fields, field): field for field in sorted(fields.model_fields_set)}


def require_columns(where: str, fields: Fields, names: Iterable[str]) -> list[str]:
    """The columns of a table that are read; the prompt and those that `fields:` names must exist.

    Raises InputError.
    """
    there = list(names)
    for column, field in {fields.prompt: "prompt", **named(fields)}.items():
        if column not in there:
            raise _missing(where, column, field, there)
    return [column for column in dict.fromkeys(fields.model_dump().values()) if column in there]


def watch_columns(
    rows: Iterable[RawRow | BadRow], where: str, fields: Fields
) -> Iterator[RawRow | BadRow]:
    """Pass on the rows of a source without a header.

    Raises InputError at the end, if a column that `fields:` names was in no row at all.
    """
    unseen = named(fields)
    columns: list[str] | None = None
    for row in rows:
        if unseen and isinstance(row, RawRow):
            columns = columns or list(islice(row.columns, _SHOWN_COLUMNS + 1))
            unseen = {name: field for name, field in unseen.items() if name not in row.columns}
        yield row
    if unseen and columns is not None:
        column, field = next(iter(unseen.items()))
        raise _missing(where, column, field, columns)


def _missing(where: str, column: str, field: str, there: list[str]) -> MissingColumnError:
    close = nearest(column, there)
    hint = f"; did you mean `{shown(close)}`?" if close else "."
    return MissingColumnError(
        f"{where}: there is no column `{shown(column)}` (there are {listed(there)}){hint}",
        f"Name the right one with `fields: {{{field}: COLUMN}}`.",
    )
