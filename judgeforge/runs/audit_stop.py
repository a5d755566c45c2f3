"""Stops a run whose audit shows that too few of its pairs by design are right.

Each judged pair is counted as soon as its prompt ends, those of earlier starts first; so a start
that changes nothing stops again before anything is sent. Prompts that wait until the judges are
learnt from them (with a small audit that may be most of the run) are ranked for this alone by what
they show of the judges so far.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from judgeforge.errors import AuditFailedError
from judgeforge.ranking.pairing.audit import AuditedPair
from judgeforge.ranking.pairing.running_bound import (
    fewest_to_show,
    high_at_all_looks,
    is_surely_below,
)
from judgeforge.ranking.reliability.fit import fit_reliability
from judgeforge.ranking.reliability.judges import Reliability
from judgeforge.records import JudgedPrompt
from judgeforge.runs.fit import share_of_same_writer
from judgeforge.runs.start import Start
from judgeforge.store.audited_pairs import judged_in
from judgeforge.store.finished_prompt import FinishedPrompt
from judgeforge.store.journal import Journal
from judgeforge.text.wording import counted

EACH = 4
"""Waiting prompts after which the judges are learnt anew for a look: it takes a moment."""

Conclude = Callable[[JudgedPrompt, Reliability], FinishedPrompt]


class AuditStop:
    """``least``: `pairing.stop_below`. ``conclude`` ends a prompt with what is known of the judges.
    ``stop`` is called with the reason, at most once."""

    def __init__(
        self,
        least: float,
        conclude: Conclude,
        stop: Callable[[AuditFailedError], None],
        *,
        folder: Path,
    ) -> None:
        self._least, self._stop, self._folder = least, stop, folder
        self._conclude = conclude
        self._waiting: dict[int, JudgedPrompt] = {}
        self._better: dict[int, float] = {}
        """By the place of the prompt in the input: one that is ranked again counts once."""
        self._has_stopped = False

    def recall(self, journal: Journal, places: Iterable[int]) -> None:
        """What earlier starts judged. ``places``: of the records of all rows; below 0 where there
        is none."""
        for position, place in enumerate(places):
            if place >= 0:
                self._take(position, judged_in(journal.lines(place)))
        self._look()

    def wait_for_judges(self, position: int, judged: JudgedPrompt) -> None:
        """A judged prompt that is ranked once the judges are known."""
        self._waiting[position] = judged
        number = len(self._waiting)
        if self._has_stopped or number % EACH or number < fewest_to_show(self._least):
            return
        waiting = self._waiting.values()
        known = fit_reliability(
            [one.judgments for one in waiting], same_writer=share_of_same_writer(waiting)
        )
        for place, one in self._waiting.items():
            self._take(place, judged_in(self._conclude(one, known).lines))
        self._look()

    def look_at(self, position: int, outcome: FinishedPrompt) -> None:
        before = len(self._better), self._better.get(position)
        self._take(position, judged_in(outcome.lines))
        if (len(self._better), self._better.get(position)) != before:
            self._look()

    def _take(self, position: int, judged: Iterable[AuditedPair]) -> None:
        for one in judged:
            self._better[position] = one.better

    def _look(self) -> None:
        found = tuple(self._better.values())
        if self._has_stopped or not is_surely_below(found, self._least):
            return
        self._has_stopped = True
        mean, high = sum(found) / len(found), high_at_all_looks(found)
        self._stop(
            AuditFailedError(
                f"the audit shows that too few pairs by design are right: chosen is better in "
                f"{mean:.0%} of {counted(len(found), 'judged pair')}, and surely in fewer than "
                f"{high:.0%}; pairing.stop_below asks for {self._least:.0%}. What is done is kept "
                f"in {self._folder}. Take writers that are further apart or a better judge in a "
                "new folder; with a lower stop_below, or without it, the same command goes on "
                "where this one stopped"
            )
        )


def audit_stop(
    start: Start, conclude: Conclude, stop: Callable[[AuditFailedError], None]
) -> AuditStop | None:
    """What stops the run where too few pairs by design are right, which may be at once; None where
    the configuration asks for no such stop."""
    least = start.config.pairing.stop_below
    if least is None or not start.config.pairing.audits:
        return None
    audit = AuditStop(least, conclude, stop, folder=start.folder.path)
    audit.recall(start.journal, start.work.places)
    return audit
