"""How a reply ended, by the words that servers have for it, and texts that every file can carry.

Servers name the end of a reply in many words; one that is not known is not taken for a whole reply.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from judgeforge.records import Finish
from judgeforge.text.wording import shortened

_ENDS: Mapping[Finish, str] = {
    "stop": "stop stopped stop_sequence stop_token stop_word stop_str stop_string eos eos_token "
    "eos_token_id eos_found end end_turn end_of_turn end_of_text end_of_sequence complete "
    "completed completion done finish finished success im_end eot eot_id eom eom_id "
    "endoftext tool_calls tool_call tool_use tool function_call none null",
    "length": "length max_tokens max_token max_new_tokens max_output_tokens max_completion_tokens "
    "max_length max_tokens_reached max_tokens_exceeded token_limit token_limit_reached limit "
    "model_length model_context_window_exceeded context_length context_length_exceeded "
    "context_window context_window_exceeded context_limit length_limit length_limit_reached "
    "length_exceeded output_limit output_limit_reached truncated compaction context_overflow "
    "max_context_length",
    "content_filter": "content_filter content_filtered content_filtering filter filtered safety "
    "sensitive recitation blocklist blocked prohibited_content prohibited spii image_safety "
    "language guardrail guardrail_intervened guardrails moderation content_policy "
    "content_policy_violation policy_violation flagged toxicity copyright error_toxic "
    "image_prohibited_content",
    "refusal": "refusal refused",
    "failed": "error errored failed failure abort aborted cancelled canceled cancel timeout "
    "time_limit network_error server_error internal_error internal_server_error system_error "
    "insufficient_system_resource insufficient_resources overloaded unavailable interrupted "
    "malformed_function_call unexpected_tool_call invalid_tool_call malformed_response "
    "load engine_error disconnected error_limit user_cancel malformed_tool_call "
    "too_many_tool_calls missing_thought_signature rate_limited deadline_exceeded server_shutdown "
    "preempted client_disconnect",
}
_KNOWN_ENDS: Mapping[str, Finish] = {
    word: finish for finish, words in _ENDS.items() for word in words.split()
}
_DEEPEST_ERROR = 3
_END_PREFIX = re.compile(r"^(?:finish_?reason|stop_?reason)_?")
_BETWEEN_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")


def ended(said: object, text: str, error: object = None) -> tuple[Finish, str | None]:
    """How a reply ended, by the server's word for it, and that word where it is not a usual one.

    A server that says nothing is believed; a word that is not known is not taken for a whole reply.
    """
    if says_an_error(error):
        return "failed", shortened(f"error: {_words_of(error)}")
    if isinstance(said, dict):  # SGLang's own API: {"type": "length", "length": 200}
        said = said.get("type", "an object")
    if said is None or said == "":
        return ("stop" if text.strip() else "empty"), None
    finish = _known_end(str(said))
    if finish in {"stop", "unknown"} and not text.strip():
        return "empty", None
    return finish, clean(shortened(str(said))) if finish in {"unknown", "failed"} else None


def says_an_error(error: object, depth: int = 0) -> bool:
    """Whether a field for errors says that there was one: some gateways (One API) have it in every
    reply, with empty texts and codes."""
    if isinstance(error, Mapping) and depth < _DEEPEST_ERROR:
        return any(says_an_error(one, depth + 1) for one in error.values())
    return bool(error)


def end_of_both(said: object, upstream: object) -> object:
    """The word of a gateway, or that of the server behind it (``native_finish_reason`` of
    OpenRouter) where the gateway calls natural what was cut, withheld or broken off."""
    if not isinstance(upstream, str) or _known_end(str(said or "stop")) != "stop":
        return said
    return said if _known_end(upstream) in {"stop", "unknown"} else upstream


@lru_cache(maxsize=64)
def _known_end(said: str) -> Finish:
    word = _BETWEEN_WORDS.sub("_", said).strip("_").lower()
    return _KNOWN_ENDS.get(_END_PREFIX.sub("", word), "unknown")


def _words_of(error: object) -> str:
    told = error.get("message") if isinstance(error, dict) else None
    return clean(str(told or error))


def clean(text: str) -> str:
    """Replace lone surrogates, which no file and no API can carry."""
    if text.isascii():  # most are, and every text of a reply passes here
        return text
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
