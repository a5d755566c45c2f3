"""`judgeforge label --compare`: how far several people agree, and their labels as one file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from judgeforge.errors import ConfigError, InputError
from judgeforge.runs.labelling.label_file import SUFFIX
from judgeforge.runs.labelling.label_line import Given, given_in, parsed
from judgeforge.runs.labelling.people import Comparison, compare_people
from judgeforge.runs.measurement.label_rows import SIDES, TIE
from judgeforge.store.atomic_files import chosen_place, make_folder, read_error, replacing

_OF_ONE = frozenset({"label", "verdict", "best", "judge", "took_s", "at", "cannot_tell", "ranking"})
"""Columns of one person's answer."""

Rows = list[tuple[Given, Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Together:
    comparison: Comparison
    file: Path | None
    rows: int
    """Written to ``file``."""


def compare(files: Sequence[Path], to: Path | None = None) -> Together:
    """``to``: a file for `calibrate` and `evaluate`, with what each person said of each question.

    Raises ConfigError for a wrong command, InputError for a file that cannot be read or has no
    answers of `judgeforge label`.
    """
    if len(files) < 2:
        raise ConfigError("--compare needs the files of two people or more")
    by_person: dict[str, Rows] = {}
    for file in files:
        rows = read_answers(file)
        judge = rows[0][0].judge
        if judge in by_person:
            raise InputError(
                f"{file}: is by {judge}, as an earlier one is; each person has a name of its own "
                "(`judgeforge label --name`)"
            )
        by_person[judge] = rows
    found = compare_people({name: [one for one, _ in rows] for name, rows in by_person.items()})
    if to is None:
        return Together(found, None, 0)
    return Together(found, to, _write(to, list(by_person.values())))


def read_answers(file: Path) -> Rows:
    """Of one person, in the order of the file. Raises InputError."""
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        raise InputError(str(read_error(file, error))) from error
    found: Rows = []
    for number, line in enumerate(lines, start=1):
        try:
            row = parsed(line) if line.strip() else {}
        except ValueError as error:
            raise InputError(f"{file}:{number}: is not a line of labels ({error})") from None
        if (given := given_in(row)) is not None:
            found.append((given, row))
    if not found:
        raise InputError(f"{file}: has no answers that `judgeforge label` wrote")
    return found


def _write(to: Path, people: Sequence[Rows]) -> int:
    if to.suffix != SUFFIX:
        raise ConfigError(f"{to}: labels are JSON lines; name it {to.with_suffix(SUFFIX).name}")
    if to.exists():
        raise ConfigError(f"{to} is there already, and nothing is replaced; give another --to")
    rows = _together(people)
    with chosen_place(to):
        make_folder(to.parent)
        with replacing(to) as file:
            for row in rows:
                file.write(json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogatepass"))
                file.write(b"\n")
    return len(rows)


def _together(people: Sequence[Rows]) -> list[dict[str, Any]]:
    """A row for each question, with its sides as the first person saw them."""
    found: dict[tuple[str, frozenset[str]], tuple[Given, dict[str, Any]]] = {}
    for rows in people:
        for given, row in rows:
            if not given.is_label:
                continue
            key = (given.prompt_id, frozenset(given.shown))
            rest = {name: value for name, value in row.items() if name not in _OF_ONE}
            first, joined = found.setdefault(key, (given, {**rest, "labels": []}))
            joined["labels"].append(_said(given, first.shown))
    return [row for _, row in found.values()]


def _said(given: Given, shown: Sequence[str]) -> str | int:
    """As `labels` has it, by the sides of ``shown``."""
    if given.preferred is None:
        return TIE
    place = shown.index(given.preferred)
    return SIDES[place] if len(shown) == len(SIDES) else place
