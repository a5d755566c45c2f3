"""Which models a server lists, and what it says of them.

Nothing that must be billed is asked, and a model's key goes to no other address.
"""

from __future__ import annotations

import json
import time
from http.client import HTTPResponse
from typing import Any
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from judgeforge.calls.providers.base import open_provider
from judgeforge.config.addresses import is_this_machine
from judgeforge.config.keys import read_headers
from judgeforge.config.model import ModelConfig

_LIST_TIMEOUT_S = 5.0
_LONGEST_LIST = 4 << 20


class _NoRedirects(HTTPRedirectHandler):
    """To follow one would send the key to wherever it leads."""

    def redirect_request(self, *_: object) -> None:
        return None


def listed_models(model: ModelConfig, key: str | None) -> list[dict[str, Any]]:
    """As an OpenAI-compatible server lists them; empty where it does not."""
    address = f"{open_provider(model, None).base_url.rstrip('/')}/models{model.query_string}"
    if urlsplit(address).scheme not in {"http", "https"}:
        return []
    no_proxy = [ProxyHandler({})] if is_this_machine(address) else []
    opener = build_opener(_NoRedirects, *no_proxy)
    try:
        headers = read_headers(model) | ({"authorization": f"Bearer {key}"} if key else {})
        request = Request(address, headers=headers)  # noqa: S310 (http and https only)
        with opener.open(request, timeout=_LIST_TIMEOUT_S) as reply:
            found = json.loads(_read_within(reply, _LIST_TIMEOUT_S))
    except Exception:  # noqa: BLE001 (a server need not have such a list)
        return []
    entries = found.get("data") if isinstance(found, dict) else None
    return [one for one in entries if isinstance(one, dict)] if isinstance(entries, list) else []


def _read_within(reply: HTTPResponse, seconds: float) -> bytes:
    """All of it; what is longer or comes more slowly is cut, and then no list."""
    until, read = time.monotonic() + seconds, bytearray()
    while len(read) < _LONGEST_LIST and time.monotonic() < until:
        piece = reply.read1(_LONGEST_LIST)
        if not piece:
            break
        read += piece
    return bytes(read)


def stated_context(entry: dict[str, Any]) -> int | None:
    """vLLM and SGLang call it max_model_len, llama.cpp meta.n_ctx, gateways context_length."""
    meta = entry.get("meta")
    stated = [
        entry.get("max_model_len"),
        meta.get("n_ctx") if isinstance(meta, dict) else None,
        entry.get("context_length"),
        entry.get("context_window"),
    ]
    return next((one for one in stated if type(one) is int and one > 0), None)
