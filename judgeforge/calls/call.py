"""A paid call as a value: the canonical request and its key."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from judgeforge.calls.providers.base import Body


@dataclass(frozen=True, slots=True)
class Call:
    """One request. Equal requests with equal ``sample`` are the same call and are bought once."""

    model_name: str
    """The name under ``models:``. It is no part of the key: renaming a model costs nothing."""
    body: Body
    request: str
    """Canonical JSON of everything that decides the reply."""
    request_bytes: int
    key: str
    """SHA-256 (hex) of ``request``."""


def make_call(
    *, model_name: str, provider: str, base_url: str, endpoint: str, body: Body, sample: int
) -> Call:
    request = json.dumps(
        {
            "provider": provider,
            "base_url": base_url,
            "endpoint": endpoint,
            "body": body,
            "sample": sample,
        },
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
    )
    raw = request.encode("utf-8", "surrogatepass")
    return Call(model_name, body, request, len(raw), hashlib.sha256(raw).hexdigest())


def key_of(request: str) -> str:
    return hashlib.sha256(request.encode("utf-8", "surrogatepass")).hexdigest()
