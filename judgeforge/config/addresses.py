"""Addresses of servers: what cannot be one, what stays on this machine, what others can read."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit


def unreachable(parts: SplitResult) -> str | None:
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


def is_this_machine(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
