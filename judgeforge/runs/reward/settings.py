"""What `reward` and `areward` take, checked before a training begins."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from judgeforge.config.copies import check_copied
from judgeforge.config.file import load_config, read_config_document
from judgeforge.config.run import RunConfig
from judgeforge.errors import ConfigError
from judgeforge.ranking.rules import PairingRules
from judgeforge.runs.folders import chosen_folder
from judgeforge.runs.preparation.preparation import Preparation, prepare
from judgeforge.store.fit import FrozenFit, read_fit
from judgeforge.store.folder import RunFolder, why_no_run_folder
from judgeforge.text.wording import counted, did_you_mean, expect, listed

OnBudget = Literal["error", "none"]
_ON_BUDGET = ("error", "none")
REWARD_PROMPTS = 8


@dataclass(frozen=True, slots=True)
class RewardSettings:
    config: RunConfig
    """As it judges in a training: nothing is sampled, and nothing waits for batches."""
    folder: Path
    name: str
    on_budget: OnBudget
    learn_from: int
    fit: FrozenFit | None
    """That of another folder; None where it is learnt, or comes from labels."""

    def prepared(self, *, with_keys: bool = True) -> Preparation:
        """Raises ConfigError for all mistakes that are found. Not kept: it holds the keys."""
        prepared = prepare(self.config, with_keys=with_keys)
        if prepared.asks_nobody:
            raise ConfigError(
                "the rubric leaves criteria to judges, and `judging.judges` names none",
                file=self.config.source_file,
                key="judging.judges",
            )
        return prepared


def read_settings(
    config: RunConfig | Path | str,
    out: Path | str | None,
    *,
    name: str,
    on_budget: str,
    learn_from: int | None,
    fit: Path | str | None,
) -> RewardSettings:
    """Raises ConfigError, and TypeError and ValueError for arguments that can never be right."""
    path_kinds = (str, os.PathLike)
    advice = "judgeforge.load_config(path) gives a RunConfig"
    expect(config, (RunConfig, *path_kinds), "config", "a RunConfig or the path of one", advice)
    if isinstance(config, RunConfig):
        check_copied(config)
    expect(out, (*path_kinds, type(None)), "out", "the path of a folder, or None")
    expect(fit, (*path_kinds, type(None)), "fit", "the path of a run folder, or None")
    expect(name, str, "name", "a string")
    expect(learn_from, (int, type(None)), "learn_from", "a number of prompts, or None")
    if on_budget not in _ON_BUDGET:
        allowed = listed(_ON_BUDGET, mark='"')
        hint = did_you_mean(str(on_budget), _ON_BUDGET)
        raise ValueError(f"on_budget must be one of {allowed}, not {on_budget!r}{hint}")
    if not name.strip():
        raise ValueError("name is empty; trainers log the reward under it")
    if learn_from is not None and learn_from < 1:
        raise ValueError(f"learn_from must be a number of prompts from 1, not {learn_from}")
    read = config if isinstance(config, RunConfig) else load_for_rewards(Path(config))
    place = chosen_folder(read, out)
    if out is None:
        place = place.with_name(f"{place.name}-reward")
    judged = _as_judged(read)
    return RewardSettings(
        config=_shared_out(judged),
        folder=_of_this_process(place),
        name=name,
        on_budget="error" if on_budget == "error" else "none",
        learn_from=learn_from or _enough(judged),
        fit=None if fit is None else _fit(Path(fit), judged),
    )


def _enough(config: RunConfig) -> int:
    """Prompts to learn the judges from. What a reward model says is worth nothing before its scale
    is known, and a few prompts show that."""
    judging = config.judging
    rewards = any(judge.facts.rewards for judge in judging.judges)
    return max(1, min(REWARD_PROMPTS, judging.fit_prompts) if rewards else judging.fit_prompts)


def load_for_rewards(path: Path) -> RunConfig:
    """A file for rewards alone may leave out `prompts`, which come from the trainer."""
    if "prompts" in read_config_document(path).value:
        return load_config(path)
    return load_config(path, {"prompts": {"path": "prompts.jsonl"}})


def _as_judged(config: RunConfig) -> RunConfig:
    models = {
        name: model.model_copy(update={"batch": None}) for name, model in config.models.items()
    }
    # A training has groups of one and groups of equals, which are no mistake of anybody's.
    limits = config.limits.model_copy(update={"max_skip_share": 1.0})
    changed = {"models": models, "sampling": None, "on_finish": None}
    return config.model_copy(update={**changed, "limits": limits, "pairing": _rules(config)})


def _rules(config: RunConfig) -> PairingRules:
    """Of the pairs that the folder has beside its scores. A policy learns what its judges fall for,
    so answers that speak to them are kept from them unless the configuration says otherwise."""
    rules = config.pairing
    says = "reject_suspicious" in rules.model_fields_set
    rejects = rules.reject_suspicious if says else True
    if rules.by_design:  # such a strategy judges no pair
        return PairingRules(reject_suspicious=rejects)
    return rules.model_copy(update={"reject_suspicious": rejects})


def _ranks() -> tuple[int, int]:
    """Which process of a distributed training this is, and of how many, as launchers say."""
    try:
        return int(os.environ.get("RANK", "0")), max(1, int(os.environ.get("WORLD_SIZE", "1")))
    except ValueError:
        return 0, 1


def _of_this_process(folder: Path) -> Path:
    """A folder has one process: of several, each has its own below it."""
    rank, of = _ranks()
    return folder if of == 1 else folder / f"rank-{rank}"


def _shared_out(config: RunConfig) -> RunConfig:
    """Each process keeps its own part of the budget, so that all together keep the whole."""
    _, of = _ranks()
    budget = config.budget
    if of == 1:
        return config
    part = {
        "usd": None if budget.usd is None else budget.usd / of,
        "max_calls": None if budget.max_calls is None else budget.max_calls // of,
    }
    return config.model_copy(update={"budget": budget.model_copy(update=part)})


def _fit(path: Path, config: RunConfig) -> FrozenFit:
    if config.judging.calibration is not None:
        raise ConfigError(
            "what labels have shown of the judges (`judging.calibration`) is used already; leave "
            "`fit` or that out",
            file=config.source_file,
            key="judging.calibration",
        )
    found = read_fit(RunFolder(path).reliability_file)
    if found is None:
        if not RunFolder(path).is_one():
            raise ConfigError(why_no_run_folder(path))
        raise ConfigError(f"{path}: has learnt nothing of its judges yet, so it has no fit to give")
    known = {one.name for one in found.reliability.judges}
    missing = [one.label for one in config.judging.judges if one.label not in known]
    if missing:
        raise ConfigError(
            f"{path}: its fit knows nothing of {counted(len(missing), 'judge')} of this "
            f"configuration ({listed(missing, mark='`')}); it knows {listed(known, mark='`')}"
        )
    return found
