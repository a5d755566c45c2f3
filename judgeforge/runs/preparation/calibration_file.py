"""The calibration as a file, and the check that it belongs to the judges that a run asks."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from judgeforge.config.run import RunConfig
from judgeforge.errors import ConfigError
from judgeforge.judging.templates import TEMPLATES_OF_OTHER_MATERIAL, template_digests
from judgeforge.ranking.rules import PairingRules
from judgeforge.records import RubricId
from judgeforge.runs.preparation.identity import differences, first_of, model_identity, own_criteria
from judgeforge.runs.preparation.judge_words import with_digests
from judgeforge.store.atomic_files import make_folder, replacing
from judgeforge.text.wording import first_problem

if TYPE_CHECKING:
    from judgeforge.calibration.calibration import Calibration

_IRRELEVANT = {"tier"}
"""Of a judge: when it is asked does not change what it says (but see ``_asked``)."""


def fingerprint(config: RunConfig, rubric: RubricId) -> dict[str, Any]:
    """All that decides what the judges say of given completions, and which of them are asked."""
    judges = config.judging.judges
    return {
        "rubric": {**rubric.model_dump(mode="json"), **own_criteria(config)},
        "judges": {
            judge.label: {
                **with_digests(judge, judge.model_dump(mode="json", exclude=_IRRELEVANT)),
                "model": model_identity(config.models[judge.model]),
            }
            for judge in judges
        },
        "asked": _asked(config),
        **({"show_reasoning": True} if config.judging.show_reasoning else {}),
        "prompts": template_digests(
            sorted({judge.protocol for judge in judges}),
            own_criteria=config.rubric_parts.per_prompt is not None,
            own_words=any(one.prompt or one.examples or one.commit_first for one in judges),
        ),
    }


def _asked(config: RunConfig) -> dict[str, Any] | None:
    """What decides which judges a cascade asks, and with it what is known of a pair; None where
    all are asked everything."""
    cascade = config.judging.cascade
    if cascade is None:
        return None
    return {
        "cascade": cascade.model_dump(mode="json"),
        "tiers": {judge.label: judge.tier for judge in config.judging.judges},
        "max_error": config.pairing.max_error,
        **_aim(config),
    }


def _aim(config: RunConfig) -> dict[str, Any]:
    """Nothing where it is what it was before there was another."""
    judging = config.judging
    if judging.aim == "rightness":
        return {}
    return {"aim": judging.aim, "training_value": judging.training_value.model_dump(mode="json")}


def load_calibration(config: RunConfig, rubric: RubricId) -> Calibration | None:
    """None where the configuration names none. Raises ConfigError for one that cannot be read, or
    was made with other judges, prompts or another rubric; it says what differs."""
    file = config.judging.calibration
    if file is None:
        return None
    calibration = read_calibration(file, config)
    if not calibration.fingerprint:
        return calibration
    changed = differences(calibration.fingerprint, _as_known_to(calibration, config, rubric))
    if changed:
        raise _mistake(
            config,
            f"{file} was made with other judges, another rubric or other rules of asking them, so "
            f"what it says does not hold here ({first_of(changed)}). Run `judgeforge calibrate` "
            "with this configuration: what was asked before comes from the cache.",
        )
    return calibration


def _as_known_to(calibration: Calibration, config: RunConfig, rubric: RubricId) -> dict[str, Any]:
    """The fingerprint of now, without templates that came after the calibration: they are part of
    prompts only that it knew nothing of."""
    now = fingerprint(config, rubric)
    known = calibration.fingerprint.get("prompts")
    names = known if isinstance(known, dict) else {}
    newer = {name for name in TEMPLATES_OF_OTHER_MATERIAL if name not in names}
    prompts = {name: digest for name, digest in now["prompts"].items() if name not in newer}
    return {**now, "prompts": prompts}


def read_calibration(file: Path, config: RunConfig) -> Calibration:
    from judgeforge.calibration.calibration import Calibration

    try:
        return Calibration.model_validate_json(file.read_bytes())
    except OSError as error:
        raise _mistake(
            config,
            f"{file} cannot be read: {error.strerror}. `judgeforge calibrate CONFIG --labels FILE "
            "--out FILE` writes one.",
        ) from error
    except ValidationError as error:
        raise _mistake(
            config,
            f"{file} is not a calibration that this judgeforge reads ({first_problem(error)})",
        ) from error


def check_place(file: Path, kind: type[BaseModel]) -> None:
    """Whether figures of this ``kind`` may be written there: earlier ones are replaced, and never
    the labels or the configuration. To be asked before anything is paid. Raises ConfigError."""
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return
    except OSError as error:
        raise ConfigError(
            f"{file}: cannot be written there ({error.strerror}). Give another --out."
        ) from error
    if not content:
        return
    try:
        kind.model_validate_json(content)
    except ValidationError as error:
        raise ConfigError(
            f"{file} is there already and is no {kind.__name__.lower()}, which alone is replaced. "
            "Give another --out."
        ) from error


def write_figures(file: Path, figures: BaseModel) -> None:
    """A calibration or an evaluation. Raises StoreError where it cannot be written."""
    make_folder(file.parent)
    with replacing(file) as target:
        target.write(figures.model_dump_json(indent=1).encode() + b"\n")


def content_digest(calibration: Calibration) -> str:
    """SHA-256 (hex): results made with another calibration are other results."""
    return hashlib.sha256(calibration.model_dump_json().encode()).hexdigest()


def calibration_facts(
    calibration: Calibration | None, rules: PairingRules
) -> dict[str, Any] | None:
    """For the manifest: what labels have shown, and what follows for pairs; None without labels."""
    if calibration is None:
        return None
    from judgeforge.calibration.promise import make_promise

    promise = make_promise(calibration, rules)
    return {
        "labels": calibration.labels,
        "of": calibration.of,
        "corrections": list(calibration.corrections),
        "people": calibration.people and calibration.people.model_dump(mode="json"),
        "sha256": content_digest(calibration),
        "promise": promise and promise.model_dump(mode="json"),
    }


def _mistake(config: RunConfig, message: str) -> ConfigError:
    return ConfigError(message, file=config.source_file, key="judging.calibration")
