"""What is to be done: one pass before any money is spent, in memory that hardly grows."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from judgeforge.config.run import PromptsConfig
from judgeforge.errors import ConfigError, InputError
from judgeforge.inputs.row_checks import RowChecks
from judgeforge.records import Prompt, Skip, SkipReason
from judgeforge.runs.preparation.worklist import TODO, Worklist, plan_work, remaining
from judgeforge.store.finished_prompt import finished_prompt
from judgeforge.store.journal import FinishedPrompts, Journal
from judgeforge.text.prompt_keys import prompt_key
from tests.support.input_files import prompts, read, write, write_jsonl

MOST_BYTES_A_PROMPT = 200


def plan(
    file: Path,
    finished: FinishedPrompts | None = None,
    *,
    limit: int | None = None,
    covered: int = 0,
    accept_changes: bool = False,
    redo: frozenset[SkipReason] = frozenset(),
) -> Worklist:
    return plan_work(
        PromptsConfig(path=file),
        RowChecks(),
        folder=Path("runs/mine"),
        finished=finished or FinishedPrompts(),
        limit=limit,
        covered=covered,
        accept_changes=accept_changes,
        redo=redo,
    )


def left(file: Path, work: Worklist) -> list[Prompt | Skip]:
    rows = remaining(PromptsConfig(path=file), RowChecks(), work, limit=None)
    return [row for _, row in rows]


def finish(journal: Journal, prompt: Prompt | Skip, reason: SkipReason = SkipReason.TIE) -> None:
    prompt_id = prompt.id if isinstance(prompt, Prompt) else prompt.prompt_id
    digest = prompt.digest if isinstance(prompt, Prompt) else ""
    skip = Skip(prompt_id=prompt_id, line=prompt.line, reason=reason, detail="")
    journal.append(finished_prompt(prompt_id=prompt_id, digest=digest, skip=skip))


def done(folder: Path, rows: list[Any], reason: SkipReason = SkipReason.TIE) -> FinishedPrompts:
    """All prompts of these rows are finished."""
    journal = Journal(folder / "journal")
    for prompt in prompts(read(write_jsonl(folder / "earlier.jsonl", rows))):
        finish(journal, prompt, reason)
    return FinishedPrompts(journal.entries())


ROWS = [{"id": str(number), "prompt": f"question {number}"} for number in range(9)]


def test_every_row_is_to_do_or_a_skip_that_stays_in_its_place(tmp_path: Path) -> None:
    rows = [{"prompt": "four"}, {"prompt": ""}, {"prompt": "four"}, {"prompt": "é"}]
    work = plan(write_jsonl(tmp_path / "p.jsonl", rows))
    assert (len(work.places), work.todo, work.tally.prompts) == (4, 2, 2)
    assert work.tally.skips == {"empty_prompt": 1, "duplicate_prompt": 1}
    work.places[0], work.places[3] = 70, 0  # finished, in another order
    found = [row if isinstance(row, int) else json.loads(row)["reason"] for row in work.rows()]
    assert found == [70, "empty_prompt", "duplicate_prompt", 0]


def test_finished_rows_are_left_out_and_appended_ones_are_done(tmp_path: Path) -> None:
    file = write_jsonl(tmp_path / "p.jsonl", ROWS)
    work = plan(file, done(tmp_path, ROWS[:7]))
    assert [row.id for row in prompts(left(file, work))] == ["7", "8"]
    assert (work.todo, work.tally.skips) == (2, {"tie": 7})


def test_a_start_that_goes_on_finds_the_copy_of_a_finished_row_again(tmp_path: Path) -> None:
    rows = [{"prompt": "four"}, {"prompt": "four"}, {"prompt": "é"}]
    file = write_jsonl(tmp_path / "p.jsonl", rows)
    work = plan(file, done(tmp_path, rows[:2]))
    assert (work.todo, work.tally.skips) == (1, {"tie": 1, "duplicate_prompt": 1})


def test_the_fingerprint_follows_the_order_and_not_the_columns_that_nobody_uses(
    tmp_path: Path,
) -> None:
    rows = [{"prompt": "a"}, {"prompt": "b"}, {"prompt": ""}]
    found = plan(write_jsonl(tmp_path / "p.jsonl", rows)).fingerprint
    notes = [{**row, "note": 1} for row in rows]
    assert plan(write_jsonl(tmp_path / "p.jsonl", notes)).fingerprint == found
    assert plan(write_jsonl(tmp_path / "p.jsonl", rows[::-1])).fingerprint != found
    assert plan(write_jsonl(tmp_path / "p.jsonl", rows), limit=2).fingerprint != found


def changed(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return [*rows[:4], {**rows[4], "prompt": "another question"}, *rows[5:]]


def removed(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return rows[1:]


@pytest.mark.parametrize(
    ("edit", "said"), [(changed, r"changed: `4` \(line 5\)"), (removed, r"removed: 1 row")]
)
def test_changed_and_removed_rows_are_named_and_need_force(
    tmp_path: Path, edit: Callable[[list[Any]], list[Any]], said: str
) -> None:
    finished = done(tmp_path, ROWS)
    file = write_jsonl(tmp_path / "p.jsonl", edit(ROWS))
    with pytest.raises(ConfigError, match=f"that runs/mine was made with .{said}"):
        plan(file, finished)
    accepted = plan(file, finished, accept_changes=True)
    assert [row.id for row in prompts(left(file, accepted))] == (["4"] if edit is changed else [])
    assert accepted.removed == {prompt_key("4" if edit is changed else "0")}


def test_a_limit_reads_no_further_where_nothing_is_finished(tmp_path: Path) -> None:
    work = plan(write_jsonl(tmp_path / "p.jsonl", [*ROWS, {"prompt": ""}]), limit=3)
    assert (len(work.places), work.rows_at_issue, work.todo) == (3, 3, 3)


def test_what_is_finished_behind_a_limit_stays_and_nothing_begins_there(tmp_path: Path) -> None:
    bad = [{"prompt": ""}]
    file = write_jsonl(tmp_path / "p.jsonl", [*ROWS[:5], *bad, *ROWS[5:], *bad, *bad])
    work = plan(file, done(tmp_path, [ROWS[0], ROWS[3], ROWS[7]]), limit=3, covered=11)
    assert [row.id for row in prompts(left(file, work))] == ["1", "2"]
    assert (work.tally.skips, work.rows_at_issue) == ({"tie": 3, "empty_prompt": 2}, 7)
    assert len(list(work.rows())) == 5
    assert (len(work.places), work.end_of_first_prompts(6)) == (11, 7)


@pytest.mark.parametrize("edit", [changed, removed])
def test_a_finished_row_that_is_not_there_any_more_is_named_with_a_limit_too(
    tmp_path: Path, edit: Callable[[list[Any]], list[Any]]
) -> None:
    finished, file = done(tmp_path, ROWS), write_jsonl(tmp_path / "p.jsonl", edit(ROWS))
    with pytest.raises(ConfigError, match=edit.__name__):
        plan(file, finished, limit=2)
    assert plan(file, finished, limit=2, accept_changes=True).todo == 0


def test_what_failed_behind_a_limit_is_not_done_again(tmp_path: Path) -> None:
    file, redo = write_jsonl(tmp_path / "p.jsonl", ROWS), frozenset({SkipReason.CALL_FAILED})
    work = plan(file, done(tmp_path, ROWS, SkipReason.CALL_FAILED), limit=2, redo=redo)
    assert (work.todo, work.tally.prompts) == (2, 7)


def test_prompts_whose_calls_failed_are_done_again_where_that_is_asked(tmp_path: Path) -> None:
    file = write_jsonl(tmp_path / "p.jsonl", ROWS)
    finished = done(tmp_path, ROWS, SkipReason.CALL_FAILED)
    assert plan(file, finished).todo == 0
    assert plan(file, finished, redo=frozenset({SkipReason.CALL_FAILED})).todo == len(ROWS)


@pytest.mark.parametrize("now", [{"id": "4", "prompt": "another question"}, {"prompt": ""}])
def test_a_row_that_changes_during_the_run_is_done_by_the_next_start(
    tmp_path: Path, now: dict[str, str]
) -> None:
    file = write_jsonl(tmp_path / "p.jsonl", ROWS)
    work = plan(file)
    write_jsonl(file, [*ROWS[:4], now, *ROWS[5:]])
    journal = Journal(tmp_path / "journal")
    for row in left(file, work):
        reason = row.reason if isinstance(row, Skip) else SkipReason.TIE
        finish(journal, row, reason)
    again = plan(file, FinishedPrompts(journal.entries()))
    assert [row.id for row in prompts(left(file, again))] == (["4"] if now["prompt"] else [])
    assert again.tally.skips["tie"] == 8


def test_the_last_of_several_entries_counts_and_no_other_id_is_found(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    rows = prompts(read(write_jsonl(tmp_path / "p.jsonl", ROWS)))
    entries = {}
    for reason in (SkipReason.CALL_FAILED, SkipReason.TIE):
        for row in rows:
            finish(journal, row, reason)
    entries = dict(journal.entries())
    finished = FinishedPrompts(journal.entries())
    assert len(finished) == len(entries) == 9
    assert {row.id: finished.get(row.id) for row in rows} == entries
    assert finished.get("9") is None
    assert FinishedPrompts().get("1") is None


def test_what_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        plan(tmp_path / "p.jsonl")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["new", "finished", "bad"])
def test_at_most_200_bytes_of_a_prompt_are_kept(tmp_path: Path, kind: str) -> None:
    number = 4_000
    rows = [
        {"id": f"prompt-{index}", "prompt": f"question {index} " + "of many words " * 20}
        for index in range(number)
    ]
    finished = done(tmp_path, rows) if kind == "finished" else None
    file = write_jsonl(tmp_path / "p.jsonl", rows)
    if kind == "bad":
        write(file, "not JSON\n" * number)
    plan(file, finished, accept_changes=True, limit=10)
    tracemalloc.start()
    try:
        journal = Journal(tmp_path / "journal")
        work = plan(file, FinishedPrompts(journal.entries()))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert work.places.count(TODO) == (number if kind == "new" else 0)
    spooled = 2**20 if kind == "bad" else 0
    assert peak - spooled < MOST_BYTES_A_PROMPT * number
