"""Whether a text is JSON, and what is in it.

The whole text must be one JSON value; white space and one Markdown code fence around it are
accepted, any other word is not.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from judgeforge.checks.json_schema import Schema
from judgeforge.checks.subject import Subject

_FENCE = re.compile(r"\A\s*```[A-Za-z]*[ \t]*\n(.*)\n[ \t]*```\s*\Z", re.DOTALL)


def is_json(subject: Subject, _: bool) -> bool:
    return _read(subject.text)[0]


def has_json_keys(subject: Subject, wanted: tuple[str, ...]) -> bool:
    """The text is a JSON object that has at least the wanted keys."""
    _, value = _read(subject.text)
    return isinstance(value, dict) and all(key in value for key in wanted)


def follows_json_schema(subject: Subject, schema: Schema) -> bool:
    found, value = _read(subject.text)
    return found and schema.allows(value)


def unfenced(text: str) -> str:
    """The text without the one code fence around it, if there is one."""
    fenced = _FENCE.match(text)
    return fenced.group(1) if fenced else text


def _read(text: str) -> tuple[bool, Any]:
    try:
        return True, json.loads(unfenced(text), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return False, None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
