"""The protocols, which are the ways to judge completions, and what is true of each of them.

A new one is one file with its judge in ``judging/protocols/`` and one line in ``PROTOCOLS``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Shows = Literal["one", "two", "all"]
Gives = Literal["words", "probabilities", "rewards"]
"""What a model answers with: a text; the probabilities of a decision model; the number of a reward
model."""

CODE = "checks"
"""What judgments by code name as their judge."""

_OF_WORDS = frozenset(
    {"repeats", "criteria", "temperature", "max_tokens", "prompt", "examples", "commit_first"}
)
"""Settings of judges that answer in words: what is drawn can be drawn again, and cut off."""


@dataclass(frozen=True, slots=True)
class ProtocolFacts:
    shows: Shows
    """How many completions of a prompt a judgment is about; with `pairs: true` it is two."""
    judge: str | None
    """The class of its judges as ``module:name`` (see ``judging.judge.JudgeKind``), which is
    imported when the first of them is made; None where code judges."""
    settings: frozenset[str] = _OF_WORDS
    """Keys of a judge that mean something here and not for every protocol."""
    needs: Gives = "words"
    """What the model that it asks must give."""

    @property
    def decides(self) -> bool:
        """Whether it asks a decision model, which gives probabilities and writes no text."""
        return self.needs == "probabilities"

    @property
    def rewards(self) -> bool:
        """Whether its numbers mean something within one prompt only, on a scale of their own."""
        return self.needs == "rewards"

    @property
    def by_code(self) -> bool:
        """If so, judgments are exact, free, and configured by the rubric alone: not opinions."""
        return self.judge is None


PROTOCOLS: dict[str, ProtocolFacts] = {
    "pointwise": ProtocolFacts(
        "one", "judgeforge.judging.protocols.pointwise:PointwiseJudge", _OF_WORDS | {"logprobs"}
    ),
    "pairwise": ProtocolFacts(
        "two", "judgeforge.judging.protocols.pairwise:PairwiseJudge", _OF_WORDS | {"orders", "seed"}
    ),
    "listwise": ProtocolFacts(
        "all", "judgeforge.judging.protocols.listwise:ListwiseJudge", _OF_WORDS | {"seed"}
    ),
    "decisions": ProtocolFacts(
        "one",
        "judgeforge.judging.protocols.decisions:DecisionJudge",
        frozenset({"pairs", "orders", "seed"}),
        needs="probabilities",
    ),
    "reward": ProtocolFacts(
        "one",
        "judgeforge.judging.protocols.reward:RewardJudge",
        frozenset({"bradley_terry"}),
        needs="rewards",
    ),
    "checks": ProtocolFacts("one", judge=None, settings=frozenset()),
}


def is_by_code(protocol: str) -> bool:
    """Whether code made its judgments; a protocol that this version lacks counts as a model's."""
    facts = PROTOCOLS.get(protocol)
    return facts is not None and facts.by_code
