"""What a run says of itself beside its result, in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from judgeforge.config.judges import JudgingConfig
from judgeforge.judging.own_criteria.prompt_rubric import OwnRubrics
from judgeforge.ranking.pairing.audit import AuditFigure
from judgeforge.runs.preparation.extra_judgments import MEASURED_SHARE, bought
from judgeforge.runs.preparation.preparation import Preparation
from judgeforge.runs.preparation.replicas import replica_notes
from judgeforge.store.log import RunLog
from judgeforge.text.visible import quotable
from judgeforge.text.wording import counted, listed

WILL_ONLY_SAMPLE = (
    "no judge is named: the run samples completions and makes no pairs. With `judging` added later "
    "the same folder is judged, and nothing is paid twice."
)
CODE_MAY_DECIDE = (
    "where code decides all criteria of all rows, `judging: {judges: []}` has it decide now: no "
    "judge is waited for then"
)
ONLY_SAMPLED = (
    "sampled only: no judge is named, so there are completions and no pairs. Add `judging` to the "
    "configuration and start the same command on this folder: what is here is judged, and nothing "
    "is paid twice. `judgeforge questions` writes what others can be asked instead."
)


def remarks(prepared: Preparation) -> list[str]:
    """Of a run that has not begun: who judges, where that is not its own judges alone, and models
    that several servers have."""
    found = []
    if prepared.only_samples:
        found.append(WILL_ONLY_SAMPLE)
        own = OwnRubrics.of(prepared.rubric, prepared.config)
        if own is not None and not own.shared.judged and not own.are_written:
            found.append(CODE_MAY_DECIDE)
    found += _alone(prepared.config.judging)
    if prepared.verdicts is not None:
        found.append(f"{prepared.verdicts.file.name}: {prepared.verdicts.summary()}")
    return [*found, *replica_notes(prepared.config)]


def _alone(judging: JudgingConfig) -> list[str]:
    """Of a judge that no other judge measures, and no label."""
    measure, judges = bought(judging), judging.judges
    if len(judges) != 1 or judging.calibration is not None or judging.judgments is not None:
        return []
    lasting = (
        f"judge `{judges[0].label}` is alone: its lasting error is assumed, not measured, to be "
        "like that of recorded judges, and nothing shows how many answers are tied; with two more "
        "judges all three are measured, and 40 labels (`judgeforge calibrate`, two questions to it "
        "for each) measure what its pairs are worth"
    )
    if measure == "repeats":
        return [
            f"{lasting}. Of its first {judging.fit_prompts} prompts about {MEASURED_SHARE:.0%} ask "
            f"it {judging.fit_repeats + 1} times, which shows how far its answers differ"
        ]
    asked_once = judging.cascade is None and judges[0].repeats == 1 and judges[0].shows != "two"
    return (
        [f"{lasting}. Nothing shows its noise, so no pair that only it decides is surer than 0.8"]
        if asked_once
        else []
    )


def not_shown_better(figures: Sequence[AuditFigure]) -> list[str]:
    """Of pairs by design that are not given, since the audit does not show that they are right.
    ``figures``: of all first, then by writers."""
    found = [one for one in figures[1:] or figures if not one.holds]
    if not found:
        return []
    one = found[0]
    who = f"{one.chosen_model} over {one.rejected_model}" if one.chosen_model else "by design"
    more = f" (and {len(found) - 1} more of two writers)" if len(found) > 1 else ""
    advice = (
        "exchange chosen_from and rejected_from, or take a stronger and a weaker writer"
        if one.high <= 0.5
        else "a larger `audit`, a second judge, or writers that are further apart"
    )
    return [
        f"the audit does not show that pairs {who} are right: chosen is better in {one.better:.0%} "
        f"({one.low:.0%} to {one.high:.0%}) by {counted(one.pairs, 'judged pair')}, so the others "
        f"are not given{more}; {advice}"
    ]


def unknown_prompts(file: Path, names: Sequence[str]) -> str:
    """Of verdicts on prompts that the input does not have."""
    shown = listed(map(quotable, names), 3, mark="`")
    return (
        f"{file.name} has judgments of {counted(len(names), 'prompt')} that the input does not "
        f"have ({shown}); they count for nothing"
    )


def unused_verdicts(
    file: Path, log: RunLog, say: Callable[[str], None]
) -> Callable[[int, str], None]:
    """Tells of verdicts that cannot count: the first aloud, all of them in the log."""
    told: list[int] = []

    def tell(line: int, why: str) -> None:
        log.event("verdict_unused", file=file.name, line=line, reason=why)
        if not told:
            say(f"{file.name}:{line} cannot count: {why} (log.jsonl names all such rows)")
        told.append(line)

    return tell
