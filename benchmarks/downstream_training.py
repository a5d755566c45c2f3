"""Direct preference optimisation of the upper layers of the small model.

The loss is that of TRL's DPOTrainer (`sigmoid`, or `robust` with the share of labels that are taken
to be flipped). TRL itself is not used here, because it cannot begin at states that were computed
before; `make demo-train` trains with it.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid
from torch.nn.utils.rnn import pad_sequence

from benchmarks.downstream_model import FROZEN, Known, Layout, SmallModel, predicting

BETA, LEARNING_RATE, WARM_UP = 0.1, 1e-4, 0.1
BATCH, AT_ONCE = 16, 8


@dataclass(frozen=True, slots=True)
class TrainingPair:
    prompt_id: str
    chosen: int
    rejected: int


@dataclass(frozen=True, slots=True)
class Upper:
    """The trained half, in float32."""

    layers: Any
    norm: Any


def train(
    model: SmallModel,
    known: Mapping[str, Known],
    pairs: Sequence[TrainingPair],
    *,
    steps: int,
    seed: int,
    flipped: float = 0.0,
) -> Upper:
    """``flipped``: the share of pairs taken to be the wrong way round, 0 to below 0.5."""
    torch.manual_seed(seed)
    upper = Upper(
        copy.deepcopy(model.layers[FROZEN:]).float(), copy.deepcopy(model.model.model.norm).float()
    )
    trained = [*upper.layers.parameters(), *upper.norm.parameters()]
    for weight in trained:
        weight.requires_grad_()
    optimizer = torch.optim.AdamW(trained, lr=LEARNING_RATE, weight_decay=0.0)
    warm = max(1, round(WARM_UP * steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warm, (steps - step) / max(1, steps - warm))
    )
    for step, batch in zip(range(steps), _batches(pairs, seed), strict=False):
        by_length = sorted(batch, key=lambda pair: _length(known[pair.prompt_id], pair))
        whole = 0.0
        for start in range(0, BATCH, AT_ONCE):
            some = by_length[start : start + AT_ONCE]
            loss = _losses(model, upper, known, some, flipped).sum() / BATCH
            loss.backward()
            whole += float(loss.detach())
        if step % 5 == 0:
            print(f"  step {step} of {steps}: loss {whole:.3f}", flush=True)
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    return upper


def _batches(pairs: Sequence[TrainingPair], seed: int) -> Iterator[list[TrainingPair]]:
    """For ever; each pair once before any again."""
    draw = torch.Generator().manual_seed(seed)
    waiting: list[TrainingPair] = []
    while True:
        while len(waiting) < BATCH:
            waiting += [pairs[int(i)] for i in torch.randperm(len(pairs), generator=draw)]
        yield waiting[:BATCH]
        waiting = waiting[BATCH:]


def _length(known: Known, pair: TrainingPair) -> int:
    return known.starts[0] + sum(len(known.tokens[i]) for i in (pair.chosen, pair.rejected))


def _losses(
    model: SmallModel,
    upper: Upper,
    known: Mapping[str, Known],
    pairs: Sequence[TrainingPair],
    flipped: float,
) -> Tensor:
    asked = [(known[pair.prompt_id], (pair.chosen, pair.rejected)) for pair in pairs]
    gained = torch.stack(list(gains(model, upper, asked)))
    ahead = BETA * (gained[:, 0] - gained[:, 1])
    loss = -(1 - flipped) * logsigmoid(ahead) + flipped * logsigmoid(-ahead)
    return loss / (1 - 2 * flipped)


def gains(
    model: SmallModel, upper: Upper, asked: Sequence[tuple[Known, Sequence[int]]]
) -> Iterator[Tensor]:
    """For each prompt how much likelier training made each of some completions (log-probability of
    the whole completion less that before training)."""
    states, parts, places, targets = [], [], [], []
    for one, which in asked:
        lengths = [len(one.tokens[i]) for i in which]
        prompt = one.starts[0]
        taken = [one.states[:prompt]]
        taken += [
            one.states[one.starts[i] : one.starts[i] + n]
            for i, n in zip(which, lengths, strict=True)
        ]
        begins = itertools.accumulate(lengths[:-1], initial=prompt)
        states.append(torch.cat(taken))
        parts.append([prompt, *lengths])
        places.append(predicting(list(begins), lengths))
        targets.append(torch.cat([one.tokens[i] for i in which]))
    layout = Layout.of(parts, model.device)
    inputs = pad_sequence(states, batch_first=True).to(model.device)
    with torch.autocast(model.device, dtype=torch.bfloat16):
        last = upper.norm(model.through(upper.layers, inputs, layout))
    rows = [torch.full((len(some),), row) for row, some in enumerate(places)]
    flat = last[torch.cat(rows), torch.tensor([place for some in places for place in some])]
    each = model.log_probabilities(flat, torch.cat(targets).to(model.device))
    sums = [part.sum() for part in each.split([n for part in parts for n in part[1:]])]
    for one, which in asked:
        mine, sums = sums[: len(which)], sums[len(which) :]
        yield torch.stack(mine) - one.reference[list(which)].to(each)
