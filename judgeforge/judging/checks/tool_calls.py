"""Checks of the tool calls of an answer: that it makes some, none, or one with right arguments.

What an answer calls is read from its calls alone: a text that only looks like a call is none. The
names of tools are compared letter by letter, as a program does.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import JsonValue

from judgeforge.judging.checks import structured
from judgeforge.judging.checks.structured import Schema, read_json
from judgeforge.judging.checks.subject import MOST_TEXTS, Subject, text

_KEYS = {"tool", "schema"}


@dataclass(frozen=True, slots=True)
class Arguments:
    """What the arguments of calls must follow."""

    schema: Schema
    tool: str | None = None
    """Calls of other tools do not count; None where all calls do."""


def tools(value: JsonValue) -> tuple[str, ...]:
    """A name or a list of names."""
    names = value if isinstance(value, list) else [value]
    if not 1 <= len(names) <= MOST_TEXTS:
        raise ValueError(f"must be the name of a tool or a list of 1 to {MOST_TEXTS} names")
    return tuple(map(text, names))


def arguments(value: JsonValue) -> Arguments:
    """A JSON Schema for all calls, or ``{tool: name, schema: …}`` for those of one tool."""
    if not isinstance(value, dict) or not value.keys() & _KEYS:
        return Arguments(structured.schema(value))
    if value.keys() != _KEYS:
        raise ValueError(
            "must be a JSON Schema, or a mapping of `tool` (a name) and `schema` (a JSON Schema), "
            f"not one with {', '.join(f'`{key[:60]}`' for key in value)}"
        )
    return Arguments(structured.schema(value["schema"]), text(value["tool"]))


def calls_tool(subject: Subject, names: tuple[str, ...]) -> bool:
    """Each of the tools is called, whatever else is."""
    return set(names) <= {call.name for call in subject.calls}


def makes_no_call(subject: Subject, _: bool) -> bool:
    return not subject.calls


def arguments_follow(subject: Subject, wanted: Arguments) -> bool:
    """There is a call that counts, and the arguments of all of them are JSON of the schema."""
    calls = [call for call in subject.calls if wanted.tool in {None, call.name}]
    return bool(calls) and all(_follows(call.arguments, wanted.schema) for call in calls)


def _follows(written: str, schema: Schema) -> bool:
    """Some servers write no arguments as no text at all."""
    found, value = read_json(written if written.strip() else "{}")
    return found and schema.allows(value)
