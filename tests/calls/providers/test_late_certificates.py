"""aiohttp reads no certificates at its import, and has them for whoever uses them."""

from __future__ import annotations

import subprocess
import sys

import pytest

LOAD = """
import ssl
inherited = ssl.SSLContext.set_default_verify_paths
from judgeforge.calls.providers.late_certificates import load_aiohttp
load_aiohttp()
assert ssl.SSLContext.set_default_verify_paths is inherited
import aiohttp.connector
contexts = aiohttp.connector._SSL_CONTEXT_VERIFIED, aiohttp.connector._SSL_CONTEXT_UNVERIFIED
"""


def printed(code: str) -> str:
    command = [sys.executable, "-c", LOAD + code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_the_import_reads_none() -> None:
    assert printed("print(*[type(each).__name__ for each in contexts])") == (
        "_UnreadContext _UnreadContext"
    )


@pytest.mark.parametrize(
    "use",
    [
        "context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname='example.com')",
        "context.wrap_socket(__import__('socket').socket(), server_hostname='example.com')",
        "context.cert_store_stats()",
        "context.get_ca_certs()",
    ],
)
def test_the_first_use_of_a_context_reads_what_the_machine_trusts(use: str) -> None:
    shown = printed(
        "plain = ssl.create_default_context()\n"
        f"for context in contexts:\n    {use}\n"
        "    print(type(context) is ssl.SSLContext,"
        " context.cert_store_stats() == plain.cert_store_stats())"
    )
    assert shown.split() == ["True"] * 4


def test_a_context_that_checks_servers_still_does_and_the_other_does_not() -> None:
    shown = printed("print([(each.verify_mode.name, each.check_hostname) for each in contexts])")
    assert shown == "[('CERT_REQUIRED', True), ('CERT_NONE', False)]"
