"""Prompts from files and datasets: read, checked and normalised, one row at a time."""

from __future__ import annotations

from judgeforge.sources.files import check_file
from judgeforge.sources.reading import read_prompts
from judgeforge.sources.row_checks import RowChecks

__all__ = ["RowChecks", "check_file", "read_prompts"]
