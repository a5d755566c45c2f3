"""One judge on its own: accuracy, biases, ties, what it left unsaid."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np

from judgeforge.calibration.evaluation.evaluation import JudgeFigures
from judgeforge.calibration.evaluation.statistics import wilson
from judgeforge.calibration.weights import Labelled
from judgeforge.ranking.distributions import Array
from judgeforge.ranking.evidence import Comparison, leads_by_order
from judgeforge.ranking.protocols import is_by_code
from judgeforge.records import Judgment, MissingKind

_EQUAL = 1e-9
_REFUSED: tuple[MissingKind, ...] = ("refused", "withheld")
_NO_REPLY: tuple[MissingKind, ...] = ("failed", "unsuited", "too_long", "input_cut", "cut")


def judge_figures(
    labelled: Sequence[Labelled],
    judgments: Iterable[Judgment],
    latencies: Mapping[str, float] | None = None,
) -> dict[str, JudgeFigures]:
    """``judgments``: of the labelled prompts, missing ones too. ``latencies``: median seconds of a
    call, by judge."""
    asked: dict[str, list[Judgment]] = defaultdict(list)
    for judgment in judgments:
        if not is_by_code(judgment.protocol):
            asked[judgment.judge].append(judgment)
    return {
        name: _figures(name, labelled, asked[name], (latencies or {}).get(name))
        for name in sorted(asked)
    }


def _figures(
    judge: str, labelled: Sequence[Labelled], asked: Sequence[Judgment], latency: float | None
) -> JudgeFigures:
    opinions = [(one, opinion(one, judge)) for one in labelled]
    told = [(one, values) for one, values in opinions if values is not None]
    right = [_right(one, values) for one, values in told]
    verdicts = [each for one, _ in told for each in one.evidence.comparisons if each.judge == judge]
    costs = [judgment.cost_usd for judgment in asked]
    why = Counter(judgment.missing_kind or "unread" for judgment in asked if judgment.missing)
    refusals, failed = (sum(why[kind] for kind in kinds) for kinds in (_REFUSED, _NO_REPLY))
    return JudgeFigures(
        n=len(told),
        accuracy=sum(right) / len(right) if right else None,
        accuracy_ci=wilson(sum(right), len(right)) if right else None,
        position_bias=_position_bias(verdicts),
        length_bias=_length_bias(told),
        order_flips=_order_flips(labelled, judge),
        ties=_ties(verdicts, [values for _, values in told]),
        refusals=refusals,
        unread=why.total() - refusals - failed,
        failed=failed,
        cost_usd=None if None in costs else sum(cost or 0.0 for cost in costs),
        latency_s=latency,
    )


def opinion(one: Labelled, judge: str) -> Array | None:
    """(completions that are labelled,): what the judge thinks of each, any scale; None where it is
    silent."""
    n = len(one.evidence.completion_ids)
    values, heard = np.zeros(n), np.zeros(n, dtype=bool)
    for cell in (*one.evidence.cells, *one.evidence.rewards):
        if cell.judge == judge:
            values[cell.place], heard[cell.place] = cell.mean, True
    for each in one.evidence.comparisons:
        if each.judge == judge:
            values[each.first] += each.lead
            values[each.second] -= each.lead
            heard[[each.first, each.second]] = True
    found = np.where(heard, values, -np.inf)[one.places]
    return found if np.isfinite(found).sum() > 1 else None


def _right(one: Labelled, values: Array) -> float:
    top = values >= values.max() - _EQUAL
    return float(one.parts[top].mean())


def _position_bias(verdicts: Sequence[Comparison]) -> float | None:
    first = sum(each.prefers_first for each in verdicts)
    decided = first + sum(each.prefers_second for each in verdicts)
    return first / decided - 0.5 if decided else None


def _ties(verdicts: Sequence[Comparison], opinions: Sequence[Array]) -> float | None:
    if verdicts:
        return sum(each.tie for each in verdicts) / len(verdicts)
    tops = [(values >= values.max() - _EQUAL).sum() > 1 for values in opinions]
    return float(np.mean(tops)) if tops else None


def _order_flips(labelled: Sequence[Labelled], judge: str) -> float | None:
    flips = [
        sum(ahead) * sum(behind) < 0.0
        for one in labelled
        for (name, _), (ahead, behind) in leads_by_order(one.evidence.comparisons).items()
        if name == judge and ahead and behind
    ]
    return float(np.mean(flips)) if flips else None


def _length_bias(told: Sequence[tuple[Labelled, Array]]) -> float | None:
    """Over pairs of different length of which people prefer one."""
    differences = [
        difference
        for one, values in told
        if one.evidence.log_lengths
        for difference in _length_preferences(one, values)
    ]
    return float(np.mean(differences)) if differences else None


def _length_preferences(one: Labelled, values: Array) -> Iterator[float]:
    lengths = [one.evidence.log_lengths[place] for place in one.places]
    parts = one.parts
    for i, k in combinations(range(len(parts)), 2):
        if (
            lengths[i] == lengths[k]
            or parts[i] == parts[k]
            or not np.isfinite(values[[i, k]]).all()
        ):
            continue
        longer, shorter = (i, k) if lengths[i] > lengths[k] else (k, i)
        judge = 0.5 + 0.5 * float(np.sign(values[longer] - values[shorter]))
        yield judge - float(parts[longer] > parts[shorter])
