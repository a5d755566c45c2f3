"""Answers of the small model, before or after a training, sampled as the recorded ones were."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from benchmarks.downstream_model import FROZEN, SmallModel
from benchmarks.downstream_training import Upper

LONGEST_ANSWER, ANSWERS_AT_ONCE = 144, 180
TEMPERATURE, TOP_P = 0.9, 0.95
"""As the recorded completions were sampled."""


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
