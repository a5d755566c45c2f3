"""What models would be sent about a prompt is just what a run sends, and nothing is sent for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import judgeforge
from judgeforge.errors import InputError
from judgeforge.runs.planning.preview import Preview, preview
from tests.local_server import LocalServer
from tests.support.run_process import Command
from tests.support.run_setup import KEY_VARIABLE, run, write_config

CONFIGS = sorted((Path(__file__).parents[3] / "configs").glob("*.yaml"))
READY = [
    {"id": "p0", "prompt": "Who wrote Faust?", "completions": ["[quality=0.9]", "[quality=0.2]"]},
    {"id": "p1", "prompt": "And Egmont?", "completions": ["[quality=0.8]", "[quality=0.1]"]},
]

THOUGHT = "Perhaps it was Schiller."
THOUGHTFUL = [
    {
        "id": "p0",
        "prompt": "Who wrote Faust?",
        "completions": [
            f"<think>{THOUGHT}</think>Goethe, says `<think>`. [quality=0.9]",
            "Nobody. [quality=0.1]",
        ],
    }
]


def written(folder: Path, server: LocalServer, rows: list[dict[str, Any]], **parts: Any) -> Path:
    config = write_config(folder, server, **parts)
    (folder / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return config


def previewed(config: Path, prompt_id: str | None = None) -> Preview:
    return preview(judgeforge.load_config(config), prompt_id)


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.stem)
def test_each_shipped_configuration_can_be_looked_at_without_a_key(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    found = previewed(config)
    asked = {one.by for one in found.requests if one.purpose == "judgment"}
    judges = judgeforge.load_config(config).judging.judges
    assert asked == {judge.label for judge in judges} or "mini" in asked  # one writer's family
    assert bool(asked) != ("no judge is asked about this prompt" in found.notes)


@pytest.mark.parametrize("protocol", ["pointwise", "pairwise", "listwise"])
def test_a_judge_is_sent_just_what_was_shown(
    tmp_path: Path, server: LocalServer, protocol: str
) -> None:
    judging = {"judges": [{"model": "small", "protocol": protocol, "max_tokens": 300}]}
    config = written(tmp_path, server, READY, sampling=None, judging={**judging, "fit_repeats": 0})
    (shown,) = previewed(config, "p1").requests
    assert not server.requests
    run(config, tmp_path / "out")
    bodies = [one.body for one in server.requests]
    assert bodies.count(shown.body) == 1
    about_p1 = [body for body in bodies if "And Egmont?" in json.dumps(body)]
    assert len(about_p1) == shown.times


def test_draws_that_read_the_same_are_shown_once_and_answers_have_words_in_their_place(
    tmp_path: Path, server: LocalServer
) -> None:
    sampling = {"models": ["small"], "completions": 4, "temperature": [0.5, 1.0], "max_tokens": 64}
    config = write_config(tmp_path, server, sampling=sampling)
    *completions, judgment = previewed(config).requests
    assert [(one.purpose, one.times) for one in completions] == [("completion", 2)] * 2
    assert [one.body["temperature"] for one in completions] == [0.5, 1.0]
    assert "[answer 1, which `small` is still to write]" in judgment.messages[-1].text
    assert judgment.times == 4


def test_a_judge_that_answers_first_is_shown_with_that_answer(
    tmp_path: Path, server: LocalServer
) -> None:
    judging = {"judges": [{"model": "small", "commit_first": True, "max_tokens": 300}]}
    config = written(tmp_path, server, READY, sampling=None, judging=judging)
    own, judgment = previewed(config).requests
    assert own.messages[-1].text == "Who wrote Faust?"
    assert "[what `small` is still to answer itself]" in judgment.messages[-1].text


@pytest.mark.parametrize("shown", [False, True])
@pytest.mark.parametrize("kept", [False, True])
def test_thoughts_in_the_tags_of_brought_answers_go_where_settings_send_those_of_sampled_ones(
    tmp_path: Path, server: LocalServer, shown: bool, kept: bool
) -> None:
    judging = {
        "judges": [{"model": "small", "protocol": "pairwise", "max_tokens": 300}],
        "show_reasoning": shown,
    }
    pairing = {"thinking": "keep"} if kept else {}
    config = written(tmp_path, server, THOUGHTFUL, sampling=None, judging=judging, pairing=pairing)
    asked = json.dumps(previewed(config).requests[0].body)
    assert (THOUGHT in asked, "`<think>`" in asked) == (shown, True)
    (pair,) = run(config, tmp_path / "out").pairs
    assert all((THOUGHT in json.dumps(one.body)) is shown for one in server.requests)
    (chosen,) = pair["chosen"]
    assert chosen["content"] == "Goethe, says `<think>`. [quality=0.9]"
    assert chosen.get("reasoning_content") == (THOUGHT if kept else None)


@pytest.mark.parametrize(
    ("rows", "asked", "told"),
    [
        (READY, "p2", "no prompt has the id `p2`; there are p0, p1"),
        (
            [*READY, {"id": "p9", "prompt": ""}],
            "p9",
            "p9 would be skipped as empty_prompt: ",
        ),
        ([{"id": "p9", "prompt": ""}], None, "no row of the input can be used; the first of them"),
    ],
)
def test_a_prompt_that_is_not_there_is_told(
    tmp_path: Path, server: LocalServer, rows: list[dict[str, Any]], asked: str | None, told: str
) -> None:
    with pytest.raises(InputError) as caught:
        previewed(written(tmp_path, server, rows), asked)
    assert told in str(caught.value)


def test_the_command_prints_words_or_the_bodies(
    tmp_path: Path, server: LocalServer, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(KEY_VARIABLE)
    config = written(tmp_path, server, READY)
    code, shown, _ = command("preview", config, "--id", "p1")
    assert code == 0
    assert "prompt p1, line 2; nothing was sent" in shown
    assert "And Egmont?" in shown
    code, shown, _ = command("preview", config, "--json")
    found = json.loads(shown)
    assert (code, found["prompt_id"]) == (0, "p0")
    assert {one["endpoint"] for one in found["requests"]} == {"/chat/completions"}
    assert not server.requests
