"""Judgments of many prompts -> each judge's scale, noise, bias and discrimination. Pure."""

from judgeforge.reliability.fit import fit_reliability
from judgeforge.reliability.judges import PRIOR, JudgeReliability, Reliability

__all__ = ["PRIOR", "JudgeReliability", "Reliability", "fit_reliability"]
