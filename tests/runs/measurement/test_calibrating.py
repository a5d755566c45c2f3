"""`calibrate` against the local server, and a run that uses what it found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from judgeforge.calibration.calibration import Calibration
from judgeforge.cli import app
from judgeforge.errors import ConfigError, InputError
from judgeforge.runs.measurement.calibrating import CalibrationReport, calibrate_config
from judgeforge.runs.measurement.evaluating import evaluate_config
from tests.local_server import LocalServer
from tests.support.label_files import best_rows, pair_rows, write_rows
from tests.support.measured_judges import JUDGES, calibrated, changed, config_of, loaded
from tests.support.run_setup import rows, run


@pytest.mark.slow
def test_calibrate_on_the_command_line_weighs_the_better_judge_more(
    tmp_path: Path, judges: LocalServer
) -> None:
    config = config_of(tmp_path, judges)
    labels = write_rows(tmp_path / "labels.jsonl", [*pair_rows(60), {"prompt": "x", "a": "y"}])
    out = tmp_path / "measured" / "calibration.json"
    said = CliRunner().invoke(
        app, ["calibrate", str(config), "--labels", str(labels), "--out", str(out), "--quiet"]
    )
    assert said.exit_code == 0, said.output
    assert "60 labels of the kind `pair`" in said.output
    assert "labels.jsonl:61: the row has `a` and no `b`" in said.output
    assert "predicted by labels" in said.output
    assert "`judging.calibration: measured/calibration.json`" in said.output
    found = Calibration.model_validate_json(out.read_bytes())
    reliability = found.labelled.reliability
    assert reliability.source == "labels"
    assert reliability.of("sharp").discrimination > reliability.of("blunt").discrimination


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_run_keeps_its_promise_and_says_it(tmp_path: Path, judges: LocalServer) -> None:
    scoring = {"judges": [{"model": "sharp"}, {"model": "small"}, {"model": "blunt"}]}
    config = config_of(tmp_path, judges, judging=scoring, prompts=20)
    labels = write_rows(tmp_path / "labels.jsonl", best_rows(60))
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
    assert about["labels"] == 60
    assert about["share_kept"] == pytest.approx(len(chosen) / 20)
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


@pytest.mark.slow
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
@pytest.mark.slow
def test_other_judges_than_calibrated_are_refused_before_any_call(
    tmp_path: Path, judges: LocalServer, part: dict[str, Any], told: str
) -> None:
    config = calibrated(tmp_path, judges)
    sent = len(judges.requests)
    other = changed(config, "other.yaml", judging={**part, "calibration": "calibration.json"})
    with pytest.raises(ConfigError, match="was made with other judges") as error:
        run(other, tmp_path / "out")
    assert told in str(error.value)
    assert error.value.key == "judging.calibration"
    assert len(judges.requests) == sent


def test_another_rubric_is_refused(tmp_path: Path, judges: LocalServer) -> None:
    config = calibrated(tmp_path, judges)
    rubric = tmp_path / "rubric.yaml"
    rubric.write_text(rubric.read_text().replace("how good", "how bad"))
    rubric.write_text(rubric.read_text().replace("How good is", "How true is"))
    other = changed(config, "other.yaml", judging={"calibration": "calibration.json"})
    with pytest.raises(ConfigError, match=r"rubric\.sha256"):
        run(other, tmp_path / "out")


@pytest.mark.slow
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
    promised = changed(
        using,
        "promised.yaml",
        judging={"calibration": "calibration.json"},
        pairing={"max_error": 0.05},
    )
    with pytest.raises(ConfigError, match=r"rules of asking them.*asked\.max_error"):
        run(promised, tmp_path / "out3")
    assert not any("max_error" in note for note in everybody.notes)
    assert "set it and calibrate again" in blunt_only.notes[-1]


def share_right(report: CalibrationReport) -> float:
    results = report.calibration.results
    return sum(one.right for one in results) / len(results)


@pytest.mark.slow
def test_a_changed_calibration_is_another_run(tmp_path: Path, judges: LocalServer) -> None:
    config = calibrated(tmp_path, judges)
    using = changed(config, "using.yaml", judging={"calibration": "calibration.json"})
    run(using, tmp_path / "out")
    calibrated(tmp_path, judges, number=30)
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


def test_nothing_but_an_earlier_result_is_replaced_and_that_is_told_before_any_call(
    tmp_path: Path, judges: LocalServer
) -> None:
    config = config_of(tmp_path, judges)
    labels = write_rows(tmp_path / "labels.jsonl", pair_rows(20))
    for mine in (labels, config):
        before = mine.read_bytes()
        with pytest.raises(ConfigError, match="there already and is no calibration"):
            calibrate_config(loaded(config), labels, mine)
        with pytest.raises(ConfigError, match="there already and is no evaluation"):
            evaluate_config(loaded(config), labels, out=mine)
        assert mine.read_bytes() == before
    with pytest.raises(ConfigError, match=r"cannot be written there \(Is a directory\)"):
        calibrate_config(loaded(config), labels, tmp_path)
    assert judges.requests == []


def test_too_few_labels_are_refused_before_any_call(tmp_path: Path, judges: LocalServer) -> None:
    labels = write_rows(tmp_path / "labels.jsonl", pair_rows(19))
    with pytest.raises(InputError, match=r"labels\.jsonl: 19 labels are too few"):
        calibrate_config(loaded(config_of(tmp_path, judges)), labels, tmp_path / "c.json")
    assert not judges.requests


@pytest.mark.parametrize(
    ("file", "told"),
    [
        (None, "what code checks needs no measure"),
        ("answers.jsonl", "judgments made elsewhere are measured by `judgeforge.evaluate`"),
    ],
)
def test_where_no_judge_is_named_none_can_be_measured(
    tmp_path: Path, judges: LocalServer, file: str | None, told: str
) -> None:
    config = loaded(config_of(tmp_path, judges))
    judging = config.judging.model_copy(
        update={"judges": (), "judgments": file and tmp_path / file}
    )
    bare = config.model_copy(update={"judging": judging})
    labels = write_rows(tmp_path / "labels.jsonl", pair_rows(20))
    with pytest.raises(ConfigError, match="no judge is named, so there is none to measure") as no:
        evaluate_config(bare, labels)
    assert told in str(no.value)


@pytest.mark.slow
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
