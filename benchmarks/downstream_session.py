"""One process of the downstream benchmark that trains: the model, and what its lower half knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks.downstream_model import SmallModel, load_known
from benchmarks.downstream_training import TrainingPair, answer, train
from benchmarks.training_pairs import Pair


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

    def answers(
        self,
        pairs: Sequence[Pair],
        *,
        steps: int,
        samples: int,
        seed: int,
        flipped: float = 0.0,
    ) -> list[list[str]]:
        """Of the model that was trained on the pairs, to each held-out prompt; of the untrained one
        without pairs."""
        upper = None
        if pairs:
            training = [TrainingPair(one.item.id, one.chosen, one.rejected) for one in pairs]
            upper = train(self.model, self.known, training, steps=steps, seed=seed, flipped=flipped)
        prompts = [row["prompt"] for row in self.held_out] * samples
        given = answer(self.model, upper, prompts, seed=seed)
        return [given[place :: len(self.held_out)] for place in range(len(self.held_out))]
