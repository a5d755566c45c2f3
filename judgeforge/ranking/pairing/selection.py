"""From a ranking to the pairs of its prompt, or to the reason why there are none. Pure.

A strategy proposes, the rules decide; both see probabilities as labels have calibrated them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from judgeforge.ranking.confidence import outcome, probability_ahead
from judgeforge.ranking.confidence_map import ConfidenceMap
from judgeforge.ranking.outcomes import Outcome
from judgeforge.ranking.pairing import STRATEGIES
from judgeforge.ranking.pairing.length_limits import LengthLimit, length_limits
from judgeforge.ranking.pairing.sides import sides_of, why_no_sides
from judgeforge.ranking.ranking import Ranking
from judgeforge.ranking.rules import BestRule, PairingRules
from judgeforge.records import SkipReason
from judgeforge.text.messages import Record
from judgeforge.text.wording import as_clause, did_you_mean, expect, found

_ALL_ALIKE = "the answers of all proposed pairs are nearly the same"
_A_KIND = re.compile(r"^constrained-|\[")
"""What pydantic calls the alternatives of a setting, between the names of keys."""
TIE_WIDTH = 1e-9
"""Scores that differ by less are equal."""


class SelectedPair(Record):
    """Two completions by id, the better one first; scores and their margin are from 0 to 1."""

    chosen_id: str
    rejected_id: str
    score_chosen: float
    score_rejected: float
    score_margin: float
    confidence: float
    """Probability that chosen is better than rejected, 0 to 1; never below that of the reverse."""
    p_tie: float = 0.0
    """Probability that both are equally good."""
    p_best: float
    """Probability that chosen is the best of its prompt, 0 to 1."""


class PairSelection(Record):
    """The pairs of a prompt, most wanted first, or why there are none."""

    pairs: tuple[SelectedPair, ...] = ()
    reason: SkipReason | None = None
    detail: str | None = None


class Trust(Record):
    """What labels say about the probabilities of pairs, and above which one a pair is kept.

    ``Calibration.trust`` makes it for given rules.
    """

    of: Literal["best", "pair"] = "best"
    """A pair is wrong when chosen is not the best completion, or when rejected is better."""
    confidence: ConfidenceMap | None = None
    """From P(chosen is better than rejected) of the posterior to one that holds; None where the
    labels do not tell. It is of ``probability_ahead``, and holds with half of the ties."""
    ties: ConfidenceMap | None = None
    """The same of P(both are equally good)."""
    decided: ConfidenceMap | None = None
    """As ``confidence``, of two that differ; where it is known, it and ``ties`` take its place.
    Calibrations of before have it."""
    differing: ConfidenceMap | None = None
    """The same of P(chosen is better) of two that differ, as it is said without labels."""
    least: float | None = None
    """Pairs whose probability of being right is not above this are left out; None keeps all."""
    max_error: float | None = None
    """The share of wrong pairs that ``least`` was found for."""


_WITHOUT_LABELS = Trust()


def select_pairs(  # noqa: PLR0913 (each by name)
    ranking: Ranking,
    rules: PairingRules | None = None,
    *,
    texts: Mapping[str, str] | None = None,
    trust: Trust | None = None,
    writers: Mapping[str, str] | None = None,
    not_chosen: Sequence[str] = (),
    slice_of: object = None,
    tokens: Callable[[str], int] | None = None,
    alike: Sequence[frozenset[str]] = (),
    **settings: object,
) -> PairSelection:
    """The pairs of one prompt, in the order of the strategy, or the reason why there are none.

    Pairs must keep ``rules`` or, in scripts, single fields of PairingRules given by name.
    ``texts`` (completion id -> text) is needed for ``max_length_ratio``,
    ``max_token_difference`` and ``length_matched``; ``trust`` (what labels showed,
    ``calibration.trust(rules)``) for ``max_error``; ``writers`` (completion id -> who wrote it) for
    ``chosen_from`` and ``rejected_from``. ``not_chosen``: ids of those that may be the rejected
    side only. ``alike``: ids of two that are nearly the same, and so no pair. ``slice_of``: what
    the prompt's metadata says under ``token_difference_by``; ``tokens`` counts those of a text,
    which are estimated without it. The chosen side always has the higher score; a pair's
    confidence is P(chosen is better than rejected), 0.5 to 1.

    >>> ranking = judgeforge.Ranking(
    ...     prompt_id="p1", completion_ids=("a", "b"), scores=(0.8, 0.5),
    ...     covariance=((0.01, 0.0), (0.0, 0.01)), p_best=(0.98, 0.02),
    ... )
    >>> selection = judgeforge.select_pairs(ranking, strategy="adjacent", min_confidence=0.8)
    >>> [(pair.chosen_id, pair.rejected_id) for pair in selection.pairs]
    [('a', 'b')]
    >>> judgeforge.select_pairs(ranking, min_margin=0.5).detail
    'the widest margin is 0.300, min_margin is 0.5'

    Raises ValueError for a wrong setting, TypeError for what is not a ranking or not rules.
    """
    expect(ranking, Ranking, "ranking", "a Ranking", "judgeforge.rank(judgments) gives one")
    rules = _checked(rules, settings, texts, trust, writers)
    strategy, trust = STRATEGIES[rules.strategy], trust or _WITHOUT_LABELS
    if len(ranking.completion_ids) < 2:
        few = f"{len(ranking.completion_ids)} ranked completions make no pair"
        return PairSelection(reason=SkipReason.TOO_FEW_JUDGED, detail=few)
    sides = sides_of(ranking, rules, writers or {}, not_chosen, alike)
    proposals = list(strategy.propose(ranking, _as_believed(rules, trust), sides))
    if not proposals and any(strategy.propose(ranking, rules, replace(sides, alike=frozenset()))):
        return PairSelection(reason=SkipReason.ALIKE, detail=_ALL_ALIKE)
    if not proposals:
        return PairSelection(reason=SkipReason.WRONG_WRITERS, detail=why_no_sides(sides, rules))
    ordered = list(filter(None, (_pair(ranking, a, b, trust) for a, b in proposals)))
    if not ordered:
        return PairSelection(reason=SkipReason.TIE, detail="all proposed pairs have equal scores")
    limits = length_limits(rules, texts or {}, slice_of=slice_of, tokens=tokens)
    for reason, keep, detail in _filters(rules, limits, trust):
        kept = [pair for pair in ordered if keep(pair)]
        if not kept:
            return PairSelection(reason=reason, detail=detail(ordered))
        ordered = kept
    most = rules.pairs_per_prompt or strategy.natural_number
    return PairSelection(pairs=tuple(ordered if most is None else ordered[:most]))


def not_among_best(pairs: Sequence[SelectedPair], best: BestRule) -> str:
    """Why a prompt ends without ``pairs`` where only the ``best`` of the run are kept."""
    values = [pair.confidence if best.by == "confidence" else pair.score_margin for pair in pairs]
    return (
        f"the highest {best.by} of its pairs is {max(values):.3f}, and best keeps the {best.pairs} "
        "pairs of the run with the highest"
    )


def rules_from(settings: Mapping[str, object]) -> PairingRules:
    """The rules of pairing from single settings, as a script gives them.

    Raises ValueError: which setting, what was given, what it takes, what was probably meant.
    """
    try:
        return PairingRules.model_validate(settings)
    except ValidationError as error:
        errors = error.errors(include_url=False)
    raise ValueError("; ".join(map(_in_words, errors)))


def _checked(
    rules: PairingRules | None,
    settings: Mapping[str, object],
    texts: Mapping[str, str] | None,
    trust: Trust | None,
    writers: Mapping[str, str] | None,
) -> PairingRules:
    """The rules with what their strategy adds. Raises ValueError where they lack what they need."""
    if rules is None:
        rules = rules_from(settings)
    elif settings:
        raise ValueError("give either `rules` or single settings, not both")
    advice = 'single settings are given by name: strategy="adjacent"'
    expect(rules, PairingRules, "rules", "PairingRules", advice)
    gives_one = "calibration.trust(rules) gives one"
    expect(trust, (Trust, type(None)), "trust", "a Trust, or None", gives_one)
    if (rules.chosen_from or rules.rejected_from) and writers is None:
        raise ValueError("`chosen_from` and `rejected_from` need `writers`, who wrote what")
    length_ratio = STRATEGIES[rules.strategy].length_ratio
    if rules.max_length_ratio is None and length_ratio is not None:
        rules = rules.model_copy(update={"max_length_ratio": length_ratio})
    if rules.max_length_ratio is not None and texts is None:
        raise ValueError("a limit on the length ratio needs `texts`, the texts of the completions")
    if rules.max_token_difference is not None and texts is None:
        raise ValueError("`max_token_difference` needs `texts`, the texts of the completions")
    if rules.max_error is not None and (trust is None or trust.max_error != rules.max_error):
        raise ValueError("`max_error` needs `trust`, which is calibration.trust(rules)")
    return rules


def _as_believed(rules: PairingRules, trust: Trust) -> PairingRules:
    """A strategy knows the posterior alone: what it must believe for ``min_confidence`` to hold."""
    if trust.confidence is None:
        return rules
    believed = (trust.differing or trust.decided or trust.confidence).believed_at(
        rules.min_confidence
    )
    return rules.model_copy(update={"min_confidence": believed})


def _pair(ranking: Ranking, first: int, second: int, trust: Trust) -> SelectedPair | None:
    gap = ranking.score(first) - ranking.score(second)
    if abs(gap) < TIE_WIDTH:
        return None
    chosen, rejected = (first, second) if gap > 0 else (second, first)
    ids = ranking.completion_ids
    found = trusted_outcome(ranking, ids[chosen], ids[rejected], trust)
    return SelectedPair(
        chosen_id=ids[chosen],
        rejected_id=ids[rejected],
        score_chosen=ranking.score(chosen),
        score_rejected=ranking.score(rejected),
        score_margin=abs(gap),
        confidence=found.better,
        p_tie=found.tie,
        p_best=ranking.p_best[chosen],
    )


def trusted_outcome(ranking: Ranking, chosen_id: str, rejected_id: str, trust: Trust) -> Outcome:
    """The outcome as labels have calibrated it; a tie was half of either for them."""
    believed = outcome(ranking, chosen_id, rejected_id)
    if trust.confidence is None or believed.better == 1.0:  # what code decides needs no label
        return believed
    if trust.differing is not None or trust.decided is not None:
        tie = believed.tie if trust.ties is None else trust.ties(believed.tie)
        if trust.differing is not None:
            found = trust.differing(believed.ahead)
        elif trust.decided is not None:
            found = trust.decided(probability_ahead(ranking, chosen_id, rejected_id))
        ahead = max(0.5, found)
        return Outcome(ahead * (1.0 - tie), tie, (1.0 - ahead) * (1.0 - tie))
    half = max(0.5, trust.confidence(probability_ahead(ranking, chosen_id, rejected_id)))
    tie = believed.tie if trust.ties is None else trust.ties(believed.tie)
    tie = min(tie, 2.0 * (1.0 - half))
    return Outcome(half - tie / 2.0, tie, 1.0 - half - tie / 2.0)


_Filter = tuple[SkipReason, Callable[[SelectedPair], bool], Callable[[Sequence[SelectedPair]], str]]


def _filters(rules: PairingRules, limits: Iterable[LengthLimit], trust: Trust) -> Iterable[_Filter]:
    yield (
        SkipReason.BELOW_MARGIN,
        lambda pair: pair.score_margin >= rules.min_margin - TIE_WIDTH,
        lambda pairs: (
            f"the widest margin is {max(p.score_margin for p in pairs):.3f}, "
            f"min_margin is {rules.min_margin:g}"
        ),
    )
    yield (
        SkipReason.BELOW_CONFIDENCE,
        lambda pair: pair.confidence >= rules.min_confidence,
        lambda pairs: (
            f"the highest confidence is {max(p.confidence for p in pairs):.3f}, "
            f"min_confidence is {rules.min_confidence:g}"
        ),
    )
    if rules.min_chosen_score > 0.0:
        yield (
            SkipReason.BELOW_CHOSEN_SCORE,
            lambda pair: pair.score_chosen >= rules.min_chosen_score - TIE_WIDTH,
            lambda pairs: (
                f"the highest score of a chosen side is {max(p.score_chosen for p in pairs):.3f}, "
                f"min_chosen_score is {rules.min_chosen_score:g}"
            ),
        )
    yield from map(_of_length, limits)
    least = trust.least
    if least is not None:

        def right(pair: SelectedPair) -> float:
            return pair.p_best if trust.of == "best" else pair.confidence + pair.p_tie / 2.0

        yield (
            SkipReason.ABOVE_MAX_ERROR,
            lambda pair: right(pair) > least,
            lambda pairs: (
                f"the highest probability of being right is {max(map(right, pairs)):.3f}; "
                f"max_error = {trust.max_error} keeps pairs above {least:.3f}"
            ),
        )


def _of_length(limit: LengthLimit) -> _Filter:
    def sides(pair: SelectedPair) -> tuple[str, str]:
        return pair.chosen_id, pair.rejected_id

    return (
        limit.reason,
        lambda pair: limit.keeps(sides(pair)),
        lambda pairs: limit.detail(list(map(sides, pairs))),
    )


def _in_words(error: ErrorDetails) -> str:
    if not error["loc"]:  # of several settings together
        return str(error.get("ctx", {}).get("error", error["msg"]))
    parts = (str(part) for part in error["loc"])
    name, value = ".".join(part for part in parts if not _A_KIND.search(part)), error["input"]
    if error["type"] == "missing":
        return f"{name}: is missing"
    if error["type"] == "extra_forbidden":
        inner = len(error["loc"]) > 1
        known = BestRule.model_fields if inner else PairingRules.model_fields
        hint = did_you_mean(str(error["loc"][-1]), known)
        return f"no setting `{name}` (known: {', '.join(known)}){hint}"
    if error["type"] != "literal_error":
        return f"{name}: {as_clause(error['msg'])}, and is {found(value)}"
    choices = re.findall(r"'([^']+)'", error.get("ctx", {}).get("expected", ""))
    hint = did_you_mean(value, choices) if isinstance(value, str) else ""
    return f"{name}: must be one of {', '.join(choices)}, and is {found(value)}{hint}"
