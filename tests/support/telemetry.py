"""An OpenTelemetry SDK that keeps everything in memory, in place of none, for as long as a test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


@dataclass(frozen=True)
class Seen:
    """What reached the exporters."""

    tracing: TracerProvider
    logging: LoggerProvider
    exported: InMemorySpanExporter
    reader: InMemoryMetricReader
    logged: InMemoryLogRecordExporter

    @property
    def spans(self) -> list[ReadableSpan]:
        """In the order in which they ended."""
        return list(self.exported.get_finished_spans())

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.spans if span.name == name]

    @property
    def calls(self) -> list[ReadableSpan]:
        return [span for span in self.spans if "judgeforge.model" in (span.attributes or {})]

    def parent(self, span: ReadableSpan) -> ReadableSpan | None:
        wanted = None if span.parent is None else span.parent.span_id
        return next((one for one in self.spans if one.context.span_id == wanted), None)

    @property
    def events(self) -> list[Any]:
        """Records of the logger."""
        return [one.log_record for one in self.logged.get_finished_logs()]

    def metric(self, name: str) -> dict[str, float]:
        """Sums by the type of the error, "" without one."""
        data = self.reader.get_metrics_data()
        found: dict[str, float] = {}
        for resource in data.resource_metrics if data else ():
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    if metric.name == name:
                        for point in metric.data.data_points:
                            key = str((point.attributes or {}).get("error.type", ""))
                            value = getattr(point, "value", None)
                            found[key] = found.get(key, 0) + (
                                getattr(point, "sum", 0) if value is None else value
                            )
        return found

    def everything(self) -> str:
        """As text, to look for what must not be in it."""
        spans = "".join(span.to_json() for span in self.spans)
        return spans + "".join(str(one.to_json()) for one in self.logged.get_finished_logs())


@contextmanager
def sdk(*, events: bool = True) -> Iterator[Seen]:
    """As if a program had set it up; afterwards there is none again."""
    exported, reader, logged = (
        InMemorySpanExporter(),
        InMemoryMetricReader(),
        InMemoryLogRecordExporter(),  # type: ignore[no-untyped-call]
    )
    tracing, metering, logging = (
        TracerProvider(shutdown_on_exit=False),
        MeterProvider([reader], shutdown_on_exit=False),
        LoggerProvider(shutdown_on_exit=False),
    )
    tracing.add_span_processor(SimpleSpanProcessor(exported))
    logging.add_log_record_processor(SimpleLogRecordProcessor(logged))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("opentelemetry.trace._TRACER_PROVIDER", tracing)
        patch.setattr("opentelemetry.metrics._internal._METER_PROVIDER", metering)
        logger = logging if events else None
        patch.setattr("opentelemetry._logs._internal._LOGGER_PROVIDER", logger)
        yield Seen(tracing, logging, exported, reader, logged)
