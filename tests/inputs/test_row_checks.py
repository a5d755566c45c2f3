"""Each row becomes a prompt or exactly one skip that names the reason, the file and the line."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from judgeforge.config.run import Fields
from judgeforge.inputs.row_checks import RowChecks, check_row
from judgeforge.inputs.rows import RawRow, RowProblemError
from judgeforge.judging.checks import parse_checks
from judgeforge.records import Prompt, SkipReason
from tests.support.prompt_files import jsonl, prompt, read, skip, texts

USER, ASSISTANT = {"role": "user", "content": "u"}, {"role": "assistant", "content": "a"}
SYSTEM = {"role": "system", "content": "s"}


def asks(*messages: object) -> dict[str, object]:
    return {"prompt": list(messages)}


def with_prompt(**columns: object) -> dict[str, object]:
    return {"prompt": "why?", **columns}


BAD_ROWS: list[tuple[object, SkipReason]] = [
    ("{not json", SkipReason.INVALID_ROW),
    ('{"prompt": "a"} trailing', SkipReason.INVALID_ROW),
    ('{"prompt": NaN}', SkipReason.INVALID_ROW),
    ("[" * 100_000, SkipReason.INVALID_ROW),
    ('{"prompt": "a", "metadata": ' + '{"a":' * 5000 + "1" + "}" * 5001, SkipReason.INVALID_ROW),
    ('{"prompt": "a", "id": ' + "9" * 5000 + "}", SkipReason.INVALID_ROW),
    (["prompt"], SkipReason.INVALID_ROW),
    ("3", SkipReason.INVALID_ROW),
    ("null", SkipReason.INVALID_ROW),
    ({}, SkipReason.INVALID_ROW),
    ({"question": "why?"}, SkipReason.INVALID_ROW),
    ({"\ud800": "why?"}, SkipReason.INVALID_ROW),
    ({"prompt": None}, SkipReason.EMPTY_PROMPT),
    ({"prompt": 3}, SkipReason.INVALID_ROW),
    ({"prompt": {"role": "user"}}, SkipReason.INVALID_ROW),
    (asks("why?"), SkipReason.INVALID_ROW),
    (asks({"role": "user"}), SkipReason.INVALID_ROW),
    (asks({"role": "user", "content": ["part"]}), SkipReason.INVALID_ROW),
    ({"prompt": ""}, SkipReason.EMPTY_PROMPT),
    ({"prompt": " \n\t"}, SkipReason.EMPTY_PROMPT),
    ({"prompt": []}, SkipReason.EMPTY_PROMPT),
    (asks({"role": "user", "content": " "}), SkipReason.EMPTY_PROMPT),
    (asks(USER, USER), SkipReason.WRONG_ROLES),
    (asks(USER, ASSISTANT), SkipReason.WRONG_ROLES),
    (asks(ASSISTANT, USER), SkipReason.WRONG_ROLES),
    (asks(USER, ASSISTANT, ASSISTANT, USER), SkipReason.WRONG_ROLES),
    (asks(USER, SYSTEM), SkipReason.WRONG_ROLES),
    (asks(SYSTEM, SYSTEM, USER), SkipReason.WRONG_ROLES),
    (asks(SYSTEM), SkipReason.WRONG_ROLES),
    (asks(SYSTEM, ASSISTANT, USER), SkipReason.WRONG_ROLES),
    (asks({"role": "tool", "content": "x"}), SkipReason.WRONG_ROLES),
    (asks({"role": ["user"], "content": "x"}), SkipReason.WRONG_ROLES),
    (asks({"role": "\ud800", "content": "x"}), SkipReason.WRONG_ROLES),
    (asks({"content": "x"}), SkipReason.WRONG_ROLES),
    (with_prompt(id=""), SkipReason.INVALID_ROW),
    (with_prompt(id="  "), SkipReason.INVALID_ROW),
    (with_prompt(id=True), SkipReason.INVALID_ROW),
    (with_prompt(id=["x"]), SkipReason.INVALID_ROW),
    (with_prompt(id={}), SkipReason.INVALID_ROW),
    ('{"prompt": "a", "id": 1e999}', SkipReason.INVALID_ROW),
    (with_prompt(id="a\x00"), SkipReason.CONTROL_CHARACTERS),
    (with_prompt(id="\udc00"), SkipReason.INVALID_ENCODING),
    (with_prompt(reference=["5"]), SkipReason.INVALID_ROW),
    (with_prompt(reference=True), SkipReason.INVALID_ROW),
    ('{"prompt": "a", "reference": 1e999}', SkipReason.INVALID_ROW),
    (with_prompt(reference="\x07"), SkipReason.CONTROL_CHARACTERS),
    (with_prompt(metadata=[]), SkipReason.INVALID_ROW),
    (with_prompt(metadata="x"), SkipReason.INVALID_ROW),
    (with_prompt(completions="a"), SkipReason.INVALID_ROW),
    (with_prompt(completions={"text": "a"}), SkipReason.INVALID_ROW),
    (with_prompt(completions=["a", 3]), SkipReason.INVALID_ROW),
    (with_prompt(completions=["a", {"model": "m"}]), SkipReason.INVALID_ROW),
    (with_prompt(completions=["a", {"text": None}]), SkipReason.INVALID_ROW),
    (with_prompt(completions=["a", {"text": "b", "model": 3}]), SkipReason.INVALID_ROW),
    (with_prompt(completions=["a", "b\x1b[0m"]), SkipReason.CONTROL_CHARACTERS),
    (with_prompt(completions=["a"]), SkipReason.TOO_FEW_COMPLETIONS),
    (with_prompt(completions=["a", "a", " "]), SkipReason.TOO_FEW_COMPLETIONS),
    ({"prompt": "bell\x07"}, SkipReason.CONTROL_CHARACTERS),
    ({"prompt": "c1\x85"}, SkipReason.CONTROL_CHARACTERS),
    ({"prompt": "half \ud83d of it"}, SkipReason.INVALID_ENCODING),
]


@pytest.mark.parametrize(("row", "reason"), BAD_ROWS, ids=lambda value: str(value)[:40])
def test_a_bad_row_is_one_skip_and_the_next_row_is_read(
    tmp_path: Path, row: object, reason: SkipReason
) -> None:
    file = jsonl(tmp_path, {"prompt": "before"}, row, {"prompt": "after"})
    before, bad, after = read(file)
    assert texts([before, after]) == ["before", "after"]
    assert (skip(bad).reason, skip(bad).line) == (reason, 2)
    assert skip(bad).detail.startswith(f"{file}:2: ")
    skip(bad).model_dump_json()


@pytest.mark.parametrize(
    "messages", [[USER], [SYSTEM, USER], [USER, ASSISTANT, USER], [SYSTEM, USER, ASSISTANT, USER]]
)
def test_turns_in_order_are_a_prompt(tmp_path: Path, messages: list[dict[str, str]]) -> None:
    (row,) = read(jsonl(tmp_path, asks(*messages)))
    assert [message.model_dump() for message in prompt(row).messages] == messages


def test_tabs_and_line_ends_are_no_control_characters(tmp_path: Path) -> None:
    assert texts(read(jsonl(tmp_path, {"prompt": "a\tb\r\nc"}))) == ["a\tb\r\nc"]


def test_a_skip_is_named_by_the_id_of_its_row_or_else_its_line(tmp_path: Path) -> None:
    file = jsonl(tmp_path, {"id": "mine", "prompt": ""}, {"prompt": ""}, {"id": [], "prompt": ""})
    assert [skip(row).prompt_id for row in read(file)] == ["mine", "line-2", "line-3"]


def test_a_detail_never_carries_the_whole_row(tmp_path: Path) -> None:
    (row,) = read(jsonl(tmp_path, asks({"role": "x" * 100_000, "content": "x"})))
    assert len(skip(row).detail) < 2000


def test_a_prompt_that_leaves_no_room_for_the_answer_is_too_long(tmp_path: Path) -> None:
    file = jsonl(tmp_path, {"prompt": "x" * 400}, {"prompt": "y" * 404}, {"prompt": "é" * 202})
    checks = RowChecks(context_tokens=150, output_tokens=50)
    fits, over, over_in_bytes = read(file, checks)
    assert texts([fits]) == ["x" * 400]
    assert {skip(over).reason, skip(over_in_bytes).reason} == {SkipReason.TOO_LONG}
    assert "context_tokens = 150" in skip(over).detail
    assert len(texts(read(file))) == 3, "nothing is too long for an unknown context"


def test_a_prompt_that_leaves_no_judge_room_for_a_completion_is_too_long(tmp_path: Path) -> None:
    with_reference = {"prompt": "x" * 300, "reference": "z" * 100}
    file = jsonl(tmp_path, {"prompt": "x" * 396}, {"prompt": "y" * 400}, with_reference)
    fits, over, over_with_reference = read(file, RowChecks(judged_tokens=100))
    assert texts([fits]) == ["x" * 396]
    assert {skip(over).reason, skip(over_with_reference).reason} == {SkipReason.TOO_LONG}
    assert "context_tokens of any judge" in skip(over).detail


def test_rows_must_bring_completions_where_none_are_sampled(tmp_path: Path) -> None:
    file = jsonl(tmp_path, with_prompt(), with_prompt(completions=[]))
    missing = [skip(row).reason for row in read(file, RowChecks(needs_completions=True))]
    assert missing == [SkipReason.TOO_FEW_COMPLETIONS] * 2


@pytest.mark.parametrize(
    ("row", "detail"),
    [
        ({"metadata": {"rules": {"max_word": 5}}}, "`metadata.rules`: `max_word` is not a check"),
        ({"metadata": {"rules": {"max_words": "5"}}}, "`metadata.rules`: check `max_words`: must"),
        ({"metadata": {"rules": {"regex": "("}}}, "`metadata.rules`: check `regex`"),
        ({"metadata": {"rules": [1]}}, "`metadata.rules`: must be a mapping"),
        ({"metadata": {"rules": {"equals_reference": True}}}, "needs a `reference`"),
    ],
)
def test_checks_that_a_row_states_wrongly_are_a_skip(
    tmp_path: Path, row: dict[str, Any], detail: str
) -> None:
    file = jsonl(tmp_path, with_prompt(**row))
    bad = skip(read(file, RowChecks(metadata_checks=("rules",), read_checks=parse_checks))[0])
    assert bad.reason is SkipReason.INVALID_ROW
    assert detail in bad.detail
    assert texts(read(file)) == [with_prompt()["prompt"]], "no rubric looks at them"


@pytest.mark.parametrize("row", [{}, {"metadata": {"rules": {}}}, {"metadata": {"rules": None}}])
def test_a_row_without_checks_leaves_nothing_to_verify(tmp_path: Path, row: dict[str, Any]) -> None:
    file = jsonl(tmp_path, with_prompt(**row))
    assert (
        len(texts(read(file, RowChecks(metadata_checks=("rules",), read_checks=parse_checks)))) == 1
    )


def test_a_row_without_the_reference_that_the_rubric_compares_with_is_a_skip(
    tmp_path: Path,
) -> None:
    file = jsonl(tmp_path, with_prompt(), with_prompt(reference="gold"))
    without, with_one = read(file, RowChecks(reference_check="contains_reference"))
    assert skip(without).detail.endswith("add one")
    assert prompt(with_one).reference == "gold"


def test_everything_a_row_brings_is_kept(tmp_path: Path) -> None:
    ready = ["one", {"text": "two", "model": "m"}]
    row = with_prompt(id=7, reference="ref", metadata={"k": [1]}, completions=ready)
    made = prompt(read(jsonl(tmp_path, row))[0])
    assert (made.id, made.reference, made.metadata, made.line) == ("7", "ref", {"k": [1]}, 1)
    assert [(one.text, one.model) for one in made.completions] == [("one", None), ("two", "m")]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (42, "42"),
        (-3, "-3"),
        (0.5, "0.5"),
        (1e-7, "0.0000001"),
        (2.0, "2.0"),
        (10**30, f"{10**30}"),
    ],
)
def test_a_reference_that_is_a_number_is_its_digits(
    tmp_path: Path, given: float, text: str
) -> None:
    (row,) = read(jsonl(tmp_path, with_prompt(reference=given)))
    assert prompt(row).reference == text


def test_a_reference_that_is_nan_is_none(tmp_path: Path) -> None:
    table = pa.table({"prompt": ["why?", "how?"], "reference": [0.25, math.nan]})
    pq.write_table(table, tmp_path / "prompts.parquet")
    with_one, without = read(tmp_path / "prompts.parquet")
    assert (prompt(with_one).reference, prompt(without).reference) == ("0.25", None)


def test_columns_are_mapped_by_fields(tmp_path: Path) -> None:
    fields = {"prompt": "q", "id": "key", "reference": "gold", "metadata": "m", "completions": "c"}
    row = {"q": "why?", "key": "k", "gold": "so", "m": {"a": 1}, "c": ["x", "y"], "prompt": 3}
    made = prompt(read(jsonl(tmp_path, row), fields=fields)[0])
    assert (texts([made]), made.id, made.reference) == (["why?"], "k", "so")
    assert (made.metadata, len(made.completions)) == ({"a": 1}, 2)


def test_an_id_that_comes_again_is_a_skip(tmp_path: Path) -> None:
    file = jsonl(tmp_path, {"id": "x", "prompt": "a"}, {"id": "x", "prompt": "b"})
    first, again = read(file)
    assert prompt(first).id == "x"
    assert skip(again).reason is SkipReason.DUPLICATE_ID
    assert skip(again).prompt_id == "x"


def test_a_number_and_its_text_are_the_same_id(tmp_path: Path) -> None:
    file = jsonl(tmp_path, {"id": 1, "prompt": "a"}, {"id": "1", "prompt": "b"})
    assert skip(read(file)[1]).reason is SkipReason.DUPLICATE_ID


def test_the_same_prompt_again_is_a_skip_by_default(tmp_path: Path) -> None:
    file = jsonl(tmp_path, {"id": "x", "prompt": "a"}, {"id": "y", "prompt": "a"})
    assert skip(read(file)[1]).reason is SkipReason.DUPLICATE_PROMPT
    assert [prompt(row).id for row in read(file, duplicate_prompts="keep")] == ["x", "y"]


def test_the_same_prompt_with_other_completions_is_another_question(tmp_path: Path) -> None:
    rows = [with_prompt(completions=["a", one]) for one in "bc"]
    assert len(texts(read(jsonl(tmp_path, *rows)))) == 2


@pytest.mark.parametrize("row", [{"prompt": "a"}, {"prompt": "a", "id": None}])
def test_kept_duplicates_without_an_id_are_numbered(tmp_path: Path, row: object) -> None:
    rows = read(jsonl(tmp_path, *[row] * 3), duplicate_prompts="keep")
    first, second, third = (prompt(one).id for one in rows)
    assert (second, third) == (f"{first}-2", f"{first}-3")


def test_a_skipped_row_takes_no_id_from_a_later_one(tmp_path: Path) -> None:
    file = jsonl(tmp_path, {"id": "x", "prompt": ""}, {"id": "x", "prompt": "a"})
    assert prompt(read(file)[1]).id == "x"


@given(st.lists(st.text("abcé ", min_size=1).filter(str.strip), min_size=1, unique=True), st.data())
def test_ids_from_content_do_not_depend_on_the_order(
    tmp_path_factory: pytest.TempPathFactory, asked: list[str], data: st.DataObject
) -> None:
    assume(len({" ".join(text.split()) for text in asked}) == len(asked))
    folder = tmp_path_factory.mktemp("order")
    order = data.draw(st.permutations(asked))
    one, other = (
        {prompt(row).messages[0].content: prompt(row).id for row in read(file)}
        for file in (
            jsonl(folder, *({"prompt": text} for text in asked), "", name="one.jsonl"),
            jsonl(folder, *({"prompt": text} for text in order), "", name="other.jsonl"),
        )
    )
    assert one == other
    assert len(set(one.values())) == len(asked)


def test_the_digest_follows_everything_that_can_change_a_result(tmp_path: Path) -> None:
    base: dict[str, Any] = {"id": "x", "prompt": "a", "completions": ["x", "y"]}
    changes: list[dict[str, Any]] = [
        {},
        {"id": "y"},
        {"prompt": "b"},
        {"reference": "r"},
        {"metadata": {"k": 1}},
        {"completions": ["x", "z"]},
        {"completions": ["x", {"text": "y", "model": "m"}]},
    ]
    made = [prompt(read(jsonl(tmp_path, base | change))[0]).digest for change in changes]
    assert len(set(made)) == len(changes)


def test_columns_that_are_not_used_leave_the_digest_alone(tmp_path: Path) -> None:
    plain = prompt(read(jsonl(tmp_path, {"prompt": "a"}))[0])
    other = prompt(read(jsonl(tmp_path, {"note": 1, "prompt": "a"}))[0])
    assert (plain.id, plain.digest) == (other.id, other.digest)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
columns = st.sampled_from([*Fields().model_dump().values(), "other"])


@given(st.dictionaries(columns, anything), st.booleans())
def test_whatever_a_row_holds_it_is_a_prompt_or_a_problem(
    row: dict[str, Any], asks_something: bool
) -> None:
    if asks_something:
        row["prompt"] = "why?"
    try:
        checked = check_row(RawRow(1, row), Fields(), RowChecks())
    except RowProblemError:
        return
    made = checked.prompt(checked.given_id or checked.content_id())
    assert made.messages[-1].role == "user"
    assert made.id.strip() not in {"", "nan", "inf"}
    assert Prompt.model_validate_json(made.model_dump_json()) == made
