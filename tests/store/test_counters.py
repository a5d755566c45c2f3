"""Counts that a run keeps for the next start of its folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from judgeforge.errors import StoreError
from judgeforge.store.counters import REMEMBERED, CachedCalls, PromptCosts
from tests.support.full_disk import fits_only


def test_cached_calls_add_up_over_the_starts_of_a_folder(file: Path) -> None:
    for before, of_this_start in ((0, 7), (7, 5), (12, 0)):
        calls = CachedCalls(file)
        assert calls.before == before
        calls.keep(of_this_start)
        calls.close()
    assert file.read_bytes() == b"00000000000000000012"


@pytest.mark.parametrize("content", [b"", b"what", b"-1", b"\x00" * 20])
def test_a_count_that_is_none_begins_anew(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    assert CachedCalls(file).before == 0


def test_a_full_disk_leaves_no_count_that_is_too_small(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = CachedCalls(file)
    with monkeypatch.context() as full:
        fits_only(full, 19)
        with pytest.raises(StoreError, match="disk is full"):
            calls.keep(25)
    assert file.read_bytes() == b""


def test_the_costs_of_the_last_prompts_are_known_to_the_next_start(file: Path) -> None:
    costs = PromptCosts(file, prices="now")
    for number in range(REMEMBERED + 3):
        costs.add(number / 7, largest_pico=number)
    costs.close()
    again = PromptCosts(file, prices="now")
    assert list(again.ratios) == [round(number / 7, 6) for number in range(3, REMEMBERED + 3)]
    assert again.largest_pico == REMEMBERED + 2
    assert file.stat().st_size == 1024


def test_at_other_prices_the_largest_reservation_says_nothing(file: Path) -> None:
    PromptCosts(file, prices="then").add(0.5, largest_pico=9)
    costs = PromptCosts(file, prices="now")
    assert (list(costs.ratios), costs.largest_pico) == ([0.5], 0)


@pytest.mark.parametrize(
    "content", [b"no json", b"[]", b'["now", 1, "x"]', b"5", b'["now", 1e999]']
)
def test_costs_that_cannot_be_read_are_forgotten(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    costs = PromptCosts(file, prices="now")
    assert (list(costs.ratios), costs.largest_pico) == ([], 0)
