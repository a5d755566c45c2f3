"""The reply cache: stored before used, trusted only if it is judgeforge's own."""

from __future__ import annotations

import asyncio
import json
import math
import pickle
import sqlite3
import stat
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import diskcache
import pytest

from judgeforge.calls.cache import JsonTextDisk, RefusedRowError, ReplyCache
from judgeforge.calls.cache_entry import StoredReply
from judgeforge.calls.call import Call, make_call
from judgeforge.errors import StoreError

REPLY = StoredReply('{"text": "hallo ü"}', 0.25, 12, 3, 0.5)


def a_call(sample: int = 0, **body: Any) -> Call:
    return make_call(
        model_name="writer",
        provider="openai",
        base_url="http://127.0.0.1:1/v1",
        endpoint="/chat/completions",
        body={"model": "m", "max_tokens": 5, **body},
        sample=sample,
    )


@pytest.fixture
def damage() -> list[str]:
    return []


@pytest.fixture
def cache(tmp_path: Path, damage: list[str]) -> Iterator[ReplyCache]:
    opened = ReplyCache(tmp_path / "cache", on_damage=lambda key, why: damage.append(why))
    yield opened
    opened.close()


def plant(
    tmp_path: Path, key: str, *, mode: int = 1, value: object = "x", filename: str | None = None
) -> None:
    with sqlite3.connect(tmp_path / "cache" / "cache.db") as rows:
        rows.execute(
            "INSERT OR REPLACE INTO Cache(key, raw, store_time, expire_time, access_time,"
            " access_count, tag, size, mode, filename, value)"
            " VALUES (?, 1, ?, NULL, 0, 0, NULL, 0, ?, ?, ?)",
            (key, time.time(), mode, filename, value),
        )


def test_a_stored_reply_comes_back_whole(cache: ReplyCache) -> None:
    asyncio.run(cache.put(a_call(), REPLY))
    assert cache.get(a_call()) == REPLY
    assert cache.get(a_call(sample=1)) is None


def test_a_reply_survives_the_process(tmp_path: Path, cache: ReplyCache, damage: list[str]) -> None:
    asyncio.run(cache.put(a_call(), REPLY))
    other = ReplyCache(tmp_path / "cache", on_damage=lambda key, why: damage.append(why))
    assert other.get(a_call()) == REPLY
    other.close()


def test_only_the_owner_can_look_into_the_folder(tmp_path: Path, cache: ReplyCache) -> None:
    assert stat.S_IMODE((tmp_path / "cache").stat().st_mode) == 0o700


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("a planted row ran code",))


@pytest.mark.parametrize("mode", [2, 3, 4, 99])
def test_a_planted_row_of_another_mode_runs_nothing_and_is_asked_again(
    tmp_path: Path,
    cache: ReplyCache,
    damage: list[str],
    capsys: pytest.CaptureFixture[str],
    mode: int,
) -> None:
    call = a_call()
    plant(tmp_path, call.key, mode=mode, value=sqlite3.Binary(pickle.dumps(Bomb())))
    assert cache.get(call) is None
    assert "mode" in damage[0]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "[]",
        "null",
        "[" * 100_000,
        "9" * 5000,
        '{"version": 1}',
        '{"version": "?", "request": "x"}',
    ],
)
def test_a_row_that_is_no_entry_is_reported_and_asked_again(
    tmp_path: Path, cache: ReplyCache, damage: list[str], text: str
) -> None:
    call = a_call()
    plant(tmp_path, call.key, value=text)
    assert cache.get(call) is None
    assert len(damage) == 1


def entry(call: Call, **changes: object) -> str:
    """As version 1 wrote it, sound but for the changes."""
    whole = {
        "version": 1, "request": call.request, "reply": "{}", "cost_usd": 0.25, "tokens": [12, 3],
        "latency_s": 0.5, "checksum": zlib.crc32(b"{}", zlib.crc32(call.key.encode())),
    }  # fmt: skip
    return json.dumps(whole | changes)


def test_an_entry_of_the_older_version_stays_usable(
    tmp_path: Path, cache: ReplyCache, damage: list[str]
) -> None:
    plant(tmp_path, a_call().key, value=entry(a_call()))
    assert cache.get(a_call()) == StoredReply("{}", 0.25, 12, 3, 0.5)
    assert damage == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("reply", 5),
        ("cost_usd", "free"),
        ("cost_usd", math.nan),
        ("cost_usd", -0.25),
        ("cost_usd", 10**400),
        ("tokens", ["a", 2]),
        ("tokens", [1, -2]),
        ("tokens", [1]),
        ("latency_s", None),
        ("version", 0),
    ],
)
def test_an_entry_with_a_value_that_cannot_be_true_is_damage(
    tmp_path: Path, cache: ReplyCache, damage: list[str], field: str, value: object
) -> None:
    plant(tmp_path, a_call().key, value=entry(a_call(), **{field: value}))
    assert cache.get(a_call()) is None
    assert field in damage[0]


def test_a_request_with_half_a_character_is_stored_like_any_other(cache: ReplyCache) -> None:
    call = a_call(stop="\ud800")
    asyncio.run(cache.put(call, REPLY))
    assert cache.get(call) == REPLY


@pytest.mark.parametrize("change", ["'0.25', '0.24'", "'[12, 3]', '[12, 4]'", "'hallo', 'hullo'"])
def test_a_changed_entry_is_noticed(
    tmp_path: Path, cache: ReplyCache, damage: list[str], change: str
) -> None:
    asyncio.run(cache.put(a_call(), REPLY))
    with sqlite3.connect(tmp_path / "cache" / "cache.db") as rows:
        rows.execute(f"UPDATE Cache SET value = replace(value, {change})")  # noqa: S608
    assert cache.get(a_call()) is None
    assert "checksum" in damage[0]


def test_a_reply_to_another_request_is_never_taken(
    tmp_path: Path, cache: ReplyCache, damage: list[str]
) -> None:
    asyncio.run(cache.put(a_call(), REPLY))
    with sqlite3.connect(tmp_path / "cache" / "cache.db") as rows:
        rows.execute("UPDATE Cache SET key = ?", (a_call(sample=7).key,))
    assert cache.get(a_call(sample=7)) is None
    assert "another request" in damage[0]


def test_nothing_is_evicted_and_no_file_is_written_beside_the_database(
    tmp_path: Path, cache: ReplyCache
) -> None:
    big = StoredReply("x" * 200_000, None, 1, 1, 0.1)
    asyncio.run(cache.put(a_call(), big))
    assert cache.get(a_call()) == big
    assert not list((tmp_path / "cache").rglob("*.val"))
    assert cache._rows.eviction_policy == "none"
    assert cache._rows.cull_limit == 0
    assert cache._rows.size_limit > 2**60


def test_replies_that_arrive_together_are_all_stored(cache: ReplyCache) -> None:
    async def many() -> None:
        await asyncio.gather(*(cache.put(a_call(sample=i), REPLY) for i in range(50)))

    asyncio.run(many())
    assert all(cache.get(a_call(sample=i)) == REPLY for i in range(50))


def test_a_reply_waits_longer_for_others_only_where_the_last_ones_came_together(
    cache: ReplyCache,
) -> None:
    waits = []

    async def store(*samples: list[int]) -> None:
        loop = asyncio.get_running_loop()
        call_later = loop.call_later
        loop.call_later = lambda wait_s, *do: waits.append(wait_s) or call_later(wait_s, *do)
        for group in samples:
            await asyncio.gather(*(cache.put(a_call(sample=i), REPLY) for i in group))

    asyncio.run(store([1], [2], [3, 4], [5], [6]))
    assert waits == [0.001, 0.001, 0.001, 0.004, 0.001]


def test_a_reply_that_cannot_be_stored_is_an_error_for_the_one_who_paid(
    cache: ReplyCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(cache._rows, "set", full)
    with pytest.raises(StoreError, match="could not be stored"):
        asyncio.run(cache.put(a_call(), REPLY))


def test_a_folder_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be opened"):
        ReplyCache(tmp_path / "file", on_damage=lambda *_: None)


def test_the_disk_refuses_anything_but_text(tmp_path: Path) -> None:
    disk = JsonTextDisk(str(tmp_path))
    for refused in (b"bytes", 3, object()):
        with pytest.raises(TypeError):
            disk.store(refused, read=False)
        with pytest.raises(TypeError):
            disk.put(refused)
    pickled = diskcache.core.MODE_PICKLE
    for mode, filename, value, read in (
        (pickled, None, "text", False),
        (diskcache.core.MODE_RAW, "beside.val", "text", False),
        (diskcache.core.MODE_RAW, None, "text", True),
        (diskcache.core.MODE_RAW, None, b"bytes", False),
    ):
        with pytest.raises(RefusedRowError):
            disk.fetch(mode, filename, value, read)
    assert isinstance(diskcache.Cache(str(tmp_path / "c"), disk=JsonTextDisk), diskcache.Cache)


def test_the_key_depends_on_the_request_and_the_sample_alone() -> None:
    same = make_call(
        model_name="another name",
        provider="openai",
        base_url="http://127.0.0.1:1/v1",
        endpoint="/chat/completions",
        body={"max_tokens": 5, "model": "m"},
        sample=0,
    )
    assert same.key == a_call().key
    assert len({a_call().key, a_call(sample=1).key, a_call(seed=1).key}) == 3


@pytest.mark.parametrize("part", ["provider", "base_url", "endpoint"])
def test_the_same_words_to_another_place_are_another_call(part: str) -> None:
    place = {"provider": "openai", "base_url": "http://here/v1", "endpoint": "/chat/completions"}
    call = {"model_name": "m", "body": {"model": "m"}, "sample": 0}
    assert make_call(**call, **place).key != make_call(**call, **{**place, part: "other"}).key


@pytest.mark.parametrize(
    ("mode", "file_mode"), [(0o755, 0o600), (0o700, 0o600), (0o2775, 0o660), (0o2770, 0o660)]
)
def test_a_folder_that_is_there_keeps_its_mode_and_a_team_its_replies(
    tmp_path: Path, mode: int, file_mode: int
) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    folder.chmod(mode)
    for _ in range(2):
        ReplyCache(folder, on_damage=lambda *_: None).close()
        assert stat.S_IMODE(folder.stat().st_mode) == mode
        assert stat.S_IMODE((folder / "cache.db").stat().st_mode) == file_mode


def test_a_database_that_others_may_read_is_closed_to_them(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    ReplyCache(folder, on_damage=lambda *_: None).close()
    (folder / "cache.db").chmod(0o664)
    ReplyCache(folder, on_damage=lambda *_: None).close()
    assert stat.S_IMODE((folder / "cache.db").stat().st_mode) == 0o660
