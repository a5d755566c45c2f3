"""Whether judges can do what a configuration asks of them, told before anything is sent."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pkgutil import resolve_name

from judgeforge.config.judges import JudgeConfig
from judgeforge.config.model import ModelConfig
from judgeforge.config.providers import PROVIDERS
from judgeforge.config.run import RunConfig
from judgeforge.errors import ConfigError
from judgeforge.judging.asking import context_room
from judgeforge.judging.own_criteria.prompt_rubric import OwnRubrics
from judgeforge.judging.own_family import OwnFamily
from judgeforge.judging.own_prompts import OF_THE_HOUSE, OwnPrompt
from judgeforge.judging.rubric import Rubric
from judgeforge.ranking.protocols import PROTOCOLS, Gives

_KINDS: Mapping[Gives, str] = {
    "words": "a model that writes",
    "probabilities": "a decision model",
    "rewards": "a reward model",
}


def check_max_error(config: RunConfig) -> None:
    if config.pairing.max_error is not None and config.judging.calibration is None:
        raise ConfigError(
            "needs labels: `judgeforge calibrate CONFIG --labels FILE --out calibration.json` "
            "measures the judges, and `judging.calibration: calibration.json` uses it",
            key="pairing.max_error",
        )


def check_judges(config: RunConfig, rubric: Rubric) -> None:
    nobody = not config.judging.judges and config.judging.judgments is None
    if config.pairing.by_design and nobody and leaves_to_judges(config, rubric):
        if config.pairing.audits:
            raise ConfigError(
                f"`strategy: delta` has {config.pairing.audit:g} of the prompts judged, and no "
                "judge is named. Add `judging: {judges: [{model: NAME}]}`, or say `audit: 0` for "
                "pairs whose confidence is not measured.",
                key="pairing.audit",
            )
        return
    if leaves_to_judges(config, rubric) and nobody and not config.only_samples:
        first = rubric.judged[0].name if rubric.judged else "those of each prompt's own"
        raise ConfigError(
            f"rubric `{rubric.name}` has criteria for a judge ({first}, …), "
            "but no judge is named. Add `judging: {judges: [{model: NAME}]}`, or leave `judging` "
            "out to sample now and judge later.",
            key="judging.judges",
        )


def leaves_to_judges(config: RunConfig, rubric: Rubric) -> bool:
    """Whether there can be criteria for a judge, in the rubric or of prompts' own."""
    own = OwnRubrics.of(rubric, config)
    return bool(rubric.judged) if own is None else own.leave_to_judges


def check_protocols(config: RunConfig) -> None:
    """A decision model takes typed questions only, a reward model conversations, and no other model
    takes either."""
    for number, judge in enumerate(config.judging.judges):
        model = config.models[judge.model]
        needed = judge.facts.needs
        if needed in model.facts.gives:
            _check_files(judge, model, number)
            continue
        if not model.facts.writes:
            fitting = " or ".join(f"`protocol: {name}`" for name in _asking(model.facts.gives))
            message = f"provider `{model.provider}` writes no text: set {fitting}"
        else:
            fitting = " or ".join(f"`{name}`" for name in _giving(needed))
            message = (
                f"`protocol: {judge.protocol}` needs {_KINDS[needed]}, and provider "
                f"`{model.provider}` has none: use {fitting}"
            )
        raise ConfigError(message, key=f"judging.judges[{number}].protocol")
    for name in config.sampling.writers if config.sampling else ():
        if not config.models[name].facts.writes:
            raise ConfigError(
                f"provider `{config.models[name].provider}` writes no text and cannot be sampled",
                key="sampling.models",
            )
    write = config.rubric_parts.write
    if write is not None and not config.models[write.model].facts.writes:
        raise ConfigError(
            f"provider `{config.models[write.model].provider}` writes no text, so it can write no "
            "criteria: name a model that chats",
            key="rubric.write.model",
        )


def _check_files(judge: JudgeConfig, model: ModelConfig, number: int) -> None:
    if model.facts.check_gives is None:
        return
    try:
        resolve_name(model.facts.check_gives)(model.model, judge.facts.needs)
    except ConfigError as error:
        raise ConfigError(str(error), key=f"judging.judges[{number}].protocol") from None


def _asking(given: Collection[Gives]) -> list[str]:
    return sorted(
        name for name, facts in PROTOCOLS.items() if facts.needs in given and not facts.by_code
    )


def _giving(needed: Gives) -> list[str]:
    return sorted(name for name, facts in PROVIDERS.items() if needed in facts.gives)


def check_reward_judges(config: RunConfig) -> None:
    """Rewards need a scale, which labels or a run's first prompts give, and have no zero."""
    rewarding = [judge for judge in config.judging.judges if judge.facts.rewards]
    if not rewarding:
        return
    if not config.judging.fit_prompts and config.judging.calibration is None:
        raise ConfigError(
            f"must be more than 0: how much a reward of judge `{rewarding[0].label}` means is "
            "learnt from these prompts, or from labels (`judging.calibration`)",
            key="judging.fit_prompts",
        )
    alone = len(rewarding) == len(config.judging.judges) and config.judging.judgments is None
    if alone and config.pairing.min_chosen_score:
        raise ConfigError(
            "has no meaning where all judges are reward models: a reward says which answer to a "
            "prompt is better, and not how good it is. Take it out, or add a judge that scores.",
            key="pairing.min_chosen_score",
        )


def check_families(config: RunConfig, rubric: Rubric) -> None:
    """Every sampled model needs a judge that is not of its own family."""
    asked = leaves_to_judges(config, rubric)
    if not (config.judging.exclude_own_family and asked and config.sampling):
        return
    own_family = OwnFamily(config.models)
    for name in config.sampling.writers:
        if all(own_family.is_own(judge, name) for judge in config.judging.judges):
            raise ConfigError(
                f"no judge is left for the completions of `{name}`: all are of its own model "
                "family. Add a judge of another one, or take `exclude_own_family` out.",
                key="judging.exclude_own_family",
            )


def judged_tokens(config: RunConfig, rubric: Rubric, own: Mapping[str, OwnPrompt]) -> int | None:
    """The most that any judge can be shown; None where that is unknown, or no judge is asked."""
    judges = config.judging.judges if leaves_to_judges(config, rubric) else ()
    rooms = [_room(config, judge, rubric, own) for judge in judges]
    known = [room for room in rooms if room is not None]
    return max(known, default=None) if len(known) == len(rooms) else None


def check_contexts(config: RunConfig, rubric: Rubric, *, own: Mapping[str, OwnPrompt]) -> None:
    for judge in config.judging.judges:
        room = _room(config, judge, rubric, own)
        if room is not None and room <= 0:
            raise ConfigError(
                f"judge `{judge.label}` could be shown nothing: the rubric and the reply need "
                "all of it. Lower the judge's max_tokens, or use a model with a larger context.",
                key=f"models.{judge.model}.context_tokens",
            )


def _room(
    config: RunConfig, judge: JudgeConfig, rubric: Rubric, own: Mapping[str, OwnPrompt]
) -> int | None:
    context_tokens = config.models[judge.model].context_tokens
    if context_tokens is None:
        return None
    words = own.get(judge.label, OF_THE_HOUSE)
    return context_room(judge, rubric, context_tokens, words)
