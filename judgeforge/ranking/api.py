"""Ranking, and the reliability of judges, for scripts that bring their own judgments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from judgeforge.ranking.evidence import read_evidence
from judgeforge.ranking.rank import rank as rank_sound
from judgeforge.ranking.ranking import Ranking
from judgeforge.ranking.reliability.fit import fit_reliability as fit_sound
from judgeforge.ranking.reliability.judges import Reliability
from judgeforge.ranking.reliability.rewards import with_reward_units
from judgeforge.ranking.reliability.unseen import unmeasured
from judgeforge.ranking.validation import judgments_by_prompt, judgments_of_prompt
from judgeforge.records import Judgment
from judgeforge.text.wording import expect, found, listed


def rank(
    judgments: Iterable[Judgment],
    *,
    completion_ids: Sequence[str] | None = None,
    reliability: Reliability | None = None,
    texts: Mapping[str, str] | None = None,
    writers: Mapping[str, str] | None = None,
) -> Ranking:
    """Rank the completions of one prompt by everything that judges said about them.

    The Ranking holds a score for each completion (expected quality, 0 to 1), the covariance of the
    scores, and the probability that each is the best (these sum to 1), all in the order of
    ``completion_ids`` or, without it, in which completions are first judged. Missing judgments are
    ignored; a completion without any judgment, or without checks where others have them, is left
    out. Of those that fail a required check none stands above one that passes. ``reliability`` is
    what is known of the judges (``fit_reliability`` learns it from many prompts); without it what
    recorded judges teach is assumed, the more cautiously the fewer there are. Where it corrects for
    length, ``texts`` (completion id -> text) are needed; where it has records of writers,
    ``writers`` (completion id -> name) makes them count.

    >>> said = [
    ...     judgeforge.Judgment(
    ...         id=f"{judge} of {one}", prompt_id="p1", completion_ids=(one,),
    ...         judge=judge, protocol="pointwise", score=score,
    ...     )
    ...     for judge, one, score in [("j1", "a", 0.9), ("j2", "a", 0.8), ("j1", "b", 0.4)]
    ... ]
    >>> ranking = judgeforge.rank(said)
    >>> ranking.completion_ids
    ('a', 'b')
    >>> [round(score, 1) for score in ranking.scores]
    [0.8, 0.5]

    Raises ValueError without the texts that are needed, for judgments of several prompts, and for a
    judgment that lacks what its protocol gives, has a number outside its range or comes twice, and
    where none of ``completion_ids`` is judged; TypeError for what is not a judgment, not a list of
    ids or not a Reliability.
    """
    advice = "judgeforge.fit_reliability(prompts), or `calibration.labelled.reliability`"
    if reliability is not None:
        expect(reliability, Reliability, "reliability", "a Reliability", advice)
    sound = judgments_of_prompt(judgments)
    _expect_judged(completion_ids, sound)
    return rank_sound(
        sound,
        completion_ids=completion_ids,
        reliability=reliability or _assumed(sound),
        texts=texts,
        writers=writers,
    )


def _expect_judged(completion_ids: Iterable[str] | None, judgments: Sequence[Judgment]) -> None:
    """Ids of another prompt, or in another form, would give a ranking of nothing."""
    if completion_ids is None:
        return
    if isinstance(completion_ids, str):
        raise TypeError(f"completion_ids must be a list of ids, not {found(completion_ids)}")
    judged = list(dict.fromkeys(one for each in judgments for one in each.completion_ids))
    if judged and not set(judged) & set(completion_ids):
        raise ValueError(
            f"none of completion_ids is judged: they are {listed(map(str, completion_ids), 3)}, "
            f"and the judgments are of {listed(judged, 3)}"
        )


def _assumed(judgments: Sequence[Judgment]) -> Reliability:
    """Rewards are put on a scale by what they are among themselves."""
    assumed = unmeasured(len({one.judge for one in judgments}))
    if not any(one.rewards for one in judgments):
        return assumed
    return with_reward_units([read_evidence(judgments)], assumed)


def fit_reliability(
    judgments: Iterable[Iterable[Judgment]],
    *,
    writers: Mapping[str, str] | None = None,
    same_writer: float | None = None,
) -> Reliability:
    """Learn each judge's scale, noise and bias from the judgments of many prompts, for ``rank``.

    ``judgments``: a list of judgments for each prompt. No label is needed; with few prompts the
    result stays near the prior. ``writers`` (completion id -> who wrote it): then it also has what
    these judgments show of each writer, as evidence on other prompts. ``same_writer``: share of two
    completions of a prompt that one model wrote, 0 (no two) to 1 (all are samples of one model),
    since its answers are more often equally good; None where it is not known. The order of prompts
    and judgments does not matter. Raises what ``rank`` raises for wrong judgments, and ValueError
    for a share outside 0 to 1.
    """
    if same_writer is not None and not 0.0 <= same_writer <= 1.0:
        raise ValueError(f"`same_writer` must be from 0 to 1, not {same_writer:g}")
    by_prompt = list(judgments_by_prompt(judgments).values())
    return fit_sound(by_prompt, writers=writers, same_writer=same_writer)
