"""What a run's cascade would have asked about labelled prompts, of judges that were asked all.

A promise is about pairs as a run makes them. Where a cascade stops early, the same prompt has less
evidence there than a panel that was asked everything gives.
"""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from judgeforge.calibration.fit import AsAsked
from judgeforge.judging.panel import RecordedPanel
from judgeforge.ranking.evidence import Evidence, read_evidence
from judgeforge.ranking.reliability.judges import Reliability
from judgeforge.runs.measurement.label_rows import LabelledPrompt
from judgeforge.runs.measurement.label_run import JudgedLabels
from judgeforge.runs.planning.estimate import Estimator
from judgeforge.runs.planning.preparation import Preparation
from judgeforge.runs.wiring import build_escalation
from judgeforge.sampling.sampling import ready_completions, usable

T = TypeVar("T")


def cascade_replay(prepared: Preparation, judged: JudgedLabels) -> AsAsked | None:
    """None where every judge is asked everything."""
    judgments = [one for judgments in judged.judgments.values() for one in judgments]
    escalation = build_escalation(
        prepared, prepared.panel(RecordedPanel, judgments), Estimator(prepared)
    )
    if escalation is None:
        return None
    rows: Mapping[str, LabelledPrompt] = {row.prompt.id: row for row in judged.rows}

    def as_asked(prompt_id: str, reliability: Reliability) -> Evidence:
        async def known() -> Reliability:
            return reliability

        row = rows[prompt_id]
        completions = usable(ready_completions(row.prompt))
        judgments = _result(escalation.judge(row.prompt, completions, known))
        return read_evidence(judgments, [one.id for one in completions], texts=row.texts)

    return as_asked


def _result(coroutine: Coroutine[Any, Any, T]) -> T:
    """Of a coroutine that waits for nothing, so that it also works inside a running event loop."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        value: T = stop.value
        return value
    coroutine.close()
    raise AssertionError("recorded judgments are there at once")
