"""What judgeforge promises, the tests that show it, and where each promise ends."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Promise:
    title: str
    sentence: str
    shown_by: tuple[str, ...]
    """Tests as pytest names them, without parameters; rows of the table as `row:NAME`."""
    ends: str


PROMISES = (
    Promise(
        "Money",
        "At the configured prices, what providers bill never exceeds `budget.usd` for a run "
        "folder, `budget.daily_usd` for all runs that share a `budget.ledger`, or "
        "`budget.max_calls`, whatever is in flight, killed, retried or resumed.",
        (
            "tests/promises/test_guardrails.py::TestBudget::"
            "test_it_holds_with_many_in_flight_faults_and_restarts",
            "tests/promises/test_guardrails.py::TestBudget::"
            "test_runs_at_once_never_exceed_the_day_that_they_share",
            "tests/promises/test_guardrails.py::TestBudget::test_max_calls_is_never_exceeded",
            "tests/promises/test_workers.py::TestMoney",
            "row:usage-missing",
            "row:batch-daily-budget",
            "row:usage-impossible",
            "row:max-tokens-ignored",
            "row:spending-lost",
            "row:lock-deleted",
            "row:clock-over-midnight",
        ),
        "The prices are those of the configuration or, failing that, the highest that the public "
        "list has within seven days of a start. A provider breaks the promise if it charges more,"
        " bills what it never sent, bills refused requests, or counts more input tokens than the "
        "request has bytes plus 1,000 (what Azure's content filter has read and refused counts). A "
        "server that keeps to no `max_tokens` can exceed it by the calls that are in flight when "
        "its first such reply comes. A ledger on a file system without `flock` is refused. The "
        "day is that of the machine's clock, in the named time zone.",
    ),
    Promise(
        "Nothing paid is lost",
        "After SIGKILL at any moment the same command continues. At most the calls that were in "
        "flight at the kill are repeated, and the final files are the same bytes as those of an "
        "undisturbed run (costs and times apart), given a model that answers equal requests "
        "equally. What is in a batch is never repeated: the batch is found again, and bought once.",
        (
            "tests/promises/test_guardrails.py::TestKill::"
            "test_five_kills_lose_nothing_and_repeat_only_what_was_in_flight",
            "row:sigkill-200",
            "row:worker-sigkill",
            "row:coordinator-sigkill",
            "row:cluster-sigkill",
            "row:cluster-partition",
            "row:sigterm",
            "row:batch-sigkill-50",
            "row:batch-created-without-reply-openai",
            "row:batch-created-without-reply-anthropic",
            "row:journal-cut",
            "row:cache-lost",
            "tests/promises/test_power_cut.py",
        ),
        "A power cut may take the replies of the last second, which are then bought again: what is "
        "paid for is forced onto the disk once a second, or reply by reply with `cache.durable: "
        "each_reply` (`docs/durability.md`). Calls whose reservation it took, known from the log, "
        "count at the most that any call could cost; those that nothing shows any more do not "
        "count. What is known of a batch is forced there before it is created. A batch that its "
        "provider does not list ten seconds after its creation was cut off counts as not "
        "created. Of a machine of a cluster that is lost, all that was reserved for it counts as "
        "paid at the most. Deleting both the run folder and the cache loses what was paid.",
    ),
    Promise(
        "Nothing vanishes",
        "Every input row ends as pairs or as exactly one named skip, and the totals of the "
        "manifest add up; a check at the end of each run proves it. This is also checked after "
        "every row of the table below.",
        (
            "tests/store/test_audit.py",
            "tests/faults/promises.py",
            "row:file-shrinks-while-read",
            "row:status-500-for-ever",
        ),
        "A blank line is not a row. Rows appended to the input after a run began are done by the "
        "next start.",
    ),
    Promise(
        "No run hangs",
        "Every wait has a bound: connecting, a whole reply (`timeout_s`), repeating "
        "(`limits.max_attempts`, `limits.max_retry_s`), what a server asks to wait, a model that "
        "is out of order, and the grace after a stop. A run in which no call brings a reply for "
        "`limits.stall_s` says what it is waiting for and stops with exit 4.",
        (
            "row:stall",
            "row:outage-for-good",
            "row:replica-hangs",
            "row:replicas-all-down",
            "row:stalled-headers",
            "row:stalled-body",
            "row:byte-a-second",
            "row:status-429-retry-after-absurd",
            "row:sigint-twice",
            "row:sigstop-60s",
        ),
        "The kernel waits for a disk that never answers a write, and the system's resolver for a "
        "name server. A model inside the process (`local`) is loaded without a bound; what goes "
        "on computing after `timeout_s` is no longer waited for.",
    ),
    Promise(
        "No secret",
        "No key that was read is ever in a file, a log, an error, a traceback or a process list, "
        "even where the server sends it back. All files and all output are searched after every "
        "row of the table below.",
        (
            "row:status-401-echoes-the-key",
            "row:key-sent-back",
            "row:redirect",
            "row:key-in-yaml",
            "row:key-file-for-all",
            "tests/promises/test_secrets.py",
            "tests/text/test_redaction.py",
        ),
        "A key that you write into a prompt is part of the prompt. Other tools that print local "
        "variables of a traceback, a debugger and the memory of the process are outside; so is "
        "the environment of the process, which its owner and root can read.",
    ),
    Promise(
        "A bad reply is never a score",
        "A judge's reply is read strictly: if it is not exactly what was asked for, the judge is "
        "asked once more and told the reason; after that the judgment is missing and says why. "
        "Nothing is guessed.",
        (
            "row:judge-score-nan",
            "row:judge-score-out-of-range",
            "row:judge-two-objects",
            "row:judge-words",
            "row:judge-refusal",
            "tests/judging/replies/test_structured.py",
        ),
        "A server that answers another question than the one asked, in the right form, is "
        "believed: HTTP tells replies by their order, so a copy of a reply that arrives after the "
        "next request went out on its connection is read as the answer to that one. "
        "A judge may be wrong in the right form; what that is worth is a matter of "
        "docs/judging.md. Protocols that read words do so by their documented forms only.",
    ),
)
