"""How one prompt ended, as the lines that go into the files of the run folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from judgeforge.ranking.ranking import Ranking
from judgeforge.records import Completion, Judgment, PreferencePair, Skip, SkipReason
from judgeforge.store.evidence_rows import OF_RANKING

FILES = ("pairs", "completions", "judgments", "skips")
_ENCODER = json.JSONEncoder(ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class FinishedPrompt:
    """``lines``: the finished JSON lines for each of ``FILES``."""

    prompt_id: str
    digest: str
    lines: Mapping[str, Sequence[str]]
    skip_reason: SkipReason | None

    @property
    def pairs(self) -> int:
        return len(self.lines["pairs"])


def finished_prompt(
    *,
    prompt_id: str,
    digest: str,
    completions: Sequence[Completion] = (),
    judgments: Sequence[Judgment] = (),
    ranking: Ranking | None = None,
    pairs: Sequence[PreferencePair] = (),
    skip: Skip | None = None,
    left_out: Sequence[Skip] = (),
) -> FinishedPrompt:
    """A prompt ends with pairs or with exactly one skip. ``left_out``: what one with pairs ends
    with where all that is judged shows that they do not count: not among the best of the run
    (``best_pairs``), or not shown to be better (``audited_pairs``)."""
    if bool(pairs) == (skip is not None):
        raise ValueError(f"{prompt_id}: a prompt ends with pairs or with one skip")
    return FinishedPrompt(
        prompt_id=prompt_id,
        digest=digest,
        lines={
            "pairs": [pair.model_dump_json() for pair in pairs],
            "completions": [_completion_line(one, ranking) for one in completions],
            "judgments": [judgment.model_dump_json() for judgment in judgments],
            "skips": [one.model_dump_json() for one in ([skip] if skip else left_out)],
        },
        skip_reason=None if skip is None else skip.reason,
    )


def _completion_line(completion: Completion, ranking: Ranking | None) -> str:
    row = completion.model_dump(mode="json")
    call = row.pop("call")
    row["flags"] = completion.flags
    row |= dict.fromkeys(OF_RANKING)
    place = _place(completion, ranking)
    if ranking is not None and place is not None:
        row["score"] = ranking.score(place)
        row["score_sd"] = ranking.covariance[place][place] ** 0.5
        row["p_best"] = ranking.p_best[place]
    row["call"] = call
    return _ENCODER.encode(row)


def _place(completion: Completion, ranking: Ranking | None) -> int | None:
    """A duplicate shares the scores of the completion that was judged for it."""
    if ranking is None:
        return None
    for wanted in (completion.id, completion.duplicate_of):
        if wanted in ranking.completion_ids:
            return ranking.completion_ids.index(wanted)
    return None
