"""The first prompts of a run go alone until each judge could be read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from judgeforge.calls.call import NoCalls
from judgeforge.errors import UnreadableJudgeError
from judgeforge.judging.first_replies import FirstReplies
from judgeforge.runs.first_prompts import MOST_TOGETHER, FirstPrompts
from judgeforge.runs.result import RunResult
from tests.local_server import LocalServer, RequestRecord, faults
from tests.support.run_setup import logged, model, rows, run, write_config

PROSE = faults.reply_text("Both are fine, I think.")
PROMPTS, DRAWS = 10, 4
Start = Callable[..., RunResult]


def of_judge(request: RequestRecord) -> bool:
    return request.kind == "judge"


def with_schema(request: RequestRecord) -> bool:
    return of_judge(request) and bool({"response_format", "output_config"} & set(request.body))


def two_models(server: LocalServer, provider: str = "openai", **judge: Any) -> dict[str, Any]:
    """Sections of a configuration whose judge is another model than its writer."""
    return {
        "models": {
            "writer": model(server, model="writer"),
            "judge": model(server, provider, model="judge", **judge),
        },
        "sampling": {"models": ["writer"], "completions": DRAWS, "seed": 7, "max_tokens": 64},
        "judging": {"judges": [{"model": "judge"}]},
    }


@pytest.fixture
def start(tmp_path: Path, server: LocalServer) -> Start:
    def begin(out: str = "out", options: dict[str, Any] | None = None, **parts: Any) -> RunResult:
        config = {"prompts": PROMPTS, **two_models(server), **parts}
        return run(write_config(tmp_path, server, **config), tmp_path / out, **options or {})

    return begin


def sampled(server: LocalServer) -> int:
    return len(server.calls(model="writer"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (faults.status(400, body={"detail": "odd request"}), "odd request"),
        (faults.status(422, body={"detail": "odd request"}), "odd request"),
        (faults.status(405, body={"detail": "odd request"}), "odd request"),
        (faults.status(500, body={"detail": "odd request"}), "each of its forms is tried"),
        (faults.status(401), "Check the key in TEST_KEY"),
        (faults.status(403), "Check the key in TEST_KEY"),
        (faults.status(404), "Check `model: judge`"),
        (faults.status(402), "no credit left"),
        (PROSE, "Both are fine, I think."),
        (faults.finish_length(), "max_tokens"),
        (faults.empty_text(), "It wrote: nothing"),
        (faults.out_of_range(), "sound` must be true or false"),
    ],
    ids=[
        "400",
        "422",
        "405",
        "500",
        "401",
        "403",
        "404",
        "402",
        "prose",
        "cut",
        "empty",
        "out-of-range",
    ],
)
def test_a_judge_that_brings_nothing_stops_the_run_before_much_is_sampled(
    start: Start, server: LocalServer, fault: faults.Fault, says: str
) -> None:
    server.faults.add(fault, when=of_judge)
    result = start()
    assert (result.exit_code, result.manifest["status"]) == (4, "provider")
    assert says in str(result.stopped_by)
    assert sampled(server) <= 4 * DRAWS
    assert len(server.calls(model="judge")) <= 36
    assert result.manifest["totals"]["prompts"] == 0, "what nobody judged is not finished"
    server.faults.clear()
    again = start(**two_models(server, structured="tool"))  # without --force
    assert (again.exit_code, again.manifest["totals"]["pairs"]) == (0, PROMPTS)
    assert sampled(server) == PROMPTS * DRAWS, "what was sampled is not paid again"


@pytest.mark.parametrize("fault", [faults.content_filter(), faults.refusal()])
def test_judges_that_bring_only_refusals_stop_the_run_while_all_is_kept_back(
    start: Start, server: LocalServer, fault: faults.Fault
) -> None:
    server.faults.add(fault, when=of_judge)
    result = start(prompts=20)
    assert (result.exit_code, result.manifest["status"]) == (4, "provider")
    assert "only refusals" in str(result.stopped_by)
    assert sampled(server) <= 13 * DRAWS
    assert result.manifest["totals"]["prompts"] == 0
    server.faults.clear()
    again = start(prompts=20, **two_models(server, structured="tool"))
    assert (again.exit_code, again.manifest["totals"]["pairs"]) == (0, 20)
    assert sampled(server) == 20 * DRAWS


def test_a_run_that_goes_well_sends_and_writes_the_same_as_without(
    start: Start, server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start("one", prompts=12)
    sent = sorted(request.raw for request in server.requests)
    monkeypatch.setattr("judgeforge.runs.first_prompts.MOST_ALONE", 0)
    monkeypatch.setattr("judgeforge.judging.first_replies.AT_ONCE", 10**6)
    cache = {"cache": {"dir": "other"}}
    start("two", prompts=12, **two_models(server, structured="json_schema"), **cache)
    assert sorted(request.raw for request in server.requests) == sorted(2 * sent)
    for name in ("pairs.jsonl", "completions.jsonl", "judgments.jsonl", "skips.jsonl"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_the_first_judgment_is_asked_for_before_the_second_prompt_is_sampled(
    start: Start, server: LocalServer
) -> None:
    start()
    kinds = [request.kind for request in server.requests]
    assert kinds[: DRAWS + 1] == ["completion"] * DRAWS + ["judge"]


def test_a_folder_whose_judges_have_answered_needs_no_probe(
    start: Start, server: LocalServer
) -> None:
    start(options={"limit": 1})
    before = len(server.requests)
    start()
    kinds = [request.kind for request in server.requests[before:]]
    assert kinds.index("judge") > 2 * DRAWS


@pytest.mark.parametrize(
    "odd",
    [
        faults.content_filter(),
        faults.refusal(),
        faults.status(400),
        faults.status(403),
        PROSE,
        faults.finish_length(),
        faults.wrong_shape(),
    ],
    ids=["filtered", "refused", "400", "403", "prose", "cut", "malformed"],
)
@pytest.mark.parametrize("kind", ["judge", "completion"])
def test_where_the_first_prompt_is_odd_the_next_one_tells(
    start: Start, server: LocalServer, odd: faults.Fault, kind: str
) -> None:
    server.faults.add(odd, when=lambda r: r.kind == kind and b"fact number 0." in r.raw)
    result = start(prompts=6, limits={"max_skip_share": 0.5, "max_attempts": 2})
    assert result.exit_code == 0
    assert result.manifest["totals"]["prompts"] == 6
    assert result.manifest["totals"]["pairs"] >= 5


def test_rows_that_cannot_be_asked_about_tell_nothing(
    tmp_path: Path, start: Start, server: LocalServer
) -> None:
    texts = ["", "x" * 40_000, *(f"Tell me fact number {i}." for i in range(4))]
    lines = [json.dumps({"id": f"p{i}", "prompt": text}) for i, text in enumerate(texts)]
    (tmp_path / "prompts.jsonl").write_text("\n".join(lines))
    server.faults.add(faults.status(400), when=of_judge)
    parts = two_models(server, context_tokens=2000)
    result = start(limits={"max_skip_share": 1.0}, **parts)
    assert result.exit_code == 4


@pytest.mark.parametrize(
    "judging",
    [
        {"judges": [{"model": "judge"}, {"model": "writer", "name": "other", "tier": 2}],
         "cascade": {}},
        {"judges": [{"model": "writer", "name": "other"}, {"model": "judge", "tier": 2}],
         "cascade": {}},
        {"judges": [{"model": "judge"}, {"model": "writer", "name": "other"}]},
        {"judges": [{"model": "judge", "protocol": "pairwise"}]},
        {"judges": [{"model": "judge", "protocol": "listwise"}]},
    ],
    ids=["first tier", "second tier", "panel", "pairwise", "listwise"],
)  # fmt: skip
def test_it_holds_for_every_way_of_judging(
    start: Start, server: LocalServer, judging: dict[str, Any]
) -> None:
    server.faults.add(PROSE, when=lambda r: of_judge(r) and r.model == "judge")
    result = start(prompts=30, judging=judging)
    assert isinstance(result.stopped_by, UnreadableJudgeError)
    completions = [r for r in server.requests if r.kind == "completion"]
    assert len(completions) <= 20 * DRAWS, (
        "as many as were in flight when the second tier was asked"
    )


def test_completions_that_are_given_are_judged_one_prompt_first(
    tmp_path: Path, start: Start, server: LocalServer
) -> None:
    given = [{"text": "One."}, {"text": "Two of them."}]
    lines = [
        json.dumps({"id": f"p{i}", "prompt": f"Say {i}.", "completions": given}) for i in range(30)
    ]
    (tmp_path / "prompts.jsonl").write_text("\n".join(lines))
    server.faults.add(PROSE, when=of_judge)
    result = start(sampling=None)
    assert isinstance(result.stopped_by, UnreadableJudgeError)
    assert len(server.requests) <= 36


@pytest.mark.parametrize(("limit", "code"), [(1, 5), (2, 5)])
def test_too_few_prompts_to_tell_end_as_named_skips(
    start: Start, server: LocalServer, limit: int, code: int
) -> None:
    server.faults.add(PROSE, when=of_judge)
    result = start(options={"limit": limit}, **two_models(server, structured="tool"))
    if limit == 1:
        assert (result.exit_code, [skip.reason for skip in result.skips]) == (
            code,
            ["too_few_judged"],
        )
        assert any("could be read" in note for note in result.notes)
    else:
        assert result.exit_code in {4, 5}


def test_a_budget_for_the_first_prompt_alone_is_kept(start: Start, server: LocalServer) -> None:
    server.faults.add(PROSE, when=of_judge)
    result = start(budget={"usd": 0.01, "max_calls": DRAWS + 8})
    assert result.exit_code in {3, 4}
    assert len(server.requests) <= DRAWS + 8


def test_refusals_of_three_prompts_are_needed(start: Start, server: LocalServer) -> None:
    """Two odd prompts in front, with as many refusals as would settle it, end no run."""
    server.faults.add(
        faults.status(400),
        when=lambda r: of_judge(r) and any(b"number %d." % i in r.raw for i in range(2)),
    )
    assert MOST_TOGETHER > 2
    result = start(prompts=6, limits={"max_skip_share": 0.5})
    assert (result.exit_code, result.manifest["totals"]["pairs"]) == (0, 4)


@pytest.mark.parametrize("completions", [2, 3])
def test_prompts_whose_completions_were_all_refused_are_not_finished_where_the_run_stops_for_it(
    start: Start, server: LocalServer, completions: int
) -> None:
    """Fewer refusals than settle it come of three prompts of two completions."""
    server.faults.add(faults.status(400, body={"detail": "only 1 is allowed"}))
    sampling = {"models": ["writer"], "completions": completions, "max_tokens": 64}
    stopped = start(sampling=sampling)
    assert (stopped.exit_code, stopped.skips) == (4, [])
    server.faults.clear()
    result = start(sampling=sampling)
    assert (result.exit_code, result.manifest["totals"]["prompts"]) == (0, PROMPTS)
    assert "call_failed" not in {skip.reason for skip in result.skips}


def test_prompts_that_were_refused_in_front_end_as_named_skips_where_others_are_answered(
    start: Start, server: LocalServer
) -> None:
    server.faults.add(faults.status(400), when=lambda r: b"number 0." in r.raw)
    result = start(prompts=3, limits={"max_skip_share": 0.5})
    assert (result.exit_code, [skip.reason for skip in result.skips]) == (0, ["call_failed"])


def test_a_request_that_hangs_holds_up_its_own_prompt_only(
    start: Start, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("judgeforge.runs.first_prompts.PATIENCE_S", 0.1)
    server.faults.add(faults.stall_headers(1.0), nth=1)
    result = start(prompts=5)
    assert (result.exit_code, result.manifest["totals"]["pairs"]) == (0, 5)
    slow = server.requests[0]
    others = [one for one in server.requests if one.kind == "judge"]
    assert min(one.index for one in others) < DRAWS * MOST_TOGETHER + 1
    assert slow.kind == "completion"


class TestStructuredAuto:
    @pytest.mark.parametrize("provider", ["openai", "anthropic"])
    @pytest.mark.parametrize(
        ("ignored", "form"),
        [(("schema",), "tool"), (("schema", "tool"), "instruction")],
    )
    @pytest.mark.slow
    def test_a_form_that_the_server_ignores_is_noticed_and_left(
        self,
        tmp_path: Path,
        start: Start,
        server: LocalServer,
        provider: str,
        ignored: tuple[str, ...],
        form: str,
    ) -> None:
        server.faults.add(PROSE, when=with_schema)
        if "tool" in ignored:
            server.faults.add(PROSE, when=lambda r: of_judge(r) and "tools" in r.body)
        parts = two_models(server, provider)
        assert start(options={"limit": 1}, **parts).exit_code == 0
        out = tmp_path / "out"
        before = len(server.requests)
        result = start(**parts)
        assert (result.exit_code, result.manifest["totals"]["pairs"]) == (0, PROMPTS)
        assert result.manifest["reply_forms"] == {"judge": form}
        assert not any(with_schema(r) for r in server.requests[before:]), "it is remembered"
        assert f"`structured: {form}`" in (out / "README.md").read_text()
        notes = {row["note"] for row in rows(out / "judgments.jsonl")}
        assert notes == {f"asked with structured: {form}"}
        events = logged(out, "judge_replies")
        assert events[-1]["forms"] == {"judge": form}
        explicit = start("explicit", **two_models(server, provider, structured=form))
        assert explicit.manifest["totals"]["calls"]["paid"] == 0, "the very same calls"
        assert "reply_forms" not in explicit.manifest

    def test_setting_what_was_found_needs_no_force_and_another_does(
        self, start: Start, server: LocalServer
    ) -> None:
        server.faults.add(PROSE, when=with_schema)
        assert start(prompts=2).exit_code == 0
        assert start(prompts=2, **two_models(server, structured="tool")).did_nothing
        with pytest.raises(Exception, match="was made with another configuration"):
            start(prompts=2, **two_models(server, structured="instruction"))

    def test_a_stop_in_between_changes_nothing(
        self, tmp_path: Path, start: Start, server: LocalServer
    ) -> None:
        server.faults.add(PROSE, when=with_schema)
        for calls in (DRAWS + 2, DRAWS + 9, 1000):
            start(prompts=4, budget={"max_calls": calls})
        start("whole", prompts=4)
        for name in ("pairs.jsonl", "judgments.jsonl"):
            halted, whole = tmp_path / "out" / name, tmp_path / "whole" / name
            assert halted.read_bytes() == whole.read_bytes()

    def test_what_cannot_be_read_of_it_says_what_to_do(self, tmp_path: Path, start: Start) -> None:
        start(prompts=1)
        (tmp_path / "out" / "state" / "judge-replies.json").write_text("{")
        with pytest.raises(Exception, match="Delete it"):
            start(prompts=2)


def test_once_the_run_is_to_end_no_other_prompt_is_expected() -> None:
    """What waits for one that will not come would wait until the run is stalled."""
    first = FirstPrompts(replies=FirstReplies(NoCalls(), {}))
    assert first.may_begin(0)
    first.begin()
    assert not first.may_begin(1)
    assert first.begin_another()
    first.end()
    assert not first.begin_another()
