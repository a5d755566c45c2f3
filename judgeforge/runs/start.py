"""One `judgeforge run`: the folders that it is about, one after another, and who is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from judgeforge.config.file import load_config
from judgeforge.config.run import RunConfig
from judgeforge.errors import BudgetExhaustedError, JudgeforgeError, LockHeldError
from judgeforge.runs.folders import default_folder, run_folders, today
from judgeforge.runs.on_finish import tell
from judgeforge.runs.progress import Progress
from judgeforge.runs.result import RunResult, summarise, summarise_error
from judgeforge.runs.run import run


@dataclass(slots=True)
class StartReport:
    results: list[RunResult] = field(default_factory=list)
    summaries: list[dict[str, Any]] = field(default_factory=list)
    """One a folder, that of today last."""
    error: JudgeforgeError | None = None
    """What kept the last folder from having a result."""
    untold: list[str] = field(default_factory=list)
    """What went wrong with ``on_finish``."""

    @property
    def exit_code(self) -> int:
        """That of the last folder that did not end with 0."""
        if self.error is not None:
            return self.error.exit_code
        return next((one.exit_code for one in reversed(self.results) if one.exit_code), 0)

    def as_json(self) -> dict[str, Any]:
        *earlier, last = self.summaries
        return {**last, "finished_first": earlier, "on_finish_failures": self.untold}


def start_file(file: Path, out: str | None = None, **options: Any) -> StartReport:  # noqa: ANN401
    """``start`` with the configuration in ``file``; a mistake in it is in the report as well.

    Its folder is then ``out`` as it was given: what day it is, is in the configuration.
    """
    try:
        return start(load_config(file), out, **options)
    except JudgeforgeError as error:
        folder = default_folder(file) if out is None else out
        return StartReport(summaries=[summarise_error(folder, error)], error=error)


def start(
    config: RunConfig,
    out: str | None = None,
    *,
    say: Callable[[str], None],
    on_progress: Callable[[Progress], None] | None = None,
    **options: Any,  # noqa: ANN401 (those of ``judgeforge.run``)
) -> StartReport:
    """Finish earlier days' folders, then do today's; the first that does not finish ends it.

    One whose own budget is used up would be stopped by it every day, so it holds up no other.
    ``say`` is given what a person should know meanwhile. Raises ConfigError for a wrong ``out``.
    """
    report = StartReport()
    folders = run_folders(config, out, today(config))
    for folder in folders:
        if folder is not folders[-1]:
            say(f"{folder} is not finished yet and comes first")
        _do(config, folder, report, on_progress=on_progress, **options)
        if report.error is not None or _holds_up_the_next(report.results[-1]):
            break
    return report


def _holds_up_the_next(result: RunResult) -> bool:
    if result.interrupted:
        return True
    if isinstance(result.stopped_by, BudgetExhaustedError):
        return result.stopped_by.of_day
    return result.stopped_by is not None


def _do(config: RunConfig, folder: Path, report: StartReport, **options: Any) -> None:  # noqa: ANN401
    try:
        result = run(config, folder, **options)
    except JudgeforgeError as error:
        report.error = error
        report.summaries.append(summarise_error(folder, error))
        if isinstance(error, LockHeldError):
            return  # whoever holds the lock tells how it ends
    else:
        report.results.append(result)
        report.summaries.append(summarise(result))
    report.untold += tell(config, report.summaries[-1])
