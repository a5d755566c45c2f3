"""Keeps keys out of everything that is written: by their value and by what keys look like.

The values are those that this process has read (``remember_secret``); whatever leaves it passes
``redact``.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from judgeforge.text.patterns import late_pattern

MASK = "[redacted]"
SHORTEST_SECRET = 6
"""Shorter values (``none``, ``x``) are not secrets, and masking them would shred the text."""

_MOST_PASSES = 8
_VALUE = r"[A-Za-z0-9._~+/=%$!*-]+"
_QUOTE = r"\\?[\"']?"
_CREDENTIAL_NAME = (
    r"x-api-key|api[-_]?key|api[-_]token|access[-_]token|auth[-_]token|client[-_]secret"
    r"|secret[-_]key|password|(?:proxy-)?authorization"
)
_CREDENTIAL_NAMES = late_pattern(_CREDENTIAL_NAME, re.IGNORECASE)

_KEY = late_pattern(
    r"(?<![A-Za-z0-9])(?:sk-[A-Za-z0-9_-]{8,}|hf_[A-Za-z0-9]{16,}|ghp_[A-Za-z0-9]{20,}"
    r"|AIza[A-Za-z0-9_-]{30,}|A[KS]IA[A-Z0-9]{16}|(?:xai-|gsk_)[A-Za-z0-9]{16,})"
)
_BEARER = late_pattern(rf"(bearer +){_VALUE}", re.IGNORECASE)
_BASIC = late_pattern(r"(basic +)[A-Za-z0-9+/]{8,}=*", re.IGNORECASE)
_NAMED = late_pattern(
    rf"((?:{_CREDENTIAL_NAME}){_QUOTE}\s*[:=]\s*{_QUOTE}(?:(?:bearer|basic)\s+)?)"
    rf"(?!(?:bearer|basic)\b){_VALUE}",
    re.IGNORECASE,
)
_IN_QUERY = late_pattern(rf"([?&](?:key|token|sig|signature)=){_VALUE}", re.IGNORECASE)
_IN_ADDRESS = late_pattern(r"(://)[^/@\s\[\]]+(?=@)")

_PATTERNS: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = (
    (_KEY, ("sk-", "hf-", "ghp-", "aiza", "akia", "asia", "xai-")),
    (_BEARER, ("bearer ",)),
    (_BASIC, ("basic ",)),
    (
        _NAMED,
        (
            "api-key",
            "apikey",
            "api-token",
            "access-token",
            "auth-token",
            "client-secret",
            "secret-key",
            "password",
            "authorization",
        ),
    ),
    (_IN_QUERY, ("key=", "token=", "sig=", "signature=")),
    (_IN_ADDRESS, ("@",)),
)
"""Each pattern with the texts (lower case, ``-`` for ``_``) without which it cannot match: to look
for those is some fifty times faster than to search for the pattern."""


class Redactor:
    """Masks every secret that it was told of, and everything that looks like one."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: list[str] = []
        for secret in secrets:
            self.add_secret(secret)

    def add_secret(self, value: str) -> None:
        """Mask this value from now on, also URL-quoted, JSON-escaped and in base64."""
        value = value.strip()
        if len(value) < SHORTEST_SECRET:
            return
        # Longest first: a form may hold another one, whose rest would stay readable.
        self._forms = sorted({*self._forms, *_forms(value)}, key=len, reverse=True)

    def redact(self, text: str) -> str:
        """The same text object where there is nothing to hide. Idempotent."""
        for _ in range(_MOST_PASSES):
            clean = redact_patterns(self.redact_values(text))
            if clean is text:
                break
            # A mask can uncover what its surroundings had hidden from a pattern.
            text = clean
        return text

    def redact_value(self, value: object) -> object:
        """A JSON value with every text in it redacted, and each value that has a secret's name."""
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, dict):
            return {
                self.redact(str(key)): MASK
                if isinstance(inner, str) and _CREDENTIAL_NAMES.fullmatch(str(key))
                else self.redact_value(inner)
                for key, inner in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.redact_value(inner) for inner in value]
        return value

    def redact_values(self, text: str) -> str:
        """Only the secrets that it was told of; what merely looks like one stays."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, MASK)
        return text


_known = Redactor()


def remember_secret(value: str) -> None:
    """Mask this value from now on in all that this process writes, prints or raises."""
    _known.add_secret(value)


def redact(text: str) -> str:
    """Mask the secrets that this process has read, and all that looks like one."""
    return _known.redact(text)


def redact_values(text: str) -> str:
    """Mask the secrets that this process has read, and nothing else: for what models wrote."""
    return _known.redact_values(text)


def redact_patterns(text: str) -> str:
    """Mask what looks like a secret; the same text object where nothing does."""
    plain = text.lower().replace("_", "-")
    clean = text
    for pattern, triggers in _PATTERNS:
        for trigger in triggers:
            if trigger in plain:
                clean = pattern.sub(_masked, clean)
                break
    return text if clean == text else clean


def looks_like_key(text: str) -> bool:
    return _KEY.search(text) is not None


def is_secret_name(name: str) -> bool:
    """Whether something of this name should never stand in a file, as ``api_key``."""
    return _CREDENTIAL_NAMES.fullmatch(name.replace(" ", "_")) is not None


def _masked(match: re.Match[str]) -> str:
    return f"{match[1] if match.re.groups else ''}{MASK}"


def _forms(value: str) -> set[str]:
    escaped = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    quoted = {quote(value), quote(value, safe=""), quote_plus(value)}
    return {value, repr(value)[1:-1], *escaped, *quoted, *_base64_forms(value)}


def _base64_forms(value: str) -> set[str]:
    """The part of the value's base64 that stays the same wherever it stands in the encoded bytes.

    Three bytes become four characters, so there are three ways to begin. The first and the last
    characters also depend on the neighbours and are left out.
    """
    raw = value.encode(errors="replace")
    forms = set()
    for lead in range(3):
        encoded = base64.b64encode(b"\0" * lead + raw).decode()
        first = (lead * 8 + 5) // 6
        last = (lead + len(raw)) * 8 // 6
        core = encoded[first:last]
        forms |= {core, core.replace("+", "-").replace("/", "_")}
    return {form for form in forms if len(form) >= SHORTEST_SECRET}
