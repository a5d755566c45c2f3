"""Runs whose prompts have criteria of their own: from rows, written by a model, after a kill."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import judgeforge
from judgeforge.results.explain import explain
from judgeforge.runs.planning.check import check_run
from judgeforge.runs.planning.plan import plan_run
from tests.local_server import LocalServer
from tests.local_server.faults import reply_text, status
from tests.support.run_setup import rows, run, write_config

ROWS = [
    {
        "id": "own",
        "prompt": "Tell me a fact.",
        "criteria": [
            {"name": "cites", "yes_no": "Does it cite?", "weight": "essential"},
            {"name": "lies", "yes_no": "Does it lie?", "weight": "pitfall"},
            {"name": "brief", "check": {"max_words": 500}},
        ],
    },
    {"id": "bad", "prompt": "Tell me another.", "criteria": [{"name": "x"}]},
    {"id": "none", "prompt": "Name three rivers."},
]
WRITE = {"write": {"model": "small", "most": 3}}


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with LocalServer() as started:
        yield started


def config_of(
    folder: Path, server: LocalServer, *, protocol: str = "pointwise", **rubric: Any
) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS[::-1]))
    judge: dict[str, Any] = {"model": "small", "protocol": protocol}
    if protocol == "separate":
        judge |= {"protocol": "pairwise", "criteria": "separate"}
    return write_config(
        folder,
        server,
        prompts={"path": "prompts.jsonl"},
        rubric={"name": "rubric.yaml", **rubric},
        judging={"judges": [judge], "fit_repeats": 0},
        sampling={"models": ["small"], "completions": 3, "seed": 7, "max_tokens": 64},
        limits={"max_skip_share": 1.0},
    )


@dataclass(frozen=True)
class Ran:
    config: Path
    folder: Path
    sent: int
    result: judgeforge.RunResult

    def by_prompt(self, name: str) -> dict[str, Any]:
        return {row["prompt_id"]: row for row in rows(self.folder / f"{name}.jsonl")}


def ran(place: Path, server: LocalServer, **settings: Any) -> Ran:
    config, before = config_of(place, server, **settings), len(server.requests)
    result = run(config, place / "out")
    return Ran(config, place / "out", len(server.requests) - before, result)


@pytest.fixture(scope="module")
def added(tmp_path_factory: pytest.TempPathFactory, server: LocalServer) -> Ran:
    return ran(tmp_path_factory.mktemp("added"), server, per_prompt="add", **WRITE)


def test_each_prompt_is_judged_by_the_shared_criteria_and_its_own(added: Ran) -> None:
    judged = {
        row["prompt_id"]: set(row["criteria"])
        for row in rows(added.folder / "judgments.jsonl")
        if row["protocol"] == "pointwise"
    }
    assert judged["own"] == {"quality", "sound", "cites", "lies"}
    assert judged["none"] == {"quality", "sound", "written_0", "written_1", "written_2"}


def test_a_row_with_bad_criteria_is_a_named_skip_and_the_others_are_done(added: Ran) -> None:
    skip = added.by_prompt("skips")["bad"]
    assert skip["reason"] == "invalid_criteria"
    assert "prompts.jsonl:2: `criteria`: criterion 1: criterion `x` must have" in skip["detail"]
    assert added.result.manifest["totals"]["prompts"] == 3


def test_a_pair_names_the_rubric_of_its_prompt_and_what_writing_it_cost(added: Ran) -> None:
    pairs = added.by_prompt("pairs")
    ids = [pairs[name]["provenance"]["rubric"] for name in ("own", "none")]
    assert {one["name"] for one in ids} == {"graded.own"}
    assert ids[0]["sha256"] != ids[1]["sha256"]
    brought, written = (json.loads(pairs[name]["own_criteria"]) for name in ("own", "none"))
    assert [one["name"] for one in brought["criteria"]] == ["cites", "lies", "brief"]
    assert "written_by" not in brought
    assert written["written_by"] == "small"
    assert set(written["calls"]) <= set(pairs["none"]["provenance"]["calls"])
    assert pairs["none"]["provenance"]["cost_usd"] > written["cost_usd"] > 0


def test_the_pairs_load_as_a_table_with_a_column_for_them(added: Ran) -> None:
    found = added.result.pairs
    assert "own_criteria" in found.column_names
    assert all(isinstance(row["own_criteria"], str) for row in found)


def test_explain_and_report_show_what_only_this_prompt_was_judged_by(added: Ran) -> None:
    found = explain(added.folder, "none.p0")
    assert found.own_criteria is not None
    assert next(call.purpose for call in found.calls) == "criteria of the prompt"
    page = (added.folder / "report.html").read_text()
    assert "Does it cite?" in page
    assert "criteria of the prompt&#39;s own" in page
    assert "Each prompt" not in page
    assert "written by" in (added.folder / "README.md").read_text()


def test_starting_again_sends_nothing_and_another_folder_takes_all_from_the_cache(
    added: Ran, server: LocalServer
) -> None:
    before = len(server.requests)
    assert run(added.config, added.folder).did_nothing
    assert run(added.config, added.folder.parent / "again").exit_code == 0
    assert len(server.requests) == before


def test_the_plan_counts_the_calls_that_are_made(added: Ran) -> None:
    plan = plan_run(judgeforge.load_config(added.config), out=added.folder.parent / "new")
    assert plan.calls == added.sent
    assert plan.low is not None
    assert plan.high is not None
    assert plan.low < added.result.manifest["totals"]["cost_usd"] < plan.high


def test_check_says_where_criteria_come_from(added: Ran) -> None:
    report = check_run(judgeforge.load_config(added.config))
    assert any("1 row of 2 brings criteria of their own" in note for note in report.notes)
    assert dict(report.skips) == {"invalid_criteria": 1}


@pytest.mark.parametrize("protocol", ["pairwise", "listwise", "separate"])
def test_every_protocol_judges_by_them(tmp_path: Path, server: LocalServer, protocol: str) -> None:
    found = ran(tmp_path, server, protocol=protocol, per_prompt="add")
    asked = b"".join(record.raw for record in server.requests[-found.sent :])
    assert b"Does it cite?" in asked
    assert found.result.exit_code == 0
    judged = rows(found.folder / "judgments.jsonl")
    assert not any(row["missing"] for row in judged)


def test_only_own_criteria_skip_a_row_without_any_before_anything_is_paid(
    tmp_path: Path, server: LocalServer
) -> None:
    found = ran(tmp_path, server, per_prompt="only")
    assert found.by_prompt("skips")["none"]["reason"] == "no_criteria"
    (judged,) = {
        tuple(row["criteria"])
        for row in rows(found.folder / "judgments.jsonl")
        if row["protocol"] == "pointwise"
    }
    assert judged == ("cites", "lies")
    assert not any(b"three rivers" in record.raw for record in server.requests[-found.sent :])


def test_a_run_that_is_stopped_between_writing_and_judging_pays_for_nothing_twice(
    tmp_path: Path, server: LocalServer
) -> None:
    config = config_of(tmp_path, server, per_prompt="only", **WRITE)
    before = len(server.requests)
    server.faults.add(status(401), when=lambda record: b"You judge one answer" in record.raw)
    try:
        stopped = run(config, tmp_path / "out")
    finally:
        server.faults.clear()
    assert stopped.exit_code == 4
    written = [one for one in server.requests[before:] if b"You write the criteria" in one.raw]
    assert run(config, tmp_path / "out").exit_code == 0
    answered = [one.raw for one in server.requests[before:] if one.status == 200]
    assert len(answered) == len(set(answered))
    assert {one.status for one in written} == {200}


def test_criteria_that_could_not_be_written_are_a_named_skip(
    tmp_path: Path, server: LocalServer
) -> None:
    config = config_of(
        tmp_path, server, per_prompt="add", write={"model": "small", "max_tokens": 2}
    )
    assert run(config, tmp_path / "out").exit_code == 0
    skips = {row["prompt_id"]: row for row in rows(tmp_path / "out" / "skips.jsonl")}
    assert skips["none"]["reason"] == "criteria_not_written"
    assert "rubric.write.max_tokens" in skips["none"]["detail"]


def test_without_the_setting_a_column_of_that_name_is_left_alone_and_told(
    tmp_path: Path, server: LocalServer
) -> None:
    config = config_of(tmp_path, server)
    report = check_run(judgeforge.load_config(config))
    assert not report.skips
    assert any("the column `criteria` is not read" in note for note in report.notes)


@pytest.mark.parametrize("named", [False, True])
def test_code_alone_decides_where_no_judge_is_named_and_check_says_how_to_say_so(
    tmp_path: Path, *, named: bool
) -> None:
    row = {
        "prompt": "Say JSON.",
        "completions": ["{}", "no"],
        "criteria": [{"name": "form", "check": {"json": True}}],
    }
    (tmp_path / "rows.jsonl").write_text(json.dumps(row))
    text = "prompts: {path: rows.jsonl}\nrubric: {per_prompt: only}\n"
    (tmp_path / "config.yaml").write_text(text + ("judging: {judges: []}\n" if named else ""))
    config = judgeforge.load_config(tmp_path / "config.yaml")
    notes = check_run(config).notes
    assert any("`judging: {judges: []}`" in note for note in notes) is not named
    totals = judgeforge.run(config, tmp_path / "out").manifest["totals"]
    assert (totals["pairs"], totals["skips"]) == ((1, {}) if named else (0, {"not_judged": 1}))


def test_a_model_that_never_writes_any_stops_the_run_and_a_setting_of_it_mends_the_folder(
    tmp_path: Path, server: LocalServer
) -> None:
    prose = reply_text("I would look at style.")
    server.faults.add(prose, when=lambda request: b"You write the criteria" in request.raw)

    def start(**write: Any) -> judgeforge.RunResult:
        written = {"model": "small", **write}
        rubric = {"name": "rubric.yaml", "per_prompt": "add", "write": written}
        return run(write_config(tmp_path, server, prompts=12, rubric=rubric), tmp_path / "out")

    before = len(server.requests)
    result = start()
    assert result.exit_code == 4
    assert "rubric.write" in str(result.stopped_by)
    asked = [one for one in server.requests[before:] if b"number 11" in one.raw]
    assert not asked, "not all was sampled for nothing"
    assert (result.manifest["totals"]["prompts"], result.skips) == (0, [])
    server.faults.clear()
    assert start(max_tokens=4000).exit_code == 0
