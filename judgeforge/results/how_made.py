"""What a manifest says of how a run was made, as tables of names and values. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import PurePath
from typing import Any

from judgeforge.config.providers import runs_in_process
from judgeforge.store.manifest import Json, Manifest

Fact = tuple[str, str]
Show = Callable[[object], str]
"""How a page writes a value that models, rows or people chose."""


def part(config: Json, *names: str) -> Any:  # noqa: ANN401 (of JSON)
    """A value deep in the configuration; None where an older version wrote none."""
    found: Any = config
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def making(manifest: Manifest) -> list[Fact]:
    config, rubric = manifest.config, manifest.rubric
    models: Mapping[str, Json] = config.get("models") or {}
    return [
        ("prompts", prompts_source(config)),
        (
            "models",
            "; ".join(f"{name}: {_model(one, str)}" for name, one in models.items())
            or "none: the rows brought their completions",
        ),
        ("sampling", sampling(config)),
        (
            "rubric",
            f"{rubric.get('name')}, version {rubric.get('version')}, "
            f"SHA-256 {rubric.get('sha256')}",
        ),
        *([("criteria of prompts' own", own)] if (own := own_criteria(config)) else []),
        ("judges", judges(config)),
        ("cascade", rules(part(config, "judging", "cascade")) or "none: all were asked all"),
        *((block, rules(config.get(block))) for block in ("pairing", "budget", "limits")),
    ]


def unfinished(manifest: Manifest) -> str:
    """What is said of a run that stopped early: the prompts to go have no pairs yet."""
    rows = manifest.totals.prompts + manifest.unfinished
    return (
        f"is not complete (status: {manifest.status}), with {manifest.unfinished:,} of its "
        f"{rows:,} prompts to go"
    )


def versions(manifest: Manifest) -> list[Fact]:
    used = {"judgeforge": manifest.judgeforge_version, **manifest.versions}
    return [
        ("versions", ", ".join(f"{name} {value}" for name, value in used.items())),
        ("input", f"fingerprint {manifest.input and manifest.input.fingerprint}"),
        ("folder made", str(manifest.created_at)),
        ("last start", f"{manifest.started_at}{_took(manifest)}"),
        ("last change", str(manifest.updated_at)),
    ]


def _took(manifest: Manifest) -> str:
    try:
        started, ended = (
            datetime.fromisoformat(str(time)) for time in (manifest.started_at, manifest.updated_at)
        )
    except (ValueError, TypeError):  # not a time, or one without a zone
        return ""
    return f", took {ended - started} (hours, minutes, seconds)"


def judges_by_name(config: Json) -> dict[str, Json]:
    judges = part(config, "judging", "judges") or ()
    return {judge.get("name") or judge["model"]: judge for judge in judges}


def prompts_source(config: Json) -> str:
    source = config.get("prompts") or {}
    if hub := source.get("hf"):
        return f"dataset {hub.get('name')}, split {hub.get('split')}"
    return f"file {file_name(source.get('path') or 'unknown')}"


def sampling(config: Json, show: Show = str) -> str:
    drawn = config.get("sampling")
    if not drawn:
        return "brought by the input; nothing was sampled"
    seed = drawn.get("seed")
    temperatures = ", ".join(f"{value:g}" for value in drawn.get("temperature") or ())
    return (
        f"{drawn.get('completions')} a prompt, from {_writers(drawn, config, show)}; temperature "
        f"{temperatures}, at most {drawn.get('max_tokens')} tokens, "
        f"{'no seed' if seed is None else f'seed {show(seed)}'}{_beside(drawn)}"
    )


def _writers(drawn: Json, config: Json, show: Show) -> str:
    models, always, pool = (
        ", ".join(_model_called(name, config, show) for name in drawn.get(key) or ())
        for key in ("models", "always", "pool")
    )
    if not pool:
        return models
    of_pool = f"a pool of {len(drawn['pool'])} ({pool}), drawn evenly"
    return f"{always} always and {of_pool}" if always else of_pool


def _beside(drawn: Json) -> str:
    principles, added = len(drawn.get("principles") or ()), drawn.get("add_to_ready")
    each = f", each with one of {principles} principles" if principles else ""
    more = drawn.get("more_in_doubt")
    in_doubt = f", and up to {more} more where the pair is in doubt" if more else ""
    return each + (f", {added} beside completions that a row brings" if added else "") + in_doubt


def judges(config: Json, show: Show = str) -> str:
    asked: Sequence[Json] = part(config, "judging", "judges") or ()
    named = "; ".join(_judge(each, config, show) for each in asked)
    thoughts = (
        "; they saw what the models thought" if part(config, "judging", "show_reasoning") else ""
    )
    return f"{named}{thoughts}" if named else "none; code checked the criteria"


def rules(block: Json | None, show: Show = str) -> str:
    """What a block of the configuration sets; a strategy comes first, without its key."""
    told = {name: value for name, value in (block or {}).items() if value is not None}
    strategy = [show(told.pop("strategy"))] if "strategy" in told else []
    each = (
        f"{show(name)} {show(file_name(value) if name == 'ledger' else _in_words(value))}"
        for name, value in told.items()
    )
    return ", ".join([*strategy, *each])


def _in_words(value: object) -> object:
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_in_words(inner)}" for name, inner in value.items())
    return " or ".join(map(str, value)) if isinstance(value, list | tuple) else value


def file_name(path: object) -> str:
    """Without its folders, which are private in a page or a card that may be passed on."""
    return PurePath(str(path).replace("\\", "/")).name


def _judge(judge: Json, config: Json, show: Show) -> str:
    name = f"{show(judge['name'])}: " if judge.get("name") else ""
    tier = f", tier {judge['tier']}" if judge.get("tier", 1) != 1 else ""
    return (
        f"{name}{_model_called(judge.get('model'), config, show)} "
        f"({show(judge.get('protocol'))}, {judge.get('repeats', 1)} x{tier}{_words(judge)})"
    )


def _words(judge: Json) -> str:
    """What it was asked with besides the prompts of the house."""
    told = [
        *(["a prompt of the user's"] if judge.get("prompt") else []),
        *([f"{part(judge, 'examples', 'number')} examples"] if judge.get("examples") else []),
        *(["answered first itself"] if judge.get("commit_first") else []),
    ]
    return "".join(f", {one}" for one in told)


def own_criteria(config: Json, show: Show = str) -> str:
    """Where criteria of each prompt's own came from; "" where there were none."""
    mode = part(config, "rubric", "per_prompt")
    if mode is None:
        return ""
    writer = part(config, "rubric", "write", "model")
    written = f", or written by {_model_called(writer, config, show)}" if writer else ""
    how = "and no others count" if mode == "only" else "beside those of the rubric"
    return f"from the rows{written}, {how}"


def _model_called(name: object, config: Json, show: Show) -> str:
    return _model((config.get("models") or {}).get(name) or {"model": name}, show)


def _model(model: Json, show: Show) -> str:
    provider, name = model.get("provider", "unknown"), model.get("model")
    return f"{show(file_name(name) if runs_in_process(provider) else name)} ({show(provider)})"
