"""The reliability of all judges of a run, learnt from their judgments alone.

Scores are fitted first (scores.py), since the qualities that they show set the scale on which
verdicts are then fitted (verdicts.py). What judgments cannot show is assumed (unseen.py), and last
comes how often completions are equally good (closeness.py). Where it is told who wrote what, the
records of the writers follow (writers.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from judgeforge.ranking.evidence import Evidence, read_evidence
from judgeforge.ranking.reliability.closeness import with_closeness
from judgeforge.ranking.reliability.judges import PRIOR, Reliability
from judgeforge.ranking.reliability.rewards import (
    with_errors_alike,
    with_errors_by_verdicts,
    with_reward_units,
)
from judgeforge.ranking.reliability.scores import fit_scores
from judgeforge.ranking.reliability.unseen import with_unseen
from judgeforge.ranking.reliability.verdicts import fit_verdicts
from judgeforge.ranking.reliability.writers import with_writers
from judgeforge.ranking.rewards import with_rewards_as_scores
from judgeforge.records import Judgment


def fit_reliability(
    prompts: Sequence[Sequence[Judgment]],
    *,
    writers: Mapping[str, str] | None = None,
    same_writer: float | None = None,
) -> Reliability:
    """``prompts``: the judgments of each prompt, each a sound one. ``writers``: completion id ->
    who wrote it, where the records of the writers are to count as evidence. ``same_writer``: share
    of two completions of a prompt that one writer wrote, 0 to 1; None where that is not known.

    No label is needed; with few prompts the result stays near the prior. The order of prompts and
    judgments does not matter.
    """
    ordered = [sorted(judgments, key=lambda one: one.id) for judgments in prompts]
    evidence = [read_evidence(judgments, writers=writers) for judgments in ordered]
    return fit_evidence(evidence, same_writer=same_writer)


def fit_evidence(evidence: Sequence[Evidence], *, same_writer: float | None = None) -> Reliability:
    """As ``fit_reliability``, of judgments that were read already; the prior without any judge."""
    # In a fixed order sums come out the same to the last bit.
    evidence = sorted(evidence, key=lambda one: one.prompt_id)
    judges = sorted({name for one in evidence for name in one.judges})
    if not judges:
        return PRIOR
    known = PRIOR.model_copy(
        update={
            "judges": tuple(PRIOR.of(name).model_copy(update={"name": name}) for name in judges),
            "source": "run",
            "prompts": len(evidence),
        }
    )
    known = with_reward_units(evidence, known)
    evidence = [with_rewards_as_scores(one, known) for one in evidence]
    fitted = fit_verdicts(evidence, fit_scores(evidence, known))
    fitted = with_errors_by_verdicts(evidence, with_errors_alike(evidence, fitted))
    fitted = with_closeness(evidence, with_unseen(evidence, fitted), same_writer=same_writer)
    return with_writers(evidence, fitted)
