"""Prompt -> completions, spread over models, temperatures and seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from judgeforge.calls.call import Asks, gather_or_cancel, others_as_far
from judgeforge.calls.providers.base import ChatRequest, ModelReply
from judgeforge.calls.providers.thoughts import answer_and_thought
from judgeforge.config.sampling import SamplingConfig
from judgeforge.errors import CallError, FlaggedInputError, OverlongRequestError
from judgeforge.records import UNNAMED, Completion, Finish, Prompt
from judgeforge.sampling.draws import Draw, draws, has_own_system
from judgeforge.sampling.duplicates import mark_duplicates
from judgeforge.sampling.suspicion import suspicions, texts_asked
from judgeforge.text.messages import Message

_LEAST_CUT = 16
"""Tokens; a smaller limit may be just the length that was asked for."""


async def sample_completions(
    prompt: Prompt, config: SamplingConfig, gateway: Asks, *, thoughts_shown: bool = False
) -> list[Completion]:
    """All draws in order, usable or not, after those that the row brings, if any are to be added
    to these. Raises CallError only where it stops the run.

    ``thoughts_shown``: judges will see the thoughts, so signs are looked for in them too.
    """
    asked = texts_asked(_with_system(prompt, config.system), prompt.tools)
    drawn = await gather_or_cancel(
        _complete(prompt, config, draw, gateway) for draw in draws(prompt, config)
    )
    await others_as_far()
    principles = dict.fromkeys(one.principle for one in drawn if one.principle is not None)
    marked = mark_duplicates([*_brought(prompt), *drawn])
    return _with_signs(marked, [*asked, *principles], thoughts_shown=thoughts_shown)


async def sample_another(
    prompt: Prompt,
    config: SamplingConfig,
    gateway: Asks,
    before: Sequence[Completion],
    draw: Draw,
    *,
    thoughts_shown: bool = False,
) -> Completion:
    """One more than ``before``, which are all completions of the prompt so far. Raises CallError
    only where it stops the run."""
    new = await _complete(prompt, config, draw, gateway)
    known = dict.fromkeys(one.principle for one in (*before, new) if one.principle is not None)
    asked = [*texts_asked(_with_system(prompt, config.system), prompt.tools), *known]
    marked = mark_duplicates([*before, new])[-1]
    return _with_signs([marked], asked, thoughts_shown=thoughts_shown)[0]


def ready_completions(prompt: Prompt, *, thoughts_shown: bool = False) -> list[Completion]:
    """The completions that the input row brought along, a thought apart from its answer as in a
    reply: the row keeps both as they were given, for its id."""
    asked = texts_asked(prompt.messages, prompt.tools)
    return _with_signs(mark_duplicates(_brought(prompt)), asked, thoughts_shown=thoughts_shown)


def _brought(prompt: Prompt) -> list[Completion]:
    return [
        Completion(
            id=f"{prompt.id}.c{index}",
            prompt_id=prompt.id,
            index=index,
            model=ready.model or UNNAMED,
            text=text,
            tool_calls=ready.tool_calls,
            reasoning=thought,
            given=ready.given,
            finish="given" if text.strip() or ready.tool_calls else "empty",
        )
        for index, ready in enumerate(prompt.completions)
        for text, thought in [answer_and_thought(ready.text, ready.reasoning)]
    ]


def usable(completions: Sequence[Completion]) -> list[Completion]:
    """Those that can be judged: whole, not refused, not empty, none twice."""
    return [completion for completion in completions if completion.is_usable]


async def _complete(
    prompt: Prompt, config: SamplingConfig, draw: Draw, gateway: Asks
) -> Completion:
    index = len(prompt.completions) + draw.number
    request = ChatRequest(
        messages=_with_system(prompt, draw.principle or config.system),
        max_tokens=config.max_tokens,
        temperature=draw.temperature,
        seed=None if config.seed is None else config.seed + draw.number,
        tools=prompt.tools,
    )
    drawn: dict[str, Any] = {
        "id": f"{prompt.id}.c{index}",
        "prompt_id": prompt.id,
        "index": index,
        "principle": draw.principle,
    }
    try:
        answer = await gateway.ask(draw.model, request, sample=draw.sample)
    except CallError as error:
        if error.stops_run:
            raise
        return Completion(
            **drawn,
            model=draw.model,
            text="",
            finish=_finish_of(error),
            failure=str(error),
            cost_usd=None,  # attempts without a reply may have been billed
        )
    reply = answer.reply
    has_text = bool(reply.text.strip() or reply.tool_calls)
    doubt = _doubt(reply, config.max_tokens)
    finish = "unknown" if doubt else reply.finish
    return Completion(
        **drawn,
        model=answer.answered_by or draw.model,
        text=reply.text,
        tool_calls=reply.tool_calls,
        finish="empty" if finish in {"stop", "unknown"} and not has_text else finish,
        cut=reply.finish == "length" and not (config.keep_cut and has_text),
        unsure=None if config.keep_unsure or not has_text else doubt,
        failure=f"the server broke off: {reply.end}" if reply.finish == "failed" else None,
        reasoning=reply.reasoning,
        call=answer.key,
        answered_model=answer.answered_model,
        input_tokens_read=answer.input_tokens_read(request),
        cost_usd=answer.cost_usd,
    )


def _finish_of(error: CallError) -> Finish:
    if isinstance(error, FlaggedInputError):
        return "content_filter"
    return "too_long" if isinstance(error, OverlongRequestError) else "failed"


def _doubt(reply: ModelReply, max_tokens: int) -> str | None:
    """Why a reply is not known to be whole, though nothing says that it was cut."""
    if reply.finish == "unknown":
        return f"it ended with `{reply.end}`, a reason that is not known"
    used = reply.usage.output_tokens if reply.usage else None
    if reply.finish == "stop" and used == max_tokens >= _LEAST_CUT:
        return f"it is as long as max_tokens = {max_tokens}, though it is said to end by itself"
    return None


def _with_system(prompt: Prompt, system: str | None) -> tuple[Message, ...]:
    """A system message of the row's own wins over the one in the configuration."""
    if system is None or has_own_system(prompt):
        return prompt.messages
    return (Message(role="system", content=system), *prompt.messages)


def _with_signs(
    completions: Sequence[Completion], asked: Sequence[str], *, thoughts_shown: bool
) -> list[Completion]:
    def signs(one: Completion) -> tuple[str, ...]:
        found = suspicions(one.text, asked, one.tool_calls)
        thought = one.reasoning if thoughts_shown else None
        return tuple(sorted({*found, *suspicions(thought, asked)})) if thought else found

    return [
        completion.model_copy(update={"signs": found})
        if (found := signs(completion))
        else completion
        for completion in completions
    ]
