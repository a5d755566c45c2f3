"""The file of labels: each on the disk at once, cut lines repaired, one writer at a time."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from judgeforge.errors import ConfigError, LockHeldError, StoreError
from judgeforge.runs.labelling.label_file import LabelledFile
from judgeforge.runs.labelling.label_line import Given
from judgeforge.runs.labelling.session import Session
from tests.support.labelling import plain_rows, session_of, written


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "labels.jsonl"


def label_all(session: Session, said: str = "0") -> None:
    while (look := session.current()) is not None:
        assert session.answer(look.id, said)


def test_an_answer_is_forced_to_the_disk_before_it_counts(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", lambda _: forced.append(place.stat().st_size))
    with LabelledFile(place) as file:
        session = session_of(tmp_path / "p", file, plain_rows(3))
        look = session.current()
        assert look is not None
        session.answer(look.id, "1")
        assert forced[-1] == place.stat().st_size > 0
        session.take_back(look.id)
        assert forced[-1] == place.stat().st_size == 0


def test_only_its_owner_can_read_it(place: Path, tmp_path: Path) -> None:
    with LabelledFile(place) as file:
        label_all(session_of(tmp_path / "p", file, plain_rows(1)))
    assert place.stat().st_mode & 0o777 == 0o600


def test_what_a_kill_cut_off_is_taken_away_and_asked_again(place: Path, tmp_path: Path) -> None:
    with LabelledFile(place) as file:
        label_all(session_of(tmp_path / "p", file, plain_rows(3), again=0))
    whole = place.read_bytes()
    for cut in (1, len(whole) // 2, len(whole) - 2):
        place.write_bytes(whole[:cut])
        with LabelledFile(place) as file:
            assert file.repaired
            session = session_of(tmp_path / "p", file, plain_rows(3), again=0)
            assert session.done == whole[:cut].count(b"\n")
            label_all(session)
        assert len(written(place)) == 3


def test_a_whole_last_line_without_its_end_stays(place: Path, tmp_path: Path) -> None:
    with LabelledFile(place) as file:
        label_all(session_of(tmp_path / "p", file, plain_rows(2), again=0))
    place.write_bytes(place.read_bytes()[:-1])
    with LabelledFile(place) as file:
        assert not file.repaired
        assert len(file.given) == 2
    assert place.read_bytes().endswith(b"\n")


def test_labels_that_others_wrote_stay_and_are_not_taken_back(place: Path, tmp_path: Path) -> None:
    other = '{"prompt": "P", "a": "x", "b": "y", "label": "a"}\n'
    place.write_text(other)
    with LabelledFile(place) as file:
        assert (file.others, file.last) == (1, None)
        session = session_of(tmp_path / "p", file, plain_rows(1), again=0)
        look = session.current()
        assert look is not None
        assert session.answer(look.id, "0")
        assert session.take_back(look.id)
        assert file.last is None
    assert place.read_text() == other


def test_a_second_program_is_kept_out(place: Path) -> None:
    with LabelledFile(place), pytest.raises(LockHeldError, match="another `judgeforge label`"):
        LabelledFile(place).__enter__()
    with LabelledFile(place) as file:
        assert file.given == []


def test_a_file_that_was_replaced_meanwhile_is_not_written_to(place: Path, tmp_path: Path) -> None:
    with LabelledFile(place) as file:
        session = session_of(tmp_path / "p", file, plain_rows(2), again=0)
        place.unlink()
        look = session.current()
        assert look is not None
        with pytest.raises(StoreError, match="removed or replaced"):
            session.answer(look.id, "0")
        assert session.done == 0


def test_an_answer_that_the_disk_refuses_is_not_there(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with LabelledFile(place) as file:
        session = session_of(tmp_path / "p", file, plain_rows(2), again=0)
        look = session.current()
        assert look is not None
        with monkeypatch.context() as patch:
            patch.setattr(os, "fdatasync", full)
            with pytest.raises(StoreError, match="No space left"):
                session.answer(look.id, "0")
        assert (session.done, place.stat().st_size) == (0, 0)
        assert session.answer(look.id, "0")


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("labels.csv", None, "name the file labels.jsonl"),
        ("labels.jsonl", "not json\n", "labels.jsonl:1: is not a line of labels"),
        ("labels.jsonl", '{"label": "a"}\n[1]\n', "labels.jsonl:2: is not a line of labels"),
        ("pairs.jsonl", '{"chosen": "x", "rejected": "y"}\n', "pairs.jsonl:1: .*no answer"),
        (
            "prompts.jsonl",
            '{"prompt": "P", "completions": ["x"]}\n',
            "prompts.jsonl:1: .*no answer",
        ),
    ],
)
def test_a_place_that_is_no_label_file_is_refused(
    tmp_path: Path, name: str, content: str | None, problem: str
) -> None:
    place = tmp_path / name
    if content is not None:
        place.write_text(content)
    with pytest.raises(ConfigError, match=problem), LabelledFile(place):
        pass


def test_a_file_of_a_run_is_refused_though_it_is_empty(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "lock").touch()
    (tmp_path / "skips.jsonl").touch()
    with pytest.raises(ConfigError, match="a file of the run itself"):
        LabelledFile(tmp_path / "skips.jsonl")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").mkdir()
    with pytest.raises(ConfigError, match="not a regular file"):
        LabelledFile(tmp_path / "x.jsonl")


def test_the_file_of_another_person_is_refused_with_both_ways_out(
    place: Path, tmp_path: Path
) -> None:
    with LabelledFile(place) as file:
        label_all(session_of(tmp_path / "p", file, plain_rows(1)))
    with LabelledFile(place) as file, pytest.raises(ConfigError, match="--name ana"):
        session_of(tmp_path / "p", file, plain_rows(1), judge="human:ben")


def test_labels_of_another_kind_are_refused(place: Path, tmp_path: Path) -> None:
    with LabelledFile(place) as file:
        label_all(session_of(tmp_path / "p", file, plain_rows(1)))
    three = [{"id": "q", "prompt": "Q?", "completions": ["one", "two", "three"]}]
    with LabelledFile(place) as file, pytest.raises(ConfigError, match="a file of its own"):
        session_of(tmp_path / "p", file, three, show=4)


def test_what_is_given_can_be_asked_for(place: Path, tmp_path: Path) -> None:
    with LabelledFile(place) as file:
        label_all(session_of(tmp_path / "p", file, plain_rows(2), again=0), "tie")
        assert {type(one) for one in file.given} == {Given}
        assert [one.said for one in file.given] == ["tie", "tie"]
