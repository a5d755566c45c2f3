"""Models that answer in numbers alone are asked once: nothing could be asked for again in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from judgeforge.calls.call import Asks
from judgeforge.calls.input_read import is_a_context
from judgeforge.calls.providers.base import DecisionRequest, ModelReply, RewardRequest
from judgeforge.config.judges import JudgeConfig
from judgeforge.errors import CallError
from judgeforge.judging.judge import (
    Missing,
    call_failure,
    cut_prompt_note,
    fallback_note,
    input_cut,
    reading_failure,
)
from judgeforge.judging.replies.json_object import UnreadableReplyError
from judgeforge.records import Judgment


async def asked_once(
    asks: Asks,
    judge: JudgeConfig,
    request: DecisionRequest | RewardRequest,
    blank: Judgment,
    read: Callable[[ModelReply], dict[str, Any]],
) -> Judgment:
    """``blank`` with what came of it. ``read``: the fields of the judgment, or raises
    UnreadableReplyError. Raises CallError where that stops the run."""
    try:
        answer = await asks.ask(judge.model, request, sample=blank.repeat)
    except CallError as error:
        if error.stops_run:
            raise
        return blank.model_copy(update=call_failure(error).fields())
    tokens = answer.input_tokens_read(request)
    try:
        is_cut = tokens is not None and is_a_context(tokens)
        evidence = input_cut(tokens or 0).fields() if is_cut else read(answer.reply)
    except UnreadableReplyError as error:
        evidence = Missing("unread", str(error)).fields()
    except Exception as error:  # noqa: BLE001 (named in the judgment, which is then missing)
        evidence = reading_failure(error).fields()
    if answer.answered_by:
        evidence["note"] = fallback_note([answer.answered_by], evidence.get("note"))
    if tokens is not None:
        evidence["note"] = cut_prompt_note(tokens, evidence.get("note"))
    about_call = {
        "call": answer.key,
        "cost_usd": answer.cost_usd,
        "answered_model": answer.answered_model,
        "input_tokens_read": tokens,
    }
    return blank.model_copy(update=about_call | evidence)
