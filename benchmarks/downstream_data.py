"""Prompts and recorded completions of the downstream benchmark: of a folder, or those shipped here.

The shipped ones are those of `make demo-train`: fewer and easier than the recorded ones, but anyone
has them. No topic is on both sides; held-out prompts that the demonstration keeps back are asked as
well and have no recorded completions.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.confidence_worlds import FILE, load_rows
from benchmarks.downstream_constraints import CHECKS
from benchmarks.judging_data import read_rows
from examples.demo_train.pairs import SHIPPED
from examples.demo_train.tasks import TRAIN_TOPICS, held_out_tasks
from judgeforge.judging.checks import failed_checks, parse_checks_of_row
from judgeforge.judging.checks.subject import Subject

HELD_OUT = frozenset(TRAIN_TOPICS[-10:])
"""Topics of the shipped completions that nothing is trained on."""
_ENDS = (".", "!", "?", '"', "\u201d", ")", "*")

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Data:
    """Rows as downstream/completions.jsonl.gz has them: id, prompt, constraints, completions."""

    rows: Sequence[Row]
    """To be trained on."""
    held_out: Sequence[Row]
    option: str
    """Of the command that reads them."""
    steps: int
    """Of training, where nothing else is said."""

    @property
    def completions(self) -> int:
        """That each prompt to be trained on has at least."""
        return min(len(row["completions"]) for row in self.rows)


def recorded(folder: Path) -> Data:
    """Raises NoDataError with what to do."""
    rows = load_rows(folder, all_completions=True)
    held_out = [row for row in read_rows(folder / FILE) if row["side"] == "dev"]
    return Data(rows, held_out, " --data FOLDER", 75)


def shipped() -> Data:
    """Without a folder: code and the checks of each prompt say how good a completion is."""
    lines = gzip.decompress(SHIPPED.read_bytes()).decode().splitlines()
    rows = [_row(json.loads(line)) for line in lines]
    train = [row for row in rows if _topic(row) not in HELD_OUT]
    held_out = [row for row in rows if _topic(row) in HELD_OUT]
    return Data(train, [*held_out, *map(_row, held_out_tasks())], "", 20)


def _topic(row: Mapping[str, Any]) -> str:
    return str(row["id"]).partition(".")[0]


def _row(task: Mapping[str, Any]) -> Row:
    checks = task["metadata"]["checks"]
    asked = task["prompt"][-1]["content"]
    texts = [one["text"] for one in task.get("completions", ())]
    return {
        "id": task["id"],
        "prompt": asked,
        "constraints": [[CHECKS, checks]],
        "completions": [_completion(text, checks) for text in texts],
    }


def _completion(text: str, checks: Mapping[str, Any]) -> Row:
    parsed = parse_checks_of_row(checks)
    failed = len(failed_checks(parsed, Subject(text)))
    return {
        "text": text,
        "quality": 1 - failed / len(parsed),
        "passes_all": not failed,
        # An answer at its limit of tokens was cut, and no end of it is to be learnt.
        "cut": not text.rstrip().endswith(_ENDS),
    }
