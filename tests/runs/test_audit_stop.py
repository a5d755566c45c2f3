"""A run of pairs by design stops once its audit shows that too few of them are right."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import judgeforge
from judgeforge.errors import AuditFailedError, ConfigError
from judgeforge.runs.planning.plan import plan_run
from tests.local_server import LocalServer
from tests.runs.test_concluding import DELTA, PROMPTS, RESULTS, delta_config
from tests.support.run_setup import rows, run

TURNED = DELTA | {"chosen_from": "weak", "rejected_from": "strong"}


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with LocalServer() as started:
        started.behaviour.skill_by_model = {"strong": 0.8, "weak": 0.2}
        yield started


@pytest.mark.slow
def test_it_stops_early_says_why_and_goes_on_with_the_bytes_of_a_whole_run(
    server: LocalServer, tmp_path: Path
) -> None:
    few = {"limits": {"concurrency": 4}}
    asks = delta_config(tmp_path / "a", server, pairing=TURNED | {"stop_below": 0.7}, **few)
    out = tmp_path / "a" / "out"
    stopped = run(asks, out)
    assert isinstance(stopped.stopped_by, AuditFailedError)
    assert stopped.exit_code == 3
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["status"] == "audit"
    assert "pairing.stop_below asks for 70%" in manifest["message"]
    assert manifest["totals"]["prompts"] < PROMPTS, "before all of it was paid for"
    assert "shows that too few pairs by design are right" in (out / "report.html").read_text()

    again = run(asks, out)
    assert again.exit_code == 3
    assert again.manifest["last_run"]["calls"]["paid"] == 0, "nothing is sent before it stops again"

    lower = delta_config(tmp_path / "a", server, pairing=TURNED | {"stop_below": 0.01}, **few)
    assert run(lower, out).exit_code == 0
    whole = delta_config(tmp_path / "b", server, pairing=TURNED)
    run(whole, tmp_path / "b" / "out")
    for name in RESULTS:
        assert (out / name).read_bytes() == (tmp_path / "b" / "out" / name).read_bytes(), name


@pytest.mark.slow
def test_pairs_that_are_right_are_not_stopped(server: LocalServer, tmp_path: Path) -> None:
    config = delta_config(tmp_path, server, pairing=DELTA | {"stop_below": 0.7})
    assert run(config, tmp_path / "out").exit_code == 0
    assert len(rows(tmp_path / "out" / "pairs.jsonl")) == PROMPTS


def test_plan_says_how_early_it_can_stop_and_where_it_cannot(
    server: LocalServer, tmp_path: Path
) -> None:
    config = delta_config(tmp_path, server, pairing=DELTA | {"stop_below": 0.7})
    assert any("after 5 judged pairs" in note for note in plan_run(_load(config)).notes)
    few = delta_config(tmp_path, server, pairing=DELTA | {"stop_below": 0.7, "audit": 0.02})
    assert any("cannot stop this run" in note for note in plan_run(_load(few)).notes)


@pytest.mark.parametrize(
    ("pairing", "told"),
    [
        ({"strategy": "best_vs_worst", "stop_below": 0.8}, "goes by the audit"),
        (DELTA | {"audit": 0, "stop_below": 0.8}, "judges nothing"),
        (DELTA | {"stop_below": 1.5}, "stop_below"),
    ],
)
def test_it_is_refused_where_nothing_is_audited(
    server: LocalServer, tmp_path: Path, pairing: dict[str, object], told: str
) -> None:
    with pytest.raises(ConfigError, match=told):
        _load(delta_config(tmp_path, server, pairing=pairing))


def _load(config: Path) -> judgeforge.RunConfig:
    return judgeforge.load_config(config)
