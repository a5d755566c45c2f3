"""One message of a row: everything of it is kept, a mistake in it is named, a loss is noticed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from judgeforge.inputs.messages import read_messages
from judgeforge.inputs.noticed import Noticed, Reading
from judgeforge.inputs.openai_messages import read_turn
from judgeforge.inputs.rows import RowProblemError
from tests.support.pictures import data_url, png

CALL = {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}
IMAGE = {"type": "image_url", "image_url": {"url": "https://a.example/1.png", "detail": "low"}}
TEXT = {"type": "text", "text": "See"}

AS_THEY_ARE: list[dict[str, Any]] = [
    {"role": "system", "content": "Be brief."},
    {"role": "developer", "content": "Be brief."},
    {"role": "user", "content": "Hi", "name": "ann"},
    {"role": "user", "content": [TEXT, IMAGE]},
    {"role": "assistant", "content": "Yes", "reasoning_content": "Well."},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "assistant", "content": "", "tool_calls": [CALL]},
    {"role": "assistant", "content": "I look.", "tool_calls": [CALL], "reasoning_content": "Hm."},
    {"role": "tool", "content": "7 C", "tool_call_id": "a", "name": "f"},
    {"role": "tool", "content": "", "tool_call_id": "a"},
    {"role": "tool", "content": [TEXT, IMAGE], "tool_call_id": "a"},
]


@pytest.mark.parametrize("turn", AS_THEY_ARE)
def test_a_message_is_kept_whole(turn: dict[str, Any]) -> None:
    noticed = Noticed()
    assert read_turn(turn, 1, Reading(None, noticed)).model_dump(mode="json") == turn
    assert noticed == Noticed()


SAME: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"reasoning": "Well."}, {"reasoning_content": "Well."}),
    ({"thinking": "Well.", "reasoning": None}, {"reasoning_content": "Well."}),
    ({"thinking": "Well.", "reasoning_content": "Well."}, {"reasoning_content": "Well."}),
    ({"tool_calls": None, "name": "", "audio": None, "weight": None}, {}),
    ({"tool_calls": []}, {}),
]


@pytest.mark.parametrize(("given", "kept"), SAME)
def test_other_names_and_what_tables_have_for_nothing_are_read(
    given: dict[str, Any], kept: dict[str, Any]
) -> None:
    noticed = Noticed()
    turn = {"role": "assistant", "content": "Yes"}
    assert read_turn({**turn, **given}, 1, Reading(None, noticed)).model_dump() == {**turn, **kept}
    assert noticed == Noticed()


LOST: list[tuple[dict[str, Any], str]] = [
    ({"role": "user", "content": "Hi", "weight": 0}, "weight"),
    ({"role": "user", "content": "Hi", "id": "m1"}, "id"),
    ({"role": "assistant", "content": "Yes", "refusal": "No"}, "refusal"),
    (
        {"role": "assistant", "content": "Yes", "tool_calls": [{**CALL, "index": 1}]},
        "tool_calls.index",
    ),
    (
        {"role": "user", "content": [{**TEXT, "cache_control": {"type": "ephemeral"}}]},
        "content.cache_control",
    ),
]


@pytest.mark.parametrize(("turn", "field"), LOST)
def test_a_field_that_no_pair_has_is_noticed_by_its_name(turn: dict[str, Any], field: str) -> None:
    noticed = Noticed()
    read_turn(turn, 1, Reading(None, noticed))
    assert dict(noticed.left_out) == {field: 1}
    (said,) = noticed.losses()
    assert f"`{field}` (1 message)" in said


MISTAKES: list[tuple[object, str]] = [
    ("Hi", "message 1 must be an object with `role` and `content`, found a string"),
    ({"role": ["user"], "content": "Hi"}, "the role of message 1 must be system, developer, user"),
    ({"role": "user", "content": None}, "the content of message 1 must be a string, found null"),
    ({"role": "user", "content": " "}, "the content of message 1 is empty"),
    ({"role": "user", "content": []}, "the content of message 1 is empty"),
    ({"role": "assistant", "content": None}, "beside `tool_calls` only"),
    (
        {"role": "user", "content": "Hi", "tool_calls": [CALL]},
        "is of role user and has `tool_calls`",
    ),
    ({"role": "user", "content": "Hi", "tool_call_id": "a"}, "which only role tool has; remove it"),
    ({"role": "user", "content": "Hi", "thinking": "x"}, "`thinking`, which only an assistant has"),
    (
        {"role": "assistant", "content": "Hi", "thinking": "x", "reasoning": "y"},
        "two different thoughts, reasoning and thinking",
    ),
    ({"role": "user", "content": ["Hi"]}, "part 1 of message 1 must be an object with `type`"),
    ({"role": "user", "content": [{"type": "audio"}]}, "must be text or image_url, found `audio`"),
    ({"role": "user", "content": [{"type": ["text"]}]}, "must be text or image_url, found a list"),
    ({"role": "user", "content": [{"type": "text", "text": ""}]}, "part 1 of message 1 is empty"),
    ({"role": "user", "content": [{"type": "image"}]}, "names no picture: give an https"),
    ({"role": "system", "content": [IMAGE]}, "is a picture, and only users and tools show some"),
    (
        {"role": "user", "content": [{**IMAGE, "image_url": "https://a b"}]},
        "is not one: https://a b",
    ),
    (
        {
            "role": "user",
            "content": [{"type": "image_url", "image_url": {"url": "x", "detail": "x"}}],
        },
        "`detail` of part 1 of message 1 must be auto, low, high",
    ),
    ({"role": "user", "content": [{**IMAGE, "image_url": "http://a"}]}, "must be an https address"),
    ({"role": "user", "content": [{**IMAGE, "image_url": "none.png"}]}, "there is no such file"),
    ({"role": "user", "content": [{**IMAGE, "image_url": "../a.png"}]}, "outside the folder"),
    ({"role": "user", "content": [{**IMAGE, "image_url": "data:x"}]}, "must be `data:image/png;"),
]


@pytest.mark.parametrize(("turn", "says"), MISTAKES)
def test_a_mistake_says_which_message_and_what_to_do(
    tmp_path: Path, turn: object, says: str
) -> None:
    with pytest.raises(RowProblemError) as raised:
        read_turn(turn, 1, Reading(tmp_path))
    assert says in raised.value.detail


@pytest.mark.parametrize("part", [{"image": "a.png"}, {"url": "a.png"}, {"path": "a.png"}])
def test_parts_of_type_image_are_pictures_too(tmp_path: Path, part: dict[str, str]) -> None:
    (tmp_path / "a.png").write_bytes(png())
    message = read_turn(
        {"role": "user", "content": [{"type": "image", **part}]}, 1, Reading(tmp_path)
    )
    assert [image.url for image in message.pictures] == ["a.png"]
    assert message.pictures[0].file == str((tmp_path / "a.png").resolve())


def test_a_data_url_is_known_by_the_bytes_that_it_has() -> None:
    part = {"type": "image_url", "image_url": {"url": data_url(png(3), "image/jpeg")}}
    (image,) = read_turn({"role": "user", "content": [part]}, 1, Reading()).pictures
    assert image.sha256 is not None
    assert image.file is None


def test_a_row_has_no_more_pictures_than_fit_into_a_request(tmp_path: Path) -> None:
    far = [IMAGE] * 101
    with pytest.raises(RowProblemError, match=r"101 pictures with 0\.0 MiB do not fit"):
        read_messages([{"role": "user", "content": far}], Reading(tmp_path))
    (tmp_path / "a.png").write_bytes(png() + bytes(5 * 2**20 - 1000))
    part = {"type": "image_url", "image_url": {"url": "a.png"}}
    assert read_messages([{"role": "user", "content": [part] * 4}], Reading(tmp_path))
    with pytest.raises(RowProblemError, match=r"5 pictures with 25\.0 MiB do not fit"):
        read_messages([{"role": "user", "content": [part] * 5}], Reading(tmp_path))


def test_names_without_end_are_counted_and_not_kept() -> None:
    noticed = Noticed()
    for number in range(3000):
        read_turn({"role": "user", "content": "x", f"f{number}": 1}, 1, Reading(None, noticed))
    assert len(noticed.left_out) == 1001
    assert noticed.left_out.total() == 3000
