"""`evaluate` against the local server: of the panel, of each judge, and against before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from judgeforge.calibration.evaluation.evaluation import Evaluation
from judgeforge.cli import app
from judgeforge.errors import InputError
from judgeforge.runs.measurement.evaluating import evaluate_config
from tests.local_server import LocalServer
from tests.support.label_files import pair_rows, write_rows
from tests.support.measured_judges import JUDGES, calibrated, changed, config_of, loaded


@pytest.mark.slow
def test_evaluate_tells_of_the_panel_and_of_each_judge(tmp_path: Path, judges: LocalServer) -> None:
    config = config_of(tmp_path, judges)
    rows_ = pair_rows(60)
    for row in rows_[:10]:
        row["labels"] = [row["label"], row["label"], "b"]
    labels = write_rows(tmp_path / "labels.jsonl", rows_)
    out = tmp_path / "figures.json"
    said = CliRunner().invoke(
        app, ["evaluate", str(config), "--labels", str(labels), "--out", str(out), "--quiet"]
    )
    assert said.exit_code == 0, said.output
    found = json.loads(out.read_text())
    wanted = {"n", "accuracy", "accuracy_ci", "kappa", "ece", "brier", "judges", "cost_usd"}
    assert wanted <= found.keys()
    assert found["n"] == 60
    assert found["accuracy_ci"][0] < found["accuracy"] < found["accuracy_ci"][1]
    sharp, blunt = found["judges"]["sharp"], found["judges"]["blunt"]
    assert sharp["accuracy"] > blunt["accuracy"]
    assert sharp["order_flips"] < blunt["order_flips"]
    assert sharp["latency_s"] > 0
    assert found["cost_usd"] == pytest.approx(sharp["cost_usd"] + blunt["cost_usd"])
    assert found["people"]["items"] == 10
    assert "people agree with each other" in said.output
    assert "60 labels leave the accuracy open between" in said.output


@pytest.mark.slow
def test_evaluate_against_says_whether_the_change_helped(
    tmp_path: Path, judges: LocalServer
) -> None:
    labels = write_rows(tmp_path / "labels.jsonl", pair_rows(60))
    blunt = config_of(tmp_path, judges, judging={"judges": JUDGES[1:]})
    evaluate_config(loaded(blunt), labels, out=tmp_path / "before.json")
    both = changed(blunt, "both.yaml", judging={"judges": JUDGES})
    said = CliRunner().invoke(
        app,
        [
            *("evaluate", str(both), "--labels", str(labels), "--quiet"),
            *("--against", str(tmp_path / "before.json")),
        ],
    )
    assert "On the 60 items of both" in said.output
    assert "the change helped" in said.output
    same = evaluate_config(loaded(blunt), labels, against=tmp_path / "before.json")
    assert same.comparison is not None
    assert "made no difference" in same.comparison.in_words


def test_evaluate_uses_the_calibration_and_says_when_its_labels_are_the_same(
    tmp_path: Path, judges: LocalServer
) -> None:
    config = calibrated(tmp_path, judges)
    using = changed(config, "using.yaml", judging={"calibration": "calibration.json"})
    fresh = write_rows(
        tmp_path / "fresh.jsonl",
        [
            {**row, "id": f"fresh{i}", "prompt": f"Fresh {i}?"}
            for i, row in enumerate(pair_rows(20, seed=1))
        ],
    )
    seen = evaluate_config(loaded(using), tmp_path / "labels.jsonl")
    unseen = evaluate_config(loaded(using), fresh)
    assert any("looks better than it is" in note for note in seen.notes)
    assert not any("looks better than it is" in note for note in unseen.notes)


def test_evaluate_ranks_for_a_certificate_as_a_certified_run_would(
    tmp_path: Path, judges: LocalServer
) -> None:
    config = calibrated(tmp_path, judges)
    file = tmp_path / "calibration.json"
    made = json.loads(file.read_text())
    for judge in made["labelled"]["reliability"]["judges"]:
        judge["discrimination"] = -1.0
    file.write_text(json.dumps(made))
    using = {"judging": {"calibration": "calibration.json"}}
    for guarantee, better_than_chance in (("expected", False), ("certified", True)):
        pairing = {"max_error": 0.1, "guarantee": guarantee}
        other = changed(config, f"{guarantee}.yaml", **using, pairing=pairing)
        found = evaluate_config(loaded(other), tmp_path / "labels.jsonl").evaluation
        assert (found.accuracy > 0.5) == better_than_chance


def test_what_no_evaluation_wrote_is_refused(tmp_path: Path, judges: LocalServer) -> None:
    labels = write_rows(tmp_path / "labels.jsonl", pair_rows(20))
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(InputError, match=r"other\.json: is not what `judgeforge evaluate"):
        evaluate_config(
            loaded(config_of(tmp_path, judges)), labels, against=tmp_path / "other.json"
        )
    assert not judges.requests


def test_an_evaluation_survives_its_file(tmp_path: Path, judges: LocalServer) -> None:
    labels = write_rows(tmp_path / "labels.jsonl", pair_rows(20))
    out = tmp_path / "figures.json"
    report = evaluate_config(loaded(config_of(tmp_path, judges)), labels, out=out)
    assert Evaluation.model_validate_json(out.read_bytes()) == report.evaluation
