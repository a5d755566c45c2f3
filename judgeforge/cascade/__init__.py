"""Ranking -> what to ask next, or stop. Pure."""

from judgeforge.cascade.candidates import Ask, Bundle, JudgeOption, first_tier
from judgeforge.cascade.choose import Spent, next_bundle
from judgeforge.cascade.rules import CascadeRules

__all__ = ["Ask", "Bundle", "CascadeRules", "JudgeOption", "Spent", "first_tier", "next_bundle"]
