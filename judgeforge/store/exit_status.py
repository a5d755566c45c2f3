"""How a start of a run can end: its exit code, and the status that the manifest then has."""

from __future__ import annotations

from judgeforge.errors import (
    BudgetExhaustedError,
    CallError,
    InterruptedRunError,
    JudgeforgeError,
    StoreError,
)

EXIT_DONE, EXIT_TOO_MANY_SKIPS = 0, 5

EXIT_STATUS = {
    EXIT_DONE: "complete",
    BudgetExhaustedError.exit_code: "budget",
    CallError.exit_code: "provider",
    EXIT_TOO_MANY_SKIPS: "skipped",
    StoreError.exit_code: "failed",
    InterruptedRunError.exit_code: "interrupted",
}
"""A start that was refused (2, 75) writes no manifest."""

FINISHED = frozenset({EXIT_STATUS[EXIT_DONE], EXIT_STATUS[EXIT_TOO_MANY_SKIPS]})
"""The statuses after which nothing is left to do."""


def exit_code_of(error: JudgeforgeError) -> int:
    """Of a run that had begun. 2 says that nothing was sent: an input that can no longer be read
    is a failure by then."""
    return error.exit_code if error.exit_code in EXIT_STATUS else StoreError.exit_code
