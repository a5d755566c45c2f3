"""A file of judgments made elsewhere, read whole and checked before anything is sent."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from judgeforge.config.run import Fields, PromptsConfig
from judgeforge.errors import ConfigError, InputError, as_one
from judgeforge.inputs.reading import read_input_rows
from judgeforge.inputs.rows import BadRow, RawRow
from judgeforge.judging.elsewhere.verdict import Verdict, VerdictError, read_verdict
from judgeforge.text.wording import counted, listed

_MOST_MISTAKES = 10
_KEY = "judging.judgments"


class _Columns(Fields):
    """The columns that are read of a table; its other columns stay in the file."""

    prompt: str = "prompt_id"
    id: str | None = None
    reference: str | None = None
    metadata: str | None = None
    completions: str | None = None
    """Read below: here a cell may also be ids without JSON."""
    about: str = "completions"
    completion_ids: str = "completion_ids"
    judge: str = "judge"
    verdict: str = "verdict"
    score: str = "score"
    scores: str = "scores"
    best: str = "best"
    ranking: str = "ranking"
    strength: str = "strength"
    probabilities: str = "probabilities"
    criteria: str = "criteria"
    rationale: str = "rationale"
    repeat: str = "repeat"
    protocol: str = "protocol"
    missing: str = "missing"


class Verdicts:
    """What a file says, by prompt, in the order of its rows."""

    def __init__(self, file: Path, rows: Sequence[Verdict], *, silent: int = 0) -> None:
        self.file = file
        self.rows = len(rows)
        self.silent = silent
        """Rows that say nothing: questions without an answer, judgments that are missing."""
        self.by_judge = Counter(row.judge for row in rows)
        self.compares = any("verdict" in row.said or "best" in row.said for row in rows)
        """Whether any judge says which of two is better."""
        self._by_prompt: defaultdict[str, list[Verdict]] = defaultdict(list)
        for row in rows:
            self._by_prompt[row.prompt_id].append(row)

    @property
    def prompt_ids(self) -> Collection[str]:
        return self._by_prompt.keys()

    def of_prompt(self, prompt_id: str) -> Sequence[Verdict]:
        return self._by_prompt.get(prompt_id, ())

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of what the rows say, whatever the order of the prompts in the file."""
        found = hashlib.sha256()
        for prompt_id in sorted(self._by_prompt):
            for row in self._by_prompt[prompt_id]:
                found.update(row.digest + b"\n")
        return found.hexdigest()

    def facts(self) -> dict[str, Any]:
        """For the manifest."""
        by_judge = dict(sorted(self.by_judge.items()))
        return {
            "file": self.file.name,
            "rows": self.rows,
            "by_judge": by_judge,
            "sha256": self.digest,
        }

    def summary(self) -> str:
        """``12 judgments by human:ana (8), tests (4) of 6 prompts``."""
        by = listed(f"{name} ({number})" for name, number in sorted(self.by_judge.items()))
        said = f"{counted(self.rows, 'judgment')} by {by}" if self.rows else "no judgments"
        rest = f"; {counted(self.silent, 'row')} without an answer" if self.silent else ""
        return f"{said} of {counted(len(self._by_prompt), 'prompt')}{rest}"


def read_verdicts(file: Path, *, taken: Collection[str] = ()) -> Verdicts:
    """``taken``: names that judges of the run itself have.

    Raises ConfigError with file, line and advice for every wrong row (the first ten), and where the
    file cannot be read.
    """
    rows, mistakes, silent = list[Verdict](), list[ConfigError](), 0
    seen: dict[str, int] = {}
    try:
        for row in read_input_rows(PromptsConfig(path=file, fields=_Columns())):
            try:
                verdict = _checked(row, seen, taken)
            except VerdictError as error:
                mistakes.append(ConfigError(str(error), file=file, line=row.line))
                if len(mistakes) == _MOST_MISTAKES:
                    break
                continue
            if verdict is None:
                silent += 1
            else:
                rows.append(verdict)
    except InputError as error:
        raise ConfigError(str(error), key=_KEY) from None
    if mistakes:
        raise as_one(mistakes)
    return Verdicts(file, rows, silent=silent)


def _checked(row: RawRow | BadRow, seen: dict[str, int], taken: Collection[str]) -> Verdict | None:
    """``seen``: line by the id of the judgment that was read there."""
    if isinstance(row, BadRow):
        raise VerdictError(row.detail)
    verdict = read_verdict(row.line, row.columns)
    if verdict is None:
        return None
    if verdict.judge in taken:
        raise VerdictError(
            f"`{verdict.judge}` is a judge of this run; give who judged elsewhere another name"
        )
    for judgment in verdict.judgments(verdict.completion_ids, weight=1.0, note=""):
        first = seen.setdefault(judgment.id, row.line)
        if first != row.line:
            raise VerdictError(
                f"`{verdict.judge}` has judged the same completions in line {first} already: keep "
                "one of the two, or give an opinion that was asked anew `repeat: 1`"
            )
    return verdict
