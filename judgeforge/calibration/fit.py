"""Judgments and labels -> a calibration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from judgeforge.calibration.calibration import Calibration, Instrument, LabelResult
from judgeforge.calibration.confidence_fit import TIE_SCALES, fit_confidence, scales_of
from judgeforge.calibration.labels import Label, LabelKind, check_number, folds
from judgeforge.calibration.pair_maps import LabelledPairs, Maps
from judgeforge.calibration.weights import Labelled, labelled_reliability, supported_corrections
from judgeforge.ranking.confidence import outcome
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
        replace(one, evidence=with_rewards_as_scores(one.evidence, blind)) for one in labelled
    ]
    corrections = supported_corrections(labelled, blind, allow_negative=allow_negative)

    def fitted(rows: Sequence[Labelled]) -> Reliability:
        return labelled_reliability(rows, blind, corrections, allow_negative=allow_negative)

    believed, right, tie = np.zeros((3, len(labelled)))
    for train, test in folds([one.label.prompt_id for one in labelled]):
        reliability = fitted([labelled[i] for i in train])
        for i in test:
            ranking = ranked(labelled[i], reliability, as_asked)
            believed[i], right[i] = best_of(ranking, labelled[i].label)
            tie[i] = tie_of(ranking)
    ids = [one.label.prompt_id for one in labelled]
    blindly = [ranked(one, blind, as_asked) for one in labelled]
    unseen = np.array(
        [best_of(ranking, one.label) for ranking, one in zip(blindly, labelled, strict=True)]
    )
    results = label_results(ids, believed, right, unseen)
    maps = Maps(confidence=fit_confidence(believed, right).expected)
    ties_blindly = None
    if of == "pair":
        pairs = LabelledPairs(ids, believed, right, tie, _tied(labelled), scales_of(blind.doubt))
        maps, results = pairs.maps(), pairs.results(results)
        found = np.array([tie_of(one) for one in blindly])
        ties_blindly = fit_confidence(found, pairs.tied, TIE_SCALES).expected
    return Calibration(
        of=of,
        labelled=Instrument(reliability=fitted(labelled), **maps._asdict()),
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


def tie_of(ranking: Ranking) -> float:
    """P(both are equally good), of two completions; 0 for any other number."""
    ids = ranking.completion_ids
    return outcome(ranking, *ids).tie if len(ids) == 2 else 0.0


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
