"""The bytes of a reply as a model of just the fields that are used."""

from __future__ import annotations

import json
import re
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from judgeforge.errors import MalformedReplyError
from judgeforge.validation import first_problem

M = TypeVar("M", bound=BaseModel)

_HALF_CHARACTER = re.compile("[\ud800-\udfff]")


def parsed(model: type[M], raw: bytes, *, what: str) -> M:
    """``what`` the reply should be. Raises MalformedReplyError where it is none."""
    try:
        return _parsed(model, raw)
    except ValidationError as error:
        raise MalformedReplyError(
            f"the reply is no {what} ({first_problem(error)}): {raw[:80]!r}"
        ) from error


def _parsed(model: type[M], raw: bytes) -> M:
    """A model may write half a surrogate pair, which JSON can escape but no file in UTF-8 can hold:
    it becomes U+FFFD, so that the paid reply is not lost to it.
    """
    try:
        return model.model_validate_json(raw)
    except ValidationError:
        if rb"\ud" not in raw.lower():
            raise
        return model.model_validate_json(_without_halves(raw))


def _without_halves(raw: bytes) -> str:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return raw.decode(errors="replace")
    return _HALF_CHARACTER.sub("\N{REPLACEMENT CHARACTER}", json.dumps(value, ensure_ascii=False))
