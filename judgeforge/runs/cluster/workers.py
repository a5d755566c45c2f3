"""The workers of a run: begun, given prompts, replaced where they die, and ended.

Prompts are handed out one by one, each to the worker with the fewest under way. One that a dead
worker had goes to another: what was bought for it is in the cache.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count

from judgeforge.calls.money.claims import Claim
from judgeforge.errors import InterruptedRunError, StoreError
from judgeforge.records import Completion, Prompt
from judgeforge.runs.cluster.channel import ChannelClosedError, NoRoomError, Place
from judgeforge.runs.cluster.coordinator import Coordinator, Member
from judgeforge.runs.cluster.crew import Crew, UnderWay
from judgeforge.runs.cluster.frames import Message
from judgeforge.runs.cluster.messages import (
    Begin,
    End,
    Ended,
    Fitted,
    Keep,
    PromptEnded,
    Ready,
    Stop,
    TakePrompt,
)
from judgeforge.store.finished_prompt import FinishedPrompt
from judgeforge.store.fit import FrozenFit
from judgeforge.store.log import RunLog
from judgeforge.text.wording import counted

MOST_DEATHS = 5
"""Of workers one after another, without a reply that any of them brought in between."""
BALANCE_S = 0.05
_MONEY_TURNS = 4
"""Of this many looks at the limits, one is at the money as well."""
END_S = 10.0
"""A worker that has been told to end, has nothing in flight and does not end is killed after this
long."""


class NoWorkersError(Exception):
    """None is left that could take a prompt, and none will come."""


class Workers:
    """``begin_with`` gives what a worker needs to know before its first prompt; ``has_equal``:
    see ``Crew``; ``soon_s``: how long all of them take to begin at the most, where that is known.
    ``fail`` ends the run, ``say`` tells the person who watches it."""

    def __init__(  # noqa: PLR0913 (all that a crew shares with its run)
        self,
        number: int,
        place: Place,
        coordinator: Coordinator,
        *,
        begin_with: Callable[[], Begin],
        has_equal: bool,
        soon_s: float = 0.0,
        log: RunLog,
        fail: Callable[[BaseException], None],
        say: Callable[[str], None],
    ) -> None:
        self._number, self._place, self._coordinator = number, place, coordinator
        self._begin_with, self._log, self._fail, self._say = begin_with, log, fail, say
        self._names = count(1)
        self._numbers = count()
        self._crew = Crew(has_equal)
        self._waiting: list[str] = []
        """Workers that are there and have not been told to begin."""
        self._under_way: dict[int, UnderWay] = {}
        self._to_do: list[UnderWay] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._places: dict[str, asyncio.Task[None]] = {}
        """Of each worker by name, the task that keeps its place in the crew."""
        self._soon_s, self._come = soon_s, asyncio.Event()
        """Set once nobody need wait for them to begin."""
        self._deaths = 0
        self._may_begin = self._stopping = self._ending = self._given_up = False
        self._fit: FrozenFit | None = None

    @property
    def are_ready(self) -> bool:
        """Whether all of them wait for prompts, or take them."""
        there = len(self._crew.busy) + len(self._waiting)
        return there > 0 if self._given_up else there >= self._number or self._may_begin

    async def are_ready_soon(self) -> bool:
        """The same, after waiting for as long as they can be expected to take: what this process
        began meanwhile would keep it busy while they have nothing to do."""
        if not self.are_ready:
            await self._come.wait()
        return self.are_ready

    @property
    def heard_at(self) -> float:
        return self._coordinator.last_reply_at

    def start(self) -> None:
        """Begin to begin them; nothing waits for it."""
        self._tasks = [asyncio.create_task(self._keep_one()) for _ in range(self._number)]
        self._tasks.append(asyncio.create_task(self._balance()))
        asyncio.get_running_loop().call_later(self._soon_s, self._come.set)

    def begin(self) -> None:
        """From now on they take prompts."""
        if not self._may_begin:
            self._may_begin = True
            for name in self._waiting:
                self._tell_to_begin(name)
            self._waiting.clear()

    async def take(
        self, prompt: Prompt, claim: Claim, sampled: tuple[Completion, ...] = ()
    ) -> FinishedPrompt:
        """Raises InterruptedRunError where the run stops before it is done, NoWorkersError where no
        worker is left."""
        if self._stopping:
            raise InterruptedRunError("the run is stopping")
        if self._given_up and not self._crew.busy:
            raise NoWorkersError
        done: asyncio.Future[FinishedPrompt | None] = asyncio.get_running_loop().create_future()
        one = UnderWay(next(self._numbers), prompt, claim, sampled, done)
        self._under_way[one.number] = one
        self._hand_out(one)
        try:
            outcome = await done
        finally:
            self._under_way.pop(one.number, None)
        if outcome is None:
            raise InterruptedRunError("the run is stopping")
        return outcome

    def fitted(self, fit: FrozenFit) -> None:
        """What the first prompts have shown of the judges."""
        self._fit = fit
        for name in self._crew.busy:
            self._tell(name, Fitted(fit))

    def stop(self) -> None:
        """Nothing more is sent; see ``drain``."""
        self._stopping = True
        self._come.set()
        for name in [*self._crew.busy, *self._waiting]:
            self._tell(name, Stop())
        for one in self._to_do:
            self._end_one(one, None)
        self._to_do.clear()

    async def drain(self, within_s: float) -> None:
        """Wait until no worker has a prompt any more; after ``stop`` that takes no longer than the
        grace of calls in flight."""
        pending = [one.done for one in self._under_way.values() if not one.done.done()]
        if pending:
            await asyncio.wait(pending, timeout=within_s)

    async def close(self, *, within_s: float) -> None:
        """End all of them; those that do not end are killed, and at once those that have not begun:
        nothing is left for them to do."""
        self._ending = True
        there = [*self._crew.busy, *self._waiting]
        for name in there:
            self._tell(name, End())
        for name in self._places.keys() - there:
            self._places[name].cancel()
        *keepers, balancing = self._tasks or [asyncio.create_task(asyncio.sleep(0))]
        balancing.cancel()
        if keepers:
            _, late = await asyncio.wait(keepers, timeout=within_s)
            for keeper in late:
                keeper.cancel()
            if late:
                await asyncio.wait(late)
        for one in list(self._under_way.values()):
            self._end_one(one, None)

    async def _balance(self) -> None:
        for turn in count(1):
            await asyncio.sleep(BALANCE_S)
            self._coordinator.look_at_own()
            self._coordinator.balance()
            if turn % _MONEY_TURNS == 0:
                self._coordinator.look_at_money()

    async def _keep_one(self) -> None:
        """One place in the crew: its worker, and those that replace it."""
        try:
            await self._replace_one()
        except Exception as error:  # noqa: BLE001 (ends the run, and is told as a bug)
            self._fail(error)

    async def _replace_one(self) -> None:
        while not (self._ending or self._stopping or self._given_up):
            name = f"w{next(self._names)}"
            if (task := asyncio.current_task()) is not None:
                self._places[name] = task
            try:
                channel = await self._place.open(name)
            except NoRoomError as error:
                self._log.event("worker_waits", worker=name, why=str(error))
                continue
            except ChannelClosedError as error:
                why = str(error)
            else:
                member = Member(name, channel)
                try:
                    if await self._serve(member):
                        return
                    why = await self._place.ended(name, kill=True)
                except asyncio.CancelledError:
                    await self._place.ended(name, kill=True)
                    raise
                finally:
                    self._lose(member)
            self._deaths += 1
            self._log.event("worker_died", worker=name, how=why)
            if self._deaths > MOST_DEATHS:
                self._give_up(why)

    def _give_up(self, last: str) -> None:
        """Begin no more of them: those that are left go on, and this process without them."""
        self._come.set()
        if not self._given_up:
            self._given_up = True
            self._say(
                f"{counted(self._deaths, 'worker')} died one after another without bringing a "
                f"reply, the last one {last}: no more are begun, and this process does what none "
                "is left for"
            )
        self._leave_to_this_process()

    def _leave_to_this_process(self) -> None:
        if self._crew.busy:
            return
        self._to_do.clear()
        for one in self._under_way.values():
            if not one.done.done():
                one.done.set_exception(NoWorkersError())

    async def _serve(self, member: Member) -> bool:
        """Until it has ended in order, or (False) is gone."""
        while True:
            try:
                messages = await member.channel.receive()
            except ChannelClosedError:
                # Whoever gets its prompts must find what it has bought.
                await self._coordinator.stored(member)
                return False
            for message in messages:
                if isinstance(message, Ended):
                    await self._place.ended(member.name, kill=False)
                    return True
                try:
                    self._take(member, message)
                except StoreError as error:
                    self._fail(error)

    def _take(self, member: Member, message: Message) -> None:
        if self._coordinator.take(member, message):
            if isinstance(message, Keep):
                self._deaths = 0
            return
        if isinstance(message, Ready):
            self._joined(member, message)
        elif isinstance(message, PromptEnded):
            self._prompt_ended(member.name, message)

    def _joined(self, member: Member, ready: Ready) -> None:
        self._log.event("worker_began", worker=member.name, pid=ready.pid, host=ready.host)
        self._coordinator.join(member)
        if self._ending:
            self._tell(member.name, End())
        elif self._may_begin:
            self._tell_to_begin(member.name)
        else:
            self._waiting.append(member.name)
        if self.are_ready:
            self._come.set()

    def _tell_to_begin(self, name: str) -> None:
        self._tell(name, self._begin_with())
        if self._fit is not None:
            self._tell(name, Fitted(self._fit))
        self._crew.busy[name] = 0
        to_do, self._to_do = self._to_do, []
        for one in to_do:
            self._hand_out(one)

    def _hand_out(self, one: UnderWay) -> None:
        if not self._crew.busy:
            self._to_do.append(one)
            return
        worker = self._crew.hand_out(one, self._under_way.values())
        refusal = one.claim.refusal
        told = None if refusal is None else (str(refusal), refusal.of_day)
        self._tell(worker, TakePrompt(one.number, one.prompt, told, one.sampled))

    def _prompt_ended(self, worker: str, message: PromptEnded) -> None:
        if worker in self._crew.busy:
            self._crew.busy[worker] -= 1
        one = self._under_way.get(message.number)
        if one is None or one.done.done():
            return
        pico, paid, cached = message.paid
        one.claim.paid_pico += pico
        one.claim.paid_calls += paid
        one.claim.cached_calls += cached
        self._end_one(one, message.outcome)

    def _end_one(self, one: UnderWay, outcome: FinishedPrompt | None) -> None:
        if not one.done.done():
            one.done.set_result(outcome)

    def _lose(self, member: Member) -> None:
        """Its prompts go to others; what it had under way is paid at the most."""
        name = member.name
        self._crew.busy.pop(name, None)
        if name in self._waiting:
            self._waiting.remove(name)
        member.channel.close()
        try:
            under_way = self._coordinator.lost(member)
        except StoreError as error:
            self._fail(error)
            return
        left = [one for one in self._under_way.values() if one.worker == name]
        left = [one for one in left if not one.done.done()]
        if under_way or left:
            self._log.event("worker_lost", worker=name, calls=under_way, prompts=len(left))
        for one in left:
            if self._stopping or self._ending:
                self._end_one(one, None)
            else:
                self._hand_out(one)
        if self._given_up:
            self._leave_to_this_process()

    def _tell(self, name: str, message: Message) -> None:
        member = self._coordinator.members.get(name)
        if member is not None:
            member.outbox.put(message)
