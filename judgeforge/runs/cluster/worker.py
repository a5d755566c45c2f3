"""One worker: the door, the judges and the work of a run, over the prompts that it is given.

Everything here is as in a run of one process, but for what all processes share: replies are kept
and money is booked by the coordinator, and the limits are a part of the configured ones.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from judgeforge.calls.endpoints import open_endpoints
from judgeforge.calls.limits.queues import Slots
from judgeforge.calls.money.claims import Claim, claiming
from judgeforge.config.keys import read_key
from judgeforge.errors import (
    BudgetExhaustedError,
    BugError,
    InterruptedRunError,
    JudgeforgeError,
    StoreError,
)
from judgeforge.judging.panel import TriedPanel
from judgeforge.judging.programs.deciding import AT_ONCE, Programs
from judgeforge.runs.cluster.channel import Channel
from judgeforge.runs.cluster.far_gateway import FarGateway
from judgeforge.runs.cluster.frames import Message
from judgeforge.runs.cluster.given_fit import GivenFit
from judgeforge.runs.cluster.kept_elsewhere import EntryFile, KeptElsewhere
from judgeforge.runs.cluster.leased_money import LeasedMoney, UsedNumbers
from judgeforge.runs.cluster.messages import (
    Begin,
    End,
    Ended,
    Failed,
    Failure,
    Fitted,
    Found,
    GiveBack,
    Granted,
    Job,
    Kept,
    LookAgain,
    PromptEnded,
    Ready,
    Refused,
    RepliesKnown,
    Report,
    Say,
    Share,
    Stop,
    TakePrompt,
)
from judgeforge.runs.cluster.shares import Limits
from judgeforge.runs.cluster.worker_outbox import LogLines, WorkerOutbox
from judgeforge.runs.cost_estimates.estimate import Estimator
from judgeforge.runs.first_prompts import FirstPrompts, may_be_of_the_model
from judgeforge.runs.garbage import rare_garbage_collection
from judgeforge.runs.preparation.preparation import Preparation
from judgeforge.runs.progress import out_of_order, servers_out_of_order
from judgeforge.runs.work_parts import build_prompt_work, first_replies
from judgeforge.store.finished_prompt import FinishedPrompt
from judgeforge.store.log import RunLog
from judgeforge.text.redaction import Redactor

REPORT_S = 0.05
QUIET_S = 0.2
"""While replies come nobody asks what is waited for, and to say it is work for each call."""
FORSAKEN = 1
"""Exit code of a worker whose coordinator is gone."""


class Worker:
    """``job`` must be its own; the keys are read here."""

    def __init__(self, job: Job, channel: Channel) -> None:
        keys = {name: read_key(job.prepared.config, name) for name in job.prepared.keys}
        self._prepared = prepared = replace(job.prepared, keys=keys)
        self._channel, self._config = channel, prepared.config
        self._out = WorkerOutbox(channel.send)
        self._log = RunLog(LogLines(self._out), Redactor(key for key in keys.values() if key))
        self._used = UsedNumbers(job.used_numbers)
        self._unheard_s, self._log_file = job.unheard_s, job.log
        self._money = LeasedMoney(
            self._used,
            want=self._out.put,
            close_row=self._out.close_row,
            leave_if_cut_off=self._leave_if_cut_off,
        )
        self._replies = KeptElsewhere(
            None if job.cache is None else EntryFile(job.cache),
            keep=self._out.keep,
            look_up=self._out.put,
            on_damage=lambda key, why: self._log.event("cache_row_refused", key=key, reason=why),
        )
        slots = Slots(0)
        prices = prepared.direct_prices
        self._endpoints = open_endpoints(self._config, keys, prices, self._log, slots=slots)
        self._limits, self._share = Limits.of(list(self._endpoints.values()), slots), 0
        self._limits.keep_to([0] * (len(self._limits.gates) + 2))
        self._gateway = FarGateway(
            self._endpoints,
            cache=self._replies,
            budget=self._money,
            limits=self._config.limits,
            log=self._log,
        )
        self._programs = Programs(
            self._replies,
            self._config.folder,
            at_once=max(1, AT_ONCE // job.workers),
            tell=self._log.event,
        )
        self._first = FirstPrompts()
        self._fit = GivenFit()
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._kept_back = 0
        """Prompts that are judged and wait until no judge is in doubt."""
        self._news = asyncio.Event()
        self._stopping = False
        self._stopped: asyncio.Task[None] | None = None
        self._did = self._told = 0.0
        self._answers: dict[type[Message], Callable[[Any], None]] = {
            Begin: self._begin,
            TakePrompt: self._take_prompt,
            Fitted: lambda message: self._fit.give(message.fit),
            Kept: self._kept,
            Found: lambda message: self._replies.found(message.number, dict(message.entries)),
            Granted: self._money.granted,
            Refused: lambda message: self._money.refused(message.pico, message.error.error()),
            GiveBack: lambda _: self._money.give_back(),
            Share: self._keep_to,
            LookAgain: lambda _: self._gateway.look_again(),
            Stop: lambda _: self._stop(),
        }

    async def run(self) -> None:
        """Until it is told to end. Raises ChannelClosedError where the coordinator is gone."""
        self._out.put(Ready(os.getpid(), socket.gethostname()))
        reporting = asyncio.create_task(self._report())
        try:
            with rare_garbage_collection():
                await self._listen()
            await self._end()
        finally:
            reporting.cancel()
            self._used.close()
            self._replies.close()

    async def _listen(self) -> None:
        while True:
            for message in await self._channel.receive():
                if isinstance(message, End):
                    return
                self._answers[type(message)](message)

    async def _end(self) -> None:
        if self._stopped is not None:
            await self._until_stopped(self._stopped)
        for task in self._tasks.values():
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks.values())
        await self._gateway.drain(0)
        self._money.give_back()
        self._programs.close()
        await self._gateway.close()
        self._out.put(self._state())
        self._out.put(Ended())
        self._out.flush()

    async def _until_stopped(self, stopped: asyncio.Task[None]) -> None:
        """``stopped`` ends once no call is in flight any more, or the grace is over. Prompts may
        have ended at the stop, while other calls of theirs were in flight: those replies are
        stored. Raises ChannelClosedError."""
        listening = asyncio.create_task(self._listen())
        await asyncio.wait({stopped, listening}, return_when=asyncio.FIRST_COMPLETED)
        if not listening.cancel():
            listening.result()

    def _begin(self, begin: Begin) -> None:
        prepared = self._prepared
        replies = first_replies(
            self._config,
            self._gateway,
            begin.replies,
            keep=lambda known: self._out.put(RepliesKnown(known)),
            say=self._say,
        )
        if prepared.asks_judges:
            self._first.replies = replies
            replies.on_change = self._look_again
        self._gateway.known.learn(begin.answered, begin.known)
        self._gateway.learn_from(self._first)
        panel = prepared.panel(TriedPanel, replies, self._programs)
        self._work = build_prompt_work(
            prepared, self._gateway, panel, Estimator(prepared), self._log, self._say
        )
        if begin.fit is not None:
            self._fit.give(begin.fit)

    def _take_prompt(self, message: TakePrompt) -> None:
        task = asyncio.create_task(self._take_through(message))
        self._tasks[message.number] = task
        task.add_done_callback(lambda _: self._prompt_gone(message.number))

    async def _take_through(self, message: TakePrompt) -> None:
        claim = Claim(prompt=message.prompt.id)
        if message.refusal is not None:
            why, of_day = message.refusal
            claim.refusal = BudgetExhaustedError(why, of_day=of_day)
        outcome: FinishedPrompt | None = None
        try:
            with claiming(claim):
                outcome = await self._outcome(message)
        except InterruptedRunError:
            pass  # the reason of the stop is already known
        except Exception as error:  # noqa: BLE001 (told as a bug where it is one)
            self._fail(error)
        finally:
            paid = claim.paid_pico, claim.paid_calls, claim.cached_calls
            self._out.put(PromptEnded(message.number, outcome, paid))

    async def _outcome(self, message: TakePrompt) -> FinishedPrompt:
        if self._stopping:
            raise InterruptedRunError("the run is stopping")
        work = self._work
        if message.sampled:
            work = replace(work, sampled_before=lambda _: message.sampled)
        judged = await work.judge(message.prompt, self._fit.to_ask_with)
        if isinstance(judged, FinishedPrompt):
            if may_be_of_the_model(judged):
                await self._until_judges_are_read()
            return judged
        reliability = await self._fit.to_rank_with()
        await self._until_judges_are_read()
        return work.conclude(judged, reliability)

    async def _until_judges_are_read(self) -> None:
        """As in ``first_prompts``; where nothing else is under way, more will not be learnt."""
        self._kept_back += 1
        try:
            while not self._first.are_over and self._kept_back < len(self._tasks):
                if self._stopping:
                    raise InterruptedRunError("the run is stopping")
                self._news.clear()
                await self._news.wait()
        finally:
            self._kept_back -= 1

    def _look_again(self) -> None:
        self._news.set()

    def _prompt_gone(self, number: int) -> None:
        del self._tasks[number]
        self._look_again()
        if not self._tasks:
            self._money.give_back()

    def _kept(self, message: Kept) -> None:
        error = None if message.error is None else message.error.error()
        for number in message.numbers:
            self._replies.kept(number, error)

    def _keep_to(self, share: Share) -> None:
        self._share = share.number
        self._limits.keep_to(share.parts)
        self._out.put(self._state())

    def _stop(self) -> None:
        if self._stopping:
            return
        self._stopping = True
        self._fit.give_up()
        self._gateway.stop()
        self._look_again()
        self._stopped = asyncio.create_task(self._give_up_late())

    async def _give_up_late(self) -> None:
        await self._gateway.drain(self._config.limits.grace_s)
        for task in list(self._tasks.values()):
            task.cancel()

    def _fail(self, error: Exception) -> None:
        if not isinstance(error, JudgeforgeError):
            shown = "".join(traceback.format_exception(error))
            self._log.event("bug", error=repr(error), traceback=shown)
            error = BugError(error, self._log_file)
        self._out.put(Failed(Failure(error)))
        if not isinstance(error, BudgetExhaustedError):
            self._stop()  # as the coordinator will tell, a moment later

    def _say(self, note: str) -> None:
        self._out.put(Say(note))

    def _leave_if_cut_off(self) -> None:
        """The run goes on without it; an error, were the way open again, would end the run."""
        if self._unheard_s is not None and self._channel.unheard_s() > self._unheard_s:
            os._exit(FORSAKEN)

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(REPORT_S)
            self._out.put(self._state())
            self._leave_if_cut_off()

    def _state(self) -> Report:
        gateway, endpoints = self._gateway, self._endpoints.values()
        heard_s = time.monotonic() - gateway.heard_at
        return Report(
            share=self._share,
            used=self._limits.used(),
            wanted=self._limits.wanted(),
            cached_calls=gateway.cached_calls,
            heard_s=heard_s,
            programs_ended=self._programs.ended,
            waits_for=gateway.what_it_waits_for() if heard_s > QUIET_S else "",
            out_of_order=out_of_order(endpoints),
            servers_out_of_order=servers_out_of_order(endpoints),
        )


async def work(channel: Channel) -> None:
    """The whole life of a worker at the end of ``channel``, whose first message is its job."""
    (job,) = await channel.receive()
    try:
        worker = Worker(job, channel)
    except Exception as error:  # noqa: BLE001 (told where a person reads it)
        channel.send([Failed(Failure(_unfit(error))), Ended()])
        return
    await worker.run()


def _unfit(error: Exception) -> StoreError:
    """Keys, key files and folders are those of its own machine."""
    what = str(error) if isinstance(error, JudgeforgeError) else f"{type(error).__name__}: {error}"
    return StoreError(f"a worker on {socket.gethostname()} cannot begin: {what}")


def without_keys(prepared: Preparation) -> Preparation:
    """What may leave the process: the names of models, and no key."""
    return replace(
        prepared, keys=dict.fromkeys(prepared.keys), row_checks=type(prepared.row_checks)()
    )
