"""Whether a trained model prefers the better of two recorded answers to a held-out prompt.

A model trained by DPO says by its implicit reward, how much likelier training made an answer, which
of two it prefers (Rafailov et al. 2023, eq. 5). Nothing is sampled, so two trainings are told apart
by this with far fewer draws than by the answers that they write.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from benchmarks.downstream_model import Known, SmallModel
from benchmarks.downstream_training import Upper, gains

_AT_ONCE = 4


@torch.inference_mode()  # type: ignore[untyped-decorator, unused-ignore]
def ordered_right(
    model: SmallModel,
    upper: Upper,
    known: Mapping[str, Known],
    held_out: Sequence[Mapping[str, Any]],
) -> list[tuple[int, int]]:
    """For each prompt how many pairs of its completions are ordered as their quality is, and how
    many there are; completions of equal quality make no pair."""
    counts = []
    for start in range(0, len(held_out), _AT_ONCE):
        rows = held_out[start : start + _AT_ONCE]
        asked = [(known[row["id"]], range(len(row["completions"]))) for row in rows]
        for row, gained in zip(rows, gains(model, upper, asked), strict=True):
            quality = [one["quality"] for one in row["completions"]]
            counts.append(_count(quality, gained.tolist()))
    return counts


def _count(quality: Sequence[float], gained: Sequence[float]) -> tuple[int, int]:
    pairs = [
        (i, j)
        for i, j in itertools.combinations(range(len(quality)), 2)
        if quality[i] != quality[j]
    ]
    right = sum((quality[i] > quality[j]) == (gained[i] > gained[j]) for i, j in pairs)
    return right, len(pairs)
