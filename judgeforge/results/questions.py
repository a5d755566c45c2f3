"""What is still in doubt in a run, as questions for people, programs or another machine.

A line is one question. With an answer added (``judge`` and ``verdict``, ``best``, ``score`` or
``scores``) it is a row of the file that `judging.judgments` reads.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any

from judgeforge.errors import ConfigError
from judgeforge.ranking.confidence import outcome
from judgeforge.ranking.rank import rank
from judgeforge.ranking.reliability.judges import Reliability
from judgeforge.records import Completion, SkipReason
from judgeforge.results.figures.run import PromptRows, prompts_of
from judgeforge.results.judge_effects import run_reliability
from judgeforge.results.judged_prompts import AskedPrompts
from judgeforge.results.own_criteria import criteria_in_words
from judgeforge.store.atomic_files import chosen_place, make_folder, replacing
from judgeforge.store.evidence_rows import read_completion, read_judgment
from judgeforge.store.folder import RunFolder, why_no_run_folder
from judgeforge.store.own_criteria import FIELD, kept_criteria
from judgeforge.text.tool_calls import said_text
from judgeforge.text.wording import counted

COIN = 0.5
"""The doubt where nothing is known."""
_IN_MEMORY = 2**24
_SUFFIX = ".jsonl"
_RANKED = frozenset(
    {SkipReason.TIE, SkipReason.BELOW_CONFIDENCE, SkipReason.ABOVE_MAX_ERROR},
)
"""Skips for want of certainty: an answer about best and worst may make a pair."""
_UNJUDGED = frozenset({SkipReason.NOT_JUDGED, SkipReason.TOO_FEW_JUDGED})
_OF_TWO = "Which of the two completions is the better answer? `verdict`: a (the first), b or tie."
_OF_ALL = (
    "Which completion is the best answer? `best`: its id, or its place from 0; or `scores`, 0 to "
    "1, one for each in this order."
)


@dataclass(frozen=True, slots=True)
class QuestionsSummary:
    file: Path
    asked: int
    left_out: int
    """In doubt as well, but beyond the number that was asked for."""

    def line(self) -> str:
        rest = f"; {self.left_out} more are in doubt" if self.left_out else ""
        return f"wrote {self.file}: {counted(self.asked, 'question')}{rest}"


@dataclass(frozen=True, slots=True)
class _Doubt:
    """``doubt``: the probability that what the run says now is wrong, 0 to 0.5."""

    doubt: float
    why: str
    ids: tuple[str, ...]
    has_pair: bool


def write_questions(
    folder: Path, *, to: Path, most: int | None = None, least_doubt: float = 0.05, force: bool
) -> QuestionsSummary:
    """Write what is in doubt with at least ``least_doubt`` (0 to 0.5), ``most`` questions of it.

    Those that matter most come first: by the probability that what the run says is wrong, and of
    equal ones those whose prompt has no pair yet. Raises ConfigError (folder or place are wrong) or
    StoreError (a file cannot be read, or the disk fails).
    """
    source = RunFolder(folder)
    if not source.completions.is_file():
        raise ConfigError(why_no_run_folder(folder, lacks=source.completions.name))
    if to.suffix != _SUFFIX:
        raise ConfigError(f"{to}: questions are JSON lines; name it {to.with_suffix(_SUFFIX).name}")
    if to.exists() and not force:
        raise ConfigError(f"{to} exists already. Choose another place, or use --force.")
    places: list[tuple[tuple[float, bool, int], int, int]] = []
    with SpooledTemporaryFile(_IN_MEMORY) as waiting:
        for number, (doubt, row) in enumerate(_questions(source, least_doubt)):
            line = json.dumps(row, ensure_ascii=False).encode() + b"\n"
            key = (-doubt.doubt, doubt.has_pair, number)
            places.append((key, waiting.tell(), len(line)))
            waiting.write(line)
        chosen = sorted(places)[:most]
        with chosen_place(to):
            make_folder(to.parent)
            with replacing(to) as file:
                for _, offset, length in chosen:
                    waiting.seek(offset)
                    file.write(waiting.read(length))
    return QuestionsSummary(to, len(chosen), len(places) - len(chosen))


def _questions(folder: RunFolder, least: float) -> Iterator[tuple[_Doubt, Mapping[str, Any]]]:
    reliability, asked = run_reliability(folder), AskedPrompts(folder)
    manifest = folder.read_manifest()
    criteria = manifest.criteria if manifest else {}
    for rows in prompts_of(folder):
        completions = {one.id: one for one in map(read_completion, rows.completions.rows)}
        if sum(one.is_usable for one in completions.values()) < 2:
            continue
        source = asked.of(rows)
        for doubt in _doubts(rows, source, completions, reliability):
            if doubt.doubt >= least:
                yield doubt, _row(rows.prompt_id, source, completions, doubt, criteria)


def _doubts(
    rows: PromptRows,
    source: Mapping[str, Any],
    completions: Mapping[str, Completion],
    reliability: Reliability,
) -> Iterator[_Doubt]:
    for pair in rows.pairs.rows:
        sides = (pair["provenance"]["chosen_id"], pair["provenance"]["rejected_id"])
        why = f"confidence {pair['confidence']:.2f} of the pair {pair['id']}"
        wrong = 1.0 - pair["confidence"] - (pair.get("p_tie") or 0.0)
        yield _Doubt(max(0.0, wrong), why, sides, has_pair=True)
    if rows.pairs.rows:
        return
    reason = source.get("reason")
    if reason in _UNJUDGED:
        usable = tuple(one.id for one in completions.values() if one.is_usable)
        yield _Doubt(COIN, str(reason), usable, has_pair=False)
    if reason in _RANKED:
        yield from _of_ranking(rows, completions, reliability, str(reason))


def _of_ranking(
    rows: PromptRows,
    completions: Mapping[str, Completion],
    reliability: Reliability,
    reason: str,
) -> Iterator[_Doubt]:
    """About the best and the worst, as the run ranked them."""
    texts = {name: said_text(one.text, one.tool_calls) for name, one in completions.items()}
    judgments = [read_judgment(row) for row in rows.judgments.rows]
    ranking = rank(judgments, reliability=reliability, texts=texts)
    order = sorted(zip(ranking.scores, ranking.completion_ids, strict=True))
    if len(order) < 2:
        return
    (_, worst), (_, best) = order[0], order[-1]
    found = outcome(ranking, best, worst)
    yield _Doubt(min(found.better, found.worse), reason, (best, worst), has_pair=False)


def _row(
    prompt_id: str,
    source: Mapping[str, Any],
    completions: Mapping[str, Completion],
    doubt: _Doubt,
    criteria: Mapping[str, str],
) -> Mapping[str, Any]:
    shown = _in_drawn_order(doubt.ids)
    own = kept_criteria(source.get(FIELD))
    own_asked = {one.name: one.asks for one in criteria_in_words(own.criteria if own else ())}
    by = "".join(f" {name}: {question}" for name, question in {**criteria, **own_asked}.items())
    return {
        "prompt_id": prompt_id,
        "prompt": source["prompt"],
        **({"tools": source["tools"]} if source.get("tools") else {}),
        "completions": [_shown(completions[name]) for name in shown],
        "ask": (_OF_TWO if len(shown) == 2 else _OF_ALL) + by,
        "why": doubt.why,
        "doubt": round(doubt.doubt, 6),
    }


def _shown(completion: Completion) -> Mapping[str, Any]:
    """Without its model: who judges should not know it."""
    calls = [call.model_dump() for call in completion.tool_calls]
    return {
        "id": completion.id,
        "text": completion.text,
        **({"tool_calls": calls} if calls else {}),
    }


def _in_drawn_order(ids: Sequence[str]) -> list[str]:
    """The same each time, and not by rank: who judges must not see what the run believes."""
    return sorted(ids, key=lambda name: hashlib.sha256(name.encode()).digest())
