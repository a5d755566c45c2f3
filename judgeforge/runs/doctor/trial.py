"""`doctor --ask` and `check --ask`: a few tiny requests to each model show what its server does.

The requests go through the door like those of a run, within its budgets; their replies are not
kept. For each model: does it answer, and as which model; is the temperature heeded, usage told,
are log-probabilities given, is a schema kept to; which context does the server state; and can its
judgment be read.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from judgeforge.calls.call import Answer, Asks
from judgeforge.calls.providers.base import (
    ChatRequest,
    ModelRequest,
    ReplySchema,
    sends_temperature,
)
from judgeforge.config.model import ReplyForm
from judgeforge.config.run import RunConfig
from judgeforge.errors import CallError, ConfigError, JudgeforgeError
from judgeforge.judging.own_criteria.writing import CriteriaWriter, NotWrittenError
from judgeforge.judging.panel import Panel
from judgeforge.judging.replies.json_object import UnreadableReplyError, one_object
from judgeforge.judging.rubric import Criterion
from judgeforge.records import UNNAMED, Completion, Judgment, Prompt
from judgeforge.results.figures.completions import is_same_model
from judgeforge.runs.doctor.doctor import Finding, Status
from judgeforge.runs.doctor.reward_trial import try_rewards
from judgeforge.runs.doctor.server_models import listed_models, stated_context
from judgeforge.runs.doctor.trial_door import trial_door
from judgeforge.runs.preparation.preparation import Preparation, prepare
from judgeforge.text.messages import Message
from judgeforge.text.redaction import redact
from judgeforge.text.visible import excerpt, one_line
from judgeforge.text.wording import counted, did_you_mean, listed

_QUESTION = "Invent a short sentence about the sea."
_ANSWERS = ("Waves came and went all night.", "The sea is a place with water in it.")
_MESSAGES = (Message(role="user", content=_QUESTION),)
_PROMPT = Prompt(id="trial", line=1, digest="", messages=_MESSAGES)
_COMPLETIONS = [
    Completion(id=f"c{n}", prompt_id="trial", index=n, model=UNNAMED, text=text, finish="given")
    for n, text in enumerate(_ANSWERS)
]
_SCHEMA = ReplySchema(
    "trial",
    {
        "type": "object",
        "properties": {"mood": {"enum": ["calm", "stormy"]}, "is_salty": {"type": "boolean"}},
        "required": ["mood", "is_salty"],
        "additionalProperties": False,
    },
)
_SCHEMA_TOKENS = 100
_CRITERION = Criterion(name="of_the_sea", yes_no="Is it about the sea?")
_SAMPLE_TOKENS, _TEMPERATURE, _LOGPROBS = 32, 1.0, 2
_OTHER_WAY = (
    "The server may ignore the JSON schema or the tool: try another `structured` (json_schema, "
    "tool, instruction), `system_role: user` where it refuses a system message, or another model."
)
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
    """Each server of a model that several have is asked by itself: one may be set up otherwise."""
    models = {name: prepared.config.models[name].replicas for name in prepared.keys}
    found: list[list[Finding]] = []
    for number in range(max(map(len, models.values()), default=1)):
        alone = _at_one_server(prepared, number)
        async with trial_door(alone, place) as (gateway, budget):
            trials = [
                _Trial(alone, name, gateway, len(servers) > 1)
                for name, servers in models.items()
                if number < len(servers)
            ]
            found += await asyncio.gather(*(trial.findings() for trial in trials))
            spending = budget.spending()
    cost = "unknown" if spending.cost_usd is None else f"${spending.cost_usd:.6f}"
    asked = Finding("asking", "ok", f"{counted(spending.calls, 'call')} sent, cost {cost}")
    return [*(finding for findings in found for finding in findings), asked]


def _at_one_server(prepared: Preparation, number: int) -> Preparation:
    """As if each model had only this one of its servers; the last, where it has fewer."""
    config = prepared.config
    models = {
        name: model.replicas[min(number, len(model.replicas) - 1)]
        for name, model in config.models.items()
    }
    return replace(prepared, config=config.model_copy(update={"models": models}))


@dataclass(frozen=True, slots=True)
class _Trial:
    """Of one model, at one of its servers."""

    prepared: Preparation
    name: str
    gateway: Asks
    has_replicas: bool = False

    async def findings(self) -> list[Finding]:
        model = self.prepared.config.models[self.name]
        found: list[Finding] = []
        form: ReplyForm | None = None
        try:
            if model.facts.writes:
                found = await self._sampled()
                form, of_schema = await self._schema()
                found += of_schema
            elif self._gives_rewards:
                found = await try_rewards(self.name, self.gateway, self._finding)
        except CallError as error:
            advice = "Check `model`, `base_url` and the key."
            failed = self._finding("answers", "fail", str(error), advice)
            # A wrong name is easily seen in the list.
            return [failed, *([] if model.facts.in_process else await self._in_the_list())]
        except JudgeforgeError as error:  # a budget that is used up, a disk that is full
            return [self._finding("answers", "fail", str(error), "Nothing more was asked.")]
        if not model.facts.in_process and model.facts.writes:
            found += await self._in_the_list()
        return [*found, *await self._judged(form), *await self._written()]

    @property
    def _gives_rewards(self) -> bool:
        """Whether that is what it is asked for: some models give one of two things."""
        judges = self.prepared.config.judging.judges
        return any(judge.model == self.name and judge.facts.rewards for judge in judges)

    def _finding(self, what: str, status: Status, detail: str, advice: str = "") -> Finding:
        """``detail`` may quote a server."""
        said = one_line(redact(detail))
        address = next(iter(self.prepared.config.models[self.name].addresses), "")
        where = f" at {address}" if self.has_replicas else ""
        name = f"{self.name}{where}: {what}"
        return Finding(name, status, said, advice if status != "ok" else "")

    async def _sampled(self) -> list[Finding]:
        request = ChatRequest(_MESSAGES, _SAMPLE_TOKENS, _TEMPERATURE)
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

    async def _schema(self) -> tuple[ReplyForm | None, list[Finding]]:
        """The form of a judge's replies that the model keeps to. A judgment may be readable by
        luck, and no model answers this question so without having been told to."""
        if not any(judge.model == self.name for judge in self.prepared.config.judging.judges):
            return None, []
        seen: list[str] = []
        for form in self.prepared.config.models[self.name].reply_forms:
            said = await self._said_in(form)
            if said is None:
                detail = "; ".join([f"`structured: {form}` is kept to", *seen])
                return form, [self._finding("schema", "ok", detail)]
            seen.append(f"`structured: {form}` is not kept to: {said}")
        return None, [self._finding("schema", "warn", "; ".join(seen), _OTHER_WAY)]

    async def _said_in(self, form: ReplyForm) -> str | None:
        """What was answered instead of the object that was asked for; None where that came."""
        request = ChatRequest(_MESSAGES, _SCHEMA_TOKENS, _TEMPERATURE, reply_schema=_SCHEMA)
        try:
            answer = await self.gateway.ask(self.name, replace(request, form=form))
        except CallError as error:
            return str(error)
        if _keeps_to_schema(answer.reply.text):
            return None
        return excerpt(answer.reply.text) or "an empty text"

    async def _in_the_list(self) -> list[Finding]:
        return await asyncio.to_thread(self._listed)

    def _listed(self) -> list[Finding]:
        """What the server's list of models says of this one."""
        model = self.prepared.config.models[self.name]
        entries = listed_models(model, self.prepared.keys[self.name])
        names = [str(entry.get("id")) for entry in entries]
        same = (n for n, name in enumerate(names) if is_same_model(model.model, name))
        place = names.index(model.model) if model.model in names else next(same, None)
        own = None if place is None else entries[place]
        if entries and own is None:
            return [
                self._finding(
                    "list of models",
                    "warn",
                    f"the server lists {listed(names, _SHOWN_MODELS, mark='`')}, not "
                    f"`{model.model}`{did_you_mean(model.model, names)}",
                    "A server may take any name, and answer with the model that it has.",
                )
            ]
        stated = None if own is None else stated_context(own)
        if stated is None:
            return []
        said, advice = f"the server states {stated} tokens", f"Set `context_tokens: {stated}`."
        if model.context_tokens is None:
            return [self._finding("context", "warn", f"{said}, none is configured", advice)]
        fits = model.context_tokens <= stated
        detail = f"{said}, context_tokens is {model.context_tokens}"
        return [self._finding("context", "ok" if fits else "fail", detail, advice)]

    async def _judged(self, form: ReplyForm | None) -> list[Finding]:
        """One round of the model's first judge about two tiny answers, in this form if it is
        known."""
        prepared = self.prepared
        judge = next((j for j in prepared.config.judging.judges if j.model == self.name), None)
        rubric, own = prepared.rubric, prepared.own_rubrics
        if own is not None and not rubric.judged:
            rubric = own.with_own([_CRITERION])
        if judge is None or not rubric.judged:
            return []
        asks = self.gateway if form is None else _InForm(self.gateway, form)
        panel = Panel([judge], rubric, asks).in_words(prepared.own_prompts)
        questions = panel.questions(judge.label, _COMPLETIONS)[:1]
        try:
            judgments = await panel.ask(_PROMPT, _COMPLETIONS, questions)
        except JudgeforgeError as error:
            return [self._finding("judgment", "fail", str(error))]
        return [self._judgment(judge.protocol, form, judgments)]

    async def _written(self) -> list[Finding]:
        """Whether criteria of a prompt's own can be read, of the model that is to write them."""
        write, own = self.prepared.config.rubric_parts.write, self.prepared.own_rubrics
        if write is None or own is None or write.model != self.name:
            return []
        model = self.prepared.config.models[self.name]
        try:
            writer = CriteriaWriter(write, model, own, self.gateway)
            kept = await writer.write(_PROMPT, _COMPLETIONS)
        except NotWrittenError as error:
            advice = "Raise `rubric.write.max_tokens`, or let another model write them."
            return [self._finding("criteria", "warn", str(error), advice)]
        except JudgeforgeError as error:
            return [self._finding("criteria", "fail", str(error))]
        names = listed(str(one["name"]) for one in kept.criteria)
        return [self._finding("criteria", "ok", f"{len(kept.criteria)} could be read: {names}")]

    def _judgment(
        self, protocol: str, form: ReplyForm | None, judgments: Sequence[Judgment]
    ) -> Finding:
        model = self.prepared.config.models[self.name]
        structured = form or model.structured
        how = f"{protocol}, structured: {structured}" if model.facts.writes else protocol
        missing = next((one.missing for one in judgments if one.missing is not None), None)
        if missing is None:
            return self._finding("judgment", "ok", f"could be read ({how})")
        return self._finding(
            "judgment",
            "fail",
            f"brought no score ({how}): {excerpt(missing, 300)}",
            f"{_OTHER_WAY} It may also need more max_tokens of the judge."
            if model.facts.writes
            else "Another model, or another server, may give what this judge needs.",
        )


@dataclass(frozen=True, slots=True)
class _InForm:
    """Implements ``Asks``."""

    asks: Asks
    form: ReplyForm

    async def ask(self, model: str, request: ModelRequest, *, sample: int = 0) -> Answer:
        if isinstance(request, ChatRequest):
            request = replace(request, form=self.form)
        return await self.asks.ask(model, request, sample=sample)


def _keeps_to_schema(text: str) -> bool:
    try:
        reply = one_object(text)
    except UnreadableReplyError:
        return False
    return reply.keys() == {"mood", "is_salty"} and (
        reply["mood"] in ("calm", "stormy") and isinstance(reply["is_salty"], bool)
    )
