"""What a server keeps of the beginnings of prompts, and how each of them counts it.

vllm       every whole block of 16 tokens that stood at the same place after the same blocks
providers  OpenAI: from 1,024 tokens in steps of 128, where a model keeps beginnings by itself;
           since GPT-5.6, and at Anthropic: what a mark ends, by the least length of the model,
           written at one price and read at another

A beginning is kept from when a reply begins, so requests that come at the same time miss it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, Literal

from tests.local_server.record import Wire

Mode = Literal["vllm", "providers"]
KEPT_S = {"5m": 300.0, "1h": 3600.0}
MOST_MARKS = 4
_MARKED_OPENAI = re.compile(r"gpt-(5\.[6-9]|[6-9])")
_LEAST = (
    (re.compile(r"(opus|fable|mythos)-5"), 512),
    (re.compile(r"opus-4-7|haiku-3"), 2048),
    (re.compile(r"opus-4-[56]|haiku-4"), 4096),
)
_LEAST_USUAL = 1024


@dataclass(frozen=True)
class Piece:
    """Of a prompt, as the model reads it."""

    text: bytes
    mark: str | None = None
    """How long what ends here is to be kept."""


@dataclass(frozen=True)
class CachedInput:
    """Tokens; parts of the whole input."""

    read: int = 0
    written: int = 0
    written_for_an_hour: int = 0
    keep: tuple[tuple[str, float], ...] = ()
    """Names of beginnings, and how many seconds each is to be kept once the reply begins."""


class PrefixCache:
    def __init__(self) -> None:
        self._kept: dict[str, float] = {}

    def count(
        self, mode: Mode, wire: Wire, body: Mapping[str, Any], now: float, bytes_per_token: int
    ) -> CachedInput:
        """What is read and written; ``keep`` it when the reply begins."""
        model = str(body.get("model", ""))
        pieces = list(pieces_of(wire, body))
        if mode == "vllm":
            return self._blocks(model, pieces, now, bytes_per_token, step=16, least=16)
        if wire == "anthropic" or _MARKED_OPENAI.search(model):
            options = body.get("prompt_cache_options") or {}
            if wire == "openai" and options.get("mode") != "explicit":
                # The last message is marked by itself.
                pieces = [*pieces[:-1], replace(pieces[-1], mark=pieces[-1].mark or "5m")]
            return self._marked(model, pieces, now, bytes_per_token)
        return self._blocks(model, pieces, now, bytes_per_token, step=128, least=_LEAST_USUAL)

    def count_each_token(
        self, wire: Wire, body: Mapping[str, Any], bytes_per_token: int = 4, *, step: int = 1
    ) -> CachedInput:
        """As a server would count that knows of no least length, and of no blocks but ``step``."""
        model, pieces = str(body.get("model", "")), list(pieces_of(wire, body))
        return self._blocks(model, pieces, 0.0, bytes_per_token, step=step, least=1)

    def keep(self, cached: CachedInput, now: float) -> None:
        for name, seconds in cached.keep:
            self._kept[name] = max(self._kept.get(name, 0.0), now + seconds)

    def _is_kept(self, name: str, now: float) -> bool:
        return self._kept.get(name, 0.0) > now

    def _blocks(
        self,
        model: str,
        pieces: list[Piece],
        now: float,
        bytes_per_token: int,
        *,
        step: int,
        least: int,
    ) -> CachedInput:
        whole, size = b"".join(piece.text for piece in pieces), step * bytes_per_token
        names, name = list[str](), model
        for start in range(0, len(whole) - size + 1, size):
            name = blake2b(name.encode() + whole[start : start + size], digest_size=12).hexdigest()
            names.append(name)
        read = 0
        for number, each in enumerate(names, start=1):
            if not self._is_kept(each, now):
                break
            read = number * step
        keep = names if len(names) * step >= least else []
        lasting = tuple((each, KEPT_S["5m"]) for each in keep)
        return CachedInput(read if read >= least else 0, keep=lasting)

    def _marked(
        self, model: str, pieces: list[Piece], now: float, bytes_per_token: int
    ) -> CachedInput:
        least = next((n for name, n in _LEAST if name.search(model)), _LEAST_USUAL)
        name, size, read, written = model, 0, 0, 0
        ends: list[tuple[str, int, float]] = []
        for piece in pieces:
            name = blake2b(name.encode() + piece.text, digest_size=12).hexdigest()
            size += len(piece.text)
            tokens = size // bytes_per_token
            if piece.mark is None or tokens < least:
                continue
            ends.append((name, tokens, KEPT_S[piece.mark]))
            if self._is_kept(name, now):
                read = tokens
        for_an_hour = 0
        for _, tokens, seconds in ends:
            new = max(0, tokens - max(read, written))
            for_an_hour += new if seconds == KEPT_S["1h"] else 0
            written = max(written, tokens, read) if new else written
        last = max((tokens for _, tokens, _ in ends), default=0)
        keep = tuple((name, seconds) for name, _, seconds in ends)
        return CachedInput(read, max(0, last - read), for_an_hour, keep)


def pieces_of(wire: Wire, body: Mapping[str, Any]) -> Iterator[Piece]:
    """Tools and the schema of the reply come first: they are part of what a model reads."""
    yield _plain(body.get("tools"))
    if wire == "anthropic":
        yield _plain((body.get("output_config") or {}).get("format"))
        yield from _contents(body.get("system"))
    else:
        yield _plain(body.get("response_format"))
    for message in body.get("messages", ()):
        yield Piece(str(message["role"]).encode())
        yield from _contents(message.get("content"))
        yield _plain(message.get("tool_calls"))


def _contents(content: Any) -> Iterator[Piece]:
    if not isinstance(content, list):
        yield _plain(content)
        return
    for block in content:
        plain = {name: value for name, value in block.items() if name not in _MARKS}
        text = plain["text"] if plain.keys() == {"type", "text"} else plain
        yield Piece(_plain(text).text, _mark_of(block))


_MARKS = ("cache_control", "prompt_cache_breakpoint")


def _mark_of(block: Mapping[str, Any]) -> str | None:
    if "cache_control" in block:
        return str(block["cache_control"].get("ttl", "5m"))
    return "5m" if "prompt_cache_breakpoint" in block else None


def _plain(value: Any) -> Piece:
    """A text has no quotes around it: in parts or whole, it is the same text."""
    written = json.dumps(value, ensure_ascii=False)
    text = written[1:-1] if isinstance(value, str) else "" if value is None else written
    return Piece(text.encode("utf-8", "surrogatepass"))


def check_marks(wire: Wire, body: Mapping[str, Any]) -> None:
    """Raises ValueError as a server would refuse them."""
    marks = [piece.mark for piece in pieces_of(wire, body) if piece.mark is not None]
    if len(marks) > MOST_MARKS:
        raise ValueError(f"at most {MOST_MARKS} blocks with cache_control, found {len(marks)}")
    if unknown := set(marks) - KEPT_S.keys():
        raise ValueError(f"cache_control.ttl: {sorted(unknown)}")
    if "1h" in marks[marks.index("5m") :] if "5m" in marks else False:
        raise ValueError("a ttl='1h' cache_control must not come after a ttl='5m' one")
