"""What a worker reads of the cache that its coordinator writes."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from judgeforge.calls.cache import ReplyCache
from judgeforge.errors import StoreError
from judgeforge.runs.cluster.kept_elsewhere import EntryFile

NAMES = (b"cache", "größe".encode(), b"gr\xf6\xdfe", b"50% of?a#b c", b"a\nb")
"""Also bytes that are no UTF-8: in the locale C every name beyond ASCII looks so to Python."""


@pytest.mark.parametrize("name", NAMES)
def test_an_entry_is_read_whatever_the_bytes_of_the_folders_name(
    tmp_path: Path, name: bytes
) -> None:
    folder = tmp_path / os.fsdecode(name)
    cache = ReplyCache(folder, on_damage=lambda key, why: None)
    asyncio.run(cache.put_entries([("a" * 64, '{"text": "hallo ü"}')]))
    file = EntryFile(folder)
    assert file.entry("a" * 64) == '{"text": "hallo ü"}'
    assert file.entry("b" * 64) is None
    file.close()
    cache.close()


def test_a_cache_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be read"):
        EntryFile(tmp_path / "none")
