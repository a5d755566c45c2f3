"""Label files: rows of a prompt, its completions and what people say about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from pathlib import Path
from typing import Any

from judgeforge.calibration.labels import Agreement, Label, LabelKind, agreement
from judgeforge.config.run import Fields, PromptsConfig
from judgeforge.errors import InputError
from judgeforge.inputs.duplicates import SeenRows
from judgeforge.inputs.lines import from_json_text, parse_json
from judgeforge.inputs.noticed import Reading
from judgeforge.inputs.reading import read_input_rows
from judgeforge.inputs.row_checks import RowChecks, check_length, check_row
from judgeforge.inputs.rows import (
    BadRow,
    RawRow,
    RowProblemError,
    bad,
    column_names,
    kind_of,
)
from judgeforge.inputs.source_columns import MissingColumnError, SourceColumns
from judgeforge.records import Prompt, Skip
from judgeforge.runs.measurement.preference_labels import as_label, label_columns
from judgeforge.store.pictures import with_pictures_as_data
from judgeforge.text.tool_calls import said_text
from judgeforge.text.visible import quotable

_RENAME = "Rename the column: label files have fixed names (`fields:` is for prompts only)."
SIDES = ("a", "b")
TIE = "tie"
CANNOT_TELL = "cannot_tell"
"""Of a row whose person could not tell: true. Such a row is not a label."""
OTHERS = "others"
"""Of a row of two completions: those of the same prompt that are not labelled. The two are then
judged among them, as they were when they were picked as best and worst."""
PLACES = "places"
"""Beside ``others``: where a and b stand among all completions of the prompt, counted from 0. In
the order of the run, judges of single answers are asked what it asked: its cache has that."""
_REPEAT = "repeat"
"""1 or more in a row of a person who was asked the same again: the first answer is the label."""


class _LabelFields(Fields):
    """The columns that are read; a table's other columns are left in the file."""

    a: str = "a"
    b: str = "b"
    label: str = "label"
    labels: str = "labels"
    best: str = "best"
    others: str = OTHERS
    places: str = PLACES
    repeat: str = _REPEAT
    cannot_tell: str = CANNOT_TELL
    provenance: str = "provenance"


@dataclass(frozen=True, slots=True)
class LabelledPrompt:
    prompt: Prompt
    """With its completions, in the order of the row."""
    label: Label
    kind: LabelKind
    people: tuple[str, ...]
    """What each of several people said: places, or "tie"; empty where one label is all."""

    @property
    def texts(self) -> dict[str, str]:
        return {
            completion_id(self.prompt.id, i): said_text(one.text, one.tool_calls)
            for i, one in enumerate(self.prompt.completions)
        }


@dataclass(frozen=True, slots=True)
class LabelFile:
    rows: tuple[LabelledPrompt, ...]
    skips: tuple[Skip, ...]
    kind: LabelKind
    people: Agreement | None
    shown: int = 0
    """Rows that were left out, since judges are shown them as examples."""
    unsure: int = 0
    """Rows whose person could not tell."""
    second_looks: int = 0
    """Rows of a person who was asked the same again; `judgeforge label --compare` reads them."""


def completion_id(prompt_id: str, index: int) -> str:
    """As a run calls the completions that a row brings."""
    return f"{prompt_id}.c{index}"


def read_labels(file: Path, checks: RowChecks, *, among_others: bool = False) -> LabelFile:
    """Rows of ``prompt, a, b, label``, of ``prompt, completions, best``, or of a preference set.

    ``among_others``: with the completions that are not labelled, where a row has some. Each row is
    checked as a prompt is; one that cannot be used is a skip that says why. Raises InputError where
    the file as a whole cannot be read, holds no usable label, or mixes the kinds.
    """
    seen, reading = SeenRows("skip"), Reading(file.parent)
    rows: list[LabelledPrompt] = []
    skips: list[Skip] = []
    unsure = second_looks = 0
    source = label_columns(_LabelFields())
    for row in _rows(file, source):
        if _is_second_look(row):
            second_looks += 1
            continue
        if _is_unsure(row):
            unsure += 1
            continue
        try:
            found = _labelled(row, source, checks, seen, reading, among_others=among_others)
            rows.append(found)
        except RowProblemError as problem:
            rename = "" if problem.unread is None else f". {_RENAME}"
            detail = f"{file}:{row.line}: {problem.problem}{rename}"
            name = f"line-{row.line}"
            skips.append(Skip(prompt_id=name, line=row.line, reason=problem.reason, detail=detail))
    return LabelFile(
        tuple(rows),
        tuple(skips),
        _one_kind(file, rows, skips),
        agreement([r.people for r in rows]),
        unsure=unsure,
        second_looks=second_looks,
    )


def without_shown(labels: LabelFile, is_shown: Callable[[Prompt], bool]) -> LabelFile:
    """Without the rows that judges are shown as examples: nobody is measured on what it was told.

    ``is_shown``: whether a prompt is in any judge's examples.
    """
    rows = tuple(row for row in labels.rows if not is_shown(row.prompt))
    people = agreement([row.people for row in rows])
    return replace(labels, rows=rows, people=people, shown=len(labels.rows) - len(rows))


def _is_second_look(row: RawRow | BadRow) -> bool:
    try:
        return float(row.columns.get(_REPEAT) or 0) >= 1
    except (TypeError, ValueError):  # another column that only has this name
        return False


def _is_unsure(row: RawRow | BadRow) -> bool:
    said = (row.columns.get(name) for name in ("label", "labels", "best"))
    return str(row.columns.get(CANNOT_TELL)).lower() in {"true", "1"} and not any(
        one is not None and one != "" for one in said
    )


def _rows(file: Path, source: SourceColumns) -> Iterator[RawRow | BadRow]:
    try:
        yield from read_input_rows(PromptsConfig(path=file), source)
    except MissingColumnError as error:
        raise InputError(f"{error.problem} {_RENAME}") from None


def _one_kind(file: Path, rows: Sequence[LabelledPrompt], skips: Sequence[Skip]) -> LabelKind:
    if not rows:
        first = f"; the first mistake: {skips[0].detail}" if skips else ""
        raise InputError(f"{file}: has no usable label{first}")
    other = next((row for row in rows if row.kind != rows[0].kind), None)
    if other is not None:
        raise InputError(
            f"{file}:{other.prompt.line}: this row has a label of the kind `{other.kind}`, line "
            f"{rows[0].prompt.line} one of `{rows[0].kind}`; give each kind a file of its own"
        )
    return rows[0].kind


def _labelled(
    row: RawRow | BadRow,
    source: SourceColumns,
    checks: RowChecks,
    seen: SeenRows,
    reading: Reading,
    *,
    among_others: bool,
) -> LabelledPrompt:
    if isinstance(row, BadRow):
        raise RowProblemError(row.reason, row.detail)
    columns = dict(as_label(row, source))
    if "prompt" not in columns:
        bad(f"there is no `prompt`; the row has {column_names(columns)}. {_RENAME}")
    kind: LabelKind = "pair" if columns.get("a") is not None else "best"
    places: tuple[int, ...] = ()
    if kind == "pair":
        if columns.get("b") is None:
            bad("the row has `a` and no `b`")
        others = _others(columns.get(OTHERS)) if among_others else []
        places = _places(columns.get(PLACES), len(SIDES) + len(others)) if others else (0, 1)
        columns["completions"] = _in_order([columns[side] for side in SIDES], others, places)
    elif columns.get("completions") is None:
        bad("the row has neither `a` and `b` nor `completions`, nor `chosen` and `rejected`")
    checked = check_row(RawRow(row.line, columns), Fields(), checks, reading)
    number = checked.number_of_completions
    people = tuple(_said(one, kind, number) for one in _people(columns.get("labels")))
    key = "label" if kind == "pair" else "best"
    if columns.get(key) is not None:
        said = _said(columns[key], kind, number)
    elif people:
        said = _majority(people)
    else:
        bad(f"the row has no `{key}`")
    prompt, _ = seen.admit(checked)
    check_length(prompt, checks)
    return LabelledPrompt(prompt, _label(prompt.id, said, number, places), kind, people)


def _in_order(
    sides: Sequence[object], others: Sequence[object], places: Sequence[int]
) -> list[object]:
    found = list(others)
    for place, side in sorted(zip(places, sides, strict=True), key=itemgetter(0)):
        found.insert(place, side)
    return found


def _places(value: object, number: int) -> tuple[int, ...]:
    """Of a and b; first and second where the row does not say."""
    if value is None or value == "":
        return (0, 1)
    found = from_json_text(value, PLACES)
    places = [one for one in found if type(one) is int] if isinstance(found, list) else []
    is_right = places == found and len(places) == len({*places} & {*range(number)}) == len(SIDES)
    if not is_right:
        bad(f"`{PLACES}` must be two different numbers from 0 to {number - 1}: where a and b stand")
    return tuple(places)


def _others(value: object) -> list[object]:
    if value is None or value == "":
        return []
    found = from_json_text(value, OTHERS)
    if not isinstance(found, list):
        bad(f"`{OTHERS}` must be a list of completions; found {kind_of(found)}")
    return found


def _people(value: object) -> Sequence[object]:
    """A list in a JSON row, its text in a table's cell."""
    if value is None:
        return ()
    if isinstance(value, str):
        try:
            value = parse_json(value)
        except ValueError:
            bad("`labels` must be a list: what each person says")
    if not isinstance(value, list):
        bad(f"`labels` must be a list: what each person says; found {kind_of(value)}")
    return value


def _said(value: object, kind: LabelKind, number: int) -> str:
    """The place of the completion as text, or "tie"."""
    if kind == "pair":
        if value not in (*SIDES, TIE):
            found = f"`{quotable(value)}`" if isinstance(value, str) else kind_of(value)
            bad(f"a label must be a, b or tie; found {found}")
        return TIE if value == TIE else str(SIDES.index(str(value)))
    place = int(value) if isinstance(value, str) and value.isdecimal() else value
    if isinstance(place, bool) or not isinstance(place, int) or not 0 <= place < number:
        found = str(value) if isinstance(value, int | str) else kind_of(value)
        bad(
            f"`best` must be the number of the best completion, 0 to {number - 1}; "
            f"found {quotable(found)}"
        )
    return str(place)


def _majority(people: Sequence[str]) -> str:
    """What most people say; a tie where two answers are equally frequent."""
    (first, most), *others = Counter(people).most_common()
    return TIE if others and others[0][1] == most else first


def _label(prompt_id: str, said: str, number: int, places: Sequence[int]) -> Label:
    """``places``: of a and b, empty where the best of all is labelled."""
    ids = [completion_id(prompt_id, i) for i in places or range(number)]
    if said == TIE:
        return Label.tie(prompt_id, ids)
    if len(ids) == number:
        return Label.of(prompt_id, ids[int(said)])
    # Among others both are named, so that it is known which two were compared.
    return Label(
        prompt_id=prompt_id, parts={one: float(ids.index(one) == int(said)) for one in ids}
    )


def as_row(row: LabelledPrompt) -> Mapping[str, Any]:
    """The prompt as an input row, from which a run reads the same id and completions.

    Its pictures are data: those of files are named from the folder of the label file.
    """
    prompt = row.prompt
    found: dict[str, Any] = {
        "id": prompt.id,
        "prompt": [each.model_dump() for each in with_pictures_as_data(prompt.messages)],
        "completions": [one.model_dump(exclude_none=True) for one in prompt.completions],
    }
    if prompt.reference is not None:
        found["reference"] = prompt.reference
    if prompt.metadata:
        found["metadata"] = prompt.metadata
    if prompt.tools is not None:
        found["tools"] = prompt.tools
    if prompt.criteria is not None:
        found["criteria"] = prompt.criteria
    return found
