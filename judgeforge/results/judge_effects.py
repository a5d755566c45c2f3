"""Which evidence moved a pair: its confidence again, with each judge left out in turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import ValidationError

from judgeforge.errors import ConfigError
from judgeforge.ranking.confidence import probability_better
from judgeforge.ranking.rank import rank
from judgeforge.ranking.reliability.judges import PRIOR, Reliability
from judgeforge.records import Judgment, PreferencePair
from judgeforge.store.folder import RunFolder
from judgeforge.text.messages import Record
from judgeforge.text.wording import counted


class JudgeEffect(Record):
    judge: str
    judgments: int
    """Of the prompt, as far as they could be obtained."""
    confidence_without: float | None
    """P(chosen is better than rejected) from all other judgments; None where they do not rank both
    sides. It is the posterior's, before any calibration."""


def judge_effects(
    folder: RunFolder,
    pair: PreferencePair,
    judgments: Sequence[Judgment],
    texts: Mapping[str, str],
) -> tuple[JudgeEffect, ...]:
    """``judgments`` and ``texts`` (completion id -> text): all of the pair's prompt.

    Raises ConfigError for a damaged manifest.
    """
    reliability = run_reliability(folder)
    told = [one for one in judgments if not one.missing]
    return tuple(
        JudgeEffect(
            judge=judge,
            judgments=sum(one.judge == judge for one in told),
            confidence_without=_confidence(
                pair, [one for one in told if one.judge != judge], reliability, texts
            ),
        )
        for judge in dict.fromkeys(one.judge for one in told)
    )


def run_reliability(folder: RunFolder) -> Reliability:
    """What the run learnt of its judges. Raises ConfigError for a damaged manifest."""
    manifest = folder.read_manifest()
    known = manifest and manifest.reliability
    try:
        return Reliability.model_validate(known) if known else PRIOR
    except ValidationError as error:
        raise ConfigError(
            f"{folder.manifest_file}: its `reliability` is not as this judgeforge writes it "
            f"({counted(error.error_count(), 'mistake')}); use the version that made the folder"
        ) from error


def _confidence(
    pair: PreferencePair,
    judgments: Sequence[Judgment],
    reliability: Reliability,
    texts: Mapping[str, str],
) -> float | None:
    ranking = rank(judgments, reliability=reliability, texts=texts)
    sides = pair.provenance.chosen_id, pair.provenance.rejected_id
    if not set(sides) <= set(ranking.completion_ids):
        return None
    return probability_better(ranking, *sides)
