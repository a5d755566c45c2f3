"""Signs that a completion was written for its judge instead of its reader. Pure.

A sign is no proof, and a text without one may still fool a judge (docs/attacks.md). What the prompt
holds itself is no sign: who asks for a judge's prompt gets one.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Mapping

from judgeforge.text.visible import hidden_characters, mixed_scripts, visible_text

_LEAST_REPETITIVE = 500
"""Characters; shorter texts repeat too little to say anything."""
_COMPRESSED_SHARE = 0.1
"""Prose of that length is compressed to 0.4 of its size, tables and lists to 0.2."""


def suspicions(text: str, asked: Iterable[str] = ()) -> tuple[str, ...]:
    """The signs in a completion's text, sorted; ``asked`` are the texts of its prompt."""
    signs = _signs(text)
    if not signs:
        return ()
    known = {sign for one in asked for sign in _signs(one)}
    return tuple(sorted(signs - known))


def _signs(text: str) -> set[str]:
    signs = {name for name, found in _SIGNS_OF_CHARACTERS.items() if found(text)}
    seen = visible_text(text).lower()
    return signs | {name for name, found in _SIGNS_OF_WORDS.items() if found(seen)}


def _wording(cues: Iterable[str], *patterns: str) -> Callable[[str], bool]:
    """Whether all ``patterns`` are found; ``cues``, one of which any match holds, save time."""
    known, compiled = tuple(cues), [re.compile(pattern) for pattern in patterns]
    return lambda seen: (
        any(cue in seen for cue in known) and all(pattern.search(seen) for pattern in compiled)
    )


_TAG = re.compile(
    r"<(/?)(answer|conversation|reference|completion|response|assistant|user|system)"
    r"(-[0-9a-f]{4,})?\s*>"
)


def _delimiters(text: str) -> bool:
    """A tag with a code like those of judge prompts, or one closed that was never opened."""
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
    r"<\|(?:im_start|im_end|im_sep|endoftext|eot_id|start_header_id|end_header_id|begin_of_text"
    r"|system|user|assistant|end)\|>"
    r"|\[/?inst\]|<</?sys>>|<(?:start|end)_of_turn>",
)
_judge_prompt = _wording(
    ("judge", "evaluator", "grader", "rater"),
    r"\b(?:you are|act as|as) an? [^.\n]{0,40}\b(?:judge|evaluator|grader|rater)\b",
    r"\b(?:evaluat|judg|rat|compar|grad|scor)\w* [^.\n]{0,80}"
    r"\b(?:response|answer|output|completion|assistant)",
)
_judge_instruction = _wording(
    ("ignore", "disregard", "forget", "override"),
    r"\b(?:ignore|disregard|forget|override) (?:\w+ ){0,4}(?:instructions?|rubrics?|criteria)\b",
)
_score_instruction = _wording(
    ("score", "mark", "rating", "grade"),
    r"\b(?:give|award|assign|output|return|grant) [^.\n]{0,60}"
    r"\b(?:full|maximum|highest|top|perfect|best) (?:possible )?(?:score|mark|rating|grade)s?\b",
)
_note_to_the_judge = _wording(
    ("judge", "grader", "evaluator"),
    r"\b(?:note|message|instructions?) (?:to|for) (?:the )?(?:\w+ )?(?:judge|grader|evaluator)s?\b",
)
_self_praise = _wording(
    ("answer", "response", "output", "completion", "reply"),
    r"\b(?:this|the above|my) (?:answer|response|output|completion|reply) "
    r"(?:is|deserves|earns|merits|should (?:get|receive|win))\b[^.\n]{0,40}"
    r"\b(?:best|perfect|highest|superior|full|10|win)\b",
)
_bracketed_verdict = _wording(("[[",), r"\[\[\s*(?:[abc]|[ab][<>=]{1,2}[ab])\s*\]\](?!\s*[=\[(])")
_rating = _wording(("rating",), r"\brating\W{0,12}\[\[?\s*\d{1,2}\s*\]")
_comparison = _wording(
    ("better",),
    r"\b(?:output|response|answer|assistant|model)\s\(?[ab12]\)?\sis\s(?:\w+\s){0,2}better\b",
)
_json_verdict = _wording(
    ('"score', "ordered_models"),
    r"\"(?:rationale|strengths|concise_explanation)\"\s*:",
    r"\"(?:scores?|ordered_models)\"\s*:",
)


def _either(*found: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda seen: any(one(seen) for one in found)


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
