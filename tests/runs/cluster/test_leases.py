"""What becomes of the reservations of workers: whoever dies, money is neither lost nor exceeded."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from judgeforge.calls.money.budget import Budget
from judgeforge.calls.money.ledger import Ledger
from judgeforge.errors import BudgetExhaustedError, StoreError
from judgeforge.runs.cluster.leases import Leases, return_leases
from judgeforge.runs.cluster.messages import Granted
from judgeforge.store.durable_files import AppendedFile
from judgeforge.store.folder import RunFolder
from judgeforge.store.lock import try_flock
from judgeforge.store.spending import read_account, to_pico

CENT = to_pico(0.01)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    made = RunFolder(tmp_path / "run")
    made.create()
    return made


@pytest.fixture
def budget(folder: RunFolder) -> Iterator[Budget]:
    opened = Budget(folder.spending_file, usd=1.0)
    yield opened
    opened.close()


def granted(leases: Leases, worker: str, count: int, pico: int = CENT) -> list[int]:
    found = leases.try_grant(worker, pico, count)
    assert isinstance(found, Granted)
    return list(found.numbers)


def use(folder: RunFolder, worker: str, *numbers: int) -> None:
    with folder.used_numbers_file(worker).open("a") as file:
        file.writelines(f"{number}\n" for number in numbers)


def test_a_lease_counts_as_spent_from_the_moment_it_is_granted(
    folder: RunFolder, budget: Budget
) -> None:
    granted(Leases(budget, folder), "w1", 10)
    assert read_account(folder.spending_file).committed_pico == 10 * CENT


def test_workers_never_hold_more_than_the_budget_whatever_they_ask_for(
    folder: RunFolder, budget: Budget
) -> None:
    leases, held = Leases(budget, folder), 0
    for turn in range(200):
        found = leases.try_grant(f"w{turn % 3}", CENT, 32)
        held += 0 if found is None else len(found.numbers)
    assert held == 100
    assert read_account(folder.spending_file).committed_pico == to_pico(1.0)


def test_one_worker_is_granted_a_part_of_what_is_left(folder: RunFolder, budget: Budget) -> None:
    leases = Leases(budget, folder)
    assert len(granted(leases, "w1", 90)) == 25
    assert len(granted(leases, "w2", 90)) == 18


def test_a_killed_worker_gives_back_what_it_had_not_used(folder: RunFolder, budget: Budget) -> None:
    leases = Leases(budget, folder)
    numbers = granted(leases, "w1", 10)
    use(folder, "w1", *numbers[:3])
    leases.close("w1", ["settled", numbers[0], 7, 5, 1])
    assert leases.lost("w1") == 2
    account = read_account(folder.spending_file)
    assert (account.calls, account.committed_pico) == (3, 2 * CENT + 7)
    assert budget.in_flight == 0


def test_a_worker_whose_notes_are_out_of_reach_counts_as_having_used_all(
    folder: RunFolder, budget: Budget
) -> None:
    leases = Leases(budget, folder)
    granted(leases, "far", 10)
    assert leases.lost("far") == 10
    assert read_account(folder.spending_file).committed_pico == 10 * CENT


def test_a_number_that_a_kill_cut_off_is_of_a_call_that_had_not_left(
    folder: RunFolder, budget: Budget
) -> None:
    leases = Leases(budget, folder)
    granted(leases, "w1", 10)
    folder.used_numbers_file("w1").write_text("1\n2")
    assert leases.lost("w1") == 1


def test_a_row_of_another_workers_reservation_changes_nothing(
    folder: RunFolder, budget: Budget
) -> None:
    leases = Leases(budget, folder)
    numbers = granted(leases, "w1", 2)
    leases.close("w2", ["released", numbers[0]])
    assert leases.held("w1") == 2


def test_after_a_kill_of_all_the_next_start_takes_back_what_was_not_used(
    folder: RunFolder, budget: Budget
) -> None:
    leases = Leases(budget, folder)
    first, second = granted(leases, "w1", 10), granted(leases, "w2", 5)
    use(folder, "w1", *first[:4])
    use(folder, "w2")
    leases.close("w2", ["released", second[0]])
    again = Budget(folder.spending_file, usd=1.0)
    assert return_leases(again, folder) == 6 + 4
    assert again.calls == 4
    assert again.room().pico == to_pico(1.0) - 4 * CENT
    assert (folder.all_used_numbers(), folder.leases_file.exists()) == ([], False)
    assert return_leases(again, folder) == 0
    again.close()


def test_a_worker_that_outlives_its_coordinator_keeps_what_it_may_still_use(
    folder: RunFolder, budget: Budget
) -> None:
    granted(Leases(budget, folder), "w1", 10)
    alive = AppendedFile(folder.used_numbers_file("w1"))
    assert try_flock(alive)
    again = Budget(folder.spending_file, usd=1.0)
    assert return_leases(again, folder) == 0
    assert again.calls == 10
    again.close()


def test_a_damaged_list_of_leases_stops_the_start(folder: RunFolder, budget: Budget) -> None:
    folder.leases_file.write_bytes(b"{oops\n")
    with pytest.raises(StoreError, match=r"leases\.jsonl"):
        return_leases(budget, folder)


def test_the_last_cent_is_waited_for_and_then_refused(folder: RunFolder, budget: Budget) -> None:
    async def run() -> None:
        leases = Leases(budget, folder)
        numbers: list[int] = []
        while (found := leases.try_grant("w1", CENT, 100)) is not None:
            numbers += found.numbers
        waiting = asyncio.ensure_future(leases.grant_one("w2", CENT))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        leases.close("w1", ["released", numbers[0]])
        assert len((await waiting).numbers) == 1
        for number in numbers[1:]:
            leases.close("w1", ["settled", number, CENT, 1, 1])
        leases.close("w2", ["settled", waiting.result().numbers[0], CENT, 1, 1])
        with pytest.raises(BudgetExhaustedError):
            await leases.grant_one("w2", CENT)

    asyncio.run(run())


def test_a_day_that_others_share_holds_as_well(folder: RunFolder, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "day.txt", daily_pico=10 * CENT)
    budget = Budget(folder.spending_file, ledger=ledger)
    leases, held = Leases(budget, folder), 0
    while (found := leases.try_grant("w1", CENT, 4)) is not None:
        held += len(found.numbers)
    assert held == 10
    leases.lost("w1")
    assert ledger.total(ledger.today()).committed == 10 * CENT
    budget.close()
    ledger.close()


def test_after_a_power_cut_notes_say_too_little_so_all_that_was_held_counts_as_used(
    folder: RunFolder, budget: Budget
) -> None:
    leases = Leases(budget, folder)
    granted(leases, "w1", 10)
    use(folder, "w1")
    again = Budget(folder.spending_file, usd=1.0)
    assert return_leases(again, folder, notes_are_whole=False) == 0
    assert again.calls == 10
    assert (folder.all_used_numbers(), folder.leases_file.exists()) == ([], False)
    again.close()


def test_reservations_of_yesterday_are_wanted_back_once_when_the_day_changes(
    folder: RunFolder, tmp_path: Path
) -> None:
    clock = [1_790_000_000.0]
    ledger = Ledger(tmp_path / "day.txt", daily_pico=100 * CENT, now=lambda: clock[0])
    budget = Budget(folder.spending_file, ledger=ledger)
    leases = Leases(budget, folder)
    granted(leases, "w1", 2)
    assert not leases.are_wanted_back()
    clock[0] += 86_400
    assert leases.are_wanted_back()
    assert not leases.are_wanted_back()
    budget.close()
    ledger.close()


def test_what_is_not_used_is_wanted_back_once_the_next_call_has_no_room_beside_it(
    folder: RunFolder, budget: Budget
) -> None:
    leases = Leases(budget, folder)
    assert not leases.are_wanted_back()
    while leases.try_grant("w1", CENT, 100) is not None:
        pass
    assert leases.are_wanted_back()
