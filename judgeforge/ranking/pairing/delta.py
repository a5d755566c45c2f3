"""Pairs by design: a strong writer's completion over a weak one's, without a judgment. Pure.

Which of two models writes better can be known where which of two answers is better is not: pairs of
a strong and a weak model train as well as judged ones, and both together best (OLMo 3, arXiv
2512.13961, 4.3.1 and 5.3; "delta learning", arXiv 2507.06187). How often the strong one really is
better is measured on a random share of the prompts, the audit: there the two completions that make
the pair are judged like any others, and what comes of it is the probability of all the other pairs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence

from judgeforge.ranking.pairing.length_limits import Tokens, length_limits
from judgeforge.ranking.pairing.sides import Sides, why_no_sides
from judgeforge.ranking.ranking import Ranking
from judgeforge.ranking.rules import PairingRules
from judgeforge.records import Completion, SkipReason
from judgeforge.text.messages import Record

STRATEGY = "delta"
"""Its name, as pairs and configurations have it."""


class DesignedPair(Record):
    """Two completions by id, or why a prompt has none."""

    chosen_id: str = ""
    rejected_id: str = ""
    reason: SkipReason | None = None
    detail: str | None = None

    @property
    def ids(self) -> tuple[str, str]:
        return self.chosen_id, self.rejected_id


def is_audited(rules: PairingRules, prompt_id: str) -> bool:
    """Drawn by the seed and the prompt's id alone, so that any start draws the same."""
    drawn = f"{rules.seed}/audit/{prompt_id}".encode("utf-8", "surrogatepass")
    place = int.from_bytes(hashlib.sha256(drawn).digest()[:8], "big") / 2**64
    return place < (rules.audit or 0.0)


def designed_pair(
    ids: Sequence[str],
    rules: PairingRules,
    *,
    writers: Mapping[str, str],
    texts: Mapping[str, str],
    not_chosen: Collection[str] = (),
    alike: Collection[frozenset[str]] = (),
    slice_of: object = None,
    tokens: Tokens | None = None,
) -> DesignedPair:
    """The first pair, in the order of ``ids``, that keeps the limits of length.

    ``not_chosen``: ids of those that may be rejected only. ``alike``: ids of two that are nearly
    the same. What judges would say plays no part:
    audited prompts have the pair that they would have had without a judge.
    """
    chosen, rejected = rules.writers("chosen_from"), rules.writers("rejected_from")
    strong = [i for i in ids if writers.get(i) in (chosen or ()) and i not in not_chosen]
    weak = [i for i in ids if writers.get(i) in (rejected or ())]
    pairs = [(one, other) for one in strong for other in weak]
    if pairs and all(frozenset(pair) in alike for pair in pairs):
        detail = "the answers of all pairs by design are nearly the same"
        return DesignedPair(reason=SkipReason.ALIKE, detail=detail)
    pairs = [pair for pair in pairs if frozenset(pair) not in alike]
    if not pairs:
        sides = Sides(frozenset(range(len(strong))), frozenset(range(len(weak))))
        detail = why_no_sides(sides, rules, which="usable")
        return DesignedPair(reason=SkipReason.WRONG_WRITERS, detail=detail)
    for limit in length_limits(rules, texts, slice_of=slice_of, tokens=tokens):
        kept = [pair for pair in pairs if limit.keeps(pair)]
        if not kept:
            return DesignedPair(reason=limit.reason, detail=limit.detail(pairs))
        pairs = kept
    return DesignedPair(chosen_id=pairs[0][0], rejected_id=pairs[0][1])


def of_both_sides(completions: Sequence[Completion], rules: PairingRules) -> tuple[Completion, ...]:
    """The two that a pair by design is of, as far as they are known beforehand."""
    found = []
    for side in (rules.writers("chosen_from"), rules.writers("rejected_from")):
        found += [one for one in completions if side and one.model in side][:1]
    return tuple(found)


def delta(ranking: Ranking, rules: PairingRules, sides: Sides) -> list[tuple[int, int]]:  # noqa: ARG001
    """Of a prompt that was judged: the first that may be chosen over the first that may be
    rejected, in the order of the ranking's ids, and nothing where it is not the better one."""
    strong, weak = sorted(sides.chosen), sorted(sides.rejected)
    if not strong or not weak or ranking.scores[strong[0]] <= ranking.scores[weak[0]]:
        return []
    return [(strong[0], weak[0])]
