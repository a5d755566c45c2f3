"""A reply with one reading is read, whatever is wrong with its letters; nothing is guessed."""

from __future__ import annotations

import json
import time

import pytest

from judgeforge.judging.checks import Subject, failed_checks, parse_checks
from judgeforge.judging.replies.json_object import UnreadableReplyError, one_object
from judgeforge.judging.replies.structured import read_list, read_pair, read_scores
from tests.promises.monotonous_texts import LENGTH, TEXTS, repeated
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
        f"```json\n{GOOD}",
        f"{GOOD}\n```",
        f"json\n{GOOD}",
        f"`{GOOD}`",
        f"<answer>\n{GOOD}\n</answer>",
        f"<json>```json\n{GOOD}\n```</json>",
        f"[{GOOD}]",
        GOOD.replace('"', '\\"'),
        GOOD.replace("true", "True"),
        GOOD.replace("4,", "4, // one gap\n"),
        GOOD.replace("4,", "4 /* one, two */ ,"),
        GOOD.replace(": ", "\uff1a").replace(", ", "\uff0c").replace("Clear\uff0c", "Clear, "),
        GOOD.replace("4", "\uff14"),
        GOOD.replace("4", "\u0664"),
        GOOD.replace(": ", ":\u3000"),
        GOOD.replace(": ", ":\u2028\u200e"),
        GOOD.replace("quality", "quality "),
        GOOD.replace('"', "'"),
        str(MEANT),
        repr(GOOD),
        GOOD.replace(' "', " \u201c").replace('{"', "{\u201c").replace('"', "\u201d"),
        GOOD.replace('"', "\u201d"),
        '{rationale: "Clear, short.", scores: {quality: 4, safe : true}}',
        GOOD.replace("4,", '4, # it\'s "one" gap\n'),
        f"{GOOD}}}",
        f"{GOOD}\n}}\n}}</tool_call>",
        f"```json5\n{GOOD}\n```",
        f"```json5\n{GOOD}",
        f"JSON: {GOOD}",
        f"**JSON:**\n{GOOD}",
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
        ("it's 'one' # of {two: 2}", "it's 'one' # of {two: 2}"),
        ("\u201cgood\u201d", "\u201cgood\u201d"),
    ],
)
def test_a_text_within_it_keeps_every_letter(written: str, read: str) -> None:
    for close in ("}}", ",}}"):
        text = GOOD.replace("Clear, short.", written).replace("}}", close)
        assert one_object(text)["rationale"] == read


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (str({**MEANT, "rationale": 'It\'s "short".'}), 'It\'s "short".'),
        (GOOD.replace('"', "'").replace("Clear", r"It\'s"), "It's, short."),
        (GOOD.replace('"', "'").replace("Clear", r'\u00e9 \"so" \d'), r'\u00e9 "so" \d, short.'),
        (GOOD.replace('"', "\u201d").replace("Clear", 'A "B"'), 'A "B", short.'),
    ],
)
def test_a_text_between_other_quotation_marks_keeps_every_letter(text: str, read: str) -> None:
    assert one_object(text)["rationale"] == read.replace(r"\u00e9", "\u00e9")


def test_a_whole_number_may_be_written_with_a_point() -> None:
    for number in ("4.0", "4.00", "4e0", "40e-1"):
        assert read_scores(GOOD.replace("4", number), RUBRIC).criteria["quality"] == 0.75


@pytest.mark.parametrize(
    "text",
    [
        f'{{"name": "judgment", "arguments": {GOOD}}}',
        f'{{"name": "judgment", "arguments": {json.dumps(GOOD)}}}',
        f'{{"type": "function", "function": {{"name": "judgment", "parameters": {GOOD}}}}}',
        f'{{"judgment": {GOOD}}}',
        f'{{"type": "object", "properties": {GOOD}}}',
        f'[{{"name": "judgment", "arguments": {GOOD}}}]',
        f'<tool_call>\n{{"name": "judgment", "arguments": {GOOD}}}\n</tool_call>',
        f'<tool_call>{{"name": "judgment", "arguments": {GOOD}}}',
        f'<|python_tag|>{{"name": "judgment", "parameters": {GOOD}}}<|eom_id|>',
        f'[TOOL_CALLS] [{{"name": "judgment", "arguments": {GOOD}}}]</s>',
        f"[TOOL_CALLS]judgment[ARGS]{GOOD}",
        f"[TOOL_CALLS]judgment{GOOD}",
        f"<function=judgment>{GOOD}</function>",
        "<|tool_calls_section_begin|><|tool_call_begin|>functions.judgment:0"
        f"<|tool_call_argument_begin|>{GOOD}<|tool_call_end|><|tool_calls_section_end|>",
        "<\uff5ctool\u2581calls\u2581begin\uff5c><\uff5ctool\u2581call\u2581begin\uff5c>function"
        f"<\uff5ctool\u2581sep\uff5c>judgment\n```json\n{GOOD}\n```<\uff5ctool\u2581call\u2581end\uff5c>",
    ],
)
def test_the_arguments_of_a_call_that_no_server_read_as_one_are_the_reply(text: str) -> None:
    assert read_scores(text, RUBRIC).criteria == {"quality": 0.75, "safe": 1.0}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ('"quality": 4', f'"quality": "{level}"')
        for level in ("4", " 4.0 ", "4/5", "4 / 5", "4 out of 5")
    ]
    + [('"safe": true', f'"safe": "{word}"') for word in ("true", "True", "yes", "Yes ")],
)
def test_a_value_between_quotation_marks_is_the_value(written: str, meant: str) -> None:
    read = read_scores(GOOD.replace(written, meant), RUBRIC)
    assert read.criteria == {"quality": 0.75, "safe": 1.0}


def test_names_in_other_case_or_with_other_signs_are_the_names() -> None:
    for names in ("Rationale SCORES Quality Safe", "rationale_ **scores** Quality: [safe]"):
        rationale, scores, quality, safe = names.split()
        text = f'{{"{rationale}": "", "{scores}": {{"{quality}": 4, "{safe}": true}}}}'
        assert read_scores(text, RUBRIC).criteria == {"quality": 0.75, "safe": 1.0}
    answers = '{"rationale": "", "Answer 1": {"quality": 1, "safe": true}, "answer2": '
    read = read_list(answers + '{"quality": 5, "safe": false}}', RUBRIC, 2)
    assert [one["quality"] for one in read.criteria] == [0.0, 1.0]


def test_scores_may_be_a_text_of_json() -> None:
    text = json.dumps({**MEANT, "scores": json.dumps(MEANT["scores"])})
    assert read_scores(text, RUBRIC).criteria == {"quality": 0.75, "safe": 1.0}


@pytest.mark.parametrize(
    ("better", "lean"),
    [(f"{word}A", 2 / 3) for word in ("Answer ", "answer_", "Response ", "Completion ", "Option ")]
    + [(side, -2 / 3) for side in ("(B)", "B.", "**B**", "`b`", "(Answer B).")]
    + [("Tie.", 0.0)],
)
def test_a_choice_may_be_named_in_full_or_marked(better: str, lean: float) -> None:
    text = json.dumps({"rationale": "", "better": better, "strength": "clear"})
    assert read_pair(text).lean == pytest.approx(lean)


@pytest.mark.parametrize("strength", [None, "", "none", "n/a", 0])
def test_a_tie_needs_no_strength(strength: object) -> None:
    said = {"rationale": "", "better": "tie", "strength": strength}
    assert read_pair(json.dumps(said)).lean == 0
    with pytest.raises(UnreadableReplyError, match="`strength`"):
        read_pair(json.dumps({**said, "better": "A"}))


@pytest.mark.parametrize(
    "better", ["A or B", "not A", "AB", "Answer", "both", "1", "C", "answer A, not B", " " * 50]
)
def test_any_other_choice_is_none(better: str) -> None:
    with pytest.raises(UnreadableReplyError, match="`better`"):
        read_pair(json.dumps({"rationale": "", "better": better, "strength": "clear"}))


def test_names_with_a_backslash_of_markdown_are_the_names() -> None:
    answers = r'{"rationale": "", "answer\_1": {"quality": 1, "safe": true}, "answer\_2": '
    read = read_list(answers + '{"quality": 5, "safe": false}}', RUBRIC, 2)
    assert [one["quality"] for one in read.criteria] == [0.0, 1.0]


@pytest.mark.parametrize(
    "number",
    [
        "4.5",
        "4.0001",
        "0.0",
        "6.0",
        "1e999",
        "-1.0",
        '"4.5"',
        '"9"',
        "4,0",
        '"4/10"',
        '"4/5/5"',
        '"9/5"',
        '"4/"',
    ],
)
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
        GOOD.replace('"safe": true', '"safe": TRUE'),
        GOOD.replace('"', "'").replace("Clear", "It's"),
        GOOD.replace('"', "\u201d").replace("Clear", "\u201cClear\u201d"),
        GOOD.replace('"', "'")[:-3],
        f"{GOOD}}} {GOOD}",
        f"{GOOD}]",
        GOOD.replace('"quality": 4', '"quality": 4, "Quality": 2'),
        GOOD.replace('"quality": 4', '"Quality": 4, "QUALITY": 4'),
        "{'rationale': 'a' 'b', 'scores': {'quality': 4, 'safe': True}}",
        GOOD.replace("Clear", 'so-called "Clear"'),
        f"[{GOOD}, {GOOD}]",
        f'{{"first": {GOOD}, "second": {GOOD}}}',
        f'{{"rationale": "", "judgment": {GOOD}}}',
        f'{{"a": {{"b": {{"c": {{"d": {GOOD}}}}}}}}}',
        GOOD.replace("4,", "4, // or 5 */ \n 5,"),
        f"<tool_call>{GOOD}</tool_call><tool_call>{GOOD}</tool_call>",
        f"<answer>{GOOD}</answer> <answer>{GOOD}</answer>",
        json.dumps(json.dumps(GOOD)),
        "<|im_end|>",
        "``````",
    ],
)
def test_what_could_be_meant_in_two_ways_is_not_read(text: str) -> None:
    with pytest.raises(UnreadableReplyError):
        read_scores(text, RUBRIC)


def test_comparisons_are_read_alike() -> None:
    text = '```JSON\r\n{"rationale": "A is\nshorter", "better": "a ", "strength": "Clear",}\r\n```'
    assert read_pair(text).lean == pytest.approx(2 / 3)


def test_the_check_for_json_takes_the_same_fences() -> None:
    for text in ("```json\r\n{}\r\n```", "```JSON\n{}\n```", "~~~\n[]\n~~~"):
        assert not failed_checks(parse_checks({"json": True}), Subject(text))
    assert failed_checks(parse_checks({"json": True}), Subject('{"a": 1,}'))


@pytest.mark.texts
def test_a_long_text_of_one_thing_is_refused_within_seconds() -> None:
    more = (("", '"\\'), ("{}", "</s>"), ("", ", "), ('{"a": "', "\\'"), ("", "`"), ("{", "/* * "))
    for text in [*TEXTS.values(), *(start + repeated(piece) for start, piece in more)]:
        begun = time.process_time()
        with pytest.raises(UnreadableReplyError):
            read_scores(text, RUBRIC)
        assert time.process_time() - begun < 15 * LENGTH / 2**20
