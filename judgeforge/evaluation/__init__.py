"""Judgments and labels -> how good the judges are, alone and together. Pure."""

from judgeforge.evaluation.api import evaluate, evaluate_probabilities
from judgeforge.evaluation.comparison import Comparison, compare
from judgeforge.evaluation.evaluation import Evaluation, Item, JudgeFigures

__all__ = [
    "Comparison",
    "Evaluation",
    "Item",
    "JudgeFigures",
    "compare",
    "evaluate",
    "evaluate_probabilities",
]
