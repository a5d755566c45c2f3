"""Nothing vanishes: at the end of a run the files are read again, and the totals must add up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from judgeforge.errors import StoreError
from judgeforge.store.audit import audit_results
from judgeforge.store.folder import RunFolder
from judgeforge.store.journal import Journal
from tests.local_server import LocalServer
from tests.support.finished_prompts import finished, skip_line
from tests.support.run_setup import rows, run, write_config, write_prompts

Lines = list[bytes]
Rows = list[int | bytes]


@pytest.fixture
def journal(folder: RunFolder) -> Journal:
    return Journal(folder.journal_file)


@pytest.fixture
def work(folder: RunFolder, journal: Journal) -> Rows:
    """The rows of a folder with two prompts and a bad row between them."""
    first, second = (journal.append(finished(name)).offset for name in "ab")
    work = [first, skip_line("line-2"), second]
    folder.write_results(journal, work)
    return work


def test_files_that_hold_each_row_once_add_up(
    folder: RunFolder, journal: Journal, work: Rows
) -> None:
    found = audit_results(folder, journal, work)
    assert (found.prompts, found.pairs, found.skips) == (3, 0, {"tie": 3})


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("skips", lambda lines: lines[:-1]),
        ("skips", lambda lines: [*lines, lines[0]]),
        ("skips", lambda lines: lines[::-1]),
        ("skips", lambda lines: [lines[0].replace(b'"a"', b'"z"'), *lines[1:]]),
        ("completions", lambda lines: lines[:-1]),
        ("judgments", lambda lines: [b"{}\n"]),
        ("pairs", lambda lines: [b'{"prompt_id":"a"}\n']),
    ],
    ids=["lost", "doubled", "order", "another id", "completion lost", "judgment of no row", "pair"],
)
def test_a_line_lost_doubled_or_foreign_is_named_with_file_and_line(
    folder: RunFolder, journal: Journal, work: Rows, name: str, change: Callable[[Lines], Lines]
) -> None:
    file = folder.line_files[name]
    file.write_bytes(b"".join(change(file.read_bytes().splitlines(keepends=True))))
    with pytest.raises(StoreError, match=rf"{name}\.jsonl:\d"):
        audit_results(folder, journal, work)


def test_a_run_proves_that_files_and_manifest_agree(
    tmp_path: Path, server: LocalServer, out: Path
) -> None:
    write_prompts(tmp_path, 4)
    with (tmp_path / "prompts.jsonl").open("a") as file:
        file.write('no json\n{"prompt": ""}\n')
    config = write_config(tmp_path, server, limits={"max_skip_share": 1.0})
    totals = run(config, out).manifest["totals"]
    ended = {row["prompt_id"] for row in rows(out / "pairs.jsonl")}
    skips = rows(out / "skips.jsonl")
    assert totals["prompts"] == len(ended) + len(skips) == 6
    assert totals["pairs"] == len(rows(out / "pairs.jsonl"))
    assert sum(totals["skips"].values()) == len(skips)


def test_totals_that_do_not_add_up_are_named_in_the_manifest_and_exit_74(
    tmp_path: Path, server: LocalServer, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_results = RunFolder.write_results

    def lose_a_line(folder: RunFolder, journal: Journal, work: Rows) -> None:
        write_results(folder, journal, work)
        file = folder.pairs
        file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[1:]))

    config = write_config(tmp_path, server, prompts=3)
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "write_results", lose_a_line)
        result = run(config, out)
    assert (result.exit_code, result.manifest["status"]) == (74, "failed")
    said = RunFolder(out).read_manifest()
    assert said is not None
    assert "pairs.jsonl:1" in said["message"]
    sent = len(server.requests)
    assert run(config, out).exit_code == 0
    assert len(server.requests) == sent
