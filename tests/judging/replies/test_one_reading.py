"""A reply with one reading is read, whatever is wrong with its letters; nothing is guessed."""

from __future__ import annotations

import json
import time

import pytest

from judgeforge.judging.checks import Subject, failed_checks, parse_checks
from judgeforge.judging.replies.json_object import UnreadableReplyError, one_object
from judgeforge.judging.replies.structured import read_pair, read_scores
from tests.promises.monotonous_texts import TEXTS
from tests.support.fake_asks import make_rubric

RUBRIC = make_rubric()
GOOD = '{"rationale": "Clear, short.", "scores": {"quality": 4, "safe": true}}'
MEANT = json.loads(GOOD)


@pytest.mark.parametrize(
    "text",
    [
        f"\ufeff{GOOD}",
        f"\u200b{GOOD}\u200b\n",
        f"{GOOD}<|im_end|>",
        f"{GOOD}\n<|eot_id|><|end_of_text|>\n",
        f"{GOOD}</s>",
        f"<s>{GOOD}<end_of_turn>\n",
        f"{GOOD}<\uff5cend\u2581of\u2581sentence\uff5c>",
        f"```JSON\r\n{GOOD}\r\n```",
        f"```json\r\n{GOOD}\r\n```\r\n",
        f"```Json {GOOD}```",
        f"~~~json\n{GOOD}\n~~~",
        f"````\n{GOOD}\n````<|im_end|>",
        f"\ufeff```json\n{GOOD}\n```</s>",
        GOOD.replace("}}", ",}}"),
        GOOD.replace("}}", ",\r\n } , \n}"),
        GOOD.replace(": ", ":\u00a0"),
        json.dumps(GOOD),
        f"```json\n{json.dumps(GOOD)}\n```",
    ],
)
def test_an_object_is_read_through_what_stands_around_it(text: str) -> None:
    assert one_object(text) == MEANT


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("two\r\nlines", "two\r\nlines"),
        (r"\(x^2\) and \$5", r"\(x^2\) and \$5"),
        (r"it\'s", r"it\'s"),
        (r"\u12", r"\u12"),
        ("a list, like [1,] or {a,}", "a list, like [1,] or {a,}"),
        (r"an \"end, }\" here", 'an "end, }" here'),
    ],
)
def test_a_text_within_it_keeps_every_letter(written: str, read: str) -> None:
    for close in ("}}", ",}}"):
        text = GOOD.replace("Clear, short.", written).replace("}}", close)
        assert one_object(text)["rationale"] == read


def test_a_whole_number_may_be_written_with_a_point() -> None:
    for number in ("4.0", "4.00", "4e0", "40e-1"):
        assert read_scores(GOOD.replace("4", number), RUBRIC).criteria["quality"] == 0.75


@pytest.mark.parametrize("number", ["4.5", "4.0001", "0.0", "6.0", "1e999", "-1.0", '"4.0"', "4,0"])
def test_any_other_number_is_no_level(number: str) -> None:
    with pytest.raises(UnreadableReplyError):
        read_scores(GOOD.replace("4", number), RUBRIC)


@pytest.mark.parametrize(
    "text",
    [
        f"Here you are: {GOOD}",
        f"{GOOD} I hope this helps.",
        f"{GOOD}\n{GOOD}",
        f"```json\n{GOOD}\n```\n```json\n{GOOD}\n```",
        GOOD[:-1],
        GOOD.replace("4,", "4,,"),
        GOOD.replace('"quality": 4', '"quality": 4, "quality": 2'),
        GOOD.replace('"quality": 4', '"quality": 4, "quality": 4,'),
        GOOD.replace('"safe": true', '"safe": True'),
        GOOD.replace('"', "'"),
        GOOD.replace("Clear", 'so-called "Clear"'),
        f"[{GOOD}]",
        json.dumps(json.dumps(GOOD)),
        "<|im_end|>",
        "``````",
    ],
)
def test_what_could_be_meant_in_two_ways_is_not_read(text: str) -> None:
    with pytest.raises(UnreadableReplyError):
        read_scores(text, RUBRIC)


def test_comparisons_are_read_alike() -> None:
    text = '```JSON\r\n{"rationale": "A is\nshorter", "better": "A", "strength": "clear",}\r\n```'
    assert read_pair(text).lean == pytest.approx(2 / 3)


def test_the_check_for_json_takes_the_same_fences() -> None:
    for text in ("```json\r\n{}\r\n```", "```JSON\n{}\n```", "~~~\n[]\n~~~"):
        assert not failed_checks(parse_checks({"json": True}), Subject(text))
    assert failed_checks(parse_checks({"json": True}), Subject('{"a": 1,}'))


@pytest.mark.texts
def test_a_long_text_of_one_thing_is_refused_within_seconds() -> None:
    slow = ['"\\' * 300_000, "{}" + "</s>" * 250_000, ", " * 500_000, '{"a": "' + "\\'" * 500_000]
    for text in [*TEXTS.values(), *slow, "`" * 1_000_000]:
        begun = time.process_time()
        with pytest.raises(UnreadableReplyError):
            read_scores(text, RUBRIC)
        assert time.process_time() - begun < 15
