"""A sharp and a blunt judge at the local server, and a calibration that measured them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

import judgeforge
from judgeforge.runs.measurement.calibrating import calibrate_config
from tests.local_server import LocalServer
from tests.support.label_files import pair_rows, write_rows
from tests.support.run_setup import model, write_config

JUDGES = [{"model": "sharp", "protocol": "pairwise"}, {"model": "blunt", "protocol": "pairwise"}]
_ANY_SERVER = "http://any.server/v1"


def judge_server() -> LocalServer:
    return LocalServer(noise_by_model={"sharp": 0.04, "blunt": 0.4, "small": 0.1})


def config_of(folder: Path, server: LocalServer, **parts: Any) -> Path:
    models = {name: model(server, model=name) for name in ("small", "sharp", "blunt")}
    return write_config(
        folder, server, **{"models": models, "judging": {"judges": JUDGES}, **parts}
    )


def changed(config: Path, name: str, **parts: Any) -> Path:
    values = yaml.safe_load(config.read_text())
    for key, part in parts.items():
        values[key] = {**values.get(key, {}), **part}
    other = config.with_name(name)
    other.write_text(yaml.safe_dump(values, sort_keys=False))
    return other


def loaded(config: Path) -> judgeforge.RunConfig:
    return judgeforge.load_config(config)


def calibrated(folder: Path, server: LocalServer, number: int = 20) -> Path:
    """A configuration beside its ``labels.jsonl`` and their ``calibration.json``.

    The judges of ``server`` are those that were measured, and it is asked nothing.
    """
    config = config_of(folder, server)
    write_rows(folder / "labels.jsonl", pair_rows(number))
    made = _calibration(number).replace(_ANY_SERVER, server.openai_url)
    (folder / "calibration.json").write_text(made)
    return config


@cache
def _calibration(number: int) -> str:
    with judge_server() as server, TemporaryDirectory() as place:
        folder = Path(place)
        labels = write_rows(folder / "labels.jsonl", pair_rows(number))
        calibrate_config(loaded(config_of(folder, server)), labels, folder / "calibration.json")
        made = (folder / "calibration.json").read_text()
        return made.replace(server.openai_url, _ANY_SERVER)
