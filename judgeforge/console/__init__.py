"""What the command line shows. What models wrote is data: shown, never interpreted."""

from judgeforge.console.progress_display import ProgressDisplay
from judgeforge.console.reports import (
    print_check,
    print_explanation,
    print_findings,
    print_plan,
    print_result,
)

__all__ = [
    "ProgressDisplay",
    "print_check",
    "print_explanation",
    "print_findings",
    "print_plan",
    "print_result",
]
