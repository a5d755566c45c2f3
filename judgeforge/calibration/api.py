"""Calibration for scripts that bring their own judgments, or probabilities alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from judgeforge.calibration.calibration import Calibration, Instrument
from judgeforge.calibration.confidence_fit import fit_confidence
from judgeforge.calibration.fit import AsAsked, fit_calibration, label_results
from judgeforge.calibration.labels import Label, LabelKind, check_kind, check_number
from judgeforge.calibration.weights import Labelled
from judgeforge.ranking.distributions import Array
from judgeforge.ranking.evidence import read_evidence
from judgeforge.ranking.reliability.judges import PRIOR
from judgeforge.ranking.validation import judgments_by_prompt
from judgeforge.records import Judgment
from judgeforge.text.wording import expect

_MAPPING = "a mapping gives for each prompt id the id of its best completion, None for a tie"


def calibrate(
    judgments: Iterable[Iterable[Judgment]],
    labels: Mapping[str, str | None] | Sequence[Label],
    *,
    of: LabelKind | None = None,
    texts: Mapping[str, str] | None = None,
    allow_negative: bool = False,
    as_asked: AsAsked | None = None,
) -> Calibration:
    """Measure a panel of judges against labels.

    ``judgments``: a list for each prompt; prompts without a label tell of the judges too.
    ``labels``: by prompt id the completion that people prefer, None for a tie; or Label records.
    ``of``: what is labelled, "best" (of all completions) or "pair" (the better of two); without it
    "pair" where all labelled prompts have two completions. Two of a prompt's many completions are
    labelled with ``of="pair"`` and ``Label(prompt_id=…, parts={one: 1.0, other: 0.0})``, halves for
    a tie, and the judgments of all its completions: judged alone, two that were picked as the best
    and the worst look further apart than they are.
    ``texts`` (completion id -> text) lets length be corrected for where the labels support it.
    ``allow_negative``: a judge that people contradict may count against what it says. ``as_asked``
    (a function: prompt id, Reliability -> judgeforge.ranking.evidence.Evidence): where a cascade
    will stop early, what it will have asked. The Calibration says how much each judge counts and
    what its probabilities are worth: ``Calibration.apply`` corrects a ranking,
    ``Calibration.trust(rules)`` gives what ``select_pairs`` takes for ``max_error``.

    >>> said = [
    ...     [
    ...         judgeforge.Judgment(
    ...             id=f"{prompt}.{one}", prompt_id=prompt, completion_ids=(one,),
    ...             judge="j", protocol="pointwise", score=score,
    ...         )
    ...         for one, score in (("good", 0.8), ("bad", 0.4))
    ...     ]
    ...     for prompt in map(str, range(40))
    ... ]
    >>> labels = {one[0].prompt_id: "good" for one in said}
    >>> calibration = judgeforge.calibrate(said, labels)
    >>> calibration.of, calibration.labels
    ('pair', 40)
    >>> ranking = judgeforge.rank(said[0], reliability=calibration.labelled.reliability)
    >>> calibration.apply(ranking).p_best[0] > 0.9
    True

    Raises TooFewLabelsError (a ValueError) below 20 labelled prompts, ValueError for another ``of``
    and for labels without their judgments, and what ``rank`` raises for wrong judgments.
    """
    check_kind(of)
    by_prompt = judgments_by_prompt(judgments)
    named = labels_of(labels, by_prompt)
    labelled = [labelled_prompt(by_prompt[label.prompt_id], label, texts) for label in named]
    known = {label.prompt_id for label in named}
    return fit_calibration(
        labelled,
        of=of or labels_kind(labelled),
        unlabelled=[
            read_evidence(one, texts=texts) for name, one in by_prompt.items() if name not in known
        ],
        allow_negative=allow_negative,
        as_asked=as_asked,
    )


def calibrate_probabilities(
    probabilities: Sequence[float], right: Sequence[float], *, of: LabelKind = "best"
) -> Calibration:
    """A calibration of probabilities from any source, without knowing the judges.

    ``probabilities``: that each prediction is right, 0 to 1. ``right``, as many: 1 where it was, 0
    where not, 0.5 for a tie. Raises TooFewLabelsError (a ValueError) below 20, and ValueError for
    values outside 0 to 1.
    """
    check_kind(of)
    believed, truth = checked_probabilities(probabilities, right)
    check_number(len(believed))
    confidence = fit_confidence(believed, truth).expected
    instrument = Instrument(reliability=PRIOR, confidence=confidence)
    names = [str(i) for i in range(len(believed))]
    return Calibration(
        of=of,
        labelled=instrument,
        blind=instrument,
        results=label_results(names, believed, truth, np.stack([believed, truth], axis=1)),
    )


def labelled_prompt(
    judgments: Sequence[Judgment], label: Label, texts: Mapping[str, str] | None = None
) -> Labelled:
    """Raises ValueError where the label names a completion that has no judgment."""
    evidence = read_evidence(judgments, texts=texts)
    unknown = sorted(set(label.parts) - set(evidence.completion_ids))
    if unknown:
        raise ValueError(
            f"the label of prompt `{label.prompt_id}` names `{unknown[0]}`, which has no judgment; "
            f"judged are {', '.join(evidence.completion_ids) or 'none'}"
        )
    return Labelled(evidence, label, tuple(one for one in judgments if one.failed_required))


def labels_kind(labelled: Sequence[Labelled]) -> LabelKind:
    """What is labelled, where the caller does not say."""
    return "pair" if all(len(one.evidence.completion_ids) == 2 for one in labelled) else "best"


def labels_of(
    labels: Mapping[str, str | None] | Sequence[Label], by_prompt: Mapping[str, Sequence[Judgment]]
) -> list[Label]:
    """Raises ValueError for a label whose prompt has no judgments, TypeError for a wrong type."""
    _expect_labels(labels)
    names = list(labels) if isinstance(labels, Mapping) else [one.prompt_id for one in labels]
    unknown = sorted(set(names) - set(by_prompt))
    if unknown:
        raise ValueError(f"prompt `{unknown[0]}` is labelled but has no judgments")
    if not isinstance(labels, Mapping):
        return list(labels)
    return [
        Label.tie(name, read_evidence(by_prompt[name]).completion_ids)
        if best is None
        else Label.of(name, best)
        for name, best in labels.items()
    ]


def _expect_labels(labels: object) -> None:
    expect(labels, (Mapping, Sequence), "labels", "a mapping or a list of Labels", _MAPPING)
    if isinstance(labels, Mapping):
        for name, best in labels.items():
            expect(name, str, "a key of labels", "the id of a prompt, as the judgments have it")
            expected = "the id of a completion, or None for a tie"
            expect(best, (str, type(None)), f"labels[{name!r}]", expected)
    elif isinstance(labels, Sequence):
        for place, one in enumerate(labels):
            expect(one, Label, f"labels[{place}]", "a judgeforge.Label", _MAPPING)


def checked_probabilities(
    probabilities: Sequence[float], right: Sequence[float]
) -> tuple[Array, Array]:
    """Raises ValueError for lists of different length, or with a value outside 0 to 1."""
    said, truth = np.array(probabilities, float), np.array(right, float)
    if said.shape != truth.shape or said.ndim != 1:
        raise ValueError("probabilities and right must be equally long lists of numbers")
    if not all(((values >= 0) & (values <= 1)).all() for values in (said, truth)):
        raise ValueError("probabilities and right must be from 0 to 1")
    return said, truth
