"""A run in batches, from the plan to the report; faults and kills are rows of `make faults`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

import judgeforge
from judgeforge.cli import app
from judgeforge.errors import ConfigError
from judgeforge.results.explain import explain
from judgeforge.results.status import RunStatus, read_status
from judgeforge.runs.planning.plan import PlanReport, plan_run
from judgeforge.runs.progress import Progress
from tests.local_server import LocalServer
from tests.support.batch_setup import BATCH_PRICE, creations, in_batches, lines
from tests.support.pictures import data_url, png
from tests.support.run_setup import model, rows, run, write_config

PROMPTS = 12


@dataclass(frozen=True)
class Story:
    """One folder, first left with `--no-wait`, then waited for."""

    server: LocalServer
    config: Path
    out: Path
    planned: PlanReport
    left: judgeforge.RunResult
    meanwhile: RunStatus
    shown: str
    finished: judgeforge.RunResult
    progress: list[Progress]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("batches")
    with LocalServer() as server:
        server.behaviour.batches.delay_s = 1.5
        models = {"small": model(server, **in_batches())}
        config, out = write_config(folder, server, prompts=PROMPTS, models=models), folder / "out"
        planned = plan_run(judgeforge.load_config(config))
        left = run(config, out, no_wait=True)
        meanwhile = read_status(out)
        shown = CliRunner().invoke(app, ["status", str(out)]).output
        server.behaviour.batches.delay_s = 0.7
        progress: list[Progress] = []
        finished = run(config, out, on_progress=progress.append)
        yield Story(server, config, out, planned, left, meanwhile, shown, finished, progress)


def test_all_requests_of_a_stage_are_in_one_batch(story: Story) -> None:
    assert story.finished.exit_code == 0
    assert creations(story.server) == 2
    assert len(lines(story.server)) == (PROMPTS - 1) * 8


def test_the_first_prompt_goes_directly_and_shows_that_the_model_can_be_asked(story: Story) -> None:
    directly = [record for record in story.server.calls() if not record.in_batch]
    assert len(directly) == 8
    assert story.server.calls()[:8] == directly


def test_what_is_paid_is_what_is_billed_at_half_the_price(story: Story) -> None:
    billed = story.server.billed_usd({"small": BATCH_PRICE})
    assert story.finished.manifest["totals"]["cost_usd"] == pytest.approx(billed, abs=1e-12)


def test_the_plan_says_both_prices_and_the_saving(story: Story) -> None:
    """The first prompt goes directly, at the usual price."""
    (one,) = story.planned.models
    assert one.directly is not None
    assert one.expected == pytest.approx(one.directly * (1 + (PROMPTS - 1) / 2) / PROMPTS, rel=0.01)
    saved = one.directly - (one.expected or 0)
    assert any(f"which saves ${saved:.4f} (46%)" in note for note in story.planned.notes)


def test_no_wait_ends_with_exit_6_and_reserves_the_most_that_the_batch_can_cost(
    story: Story,
) -> None:
    assert (story.left.exit_code, story.left.manifest["status"]) == (6, "waiting")
    assert "1 batch, 0 of 44 answered" in str(story.left.stopped_by)
    paid = sum(record.cost_usd(BATCH_PRICE) for record in story.server.calls()[:8])
    assert story.meanwhile.reserved_usd == pytest.approx((story.meanwhile.cost_usd or 0) - paid)
    assert story.meanwhile.reserved_usd > 0


def test_the_status_tells_of_the_batches_under_way(story: Story) -> None:
    assert story.meanwhile.batches is not None
    assert (story.meanwhile.batches.batches, story.meanwhile.batches.requests) == (1, 44)
    assert "waits for 1 batch, 0 of 44 answered" in story.shown
    assert read_status(story.out).batches is None


def test_the_progress_tells_of_them(story: Story) -> None:
    told = [one.figures for one in story.progress if one.batches]
    assert any("of 44 answered, oldest" in figures for figures in told)


def test_every_call_is_explained_with_its_batch(story: Story) -> None:
    pair = rows(story.out / "pairs.jsonl")[-1]["id"]
    calls = explain(story.out, pair).calls
    assert {call.batch for call in calls} == {"batch_0000", "batch_0001"}
    shown = CliRunner().invoke(app, ["explain", str(story.out), pair]).output
    assert "in batch" in shown


def test_the_report_tells_how_many_replies_came_in_batches_and_what_that_saved(
    story: Story,
) -> None:
    page = (story.out / "report.html").read_text()
    paid = sum(record.cost_usd(BATCH_PRICE) for record in lines(story.server))
    assert "88 of the replies came in batches (2 of them)" in page
    assert f"${paid:.4f} instead of ${2 * paid:.4f}, ${paid:.4f} saved" in page
    batches = story.finished.manifest["batches"]
    assert (batches["batches"], batches["replies"]) == (2, 88)
    assert batches["directly_usd"] == pytest.approx(2 * paid)


def test_card_and_status_tell_what_batches_saved(story: Story) -> None:
    paid = sum(record.cost_usd(BATCH_PRICE) for record in lines(story.server))
    assert f"| saved by batches (USD) | {paid:.4f} |" in (story.out / "README.md").read_text()
    assert read_status(story.out).saved_usd == pytest.approx(paid)
    assert "batches saved $" in CliRunner().invoke(app, ["status", str(story.out)]).output


def test_the_keys_of_the_requests_are_those_of_the_cache(story: Story) -> None:
    """So the same run without batches asks nothing."""
    before = len(story.server.requests)
    models = {"small": model(story.server, price=BATCH_PRICE)}
    config = write_config(story.config.parent, story.server, prompts=PROMPTS, models=models)
    again = run(config, story.out.parent / "direct")
    assert again.manifest["totals"]["calls"] == {"paid": 0, "cached": PROMPTS * 8}
    assert len(story.server.requests) == before
    for name in ("pairs.jsonl", "completions.jsonl", "judgments.jsonl"):
        assert (story.out.parent / "direct" / name).read_bytes() == (story.out / name).read_bytes()


def test_a_budget_holds_for_a_whole_batch(tmp_path: Path, server: LocalServer) -> None:
    """What does not fit at once waits for what is under way."""
    models = {"small": model(server, **in_batches())}
    config = write_config(
        tmp_path, server, prompts=8, models=models, budget={"usd": 0.02}, limits={"max_attempts": 2}
    )
    result = run(config, tmp_path / "out")
    billed = server.billed_usd({"small": BATCH_PRICE})
    assert billed <= result.manifest["totals"]["cost_usd"] + 1e-12
    assert result.manifest["totals"]["cost_usd"] <= 0.02
    assert lines(server)


def test_without_a_price_in_batches_a_run_says_so(tmp_path: Path, server: LocalServer) -> None:
    models = {"small": model(server, batch={"quiet_s": 0.05, "poll_s": 0.05})}
    config = write_config(tmp_path, server, prompts=2, models=models)
    assert any(
        "no batch price known" in note for note in plan_run(judgeforge.load_config(config)).notes
    )
    result = run(config, tmp_path / "out")
    assert any("no batch price known" in note for note in result.notes)
    assert result.exit_code == 0


def test_a_look_at_batches_comes_before_a_standstill(tmp_path: Path, server: LocalServer) -> None:
    models = {"small": model(server, batch={"poll_s": 700})}
    config = write_config(tmp_path, server, models=models)
    with pytest.raises(ConfigError, match=r"models\.small\.batch\.poll_s: must be less"):
        run(config, tmp_path / "out")


def test_the_command_ends_with_exit_6(tmp_path: Path, server: LocalServer) -> None:
    server.behaviour.batches.delay_s = 30
    models = {"small": model(server, **in_batches())}
    config = write_config(tmp_path, server, prompts=2, models=models)
    asked = ["run", str(config), "--out", str(tmp_path / "out"), "--no-wait", "--json"]
    ended = CliRunner().invoke(app, asked)
    assert ended.exit_code == 6
    assert json.loads(ended.stdout)["status"] == "waiting"


def test_requests_with_pictures_are_sent_at_once_and_priced_so(tmp_path: Path) -> None:
    part = {"type": "image_url", "image_url": {"url": data_url(png())}}
    turns = [{"role": "user", "content": [{"type": "text", "text": "See"}, part]}]
    prompts = [{"id": "seen", "prompt": turns}, {"id": "plain", "prompt": "Why?"}]
    (tmp_path / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in prompts))
    with LocalServer() as server:
        models = {"small": model(server, batch={"quiet_s": 0.05, "poll_s": 0.05})}
        source = {"path": "prompts.jsonl"}
        config = write_config(tmp_path, server, prompts=source, models=models)
        planned = plan_run(judgeforge.load_config(config))
        result = run(config, tmp_path / "out")
        in_batch, all_calls = lines(server), server.calls()
    assert result.exit_code == 0
    assert any("1 prompt with pictures is asked directly" in note for note in planned.notes)
    assert {b"image_url" in one.raw for one in in_batch} == {False}
    assert {b"image_url" in one.raw for one in all_calls if one not in in_batch} == {True}
