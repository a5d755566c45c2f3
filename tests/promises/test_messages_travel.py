"""What a row, a model or a judge gave travels unchanged into the pair, on both wires: field by
field, tool call by tool call, thought by thought, picture by picture.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.local_server import LocalServer, RequestRecord
from tests.support.pictures import data_url, png
from tests.support.run_setup import model, rows, run, write_config

WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"unit": {"type": "string"}, "city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
CLOCK = {"type": "function", "function": {"name": "clock"}}


def call(number: int, city: str) -> dict[str, Any]:
    arguments = json.dumps({"city": city})
    return {
        "id": f"call:{number}",
        "type": "function",
        "function": {"name": "weather", "arguments": arguments},
    }


CONVERSATION = [
    {"role": "system", "content": "Be brief."},
    {"role": "developer", "content": "Use metric units."},
    {"role": "user", "content": "Oslo and Rome?"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [call(1, "Oslo"), call(2, "Rome")],
        "reasoning_content": "Two cities, two calls.",
    },
    {"role": "tool", "tool_call_id": "call:1", "name": "weather", "content": "7 C"},
    {"role": "tool", "tool_call_id": "call:2", "name": "weather", "content": "19 C"},
    {"role": "assistant", "content": "7 and 19 degrees.", "name": "ann"},
    {"role": "user", "content": "And now?"},
]
PICTURES = [
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "Which is darker?"},
            {"type": "image_url", "image_url": {"url": "shots/a.png", "detail": "low"}},
            {"type": "image_url", "image_url": {"url": data_url(png(9))}},
            {"type": "image_url", "image_url": {"url": "https://a.example/c.png"}},
        ],
    }
]
INPUT = [
    {"id": "tools", "prompt": CONVERSATION, "tools": [WEATHER, CLOCK]},
    {"id": "no-tools", "prompt": CONVERSATION},
    {"id": "pictures", "prompt": [{**turn, "weight": 1} for turn in PICTURES]},
    {"id": "plain", "prompt": "Why is the sky blue?"},
]


def in_parts(turns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Where any message of a folder has parts, all of its pairs have them: tables want it so."""
    return [
        {**turn, "content": [{"type": "text", "text": content}]}
        if isinstance(content := turn["content"], str)
        else turn
        for turn in turns
    ]


class Ran:
    """One run on one wire, for all that is asked of it."""

    def __init__(self, folder: Path, provider: str) -> None:
        self.provider = provider
        (folder / "shots").mkdir(parents=True)
        (folder / "shots" / "a.png").write_bytes(png(1))
        (folder / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in INPUT))
        with LocalServer(thinks=True, calls_tools=True) as server:
            sees = {"small": model(server, provider, vision=True, picture_tokens=2000)}
            draws = {"models": ["small"], "completions": 4, "max_tokens": 64}
            source = {"path": "prompts.jsonl"}
            parts = {"models": sees, "sampling": draws, "pairing": {"thinking": "keep"}}
            config = write_config(folder, server, prompts=source, **parts)
            self.result = run(config, folder / "out")
            self.requests = server.calls(kind="completion")
        self.out = folder / "out"
        self.pairs = {row["prompt_id"]: row for row in rows(self.out / "pairs.jsonl")}
        self.completions = {row["id"]: row for row in rows(self.out / "completions.jsonl")}

    def asked(self, word: str) -> RequestRecord:
        """The first request for a completion that has ``word``."""
        return next(one for one in self.requests if word.encode() in one.raw)


@pytest.fixture(scope="module", params=["openai", "anthropic"])
def ran(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TEST_KEY", "sk-test")
        yield Ran(tmp_path_factory.mktemp(request.param), request.param)


def test_every_row_becomes_a_pair_and_every_request_is_taken(ran: Ran) -> None:
    assert ran.result.exit_code == 0
    assert ran.pairs.keys() == {row["id"] for row in INPUT}
    assert {one.status for one in ran.requests} == {200}


def test_the_pairs_have_the_prompt_as_it_was_given(ran: Ran) -> None:
    for row in INPUT:
        given = row["prompt"]
        turns = given if isinstance(given, list) else [{"role": "user", "content": given}]
        kept = [{name: each for name, each in turn.items() if name != "weight"} for turn in turns]
        assert in_parts(ran.pairs[row["id"]]["prompt"]) == in_parts(kept)


def test_the_run_names_what_no_pair_can_hold(ran: Ran) -> None:
    assert [note for note in ran.result.notes if "left out" in note] == [
        "fields of messages that no pair has are left out: `weight` (1 message)"
    ]


def test_the_tools_of_a_row_stand_in_its_pair_as_json_text(ran: Ran) -> None:
    assert json.loads(ran.pairs["tools"]["tools"]) == [WEATHER, CLOCK]
    assert not ran.pairs["plain"].get("tools")


def test_the_sides_are_the_completions_with_their_calls_and_thoughts(ran: Ran) -> None:
    for pair in ran.pairs.values():
        for side in ("chosen", "rejected"):
            (answer,) = in_parts(pair[side])
            completion = ran.completions[pair["provenance"][f"{side}_id"]]
            assert answer.get("tool_calls", []) == completion.get("tool_calls", [])
            assert answer["reasoning_content"] == completion["reasoning"]
            text = completion["text"]
            assert answer["content"] == ([{"type": "text", "text": text}] if text else None)


def test_completions_with_one_call_with_words_beside_it_with_two_and_with_none_are_read(
    ran: Ran,
) -> None:
    """The server answers so by the number of the draw."""
    drawn = [row for row in ran.completions.values() if row["prompt_id"] == "tools"]
    assert sorted((bool(row["text"]), len(row.get("tool_calls", []))) for row in drawn) == [
        (False, 1),
        (False, 2),
        (True, 0),
        (True, 1),
    ]
    assert {row["finish"] for row in drawn} == {"stop"}
    calls = [each for row in drawn for each in row.get("tool_calls", ())]
    arguments = [each["function"]["arguments"] for each in calls]
    assert all(isinstance(json.loads(text), dict) for text in arguments)


def test_thoughts_of_completions_are_kept_apart(ran: Ran) -> None:
    thoughts = [row["reasoning"] for row in ran.completions.values()]
    assert all(thought.startswith("Thought ") for thought in thoughts)
    assert not any("Thought" in row["text"] for row in ran.completions.values())


def test_openai_is_sent_the_tools_and_the_turns_as_they_are(ran: Ran) -> None:
    if ran.provider != "openai":
        return
    body = ran.asked("clock").body
    assert body["tools"] == [WEATHER, CLOCK]
    assert "tool_choice" not in body
    system, *turns = body["messages"]
    assert system == {"role": "system", "content": "Be brief.\n\nUse metric units."}
    unsent = {"reasoning_content"}
    assert turns == [
        {name: value for name, value in turn.items() if name not in unsent}
        for turn in CONVERSATION[2:]
    ]


def test_anthropic_is_sent_blocks_with_what_the_system_says_apart(ran: Ran) -> None:
    if ran.provider != "anthropic":
        return
    body = ran.asked("clock").body
    assert [block["text"] for block in body["system"]] == ["Be brief.", "Use metric units."]
    schema = WEATHER["function"]["parameters"]  # type: ignore[index]
    described = {"description": "Weather of a city.", "input_schema": schema}
    empty = {"type": "object", "properties": {}}
    assert body["tools"] == [
        {"name": "weather", **described},
        {"name": "clock", "input_schema": empty},
    ]
    uses = [
        {"type": "tool_use", "id": f"call_{n}", "name": "weather", "input": {"city": city}}
        for n, city in ((1, "Oslo"), (2, "Rome"))
    ]
    results = [
        {"type": "tool_result", "tool_use_id": f"call_{n}", "content": said}
        for n, said in ((1, "7 C"), (2, "19 C"))
    ]
    assert body["messages"] == [
        {"role": "user", "content": "Oslo and Rome?"},
        {"role": "assistant", "content": uses},
        {"role": "user", "content": results},
        {"role": "assistant", "content": "7 and 19 degrees."},
        {"role": "user", "content": "And now?"},
    ]


def test_calls_of_a_row_without_tools_are_sent_and_none_can_be_made(ran: Ran) -> None:
    body = next(
        one.body for one in ran.requests if b"Oslo and Rome" in one.raw and b"clock" not in one.raw
    )
    if ran.provider == "openai":
        assert "tools" not in body
    else:
        assert body["tools"] == [{"name": "weather", "input_schema": {"type": "object"}}]
        assert body["tool_choice"] == {"type": "none"}
    drawn = [row for row in ran.completions.values() if row["prompt_id"] == "no-tools"]
    assert all("tool_calls" not in row and row["finish"] == "stop" for row in drawn)


def test_pictures_are_sent_as_data_or_by_their_address(ran: Ran) -> None:
    content = ran.asked("darker").body["messages"][0]["content"]
    first, second = (base64.b64encode(png(shade)).decode() for shade in (1, 9))
    far = "https://a.example/c.png"
    if ran.provider == "openai":
        assert content == [
            {"type": "text", "text": "Which is darker?"},
            {"type": "image_url", "image_url": {"url": data_url(png(1)), "detail": "low"}},
            {"type": "image_url", "image_url": {"url": data_url(png(9))}},
            {"type": "image_url", "image_url": {"url": far}},
        ]
        return
    sources = [
        {"type": "base64", "media_type": "image/png", "data": first},
        {"type": "base64", "media_type": "image/png", "data": second},
        {"type": "url", "url": far},
    ]
    assert content == [
        {"type": "text", "text": "Which is darker?"},
        *({"type": "image", "source": source} for source in sources),
    ]


def test_no_file_of_the_run_or_the_cache_holds_the_data_of_a_picture_from_a_file(ran: Ran) -> None:
    data = base64.b64encode(png(1))
    files = [file for file in ran.out.parent.rglob("*") if file.is_file()]
    assert not [file for file in files if data in file.read_bytes()]
