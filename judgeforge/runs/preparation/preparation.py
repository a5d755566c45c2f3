"""Everything that is checked before any money is spent: rubric, models, keys, network, prices."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from judgeforge.calls.money.price_list import batch_price_of, billed_apart, price_of, why_unknown
from judgeforge.calls.money.prices import ModelPrice
from judgeforge.config.file import located
from judgeforge.config.keys import read_key
from judgeforge.config.run import RunConfig
from judgeforge.errors import ConfigError, InputError, as_one
from judgeforge.inputs.files import check_files
from judgeforge.inputs.row_checks import RowChecks
from judgeforge.judging.layout import NEWEST_LAYOUT, Layout
from judgeforge.judging.own_criteria.prompt_rubric import OwnRubrics, no_rubric
from judgeforge.judging.own_family import OwnFamily
from judgeforge.judging.own_prompts import OwnPrompt
from judgeforge.judging.panel import Panel, PanelKind
from judgeforge.judging.programs.deciding import Decides
from judgeforge.judging.rubric import Rubric, load_rubric
from judgeforge.judging.verification import JUDGE_NAME
from judgeforge.runs.preparation.calibration_file import content_digest, load_calibration
from judgeforge.runs.preparation.identity import identity
from judgeforge.runs.preparation.judge_words import own_prompts
from judgeforge.runs.validation.judge_settings import (
    check_contexts,
    check_families,
    check_judges,
    check_max_error,
    check_protocols,
    check_reward_judges,
    leaves_to_judges,
)
from judgeforge.runs.validation.model_settings import (
    called_models,
    check_batches,
    check_fallback,
    check_local,
    check_template,
)
from judgeforge.runs.validation.network import check_network
from judgeforge.runs.validation.pair_sides import check_sides
from judgeforge.runs.validation.row_demands import label_checks, row_checks
from judgeforge.runs.validation.verifiers import check_programs

if TYPE_CHECKING:
    from judgeforge.calibration.calibration import Calibration
    from judgeforge.judging.elsewhere.file import Verdicts

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
    verdicts: Verdicts | None = None
    """What was judged elsewhere, where the configuration names a file."""
    direct_prices: Mapping[str, ModelPrice | None] = field(default_factory=dict)
    batch_prices: Mapping[str, ModelPrice | None] = field(default_factory=dict)
    """Of models that are asked in batches; None where none is known, and the usual one counts."""
    layout: Layout = NEWEST_LAYOUT
    """Of what judges are sent; a folder keeps the one that it was begun with."""
    own_prompts: Mapping[str, OwnPrompt] = field(default_factory=dict)
    """By judge, of those that are asked in the user's words, with examples, or after an answer of
    their own."""

    @property
    def own_rubrics(self) -> OwnRubrics | None:
        """None where prompts have no criteria of their own."""
        return OwnRubrics.of(self.rubric, self.config)

    @property
    def leaves_to_judges(self) -> bool:
        """Whether there can be criteria for a judge."""
        return leaves_to_judges(self.config, self.rubric)

    @property
    def asks_nobody(self) -> bool:
        """Whether this run names no judge for what is left to judges."""
        judging, pairing = self.config.judging, self.config.pairing
        return self.leaves_to_judges and not judging.judges and not pairing.judges_nothing

    @property
    def asks_judges(self) -> bool:
        return self.leaves_to_judges and bool(self.config.judging.judges)

    @property
    def only_samples(self) -> bool:
        """Whether nobody judges, so that the run ends with completions."""
        return self.asks_nobody and self.verdicts is None

    @property
    def judgments_digest(self) -> str:
        """SHA-256 (hex) of what others have judged; "" where nothing is named."""
        return "" if self.verdicts is None else self.verdicts.digest

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
        self, kind: PanelKind[T, PanelT], asked: T, programs: Decides | None = None
    ) -> PanelT:
        """All judges; ``asked``: what a panel of this ``kind`` gets its answers from."""
        own = self.own_rubrics
        panel = kind(
            self.config.judging.judges,
            self.rubric if own is None else own.shared,
            asked,
            self.own_family,
            show_reasoning=self.config.judging.show_reasoning,
            layout=self.layout,
            programs=programs,
        )
        return panel.in_words(self.own_prompts)


@contextmanager
def _adding_to(mistakes: list[ConfigError]) -> Iterator[None]:
    """All mistakes are told, not only the first."""
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
    rubric, calibration, verdicts = None, None, None
    words: Mapping[str, OwnPrompt] = {}
    with _adding_to(mistakes):
        rubric = _rubric(config)
    if rubric is not None:
        with _adding_to(mistakes):
            words = own_prompts(config, label_checks(config, rubric))
        fitting = partial(check_contexts, own=words)
        checks: list[Callable[[RunConfig, Rubric], None]] = [check_judges, check_families, fitting]
        checks += [check_programs] if with_keys else []  # where something is to be run
        for check in checks:
            with _adding_to(mistakes):
                check(config, rubric)
        with _adding_to(mistakes):
            calibration = load_calibration(config, rubric.identity)
    with _adding_to(mistakes):
        verdicts = _verdicts(config)
    for check_alone in (check_protocols, check_reward_judges, check_max_error, check_sides):
        with _adding_to(mistakes):
            check_alone(config)
    names = called_models(config)
    for name in names:
        for check_model in (check_local, check_template, check_fallback, check_batches):
            with _adding_to(mistakes):
                check_model(config, name)
    keys = _keys(config, names, mistakes) if with_keys else dict.fromkeys(names)
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
        row_checks(config, rubric, words),
        calibration,
        verdicts,
        direct_prices=prices,
        batch_prices=in_batches,
        layout=config.judging.prompt_layout or NEWEST_LAYOUT,
        own_prompts=words,
    )


def _keys(
    config: RunConfig, names: Sequence[str], mistakes: list[ConfigError]
) -> dict[str, str | None]:
    """By model, of those whose key could be read."""
    keys: dict[str, str | None] = {}
    without_key: set[str | None] = set()
    for name in names:
        place = config.models[name].key_place
        if place in without_key:  # the first model that takes its key from there says so
            continue
        with _adding_to(mistakes):
            keys[name] = read_key(config, name)
        if name not in keys:
            without_key.add(place)
    return keys


def _rubric(config: RunConfig) -> Rubric:
    """A mistake in the rubric names the rubric's line, a wrong path that of the configuration."""
    try:
        return shared_rubric(config)
    except ConfigError as error:
        if error.line is not None:
            raise
        message = error.message if error.key else str(error)
        raise ConfigError(message, key="rubric") from None


def shared_rubric(config: RunConfig) -> Rubric:
    """What all prompts are judged by, as the configuration names it. Raises ConfigError."""
    name = config.rubric_parts.name
    return no_rubric() if name is None else load_rubric(name, folder=config.folder)


def _verdicts(config: RunConfig) -> Verdicts | None:
    file = config.judging.judgments
    if file is None:
        return None
    from judgeforge.judging.elsewhere.file import read_verdicts

    labels = [judge.label for judge in config.judging.judges]
    return read_verdicts(file, taken=[*labels, JUDGE_NAME])


def check_prompts_file(config: RunConfig) -> None:
    """Raises InputError with file, line and what to do where `prompts.path` cannot be read."""
    if config.prompts.path is None:
        return
    try:
        check_files(config.prompts.path)
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
