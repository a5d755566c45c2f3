"""Which rows are the same, and which keep their ids: 8 bytes of each row are enough to tell."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgeforge.config.run import PromptsConfig
from judgeforge.inputs.duplicates import KeySet
from judgeforge.inputs.reading import read_prompts
from judgeforge.inputs.row_checks import RowChecks
from judgeforge.records import Skip
from tests.support.input_files import prompts, read, skips, write, write_jsonl

ROLES = ("user", "assistant", "user")


@pytest.mark.slow
def test_many_kept_copies_of_one_prompt_are_told_apart_without_searching(tmp_path: Path) -> None:
    file = write(tmp_path / "p.txt", "again\n" * 20_000)
    found = prompts(read(file, duplicate_prompts="keep"))
    assert len({row.id for row in found}) == len({row.digest for row in found}) == 20_000


def test_the_number_of_a_copy_never_takes_the_id_of_another_row(tmp_path: Path) -> None:
    (made,) = prompts(read(write_jsonl(tmp_path / "p.jsonl", [{"prompt": "a"}])))
    rows = [{"id": f"{made.id}-2", "prompt": "b"}, {"prompt": "a"}, {"prompt": "a"}]
    found = read(write_jsonl(tmp_path / "p.jsonl", rows), duplicate_prompts="keep")
    assert [row.id for row in prompts(found)] == [f"{made.id}-2", made.id, f"{made.id}-3"]
    rows.append({"id": made.id, "prompt": "c"})
    found = read(write_jsonl(tmp_path / "p.jsonl", rows), duplicate_prompts="keep")
    assert skips(found) == [(4, "duplicate_id")]


def test_an_identical_row_with_its_id_is_a_duplicate_id_in_both_settings(tmp_path: Path) -> None:
    file = write_jsonl(tmp_path / "p.jsonl", [{"id": "x", "prompt": "a"}] * 2)
    assert skips(read(file)) == [(2, "duplicate_id")]
    assert skips(read(file, duplicate_prompts="keep")) == [(2, "duplicate_id")]


@pytest.mark.parametrize(
    "twin", ["What  is it?", " What is it?", "What is\nit?", "What is it?\r\n", "What\u00a0is it?"]
)
def test_prompts_that_differ_in_white_space_only_are_duplicates(tmp_path: Path, twin: str) -> None:
    file = write_jsonl(tmp_path / "p.jsonl", [{"prompt": "What is it?"}, {"prompt": twin}])
    assert skips(read(file)) == [(2, "duplicate_prompt")]
    first, second = prompts(read(file, duplicate_prompts="keep"))
    assert first.id != second.id
    assert second.messages[0].content == twin


def test_turns_do_not_run_together_and_other_letters_stay_different(tmp_path: Path) -> None:
    turns = [["a b", "c", "d"], ["a", "b c", "d"], ["a", "b", "c d"]]
    rows = [
        {"prompt": [{"role": r, "content": c} for r, c in zip(ROLES, one, strict=True)]}
        for one in turns
    ]
    rows += [{"prompt": "ab"}, {"prompt": "a b"}, {"prompt": "A b"}]
    assert skips(read(write_jsonl(tmp_path / "p.jsonl", rows))) == []


def test_what_an_earlier_version_finished_is_no_duplicate(tmp_path: Path) -> None:
    rows = [{"id": "x", "prompt": "a"}, {"id": "y", "prompt": "a "}, {"id": "z", "prompt": " a"}]
    config = PromptsConfig(path=write_jsonl(tmp_path / "p.jsonl", rows))
    found = list(read_prompts(config, RowChecks(), is_done=lambda prompt: prompt.id == "y"))
    assert skips(found) == [(3, "duplicate_prompt")]


def test_the_copy_of_a_finished_row_is_as_much_a_duplicate_as_before(tmp_path: Path) -> None:
    config = PromptsConfig(path=write_jsonl(tmp_path / "p.jsonl", [{"prompt": "a"}] * 2))
    found = list(read_prompts(config, RowChecks(), is_done=lambda _: True))
    assert skips(found) == [(2, "duplicate_prompt")]


def test_ids_that_are_numbers_are_their_decimal_text(tmp_path: Path) -> None:
    lines = "".join(
        f'{{"id": {number}, "prompt": "{number}"}}\n' for number in ("12", "0.5", "1e22", "-3")
    )
    found = prompts(read(write(tmp_path / "p.jsonl", lines)))
    assert [row.id for row in found] == ["12", "0.5", "1" + "0" * 22, "-3"]


def test_reading_twice_gives_the_same_rows(tmp_path: Path) -> None:
    rows = [{"prompt": "a"}, {"prompt": "a"}, {"prompt": ""}, {"id": 1, "prompt": "b"}]
    config = PromptsConfig(path=write_jsonl(tmp_path / "p.jsonl", rows), duplicate_prompts="keep")
    first, second = (list(read_prompts(config, RowChecks())) for _ in range(2))
    assert first == second
    assert sum(isinstance(row, Skip) for row in first) == 1


@given(st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 40).map(lambda n: n << 10)))
def test_a_set_of_keys_holds_what_was_put_in(keys: list[int]) -> None:
    held, plain = KeySet(), set[int]()
    for key in keys:
        assert (key in held) == ((key or 1) in plain)
        held.add(key)
        plain.add(key or 1)
        assert key in held
    assert len(held) == len(plain)


def test_a_set_of_keys_grows_and_keeps_all() -> None:
    held = KeySet()
    keys = [number * 0x9E3779B97F4A7C15 % 2**64 for number in range(1, 5001)]
    for key in keys:
        held.add(key)
    assert all(key in held for key in keys)
    assert not any(key + 1 in held for key in keys)
    assert len(held) == 5000
