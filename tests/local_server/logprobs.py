"""A text as tokens with the probabilities of what might have stood in their place."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
_KEY_BEFORE = re.compile(r'"(\w+)"\s*:\s*$')
_LEAST = 1e-9


def token_list(text: str, beliefs: Mapping[str, Mapping[str, float]]) -> list[dict[str, Any]]:
    return list(_tokens(text, beliefs))


def _tokens(text: str, beliefs: Mapping[str, Mapping[str, float]]) -> Iterator[dict[str, Any]]:
    for match in _TOKEN.finditer(text):
        token = match.group()
        key = _KEY_BEFORE.search(text, 0, match.start())
        chances = dict(beliefs.get(key.group(1), {}) if key else {})
        if token not in chances:
            chances = {token: 0.999}
        top = [_entry(each, chance) for each, chance in chances.items()]
        top.sort(key=lambda entry: -entry["logprob"])
        yield _entry(token, chances[token]) | {"top_logprobs": top}


def _entry(token: str, chance: float) -> dict[str, Any]:
    logprob = round(math.log(max(chance, _LEAST)), 6)
    return {"token": token, "logprob": logprob, "bytes": list(token.encode())}
