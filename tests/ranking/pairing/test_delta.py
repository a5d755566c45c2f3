"""Pairs by design: which, of whom, and which of them are judged."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from judgeforge.ranking.pairing.delta import DesignedPair, designed_pair, is_audited
from judgeforge.ranking.pairing.selection import select_pairs
from judgeforge.ranking.ranking import Ranking
from judgeforge.ranking.rules import USUAL_AUDIT, PairingRules
from judgeforge.records import SkipReason

SIDES = {"chosen_from": "strong", "rejected_from": "weak"}
WRITERS = {"p.c0": "weak", "p.c1": "strong", "p.c2": "weak", "p.c3": "strong"}


def rules(**settings: Any) -> PairingRules:
    return PairingRules.model_validate({"strategy": "delta", **SIDES, **settings})


def pair(texts: dict[str, str] | None = None, **settings: Any) -> DesignedPair:
    beside = {name: settings.pop(name) for name in ("not_chosen", "alike") if name in settings}
    texts = texts or dict.fromkeys(WRITERS, "same")
    return designed_pair(list(WRITERS), rules(**settings), writers=WRITERS, texts=texts, **beside)


def test_the_first_of_the_strong_is_chosen_over_the_first_of_the_weak() -> None:
    assert pair().ids == ("p.c1", "p.c0")
    assert pair(not_chosen=["p.c1"]).ids == ("p.c3", "p.c0")
    assert pair(alike=[frozenset({"p.c1", "p.c0"})]).ids == ("p.c1", "p.c2")


def test_limits_of_length_hold_without_a_judge() -> None:
    texts = {"p.c0": "x" * 400, "p.c1": "x" * 100, "p.c2": "x" * 110, "p.c3": "x" * 90}
    assert pair(texts, max_length_ratio=1.5).ids == ("p.c1", "p.c2")
    none = pair(texts, max_token_difference=1)
    assert none.reason is SkipReason.TOKEN_DIFFERENCE
    assert none.detail == "the smallest difference is about 3 tokens, max_token_difference is 1"


def test_a_side_that_nobody_wrote_is_named() -> None:
    none = pair(not_chosen=["p.c1", "p.c3"])
    assert none.reason is SkipReason.WRONG_WRITERS
    assert none.detail == "no usable completion of `strong` may be the chosen side"


def ranking(*scores: float) -> Ranking:
    size = len(scores)
    return Ranking(
        prompt_id="p",
        completion_ids=tuple(WRITERS)[:size],
        scores=scores,
        covariance=tuple(tuple(0.01 if i == j else 0.0 for j in range(size)) for i in range(size)),
        p_best=tuple(1 / size for _ in range(size)),
    )


def test_a_judged_prompt_has_the_same_pair_or_none() -> None:
    found = select_pairs(ranking(0.3, 0.7, 0.1, 0.9), rules(), writers=WRITERS)
    assert [(one.chosen_id, one.rejected_id) for one in found.pairs] == [("p.c1", "p.c0")]
    turned = select_pairs(ranking(0.7, 0.3, 0.1, 0.9), rules(), writers=WRITERS)
    assert turned.reason is SkipReason.WRONG_WRITERS, "never the wrong way round"


def test_what_is_audited_follows_from_seed_and_id_alone() -> None:
    ids = [f"p{n}" for n in range(4000)]
    drawn = [one for one in ids if is_audited(rules(audit=0.05), one)]
    assert 140 < len(drawn) < 260
    assert drawn == [one for one in reversed(ids) if is_audited(rules(audit=0.05), one)][::-1]
    more = {one for one in ids if is_audited(rules(audit=0.1), one)}
    assert set(drawn) < more, "a larger audit keeps what a smaller one has paid for"
    other = {one for one in ids if is_audited(rules(audit=0.05, seed=1), one)}
    assert other != set(drawn)
    assert not any(is_audited(rules(audit=0), one) for one in ids)
    assert all(is_audited(rules(audit=1), one) for one in ids)


def test_a_share_is_audited_where_nothing_is_said() -> None:
    assert rules().audit == USUAL_AUDIT
    assert rules().model_dump() != rules(audit=0).model_dump(), "zero must be said, and is told"
    assert "audit" not in PairingRules().model_dump()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"chosen_from": ()}, "name them in `chosen_from` and `rejected_from`"),
        ({"rejected_from": "strong"}, "`strong` is in `chosen_from` and in `rejected_from`"),
        ({"pairs_per_prompt": 2}, "one pair of a prompt"),
        ({"min_margin": 0.1}, "`min_margin` looks at the scores"),
        ({"min_chosen_score": 0.1}, "`min_chosen_score` looks at the scores"),
        ({"max_error": 0.1}, "`max_error` looks at the scores"),
        ({"best": {"pairs": 3, "by": "margin"}}, "`best` goes by confidence"),
        ({"audit": 0, "min_confidence": 0.7}, "`min_confidence` has nothing to go by"),
        ({"audit": 0, "best": {"pairs": 3}}, "`best` has nothing to go by"),
        ({"audit": 1.5}, "less than or equal to 1"),
        ({"strategy": "adjacent", "audit": 0.1}, "`audit` belongs to `strategy: delta`"),
    ],
)
def test_what_cannot_be_without_a_judgment_of_each_pair_is_refused(
    settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        rules(**settings)
    assert words in str(refused.value)
