"""What a run leaves behind: its tally while it goes on, its files and manifest at the end."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from importlib import import_module
from typing import Any

from judgeforge.config.run import RunConfig
from judgeforge.errors import BugError, JudgeforgeError, StoreError
from judgeforge.ranking.reliability.judges import Reliability
from judgeforge.results.changed_files import changed_results
from judgeforge.results.figures.calls import CallFigures
from judgeforge.results.figures.run import RunFigures, run_figures
from judgeforge.runs.manifest import (
    describe,
    failed_share,
    input_of,
    now,
    share_kept,
    totals_of,
)
from judgeforge.runs.preparation.calibration_file import calibration_facts
from judgeforge.runs.remarks import ONLY_SAMPLED, not_shown_better, unknown_prompts
from judgeforge.runs.result import (
    EXIT_DONE,
    EXIT_TOO_MANY_SKIPS,
    FINISHED,
    exit_code_of,
    status_of,
)
from judgeforge.runs.start import Start
from judgeforge.store.audit import audit_results
from judgeforge.store.audited_pairs import AuditedPairs
from judgeforge.store.best_pairs import BestPairs
from judgeforge.store.counters import CachedCalls
from judgeforge.store.finished_prompt import FinishedPrompt
from judgeforge.store.fit import FrozenFit, write_fit
from judgeforge.store.journal import Tally
from judgeforge.store.judge_replies import read_judge_replies
from judgeforge.store.manifest import FORMAT_VERSION, AuditFigure, Manifest, Totals
from judgeforge.store.pair_columns import PairColumns
from judgeforge.store.spending import Spending
from judgeforge.text.redaction import redact


class RunRecord:
    """``spending`` gives what the folder has cost so far, and ``sent`` how many calls it has sent;
    ``lost_calls``: those that were paid and of which nothing else is known any more (None: nothing
    is lost). ``check_lock`` raises StoreError where another run may be writing as well."""

    def __init__(
        self,
        start: Start,
        *,
        spending: Callable[[], Spending],
        sent: Callable[[], int],
        lost_calls: int | None,
        cached_calls: CachedCalls,
        check_lock: Callable[[], None],
    ) -> None:
        prepared, work = start.prepared, start.work
        self._config, self._folder = prepared.config, start.folder
        self._journal, self._work = start.journal, work
        self._spending, self._sent, self._cached_calls = spending, sent, cached_calls
        self._lost_calls = lost_calls
        self._check_lock = check_lock
        self._before = spending()
        self.tally, self._fresh = work.tally, Tally()
        self.done_before = self.tally.prompts
        self.reliability: Reliability | None = None
        """What is known about the judges; None until the first prompts are judged."""
        self.notes: list[str] = list(work.losses)
        """What a person should know of a run that goes on, or is whole all the same."""
        if start.previous is not None and (lost := changed_results(self._folder, start.previous)):
            self.notes.append(f"{lost}; they are written anew from what was finished")
        self._is_provisional = False
        self._counted: Callable[[Tally], Tally] = lambda tally: tally
        """What the results have of what is finished."""
        self._judgments = prepared.judgments_digest
        self._remark = ONLY_SAMPLED if prepared.only_samples else None
        if work.unknown and prepared.verdicts is not None:
            self.notes.append(unknown_prompts(prepared.verdicts.file, work.unknown))
        started = now()
        self._description = {
            "created_at": (start.previous and start.previous.created_at) or started,
            "started_at": started,
            **describe(prepared, work),
        }
        self._calibration = calibration_facts(prepared.calibration, prepared.config.pairing)

    def say(self, note: str) -> None:
        """Something that a person should know; told once, whichever process found it."""
        if note not in self.notes:
            self.notes.append(note)

    def finish(self, position: int, outcome: FinishedPrompt) -> None:
        """Keep how the prompt at ``position`` of the input ended, also one that is ranked again."""
        self._check_lock()
        before = self._work.places[position]
        ranked_again = before >= 0
        entry = self._journal.append(
            outcome,
            provisional=self._is_provisional and bool(outcome.lines["judgments"]),
            again=ranked_again,
            judgments=self._judgments,
            sent=self._sent(),
        )
        self._work.places[position] = entry.offset
        self.tally.add(entry)
        if ranked_again:
            self.tally.remove(self._journal.entry(before))
        else:
            self._fresh.add(entry)

    def input_grew(self) -> None:
        """There are more rows than this start began with: those of a training come one by one."""
        self._description["input"] = input_of(self._work)

    def keep_fit(self, fit: FrozenFit) -> None:
        """Keep what was learnt about the judges: everything from now on is ranked with it."""
        write_fit(self._folder.reliability_file, fit)
        self.reliability, self._is_provisional = fit.reliability, fit.provisional

    def paid_calls(self) -> int:
        return self._spending().calls - self._before.calls

    def manifest(self, status: str, error: BaseException | None = None) -> Manifest:
        spending, cached = self._spending(), self._cached_calls.of_this_start
        kept = {"share_kept": share_kept(self.tally)}
        return Manifest(
            format_version=FORMAT_VERSION,
            status=status,
            message=self._remark if error is None else redact(str(error) or repr(error)),
            updated_at=now(),
            totals=totals_of(
                self._counted(self.tally),
                spending.beside(self._lost_calls),
                self._cached_calls.before + cached,
            ),
            last_run=totals_of(self._fresh, spending.since(self._before), cached),
            reliability=self.reliability and self.reliability.model_dump(mode="json"),
            calibration=self._calibration and self._calibration | kept,
            **self._description,
        )

    def begin(self) -> None:
        self._folder.write_manifest(self.manifest("running"))

    def conclude(
        self, error: JudgeforgeError | None, *, bug: Callable[[BaseException], BugError]
    ) -> tuple[dict[str, Any], int, JudgeforgeError | None]:
        """Write and check all files; the manifest, the exit code, and what ended the run.

        ``bug`` logs an error that no code expects and returns the words for it.
        """
        try:
            self._check_lock()
            rules = self._config.pairing
            audited = AuditedPairs(self._journal, self._work.rows(), rules)
            best = BestPairs(audited, self._work.rows(), rules.best)
            columns = self._folder.write_results(best, self._work.rows())
            self._counted = best.count
            code = self._code_when_done() if error is None else exit_code_of(error)
            manifest = self.manifest(status_of(code, error), error)
            self._audit(manifest, columns, best)
            figures = self._figures(columns)
            found: dict[str, Any] = {
                "judging": figures.tiers.totals(),
                "own_family_judgments": figures.judges.own_family(),
                "quality": figures.quality(),
            }
            if audited.audit is not None:
                told = (one.model_dump() for one in audited.figures())
                found["audit"] = tuple(map(AuditFigure.model_validate, told))
                self.notes += not_shown_better(audited.figures())
            found |= _of_calls(figures.calls)
            if forms := self._reply_forms():
                found["reply_forms"] = forms
            if (labels := figures.given_labels.told()) is not None:
                found["given_labels"] = labels
            manifest = manifest.model_copy(update=found)
            self._write_pages(manifest, figures, bug)
            manifest = manifest.model_copy(update={"written": self._folder.sizes()})
            self._folder.write_manifest(manifest)
        except Exception as unexpected:  # noqa: BLE001 (a bug is told as one)
            failure = unexpected if isinstance(unexpected, StoreError) else bug(unexpected)
            manifest, code, error = self.manifest("failed", failure), failure.exit_code, failure
            # Where the disk is the reason, the manifest may fail as well; the old one stays whole.
            # Where the lock is, it may be that of another run.
            with contextlib.suppress(StoreError):
                self._check_lock()
                self._folder.write_manifest(manifest)
        return manifest.as_json(), code, error

    def _audit(self, manifest: Manifest, columns: PairColumns, best: BestPairs) -> None:
        """Raises StoreError where rows, files and totals do not add up."""
        found = audit_results(self._folder, best, self._work.rows(), columns)
        totals, rows = manifest.totals, self._work.rows_at_issue
        sums = {
            "prompts": (totals.prompts, found.prompts),
            "pairs": (totals.pairs, found.pairs),
            "skips": (totals.skips, dict(found.skips)),
            "rows of the input": (rows, found.prompts + self._work.todo),
        }
        if manifest.status in FINISHED:
            sums["rows that are still to do"] = (0, self._work.todo)
        for name, (said, counted) in sums.items():
            if said != counted:
                raise StoreError(
                    f"{self._folder.path}: the totals do not add up ({name}: {said} expected, "
                    f"{counted} found). Nothing that was paid is lost: start the same command "
                    "again, and please report this."
                )

    def _figures(self, columns: PairColumns) -> RunFigures:
        """What the result files say, with ``pairs.parquet`` written on the way."""
        from judgeforge.results.export.arrow import open_parquet

        with open_parquet(self._folder.pairs_parquet, columns) as take:
            judges = self._config.judging.judges
            return run_figures(self._folder, judges=judges, take=take, columns=columns)

    def _reply_forms(self) -> dict[str, str]:
        models = self._config.models
        known = read_judge_replies(self._folder.judge_replies_file).forms
        return {n: form for n, form in known.items() if form != models[n].reply_forms[0]}

    def _write_pages(
        self, manifest: Manifest, figures: RunFigures, bug: Callable[[BaseException], BugError]
    ) -> None:
        """The card and the report. Raises StoreError."""
        from judgeforge.results.card import write_card
        from judgeforge.results.report.writing import write_report_of

        write_card(self._folder, figures.pairs, manifest)
        try:
            write_report_of(self._folder, manifest, figures)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 (the run is whole without its page)
            bug(error)
            self.notes.append(
                f"no report.html was written; the run itself is whole. This is a bug in judgeforge "
                f"({type(error).__name__}), please report it; its traceback is in "
                f"{self._folder.log}."
            )

    def _code_when_done(self) -> int:
        return exit_code_when_done(self._config, self.manifest("running").totals)


_LOADED_LATE = (
    "pyarrow.json",
    "pyarrow.parquet",
    "judgeforge.results.card",
    "judgeforge.results.report.writing",
    "judgeforge.results.report.compiled_templates",
)
"""What ``conclude`` imports: half as long to load as everything that a run needs to begin."""


def load_alone() -> None:
    """Import, in the thread that reads replies, what must not be imported beside it.

    pyarrow makes a class of both Sequence and Mapping. Another thread that asks just then whether a
    tuple is a Mapping is told yes, as is the whole process ever after: an HTTP client that asks so
    of the headers of a reply reads no reply any more.
    """
    with contextlib.suppress(ImportError, MemoryError):
        import_module("pyarrow.lib")


def load_for_the_end() -> None:
    """Import what ``conclude`` will need. What cannot be imported is told there."""
    with contextlib.suppress(ImportError, MemoryError):
        for name in _LOADED_LATE:
            import_module(name)


def _of_calls(calls: CallFigures) -> dict[str, Any]:
    """Only what there is: most runs know no batches, and one server for each model."""
    batches, replicas = calls.batch_totals(), calls.replicas.totals()
    found: dict[str, Any] = {} if batches is None else {"batches": batches}
    return found | ({"replicas": replicas} if replicas else {})


def exit_code_when_done(config: RunConfig, totals: Totals) -> int:
    """``totals`` of a folder in which every prompt has ended."""
    too_many = failed_share(totals) > config.limits.max_skip_share
    return EXIT_TOO_MANY_SKIPS if too_many else EXIT_DONE
