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
    rank                the judgments of one prompt, from any source -> Ranking
    select_pairs        Ranking -> PairSelection: the pairs, or why there are none
    fit_reliability     the judgments of many prompts -> Reliability of the judges, for rank
    calibrate           judgments and labels of people -> Calibration
    evaluate            judgments and labels of people -> Evaluation of the judges
    calibrate_probabilities, evaluate_probabilities    the same for plain numbers
    reward, areward     RunConfig -> a reward function for trainers: judges in the loop

What goes wrong on purpose is a JudgeforgeError (judgeforge.errors has them all); a wrong argument
is a TypeError or ValueError. Modules that are not named here are internal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    # A public name is here and in ``_HOMES``; a test keeps them equal. Editors and type checkers
    # follow only imports (`as` tells them that a name is public), and real imports would load the
    # whole package.
    from judgeforge.calibration.api import calibrate as calibrate
    from judgeforge.calibration.api import calibrate_probabilities as calibrate_probabilities
    from judgeforge.calibration.calibration import Calibration as Calibration
    from judgeforge.calibration.evaluation.api import evaluate as evaluate
    from judgeforge.calibration.evaluation.api import (
        evaluate_probabilities as evaluate_probabilities,
    )
    from judgeforge.calibration.evaluation.evaluation import Evaluation as Evaluation
    from judgeforge.calibration.labels import Label as Label
    from judgeforge.calibration.labels import TooFewLabelsError as TooFewLabelsError
    from judgeforge.config.file import load_config as load_config
    from judgeforge.config.run import RunConfig as RunConfig
    from judgeforge.errors import JudgeforgeError as JudgeforgeError
    from judgeforge.ranking.api import fit_reliability as fit_reliability
    from judgeforge.ranking.api import rank as rank
    from judgeforge.ranking.pairing.selection import PairSelection as PairSelection
    from judgeforge.ranking.pairing.selection import SelectedPair as SelectedPair
    from judgeforge.ranking.pairing.selection import Trust as Trust
    from judgeforge.ranking.pairing.selection import select_pairs as select_pairs
    from judgeforge.ranking.ranking import Ranking as Ranking
    from judgeforge.ranking.reliability.judges import Reliability as Reliability
    from judgeforge.ranking.rules import PairingRules as PairingRules
    from judgeforge.records import Judgment as Judgment
    from judgeforge.records import PreferencePair as PreferencePair
    from judgeforge.runs.progress import Progress as Progress
    from judgeforge.runs.result import RunResult as RunResult
    from judgeforge.runs.reward.function import AsyncRewardFunction as AsyncRewardFunction
    from judgeforge.runs.reward.function import RewardFunction as RewardFunction
    from judgeforge.runs.reward.function import areward as areward
    from judgeforge.runs.reward.function import reward as reward
    from judgeforge.runs.run import arun as arun
    from judgeforge.runs.run import run as run
else:
    _HOMES = {
        "calibration.api": "calibrate calibrate_probabilities",
        "calibration.calibration": "Calibration",
        "calibration.evaluation.api": "evaluate evaluate_probabilities",
        "calibration.evaluation.evaluation": "Evaluation",
        "calibration.labels": "Label TooFewLabelsError",
        "config.file": "load_config",
        "config.run": "RunConfig",
        "errors": "JudgeforgeError",
        "ranking.api": "fit_reliability rank",
        "ranking.pairing.selection": "PairSelection SelectedPair Trust select_pairs",
        "ranking.ranking": "Ranking",
        "ranking.reliability.judges": "Reliability",
        "ranking.rules": "PairingRules",
        "records": "Judgment PreferencePair",
        "runs.progress": "Progress",
        "runs.result": "RunResult",
        "runs.reward.function": "AsyncRewardFunction RewardFunction areward reward",
        "runs.run": "arun run",
    }
    _MODULE_OF = {name: module for module, names in _HOMES.items() for name in names.split()}

    __all__ = list(_MODULE_OF)
    __all__ += ["__version__"]

    def __getattr__(name: str) -> object:
        """Import each part when it is first used, so that importing judgeforge costs nothing."""
        if name not in _MODULE_OF:
            raise AttributeError(f"module 'judgeforge' has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(f"judgeforge.{_MODULE_OF[name]}"), name)

    def __dir__() -> list[str]:
        """The public names, also those that are not imported yet."""
        return __all__
