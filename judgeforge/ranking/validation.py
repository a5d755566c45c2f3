"""Judgments that a script brings: checked before any of them counts.

The judges of a run read replies strictly, so theirs are not checked again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from judgeforge.ranking.protocols import PROTOCOLS, ProtocolFacts
from judgeforge.records import Judgment
from judgeforge.text.wording import did_you_mean, expect, found

_ROUNDING = 1e-6
"""A weighted mean of ones may come out a little above 1."""
_VERDICT_OUTCOMES = {"a", "b", "tie"}


def judgments_of_prompt(judgments: Iterable[Judgment]) -> list[Judgment]:
    """The judgments of one prompt, from any iterable, a generator too.

    Raises TypeError for what is not a list of judgments, and ValueError for a judgment that lacks
    what its protocol gives, has a number outside its range, or comes twice.
    """
    _expect_list(judgments, "the judgments of one prompt")
    listed = list(judgments)
    seen: set[str] = set()
    for place, judgment in enumerate(listed):
        if not isinstance(judgment, Judgment):
            raise TypeError(_no_judgment(judgment, place))
        problem = _problem(judgment)
        if problem:
            raise ValueError(f"judgment `{judgment.id}`: {problem}")
        if judgment.id in seen:
            raise ValueError(
                f"judgment `{judgment.id}` comes twice, and a copy is not further evidence: leave "
                "it out, or give a judgment that was asked anew its own id (and `repeat`)"
            )
        seen.add(judgment.id)
    return listed


def judgments_by_prompt(
    judgments: Iterable[Iterable[Judgment]],
) -> dict[str, Sequence[Judgment]]:
    """Prompt id -> its judgments, each prompt's checked as by ``judgments_of_prompt``.

    Raises ValueError for judgments of several prompts in one list, and of one prompt in several.
    """
    _expect_list(judgments, "one list of judgments for each prompt")
    prompts: dict[str, Sequence[Judgment]] = {}
    for each in judgments:
        if isinstance(each, Judgment):
            raise TypeError(
                "judgments must be one list of judgments for each prompt, not one list of all; "
                "group them by `prompt_id`"
            )
        listed = judgments_of_prompt(each)
        names = sorted({judgment.prompt_id for judgment in listed})
        if len(names) > 1:
            raise ValueError(
                f"prompts `{names[0]}` and `{names[1]}` share a list; give each one of its own"
            )
        if prompts.keys() & names:
            raise ValueError(f"prompt `{names[0]}` has two lists; give it one with all judgments")
        prompts.update(dict.fromkeys(names, listed))
    return prompts


def _expect_list(value: object, expected: str) -> None:
    # A text and a mapping can be iterated as well, but not over judgments.
    kind = () if isinstance(value, str | Mapping | Judgment) else Iterable
    expect(value, kind, "judgments", expected, "put them into a list")


def _no_judgment(value: object, place: int) -> str:
    if isinstance(value, dict):
        advice = "judgeforge.Judgment(**row) makes one"
    elif isinstance(value, list | tuple):
        advice = "these are several prompts: give one prompt at a time"
    else:
        advice = (
            "a score alone is judgeforge.Judgment(id=…, prompt_id=…, completion_ids=(…,), "
            'judge=…, protocol="pointwise", score=…)'
        )
    return f"judgments[{place}] must be a judgeforge.Judgment, not {found(value)}; {advice}"


def _problem(judgment: Judgment) -> str | None:
    """What is wrong with a judgment, and what to do."""
    facts = PROTOCOLS.get(judgment.protocol)
    if facts is None:
        hint = did_you_mean(judgment.protocol, PROTOCOLS)
        return f"unknown protocol `{judgment.protocol}` (known: {', '.join(PROTOCOLS)}){hint}"
    if judgment.missing:
        return None
    shown = len(judgment.completion_ids)
    if not shown or len(set(judgment.completion_ids)) < shown:
        return "`completion_ids` must name the completions that the judge saw, each once"
    return _wrong_evidence(judgment, facts)


def _wrong_evidence(judgment: Judgment, facts: ProtocolFacts) -> str | None:
    if facts.rewards:
        return _wrong_rewards(judgment)
    if facts.shows == "all":
        return _wrong_scores(judgment)
    if facts.shows == "two" or ("pairs" in facts.settings and len(judgment.completion_ids) > 1):
        return _wrong_verdict(judgment)
    return _wrong_score(judgment)


def _wrong_score(judgment: Judgment) -> str | None:
    if len(judgment.completion_ids) > 1:
        return f"`{judgment.protocol}` is about one completion; give each a judgment of its own"
    if judgment.score is None:
        return _lacks(judgment, "score")
    return (
        _outside("score", judgment.score)
        or _negative("score_sd", judgment.score_sd or 0.0)
        or _negative("weight", judgment.weight)
    )


def _wrong_scores(judgment: Judgment) -> str | None:
    if judgment.scores is None:
        return _lacks(judgment, "scores")
    if len(judgment.scores) != len(judgment.completion_ids):
        return (
            f"has {len(judgment.scores)} `scores` for {len(judgment.completion_ids)} "
            "`completion_ids`; give one for each, in the same order"
        )
    problems = (_outside("scores", score) for score in judgment.scores)
    return next(filter(None, problems), None) or _negative("weight", judgment.weight)


def _wrong_rewards(judgment: Judgment) -> str | None:
    if not judgment.rewards:
        return _lacks(judgment, "rewards")
    if len(judgment.rewards) != len(judgment.completion_ids):
        return (
            f"has {len(judgment.rewards)} `rewards` for {len(judgment.completion_ids)} "
            "`completion_ids`; give one for each, in the same order"
        )
    return _negative("reward_sd", judgment.reward_sd or 0.0) or _negative("weight", judgment.weight)


def _wrong_verdict(judgment: Judgment) -> str | None:
    if len(judgment.completion_ids) != 2:
        return f"a verdict is about two completions, not {len(judgment.completion_ids)}"
    if judgment.verdict is None:
        return _lacks(judgment, "verdict")
    if judgment.strength is not None and (problem := _outside("strength", judgment.strength)):
        return problem
    chances = judgment.probabilities
    if not chances:
        return None
    wrong = not chances.keys() <= _VERDICT_OUTCOMES or min(chances.values()) < 0
    if wrong or not math.isclose(sum(chances.values()), 1.0, abs_tol=_ROUNDING):
        return '`probabilities` must be of "a", "b" and "tie", 0 to 1, and sum to 1'
    return None


def _lacks(judgment: Judgment, field: str) -> str:
    return (
        f"`{judgment.protocol}` gives a `{field}`, and it has none; give one, or say in `missing` "
        "why there is none"
    )


def _outside(field: str, value: float) -> str | None:
    if -_ROUNDING <= value <= 1.0 + _ROUNDING:
        return None
    return (
        f"`{field}` must be from 0 to 1, not {value:g}; divide by what your scale reaches "
        "(a 9 of 10 is 0.9)"
    )


def _negative(field: str, value: float) -> str | None:
    return f"`{field}` must not be negative, and is {value:g}" if value < 0 else None
