"""Requests that models have answered in earlier starts of a folder, as its log names them.

A start that has only one prompt left to do may ask nothing that is ever answered; what was answered
before still tells whether that is because of the prompt (calls/known_answers.py).
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from judgeforge.calls.cache import ReplyCache
from judgeforge.calls.cache_entry import DamagedEntryError, NewerEntryError, read_entry
from judgeforge.calls.call import Call, stored_call
from judgeforge.calls.endpoints import Endpoint
from judgeforge.errors import StoreError
from judgeforge.store.json_lines import read_log

_LAST_BYTES = 1 << 20
_OF_EACH_MODEL = 16
_PAID = b'"output_tokens":'
"""What is in the line of a call that brought a reply."""
_HASHED = "sha256:"
"""In place of a picture, whose data no entry of the cache has."""


def answered_before(
    log: Path, cache: ReplyCache, endpoints: Mapping[str, Endpoint]
) -> Iterator[Call]:
    """The last ones of each model, as far as they would be sent to the same place now."""
    keys: defaultdict[str, deque[str]] = defaultdict(lambda: deque(maxlen=_OF_EACH_MODEL))
    try:
        for row in read_log(log, containing=_PAID, last_bytes=_LAST_BYTES):
            if row.get("error") is None and row.get("output_tokens") is not None:
                keys[str(row.get("model"))].append(str(row.get("key")))
        for name in endpoints.keys() & keys.keys():
            for key in keys[name]:
                call = _call(cache.entry(key), key, endpoints[name])
                if call is not None:
                    yield call
    except StoreError:  # said by what needs it more
        return


def _call(entry: str | None, key: str, endpoint: Endpoint) -> Call | None:
    try:
        request = read_entry(entry, key=key).request
        place: dict[str, Any] = json.loads(request)
    except (DamagedEntryError, NewerEntryError, ValueError, TypeError):
        return None
    if _HASHED in request or not endpoint.is_place_of(place):
        return None
    return stored_call(endpoint.name, request)
