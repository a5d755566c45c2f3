"""What `judgeforge watch` prints, on any width, and that nothing of it is markup."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from judgeforge.cli.show.watching import as_line, ending, view
from judgeforge.results.figures.activity import ModelActivity, RecentError
from judgeforge.results.status import RunStatus
from judgeforge.runs.followed_run import RunLook

STATUS = RunStatus(
    folder="runs/first",
    status="running",
    running=True,
    pid=42,
    host="here",
    since="2026-10-18T12:00:00+00:00",
    prompts=1000,
    done=123,
    pairs=101,
    skips={"tie": 22},
    calls=984,
    cost_usd=0.5,
    budget_usd=2.0,
    eta_s=201.0,
    message=None,
    trouble=None,
    reserved_usd=0.25,
)
SMALL = ModelActivity(
    model="small",
    calls=984,
    replies=970,
    per_minute=310.0,
    refused_lately=12,
    failures={"HTTP 429": 14},
    latency_s=1.25,
    out_of_order_s=None,
    servers=(),
    last_failure="HTTP 429 from small",
)
LOOK = RunLook(
    time="2026-10-18T12:03:12+00:00",
    status=STATUS,
    calls_per_minute=310.0,
    models=(SMALL,),
    errors=(RecentError("2026-10-18T12:03:05+00:00", "small", "[red]HTTP 429[/red]", 14),),
    waits_for=("2 batches, 1,240 of 4,000 answered, oldest 18 min",),
    counted_since=None,
    events={"hedged": 3},
)


def shown(look: RunLook, columns: int = 100) -> str:
    console = Console(file=io.StringIO(), width=columns, highlight=False)
    console.print(view(look, columns))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    "told",
    [
        "runs/first: running since 2026-10-18T12:00:00+00:00 (process 42 on here)",
        "prompts 123/1000",
        "about 3:21 left",
        "pairs 101, skips 22 (tie 22)",
        "984 calls sent, 310 a minute; cost $0.5000 of $2 ($0.2500 of it reserved)",
        "waits for: 2 batches, 1,240 of 4,000 answered, oldest 18 min",
        "refuses: 12 in the last minute",
        "HTTP 429 14",
        "1.25 s",
        "also hedged 3",
        "12:03:05 small (14 times): [red]HTTP 429[/red]",
        "Ctrl-C leaves, the run goes on",
    ],
)
def test_the_view_tells(told: str) -> None:
    assert told in shown(LOOK, 140)


@pytest.mark.parametrize("columns", [20, 40, 69, 70, 200])
def test_everything_fits_any_width(columns: int) -> None:
    text = shown(LOOK, columns)
    assert max(map(len, text.splitlines())) <= columns
    assert "123/1000" in text
    assert "small" in text


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"out_of_order_s": 12.0}, "out of order for 12 s"),
        ({"out_of_order_s": 12.0, "servers": ("http://a",)}, "at http://a"),
        ({"refused_lately": 0}, "answers"),
        ({"refused_lately": 0, "replies": 0}, "has not answered yet"),
    ],
)
def test_a_model_has_a_state(changes: dict[str, object], state: str) -> None:
    changed = replace(LOOK, models=(replace(SMALL, **changes),))  # type: ignore[arg-type]
    assert " ".join(state.split()) in " ".join(shown(changed, 140).split())


def test_a_line_has_all_that_a_log_needs() -> None:
    assert as_line(LOOK) == (
        "running: prompts 123/1000  pairs 101  skips 22  984 calls sent, 310 a minute  "
        "cost $0.5000 of $2 ($0.2500 of it reserved)  about 3:21 left  "
        "waits for: 2 batches, 1,240 of 4,000 answered, oldest 18 min"
    )


def test_a_run_whose_process_is_gone_is_said_to_be_killed() -> None:
    dead = replace(LOOK, status=replace(STATUS, status="killed", running=False, eta_s=None))
    assert "killed: its process 42 on here is gone" in " ".join(shown(dead).split())
    assert "the same command goes on" in ending(dead)[0]


def test_a_run_that_stopped_says_why() -> None:
    stopped = replace(STATUS, status="budget", running=False, message="budget.usd is used up")
    assert ending(replace(LOOK, status=stopped)) == ["budget.usd is used up"]
    assert ending(replace(LOOK, status=replace(stopped, status="complete", message=None))) == []


def test_a_log_that_was_read_from_its_end_says_since_when_it_counts() -> None:
    assert "since 12:02:00 UTC" in shown(
        replace(LOOK, counted_since="2026-10-18T12:02:00+00:00"), 140
    )
