"""The judgments of one prompt as numbers: scores of single completions and comparisons of two."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from judgeforge.ranking.protocols import is_by_code
from judgeforge.records import Judgment

_LEAST_STRENGTH = 0.5
"""A verdict without a stated strength, or with the lowest one, still counts for half."""


@dataclass(frozen=True, slots=True)
class Cell:
    """All scores (0 to 1) that one judge gave to one completion."""

    judge: str
    place: int
    """Of the completion in ``Evidence.completion_ids``."""
    scores: tuple[float, ...]
    stated_variance: float = 0.0
    """Mean of the variances that the judge itself stated for these scores."""

    @property
    def mean(self) -> float:
        return sum(self.scores) / len(self.scores)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One verdict on two completions: how much of it goes to each outcome; the parts sum to 1."""

    judge: str
    first: int
    """Place of the completion that was shown first."""
    second: int
    prefers_first: float
    prefers_second: float
    tie: float

    @property
    def lead(self) -> float:
        """Of the completion shown first, -1 to 1."""
        return self.prefers_first - self.prefers_second

    @property
    def pair(self) -> tuple[int, int]:
        """Both places in ascending order, whatever the order shown."""
        return min(self.first, self.second), max(self.first, self.second)


@dataclass(frozen=True, slots=True)
class CheckResult:
    score: float
    weight: float


@dataclass(frozen=True, slots=True)
class Evidence:
    prompt_id: str
    completion_ids: tuple[str, ...]
    cells: tuple[Cell, ...]
    comparisons: tuple[Comparison, ...]
    checks: Mapping[int, CheckResult]
    judged_weight: float
    """Sum of the weights of the criteria that judges decide."""
    log_lengths: tuple[float, ...] = ()
    """Natural logarithm of the characters of each completion; empty where they are not known."""
    writers: tuple[str, ...] = ()
    """Who wrote each completion; empty where that is not known."""
    rewards: tuple[Cell, ...] = ()
    """As ``cells``, each on the scale of its judge: they say nothing before that is known."""

    @property
    def judges(self) -> tuple[str, ...]:
        """In an order that does not depend on the order of the judgments."""
        names = {cell.judge for cell in (*self.cells, *self.rewards)}
        return tuple(sorted(names | {one.judge for one in self.comparisons}))


def leads_by_order(
    comparisons: Iterable[Comparison],
) -> dict[tuple[str, tuple[int, int]], tuple[list[float], list[float]]]:
    """By judge and pair: the leads of its lower place when shown first, and when shown second."""
    leads: dict[tuple[str, tuple[int, int]], tuple[list[float], list[float]]] = {}
    for one in comparisons:
        ahead, behind = leads.setdefault((one.judge, one.pair), ([], []))
        if one.first == one.pair[0]:
            ahead.append(one.lead)
        else:
            behind.append(-one.lead)
    return leads


def read_evidence(
    judgments: Sequence[Judgment],
    completion_ids: Sequence[str] | None = None,
    *,
    keep_unjudged: bool = False,
    texts: Mapping[str, str] | None = None,
    writers: Mapping[str, str] | None = None,
    keep_unasked: bool = False,
) -> Evidence:
    """Collect what the judgments of one prompt say.

    Completions come in the order of ``completion_ids`` or, without it, in which they are first
    judged. Missing judgments are ignored; a completion without any judgment, or without checks
    where others have them, is left out (with ``keep_unjudged`` only the latter). ``texts``
    (completion id -> text) tells the lengths, ``writers`` (completion id -> name) who wrote what.
    With ``keep_unasked`` those of ``completion_ids`` that no judge was asked about stay in: the
    record of their writer speaks for them. Raises ValueError for judgments of several prompts.
    """
    prompt_ids = {judgment.prompt_id for judgment in judgments}
    if len(prompt_ids) > 1:
        raise ValueError(f"judgments of several prompts: {sorted(prompt_ids)}; rank one at a time")
    by_code = {name for name in {j.protocol for j in judgments} if is_by_code(name)}
    asked = [j for j in judgments if j.protocol not in by_code]
    judged = [j for j in asked if not j.missing]
    checks = [j for j in judgments if j.protocol in by_code and not _is_left_to_judges(j)]
    checked = {j.completion_ids[0]: j for j in checks if not j.missing}
    rankable = {i for j in (asked if keep_unjudged else judged) for i in j.completion_ids}
    if keep_unasked and completion_ids:
        rankable |= set(completion_ids) - {i for j in asked for i in j.completion_ids}
    if checks:
        rankable = rankable & checked.keys() if asked else set(checked)
    wanted = completion_ids or [i for j in judgments for i in j.completion_ids]
    place: dict[str, int] = {}
    for name in wanted:
        if name in rankable:
            place.setdefault(name, len(place))
    return Evidence(
        prompt_id=next(iter(prompt_ids), ""),
        completion_ids=tuple(place),
        cells=_collected([(j, _scores(j), j.score_sd) for j in judged], place),
        comparisons=tuple(_comparisons(judged, place)),
        checks={
            place[name]: CheckResult(j.score, j.weight)
            for name, j in checked.items()
            if j.score is not None and name in place
        },
        judged_weight=max((judgment.weight for judgment in judged), default=0.0),
        log_lengths=_log_lengths(place, texts) if texts else (),
        writers=tuple(writers.get(name, "") for name in place) if writers else (),
        rewards=_collected([(j, j.rewards, j.reward_sd) for j in judged if j.rewards], place),
    )


def _is_left_to_judges(judgment: Judgment) -> bool:
    return judgment.missing_kind == "left_to_judges"


def _log_lengths(names: Collection[str], texts: Mapping[str, str]) -> tuple[float, ...]:
    """Empty where a text is missing."""
    if not all(name in texts for name in names):
        return ()
    return tuple(math.log(len(texts[name]) + 1) for name in names)


def _scores(judgment: Judgment) -> tuple[float, ...]:
    if judgment.scores is not None:
        return judgment.scores
    return () if judgment.score is None else (judgment.score,)


def _collected(
    told: Sequence[tuple[Judgment, tuple[float, ...], float | None]], place: Mapping[str, int]
) -> tuple[Cell, ...]:
    """Of judgments with what each says of its completions, and the deviation that it states."""
    if not told:
        return ()
    scores: dict[tuple[str, int], list[float]] = defaultdict(list)
    variances: dict[tuple[str, int], float] = defaultdict(float)
    for judgment, given, stated_sd in told:
        if not given:
            continue
        for name, score in zip(judgment.completion_ids, given, strict=True):
            if name in place:
                cell = judgment.judge, place[name]
                scores[cell].append(score)
                variances[cell] += (stated_sd or 0.0) ** 2
    cells = sorted(scores.items())
    return tuple([Cell(*at, tuple(found), variances[at] / len(found)) for at, found in cells])


def _comparisons(judged: Iterable[Judgment], place: Mapping[str, int]) -> Iterable[Comparison]:
    told = [j for j in judged if j.verdict is not None and len(j.completion_ids) == 2]
    for judgment in sorted(told, key=lambda j: (j.judge, j.completion_ids, j.repeat, j.id)):
        first, second = judgment.completion_ids
        if first not in place or second not in place:
            continue
        parts = judgment.probabilities or _certain(judgment)
        yield Comparison(
            judgment.judge,
            place[first],
            place[second],
            parts.get("a", 0.0),
            parts.get("b", 0.0),
            parts.get("tie", 0.0),
        )


def _certain(judgment: Judgment) -> Mapping[str, float]:
    """A hesitant verdict is partly a tie."""
    if judgment.verdict == "tie" or judgment.strength is None:
        return {judgment.verdict or "tie": 1.0}
    share = _LEAST_STRENGTH + (1.0 - _LEAST_STRENGTH) * judgment.strength
    return {judgment.verdict or "tie": share, "tie": 1.0 - share}
