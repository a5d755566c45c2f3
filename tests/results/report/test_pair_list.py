"""The pairs to read as a list that is ordered and reduced, and how findings lead into it."""

from __future__ import annotations

from typing import Any

import pytest

from judgeforge.results.figures import marks
from judgeforge.results.report.finding import Finding
from judgeforge.results.report.pair_list import MOST_FINDINGS, ORDERS, PairList, listed
from judgeforge.results.report.shown_pairs import ShownPair, ShownPairs, Side


def pair(name: str, lengths: tuple[int, int] = (10, 10), **fields: Any) -> ShownPair:
    model = fields.pop("model", "a")
    usual = {"completion_id": "c", "turns": (), "score": 0.5, "score_sd": None, "p_best": None}
    sides = tuple(
        Side(
            name=side, model=model, characters=length, notes=(), said=(),
            judgments_left_out=0, **usual,
        )
        for side, length in zip(("chosen", "rejected"), lengths, strict=True)
    )  # fmt: skip
    usual_pair = {"reasons": (), "confidence": 0.9, "margin": 0.5, "tools": None}
    rest = {"own_criteria": None, "turns": (), "turns_left_out": 0}
    return ShownPair(id=name, sides=sides, **{**usual_pair, **rest, **fields})  # type: ignore[arg-type]


def list_of(*pairs: ShownPair, findings: tuple[Finding, ...] = ()) -> PairList:
    return listed(ShownPairs(pairs, 0), findings)


def kept(found: PairList, number: int) -> list[str]:
    return [one.pair.id for one in found.pairs if number in one.only]


PAIRS = (
    pair("b", (30, 10), confidence=0.6, margin=0.3),
    pair("c", (50, 50), confidence=0.9, margin=0.1),
    pair("a", (20, 5), confidence=0.7, margin=0.2),
)


@pytest.mark.parametrize(
    ("order", "ids"),
    zip([name for name, _ in ORDERS], ["bca", "bac", "cab", "cba", "abc", "abc"], strict=True),
)
def test_each_order_gives_every_pair_a_place(order: str, ids: str) -> None:
    found = list_of(*PAIRS)
    number = found.orders.index(order)
    in_order = sorted(found.pairs, key=lambda one: one.places[number])
    assert "".join(one.pair.id for one in in_order) == ids


def test_ids_are_ordered_by_the_numbers_in_them() -> None:
    found = list_of(*map(pair, ("p10.p0", "p9.p0", "p9.p10", "p9.p2")))
    in_order = sorted(found.pairs, key=lambda one: one.places[-1])
    assert [one.pair.id for one in in_order] == ["p9.p0", "p9.p2", "p9.p10", "p10.p0"]


def test_reasons_and_models_of_chosen_reduce_the_list() -> None:
    found = list_of(
        pair("a", reasons=("least sure",)),
        pair("b", reasons=("least sure", "longest"), model="b"),
        pair("c", model="b"),
    )
    menu = {one.words: (one.pairs, kept(found, one.number)) for one in found.only}
    assert menu == {
        "least sure": (2, ["a", "b"]),
        "longest": (1, ["b"]),
        "chosen by a": (1, ["a"]),
        "chosen by b": (2, ["b", "c"]),
    }
    assert all(one.is_in_menu for one in found.only)


def test_what_is_so_of_all_pairs_reduces_nothing_and_is_not_offered() -> None:
    assert list_of(*(pair(name, reasons=("longest",)) for name in "ab")).only == ()


def test_a_finding_leads_to_the_pairs_that_it_speaks_of() -> None:
    about = Finding("look", "longer.", "advice", about=(marks.LONGER,))
    found = list_of(pair("a", marks=frozenset({marks.LONGER})), pair("b"), findings=(about,))
    (finding,) = found.findings
    assert finding.only is not None
    assert (finding.only.words, finding.only.pairs) == ("longer.", 1)
    assert kept(found, finding.only.number) == ["a"]
    assert not finding.only.is_in_menu


def test_a_finding_of_several_marks_leads_to_the_pairs_of_each() -> None:
    names = tuple((marks.ANSWERED, marks.JUDGE, "x", said) for said in ("y", "z"))
    about = Finding("look", "others.", "advice", about=names)
    found = list_of(
        *(pair(mark[-1], marks=frozenset({mark})) for mark in names), pair("c"), findings=(about,)
    )
    (finding,) = found.findings
    assert finding.only is not None
    assert kept(found, finding.only.number) == ["y", "z"]


def test_a_finding_none_of_whose_pairs_is_shown_leads_to_its_numbers() -> None:
    about = Finding("look", "longer.", "advice", about=(marks.LONGER,), section="pairs")
    (finding,) = list_of(pair("a"), findings=(about,)).findings
    assert (finding.only, finding.section) == (None, "pairs")


def test_the_page_has_so_many_findings_only() -> None:
    many = tuple(Finding("note", f"{n}.", "", about=(marks.NARROW,)) for n in range(50))
    found = list_of(pair("a", marks=frozenset({marks.NARROW})), findings=many)
    assert len(found.findings) == MOST_FINDINGS
    assert len(found.only) == MOST_FINDINGS
