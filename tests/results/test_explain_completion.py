"""``judgeforge explain`` of one completion: its score, its judgments, and what became of it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from shutil import copytree

import pytest
from rich.console import Console

from judgeforge import cli
from judgeforge.cli.show.explanation import render_completion
from judgeforge.errors import ConfigError
from judgeforge.results.explain_completion import ExplainedCompletion, explain_completion
from tests.support.run_setup import rows


def explained(folder: Path, completion_id: str) -> ExplainedCompletion:
    found = explain_completion(folder, completion_id)
    assert found is not None
    return found


def shown(folder: Path, completion_id: str) -> str:
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(render_completion(explained(folder, completion_id)))
    return console.export_text()


def test_a_completion_of_a_pair_names_the_pair_and_has_all_its_judgments(finished: Path) -> None:
    pair = rows(finished / "pairs.jsonl")[0]
    name = pair["provenance"]["rejected_id"]
    found = explained(finished, name)
    assert f"rejected in {pair['id']}" in found.reason
    about = [row for row in rows(finished / "judgments.jsonl") if name in row["completion_ids"]]
    assert [one.id for one in found.side.judgments] == [row["id"] for row in about]
    assert found.side.score == pytest.approx(pair["score_rejected"])
    keys = {call.key for call in found.calls}
    assert {row["call"] for row in about} <= keys
    assert found.side.completion.call in keys


def test_one_in_no_pair_is_explained_as_well(finished: Path) -> None:
    sides = {
        pair["provenance"][f"{side}_id"]
        for pair in rows(finished / "pairs.jsonl")
        for side in ("chosen", "rejected")
    }
    other = next(row for row in rows(finished / "completions.jsonl") if row["id"] not in sides)
    found = explained(finished, other["id"])
    assert "it is in no pair" in found.reason
    screen = shown(finished, other["id"])
    assert other["id"] in screen
    assert f"score {other['score']:.3f}" in screen
    assert "Tell me fact number" in screen


def test_rewards_that_were_given_for_it_are_told_with_their_steps(
    finished: Path, tmp_path: Path
) -> None:
    folder = copytree(finished, tmp_path / "copy")
    name = rows(folder / "completions.jsonl")[0]["id"]
    given = [
        {"step": 3, "completion_id": name, "reward": 0.25},
        {"step": 3, "completion_id": name, "reward": 0.25},
        {"step": 9, "completion_id": name, "reward": None, "why": "the budget is used up"},
        {"step": 9, "completion_id": f"{name}0", "reward": 0.9},
    ]
    (folder / "rewards.jsonl").write_text("".join(json.dumps(row) + "\n" for row in given))
    reason = explained(folder, name).reason
    assert reason.endswith(
        "as a reward it was given as 0.250 at step 3, none at step 9 (the budget is used up)"
    )


def test_an_id_of_nothing_is_told_as_before(finished: Path, tmp_path: Path) -> None:
    assert explain_completion(finished, "p0.c99") is None
    assert explain_completion(tmp_path / "nowhere", "p0.c0") is None


def test_a_damaged_line_is_told_with_its_place(finished: Path, tmp_path: Path) -> None:
    folder = copytree(finished, tmp_path / "copy")
    name = rows(folder / "completions.jsonl")[0]["id"]
    with (folder / "judgments.jsonl").open("a") as file:
        file.write(f'{{"prompt_id": "{name.partition(".")[0]}", half a line\n')
    with pytest.raises(ConfigError, match=r"judgments\.jsonl"):
        explain_completion(folder, name)


@pytest.mark.parametrize(("named", "code"), [(True, 0), (False, 2)])
def test_the_command_takes_it_in_the_place_of_a_pair(
    finished: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    named: bool,
    code: int,
) -> None:
    name = rows(finished / "completions.jsonl")[0]["id"] if named else "nothing"
    monkeypatch.setattr("sys.argv", ["judgeforge", "explain", str(finished), name])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == code
    said = capsys.readouterr()
    assert (name in said.out) if named else ("no pair has the id `nothing`" in said.err)
