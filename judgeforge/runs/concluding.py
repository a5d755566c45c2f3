"""How a prompt ends: what was judged of it, or is designed, as pairs or as a named skip."""

from __future__ import annotations

from collections.abc import Sequence

from judgeforge.config.run import RunConfig
from judgeforge.ranking.pairing.audit import AuditedPair
from judgeforge.ranking.pairing.delta import DesignedPair, designed_pair
from judgeforge.ranking.pairing.length_limits import Tokens
from judgeforge.ranking.pairing.provenance import kept_metadata, make_pairs
from judgeforge.ranking.pairing.selection import (
    PairSelection,
    SelectedPair,
    Trust,
    not_among_best,
    select_pairs,
    trusted_outcome,
)
from judgeforge.ranking.pairing.sides import rejected_at_most, too_alike
from judgeforge.ranking.ranking import Ranking
from judgeforge.records import (
    Completion,
    JudgedPrompt,
    Judgment,
    PreferencePair,
    Prompt,
    RubricId,
    Skip,
    SkipReason,
)
from judgeforge.store.audited_pairs import NOT_MEASURED
from judgeforge.store.finished_prompt import FinishedPrompt, finished_prompt
from judgeforge.text.tool_calls import said_text

_UNKNOWN = 0.5
"""Of a pair that is not judged, until the audit says more: neither side is known to be better."""


def design(
    prompt: Prompt,
    candidates: Sequence[Completion],
    checks: Sequence[Judgment],
    config: RunConfig,
    tokens: Tokens | None,
) -> DesignedPair:
    """The pair by design of completions that can be used; code may keep one from being chosen."""
    failed = {one.completion_ids[0] for one in checks if one.failed_required}
    rules = config.pairing
    return designed_pair(
        [one.id for one in candidates],
        rules,
        writers={one.id: one.model for one in candidates},
        texts=texts_of(candidates),
        not_chosen=failed | set(rejected_at_most(candidates, rules)),
        alike=too_alike(candidates, checks),
        slice_of=slice_of(prompt, config),
        tokens=tokens,
    )


def by_design(
    judged: JudgedPrompt, designed: DesignedPair, config: RunConfig, rubric: RubricId
) -> FinishedPrompt:
    """Of a prompt that no judge is asked about: its pair, or why it has none."""
    if designed.reason is not None:
        return _finished(judged, config, skip=(designed.reason, designed.detail or ""))
    pair = SelectedPair(
        chosen_id=designed.chosen_id,
        rejected_id=designed.rejected_id,
        score_chosen=_UNKNOWN,
        score_rejected=_UNKNOWN,
        score_margin=0.0,
        confidence=_UNKNOWN,
        p_best=_UNKNOWN,
    )
    return _finished(judged, config, rubric=rubric, pairs=[pair], is_judged=False)


def paired(
    judged: JudgedPrompt,
    ranking: Ranking,
    config: RunConfig,
    rubric: RubricId,
    *,
    trust: Trust | None,
    tokens: Tokens | None,
    designed: DesignedPair | None,
) -> FinishedPrompt:
    """Of a prompt that was judged. ``designed``: what it would have had without that."""
    selection = select_pairs(
        ranking,
        config.pairing,
        texts=texts_of(judged.completions),
        trust=trust,
        writers={one.id: one.model for one in judged.completions},
        not_chosen=rejected_at_most(judged.completions, config.pairing),
        alike=too_alike(judged.completions, judged.judgments),
        slice_of=slice_of(judged.prompt, config),
        tokens=tokens,
    )
    if selection.reason is None:
        return _finished(judged, config, rubric=rubric, ranking=ranking, pairs=selection.pairs)
    found = None if designed is None else _audited(judged, ranking, designed, trust or Trust())
    skip = selection.reason, _why(selection, found)
    return _finished(judged, config, ranking=ranking, skip=skip, audited=found)


def _why(selection: PairSelection, found: AuditedPair | None) -> str:
    if found is None:
        return selection.detail or ""
    worse = max(0.0, 1.0 - found.better - found.tie)
    return (
        f"{selection.detail}; judged for the audit: chosen is better with a probability of "
        f"{found.better:.2f}, equal with {found.tie:.2f}, worse with {worse:.2f}"
    )


def _audited(
    judged: JudgedPrompt, ranking: Ranking, designed: DesignedPair, trust: Trust
) -> AuditedPair | None:
    ids = ranking.completion_ids
    if not set(designed.ids) <= set(ids):
        return None
    found = trusted_outcome(ranking, *designed.ids, trust)
    writers = {one.id: one.model for one in judged.completions}
    chosen, rejected = designed.ids
    return AuditedPair(
        chosen_model=writers[chosen],
        rejected_model=writers[rejected],
        better=found.better,
        tie=found.tie,
        score_chosen=ranking.score(ids.index(chosen)),
        score_rejected=ranking.score(ids.index(rejected)),
    )


def _finished(
    judged: JudgedPrompt,
    config: RunConfig,
    *,
    rubric: RubricId | None = None,
    ranking: Ranking | None = None,
    pairs: Sequence[SelectedPair] = (),
    skip: tuple[SkipReason, str] | None = None,
    audited: AuditedPair | None = None,
    is_judged: bool = True,
) -> FinishedPrompt:
    rules, keep = config.pairing, config.prompts.keep
    left_out = []
    if pairs and rules.by_design and not is_judged and rules.audits:
        left_out.append(skip_of(judged, SkipReason.NOT_SHOWN_BETTER, "", keep))
    if pairs and rules.best is not None:
        why = not_among_best(pairs, rules.best) if is_judged else ""
        left_out.append(skip_of(judged, SkipReason.NOT_AMONG_BEST, why, keep))
    ended = None if skip is None else skip_of(judged, *skip, keep)
    if ended is not None and audited is not None:
        ended = ended.model_copy(update={"audit": audited.model_dump()})
    made = [] if rubric is None else _made(judged, pairs, config, rubric)
    if rules.by_design:
        audit = {"judged": is_judged, **NOT_MEASURED}
        made = [pair.model_copy(update={"audit": audit}) for pair in made]
    return finished_prompt(
        prompt_id=judged.prompt.id,
        digest=judged.prompt.digest,
        completions=judged.completions,
        judgments=judged.judgments,
        ranking=ranking,
        pairs=made,
        skip=ended,
        left_out=left_out,
    )


def _made(
    judged: JudgedPrompt, pairs: Sequence[SelectedPair], config: RunConfig, rubric: RubricId
) -> list[PreferencePair]:
    return make_pairs(
        judged.prompt,
        pairs,
        completions={one.id: one for one in judged.completions},
        judgments=judged.judgments,
        rubric=rubric,
        own_criteria=judged.own_criteria,
        strategy=config.pairing.strategy,
        keep=config.prompts.keep,
        with_reasoning=config.pairing.thinking == "keep",
    )


def skip_of(judged: JudgedPrompt, reason: SkipReason, detail: str, keep: Sequence[str]) -> Skip:
    """With what was asked, where there are completions: they can be used without a pair."""
    prompt = judged.prompt
    skip = Skip(prompt_id=prompt.id, line=prompt.line, reason=reason, detail=detail)
    if not judged.completions:
        return skip
    asked = {
        "prompt": prompt.messages,
        "tools": prompt.tools,
        "metadata": kept_metadata(prompt, keep),
        "own_criteria": judged.own_criteria,
    }
    return skip.model_copy(update=asked)


def texts_of(completions: Sequence[Completion]) -> dict[str, str]:
    return {one.id: said_text(one.text, one.tool_calls) for one in completions}


def slice_of(prompt: Prompt, config: RunConfig) -> object:
    """What the metadata says under `pairing.token_difference_by`."""
    key = config.pairing.token_difference_by
    return None if key is None else prompt.metadata.get(key)
