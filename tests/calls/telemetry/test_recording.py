"""Whether anybody is told, and what an SDK is given."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk._logs import LogRecordProcessor
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from judgeforge.calls.telemetry.recording import configured
from judgeforge.store.log import CallRecord, RunLog, call_record
from judgeforge.text.redaction import Redactor
from tests.support.telemetry import sdk

RECORD = CallRecord(
    *("k", "m", "openai", 1, "stop", 0.5),
    input_tokens=10,
    output_tokens=5,
    cost_usd=0.01,
    cached_tokens=4,
)


def test_without_an_sdk_nobody_is_told() -> None:
    assert configured() is None


def test_where_the_api_was_never_imported_it_is_not_imported_to_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "opentelemetry.trace")
    assert configured() is None
    assert "opentelemetry.trace" not in sys.modules


def test_an_sdk_for_one_of_the_three_is_enough() -> None:
    with sdk(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("opentelemetry.trace._TRACER_PROVIDER", None)
        patch.setattr("opentelemetry._logs._internal._LOGGER_PROVIDER", None)
        assert configured() is not None


def test_another_vendors_provider_is_an_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    class Vendor(trace.NoOpTracerProvider):
        """Of another package, which implements the API itself."""

    monkeypatch.setattr("opentelemetry.trace._TRACER_PROVIDER", Vendor())
    assert configured() is not None


def test_texts_and_lists_of_texts_are_told_without_keys_and_nothing_is_told_as_nothing() -> None:
    with sdk() as seen:
        telemetry = configured()
        assert telemetry is not None
        key = "sk-abcdefghijklmnop1234"
        told = telemetry.begin("x", {"one": key, "several": (f"a {key}", "b"), "none": None})
        telemetry.end(told, ValueError(f"with {key}"))
    (span,) = seen.spans
    assert set(span.attributes or {}) == {"one", "several", "error.type"}
    assert key not in seen.everything()
    assert span.status.status_code.name == "ERROR"


def test_what_an_attempt_used_is_counted_once_whether_or_not_its_call_is_known() -> None:
    with sdk() as seen:
        telemetry = configured()
        assert telemetry is not None
        telemetry.attempt(RECORD)
        telemetry.attempt(CallRecord("k", "m", "openai", 2, "StatusError", 0.1, status=503))
    usage = "gen_ai.client.inference.usage."
    assert seen.metric(f"{usage}input_tokens") == {"": 10}
    assert seen.metric(f"{usage}output_tokens") == {"": 5}
    assert seen.metric(f"{usage}cache_read.input_tokens") == {"": 4}
    assert seen.metric("judgeforge.cost_usd") == {"": 0.01}
    assert seen.metric("gen_ai.client.inference.duration") == pytest.approx({"": 0.5, "503": 0.1})


def test_the_line_of_another_process_says_what_its_attempt_was(tmp_path: Path) -> None:
    heard: list[CallRecord] = []
    log = RunLog(tmp_path / "log.jsonl", Redactor())
    log.call(RECORD)
    log.on_far_call = heard.append
    log.append((tmp_path / "log.jsonl").read_bytes().strip())
    log.append(b'{"event":"run_started"}')
    log.close()
    assert heard == [RECORD]
    assert (
        call_record(
            {"key": "k", "new": 1, **dict.fromkeys(("model", "provider"), "m")}
            | {
                "attempt": 1,
                "outcome": "stop",
                "latency_s": 0.1,
            }
        ).model
        == "m"
    )


class Faulty(SpanProcessor, LogRecordProcessor):
    """Of a vendor, and wrong in every place in which the SDK lets it speak."""

    def on_start(self, span: Span, parent_context: object = None) -> None:
        raise RuntimeError("no room for a span")

    def on_end(self, span: ReadableSpan) -> None:
        raise RuntimeError("no room for a span")

    def on_emit(self, log_record: object) -> None:
        raise KeyError("event")

    def shutdown(self) -> None: ...

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True


@pytest.mark.parametrize("at", ["on_start", "on_end", "on_emit"])
def test_what_an_sdk_raises_is_logged_once_and_changes_nothing(
    at: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("judgeforge.calls.telemetry.recording._RAISED", set())
    faulty = Faulty()
    for other in {"on_start", "on_end", "on_emit"} - {at}:
        monkeypatch.setattr(faulty, other, lambda *_, **__: None)
    with sdk() as seen:
        seen.tracing.add_span_processor(faulty)
        seen.logging.add_log_record_processor(faulty)
        telemetry = configured()
        assert telemetry is not None
        for _ in range(3):
            with telemetry.call("chat x", {}, {}) as told:
                telemetry.attempt(RECORD)
                told.say({"one": "word"})
                telemetry.evaluation(None, told, {"score": 1.0})
        assert seen.metric("judgeforge.cost_usd") == {"": pytest.approx(0.03)}
    (line,) = caplog.messages
    assert "The run goes on" in line
    assert ("KeyError" if at == "on_emit" else "no room for a span") in line
