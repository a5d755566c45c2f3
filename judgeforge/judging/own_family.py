"""Which completions come from a judge's own model family: judges tend to prefer those."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath

from judgeforge.config.judges import JudgeConfig
from judgeforge.config.model import ModelConfig
from judgeforge.records import Completion

_FAMILY_NAMES: Mapping[str, str] = {
    "gpt": r"gpt|chatgpt|o\d|codex|davinci",
    "claude": r"claude",
    "gemini": r"gemini|gemma|palm|bard",
    "llama": r"llama|codellama|tinyllama|vicuna|alpaca",
    "qwen": r"qwen|qwq|qvq",
    "mistral": r"mistral|mixtral|ministral|magistral|codestral|devstral|pixtral",
    "deepseek": r"deepseek",
    "command": r"command|aya|c4ai",
    "grok": r"grok",
    "phi": r"phi",
    "glm": r"glm|chatglm",
    "kimi": r"kimi|moonshot",
    "minimax": r"minimax|abab",
    "nova": r"nova",
    "granite": r"granite",
    "olmo": r"olmo|tulu",
    "smollm": r"smollm",
    "nemotron": r"nemotron",
    "hunyuan": r"hunyuan",
    "ernie": r"ernie",
    "yi": r"yi",
    "jamba": r"jamba",
    "falcon": r"falcon",
    "internlm": r"internlm",
    "exaone": r"exaone",
    "solar": r"solar",
}
"""Words of a model's name that tell its family. A model tuned or distilled from two families has
both: a judge of either is its relative."""
_PATTERNS = {
    family: re.compile(rf"(?<![a-z])(?:{words})(?![a-z])", re.IGNORECASE)
    for family, words in _FAMILY_NAMES.items()
}


def families_of(name: str, model: ModelConfig | None = None) -> frozenset[str]:
    """The families of a model by its name; a model of no known one is a family of its own."""
    words = PurePath(name).name
    found = {family for family, pattern in _PATTERNS.items() if pattern.search(words)}
    if model is not None and model.base_url is None and model.facts.family:
        found.add(model.facts.family)
    return frozenset(found or {words.lower()})


class OwnFamily:
    """Knows the models of a configuration; a completion may also name one that is not in it."""

    def __init__(
        self, models: Mapping[str, ModelConfig] | None = None, *, exclude: bool = False
    ) -> None:
        self._models = models or {}
        self._exclude = exclude
        self._families: dict[str, frozenset[str]] = {}

    def judged_by(
        self, judge: JudgeConfig, completions: Sequence[Completion]
    ) -> Sequence[Completion]:
        """Those that the judge may judge: all, or all but those of its own family."""
        if not self._exclude:
            return completions
        return [one for one in completions if not self.is_own(judge, one.model)]

    def is_own(self, judge: JudgeConfig, model: str) -> bool:
        """Whether a model, by its name in the configuration or elsewhere, is of its family."""
        return not self._of(judge.model).isdisjoint(self._of(model))

    def _of(self, model: str) -> frozenset[str]:
        if model not in self._families:
            known = self._models.get(model)
            name = model if known is None else known.model
            self._families[model] = families_of(name, known)
        return self._families[model]
