"""One row of a file of judgments: what it may say, and what is wrong with it. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, NoReturn

from pydantic import ValidationError

from judgeforge.calls.providers.thoughts import answer_and_thought
from judgeforge.judging.judge import judgment_id
from judgeforge.ranking.protocols import is_by_code
from judgeforge.ranking.validation import judgments_of_prompt
from judgeforge.records import Judgment, Question
from judgeforge.text.visible import quotable
from judgeforge.text.wording import first_problem, listed, nearest

ANSWERS = ("verdict", "score", "scores", "best")
"""A row has exactly one of these: which of two is better, how good one is, how good several are, or
which of several is the best."""

_JSON = ("completions", "completion_ids", "scores", "ranking", "probabilities", "criteria")
"""Columns that may be JSON text, as in the cell of a table."""
_BESIDE = ("rationale", "criteria")
_OF_SEVERAL = ("best", "ranking")
_LONGEST_NAME = 80
_PROTOCOLS = {1: "pointwise", 2: "pairwise"}


class VerdictError(ValueError):
    """What is wrong with a row, and what to do."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one judge says in one row. Ids are as the row names them, in the order shown."""

    line: int
    judge: str
    prompt_id: str
    completion_ids: tuple[str, ...]
    texts: tuple[bytes | None, ...]
    """``text_digest`` of what the judge saw, where the row has it."""
    said: Mapping[str, Any]
    """Fields of a Judgment, or ``best``, a place, with ``ranking``, places from the best on."""
    repeat: int = 0

    def judgments(self, names: Sequence[str], weight: float, note: str) -> list[Judgment]:
        """``names``: ids that stand for ``completion_ids``, one by one. Of which is the best, all
        that follows: it is better than each of the others."""
        best = self.said.get("best")
        if best is None:
            return [self._judgment(tuple(names), self.said, weight, note)]
        order = self.said.get("ranking") or (best,)
        rank = {place: number for number, place in enumerate(order)}
        return [
            self._judgment(
                (names[i], names[j]),
                {**self.said, "verdict": "a" if rank.get(i, last) < rank.get(j, last) else "b"},
                weight,
                note,
            )
            for last in [len(order)]
            for i, j in combinations(range(len(names)), 2)
            if i in rank or j in rank
        ]

    def _judgment(
        self, names: tuple[str, ...], said: Mapping[str, Any], weight: float, note: str
    ) -> Judgment:
        question = Question(judge=self.judge, completion_ids=names, repeat=self.repeat)
        fields = {name: value for name, value in said.items() if name not in _OF_SEVERAL}
        listwise = "scores" in fields
        return Judgment(
            id=judgment_id(self.prompt_id, question),
            prompt_id=self.prompt_id,
            completion_ids=names,
            judge=self.judge,
            protocol="listwise" if listwise else _PROTOCOLS[len(names)],
            repeat=self.repeat,
            weight=weight,
            note=note,
            **fields,
        )

    @property
    def digest(self) -> bytes:
        told = [self.judge, self.prompt_id, self.completion_ids, self.said, self.repeat]
        texts = [text and text.hex() for text in self.texts]
        return json.dumps([*told, texts], sort_keys=True).encode()


def text_digest(text: str) -> bytes:
    """White space apart, which programs and tables may change on the way, and thoughts in tags,
    which a run keeps apart from what is judged."""
    answer, _ = answer_and_thought(text, None)
    return hashlib.blake2b(
        " ".join(answer.split()).encode("utf-8", "replace"), digest_size=8
    ).digest()


def read_verdict(line: int, columns: Mapping[str, Any]) -> Verdict | None:
    """None for a row that says nothing: a question without an answer, a judgment that is missing.

    Raises VerdictError.
    """
    row = {name: value for name, value in columns.items() if value is not None and value != ""}
    if "missing" in row:
        return None
    if not any(name in row for name in ANSWERS):
        _refuse_misspelled(row)
        return None
    if is_by_code(str(row.get("protocol"))):
        _wrong(
            f"`{row['protocol']}` is what code found, and the run checks by itself: leave it out"
        )
    row |= {name: _from_json(name, row[name]) for name in _JSON if name in row}
    given = [name for name in ANSWERS if name in row]
    if len(given) > 1:
        _wrong(f"has {' and '.join(f'`{name}`' for name in given)}: give one row for each")
    names, texts = _completions(row)
    said: dict[str, Any] = {name: row[name] for name in _BESIDE if name in row}
    said |= _answer(given[0], row, names)
    verdict = Verdict(
        line=line,
        judge=_judge(row),
        prompt_id=_text(row, "prompt_id"),
        completion_ids=names,
        texts=texts,
        said=said,
        repeat=_whole(row.get("repeat", 0), "repeat"),
    )
    _refuse_unsound(verdict)
    return verdict


def _refuse_misspelled(row: Mapping[str, Any]) -> None:
    """Other columns may stand in a row; an answer under a wrong name would be lost."""
    for name in row.keys() - Judgment.model_fields.keys():
        if meant := nearest(name, ANSWERS):
            _wrong(f"has no answer, but `{quotable(name)}`; did you mean `{meant}`?")


def _judge(row: Mapping[str, Any]) -> str:
    name = _text(row, "judge")
    if len(name) > _LONGEST_NAME or not name.isprintable() or name != name.strip():
        _wrong(f"`judge` must be a short name such as human:ana, and is `{quotable(name)}`")
    return name


def _text(row: Mapping[str, Any], name: str) -> str:
    if name not in row:
        advice = {"judge": "who says so, such as human:ana", "prompt_id": "the id of the prompt"}
        _wrong(f"has no `{name}`; give {advice[name]}")
    value = row[name]
    return value if isinstance(value, str) else str(value)


def _whole(value: object, name: str) -> int:
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        _wrong(f"`{name}` must be a whole number from 0, and is {_shown(value)}")
    return value


def _completions(row: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[bytes | None, ...]]:
    named = row.get("completions", row.get("completion_ids"))
    if not isinstance(named, list) or not named:
        _wrong("has no `completions`; name those it is about by their ids, in the order shown")
    names, texts = [], []
    for one, beside in zip(named, _sides(row, named), strict=True):
        shown = one.get("text") if isinstance(one, Mapping) else beside
        name = one.get("id") if isinstance(one, Mapping) else one
        if not isinstance(name, str):
            _wrong(f"`completions` must be ids or objects with an `id`, found {_shown(one)}")
        names.append(name)
        texts.append(text_digest(shown) if isinstance(shown, str) else None)
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        _wrong(f"names `{quotable(twice)}` twice in `completions`; name each one once")
    return tuple(names), tuple(texts)


def _sides(row: Mapping[str, Any], named: Sequence[object]) -> Sequence[str | None]:
    """Of a label row, which has the texts of two completions under names of their own."""
    if len(named) != 2:
        return [None] * len(named)
    sides = (row.get("a"), row.get("b"))
    texts = [one.get("text") if isinstance(one, Mapping) else one for one in sides]
    return [one if isinstance(one, str) else None for one in texts]


def _answer(kind: str, row: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """The fields that the answer gives a judgment; ``best`` as a place."""
    value = row[kind]
    if kind == "score" and len(names) != 1:
        _wrong(f"has one `score` for {len(names)} `completions`; give `scores`, one for each")
    if kind == "scores":
        if not isinstance(value, list) or len(value) != len(names):
            _wrong(f"`scores` must be {len(names)} numbers, one for each of `completions`")
        return {"score": value[0]} if len(names) == 1 else {"scores": value}
    if kind == "best":
        best = _place(value, names)
        return {"best": best, **_ranking(row.get("ranking"), names, best)}
    if kind == "score":
        return {"score": value}
    if len(names) != 2:
        _wrong(f"`verdict` is about two `completions`, not {len(names)}; give `best` or `scores`")
    if value not in ("a", "b", "tie"):
        _wrong(f"`verdict` must be a (the first one), b or tie, and is {_shown(value)}")
    more = {name: row[name] for name in ("strength", "probabilities") if name in row}
    return {"verdict": value, **more}


def _ranking(value: object, names: Sequence[str], best: int) -> dict[str, Any]:
    """Beside ``best``: ids or places from the best on, as far as they were ranked."""
    if value is None:
        return {}
    if not isinstance(value, list):
        _wrong(f"`ranking` must be a list of the ids, the best first, and is {_shown(value)}")
    places = [_place(one, names) for one in value]
    if places[:1] != [best] or len(set(places)) < len(places):
        _wrong("`ranking` must begin with the `best` and name each completion once")
    return {"ranking": places}


def _place(value: object, names: Sequence[str]) -> int:
    if len(names) < 2:
        _wrong("`best` is about two `completions` or more; give `score` for one")
    if isinstance(value, str) and value in names:
        return names.index(value)
    place = int(value) if isinstance(value, str) and value.isdecimal() else value
    if not isinstance(place, int) or isinstance(place, bool) or not 0 <= place < len(names):
        ids = listed(names, 4)
        _wrong(f"`best` must be one of {ids}, or its place from 0, and is {_shown(value)}")
    return place


def _refuse_unsound(verdict: Verdict) -> None:
    """By the checks of every judgment that a script brings: ranges, and what belongs together."""
    try:
        judgments_of_prompt(verdict.judgments(verdict.completion_ids, 1.0, ""))
    except ValidationError as error:
        raise VerdictError(first_problem(error)) from None
    except ValueError as error:
        raise VerdictError(str(error).partition(": ")[2]) from None


def _from_json(name: str, value: object) -> object:
    """Ids may also stand without brackets and quotes, with commas between them."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        if name not in ("completions", "completion_ids", "ranking"):
            _wrong(f"the JSON in `{name}` cannot be read")
    return [part.strip() for part in value.split(",")]


def _shown(value: object) -> str:
    return f"`{quotable(str(value))}`"


def _wrong(problem: str) -> NoReturn:
    raise VerdictError(problem)
