"""Criteria that code can verify: a check says whether a text keeps one rule. Pure, no calls."""

from judgeforge.checks.registry import CHECKS, Check, failed_checks, parse_checks
from judgeforge.checks.subject import Subject, UndecidedCheckError

__all__ = ["CHECKS", "Check", "Subject", "UndecidedCheckError", "failed_checks", "parse_checks"]
