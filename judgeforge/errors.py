"""Every error that judgeforge raises on purpose, with the exit code of a run that it ends.

    JudgeforgeError                   2
    ├── ConfigError                   2
    │   └── SeveralMistakesError      2
    ├── InputError                    2
    ├── StoreError                   74
    ├── BugError                     74
    ├── LockHeldError                75
    ├── BudgetExhaustedError          3
    ├── AuditFailedError              3
    ├── InterruptedRunError         130
    ├── BatchesPendingError           6
    └── CallError                     4
        ├── NotConnectedError         4
        │   └── UntrustedServerError  4
        ├── CircuitOpenError          4
        ├── TooLongError              4
        ├── UnsuitedRequestError      4
        ├── StalledError              4
        ├── UnreadableJudgeError      4
        ├── NoReplyError              4
        │   └── BrokenReplyError      4
        ├── NotRunError               4
        ├── MalformedReplyError       4
        └── StatusError               4
            ├── OverlongRequestError  4
            └── FlaggedInputError     4

Each message says what happened, where, and what to do. A CallError ends a run only where
``stops_run`` says so; otherwise the prompt or the judgment fails and the run goes on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from judgeforge.text.wording import counted


class JudgeforgeError(Exception):
    """Base of all errors that a user may see. Exit code 2 where a subclass has none of its own."""

    exit_code = 2


class ConfigError(JudgeforgeError):
    """The configuration, the rubric or the command line is wrong; nothing was sent. Exit code 2.

    ``file``, ``line`` (from 1) and ``key`` (``models.writer.rpm``) say where, as far as known.
    """

    def __init__(
        self,
        message: str,
        *,
        file: Path | str | None = None,
        line: int | None = None,
        key: str | None = None,
    ) -> None:
        self.message, self.file, self.line, self.key = message, file, line, key
        place = "" if file is None else f"{file}:{line}: " if line else f"{file}: "
        super().__init__(f"{place}{key}: {message}" if key else f"{place}{message}")

    @property
    def mistakes(self) -> Sequence[ConfigError]:
        """Each mistake on its own."""
        return (self,)


class SeveralMistakesError(ConfigError):
    """Two mistakes or more: the message has a line for each of the first ten. Exit code 2.

    Message, file, line and key are those of the first; ``mistakes`` has all of them.
    """

    MOST_SHOWN = 10

    def __init__(self, mistakes: Sequence[ConfigError]) -> None:
        first, *_ = self._mistakes = tuple(mistakes)
        super().__init__(first.message, file=first.file, line=first.line, key=first.key)
        more = len(self._mistakes) - self.MOST_SHOWN
        rest = [f"… and {counted(more, 'more mistake')}"] if more > 0 else []
        self.args = ("\n".join([*map(str, self._mistakes[: self.MOST_SHOWN]), *rest]),)

    @property
    def mistakes(self) -> Sequence[ConfigError]:
        return self._mistakes


def as_one(mistakes: Sequence[ConfigError]) -> ConfigError:
    """The error for one mistake or more, in the given order."""
    return mistakes[0] if len(mistakes) == 1 else SeveralMistakesError(mistakes)


class InputError(JudgeforgeError):
    """The prompts or labels as a whole cannot be read (one bad row is a skip). Exit code 2."""


class StoreError(JudgeforgeError):
    """The run folder, the cache or the disk failed; the run can be resumed. Exit code 74."""

    exit_code = 74


class BugError(JudgeforgeError):
    """judgeforge itself failed; the run can be resumed. Exit code 74.

    ``__cause__`` is what was raised, and ``log`` the file with its traceback.
    """

    exit_code = 74

    def __init__(self, error: BaseException, log: Path) -> None:
        what = f"{type(error).__name__}: {error}"
        super().__init__(
            f"this is a bug in judgeforge, please report it ({what}). The traceback is in {log}, "
            "and the command shows it with --verbose. What was finished is kept and nothing that "
            "was paid is lost: the same command goes on where this one stopped."
        )
        self.__cause__ = error


class LockHeldError(JudgeforgeError):
    """Another process is running on the same folder. Exit code 75."""

    exit_code = 75


class BudgetExhaustedError(JudgeforgeError):
    """The next call does not fit into what is left of the budget; the run can be resumed.

    Exit code 3. ``of_day``: it is the day's that is used up, not the run folder's own.
    """

    exit_code = 3

    def __init__(self, message: str, *, of_day: bool = False) -> None:
        self.of_day = of_day
        super().__init__(message)


class AuditFailedError(JudgeforgeError):
    """The audit of pairs by design shows fewer of them to be right than `pairing.stop_below` asks
    for; the run can be resumed with a lower one. Exit code 3.
    """

    exit_code = 3


class InterruptedRunError(JudgeforgeError):
    """The user or the system asked the run to stop; it can be resumed. Exit code 130."""

    exit_code = 130


class BatchesPendingError(JudgeforgeError):
    """Only batches are waited for, and the run was told not to; it can be resumed. Exit code 6."""

    exit_code = 6


class CallError(JudgeforgeError):
    """A model call brought no usable reply. Exit code 4 where ``stops_run`` is set.

    ``retryable`` tells whether the same request may succeed later; ``stops_run`` tells that no
    other call to this model can succeed either (key, quota). ``model``: its name in the
    configuration.
    """

    exit_code = 4
    retryable = False
    stops_run = False

    def __init__(self, message: str, *, model: str = "", stops_run: bool | None = None) -> None:
        self.model = model
        if stops_run is not None:
            self.stops_run = stops_run
        super().__init__(message)


class NotConnectedError(CallError):
    """The request never left this machine, so nothing can have been billed.

    Is tried again, unless no later attempt can fare better: then ``stops_run`` is set.
    """

    retryable = True

    def __init__(self, message: str, *, model: str = "", stops_run: bool = False) -> None:
        super().__init__(message, model=model)
        if stops_run:
            self.retryable, self.stops_run = False, True


class UntrustedServerError(NotConnectedError):
    """The server's certificate is not trusted or is for another name; no byte went to it.

    Stops the run.
    """

    retryable = False
    stops_run = True


class CircuitOpenError(CallError):
    """A model failed again and again and is not asked at present; nothing was sent.

    Stops the run once it has been out of order for longer than ``limits.stall_s``.
    """


class TooLongError(CallError):
    """The request and the longest reply do not fit into the model's context.

    Where that is known before, nothing is sent.
    """


class UnsuitedRequestError(CallError):
    """The model takes no request of this kind, such as a reward model one with tools; nothing was
    sent."""


class StalledError(CallError):
    """No call brought a reply for too long. Stops the run; it can be resumed."""

    stops_run = True


class UnreadableJudgeError(CallError):
    """None of a judge's first replies could be read. Stops the run; it can be resumed."""

    stops_run = True


class NoReplyError(CallError):
    """The request was sent and no whole reply came back; it may be billed. Is tried again."""

    retryable = True


class BrokenReplyError(NoReplyError):
    """The server broke off its own reply, and says so: what is there of it is not an answer. Is
    tried again.

    ``pico``: what it cost, in picodollars; None where the price is unknown.
    """

    def __init__(self, message: str, *, pico: int | None) -> None:
        self.pico = pico
        super().__init__(message)


class NotRunError(CallError):
    """A batch ended before the request was run, which costs nothing. Is tried again."""

    retryable = True


class MalformedReplyError(CallError):
    """The provider answered 200 with something other than a reply of its API. Is tried again."""

    retryable = True


PAGE_STATUS = 200
"""Of a web page: the address is not that of an API, or something stands before it."""


class StatusError(CallError):
    """The provider answered with an HTTP status other than 200, which is not billed, or with a web
    page, which may be.

    ``status`` is ``PAGE_STATUS`` where it sent a page. ``retry_after_s``: seconds that it asks to
    wait, if it does. ``headers`` are those that speak of rate limits, with names in lower case.
    ``advice`` is what to do where it is about the model, and the end of the message.
    ``of_account``: it seems to be about credit or quota, and surely is where ``stops_run`` is set
    as well.
    """

    def __init__(  # noqa: PLR0913 (what a refusal has)
        self,
        message: str,
        *,
        status: int,
        advice: str = "",
        model: str = "",
        retry_after_s: float | None = None,
        headers: Mapping[str, str] | None = None,
        retryable: bool = False,
        stops_run: bool = False,
        of_account: bool = False,
    ) -> None:
        super().__init__(message + advice, model=model, stops_run=stops_run)
        self._said, self.of_account = message, of_account
        self.status, self.retry_after_s = status, retry_after_s
        self.headers, self.retryable = headers or {}, retryable

    def is_of_one_request(self, why: str = "") -> None:
        """Key and model are right, so there is nothing to do about them. ``why``: how that is
        known, as the end of the message."""
        self.stops_run = self.retryable = False
        self.args = (self._said + why,)


class OverlongRequestError(StatusError):
    """The server refused this very request as longer than its context; shorter ones may pass."""


class FlaggedInputError(StatusError):
    """A filter refused this very request, and says so in its code; others may pass."""

    @property
    def reads_billed(self) -> bool:
        """Azure bills what its filter read where it answers 400; moderation in front of a model
        (403) is free."""
        return self.status != 403
