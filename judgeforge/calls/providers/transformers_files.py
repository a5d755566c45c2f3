"""The files of a model of `transformers`: what it gives by them, and loading it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from judgeforge.config.model import ModelConfig
from judgeforge.errors import ConfigError
from judgeforge.ranking.protocols import Gives

_PACKAGES = ("torch", "transformers")
_INSTALL = 'pip install "judgeforge[transformers]"'
_CLASSIFIER, _CHAT = "ForSequenceClassification", ("ForCausalLM", "ForConditionalGeneration")
_UNKNOWN_LENGTH = 10**6
"""Tokenizers that know no limit name a number far beyond any."""
_DEFAULT_TOKENS = 8192
"""Of a model whose files name no limit."""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    name: str
    model: Any
    tokenizer: Any
    is_classifier: bool
    device: str
    most_tokens: int

    def is_out_of_memory(self, error: Exception) -> bool:
        import torch

        return isinstance(error, torch.OutOfMemoryError | MemoryError)

    def free_memory(self) -> None:
        import torch

        if self.device.startswith("cuda"):
            torch.cuda.empty_cache()


def find_model(name: str) -> None:
    """Raises ConfigError where packages are missing, or ``name`` is a folder without a model. A
    name on the hub is found, or not, when it is loaded."""
    missing = [package for package in _PACKAGES if find_spec(package) is None]
    if missing:
        raise ConfigError(
            f"provider `transformers` needs {' and '.join(missing)}, which is not installed here: "
            f"run `{_INSTALL}`"
        )
    place = Path(name)
    if place.is_dir() and not (place / "config.json").is_file():
        raise ConfigError(f"{place} has no config.json: it is not the folder of a model")
    if place.is_absolute() and not place.exists():
        raise ConfigError(f"there is no folder {place}")


def check_gives(name: str, needed: Gives) -> None:
    """Raises ConfigError where the files of a folder show that the model cannot give it."""
    file = Path(name) / "config.json"
    if not file.is_file():
        return
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file} cannot be read: {error}") from error
    if isinstance(known, Mapping):
        labels = known.get("id2label") or dict.fromkeys(range(int(known.get("num_labels") or 2)))
        _check_kind(name, known.get("architectures"), len(labels), needed)


def _check_kind(name: str, architectures: object, labels: int, needed: Gives) -> None:
    """A head that a checkpoint lacks would be made of random numbers, without a word."""
    names = [str(one) for one in architectures] if isinstance(architectures, list) else []
    said = ", ".join(names) or "no architecture"
    if needed == "rewards":
        if not any(_CLASSIFIER in one for one in names):
            raise ConfigError(
                f"`{name}` is not a sequence classifier ({said}), so it has no reward to give. A "
                "chat model judges with `protocol: decisions`"
            )
        if labels != 1:
            raise ConfigError(f"`{name}` has {labels} outputs; a reward model has one")
    elif not any(kind in one for one in names for kind in _CHAT):
        raise ConfigError(
            f"`{name}` is not a chat model ({said}), so it cannot decide. A sequence classifier of "
            "one output judges with `protocol: reward`"
        )


def load_model(model: ModelConfig) -> LoadedModel:
    """Raises ConfigError with what to change."""
    find_model(model.model)
    try:
        return _load(model)
    except ConfigError:
        raise
    except Exception as error:  # files, hub, versions and torch raise all kinds
        raise ConfigError(
            f"`{model.model}` cannot be loaded by transformers ({type(error).__name__}: {error}). "
            "Is it the folder of a model, or a name on the hub that can be reached from here?"
        ) from error


def _load(model: ModelConfig) -> LoadedModel:
    import torch
    from transformers import (
        AutoConfig,
        AutoModelForCausalLM,
        AutoModelForSequenceClassification,
        AutoTokenizer,
    )
    from transformers.utils import logging

    logging.disable_progress_bar()
    known = AutoConfig.from_pretrained(model.model)
    names = list(known.architectures or [])
    is_classifier = any(_CLASSIFIER in name for name in names)
    _check_kind(
        model.model, names, known.num_labels, "rewards" if is_classifier else "probabilities"
    )
    device = model.passed_on.get("device", "auto")
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = model.passed_on.get("dtype", "auto")
    if dtype == "auto" and device == "cpu":
        dtype = "float32"  # half precision is slow on most processors
    kind = AutoModelForSequenceClassification if is_classifier else AutoModelForCausalLM
    loaded = kind.from_pretrained(model.model, dtype=dtype).to(device).eval()
    tokenizer = AutoTokenizer.from_pretrained(model.model)
    limits = [
        model.context_tokens,
        getattr(known, "max_position_embeddings", None),
        tokenizer.model_max_length if tokenizer.model_max_length < _UNKNOWN_LENGTH else None,
    ]
    most = min((limit for limit in limits if limit), default=_DEFAULT_TOKENS)
    return LoadedModel(model.model, loaded, tokenizer, is_classifier, str(device), most)
