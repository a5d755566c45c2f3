"""What a run's cascade would have asked about labelled prompts, of judges that were asked all.

A promise is about pairs as a run makes them. Where a cascade stops early, the same prompt has less
evidence there than a panel that was asked everything gives.
"""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from judgeforge.calibration.fit import AsAsked
from judgeforge.config.run import RunConfig
from judgeforge.judging.escalation import Escalation
from judgeforge.judging.own_family import OwnFamily
from judgeforge.judging.panel import RecordedPanel
from judgeforge.ranking.evidence import Evidence, read_evidence
from judgeforge.ranking.reliability.judges import Reliability
from judgeforge.runs.measurement.label_rows import LabelledPrompt
from judgeforge.runs.measurement.label_run import JudgedLabels
from judgeforge.runs.planning.estimate import Estimator
from judgeforge.runs.planning.preparation import Preparation
from judgeforge.sampling.sampling import ready_completions, usable

T = TypeVar("T")


def cascade_replay(
    config: RunConfig, prepared: Preparation, judged: JudgedLabels
) -> AsAsked | None:
    """None where every judge is asked everything."""
    rules = config.judging.cascade
    if rules is None:
        return None
    panel = RecordedPanel(
        config.judging.judges,
        prepared.rubric,
        [one for judgments in judged.judgments.values() for one in judgments],
        OwnFamily(config.models, exclude=config.judging.exclude_own_family),
    )
    price = Estimator(config, prepared).question_usd
    escalation = Escalation(panel, rules, price, max_error=config.pairing.max_error)
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
