"""`judgeforge.reward`: a panel of judges as the reward function of a trainer."""

from __future__ import annotations

import asyncio
import os
import threading
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from judgeforge.config.run import RunConfig
from judgeforge.errors import BudgetExhaustedError
from judgeforge.records import Prompt
from judgeforge.runs.result import RunResult
from judgeforge.runs.reward.rows import Group, groups_of
from judgeforge.runs.reward.scoring import Score
from judgeforge.runs.reward.session import RewardSession, Scored
from judgeforge.runs.reward.settings import read_settings
from judgeforge.runs.reward.unclosed import Unclosed, wait_until_free
from judgeforge.text.wording import counted

Rewards = list[float | None]
"""One a completion, 0 to 1; None where a trainer is to leave it out."""


def reward(
    config: RunConfig | Path | str,
    out: Path | str | None = None,
    *,
    name: str = "judgeforge",
    on_budget: str = "error",
    learn_from: int | None = None,
    fit: Path | str | None = None,
) -> RewardFunction:
    """A reward function for TRL's trainers (`reward_funcs`): judges score what a policy writes.

    >>> from trl import GRPOTrainer
    >>> with judgeforge.reward("config.yaml", out="runs/grpo-reward", on_budget="none") as reward:
    ...     trainer = GRPOTrainer(model, reward_funcs=reward, train_dataset=prompts)
    ...     trainer.train()

    A reward is the score of a completion as in ``completions.jsonl``: 0 to 1, the posterior mean of
    its quality on the rubric's scale, comparable across prompts. Completions of one prompt are
    judged together by the judges, rubric, limits, cache and budget of ``config`` (a path or a
    RunConfig; its `prompts` and `sampling` are not used). Columns of the data set that
    `prompts.fields` names (`reference`, `tools`, `criteria`, `metadata`) go with them.

    ``out``: a run folder, where each reward can be looked up (``rewards.jsonl`` at once, the usual
    result files when it is closed); the same folder goes on where a training was killed, and pays
    for nothing twice. Left out, it is ``runs/`` and the configuration's name, with ``-reward``.
    ``name``: what trainers log it under. ``on_budget``: whether a used up budget raises
    BudgetExhaustedError ("error") or gives None for what it does not cover ("none"). ``fit``: a run
    folder that has learnt the same judges; without it and without ``judging.calibration`` they are
    learnt from the first ``learn_from`` prompts (``judging.fit_prompts``), and frozen then.

    None stands for a completion that no judge could read, and for a prompt that is not valid;
    ``rewards.jsonl`` says why. An empty answer gets 0, and so does one that is written for its
    judge, unless `pairing.reject_suspicious` is false.

    Raises ConfigError, TypeError and ValueError here; the function raises BudgetExhaustedError, and
    CallError and StoreError where a run would stop. It works in threads, in notebooks and when it
    is pickled for another process, which needs a folder of its own.
    """
    return RewardFunction(
        config, out, name=name, on_budget=on_budget, learn_from=learn_from, fit=fit
    )


def areward(
    config: RunConfig | Path | str,
    out: Path | str | None = None,
    *,
    name: str = "judgeforge",
    on_budget: str = "error",
    learn_from: int | None = None,
    fit: Path | str | None = None,
) -> AsyncRewardFunction:
    """``reward`` as an asynchronous function: a trainer asks it and its others at the same time.

    >>> async with judgeforge.areward("config.yaml", out="runs/grpo-reward") as reward:
    ...     rewards = await reward(["a prompt"], ["a completion"])

    The arguments, rewards and errors are those of ``reward``.
    """
    return AsyncRewardFunction(
        config, out, name=name, on_budget=on_budget, learn_from=learn_from, fit=fit
    )


_OF_THE_PARENT: list[RewardSession | None] = []
"""Sessions of the process that this one was forked from: to let go of one would end it halfway."""


class _Panel:
    """What both have: a session that is opened by the first call, one in each process."""

    def __init__(
        self,
        config: RunConfig | Path | str,
        out: Path | str | None,
        **options: Any,  # noqa: ANN401 (of ``reward``)
    ) -> None:
        self._arguments = (config, None if out is None else str(out), options)
        self._settings = read_settings(config, out, **options)
        self._settings.prepared()  # mistakes are told before a training begins
        self.__name__ = self._settings.name
        self._fresh()

    def _fresh(self) -> None:
        self._pid, self._opening = os.getpid(), threading.Lock()
        self._session: RewardSession | None = None
        self._result: RunResult | None = None
        self._warned = False
        self._unclosed: Unclosed | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {"arguments": self._arguments}

    def __setstate__(self, state: dict[str, Any]) -> None:
        config, out, options = state["arguments"]
        self.__init__(config, out, **options)  # type: ignore[misc]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(folder={str(self.folder)!r}, name={self.__name__!r})"

    @property
    def folder(self) -> Path:
        """Where everything about its rewards is."""
        return self._settings.folder

    @property
    def cost_usd(self) -> float | None:
        """What the folder has cost so far; None where a price is unknown."""
        return self._open().cost_usd

    def close(self) -> RunResult | None:
        """Write the result files and give the folder back; the next call opens it again.

        None where nothing was judged. It is also called when the process ends, and what a function
        that is dropped has open is closed after it.
        """
        with self._opening:
            session, self._session = self._session, None
            if self._unclosed is not None:
                self._unclosed.is_over()
                self._unclosed = None
            if session is None or self._pid != os.getpid():
                return self._result
            self._result = session.close()
            return self._result

    def _open(self) -> RewardSession:
        if self._pid != os.getpid():
            # Forked: the thread of the session stayed behind, and its files are the parent's.
            _OF_THE_PARENT.append(self._session)
            self._fresh()
        with self._opening:
            if self._session is None:
                wait_until_free(self.folder)
                self._session = RewardSession(self._settings)
                self._unclosed = Unclosed(self, self._session, self.folder)
            return self._session

    def _groups(
        self,
        session: RewardSession,
        prompts: Sequence[Any],
        completions: Sequence[Any],
        columns: Mapping[str, Any],
    ) -> list[Group]:
        prepared = session.prepared
        return groups_of(
            prompts, completions, columns, prepared.config.prompts, prepared.row_checks
        )

    def _scores(self, groups: Sequence[Group], found: Sequence[Scored], number: int) -> list[Score]:
        """One a completion, in the order of the batch. Raises BudgetExhaustedError."""
        scores = [Score(None, None, why="")] * number
        scored = iter(found)
        for group in groups:
            if group.prompt is None:
                one: Scored = [Score(None, None, why=group.problem)] * len(group.places)
            else:
                one = next(scored)
            if isinstance(one, BudgetExhaustedError):
                one = self._unpaid(one, len(group.places))
            for place, score in zip(group.places, one, strict=True):
                scores[place] = score
        return scores

    def _unpaid(self, error: BudgetExhaustedError, number: int) -> list[Score]:
        if self._settings.on_budget == "error":
            raise error
        self._warn(f"the budget is used up, so completions have no reward from now on: {error}")
        return [Score(None, None, why=str(error))] * number

    def _warn(self, text: str) -> None:
        if not self._warned:
            self._warned = True
            warnings.warn(text, stacklevel=5)

    def _told(
        self, session: RewardSession, scores: Sequence[Score], columns: Mapping[str, Any]
    ) -> Rewards:
        """With what a trainer's tables show beside."""
        missing = [one for one in scores if one.value is None]
        if missing:
            number = counted(len(missing), "completion")
            self._warn(
                f"{number} of {len(scores)} got no reward; the first: {missing[0].why}. All of "
                f"them are in {self.folder}"
            )
        if (log_extra := columns.get("log_extra")) is not None:
            log_extra(f"{self.__name__}_id", [one.completion_id for one in scores])
            log_extra(f"{self.__name__}_sd", [one.sd for one in scores])
        if (log_metric := columns.get("log_metric")) is not None:
            log_metric(f"{self.__name__}/without_reward", len(missing) / max(1, len(scores)))
            log_metric(f"{self.__name__}/cost_usd", session.cost_usd or 0.0)
        return [one.value for one in scores]


class RewardFunction(_Panel):
    """What ``judgeforge.reward`` returns: see there."""

    def __call__(
        self,
        prompts: Sequence[Any],
        completions: Sequence[Any],
        **columns: Any,  # noqa: ANN401 (of a trainer)
    ) -> Rewards:
        """One reward a completion, 0 to 1 or None.

        ``prompts`` and ``completions``: texts, or lists of messages; one entry a completion, so a
        prompt is repeated. ``columns``: those of the data set, and what trainers add to them.
        """
        session = self._open()
        groups = self._groups(session, prompts, completions, columns)
        found = session.score(*_asked(groups), _step(columns)).result()
        return self._told(session, self._scores(groups, found, len(prompts)), columns)


class AsyncRewardFunction(_Panel):
    """What ``judgeforge.areward`` returns: see there."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self.close)

    async def __call__(
        self,
        prompts: Sequence[Any],
        completions: Sequence[Any],
        **columns: Any,  # noqa: ANN401 (of a trainer)
    ) -> Rewards:
        """As ``RewardFunction.__call__``."""
        session = await asyncio.to_thread(self._open)
        groups = self._groups(session, prompts, completions, columns)
        found = await asyncio.wrap_future(session.score(*_asked(groups), _step(columns)))
        return self._told(session, self._scores(groups, found, len(prompts)), columns)


def _asked(groups: Sequence[Group]) -> tuple[list[Prompt], list[str]]:
    """The prompts, and what is wrong with each completion of the others."""
    prompts = [one.prompt for one in groups if one.prompt is not None]
    return prompts, [one.problem or "" for one in groups if one.prompt is None for _ in one.places]


def _step(columns: Mapping[str, Any]) -> int | None:
    step = getattr(columns.get("trainer_state"), "global_step", None)
    return step if isinstance(step, int) else None
