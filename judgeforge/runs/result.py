"""How a start of a run ended: what Python is given, the exit code and the status of the manifest,
and the summary for programs (`--json`, `on_finish`) and in one line.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judgeforge.errors import (
    AuditFailedError,
    BatchesPendingError,
    BudgetExhaustedError,
    CallError,
    InterruptedRunError,
    JudgeforgeError,
    StoreError,
)
from judgeforge.records import Skip, SkipReason
from judgeforge.results.how_made import part
from judgeforge.runs.manifest import totals_of
from judgeforge.store.folder import RunFolder
from judgeforge.store.journal import Tally
from judgeforge.store.json_lines import read_records
from judgeforge.store.spending import Spending
from judgeforge.text.redaction import redact
from judgeforge.text.visible import one_line, quotable
from judgeforge.text.wording import counted, shortened

if TYPE_CHECKING:
    from datasets import Dataset

    from judgeforge.results.report.opening import ReportPage


@dataclass(frozen=True, repr=False)
class RunResult:
    """A finished or stopped run.

    ``exit_code`` is what the command line returns; ``stopped_by`` is the error that ended the run
    early (budget, provider, interrupt), None where all prompts are done.
    """

    folder: Path
    manifest: Mapping[str, Any]
    exit_code: int
    stopped_by: JudgeforgeError | None = None
    did_nothing: bool = False
    """The folder was finished already; nothing was sent or written."""
    interrupted: bool = False
    """A signal came, even if too late to stop anything: nothing may begin after this run."""
    notes: tuple[str, ...] = ()
    """What a person should know of it all the same, such as a report that could not be made."""

    def __repr__(self) -> str:
        """Short: the manifest has thousands of characters."""
        totals = self.manifest.get("totals", {})
        counts = [f"{name}={totals.get(name)}" for name in ("prompts", "pairs") if name in totals]
        stopped = "" if self.stopped_by is None else type(self.stopped_by).__name__
        facts = [
            f"folder={str(self.folder)!r}",
            f"status={self.manifest.get('status')!r}",
            *counts,
            f"exit_code={self.exit_code}",
            *([f"stopped_by={stopped}({shortened(str(self.stopped_by))!r})"] if stopped else []),
        ]
        return f"RunResult({', '.join(facts)})"

    def _repr_html_(self) -> str:
        """What a notebook shows: totals and the first pairs."""
        from judgeforge.results.report.result_view import result_html

        stopped = None if self.stopped_by is None else redact(str(self.stopped_by))
        with suppress(StoreError):  # a folder that was removed since; what is shown says so
            stopped = stopped or self.failures
        return result_html(self.folder, self.manifest, exit_code=self.exit_code, message=stopped)

    @property
    def report(self) -> ReportPage:
        """The page of the run: a notebook shows it, ``.open()`` opens the browser, and it is a path
        as well."""
        from judgeforge.results.report.opening import ReportPage

        return ReportPage(self.folder)

    @cached_property
    def pairs(self) -> Dataset:
        """The pairs as a ``datasets.Dataset``, in input order; none where the run stopped before it
        could write a file of them."""
        from judgeforge.results.export.arrow import pairs_dataset

        return pairs_dataset(self._written(RunFolder(self.folder).pairs))

    @property
    def skips(self) -> list[Skip]:
        return list(self._read_skips())

    @property
    def assumes_confidence(self) -> bool:
        """Whether its pairs have a confidence by judges that no labels have measured."""
        manifest = self.manifest
        named = part(manifest["config"], "judging", "judges")
        confidence = part(manifest, "quality", "expected_wrong", "by_confidence")
        return bool(named) and confidence is not None and manifest.get("calibration") is None

    @cached_property
    def failures(self) -> str | None:
        """For exit code 5: the commonest reason with its count, an example, and what helps."""
        if self.exit_code != EXIT_TOO_MANY_SKIPS:
            return None
        from judgeforge.results.report.words import SKIP_WORDS

        totals = self.manifest["totals"]
        failed = Counter(
            {reason: n for reason, n in totals["skips"].items() if SkipReason(reason).is_failure}
        )
        (commonest, number), *_ = failed.most_common(1)
        words = SKIP_WORDS[SkipReason(commonest)]
        skip = next((one for one in self._read_skips() if one.reason == commonest), None)
        detail = shortened(one_line(skip.detail), _LONGEST_EXAMPLE) if skip else ""
        example = f", such as `{quotable(skip.prompt_id)}`: {detail}" if skip else ""
        return (
            f"{failed.total()} of {counted(totals['prompts'], 'prompt')} failed, more than "
            f"limits.max_skip_share allows. The commonest reason is `{commonest}` "
            f"({number}; {words.meaning}){example}. What helps: {words.advice}. "
            f"All are in {RunFolder(self.folder).skips}"
        )

    def _read_skips(self) -> Iterator[Skip]:
        return read_records(self._written(RunFolder(self.folder).skips), Skip)

    def _written(self, file: Path) -> Path:
        is_missing = self.stopped_by is not None and not file.exists()
        return Path(os.devnull) if is_missing else file


EXIT_DONE, EXIT_TOO_MANY_SKIPS = 0, 5

EXIT_STATUS = {
    EXIT_DONE: "complete",
    BudgetExhaustedError.exit_code: "budget",
    CallError.exit_code: "provider",
    EXIT_TOO_MANY_SKIPS: "skipped",
    BatchesPendingError.exit_code: "waiting",
    StoreError.exit_code: "failed",
    InterruptedRunError.exit_code: "interrupted",
}
"""A start that was refused (2, 75) writes no manifest."""
_LONGEST_EXAMPLE = 200
ASSUMED_CONFIDENCE = (
    "confidence is assumed, not measured: without labels it follows from how far the judges agree, "
    "and errors that they share cannot be seen. Label 40 prompts or more, then "
    "`judgeforge calibrate` measures the judges."
)

STOPPED_BY_AUDIT = "audit"
"""Of ``AuditFailedError``, whose exit code is that of a budget: a limit of the user's, too."""
FINISHED = frozenset({EXIT_STATUS[EXIT_DONE], EXIT_STATUS[EXIT_TOO_MANY_SKIPS]})
"""The statuses after which nothing is left to do."""


def exit_code_of(error: JudgeforgeError) -> int:
    """Of a run that has begun. 2 means that nothing was sent: by then an input that can no longer
    be read is a failure."""
    return error.exit_code if error.exit_code in EXIT_STATUS else StoreError.exit_code


def status_of(code: int, error: JudgeforgeError | None) -> str:
    """What the manifest calls the end of a start."""
    return STOPPED_BY_AUDIT if isinstance(error, AuditFailedError) else EXIT_STATUS[code]


def summarise(result: RunResult) -> dict[str, Any]:
    """``text`` is the one line; ``totals`` are of the folder's life, ``last_run`` of this start."""
    manifest, nothing = result.manifest, totals_of(Tally(), Spending(0, 0, 0, 0.0), 0)
    summary = {
        "folder": str(result.folder),
        "status": manifest["status"],
        "exit_code": result.exit_code,
        "message": result.failures or (None if result.did_nothing else manifest["message"]),
        "did_nothing": result.did_nothing,
        "started_at": manifest.get("started_at"),
        "ended_at": manifest["updated_at"],
        "totals": manifest["totals"],
        "last_run": nothing.model_dump() if result.did_nothing else manifest["last_run"],
    }
    return {"text": _text(summary), **summary}


def summarise_error(folder: Path | str, error: JudgeforgeError) -> dict[str, Any]:
    """Of a start that ended before it had a result."""
    message, code = redact(str(error)), error.exit_code
    status = EXIT_STATUS.get(code, "refused")
    summary = {"folder": str(folder), "status": status, "exit_code": code, "message": message}
    first, *others = message.splitlines()
    more = f" (and {counted(len(others), 'line')} more)" if others else ""
    return {"text": f"judgeforge: {status}: {folder}: {first}{more}", **summary}


def status_in_words(status: str) -> str:
    """``skipped`` would sound as if nothing had been done."""
    return "too many skips" if status == EXIT_STATUS[EXIT_TOO_MANY_SKIPS] else status


def _text(summary: Mapping[str, Any]) -> str:
    totals, last = summary["totals"], summary["last_run"]
    cost = last["cost_usd"]
    spent = "an unknown sum" if cost is None else f"${cost:.6f}"
    line = (
        f"judgeforge: {status_in_words(summary['status'])}: {summary['folder']}: "
        f"{counted(totals['prompts'], 'prompt')}, {counted(totals['pairs'], 'pair')}, "
        f"{counted(sum(totals['skips'].values()), 'skip')}; this start "
        f"{counted(last['prompts'], 'prompt')}, {counted(last['calls']['paid'], 'call')} sent, "
        f"{spent}"
    )
    return f"{line}; {summary['message']}" if summary["message"] else line
