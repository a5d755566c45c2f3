"""Pairs by what their rows say of themselves."""

from __future__ import annotations

from typing import Any

from judgeforge.results.figures import slices
from judgeforge.results.figures.slices import SliceFigures


def pair(metadata: dict[str, Any] | None, confidence: float = 0.75) -> dict[str, Any]:
    found: dict[str, Any] = {
        "confidence": confidence,
        "provenance": {"chosen_id": "a", "rejected_id": "b"},
    }
    return found if metadata is None else {**found, "metadata": metadata}


LABELLED = [{"id": "a", "given": "rejected"}, {"id": "b", "given": "chosen"}]


def test_pairs_are_counted_by_each_key_and_value() -> None:
    figures = SliceFigures()
    figures.add_prompt([pair({"source": "web", "level": 2}, 0.5)], LABELLED, {})
    figures.add_prompt([pair({"source": "web", "level": None}, 1.0)], [], {})
    figures.add_prompt([pair(None)], [], {})
    web = figures.slices["source"]["web"]
    assert (web.pairs, web.confidence, web.labelled, web.as_labelled) == (2, 1.5, 1, 0)
    assert list(figures.slices["level"]) == ["2", slices.NONE]


def test_judges_that_lean_both_ways_are_counted() -> None:
    figures = SliceFigures()
    told = {"one": {("a", "b"): 0.5}, "other": {("a", "b"): -0.5}}
    figures.add_prompt([pair({"source": "web"})], [], told)
    assert figures.slices["source"]["web"].apart == 1


def test_the_largest_come_first_and_too_many_are_counted_together(monkeypatch: Any) -> None:
    monkeypatch.setattr(slices, "_MOST_VALUES", 2)
    figures = SliceFigures()
    for value in ("a", "b", "c", "d"):
        figures.add_prompt([pair({"source": value})], [], {})
    (key, largest, left_out), = figures.largest(2)  # fmt: skip
    assert (key, left_out) == ("source", 1)
    assert [(name, one.pairs) for name, one in largest] == [(slices.OTHERS, 2), ("a", 1)]
