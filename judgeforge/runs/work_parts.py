"""The parts that take prompts through: what judges, and what is asked of whom, of one process.

A run of one process has them once; of several, each of its workers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from judgeforge.calls.gateway import Gateway
from judgeforge.calls.judge_calls import JudgeCalls
from judgeforge.config.run import RunConfig
from judgeforge.judging.first_replies import FirstReplies
from judgeforge.judging.panel import Panel, TriedPanel
from judgeforge.ranking.rules import first_tier
from judgeforge.records import Judgment
from judgeforge.runs.cost_estimates.estimate import Estimator
from judgeforge.runs.equal_draws import EqualDraws
from judgeforge.runs.own_criteria import OwnCriteriaWork
from judgeforge.runs.preparation.extra_judgments import asks_from_records, bought
from judgeforge.runs.preparation.preparation import Preparation
from judgeforge.runs.preparation.tokenizer import read_tokenizer
from judgeforge.runs.prompt_work import PromptWork
from judgeforge.runs.remarks import unused_verdicts
from judgeforge.store.judge_replies import JudgeReplies
from judgeforge.store.log import RunLog

if TYPE_CHECKING:
    from judgeforge.judging.elsewhere.applied import Elsewhere
    from judgeforge.judging.escalation import Escalation


def build_escalation(
    prepared: Preparation, panel: Panel, estimator: Estimator
) -> Escalation | None:
    """None where every judge is asked everything."""
    rules = prepared.config.judging.cascade
    if rules is None or not panel.judges:
        return None
    from judgeforge.judging.escalation import Escalation, TrainingAim

    judging = prepared.config.judging
    training = TrainingAim(
        judging.training_value, estimator.fresh_prompt_usd, estimator.another_usd
    )
    return Escalation(
        panel,
        rules,
        estimator.question_usd,
        max_error=prepared.config.pairing.max_error,
        from_records=asks_from_records(judging, checked=bool(prepared.rubric.checked)),
        training=training if judging.aim == "training" else None,
    )


def build_prompt_work(
    prepared: Preparation,
    gateway: Gateway,
    panel: TriedPanel,
    estimator: Estimator,
    log: RunLog,
    say: Callable[[str], None],
) -> PromptWork:
    config, calibration = prepared.config, prepared.calibration

    def reading_failed(judgment: Judgment) -> None:
        log.event("reading_failed", judgment=judgment.id, key=judgment.call, error=judgment.missing)

    return PromptWork(
        config=config,
        rubric=prepared.rubric.identity,
        gateway=gateway,
        panel=panel,
        escalation=build_escalation(prepared, panel, estimator),
        measure=bought(config.judging),
        calibration=calibration,
        tokens=read_tokenizer(config),
        trust=None if calibration is None else calibration.trust(config.pairing),
        equal_draws=EqualDraws(config.sampling, say),
        on_reading_failure=reading_failed,
        asks_nobody=prepared.asks_nobody,
        elsewhere=_elsewhere(prepared, log, say),
        own=OwnCriteriaWork.of_run(prepared, gateway),
    )


def _elsewhere(prepared: Preparation, log: RunLog, say: Callable[[str], None]) -> Elsewhere | None:
    """None where all judgments are made here."""
    verdicts = prepared.verdicts
    if verdicts is None:
        return None
    from judgeforge.judging.elsewhere.applied import Elsewhere

    weight = prepared.rubric.judged_weight or 1.0
    return Elsewhere(verdicts, weight, unused_verdicts(verdicts.file, log, say))


def first_replies(
    config: RunConfig,
    gateway: Gateway,
    known: JudgeReplies,
    *,
    keep: Callable[[JudgeReplies], None],
    say: Callable[[str], None],
) -> FirstReplies:
    """What is found out about the judges' replies, asked through ``gateway``."""
    judging, models = config.judging, config.models
    contexts = {judge.model: models[judge.model].context_tokens for judge in judging.judges}
    first = first_tier(judging.judges)
    return FirstReplies(
        JudgeCalls(gateway, judging.on_judge_failure, contexts),
        {judge.model: models[judge.model] for judge in judging.judges},
        at_once=[judge for judge in judging.judges if judge.tier == first],
        known=known,
        keep=keep,
        say=say,
    )
