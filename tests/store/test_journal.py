"""The journal: a kill at any byte loses no finished prompt and leaves no half one."""

import errno
import fcntl
import os

import pytest

from judgeforge.errors import LockHeldError, StoreError
from judgeforge.records import Completion, Skip, SkipReason
from judgeforge.store.finished_prompt import finished_prompt
from judgeforge.store.folder import RunFolder
from judgeforge.store.journal import Journal
from judgeforge.store.lock import FolderLock, is_held


def skip_of(prompt_id, detail="equal scores"):
    return Skip(prompt_id=prompt_id, line=1, reason=SkipReason.TIE, detail=detail)


def outcome(prompt_id, text="an answer"):
    completion = Completion(
        id=f"{prompt_id}.c0", prompt_id=prompt_id, index=0, model="m", text=text, finish="stop"
    )
    return finished_prompt(
        prompt_id=prompt_id, digest="d" * 64, completions=[completion], skip=skip_of(prompt_id)
    )


@pytest.fixture
def file(tmp_path):
    return tmp_path / "journal"


def test_what_was_appended_is_found_again(file):
    journal = Journal(file)
    entries = [journal.append(outcome(name, "line\nbreak  and ü")) for name in "abc"]
    again = Journal(file)
    assert dict(again.entries()) == dict(zip("abc", entries, strict=True))
    lines = again.lines(entries[1].offset)
    assert [len(lines[n]) for n in ("pairs", "completions", "judgments", "skips")] == [0, 1, 0, 1]
    assert b'"prompt_id":"b"' in lines["skips"][0]


def test_a_cut_at_every_byte_leaves_the_prompts_before_it(file):
    journal = Journal(file)
    first = journal.append(outcome("a"))
    second = journal.append(outcome("b"))
    journal.close()
    whole = file.read_bytes()
    for size in range(second.offset, len(whole)):
        file.write_bytes(whole[:size])
        cut = Journal(file)
        assert dict(cut.entries()) == {"a": first}
        assert cut.append(outcome("b")).offset == second.offset
        cut.close()
        assert file.read_bytes() == whole


def test_damage_in_the_middle_is_not_silently_cut_away(file):
    journal = Journal(file)
    second = [journal.append(outcome(name)) for name in "abcd"][1]
    journal.close()
    with file.open("r+b") as bytes_:
        bytes_.seek(second.offset)
        bytes_.write(b"XXXX")
    with pytest.raises(StoreError, match="damaged"):
        Journal(file)


def test_a_text_that_was_changed_is_never_handed_out(file):
    journal = Journal(file)
    first, second = (journal.append(outcome(name, f"answer {name}")) for name in "ab")
    file.write_bytes(file.read_bytes().replace(b"answer a", b"answer X"))
    with pytest.raises(StoreError, match="damaged at byte 0"):
        journal.lines(first.offset)
    assert journal.lines(second.offset)["completions"]


@pytest.mark.parametrize("header", [b"5", b"[]", b'"x"', b"null"])
def test_a_header_that_is_no_object_is_damage(file, header):
    journal = Journal(file)
    journal.append(outcome("a"))
    journal.close()
    file.write_bytes(header + b"\n" + file.read_bytes())
    with pytest.raises(StoreError, match="damaged at byte 0"):
        Journal(file)


def test_a_prompt_ends_with_pairs_or_one_skip_never_with_nothing():
    with pytest.raises(ValueError, match="pairs or with one skip"):
        finished_prompt(prompt_id="a", digest="")


def test_results_are_written_in_the_order_of_the_input(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.create()
    journal = Journal(folder.journal_file)
    late, early = journal.append(outcome("late")), journal.append(outcome("early"))
    bad = skip_of("line-2").model_dump_json().encode() + b"\n"
    folder.write_results(journal, [early.offset, bad, late.offset])
    text = folder.file("skips").read_text()
    assert text.index("early") < text.index("line-2") < text.index("late")
    assert len(folder.file("completions").read_text().splitlines()) == 2


def test_a_second_run_on_the_folder_is_refused_and_a_dead_one_leaves_no_lock(tmp_path):
    with FolderLock(tmp_path / "lock"), pytest.raises(LockHeldError), FolderLock(tmp_path / "lock"):
        pytest.fail("two runs hold one folder")
    with FolderLock(tmp_path / "lock"):
        pass


def test_a_folder_of_a_newer_version_is_refused_with_advice(tmp_path):
    folder = RunFolder(tmp_path)
    folder.manifest_file.write_text('{"format_version": 99}')
    with pytest.raises(StoreError, match="newer judgeforge"):
        folder.read_manifest()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_a_store_error(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError):
        RunFolder(tmp_path / "run").create()


def test_a_journal_of_a_newer_version_is_refused_and_left_alone(file):
    journal = Journal(file)
    journal.append(outcome("a"))
    file.write_bytes(file.read_bytes().replace(b'"format": 1', b'"format": 2'))
    before = file.read_bytes()
    with pytest.raises(StoreError, match=r"newer judgeforge.*Upgrade"):
        Journal(file)
    assert file.read_bytes() == before


def test_a_journal_from_before_formats_had_a_number_stays_readable(file):
    Journal(file).append(outcome("a"))
    file.write_bytes(file.read_bytes().replace(b'"format": 1, ', b""))
    assert [name for name, _ in Journal(file).entries()] == ["a"]


class TestLock:
    def no_flock(self, monkeypatch, way):
        def flock(descriptor, operation):
            if way == "none":
                raise OSError(errno.ENOLCK, "No locks available")

        monkeypatch.setattr(fcntl, "flock", flock)

    @pytest.mark.parametrize("way", ["none", "pretended"])
    def test_a_file_system_without_flock_is_refused_unless_told_otherwise(
        self, tmp_path, monkeypatch, way
    ):
        self.no_flock(monkeypatch, way)
        with pytest.raises(StoreError, match=r"flock.*--no-lock"), FolderLock(tmp_path / "lock"):
            pytest.fail("held without a lock")
        with FolderLock(tmp_path / "lock", needed=False):
            pass

    def test_whoever_comes_second_is_told_who_is_there(self, tmp_path):
        with FolderLock(tmp_path / "lock") as lock:
            lock.sign(since="2026-10-18T02:00:00+00:00", journal_bytes=0)
            assert is_held(tmp_path / "lock")
            said = rf"process {os.getpid()} on .* since 2026-10-18T02"
            with pytest.raises(LockHeldError, match=said), FolderLock(tmp_path / "lock"):
                pass
        assert not is_held(tmp_path / "lock")
