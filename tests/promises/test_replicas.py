"""A model that several servers have: one model to cache and folder, several to the limits.

How servers fail is in tests/faults/server_replicas.py.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import judgeforge
from judgeforge.cli import app
from judgeforge.errors import ConfigError
from judgeforge.results.status import read_status
from judgeforge.runs.planning.plan import plan_run
from tests.local_server import LocalServer, faults
from tests.support.run_setup import logged, model, rows, run, write_config

PROMPTS, MANY = 12, 40


@dataclass(frozen=True)
class Farm:
    folder: Path
    servers: tuple[LocalServer, ...]

    def config(self, *servers: int, **parts: Any) -> Path:
        """With the servers of these numbers, in this order; one number alone is a text."""
        addresses = [self.servers[number].openai_url for number in servers]
        base_url = addresses if len(addresses) > 1 else addresses[0]
        own = model(self.servers[0], base_url=base_url)
        return write_config(
            self.folder,
            self.servers[0],
            **{"prompts": PROMPTS, "models": {"small": own}, **parts},
        )

    @property
    def sent(self) -> list[int]:
        return [len(server.calls()) for server in self.servers]


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[Farm]:
    with LocalServer() as one, LocalServer() as two, LocalServer() as three:
        yield Farm(tmp_path, (one, two, three))


@pytest.mark.slow
def test_work_is_shared_and_the_answers_of_a_prompt_stay_together(farm: Farm) -> None:
    """As long as the server has room, here nearly always; so many prompts leave none idle."""
    config = farm.config(0, 1, 2, prompts=MANY, limits={"concurrency": 8})
    assert run(config, farm.folder / "out").exit_code == 0
    assert sum(farm.sent) == MANY * 8
    assert min(farm.sent) > 0
    places = defaultdict[bytes, set[int]](set)
    for number, server in enumerate(farm.servers):
        for record in server.calls():
            found = re.search(rb"fact number (\d+)", record.raw)
            assert found
            places[found[1]].add(number)
    assert sum(len(place) == 1 for place in places.values()) > 0.8 * MANY


def test_keys_and_cache_are_those_of_the_first_server_alone(farm: Farm) -> None:
    first = run(farm.config(0), farm.folder / "one")
    sent = farm.sent
    again = run(farm.config(0, 1, 2), farm.folder / "three")
    assert farm.sent == sent
    assert again.manifest["identity"] == first.manifest["identity"]
    for name in ("pairs.jsonl", "completions.jsonl", "judgments.jsonl"):
        left, right = farm.folder / "one" / name, farm.folder / "three" / name
        assert left.read_bytes() == right.read_bytes()


def test_a_folder_goes_on_when_servers_come_go_and_change_places(farm: Farm) -> None:
    """The first one too, which stood for all of them; nothing is asked twice."""
    out, total = farm.folder / "out", 0
    for done, servers in enumerate([(0,), (0, 1), (2, 1, 0), (1, 2), (2,)], 1):
        result = run(farm.config(*servers), out, limit=2 * done)
        total = 2 * done * 8
        assert result.exit_code == 0
        assert sum(farm.sent) == total
    assert run(farm.config(2), out).exit_code == 0
    assert sum(farm.sent) == PROMPTS * 8


def test_another_server_alone_is_another_model_as_before(farm: Farm) -> None:
    out = farm.folder / "out"
    run(farm.config(0), out, limit=2)
    with pytest.raises(ConfigError, match=r"models\.small\.base_url: was"):
        run(farm.config(1), out)
    with pytest.raises(ConfigError, match=r"models\.small\.base_url: was"):
        run(farm.config(1, 2), out)


def test_each_line_of_the_log_names_its_server_where_there_are_several(farm: Farm) -> None:
    run(farm.config(0, 1), farm.folder / "several", limit=2)
    run(farm.config(2), farm.folder / "one", limit=2)
    several = logged(farm.folder / "several", "call")
    addresses = {server.openai_url for server in farm.servers[:2]}
    assert {row["replica"] for row in several} <= addresses
    one = logged(farm.folder / "one", "call")
    assert not any("replica" in row for row in one)


@pytest.mark.slow
def test_a_run_says_at_once_which_server_is_out_of_order(farm: Farm) -> None:
    farm.servers[1].faults.add(faults.status(500))
    config = farm.config(0, 1, prompts=MANY, limits={"breaker_failures": 3})
    ended = CliRunner().invoke(app, ["run", str(config), "--out", str(farm.folder / "out")])
    assert ended.exit_code == 0
    address = farm.servers[1].openai_url
    assert (
        f"model `small` at {address} is out of order and only tried now and then (others of it "
        "carry on); last failure: HTTP 500"
    ) in ended.output


def test_report_card_manifest_and_status_tell_how_each_did(farm: Farm) -> None:
    farm.servers[1].faults.add(faults.status(500))
    out = farm.folder / "out"
    result = run(farm.config(0, 1, 2, limits={"breaker_failures": 3}), out)
    assert result.exit_code == 0
    told = {one["address"]: one for one in result.manifest["replicas"]["small"]}
    broken = told[farm.servers[1].openai_url]
    assert broken["failures"] == {"HTTP 500": broken["requests"]}
    assert (broken["outages"], broken["is_out_of_order"]) == (1, True)
    assert sum(one["replies"] for one in told.values()) == PROMPTS * 8
    page = (out / "report.html").read_text()
    assert "Requests by server" in page
    assert "one of 3 servers of small, was out of order 1 time" in page
    card = (out / "README.md").read_text()
    assert "seconds out of order" in card
    assert "127.0.0.1" not in card, "a card is passed on, addresses are not"
    assert [one["address"] for one in read_status(out).replicas] == sorted(told)
    shown = CliRunner().invoke(app, ["status", str(out)]).output
    assert f"small at {farm.servers[1].openai_url}: {broken['requests']} requests" in shown


def test_check_and_plan_say_what_the_limits_let_through(farm: Farm) -> None:
    config = farm.config(0, 1, 2, limits={"concurrency": 64})
    said = (
        "`small` is asked at 3 servers, 64 calls each at once; limits.concurrency lets 64 of "
        "these 192 through: raise it to use all"
    )
    assert said in plan_run(judgeforge.load_config(config)).notes
    assert said in CliRunner().invoke(app, ["check", str(config)]).output.replace("\n", " ")


def test_doctor_and_check_ask_each_of_them(farm: Farm) -> None:
    farm.servers[1].faults.add(faults.status(404))
    config = farm.config(0, 1)
    good, bad = farm.servers[0].openai_url, farm.servers[1].openai_url
    for command in (["doctor", str(config), "--ask"], ["check", str(config), "--ask"]):
        ended = CliRunner().invoke(app, command)
        assert ended.exit_code == 2
        assert f"ok   small at {good}: answers" in ended.output
        assert f"fail small at {bad}: answers: HTTP 404" in ended.output


def test_a_key_that_one_of_them_refuses_stops_nothing(farm: Farm) -> None:
    farm.servers[1].behaviour.key = "another"
    result = run(farm.config(0, 1), farm.folder / "out")
    assert result.exit_code == 0
    assert len(farm.servers[0].calls(status=200)) == PROMPTS * 8


def test_what_all_of_them_refuse_stops_the_run_as_with_one(farm: Farm) -> None:
    for server in farm.servers[:2]:
        server.behaviour.key = "another"
    result = run(farm.config(0, 1), farm.folder / "out")
    assert result.exit_code == 4
    assert "401" in str(result.stopped_by)
    assert sum(farm.sent) <= 16


@pytest.mark.parametrize("provider", ["anthropic"])
@pytest.mark.slow
def test_other_providers_have_replicas_as_well(farm: Farm, provider: str) -> None:
    addresses = [server.anthropic_url for server in farm.servers]
    own = model(farm.servers[0], provider, base_url=addresses)
    config = write_config(
        farm.folder, farm.servers[0], prompts=MANY, provider=provider, models={"small": own}
    )
    assert run(config, farm.folder / "out").exit_code == 0
    assert sum(farm.sent) > MANY * 7, "equal answers are judged once"
    assert min(farm.sent) > 0


@pytest.mark.slow
def test_decision_judges_have_replicas_as_well(farm: Farm) -> None:
    addresses = [server.openai_url for server in farm.servers]
    judge = model(farm.servers[0], "systemone", base_url=addresses, model="decider")
    models = {"small": model(farm.servers[0]), "judge": judge}
    judging = {"judges": [{"model": "judge", "protocol": "decisions"}], "fit_repeats": 0}
    config = write_config(
        farm.folder, farm.servers[0], prompts=MANY, models=models, judging=judging
    )
    assert run(config, farm.folder / "out").exit_code == 0
    assert min(len(server.calls(model="decider")) for server in farm.servers) > 0


def test_a_call_that_hangs_is_asked_at_another_server_meanwhile(farm: Farm) -> None:
    farm.servers[1].faults.add(faults.stall_headers(30))
    addresses = [server.openai_url for server in farm.servers]
    own = model(farm.servers[0], base_url=addresses, hedge_after=0.2, timeout_s=20)
    config = farm.config(0, models={"small": own}, prompts=4, limits={"grace_s": 0})
    assert run(config, farm.folder / "out").exit_code == 0
    log = rows(farm.folder / "out" / "log.jsonl")
    hedged = {row["key"] for row in log if row["event"] == "hedged"}
    answered = {row["key"]: row["replica"] for row in log if row.get("outcome") == "stop"}
    assert hedged <= answered.keys()
    assert farm.servers[1].openai_url not in answered.values()
