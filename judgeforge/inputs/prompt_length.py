"""Whether a prompt fits into what the models can take in, as far as that is known."""

from __future__ import annotations

from judgeforge.inputs.row_checks import RowChecks
from judgeforge.inputs.row_values import RowProblemError
from judgeforge.records import Prompt, SkipReason
from judgeforge.text.tokens import about_tokens


def check_length(prompt: Prompt, checks: RowChecks) -> None:
    """Raises RowProblemError."""
    _check_sampled(prompt, checks)
    _check_judged(prompt, checks)


def _check_sampled(prompt: Prompt, checks: RowChecks) -> None:
    if checks.context_tokens is None:
        return
    tokens = about_tokens(*(message.content for message in prompt.messages))
    if tokens + checks.output_tokens > checks.context_tokens:
        raise RowProblemError(
            SkipReason.TOO_LONG,
            f"about {tokens} tokens and {checks.output_tokens} for the answer do not fit into "
            f"context_tokens = {checks.context_tokens}; shorten the prompt",
        )


def _check_judged(prompt: Prompt, checks: RowChecks) -> None:
    """Completions come on top, so what leaves no room for any is not worth sampling them."""
    if checks.judged_tokens is None:
        return
    tokens = about_tokens(*(one.content for one in prompt.messages), prompt.reference or "")
    if tokens >= checks.judged_tokens:
        raise RowProblemError(
            SkipReason.TOO_LONG,
            f"about {tokens} tokens and a completion do not fit into context_tokens of any judge, "
            f"where rubric and reply leave {max(0, checks.judged_tokens)}; shorten the prompt",
        )
