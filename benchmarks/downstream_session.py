"""One process of the downstream benchmark that trains: the model, and what its lower half knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks.downstream_answers import answer
from benchmarks.downstream_model import SmallModel, load_known
from benchmarks.downstream_ordering import ordered_right
from benchmarks.downstream_training import TrainingPair, Upper, train
from benchmarks.training_pairs import Pair


def usual_device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


class Session:
    def __init__(
        self,
        rows: Sequence[Mapping[str, Any]],
        everything: Sequence[Mapping[str, Any]],
        held_out: Sequence[Mapping[str, Any]],
        work: Path,
        device: str,
        threads: int | None,
    ) -> None:
        """``rows`` are trained on; the words in use are those of ``everything``, so that fewer rows
        have the same ones. Raises MissingPartError."""
        if threads:
            torch.set_num_threads(threads)
        self.held_out = held_out
        texts = [row["prompt"] for row in everything]
        texts += [one["text"] for row in everything for one in row["completions"]]
        self.model = SmallModel(texts, device)
        self.known = load_known(self.model, rows, work / "lower")
        self.recorded = [row for row in held_out if row["completions"]]
        self.known_held_out = load_known(self.model, self.recorded, work / "lower")

    def trained(
        self, pairs: Sequence[Pair], *, steps: int, seed: int, flipped: float = 0.0
    ) -> Upper | None:
        """The upper half of the model that was trained on the pairs; None without pairs."""
        if not pairs:
            return None
        training = [TrainingPair(one.item.id, one.chosen, one.rejected) for one in pairs]
        return train(self.model, self.known, training, steps=steps, seed=seed, flipped=flipped)

    def answers(self, upper: Upper | None, *, samples: int, seed: int) -> list[list[str]]:
        """To each held-out prompt; ``upper``: None for the untrained model."""
        prompts = [row["prompt"] for row in self.held_out] * samples
        given = answer(self.model, upper, prompts, seed=seed)
        return [given[place :: len(self.held_out)] for place in range(len(self.held_out))]

    def ordered_right(self, upper: Upper) -> list[tuple[int, int]]:
        """For each held-out prompt with recorded completions how many pairs of these are ordered as
        their quality is, and how many there are."""
        return ordered_right(self.model, upper, self.known_held_out, self.recorded)
