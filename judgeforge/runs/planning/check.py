"""Whether a run is ready to start: everything that can be checked without a call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from judgeforge.config.run import RunConfig
from judgeforge.errors import ConfigError, InputError
from judgeforge.inputs.cleaning.clean_prompts import Worst, read_clean_prompts
from judgeforge.inputs.noticed import Noticed
from judgeforge.records import Prompt, Skip, SkipReason
from judgeforge.runs.cost_estimates.estimate import Estimator
from judgeforge.runs.cost_estimates.largest_call import LargestCall
from judgeforge.runs.cost_estimates.loads import ModelLoad
from judgeforge.runs.on_finish import untellable
from judgeforge.runs.planning.plan import budget_warnings, cascade_warnings
from judgeforge.runs.preparation.preparation import (
    check_prompts_file,
    prepare,
    shared_rubric,
)
from judgeforge.runs.preparation.tokenizer import read_tokenizer
from judgeforge.runs.remarks import remarks, unknown_prompts
from judgeforge.runs.result import ASSUMED_CONFIDENCE
from judgeforge.runs.validation.input_notes import InputNotes
from judgeforge.runs.validation.pair_sides import SideNotes
from judgeforge.runs.validation.reward_notes import RewardNotes
from judgeforge.runs.validation.row_demands import row_checks
from judgeforge.runs.validation.verifiers import VerifiedPrompts
from judgeforge.text.wording import counted, listed

_SHOWN_KINDS, _SHOWN_LINES = 10, 5


@dataclass(slots=True)
class _SkippedAlike:
    """Rows with the same fault."""

    first: Skip
    problem: str
    file: str
    """Of the last of them."""
    lines: list[str]
    """Of the first of them, with the file where it is another one than before."""
    rows: int = 1

    def add(self, file: str, line: int) -> None:
        self.rows += 1
        if len(self.lines) <= _SHOWN_LINES:
            self.lines.append(str(line) if file == self.file else f"{file}:{line}")
            self.file = file

    def __str__(self) -> str:
        one = self.first
        if self.rows == 1:
            return f"{one.prompt_id}: {one.reason}: {one.detail}"
        where = listed(self.lines, _SHOWN_LINES)
        return f"{one.reason}: {counted(self.rows, 'row')} ({where}): {self.problem}"


@dataclass(slots=True)
class CheckReport:
    prompts: int = 0
    skips: Counter[str] = field(default_factory=Counter)
    kinds: dict[tuple[str, str], _SkippedAlike] = field(default_factory=dict)
    """By reason and by what is wrong: the first few."""
    source: list[str] = field(default_factory=list)
    """How rows were read, and what of them was not."""
    lint: list[str] = field(default_factory=list)
    """What stands out in a preference set of others, before anything is judged anew."""
    left_out: list[str] = field(default_factory=list)
    """Prompts that are near others or in an evaluation set: how many, and the clearest cases."""
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    """What the configuration asks for and cannot have; the run can be started all the same."""
    problems: list[str] = field(default_factory=list)
    for_rewards: bool = False
    """Whether a trainer brings the prompts, so that none are expected here."""

    @property
    def unshown(self) -> int:
        """Rows that would be skipped and are of none of the ``kinds``."""
        return self.skips.total() - sum(alike.rows for alike in self.kinds.values())

    @property
    def usable(self) -> bool:
        return not self.problems and (self.for_rewards or self.prompts > 0)


def check_run(config: RunConfig, *, limit: int | None = None) -> CheckReport:
    """All mistakes at once, not only the first."""
    warnings = [*cascade_warnings(config), *untellable(config)]
    report = CheckReport(notes=_assumed(config), warnings=warnings, problems=_tokenizer(config))
    estimator, loads, unknown = None, dict[str, ModelLoad](), set[str]()
    largest = None
    try:
        prepared = prepare(config)
        report.notes += remarks(prepared)
        unknown |= set(prepared.verdicts.prompt_ids if prepared.verdicts else ())
        estimator, largest = Estimator(prepared), LargestCall(prepared)
        loads = estimator.loads()
    except ConfigError as error:
        report.problems += map(str, error.mistakes)
    rubric = None
    with suppress(ConfigError):  # told above
        rubric = shared_rubric(config)
    noticed, worst = Noticed(), Worst()
    sides, rewards = SideNotes(config), RewardNotes(config, rubric)
    verified = VerifiedPrompts(rubric, asks=bool(config.judging.judges))
    write = config.rubric_parts.write
    about = InputNotes(
        config.prompts,
        row_checks(config, rubric),
        own_criteria=config.rubric_parts.per_prompt is not None,
        are_written=write is not None,
    )
    rows = read_clean_prompts(
        config.prompts,
        about.checks,
        limit=limit,
        noticed=noticed,
        source=about.source,
        worst=worst,
    )
    try:
        check_prompts_file(config)
        for prompt in _usable_rows(rows, report):
            for notes in (about, sides, rewards, verified):
                notes.add(prompt)
            unknown.discard(prompt.id)
            if estimator is not None and largest is not None:
                estimator.add(prompt, loads)
                largest.add(prompt)
    except (ConfigError, InputError) as error:
        report.problems.append(str(error))
        return report
    report.source, report.lint, report.left_out = about.shape(), about.lint(), worst.described()
    report.notes += [*verified.notes(), *sides.notes(), *about.notes(), *noticed.sights()]
    report.notes += unsent_thoughts(config, noticed)
    report.warnings += [*noticed.losses(), *about.warnings(), *sides.warnings()]
    report.warnings += verified.warnings()
    rewards.add_to(report.notes, report.warnings)
    file = config.judging.judgments
    if unknown and file is not None and limit is None:
        report.warnings.append(unknown_prompts(file, sorted(unknown)))
    report.warnings += budget_warnings(config, report.prompts, loads.values(), largest)
    report.problems += _of_rows(report, config.limits.max_skip_share)
    return report


def _assumed(config: RunConfig) -> list[str]:
    asks_judges = config.judging.judges and not config.pairing.judges_nothing
    return [ASSUMED_CONFIDENCE] if asks_judges and config.judging.calibration is None else []


def _of_rows(report: CheckReport, allowed: float) -> Iterator[str]:
    skips = sum(n for reason, n in report.skips.items() if SkipReason(reason).is_failure)
    if not report.prompts:
        yield "no row of the input can be used"
    elif (share := skips / (report.prompts + report.skips.total())) > allowed:
        yield (
            f"{share:.1%} of the rows cannot be used, more than limits.max_skip_share = "
            f"{allowed:g} allows, so the run would end with exit 5. Name the right columns with "
            "`prompts.fields`, fix the rows, or raise the limit"
        )


def _tokenizer(config: RunConfig) -> list[str]:
    try:
        read_tokenizer(config)
    except ConfigError as error:
        return list(map(str, error.mistakes))
    return []


def unsent_thoughts(config: RunConfig, noticed: Noticed) -> list[str]:
    sampled = config.sampling.writers if config.sampling else []
    unasked = [name for name in sampled if not config.models[name].send_reasoning]
    if not noticed.with_earlier_thoughts or not unasked:
        return []
    name, model = unasked[0], config.models[unasked[0]]
    advice = f"`models.{name}.send_reasoning: true` sends them to servers that take them"
    why = advice if model.facts.takes_thoughts else f"provider `{model.provider}` takes none"
    return [f"thoughts of earlier turns are kept in the pairs and not sent to `{name}`: {why}"]


def _usable_rows(rows: Iterable[Prompt | Skip], report: CheckReport) -> Iterator[Prompt]:
    for row in rows:
        if isinstance(row, Prompt):
            report.prompts += 1
            yield row
            continue
        report.skips[row.reason] += 1
        file, _, problem = row.detail.partition(f":{row.line}: ")
        if (kind := (row.reason, problem)) in report.kinds:
            report.kinds[kind].add(file, row.line)
        elif len(report.kinds) < _SHOWN_KINDS:
            report.kinds[kind] = _SkippedAlike(row, problem, file, [f"{file}:{row.line}"])
