"""What is known of the judges of a run as instruments, of its writers, and what is assumed before
any evidence."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from judgeforge.text.messages import Record, SparseRecord

PANEL_DOUBT = 0.15
"""``doubt`` of a panel that measures itself, on few prompts."""


class JudgeReliability(SparseRecord):
    """One judge. Scores are on the scale 0 to 1; standard deviations have the same unit."""

    only_where_set = frozenset({"reward_unit"})

    name: str = ""
    offset: float = 0.0
    """How much higher than the panel it scores on average."""
    scale: float = Field(default=1.0, gt=0)
    """Points of its score for a point of quality."""
    own_sd: float = Field(default=0.08, gt=0)
    """Of its lasting opinion about one completion: asking again does not take it away."""
    prompt_sd: float = Field(default=0.05, ge=0)
    """Of its lasting opinion about one prompt, which moves all its scores there alike."""
    repeat_sd: float = Field(default=0.07, gt=0)
    """Of a single answer around the lasting opinions."""
    discrimination: float = Field(default=1.0)
    """Of a verdict on two completions: log-odds for a gap of one ``quality_sd``; 0: no weight."""
    position: float = 0.0
    """Log-odds by which it favours the completion that is shown first."""
    tie: float = Field(default=0.3, ge=0)
    """Davidson's tie parameter: odds of a tie against either side for equal completions, halved."""
    persistence: float = Field(default=0.6, ge=0, le=1)
    """Share of a verdict that asking the same judge about the same two again only repeats."""
    reward_unit: float | None = Field(default=None, gt=0)
    """Of a reward model: points of reward that stand for one of log-odds (ranking/rewards.py); None
    as long as nothing shows it, and for all other judges."""

    def repeated(self, verdicts: int) -> float:
        """What each of this many verdicts on the same two counts for, 0 to 1."""
        return 1.0 / (1.0 + (verdicts - 1) * self.persistence)


class WriterRecord(Record):
    """What the first prompts of a run have shown of a writer: of its next completion the quality is
    a normal variable around ``mean``, with the variances of ``mean_sd`` and ``spread`` together."""

    name: str
    mean: float
    """How much better its completions are than those of all writers, in points of quality."""
    mean_sd: float = Field(ge=0)
    """Of that mean: what its completions of the same prompt share. It stays above what the judges
    disagree about this writer, and is wide for a writer that was hardly seen."""
    spread: float = Field(gt=0)
    """Of one completion around that mean (standard deviation)."""
    completions: int
    """How many were judged."""

    @property
    def variance(self) -> float:
        return self.mean_sd**2 + self.spread**2


class Reliability(SparseRecord):
    """All judges of a run, and the qualities that they were seen to judge."""

    only_where_set = frozenset({"writers", "writers_agreed"})
    """So that a fit that knows no writers is written as it always was."""

    judges: tuple[JudgeReliability, ...] = ()
    others: JudgeReliability = JudgeReliability()
    """Stands for every judge that is not listed."""
    mean: float = 0.5
    """Of the quality of a completion, 0 to 1."""
    prompt_sd: float = Field(default=0.25, gt=0)
    """Of the mean quality of a prompt's completions."""
    quality_sd: float = Field(default=0.2, gt=0)
    """Of the quality of a completion around the mean of its prompt."""
    shared_error: float = Field(default=0.02, ge=0, lt=1)
    """Share of what all judges seem to agree on that is an error of all of them. Agreement cannot
    show it; it needs labels."""
    length: float = 0.0
    """Quality that is expected of a completion for each e-fold of its length over the others',
    before any judge is heard; it needs labels."""
    close_prompts: float = Field(default=0.0, ge=0, lt=1)
    """Share of prompts whose completions are all equally good, or nearly."""
    close_pairs: float = Field(default=0.0, ge=0, lt=1)
    """Share of two completions that are so in the other prompts."""
    shared_by_all: float = Field(default=0.0, ge=0, lt=1)
    """As ``shared_error``, of the outcomes of two completions alone: what judges as noisy as these
    are known to share."""
    doubt: float = Field(default=0.0, ge=0)
    """How far off the judges' errors may be, as a standard deviation of the logarithm of gaps in
    their standard deviations: large where nothing measures them."""
    useless: float = Field(default=0.0, ge=0, le=1)
    """Probability that what the judges say has nothing to do with the qualities, where nothing has
    shown that it has."""
    writers: tuple[WriterRecord, ...] = ()
    """Their records, which count as evidence; without any, completions are alike before a judge is
    heard."""
    writers_agreed: float = Field(default=0.0, ge=0, le=1)
    """Share of how the writers differ that the judges agree on; assumed of a judge alone."""
    source: Literal["prior", "run", "labels"] = "prior"
    prompts: int = 0
    """How many prompts it was fitted on."""

    def of(self, judge: str) -> JudgeReliability:
        for one in self.judges:
            if one.name == judge:
                return one
        return self.others

    def record(self, writer: str) -> WriterRecord | None:
        """None of a writer that was not seen."""
        return next((one for one in self.writers if one.name == writer), None)


PRIOR = Reliability()
