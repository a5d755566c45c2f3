"""The spending file: no half row, and an account that counts all that may have been billed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgeforge.errors import StoreError
from judgeforge.store.spending import (
    RELEASED,
    RESERVED,
    SETTLED,
    Account,
    Spending,
    SpendingFile,
    read_account,
)
from tests.support.full_disk import fits_only


def test_the_account_of_a_file_is_that_of_its_rows(file: Path) -> None:
    spending = SpendingFile(file)
    for row in (
        [RESERVED, 0, 5_000_000],
        [RESERVED, 1, 7_000_000],
        [RESERVED, 2, 9_000_000],
        [SETTLED, 0, 1_000_000, 10, 20],
        [RELEASED, 1],
    ):
        spending.append(row)
    account = read_account(file)
    assert account.spending() == Spending(calls=2, input_tokens=10, output_tokens=20, cost_usd=1e-5)
    assert (account.committed_pico, account.next_id) == (10_000_000, 3)
    assert file.read_text().splitlines()[3:] == ['["settled",0,1000000,10,20]', '["released",1]']


def test_a_start_has_not_spent_less_than_nothing_where_what_was_left_open_cost_less() -> None:
    account = Account()
    account.add([RESERVED, 0, 5_000_000])
    account.add([RESERVED, 1, 7_000_000])
    before = account.spending()
    account.add([SETTLED, 0, 1_000_000, 10, 20])
    account.add([RELEASED, 1])
    since = account.spending().since(before)
    assert since == Spending(calls=0, input_tokens=10, output_tokens=20, cost_usd=0.0)


def test_a_file_that_is_not_there_is_an_empty_account(file: Path) -> None:
    assert read_account(file).calls == 0
    assert not file.exists()


@pytest.mark.parametrize("torn", ["", "[", '["reserved",1', '["reserved",1,5]'])
def test_a_torn_row_was_for_a_call_that_was_not_sent(file: Path, torn: str) -> None:
    whole = '["reserved",0,5]\n'
    file.write_text(whole + torn)
    assert read_account(file).calls == 1
    assert file.read_text() == whole + torn
    spending = SpendingFile(file)
    spending.append([SETTLED, 0, 5, 1, 1])
    assert file.read_text() == whole + '["settled",0,5,1,1]\n'


@pytest.mark.parametrize(
    "row",
    ["[", "{}", "5", '["bought",1]', '["settled",9,1,1,1]', '["reserved"]', "", '["reserved",0,5]',
     '["reserved",2,5]', '["settled",0,-5,1,1]', '["settled",0,Infinity,1,1]', '["settled",0,5]',
     "[" * 100_000, '["reserved",1,' + "9" * 5000 + "]", "\x00" * 9],
)  # fmt: skip
def test_any_other_row_that_cannot_be_read_stops_everything(file: Path, row: str) -> None:
    file.write_text(f'["reserved",0,5]\n{row}\n["released",0]\n')
    with pytest.raises(StoreError, match=r"file\.jsonl:2: .*nothing is sent"):
        read_account(file)


@given(
    st.lists(st.tuples(st.sampled_from("rsx"), st.integers(0, 9), st.none() | st.integers(0, 99)))
)
def test_what_may_still_be_billed_is_the_sum_of_what_is_open(
    steps: list[tuple[str, int, int | None]],
) -> None:
    account, held, paid = Account(), dict[int, int | None](), 0
    for kind, number, pico in steps:
        if kind == "r":
            held[account.next_id] = pico
            account.add([RESERVED, account.next_id, pico])
        elif number in held:
            del held[number]
            paid += (pico or 0) if kind == "s" else 0
            account.add([SETTLED, number, pico, 1, 1] if kind == "s" else [RELEASED, number])
    assert account.reserved_pico == sum(pico or 0 for pico in held.values())
    assert account.committed_pico == account.reserved_pico + paid


def test_a_row_that_does_not_fit_on_the_disk_leaves_no_half_line(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spending = SpendingFile(file)
    spending.append([RESERVED, 0, 5])
    with monkeypatch.context() as full:
        fits_only(full, 4)
        with pytest.raises(StoreError, match="disk is full"):
            spending.append([RESERVED, 1, 5])
    spending.append([SETTLED, 0, 5, 1, 1])
    assert file.read_text().splitlines() == ['["reserved",0,5]', '["settled",0,5,1,1]']
