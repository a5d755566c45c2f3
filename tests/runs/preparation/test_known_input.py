"""An input that was read before is not read again, as long as that could find nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from judgeforge.config.run import PromptsConfig
from judgeforge.errors import ConfigError
from judgeforge.inputs.row_checks import RowChecks
from judgeforge.runs.preparation import known_input, worklist
from judgeforge.runs.preparation.known_input import KnownInput
from judgeforge.runs.preparation.worklist import Worklist, plan_work, remaining
from judgeforge.store.journal import FinishedPrompts, Journal
from tests.local_server import LocalServer
from tests.support.finished_prompts import finished as finished_as
from tests.support.input_files import prompts, read, write_jsonl
from tests.support.kills import result_bytes
from tests.support.run_setup import run, write_config

ROWS = [
    *({"id": str(number), "prompt": f"question {number}"} for number in range(5)),
    {"prompt": ""},
    {"id": "again", "prompt": "question 1"},
    {"prompt": "one without an id", "extra": {"a": 1}},
    {"id": "2", "prompt": "an id of another"},
]
TO_DO = ["0", "1", "2", "3", "4"]


@pytest.fixture(autouse=True)
def however_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_input, "WORTH_IT_BYTES", 1)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_jsonl(tmp_path / "p.jsonl", ROWS)


def plan(
    file: Path,
    finished: FinishedPrompts | None = None,
    *,
    checks: RowChecks | None = None,
    limit: int | None = None,
    **more: Any,
) -> Worklist:
    config, checks = PromptsConfig(path=file), checks or RowChecks()
    known = KnownInput.of(config, checks, file.with_name("known-rows.bin"), limit=limit)
    return plan_work(
        config,
        checks,
        folder=Path("runs/mine"),
        finished=finished or FinishedPrompts(),
        limit=limit,
        known=known,
        **{"accept_changes": False, **more},
    )


def as_told(work: Worklist) -> list[object]:
    rows = [row if isinstance(row, int) else json.loads(row) for row in work.rows()]
    return [
        *(list(work.places), list(work.digests), work.fingerprint, work.tally, rows),
        *(work.losses, work.unknown, work.provisional, work.stale),
    ]


def done(file: Path, *ids: str) -> FinishedPrompts:
    journal = Journal(file.with_name("journal"))
    for prompt in prompts(read(file)):
        if prompt.id in ids:
            journal.append(replace(finished_as(prompt.id), digest=prompt.digest))
    return FinishedPrompts(journal.entries())


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From then on whoever reads the input fails."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the input was read")

    return lambda: monkeypatch.setattr(worklist, "read_clean_prompts", refuse)


@pytest.mark.parametrize("ids", [(), ("1",), tuple(TO_DO), ("4", "0")])
def test_the_next_start_knows_without_reading_what_this_one_read(
    file: Path, unread: Callable[[], None], ids: tuple[str, ...]
) -> None:
    finished, elsewhere = done(file, *ids), ("3", "nobody's")
    fresh = as_told(plan(file, finished, judged_elsewhere=elsewhere))
    assert fresh[-3] == ["nobody's"]
    unread()
    assert as_told(plan(file, finished, judged_elsewhere=elsewhere)) == fresh


def test_what_is_left_to_do_is_the_same_prompts(file: Path, unread: Callable[[], None]) -> None:
    plan(file)
    finished = done(file, "0", "3")
    unread()
    work = plan(file, finished)
    left = remaining(PromptsConfig(path=file), RowChecks(), work, limit=None)
    whole = [row for row in prompts(read(file)) if row.id not in {"0", "3"}]
    assert [row for _, row in left] == whole


def _append(file: Path) -> None:
    write_jsonl(file, [*ROWS, {"prompt": "one more"}])


def _damage(file: Path) -> None:
    known = file.with_name("known-rows.bin")
    content = bytearray(known.read_bytes())
    content[len(content) // 2] ^= 1
    known.write_bytes(content)


def _cut(file: Path) -> None:
    known = file.with_name("known-rows.bin")
    known.write_bytes(known.read_bytes()[:-40])


def _empty(file: Path) -> None:
    file.with_name("known-rows.bin").write_bytes(b"")


@pytest.mark.parametrize("change", [_append, _damage, _cut, _empty])
def test_an_input_or_a_record_of_it_that_differs_is_read_again(
    file: Path, change: Callable[[Path], None], unread: Callable[[], None]
) -> None:
    plan(file)
    change(file)
    work = plan(file)
    fresh = as_told(work)
    assert len(work.places) == len(ROWS) + (change is _append)
    unread()
    assert as_told(plan(file)) == fresh


def test_other_settings_read_it_again(file: Path, unread: Callable[[], None]) -> None:
    plan(file)
    unread()
    with pytest.raises(AssertionError, match="was read"):
        plan(file, checks=RowChecks(context_tokens=3))


@pytest.mark.parametrize(
    "checks", [RowChecks(metadata_checks=("a",)), RowChecks(read_criteria=lambda _: None)]
)
def test_nothing_is_kept_where_code_reads_the_rows(file: Path, checks: RowChecks) -> None:
    plan(file, checks=checks)
    plan(file, limit=3)
    assert not file.with_name("known-rows.bin").exists()


def test_nothing_is_kept_of_rows_that_count_only_since_they_are_done(file: Path) -> None:
    checks = RowChecks(context_tokens=1)
    finished = done(file, "1")
    assert plan(file, finished, checks=checks).tally.skips["tie"] == 1
    assert not file.with_name("known-rows.bin").exists()


def test_nothing_is_kept_where_the_input_changes_while_it_is_read(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = KnownInput.keep

    def change_first(self: KnownInput, *found: Any, **more: Any) -> None:
        _append(file)
        kept(self, *found, **more)

    monkeypatch.setattr(KnownInput, "keep", change_first)
    plan(file)
    assert not file.with_name("known-rows.bin").exists()


def test_finished_rows_that_differ_are_named_as_ever(file: Path) -> None:
    plan(file)
    journal = Journal(file.with_name("journal"))
    for prompt_id in ("4", "gone"):
        journal.append(finished_as(prompt_id))
    finished = FinishedPrompts(journal.entries())
    with pytest.raises(ConfigError, match=r"changed: `4` \(line 5\); removed: 1 row"):
        plan(file, finished)
    assert plan(file, finished, accept_changes=True).todo == 6


def test_a_run_that_goes_on_with_a_known_input_ends_with_the_same_bytes(
    tmp_path: Path, server: LocalServer
) -> None:
    """Bad rows, a duplicate and a copy without an id among them."""
    write_jsonl(tmp_path / "prompts.jsonl", ROWS)
    config = write_config(tmp_path, server, prompts={"path": "prompts.jsonl"})
    out, straight = tmp_path / "out", tmp_path / "straight"
    stopped = run(stopping_after(config, calls=14), out)
    assert stopped.manifest["status"] == "budget"
    assert (out / "state" / "known-rows.bin").exists()
    whole = run(config, out)
    config.write_text(config.read_text() + "cache: {dir: another}\n")
    assert whole.manifest["totals"]["prompts"] == len(ROWS)
    run(config, straight)
    assert result_bytes(out) == result_bytes(straight)


def stopping_after(config: Path, *, calls: int) -> Path:
    with_limit = config.with_name("limited.yaml")
    with_limit.write_text(config.read_text() + f"budget: {{max_calls: {calls}}}\n")
    return with_limit
