"""Measuring the judges of a configuration on labels, through the same door as a run."""

from judgeforge.measurement.calibrating import CalibrationReport, calibrate_config
from judgeforge.measurement.evaluating import EvaluationReport, evaluate_config

__all__ = ["CalibrationReport", "EvaluationReport", "calibrate_config", "evaluate_config"]
