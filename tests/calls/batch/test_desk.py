"""A request is bought in one batch only, whenever its reply is collected."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from judgeforge.calls.cache import ReplyCache
from judgeforge.calls.cache_entry import StoredReply
from judgeforge.calls.call import Call
from tests.local_server import LocalServer
from tests.support.batch_setup import in_batches, lines
from tests.support.run_setup import model, run, write_config


def test_what_a_batch_did_not_run_is_told_once_with_its_number_and_why(
    tmp_path: Path, server: LocalServer
) -> None:
    server.behaviour.batches.answered_before_expiry = 10
    models = {"small": model(server, **in_batches())}
    result = run(write_config(tmp_path, server, prompts=4, models=models), tmp_path / "out")
    notes = [note for note in result.notes if "not run" in note]
    assert notes[0].endswith(
        " of model `small` expired: 2 of its 12 requests were not run. They cost nothing and are "
        "asked again"
    )
    log = (tmp_path / "out" / "log.jsonl").read_text().splitlines()
    told = [row for row in map(json.loads, log) if row["event"] == "batch_cut_short"]
    assert [(row["why"], row["not_run"]) for row in told] == [("expired", 2)] * len(notes)


def test_a_reply_that_is_collected_after_the_look_into_the_cache_is_not_bought_again(
    tmp_path: Path, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a start that replays its prompts while it collects a batch of the start before."""
    models = {"small": model(server, **in_batches())}
    config = write_config(tmp_path, server, prompts=4, models=models)
    run(config, tmp_path / "out")
    bought, looked, get = len(lines(server)), set[str](), ReplyCache.get

    def too_early(cache: ReplyCache, call: Call) -> StoredReply | None:
        if call.key in looked:
            return get(cache, call)
        looked.add(call.key)
        return None

    monkeypatch.setattr(ReplyCache, "get", too_early)
    result = run(config, tmp_path / "again")
    # The first prompt goes directly and begins the batches: before it nothing can be collected.
    assert result.manifest["totals"]["calls"]["cached"] >= 3 * 8
    assert len(lines(server)) == bought
