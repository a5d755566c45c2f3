"""Everything that is checked before any money is spent: rubric, models, keys, network, prices."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pkgutil import resolve_name
from typing import Any, TypeVar

from judgeforge.calibration.calibration import Calibration
from judgeforge.calls.money.price_list import batch_price_of, billed_apart, price_of, why_unknown
from judgeforge.calls.money.prices import ModelPrice
from judgeforge.config.file import located
from judgeforge.config.judges import JudgeConfig
from judgeforge.config.keys import read_key
from judgeforge.config.providers import PROVIDERS, ProviderFacts
from judgeforge.config.run import RunConfig
from judgeforge.errors import ConfigError, InputError, as_one
from judgeforge.inputs.files import check_file
from judgeforge.inputs.row_checks import RowChecks
from judgeforge.judging.asking import context_room
from judgeforge.judging.checks import parse_checks
from judgeforge.judging.own_family import OwnFamily
from judgeforge.judging.panel import Panel
from judgeforge.judging.rubric import Rubric, load_rubric
from judgeforge.ranking.protocols import PROTOCOLS, ProtocolFacts
from judgeforge.runs.planning.calibration_file import content_digest, load_calibration
from judgeforge.runs.planning.identity import called_models, identity
from judgeforge.runs.planning.network import check_network

T = TypeVar("T")
PanelT = TypeVar("PanelT", bound=Panel)


@dataclass(frozen=True, slots=True)
class Preparation:
    """A configuration with all that was read and checked for it."""

    config: RunConfig
    rubric: Rubric
    keys: Mapping[str, str | None]
    """By model name; never written anywhere."""
    prices: Mapping[str, ModelPrice | None]
    """What is expected to be paid: in batches, where a model is asked in them."""
    row_checks: RowChecks
    calibration: Calibration | None = None
    """What labels have shown of the judges, where the configuration names a file."""
    direct_prices: Mapping[str, ModelPrice | None] = field(default_factory=dict)
    batch_prices: Mapping[str, ModelPrice | None] = field(default_factory=dict)
    """Of the models that are asked in batches; None where no such price is known. What they cost
    then is counted at the usual price."""

    @property
    def identity(self) -> dict[str, Any]:
        """What makes the results of a run what they are; for the manifest."""
        calibration = None if self.calibration is None else content_digest(self.calibration)
        return identity(self.config, self.rubric.identity, calibration)

    @property
    def own_family(self) -> OwnFamily:
        config = self.config
        return OwnFamily(config.models, exclude=config.judging.exclude_own_family)

    def panel(
        self, kind: Callable[[Sequence[JudgeConfig], Rubric, T, OwnFamily], PanelT], asked: T
    ) -> PanelT:
        """All judges of the run. ``asked``: what a panel of this ``kind`` gets its answers from."""
        return kind(self.config.judging.judges, self.rubric, asked, self.own_family)


@contextmanager
def _adding_to(mistakes: list[ConfigError]) -> Iterator[None]:
    """A check that fails does not keep the next one from being made: all mistakes are told."""
    try:
        yield
    except ConfigError as error:
        mistakes += error.mistakes


def prepare(config: RunConfig, *, with_keys: bool = True) -> Preparation:
    """Raises ConfigError with file, line and what to change, for all mistakes that are found.
    Keys can be left out where nothing is to be sent."""
    try:
        return _prepared(config, with_keys=with_keys)
    except ConfigError as error:
        raise located(error, config) from None


def _prepared(config: RunConfig, *, with_keys: bool) -> Preparation:
    mistakes = list[ConfigError]()
    rubric, calibration = None, None
    with _adding_to(mistakes):
        rubric = _rubric(config)
    if rubric is not None:
        for check in (_check_judges, _check_families, _check_contexts):
            with _adding_to(mistakes):
                check(config, rubric)
        with _adding_to(mistakes):
            calibration = load_calibration(config, rubric.identity)
    for check_alone in (_check_protocols, _check_max_error):
        with _adding_to(mistakes):
            check_alone(config)
    names = called_models(config)
    keys: dict[str, str | None] = {}
    without_key: set[str | None] = set()
    for name in names:
        for check_model in (_check_local, _check_fallback, _check_batches):
            with _adding_to(mistakes):
                check_model(config, name)
        place = config.models[name].key_place
        if place in without_key:  # the first model that takes its key from there says so
            continue
        with _adding_to(mistakes):
            keys[name] = read_key(config, name) if with_keys else None
        if name not in keys:
            without_key.add(place)
    if with_keys:
        with _adding_to(mistakes):
            check_network(config, names)
    prices = {name: price_of(config.models[name]) for name in names}
    with _adding_to(mistakes):
        _check_prices(config, prices)
    if mistakes or rubric is None:
        raise as_one(mistakes)
    in_batches = {
        name: batch_price_of(config.models[name])
        for name in names
        if config.models[name].batch is not None
    }
    return Preparation(
        config,
        rubric,
        keys,
        {name: in_batches.get(name) or price for name, price in prices.items()},
        row_checks(config, rubric),
        calibration,
        direct_prices=prices,
        batch_prices=in_batches,
    )


def _rubric(config: RunConfig) -> Rubric:
    """A mistake in the rubric names the rubric's line, a wrong path that of the configuration."""
    try:
        return load_rubric(config.rubric, folder=config.folder)
    except ConfigError as error:
        if error.line is not None:
            raise
        message = error.message if error.key else str(error)
        raise ConfigError(message, key="rubric") from None


def check_prompts_file(config: RunConfig) -> None:
    """Raises InputError with file, line and what to do where `prompts.path` cannot be read."""
    if config.prompts.path is None:
        return
    try:
        check_file(config.prompts.path)
    except InputError as error:
        where = ConfigError(str(error), file=config.source_file, key="prompts.path")
        raise InputError(str(located(where, config))) from None


def _check_prices(config: RunConfig, prices: Mapping[str, ModelPrice | None]) -> None:
    unknown = [name for name, price in prices.items() if price is None]
    limits = [key for key in ("usd", "daily_usd") if getattr(config.budget, key) is not None]
    if limits and unknown:
        name, limit = unknown[0], f"budget.{limits[0]}"
        raise ConfigError(
            f"the price of `{config.models[name].model}` is unknown "
            f"({why_unknown(config.models[name])}), so {limit} cannot be kept. "
            "Give the model a `price: {input_per_mtok: …, output_per_mtok: …}` "
            f"(0 for a server of your own), or take {limit} out.",
            key=f"models.{name}.price",
        )
    for name in prices:
        parameter = billed_apart(config.models[name])
        if limits and parameter is not None:
            raise ConfigError(
                f"`{parameter}` may be billed beside the tokens that a call reserves, so "
                f"budget.{limits[0]} cannot hold. Take `{parameter}` or the limit out.",
                file=config.source_file,
                key=f"models.{name}.params",
            )


def _check_max_error(config: RunConfig) -> None:
    if config.pairing.max_error is not None and config.judging.calibration is None:
        raise ConfigError(
            "needs labels: `judgeforge calibrate CONFIG --labels FILE --out calibration.json` "
            "measures the judges, and `judging.calibration: calibration.json` uses it",
            key="pairing.max_error",
        )


def row_checks(config: RunConfig, rubric: Rubric | None) -> RowChecks:
    """``rubric`` None: it cannot be read, and rows are checked without it."""
    checked = rubric.checked if rubric else ()
    own = [check for criterion in checked for check in criterion.own_checks]
    sampled = [config.models[name] for name in config.sampling.models] if config.sampling else []
    known = [model.context_tokens for model in sampled if model.context_tokens]
    return RowChecks(
        context_tokens=min(known, default=None),
        output_tokens=config.sampling.max_tokens if config.sampling else 0,
        judged_tokens=_judged_tokens(config, rubric) if rubric else None,
        needs_completions=config.sampling is None,
        metadata_checks=tuple(one.metadata_key for one in checked if one.metadata_key),
        read_checks=parse_checks,
        reference_check=next((check.name for check in own if check.needs_reference), None),
    )


def _check_judges(config: RunConfig, rubric: Rubric) -> None:
    if rubric.judged and not config.judging.judges:
        raise ConfigError(
            f"rubric `{rubric.name}` has criteria for a judge ({rubric.judged[0].name}, …), "
            "but no judge is named. Add `judging: {judges: [{model: NAME}]}`.",
            key="judging.judges",
        )


def _check_protocols(config: RunConfig) -> None:
    """A decision model takes typed questions only, and no other model takes them."""
    for number, judge in enumerate(config.judging.judges):
        model = config.models[judge.model]
        if judge.facts.decides == model.facts.decides:
            continue
        if model.facts.decides:
            fitting = " or ".join(f"`protocol: {name}`" for name in _deciding(PROTOCOLS))
            message = f"provider `{model.provider}` writes no text: set {fitting}"
        else:
            fitting = " or ".join(f"`{name}`" for name in _deciding(PROVIDERS))
            message = (
                f"`protocol: {judge.protocol}` needs a decision model, and provider "
                f"`{model.provider}` has none: use {fitting}"
            )
        raise ConfigError(message, key=f"judging.judges[{number}].protocol")
    for name in config.sampling.models if config.sampling else ():
        if config.models[name].facts.decides:
            raise ConfigError(
                f"provider `{config.models[name].provider}` writes no text and cannot be sampled",
                key="sampling.models",
            )


def _deciding(table: Mapping[str, ProtocolFacts | ProviderFacts]) -> list[str]:
    return sorted(name for name, facts in table.items() if facts.decides)


def _check_families(config: RunConfig, rubric: Rubric) -> None:
    """Every sampled model needs a judge that is not of its own family."""
    if not (config.judging.exclude_own_family and rubric.judged and config.sampling):
        return
    own_family = OwnFamily(config.models)
    for name in config.sampling.models:
        if all(own_family.is_own(judge, name) for judge in config.judging.judges):
            raise ConfigError(
                f"no judge is left for the completions of `{name}`: all are of its own model "
                "family. Add a judge of another one, or take `exclude_own_family` out.",
                key="judging.exclude_own_family",
            )


def _judged_tokens(config: RunConfig, rubric: Rubric) -> int | None:
    """The most that any judge can be shown; None where that is unknown, or no judge is asked."""
    rooms = [_room(config, judge, rubric) for judge in config.judging.judges if rubric.judged]
    known = [room for room in rooms if room is not None]
    return max(known, default=None) if len(known) == len(rooms) else None


def _check_contexts(config: RunConfig, rubric: Rubric) -> None:
    for judge in config.judging.judges:
        room = _room(config, judge, rubric)
        if room is not None and room <= 0:
            raise ConfigError(
                f"judge `{judge.label}` could be shown nothing: the rubric and the reply need "
                "all of it. Lower the judge's max_tokens, or use a model with a larger context.",
                key=f"models.{judge.model}.context_tokens",
            )


def _room(config: RunConfig, judge: JudgeConfig, rubric: Rubric) -> int | None:
    context_tokens = config.models[judge.model].context_tokens
    return None if context_tokens is None else context_room(judge, rubric, context_tokens)


def _check_fallback(config: RunConfig, name: str) -> None:
    fallback = config.models[name].fallback
    if fallback is None:
        return
    if config.models[name].facts.decides != config.models[fallback].facts.decides:
        raise ConfigError(
            f"`{fallback}` cannot stand in for `{name}`: one of them chats, the other one decides. "
            "Name a model of the same kind, or none.",
            key=f"models.{name}.fallback",
        )


def _check_batches(config: RunConfig, name: str) -> None:
    """A run that looks at its batches too seldom would take them for a standstill."""
    batch = config.models[name].batch
    if batch is not None and batch.poll_s >= config.limits.stall_s:
        raise ConfigError(
            f"must be less than limits.stall_s ({config.limits.stall_s:g}): a run that hears "
            "nothing for that long stops",
            key=f"models.{name}.batch.poll_s",
        )


def _check_local(config: RunConfig, name: str) -> None:
    model = config.models[name]
    if model.facts.find_model is None:
        return
    try:
        resolve_name(model.facts.find_model)(model.model)
    except ConfigError as error:
        raise ConfigError(str(error), key=f"models.{name}.model") from None
