"""What the command line shows. What models wrote is data: shown, never interpreted."""

from judgeforge.console.cache_reports import (
    print_cache_check,
    print_cache_stats,
    print_pruned,
)
from judgeforge.console.measurements import print_calibration, print_evaluation
from judgeforge.console.progress_display import ProgressDisplay
from judgeforge.console.reports import (
    print_check,
    print_explanation,
    print_findings,
    print_plan,
    print_project,
)
from judgeforge.console.runs import note, print_start, print_status

__all__ = [
    "ProgressDisplay",
    "note",
    "print_cache_check",
    "print_cache_stats",
    "print_calibration",
    "print_check",
    "print_evaluation",
    "print_explanation",
    "print_findings",
    "print_plan",
    "print_project",
    "print_pruned",
    "print_start",
    "print_status",
]
