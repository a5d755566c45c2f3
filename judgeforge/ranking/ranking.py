"""What the judgments of a prompt say of its completions: the posterior of their qualities."""

from __future__ import annotations

from pydantic import Field

from judgeforge.text.messages import Record


class GapPrior(Record):
    """What was expected of the gaps between the completions of a prompt before any judgment."""

    sds: tuple[float, ...]
    """Standard deviation of each quality around the mean of its prompt, in the unit of scores."""
    exact: tuple[float, ...] = ()
    """What code has decided of each quality; where that differs, two cannot be equal."""
    close_prompts: float = Field(default=0.0, ge=0, lt=1)
    """Share of prompts whose completions are all equally good, or nearly."""
    close_pairs: float = Field(default=0.0, ge=0, lt=1)
    """Share of two completions that are so in the other prompts."""
    equal: float = Field(default=2 / 3, ge=0, le=1)
    """Share of those that are equally good; the others differ slightly."""
    shared: float = Field(default=0.0, ge=0, lt=1)
    """Share of the variance that all judges agree on that is an error of all of them, besides what
    the covariance holds of it."""
    doubt: float = Field(default=0.0, ge=0)
    """How far off the judges' errors may be: standard deviation of the logarithm of the factor by
    which gaps, in their standard deviations, are wrong."""
    useless: float = Field(default=0.0, ge=0, le=1)
    """Probability that what the judges say has nothing to do with the qualities."""

    @property
    def differ(self) -> float:
        """Share of two completions that are not close."""
        return (1.0 - self.close_prompts) * (1.0 - self.close_pairs)


class Ranking(Record):
    """The posterior over the qualities of the completions of one prompt.

    ``scores`` (posterior means), ``covariance`` (n x n, same unit squared) and ``p_best``
    (probabilities, sum 1) follow the order of ``completion_ids``. Scores are about 0 to 1: verdicts
    can push a mean a little past the end that all other evidence has reached, and probabilities
    are of these means.
    """

    prompt_id: str
    completion_ids: tuple[str, ...]
    scores: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    p_best: tuple[float, ...]
    vetoed: tuple[str, ...] = ()
    """Completions that failed a required check; they stand below all others."""
    prior: GapPrior | None = None
    """Without it no two completions are held for equal, and the covariance is not doubted."""

    def score(self, place: int) -> float:
        """Of the completion at ``place`` of ``completion_ids``, as it is written: cut to 0 to 1."""
        return min(1.0, max(0.0, self.scores[place]))
