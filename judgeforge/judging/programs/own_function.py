"""A function of the user's own, called in a process of its own.

    def is_short(answer, reference=None, metadata=None, prompt=None, tool_calls=None):
        return len(answer) < 100

It takes what it names of these, by name. It gives True or False, a number from 0 to 1, or None
where it cannot decide; or one of them with a text that says why.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

GIVEN = ("answer", "prompt", "reference", "metadata", "tool_calls")
_MISTYPED = 0.8
"""Share of letters in common: `refrence` and `answers`, and not `prompt_length`."""


def load(name: str) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """``name``: ``module:function``; modules of the current folder go first.

    Raises what importing raises, and TypeError for what cannot be called as it has to be.
    """
    sys.path.insert(0, str(Path.cwd()))
    module, _, attribute = name.partition(":")
    function = getattr(importlib.import_module(module), attribute)
    wanted = _wanted(function)

    def call(given: Mapping[str, Any]) -> Mapping[str, Any]:
        return _verdict(function(**{one: given[one] for one in wanted}))

    return call


def _wanted(function: object) -> tuple[str, ...]:
    """Which of ``GIVEN`` it takes. Raises TypeError where it needs anything else."""
    if not callable(function):
        raise TypeError("it is not a function")
    if inspect.iscoroutinefunction(function):
        raise TypeError("it is asynchronous; write it with `def`")
    parameters = inspect.signature(function).parameters.values()
    if any(one.kind is one.VAR_KEYWORD for one in parameters):
        return GIVEN
    for one in parameters:
        needed = one.default is one.empty and one.kind is not one.VAR_POSITIONAL
        if one.kind is one.POSITIONAL_ONLY or (needed and one.name not in GIVEN):
            raise TypeError(f"it takes `{one.name}`; it can be given {', '.join(GIVEN)}, by name")
        meant = get_close_matches(one.name, GIVEN, n=1, cutoff=_MISTYPED)
        if meant and one.name not in GIVEN:
            # With a default it would be called without a word, and judge everything by that.
            raise TypeError(
                f"it takes `{one.name}`, which it is never given; did you mean `{meant[0]}`?"
            )
    names = {one.name for one in parameters}
    return tuple(name for name in GIVEN if name in names)


def _verdict(found: Any) -> Mapping[str, Any]:  # noqa: ANN401
    """Raises TypeError and ValueError for what is not a verdict."""
    said = ""
    if isinstance(found, tuple) and len(found) == 2:
        found, why = found
        said = str(why)[:1000]
    if found is None:
        return {"score": None, "said": said or "the function gave None"}
    if not isinstance(found, bool | int | float) and not hasattr(found, "__float__"):
        raise TypeError(
            f"the function gave {type(found).__name__}, not True, False, a number or None"
        )
    score = float(found)
    if not 0.0 <= score <= 1.0:
        raise ValueError(f"the function gave {score}; a score is from 0 to 1")
    return {"score": score, "said": said}
