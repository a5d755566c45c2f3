"""Which family of models a name tells of. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePath

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
_WORDS = re.compile(
    "(?<![a-z])(?:"
    + "|".join(f"(?P<{family}>{words})" for family, words in _FAMILY_NAMES.items())
    + ")(?![a-z])",
    re.IGNORECASE,
)
"""No word begins within another, so one pass finds all; the group that matched is the family."""


def families_by_name(name: str, also: str | None = None) -> frozenset[str]:
    """``name``: of a model, or of its file; ``also``: a family that is known from elsewhere.

    A model of no known family is one of its own.
    """
    words = PurePath(name).name
    found = {match.lastgroup or "" for match in _WORDS.finditer(words)}
    if also is not None:
        found.add(also)
    return frozenset(found or {words.lower()})
