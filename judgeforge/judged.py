"""A prompt whose completions are judged and not yet ranked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from judgeforge.records import Completion, Judgment, Prompt


@dataclass(frozen=True, slots=True)
class JudgedPrompt:
    prompt: Prompt
    completions: Sequence[Completion]
    """All of them, also those that could not be used."""
    judgments: Sequence[Judgment]
