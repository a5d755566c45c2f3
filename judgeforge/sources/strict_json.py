"""JSON as its standard has it: no NaN, no infinity."""

from __future__ import annotations

import json
from typing import Any, NoReturn


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


# json.loads with an option builds a decoder for each call.
_DECODER = json.JSONDecoder(parse_constant=_refuse)


def parse_json(text: str) -> Any:  # noqa: ANN401
    """Raises ValueError with a short reason, for nesting that is too deep too."""
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg} at character {error.pos + 1}") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
