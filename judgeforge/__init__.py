"""Preference pairs that can be trusted, from rubric-driven LLM judges.

A run samples completions of each prompt, has judges score them by a rubric, and writes ranked
pairs of chosen and rejected with all that they rest on:

    import judgeforge

    config = judgeforge.load_config("config.yaml")
    result = judgeforge.run(config, out="runs/first")
    result.pairs  # a datasets.Dataset

The functions:

    load_config         a YAML file -> RunConfig
    run, arun           RunConfig -> RunResult; goes on where the folder stopped
    rank                the judgments of one prompt, whoever made them -> Ranking
    select_pairs        Ranking -> PairSelection: the pairs, or why there is none
    fit_reliability     the judgments of many prompts -> Reliability of the judges, for rank
    calibrate           judgments and labels of people -> Calibration
    evaluate            judgments and labels of people -> Evaluation of the judges
    calibrate_probabilities, evaluate_probabilities    the same for plain numbers

What goes wrong on purpose is a JudgeforgeError (judgeforge.errors has them all); a wrong argument
is a TypeError or ValueError. Modules that are not named here are internal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from judgeforge import version as _version

if TYPE_CHECKING:
    from judgeforge.calibration.api import calibrate, calibrate_probabilities
    from judgeforge.calibration.calibration import Calibration
    from judgeforge.calibration.evaluation.api import evaluate, evaluate_probabilities
    from judgeforge.calibration.evaluation.evaluation import Evaluation
    from judgeforge.calibration.labels import Label, TooFewLabelsError
    from judgeforge.config.file import load_run_config as load_config
    from judgeforge.config.run import RunConfig
    from judgeforge.errors import JudgeforgeError
    from judgeforge.ranking.api import fit_reliability, rank
    from judgeforge.ranking.pairing.selection import (
        PairSelection,
        SelectedPair,
        Trust,
        select_pairs,
    )
    from judgeforge.ranking.reliability.judges import Reliability
    from judgeforge.ranking.rules import PairingRules
    from judgeforge.records import Judgment, PreferencePair, Ranking
    from judgeforge.runs.progress import Progress
    from judgeforge.runs.result import RunResult
    from judgeforge.runs.run import arun, run

__version__ = _version.VERSION

__all__ = [
    "Calibration",
    "Evaluation",
    "JudgeforgeError",
    "Judgment",
    "Label",
    "PairSelection",
    "PairingRules",
    "PreferencePair",
    "Progress",
    "Ranking",
    "Reliability",
    "RunConfig",
    "RunResult",
    "SelectedPair",
    "TooFewLabelsError",
    "Trust",
    "__version__",
    "arun",
    "calibrate",
    "calibrate_probabilities",
    "evaluate",
    "evaluate_probabilities",
    "fit_reliability",
    "load_config",
    "rank",
    "run",
    "select_pairs",
]

_HOMES = {
    "Calibration": ("calibration.calibration", "Calibration"),
    "Evaluation": ("calibration.evaluation.evaluation", "Evaluation"),
    "JudgeforgeError": ("errors", "JudgeforgeError"),
    "Judgment": ("records", "Judgment"),
    "Label": ("calibration.labels", "Label"),
    "PairSelection": ("ranking.pairing.selection", "PairSelection"),
    "PairingRules": ("ranking.rules", "PairingRules"),
    "PreferencePair": ("records", "PreferencePair"),
    "Progress": ("runs.progress", "Progress"),
    "Ranking": ("records", "Ranking"),
    "Reliability": ("ranking.reliability.judges", "Reliability"),
    "RunConfig": ("config.run", "RunConfig"),
    "RunResult": ("runs.result", "RunResult"),
    "SelectedPair": ("ranking.pairing.selection", "SelectedPair"),
    "TooFewLabelsError": ("calibration.labels", "TooFewLabelsError"),
    "Trust": ("ranking.pairing.selection", "Trust"),
    "arun": ("runs.run", "arun"),
    "calibrate": ("calibration.api", "calibrate"),
    "calibrate_probabilities": ("calibration.api", "calibrate_probabilities"),
    "evaluate": ("calibration.evaluation.api", "evaluate"),
    "evaluate_probabilities": ("calibration.evaluation.api", "evaluate_probabilities"),
    "fit_reliability": ("ranking.api", "fit_reliability"),
    "load_config": ("config.file", "load_run_config"),
    "rank": ("ranking.api", "rank"),
    "run": ("runs.run", "run"),
    "select_pairs": ("ranking.pairing.selection", "select_pairs"),
}


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Import each part when it is first used, so that importing judgeforge costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'judgeforge' has no attribute {name!r}")
    from importlib import import_module

    module, attribute = _HOMES[name]
    return getattr(import_module(f"judgeforge.{module}"), attribute)


def __dir__() -> list[str]:
    """The public names, also those that are not imported yet."""
    return __all__
