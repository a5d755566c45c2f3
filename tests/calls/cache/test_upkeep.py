"""`judgeforge cache`: what is stored, whether it is whole, and what may go."""

import json
import sqlite3
import time
from dataclasses import replace

import pytest

from judgeforge.calls.cache.entry import read_entry, write_entry
from judgeforge.calls.cache.upkeep import DAY_S, cache_stats, parse_age, prune_cache, verify_cache
from judgeforge.errors import ConfigError, StoreError
from tests.support.run_setup import rows, run, write_config, write_prompts


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def cache(tmp_path, server, out):
    """The cache of a run of two prompts, with 16 replies."""
    run(write_config(tmp_path, server, prompts=2), out)
    return tmp_path / ".judgeforge" / "cache"


def change(cache, statement, *values):
    with sqlite3.connect(cache / "cache.db") as database:
        database.execute(statement, values)
    database.close()


def test_stats_count_rows_models_and_money(cache, server):
    stats = cache_stats(cache)
    assert (stats.rows, stats.models) == (16, {"small": 16})
    price = {"input_per_mtok": 1.0, "output_per_mtok": 4.0}
    assert stats.cost_usd == pytest.approx(server.billed_usd({"small": price}))
    assert stats.bytes >= 16 * 300
    assert time.time() - 60 < stats.oldest <= stats.newest <= time.time()


def test_a_sound_cache_is_verified(cache):
    check = verify_cache(cache)
    assert (check.rows, check.damaged, check.newer) == (16, [], 0)


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ("replace(value, 'choices', 'choises')", "checksum"),
        ("replace(value, '\\\"small\\\"', '\\\"large\\\"')", "another request"),
        ("'no json'", "cannot be read"),
        ("x'00ff'", "no text"),
    ],
)
def test_a_damaged_row_is_named_removed_and_bought_anew(tmp_path, server, cache, new, said):
    change(cache, f"UPDATE Cache SET value = {new} WHERE rowid = 3")  # noqa: S608
    [(key, reason)] = verify_cache(cache).damaged
    assert len(key) == 64
    assert said in reason
    assert len(verify_cache(cache, remove=True).damaged) == 1
    assert verify_cache(cache).rows == 15
    run(write_config(tmp_path, server), tmp_path / "again")
    assert len(server.requests) == 17


def test_a_stored_reply_that_no_longer_reads_is_reported_and_bought_anew(tmp_path, server, cache):
    with sqlite3.connect(cache / "cache.db") as database:
        key, text = database.execute("SELECT key, value FROM Cache WHERE rowid = 3").fetchone()
    database.close()
    unread = replace(read_entry(text).stored, reply="{}")
    entry = write_entry(unread, key=key, request=read_entry(text).request)
    change(cache, "UPDATE Cache SET value = ? WHERE rowid = 3", entry)
    assert verify_cache(cache).damaged == []
    for again in ("again", "and again"):
        result = run(write_config(tmp_path, server), tmp_path / again)
        assert (result.exit_code, len(server.requests)) == (0, 17)
    log = rows(tmp_path / "again" / "log.jsonl")
    (refused,) = [line for line in log if line["event"] == "cache_row_refused"]
    assert refused["key"] == key
    assert "no chat completion" in refused["reason"]


def test_rows_of_a_newer_version_are_left_to_it(tmp_path, server, cache):
    change(cache, """UPDATE Cache SET value = replace(value, '"version": 2', '"version": 3')""")
    check = verify_cache(cache, remove=True)
    assert (check.damaged, check.newer) == ([], 16)
    result = run(write_config(tmp_path, server), tmp_path / "again")
    assert (result.exit_code, len(server.requests)) == (74, 16)
    assert isinstance(result.stopped_by, StoreError)
    assert "Upgrade judgeforge" in str(result.stopped_by)


def test_old_rows_go_by_age(cache):
    change(cache, "UPDATE Cache SET store_time = ? WHERE rowid <= 6", time.time() - 40 * DAY_S)
    assert prune_cache(cache, older_than_s=30 * DAY_S, dry_run=True).rows == 6
    pruned = prune_cache(cache, older_than_s=30 * DAY_S)
    assert (pruned.rows, pruned.kept) == (6, 10)
    assert cache_stats(cache).rows == 10


def test_rows_that_no_folder_needs_go_once_they_are_a_day_old(tmp_path, server, out, cache):
    write_prompts(tmp_path, 5)
    run(write_config(tmp_path, server), tmp_path / "other")
    assert cache_stats(cache).rows == 5 * 8
    assert prune_cache(cache, unused_in=[out]).rows == 0
    change(cache, "UPDATE Cache SET store_time = ?", time.time() - 2 * DAY_S)
    assert prune_cache(cache, unused_in=[out, tmp_path / "other"]).rows == 0
    assert prune_cache(cache, unused_in=[out]).rows == 3 * 8
    write_prompts(tmp_path, 2)
    sent = len(server.requests)
    run(write_config(tmp_path, server), tmp_path / "again")
    assert len(server.requests) == sent


def test_what_an_unfinished_folder_has_paid_for_stays(tmp_path, server):
    write_prompts(tmp_path, 4)
    folder = tmp_path / "half"
    run(write_config(tmp_path, server, budget={"max_calls": 30}), folder)
    cache = tmp_path / ".judgeforge" / "cache"
    change(cache, "UPDATE Cache SET store_time = ?", time.time() - 2 * DAY_S)
    assert prune_cache(cache, unused_in=[folder]).rows == 0


@pytest.mark.parametrize(
    ("text", "seconds"), [("12h", 43200), ("30d", 30 * DAY_S), ("1.5w", 907200)]
)
def test_ages(text, seconds):
    assert parse_age(text) == seconds


def test_the_commands(tmp_path, cache, command):
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
def test_mistakes_say_what_to_write(cache, command, arguments, said):
    code, _, error = command("cache", arguments[0], cache, *arguments[1:])
    assert code == 2
    assert said in error


def test_a_folder_without_a_cache_is_a_mistake(tmp_path):
    with pytest.raises(ConfigError, match="holds no cache"):
        cache_stats(tmp_path)
