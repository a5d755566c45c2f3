"""A request is bought in one batch only, whenever its reply is collected."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from judgeforge.calls.cache import ReplyCache
from judgeforge.calls.cache_entry import StoredReply
from judgeforge.calls.call import Call
from tests.local_server import LocalServer, RequestRecord, faults
from tests.support.batch_setup import in_batches, lines
from tests.support.run_setup import logged, model, rows, run, write_config


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


def _about(*numbers: int, only_lines: bool = False) -> Callable[[RequestRecord], bool]:
    """Not the file of a batch, which is about all of its prompts."""
    said = [f"fact number {number}.".encode() for number in numbers]

    def is_about(record: RequestRecord) -> bool:
        is_asked = record.in_batch or (not only_lines and record.path.endswith("/completions"))
        return is_asked and any(one in record.raw for one in said)

    return is_about


@pytest.mark.parametrize("code", [401, 402, 403])
def test_a_line_refused_like_an_account_beside_answered_lines_is_about_its_prompt(
    tmp_path: Path, server: LocalServer, code: int
) -> None:
    server.faults.add(faults.status(code), when=_about(3))
    models = {"small": model(server, **in_batches())}
    result = run(write_config(tmp_path, server, prompts=8, models=models), tmp_path / "out")
    assert result.exit_code == 0
    assert [
        (row["prompt_id"], row["reason"]) for row in rows(tmp_path / "out" / "skips.jsonl")
    ] == [("p3", "call_failed")]
    assert len(result.pairs) == 7
    assert len({one.raw for one in lines(server) if one.status == code}) == 4


def test_a_line_that_is_answered_when_it_is_asked_directly_costs_the_full_price(
    tmp_path: Path, server: LocalServer
) -> None:
    server.faults.add(faults.status(402), when=_about(3, only_lines=True))
    models = {"small": model(server, **in_batches())}
    out = tmp_path / "out"
    result = run(write_config(tmp_path, server, prompts=8, models=models), out)
    assert (result.exit_code, len(result.pairs)) == (0, 8)
    calls = logged(out, "call")
    assert sum(row["cost_usd"] or 0 for row in calls) == pytest.approx(
        result.manifest["totals"]["cost_usd"]
    )


def test_lines_that_are_refused_in_numbers_stop_the_run_as_before(
    tmp_path: Path, server: LocalServer
) -> None:
    """The account came to its end while the batch was worked off."""
    server.faults.add(faults.status(402), when=_about(*range(3, 8)))
    models = {"small": model(server, **in_batches())}
    result = run(write_config(tmp_path, server, prompts=8, models=models), tmp_path / "out")
    assert result.exit_code == 4
    assert "no credit left" in str(result.stopped_by)
    directly = [one for one in server.requests if one.status == 402 and not one.in_batch]
    assert not directly


@pytest.mark.parametrize("code", [400, 403, 404])
def test_an_account_without_batches_is_told_that_the_model_can_be_asked_directly(
    tmp_path: Path, server: LocalServer, code: int
) -> None:
    server.faults.add(faults.status(code), when=lambda one: one.path.endswith("/files"))
    models = {"small": model(server, **in_batches())}
    result = run(write_config(tmp_path, server, prompts=4, models=models), tmp_path / "out")
    assert result.exit_code == 4
    assert "take `batch` out of model `small`" in str(result.stopped_by)
