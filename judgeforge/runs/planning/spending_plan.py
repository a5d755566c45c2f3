"""How a sum of money is best spent: how many prompts, completions and judges, without a call.

Each way of judging that the judges of the configuration allow is priced as `plan` prices a run,
rehearsed on what is known of the judges (ranking/rehearsal.py), and valued by what its pairs bring
to a model that is trained on them (ranking/cascade/training_value.py). What is known comes from a
pilot, a run folder of the same judges (pilot.py).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from judgeforge.config.judges import JudgeConfig
from judgeforge.config.run import RunConfig
from judgeforge.errors import ConfigError
from judgeforge.inputs.cleaning.clean_prompts import read_clean_prompts
from judgeforge.ranking.cascade.candidates import JudgeOption
from judgeforge.ranking.cascade.training_value import Another, ForTraining, TrainingValue
from judgeforge.ranking.rehearsal import Rehearsed, Way, rehearse
from judgeforge.ranking.rules import CascadeRules, first_tier
from judgeforge.records import Prompt
from judgeforge.runs.cost_estimates.batch_plan import prices_in_batches
from judgeforge.runs.cost_estimates.estimate import Estimator
from judgeforge.runs.folders import chosen_folder
from judgeforge.runs.planning.pilot import pilot_of
from judgeforge.runs.planning.spending_words import notes_of, reason_of
from judgeforge.runs.preparation.preparation import Preparation, check_prompts_file, prepare
from judgeforge.store.folder import RunFolder
from judgeforge.store.spending import to_usd

PRICED_PROMPTS = 50
"""Prompts of the input that are priced; the others are taken to cost as much."""
COMPLETIONS = (4, 8)
"""Numbers of completions that are tried beside the configured one."""
MORE_IN_DOUBT = 4
"""Further completions that are tried where the configuration names no number."""
_Z95 = 1.96


@dataclass(frozen=True, slots=True)
class SpendingOption:
    judges: tuple[str, ...]
    asked: str
    """`all` of them about everything, or in a `cascade`."""
    completions: int
    more_in_doubt: int
    """How many more may be sampled of a prompt whose pair is in doubt."""
    usd_per_prompt: float
    prompts: int
    usd: float
    pairs: int
    wrong: float
    """Expected share of the pairs whose rejected side is the better one, 0 to 1."""
    wrong_low: float
    wrong_high: float
    """In which it lies with about 95 %, for what is not known of the judges."""
    tied: float
    """Expected share of the pairs whose sides are equally good."""
    points: float
    """Of the trained model's success, against the best way; 0 for that one and negative else."""
    points_error: float
    """Half of the 95 % interval of ``points``."""

    @property
    def name(self) -> str:
        how = "cascade of " if self.asked == "cascade" else ""
        return how + " + ".join(self.judges)


@dataclass(frozen=True, slots=True)
class SpendingReport:
    usd: float
    known_from: str
    prompts_in_input: int
    options: list[SpendingOption]
    """The recommended one first."""
    reason: str
    notes: list[str]


def plan_spending(
    config: RunConfig, usd: float, *, limit: int | None = None, out: Path | str | None = None
) -> SpendingReport:
    """Reads the whole input; needs no key. Raises ConfigError and InputError as a run would, and
    ConfigError where there is nothing to choose from or a price is unknown."""
    if not (math.isfinite(usd) and usd > 0):
        raise ConfigError(f"--usd {usd:g} is not a sum to spend: give one above 0")
    prepared = prepare(config, with_keys=False)
    check_prompts_file(config)
    scoring = [judge for judge in config.judging.judges if judge.shows == "one"]
    if not scoring:
        raise ConfigError(
            "plan --usd weighs judges that score each completion (pointwise, decisions), and the "
            "configuration has none: leave --usd away, or add one"
        )
    _check_prices(prepared, scoring)
    rows = read_clean_prompts(config.prompts, prepared.row_checks, limit=limit)
    prompts = (row for row in rows if isinstance(row, Prompt))
    priced = list(islice(prompts, PRICED_PROMPTS))
    if not priced:
        raise ConfigError("the input has no prompt that can be used: see `judgeforge check`")
    available = len(priced) + sum(1 for _ in prompts)
    pilot = pilot_of(RunFolder(chosen_folder(config, out)), scoring)
    prices = _Prices(prepared, priced)
    value = config.judging.training_value
    outcomes = [
        _Outcome.of(option, usd, available, prices.usd_per_prompt(option, rehearsed), rehearsed)
        for option in _options(prepared, scoring, prices, priced)
        for rehearsed in [rehearse(option.way, pilot.known(len(option.way.options)))]
    ]
    affordable = sorted(
        (one for one in outcomes if one.prompts > 0), key=lambda one: -one.points(value)
    )
    if not affordable:
        cheapest = min(one.usd_per_prompt for one in outcomes)
        raise ConfigError(f"--usd {usd:g} pays for no prompt: the cheapest costs ${cheapest:.6f}")
    best = affordable[0]
    options = [one.against(best, value, pilot.pairs_per_prompt) for one in affordable]
    return SpendingReport(
        usd=usd,
        known_from=pilot.told_by,
        prompts_in_input=available,
        options=options,
        reason=reason_of(options, available, value),
        notes=[*notes_of(config, scoring, pilot), *prices_in_batches(prepared)],
    )


def _check_prices(prepared: Preparation, scoring: Sequence[JudgeConfig]) -> None:
    sampling = prepared.config.sampling
    names = [*(sampling.writers if sampling else ()), *(judge.model for judge in scoring)]
    for name in names:
        if prepared.prices[name] is None:
            raise ConfigError(
                f"the price of `{name}` is unknown, so money cannot be weighed against it: set "
                f"models.{name}.price (0 for a model of your own)"
            )


@dataclass(frozen=True, slots=True)
class _Option:
    way: Way
    judges: tuple[JudgeConfig, ...]


def _options(
    prepared: Preparation,
    scoring: Sequence[JudgeConfig],
    prices: _Prices,
    priced: Sequence[Prompt],
) -> Iterator[_Option]:
    config = prepared.config
    ready = min(len(prompt.completions) for prompt in priced)
    sampled = config.sampling.fresh(ready) if config.sampling else 0
    numbers = sorted({sampled, *COMPLETIONS}) if sampled and not ready else [ready + sampled]
    panels: list[tuple[JudgeConfig, ...]] = [(judge,) for judge in scoring]
    first = tuple(judge for judge in scoring if judge.tier == first_tier(scoring))
    panels += [first, tuple(scoring)]
    for number in numbers:
        if number < 2:
            continue
        for panel in dict.fromkeys(panels):
            yield _Option(Way(_as_options(panel, number, prices), number), panel)
        if config.judging.cascade is not None and len(first) < len(scoring):
            options = _as_options(scoring, number, prices)
            training = _for_training(config, prices, first, number)
            is_for_training = config.judging.aim == "training"
            yield _Option(
                Way(
                    options,
                    number,
                    config.judging.cascade,
                    training if is_for_training else None,
                    _more(config, number) if is_for_training else 0,
                ),
                tuple(scoring),
            )
        if config.sampling is None or number != sampled or config.pairing.by_design:
            continue
        for judge in scoring:
            once = (judge.model_copy(update={"repeats": 1, "tier": 1}),)
            way = Way(
                _as_options(once, number, prices),
                number,
                config.judging.cascade or CascadeRules(),
                _for_training(config, prices, once, number),
                config.sampling.more_in_doubt or MORE_IN_DOUBT,
            )
            yield _Option(way, (judge,))


def _more(config: RunConfig, number: int) -> int:
    """With another number of completions than the configured one nothing more is tried."""
    sampling = config.sampling
    return sampling.more_in_doubt if sampling and number == sampling.completions else 0


def _for_training(
    config: RunConfig, prices: _Prices, first: Sequence[JudgeConfig], number: int
) -> ForTraining:
    """The prices of a fresh prompt, and of another completion."""
    each = prices.sampling(number) / number + sum(prices.question(one, number) for one in first)
    return ForTraining(config.judging.training_value, number * each, Another(each))


def _as_options(
    judges: Sequence[JudgeConfig], number: int, prices: _Prices
) -> tuple[JudgeOption, ...]:
    """Where a judge costs nothing and is not a reward model, all calls count alike, as in a run."""
    costs = [prices.question(judge, number) for judge in judges]
    priced = any(costs) and all(
        cost or judge.facts.rewards for judge, cost in zip(judges, costs, strict=True)
    )
    return tuple(
        JudgeOption(
            name=judge.label,
            shows="one",
            tier=judge.tier,
            repeats=judge.repeats,
            cost=cost if priced else 1.0,
            rewards=judge.facts.rewards,
        )
        for judge, cost in zip(judges, costs, strict=True)
    )


class _Prices:
    """USD, as `plan` expects them, as means over the priced prompts."""

    def __init__(self, prepared: Preparation, priced: Sequence[Prompt]) -> None:
        self._prepared, self._priced = prepared, priced
        self._known: dict[tuple[str, int], float] = {}

    def sampling(self, completions: int) -> float:
        """Of the completions of a prompt."""
        return self._mean("", (), completions)

    def question(self, judge: JudgeConfig, completions: int) -> float:
        """Of one answer of the judge."""
        once = judge.model_copy(update={"repeats": 1})
        both = self._mean(judge.label, (once,), completions)
        return max(0.0, both - self.sampling(completions)) / completions

    def usd_per_prompt(self, option: _Option, rehearsed: Rehearsed) -> float:
        number = option.way.completions
        asked = sum(
            rehearsed.calls.get(judge.label, 0.0) * self.question(judge, number)
            for judge in option.judges
        )
        return asked + self.sampling(number) * (1.0 + rehearsed.more / number)

    def _mean(self, label: str, judges: Sequence[JudgeConfig], completions: int) -> float:
        key = label, completions
        if key not in self._known:
            config = self._prepared.config
            judging = config.judging.model_copy(
                update={"judges": list(judges), "cascade": None, "fit_repeats": 0}
            )
            sampling = config.sampling
            if sampling is not None and completions > 1:
                sampling = sampling.model_copy(
                    update={"completions": completions, "more_in_doubt": 0}
                )
            one = config.model_copy(update={"judging": judging, "sampling": sampling})
            estimator = Estimator(replace(self._prepared, config=one))
            total = sum(estimator.of_prompt(prompt).expected for prompt in self._priced)
            self._known[key] = to_usd(total) / len(self._priced)
        return self._known[key]


@dataclass(frozen=True, slots=True)
class _Outcome:
    option: _Option
    usd_per_prompt: float
    prompts: int
    rehearsed: Rehearsed

    @classmethod
    def of(
        cls, option: _Option, usd: float, available: int, each: float, rehearsed: Rehearsed
    ) -> _Outcome:
        paid = available if each <= 0 else min(available, int(usd / each))
        return cls(option, each, paid, rehearsed)

    def points(self, value: TrainingValue) -> float:
        return value.points(self.prompts, self.rehearsed.wrong)

    def against(self, best: _Outcome, value: TrainingValue, pairs: float) -> SpendingOption:
        found, other, way = self.rehearsed, best.rehearsed, self.option.way
        doublings = math.log2(self.prompts / best.prompts)
        judges = 100.0 * value.point_wrong * found.sd_against(other)
        error = math.hypot(
            value.error_of_difference(doublings, found.wrong - other.wrong), _Z95 * judges
        )
        off = _Z95 * found.wrong_sd
        return SpendingOption(
            judges=tuple(judge.label for judge in self.option.judges),
            asked="all" if len(self.option.judges) == 1 or way.cascade is None else "cascade",
            completions=way.completions,
            more_in_doubt=way.more,
            usd_per_prompt=self.usd_per_prompt,
            prompts=self.prompts,
            usd=self.usd_per_prompt * self.prompts,
            pairs=round(pairs * self.prompts),
            wrong=found.wrong,
            wrong_low=max(0.0, found.wrong - off),
            wrong_high=min(1.0, found.wrong + off),
            tied=found.tied,
            points=self.points(value) - best.points(value),
            points_error=0.0 if self is best else error,
        )
