"""Every check takes time that grows with the text only, and no text ends in an exception."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgeforge.config.run import PromptsConfig
from judgeforge.errors import ConfigError
from judgeforge.inputs.reading import read_prompts
from judgeforge.inputs.row_checks import RowChecks
from judgeforge.judging.checks import (
    CHECKS,
    Subject,
    UndecidedCheckError,
    check_results,
    parse_checks,
    tasks_of,
)
from judgeforge.judging.checks import failed_checks as failed
from judgeforge.judging.checks.programs import Verdict
from judgeforge.judging.panel import Panel
from judgeforge.judging.rubric import load_rubric
from judgeforge.records import Skip
from judgeforge.text.messages import ToolCall
from tests.promises.monotonous_texts import TEXTS
from tests.support.fake_asks import FakeAsks, make_completion, make_prompt, make_rubric, says

BOUND_S = 15.0
"""Of processor time: ten times what 1 MiB takes; what is not linear takes minutes."""
ARGUMENTS: dict[str, Any] = {
    "contains": ["zebra", "aaaab"],
    "contains_any": "zebra",
    "not_contains": "zebra",
    "contains_word": ["a", "1", "zebra", "a" * 5000 + "b", "!" * 5000, "[["],
    "not_contains_word": ["a" * 5000, "aaaab", "[["],
    "starts_with": "x",
    "ends_with": "x",
    "regex": r"(a|b)+c",
    "not_regex": r"[.!]+x",
    "json": True,
    "json_keys": ["a", "b"],
    "json_schema": {"type": ["array", "object"], "items": {"type": "integer", "maximum": 5}},
    "language": "en",
    "calls_tool": ["look", "look again"],
    "tool_arguments": {"type": "object", "properties": {"query": {"type": "string"}}},
    "no_tool_call": True,
    "tool_calls": [{"name": "look", "arguments": {"query": "a"}}, {"name": "look again"}],
    "equals_reference": True,
    "contains_reference": True,
    "math_equals": "reference",
    "python_tests": "tests",
    "function": "module:name",
}
ROW: dict[str, Any] = {"tests": ["assert f()"]}


def decide(check: dict[str, Any], text: str, reference: str | None = "a reference") -> None:
    calls = (
        ToolCall(id="1", name="look", arguments=json.dumps({"query": text})),
        ToolCall(id="2", name=text, arguments=text),
    )
    checks, subject = parse_checks(check), Subject(text, reference, calls, ROW)
    verdicts = dict.fromkeys(tasks_of(checks, subject), Verdict(1.0))
    try:
        check_results(checks, subject, verdicts)
    except UndecidedCheckError:
        return


SAME_THE_OTHER_WAY_ROUND = {"not_contains", "not_contains_word", "not_regex"} | {
    name for name in CHECKS if name.startswith("min_")
}


@pytest.mark.texts
@pytest.mark.parametrize("name", sorted(CHECKS.keys() - SAME_THE_OTHER_WAY_ROUND))
@pytest.mark.slow
def test_a_check_decides_a_long_text_that_repeats_one_thing_within_seconds(name: str) -> None:
    check = {name: ARGUMENTS.get(name, 3)}
    for what, text in TEXTS.items():
        begun = time.process_time()
        decide(check, text)
        assert time.process_time() - begun < BOUND_S, f"{name} on {what}"


def test_a_word_that_nearly_repeats_the_text_is_looked_for_in_one_go() -> None:
    for word, text in (("a" * 300_000 + "b", "a" * 600_000), ("!a" * 150_000, "a!" * 300_000)):
        begun = time.process_time()
        decide({"contains_word": word}, text)
        assert time.process_time() - begun < BOUND_S


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"type": "integer"}, "9" * 401),
        ({"type": "integer"}, "-" + "9" * 4000),
        ({"type": "integer"}, "9" * 5000),
        ({"type": "integer"}, "1e999999"),
        ({"type": "number", "maximum": 5}, "1e999999"),
        ({"type": "number", "minimum": 0.5}, "9" * 401),
        ({"maximum": 10**400}, "0.5"),
        ({"enum": [0.5, 10**400]}, "9" * 401),
        ({"type": "number"}, "NaN"),
        ({"type": "number"}, "-Infinity"),
        ({"type": "array"}, "[" * 900 + "]" * 900),
        ({"type": "array"}, "[" * 100_000),
        ({"type": "object"}, '{"a":' * 980 + "1" + "}" * 980),
        ({"minItems": 10**30}, "[]"),
    ],
)
def test_a_text_that_is_too_much_for_a_schema_is_no_exception(
    schema: dict[str, Any], text: str
) -> None:
    decide({"json_schema": schema}, text)


def test_a_number_of_hundreds_of_digits_is_whole() -> None:
    assert failed(parse_checks({"json_schema": {"type": "integer"}}), Subject("9" * 401)) == []


def test_choices_are_equal_as_json_values() -> None:
    checks = parse_checks({"json_schema": {"enum": [1, "1", False, None]}})
    for text, allowed in {
        "1": True, "1.0": True, '"1"': True, "true": False, "0": False, "false": True,
        "null": True, "[1]": False, "{}": False,
    }.items():  # fmt: skip
        assert (failed(checks, Subject(text)) == []) is allowed, text


def test_many_choices_for_many_items_are_looked_up_in_one_go() -> None:
    schema = {"items": {"enum": [f"choice {n}" for n in range(20_000)]}}
    begun = time.process_time()
    decide({"json_schema": schema}, json.dumps(["choice 19999"] * 50_000))
    assert time.process_time() - begun < BOUND_S


_numbers = st.sampled_from(["0", "1", "-1", "1.0", "1e400", "-0.0", "9" * 401, "1e-9", "NaN"])
_json_texts = st.recursive(
    _numbers | st.sampled_from(["true", "null", '"a"', '"\\ud800"', "", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda parts: f"[{','.join(parts)}]")
        | st.dictionaries(st.sampled_from("abc"), inner, max_size=3).map(
            lambda parts: "{" + ",".join(f'"{k}":{v}' for k, v in parts.items()) + "}"
        )
    ),
    max_leaves=8,
)
_scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
_schemas = st.recursive(
    st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["integer", "number", "string", "boolean", "null", "x"]),
            "enum": st.lists(_scalars, max_size=3),
            "minimum": _scalars,
            "maximum": _scalars,
            "minItems": st.integers(-1, 3),
            "required": st.lists(st.sampled_from("abc"), max_size=2),
        },
    ),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["array", "object", ["array", "object"]]),
            "items": inner,
            "properties": st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
            "additionalProperties": st.booleans(),
        },
    ),
    max_leaves=5,
)


@settings(max_examples=200, deadline=None)
@given(_schemas, _json_texts)
def test_any_schema_decides_any_text_or_is_refused_when_it_is_read(
    schema: dict[str, Any], text: str
) -> None:
    try:
        checks = parse_checks({"json_schema": schema})
    except ValueError:
        return
    assert failed(checks, Subject(text)) in ([], list(checks))


def test_calls_go_on_while_a_text_is_checked() -> None:
    criterion = {"name": "slow", "check": {"regex": r"(?:(?:x+x+)+y|(?:x+)+z)+$"}}
    panel = Panel([], make_rubric(criteria=[criterion]), FakeAsks(lambda _: says("")))
    completions = [make_completion("x" * 5000, place) for place in range(3)]

    async def turns_of_the_loop() -> int:
        checking = asyncio.ensure_future(panel.check(make_prompt(), completions))
        turns = 0
        while not checking.done():
            await asyncio.sleep(0.01)
            turns += 1
        assert [judgment.score for judgment in checking.result()] == [None] * 3
        return turns

    assert asyncio.run(turns_of_the_loop()) > 10


TOO_LARGE = {
    "nested repeats": "((((a{100}){100}){100}){100})",
    "one long repeat": "a{1000000000}",
    "a repeat of thousands of digits": "a{" + "9" * 900 + "}",
    "repeats after one another": "(?:(?:a{10}){10}){10}{10}{10}",
    "a repeat of an alternation": "(?:a{1000}|b){1000}",
    "a lazy repeat": "(a{500}){1000}?",
    "a repeat looked for behind": "(?<=a{100000})b",
    "a repeat of ignored case": "(?i:a{1000}){1000}",
    "a bracket in a set": "(?:a{1000}[(]b){1000}",
    "a bracket in a set of a set": "(?V1)(?:a{1000}[[a]--(]b){1000}",
    "an escaped bracket": r"(?:a{1000}\(b){1000}",
    "a bracket in a comment": "(?:a{1000}(?#()b){1000}",
    "blanks in a count": "(?x)a{1 000 000}",
    "a comment in a count": "(?x)a{1#\n000000}",
    "deep groups": "(" * 400 + "a" + ")" * 400,
    "deep groups that capture nothing": "(?:" * 300 + "a" + ")" * 300,
    "what is no pattern": "(a",
}
SOUND = (
    r"^\d{4}-\d{2}-\d{2}$",
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    r"^(\w+\s){5,50}$",
    r"[()]{2}\w{3,}",
    r"^(?:.{0,80}\n){3,}",
    r"^#{1,6} \w+",
    r"\p{Lu}{2}",
    r"{% raw %}|\{\{.*?\}\}",
    "(?x) a{2} # twice\n b",
)


@pytest.mark.parametrize("source", TOO_LARGE.values(), ids=TOO_LARGE.keys())
def test_a_pattern_that_would_take_gigabytes_is_refused_at_once(source: str) -> None:
    begun = time.process_time()
    with pytest.raises(
        ValueError, match=r"check `regex`: (repeats too much|is n|must be a pattern of at most)"
    ):
        parse_checks({"regex": source})
    assert time.process_time() - begun < BOUND_S


def test_such_a_pattern_of_a_row_is_a_named_skip_and_of_a_rubric_a_mistake(tmp_path: Path) -> None:
    source = TOO_LARGE["nested repeats"]
    row = {"prompt": "a", "metadata": {"checks": {"regex": source}}}
    (tmp_path / "p.jsonl").write_text(json.dumps(row))
    checks = RowChecks(metadata_checks=("checks",), read_checks=parse_checks)
    (skip,) = read_prompts(PromptsConfig(path=tmp_path / "p.jsonl"), checks)
    assert isinstance(skip, Skip)
    assert skip.reason == "invalid_row"
    assert "`metadata.checks`: check `regex`: repeats too much" in skip.detail
    criterion = {"name": "a", "check": {"regex": source}}
    rubric = {"name": "r", "version": 1, "criteria": [criterion]}
    (tmp_path / "r.yaml").write_text(json.dumps(rubric))
    with pytest.raises(ConfigError, match="check `regex`: repeats too much"):
        load_rubric("r.yaml", folder=tmp_path)


@pytest.mark.parametrize("source", SOUND)
def test_an_ordinary_pattern_with_counts_is_read(source: str) -> None:
    assert len(parse_checks({"regex": source})) == 1


@pytest.mark.parametrize(
    "source",
    ["(a+)+$", "(a|aa)+$", "(?:abcdefghij){e<=5}", "(?R)?a", r"(.)(.)(.)\1{900}b", "(?=(a+))\\1*b"],
)
def test_a_pattern_that_never_ends_leaves_the_check_undecided(source: str) -> None:
    begun = time.process_time()
    decide({"regex": source}, "a" * (1 << 20))
    assert time.process_time() - begun < BOUND_S


@pytest.mark.parametrize("name", CHECKS)
def test_what_a_check_cannot_take_is_told_in_a_short_message(name: str) -> None:
    none_expected = [] if name == "tool_calls" else [[]]
    for argument in ([[]], *none_expected, None):
        with pytest.raises(ValueError, match=r"^.{10,600}$"):
            parse_checks({name: argument})
