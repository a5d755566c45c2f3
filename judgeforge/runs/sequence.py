"""One `judgeforge run`: its folders, one after another, and who is told how each of them ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from judgeforge.config.file import load_config
from judgeforge.config.run import RunConfig
from judgeforge.errors import (
    AuditFailedError,
    BatchesPendingError,
    BudgetExhaustedError,
    JudgeforgeError,
    LockHeldError,
)
from judgeforge.runs.folders import default_folder, run_folders, today
from judgeforge.runs.on_finish import tell
from judgeforge.runs.progress import Progress
from judgeforge.runs.result import RunResult, summarise, summarise_error
from judgeforge.runs.run import run_folder
from judgeforge.runs.start import StartOptions


@dataclass(slots=True)
class SequenceReport:
    results: list[RunResult] = field(default_factory=list)
    summaries: list[dict[str, Any]] = field(default_factory=list)
    """One for each folder, that of today last."""
    error: JudgeforgeError | None = None
    """Why the last folder has no result."""
    untold: list[str] = field(default_factory=list)
    """What went wrong in ``on_finish``."""

    @property
    def exit_code(self) -> int:
        """That of the last folder that did not end with 0."""
        if self.error is not None:
            return self.error.exit_code
        return next((one.exit_code for one in reversed(self.results) if one.exit_code), 0)

    def as_json(self) -> dict[str, Any]:
        *earlier, last = self.summaries
        return {**last, "finished_first": earlier, "on_finish_failures": self.untold}


def run_file(
    file: Path,
    out: str | None = None,
    options: StartOptions | None = None,
    *,
    say: Callable[[str], None],
    on_progress: Callable[[Progress], None] | None = None,
) -> SequenceReport:
    """``run_in_sequence`` with the configuration in ``file``; a mistake in it is in the report.

    Its folder is then ``out`` as given: only the configuration tells what day it is.
    """
    try:
        config = load_config(file)
        return run_in_sequence(config, out, options, say=say, on_progress=on_progress)
    except JudgeforgeError as error:
        folder = default_folder(file) if out is None else out
        return SequenceReport(summaries=[summarise_error(folder, error)], error=error)


def run_in_sequence(
    config: RunConfig,
    out: str | None = None,
    options: StartOptions | None = None,
    *,
    say: Callable[[str], None],
    on_progress: Callable[[Progress], None] | None = None,
) -> SequenceReport:
    """Finish earlier days' folders, then do today's; the first that does not finish ends it.

    A folder whose own budget is used up would be stopped every day, so it does not hold up others.
    ``say`` receives what a person should know meanwhile. Raises ConfigError for a wrong ``out``.
    """
    report = SequenceReport()
    folders = run_folders(config, out, today(config))
    for folder in folders:
        if folder is not folders[-1]:
            say(f"{folder} is not finished yet and comes first")
        try:
            result = run_folder(config, folder, options, on_progress)
        except JudgeforgeError as error:
            report.error = error
            report.summaries.append(summarise_error(folder, error))
        else:
            report.results.append(result)
            report.summaries.append(summarise(result))
        if not isinstance(report.error, LockHeldError):  # the run that holds it tells how it ends
            report.untold += tell(config, report.summaries[-1])
        if report.error is not None or _holds_up_the_next(report.results[-1]):
            break
    return report


def _holds_up_the_next(result: RunResult) -> bool:
    if result.interrupted:
        return True
    if isinstance(result.stopped_by, BatchesPendingError):
        return False  # its batches are answered meanwhile
    if isinstance(result.stopped_by, AuditFailedError):
        return False  # it would be stopped every day
    if isinstance(result.stopped_by, BudgetExhaustedError):
        return result.stopped_by.of_day
    return result.stopped_by is not None
