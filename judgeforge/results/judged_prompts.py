"""The prompts of a run with all completions that were judged, whether or not they are in a pair."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from judgeforge.errors import StoreError
from judgeforge.ranking.distributions import error_cdf
from judgeforge.records import Completion
from judgeforge.results.figures.run import PromptRows, prompts_of
from judgeforge.results.how_made import part
from judgeforge.store.evidence_rows import read_completion
from judgeforge.store.folder import RunFolder
from judgeforge.store.json_lines import read_rows
from judgeforge.text.messages import Message

KEPT = "keep"
"""Of ``pairing.thinking``: thoughts stand in what is trained on."""


@dataclass(frozen=True, slots=True)
class JudgedCompletion:
    completion: Completion
    message: Message
    score: float
    """Posterior mean, 0 to 1."""
    score_sd: float
    fails_required: bool = False
    """A required check says that it is bad, whatever its score."""
    by_design: float | None = None
    """P(it is good) of a side of a pair by design, which nobody judged: that of the pair."""

    def probability_above(self, threshold: float) -> float:
        """P(its quality is above ``threshold``), 0 to 1, by the law of the posterior."""
        if self.fails_required:
            return 0.0
        if self.by_design is not None:
            return self.by_design
        gap = self.score - threshold
        if self.score_sd <= 0:
            return 0.5 if gap == 0 else float(gap > 0)
        return float(error_cdf(np.asarray(gap / self.score_sd)))


@dataclass(frozen=True, slots=True)
class JudgedCompletions:
    prompt_id: str
    prompt: tuple[Message, ...]
    completions: tuple[JudgedCompletion, ...]
    """Best first; of completions that read the same only the first."""
    tools: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def row(self) -> dict[str, Any]:
        """What it has beside the completions, as a row of pairs has it."""
        return {
            "prompt": [message.model_dump(mode="json") for message in self.prompt],
            "tools": self.tools,
            "metadata": dict(self.metadata),
        }


def judged_prompts(folder: RunFolder) -> Iterator[JudgedCompletions]:
    """In input order. Raises StoreError where a file cannot be read, or lacks the prompts."""
    manifest = folder.read_manifest()
    keeps_thoughts = part(manifest.config if manifest else {}, "pairing", "thinking") == KEPT
    asked = AskedPrompts(folder)
    for rows in prompts_of(folder):
        found = _completions(rows, keeps_thoughts=keeps_thoughts)
        found = found or _by_design(rows, keeps_thoughts=keeps_thoughts)
        if found:
            source = asked.of(rows)
            yield JudgedCompletions(
                prompt_id=rows.prompt_id,
                prompt=tuple(Message.model_validate(turn) for turn in source["prompt"]),
                completions=tuple(found),
                tools=source.get("tools"),
                metadata=source.get("metadata") or {},
            )


class AskedPrompts:
    """What was asked: pairs have it, and skips.jsonl has it of prompts without one, in the same
    order."""

    def __init__(self, folder: RunFolder) -> None:
        self._file = folder.skips
        self._rows = read_rows(folder.skips, needs="prompt_id", containing=b'"prompt":')

    def of(self, rows: PromptRows) -> Mapping[str, Any]:
        """A row with ``prompt``, and ``tools`` and ``metadata`` where there are any; of a prompt
        without a pair the skip, with its reason."""
        if rows.pairs.rows:
            return rows.pairs.rows[0]
        prompt_id = rows.prompt_id
        for row in self._rows:
            if row["prompt_id"] == prompt_id:
                return row
        raise StoreError(
            f"{self._file}: does not say what was asked in the prompt `{prompt_id}`, which has no "
            "pair: the folder was written by an earlier version. Start `judgeforge run --force` on "
            "it with this one; replies come from the cache."
        )


def _completions(rows: PromptRows, *, keeps_thoughts: bool) -> list[JudgedCompletion]:
    failed = {row["completion_ids"][0] for row in rows.judgments.rows if row.get("failed_required")}
    found = [
        _judged(row, failed, keeps_thoughts=keeps_thoughts)
        for row in rows.completions.rows
        if row.get("score") is not None and not row.get("duplicate_of")
    ]
    return sorted(found, key=_best_first)


def _by_design(rows: PromptRows, *, keeps_thoughts: bool) -> list[JudgedCompletion]:
    """The sides of a pair that nobody judged: chosen is as likely good, and rejected bad, as the
    audit says that such a pair is right."""
    by_id = {row["id"]: row for row in rows.completions.rows}
    found = []
    for pair in rows.pairs.rows:
        audit, source = pair.get("audit") or {}, pair["provenance"]
        if audit.get("judged", True):
            continue
        for side in ("chosen", "rejected"):
            row = by_id[source[f"{side}_id"]] | {"score": pair[f"score_{side}"]}
            sure = float(pair["confidence"])
            good = sure if side == "chosen" else 1.0 - sure
            one = _judged(row, (), keeps_thoughts=keeps_thoughts)
            found.append(replace(one, by_design=good))
    return found


def _best_first(one: JudgedCompletion) -> tuple[bool, float, str]:
    """As a run ranks them: what fails a required check is below all that pass."""
    return one.fails_required, -one.score, one.completion.id


def _judged(
    row: Mapping[str, Any], failed: Sequence[str] | set[str], *, keeps_thoughts: bool
) -> JudgedCompletion:
    completion = read_completion(row)
    return JudgedCompletion(
        completion=completion,
        message=completion.message(with_reasoning=keeps_thoughts),
        score=float(row["score"]),
        score_sd=float(row.get("score_sd") or 0.0),
        fails_required=completion.id in failed,
    )
