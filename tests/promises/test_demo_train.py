"""The training demonstration without its training: tasks, shipped completions, shares."""

from __future__ import annotations

import gzip
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from examples.demo_train import model
from examples.demo_train.__main__ import main
from examples.demo_train.outcome import compare, in_a_line, passed, picture
from examples.demo_train.pairs import SHIPPED, make_pairs
from examples.demo_train.tasks import held_out_tasks, training_tasks
from judgeforge.judging.checks import parse_checks_of_row


def test_no_held_out_topic_was_trained_on() -> None:
    topics = [{task["id"].split(".")[0] for task in side()} for side in SIDES]
    assert topics[0].isdisjoint(topics[1])


SIDES = (training_tasks, held_out_tasks)


def test_held_out_prompts_are_of_the_forms_that_were_trained_on() -> None:
    forms = [{task["id"].split(".")[1] for task in side()} for side in SIDES]
    assert forms[0] == forms[1]
    assert len(held_out_tasks()) * 3 >= 200


def test_code_can_check_every_task() -> None:
    for task in (*training_tasks(), *held_out_tasks()):
        assert parse_checks_of_row(task["metadata"]["checks"])


def test_the_shipped_completions_are_of_the_tasks() -> None:
    rows = [json.loads(line) for line in gzip.decompress(SHIPPED.read_bytes()).splitlines()]
    bare = [{key: row[key] for key in ("id", "prompt", "metadata")} for row in rows]
    assert bare == training_tasks()
    assert {len(row["completions"]) for row in rows} == {4}


@pytest.mark.slow
def test_every_pair_passes_more_checks_on_its_chosen_side(tmp_path: Path) -> None:
    pairs = make_pairs(tmp_path / "pairs")
    assert len(pairs) >= 150
    assert min(pairs["score_margin"]) >= 0.05
    checks = {task["id"]: task["metadata"]["checks"] for task in training_tasks()}
    tasks = [{"metadata": {"checks": checks[pair["prompt_id"]]}} for pair in pairs]
    sides = [
        passed(tasks, [[pair[side][-1]["content"]] for pair in pairs]).mean()
        for side in ("chosen", "rejected")
    ]
    assert sides[0] > sides[1] + 0.5
    assert pairs[0]["prompt"][0]["role"] == "system"


def test_shares_and_their_difference_come_with_intervals() -> None:
    tasks = [{"id": f"{n}.brief", "metadata": {"checks": {"max_words": 2}}} for n in range(50)]
    before = passed(tasks, [["one two", "one two three"]] * 50)
    after = passed(tasks, [["one", "one two"]] * 40 + [["one", "one two three"]] * 10)
    outcome = compare(tasks, before, after)
    assert (outcome.before.percent, outcome.after.percent) == (50.0, 90.0)
    assert outcome.gain.percent == 40.0
    assert outcome.gain.low < 40.0 < outcome.gain.high
    assert (outcome.prompts, outcome.answers) == (50, 100)
    assert outcome.forms == {"brief": (50.0, 90.0)}
    assert "50.0 % [50.0, 50.0] before, 90.0 % [" in in_a_line(outcome)
    assert picture(outcome, "title").count("<circle") == 2 + 2 + 2


def test_the_interval_is_of_prompts_and_not_of_answers() -> None:
    """Answers to one prompt are alike: a hundred of them say little about other prompts."""
    tasks = [{"id": "a.b", "metadata": {"checks": {"max_words": 2}}}] * 10
    all_or_nothing = np.repeat([[0.0], [1.0]], 5, axis=0) * np.ones((1, 100))
    outcome = compare(tasks, all_or_nothing, all_or_nothing)
    assert outcome.before.high - outcome.before.low > 50
    assert outcome.gain.high == 0.0


@pytest.mark.parametrize("missing", ["torch", "trl", "gguf", model.WHEEL])
def test_what_is_not_installed_is_named_with_what_to_do(
    missing: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    real = importlib.util.find_spec

    def find(name: str) -> object:
        if name == missing:
            return None
        return real("json") if name in {"torch", "trl", "gguf", model.WHEEL} else real(name)

    monkeypatch.setattr(importlib.util, "find_spec", find)
    assert main(["--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert "pip install" in said
    assert missing in said or "embedded model" in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("wrong", ["--epochs=0", "--samples=0", "--prompts=1", "--pairs=0"])
def test_numbers_that_make_no_sense_are_refused(wrong: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["--out", str(tmp_path), wrong])
    assert refused.value.code == 2
