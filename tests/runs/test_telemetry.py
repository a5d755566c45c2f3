"""What a run tells an OpenTelemetry SDK that its user has set up, and that it tells nobody else."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

import judgeforge
from judgeforge.calls.telemetry.conventions import CAPTURE_CONTENT
from tests.local_server import LocalServer, faults
from tests.support.batch_setup import in_batches
from tests.support.run_setup import KEY, model, rows, run, write_config, write_prompts
from tests.support.telemetry import Seen, sdk

RUN, PROMPT, CALL = "invoke_workflow judgeforge", "judgeforge.prompt", "chat small"


@dataclass(frozen=True)
class Told:
    seen: Seen
    result: judgeforge.RunResult


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """A run inside a span of its caller."""
    folder = tmp_path_factory.mktemp("told")
    with LocalServer() as server, sdk() as seen:
        config = write_config(folder, server, prompts=3)
        with seen.tracing.get_tracer("script").start_as_current_span("caller"):
            result = run(config, folder / "run")
    return Told(seen, result)


def test_one_span_a_run_prompt_and_call_each_below_the_other(told: Told) -> None:
    seen = told.seen
    (of_run,) = seen.named(RUN)
    (caller,) = seen.named("caller")
    prompts = seen.named(PROMPT)
    assert seen.parent(of_run) is caller
    assert {(one.attributes or {})["judgeforge.prompt.id"] for one in prompts} == {"p0", "p1", "p2"}
    assert all(seen.parent(one) is of_run for one in prompts)
    assert len(seen.calls) == told.result.manifest["totals"]["calls"]["paid"] == 3 * 8
    below = Counter(parent.name for one in seen.calls if (parent := seen.parent(one)) is not None)
    assert below == {PROMPT: 24}


def test_calls_say_what_the_conventions_ask_of_an_inference(told: Told) -> None:
    span = told.seen.calls[0]
    attributes = span.attributes or {}
    assert span.name == CALL
    assert span.kind.name == "CLIENT"
    wanted = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "small",
        "gen_ai.response.model": "small",
        "gen_ai.output.type": "text",
        "gen_ai.request.max_tokens": 64,
        "gen_ai.request.temperature": 1.0,
        "gen_ai.response.finish_reasons": ("stop",),
        "server.address": "127.0.0.1",
        "judgeforge.cached": False,
        "judgeforge.attempts": 1,
    }
    assert wanted.items() <= attributes.items()
    keys = {row["call"] for row in rows(told.result.folder / "completions.jsonl")}
    assert attributes["judgeforge.call"] in keys


def test_usage_and_cost_add_up_to_those_of_the_manifest(told: Told) -> None:
    totals = told.result.manifest["totals"]
    spans = [one.attributes or {} for one in told.seen.calls]
    for kind in ("input", "output"):
        used = sum(int(str(one[f"gen_ai.usage.{kind}_tokens"])) for one in spans)
        counted = told.seen.metric(f"gen_ai.client.inference.usage.{kind}_tokens")
        assert used == counted[""] == totals["tokens"][kind]
    assert told.seen.metric("judgeforge.cost_usd")[""] == pytest.approx(totals["cost_usd"])
    assert told.seen.metric("gen_ai.client.inference.duration")[""] > 0


def test_a_run_and_its_prompts_say_how_they_ended(told: Told) -> None:
    (of_run,) = told.seen.named(RUN)
    ended = {
        "judgeforge.exit_code": 0,
        "judgeforge.prompts": 3,
        "gen_ai.workflow.name": "judgeforge",
    }
    assert ended.items() <= (of_run.attributes or {}).items()
    outcomes = [(one.attributes or {})["judgeforge.outcome"] for one in told.seen.named(PROMPT)]
    assert outcomes == ["pairs"] * told.result.manifest["totals"]["pairs"]
    assert told.seen.metric("judgeforge.prompts")[""] == 3


def test_a_verdict_is_an_event_of_the_call_that_brought_what_it_is_about(told: Told) -> None:
    events = told.seen.events
    judged = {row["id"]: row for row in rows(told.result.folder / "judgments.jsonl")}
    assert {one.event_name for one in events} == {"gen_ai.evaluation.result"}
    assert {one.attributes["judgeforge.judgment.id"] for one in events} == judged.keys()
    by_span = {one.context.span_id: one for one in told.seen.calls}
    completions = {row["id"]: row for row in rows(told.result.folder / "completions.jsonl")}
    for one in events:
        row = judged[one.attributes["judgeforge.judgment.id"]]
        assert one.attributes["gen_ai.evaluation.name"] == "graded"
        assert one.attributes["gen_ai.evaluation.score.value"] == row["score"]
        assert one.attributes["judgeforge.criterion.quality"] == row["criteria"]["quality"]
        (completion,) = one.attributes["judgeforge.completion.ids"]
        call = (by_span[one.span_id].attributes or {})["judgeforge.call"]
        assert call == completions[completion]["call"]


def test_what_was_said_stays_here_unless_it_is_asked_for(told: Told) -> None:
    everything = told.seen.everything()
    for text in ("Tell me fact number", "[quality=", "gen_ai.input.messages", "explanation"):
        assert text not in everything
    assert KEY not in everything


def test_content_is_told_where_the_usual_variable_asks_for_it_and_never_a_key(
    server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CAPTURE_CONTENT, "span_only")
    (tmp_path / "prompts.jsonl").write_text(json.dumps({"prompt": f"Is {KEY} a key?"}))
    config = write_config(tmp_path, server, prompts={"path": "prompts.jsonl"})
    with sdk() as seen:
        run(config, tmp_path / "run")
    asked = [json.loads(str((one.attributes or {})["gen_ai.input.messages"])) for one in seen.calls]
    parts = [part for turns in asked for turn in turns for part in turn["parts"]]
    assert any(part["content"].startswith("Is [redacted] a key?") for part in parts)
    answered = str((seen.calls[0].attributes or {})["gen_ai.output.messages"])
    assert "[quality=" in json.loads(answered)[0]["parts"][0]["content"]
    assert KEY not in seen.everything()


def test_a_stored_reply_is_a_hit_without_usage(server: LocalServer, tmp_path: Path) -> None:
    config = write_config(tmp_path, server, prompts=2)
    run(config, tmp_path / "first")
    with sdk() as seen:
        run(config, tmp_path / "second")
    assert len(seen.calls) == 16
    for span in seen.calls:
        attributes = span.attributes or {}
        assert attributes["judgeforge.cached"] is True
        assert "gen_ai.usage.input_tokens" not in attributes
    assert seen.metric("judgeforge.cache.hits") == {"": 16}
    assert seen.metric("gen_ai.client.inference.usage.input_tokens") == {}
    assert len(seen.events) == 8


def test_retries_are_events_of_their_call(server: LocalServer, tmp_path: Path) -> None:
    server.faults.add(faults.status(503), nth=1)
    with sdk() as seen:
        run(write_config(tmp_path, server, prompts=1), tmp_path / "run")
    (tried,) = [one for one in seen.calls if (one.attributes or {})["judgeforge.attempts"] == 2]
    failed, answered = [event.attributes or {} for event in tried.events]
    assert failed["error.type"] == "503"
    assert failed["http.response.status_code"] == 503
    assert answered["judgeforge.outcome"] == "stop"
    assert tried.status.status_code.name == "UNSET"
    assert seen.metric("gen_ai.client.inference.duration").keys() == {"", "503"}


def test_a_call_that_fails_and_the_run_that_it_stops_name_the_error(
    server: LocalServer, tmp_path: Path
) -> None:
    server.faults.add(faults.status(401, body={"error": {"message": f"bad key {KEY}"}}))
    with sdk() as seen:
        result = run(write_config(tmp_path, server, prompts=1), tmp_path / "run")
    assert result.exit_code == 4
    failed = [one for one in seen.calls if one.status.status_code.name == "ERROR"]
    assert {(one.attributes or {})["error.type"] for one in failed} >= {"401"}
    (of_run,) = seen.named(RUN)
    stopped = type(result.stopped_by).__name__
    assert (of_run.attributes or {})["error.type"] == stopped
    assert KEY not in seen.everything()
    ended = {(one.attributes or {}).get("error.type") for one in seen.named(PROMPT)}
    assert ended & {"401", "InterruptedRunError", stopped}


def test_a_comparison_has_the_verdict_as_its_label(server: LocalServer, tmp_path: Path) -> None:
    judging = {"judges": [{"model": "small", "protocol": "pairwise"}], "fit_repeats": 0}
    with sdk() as seen:
        result = run(write_config(tmp_path, server, prompts=1, judging=judging), tmp_path / "run")
    judged = {row["id"]: row for row in rows(result.folder / "judgments.jsonl")}
    for event in seen.events:
        row = judged[event.attributes["judgeforge.judgment.id"]]
        assert event.attributes["gen_ai.evaluation.score.label"] == row["verdict"]
        assert list(event.attributes["judgeforge.completion.ids"]) == row["completion_ids"]


def test_without_a_logger_verdicts_stand_on_the_span_of_the_prompt(
    server: LocalServer, tmp_path: Path
) -> None:
    with sdk(events=False) as seen:
        run(write_config(tmp_path, server, prompts=1), tmp_path / "run")
    (prompt,) = seen.named(PROMPT)
    assert [event.name for event in prompt.events] == ["gen_ai.evaluation.result"] * 4
    assert seen.events == []


def test_calls_of_a_batch_have_its_id_and_their_usage_once(
    server: LocalServer, tmp_path: Path
) -> None:
    fields = model(server, **in_batches())
    with sdk() as seen:
        config = write_config(tmp_path, server, prompts=3, models={"small": fields})
        result = run(config, tmp_path / "run")
    spans = [one.attributes or {} for one in seen.calls]
    assert any("judgeforge.batch" in one for one in spans)
    tokens = result.manifest["totals"]["tokens"]["input"]
    assert sum(int(str(one.get("gen_ai.usage.input_tokens", 0))) for one in spans) == tokens
    assert seen.metric("gen_ai.client.inference.usage.input_tokens")[""] == tokens


def test_the_sdk_of_anthropic_adds_no_spans_and_no_headers_of_its_own(
    server: LocalServer, tmp_path: Path
) -> None:
    with sdk() as seen:
        run(write_config(tmp_path, server, prompts=1, provider="anthropic"), tmp_path / "run")
    scopes = {one.instrumentation_scope.name for one in seen.spans if one.instrumentation_scope}
    assert scopes == {"judgeforge"}
    assert {(one.attributes or {})["gen_ai.provider.name"] for one in seen.calls} == {"anthropic"}
    assert not any("traceparent" in request.headers for request in server.requests)


def test_a_run_in_a_notebook_is_below_the_span_of_its_cell(
    server: LocalServer, tmp_path: Path
) -> None:
    config = write_config(tmp_path, server, prompts=1)

    async def cell(seen: Seen) -> None:
        with seen.tracing.get_tracer("notebook").start_as_current_span("cell"):
            run(config, tmp_path / "run")

    with sdk() as seen:
        asyncio.run(cell(seen))
    (of_run,) = seen.named(RUN)
    parent = seen.parent(of_run)
    assert parent is not None
    assert parent.name == "cell"


@pytest.mark.slow
def test_without_an_sdk_the_library_is_not_even_imported(
    server: LocalServer, tmp_path: Path
) -> None:
    write_prompts(tmp_path, 1)
    config = write_config(tmp_path, server, prompts=1)
    code = (
        "import sys, judgeforge\n"
        f"judgeforge.run(judgeforge.load_config({str(config)!r}), out={str(tmp_path / 'run')!r})\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_calls_of_workers_are_told_below_their_prompt_with_all_that_they_cost(
    server: LocalServer, tmp_path: Path
) -> None:
    config = write_config(tmp_path, server, prompts=40)
    with sdk() as seen:
        result = run(config, tmp_path / "run", workers=2)
        again = run(config, tmp_path / "again", workers=2)
    assert again.exit_code == 0
    totals = result.manifest["totals"]
    assert len(seen.named(PROMPT)) == 2 * totals["prompts"]
    paid = [one for one in seen.calls if not (one.attributes or {})["judgeforge.cached"]]
    assert len(paid) == totals["calls"]["paid"]
    assert {parent.name for one in paid if (parent := seen.parent(one))} == {PROMPT}
    spans = [one.attributes or {} for one in paid]
    for kind in ("input", "output"):
        used = sum(int(str(one[f"gen_ai.usage.{kind}_tokens"])) for one in spans)
        counted = seen.metric(f"gen_ai.client.inference.usage.{kind}_tokens")
        assert used == counted[""] == totals["tokens"][kind]
    prompts = {one.context.span_id: one for one in seen.named(PROMPT)}
    for one in paid:
        prompt = prompts[one.parent.span_id] if one.parent else one
        assert (prompt.start_time or 0) <= (one.start_time or 0) + 10**8
        assert (one.end_time or 0) <= (prompt.end_time or 0)
    assert seen.metric("judgeforge.cache.hits") == {"": totals["calls"]["paid"]}
    assert len(seen.events) == 2 * 40 * 4


@pytest.mark.slow
def test_the_guide_tells_as_it_is_written(server: LocalServer, tmp_path: Path) -> None:
    write_config(tmp_path, server, prompts=1)
    guide = (Path(__file__).parents[2] / "docs" / "telemetry.md").read_text(encoding="utf-8")
    (code,) = [part.split("```")[0] for part in guide.split("```python\n")[1:]]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    named = Counter(re.findall(r'"name": "([^"]+)"', done.stdout))
    assert {"make pairs": 1, RUN: 1, PROMPT: 1, CALL: 8}.items() <= named.items()
