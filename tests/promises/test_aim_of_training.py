"""With `judging.aim: training` a run asks what serves the model, wherever it was stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import judgeforge
from judgeforge.errors import ConfigError
from judgeforge.runs.preparation.identity import identity
from judgeforge.runs.preparation.preparation import prepare
from tests.local_server import LocalServer
from tests.promises.test_cascade_runs import results
from tests.support.run_setup import model, run, write_config

TRAINING = {"aim": "training", "cascade": {}}


def config_of(server: LocalServer, folder: Path, **judging: Any) -> Path:
    dear = model(server, model="big", price={"input_per_mtok": 0.2, "output_per_mtok": 0.8})
    judges = [{"model": "small"}, {"model": "big", "tier": 2}]
    return write_config(
        folder,
        server,
        prompts=12,
        models={"small": model(server), "big": dear},
        judging={"judges": judges, "fit_prompts": 6, **judging},
    )


def asked_of_the_second_tier(config: Path, out: Path) -> int:
    return int(run(config, out).manifest["judging"]["by_tier"].get("2", 0))


@pytest.mark.slow
def test_wrong_pairs_that_cost_more_are_asked_more_about(
    server: LocalServer, tmp_path: Path
) -> None:
    asked = []
    for number, point_wrong in enumerate((0.01, 0.87, 80.0)):
        folder = tmp_path / str(number)
        folder.mkdir()
        value = {"point_wrong": point_wrong}
        config = config_of(server, folder, **TRAINING, training_value=value)
        asked.append(asked_of_the_second_tier(config, folder / "run"))
    assert asked == sorted(asked)
    assert asked[0] == 0 < asked[2]


@pytest.mark.slow
def test_a_run_that_was_stopped_asks_and_finds_the_same(
    server: LocalServer, tmp_path: Path
) -> None:
    config = config_of(server, tmp_path, **TRAINING)
    run(config, tmp_path / "whole")
    for limit in (4, 9, None):
        run(config, tmp_path / "parts", limit=limit)
    assert results(tmp_path / "parts") == results(tmp_path / "whole")


def test_the_aim_is_part_of_what_a_folder_is(server: LocalServer, tmp_path: Path) -> None:
    run(config_of(server, tmp_path, cascade={}), tmp_path / "run")
    with pytest.raises(ConfigError, match="aim"):
        run(config_of(server, tmp_path, **TRAINING), tmp_path / "run")


def test_folders_that_know_no_aim_go_on(server: LocalServer, tmp_path: Path) -> None:
    config = judgeforge.load_config(config_of(server, tmp_path, cascade={}))
    prepared = prepare(config, with_keys=False)
    judging = identity(config, prepared.rubric.identity)["judging"]
    assert not judging.keys() & {"aim", "training_value"}


@pytest.mark.parametrize(
    ("judging", "pairing", "said"),
    [
        ({"aim": "training"}, {}, "set `cascade`"),
        ({"cascade": {}, "training_value": {"point_wrong": 2.0}}, {}, "aim: training"),
        (TRAINING, {"max_error": 0.05}, "max_error"),
    ],
)
def test_an_aim_that_means_nothing_is_refused(
    server: LocalServer, tmp_path: Path, judging: Any, pairing: Any, said: str
) -> None:
    judges = [{"model": "small"}]
    config = write_config(tmp_path, server, judging={"judges": judges, **judging}, pairing=pairing)
    with pytest.raises(ConfigError, match=said):
        judgeforge.load_config(config)
