"""aiohttp imported without the certificates that it reads for sessions that name none of their own.

At its import it makes two contexts for TLS and has each read all that the machine trusts: a
twentieth of the time of a whole run of one prompt, whose session brings a context of its own or
needs none. Here they read at the first connection that is opened with them, so that nobody else in
the process can tell.
"""

from __future__ import annotations

import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_ONE_IMPORTS = threading.Lock()


def load_aiohttp() -> None:
    """Import it, unless somebody has."""
    with _ONE_IMPORTS:
        if "aiohttp" not in sys.modules:
            with _read_when_needed():
                import aiohttp  # noqa: F401


class _UnreadContext(ssl.SSLContext):
    """Trusts what a context with the certificates of the machine does."""

    def _read(self) -> ssl.SSLContext:
        object.__setattr__(self, "__class__", ssl.SSLContext)  # in memory they are the same
        self.set_default_verify_paths()
        return self

    def wrap_bio(self, *arguments: Any, **options: Any) -> ssl.SSLObject:  # noqa: ANN401
        return self._read().wrap_bio(*arguments, **options)

    def wrap_socket(self, *arguments: Any, **options: Any) -> ssl.SSLSocket:  # noqa: ANN401
        return self._read().wrap_socket(*arguments, **options)

    def get_ca_certs(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        return self._read().get_ca_certs(*arguments, **options)

    def cert_store_stats(self) -> dict[str, int]:
        return self._read().cert_store_stats()


@contextmanager
def _read_when_needed() -> Iterator[None]:
    """While it lasts, contexts that are to read the certificates of the machine put it off."""

    def put_off(context: ssl.SSLContext) -> None:
        context.__class__ = _UnreadContext

    ssl.SSLContext.set_default_verify_paths = put_off  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        del ssl.SSLContext.set_default_verify_paths  # what it inherits shows again
