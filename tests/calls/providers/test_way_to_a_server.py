"""Whatever goes wrong on the way to a server is a failed attempt with its reason, never a bug.

What was not sent is not billed; what no later attempt can change stops the run.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2
import pytest

from judgeforge.calls.providers.base import ChatRequest, RawReply, open_provider
from judgeforge.calls.providers.http import HttpProvider
from judgeforge.config.model import ModelConfig
from judgeforge.errors import CallError, NoReplyError, NotConnectedError, StatusError
from judgeforge.text.messages import Message
from tests.local_server import LocalServer
from tests.support.run_setup import KEY_VARIABLE, write_config

OK = b'{"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]}'
LENGTH = b"content-length: %d\r\n\r\n" % len(OK)
both = pytest.mark.parametrize("provider", ["openai", "anthropic"])
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@contextmanager
def answering(reply: bytes) -> Iterator[int]:
    """A socket that answers every request with these bytes; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection, suppress(OSError):
                        connection.recv(65536)
                        connection.sendall(reply)

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]


def send(base_url: str, provider: str = "openai", key: str = "sk-test") -> RawReply:
    settings = ModelConfig.model_validate(
        {
            "provider": provider,
            "model": "small",
            "base_url": base_url,
            "timeout_s": 5,
            "connect_timeout_s": 2,
        }
    )

    async def once() -> RawReply:
        opened = open_provider(settings, key)
        request = ChatRequest((Message(role="user", content="Hi"),), 8, temperature=0.0)
        try:
            return await opened.send(opened.body(settings, request), model=settings)
        finally:
            await opened.close()

    return asyncio.run(once())


def failure(base_url: str, provider: str = "openai", key: str = "sk-test") -> CallError:
    with pytest.raises(CallError) as caught:
        send(base_url, provider, key)
    return caught.value


@both
@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\ncsp: " + b"a" * 100_000 + b"\r\n" + LENGTH + OK,
        b"HTTP/1.1 200 " + b"x" * 200_000 + b"\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n" + OK,
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nabc",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n" + LENGTH + OK,
        b"HTTP/1.1 200 OK\r\nx\x00y: a\r\n" + LENGTH + OK,
        b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n{}",
        b"\x00\x00\x12\x04\x00\x00\x00\x00\x00",
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nabcd",
        b"HTTP/1.1 400 B\xffd\r\ncontent-length: 5\r\n\r\n\xff\xfe\xfdab",
        b"",
    ],
)
def test_a_reply_that_is_not_clean_http_is_a_failed_attempt(provider: str, reply: bytes) -> None:
    with answering(reply) as port:
        error = failure(f"http://127.0.0.1:{port}", provider)
    assert isinstance(error, NoReplyError)
    assert error.retryable
    assert not error.stops_run
    assert f"http://127.0.0.1:{port}" in str(error)


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (
            b"HTTP/1.1 500 X\r\ncontent-type: a/b; charset=utf-16\r\ncontent-length: 1\r\n\r\na",
            500,
        ),
        (b"HTTP/1.1 429 X\r\ncontent-type: a/b; charset=utf-7\r\ncontent-length: 2\r\n\r\n+A", 429),
        (b"HTTP/1.1 999 X\r\ncontent-length: 2\r\n\r\n{}", 999),
        (b"HTTP/1.1 302 X\r\nlocation: http://[::bad\r\ncontent-length: 0\r\n\r\n", 302),
        (b"HTTP/1.1 101 Switching\r\n\r\n", 101),
    ],
)
def test_a_status_is_kept_whatever_the_body_is(reply: bytes, status: int) -> None:
    with answering(reply) as port:
        error = failure(f"http://127.0.0.1:{port}")
    assert isinstance(error, StatusError)
    assert error.status == status


class TestTls:
    def test_asked_of_a_server_without_it_stops_the_run_unbilled(self) -> None:
        with answering(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n") as port:
            error = failure(f"https://127.0.0.1:{port}")
        assert isinstance(error, NotConnectedError)
        assert error.stops_run
        assert "does not speak TLS" in str(error)
        assert "http://" in str(error)

    def test_left_out_with_a_server_that_needs_it_stops_the_run_unbilled(self) -> None:
        with answering(b"\x15\x03\x01\x00\x02\x02\x46") as port:
            error = failure(f"http://127.0.0.1:{port}")
        assert isinstance(error, NotConnectedError)
        assert error.stops_run
        assert "write `base_url` with https://" in str(error)


class TestWhatIsNeverSent:
    def test_is_a_request_that_no_header_can_carry(self) -> None:
        error = failure("http://127.0.0.1:9", key="“sk-test”")
        assert isinstance(error, NotConnectedError)
        assert (error.retryable, error.stops_run) == (False, True)

    @both
    @pytest.mark.parametrize(
        ("variable", "value"),
        [
            ("SSL_CERT_FILE", "/nonexistent/ca.pem"),
            ("SSL_CERT_FILE", "/"),
            ("HTTPS_PROXY", "ht!tp://[bad"),
        ],
    )
    def test_is_one_whose_client_cannot_be_made(
        self, monkeypatch: pytest.MonkeyPatch, provider: str, variable: str, value: str
    ) -> None:
        monkeypatch.setenv(variable, value)
        error = failure("https://api.example.com", provider)
        assert isinstance(error, NotConnectedError)
        assert (error.retryable, error.stops_run) == (False, True)
        assert "Nothing was sent" in str(error)

    def test_is_tried_again_where_the_server_is_not_there(self, closed_port: int) -> None:
        error = failure(f"http://127.0.0.1:{closed_port}")
        assert isinstance(error, NotConnectedError)
        assert (error.retryable, error.stops_run) == (True, False)

    @pytest.mark.slow
    @both
    def test_is_tried_again_where_the_server_is_silent_on_tls(self, provider: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            error = failure(f"https://127.0.0.1:{silent.getsockname()[1]}", provider)
        assert isinstance(error, NotConnectedError)
        assert (error.retryable, error.stops_run) == (True, False)
        assert "within connect_timeout_s = 2 s" in str(error)


class TestAProxy:
    def test_that_is_not_there_is_named_as_a_proxy(
        self, monkeypatch: pytest.MonkeyPatch, closed_port: int
    ) -> None:
        proxy = f"127.0.0.1:{closed_port}"
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:secret@{proxy}")
        error = failure("https://api.example.com/v1")
        assert isinstance(error, NotConnectedError)
        assert f"through the proxy http://{proxy}" in str(error)
        assert "secret" not in str(error)

    @pytest.mark.parametrize("status", [403, 407, 502])
    def test_that_refuses_the_way_is_not_billed(
        self, monkeypatch: pytest.MonkeyPatch, status: int
    ) -> None:
        with answering(b"HTTP/1.1 %d No\r\ncontent-length: 0\r\n\r\n" % status) as port:
            monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{port}")
            error = failure("https://api.example.com/v1")
        assert isinstance(error, NotConnectedError)
        assert f"refused the way to https://api.example.com/v1 (HTTP {status}" in str(error)

    @both
    @pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
    def test_is_never_on_the_way_to_this_machine(
        self,
        monkeypatch: pytest.MonkeyPatch,
        server: LocalServer,
        closed_port: int,
        provider: str,
        variable: str,
        host: str,
    ) -> None:
        monkeypatch.setenv(variable, f"http://127.0.0.1:{closed_port}")
        url = server.anthropic_url if provider == "anthropic" else server.openai_url
        send(url.replace("127.0.0.1", host), provider)
        assert len(server.requests) == 1


class TestBeforeTheRun:
    """``check`` says what would fail each call, and nothing is sent."""

    @pytest.mark.parametrize(
        ("variable", "value", "said"),
        [
            ("SSL_CERT_FILE", "/nonexistent/ca.pem", "SSL_CERT_FILE=/nonexistent/ca.pem: No such"),
            ("SSL_CERT_FILE", "/", "SSL_CERT_FILE=/: Is a directory"),
            ("SSL_CERT_FILE", __file__, "does not contain certificates in PEM"),
            ("SSL_CERT_DIR", "/nonexistent/certs", "SSL_CERT_DIR=/nonexistent/certs: is not a"),
            ("SSLKEYLOGFILE", "/nonexistent/keys.log", "SSLKEYLOGFILE=/nonexistent/keys.log: can"),
            (KEY_VARIABLE, '"sk-abcdefgh12345678"', "has its key between quotation marks"),
            (KEY_VARIABLE, "Bearer sk-abcdefgh12345678", "(and no `Bearer`, which is added)"),
            (KEY_VARIABLE, '"sk-abcdefgh12345678', 'has its key beside `"`'),
            (KEY_VARIABLE, "sk-abcdefgh12345678,", "has its key beside `,`"),
            (KEY_VARIABLE, "sk-abcdefgh12345678\\n", "has its key beside `\\n`"),
            (KEY_VARIABLE, "Bearer:sk-abcdefgh12345678", "has its key beside `Bearer:`"),
            (KEY_VARIABLE, "<your-api-key>", "has its key beside `<`"),
            (KEY_VARIABLE, "op://vault/item/key", "or the place of a key (o…)"),
            (KEY_VARIABLE, "${OPENAI_API_KEY}", "the name of another variable"),
            (KEY_VARIABLE, "OPENAI_API_KEY=sk-abcdefgh1", "it begins with `OPENAI_API_KEY=`"),
            (KEY_VARIABLE, "sk-abcd****5678", "with a part left out"),
            (KEY_VARIABLE, "sk-abcd efgh12345678", "must hold the key and nothing else: it has"),
            (KEY_VARIABLE, "“sk-abcdefgh12345678”", "contains a character that no key has (U+201C"),
            (KEY_VARIABLE, "sk-abcdefgh\u201312345678", "U+2013, en dash, at position 12"),
            (KEY_VARIABLE, "\ufeffsk-abcdefgh12345678", "U+FEFF"),
            (KEY_VARIABLE, "sk-abcdefgh\n12345678", "U+000A"),
            (KEY_VARIABLE, "sk-abcdefgh\u00a012345678", "no-break space"),
        ],
    )
    def test_the_environment(
        self,
        tmp_path: Path,
        server: LocalServer,
        monkeypatch: pytest.MonkeyPatch,
        command: Callable[..., tuple[int, str, str]],
        variable: str,
        value: str,
        said: str,
    ) -> None:
        config = write_config(tmp_path, server, prompts=1)
        monkeypatch.setenv(variable, value)
        code, out, err = command("check", config)
        assert code == 2
        assert said in out + err
        code, out, err = command("run", config, "--out", tmp_path / "out")
        assert code == 2
        assert said in out + err
        assert "abcdefgh" not in out + err
        assert not server.requests
        code, out, err = command("doctor", config)
        assert code == 2
        assert said in out + err

    @pytest.mark.parametrize(
        ("variable", "proxy", "said"),
        [
            ("https_proxy", "quic://127.0.0.1", "names the proxy quic://127.0.0.1"),
            ("https_proxy", "http://[bad", "http://[bad is not the address of a proxy"),
            (
                "ALL_PROXY",
                "socks5://127.0.0.1:1080",
                "names the proxy socks5://127.0.0.1:1080, but only http",
            ),
            (
                "ALL_PROXY",
                "socks5h://u:geheim@127.0.0.1:1080",
                "names the proxy socks5h://127.0.0.1:1080",
            ),
            ("ALL_PROXY", "quic://127.0.0.1", "names the proxy quic://127.0.0.1"),
            ("ALL_PROXY", "http://127.0.0.1:99999", "is not the address of a proxy"),
            ("ALL_PROXY", "http://:3128", "is not the address of a proxy"),
            ("ALL_PROXY", "http://[bad", "http://[bad is not the address of a proxy"),
            ("ALL_PROXY", " http://127.0.0.1:3128", "names the proxy %20http://127.0.0.1:3128"),
            ("ALL_PROXY", '"http://127.0.0.1:3128"', 'names the proxy "http://127.0.0.1:3128"'),
            ("ALL_PROXY", "\u201chttp://a:b@host:1\u201d", "names the proxy host:1"),
        ],
    )
    def test_a_proxy_that_cannot_be_used(
        self,
        tmp_path: Path,
        server: LocalServer,
        monkeypatch: pytest.MonkeyPatch,
        command: Callable[..., tuple[int, str, str]],
        variable: str,
        proxy: str,
        said: str,
    ) -> None:
        model = {"provider": "openai", "model": "m", "api_key_env": KEY_VARIABLE}
        model["base_url"] = "https://api.example.invalid/v1"
        config = write_config(tmp_path, server, prompts=1, models={"small": model})
        monkeypatch.setenv(variable, proxy)
        for name in ("check", "doctor"):
            code, out, err = command(name, config)
            assert code == 2
            assert variable in out + err
            assert said in out + err
            assert "geheim" not in out + err
        monkeypatch.setenv("NO_PROXY", "example.invalid")
        assert command("check", config)[0] == 0

    @pytest.mark.parametrize(
        ("provider", "base_url", "said"),
        [
            ("openai", "https://api.example.com/v1/chat/completions", "`base_url: https://api.exa"),
            ("openai", "https://api.example.com/v1/Chat/Completions/", "ends in /chat/completion"),
            ("anthropic", "https://api.example.com/v1", "asks https://api.example.com/v1/v1/mess"),
            ("anthropic", "https://api.example.com/v1/messages", "ends in /v1/messages"),
            ("openai_decisions", "https://api.example.com/v1/decisions", "ends in /decisions"),
            ("systemone", "https://api.example.com/v1/systemone", "ends in /systemone"),
            ("openai", "http://0.0.0.0:8000/v1", "write http://127.0.0.1:8000/v1 for this machine"),
            ("openai", "http://[::]:8000/v1", "where a server listens"),
            ("openai", "https://api.example.com:99999/v1", "is not an address"),
            ("openai", "https://api..example.com/v1", "is not an address"),
            ("openai", "https://api example.com/v1", "is not an address"),
            ("openai", "https://api.example.com:0/v1", "is not an address"),
        ],
    )
    def test_an_address_that_cannot_be_right(
        self,
        tmp_path: Path,
        server: LocalServer,
        command: Callable[..., tuple[int, str, str]],
        provider: str,
        base_url: str,
        said: str,
    ) -> None:
        model = {"provider": provider, "model": "m", "base_url": base_url}
        config = write_config(tmp_path, server, prompts=1, models={"small": model})
        code, out, err = command("check", config)
        assert code == 2
        assert said in out + err
        assert "models.small" in out + err


def test_a_mistake_in_code_is_never_shown_as_a_broken_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def mistaken(self: httpx2.Response, *_: object) -> bytes:
        del self
        raise AttributeError("'tuple' object has no attribute 'items'")

    monkeypatch.setattr(httpx2.Response, "aread", mistaken)
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
    with answering(head + LENGTH + OK) as port, pytest.raises(NoReplyError) as raised:
        send(f"http://127.0.0.1:{port}/v1")
    said = str(raised.value)
    assert "(AttributeError: 'tuple' object has no attribute 'items', test_way_to_a_server.py:" in (
        said
    )
    assert "a mistake in judgeforge or in a library that it uses; please report it" in said
    assert "connection" not in said


def test_a_mistake_before_anything_is_sent_does_not_send_anybody_to_their_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def mistaken(*_: object) -> None:
        raise TypeError("not this way")

    monkeypatch.setattr(HttpProvider, "_open", mistaken)
    with pytest.raises(NotConnectedError, match=r"\(TypeError: not this way, test_way") as raised:
        send("http://127.0.0.1:9/v1")
    assert raised.value.stops_run
    assert "Check" not in str(raised.value)


@pytest.mark.parametrize("headers", [b"csp: " + b"a" * 10_000 + b"\r\n", b"x: y\r\n" * 300])
def test_the_many_words_of_a_gateway_do_not_cost_the_reply(headers: bytes) -> None:
    with answering(b"HTTP/1.1 200 OK\r\n" + headers + LENGTH + OK) as port:
        assert send(f"http://127.0.0.1:{port}").body == OK


@pytest.mark.parametrize("encoding", ["iso-8859-1", "windows-1252", "utf-16", "UTF-8"])
def test_a_reply_in_the_encoding_that_its_header_names_is_whole(encoding: str) -> None:
    said = OK.replace(b"hi", "Größe".encode()).decode()
    raw = said.encode(encoding)
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json; charset={encoding}\r\n"
    head += f"content-length: {len(raw)}\r\n\r\n"
    with answering(head.encode() + raw) as port:
        assert send(f"http://127.0.0.1:{port}").body.decode() == said
