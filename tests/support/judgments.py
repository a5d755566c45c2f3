"""Judgments as judges would give them, for what reads judgments."""

from __future__ import annotations

from collections.abc import Sequence

from judgeforge.records import Judgment


def scored(
    judge: str, completion: str, score: float | None, *, prompt: str = "p", repeat: int = 0
) -> Judgment:
    return Judgment(
        id=f"{prompt}.{completion}.{judge}.{repeat}",
        prompt_id=prompt,
        completion_ids=(completion,),
        judge=judge,
        protocol="pointwise",
        repeat=repeat,
        score=score,
        missing="no score in the reply" if score is None else None,
    )


def compared(
    judge: str,
    first: str,
    second: str,
    winner: str | None,
    *,
    prompt: str = "p",
    repeat: int = 0,
    strength: float | None = None,
) -> Judgment:
    """``winner``: a completion id, or None for a tie."""
    verdict = {first: "a", second: "b", None: "tie"}[winner]
    return Judgment.model_validate(
        {
            "id": f"{prompt}.{first}.{second}.{judge}.{repeat}",
            "prompt_id": prompt,
            "completion_ids": (first, second),
            "judge": judge,
            "protocol": "pairwise",
            "repeat": repeat,
            "verdict": verdict,
            "strength": strength,
        }
    )


def both_orders(judge: str, one: str, other: str, winner: str | None, prompt: str = "p") -> list:
    """A judge that names the same winner whichever is shown first."""
    return [
        compared(judge, one, other, winner, prompt=prompt),
        compared(judge, other, one, winner, prompt=prompt),
    ]


def both_seats(judge: str, one: str, other: str, prompt: str = "p") -> list[Judgment]:
    """A judge that names whichever is shown first."""
    return [
        compared(judge, one, other, one, prompt=prompt),
        compared(judge, other, one, other, prompt=prompt),
    ]


def listed(judge: str, scores: dict[str, float], *, prompt: str = "p", repeat: int = 0) -> Judgment:
    names: Sequence[str] = tuple(scores)
    return Judgment(
        id=f"{prompt}.{judge}.list.{repeat}",
        prompt_id=prompt,
        completion_ids=tuple(names),
        judge=judge,
        protocol="listwise",
        repeat=repeat,
        scores=tuple(scores.values()),
    )
