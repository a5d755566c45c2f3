"""A text -> whether it keeps one rule that code can verify. Pure, no calls, no processes.

subject.py     what a check looks at, and the readers of its argument
usual_forms.py  letters and signs as a keyboard types them
pattern.py     regular expressions, bounded in size and time
text.py        words, lengths, lists, patterns, the reference
structured.py  JSON and JSON Schema
tool_calls.py  which tools are called, and with which arguments
expected_calls.py  that it makes just the expected calls, in order or not
language.py    the language of a text
programs.py    what a program of its own is to find out: mathematics, tests, functions
code_blocks.py  the Python code of an answer

To add a check: one small function in one of these, and a line in CHECKS.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from judgeforge.judging.checks import (
    expected_calls,
    language,
    pattern,
    programs,
    structured,
    text,
    tool_calls,
)
from judgeforge.judging.checks.programs import REFERENCE, Makes, Task, Verdict
from judgeforge.judging.checks.subject import (
    Passes,
    Subject,
    UndecidedCheckError,
    at_least,
    at_most,
    keys,
    negated,
    only_true,
    shown,
    span,
    texts,
    whole_number,
    within,
)
from judgeforge.text.wording import did_you_mean


@dataclass(frozen=True, slots=True)
class CheckKind:
    argument: Callable[[JsonValue], Any]
    """Reads the argument. Raises ValueError that says what is allowed."""
    passes: Passes | None = None
    """Raises UndecidedCheckError where the text cannot be decided. None where a program decides."""
    needs_reference: bool = False
    task: Makes | None = None
    """What a program is to run; None where none is needed."""
    only_in_rubrics: bool = False
    """Whether a row may not state it: it names what is run with the user's rights."""


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    stated: JsonValue
    """The argument as it was written, for people."""
    argument: Any
    kind: CheckKind

    @property
    def needs_reference(self) -> bool:
        """Whether a row without a reference leaves it undecided."""
        return self.kind.needs_reference or REFERENCE in self.needs

    @property
    def needs(self) -> tuple[str, ...]:
        """What a program needs of the row: `reference`, and keys of its metadata."""
        return getattr(self.argument, "needs", ()) if self.kind.task is not None else ()

    def __str__(self) -> str:
        return f"{self.name}: {json.dumps(self.stated, ensure_ascii=False)}"


CHECKS: Mapping[str, CheckKind] = {
    "max_words": CheckKind(whole_number, at_most(text.count_words)),
    "min_words": CheckKind(whole_number, at_least(text.count_words)),
    "max_chars": CheckKind(whole_number, at_most(text.count_characters)),
    "min_chars": CheckKind(whole_number, at_least(text.count_characters)),
    "max_sentences": CheckKind(whole_number, at_most(text.count_sentences)),
    "min_sentences": CheckKind(whole_number, at_least(text.count_sentences)),
    "max_paragraphs": CheckKind(whole_number, at_most(text.count_paragraphs)),
    "contains": CheckKind(texts, text.contains),
    "contains_any": CheckKind(texts, text.contains_any),
    "not_contains": CheckKind(texts, negated(text.contains_any)),
    "contains_word": CheckKind(texts, text.contains_word),
    "not_contains_word": CheckKind(texts, negated(text.contains_any_word)),
    "starts_with": CheckKind(texts, text.starts_with),
    "ends_with": CheckKind(texts, text.ends_with),
    "regex": CheckKind(pattern.pattern, pattern.matches),
    "not_regex": CheckKind(pattern.pattern, negated(pattern.matches)),
    "json": CheckKind(only_true, structured.is_json),
    "json_keys": CheckKind(keys, structured.has_json_keys),
    "json_schema": CheckKind(structured.schema, structured.follows_json_schema),
    "list_items": CheckKind(span, within(text.count_list_items)),
    "numbered_items": CheckKind(span, within(text.count_numbered_items)),
    "bullet_items": CheckKind(span, within(text.count_bullet_items)),
    "language": CheckKind(language.language_code, language.is_in_language),
    "calls_tool": CheckKind(tool_calls.tools, tool_calls.calls_tool),
    "tool_arguments": CheckKind(tool_calls.arguments, tool_calls.arguments_follow),
    "tool_calls": CheckKind(expected_calls.wanted_calls, expected_calls.makes_calls),
    "no_tool_call": CheckKind(only_true, tool_calls.makes_no_call),
    "equals_reference": CheckKind(only_true, text.equals_reference, needs_reference=True),
    "contains_reference": CheckKind(only_true, text.contains_reference, needs_reference=True),
    "math_equals": CheckKind(programs.math_answer, task=programs.compare_answers),
    "python_tests": CheckKind(programs.python_tests, task=programs.run_tests),
    "function": CheckKind(programs.own_function, task=programs.call_function, only_in_rubrics=True),
}


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one check of a text."""

    check: Check
    score: float
    """1 passed, 0 failed; a function of the user's may give what is between."""
    said: str = ""
    """By its program."""

    def __str__(self) -> str:
        return f"{self.check} ({self.said})" if self.said else str(self.check)


def parse_checks(value: object) -> tuple[Check, ...]:
    """Read a mapping ``{name of a check: its argument}`` with at least one check.

    Raises ValueError that names the check, what was found and what is allowed.
    """
    if not isinstance(value, Mapping) or not value:
        raise ValueError(f"must be a mapping with at least one check, not {shown(value)}")
    return tuple(_parse(name, argument) for name, argument in value.items())


def parse_checks_of_row(value: object) -> tuple[Check, ...]:
    """As ``parse_checks``, for what a row states: rows are data, and name nothing that is run with
    the user's rights. Raises ValueError."""
    checks = parse_checks(value)
    for check in checks:
        if check.kind.only_in_rubrics:
            raise ValueError(f"check `{check.name}` is for rubrics only: a row is data")
    return checks


def tasks_of(checks: Sequence[Check], subject: Subject) -> list[Task]:
    """What programs are to find out before ``check_results`` can be told."""
    found = [_made(check, subject) for check in checks if check.kind.task is not None]
    return [made for made in found if isinstance(made, Task)]


def check_results(
    checks: Sequence[Check], subject: Subject, verdicts: Mapping[Task, Verdict] | None = None
) -> list[Result]:
    """Of each check, in order. ``verdicts``: of all ``tasks_of`` these checks and this text.

    Raises UndecidedCheckError as soon as one of them cannot be decided.
    """
    return [_result(check, subject, verdicts or {}) for check in checks]


def failed_checks(checks: Sequence[Check], subject: Subject) -> list[Check]:
    """Those that the text does not pass; none of them needs a program.

    Raises UndecidedCheckError as soon as one of them cannot be decided.
    """
    return [one.check for one in check_results(checks, subject) if one.score < 1.0]


def _result(check: Check, subject: Subject, verdicts: Mapping[Task, Verdict]) -> Result:
    try:
        if check.kind.passes is not None:
            return Result(check, float(check.kind.passes(subject, check.argument)))
        found = check.kind.task and check.kind.task(subject, check.argument)
    except UndecidedCheckError as error:
        raise UndecidedCheckError(f"check `{check.name}`: {error}") from error
    except (ArithmeticError, MemoryError, RecursionError) as error:
        # One text that is too much for a check must not end the run.
        detail = f"check `{check.name}` cannot take in this text ({type(error).__name__})"
        raise UndecidedCheckError(detail) from error
    verdict = verdicts[found] if isinstance(found, Task) else found
    if verdict is None or verdict.score is None:
        said = verdict.said if verdict else "nothing decides it"
        raise UndecidedCheckError(f"check `{check.name}`: {said}")
    return Result(check, verdict.score, verdict.said)


def _made(check: Check, subject: Subject) -> Task | Verdict | None:
    """None where it cannot be made, which ``check_results`` says."""
    try:
        return check.kind.task and check.kind.task(subject, check.argument)
    except (UndecidedCheckError, ArithmeticError, MemoryError, RecursionError):
        return None


def _parse(name: str, argument: JsonValue) -> Check:
    kind = CHECKS.get(name)
    if kind is None:
        raise ValueError(
            f"`{name[:60]}` is not a check (allowed: {', '.join(CHECKS)})"
            f"{did_you_mean(name[:60], CHECKS)}"
        )
    try:
        ready = kind.argument(argument)
    except ValueError as error:
        raise ValueError(f"check `{name}`: {error}") from error
    return Check(name, argument, ready, kind)
