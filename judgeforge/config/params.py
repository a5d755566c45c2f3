"""What `params` of a model may hold: fields of a request's body, beside those set here."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final

from judgeforge.config.document import Location, key_path

LARGEST_INTEGER = 2**63 - 1
"""What servers, Parquet and other languages take for a whole number."""
DEEPEST_PARAMS: Final = 32

RESERVED_PARAMS = frozenset(
    {"model", "messages", "system", "max_tokens", "max_completion_tokens", "n", "stream"}
    | {"temperature", "seed", "response_format", "tools", "tool_choice", "logprobs"}
    | {"top_logprobs", "input", "state", "questions"}
)
"""Body fields that judgeforge sets itself; in ``params`` they would break a promise."""

_SETTINGS_OF_SDKS = {
    "extra_headers": "headers_env",
    "default_headers": "headers_env",
    "extra_query": "query",
    "default_query": "query",
}


def no_json_values(value: object, at: Location = ()) -> Iterator[tuple[Location, str]]:
    """Everything that no request can carry: numbers that are not finite, and what JSON lacks."""
    if len(at) > DEEPEST_PARAMS:
        yield at[:1], f"nested deeper than {DEEPEST_PARAMS} levels"
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from no_json_values(inner, (*at, str(key)))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from no_json_values(inner, (*at, index))
    elif isinstance(value, float) and not math.isfinite(value):
        yield at, f"found `{value}`; a number must be finite"
    elif isinstance(value, int) and abs(value) > LARGEST_INTEGER:
        yield at, f"found a whole number of {len(str(abs(value)))} digits; it must fit 64 bits"
    elif not isinstance(value, str | bool | int | float | None):
        yield at, f"found a value of type {type(value).__name__}, which JSON does not have"


def why_not_params(params: dict[str, Any]) -> str | None:
    """What keeps ``params`` from being part of a request, in words; None where nothing does."""
    for at, problem in no_json_values(params):
        return f"`params.{key_path(at)}`: {problem}"
    extra = params.get("extra_body", {})
    if not isinstance(extra, dict):
        return "`extra_body` must be a mapping"
    taken = sorted(RESERVED_PARAMS & (params.keys() | extra.keys()))
    for config in (part["output_config"] for part in (params, extra) if "output_config" in part):
        if not isinstance(config, dict):
            return "`output_config` must be a mapping"
        if "format" in config:
            taken.append("output_config.format")
    for name, key in _SETTINGS_OF_SDKS.items():
        if name in params:
            return f"`{name}` is a setting of an SDK, not of a request: use `{key}`"
    if taken:
        return (
            f"`{taken[0]}` is set by judgeforge itself: "
            "see `sampling`, `judging.judges` and the other keys of the model"
        )
    return None
