"""Addresses of servers: what `base_url` may be, and what can be told of one before it is asked."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

MOST_REPLICAS = 64
"""Of one model; each has a gate and connections of its own."""


def plain_addresses(value: object) -> str | tuple[str, ...] | None:
    """One address, or several of servers that serve one model; a list of one is that one.

    Raises ValueError where one of them is none.
    """
    if value is None:
        return None
    if isinstance(value, str):
        return _plain_address(value)
    if not isinstance(value, Sequence) or not all(isinstance(one, str) for one in value):
        raise ValueError("must be an http:// or https:// address, or a list of them")
    if not value:
        raise ValueError("names no server: give an address, or leave it out")
    if len(value) > MOST_REPLICAS:
        raise ValueError(f"names {len(value)} servers; {MOST_REPLICAS} is the most")
    found = tuple(_of_several(one) for one in value)
    for place, one in enumerate(found):
        if one.lower() in {other.lower() for other in found[:place]}:
            raise ValueError(f"{one} is there twice: name each server once")
    return found[0] if len(found) == 1 else found


def _of_several(value: str) -> str:
    try:
        return _plain_address(value)
    except ValueError as error:
        raise ValueError(f"`{value}` {error}") from None


def _plain_address(value: str) -> str:
    if not value.isprintable():  # which urlsplit leaves out, and the client refuses
        raise ValueError("contains a line break or another character that no address has")
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an http:// or https:// address")
    if problem := _unreachable(parts):
        raise ValueError(problem)
    if parts.username or parts.password or parts.query:
        raise ValueError("must contain no user, password or query: keys come from `api_key_env`")
    return value.rstrip("/")


def _unreachable(parts: SplitResult) -> str | None:
    """Why no server can have such an address, for what a look at it can tell."""
    host = parts.hostname or ""
    try:
        port = parts.port
        host.encode("idna")
    except ValueError as error:  # UnicodeError among them
        return f"is not an address ({error})"
    if port == 0 or any(not character.isprintable() or character == " " for character in host):
        return "is not an address: check host and port"
    if host in {"0.0.0.0", "::"}:  # noqa: S104 (refused)
        meant = f"{parts.scheme}://127.0.0.1{'' if port is None else f':{port}'}{parts.path}"
        return (
            f"`{host}` is where a server listens, not where it is reached: write {meant} for this "
            "machine, or the name of the machine that it runs on"
        )
    return None


def is_readable_on_the_way(url: str) -> bool:
    """Whether it is http:// to another machine."""
    return urlsplit(url).scheme == "http" and not is_this_machine(url)


def is_plain(url: str) -> bool:
    """Whether neither TLS nor a proxy is on the way."""
    return urlsplit(url).scheme == "http" and is_this_machine(url)


def is_this_machine(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
