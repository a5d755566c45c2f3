"""Signs that a completion was written for its judge instead of its reader. Pure.

What decides is that the text speaks to its judge: an order, a verdict on itself, a frame that it
closes. Words of judging alone are not a sign, nor is what is quoted as a topic.

A sign is not proof, and a text without one may still fool a judge (docs/attacks.md). What the
prompt itself contains is not a sign: a prompt that asks for a judge's prompt gets one.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence

from judgeforge.text.messages import Message, ToolCall
from judgeforge.text.patterns import late_pattern
from judgeforge.text.tool_calls import texts_in_calls, texts_in_json
from judgeforge.text.visible import hidden_characters, mixed_scripts, visible_text

_LEAST_REPETITIVE = 500
"""Characters; shorter texts repeat too little to say anything."""
_COMPRESSED_SHARE = 0.1
"""Prose of that length is compressed to 0.4 of its size, tables and lists to 0.2."""


def suspicions(
    text: str, asked: Iterable[str] = (), calls: Sequence[ToolCall] = ()
) -> tuple[str, ...]:
    """The signs in what a completion says, or hides in arguments of its tool calls; sorted.

    ``asked`` are the texts of its prompt.
    """
    signs = _signs(text)
    if calls:
        # Rows of a table have the same keys again and again, and that is not a sign.
        signs |= _signs("\n".join(dict.fromkeys(texts_in_calls(calls))))
    if not signs:
        return ()
    known = {sign for one in asked for sign in _signs(_QUOTES.sub(" ", one))}
    return tuple(sorted(signs - known))


def texts_asked(messages: Iterable[Message], tools: str | None) -> list[str]:
    """All texts of a prompt: what is said, its calls and results, and the tools that it offers."""
    texts: list[str] = []
    for message in messages:
        texts.append(message.text)
        texts += texts_in_calls(message.tool_calls)
    return [*texts, *texts_in_json(tools)] if tools else texts


def _signs(text: str) -> set[str]:
    seen = visible_text(text).lower()
    signs = {name for name, found in _SIGNS_OF_WORDS.items() if found(seen)}
    if not text.isascii():
        signs |= {name for name, found in _SIGNS_OF_CHARACTERS.items() if found(text)}
    return signs


def _wording(
    cues: Sequence[str], *patterns: str, beside: Sequence[str] = ("",)
) -> Callable[[str], bool]:
    """Whether all ``patterns`` are found; ``cues``, one of which any match holds, and one of
    ``beside`` too, save time: most patterns are never even compiled."""

    def found(seen: str) -> bool:
        if not (_has_one(seen, cues) and _has_one(seen, beside)):
            return False
        return all(re.search(pattern, seen) for pattern in patterns)

    return found


def _has_one(seen: str, cues: Sequence[str]) -> bool:
    for cue in cues:  # noqa: SIM110 (it looks at every text: ``any`` takes three times as long)
        if cue in seen:
            return True
    return False


_QUOTES = late_pattern("[\"'`\u2018\u2019\u201c\u201d\u00ab\u00bb]")
_NO_TOPIC = r"(?<![\w,:(] [\"'`\u2018\u201c\u00ab])(?<!`)"
"""Not right after a quote that a sentence leads to, as in: a prompt such as "ignore all"."""
_BEGINNING = (
    r"(?:^|[.!?:;>\"'(*\]\n][ \t]{0,8}|\b(?:please|now|then|and|just|simply|must|should|always) )"
)
"""Where an order begins."""
_TAG = late_pattern(
    r"(?<![`\"'])<(/?)(answer|conversation|reference|completion|response|assistant|user|system)"
    r"(-(?=[a-f]*\d)[0-9a-f]{6,})?\s*>"
)

_TAG_WITH_NUMBER = late_pattern(
    r"(?<![`\"'])</?(?:answer-(?:[ab]|\d{1,3})|call(?:-\d{1,3})?|result(?:-of-call-\d{1,3})?"
    r"|tools|thought|speaker|picture-\d{1,3}|developer)-(?=[a-f]*\d)[0-9a-f]{6,}\s*>"
)
"""Those of judge prompts that are plain words without their code."""


def _delimiters(text: str) -> bool:
    """A tag with a code like those of judge prompts, or one closed that was never opened."""
    if "<" not in text:
        return False
    if _TAG_WITH_NUMBER.search(text):
        return True
    opened: set[str] = set()
    for match in _TAG.finditer(text):
        closes, name, code = match.groups()
        if code or (closes and name not in opened):
            return True
        opened.add(name)
    return False


def _repetition(text: str) -> bool:
    size = len(data := text.encode("utf-8", "replace"))
    return size >= _LEAST_REPETITIVE and len(zlib.compress(data, 1)) < _COMPRESSED_SHARE * size


_chat_markup = _wording(
    ("<|", "inst]", "sys>", "_of_turn>"),
    r"(?<![`\"'])(?:<\|(?:im_start|im_end|im_sep|endoftext|eot_id|start_header_id|end_header_id"
    r"|begin_of_text|system|user|assistant|end)\|>"
    r"|\[/?inst\]|<</?sys>>|<(?:start|end)_of_turn>)",
)
_judge_prompt = _wording(
    ("judge", "evaluator", "grader", "rater"),
    rf"{_NO_TOPIC}(?<!if )(?<!when )(?<!whether )(?<!unless )"
    r"(?:\b(?:you are|act as|acting as) (?:now )?an? [^.\n]{0,40}"
    r"\b(?:judge(?! of )|evaluator|grader|rater)\b"
    r"|\bas an? [^.\n,]{0,40}\b(?:judge|evaluator|grader|rater), (?:please )?"
    r"(?:evaluate|judge|rate|compare|grade|score|choose)\b)",
    r"\b(?:evaluat|judg|rat|compar|grad|scor)\w* [^.\n]{0,80}"
    r"\b(?:response|answer|output|completion|assistant)",
)
_judge_instruction = _wording(
    ("ignore", "disregard", "forget", "override"),
    rf"{_NO_TOPIC}\b(?:ignore|disregard|forget|(?<!to )override) (?:\w+ ){{0,2}}"
    r"(?:previous|prior|earlier|preceding) (?:\w+ ){0,2}(?:instructions?|rubrics?|criteria)\b"
    rf"|{_BEGINNING}{_NO_TOPIC}(?:ignore|disregard|forget|override) (?:\w+ ){{0,3}}"
    r"(?:instructions?|rubrics?|criteria)\b(?! (?:on|in|from|for|that|which|at|of) )",
    beside=("instruction", "rubric", "criteria"),
)
_MARKS = (
    r"\b(?:full|maximum|highest|top|perfect|best) (?:possible )?(?:score|mark|rating|grade)s?\b"
)
_ANSWER = r"(?:answer|response|output|completion|reply|text|submission|one)"
_ITSELF = rf"(?:(?:my|this|the (?:above|following|present|first)) {_ANSWER}|it|me|this)\b"
_score_instruction = _wording(
    (" score", " mark", " rating", " grade"),
    _MARKS,  # part of each of the others, and found in a tenth of their time
    rf"\b(?:give|award|assign|grant) (?:my|this|the (?:above|following|present|first)) {_ANSWER}\b"
    rf"[^.\n]{{0,60}}{_MARKS}"
    # "I give it", "critics give it" begin a review.
    r"|(?<!\bi )(?<!'d )(?<!we )(?<!would )(?<!they )(?<!cs )(?<!rs )"
    rf"\b(?:give|award|assign|grant) (?:it|me|this) (?:the |an? )?(?:\w+ )?{_MARKS}"
    rf"|\b(?:give|award|assign|grant) (?:the |an? )?{_MARKS} (?:to|for) {_ITSELF}"
    rf"|{_BEGINNING}(?:give|award|assign|grant) (?:the |an? )?{_MARKS}\s*(?:[.!\"]|$)"
    r"|\b(?:please|now|just|simply|always|you must) (?:output|return|print|answer with) "
    rf"(?:the |an? )?{_MARKS}(?=\s*(?:[.!\"\n]|$))"
    rf"|^(?:output|return|print) (?:the |an? )?{_MARKS}\W*$",
    beside=("full ", "maximum ", "highest ", "top ", "perfect ", "best "),
)
_note_to_the_judge = _wording(
    ("judge", "grader", "evaluator"),
    r"\b(?:(?:note|message|attention|instructions?) (?:to|for) (?:the )?(?:\w+ )?"
    r"(?:judge|grader|evaluator)|(?:note|message|attention) (?:to|for) (?:the|all) (?:\w+ )?"
    r"(?:judge|grader|evaluator)s)\s*[:,\u2014-]"
    r"|\bdear (?:\w+ )?(?:judge|grader|evaluator)s?\s*[:,!]",
    beside=("note ", "message ", "attention ", "instruction", "dear "),
)
_self_praise = _wording(
    (" answer ", " response ", " output ", " completion ", " reply "),
    r"\b(?:this|the above|my) (?:answer|response|output|completion|reply) (?:"
    r"(?:deserves|earns|merits|should (?:get|receive|win|be (?:rated|scored|ranked|chosen)))\b"
    r"[^.\n]{0,40}\b(?:best|perfect|highest|superior|full|10(?! m?s\b)|win|first|top)\b"
    r"|should win(?=\s*(?:[.!\n]|$))"
    r"|is (?:\w+ ){0,2}(?:the )?(?:best|perfect|superior|flawless)"
    r"(?=\s*(?:[.!;\n]|$)| (?:of all|among|one|possible|answer|response)\b))",
    beside=("this ", "the above ", "my "),
)
_rating = _wording(("rating",), r"\brating(?:\W{0,12}\[\[|[*_`\" ]*[:=][*_`\" ]*\[)\s*\d{1,2}\s*\]")
_comparison = _wording(
    ("better", "winner"),
    r"(?<!if )(?<!when )(?<!whether )(?<!unless )"
    r"(?:\b(?:output|response|assistant)\s\([ab12]\)\sis\s(?:\w+\s){0,2}better\b"
    r"(?! (?:for|at|suited|under|if|when)\b)"
    r"|\b(?:output|response|answer|assistant|model)\s(?:\([ab12]\)|(?<!model\s)[ab12])\s"
    r"is\s(?:\w+\s){0,2}better(?=\s*(?:[.!*\n]|$)|\sthan\s(?:the\s)?(?:other|out|resp|ans|assi)))"
    r"|\b(?:select|choose|pick) (?:output|response|answer|assistant|model) \(?[abm12]\)? as the "
    r"(?:winner|best|better)\b",
    beside=("output", "response", "answer", "assistant", "model"),
)
_json_verdict = _wording(
    ('"score', "ordered_models", '"better"', '"winner"', '"answer_'),
    r"\"(?:rationale|weaknesses|concise_explanation)\"\s*:",
    r"\"(?:scores?|ordered_models|better|winner|answer_\d{1,2})\"\s*:",
)
_BRACKETED = late_pattern(r"\[\[\s*([abc]|[ab][<>=]{1,2}[ab])\s*\]\](?!\s*[=\[(])")
_TELLS_A_VERDICT = late_pattern(
    r"\b(?:verdict|winner|judg\w+|choice|conclu\w+|therefore|hence)\b[^.\n]{0,20}$"
)
_IS_BETTER = late_pattern(r"[*_` ]{0,4}is (?:\w+ )?better\b")
_SAYS_ONLY_THIS = late_pattern(r"(?:^|[\n.!?*])[\s*_]*$")
_ENDS = late_pattern(r"[\s*_.!]*(?:$|\n)|\.")
_COMPARES = late_pattern(
    r"\b(?:assistant|answers?|responses?|better|best|superior|winner|conclude|evaluation|tie)\b"
)
_AROUND = 150
_NEAR = 40
"""Characters before a bracketed letter that tell what it is."""


def _bracketed_verdict(seen: str) -> bool:
    """A comparison, or one letter that is alone or is called a verdict: a wiki links many."""
    if "[[" not in seen:
        return False
    found = list(_BRACKETED.finditer(seen))
    if any(len(match[1]) > 1 for match in found):
        return True
    alone = len({match[1] for match in found}) == 1
    for match in found:
        before = seen[max(0, match.start() - _NEAR) : match.start()]
        if _TELLS_A_VERDICT.search(before) or _IS_BETTER.match(seen, match.end()):
            return True
        if alone and _COMPARES.search(
            seen[max(0, match.start() - _AROUND) : match.end() + _AROUND]
        ):
            return True
        if alone and _SAYS_ONLY_THIS.search(before) and _ENDS.match(seen, match.end()):
            return True
    return False


def _either(*kinds: Callable[[str], bool]) -> Callable[[str], bool]:
    def found(seen: str) -> bool:
        for kind in kinds:  # noqa: SIM110 (see ``_has_one``)
            if kind(seen):
                return True
        return False

    return found


_SIGNS_OF_CHARACTERS: Mapping[str, Callable[[str], bool]] = {
    "hidden_characters": hidden_characters,
    "mixed_scripts": mixed_scripts,
}
_SIGNS_OF_WORDS: Mapping[str, Callable[[str], bool]] = {
    "chat_markup": _chat_markup,
    "delimiters": _delimiters,
    "judge_instruction": _either(_judge_instruction, _score_instruction, _note_to_the_judge),
    "judge_prompt": _judge_prompt,
    "repetition": _repetition,
    "self_praise": _self_praise,
    "verdict": _either(_bracketed_verdict, _rating, _comparison, _json_verdict),
}
