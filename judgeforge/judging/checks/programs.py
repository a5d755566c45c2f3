"""Checks that need a program of their own: what it is given, and what it found. Pure.

The program runs elsewhere (``judging/programs/``), before the checks are put to the text. A task
holds everything that decides what the program finds, so that equal tasks are run once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import JsonValue

from judgeforge.judging.checks.code_blocks import is_a_value, list_in, python_code, why_no_tests
from judgeforge.judging.checks.subject import (
    Subject,
    UndecidedCheckError,
    known_settings,
    shown,
    text,
)
from judgeforge.text.visible import normalized

ProgramName = Literal["math", "tests", "function"]
REFERENCE = "reference"
"""The name that stands for the row's reference; any other one is a key of its metadata."""
LONGEST_TIMEOUT_S, MOST_MEMORY_MB, LEAST_MEMORY_MB = 300.0, 16_384, 64
_LONGEST_ANSWER = 200_000
"""Characters: no solution is longer, and a longer text could only keep a program busy."""


@dataclass(frozen=True, slots=True)
class Task:
    """One run of a program."""

    program: ProgramName
    given: str
    """Canonical JSON of what decides the result."""
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a program found."""

    score: float | None
    """0 to 1, 1 is passed; None where it could not decide."""
    said: str = ""
    """What it said of that, for people."""


Makes = Callable[[Subject, Any], Task | Verdict]
"""What is to be run for this text, or at once what is known without running anything. Raises
UndecidedCheckError."""


@dataclass(frozen=True, slots=True)
class MathAnswer:
    of: str = REFERENCE
    decimals: int = 6
    timeout_s: float = 10.0

    @property
    def needs(self) -> tuple[str, ...]:
        return (self.of,)


@dataclass(frozen=True, slots=True)
class PythonTests:
    tests: str = "tests"
    setup: str | None = None
    entry_point: str | None = None
    timeout_s: float = 10.0
    memory_mb: int = 512

    @property
    def needs(self) -> tuple[str, ...]:
        return tuple(filter(None, (self.tests, self.setup, self.entry_point)))


@dataclass(frozen=True, slots=True)
class OwnFunction:
    function: str
    timeout_s: float = 10.0


_MATH, _TESTS, _FUNCTION = MathAnswer(), PythonTests(), OwnFunction("")
"""With what each takes where nothing else is said."""


def math_answer(value: JsonValue) -> MathAnswer:
    """``reference``, a key of the metadata, or ``{of: …, decimals: …, timeout_s: …}``."""
    if not isinstance(value, dict):
        return MathAnswer(text(value))
    known_settings(value, MathAnswer.__slots__)
    decimals = value.get("decimals", _MATH.decimals)
    if isinstance(decimals, bool) or not isinstance(decimals, int) or not 0 <= decimals <= 15:
        raise ValueError(f"`decimals` must be a whole number from 0 to 15, not {shown(decimals)}")
    return MathAnswer(text(value.get("of", _MATH.of)), decimals, _timeout(value, _MATH.timeout_s))


def python_tests(value: JsonValue) -> PythonTests:
    """A key of the metadata, or ``{tests: KEY, setup: KEY, entry_point: KEY, timeout_s: …,
    memory_mb: …}``; an empty mapping takes the tests from `tests`."""
    if not isinstance(value, dict):
        return PythonTests(text(value))
    known_settings(value, PythonTests.__slots__)
    memory = value.get("memory_mb", _TESTS.memory_mb)
    is_number = isinstance(memory, int) and not isinstance(memory, bool)
    if not is_number or not LEAST_MEMORY_MB <= int(memory) <= MOST_MEMORY_MB:  # type: ignore[arg-type]
        raise ValueError(
            f"`memory_mb` must be a whole number from {LEAST_MEMORY_MB} to {MOST_MEMORY_MB}, "
            f"not {shown(memory)}"
        )
    setup, entry = value.get("setup"), value.get("entry_point")
    return PythonTests(
        tests=text(value.get("tests", _TESTS.tests)),
        setup=None if setup is None else text(setup),
        entry_point=None if entry is None else text(entry),
        timeout_s=_timeout(value, _TESTS.timeout_s),
        memory_mb=int(memory),  # type: ignore[arg-type]
    )


def own_function(value: JsonValue) -> OwnFunction:
    """``module:name``, or ``{name: module:name, timeout_s: …}``."""
    if isinstance(value, dict):
        if set(value) - {"name", "timeout_s"} or "name" not in value:
            raise ValueError("must be `module:name`, or a mapping of `name` and `timeout_s`")
        return OwnFunction(_function_name(value["name"]), _timeout(value, _FUNCTION.timeout_s))
    return OwnFunction(_function_name(value))


def compare_answers(subject: Subject, wanted: MathAnswer) -> Task | Verdict:
    reference = _from_row(subject, wanted.of)
    if isinstance(reference, bool) or not isinstance(reference, str | int | float):
        raise UndecidedCheckError(f"`{wanted.of}` of the row must be a text or a number")
    given = {
        "answer": normalized("NFC", _bounded(subject.text)),
        "reference": normalized("NFC", str(reference)),
        "decimals": wanted.decimals,
    }
    return Task("math", _canonical(given), wanted.timeout_s)


def run_tests(subject: Subject, wanted: PythonTests) -> Task | Verdict:
    tests = _tests(subject, wanted.tests)
    for test in tests:
        why = isinstance(test, str) and why_no_tests(
            test, check_is_called=wanted.entry_point is not None
        )
        if why:
            raise UndecidedCheckError(f"`{wanted.tests}` of the row {why}")
    if all(isinstance(test, str) and is_a_value(test) for test in tests):
        raise UndecidedCheckError(
            f"`{wanted.tests}` of the row has values alone, which test nothing"
        )
    given: dict[str, object] = {"tests": tests}
    for name, key in (("setup", wanted.setup), ("entry_point", wanted.entry_point)):
        if key is None:
            continue
        value = _from_row(subject, key)
        if not isinstance(value, str):
            raise UndecidedCheckError(f"`{key}` of the row must be a text")
        given[name] = value
    code = python_code(_bounded(subject.text))
    if code is None:
        return Verdict(0.0, "the answer has no Python code")
    limits = {"timeout_s": wanted.timeout_s, "memory_mb": wanted.memory_mb}
    return Task("tests", _canonical({**given, **limits, "code": code}), wanted.timeout_s)


def call_function(subject: Subject, wanted: OwnFunction) -> Task | Verdict:
    given = {
        "function": wanted.function,
        "answer": subject.text,
        "prompt": [message.model_dump(mode="json") for message in subject.prompt],
        "reference": subject.reference,
        "metadata": dict(subject.metadata),
        "tool_calls": [{"name": call.name, "arguments": call.arguments} for call in subject.calls],
    }
    return Task("function", _canonical(given), wanted.timeout_s)


def _tests(subject: Subject, key: str) -> list[JsonValue]:
    """Texts of Python, or mappings of what a program reads and what it must print."""
    value = _from_row(subject, key)
    if isinstance(value, str) and (listed := list_in(value)) is not None:
        value = listed
    tests = value if isinstance(value, list) else [value]
    for test in tests:
        is_pair = isinstance(test, Mapping) and set(test) == {"input", "output"}
        if not is_pair and not (isinstance(test, str) and test.strip()):
            raise UndecidedCheckError(
                f"`{key}` of the row must be Python as a text, a list of such texts, or a list of "
                "mappings of `input` and `output`"
            )
    if not tests:
        raise UndecidedCheckError(f"`{key}` of the row has no tests")
    return list(tests)


def _from_row(subject: Subject, name: str) -> JsonValue:
    """Raises UndecidedCheckError that names what the row lacks."""
    if name == REFERENCE and subject.reference is not None:
        return subject.reference
    value = subject.metadata.get(name)
    if value is None:
        where = "" if name == REFERENCE else " in its metadata"
        raise UndecidedCheckError(f"the row has no `{name}`{where}")
    return value


def _bounded(answer: str) -> str:
    if len(answer) > _LONGEST_ANSWER:
        raise UndecidedCheckError(f"the answer has more than {_LONGEST_ANSWER:,} characters")
    return answer


def _canonical(given: Mapping[str, object]) -> str:
    return json.dumps(given, sort_keys=True, ensure_ascii=True)


def _timeout(value: Mapping[str, JsonValue], usual: float) -> float:
    found = value.get("timeout_s", usual)
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise ValueError(f"`timeout_s` must be a number of seconds, not {shown(found)}")
    if not 0 < found <= LONGEST_TIMEOUT_S:
        raise ValueError(f"`timeout_s` must be above 0 and at most {LONGEST_TIMEOUT_S:g}")
    return float(found)


def _function_name(value: JsonValue) -> str:
    name = text(value)
    module, _, function = name.partition(":")
    if not all(part.isidentifier() for part in [*module.split("."), function]):
        raise ValueError(f"must be `module:name`, as in `my_checks:is_polite`, not {shown(value)}")
    return name
