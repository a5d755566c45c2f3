"""Labels -> reliability, probabilities that hold, a promised share of errors. Pure."""

from judgeforge.calibration.agreement import Agreement, agreement
from judgeforge.calibration.api import calibrate, calibrate_probabilities
from judgeforge.calibration.calibration import Calibration, LabelResult
from judgeforge.calibration.labels import Label, TooFewLabelsError

__all__ = [
    "Agreement",
    "Calibration",
    "Label",
    "LabelResult",
    "TooFewLabelsError",
    "agreement",
    "calibrate",
    "calibrate_probabilities",
]
