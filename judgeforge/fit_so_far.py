"""What a run folder knows of its judges when a start begins, and how that start goes on from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from judgeforge.config import RunConfig
from judgeforge.judged import JudgedPrompt
from judgeforge.preparation import Preparation
from judgeforge.records import Judgment, Prompt
from judgeforge.reliability import PRIOR
from judgeforge.run_fit import RunFit, can_be_fitted
from judgeforge.sources import read_prompts
from judgeforge.store.fitted import FrozenFit, read_fit
from judgeforge.store.folder import RunFolder
from judgeforge.store.journal import Journal, short_digest
from judgeforge.store.outcome import read_completion
from judgeforge.worklist import Worklist


def fit_so_far(config: RunConfig, prepared: Preparation, folder: RunFolder) -> FrozenFit | None:
    """What is known of the judges before the first prompt; None where the run is to learn it."""
    if prepared.calibration is not None:
        return FrozenFit(reliability=prepared.calibration.instrument(config.pairing).reliability)
    if not can_be_fitted(config.judging):
        return FrozenFit(reliability=PRIOR)
    return read_fit(folder.reliability_file)


def go_on_fitting(
    known: FrozenFit | None,
    config: RunConfig,
    prepared: Preparation,
    journal: Journal,
    work: Worklist,
    *,
    limit: int | None,
    keep: Callable[[FrozenFit], None],
) -> RunFit:
    """A provisional fit is learnt anew as soon as there is a prompt to do.

    What was ranked with one is ranked again: its judgments come from the journal, nothing is asked.
    """
    provisional = known is not None and known.provisional
    learns = known is None or (provisional and work.todo > 0)
    wanted = config.judging.fit_prompts
    ranks_again = learns or not provisional
    recalled = list(_recall(config, prepared, journal, work)) if ranks_again else []
    return RunFit(
        work.end_of_first_prompts(wanted),
        None if known is None or learns else known.reliability,
        learnt_from=() if known is None else known.learnt_from,
        recalled=recalled,
        cut_short=limit is not None and work.may_lack_first_prompts(wanted, limit),
        keep=keep,
    )


def _recall(
    config: RunConfig, prepared: Preparation, journal: Journal, work: Worklist
) -> Iterator[tuple[int, JudgedPrompt]]:
    """The prompts that were ranked with a provisional fit, in input order."""
    if not work.provisional:
        return
    wanted, last = set(work.provisional), work.provisional[-1]
    rows = read_prompts(config.prompts, prepared.row_checks, limit=last + 1, is_done=lambda _: True)
    for position, row in enumerate(rows):
        # A row that changes meanwhile keeps what it has; the next start finds the change.
        if (
            position in wanted
            and isinstance(row, Prompt)
            and short_digest(row.digest) == work.digests[position]
        ):
            lines = journal.lines(work.places[position])
            completions = [read_completion(line) for line in lines["completions"]]
            judgments = [Judgment.model_validate_json(line) for line in lines["judgments"]]
            yield position, JudgedPrompt(row, completions, judgments)
