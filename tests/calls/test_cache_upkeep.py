"""`judgeforge cache`: what is stored, whether it is whole, and what may go."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from judgeforge.calls.cache_entry import read_entry, write_entry
from judgeforge.calls.cache_upkeep import DAY_S, cache_stats, parse_age, prune_cache, verify_cache
from judgeforge.errors import ConfigError, StoreError
from tests.local_server import LocalServer
from tests.support.run_process import Command
from tests.support.run_setup import rows, run, write_config, write_prompts


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    """One for all: the key of a reply depends on the address."""
    with LocalServer() as running:
        yield running


@dataclass(frozen=True)
class Paid:
    """A run of two prompts that sent 16 requests."""

    folder: Path
    billed_usd: float
    """By the server's own count."""


@pytest.fixture(scope="module")
def paid(tmp_path_factory: pytest.TempPathFactory, server: LocalServer) -> Paid:
    folder = tmp_path_factory.mktemp("paid")
    run(write_config(folder, server, prompts=2), folder / "out")
    assert len(server.requests) == 16
    price = {"input_per_mtok": 1.0, "output_per_mtok": 4.0}
    return Paid(folder, server.billed_usd({"small": price}))


@pytest.fixture
def cache(tmp_path: Path, paid: Paid) -> Path:
    """A copy of that run's cache, with 16 replies."""
    shutil.copytree(paid.folder, tmp_path, dirs_exist_ok=True)
    return tmp_path / ".judgeforge" / "cache"


@pytest.fixture
def out(tmp_path: Path, cache: Path) -> Path:
    """A copy of that run's folder."""
    return tmp_path / "out"


@pytest.fixture
def sent(server: LocalServer) -> Callable[[], int]:
    """How many requests this test has sent."""
    before = len(server.requests)
    return lambda: len(server.requests) - before


def change(cache: Path, statement: str, *values: object) -> None:
    with sqlite3.connect(cache / "cache.db") as database:
        database.execute(statement, values)
    database.close()


def test_stats_count_rows_models_and_money(cache: Path, paid: Paid) -> None:
    stats = cache_stats(cache)
    assert (stats.rows, stats.models) == (16, {"small": 16})
    assert stats.cost_usd == pytest.approx(paid.billed_usd)
    assert stats.bytes >= 16 * 300
    assert time.time() - 60 < stats.oldest <= stats.newest <= time.time()


def test_a_sound_cache_is_verified(cache: Path) -> None:
    check = verify_cache(cache)
    assert (check.rows, check.damaged, check.newer) == (16, [], 0)


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ("replace(value, 'choices', 'choises')", "checksum"),
        ("replace(value, '\\\"small\\\"', '\\\"large\\\"')", "another request"),
        ("'no json'", "cannot be read"),
        ("x'00ff'", "not text"),
    ],
)
def test_a_damaged_row_is_named_removed_and_bought_anew(
    tmp_path: Path, server: LocalServer, cache: Path, new: str, said: str, sent: Callable[[], int]
) -> None:
    change(cache, f"UPDATE Cache SET value = {new} WHERE rowid = 3")  # noqa: S608
    [(key, reason)] = verify_cache(cache).damaged
    assert len(key) == 64
    assert said in reason
    assert len(verify_cache(cache, remove=True).damaged) == 1
    assert verify_cache(cache).rows == 15
    run(write_config(tmp_path, server), tmp_path / "again")
    assert sent() == 1


def test_a_stored_reply_that_no_longer_reads_is_reported_and_bought_anew(
    tmp_path: Path, server: LocalServer, cache: Path, sent: Callable[[], int]
) -> None:
    with sqlite3.connect(cache / "cache.db") as database:
        key, text = database.execute("SELECT key, value FROM Cache WHERE rowid = 3").fetchone()
    database.close()
    unread = replace(read_entry(text, key=key).stored, reply="{}")
    entry = write_entry(unread, key=key, request=read_entry(text, key=key).request)
    change(cache, "UPDATE Cache SET value = ? WHERE rowid = 3", entry)
    assert verify_cache(cache).damaged == []
    for again in ("again", "and again"):
        result = run(write_config(tmp_path, server), tmp_path / again)
        assert (result.exit_code, sent()) == (0, 1)
    log = rows(tmp_path / "again" / "log.jsonl")
    (refused,) = [line for line in log if line["event"] == "cache_row_refused"]
    assert refused["key"] == key
    assert "not a chat completion" in refused["reason"]


def test_rows_of_a_newer_version_are_left_to_it(
    tmp_path: Path, server: LocalServer, cache: Path, sent: Callable[[], int]
) -> None:
    change(cache, """UPDATE Cache SET value = replace(value, '"version": 2', '"version": 3')""")
    check = verify_cache(cache, remove=True)
    assert (check.damaged, check.newer) == ([], 16)
    result = run(write_config(tmp_path, server), tmp_path / "again")
    assert (result.exit_code, sent()) == (74, 0)
    assert isinstance(result.stopped_by, StoreError)
    assert "Upgrade judgeforge" in str(result.stopped_by)


def test_old_rows_go_by_age(cache: Path) -> None:
    change(cache, "UPDATE Cache SET store_time = ? WHERE rowid <= 6", time.time() - 40 * DAY_S)
    assert prune_cache(cache, older_than_s=30 * DAY_S, dry_run=True).rows == 6
    pruned = prune_cache(cache, older_than_s=30 * DAY_S)
    assert (pruned.rows, pruned.kept) == (6, 10)
    assert cache_stats(cache).rows == 10


def test_rows_that_no_folder_needs_go_once_they_are_a_day_old(
    tmp_path: Path, server: LocalServer, out: Path, cache: Path, sent: Callable[[], int]
) -> None:
    write_prompts(tmp_path, 5)
    run(write_config(tmp_path, server), tmp_path / "other")
    assert cache_stats(cache).rows == 5 * 8
    assert prune_cache(cache, unused_in=[out]).rows == 0
    change(cache, "UPDATE Cache SET store_time = ?", time.time() - 2 * DAY_S)
    assert prune_cache(cache, unused_in=[out, tmp_path / "other"]).rows == 0
    assert prune_cache(cache, unused_in=[out]).rows == 3 * 8
    write_prompts(tmp_path, 2)
    before = sent()
    run(write_config(tmp_path, server), tmp_path / "again")
    assert sent() == before


def test_what_an_unfinished_folder_has_paid_for_stays(tmp_path: Path, server: LocalServer) -> None:
    write_prompts(tmp_path, 4)
    folder = tmp_path / "half"
    run(write_config(tmp_path, server, budget={"max_calls": 30}), folder)
    cache = tmp_path / ".judgeforge" / "cache"
    change(cache, "UPDATE Cache SET store_time = ?", time.time() - 2 * DAY_S)
    assert prune_cache(cache, unused_in=[folder]).rows == 0


@pytest.mark.parametrize(
    ("text", "seconds"), [("12h", 43200), ("30d", 30 * DAY_S), ("1.5w", 907200)]
)
def test_ages(text: str, seconds: float) -> None:
    assert parse_age(text) == seconds


def test_the_commands(tmp_path: Path, cache: Path, command: Command) -> None:
    config = tmp_path / "config.yaml"
    assert "16 replies" in command("cache", "stats", config)[1]
    assert json.loads(command("cache", "stats", cache, "--json")[1])["rows"] == 16
    assert command("cache", "verify", config)[:2] == (0, "16 replies read, 0 damaged\n")
    change(cache, "UPDATE Cache SET value = 'x' WHERE rowid = 1")
    assert command("cache", "verify", config)[0] == 74
    assert command("cache", "verify", config, "--remove")[0] == 0
    assert (
        "0 replies taken out, 15 stay" in command("cache", "prune", config, "--older-than", "1d")[1]
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("prune",), "say what may go"),
        (("prune", "--older-than", "soon"), "12h, 30d or 2w"),
        (("prune", "--unused-in", "nowhere"), "no such folder"),
    ],
)
def test_mistakes_say_what_to_write(
    cache: Path, command: Command, arguments: tuple[str, ...], said: str
) -> None:
    code, _, error = command("cache", arguments[0], cache, *arguments[1:])
    assert code == 2
    assert said in error


def test_a_folder_without_a_cache_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not a reply cache"):
        cache_stats(tmp_path)
