"""Values within a column, named by a path: ``reward_model.ground_truth``, ``ground_truth.0``.

A step is a key of an object or a place in a list, from 0; a text of JSON (or of Python's form of
it) is read as what it says. A column that is itself called so comes first.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from judgeforge.inputs.literals import python_value
from judgeforge.inputs.rows import RawRow

_STEP = "."


def paths_among(names: Iterable[str]) -> tuple[str, ...]:
    """The names that may be paths, each once."""
    return tuple(dict.fromkeys(name for name in names if _STEP in name))


def begins_in(path: str, columns: Collection[str]) -> str | None:
    """The column that a path leads into, that with the longest name; None where there is none."""
    ends = (at for at in range(len(path) - 1, 0, -1) if path[at] == _STEP)
    return next((path[:at] for at in ends if path[:at] in columns), None)


def value_at(columns: Mapping[str, Any], path: str) -> Any:  # noqa: ANN401 (whatever is there)
    """Raises KeyError where nothing is there."""
    if path in columns:
        return columns[path]
    column = begins_in(path, columns)
    if column is None:
        raise KeyError(path)
    value, rest = _read(columns[column]), path[len(column) + 1 :]
    if isinstance(value, Mapping):
        return value_at(value, rest)
    place = rest.partition(_STEP)[0]
    if isinstance(value, list | tuple) and place.isdecimal() and int(place) < len(value):
        return value_at({place: value[int(place)]}, rest)
    raise KeyError(path)


def with_values(row: RawRow, paths: Iterable[str]) -> RawRow:
    """The row with a column for each path that leads to something."""
    found = {}
    for path in paths:
        try:
            found[path] = value_at(row.columns, path)
        except KeyError:
            continue
    return replace(row, columns={**row.columns, **found}) if found else row


def _read(value: object) -> object:
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[")):
        return value
    read: object = value
    with suppress(ValueError, RecursionError):
        read = json.loads(value)
    with suppress(ValueError):
        read = python_value(value) if read is value else read
    return read
