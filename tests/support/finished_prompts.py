"""Prompts that ended with a skip, as a run hands them to its folder."""

from __future__ import annotations

from judgeforge.records import Completion, Skip, SkipReason
from judgeforge.store.finished_prompt import FinishedPrompt, finished_prompt


def tie(prompt_id: str) -> Skip:
    return Skip(prompt_id=prompt_id, line=1, reason=SkipReason.TIE, detail="equal scores")


def skip_line(prompt_id: str) -> bytes:
    return tie(prompt_id).model_dump_json().encode() + b"\n"


def finished(prompt_id: str, text: str = "an answer") -> FinishedPrompt:
    """With one completion of that text."""
    completion = Completion(
        id=f"{prompt_id}.c0", prompt_id=prompt_id, index=0, model="m", text=text, finish="stop"
    )
    return finished_prompt(
        prompt_id=prompt_id, digest="d" * 64, completions=[completion], skip=tie(prompt_id)
    )
