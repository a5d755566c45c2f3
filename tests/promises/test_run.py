"""A whole run: prompts in, traced preference pairs out."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, NoReturn

import pytest

import judgeforge
from judgeforge.errors import ConfigError, InputError, LockHeldError
from judgeforge.judging.protocols import pointwise as pointwise_judging
from judgeforge.results.report import writing
from judgeforge.results.status import read_status
from judgeforge.runs.preparation import worklist
from judgeforge.runs.prompt_work import PromptWork
from judgeforge.store.lock import FolderLock
from tests.local_server import LocalServer, faults, quality_of
from tests.support.run_setup import KEY, logged, model, rows, run, write_config, write_prompts

RESULTS = ("pairs.jsonl", "skips.jsonl", "completions.jsonl", "judgments.jsonl", "pairs.parquet")


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_pairs_follow_the_hidden_quality(
    tmp_path: Path, server: LocalServer, out: Path, provider: str
) -> None:
    result = run(write_config(tmp_path, server, prompts=16, provider=provider), out)
    assert result.exit_code == 0
    right = [
        quality_of(pair["chosen"][0]["content"]) > quality_of(pair["rejected"][0]["content"])
        for pair in rows(out / "pairs.jsonl")
    ]
    assert len(right) >= 15
    assert sum(right) >= len(right) - 1


@pytest.mark.parametrize("structured", ["json_schema", "tool", "instruction"])
@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_every_way_to_ask_for_a_structured_reply_works(
    tmp_path: Path, server: LocalServer, out: Path, provider: str, structured: str
) -> None:
    own = model(server, provider, structured=structured)
    config = write_config(tmp_path, server, prompts=2, models={"small": own})
    assert run(config, out).manifest["totals"]["pairs"] == 2


def test_a_pair_tells_where_it_comes_from(tmp_path: Path, server: LocalServer, out: Path) -> None:
    run(write_config(tmp_path, server, prompts=1), out)
    pair = rows(out / "pairs.jsonl")[0]
    judgments = {row["id"]: row for row in rows(out / "judgments.jsonl")}
    completions = {row["id"]: row for row in rows(out / "completions.jsonl")}
    source = pair["provenance"]
    assert pair["score_margin"] == pytest.approx(pair["score_chosen"] - pair["score_rejected"])
    assert 0.5 <= pair["confidence"] <= 1
    assert completions[source["chosen_id"]]["text"] == pair["chosen"][0]["content"]
    assert {judgments[i]["judge"] for i in source["judgment_ids"]} == set(source["judges"])
    assert source["rubric"]["name"] == "graded"
    assert len(source["rubric"]["sha256"]) == 64
    used = [completions[source[side]] for side in ("chosen_id", "rejected_id")]
    used += [judgments[i] for i in source["judgment_ids"]]
    assert {row["call"] for row in used} == set(source["calls"])
    assert source["cost_usd"] == pytest.approx(sum(row["cost_usd"] for row in used))


def test_a_second_run_sends_nothing_and_leaves_the_same_bytes(
    tmp_path: Path, server: LocalServer, out: Path
) -> None:
    config = write_config(tmp_path, server)
    run(config, out)
    before = {file: file.read_bytes() for file in out.rglob("*") if file.is_file()}
    sent = len(server.requests)
    again = run(config, out)
    assert again.did_nothing
    assert again.exit_code == 0
    assert len(server.requests) == sent
    assert {file: file.read_bytes() for file in out.rglob("*") if file.is_file()} == before


def test_a_new_folder_is_filled_from_the_cache(
    tmp_path: Path, server: LocalServer, out: Path
) -> None:
    config = write_config(tmp_path, server)
    run(config, out)
    sent = len(server.requests)
    other = run(config, tmp_path / "other")
    assert len(server.requests) == sent
    assert other.manifest["last_run"]["calls"] == {"paid": 0, "cached": 48}
    assert other.manifest["totals"]["cost_usd"] == 0
    for name in RESULTS[:4]:
        assert (tmp_path / "other" / name).read_bytes() == (out / name).read_bytes()


def test_totals_are_what_the_server_saw(tmp_path: Path, server: LocalServer, out: Path) -> None:
    totals = run(write_config(tmp_path, server), out).manifest["totals"]
    assert totals["calls"]["paid"] == len(server.requests) == 48
    assert totals["tokens"]["input"] == sum(r.tokens.input for r in server.requests)
    assert totals["tokens"]["output"] == sum(r.tokens.output for r in server.requests)
    price = {"small": {"input_per_mtok": 1.0, "output_per_mtok": 4.0}}
    assert totals["cost_usd"] == pytest.approx(server.billed_usd(price))


def test_every_row_ends_as_pairs_or_as_one_named_skip(
    tmp_path: Path, server: LocalServer, out: Path
) -> None:
    write_prompts(tmp_path, 3)
    with (tmp_path / "prompts.jsonl").open("ab") as file:
        file.write(b'not json\n{"prompt": ""}\n\xff\xfe\n{"id": "p0", "prompt": "again"}\n')
    config = write_config(tmp_path, server, limits={"max_skip_share": 0.6})
    result = run(config, out)
    assert result.exit_code == 0
    assert [skip.prompt_id for skip in result.skips] == ["line-4", "line-5", "line-6", "p0"]
    totals = result.manifest["totals"]
    assert totals["prompts"] == 7 == totals["pairs"] + sum(totals["skips"].values())


def test_too_many_failed_prompts_are_exit_code_5(
    tmp_path: Path, server: LocalServer, out: Path
) -> None:
    write_prompts(tmp_path, 2)
    with (tmp_path / "prompts.jsonl").open("a") as file:
        file.write("not json\n")
    result = run(write_config(tmp_path, server), out)
    assert (result.exit_code, result.manifest["status"]) == (5, "skipped")
    assert run(write_config(tmp_path, server), out).exit_code == 5


def test_pairs_under_the_asked_confidence_are_outcomes_and_no_failures(
    tmp_path: Path, server: LocalServer, out: Path
) -> None:
    config = write_config(tmp_path, server, prompts=3, pairing={"min_margin": 0.99})
    result = run(config, out)
    assert result.exit_code == 0
    assert {skip.reason for skip in result.skips} == {"below_margin"}


def test_appended_rows_are_done_and_old_pairs_stay(
    tmp_path: Path, server: LocalServer, out: Path
) -> None:
    config = write_config(tmp_path, server, prompts=3)
    run(config, out)
    before, sent = (out / "pairs.jsonl").read_text(), len(server.requests)
    write_prompts(tmp_path, 5)
    result = run(config, out)
    assert len(server.requests) - sent == 2 * 8
    assert (out / "pairs.jsonl").read_text().startswith(before)
    assert result.manifest["totals"]["prompts"] == 5
    assert result.manifest["last_run"]["prompts"] == 2


def test_limit_does_the_first_rows_and_a_later_run_the_others(
    tmp_path: Path, server: LocalServer, out: Path
) -> None:
    config = write_config(tmp_path, server, prompts=5)
    assert run(config, out, limit=2).manifest["totals"]["prompts"] == 2
    assert run(config, out).manifest["totals"]["prompts"] == 5


def test_a_limit_takes_nothing_out_of_a_folder_with_more(
    tmp_path: Path, server: LocalServer, out: Path
) -> None:
    config, file = write_config(tmp_path, server, prompts=8), tmp_path / "prompts.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    earlier = [*lines[:2], "no json\n", *lines[2:5]]
    file.write_text("".join(earlier))
    run(config, out)
    assert run(config, out, limit=2).did_nothing
    file.write_text("".join([*lines[5:8], *earlier]))
    result = run(config, out, limit=2)
    totals, status = result.manifest["totals"], read_status(out)
    found = [row["prompt_id"] for row in rows(out / "pairs.jsonl")]
    assert found == ["p5", "p6", "p0", "p1", "p2", "p3", "p4"]
    assert (result.exit_code, totals["prompts"], totals["skips"]) == (0, 8, {"invalid_row": 1})
    assert result.manifest["last_run"]["prompts"] == 2
    assert (status.done, status.prompts) == (8, 8)
    assert run(config, out, limit=2).did_nothing
    assert run(config, out).manifest["totals"]["prompts"] == 9


@pytest.mark.parametrize(
    ("part", "named"),
    [
        ({"sampling": {"models": ["small"], "completions": 3, "seed": 7}}, "sampling.completions"),
        ({"pairing": {"strategy": "all_pairs"}}, "pairing.strategy"),
        ({"judging": {"judges": [{"model": "small", "repeats": 2}]}}, "judging.judges"),
    ],
)
def test_a_changed_configuration_on_an_old_folder_says_what_differs(
    tmp_path: Path, server: LocalServer, out: Path, part: dict[str, Any], named: str
) -> None:
    run(write_config(tmp_path, server, prompts=2), out)
    changed = write_config(tmp_path, server, **part)
    with pytest.raises(ConfigError, match=rf"{named}(?s:.*)out=.*force=True"):
        run(changed, out)
    assert run(changed, out, force=True).exit_code == 0


def test_budget_limits_and_timeouts_may_change_freely(
    tmp_path: Path, server: LocalServer, out: Path
) -> None:
    run(write_config(tmp_path, server, prompts=2), out)
    own = model(
        server,
        concurrency=3,
        timeout_s=5,
        price={**{}, "input_per_mtok": 2.0, "output_per_mtok": 2.0},
    )
    changed = write_config(
        tmp_path, server, models={"small": own}, limits={"concurrency": 2}, budget={"usd": 9.0}
    )
    assert run(changed, out).did_nothing


def test_changed_and_removed_rows_need_force(
    tmp_path: Path, server: LocalServer, out: Path
) -> None:
    config = write_config(tmp_path, server, prompts=3)
    run(config, out)
    text = (tmp_path / "prompts.jsonl").read_text().replace("fact number 1", "joke number 1")
    (tmp_path / "prompts.jsonl").write_text("".join(text.splitlines(keepends=True)[:2]))
    with pytest.raises(ConfigError, match=r"changed: `p1` .*removed: 1 row \(`p2`\)"):
        run(config, out)
    result = run(config, out, force=True)
    assert [row["prompt_id"] for row in rows(out / "pairs.jsonl")] == ["p0", "p1"]
    assert result.manifest["totals"]["prompts"] == 2
    assert run(config, out).did_nothing  # what was accepted once is not asked about again


def test_two_runs_on_one_folder_are_refused(tmp_path: Path, server: LocalServer, out: Path) -> None:
    config = write_config(tmp_path, server)
    (out / "state").mkdir(parents=True)
    with FolderLock(out / "state" / "lock"), pytest.raises(LockHeldError):
        run(config, out)
    assert not (out / "manifest.json").exists()
    assert not server.requests


def test_a_key_that_is_not_set_is_a_configuration_error_before_any_call(
    tmp_path: Path, server: LocalServer, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEST_KEY")
    with pytest.raises(ConfigError, match="TEST_KEY is not set"):
        run(write_config(tmp_path, server), out)
    assert not server.requests
    assert not out.exists()


def test_a_budget_without_a_price_is_a_configuration_error(
    tmp_path: Path, server: LocalServer, out: Path
) -> None:
    own = model(server)
    del own["price"]
    config = write_config(tmp_path, server, models={"small": own}, budget={"usd": 1.0})
    with pytest.raises(ConfigError, match="price"):
        run(config, out)
    assert (
        run(write_config(tmp_path, server, prompts=1, models={"small": own}), out).manifest[
            "totals"
        ]["cost_usd"]
        is None
    )


def test_missing_prompts_are_an_input_error(tmp_path: Path, server: LocalServer, out: Path) -> None:
    config = write_config(tmp_path, server)
    (tmp_path / "prompts.jsonl").rename(tmp_path / "promts.jsonl")
    line = config.read_text().splitlines().index("  path: prompts.jsonl") + 1
    words = rf"config\.yaml:{line}: prompts\.path: /.*; did you mean `promts\.jsonl`"
    with pytest.raises(InputError, match=words):
        run(config, out)
    assert not out.exists()


def test_rows_that_bring_their_completions_are_only_judged(
    tmp_path: Path, server: LocalServer, out: Path
) -> None:
    row = {"prompt": "Which?", "completions": ["[quality=0.9] a", {"text": "[quality=0.1] b"}]}
    (tmp_path / "prompts.jsonl").write_text(json.dumps(row) + "\n")
    config = write_config(tmp_path, server)
    config.write_text(
        "\n".join(line for line in config.read_text().splitlines() if "seed" not in line)
    )
    import yaml

    parts = yaml.safe_load(config.read_text())
    del parts["sampling"]
    config.write_text(yaml.safe_dump(parts))
    run(config, out)
    assert {call.kind for call in server.requests} == {"judge"}
    assert rows(out / "pairs.jsonl")[0]["chosen"][0]["content"].endswith("a")


def test_equal_completions_are_judged_once_and_share_their_score(
    tmp_path: Path, server: LocalServer, out: Path
) -> None:
    row = {"prompt": "Which?", "completions": ["[quality=0.9] a", "[quality=0.1] b"] * 2}
    (tmp_path / "prompts.jsonl").write_text(json.dumps(row) + "\n")
    run(write_config(tmp_path, server), out)
    assert len(server.calls(kind="judge")) == 2
    scores = [row["score"] for row in rows(out / "completions.jsonl")]
    assert scores[0] == scores[2] != scores[1] == scores[3]


def test_a_judge_that_cannot_be_read_is_asked_once_more_and_never_guessed(
    tmp_path: Path, server: LocalServer, out: Path
) -> None:
    server.faults.add(faults.out_of_range(), when=lambda r: r.kind == "judge")
    own = model(server, structured="json_schema")
    result = run(write_config(tmp_path, server, prompts=1, models={"small": own}), out)
    assert [skip.reason for skip in result.skips] == ["too_few_judged"]
    judgments = rows(out / "judgments.jsonl")
    assert all(row["score"] is None and "unreadable" in row["missing"] for row in judgments)
    assert len(server.calls(kind="judge")) == 8


def test_a_reply_whose_reading_fails_unexpectedly_is_one_named_judgment_and_no_stop(
    tmp_path: Path, server: LocalServer, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = pointwise_judging.read_scores

    def broken_once(text: str, **rubric: Any) -> Any:
        monkeypatch.setattr(pointwise_judging, "read_scores", reads)
        raise OverflowError(f"unforeseen in {text[:1]}")

    monkeypatch.setattr(pointwise_judging, "read_scores", broken_once)
    result = run(write_config(tmp_path, server, prompts=2), out)
    missing = [row["missing"] for row in rows(out / "judgments.jsonl") if row["missing"]]
    failed = logged(out, "reading_failed")
    assert (result.exit_code, result.manifest["totals"]["prompts"]) == (0, 2)
    assert [line["error"] for line in failed] == missing
    assert len(missing) == 1
    assert "OverflowError: unforeseen" in missing[0]


@pytest.mark.parametrize(
    ("fault", "finish"),
    [
        (faults.refusal(), "refusal"),
        (faults.content_filter(), "content_filter"),
        (faults.finish_length(), "length"),
        (faults.empty_text(), "empty"),
    ],
)
def test_completions_that_are_no_answers_have_their_own_names(
    tmp_path: Path, server: LocalServer, out: Path, fault: Any, finish: str
) -> None:
    server.faults.add(fault, when=lambda r: r.kind == "completion")
    result = run(write_config(tmp_path, server, prompts=1), out)
    assert {row["finish"] for row in rows(out / "completions.jsonl")} == {finish}
    assert [skip.reason for skip in result.skips] == ["too_few_completions"]


@pytest.mark.parametrize(
    ("provider", "metadata"),
    [
        ("openai", {"reasons": ["violence"], "flagged_input": "Tell me", "provider_name": "x"}),
        ("anthropic", {"error_type": "content_policy_violation"}),
    ],
)
def test_what_moderation_refuses_is_an_outcome_of_that_request_alone(
    tmp_path: Path, server: LocalServer, out: Path, provider: str, metadata: dict[str, Any]
) -> None:
    said = {"error": {"code": 403, "message": "Your input was flagged.", "metadata": metadata}}
    for kind in ("completion", "judge"):
        flagged = faults.status(403, body=said)
        server.faults.add(flagged, when=lambda r, kind=kind: r.kind == kind, nth=1)
    result = run(write_config(tmp_path, server, prompts=3, provider=provider), out)
    assert (result.exit_code, result.manifest["totals"]["pairs"]) == (0, 3)
    (withheld,) = (row for row in rows(out / "completions.jsonl") if not row["text"])
    assert withheld["finish"] == "content_filter"
    assert "moderation flagged this request" in withheld["flags"][0]
    (missing,) = (row for row in rows(out / "judgments.jsonl") if row["missing"])
    assert missing["missing_kind"] == "withheld"
    assert "Your input was flagged." in missing["missing"]
    assert [request.status for request in server.requests].count(403) == 2


def test_reasoning_is_kept_and_taken_out_of_completions(
    tmp_path: Path, server: LocalServer, out: Path
) -> None:
    server.faults.add(faults.think_tags("Let me see."), when=lambda r: r.kind == "completion")
    run(write_config(tmp_path, server, prompts=1), out)
    for row in rows(out / "completions.jsonl"):
        assert row["reasoning"] == "Let me see."
        assert "think" not in row["text"]


def test_run_works_inside_a_running_loop(tmp_path: Path, server: LocalServer, out: Path) -> None:
    config = judgeforge.load_config(write_config(tmp_path, server, prompts=1))

    async def notebook() -> judgeforge.RunResult:
        return judgeforge.run(config, out)

    assert asyncio.run(notebook()).pairs.num_rows == 1


def test_no_key_is_in_any_file(
    tmp_path: Path, server: LocalServer, out: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    server.faults.add(faults.status(400), nth=2)
    run(write_config(tmp_path, server), out)
    for file in tmp_path.rglob("*"):
        if file.is_file():
            assert KEY.encode() not in file.read_bytes(), file
    shown = capfd.readouterr()
    assert KEY not in shown.out + shown.err


def test_every_call_is_in_the_log_with_what_is_needed_to_debug_it(
    tmp_path: Path, server: LocalServer, out: Path
) -> None:
    server.faults.add(faults.status(500), nth=1)
    run(write_config(tmp_path, server, prompts=2), out)
    calls = logged(out, "call")
    assert len(calls) == len(server.requests)
    failed = next(row for row in calls if row.get("status") == 500)
    assert failed["attempt"] == 1
    good = [row for row in calls if row["outcome"] == "stop"]
    for field in ("key", "model", "latency_s", "input_tokens", "output_tokens", "cost_usd"):
        assert all(field in row for row in good), field


def test_a_row_with_wrong_checks_of_its_own_is_skipped_before_anything_is_paid(
    tmp_path: Path, server: LocalServer, out: Path
) -> None:
    right, wrong = {"max_words": 50}, {"max_wrods": 50}
    prompts = [
        {"id": name, "prompt": f"Tell me {name}.", "metadata": {"checks": checks}}
        for name, checks in (("one", right), ("two", wrong))
    ]
    (tmp_path / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in prompts))
    config = write_config(tmp_path, server)
    with (tmp_path / "rubric.yaml").open("a") as rubric:
        rubric.write("  - {name: kept, weight: 1, check: {from_metadata: checks}}\n")
    assert run(config, out, limit=1).manifest["totals"]["pairs"] == 1
    sent = len(server.requests)
    result = run(config, out)
    (skip,) = rows(out / "skips.jsonl")
    assert (skip["prompt_id"], skip["reason"]) == ("two", "invalid_row")
    assert "prompts.jsonl:2: `metadata.checks`: `max_wrods` is not a check" in skip["detail"]
    assert len(server.requests) == sent
    assert result.manifest["totals"]["prompts"] == 2


@pytest.mark.slow
def test_an_input_that_cannot_be_read_on_is_no_mistake_before_any_call(
    tmp_path: Path, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = worklist.read_prompts  # what reads them for the second time; the first one checks them

    def breaks_when_read_again(*arguments: Any, **options: Any) -> Any:
        for number, row in enumerate(whole(*arguments, **options)):
            if number == 30:
                raise InputError("the data set went away after row 30")
            yield row

    config = write_config(tmp_path, server, prompts=40)
    with monkeypatch.context() as during:
        during.setattr(worklist, "read_prompts", breaks_when_read_again)
        result = run(config, tmp_path / "out")
    assert result.manifest["totals"]["calls"]["paid"]
    assert (result.exit_code, result.manifest["status"]) == (74, "failed")
    assert "went away" in str(result.stopped_by)
    assert run(config, tmp_path / "out").exit_code == 0


def test_a_bug_in_a_run_still_writes_the_results_and_says_what_it_is(
    tmp_path: Path, server: LocalServer, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_arguments: Any, **_options: Any) -> NoReturn:
        raise RuntimeError("nobody expects this")

    config = write_config(tmp_path, server, prompts=3)
    assert run(config, out, limit=1).exit_code == 0
    with monkeypatch.context() as during:
        during.setattr(PromptWork, "conclude", fails)
        result = run(config, out)
    assert (result.exit_code, result.manifest["status"]) == (74, "failed")
    assert "bug in judgeforge" in str(result.stopped_by)
    assert len(rows(out / "completions.jsonl")) == 4
    (bug,) = logged(out, "bug")
    assert "in fails" in bug["traceback"]
    assert run(config, out).exit_code == 0


def test_a_bug_in_the_report_leaves_the_run_complete(
    tmp_path: Path, server: LocalServer, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_arguments: Any, **_options: Any) -> NoReturn:
        raise RuntimeError("nobody expects this")

    monkeypatch.setattr(writing, "write_report_of", fails)
    result = run(write_config(tmp_path, server, prompts=1), out)
    (note,) = result.notes
    assert "no report.html was written; the run itself is whole. This is a bug" in note
    assert (result.exit_code, result.manifest["status"]) == (0, "complete")
    assert logged(out, "bug")
