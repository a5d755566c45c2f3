"""Evaluation of a panel of judges, or of probabilities alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from judgeforge.calibration.api import (
    checked_probabilities,
    labelled_prompt,
    labels_kind,
    labels_of,
)
from judgeforge.calibration.calibration import Calibration
from judgeforge.calibration.evaluation.evaluation import Evaluation, Item, JudgeFigures
from judgeforge.calibration.evaluation.judge_figures import judge_figures
from judgeforge.calibration.evaluation.statistics import (
    calibration_error,
    caution,
    cohen_kappa,
    reliability_table,
    wilson,
)
from judgeforge.calibration.fit import AsAsked, best_of, ranked, thought_best
from judgeforge.calibration.labels import Label, LabelKind, check_kind
from judgeforge.calibration.weights import Labelled
from judgeforge.ranking.distributions import Array
from judgeforge.ranking.evidence import read_evidence
from judgeforge.ranking.ranking import Ranking
from judgeforge.ranking.reliability.fit import fit_evidence
from judgeforge.ranking.reliability.judges import Reliability
from judgeforge.ranking.rules import PairingRules
from judgeforge.ranking.validation import judgments_by_prompt
from judgeforge.records import Judgment
from judgeforge.text.wording import expect

TIE = "tie"

_CALIBRATION = "judgeforge.calibrate gives one, and Calibration.model_validate_json reads one"


def evaluate(  # noqa: PLR0913 (what a script may bring)
    judgments: Iterable[Iterable[Judgment]],
    labels: Mapping[str, str | None] | Sequence[Label],
    *,
    calibration: Calibration | None = None,
    rules: PairingRules | None = None,
    reliability: Reliability | None = None,
    of: LabelKind | None = None,
    texts: Mapping[str, str] | None = None,
    latencies: Mapping[str, float] | None = None,
    as_asked: AsAsked | None = None,
) -> Evaluation:
    """Compare what judges say with what people say.

    The Evaluation holds the accuracy of the panel with its 95 % interval, kappa, calibration error
    and Brier score, and the accuracy and biases of each judge on its own.
    ``judgments``, ``labels``, ``of``, ``texts`` and ``as_asked`` are those of ``calibrate``. The
    panel ranks with ``calibration``, or with ``reliability``, or with what all these judgments tell
    of the judges without labels. ``rules``: those of the pairs to come, since for a certificate
    a calibration ranks otherwise. ``latencies``: median seconds of a call, by judge. Labels that a
    calibration was fitted on make it look better than it is.

    >>> said = [
    ...     [
    ...         judgeforge.Judgment(
    ...             id=f"{prompt}.{one}", prompt_id=prompt, completion_ids=(one,),
    ...             judge="j", protocol="pointwise", score=score,
    ...         )
    ...         for one, score in (("good", 0.8), ("bad", 0.4))
    ...     ]
    ...     for prompt in "abcd"
    ... ]
    >>> evaluation = judgeforge.evaluate(said, {"a": "good", "b": "good", "c": "good", "d": "bad"})
    >>> evaluation.n, evaluation.accuracy, evaluation.judges["j"].accuracy
    (4, 0.75, 0.75)

    Raises ValueError for no labels, and for one without judgments, and what ``rank`` raises.
    """
    expect(calibration, (Calibration, type(None)), "calibration", "a Calibration", _CALIBRATION)
    check_kind(of)
    by_prompt = judgments_by_prompt(judgments)
    labelled = [
        labelled_prompt(by_prompt[label.prompt_id], label, texts)
        for label in labels_of(labels, by_prompt)
    ]
    if not labelled:
        raise ValueError("there are no labels to compare with")
    if calibration is not None:
        reliability = calibration.instrument(rules).reliability
    known = reliability or fit_evidence([read_evidence(each) for each in by_prompt.values()])
    rankings = [ranked(one, known, as_asked) for one in labelled]
    if calibration is not None:
        rankings = [calibration.apply(ranking, rules) for ranking in rankings]
    asked = [each for one in labelled for each in by_prompt[one.label.prompt_id]]
    return _compared(
        list(zip(rankings, labelled, strict=True)),
        of=of or labels_kind(labelled),
        judges=judge_figures(labelled, asked, latencies),
        costs=[judgment.cost_usd for judgment in asked],
    )


def _compared(
    both: Sequence[tuple[Ranking, Labelled]],
    *,
    of: LabelKind,
    judges: Mapping[str, JudgeFigures],
    costs: Sequence[float | None],
) -> Evaluation:
    outcomes = np.array([best_of(ranking, one.label) for ranking, one in both])
    return _evaluation(
        [one.label.prompt_id for _, one in both],
        *outcomes.T,
        of=of,
        kappa=cohen_kappa(
            [_place(thought_best(ranking), one) for ranking, one in both],
            [_place(one.label.preferred, one) for _, one in both],
        ),
        judges=judges,
        cost_usd=None if None in costs else sum(cost or 0.0 for cost in costs),
    )


def evaluate_probabilities(
    probabilities: Sequence[float], right: Sequence[float], *, of: LabelKind = "best"
) -> Evaluation:
    """As ``evaluate``, for predictions from any source. ``right``: 1, 0, or 0.5 for a tie.

    Raises ValueError for lists of different length, without a value, or with one outside 0 to 1.
    """
    check_kind(of)
    said, truth = checked_probabilities(probabilities, right)
    if not len(said):
        raise ValueError("there are no probabilities to evaluate")
    names = [str(i) for i in range(len(said))]
    return _evaluation(names, said, truth, of=of, kappa=None, judges={}, cost_usd=0.0)


def _evaluation(
    prompt_ids: Sequence[str],
    probabilities: Array,
    right: Array,
    *,
    of: LabelKind,
    kappa: float | None,
    judges: Mapping[str, JudgeFigures],
    cost_usd: float | None,
) -> Evaluation:
    n, table = len(prompt_ids), reliability_table(probabilities, right)
    interval = wilson(float(right.sum()), n)
    return Evaluation(
        of=of,
        n=n,
        accuracy=float(right.mean()),
        accuracy_ci=interval,
        kappa=kappa,
        ece=calibration_error(table),
        brier=float(((probabilities - right) ** 2).mean()),
        reliability_table=table,
        judges=judges,
        cost_usd=cost_usd,
        items=tuple(
            Item(prompt_id=name, probability=float(p), right=float(y))
            for name, p, y in zip(prompt_ids, probabilities, right, strict=True)
        ),
        caution=caution(n, interval),
    )


def _place(best: Sequence[str], one: Labelled) -> str:
    """In the order of the prompt's completions."""
    return str(one.evidence.completion_ids.index(best[0])) if len(best) == 1 else TIE
