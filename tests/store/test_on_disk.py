"""How much of a file is on the disk for certain, and what is made of what is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from judgeforge.errors import StoreError
from judgeforge.store import on_disk
from judgeforge.store.appended_rows import read_appended_rows
from judgeforge.store.finished_prompt import FILES, FinishedPrompt
from judgeforge.store.journal import Journal
from judgeforge.store.on_disk import Mark, doubtful_from
from judgeforge.store.spending import book_lost_calls, read_account

_ROWS = b'["reserved",0,50]\n["settled",0,30,1,1]\n["reserved",1,70]\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "spending.jsonl"


def _machine_starts_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_disk, "this_boot", lambda: "another")


def _mark(file: Path, end: int) -> None:
    mark = Mark(file.parent)
    mark.keep({file.name: end})
    mark.close()


def test_nothing_is_doubtful_while_the_machine_has_not_stopped(file: Path) -> None:
    assert doubtful_from(file) is None
    _mark(file, 7)
    assert doubtful_from(file) is None


def test_after_a_stop_of_the_machine_what_was_not_forced_is_doubtful(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _mark(file, 7)
    _machine_starts_again(monkeypatch)
    assert doubtful_from(file) == 7
    assert doubtful_from(file.with_name("made later")) == 0


@pytest.mark.parametrize("held", [b"", b"\0" * 512, b"{", b"[]", b'{"boot": "b"}', b"null"])
def test_a_mark_that_says_nothing_makes_nothing_doubtful(
    file: Path, held: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file.parent / on_disk.MARK).write_bytes(held)
    _machine_starts_again(monkeypatch)
    assert doubtful_from(file) is None


@pytest.mark.parametrize("tail", [b"\0" * 40 + b"\n", b'["settled",7,1,1,1]\n', b"[]\n", b"x\n"])
def test_rows_that_a_power_cut_damaged_are_left_out_and_others_refused(
    file: Path, tail: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_bytes(_ROWS + tail + b'["reserved",2,90]\n')
    _mark(file, len(_ROWS))
    with pytest.raises(StoreError, match=r"spending\.jsonl:4: "):
        read_account(file)
    _machine_starts_again(monkeypatch)
    assert read_account(file).committed_pico == 100


def test_damage_before_what_was_forced_is_refused_after_a_power_cut_too(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_bytes(b"x\n" + _ROWS)
    _mark(file, len(_ROWS))
    _machine_starts_again(monkeypatch)
    with pytest.raises(StoreError, match=r"spending\.jsonl:1: "):
        read_account(file)


def test_calls_whose_rows_are_lost_count_at_the_most_that_any_call_could_cost(file: Path) -> None:
    file.write_bytes(_ROWS)
    assert book_lost_calls(file, sent=5) == 3
    account = read_account(file)
    assert (account.calls, account.committed_pico) == (5, 30 + 70 + 3 * 70)
    assert book_lost_calls(file, sent=5) == 0


def test_calls_of_which_nothing_is_left_have_an_unknown_cost(file: Path) -> None:
    assert book_lost_calls(file, sent=2) == 2
    assert read_account(file).spending().cost_usd is None


def test_rows_are_read_up_to_the_one_that_was_cut_off(file: Path) -> None:
    file.write_bytes(b'{"a": 1}\n{"b": 2}\n{"c"')
    rows: list[object] = []
    assert read_appended_rows(file, rows.append) == 18
    assert rows == [{"a": 1}, {"b": 2}]


def _finished(number: int) -> FinishedPrompt:
    lines = {name: [json.dumps({"row": number, "of": name})] for name in FILES}
    return FinishedPrompt(f"p{number}", "ab" * 32, lines, None)


@pytest.mark.parametrize("damage", ["zeros in the second", "second missing", "zeros in the header"])
def test_a_journal_keeps_what_stands_before_the_record_that_a_power_cut_damaged(
    tmp_path: Path, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "journal.bin"
    journal = Journal(file)
    places = [journal.append(_finished(number)).offset for number in range(3)]
    journal.close()
    content = bytearray(file.read_bytes())
    first, size = places[1], places[2] - places[1]
    start = first if damage == "zeros in the header" else first + size - 20
    content[start : start + 20] = bytes(20)
    if damage == "second missing":
        content[first:] = bytes(len(content) - first)
    file.write_bytes(content)
    _mark(file, places[1])
    _machine_starts_again(monkeypatch)
    read_again = Journal(file)
    assert [prompt_id for prompt_id, _ in read_again.entries()] == ["p0"]
    assert file.stat().st_size == places[1]
