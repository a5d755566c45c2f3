"""Faults of a server: what it does to the connection and to the bytes of a reply."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.scene import Scene, results
from tests.faults.table import fault
from tests.faults.tls_server import TlsServer, make_certificate
from tests.local_server import LocalServer, faults
from tests.local_server.faults import Fault
from tests.support.run_setup import KEY, rows

CALLS = 16
SHORT = {"timeout_s": 0.5}
"""Of the model: nothing on loopback takes as long."""


def _is_tried_again(scene: Scene, broken: Fault, own: dict[str, object] | None = None) -> str:
    """The broken attempt may have been billed, so it counts as spent whole."""
    scene.server.faults.add(broken, nth=3)
    scene.configure(own=own)
    seen = scene.exits(0)
    assert len(scene.server.requests) == CALLS + 1
    assert results(scene.out) == scene.undisturbed()
    assert seen.cost_usd > scene.billed_usd()
    return f"{CALLS + 1} requests for {CALLS} calls, the undisturbed result, the lost one paid"


def _loss(name: str, done: str, broken: Fault, *, quick: bool = False, short: bool = False) -> None:
    @fault(
        name,
        done=done,
        promise="A failed attempt, counted as billed and tried again; the result is undisturbed.",
        quick=quick,
    )
    def show(scene: Scene) -> str:
        return _is_tried_again(scene, broken, SHORT if short else None)


_loss("html", "One reply is a web page with status 200.", faults.html())
_loss("wrong-shape", "One reply is JSON, but not that of the API.", faults.wrong_shape())
_loss("wrong-shape-list", "One reply is a JSON list.", faults.wrong_shape([1, 2, 3]))
_loss("empty-body", "One reply has status 200 and no body.", faults.empty_body())
_loss("damaged-gzip", "One reply is gzip that cannot be unpacked.", faults.damaged_gzip())
_loss("cut-body", "The connection is closed in the middle of a body.", faults.cut_body())
_loss(
    "reset-before-headers", "The connection is reset before any reply.", faults.reset_before_reply()
)
_loss(
    "reset-in-headers",
    "The connection is reset in the middle of the headers.",
    faults.reset_in_headers(),
)
_loss(
    "reset-after-headers",
    "The connection is reset after the headers.",
    faults.reset_after_headers(),
)
_loss(
    "reset-mid-body",
    "The connection is reset in the middle of a body.",
    faults.reset_mid_body(),
    quick=True,
)
_loss(
    "stalled-headers",
    "A reply does not begin for a minute (timeout 0.5 s).",
    faults.stall_headers(60),
    short=True,
)
_loss(
    "stalled-body",
    "A body stops half-way for a minute (timeout 0.5 s).",
    faults.stall_body(60),
    short=True,
)
_loss(
    "byte-a-second",
    "A body comes one byte a second (timeout 0.5 s).",
    faults.drip(600, parts=600),
    short=True,
)


def _does_no_harm(scene: Scene, odd: Fault, *, every: int = 1) -> str:
    scene.server.faults.add(odd, every=every)
    scene.configure(prompts=4)
    scene.ends_undisturbed(prompts=4)
    return f"{len(scene.server.requests)} requests for 32 calls, the undisturbed result"


@fault(
    "wrong-content-type",
    done="Every reply says that it is `text/plain`.",
    promise="What the body holds decides: the undisturbed result.",
)
def _(scene: Scene) -> str:
    return _does_no_harm(scene, faults.wrong_content_type())


@fault(
    "slow-drip-in-time",
    done="Every third body drips for half a second, within the timeout.",
    promise="Being slow is not a fault: the undisturbed result, nothing asked twice.",
)
def _(scene: Scene) -> str:
    seen = _does_no_harm(scene, faults.drip(0.5), every=3)
    assert len(scene.server.requests) == 32
    return seen


@fault(
    "keep-alive-closed",
    done="The server closes every connection right after a reply that promised to keep it.",
    promise="The undisturbed result; an attempt that this costs is tried again.",
)
def _(scene: Scene) -> str:
    seen = _does_no_harm(scene, faults.close_after_reply())
    return f"{seen} (at most a few repeated)"


@fault(
    "reply-twice",
    done="Every reply is followed at once by a copy of itself, where the next reply is due.",
    promise="A copy is never taken for the reply to another request: the undisturbed result.",
)
def _(scene: Scene) -> str:
    scene.server.faults.add(faults.reply_twice())
    scene.configure(prompts=20)
    scene.ends_undisturbed(prompts=20)
    return f"{len(scene.server.requests)} requests for 160 calls, the undisturbed result"


@fault(
    "out-of-order",
    done="Every second reply comes 0.3 s late, so that calls finish out of order.",
    promise="Results are in input order and the same bytes as from a run in order.",
)
def _(scene: Scene) -> str:
    scene.configure(prompts=8)
    scene.exits(0)
    straight = {
        name: (scene.out / f"{name}.jsonl").read_bytes() for name in ("pairs", "completions")
    }
    scene.server.faults.add(faults.slow(0.3), every=2)
    scene.forget_replies()
    late = scene.folder / "late"
    scene.exits(0, out=late)
    assert len(scene.server.requests) == 2 * 8 * 8
    assert {name: (late / f"{name}.jsonl").read_bytes() for name in straight} == straight
    return "the same bytes in pairs.jsonl and completions.jsonl"


@fault(
    "reply-10-mib",
    done="One completion of 10 MiB comes back.",
    promise="It is read whole or refused by name; nothing else is touched.",
)
def _(scene: Scene) -> str:
    scene.server.faults.add(faults.reply_text("many words " * 953_251), nth=1)
    scene.configure()
    seen = scene.exits(0)
    sizes = [len(row["text"]) for row in rows(scene.out / "completions.jsonl")]
    assert max(sizes) > 10 * 2**20
    assert seen.pairs == 2
    scene.billing = False  # The server counts the words that it meant to send.
    return "kept whole; its judge's request was refused by the server (413), the prompt has a pair"


@fault(
    "redirect",
    done="Every call is redirected (307) to a server on another address.",
    promise="Not followed: the key reaches no other host; the message says what to set.",
    quick=True,
)
def _(scene: Scene) -> str:
    with LocalServer() as elsewhere:
        scene.server.faults.add(faults.redirect(f"{elsewhere.openai_url}/chat/completions"))
        scene.configure(limits={"max_skip_share": 1})
        seen = scene.run()
        assert elsewhere.requests == []
    assert (seen.exit_code, seen.skips) == (4, {})
    assert "set `base_url`" in seen.message
    return "the other server saw nothing; `set base_url to the final address`"


@fault(
    "connection-refused",
    done="Nothing listens at `base_url`.",
    promise="Nothing was sent, so nothing is paid; the calls fail by name within their attempts.",
)
def _(scene: Scene) -> str:
    scene.configure(own={"base_url": "http://127.0.0.1:9/v1"}, limits={"max_attempts": 2})
    seen = scene.run()
    assert seen.exit_code in {4, 5}
    assert seen.cost_usd == 0
    assert seen.manifest["totals"]["calls"]["paid"] == 0
    return f"exit {seen.exit_code}, 0 calls, cost 0"


@fault(
    "dns-failure",
    done="The host of `base_url` has no address.",
    promise="Nothing was sent, so nothing is paid; the message names the address.",
)
def _(scene: Scene) -> str:
    own = {"base_url": "https://judgeforge.invalid/v1", "connect_timeout_s": 5}
    scene.configure(own=own, limits={"max_attempts": 2})
    seen = scene.run()
    assert seen.exit_code in {4, 5}
    assert seen.cost_usd == 0
    log = (scene.out / "log.jsonl").read_text()
    assert "cannot connect to https://judgeforge.invalid/v1" in log
    return f"exit {seen.exit_code}, 0 calls, cost 0"


@fault(
    "http-to-another-machine",
    done="`base_url` is http:// to a host that is not this machine.",
    promise="Refused before anything is sent (exit 2), unless `allow_http: true` is set.",
    quick=True,
)
def _(scene: Scene) -> str:
    scene.configure(own={"base_url": "http://192.0.2.7/v1"})
    scene.sends_nothing(2, "allow_http: true")
    return "exit 2, the message names `https://` and `allow_http: true`"


def _certificate(folder: Path, name: str) -> tuple[Path, Path]:
    try:
        return make_certificate(folder, name)
    except FileNotFoundError:
        pytest.skip("needs the program `openssl`")


def _wrong_certificate(name: str, done: str, host: str, *, trusted: bool) -> None:
    @fault(
        name,
        done=f"The server's certificate {done}",
        promise="Nothing is sent, not even the key; the run stops (exit 4) and says why.",
    )
    def show(scene: Scene) -> str:
        certificate, key = _certificate(scene.folder, host)
        with TlsServer(certificate, key) as server:
            scene.configure(own={"base_url": f"https://localhost:{server.port}/v1"})
            trust = {"SSL_CERT_FILE": str(certificate)} if trusted else {}
            shown = scene.command_exits(4, scene.start(environment=trust))
            assert server.received == b""
        assert "certificate" in shown
        return "exit 4, the server got no byte of the request"


_wrong_certificate(
    "tls-name-mismatch",
    "is trusted, but made out to another name.",
    "other.example",
    trusted=True,
)
_wrong_certificate(
    "tls-self-signed", "is not signed by a trusted authority.", "localhost", trusted=False
)


@fault(
    "key-sent-back",
    done="The server puts the key into the text of its completions.",
    promise="The reply is used, the key is masked in it before it is stored.",
    quick=True,
)
def _(scene: Scene) -> str:
    echo = faults.altered("key_sent_back", lambda a: replace(a, text=f"{a.text} {KEY}"))
    scene.server.faults.add(echo, when=lambda record: record.kind == "completion")
    scene.configure()
    scene.exits(0)
    texts = [row["text"] for row in rows(scene.out / "completions.jsonl")]
    assert all("[redacted]" in text for text in texts)
    return "`[redacted]` in every completion; files and cache searched"
