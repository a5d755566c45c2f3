"""How many calls the writers' records are expected to save, by what a run has asked so far."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from judgeforge.config.run import RunConfig
from judgeforge.errors import StoreError
from judgeforge.records import Prompt
from judgeforge.results.figures.run import prompts_of
from judgeforge.runs.cost_estimates.estimate import Estimator
from judgeforge.runs.preparation.extra_judgments import first_prompts
from judgeforge.runs.preparation.preparation import Preparation
from judgeforge.store.folder import RunFolder
from judgeforge.text.wording import counted

_LEAST = 16
"""Prompts after the first ones, from which on a run so far says how much is asked."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a run with the writers' records has asked so far, after the prompts that it learnt
    from."""

    prompts: int
    share: float
    """Of all that its judges could have been asked."""


def _asked_in(config: RunConfig, folder: RunFolder) -> _Asked | None:
    """None where no run has shown it."""
    if not config.judging.writer_prior:
        return None
    manifest = folder.path.exists() and folder.read_manifest()
    if not manifest or not (manifest.reliability or {}).get("writers"):
        return None
    asked = Counter[str]()
    possible = 0
    first, later = first_prompts(config), 0
    try:
        for number, rows in enumerate(prompts_of(folder)):
            completions = sum(row.get("score") is not None for row in rows.completions.rows)
            if number < first or completions < 2:
                continue
            later += 1
            asked.update(str(row["judge"]) for row in rows.judgments.rows)
            possible += sum(
                judge.repeats * judge.questions(completions) for judge in config.judging.judges
            )
    except StoreError:
        return None  # the run itself says what is wrong with the file
    if later < _LEAST or not possible:
        return None
    labels = {judge.label for judge in config.judging.judges}
    return _Asked(later, min(1.0, sum(asked[name] for name in labels) / possible))


class RecordsPlan:
    """Fed with every prompt; then it says what the records of the writers save."""

    def __init__(self, prepared: Preparation, folder: RunFolder, escalation: float) -> None:
        self._config = prepared.config
        self._found = _asked_in(prepared.config, folder)
        self._plain = Estimator(prepared, escalation=escalation)
        self._without = 0.0

    @property
    def asked(self) -> float | None:
        """The share of all questions that is asked where the writers have records; None where no
        run has shown it."""
        return None if self._found is None else self._found.share

    def add(self, prompt: Prompt) -> None:
        if self._found is not None:
            self._without += self._plain.expected_calls(prompt)

    def notes(self, calls: float) -> list[str]:
        """``calls``: all that are expected."""
        judging = self._config.judging
        if not judging.writer_prior:
            return []
        if judging.cascade is None:
            return [
                "judging.writer_prior: all judges are asked everything, so the records of the "
                "writers save no call; with judging.cascade nothing is asked that they have "
                "settled."
            ]
        if self._found is None:
            first = counted(first_prompts(self._config), "prompt")
            return [
                "judging.writer_prior: how much the records of the writers settle shows once the "
                f"first {first} are judged; until then nothing counts as saved in expected and "
                "high, and low has nothing asked after these. Run --limit 200 and plan again for "
                "a figure of this run."
            ]
        return [
            "judging.writer_prior: of what could be asked about the "
            f"{counted(self._found.prompts, 'prompt')} that the run has judged since it knows its "
            f"writers, {self._found.share:.0%} was; expected counts with that and saves about "
            f"{max(0, round(self._without - calls)):,} calls."
        ]
