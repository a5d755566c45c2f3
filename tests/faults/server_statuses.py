"""Faults of a server: what it answers by HTTP status."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from tests.faults.scene import Scene, is_judge, results
from tests.faults.table import fault
from tests.local_server import RequestRecord, faults
from tests.local_server.faults import Fault
from tests.support.run_setup import KEY, KEY_VARIABLE, rows

CALLS = 16
"""Of a run of two prompts: each has four completions and four judgments."""


def _is_tried_again(scene: Scene, refusal: Fault) -> str:
    scene.server.faults.add(refusal, nth=3)
    scene.configure()
    seen = scene.exits(0)
    assert len(scene.server.requests) == CALLS + 1
    assert results(scene.out) == scene.undisturbed()
    assert seen.cost_usd == pytest.approx(scene.billed_usd())
    return f"{CALLS + 1} requests for {CALLS} calls, the undisturbed result, exact cost"


def _refusal_that_passes(code: int, *, quick: bool = False) -> None:
    @fault(
        f"status-{code}",
        done=f"One call is answered with HTTP {code}.",
        promise="Tried again; the result is that of an undisturbed run; the refusal costs nothing.",
        quick=quick,
    )
    def show(scene: Scene) -> str:
        return _is_tried_again(scene, faults.status(code))


for _code in (408, 409, 429, 500, 502, 503, 529):
    _refusal_that_passes(_code, quick=_code == 529)


def _waited_s(scene: Scene) -> float:
    """From the refusal to the next time that the same request came."""
    refused = next(record for record in scene.server.requests if record.fault)
    again = [record for record in scene.server.requests if record.raw == refused.raw]
    assert refused.done_at is not None
    return again[-1].at - refused.done_at


@fault(
    "status-429-retry-after-seconds",
    done="One call is answered with 429 and `retry-after: 1`.",
    promise="Asked again, no earlier than after the second that was asked for.",
)
def _(scene: Scene) -> str:
    seen = _is_tried_again(scene, faults.status(429, retry_after=1))
    assert 0.99 <= _waited_s(scene) < 10
    return f"{seen}; waited at least 1 s"


@fault(
    "status-429-retry-after-ms",
    done="One call is answered with 429 and `retry-after-ms: 300`.",
    promise="Asked again, no earlier than after the 300 ms that were asked for.",
    quick=True,
)
def _(scene: Scene) -> str:
    seen = _is_tried_again(scene, faults.status(429, retry_after_ms=300))
    assert 0.29 <= _waited_s(scene) < 10
    return f"{seen}; waited at least 300 ms"


@fault(
    "status-429-retry-after-date",
    done="One call is answered with 429 and a `retry-after` that is a date 3 s ahead.",
    promise="Asked again, no earlier than at that date.",
)
def _(scene: Scene) -> str:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=3), usegmt=True)
    seen = _is_tried_again(scene, faults.status(429, retry_after=date))
    # A date has whole seconds, and some of the 3 s pass before the call is sent.
    assert 0.5 <= _waited_s(scene) < 12
    return f"{seen}; waited for the date"


@fault(
    "status-429-retry-after-absurd",
    done="Every call is answered with 429 and `retry-after: 999999999` (`limits.stall_s` is 3).",
    promise="Pauses are cut to two minutes, and after `limits.stall_s` without a reply: exit 4.",
)
def _(scene: Scene) -> str:
    scene.server.faults.add(faults.status(429, retry_after=999_999_999))
    scene.configure(limits={"stall_s": 3, "max_retry_s": 300})
    seen = scene.exits(4, "stall_s")
    assert seen.seconds < 30
    assert "429" in seen.message or "small" in seen.message
    scene.goes_on()
    return "exit 4, the message says what was waited for; the same command went on to the end"


def _nonsense(name: str, retry_after: int | str) -> None:
    @fault(
        f"status-429-retry-after-{name}",
        done=f"One call is answered with 429 and `retry-after: {retry_after}`.",
        promise="The nonsense is ignored: the usual backoff.",
    )
    def show(scene: Scene) -> str:
        return _is_tried_again(scene, faults.status(429, retry_after=retry_after))


_nonsense("negative", -5)
_nonsense("garbage", "soon")


@fault(
    "status-429-at-the-start",
    done="The first six requests of a start are answered with 429, as after a run before it.",
    promise="Asked again soon: no rate is taken from a time in which nothing was accepted.",
)
def _(scene: Scene) -> str:
    scene.server.faults.add(faults.status(429), times=6)
    scene.configure()
    seen = scene.run()
    assert (seen.exit_code, len(scene.server.requests)) == (0, CALLS + 6)
    assert results(scene.out) == scene.undisturbed()
    assert seen.seconds < 60
    return f"{CALLS + 6} requests for {CALLS} calls, the undisturbed result, no pause of minutes"


def _refusal_for_good(code: int) -> None:
    @fault(
        f"status-{code}",
        done=f"One completion call is answered with HTTP {code}.",
        promise="Never repeated: that completion is `failed` with the reason, the run goes on.",
    )
    def show(scene: Scene) -> str:
        scene.server.faults.add(faults.status(code), nth=1)
        scene.configure()
        seen = scene.exits(0)
        assert len(scene.server.calls(status=code)) == 1
        failed = [row for row in rows(scene.out / "completions.jsonl") if row["finish"] == "failed"]
        assert len(failed) == 1
        assert f"HTTP {code}" in failed[0]["flags"][0]
        assert seen.cost_usd == pytest.approx(scene.billed_usd())
        return "sent once; one completion `failed`, both prompts have pairs"


for _code in (400, 413, 422):
    _refusal_for_good(_code)


def _refusal_that_stops(name: str, answer: str, refusal: Fault, said: str) -> None:
    @fault(
        f"status-{name}",
        done=f"Every call is answered with {answer}.",
        promise="The run stops (exit 4) and says what to fix; then the same command continues.",
        quick=name == "401",
    )
    def show(scene: Scene) -> str:
        scene.server.faults.add(refusal)
        scene.configure(prompts=20)
        seen = scene.run()
        assert (seen.exit_code, seen.manifest["status"]) == (4, "provider")
        assert said in seen.message
        sent = len(scene.server.requests)
        assert sent <= 2 * CALLS, "hardly more than what was in flight at the first refusal"
        assert seen.cost_usd == 0
        scene.server.faults.clear()
        again = scene.run()
        assert again.exit_code == 0
        assert again.manifest["totals"]["prompts"] == 20
        return f"exit 4 at once, `{said}` in the message, nothing paid; then 20 of 20 prompts"


for _name, _answer, _refusal, _said in (
    ("401", "401", faults.status(401), KEY_VARIABLE),
    ("403", "403", faults.status(403), KEY_VARIABLE),
    ("404", "404", faults.status(404), "base_url"),
    ("429-quota", "429 `insufficient_quota`", faults.quota_exhausted(), "credit"),
    ("402", "402", faults.status(402), "credit"),
):
    _refusal_that_stops(_name, _answer, _refusal, _said)


@fault(
    "status-401-echoes-the-key",
    done="The server answers 401 and repeats the whole key in its message.",
    promise="Exit 4; the key is in no message, no file, no log and no traceback.",
    quick=True,
)
def _(scene: Scene) -> str:
    said = {"error": {"message": f"Incorrect API key provided: {KEY}.", "code": "invalid_api_key"}}
    scene.server.faults.add(faults.status(401, body=said))
    scene.configure()
    shown = scene.command_exits(4, scene.start("--verbose"), traceback=True)
    assert "Incorrect API key provided: [redacted]" in shown
    return "exit 4, `[redacted]` where the key stood (files, log, output and traceback searched)"


@fault(
    "status-400-unsupported-parameter",
    done="Every call is answered with 400 `Unsupported parameter: 'max_tokens'`.",
    promise="The run stops (exit 4) and names the setting to change.",
)
def _(scene: Scene) -> str:
    said = {"error": {"message": "Unsupported parameter: 'max_tokens' is not supported."}}
    scene.server.faults.add(faults.status(400, body=said))
    scene.configure()
    scene.exits(4, "max_tokens_field: max_completion_tokens")
    return "exit 4, the message says `max_tokens_field: max_completion_tokens`"


@fault(
    "status-500-for-ever",
    done="Every call is answered with 500.",
    promise="Attempts are bounded: the calls fail by name, no prompt vanishes, nothing is paid.",
)
def _(scene: Scene) -> str:
    scene.server.faults.add(faults.status(500))
    scene.configure(limits={"max_attempts": 2})
    seen = scene.run()
    assert seen.exit_code in {4, 5}
    assert seen.cost_usd == 0
    if seen.exit_code == 5:
        assert set(seen.skips.values()) == {"call_failed"}
    return f"exit {seen.exit_code}, cost 0"


def _about_the_second(record: RequestRecord) -> bool:
    return b"fact number 1." in record.raw


def _one_prompt_only(
    name: str, done: str, refusal: Fault, *, filtered: bool = False, stall_s: float = 600.0
) -> None:
    @fault(
        name,
        done=done,
        promise="About that prompt alone: a named skip, and the run goes on; nothing is said of "
        "the key.",
    )
    def show(scene: Scene) -> str:
        scene.server.faults.add(refusal, when=_about_the_second)
        scene.configure(prompts=4, limits={"stall_s": stall_s})
        seen = scene.run()
        reason = "too_few_completions" if filtered else "call_failed"
        assert (seen.exit_code, seen.pairs, seen.skips) == (5, 3, {"p1": reason})
        refused = [row for row in rows(scene.out / "completions.jsonl") if not row["text"]]
        finish = "content_filter" if filtered else "failed"
        assert {row["finish"] for row in refused} == {finish}
        assert not any("Check the key" in str(row["flags"]) for row in refused)
        return f"skip `{reason}` of one prompt, `finish: {finish}`; pairs of the other three"


_one_prompt_only(
    "status-403-for-one-prompt",
    "Every request about one prompt is answered with 403.",
    faults.status(403, body={"error": "This prompt is not served here."}),
)
_one_prompt_only(
    "status-401-for-one-prompt",
    "Every request about one prompt is answered with 401.",
    faults.status(401),
)
_one_prompt_only(
    "status-402-for-one-prompt",
    "Every request about one prompt is answered with 402.",
    faults.status(402),
)
_one_prompt_only(
    "status-429-for-one-prompt",
    "Every request about one prompt is answered with 429, at any time (`limits.stall_s` is 3).",
    faults.status(429),
    stall_s=3.0,
)
_one_prompt_only(
    "status-400-content-filter",
    "Every request about one prompt is stopped by Azure's content filter (400).",
    faults.status(400, body={"error": {"message": "Filtered.", "code": "content_filter"}}),
    filtered=True,
)
_one_prompt_only(
    "status-403-moderation",
    "Every request about one prompt is stopped by OpenRouter's moderation (403).",
    faults.status(403, body={"error": {"code": 403, "metadata": {"reasons": ["violence"]}}}),
    filtered=True,
)


@fault(
    "judge-refused-always",
    done="Every request to a judge is answered with 400, whatever it asks; completions come.",
    promise="Stopped before the writer has spent much: exit 4 with the server's words and the "
    "settings that could be meant; no prompt is finished for it.",
)
def _(scene: Scene) -> str:
    said = {"error": {"message": "This response_format type is unavailable now"}}
    scene.server.faults.add(faults.status(400, body=said), when=is_judge)
    scene.configure(prompts=24)
    seen = scene.run()
    assert (seen.exit_code, seen.manifest["totals"]["prompts"]) == (4, 0)
    assert "response_format type is unavailable now" in seen.message
    assert "`structured`" in seen.message
    sampled = len(scene.server.calls(kind="completion"))
    assert sampled <= 48, "half of what the run would pay its writer"
    scene.goes_on()
    return f"exit 4 after {sampled} of 96 completions; then the same command went on"
