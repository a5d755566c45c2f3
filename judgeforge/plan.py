"""What a run would cost, worked out from the input without a call."""

from __future__ import annotations

from dataclasses import dataclass

from judgeforge.calls.prices import to_usd
from judgeforge.config import RunConfig
from judgeforge.estimate import Estimator, ModelLoad
from judgeforge.preparation import prepare
from judgeforge.records import Skip
from judgeforge.sources import read_prompts


@dataclass(frozen=True, slots=True)
class ModelPlan:
    name: str
    calls: int
    low: float | None
    expected: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class PlanReport:
    """USD; None where a price is unknown.

    ``low`` is for short answers, with all input that calls share (the rubric, a prompt sampled
    again) at the price of cached input; ``high`` for every output limit used up.
    """

    prompts: int
    skips: int
    calls: int
    low: float | None
    expected: float | None
    high: float | None
    models: list[ModelPlan]
    notes: list[str]


def plan_run(config: RunConfig, *, limit: int | None = None) -> PlanReport:
    """Reads the whole input; needs no key. Raises ConfigError and InputError as a run would."""
    prepared = prepare(config, with_keys=False)
    estimator = Estimator(config, prepared)
    loads = estimator.loads()
    prompts = skips = 0
    for row in read_prompts(config.prompts, prepared.row_checks, limit=limit):
        if isinstance(row, Skip):
            skips += 1
            continue
        prompts += 1
        estimator.add(row, loads)
    models = [_model_plan(name, load) for name, load in loads.items()]
    low, expected, high = (
        _sum([getattr(model, part) for model in models]) for part in ("low", "expected", "high")
    )
    return PlanReport(
        prompts=prompts,
        skips=skips,
        calls=sum(load.calls for load in loads.values()),
        low=low,
        expected=expected,
        high=high,
        models=models,
        notes=_notes(config, prompts, skips, high),
    )


def _model_plan(name: str, load: ModelLoad) -> ModelPlan:
    if load.price is None:
        return ModelPlan(name, load.calls, None, None, None)
    return ModelPlan(name, load.calls, *map(to_usd, load.pico))


def _sum(parts: list[float | None]) -> float | None:
    return None if None in parts else sum(part or 0.0 for part in parts)


def _notes(config: RunConfig, prompts: int, skips: int, high: float | None) -> list[str]:
    notes = [
        f"{prompts} prompts, {skips} rows are skipped. Low counts what calls share as cached "
        "input, where it has a price of its own; expected and high count none."
    ]
    limit = config.budget.usd
    if limit is not None and high is not None and high > limit:
        notes.append(f"budget.usd is ${limit:g}: the run may stop there and can be resumed.")
    return notes
