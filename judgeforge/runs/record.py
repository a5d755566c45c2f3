"""What a run leaves behind: its tally while it goes on, its files and manifest at the end."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from judgeforge.calibration.promise import make_promise
from judgeforge.config.run import RunConfig
from judgeforge.errors import BugError, JudgeforgeError, StoreError
from judgeforge.ranking.reliability.judges import Reliability
from judgeforge.results.figures.judges import count_own_family
from judgeforge.results.figures.tiers import judging_figures
from judgeforge.runs.manifest import describe, failed_share, figures, now, share_kept
from judgeforge.runs.planning.calibration_file import calibration_facts
from judgeforge.runs.planning.identity import identity
from judgeforge.runs.planning.preparation import Preparation
from judgeforge.runs.planning.worklist import Worklist
from judgeforge.runs.result import (
    EXIT_DONE,
    EXIT_STATUS,
    EXIT_TOO_MANY_SKIPS,
    FINISHED,
    exit_code_of,
)
from judgeforge.store.audit import audit_results
from judgeforge.store.counters import CachedCalls
from judgeforge.store.finished_prompt import FinishedPrompt
from judgeforge.store.fit import FrozenFit, write_fit
from judgeforge.store.folder import RunFolder
from judgeforge.store.journal import Journal, Tally
from judgeforge.store.spending import Spending
from judgeforge.text.redaction import redact


class RunRecord:
    """``spending`` gives the folder's spending so far."""

    def __init__(
        self,
        config: RunConfig,
        prepared: Preparation,
        folder: RunFolder,
        journal: Journal,
        work: Worklist,
        old: Mapping[str, Any] | None,
        *,
        spending: Callable[[], Spending],
        cached_calls: CachedCalls,
    ) -> None:
        self._config, self._folder, self._journal, self._work = config, folder, journal, work
        self._spending, self._cached_calls = spending, cached_calls
        self._before = spending()
        self.tally, self._fresh = work.tally, Tally()
        self.done_before = self.tally.prompts
        self.reliability: Reliability | None = None
        """What is known of the judges; None until the first prompts are judged."""
        self._is_provisional = False
        started = now()
        self._description = {
            "created_at": (old or {}).get("created_at", started),
            "started_at": started,
            **describe(
                config,
                prepared.rubric.identity,
                prepared.prices,
                identity=identity(config, prepared.rubric.identity, prepared.calibration_digest),
                input_fingerprint=work.fingerprint,
                input_rows=work.rows_at_issue,
                input_read=len(work.places),
            ),
        }
        self._calibration = _calibration(config, prepared)

    def finish(self, position: int, outcome: FinishedPrompt) -> None:
        """Keep how the prompt at ``position`` of the input ended, also one that is ranked again."""
        before = self._work.places[position]
        ranked_again = before >= 0
        entry = self._journal.append(
            outcome,
            provisional=self._is_provisional and bool(outcome.lines["judgments"]),
            again=ranked_again,
        )
        self._work.places[position] = entry.offset
        self.tally.add(entry)
        if ranked_again:
            self.tally.remove(self._journal.entry(before))
        else:
            self._fresh.add(entry)

    def keep_fit(self, fit: FrozenFit) -> None:
        """Keep what was learnt of the judges: everything from now on is ranked with it."""
        write_fit(self._folder.reliability_file, fit)
        self.reliability, self._is_provisional = fit.reliability, fit.provisional

    def paid_calls(self) -> int:
        return self._spending().calls - self._before.calls

    def manifest(self, status: str, error: BaseException | None = None) -> dict[str, Any]:
        spending, cached = self._spending(), self._cached_calls.of_this_start
        return {
            "status": status,
            "message": None if error is None else redact(str(error) or repr(error)),
            "updated_at": now(),
            "totals": figures(self.tally, spending, self._cached_calls.before + cached),
            "last_run": figures(self._fresh, spending.since(self._before), cached),
            "reliability": self.reliability and self.reliability.model_dump(mode="json"),
            "calibration": self._calibration
            and {
                **self._calibration,
                "share_kept": share_kept(self.tally),
            },
            **self._description,
        }

    def begin(self) -> None:
        self._folder.write_manifest(self.manifest("running"))

    def conclude(
        self, error: JudgeforgeError | None, *, bug: Callable[[BaseException], BugError]
    ) -> tuple[dict[str, Any], int, JudgeforgeError | None]:
        """Write and check all files; the manifest, the exit code, and what ended the run.

        ``bug`` logs what no code expects, and gives the words for it.
        """
        try:
            self._folder.write_results(self._journal, self._work.rows())
            code = self._exit_code(error)
            manifest = self.manifest(EXIT_STATUS[code], error)
            self._audit(manifest)
            manifest["judging"] = judging_figures(
                self._folder.judgments, self._config.judging.judges
            )
            manifest["own_family_judgments"] = count_own_family(self._folder.judgments)
            self._write_derived(manifest, bug)
            self._folder.write_manifest(manifest)
        except Exception as unexpected:  # noqa: BLE001 (a bug is told as one)
            failure = unexpected if isinstance(unexpected, StoreError) else bug(unexpected)
            manifest, code, error = self.manifest("failed", failure), failure.exit_code, failure
            # Where the disk is the reason, the manifest may fail as well; the old one stays whole.
            with contextlib.suppress(StoreError):
                self._folder.write_manifest(manifest)
        return manifest, code, error

    def _audit(self, manifest: Mapping[str, Any]) -> None:
        """Raises StoreError where rows, files and totals do not add up."""
        found = audit_results(self._folder, self._journal, self._work.rows())
        totals, rows = manifest["totals"], self._work.rows_at_issue
        sums = {
            "prompts": (totals["prompts"], found.prompts),
            "pairs": (totals["pairs"], found.pairs),
            "skips": (totals["skips"], dict(found.skips)),
            "rows of the input": (rows, found.prompts + self._work.todo),
        }
        if manifest["status"] in FINISHED:
            sums["rows that are still to do"] = (0, self._work.todo)
        for name, (said, counted) in sums.items():
            if said != counted:
                raise StoreError(
                    f"{self._folder.path}: the totals do not add up ({name}: {said} expected, "
                    f"{counted} found). Nothing that was paid is lost: start the same command "
                    "again, and please report this."
                )

    def _write_derived(
        self, manifest: dict[str, Any], bug: Callable[[BaseException], BugError]
    ) -> None:
        """The files made from the results, and into the manifest what they say of the pairs."""
        from judgeforge.results.card.card import write_card
        from judgeforge.results.export.arrow import write_pairs_parquet
        from judgeforge.results.figures.pairs import run_quality
        from judgeforge.results.report.writing import write_report

        manifest["quality"] = run_quality(self._folder.path)
        write_pairs_parquet(self._folder.pairs, self._folder.pairs_parquet)
        write_card(self._folder.path, manifest)
        try:
            write_report(self._folder.path, manifest=manifest)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 (the run is whole without its page)
            bug(error)
            warnings.warn(
                f"no report.html was written; the run itself is whole. This is a bug in judgeforge "
                f"({type(error).__name__}), please report it; its traceback is in "
                f"{self._folder.log}.",
                stacklevel=2,
            )

    def _exit_code(self, error: JudgeforgeError | None) -> int:
        if error is not None:
            return exit_code_of(error)
        return exit_code_when_done(self._config, self.manifest("running")["totals"])


def exit_code_when_done(config: RunConfig, totals: Mapping[str, Any]) -> int:
    """``totals`` of a folder in which every prompt has ended."""
    too_many = failed_share(totals) > config.limits.max_skip_share
    return EXIT_TOO_MANY_SKIPS if too_many else EXIT_DONE


def _calibration(config: RunConfig, prepared: Preparation) -> dict[str, Any] | None:
    """What labels have shown, and what follows for the pairs; None for a run without them."""
    if prepared.calibration is None:
        return None
    promise = make_promise(prepared.calibration, config.pairing)
    return {
        **calibration_facts(prepared.calibration),
        "promise": promise and promise.model_dump(mode="json"),
    }
