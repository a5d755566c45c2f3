"""A set of each shape that people have goes in, is judged, and comes out of every export: the words
of each turn and answer, who wrote them, and what `keep` names.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from judgeforge.results.export import TARGETS
from judgeforge.results.export.export import export_pairs
from tests.local_server import LocalServer
from tests.support.foreign_rows import write_rows
from tests.support.run_setup import KEY, KEY_VARIABLE, rows, run, write_config

ASKED = "Which river runs through Graz?"
GOOD, BAD = "[quality=0.9] It is the Mur.", "[quality=0.1] It is the Drau."
USER = {"role": "user", "content": ASKED}
SAY = {"role": "system", "content": "Be brief."}
FIRST = [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Hi."}]


def answer(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def spoken(*turns: tuple[str, str]) -> str:
    return "".join(f"\n\n{speaker}: {text}" for speaker, text in turns)


JUDGED: dict[str, dict[str, Any]] = {
    "completions.jsonl": {"prompt": ASKED, "completions": [BAD, {"answer": GOOD, "model": "m"}]},
    "messages.parquet": {"prompt": [SAY, *FIRST, USER], "completions": [answer(GOOD), answer(BAD)]},
    "ultrafeedback.json": {
        "instruction": ASKED,
        "completions": [{"model": "m", "response": GOOD}, {"model": "n", "response": BAD}],
    },
    "trl.jsonl": {"prompt": [SAY, USER], "chosen": [answer(BAD)], "rejected": [answer(GOOD)]},
    "implicit.json": {
        "chosen": [*FIRST, USER, answer(GOOD)],
        "rejected": [*FIRST, USER, answer(BAD)],
    },
    "binarized.parquet": {
        "prompt": ASKED,
        "chosen": [USER, answer(GOOD)],
        "rejected": [USER, answer(BAD)],
        "score_chosen": 9.0,
    },
    "hh.jsonl": {
        "chosen": spoken(("Human", ASKED), ("Assistant", GOOD)),
        "rejected": spoken(("Human", ASKED), ("Assistant", BAD)),
    },
    "orca.jsonl": {"system": "Be brief.", "question": ASKED, "chosen": GOOD, "rejected": BAD},
    "sharegpt.json": {
        "conversations": [{"from": "human", "value": ASKED}],
        "chosen": {"from": "gpt", "value": GOOD},
        "rejected": {"from": "gpt", "value": BAD},
    },
    "helpsteer3.jsonl": {
        "context": [USER],
        "response1": BAD,
        "response2": GOOD,
        "overall_preference": 2,
    },
    "arena.json": {
        "model_a": "m",
        "model_b": "n",
        "winner": "tie",
        "conversation_a": [USER, answer(GOOD)],
        "conversation_b": [USER, answer(BAD)],
    },
    "finetuning.jsonl": {"messages": [USER, answer(GOOD)], "completions": [BAD]},
}
TURNS = {
    "messages.parquet": [SAY, *FIRST, USER],
    "trl.jsonl": [SAY, USER],
    "orca.jsonl": [SAY, USER],
    "implicit.json": [*FIRST, USER],
}


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with LocalServer() as running, pytest.MonkeyPatch.context() as patch:
        patch.setenv(KEY_VARIABLE, KEY)
        yield running


@pytest.fixture(params=JUDGED, scope="module")
def folder(
    request: pytest.FixtureRequest, server: LocalServer, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The run folder of one set, called as its file."""
    name = str(request.param)
    place = tmp_path_factory.mktemp("set")
    write_rows(place / name, [JUDGED[name] | {"domain": "rivers"}])
    source = {"path": name, "keep": ["domain"], "last_answer": "completion"}
    config = write_config(place, server, prompts=source, sampling=None)
    assert run(config, place / name.partition(".")[0]).exit_code == 0
    return place / name.partition(".")[0]


def of(folder: Path) -> str:
    return next(name for name in JUDGED if name.partition(".")[0] == folder.name)


def words(turns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"role": turn["role"], "content": turn["content"]} for turn in turns]


@pytest.mark.slow
def test_the_pair_has_every_turn_and_answer_as_it_was(folder: Path) -> None:
    (pair,) = rows(folder / "pairs.jsonl")
    assert words(pair["prompt"]) == TURNS.get(of(folder), [USER])
    assert (words(pair["chosen"]), words(pair["rejected"])) == ([answer(GOOD)], [answer(BAD)])
    assert pair["metadata"] == {"domain": "rivers"}
    writers = {pair["chosen_model"], pair["rejected_model"]}
    assert writers <= {"m", "n", "given"}


@pytest.mark.slow
def test_every_export_has_them(folder: Path, tmp_path: Path) -> None:
    for name, target in TARGETS.items():
        if target.needs is not None:
            continue  # a chat template, of a model that a test here has not
        file = tmp_path / f"{name}{target.suffix}"
        export_pairs(folder, target=name, to=file)
        if file.suffix == ".parquet":
            continue
        text = " ".join(json.dumps(row, ensure_ascii=False) for row in rows(file))
        assert all(said in text for said in (ASKED, GOOD, BAD)), name
        for turn in TURNS.get(of(folder), []):
            assert turn["content"] in text, name
