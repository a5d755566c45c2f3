"""Which evidence moved a pair: its confidence again, with each judge left out in turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import ValidationError

from judgeforge.errors import ConfigError
from judgeforge.ranking.confidence import gap_of, probability_better
from judgeforge.ranking.rank import rank
from judgeforge.ranking.ranking import Ranking
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


class RecordEffect(Record):
    """What the records of the two writers did to the confidence."""

    gap: float
    """How much better the writer of chosen is by its record, in points of quality."""
    share: float
    """Of the evidence on which of the two is better, 0 to 1: information (inverse variance) of the
    records over that of records and judgments together."""
    confidence_without: float | None
    """P(chosen is better) from the judgments alone; None where they do not rank both sides."""


def record_effect(
    reliability: Reliability,
    pair: PreferencePair,
    judgments: Sequence[Judgment],
    texts: Mapping[str, str],
    writers: Mapping[str, str],
) -> RecordEffect | None:
    """None where no record counts. ``writers`` (completion id -> name): of all that were ranked."""
    chosen_id, rejected_id = pair.provenance.chosen_id, pair.provenance.rejected_id
    records = [reliability.record(writers.get(one, "")) for one in (chosen_id, rejected_id)]
    if not any(records):
        return None
    blind = reliability.model_copy(update={"writers": ()})

    def ranked(told: Sequence[Judgment]) -> Ranking:
        return rank(
            told,
            completion_ids=tuple(writers),
            reliability=reliability,
            texts=texts,
            writers=writers,
        )

    return RecordEffect(
        gap=sum(
            sign * one.mean
            for sign, one in zip((1.0, -1.0), records, strict=True)
            if one is not None
        ),
        share=_share(
            ranked([]),
            ranked([one for one in judgments if not one.missing]),
            chosen_id,
            rejected_id,
        ),
        confidence_without=_confidence(pair, judgments, blind, texts),
    )


def _share(records: Ranking, everything: Ranking, chosen_id: str, rejected_id: str) -> float:
    def information(ranking: Ranking) -> float:
        places = [ranking.completion_ids.index(one) for one in (chosen_id, rejected_id)]
        _, variance, before = gap_of(ranking, places[0], places[1])
        return max(0.0, 1.0 / variance - 1.0 / before) if variance > 0 else 0.0

    every = information(everything)
    return min(1.0, information(records) / every) if every > 0 else 1.0


def judge_effects(
    reliability: Reliability,
    pair: PreferencePair,
    judgments: Sequence[Judgment],
    texts: Mapping[str, str],
    writers: Mapping[str, str],
) -> tuple[JudgeEffect, ...]:
    """``judgments``, ``texts`` and ``writers`` (by completion id): all of the pair's prompt."""
    told = [one for one in judgments if not one.missing]
    return tuple(
        JudgeEffect(
            judge=judge,
            judgments=sum(one.judge == judge for one in told),
            confidence_without=_confidence(
                pair, [one for one in told if one.judge != judge], reliability, texts, writers
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
    writers: Mapping[str, str] | None = None,
) -> float | None:
    ranking = rank(
        judgments,
        completion_ids=tuple(writers) if writers and reliability.writers else None,
        reliability=reliability,
        texts=texts,
        writers=writers,
    )
    sides = pair.provenance.chosen_id, pair.provenance.rejected_id
    if not set(sides) <= set(ranking.completion_ids):
        return None
    return probability_better(ranking, *sides)
