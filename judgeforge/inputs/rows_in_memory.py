"""Rows that a program holds in memory -> lines of a JSONL file, as a file would have them."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import IO, Any

from judgeforge.errors import InputError
from judgeforge.inputs.hugging_face import as_stored
from judgeforge.inputs.rows import kind_of
from judgeforge.store.pictures import PictureError, picture_of
from judgeforge.text.visible import quotable
from judgeforge.text.wording import found

_ROWS = "rows (mappings or texts), a datasets.Dataset or a DataFrame"
_DEEPEST = 200
_SCALARS = str | int | float | None


def write_rows(rows: object, file: IO[bytes], *, text_column: str) -> int:
    """Write each row as a line, in order; returns how many there were.

    A row is a mapping, or a text, which then stands in ``text_column``. Numbers and arrays of numpy
    become those of JSON. Raises TypeError where ``rows`` are no rows at all, InputError with the
    number of a row that JSON has no form for, and where there is none.
    """
    number = 0
    for number, row in enumerate(_in_order(rows), start=1):
        file.write(_line(number, {text_column: row} if isinstance(row, str) else row))
    if not number:
        raise InputError(
            "`prompts` has no rows; give at least one (a generator gives its rows only once)"
        )
    return number


def _in_order(rows: Any) -> Iterable[object]:  # noqa: ANN401 (whatever a program holds rows in)
    """By what a kind of table is known by, so that none of their libraries is needed."""
    if isinstance(rows, str | bytes | os.PathLike):
        advice = '`overrides={"prompts.path": …}` of load_config names a file'
        raise TypeError(f"prompts must be {_ROWS}, not {found(rows)}; {advice}")
    if isinstance(rows, Mapping):
        advice = 'name one of several splits (data["train"]), and put a single row into a list'
        raise TypeError(f"prompts must be {_ROWS}, not {found(rows)}; {advice}")
    if hasattr(rows, "with_format"):  # datasets: as Python's values, whatever it is set to give
        return as_stored(rows).with_format(None)  # type: ignore[no-any-return]
    for name in ("to_dicts", "to_pylist"):  # polars, pyarrow
        if hasattr(rows, name):
            return getattr(rows, name)()  # type: ignore[no-any-return]
    if hasattr(rows, "columns") and hasattr(rows, "to_dict"):
        # pandas has NaN where a row has nothing.
        filled = rows.astype(object).where(rows.notna(), None) if hasattr(rows, "notna") else rows
        return filled.to_dict("records")  # type: ignore[no-any-return]
    if not isinstance(rows, Iterable):
        raise TypeError(f"prompts must be {_ROWS}, not {found(rows)}")
    return rows


def _line(number: int, row: object) -> bytes:
    if not isinstance(row, Mapping):
        raise InputError(
            f"row {number} of `prompts` is {kind_of(row)}; a row is a mapping, as a line of a "
            "JSONL file has it, or a text"
        )
    columns = dict(row)
    try:
        try:
            return _ENCODER.encode(columns).encode() + b"\n"
        except UnicodeEncodeError:  # half a surrogate pair: a named skip, as in a file
            return _ASCII_ENCODER.encode(columns).encode() + b"\n"
    except (TypeError, ValueError, RecursionError) as error:
        place, problem = _odd(columns, "") or ("", f"cannot be written as JSON ({error})")
        at = f", `{quotable(place)}`," if place else ""
        raise InputError(
            f"row {number} of `prompts`{at} {problem}; give a text, a number, a list or a mapping, "
            "or leave it out"
        ) from None


def _plain(value: object) -> object:
    """Raises TypeError for what JSON has no form for."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, bytes):
        with suppress(PictureError):
            return picture_of(value).data_url
    to_list = getattr(value, "tolist", None)  # numpy, and what follows it
    if to_list is None or isinstance(value, memoryview):
        raise TypeError(type(value).__name__)
    return to_list()


def _odd(value: object, place: str, depth: int = 0) -> tuple[str, str] | None:
    """The first place that JSON has no form for, and what is there; None where all of it has."""
    if isinstance(value, _SCALARS):
        is_odd = isinstance(value, float) and not math.isfinite(value)
        return (place, f"is {value}") if is_odd else None
    if depth > _DEEPEST:
        return place.partition(".")[0], "is nested too deeply, or contains itself"
    if isinstance(value, Mapping | list | tuple):
        return _odd_within(value, place, depth + 1)
    try:
        plain = _plain(value)
    except TypeError:
        plain = value
    if type(plain) is type(value):
        return place, f"is of type {type(value).__name__}, which JSON has no form for"
    return _odd(plain, place, depth + 1)


def _odd_within(
    value: Mapping[Any, object] | Sequence[object], place: str, depth: int
) -> tuple[str, str] | None:
    inner = value.items() if isinstance(value, Mapping) else enumerate(value)
    for at, one in inner:
        if not isinstance(at, _SCALARS):
            return place, f"has a key of type {type(at).__name__}"
        if found_odd := _odd(one, f"{place}.{at}" if place else str(at), depth):
            return found_odd
    return None


# json.dumps with an option builds an encoder for each call.
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=_plain)
_ASCII_ENCODER = json.JSONEncoder(allow_nan=False, default=_plain)
