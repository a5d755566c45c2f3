"""What of a reply is the answer: without the thoughts, and whether it is whole.

Thoughts are taken out in all marks that models are known to use for them. Servers name the end of a
reply in many words; one that is not known is not taken for a whole reply.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import islice

from judgeforge.records import Finish
from judgeforge.text.wording import shortened

_QUOTES = tuple("`\"'\u201c\u201d\u00ab\u00bb")
_MOST_LOOKED_AT = 50
"""Quoted tags; a text with more of them is about tags."""
_MOST_THOUGHTS = 20


class _Mark:
    """What opens and what closes a thought. ``is_special``: no text that is asked for has it, so
    that it counts later in the text, too, and without its opening."""

    def __init__(self, opening: str, closing: str, *, is_special: bool = True) -> None:
        self.opening = re.compile(re.escape(opening), re.IGNORECASE)
        self.closing = re.compile(re.escape(closing), re.IGNORECASE)
        self.written = opening.casefold(), closing.casefold()
        self.is_special = is_special


_MARKS = (
    _Mark("<think>", "</think>"),
    _Mark("<thinking>", "</thinking>"),
    _Mark("[THINK]", "[/THINK]"),
    _Mark("\u25c1think\u25b7", "\u25c1/think\u25b7"),
    _Mark("<seed:think>", "</seed:think>"),
    _Mark("<|START_THINKING|>", "<|END_THINKING|>"),
    _Mark("<|begin_of_thought|>", "<|end_of_thought|>"),
    _Mark("<unused94>thought", "<unused95>"),
    _Mark("<|channel>thought", "<channel|>"),
    _Mark("<|channel|>analysis<|message|>", "<|end|>", is_special=False),
    _Mark("<|start|>assistant<|channel|>analysis<|message|>", "<|end|>", is_special=False),
    _Mark("<|channel|>commentary<|message|>", "<|end|>", is_special=False),
    _Mark("<|start|>assistant<|channel|>commentary<|message|>", "<|end|>", is_special=False),
    _Mark("<thought>", "</thought>", is_special=False),
    _Mark("<thoughts>", "</thoughts>", is_special=False),
    _Mark("<reasoning>", "</reasoning>", is_special=False),
    _Mark("<reflection>", "</reflection>", is_special=False),
    _Mark("<scratchpad>", "</scratchpad>", is_special=False),
    _Mark("<inner_monologue>", "</inner_monologue>", is_special=False),
)
"""Of Qwen and DeepSeek, Mistral, Kimi, Seed, Command, Sky, MedGemma, Gemma 4, gpt-oss, and of
prompts that many models were trained on."""
_BARE_CHANNELS = re.compile(r"\s*analysis(.*?)assistantfinal", re.DOTALL)
"""What is left of the channels of gpt-oss where a server leaves their special tokens out."""
_SIGNS = ("<|", "analysis", *dict.fromkeys(sign for mark in _MARKS for sign in mark.written))
"""All that a text with thoughts, or with marks around its answer, has at least one of."""
_SIGNS_BY_BEGINNING = {
    begins: tuple(sign for sign in _SIGNS if sign.startswith(begins))
    for begins in dict.fromkeys("analysis" if sign.isalpha() else sign[0] for sign in _SIGNS)
}
_ANSWER_BEGINS = re.compile(
    r"\s*(?:(?:<\|start\|>assistant)?<\|channel\|>final<\|message\|>|<\|START_RESPONSE\|>"
    r"|<\|begin_of_solution\|>)"
)
_ANSWER_ENDS = re.compile(r"<\|(?:return|end|END_RESPONSE|end_of_solution)\|>\s?$")
"""What the same models put around their answer."""


def split_reasoning(text: str, tags: tuple[str, str] | None = None) -> tuple[str, str | None]:
    """Split ``<think>…</think>answer`` into answer and reasoning, in all known marks.

    ``tags``: an opening and a closing one of the model's own. Some chat templates open the tag in
    the prompt, so that only the closing one is in the reply. Without a closing one everything after
    an opening one at the beginning is reasoning: the answer never came. A quoted tag is text.
    """
    if tags is None and not _has_a_sign(text):
        return text, None
    marks = (_Mark(*tags), *_MARKS) if tags else _MARKS
    thoughts: list[str] = []
    bare = _BARE_CHANNELS.match(text)
    if bare is not None:
        thoughts, text = [bare[1].strip()], text[bare.end() :].lstrip()
    while len(thoughts) < _MOST_THOUGHTS:
        found = _first_thought(text, marks, is_first=not thoughts)
        if found is None:
            break
        before, thought, after = found
        thoughts.append(thought.strip())
        text = f"{before.rstrip()}\n\n{after.lstrip()}" if before.strip() else after.lstrip()
    begun = _ANSWER_BEGINS.match(text)
    if thoughts or begun:
        text = _ANSWER_ENDS.sub("", text[begun.end() :] if begun else text).lstrip()
    return text, "\n\n".join(filter(None, thoughts)) if thoughts else None


def _has_a_sign(text: str) -> bool:
    """Looked for by plain words: most texts have none, and a pattern of all takes 50 times as
    long."""
    folded = text.casefold()
    for begins, signs in _SIGNS_BY_BEGINNING.items():
        if begins in folded:
            for sign in signs:  # every reply passes here: ``any`` takes three times as long
                if sign in folded:
                    return True
    return False


def _first_thought(
    text: str, marks: Sequence[_Mark], *, is_first: bool
) -> tuple[str, str, str] | None:
    """What is before the next thought, the thought, and what is after it."""
    start = len(text) - len(text.lstrip())
    for mark in marks:
        opened = mark.opening.match(text, start)
        if opened is not None:
            start = opened.end()
            # What was opened was meant as a thought: whatever looks most like its end closes it.
            closed = _unquoted(mark.closing, text, start, len(text)) or _between_no_quotes(
                mark.closing, text, start
            )
            if closed is None:
                return "", text[start:], ""
            return "", text[start : closed.start()], text[closed.end() :]
    for mark in marks:
        closed = _unquoted(mark.closing, text, 0, len(text)) if mark.is_special else None
        if closed is None:
            continue
        opened = _unquoted(mark.opening, text, 0, closed.start(), begins_line=True)
        if opened is not None:
            before, inner = text[: opened.start()], text[opened.end() : closed.start()]
            return before, inner, text[closed.end() :]
        if is_first and mark.opening.search(text, 0, closed.start()) is None:
            return "", text[: closed.start()], text[closed.end() :]
    return None


def _unquoted(
    mark: re.Pattern[str], text: str, start: int, end: int, *, begins_line: bool = False
) -> re.Match[str] | None:
    """The first that is not a quotation: not in code, and without words after it on its line."""
    for found in islice(mark.finditer(text, start, end), _MOST_LOOKED_AT):
        before, rest = _beside(found, text)
        if before in _QUOTES or rest[:1] in _QUOTES:
            continue
        if text.count("```", start, found.start()) % 2:
            continue
        if before in {"", "\n"} if begins_line else not rest[:1].isspace() or not rest.strip():
            return found
    return None


def _between_no_quotes(mark: re.Pattern[str], text: str, start: int) -> re.Match[str] | None:
    """The first, wherever it stands, that is not alone between quotation marks."""
    for found in islice(mark.finditer(text, start), _MOST_LOOKED_AT):
        before, rest = _beside(found, text)
        if before not in _QUOTES or rest[:1] not in _QUOTES:
            return found
    return None


def _beside(found: re.Match[str], text: str) -> tuple[str, str]:
    """The character before it, and the beginning of what follows on its line."""
    before = text[max(0, found.start() - 1) : found.start()]
    return before, text[found.end() : found.end() + 80].split("\n", 1)[0]


_ENDS: Mapping[Finish, str] = {
    "stop": "stop stopped stop_sequence stop_token stop_word stop_str eos eos_token eos_token_id "
    "eos_found end end_turn end_of_turn end_of_text end_of_sequence complete completed completion "
    "done finish finished success im_end eot eot_id eom eom_id endoftext tool_calls tool_call "
    "tool_use tool function_call none null",
    "length": "length max_tokens max_token max_new_tokens max_output_tokens max_completion_tokens "
    "max_length max_tokens_reached max_tokens_exceeded token_limit token_limit_reached limit "
    "model_length model_context_window_exceeded context_length context_length_exceeded "
    "context_window context_window_exceeded context_limit length_limit length_limit_reached "
    "length_exceeded output_limit output_limit_reached truncated",
    "content_filter": "content_filter content_filtered content_filtering filter filtered safety "
    "sensitive recitation blocklist blocked prohibited_content prohibited spii image_safety "
    "language guardrail guardrail_intervened guardrails moderation content_policy "
    "content_policy_violation policy_violation flagged toxicity copyright error_toxic",
    "refusal": "refusal refused",
    "failed": "error errored failed failure abort aborted cancelled canceled cancel timeout "
    "time_limit network_error server_error internal_error internal_server_error system_error "
    "insufficient_system_resource insufficient_resources overloaded unavailable interrupted "
    "malformed_function_call unexpected_tool_call invalid_tool_call malformed_response "
    "load engine_error disconnected error_limit user_cancel",
}
_KNOWN_ENDS: Mapping[str, Finish] = {
    word: finish for finish, words in _ENDS.items() for word in words.split()
}
_END_PREFIX = re.compile(r"^(?:finish_?reason|stop_?reason)_?")
_BETWEEN_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")


def ended(said: object, text: str, error: object = None) -> tuple[Finish, str | None]:
    """How a reply ended, by the server's word for it, and that word where it is no usual one.

    A server that says nothing is believed; a word that is not known is not taken for a whole reply.
    """
    if error:
        return "failed", shortened(f"error: {_words_of(error)}")
    if isinstance(said, dict):  # SGLang's own API: {"type": "length", "length": 200}
        said = said.get("type", "an object")
    if said is None or said == "":
        return ("stop" if text.strip() else "empty"), None
    finish = _known_end(str(said))
    if finish in {"stop", "unknown"} and not text.strip():
        return "empty", None
    return finish, clean(shortened(str(said))) if finish in {"unknown", "failed"} else None


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
