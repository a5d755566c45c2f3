"""Direct preference optimisation of the upper layers of the small model, and answers by it.

The loss is that of TRL's DPOTrainer (`sigmoid`, or `robust` with the share of labels that are taken
to be flipped). TRL itself is not used here, because it cannot begin at states that were computed
before; `make demo-train` trains with it.
"""

from __future__ import annotations

import copy
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
LONGEST_ANSWER, ANSWERS_AT_ONCE = 144, 180
TEMPERATURE, TOP_P = 0.9, 0.95
"""As the recorded completions were sampled."""


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
    states, parts, places, targets, references = [], [], [], [], []
    for pair in pairs:
        one = known[pair.prompt_id]
        sides = (pair.chosen, pair.rejected)
        lengths = [len(one.tokens[side]) for side in sides]
        prompt = one.starts[0]
        taken = [one.states[:prompt]]
        taken += [
            one.states[one.starts[i] : one.starts[i] + n]
            for i, n in zip(sides, lengths, strict=True)
        ]
        states.append(torch.cat(taken))
        parts.append([prompt, *lengths])
        places.append(predicting([prompt, prompt + lengths[0]], lengths))
        targets.append(torch.cat([one.tokens[side] for side in sides]))
        references.append(one.reference[list(sides)])
    layout = Layout.of(parts, model.device)
    inputs = pad_sequence(states, batch_first=True).to(model.device)
    with torch.autocast(model.device, dtype=torch.bfloat16):
        last = upper.norm(model.through(upper.layers, inputs, layout))
    rows = [torch.full((len(some),), row) for row, some in enumerate(places)]
    flat = last[torch.cat(rows), torch.tensor([place for some in places for place in some])]
    each = model.log_probabilities(flat, torch.cat(targets).to(model.device))
    sides_of = [length for part in parts for length in part[1:]]
    sums = torch.stack([part.sum() for part in each.split(sides_of)]).view(-1, 2)
    gained = sums - torch.stack(references).to(sums)
    ahead = BETA * (gained[:, 0] - gained[:, 1])
    loss = -(1 - flipped) * logsigmoid(ahead) + flipped * logsigmoid(-ahead)
    return loss / (1 - 2 * flipped)


def answer(
    model: SmallModel, upper: Upper | None, prompts: Sequence[str], *, seed: int
) -> list[str]:
    """One answer to each; ``upper``: None for the model before training."""
    whole = copy.copy(model.model.model)
    if upper is not None:
        whole = copy.deepcopy(model.model.model)
        whole.layers[FROZEN:].load_state_dict(upper.layers.state_dict())
        whole.norm.load_state_dict(upper.norm.state_dict())
    draw = torch.Generator(device=model.device).manual_seed(seed)
    return [
        text
        for start in range(0, len(prompts), ANSWERS_AT_ONCE)
        for text in _answers(model, whole, prompts[start : start + ANSWERS_AT_ONCE], draw)
    ]


@torch.inference_mode()  # type: ignore[untyped-decorator, unused-ignore]
def _answers(
    model: SmallModel,
    whole: Any,  # noqa: ANN401 (of transformers)
    prompts: Sequence[str],
    draw: torch.Generator,
) -> list[str]:
    """Rows that have ended leave the batch, so that nothing is computed for them."""
    from transformers import DynamicCache

    tokens = [model.prompt_tokens(prompt) for prompt in prompts]
    longest = max(map(len, tokens))
    inputs = torch.tensor([[model.end] * (longest - len(one)) + one for one in tokens])
    seen = torch.tensor([[0] * (longest - len(one)) + [1] * len(one) for one in tokens])
    inputs, seen = inputs.to(model.device), seen.to(model.device)
    rows = torch.arange(len(prompts), device=model.device)
    written: list[list[int]] = [[] for _ in prompts]
    cache = DynamicCache()
    positions = (seen.cumsum(-1) - 1).clamp(min=0)
    for _ in range(LONGEST_ANSWER):
        made = whole(
            inputs,
            attention_mask=seen,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
        ).last_hidden_state[:, -1]
        drawn = model.words[_draw(torch.nn.functional.linear(made, model.head).float(), draw)]
        going = drawn != model.end
        for row, token in zip(rows[going].tolist(), drawn[going].tolist(), strict=True):
            written[row].append(token)
        if not bool(going.any()):
            break
        if not bool(going.all()):
            kept = going.nonzero()[:, 0]
            cache.batch_select_indices(kept)
            rows, seen, drawn, positions = rows[kept], seen[kept], drawn[kept], positions[kept]
        inputs = drawn[:, None]
        seen = torch.cat([seen, torch.ones_like(inputs)], dim=1)
        positions = positions[:, -1:] + 1
    return [model.tokenizer.decode(one).strip() for one in written]


_LIKELIEST = 400
"""Words that are looked at: the nucleus is smaller."""


def _draw(logits: Tensor, draw: torch.Generator) -> Tensor:
    """By temperature and nucleus (Holtzman et al. 2020): the likeliest words that make up TOP_P."""
    chances = (logits / TEMPERATURE).softmax(-1)
    chances, words = chances.topk(min(_LIKELIEST, chances.shape[-1]), dim=-1)
    chances[chances.cumsum(-1) - chances > TOP_P] = 0.0
    return words.gather(-1, torch.multinomial(chances, 1, generator=draw))[:, 0]
