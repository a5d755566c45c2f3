"""Why a pair is what it is: everything about it, gathered from a run folder.

The files are read line by line and only what belongs to the pair is kept.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from judgeforge.errors import ConfigError, StoreError
from judgeforge.records import Completion, Judgment, PreferencePair
from judgeforge.results.figures.criteria import LEAST_DIFFERENCE, criterion_means
from judgeforge.results.judge_effects import (
    JudgeEffect,
    RecordEffect,
    judge_effects,
    record_effect,
    run_reliability,
)
from judgeforge.store.evidence_rows import OF_RANKING, completion_fields, judgment_fields
from judgeforge.store.folder import RunFolder, why_no_run_folder
from judgeforge.store.json_lines import Row, read_log, read_rows
from judgeforge.store.own_criteria import KeptCriteria, kept_criteria
from judgeforge.text.messages import Record
from judgeforge.text.same_reading import text_as_read
from judgeforge.text.tool_calls import row_said_text
from judgeforge.text.wording import did_you_mean, first_problem, listed

R = TypeVar("R", bound=Record)

_SHOWN_IDS = 5
_KEPT_IDS = 10_000
"""Among this many ids a misspelled one is looked for."""


class ExplainedCall(Record):
    """One call as the log has it; the figures are those of the attempt that brought the reply.

    ``attempts`` is 0 where no line of the log knows the call: an earlier run paid for it and the
    reply came from the cache. ``latency_s`` is in seconds.
    """

    key: str
    purpose: str
    """What it was made for, as ``judge small on chosen``."""
    cost_usd: float | None
    """None where the price of the model is unknown."""
    model: str | None = None
    attempts: int = 0
    latency_s: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    outcome: str | None = None
    batch: str | None = None
    """The provider's id of the batch that brought the reply; None where it was asked alone."""
    failures: tuple[str, ...] = ()
    """Why earlier attempts brought nothing."""


class ExplainedSide(Record):
    """A completion of the pair and what every judge said of it."""

    completion: Completion
    score: float | None
    score_sd: float | None
    p_best: float | None
    judgments: tuple[Judgment, ...]
    """Those that could not be obtained too: they have ``missing`` set."""


class Explanation(Record):
    pair: PreferencePair
    chosen: ExplainedSide
    rejected: ExplainedSide
    completions: int
    """How many the prompt has, usable or not."""
    calls: tuple[ExplainedCall, ...]
    effects: tuple[JudgeEffect, ...]
    """What each judge's evidence did to the confidence."""
    records: RecordEffect | None
    """What the writers' records did to it; None where they are not evidence."""
    reason: str
    own_criteria: KeptCriteria | None = None
    """Those that only this prompt was judged by."""


def explain(path: Path, pair_id: str) -> Explanation:
    """Raises ConfigError where there is no such folder or pair, or a file is damaged."""
    folder = RunFolder(path)
    if not folder.pairs.is_file():
        raise ConfigError(why_no_run_folder(path, lacks=folder.pairs.name))
    folder.refuse_odd_files()
    pair = _find_pair(folder, pair_id)
    completions = rows_with(folder.completions, "prompt_id", pair.prompt_id)
    rows = {str(row.get("id")): row for row in completions}
    of_prompt = [
        as_record(folder.judgments, Judgment, judgment_fields(row))
        for row in rows_with(folder.judgments, "prompt_id", pair.prompt_id)
    ]
    own = _own_criteria(folder.pairs, pair)
    chosen = side_of(folder.completions, rows, pair.provenance.chosen_id, of_prompt)
    rejected = side_of(folder.completions, rows, pair.provenance.rejected_id, of_prompt)
    reliability = run_reliability(folder)
    texts = {name: row_said_text(row) for name, row in rows.items()}
    writers = {
        name: str(row["model"])
        for name, row in rows.items()
        if row.get("score") is not None and not row.get("duplicate_of")
    }
    return Explanation(
        pair=pair,
        chosen=chosen,
        rejected=rejected,
        completions=len(rows),
        calls=calls_of(folder.log, {"chosen": chosen, "rejected": rejected}, own),
        own_criteria=own,
        effects=judge_effects(reliability, pair, of_prompt, texts, writers),
        records=record_effect(reliability, pair, of_prompt, texts, writers),
        reason=_reason(pair, chosen, rejected, len(rows), _faults(folder, own)),
    )


def _find_pair(folder: RunFolder, pair_id: str) -> PreferencePair:
    file = folder.pairs
    ids: deque[str] = deque(maxlen=_KEPT_IDS)
    of_prompt: list[str] = []
    alike: list[dict[str, Any]] = []
    for row in rows_naming(file):
        if row.get("id") == pair_id:
            return as_record(file, PreferencePair, row)
        if text_as_read(str(row.get("id"))) == text_as_read(pair_id):
            alike.append(row)
        ids.append(str(row.get("id")))
        if row.get("prompt_id") == pair_id:
            of_prompt.append(ids[-1])
    if len(alike) == 1:
        return as_record(file, PreferencePair, alike[0])
    raise ConfigError(f"{file}: {_no_such_pair(folder, pair_id, ids, of_prompt)}")


def _no_such_pair(
    folder: RunFolder, pair_id: str, ids: Sequence[str], of_prompt: Sequence[str]
) -> str:
    for row in rows_naming(folder.judgments, naming=pair_id):
        if row.get("id") == pair_id:
            shown = listed((f"`{one}`" for one in row.get("completion_ids", ())), _SHOWN_IDS)
            return f"`{pair_id}` is a judgment, which is explained with what it is about: {shown}"
    message = f"no pair has the id `{pair_id}`"
    if of_prompt:
        return f"{message}; the pairs of this prompt are: {', '.join(of_prompt[:_SHOWN_IDS])}"
    asked = pair_id.rpartition(".p")[0]
    gave_some = f"{asked}.p0" in ids  # and another row with its id was skipped
    for row in () if gave_some else rows_naming(folder.skips, naming=asked):
        if row.get("prompt_id") in {pair_id, asked}:
            return f"{message}; its prompt gave none: {row.get('reason')} ({row.get('detail')})"
    if not ids:
        return f"{message}; the run has no pairs at all, skips.jsonl says why"
    return f"{message}{did_you_mean(pair_id, ids) or '.'} There are: {listed(ids, _SHOWN_IDS)}"


def side_of(
    file: Path, rows: Mapping[str, Row], name: str, judgments: Sequence[Judgment]
) -> ExplainedSide:
    row = rows.get(name)
    if row is None:
        raise ConfigError(
            f"{file}: the completion `{name}` of the pair is missing. The file was changed after "
            "the run; restore it, or run again (paid replies come from the cache)."
        )
    fields = {
        "completion": as_record(file, Completion, completion_fields(row)),
        "judgments": [each for each in judgments if name in each.completion_ids],
        **{key: row.get(key) for key in OF_RANKING},
    }
    return as_record(file, ExplainedSide, fields)


def _own_criteria(file: Path, pair: PreferencePair) -> KeptCriteria | None:
    try:
        return kept_criteria(pair.own_criteria)
    except ValidationError as error:
        raise ConfigError(
            f"{file}: the own criteria of `{pair.id}` are not as this judgeforge writes them "
            f"({first_problem(error)}); use the version that made the folder"
        ) from error


def calls_of(
    log: Path, sides: Mapping[str, ExplainedSide], own: KeptCriteria | None
) -> tuple[ExplainedCall, ...]:
    """The calls that made and judged both sides, with what the log knows of each."""
    calls: dict[str, ExplainedCall] = {}
    parts: set[str] = set()
    if own is not None:
        parts.update(own.calls if len(own.calls) > 1 else ())
        calls.update((call.key, call) for call in _written_by(own))
    for name, side in sides.items():
        answer = side.completion
        made = [(answer.call, f"answer ({name})", answer.cost_usd)]
        for one in side.judgments:
            # What several calls cost together is split by what the log says of each.
            parts.update(one.calls)
            cost = None if one.calls else one.cost_usd
            made += _own_answer(one)
            made += [(key, f"judge {one.judge} on {name}", cost) for key in one.call_keys]
        for key, purpose, cost in made:
            if key is not None and key not in calls:
                calls[key] = ExplainedCall(key=key, purpose=purpose, cost_usd=cost)
    for row in read_log(log, containing=b'"call"'):
        if row.get("event") != "call" or row.get("key") not in calls:
            continue
        call = _with_attempt(calls[row["key"]], row)
        if call.key in parts:
            call = call.model_copy(update={"cost_usd": row.get("cost_usd")})
        calls[call.key] = call
    return tuple(calls.values())


def _written_by(own: KeptCriteria) -> Iterator[ExplainedCall]:
    cost = own.cost_usd if len(own.calls) == 1 else None
    for key in own.calls:
        yield ExplainedCall(key=key, purpose="criteria of the prompt", cost_usd=cost)


def _own_answer(judgment: Judgment) -> Iterator[tuple[str, str, float | None]]:
    """The call, what for, and its cost, where the judge answered the prompt itself."""
    if judgment.own_answer is not None:
        key, cost = judgment.own_answer
        yield key, f"own answer of judge {judgment.judge}", cost


def _with_attempt(call: ExplainedCall, row: Mapping[str, Any]) -> ExplainedCall:
    changes: dict[str, Any] = {"attempts": call.attempts + 1, "model": row.get("model")}
    if row.get("output_tokens") is None:
        failure = str(row.get("error") or row.get("outcome"))
        return call.model_copy(update={**changes, "failures": (*call.failures, failure)})
    told = ("latency_s", "input_tokens", "output_tokens", "outcome", "batch")
    return call.model_copy(update={**changes, **{name: row.get(name) for name in told}})


def _reason(
    pair: PreferencePair,
    chosen: ExplainedSide,
    rejected: ExplainedSide,
    completions: int,
    faults: Collection[str],
) -> str:
    gaps = _criterion_gaps(chosen, rejected, faults)
    telling = [f"{name} ({gap:+.2f})" for name, gap in gaps if abs(gap) >= LEAST_DIFFERENCE]
    by = f", mostly by {', '.join(telling[:3])}" if telling else ""
    return (
        f"Of {completions} completions, chosen scores {pair.score_chosen:.2f} and rejected "
        f"{pair.score_rejected:.2f}{by}; chosen is better with a probability of "
        f"{pair.confidence:.2f}{_tied(pair)} ({pair.strategy}).{_by_design(pair)}"
    )


def _by_design(pair: PreferencePair) -> str:
    """What stands for judgments in a pair that has none."""
    audit = pair.audit
    if not audit or audit.get("judged"):
        return " It was judged for the audit." if audit else ""
    if not audit.get("pairs"):
        return (
            f" It was not judged: {pair.chosen_model} is named as the stronger writer, no pair was "
            "audited, and 0.5 means that nothing was measured."
        )
    return (
        f" It was not judged: the probability and the scores are those of {audit['pairs']} judged "
        f"pairs of {pair.chosen_model} over {pair.rejected_model} (95 %: {audit['low']:.2f} to "
        f"{audit['high']:.2f})."
    )


def _tied(pair: PreferencePair) -> str:
    """Rows of earlier versions know nothing of ties."""
    return "" if pair.p_tie is None else f", both are equally good with one of {pair.p_tie:.2f}"


def _faults(folder: RunFolder, own: KeptCriteria | None) -> set[str]:
    """Names of criteria that count against an answer."""
    manifest = folder.read_manifest()
    found = set(manifest.faults if manifest else ())
    for one in own.criteria if own else ():
        weight = one.get("weight", 1.0)
        if isinstance(weight, int | float) and weight < 0:
            found.add(str(one.get("name")))
    return found


def _criterion_gaps(
    chosen: ExplainedSide, rejected: ExplainedSide, faults: Collection[str]
) -> list[tuple[str, float]]:
    """Criteria by how far apart the sides are, each averaged over judges and repeats; above 0
    where that speaks for chosen, of a fault as well."""
    better, worse = _means(chosen), _means(rejected)
    gaps = [
        (name, (better[name] - worse[name]) * (-1.0 if name in faults else 1.0))
        for name in better
        if name in worse
    ]
    return sorted(gaps, key=lambda gap: -abs(gap[1]))


def _means(side: ExplainedSide) -> dict[str, float]:
    return criterion_means(one.criteria for one in side.judgments if len(one.completion_ids) == 1)


def rows_with(file: Path, field: str, value: str) -> Iterator[Row]:
    return (row for row in rows_naming(file, naming=value) if row.get(field) == value)


def rows_naming(file: Path, naming: str = "") -> Iterator[Row]:
    """Rows of a results file; with ``naming`` lines without a text that begins so are left out.

    Raises ConfigError at a line that judgeforge did not write.
    """
    begun = json.dumps(naming, ensure_ascii=False)[:-1] if naming else ""
    try:
        yield from read_rows(file, containing=begun.encode("utf-8", "surrogatepass"))
    except StoreError as error:
        raise ConfigError(str(error)) from error


def as_record(file: Path, kind: type[R], row: Mapping[str, Any]) -> R:
    try:
        return kind.model_validate(row)
    except ValidationError as error:
        raise ConfigError(
            f"{file}: the row `{row.get('id')}` is not as this judgeforge "
            f"({first_problem(error)}) writes it; use the version that made the folder"
        ) from error
