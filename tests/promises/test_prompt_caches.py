"""What requests of judges begin with in common is billed at the cached price, and nothing twice."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

import judgeforge
from judgeforge.errors import ConfigError
from judgeforge.runs.planning.plan import plan_run
from tests.local_server import LocalServer
from tests.local_server.prefix_cache import PrefixCache
from tests.support.run_setup import model, rows, run, write_config

ROWS, ANSWERS = 5, 4
PRICE = {
    "input_per_mtok": 2.0,
    "output_per_mtok": 10.0,
    "cached_input_per_mtok": 0.2,
    "cache_write_per_mtok": 2.5,
    "hour_write_per_mtok": 4.0,
}
OF_BATCHES = {name: rate / 2 for name, rate in PRICE.items()}
WITHOUT_WRITES = {n: rate for n, rate in PRICE.items() if "write" not in n}
NAMES = {"openai": "gpt-5.4-mini", "anthropic": "claude-sonnet-5"}
AIM = 0.8


def conversation(row: int) -> dict[str, Any]:
    said = " ".join(f"word{row}x{n}" for n in range(700))
    turns = [{"role": ("user", "assistant")[n % 2], "content": f"{n} {said}"} for n in range(3)]
    answers = [f"[quality=0.{n + 1}] It is {row}{n}." for n in range(ANSWERS)]
    return {"id": f"p{row}", "prompt": turns, "completions": answers}


def config(
    folder: Path,
    server: LocalServer,
    provider: str = "openai",
    judge: dict[str, Any] | None = None,
    judging: dict[str, Any] | None = None,
    **fields: Any,
) -> Path:
    lines = [json.dumps(conversation(row)) + "\n" for row in range(ROWS)]
    (folder / "prompts.jsonl").write_text("".join(lines))
    price = PRICE if provider == "anthropic" else WITHOUT_WRITES
    own = {"model": NAMES.get(provider, "m"), "price": price, **fields}
    return write_config(
        folder,
        server,
        prompts={"path": "prompts.jsonl"},
        models={"small": model(server, provider, **own)},
        sampling=None,
        judging={
            "judges": [{"model": "small", **(judge or {})}],
            "fit_repeats": 0,
            **(judging or {}),
        },
    )


@pytest.fixture
def server() -> Any:
    with LocalServer(prefix_cache="providers", latency_s=0.02, noise_sd=0.0) as one:
        yield one


def share_cached(server: LocalServer) -> float:
    """Of the tokens that an earlier request had begun with, those billed as cached."""
    whole, possible, calls = PrefixCache(), 0, server.calls(kind="judge")
    for call in calls:
        found = whole.count_each_token(call.wire, call.body, step=8)
        whole.keep(found, 0.0)
        possible += found.read
    return sum(call.tokens.cached for call in calls) / possible


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize("protocol", ["pointwise", "pairwise", "listwise"])
def test_long_conversations_are_read_from_the_cache_and_billed_so(
    tmp_path: Path, server: LocalServer, provider: str, protocol: str
) -> None:
    repeats = {"repeats": 3} if protocol == "listwise" else {}
    file = config(tmp_path, server, provider, {"protocol": protocol, **repeats})
    result = run(file, tmp_path / "run")
    assert result.exit_code == 0
    assert share_cached(server) > AIM
    price = PRICE if provider == "anthropic" else WITHOUT_WRITES
    billed = server.billed_usd({NAMES[provider]: price})
    assert result.manifest["totals"]["cost_usd"] == pytest.approx(billed)
    assert not any(
        row["event"] == "reservation_exceeded" for row in rows(tmp_path / "run" / "log.jsonl")
    )


def test_in_layout_1_nothing_behind_the_rubric_is_ever_found(
    tmp_path: Path, server: LocalServer
) -> None:
    run(config(tmp_path, server, judging={"prompt_layout": 1}), tmp_path / "run")
    assert sum(call.tokens.cached for call in server.calls()) == 0


@pytest.mark.parametrize("asked", ["auto", False])
def test_one_request_of_a_row_goes_first_where_that_pays(
    tmp_path: Path, server: LocalServer, asked: object
) -> None:
    server.behaviour.latency_s = 0.3  # longer than a busy machine needs to send them all
    run(config(tmp_path, server, prompt_cache=asked), tmp_path / "run")
    by_row: dict[str, list[Any]] = {}
    for call in server.calls(kind="judge"):
        by_row.setdefault(call.body["messages"][1]["content"][:2000], []).append(call)
    assert len(by_row) == ROWS
    for calls in by_row.values():
        first, *others = sorted(calls, key=lambda call: call.at)
        assert first.done_at is not None
        waited = [first.done_at <= other.at for other in others]
        assert waited == [asked == "auto"] * (ANSWERS - 1)


class TestAServerOfOnesOwn:
    @pytest.mark.parametrize(("asked", "waits"), [("auto", False), (True, True)])
    def test_has_one_request_go_first_only_where_it_is_said_to_keep(
        self, tmp_path: Path, asked: object, waits: bool
    ) -> None:
        free = {"input_per_mtok": 0.0, "output_per_mtok": 0.0}
        with LocalServer(prefix_cache="vllm", latency_s=0.02, noise_sd=0.0) as server:
            run(config(tmp_path, server, price=free, prompt_cache=asked), tmp_path / "run")
            assert (share_cached(server) > AIM) is waits


class TestBatches:
    BATCH: ClassVar = {"quiet_s": 0.1, "poll_s": 0.2}

    def test_at_anthropic_keep_the_rubric_and_rows_for_an_hour_at_its_price(
        self, tmp_path: Path, server: LocalServer
    ) -> None:
        price = {**PRICE, "batch": OF_BATCHES}
        file = config(
            tmp_path,
            server,
            "anthropic",
            {"protocol": "pairwise"},
            price=price,
            batch=self.BATCH,
        )
        result = run(file, tmp_path / "run")
        assert result.exit_code == 0
        batched = [call for call in server.calls() if call.in_batch]
        assert sum(call.tokens.hour_write for call in batched) > 0
        assert all(call.tokens.hour_write == call.tokens.cache_write for call in batched)
        billed = server.billed_usd({NAMES["anthropic"]: price})
        assert result.manifest["totals"]["cost_usd"] == pytest.approx(billed)

    def test_have_the_requests_of_a_row_beside_each_other(
        self, tmp_path: Path, server: LocalServer
    ) -> None:
        run(config(tmp_path, server, batch=self.BATCH), tmp_path / "run")
        order = [
            call.body["messages"][1]["content"][:2000] for call in server.calls() if call.in_batch
        ]
        changes = sum(one != other for one, other in pairwise(order))
        assert changes == len(set(order)) - 1

    def test_buy_nothing_that_was_bought_without_them(
        self, tmp_path: Path, server: LocalServer
    ) -> None:
        run(config(tmp_path, server, "anthropic"), tmp_path / "run")
        before = len(server.calls())
        config(tmp_path, server, "anthropic", batch=self.BATCH, prompt_cache=False)
        result = run(tmp_path / "config.yaml", tmp_path / "again")
        assert len(server.calls()) == before
        assert result.manifest["totals"]["calls"]["paid"] == 0


class TestAFolderFromBefore:
    """Its manifest names no layout; what it has bought is in the cache under old keys."""

    def begun(self, tmp_path: Path, server: LocalServer) -> Path:
        file = config(tmp_path, server, judging={"prompt_layout": 1})
        judgeforge.run(judgeforge.load_config(file), tmp_path / "run", limit=2)
        manifest = tmp_path / "run" / "manifest.json"
        told = json.loads(manifest.read_text())
        del told["prompt_layout"]
        manifest.write_text(json.dumps(told))
        return config(tmp_path, server)

    def test_goes_on_in_its_layout_and_buys_nothing_twice(
        self, tmp_path: Path, server: LocalServer
    ) -> None:
        file = self.begun(tmp_path, server)
        (tmp_path / "run" / "state" / "journal.bin").unlink()  # all has to come from the cache
        result = run(file, tmp_path / "run")
        assert result.manifest["prompt_layout"] == 1
        assert len(server.calls()) == ROWS * ANSWERS

    def test_takes_another_layout_only_where_that_is_forced(
        self, tmp_path: Path, server: LocalServer
    ) -> None:
        self.begun(tmp_path, server)
        file = config(tmp_path, server, judging={"prompt_layout": 2})
        with pytest.raises(ConfigError, match="prompt_layout: was 1 and is 2"):
            run(file, tmp_path / "run")
        result = run(file, tmp_path / "run", force=True)
        assert result.manifest["prompt_layout"] == 2

    def test_is_followed_by_new_folders_in_the_new_layout(
        self, tmp_path: Path, server: LocalServer
    ) -> None:
        file = self.begun(tmp_path, server)
        assert run(file, tmp_path / "other").manifest["prompt_layout"] == 2


class TestThePlan:
    def test_expects_what_is_billed_and_says_what_it_would_be_without_caches(
        self, tmp_path: Path, server: LocalServer
    ) -> None:
        file = config(tmp_path, server, "anthropic")
        plan = plan_run(judgeforge.load_config(file))
        result = run(file, tmp_path / "run")
        (judge,) = plan.models
        assert None not in {plan.low, plan.expected, plan.high, judge.uncached}
        paid = result.manifest["totals"]["cost_usd"]
        assert plan.low <= plan.expected < judge.uncached < plan.high
        assert plan.low <= paid <= plan.high
        assert any("prompt_cache: false leaves it out" in note for note in plan.notes)

    def test_counts_no_cache_where_none_is_asked(self, tmp_path: Path, server: LocalServer) -> None:
        with_it, without = (
            plan_run(judgeforge.load_config(config(tmp_path, server, prompt_cache=asked)))
            for asked in ("auto", False)
        )
        assert without.models[0].uncached is None
        assert with_it.models[0].uncached == without.expected
        assert with_it.expected < without.expected


def test_a_cache_setting_is_checked_with_its_line(tmp_path: Path, server: LocalServer) -> None:
    file = config(tmp_path, server)
    told = yaml.safe_load(file.read_text())
    told["models"]["small"]["prompt_cache"] = "sometimes"
    file.write_text(yaml.safe_dump(told, sort_keys=False))
    with pytest.raises(ConfigError, match=r"models\.small\.prompt_cache"):
        judgeforge.load_config(file)
