"""The pairs to read as a list that a reader orders and reduces, without a script.

A reduction is an anchor: the address `#only-3` shows some of the pairs, a link leads there, and so
can be kept and sent. An order is a radio button: each pair knows its place in each order, and the
style sheet does the rest. Nothing that rows or models wrote becomes a name of an element: names are
numbers. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from judgeforge.results.figures.shortlist import REASONS
from judgeforge.results.report.finding import Finding
from judgeforge.results.report.shown_pairs import ShownPair, ShownPairs

MOST_FINDINGS = 20
_MOST_MODELS = 6
_NUMBER = re.compile(r"\d{1,12}")
"""In an id: `p9` comes before `p10`."""
ORDERS: tuple[tuple[str, Callable[[ShownPair], tuple[float | str, ...]]], ...] = (
    ("as picked", lambda _: ()),
    ("least sure first", lambda pair: (pair.confidence,)),
    ("smallest margin first", lambda pair: (pair.margin,)),
    ("longest first", lambda pair: (-sum(side.characters for side in pair.sides),)),
    ("longest chosen over rejected first", lambda pair: (-_ratio(pair),)),
    ("by id", lambda pair: (_NUMBER.sub(lambda found: found[0].zfill(12), pair.id),)),
)


@dataclass(frozen=True, slots=True)
class Only:
    """Some of the pairs."""

    number: int
    words: str
    pairs: int
    is_in_menu: bool
    """Beside the list; else only a finding leads there."""


@dataclass(frozen=True, slots=True)
class ListedPair:
    pair: ShownPair
    only: tuple[int, ...]
    """The numbers of the reductions that keep it."""
    places: tuple[int, ...]
    """In each order, from 1."""


@dataclass(frozen=True, slots=True)
class ListedFinding:
    level: str
    text: str
    advice: str
    only: Only | None
    """Its pairs, as far as any is shown."""
    section: str
    """Where its numbers are, else."""


@dataclass(frozen=True, slots=True)
class PairList:
    pairs: tuple[ListedPair, ...]
    left_out: int
    draws_pictures: bool
    only: tuple[Only, ...]
    orders: tuple[str, ...]
    findings: tuple[ListedFinding, ...]


def listed(shown: ShownPairs, findings: Sequence[Finding]) -> PairList:
    """``findings``: the most important first; the page has the first of them."""
    wanted = list(_menu(shown.pairs))
    leads_to: list[int | None] = []
    for finding in findings[:MOST_FINDINGS]:
        marks = frozenset(finding.about)
        kept = [not marks.isdisjoint(pair.marks) for pair in shown.pairs]
        leads_to.append(len(wanted) if any(kept) else None)
        if any(kept):
            wanted.append((finding.text, kept, False))
    only = tuple(
        Only(number, words, sum(kept), is_in_menu)
        for number, (words, kept, is_in_menu) in enumerate(wanted)
    )
    return PairList(
        pairs=tuple(_pairs(shown.pairs, [kept for _, kept, _ in wanted])),
        left_out=shown.left_out,
        draws_pictures=shown.draws_pictures,
        only=only,
        orders=tuple(name for name, _ in ORDERS),
        findings=tuple(
            ListedFinding(
                one.level, one.text, one.advice, None if at is None else only[at], one.section
            )
            for one, at in zip(findings, leads_to, strict=False)
        ),
    )


def _menu(pairs: Sequence[ShownPair]) -> Iterator[tuple[str, list[bool], bool]]:
    """The reasons for which pairs are shown, and the models of chosen."""
    for reason in REASONS:
        kept = [reason in pair.reasons for pair in pairs]
        if any(kept) and not all(kept):
            yield reason, kept, True
    models = dict.fromkeys(pair.sides[0].model for pair in pairs)
    if 1 < len(models) <= _MOST_MODELS:
        for model in sorted(models):
            yield f"chosen by {model}", [pair.sides[0].model == model for pair in pairs], True


def _pairs(pairs: Sequence[ShownPair], reductions: Sequence[list[bool]]) -> Iterator[ListedPair]:
    places: list[list[int]] = []
    for _, key in ORDERS:
        ranked = sorted(range(len(pairs)), key=lambda place: key(pairs[place]))
        at = {place: rank for rank, place in enumerate(ranked, 1)}
        places.append([at[place] for place in range(len(pairs))])
    for place, pair in enumerate(pairs):
        only = tuple(number for number, kept in enumerate(reductions) if kept[place])
        yield ListedPair(pair, only, tuple(each[place] for each in places))


def _ratio(pair: ShownPair) -> float:
    chosen, rejected = pair.sides
    return chosen.characters / max(1, rejected.characters)
