"""How a run ended, in words, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from judgeforge.run_status import KILLED


class StatusWords(NamedTuple):
    meaning: str
    good: bool = False


WORDS: Mapping[str, StatusWords] = {
    "complete": StatusWords("All prompts are done.", good=True),
    "skipped": StatusWords(
        "All prompts are done, but more failed than limits.max_skip_share allows."
    ),
    "running": StatusWords(
        "The run goes on. What is done is counted; pairs are shown as they were when it last "
        "stopped in order, for results are written then."
    ),
    KILLED: StatusWords(
        "The run was killed; the same command goes on where it ended. What was done is counted; "
        "pairs are shown as they were when it last stopped in order, for results are written then."
    ),
    "budget": StatusWords(
        "The budget is used up. Raise it and start the same command again: it goes on from here."
    ),
    "provider": StatusWords(
        "A provider stopped the run (key, quota, outage). Mend it and start the same command again."
    ),
    "failed": StatusWords("The folder or the disk failed. Start the same command again."),
    "interrupted": StatusWords("The run was interrupted. The same command goes on from here."),
}


def status_words(status: str) -> StatusWords:
    return WORDS.get(status, StatusWords("This version does not know this status."))
