"""What a run gives back to Python."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judgeforge.errors import JudgeforgeError
from judgeforge.records import Skip
from judgeforge.store.json_lines import read_records

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True)
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
    """A signal came, be it too late to stop anything: nothing is to begin after this run."""

    @cached_property
    def pairs(self) -> Dataset:
        """The pairs as a ``datasets.Dataset``, in input order."""
        from judgeforge.export.dataset import pairs_dataset

        return pairs_dataset(self.folder / "pairs.jsonl")

    @property
    def skips(self) -> list[Skip]:
        return list(read_records(self.folder / "skips.jsonl", Skip))
