"""The ledger: one budget a day for many runs and processes, never over, whatever is killed."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from judgeforge.calls.money import budget as budgets
from judgeforge.calls.money.budget import Budget
from judgeforge.calls.money.ledger import DayTotal, Hold, Ledger
from judgeforge.errors import BudgetExhaustedError, ConfigError, StoreError
from judgeforge.store.spending import to_pico

NOON = datetime(2026, 10, 24, 12, tzinfo=UTC).timestamp()
HOUR = 3600.0


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ledger.txt"


def ledger(file: Path, limit: int = 1000, *, at: float = NOON, timezone: str = "UTC") -> Ledger:
    return Ledger(file, daily_pico=limit, timezone=timezone, now=lambda: at)


def test_runs_share_what_a_day_allows(file: Path) -> None:
    one, two = ledger(file), ledger(file)
    hold = one.take(700)
    assert two.take(400) is None
    one.settle(hold, 100)
    assert two.take(400) is not None
    assert one.total("2026-10-24") == DayTotal(settled=100, open=400, calls=2)


def test_a_call_that_was_never_sent_is_given_back(file: Path) -> None:
    one = ledger(file)
    one.release(one.take(700))
    assert one.total("2026-10-24") == DayTotal(0, 0, 0)


def test_what_a_killed_process_had_in_flight_stays_spent_on_its_day(file: Path) -> None:
    ledger(file).take(700)
    assert ledger(file).take(400) is None
    assert ledger(file, at=NOON + 24 * HOUR).take(400) is not None


def test_a_call_over_midnight_counts_on_the_day_it_was_reserved(file: Path) -> None:
    clock = [NOON]
    one = Ledger(file, daily_pico=1000, now=lambda: clock[0])
    hold = one.take(700)
    clock[0] += 13 * HOUR
    one.settle(hold, 600)
    assert one.total("2026-10-24").settled == 600
    assert one.total("2026-10-25").committed == 0


def test_a_clock_that_jumps_back_finds_its_day_again(file: Path) -> None:
    clock = [NOON + 13 * HOUR]
    one = Ledger(file, daily_pico=1000, now=lambda: clock[0])
    one.take(900)
    clock[0] -= 2 * HOUR
    assert one.take(900) is not None
    assert one.take(200) is None
    clock[0] += 2 * HOUR
    assert one.take(200) is None


def test_who_is_cancelled_when_a_settlement_comes_reserves_nothing(
    file: Path, tmp_path: Path
) -> None:
    async def scenario() -> Any:
        budget = Budget(tmp_path / "spending", ledger=ledger(file))
        first = await budget.reserve(700)
        waiting = asyncio.create_task(budget.reserve(700))
        await asyncio.sleep(0.01)
        budget.settle(first, 100)
        waiting.cancel()
        ends = await asyncio.gather(waiting, return_exceptions=True)
        return [type(end) for end in ends], budget.in_flight

    assert asyncio.run(scenario()) == ([asyncio.CancelledError], 0)


@pytest.mark.parametrize(
    ("timezone", "day"),
    [("UTC", "2026-10-24"), ("Europe/Vienna", "2026-10-25"), ("America/Lima", "2026-10-24")],
)
def test_a_day_begins_at_midnight_of_the_time_zone(file: Path, timezone: str, day: str) -> None:
    assert ledger(file, at=NOON + 10.5 * HOUR, timezone=timezone).today() == day


def test_all_runs_need_the_same_time_zone(file: Path) -> None:
    ledger(file)
    with pytest.raises(ConfigError, match=r"counts days in UTC.*budget\.timezone is Europe/Vienna"):
        ledger(file, timezone="Europe/Vienna")


def test_a_newer_format_is_refused_with_advice(file: Path) -> None:
    ledger(file).close()
    file.write_bytes(file.read_bytes().replace(b"judgeforge-ledger 1", b"judgeforge-ledger 2"))
    with pytest.raises(StoreError, match=r"newer judgeforge.*Upgrade"):
        ledger(file)


def test_another_file_is_never_overwritten(file: Path) -> None:
    file.write_text("my shopping list\n" * 20)
    before = file.read_bytes()
    with pytest.raises(StoreError, match="not a ledger"):
        ledger(file)
    assert file.read_bytes() == before


def test_a_damaged_line_stops_everything_because_the_spending_is_unknown(file: Path) -> None:
    ledger(file).take(700)
    file.write_bytes(file.read_bytes().replace(b"700", b"100"))
    with pytest.raises(StoreError, match=r"ledger\.txt:2: the line is damaged"):
        ledger(file).take(1)


def test_a_ledger_that_is_replaced_in_mid_run_is_noticed(file: Path) -> None:
    one = ledger(file)
    file.rename(file.with_suffix(".old"))
    ledger(file)
    with pytest.raises(StoreError, match="removed or replaced"):
        one.take(1)


@pytest.mark.parametrize("way", ["none", "pretended"])
def test_a_file_system_without_flock_is_refused(
    file: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    def no_flock(descriptor: int, operation: int) -> None:
        if way == "none":
            raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_flock)
    with pytest.raises(StoreError, match=r"flock.*local file system"):
        ledger(file)


def test_a_settlement_that_finds_the_lock_taken_is_written_later(file: Path) -> None:
    one = ledger(file)
    hold = one.take(700)
    with file.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        one.settle(hold, 100)
    assert ledger(file).total("2026-10-24").open == 700
    assert one.flush()
    assert ledger(file).total("2026-10-24") == DayTotal(100, 0, 1)


class TestBudgetOfADay:
    def test_a_call_waits_for_other_runs_to_settle(self, tmp_path: Path, file: Path) -> None:
        async def scenario() -> Any:
            one, two = (
                Budget(tmp_path / name, ledger=Ledger(file, daily_pico=1000)) for name in "ab"
            )
            first = await one.reserve(900)
            waiting = asyncio.create_task(two.reserve(500))
            await asyncio.sleep(0.1)
            assert not waiting.done()
            one.settle(first, 100)
            await asyncio.wait_for(waiting, 30)

        asyncio.run(scenario())

    def test_it_waits_only_as_long_as_something_changes(
        self, tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(budgets, "LEDGER_WAIT_S", 0.2)
        Ledger(file, daily_pico=1000).take(900)
        budget = Budget(tmp_path / "spending", ledger=Ledger(file, daily_pico=1000))
        with pytest.raises(BudgetExhaustedError, match=r"budget\.daily_usd.*Tomorrow"):
            asyncio.run(budget.reserve(500))

    def test_money_that_is_settled_never_comes_back_so_nobody_waits(
        self, tmp_path: Path, file: Path
    ) -> None:
        other = Ledger(file, daily_pico=1000)
        other.settle(other.take(900), 900)
        budget = Budget(tmp_path / "spending", ledger=Ledger(file, daily_pico=1000))
        start = time.monotonic()
        with pytest.raises(BudgetExhaustedError):
            asyncio.run(budget.reserve(500))
        assert time.monotonic() - start < 30

    @pytest.mark.parametrize(
        ("limit", "held", "helps"),
        [
            (None, 900, True),
            (None, 0, False),  # no other run holds anything that could come back
            (100, 900, False),  # the folder's own limit is in the way, whatever others do
        ],
    )
    def test_a_prompt_waits_for_other_runs_only_where_they_can_make_room(
        self, tmp_path: Path, file: Path, limit: int | None, held: int, *, helps: bool
    ) -> None:
        if held:
            Ledger(file, daily_pico=1000).take(held)
        ledger = Ledger(file, daily_pico=1000)
        usd = None if limit is None else limit / to_pico(1.0)
        budget = Budget(tmp_path / "spending", usd=usd, ledger=ledger)
        assert asyncio.run(budget.wait_for_others(500)) is helps

    def test_a_process_that_keeps_the_lock_ends_the_wait(
        self, tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(budgets, "LEDGER_WAIT_S", 0.2)
        budget = Budget(tmp_path / "spending", ledger=Ledger(file, daily_pico=1000))
        with file.open("rb") as other:
            fcntl.flock(other, fcntl.LOCK_EX)
            with pytest.raises(StoreError, match="is it stopped"):
                asyncio.run(budget.reserve(500))


class LedgerLife(RuleBasedStateMachine):
    """Three runs reserve, settle, die and start again over several days: never over on any."""

    LIMIT = 1000

    def __init__(self) -> None:
        super().__init__()
        self.file = Path(tempfile.mkdtemp()) / "ledger.txt"
        self.now = NOON
        self.billed = {}
        self.runs = [self._start() for _ in range(3)]
        self.open = [[], [], []]

    def _start(self) -> Ledger:
        return Ledger(self.file, daily_pico=self.LIMIT, now=lambda: self.now)

    def _bill(self, hold: Hold, share: float) -> int:
        cost = int(hold.pico * share)
        self.billed[hold.day] = self.billed.get(hold.day, 0) + cost
        return cost

    @rule(run=st.integers(0, 2), pico=st.integers(0, 400))
    def reserve(self, run: int, pico: int) -> None:
        day = self.runs[run].today()
        fits = self.runs[run].total(day).committed + pico <= self.LIMIT
        hold = self.runs[run].take(pico)
        assert (hold is not None) == fits
        if hold is not None:
            self.open[run].append(hold)

    @precondition(lambda self: any(self.open))
    @rule(run=st.integers(0, 2), share=st.floats(0, 1), which=st.integers(0, 99))
    def settle(self, run: int, share: float, which: int) -> None:
        if self.open[run]:
            hold = self.open[run].pop(which % len(self.open[run]))
            self.runs[run].settle(hold, self._bill(hold, share))

    @rule(run=st.integers(0, 2), which=st.integers(0, 99))
    def never_connected(self, run: int, which: int) -> None:
        if self.open[run]:
            self.runs[run].release(self.open[run].pop(which % len(self.open[run])))

    @rule(run=st.integers(0, 2), share=st.floats(0, 1))
    def killed(self, run: int, share: float) -> None:
        for hold in self.open[run]:
            self._bill(hold, share)
        self.open[run] = []
        self.runs[run]._lines.close()
        self.runs[run] = self._start()

    @rule(hours=st.sampled_from([-25, -1, 1, 13, 24]))
    def time_passes_or_the_clock_jumps(self, hours: int) -> None:
        self.now += hours * HOUR

    @invariant()
    def never_over_on_any_day(self) -> None:
        reader = self._start()
        for day, billed in self.billed.items():
            assert billed <= reader.total(day).committed <= self.LIMIT
        reader.close()

    def teardown(self) -> None:
        for run in self.runs:
            run.close()


LedgerLife.TestCase.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
TestLedgerLife = LedgerLife.TestCase

SPENDER = """
import os, random, sys, time
from pathlib import Path
from judgeforge.calls.money.ledger import Ledger, LedgerBusyError
ledger = Ledger(Path(sys.argv[1]), daily_pico=int(sys.argv[2]), now=lambda: 1.8e9)
bill = os.open(sys.argv[3], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
chance, refused = random.Random(int(sys.argv[4])), 0
print("ready", flush=True)
sys.stdin.readline()
while refused < 20:
    pico = chance.randrange(1, MOST)
    try:
        hold = ledger.take(pico)
    except LedgerBusyError:
        time.sleep(0.0005)
        continue
    if hold is None:
        refused += 1
        continue
    cost = chance.randrange(pico + 1)
    os.write(bill, b"%d\\n" % cost)
    ledger.settle(hold, cost)
ledger.close()
"""


def test_processes_at_once_and_killed_ones_never_exceed_the_day(tmp_path: Path, file: Path) -> None:
    limit, most = 400_000, 2000
    bills = [tmp_path / f"bill-{number}" for number in range(4)]

    def spender(number: int) -> subprocess.Popen[str]:
        program = SPENDER.replace("MOST", str(most))
        command = [sys.executable, "-c", program, file, limit, bills[number], number]
        pipe = subprocess.PIPE
        return subprocess.Popen([str(part) for part in command], stdin=pipe, stdout=pipe, text=True)

    processes = [spender(number) for number in range(4)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    while not bills[0].stat().st_size and processes[0].poll() is None:
        time.sleep(0.001)
    processes[0].kill()
    codes = [process.wait(timeout=60) for process in processes]
    assert codes[1:] == [0, 0, 0]
    billed = sum(int(line) for bill in bills for line in bill.read_text().split())
    total = Ledger(file, daily_pico=limit).total("2027-01-15")
    assert billed <= total.committed <= limit
    assert total.committed > limit - most
    assert total.open < most  # of the one that was killed
