"""Bring your own judgments: do three raters make surer pairs than one?

The scores below stand for whatever a study has: people, reward models, another judge. Nothing is
called and nothing is sampled; ``rank`` turns the scores of a prompt into a posterior and
``select_pairs`` chooses pairs from it.

    python examples/research_script.py
"""

from __future__ import annotations

from collections.abc import Iterator

import judgeforge
from judgeforge import Judgment, PairSelection

# prompt -> answer -> the scores of the raters, 0 to 1
SCORES = {
    "Why is the sky blue?": {
        "Air scatters short waves of light more than long ones.": [0.9, 0.8, 0.9],
        "It reflects the sea.": [0.3, 0.1, 0.2],
        "Because of the air.": [0.4, 0.6, 0.5],
    },
    "Name a prime above 10.": {
        "11": [0.9, 0.8, 1.0],
        "13 is one: only 1 and 13 divide it.": [0.9, 0.9, 0.8],
        "15": [0.1, 0.0, 0.1],
    },
    "Say hello in French.": {
        "Bonjour!": [0.8, 0.9, 0.9],
        "Salut !": [0.9, 0.8, 0.9],
    },
}


def judgments(prompt: str, raters: int) -> Iterator[Judgment]:
    for answer, scores in SCORES[prompt].items():
        for rater, score in enumerate(scores[:raters]):
            yield Judgment(
                id=f"{prompt}/{answer}/{rater}",
                prompt_id=prompt,
                completion_ids=(answer,),
                judge=f"rater-{rater}",
                protocol="pointwise",
                score=score,
            )


def select(raters: int) -> dict[str, PairSelection]:
    """Prompt -> its pairs that are right with a probability of 0.9, or why there is none."""
    return {
        prompt: judgeforge.select_pairs(
            judgeforge.rank(list(judgments(prompt, raters))),
            strategy="all_pairs",
            min_confidence=0.9,
        )
        for prompt in SCORES
    }


def main() -> None:
    for raters in (1, 3):
        found = [pair for selection in select(raters).values() for pair in selection.pairs]
        surest = max((pair.confidence for pair in found), default=0.5)
        print(f"{raters} rater(s): {len(found)} pairs, the surest with {surest:.3f}")
    for prompt, selection in select(raters=3).items():
        print(f"\n{prompt}")
        for pair in selection.pairs:
            print(f"  {pair.confidence:.3f}  {pair.chosen_id!r} over {pair.rejected_id!r}")
        if selection.reason:
            print(f"  no pair: {selection.reason} ({selection.detail})")


if __name__ == "__main__":
    main()
