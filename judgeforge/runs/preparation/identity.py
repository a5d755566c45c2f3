"""What makes a run folder's results what they are, and what may change between two starts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from judgeforge.config.chat_template import template_digest
from judgeforge.config.model import ModelConfig
from judgeforge.config.prompt_files import are_several
from judgeforge.config.run import PromptsConfig, RunConfig
from judgeforge.judging.layout import CODE_OF_A_REQUEST, NEWEST_LAYOUT, Layout
from judgeforge.ranking.cascade.training_value import TrainingValue
from judgeforge.records import RubricId
from judgeforge.runs.preparation.extra_judgments import bought
from judgeforge.runs.preparation.judge_words import with_digests
from judgeforge.runs.validation.model_settings import used_models
from judgeforge.store.manifest import Manifest
from judgeforge.text.wording import listed, shortened

_MODEL_FIELDS = {
    "provider",
    "model",
    "base_url",
    "structured",
    "max_tokens_field",
    "send_temperature",
    "params",
}
_BESIDE_JUDGING = {"on_judge_failure", "judgments", "prompt_layout"}
"""What others have judged may change: then the prompts are ranked again, and nothing is asked. The
layout of requests is compared on its own: a folder that names none keeps the one that it has."""
_NEWER_FIELDS = {"chat_template", "thinking_tags", "system_role", "query", "send_reasoning"}
"""Named only where they are set: folders that were made before them know nothing of them."""
_OF_JUDGING: dict[str, object] = {
    "show_reasoning": False,
    "writer_prior": False,
    "aim": "rightness",
    "training_value": TrainingValue(),
}
_BESIDE_PAIRING = {"stop_below"}
"""When a run stops changes none of its pairs, and a stopped one goes on with a lower one."""
_OF_PAIRING = {"thinking": "drop"}
"""Newer settings, and what they are where folders know nothing of them."""
SEVERAL_FILES = "several files"
"""In the place of their names: another one may join them."""
_NEWER_PROMPTS = {"shape", "last_answer", "keep"}
_NEWER_COLUMNS = {"tools", "chosen", "rejected", "criteria", "images"}


def identity(config: RunConfig, rubric: RubricId, calibration: str | None = None) -> dict[str, Any]:
    """Prompts, model identity, sampling, rubric, judging and pairing.

    ``calibration``: the digest of what the file says. Where it is changes no result, and neither do
    budget, prices, limits, keys, timeouts and the place of the cache.
    """
    prompts = _prompts(config.prompts)
    if "path" in prompts:
        # Moving a project changes no result; the rows themselves are compared one by one.
        path = config.prompts.path
        prompts["path"] = SEVERAL_FILES
        if isinstance(path, Path) and not are_several(path):
            prompts["path"] = path.name
    if config.prompts.contamination is not None:
        # As above: a row of theirs that changes shows in the prompts that are skipped for it.
        prompts["contamination"]["against"] = [
            one.name if isinstance(one, Path) else one.model_dump(mode="json", exclude_none=True)
            for one in config.prompts.contamination.against
        ]
    return {
        "prompts": prompts,
        "models": {
            name: model_identity(config.models[name], config.known_addresses.get(name))
            for name in used_models(config)
        },
        "sampling": config.sampling.model_dump(mode="json") if config.sampling else None,
        "rubric": {**rubric.model_dump(mode="json"), **own_criteria(config)},
        "judging": {
            **config.judging.model_dump(
                mode="json",
                exclude=_BESIDE_JUDGING | _unset(config.judging, _OF_JUDGING) | _unbought(config),
            ),
            "judges": [
                with_digests(judge, judge.model_dump(mode="json"))
                for judge in config.judging.judges
            ],
            "calibration": calibration,
        },
        "pairing": config.pairing.model_dump(
            mode="json", exclude=_BESIDE_PAIRING | _unset(config.pairing, _OF_PAIRING)
        ),
    }


def own_criteria(config: RunConfig) -> dict[str, Any]:
    """What is said of criteria of each prompt's own; nothing where there are none."""
    return config.rubric_parts.model_dump(mode="json", exclude={"name"}, exclude_defaults=True)


def _unbought(config: RunConfig) -> set[str]:
    return set() if bought(config.judging) else {"fit_repeats"}


def as_begun(config: RunConfig, before: Mapping[str, Any]) -> RunConfig:
    """``config`` for a folder whose identity was ``before``: one that planned to buy nothing that
    measures its judges goes on so, unless the configuration says otherwise."""
    judging = config.judging
    if not _has_judges(before):
        return config  # it had none to measure
    if "fit_repeats" in judging.model_fields_set or "fit_repeats" in (before.get("judging") or {}):
        return config
    return config.model_copy(update={"judging": judging.model_copy(update={"fit_repeats": 0})})


def layout_begun(config: RunConfig, previous: Manifest | None) -> Layout:
    """Of the requests of judges in a folder: the one that it was begun with, as long as anybody
    has judged in it and the configuration asks for no other."""
    asked = config.judging.prompt_layout
    if asked is not None or previous is None or not _has_judges(previous.identity):
        return asked or NEWEST_LAYOUT
    return CODE_OF_A_REQUEST if previous.prompt_layout == CODE_OF_A_REQUEST else NEWEST_LAYOUT


def regardless_of_files(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """The ``old`` identity, with the files of the ``new`` where either names several."""
    before, after = (one.get("prompts") or {} for one in (old, new))
    if SEVERAL_FILES not in (before.get("path"), after.get("path")):
        return dict(old)
    return {**old, "prompts": {**before, "path": after.get("path")}}


def with_layout(identity: Mapping[str, Any], layout: int) -> dict[str, Any]:
    """The identity, with how its judges are sent what they judge; nothing where nobody judges."""
    return {**identity, **({"prompt_layout": layout} if _has_judges(identity) else {})}


def _has_judges(identity: Mapping[str, Any]) -> bool:
    return bool((identity.get("judging") or {}).get("judges"))


def _unset(settings: BaseModel, newer: Mapping[str, object]) -> set[str]:
    return {name for name, unset in newer.items() if getattr(settings, name) == unset}


def _prompts(prompts: PromptsConfig) -> dict[str, Any]:
    """Without what is newer than some folders, where it is left as it always was."""
    usual = PromptsConfig(path=Path())
    newer = {name for name in _NEWER_PROMPTS if getattr(prompts, name) == getattr(usual, name)}
    found = prompts.model_dump(mode="json", exclude_none=True, exclude=newer)
    unset = {name for name in _NEWER_COLUMNS if getattr(prompts.fields, name) == name}
    return found | {"fields": prompts.fields.model_dump(exclude_none=True, exclude=unset)}


def model_identity(model: ModelConfig, known_as: str | None = None) -> dict[str, Any]:
    """What decides a model's replies to given requests. ``known_as``: the address that stands for
    its replicas; the first if left out."""
    newer = {name for name in _NEWER_FIELDS if getattr(model, name)}
    found = model.model_dump(mode="json", include=_MODEL_FIELDS | newer)
    # What `auto` asks with as long as nothing keeps it from that, and what it was before it.
    if model.chat_template is not None:  # what it writes counts, and not where it is
        found["chat_template"] = template_digest(str(model.chat_template))
    address = known_as or next(iter(model.addresses), None)
    return {**found, "base_url": address, "structured": model.reply_forms[0]}


def differences(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> list[str]:
    """A text for each key that differs: ``sampling.temperature: was 1.0 and is 0.7``."""
    found: list[str] = []
    for key in dict.fromkeys([*old, *new]):
        before, after = old.get(key), new.get(key)
        if before == after:
            continue
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            found += differences(before, after, f"{prefix}{key}.")
        else:
            found.append(f"{prefix}{key}: was {_short(before)} and is {_short(after)}")
    return found


def first_of(differing: Sequence[str]) -> str:
    """The first three of ``differences``."""
    return listed(differing, most=3)


def _short(value: object) -> str:
    return shortened(json.dumps(value, ensure_ascii=False))
