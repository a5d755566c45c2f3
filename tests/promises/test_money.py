"""What is spent stays known and bounded, whatever a server, a person or another run does."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from judgeforge.calls.money.price_list import billed_apart
from judgeforge.config.model import ModelConfig
from judgeforge.errors import ConfigError, StoreError
from judgeforge.store.spending import read_account
from tests.local_server import LocalServer, RequestRecord, faults
from tests.support.run_setup import PRICE, logged, model, run, write_config

ENOUGH = {"usd": 5.0}
PRICES = {"small": PRICE}


def reply(**usage: float) -> faults.Fault:
    """A good completion that says it used this much."""
    choice = {"index": 0, "message": {"role": "assistant", "content": "Well."}}
    body = {"id": "x", "object": "chat.completion", "model": "small", "usage": usage}
    return faults.status(200, body={**body, "choices": [{**choice, "finish_reason": "stop"}]})


class TestAServerThatTakesMoreThanItWasAllowed:
    TAKES = reply(prompt_tokens=30, completion_tokens=100_000, total_tokens=100_030)

    def test_its_next_calls_are_reserved_at_what_it_took(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        server.faults.add(self.TAKES)
        config = write_config(
            tmp_path, server, prompts=40, budget={"usd": 2.5}, limits={"concurrency": 2}
        )
        result = run(config, out)
        assert result.exit_code == 3
        assert result.manifest["totals"]["cost_usd"] < 2.5 + 2 * 0.41, "those in flight at once"
        (first, *_) = logged(out, "reservation_exceeded")
        assert (first["model"], first["output_tokens"]) == ("small", 100_000)
        assert first["cost_usd"] > first["reserved_usd"]

    def test_one_that_keeps_to_it_is_reserved_as_before(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        assert run(write_config(tmp_path, server, budget=ENOUGH), out).exit_code == 0
        assert logged(out, "reservation_exceeded") == []


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": 30, "completion_tokens": 10, "total_tokens": 10**12},
        {"prompt_tokens": 10**12, "completion_tokens": 10},
        {"prompt_tokens": 30, "completion_tokens": 10**9},
        {"prompt_tokens": 30, "completion_tokens": 1e300},
        {"prompt_tokens": 10**8, "completion_tokens": 10, "total_tokens": 10},
        {"prompt_tokens": -5, "completion_tokens": 10},
        {"prompt_tokens": 30.5, "completion_tokens": 10},
    ],
    ids=str,
)
def test_a_number_that_cannot_be_counts_as_the_reservation(
    tmp_path: Path, server: LocalServer, out: Path, usage: dict[str, float]
) -> None:
    server.faults.add(reply(**usage), when=lambda r: r.kind == "completion", nth=1)
    daily = {"usd": 1.0, "daily_usd": 1.0}
    result = run(write_config(tmp_path, server, prompts=1, budget=daily), out)
    assert result.exit_code == 0
    assert result.manifest["totals"]["cost_usd"] < 0.1
    said = logged(out, "usage_impossible")
    assert len(said) == (1 if 10**7 < max(usage.values()) < 2**53 else 0)
    ledger = (tmp_path / ".judgeforge" / "ledger.txt").read_text()
    assert int(ledger.splitlines()[1].split()[1]) < 10**11


class TestASpendingFileThatLostRows:
    LOSSES: tuple[Callable[[Path], object], ...] = (
        lambda file: file.unlink(),
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(b"".join(file.read_bytes().splitlines(True)[:4])),
        lambda file: file.write_bytes(b"".join(file.read_bytes().splitlines(True)[:-40])),
        lambda file: shutil.rmtree(file.parent),
    )

    @pytest.fixture(scope="class")
    def stopped(
        self, tmp_path_factory: pytest.TempPathFactory
    ) -> Iterator[tuple[LocalServer, Path]]:
        """A server and a project whose run its budget has stopped."""
        project = tmp_path_factory.mktemp("stopped")
        with LocalServer() as server:
            config = write_config(project, server, prompts=20, budget={"usd": 0.03})
            assert run(config, project / "out").exit_code == 3
            yield server, project

    @pytest.mark.parametrize("lose", LOSSES, ids=["deleted", "empty", "4 rows", "end", "state"])
    @pytest.mark.parametrize("kept", ["all", "log.jsonl", "manifest.json", "journal"])
    def test_it_is_refused_before_anything_is_sent(
        self,
        tmp_path: Path,
        stopped: tuple[LocalServer, Path],
        lose: Callable[[Path], object],
        kept: str,
    ) -> None:
        if kept == "journal" and lose is self.LOSSES[4]:
            pytest.skip("the journal is in state/ as well")
        server, project = stopped
        here = shutil.copytree(project, tmp_path / "project")
        config, out = here / "config.yaml", here / "out"
        lose(out / "state" / "spending.jsonl")
        for name in {"log.jsonl", "manifest.json"} - {kept}:
            if kept != "all":
                (out / name).unlink()
        sent = len(server.requests)
        with pytest.raises((StoreError, ConfigError), match=r"Rows are missing|not a run folder"):
            run(config, out)
        assert len(server.requests) == sent

    @pytest.mark.parametrize("lose", LOSSES[:4], ids=["deleted", "empty", "4 rows", "end"])
    def test_without_a_limit_the_folder_goes_on_and_its_whole_cost_is_not_known(
        self, tmp_path: Path, server: LocalServer, out: Path, lose: Callable[[Path], object]
    ) -> None:
        config = write_config(tmp_path, server, prompts=6)
        first = run(config, out, limit=4).manifest["totals"]
        lose(out / "state" / "spending.jsonl")
        second = run(config, out, limit=5)
        assert second.exit_code == 0
        assert second.manifest["totals"]["cost_usd"] is None
        assert second.manifest["totals"]["calls"]["paid"] == first["calls"]["paid"] + 8
        assert second.manifest["last_run"]["cost_usd"] > 0
        assert "has lost rows" in second.notes[0]
        assert [event["paid_calls"] > 0 for event in logged(out, "spending_rows_lost")] == [True]
        third = run(config, out).manifest["totals"]
        assert (third["cost_usd"], third["calls"]["paid"]) == (None, first["calls"]["paid"] + 16)

    def test_a_row_that_a_kill_cut_is_no_loss(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        config = write_config(tmp_path, server, prompts=20, budget={"usd": 0.03})
        assert run(config, out).exit_code == 3
        spending = out / "state" / "spending.jsonl"
        spending.write_bytes(spending.read_bytes() + b'["reserved",99')
        assert run(config, out).exit_code == 3


def _delete(lock: Path) -> None:
    lock.unlink()


def _replace(lock: Path) -> None:
    lock.unlink()
    lock.touch()


def _copy_over(lock: Path) -> None:
    shutil.copy(lock, lock.with_name("copy"))
    lock.with_name("copy").replace(lock)


@pytest.mark.parametrize("lose", [_delete, _replace, _copy_over])
def test_a_run_that_loses_its_lock_stops_and_the_folder_goes_on(
    tmp_path: Path, server: LocalServer, out: Path, lose: Callable[[Path], None]
) -> None:
    served = 0

    def at_the_20th(_: RequestRecord) -> bool:
        nonlocal served
        served += 1
        if served == 20:
            lose(out / "state" / "lock")
        return False

    server.faults.add(faults.status(500), when=at_the_20th)
    config = write_config(tmp_path, server, prompts=6, budget=ENOUGH, limits={"concurrency": 4})
    stopped = run(config, out)
    assert stopped.exit_code == 74
    assert "the lock was removed or replaced" in str(stopped.stopped_by)
    assert (len(stopped.pairs), stopped.skips) == (0, []), "it wrote no file"
    assert len(server.requests) <= 20 + 4
    again = run(config, out)
    assert again.exit_code == 0
    assert again.manifest["totals"]["prompts"] == 6
    account = read_account(out / "state" / "spending.jsonl").spending()
    assert account.cost_usd is not None
    assert account.cost_usd >= server.billed_usd(PRICES)


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"models": ["a", "b"]}, "models"),
        ({"plugins": [{"id": "web"}]}, "plugins"),
        ({"prediction": {"type": "content", "content": "x"}}, "prediction"),
        ({"best_of": 4}, "best_of"),
        ({"extra_body": {"best_of": 4}}, "best_of"),
        ({"search_parameters": {"mode": "on"}}, "search_parameters"),
        ({"enable_search": True}, "enable_search"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"best_of": 1, "enable_search": False, "modalities": ["text"]}, None),
        ({"top_k": 5, "reasoning_effort": "low"}, None),
    ],
    ids=str,
)
def test_what_may_be_billed_apart_is_refused_under_a_budget(
    tmp_path: Path, server: LocalServer, params: dict[str, Any], said: str | None
) -> None:
    own = model(server) | {"params": params}
    assert billed_apart(ModelConfig.model_validate(own)) == said
    config = write_config(tmp_path, server, models={"small": own}, budget=ENOUGH)
    if said is None:
        assert run(config, tmp_path / "out").exit_code == 0
        return
    with pytest.raises(ConfigError, match=f"`{said}` may be billed beside the tokens"):
        run(config, tmp_path / "out")
    assert not server.requests
    assert not os.path.lexists(tmp_path / "out")
