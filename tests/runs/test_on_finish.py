"""`on_finish` tells a command or a webhook, in bounded time, without a key, and changes nothing."""

from __future__ import annotations

import http.server
import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

import judgeforge
from judgeforge import RunConfig
from judgeforge.errors import ConfigError
from judgeforge.runs.on_finish import tell, untellable
from judgeforge.runs.sequence import run_in_sequence
from tests.local_server import LocalServer
from tests.support.run_process import Command
from tests.support.run_setup import KEY, KEY_VARIABLE, write_config

SUMMARY = {"text": "judgeforge: complete", "exit_code": 0}


@pytest.fixture
def configured(tmp_path: Path, server: LocalServer) -> Callable[..., RunConfig]:
    def configure(**on_finish: dict[str, Any]) -> RunConfig:
        file = write_config(tmp_path, server, prompts=1, on_finish=on_finish)
        return judgeforge.load_config(file)

    return configure


@pytest.mark.parametrize(
    ("on_finish", "why"),
    [
        ({"command": ["tell-0ps"]}, "on_finish.command: there is no program `tell-0ps`"),
        ({"command": ["./notes.txt"]}, "there is no program `./notes.txt`"),
        ({"webhook_env": "HOOK"}, "on_finish.webhook_env: the environment variable HOOK is not"),
        ({"command": ["tell"]}, None),
        ({"command": ["bin/tell", "nobody"]}, None),
        ({"webhook_env": "SET"}, None),
        ({"webhook_env": "HOOK", "webhook": "https://example.org/hook"}, None),
    ],
)
def test_who_cannot_be_told_is_known_before(
    configured: Callable[..., RunConfig],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: Command,
    on_finish: dict[str, Any],
    why: str | None,
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "tell").touch(mode=0o755)
    (tmp_path / "notes.txt").touch()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("SET", "https://example.org/T0KEN")
    config = configured(**on_finish)
    assert untellable(config) == [mock.ANY] * (why is not None)
    for name in ("check", "doctor"):
        shown = command(name, config.source_file)[1]
        assert "T0KEN" not in shown
        told = [line for line in shown.splitlines() if "on_finish." in line]
        assert [line for line in told if line.startswith("warn") and str(why) in line] == told
        assert len(told) == (why is not None)


def python(code: str, *arguments: object) -> list[str]:
    return [sys.executable, "-c", code, *map(str, arguments)]


@pytest.fixture
def listener() -> Iterator[Any]:
    """A webhook: ``answer`` is its status; what it was sent is in ``bodies``."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            server.bodies.append((self.path, json.loads(body), dict(self.headers)))
            time.sleep(server.delay_s)
            self.send_response(server.answer)
            if server.answer == 302:
                self.send_header("location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.block_on_close = True, False
    server.bodies, server.answer, server.delay_s = [], 200, 0.0
    server.url = f"http://127.0.0.1:{server.server_port}/hook/T0KEN"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_command_reads_the_summary_and_has_no_key(
    configured: Callable[..., RunConfig], tmp_path: Path, out: Path
) -> None:
    seen = tmp_path / "seen.json"
    code = (
        "import json, os, sys; told = {'summary': json.load(sys.stdin), 'env': dict(os.environ)};"
        "json.dump(told, open(sys.argv[1], 'w'))"
    )
    report = run_in_sequence(configured(command=python(code, seen)), str(out), say=print)
    told = json.loads(seen.read_text())
    assert told["summary"] == report.summaries[-1]
    assert told["summary"]["totals"]["pairs"] == 1
    assert told["summary"]["text"].startswith("judgeforge: complete: ")
    assert KEY_VARIABLE not in told["env"]
    assert KEY not in seen.read_text()
    assert report.untold == []


def test_a_webhook_gets_the_summary(
    configured: Callable[..., RunConfig], listener: Any, out: Path
) -> None:
    report = run_in_sequence(configured(webhook=listener.url), str(out), say=print)
    [(path, body, headers)] = listener.bodies
    assert path == "/hook/T0KEN"
    assert body == report.summaries[-1]
    assert headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        (KEY_VARIABLE, KEY, False),
        ("OPENAI_API_KEY", "other", False),
        ("ANTHROPIC_API_KEY", "other", False),
        ("MISTRAL_API_KEY", "other", False),
        ("openrouter_apikey", "other", False),
        ("ANTHROPIC_AUTH_TOKEN", "other", False),
        ("AZURE_OPENAI_AD_TOKEN", "other", False),
        ("AWS_SECRET_ACCESS_KEY", "other", False),
        ("HF_TOKEN", "other", False),
        ("OPENAI_CUSTOM_HEADERS", "x-key: other", False),
        ("MY_OLD_KEY", KEY, False),
        ("WITH_SPACES", f" {KEY}\n", False),
        ("AUTHORISATION", f"Bearer {KEY}", False),
        ("HOOK", "https://example.org/T0KEN", False),
        ("COPY_OF_HOOK", "https://example.org/T0KEN", False),
        ("SLACK_CHANNEL", "nightly", True),
        ("SLACK_TOKEN", "for the command itself", True),
        ("LC_ALL", "C.UTF-8", True),
        ("MONKEY", "banana", True),
        ("TOKENIZERS_PARALLELISM", "false", True),
    ],
)
def test_a_command_gets_no_key_under_any_name(
    configured: Callable[..., RunConfig],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
    kept: bool,
) -> None:
    monkeypatch.setattr("judgeforge.runs.on_finish._call_webhook", lambda *_: None)
    monkeypatch.setenv("HOOK", "https://example.org/T0KEN")
    monkeypatch.setenv(name, value)
    seen = tmp_path / "environment.json"
    code = "import json, os, sys; json.dump(dict(os.environ), open(sys.argv[1], 'w'))"
    assert tell(configured(command=python(code, seen), webhook_env="HOOK"), SUMMARY) == []
    environment = json.loads(seen.read_text())
    assert (name in environment) == kept
    assert "PATH" in environment


def test_the_address_may_come_from_the_environment(
    configured: Callable[..., RunConfig], listener: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK", listener.url)
    assert tell(configured(webhook_env="HOOK"), SUMMARY) == []
    assert len(listener.bodies) == 1
    monkeypatch.delenv("HOOK")
    assert "HOOK is not set" in tell(configured(webhook_env="HOOK"), SUMMARY)[0]
    monkeypatch.setenv("HOOK", "file:///etc/passwd")
    assert "not an http" in tell(configured(webhook_env="HOOK"), SUMMARY)[0]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["/nonexistent/program"], "cannot be started"),
        (python("import sys; sys.exit(7)"), "ended with 7"),
        (python("import time; time.sleep(60)"), "was ended after 0.3 s"),
    ],
)
def test_a_command_that_fails_is_reported_and_changes_nothing(
    configured: Callable[..., RunConfig], out: Path, command: list[str], said: str
) -> None:
    begun = time.monotonic()
    report = run_in_sequence(configured(command=command, timeout_s=0.3), str(out), say=print)
    assert report.exit_code == 0
    assert said in report.untold[0]
    assert time.monotonic() - begun < 50


@pytest.mark.parametrize(
    ("answer", "delay_s", "said"),
    [(500, 0, "answered 500"), (302, 0, "answered 302"), (200, 5, "did not answer within 0.3 s")],
)
def test_a_webhook_that_fails_is_reported_without_its_path(
    configured: Callable[..., RunConfig], listener: Any, answer: int, delay_s: float, said: str
) -> None:
    listener.answer, listener.delay_s = answer, delay_s
    failures = tell(configured(webhook=listener.url, timeout_s=0.3), SUMMARY)
    assert said in failures[0]
    assert "T0KEN" not in failures[0]
    assert len(listener.bodies) == 1


def test_a_start_that_is_refused_is_told_as_well(
    configured: Callable[..., RunConfig], listener: Any, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configured(webhook=listener.url)
    monkeypatch.delenv(KEY_VARIABLE)
    report = run_in_sequence(config, str(out), say=print)
    assert isinstance(report.error, ConfigError)
    assert listener.bodies[0][1]["exit_code"] == 2
    assert f"{KEY_VARIABLE} is not set" in listener.bodies[0][1]["message"]


def test_the_path_of_an_address_is_in_no_manifest(
    configured: Callable[..., RunConfig], listener: Any, out: Path
) -> None:
    run_in_sequence(configured(webhook=listener.url), str(out), say=print)
    assert "T0KEN" not in (out / "manifest.json").read_text()


def test_an_address_that_can_be_read_on_the_way_is_refused(
    configured: Callable[..., RunConfig],
) -> None:
    with pytest.raises(ConfigError, match="https"):
        configured(webhook="http://hooks.example.com/T0KEN")


def test_a_webhook_that_answers_garbage_is_said_to(
    configured: Callable[..., RunConfig], out: Path
) -> None:
    def answer(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"this is no HTTP\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=answer, args=(listening,), daemon=True).start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        (failure,) = tell(configured(webhook=url), {})
    assert "not HTTP (BadStatusLine)" in failure
