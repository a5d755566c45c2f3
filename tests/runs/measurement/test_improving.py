"""`judgeforge rubric improve`, end to end on the local server."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
import yaml

import judgeforge
from judgeforge.config.file import load_model
from judgeforge.errors import ConfigError, InputError
from judgeforge.judging.rubric import Rubric
from judgeforge.runs.measurement.improving import OWN, improve_rubric
from tests.local_server import LocalServer
from tests.support.run_setup import RUBRIC, write_config

MORE = """
  - {name: short, weight: 5, check: {max_words: 15}}
  - {name: always, check: {min_words: 1}}
"""


def labels(folder: Path, number: int) -> Path:
    drawn = random.Random(5)
    rows = []
    for n in range(number):
        qualities = [drawn.random() for _ in "ab"]
        a, b = (f"[quality={one:.3f}] {'word ' * drawn.randint(1, 30)}" for one in qualities)
        better = "a" if qualities[0] > qualities[1] else "b"
        own = [{"name": "own", "yes_no": f"Is it about {n}?", "weight": 2}]
        rows.append({"prompt": f"Q {n}?", "a": a, "b": b, "label": better, "criteria": own})
    file = folder / "labels.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def config(folder: Path, server: LocalServer, **parts: Any) -> judgeforge.RunConfig:
    judging = parts.pop("judging", {"judges": [{"model": "small"}]})
    file = write_config(folder, server, judging=judging, **parts)
    (folder / "rubric.yaml").write_text(RUBRIC + MORE.lstrip("\n"))
    return judgeforge.load_config(file)


def test_labels_show_what_criteria_tell_and_a_better_rubric_is_written(tmp_path: Path) -> None:
    with LocalServer(noise_sd=0.1) as server:
        report = improve_rubric(
            config(tmp_path, server), labels(tmp_path, 40), out=tmp_path / "better.yaml"
        )
    says = {one.name: one.says for one in report.criteria.criteria}
    assert says["quality"] == "tells apart"
    assert says["always"] == "never differs"
    assert says["short"] == "not known"
    assert report.criteria.supported
    better = load_model(tmp_path / "better.yaml", Rubric)
    assert better.version == 2
    assert better.weights.get("short", 0) < better.weights["quality"]
    with LocalServer() as server, pytest.raises(ConfigError, match="nothing is replaced"):
        improve_rubric(config(tmp_path, server), labels(tmp_path, 40), out=tmp_path / "better.yaml")


def test_few_labels_are_said_to_be_few_and_nothing_is_written(tmp_path: Path) -> None:
    with LocalServer() as server:
        rubric = {"name": "rubric.yaml", "per_prompt": "add"}
        report = improve_rubric(
            config(tmp_path, server, rubric=rubric),
            labels(tmp_path, 8),
            out=tmp_path / "better.yaml",
        )
    assert any("too few to know what criteria should weigh" in note for note in report.notes)
    assert any("was not written" in note for note in report.notes)
    assert not (tmp_path / "better.yaml").exists()
    own = {one.name: one for one in report.criteria.criteria}[OWN]
    assert (own.weight, own.prompts) == (2, 8)


def test_judges_that_say_nothing_of_single_criteria_are_told(tmp_path: Path) -> None:
    bare = yaml.safe_load(RUBRIC)
    with LocalServer() as server:
        judging = {"judges": [{"model": "small", "protocol": "listwise"}]}
        loaded = config(tmp_path, server, judging=judging)
        (tmp_path / "rubric.yaml").write_text(yaml.safe_dump(bare))
        with pytest.raises(InputError, match="no judge says anything of single criteria"):
            improve_rubric(loaded, labels(tmp_path, 3))


def test_what_judges_are_shown_is_left_out(tmp_path: Path) -> None:
    with LocalServer() as server:
        examples = {"labels": "labels.jsonl", "number": 3}
        file = labels(tmp_path, 8)
        judging = {"judges": [{"model": "small", "examples": examples}]}
        report = improve_rubric(config(tmp_path, server, judging=judging), file)
        assert report.criteria.prompts == 5
        assert any("3 labels are left out" in note for note in report.notes)
        all_shown = {"judges": [{"model": "small", "examples": {**examples, "number": 8}}]}
        with pytest.raises(InputError, match="all of its labels are examples"):
            improve_rubric(config(tmp_path, server, judging=all_shown), file)
