"""Whether the programs that checks need can be run on this machine, told before anything is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from judgeforge.config.document import read_document
from judgeforge.config.run import RunConfig
from judgeforge.errors import ConfigError, as_one
from judgeforge.judging.checks import Check, parse_checks_of_row
from judgeforge.judging.checks.programs import MathAnswer, OwnFunction, PythonTests
from judgeforge.judging.own_criteria.prompt_rubric import OwnRubrics
from judgeforge.judging.own_criteria.reading import OwnCriteria
from judgeforge.judging.programs.child_process import ChildFailedError
from judgeforge.judging.programs.deciding import try_function
from judgeforge.judging.programs.sandbox import SandboxUnavailableError, open_sandbox
from judgeforge.judging.rubric import Criterion, Rubric, rubric_file
from judgeforge.judging.verification import deciding
from judgeforge.records import Prompt
from judgeforge.runs.validation.absent_keys import AbsentKeys
from judgeforge.text.wording import counted


def check_programs(config: RunConfig, rubric: Rubric) -> None:
    """Raises ConfigError, with file and line of the rubric, for programs that cannot be run."""
    mistakes = []
    for number, criterion in enumerate(rubric.criteria):
        for check in criterion.own_checks:
            problem = why_not(check, config.folder)
            if problem is not None:
                mistakes.append(_mistake(config, number, check.name, problem))
    if mistakes:
        raise as_one(mistakes)


def why_not(check: Check, folder: Path) -> str | None:
    """Why this check cannot be put to any answer here, and what to do; None where it can."""
    wanted = check.argument
    if isinstance(wanted, MathAnswer) and find_spec("math_verify") is None:
        return 'needs a package that is not installed: run `pip install "judgeforge[verify]"`'
    if isinstance(wanted, PythonTests):
        return _no_sandbox()
    if isinstance(wanted, OwnFunction):
        try:
            try_function(wanted.function, folder)
        except ChildFailedError as error:
            return (
                f"`{wanted.function}` cannot be called: {error}. It is looked for in {folder}, and "
                "where Python finds its modules"
            )
    return None


def read_row_checks(value: object) -> Sequence[Check]:
    """The checks that a row states. Raises ValueError, also where they cannot be run here."""
    checks = parse_checks_of_row(value)
    _refuse_what_cannot_run(checks)
    return checks


def read_own_criteria(own: OwnRubrics, value: object) -> OwnCriteria | None:
    """The criteria that a row brings. Raises ValueError, also where a check cannot be run here."""
    found = own.read(value)
    for criterion in found.criteria if found else ():
        _refuse_what_cannot_run(criterion.own_checks)
    return found


def _refuse_what_cannot_run(checks: Sequence[Check]) -> None:
    for check in checks:
        problem = why_not(check, Path())
        if problem is not None:
            raise ValueError(f"check `{check.name}` {problem}")


@lru_cache(maxsize=1)
def _no_sandbox() -> str | None:
    try:
        open_sandbox()
    except SandboxUnavailableError as error:
        return (
            f"runs code that models wrote, and there is no sandbox here: {error}. "
            "It is never run without one"
        )
    return None


def _mistake(config: RunConfig, number: int, name: str, problem: str) -> ConfigError:
    rubric, location = config.rubric_parts.name, ("criteria", number, "check", name)
    file, line = None, None
    if rubric is not None:
        file = rubric_file(rubric, folder=config.folder)
        with suppress(ConfigError):
            line = read_document(file).line_of(location)
    return ConfigError(problem, file=file, line=line, key=f"criteria[{number}].check.{name}")


class VerifiedPrompts:
    """Of the prompts of an input, how many need no judge, and what the others lack."""

    def __init__(self, rubric: Rubric | None, *, asks: bool) -> None:
        """``rubric`` None: it cannot be read, and nothing is said. ``asks``: whether judges are
        named, to be asked about the others."""
        self._rubric, self._asks = rubric, asks and bool(rubric and rubric.judged)
        self._prompts = self._decided = 0
        self._lacking: dict[str, int] = {}
        self._absent = AbsentKeys(rubric)

    def add(self, prompt: Prompt) -> None:
        if self._rubric is None:
            return
        self._prompts += 1
        self._absent.add(prompt)
        lacking = list(_lacking(self._rubric, prompt))
        for one in lacking:
            self._lacking[one] = self._lacking.get(one, 0) + 1
        self._decided += bool(deciding(self._rubric, prompt)) and not lacking

    def warnings(self) -> list[str]:
        return self._absent.warnings()

    def notes(self) -> list[str]:
        """In words; nothing where no criterion decides."""
        checked = self._rubric.checked if self._rubric else []
        if not self._prompts or not any(one.decides_alone for one in checked):
            return []
        found = []
        if self._asks:
            found.append(
                f"{self._decided} of {counted(self._prompts, 'prompt')} can be decided by "
                "verifiers: no judge is asked about those whose answers are all verified. Low "
                "counts no call of a judge for them, expected one in twenty, high all."
            )
        otherwise = "judges decide those" if self._asks else "their answers stay undecided"
        found += [
            f"{counted(number, 'row')} without {what}: {otherwise}"
            for what, number in sorted(self._lacking.items())
        ]
        return found


def is_verifiable(rubric: Rubric, prompt: Prompt) -> bool:
    """Whether the row has what its verifiers need, so that they may settle it without a judge."""
    return bool(deciding(rubric, prompt)) and not any(_lacking(rubric, prompt))


def _lacking(rubric: Rubric, prompt: Prompt) -> Iterator[str]:
    """What verifiers need of the row and it does not have."""
    names = deciding(rubric, prompt)
    for criterion in rubric.checked:
        if criterion.name in names:
            for check in _checks_of(criterion, prompt):
                yield from (
                    f"`{key}`, which `{check.name}` needs"
                    for key in check.needs
                    if not _has(prompt, key)
                )


def _checks_of(criterion: Criterion, prompt: Prompt) -> Sequence[Check]:
    key = criterion.metadata_key
    if key is None:
        return criterion.own_checks
    with suppress(ValueError):
        return parse_checks_of_row(prompt.metadata.get(key))
    return ()


def _has(prompt: Prompt, key: str) -> bool:
    if key == "reference" and prompt.reference is not None:
        return True
    return prompt.metadata.get(key) is not None
