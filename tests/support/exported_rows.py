"""Rows of every export format, read back as the conversation that was written, to compare them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.pictures import data_url
from tests.support.run_setup import rows

Turn = dict[str, Any]
EVERYTHING_TEMPLATE = (
    "{# reasoning_content, tools #}{{ tools | tojson }}\n"
    "{% for message in messages %}{{ message | tojson }}\n{% endfor %}"
)
"""A chat template that writes all that a message has, one a line."""
_SPEAKERS = {"human": "user", "gpt": "assistant", "observation": "tool"}
_WITH_PICTURES = ("trl", "kto", "sft")
"""Formats with a column of pictures, which the messages only mark."""


@dataclass(frozen=True)
class Exported:
    prompt: list[Turn]
    good: list[Turn]
    bad: list[Turn]
    tools: Any = None


def exported(target: str, file: Path) -> Exported:
    """The one pair, or the one prompt with two completions, of a file."""
    found = list(_table(file) if file.suffix == ".parquet" else rows(file))
    read = _READERS[target](found)
    prompt, good, bad = (_plain_turns(side) for side in (read.prompt, read.good, read.bad))
    tools = json.loads(read.tools or "null") if isinstance(read.tools, str) else read.tools
    return Exported(prompt, good, bad, tools or None)


def as_held(target: str, turns: Iterable[Turn]) -> list[Turn]:
    """Turns as ``exported`` gives them back where nothing is lost. LLaMA-Factory knows no ids of
    calls, and a picture that is stored as itself has no `detail`."""
    held = _plain_turns([json.loads(json.dumps(turn)) for turn in turns])
    for turn in held:
        if target == "llamafactory":
            turn.pop("tool_call_id", None)
            for call in turn.get("tool_calls", ()):
                del call["id"]
        parts = turn["content"] if isinstance(turn["content"], list) else []
        for part in parts:
            if target in _WITH_PICTURES and "image_url" in part:
                part["image_url"].pop("detail", None)
    return held


def _table(file: Path) -> Iterator[dict[str, Any]]:
    from datasets import Dataset

    data = Dataset.from_parquet(str(file), cache_dir=str(file.parent / "cache"))
    images = data.data["images"].to_pylist() if "images" in data.column_names else None
    if images is not None:
        data = data.remove_columns("images")  # looking at one needs a library for images
    for number, row in enumerate(data):
        yield {**_without_nulls(row), **({"images": images[number]} if images else {})}


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: _without_nulls(each)
            for name, each in value.items()
            if each is not None or name == "content"
        }
    return [_without_nulls(each) for each in value] if isinstance(value, list) else value


def _plain_turns(turns: Sequence[Mapping[str, Any]]) -> list[Turn]:
    """With arguments as objects, and a single part of words as these."""
    return [_plain(turn) for turn in turns]


def _plain(turn: Mapping[str, Any]) -> Turn:
    found = dict(turn)
    match found.get("content"):
        case [{"type": "text", "text": text}]:
            found["content"] = text
        case "" if found.get("tool_calls"):
            found["content"] = None
    if calls := found.get("tool_calls"):
        found["tool_calls"] = [_plain_call(call) for call in calls]
    return found


def _plain_call(call: Mapping[str, Any]) -> dict[str, Any]:
    arguments = call["function"]["arguments"]
    read = json.loads(arguments) if isinstance(arguments, str) else arguments
    return {**call, "function": {**call["function"], "arguments": read}}


def _pair(found: list[dict[str, Any]]) -> Exported:
    (row,) = found
    prompt = _with_pictures(row["prompt"], row.get("images"))
    return Exported(prompt, row["chosen"], row["rejected"], row.get("tools"))


def _with_pictures(turns: list[Turn], images: list[Any] | None) -> list[Turn]:
    """With each in the place that marks it."""
    left = [data_url(one["bytes"]) for one in images or ()]

    def part(one: Mapping[str, Any]) -> Mapping[str, Any]:
        is_picture = one["type"] == "image"
        return {"type": "image_url", "image_url": {"url": left.pop(0)}} if is_picture else one

    put_back = [
        {**turn, "content": [part(one) for one in turn["content"]]}
        if isinstance(turn["content"], list)
        else turn
        for turn in turns
    ]
    assert not left
    return put_back


def _kto(found: list[dict[str, Any]]) -> Exported:
    (good,) = [row for row in found if row["label"]]
    (bad,) = [row for row in found if not row["label"]]
    prompt = _with_pictures(good["prompt"], good.get("images"))
    assert _with_pictures(bad["prompt"], bad.get("images")) == prompt
    return Exported(prompt, good["completion"], bad["completion"], good.get("tools"))


def _best(found: list[dict[str, Any]]) -> Exported:
    (row,) = found
    prompt = _with_pictures(row["prompt"], row.get("images"))
    return Exported(prompt, row["completion"], [], row.get("tools"))


def _ranked(found: list[dict[str, Any]]) -> Exported:
    (row,) = found
    good, bad = row["completions"]
    return Exported(row["prompt"], good, bad, row.get("tools"))


def _nemo_rl(found: list[dict[str, Any]]) -> Exported:
    (row,) = found
    good, bad = sorted(row["completions"], key=lambda one: int(one["rank"]))
    return Exported(row["context"], good["completion"], bad["completion"])


def _openai(found: list[dict[str, Any]]) -> Exported:
    (row,) = found
    given = row["input"]
    good, bad = row["preferred_output"], row["non_preferred_output"]
    return Exported(given["messages"], good, bad, given["tools"])


def _bedrock(found: list[dict[str, Any]]) -> Exported:
    (row,) = found

    def turn(role: str, content: list[dict[str, str]]) -> Turn:
        (part,) = content
        return {"role": role, "content": part["text"]}

    *turns, last = row["messages"]
    system = [turn("system", [part]) for part in row.get("system", ())]
    said = [turn(one["role"], one["content"]) for one in turns]
    sides = {one["preferenceLabel"]: one["content"] for one in last["candidates"]}
    good, bad = ([turn("assistant", sides[one])] for one in ("preferred", "non-preferred"))
    return Exported([*system, *said], good, bad)


def _axolotl(found: list[dict[str, Any]]) -> Exported:
    (row,) = found
    return Exported(row["messages"], [row["chosen"]], [row["rejected"]])


def _llamafactory(found: list[dict[str, Any]]) -> Exported:
    (row,) = found
    system = [{"role": "system", "content": row["system"]}] if row["system"] else []
    turns = [turn for one in row["conversations"] for turn in _llamafactory_turns(one)]
    good, bad = (list(_llamafactory_turns(row[side])) for side in ("chosen", "rejected"))
    return Exported([*system, *turns], good, bad, row.get("tools"))


def _llamafactory_turns(turn: Mapping[str, str]) -> Iterator[Turn]:
    speaker, value = turn["from"], turn["value"]
    if speaker == "observation":
        for result in value.split("\n</tool_response>\n<tool_response>\n"):
            yield {"role": "tool", "content": result}
        return
    if speaker != "function_call":
        yield {"role": _SPEAKERS[speaker], "content": value}
        return
    words, _, calls = (
        value.partition("\n\n<tool_call>") if "<tool_call>" in value else ("", "", value)
    )
    functions = json.loads(calls.removesuffix("</tool_call>"))
    made = [{"type": "function", "function": function} for function in functions]
    yield {"role": "assistant", "content": words or None, "tool_calls": made}


def _verl(found: list[dict[str, Any]]) -> Exported:
    (row,) = found
    tools, *prompt = map(json.loads, row["prompt"].splitlines())
    good, bad = ([json.loads(row[side])] for side in ("chosen", "rejected"))
    return Exported(prompt, good, bad, tools)


_READERS: Mapping[str, Callable[[list[dict[str, Any]]], Exported]] = {
    "kto": _kto,
    "sft": _best,
    "ranked": _ranked,
    "nemo-rl": _nemo_rl,
    "openai": _openai,
    "bedrock": _bedrock,
    "axolotl": _axolotl,
    "llamafactory": _llamafactory,
    "verl-rm": _verl,
    **dict.fromkeys(("trl", "openrlhf", "jsonl", "parquet"), _pair),
}
