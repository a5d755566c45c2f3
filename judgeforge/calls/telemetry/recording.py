"""Spans, counters and events, through OpenTelemetry's API alone: the SDK is the user's choice.

``configured`` is asked once a run. Where the process has set up no SDK it gives None, and nothing
of the library is even imported. What the SDK, or anything that is hung into it, raises is logged
and changes nothing: it would end a run between a reply that is paid and its place in the cache.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from judgeforge.calls.telemetry import conventions as names
from judgeforge.calls.telemetry.content import is_wanted
from judgeforge.store.log import CallRecord
from judgeforge.text.redaction import redact

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span

    from judgeforge.calls.telemetry.far_calls import FarCalls

Attributes = Mapping[str, Any]
"""Strings, numbers, truth values and tuples of strings; None is left out."""

_API = "opentelemetry.trace"
_OF_THE_API = (_API, "opentelemetry.metrics", "opentelemetry._logs")
_CHOSEN = "OTEL_PYTHON_TRACER_PROVIDER", "OTEL_PYTHON_METER_PROVIDER", "OTEL_PYTHON_LOGGER_PROVIDER"
"""Environment variables with which the API loads an SDK by itself."""
_MOST_BATCH_RECORDS = 50_000
_LOGGER = logging.getLogger("judgeforge.telemetry")
_RAISED: set[type[Exception]] = set()
"""By the SDK of this process so far: of each kind the first is logged."""


@contextmanager
def _harmless() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if type(error) not in _RAISED:
            _RAISED.add(type(error))
            _LOGGER.warning(
                "what this program has set up of OpenTelemetry raised %s: %s. The run goes on, and "
                "what is told of it may have gaps; further errors of this type are not shown.",
                type(error).__name__,
                redact(str(error)),
                exc_info=_LOGGER.isEnabledFor(logging.DEBUG),
            )


def configured() -> Telemetry | None:
    """What tells of a run; None where the process has no SDK to tell."""
    if _API not in sys.modules and not any(name in os.environ for name in _CHOSEN):
        return None  # nobody has imported the API, so nobody has set up anything
    from opentelemetry import _logs, metrics, trace

    found = trace.get_tracer_provider(), metrics.get_meter_provider(), _logs.get_logger_provider()
    if all(_does_nothing(one) for one in found):
        return None
    with _harmless():
        return Telemetry(has_events=not _does_nothing(found[2]))
    return None


def _does_nothing(provider: object) -> bool:
    """Whether it is one of the API's own, which stand where there is no SDK."""
    return type(provider).__module__.startswith(_OF_THE_API)


@dataclass(slots=True, eq=False)
class Told:
    """One span, and what its call has been told about itself so far."""

    span: Span
    metric: Attributes = field(default_factory=dict)
    """What its attempts are counted by."""
    attempts: list[CallRecord] = field(default_factory=list)

    def say(self, attributes: Attributes) -> None:
        with _harmless():
            self.span.set_attributes(_shown(attributes))

    def event(self, name: str, attributes: Attributes) -> None:
        with _harmless():
            self.span.add_event(name, _shown(attributes))

    @property
    def is_open(self) -> bool:
        return self.span.is_recording()


_CALL: ContextVar[Told | None] = ContextVar("told_call", default=None)
"""The call whose attempt this is: tasks inherit it, as they do the span."""
_SPANS: ContextVar[dict[str, Context] | None] = ContextVar("told_spans", default=None)
"""Of the prompt under way: the spans of its calls, by the keys of these."""


class Telemetry:
    def __init__(self, *, has_events: bool) -> None:
        """``has_events``: whether events go to a logger; else they go onto spans."""
        from opentelemetry import _logs, metrics, trace

        from judgeforge import __version__

        self._trace = trace
        self._tracer = trace.get_tracer(names.SCOPE, __version__)
        self._logger = _logs.get_logger(names.SCOPE, __version__) if has_events else None
        self.shows_content = is_wanted()
        meter = metrics.get_meter(names.SCOPE, __version__)
        self._duration = meter.create_histogram(
            names.DURATION,
            unit="s",
            description="Seconds of a request to a model",
            explicit_bucket_boundaries_advisory=list(names.DURATION_BOUNDS),
        )
        self._tokens = [
            meter.create_counter(names.USAGE + end, unit="{token}", description=f"Sum of {end}")
            for end in names.USED
        ]
        self._cost = meter.create_counter(names.COST, unit="{USD}", description="Billed USD")
        self._hits = meter.create_counter(
            names.CACHE_HITS, unit="{call}", description="Calls answered by a stored reply"
        )
        self._prompts = meter.create_counter(
            names.PROMPTS, unit="{prompt}", description="Prompts that ended, by how"
        )
        self.models: dict[str, Attributes] = {}
        """What the calls of each model are counted by."""
        self.far: FarCalls
        """Those of other processes of the run."""
        self._of_batches: dict[str, CallRecord] = {}
        self.unfinished: dict[str, Told] = {}
        """The spans of prompts that are judged and wait for their outcome, by id."""

    def begin(
        self,
        name: str,
        attributes: Attributes,
        *,
        calls: bool = False,
        below: Told | None = None,
        at_ns: int | None = None,
    ) -> Told:
        """A span below the current one, or ``below`` another; ``end`` must follow. ``calls``: it
        asks another process. ``at_ns``: when it began, if not now (nanoseconds since 1970)."""
        kind = self._trace.SpanKind.CLIENT if calls else self._trace.SpanKind.INTERNAL
        context = None if below is None else self._trace.set_span_in_context(below.span)
        told = Told(self._trace.INVALID_SPAN)
        with _harmless():
            told.span = self._tracer.start_span(
                name, context, kind=kind, attributes=_shown(attributes), start_time=at_ns
            )
        return told

    def end(
        self, told: Told, error: BaseException | None = None, *, at_ns: int | None = None
    ) -> None:
        if error is not None and told.is_open:
            status = getattr(error, "status", None)
            told.say({names.ERROR_TYPE: str(status or type(error).__name__)})
            with _harmless():
                told.span.set_status(self._trace.StatusCode.ERROR, redact(str(error)))
        with _harmless():
            told.span.end(at_ns)

    @contextmanager
    def inside(self, told: Told) -> Iterator[None]:
        """What begins within is below this span."""
        with self._trace.use_span(told.span, record_exception=False, set_status_on_exception=False):
            yield

    @contextmanager
    def span(self, name: str, attributes: Attributes) -> Iterator[Told]:
        told = self.begin(name, attributes)
        try:
            with self.inside(told):
                yield told
        except BaseException as error:
            self.end(told, error)
            raise
        self.end(told)

    @contextmanager
    def call(self, name: str, attributes: Attributes, metric: Attributes) -> Iterator[Told]:
        told = self.begin(name, attributes, calls=True)
        told.metric = metric
        token = _CALL.set(told)
        try:
            with self.inside(told):
                yield told
        except BaseException as error:
            self.end(told, error)
            raise
        finally:
            _CALL.reset(token)
        self.end(told)

    def attempt(self, record: CallRecord) -> None:
        """One attempt has ended: counted, and kept for its call where it is known which it is."""
        told = None if record.batch else _CALL.get()
        self.count(record, None if told is None else told.metric)
        if told is None:
            if record.batch and record.is_paid and len(self._of_batches) < _MOST_BATCH_RECORDS:
                self._of_batches[record.key] = record
            return
        told.attempts.append(record)
        self.tell_attempt(told, record)

    def tell_attempt(self, told: Told, record: CallRecord) -> None:
        """On its call's span: one that failed, or that repeats another."""
        if told.is_open and (not record.is_paid or record.attempt > 1):
            told.event(names.ATTEMPT, _attempt(record))

    def count(self, record: CallRecord, by: Attributes | None = None) -> None:
        """``by``: what its call is counted by, where that is known better than by its model."""
        metric = dict(by or self.models.get(record.model, {}))
        if not record.is_paid:
            metric[names.ERROR_TYPE] = str(record.status or record.outcome)
        used = record.input_tokens, record.output_tokens, record.cached_tokens
        with _harmless():
            self._duration.record(record.latency_s, metric)
            for counter, tokens in zip(self._tokens, (*used, record.written_tokens), strict=True):
                if tokens:
                    counter.add(tokens, metric)
            if record.cost_usd:
                self._cost.add(record.cost_usd, metric)

    def take_batch_record(self, key: str) -> CallRecord | None:
        """Of the batch that has just answered this call, once."""
        return self._of_batches.pop(key, None)

    def hit(self, metric: Attributes) -> None:
        with _harmless():
            self._hits.add(1, dict(metric))

    def prompt_ended(self, outcome: str) -> None:
        with _harmless():
            self._prompts.add(1, {names.OUTCOME: outcome})

    @contextmanager
    def keeping_spans(self) -> Iterator[Mapping[str, Context]]:
        """The spans of all calls within, by key: what is said of their replies belongs there."""
        found: dict[str, Context] = {}
        token = _SPANS.set(found)
        try:
            yield found
        finally:
            _SPANS.reset(token)

    def keep_span(self, key: str, told: Told) -> None:
        if (spans := _SPANS.get()) is not None:
            spans[key] = self._trace.set_span_in_context(
                self._trace.NonRecordingSpan(told.span.get_span_context())
            )

    def evaluation(self, about: Context | None, told: Told, attributes: Attributes) -> None:
        """A verdict, as an event of the span of what it is about: one that may have ended, so it
        takes a logger. Without one it stands on ``told``, the prompt's span, which is open."""
        if self._logger is None:
            told.event(names.EVALUATION, attributes)
            return
        with _harmless():
            self._logger.emit(
                event_name=names.EVALUATION,
                attributes=_shown(attributes),
                context=about or self._trace.set_span_in_context(told.span),
            )


def _attempt(record: CallRecord) -> Attributes:
    return {
        names.ATTEMPT + ".number": record.attempt,
        names.OUTCOME: record.outcome,
        names.ERROR_TYPE: None if record.is_paid else str(record.status or record.outcome),
        names.STATUS: record.status,
        names.SECONDS: record.latency_s,
    }


def _shown(attributes: Attributes) -> dict[str, Any]:
    """Without what is not there, and without secrets."""
    return {name: _clean(value) for name, value in attributes.items() if value is not None}


def _clean(value: Any) -> Any:  # noqa: ANN401 (of ``Attributes``)
    if isinstance(value, str):
        return redact(value)
    return tuple(map(redact, value)) if isinstance(value, tuple) else value
