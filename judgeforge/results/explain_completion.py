"""Why a completion has the score that it has, also where it is in no pair.

So a single reward of a training can be looked up, by the id that `rewards.jsonl` gives it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from judgeforge.records import Judgment, Skip
from judgeforge.results.explain import (
    ExplainedCall,
    ExplainedSide,
    as_record,
    calls_of,
    rows_naming,
    rows_with,
    side_of,
)
from judgeforge.store.evidence_rows import judgment_fields
from judgeforge.store.folder import RunFolder
from judgeforge.store.json_lines import Row
from judgeforge.text.messages import Message, Record

_SIDES = ("chosen", "rejected")


class ExplainedCompletion(Record):
    prompt: tuple[Message, ...]
    side: ExplainedSide
    calls: tuple[ExplainedCall, ...]
    reason: str
    """Where it stands, in words: pairs that it is in, why it is in none, and rewards given."""


def explain_completion(path: Path, completion_id: str) -> ExplainedCompletion | None:
    """None where the folder has no such completion. Raises ConfigError where a file is damaged."""
    folder = RunFolder(path)
    if not folder.completions.is_file():
        return None
    rows = {
        str(row.get("id")): row
        for row in rows_naming(folder.completions, naming=completion_id.rpartition(".c")[0])
    }
    if completion_id not in rows:
        return None
    prompt_id = str(rows[completion_id].get("prompt_id"))
    judgments = [
        as_record(folder.judgments, Judgment, judgment_fields(row))
        for row in _of(folder.judgments, "prompt_id", prompt_id)
    ]
    side = side_of(folder.completions, rows, completion_id, judgments)
    pairs = list(_of(folder.pairs, "prompt_id", prompt_id))
    skips = list(_of(folder.skips, "prompt_id", prompt_id))
    asked = next((row for row in (*pairs, *skips) if row.get("prompt")), None)
    return ExplainedCompletion(
        prompt=() if asked is None else tuple(map(Message.model_validate, asked["prompt"])),
        side=side,
        calls=calls_of(folder.log, {"it": side}, None),
        reason="; ".join(_reasons(folder, completion_id, side, pairs, skips)),
    )


def _reasons(
    folder: RunFolder,
    name: str,
    side: ExplainedSide,
    pairs: Sequence[Row],
    skips: Sequence[Row],
) -> Iterator[str]:
    if side.score is None:
        yield "it has no score"
    elif side.score_sd is not None:
        yield f"its score is {side.score:.3f} ± {side.score_sd:.3f}"
    places = [
        f"{sides} in {pair['id']}"
        for pair in pairs
        for sides in _SIDES
        if pair["provenance"][f"{sides}_id"] == name
    ]
    if places:
        yield ", ".join(places)
    else:
        yield "it is in no pair" + "".join(_why(folder, row) for row in skips[:1] if not pairs)
    if given := list(_of(folder.rewards, "completion_id", name)):
        yield f"as a reward it was given as {', '.join(dict.fromkeys(map(_worded, given)))}"


def _why(folder: RunFolder, row: Row) -> str:
    skip = as_record(folder.skips, Skip, row)
    return f" ({skip.reason}: {skip.detail})"


def _of(file: Path, field: str, value: str) -> Iterator[Row]:
    return rows_with(file, field, value) if file.is_file() else iter(())


def _worded(row: Any) -> str:  # noqa: ANN401 (a row of JSON)
    step = "" if row.get("step") is None else f" at step {row['step']}"
    value, why = row.get("reward"), row.get("why")
    if value is None:
        return f"none{step} ({why})"
    return f"{value:.3f}{step}{f' ({why})' if why else ''}"
