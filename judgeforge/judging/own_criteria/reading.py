"""A row's `criteria` -> criteria, or what is wrong with them.

Read are the criteria of a rubric file, a bare text (a yes/no question, yes is good), and the items
of published sets: a statement that is to be true of the answer (``description`` or ``criterion``),
with ``title`` as its name and ``points`` as its weight.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from judgeforge.judging.rubric import FROM_METADATA, Criterion
from judgeforge.text.wording import as_clause, counted, did_you_mean, listed, shortened

MOST_CRITERIA = 50
LONGEST_TEXT = 4000
"""Characters of a question, a level or a check."""
STATEMENT = "Is this true of the answer? {}"
_STATEMENTS = ("description", "criterion")
_OTHER_NAMES = {"title": "name", "points": "weight"}
_LEFT_OUT = frozenset({"tags"})
"""Says nothing about an answer."""
_KNOWN = (*Criterion.model_fields, *_STATEMENTS, *_OTHER_NAMES, *_LEFT_OUT)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class OwnCriteria:
    """Of one row."""

    criteria: tuple[Criterion, ...]
    judges_can_decide: bool = True
    """Whether a judge is asked of something, where checks leave an answer undecided."""

    @property
    def text(self) -> str:
        """Canonical JSON, which `read_criteria` reads."""
        rows = [one.model_dump(mode="json", exclude_defaults=True) for one in self.criteria]
        return json.dumps(rows, ensure_ascii=False, sort_keys=True)

    @property
    def needs_reference(self) -> str | None:
        """The first check that compares the answer with the row's reference."""
        # What decides where it can, and leaves the rest to judges, is not a reason to skip the row.
        judges = self.judges_can_decide
        stated = [one for one in self.criteria if not (judges and one.decides_alone)]
        checks = (check for one in stated for check in one.own_checks)
        return next((check.name for check in checks if check.needs_reference), None)


def read_criteria(value: object, *, taken: Iterable[str] = ()) -> OwnCriteria | None:
    """None where a row has none. ``taken``: names that its criteria must not have, since others
    that are judged beside them do. Raises ValueError that says which one is wrong, and how."""
    if isinstance(value, str):
        value = _from_json(value)
    if value is None or value in ([], ""):
        return None
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise ValueError(f"must be a list of criteria, not {shortened(repr(value), 60)}")
    if len(value) > MOST_CRITERIA:
        raise ValueError(f"there are {len(value)}; at most {MOST_CRITERIA} can be judged at once")
    names = set(taken)
    criteria = list[Criterion]()
    for number, item in enumerate(value, start=1):
        criteria.append(_criterion(item, number, names))
        names.add(criteria[-1].name)
    return OwnCriteria(tuple(criteria))


def _from_json(text: str) -> object:
    """Tables keep lists as JSON text."""
    if not text.strip():
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(
            f"must be a list of criteria, or JSON text of one, not the text {shortened(text, 40)!r}"
        ) from None


def _criterion(item: object, number: int, taken: set[str]) -> Criterion:
    what = f"criterion {number}"
    fields = {"yes_no": item} if isinstance(item, str) else _fields(item, what)
    named = "name" in fields
    if not named:
        fields["name"] = _free_name(f"own_{number}", taken)
    try:
        # JSON has no tuples, so that strict mode takes what a row can have.
        found = Criterion.model_validate_json(json.dumps(fields), strict=True)
    except ValidationError as error:
        raise ValueError(f"{what}{_place(error)}: {_problem(error)}") from None
    except (TypeError, ValueError) as error:
        raise ValueError(f"{what}: {error}") from None
    if found.name in taken:
        raise ValueError(
            f"{what}: another criterion that is judged with it is called `{found.name}` too; give "
            "it another name"
        )
    if found.metadata_key is not None:
        raise ValueError(f"{what}: `{FROM_METADATA}` is for rubric files; state the checks here")
    for check in found.own_checks:
        if check.kind.only_in_rubrics:
            raise ValueError(f"{what}: check `{check.name}` is for rubrics only: a row is data")
    _refuse_odd_texts(found, what)
    return found


def _fields(item: object, what: str) -> dict[str, Any]:
    if not isinstance(item, Mapping):
        raise ValueError(f"{what}: must be an object or a text, not {shortened(repr(item), 40)}")
    # A table has all columns for all rows, and null where there is nothing.
    given = {str(key): value for key, value in item.items() if value is not None}
    for key in given:
        if key not in _KNOWN:
            hint = did_you_mean(key, _KNOWN)
            allowed = "" if hint else f"; it takes {listed(_KNOWN, len(_KNOWN))}"
            raise ValueError(f"{what}: unknown key `{shortened(key, 40)}`{allowed}{hint}")
    found = {key: value for key, value in given.items() if key in Criterion.model_fields}
    for theirs, ours in _OTHER_NAMES.items():
        if theirs in given:
            if ours in found:
                raise ValueError(f"{what}: has `{theirs}` and `{ours}`; take one of them out")
            found[ours] = _slug(given[theirs]) if ours == "name" else given[theirs]
    statements = [given[key] for key in _STATEMENTS if key in given]
    if statements:
        found["yes_no"] = _question_of(statements, found, what)
    return {key: value for key, value in found.items() if value is not None}


def _question_of(statements: Sequence[object], found: Mapping[str, Any], what: str) -> str:
    """What is to be true of an answer, as a question."""
    if len(statements) > 1 or not {"yes_no", "levels", "check"}.isdisjoint(found):
        raise ValueError(f"{what}: is asked in several ways; leave one of them")
    statement = statements[0]
    if not isinstance(statement, str) or not statement.strip():
        raise ValueError(f"{what}: a statement must be a text that is not empty")
    return STATEMENT.format(statement.strip())


def _slug(title: object) -> str | None:
    """A title as a plain word; None where nothing of it can be one."""
    words = re.sub(r"[^a-z0-9]+", "_", str(title).lower()).strip("_")[:64].rstrip("_")
    return words if words and words[0].isalpha() else None


def _free_name(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _place(error: ValidationError) -> str:
    place = ".".join(map(str, error.errors(include_url=False)[0]["loc"]))
    return f", `{place}`" if place else ""


def _problem(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    return as_clause(first["msg"].removeprefix("Value error, "))


def _refuse_odd_texts(criterion: Criterion, what: str) -> None:
    texts = [criterion.question or "", criterion.yes_no or "", *(criterion.levels or ())]
    texts.append(json.dumps(criterion.check, ensure_ascii=False) if criterion.check else "")
    for text in texts:
        if len(text) > LONGEST_TEXT:
            length = counted(len(text), "character")
            raise ValueError(f"{what}: a text of {length}; at most {LONGEST_TEXT} are read")
        if odd := _CONTROL.search(text):
            raise ValueError(f"{what}: contains the character U+{ord(odd.group()):04X}; remove it")
