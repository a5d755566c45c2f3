"""`calibrate` and `evaluate` against the local server, and a run that uses what they found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml
from pyarrow import csv as pa_csv
from pyarrow import parquet
from typer.testing import CliRunner

import judgeforge
from judgeforge.calibration.calibration import Calibration
from judgeforge.calibration.evaluation.evaluation import Evaluation
from judgeforge.cli import app
from judgeforge.errors import ConfigError, InputError
from judgeforge.inputs.row_checks import RowChecks
from judgeforge.runs.measurement.calibrating import CalibrationReport, calibrate_config
from judgeforge.runs.measurement.evaluating import evaluate_config
from judgeforge.runs.measurement.label_rows import read_labels
from tests.local_server import LocalServer
from tests.support.label_files import best_rows, pair_rows, write_rows
from tests.support.run_setup import model, rows, run, write_config

JUDGES = [{"model": "sharp", "protocol": "pairwise"}, {"model": "blunt", "protocol": "pairwise"}]


@pytest.fixture
def judges() -> Iterator[LocalServer]:
    with LocalServer(noise_by_model={"sharp": 0.04, "blunt": 0.4, "small": 0.1}) as server:
        yield server


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


def calibrated(folder: Path, server: LocalServer, number: int = 60, **parts: Any) -> Path:
    config = config_of(folder, server, **parts)
    labels = write_rows(folder / "labels.jsonl", pair_rows(number))
    calibrate_config(loaded(config), labels, folder / "calibration.json")
    return config


def test_calibrate_on_the_command_line_weighs_the_better_judge_more(
    tmp_path: Path, judges: LocalServer
) -> None:
    config = config_of(tmp_path, judges)
    labels = write_rows(tmp_path / "labels.jsonl", [*pair_rows(60), {"prompt": "x", "a": "y"}])
    out = tmp_path / "calibration.json"
    said = CliRunner().invoke(
        app, ["calibrate", str(config), "--labels", str(labels), "--out", str(out), "--quiet"]
    )
    assert said.exit_code == 0, said.output
    assert "60 labels of the kind `pair`" in said.output
    assert "labels.jsonl:61: the row has `a` and no `b`" in said.output
    assert "predicted by labels" in said.output
    found = Calibration.model_validate_json(out.read_bytes())
    reliability = found.labelled.reliability
    assert reliability.source == "labels"
    assert reliability.of("sharp").discrimination > reliability.of("blunt").discrimination


def test_calibrating_again_pays_nothing(tmp_path: Path, judges: LocalServer) -> None:
    config = config_of(tmp_path, judges)
    labels = write_rows(tmp_path / "labels.jsonl", pair_rows(20))
    first = calibrate_config(loaded(config), labels, tmp_path / "one.json")
    paid = len(judges.requests)
    assert paid == 20 * 2 * 2
    write_rows(labels, pair_rows(21))
    again = calibrate_config(loaded(config), labels, tmp_path / "two.json")
    assert len(judges.requests) == paid + 4, "only the new row is asked about"
    assert (first.calibration.labels, again.calibration.labels) == (20, 21)
    for log in tmp_path.glob(".judgeforge/labels/*/run/log.jsonl"):
        with log.open("a") as lines:
            lines.write('{"event": "call", "mod')  # as a kill leaves it
    third = calibrate_config(loaded(config), labels, tmp_path / "three.json")
    assert third.calibration.labels == 21


def test_a_run_keeps_its_promise_and_says_it(tmp_path: Path, judges: LocalServer) -> None:
    scoring = {"judges": [{"model": "sharp"}, {"model": "small"}, {"model": "blunt"}]}
    config = config_of(tmp_path, judges, judging=scoring, prompts=40)
    labels = write_rows(tmp_path / "labels.jsonl", best_rows(100))
    calibrate_config(loaded(config), labels, tmp_path / "calibration.json")
    promised = changed(
        config,
        "promised.yaml",
        judging={"calibration": "calibration.json"},
        pairing={"max_error": 0.1},
    )
    result = run(promised, tmp_path / "out")
    assert result.exit_code == 0, "pairs that are left out are outcomes, not failures"
    assert set(result.manifest["totals"]["skips"]) <= {"above_max_error"}
    texts = {row["id"]: row for row in rows(tmp_path / "out" / "completions.jsonl")}
    chosen = [texts[pair["provenance"]["chosen_id"]] for pair in rows(tmp_path / "out/pairs.jsonl")]
    least = result.manifest["calibration"]["promise"]["least"]
    assert chosen
    assert all(row["p_best"] > least for row in chosen)

    about = result.manifest["calibration"]
    assert about["labels"] == 100
    assert about["share_kept"] == pytest.approx(len(chosen) / 40)
    assert "at most 10.0% of the pairs kept are wrong" in about["promise"]["in_words"]
    assert about["promise"]["assumptions"]
    assert [point["labels"] for point in about["promise"]["curve"]] == [
        40,
        100,
        200,
        300,
        500,
        1000,
    ]
    assert result.manifest["reliability"]["source"] == "labels"


def test_labels_too_few_for_a_certificate_keep_nothing_and_say_how_many_more(
    tmp_path: Path, judges: LocalServer
) -> None:
    config = calibrated(tmp_path, judges, number=30)
    certified = changed(
        config,
        "certified.yaml",
        judging={"calibration": "calibration.json"},
        pairing={"max_error": 0.05, "guarantee": "certified"},
    )
    result = run(certified, tmp_path / "out")
    assert result.manifest["totals"]["skips"] == {"above_max_error": 6}
    promise = result.manifest["calibration"]["promise"]
    assert promise["share_kept"] == 0
    assert "do not support such a promise" in promise["in_words"]
    assert promise["more_labels_needed"] is None or promise["more_labels_needed"] > 0


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ({"judges": [*JUDGES[:1], {"model": "blunt"}]}, "judges.blunt.protocol"),
        ({"judges": JUDGES[:1]}, "judges.blunt"),
    ],
)
def test_other_judges_than_calibrated_are_refused_before_any_call(
    tmp_path: Path, judges: LocalServer, part: dict[str, Any], told: str
) -> None:
    config = calibrated(tmp_path, judges, number=20)
    sent = len(judges.requests)
    other = changed(config, "other.yaml", judging={**part, "calibration": "calibration.json"})
    with pytest.raises(ConfigError, match="was made with other judges") as error:
        run(other, tmp_path / "out")
    assert told in str(error.value)
    assert error.value.key == "judging.calibration"
    assert len(judges.requests) == sent


def test_another_rubric_is_refused(tmp_path: Path, judges: LocalServer) -> None:
    config = calibrated(tmp_path, judges, number=20)
    rubric = tmp_path / "rubric.yaml"
    rubric.write_text(rubric.read_text().replace("how good", "how bad"))
    rubric.write_text(rubric.read_text().replace("How good is", "How true is"))
    other = changed(config, "other.yaml", judging={"calibration": "calibration.json"})
    with pytest.raises(ConfigError, match=r"rubric\.sha256"):
        run(other, tmp_path / "out")


def test_a_cascade_is_calibrated_on_what_it_would_have_asked(
    tmp_path: Path, judges: LocalServer
) -> None:
    scoring = {"judges": [{"model": "blunt"}, {"model": "sharp", "tier": 2}]}
    whole = config_of(tmp_path, judges, judging=scoring)
    labels = write_rows(tmp_path / "labels.jsonl", best_rows(40))
    everybody = calibrate_config(loaded(whole), labels, tmp_path / "whole.json")
    never = {"cascade": {"min_gain": 1.0}}
    cheap = changed(whole, "cheap.yaml", judging=never)
    blunt_only = calibrate_config(loaded(cheap), labels, tmp_path / "calibration.json")
    assert share_right(blunt_only) < share_right(everybody) - 0.1

    using = changed(cheap, "using.yaml", judging={"calibration": "calibration.json"})
    assert run(using, tmp_path / "out").exit_code == 0
    other = changed(whole, "other.yaml", judging={"calibration": "calibration.json"})
    with pytest.raises(ConfigError, match=r"asked: was .* and is null"):
        run(other, tmp_path / "out2")


def share_right(report: CalibrationReport) -> float:
    results = report.calibration.results
    return sum(one.right for one in results) / len(results)


def test_a_changed_calibration_is_another_run(tmp_path: Path, judges: LocalServer) -> None:
    config = calibrated(tmp_path, judges, number=20)
    using = changed(config, "using.yaml", judging={"calibration": "calibration.json"})
    run(using, tmp_path / "out")
    calibrate_config(
        loaded(config),
        write_rows(tmp_path / "more.jsonl", pair_rows(25)),
        tmp_path / "calibration.json",
    )
    with pytest.raises(ConfigError, match=r"judging\.calibration"):
        run(using, tmp_path / "out")


def test_max_error_without_a_calibration_is_refused(tmp_path: Path, judges: LocalServer) -> None:
    config = config_of(tmp_path, judges, pairing={"max_error": 0.05})
    with pytest.raises(ConfigError, match=r"pairing\.max_error: needs labels"):
        run(config, tmp_path / "out")


@pytest.mark.parametrize("content", [None, "{}", "no json"])
def test_a_file_that_is_no_calibration_is_refused(
    tmp_path: Path, judges: LocalServer, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "calibration.json").write_text(content)
    judging = {"judges": JUDGES, "calibration": "calibration.json"}
    with pytest.raises(
        ConfigError, match=r"calibration\.json (cannot be read|is not a calibration)"
    ):
        run(config_of(tmp_path, judges, judging=judging), tmp_path / "out")


def test_too_few_labels_are_refused_before_any_call(tmp_path: Path, judges: LocalServer) -> None:
    labels = write_rows(tmp_path / "labels.jsonl", pair_rows(19))
    with pytest.raises(InputError, match=r"labels\.jsonl: 19 labels are too few"):
        calibrate_config(loaded(config_of(tmp_path, judges)), labels, tmp_path / "c.json")
    assert not judges.requests


def test_a_stopped_calibration_goes_on_where_it_stopped(
    tmp_path: Path, judges: LocalServer
) -> None:
    config = config_of(tmp_path, judges, budget={"max_calls": 50})
    labels = write_rows(tmp_path / "labels.jsonl", pair_rows(20))
    arguments = [
        "calibrate",
        str(config),
        "--labels",
        str(labels),
        "--out",
        str(tmp_path / "c.json"),
    ]
    assert CliRunner().invoke(app, arguments).exit_code == 1  # the error itself; main() gives 3
    assert not (tmp_path / "c.json").exists()
    assert 40 <= len(judges.requests) <= 50
    more = changed(config, "config.yaml", budget={"max_calls": 80})
    calibrate_config(loaded(more), labels, tmp_path / "c.json")
    assert len(judges.requests) == 80


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
            for i, row in enumerate(pair_rows(40, seed=1))
        ],
    )
    seen = evaluate_config(loaded(using), tmp_path / "labels.jsonl")
    unseen = evaluate_config(loaded(using), fresh)
    assert any("looks better than it is" in note for note in seen.notes)
    assert not any("looks better than it is" in note for note in unseen.notes)


def test_evaluate_ranks_for_a_certificate_as_a_certified_run_would(
    tmp_path: Path, judges: LocalServer
) -> None:
    config = calibrated(tmp_path, judges, number=20)
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


PAIR = {"prompt": "q", "a": "x", "b": "y"}
LIST = {"prompt": "q", "completions": ["x", "y", "z"]}


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({**PAIR, "label": "c"}, "a label must be a, b or tie; found `c`"),
        (PAIR, "the row has no `label`"),
        ({"prompt": "q", "label": "a"}, "neither `a` and `b` nor `completions`"),
        ({**LIST, "best": 3}, "0 to 2; found 3"),
        ({**LIST, "best": True}, "found True"),
        (LIST, "the row has no `best`"),
        ({**PAIR, "label": "a", "b": "x"}, "at least two different texts"),
        ({**PAIR, "label": "a", "prompt": " "}, "`prompt` is empty"),
        ({**PAIR, "label": "a", "labels": "a"}, "`labels` must be a list"),
        ({**PAIR, "label": "a", "labels": ["x"]}, "a label must be a, b or tie"),
    ],
)
def test_a_bad_label_row_is_a_skip_with_its_line(
    tmp_path: Path, row: dict[str, Any], told: str
) -> None:
    good = {"prompt": "fine", "a": "one", "b": "two", "label": "a"}
    file = write_rows(tmp_path / "labels.jsonl", [good, row])
    found = read_labels(file, RowChecks(needs_completions=True))
    assert len(found.rows) == 1
    assert f"{file}:2: " in found.skips[0].detail
    assert told in found.skips[0].detail


def test_people_decide_where_no_label_does(tmp_path: Path) -> None:
    def label(*people: str) -> dict[str, float]:
        file = write_rows(tmp_path / "labels.jsonl", [{**PAIR, "id": "p", "labels": people}])
        row = read_labels(file, RowChecks(needs_completions=True)).rows[0]
        return dict(row.label.parts)

    assert label("a", "b", "a") == {"p.c0": 1.0}
    assert label("a", "b") == {"p.c0": 0.5, "p.c1": 0.5}
    assert label("tie", "tie", "b") == {"p.c0": 0.5, "p.c1": 0.5}


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_labels_may_stand_in_a_table(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"labels.{ending}"
    columns = {"prompt": "q", "a": "x", "b": "y", "label": "b", "labels": '["a", "b"]'}
    table = pa.table({name: [value] for name, value in columns.items()})
    write_table = pa_csv.write_csv if ending == "csv" else parquet.write_table
    write_table(table, file)
    found = read_labels(file, RowChecks(needs_completions=True))
    assert found.kind == "pair"
    assert found.people is not None
    assert list(found.rows[0].label.parts.values()) == [1.0]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("labels.csv", "question,a,b,label\nq,x,y,b\n"),
        ("labels.jsonl", '{"question": "q", "a": "x", "b": "y", "label": "b"}\n'),
    ],
)
def test_a_label_file_without_prompts_is_told_to_rename_the_column(
    tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=r"no .*`prompt`") as raised:
        read_labels(tmp_path / name, RowChecks(needs_completions=True))
    assert "question, a, b, label" in str(raised.value)
    assert "Rename the column" in str(raised.value)
    assert "COLUMN" not in str(raised.value)


def test_two_kinds_of_labels_need_two_files(tmp_path: Path) -> None:
    file = write_rows(tmp_path / "labels.jsonl", [{**PAIR, "label": "a"}, {**LIST, "best": 1}])
    with pytest.raises(InputError, match=r"labels\.jsonl:2: .*a file of its own"):
        read_labels(file, RowChecks(needs_completions=True))


def test_an_evaluation_survives_its_file(tmp_path: Path, judges: LocalServer) -> None:
    labels = write_rows(tmp_path / "labels.jsonl", pair_rows(20))
    out = tmp_path / "figures.json"
    report = evaluate_config(loaded(config_of(tmp_path, judges)), labels, out=out)
    assert Evaluation.model_validate_json(out.read_bytes()) == report.evaluation
