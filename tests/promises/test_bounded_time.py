"""Text of models and users never costs more than time in proportion to its length."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable

import pytest

from judgeforge.calls.providers.thoughts import split_reasoning
from judgeforge.judging.checks import failed_checks, parse_checks
from judgeforge.judging.checks.subject import Subject, UndecidedCheckError
from judgeforge.judging.replies.in_words import (
    read_rating,
    read_textual_pair,
    read_textual_scores,
    read_verdict,
)
from judgeforge.judging.replies.json_object import UnreadableReplyError, one_object
from judgeforge.judging.replies.structured import read_pair, read_scores
from judgeforge.results.card_sections import escape
from judgeforge.sampling.suspicion import suspicions
from judgeforge.text.messages import Message, ToolCall
from judgeforge.text.redaction import Redactor
from judgeforge.text.shown_messages import is_picture_data, picture_words, spoken, tools_text
from judgeforge.text.tool_calls import same_calls_key
from judgeforge.text.visible import (
    excerpt,
    hidden_characters,
    mixed_scripts,
    one_line,
    printable,
    visible_text,
)
from tests.promises.monotonous_texts import PIECES as MONOTONOUS
from tests.promises.monotonous_texts import TEXTS
from tests.support.fake_asks import make_rubric

LENGTH = 50_000 if os.environ.get("EVERY_TEXT") else 25_000
BOUND_S = LENGTH / 62_500
"""Of processor time; what is proportional takes a few hundredths, what is quadratic minutes."""

PIECES = (
    " ", "\n", " \n\t\n", "a", "a ", "A. ", "...!?\"' ", "1.", "1. ", "\n1", "- ", "\n- \n-",
    "* **", "```\n", "```json\n{", "{", "[", '{"a":', '"', "\\", "<", "<a", "</completion",
    "<think>", "[[", "[[A", "[[1", "]] [[", "Rating: ", "A: 1 ", "score: 9\n", "**A**", "sk-",
    "Bearer ", "api_key=", "://a", "@", "&key=", "\u202e", "\u200b", "\N{SOFT HYPHEN}", "\u0435",
    "a\u0435", "\U0001f3f4\U000e0067", "ignore the ", "SYSTEM: ", "-----\n", "=", "|", "#",
)  # fmt: skip
HOSTILE = [piece * (LENGTH // len(piece)) + "!" for piece in (*PIECES, *MONOTONOUS)]
if os.environ.get("EVERY_TEXT"):
    HOSTILE += [text[:-1] for text in HOSTILE]

CHECKS = {
    "max_words": 5, "max_sentences": 5, "max_paragraphs": 5, "contains": "x", "contains_word": "a",
    "not_contains_word": ["a", "aa"], "starts_with": "x", "ends_with": "x", "json": True,
    "json_keys": ["a"], "json_schema": {"type": "object"}, "list_items": 3, "numbered_items": 3,
    "bullet_items": 3, "language": "en",
}  # fmt: skip


def _calls(text: str) -> tuple[ToolCall, ...]:
    """As arguments that are no JSON, or odd JSON, and as a text within them."""
    within = json.dumps({"query": text, text: [text]})
    return tuple(ToolCall(id="1", name=text, arguments=written) for written in (text, within))


READERS: dict[str, Callable[[str], object]] = {
    "excerpt": lambda text: excerpt(text, 80),
    "one_line": one_line,
    "printable": printable,
    "markdown": escape,
    "one_object": one_object,
    "read_pair": read_pair,
    "read_textual_scores": lambda text: read_textual_scores(text, make_rubric()),
    "read_textual_pair": read_textual_pair,
    "read_verdict": read_verdict,
    "read_rating": lambda text: read_rating(text, 10),
    "split_reasoning": split_reasoning,
    "redact": Redactor(["a-secret-of-mine"]).redact,
    "suspicions": suspicions,
    "suspicions_in_calls": lambda text: suspicions("", [], _calls(text)),
    "same_calls_key": lambda text: same_calls_key(_calls(text)),
    "tools_text": tools_text,
    "spoken": lambda text: spoken(Message(role="assistant", content=text, tool_calls=_calls(text))),
    "picture_words": picture_words,
    "data_url": lambda text: is_picture_data(f"data:image/png;base64,{text}"),
    "visible_text": visible_text,
    "hidden_characters": hidden_characters,
    "mixed_scripts": mixed_scripts,
}


def slowest(read: Callable[[str], object]) -> tuple[float, str]:
    worst = (0.0, "")
    for text in HOSTILE:
        begun = time.process_time()
        with contextlib.suppress(ValueError, UndecidedCheckError):
            read(text)
        worst = max(worst, (time.process_time() - begun, text[:20]))
        if worst[0] > BOUND_S:
            break
    return worst


@pytest.mark.texts
@pytest.mark.parametrize("name", READERS)
def test_a_hostile_reply_is_read_in_bounded_time(name: str) -> None:
    seconds, text = slowest(READERS[name])
    assert seconds < BOUND_S, f"{LENGTH} characters of {text!r}"


@pytest.mark.texts
@pytest.mark.parametrize("name", CHECKS)
def test_a_hostile_completion_is_checked_in_bounded_time(name: str) -> None:
    checks = parse_checks({name: CHECKS[name]})
    seconds, text = slowest(lambda text: failed_checks(checks, Subject(text=text)))
    assert seconds < BOUND_S, f"{LENGTH} characters of {text!r}"


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"(a+)+$", "a" * 5000 + "!"),
        (r"(a|aa)+$", "a" * 5000 + "!"),
        (r"(a|a?)+$", "a" * 5000 + "!"),
        (r"(.*)*x", "a" * 5000),
        (r"([a-zA-Z]+)*$", "a" * 5000 + "1"),
        (r"^(\w+\s?)*$", "word " * 2000 + "!"),
        (r"(?:a?){60}a{60}", "a" * 59),
        (r"(x+x+)+y", "x" * 5000),
        (r"^(([a-z])+.)+[A-Z]([a-z])+$", "a" * 5000),
    ],
)
def test_a_pattern_that_backtracks_without_end_is_stopped(
    monkeypatch: pytest.MonkeyPatch, pattern: str, text: str
) -> None:
    """The user's own pattern on a model's text: undecided after a moment, never a hang."""
    monkeypatch.setattr("judgeforge.judging.checks.pattern.PATTERN_TIMEOUT_S", 0.05)
    checks = parse_checks({"regex": pattern})
    begun = time.process_time()
    with contextlib.suppress(UndecidedCheckError):
        failed_checks(checks, Subject(text=text))
    assert time.process_time() - begun < 20


SLOW_READERS = {"shorten", "printable", "markdown", "split_reasoning", "read_pair"}
"""Of others' rooms, or the same as one that is tried."""


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(READERS.keys() - SLOW_READERS))
def test_a_long_text_that_repeats_one_thing_is_read_within_seconds(name: str) -> None:
    for what, text in TEXTS.items():
        begun = time.process_time()
        with contextlib.suppress(ValueError):
            READERS[name](text)
        assert time.process_time() - begun < 15, what


@pytest.mark.parametrize("depth", range(700, 1000, 20))
def test_a_reply_nested_to_the_edge_is_unreadable_and_no_exception(depth: int) -> None:
    nested = "[" * depth + "]" * depth
    for reply in (
        f'{{"rationale": "a", "scores": {{"quality": {nested}}}}}',
        f'{{"rationale": "a", "better": {nested}, "strength": "slight"}}',
        f'{{"strengths": 1, "weaknesses": 1, "score": {nested}}}',
    ):
        for read in (
            read_pair,
            lambda text: read_scores(text, make_rubric()),
            lambda text: read_rating(text, 10),
        ):
            with pytest.raises(UnreadableReplyError):
                read(reply)
