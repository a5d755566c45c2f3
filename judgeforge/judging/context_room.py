"""How much of a judge's context its rubric and its reply leave for what it judges."""

from __future__ import annotations

from judgeforge.calls.prices import BYTES_PER_TOKEN
from judgeforge.judging.asking import rubrics_asked
from judgeforge.judging_config import JudgeConfig
from judgeforge.rubric import Rubric
from judgeforge.templates import system_text


def context_room(judge: JudgeConfig, rubric: Rubric, context_tokens: int) -> int:
    """Tokens for prompt, reference and completions of one request; below 0 where nothing fits."""
    shown = (system_text(judge.protocol, asked) for _, asked in rubrics_asked(judge, rubric))
    longest = max((len(text.encode()) for text in shown), default=0) // BYTES_PER_TOKEN
    reply = 0 if judge.protocol == "decisions" else judge.max_tokens
    return context_tokens - longest - reply
