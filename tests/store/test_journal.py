"""The journal: a kill at any byte loses no finished prompt and leaves no half one."""

from __future__ import annotations

from pathlib import Path

import pytest

from judgeforge.errors import StoreError
from judgeforge.store.finished_prompt import FILES, finished_prompt
from judgeforge.store.journal import Entry, FinishedPrompts, Journal
from judgeforge.text.prompt_keys import prompt_key
from tests.support.finished_prompts import finished
from tests.support.full_disk import fits_only


def test_what_was_appended_is_found_again(file: Path) -> None:
    journal = Journal(file)
    entries = [journal.append(finished(name, "line\nbreak  and ü")) for name in "abc"]
    again = Journal(file)
    assert dict(again.entries()) == dict(zip("abc", entries, strict=True))
    assert [name for name, _ in again.entries(entries[1].offset)] == ["b", "c"]
    lines = again.lines(entries[1].offset)
    assert [len(lines[name]) for name in FILES] == [0, 1, 0, 1]
    assert b'"prompt_id":"b"' in lines["skips"][0]


def test_what_was_removed_counts_no_more_and_is_there_where_its_row_comes_back(file: Path) -> None:
    journal = Journal(file)
    entries = [journal.append(finished(name)) for name in "abc"]
    everything = FinishedPrompts(journal.entries())
    assert everything.keys_beside([prompt_key("a")]) == {prompt_key("b"), prompt_key("c")}
    journal.remove({prompt_key("b"), prompt_key("unknown")})
    left = FinishedPrompts(Journal(file).entries())
    assert (len(left), left.keys_beside([prompt_key("a")])) == (2, frozenset([prompt_key("c")]))
    there = left.get("b")
    assert there is not None
    assert (there.offset, there.digest, there.removed) == (*entries_of(entries[1]), True)
    journal.append(finished("b"))
    again = FinishedPrompts(Journal(file).entries())
    assert len(again) == 3
    assert not any(entry.removed for name in "abc" if (entry := again.get(name)))


def entries_of(entry: Entry) -> tuple[int, int]:
    return entry.offset, entry.digest


@pytest.mark.slow
def test_a_cut_at_every_byte_leaves_the_prompts_before_it(file: Path) -> None:
    journal = Journal(file)
    first = journal.append(finished("a"))
    second = journal.append(finished("b"))
    journal.close()
    whole = file.read_bytes()
    for size in range(second.offset, len(whole)):
        file.write_bytes(whole[:size])
        cut = Journal(file)
        assert dict(cut.entries()) == {"a": first}
        assert cut.append(finished("b")).offset == second.offset
        cut.close()
        assert file.read_bytes() == whole


def test_a_reader_leaves_a_torn_record_out_and_where_it_is(file: Path) -> None:
    journal = Journal(file)
    journal.append(finished("a"))
    size = journal.size
    torn = file.read_bytes() + b'{"format": 1, "id": "b"'
    file.write_bytes(torn)
    reader = Journal(file, read_only=True)
    assert [name for name, _ in reader.entries()] == ["a"]
    assert file.read_bytes() == torn
    assert Journal(file).size == size


def test_looking_for_a_torn_end_finds_all_whole_records_and_no_other(file: Path) -> None:
    journal = Journal(file)
    for name in "abc":
        journal.append(finished(name))
    whole = dict(journal.entries())
    content = file.read_bytes()
    for cut, names in ((0, "abc"), (1, "ab"), (len(content) - 5, "")):
        file.write_bytes(content[: len(content) - cut])
        found: dict[str, Entry] = {}
        Journal(file, found=found.__setitem__)
        assert found == {name: whole[name] for name in names}


def test_a_prompt_that_does_not_fit_on_the_disk_is_done_again_with_room(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(file)
    journal.append(finished("a"))
    with monkeypatch.context() as full:
        fits_only(full, 100)
        with pytest.raises(StoreError, match="disk is full"):
            journal.append(finished("b"))
    journal.append(finished("c"))
    assert [name for name, _ in Journal(file).entries()] == ["a", "c"]


def test_damage_in_the_middle_is_not_silently_cut_away(file: Path) -> None:
    journal = Journal(file)
    second = [journal.append(finished(name)) for name in "abcd"][1]
    journal.close()
    with file.open("r+b") as content:
        content.seek(second.offset)
        content.write(b"XXXX")
    with pytest.raises(StoreError, match=rf"damaged at byte {second.offset}\."):
        Journal(file)


def test_a_text_that_was_changed_is_never_handed_out(file: Path) -> None:
    journal = Journal(file)
    first, second = (journal.append(finished(name, f"answer {name}")) for name in "ab")
    file.write_bytes(file.read_bytes().replace(b"answer a", b"answer X"))
    with pytest.raises(StoreError, match="damaged at byte 0"):
        journal.lines(first.offset)
    assert journal.lines(second.offset)["completions"]


@pytest.mark.parametrize("header", [b"5", b"[]", b'"x"', b"null"])
def test_a_header_that_is_no_object_is_damage(file: Path, header: bytes) -> None:
    Journal(file).append(finished("a"))
    file.write_bytes(header + b"\n" + file.read_bytes())
    with pytest.raises(StoreError, match="damaged at byte 0"):
        Journal(file)


def test_a_journal_of_a_newer_version_is_refused_and_left_alone(file: Path) -> None:
    Journal(file).append(finished("a"))
    file.write_bytes(file.read_bytes().replace(b'"format": 1', b'"format": 2'))
    before = file.read_bytes()
    with pytest.raises(StoreError, match=r"newer judgeforge.*Upgrade"):
        Journal(file)
    assert file.read_bytes() == before


def test_a_journal_from_before_formats_had_a_number_stays_readable(file: Path) -> None:
    Journal(file).append(finished("a"))
    file.write_bytes(file.read_bytes().replace(b'"format": 1, ', b""))
    assert [name for name, _ in Journal(file).entries()] == ["a"]


def test_a_prompt_ends_with_pairs_or_one_skip_never_with_nothing() -> None:
    with pytest.raises(ValueError, match="pairs or with one skip"):
        finished_prompt(prompt_id="a", digest="")
