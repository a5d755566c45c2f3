"""The file of batches: what a killed start had bought, or was about to buy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from judgeforge.errors import StoreError
from judgeforge.store.batches import (
    BatchBook,
    BatchCount,
    StoredRequest,
    counted_batches,
    read_batches,
)
from tests.support.full_disk import fits_only


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "batches.jsonl"


@pytest.fixture
def book(place: Path) -> Iterator[BatchBook]:
    opened = BatchBook(place)
    yield opened
    opened.close()


def plan(book: BatchBook, nonce: str, requests: int = 2) -> None:
    book.keep_requests(nonce, (StoredRequest(f"k{n}", "{}") for n in range(requests)))
    book.planned(nonce, "writer", requests, 7, "2026-11-26")


def test_a_batch_is_as_far_as_its_last_row_says(book: BatchBook, place: Path) -> None:
    plan(book, "a")
    entry = read_batches(place)["a"]
    assert (entry.model, entry.requests, entry.first_reservation) == ("writer", 2, 7)
    assert (entry.day, entry.creating, entry.id) == ("2026-11-26", False, None)
    book.creating("a", "file-1")
    assert read_batches(place)["a"].creating
    book.created("a", "batch_1")
    book.seen("a", 1)
    entry = read_batches(place)["a"]
    assert (entry.uploaded, entry.id, entry.answered) == ("file-1", "batch_1", 1)
    book.ended("a", 2)
    assert read_batches(place)["a"].ended
    assert BatchBook(place).open_entries == []


def test_the_requests_are_there_until_the_batch_has_ended(book: BatchBook, place: Path) -> None:
    plan(book, "a")
    assert [one.key for one in BatchBook(place).requests("a")] == ["k0", "k1"]
    book.ended("a", 0)
    assert list(place.parent.glob("batch-*")) == []
    with pytest.raises(StoreError, match="cannot be read"):
        list(book.requests("a"))


def test_requests_of_a_batch_that_was_never_planned_are_removed(
    book: BatchBook, place: Path
) -> None:
    plan(book, "a")
    book.keep_requests("b", [StoredRequest("k", "{}")])
    (place.parent / ".batch-c.requests.0123.part").touch()
    again = BatchBook(place)
    again.remove_orphans()
    assert not list(place.parent.glob(".*.part"))
    assert [file.name for file in place.parent.glob("batch-*")] == ["batch-a.requests"]


def test_a_row_that_a_kill_cut_off_is_left_out_and_taken_away(book: BatchBook, place: Path) -> None:
    plan(book, "a")
    with place.open("ab") as file:
        file.write(b'["creating","a","fi')
    again = BatchBook(place)
    assert not again.entries["a"].creating
    again.creating("a", "")
    again.close()
    assert read_batches(place)["a"].creating


@pytest.mark.parametrize(
    "line", ['["created","unknown","id",1]', '["bought","a"]', "{}", '["planned","a"]', "nonsense"]
)
def test_a_damaged_file_stops_everything_because_what_was_bought_is_unknown(
    book: BatchBook, place: Path, line: str
) -> None:
    plan(book, "a")
    with place.open("a") as file:
        file.write(line + "\n")
    with pytest.raises(StoreError, match=r"batches\.jsonl:2: .*nothing is sent"):
        read_batches(place)


def test_a_full_disk_leaves_no_half_row(
    book: BatchBook, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan(book, "a")
    fits_only(monkeypatch, 5)
    with pytest.raises(StoreError, match="cannot be written"):
        book.creating("a", "file-1")
    monkeypatch.undo()
    assert not read_batches(place)["a"].creating


def test_only_batches_that_may_be_at_a_provider_are_counted(book: BatchBook) -> None:
    assert counted_batches(book.entries.values()) is None
    plan(book, "a", 40)
    assert counted_batches(book.entries.values()) is None
    book.creating("a", "")
    book.created("a", "batch_1")
    book.seen("a", 12)
    count = counted_batches(book.entries.values())
    assert count is not None
    assert (count.batches, count.requests, count.answered) == (1, 40, 12)
    book.ended("a", 40)
    assert counted_batches(book.entries.values()) is None


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (BatchCount(2, 4000, 1240, 1080.0), "2 batches, 1,240 of 4,000 answered, oldest 18 min"),
        (BatchCount(1, 3, 0, 4.2), "1 batch, 0 of 3 answered, oldest 4 s"),
        (BatchCount(1, 3, 0, 90_000.0), "1 batch, 0 of 3 answered, oldest 25.0 h"),
    ],
)
def test_the_batches_under_way_in_words(count: BatchCount, words: str) -> None:
    assert str(count) == words
