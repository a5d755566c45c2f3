"""What is so of a pair that a finding may speak of: each as a mark, so that the finding can lead to
some of the pairs it was made from. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from judgeforge.results.figures.completions import FINISHED
from judgeforge.results.figures.criteria import LEAST_DIFFERENCE
from judgeforge.results.figures.judges import Preferences, preference
from judgeforge.results.figures.pairs import is_unmeasured, text_length
from judgeforge.store.evidence_rows import completion_facts

Mark = tuple[str, ...]
"""A kind, and whom or what it is about."""
Row = Mapping[str, Any]

LONGER, SHORTER, UNSURE, NARROW = ("longer",), ("shorter",), ("unsure",), ("narrow",)
SIGN, TWIN, FLIPPED, UNJUDGED = ("sign",), ("twin",), ("flipped",), ("unjudged",)
WON, WRITERS, SILENT, APART, FIRST, SECOND = "won", "writers", "silent", "apart", "first", "second"
FOR, AGAINST, EQUAL, UNFINISHED, CUT = "for", "against", "equal", "unfinished", "cut"
ANSWERED, OWN_FAMILY = "answered", "own_family"
WRITER, JUDGE = "model", "judge"
UNSURE_BELOW, NARROW_BELOW = 0.8, 0.1


def marks_of(
    pair: Row,
    completions: Iterable[Row],
    judgments: Sequence[Row],
    told: Mapping[str, Preferences],
    criteria: Mapping[str, tuple[float, float]],
) -> set[Mark]:
    """``told``: what each judge of the prompt prefers. ``criteria``: the mean of each for chosen
    and for rejected. The rows may be of all completions of the prompt."""
    source = pair["provenance"]
    sides = (str(source["chosen_id"]), str(source["rejected_id"]))
    found = set(_of_pair(pair))
    found.update(_of_judges(told, sides))
    found.update(_of_criteria(criteria))
    for row in completions:
        if row["id"] in sides or row.get("duplicate_of") in sides:
            found.update(_of_completion(row, is_chosen=row["id"] == sides[0]))
    for row in judgments:
        if not set(sides).isdisjoint(row["completion_ids"]):
            found.update(_of_judgment(row, sides))
    return found


def _of_pair(pair: Row) -> Iterator[Mark]:
    chosen, rejected = text_length(pair["chosen"]), text_length(pair["rejected"])
    if chosen != rejected:
        yield LONGER if chosen > rejected else SHORTER
    if pair["confidence"] < UNSURE_BELOW:
        yield UNSURE
    if pair["score_margin"] < NARROW_BELOW:
        yield NARROW
    if is_unmeasured(pair):
        yield UNJUDGED
    writers = (str(pair["chosen_model"]), str(pair["rejected_model"]))
    if writers[0] != writers[1]:
        yield (WON, writers[0])
        yield (WRITERS, *writers)


def _of_judges(told: Mapping[str, Preferences], sides: tuple[str, str]) -> Iterator[Mark]:
    leans = {name: preference(each, *sides) for name, each in told.items()}
    for one, other in combinations(sorted(leans), 2):
        if (leans[one] or 0.0) * (leans[other] or 0.0) < 0:
            yield (APART, one, other)


def _of_criteria(criteria: Mapping[str, tuple[float, float]]) -> Iterator[Mark]:
    for name, (chosen, rejected) in criteria.items():
        if abs(chosen - rejected) < LEAST_DIFFERENCE:
            yield (EQUAL, name)
        else:
            yield (FOR if chosen > rejected else AGAINST, name)


def _of_completion(row: Row, *, is_chosen: bool) -> Iterator[Mark]:
    told, model = completion_facts(row), str(row["model"])
    if told["signs"]:
        yield SIGN
    if told["duplicate_of"] is not None:
        yield TWIN
    if row.get("finish") not in FINISHED:
        yield (UNFINISHED, model)
    if is_chosen and row.get("given") == "rejected":
        yield FLIPPED
    yield from _of_answer(row, WRITER, model)


def _of_judgment(row: Row, sides: tuple[str, str]) -> Iterator[Mark]:
    judge = str(row["judge"])
    if row.get("missing"):
        yield (SILENT, judge)
    elif row.get("verdict") in ("a", "b") and set(row["completion_ids"]) == set(sides):
        yield (FIRST if row["verdict"] == "a" else SECOND, judge)
    if row.get("own_family"):
        yield (OWN_FAMILY, judge)
    yield from _of_answer(row, JUDGE, judge)


def _of_answer(row: Row, who: str, name: str) -> Iterator[Mark]:
    if answered := row.get("answered_model"):
        yield (ANSWERED, who, name, str(answered))
    if row.get("input_tokens_read") is not None:
        yield (CUT, who, name)
