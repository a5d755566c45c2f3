"""The first replies of each judge: can they be read at all, and in which form are they to be asked?

Until a reply of a judge (a model with a protocol) could be read, few of its questions go out at
once. A model that is left to find out (`structured: auto`) is asked in the next form where nothing
that it was asked in the usual one could be read, or all of it was refused; the first form that
brings a judgment is kept. A judge of which nothing could be read in many replies, about more than
one prompt, stops the run; so does one that brought only refusals about many prompts, where no other
judge brought more. One that could be read before is never stopped: its bad replies are gaps in the
evidence, and what they have in common lies with what was judged.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from judgeforge.calls.acceptance import is_of_settings
from judgeforge.calls.call import Answer, Asks
from judgeforge.calls.providers.base import ChatRequest, ModelRequest
from judgeforge.config.judges import JudgeConfig
from judgeforge.config.model import ModelConfig, ReplyForm
from judgeforge.errors import StatusError, UnreadableJudgeError
from judgeforge.judging.unread_judge import SEEN, Outcome, Put, UnreadJudge, outcome_of, quoted
from judgeforge.records import Judgment
from judgeforge.store.judge_replies import JudgeReplies

AT_ONCE = 8
"""Questions about one prompt to a judge that was never read."""
MOST_TRIALS = 3
"""Of other forms: each costs a question or two."""
ENOUGH_TRIED = 64
"""Questions after which a judge that told nothing (its answers are filtered, say) is asked as many
at once as any other."""
_Kind = tuple[str, str]


@dataclass(slots=True)
class _Model:
    usual: ReplyForm
    form: ReplyForm
    others: tuple[ReplyForm, ...]
    """That may be tried; empty once one is known to be kept to."""
    asking: Counter[str] = field(default_factory=Counter)
    """Questions under way, by prompt."""
    waiting: Counter[str] = field(default_factory=Counter)
    """Those without a judgment that wait for what the others of their round bring."""
    is_trying: bool = False
    trials: int = 0

    @property
    def may_try(self) -> bool:
        return bool(self.others) and self.trials < MOST_TRIALS


class FirstReplies:
    """Implements ``Asks`` around ``asks``, for judges. ``known``: of earlier starts; ``keep`` is
    given what is new of that before anything rests on it. ``say`` is told what a person should
    know while the run goes on. ``on_change`` is called whenever ``is_settled`` may have changed.
    ``at_once``: those that are asked about every prompt.
    """

    def __init__(
        self,
        asks: Asks,
        models: Mapping[str, ModelConfig],
        *,
        at_once: Iterable[JudgeConfig] = (),
        known: JudgeReplies | None = None,
        keep: Callable[[JudgeReplies], None] = lambda _: None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._asks, self._configs, self._keep, self._say = asks, models, keep, say
        self.known = known or JudgeReplies()
        self._at_once = {_kind(judge) for judge in at_once}
        self._has_read = False
        """Whether a judgment was read since the start: then all of ``at_once`` have been asked."""
        self._models = {name: self._model(name) for name in models}
        self._judges: defaultdict[_Kind, UnreadJudge] = defaultdict(UnreadJudge)
        self._news = asyncio.Event()
        self.on_change: Callable[[], None] = lambda: None

    @property
    def is_settled(self) -> bool:
        """Some judge could be read, and none that is or will be asked about all is in doubt."""
        readable = self.known.readable
        if not readable or not (self._has_read or self._at_once <= readable):
            return False
        return not any(self._judges[kind].is_in_doubt for kind in self._judges.keys() - readable)

    def learn(self, replies: JudgeReplies) -> None:
        """What another process of the run has found out."""
        forms = {**replies.forms, **self.known.forms}
        self.known = JudgeReplies(forms=forms, readable=self.known.readable | replies.readable)
        for name, model in self._models.items():
            if model.others:
                found = self._model(name)
                model.form, model.others = found.form, found.others
        self._keep(self.known)
        self._tell()

    def has_doubts_of(self, model: str) -> bool:
        """Whether a judge that asks this model is in doubt."""
        asked = ((kind, judge) for kind, judge in self._judges.items() if kind[0] == model)
        return any(judge.is_in_doubt for kind, judge in asked if self._is_new(kind))

    def other_form(self, model: str) -> ReplyForm | None:
        """The form in which it is asked, where that is not the usual one."""
        asked = self._models[model]
        return None if asked.form == asked.usual else asked.form

    async def ask(self, model: str, request: ModelRequest, *, sample: int = 0) -> Answer:
        seen, form = SEEN.get(), self.other_form(model)
        if form is not None and isinstance(request, ChatRequest):
            request = replace(request, form=form)
        try:
            answer = await self._asks.ask(model, request, sample=sample)
        except StatusError as error:
            if seen is not None and is_of_settings(error):
                seen.refusal = error
            raise
        if seen is not None and _is_a_judgment(request):
            seen.replies += 1
            seen.written = answer.reply.text or answer.reply.reasoning or ""
        return answer

    async def judgment(self, judge: JudgeConfig, prompt_id: str, put: Put) -> Judgment:
        """What ``put`` brings, asked in a form that the model keeps to as far as there is one.

        Raises as ``Judge.ask``, and UnreadableJudgeError.
        """
        kind, model = _kind(judge), self._models[judge.model]
        if self._is_new(kind):
            await self._until(lambda: self._may_ask(kind, prompt_id))
        if not self._is_new(kind):
            return self._noted(await put())
        form = model.form
        outcome = await self._ask_first(judge, prompt_id, put)
        if outcome.is_read:
            return outcome.result()
        if outcome.may_be_of_the_form and model.may_try:
            found = await self._in_another_form(judge, prompt_id, put)
            if found is not None:
                return found
            if model.form != form:
                return await put()
        is_withheld = self._judges[kind].is_withheld and not self.known.readable
        if is_withheld or (self._is_new(kind) and outcome.is_unreadable):
            self._judge_whether_to_go_on(judge)
        return outcome.result()

    async def _ask_first(self, judge: JudgeConfig, prompt_id: str, put: Put) -> Outcome:
        """One of the first round: all questions of a prompt are counted before one is answered."""
        model, doubt = self._models[judge.model], self._judges[_kind(judge)]
        model.asking[prompt_id] += 1
        doubt.asking += 1
        try:
            await asyncio.sleep(0)
            return await self._learnt(judge, prompt_id, put)
        finally:
            model.asking[prompt_id] -= 1
            doubt.asking -= 1
            self._tell()

    async def _in_another_form(
        self, judge: JudgeConfig, prompt_id: str, put: Put
    ) -> Judgment | None:
        """None where there is none, or another question of the round settled it."""
        model, kind = self._models[judge.model], _kind(judge)
        trials = model.trials
        model.waiting[prompt_id] += 1
        try:
            await self._until(
                lambda: (
                    not model.is_trying
                    and (
                        model.asking.total() == 0
                        or model.trials != trials
                        or not self._is_new(kind)
                    )
                )
            )
            if model.trials != trials or not model.may_try or not self._is_new(kind):
                return None
            return await self._try_all(judge, prompt_id, put)
        finally:
            model.waiting[prompt_id] -= 1
            self._tell()

    async def _try_all(self, judge: JudgeConfig, prompt_id: str, put: Put) -> Judgment | None:
        model = self._models[judge.model]
        usual, model.is_trying = model.form, True
        model.trials += 1
        try:
            for form in model.others:
                model.form = form
                outcome = await self._learnt(judge, prompt_id, put)
                if outcome.is_read:
                    usual = form
                    return outcome.result()
            return None
        finally:
            model.form, model.is_trying = usual, False

    async def _learnt(self, judge: JudgeConfig, prompt_id: str, put: Put) -> Outcome:
        """The outcome of asking once, and what follows from it."""
        outcome = await outcome_of(put)
        kind = _kind(judge)
        self._has_read |= outcome.is_read
        if outcome.is_read and self._is_new(kind):
            self._keep_as_read(judge)
        elif not outcome.is_read:
            self._judges[kind].learn(outcome, prompt_id)
        return outcome

    def _keep_as_read(self, judge: JudgeConfig) -> None:
        model, known, name = self._models[judge.model], self.known, judge.model
        other, doubt = self.other_form(name), self._judges[_kind(judge)]
        forms = {**known.forms, name: model.form} if model.others else known.forms
        self.known = JudgeReplies(forms=forms, readable=known.readable | {_kind(judge)})
        self._keep(self.known)
        if model.others and other is not None:
            usual = model.usual
            met = f"it wrote {quoted(doubt.written)}" if doubt.unreadable else "that was refused"
            self._say(
                f"`{name}` brought no judgment with `structured: {usual}` ({met}), and did with "
                f"`structured: {other}`: it is asked so from here on, and in each start of this "
                f"folder. Set `structured: {other}` to have it so from the first call."
            )
        model.others = ()

    def _noted(self, judgment: Judgment) -> Judgment:
        if judgment.missing is None and not self._has_read:
            self._has_read = True
            self._tell()
        return judgment

    def _judge_whether_to_go_on(self, judge: JudgeConfig) -> None:
        """A word once a round has brought nothing. Raises UnreadableJudgeError after enough."""
        doubt = self._judges[_kind(judge)]
        what = doubt.in_words(judge, self._configs[judge.model])
        if doubt.is_hopeless or doubt.is_withheld:
            raise UnreadableJudgeError(
                f"{what} Then start the same command again: nothing that was paid is lost.",
                model=judge.model,
            )
        if not doubt.is_told and doubt.asking == 0:
            doubt.is_told = True
            self._say(f"{what} The run stops if that goes on.")

    def _model(self, name: str) -> _Model:
        forms = self._configs[name].reply_forms
        known = next((form for form in forms if form == self.known.forms.get(name)), None)
        return _Model(forms[0], known or forms[0], () if known else forms[1:])

    def _is_new(self, kind: _Kind) -> bool:
        return kind not in self.known.readable

    def _may_ask(self, kind: _Kind, prompt_id: str) -> bool:
        model = self._models[kind[0]]
        if not self._is_new(kind):
            return True
        few = model.asking[prompt_id] + model.waiting[prompt_id] < AT_ONCE
        few = few or self._judges[kind].tried >= ENOUGH_TRIED
        return few and not model.is_trying

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            await self._news.wait()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
        self.on_change()


def _is_a_judgment(request: ModelRequest) -> bool:
    """What a judge answers to a prompt itself is none."""
    return not isinstance(request, ChatRequest) or request.reply_schema is not None


def _kind(judge: JudgeConfig) -> _Kind:
    return judge.model, judge.protocol
