"""What a run would cost, worked out from the input without a call."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from judgeforge.budget_warnings import budget_warnings
from judgeforge.calls.prices import to_usd
from judgeforge.config import RunConfig
from judgeforge.config_warnings import asks_beyond_first_tier, cascade_warnings
from judgeforge.counted import counted
from judgeforge.errors import StoreError
from judgeforge.estimate import ASSUMED_ESCALATION, Estimator, ModelLoad, TotalCost, total_cost
from judgeforge.out_folders import run_folders, today
from judgeforge.preparation import check_prompts_file, prepare
from judgeforge.records import Skip
from judgeforge.sources import read_prompts
from judgeforge.store.folder import RunFolder


@dataclass(frozen=True, slots=True)
class ModelPlan:
    name: str
    calls: int
    calls_high: int
    low: float | None
    expected: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class PlanReport:
    """USD; None where a price is unknown.

    ``low`` is for short answers, with all input that calls share (the rubric, a prompt sampled
    again) at the price of cached input; ``high`` for every output limit used up. ``calls`` are
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
    """Reads the whole input; needs no key. Raises ConfigError and InputError as a run would.

    What a cascade asks beyond its first tier is taken from the run folder ``out`` (as for a run:
    ``{date}`` stands for today, without it there is a default) as far as that has got, and is
    assumed before.
    """
    prepared = prepare(config, with_keys=False)
    check_prompts_file(config)
    seen = _seen_escalation(config, None if out is None else str(out))
    share = ASSUMED_ESCALATION if seen is None else seen
    estimator = Estimator(config, prepared, escalation=share)
    loads = estimator.loads()
    prompts = skips = 0
    for row in read_prompts(config.prompts, prepared.row_checks, limit=limit):
        if isinstance(row, Skip):
            skips += 1
            continue
        prompts += 1
        estimator.add(row, loads)
    models = [_model_plan(name, load) for name, load in loads.items()]
    cost = total_cost(loads.values())
    return PlanReport(
        prompts=prompts,
        skips=skips,
        calls=round(sum(load.expected_calls for load in loads.values())),
        calls_high=sum(load.calls for load in loads.values()),
        low=cost.low,
        expected=cost.expected,
        high=cost.high,
        models=models,
        notes=[*_notes(config, prompts, skips, cost), *_cascade_notes(config, seen)],
        warnings=[*cascade_warnings(config), *budget_warnings(config, prompts, loads.values())],
    )


def _model_plan(name: str, load: ModelLoad) -> ModelPlan:
    costs = [None] * 3 if load.price is None else [to_usd(pico) for pico in load.pico]
    return ModelPlan(name, round(load.expected_calls), load.calls, *costs)


def _seen_escalation(config: RunConfig, out: str | None) -> float | None:
    """Of the judgments beyond those that are certain, the share that a run really asked for."""
    if config.judging.cascade is None:
        return None
    try:
        manifest = RunFolder(run_folders(config, out, today(config))[-1]).read_manifest()
    except StoreError:
        return None
    figures = (manifest or {}).get("judging")
    if not figures or manifest is None or manifest["config"]["judging"]["cascade"] is None:
        return None
    possible = figures["asking_everybody"] - figures["certain"]
    return (figures["judgments"] - figures["certain"]) / possible if possible > 0 else None


def _cascade_notes(config: RunConfig, seen: float | None) -> list[str]:
    if not asks_beyond_first_tier(config):
        return []
    share = f"{ASSUMED_ESCALATION if seen is None else seen:.0%}"
    source = "assumed" if seen is None else "seen in the run so far"
    return [
        f"A cascade asks its first tier once, and more only where doubt is left: none of that in "
        f"low, {share} ({source}) in expected, all of it in high."
    ]


def _notes(config: RunConfig, prompts: int, skips: int, cost: TotalCost) -> list[str]:
    notes = [
        f"{counted(prompts, 'prompt')}, {counted(skips, 'row')} skipped. "
        "Low counts what calls share as cached input, where it has a price of its own; "
        "expected and high count none."
    ]
    limit, low, high = config.budget.usd, cost.low, cost.high
    if limit is not None and low is not None and high is not None and low <= limit < high:
        notes.append(f"budget.usd is ${limit:g}: the run may stop there and can be resumed.")
    return notes
