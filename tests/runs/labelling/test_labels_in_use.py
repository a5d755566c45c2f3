"""A person's labels go straight into `calibrate`, `evaluate` and a run's own evidence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import judgeforge
from judgeforge.runs.labelling.label_file import LabelledFile
from judgeforge.runs.labelling.several import compare
from judgeforge.runs.measurement.calibrating import calibrate_config
from judgeforge.runs.measurement.evaluating import evaluate_config
from tests.local_server import LocalServer
from tests.runs.labelling.test_session import answer_rightly, started
from tests.support.run_setup import model, rows, run, write_config


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with LocalServer() as found:
        yield found


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, server: LocalServer) -> Path:
    """A run of 26 prompts with 24 labels by ana, a tie and a "cannot tell" among them, of ben."""
    place = tmp_path_factory.mktemp("in-use")
    judges = [{"model": "small"}, {"model": "other"}]
    config = write_config(
        place,
        server,
        prompts=26,
        models={"small": model(server), "other": model(server, model="other")},
        judging={"judges": judges},
    )
    assert run(config, place / "out").exit_code == 0
    for name, odd in (("ana", "tie"), ("ben", "cannot_tell")):
        with LabelledFile(place / f"{name}.jsonl") as file:
            session = started(place / "out", file, judge=f"human:{name}", seed=len(odd))
            look = session.current()
            assert look is not None
            session.answer(look.id, odd)
            while session.current() is not None:
                answer_rightly(session)
    return place


@pytest.mark.slow
def test_calibrate_and_evaluate_read_the_file_and_calibrate_asks_nothing_that_the_run_has_asked(
    project: Path,
) -> None:
    config, labels = judgeforge.load_config(project / "config.yaml"), project / "ana.jsonl"
    found = calibrate_config(config, labels, project / "calibration.json")
    assert (found.calibration.of, found.calibration.labels) == ("pair", 25)
    assert found.judged.paid_usd == 0.0
    assert any("second looks are left out" in note for note in found.notes)
    report = evaluate_config(config, labels)
    assert report.evaluation.n == 25
    assert report.evaluation.accuracy > 0.9


@pytest.mark.slow
def test_labelled_answers_are_measured_among_all_of_their_prompt(project: Path) -> None:
    line = rows(project / "ana.jsonl")[0]
    answers = rows(project / "out" / "completions.jsonl")
    mine = {one["text"] for one in answers if one["prompt_id"] == line["prompt_id"]}
    texts = [line["a"], line["b"], *line["others"]]
    assert {one if isinstance(one, str) else one["text"] for one in texts} == mine
    config = judgeforge.load_config(project / "config.yaml")
    again = calibrate_config(config, project / "ana.jsonl", project / "again.json")
    assert all(len(row.prompt.completions) == len(mine) for row in again.judged.rows)


def test_who_could_not_tell_is_told_in_a_note(project: Path) -> None:
    config = judgeforge.load_config(project / "config.yaml")
    report = evaluate_config(config, project / "ben.jsonl")
    assert report.evaluation.n == 24
    assert any("could not tell" in note for note in report.notes)


def test_the_same_file_is_evidence_of_the_run(project: Path) -> None:
    config = yaml.safe_load((project / "config.yaml").read_text())
    config["judging"]["judgments"] = "ana.jsonl"
    judged = project / "judged.yaml"
    judged.write_text(yaml.safe_dump(config))
    assert run(judged, project / "out").exit_code == 0
    said = [row for row in rows(project / "out" / "judgments.jsonl") if row["judge"] == "human:ana"]
    assert len(said) == len(rows(project / "ana.jsonl"))
    assert {row["verdict"] for row in said} == {"a", "b", "tie"}
    with LabelledFile(project / "again.jsonl") as file:
        session = started(project / "out", file)
        told = {one.judge for look in session.looks for one in session.material(look).judgments}
        assert told == {"small", "other"}


def test_two_people_are_compared_and_their_labels_put_together(project: Path) -> None:
    place = project / "both.jsonl"
    found = compare([project / "ana.jsonl", project / "ben.jsonl"], place)
    [pair] = found.comparison.pairs
    assert pair.share > 0.9
    assert found.comparison.alpha is not None
    config = judgeforge.load_config(project / "config.yaml")
    people = evaluate_config(config, place).evaluation.people
    assert people is not None
    assert people.share == pytest.approx(pair.share)
