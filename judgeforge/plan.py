"""What a run would do and cost, worked out from the input without a call."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from judgeforge.admission import Estimate
from judgeforge.calls.prices import BYTES_PER_TOKEN, ModelPrice, to_usd
from judgeforge.config import RunConfig
from judgeforge.errors import ConfigError
from judgeforge.preparation import Preparation, prepare, row_checks
from judgeforge.providers.base import Usage
from judgeforge.records import Prompt, Skip
from judgeforge.rubric import load_rubric
from judgeforge.sources import read_prompts
from judgeforge.templates import pointwise_messages

_JUDGE_REPLY_TOKENS = 120
"""A rationale of a few sentences and the scores."""
_EXPECTED_SHARE, _LOW_SHARE = 0.6, 0.2
"""Of the output limit that completions use; models differ, so low and high bound it."""
_SHOWN_SKIPS = 10


@dataclass(frozen=True, slots=True)
class ModelPlan:
    name: str
    calls: int
    low: float | None
    expected: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class PlanReport:
    """USD; None where a price is unknown. ``high`` counts every output limit as used up."""

    prompts: int
    skips: int
    calls: int
    low: float | None
    expected: float | None
    high: float | None
    models: list[ModelPlan]
    notes: list[str]


@dataclass(slots=True)
class _Load:
    """Calls and tokens for one model."""

    calls: int = 0
    input: int = 0
    low: int = 0
    expected: int = 0
    high: int = 0

    def add(self, calls: int, input_tokens: int, outputs: tuple[int, int, int]) -> None:
        self.calls += calls
        self.input += calls * input_tokens
        self.low += calls * outputs[0]
        self.expected += calls * outputs[1]
        self.high += calls * outputs[2]


def plan_run(config: RunConfig, *, limit: int | None = None) -> PlanReport:
    """Reads the whole input. Raises ConfigError and InputError as a run would."""
    prepared = prepare(config)
    loads = {name: _Load() for name in prepared.keys}
    prompts = skips = 0
    for row in read_prompts(config.prompts, prepared.row_checks, limit=limit):
        if isinstance(row, Skip):
            skips += 1
            continue
        prompts += 1
        _add_prompt(config, prepared, row, loads)
    models = [_model_plan(name, load, prepared.prices[name]) for name, load in loads.items()]
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


def estimate_prompt(config: RunConfig, prepared: Preparation, prompt: Prompt) -> Estimate:
    """What one prompt costs; a model of unknown price counts as free (only calls are limited)."""
    loads = {name: _Load() for name in prepared.keys}
    _add_prompt(config, prepared, prompt, loads)
    expected = most = 0
    for name, load in loads.items():
        price = prepared.prices[name]
        if price is not None:
            expected += price.cost(Usage(load.input, load.expected))
            most += price.cost(Usage(load.input, load.high))
    return Estimate(sum(load.calls for load in loads.values()), expected, most)


def _add_prompt(
    config: RunConfig, prepared: Preparation, prompt: Prompt, loads: dict[str, _Load]
) -> None:
    lengths, number = _sample(config, prompt, loads)
    if not prepared.rubric.judged:
        return
    empty = pointwise_messages(prepared.rubric, prompt, "")
    frame = _tokens("".join(message.content for message in empty))
    expected = lengths[1]
    for judge in config.judging.judges:
        calls = number * judge.repeats
        reply = min(_JUDGE_REPLY_TOKENS, judge.max_tokens)
        load = loads[judge.model]
        load.add(calls, frame + expected, (reply // 3, reply, judge.max_tokens))


def _sample(
    config: RunConfig, prompt: Prompt, loads: dict[str, _Load]
) -> tuple[tuple[int, int, int], int]:
    """Tokens of a completion (low, expected, high) and how many there are."""
    if prompt.completions or config.sampling is None:
        longest = max((_tokens(c.text) for c in prompt.completions), default=0)
        return (longest, longest, longest), len(prompt.completions)
    sampling = config.sampling
    most = sampling.max_tokens
    lengths = (round(most * _LOW_SHARE), round(most * _EXPECTED_SHARE), most)
    size = _tokens(
        "".join(message.content for message in prompt.messages) + (sampling.system or "")
    )
    for index in range(sampling.completions):
        loads[sampling.models[index % len(sampling.models)]].add(1, size, lengths)
    return lengths, sampling.completions


def _tokens(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN + 10


def _model_plan(name: str, load: _Load, price: ModelPrice | None) -> ModelPlan:
    if price is None:
        return ModelPlan(name, load.calls, None, None, None)
    costs = (
        to_usd(price.cost(Usage(load.input, output)))
        for output in (load.low, load.expected, load.high)
    )
    return ModelPlan(name, load.calls, *costs)


def _sum(parts: list[float | None]) -> float | None:
    return None if None in parts else sum(part or 0.0 for part in parts)


def _notes(config: RunConfig, prompts: int, skips: int, high: float | None) -> list[str]:
    notes = [f"{prompts} prompts, {skips} rows are skipped. Prices come without any cached input."]
    limit = config.budget.usd
    if limit is not None and high is not None and high > limit:
        notes.append(f"budget.usd is ${limit:g}: the run may stop there and can be resumed.")
    return notes


@dataclass(slots=True)
class CheckReport:
    prompts: int = 0
    skips: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def usable(self) -> bool:
        return not self.problems and self.prompts > 0

    def lines(self) -> list[str]:
        tally = [f"  {reason}: {count}" for reason, count in sorted(self.skips.items())]
        more = sum(self.skips.values()) - len(self.examples)
        return [
            f"{self.prompts} prompts are fine, {sum(self.skips.values())} rows would be skipped",
            *tally,
            *(f"  {example}" for example in self.examples),
            *([f"  … and {more} more"] if more > 0 and self.examples else []),
            *(f"problem: {problem}" for problem in self.problems),
            "ready to run" if self.usable else "not ready to run",
        ]


def check_run(config: RunConfig, *, limit: int | None = None) -> CheckReport:
    """Check everything that can be checked without a call and report all of it."""
    report = CheckReport()
    rubric = None
    try:
        rubric = load_rubric(config.rubric, folder=config.folder)
        prepare(config)
    except ConfigError as error:
        report.problems.append(str(error))
    for row in read_prompts(config.prompts, row_checks(config, rubric), limit=limit):
        if isinstance(row, Prompt):
            report.prompts += 1
            continue
        report.skips[row.reason] += 1
        if len(report.examples) < _SHOWN_SKIPS:
            report.examples.append(f"{row.prompt_id}: {row.reason}: {row.detail}")
    if not report.prompts:
        report.problems.append("no row of the input can be used")
    return report
