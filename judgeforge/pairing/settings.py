"""The rules of pairing from single settings, as a script gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from judgeforge.argument_types import found
from judgeforge.nearest import did_you_mean
from judgeforge.pairing.rules import PairingRules


def rules_from(settings: Mapping[str, object]) -> PairingRules:
    """Raises ValueError: which setting, what was given, what it takes, what was probably meant."""
    try:
        return PairingRules.model_validate(settings)
    except ValidationError as error:
        errors = error.errors(include_url=False)
    raise ValueError("; ".join(map(_in_words, errors)))


def _in_words(error: ErrorDetails) -> str:
    name, value = str(error["loc"][0]), error["input"]
    if error["type"] == "extra_forbidden":
        known = PairingRules.model_fields
        return f"there is no setting `{name}`; there are {', '.join(known)}" + did_you_mean(
            name, known
        )
    if error["type"] != "literal_error":
        message = error["msg"][:1].lower() + error["msg"][1:]
        return f"{name}: {message}, and is {found(value)}"
    choices = get_args(PairingRules.model_fields[name].annotation)
    hint = did_you_mean(value, choices) if isinstance(value, str) else ""
    return f"{name}: must be one of {', '.join(choices)}, and is {found(value)}{hint}"
