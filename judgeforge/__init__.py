"""judgeforge: preference pairs that can be trusted, from rubric-driven LLM judges.

import judgeforge

config = judgeforge.load_config("config.yaml")
result = judgeforge.run(config, out="runs/first")
result.pairs  # a datasets.Dataset
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from judgeforge import version as _version

if TYPE_CHECKING:
    from judgeforge.assembly import arun, run
    from judgeforge.calibration import Calibration, Label, calibrate, calibrate_probabilities
    from judgeforge.config import RunConfig
    from judgeforge.config_file import load_run_config as load_config
    from judgeforge.evaluation import Evaluation, evaluate, evaluate_probabilities
    from judgeforge.pairing import PairSelection, SelectedPair, select_pairs
    from judgeforge.ranking.api import rank
    from judgeforge.records import Judgment, PreferencePair, Ranking
    from judgeforge.result import RunResult

__version__ = _version.VERSION

__all__ = [
    "Calibration",
    "Evaluation",
    "Judgment",
    "Label",
    "PairSelection",
    "PreferencePair",
    "Ranking",
    "RunConfig",
    "RunResult",
    "SelectedPair",
    "__version__",
    "arun",
    "calibrate",
    "calibrate_probabilities",
    "evaluate",
    "evaluate_probabilities",
    "load_config",
    "rank",
    "run",
    "select_pairs",
]

_HOMES = {
    "Calibration": ("calibration", "Calibration"),
    "Evaluation": ("evaluation", "Evaluation"),
    "Judgment": ("records", "Judgment"),
    "Label": ("calibration", "Label"),
    "PairSelection": ("pairing", "PairSelection"),
    "PreferencePair": ("records", "PreferencePair"),
    "Ranking": ("records", "Ranking"),
    "RunConfig": ("config", "RunConfig"),
    "RunResult": ("result", "RunResult"),
    "SelectedPair": ("pairing", "SelectedPair"),
    "arun": ("assembly", "arun"),
    "calibrate": ("calibration", "calibrate"),
    "calibrate_probabilities": ("calibration", "calibrate_probabilities"),
    "evaluate": ("evaluation", "evaluate"),
    "evaluate_probabilities": ("evaluation", "evaluate_probabilities"),
    "load_config": ("config_file", "load_run_config"),
    "rank": ("ranking.api", "rank"),
    "run": ("assembly", "run"),
    "select_pairs": ("pairing", "select_pairs"),
}


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Import each part when it is first used, so that importing judgeforge costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'judgeforge' has no attribute {name!r}")
    from importlib import import_module

    module, attribute = _HOMES[name]
    return getattr(import_module(f"judgeforge.{module}"), attribute)
