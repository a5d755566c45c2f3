"""Whether a refusal is about its request or about the model."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from judgeforge.calls import acceptance, retry
from judgeforge.calls.acceptance import FIRST_REFUSALS, LATER_REFUSALS, Acceptance, Prompts
from judgeforge.calls.call import Call
from judgeforge.calls.limits.gate import Passage
from judgeforge.config.model import ModelConfig
from judgeforge.errors import StalledError, StatusError
from judgeforge.runs.result import RunResult
from tests.local_server import LocalServer, RequestRecord, faults
from tests.support.pictures import data_url, png
from tests.support.run_setup import model, rows, run, write_config

FORBIDDEN = {"error": "This prompt is not served here."}
OF_XAI = {"error": "Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO"}
OF_AZURE = {"error": {"message": "Filtered.", "code": "content_filter", "param": "prompt"}}
OF_OPENROUTER = {"error": {"code": 403, "message": "No.", "metadata": {"reasons": ["violence"]}}}
When = Callable[[RequestRecord], bool]


def about(number: int) -> When:
    return lambda request: f"fact number {number}.".encode() in request.raw


def of_judge(request: RequestRecord) -> bool:
    return request.kind == "judge"


def start(tmp_path: Path, server: LocalServer, **config: Any) -> RunResult:
    return run(write_config(tmp_path, server, **config), tmp_path / "out")


@pytest.mark.parametrize("status", [403, 404])
@pytest.mark.parametrize(("number", "concurrency"), [(0, 1), (2, 1), (4, 1), (0, 16), (2, 16)])
def test_what_is_forbidden_for_one_prompt_is_an_outcome_of_its_calls_alone(
    tmp_path: Path, server: LocalServer, out: Path, status: int, number: int, concurrency: int
) -> None:
    server.faults.add(faults.status(status, body=FORBIDDEN), when=about(number))
    result = start(tmp_path, server, prompts=5, limits={"concurrency": concurrency})
    assert result.exit_code == 0
    assert [skip.reason for skip in result.skips] == ["call_failed"]
    failed = [row for row in rows(out / "completions.jsonl") if row["finish"] == "failed"]
    assert {"This prompt is not served here" in row["flags"][0] for row in failed} == {True}
    assert not any("Check" in row["flags"][0] for row in failed), "key and model are right"
    assert start(tmp_path, server, prompts=5).did_nothing


@pytest.mark.parametrize("status", [pytest.param(401, marks=pytest.mark.slow), 403])
def test_what_another_prompt_meets_is_waited_for_however_late_it_comes(
    tmp_path: Path, server: LocalServer, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr(acceptance, "QUIET_S", 0.1)
    server.faults.add(faults.status(status), when=about(0))
    server.faults.add(faults.slow(0.3), when=lambda one: one.kind == "completion")
    result = start(tmp_path, server, prompts=3, limits={"concurrency": 1, "max_skip_share": 0.5})
    assert [(one.prompt_id, one.reason) for one in result.skips] == [("p0", "call_failed")]
    assert result.exit_code == 0


def test_a_model_that_is_not_there_is_told_after_the_requests_of_three_prompts(
    tmp_path: Path, server: LocalServer
) -> None:
    server.faults.add(faults.status(404))
    result = start(tmp_path, server, prompts=8)
    assert result.exit_code == 4
    assert "Check `model: small`" in str(result.stopped_by)
    assert len(server.requests) <= 3 * 4
    assert result.manifest["totals"]["prompts"] == 0


@pytest.mark.slow
def test_refusals_that_wait_together_need_one_quiet_time_and_not_one_each(
    tmp_path: Path, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acceptance, "QUIET_S", 1.0)
    server.faults.add(faults.status(400), when=of_judge)
    begun = time.monotonic()
    result = start(tmp_path, server, prompts=8)
    assert result.exit_code == 4
    assert not isinstance(result.stopped_by, StalledError)
    assert time.monotonic() - begun < 7, "three times, of twelve requests"


@pytest.mark.parametrize("status", [301, 307])
def test_an_address_that_has_moved_stops_the_run_before_all_prompts_are_refused(
    tmp_path: Path, server: LocalServer, status: int
) -> None:
    server.faults.add(faults.status(status))
    result = start(tmp_path, server, prompts=8, limits={"concurrency": 1})
    assert result.exit_code == 4
    assert len(server.requests) <= 4
    assert "set `base_url` to the final address" in str(result.stopped_by)


def test_a_web_page_in_place_of_the_api_stops_the_run_at_once(
    tmp_path: Path, server: LocalServer
) -> None:
    server.faults.add(faults.html())
    result = start(tmp_path, server, prompts=8, limits={"concurrency": 4})
    assert result.exit_code == 4
    assert len(server.requests) <= 12
    assert "a web page and no reply: check `base_url`, http://127.0.0.1" in str(result.stopped_by)


def test_a_page_that_one_prompt_always_gets_is_an_outcome_of_its_calls_alone(
    tmp_path: Path, server: LocalServer, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A web firewall may answer with success. It is asked again while others are answered: once
    nothing else is under way, it is the second look at half of stall_s that tells."""
    monkeypatch.setattr(retry, "_backoff", lambda state: 0.01)
    server.faults.add(faults.html(), when=about(3))
    result = start(tmp_path, server, prompts=8, limits={"concurrency": 1})
    assert (result.exit_code, [skip.reason for skip in result.skips]) == (0, ["call_failed"])
    failed = [row for row in rows(out / "completions.jsonl") if row["finish"] == "failed"]
    assert {"a web page" in row["flags"][0] for row in failed} == {False}, "the address is right"
    assert {"Welcome to the proxy" in row["flags"][0] for row in failed} == {True}


@pytest.mark.parametrize(("status", "body"), [(403, OF_XAI), (400, OF_AZURE), (403, OF_OPENROUTER)])
@pytest.mark.parametrize(("who", "number"), [("completion", 0), ("completion", 3), ("judge", 0)])
def test_what_a_content_filter_stops_is_named_so_and_costs_its_calls_alone(
    tmp_path: Path,
    server: LocalServer,
    out: Path,
    status: int,
    body: object,
    who: str,
    number: int,
) -> None:
    named = about(number)
    server.faults.add(faults.status(status, body=body), when=lambda r: r.kind == who and named(r))
    result = start(tmp_path, server, prompts=5, limits={"concurrency": 1})
    assert (result.exit_code, result.manifest["totals"]["pairs"]) == (0, 4)
    [skip] = result.skips
    assert "Check" not in skip.detail
    if who == "completion":
        assert (skip.reason, "content_filter, withheld: HTTP" in skip.detail) == (
            "too_few_completions",
            True,
        )
    else:
        missing = [row for row in rows(out / "judgments.jsonl") if row["missing"]]
        assert {row["missing_kind"] for row in missing} == {"withheld"}


@pytest.mark.parametrize(("status", "body", "paid"), [(403, OF_OPENROUTER, 0), (400, OF_AZURE, 8)])
def test_what_a_filter_read_counts_where_it_may_be_billed(
    tmp_path: Path, server: LocalServer, status: int, body: object, paid: int
) -> None:
    server.faults.add(faults.status(status, body=body), when=lambda r: r.kind == "completion")
    totals = start(tmp_path, server, prompts=2).manifest["totals"]
    assert totals["calls"]["paid"] == paid
    assert (totals["cost_usd"] > 0, totals["tokens"]["output"]) == (paid > 0, 0)


def test_a_judge_that_may_not_see_one_prompt_judges_the_others(
    tmp_path: Path, server: LocalServer
) -> None:
    forbidden = about(0)
    server.faults.add(
        faults.status(403, body=FORBIDDEN), when=lambda r: of_judge(r) and forbidden(r)
    )
    result = start(tmp_path, server, prompts=6)
    assert (result.exit_code, result.manifest["totals"]["pairs"]) == (0, 5)


def test_a_key_that_loses_its_rights_in_mid_run_stops_it(
    tmp_path: Path, server: LocalServer
) -> None:
    served = 0

    def later(_: RequestRecord) -> bool:
        nonlocal served
        served += 1
        return served > 24

    server.faults.add(faults.status(403), when=later)
    result = start(tmp_path, server, prompts=60, limits={"concurrency": 4})
    assert result.exit_code == 4
    assert len([r for r in server.requests if r.status == 403]) <= 2 * LATER_REFUSALS


CODED = {"error": {"message": "No.", "code": "insufficient_quota"}}
LISTED = {"error": {"code": 403, "errors": [{"reason": "dailyLimitExceeded"}]}}
WORDED = {"error": {"message": "Your credit balance is too low."}}


@pytest.mark.parametrize(
    ("refusal", "least"),
    [
        (faults.status(403, body=CODED), 0),
        (faults.status(403, body=LISTED), 0),
        (faults.status(402), 0),
        (faults.status(403, body=WORDED), FIRST_REFUSALS),
        (faults.status(403, body={"error": "Too much."}, retry_after=3600), FIRST_REFUSALS),
        (faults.status(403, body={"error": "Too much."}, retry_after=0), FIRST_REFUSALS),
    ],
    ids=["code", "reason", "402", "words", "in-an-hour", "soon"],
)
def test_an_account_that_is_used_up_in_mid_run_stops_it_soon_by_name(
    tmp_path: Path, server: LocalServer, refusal: faults.Fault, least: int
) -> None:
    server.faults.add(refusal, when=lambda _: len(server.requests) > 24)
    result = start(tmp_path, server, prompts=60, limits={"concurrency": 4})
    assert (result.exit_code, result.manifest["status"]) == (4, "provider")
    assert f"HTTP {refusal.status} from small" in str(result.stopped_by)
    refused = len([r for r in server.requests if r.status == refusal.status])
    assert least <= refused <= least + 6 * 4, "and what was in flight, until one more was asked"
    assert result.skips == [], "what was refused for want of credit is no outcome"


@pytest.mark.parametrize(
    "refusal",
    [
        faults.status(403, body=WORDED),
        faults.status(403, body={"error": {"message": "say insufficient_quota"}}),
        faults.status(403, body={"error": "Forbidden."}, retry_after=9),
    ],
    ids=["words", "quoted code", "time"],
)
@pytest.mark.parametrize("concurrency", [1, 16])
def test_one_prompt_whose_refusal_sounds_like_the_account_ends_no_run(
    tmp_path: Path, server: LocalServer, refusal: faults.Fault, concurrency: int
) -> None:
    server.faults.add(refusal, when=about(3))
    result = start(tmp_path, server, prompts=5, limits={"concurrency": concurrency})
    assert (result.exit_code, result.manifest["totals"]["pairs"]) == (0, 4)


@pytest.mark.parametrize(
    ("fields", "named"),
    [({}, True), ({"system_role": "user"}, False)],
    ids=["as it is", "user already"],
)
@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_system_message_is_among_what_could_be_meant(
    tmp_path: Path, server: LocalServer, provider: str, fields: dict[str, Any], named: bool
) -> None:
    server.faults.add(faults.status(400, body={"error": "no"}), when=of_judge)
    models = {"small": model(server, provider, **fields)}
    result = start(tmp_path, server, prompts=6, models=models)
    assert result.exit_code == 4
    assert ("`system_role: user`" in str(result.stopped_by)) is named


@pytest.mark.slow
@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize(
    ("who", "setting"), [("judge", "`structured`"), ("completion", "`send_temperature: false`")]
)
@pytest.mark.parametrize("same_model", [True, False])
def test_a_model_that_refuses_from_the_first_stops_the_run_with_its_words(
    tmp_path: Path, server: LocalServer, status: int, who: str, setting: str, same_model: bool
) -> None:
    said = {"error": {"message": "this way of asking is unavailable now"}}
    server.faults.add(faults.status(status, body=said), when=lambda r: r.kind == who)
    models = {"small": model(server)}
    judge = "small" if same_model else "judge"
    if not same_model:
        models["judge"] = model(server, model="other")
    config = {"prompts": 40, "models": models, "judging": {"judges": [{"model": judge}]}}
    result = start(tmp_path, server, **config)
    assert (result.exit_code, result.manifest["status"]) == (4, "provider")
    said_last = str(result.stopped_by)
    assert f"HTTP {status}" in said_last
    assert "this way of asking is unavailable now" in said_last
    assert setting in said_last
    assert FIRST_REFUSALS <= len([r for r in server.requests if r.status == status]) <= 32
    assert result.manifest["totals"]["prompts"] == 0, "none is finished for that reason"
    server.faults.clear()
    again = start(tmp_path, server, **config)
    assert (again.exit_code, again.manifest["totals"]["prompts"]) == (0, 40)


def test_params_of_the_configuration_are_among_the_settings_that_could_be_meant(
    tmp_path: Path, server: LocalServer
) -> None:
    server.faults.add(faults.status(400))
    own = model(server) | {"params": {"top_k": 5}}
    result = start(tmp_path, server, prompts=10, models={"small": own})
    assert "`params.top_k`" in str(result.stopped_by)
    assert "`max_tokens_field" in str(result.stopped_by)


@pytest.mark.parametrize("concurrency", [1, 2, 64])
def test_it_stops_at_any_concurrency_and_few_prompts_are_lost(
    tmp_path: Path, server: LocalServer, concurrency: int
) -> None:
    server.faults.add(faults.status(400), when=of_judge)
    result = start(tmp_path, server, prompts=20, limits={"concurrency": concurrency})
    assert result.exit_code == 4
    assert result.manifest["totals"]["prompts"] <= 2


def test_refusals_of_two_prompts_alone_are_their_outcomes(
    tmp_path: Path, server: LocalServer
) -> None:
    server.faults.add(faults.status(400), when=lambda r: about(0)(r) or about(1)(r))
    result = start(tmp_path, server, prompts=8, limits={"max_skip_share": 0.5})
    assert (result.exit_code, result.manifest["totals"]["pairs"]) == (0, 6)


def test_a_run_of_one_prompt_that_is_refused_ends_as_before(
    tmp_path: Path, server: LocalServer
) -> None:
    server.faults.add(faults.status(400))
    result = start(tmp_path, server, prompts=1)
    assert result.exit_code == 5
    assert [skip.reason for skip in result.skips] == ["call_failed"]


class TestServerErrorsOfTheSameWords:
    SAID = faults.status(500, body={"error": "unknown field `response_format`"})

    def test_one_request_ends_by_itself_where_others_are_answered(
        self, tmp_path: Path, server: LocalServer
    ) -> None:
        server.faults.add(self.SAID, when=about(2))
        result = start(tmp_path, server, prompts=6, limits={"max_attempts": 3})
        refused = [request.raw for request in server.requests if request.status == 500]
        assert {refused.count(raw) for raw in refused} == {3}
        assert result.manifest["totals"]["pairs"] == 5

    def test_a_request_that_fails_twice_while_others_are_answered_is_not_lost(
        self, tmp_path: Path, server: LocalServer
    ) -> None:
        met: Counter[str] = Counter()

        def first_two(request: RequestRecord) -> bool:
            met[request.raw] += 1
            return about(2)(request) and met[request.raw] <= 2

        server.faults.add(faults.status(500), when=first_two)
        result = start(tmp_path, server, prompts=6)
        assert result.manifest["totals"]["pairs"] == 6

    @pytest.mark.slow
    def test_a_judge_that_has_nothing_else_to_say_stops_the_run_soon(
        self, tmp_path: Path, server: LocalServer
    ) -> None:
        server.faults.add(self.SAID, when=of_judge)
        result = start(tmp_path, server, prompts=9)
        assert result.exit_code == 4
        assert "unknown field" in str(result.stopped_by)
        assert len(server.requests) < 50, "the circuit breaker is not what ends it"
        assert "`structured`" in str(result.stopped_by)

    def test_another_error_in_between_begins_anew(self) -> None:
        from judgeforge.calls.retry import RepeatedFailure

        failures = RepeatedFailure()
        for words, final in (("one", False), ("two", False), ("one", False), ("one", True)):
            error = StatusError(words, status=500, retryable=True)
            failures.look(error, 0, has_substitute=False)
            assert error.retryable is not final

    def test_the_id_of_a_request_makes_no_other_error_of_it(self) -> None:
        from judgeforge.calls.retry import RepeatedFailure

        failures = RepeatedFailure()
        for number, final in ((17, False), (18, True)):
            said = f"HTTP 500 from m: an error (request ID req_{number:032x}, 10:31:{number})"
            error = StatusError(said, status=500, retryable=True)
            failures.look(error, 0, has_substitute=False)
            assert error.retryable is not final

    @pytest.mark.parametrize(
        ("answers", "has_substitute", "final"),
        [
            ((5, 5, 5, 5), False, False),
            ((5, 6), False, False),
            ((5, 6, 7), False, True),
            ((5, 6, 6, 7), False, True),
            ((0, 0, 0), True, False),
        ],
    )
    def test_an_outage_is_waited_for(
        self, answers: tuple[int, ...], has_substitute: bool, final: bool
    ) -> None:
        from judgeforge.calls.retry import RepeatedFailure

        failures = RepeatedFailure()
        for count in answers:
            error = StatusError("down", status=500, retryable=True)
            failures.look(error, count, has_substitute=has_substitute)
        assert error.retryable is not final


def test_a_model_that_refuses_pictures_only_is_told_not_to_see(
    tmp_path: Path, server: LocalServer
) -> None:
    """Not every row of a picture is paid for and lost, though rows of words are answered."""
    part = {"type": "image_url", "image_url": {"url": data_url(png())}}
    seen = [{"role": "user", "content": [{"type": "text", "text": "See"}, part]}]
    prompts: list[object] = [
        "Plain",
        *([*seen, {"role": "assistant", "content": f"{i}"}, *seen] for i in range(9)),
    ]
    lines = (json.dumps({"prompt": prompt}) + "\n" for prompt in prompts)
    (tmp_path / "prompts.jsonl").write_text("".join(lines))
    refused = {"error": {"message": "This model takes text only."}}
    server.faults.add(faults.status(400, body=refused), when=lambda one: b"image_url" in one.raw)
    result = start(tmp_path, server, prompts={"path": "prompts.jsonl"})
    assert result.exit_code == 4
    assert "`vision: false`, if it does not see pictures" in str(result.stopped_by)


CALL = Call("small", {"messages": []}, "{}", 2, "key")


class Place:
    """Of a request that might be sent."""

    def __init__(self) -> None:
        self.gate, self.given_back = self, 0

    def used(self, _: object, tokens: int) -> None:
        assert tokens == 0

    def leave(self, _: object, *, abandoned: bool) -> None:
        assert abandoned
        self.given_back += 1


def forbidden() -> StatusError:
    return StatusError("HTTP 403 from small: No.", status=403)


async def refused(told: Acceptance, model: ModelConfig) -> StatusError:
    error = forbidden()
    with told.under_way(CALL):
        await told.weigh(CALL, error, model)
    return error


@pytest.fixture
def small() -> ModelConfig:
    return ModelConfig.model_validate({"provider": "openai", "model": "small"})


def test_a_process_that_stands_still_does_not_take_that_for_quiet(
    small: ModelConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full machine, or one that sleeps: what comes meanwhile is heard before it is judged."""
    monkeypatch.setattr(acceptance, "QUIET_S", 0.1)
    told, tasks = Acceptance(), list[asyncio.Task[None]]()

    async def other() -> None:
        await asyncio.sleep(0)
        time.sleep(0.3)  # noqa: ASYNC251 (so it is)
        with told.under_way(CALL):
            await asyncio.sleep(0.3)
            told.answered(CALL)

    class OneMore(Prompts):
        def begin_another(self) -> bool:
            tasks.append(asyncio.create_task(other()))
            return len(tasks) == 1

    told.prompts = OneMore()
    error = asyncio.run(refused(told, small))
    assert not error.stops_run
    assert len(tasks) == 1


def test_several_refusals_begin_one_other_prompt_and_wait_for_it(
    small: ModelConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acceptance, "QUIET_S", 0.05)
    told, begun = Acceptance(), list[float]()

    class Late(Prompts):
        are_few = True

        def begin_another(self) -> bool:
            begun.append(time.monotonic())
            asyncio.get_running_loop().call_later(0.02, told.answered, CALL)
            return len(begun) <= 1

    async def scenario() -> list[StatusError]:
        told.prompts = Late()
        later = (asyncio.sleep(0.007 * i) for i in range(4))

        async def one(wait: Any) -> StatusError:
            await wait
            return await refused(told, small)

        return await asyncio.gather(*(one(wait) for wait in later))

    assert not any(error.stops_run for error in asyncio.run(scenario()))
    assert len(begun) == 1


def test_where_what_was_refused_is_given_up_nothing_waits_for_it(small: ModelConfig) -> None:
    """Nor does what waits to be sent hold a place that others may need meanwhile."""
    told, place = Acceptance(), Place()

    async def scenario() -> bool:
        with told.under_way(CALL), told.sending(CALL):
            held = [asyncio.create_task(refused(told, small)) for _ in range(FIRST_REFUSALS)]
            await asyncio.sleep(0)
            passage = cast("Passage", place)
            waiting = asyncio.create_task(told.may_send(CALL, passage))
            await asyncio.sleep(0)
            assert place.given_back == 1
            held[0].cancel()
            async with asyncio.timeout(1):
                assert not await waiting
            for one in held:
                one.cancel()
            return await told.may_send(CALL, passage)

    assert asyncio.run(scenario())
    assert place.given_back == 1
