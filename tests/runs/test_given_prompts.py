"""Prompts in memory make the run that a file of them makes, and are kept with it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import judgeforge
from judgeforge.errors import ConfigError, InputError
from judgeforge.store.folder import RunFolder
from tests.local_server import LocalServer
from tests.support.run_setup import rows, write_config

ROWS = [{"id": f"p{i}", "prompt": f"Tell me fact number {i}."} for i in range(3)]
NEITHER_EXISTS = [
    {"path": "not-there.csv", "format": "csv"},
    {"hf": {"name": "./no/such/data/set"}},
]


@pytest.fixture
def config(tmp_path: Path, server: LocalServer) -> judgeforge.RunConfig:
    return judgeforge.load_config(write_config(tmp_path, server, prompts={"path": "no.jsonl"}))


def given(out: Path) -> list[Any]:
    return rows(RunFolder(out).given_prompts)


@pytest.mark.parametrize("source", NEITHER_EXISTS)
def test_they_make_the_pairs_that_a_file_of_them_makes_whatever_the_configuration_names(
    source: dict[str, Any], tmp_path: Path, server: LocalServer, out: Path
) -> None:
    of_file = judgeforge.load_config(write_config(tmp_path, server, prompts=3))
    judgeforge.run(of_file, tmp_path / "of-file")
    asked = len(server.requests)
    config = judgeforge.load_config(write_config(tmp_path, server, prompts=source))
    result = judgeforge.run(config, out, prompts=iter(ROWS))
    assert result.exit_code == 0
    assert len(server.requests) == asked, "the same calls, from the cache"
    for name in ("pairs.jsonl", "completions.jsonl", "skips.jsonl"):
        assert (out / name).read_bytes() == (tmp_path / "of-file" / name).read_bytes()
    assert given(out) == ROWS
    assert RunFolder(out).given_prompts.stat().st_mode & 0o777 == 0o600
    prompts = result.manifest["config"]["prompts"]
    assert (prompts["path"], prompts["hf"]) == (str(RunFolder(out).given_prompts), None)


def test_the_same_rows_again_go_on_and_new_ones_may_follow(
    config: judgeforge.RunConfig, server: LocalServer, out: Path
) -> None:
    assert judgeforge.run(config, out, prompts=ROWS, limit=1).manifest["totals"]["prompts"] == 1
    judgeforge.run(config, out, prompts=ROWS)
    asked, written = len(server.requests), RunFolder(out).given_prompts.stat()
    again = judgeforge.run(config, out, prompts=tuple(ROWS))
    assert again.did_nothing
    now = RunFolder(out).given_prompts.stat()
    assert (now.st_ino, now.st_mtime_ns) == (written.st_ino, written.st_mtime_ns)
    more = [*ROWS, {"id": "p3", "prompt": "Tell me fact number 3."}]
    assert judgeforge.run(config, out, prompts=more).manifest["totals"]["prompts"] == 4
    assert len(server.requests) == asked + 8
    assert given(out) == more


def test_other_rows_are_refused_as_those_of_a_file_are_and_leave_no_trace(
    config: judgeforge.RunConfig, server: LocalServer, out: Path
) -> None:
    judgeforge.run(config, out, prompts=ROWS)
    asked, other = len(server.requests), [{"id": "p0", "prompt": "Another one."}, *ROWS[1:]]
    with pytest.raises(ConfigError, match=r"the prompts differ .*changed: `p0` \(line 1\)"):
        judgeforge.run(config, out, prompts=other)
    with pytest.raises(ConfigError, match=r"removed: 1 row \(`p2`\).*out=.*force=True"):
        judgeforge.run(config, out, prompts=ROWS[:2])
    assert given(out) == ROWS
    assert judgeforge.run(config, out, prompts=ROWS).did_nothing
    assert len(server.requests) == asked
    forced = judgeforge.run(config, out, prompts=other, force=True)
    assert len(server.requests) == asked + 8
    assert (forced.manifest["totals"]["prompts"], given(out)) == (3, other)


def test_what_a_configuration_refuses_of_new_rows_is_not_kept(
    tmp_path: Path, server: LocalServer, out: Path
) -> None:
    source = {"path": "no.jsonl", "fields": {"reference": "answer"}}
    config = judgeforge.load_config(write_config(tmp_path, server, prompts=source))
    with pytest.raises(InputError, match="answer"):
        judgeforge.run(config, out, prompts=ROWS)
    assert not RunFolder(out).given_prompts.exists()


def test_columns_are_named_as_for_a_file_and_a_bad_row_is_a_skip_with_its_number(
    tmp_path: Path, server: LocalServer, out: Path
) -> None:
    source = {"path": "no.jsonl", "fields": {"prompt": "q", "id": "key"}, "keep": ["kind"]}
    lenient = {"max_skip_share": 0.5}
    file = write_config(tmp_path, server, prompts=source, limits=lenient)
    config = judgeforge.load_config(file)
    mixed = [{"key": "a", "q": "One?", "kind": "x"}, " ", "Two?"]
    result = judgeforge.run(config, out, prompts=mixed)
    assert result.manifest["totals"]["prompts"] == 3
    (skip,) = rows(out / "skips.jsonl")
    assert f"{RunFolder(out).given_prompts.name}:2:" in skip["detail"]
    assert {pair["metadata"]["kind"] for pair in rows(out / "pairs.jsonl")} == {"x", None}


def test_a_row_that_cannot_be_written_is_told_before_there_is_a_folder(
    config: judgeforge.RunConfig, out: Path
) -> None:
    bad = [*ROWS, {"prompt": "x", "score": float("nan")}]
    with pytest.raises(InputError, match=r"row 4 of `prompts`, `score`, is nan"):
        asyncio.run(judgeforge.arun(config, out, prompts=bad))
    with pytest.raises(TypeError, match="prompts must be rows"):
        judgeforge.run(config, out, prompts="prompts.jsonl")
    assert not out.exists()


def test_an_error_of_the_program_that_gives_rows_stays_its_own(
    config: judgeforge.RunConfig, out: Path
) -> None:
    def broken() -> Iterator[str]:
        yield "One?"
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        judgeforge.run(config, out, prompts=broken())
    assert not out.exists()


def test_the_coroutine_takes_them_and_the_file_goes_on_from_the_command_line(
    config: judgeforge.RunConfig, out: Path
) -> None:
    assert asyncio.run(judgeforge.arun(config, out, prompts=ROWS, limit=2)).exit_code == 0
    file = RunFolder(out).given_prompts
    of_file = judgeforge.load_config(config.source_file or "", {"prompts.path": str(file)})
    assert judgeforge.run(of_file, out).manifest["totals"]["prompts"] == 3


def test_a_folder_of_somebody_else_with_such_a_file_is_refused(
    config: judgeforge.RunConfig, out: Path
) -> None:
    out.mkdir()
    file = RunFolder(out).given_prompts
    file.write_text(json.dumps({"prompt": "Mine."}))
    with pytest.raises(ConfigError, match=rf"is not a run folder.*{file.name}"):
        judgeforge.run(config, out, prompts=ROWS)
    assert file.read_text() == '{"prompt": "Mine."}'
