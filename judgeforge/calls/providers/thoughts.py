"""What of a text is the answer: without the model's thoughts, and without its template's marks.

Thoughts are taken out in all marks that models are known to use for them. Sources: the reasoning
parsers of vLLM, SGLang and llama.cpp, and the tags that Open WebUI knows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice

from judgeforge.text.patterns import late_pattern

_QUOTES = tuple("`\"'\u201c\u201d\u00ab\u00bb")
_TOLD_OF = late_pattern(
    r"(?:^|[\s(])(?P<sign>[*_]{1,3})\0(?P=sign)(?![\w*_])"
    r"|(?:^|\s)(?:\(\0\)|\[\0\]|\{\0\})"
    r"|\S\s\0[.,;?!](?:\s|$)"
)
"""A line with NUL for its tag, where that is a word of a sentence: alone in emphasis or in
brackets, or with a blank before it and a sign after it that no answer begins with."""
_NOT_DRAWN = "\ufeff\u200b\u200e\u200f\u2060"
_MOST_LOOKED_AT = 50
"""Quoted tags; a text with more of them is about tags."""
_MOST_THOUGHTS = 20


class _Mark:
    """What opens and what closes a thought. ``is_special``: no text that is asked for has it, so
    that it counts later in the text, too, and without its opening. ``needs_end``: words that an
    answer may begin with as well, unless those of the end follow."""

    def __init__(
        self, opening: str, closing: str, *, is_special: bool = True, needs_end: bool = False
    ) -> None:
        self.opening = late_pattern(opening, re.IGNORECASE)
        self.closing = late_pattern(closing, re.IGNORECASE)
        self.is_special, self.needs_end = is_special, needs_end


def _tag(name: str, *, is_special: bool = True) -> _Mark:
    """As HTML has them, maybe with attributes. ``name``: a pattern."""
    return _Mark(rf"<{name}(?:\s+[\w-]+=[^<>]{{0,200}})?>", rf"</{name}>", is_special=is_special)


_MARKS = (
    # Qwen, DeepSeek and many others; <seed:think>, <mm:think> of MiniMax, <think:opensource> of
    # Hunyuan, <longcat_think>, <ifm|think_fast>
    _tag(r"(?:\w{1,12}[:|_])?think(?:ing)?(?:[:|_]\w{1,12})?"),
    _Mark(r"\[THINK(?:ING)?\]", r"\[/THINK(?:ING)?\]"),  # Mistral
    _Mark("\u25c1think\u25b7", "\u25c1/think\u25b7"),  # Kimi
    _Mark(r"<\|START_THINKING\|>", r"<\|END_THINKING\|>"),  # Command
    # Sky and OpenThinker; Quiet-STaR
    _Mark(r"<\|(?:begin|start)_?of_?thought\|>", r"<\|end_?of_?thought\|>"),
    _Mark(r"<\|inner_prefix\|>", r"<\|inner_suffix\|>"),  # Apertus
    _Mark(r"<unused94>thought", r"<unused95>"),  # MedGemma
    _Mark(r"<\|channel>thought", r"<channel\|>"),  # Gemma 4
    _Mark(
        r"<\|think(?:ing)?\|>",
        r"<\|/think(?:ing)?\|>|<\|end\|>(?:\s*<\|begin\|>assistant)?",
        is_special=False,
    ),  # Solar Open
    _Mark(
        "Here is my thought process:", "Here is my response:", is_special=False, needs_end=True
    ),  # Granite
    _Mark(
        r"Thinking\.\.\.[ \t]*\n", r"\.\.\.done thinking\.", is_special=False, needs_end=True
    ),  # Ollama, as it prints them
    _Mark(r'<details type="reasoning"[^<>]{0,200}>', "</details>", is_special=False),  # Open WebUI
    _Mark(r"\[REASONING\]", r"\[/REASONING\]", is_special=False),
    _tag(
        "(?:thoughts?|(?:thought|reasoning)[-_]process|reason(?:ing)?|reflection|scratchpad"
        "|in(?:ner|ternal)[-_](?:monologue|thoughts?|reasoning)|chain[-_]of[-_]thought|cot"
        "|antThinking)",
        is_special=False,
    ),  # of prompts that many models were trained on
)
_SIGNS_BY_BEGINNING = {
    "<": (
        "think", "<|", "<unused9", "channel", "<thought", "<reason", "<reflection", "<scratchpad",
        "<inner", "<internal", "<chain", "<cot>", "<details",
    ),
    "[": ("[think", "[/think", "[reasoning"),
    "thinking...": ("...done thinking.",),
    "\u25c1": ("\u25c1think", "\u25c1/think"),
    "analysis": ("analysis",),
    "here is my ": ("here is my thought process",),
}  # fmt: skip
"""All that a text with thoughts, or with marks around its answer, has at least one of."""
_BARE_CHANNELS = late_pattern(r"\s*(?:assistant)?analysis(.*?)assistantfinal", re.DOTALL)
"""What is left of the channels of gpt-oss where a server leaves their special tokens out."""
_BARE_THOUGHT = late_pattern(r"\s*(?:assistant)?analysis(?=[A-Z])")
"""The same where the answer never came: no sentence begins so."""
_MESSAGE = late_pattern(
    r"(?:<\|start\|>)?(?:assistant)?\s*(?:<\|channel\|>)?(?P<header>[^<>]{0,100}"
    r"(?:<\|(?:constrain|channel)\|>[^<>]{0,100})*)<\|message\|>"
)
"""The head of one message of gpt-oss: its channel, whom it is for, and the form it has."""
_MESSAGE_ENDS = late_pattern(r"<\|(?:end|return|call)\|>")
_BEGINS_MESSAGE = late_pattern(r"\s*<\|(?:start|channel)\|>")
_ANSWER_CHANNEL = late_pattern(r"\s*final\b")
_ANSWER_BEGINS = late_pattern(r"\s*(?:<\|START_RESPONSE\|>|<\|begin_of_solution\|>|<\|content\|>)")
_ANSWER_ENDS = late_pattern(r"<\|(?:return|end|flush|END_RESPONSE|end_of_solution)\|>\s?$")
"""What the same models put around their answer."""
_WRAPPED = late_pattern(
    r"\s*<(?P<tag>answer|response)>(?P<answer>.*)(?P<end></(?P=tag)>)\s*\Z", re.DOTALL
)
_TURN_ENDS = (
    r"(?:<\|(?:im_end|eot_id|eom_id|eot|end_of_text|endoftext|end_of_turn|assistant_end|end)\|>"
    r"|<end_of_turn>|<turn\|>|<eos>|<\uff5cend\u2581of\u2581sentence\uff5c>|\[EOS\])"
)
_TURN_BEGINS = (
    r"(?:<\|(?:im_start|start_header_id|user|start_of_role|user_start)\|>|<start_of_turn>|<\|turn>"
    r"|<\uff5cUser\uff5c>)"
)
_AFTER_THE_TURN = late_pattern(
    rf"(?<=[^\s`\"'])\n*(?:{_TURN_ENDS}\s*(?:{_TURN_BEGINS}.*|\Z)|(?:{_TURN_ENDS}\s*){{2,8}}\Z)",
    re.DOTALL,
)


def answer_and_thought(text: str, apart: str | None) -> tuple[str, str | None]:
    """``apart``: a thought that came beside the text. An answer that is in it is taken out."""
    if apart is None:
        answer, thought = split_reasoning(text)
    else:
        answer, thought = without_thought_again(text, apart), apart
    return answer_after(thought) if thought and not answer.strip() else (answer, thought)


def split_reasoning(text: str, tags: tuple[str, str] | None = None) -> tuple[str, str | None]:
    """Split ``<think>…</think>answer`` into answer and reasoning, in all known marks.

    ``tags``: an opening and a closing one of the model's own. Some chat templates open the tag in
    the prompt, so that only the closing one is in the reply. Without a closing one everything after
    an opening one at the beginning is reasoning: the answer never came. A quoted tag is text.
    """
    if tags is None and not _has_a_sign(text):
        return text, None
    own = (_Mark(re.escape(tags[0]), re.escape(tags[1])),) if tags else ()
    text, thoughts = _by_channels(text)
    while len(thoughts) < _MOST_THOUGHTS:
        found = _first_thought(text, (*own, *_MARKS), is_first=not thoughts)
        if found is None:
            break
        before, thought, after = found
        thoughts.append(thought.strip())
        text = "\n\n".join(filter(None, (before.rstrip(), after.lstrip())))
    begun = _ANSWER_BEGINS.match(text)
    if thoughts or begun:
        text = _ANSWER_ENDS.sub("", text[begun.end() :] if begun else text).lstrip()
    return text, "\n\n".join(filter(None, thoughts)) if thoughts else None


def without_thought_again(text: str, thought: str) -> str:
    """The answer, where ``thought`` came apart from it: all else that looks like one is about
    thoughts. Some servers leave it in the text as well (llama.cpp with `deepseek-legacy`), and a
    mark at the beginning that closes or holds nothing is left of what was taken out.
    """
    answer, found = split_reasoning(text)
    if found is None or found.split() not in ([], thought.split()):
        return text
    return answer


def answer_after(thought: str) -> tuple[str, str]:
    """The answer and the thought, where a server took both for a thought: the mark that ends it is
    then within. The answer is empty where there is none."""
    answer, found = split_reasoning(thought)
    return (answer, found) if found and answer.strip() else ("", thought)


def without_turn_marks(text: str) -> str:
    """Without the token that ends a turn, where a server left it in, and without the turns that a
    model invents after it. A text that shows turns itself, or speaks of such a token, is left: it
    has one that begins a turn, a blank or a quotation mark before it.
    """
    if "<" not in text and "[EOS]" not in text:
        return text
    found = _AFTER_THE_TURN.search(text)
    if found is None or re.search(_TURN_BEGINS, text[: found.start()]):
        return text
    return text[: found.start()]


def wrapped_answer(text: str) -> tuple[str, str] | None:
    """The tag that the whole of a text is in, where it is one for answers, and what is in it."""
    found = _WRAPPED.match(text)
    if found is None or found["end"] in found["answer"]:
        return None
    return found["tag"], found["answer"].strip()


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


def _by_channels(text: str) -> tuple[str, list[str]]:
    """The answer, and the thoughts of other channels, where a text is messages of gpt-oss."""
    bare = _BARE_CHANNELS.match(text)
    if bare is not None:
        return text[bare.end() :].lstrip(), [bare[1].strip()]
    if (only := _BARE_THOUGHT.match(text)) is not None:
        return "", [text[only.end() :].strip()]
    if "<|message|>" not in text:
        return text, []
    answer, thoughts, place, begins = "", list[str](), 0, _BEGINS_MESSAGE.match(text) is not None
    if not begins and "<|end|><|start|>" not in text:
        return text, []  # a text about messages
    while place < len(text):
        head = _MESSAGE.match(text, len(text) - len(text[place:].lstrip()))
        start = head.end() if head else place
        end = _MESSAGE_ENDS.search(text, start)
        said = text[start : end.start() if end else len(text)].strip()
        if head is not None and _ANSWER_CHANNEL.match(head["header"]):
            answer = said
        elif said:
            thoughts.append(said)
        place = end.end() if end else len(text)
    return answer, thoughts


def _first_thought(
    text: str, marks: Sequence[_Mark], *, is_first: bool
) -> tuple[str, str, str] | None:
    """What is before the next thought, the thought, and what is after it."""
    start = len(text) - len(text.lstrip().lstrip(_NOT_DRAWN).lstrip())
    for mark in marks:
        opened = mark.opening.match(text, start)
        if opened is not None:
            start = opened.end()
            # What was opened was meant as a thought: whatever looks most like its end closes it.
            closed = _unquoted(mark.closing, text, start, len(text)) or _between_no_quotes(
                mark.closing, text, start
            )
            if closed is not None:
                return "", text[start : closed.start()], text[closed.end() :]
            return None if mark.needs_end else ("", text[start:], "")
    for mark in marks:
        closed = _unquoted(mark.closing, text, 0, len(text)) if mark.is_special else None
        if closed is None:
            continue
        opened = _unquoted(mark.opening, text, 0, closed.start(), begins_line=True)
        if opened is not None:
            before, inner = text[: opened.start()], text[opened.end() : closed.start()]
            if before.strip() and not inner.strip():
                continue  # the tags themselves are told of
            return before, inner, text[closed.end() :]
        if mark.opening.search(text, 0, closed.start()) is None:
            before, after = text[: closed.start()], text[closed.end() :]
            # After a thought nothing but its end can be left over at the end of an answer.
            return ("", before, after) if is_first or after.strip() else (before, "", "")
    return None


def _unquoted(
    mark: re.Pattern[str], text: str, start: int, end: int, *, begins_line: bool = False
) -> re.Match[str] | None:
    """The first that is not a quotation: not in code, and without words after it on its line."""
    for found in islice(mark.finditer(text, start, end), _MOST_LOOKED_AT):
        line, rest = _beside(found, text)
        before = text[max(0, found.start() - 1) : found.start()]
        if before in _QUOTES or rest[:1] in _QUOTES or _TOLD_OF.search(f"{line}\0{rest}"):
            continue
        if _is_in_code(text, start, found.start()):
            continue
        if before in {"", "\n"} if begins_line else not rest[:1].isspace() or not rest.strip():
            return found
    return None


def _between_no_quotes(mark: re.Pattern[str], text: str, start: int) -> re.Match[str] | None:
    """The first, wherever it stands, that is not alone between quotation marks."""
    for found in islice(mark.finditer(text, start), _MOST_LOOKED_AT):
        before, rest = _beside(found, text)
        if before[-1:] not in _QUOTES or rest[:1] not in _QUOTES:
            return found
    return None


def _beside(found: re.Match[str], text: str) -> tuple[str, str]:
    """The ends of its line that are next to it."""
    before = text[max(0, found.start() - 80) : found.start()].rpartition("\n")[2]
    return before, text[found.end() : found.end() + 80].split("\n", 1)[0]


def _is_in_code(text: str, start: int, end: int) -> bool:
    """Tildes are a fence at the beginning of a line alone: within one they are a tone of voice."""
    tildes = text.count("\n~~~", start, end) + text.startswith("~~~", start, end)
    return bool(text.count("```", start, end) % 2 or tildes % 2)
