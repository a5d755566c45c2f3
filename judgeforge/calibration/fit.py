"""Judgments and labels -> a calibration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from judgeforge.calibration.alone_by_labels import AloneByLabels
from judgeforge.calibration.calibration import Calibration, Instrument, LabelResult
from judgeforge.calibration.confidence_fit import fit_confidence, scales_of, tie_scales_of
from judgeforge.calibration.labels import Label, LabelKind, check_number, folds
from judgeforge.calibration.pair_maps import LabelledPairs, Maps
from judgeforge.calibration.weights import Labelled, labelled_reliability, supported_corrections
from judgeforge.ranking.confidence import outcome, probability_ahead
from judgeforge.ranking.distributions import Array
from judgeforge.ranking.evidence import Evidence
from judgeforge.ranking.rank import rank_evidence, with_vetoes
from judgeforge.ranking.ranking import Ranking
from judgeforge.ranking.reliability.fit import fit_evidence
from judgeforge.ranking.reliability.judges import Reliability
from judgeforge.ranking.rewards import with_rewards_as_scores

SAME = 1e-6
"""Probabilities that differ by less are equal: the posterior is computed about as exactly."""

AsAsked = Callable[[str, Reliability], Evidence]
"""The evidence that a run would have on a prompt (by id), were the judges known to be so reliable:
less than there is, where a cascade stops early."""


def fit_calibration(
    labelled: Sequence[Labelled],
    *,
    of: LabelKind,
    unlabelled: Sequence[Evidence] = (),
    allow_negative: bool = False,
    as_asked: AsAsked | None = None,
) -> Calibration:
    """``unlabelled`` evidence tells of the judges too, though not how right they are.

    ``allow_negative``: a judge that people contradict may count against what it says. ``as_asked``:
    judges are fitted on everything, probabilities on what a run would have asked. The order of
    prompts does not matter.
    Raises TooFewLabelsError below 20 labels.
    """
    check_number(len(labelled))
    blind = fit_evidence([*(one.evidence for one in labelled), *unlabelled])
    labelled = [
        replace(
            one,
            evidence=with_rewards_as_scores(one.evidence, blind),
            compared=compared_in(one) if of == "pair" else None,
        )
        for one in labelled
    ]
    corrections = supported_corrections(labelled, blind, allow_negative=allow_negative)
    alone = AloneByLabels.of(labelled, blind)

    def fitted(rows: Sequence[int]) -> Reliability:
        known = blind if alone is None else alone.known(rows)
        seen = [labelled[i] for i in rows]
        return labelled_reliability(seen, known, corrections, allow_negative=allow_negative)

    believed, right, ahead, tie = np.zeros((4, len(labelled)))
    ids = [one.label.prompt_id for one in labelled]
    for train, test in folds(ids):
        reliability = fitted(train)
        for i in test:
            ranking = ranked(labelled[i], reliability, as_asked)
            believed[i], right[i] = told_of(ranking, labelled[i])
            ahead[i], tie[i] = ahead_and_tie(ranking, labelled[i])
    blindly = [ranked(one, blind, as_asked) for one in labelled]
    unseen = np.array(
        [told_of(ranking, one) for ranking, one in zip(blindly, labelled, strict=True)]
    )
    results = label_results(ids, believed, right, unseen)
    reliability = fitted(range(len(labelled)))
    maps = Maps(confidence=fit_confidence(believed, right).expected)
    ties_blindly = None
    if of == "pair":
        tied, of_ties = _tied(labelled), tie_scales_of(blind.doubt)
        of_sides = scales_of(reliability.doubt)
        pairs = LabelledPairs(ids, believed, right, ahead, tie, tied, of_sides, of_ties)
        maps, results = pairs.maps(), pairs.results(results)
        found = [
            ahead_and_tie(ranking, one) for ranking, one in zip(blindly, labelled, strict=True)
        ]
        ties_blindly = fit_confidence(np.array(found)[:, 1], tied, of_ties).expected
    return Calibration(
        of=of,
        labelled=Instrument(reliability=reliability, **maps._asdict()),
        blind=Instrument(
            reliability=blind,
            confidence=fit_confidence(*unseen.T).expected,
            ties=ties_blindly,
        ),
        corrections=corrections,
        results=results,
    )


def _tied(labelled: Sequence[Labelled]) -> Array:
    """1 where people see a tie, else 0."""
    return np.array([float(one.label.is_tie) for one in labelled])


def compared_in(one: Labelled) -> tuple[str, str] | None:
    """The two that a label of this kind is about: those that it names, or all that there are."""
    ids = one.evidence.completion_ids
    named = ids if len(ids) == 2 else [name for name in ids if name in one.label.parts]
    return (named[0], named[1]) if len(named) == 2 else None


def told_of(ranking: Ranking, one: Labelled) -> tuple[float, float]:
    """The probability of the completion that is thought the best of those that the label is about,
    and how right that is."""
    if one.compared is None or len(ranking.completion_ids) == 2:
        return best_of(ranking, one.label)
    first, second = one.compared
    ahead = probability_ahead(ranking, first, second)
    if abs(2.0 * ahead - 1.0) < SAME:
        return ahead, 0.5
    return max(ahead, 1.0 - ahead), float(one.parts[0 if ahead > 0.5 else 1])


def ahead_and_tie(ranking: Ranking, one: Labelled) -> tuple[float, float]:
    """Of the side that is thought the better: the probability that it is, if the two differ, and
    that they do not, as they are without labels; 0 for a label of the best."""
    if one.compared is None:
        return 0.0, 0.0
    found = outcome(ranking, *one.compared)
    return max(found.ahead, 1.0 - found.ahead), found.tie


def best_of(ranking: Ranking, label: Label) -> tuple[float, float]:
    """The probability of the completion that is thought the best, and how right that is.

    Where several are equally likely, the mean over them.
    """
    right = [label.parts.get(name, 0.0) for name in thought_best(ranking)]
    return max(ranking.p_best), sum(right) / len(right)


def thought_best(ranking: Ranking) -> list[str]:
    """Several where judges cannot tell them apart."""
    most = max(ranking.p_best) - SAME
    return [
        name for name, p in zip(ranking.completion_ids, ranking.p_best, strict=True) if p >= most
    ]


def ranked(one: Labelled, reliability: Reliability, as_asked: AsAsked | None = None) -> Ranking:
    evidence = one.evidence if as_asked is None else as_asked(one.label.prompt_id, reliability)
    return with_vetoes(rank_evidence(evidence, reliability), one.vetoes)


def label_results(
    prompt_ids: Sequence[str], believed: Array, right: Array, blind: Array
) -> tuple[LabelResult, ...]:
    """``believed`` (n,): uncalibrated, each by a fit without its own label; ``blind`` (n, 2):
    probability and right without any label."""
    expected, cautious = np.zeros(len(believed)), np.zeros(len(believed))
    for train, test in folds(prompt_ids):
        found = fit_confidence(believed[train], right[train])
        expected[test] = found.expected.of(believed[test])
        cautious[test] = found.cautious.of(believed[test])
    return tuple(
        LabelResult(
            prompt_id=name,
            probability=float(expected[i]),
            cautious=float(cautious[i]),
            right=float(right[i]),
            blind_probability=float(blind[i, 0]),
            blind_right=float(blind[i, 1]),
        )
        for i, name in enumerate(prompt_ids)
    )
