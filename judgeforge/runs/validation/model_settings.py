"""Which models a configuration uses, and whether each can do what is asked of it."""

from __future__ import annotations

from pkgutil import resolve_name

from judgeforge.config.chat_template import load_chat_template
from judgeforge.config.run import RunConfig
from judgeforge.errors import ConfigError


def used_models(config: RunConfig) -> list[str]:
    sampled = config.sampling.writers if config.sampling else []
    judging = [judge.model for judge in config.judging.judges]
    write = config.rubric_parts.write
    return list(dict.fromkeys([*sampled, *judging, *([write.model] if write else [])]))


def called_models(config: RunConfig) -> list[str]:
    """Those that are used, and the fallbacks of these."""
    used = used_models(config)
    fallbacks = [config.models[name].fallback for name in used]
    return list(dict.fromkeys([*used, *(name for name in fallbacks if name)]))


def without_tools(config: RunConfig) -> str | None:
    """What to do about rows with tools, where a model that is sampled takes none."""
    sampled = config.sampling.writers if config.sampling else []
    fallbacks = (config.models[name].fallback for name in sampled)
    for name in (*sampled, *filter(None, fallbacks)):
        model = config.models[name]
        if not model.facts.takes_tools:
            return (
                f"models.{name}: provider `{model.provider}` can call none. Sample models of "
                "another provider, such as the same model behind a server, or leave the column out "
                "with `fields: {tools: null}`"
            )
    return None


def without_pictures(config: RunConfig) -> str | None:
    """The same of pictures. Everything that is sampled or judges is shown them."""
    for name in called_models(config):
        model = config.models[name]
        if model.vision is False:
            return (
                f"models.{name} is said not to see (`vision: false`). Sample and judge with models "
                "that see, or take such rows out"
            )
        if not model.facts.takes_pictures:
            return (
                f"models.{name}: provider `{model.provider}` takes words only. Sample and judge "
                "with models of another provider, or take such rows out"
            )
    return None


def check_fallback(config: RunConfig, name: str) -> None:
    """As all of these, raises ConfigError with the key."""
    fallback = config.models[name].fallback
    if fallback is None:
        return
    asked, standing_in = config.models[name], config.models[fallback]
    if asked.facts.gives != standing_in.facts.gives:
        raise ConfigError(
            f"`{fallback}` cannot stand in for `{name}`: one of them chats, the other one decides. "
            "Name a model of the same kind, or none.",
            key=f"models.{name}.fallback",
        )
    if "rewards" in asked.facts.gives and asked.model != standing_in.model:
        raise ConfigError(
            f"`{fallback}` cannot stand in for `{name}`: rewards of two models are on two scales. "
            "Name the same model behind another server, or none.",
            key=f"models.{name}.fallback",
        )


def check_batches(config: RunConfig, name: str) -> None:
    """A run that looks at its batches too seldom would take them for a standstill."""
    batch = config.models[name].batch
    if batch is not None and batch.poll_s >= config.limits.stall_s:
        raise ConfigError(
            f"must be less than limits.stall_s ({config.limits.stall_s:g}): a run that hears "
            "nothing for that long stops",
            key=f"models.{name}.batch.poll_s",
        )


def check_template(config: RunConfig, name: str) -> None:
    template = config.models[name].chat_template
    if template is None:
        return
    try:
        load_chat_template(str(template))
    except ConfigError as error:
        raise ConfigError(str(error), key=f"models.{name}.chat_template") from None


def check_local(config: RunConfig, name: str) -> None:
    model = config.models[name]
    if model.facts.find_model is None:
        return
    try:
        resolve_name(model.facts.find_model)(model.model)
    except ConfigError as error:
        raise ConfigError(str(error), key=f"models.{name}.model") from None
