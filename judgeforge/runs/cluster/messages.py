"""What the coordinator of a run and its workers tell each other.

Messages travel in frames, many in one. They are pickled: both ends are processes of the same run,
and nobody else can reach the socket between them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from judgeforge.errors import JudgeforgeError
from judgeforge.records import Completion, Prompt
from judgeforge.runs.cluster.frames import travels
from judgeforge.runs.preparation.preparation import Preparation
from judgeforge.store.finished_prompt import FinishedPrompt
from judgeforge.store.fit import FrozenFit
from judgeforge.store.judge_replies import JudgeReplies

# From the coordinator to a worker.


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker is for; the first message. Keys are left out: it reads them itself."""

    prepared: Preparation
    worker: str
    """Its name in this run."""
    cache: Path | None
    """The folder of the cache, where the worker can read it; None on another machine."""
    used_numbers: Path | None
    """Where it writes down which reservations it has used; None on another machine."""
    workers: int
    """How many there are."""
    log: Path
    """Where the coordinator writes what the worker logs."""
    unheard_s: float | None = None
    """Where the way to the coordinator may be cut: it sends nothing more once it has heard nothing
    for this long. None where that ends the worker at once."""


@dataclass(frozen=True, slots=True)
class Begin:
    """What is known once prompts may be handed out."""

    replies: JudgeReplies
    answered: Sequence[Any]
    """Kinds of requests that models have answered; see ``Acceptance.known``."""
    fit: FrozenFit | None
    known: Sequence[Any] = ()
    """Calls that models have answered; see ``KnownAnswers.known``."""


@dataclass(frozen=True, slots=True)
class TakePrompt:
    number: int
    prompt: Prompt
    refusal: tuple[str, bool] | None = None
    """Why nothing may be paid for it, and whether that is of the day."""
    sampled: Sequence[Completion] = ()
    """By an earlier start."""


@dataclass(frozen=True, slots=True)
class Fitted:
    fit: FrozenFit


@dataclass(frozen=True, slots=True)
class Kept:
    """The entries of these numbers are stored, or why they are not."""

    numbers: Sequence[int]
    error: Failure | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The entries that were looked up, by key."""

    number: int
    entries: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Granted:
    """Reservations that may be used for calls that cost at most ``pico`` each."""

    pico: int | None
    numbers: Sequence[int]
    room: tuple[int | None, int | None]
    """Picodollars and calls that are free beside all that is booked."""


@dataclass(frozen=True, slots=True)
class Refused:
    """No more reservations of that size."""

    pico: int | None
    error: Failure


@dataclass(frozen=True, slots=True)
class GiveBack:
    """Others need the money: reservations that are not used are to be returned."""


@dataclass(frozen=True, slots=True)
class LookAgain:
    """Nothing comes back: find out whether that is because of the models."""


@dataclass(frozen=True, slots=True)
class Share:
    """How much of each limit is the worker's from now on."""

    number: int
    parts: Sequence[int]
    """See ``shares.Limits``."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Send nothing more; what is in flight may end."""


@dataclass(frozen=True, slots=True)
class End:
    """All prompts are done: return what is left, and go."""


# From a worker to the coordinator.


@dataclass(frozen=True, slots=True)
class Ready:
    pid: int
    host: str


@dataclass(frozen=True, slots=True)
class Keep:
    """Store these entries of the cache (key and text) before they are used."""

    numbers: Sequence[int]
    entries: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class LookUp:
    number: int
    keys: Sequence[str]


@dataclass(frozen=True, slots=True)
class Spent:
    """Rows of the spending file that close reservations of the worker."""

    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Logged:
    lines: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Want:
    """This many more reservations for calls that cost at most ``pico`` each."""

    pico: int | None
    count: int


@dataclass(frozen=True, slots=True)
class PromptEnded:
    """``outcome`` is None where the worker stopped before there was one."""

    number: int
    outcome: FinishedPrompt | None
    paid: tuple[int, int, int] = (0, 0, 0)
    """Picodollars, paid calls, cached calls."""


@dataclass(frozen=True, slots=True)
class Report:
    """How a worker is, some times a second."""

    share: int
    """The number of the last ``Share`` that it keeps to."""
    used: Sequence[int]
    wanted: Sequence[int]
    """Of each limit."""
    cached_calls: int
    heard_s: float
    """Seconds since a call brought a reply."""
    programs_ended: int
    waits_for: str
    """Empty while replies come."""
    out_of_order: Mapping[str, str] = field(default_factory=dict)
    servers_out_of_order: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Say:
    """A note for the person who watches the run."""

    note: str


@dataclass(frozen=True, slots=True)
class RepliesKnown:
    replies: JudgeReplies


@dataclass(frozen=True, slots=True)
class Failed:
    """What ends the run."""

    error: Failure


@dataclass(frozen=True, slots=True)
class Ended:
    """The last message: nothing is under way any more."""


class Failure:
    """An error on its way: those of judgeforge need more than their message to be made anew."""

    __slots__ = ("_args", "_class", "_state")

    def __init__(self, error: JudgeforgeError) -> None:
        self._class, self._args = type(error), error.args
        self._state = {name: value for name, value in vars(error).items() if travels(value)}

    def error(self) -> JudgeforgeError:
        made = self._class.__new__(self._class, *self._args)
        made.args = self._args
        made.__dict__.update(self._state)
        return made
