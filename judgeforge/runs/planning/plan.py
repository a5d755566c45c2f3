"""What a run would cost, worked out from the input without a call, and what it cannot have.

It warns of limits of money and calls that would end the run long before its input does, and of
settings that are allowed but cannot have an effect.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from judgeforge.config.run import RunConfig
from judgeforge.errors import StoreError
from judgeforge.inputs.cleaning.clean_prompts import read_clean_prompts
from judgeforge.inputs.noticed import Noticed
from judgeforge.records import Skip
from judgeforge.results.how_made import part
from judgeforge.runs.cost_estimates.batch_plan import DirectCost, batch_notes, cache_notes
from judgeforge.runs.cost_estimates.estimate import (
    ASSUMED_ESCALATION,
    Estimator,
)
from judgeforge.runs.cost_estimates.further_cost import further_notes
from judgeforge.runs.cost_estimates.largest_call import LargestCall
from judgeforge.runs.cost_estimates.loads import ModelLoad, TotalCost, total_cost
from judgeforge.runs.cost_estimates.records_plan import RecordsPlan
from judgeforge.runs.folders import chosen_folder
from judgeforge.runs.planning.pace_notes import pace_notes
from judgeforge.runs.preparation.extra_judgments import (
    asks_beyond_first_tier,
    bought,
    first_prompts,
    tier_behind_rewards,
)
from judgeforge.runs.preparation.identity import as_begun, layout_begun
from judgeforge.runs.preparation.preparation import Preparation, check_prompts_file, prepare
from judgeforge.runs.preparation.replicas import with_known_addresses
from judgeforge.runs.remarks import remarks
from judgeforge.runs.validation.audit_notes import audit_notes, audit_warnings
from judgeforge.runs.validation.verifiers import VerifiedPrompts
from judgeforge.store.folder import RunFolder
from judgeforge.store.manifest import Manifest
from judgeforge.store.spending import read_account, to_usd
from judgeforge.text.wording import counted


@dataclass(frozen=True, slots=True)
class ModelPlan:
    name: str
    calls: int
    calls_high: int
    low: float | None
    expected: float | None
    high: float | None
    directly: float | None = None
    """What is expected without batches; None where the model is not asked in them."""
    uncached: float | None = None
    """What is expected if no cache keeps what requests begin with; None where none saves any."""


@dataclass(frozen=True, slots=True)
class PlanReport:
    """USD; None where a price is unknown.

    ``low`` is for short answers, with all input that calls share (the rubric, a row's conversation,
    a prompt sampled again) at the price of cached input; ``high`` for every output limit used up
    and nothing cached. ``calls`` are
    those of ``expected``, ``calls_high`` those of ``high``: a cascade may ask for fewer than all.
    """

    prompts: int
    skips: int
    calls: int
    calls_high: int
    low: float | None
    expected: float | None
    high: float | None
    models: list[ModelPlan]
    notes: list[str]
    warnings: list[str]
    """What the configuration asks for and cannot have."""


def plan_run(
    config: RunConfig, *, limit: int | None = None, out: Path | str | None = None
) -> PlanReport:
    """Reads the whole input; needs no key. The folder that ``out`` means tells what is spent, and
    what a cascade asks beyond its first tier. Raises ConfigError and InputError as a run would.
    """
    folder = RunFolder(chosen_folder(config, out))
    prepared = _prepared(config, folder)
    config = prepared.config
    seen = _seen_escalation(config, folder)
    share = ASSUMED_ESCALATION if seen is None else seen
    records = RecordsPlan(prepared, folder, share)
    directly = DirectCost(prepared, share, learns_scale=seen is None)
    estimator = _estimator(prepared, share, seen, records)
    loads = estimator.loads()
    prompts = skips = 0
    noticed, verified = Noticed(), VerifiedPrompts(prepared.rubric, asks=prepared.asks_judges)
    largest = LargestCall(prepared)
    rows = read_clean_prompts(config.prompts, prepared.row_checks, limit=limit, noticed=noticed)
    for row in rows:
        if isinstance(row, Skip):
            skips += 1
            continue
        prompts += 1
        estimator.add(row, loads)
        for counts in (verified, records, directly, largest):
            counts.add(row)
    models = [model_plan(name, load, directly.expected_usd(name)) for name, load in loads.items()]
    cost, pictured = total_cost(loads.values()), estimator.directly
    return PlanReport(
        prompts=prompts,
        skips=skips,
        calls=round(sum(load.expected_calls for load in loads.values())),
        calls_high=sum(load.calls for load in loads.values()),
        low=cost.low,
        expected=cost.expected,
        high=cost.high,
        models=models,
        notes=[
            *_notes(config, prompts, skips, cost),
            *remarks(prepared),
            *noticed.sights(),
            *spent_notes(folder),
            *_cascade_notes(config, seen),
            *further_notes(config),
            *_measure_notes(config, estimator),
            *verified.notes(),
            *records.notes(sum(load.expected_calls for load in loads.values())),
            *audit_notes(config.pairing, estimator.audited, prompts),
            *cache_notes({one.name: (one.expected, one.uncached) for one in models}),
            *batch_notes(prepared, {n.name: (n.expected, n.directly) for n in models}, pictured),
            *pace_notes(config.models, {n.name: n.calls for n in models}, _begun(folder)),
        ],
        warnings=[
            *cascade_warnings(config),
            *budget_warnings(config, prompts, loads.values(), largest),
            *audit_warnings(config.pairing, estimator.audited, prompts),
            *verified.warnings(),
        ],
    )


def _estimator(
    prepared: Preparation, share: float, seen: float | None, records: RecordsPlan
) -> Estimator:
    return Estimator(
        prepared,
        escalation=share,
        # Until a judge could be read, nothing waits for batches (runs/first_prompts.py).
        first_directly=prepared.asks_judges,
        asked=records.asked,
        learns_scale=seen is None,
    )


def _prepared(config: RunConfig, folder: RunFolder) -> Preparation:
    """As a run in this folder would go on."""
    previous = _begun(folder)
    if previous is not None:
        config = with_known_addresses(as_begun(config, previous.identity), previous)
    prepared = prepare(config, with_keys=False)
    check_prompts_file(config)
    return replace(prepared, layout=layout_begun(config, previous))


def budget_warnings(
    config: RunConfig, prompts: int, loads: Collection[ModelLoad], largest: LargestCall | None
) -> list[str]:
    """``loads``: those of all ``prompts``. What the cache will save is not known here."""
    if not prompts:
        return []
    budget, cost = config.budget, total_cost(loads)
    warnings = []
    if cost.low is not None and cost.expected is not None:
        each = cost.expected / prompts
        if budget.usd is not None and budget.usd < cost.low:
            paid = int(budget.usd / each)
            warnings.append(
                f"budget.usd is ${budget.usd:g}: it pays for about {paid} of {prompts} prompts "
                f"(expected ${each:.6f} each). Raise it, or take fewer with --limit."
            )
        if budget.daily_usd is not None and budget.daily_usd < cost.low / prompts:
            warnings.append(
                f"budget.daily_usd is ${budget.daily_usd:g}: it does not pay for one prompt "
                f"(expected ${each:.6f} each). Raise it."
            )
    calls = round(sum(load.calls for load in loads) / prompts)
    if budget.max_calls is not None and budget.max_calls < calls:
        warnings.append(
            f"budget.max_calls is {budget.max_calls}: a prompt may need {calls} calls, and none is "
            "begun that cannot be finished. Raise it."
        )
    if largest is not None and (largest.is_unusual or not warnings):
        warnings += largest.warnings()
    return warnings


def cascade_warnings(config: RunConfig) -> list[str]:
    if config.judging.cascade is None or asks_beyond_first_tier(config.judging):
        return []
    if config.sampling is not None and config.sampling.more_in_doubt:
        return []
    return [
        "judging.cascade does nothing: all judges are of one tier and asked once, so each is asked "
        "everything. Set `tier: 2` on those that are to be asked in doubt only."
    ]


def model_plan(name: str, load: ModelLoad, directly: float | None = None) -> ModelPlan:
    """``directly``: USD expected without batches, where the model is asked in them."""
    costs = [None] * 3 if load.price is None else [to_usd(pico) for pico in load.pico]
    low, expected, high = costs
    calls = round(load.expected_calls)
    uncached = to_usd(load.uncached_pico) if load.saves_by_caches else None
    return ModelPlan(name, calls, load.calls, low, expected, high, directly, uncached)


def _seen_escalation(config: RunConfig, folder: RunFolder) -> float | None:
    """The share of judgments beyond the certain ones that the run has asked for so far. Where the
    writers' records settle pairs, a run does not show what it would ask without them."""
    if config.judging.cascade is None or config.judging.writer_prior:
        return None
    manifest = _begun(folder)
    seen = manifest and manifest.judging
    if not manifest or not seen or part(manifest.config, "judging", "cascade") is None:
        return None
    possible = seen.asking_everybody - seen.certain
    return (seen.judgments - seen.certain) / possible if possible > 0 else None


def _begun(folder: RunFolder) -> Manifest | None:
    """What an earlier start left; the run itself says what is wrong with the file."""
    try:
        return folder.read_manifest()
    except StoreError:
        return None


def _measure_notes(config: RunConfig, estimator: Estimator) -> list[str]:
    measure, number = bought(config.judging), estimator.measured
    if measure is None or not number:
        return []
    what = (
        f"its judge {config.judging.fit_repeats + 1} times"
        if measure == "repeats"
        else "all judges once"
    )
    return [
        f"To measure the judges, {number} of the first {config.judging.fit_prompts} prompts ask "
        f"{what}; that is in all figures. judging.fit_repeats: 0 leaves it out."
    ]


def _cascade_notes(config: RunConfig, seen: float | None) -> list[str]:
    if not asks_beyond_first_tier(config.judging):
        return []
    share = f"{ASSUMED_ESCALATION if seen is None else seen:.0%}"
    source = "assumed" if seen is None else "seen in the run so far"
    notes = [
        f"A cascade asks its first tier once, and more only where doubt is left: none of that in "
        f"low, {share} ({source}) in expected, all of it in high."
    ]
    tier = tier_behind_rewards(config.judging) if seen is None else None
    if tier is not None and config.judging.fit_prompts:
        notes.append(
            f"The first {counted(first_prompts(config), 'prompt')} all ask tier {tier}, since the "
            "scale of rewards is learnt from them; that is in all figures."
        )
    return notes


def _notes(config: RunConfig, prompts: int, skips: int, cost: TotalCost) -> list[str]:
    notes = [
        f"{counted(prompts, 'prompt')}, {counted(skips, 'row')} skipped. "
        "Low counts what calls share as cached input, where it has a price of its own; expected "
        "what is likely to be kept of judges' requests; high counts none."
    ]
    limit, low, high = config.budget.usd, cost.low, cost.high
    if limit is not None and low is not None and high is not None and low <= limit < high:
        notes.append(f"budget.usd is ${limit:g}: the run may stop there and can be resumed.")
    return notes


def spent_notes(folder: RunFolder) -> list[str]:
    """By earlier starts, killed ones included."""
    try:
        spending = read_account(folder.spending_file).spending()
    except StoreError:
        return []  # the run itself says what is wrong with the file
    if not spending.calls or spending.cost_usd is None:
        return []
    return [f"${spending.cost_usd:.6f} of it is spent already, by {folder.path}."]
