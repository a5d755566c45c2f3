"""What the calls of a prompt will cost in three cases, worked out without making one."""

from __future__ import annotations

from collections.abc import Sequence

from judgeforge.calls.call import NoCalls
from judgeforge.calls.money.prices import MOST_TOKENS_PER_DECISION
from judgeforge.calls.providers.thoughts import answer_and_thought
from judgeforge.config.judges import JudgeConfig
from judgeforge.judging.layout import CODE_OF_A_REQUEST
from judgeforge.judging.panel import Panel
from judgeforge.ranking.pairing.delta import is_audited, of_both_sides
from judgeforge.ranking.rules import first_tier
from judgeforge.records import Completion, Prompt, ReadyCompletion
from judgeforge.runs.admission import Estimate
from judgeforge.runs.cost_estimates.frames import CALL_TOKENS, Frames
from judgeforge.runs.cost_estimates.further_cost import FurtherCost, blank_completions
from judgeforge.runs.cost_estimates.loads import (
    ALWAYS,
    EXPECTED,
    HIGH,
    Beginning,
    Caching,
    ModelLoad,
    Tokens,
)
from judgeforge.runs.cost_estimates.own_cost import OwnCriteriaCost, own_answer_tokens
from judgeforge.runs.cost_estimates.sampling_cost import SamplingCost
from judgeforge.runs.preparation.extra_judgments import (
    Measure,
    asks_from_records,
    bought,
    first_prompts,
    is_measured,
    tier_behind_rewards,
)
from judgeforge.runs.preparation.preparation import Preparation
from judgeforge.runs.validation.verifiers import is_verifiable
from judgeforge.store.spending import to_usd
from judgeforge.text.messages import PICTURE_TOKENS, Message, about_message_tokens
from judgeforge.text.tool_calls import said_text
from judgeforge.text.wording import about_tokens

_JUDGE_REPLY_TOKENS = (40, 120)
"""Low and expected: a rationale of a few sentences and the scores. High is the output limit."""
_WHERE_VERIFIED = (0.0, 0.05, 1.0)
"""Share of the judges' calls that is made about a prompt which verifiers may settle: they leave a
few answers undecided."""
ASSUMED_ESCALATION = 0.15
"""Share of what a cascade may ask beyond its first tier that is expected to be asked, before a run
has shown it: on recorded judges half a call a completion, of three that could be made."""


class Estimator:
    """Counts the calls of prompts as a run would make them, without retries and repairs."""

    def __init__(
        self,
        prepared: Preparation,
        *,
        escalation: float = ASSUMED_ESCALATION,
        first_directly: bool = False,
        asked: float | None = None,
        learns_scale: bool = False,
    ) -> None:
        """``escalation``: the share of what a cascade may ask beyond its first tier, 0 to 1.
        ``first_directly``: whether the first prompt is asked without batches. ``asked``: the share
        of all that is asked where the writers have records; None where no run has shown it, and the
        first tier is taken to be asked everything. ``learns_scale``: whether ``escalation`` leaves
        out the prompts from which the scale of rewards is learnt."""
        self._config, self._prepared = prepared.config, prepared
        self._beyond = (0.0, escalation, 1.0)
        self._first_tier = first_tier(self._config.judging.judges)
        self._own_family = prepared.own_family
        self._panel = prepared.panel(Panel, NoCalls())
        self._own = OwnCriteriaCost(prepared, self._input_tokens)
        self._sampling = SamplingCost(self._config, self._input_tokens, self._answer_tokens)
        self._further = FurtherCost(
            self._config,
            escalation=escalation,
            request_tokens=self._sampling.request_tokens,
            shown=self._completions_shown,
            add_questions=self._judge,
        )
        self._frames = Frames(prepared, self._own.rubric_of, self._input_tokens)
        self._caching: dict[tuple[str, bool], Caching | None] = {}
        """By the name of a model, and whether it is asked in batches."""
        self._shown: dict[tuple[str, int], list[int]] = {}
        self._measure = bought(self._config.judging)
        judging, checked = self._config.judging, bool(prepared.rubric.checked)
        self._from_records = asks_from_records(judging, checked=checked)
        self._behind_rewards = tier_behind_rewards(judging) if learns_scale else None
        self._of_records = asked
        self.audited = 0
        """Prompts so far whose pair by design is judged."""
        self._first: dict[str, int] = {}
        """The prompts that judges are learnt from, by id, with their places."""
        self._next_directly = first_directly
        self.directly = 0
        """Prompts with pictures so far, which go without batches where a model is asked in them."""

    def loads(self) -> dict[str, ModelLoad]:
        """An empty load for each model of the run."""
        return {name: self._load(name) for name in self._prepared.keys}

    def _load(self, name: str, *, directly: bool = False) -> ModelLoad:
        prepared = self._prepared
        direct = prepared.direct_prices.get(name, prepared.prices[name])
        in_batch = name in prepared.batch_prices and not directly
        key = name, in_batch
        if key not in self._caching:
            model = self._config.models[name]
            self._caching[key] = Caching.of(model, direct, in_batch=in_batch)
        return ModelLoad(direct if directly else prepared.prices[name], self._caching[key])

    def of_prompt(self, prompt: Prompt) -> Estimate:
        """A model of unknown price counts as free: there only calls can be limited."""
        loads = self.loads()
        self.add(prompt, loads)
        return Estimate(
            calls=sum(load.calls for load in loads.values()),
            expected=sum(load.pico[EXPECTED] for load in loads.values()),
            most=sum(load.pico[HIGH] for load in loads.values()),
        )

    def expected_calls(self, prompt: Prompt) -> float:
        loads = self.loads()
        self.add(prompt, loads)
        return sum(load.expected_calls for load in loads.values())

    def question_usd(
        self, prompt: Prompt, judge: JudgeConfig, completions: Sequence[Completion]
    ) -> float | None:
        """Expected price of one question about a completion of usual length; None if unknown."""
        load = self._load(judge.model)
        if load.price is None:
            return None
        sizes = [self._answer_tokens(one) for one in completions]
        length = sum(sizes) // max(1, len(sizes))
        shown = {"one": 1, "two": 2, "all": len(completions)}[judge.shows]
        self._judge(prompt, judge, [shown], (length,) * 3, load)
        return to_usd(load.pico[EXPECTED])

    def fresh_prompt_usd(self, prompt: Prompt, completions: Sequence[Completion]) -> float | None:
        """Expected price of another prompt like this one: its completions, which are as long as
        these, and the first tier. None where a price is unknown."""
        loads = self.loads()
        self._sampling.add(prompt, loads)
        known = {name: load.pico[EXPECTED] for name, load in loads.items()}
        usd = to_usd(sum(known.values()))
        for judge in self._config.judging.judges:
            if judge.tier != self._first_tier:
                continue
            price = self.question_usd(prompt, judge, completions)
            if price is None:
                return None
            usd += price * judge.questions(len(completions))
        return usd

    def another_usd(
        self, prompt: Prompt, completions: Sequence[Completion], number: int = 0
    ) -> float | None:
        """Expected price of one completion more, as long as these, and of the first tier's
        judgments of it; None where none may be sampled or a price is unknown. ``number``: which of
        those that may be sampled in doubt, from 0."""
        loads = self.loads()
        sizes = [self._answer_tokens(one) for one in completions]
        length = sum(sizes) // max(1, len(sizes))
        if not self._further.add_next(prompt, number, completions, (length,) * 3, loads):
            return None
        used = [load for load in loads.values() if load.calls]
        if any(load.price is None for load in used):
            return None
        return to_usd(sum(load.pico[EXPECTED] for load in used))

    def _answer_tokens(self, answer: Completion | ReadyCompletion) -> int:
        """Of what judges see of it."""
        text, thought = answer_and_thought(answer.text, answer.reasoning)
        shown = thought if thought and self._config.judging.show_reasoning else ""
        return about_tokens(said_text(text, answer.tool_calls), shown) + CALL_TOKENS

    @property
    def measured(self) -> int:
        """How many of the prompts so far are asked more, to measure the judges."""
        rules = self._config.pairing
        return sum(
            is_measured(place, name) and (not rules.by_design or is_audited(rules, name))
            for name, place in self._first.items()
        )

    def _measured_by(self, prompt: Prompt) -> Measure | None:
        learns = self._measure is not None or self._from_records or self._behind_rewards is not None
        if learns and len(self._first) < first_prompts(self._config):
            self._first.setdefault(prompt.id, len(self._first))
        place = self._first.get(prompt.id)
        return self._measure if place is not None and is_measured(place, prompt.id) else None

    def add(self, prompt: Prompt, loads: dict[str, ModelLoad]) -> None:
        if not self._prepared.batch_prices:
            self._add(prompt, loads)
            return
        has_pictures = any(message.pictures for message in prompt.messages)
        goes_directly, self._next_directly = has_pictures or self._next_directly, False
        self.directly += has_pictures
        if not goes_directly:
            self._add(prompt, loads)
            return
        apart = {name: self._load(name, directly=True) for name in loads}
        self._add(prompt, apart)
        for name, load in apart.items():
            loads[name].take(load)

    def _add(self, prompt: Prompt, loads: dict[str, ModelLoad]) -> None:
        lengths, models = self._sampling.add(prompt, loads)
        completions, measure = blank_completions(models), self._measured_by(prompt)
        if self._config.pairing.by_design:
            if not is_audited(self._config.pairing, prompt.id):
                return
            self.audited += 1
            completions = of_both_sides(completions, self._config.pairing)
        made = _WHERE_VERIFIED if is_verifiable(self._own.rubric_of(prompt), prompt) else ALWAYS
        self._own.add_writing(prompt, lengths, loads)
        for judge in self._config.judging.judges:
            shown = self._completions_shown(prompt, judge, completions)
            load = loads[judge.model]
            certain = self._asked_for_certain(judge, len(shown))
            if judge.tier == self._behind_rewards and prompt.id in self._first:
                certain = len(shown) // judge.repeats
            if measure == "everybody":
                certain = len(shown) // judge.repeats
                shown = shown[:certain]
            elif measure == "repeats":
                shown = shown * (1 + self._config.judging.fit_repeats)
                certain = len(shown)
            first = made
            beyond = tuple(share * most for share, most in zip(self._beyond, made, strict=True))
            if self._from_records and prompt.id not in self._first:
                first = (0.0, 1.0 if self._of_records is None else self._of_records, 1.0)
                beyond = beyond if self._of_records is None else first
            self._judge(prompt, judge, shown[:certain], lengths, load, made=first)
            self._judge(prompt, judge, shown[certain:], lengths, load, made=beyond)
            if shown and judge.commit_first:
                inputs, outputs = (
                    self._input_tokens(judge.model, prompt.messages),
                    own_answer_tokens(judge),
                )
                asked = first if certain else beyond
                load.add(1, inputs, outputs, begins=Beginning(0), made=asked)
        alone = self._panel.by(self._own.rubric_of(prompt)).judges_each_alone(prompt)
        if alone and measure is None:
            self._further.add(prompt, completions, lengths, loads)

    def _asked_for_certain(self, judge: JudgeConfig, questions: int) -> int:
        """A cascade asks the first tier once, and everything else only where doubt is left."""
        if self._config.judging.cascade is None:
            return questions
        return questions // judge.repeats if judge.tier == self._first_tier else 0

    def _input_tokens(self, model: str, messages: Sequence[Message], *beside: str) -> Tokens:
        """Low, expected and high of one request. A picture may be billed as next to nothing, or as
        the most that the model is configured with."""
        pictures = sum(len(message.pictures) for message in messages)
        usual = about_message_tokens(messages, *beside) + CALL_TOKENS
        words = usual - pictures * PICTURE_TOKENS
        most = words + pictures * self._config.models[model].picture_tokens
        return words, min(usual, most), most

    def _completions_shown(
        self, prompt: Prompt, judge: JudgeConfig, completions: Sequence[Completion]
    ) -> list[int]:
        """Of each question that the judge is asked: how many completions it is about.

        That depends only on how many it judges; whose they are decides which.
        """
        judged = self._own_family.judged_by(judge, completions)
        rubric = self._own.rubric_of(prompt)
        if not rubric.judged:
            return []
        key = judge.label, len(judged)
        if key not in self._shown:
            self._shown[key] = [
                len(question.completion_ids)
                for repeat in range(judge.repeats)
                for question in self._panel.by(rubric).questions(judge.label, judged, repeat)
            ]
        return self._shown[key]

    def _judge(
        self,
        prompt: Prompt,
        judge: JudgeConfig,
        shown: list[int],
        lengths: Tokens,
        load: ModelLoad,
        *,
        made: tuple[float, ...] = ALWAYS,
    ) -> None:
        if not shown:
            return
        outputs, answered = self._reply_tokens(prompt, judge), own_answer_tokens(judge)
        in_turn = self._prepared.layout != CODE_OF_A_REQUEST and not judge.facts.decides
        for frame, begins in self._frames.of(prompt, judge):
            for completions in sorted(set(shown)):
                inputs = tuple(
                    tokens + own + completions * length
                    for tokens, own, length in zip(frame, answered, lengths, strict=True)
                )
                load.add(
                    shown.count(completions),
                    inputs,
                    outputs,
                    begins=begins,
                    made=made,
                    in_turn=in_turn,
                )

    def _reply_tokens(self, prompt: Prompt, judge: JudgeConfig) -> tuple[int, ...]:
        """Low, expected and high of one reply."""
        if judge.facts.rewards:
            return (0, 0, 0)
        if judge.facts.decides:
            asked = 1 if judge.pairs else len(self._own.rubric_of(prompt).judged)
            return (0, 0, asked * MOST_TOKENS_PER_DECISION)
        usual = (min(tokens, judge.max_tokens) for tokens in _JUDGE_REPLY_TOKENS)
        return (*usual, judge.max_tokens)
