"""`context_tokens` of a judge's model: what cannot fit is noticed before it is paid for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import judgeforge
from judgeforge.errors import ConfigError
from tests.local_server import LocalServer, faults
from tests.support.run_setup import model, rows, run, write_config

LONG = "[quality=0.9000] " + 1000 * "long "
ANSWERS = [LONG, "[quality=0.6000] short", "[quality=0.3000] also short"]


def short_sighted(
    folder: Path, server: LocalServer, context_tokens: int, row: dict[str, Any], **judge: Any
) -> Path:
    (folder / "prompts.jsonl").write_text(json.dumps(row) + "\n")
    near = model(server, model="near", context_tokens=context_tokens)
    return write_config(
        folder,
        server,
        models={"small": model(server), "near": near},
        judging={"judges": [{"model": "near", "max_tokens": 100, **judge}]},
    )


@pytest.mark.parametrize(
    ("protocol", "asked"), [("pointwise", 2), ("pairwise", 2), ("listwise", 0)]
)
def test_what_does_not_fit_is_a_missing_judgment_and_no_call(
    tmp_path: Path, server: LocalServer, protocol: str, asked: int
) -> None:
    row = {"id": "p", "prompt": "Why?", "completions": ANSWERS}
    result = run(short_sighted(tmp_path, server, 1200, row, protocol=protocol), tmp_path / "out")
    assert len(server.requests) == asked
    judgments = rows(tmp_path / "out" / "judgments.jsonl")
    missing = [one for one in judgments if one["missing"]]
    assert len(judgments) - len(missing) == asked
    assert all("p.c0" in one["completion_ids"] for one in missing)
    reasons = {one["missing"].partition("about")[0] for one in missing}
    assert reasons == {"too long for the judge: "}
    assert "context_tokens = 1200 of `near`" in missing[0]["missing"]
    assert result.exit_code == (0 if asked else 5)


def test_a_prompt_that_no_judge_can_be_shown_is_not_sampled(
    tmp_path: Path, server: LocalServer
) -> None:
    config = short_sighted(tmp_path, server, 1200, {"prompt": LONG})
    result = run(config, tmp_path / "out")
    assert result.manifest["totals"]["skips"] == {"too_long": 1}
    assert not server.requests


@pytest.mark.parametrize("of", ["small", "near"])
def test_what_is_finished_stays_finished_when_a_context_becomes_known(
    tmp_path: Path, server: LocalServer, of: str
) -> None:
    (tmp_path / "prompts.jsonl").write_text(json.dumps({"id": "p", "prompt": LONG}) + "\n")
    models = {"small": model(server), "near": model(server, model="near")}
    judging = {"judges": [{"model": "near", "max_tokens": 100}]}
    run(write_config(tmp_path, server, models=models, judging=judging), tmp_path / "out")
    pairs = (tmp_path / "out" / "pairs.jsonl").read_bytes()
    assert pairs
    models[of]["context_tokens"] = 1200
    config = write_config(tmp_path, server, models=models, judging=judging)
    with (tmp_path / "prompts.jsonl").open("a") as file:
        file.write(json.dumps({"id": "q", "prompt": f"Also {LONG}"}) + "\n")
        file.write(json.dumps({"id": "r", "prompt": "Why?"}) + "\n")
    result = run(config, tmp_path / "out")
    assert (tmp_path / "out" / "pairs.jsonl").read_bytes().startswith(pairs)
    assert result.manifest["totals"]["skips"] == {"too_long": 1}
    assert result.manifest["totals"]["pairs"] == 2


def test_one_judge_of_unknown_context_can_still_be_shown_it(
    tmp_path: Path, server: LocalServer
) -> None:
    config = short_sighted(tmp_path, server, 1200, {"prompt": LONG})
    text = config.read_text().replace("judges:\n", "judges:\n  - model: small\n")
    config.write_text(text)
    assert run(config, tmp_path / "out").manifest["totals"]["pairs"] == 1
    assert not server.calls(model="near")


def test_a_judge_without_room_for_anything_is_a_mistake_in_the_configuration(
    tmp_path: Path, server: LocalServer
) -> None:
    config = short_sighted(tmp_path, server, 150, {"prompt": "Why?"})
    with pytest.raises(ConfigError, match=r"judge `near` could be shown nothing") as error:
        judgeforge.run(judgeforge.load_config(config), tmp_path / "out")
    assert error.value.key == "models.near.context_tokens"
    assert error.value.line
    assert not server.requests


def test_a_server_that_reads_no_prompt_whole_stops_the_run_before_all_is_paid(
    tmp_path: Path, server: LocalServer
) -> None:
    said = json.dumps({"rationale": "Fine.", "scores": {"quality": 7, "sound": True}})
    message = {"role": "assistant", "content": said}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 300, "completion_tokens": 9, "total_tokens": 309}
    reply = {"id": "x", "model": "small", "choices": [choice], "usage": usage}
    server.faults.add(faults.whole_reply(reply), when=lambda r: r.kind == "judge")
    asked = "Which of these words is the longest one? " * 150
    prompts = [json.dumps({"prompt": f"{number}. {asked}"}) for number in range(40)]
    (tmp_path / "prompts.jsonl").write_text("\n".join(prompts), encoding="utf-8")
    result = run(write_config(tmp_path, server, prompts=40), tmp_path / "out")
    assert result.exit_code == 4
    assert "counted 300 tokens of a longer input" in str(result.stopped_by)
    assert len(server.calls(kind="judge")) < 40
