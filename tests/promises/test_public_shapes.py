"""A set of each shape that people have goes in, is judged, and comes out of every export: each turn
and answer, each tool and call, each thought and picture, who wrote what, and what `keep` names, on
OpenAI's wire and on Anthropic's. What a format has no place for is refused by name.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from judgeforge.config.run import PromptsConfig
from judgeforge.errors import ConfigError
from judgeforge.inputs.reading import read_prompts
from judgeforge.inputs.row_checks import RowChecks
from judgeforge.inputs.rows_in_memory import write_rows as write_given
from judgeforge.records import Prompt
from judgeforge.results.export.export import export_pairs
from judgeforge.results.export.known_targets import TARGETS
from judgeforge.results.export.targets import ExportOptions
from tests.local_server import LocalServer
from tests.support.exported_rows import EVERYTHING_TEMPLATE, as_held, exported
from tests.support.foreign_rows import write_rows
from tests.support.pictures import data_url, png
from tests.support.run_setup import model, rows, run, write_config

Turn = dict[str, Any]
ASKED = "Which river runs through Graz?"
GOOD, BAD = "[quality=0.9] It is the Mur.", "[quality=0.1] It is the Drau."
SYSTEM = {"role": "system", "content": "Be brief."}
USER = {"role": "user", "content": ASKED}
FIRST = [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Hi."}]
PLACE = {"type": "object", "properties": {"place": {"type": "string"}}}
FUNCTION = {"name": "river", "description": "The river of a town.", "parameters": PLACE}
TOOLS = [{"type": "function", "function": FUNCTION}]
SHOWN = [
    {"type": "text", "text": ASKED},
    {"type": "image_url", "image_url": {"url": data_url(png(3)), "detail": "low"}},
    {"type": "image_url", "image_url": {"url": data_url(png(7))}},
]
SEEN = {"role": "user", "content": SHOWN}


def answer(text: str, thought: str | None = None) -> Turn:
    more = {} if thought is None else {"reasoning_content": thought}
    return {"role": "assistant", "content": text, **more}


def called(*places: str, text: str | None = None, ids: tuple[str, ...] = ("1", "2")) -> Turn:
    """A call for each place."""
    calls = [
        {
            "id": f"call_{each}",
            "type": "function",
            "function": {"name": "river", "arguments": json.dumps({"place": place})},
        }
        for each, place in zip(ids, places, strict=False)
    ]
    return {"role": "assistant", "content": text, "tool_calls": calls}


def result(call: str, text: str) -> Turn:
    return {"role": "tool", "content": text, "tool_call_id": f"call_{call}"}


def spoken(*turns: tuple[str, str]) -> str:
    return "".join(f"\n\n{speaker}: {text}" for speaker, text in turns)


def as_objects(turn: Turn) -> Turn:
    """With arguments as objects, and calls without ids, as chat templates have them."""
    calls = [
        {"function": {**one["function"], "arguments": json.loads(one["function"]["arguments"])}}
        for one in turn["tool_calls"]
    ]
    return {**turn, "tool_calls": calls}


@dataclass(frozen=True)
class Set:
    """One row as its file has it, and what must come out of it."""

    row: dict[str, Any]
    prompt: tuple[Turn, ...] = (USER,)
    good: Turn = field(default_factory=lambda: answer(GOOD))
    bad: Turn = field(default_factory=lambda: answer(BAD))
    tools: bool = False

    @property
    def said(self) -> tuple[Turn, ...]:
        return (*self.prompt, self.good, self.bad)

    @property
    def beside_words(self) -> set[str]:
        """As a target names what it holds."""
        kinds = {
            "tools": self.tools or any("tool_calls" in turn for turn in self.said),
            "pictures": any(isinstance(turn["content"], list) for turn in self.said),
            "thoughts": any("reasoning_content" in turn for turn in self.said),
        }
        return {kind for kind, there in kinds.items() if there}


LOOKED_UP = (USER, called("Graz", "Linz"), result("1", "Mur"), result("2", "Danube"))
GOOD_CALL, BAD_CALL = called(f"Graz {GOOD}"), called(f"Linz {BAD}")
SETS = {
    "completions.jsonl": Set(
        {
            "prompt": ASKED,
            "completions": [
                {"text": BAD, "thinking": "Perhaps."},
                {"answer": GOOD, "model": "m", "reasoning": "I know it."},
            ],
        },
        good=answer(GOOD, "I know it."),
        bad=answer(BAD, "Perhaps."),
    ),
    "messages.parquet": Set(
        {"prompt": [SYSTEM, *FIRST, USER], "completions": [answer(GOOD), answer(BAD)]},
        (SYSTEM, *FIRST, USER),
    ),
    "ultrafeedback.json": Set(
        {
            "instruction": ASKED,
            "completions": [{"model": "m", "response": GOOD}, {"model": "n", "response": BAD}],
        }
    ),
    "trl.jsonl": Set(
        {
            "prompt": list(LOOKED_UP),
            "chosen": [as_objects(BAD_CALL)],
            "rejected": [as_objects(GOOD_CALL)],
            "tools": json.dumps(TOOLS),
        },
        LOOKED_UP,
        GOOD_CALL,
        BAD_CALL,
        tools=True,
    ),
    "implicit.json": Set(
        {"chosen": [*FIRST, SEEN, answer(GOOD)], "rejected": [*FIRST, SEEN, answer(BAD)]},
        (*FIRST, SEEN),
    ),
    "binarized.parquet": Set(
        {
            "prompt": ASKED,
            "chosen": [USER, answer(GOOD)],
            "rejected": [USER, answer(BAD)],
            "score_chosen": 9.0,
        }
    ),
    "hh.jsonl": Set(
        {
            "chosen": spoken(("Human", ASKED), ("Assistant", GOOD)),
            "rejected": spoken(("Human", ASKED), ("Assistant", BAD)),
        }
    ),
    "orca.jsonl": Set(
        {"system": "Be brief.", "question": ASKED, "chosen": GOOD, "rejected": BAD},
        (SYSTEM, USER),
    ),
    "sharegpt.json": Set(
        {
            "conversations": [
                {"from": "human", "value": ASKED},
                {
                    "from": "function_call",
                    "value": json.dumps({"name": "river", "arguments": {"place": "Graz"}}),
                },
                {"from": "observation", "value": "Mur"},
            ],
            "chosen": {"from": "gpt", "value": GOOD},
            "rejected": {"from": "gpt", "value": BAD},
            "tools": json.dumps([FUNCTION]),
        },
        (USER, called("Graz", ids=("2_1",)), result("2_1", "Mur")),
        tools=True,
    ),
    "hosted.jsonl": Set(
        {
            "input": {"messages": [SYSTEM, USER], "tools": TOOLS, "parallel_tool_calls": True},
            "preferred_output": [called("Graz", "Linz", text=GOOD)],
            "non_preferred_output": [answer(BAD)],
        },
        (SYSTEM, USER),
        called("Graz", "Linz", text=GOOD),
        tools=True,
    ),
    "arena.json": Set(
        {
            "model_a": "m",
            "model_b": "n",
            "winner": "tie",
            "conversation_a": [SEEN, answer(GOOD)],
            "conversation_b": [SEEN, answer(BAD)],
        },
        (SEEN,),
    ),
    "finetuning.jsonl": Set(
        {
            "messages": [
                USER,
                {**called("Graz", text="I look."), "reasoning_content": "Not sure."},
                result("1", "Mur"),
                answer(GOOD, "It says so."),
            ],
            "completions": [BAD],
            "tools": TOOLS,
        },
        (
            USER,
            {**called("Graz", text="I look."), "reasoning_content": "Not sure."},
            result("1", "Mur"),
        ),
        answer(GOOD, "It says so."),
        tools=True,
    ),
}


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with LocalServer() as running:
        yield running


@dataclass(frozen=True)
class Judged:
    name: str
    given: Set
    folder: Path
    seen: str
    """The bodies of all requests to the judge."""


@pytest.fixture(
    params=[(name, wire) for name in SETS for wire in ("openai", "anthropic")],
    ids=lambda each: f"{each[0]}-{each[1]}",
    scope="module",
)
def judged(
    request: pytest.FixtureRequest, server: LocalServer, tmp_path_factory: pytest.TempPathFactory
) -> Judged:
    name, wire = request.param
    place = tmp_path_factory.mktemp("set")
    write_rows(place / name, [SETS[name].row | {"domain": "rivers"}])
    source = {"path": name, "keep": ["domain"], "last_answer": "completion"}
    models = {"small": model(server, wire, vision=True, picture_tokens=2000)}
    keep = {"thinking": "keep"}
    config = write_config(place, server, prompts=source, sampling=None, models=models, pairing=keep)
    before = len(server.calls())
    assert run(config, place / "out").exit_code == 0
    bodies = [json.dumps(one.body, ensure_ascii=False) for one in server.calls()[before:]]
    return Judged(name, SETS[name], place / "out", "\n".join(bodies))


@pytest.mark.parametrize("name", SETS)
def test_rows_in_memory_are_read_as_those_of_a_file(name: str, tmp_path: Path) -> None:
    given = [SETS[name].row | {"domain": "rivers"}]
    write_rows(tmp_path / name, given)
    with (tmp_path / "given.jsonl").open("wb") as file:
        write_given(given, file, text_column="prompt")

    def read(path: Path) -> list[dict[str, Any]]:
        config = PromptsConfig(path=path, keep=["domain"], last_answer="completion")
        found = list(read_prompts(config, RowChecks(needs_completions=True)))
        assert all(isinstance(one, Prompt) for one in found)
        return [one.model_dump(exclude={"digest"}) for one in found]

    assert read(tmp_path / "given.jsonl") == read(tmp_path / name)


@pytest.mark.slow
def test_the_pair_has_all_that_the_row_had(judged: Judged) -> None:
    (pair,) = rows(judged.folder / "pairs.jsonl")
    given = judged.given
    sides = (pair["prompt"], pair["chosen"], pair["rejected"])
    expected = (given.prompt, [given.good], [given.bad])
    assert [as_held("jsonl", side) for side in sides] == [as_held("jsonl", e) for e in expected]
    assert json.loads(pair.get("tools") or "[]") == (TOOLS if given.tools else [])
    assert pair["metadata"] == {"domain": "rivers"}
    assert {pair["chosen_model"], pair["rejected_model"]} <= {"m", "n", "given"}


@pytest.mark.slow
def test_the_judge_saw_every_word_call_result_and_picture_and_no_thought(judged: Judged) -> None:
    def escaped(text: str) -> str:
        return json.dumps(text, ensure_ascii=False)[1:-1]

    for turn in judged.given.said:
        content = turn["content"] or ""
        parts = [{"text": content}] if isinstance(content, str) else content
        assert all(escaped(part["text"]) in judged.seen for part in parts if "text" in part)
        for call in turn.get("tool_calls", ()):
            place = json.loads(call["function"]["arguments"])["place"]
            assert all(said in judged.seen for said in ("river({", escaped(place)))
        assert turn.get("reasoning_content", "no thought") not in judged.seen
    if "pictures" in judged.given.beside_words:
        pictures = (base64.b64encode(png(shade)).decode() for shade in (3, 7))
        assert all(picture in judged.seen for picture in pictures)
    assert ("The river of a town." in judged.seen) is judged.given.tools


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
def test_every_export_has_all_of_it_or_refuses_it_by_name(
    judged: Judged, target: str, tmp_path: Path
) -> None:
    format_, given = TARGETS[target], judged.given
    template = tmp_path / "everything.jinja"
    template.write_text(EVERYTHING_TEMPLATE, encoding="utf-8")
    options = ExportOptions(least_sure=0.51, template=str(template) if format_.needs else None)
    to = tmp_path / "out"
    if lacks := given.beside_words - set(format_.holds):
        with pytest.raises(ConfigError, match="|".join(lacks)):
            export_pairs(judged.folder, target=target, to=to, options=options)
        return
    summary = export_pairs(judged.folder, target=target, to=to, options=options)
    found = exported(target, summary.files["train"])
    assert found.prompt == as_held(target, given.prompt)
    assert (found.good, found.bad) == (
        as_held(target, [given.good]),
        [] if target == "sft" else as_held(target, [given.bad]),
    )
    assert found.tools == (TOOLS if given.tools else None)


@pytest.mark.slow
@pytest.mark.parametrize("target", [name for name in TARGETS if name != "verl-rm"])
def test_thoughts_may_stand_in_the_words_of_every_format(
    judged: Judged, target: str, tmp_path: Path
) -> None:
    given, options = judged.given, ExportOptions(least_sure=0.51, thinking="inline")
    if "thoughts" not in given.beside_words or given.beside_words - {
        "thoughts",
        *TARGETS[target].holds,
    }:
        return
    summary = export_pairs(judged.folder, target=target, to=tmp_path / "out", options=options)
    found = exported(target, summary.files["train"])
    sides = [(found.good, given.good), (found.bad, given.bad)]
    for side, turn in sides[: 1 if target == "sft" else 2]:
        thought = turn.get("reasoning_content")
        before = f"<think>\n{thought}\n</think>\n\n" if thought else ""
        assert side == [{"role": "assistant", "content": f"{before}{turn['content']}"}]
