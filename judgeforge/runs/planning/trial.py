"""`doctor --ask` and `check --ask`: a few tiny requests to each model show what its server does.

The requests go through the door like those of a run, within its budgets; their replies are not
kept. For each model: does it answer, and as which model; is the temperature heeded, usage told,
are log-probabilities given; which context does the server state; and can its judgment be read.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from http.client import HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from judgeforge.calls.call import Answer, Asks
from judgeforge.calls.providers.base import ChatRequest, open_provider, sends_temperature
from judgeforge.config.keys import read_headers
from judgeforge.config.model import ModelConfig, is_this_machine
from judgeforge.config.run import RunConfig
from judgeforge.errors import CallError, ConfigError, JudgeforgeError
from judgeforge.judging.first_replies import FirstReplies
from judgeforge.judging.panel import TriedPanel
from judgeforge.records import Completion, Judgment, Message, Prompt
from judgeforge.results.figures.completions import is_same_model
from judgeforge.runs.planning.doctor import Finding, Status
from judgeforge.runs.planning.preparation import Preparation, prepare
from judgeforge.runs.wiring import trial_door
from judgeforge.text.redaction import redact
from judgeforge.text.visible import excerpt, one_line
from judgeforge.text.wording import counted, did_you_mean, listed

_QUESTION = "Invent a short sentence about the sea."
_ANSWERS = ("Waves came and went all night.", "The sea is a place with water in it.")
_PROMPT = Prompt(id="trial", line=1, digest="", messages=(Message(role="user", content=_QUESTION),))
_COMPLETIONS = [
    Completion(id=f"c{n}", prompt_id="trial", index=n, model="given", text=text, finish="given")
    for n, text in enumerate(_ANSWERS)
]
_SAMPLE_TOKENS, _TEMPERATURE, _LOGPROBS = 32, 1.0, 2
_LIST_TIMEOUT_S = 5.0
_LONGEST_LIST = 4 << 20
_SHOWN_MODELS = 5


def try_models(config: RunConfig) -> list[Finding]:
    """One that failed where the configuration would keep a run from starting."""
    try:
        prepared = prepare(config)
    except ConfigError as error:
        return [Finding("asking", "fail", str(error))]
    with tempfile.TemporaryDirectory(prefix="judgeforge-") as place:
        return asyncio.run(_try_all(prepared, Path(place)))


async def _try_all(prepared: Preparation, place: Path) -> list[Finding]:
    async with trial_door(prepared, place) as (gateway, budget):
        trials = [_Trial(prepared, name, gateway) for name in prepared.keys]
        found = await asyncio.gather(*(trial.findings() for trial in trials))
        spending = budget.spending()
    cost = "unknown" if spending.cost_usd is None else f"${spending.cost_usd:.6f}"
    asked = Finding("asking", "ok", f"{counted(spending.calls, 'call')} sent, cost {cost}")
    return [*(finding for findings in found for finding in findings), asked]


@dataclass(frozen=True, slots=True)
class _Trial:
    """Of one model."""

    prepared: Preparation
    name: str
    gateway: Asks

    async def findings(self) -> list[Finding]:
        model = self.prepared.config.models[self.name]
        try:
            found = [] if model.facts.decides else await self._sampled()
        except CallError as error:
            advice = "Check `model`, `base_url` and the key."
            failed = self._finding("answers", "fail", str(error), advice)
            # A wrong name is easily seen in the list.
            return [failed, *([] if model.facts.in_process else await self._in_the_list())]
        except JudgeforgeError as error:  # a budget that is used up, a disk that is full
            return [self._finding("answers", "fail", str(error), "Nothing more was asked.")]
        if not model.facts.in_process and not model.facts.decides:
            found += await self._in_the_list()
        return [*found, *await self._judged()]

    def _finding(self, what: str, status: Status, detail: str, advice: str = "") -> Finding:
        """``detail`` may quote a server."""
        said = one_line(redact(detail))
        return Finding(f"{self.name}: {what}", status, said, advice if status != "ok" else "")

    async def _sampled(self) -> list[Finding]:
        request = ChatRequest(
            (Message(role="user", content=_QUESTION),), _SAMPLE_TOKENS, _TEMPERATURE
        )
        begun = time.monotonic()
        first = await self.gateway.ask(self.name, request)
        seconds = time.monotonic() - begun
        second = await self.gateway.ask(self.name, request, sample=1)
        return [
            self._answers(first, seconds),
            self._temperature(first, second),
            self._usage(first),
            *await self._logprobs(request),
        ]

    def _answers(self, answer: Answer, seconds: float) -> Finding:
        asked, reply = self.prepared.config.models[self.name].model, answer.reply
        said = f"in {seconds:.2f} s: {excerpt(reply.text) or 'an empty text'} ({reply.finish})"
        other = not is_same_model(asked, reply.model or asked)
        detail = f"as `{reply.model}` {said}" if reply.model else said
        if other:
            advice = f"`{asked}` was asked for: does the server take any name, or fall back?"
            return self._finding("answers", "warn", detail, advice)
        advice = "A reasoning model may need more max_tokens; see `params` for less reasoning."
        return self._finding("answers", "ok" if reply.text.strip() else "warn", detail, advice)

    def _temperature(self, first: Answer, second: Answer) -> Finding:
        if not sends_temperature(self.prepared.config.models[self.name]):
            return self._finding("temperature", "ok", "is not sent to this model")
        if not (first.reply.text.strip() and second.reply.text.strip()):
            return self._finding("temperature", "ok", "cannot be told from an empty text")
        if first.reply.text != second.reply.text:
            return self._finding("temperature", "ok", "two answers to one prompt differ")
        return self._finding(
            "temperature",
            "warn",
            f"two answers at temperature {_TEMPERATURE:g} are equal: it seems to be ignored",
            "Completions that are equal give no pair. Switch sampling on in the server "
            "(`transformers serve`: `do_sample: true` in the model's generation_config.json).",
        )

    def _usage(self, answer: Answer) -> Finding:
        usage = answer.reply.usage
        if usage is None:
            advice = "Each call then counts at the most that it can cost."
            return self._finding("usage", "warn", "the server does not tell it", advice)
        tokens = f"{usage.input_tokens} input and {usage.output_tokens} output tokens"
        return self._finding("usage", "ok", tokens)

    async def _logprobs(self, request: ChatRequest) -> list[Finding]:
        """Only of interest where a judge is to be read by them."""
        judges = self.prepared.config.judging.judges
        if not any(judge.logprobs and judge.model == self.name for judge in judges):
            return []
        advice = "The judge is read by its text then; take `logprobs` out, or switch them on."
        try:
            answer = await self.gateway.ask(self.name, replace(request, top_logprobs=_LOGPROBS))
        except CallError as error:
            return [self._finding("logprobs", "warn", str(error), advice)]
        if answer.reply.tokens:
            return [self._finding("logprobs", "ok", "are given")]
        return [self._finding("logprobs", "warn", "are not given", advice)]

    async def _in_the_list(self) -> list[Finding]:
        return await asyncio.to_thread(self._listed)

    def _listed(self) -> list[Finding]:
        """What the server's list of models says of this one."""
        model = self.prepared.config.models[self.name]
        entries = _models_at(model, self.prepared.keys[self.name])
        own = next((entry for entry in entries if entry.get("id") == model.model), None)
        if entries and own is None:
            names = [str(entry.get("id")) for entry in entries]
            return [
                self._finding(
                    "list of models",
                    "warn",
                    f"the server lists {listed(names, _SHOWN_MODELS, mark='`')}, not "
                    f"`{model.model}`{did_you_mean(model.model, names)}",
                    "A server may take any name, and answer with the model that it has.",
                )
            ]
        stated = None if own is None else _context_of(own)
        if stated is None:
            return []
        said, advice = f"the server states {stated} tokens", f"Set `context_tokens: {stated}`."
        if model.context_tokens is None:
            return [self._finding("context", "warn", f"{said}, none is configured", advice)]
        fits = model.context_tokens <= stated
        detail = f"{said}, context_tokens is {model.context_tokens}"
        return [self._finding("context", "ok" if fits else "fail", detail, advice)]

    async def _judged(self) -> list[Finding]:
        """One round of the model's first judge about two tiny answers."""
        prepared = self.prepared
        judge = next((j for j in prepared.config.judging.judges if j.model == self.name), None)
        if judge is None or not prepared.rubric.judged:
            return []
        replies = FirstReplies(self.gateway, {self.name: prepared.config.models[self.name]})
        panel = TriedPanel([judge], prepared.rubric, replies)
        questions = panel.questions(judge.label, _COMPLETIONS)[:1]
        try:
            judgments = await panel.ask(_PROMPT, _COMPLETIONS, questions)
        except JudgeforgeError as error:
            return [self._finding("judgment", "fail", str(error))]
        return [self._judgment(judge.protocol, judgments, replies.other_form(self.name))]

    def _judgment(
        self, protocol: str, judgments: Sequence[Judgment], other_form: str | None
    ) -> Finding:
        forms = self.prepared.config.models[self.name].reply_forms
        structured = other_form or forms[0]
        missing = next((one.missing for one in judgments if one.missing is not None), None)
        if missing is None and other_form is not None:
            return self._finding(
                "judgment",
                "warn",
                f"could be read ({protocol}) with structured: {other_form} alone",
                f"A run finds that out again: set `structured: {other_form}`.",
            )
        if missing is None:
            detail = f"could be read ({protocol}, structured: {structured})"
            return self._finding("judgment", "ok", detail)
        return self._finding(
            "judgment",
            "fail",
            f"brought no score ({protocol}, structured: {listed(forms)}): {excerpt(missing, 300)}",
            "The server may ignore the JSON schema or the tool: try another `structured` "
            "(json_schema, tool, instruction), more max_tokens of the judge, or another model.",
        )


class _NoRedirect(HTTPRedirectHandler):
    """A key must not travel to another host."""

    def redirect_request(self, *_: object, **__: object) -> None:
        return None


def _models_at(model: ModelConfig, key: str | None) -> list[dict[str, Any]]:
    """As an OpenAI-compatible server lists them; empty where it does not."""
    address = open_provider(model, None).base_url.rstrip("/")
    if urlsplit(address).scheme not in {"http", "https"}:
        return []
    proxies = [ProxyHandler({})] if is_this_machine(address) else []
    opener = build_opener(_NoRedirect(), *proxies)
    headers = {"authorization": f"Bearer {key}"} if key else {}
    try:
        headers |= read_headers(model)
        request = Request(f"{address}/models{model.query_string}", headers=headers)  # noqa: S310 (http and https only)
        with opener.open(request, timeout=_LIST_TIMEOUT_S) as reply:
            found = json.loads(_read_within(reply, _LIST_TIMEOUT_S))
    except Exception:  # noqa: BLE001 (a server need not have such a list)
        return []
    entries = found.get("data") if isinstance(found, dict) else None
    return [one for one in entries if isinstance(one, dict)] if isinstance(entries, list) else []


def _read_within(reply: HTTPResponse, seconds: float) -> bytes:
    """All of it; what is longer or comes more slowly is cut, and then no list."""
    until, read = time.monotonic() + seconds, bytearray()
    while len(read) < _LONGEST_LIST and time.monotonic() < until:
        piece = reply.read1(_LONGEST_LIST)
        if not piece:
            break
        read += piece
    return bytes(read)


def _context_of(entry: dict[str, Any]) -> int | None:
    """vLLM and SGLang call it max_model_len, llama.cpp meta.n_ctx, gateways context_length."""
    meta = entry.get("meta")
    stated = [
        entry.get("max_model_len"),
        meta.get("n_ctx") if isinstance(meta, dict) else None,
        entry.get("context_length"),
        entry.get("context_window"),
    ]
    return next((one for one in stated if type(one) is int and one > 0), None)
