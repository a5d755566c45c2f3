"""``doctor --ask`` and ``check --ask`` show what a server does before a run pays for it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import judgeforge
from judgeforge.runs.doctor.doctor import Finding
from judgeforge.runs.doctor.trial import try_models
from tests.local_server import LocalServer, faults
from tests.support.run_process import Command
from tests.support.run_setup import KEY, model, write_config


class OddServer(BaseHTTPRequestHandler):
    """Answers as ``answer`` says; ``counter`` makes texts differ."""

    GOOD = json.dumps({"rationale": "Fine.", "scores": {"quality": 7, "sound": True}})
    answer: dict[str, Any]
    counter = 0
    asked: list[dict[str, str]]
    """Headers of requests for the list of models."""

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        type(self).asked.append(dict(self.headers))
        if "location" in self.answer:
            self.send_response(307)
            self.send_header("location", self.answer["location"])
            self.end_headers()
            return
        self._send(self.answer.get("list_status", 200), {"data": self.answer.get("models", [])})

    def do_POST(self) -> None:
        length = int(self.headers["content-length"])
        body = json.loads(self.rfile.read(length))
        if "status" in self.answer:
            self._send(self.answer["status"], {"error": {"message": f"no, {KEY}"}})
            return
        type(self).counter += 1
        schema = body.get("response_format", {}).get("json_schema", {})
        if "tools" in body:
            schema = body["tools"][0]["function"]
        is_judgment = bool(schema) and schema["name"] != "trial"
        text = self.answer.get("text", f"The sea, number {type(self).counter}.")
        if is_judgment:
            text = self.answer.get("judgment", self.GOOD)
        elif schema:
            text = self.answer.get("schema", '{"mood": "calm", "is_salty": true}')
        if self.answer.get("in_words") and "JSON Schema" in str(body["messages"]):
            is_trial = "is_salty" in str(body["messages"])
            text = '{"mood": "calm", "is_salty": true}' if is_trial else self.GOOD
        reply = {
            "id": "x",
            "object": "chat.completion",
            "created": 1,
            "model": self.answer.get("model", body["model"]),
            "choices": [
                {
                    "index": 0,
                    "finish_reason": "stop",
                    "message": {"role": "assistant", "content": text},
                }
            ],
            "usage": {"prompt_tokens": length // 4, "completion_tokens": 9},
        }
        if self.answer.get("logprobs") and "logprobs" in body:
            token = {"token": text, "logprob": -0.1, "bytes": None}
            content = [{**token, "top_logprobs": [token]}]
            reply["choices"][0]["logprobs"] = {"content": content}
        if not self.answer.get("usage", True):
            del reply["usage"]
        self._send(200, reply)

    def _send(self, status: int, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def odd() -> Iterator[tuple[type[OddServer], str]]:
    handler = type("Odd", (OddServer,), {"answer": {}, "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield handler, f"http://127.0.0.1:{server.server_address[1]}/v1"
    server.shutdown()
    server.server_close()


def findings_of(
    tmp_path: Path, server: LocalServer, url: str, judge: dict[str, Any], **fields: Any
) -> dict[str, Finding]:
    models = {"small": model(server, base_url=url, **fields)}
    judging = {"judges": [{"model": "small", **judge}]}
    config = write_config(tmp_path, server, models=models, judging=judging)
    return {one.name: one for one in try_models(judgeforge.load_config(config))}


LISTED = {"id": "small"}


@pytest.mark.parametrize(
    ("answer", "fields", "name", "status", "words"),
    [
        ({}, {}, "small: answers", "ok", "as `small` in "),
        ({"model": "small-2026-01-01"}, {}, "small: answers", "ok", "small-2026-01-01"),
        ({"model": "models/small"}, {}, "small: answers", "ok", "models/small"),
        ({"model": "other"}, {}, "small: answers", "warn", "as `other`"),
        ({"text": ""}, {}, "small: answers", "warn", "an empty text"),
        ({"status": 401}, {}, "small: answers", "fail", "401"),
        ({"status": 404}, {}, "small: answers", "fail", "404"),
        ({}, {}, "small: temperature", "ok", "differ"),
        ({"text": "The sea."}, {}, "small: temperature", "warn", "equal"),
        ({}, {"send_temperature": False}, "small: temperature", "ok", "is not sent"),
        ({}, {}, "small: usage", "ok", " input and 9 output tokens"),
        ({"usage": False}, {}, "small: usage", "warn", "does not tell"),
        ({"models": [{"id": "tiny"}]}, {}, "small: list of models", "warn", "lists `tiny`, not"),
        ({"models": [LISTED | {"max_model_len": 99}]}, {}, "small: context", "warn", "99 tokens"),
        (
            {"models": [LISTED | {"meta": {"n_ctx": 2048}}]},
            {"context_tokens": 2048},
            "small: context",
            "ok",
            "2048 tokens",
        ),
        (
            {"models": [LISTED | {"max_model_len": 2048}]},
            {"context_tokens": 8192},
            "small: context",
            "fail",
            "context_tokens is 8192",
        ),
        ({}, {}, "small: judgment", "ok", "could be read (pointwise, structured: json_schema)"),
        ({"model": "small-2"}, {}, "small: answers", "warn", "as `small-2`"),
        ({"model": "sm\x1b[31mall"}, {}, "small: answers", "warn", "as `sm\ufffd[31mall`"),
        ({"text": ""}, {}, "small: temperature", "ok", "cannot be told"),
        ({"status": 404, "models": [{"id": "smal"}]}, {}, "small: list of models", "warn", "smal"),
        (
            {"judgment": "It is good."},
            {"structured": "tool"},
            "small: judgment",
            "fail",
            "structured: tool",
        ),
        ({"judgment": "It is good."}, {}, "small: judgment", "fail", "brought no score"),
        ({"judgment": "{}"}, {}, "small: judgment", "fail", "brought no score"),
        ({}, {}, "small: schema", "ok", "`structured: json_schema` is kept to"),
        ({"schema": "The sea."}, {}, "small: schema", "warn", "is not kept to"),
        ({"schema": "{}"}, {}, "small: schema", "warn", "is not kept to"),
        ({"schema": '{"mood": 1, "is_salty": true}'}, {}, "small: schema", "warn", "not kept to"),
        ({"schema": ""}, {}, "small: schema", "warn", "an empty text"),
        ({}, {}, "asking", "ok", "sent, cost $0.0"),
    ],
)
def test_what_a_server_does_is_a_finding(
    tmp_path: Path,
    server: LocalServer,
    odd: tuple[type[OddServer], str],
    answer: dict[str, Any],
    fields: dict[str, Any],
    name: str,
    status: str,
    words: str,
) -> None:
    handler, url = odd
    handler.answer = answer
    found = findings_of(tmp_path, server, url, {}, **({"structured": "json_schema"} | fields))
    assert found[name].status == status, found
    assert words in found[name].detail
    assert bool(found[name].advice) == (status != "ok")
    assert not any(KEY in str(finding) for finding in found.values())


def test_a_form_that_is_not_kept_to_is_told_with_the_one_that_is(
    tmp_path: Path, server: LocalServer
) -> None:
    server.faults.add(faults.reply_text("Fine."), when=lambda r: "response_format" in r.body)
    found = findings_of(tmp_path, server, server.openai_url, {})
    assert "`structured: tool` is kept to" in found["small: schema"].detail
    assert "`structured: json_schema` is not kept to: Fine." in found["small: schema"].detail
    assert "structured: tool" in found["small: judgment"].detail


def test_a_key_is_sent_to_no_other_host_with_the_list_of_models(
    tmp_path: Path, server: LocalServer, odd: tuple[type[OddServer], str]
) -> None:
    seen = []

    class Elsewhere(OddServer):
        def do_GET(self) -> None:
            seen.append(dict(self.headers))
            self._send(200, {"data": [{"id": "other"}]})

    other = ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    threading.Thread(target=other.serve_forever, args=(0.01,), daemon=True).start()

    def redirect(handler: OddServer) -> None:
        handler.send_response(302)
        handler.send_header("location", f"http://127.0.0.1:{other.server_address[1]}/models")
        handler.send_header("content-length", "0")
        handler.end_headers()

    handler, url = odd
    handler.do_GET = redirect  # type: ignore[method-assign]
    found = findings_of(tmp_path, server, url, {})
    other.shutdown()
    other.server_close()
    assert seen == []
    assert "small: list of models" not in found


def test_a_judge_is_asked_as_in_a_run(tmp_path: Path, server: LocalServer) -> None:
    """With repeats it is asked at temperature 1: servers differ in what they take."""
    findings_of(tmp_path, server, server.openai_url, {"repeats": 2})
    asked = server.calls(kind="judge")[-1]
    assert "Waves came and went" in str(asked.body["messages"])
    assert asked.body["temperature"] == 1.0


def test_a_server_that_takes_nothing_now_is_told_of_and_not_waited_for(
    tmp_path: Path, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("judgeforge.runs.doctor.trial_door._TRIAL_S", 0.5)
    server.faults.add(faults.status(429, retry_after=60))
    found = findings_of(tmp_path, server, server.openai_url, {})
    assert found["small: answers"].status == "fail"
    assert "429" in found["small: answers"].detail


@pytest.mark.parametrize(
    "models", [None, "x", [1], [{"id": None}], [LISTED | {"max_model_len": True}], [LISTED]]
)
def test_a_list_of_models_that_says_nothing_is_no_finding(
    tmp_path: Path, server: LocalServer, odd: tuple[type[OddServer], str], models: Any
) -> None:
    handler, url = odd
    handler.answer = {"models": models}
    found = findings_of(tmp_path, server, url, {})
    assert "small: context" not in found
    handler.answer = {"models": [], "list_status": 404}
    assert "small: list of models" not in findings_of(tmp_path, server, url, {})


def test_the_list_of_models_is_asked_with_the_headers_of_the_model_and_follows_no_redirect(
    tmp_path: Path,
    server: LocalServer,
    odd: tuple[type[OddServer], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    handler, url = odd
    monkeypatch.setenv("GATEWAY", "of-the-gateway")
    handler.answer = {"location": f"{url}/elsewhere"}
    found = findings_of(tmp_path, server, url, {}, headers_env={"X-Gateway": "GATEWAY"})
    assert "small: list of models" not in found
    [asked] = handler.asked
    sent = {name.lower(): value for name, value in asked.items()}
    assert (sent["authorization"], sent["x-gateway"]) == (f"Bearer {KEY}", "of-the-gateway")


def test_a_model_that_may_be_asked_in_any_form_is_tried_in_each_until_one_is_kept_to(
    tmp_path: Path, server: LocalServer, odd: tuple[type[OddServer], str]
) -> None:
    handler, url = odd
    handler.answer = {"schema": "The sea.", "judgment": "It is good.", "in_words": True}
    found = findings_of(tmp_path, server, url, {}, structured="auto")
    assert found["small: schema"].status == "ok"
    assert found["small: schema"].detail.startswith("`structured: instruction` is kept to; ")
    assert "`structured: tool` is not kept to: The sea" in found["small: schema"].detail
    assert found["small: judgment"].status == "ok"
    assert "structured: instruction" in found["small: judgment"].detail
    handler.answer["in_words"] = False
    found = findings_of(tmp_path, server, url, {}, structured="auto")
    assert (found["small: schema"].status, found["small: judgment"].status) == ("warn", "fail")
    assert "`system_role: user`" in str(found["small: judgment"])


def test_logprobs_are_of_interest_where_a_judge_is_read_by_them(
    tmp_path: Path, server: LocalServer, odd: tuple[type[OddServer], str]
) -> None:
    assert "small: logprobs" not in findings_of(tmp_path, server, odd[1], {})
    found = findings_of(tmp_path, server, odd[1], {"logprobs": True})
    assert found["small: logprobs"].status == "warn"
    odd[0].answer = {"logprobs": True}
    found = findings_of(tmp_path, server, odd[1], {"logprobs": True})
    assert found["small: logprobs"].status == "ok"


@pytest.mark.parametrize("protocol", ["pointwise", "pairwise"])
def test_a_good_server_passes_with_a_few_calls_and_nothing_is_kept(
    tmp_path: Path, server: LocalServer, command: Command, protocol: str
) -> None:
    judging = {"judges": [{"model": "small", "protocol": protocol, "repeats": 3}]}
    config = write_config(tmp_path, server, judging=judging)
    before = sorted(tmp_path.rglob("*"))
    code, shown, _ = command("check", config, "--ask")
    assert code == 0
    assert "ready to run" in shown
    assert "small: judgment" in shown
    assert 4 <= len(server.requests) <= 5
    assert sorted(tmp_path.rglob("*")) == before
    assert "small: judgment" in command("doctor", config, "--ask")[1]


def test_a_judge_that_cannot_be_read_is_not_ready(
    tmp_path: Path, server: LocalServer, command: Command, odd: tuple[type[OddServer], str]
) -> None:
    handler, url = odd
    handler.answer = {"judgment": "It is good."}
    config = write_config(tmp_path, server, models={"small": model(server, base_url=url)})
    code, shown, _ = command("check", config, "--ask")
    assert code == 2
    assert "problem: small: judgment failed" in shown
    assert "not ready to run" in shown
    assert command("check", config)[0] == 0


def test_nothing_is_asked_beyond_the_budget_or_without_a_configuration(
    tmp_path: Path, server: LocalServer, command: Command
) -> None:
    config = write_config(tmp_path, server, budget={"usd": 0.0})
    code, shown, _ = command("check", config, "--ask")
    assert (code, server.requests) == (2, [])
    assert "budget.usd" in shown
    code, _, error = command("doctor", "--ask")
    assert code == 2
    assert "--ask needs a configuration" in error
